//! Clients, under the names of RFC 7591 §2.

use keys::{Algorithm, ClientAlgorithm};
use poem_openapi::Object;
use poem_openapi::types::Any;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::domain::client::{
    ClientAuthMethod, ClientProfile, ClientStatus, ConsentPolicy, GrantType, PkcePolicy, RefreshTokenPolicy,
    SecretTransport, SubjectType,
};
use crate::domain::client_details::ClientDetails;
use crate::domain::{self, ClientId, Secret, Timestamp};
use crate::http::api::schema::{DateTime, EmailAddress, Password, Uri, Word};

macro_rules! registration {
    ($(#[$doc:meta])* $name:ident [$($rule:ident)?] { $($extra:tt)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Object)]
        #[serde(default $(, $rule)?)]
        #[oai(skip_serializing_if_is_none)]
        pub struct $name {
            $($extra)*
            /// Its name for people.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub client_name: Option<String>,
            /// Where its users may be sent back to, byte for byte.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub redirect_uris: Option<Vec<Uri>>,
            /// The grants that it may use at the token endpoint; `authorization_code` unless given.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub grant_types: Option<Vec<Word<GrantType>>>,
            /// How it proves itself; its secret either way unless given, `private_key_jwt` where it has keys.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub token_endpoint_auth_method: Option<Word<ClientAuthMethod>>,
            /// The one algorithm of its assertions; any that its keys can do unless given.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub token_endpoint_auth_signing_alg: Option<Word<ClientAlgorithm>>,
            /// Which way its secret may come; by the registered method alone where that is given.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub secret_transport: Option<Word<SecretTransport>>,
            /// The scopes that it may get, separated by spaces; the standard ones for people unless given.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub scope: Option<String>,
            /// Its home page.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub client_uri: Option<Uri>,
            /// Its logo.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub logo_uri: Option<Uri>,
            /// Its privacy policy.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub policy_uri: Option<Uri>,
            /// Its terms of service.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub tos_uri: Option<Uri>,
            /// Its public keys, a JWK Set (RFC 7517 §5).
            #[serde(skip_serializing_if = "Option::is_none")]
            pub jwks: Option<Any<Value>>,
            /// Where its public keys are to be fetched, instead of `jwks`.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub jwks_uri: Option<Uri>,
            /// Where its request objects may be fetched (OpenID Connect Core §6.2).
            #[serde(skip_serializing_if = "Option::is_none")]
            pub request_uris: Option<Vec<Uri>>,
            /// The one algorithm of its request objects; any that its keys can do unless given.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub request_object_signing_alg: Option<Word<ClientAlgorithm>>,
            /// Whether its authorization requests count only as request objects (RFC 9101 §10.5).
            #[serde(skip_serializing_if = "Option::is_none")]
            pub require_signed_request_object: Option<bool>,
            /// Whether each client sees its users under the same identifier.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub subject_type: Option<Word<SubjectType>>,
            /// The document whose host names the sector of pairwise subjects (OpenID Connect Registration §5).
            #[serde(skip_serializing_if = "Option::is_none")]
            pub sector_identifier_uri: Option<Uri>,
            /// Algorithm of its userinfo answers, which are JWTs then.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub userinfo_signed_response_alg: Option<Word<Algorithm>>,
            /// `max_age` of requests that have none, in seconds.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub default_max_age: Option<u64>,
            /// `acr_values` of requests that have none.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub default_acr_values: Option<Vec<String>>,
            /// Where a sign-in can be begun at the client (OpenID Connect Core §4).
            #[serde(skip_serializing_if = "Option::is_none")]
            pub initiate_login_uri: Option<Uri>,
            /// Where its users may be sent to once they are signed out, byte for byte.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub post_logout_redirect_uris: Option<Vec<Uri>>,
            /// Where its scripts come from, which may call the first-party API: as browsers send it, `https://app.example.com`.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub allowed_origins: Option<Vec<Uri>>,
            /// What a frame shows to sign its users out there (OpenID Connect Front-Channel Logout).
            #[serde(skip_serializing_if = "Option::is_none")]
            pub frontchannel_logout_uri: Option<Uri>,
            /// Whether `iss` and `sid` must go with it; they always do.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub frontchannel_logout_session_required: Option<bool>,
            /// Where it takes logout tokens (OpenID Connect Back-Channel Logout).
            #[serde(skip_serializing_if = "Option::is_none")]
            pub backchannel_logout_uri: Option<Uri>,
            /// Whether logout tokens must have a `sid`; they always do.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub backchannel_logout_session_required: Option<bool>,
            /// What its refresh tokens die with, beside all that ends any of them.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub refresh_tokens: Option<Word<RefreshTokenPolicy>>,
            /// E-mail addresses of those responsible.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub contacts: Option<Vec<EmailAddress>>,
            /// Algorithm of its ID tokens; RS256 unless given.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub id_token_signed_response_alg: Option<Word<Algorithm>>,
            /// Algorithm of its access tokens; RS256 unless given.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub access_token_signed_response_alg: Option<Word<Algorithm>>,
            /// `aud` of its access tokens, where not the default.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub audience: Option<String>,
            /// `roles` of its own tokens.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub roles: Option<Vec<String>>,
            /// Life of its access tokens in seconds, 10 to 86400, where not the default.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub access_token_lifetime: Option<u32>,
            /// Whether people are asked before it gets anything.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub consent: Option<Word<ConsentPolicy>>,
            /// Whether it must use PKCE; a public client always must.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub pkce: Option<Word<PkcePolicy>>,
            /// Which rules it is held to; the grant type `password` needs `compat`.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub profile: Option<Word<ClientProfile>>,
        }
    };
}

registration! {
    /// What is registered of a client. What is left out has its usual value.
    Registration [deny_unknown_fields] {}
}

registration! {
    /// What is to change of a client, as a merge patch (RFC 7396): what is left out stays, what is null gets its usual
    /// value.
    ClientPatch [deny_unknown_fields] {}
}

registration! {
    /// A new client.
    NewClient [deny_unknown_fields] {
        /// Its identifier, 1 to 128 visible ASCII characters; drawn at random unless given.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub client_id: Option<String>,
        /// A secret that is brought along, 32 to 128 visible ASCII characters; drawn at random unless given.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub client_secret: Option<Password>,
    }
}

registration! {
    /// A client.
    Client [] {
        /// Its identifier.
        pub client_id: String,
        /// Whether it may be used.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub status: Option<Word<ClientStatus>>,
        /// Its secret: in the answer that makes it, and never again.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub client_secret: Option<Password>,
        /// Which secrets there are; left out of lists.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub secrets: Option<Vec<ClientSecret>>,
        /// When it was made.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub created_at: Option<DateTime>,
        /// When it was last changed.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub updated_at: Option<DateTime>,
    }
}

/// When a secret was made, and how long it is good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct ClientSecret {
    /// When it was made.
    pub created_at: DateTime,
    /// When it stops to count, if ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime>,
}

impl Client {
    /// A client as lists have it.
    pub fn listed(client: &domain::client::Client) -> Self {
        let document = Value::Object(ClientDetails::from(client).document());
        // What the domain keeps is described here in full; the tests hold them against one another.
        let registered: Self = serde_json::from_value(document).unwrap_or_default();
        Self {
            client_id: client.id.to_string(),
            status: Some(Word(client.status)),
            created_at: Some(client.created_at.into()),
            updated_at: Some(client.updated_at.into()),
            ..registered
        }
    }

    /// A client as the answer has it that makes it, with its secret.
    pub fn made(client: &domain::client::Client, secret: Option<&Secret>) -> Self {
        let client_secret = secret.map(|secret| Password(secret.expose().to_owned()));
        Self { client_secret, ..Self::shown(client) }
    }

    /// A client with what is known of its secrets.
    pub fn shown(client: &domain::client::Client) -> Self {
        let secret = |secret: &domain::client::ClientSecret| ClientSecret {
            created_at: secret.created_at.into(),
            expires_at: secret.expires_at.map(DateTime::from),
        };
        Self { secrets: Some(client.secrets.iter().map(secret).collect()), ..Self::listed(client) }
    }
}

impl Registration {
    /// The document, with what was left out left out.
    pub fn document(&self) -> Map<String, Value> {
        members(self)
    }
}

impl NewClient {
    /// What is to be registered: all but its identifier and its secret.
    pub fn registration(&self) -> Map<String, Value> {
        let mut document = members(self);
        document.remove("client_id");
        document.remove("client_secret");
        document
    }
}

fn members(body: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(body) {
        Ok(Value::Object(members)) => members,
        Ok(_) | Err(_) => Map::new(),
    }
}

/// A part of the list of clients.
#[derive(Clone, Debug, Serialize, Deserialize, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct ClientPart {
    /// The clients.
    pub items: Vec<Client>,
    /// `cursor` of the next part; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// How a secret is rotated.
#[derive(Clone, Debug, Default, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields, default)]
#[oai(skip_serializing_if_is_none)]
pub struct Rotation {
    /// How many seconds the former secrets are still good: 86400 unless given, 0 ends them now, 2592000 at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace_seconds: Option<u64>,
}

/// A new secret.
#[derive(Clone, Debug, Serialize, Deserialize, Object)]
pub struct NewSecret {
    /// Whose it is.
    pub client_id: String,
    /// The secret, this once.
    pub client_secret: Password,
    /// Until when the former ones are good.
    pub former_secrets_good_until: DateTime,
}

impl NewSecret {
    /// The secret of this client; its former ones are good until then.
    pub fn new(client: &ClientId, secret: &Secret, until: Timestamp) -> Self {
        Self {
            client_id: client.to_string(),
            client_secret: Password(secret.expose().to_owned()),
            former_secrets_good_until: until.into(),
        }
    }
}
