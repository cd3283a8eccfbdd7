//! Pairwise subject identifiers (OpenID Connect Core §8): each sector knows its users under names of its own.

use std::collections::BTreeSet;

use idp::domain::client::{Client, ClientMetadata, SubjectType};
use idp::domain::tenant::Tenant;
use idp::service::{clients, reseal, subject_identifier};
use idp::store;
use keys::KeyEncryptionKey;
use poem::http::StatusCode;
use serde_json::{Value, json};

use super::claims::{tokens_for, userinfo};
use crate::support::databases;
use crate::support::elsewhere::{Elsewhere, Reply};
use crate::support::world::{CALLBACK, World, payload};

async fn pairwise(world: &World, tenant: &Tenant, id: &str, change: impl FnOnce(&mut ClientMetadata)) -> Client {
    let all = |metadata: &mut ClientMetadata| {
        metadata.subject_type = SubjectType::Pairwise;
        change(metadata);
    };
    world.client(tenant, id, all).await
}

/// Under what name a client is told of a person, everywhere the same.
async fn told(world: &World, base: &str, client: &str, login: &str) -> String {
    let tokens = tokens_for(world, base, client, login, &[]).await;
    let subject = |token: &Value| payload(token.as_str().unwrap())["sub"].as_str().unwrap().to_owned();
    let sub = subject(&tokens["id_token"]);
    assert_eq!(subject(&tokens["access_token"]), sub);
    assert_eq!(userinfo(world, base, &tokens).await.json()["sub"], *sub);
    sub
}

#[tokio::test]
async fn a_sector_has_a_name_of_its_own_for_each_person() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        let acme = world.other_tenant("acme").await;
        let ada = world.user(&tenant, "ada@example.com").await;
        world.user(&tenant, "bob@example.com").await;
        world.user(&acme, "ada@example.com").await;
        let elsewhere = Elsewhere::start().await;
        elsewhere.answers("/sector.json", Reply::json(&json!([CALLBACK])));
        let port = elsewhere.port();
        let sector = |host: &'static str| {
            move |metadata: &mut ClientMetadata| {
                metadata.sector_identifier_uri = Some(format!("http://{host}:{port}/sector.json"));
            }
        };
        pairwise(&world, &tenant, "one", |_| {}).await;
        pairwise(&world, &tenant, "same-host", |_| {}).await;
        pairwise(&world, &tenant, "same-sector", sector("client.example.com")).await;
        pairwise(&world, &tenant, "other-sector", sector("other.example.com")).await;
        pairwise(&world, &acme, "one", |_| {}).await;
        world.client(&tenant, "public", |_| {}).await;

        let first = told(&world, "", "one", "ada@example.com").await;
        assert_eq!(first.len(), 43, "{first}");
        assert_eq!(told(&world, "", "one", "ada@example.com").await, first, "stable");
        assert_eq!(told(&world, "", "same-host", "ada@example.com").await, first);
        assert_eq!(told(&world, "", "same-sector", "ada@example.com").await, first);
        let names: BTreeSet<String> = [
            first,
            told(&world, "", "one", "bob@example.com").await,
            told(&world, "", "other-sector", "ada@example.com").await,
            told(&world, "", "public", "ada@example.com").await,
            told(&world, "/t/acme", "one", "ada@example.com").await,
        ]
        .into();
        assert_eq!(names.len(), 5, "{names:?}");
        assert!(names.contains(&ada.id.to_string()), "public");
    }
}

/// Redirect URIs that say nothing about who the client is make no sector: such clients don't share one.
#[tokio::test]
async fn a_client_without_a_host_of_its_own_is_a_sector_of_its_own() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        let ada = world.user(&tenant, "ada@example.com").await;
        let cases: [(&[&str], bool); 5] = [
            (&["https://b.example/cb", "https://b.example:1/other"], true),
            (&["http://127.0.0.1/cb"], false),
            (&["http://localhost:9/cb"], false),
            (&["http://[::1]/cb"], false),
            (&["com.example.app:/cb"], false),
        ];
        for (number, (uris, shared)) in cases.into_iter().enumerate() {
            let mut subjects = BTreeSet::new();
            for name in ["a", "b"] {
                let uris = uris.iter().map(|uri| uri.parse().unwrap()).collect();
                let id = format!("{name}{number}");
                let client = pairwise(&world, &tenant, &id, |metadata| metadata.redirect_uris = uris).await;
                subjects.insert(subject_identifier::of(&world.ctx, tenant.id, &client, ada.id).await.unwrap());
            }
            assert_eq!(subjects.len() == 1, shared, "{uris:?}");
        }
    }
}

#[tokio::test]
async fn an_access_token_tells_no_address_to_a_client_that_is_not_to_know_it() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        world.user(&tenant, "ada@example.com").await;
        pairwise(&world, &tenant, "reports", |_| {}).await;
        for (scope, expected) in [("openid", None), ("openid email", Some("ada@example.com"))] {
            let tokens = tokens_for(&world, "", "reports", "ada@example.com", &[("scope", scope)]).await;
            let access = payload(tokens["access_token"].as_str().unwrap());
            assert_eq!(access.get("email").and_then(Value::as_str), expected, "{scope}");
        }
    }
}

/// A token that was given under another name of the person is nothing.
#[tokio::test]
async fn a_token_of_another_subject_type_is_refused() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        world.user(&tenant, "ada@example.com").await;
        let client = world.client(&tenant, "reports", |_| {}).await;
        let tokens = tokens_for(&world, "", "reports", "ada@example.com", &[]).await;
        assert_eq!(userinfo(&world, "", &tokens).await.status, StatusCode::OK);
        let metadata = ClientMetadata { subject_type: SubjectType::Pairwise, ..client.metadata };
        let (id, now) = (client.id.clone(), world.ctx.now());
        let updated: Result<bool, store::StoreError> = world
            .ctx
            .database
            .write(async move |tx| store::clients::update(&tx, tenant.id, &id, "Acme", &metadata, (now, now)).await)
            .await;
        assert!(updated.unwrap());
        assert_eq!(userinfo(&world, "", &tokens).await.status, StatusCode::UNAUTHORIZED);
    }
}

/// Fifty first requests on two nodes draw one salt between them.
#[tokio::test]
async fn one_salt_is_drawn_however_many_need_it_at_once() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let peer = world.peer(database.open().await);
        let tenant = world.tenant().await;
        let ada = world.user(&tenant, "ada@example.com").await;
        let client = pairwise(&world, &tenant, "reports", |_| {}).await;
        let ask = |number: usize| {
            let node = if number.is_multiple_of(2) { &world } else { &peer };
            subject_identifier::of(&node.ctx, tenant.id, &client, ada.id)
        };
        let subjects = futures_util::future::join_all((0..50).map(ask)).await;
        let subjects: BTreeSet<String> = subjects.into_iter().map(Result::unwrap).collect();
        assert_eq!(subjects.len(), 1);
        // And again by a node that knows nothing yet.
        let third = world.peer(database.open().await);
        let again = subject_identifier::of(&third.ctx, tenant.id, &client, ada.id).await.unwrap();
        assert!(subjects.contains(&again));
    }
}

/// The salt lies in the database sealed; `key reseal` takes it along.
#[tokio::test]
async fn the_salt_is_resealed_with_the_keys() {
    for database in databases().await {
        let mut world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        let ada = world.user(&tenant, "ada@example.com").await;
        let client = pairwise(&world, &tenant, "reports", |_| {}).await;
        let of = |world: &World| {
            let ctx = world.ctx.clone();
            let (client, tenant, ada) = (client.clone(), tenant.id, ada.id);
            async move { subject_identifier::of(&ctx, tenant, &client, ada).await }
        };
        let before = of(&world).await.unwrap();
        let former = || KeyEncryptionKey::new(zeroize::Zeroizing::new([9; 32]));
        let sealed = store::pairwise_salts::find(world.ctx.database.read(), tenant.id).await.unwrap().unwrap();
        // As if it had been sealed under a former key.
        let context = keys::SealContext::new("pairwise salt", &[tenant.id.uuid().as_bytes()]);
        let salt = world.ctx.sealing.open(&sealed, &context).unwrap();
        assert!(!sealed.windows(salt.len()).any(|window| window == salt.as_slice()));
        let old = former().seal(&salt, &context).unwrap();
        let id = tenant.id;
        let put: Result<bool, store::StoreError> =
            world.ctx.database.write(async move |tx| store::pairwise_salts::reseal(&tx, id, &old).await).await;
        assert!(put.unwrap());
        world = world.restarted(database.open().await).await;
        assert!(of(&world).await.is_err(), "sealed under a key that isn't configured");
        let done = reseal::reseal(&world.ctx, former(), "test").await.unwrap();
        assert_eq!((done.changed, done.unchanged), (1, 1), "the salt, and the signing key that was right already");
        assert_eq!(of(&world).await.unwrap(), before);
        let again = reseal::reseal(&world.ctx, former(), "test").await.unwrap();
        assert_eq!((again.changed, again.unchanged), (0, 2));
    }
}

/// A client that is deleted and made anew is the same sector, and what its namesake got is nothing to it.
#[tokio::test]
async fn a_namesake_gets_the_same_subjects_and_none_of_the_tokens() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        world.user(&tenant, "ada@example.com").await;
        pairwise(&world, &tenant, "reports", |_| {}).await;
        let before = told(&world, "", "reports", "ada@example.com").await;
        let tokens = tokens_for(&world, "", "reports", "ada@example.com", &[]).await;
        world.pass(std::time::Duration::from_secs(1));
        clients::delete(&world.ctx, tenant.id, &"reports".parse().unwrap(), "test").await.unwrap();
        pairwise(&world, &tenant, "reports", |_| {}).await;
        assert_eq!(userinfo(&world, "", &tokens).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(told(&world, "", "reports", "ada@example.com").await, before);
    }
}
