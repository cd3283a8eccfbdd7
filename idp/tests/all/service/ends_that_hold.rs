//! Ends that hold and are heard of: a client that has nothing of a session any more still hears that the session ended (what it
//! keeps of the person itself goes on until then: Back-Channel Logout 1.0 §2.3, Front-Channel Logout 1.0 §3); nothing that
//! was ended comes back.

use std::num::NonZeroU32;
use std::time::Duration;

use idp::domain::session::EndReason;
use idp::domain::tenant::TenantSettings;
use idp::domain::{ClientId, SessionId};
use idp::service::sessions::ending::{self, Ending, Which};
use idp::service::sessions::policy;
use idp::service::{consents, upkeep};
use idp::store::{self, StoreError};
use poem::http::StatusCode;
use sea_orm::ConnectionTrait as _;

use crate::http::code_flow::redeem;
use crate::http::refresh::{OFFLINE, furnished, refresh_with, text};
use crate::support::databases;
use crate::support::world::{Browser, PASSWORD, SECRET, World, basic, encode, payload};

/// How a client loses what it was given, while the session goes on.
#[derive(Clone, Copy, Debug)]
enum Loss {
    OwnRevocation,
    CodeReplayed,
    RefreshTokenStolen,
    ConsentWithdrawn,
    ClientsTokensRevoked,
}

impl Loss {
    const ALL: [Self; 5] = [
        Self::OwnRevocation,
        Self::CodeReplayed,
        Self::RefreshTokenStolen,
        Self::ConsentWithdrawn,
        Self::ClientsTokensRevoked,
    ];

    async fn befall(self, world: &World, code: &str, tokens: &serde_json::Value) {
        let tenant = world.tenant().await;
        let client: ClientId = "reports".parse().unwrap();
        let refresh_token = text(tokens, "refresh_token");
        match self {
            Self::OwnRevocation => {
                let headers = [("authorization", &*basic("reports", SECRET))];
                let revoked = world.post("/revoke", &headers, &encode(&[("token", refresh_token)])).await;
                assert_eq!(revoked.status, StatusCode::OK, "{}", revoked.body);
            }
            Self::CodeReplayed => {
                assert_eq!(redeem(world, "", "reports", code).await.status, StatusCode::BAD_REQUEST);
            }
            Self::RefreshTokenStolen => {
                let form = [("refresh_token", refresh_token)];
                assert_eq!(refresh_with(world, "", "reports", &form).await.status, StatusCode::OK);
                world.pass(world.ctx.config.tokens.refresh_token_grace + Duration::from_secs(1));
                assert_eq!(refresh_with(world, "", "reports", &form).await.status, StatusCode::BAD_REQUEST);
            }
            Self::ConsentWithdrawn => {
                let user = payload(text(tokens, "id_token"))["sub"].as_str().unwrap().parse().unwrap();
                consents::withdraw(&world.ctx, tenant.id, user, &client, "test").await.unwrap();
            }
            Self::ClientsTokensRevoked => {
                world.end(tenant.id, Which::OfClient(client)).await;
            }
        }
    }
}

#[tokio::test]
async fn who_lost_its_grant_hears_of_the_sessions_end() {
    for database in databases().await {
        let world = furnished(&database).await;
        let tenant = world.tenant().await;
        for loss in Loss::ALL {
            let mut browser = Browser::new(&world, "");
            let start = browser.authorize("reports", &[OFFLINE]).await;
            let signed_in = browser.sign_in(&start, "ada@example.com", PASSWORD).await;
            let asked = signed_in.location().contains("/consent");
            let allowed = if asked { browser.consent(&signed_in, "allow").await } else { signed_in };
            let code = allowed.returned("code").unwrap();
            let tokens = redeem(&world, "", "reports", &code).await.json();
            loss.befall(&world, &code, &tokens).await;
            let bearer = format!("Bearer {}", text(&tokens, "access_token"));
            let refused = world.get("/userinfo", &[("authorization", &bearer)]).await;
            assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{loss:?}");
            let sid: SessionId = payload(text(&tokens, "access_token"))["sid"].as_str().unwrap().parse().unwrap();
            let session =
                store::sessions::find_by_id(world.ctx.database.read(), tenant.id, sid).await.unwrap().unwrap();
            assert_eq!(session.ended_at, None, "{loss:?}");
            let ended = world.end(tenant.id, Which::One(sid)).await;
            assert_eq!(ended.named[0].clients, ["reports".parse().unwrap()], "{loss:?}");
        }
    }
}

/// A token that was revoked stays so, though a node's clock was ahead for a while and that node cleaned up.
#[tokio::test]
async fn a_revoked_token_outlives_no_clock() {
    for database in databases().await {
        let world = furnished(&database).await;
        let mut browser = Browser::new(&world, "");
        let code = browser.code("reports", "ada@example.com").await;
        let tokens = redeem(&world, "", "reports", &code).await.json();
        let token = text(&tokens, "access_token");
        let headers = [("authorization", &*basic("reports", SECRET))];
        assert_eq!(world.post("/revoke", &headers, &encode(&[("token", token)])).await.status, StatusCode::OK);
        let ahead = world.peer_ahead(database.open().await, Duration::from_hours(2));
        upkeep::clean(&ahead.ctx).await.unwrap();
        let bearer = format!("Bearer {token}");
        let fresh = world.peer(database.open().await);
        for node in [&world, &fresh] {
            let refused = node.get("/userinfo", &[("authorization", &bearer)]).await;
            assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{}", refused.body);
        }
    }
}

/// What can't be read of one tenant's end keeps no other's from being written down.
#[tokio::test]
async fn an_end_that_cannot_be_written_down_holds_nobody_up() {
    for database in databases().await {
        let world = furnished(&database).await;
        // However often somebody signs in, all that they have can be ended at once.
        let usual = policy::of_pages(&world.ctx.config.sessions, &TenantSettings::default());
        assert_eq!(usual.limit, NonZeroU32::new(1000));
        let (tenant, acme) = (world.tenant().await, world.other_tenant("acme").await);
        for id in [acme.id, tenant.id] {
            let ending = Ending::new(&world.ctx, Which::OfTenant, EndReason::LockDown).by("test");
            let inside = world.ctx.clone();
            let begun: Result<_, StoreError> =
                world.ctx.database.write(async move |tx| ending::end_in(&inside, &tx, id, ending).await).await;
            assert!(begun.unwrap().left.is_some());
        }
        let raw = database.raw().await;
        let unreadable = "UPDATE sweeps SET reason = 'unheard of' \
            WHERE sweep_id = (SELECT sweep_id FROM sweeps ORDER BY sweep_id LIMIT 1)";
        raw.execute_unprepared(unreadable).await.unwrap();
        ending::sweep(&world.ctx).await.unwrap();
        let left = store::sweeps::left(world.ctx.database.read()).await.unwrap();
        assert_eq!(left.iter().map(|(_, sweep)| sweep.is_ok()).collect::<Vec<_>>(), [false]);
        raw.close().await.unwrap();
    }
}
