//! What a person proves their identity with.

use sea_orm::entity::prelude::*;

/// Kinds of credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum CredentialKind {
    /// A password hash.
    #[sea_orm(string_value = "password")]
    Password,
}

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "credentials")]
pub struct Model {
    /// The tenant that the row belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// Whose it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: Uuid,
    /// The credential.
    #[sea_orm(primary_key, auto_increment = false)]
    pub credential_id: Uuid,
    /// What it is; a person has one password at most.
    pub kind: CredentialKind,
    /// The password hash, a PHC string.
    #[sea_orm(column_type = "Text")]
    pub secret: String,
    /// When the row was made. Unix milliseconds.
    pub created_at: i64,
    /// When the row was last changed. Unix milliseconds.
    pub updated_at: i64,
}

/// Joins are written where they are needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
