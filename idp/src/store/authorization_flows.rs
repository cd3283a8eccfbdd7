//! Authorization flows. Each step is one conditional update, so that of two requests at once one makes it.

use entity::control::authorization_flows::{Column, Entity, FlowState as RowState, Model};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, EntityTrait, IntoActiveModel as _, QueryFilter};

use super::StoreError;
use super::housekeeping::delete_batch;
use super::row::{Only as _, Place};
use super::tx::{Reader, Tx};
use crate::domain::authorization_flow::AuthorizationFlow;
use crate::domain::{FlowId, SessionId, TenantId, Timestamp};

const TABLE: &str = "authorization_flows";
const REQUEST: Place = Place(TABLE, "request");

impl TryFrom<Model> for AuthorizationFlow {
    type Error = StoreError;

    fn try_from(row: Model) -> Result<Self, StoreError> {
        Ok(Self {
            id: FlowId::from_uuid(row.flow_id),
            client_id: Place(TABLE, "client_id").parse(row.client_id)?,
            request: REQUEST.read_json(row.request)?,
            account_page: Place(TABLE, "account_page").parse_optional(row.account_page)?,
            browser_hash: Place(TABLE, "browser_hash").parse_optional(row.browser_hash)?,
            session_id: row.session_id.map(SessionId::from_uuid),
            chosen_session_id: row.chosen_session_id.map(SessionId::from_uuid),
            state: row.state.into(),
            created_at: Timestamp::from_millis(row.created_at),
            expires_at: Timestamp::from_millis(row.expires_at),
        })
    }
}

fn open(tenant: TenantId, id: FlowId) -> Condition {
    Condition::all()
        .add(Column::TenantId.eq(tenant.uuid()))
        .add(Column::FlowId.eq(id.uuid()))
        .add(Column::State.eq(RowState::Open))
}

async fn change(tx: &Tx, which: Condition, column: Column, to: Expr) -> Result<bool, StoreError> {
    let changed = Entity::update_many().col_expr(column, to).filter(which).exec(tx).await?;
    Ok(changed.rows_affected > 0)
}

/// Adds a flow.
///
/// # Errors
/// [`StoreError::Missing`] if there is no such tenant.
pub async fn insert(tx: &Tx, tenant: TenantId, flow: &AuthorizationFlow) -> Result<(), StoreError> {
    let row = Model {
        tenant_id: tenant.uuid(),
        flow_id: flow.id.uuid(),
        client_id: flow.client_id.to_string(),
        request: REQUEST.write_json(&flow.request)?,
        account_page: flow.account_page.map(|page| page.as_str().to_owned()),
        browser_hash: flow.browser_hash.map(Vec::from),
        session_id: flow.session_id.map(SessionId::uuid),
        chosen_session_id: flow.chosen_session_id.map(SessionId::uuid),
        state: flow.state.into(),
        created_at: flow.created_at.millis(),
        expires_at: flow.expires_at.millis(),
    };
    Entity::insert(row.into_active_model()).exec_without_returning(tx).await?;
    Ok(())
}

/// The flow of this id, in whatever state.
pub async fn find(db: &impl Reader, tenant: TenantId, id: FlowId) -> Result<Option<AuthorizationFlow>, StoreError> {
    let row = Entity::find_by_id((tenant.uuid(), id.uuid())).only(db).await?;
    row.map(AuthorizationFlow::try_from).transpose()
}

/// Binds an open flow to the browser whose secret has this SHA-256; `false` if it is bound to another. A browser may load
/// the page twice at once.
pub async fn bind_browser(tx: &Tx, tenant: TenantId, id: FlowId, browser_hash: &[u8; 32]) -> Result<bool, StoreError> {
    let theirs =
        Condition::any().add(Column::BrowserHash.is_null()).add(Column::BrowserHash.eq(browser_hash.as_slice()));
    change(tx, open(tenant, id).add(theirs), Column::BrowserHash, Expr::value(browser_hash.as_slice())).await
}

/// Notes the session that began, or was renewed, on the page of an open flow, and so is chosen for it.
pub async fn set_session(tx: &Tx, tenant: TenantId, id: FlowId, session: SessionId) -> Result<bool, StoreError> {
    let changed = Entity::update_many()
        .col_expr(Column::SessionId, Expr::value(session.uuid()))
        .col_expr(Column::ChosenSessionId, Expr::value(session.uuid()))
        .filter(open(tenant, id))
        .exec(tx)
        .await?;
    Ok(changed.rows_affected > 0)
}

/// Notes the session that the user of an open flow chose; `false` if the flow isn't open.
pub async fn choose_session(tx: &Tx, tenant: TenantId, id: FlowId, session: SessionId) -> Result<bool, StoreError> {
    change(tx, open(tenant, id), Column::ChosenSessionId, Expr::value(session.uuid())).await
}

/// Closes a flow that a code was issued for; `false` if it isn't open or its time is up.
pub async fn complete(tx: &Tx, tenant: TenantId, id: FlowId, now: Timestamp) -> Result<bool, StoreError> {
    let in_time = open(tenant, id).add(Column::ExpiresAt.gt(now.millis()));
    change(tx, in_time, Column::State, Expr::value(RowState::Completed)).await
}

/// Closes a flow that ended in an error; `false` if it isn't open or its time is up.
pub async fn refuse(tx: &Tx, tenant: TenantId, id: FlowId, now: Timestamp) -> Result<bool, StoreError> {
    let in_time = open(tenant, id).add(Column::ExpiresAt.gt(now.millis()));
    change(tx, in_time, Column::State, Expr::value(RowState::Refused)).await
}

/// Deletes at most `limit` flows, of any tenant, whose time is up.
pub async fn delete_expired(tx: &Tx, now: Timestamp, limit: u64) -> Result<u64, StoreError> {
    delete_batch::<Entity>(tx, Column::ExpiresAt.lte(now.millis()), limit).await
}
