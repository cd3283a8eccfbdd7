//! `/v1/admin/clients/{client_id}/logout-tokens`.

use idp::config::Config;
use idp::service::deliveries;
use idp::service::sessions::ending::Which;
use poem::http::StatusCode;
use serde_json::json;

use super::Api;
use crate::http::claims::tokens_for;
use crate::support::databases;
use crate::support::elsewhere::{Elsewhere, Reply};
use crate::support::world::{World, payload};

const PATH: &str = "/clients/shop/logout-tokens";

#[tokio::test]
async fn what_a_client_has_not_taken_is_listed_and_sent_again() {
    for database in databases().await {
        let settings = |config: &mut Config| config.deliveries.attempts = 1.try_into().unwrap();
        let world = World::with(database.open().await, settings).await;
        let (tenant, site) = (world.tenant().await, Elsewhere::start().await);
        let acme = world.other_tenant("acme").await;
        world.user(&tenant, "ada@example.com").await;
        for tenant in [&tenant, &acme] {
            world.client(tenant, "shop", |metadata| metadata.backchannel_logout_uri = Some(site.url("/end"))).await;
        }
        let (api, away) = (Api::new(&world, &tenant).await, Api::new(&world, &acme).await);
        assert_eq!(api.get(PATH).await.json(), json!({ "items": [] }));

        let mut ended = Vec::new();
        for _ in 0..2 {
            let tokens = tokens_for(&world, "", "shop", "ada@example.com", &[]).await;
            let claims = payload(tokens["id_token"].as_str().unwrap());
            world.end(tenant.id, Which::One(claims["sid"].as_str().unwrap().parse().unwrap())).await;
            world.pass(std::time::Duration::from_millis(1));
            ended.push(claims["sid"].clone());
        }
        let waiting = api.get(PATH).await.json();
        assert_eq!(waiting["items"].as_array().unwrap().len(), 2);
        let first = &waiting["items"][0];
        assert_eq!(
            (&first["session_id"], &first["state"], &first["attempts"]),
            (&ended[0], &json!("pending"), &json!(0))
        );
        let early = api.post(&format!("{PATH}/replay"), &json!({})).await;
        assert_eq!(early.json(), json!({ "replayed": 0 }), "nothing was given up yet");

        site.answers("/end", Reply::Raw("HTTP/1.1 500 Broken\r\ncontent-length: 0\r\n\r\n".to_owned()));
        deliveries::send_due(&world.ctx).await.unwrap();
        let part = api.get(&format!("{PATH}?limit=1")).await.json();
        let dead = &part["items"][0];
        assert_eq!((&dead["state"], &dead["attempts"]), (&json!("dead"), &json!(1)));
        assert_eq!(dead.get("next_attempt_at"), None);
        assert!(dead["last_error"].as_str().unwrap().contains("status 500"), "{dead}");
        let rest = api.get(&format!("{PATH}?limit=1&cursor={}", part["next_cursor"].as_str().unwrap())).await.json();
        assert_eq!(rest["items"][0]["session_id"], ended[1]);

        // Of another tenant's it knows nothing, whatever the client is called.
        assert_eq!(away.get(PATH).await.json(), json!({ "items": [] }));
        let one = json!({ "delivery_id": dead["delivery_id"] });
        assert_eq!(away.post(&format!("{PATH}/replay"), &one).await.status, StatusCode::NOT_FOUND);
        assert_eq!(away.post(&format!("{PATH}/replay"), &json!({})).await.json(), json!({ "replayed": 0 }));
        for (body, status) in [
            (json!({ "delivery_id": "x" }), StatusCode::BAD_REQUEST),
            (json!({ "delivery_id": super::NO_ID }), StatusCode::NOT_FOUND),
            (json!({ "delivery": "x" }), StatusCode::BAD_REQUEST),
        ] {
            let answer = api.post(&format!("{PATH}/replay"), &body).await;
            assert_eq!(answer.status, status, "{body}: {}", answer.body);
        }
        // What is said without a media type isn't passed over: without it, all would be sent.
        let unsaid = api.send("POST", &format!("{PATH}/replay"), &[], one.to_string().into_bytes()).await;
        assert_eq!(unsaid.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{}", unsaid.body);
        assert_eq!(api.get("/clients/nobody/logout-tokens").await.status, StatusCode::NOT_FOUND);
        let lines = async || api.get("/audit?kind=client.logout_tokens_replayed").await.json()["items"].clone();
        assert_eq!(lines().await, json!([]));

        site.answers("/end", Reply::Document(String::new(), Vec::new()));
        let replayed = api.post(&format!("{PATH}/replay"), &one).await;
        assert_eq!((replayed.status, replayed.json()), (StatusCode::OK, json!({ "replayed": 1 })));
        assert_eq!(deliveries::send_due(&world.ctx).await.unwrap(), 1);
        let all = api.post(&format!("{PATH}/replay"), &json!({})).await;
        assert_eq!(all.json(), json!({ "replayed": 1 }));
        assert_eq!(deliveries::send_due(&world.ctx).await.unwrap(), 1);
        assert_eq!(api.get(PATH).await.json(), json!({ "items": [] }));
        assert_eq!(site.posted("/end").len(), 4);
        let lines = lines().await;
        assert_eq!(lines.as_array().unwrap().len(), 2);
        assert_eq!(lines[0]["client_id"], "shop");
    }
}
