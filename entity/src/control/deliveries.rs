//! Messages to others that wait to be sent, and those that nobody took.

use sea_orm::entity::prelude::*;

/// Whether a message is still tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum DeliveryState {
    /// It is tried until somebody takes it. Then the row goes.
    #[sea_orm(string_value = "pending")]
    Pending,
    /// Nobody took it.
    #[sea_orm(string_value = "dead")]
    Dead,
}

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "deliveries")]
pub struct Model {
    /// The tenant that the row belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// The message. Of several about one subject the smaller goes first.
    #[sea_orm(primary_key, auto_increment = false)]
    pub delivery_id: Uuid,
    /// What kind of message it is.
    #[sea_orm(column_type = "Text")]
    pub kind: String,
    /// To whom: what that is depends on the kind.
    #[sea_orm(column_type = "Text")]
    pub target: String,
    /// What it is about, where the order among messages to one target counts.
    #[sea_orm(column_type = "Text", nullable)]
    pub subject: Option<String>,
    /// What it says; the kind's own document.
    #[sea_orm(column_type = "JsonBinary")]
    pub payload: Json,
    /// Whether it is still tried.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: i32,
    /// When it is tried next; while it is being sent, when it may be taken for lost; of a dead one, when
    /// it was given up. Unix milliseconds.
    pub next_attempt_at: i64,
    /// When it was put in, for the last time if it was given up in between. Unix milliseconds.
    pub created_at: i64,
    /// Why the last attempt failed.
    #[sea_orm(column_type = "Text", nullable)]
    pub last_error: Option<String>,
}

/// Joins are written where they are needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
