//! The schema's history on SQLite. `idp/tests` go over both databases.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use sea_orm_migration::sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection};

async fn database(folder: &tempfile::TempDir) -> DatabaseConnection {
    let mut options = ConnectOptions::new(format!("sqlite://{}?mode=rwc", folder.path().join("signet.db").display()));
    options.sqlx_logging(false);
    Database::connect(options).await.unwrap()
}

#[tokio::test]
async fn a_second_migration_finds_nothing_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let db = database(&folder).await;

    let before = migration::status(&db).await.unwrap();
    assert_eq!(before.applied.len(), 0);
    assert!(before.pending.len() >= 6, "{:?}", before.pending);
    assert!(!before.is_current());

    let first = migration::up(&db).await.unwrap();
    assert_eq!(first.applied, before.pending);
    let second = migration::up(&db).await.unwrap();
    assert_eq!((second.applied.len(), second.total), (0, before.pending.len()));
    assert!(migration::status(&db).await.unwrap().is_current());
}

#[tokio::test]
async fn the_schema_of_a_newer_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let db = database(&folder).await;
    migration::up(&db).await.unwrap();
    db.execute_unprepared("INSERT INTO signet_migrations VALUES ('m0999_from_the_future', 0)").await.unwrap();

    let error = migration::up(&db).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the database has the schema of a newer version of Signet: its step `m0999_from_the_future` is unknown to this \
         binary. Run the newer version, or restore the backup that was made before the upgrade; nothing was changed"
    );
    assert_eq!(migration::status(&db).await.unwrap().unknown, ["m0999_from_the_future"]);
}
