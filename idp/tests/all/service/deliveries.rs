//! Messages to others: they arrive with the change that they tell of, though not always at the first try.

use std::time::Duration;

use idp::config::Config;
use idp::domain::delivery::{Delivery, DeliveryState};
use idp::domain::tenant::Tenant;
use idp::domain::{ClientId, SessionId, TenantId, UserId};
use idp::service::{backchannel_logout, clients, deliveries};
use idp::store::StoreError;
use keys::Purpose;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::databases;
use crate::support::deliveries::queue as deliveries_of;
use crate::support::elsewhere::{Elsewhere, Reply};
use crate::support::world::{World, payload};

fn taken() -> Reply {
    Reply::Document(String::new(), Vec::new())
}

fn answers(status: &str) -> Reply {
    Reply::Raw(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n"))
}

/// A client that wants to hear of the end of sessions at that address.
async fn listener(world: &World, tenant: &Tenant, id: &str, url: String) {
    world.client(tenant, id, |metadata| metadata.backchannel_logout_uri = Some(url)).await;
}

fn user(number: u128) -> UserId {
    UserId::from_uuid(Uuid::from_u128(number))
}

/// Tells these clients of the end of so many sessions, in one transaction.
async fn tell(world: &World, tenant: TenantId, clients: &[&str], sessions: u128) {
    let clients: Vec<ClientId> = clients.iter().map(|id| id.parse().unwrap()).collect();
    let ctx = world.ctx.clone();
    let told: Result<(), StoreError> = world
        .ctx
        .database
        .write(async move |tx| {
            let now = ctx.now();
            let sessions = (1..=sessions).map(|number| SessionId::from_uuid(Uuid::from_u128(number)));
            let ended: Vec<_> = sessions.map(|sid| (sid, user(7), clients.as_slice())).collect();
            backchannel_logout::tell(&ctx, &tx, tenant, &ended, now).await
        })
        .await;
    told.unwrap();
}

async fn queue(world: &World) -> Vec<Delivery> {
    deliveries_of(&world.ctx.database, TenantId::DEFAULT).await
}

async fn send(world: &World) -> usize {
    deliveries::send_due(&world.ctx).await.unwrap()
}

/// The token of a message, verified.
async fn logout_token(world: &World, tenant: TenantId, body: &str) -> Value {
    let token = body.strip_prefix("logout_token=").unwrap();
    let ring = idp::service::key_rings::ring(&world.ctx, tenant).await.unwrap();
    ring.verify(token, Purpose::LogoutToken).unwrap();
    payload(token)
}

#[tokio::test]
async fn clients_hear_of_the_end_of_a_session_by_a_logout_token_of_their_own() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let (tenant, acme) = (world.tenant().await, world.other_tenant("acme").await);
        let site = Elsewhere::start().await;
        for path in ["/end", "/acme"] {
            site.answers(path, taken());
        }
        listener(&world, &tenant, "shop", site.url("/end")).await;
        listener(&world, &acme, "shop", site.url("/acme")).await;
        tell(&world, tenant.id, &["reports", "shop", "nobody"], 1).await;
        tell(&world, acme.id, &["shop"], 1).await;
        assert_eq!(send(&world).await, 2, "those that want to hear of it, and nobody else");
        assert!(queue(&world).await.is_empty());

        let now = world.ctx.now().seconds();
        for (tenant, path) in [(&tenant, "/end"), (&acme, "/acme")] {
            let posted = site.posted(path);
            assert_eq!(posted.len(), 1);
            let mut claims = logout_token(&world, tenant.id, &posted[0]).await;
            let jti = claims.as_object_mut().unwrap().remove("jti").unwrap();
            assert_eq!(jti.as_str().unwrap().len(), 32);
            let expected = json!({
                "iss": tenant.issuer.as_str(), "sub": user(7), "aud": "shop", "iat": now, "exp": now + 120,
                "sid": SessionId::from_uuid(Uuid::from_u128(1)),
                "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
            });
            assert_eq!(claims, expected);
        }
    }
}

#[tokio::test]
async fn what_is_not_taken_is_tried_again_afresh_after_ever_longer_pauses() {
    for database in databases().await {
        let settings = |config: &mut Config| config.deliveries.attempts = 4.try_into().unwrap();
        let world = World::with(database.open().await, settings).await;
        let tenant = world.tenant().await;
        let site = Elsewhere::start().await;
        listener(&world, &tenant, "shop", site.url("/end")).await;
        tell(&world, tenant.id, &["shop"], 1).await;
        let mut ids = std::collections::BTreeSet::new();
        for (attempt, (reply, reason)) in [
            (answers("500 Broken"), "the address answers with status 500; it must be 200 or another of 2xx"),
            (answers("400 Bad Request"), "the address answers with status 400; it must be 200 or another of 2xx"),
            (
                Reply::Redirect("/".to_owned()),
                "the address answers with a redirect, and none is followed; register the address that it leads to",
            ),
        ]
        .into_iter()
        .enumerate()
        {
            site.answers("/end", reply);
            assert_eq!(send(&world).await, 1);
            assert_eq!(send(&world).await, 0, "not before its time");
            let [waiting] = queue(&world).await.try_into().unwrap();
            let pause = waiting.next_attempt_at.since(world.ctx.now());
            let usual = Duration::from_secs(2 << attempt);
            assert!(usual * 3 / 4 <= pause && pause <= usual * 5 / 4, "{pause:?} after attempt {attempt}");
            assert_eq!((waiting.state, waiting.last_error.as_deref()), (DeliveryState::Pending, Some(reason)));
            let claims = logout_token(&world, tenant.id, site.posted("/end").last().unwrap()).await;
            assert_eq!(claims["iat"], world.ctx.now().seconds());
            ids.insert(claims["jti"].as_str().unwrap().to_owned());
            world.pass(pause);
        }
        assert_eq!(ids.len(), 3);
        site.answers("/end", answers("503 Later"));
        assert_eq!(send(&world).await, 1);
        world.pass(Duration::from_hours(24));
        assert_eq!(send(&world).await, 0, "given up");
        let [dead] = queue(&world).await.try_into().unwrap();
        assert_eq!((dead.state, dead.attempts), (DeliveryState::Dead, 4));

        site.answers("/end", taken());
        let client = "shop".parse().unwrap();
        let replayed = backchannel_logout::replay(&world.ctx, tenant.id, &client, Some(dead.id), "test").await;
        assert_eq!(replayed.unwrap(), 1);
        assert_eq!(send(&world).await, 1);
        assert!(queue(&world).await.is_empty());
    }
}

#[tokio::test]
async fn what_has_waited_too_long_for_who_takes_nothing_is_given_up_and_kept_from_then_on() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let site = Elsewhere::start().await;
        for path in ["/gone", "/slow"] {
            site.answers(path, answers("503 Later"));
        }
        listener(&world, &tenant, "gone", site.url("/gone")).await;
        listener(&world, &tenant, "slow", site.url("/slow")).await;
        tell(&world, tenant.id, &["gone"], 30).await;
        let (wait, keep) = (world.ctx.config.deliveries.give_up_after, world.ctx.config.deliveries.keep_dead);
        world.pass(wait);
        tell(&world, tenant.id, &["slow"], 3).await;
        send(&world).await;
        let dead = async |target: &str| {
            let of: Vec<_> = queue(&world).await.into_iter().filter(|waiting| waiting.target == target).collect();
            assert!(of.iter().all(|waiting| waiting.last_error.is_some()));
            of.iter().filter(|waiting| waiting.state == DeliveryState::Dead).count()
        };
        assert_eq!((dead("gone").await, dead("slow").await), (30, 0));
        assert!(site.posted("/gone").len() <= 8, "as many as go at once, and no more");

        world.pass(keep.saturating_sub(Duration::from_mins(1)));
        idp::service::upkeep::clean(&world.ctx).await.unwrap();
        assert_eq!(dead("gone").await, 30, "each can be sent again for as long as it is kept");
        let gone: ClientId = "gone".parse().unwrap();
        assert_eq!(backchannel_logout::replay(&world.ctx, tenant.id, &gone, None, "test").await.unwrap(), 30);
        send(&world).await;
        assert_eq!(dead("gone").await, 0, "what is sent again begins anew");
        world.pass(wait);
        send(&world).await;
        assert_eq!(dead("gone").await, 30);
        world.pass(keep);
        idp::service::upkeep::clean(&world.ctx).await.unwrap();
        assert!(queue(&world).await.iter().all(|waiting| waiting.target != "gone"));
    }
}

#[tokio::test]
async fn what_nobody_can_take_any_more_is_given_up_at_once() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        for id in ["deleted", "deaf"] {
            listener(&world, &tenant, id, "http://127.0.0.1:1/end".to_owned()).await;
        }
        tell(&world, tenant.id, &["deleted", "deaf"], 1).await;
        clients::delete(&world.ctx, tenant.id, &"deleted".parse().unwrap(), "test").await.unwrap();
        let deafen = |client: &idp::domain::client::Client| {
            let mut details = idp::domain::client_details::ClientDetails::from(client);
            details.metadata.backchannel_logout_uri = None;
            Ok::<_, clients::ClientChangeError>(details)
        };
        clients::update(&world.ctx, tenant.id, &"deaf".parse().unwrap(), None, deafen, "test").await.unwrap();
        assert_eq!(send(&world).await, 2);
        let mut reasons: Vec<_> = queue(&world).await.into_iter().map(|dead| (dead.state, dead.last_error)).collect();
        reasons.sort_by(|one, other| one.1.cmp(&other.1));
        let dead = |reason: &str| (DeliveryState::Dead, Some(reason.to_owned()));
        let expected =
            [dead("the client has no backchannel_logout_uri any more"), dead("the client was deleted or disabled")];
        assert_eq!(reasons, expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_send_side_by_side_send_each_message_once() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let site = Elsewhere::start().await;
        site.answers("/end", taken());
        listener(&world, &tenant, "shop", site.url("/end")).await;
        tell(&world, tenant.id, &["shop"], 50).await;
        let peer = world.peer(database.open().await);
        let (here, there) = tokio::join!(send(&world), send(&peer));
        assert_eq!(here + there, 50);
        let mut sids: Vec<String> = Vec::new();
        for body in site.posted("/end") {
            sids.push(logout_token(&world, tenant.id, &body).await["sid"].as_str().unwrap().to_owned());
        }
        sids.sort();
        sids.dedup();
        assert_eq!((sids.len(), site.posted("/end").len()), (50, 50));
        assert!(queue(&world).await.is_empty());
    }
}

/// What a node had claimed when it was killed another sends once the claim is over.
#[tokio::test]
async fn what_a_killed_node_was_sending_another_sends() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let site = Elsewhere::start().await;
        site.answers("/end", Reply::Nothing);
        listener(&world, &tenant, "shop", site.url("/end")).await;
        tell(&world, tenant.id, &["shop"], 1).await;
        let ctx = world.ctx.clone();
        let killed = tokio::spawn(async move { deliveries::send_due(&ctx).await });
        while site.posted("/end").is_empty() {
            tokio::task::yield_now().await;
        }
        killed.abort();
        site.answers("/end", taken());
        let peer = world.peer(database.open().await);
        assert_eq!(send(&peer).await, 0, "it is being sent");
        world.pass(world.ctx.config.outbound.total_timeout + Duration::from_secs(5));
        assert_eq!(send(&peer).await, 1);
        assert!(queue(&world).await.is_empty());
    }
}

#[tokio::test]
async fn one_that_is_slow_keeps_nobody_else_waiting() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let site = Elsewhere::start().await;
        site.answers("/slow", Reply::Nothing);
        site.answers("/quick", taken());
        listener(&world, &tenant, "slow", site.url("/slow")).await;
        // Another host: what is at the same one waits for the same turns.
        let quick = site.url("/quick").replace("127.0.0.1", "localhost");
        listener(&world, &tenant, "quick", quick).await;
        tell(&world, tenant.id, &["slow"], 300).await;
        tell(&world, tenant.id, &["quick"], 20).await;
        let (ctx, stop) = (world.ctx.clone(), CancellationToken::new());
        let ended = stop.clone();
        let running = tokio::spawn(async move { deliveries::run(&ctx, &ended).await });
        let wait = async {
            while site.posted("/quick").len() < 20 {
                tokio::task::yield_now().await;
            }
            // What arises while it runs is sent at once.
            tell(&world, tenant.id, &["quick"], 1).await;
            while site.posted("/quick").len() < 21 {
                tokio::task::yield_now().await;
            }
        };
        // Eight seconds are what a slow one may take.
        tokio::time::timeout(Duration::from_secs(7), wait).await.unwrap();
        assert_eq!(site.posted("/slow").len(), 8, "a few at a time");
        stop.cancel();
        running.await.unwrap();
    }
}
