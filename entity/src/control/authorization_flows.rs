//! Authorization requests that wait for their user.

use sea_orm::entity::prelude::*;

/// Where an authorization flow stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum FlowState {
    /// Waits for its user.
    #[sea_orm(string_value = "open")]
    Open,
    /// A code was issued.
    #[sea_orm(string_value = "completed")]
    Completed,
    /// It ended in an error.
    #[sea_orm(string_value = "refused")]
    Refused,
}

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "authorization_flows")]
pub struct Model {
    /// The tenant that the row belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// The flow.
    #[sea_orm(primary_key, auto_increment = false)]
    pub flow_id: Uuid,
    /// Who asks.
    #[sea_orm(column_type = "Text")]
    pub client_id: String,
    /// The validated request, one typed document.
    #[sea_orm(column_type = "JsonBinary")]
    pub request: Json,
    /// SHA-256 of the browser's secret, 32 bytes, once one is bound to it.
    #[sea_orm(column_type = "Blob", nullable)]
    pub browser_hash: Option<Vec<u8>>,
    /// The session that answers, once somebody signed in.
    pub session_id: Option<Uuid>,
    /// The session that its user chose among those of the browser.
    pub chosen_session_id: Option<Uuid>,
    /// The page of the account console that it leads to, where it isn't a client's.
    #[sea_orm(column_type = "Text", nullable)]
    pub account_page: Option<String>,
    /// Whether it still waits.
    pub state: FlowState,
    /// When it came. Unix milliseconds.
    pub created_at: i64,
    /// When it is given up. Unix milliseconds.
    pub expires_at: i64,
}

/// Joins are written where they are needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
