//! `signet token explain`.

use idp::app::App;
use idp::cli::Exit;
use idp::domain::tenant::Slug;
use idp::service::{clients, issue, tenants};
use serde_json::Value;

use super::site::{Ran, Site, block_on, run};

/// A token of a service `robot` of that tenant.
fn token(site: &Site, tenant: &str) -> String {
    let create =
        ["client", "create", "Robot", "--id", "robot", "--grant", "client_credentials", "--access-token-alg", "ES256"];
    site.json(&[&create[..], &["--tenant", tenant]].concat());
    block_on(async {
        let app = App::open(site.config()).await.unwrap();
        let tenant = tenants::find(&app.ctx, &tenant.parse::<Slug>().unwrap()).await.unwrap();
        let client = clients::find(&app.ctx, tenant.id, &"robot".parse().unwrap()).await.unwrap();
        let token = issue::service_token(&app.ctx, &tenant, &client, "a b".parse().unwrap(), None).await.unwrap();
        app.close().await;
        token.jwt
    })
}

fn explain(site: &Site, token: &str) -> (Exit, Value) {
    let ran = site.run(&["token", "explain", token, "--format", "json"]);
    (ran.exit, serde_json::from_str(&ran.stdout).unwrap())
}

fn problem(ran: &Ran, words: &str) {
    assert_eq!(ran.exit, Exit::Failed, "{}", ran.stdout);
    assert!(ran.stdout.contains("Not valid:") && ran.stdout.contains(words), "{}", ran.stdout);
}

#[test]
fn a_good_token_is_valid_and_its_tenant_is_named() {
    for site in Site::both() {
        site.json(&["tenant", "create", "acme"]);
        let token = token(&site, "acme");
        let (exit, report) = explain(&site, &token);
        assert_eq!(exit, Exit::Ok, "{report}");
        assert_eq!((&report["valid"], &report["signature_valid"]), (&true.into(), &true.into()));
        assert_eq!((&report["tenant"], &report["kind"]), (&"acme".into(), &"access token".into()));
        assert_eq!(report["claims"]["iss"], "https://id.example.com/t/acme");
        assert_eq!(report["header"]["alg"], "ES256");
        let answer = format!("{{\"access_token\":\"{token}\",\"token_type\":\"Bearer\"}}");
        for input in [answer, format!(" {token}\n")] {
            let ran = site.run_reading(&["token", "explain", "-", "--audience", "services"], &input);
            assert_eq!(ran.exit, Exit::Ok, "{}", ran.stdout);
            assert!(
                ran.stdout.contains("good, by a key of the tenant acme\nValid: a good access token.\n"),
                "{}",
                ran.stdout
            );
        }
        problem(&site.run(&["token", "explain", &token, "--audience", "else"]), "isn't meant for \"else\"");
    }
}

#[test]
fn what_speaks_against_a_token_is_said() {
    for site in Site::both() {
        let token = token(&site, "default");
        let explain = |token: &str| site.run(&["token", "explain", token]);
        let (head, signature) = token.rsplit_once('.').unwrap();
        let other = if signature.starts_with('A') { "B" } else { "A" };
        problem(&explain(&format!("{head}.{other}{}", &signature[1..])), "the signature isn't valid");
        problem(&explain("a.b"), "isn't a JWS in compact form");
        problem(&explain("nonsense"), "isn't a JWS in compact form");

        site.json(&["client", "disable", "robot"]);
        problem(&explain(&token), "the client robot is disabled");
        site.json(&["client", "delete", "robot"]);
        problem(&explain(&token), "there is no client robot any more");
        let kid = site.json(&["key", "list"])[0]["kid"].as_str().unwrap().to_owned();
        let next = site.json(&["key", "create", "--alg", "ES256"])["kid"].as_str().unwrap().to_owned();
        site.json(&["key", "activate", &next, "--emergency"]);
        site.json(&["key", "retire", &kid, "--emergency"]);
        let ran = explain(&token);
        problem(&ran, "the key that it names is retired");
        assert!(ran.stdout.contains("Signature: not good"), "{}", ran.stdout);
    }
}

#[test]
fn a_token_of_a_suspended_tenant_or_of_somebody_else_is_not_valid() {
    let site = Site::sqlite();
    site.json(&["tenant", "create", "acme"]);
    let token = token(&site, "acme");
    site.json(&["tenant", "suspend", "acme"]);
    problem(&site.run(&["token", "explain", &token]), "the tenant acme is suspended");
    // The same token, where nobody knows the issuer.
    let ran = Site::sqlite().run(&["token", "explain", &token]);
    problem(&ran, "is none of this installation's");
    assert!(ran.stdout.contains("Signature: not checked"), "{}", ran.stdout);
}

#[test]
fn without_a_database_a_token_is_decoded_and_not_called_valid() {
    let site = Site::sqlite();
    let token = token(&site, "default");
    let ran = run(&[], &["token", "explain", &token], "", &[]);
    assert_eq!(ran.exit, Exit::Failed);
    assert!(ran.stdout.contains("Signature: not checked: give --config or --data to check it"), "{}", ran.stdout);
    assert!(ran.stdout.contains("Not verified: nothing speaks against it"), "{}", ran.stdout);
    assert!(ran.stdout.contains("sub        \"robot\""), "{}", ran.stdout);
}

#[test]
fn what_is_no_token_is_refused() {
    run(&[], &["token", "explain", "-"], " \n", &[]).failed(Exit::Usage, "the token is empty");
    run(&[], &["token", "explain", "-"], "{\"error\":\"invalid_client\"}", &[])
        .failed(Exit::Usage, "no access_token: invalid_client");
    run(&[], &["token", "explain", "-"], "{", &[]).failed(Exit::Usage, "no access_token");
    run(&[], &["token", "explain", "-"], &"x".repeat(70_000), &[]).failed(Exit::Failed, "more than 64 KiB");
}

#[test]
fn a_token_cannot_move_the_cursor() {
    // {"alg":"none","x\u001b":"\u001b[2J"}.{}.
    let ran = run(&[], &["token", "explain", "eyJhbGciOiJub25lIiwieFx1MDAxYiI6Ilx1MDAxYlsySiJ9.e30."], "", &[]);
    assert!(!ran.stdout.contains('\u{1b}') && ran.stdout.contains("\\u001b[2J"), "{:?}", ran.stdout);
}
