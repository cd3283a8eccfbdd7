//! The gate of redirects: every near miss of a registered address, on every way that an address can take.

use std::collections::BTreeSet;

use poem::http::StatusCode;
use serde_json::json;

use super::jose::{private_key, public};
use super::request_object::{client, signed};
use crate::support::databases;
use crate::support::elsewhere::{Elsewhere, Reply};
use crate::support::world::{Answer, Browser, CALLBACK, SECRET, VERIFIER, World, basic, challenge, encode};

/// Every text that is one slip away from this one, and some that are built around it.
pub(super) fn near_misses(uri: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, found_here) in uri.char_indices() {
        let (before, after) = (&uri[..at], &uri[at + found_here.len_utf8()..]);
        let other_case = if found_here.is_ascii_lowercase() {
            found_here.to_ascii_uppercase()
        } else {
            found_here.to_ascii_lowercase()
        };
        found.insert(format!("{before}{after}"));
        found.insert(format!("{before}{found_here}{found_here}{after}"));
        found.insert(format!("{before}{other_case}{after}"));
        found.insert(format!("{before}%{:02x}{after}", u32::from(found_here)));
    }
    for at in 0..=uri.len() {
        for slip in ["/", ".", "@", "?", "#", " ", "\\", "%", "\t", ":", "&", "ä", "/../"] {
            found.insert(format!("{}{slip}{}", &uri[..at], &uri[at..]));
        }
    }
    for around in
        ["https://evil.example/?to=URI", "https://evil.example/#URI", "javascript:URI", "URI\r\nx: y", "URI,URI"]
    {
        found.insert(around.replace("URI", uri));
    }
    found.remove(uri);
    found
}

/// Fails unless it is a page: nothing goes to such an address.
#[track_caller]
fn assert_stays(answer: &Answer, way: &str, uri: &str) {
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{way}: {uri}");
    assert_eq!(answer.header("location"), None, "{way}: {uri}");
    assert!(answer.body.contains("redirect_uri"), "{way}: {uri}: {}", answer.body);
}

#[tokio::test]
async fn a_near_miss_is_refused_on_every_way() {
    let key = private_key("p256", "ec");
    let (challenge, near) = (challenge(), near_misses(CALLBACK));
    assert!(near.len() > 500, "{}", near.len());
    for database in databases().await {
        let site = Elsewhere::start().await;
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let request_uri = site.url("/request");
        client(&world, &tenant, "app", vec![public(&key, None)], |it| it.request_uris = vec![request_uri.clone()])
            .await;
        let code = Browser::new(&world, "").code("app", "ada@example.com").await;
        for uri in &near {
            let usual = |uri: &str, response_type: &str| {
                encode(&[
                    ("client_id", "app"),
                    ("redirect_uri", uri),
                    ("response_type", response_type),
                    ("scope", "openid"),
                    ("code_challenge", &challenge),
                    ("code_challenge_method", "S256"),
                ])
            };
            let get = async |query: String| Browser::new(&world, "").get(&format!("/authorize?{query}")).await;
            assert_stays(&get(usual(uri, "code")).await, "GET", uri);
            assert_stays(&world.post("/authorize", &[], &usual(uri, "code")).await, "POST", uri);
            assert_stays(&get(usual(uri, "token")).await, "a request with another fault", uri);
            let object = signed(&key, "app", &json!({ "redirect_uri": uri }));
            let inside = format!("{}&request={object}", usual(CALLBACK, "code"));
            assert_stays(&get(inside).await, "in a request object", uri);
            let form = encode(&[
                ("grant_type", "authorization_code"),
                ("code", &code),
                ("redirect_uri", uri),
                ("code_verifier", VERIFIER),
            ]);
            let answer = world.post("/token", &[("authorization", &basic("app", SECRET))], &form).await;
            assert_eq!(answer.json()["error"], "invalid_grant", "at the token endpoint: {uri}");
        }
        // By reference it is the same object; a few of them will do.
        for uri in near.iter().step_by(50) {
            let object = signed(&key, "app", &json!({ "redirect_uri": uri }));
            site.answers("/request", Reply::request_object(&object));
            let answer = Browser::new(&world, "").authorize("app", &[("request_uri", &request_uri)]).await;
            assert_stays(&answer, "in a request object by reference", uri);
        }
        let answer = super::code_flow::redeem(&world, "", "app", &code).await;
        assert_eq!(answer.status, StatusCode::OK, "none of it used the code up: {}", answer.body);
    }
}
