//! Front-channel and back-channel logout: what clients are shown and told of the end of a session.

use idp::domain::tenant::TenantStatus;
use idp::domain::user::UserStatus;
use idp::domain::{Secret, TenantId};
use idp::service::{tenants, upkeep, users};
use poem::http::StatusCode;

use super::logout::{BYE, SIGNED_OUT, confirm, furnished, id_token, is_signed_in, tokens};
use crate::support::databases;
use crate::support::deliveries::queue;
use crate::support::world::{Browser, World, hidden, payload};

#[tokio::test]
async fn clients_with_a_frame_are_shown_before_the_way_on() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        furnished(&world).await;
        let tenant = world.tenant().await;
        for (id, uri) in [("one", "https://client.example.com/end?x=1"), ("two", "https://client.example.com/end2")] {
            world
                .client(&tenant, id, |metadata| {
                    metadata.frontchannel_logout_uri = Some(uri.parse().unwrap());
                    metadata.post_logout_redirect_uris = vec![BYE.parse().unwrap()];
                })
                .await;
        }
        // A client that got nothing in this session isn't shown.
        world
            .client(&tenant, "three", |metadata| {
                metadata.redirect_uris.push("https://three.example.com/cb".parse().unwrap());
                metadata.frontchannel_logout_uri = Some("https://three.example.com/end".parse().unwrap());
            })
            .await;
        let mut browser = Browser::new(&world, "");
        let token = id_token(&world, &mut browser, "one", "ada@example.com").await;
        let sid = payload(&token)["sid"].as_str().unwrap().to_owned();
        id_token(&world, &mut browser, "two", "ada@example.com").await;
        let request = [("id_token_hint", &*token), ("post_logout_redirect_uri", BYE), ("state", "x")];
        let page = confirm(&mut browser, &request).await;
        page.assert_page(200, SIGNED_OUT);
        let issuer = "iss=http%3A%2F%2F127.0.0.1%3A8080";
        for part in [
            format!("<iframe src=\"https://client.example.com/end?x=1&#38;{issuer}&#38;sid={sid}\""),
            format!("<iframe src=\"https://client.example.com/end2?{issuer}&#38;sid={sid}\""),
            "id=\"continue\" href=\"https://client.example.com/bye?state=x\"".to_owned(),
        ] {
            assert!(page.body.contains(&part), "{part}: {}", page.body);
        }
        assert_eq!(page.body.matches("<iframe").count(), 2);
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.contains("; frame-src https://client.example.com; frame-ancestors 'none'"), "{policy}");
        assert!(browser.cookie("session").is_none());
        assert!(!is_signed_in(&mut browser).await);

        let mut browser = Browser::new(&world, "");
        id_token(&world, &mut browser, "one", "ada@example.com").await;
        let page = confirm(&mut browser, &[]).await;
        assert!(page.body.contains("id=\"continue\" href=\"/logout/done\""), "{}", page.body);
    }
}

/// In the console it is the same: who signs out there leaves the clients that show a frame.
#[tokio::test]
async fn signing_out_in_the_console_shows_the_frames_and_goes_on_in_the_console() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        furnished(&world).await;
        let tenant = world.tenant().await;
        world
            .client(&tenant, "one", |metadata| {
                metadata.frontchannel_logout_uri = Some("https://client.example.com/end".parse().unwrap());
            })
            .await;
        for (others, next) in [(&[][..], "/account/signed-out"), (&["grace@example.com"][..], "/account")] {
            let mut browser = Browser::new(&world, "");
            for other in others {
                id_token(&world, &mut browser, "shop", other).await;
            }
            let token = id_token(&world, &mut browser, "one", "ada@example.com").await;
            let sid = payload(&token)["sid"].as_str().unwrap().to_owned();
            let console = browser.get("/account").await;
            let gone = browser.post("/account/sign-out", &[("csrf", &hidden(&console.body, "csrf"))]).await;
            gone.assert_page(200, SIGNED_OUT);
            let frame = format!(
                "<iframe src=\"https://client.example.com/end?iss=http%3A%2F%2F127.0.0.1%3A8080&#38;sid={sid}\""
            );
            assert!(gone.body.contains(&frame), "{}", gone.body);
            assert!(gone.body.contains(&format!("id=\"continue\" href=\"{next}\"")), "{}", gone.body);
            let policy = gone.header("content-security-policy").unwrap();
            assert!(policy.contains("; frame-src https://client.example.com; "), "{policy}");
            let silent = browser.authorize("one", &[("prompt", "none"), ("id_token_hint", &token)]).await;
            assert_eq!(silent.returned("error").as_deref(), Some("login_required"));
            assert_eq!(browser.get(next).await.status, StatusCode::OK);
        }
    }
}

/// Whatever ends a session: the client is told, by the transaction that ends it.
#[tokio::test]
async fn clients_are_told_whatever_ends_a_session() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let acme = world.other_tenant("acme").await;
        world
            .client(&acme, "shop", |metadata| {
                metadata.backchannel_logout_uri = Some("http://127.0.0.1:1/end".to_owned());
            })
            .await;
        let mut told = 0;
        let reasons = ["logout", "password", "disabled", "locked", "deleted", "limit", "tenant"];
        for reason in reasons {
            let email = format!("{reason}@example.com");
            let user = world.user(&acme, &email).await;
            let mut browser = Browser::new(&world, "/t/acme");
            let token = tokens(&world, &mut browser, "/t/acme", "shop", &email).await;
            let sid = payload(token["id_token"].as_str().unwrap())["sid"].clone();
            let ctx = &world.ctx;
            match reason {
                "logout" => {
                    confirm(&mut browser, &[]).await;
                }
                "password" => {
                    let password = Secret::new("another horse, another battery");
                    users::set_password(ctx, &acme, &email, password, "test").await.unwrap();
                }
                "disabled" => {
                    users::set_status(ctx, &acme, &email, UserStatus::Disabled, "test").await.unwrap();
                }
                "locked" => {
                    users::set_status(ctx, &acme, &email, UserStatus::Locked, "test").await.unwrap();
                }
                "deleted" => users::delete(ctx, &acme, user.id, "test").await.unwrap(),
                "limit" => {
                    for number in 1..=5 {
                        let email = format!("guest{number}@example.com");
                        world.user(&acme, &email).await;
                        tokens(&world, &mut browser, "/t/acme", "shop", &email).await;
                    }
                }
                _ => {
                    tenants::set_status(ctx, &acme.slug, TenantStatus::Suspended, "test").await.unwrap();
                    upkeep::clean(ctx).await.unwrap();
                    idp::service::sessions::ending::sweep(ctx).await.unwrap();
                    // The five guests of before as well.
                    told += 5;
                }
            }
            let queue = queue(&world.ctx.database, acme.id).await;
            told += 1;
            assert_eq!(queue.len(), told, "{reason}");
            assert!(queue.iter().any(|delivery| delivery.payload["sid"] == sid), "{reason}");
            assert!(queue.iter().all(|delivery| delivery.target == "shop"));
        }
        assert!(queue(&world.ctx.database, TenantId::DEFAULT).await.is_empty(), "nobody else's");
    }
}
