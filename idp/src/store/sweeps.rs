//! Ending all that a tenant or a client has at once. One row says until when what began is over, and every lookup asks
//! it; that a million other rows are over as well is written into them later, a batch at a time.

use entity::control::sweeps::{Column, Entity, Model};
use entity::control::{clients, tenants};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel as _, QueryFilter, QueryOrder as _};

use super::StoreError;
use super::changes::{self, Change};
use super::row::Place;
use crate::domain::ids::SweepId;
use crate::domain::session::EndReason;
use crate::domain::{ClientId, TenantId, Timestamp};

/// Rows that are left to be swept up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sweep {
    /// Its identifier; in order of time.
    pub id: SweepId,
    /// Whose grants; all sessions and grants of the tenant where there is none.
    pub client_id: Option<ClientId>,
    /// Why they ended.
    pub reason: EndReason,
    /// What began until then has ended.
    pub until: Timestamp,
}

impl TryFrom<Model> for Sweep {
    type Error = StoreError;

    fn try_from(row: Model) -> Result<Self, StoreError> {
        Ok(Self {
            id: SweepId::from_uuid(row.sweep_id),
            client_id: Place("sweeps", "client_id").parse_optional(row.client_id)?,
            reason: EndReason::from_name(&row.reason).ok_or_else(|| StoreError::corrupt("sweeps", "reason"))?,
            until: Timestamp::from_millis(row.until),
        })
    }
}

/// Ends all that the sweep is about, from the next check on, and notes that its rows are left to be swept up; `false`
/// if there is no such tenant or client.
pub async fn begin(db: &impl ConnectionTrait, tenant: TenantId, sweep: &Sweep) -> Result<bool, StoreError> {
    let until = Expr::value(sweep.until.millis());
    let marked = match &sweep.client_id {
        None => {
            changes::note(Change::Tenant(tenant));
            let this = tenants::Column::TenantId.eq(tenant.uuid());
            tenants::Entity::update_many().col_expr(tenants::Column::SessionsSince, until).filter(this).exec(db).await?
        }
        Some(client) => {
            changes::note(Change::Client(tenant, client.clone()));
            clients::Entity::update_many()
                .col_expr(clients::Column::GrantsSince, until)
                .filter(clients::Column::TenantId.eq(tenant.uuid()))
                .filter(clients::Column::ClientId.eq(client.as_str()))
                .exec(db)
                .await?
        }
    };
    if marked.rows_affected == 0 {
        return Ok(false);
    }
    let row = Model {
        tenant_id: tenant.uuid(),
        sweep_id: sweep.id.uuid(),
        client_id: sweep.client_id.as_ref().map(ToString::to_string),
        reason: sweep.reason.as_str().to_owned(),
        until: sweep.until.millis(),
    };
    Entity::insert(row.into_active_model()).exec_without_returning(db).await?;
    Ok(true)
}

/// The oldest sweep of any tenant that isn't done.
pub async fn next(db: &impl ConnectionTrait) -> Result<Option<(TenantId, Sweep)>, StoreError> {
    let row = Entity::find().order_by_asc(Column::SweepId).one(db).await?;
    row.map(|row| Ok((TenantId::from_uuid(row.tenant_id), row.try_into()?))).transpose()
}

/// Forgets a sweep that is done.
pub async fn finish(db: &impl ConnectionTrait, tenant: TenantId, id: SweepId) -> Result<(), StoreError> {
    let this = Column::TenantId.eq(tenant.uuid());
    Entity::delete_many().filter(this).filter(Column::SweepId.eq(id.uuid())).exec(db).await?;
    Ok(())
}
