//! The admin API of a server.

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::token::{self, send};
use super::{Administration, End, Signed, Which, no_session};
use crate::cli::console::Console;
use crate::cli::exit::{CliError, Exit};
use crate::cli::http::Client as Http;
use crate::domain::tenant::Issuer;
use crate::domain::user::UserStatus;
use crate::domain::{Secret, UserId, client::ClientStatus};
use crate::http::admin::MOST_AT_ONCE;
use crate::http::admin::model::{
    AuditLine, AuditPart, AuditWhich, Client, ClientPart, Consent, ConsentPart, Key, KeyPart, LogoutToken,
    LogoutTokenPart, NewClient, NewKey, NewSecret, NewUser, NewWebhook, NewWebhookSecret, Replayed, Session,
    SessionPart, User, UserPart, Webhook, WebhookDelivery, WebhookDeliveryPart, WebhookPart,
};
use crate::http::api::RULE;
use crate::service::key_rings::KeyChange;
use crate::service::users::UserChangeError;

/// How long a request may take: making an RSA key does.
const PATIENCE: Duration = Duration::from_secs(30);

/// A tenant at a server.
pub(super) struct Remote {
    issuer: Issuer,
    http: Http,
    token: Secret,
}

impl Remote {
    /// With the token that the environment or standard input gives.
    pub(super) async fn open(
        issuer: Issuer,
        ca_file: Option<PathBuf>,
        token_stdin: bool,
        console: &mut Console<'_>,
    ) -> Result<Self, CliError> {
        let http = Http { patience: PATIENCE, ca_file };
        let token = token::find(&issuer, &http, token_stdin, console).await?;
        Ok(Self { issuer, http, token })
    }

    async fn exchange(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Bytes, CliError> {
        let address = format!("{}/v1/admin{path}", self.issuer);
        let mut request = Request::builder()
            .method(method)
            .uri(&address)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token.expose()));
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = body.map(ToString::to_string).unwrap_or_default();
        let answer = send(&self.http, request, body.into(), &address).await?;
        if answer.status().is_success() {
            Ok(answer.into_body())
        } else {
            Err(refused(answer.status(), answer.body(), &address))
        }
    }

    async fn call<T: DeserializeOwned>(&self, method: Method, path: &str, body: Option<&Value>) -> Result<T, CliError> {
        let answer = self.exchange(method, path, body).await?;
        serde_json::from_slice(&answer).map_err(|_| {
            let text = format!("what {} answers isn't what this version of signet knows", self.issuer);
            CliError::new(Exit::Failed, text)
        })
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, CliError> {
        self.call(Method::GET, path, None).await
    }

    /// Tries messages again: one, or all; how many they are.
    async fn replay(&self, path: &str, one: Option<&str>) -> Result<u64, CliError> {
        let body = one.map_or_else(|| json!({}), |one| json!({ "delivery_id": one }));
        let replayed: Replayed = self.post(path, &body).await?;
        Ok(replayed.replayed)
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, CliError> {
        self.call(Method::POST, path, Some(&serde_json::to_value(body).unwrap_or_default())).await
    }
}

/// What a problem (RFC 9457) comes to on the command line.
fn refused(status: StatusCode, body: &[u8], address: &str) -> CliError {
    let problem: Value = serde_json::from_slice(body).unwrap_or_default();
    let exit = match status {
        _ if problem["type"] == RULE => Exit::Refused,
        StatusCode::BAD_REQUEST
        | StatusCode::PAYLOAD_TOO_LARGE
        | StatusCode::UNSUPPORTED_MEDIA_TYPE
        | StatusCode::UNPROCESSABLE_ENTITY => Exit::Usage,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Exit::Refused,
        StatusCode::NOT_FOUND => Exit::NotFound,
        StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => Exit::Conflict,
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => Exit::Unavailable,
        _ => Exit::Failed,
    };
    let text = match problem["detail"].as_str() {
        Some(detail) => detail.trim_end_matches('.').to_owned(),
        None => format!("{address} answers {status}"),
    };
    let reference = problem["reference"].as_str().map(|id| format!(" (reference {id})")).unwrap_or_default();
    CliError::new(exit, format!("{text}{reference}"))
}

/// A word as it stands in an address.
fn word(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// The query of a part of a list.
fn query(after: Option<&str>, limit: u64, more: &[(&str, Option<&str>)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("limit", &limit.to_string());
    for (name, value) in std::iter::once(&("cursor", after)).chain(more) {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    format!("?{}", query.finish())
}

/// Reads parts until there are as many as are wanted, or no more.
async fn parts<T, P>(
    mut after: Option<String>,
    limit: u64,
    read: impl AsyncFn(Option<&str>, u64) -> Result<P, CliError>,
    open: impl Fn(P) -> (Vec<T>, Option<String>),
) -> Result<Vec<T>, CliError> {
    let mut found = Vec::new();
    loop {
        let left = limit.saturating_sub(found.len() as u64).min(MOST_AT_ONCE);
        if left == 0 {
            return Ok(found);
        }
        let (items, next) = open(read(after.as_deref(), left).await?);
        found.extend(items);
        match next {
            Some(next) => after = Some(next),
            None => return Ok(found),
        }
    }
}

impl Administration for Remote {
    async fn create_user(&self, new: NewUser) -> Result<User, CliError> {
        self.post("/users", &new).await
    }

    async fn list_users(&self, which: &Which, after: Option<String>, limit: u64) -> Result<Vec<User>, CliError> {
        let status = which.status.map(|status| serde_json::to_value(status).unwrap_or_default());
        let filter = [("status", status.as_ref().and_then(Value::as_str)), ("search", which.search.as_deref())];
        let read = async |after: Option<&str>, limit| {
            self.get::<UserPart>(&format!("/users{}", query(after, limit, &filter))).await
        };
        parts(after, limit, read, |part| (part.items, part.next_cursor)).await
    }

    async fn find_user(&self, name: &str) -> Result<User, CliError> {
        let found = if name.parse::<UserId>().is_ok() {
            match self.get::<User>(&format!("/users/{}", word(name))).await {
                Ok(user) => Some(user),
                Err(error) if error.exit() == Exit::NotFound => None,
                Err(error) => return Err(error),
            }
        } else {
            let kind = if name.contains('@') { "email" } else { "username" };
            let part: UserPart = self.get(&format!("/users{}", query(None, 1, &[(kind, Some(name))]))).await?;
            part.items.into_iter().next()
        };
        found.ok_or_else(|| UserChangeError::Unknown(name.to_owned()).into())
    }

    async fn update_user(&self, id: &str, patch: &Value) -> Result<User, CliError> {
        self.call(Method::PATCH, &format!("/users/{}", word(id)), Some(patch)).await
    }

    async fn set_user_status(&self, id: &str, status: UserStatus) -> Result<User, CliError> {
        let way = match status {
            UserStatus::Active => "enable",
            UserStatus::Disabled => "disable",
            UserStatus::Locked => "lock",
        };
        self.call(Method::POST, &format!("/users/{}/{way}", word(id)), None).await
    }

    async fn set_password(&self, id: &str, password: &Secret) -> Result<(), CliError> {
        let body = json!({ "password": password.expose() });
        self.exchange(Method::PUT, &format!("/users/{}/password", word(id)), Some(&body)).await.map(drop)
    }

    async fn delete_user(&self, id: &str) -> Result<(), CliError> {
        self.exchange(Method::DELETE, &format!("/users/{}", word(id)), None).await.map(drop)
    }

    async fn create_client(&self, new: NewClient) -> Result<Client, CliError> {
        self.post("/clients", &new).await
    }

    async fn list_clients(&self, after: Option<String>, limit: u64) -> Result<Vec<Client>, CliError> {
        let read = async |after: Option<&str>, limit| {
            self.get::<ClientPart>(&format!("/clients{}", query(after, limit, &[]))).await
        };
        parts(after, limit, read, |part| (part.items, part.next_cursor)).await
    }

    async fn find_client(&self, id: &str) -> Result<Client, CliError> {
        self.get(&format!("/clients/{}", word(id))).await
    }

    async fn update_client(&self, id: &str, patch: &Value) -> Result<Client, CliError> {
        self.call(Method::PATCH, &format!("/clients/{}", word(id)), Some(patch)).await
    }

    async fn rotate_secret(&self, id: &str, grace: Duration) -> Result<NewSecret, CliError> {
        self.post(&format!("/clients/{}/secret", word(id)), &json!({ "grace_seconds": grace.as_secs() })).await
    }

    async fn set_client_status(&self, id: &str, status: ClientStatus) -> Result<Client, CliError> {
        let way = match status {
            ClientStatus::Active => "enable",
            ClientStatus::Disabled => "disable",
        };
        self.call(Method::POST, &format!("/clients/{}/{way}", word(id)), None).await
    }

    async fn delete_client(&self, id: &str) -> Result<(), CliError> {
        self.exchange(Method::DELETE, &format!("/clients/{}", word(id)), None).await.map(drop)
    }

    async fn list_keys(&self) -> Result<Vec<Key>, CliError> {
        let read =
            async |after: Option<&str>, limit| self.get::<KeyPart>(&format!("/keys{}", query(after, limit, &[]))).await;
        parts(None, u64::MAX, read, |part| (part.items, part.next_cursor)).await
    }

    async fn find_key(&self, kid: &str) -> Result<Key, CliError> {
        self.get(&format!("/keys/{}", word(kid))).await
    }

    async fn create_key(&self, new: NewKey) -> Result<Key, CliError> {
        self.post("/keys", &new).await
    }

    async fn change_key(&self, kid: &str, change: KeyChange) -> Result<Key, CliError> {
        let (way, emergency) = match change {
            KeyChange::Activate => ("activate", false),
            KeyChange::ActivateInEmergency => ("activate", true),
            KeyChange::Retire => ("retire", false),
            KeyChange::RetireInEmergency => ("retire", true),
        };
        self.post(&format!("/keys/{}/{way}", word(kid)), &json!({ "emergency": emergency })).await
    }

    async fn consents_of_user(&self, user: &str, after: Option<String>, limit: u64) -> Result<Vec<Consent>, CliError> {
        let path = format!("/users/{}/consents", word(user));
        let read = async |after: Option<&str>, limit| {
            self.get::<ConsentPart>(&format!("{path}{}", query(after, limit, &[]))).await
        };
        parts(after, limit, read, |part| (part.items, part.next_cursor)).await
    }

    async fn consents_of_client(
        &self,
        client: &str,
        after: Option<String>,
        limit: u64,
    ) -> Result<Vec<Consent>, CliError> {
        let path = format!("/clients/{}/consents", word(client));
        let read = async |after: Option<&str>, limit| {
            self.get::<ConsentPart>(&format!("{path}{}", query(after, limit, &[]))).await
        };
        parts(after, limit, read, |part| (part.items, part.next_cursor)).await
    }

    async fn withdraw(&self, user: &str, client: &str) -> Result<(), CliError> {
        let path = format!("/users/{}/consents/{}", word(user), word(client));
        self.exchange(Method::DELETE, &path, None).await.map(drop)
    }

    async fn logout_tokens(
        &self,
        client: &str,
        after: Option<String>,
        limit: u64,
    ) -> Result<Vec<LogoutToken>, CliError> {
        let path = format!("/clients/{}/logout-tokens", word(client));
        let read = async |after: Option<&str>, limit| {
            self.get::<LogoutTokenPart>(&format!("{path}{}", query(after, limit, &[]))).await
        };
        parts(after, limit, read, |part| (part.items, part.next_cursor)).await
    }

    async fn replay_logout_tokens(&self, client: &str, one: Option<&str>) -> Result<u64, CliError> {
        self.replay(&format!("/clients/{}/logout-tokens/replay", word(client)), one).await
    }

    async fn create_webhook(&self, new: NewWebhook) -> Result<Webhook, CliError> {
        self.post("/webhooks", &new).await
    }

    async fn list_webhooks(&self, after: Option<String>, limit: u64) -> Result<Vec<Webhook>, CliError> {
        let read = async |after: Option<&str>, limit| {
            self.get::<WebhookPart>(&format!("/webhooks{}", query(after, limit, &[]))).await
        };
        parts(after, limit, read, |part| (part.items, part.next_cursor)).await
    }

    async fn find_webhook(&self, id: &str) -> Result<Webhook, CliError> {
        self.get(&format!("/webhooks/{}", word(id))).await
    }

    async fn update_webhook(&self, id: &str, patch: &Value) -> Result<Webhook, CliError> {
        self.call(Method::PATCH, &format!("/webhooks/{}", word(id)), Some(patch)).await
    }

    async fn rotate_webhook_secret(&self, id: &str, grace: Duration) -> Result<NewWebhookSecret, CliError> {
        self.post(&format!("/webhooks/{}/secret", word(id)), &json!({ "grace_seconds": grace.as_secs() })).await
    }

    async fn delete_webhook(&self, id: &str) -> Result<(), CliError> {
        self.exchange(Method::DELETE, &format!("/webhooks/{}", word(id)), None).await.map(drop)
    }

    async fn webhook_deliveries(
        &self,
        id: &str,
        after: Option<String>,
        limit: u64,
    ) -> Result<Vec<WebhookDelivery>, CliError> {
        let path = format!("/webhooks/{}/deliveries", word(id));
        let read = async |after: Option<&str>, limit| {
            self.get::<WebhookDeliveryPart>(&format!("{path}{}", query(after, limit, &[]))).await
        };
        parts(after, limit, read, |part| (part.items, part.next_cursor)).await
    }

    async fn replay_webhook(&self, id: &str, one: Option<&str>) -> Result<u64, CliError> {
        self.replay(&format!("/webhooks/{}/replay", word(id)), one).await
    }

    async fn audit(&self, which: &AuditWhich, after: Option<String>, limit: u64) -> Result<Vec<AuditLine>, CliError> {
        let filter = [
            ("kind", which.kind.as_deref()),
            ("outcome", which.outcome.as_deref()),
            ("user_id", which.user_id.as_deref()),
            ("client_id", which.client_id.as_deref()),
            ("actor", which.actor.as_deref()),
            ("address", which.address.as_deref()),
            ("since", which.since.as_deref()),
            ("until", which.until.as_deref()),
        ];
        let read = async |after: Option<&str>, limit| {
            self.get::<AuditPart>(&format!("/audit{}", query(after, limit, &filter))).await
        };
        parts(after, limit, read, |part| (part.items, part.next_cursor)).await
    }

    async fn list_sessions(&self, of: &Signed, after: Option<String>, limit: u64) -> Result<Vec<Session>, CliError> {
        let filter = [("user_id", of.user.as_deref()), ("client_id", of.client.as_deref())];
        let read = async |after: Option<&str>, limit| {
            self.get::<SessionPart>(&format!("/sessions{}", query(after, limit, &filter))).await
        };
        parts(after, limit, read, |part| (part.items, part.next_cursor)).await
    }

    async fn find_session(&self, id: &str) -> Result<Session, CliError> {
        self.get(&format!("/sessions/{}", word(id))).await
    }

    async fn session_of_token(&self, jti: &str) -> Result<Session, CliError> {
        let part: SessionPart = self.get(&format!("/sessions{}", query(None, 1, &[("jti", Some(jti))]))).await?;
        part.items.into_iter().next().ok_or_else(no_session)
    }

    async fn end(&self, what: &End) -> Result<(), CliError> {
        let (method, path) = match what {
            End::Session(id) => (Method::DELETE, format!("/sessions/{}", word(id))),
            End::User(id) => (Method::DELETE, format!("/users/{}/sessions", word(id))),
            End::Client(id) => (Method::DELETE, format!("/clients/{}/grants", word(id))),
            End::All => (Method::POST, "/lock-down".to_owned()),
        };
        self.exchange(method, &path, None).await.map(drop)
    }
}
