//! Grant type `refresh_token` (RFC 6749 §6, RFC 9700 §4.14.2): one successor, a short grace, and what ends a family.

use std::time::Duration;

use idp::domain::client::{GrantType, RefreshTokenPolicy};
use idp::domain::tenant::Tenant;
use idp::service::sessions::ending::Which;
use idp::service::users;
use poem::http::StatusCode;
use sea_orm::ConnectionTrait as _;

use super::code_flow::redeem;
use crate::support::database::TestDatabase;
use crate::support::databases;
use crate::support::world::{Answer, Browser, PASSWORD, SECRET, World, basic, encode, payload};

const REFUSED: &str = r#"400 {"error":"invalid_grant","error_description":"the refresh token is unknown, has expired, was used before or revoked, or belongs to another client"}"#;
pub(crate) const OFFLINE: (&str, &str) = ("scope", "openid profile email offline_access");

/// A provider whose clients `reports` and `charts` may refresh.
pub(crate) async fn furnished(database: &TestDatabase) -> World {
    let world = World::on(database.open().await).await;
    let tenant = world.tenant().await;
    world.user(&tenant, "ada@example.com").await;
    for id in ["reports", "charts"] {
        refreshing(&world, &tenant, id, RefreshTokenPolicy::Offline).await;
    }
    world
}

pub(crate) async fn refreshing(world: &World, tenant: &Tenant, id: &str, policy: RefreshTokenPolicy) {
    world
        .client(tenant, id, |metadata| {
            metadata.grant_types.insert(GrantType::RefreshToken);
            metadata.scope = "openid profile email offline_access".parse().unwrap();
            metadata.refresh_tokens = policy;
        })
        .await;
}

/// Signs Ada in at a client, in a browser of her own, and gives the client's tokens.
pub(crate) async fn tokens(world: &World, base: &str, client: &str) -> serde_json::Value {
    let mut browser = Browser::new(world, base);
    let start = browser.authorize(client, &[OFFLINE]).await;
    let signed_in = browser.sign_in(&start, "ada@example.com", PASSWORD).await;
    let asked = signed_in.location().contains("/consent");
    let allowed = if asked { browser.consent(&signed_in, "allow").await } else { signed_in };
    let answer = redeem(world, base, client, &allowed.returned("code").unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.json()
}

pub(crate) fn text<'a>(tokens: &'a serde_json::Value, name: &str) -> &'a str {
    tokens[name].as_str().unwrap_or_else(|| panic!("no {name}: {tokens}"))
}

pub(crate) async fn refresh_with(world: &World, base: &str, client: &str, form: &[(&str, &str)]) -> Answer {
    let form = [&[("grant_type", "refresh_token")], form].concat();
    world.post(&format!("{base}/token"), &[("authorization", &basic(client, SECRET))], &encode(&form)).await
}

async fn refresh(world: &World, token: &str) -> Answer {
    refresh_with(world, "", "reports", &[("refresh_token", token)]).await
}

async fn refreshed(world: &World, token: &str) -> serde_json::Value {
    let answer = refresh(world, token).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.json()
}

async fn userinfo(world: &World, access_token: &str) -> StatusCode {
    world.get("/userinfo", &[("authorization", &format!("Bearer {access_token}"))]).await.status
}

#[tokio::test]
async fn a_client_gets_new_tokens_that_tell_of_the_same_sign_in() {
    for database in databases().await {
        let world = furnished(&database).await;
        let first = tokens(&world, "", "reports").await;
        assert_eq!(text(&first, "scope"), "email offline_access openid profile");
        world.pass(Duration::from_mins(20));
        let answer = refresh(&world, text(&first, "refresh_token")).await;
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let second = answer.json();
        assert_eq!(text(&second, "scope"), text(&first, "scope"));
        assert_ne!(second["refresh_token"], first["refresh_token"]);
        assert!(text(&second, "refresh_token").len() >= 43);
        let (before, after) = (payload(text(&first, "id_token")), payload(text(&second, "id_token")));
        for same in ["iss", "sub", "aud", "auth_time", "sid", "acr", "amr"] {
            assert_eq!(before[same], after[same], "{same}");
        }
        assert_eq!(after["iat"].as_i64().unwrap() - before["iat"].as_i64().unwrap(), 20 * 60);
        assert_eq!(before["nonce"], "the nonce");
        assert!(after.get("nonce").is_none(), "OpenID Connect Core §12.2");
        assert_eq!(userinfo(&world, text(&second, "access_token")).await, StatusCode::OK);
        refreshed(&world, text(&second, "refresh_token")).await;
    }
}

#[tokio::test]
async fn a_repeat_within_the_grace_gets_the_same_successor_and_after_it_the_family_dies() {
    for database in databases().await {
        let world = furnished(&database).await;
        let first = tokens(&world, "", "reports").await;
        let first = text(&first, "refresh_token");
        let second = refreshed(&world, first).await;
        world.pass(Duration::from_secs(30));
        let again = refreshed(&world, first).await;
        assert_eq!(again["refresh_token"], second["refresh_token"], "an answer may have been lost");
        let third = refreshed(&world, text(&second, "refresh_token")).await;
        world.pass(Duration::from_secs(1));
        let fourth = refreshed(&world, text(&third, "refresh_token")).await;
        assert_eq!(userinfo(&world, text(&fourth, "access_token")).await, StatusCode::OK);
        // The first is two generations old: somebody has a copy.
        assert_eq!(refresh(&world, first).await.snapshot(), REFUSED);
        for token in [&second, &third, &fourth] {
            assert_eq!(refresh(&world, text(token, "refresh_token")).await.snapshot(), REFUSED);
            assert_eq!(userinfo(&world, text(token, "access_token")).await, StatusCode::UNAUTHORIZED);
        }
        // One that was used once, just after the grace.
        let fresh = tokens(&world, "", "reports").await;
        let successor = refreshed(&world, text(&fresh, "refresh_token")).await;
        world.pass(Duration::from_millis(30_001));
        assert_eq!(refresh(&world, text(&fresh, "refresh_token")).await.snapshot(), REFUSED);
        assert_eq!(refresh(&world, text(&successor, "refresh_token")).await.snapshot(), REFUSED);
    }
}

/// Only the token before the current one may be repeated: who presents an older one has it from somewhere, however soon.
#[tokio::test]
async fn the_grace_is_for_the_last_token_alone() {
    for database in databases().await {
        let world = furnished(&database).await;
        let first = tokens(&world, "", "reports").await;
        let second = refreshed(&world, text(&first, "refresh_token")).await;
        let third = refreshed(&world, text(&second, "refresh_token")).await;
        let again = refreshed(&world, text(&second, "refresh_token")).await;
        assert_eq!(again["refresh_token"], third["refresh_token"]);
        assert_eq!(refresh(&world, text(&first, "refresh_token")).await.snapshot(), REFUSED);
        assert_eq!(refresh(&world, text(&third, "refresh_token")).await.snapshot(), REFUSED, "the family is dead");
    }
}

/// A clock that is set back makes the grace no longer, and nobody a thief.
#[tokio::test]
async fn by_a_clock_that_was_set_back_nothing_is_repeated_and_nothing_ends() {
    for database in databases().await {
        let world = furnished(&database).await;
        let first = tokens(&world, "", "reports").await;
        world.pass(Duration::from_hours(1));
        let second = refreshed(&world, text(&first, "refresh_token")).await;
        world.set_back(Duration::from_hours(1));
        assert_eq!(refresh(&world, text(&first, "refresh_token")).await.snapshot(), REFUSED);
        refreshed(&world, text(&second, "refresh_token")).await;
    }
}

#[tokio::test]
async fn of_two_hundred_parallel_refreshes_there_is_one_successor() {
    for database in databases().await {
        let world = furnished(&database).await;
        let first = tokens(&world, "", "reports").await;
        let token = text(&first, "refresh_token");
        let answers = futures_util::future::join_all((0..200).map(|_| refresh(&world, token))).await;
        let successors: std::collections::BTreeSet<String> = answers
            .iter()
            .map(|answer| {
                assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
                text(&answer.json(), "refresh_token").to_owned()
            })
            .collect();
        assert_eq!(successors.len(), 1);
        refreshed(&world, successors.first().unwrap()).await;
    }
}

#[tokio::test]
async fn what_is_not_the_clients_own_token_is_refused_and_changes_nothing() {
    for database in databases().await {
        let world = furnished(&database).await;
        let acme = world.other_tenant("acme").await;
        world.user(&acme, "ada@example.com").await;
        refreshing(&world, &acme, "reports", RefreshTokenPolicy::Offline).await;
        let own = tokens(&world, "", "reports").await;
        let token = text(&own, "refresh_token");
        let foreign = tokens(&world, "/t/acme", "reports").await;

        let last = if token.ends_with('A') { 'Q' } else { 'A' };
        let altered = format!("{}{last}", &token[..token.len() - 1]);
        let long = "x".repeat(9000);
        let code_like = "x".repeat(43);
        let mut made_up = token.to_owned();
        made_up.replace_range(30..34, "AAAA");
        let cases =
            [text(&foreign, "refresh_token"), &altered, &long, &code_like, &made_up, text(&own, "access_token")];
        for bad in cases {
            assert_eq!(refresh(&world, bad).await.snapshot(), REFUSED, "{bad}");
        }
        let others = refresh_with(&world, "", "charts", &[("refresh_token", token)]).await;
        assert_eq!(others.snapshot(), REFUSED);
        let elsewhere = refresh_with(&world, "/t/acme", "reports", &[("refresh_token", token)]).await;
        assert_eq!(elsewhere.snapshot(), REFUSED);
        let missing = refresh_with(&world, "", "reports", &[]).await;
        assert_eq!(
            missing.snapshot(),
            r#"400 {"error":"invalid_request","error_description":"refresh_token is missing"}"#
        );
        let twice = refresh_with(&world, "", "reports", &[("refresh_token", token), ("refresh_token", token)]).await;
        assert_eq!(twice.json()["error"], "invalid_request");
        for scope in ["openid admin", "openid phone", "other"] {
            let wider = refresh_with(&world, "", "reports", &[("refresh_token", token), ("scope", scope)]).await;
            assert_eq!(
                wider.snapshot(),
                r#"400 {"error":"invalid_scope","error_description":"scope names something that was not granted"}"#
            );
        }
        refreshed(&world, token).await;
        assert_eq!(
            refresh_with(&world, "/t/acme", "reports", &[("refresh_token", text(&foreign, "refresh_token"))])
                .await
                .status,
            StatusCode::OK
        );
    }
}

#[tokio::test]
async fn less_may_be_asked_for_and_the_next_time_all_of_it_again() {
    for database in databases().await {
        let world = furnished(&database).await;
        let first = tokens(&world, "", "reports").await;
        let form = [("refresh_token", text(&first, "refresh_token")), ("scope", "profile")];
        let less = refresh_with(&world, "", "reports", &form).await.json();
        assert_eq!(text(&less, "scope"), "profile");
        assert_eq!(payload(text(&less, "access_token"))["scope"], "profile");
        assert!(less.get("id_token").is_none());
        let all = refreshed(&world, text(&less, "refresh_token")).await;
        assert_eq!(text(&all, "scope"), "email offline_access openid profile");
    }
}

#[tokio::test]
async fn a_token_dies_of_rest_and_of_age() {
    let day = Duration::from_hours(24);
    for database in databases().await {
        let world = furnished(&database).await;
        let rested = tokens(&world, "", "reports").await;
        let mut used = tokens(&world, "", "reports").await;
        for _ in 0..6 {
            world.pass(13 * day);
            used = refreshed(&world, text(&used, "refresh_token")).await;
        }
        assert_eq!(refresh(&world, text(&rested, "refresh_token")).await.snapshot(), REFUSED);
        world.pass(Duration::from_secs(12 * 86_400 - 1));
        used = refreshed(&world, text(&used, "refresh_token")).await;
        world.pass(Duration::from_secs(1));
        assert_eq!(refresh(&world, text(&used, "refresh_token")).await.snapshot(), REFUSED, "ninety days are over");
        // Too old is not stolen: nothing else was taken away for it, and what is left is cleaned up.
        world.pass(2 * day);
        idp::service::upkeep::clean(&world.ctx).await.unwrap();
        assert_eq!(refresh(&world, text(&used, "refresh_token")).await.snapshot(), REFUSED);
    }
}

#[tokio::test]
async fn an_offline_token_outlives_the_session_and_another_kind_does_not() {
    for database in databases().await {
        let world = furnished(&database).await;
        let tenant = world.tenant().await;
        refreshing(&world, &tenant, "bound", RefreshTokenPolicy::Session).await;
        let (offline, bound) = (tokens(&world, "", "reports").await, tokens(&world, "", "bound").await);
        let (offline, bound) =
            (refreshed(&world, text(&offline, "refresh_token")).await, text(&bound, "refresh_token").to_owned());
        let again = refresh_with(&world, "", "bound", &[("refresh_token", &bound)]).await.json();
        for token in [&offline, &again] {
            let sid = payload(text(token, "access_token"))["sid"].as_str().unwrap().parse().unwrap();
            world.end(tenant.id, Which::One(sid)).await;
        }
        // What was given in the session ends with it; what is refreshed later belongs to none.
        assert_eq!(userinfo(&world, text(&offline, "access_token")).await, StatusCode::UNAUTHORIZED);
        let later = refreshed(&world, text(&offline, "refresh_token")).await;
        assert!(payload(text(&later, "access_token")).get("sid").is_none());
        assert!(payload(text(&later, "id_token")).get("sid").is_none());
        assert_eq!(userinfo(&world, text(&later, "access_token")).await, StatusCode::OK);
        let over = refresh_with(&world, "", "bound", &[("refresh_token", text(&again, "refresh_token"))]).await;
        assert_eq!(over.snapshot(), REFUSED);
    }
}

/// What is kept of a grant is a guess: the statement that rotates its token decides. So whoever writes to the database
/// behind this process's back is heeded as well.
#[tokio::test]
async fn what_is_kept_gives_nobody_what_the_database_would_not() {
    let behind_the_back = async |world: &World, sql: &'static str| {
        let write = world.ctx.database.write(async move |tx| {
            tx.execute_unprepared(sql).await?;
            Ok::<_, idp::store::StoreError>(())
        });
        write.await.unwrap();
    };
    let undone = [
        ("UPDATE grants SET revoked_at = 1", "UPDATE grants SET revoked_at = NULL"),
        ("UPDATE grants SET expires_at = 1", "UPDATE grants SET expires_at = NULL"),
        (
            "UPDATE users SET status = 'disabled', updated_at = updated_at + 1",
            "UPDATE users SET status = 'active', updated_at = updated_at + 1",
        ),
        ("UPDATE tenants SET sessions_since = 9000000000000", "UPDATE tenants SET sessions_since = NULL"),
        ("UPDATE clients SET grants_since = 9000000000000", "UPDATE clients SET grants_since = NULL"),
    ];
    for database in databases().await {
        let world = furnished(&database).await;
        let mut last = tokens(&world, "", "reports").await;
        for (change, back) in undone {
            last = refreshed(&world, text(&last, "refresh_token")).await;
            behind_the_back(&world, change).await;
            assert_eq!(refresh(&world, text(&last, "refresh_token")).await.snapshot(), REFUSED, "{change}");
            behind_the_back(&world, back).await;
        }
        last = refreshed(&world, text(&last, "refresh_token")).await;
        let roles = r#"UPDATE users SET roles = '["AUDITOR"]', updated_at = updated_at + 1"#;
        behind_the_back(&world, roles).await;
        last = refreshed(&world, text(&last, "refresh_token")).await;
        assert_eq!(payload(text(&last, "access_token"))["roles"], serde_json::json!(["AUDITOR"]));
        assert!(payload(text(&last, "access_token"))["sid"].is_string());
        behind_the_back(&world, "UPDATE sessions SET ended_at = 1").await;
        last = refreshed(&world, text(&last, "refresh_token")).await;
        assert!(payload(text(&last, "access_token")).get("sid").is_none());
    }
}

/// A session's use is noted once in a while, a hundredth of 72 hours, and also where what is kept of it is from before.
#[tokio::test]
async fn a_session_in_which_tokens_are_refreshed_does_not_rest() {
    for database in databases().await {
        let world = furnished(&database).await;
        let mut last = tokens(&world, "", "reports").await;
        let session = payload(text(&last, "access_token"))["sid"].as_str().unwrap().parse().unwrap();
        let (tenant, db) = (world.tenant().await.id, world.ctx.database.read());
        let mut seen = Vec::new();
        for _ in 0..6 {
            world.pass(Duration::from_mins(20));
            last = refreshed(&world, text(&last, "refresh_token")).await;
            let found = idp::store::sessions::find_by_id(db, tenant, session).await.unwrap().unwrap();
            seen.push(world.ctx.now().since(found.last_seen_at));
        }
        assert_eq!(seen, [20, 40, 0, 20, 40, 0].map(Duration::from_mins));
    }
}

#[tokio::test]
async fn a_changed_password_ends_what_was_refreshed() {
    for database in databases().await {
        let world = furnished(&database).await;
        let tenant = world.tenant().await;
        let first = tokens(&world, "", "reports").await;
        let new = idp::domain::Secret::new("another horse battery staple");
        users::set_password(&world.ctx, &tenant, "ada@example.com", new, "test").await.unwrap();
        assert_eq!(refresh(&world, text(&first, "refresh_token")).await.snapshot(), REFUSED);
    }
}

#[tokio::test]
async fn there_is_no_refresh_token_without_offline_access_or_for_a_client_that_may_not_refresh() {
    for database in databases().await {
        let world = furnished(&database).await;
        let tenant = world.tenant().await;
        let mut browser = Browser::new(&world, "");
        let code = browser.code("reports", "ada@example.com").await;
        let online = redeem(&world, "", "reports", &code).await.json();
        assert!(online.get("refresh_token").is_none(), "{online}");
        world.client(&tenant, "plain", |metadata| metadata.scope = "openid offline_access".parse().unwrap()).await;
        let start = browser.authorize("plain", &[("scope", "openid offline_access")]).await;
        let allowed = browser.consent(&start, "allow").await;
        let plain = redeem(&world, "", "plain", &allowed.returned("code").unwrap()).await.json();
        assert_eq!(text(&plain, "scope"), "openid");
        assert!(plain.get("refresh_token").is_none(), "{plain}");
        let token = tokens(&world, "", "reports").await;
        let answer = refresh_with(&world, "", "plain", &[("refresh_token", text(&token, "refresh_token"))]).await;
        assert_eq!(
            answer.snapshot(),
            r#"400 {"error":"unauthorized_client","error_description":"this client may not use this grant type"}"#
        );
    }
}

#[tokio::test]
async fn a_code_that_is_used_twice_takes_the_refresh_token_along() {
    for database in databases().await {
        let world = furnished(&database).await;
        let mut browser = Browser::new(&world, "");
        let start = browser.authorize("reports", &[OFFLINE]).await;
        let signed_in = browser.sign_in(&start, "ada@example.com", PASSWORD).await;
        let allowed = browser.consent(&signed_in, "allow").await;
        let code = allowed.returned("code").unwrap();
        let first = redeem(&world, "", "reports", &code).await.json();
        let second = refreshed(&world, text(&first, "refresh_token")).await;
        assert_eq!(redeem(&world, "", "reports", &code).await.json()["error"], "invalid_grant");
        assert_eq!(refresh(&world, text(&second, "refresh_token")).await.snapshot(), REFUSED);
    }
}

/// What was spent stays spent: the database knows, not the process.
#[tokio::test]
async fn a_restart_forgets_nothing() {
    for database in databases().await {
        let world = furnished(&database).await;
        let first = tokens(&world, "", "reports").await;
        let second = refreshed(&world, text(&first, "refresh_token")).await;
        let world = world.restarted(database.open().await).await;
        let repeated = refreshed(&world, text(&first, "refresh_token")).await;
        assert_eq!(repeated["refresh_token"], second["refresh_token"]);
        world.pass(Duration::from_mins(1));
        assert_eq!(refresh(&world, text(&first, "refresh_token")).await.snapshot(), REFUSED);
        assert_eq!(refresh(&world, text(&second, "refresh_token")).await.snapshot(), REFUSED);
    }
}
