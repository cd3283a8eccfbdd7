//! `/v1/admin/users`.

use idp::domain::audit::AuditKind;
use idp::store::{self, audit::AuditFilter};
use poem::http::StatusCode;
use serde_json::{Value, json};

use super::super::code_flow::redeem;
use super::Api;
use crate::support::databases;
use crate::support::world::{Browser, PASSWORD, World};

/// The answer without what differs from run to run.
fn settled(mut answer: Value) -> Value {
    for name in ["user_id", "reference"] {
        if let Some(member) = answer.get_mut(name) {
            *member = "…".into();
        }
    }
    answer
}

#[tokio::test]
async fn a_user_is_made_shown_found_and_deleted() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let api = Api::new(&world, &world.tenant().await).await;
        let body = json!({ "email": "grace@example.com", "email_verified": true, "username": "grace", "roles": ["b", "a"],
            "profile": { "name": "Grace Hopper", "address": { "country": "US" }, "phone_number": "+12025550100" },
            "password": PASSWORD });
        let made = api.post("/users", &body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
        assert_eq!(made.header("cache-control"), Some("no-store"));
        let shown = settled(made.json());
        insta::allow_duplicates! {
            insta::assert_json_snapshot!(shown, @r#"
            {
              "user_id": "…",
              "status": "active",
              "email": "grace@example.com",
              "email_verified": true,
              "username": "grace",
              "roles": [
                "a",
                "b"
              ],
              "profile": {
                "name": "Grace Hopper",
                "phone_number": "+12025550100",
                "address": {
                  "country": "US"
                }
              },
              "created_at": "2030-01-01T00:00:00Z",
              "updated_at": "2030-01-01T00:00:00Z"
            }
            "#);
        }
        let id = made.json()["user_id"].as_str().unwrap().to_owned();
        assert_eq!(made.header("location"), Some(&*format!("/v1/admin/users/{id}")));
        let path = format!("/users/{id}");
        let shown = api.get(&path).await;
        assert_eq!((shown.json(), shown.header("etag")), (made.json(), made.header("etag")));
        for query in
            ["email=GRACE@example.com", "username=grace", "search=gr", "search=grace@", "status=active&search=grace"]
        {
            let found = api.get(&format!("/users?{query}")).await.json();
            assert_eq!(found, json!({ "items": [made.json()] }), "{query}");
        }
        for query in
            ["email=grace", "username=g", "search=race", "search=%25", "search=_race", "search=%00", "status=locked"]
        {
            assert_eq!(api.get(&format!("/users?{query}")).await.json(), json!({ "items": [] }), "{query}");
        }
        let mut browser = Browser::new(&world, "");
        browser.code("reports", "grace@example.com").await;

        assert_eq!(api.delete(&path).await.snapshot(), "204 ");
        assert_eq!(api.delete(&path).await.status, StatusCode::NOT_FOUND);
        let shown = settled(api.get("/users/nonsense").await.json());
        insta::allow_duplicates! {
            insta::assert_json_snapshot!(shown, @r#"
            {
              "type": "about:blank",
              "title": "Not Found",
              "status": 404,
              "detail": "There is no such user."
            }
            "#);
        }
        assert_eq!(api.get(&path).await.status, StatusCode::NOT_FOUND);
        assert_eq!(api.get("/users?email=grace@example.com").await.json(), json!({ "items": [] }));
    }
}

#[tokio::test]
async fn a_list_is_read_part_by_part() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        let api = Api::new(&world, &tenant).await;
        for number in 0..5 {
            world.user(&tenant, &format!("u{number}@example.com")).await;
            world.pass(std::time::Duration::from_millis(2));
        }
        let mut seen = Vec::new();
        let mut cursor = String::new();
        for expected in [2, 2, 1] {
            let part = api.get(&format!("/users?limit=2{cursor}")).await.json();
            let items = part["items"].as_array().unwrap();
            assert_eq!(items.len(), expected);
            seen.extend(items.iter().map(|user| user["email"].as_str().unwrap().to_owned()));
            cursor = part["next_cursor"].as_str().map(|next| format!("&cursor={next}")).unwrap_or_default();
        }
        assert_eq!(cursor, "");
        assert_eq!(seen, ["u0@example.com", "u1@example.com", "u2@example.com", "u3@example.com", "u4@example.com"]);
        for (query, says) in [
            ("limit=0", "limit"),
            ("limit=201", "limit"),
            ("limit=x", "limit"),
            ("limit=99999999999999", "limit"),
            ("cursor=x", "cursor"),
            ("status=sleeping", "status"),
        ] {
            let answer = api.get(&format!("/users?{query}")).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
            assert!(answer.json()["detail"].as_str().unwrap().contains(says), "{query}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn a_patch_changes_what_it_names() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let api = Api::new(&world, &tenant).await;
        let id = api.get("/users?email=ada@example.com").await.json()["items"][0]["user_id"].clone();
        let path = format!("/users/{}", id.as_str().unwrap());
        let before = api.get(&path).await;
        let change = json!({ "username": "ada", "roles": ["admin"], "profile": { "name": null, "nickname": "A",
            "address": { "locality": "London", "country": "GB" }, "birthdate": "1815-12-10" } });
        let changed = api.patch_if(&path, before.header("etag").unwrap(), &change).await;
        assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
        let shown = settled(changed.json());
        insta::allow_duplicates! {
            insta::assert_json_snapshot!(shown, @r#"
            {
              "user_id": "…",
              "status": "active",
              "email": "ada@example.com",
              "email_verified": true,
              "username": "ada",
              "roles": [
                "admin"
              ],
              "profile": {
                "nickname": "A",
                "birthdate": "1815-12-10",
                "address": {
                  "locality": "London",
                  "country": "GB"
                }
              },
              "created_at": "2030-01-01T00:00:00Z",
              "updated_at": "2030-01-01T00:00:00Z"
            }
            "#);
        }
        assert_ne!(changed.header("etag"), before.header("etag"));
        let stale = api.patch_if(&path, before.header("etag").unwrap(), &json!({ "username": "other" })).await;
        let shown = settled(stale.json());
        insta::allow_duplicates! {
            insta::assert_json_snapshot!(shown, @r#"
            {
              "type": "about:blank",
              "title": "Precondition Failed",
              "status": 412,
              "detail": "The user was changed since you read it; read it again, and see whether your change still holds."
            }
            "#);
        }
        for weak in ["*", &format!("\"x\", {}", changed.header("etag").unwrap())] {
            assert_eq!(api.patch_if(&path, weak, &json!({})).await.status, StatusCode::OK, "{weak}");
        }
        let weak = format!("W/{}", changed.header("etag").unwrap());
        assert_eq!(api.patch_if(&path, &weak, &json!({})).await.status, StatusCode::PRECONDITION_FAILED);
        assert_eq!(api.patch(&path, &json!({})).await.json(), changed.json(), "nothing to change");
        world.pass(std::time::Duration::from_millis(1));
        let taken = api.patch(&path, &json!({ "email": null, "profile": { "address": null } })).await.json();
        assert_eq!((taken.get("email"), taken["email_verified"].as_bool()), (None, Some(false)));
        assert!(taken["profile"].get("address").is_none());

        let db = world.ctx.database.read();
        let filter = AuditFilter { kind: Some(AuditKind::UserChanged), ..AuditFilter::default() };
        let events = store::audit::list(db, tenant.id, &filter, None, 10).await.unwrap();
        assert_eq!(events.len(), 2, "what changes nothing says nothing");
        assert_eq!(events[1].actor.as_deref(), Some("client:operator"));
        assert_eq!(events[1].address.as_deref(), Some("127.0.0.1"));
        assert_eq!(
            events[1].detail,
            json!({ "changed": ["address", "birthdate", "name", "nickname", "roles", "username"],
                "roles_before": ["AGENT"], "roles": ["admin"] })
        );
    }
}

#[tokio::test]
async fn every_bad_body_says_which_member_is_at_fault() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let api = Api::new(&world, &tenant).await;
        world.person(&tenant, "bob@example.com", |new| new.username = Some("bob".parse().unwrap())).await;
        let ada = api.get("/users?email=ada@example.com").await.json()["items"][0].clone();
        let path = format!("/users/{}", ada["user_id"].as_str().unwrap());
        for (body, status, says) in [
            (json!({ "emial": "x@example.com" }), 400, "emial: there is no such member; did you mean email?"),
            (json!({ "email": 5 }), 400, "email: must be a text, not a number"),
            (
                json!({ "profile": { "adress": {} } }),
                400,
                "profile.adress: there is no such member; did you mean address?",
            ),
            (json!({ "profile": { "name": "a\u{0}b" } }), 400, "NUL"),
            (json!({ "user_id": "00000000-0000-7000-8000-000000000000" }), 400, "user_id: there is no such member; "),
            (json!([]), 400, "must be a JSON object"),
            (json!({ "email": "not an address" }), 422, "email: an e-mail address looks like"),
            (json!({ "username": "a@b" }), 422, "username: a user name has"),
            (json!({ "roles": ["two words"] }), 422, "A role has"),
            (json!({ "profile": { "website": "javascript:x" } }), 422, "profile.website: expected a web address"),
            (json!({ "profile": { "birthdate": "yesterday" } }), 422, "profile.birthdate: expected"),
            (json!({ "email": "BOB@example.com" }), 409, "this e-mail address already"),
            (json!({ "username": "Bob" }), 409, "this user name already"),
        ] {
            for (method, path) in [("POST", "/users"), ("PATCH", &path)] {
                let mut body = body.clone();
                if method == "POST" && status != 400 && body.get("email").is_none() {
                    body["email"] = "new@example.com".into();
                }
                let answer = api.call(method, path, &body).await;
                assert_eq!(answer.status.as_u16(), status, "{method} {body}: {}", answer.body);
                assert!(answer.json()["detail"].as_str().unwrap().contains(says), "{method} {body}: {}", answer.body);
            }
        }
        let nameless = api.patch(&path, &json!({ "email": null })).await;
        assert_eq!(nameless.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", nameless.body);
        for (media_type, body, status) in [
            ("text/plain", "{}".to_owned(), 415),
            ("application/x-www-form-urlencoded", "email=x".to_owned(), 415),
            ("application/json", "{".to_owned(), 400),
            ("application/json", format!("{}1{}", "[".repeat(1000), "]".repeat(1000)), 400),
            ("application/json", format!(r#"{{"email":"{}"}}"#, "x".repeat(70_000)), 413),
        ] {
            for (method, path) in [("POST", "/users"), ("PATCH", &path)] {
                let answer = api.send(method, path, &[("content-type", media_type)], body.clone().into_bytes()).await;
                assert_eq!(answer.status.as_u16(), status, "{method} {media_type}: {}", answer.body);
                assert_eq!(answer.header("content-type"), Some("application/problem+json"));
            }
        }
        let made =
            api.send("POST", "/users", &[("content-type", "application/merge-patch+json")], b"{}".to_vec()).await;
        assert_eq!(made.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "a patch makes nothing");
        assert_eq!(api.get(&path).await.json(), ada, "nothing was changed");
    }
}

#[tokio::test]
async fn switched_off_or_given_a_password_a_user_is_out() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let api = Api::new(&world, &world.tenant().await).await;
        let id = api.get("/users?email=ada@example.com").await.json()["items"][0]["user_id"].clone();
        let path = format!("/users/{}", id.as_str().unwrap());
        for (way, status) in [("disable", "disabled"), ("lock", "locked")] {
            let code = Browser::new(&world, "").code("reports", "ada@example.com").await;
            let tokens = redeem(&world, "", "reports", &code).await.json();
            let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
            assert_eq!(world.get("/userinfo", &[("authorization", &bearer)]).await.status, StatusCode::OK);
            let switched = api.send("POST", &format!("{path}/{way}"), &[], Vec::new()).await;
            assert_eq!(switched.json()["status"], status);
            assert_eq!(world.get("/userinfo", &[("authorization", &bearer)]).await.status, StatusCode::UNAUTHORIZED);
            let on = api.send("POST", &format!("{path}/enable"), &[], Vec::new()).await;
            assert_eq!(on.json()["status"], "active");
            assert_ne!(on.header("etag"), switched.header("etag"));
            assert_eq!(world.get("/userinfo", &[("authorization", &bearer)]).await.status, StatusCode::UNAUTHORIZED);
        }
        let password = format!("{path}/password");
        for (body, status) in [
            (json!({}), 400),
            (json!({ "password": "short" }), 422),
            (json!({ "password": "password1" }), 422),
            (json!({ "password": "x", "other": 1 }), 400),
            (json!({ "password": "another horse, another battery" }), 204),
        ] {
            let answer = api.call("PUT", &password, &body).await;
            assert_eq!(answer.status.as_u16(), status, "{body}: {}", answer.body);
            assert!(!answer.body.contains("horse"));
        }
        let mut browser = Browser::new(&world, "");
        let start = browser.authorize("reports", &[]).await;
        browser.sign_in(&start, "ada@example.com", "another horse, another battery").await.assert_code();
    }
}

#[tokio::test]
async fn other_methods_are_named() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let api = Api::new(&world, &world.tenant().await).await;
        for operation in super::operations() {
            let path = operation.at("x", "x", "x");
            let answer = api.send("TRACE", &path, &[], Vec::new()).await;
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
            let allow = answer.header("allow").unwrap();
            assert!(allow.split(", ").any(|method| method == operation.method), "{path}: {allow}");
        }
        assert_eq!(api.get("/nothing").await.status, StatusCode::NOT_FOUND);
        assert_eq!(world.get("/v1/admin", &[]).await.status, StatusCode::NOT_FOUND);
    }
}
