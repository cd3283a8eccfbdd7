//! What a person has is listed without reading more than is shown: their sessions by age, and the clients whose grants
//! outlive their session. Each index takes the place of the one that it begins with.

use sea_orm_migration::prelude::*;

use super::table::index;

/// The step.
#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[expect(elided_lifetimes_in_paths, reason = "`async_trait` wants it written as in the trait")]
#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let by_age = index("sessions", "sessions_of_user_idx", &["tenant_id", "user_id", "ended_at", "session_id"]);
        manager.create_index(by_age).await?;
        manager.drop_index(Index::drop().name("sessions_user_id_idx").table("sessions").to_owned()).await?;
        let by_client = index("grants", "grants_of_user_idx", &["tenant_id", "user_id", "offline", "client_id"]);
        manager.create_index(by_client).await?;
        manager.drop_index(Index::drop().name("grants_user_id_idx").table("grants").to_owned()).await
    }
}
