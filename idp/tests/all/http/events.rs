//! What others are told, from the sign-up of a person to their end.

use idp::domain::audit::AuditKind;
use idp::domain::client::ClientStatus;
use idp::domain::event::OutboxEvent;
use idp::domain::tenant::{Tenant, TenantStatus};
use idp::domain::user::UserStatus;
use idp::domain::{Secret, TenantId};
use idp::service::key_rings::KeyChange;
use idp::service::{clients, consents, key_rings, tenants, upkeep, users};
use idp::store;
use idp::store::audit::AuditFilter;
use keys::{Algorithm, KeySpec};
use poem::http::StatusCode;

use super::refresh::{furnished, refresh_with, text, tokens};
use crate::support::databases;
use crate::support::world::{Browser, World};

async fn told(world: &World, tenant: TenantId, after: i64) -> Vec<OutboxEvent> {
    store::outbox::after(world.ctx.database.read(), tenant, after, 1000).await.unwrap()
}

fn kinds(events: &[OutboxEvent]) -> Vec<&str> {
    events.iter().map(|event| event.kind.as_str()).collect()
}

async fn ada(world: &World, tenant: &Tenant) -> idp::domain::UserId {
    users::find(&world.ctx, tenant, "ada@example.com").await.unwrap().id
}

#[tokio::test]
async fn a_sign_in_and_what_comes_of_it_is_told_in_order() {
    for database in databases().await {
        let world = furnished(&database).await;
        let tenant = world.tenant().await;
        let made = told(&world, tenant.id, 0).await;
        assert_eq!(kinds(&made), ["auth:user.registered", "auth:client.created", "auth:client.created"]);

        let first = tokens(&world, "", "reports").await;
        let form = [("refresh_token", text(&first, "refresh_token"))];
        assert_eq!(refresh_with(&world, "", "reports", &form).await.status, StatusCode::OK);
        let events = told(&world, tenant.id, 3).await;
        let expected = ["auth:session.created", "auth:user.login", "auth:consent.granted", "auth:token.refreshed"];
        assert_eq!(kinds(&events), expected);
        let user = ada(&world, &tenant).await;
        for event in &events {
            assert_eq!(event.subject, format!("user:{user}"));
            assert_eq!(event.payload["client_id"], "reports");
            assert_eq!(event.payload["session_id"], events[0].payload["session_id"], "{}", event.payload);
            assert_eq!(event.payload["address"], "127.0.0.1", "{}", event.payload);
        }
        let text = serde_json::to_string(&events[3].payload).unwrap();
        assert!(!text.contains(form[0].1), "a token isn't told");
    }
}

#[tokio::test]
async fn what_is_refused_is_not_told() {
    for database in databases().await {
        let world = furnished(&database).await;
        let tenant = world.tenant().await;
        let mut browser = Browser::new(&world, "");
        let start = browser.authorize("reports", &[]).await;
        browser.sign_in(&start, "ada@example.com", "not her password").await;
        assert!(users::find(&world.ctx, &tenant, "bob@example.com").await.is_err());
        assert_eq!(told(&world, tenant.id, 3).await, []);
    }
}

#[tokio::test]
async fn what_administrators_change_is_told() {
    for database in databases().await {
        let world = furnished(&database).await;
        let (tenant, ctx) = (world.tenant().await, &world.ctx);
        let (user, reports) = (ada(&world, &tenant).await, "reports".parse().unwrap());
        tokens(&world, "", "reports").await;
        let before = store::outbox::newest(ctx.database.read(), tenant.id).await.unwrap();

        let patch = serde_json::json!({ "profile": { "name": "Augusta Ada King" } });
        users::update(ctx, &tenant, user, None, &patch, "admin").await.unwrap();
        users::update(ctx, &tenant, user, None, &patch, "admin").await.unwrap();
        let password = Secret::new("quite another passphrase");
        users::set_password(ctx, &tenant, "ada@example.com", password, "admin").await.unwrap();
        for status in [UserStatus::Locked, UserStatus::Disabled, UserStatus::Active] {
            users::set_status(ctx, &tenant, "ada@example.com", status, "admin").await.unwrap();
        }
        consents::withdraw(ctx, tenant.id, user, &reports, "admin").await.unwrap();
        users::delete(ctx, &tenant, user, "admin").await.unwrap();
        assert!(users::delete(ctx, &tenant, user, "admin").await.is_err());
        let of_user = told(&world, tenant.id, before).await;
        let of_user: Vec<_> = of_user.into_iter().filter(|event| !event.kind.starts_with("auth:session")).collect();
        let expected = [
            "auth:user.updated",
            "auth:user.password_changed",
            "auth:user.locked",
            "auth:user.disabled",
            "auth:user.enabled",
            "auth:consent.withdrawn",
            "auth:user.deleted",
        ];
        assert_eq!(kinds(&of_user), expected, "and what changes nothing isn't told");
        assert_eq!(of_user[0].payload["data"], serde_json::json!({ "changed": ["name"] }));
        assert!(of_user.iter().all(|event| event.payload["actor"] == "admin"));

        let before = store::outbox::newest(ctx.database.read(), tenant.id).await.unwrap();
        clients::rotate_secret(ctx, tenant.id, &reports, std::time::Duration::ZERO, "admin").await.unwrap();
        for status in [ClientStatus::Disabled, ClientStatus::Active] {
            clients::set_status(ctx, tenant.id, &reports, status, "admin").await.unwrap();
        }
        clients::delete(ctx, tenant.id, &reports, "admin").await.unwrap();
        let of_client = told(&world, tenant.id, before).await;
        let expected =
            ["auth:client.secret_rotated", "auth:client.disabled", "auth:client.enabled", "auth:client.deleted"];
        assert_eq!(kinds(&of_client), expected);
        assert!(of_client.iter().all(|event| event.subject == "client:reports"));
    }
}

#[tokio::test]
async fn a_tenant_is_told_its_own() {
    for database in databases().await {
        let world = furnished(&database).await;
        let other = world.other_tenant("acme").await;
        world.user(&other, "eve@example.com").await;
        let of_other = told(&world, other.id, 0).await;
        assert_eq!(kinds(&of_other), ["auth:tenant.created", "auth:user.registered"]);
        assert_eq!(of_other[1].payload["tenant_id"], serde_json::json!(other.id));
        assert_eq!(of_other[0].position, 1, "each tenant counts by itself");
    }
}

#[tokio::test]
async fn what_becomes_of_tenants_and_of_their_keys_is_told() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let (ctx, acme) = (&world.ctx, world.other_tenant("acme").await);
        tenants::set_settings(ctx, &acme.slug, "Acme Corp".to_owned(), acme.settings.clone(), "cli").await.unwrap();
        let key = key_rings::stage(ctx, acme.id, KeySpec::from(Algorithm::Es256), "cli").await.unwrap();
        let kid = key.jwk.kid().as_str();
        key_rings::change(ctx, acme.id, kid, KeyChange::ActivateInEmergency, "client:operator").await.unwrap();
        assert!(key_rings::change(ctx, acme.id, kid, KeyChange::Activate, "cli").await.is_err());
        // The first of another algorithm is made when it is needed.
        key_rings::signer(ctx, acme.id, Algorithm::EdDsa).await.unwrap();
        for status in [TenantStatus::Suspended, TenantStatus::Active] {
            tenants::set_status(ctx, &acme.slug, status, "cli").await.unwrap();
        }
        let events = told(&world, acme.id, 0).await;
        let said: Vec<_> =
            events.iter().map(|event| (&*event.kind, event.payload["actor"].as_str().unwrap())).collect();
        assert_eq!(
            said,
            [
                ("auth:tenant.created", "test"),
                ("auth:tenant.updated", "cli"),
                ("auth:key.staged", "cli"),
                ("auth:key.activated", "client:operator"),
                ("auth:key.activated", "signet"),
                ("auth:sessions.bulk_terminated", "cli"),
                ("auth:tenant.suspended", "cli"),
                ("auth:tenant.resumed", "cli"),
            ]
        );
        assert_eq!(events[0].payload["data"], serde_json::json!({ "slug": "acme", "name": "acme" }));
        assert_eq!(events[2].payload["data"], serde_json::json!({ "kid": kid, "alg": "ES256" }));
        assert!(events.iter().all(|event| event.subject == "tenant"));
    }
}

/// Keys rotate by themselves, and that is told and written down as well.
#[tokio::test]
async fn keys_that_rotate_by_themselves_are_told_of() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        let keys = world.ctx.config.keys.clone();
        let before = store::outbox::newest(world.ctx.database.read(), tenant.id).await.unwrap();
        for wait in [keys.rotation_interval, keys.staging_time + keys.rotation_interval, keys.retiring_time * 2] {
            world.pass(wait);
            upkeep::rotate(&world.ctx).await.unwrap();
        }
        let events = told(&world, tenant.id, before).await;
        let kinds = kinds(&events);
        for kind in ["auth:key.staged", "auth:key.activated", "auth:key.retired"] {
            assert!(kinds.contains(&kind), "{kinds:?}");
        }
        let filter = AuditFilter { kind: Some(AuditKind::KeyChanged), ..AuditFilter::default() };
        let lines = store::audit::list(world.ctx.database.read(), tenant.id, &filter, None, 100).await.unwrap();
        assert_eq!(lines.len(), events.len());
        assert!(lines.iter().all(|line| line.actor.as_deref() == Some("signet")));
    }
}
