//! Rows to work with. Numbers make ids, so that two rows of the same number have the same id.

use std::collections::BTreeSet;
use std::time::Duration;

use idp::domain::audit::{AuditEvent, AuditKind, Outcome};
use idp::domain::authorization_code::{AuthorizationCode, CodeDetail};
use idp::domain::authorization_flow::{AuthorizationFlow, FlowState};
use idp::domain::authorization_request::AuthorizationRequest;
use idp::domain::authorization_response::ResponseMode;
use idp::domain::client::{Client, ClientAuthMethod, ClientMetadata, ClientSecret, ClientStatus, GrantType};
use idp::domain::delivery::{DeliveryKind, NewDelivery};
use idp::domain::event::{Event, EventType};
use idp::domain::grant::Grant;
use idp::domain::ids::{AuditEventId, CredentialId, EventId};
use idp::domain::session::{AuthenticationMethod, Session, SessionOrigin};
use idp::domain::tenant::{Tenant, TenantSettings, TenantStatus};
use idp::domain::user::{Profile, User, UserStatus};
use idp::domain::{ClientId, CodeHash, DeliveryId, FlowId, GrantId, SessionId, TenantId, Timestamp, UserId};
use idp::store::signing_keys::StoredKey;
use idp::store::{self, Database};
use keys::{KeyLifecycle, KeySpec, PrivateKey};
use uuid::Uuid;

use super::write;

/// Now, in these tests.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_893_456_000_000);

pub(crate) fn later(seconds: u64) -> Timestamp {
    NOW + Duration::from_secs(seconds)
}

pub(crate) fn hash(number: u64) -> [u8; 32] {
    openssl::sha::sha256(&number.to_be_bytes())
}

pub(crate) fn tenant_id(number: u128) -> TenantId {
    TenantId::from_uuid(Uuid::from_u128(number))
}

pub(crate) fn user_id(number: u128) -> UserId {
    UserId::from_uuid(Uuid::from_u128(number))
}

pub(crate) fn session_id(number: u128) -> SessionId {
    SessionId::from_uuid(Uuid::from_u128(number))
}

pub(crate) fn grant_id(number: u128) -> GrantId {
    GrantId::from_uuid(Uuid::from_u128(number))
}

pub(crate) fn flow_id(number: u128) -> FlowId {
    FlowId::from_uuid(Uuid::from_u128(number))
}

pub(crate) fn delivery_id(number: u128) -> DeliveryId {
    DeliveryId::from_uuid(Uuid::from_u128(number))
}

pub(crate) fn delivery(number: u128, target: &str, subject: Option<&str>) -> NewDelivery {
    NewDelivery {
        id: delivery_id(number),
        kind: DeliveryKind::BackchannelLogout,
        target: target.to_owned(),
        subject: subject.map(str::to_owned),
        payload: serde_json::json!({ "number": number.to_string() }),
    }
}

pub(crate) fn client_id(text: &str) -> ClientId {
    text.parse().unwrap()
}

pub(crate) fn tenant(number: u128) -> Tenant {
    Tenant {
        id: tenant_id(number),
        slug: format!("t{number}").parse().unwrap(),
        issuer: format!("https://id.example/t/t{number}").parse().unwrap(),
        name: format!("Tenant {number}"),
        status: TenantStatus::Active,
        settings: TenantSettings { accent: Some("#336699".to_owned()), ..TenantSettings::default() },
        sessions_since: None,
        created_at: NOW,
        updated_at: NOW,
    }
}

pub(crate) fn user(number: u128) -> User {
    User {
        id: user_id(number),
        status: UserStatus::Active,
        email: Some(format!("Ada{number}@Example.com").parse().unwrap()),
        email_verified: true,
        username: Some(format!("Ada{number}").parse().unwrap()),
        roles: BTreeSet::from(["AGENT".to_owned()]),
        profile: Profile { name: Some("Ada Lovelace".to_owned()), ..Profile::default() },
        last_activity_at: None,
        created_at: NOW,
        updated_at: NOW,
    }
}

pub(crate) fn client(id: &str) -> Client {
    let mut metadata = ClientMetadata::new([GrantType::AuthorizationCode], ClientAuthMethod::ClientSecretBasic);
    metadata.redirect_uris = vec!["https://app.example/callback".parse().unwrap()];
    metadata.scope = "openid profile".parse().unwrap();
    metadata.allowed_origins = ["https://app.example".parse().unwrap()].into();
    Client {
        id: client_id(id),
        status: ClientStatus::Active,
        name: "Reports".to_owned(),
        metadata,
        secrets: vec![secret(1)],
        grants_since: None,
        created_at: NOW,
        updated_at: NOW,
    }
}

pub(crate) fn secret(number: u64) -> ClientSecret {
    ClientSecret {
        id: CredentialId::from_uuid(Uuid::from_u128(number.into())),
        hash: hash(number),
        sealed: None,
        created_at: NOW,
        expires_at: None,
    }
}

pub(crate) fn session(number: u128, user: u128) -> Session {
    Session {
        id: session_id(number),
        user_id: user_id(user),
        auth_time: NOW,
        amr: vec![AuthenticationMethod::Pwd],
        acr: None,
        user_agent: Some("Browser".to_owned()),
        address: Some("192.0.2.1".to_owned()),
        origin: SessionOrigin::Page,
        idle_timeout: Duration::from_hours(1),
        created_at: NOW,
        last_seen_at: NOW,
        expires_at: later(3600),
        ended_at: None,
    }
}

pub(crate) fn grant(number: u128, user: u128, client: &str) -> Grant {
    Grant {
        id: grant_id(number),
        user_id: user_id(user),
        client_id: client_id(client),
        session_id: Some(session_id(1)),
        scope: "openid profile".parse().unwrap(),
        created_at: NOW,
        claims: None,
        offline: false,
        authentication: None,
        expires_at: Some(later(3600)),
        revoked_at: None,
    }
}

pub(crate) fn flow(number: u128) -> AuthorizationFlow {
    AuthorizationFlow {
        id: flow_id(number),
        client_id: client_id("reports"),
        request: AuthorizationRequest {
            client_id: client_id("reports"),
            redirect_uri: "https://app.example/callback".parse().unwrap(),
            scope: "openid".parse().unwrap(),
            state: Some("a state \u{1f511}".to_owned()),
            nonce: None,
            code_challenge: None,
            prompt: BTreeSet::new(),
            max_age: Some(60),
            login_hint: None,
            ui_locales: None,
            claims: None,
            response_mode: ResponseMode::Query,
            subjects: None,
        },
        account_page: None,
        browser_hash: None,
        session_id: None,
        chosen_session_id: None,
        state: FlowState::Open,
        created_at: NOW,
        expires_at: later(600),
    }
}

pub(crate) fn code(number: u64) -> AuthorizationCode {
    AuthorizationCode {
        hash: CodeHash(hash(number)),
        client_id: client_id("reports"),
        user_id: user_id(1),
        session_id: session_id(1),
        grant_id: grant_id(1),
        detail: CodeDetail {
            redirect_uri: "https://app.example/callback".parse().unwrap(),
            code_challenge: None,
            nonce: Some("n".to_owned()),
            scope: "openid".parse().unwrap(),
            auth_time: NOW,
            amr: vec![AuthenticationMethod::Pwd],
            acr: None,
        },
        created_at: NOW,
        expires_at: later(60),
    }
}

pub(crate) fn event(number: u128, kind: AuditKind, outcome: Outcome) -> AuditEvent {
    AuditEvent {
        id: AuditEventId::from_uuid(Uuid::from_u128(number)),
        at: NOW,
        kind,
        outcome,
        actor: Some("admin".to_owned()),
        user_id: Some(user_id(1)),
        client_id: Some(client_id("reports")),
        address: Some("2001:db8::1".to_owned()),
        detail: serde_json::json!({ "method": "password" }),
    }
}

/// An event that others are told of.
pub(crate) fn told(number: u128) -> Event {
    Event {
        id: EventId::from_uuid(Uuid::from_u128(number)),
        at: NOW,
        kind: EventType::UserLogin,
        user_id: Some(user_id(1)),
        session_id: Some(session_id(1)),
        client_id: Some(client_id("reports")),
        actor: None,
        address: Some("2001:db8::1".to_owned()),
        user_agent: Some("Mozilla/5.0".to_owned()),
        data: serde_json::Map::from_iter([("typed".to_owned(), "a\0b".into())]),
    }
}

/// A new ES256 key at that place of its life.
pub(crate) fn key(lifecycle: KeyLifecycle) -> StoredKey {
    let key = PrivateKey::generate(KeySpec::Es256).unwrap();
    StoredKey { jwk: key.public_jwk().clone(), lifecycle, sealed_private: vec![1, 2, 3], created_at: NOW }
}

/// A tenant of that number with user 1 and client `reports`.
pub(crate) async fn furnish(database: &Database, number: u128) -> TenantId {
    let id = tenant_id(number);
    write!(database, |tx| {
        store::tenants::insert(tx, &tenant(number)).await?;
        store::users::insert(tx, id, &user(1)).await?;
        store::clients::insert(tx, id, &client("reports")).await
    })
    .unwrap();
    id
}
