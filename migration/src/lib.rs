//! The schema's history, for SQLite and PostgreSQL.
//!
//! Steps go forward only: there is no way down, because the previous version of the program keeps running beside the
//! new schema (expand first, contract in a later version) and a backup is the way back. A step spells its tables
//! itself and knows no entity, so that an old step never changes its meaning.
//!
//! All pending steps run in one transaction that holds a lock, so that of several nodes that start at once one
//! migrates and the others find the work done; a step that fails leaves nothing behind.

mod control;
mod lock;

use sea_orm_migration::sea_orm::DatabaseConnection;
use sea_orm_migration::{DbErr, IntoSchemaManagerConnection, MigratorTrait};
use thiserror::Error;

use control::ControlPlane;

/// What [`up`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Names of the steps that were applied now, in order; empty when the schema was current.
    pub applied: Vec<String>,
    /// How many steps the schema has in all.
    pub total: usize,
}

/// Where a database stands in the schema's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Steps that are applied, in order.
    pub applied: Vec<String>,
    /// Steps that this binary would apply, in order.
    pub pending: Vec<String>,
    /// Steps that are applied but that this binary doesn't know: a newer version made them.
    pub unknown: Vec<String>,
}

impl Status {
    /// Whether this binary can work with the schema as it is.
    pub fn is_current(&self) -> bool {
        self.pending.is_empty() && self.unknown.is_empty()
    }
}

/// Why the schema could not be brought up to date.
#[derive(Debug, Error)]
pub enum MigrationError {
    /// The schema was made by a newer version.
    #[error(
        "the database has the schema of a newer version of Signet: its step {} is unknown to this binary. Run the newer \
         version, or restore the backup that was made before the upgrade; nothing was changed",
        quoted(.unknown)
    )]
    Newer {
        /// The steps that this binary doesn't know.
        unknown: Vec<String>,
    },
    /// Another process held the lock for too long.
    #[error("another process is migrating the database and has not finished; wait for it, then try again")]
    Locked(#[source] DbErr),
    /// The database refused.
    #[error("the database could not be migrated; nothing was changed")]
    Database(#[from] DbErr),
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Brings the schema up to date. Harmless when it is so already, and when several processes do it at once.
///
/// # Errors
/// [`MigrationError::Newer`] if a newer version was here; [`MigrationError::Locked`] if another process holds the
/// lock; [`MigrationError::Database`] if the database can't be reached or refuses a step. Nothing is changed then.
pub async fn up(db: &DatabaseConnection) -> Result<Report, MigrationError> {
    // Most starts find nothing to do; they shouldn't wait for a lock to learn it.
    let before = known(status(db).await?)?;
    if before.is_current() {
        return Ok(Report { applied: Vec::new(), total: before.applied.len() });
    }
    let transaction = lock::begin(db).await?;
    let pending = known(status_of(&transaction).await?)?.pending;
    ControlPlane::up(&transaction, None).await?;
    transaction.commit().await?;
    tracing::info!(steps = pending.len(), "schema migrated");
    Ok(Report { applied: pending, total: names().len() })
}

/// Says where the database stands. Reads only.
///
/// # Errors
/// [`MigrationError::Database`] if the database can't be read.
pub async fn status(db: &DatabaseConnection) -> Result<Status, MigrationError> {
    status_of(db).await
}

async fn status_of<'c>(db: impl IntoSchemaManagerConnection<'c>) -> Result<Status, MigrationError> {
    let found = control::applied(db).await?;
    let names = names();
    let (applied, unknown): (Vec<_>, Vec<_>) = found.into_iter().partition(|name| names.contains(name));
    let pending = names.into_iter().filter(|name| !applied.contains(name)).collect();
    Ok(Status { applied, pending, unknown })
}

fn known(status: Status) -> Result<Status, MigrationError> {
    if status.unknown.is_empty() { Ok(status) } else { Err(MigrationError::Newer { unknown: status.unknown }) }
}

fn names() -> Vec<String> {
    ControlPlane::migrations().iter().map(|step| step.name().to_owned()).collect()
}
