//! What is kept ready: answers without the database, and never with what somebody has changed.

use std::time::Duration;

use futures_util::future::{Either, join_all, select};
use idp::domain::client::{Client, ClientMetadata, ClientStatus};
use idp::domain::client_details::ClientDetails;
use idp::domain::tenant::{Tenant, TenantStatus};
use idp::domain::user::{User, UserStatus};
use idp::service::clients::ClientChangeError;
use idp::service::key_rings::KeyChange;
use idp::service::sessions::ending::Which;
use idp::service::{clients, key_rings, tenants, users};
use idp::store::{self, StoreError};
use keys::{Algorithm, KeySpec};
use poem::http::StatusCode;
use sea_orm::{ConnectionTrait as _, DbBackend, Statement};
use serde_json::Value;

use crate::http::claims::{tokens_for, userinfo};
use crate::http::code_flow::redeem;
use crate::http::introspect::introspect;
use crate::http::subjects::reason::Reason;
use crate::http::subjects::usage::Usage;
use crate::support::database::TestDatabase;
use crate::support::databases;
use crate::support::world::{Browser, SECRET, World, basic};

async fn token_with(world: &World, base: &str, secret: &str) -> StatusCode {
    let headers = [("authorization", &*basic("robot", secret))];
    world.post(&format!("{base}/token"), &headers, "grant_type=client_credentials").await.status
}

async fn token(world: &World) -> StatusCode {
    token_with(world, "", SECRET).await
}

/// Waits until a node learns at once of what others change, so that it uses what it keeps.
async fn listens(world: &World) {
    let database = &world.ctx.database;
    let certain = async {
        while !database.changes().is_certain() {
            database.catch_up().await;
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), certain).await.unwrap();
}

/// Fails unless that is so: on SQLite at the very next check, on PostgreSQL well within a second.
async fn assert_soon<T: PartialEq + std::fmt::Debug>(
    database: &TestDatabase,
    mut ask: impl AsyncFnMut() -> T,
    right: T,
) {
    let began = std::time::Instant::now();
    loop {
        let answer = ask().await;
        if database.is_sqlite() || answer == right || began.elapsed() > Duration::from_secs(5) {
            assert_eq!(answer, right);
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// Takes away everything that could be read, but for what says whether something changed.
async fn hide_tables(database: &TestDatabase) {
    let raw = database.raw().await;
    for table in
        ["tenants", "clients", "client_secrets", "signing_keys", "users", "sessions", "grants", "pairwise_salts"]
    {
        raw.execute_unprepared(&format!("ALTER TABLE {table} RENAME TO hidden_{table}")).await.unwrap();
    }
    raw.close().await.unwrap();
}

#[tokio::test]
async fn warm_paths_need_no_database() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        world.service(&tenant, "robot").await;
        world.service(&tenant, "stranger").await;
        let signed = |metadata: &mut idp::domain::client::ClientMetadata| {
            metadata.userinfo_signed_response_alg = Some(Algorithm::Es256);
            metadata.subject_type = idp::domain::client::SubjectType::Pairwise;
        };
        world.client(&tenant, "signed", signed).await;
        listens(&world).await;
        let plain = tokens_for(&world, "", "reports", "ada@example.com", &[]).await;
        let signed = tokens_for(&world, "", "signed", "ada@example.com", &[]).await;
        let cold = tokens_for(&world, "", "reports", "ada@example.com", &[]).await;
        assert_eq!(token(&world).await, StatusCode::OK);
        world.get("/jwks", &[]).await;
        // The first signed answer makes the key, which changes the tenant's keys and so all that depends on them.
        // On PostgreSQL the news of it comes round once more, and what was looked up meanwhile isn't kept.
        for _ in 0..20 {
            userinfo(&world, "", &signed).await;
            userinfo(&world, "", &plain).await;
            introspected(&world, &plain).await;
            assert_eq!(token(&world).await, StatusCode::OK);
            world.get("/jwks", &[]).await;
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        listens(&world).await;
        let before = (userinfo(&world, "", &plain).await.body, userinfo(&world, "", &signed).await.body);

        let worth = introspected(&world, &plain).await;
        assert!(worth.contains(r#""active":true"#), "{worth}");

        hide_tables(&database).await;
        for _ in 0..3 {
            assert_eq!(introspected(&world, &plain).await, worth);
            assert_eq!(token(&world).await, StatusCode::OK);
            let after = (userinfo(&world, "", &plain).await.body, userinfo(&world, "", &signed).await.body);
            assert_eq!(after, before);
        }
        for path in ["/jwks", "/.well-known/openid-configuration"] {
            assert_eq!(world.get(path, &[]).await.status, StatusCode::OK, "{path}");
        }
        // What isn't warm can't be had, and says so.
        let unavailable = r#"503 {"error":"temporarily_unavailable","error_description":"the service can't answer right now; try again in a moment"}"#;
        let stranger = [("authorization", &*basic("stranger", SECRET))];
        let answer = world.post("/token", &stranger, "grant_type=client_credentials").await;
        assert_eq!(answer.snapshot(), unavailable);
        assert_eq!(userinfo(&world, "", &cold).await.snapshot(), unavailable);
        // And once changes can't be followed, nothing old is trusted.
        world.ctx.database.close().await;
        assert_eq!(token(&world).await, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(userinfo(&world, "", &plain).await.status, StatusCode::SERVICE_UNAVAILABLE);
    }
}

#[tokio::test]
async fn what_another_node_changed_holds_at_the_next_check() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        let acme = world.other_tenant("acme").await;
        for tenant in [&tenant, &acme] {
            world.service(tenant, "robot").await;
        }
        let peer = world.peer(database.open().await);
        let id = "robot".parse().unwrap();
        listens(&world).await;
        assert_eq!(token(&world).await, StatusCode::OK);

        // A client's status.
        clients::set_status(&peer.ctx, tenant.id, &id, ClientStatus::Disabled, "test").await.unwrap();
        assert_soon(&database, async || token(&world).await, StatusCode::UNAUTHORIZED).await;
        clients::set_status(&peer.ctx, tenant.id, &id, ClientStatus::Active, "test").await.unwrap();
        assert_soon(&database, async || token(&world).await, StatusCode::OK).await;

        // Its secrets.
        let (second, _) = clients::rotate_secret(&peer.ctx, tenant.id, &id, Duration::ZERO, "test").await.unwrap();
        let with_second = async || token_with(&world, "", second.expose()).await;
        assert_soon(&database, with_second, StatusCode::OK).await;
        assert_eq!(token(&world).await, StatusCode::UNAUTHORIZED);

        // A tenant's status.
        let at_acme = async || token_with(&world, "/t/acme", SECRET).await;
        assert_eq!(at_acme().await, StatusCode::OK);
        tenants::set_status(&peer.ctx, &acme.slug, TenantStatus::Suspended, "test").await.unwrap();
        assert_soon(&database, at_acme, StatusCode::NOT_FOUND).await;
        tenants::set_status(&peer.ctx, &acme.slug, TenantStatus::Active, "test").await.unwrap();
        assert_soon(&database, at_acme, StatusCode::OK).await;

        // Keys.
        key_rings::stage(&peer.ctx, tenant.id, KeySpec::from(Algorithm::Es256), "test").await.unwrap();
        let expected = peer.get("/jwks", &[]).await.body;
        assert_soon(&database, async || world.get("/jwks", &[]).await.body, expected).await;

        // A client that is deleted.
        clients::delete(&peer.ctx, tenant.id, &id, "test").await.unwrap();
        assert_soon(&database, with_second, StatusCode::UNAUTHORIZED).await;
    }
}

const INACTIVE: &str = r#"{"active":false}"#;

/// What the client `reports` is told of its access token.
async fn introspected(world: &World, tokens: &Value) -> String {
    let token = tokens["access_token"].as_str().unwrap();
    introspect(world, "", "reports", token).await.body
}

/// What the API `api` at the tenant `acme` is told of a token.
async fn worth(world: &World, token: &str) -> String {
    introspect(world, "/t/acme", "api", token).await.snapshot()
}

/// Tokens of a user and a client of their own at the tenant `acme`, for the API `api`.
async fn warm(world: &World, number: usize) -> (User, String, Value) {
    let acme = tenants::find(&world.ctx, &"acme".parse().unwrap()).await.unwrap();
    let (email, client) = (format!("u{number}@example.com"), format!("c{number}"));
    let user = world.user(&acme, &email).await;
    world.client(&acme, &client, |metadata| metadata.audience = Some("api".to_owned())).await;
    let code = Browser::new(world, "/t/acme").code(&client, &email).await;
    // A second grant, which the gates' own matrix has too.
    let tokens = redeem(world, "/t/acme", &client, &code).await.json();
    (user, client, tokens)
}

/// Every reason to refuse a subject, made on another node, against copies that are warm here.
#[tokio::test]
async fn a_subject_that_another_node_took_away_is_refused_though_it_is_warm() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let acme = world.other_tenant("acme").await;
        world.client(&acme, "api", |_| {}).await;
        let peer = world.peer(database.open().await);
        listens(&world).await;
        for (number, reason) in Reason::ALL.iter().copied().enumerate() {
            println!("{reason:?}");
            // What begins in the very millisecond of an end of everything ends with it.
            world.pass(Duration::from_millis(1));
            let (user, client, tokens) = warm(&world, number).await;
            let ask = async || userinfo(&world, "/t/acme", &tokens).await.snapshot();
            let worth = async || worth(&world, tokens["access_token"].as_str().unwrap()).await;
            for _ in 0..2 {
                assert!(ask().await.starts_with("200 "), "{reason:?}");
                assert!(worth().await.starts_with(r#"200 {"active":true"#), "{reason:?}");
            }
            reason.befalls(&peer, &acme, &user, &client).await;
            assert_soon(&database, ask, Usage::Userinfo.refusal(reason).to_owned()).await;
            assert_soon(&database, worth, Usage::IntrospectAccessToken.refusal(reason).to_owned()).await;
        }
    }
}

/// A service's own token at the tenant `acme`.
async fn service_token(world: &World, id: &str) -> String {
    let headers = [("authorization", &*basic(id, SECRET))];
    let answer = world.post("/t/acme/token", &headers, "grant_type=client_credentials").await;
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

/// Changes what is registered of a client.
async fn change(world: &World, tenant: &Tenant, client: &str, change: impl Fn(&mut ClientMetadata)) {
    let changed = |client: &Client| {
        let mut details = ClientDetails::from(client);
        change(&mut details.metadata);
        Ok::<_, ClientChangeError>(details)
    };
    clients::update(&world.ctx, tenant.id, &client.parse().unwrap(), None, changed, "test").await.unwrap();
}

/// The same for a service's token; and what is told of it follows whatever changes about the client, or about the one
/// who asks.
#[tokio::test]
async fn a_services_token_is_worth_what_another_node_left_of_it_though_it_is_warm() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let acme = world.other_tenant("acme").await;
        let ada = world.user(&acme, "ada@example.com").await;
        world.client(&acme, "api", |metadata| metadata.audience = Some("services".to_owned())).await;
        let peer = world.peer(database.open().await);
        listens(&world).await;
        let own = |reason: &Reason| reason.is_of_client() || matches!(reason, Reason::LockDown);
        for (number, reason) in Reason::ALL.iter().copied().filter(own).enumerate() {
            world.pass(Duration::from_millis(1));
            let robot = format!("robot{number}");
            world.service(&acme, &robot).await;
            let token = service_token(&world, &robot).await;
            let worth = async || worth(&world, &token).await;
            for _ in 0..2 {
                assert!(worth().await.starts_with(r#"200 {"active":true"#), "{reason:?}");
            }
            reason.befalls(&peer, &acme, &ada, &robot).await;
            assert_soon(&database, worth, format!("200 {INACTIVE}")).await;
        }

        world.pass(Duration::from_millis(1));
        world.service(&acme, "robot").await;
        let token = service_token(&world, "robot").await;
        let told = async |name: &str| introspect(&world, "/t/acme", "api", &token).await.json()[name].clone();
        assert_eq!(told("active").await, true);
        change(&peer, &acme, "robot", |metadata| metadata.roles = ["clerk".to_owned()].into()).await;
        assert_soon(&database, async || told("roles").await, serde_json::json!(["clerk"])).await;
        change(&peer, &acme, "robot", |metadata| metadata.scope = "reports:write".parse().unwrap()).await;
        assert_soon(&database, async || told("scope").await, "reports:write".into()).await;
        change(&peer, &acme, "api", |metadata| metadata.audience = None).await;
        assert_soon(&database, async || told("active").await, false.into()).await;
    }
}

/// The same for one grant and for one session, here and on the other node.
#[tokio::test]
async fn a_revoked_grant_and_an_ended_session_are_refused_though_they_are_warm() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let peer = world.peer(database.open().await);
        let tenant = world.tenant().await.id;
        listens(&world).await;
        for (round, of_session) in [(0, false), (1, false), (2, true), (3, true)] {
            let tokens = tokens_for(&world, "", "reports", "ada@example.com", &[]).await;
            let other = tokens_for(&world, "", "reports", "ada@example.com", &[]).await;
            for tokens in [&tokens, &other, &tokens, &other] {
                assert_eq!(userinfo(&world, "", tokens).await.status, StatusCode::OK);
                assert!(introspected(&world, tokens).await.contains("true"));
            }
            let claims = crate::support::world::payload(tokens["access_token"].as_str().unwrap());
            let grant = idp::service::issue::grant_of_jti(claims["jti"].as_str().unwrap()).unwrap();
            let session = idp::domain::SessionId::from_uuid(claims["sid"].as_str().unwrap().parse().unwrap());
            let (node, now) = (if round % 2 == 0 { &world } else { &peer }, world.ctx.now());
            if of_session {
                assert_eq!(node.end(tenant, Which::One(session)).await.sessions, 1);
            } else {
                let revoke =
                    node.ctx.database.write(async move |tx| store::grants::revoke(&tx, tenant, grant, now).await);
                let done: Result<bool, StoreError> = revoke.await;
                assert!(done.unwrap());
            }
            let ask = async || userinfo(&world, "", &tokens).await.status;
            if round % 2 == 0 {
                assert_eq!(ask().await, StatusCode::UNAUTHORIZED, "on the node that did it, at once");
            }
            assert_soon(&database, ask, StatusCode::UNAUTHORIZED).await;
            assert_eq!(introspected(&world, &tokens).await, INACTIVE);
            assert_eq!(userinfo(&world, "", &other).await.status, StatusCode::OK, "another session's");
        }
    }
}

#[tokio::test]
async fn changed_claims_and_settings_are_seen_though_the_answer_is_warm() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let peer = world.peer(database.open().await);
        let tenant = world.tenant().await;
        listens(&world).await;
        let tokens = tokens_for(&world, "", "reports", "ada@example.com", &[]).await;
        assert_eq!(userinfo(&world, "", &tokens).await.json()["name"], "Ada Lovelace");
        for (node, name, role) in [(&world, "Ada King", "clerk"), (&peer, "Countess", "owner")] {
            let user = users::find(&world.ctx, &tenant, "ada@example.com").await.unwrap();
            let token = tokens["access_token"].as_str().unwrap();
            let roles = async || introspect(&world, "", "reports", token).await.json()["roles"].clone();
            assert_ne!(roles().await, serde_json::json!([role]));
            let patch = serde_json::json!({ "profile": { "name": name }, "roles": [role] });
            users::update(&node.ctx, &tenant, user.id, None, &patch, "test").await.unwrap();
            let ask = async || userinfo(&world, "", &tokens).await.json()["name"].clone();
            assert_soon(&database, ask, name.into()).await;
            assert_soon(&database, roles, serde_json::json!([role])).await;
        }
        // A key that is taken away in an emergency takes its tokens along, verified before or not.
        let kid = key_rings::list(&world.ctx, tenant.id).await.unwrap()[0].jwk.kid().as_str().to_owned();
        let next = key_rings::stage(&peer.ctx, tenant.id, KeySpec::from(Algorithm::Rs256), "test").await.unwrap();
        let next = next.jwk.kid().as_str();
        key_rings::change(&peer.ctx, tenant.id, next, KeyChange::ActivateInEmergency, "test").await.unwrap();
        let ask = async || userinfo(&world, "", &tokens).await.status;
        assert_soon(&database, ask, StatusCode::OK).await;
        key_rings::change(&peer.ctx, tenant.id, &kid, KeyChange::RetireInEmergency, "test").await.unwrap();
        assert_soon(&database, ask, StatusCode::UNAUTHORIZED).await;
        assert_eq!(introspected(&world, &tokens).await, INACTIVE);
    }
}

#[tokio::test]
async fn time_runs_out_for_what_is_warm() {
    for database in databases().await {
        let world = World::with(database.open().await, |config| {
            config.sessions.lifetime = Duration::from_mins(5);
            config.tokens.access_token_lifetime = Duration::from_mins(10);
        })
        .await;
        world.furnish().await;
        listens(&world).await;
        let tokens = tokens_for(&world, "", "reports", "ada@example.com", &[]).await;
        assert_eq!(userinfo(&world, "", &tokens).await.status, StatusCode::OK);
        world.pass(Duration::from_secs(299));
        assert_eq!(userinfo(&world, "", &tokens).await.status, StatusCode::OK);
        assert!(introspected(&world, &tokens).await.contains("true"));
        world.pass(Duration::from_secs(1));
        assert_eq!(userinfo(&world, "", &tokens).await.status, StatusCode::UNAUTHORIZED, "the session is over");
        assert_eq!(introspected(&world, &tokens).await, INACTIVE);
    }
}

#[tokio::test]
async fn a_warm_token_is_nothing_to_another_tenant() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let acme = world.other_tenant("acme").await;
        world.client(&acme, "reports", |_| {}).await;
        listens(&world).await;
        let tokens = tokens_for(&world, "", "reports", "ada@example.com", &[]).await;
        for _ in 0..2 {
            assert_eq!(userinfo(&world, "", &tokens).await.status, StatusCode::OK);
            assert_eq!(userinfo(&world, "/t/acme", &tokens).await.status, StatusCode::UNAUTHORIZED);
            assert!(introspected(&world, &tokens).await.contains("true"));
            let token = tokens["access_token"].as_str().unwrap();
            assert_eq!(introspect(&world, "/t/acme", "reports", token).await.body, INACTIVE);
        }
    }
}

/// Checks that run all the time, and a change in their midst: none of them may leave behind what was before.
#[tokio::test]
async fn no_check_after_a_change_sees_what_was_before() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        listens(&world).await;
        for round in 0..15 {
            let tokens = tokens_for(&world, "", "reports", "ada@example.com", &[]).await;
            let status = async || userinfo(&world, "", &tokens).await.status;
            let change = async {
                for _ in 0..round {
                    tokio::task::yield_now().await;
                }
                users::set_status(&world.ctx, &tenant, "ada@example.com", UserStatus::Locked, "test").await.unwrap();
                for _ in 0..5 {
                    assert_eq!(status().await, StatusCode::UNAUTHORIZED);
                    assert_eq!(introspected(&world, &tokens).await, INACTIVE);
                }
            };
            let checks = futures_util::future::join_all((0..8).map(|_| async {
                for _ in 0..8 {
                    status().await;
                    introspected(&world, &tokens).await;
                }
            }));
            futures_util::future::join(change, checks).await;
            assert_eq!(status().await, StatusCode::UNAUTHORIZED);
            users::set_status(&world.ctx, &tenant, "ada@example.com", UserStatus::Active, "test").await.unwrap();
        }
    }
}

/// PostgreSQL: without its listening connection a node asks the database, and what changed meanwhile isn't missed.
#[tokio::test]
async fn a_node_that_cannot_listen_asks_the_database() {
    let database = TestDatabase::postgres().await;
    let world = World::on(database.open().await).await;
    let tenant = world.tenant().await;
    world.service(&tenant, "robot").await;
    let peer = world.peer(database.open().await);
    listens(&world).await;
    assert_eq!(token(&world).await, StatusCode::OK);
    let raw = database.raw().await;
    let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND query IN ('LISTEN \"signet_changes\"', 'SELECT 1')";
    raw.execute_unprepared(kill).await.unwrap();
    let deaf = async {
        while world.ctx.database.changes().is_certain() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), deaf).await.unwrap();
    let id = "robot".parse().unwrap();
    clients::set_status(&peer.ctx, tenant.id, &id, ClientStatus::Disabled, "test").await.unwrap();
    assert_eq!(token(&world).await, StatusCode::UNAUTHORIZED, "at once: nothing kept is used");
    listens(&world).await;
    assert_eq!(token(&world).await, StatusCode::UNAUTHORIZED);
    clients::set_status(&peer.ctx, tenant.id, &id, ClientStatus::Active, "test").await.unwrap();
    assert_soon(&database, async || token(&world).await, StatusCode::OK).await;
    raw.close().await.unwrap();
}

/// Each request asks whether something changed. It waits for no read of anybody's to learn it.
#[tokio::test]
async fn whoever_asks_what_changed_in_a_file_waits_for_no_slow_read() {
    const SLOW: &str =
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 3000000) SELECT max(x) FROM n";
    let database = TestDatabase::sqlite().await;
    let world = World::furnished(&database).await;
    assert_eq!(world.get("/jwks", &[]).await.status, StatusCode::OK);
    let raw = database.raw().await;
    let db = world.ctx.database.read();
    let reads = (0..64).map(|_| db.query_one_raw(Statement::from_string(DbBackend::Sqlite, SLOW)));
    let answered = async {
        // A commit that changes nothing.
        raw.execute_unprepared("UPDATE change_counter SET revision = revision").await.unwrap();
        world.get("/jwks", &[]).await.status
    };
    let first = select(Box::pin(join_all(reads)), Box::pin(answered)).await;
    assert!(matches!(first, Either::Right((StatusCode::OK, _))), "all the slow ones were first");
}
