//! The gate of redirects: every near miss of a registered address, on every way that an address can take.

use std::collections::BTreeSet;

use poem::http::StatusCode;
use serde_json::json;

use super::jose::{private_key, public};
use super::request_object::{client, signed};
use crate::support::databases;
use crate::support::elsewhere::{Elsewhere, Reply};
use crate::support::world::{Answer, Browser, CALLBACK, PASSWORD, SECRET, VERIFIER, World, basic, challenge, encode};

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

/// A registered address on the web.
#[tokio::test]
async fn a_near_miss_is_refused_on_every_way() {
    refused_on_every_way(CALLBACK, |_| false).await;
}

/// One on this machine, whose port alone may be another (RFC 8252 §7.3).
#[tokio::test]
async fn a_near_miss_of_a_loopback_address_is_refused_on_every_way() {
    refused_on_every_way("http://127.0.0.1:8765/cb", |near| {
        near.strip_prefix("http://127.0.0.1").and_then(|rest| rest.strip_suffix("/cb")).is_some_and(is_a_port)
    })
    .await;
}

/// The same on the other kind of network.
#[tokio::test]
async fn a_near_miss_of_a_loopback_address_of_ipv6_is_refused_on_every_way() {
    refused_on_every_way("http://[::1]:8765/cb", |near| {
        near.strip_prefix("http://[::1]").and_then(|rest| rest.strip_suffix("/cb")).is_some_and(is_a_port)
    })
    .await;
}

/// One in a scheme of the application's own (RFC 8252 §7.1).
#[tokio::test]
async fn a_near_miss_of_an_address_in_a_private_use_scheme_is_refused_on_every_way() {
    refused_on_every_way("com.example.reports:/signed-in", |_| false).await;
}

/// Nothing, or a colon and a number that a port can have.
fn is_a_port(text: &str) -> bool {
    let Some(number) = text.strip_prefix(':') else { return text.is_empty() };
    number.is_empty() || (number.bytes().all(|b| b.is_ascii_digit()) && number.parse::<u16>().is_ok())
}

/// What a request says: the usual, with that address.
fn asking(redirect_uri: &str, response_type: &str) -> String {
    encode(&[
        ("client_id", "app"),
        ("redirect_uri", redirect_uri),
        ("response_type", response_type),
        ("scope", "openid"),
        ("code_challenge", &challenge()),
        ("code_challenge_method", "S256"),
    ])
}

async fn redeem(world: &World, code: &str, redirect_uri: &str) -> Answer {
    let form = encode(&[
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", redirect_uri),
        ("code_verifier", VERIFIER),
    ]);
    world.post("/token", &[("authorization", &basic("app", SECRET))], &form).await
}

/// A client with that address is asked for with each near miss of it. Those that are `the_same` are good at the
/// authorization endpoint, and at the token endpoint not even these.
async fn refused_on_every_way(registered: &str, the_same: impl Fn(&str) -> bool) {
    let key = private_key("p256", "ec");
    let (same, near): (Vec<String>, Vec<String>) = near_misses(registered).into_iter().partition(|uri| the_same(uri));
    assert!(near.len() > 300, "{}", near.len());
    assert_eq!(same.is_empty(), !the_same(registered), "{same:?}");
    for database in databases().await {
        let site = Elsewhere::start().await;
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let request_uri = site.url("/request");
        client(&world, &tenant, "app", vec![public(&key, None)], |it| {
            it.redirect_uris = vec![registered.parse().unwrap()];
            it.request_uris = vec![request_uri.clone()];
        })
        .await;
        let mut browser = Browser::new(&world, "");
        let start = browser.authorize("app", &[("redirect_uri", registered)]).await;
        let signed_in = browser.sign_in(&start, "ada@example.com", PASSWORD).await;
        let code = browser.consent(&signed_in, "allow").await.returned("code").unwrap();
        let get = async |query: String| Browser::new(&world, "").get(&format!("/authorize?{query}")).await;
        let inside = |uri: &str| signed(&key, "app", &json!({ "redirect_uri": uri }));
        for uri in &near {
            assert_stays(&get(asking(uri, "code")).await, "GET", uri);
            assert_stays(&world.post("/authorize", &[], &asking(uri, "code")).await, "POST", uri);
            assert_stays(&get(asking(uri, "token")).await, "a request with another fault", uri);
            let by_value = format!("{}&request={}", asking(registered, "code"), inside(uri));
            assert_stays(&get(by_value).await, "in a request object", uri);
        }
        for uri in &same {
            get(asking(uri, "code")).await.assert_leads_to("/login");
            world.post("/authorize", &[], &asking(uri, "code")).await.assert_leads_to("/login");
            get(asking(uri, "token")).await.assert_leads_to(uri);
            get(format!("{}&request={}", asking(registered, "code"), inside(uri))).await.assert_leads_to("/login");
        }
        for uri in near.iter().chain(&same) {
            assert_eq!(
                redeem(&world, &code, uri).await.json()["error"],
                "invalid_grant",
                "at the token endpoint: {uri}"
            );
        }
        // By reference it is the same object; a few of them will do.
        for uri in near.iter().step_by(50) {
            site.answers("/request", Reply::request_object(&inside(uri)));
            let answer = Browser::new(&world, "").authorize("app", &[("request_uri", &request_uri)]).await;
            assert_stays(&answer, "in a request object by reference", uri);
        }
        let answer = redeem(&world, &code, registered).await;
        assert_eq!(answer.status, StatusCode::OK, "none of it used the code up: {}", answer.body);
    }
}
