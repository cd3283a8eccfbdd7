//! Signing keys: made when they are needed, published before they sign, good for as long as their tokens are.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use idp::domain::TenantId;
use idp::service::key_rings::{self, KeyChange, KeyChangeError};
use idp::service::upkeep;
use keys::{Algorithm, KeySpec, KeyState, LifecycleError};
use poem::http::StatusCode;
use serde_json::Value;

use crate::http::code_flow::redeem;
use crate::http::jose::{header, verify};
use crate::support::databases;
use crate::support::world::{Browser, SECRET, World, basic};

const TENANT: TenantId = TenantId::DEFAULT;

async fn jwks(world: &World) -> Value {
    let answer = world.get("/jwks", &[]).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.json()
}

/// The names of the keys in a set; their order says nothing.
fn kids(jwks: &Value) -> BTreeSet<String> {
    jwks["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// The states of the tenant's keys, the oldest first.
async fn states(world: &World) -> Vec<KeyState> {
    key_rings::list(&world.ctx, TENANT).await.unwrap().iter().map(|key| key.lifecycle.state()).collect()
}

async fn service_token(world: &World, client: &str) -> String {
    let headers = [("authorization", &*basic(client, SECRET))];
    let answer = world.post("/token", &headers, "grant_type=client_credentials").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

/// A user's access token, and whether userinfo takes it.
async fn user_token(world: &World) -> String {
    let code = Browser::new(world, "").code("reports", "ada@example.com").await;
    redeem(world, "", "reports", &code).await.json()["access_token"].as_str().unwrap().to_owned()
}

async fn is_good(world: &World, token: &str) -> bool {
    let answer = world.get("/userinfo", &[("authorization", &format!("Bearer {token}"))]).await;
    answer.status == StatusCode::OK
}

#[tokio::test]
async fn the_first_key_of_each_algorithm_is_made_when_it_is_needed() {
    for database in databases().await {
        let world = World::keyless(database.open().await, |_| {}).await;
        let tenant = world.tenant().await;
        world.get("/.well-known/openid-configuration", &[]).await;
        assert_eq!(states(&world).await, [], "nobody asked for a key yet");
        assert_eq!(kids(&jwks(&world).await).len(), 1);
        assert_eq!(states(&world).await, [KeyState::Active]);
        world.service(&tenant, "robot").await;
        service_token(&world, "robot").await;
        assert_eq!(states(&world).await, [KeyState::Active], "one is enough");
        key_rings::signer(&world.ctx, TENANT, Algorithm::Es256).await.unwrap();
        assert_eq!(kids(&jwks(&world).await).len(), 2);
        assert_eq!(states(&world).await, [KeyState::Active; 2]);
    }
}

#[tokio::test]
async fn nodes_that_need_the_first_key_at_once_go_on_with_the_same() {
    for database in databases().await {
        let world = World::keyless(database.open().await, |_| {}).await;
        let tenant = world.tenant().await;
        world.service(&tenant, "robot").await;
        let peer = world.peer(database.open().await);
        let nodes = [&world, &peer, &world, &peer, &world, &peer];
        let tokens = futures_util::future::join_all(nodes.map(|node| service_token(node, "robot"))).await;
        assert_eq!(states(&world).await, [KeyState::Active]);
        let published = jwks(&world).await;
        assert_eq!(jwks(&peer).await, published);
        for token in &tokens {
            verify(token, &published).unwrap();
        }
    }
}

#[tokio::test]
async fn a_key_is_published_before_it_signs_and_after() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let ctx = &world.ctx;
        let change = |kid: String, change| async move { key_rings::change(ctx, TENANT, &kid, change, "test").await };
        let first = kids(&jwks(&world).await).pop_first().unwrap();
        let old = user_token(&world).await;
        assert_eq!(header(&old)["kid"], *first);

        world.pass(Duration::from_secs(1));
        let staged = key_rings::stage(ctx, TENANT, KeySpec::from(Algorithm::Rs256), "test").await.unwrap();
        let second = staged.kid().to_string();
        let both = BTreeSet::from([first.clone(), second.clone()]);
        assert_eq!(kids(&jwks(&world).await), both, "published at once");
        assert_eq!(header(&user_token(&world).await)["kid"], *first, "but it doesn't sign yet");

        // Everybody who keeps the key set must have had to fetch it anew.
        let wait = ctx.config.tokens.jwks_max_age + key_rings::rules(ctx).margin;
        world.pass(wait.saturating_sub(Duration::from_millis(1)));
        let early = change(second.clone(), KeyChange::Activate).await;
        let early = matches!(early, Err(KeyChangeError::Lifecycle(LifecycleError::NotYetKnown { .. })));
        assert!(early, "too early");
        assert_eq!(states(&world).await, [KeyState::Active, KeyState::Staged]);
        let old = user_token(&world).await;
        world.pass(Duration::from_millis(1));
        change(second.clone(), KeyChange::Activate).await.unwrap();
        assert_eq!(states(&world).await, [KeyState::Retiring, KeyState::Active]);
        assert_eq!(header(&user_token(&world).await)["kid"], *second);
        assert_eq!(kids(&jwks(&world).await), both);
        assert!(is_good(&world, &old).await, "what the old key signed is good while it retires");
        verify(&old, &jwks(&world).await).unwrap();

        let early = change(first.clone(), KeyChange::Retire).await;
        let early = matches!(early, Err(KeyChangeError::Lifecycle(LifecycleError::TokensStillValid { .. })));
        assert!(early, "its tokens are still about");
        let never = change(second.clone(), KeyChange::Retire).await;
        let never = matches!(never, Err(KeyChangeError::Lifecycle(LifecycleError::WrongState { .. })));
        assert!(never, "the key that signs can't go");
        let unknown = change("unknown".to_owned(), KeyChange::Activate).await;
        assert!(matches!(unknown, Err(KeyChangeError::Unknown(_))));
        assert!(is_good(&world, &old).await);

        change(first.clone(), KeyChange::RetireInEmergency).await.unwrap();
        assert!(!is_good(&world, &old).await, "what a leaked key signed is good no more");
        assert_eq!(kids(&jwks(&world).await), [second.clone()].into());
        assert_eq!(states(&world).await, [KeyState::Retired, KeyState::Active]);
        assert!(change(first, KeyChange::RetireInEmergency).await.is_err());

        // In an emergency nobody waits.
        let third = key_rings::stage(ctx, TENANT, KeySpec::from(Algorithm::Rs256), "test").await.unwrap();
        let third = third.kid().to_string();
        change(third.clone(), KeyChange::ActivateInEmergency).await.unwrap();
        assert_eq!(header(&user_token(&world).await)["kid"], *third);
        let wait = key_rings::rules(ctx).longest_token_life + key_rings::rules(ctx).margin;
        world.pass(wait);
        change(second, KeyChange::Retire).await.unwrap();
        assert_eq!(kids(&jwks(&world).await), [third].into());
    }
}

#[tokio::test]
async fn a_leaked_key_that_signs_is_replaced_at_once() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let ctx = &world.ctx;
        let before = world.get("/jwks", &[]).await;
        let etag = before.header("etag").unwrap();
        let known = [("if-none-match", etag)];
        assert_eq!(world.get("/jwks", &known).await.status, StatusCode::NOT_MODIFIED);
        let old = user_token(&world).await;
        let leaked = kids(&before.json()).pop_first().unwrap();
        key_rings::change(ctx, TENANT, &leaked, KeyChange::RetireInEmergency, "test").await.unwrap();
        let new = user_token(&world).await;
        assert!(!is_good(&world, &old).await);
        assert!(is_good(&world, &new).await);
        let after = world.get("/jwks", &known).await;
        assert_eq!(after.status, StatusCode::OK, "the copy that others keep is out of date");
        assert!(!kids(&after.json()).contains(&leaked));
        verify(&new, &after.json()).unwrap();
        assert_eq!(states(&world).await.len(), 2);
    }
}

#[tokio::test]
async fn a_key_stays_for_as_long_as_any_client_may_keep_its_tokens() {
    for database in databases().await {
        let world = World::with(database.open().await, |config| {
            config.keys.retiring_time = Duration::from_hours(2);
        })
        .await;
        let tenant = world.tenant().await;
        world
            .client(&tenant, "patient", |metadata| {
                metadata.grant_types = [idp::domain::client::GrantType::ClientCredentials].into();
                metadata.access_token_lifetime = Some(86_400);
            })
            .await;
        let ctx = &world.ctx;
        let staged = key_rings::stage(ctx, TENANT, KeySpec::from(Algorithm::Rs256), "test").await.unwrap();
        let token = service_token(&world, "patient").await;
        key_rings::change(ctx, TENANT, staged.kid().as_str(), KeyChange::ActivateInEmergency, "test").await.unwrap();
        world.pass(Duration::from_hours(24) - Duration::from_secs(1));
        upkeep::rotate(ctx).await.unwrap();
        verify(&token, &jwks(&world).await).unwrap();
        world.pass(Duration::from_secs(62));
        upkeep::rotate(ctx).await.unwrap();
        assert!(verify(&token, &jwks(&world).await).is_err(), "now it has gone");
    }
}

/// Pseudo-random steps that are the same in every run.
struct Steps(u64);

impl Steps {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    /// Some hours, seldom some weeks in which nothing ran.
    fn next(&mut self) -> Duration {
        match self.below(80) {
            0 => Duration::from_hours(24 * (1 + self.below(40))),
            _ => Duration::from_secs(600 + self.below(86_400)),
        }
    }
}

/// Two nodes at work for a year, looked at from outside: always a key that signs, never one that relying parties can't
/// know, and no token that outlives its key.
#[tokio::test]
async fn a_year_of_rotation_is_never_noticed() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        let clients = [("by-rs256", Algorithm::Rs256), ("by-es256", Algorithm::Es256)];
        for (id, algorithm) in clients {
            world
                .client(&tenant, id, |metadata| {
                    metadata.grant_types = [idp::domain::client::GrantType::ClientCredentials].into();
                    metadata.access_token_signed_response_alg = algorithm;
                    metadata.access_token_lifetime = Some(86_400);
                })
                .await;
        }
        key_rings::signer(&world.ctx, TENANT, Algorithm::Es256).await.unwrap();
        let peer = world.peer(database.open().await);
        let mut published: BTreeMap<String, i64> = BTreeMap::new();
        let mut first: Vec<String> = Vec::new();
        let mut tokens: Vec<(String, i64)> = Vec::new();
        let mut steps = Steps(1);
        let begin = world.ctx.now();
        let max_age = i64::try_from(world.ctx.config.tokens.jwks_max_age.as_millis()).unwrap();
        while world.ctx.now().since(begin) < Duration::from_hours(366 * 24) {
            let rotations = futures_util::future::join(upkeep::rotate(&world.ctx), upkeep::rotate(&peer.ctx)).await;
            rotations.0.unwrap();
            rotations.1.unwrap();
            let learning = async {
                while jwks(&world).await != jwks(&peer).await {
                    tokio::task::yield_now().await;
                }
            };
            tokio::time::timeout(Duration::from_secs(30), learning).await.unwrap();
            let now = world.ctx.now().millis();
            for (index, (client, algorithm)) in clients.into_iter().enumerate() {
                let node = if steps.below(2) == 0 { &world } else { &peer };
                let token = service_token(node, client).await;
                let kid = header(&token)["kid"].as_str().unwrap().to_owned();
                if first.len() <= index {
                    first.push(kid.clone());
                }
                let known = published.get(&kid).is_some_and(|since| now - since > max_age);
                assert!(known || first.contains(&kid), "{algorithm}: nobody can know {kid} yet");
                tokens.push((token, now + 86_400_000));
            }
            let keys = jwks(&peer).await;
            assert_eq!(jwks(&world).await, keys);
            for kid in kids(&keys) {
                published.entry(kid).or_insert(now);
            }
            tokens.retain(|(_, end)| now < *end);
            for (token, _) in &tokens {
                verify(token, &keys).unwrap();
            }
            let listed = key_rings::list(&world.ctx, TENANT).await.unwrap();
            for (_, algorithm) in clients {
                let active = listed
                    .iter()
                    .filter(|key| key.algorithm() == algorithm && key.lifecycle.state() == KeyState::Active);
                assert_eq!(active.count(), 1, "{algorithm}");
            }
            world.pass(steps.next());
        }
        let listed = key_rings::list(&world.ctx, TENANT).await.unwrap();
        for (_, algorithm) in clients {
            let of = |state: KeyState| {
                listed.iter().filter(|key| key.algorithm() == algorithm && key.lifecycle.state() == state).count()
            };
            let (retired, retiring, staged) = (of(KeyState::Retired), of(KeyState::Retiring), of(KeyState::Staged));
            assert!((2..=5).contains(&(retired + retiring)), "{algorithm}: {retired} retired, {retiring} retiring");
            assert!(retiring <= 1 && staged <= 2, "{algorithm}: {retiring} retiring, {staged} staged");
        }
    }
}
