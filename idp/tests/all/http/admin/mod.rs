//! `/v1/admin`, from the outside.

mod audit;
mod bad_input;
mod clients;
mod consents;
mod events;
mod gate;
mod keys;
mod logout_tokens;
mod races;
mod sessions;
mod users;
mod webhooks;

use idp::domain::client::{ClientMetadata, ConsentPolicy, GrantType};
use idp::domain::tenant::Tenant;
use idp::http::openapi_service::openapi_document;
use poem::http::StatusCode;
use serde_json::{Value, json};

use super::code_flow::redeem;
use crate::support::world::{Answer, Browser, PASSWORD, SECRET, World, basic, encode, request};

/// An id that nothing has.
const NO_ID: &str = "00000000-0000-7000-8000-000000000000";

/// All scopes of the admin API.
pub(crate) const SCOPES: [&str; 14] = [
    "admin:users:read",
    "admin:users:write",
    "admin:clients:read",
    "admin:clients:write",
    "admin:keys:read",
    "admin:keys:write",
    "admin:consents:read",
    "admin:consents:write",
    "admin:audit:read",
    "admin:events:read",
    "admin:webhooks:read",
    "admin:webhooks:write",
    "admin:sessions:read",
    "admin:sessions:write",
];

/// The admin API of one tenant, used by one token.
pub(crate) struct Api<'w> {
    world: &'w World,
    base: String,
    pub(crate) token: String,
}

impl<'w> Api<'w> {
    /// Used by the service `operator`, which may do everything.
    pub(crate) async fn new(world: &'w World, tenant: &Tenant) -> Self {
        operator(world, tenant, "operator", &SCOPES.join(" ")).await;
        let base = tenant.base_path();
        let token = service_token(world, &base, "operator", &SCOPES.join(" ")).await;
        Self { world, base, token }
    }

    /// The same, with another token.
    pub(crate) fn with(&self, token: &str) -> Self {
        Self { world: self.world, base: self.base.clone(), token: token.to_owned() }
    }

    pub(crate) async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        let mut all = vec![("authorization", bearer.as_str())];
        all.extend_from_slice(headers);
        self.world.send(request(method, &format!("{}/v1/admin{path}", self.base), &all, body)).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], Vec::new()).await
    }

    pub(crate) async fn call(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.send(method, path, &[("content-type", "application/json")], body.to_string().into_bytes()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.call("POST", path, body).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.call("PATCH", path, body).await
    }

    pub(crate) async fn patch_if(&self, path: &str, etag: &str, body: &Value) -> Answer {
        let headers = [("content-type", "application/merge-patch+json"), ("if-match", etag)];
        self.send("PATCH", path, &headers, body.to_string().into_bytes()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, &[], Vec::new()).await
    }
}

/// A service with these scopes.
pub(crate) async fn operator(world: &World, tenant: &Tenant, id: &str, scope: &str) {
    let change = |metadata: &mut ClientMetadata| {
        metadata.grant_types = [GrantType::ClientCredentials].into();
        metadata.redirect_uris = Vec::new();
        metadata.scope = scope.parse().unwrap();
    };
    world.client(tenant, id, change).await;
}

/// A service's token for the admin API.
pub(crate) async fn service_token(world: &World, base: &str, id: &str, scope: &str) -> String {
    let resource = format!("http://127.0.0.1:8080{base}/v1/admin");
    let form = encode(&[("grant_type", "client_credentials"), ("scope", scope), ("resource", &resource)]);
    let answer = world.post(&format!("{base}/token"), &[("authorization", &basic(id, SECRET))], &form).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

/// An application through which people use the admin API.
pub(crate) async fn console(world: &World, tenant: &Tenant, id: &str) {
    let change = |metadata: &mut ClientMetadata| {
        metadata.scope = format!("openid {}", SCOPES.join(" ")).parse().unwrap();
        metadata.consent = ConsentPolicy::Implied;
    };
    world.client(tenant, id, change).await;
}

/// A person's tokens, by that application.
pub(crate) async fn person_tokens(world: &World, base: &str, client: &str, email: &str, scope: &str) -> Value {
    let mut browser = Browser::new(world, base);
    let start = browser.authorize(client, &[("scope", &format!("openid {scope}"))]).await;
    let code = browser.sign_in(&start, email, PASSWORD).await.returned("code").unwrap();
    let tokens = redeem(world, base, client, &code).await;
    assert_eq!(tokens.status, StatusCode::OK, "{}", tokens.body);
    tokens.json()
}

/// An operation of the admin API, as the document has it.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) method: String,
    /// Below `/v1/admin`, with its parameters in braces.
    pub(crate) path: String,
    pub(crate) scope: String,
    pub(crate) statuses: Vec<u16>,
}

impl Operation {
    /// The path with these values.
    pub(crate) fn at(&self, user: &str, client: &str, kid: &str) -> String {
        self.path
            .replace("{user_id}", user)
            .replace("{client_id}", client)
            .replace("{kid}", kid)
            .replace("{endpoint_id}", NO_ID)
            .replace("{session_id}", NO_ID)
    }

    pub(crate) fn has_parameters(&self) -> bool {
        self.path.contains('{')
    }

    /// A body that would do.
    pub(crate) fn body(&self) -> Value {
        match (self.method.as_str(), self.path.as_str()) {
            ("POST", "/webhooks") => json!({ "url": "http://127.0.0.1:9/hook" }),
            ("POST", "/users") => json!({ "email": "new@example.com" }),
            ("POST", "/clients") => json!({ "client_name": "New", "redirect_uris": ["https://new.example/cb"] }),
            ("PUT", "/clients/{client_id}") => {
                json!({ "client_name": "Put", "redirect_uris": ["https://put.example/cb"] })
            }
            ("PATCH", "/clients/{client_id}") => json!({ "client_name": "Patched" }),
            ("PATCH", "/users/{user_id}") => json!({ "username": "patched" }),
            ("PUT", "/users/{user_id}/password") => json!({ "password": "a much better horse, a battery" }),
            _ => json!({}),
        }
    }

    pub(crate) async fn send(&self, api: &Api<'_>, path: &str) -> Answer {
        match self.method.as_str() {
            "GET" | "DELETE" => api.send(&self.method, path, &[], Vec::new()).await,
            method => api.call(method, path, &self.body()).await,
        }
    }
}

/// Every operation of the admin API.
pub(crate) fn operations() -> Vec<Operation> {
    let document: Value = serde_json::from_str(&openapi_document().unwrap()).unwrap();
    let mut found = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        let Some(path) = path.strip_prefix("/v1/admin") else { continue };
        for (method, operation) in operations.as_object().unwrap() {
            let description = operation["description"].as_str().unwrap_or_default();
            let scope = description.split('`').find(|word| word.starts_with("admin:"));
            let statuses = operation["responses"].as_object().unwrap().keys().map(|status| status.parse().unwrap());
            found.push(Operation {
                method: method.to_uppercase(),
                path: path.to_owned(),
                scope: scope.unwrap_or_else(|| panic!("{method} {path} doesn't name its scope")).to_owned(),
                statuses: statuses.collect(),
            });
        }
    }
    assert!(found.len() >= 24, "{}", found.len());
    found
}
