//! The two handles of the store: a reader can't change rows, and only a transaction does.

use std::fs;
use std::path::Path;

use idp::store::{self, StoreError, Tx};
use sea_orm::ConnectionTrait as _;
use syn::visit::Visit;

use super::samples::{tenant, tenant_id};
use super::write;
use crate::support::database::databases;

/// What changes rows, or records that they change.
const CHANGES: [&str; 12] = [
    "exec",
    "exec_with_returning",
    "exec_without_returning",
    "execute",
    "execute_raw",
    "execute_unprepared",
    "insert_if_absent",
    "insert_many",
    "update_many",
    "delete_many",
    "invalidate",
    "record",
];

/// Functions that take a reader and name something that changes rows.
#[derive(Default)]
struct Queries {
    seen: usize,
    wrong: Vec<String>,
}

impl<'ast> Visit<'ast> for Queries {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        let (mut signature, mut body) = (Names::default(), Names::default());
        signature.visit_signature(&function.sig);
        body.visit_block(&function.block);
        if signature.0.iter().any(|name| name == "Reader") {
            self.seen += 1;
            let changes = body.0.into_iter().filter(|name| CHANGES.contains(&name.as_str()));
            self.wrong.extend(changes.map(|name| format!("{} calls {name}", function.sig.ident)));
        }
    }
}

/// Every identifier.
#[derive(Default)]
struct Names(Vec<String>);

impl<'ast> Visit<'ast> for Names {
    fn visit_ident(&mut self, name: &'ast syn::Ident) {
        self.0.push(name.to_string());
    }
}

#[test]
fn a_function_that_takes_a_reader_changes_nothing() {
    let mut queries = Queries::default();
    for file in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store")).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            queries.visit_file(&syn::parse_file(&fs::read_to_string(path).unwrap()).unwrap());
        }
    }
    assert!(queries.seen > 50, "only {} were found", queries.seen);
    assert!(queries.wrong.is_empty(), "{:#?}", queries.wrong);
}

#[tokio::test]
async fn connections_that_read_refuse_to_change_rows() {
    for database in databases().await {
        let database = database.open().await;
        write!(database, |tx| store::tenants::insert(tx, &tenant(1)).await).unwrap();
        for sql in ["DELETE FROM tenants", "UPDATE tenants SET slug = 'x'"] {
            let refused = database.read().execute_unprepared(sql).await.unwrap_err().to_string();
            assert!(refused.contains("only reads"), "{refused}");
        }
        assert_eq!(store::tenants::find_by_id(database.read(), tenant_id(1)).await.unwrap(), Some(tenant(1)));
    }
}

#[tokio::test]
async fn what_a_transaction_records_runs_after_its_commit_and_never_without_one() {
    for database in databases().await {
        let database = database.open().await;
        let (sender, runs) = std::sync::mpsc::channel();
        for fails in [true, false] {
            let sender = sender.clone();
            let result: Result<(), StoreError> = database
                .write(async move |tx| {
                    tx.on_commit(move || sender.send(fails).unwrap());
                    if fails { Err(StoreError::Missing) } else { Ok(()) }
                })
                .await;
            assert_eq!(result.is_err(), fails);
        }
        assert_eq!(runs.try_iter().collect::<Vec<_>>(), [false]);
    }
}

#[tokio::test]
async fn a_transaction_that_leaves_its_job_is_rolled_back() {
    for database in databases().await {
        let database = database.open().await;
        let (sender, mut kept) = tokio::sync::mpsc::unbounded_channel::<Tx>();
        let result: Result<(), StoreError> = database
            .write(async move |tx| {
                store::tenants::insert(&tx, &tenant(1)).await?;
                sender.send(tx).map_err(|_| StoreError::Missing)
            })
            .await;
        assert!(matches!(result, Err(StoreError::Unavailable(_))), "{result:?}");
        drop(kept.recv().await);
        assert_eq!(store::tenants::find_by_id(database.read(), tenant_id(1)).await.unwrap(), None);
        write!(database, |tx| store::tenants::insert(tx, &tenant(1)).await).unwrap();
    }
}
