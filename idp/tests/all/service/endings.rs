//! Sessions are ended in one place: what goes with them, what lives on, what is told, and how millions end at once.

use std::time::Duration;

use idp::domain::audit::AuditKind;
use idp::domain::client::GrantType;
use idp::domain::session::EndReason;
use idp::domain::tenant::{Tenant, TenantStatus};
use idp::domain::{SessionId, TenantId, UserId};
use idp::service::sessions::ending::{self, Ended, Ending, Which};
use idp::service::{tenants, users};
use idp::store::audit::AuditFilter;
use idp::store::{self, StoreError};
use poem::http::StatusCode;
use serde_json::{Value, json};

use crate::http::claims::{tokens_for, userinfo};
use crate::store::samples;
use crate::support::database::TestDatabase;
use crate::support::databases;
use crate::support::world::{SECRET, World, basic, encode, payload};

const OFFLINE: (&str, &str) = ("scope", "openid profile email offline_access");
const EMAIL: &str = "ada@example.com";

/// A provider whose client `reports` may refresh.
async fn furnished(database: &TestDatabase) -> World {
    let world = World::on(database.open().await).await;
    furnish(&world, &world.tenant().await).await;
    world
}

async fn furnish(world: &World, tenant: &Tenant) {
    world.user(tenant, EMAIL).await;
    for id in ["reports", "charts"] {
        world
            .client(tenant, id, |metadata| {
                metadata.grant_types.insert(GrantType::RefreshToken);
                metadata.scope = "openid profile email offline_access".parse().unwrap();
            })
            .await;
    }
}

fn sid(tokens: &Value) -> SessionId {
    payload(tokens["access_token"].as_str().unwrap())["sid"].as_str().unwrap().parse().unwrap()
}

/// Whether an access token works, and whether a refresh token does.
async fn work(world: &World, base: &str, tokens: &Value) -> (bool, bool) {
    let access = userinfo(world, base, tokens).await.status == StatusCode::OK;
    let Some(token) = tokens["refresh_token"].as_str() else { return (access, false) };
    let form = encode(&[("grant_type", "refresh_token"), ("refresh_token", token)]);
    let answer = world.post(&format!("{base}/token"), &[("authorization", &basic("reports", SECRET))], &form).await;
    (access, answer.status == StatusCode::OK)
}

/// What the audit log says of ended sessions, the newest first.
async fn audited(world: &World, tenant: TenantId) -> Vec<(String, Value)> {
    let events = store::audit::list(world.ctx.database.read(), tenant, &AuditFilter::default(), None, 1000).await;
    let ours = [AuditKind::SessionEnded, AuditKind::SessionsEnded];
    let events = events.unwrap().into_iter().filter(|event| ours.contains(&event.kind));
    events.map(|event| (format!("{} by {}", event.kind, event.actor.as_deref().unwrap_or("-")), event.detail)).collect()
}

async fn ada(world: &World, tenant: &Tenant) -> UserId {
    users::find(&world.ctx, tenant, EMAIL).await.unwrap().id
}

#[tokio::test]
async fn one_session_ends_with_what_was_given_in_it_and_offline_grants_live_on() {
    for database in databases().await {
        let world = furnished(&database).await;
        let tenant = world.tenant().await;
        let (bound, offline) = (
            tokens_for(&world, "", "reports", EMAIL, &[]).await,
            tokens_for(&world, "", "reports", EMAIL, &[OFFLINE]).await,
        );
        for (tokens, refreshes, grants) in [(&bound, false, 1), (&offline, true, 0)] {
            assert_eq!(work(&world, "", tokens).await, (true, refreshes));
            let ended = world.end(tenant.id, Which::One(sid(tokens))).await;
            assert_eq!((ended.sessions, ended.grants, ended.named.len()), (1, grants, 1));
            assert_eq!(ended.named[0].session.id, sid(tokens));
            assert_eq!(ended.named[0].clients, ["reports".parse().unwrap()], "who has to hear of it");
            assert_eq!(work(&world, "", tokens).await, (false, refreshes));
            assert_eq!(world.end(tenant.id, Which::One(sid(tokens))).await, Ended::default(), "once");
        }
        let mut said = audited(&world, tenant.id).await;
        said.sort_by_key(|(_, detail)| detail["grants"].as_u64());
        let detail = |tokens, grants| json!({ "reason": "revoked", "sid": sid(tokens), "grants": grants });
        let by = || "session.ended by test".to_owned();
        assert_eq!(said, [(by(), detail(&offline, 0)), (by(), detail(&bound, 1))]);
    }
}

#[tokio::test]
async fn a_persons_other_sessions_end_and_one_stays() {
    for database in databases().await {
        let world = furnished(&database).await;
        let tenant = world.tenant().await;
        let user = ada(&world, &tenant).await;
        world.user(&tenant, "bob@example.com").await;
        let bobs = tokens_for(&world, "", "reports", "bob@example.com", &[]).await;
        let (kept, other) = (
            tokens_for(&world, "", "reports", EMAIL, &[OFFLINE]).await,
            tokens_for(&world, "", "reports", EMAIL, &[OFFLINE]).await,
        );
        let others = Which::Others { user, keep: sid(&kept) };
        let ended = world.end(tenant.id, others.clone()).await;
        assert_eq!((ended.sessions, ended.named[0].session.id), (1, sid(&other)));
        assert_eq!(work(&world, "", &kept).await, (true, true));
        assert_eq!(work(&world, "", &other).await, (false, true));
        assert!(work(&world, "", &bobs).await.0);

        // With another password what outlives sessions goes as well, wherever it was given.
        let ending = Ending::new(&world.ctx, others, EndReason::PasswordChanged);
        let ended = ending::end(&world.ctx, tenant.id, ending).await.unwrap();
        assert_eq!((ended.sessions, ended.grants), (0, 2));
        assert!(!work(&world, "", &kept).await.1);
        assert!(!world.end(tenant.id, Which::OfUser(user)).await.named.is_empty(), "the session itself stayed");
    }
}

#[tokio::test]
async fn all_of_a_person_end_with_all_that_they_gave() {
    for database in databases().await {
        let world = furnished(&database).await;
        let tenant = world.tenant().await;
        let user = ada(&world, &tenant).await;
        let tokens = tokens_for(&world, "", "reports", EMAIL, &[OFFLINE]).await;
        world.end(tenant.id, Which::One(sid(&tokens))).await;
        assert!(work(&world, "", &tokens).await.1);
        tokens_for(&world, "", "charts", EMAIL, &[]).await;
        let ended = world.end(tenant.id, Which::OfUser(user)).await;
        assert_eq!((ended.sessions, ended.grants), (1, 2));
        assert_eq!(work(&world, "", &tokens).await, (false, false));
        let detail = json!({ "reason": "revoked", "sessions": 1, "grants": 2 });
        assert!(audited(&world, tenant.id).await.contains(&("sessions.ended by test".to_owned(), detail)));
        assert_eq!(world.end(tenant.id, Which::OfUser(user)).await, Ended::default());
    }
}

#[tokio::test]
async fn more_sessions_than_a_batch_end_in_one_transaction() {
    for database in databases().await {
        let world = furnished(&database).await;
        let tenant = world.tenant().await;
        let user = ada(&world, &tenant).await;
        fill(&world, tenant.id, user, 250).await;
        let ended = world.end(tenant.id, Which::OfUser(user)).await;
        assert_eq!((ended.sessions, ended.named.len()), (250, 100));
    }
}

/// Adds sessions of a person.
async fn fill(world: &World, tenant: TenantId, user: UserId, count: u128) {
    let now = world.ctx.now();
    let filled: Result<(), StoreError> = world
        .ctx
        .database
        .write(async move |tx| {
            for number in 1..=count {
                let mut session = samples::session(number, 1);
                session.user_id = user;
                session.created_at = now;
                session.expires_at = now + Duration::from_hours(1);
                let hash = samples::hash(u64::try_from(number).unwrap());
                store::sessions::insert(&tx, tenant, &session, &hash).await?;
            }
            Ok(())
        })
        .await;
    filled.unwrap();
}

/// Tokens say the second that they were made in, but a lock-down doesn't wait for the next one.
#[tokio::test]
async fn what_a_service_gets_right_after_an_end_of_everything_holds() {
    for database in databases().await {
        let world = furnished(&database).await;
        let tenant = world.tenant().await;
        furnish_rest(&world, &tenant).await;
        for which in [Which::OfTenant, Which::OfClient("robot".parse().unwrap())] {
            world.pass(Duration::from_millis(100));
            let before = service_token(&world, "").await;
            world.pass(Duration::from_millis(1));
            let at_once = service_token(&world, "").await;
            world.end(tenant.id, which.clone()).await;
            let as_soon = service_token(&world, "").await;
            world.pass(Duration::from_millis(1));
            let after = service_token(&world, "").await;
            let iat = |token: &str| payload(token)["iat"].clone();
            assert_eq!(iat(&before), iat(&after), "all of it is one second");
            for (token, expected) in [(&before, false), (&at_once, false), (&as_soon, true), (&after, true)] {
                assert_eq!(holds(&world, "", token).await, expected, "{which:?}");
            }
        }
    }
}

/// A service's own token and whether the admin API's gate takes it for one that holds.
async fn service_token(world: &World, base: &str) -> String {
    let form = encode(&[("grant_type", "client_credentials")]);
    let answer = world.post(&format!("{base}/token"), &[("authorization", &basic("robot", SECRET))], &form).await;
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

async fn holds(world: &World, base: &str, token: &str) -> bool {
    let bearer = format!("Bearer {token}");
    let answer = world.get(&format!("{base}/v1/admin/users"), &[("authorization", &bearer)]).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    // If it holds, it is for something else.
    !answer.body.contains("expired or revoked")
}

#[tokio::test]
async fn a_lock_down_holds_at_once_and_its_rows_are_swept_up() {
    for database in databases().await {
        let world = furnished(&database).await;
        let (tenant, acme) = (world.tenant().await, world.other_tenant("acme").await);
        for tenant in [&tenant, &acme] {
            furnish_rest(&world, tenant).await;
        }
        let mine = tokens_for(&world, "", "reports", EMAIL, &[OFFLINE]).await;
        let theirs = tokens_for(&world, "/t/acme", "reports", EMAIL, &[OFFLINE]).await;
        let (my_service, their_service) = (service_token(&world, "").await, service_token(&world, "/t/acme").await);
        let peer = world.peer(database.open().await);
        fill(&world, tenant.id, ada(&world, &tenant).await, 700).await;
        for node in [&world, &peer] {
            assert_eq!(userinfo(node, "", &mine).await.status, StatusCode::OK);
        }
        world.pass(Duration::from_secs(1));

        // In a transaction of somebody else's: nothing is written down yet, and nothing counts any more.
        let ending = Ending::new(&world.ctx, Which::OfTenant, EndReason::LockDown).by("test");
        let (inside, id) = (world.ctx.clone(), tenant.id);
        let ended: Result<Ended, StoreError> =
            world.ctx.database.write(async move |tx| ending::end_in(&inside, &tx, id, ending).await).await;
        let ended = ended.unwrap();
        assert_eq!((ended.sessions, ended.left.is_some()), (0, true));
        assert_eq!(work(&world, "", &mine).await, (false, false));
        assert!(!holds(&world, "", &my_service).await, "a service’s as well");
        assert_eq!(work(&world, "/t/acme", &theirs).await, (true, true), "another tenant's");
        assert!(holds(&world, "/t/acme", &their_service).await);
        let live = store::sessions::find_live(world.ctx.database.read(), id, sid(&mine), world.ctx.now()).await;
        assert_eq!(live.unwrap(), None);
        let row = store::sessions::find_by_id(world.ctx.database.read(), id, sid(&mine)).await.unwrap();
        assert_eq!(row.unwrap().ended_at, None, "not yet");

        // What begins after it counts, also while the rest is being swept up.
        world.pass(Duration::from_secs(1));
        let next = tokens_for(&world, "", "reports", EMAIL, &[OFFLINE]).await;
        let next_service = service_token(&world, "").await;
        // Another process may do it.
        ending::sweep(&peer.ctx).await.unwrap();
        assert_eq!(store::sweeps::left(world.ctx.database.read()).await.unwrap().len(), 0);
        let row = store::sessions::find_by_id(world.ctx.database.read(), id, sid(&mine)).await.unwrap();
        assert!(row.unwrap().ended_at.is_some());
        assert_eq!(work(&world, "", &next).await, (true, true));
        assert!(holds(&world, "", &next_service).await);
        assert!(work(&world, "/t/acme", &theirs).await.0);
        assert_eq!(
            audited(&world, id).await,
            [("sessions.ended by test".to_owned(), json!({ "reason": "lock_down" }))]
        );
        let by_whom = by_whom(&world, id).await;
        assert!(!by_whom.is_empty() && by_whom.iter().all(|actor| actor == "test"), "also as told later: {by_whom:?}");
    }
}

/// Clocks of nodes differ, and are set back: what is there at an end of everything ends, by whatever clock it began, and
/// what begins afterwards counts at once.
#[tokio::test]
async fn an_end_of_everything_hangs_on_no_clock() {
    for database in databases().await {
        let world = furnished(&database).await;
        let tenant = world.tenant().await;
        furnish_rest(&world, &tenant).await;
        // Long after the client was made: a code from before that would be another one's.
        world.pass(Duration::from_hours(3));
        let ahead = world.peer_ahead(database.open().await, Duration::from_secs(2));
        for which in [Which::OfTenant, Which::OfClient("reports".parse().unwrap())] {
            // Begun at a node whose clock is ahead, ended at one whose isn't.
            let theirs = tokens_for(&ahead, "", "reports", EMAIL, &[OFFLINE]).await;
            let their_service = service_token(&ahead, "").await;
            assert_eq!(work(&ahead, "", &theirs).await, (true, true));
            assert!(holds(&ahead, "", &their_service).await);
            world.end(tenant.id, which.clone()).await;
            assert_eq!(work(&ahead, "", &theirs).await, (false, false), "{which:?}");
            assert_eq!(holds(&ahead, "", &their_service).await, which != Which::OfTenant, "{which:?}");
            // Both go on at once.
            for node in [&world, &ahead] {
                let next = tokens_for(node, "", "reports", EMAIL, &[OFFLINE]).await;
                let next_service = service_token(node, "").await;
                assert_eq!(work(&ahead, "", &next).await, (true, true), "{which:?}");
                assert!(holds(&ahead, "", &next_service).await, "{which:?}");
            }
        }
        // A second end at a slower clock takes nothing of the first one back.
        let theirs = service_token(&ahead, "").await;
        ahead.end(tenant.id, Which::OfTenant).await;
        world.end(tenant.id, Which::OfTenant).await;
        assert!(!holds(&ahead, "", &theirs).await);

        // The clock is set back, and what began before that ends nevertheless.
        let before = tokens_for(&world, "", "reports", EMAIL, &[OFFLINE]).await;
        let service = service_token(&world, "").await;
        world.set_back(Duration::from_hours(1));
        world.end(tenant.id, Which::OfTenant).await;
        world.pass(Duration::from_hours(1));
        assert_eq!(work(&world, "", &before).await, (false, false));
        assert!(!holds(&world, "", &service).await);
        // And what begins while it is back counts.
        world.end(tenant.id, Which::OfTenant).await;
        world.set_back(Duration::from_hours(1));
        let (next, next_service) =
            (tokens_for(&world, "", "reports", EMAIL, &[OFFLINE]).await, service_token(&world, "").await);
        assert_eq!(work(&world, "", &next).await, (true, true));
        assert!(holds(&world, "", &next_service).await);
    }
}

/// A service beside the usual client.
async fn furnish_rest(world: &World, tenant: &Tenant) {
    if tenant.id != TenantId::DEFAULT {
        furnish(world, tenant).await;
    }
    world.service(tenant, "robot").await;
}

#[tokio::test]
async fn a_small_tenant_is_written_down_before_the_answer() {
    for database in databases().await {
        let world = furnished(&database).await;
        let tenant = world.tenant().await;
        let tokens = tokens_for(&world, "", "reports", EMAIL, &[]).await;
        let ended = world.end(tenant.id, Which::OfTenant).await;
        assert_eq!((ended.sessions, ended.grants, ended.left), (1, 1, None));
        assert_eq!(ended.named[0].session.id, sid(&tokens));
        assert_eq!(store::sweeps::left(world.ctx.database.read()).await.unwrap().len(), 0);
    }
}

#[tokio::test]
async fn what_a_client_was_given_ends_and_sessions_go_on() {
    for database in databases().await {
        let world = furnished(&database).await;
        let tenant = world.tenant().await;
        world.service(&tenant, "robot").await;
        let (given, other) = (
            tokens_for(&world, "", "reports", EMAIL, &[OFFLINE]).await,
            tokens_for(&world, "", "charts", EMAIL, &[OFFLINE]).await,
        );
        let service = service_token(&world, "").await;
        let ended = world.end(tenant.id, Which::OfClient("reports".parse().unwrap())).await;
        assert_eq!((ended.sessions, ended.grants, ended.left), (0, 1, None));
        assert_eq!(work(&world, "", &given).await, (false, false));
        assert_eq!(userinfo(&world, "", &other).await.status, StatusCode::OK);
        assert!(holds(&world, "", &service).await);
        let db = world.ctx.database.read();
        let live = store::sessions::find_live(db, tenant.id, sid(&given), world.ctx.now()).await.unwrap();
        assert!(live.is_some());
        world.end(tenant.id, Which::OfClient("robot".parse().unwrap())).await;
        assert!(!holds(&world, "", &service).await, "a service's own tokens are what it was given");
        let nobody = world.end(tenant.id, Which::OfClient("nobody".parse().unwrap())).await;
        assert_eq!(nobody, Ended::default());
    }
}

#[tokio::test]
async fn a_tenant_that_was_suspended_wakes_up_without_sessions() {
    for database in databases().await {
        let world = furnished(&database).await;
        let acme = world.other_tenant("acme").await;
        furnish(&world, &acme).await;
        let tokens = tokens_for(&world, "/t/acme", "reports", EMAIL, &[OFFLINE]).await;
        assert_eq!(userinfo(&world, "/t/acme", &tokens).await.status, StatusCode::OK);
        for status in [TenantStatus::Suspended, TenantStatus::Active] {
            tenants::set_status(&world.ctx, &acme.slug, status, "test").await.unwrap();
        }
        assert_eq!(work(&world, "/t/acme", &tokens).await, (false, false));
    }
}

/// What others are told of ended sessions: the type, and the reason.
async fn told(world: &World, tenant: TenantId) -> Vec<(String, String)> {
    let events = store::outbox::after(world.ctx.database.read(), tenant, 0, 1000).await.unwrap();
    let ended = events.into_iter().filter(|event| event.kind.contains("session") && event.kind.ends_with("terminated"));
    ended.map(|event| (event.kind, event.payload["data"]["reason"].as_str().unwrap().to_owned())).collect()
}

/// Who ended the sessions that others are told of, if not the person.
async fn by_whom(world: &World, tenant: TenantId) -> Vec<Value> {
    let events = store::outbox::after(world.ctx.database.read(), tenant, 0, 1000).await.unwrap();
    let ended = events.into_iter().filter(|event| event.kind == "auth:session.terminated");
    ended.map(|event| event.payload.get("actor").cloned().unwrap_or_default()).collect()
}

/// Whoever has to hear of the end of a session hears of it also where its time is up, once, whoever looks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_whose_time_is_up_are_told_of_once() {
    for database in databases().await {
        let world = furnished(&database).await;
        let tenant = world.tenant().await;
        let acme = world.other_tenant("acme").await;
        furnish(&world, &acme).await;
        for tenant in [&tenant, &acme] {
            world
                .client(tenant, "shop", |metadata| {
                    metadata.backchannel_logout_uri = Some("http://127.0.0.1:1/end".to_owned());
                    metadata.grant_types.insert(GrantType::RefreshToken);
                    metadata.scope = "openid profile email offline_access".parse().unwrap();
                })
                .await;
        }
        let peer = world.peer(database.open().await);
        let queue = async |tenant: TenantId| {
            let queue = crate::support::deliveries::queue(&world.ctx.database, tenant).await;
            queue.into_iter().map(|waiting| waiting.payload["sid"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let sessions = world.ctx.config.sessions.clone();
        let bound = tokens_for(&world, "", "shop", EMAIL, &[]).await;
        let offline = tokens_for(&world, "", "shop", EMAIL, &[OFFLINE]).await;
        let away = tokens_for(&world, "/t/acme", "shop", EMAIL, &[]).await;

        world.pass(sessions.idle_timeout.saturating_sub(Duration::from_millis(1)));
        ending::lapse(&world.ctx).await.unwrap();
        assert_eq!((told(&world, tenant.id).await, queue(tenant.id).await), (vec![], vec![]), "not before its time");
        let audit = audited(&world, tenant.id).await;

        world.pass(Duration::from_millis(1));
        let (here, there) = tokio::join!(ending::lapse(&world.ctx), ending::lapse(&peer.ctx));
        here.unwrap();
        there.unwrap();
        let idle = ("auth:session.terminated".to_owned(), "idle".to_owned());
        assert_eq!(told(&world, tenant.id).await, vec![idle.clone(); 2]);
        assert_eq!(told(&world, acme.id).await, [idle]);
        assert_eq!(by_whom(&world, acme.id).await, ["signet"]);
        let mut sids = [sid(&bound).to_string(), sid(&offline).to_string()];
        sids.sort();
        let mut heard = queue(tenant.id).await;
        heard.sort();
        assert_eq!(heard, sids);
        assert_eq!(queue(acme.id).await, [sid(&away).to_string()]);
        assert_eq!(audited(&world, tenant.id).await, audit, "nobody did anything");
        let refresh = async |tokens: &Value| {
            let form = encode(&[
                ("grant_type", "refresh_token"),
                ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
            ]);
            world.post("/token", &[("authorization", &basic("shop", SECRET))], &form).await.status
        };
        assert_eq!(refresh(&offline).await, StatusCode::OK, "what outlives sessions lives on");
        assert!(bound["refresh_token"].is_null() || refresh(&bound).await != StatusCode::OK);

        // One that is used all the time lives until its life is over.
        let mut browser = crate::support::world::Browser::new(&world, "");
        browser.code("reports", EMAIL).await;
        let step = sessions.idle_timeout / 2;
        let mut lived = Duration::ZERO;
        while lived + step < sessions.lifetime {
            world.pass(step);
            lived += step;
            browser.authorize("reports", &[("prompt", "none")]).await.assert_code();
            ending::lapse(&world.ctx).await.unwrap();
        }
        assert_eq!(told(&world, tenant.id).await.len(), 2);
        world.pass(sessions.lifetime.saturating_sub(lived));
        ending::lapse(&world.ctx).await.unwrap();
        assert_eq!(told(&world, tenant.id).await.pop().unwrap().1, "expired");
        ending::lapse(&world.ctx).await.unwrap();
        assert_eq!(
            (told(&world, tenant.id).await.len(), queue(tenant.id).await.len()),
            (3, 2),
            "once, and only to those who listen"
        );
    }
}

#[tokio::test]
async fn more_than_a_batch_lapses_in_one_go() {
    for database in databases().await {
        let world = furnished(&database).await;
        let tenant = world.tenant().await;
        for _ in 0..105 {
            let mut browser = crate::support::world::Browser::new(&world, "");
            browser.code("reports", EMAIL).await;
        }
        world.pass(world.ctx.config.sessions.lifetime);
        ending::lapse(&world.ctx).await.unwrap();
        assert_eq!(told(&world, tenant.id).await.len(), 105);
    }
}
