//! Tenants don't meet: what one has isn't found or changed through another, though the ids are the same.

use std::time::Duration;

use idp::domain::audit::{AuditKind, Outcome};
use idp::domain::authorization_code::Redeemed;
use idp::domain::client::ClientStatus;
use idp::domain::client_assertion::Seen;
use idp::domain::delivery::DeliveryKind;
use idp::domain::sign_in_limit::{Attempt, LimitKind};
use idp::domain::user::{LoginName, UserStatus};
use idp::domain::{CodeHash, Secret, TenantId};
use idp::store::audit::AuditFilter;
use idp::store::outbox::Consumer;
use idp::store::sessions::Ending;
use idp::store::signing_keys::StoredKey;
use idp::store::users::UserFilter;
use idp::store::{self, Database, StoreError, Tx};
use keys::{KeyLifecycle, KeyState};
use sea_orm::{ConnectionTrait as _, DatabaseConnection, Statement};

use super::samples::{self, NOW, furnish, hash, later, tenant_id};
use super::write;
use crate::support::databases;

const WINDOW: Duration = Duration::from_mins(1);

const TABLES: [&str; 17] = [
    "users",
    "credentials",
    "clients",
    "client_secrets",
    "client_origins",
    "signing_keys",
    "sessions",
    "grants",
    "consents",
    "authorization_flows",
    "authorization_codes",
    "audit_events",
    "outbox_events",
    "ledger_heads",
    "event_cursors",
    "sign_in_limits",
    "deliveries",
];

/// One of everything, with the same ids in every tenant.
async fn fill(tx: &Tx, tenant: TenantId, key: &StoredKey) -> Result<(), StoreError> {
    let (ada, client) = (samples::user_id(1), samples::client_id("reports"));
    store::users::set_password_hash(tx, tenant, ada, &Secret::new("hash"), NOW).await?;
    store::signing_keys::insert(tx, tenant, key).await?;
    store::sessions::insert(tx, tenant, &samples::session(1, 1), &hash(1)).await?;
    store::grants::insert(tx, tenant, &samples::grant(1, 1, "reports")).await?;
    store::consents::upsert(tx, tenant, ada, &client, &"openid".parse().unwrap(), NOW).await?;
    store::authorization_flows::insert(tx, tenant, &samples::flow(1)).await?;
    store::authorization_codes::insert(tx, tenant, &samples::code(1)).await?;
    tx.record(tenant, samples::event(1, AuditKind::SignIn, Outcome::Success));
    tx.record(tenant, samples::told(1));
    store::outbox::take(tx, tenant, Consumer::Redis, 0, 1).await?;
    store::sign_in_limits::count_attempt(tx, tenant, LimitKind::Account, &hash(1), NOW, WINDOW, 1).await?;
    store::client_assertions::remember(tx, tenant, &client, &hash(1), later(60)).await?;
    store::deliveries::insert(tx, tenant, samples::delivery(1, "reports", None), NOW).await
}

/// Whatever the tables hold, as text.
async fn contents(db: &DatabaseConnection) -> Vec<String> {
    let mut contents = Vec::new();
    for table in TABLES {
        let sql = if db.get_database_backend() == sea_orm::DbBackend::Postgres {
            format!("SELECT t::text AS row FROM {table} AS t ORDER BY 1")
        } else {
            let info = Statement::from_string(db.get_database_backend(), format!("PRAGMA table_info({table})"));
            let columns = db.query_all_raw(info).await.unwrap();
            let quoted = columns.iter().map(|row| format!("quote({})", row.try_get::<String>("", "name").unwrap()));
            let columns = quoted.collect::<Vec<_>>().join(" || ',' || ");
            format!("SELECT {columns} AS row FROM {table} ORDER BY 1")
        };
        let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
        assert!(!rows.is_empty(), "{table} takes part");
        contents.extend(rows.iter().map(|row| format!("{table}: {}", row.try_get::<String>("", "row").unwrap())));
    }
    contents
}

async fn finds_nothing(db: &Database, other: TenantId, key: &StoredKey) -> Result<(), StoreError> {
    let db = db.read();
    let (ada, client, login) = (samples::user_id(1), samples::client_id("reports"), LoginName::new("ada1"));
    let everything = AuditFilter::default();
    assert_eq!(store::users::find_by_id(db, other, ada).await?, None);
    assert_eq!(store::users::find_by_login(db, other, &login).await?, None);
    assert!(store::users::find_by_login_with_password(db, other, &login).await?.is_none());
    assert!(store::users::list(db, other, &UserFilter::default(), None, 10).await?.is_empty());
    assert!(store::users::password_hash(db, other, ada).await?.is_none());
    assert_eq!(store::clients::find(db, other, &client, NOW).await?, None);
    assert!(store::clients::list(db, other, None, 10).await?.is_empty());
    assert_eq!(store::signing_keys::find(db, other, key.kid()).await?, None);
    assert!(store::signing_keys::list_published(db, other).await?.is_empty());
    assert!(store::signing_keys::list_all(db, other).await?.is_empty());
    assert_eq!(store::sessions::find_by_secret_hash(db, other, &hash(1), NOW).await?, None);
    assert_eq!(store::sessions::find_by_id(db, other, samples::session_id(1)).await?, None);
    assert_eq!(store::grants::find(db, other, samples::grant_id(1)).await?, None);
    assert_eq!(store::consents::find(db, other, ada, &client).await?, None);
    assert_eq!(store::authorization_flows::find(db, other, samples::flow_id(1)).await?, None);
    assert!(store::audit::list(db, other, &everything, None, 10).await?.is_empty());
    assert!(store::outbox::after(db, other, 0, 10).await?.is_empty());
    assert_eq!(store::outbox::newest(db, other).await?, 0);
    let limit = store::sign_in_limits::check(db, other, LimitKind::Account, &hash(1), NOW, WINDOW, 1).await?;
    assert_eq!(limit, Attempt::Allowed);
    let target = (DeliveryKind::BackchannelLogout, "reports");
    assert!(store::deliveries::list_of_target(db, other, target, None, 10).await?.is_empty());
    Ok(())
}

async fn changes_nothing(tx: &Tx, other: TenantId, key: &StoredKey) -> Result<(), StoreError> {
    let (ada, client) = (samples::user_id(1), samples::client_id("reports"));
    let metadata = samples::client("reports").metadata;
    let secret = samples::secret(2).id;
    let retiring = key.lifecycle.begin_retiring(later(1).millis()).unwrap();
    assert!(!store::users::set_status(tx, other, ada, UserStatus::Disabled, later(1)).await?);
    assert!(!store::users::update(tx, other, &samples::user(1), samples::user(1).updated_at).await?);
    store::users::touch(tx, other, ada, later(1)).await?;
    assert!(!store::clients::set_status(tx, other, &client, ClientStatus::Disabled, later(1)).await?);
    assert!(!store::clients::update(tx, other, &client, "Mine", &metadata, (later(0), later(1))).await?);
    assert_eq!(store::clients::expire_secrets(tx, other, &client, secret, NOW).await?, 0);
    assert!(!store::clients::delete(tx, other, &client).await?);
    assert!(!store::signing_keys::transition(tx, other, key.kid(), KeyState::Active, &retiring).await?);
    assert!(!store::signing_keys::reseal(tx, other, key.kid(), &[0]).await?);
    for ending in [Ending::One(samples::session_id(1)), Ending::OfUser(ada), Ending::Until(later(1))] {
        assert_eq!(store::sessions::end(tx, other, ending, later(1), 9).await?, None);
    }
    assert!(!store::sessions::touch(tx, other, samples::session_id(1), later(1)).await?);
    assert!(!store::grants::revoke(tx, other, samples::grant_id(1), later(1)).await?);
    let session = samples::session_id(1);
    assert_eq!(store::grants::clients_of_sessions(tx, other, &[session]).await?, []);
    assert_eq!(store::grants::revoke_with_sessions(tx, other, &[session], later(1)).await?, 0);
    assert_eq!(store::grants::revoke_of_user_but(tx, other, ada, samples::session_id(9), later(1)).await?, 0);
    assert_eq!(store::grants::revoke_until(tx, other, None, later(1), later(1), 9).await?, 0);
    assert_eq!(store::grants::revoke_of_user(tx, other, ada, later(1)).await?, 0);
    assert!(!store::consents::delete(tx, other, ada, &client).await?);
    let flow = samples::flow_id(1);
    assert!(!store::authorization_flows::bind_browser(tx, other, flow, &hash(9)).await?);
    assert!(!store::authorization_flows::set_session(tx, other, flow, samples::session_id(9)).await?);
    assert!(!store::authorization_flows::complete(tx, other, flow, NOW).await?);
    assert!(!store::authorization_flows::refuse(tx, other, flow, NOW).await?);
    let redeemed = store::authorization_codes::redeem(tx, other, &CodeHash(hash(1)), NOW).await?;
    assert_eq!(redeemed, Redeemed::Unknown);
    assert!(!store::outbox::take(tx, other, Consumer::Redis, 1, 2).await?);
    let (_, due) = store::deliveries::due(tx, NOW, &[], 1).await?.remove(0);
    assert_eq!(store::deliveries::claim(tx, other, due.clone(), later(9)).await?, None);
    store::deliveries::delivered(tx, other, &due, NOW).await?;
    store::deliveries::given_up(tx, other, &due, "reason", NOW).await?;
    let target = (due.kind, due.target.as_str());
    assert_eq!(store::deliveries::replay_of_target(tx, other, target, None, NOW).await?, 0);
    store::sign_in_limits::reset(tx, other, LimitKind::Account, &hash(1)).await
}

#[tokio::test]
async fn nothing_of_one_tenant_is_found_or_changed_through_another() {
    for database in databases().await {
        let open = database.open().await;
        let raw = database.raw().await;
        let tenant = furnish(&open, 1).await;
        let other = tenant_id(2);
        let key = samples::key(KeyLifecycle::first(NOW.millis()));
        let row = key.clone();
        write!(open, |tx| {
            store::tenants::insert(tx, &samples::tenant(2)).await?;
            fill(tx, tenant, &row).await
        })
        .unwrap();
        let before = contents(&raw).await;

        finds_nothing(&open, other, &key).await.unwrap();
        let row = key.clone();
        write!(open, |tx| changes_nothing(tx, other, &row).await).unwrap();

        assert_eq!(contents(&raw).await, before);
    }
}

/// What refers to a user or client of another tenant refers to nothing.
#[tokio::test]
async fn nothing_can_be_added_to_what_another_tenant_has() {
    for database in databases().await {
        let database = database.open().await;
        furnish(&database, 1).await;
        let other = tenant_id(2);
        write!(database, |tx| store::tenants::insert(tx, &samples::tenant(2)).await).unwrap();
        let missing = |result: Result<(), StoreError>, what: &str| {
            assert!(matches!(result, Err(StoreError::Missing)), "{what}: {result:?}");
        };
        let ada = samples::user_id(1);
        let refused =
            write!(database, |tx| store::users::set_password_hash(tx, other, ada, &Secret::new("hash"), NOW).await);
        missing(refused, "a password");
        let client = samples::client_id("reports");
        let refused = write!(database, |tx| store::clients::add_secret(tx, other, &client, &samples::secret(2)).await);
        missing(refused, "a client's secret");
        let refused =
            write!(database, |tx| store::sessions::insert(tx, other, &samples::session(1, 1), &hash(1)).await);
        missing(refused, "a session");
        let refused = write!(database, |tx| store::grants::insert(tx, other, &samples::grant(1, 1, "reports")).await);
        missing(refused, "a grant");
        let refused = write!(database, |tx| store::authorization_codes::insert(tx, other, &samples::code(1)).await);
        missing(refused, "a code");
        let refused = write!(database, |tx| {
            let client = samples::client_id("reports");
            store::consents::upsert(tx, other, ada, &client, &"openid".parse().unwrap(), NOW).await.map(drop)
        });
        missing(refused, "a consent");
    }
}

#[tokio::test]
async fn the_same_ids_live_in_two_tenants() {
    for database in databases().await {
        let open = database.open().await;
        let key = samples::key(KeyLifecycle::first(NOW.millis()));
        for number in [1, 2] {
            let tenant = furnish(&open, number).await;
            let key = key.clone();
            write!(open, |tx| fill(tx, tenant, &key).await).unwrap();
        }
        let (one, two) = (tenant_id(1), tenant_id(2));
        write!(open, |tx| {
            let redeemed = store::authorization_codes::redeem(tx, one, &CodeHash(hash(1)), NOW).await?;
            assert!(matches!(redeemed, Redeemed::First(_)));
            assert!(store::sessions::end(tx, one, Ending::One(samples::session_id(1)), NOW, 9).await?.is_some());
            assert!(store::clients::delete(tx, one, &samples::client_id("reports")).await?);

            let redeemed = store::authorization_codes::redeem(tx, two, &CodeHash(hash(1)), NOW).await?;
            assert!(matches!(redeemed, Redeemed::First(_)), "each tenant has its own");
            assert!(store::sessions::find_by_secret_hash(tx, two, &hash(1), NOW).await?.is_some());
            assert!(store::clients::find(tx, two, &samples::client_id("reports"), NOW).await?.is_some());
            let client = samples::client_id("reports");
            let seen = store::client_assertions::remember(tx, two, &client, &hash(1), later(60)).await?;
            assert_eq!(seen, Seen::Again);
            Ok(())
        })
        .unwrap();
    }
}
