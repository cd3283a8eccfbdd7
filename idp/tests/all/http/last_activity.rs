//! When somebody last did something: it moves with the use of their sessions, and never back.

use std::time::Duration;

use futures_util::future::{join, join_all};
use idp::domain::session::EndReason;
use idp::domain::tenant::Tenant;
use idp::domain::user::UserStatus;
use idp::domain::{Timestamp, UserId};
use idp::service::sessions::ending::{self, Ending, Which};
use idp::service::users::UserFilter;
use idp::service::{upkeep, users};
use poem::http::StatusCode;
use serde_json::{Value, json};

use crate::support::database::TestDatabase;
use crate::support::databases;
use crate::support::world::{Answer, Browser, PASSWORD, World, request};

const ADA: &str = "ada@example.com";

async fn post(world: &World, path: &str, body: &Value) -> Answer {
    let headers = [("content-type", "application/json")];
    world.send(request("POST", path, &headers, body.to_string().into_bytes())).await
}

/// Signs Ada in, in the tenant's app.
async fn signed_in(world: &World) -> Value {
    let answer = post(world, "/v1/auth/login", &json!({ "email": ADA, "password": PASSWORD })).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.json()
}

async fn refreshed(world: &World, tokens: &Value) -> Answer {
    post(world, "/v1/auth/refresh", &json!({ "refresh_token": tokens["refresh_token"] })).await
}

async fn by(world: &World, tokens: &Value, method: &str, path: &str) -> Answer {
    let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    world.send(request(method, path, &[("authorization", &bearer)], Vec::new())).await
}

/// When Ada last did something, as administrators see it: by herself, and in the list.
async fn seen(world: &World, tenant: &Tenant) -> Option<Timestamp> {
    let one = users::find(&world.ctx, tenant, ADA).await.unwrap();
    let all = users::list(&world.ctx, tenant, &UserFilter::default(), None, 10).await.unwrap();
    let listed = all.iter().find(|user| user.id == one.id).unwrap();
    assert_eq!(listed.last_activity_at, one.last_activity_at);
    one.last_activity_at
}

#[tokio::test]
async fn it_moves_with_the_use_of_a_session() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let (tenant, acme) = (world.tenant().await, world.other_tenant("acme").await);
        world.user(&acme, ADA).await;
        let grace = world.user(&tenant, "grace@example.com").await;
        assert_eq!(seen(&world, &tenant).await, None);
        let mut tokens = signed_in(&world).await;
        assert_eq!(seen(&world, &tenant).await, Some(world.ctx.now()), "the sign-in");

        world.pass(Duration::from_mins(1));
        let answer = refreshed(&world, &tokens).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        tokens = answer.json();
        assert_eq!(seen(&world, &tenant).await, Some(world.ctx.now()), "a refresh");

        world.pass(Duration::from_mins(1));
        assert_eq!(by(&world, &tokens, "POST", "/v1/auth/activity").await.status, StatusCode::OK);
        let active = world.ctx.now();
        assert_eq!(seen(&world, &tenant).await, Some(active), "activity");

        // What doesn't count as a use of the session is none here; the person sees the same.
        world.pass(Duration::from_mins(1));
        let me = by(&world, &tokens, "GET", "/v1/auth/me").await;
        assert_eq!(me.json()["last_activity_at"], active.rfc3339(), "{}", me.body);
        assert_eq!(seen(&world, &tenant).await, Some(active));

        let mut browser = Browser::new(&world, "");
        browser.code("reports", ADA).await;
        assert_eq!(seen(&world, &tenant).await, Some(world.ctx.now()), "a sign-in on the page");
        world.pass(world.ctx.config.sessions.idle_timeout / 2);
        assert_eq!(browser.get("/account").await.status, StatusCode::OK);
        assert_eq!(seen(&world, &tenant).await, Some(world.ctx.now()), "a page");

        // Nobody else did anything.
        assert_eq!(seen(&world, &acme).await, None);
        let grace = users::find(&world.ctx, &tenant, &grace.id.to_string()).await.unwrap();
        assert_eq!(grace.last_activity_at, None);
    }
}

/// Ends all of somebody's sessions.
async fn end_all(world: &World, tenant: &Tenant, user: UserId) {
    let ending = Ending::new(&world.ctx, Which::OfUser(user), EndReason::Revoked).by("test");
    ending::end(&world.ctx, tenant.id, ending).await.unwrap();
}

#[tokio::test]
async fn it_outlives_the_sessions_and_never_goes_back() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let ada = users::find(&world.ctx, &tenant, ADA).await.unwrap().id;
        let sessions = async || {
            let raw = database.raw().await;
            let count = crate::service::count(&raw, "sessions").await;
            raw.close().await.unwrap();
            count
        };
        let long = Duration::from_hours(24 * 400);
        let tokens = signed_in(&world).await;
        world.pass(Duration::from_mins(1));
        assert_eq!(refreshed(&world, &tokens).await.status, StatusCode::OK);
        let used = world.ctx.now();
        world.pass(Duration::from_mins(1));
        end_all(&world, &tenant, ada).await;
        assert_eq!(seen(&world, &tenant).await, Some(used), "that others end it is nothing that she did");
        world.pass(long);
        upkeep::clean(&world.ctx).await.unwrap();
        assert_eq!((sessions().await, seen(&world, &tenant).await), (0, Some(used)));

        // One that wasn't used since the last sign-in has nothing to say.
        signed_in(&world).await;
        world.pass(Duration::from_mins(1));
        let newest = signed_in(&world).await;
        let last = world.ctx.now();
        assert_eq!(by(&world, &newest, "POST", "/v1/auth/logout").await.status, StatusCode::NO_CONTENT);
        world.pass(long);
        upkeep::clean(&world.ctx).await.unwrap();
        assert_eq!((sessions().await, seen(&world, &tenant).await), (0, Some(last)));
    }
}

/// Three nodes: on one she goes on, on another she is switched off and on and signed out everywhere, on a third what is over
/// is removed. Whoever holds one row that another wants would make it fail.
#[tokio::test]
async fn use_ends_and_removal_at_once_stand_in_nobodys_way() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let nodes = [world.peer(database.open().await), world.peer(database.open().await)];
        let mut last = world.ctx.now();
        for round in 0..8 {
            for _ in 0..3 {
                signed_in(&world).await;
            }
            // Those are to be removed, these are in use.
            world.pass(Duration::from_hours(24 * 400));
            let mut tokens = Vec::new();
            for _ in 0..4 {
                tokens.push(signed_in(&world).await);
            }
            world.pass(Duration::from_mins(1));
            let uses = join_all(tokens.iter().map(async |tokens| {
                let (refreshed, active) =
                    join(refreshed(&world, tokens), by(&world, tokens, "POST", "/v1/auth/activity")).await;
                [refreshed.status, active.status]
            }));
            let ends = async {
                let ctx = &nodes[0].ctx;
                let ada = users::set_status(ctx, &tenant, ADA, UserStatus::Disabled, "test").await.unwrap().id;
                users::set_status(ctx, &tenant, ADA, UserStatus::Active, "test").await.unwrap();
                end_all(&nodes[0], &tenant, ada).await;
            };
            let removal = async { upkeep::clean(&nodes[1].ctx).await.unwrap() };
            let (uses, ((), ())) = join(uses, join(ends, removal)).await;
            for status in uses.into_iter().flatten() {
                assert!([StatusCode::OK, StatusCode::UNAUTHORIZED].contains(&status), "{round}: {status}");
            }
            let now = seen(&world, &tenant).await.unwrap();
            assert!(last < now && now <= world.ctx.now(), "{round}: {last:?} {now:?}");
            last = now;
        }
    }
}

/// What is removed while somebody signs in doesn't take the later time away.
#[tokio::test]
async fn a_sign_in_while_old_sessions_are_removed_is_the_last_activity() {
    async fn round(world: &World, other: &World, tenant: &Tenant) {
        let tokens = signed_in(world).await;
        world.pass(Duration::from_mins(1));
        assert_eq!(refreshed(world, &tokens).await.status, StatusCode::OK);
        world.pass(Duration::from_hours(24 * 400));
        let (_, removed) = join(signed_in(world), upkeep::clean(&other.ctx)).await;
        removed.unwrap();
        assert_eq!(seen(world, tenant).await, Some(world.ctx.now()));
    }
    async fn rounds(database: &TestDatabase) {
        let world = World::furnished(database).await;
        let (other, tenant) = (world.peer(database.open().await), world.tenant().await);
        for _ in 0..10 {
            round(&world, &other, &tenant).await;
        }
    }
    for database in databases().await {
        rounds(&database).await;
    }
}
