//! The `claims` parameter (OpenID Connect Core §5.5): claims that are asked for by name.

use idp::domain::tenant::Tenant;
use poem::http::StatusCode;
use serde_json::{Value, json};

use super::code_flow::redeem;
use super::userinfo::{every_scope, person_with_everything};
use crate::support::databases;
use crate::support::world::{Answer, Browser, PASSWORD, World, payload};

/// What a sign-in with these changes to the usual request gives to a client.
pub(crate) async fn tokens_for(world: &World, base: &str, client: &str, login: &str, change: &[(&str, &str)]) -> Value {
    let mut browser = Browser::new(world, base);
    let start = browser.authorize(client, change).await;
    let signed_in = browser.sign_in(&start, login, PASSWORD).await;
    let asked = signed_in.location().starts_with(&format!("{base}/consent"));
    let allowed = if asked { browser.consent(&signed_in, "allow").await } else { signed_in };
    let tokens = redeem(world, base, client, &allowed.returned("code").unwrap()).await;
    assert_eq!(tokens.status, StatusCode::OK, "{}", tokens.body);
    tokens.json()
}

/// What userinfo says to an access token.
pub(crate) async fn userinfo(world: &World, base: &str, tokens: &Value) -> Answer {
    let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    world.get(&format!("{base}/userinfo"), &[("authorization", &bearer)]).await
}

/// The claims about a person: those of an ID token that aren't about the sign-in.
fn about(id_token: &Value) -> Value {
    let mut claims = payload(id_token.as_str().unwrap());
    let members = claims.as_object_mut().unwrap();
    for own in ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid", "at_hash"] {
        assert!(members.remove(own).is_some(), "{own}");
    }
    claims
}

/// What userinfo and the ID token say of the person beside `sub`.
async fn given(world: &World, scope: &str, claims: &Value) -> (Value, Value) {
    let claims = claims.to_string();
    let tokens = tokens_for(world, "", "reports", "ada", &[("scope", scope), ("claims", &claims)]).await;
    let mut at_userinfo = userinfo(world, "", &tokens).await.json();
    let sub = at_userinfo.as_object_mut().unwrap().remove("sub");
    assert_eq!(sub.unwrap(), payload(tokens["id_token"].as_str().unwrap())["sub"]);
    (at_userinfo, about(&tokens["id_token"]))
}

async fn furnished(world: &World) -> Tenant {
    let tenant = world.tenant().await;
    world.client(&tenant, "reports", every_scope).await;
    person_with_everything(world, &tenant).await;
    tenant
}

#[tokio::test]
async fn each_claim_comes_where_it_was_asked_for() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        furnished(&world).await;
        let email = json!({ "email": "everything@example.com" });
        let address = json!({ "address": {
            "formatted": "12 St James's Square\nLondon", "street_address": "12 St James's Square",
            "locality": "London", "region": "Greater London", "postal_code": "SW1Y 4LB", "country": "United Kingdom",
        }});
        let names = json!({ "given_name": "Ada", "nickname": "Countess" });
        let nothing = json!({});
        let both = json!({ "email": "everything@example.com", "email_verified": true, "given_name": "Ada" });
        let cases = [
            (json!({ "userinfo": { "email": null } }), &email, &nothing),
            (json!({ "id_token": { "email": null } }), &nothing, &email),
            (json!({ "id_token": { "email": { "essential": true } } }), &nothing, &email),
            (
                json!({ "userinfo": { "address": null }, "id_token": { "given_name": {}, "nickname": null } }),
                &address,
                &names,
            ),
            // A wanted value that isn't the person's changes nothing (§5.5.1), though it be essential.
            (json!({ "userinfo": { "email": { "value": "somebody@example.com" } } }), &email, &nothing),
            (json!({ "id_token": { "email": { "essential": true, "values": ["a@b.c", 7, null] } } }), &nothing, &email),
            // What nobody knows is ignored.
            (
                json!({ "userinfo": { "shoe_size": { "essential": true }, "email": { "purpose": "x" } }, "more": 1 }),
                &email,
                &nothing,
            ),
            (json!({ "userinfo": null, "id_token": {} }), &nothing, &nothing),
        ];
        for (request, at_userinfo, in_id_token) in cases {
            let (userinfo, id_token) = given(&world, "openid", &request).await;
            assert_eq!((&userinfo, &id_token), (at_userinfo, in_id_token), "{request}");
        }
        // What scopes ask for is at userinfo all the same, once.
        let request = json!({ "userinfo": { "given_name": null, "email": null }, "id_token": { "updated_at": null } });
        let (userinfo, id_token) = given(&world, "openid email", &request).await;
        assert_eq!((userinfo, id_token), (both, json!({ "updated_at": 1_893_456_000 })));
    }
}

/// The provider vouches for these itself: a request for them by name changes none of them.
#[tokio::test]
async fn a_client_cannot_ask_for_claims_that_are_not_about_the_person() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        furnished(&world).await;
        let own = json!({
            "iss": { "value": "https://evil.example" }, "aud": { "value": "other" }, "exp": { "value": 1 },
            "nonce": { "value": "x" }, "at_hash": null, "sid": { "value": "x" }, "amr": { "values": ["mfa"] },
            "roles": null, "tid": null, "client_id": null, "password": null, "name#de": null, "": null,
        });
        let request = json!({ "userinfo": own, "id_token": own });
        assert_eq!(given(&world, "openid", &request).await, (json!({}), json!({})));
    }
}

#[tokio::test]
async fn a_claim_is_given_only_if_the_client_may_have_the_scope_that_carries_it() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        person_with_everything(&world, &tenant).await;
        world.client(&tenant, "reports", |metadata| metadata.scope = "openid email".parse().unwrap()).await;
        let every = json!({
            "email": null, "email_verified": null, "name": { "essential": true }, "phone_number": null, "address": null,
        });
        let email = json!({ "email": "everything@example.com", "email_verified": true });
        let request = json!({ "userinfo": every, "id_token": every });
        assert_eq!(given(&world, "openid", &request).await, (email.clone(), email));
    }
}

#[tokio::test]
async fn the_person_is_asked_for_what_a_claim_is_carried_by() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        furnished(&world).await;
        let mut browser = Browser::new(&world, "");
        let start = browser.authorize("reports", &[("scope", "openid")]).await;
        let signed_in = browser.sign_in(&start, "ada", PASSWORD).await;
        browser.consent(&signed_in, "allow").await.assert_code();

        let claims = json!({ "id_token": { "phone_number": null } }).to_string();
        let with_claims = [("scope", "openid"), ("claims", claims.as_str())];
        let silent = browser.authorize("reports", &[with_claims[0], with_claims[1], ("prompt", "none")]).await;
        assert_eq!(silent.returned("error").as_deref(), Some("consent_required"));
        let asked = browser.authorize("reports", &with_claims).await;
        asked.assert_leads_to("/consent");
        let page = browser.get(asked.location()).await;
        assert!(page.body.contains("phone"), "{}", page.body);
        let allowed = browser.consent(&asked, "allow").await;
        let tokens = redeem(&world, "", "reports", &allowed.returned("code").unwrap()).await.json();
        assert_eq!(tokens["scope"], "openid", "a claim is not a scope");
        assert_eq!(about(&tokens["id_token"]), json!({ "phone_number": "+442071234567" }));
        // It is remembered, as scopes are.
        browser.authorize("reports", &[with_claims[0], with_claims[1], ("prompt", "none")]).await.assert_code();
    }
}

#[tokio::test]
async fn absent_claims_are_left_out_though_they_be_essential() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        world.client(&tenant, "curious", every_scope).await;
        let request = json!({ "id_token": {
            "name": null, "email": null, "gender": { "essential": true }, "address": { "essential": true },
            "phone_number": { "value": "+1" }, "phone_number_verified": { "value": true },
        }});
        let change = [("scope", "openid"), ("claims", &*request.to_string())];
        let tokens = tokens_for(&world, "", "curious", "ada@example.com", &change).await;
        assert_eq!(about(&tokens["id_token"]), json!({ "name": "Ada Lovelace", "email": "ada@example.com" }));
    }
}

#[tokio::test]
async fn a_claims_parameter_that_cannot_be_read_is_an_invalid_request() {
    let deep = format!("{}1{}", r#"{"userinfo":"#.repeat(1000), "}".repeat(1000));
    let deep_value = format!(r#"{{"userinfo":{{"name":{{"value":{}1{}}}}}}}"#, "[".repeat(1000), "]".repeat(1000));
    let many: serde_json::Map<String, Value> = (0..101).map(|n| (format!("c{n}"), Value::Null)).collect();
    let many = json!({ "userinfo": many }).to_string();
    let many_values: Vec<String> = (0..101).map(|n| n.to_string()).collect();
    let many_values = json!({ "id_token": { "sub": { "values": many_values } } }).to_string();
    let long = json!({ "id_token": { "x".repeat(257): null } }).to_string();
    let object = "claims must be a JSON object (OpenID Connect Core section 5.5), encoded as UTF-8";
    let claim = "claims: essential must be true or false, and values a list";
    let userinfo = "claims.userinfo must be an object of claim names, each with null or an object";
    let id_token = "claims.id_token must be an object of claim names, each with null or an object";
    let most = "claims must name at most 100 claims of at most 256 characters in each place, and 100 values of each";
    let odd = "claims must not have a NUL character or a number beyond 64 bits";
    let twice = "claims must not have a member twice";
    let sub = "claims must ask for a sub by a value, or by values, that are texts and don't contradict one another";
    let cases = [
        ("x", object),
        ("7", object),
        ("null", object),
        (r#""userinfo""#, object),
        ("[]", object),
        ("{", object),
        (r#"{"userinfo":{}} {}"#, object),
        (&deep, object),
        (&deep_value, object),
        (&many_values, most),
        (r#"{"userinfo":[]}"#, userinfo),
        (r#"{"userinfo":{"email":true}}"#, userinfo),
        (r#"{"userinfo":{"email":"x"}}"#, userinfo),
        (r#"{"id_token":"email"}"#, id_token),
        (r#"{"id_token":{"email":[]}}"#, id_token),
        (r#"{"id_token":{"email":{"essential":"yes"}}}"#, claim),
        (r#"{"id_token":{"email":{"values":"x"}}}"#, claim),
        (r#"{"id_token":{"email":{"values":{}}}}"#, claim),
        (r#"{"id_token":{"email":{"value":1e300}}}"#, odd),
        (r#"{"id_token":{"a\u0000b":null}}"#, odd),
        (r#"{"id_token":{"email":{"values":[{"x":"\u0000"}]}}}"#, odd),
        (r#"{"userinfo":{},"userinfo":{"email":null}}"#, twice),
        (r#"{"id_token":{"sub":{"value":"a","value":"b"}}}"#, twice),
        (r#"{"id_token":{"sub":{"value":5}}}"#, sub),
        (r#"{"userinfo":{"sub":{"value":null}}}"#, sub),
        (r#"{"userinfo":{"sub":{"values":[]}}}"#, sub),
        (r#"{"userinfo":{"sub":{"values":["a",5]}}}"#, sub),
        (r#"{"userinfo":{"sub":{"values":["a"],"value":"b"}}}"#, sub),
        (r#"{"id_token":{"sub":{"value":"a"}},"userinfo":{"sub":{"value":"b"}}}"#, sub),
        (&many, most),
        (&long, most),
    ];
    for database in databases().await {
        let world = World::furnished(&database).await;
        let mut browser = Browser::new(&world, "");
        for (claims, description) in cases {
            let name: String = claims.chars().take(60).collect();
            let answer = browser.authorize("reports", &[("claims", claims)]).await;
            assert_eq!(answer.returned("error").as_deref(), Some("invalid_request"), "{name}: {}", answer.body);
            assert_eq!(answer.returned("error_description").as_deref(), Some(description), "{name}");
            assert_eq!(answer.returned("state").as_deref(), Some("the state"), "{name}");
        }
    }
}

#[tokio::test]
async fn odd_names_and_values_do_no_harm() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        furnished(&world).await;
        for request in [
            json!({ "id_token": { "a'b\"\\": null, "\u{1f511}": null, "email": { "value": "'" } } }),
            json!({ "id_token": { "email": { "values": [{ "x": ["$1"] }, -0.1, u64::MAX, i64::MIN, "\u{1f511}"] } } }),
        ] {
            let (_, id_token) = given(&world, "openid", &request).await;
            assert_eq!(id_token, json!({ "email": "everything@example.com" }), "{request}");
        }
    }
}
