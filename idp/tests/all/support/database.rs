//! A database for each test, on SQLite and on PostgreSQL.

use std::sync::atomic::{AtomicU32, Ordering};

use idp::domain::Secret;
use idp::store::{Database, DatabaseSettings};
use sea_orm::{ConnectOptions, ConnectionTrait as _, DatabaseConnection, DbBackend, Statement};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use super::cluster;

const TEMPLATE: &str = "signet_test_template";

/// An empty database with the current schema.
#[derive(Debug)]
pub(crate) struct TestDatabase {
    url: Secret,
    /// SQLite: goes when the test ends.
    folder: Option<TempDir>,
}

/// One of each kind. Test bodies go over both.
pub(crate) async fn databases() -> Vec<TestDatabase> {
    vec![TestDatabase::sqlite().await, TestDatabase::postgres().await]
}

impl TestDatabase {
    /// With the current schema, on SQLite.
    pub(crate) async fn sqlite() -> Self {
        let database = Self::empty_sqlite();
        let open = database.open().await;
        open.migrate().await.unwrap();
        open.close().await;
        database
    }

    /// Without tables, on SQLite.
    pub(crate) fn empty_sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("signet.db").display());
        Self { url: Secret::new(url), folder: Some(folder) }
    }

    /// With the current schema, on PostgreSQL.
    pub(crate) async fn postgres() -> Self {
        static MIGRATED: OnceCell<()> = OnceCell::const_new();
        MIGRATED
            .get_or_init(|| async {
                let template = Self::create_postgres(TEMPLATE, None).await;
                let open = template.open().await;
                open.migrate().await.unwrap();
                open.close().await;
            })
            .await;
        Self::create_postgres(&next_name(), Some(TEMPLATE)).await
    }

    /// Without tables, on PostgreSQL.
    pub(crate) async fn empty_postgres() -> Self {
        Self::create_postgres(&next_name(), None).await
    }

    async fn create_postgres(name: &str, template: Option<&str>) -> Self {
        let cluster = cluster::get();
        let admin = connect(&cluster.url("postgres")).await;
        admin.execute_unprepared(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await.unwrap();
        let create = match template {
            Some(template) => format!("CREATE DATABASE {name} TEMPLATE {template}"),
            None => format!("CREATE DATABASE {name}"),
        };
        admin.execute_unprepared(&create).await.unwrap();
        admin.close().await.unwrap();
        Self { url: Secret::new(cluster.url(name)), folder: None }
    }

    /// Opens it, as a node does.
    pub(crate) async fn open(&self) -> Database {
        Database::connect(&self.settings()).await.unwrap()
    }

    /// What a node needs to open it.
    pub(crate) fn settings(&self) -> DatabaseSettings {
        DatabaseSettings::new(self.url.clone())
    }

    /// Whether what another process changed is to hold at the very next check.
    pub(crate) fn is_sqlite(&self) -> bool {
        self.folder.is_some()
    }

    /// How many bytes it takes, once all that was written is where it belongs.
    pub(crate) async fn size(&self) -> u64 {
        let raw = self.raw().await;
        let query = match &self.folder {
            Some(_) => {
                let checkpoint = Statement::from_string(DbBackend::Sqlite, "PRAGMA wal_checkpoint(TRUNCATE)");
                raw.query_one_raw(checkpoint).await.unwrap();
                let size = "SELECT page_count * page_size AS size FROM pragma_page_count(), pragma_page_size()";
                Statement::from_string(DbBackend::Sqlite, size)
            }
            None => Statement::from_string(DbBackend::Postgres, "SELECT pg_database_size(current_database()) AS size"),
        };
        let row = raw.query_one_raw(query).await.unwrap().unwrap();
        u64::try_from(row.try_get::<i64>("", "size").unwrap()).unwrap()
    }

    /// A connection that knows nothing of the store, to look behind its back.
    pub(crate) async fn raw(&self) -> DatabaseConnection {
        connect(self.url.expose()).await
    }
}

fn next_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    format!("signet_test_{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

async fn connect(url: &str) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    sea_orm::Database::connect(options).await.unwrap()
}
