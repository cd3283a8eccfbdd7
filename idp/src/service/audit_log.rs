//! The audit log: looked through, held against its own chain, and shortened.

use std::cmp::Ordering;
use std::time::Duration;

use thiserror::Error;

use super::Failure;
use super::ctx::Ctx;
use crate::domain::TenantId;
use crate::domain::audit::AuditEvent;
use crate::domain::ids::AuditEventId;
pub use crate::store::audit::{AuditCursor, AuditFilter};
pub use crate::store::audit_chain::Link;
use crate::store::audit_chain::{self, Ends, Unchained};
use crate::store::{self, StoreError};

/// How many lines are read at a time, and removed in one transaction.
const BATCH: u64 = 500;
/// How far the clock of the node that removed lines may have been ahead of this one's, or has been set back since.
const CLOCKS: Duration = Duration::from_hours(1);

/// Lines, the newest first, those before `before` only; at most 1,000 at a time.
pub async fn list(
    ctx: &Ctx,
    tenant: TenantId,
    filter: &AuditFilter,
    before: Option<AuditCursor>,
    limit: u64,
) -> Result<Vec<AuditEvent>, Failure> {
    Ok(store::audit::list(ctx.database.read(), tenant, filter, before, limit).await?)
}

/// What came of holding a tenant's audit log against its chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is as it was written.
    Intact {
        /// How many lines there are in the chain.
        lines: u64,
        /// How many there are from before the chain, of which it says nothing.
        before_chain: u64,
        /// Its last line: whoever keeps it elsewhere can hold the chain against it later.
        head: Link,
    },
    /// What is kept is as it was written, but the line that the checkpoint was made of isn't kept any more: it was removed
    /// for its age, with all before it. Of whether the log was made anew since the checkpoint says nothing.
    Outdated {
        /// The first place that is kept.
        first: i64,
        /// The last line.
        head: Link,
    },
    /// It isn't.
    Broken {
        /// The first place that is wrong; 0 for a line that has none.
        sequence: i64,
        /// The line that is there.
        event: Option<AuditEventId>,
        /// What is wrong.
        fault: Fault,
    },
}

/// What is wrong with a place in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// The line says something else than it did.
    #[error("the line was changed, or another was put in its place")]
    Changed,
    /// There are later lines, but not this one.
    #[error("the line was removed")]
    Removed,
    /// This line and those after it are gone.
    #[error("the end of the log was cut off")]
    CutOff,
    /// The head doesn't fit to the last line.
    #[error("the record of where the log ends doesn't fit to its last line")]
    Head,
    /// It isn't in the chain, and not from before it.
    #[error("a line was added from outside: the chain has no place for it")]
    Stray,
    /// Lines from before the chain are gone.
    #[error("lines from before the chain were removed, though they aren't old enough")]
    Fewer,
    /// The beginning is gone, though it isn't as old as lines are kept.
    #[error(
        "the lines up to here were removed, but aren't older than audit.retention: the beginning of the log was cut off, or \
         the retention was made longer since"
    )]
    TooYoung,
    /// Whoever kept it elsewhere kept something else.
    #[error("the line isn't the one that the checkpoint was made of: the log was made anew")]
    Checkpoint,
}

/// Holds a tenant's audit log against its chain, and against a line that somebody kept elsewhere.
pub async fn verify(ctx: &Ctx, tenant: TenantId, checkpoint: Option<&Link>) -> Result<Verdict, Failure> {
    let db = ctx.database.read();
    let none = || Link { sequence: 0, hash: [0; 32] };
    let ends = audit_chain::ends(db, tenant).await?;
    let Ends { anchor, anchor_at, head } =
        ends.unwrap_or_else(|| Ends { anchor: none(), anchor_at: None, head: none() });
    let broken = |sequence, event, fault| Ok(Verdict::Broken { sequence, event, fault });
    // One that was made of an empty log says nothing.
    let mut met = checkpoint.is_none_or(|kept| *kept == none());
    if let Some(kept) = checkpoint {
        if kept.sequence > head.sequence {
            return broken(head.sequence.saturating_add(1), None, Fault::CutOff);
        }
        if (kept.sequence == anchor.sequence && *kept != anchor) || (kept.sequence < 1 && !met) {
            return broken(kept.sequence, None, Fault::Checkpoint);
        }
        met = met || *kept == anchor;
    }
    let first = anchor.sequence.saturating_add(1);
    let removed_at = (anchor.sequence > 0).then(|| anchor_at.unwrap_or(ctx.now()));
    let (mut last, mut count) = (anchor, 0);
    while last.sequence < head.sequence {
        let lines = audit_chain::lines(db, tenant, (last.sequence, head.sequence), BATCH).await?;
        let next = last.sequence.saturating_add(1);
        let gap = match lines.first() {
            None => Some(Fault::CutOff),
            Some(line) if line.stored.sequence != next => Some(Fault::Removed),
            Some(_) => None,
        };
        if let Some(fault) = gap {
            // Unless they were removed because of their age just now.
            match audit_chain::ends(db, tenant).await? {
                Some(Ends { anchor, .. }) if anchor.sequence > last.sequence => last = anchor,
                _ => return broken(next, None, fault),
            }
            continue;
        }
        for line in lines {
            let expected = line.expected_after(&last);
            if line.stored.sequence != expected.sequence {
                // The next look says what this is.
                break;
            }
            if line.stored != expected {
                return broken(expected.sequence, Some(line.id), Fault::Changed);
            }
            if checkpoint.is_some_and(|kept| kept.sequence == expected.sequence && *kept != expected) {
                return broken(expected.sequence, Some(line.id), Fault::Checkpoint);
            }
            met = met || checkpoint == Some(&expected);
            (last, count) = (expected, count + 1);
        }
    }
    if last != head {
        return broken(head.sequence, None, Fault::Head);
    }
    if let Some((place, event)) = audit_chain::outside(db, tenant).await? {
        return broken(place, Some(event), Fault::Stray);
    }
    let Unchained { count: before_chain, expected, stray } = audit_chain::unchained(db, tenant).await?;
    match (stray, before_chain.cmp(&expected)) {
        (None, Ordering::Equal) => {}
        (None, Ordering::Less) => return broken(0, None, Fault::Fewer),
        (stray, _) => return broken(0, stray, Fault::Stray),
    }
    if removed_at.is_some_and(|at| at >= ctx.now() - ctx.config.audit.retention + CLOCKS) {
        return broken(first - 1, None, Fault::TooYoung);
    }
    let before_chain = u64::try_from(before_chain).unwrap_or_default();
    Ok(if met { Verdict::Intact { lines: count, before_chain, head } } else { Verdict::Outdated { first, head } })
}

/// Removes lines that are older than the configuration says.
pub async fn prune(ctx: &Ctx) -> Result<(), StoreError> {
    let before = ctx.now() - ctx.config.audit.retention;
    for tenant in audit_chain::tenants_with_lines_before(ctx.database.read(), before).await? {
        loop {
            let removed =
                ctx.database.write(async move |tx| audit_chain::prune(&tx, tenant, before, BATCH).await).await?;
            if removed == 0 {
                break;
            }
            tracing::debug!(%tenant, lines = removed, "removed old lines of the audit log");
            tokio::task::yield_now().await;
        }
    }
    Ok(())
}
