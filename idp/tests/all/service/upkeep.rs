//! Expired rows go, and nothing else.

use std::time::Duration;

use idp::domain::TenantId;
use idp::domain::audit::{AuditKind, Outcome};
use idp::domain::client::ClientStatus;
use idp::domain::client_assertion::Seen;
use idp::domain::session::EndReason;
use idp::service::issue::grant_of_jti;
use idp::service::sessions::ending::{self, Ending, Which};
use idp::service::{audit, audit_log, clients, upkeep};
use idp::store::{self, StoreError};
use poem::http::StatusCode;
use sea_orm::DatabaseConnection;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::count;
use crate::http::code_flow::redeem;
use crate::support::database::TestDatabase;
use crate::support::databases;
use crate::support::world::{Answer, Browser, PASSWORD, SECRET, World, basic, payload};

const TABLES: [&str; 6] =
    ["authorization_flows", "authorization_codes", "client_assertion_jtis", "sign_in_limits", "grants", "sessions"];

async fn counts(db: &DatabaseConnection) -> [usize; 6] {
    let mut counts = [0; 6];
    for (count_of, table) in counts.iter_mut().zip(TABLES) {
        *count_of = count(db, table).await;
    }
    counts
}

/// What one person's afternoon leaves behind: tokens, a code that nobody fetched, a sign-in page that stands open, a
/// failed attempt, and a client's assertion.
struct Afternoon<'w> {
    tokens: Value,
    code: String,
    browser: Browser<'w>,
    page: Answer,
}

async fn afternoon(world: &World, assertion: u8) -> Afternoon<'_> {
    let mut browser = Browser::new(world, "");
    let code = browser.code("reports", "ada@example.com").await;
    let tokens = redeem(world, "", "reports", &code).await.json();
    let mut second = Browser::new(world, "");
    let code = second.code("reports", "ada@example.com").await;
    let mut third = Browser::new(world, "");
    let page = third.authorize("reports", &[]).await;
    third.sign_in(&page, "ada@example.com", "wrong").await;
    let expires_at = world.ctx.now() + Duration::from_secs(90);
    let remembered: Result<Seen, StoreError> = world
        .ctx
        .database
        .write(async move |tx| {
            let client = "reports".parse().unwrap();
            let (tenant, jti) = (TenantId::DEFAULT, [assertion; 32]);
            store::client_assertions::remember(&tx, tenant, &client, &jti, expires_at).await
        })
        .await;
    assert_eq!(remembered.unwrap(), Seen::First);
    Afternoon { tokens, code, browser: third, page }
}

impl Afternoon<'_> {
    /// All that is to go on working does.
    async fn goes_on(mut self, world: &World) {
        let bearer = format!("Bearer {}", self.tokens["access_token"].as_str().unwrap());
        assert_eq!(world.get("/userinfo", &[("authorization", &bearer)]).await.status, StatusCode::OK);
        assert_eq!(redeem(world, "", "reports", &self.code).await.status, StatusCode::OK);
        let signed_in = self.browser.sign_in(&self.page, "ada@example.com", PASSWORD).await;
        assert_eq!(signed_in.status, StatusCode::SEE_OTHER, "{}", signed_in.body);
    }
}

#[tokio::test]
async fn what_has_expired_goes_and_what_lives_stays() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let raw = database.raw().await;
        let old = afternoon(&world, 1).await;
        let one = counts(&raw).await;
        // Flows; codes; the assertion; an account and an address; grants; sessions.
        assert_eq!(one, [3, 2, 1, 2, 2, 2]);
        upkeep::clean(&world.ctx).await.unwrap();
        assert_eq!(counts(&raw).await, one, "all of it lives");
        old.goes_on(&world).await;

        // An assertion and a code are remembered for a day more: a late replay is known as one, even by a clock that
        // was set back.
        world.pass(Duration::from_secs(90 + 24 * 3600 - 1));
        upkeep::clean(&world.ctx).await.unwrap();
        assert_eq!(count(&raw, "client_assertion_jtis").await, 1);
        world.pass(Duration::from_secs(1));
        upkeep::clean(&world.ctx).await.unwrap();
        assert_eq!(count(&raw, "client_assertion_jtis").await, 0);
        assert_eq!(count(&raw, "authorization_codes").await, 0);

        world.pass(world.ctx.config.sessions.lifetime.saturating_sub(Duration::from_hours(24)));
        upkeep::clean(&world.ctx).await.unwrap();
        let [flows, codes, assertions, limits, grants, sessions] = counts(&raw).await;
        assert_eq!([flows, codes, assertions, limits], [0; 4]);
        assert!(grants > 0 && sessions > 0, "kept for a day more, as their tokens may be about");

        world.pass(Duration::from_hours(24));
        let new = afternoon(&world, 2).await;
        upkeep::clean(&world.ctx).await.unwrap();
        assert_eq!(counts(&raw).await, one, "the old has gone, the new is there");
        new.goes_on(&world).await;
        raw.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_revoked_grant_goes_a_day_later_and_its_client_hears_of_the_sessions_end() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let raw = database.raw().await;
        let day = afternoon(&world, 1).await;
        let jti = payload(day.tokens["access_token"].as_str().unwrap())["jti"].as_str().unwrap().to_owned();
        let (grant, now) = (grant_of_jti(&jti).unwrap(), world.ctx.now());
        let revoked: Result<bool, StoreError> = world
            .ctx
            .database
            .write(async move |tx| store::grants::revoke(&tx, TenantId::DEFAULT, grant, now).await)
            .await;
        assert!(revoked.unwrap());
        let kept = store::grants::find(world.ctx.database.read(), TenantId::DEFAULT, grant).await.unwrap().unwrap();
        world.pass(Duration::from_secs(24 * 3600 - 1));
        upkeep::clean(&world.ctx).await.unwrap();
        assert_eq!(count(&raw, "grants").await, 2);
        world.pass(Duration::from_secs(1));
        upkeep::clean(&world.ctx).await.unwrap();
        assert_eq!((count(&raw, "grants").await, count(&raw, "sessions").await), (1, 2));
        let one = Ending::new(&world.ctx, Which::One(kept.session_id.unwrap()), EndReason::Revoked);
        let ended = ending::end(&world.ctx, TenantId::DEFAULT, one).await.unwrap();
        let clients: Vec<_> = ended.named.into_iter().flat_map(|ended| ended.clients).collect();
        assert_eq!(clients, ["reports".parse().unwrap()]);
        raw.close().await.unwrap();
    }
}

#[tokio::test]
async fn more_than_a_batch_goes_in_one_cleaning() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let raw = database.raw().await;
        let mut browser = Browser::new(&world, "");
        for _ in 0..510 {
            browser.authorize("reports", &[]).await;
        }
        world.pass(Duration::from_hours(1));
        let last = browser.authorize("reports", &[]).await;
        world.pass(world.ctx.config.flows.lifetime.saturating_sub(Duration::from_hours(1)));
        upkeep::clean(&world.ctx).await.unwrap();
        assert_eq!(count(&raw, "authorization_flows").await, 1);
        assert_eq!(browser.get(last.location()).await.status, StatusCode::OK);
        raw.close().await.unwrap();
    }
}

/// The audit log is shortened, and nothing else has expired: its room is given back all the same.
#[tokio::test]
async fn room_is_given_back_whoever_left_it() {
    const LINES: usize = 4_000;
    let database = TestDatabase::sqlite().await;
    let world = World::furnished(&database).await;
    let before = database.size().await;
    let written: Result<(), StoreError> = world
        .ctx
        .database
        .write({
            let ctx = world.ctx.clone();
            async move |tx| {
                for _ in 0..LINES {
                    let event = audit::event(&ctx, AuditKind::SignIn, Outcome::Refused);
                    let event = event.detail(serde_json::json!({ "said": "x".repeat(1000) }));
                    tx.record(TenantId::DEFAULT, event);
                }
                Ok(())
            }
        })
        .await;
    written.unwrap();
    upkeep::clean(&world.ctx).await.unwrap();
    let full = database.size().await;
    assert!(full > before + 4_000_000, "{before} {full}");
    world.pass(world.ctx.config.audit.retention + Duration::from_secs(1));
    audit_log::prune(&world.ctx).await.unwrap();
    upkeep::clean(&world.ctx).await.unwrap();
    let after = database.size().await;
    assert!(after <= before + 1_500_000, "{before}, {full}, {after}: a MiB stays for the next rows");
}

/// What [`upkeep::run`] does of itself, in real time.
#[tokio::test]
async fn upkeep_follows_changes_until_it_is_stopped() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        world.service(&tenant, "robot").await;
        let token = || async {
            let headers = [("authorization", &*basic("robot", SECRET))];
            world.post("/token", &headers, "grant_type=client_credentials").await.status
        };
        let peer = world.peer(database.open().await);
        let stop = CancellationToken::new();
        let running = tokio::spawn(upkeep::run(world.ctx.clone(), stop.clone()));
        assert_eq!(token().await, StatusCode::OK);
        let id = "robot".parse().unwrap();
        clients::set_status(&peer.ctx, tenant.id, &id, ClientStatus::Disabled, "test").await.unwrap();
        let seen = async {
            while token().await == StatusCode::OK {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), seen).await.unwrap();
        stop.cancel();
        tokio::time::timeout(Duration::from_secs(30), running).await.unwrap().unwrap();
    }
}
