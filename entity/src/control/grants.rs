//! What clients got.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "grants")]
pub struct Model {
    /// The tenant that the row belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// The grant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub grant_id: Uuid,
    /// Who gave it.
    pub user_id: Uuid,
    /// Who got it.
    #[sea_orm(column_type = "Text")]
    pub client_id: String,
    /// The session that it was given in.
    pub session_id: Option<Uuid>,
    /// The scopes, separated by spaces.
    #[sea_orm(column_type = "Text")]
    pub scope: String,
    /// The claims that were asked for one by one, one typed document.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub claims: Option<Json>,
    /// Whether it outlives its session.
    pub offline: bool,
    /// What its tokens say of the sign-in, one typed document; only where there are later ones.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub authentication: Option<Json>,
    /// When it was given. Unix milliseconds.
    pub created_at: i64,
    /// When it ends by itself, if ever. Unix milliseconds.
    pub expires_at: Option<i64>,
    /// When it was taken back. Unix milliseconds.
    pub revoked_at: Option<i64>,
}

/// Joins are written where they are needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
