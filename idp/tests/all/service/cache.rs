//! What is kept ready: answers without the database, and learns of what others changed.

use std::time::Duration;

use idp::domain::client::ClientStatus;
use idp::domain::tenant::TenantStatus;
use idp::service::upkeep::{self, ChangesSeen};
use idp::service::{clients, key_rings, tenants};
use keys::{Algorithm, KeySpec};
use poem::http::StatusCode;
use sea_orm::ConnectionTrait as _;

use crate::support::databases;
use crate::support::world::{SECRET, World, basic};

async fn token_with(world: &World, base: &str, secret: &str) -> StatusCode {
    let headers = [("authorization", &*basic("robot", secret))];
    world.post(&format!("{base}/token"), &headers, "grant_type=client_credentials").await.status
}

async fn token(world: &World) -> StatusCode {
    token_with(world, "", SECRET).await
}

#[tokio::test]
async fn a_warm_service_token_needs_no_database() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        world.service(&tenant, "robot").await;
        world.service(&tenant, "stranger").await;
        assert_eq!(token(&world).await, StatusCode::OK);
        world.ctx.database.close().await;
        for _ in 0..3 {
            assert_eq!(token(&world).await, StatusCode::OK);
        }
        for path in ["/jwks", "/.well-known/openid-configuration"] {
            assert_eq!(world.get(path, &[]).await.status, StatusCode::OK, "{path}");
        }
        // What isn't warm can't be had, and says so.
        let stranger = [("authorization", &*basic("stranger", SECRET))];
        let answer = world.post("/token", &stranger, "grant_type=client_credentials").await;
        assert_eq!(
            answer.snapshot(),
            r#"503 {"error":"temporarily_unavailable","error_description":"the service can't answer right now; try again in a moment"}"#
        );
        // And once it is known that changes can't be followed, nothing old is trusted.
        upkeep::follow_changes(&world.ctx, &mut ChangesSeen::default()).await;
        assert_eq!(token(&world).await, StatusCode::SERVICE_UNAVAILABLE);
    }
}

#[tokio::test]
async fn what_another_node_changed_is_seen_at_the_next_look() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        let acme = world.other_tenant("acme").await;
        for tenant in [&tenant, &acme] {
            world.service(tenant, "robot").await;
        }
        let peer = world.peer(database.open().await);
        let mut seen = ChangesSeen::default();
        let id = "robot".parse().unwrap();
        upkeep::follow_changes(&world.ctx, &mut seen).await;
        world.pass(Duration::from_mins(1));
        upkeep::follow_changes(&world.ctx, &mut seen).await;
        assert_eq!(token(&world).await, StatusCode::OK);

        // A client's status.
        clients::set_status(&peer.ctx, tenant.id, &id, ClientStatus::Disabled, "test").await.unwrap();
        assert_eq!(token(&peer).await, StatusCode::UNAUTHORIZED, "where it was changed, at once");
        upkeep::follow_changes(&world.ctx, &mut seen).await;
        assert_eq!(token(&world).await, StatusCode::UNAUTHORIZED);
        clients::set_status(&peer.ctx, tenant.id, &id, ClientStatus::Active, "test").await.unwrap();
        upkeep::follow_changes(&world.ctx, &mut seen).await;
        assert_eq!(token(&world).await, StatusCode::OK);

        // A client's secret, without grace and with it.
        let (second, _) = clients::rotate_secret(&peer.ctx, tenant.id, &id, Duration::ZERO, "test").await.unwrap();
        upkeep::follow_changes(&world.ctx, &mut seen).await;
        assert_eq!(token(&world).await, StatusCode::UNAUTHORIZED);
        assert_eq!(token_with(&world, "", second.expose()).await, StatusCode::OK);
        let (third, until) =
            clients::rotate_secret(&peer.ctx, tenant.id, &id, Duration::from_hours(1), "test").await.unwrap();
        assert_eq!(until, peer.ctx.now() + Duration::from_hours(1));
        upkeep::follow_changes(&world.ctx, &mut seen).await;
        for secret in [&second, &third] {
            assert_eq!(token_with(&world, "", secret.expose()).await, StatusCode::OK, "both, for an hour");
        }
        world.pass(Duration::from_hours(1));
        assert_eq!(token_with(&world, "", second.expose()).await, StatusCode::UNAUTHORIZED, "kept ready or not");
        assert_eq!(token_with(&world, "", third.expose()).await, StatusCode::OK);

        // A tenant's status.
        assert_eq!(token_with(&world, "/t/acme", SECRET).await, StatusCode::OK);
        tenants::set_status(&peer.ctx, &acme.slug, TenantStatus::Suspended, "test").await.unwrap();
        upkeep::follow_changes(&world.ctx, &mut seen).await;
        assert_eq!(token_with(&world, "/t/acme", SECRET).await, StatusCode::NOT_FOUND);
        tenants::set_status(&peer.ctx, &acme.slug, TenantStatus::Active, "test").await.unwrap();
        upkeep::follow_changes(&world.ctx, &mut seen).await;
        assert_eq!(token_with(&world, "/t/acme", SECRET).await, StatusCode::OK);

        // Keys.
        let before = world.get("/jwks", &[]).await.body;
        key_rings::stage(&peer.ctx, tenant.id, KeySpec::from(Algorithm::Es256), "test").await.unwrap();
        upkeep::follow_changes(&world.ctx, &mut seen).await;
        let after = world.get("/jwks", &[]).await.body;
        assert_ne!(after, before);
        assert_eq!(after, peer.get("/jwks", &[]).await.body);

        // A client that is deleted.
        clients::delete(&peer.ctx, tenant.id, &id, "test").await.unwrap();
        upkeep::follow_changes(&world.ctx, &mut seen).await;
        assert_eq!(token_with(&world, "", third.expose()).await, StatusCode::UNAUTHORIZED);
    }
}

/// A lookup that began before a change may end after the caches were emptied and fill them with what was. So they are
/// emptied for some seconds more. A change that isn't counted stands for such a lookup.
#[tokio::test]
async fn after_a_change_nothing_is_kept_for_some_seconds() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        world.service(&tenant, "robot").await;
        let raw = database.raw().await;
        let set = |status: &'static str| raw.execute_unprepared(status);
        let mut seen = ChangesSeen::default();
        upkeep::follow_changes(&world.ctx, &mut seen).await;
        assert_eq!(token(&world).await, StatusCode::OK);
        set("UPDATE clients SET status = 'disabled'").await.unwrap();
        assert_eq!(token(&world).await, StatusCode::OK, "kept ready");
        for _ in 0..4 {
            world.pass(Duration::from_secs(1));
            upkeep::follow_changes(&world.ctx, &mut seen).await;
            assert_eq!(token(&world).await, StatusCode::UNAUTHORIZED);
        }
        world.pass(Duration::from_secs(1));
        upkeep::follow_changes(&world.ctx, &mut seen).await;
        set("UPDATE clients SET status = 'active'").await.unwrap();
        assert_eq!(token(&world).await, StatusCode::UNAUTHORIZED, "kept ready again");
        raw.close().await.unwrap();
    }
}
