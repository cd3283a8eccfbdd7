//! Which of several nodes runs a job of the background: the one that holds the job's lease in the database.
//!
//! A lease is held for a term and prolonged meanwhile. A node that is killed, frozen or cut off stops prolonging, and
//! another takes over when the term is over; one that stops in order gives its leases back. Work that can't be prolonged
//! is dropped before its term ends, as far as this node can tell: what must not happen twice needs a condition of its
//! own in the database nevertheless.

use std::time::Duration;

use tokio::time::timeout;

use super::ctx::Ctx;
use crate::store::{self, StoreError};

/// A job that one node at a time runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Its name in the database.
    pub name: &'static str,
    /// How long it is held without being prolonged: how long nobody does the job after a node was killed.
    pub term: Duration,
}

impl Lease {
    /// Removing what has expired.
    pub const CLEANING: Self = Self { name: "cleaning", term: Duration::from_secs(30) };
    /// Rotating signing keys.
    pub const ROTATION: Self = Self { name: "rotation", term: Duration::from_secs(30) };

    /// Takes it or prolongs it; says whether this node has it now, for its term from now on.
    ///
    /// # Errors
    /// The database can't be reached: nobody knows who has it.
    pub async fn take(&self, ctx: &Ctx) -> Result<bool, StoreError> {
        let (name, term, node, now) = (self.name, self.term, ctx.node, ctx.now());
        ctx.database.write(async move |tx| store::leases::take(&tx, name, node, now, term).await).await
    }

    /// Gives it back, so that another node needn't wait.
    ///
    /// # Errors
    /// The database can't be reached; the lease ends with its term then.
    pub async fn release(&self, ctx: &Ctx) -> Result<(), StoreError> {
        let (name, node) = (self.name, ctx.node);
        ctx.database.write(async move |tx| store::leases::release(&tx, name, node).await).await
    }

    /// Does the work if this node has or gets the lease, and keeps the lease meanwhile. `None`: another node has it, or
    /// got it while this one couldn't prolong; the work was dropped then. The lease isn't given back afterwards, so that
    /// the next round is the same node's.
    ///
    /// # Errors
    /// The database can't be reached at the begin.
    pub async fn hold<T>(&self, ctx: &Ctx, work: impl Future<Output = T>) -> Result<Option<T>, StoreError> {
        if !self.take(ctx).await? {
            return Ok(None);
        }
        Ok(tokio::select! {
            done = work => Some(done),
            () = self.keep(ctx) => None,
        })
    }

    /// Prolongs it until that fails.
    async fn keep(&self, ctx: &Ctx) {
        let third = self.term / 3;
        loop {
            tokio::time::sleep(third).await;
            // Two thirds are left, less what the last answer took; one of them is the margin.
            if !matches!(timeout(third, self.take(ctx)).await, Ok(Ok(true))) {
                return tracing::warn!(lease = self.name, "the lease of a background job was lost");
            }
        }
    }
}
