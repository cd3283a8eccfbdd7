//! What a tenant writes in order: events, and the lines of the audit log, each of which has the hash of the one before
//! in its own.
//!
//! Lines are gathered while a transaction does its work and written as its last step, in bulk. Whoever writes takes the
//! tenant's head first and keeps it until the commit: the places of a tenant's lines have no gaps, and a line that can
//! be read has no line before it that can't be read yet. A reader that goes on from the last place that it saw misses
//! nothing. On SQLite all jobs that share a commit share these statements.
//!
//! Decided against a sequence of the database: it gives a place to a transaction that may commit late, behind the back
//! of a reader who has been there. See `docs/decisions/0012-a-tenants-ledgers-have-one-head.md`.

use std::collections::BTreeMap;

use entity::control::{audit_events, ledger_heads, outbox_events};
use sea_orm::sea_query::{
    Alias, CommonTableExpression, Expr, ExprTrait as _, InsertStatement, UpdateStatement, WithClause,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, IntoActiveModel as _, QueryFilter, QueryTrait as _,
};

use super::StoreError;
use super::audit_chain::{self, Link};
use super::line::Line;
use super::row::insert_if_absent;
use crate::domain::TenantId;

/// How many rows go into one statement: databases bound the number of its values.
pub(super) const AT_ONCE: usize = 500;

/// Writes lines, each in its tenant's order. Nothing else may be done in the transaction afterwards that waits.
pub(super) async fn write(db: &impl ConnectionTrait, lines: Vec<Line>) -> Result<(), StoreError> {
    // Tenants in one order for everybody: two transactions that write to the same two don't wait for one another.
    let mut tenants: BTreeMap<TenantId, Vec<Line>> = BTreeMap::new();
    for line in lines {
        tenants.entry(line.tenant()).or_default().push(line);
    }
    for (tenant, lines) in tenants {
        write_of_tenant(db, tenant, lines).await?;
    }
    Ok(())
}

async fn write_of_tenant(db: &impl ConnectionTrait, tenant: TenantId, lines: Vec<Line>) -> Result<(), StoreError> {
    let (mut events, mut audited) = (Vec::new(), Vec::new());
    for line in lines {
        match line {
            Line::Event(row) => events.push(row),
            Line::Audit(row) => audited.push(row),
        }
    }
    let count = |rows: usize| i64::try_from(rows).unwrap_or(i64::MAX);
    let head = take_head(db, tenant, (count(events.len()), count(audited.len()))).await?;
    let first = head.event_position - count(events.len()) + 1;
    for (row, position) in events.iter_mut().zip(first..) {
        row.position = position;
    }
    let mut events = events.chunks(AT_ONCE).map(|rows| {
        let rows = rows.iter().cloned().map(outbox_events::Model::into_active_model);
        outbox_events::Entity::insert_many(rows).into_query()
    });
    if !audited.is_empty() {
        write_audit(db, tenant, &head, audited, events.next()).await?;
    }
    for rows in events {
        db.execute(&rows).await?;
    }
    Ok(())
}

/// Goes on with the chain that ends where the head was before it was moved, and adds events with it.
async fn write_audit(
    db: &impl ConnectionTrait,
    tenant: TenantId,
    head: &ledger_heads::Model,
    mut rows: Vec<audit_events::Model>,
    events: Option<InsertStatement>,
) -> Result<(), StoreError> {
    use ledger_heads::{Column, Entity};
    let before = head.audit_sequence - i64::try_from(rows.len()).unwrap_or(i64::MAX);
    let mut last = Link::read(before, head.audit_hash.clone())?;
    for row in &mut rows {
        last = audit_chain::next(&last, row);
        (row.sequence, row.hash) = (Some(last.sequence), Some(last.hash.to_vec()));
    }
    let head = Entity::update_many()
        .col_expr(Column::AuditHash, Expr::value(last.hash.as_slice()))
        .filter(Column::TenantId.eq(tenant.uuid()))
        .into_query();
    if !audit_chain::add(db, &rows, Some(Beside { head, events })).await? {
        // Only whoever wrote past the head can have been there.
        audit_chain::set_aside(db, tenant, &rows).await?;
        if !audit_chain::add(db, &rows, None).await? {
            return Err(StoreError::corrupt("audit_events", "sequence"));
        }
    }
    Ok(())
}

/// What is written together with lines of the audit log.
pub(super) struct Beside {
    /// Moves the head's hash on.
    head: UpdateStatement,
    /// Adds events.
    events: Option<InsertStatement>,
}

impl Beside {
    /// Adds lines with it, and says how many lines were added. While the head is taken others wait: on PostgreSQL this is
    /// one statement, and one round trip. SQLite, which is no journey away, has no statement that changes several tables.
    pub(super) async fn add(self, db: &impl ConnectionTrait, lines: InsertStatement) -> Result<u64, StoreError> {
        let Self { head, events } = self;
        let added = if db.get_database_backend() == DbBackend::Postgres {
            let named = |name| CommonTableExpression::new().table_name(Alias::new(name)).to_owned();
            let mut with = WithClause::new();
            with.cte(named("head").query(head).to_owned());
            if let Some(events) = events {
                with.cte(named("events").query(events).to_owned());
            }
            db.execute(&with.query(lines)).await?
        } else {
            db.execute(&head).await?;
            if let Some(events) = &events {
                db.execute(events).await?;
            }
            db.execute(&lines).await?
        };
        Ok(added.rows_affected())
    }
}

/// Takes the tenant's head, moves it on by so many events and lines of the audit log, and says where it is then. Others
/// wait until the commit.
async fn take_head(
    db: &impl ConnectionTrait,
    tenant: TenantId,
    (events, audited): (i64, i64),
) -> Result<ledger_heads::Model, StoreError> {
    use ledger_heads::{Column, Entity, Model};
    for _ in 0..2 {
        let rows = Entity::update_many()
            .col_expr(Column::EventPosition, Expr::col(Column::EventPosition).add(events))
            .col_expr(Column::AuditSequence, Expr::col(Column::AuditSequence).add(audited))
            .filter(Column::TenantId.eq(tenant.uuid()))
            .exec_with_returning(db)
            .await?;
        if let Some(head) = rows.into_iter().next() {
            return Ok(head);
        }
        // The tenant's first.
        let first = Model {
            tenant_id: tenant.uuid(),
            event_position: 0,
            audit_sequence: 0,
            audit_hash: None,
            audit_anchor_sequence: 0,
            audit_anchor_hash: None,
            audit_anchor_at: None,
            audit_unchained: 0,
        };
        insert_if_absent::<Entity, _>(db, first).await?;
    }
    Err(StoreError::corrupt("ledger_heads", "tenant_id"))
}
