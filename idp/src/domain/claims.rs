//! Claims of tokens and of userinfo.

use serde::Serialize;

use super::scope::ScopeSet;
use super::session::AuthenticationMethod;
use super::user::{Address, User};
use super::{ClientId, SessionId, TenantId};

/// Claims of an access token: what `mission.md` fixes for every way of signing in (`iss aud sub tid roles email
/// exp`), and those of RFC 9068 §2.2 and `sid` on top.
#[derive(Clone, Debug, Serialize)]
pub struct AccessTokenClaims<'a> {
    /// Issuer.
    pub iss: &'a str,
    /// Whom it is for.
    pub aud: &'a str,
    /// The user, or the client itself.
    pub sub: &'a str,
    /// The tenant.
    pub tid: TenantId,
    /// Roles of the user or of the service.
    pub roles: Vec<&'a str>,
    /// E-mail address of the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<&'a str>,
    /// End, in Unix seconds.
    pub exp: i64,
    /// Begin, in Unix seconds.
    pub iat: i64,
    /// Identifier of the token; says which grant it belongs to.
    pub jti: &'a str,
    /// The client.
    pub client_id: &'a ClientId,
    /// What it allows, space-separated; left out where it is nothing.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub scope: &'a str,
    /// The session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<SessionId>,
    /// When the user proved who they are, in Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
}

/// Claims of an ID token of the code flow (OpenID Connect Core §2, §3.1.3.6). Those that scopes ask for are at
/// userinfo (§5.4).
#[derive(Clone, Debug, Serialize)]
pub struct IdTokenClaims<'a> {
    /// Issuer.
    pub iss: &'a str,
    /// The user.
    pub sub: String,
    /// The client.
    pub aud: &'a ClientId,
    /// End, in Unix seconds.
    pub exp: i64,
    /// Begin, in Unix seconds.
    pub iat: i64,
    /// When the user proved who they are, in Unix seconds.
    pub auth_time: i64,
    /// As the request had it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<&'a str>,
    /// How the user proved who they are (RFC 8176).
    pub amr: &'a [AuthenticationMethod],
    /// The session.
    pub sid: SessionId,
    /// Half of the access token's hash (§3.1.3.6).
    pub at_hash: &'a str,
}

/// Claims at userinfo (OpenID Connect Core §5.3.2): `sub` always, the rest by scope (§5.4), never null.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct UserinfoClaims {
    /// The user.
    pub sub: String,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    profile: Option<ProfileClaims>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    email: Option<EmailClaims>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<Address>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    phone: Option<PhoneClaims>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
struct ProfileClaims {
    #[serde(skip_serializing_if = "Option::is_none")]
    preferred_username: Option<String>,
    updated_at: i64,
    #[serde(flatten)]
    rest: super::user::Profile,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct EmailClaims {
    email: String,
    email_verified: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct PhoneClaims {
    phone_number: String,
    phone_number_verified: bool,
}

impl UserinfoClaims {
    /// The claims of `user` that the scopes ask for.
    pub fn of(user: &User, scope: &ScopeSet) -> Self {
        let when = |value: &str| scope.contains(value).then_some(());
        Self {
            sub: user.id.to_string(),
            profile: when("profile").map(|()| ProfileClaims {
                preferred_username: user.username.as_ref().map(ToString::to_string),
                updated_at: user.updated_at.seconds(),
                rest: super::user::Profile {
                    phone_number: None,
                    phone_number_verified: None,
                    address: None,
                    ..user.profile.clone()
                },
            }),
            email: when("email")
                .and(user.email.as_ref())
                .map(|email| EmailClaims { email: email.to_string(), email_verified: user.email_verified }),
            address: when("address")
                .and_then(|()| user.profile.address.clone())
                .filter(|address| *address != Address::default()),
            phone: when("phone").and(user.profile.phone_number.as_ref()).map(|number| PhoneClaims {
                phone_number: number.clone(),
                phone_number_verified: user.profile.phone_number_verified.unwrap_or(false),
            }),
        }
    }

    /// The claims that may appear, as discovery lists them.
    pub const SUPPORTED: [&'static str; 20] = [
        "sub",
        "name",
        "given_name",
        "family_name",
        "middle_name",
        "nickname",
        "preferred_username",
        "profile",
        "picture",
        "website",
        "gender",
        "birthdate",
        "zoneinfo",
        "locale",
        "updated_at",
        "email",
        "email_verified",
        "address",
        "phone_number",
        "phone_number_verified",
    ];
}
