//! Sessions that are over by themselves are found: those that nobody ended, by when their time is up.

use sea_orm_migration::prelude::*;

/// The step.
#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[expect(elided_lifetimes_in_paths, reason = "`async_trait` wants it written as in the trait")]
#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let index = "CREATE INDEX sessions_over_idx ON sessions \
             ((CASE WHEN expires_at < last_seen_at + idle_timeout THEN expires_at ELSE last_seen_at + idle_timeout END)) \
             WHERE ended_at IS NULL";
        manager.get_connection().execute_unprepared(index).await.map(drop)
    }
}
