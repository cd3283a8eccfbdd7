//! The store, on SQLite and on PostgreSQL: every body goes over both.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod aggregates;
mod deliveries;
mod handles;
mod housekeeping;
mod isolation;
mod measure;
mod outbox;
mod races;
pub(crate) mod samples;
mod schema;
mod sign_ins;
mod writer;

/// Runs a block as a write job of the store and waits for the commit.
macro_rules! write {
    ($database:expr, |$tx:ident| $body:expr) => {
        $database
            .write::<_, idp::store::StoreError, _, _>(async move |tx| {
                let $tx = &tx;
                $body
            })
            .await
    };
}
use write;
