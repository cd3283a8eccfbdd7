//! The schema's history.

use futures_util::future::join_all;
use migration::MigrationError;
use sea_orm::ConnectionTrait as _;

use super::samples::{tenant, tenant_id, user};
use super::write;
use crate::support::database::TestDatabase;
use idp::store;

async fn empty_databases() -> Vec<TestDatabase> {
    vec![TestDatabase::empty_sqlite(), TestDatabase::empty_postgres().await]
}

#[tokio::test]
async fn migrating_twice_is_harmless() {
    for database in empty_databases().await {
        let database = database.open().await;
        let before = database.migration_status().await.unwrap();
        assert!(before.applied.is_empty() && !before.pending.is_empty());

        let first = database.migrate().await.unwrap();
        assert_eq!(first.applied, before.pending);
        write!(database, |tx| {
            store::tenants::insert(tx, &tenant(1)).await?;
            store::users::insert(tx, tenant_id(1), &user(1)).await
        })
        .unwrap();

        let second = database.migrate().await.unwrap();
        assert_eq!((second.applied.len(), second.total), (0, first.total));
        assert!(database.migration_status().await.unwrap().is_current());
        let kept = store::users::find_by_id(database.read(), tenant_id(1), user(1).id).await.unwrap();
        assert_eq!(kept, Some(user(1)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_nodes_that_migrate_at_once_one_does_the_work() {
    for database in empty_databases().await {
        let mut nodes = Vec::new();
        for _ in 0..5 {
            nodes.push(database.open().await);
        }
        let reports = join_all(nodes.iter().map(store::Database::migrate)).await;
        let applied: Vec<_> = reports.into_iter().map(|report| report.unwrap().applied.len()).collect();
        assert_eq!(applied.iter().filter(|count| **count > 0).count(), 1, "{applied:?}");
        assert!(nodes[0].migration_status().await.unwrap().is_current());
    }
}

#[tokio::test]
async fn the_schema_of_a_newer_version_is_refused_and_left_alone() {
    for database in empty_databases().await {
        let open = database.open().await;
        let total = open.migrate().await.unwrap().total;
        let raw = database.raw().await;
        raw.execute_unprepared("INSERT INTO signet_migrations VALUES ('m0999_from_the_future', 0)").await.unwrap();

        let error = open.migrate().await.unwrap_err();
        let MigrationError::Newer { unknown } = &error else { panic!("{error:?}") };
        assert_eq!(unknown, &["m0999_from_the_future"]);
        assert!(error.to_string().contains("Run the newer version, or restore the backup"), "{error}");
        let status = open.migration_status().await.unwrap();
        assert_eq!((status.applied.len(), status.unknown.len()), (total, 1));
    }
}

/// What the code never does, the database refuses as well.
#[tokio::test]
async fn the_database_keeps_the_rules_by_itself() {
    for database in crate::support::databases().await {
        let open = database.open().await;
        super::samples::furnish(&open, 1).await;
        let raw = database.raw().await;
        for statement in [
            "UPDATE tenants SET status = 'asleep'",
            "UPDATE users SET status = 'asleep'",
            "UPDATE users SET email = NULL",
            "UPDATE users SET username_lower = 'ada@example.com'",
            "UPDATE client_secrets SET secret_hash = NULL",
            "UPDATE clients SET tenant_id = client_secrets.tenant_id, client_id = 'other' FROM client_secrets",
        ] {
            assert!(raw.execute_unprepared(statement).await.is_err(), "{statement}");
        }
        raw.execute_unprepared("DELETE FROM tenants").await.unwrap();
        for table in ["users", "clients", "client_secrets"] {
            let count = format!("SELECT * FROM {table}");
            let statement = sea_orm::Statement::from_string(raw.get_database_backend(), count);
            assert!(raw.query_all_raw(statement).await.unwrap().is_empty(), "{table}");
        }
    }
}
