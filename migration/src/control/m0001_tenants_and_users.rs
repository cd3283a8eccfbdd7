//! Tenants, the people known to them, and the counter of changes.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::prelude::Uuid;

use super::table::{belongs_to, index, instant, json, one_of, optional, table, text, uuid};

/// The step.
#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[expect(elided_lifetimes_in_paths, reason = "`async_trait` wants it written as in the trait")]
#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        tenants(manager).await?;
        users(manager).await?;
        credentials(manager).await?;
        change_counter(manager).await
    }
}

async fn tenants(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let tenants = table("tenants", &["tenant_id"])
        .col(text("slug"))
        .col(text("issuer"))
        .col(text("name"))
        .col(one_of("status", &["active", "suspended"]))
        .col(json("settings"))
        .col(instant("created_at"))
        .col(instant("updated_at"))
        .take();
    manager.create_table(tenants).await?;
    manager.create_index(index("tenants", "tenants_slug_key", &["slug"]).unique().take()).await?;
    manager.create_index(index("tenants", "tenants_issuer_key", &["issuer"]).unique().take()).await
}

async fn users(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let users = table("users", &["tenant_id", "user_id"])
        .col(uuid("user_id"))
        .col(one_of("status", &["active", "disabled", "locked"]))
        .col(optional(text("email")))
        .col(optional(text("email_lower")))
        .col(ColumnDef::new("email_verified").boolean().not_null())
        .col(optional(text("username")))
        .col(optional(text("username_lower")))
        .col(json("roles"))
        .col(json("profile"))
        .col(optional(instant("last_activity_at")))
        .col(instant("created_at"))
        .col(instant("updated_at"))
        .check(Expr::cust("(email IS NULL) = (email_lower IS NULL)"))
        .check(Expr::cust("(username IS NULL) = (username_lower IS NULL)"))
        // A name to sign in with is an address or a user name, never both.
        .check(Expr::cust("username_lower NOT LIKE '%@%'"))
        .foreign_key(&mut belongs_to("tenants", &["tenant_id"]))
        .take();
    manager.create_table(users).await?;
    for (name, column) in [("users_email_lower_key", "email_lower"), ("users_username_lower_key", "username_lower")] {
        manager.create_index(index("users", name, &["tenant_id", column]).unique().take()).await?;
    }
    Ok(())
}

async fn credentials(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let credentials = table("credentials", &["tenant_id", "user_id", "credential_id"])
        .col(uuid("user_id"))
        .col(uuid("credential_id"))
        .col(one_of("kind", &["password"]))
        .col(text("secret"))
        .col(instant("created_at"))
        .col(instant("updated_at"))
        .foreign_key(&mut belongs_to("users", &["tenant_id", "user_id"]))
        .take();
    manager.create_table(credentials).await?;
    let one_password = index("credentials", "credentials_password_key", &["tenant_id", "user_id", "kind"])
        .unique()
        .and_where(Expr::col("kind").eq("password"))
        .take();
    manager.create_index(one_password).await
}

async fn change_counter(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let counter =
        table("change_counter", &["tenant_id"]).col(ColumnDef::new("revision").big_integer().not_null()).take();
    manager.create_table(counter).await?;
    let row = Query::insert()
        .into_table("change_counter")
        .columns(["tenant_id", "revision"])
        .values_panic([Uuid::nil().into(), 0_i64.into()])
        .take();
    manager.execute(row).await
}
