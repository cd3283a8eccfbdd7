//! `signet client`.

use idp::cli::Exit;
use serde_json::json;

use super::site::Site;

#[test]
fn a_service_is_registered_with_a_secret_that_is_shown_once() {
    for site in Site::both() {
        let made = site.json(&[
            "client",
            "create",
            "Billing",
            "--grant",
            "client_credentials",
            "--scope",
            "b a",
            "--scope",
            "c",
        ]);
        assert_eq!(made["grant_types"], json!(["client_credentials"]));
        assert_eq!(made["token_endpoint_auth_method"], "client_secret_basic");
        assert_eq!(made["scope"], "a b c");
        assert_eq!(made["client_secret"].as_str().unwrap().len(), 43);
        let id = made["client_id"].as_str().unwrap();
        let shown = site.json(&["client", "show", id]);
        assert!(shown.get("client_secret").is_none());
        assert_eq!(shown["secrets"].as_array().unwrap().len(), 1);
        assert_eq!(site.json(&["client", "list"])[0]["client_name"], "Billing");
    }
}

#[test]
fn an_application_is_registered_with_all_that_can_be_said() {
    let site = Site::sqlite();
    let made = site.json(&[
        "client",
        "create",
        "Shop",
        "--id",
        "shop",
        "--redirect-uri",
        "https://shop.example/cb",
        "--redirect-uri",
        "com.example.shop:/cb",
        "--auth-method",
        "none",
        "--client-uri",
        "https://shop.example",
        "--logo-uri",
        "https://shop.example/logo.png",
        "--policy-uri",
        "https://shop.example/privacy",
        "--tos-uri",
        "https://shop.example/terms",
        "--id-token-alg",
        "ES256",
        "--access-token-alg",
        "EdDSA",
        "--audience",
        "https://api.example",
        "--access-token-lifetime",
        "30m",
        "--implied-consent",
    ]);
    assert_eq!(made["client_id"], "shop");
    assert_eq!(made["grant_types"], json!(["authorization_code"]), "goes with a redirect URI");
    assert_eq!(made["redirect_uris"], json!(["https://shop.example/cb", "com.example.shop:/cb"]));
    assert_eq!(made["scope"], "address email openid phone profile");
    assert_eq!((&made["access_token_lifetime"], &made["consent"]), (&1800.into(), &"implied".into()));
    assert_eq!(
        (&made["id_token_signed_response_alg"], &made["access_token_signed_response_alg"]),
        (&"ES256".into(), &"EdDSA".into())
    );
    assert!(made.get("client_secret").is_none(), "a public client has none");
    let old = site.json(&[
        "client",
        "create",
        "Old",
        "--redirect-uri",
        "https://old.example/cb",
        "--pkce-optional",
        "--role",
        "x",
    ]);
    assert_eq!((&old["pkce"], &old["roles"]), (&"optional".into(), &json!(["x"])));
}

#[test]
fn a_client_with_keys_has_no_secret() {
    let site = Site::sqlite();
    let key = keys::PrivateKey::generate(keys::KeySpec::Es256).unwrap();
    let jwks = site.file("jwks.json", &json!({ "keys": [key.public_jwk()] }).to_string());
    let made =
        site.json(&["client", "create", "Robot", "--grant", "client_credentials", "--jwks", &jwks, "--id", "robot"]);
    assert_eq!(made["token_endpoint_auth_method"], "private_key_jwt");
    assert_eq!(made["jwks"]["keys"][0]["kty"], "EC");
    assert!(made.get("client_secret").is_none());
    site.run(&["client", "rotate-secret", "robot"]).failed(Exit::Refused, "without a secret");
    let text = site.file("text.json", "no JSON");
    site.run(&["client", "create", "x", "--grant", "client_credentials", "--jwks", &text])
        .failed(Exit::Usage, "isn't JSON");
    let gone = ["client", "create", "x", "--grant", "client_credentials", "--jwks", "/nonexistent"];
    site.run(&gone).failed(Exit::Failed, "/nonexistent can't be read");
}

#[test]
fn a_secret_can_be_brought_along_and_rotated() {
    for site in Site::both() {
        let create = [
            "client",
            "create",
            "x",
            "--grant",
            "client_credentials",
            "--id",
            "x",
            "--secret-stdin",
            "--format",
            "json",
        ];
        let secret = "0123456789abcdef0123456789abcdef";
        site.run_reading(&create, "too-short").failed(Exit::Refused, "32 to 128 characters");
        assert_eq!(site.run_reading(&create, secret).json()["client_secret"], secret);
        let rotated = site.json(&["client", "rotate-secret", "x"]);
        assert_ne!(rotated["client_secret"], secret);
        assert!(rotated["former_secrets_good_until"].is_string());
        let secrets = site.json(&["client", "show", "x"])["secrets"].clone();
        let until = |index: usize| secrets[index].as_str().unwrap().contains("good until");
        assert_eq!(usize::from(until(0)) + usize::from(until(1)), 1, "{secrets}");
        site.json(&["client", "rotate-secret", "x", "--grace", "0"]);
        assert_eq!(site.json(&["client", "show", "x"])["secrets"].as_array().unwrap().len(), 1);
    }
}

#[test]
fn a_client_is_switched_off_on_and_deleted() {
    for site in Site::both() {
        site.json(&["client", "create", "x", "--grant", "client_credentials", "--id", "x"]);
        assert_eq!(site.json(&["client", "disable", "x"])["status"], "disabled");
        assert_eq!(site.json(&["client", "enable", "x"])["status"], "active");
        assert_eq!(site.json(&["client", "delete", "x"]), json!({ "client_id": "x", "status": "deleted" }));
        site.run(&["client", "show", "x"]).failed(Exit::NotFound, "there is no client x");
    }
}

#[test]
fn what_cannot_be_done_says_why() {
    for site in Site::both() {
        site.json(&["client", "create", "x", "--grant", "client_credentials", "--id", "x"]);
        let create = |args: &[&str]| site.run(&[&["client", "create", "y"], args].concat());
        create(&["--grant", "client_credentials", "--id", "x"]).failed(Exit::Conflict, "there is a client x already");
        create(&["--grant", "authorization_code"]).failed(Exit::Usage, "redirect_uris must have at least one");
        create(&["--grant", "client_credentials", "--auth-method", "none"]).failed(Exit::Usage, "other than none");
        create(&["--grant", "client_credentials", "--auth-method", "private_key_jwt"]).failed(Exit::Usage, "jwks");
        create(&["--grant", "client_credentials", "--logo-uri", "javascript:x"])
            .failed(Exit::Usage, "not a web address");
        create(&["--grant", "client_credentials", "--access-token-lifetime", "9"]).failed(Exit::Usage, "10 to 86400");
        create(&["--grant", "client_credentials", "--access-token-lifetime", "1y"]).failed(Exit::Usage, "such as 15m");
        create(&["--grant", "client_credentials", "--scope", "a\"b"]).failed(Exit::Usage, "scope");
        for verb in ["show", "rotate-secret", "disable", "enable", "delete"] {
            site.run(&["client", verb, "nobody"]).failed(Exit::NotFound, "there is no client nobody");
        }
        site.json(&["tenant", "create", "acme"]);
        site.run(&["client", "show", "x", "--tenant", "acme"]).failed(Exit::NotFound, "there is no client x");
    }
}

#[test]
fn logout_tokens_that_wait_are_listed_and_sent_again() {
    for site in Site::both() {
        let made = site.json(&["client", "create", "Shop", "--redirect-uri", "https://shop.example/cb"]);
        let id = made["client_id"].as_str().unwrap();
        assert_eq!(site.json(&["client", "logout-tokens", id]), serde_json::json!([]));
        assert_eq!(site.json(&["client", "replay-logout-tokens", id])["replayed"], 0);
        site.run(&["client", "replay-logout-tokens", id, "--delivery", "x"]).failed(Exit::Usage, "--delivery");
        let nothing = "00000000-0000-7000-8000-000000000000";
        let unknown = site.run(&["client", "replay-logout-tokens", id, "--delivery", nothing]);
        unknown.failed(Exit::NotFound, "there is no message");
        site.run(&["client", "logout-tokens", "nobody"]).failed(Exit::NotFound, "nobody");
    }
}
