//! Issues tokens. Whatever way somebody came here, the claims of an access token are made in this one place.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keys::{Algorithm, SignError, TokenType};

use super::ctx::Ctx;
use super::sessions::policy;
use super::{Failure, key_rings, subject_identifier};
use crate::domain::acr::Acr;
use crate::domain::claims::{AccessTokenClaims, IdTokenClaims, UserClaims};
use crate::domain::claims_request::ClaimsRequest;
use crate::domain::client::{Client, SubjectType};
use crate::domain::grant::Authentication;
use crate::domain::scope::ScopeSet;
use crate::domain::session::SessionOrigin;
use crate::domain::tenant::Tenant;
use crate::domain::user::{Email, User};
use crate::domain::{GrantId, SessionId, Timestamp};
use crate::telemetry::metrics::TokenKind;

/// `aud` of a service's own tokens, where its registration names no other.
pub const SERVICE_AUDIENCE: &str = "services";
/// `roles` of a service's own tokens, where its registration names no others.
pub const SERVICE_ROLE: &str = "service";

/// An access token and how long it lives.
#[derive(Clone, Debug)]
pub struct AccessToken {
    /// The token (RFC 9068).
    pub jwt: String,
    /// Its life.
    pub lifetime: Duration,
    /// What it allows.
    pub scope: ScopeSet,
}

impl From<SignError> for Failure {
    fn from(error: SignError) -> Self {
        tracing::error!(error = %error, "a token can't be signed");
        Self::Internal
    }
}

/// A service's own token (RFC 6749 §4.4): one signature and no database when warm. `audience` is what it asked for.
pub async fn service_token(
    ctx: &Ctx,
    tenant: &Tenant,
    client: &Client,
    scope: ScopeSet,
    audience: Option<&str>,
) -> Result<AccessToken, Failure> {
    let lifetime = client.metadata.access_token_lifetime(ctx.config.tokens.service_token_lifetime);
    let signer = key_rings::signer(ctx, tenant.id, client.metadata.access_token_signed_response_alg).await?;
    let now = ctx.now();
    let jti = service_jti(ctx, &Ends::of(tenant, client));
    let roles = &client.metadata.roles;
    let claims = AccessTokenClaims {
        iss: tenant.issuer.as_str(),
        aud: audience.or(client.metadata.audience.as_deref()).unwrap_or(SERVICE_AUDIENCE),
        sub: client.id.as_str(),
        tid: tenant.id,
        roles: if roles.is_empty() { vec![SERVICE_ROLE] } else { roles.iter().map(String::as_str).collect() },
        email: None,
        exp: (now + lifetime).seconds(),
        iat: now.seconds(),
        jti: &jti,
        client_id: &client.id,
        scope: &scope.to_string(),
        sid: None,
        auth_time: None,
    };
    let jwt = key_rings::sign(&signer, TokenType::AccessToken, &claims)?;
    ctx.operations.metrics.tokens.count(TokenKind::Access);
    Ok(AccessToken { jwt, lifetime, scope })
}

/// What ends a service's own tokens: the last end of all that the tenant had and of all that the client had, and that the
/// client isn't the one any more that it was. A token says what it knew of these, so that it ends with the next of them
/// whatever clock it was made by: no two ends have the same time ([`crate::store::sweeps`]), but two clocks may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends([i64; 3]);

impl Ends {
    /// As they are now.
    pub fn of(tenant: &Tenant, client: &Client) -> Self {
        let last = |end: Option<Timestamp>| end.map_or(0, Timestamp::millis);
        Self([last(tenant.sessions_since), last(client.grants_since), client.created_at.millis()])
    }

    /// What a service's own token of this `jti` knew; `None` of one that an early version made.
    pub fn of_jti(jti: &str) -> Option<Self> {
        let bytes: [u8; SERVICE_JTI] = URL_SAFE_NO_PAD.decode(jti).ok()?.try_into().ok()?;
        let mut times =
            bytes.chunks_exact(6).map(|time| time.iter().fold(0, |read, byte| read << 8 | i64::from(*byte)));
        Some(Self([times.next()?, times.next()?, times.next()?]))
    }
}

/// How many bytes the `jti` of a service's own token has: three times of six bytes, and 144 random bits.
const SERVICE_JTI: usize = 36;

fn service_jti(ctx: &Ctx, Ends(times): &Ends) -> String {
    let mut bytes = [0; SERVICE_JTI];
    let (known, random) = bytes.split_at_mut(18);
    for (place, time) in known.chunks_exact_mut(6).zip(times) {
        place.iter_mut().zip(time.to_be_bytes().into_iter().skip(2)).for_each(|(byte, of_time)| *byte = of_time);
    }
    ctx.random.fill(random);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// When a service's own token was made that an early version made: to the millisecond, or the beginning of the second that
/// it was made in, where its `jti` tells no moment of that second.
pub fn made_at(jti: Option<&str>, iat: i64) -> Timestamp {
    let second = Timestamp::from_seconds(iat);
    let told = || {
        let bytes: [u8; 24] = URL_SAFE_NO_PAD.decode(jti?).ok()?.try_into().ok()?;
        let millis = bytes.into_iter().take(6).fold(0, |millis, byte| millis << 8 | i64::from(byte));
        Some(Timestamp::from_millis(millis)).filter(|told| told.seconds() == iat)
    };
    told().unwrap_or(second)
}

/// What a user's tokens come from.
#[derive(Clone, Debug)]
pub struct UserGrant {
    /// Whose.
    pub user: User,
    /// In which session; `None` where it has ended.
    pub session_id: Option<SessionId>,
    /// Which way the session began.
    pub origin: Option<SessionOrigin>,
    /// Of which grant.
    pub grant_id: GrantId,
    /// What the tokens allow.
    pub scope: ScopeSet,
    /// `nonce` of the request, for the first ID token.
    pub nonce: Option<String>,
    /// How and when the person proved who they are.
    pub authentication: Authentication,
    /// The claims that were asked for one by one.
    pub claims: Option<ClaimsRequest>,
}

/// A user's access token, and an ID token where `openid` was granted.
pub async fn user_tokens(
    ctx: &Ctx,
    tenant: &Tenant,
    client: &Client,
    grant: &UserGrant,
) -> Result<(AccessToken, Option<String>), Failure> {
    let subject = subject_identifier::of(ctx, tenant.id, client, grant.user.id).await?;
    let access_token = user_access_token(ctx, tenant, client, grant, &subject).await?;
    if !grant.scope.contains("openid") {
        return Ok((access_token, None));
    }
    let algorithm = client.metadata.id_token_signed_response_alg;
    let signer = key_rings::signer(ctx, tenant.id, algorithm).await?;
    let now = ctx.now();
    let claims = IdTokenClaims {
        iss: tenant.issuer.as_str(),
        sub: &subject,
        aud: &client.id,
        exp: (now + ctx.config.tokens.id_token_lifetime).seconds(),
        iat: now.seconds(),
        auth_time: grant.authentication.time.seconds(),
        nonce: grant.nonce.as_deref(),
        acr: grant.authentication.acr.as_deref().unwrap_or(Acr::of(&grant.authentication.amr).as_str()),
        amr: &grant.authentication.amr,
        sid: grant.session_id,
        at_hash: &left_half_hash(algorithm, &access_token.jwt),
        requested: UserClaims::in_id_token(&grant.user, grant.claims.as_ref(), &client.metadata.scope),
    };
    let id_token = key_rings::sign(&signer, TokenType::IdToken, &claims)?;
    ctx.operations.metrics.tokens.count(TokenKind::Id);
    Ok((access_token, Some(id_token)))
}

async fn user_access_token(
    ctx: &Ctx,
    tenant: &Tenant,
    client: &Client,
    grant: &UserGrant,
    subject: &str,
) -> Result<AccessToken, Failure> {
    let usual = match grant.origin {
        Some(SessionOrigin::FirstParty) => policy::of_first_party(&tenant.settings).access_token_lifetime,
        Some(SessionOrigin::Page) | None => ctx.config.tokens.access_token_lifetime,
    };
    let lifetime = client.metadata.access_token_lifetime(usual);
    let signer = key_rings::signer(ctx, tenant.id, client.metadata.access_token_signed_response_alg).await?;
    let now = ctx.now();
    let issuer = tenant.issuer.as_str();
    let audience = client.metadata.audience.as_deref().or(tenant.settings.default_audience.as_deref());
    // An address would tell who it is to a client that isn't to know; one that may read it at userinfo may.
    let pairwise = client.metadata.subject_type == SubjectType::Pairwise;
    let email = grant.user.email.as_ref().filter(|_| !pairwise || grant.scope.contains("email"));
    let claims = AccessTokenClaims {
        iss: issuer,
        aud: audience.unwrap_or(issuer),
        sub: subject,
        tid: tenant.id,
        roles: grant.user.roles.iter().map(String::as_str).collect(),
        email: email.map(Email::as_str),
        exp: (now + lifetime).seconds(),
        iat: now.seconds(),
        jti: &grant_jti(ctx, grant.grant_id),
        client_id: &client.id,
        scope: &grant.scope.to_string(),
        sid: grant.session_id,
        auth_time: Some(grant.authentication.time.seconds()),
    };
    let jwt = key_rings::sign(&signer, TokenType::AccessToken, &claims)?;
    ctx.operations.metrics.tokens.count(TokenKind::Access);
    Ok(AccessToken { jwt, lifetime, scope: grant.scope.clone() })
}

/// The `jti` of a grant's token: the grant's id and 64 random bits, so that a token resolves to its grant without a
/// row of its own.
fn grant_jti(ctx: &Ctx, grant: GrantId) -> String {
    let mut bytes = [0; 24];
    let (id, rest) = bytes.split_at_mut(16);
    id.copy_from_slice(grant.uuid().as_bytes());
    ctx.random.fill(rest);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What is wrong with a text that names no grant: it is no `jti` of ours, or that of a service's own token.
pub const NAMES_NO_GRANT: &str = "must be the jti of a person's access token";

/// The grant that a user token's `jti` names.
pub fn grant_of_jti(jti: &str) -> Option<GrantId> {
    let bytes: [u8; 24] = URL_SAFE_NO_PAD.decode(jti).ok()?.try_into().ok()?;
    let id: [u8; 16] = bytes.get(..16)?.try_into().ok()?;
    Some(GrantId::from_uuid(uuid::Uuid::from_bytes(id)))
}

/// `at_hash` (OpenID Connect Core §3.1.3.6): the left half of the hash that the algorithm uses. For `EdDSA` on
/// Ed25519 that is SHA-512.
fn left_half_hash(algorithm: Algorithm, token: &str) -> String {
    let hash: Vec<u8> = match algorithm {
        Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Es256 => openssl::sha::sha256(token.as_bytes()).to_vec(),
        Algorithm::Es384 => openssl::sha::sha384(token.as_bytes()).to_vec(),
        Algorithm::EdDsa => openssl::sha::sha512(token.as_bytes()).to_vec(),
    };
    URL_SAFE_NO_PAD.encode(hash.get(..hash.len() / 2).unwrap_or(&hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_services_token_tells_its_millisecond_if_that_is_of_its_second() {
        let jti = |millis: i64| {
            let time = millis.to_be_bytes().into_iter().skip(2);
            URL_SAFE_NO_PAD.encode(time.chain([7; 18]).collect::<Vec<_>>())
        };
        let at = 1_893_456_000_123;
        assert_eq!(made_at(Some(&jti(at)), 1_893_456_000).millis(), at);
        for other in [Some(&*jti(at + 1000)), Some(&*jti(at - 1000)), Some(""), Some("AAAA"), Some("not base64!"), None]
        {
            assert_eq!(made_at(other, 1_893_456_000).millis(), 1_893_456_000_000, "{other:?}");
        }
    }
}
