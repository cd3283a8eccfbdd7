//! Bad input at the JSON APIs, by table: each answer whole, the same on both databases, and nothing is changed by it.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::database::TestDatabase;
use crate::support::databases;
use crate::support::world::{PASSWORD, World, request};

pub(super) const JSON: (&str, &str) = ("content-type", "application/json");
pub(super) const PATCH: (&str, &str) = ("content-type", "application/merge-patch+json");
pub(super) const NO_ID: &str = "00000000-0000-7000-8000-000000000000";

/// What is sent: what is wrong with it, method, address, headers, body.
pub(super) type Bad = (&'static str, &'static str, String, Vec<(&'static str, String)>, Vec<u8>);

pub(super) fn bad(
    what: &'static str,
    method: &'static str,
    path: &str,
    headers: &[(&'static str, &str)],
    body: &str,
) -> Bad {
    let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    (what, method, path.to_owned(), headers, body.as_bytes().to_vec())
}

/// The answers, a line each.
pub(super) async fn answers(world: &World, all: &[Bad]) -> String {
    let mut lines = Vec::new();
    for (what, method, path, headers, body) in all {
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = world.send(request(method, path, &headers, body.clone())).await;
        assert!(answer.status.is_client_error(), "{what}: {}", answer.body);
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{what}");
        // What most problems begin with tells nothing.
        let body = answer.body.replace(r#""type":"about:blank","#, "");
        lines.push(format!("{method} {path}, {what}\n    {body}"));
    }
    lines.join("\n")
}

/// What is wrong with a body anywhere.
pub(super) fn bodies(method: &'static str, path: &str, headers: &[(&'static str, &str)]) -> Vec<Bad> {
    let with = |extra: &[(&'static str, &'static str)]| {
        let mut all: Vec<(&'static str, &str)> = headers.to_vec();
        all.extend_from_slice(extra);
        all
    };
    let large = format!(r#"{{"x":"{}"}}"#, "x".repeat(66_000));
    vec![
        bad("a form", method, path, &with(&[("content-type", "application/x-www-form-urlencoded")]), "email=a"),
        bad("no media type", method, path, &with(&[]), "{}"),
        bad("no JSON", method, path, &with(&[JSON]), "{\n nonsense"),
        bad("nothing", method, path, &with(&[JSON]), ""),
        bad("a list", method, path, &with(&[JSON]), "[]"),
        bad(
            "a member twice",
            method,
            path,
            &with(&[JSON]),
            "{\"email\":\"q@example.com\",\n\"email\":\"r@example.com\"}",
        ),
        bad("a member twice within", method, path, &with(&[JSON]), r#"{"x":[{"y":1,"y":1}]}"#),
        bad("an unknown member", method, path, &with(&[JSON]), r#"{"nonsense":1}"#),
        bad("a NUL", method, path, &with(&[JSON]), r#"{"email":"a\u0000b"}"#),
        bad("more than 64 KiB", method, path, &with(&[JSON]), &large),
    ]
}

/// Snapshots are of one database's answers; the other's are the same.
pub(super) async fn on_both<F: AsyncFn(&TestDatabase) -> String>(run: F) -> String {
    let [sqlite, postgres] = <[TestDatabase; 2]>::try_from(databases().await).unwrap();
    let (first, second) = (run(&sqlite).await, run(&postgres).await);
    assert_eq!(first, second, "SQLite, and PostgreSQL");
    first
}

#[tokio::test]
async fn bodies_of_the_first_party_api() {
    let said = on_both(async |database| {
        let world = World::furnished(database).await;
        world.open_to_sign_ups(&world.tenant().await).await;
        let mut all = bodies("POST", "/v1/auth/login", &[]);
        let post = |what: &'static str, path: &str, body: &Value| {
            bad(what, "POST", &format!("/v1/auth/{path}"), &[JSON], &body.to_string())
        };
        let new = |email: &str, password: &str| json!({ "email": email, "password": password });
        all.extend([
            post("no password", "login", &json!({ "email": "ada@example.com" })),
            post("a number", "login", &json!({ "email": 1, "password": "x" })),
            post("an app of nobody's", "login", &json!({ "email": "a", "password": "x", "client_id": "nobody" })),
            post("a client that is no app", "login", &json!({ "email": "a", "password": "x", "client_id": "reports" })),
            post("no client_id", "login", &json!({ "email": "a", "password": "x", "client_id": "\n" })),
            post("a wrong password", "login", &new("ada@example.com", "wrong")),
            post("nobody", "login", &new("nobody@example.com", PASSWORD)),
            post("no address", "register", &new("grace", PASSWORD)),
            post("a short password", "register", &new("grace@example.com", "short")),
            post("nothing typed", "register", &new("", "")),
            post(
                "a name of lines",
                "signup",
                &json!({ "email": "g@example.com", "password": PASSWORD, "name": "a\nb" }),
            ),
            post("a taken address", "signup", &new("ada@example.com", PASSWORD)),
            post("no token", "refresh", &json!({})),
            post("a token that was made up", "refresh", &json!({ "refresh_token": "made up" })),
            post("a number", "refresh", &json!({ "refresh_token": 1 })),
            post("nothing to end", "logout", &json!({})),
        ]);
        answers(&world, &all).await
    })
    .await;
    assert_snapshot!(said, @r##"
    POST /v1/auth/login, a form
        {"title":"Unsupported Media Type","status":415,"detail":"The body must be application/json."}
    POST /v1/auth/login, no media type
        {"title":"Unsupported Media Type","status":415,"detail":"The body must be application/json."}
    POST /v1/auth/login, no JSON
        {"title":"Bad Request","status":400,"detail":"The body isn't JSON: see line 2."}
    POST /v1/auth/login, nothing
        {"title":"Bad Request","status":400,"detail":"The body isn't JSON: see line 1."}
    POST /v1/auth/login, a list
        {"title":"Bad Request","status":400,"detail":"The body must be a JSON object."}
    POST /v1/auth/login, a member twice
        {"title":"Bad Request","status":400,"detail":"The body has a member twice: see line 2."}
    POST /v1/auth/login, a member twice within
        {"title":"Bad Request","status":400,"detail":"The body has a member twice: see line 1."}
    POST /v1/auth/login, an unknown member
        {"title":"Bad Request","status":400,"detail":"nonsense: there is no such member; there are: email, password, client_id, cookie."}
    POST /v1/auth/login, a NUL
        {"title":"Bad Request","status":400,"detail":"The body has a NUL character in it, which no text may have."}
    POST /v1/auth/login, more than 64 KiB
        {"title":"Payload Too Large","status":413,"detail":"The body is larger than 64 KiB."}
    POST /v1/auth/login, no password
        {"title":"Bad Request","status":400,"detail":"password: is missing, and must be there."}
    POST /v1/auth/login, a number
        {"title":"Bad Request","status":400,"detail":"email: must be a text, not a number."}
    POST /v1/auth/login, an app of nobody's
        {"title":"Bad Request","status":400,"detail":"client_id names none of the tenant's own apps: public clients with consent implied and refresh tokens."}
    POST /v1/auth/login, a client that is no app
        {"title":"Bad Request","status":400,"detail":"client_id names none of the tenant's own apps: public clients with consent implied and refresh tokens."}
    POST /v1/auth/login, no client_id
        {"title":"Bad Request","status":400,"detail":"client_id names none of the tenant's own apps: public clients with consent implied and refresh tokens."}
    POST /v1/auth/login, a wrong password
        {"title":"Unauthorized","status":401,"detail":"The e-mail address, user name or password isn't right."}
    POST /v1/auth/login, nobody
        {"title":"Unauthorized","status":401,"detail":"The e-mail address, user name or password isn't right."}
    POST /v1/auth/register, no address
        {"title":"Unprocessable Entity","status":422,"detail":"email: an e-mail address looks like name@example.com and has at most 254 characters."}
    POST /v1/auth/register, a short password
        {"title":"Unprocessable Entity","status":422,"detail":"password: a password has at least 8 characters."}
    POST /v1/auth/register, nothing typed
        {"title":"Unprocessable Entity","status":422,"detail":"email: an e-mail address is needed; password: a password is needed."}
    POST /v1/auth/signup, a name of lines
        {"title":"Unprocessable Entity","status":422,"detail":"name: a name has 1 to 255 characters, none of them a control character."}
    POST /v1/auth/signup, a taken address
        {"title":"Conflict","status":409,"detail":"No account can be made with this e-mail address."}
    POST /v1/auth/refresh, no token
        {"title":"Bad Request","status":400,"detail":"A refresh token is needed, as refresh_token or as a cookie."}
    POST /v1/auth/refresh, a token that was made up
        {"title":"Unauthorized","status":401,"detail":"The refresh token is unknown, has expired, was used before or revoked, or belongs to another client."}
    POST /v1/auth/refresh, a number
        {"title":"Bad Request","status":400,"detail":"refresh_token: must be a text, not a number."}
    POST /v1/auth/logout, nothing to end
        {"title":"Unauthorized","status":401,"detail":"An access token or a refresh token is needed."}
    "##);
}

#[tokio::test]
async fn tokens_and_addresses_of_the_first_party_api() {
    let said = on_both(async |database| {
        let world = World::furnished(database).await;
        let body = json!({ "email": "ada@example.com", "password": PASSWORD }).to_string();
        let signed_in = world.send(request("POST", "/v1/auth/login", &[JSON], body.into_bytes())).await.json();
        let bearer = format!("Bearer {}", signed_in["token"].as_str().unwrap());
        let me = "/v1/auth/me";
        let mut all = vec![
            bad("no token", "GET", me, &[], ""),
            bad("another scheme", "GET", me, &[("authorization", "Basic YTpi")], ""),
            bad("an empty token", "GET", me, &[("authorization", "Bearer ")], ""),
            bad("nonsense", "GET", me, &[("authorization", "Bearer nonsense")], ""),
            bad("two tokens", "GET", me, &[("authorization", "Bearer a"), ("authorization", "Bearer b")], ""),
            bad("a token in the address", "GET", "/v1/auth/me?access_token=x", &[], ""),
            bad("no token", "POST", "/v1/auth/activity", &[], ""),
            bad("a wrong method", "GET", "/v1/auth/login", &[], ""),
            bad("a wrong method", "POST", me, &[JSON], "{}"),
            bad("no such address", "GET", "/v1/auth/nonsense", &[], ""),
            bad("no such tenant", "GET", "/t/nowhere/v1/auth/config", &[], ""),
        ];
        for id in ["nonsense", NO_ID, "%00", "all/more"] {
            let path = format!("/v1/auth/sessions/{id}");
            all.push(bad("a session of nobody's", "DELETE", &path, &[("authorization", &bearer)], ""));
        }
        let said = answers(&world, &all).await;
        let still = world.get(me, &[("authorization", &bearer)]).await;
        assert_eq!(still.status.as_u16(), 200, "{}", still.body);
        said
    })
    .await;
    assert_snapshot!(said, @r##"
    GET /v1/auth/me, no token
        {"title":"Unauthorized","status":401,"detail":"An access token is needed: Authorization: Bearer TOKEN."}
    GET /v1/auth/me, another scheme
        {"title":"Unauthorized","status":401,"detail":"An access token is needed: Authorization: Bearer TOKEN."}
    GET /v1/auth/me, an empty token
        {"title":"Unauthorized","status":401,"detail":"An access token is needed: Authorization: Bearer TOKEN."}
    GET /v1/auth/me, nonsense
        {"title":"Unauthorized","status":401,"detail":"The access token is invalid, expired or revoked, or isn't one of an app of the tenant's own."}
    GET /v1/auth/me, two tokens
        {"title":"Bad Request","status":400,"detail":"There is more than one Authorization header."}
    GET /v1/auth/me?access_token=x, a token in the address
        {"title":"Unauthorized","status":401,"detail":"An access token is needed: Authorization: Bearer TOKEN."}
    POST /v1/auth/activity, no token
        {"title":"Unauthorized","status":401,"detail":"An access token is needed: Authorization: Bearer TOKEN."}
    GET /v1/auth/login, a wrong method
        {"title":"Method Not Allowed","status":405,"detail":"This address doesn't take this method."}
    POST /v1/auth/me, a wrong method
        {"title":"Method Not Allowed","status":405,"detail":"This address doesn't take this method."}
    GET /v1/auth/nonsense, no such address
        {"title":"Not Found","status":404,"detail":"There is nothing at this address."}
    GET /t/nowhere/v1/auth/config, no such tenant
        {"title":"Not Found","status":404,"detail":"There is no such tenant."}
    DELETE /v1/auth/sessions/nonsense, a session of nobody's
        {"title":"Not Found","status":404,"detail":"There is no such session."}
    DELETE /v1/auth/sessions/00000000-0000-7000-8000-000000000000, a session of nobody's
        {"title":"Not Found","status":404,"detail":"There is no such session."}
    DELETE /v1/auth/sessions/%00, a session of nobody's
        {"title":"Not Found","status":404,"detail":"There is no such session."}
    DELETE /v1/auth/sessions/all/more, a session of nobody's
        {"title":"Not Found","status":404,"detail":"There is nothing at this address."}
    "##);
}
