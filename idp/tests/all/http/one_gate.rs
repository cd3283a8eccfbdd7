//! One gate each for client authentication and for scopes: every way to a token passes them.

use std::collections::BTreeSet;

use idp::domain::client::GrantType;
use poem::http::StatusCode;
use serde_json::Value;

use super::client_assertion::assert_refused;
use super::code_flow::redeem;
use crate::support::databases;
use crate::support::world::{Answer, Browser, PASSWORD, SECRET, World, basic, encode};

/// The endpoints where a client says who it is, as discovery lists them, and those of ours beside them.
pub(super) fn endpoints(metadata: &Value) -> Vec<String> {
    let members = metadata.as_object().unwrap();
    let named = members.keys().filter_map(|name| name.strip_suffix("_auth_methods_supported"));
    let issuer = members["issuer"].as_str().unwrap();
    let paths = named.map(|endpoint| members[endpoint].as_str().unwrap().strip_prefix(issuer).unwrap().to_owned());
    paths.chain(["/v1/auth/m2m/token".to_owned()]).collect()
}

#[tokio::test]
async fn who_proves_nothing_is_refused_alike_at_every_endpoint() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        world.service(&tenant, "robot").await;
        let endpoints = endpoints(&world.get("/.well-known/openid-configuration", &[]).await.json());
        assert!(endpoints.contains(&"/token".to_owned()), "{endpoints:?}");
        for path in &endpoints {
            for (why, credentials) in [
                ("a wrong secret", basic("robot", "wrong")),
                ("another's secret in capitals", basic("robot", &SECRET.to_uppercase())),
                ("nobody", basic("nobody", SECRET)),
            ] {
                let form = encode(&[("grant_type", "client_credentials"), ("token", "x")]);
                let answer = world.post(path, &[("authorization", &credentials)], &form).await;
                assert_refused(&answer, &format!("{why} at {path}"));
            }
            let form = encode(&[("grant_type", "client_credentials"), ("token", "x"), ("client_id", "robot")]);
            assert_refused(&world.post(path, &[], &form).await, &format!("only a name at {path}"));
        }
    }
}

fn granted(answer: &Answer) -> BTreeSet<String> {
    let answer = answer.json();
    answer["scope"]
        .as_str()
        .unwrap_or_default()
        .split(' ')
        .filter(|scope| !scope.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Whatever is asked for, on whatever way: nobody gets a scope that the client didn't register.
#[tokio::test]
async fn no_way_leads_to_a_scope_that_was_not_registered() {
    const REGISTERED: [&str; 4] = ["openid", "email", "offline_access", "reports:read"];
    const WANTED: [&str; 4] =
        ["openid profile", "email admin:users:write", "reports:read reports:write", "offline_access phone"];
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        world
            .client(&tenant, "app", |metadata| {
                metadata.grant_types =
                    [GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::ClientCredentials].into();
                metadata.scope = REGISTERED.join(" ").parse().unwrap();
            })
            .await;
        let credentials = basic("app", SECRET);
        let headers = [("authorization", credentials.as_str())];
        let registered: BTreeSet<String> = REGISTERED.map(str::to_owned).into();
        let holds = |answer: &Answer, what: &str| {
            assert!(granted(answer).is_subset(&registered), "{what}: {}", answer.body);
        };
        for wanted in WANTED {
            for path in ["/token", "/v1/auth/m2m/token"] {
                let form = encode(&[("grant_type", "client_credentials"), ("scope", wanted)]);
                let answer = world.post(path, &headers, &form).await;
                if answer.status == StatusCode::OK {
                    holds(&answer, path);
                } else {
                    assert_eq!(answer.json()["error"], "invalid_scope", "{path} {wanted}");
                }
            }
            let mut browser = Browser::new(&world, "");
            let start = browser.authorize("app", &[("scope", &format!("openid offline_access {wanted}"))]).await;
            let signed_in = browser.sign_in(&start, "ada@example.com", PASSWORD).await;
            let asked = signed_in.location().starts_with("/consent");
            let allowed = if asked { browser.consent(&signed_in, "allow").await } else { signed_in };
            let tokens = redeem(&world, "", "app", &allowed.returned("code").unwrap()).await;
            holds(&tokens, "authorization_code");
            // A refresh may ask for less, and never for more.
            let tokens = tokens.json();
            let token = tokens["refresh_token"].as_str().unwrap();
            let form =
                encode(&[("grant_type", "refresh_token"), ("refresh_token", token), ("scope", "openid profile phone")]);
            assert_eq!(
                world.post("/token", &headers, &form).await.json()["error"],
                "invalid_scope",
                "refresh {wanted}"
            );
            let form = encode(&[("grant_type", "refresh_token"), ("refresh_token", token)]);
            holds(&world.post("/token", &headers, &form).await, "refresh_token");
        }
    }
}
