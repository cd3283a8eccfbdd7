//! People signed in on a device.

use sea_orm::entity::prelude::*;

/// Which way a session began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum SessionOrigin {
    /// On a hosted page.
    #[sea_orm(string_value = "page")]
    Page,
    /// At the first-party API.
    #[sea_orm(string_value = "first_party")]
    FirstParty,
}

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sessions")]
pub struct Model {
    /// The tenant that the row belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// The session; the `sid` of the tokens.
    #[sea_orm(primary_key, auto_increment = false)]
    pub session_id: Uuid,
    /// Who is signed in.
    pub user_id: Uuid,
    /// SHA-256 of the cookie's secret, 32 bytes; unique in the tenant.
    #[sea_orm(column_type = "Blob")]
    pub secret_hash: Vec<u8>,
    /// When they proved who they are. Unix milliseconds.
    pub auth_time: i64,
    /// How: RFC 8176 values.
    #[sea_orm(column_type = "JsonBinary")]
    pub amr: Json,
    /// The level reached, if one is defined.
    #[sea_orm(column_type = "Text", nullable)]
    pub acr: Option<String>,
    /// What the browser calls itself.
    #[sea_orm(column_type = "Text", nullable)]
    pub user_agent: Option<String>,
    /// The address that it came from.
    #[sea_orm(column_type = "Text", nullable)]
    pub address: Option<String>,
    /// Which way it began.
    pub origin: SessionOrigin,
    /// How long it may rest. Milliseconds.
    pub idle_timeout: i64,
    /// When it began. Unix milliseconds.
    pub created_at: i64,
    /// When it was last used. Unix milliseconds.
    pub last_seen_at: i64,
    /// When it ends by itself. Unix milliseconds.
    pub expires_at: i64,
    /// When it was ended. Unix milliseconds.
    pub ended_at: Option<i64>,
}

/// Joins are written where they are needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
