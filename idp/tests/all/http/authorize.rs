//! `/authorize`: each bad input with its answer. A bad client or redirect URI is a page, everything else goes to the
//! client.

use idp::domain::client::{ClientAuthMethod, PkcePolicy};
use poem::http::StatusCode;

use crate::support::databases;
use crate::support::world::{Browser, CALLBACK, World, challenge, encode, request};

/// What is changed in a good request, and the error code and description that follow.
type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, &'a str);

#[tokio::test]
async fn a_bad_client_or_redirect_uri_is_a_page_that_names_it_and_never_a_redirect() {
    let long = format!("https://client.example.com/{}", "x".repeat(3000));
    let cases: Vec<(&str, &str, &str)> = vec![
        ("client_id", "", "client_id"),
        ("client_id", "nobody", "client_id"),
        ("client_id", "reports ", "client_id"),
        ("client_id", "REPORTS", "client_id"),
        ("redirect_uri", "", "redirect_uri"),
        ("redirect_uri", "https://client.example.com/callback/", "redirect_uri"),
        ("redirect_uri", "https://client.example.com/callback?a=1", "redirect_uri"),
        ("redirect_uri", "https://client.example.com/callback#f", "redirect_uri"),
        ("redirect_uri", "https://client.example.com/Callback", "redirect_uri"),
        ("redirect_uri", "https://client.example.com/callback%2f", "redirect_uri"),
        ("redirect_uri", "https://client.example.com/x/../callback", "redirect_uri"),
        ("redirect_uri", "https://client.example.com//callback", "redirect_uri"),
        ("redirect_uri", "https://client.example.com:443/callback", "redirect_uri"),
        ("redirect_uri", "https://CLIENT.example.com/callback", "redirect_uri"),
        ("redirect_uri", "https://client.example.com.evil.example/callback", "redirect_uri"),
        ("redirect_uri", "https://client.example.com@evil.example/callback", "redirect_uri"),
        ("redirect_uri", "https://evil.example\\@client.example.com/callback", "redirect_uri"),
        ("redirect_uri", "http://client.example.com/callback", "redirect_uri"),
        ("redirect_uri", "javascript:alert(1)", "redirect_uri"),
        ("redirect_uri", "data:text/html,x", "redirect_uri"),
        ("redirect_uri", "//client.example.com/callback", "redirect_uri"),
        ("redirect_uri", "/callback", "redirect_uri"),
        ("redirect_uri", " https://client.example.com/callback", "redirect_uri"),
        ("redirect_uri", "https://client.example.com/callback\r\nx: y", "redirect_uri"),
        ("redirect_uri", &long, "redirect_uri"),
    ];
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        world.client(&tenant, "reports", |_| {}).await;
        let mut browser = Browser::new(&world, "");
        for (parameter, value, named) in &cases {
            let answer = browser.authorize("reports", &[(parameter, value)]).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{parameter}={value}");
            assert!(answer.header("location").is_none(), "{parameter}={value}");
            assert!(answer.body.contains(named), "{parameter}={value}: {}", answer.body);
            assert_eq!(answer.header("cache-control"), Some("no-store"));
        }
        for doubled in ["client_id=reports&", "redirect_uri=https%3A%2F%2Fclient.example.com%2Fcallback&"] {
            let usual = encode(&[("client_id", "reports"), ("redirect_uri", CALLBACK), ("response_type", "code")]);
            let answer = browser.get(&format!("/authorize?{doubled}{usual}")).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{doubled}");
            assert!(answer.header("location").is_none(), "{doubled}");
        }
    }
}

#[tokio::test]
async fn what_else_is_wrong_goes_to_the_client_with_state_and_iss() {
    let long = "n".repeat(5000);
    let long: [(&str, &str); 1] = [("nonce", &long)];
    let cases: Vec<Case<'_>> = vec![
        (&[("response_type", "")], "invalid_request", "response_type is missing"),
        (&[("response_type", "token")], "unsupported_response_type", "response_type must be code"),
        (&[("response_type", "code id_token")], "unsupported_response_type", "response_type must be code"),
        (&[("response_mode", "fragment")], "invalid_request", "response_mode must be query or form_post"),
        (&[("scope", "")], "invalid_scope", "scope names nothing that this client may get"),
        (&[("scope", "admin")], "invalid_scope", "scope names nothing that this client may get"),
        (&[("scope", "open\"id")], "invalid_scope", "scope has a character that isn't allowed"),
        (&[("code_challenge", "")], "invalid_request", "code_challenge is missing"),
        (&[("code_challenge_method", "plain")], "invalid_request", "code_challenge_method must be S256"),
        (&[("code_challenge_method", "")], "invalid_request", "code_challenge_method must be S256"),
        (
            &[("code_challenge", "short")],
            "invalid_request",
            "code_challenge must be the base64url form of a SHA-256, 43 characters without padding",
        ),
        (
            &[("code_challenge", ""), ("code_challenge_method", "")],
            "invalid_request",
            "code_challenge is missing: this client must use PKCE with code_challenge_method S256",
        ),
        (&[("prompt", "none login")], "invalid_request", "prompt=none goes with no other value"),
        (&[("prompt", "create login")], "invalid_request", "prompt=create goes with no other value"),
        (&[("prompt", "none create")], "invalid_request", "prompt=none goes with no other value"),
        (&[("prompt", "create")], "invalid_request", "prompt=create is not supported: nobody can make an account here"),
        (
            &[("prompt", "dance")],
            "invalid_request",
            "prompt must be of none, login, consent, select_account and create",
        ),
        (&[("prompt", "none")], "login_required", "nobody is signed in who will do, and prompt=none forbids to ask"),
        (&[("prompt", "none select_account")], "invalid_request", "prompt=none goes with no other value"),
        (&[("id_token_hint", "x")], "invalid_request", "id_token_hint is not an ID token of this issuer"),
        (
            &[("claims", "x")],
            "invalid_request",
            "claims must be a JSON object (OpenID Connect Core section 5.5), encoded as UTF-8",
        ),
        (
            &[("claims", r#"{"id_token":{"acr":{"essential":true,"value":"urn:mace:incommon:iap:gold"}}}"#)],
            "unmet_authentication_requirements",
            "claims makes an acr essential that nobody can reach here; acr_values_supported lists those there are",
        ),
        (&[("max_age", "-1")], "invalid_request", "max_age must be a number of seconds, zero or more"),
        (&[("max_age", "+500")], "invalid_request", "max_age must be a number of seconds, zero or more"),
        (
            &[("max_age", "99999999999999999999")],
            "invalid_request",
            "max_age must be a number of seconds, zero or more",
        ),
        (&[("max_age", "soon")], "invalid_request", "max_age must be a number of seconds, zero or more"),
        (
            &[("request", "e30.e30.")],
            "invalid_request_object",
            "the client has registered nothing to verify a request object with: jwks or jwks_uri",
        ),
        (
            &[("request_uri", "https://x.example/r")],
            "invalid_request_uri",
            "request_uri must be one of the request_uris that the client registered",
        ),
        (&[("registration", "{}")], "registration_not_supported", "the registration parameter is not supported"),
        (&long, "invalid_request", "state and nonce have at most 4,096 bytes"),
    ];
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        world.client(&tenant, "reports", |_| {}).await;
        for (change, code, description) in &cases {
            let answer = Browser::new(&world, "").authorize("reports", change).await;
            assert_eq!(answer.status, StatusCode::SEE_OTHER, "{change:?}: {}", answer.body);
            assert!(answer.location().starts_with(&format!("{CALLBACK}?")), "{change:?}");
            assert_eq!(answer.returned("error").as_deref(), Some(*code), "{change:?}");
            assert_eq!(answer.returned("error_description").as_deref(), Some(*description), "{change:?}");
            assert_eq!(answer.returned("state").as_deref(), Some("the state"), "{change:?}");
            assert_eq!(answer.returned("iss").as_deref(), Some("http://127.0.0.1:8080"), "{change:?}");
            assert!(answer.returned("code").is_none(), "{change:?}");
        }
        let challenge = challenge();
        let usual = encode(&[
            ("client_id", "reports"),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("scope", "openid"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        for doubled in ["scope", "state", "nonce", "response_type", "code_challenge", "prompt", "max_age"] {
            let answer = Browser::new(&world, "").get(&format!("/authorize?{usual}&{doubled}=a&{doubled}=b")).await;
            assert_eq!(answer.returned("error").as_deref(), Some("invalid_request"), "{doubled}");
            let text = format!("{doubled} was sent more than once");
            assert_eq!(answer.returned("error_description"), Some(text), "{doubled}");
        }
    }
}

#[tokio::test]
async fn unknown_and_unusual_parameters_never_fail() {
    let state = "s".repeat(512);
    let state: [(&str, &str); 1] = [("state", &state)];
    let cases: Vec<&[(&str, &str)]> = vec![
        &[("extra", "foobar")],
        &[("login_hint", "somebody@example.com")],
        &[("display", "popup")],
        &[("ui_locales", "se")],
        &[("claims_locales", "se")],
        &[("acr_values", "1 2")],
        &[("scope", "openid unheard-of")],
        &state,
        &[("state", "")],
        &[("nonce", "")],
        &[("response_mode", "query")],
        &[("max_age", "10000000000")],
    ];
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        world.client(&tenant, "reports", |_| {}).await;
        for change in &cases {
            let answer = Browser::new(&world, "").authorize("reports", change).await;
            assert!(answer.location().starts_with("/login?flow="), "{change:?}: {}", answer.location());
        }
    }
}

#[tokio::test]
async fn a_form_on_another_site_may_post_the_request() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        world.user(&tenant, "ada@example.com").await;
        world.client(&tenant, "reports", |_| {}).await;
        let challenge = challenge();
        let form = [
            ("response_type", "code"),
            ("client_id", "reports"),
            ("redirect_uri", CALLBACK),
            ("scope", "openid"),
            ("code_challenge", &*challenge),
            ("code_challenge_method", "S256"),
        ];
        let headers = [("origin", "https://client.example.com"), ("sec-fetch-site", "cross-site")];
        let start = world.post("/authorize", &headers, &encode(&form)).await;
        assert!(start.location().starts_with("/login?flow="), "{}", start.location());
        assert!(start.header("set-cookie").is_none(), "cookies that the browser hid must not be replaced");
        let mut browser = Browser::new(&world, "");
        let signed_in = browser.sign_in(&start, "ada@example.com", crate::support::world::PASSWORD).await;
        assert!(signed_in.location().starts_with("/consent"), "{}", signed_in.location());
        let stranger = Browser::new(&world, "").get(start.location()).await;
        assert_eq!(stranger.status, StatusCode::FORBIDDEN, "the flow belongs to the browser that saw its page");
    }
}

#[tokio::test]
async fn loopback_ports_are_free_and_pkce_may_be_optional_for_confidential_clients_alone() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        world
            .client(&tenant, "native", |metadata| {
                metadata.token_endpoint_auth_method = ClientAuthMethod::None;
                metadata.pkce = PkcePolicy::Optional;
                metadata.redirect_uris =
                    ["http://127.0.0.1/cb", "http://[::1]:1/cb", "http://localhost:5/cb", "com.example.app:/cb"]
                        .map(|uri| uri.parse().unwrap())
                        .into();
            })
            .await;
        world.client(&tenant, "old", |metadata| metadata.pkce = PkcePolicy::Optional).await;
        let mut browser = Browser::new(&world, "");
        for uri in ["http://127.0.0.1:51004/cb", "http://127.0.0.1/cb", "http://[::1]:9/cb", "com.example.app:/cb"] {
            let answer = browser.authorize("native", &[("redirect_uri", uri)]).await;
            assert_eq!(answer.status, StatusCode::SEE_OTHER, "{uri}");
        }
        for uri in
            ["http://127.0.0.1:51004/cb2", "http://127.0.0.2:1/cb", "http://localhost:6/cb", "http://[::1]:1x/cb"]
        {
            let answer = browser.authorize("native", &[("redirect_uri", uri)]).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{uri}");
        }
        let none: &[(&str, &str)] = &[("code_challenge", ""), ("code_challenge_method", "")];
        let native = browser.authorize("native", &[none, &[("redirect_uri", "com.example.app:/cb")]].concat()).await;
        assert_eq!(native.returned("error").as_deref(), Some("invalid_request"), "a public client always uses PKCE");
        let old = browser.authorize("old", none).await;
        assert!(old.location().starts_with("/login"), "{}", old.location());
    }
}

#[tokio::test]
async fn a_head_takes_no_step() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let mut browser = Browser::new(&world, "");
        browser.code("reports", "ada@example.com").await;
        let start = browser.authorize("reports", &[("prompt", "login")]).await;
        browser.authorize("reports", &[]).await.assert_code();
        let challenge = challenge();
        let asked = encode(&[
            ("response_type", "code"),
            ("client_id", "reports"),
            ("redirect_uri", CALLBACK),
            ("scope", "openid"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        let flow = start.location().split_once('?').unwrap().1;
        let cookies = browser.cookie_header();
        let pages = ["login", "signup", "select-account", "consent"].map(|page| format!("/{page}?{flow}"));
        for address in pages.into_iter().chain([format!("/authorize?{asked}")]) {
            let answer = world.send(request("HEAD", &address, &[("cookie", &cookies)], Vec::new())).await;
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{address}");
            assert_eq!(answer.header("allow"), Some("GET, POST"));
            assert!(answer.header("location").is_none() && answer.header("set-cookie").is_none());
            let got = world.get(&address, &[("cookie", &cookies)]).await;
            assert_ne!(got.status, StatusCode::METHOD_NOT_ALLOWED, "{address}");
        }
    }
}
