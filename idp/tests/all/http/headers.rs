//! Headers of every kind of answer, methods, addresses that don't exist, and documents that are known already.

use poem::http::StatusCode;

use super::code_flow::redeem;
use crate::support::databases;
use crate::support::world::{Answer, Browser, FORM, PASSWORD, SECRET, World, basic, encode, request};

const HTML: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
const DOCUMENTS: [&str; 4] =
    ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/jwks", "/.well-known/jwks.json"];

/// What the content security policy of a page says of its forms.
const FORMS_STAY: &str = "form-action 'self'; ";
const FORMS_LEAD_TO_THE_CLIENT: &str = "";

fn policy(forms: &str) -> String {
    format!(
        "default-src 'none'; style-src 'self'; img-src 'self' https: data:; script-src 'self'; \
         {forms}frame-ancestors 'none'; base-uri 'none'"
    )
}

#[track_caller]
fn assert_header(answer: &Answer, name: &str, value: &str) {
    let found: Vec<_> = answer.headers.get_all(name).iter().collect();
    assert_eq!(found, [value], "{name}: {} {}", answer.status, answer.body);
}

#[track_caller]
fn assert_no_cors(answer: &Answer) {
    let cors = answer.headers.keys().find(|name| name.as_str().starts_with("access-control-"));
    assert_eq!(cors, None, "{} {}", answer.status, answer.body);
}

#[track_caller]
fn assert_page_headers(answer: &Answer, forms: &str) {
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("content-security-policy", policy(forms).as_str()),
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        assert_header(answer, name, value);
    }
    assert_no_cors(answer);
    for inline in ["<script>", "<style", " style=", " onclick=", " onload=", "javascript:"] {
        assert!(!answer.body.contains(inline), "{inline}: {}", answer.body);
    }
}

#[tokio::test]
async fn every_page_is_kept_from_frames_caches_and_scripts() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let mut browser = Browser::new(&world, "");
        let start = browser.authorize("reports", &[]).await;
        let flow = start.location().split_once("flow=").unwrap().1.to_owned();
        let sign_in = browser.get(start.location()).await;
        let csrf = crate::support::world::hidden(&sign_in.body, "csrf");
        let form = |name: &str, password: &str| {
            encode(&[("flow", &flow), ("csrf", &csrf), ("email", name), ("password", password)]).into_bytes()
        };
        let mut with_form = vec![(200, sign_in)];
        with_form.push((422, browser.post_raw("/login", Some(FORM), form("", "")).await));
        with_form.push((422, browser.post_raw("/login", Some(FORM), form("ada@example.com", "wrong")).await));
        for _ in 0..10 {
            browser.post_raw("/login", Some(FORM), form("nobody", "wrong")).await;
        }
        with_form.push((429, browser.post_raw("/login", Some(FORM), form("nobody", "wrong")).await));
        let signed_in = browser.post_raw("/login", Some(FORM), form("ada@example.com", PASSWORD)).await;
        with_form.push((200, browser.get(signed_in.location()).await));
        for (status, page) in &with_form {
            assert_eq!(page.status.as_u16(), *status, "{}", page.body);
            assert_page_headers(page, FORMS_LEAD_TO_THE_CLIENT);
        }

        let mut others = vec![
            (200, browser.get("/").await),
            (200, Browser::new(&world, "").get("/").await),
            (400, browser.get("/authorize").await),
            (400, browser.get("/authorize?client_id=%zz").await),
            (400, browser.authorize("nobody", &[]).await),
            (400, browser.authorize("reports", &[("redirect_uri", "https://evil.example.com/")]).await),
            (400, browser.post("/authorize", &[]).await),
            (415, browser.post_raw("/authorize", None, Vec::new()).await),
            (400, browser.get("/login").await),
            (403, Browser::new(&world, "").get(&format!("/login?flow={flow}")).await),
            (403, browser.post("/login", &[("flow", &flow), ("csrf", "wrong")]).await),
            (413, browser.post("/login", &[("flow", &"x".repeat(20_000))]).await),
            (415, browser.post_raw("/login", Some("text/plain"), Vec::new()).await),
            (404, browser.get("/nothing").await),
            (404, browser.get("/t/nobody/login").await),
            (404, browser.get("/t/-/login").await),
            (405, browser.post("/jwks", &[]).await),
            (405, world.send(request("PUT", "/login", &[HTML], Vec::new())).await),
        ];
        browser.post("/login", &[("flow", &flow), ("csrf", &csrf), ("action", "cancel")]).await;
        others.push((410, browser.get(&format!("/login?flow={flow}")).await));
        for (number, (status, page)) in others.iter().enumerate() {
            assert_eq!(page.status.as_u16(), *status, "{number}: {}", page.body);
            assert_page_headers(page, FORMS_STAY);
        }
    }
}

#[tokio::test]
async fn a_redirect_is_see_other_and_neither_kept_nor_told_on() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let mut browser = Browser::new(&world, "");
        let start = browser.authorize("reports", &[]).await;
        let signed_in = browser.sign_in(&start, "ada@example.com", PASSWORD).await;
        let allowed = browser.consent(&signed_in, "allow").await;
        let asked = browser.authorize("reports", &[("prompt", "consent")]).await;
        let denied = browser.consent(&asked, "deny").await;
        let mut second = Browser::new(&world, "");
        let (flow, csrf) = second.sign_in_page("reports").await;
        let cancelled = second.post("/login", &[("flow", &flow), ("csrf", &csrf), ("action", "cancel")]).await;
        let failed = browser.authorize("reports", &[("response_type", "token")]).await;
        let silent = browser.authorize("reports", &[("prompt", "none")]).await;
        let posted = browser
            .post("/authorize", &[("client_id", "reports"), ("redirect_uri", "https://client.example.com/callback")])
            .await;
        for answer in [start, signed_in, allowed, asked, denied, cancelled, failed, silent, posted] {
            assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
            assert_header(&answer, "cache-control", "no-store");
            assert_header(&answer, "referrer-policy", "no-referrer");
            assert_header(&answer, "x-content-type-options", "nosniff");
            assert_no_cors(&answer);
            assert_eq!(answer.body, "");
        }
    }
}

#[tokio::test]
async fn json_is_not_kept_and_not_guessed_at() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        world.service(&tenant, "robot").await;
        let code = Browser::new(&world, "").code("reports", "ada@example.com").await;
        let tokens = redeem(&world, "", "reports", &code).await;
        let bearer = format!("Bearer {}", tokens.json()["access_token"].as_str().unwrap());
        let robot = [("authorization", &*basic("robot", SECRET))];
        let service = encode(&[("grant_type", "client_credentials")]);
        let answers = [
            (200, tokens),
            (200, world.post("/token", &robot, &service).await),
            (200, world.post("/v1/auth/m2m/token", &robot, "").await),
            (400, redeem(&world, "", "reports", &code).await),
            (401, world.post("/token", &[], &service).await),
            (401, world.post("/v1/auth/m2m/token", &[], "").await),
            (400, world.send(request("POST", "/token", &robot, Vec::new())).await),
            (401, world.get("/userinfo", &[("authorization", &bearer)]).await),
            (401, world.get("/userinfo", &[]).await),
            (400, world.send(request("POST", "/userinfo", &[("content-type", "text/plain")], b"x".to_vec())).await),
            (200, world.get("/health/live", &[]).await),
            (200, world.get("/health/ready", &[]).await),
        ];
        for (number, (status, answer)) in answers.iter().enumerate() {
            assert_eq!(answer.status.as_u16(), *status, "{number}: {}", answer.body);
            assert_header(answer, "content-type", "application/json");
            assert_header(answer, "cache-control", "no-store");
            assert_header(answer, "x-content-type-options", "nosniff");
            assert!(answer.header("access-control-allow-credentials").is_none());
            assert!(answer.json().is_object());
        }
        for answer in [&answers[4].1, &answers[5].1] {
            assert_header(answer, "www-authenticate", r#"Basic realm="signet", charset="UTF-8""#);
        }
        assert_header(&answers[8].1, "www-authenticate", r#"Bearer realm="signet""#);
    }
}

#[tokio::test]
async fn documents_are_for_everybody_and_known_by_their_tag() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        world.other_tenant("acme").await;
        let of_acme: Vec<String> = DOCUMENTS.iter().map(|path| format!("/t/acme{path}")).collect();
        let inserted = ["/.well-known/openid-configuration/t/acme", "/.well-known/oauth-authorization-server/t/acme"];
        for path in DOCUMENTS.into_iter().chain(of_acme.iter().map(String::as_str)).chain(inserted) {
            println!("{path}");
            // The same for any caller: whoever asks, with whatever cookies.
            let headers = [("origin", "https://any.example.com"), ("cookie", "a=b"), HTML];
            let answer = world.get(path, &headers).await;
            assert_eq!(answer.status, StatusCode::OK);
            assert_header(&answer, "content-type", "application/json");
            assert_header(&answer, "cache-control", "public, max-age=3600");
            assert_header(&answer, "access-control-allow-origin", "*");
            assert_header(&answer, "x-content-type-options", "nosniff");
            assert!(answer.header("access-control-allow-credentials").is_none());
            assert!(answer.header("set-cookie").is_none());
            let etag = answer.header("etag").unwrap().to_owned();
            assert!(etag.starts_with('"') && etag.ends_with('"') && etag.len() >= 10, "{etag}");

            let head = world.send(request("HEAD", path, &[], Vec::new())).await;
            assert_eq!((head.status, head.body.as_str()), (StatusCode::OK, ""));
            for name in ["content-type", "cache-control", "etag", "access-control-allow-origin"] {
                assert_eq!(head.header(name), answer.header(name), "{name}");
            }
            let known = [etag.clone(), format!("W/{etag}"), format!("\"other\", {etag}"), "*".to_owned()];
            for tag in &known {
                for method in ["GET", "HEAD"] {
                    let fresh = world.send(request(method, path, &[("if-none-match", tag)], Vec::new())).await;
                    assert_eq!((fresh.status, fresh.body.as_str()), (StatusCode::NOT_MODIFIED, ""), "{tag}");
                    assert_header(&fresh, "etag", &etag);
                    assert_header(&fresh, "cache-control", "public, max-age=3600");
                    assert_header(&fresh, "access-control-allow-origin", "*");
                }
            }
            for tag in ["\"other\"", "", "other", &etag[1..etag.len() - 1]] {
                let stale = world.get(path, &[("if-none-match", tag)]).await;
                assert_eq!((stale.status, &stale.body), (StatusCode::OK, &answer.body), "{tag}");
            }
        }
    }
}

#[tokio::test]
async fn a_method_that_an_address_does_not_take_is_refused_with_those_that_it_takes() {
    let read = "GET, HEAD";
    let both = "GET, HEAD, POST";
    let steps = "GET, POST";
    let addresses = [
        ("/", read),
        ("/.well-known/openid-configuration", read),
        ("/.well-known/oauth-authorization-server", read),
        ("/jwks", read),
        ("/.well-known/jwks.json", read),
        ("/authorize", steps),
        ("/login", steps),
        ("/signup", steps),
        ("/select-account", steps),
        ("/consent", steps),
        ("/logout", both),
        ("/logout/confirm", "POST"),
        ("/logout/done", read),
        ("/check-session", read),
        ("/token", "POST, OPTIONS"),
        ("/v1/auth/m2m/token", "POST"),
        ("/userinfo", "GET, HEAD, POST, OPTIONS"),
        ("/health", read),
        ("/health/live", read),
        ("/health/ready", read),
        ("/v1/auth/health", read),
        ("/v1/auth/metrics", read),
        ("/t/acme/v1/auth/health", read),
        ("/openapi.json", read),
        ("/t/acme/login", steps),
        ("/t/acme/token", "POST, OPTIONS"),
    ];
    for database in databases().await {
        let world = World::on(database.open().await).await;
        world.other_tenant("acme").await;
        for (path, allowed) in addresses {
            for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
                if allowed.split(", ").any(|known| known == method) {
                    continue;
                }
                println!("{method} {path}");
                let answer = world.send(request(method, path, &[], Vec::new())).await;
                assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{}", answer.body);
                assert_header(&answer, "allow", allowed);
                assert_header(&answer, "content-type", "application/problem+json");
                assert_eq!(
                    answer.body,
                    r#"{"type":"about:blank","title":"Method Not Allowed","status":405,"detail":"This address doesn't take this method."}"#
                );
                let page = world.send(request(method, path, &[HTML], Vec::new())).await;
                assert_header(&page, "allow", allowed);
                page.assert_page(405, "This page can’t be used this way");
            }
        }
    }
}

#[tokio::test]
async fn an_address_that_does_not_exist_is_told_in_the_caller_s_way() {
    let nothing =
        r#"{"type":"about:blank","title":"Not Found","status":404,"detail":"There is nothing at this address."}"#;
    let nobody = r#"{"type":"about:blank","title":"Not Found","status":404,"detail":"There is no such tenant."}"#;
    let no_page = "This page doesn’t exist";
    let no_tenant = "There is nobody at this address";
    let cases = [
        ("/nothing", nothing, no_page),
        ("/login/", nothing, no_page),
        ("/login/more", nothing, no_page),
        ("/LOGIN", nothing, no_page),
        ("//", nothing, no_page),
        ("//login", nothing, no_page),
        ("/authorize/", nothing, no_page),
        ("/token/x", nothing, no_page),
        ("/.well-known/", nothing, no_page),
        ("/.well-known/other", nothing, no_page),
        ("/.well-known/openid-configuration/", nothing, no_page),
        ("/health/other", nothing, no_page),
        ("/assets/", nothing, no_page),
        ("/%00", nothing, no_page),
        ("/%ff", nothing, no_page),
        ("/t", nothing, no_page),
        ("/t/", nothing, no_page),
        ("/t/acme/nothing", nothing, no_page),
        ("/t/acme/t/acme/login", nothing, no_page),
        ("/t/nobody", nobody, no_tenant),
        ("/t/nobody/login", nobody, no_tenant),
        ("/.well-known/openid-configuration/t/nobody", nobody, no_tenant),
    ];
    for database in databases().await {
        let world = World::on(database.open().await).await;
        world.other_tenant("acme").await;
        for (path, problem, page) in cases {
            println!("{path}");
            for accept in ["", "*/*", "application/json"] {
                for method in ["GET", "POST"] {
                    let answer = world.send(request(method, path, &[("accept", accept)], Vec::new())).await;
                    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (404, problem), "{method}");
                    assert_header(&answer, "content-type", "application/problem+json");
                    assert_header(&answer, "cache-control", "no-store");
                    assert_header(&answer, "x-content-type-options", "nosniff");
                    assert_no_cors(&answer);
                }
            }
            let answer = world.get(path, &[HTML]).await;
            answer.assert_page(404, page);
            let head = world.send(request("HEAD", path, &[], Vec::new())).await;
            assert_eq!(head.status, StatusCode::NOT_FOUND);
        }
    }
}

/// What is asked most goes a short way (`http/hot.rs`), but not by every method.
#[tokio::test]
async fn the_short_way_says_what_the_long_way_says() {
    let plain = |answer: &Answer| {
        let mut headers: Vec<_> = answer.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        // The bodies have them when they are sent.
        headers.retain(|(name, _)| name != "content-length");
        headers.sort_by(|one, other| one.0.as_str().cmp(other.0.as_str()));
        (answer.status, headers)
    };
    for database in databases().await {
        let world = World::furnished(&database).await;
        let acme = world.other_tenant("acme").await;
        world.user(&acme, "ada@example.com").await;
        world.client(&acme, "reports", |_| {}).await;
        for base in ["", "/t/acme"] {
            for path in DOCUMENTS {
                let path = format!("{base}{path}");
                let etag = world.get(&path, &[]).await.header("etag").unwrap().to_owned();
                for known in ["\"another\"", &etag] {
                    let headers = [("if-none-match", known), ("origin", "https://elsewhere.example")];
                    let short = world.get(&path, &headers).await;
                    let long = world.send(request("HEAD", &path, &headers, Vec::new())).await;
                    assert_eq!(plain(&short), plain(&long), "{path} {known}");
                    assert_eq!(short.body.is_empty(), known == etag, "{path} {known}");
                }
            }
            let code = Browser::new(&world, base).code("reports", "ada@example.com").await;
            let tokens = redeem(&world, base, "reports", &code).await.json();
            let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
            let path = format!("{base}/userinfo");
            for headers in [vec![("authorization", bearer.as_str())], vec![("authorization", "Bearer wrong")], vec![]] {
                let short = world.get(&path, &headers).await;
                let long = world.send(request("POST", &path, &headers, Vec::new())).await;
                assert_eq!((plain(&short), &short.body), (plain(&long), &long.body), "{path} {headers:?}");
            }
        }
        for path in ["/t/nobody/jwks", "/t/nobody/userinfo", "/t/default/jwks", "/.well-known/jwks.json/t/nobody"] {
            assert_eq!(world.get(path, &[]).await.status, StatusCode::NOT_FOUND, "{path}");
        }
    }
}
