//! Every route against the audit log: a refusal of somebody known leaves one line there, with who it was, and from where.

mod known;

use std::collections::BTreeSet;
use std::time::Duration;

use idp::domain::tenant::Tenant;
use poem::http::StatusCode;
use serde_json::{Value, json};

use super::account::{console, csrf};
use super::admin::{Api, SCOPES, operator, service_token};
use super::claims::tokens_for;
use super::refresh::OFFLINE;
use crate::support::database::TestDatabase;
use crate::support::databases;
use crate::support::routes::{self, Route};
use crate::support::world::{Answer, Browser, SECRET, World, basic, request};

/// Whom a route may refuse who is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refuses {
    /// Whoever has an access token that holds and isn't enough for the admin API.
    TokensOfTooLittle,
    /// Whoever has an access token that holds and isn't an app's.
    OtherTokens,
    /// Whoever is signed in and sends a form that isn't ours.
    OtherForms,
    /// Whom the tests in `known` name.
    Listed,
    /// Nobody: it says the same to all, or leads whoever may not to where they prove who they are.
    Nobody,
}

/// Where clients and people who are known are refused in ways of their own: the tests in `known` go over these.
const LISTED: [&str; 20] = [
    "POST /token",
    "POST /v1/auth/m2m/token",
    "POST /introspect",
    "POST /revoke",
    "GET /userinfo",
    "POST /userinfo",
    "GET /authorize",
    "POST /authorize",
    "GET /logout",
    "POST /logout",
    "POST /logout/confirm",
    "POST /login",
    "POST /signup",
    "POST /select-account",
    "POST /consent",
    "POST /v1/auth/register",
    "POST /v1/auth/signup",
    "POST /v1/auth/login",
    "POST /v1/auth/refresh",
    "POST /v1/auth/logout",
];

/// What says the same to everybody, or is for whoever watches Signet, who is nobody of a tenant's.
const NOBODY: [&str; 16] = [
    "GET /",
    "GET /login",
    "GET /signup",
    "GET /select-account",
    "GET /consent",
    "GET /logout/done",
    "GET /check-session",
    "GET /docs",
    "GET /brand.{file}",
    "GET /jwks",
    "GET /.well-known/jwks.json",
    "GET /.well-known/openid-configuration",
    "GET /.well-known/oauth-authorization-server",
    "GET /v1/auth/config",
    "GET /v1/auth/health",
    "GET /v1/auth/metrics",
];

/// Whom; `None` if nobody has thought about it yet.
fn refuses(route: &Route) -> Option<Refuses> {
    let is_console = route.path == "/account" || route.path.starts_with("/account/");
    match (route.scheme.as_deref(), route.method.as_str()) {
        (Some("bearer"), _) => Some(Refuses::TokensOfTooLittle),
        (Some("app"), _) => Some(Refuses::OtherTokens),
        (None, "POST") if is_console => Some(Refuses::OtherForms),
        // It leads whoever may not to where they sign in.
        (None, "GET") if is_console => Some(Refuses::Nobody),
        _ if LISTED.contains(&&*route.name()) => Some(Refuses::Listed),
        _ if NOBODY.contains(&&*route.name()) => Some(Refuses::Nobody),
        _ => None,
    }
}

fn that(refuse: Refuses) -> Vec<Route> {
    let found: Vec<_> = routes::all().into_iter().filter(|route| refuses(route) == Some(refuse)).collect();
    assert!(!found.is_empty(), "{refuse:?}");
    found
}

/// A world, and somebody who reads its audit log.
struct Watch<'w> {
    world: &'w World,
    tenant: Tenant,
    api: Api<'w>,
    /// The routes at which somebody was refused.
    seen: BTreeSet<String>,
}

impl<'w> Watch<'w> {
    async fn of(world: &'w World) -> Self {
        let tenant = world.tenant().await;
        let api = Api::new(world, &tenant).await;
        Self { world, tenant, api, seen: BTreeSet::new() }
    }

    /// What was refused in a moment of its own.
    async fn told(&self, ask: impl Future<Output = Answer>) -> (Answer, Vec<Value>) {
        self.world.pass(Duration::from_secs(1));
        let since = self.world.ctx.now().rfc3339();
        let answer = ask.await;
        let token = service_token(self.world, "", "operator", &SCOPES.join(" ")).await;
        let found = self.api.with(&token).get(&format!("/audit?outcome=refused&limit=200&since={since}")).await;
        assert_eq!(found.status, StatusCode::OK, "{}", found.body);
        (answer, found.json()["items"].as_array().unwrap().clone())
    }

    /// Fails unless the audit log tells of this refusal in one line: of what kind, of whom (`client`, and `person` where
    /// it is one), and what it says.
    async fn refused(
        &mut self,
        route: &str,
        ask: impl Future<Output = Answer>,
        whom: (&str, &str, &str),
        detail: &Value,
    ) {
        let (answer, lines) = self.told(ask).await;
        let [line] = &lines[..] else { panic!("{route}: {} leaves {lines:?}", answer.snapshot()) };
        let (kind, client, person) = whom;
        assert_eq!(line["kind"], kind, "{route}: {line}");
        assert_eq!(line["client_id"].as_str().unwrap_or_default(), client, "{route}: {line}");
        assert_eq!(line["user_id"].is_string(), person == "person", "{route}: {line}");
        assert_eq!(line["address"], "127.0.0.1", "{route}: {line}");
        assert_eq!(&line["detail"], detail, "{route}: {line}");
        self.seen.insert(route.to_owned());
    }

    /// Fails if the audit log tells of it.
    async fn not_told(&self, ask: impl Future<Output = Answer>) {
        let (answer, lines) = self.told(ask).await;
        assert_eq!(lines, [] as [Value; 0], "{}", answer.snapshot());
    }
}

async fn furnished(database: &TestDatabase) -> World {
    let world = World::furnished(database).await;
    let tenant = world.open_to_sign_ups(&world.tenant().await).await;
    world.user(&tenant, "grace@example.com").await;
    world.service(&tenant, "robot").await;
    world
}

async fn robot_token(world: &World) -> String {
    let form = "grant_type=client_credentials";
    let answer = world.post("/token", &[("authorization", &basic("robot", SECRET))], form).await;
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

async fn ask(world: &World, method: &str, path: &str, token: &str) -> Answer {
    world.send(request(method, path, &[("authorization", &format!("Bearer {token}"))], Vec::new())).await
}

async fn json_of(world: &World, path: &str, body: &Value) -> Answer {
    let headers = [("content-type", "application/json")];
    world.send(request("POST", path, &headers, body.to_string().into_bytes())).await
}

#[test]
fn of_every_route_it_is_said_whom_it_may_refuse() {
    let unknown: Vec<_> = routes::all().iter().filter(|route| refuses(route).is_none()).map(Route::name).collect();
    assert!(unknown.is_empty(), "say of these in `refuses` whom they may refuse who is known: {unknown:?}");
}

#[tokio::test]
async fn tokens_that_are_not_enough() {
    for database in databases().await {
        let world = furnished(&database).await;
        let mut watch = Watch::of(&world).await;
        operator(&world, &watch.tenant, "narrow", "admin:none").await;
        let narrow = service_token(&world, "", "narrow", "admin:none").await;
        let persons = tokens_for(&world, "", "reports", "ada@example.com", &[]).await;
        let persons = persons["access_token"].as_str().unwrap();
        let robots = robot_token(&world).await;
        for route in that(Refuses::TokensOfTooLittle) {
            let (answer, lines) = watch.told(ask(&world, &route.method, &route.at(), &narrow)).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}: {}", route.name(), answer.body);
            let [line] = &lines[..] else { panic!("{}: {lines:?}", route.name()) };
            assert_eq!((&line["kind"], &line["client_id"]), (&json!("access.refused"), &json!("narrow")), "{line}");
            assert!(line["detail"]["needs"].as_str().unwrap().starts_with("admin:"), "{line}");
        }
        let reason = json!({ "reason": "the access token isn't one of a session in an app of the tenant's own" });
        for route in that(Refuses::OtherTokens) {
            for (token, whom) in
                [(persons, ("access.refused", "reports", "person")), (&*robots, ("access.refused", "robot", "nobody"))]
            {
                watch.refused(&route.name(), ask(&world, &route.method, &route.at(), token), whom, &reason).await;
            }
            watch.not_told(ask(&world, &route.method, &route.at(), "nonsense")).await;
        }
        // Who may change clients hands on no more than they have.
        operator(&world, &watch.tenant, "clerk", "admin:clients:write").await;
        let clerk = watch.api.with(&service_token(&world, "", "clerk", "admin:clients:write").await);
        let new = json!({ "client_name": "New", "grant_types": ["client_credentials"], "scope": "admin:keys:write" });
        let reason = json!({ "reason": "nobody hands on more than they have" });
        let whom = ("access.refused", "clerk", "nobody");
        watch.refused("POST /v1/admin/clients", clerk.post("/clients", &new), whom, &reason).await;
        let change = json!({ "client_name": "Operator" });
        watch.refused("PATCH /v1/admin/clients", clerk.patch("/clients/operator", &change), whom, &reason).await;
        let (route, rotation) = ("POST /v1/admin/clients/{client_id}/secret", json!({}));
        watch.refused(route, clerk.post("/clients/operator/secret", &rotation), whom, &reason).await;
    }
}

#[tokio::test]
async fn forms_of_the_account_console_that_are_not_ours() {
    for database in databases().await {
        let world = furnished(&database).await;
        let mut watch = Watch::of(&world).await;
        let mut grace = console(&world, "", "grace@example.com").await;
        let theirs = csrf(&mut grace).await;
        let mut ada = console(&world, "", "ada@example.com").await;
        let reason = json!({
            "reason": "the form doesn't come from a page of the account console that was shown on this browser",
        });
        for route in that(Refuses::OtherForms) {
            for csrf in ["", "nonsense", &*theirs] {
                let whom = ("access.refused", "", "person");
                let form = [("csrf", csrf)];
                watch.refused(&route.name(), ada.post(&route.path, &form), whom, &reason).await;
            }
            let mut nobody = Browser::new(&world, "");
            watch.not_told(nobody.post(&route.path, &[("csrf", &theirs)])).await;
        }
        // A wrong password, and one too many.
        for attempt in 0..=10 {
            let token = csrf(&mut ada).await;
            let typed = [
                ("csrf", &*token),
                ("current", "wrong"),
                ("new", "a horse, a battery"),
                ("again", "a horse, a battery"),
            ];
            let reason = if attempt < 10 { "wrong_password" } else { "too_many_attempts" };
            let whom = ("user.password_changed", "", "person");
            let said = json!({ "reason": reason });
            watch.refused("POST /account/password", ada.post("/account/password", &typed), whom, &said).await;
        }
    }
}

/// A refresh token that comes back is told of once at the token endpoint, too.
#[tokio::test]
async fn a_theft_is_one_line() {
    for database in databases().await {
        let world = super::refresh::furnished(&database).await;
        let mut watch = Watch::of(&world).await;
        let first = tokens_for(&world, "", "reports", "ada@example.com", &[OFFLINE]).await;
        let again = async |token: &Value| {
            let form = [("refresh_token", token["refresh_token"].as_str().unwrap())];
            super::refresh::refresh_with(&world, "", "reports", &form).await
        };
        let second = again(&first).await.json();
        again(&second).await;
        world.pass(Duration::from_mins(1));
        let said = json!({ "reason": "the refresh token was used before; its grant was revoked" });
        let whom = ("token.refreshed", "reports", "person");
        watch.refused("POST /token", again(&first), whom, &said).await;
    }
}
