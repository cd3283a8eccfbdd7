//! The audit log as a chain: each line's hash is made of the line before's and of all that the line says, so that
//! nobody changes, removes or moves a line without all that comes after it being wrong. Where the chain ends is in the
//! tenant's head.
//!
//! What it can't show by itself: that whoever may write to the database made the whole chain anew, its end and its head
//! with it. For that somebody keeps a place and its hash elsewhere, and holds the chain against it later.

use std::fmt;
use std::str::FromStr;

use entity::control::audit_events::{self, AuditOutcome, Model};
use entity::control::ledger_heads;
use sea_orm::sea_query::{Expr, ExprTrait as _, Func, OnConflict, Query, SelectStatement};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel as _, JsonValue, Order, QueryFilter,
    QueryOrder as _, QuerySelect as _, QueryTrait as _,
};
use thiserror::Error;

use super::StoreError;
use super::housekeeping::delete_batch;
use super::ledger::{self, Beside};
use super::row::{Only as _, Place};
use super::tx::{Reader, Tx};
use crate::domain::audit::Digest;
use crate::domain::ids::AuditEventId;
use crate::domain::{TenantId, Timestamp};

/// A place in a chain, and the hash of the line there. Before the first line: place 0 and a hash of zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The place; the first line's is 1.
    pub sequence: i64,
    /// The hash.
    pub hash: Digest,
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.sequence)?;
        self.hash.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A text that isn't a place and its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("expected a place and 64 hexadecimal digits, as `signet audit verify` prints them")]
pub struct LinkError;

impl FromStr for Link {
    type Err = LinkError;

    fn from_str(text: &str) -> Result<Self, LinkError> {
        let read = || {
            let (sequence, hash) = text.split_once(':')?;
            let byte = |place: usize| u8::from_str_radix(hash.get(place..place + 2)?, 16).ok();
            let bytes: Option<Vec<u8>> = (0..hash.len()).step_by(2).map(byte).collect();
            Some(Self { sequence: sequence.parse().ok()?, hash: bytes?.try_into().ok()? })
        };
        read().ok_or(LinkError)
    }
}

impl Link {
    /// From the columns of a head; no hash stands for that of place 0.
    pub(super) fn read(sequence: i64, hash: Option<Vec<u8>>) -> Result<Self, StoreError> {
        let hash = Place("ledger_heads", "audit_hash").parse_optional(hash)?.unwrap_or_default();
        Ok(Self { sequence, hash })
    }
}

/// The link of a line that comes after this one.
pub(super) fn next(last: &Link, row: &Model) -> Link {
    let sequence = last.sequence.saturating_add(1);
    let outcome = match row.outcome {
        AuditOutcome::Success => "success",
        AuditOutcome::Refused => "refused",
        AuditOutcome::Failed => "failed",
    };
    let mut text = Canonical::default();
    text.bytes(b"signet audit 1");
    text.bytes(&last.hash);
    text.bytes(&sequence.to_be_bytes());
    text.bytes(row.tenant_id.as_bytes());
    text.bytes(row.event_id.as_bytes());
    text.bytes(&row.at.to_be_bytes());
    text.bytes(row.kind.as_bytes());
    text.bytes(outcome.as_bytes());
    text.optional(row.actor.as_deref().map(str::as_bytes));
    text.optional(row.user_id.as_ref().map(|id| id.as_bytes().as_slice()));
    text.optional(row.client_id.as_deref().map(str::as_bytes));
    text.optional(row.address.as_deref().map(str::as_bytes));
    text.json(&row.detail);
    Link { sequence, hash: openssl::sha::sha256(&text.0) }
}

/// A sequence of values that can be read in one way only: each says how long it is.
#[derive(Default)]
struct Canonical(Vec<u8>);

impl Canonical {
    fn bytes(&mut self, value: &[u8]) {
        self.0.extend_from_slice(&u64::try_from(value.len()).unwrap_or(u64::MAX).to_be_bytes());
        self.0.extend_from_slice(value);
    }

    fn optional(&mut self, value: Option<&[u8]>) {
        self.0.push(u8::from(value.is_some()));
        self.bytes(value.unwrap_or_default());
    }

    /// A document, the members of its objects in order: PostgreSQL has an order of its own.
    fn json(&mut self, value: &JsonValue) {
        match value {
            JsonValue::Null => self.bytes(b"null"),
            JsonValue::Bool(yes) => self.bytes(if *yes { b"true" } else { b"false" }),
            JsonValue::Number(number) => self.bytes(number.to_string().as_bytes()),
            JsonValue::String(text) => {
                self.0.push(b'"');
                self.bytes(text.as_bytes());
            }
            JsonValue::Array(values) => {
                self.0.push(b'[');
                self.bytes(&u64::try_from(values.len()).unwrap_or(u64::MAX).to_be_bytes());
                for value in values {
                    self.json(value);
                }
            }
            JsonValue::Object(members) => {
                self.0.push(b'{');
                self.bytes(&u64::try_from(members.len()).unwrap_or(u64::MAX).to_be_bytes());
                let mut members: Vec<_> = members.iter().collect();
                members.sort_by_key(|(name, _)| *name);
                for (name, value) in members {
                    self.bytes(name.as_bytes());
                    self.json(value);
                }
            }
        }
    }
}

/// Between which places a tenant's chain is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ends {
    /// The last line that was removed because of its age.
    pub anchor: Link,
    /// When that line was written; `None` where none was removed.
    pub anchor_at: Option<Timestamp>,
    /// The last line.
    pub head: Link,
}

/// Where a tenant's chain begins and ends; `None` before the first line.
pub async fn ends(db: &impl Reader, tenant: TenantId) -> Result<Option<Ends>, StoreError> {
    let head = ledger_heads::Entity::find_by_id(tenant.uuid()).only(db).await?;
    head.map(|head| {
        Ok(Ends {
            anchor: Link::read(head.audit_anchor_sequence, head.audit_anchor_hash)?,
            anchor_at: head.audit_anchor_at.map(Timestamp::from_millis),
            head: Link::read(head.audit_sequence, head.audit_hash)?,
        })
    })
    .transpose()
}

/// A line of a chain.
#[derive(Clone, Debug)]
pub struct Line {
    /// Which.
    pub id: AuditEventId,
    /// What stands with it.
    pub stored: Link,
    row: Model,
}

impl Line {
    /// What has to stand with it, if it comes after that line.
    pub fn expected_after(&self, last: &Link) -> Link {
        next(last, &self.row)
    }
}

/// The lines of a chain after a place and up to another, in order; at most `limit`.
pub async fn lines(
    db: &impl Reader,
    tenant: TenantId,
    (after, to): (i64, i64),
    limit: u64,
) -> Result<Vec<Line>, StoreError> {
    use audit_events::{Column, Entity};
    let rows = Entity::find()
        .filter(Column::TenantId.eq(tenant.uuid()))
        .filter(Column::Sequence.gt(after))
        .filter(Column::Sequence.lte(to))
        .order_by_asc(Column::Sequence)
        .limit(limit)
        .all(db)
        .await?;
    let line = |row: Model| {
        // A hash that isn't one is no reason to stop: it is wrong, like any other.
        let hash = row.hash.as_deref().and_then(|hash| Digest::try_from(hash).ok()).unwrap_or_default();
        let stored = Link { sequence: row.sequence.unwrap_or_default(), hash };
        Line { id: AuditEventId::from_uuid(row.event_id), stored, row }
    };
    Ok(rows.into_iter().map(line).collect())
}

/// Adds lines that have their places, and what is `beside` them; `false` if somebody else's are in some of these places.
/// Those that are there already stay.
pub(super) async fn add(
    db: &impl ConnectionTrait,
    rows: &[Model],
    mut beside: Option<Beside>,
) -> Result<bool, StoreError> {
    use audit_events::{Column, Entity};
    let mut added = 0;
    for rows in rows.chunks(ledger::AT_ONCE) {
        let mut insert = Entity::insert_many(rows.iter().cloned().map(Model::into_active_model));
        // On PostgreSQL a statement that fails is the end of the transaction, so that it must not.
        let statement = insert.query().on_conflict(OnConflict::new().do_nothing().to_owned());
        added += match beside.take() {
            Some(beside) => beside.add(db, statement.to_owned()).await?,
            None => db.execute(statement).await?.rows_affected(),
        };
    }
    if added == rows.len() as u64 {
        return Ok(true);
    }
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(true) };
    let ours = Entity::find()
        .filter(Column::TenantId.eq(first.tenant_id))
        .filter(Column::Sequence.between(first.sequence, last.sequence))
        .all(db)
        .await?;
    let is_there = |row: &Model| ours.iter().any(|there| there.event_id == row.event_id && there.hash == row.hash);
    Ok(rows.iter().all(is_there))
}

/// Takes their places from lines that are where these belong. They stay, without a place, so that they are seen: it is
/// better that the chain goes on than that nothing that is audited can be done any more, or that a line is lost.
pub(super) async fn set_aside(db: &impl ConnectionTrait, tenant: TenantId, places: &[Model]) -> Result<(), StoreError> {
    use audit_events::{Column, Entity};
    let (Some(first), Some(last)) = (places.first(), places.last()) else { return Ok(()) };
    let rows = Entity::update_many()
        .col_expr(Column::Sequence, Expr::value(None::<i64>))
        .filter(Column::TenantId.eq(tenant.uuid()))
        .filter(Column::Sequence.between(first.sequence, last.sequence))
        .filter(Column::EventId.is_not_in(places.iter().map(|row| row.event_id)))
        .exec_with_returning(db)
        .await?;
    for row in rows {
        let audit_id = row.event_id;
        tracing::error!(%tenant, %audit_id, "a line was added to the audit log from outside; see `signet audit verify`");
    }
    Ok(())
}

/// The first line that is before the beginning of the tenant's chain, or beyond its end. No statement of ours adds one.
pub async fn outside(db: &impl Reader, tenant: TenantId) -> Result<Option<(i64, AuditEventId)>, StoreError> {
    use audit_events::{Column, Entity};
    // In one statement with the line: somebody may be adding to the chain, or shortening it.
    let end = |column| {
        let end = Query::select()
            .column(column)
            .from(ledger_heads::Entity)
            .and_where(ledger_heads::Column::TenantId.eq(tenant.uuid()))
            .take();
        Func::coalesce([Expr::from(end), Expr::val(0_i64)])
    };
    let place = || Expr::col((Entity, Column::Sequence));
    let (anchor, head) = (ledger_heads::Column::AuditAnchorSequence, ledger_heads::Column::AuditSequence);
    for beyond in [place().lte(end(anchor)), place().gt(end(head))] {
        let row = Entity::find()
            .filter(Column::TenantId.eq(tenant.uuid()))
            .filter(beyond)
            .order_by(Column::Sequence, Order::Asc)
            .limit(1)
            .all(db)
            .await?
            .into_iter()
            .next();
        if let Some(row) = row {
            return Ok(Some((row.sequence.unwrap_or_default(), AuditEventId::from_uuid(row.event_id))));
        }
    }
    Ok(None)
}

/// Lines that have no place in the chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unchained {
    /// How many there are.
    pub count: i64,
    /// How many there were when the log became a chain, less those that were removed for their age.
    pub expected: i64,
    /// One that can't be from before the chain: it isn't older, or has had a place.
    pub stray: Option<AuditEventId>,
}

/// Lines of a tenant that have no place in its chain.
pub async fn unchained(db: &impl Reader, tenant: TenantId) -> Result<Unchained, StoreError> {
    use audit_events::{Column, Entity};
    let without = || Condition::all().add(Column::TenantId.eq(tenant.uuid())).add(Column::Sequence.is_null());
    let number = |statement: SelectStatement| Func::coalesce([Expr::from(statement), Expr::val(0_i64)]);
    let expected = Query::select()
        .column(ledger_heads::Column::AuditUnchained)
        .from(ledger_heads::Entity)
        .and_where(ledger_heads::Column::TenantId.eq(tenant.uuid()))
        .take();
    let counted = Query::select().expr(Expr::col(Column::EventId).count()).from(Entity).cond_where(without()).take();
    // Both at once: somebody may be removing old ones.
    let both = Query::select().expr_as(number(counted), "counted").expr_as(number(expected), "expected").take();
    let row = db.query_one(&both).await?;
    let Some(row) = row else { return Ok(Unchained::default()) };
    let (count, expected) = (row.try_get("", "counted")?, row.try_get("", "expected")?);
    if count == 0 {
        return Ok(Unchained { count, expected, stray: None });
    }
    let oldest = Entity::find()
        .filter(Column::TenantId.eq(tenant.uuid()))
        .filter(Column::Sequence.gt(0))
        .order_by_asc(Column::Sequence)
        .limit(1)
        .all(db)
        .await?;
    let mut young = Condition::any().add(Column::Hash.is_not_null());
    if let Some(oldest) = oldest.first() {
        young = young.add(Column::At.gt(oldest.at));
    }
    let stray = Entity::find().filter(without()).filter(young).order_by_asc(Column::At).limit(1).all(db).await?;
    let stray = stray.first().map(|row| AuditEventId::from_uuid(row.event_id));
    Ok(Unchained { count, expected, stray })
}

/// Tenants that have lines from before then.
pub async fn tenants_with_lines_before(db: &impl Reader, before: Timestamp) -> Result<Vec<TenantId>, StoreError> {
    use audit_events::{Column, Entity};
    let old = Query::select()
        .expr(Expr::val(1))
        .from(Entity)
        .and_where(Expr::col((Entity, Column::TenantId)).equals((ledger_heads::Entity, ledger_heads::Column::TenantId)))
        .and_where(Column::At.lt(before.millis()))
        .take();
    let heads = ledger_heads::Entity::find().filter(Expr::exists(old)).all(db).await?;
    Ok(heads.into_iter().map(|head| TenantId::from_uuid(head.tenant_id)).collect())
}

/// Removes at most `limit` of a tenant's oldest lines from before then, and keeps the last one's hash for the chain to
/// go on from; how many they were. A line that isn't old enough keeps those after it.
pub async fn prune(tx: &Tx, tenant: TenantId, before: Timestamp, limit: u64) -> Result<u64, StoreError> {
    use audit_events::{Column, Entity};
    let of_tenant = Column::TenantId.eq(tenant.uuid());
    let from_before_the_chain = of_tenant.clone().and(Column::Sequence.is_null()).and(Column::At.lt(before.millis()));
    let head_of_tenant =
        || ledger_heads::Entity::update_many().filter(ledger_heads::Column::TenantId.eq(tenant.uuid()));
    let removed = delete_batch::<Entity>(tx, from_before_the_chain, limit).await?;
    if removed > 0 {
        let fewer = i64::try_from(removed).unwrap_or(i64::MAX);
        let left = Expr::col(ledger_heads::Column::AuditUnchained).sub(fewer);
        head_of_tenant().col_expr(ledger_heads::Column::AuditUnchained, left).exec(tx).await?;
    }
    let Some(Ends { anchor, head, .. }) = ends(tx, tenant).await? else { return Ok(removed) };
    let oldest = lines(tx, tenant, (anchor.sequence, head.sequence), limit).await?;
    let old = oldest.into_iter().take_while(|line| line.row.at < before.millis()).last();
    let Some(Line { stored: Link { sequence, hash }, row: Model { at, .. }, .. }) = old else { return Ok(removed) };
    let moved = head_of_tenant()
        .col_expr(ledger_heads::Column::AuditAnchorSequence, Expr::value(sequence))
        .col_expr(ledger_heads::Column::AuditAnchorHash, Expr::value(hash.as_slice()))
        .col_expr(ledger_heads::Column::AuditAnchorAt, Expr::value(at))
        .filter(ledger_heads::Column::AuditAnchorSequence.eq(anchor.sequence))
        .exec(tx)
        .await?;
    if moved.rows_affected == 0 {
        // Another node was faster.
        return Ok(removed);
    }
    // Not what was put before the beginning by somebody: it stays to be seen.
    let gone = Entity::delete_many()
        .filter(of_tenant)
        .filter(Column::Sequence.gt(anchor.sequence))
        .filter(Column::Sequence.lte(sequence))
        .exec(tx)
        .await?;
    Ok(removed + gone.rows_affected)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn row() -> Model {
        Model {
            tenant_id: Uuid::nil(),
            event_id: Uuid::from_u128(1),
            at: 1_893_456_000_000,
            kind: "user.sign_in".to_owned(),
            outcome: AuditOutcome::Success,
            actor: None,
            user_id: Some(Uuid::from_u128(2)),
            client_id: Some("reports".to_owned()),
            address: Some("192.0.2.1".to_owned()),
            detail: serde_json::json!({ "amr": ["pwd"], "n": 1 }),
            sequence: None,
            hash: None,
        }
    }

    fn first() -> Link {
        Link { sequence: 0, hash: Digest::default() }
    }

    /// Whoever changes the encoding breaks every chain that there is.
    #[test]
    fn the_encoding_stays_as_it_is() {
        insta::assert_snapshot!(next(&first(), &row()), @"1:2b834f77939c7e5699aec21b61ecb5659cd0653b808a35186320022cfd4b13e8");
    }

    #[test]
    fn a_hash_depends_on_all_that_a_line_says_and_on_what_was_before() {
        let expected = next(&first(), &row());
        let changes: [fn(&mut Model); 10] = [
            |row| row.tenant_id = Uuid::from_u128(9),
            |row| row.event_id = Uuid::from_u128(9),
            |row| row.at += 1,
            |row| row.kind = "user.created".to_owned(),
            |row| row.outcome = AuditOutcome::Refused,
            |row| row.actor = Some(String::new()),
            |row| row.user_id = None,
            |row| row.client_id = Some("report".to_owned()),
            |row| row.address = Some("s192.0.2.1".to_owned()),
            |row| row.detail = serde_json::json!({ "amr": ["pwd"], "n": "1" }),
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let mut other = row();
            change(&mut other);
            assert_ne!(next(&first(), &other).hash, expected.hash, "change {number}");
        }
        let elsewhere = Link { sequence: 1, ..first() };
        assert_ne!(next(&elsewhere, &row()).hash, expected.hash);
        assert_ne!(next(&Link { hash: [1; 32], ..first() }, &row()).hash, expected.hash);
    }

    #[test]
    fn values_cannot_run_into_one_another() {
        let of = |value: JsonValue| {
            let mut text = Canonical::default();
            text.json(&value);
            text.0
        };
        let values = [
            serde_json::json!(["a", "b"]),
            serde_json::json!(["ab"]),
            serde_json::json!([["a"], "b"]),
            serde_json::json!([["a", "b"]]),
            serde_json::json!({ "a": "b" }),
            serde_json::json!({ "ab": null }),
            serde_json::json!("null"),
            serde_json::json!(null),
            serde_json::json!([]),
            serde_json::json!({}),
        ];
        for (place, value) in values.iter().enumerate() {
            for other in &values[place + 1..] {
                assert_ne!(of(value.clone()), of(other.clone()), "{value} {other}");
            }
        }
    }
}
