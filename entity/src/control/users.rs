//! People known to a tenant.

use sea_orm::entity::prelude::*;

/// Whether a person may sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum UserStatus {
    /// May sign in.
    #[sea_orm(string_value = "active")]
    Active,
    /// Switched off by an administrator.
    #[sea_orm(string_value = "disabled")]
    Disabled,
    /// Locked until an administrator looks at it.
    #[sea_orm(string_value = "locked")]
    Locked,
}

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    /// The tenant that the row belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// The person; the `sub` of the tokens.
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: Uuid,
    /// Whether the person may sign in.
    pub status: UserStatus,
    /// The address as it was given.
    #[sea_orm(column_type = "Text", nullable)]
    pub email: Option<String>,
    /// The address in lower case; unique in the tenant.
    #[sea_orm(column_type = "Text", nullable)]
    pub email_lower: Option<String>,
    /// Whether the address was shown to be theirs.
    pub email_verified: bool,
    /// The user name as it was given.
    #[sea_orm(column_type = "Text", nullable)]
    pub username: Option<String>,
    /// The user name in lower case; unique in the tenant.
    #[sea_orm(column_type = "Text", nullable)]
    pub username_lower: Option<String>,
    /// Their roles: a list of strings.
    #[sea_orm(column_type = "JsonBinary")]
    pub roles: Json,
    /// Standard claims other than the address (OpenID Connect Core §5.1).
    #[sea_orm(column_type = "JsonBinary")]
    pub profile: Json,
    /// When they were last seen, if ever. Unix milliseconds.
    pub last_activity_at: Option<i64>,
    /// When the row was made. Unix milliseconds.
    pub created_at: i64,
    /// When the row was last changed. Unix milliseconds.
    pub updated_at: i64,
}

/// Joins are written where they are needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
