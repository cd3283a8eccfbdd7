//! A provider in this process, on a database of its own, with a clock that stands until it is moved and random numbers
//! that are the same in every run.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use idp::config::{Config, KeyEncryptionKey};
use idp::domain::client::{Client, ClientAuthMethod, ClientMetadata, GrantType};
use idp::domain::session::EndReason;
use idp::domain::sign_up::SignUpPolicy;
use idp::domain::tenant::{Slug, Tenant, TenantSettings};
use idp::domain::user::{Profile, User};
use idp::domain::{Secret, TenantId};
use idp::http::routes::routes;
use idp::service::clients::{self, NewClient};
use idp::service::clock::Clock;
use idp::service::ctx::{Ctx, Foundation};
use idp::service::outbound::Outbound;
use idp::service::password_hasher::{HashCost, PasswordHasher};
use idp::service::random::Random;
use idp::service::redis::Redis;
use idp::service::sessions::ending::{self, Ended, Ending, Which};
use idp::service::tenants::{self, NewTenant};
use idp::service::users::{self, NewUser};
use idp::store::signing_keys::StoredKey;
use idp::store::{self, Database};
use keys::{Algorithm, KeyLifecycle, PrivateKey};
use poem::endpoint::BoxEndpoint;
use poem::http::{HeaderMap, StatusCode};
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Addr, Body, Endpoint, EndpointExt, Request, Response};

use super::ambient::{Here, TestClock, TestRandom};
pub(crate) use super::browser::{Browser, hidden};
use super::database::TestDatabase;

/// When every test begins: 2030-01-01T00:00:00Z.
pub(crate) const START: i64 = 1_893_456_000_000;

/// A provider in this process.
pub(crate) struct World {
    /// Everything ambient.
    pub(crate) ctx: Ctx,
    clock: Arc<TestClock>,
    random: Arc<TestRandom>,
    endpoint: BoxEndpoint<'static, Response>,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {} {}", self.status, self.body))
    }

    pub(crate) fn location(&self) -> &str {
        self.header("location").unwrap_or_else(|| panic!("no Location: {} {}", self.status, self.body))
    }

    /// A parameter in the query of the address that is redirected to.
    pub(crate) fn returned(&self, name: &str) -> Option<String> {
        let url = url::Url::parse(self.location()).unwrap();
        url.query_pairs().find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
    }

    /// Fails if an `error_description` has a character that it must not have (RFC 6749 §4.1.2.1, §5.2, RFC 6750 §3).
    /// Every answer is held to it, so that every table of bad input looks for it.
    #[track_caller]
    fn assert_descriptions(&self) {
        let by_redirect = self.header("location").and_then(|to| url::Url::parse(to).ok()).and_then(|to| {
            to.query_pairs().find(|(name, _)| name == "error_description").map(|(_, text)| text.into_owned())
        });
        let is_json = self.header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
        let by_body = is_json.then(|| serde_json::from_str::<serde_json::Value>(&self.body).ok()).flatten();
        let by_body = by_body.and_then(|body| body.get("error_description")?.as_str().map(str::to_owned));
        let by_challenge = self.headers.get("www-authenticate").map(|challenge| challenge.to_str().unwrap());
        let by_challenge = by_challenge.and_then(|text| text.split_once("error_description=\""));
        let by_challenge = by_challenge.map(|(_, rest)| rest.split('"').next().unwrap_or_default().to_owned());
        for text in [by_redirect, by_body, by_challenge].into_iter().flatten() {
            let admitted = |byte| matches!(byte, 0x20..=0x21 | 0x23..=0x5B | 0x5D..=0x7E);
            assert!(text.bytes().all(admitted), "error_description: {text:?}");
        }
    }

    /// Fails unless this is an HTML page of that status that says that.
    #[track_caller]
    pub(crate) fn assert_page(&self, status: u16, text: &str) {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        assert_eq!(self.header("content-type"), Some("text/html; charset=utf-8"), "{}", self.body);
        assert!(self.body.contains(text), "the page doesn't say “{text}”: {}", self.body);
    }

    /// Fails unless this sends the browser to an address that begins so, with 303.
    #[track_caller]
    pub(crate) fn assert_leads_to(&self, address: &str) {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.body);
        assert!(self.location().starts_with(address), "{} instead of {address}", self.location());
    }

    /// Fails unless this goes back to the client with a code.
    #[track_caller]
    pub(crate) fn assert_code(&self) {
        self.assert_leads_to(CALLBACK);
        assert!(self.returned("code").is_some(), "no code: {}", self.location());
    }

    /// Status and body, for snapshots.
    pub(crate) fn snapshot(&self) -> String {
        format!("{} {}", self.status.as_u16(), self.body)
    }
}

impl World {
    /// A provider on that database, which is migrated.
    pub(crate) async fn on(database: Database) -> Self {
        Self::with(database, |_| {}).await
    }

    /// A provider with other settings than the usual ones.
    pub(crate) async fn with(database: Database, change: impl FnOnce(&mut Config)) -> Self {
        let world = Self::keyless(database, change).await;
        world.give_key(TenantId::DEFAULT, "rsa2048").await;
        world
    }

    /// The same, without a signing key.
    pub(crate) async fn keyless(database: Database, change: impl FnOnce(&mut Config)) -> Self {
        let folder = std::path::Path::new("unused");
        let address: SocketAddr = "127.0.0.1:8080".parse().unwrap();
        let mut config = Config::dev(address, folder, KeyEncryptionKey::new([7; 32])).unwrap();
        config.sign_in.refusal_time = Duration::ZERO;
        // The clock stands: what is used up would never come back.
        config.rate_limits.enabled = false;
        change(&mut config);
        let clock = Arc::new(TestClock(AtomicI64::new(START)));
        let random = Arc::new(TestRandom(AtomicU64::new(1)));
        let world = Self::assemble(database, config, clock, random);
        tenants::ensure_default(&world.ctx).await.unwrap();
        world
    }

    /// Another node on the same database, with the same clock and caches of its own.
    pub(crate) fn peer(&self, database: Database) -> Self {
        self.peer_with(database, |_| {})
    }

    /// The same with other settings.
    pub(crate) fn peer_with(&self, database: Database, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = self.ctx.config.clone();
        change(&mut config);
        Self::assemble(database, config, Arc::clone(&self.clock), Arc::clone(&self.random))
    }

    /// The usual: a provider with the user `ada@example.com` and the client `reports`.
    pub(crate) async fn furnished(database: &TestDatabase) -> Self {
        let world = Self::on(database.open().await).await;
        world.furnish().await;
        world
    }

    /// Adds the user `ada@example.com` and the client `reports` to the default tenant.
    pub(crate) async fn furnish(&self) {
        let tenant = self.tenant().await;
        self.user(&tenant, "ada@example.com").await;
        self.client(&tenant, "reports", |_| {}).await;
    }

    /// The provider after a restart: of what was, the database is left alone.
    pub(crate) async fn restarted(self, database: Database) -> Self {
        let config = self.ctx.config.clone();
        self.ctx.database.close().await;
        Self::assemble(database, config, self.clock, self.random)
    }

    fn assemble(database: Database, config: Config, clock: Arc<TestClock>, random: Arc<TestRandom>) -> Self {
        let cheap = HashCost { memory_kib: 64, iterations: 1, parallelism: 1 };
        let ctx = Ctx::build(Foundation {
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            random: Arc::clone(&random) as Arc<dyn Random>,
            database,
            redis: Redis::new(&config.redis),
            passwords: PasswordHasher::start(cheap, 2, 1000).unwrap(),
            outbound: Outbound::with_resolver(config.outbound.clone(), Arc::new(Here)).unwrap(),
            config,
        })
        .unwrap();
        let endpoint = routes(ctx.clone()).boxed();
        Self { ctx, clock, random, endpoint }
    }

    /// Gives a tenant a key that was made once, since making one takes a while.
    async fn give_key(&self, tenant: TenantId, name: &str) {
        let path = format!("{}/../keys/tests/data/{name}.pem", env!("CARGO_MANIFEST_DIR"));
        let pem = std::fs::read(path).unwrap();
        let der = openssl::pkey::PKey::private_key_from_pem(&pem).unwrap().private_key_to_pkcs8().unwrap();
        let key = PrivateKey::from_pkcs8(Algorithm::Rs256, &der).unwrap();
        let row = StoredKey {
            jwk: key.public_jwk().clone(),
            lifecycle: KeyLifecycle::first(START),
            sealed_private: key.seal(self.ctx.sealing.current(), tenant.uuid().as_bytes()).unwrap(),
            created_at: self.ctx.now(),
        };
        self.ctx.database.write(async move |tx| store::signing_keys::insert(&tx, tenant, &row).await).await.unwrap();
    }

    /// Moves the clock on.
    pub(crate) fn pass(&self, duration: Duration) {
        self.clock.0.fetch_add(i64::try_from(duration.as_millis()).unwrap(), Ordering::SeqCst);
    }

    /// Sets the clock back.
    pub(crate) fn set_back(&self, duration: Duration) {
        self.clock.0.fetch_sub(i64::try_from(duration.as_millis()).unwrap(), Ordering::SeqCst);
    }

    /// Another node on the same database, whose clock is ahead.
    pub(crate) fn peer_ahead(&self, database: Database, by: Duration) -> Self {
        let clock = Arc::new(TestClock(AtomicI64::new((self.ctx.now() + by).millis())));
        Self::assemble(database, self.ctx.config.clone(), clock, Arc::clone(&self.random))
    }

    /// The default tenant.
    pub(crate) async fn tenant(&self) -> Tenant {
        tenants::find(&self.ctx, &Slug::default_tenant()).await.unwrap()
    }

    /// Another tenant, with a key of its own.
    pub(crate) async fn other_tenant(&self, slug: &str) -> Tenant {
        let new = NewTenant { slug: slug.parse().unwrap(), name: slug.to_owned(), settings: TenantSettings::default() };
        let tenant = tenants::create(&self.ctx, new, "test").await.unwrap();
        self.give_key(tenant.id, "rsa3072").await;
        tenant
    }

    /// The tenant, where anybody may make an account from now on.
    pub(crate) async fn open_to_sign_ups(&self, tenant: &Tenant) -> Tenant {
        let settings = TenantSettings { sign_up: SignUpPolicy::Open, ..tenant.settings.clone() };
        tenants::set_settings(&self.ctx, &tenant.slug, tenant.name.clone(), settings, "test").await.unwrap()
    }

    /// A user of that e-mail address with the password [`PASSWORD`].
    pub(crate) async fn user(&self, tenant: &Tenant, email: &str) -> User {
        self.person(tenant, email, |_| {}).await
    }

    /// The same, with changes.
    pub(crate) async fn person(&self, tenant: &Tenant, email: &str, change: impl FnOnce(&mut NewUser)) -> User {
        let mut new = NewUser {
            email: Some(email.parse().unwrap()),
            email_verified: true,
            username: None,
            roles: ["AGENT".to_owned()].into(),
            profile: Profile { name: Some("Ada Lovelace".to_owned()), ..Profile::default() },
            password: Some(Secret::new(PASSWORD)),
        };
        change(&mut new);
        users::create(&self.ctx, tenant, new, "test").await.unwrap()
    }

    /// A client made with those changes to a confidential client of the code flow with the secret [`SECRET`].
    pub(crate) async fn client(&self, tenant: &Tenant, id: &str, change: impl FnOnce(&mut ClientMetadata)) -> Client {
        let mut metadata = ClientMetadata::new([GrantType::AuthorizationCode], ClientAuthMethod::ClientSecretBasic);
        metadata.redirect_uris = vec![CALLBACK.parse().unwrap()];
        metadata.scope = "openid profile email".parse().unwrap();
        change(&mut metadata);
        let secret = metadata.token_endpoint_auth_method.uses_secret();
        let new = NewClient {
            id: Some(id.parse().unwrap()),
            name: "Acme Reports".to_owned(),
            metadata,
            secret: secret.then(|| Secret::new(SECRET)),
        };
        clients::create(&self.ctx, tenant.id, new, "test").await.unwrap().0
    }

    /// A service client with the secret [`SECRET`].
    pub(crate) async fn service(&self, tenant: &Tenant, id: &str) -> Client {
        self.client(tenant, id, |metadata| {
            metadata.grant_types = [GrantType::ClientCredentials].into();
            metadata.redirect_uris = Vec::new();
            metadata.scope = "reports:read reports:write".parse().unwrap();
        })
        .await
    }

    /// Ends sessions as an administrator.
    pub(crate) async fn end(&self, tenant: TenantId, which: Which) -> Ended {
        let ending = Ending::new(&self.ctx, which, EndReason::Revoked).by("test");
        ending::end(&self.ctx, tenant, ending).await.unwrap()
    }

    /// Sends a request.
    pub(crate) async fn send(&self, request: poem::http::Request<Vec<u8>>) -> Answer {
        self.send_from(HOME, request).await
    }

    /// Sends a request from a network address.
    pub(crate) async fn send_from(&self, address: &str, request: poem::http::Request<Vec<u8>>) -> Answer {
        let (parts, body) = request.into_parts();
        let remote = RemoteAddr(Addr::SocketAddr(SocketAddr::new(address.parse().unwrap(), 50_000)));
        let parts = (parts, LocalAddr::default(), remote, poem::http::uri::Scheme::HTTP).into();
        let response = self.endpoint.get_response(Request::from_parts(parts, Body::from(body))).await;
        let (parts, body) = response.into_parts();
        let body = body.into_string().await.unwrap();
        let answer = Answer { status: parts.status, headers: parts.headers, body };
        answer.assert_descriptions();
        answer
    }

    /// Sends a request and gives the answer before all of it is there.
    pub(crate) async fn open(&self, request: poem::http::Request<Vec<u8>>) -> Response {
        let (parts, body) = request.into_parts();
        let remote = RemoteAddr(Addr::SocketAddr(SocketAddr::new(HOME.parse().unwrap(), 50_000)));
        let parts = (parts, LocalAddr::default(), remote, poem::http::uri::Scheme::HTTP).into();
        self.endpoint.get_response(Request::from_parts(parts, Body::from(body))).await
    }

    /// GET, with headers.
    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(request("GET", path, headers, Vec::new())).await
    }

    /// POST of a form that is encoded already, with headers.
    pub(crate) async fn post(&self, path: &str, headers: &[(&str, &str)], form: &str) -> Answer {
        let mut all = vec![("content-type", FORM)];
        all.extend_from_slice(headers);
        self.send(request("POST", path, &all, form.as_bytes().to_vec())).await
    }
}

/// A request.
pub(crate) fn request(
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> poem::http::Request<Vec<u8>> {
    let mut builder = poem::http::Request::builder().method(method).uri(path);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(body).unwrap()
}

/// The network address that requests come from, if nothing else is said.
pub(super) const HOME: &str = "127.0.0.1";
/// The media type of forms.
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";
/// Everybody's password.
pub(crate) const PASSWORD: &str = "correct horse battery staple";
/// Every client's secret.
pub(crate) const SECRET: &str = "secret-0123456789abcdef0123456789abcdef";
/// Every client's redirect URI.
pub(crate) const CALLBACK: &str = "https://client.example.com/callback";
/// The verifier of [`challenge`].
pub(crate) const VERIFIER: &str = "verifier-0123456789abcdef0123456789abcdef0123456789";

/// The PKCE challenge of [`VERIFIER`].
pub(crate) fn challenge() -> String {
    URL_SAFE_NO_PAD.encode(openssl::sha::sha256(VERIFIER.as_bytes()))
}

/// `Authorization` of HTTP Basic.
pub(crate) fn basic(client_id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{client_id}:{secret}")))
}

/// Encodes parameters as a form or query.
pub(crate) fn encode(parameters: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish()
}

/// The payload of a JWT, not verified.
pub(crate) fn payload(jwt: &str) -> serde_json::Value {
    let payload = jwt.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}
