//! Between columns and domain types.

use entity::control as rows;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ConnectionTrait, DbErr, EntityTrait, IntoActiveModel, JsonValue, QueryTrait as _, Select, Selector, SelectorTrait,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StoreError;
use crate::domain::audit::Outcome;
use crate::domain::authorization_flow::FlowState;
use crate::domain::client::ClientStatus;
use crate::domain::delivery::DeliveryState;
use crate::domain::session::SessionOrigin;
use crate::domain::sign_in_limit::LimitKind;
use crate::domain::tenant::TenantStatus;
use crate::domain::user::UserStatus;
use crate::domain::webhook::EndpointStatus;

/// The most rows that a list has.
const LONGEST_LIST: u64 = 1000;

/// A limit within reason.
pub(super) fn page(limit: u64) -> u64 {
    limit.min(LONGEST_LIST)
}

/// Adds a row unless one with the same unique values is there; `false` if there is.
pub(super) async fn insert_if_absent<E, M>(db: &impl ConnectionTrait, row: M) -> Result<bool, StoreError>
where
    E: EntityTrait,
    M: IntoActiveModel<E::ActiveModel>,
{
    let mut insert = E::insert(row.into_active_model());
    // sea-orm's own `do_nothing` answers an error where nothing was inserted; the row count says it plainly.
    let statement = insert.query().on_conflict(OnConflict::new().do_nothing().to_owned());
    Ok(db.execute(statement).await?.rows_affected() > 0)
}

/// Reads what a unique key names.
pub(super) trait Only<M> {
    /// The one row, if it is there. The framework's own `one` adds `LIMIT ?`, and SQLite plans a statement whose limit is a
    /// parameter anew each time, which takes longer than reading the row does.
    async fn only(self, db: &impl ConnectionTrait) -> Result<Option<M>, DbErr>;
}

impl<E: EntityTrait> Only<E::Model> for Select<E> {
    async fn only(self, db: &impl ConnectionTrait) -> Result<Option<E::Model>, DbErr> {
        Ok(self.all(db).await?.into_iter().next())
    }
}

impl<S: SelectorTrait> Only<S::Item> for Selector<S> {
    async fn only(self, db: &impl ConnectionTrait) -> Result<Option<S::Item>, DbErr> {
        Ok(self.all(db).await?.into_iter().next())
    }
}

/// Where in the database a value stands; says so when the value is not valid.
#[derive(Clone, Copy)]
pub(super) struct Place(pub(super) &'static str, pub(super) &'static str);

impl Place {
    /// A text or number into the type that has its rules.
    pub(super) fn parse<T, V: TryInto<T>>(self, value: V) -> Result<T, StoreError> {
        value.try_into().map_err(|_| self.corrupt())
    }

    /// The same where there may be none.
    pub(super) fn parse_optional<T, V: TryInto<T>>(self, value: Option<V>) -> Result<Option<T>, StoreError> {
        value.map(|value| self.parse(value)).transpose()
    }

    /// A document into its type.
    pub(super) fn read_json<T: DeserializeOwned>(self, json: JsonValue) -> Result<T, StoreError> {
        serde_json::from_value(json).map_err(|_| self.corrupt())
    }

    /// A value into its document.
    pub(super) fn write_json<T: Serialize>(self, value: &T) -> Result<JsonValue, StoreError> {
        serde_json::to_value(value).map_err(|_| self.corrupt())
    }

    fn corrupt(self) -> StoreError {
        StoreError::corrupt(self.0, self.1)
    }
}

macro_rules! same_values {
    ($($row:path = $domain:path { $($value:ident),+ })+) => {$(
        impl From<$row> for $domain {
            fn from(value: $row) -> Self {
                use $row as Row;
                match value { $(Row::$value => Self::$value),+ }
            }
        }

        impl From<$domain> for $row {
            fn from(value: $domain) -> Self {
                use $domain as Domain;
                match value { $(Domain::$value => Self::$value),+ }
            }
        }
    )+};
}

same_values! {
    rows::tenants::TenantStatus = TenantStatus { Active, Suspended }
    rows::sessions::SessionOrigin = SessionOrigin { Page, FirstParty }
    rows::users::UserStatus = UserStatus { Active, Disabled, Locked }
    rows::clients::ClientStatus = ClientStatus { Active, Disabled }
    rows::authorization_flows::FlowState = FlowState { Open, Completed, Refused }
    rows::deliveries::DeliveryState = DeliveryState { Pending, Dead }
    rows::webhook_endpoints::EndpointStatus = EndpointStatus { Active, Disabled }
    rows::audit_events::AuditOutcome = Outcome { Success, Refused, Failed }
    rows::sign_in_limits::LimitKind = LimitKind { Account, Address }
}
