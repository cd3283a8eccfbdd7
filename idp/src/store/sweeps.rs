//! Ending all that a tenant or a client has at once. One row says until when what began is over, and every lookup asks
//! it; that a million other rows are over as well is written into them later, a batch at a time.

use entity::control::sweeps::{Column, Entity, Model};
use entity::control::{clients, tenants};
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel as _, QueryFilter, QueryOrder as _, QuerySelect as _};

use super::change::Change;
use super::row::{Place, page};
use super::tx::{Reader, Tx};
use super::{StoreError, grants, sessions};
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
    /// Who ended it.
    pub actor: Option<String>,
    /// The network address that this came from.
    pub address: Option<String>,
}

impl TryFrom<Model> for Sweep {
    type Error = StoreError;

    fn try_from(row: Model) -> Result<Self, StoreError> {
        Ok(Self {
            id: SweepId::from_uuid(row.sweep_id),
            client_id: Place("sweeps", "client_id").parse_optional(row.client_id)?,
            reason: EndReason::from_name(&row.reason).ok_or_else(|| StoreError::corrupt("sweeps", "reason"))?,
            until: Timestamp::from_millis(row.until),
            actor: row.actor,
            address: row.address,
        })
    }
}

/// Ends all that the sweep is about, from the next check on, and notes that its rows are left to be swept up; says until
/// when what began has ended, or nothing if there is no such tenant or client.
///
/// Clocks of nodes differ and are set back. So the end is that of what began last, if that is later than the sweep says:
/// whatever is there ends. And no two ends are at the same time, nor is a later one earlier: who knows the last one by its
/// time, as a service's own token does, knows whether there was another.
pub async fn begin(tx: &Tx, tenant: TenantId, sweep: Sweep) -> Result<Option<Sweep>, StoreError> {
    let begun = sessions::newest(tx, tenant).await?.max(grants::newest(tx, tenant).await?);
    let until = begun.map_or(sweep.until, |begun| begun.max(sweep.until)).millis();
    // In one statement: of two at once the second one sees the first one's.
    let next = |former: Expr| -> Expr { Expr::case(former.clone().gte(until), former.add(1)).finally(until).into() };
    let marked = match &sweep.client_id {
        None => {
            tx.invalidate(Change::Tenant(tenant));
            let marked = tenants::Entity::update_many()
                .col_expr(tenants::Column::SessionsSince, next(Expr::col(tenants::Column::SessionsSince)))
                .filter(tenants::Column::TenantId.eq(tenant.uuid()))
                .exec_with_returning(tx)
                .await?;
            marked.into_iter().next().and_then(|tenant| tenant.sessions_since)
        }
        Some(client) => {
            tx.invalidate(Change::Client(tenant, client.clone()));
            let marked = clients::Entity::update_many()
                .col_expr(clients::Column::GrantsSince, next(Expr::col(clients::Column::GrantsSince)))
                .filter(clients::Column::TenantId.eq(tenant.uuid()))
                .filter(clients::Column::ClientId.eq(client.as_str()))
                .exec_with_returning(tx)
                .await?;
            marked.into_iter().next().and_then(|client| client.grants_since)
        }
    };
    let Some(until) = marked else { return Ok(None) };
    let sweep = Sweep { until: Timestamp::from_millis(until), ..sweep };
    let row = Model {
        tenant_id: tenant.uuid(),
        sweep_id: sweep.id.uuid(),
        client_id: sweep.client_id.as_ref().map(ToString::to_string),
        reason: sweep.reason.as_str().to_owned(),
        until: sweep.until.millis(),
        actor: sweep.actor.clone(),
        address: sweep.address.clone(),
    };
    Entity::insert(row.into_active_model()).exec_without_returning(tx).await?;
    Ok(Some(sweep))
}

/// The time of something of a tenant's, or of one of its clients', that begins now: after the last end of everything, so
/// that it counts though the clock was set back since.
pub(super) async fn begins(
    db: &impl Reader,
    tenant: TenantId,
    client: Option<&ClientId>,
    now: Timestamp,
) -> Result<Timestamp, StoreError> {
    let this = tenants::Column::TenantId.eq(tenant.uuid());
    let of_tenant = tenants::Entity::find().select_only().column(tenants::Column::SessionsSince).filter(this);
    let mut ends: Vec<Option<i64>> = of_tenant.into_tuple().all(db).await?;
    if let Some(client) = client {
        let of_client = clients::Entity::find()
            .select_only()
            .column(clients::Column::GrantsSince)
            .filter(clients::Column::TenantId.eq(tenant.uuid()))
            .filter(clients::Column::ClientId.eq(client.as_str()));
        ends.extend(of_client.into_tuple::<Option<i64>>().all(db).await?);
    }
    let last = ends.into_iter().flatten().max();
    Ok(last.map_or(now, |last| now.after(Timestamp::from_millis(last))))
}

/// How many of the newest rows are asked for the latest of their times. Their identifiers are in order of time but for the
/// moments that passed between making one and the other.
pub(super) const NEWEST: u64 = 1000;

/// Sweeps of all tenants that aren't done, the oldest first; at most 1,000.
pub async fn left(db: &impl Reader) -> Result<Vec<(TenantId, Result<Sweep, StoreError>)>, StoreError> {
    let rows = Entity::find().order_by_asc(Column::SweepId).limit(page(u64::MAX)).all(db).await?;
    Ok(rows.into_iter().map(|row| (TenantId::from_uuid(row.tenant_id), row.try_into())).collect())
}

/// Forgets a sweep that is done.
pub async fn finish(tx: &Tx, tenant: TenantId, id: SweepId) -> Result<(), StoreError> {
    let this = Column::TenantId.eq(tenant.uuid());
    Entity::delete_many().filter(this).filter(Column::SweepId.eq(id.uuid())).exec(tx).await?;
    Ok(())
}
