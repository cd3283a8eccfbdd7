//! Clients: the applications and services that a tenant's tokens are for.

mod validation;

use std::collections::BTreeSet;
use std::time::Duration;

use keys::{Algorithm, ClientAlgorithm};
use serde::{Deserialize, Serialize};

use super::ids::CredentialId;
use super::origin::Origin;
use super::redirect_uri::RedirectUri;
use super::scope::ScopeSet;
use super::{ClientId, Timestamp};

pub use validation::ClientMetadataError;

/// A client of a tenant.
#[derive(Clone, Debug, PartialEq)]
pub struct Client {
    /// Its identifier.
    pub id: ClientId,
    /// Whether it may be used.
    pub status: ClientStatus,
    /// Its name for people.
    pub name: String,
    /// What was registered.
    pub metadata: ClientMetadata,
    /// Its secrets that haven't expired; more than one while one replaces another.
    pub secrets: Vec<ClientSecret>,
    /// What it was given until then doesn't count: all of it was taken back at once.
    pub grants_since: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Client {
    /// Whether it can keep a secret (RFC 6749 §2.1).
    pub fn is_confidential(&self) -> bool {
        self.metadata.token_endpoint_auth_method != ClientAuthMethod::None
    }

    /// Whether the redirect URI is one of those registered.
    pub fn admits_redirect(&self, requested: &RedirectUri) -> bool {
        self.metadata.redirect_uris.iter().any(|registered| registered.admits(requested))
    }
}

/// Whether a client may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientStatus {
    /// In use.
    Active,
    /// Switched off: it gets no tokens and its requests are refused.
    Disabled,
}

/// A client secret as the database knows it: SHA-256 of 256 random bits in base64url.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSecret {
    /// Its identifier.
    pub id: CredentialId,
    /// SHA-256 of the secret's text.
    pub hash: [u8; 32],
    /// The secret's text itself, sealed, where the client signs with it.
    pub sealed: Option<Vec<u8>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops to count.
    pub expires_at: Option<Timestamp>,
}

/// What a client registered: RFC 7591 §2 names, and below them Signet's own settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClientMetadata {
    /// Where its users may be sent back to.
    #[serde(default)]
    pub redirect_uris: Vec<RedirectUri>,
    /// The grants that it may use at the token endpoint.
    pub grant_types: BTreeSet<GrantType>,
    /// How it proves itself at the token endpoint.
    pub token_endpoint_auth_method: ClientAuthMethod,
    /// The one algorithm of its assertions; any that its keys can do without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_signing_alg: Option<ClientAlgorithm>,
    /// Which way its secret may come (Signet's own).
    #[serde(default)]
    pub secret_transport: SecretTransport,
    /// The scopes that it may get.
    #[serde(default)]
    pub scope: ScopeSet,
    /// Its home page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<String>,
    /// Its logo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo_uri: Option<String>,
    /// Its privacy policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_uri: Option<String>,
    /// Its terms of service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tos_uri: Option<String>,
    /// Its public keys, a JWK Set (RFC 7517 §5), for `private_key_jwt` and request objects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks: Option<serde_json::Value>,
    /// Where its public keys are to be fetched, instead of `jwks`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// Where its request objects may be fetched (OpenID Connect Core §6.2); a fragment is the hash of what is there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub request_uris: Vec<String>,
    /// The one algorithm of its request objects; any that its keys can do without. HS256 only if it is said here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_object_signing_alg: Option<ClientAlgorithm>,
    /// Whether its authorization requests count only as request objects, and nothing beside one (RFC 9101 §10.5).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub require_signed_request_object: bool,
    /// Whether each client sees its users under the same identifier.
    #[serde(default)]
    pub subject_type: SubjectType,
    /// The document whose host names the sector of pairwise subjects (OpenID Connect Registration §5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sector_identifier_uri: Option<String>,
    /// Algorithm of its userinfo answers, which are JWTs then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub userinfo_signed_response_alg: Option<Algorithm>,
    /// `max_age` of requests that have none, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_max_age: Option<u64>,
    /// `acr_values` of requests that have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub default_acr_values: Vec<String>,
    /// Where a sign-in can be begun at the client (OpenID Connect Core §4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initiate_login_uri: Option<String>,
    /// Where its users may be sent to once they are signed out (OpenID Connect RP-Initiated Logout §3.1).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub post_logout_redirect_uris: Vec<RedirectUri>,
    /// What a frame shows to sign its users out there (OpenID Connect Front-Channel Logout §2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frontchannel_logout_uri: Option<RedirectUri>,
    /// Whether `iss` and `sid` must go with it. They always do.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub frontchannel_logout_session_required: bool,
    /// Where it takes logout tokens (OpenID Connect Back-Channel Logout §2.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backchannel_logout_uri: Option<String>,
    /// Whether logout tokens must have a `sid`. They always do.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub backchannel_logout_session_required: bool,
    /// Where its scripts come from, which may call the first-party API (Signet's own).
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub allowed_origins: BTreeSet<Origin>,
    /// How long its refresh tokens may outlive the sign-in (Signet's own).
    #[serde(default)]
    pub refresh_tokens: RefreshTokenPolicy,
    /// E-mail addresses of those responsible.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<String>,
    /// Algorithm of its ID tokens.
    #[serde(default = "rs256")]
    pub id_token_signed_response_alg: Algorithm,
    /// Algorithm of its access tokens (Signet's own).
    #[serde(default = "rs256")]
    pub access_token_signed_response_alg: Algorithm,
    /// `aud` of its access tokens, where not the default (Signet's own).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// `roles` of its own tokens (Signet's own).
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub roles: BTreeSet<String>,
    /// Life of its access tokens in seconds, where not the default (Signet's own).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_token_lifetime: Option<u32>,
    /// Whether people are asked before it gets anything (Signet's own).
    #[serde(default)]
    pub consent: ConsentPolicy,
    /// Whether it must use PKCE (Signet's own); a public client always must.
    #[serde(default)]
    pub pkce: PkcePolicy,
    /// Which rules it is held to (Signet's own).
    #[serde(default)]
    pub profile: ClientProfile,
}

const fn rs256() -> Algorithm {
    Algorithm::Rs256
}

impl ClientMetadata {
    /// The longest life of an access token that a client may register.
    pub const LONGEST_ACCESS_TOKEN_LIFETIME: Duration = Duration::from_hours(24);

    /// A client with these grants and this method, and nothing else.
    pub fn new(grant_types: impl IntoIterator<Item = GrantType>, method: ClientAuthMethod) -> Self {
        Self {
            redirect_uris: Vec::new(),
            grant_types: grant_types.into_iter().collect(),
            token_endpoint_auth_method: method,
            token_endpoint_auth_signing_alg: None,
            secret_transport: SecretTransport::default(),
            scope: ScopeSet::default(),
            client_uri: None,
            logo_uri: None,
            policy_uri: None,
            tos_uri: None,
            jwks: None,
            jwks_uri: None,
            request_uris: Vec::new(),
            request_object_signing_alg: None,
            require_signed_request_object: false,
            subject_type: SubjectType::default(),
            sector_identifier_uri: None,
            userinfo_signed_response_alg: None,
            default_max_age: None,
            default_acr_values: Vec::new(),
            initiate_login_uri: None,
            post_logout_redirect_uris: Vec::new(),
            frontchannel_logout_uri: None,
            frontchannel_logout_session_required: false,
            backchannel_logout_uri: None,
            backchannel_logout_session_required: false,
            allowed_origins: BTreeSet::new(),
            refresh_tokens: RefreshTokenPolicy::default(),
            contacts: Vec::new(),
            id_token_signed_response_alg: rs256(),
            access_token_signed_response_alg: rs256(),
            audience: None,
            roles: BTreeSet::new(),
            access_token_lifetime: None,
            consent: ConsentPolicy::default(),
            pkce: PkcePolicy::default(),
            profile: ClientProfile::default(),
        }
    }

    /// Whether its secret must be there to compute with, and isn't only compared.
    pub fn signs_with_secret(&self) -> bool {
        self.token_endpoint_auth_method == ClientAuthMethod::ClientSecretJwt
            || self.request_object_signing_alg == Some(ClientAlgorithm::Hs256)
    }

    /// The sector within which it sees its users under the same pairwise identifier (OpenID Connect Core §8.1): the
    /// host of its sector document, or else the one that all its redirect URIs have. `None` if it is a sector of its
    /// own: hosts of the device itself and private schemes are shared by applications that have nothing in common.
    pub fn sector(&self) -> Option<String> {
        if let Some(uri) = &self.sector_identifier_uri {
            return url::Url::parse(uri).ok()?.host_str().map(str::to_owned);
        }
        let mut hosts = self.redirect_uris.iter().map(RedirectUri::host);
        let first = hosts.next()??;
        let shared = !matches!(&*first, "127.0.0.1" | "[::1]" | "localhost");
        (shared && hosts.all(|host| host.as_ref() == Some(&first))).then_some(first)
    }

    /// Whether it may prove itself by this method.
    pub fn admits_method(&self, used: ClientAuthMethod) -> bool {
        let registered = self.token_endpoint_auth_method;
        registered == used
            || (self.secret_transport == SecretTransport::Either && registered.is_secret() && used.is_secret())
    }

    /// Life of its access tokens.
    pub fn access_token_lifetime(&self, default: Duration) -> Duration {
        self.access_token_lifetime.map_or(default, |seconds| Duration::from_secs(u64::from(seconds)))
    }
}

macro_rules! wire_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant),+ }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its name on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The one of that name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

wire_enum!(
    /// A grant type at the token endpoint.
    GrantType {
        /// RFC 6749 §4.1.
        AuthorizationCode = "authorization_code",
        /// RFC 6749 §4.4.
        ClientCredentials = "client_credentials",
        /// RFC 6749 §6.
        RefreshToken = "refresh_token",
        /// RFC 6749 §4.3, for clients of the profile [`ClientProfile::Compat`] alone.
        Password = "password",
    }
);

wire_enum!(
    /// Which rules a client is held to.
    #[derive(Default)]
    ClientProfile {
        /// OAuth 2.1: the code flow with PKCE, exact redirect URIs, no passwords in the client's hands.
        #[default]
        Oauth21 = "oauth21",
        /// What clients of old need: it may register the grant type `password`.
        Compat = "compat",
    }
);

wire_enum!(
    /// How a client proves itself at the token endpoint (OpenID Connect Core §9).
    ClientAuthMethod {
        /// HTTP Basic (RFC 6749 §2.3.1).
        ClientSecretBasic = "client_secret_basic",
        /// Secret in the form.
        ClientSecretPost = "client_secret_post",
        /// An assertion signed with the secret (RFC 7523).
        ClientSecretJwt = "client_secret_jwt",
        /// An assertion signed with a key pair (RFC 7523).
        PrivateKeyJwt = "private_key_jwt",
        /// A public client: it proves nothing.
        None = "none",
    }
);

wire_enum!(
    /// Whether clients see a user under the same identifier (OpenID Connect Core §8).
    #[derive(Default)]
    SubjectType {
        /// All see the same.
        #[default]
        Public = "public",
        /// Each sector sees its own.
        Pairwise = "pairwise",
    }
);

impl ClientAuthMethod {
    /// Whether the proof is the shared secret itself.
    pub const fn is_secret(self) -> bool {
        matches!(self, Self::ClientSecretBasic | Self::ClientSecretPost)
    }

    /// Whether there is a shared secret, be it sent or signed with.
    pub const fn uses_secret(self) -> bool {
        matches!(self, Self::ClientSecretBasic | Self::ClientSecretPost | Self::ClientSecretJwt)
    }

    /// Whether the proof is a signed assertion.
    pub const fn is_assertion(self) -> bool {
        matches!(self, Self::ClientSecretJwt | Self::PrivateKeyJwt)
    }
}

/// Which way a client's secret may come. Libraries differ in what they do without being told, and to the secret it
/// makes no difference; a registration that names its method holds the client to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretTransport {
    /// By the registered method alone.
    #[default]
    AsRegistered,
    /// In the header or in the form, as the client's library likes (RFC 6749 §2.3.1).
    Either,
}

/// What a client's refresh tokens die with, beside all that ends any of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefreshTokenPolicy {
    /// They outlive the session: what `offline_access` says (OpenID Connect Core §11).
    #[default]
    Offline,
    /// They end with the session, at the latest when the person signs out.
    Session,
}

/// Whether people are asked before a client gets anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsentPolicy {
    /// Once for each scope; the answer is remembered.
    #[default]
    Ask,
    /// Never: one of the tenant's own applications.
    Implied,
}

/// Whether a confidential client must use PKCE.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PkcePolicy {
    /// It must (RFC 9700 §2.1.1).
    #[default]
    Required,
    /// It may.
    Optional,
}
