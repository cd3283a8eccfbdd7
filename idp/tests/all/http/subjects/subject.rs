//! Somebody, and all that was ever given in their name.

use idp::domain::client::{
    ClientAuthMethod, ClientMetadata, ClientProfile, ConsentPolicy, GrantType, RefreshTokenPolicy,
};
use idp::domain::tenant::Tenant;
use idp::domain::user::User;
use idp::http::account::{ADDRESSES, Access};
use poem::http::StatusCode;
use serde_json::{Value, json};

use super::usage::{Operation, Usage};
use super::{BASE, WATCHER};
use crate::http::admin::{SCOPES, operations, service_token};
use crate::http::code_flow::redeem;
use crate::http::introspect::introspect;
use crate::support::world::{Answer, Browser, PASSWORD, SECRET, World, basic, encode, request};

/// An id that nothing has.
const NO_ID: &str = "00000000-0000-7000-8000-000000000000";

/// Somebody with clients of their own, and what these have got.
pub(super) struct Subject<'w> {
    world: &'w World,
    origin: String,
    pub(super) user: User,
    pub(super) email: String,
    /// A confidential client that may have everything.
    pub(super) client: String,
    /// One whose refresh tokens end with the session.
    pub(super) bound: String,
    /// One of the tenant's own apps.
    pub(super) app: String,
    browser: Browser<'w>,
    code: String,
    tokens: Value,
    refresh_token: String,
    bound_refresh_token: String,
    app_token: String,
    app_refresh_token: String,
    app_cookie: String,
    service_token: String,
    admin_service_token: String,
}

fn text(body: &Value, name: &str) -> String {
    body[name].as_str().unwrap_or_else(|| panic!("no {name}: {body}")).to_owned()
}

fn scopes() -> String {
    format!("openid profile email offline_access {}", SCOPES.join(" "))
}

fn everything(metadata: &mut ClientMetadata) {
    metadata.profile = ClientProfile::Compat;
    metadata.grant_types = GrantType::ALL.iter().copied().collect();
    metadata.scope = scopes().parse().unwrap();
}

/// One of the tenant's own apps.
pub(crate) fn app(metadata: &mut ClientMetadata) {
    metadata.grant_types = [GrantType::RefreshToken].into();
    metadata.token_endpoint_auth_method = ClientAuthMethod::None;
    metadata.redirect_uris = Vec::new();
    metadata.consent = ConsentPolicy::Implied;
}

impl<'w> Subject<'w> {
    /// Somebody new.
    pub(super) async fn new(world: &'w World, tenant: &Tenant, number: usize) -> Self {
        let email = format!("u{number}@example.com");
        let user = world.person(tenant, &email, |new| new.roles = ["admin".to_owned()].into()).await;
        let [client, bound, app_id] = ["client", "bound", "app"].map(|kind| format!("{kind}{number}"));
        world.client(tenant, &client, everything).await;
        let session = |metadata: &mut ClientMetadata| {
            everything(metadata);
            metadata.refresh_tokens = RefreshTokenPolicy::Session;
        };
        world.client(tenant, &bound, session).await;
        world.client(tenant, &app_id, app).await;

        let mut browser = Browser::new(world, BASE);
        let start = browser.authorize(&client, &[("scope", &scopes())]).await;
        let asked = browser.sign_in(&start, &email, PASSWORD).await;
        let code = browser.consent(&asked, "allow").await.returned("code").unwrap();
        let tokens = redeem(world, BASE, &client, &code).await.json();
        let asked = browser.authorize(&bound, &[("scope", &scopes())]).await;
        let code = browser.consent(&asked, "allow").await.returned("code").unwrap();
        let of_bound = redeem(world, BASE, &bound, &code).await.json();
        let code = browser.authorize(&client, &[("prompt", "none")]).await.returned("code").unwrap();

        let by_app = app_sign_in(world, &email, &app_id, None).await.json();
        let by_cookie = app_sign_in(world, &email, &app_id, Some(&tenant.issuer.origin())).await;
        let cookie = by_cookie.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        let form = encode(&[("grant_type", "client_credentials"), ("scope", "profile")]);
        let headers = [("authorization", &*basic(&client, SECRET))];
        let of_service = world.post(&format!("{BASE}/token"), &headers, &form).await.json();
        let admin_service_token = service_token(world, BASE, &client, "admin:users:read").await;
        Self {
            world,
            origin: tenant.issuer.origin(),
            user,
            email,
            client,
            bound,
            app: app_id,
            browser,
            code,
            refresh_token: text(&tokens, "refresh_token"),
            tokens,
            bound_refresh_token: text(&of_bound, "refresh_token"),
            app_token: text(&by_app, "token"),
            app_refresh_token: text(&by_app, "refresh_token"),
            app_cookie: cookie,
            service_token: text(&of_service, "access_token"),
            admin_service_token,
        }
    }

    /// The access token of the client that may have everything.
    pub(super) fn access_token(&self) -> String {
        text(&self.tokens, "access_token")
    }

    /// Access tokens that may be presented, each with a way to do so.
    pub(super) fn access_tokens(&self) -> [(Usage, String); 4] {
        [
            (Usage::Userinfo, self.access_token()),
            (Usage::AppBearer, self.app_token.clone()),
            (Usage::IntrospectServiceToken, self.service_token.clone()),
            (Usage::AdminByService, self.admin_service_token.clone()),
        ]
    }

    async fn token(&self, client: &str, path: &str, form: &[(&str, &str)]) -> Answer {
        let headers = [("authorization", &*basic(client, SECRET))];
        self.world.post(&format!("{BASE}{path}"), &headers, &encode(form)).await
    }

    async fn refresh(&self, client: &str, token: &str) -> Answer {
        self.token(client, "/token", &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    async fn json(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let mut all = headers.to_vec();
        all.push(("content-type", "application/json"));
        let bytes = if method == "GET" || method == "DELETE" { Vec::new() } else { body.to_string().into_bytes() };
        self.world.send(request(method, &format!("{BASE}{path}"), &all, bytes)).await
    }

    /// The answers of operations to a token, up to the first that takes it.
    async fn at_all(&self, operations: &[(String, String, Value)], token: &str) -> (bool, Answer) {
        let bearer = format!("Bearer {token}");
        let mut refused: Option<Answer> = None;
        for (method, path, body) in operations {
            let answer = self.json(method, path, &[("authorization", &bearer)], body).await;
            if answer.status.is_success() {
                return (true, answer);
            }
            if let Some(before) = &refused {
                assert_eq!(answer.snapshot(), before.snapshot(), "{method} {path}");
            }
            refused = Some(answer);
        }
        (false, refused.unwrap())
    }

    /// Uses it that way, everything else being right: whether it works, and the answer. What can be used once is there
    /// again after it. Where it is not to work, everything is tried that would change something.
    pub(super) async fn used(&mut self, usage: Usage, is_over: bool) -> (bool, Answer) {
        let world = self.world;
        let access_token = self.access_token();
        let bearer = format!("Bearer {access_token}");
        match usage {
            Usage::Code => self.redeemed().await,
            Usage::RefreshToken => {
                let (client, token) = (self.client.clone(), self.refresh_token.clone());
                refreshed(self.refresh(&client, &token).await, &mut self.refresh_token)
            }
            Usage::BoundRefreshToken => {
                let (client, token) = (self.bound.clone(), self.bound_refresh_token.clone());
                refreshed(self.refresh(&client, &token).await, &mut self.bound_refresh_token)
            }
            Usage::ClientCredentials | Usage::M2mToken => {
                let path = if usage == Usage::M2mToken { "/v1/auth/m2m/token" } else { "/token" };
                ok(self.token(&self.client, path, &[("grant_type", "client_credentials")]).await)
            }
            Usage::Password => {
                let form = [
                    ("grant_type", "password"),
                    ("username", &*self.email),
                    ("password", PASSWORD),
                    ("scope", "openid"),
                ];
                ok(self.token(&self.client, "/token", &form).await)
            }
            Usage::AppSignIn => ok(app_sign_in(world, &self.email, &self.app, None).await),
            Usage::AppRefresh => {
                let body = json!({ "refresh_token": self.app_refresh_token, "client_id": self.app });
                let answer = self.json("POST", "/v1/auth/refresh", &[], &body).await;
                refreshed(answer, &mut self.app_refresh_token)
            }
            Usage::AppRefreshByCookie => {
                let headers = [("cookie", &*self.app_cookie), ("origin", &*self.origin)];
                let answer = self.json("POST", "/v1/auth/refresh", &headers, &json!({ "client_id": self.app })).await;
                if let Some(cookie) = answer.header("set-cookie") {
                    cookie.split(';').next().unwrap().clone_into(&mut self.app_cookie);
                }
                ok(answer)
            }
            Usage::AppBearer => {
                let all = Operation::of_scheme("app").into_iter().filter(|found| is_over || found.only_reads());
                let all: Vec<_> =
                    all.map(|found| (found.method, found.path.replace("{session_id}", NO_ID), json!({}))).collect();
                self.at_all(&all, &self.app_token).await
            }
            Usage::Userinfo => ok(world.get(&format!("{BASE}/userinfo"), &[("authorization", &bearer)]).await),
            Usage::UserinfoByPost => {
                ok(world.post(&format!("{BASE}/userinfo"), &[("authorization", &bearer)], "").await)
            }
            Usage::UserinfoByForm => {
                let form = encode(&[("access_token", &access_token)]);
                ok(world.post(&format!("{BASE}/userinfo"), &[], &form).await)
            }
            Usage::IntrospectAccessToken => is_active(introspect(world, BASE, WATCHER, &access_token).await),
            Usage::IntrospectRefreshToken => {
                is_active(introspect(world, BASE, &self.client, &self.refresh_token).await)
            }
            Usage::IntrospectServiceToken => is_active(introspect(world, BASE, "services", &self.service_token).await),
            Usage::AdminByPerson => {
                let all = operations().into_iter().filter(|found| is_over || found.path == "/users");
                let all = all.filter(|found| is_over || found.method == "GET");
                let path = |path: &str| format!("/v1/admin{path}");
                let all: Vec<_> = all
                    .map(|found| (found.method.clone(), path(&found.at(NO_ID, "nobody", "no-key")), found.body()))
                    .collect();
                self.at_all(&all, &access_token).await
            }
            Usage::AdminByService => {
                let bearer = format!("Bearer {}", self.admin_service_token);
                ok(world.get(&format!("{BASE}/v1/admin/users"), &[("authorization", &bearer)]).await)
            }
            Usage::Console => self.console().await,
            Usage::SilentSignOn => {
                came_back_with_code(self.browser.authorize(&self.client, &[("prompt", "none")]).await)
            }
            Usage::IdTokenHint => {
                let hint = text(&self.tokens, "id_token");
                let change = [("prompt", "none"), ("id_token_hint", &*hint)];
                came_back_with_code(self.browser.authorize(&self.client, &change).await)
            }
            Usage::SignInPage => {
                let mut browser = Browser::new(world, BASE);
                let start = browser.authorize(&self.client, &[]).await;
                if start.header("location").is_none() {
                    return (false, start);
                }
                let answer = browser.sign_in(&start, &self.email, PASSWORD).await;
                (answer.status == StatusCode::SEE_OTHER, answer)
            }
        }
    }

    async fn redeemed(&mut self) -> (bool, Answer) {
        let (works, answer) = ok(redeem(self.world, BASE, &self.client, &self.code).await);
        if works {
            let next = self.browser.authorize(&self.client, &[("prompt", "none")]).await;
            self.code = next.returned("code").unwrap();
        }
        (works, answer)
    }

    /// Every page of the console: whether they are shown. The answer is the first one's.
    async fn console(&mut self) -> (bool, Answer) {
        let mut answers = Vec::new();
        for address in ADDRESSES.iter().filter(|address| address.get && address.access != Access::Open) {
            let answer = self.browser.get(&format!("{}?client={}", address.path, self.client)).await;
            let away = answer.header("location").is_some_and(|to| to.starts_with(&format!("{BASE}/login")));
            // What isn't there any more, such as what was allowed to a client, is a page of its own.
            let shown = !away && (address.path != "/account" || answer.status == StatusCode::OK);
            answers.push((shown, answer));
        }
        let (shown, first) = answers.remove(0);
        for (other, answer) in answers {
            assert!(other == shown || answer.status == StatusCode::NOT_FOUND, "{answer:?}");
        }
        (shown, first)
    }
}

/// With the refresh token as a cookie, where a page at that origin asks.
async fn app_sign_in(world: &World, email: &str, app: &str, page: Option<&str>) -> Answer {
    let body = json!({ "email": email, "password": PASSWORD, "client_id": app, "cookie": page.is_some() });
    let mut headers = vec![("content-type", "application/json")];
    headers.extend(page.map(|origin| ("origin", origin)));
    world.send(request("POST", &format!("{BASE}/v1/auth/login"), &headers, body.to_string().into_bytes())).await
}

fn ok(answer: Answer) -> (bool, Answer) {
    (answer.status == StatusCode::OK, answer)
}

/// Takes the successor of a refresh token, if there is one.
fn refreshed(answer: Answer, token: &mut String) -> (bool, Answer) {
    if answer.status == StatusCode::OK {
        *token = text(&answer.json(), "refresh_token");
    }
    ok(answer)
}

fn is_active(answer: Answer) -> (bool, Answer) {
    (answer.status == StatusCode::OK && answer.json()["active"] == true, answer)
}

fn came_back_with_code(answer: Answer) -> (bool, Answer) {
    let back = answer.header("location").is_some_and(|to| to.starts_with("https://"));
    (back && answer.returned("code").is_some(), answer)
}
