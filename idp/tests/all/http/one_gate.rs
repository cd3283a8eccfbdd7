//! One gate each for client authentication and for scopes: every way to a token passes them.

use std::collections::BTreeSet;

use idp::domain::client::{Client, GrantType};
use idp::domain::client_details::ClientDetails;
use idp::service::clients::{self, ClientChangeError};
use poem::http::StatusCode;
use serde_json::Value;

use super::claims::{tokens_for, userinfo};
use super::client_assertion::assert_refused;
use super::code_flow::redeem;
use super::introspect::introspect;
use crate::support::database::TestDatabase;
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

/// A provider whose client `wide` may have everything that a person could allow it.
async fn with_wide(database: &TestDatabase) -> World {
    let world = World::furnished(database).await;
    world
        .client(&world.tenant().await, "wide", |metadata| {
            metadata.grant_types.insert(GrantType::RefreshToken);
            metadata.scope = "openid profile email offline_access".parse().unwrap();
        })
        .await;
    world
}

async fn refreshed(world: &World, tokens: &Value, scope: Option<&str>) -> Value {
    let mut form = vec![("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
    form.extend(scope.map(|scope| ("scope", scope)));
    let answer = world.post("/token", &[("authorization", &basic("wide", SECRET))], &encode(&form)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.json()
}

const ALL_OF_IT: (&str, &str) = ("scope", "openid profile email offline_access");

#[tokio::test]
async fn a_token_that_was_refreshed_for_less_tells_less() {
    for database in databases().await {
        let world = with_wide(&database).await;
        let all = tokens_for(&world, "", "wide", "ada@example.com", &[ALL_OF_IT]).await;
        assert_eq!(userinfo(&world, "", &all).await.json()["email"], "ada@example.com");
        let less = refreshed(&world, &all, Some("openid profile")).await;
        let said = userinfo(&world, "", &less).await.json();
        assert!(said["sub"].is_string() && said.get("email").is_none(), "{said}");
        let none = refreshed(&world, &less, Some("email offline_access")).await;
        let answer = userinfo(&world, "", &none).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.body);
        assert!(answer.header("www-authenticate").unwrap().contains(r#"error="insufficient_scope""#));
        let again = refreshed(&world, &none, None).await;
        assert_eq!(userinfo(&world, "", &again).await.json()["email"], "ada@example.com", "nothing was lost for good");
    }
}

/// What a client was registered for is the limit of what people granted it, at the next use of anything it has.
#[tokio::test]
async fn a_scope_taken_from_a_client_is_taken_from_what_people_granted() {
    for database in databases().await {
        let world = with_wide(&database).await;
        let tenant = world.tenant().await;
        let tokens = tokens_for(&world, "", "wide", "ada@example.com", &[ALL_OF_IT]).await;
        assert_eq!(userinfo(&world, "", &tokens).await.json()["email"], "ada@example.com");
        let mut browser = Browser::new(&world, "");
        let start = browser.authorize("wide", &[ALL_OF_IT]).await;
        let code = browser.sign_in(&start, "ada@example.com", PASSWORD).await.returned("code").unwrap();

        let narrower = |client: &Client| {
            let mut details = ClientDetails::from(client);
            details.metadata.scope = "openid profile offline_access".parse().unwrap();
            Ok::<_, ClientChangeError>(details)
        };
        clients::update(&world.ctx, tenant.id, &"wide".parse().unwrap(), None, narrower, "test").await.unwrap();

        let left: BTreeSet<String> = ["offline_access", "openid", "profile"].map(str::to_owned).into();
        let said = userinfo(&world, "", &tokens).await.json();
        assert!(said["sub"].is_string() && said.get("email").is_none(), "userinfo: {said}");
        for kind in ["access_token", "refresh_token"] {
            let told = introspect(&world, "", "wide", tokens[kind].as_str().unwrap()).await;
            assert_eq!(granted(&told), left, "introspection of the {kind}");
        }
        let redeemed = redeem(&world, "", "wide", &code).await;
        assert_eq!(granted(&redeemed), left, "the code");
        let answer = refreshed(&world, &tokens, None).await;
        assert_eq!(answer["scope"], "offline_access openid profile", "the refresh");
    }
}
