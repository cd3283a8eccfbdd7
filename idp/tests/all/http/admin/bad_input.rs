//! Bad input at the admin API, by table.

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::{SCOPES, operator, service_token};
use crate::http::bad_input::{Bad, JSON, NO_ID, PATCH, answers, bad, bodies, on_both};
use crate::support::database::TestDatabase;
use crate::support::world::{World, request};

/// A provider, and the token of a service that may do everything.
async fn administered(database: &TestDatabase) -> (World, String) {
    let world = World::furnished(database).await;
    let tenant = world.tenant().await;
    operator(&world, &tenant, "operator", &SCOPES.join(" ")).await;
    let bearer = format!("Bearer {}", service_token(&world, "", "operator", &SCOPES.join(" ")).await);
    (world, bearer)
}

#[tokio::test]
async fn sessions_at_the_admin_api() {
    let said = on_both(async |database| {
        let (world, bearer) = administered(database).await;
        let auth = [("authorization", bearer.as_str())];
        let ask = |what: &'static str, method: &'static str, path: &str| {
            bad(what, method, &format!("/v1/admin{path}"), &auth, "")
        };
        let all = [
            ask("no user", "GET", "/sessions?user_id=ada"),
            ask("a client that can't be", "GET", "/sessions?client_id=%0a"),
            ask("too few", "GET", "/sessions?limit=0"),
            ask("too many", "GET", "/sessions?limit=201"),
            ask("no number", "GET", "/sessions?limit=x"),
            ask("no cursor", "GET", "/sessions?cursor=x"),
            ask("a parameter twice", "GET", "/sessions?limit=1&limit=2"),
            ask("nobody's", "GET", &format!("/sessions/{NO_ID}")),
            ask("no id", "GET", "/sessions/x"),
            ask("nobody's", "DELETE", &format!("/sessions/{NO_ID}")),
            ask("no id", "DELETE", "/sessions/x"),
            ask("nobody", "DELETE", &format!("/users/{NO_ID}/sessions")),
            ask("no id", "DELETE", "/users/x/sessions"),
            ask("nobody's", "DELETE", "/clients/nobody/grants"),
            ask("no client_id", "DELETE", "/clients/%0a/grants"),
            ask("a wrong method", "GET", "/lock-down"),
            ask("a wrong method", "POST", "/sessions"),
        ];
        answers(&world, &all).await
    })
    .await;
    assert_snapshot!(said, @r##"
    GET /v1/admin/sessions?user_id=ada, no user
        {"title":"Not Found","status":404,"detail":"There is no such user."}
    GET /v1/admin/sessions?client_id=%0a, a client that can't be
        {"title":"Not Found","status":404,"detail":"There is no such client."}
    GET /v1/admin/sessions?limit=0, too few
        {"title":"Bad Request","status":400,"detail":"The parameter limit can't be that: see /docs for what it may be."}
    GET /v1/admin/sessions?limit=201, too many
        {"title":"Bad Request","status":400,"detail":"The parameter limit can't be that: see /docs for what it may be."}
    GET /v1/admin/sessions?limit=x, no number
        {"title":"Bad Request","status":400,"detail":"The parameter limit can't be that: see /docs for what it may be."}
    GET /v1/admin/sessions?cursor=x, no cursor
        {"title":"Bad Request","status":400,"detail":"cursor: must be the next_cursor of the part before."}
    GET /v1/admin/sessions?limit=1&limit=2, a parameter twice
        {"title":"Bad Request","status":400,"detail":"limit: was sent more than once; send it once."}
    GET /v1/admin/sessions/00000000-0000-7000-8000-000000000000, nobody's
        {"title":"Not Found","status":404,"detail":"There is no such session, or it has ended."}
    GET /v1/admin/sessions/x, no id
        {"title":"Not Found","status":404,"detail":"There is no such session, or it has ended."}
    DELETE /v1/admin/sessions/00000000-0000-7000-8000-000000000000, nobody's
        {"title":"Not Found","status":404,"detail":"There is no such session, or it has ended."}
    DELETE /v1/admin/sessions/x, no id
        {"title":"Not Found","status":404,"detail":"There is no such session, or it has ended."}
    DELETE /v1/admin/users/00000000-0000-7000-8000-000000000000/sessions, nobody
        {"title":"Not Found","status":404,"detail":"There is no user 00000000-0000-7000-8000-000000000000."}
    DELETE /v1/admin/users/x/sessions, no id
        {"title":"Not Found","status":404,"detail":"There is no such user."}
    DELETE /v1/admin/clients/nobody/grants, nobody's
        {"title":"Not Found","status":404,"detail":"There is no client nobody."}
    DELETE /v1/admin/clients/%0a/grants, no client_id
        {"title":"Not Found","status":404,"detail":"There is no such client."}
    GET /v1/admin/lock-down, a wrong method
        {"title":"Method Not Allowed","status":405,"detail":"This address doesn't take this method."}
    POST /v1/admin/sessions, a wrong method
        {"title":"Method Not Allowed","status":405,"detail":"This address doesn't take this method."}
    "##);
}

#[tokio::test]
async fn events_and_the_audit_log_at_the_admin_api() {
    let said = on_both(async |database| {
        let (world, bearer) = administered(database).await;
        let auth = [("authorization", bearer.as_str())];
        let ask = |what: &'static str, path: &str| bad(what, "GET", &format!("/v1/admin{path}"), &auth, "");
        let follow = |what: &'static str, id: &'static str| {
            let headers = [auth[0], ("accept", "text/event-stream"), ("last-event-id", id)];
            bad(what, "GET", "/v1/admin/events", &headers, "")
        };
        let all = [
            ask("too few", "/events?limit=0"),
            ask("too many", "/events?limit=201"),
            ask("no cursor", "/events?cursor=x"),
            ask("a cursor before all", "/events?cursor=99999999999999999999"),
            follow("no place", "x"),
            follow("nothing", ""),
            ask("too few", "/audit?limit=0"),
            ask("too many", "/audit?limit=201"),
            ask("no cursor", "/audit?cursor=x"),
            ask("half a cursor", "/audit?cursor=1.x"),
            ask("no kind", "/audit?kind=user"),
            ask("no outcome", "/audit?outcome=maybe"),
            ask("no user", "/audit?user_id=ada"),
            ask("no client", "/audit?client_id=%0a"),
            ask("no time", "/audit?since=yesterday"),
            ask("no month", "/audit?until=2030-13-01T00:00:00Z"),
            bad("a wrong method", "DELETE", "/v1/admin/audit", &auth, ""),
            bad("a wrong method", "POST", "/v1/admin/events", &auth, ""),
        ];
        answers(&world, &all).await
    })
    .await;
    assert_snapshot!(said, @r##"
    GET /v1/admin/events?limit=0, too few
        {"title":"Bad Request","status":400,"detail":"The parameter limit can't be that: see /docs for what it may be."}
    GET /v1/admin/events?limit=201, too many
        {"title":"Bad Request","status":400,"detail":"The parameter limit can't be that: see /docs for what it may be."}
    GET /v1/admin/events?cursor=x, no cursor
        {"title":"Bad Request","status":400,"detail":"cursor: must be the next_cursor of the part before."}
    GET /v1/admin/events?cursor=99999999999999999999, a cursor before all
        {"title":"Bad Request","status":400,"detail":"cursor: must be the next_cursor of the part before."}
    GET /v1/admin/events, no place
        {"title":"Bad Request","status":400,"detail":"Last-Event-ID must be the id of an event of this stream."}
    GET /v1/admin/events, nothing
        {"title":"Bad Request","status":400,"detail":"Last-Event-ID must be the id of an event of this stream."}
    GET /v1/admin/audit?limit=0, too few
        {"title":"Bad Request","status":400,"detail":"The parameter limit can't be that: see /docs for what it may be."}
    GET /v1/admin/audit?limit=201, too many
        {"title":"Bad Request","status":400,"detail":"The parameter limit can't be that: see /docs for what it may be."}
    GET /v1/admin/audit?cursor=x, no cursor
        {"title":"Bad Request","status":400,"detail":"cursor: must be the next_cursor of the part before."}
    GET /v1/admin/audit?cursor=1.x, half a cursor
        {"title":"Bad Request","status":400,"detail":"cursor: must be the next_cursor of the part before."}
    GET /v1/admin/audit?kind=user, no kind
        {"title":"Bad Request","status":400,"detail":"There is no kind \"user\"."}
    GET /v1/admin/audit?outcome=maybe, no outcome
        {"title":"Bad Request","status":400,"detail":"outcome: must be success, refused or failed."}
    GET /v1/admin/audit?user_id=ada, no user
        {"title":"Bad Request","status":400,"detail":"user_id: must be a UUID."}
    GET /v1/admin/audit?client_id=%0a, no client
        {"title":"Bad Request","status":400,"detail":"client_id: must be 1 to 128 visible ASCII characters."}
    GET /v1/admin/audit?since=yesterday, no time
        {"title":"Bad Request","status":400,"detail":"since: must be a time such as 2030-01-01T00:00:00Z."}
    GET /v1/admin/audit?until=2030-13-01T00:00:00Z, no month
        {"title":"Bad Request","status":400,"detail":"until: must be a time such as 2030-01-01T00:00:00Z."}
    DELETE /v1/admin/audit, a wrong method
        {"title":"Method Not Allowed","status":405,"detail":"This address doesn't take this method."}
    POST /v1/admin/events, a wrong method
        {"title":"Method Not Allowed","status":405,"detail":"This address doesn't take this method."}
    "##);
}

/// What can't be a webhook.
fn new_webhooks(auth: (&'static str, &str)) -> Vec<Bad> {
    let create =
        |what: &'static str, body: &Value| bad(what, "POST", "/v1/admin/webhooks", &[auth, JSON], &body.to_string());
    let url = |url: &str| json!({ "url": url });
    let with = |name: &str, value: Value| json!({ "url": "https://x.example", name: value });
    vec![
        create("no address", &json!({})),
        create("a secret of one's own", &with("secret", json!("mine"))),
        create("nonsense", &url("nonsense")),
        create("a private address", &url("https://192.168.0.1/hook")),
        create("a password", &url("https://user:pw@x.example")),
        create("no such event", &with("types", json!(["auth:user.exploded"]))),
        create("types that are a text", &with("types", json!("auth:user.login"))),
        create("a description of lines", &with("description", json!("a\nb"))),
        create("a long description", &with("description", json!("x".repeat(201)))),
    ]
}

/// What can't be looked at.
fn looks_at(here: &str) -> [(&'static str, &'static str, String); 5] {
    [
        ("too many", "GET", format!("{here}/deliveries?limit=201")),
        ("no cursor", "GET", format!("{here}/deliveries?cursor=x")),
        ("no cursor", "GET", "/v1/admin/webhooks?cursor=x".to_owned()),
        ("no id", "GET", "/v1/admin/webhooks/x".to_owned()),
        ("nobody's", "DELETE", format!("/v1/admin/webhooks/{NO_ID}")),
    ]
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one table and what it answers")]
async fn webhooks_at_the_admin_api() {
    let said = on_both(async |database| {
        let (world, bearer) = administered(database).await;
        let auth = ("authorization", bearer.as_str());
        let new = json!({ "url": "https://x.example/hook" }).to_string().into_bytes();
        let made = world.send(request("POST", "/v1/admin/webhooks", &[auth, JSON], new)).await.json();
        let hook = made["endpoint_id"].as_str().unwrap();
        let here = format!("/v1/admin/webhooks/{hook}");
        let change = |what: &'static str, body: &Value| bad(what, "PATCH", &here, &[auth, PATCH], &body.to_string());
        let post = |what: &'static str, rest: &str, body: &Value| {
            bad(what, "POST", &format!("{here}{rest}"), &[auth, JSON], &body.to_string())
        };
        let mut all = bodies("POST", "/v1/admin/webhooks", &[auth]);
        all.extend(new_webhooks(auth));
        all.extend([
            change("no such event", &json!({ "types": ["x"] })),
            change("no status", &json!({ "status": "broken" })),
            change("no address any more", &json!({ "url": null })),
            change("an unknown member", &json!({ "secret": "mine" })),
            bad("an old version", "PATCH", &here, &[auth, PATCH, ("if-match", "\"1\"")], r#"{"description":"x"}"#),
            post("too long a grace", "/secret", &json!({ "grace_seconds": 2_592_001 })),
            post("a grace that is a text", "/secret", &json!({ "grace_seconds": "1h" })),
            post("no id", "/replay", &json!({ "delivery_id": "x" })),
            post("nobody's", "/replay", &json!({ "delivery_id": NO_ID })),
            bad("a wrong method", "PUT", &here, &[auth, JSON], "{}"),
        ]);
        all.extend(looks_at(&here).iter().map(|(what, method, path)| bad(what, method, path, &[auth], "")));
        let said = answers(&world, &all).await;
        let after = world.get("/v1/admin/webhooks", &[auth]).await.json();
        assert_eq!(after["items"].as_array().unwrap().len(), 1, "{after}");
        assert_eq!(after["items"][0]["updated_at"], made["updated_at"]);
        said.replace(hook, "{endpoint_id}")
    })
    .await;
    assert_snapshot!(said, @r##"
    POST /v1/admin/webhooks, a form
        {"title":"Unsupported Media Type","status":415,"detail":"The body must be application/json."}
    POST /v1/admin/webhooks, no media type
        {"title":"Unsupported Media Type","status":415,"detail":"The body must be application/json."}
    POST /v1/admin/webhooks, no JSON
        {"title":"Bad Request","status":400,"detail":"The body isn't JSON: see line 2."}
    POST /v1/admin/webhooks, nothing
        {"title":"Bad Request","status":400,"detail":"The body isn't JSON: see line 1."}
    POST /v1/admin/webhooks, a list
        {"title":"Bad Request","status":400,"detail":"The body must be a JSON object."}
    POST /v1/admin/webhooks, a member twice
        {"title":"Bad Request","status":400,"detail":"The body has a member twice: see line 2."}
    POST /v1/admin/webhooks, a member twice within
        {"title":"Bad Request","status":400,"detail":"The body has a member twice: see line 1."}
    POST /v1/admin/webhooks, an unknown member
        {"title":"Bad Request","status":400,"detail":"nonsense: there is no such member; there are: url, description, types."}
    POST /v1/admin/webhooks, a NUL
        {"title":"Bad Request","status":400,"detail":"The body has a NUL character in it, which no text may have."}
    POST /v1/admin/webhooks, more than 64 KiB
        {"title":"Payload Too Large","status":413,"detail":"The body is larger than 64 KiB."}
    POST /v1/admin/webhooks, no address
        {"title":"Bad Request","status":400,"detail":"url: is missing, and must be there."}
    POST /v1/admin/webhooks, a secret of one's own
        {"title":"Bad Request","status":400,"detail":"secret: there is no such member; there are: url, description, types."}
    POST /v1/admin/webhooks, nonsense
        {"title":"Unprocessable Entity","status":422,"detail":"url: the address must be an https URL with a host and without user name, of at most 2,048 characters."}
    POST /v1/admin/webhooks, a private address
        {"title":"Unprocessable Entity","status":422,"detail":"url: the address leads into a network that isn't public; the operator can allow it in outbound.allowed_networks."}
    POST /v1/admin/webhooks, a password
        {"title":"Unprocessable Entity","status":422,"detail":"url: the address must be an https URL with a host and without user name, of at most 2,048 characters."}
    POST /v1/admin/webhooks, no such event
        {"title":"Unprocessable Entity","status":422,"detail":"types: there is no event \"auth:user.exploded\"."}
    POST /v1/admin/webhooks, types that are a text
        {"title":"Bad Request","status":400,"detail":"types: must be a list, not a text."}
    POST /v1/admin/webhooks, a description of lines
        {"title":"Unprocessable Entity","status":422,"detail":"description: must have at most 200 characters, in one line."}
    POST /v1/admin/webhooks, a long description
        {"title":"Unprocessable Entity","status":422,"detail":"description: must have at most 200 characters, in one line."}
    PATCH /v1/admin/webhooks/{endpoint_id}, no such event
        {"title":"Unprocessable Entity","status":422,"detail":"types: there is no event \"x\"."}
    PATCH /v1/admin/webhooks/{endpoint_id}, no status
        {"title":"Bad Request","status":400,"detail":"status: must be one of \"active\", \"disabled\", not \"broken\"."}
    PATCH /v1/admin/webhooks/{endpoint_id}, no address any more
        {"title":"Unprocessable Entity","status":422,"detail":"url: a webhook must have one."}
    PATCH /v1/admin/webhooks/{endpoint_id}, an unknown member
        {"title":"Bad Request","status":400,"detail":"secret: there is no such member; there are: url, description, types, status."}
    PATCH /v1/admin/webhooks/{endpoint_id}, an old version
        {"title":"Precondition Failed","status":412,"detail":"The webhook was changed since you read it; read it again, and see whether your change still holds."}
    POST /v1/admin/webhooks/{endpoint_id}/secret, too long a grace
        {"title":"Unprocessable Entity","status":422,"detail":"grace_seconds: at most 30 days."}
    POST /v1/admin/webhooks/{endpoint_id}/secret, a grace that is a text
        {"title":"Bad Request","status":400,"detail":"grace_seconds: must be a whole number from 0 to 4294967295, not a text."}
    POST /v1/admin/webhooks/{endpoint_id}/replay, no id
        {"title":"Bad Request","status":400,"detail":"delivery_id: must be the id of a message."}
    POST /v1/admin/webhooks/{endpoint_id}/replay, nobody's
        {"title":"Not Found","status":404,"detail":"There is no message 00000000-0000-7000-8000-000000000000 that was given up."}
    PUT /v1/admin/webhooks/{endpoint_id}, a wrong method
        {"title":"Method Not Allowed","status":405,"detail":"This address doesn't take this method."}
    GET /v1/admin/webhooks/{endpoint_id}/deliveries?limit=201, too many
        {"title":"Bad Request","status":400,"detail":"The parameter limit can't be that: see /docs for what it may be."}
    GET /v1/admin/webhooks/{endpoint_id}/deliveries?cursor=x, no cursor
        {"title":"Bad Request","status":400,"detail":"cursor: must be the next_cursor of the part before."}
    GET /v1/admin/webhooks?cursor=x, no cursor
        {"title":"Bad Request","status":400,"detail":"cursor: must be the next_cursor of the part before."}
    GET /v1/admin/webhooks/x, no id
        {"title":"Not Found","status":404,"detail":"There is no webhook x."}
    DELETE /v1/admin/webhooks/00000000-0000-7000-8000-000000000000, nobody's
        {"title":"Not Found","status":404,"detail":"There is no webhook 00000000-0000-7000-8000-000000000000."}
    "##);
}
