//! Claims of tokens and of userinfo.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::claims_request::{ClaimRequest, ClaimsRequest};
use super::scope::ScopeSet;
use super::session::AuthenticationMethod;
use super::user::{Address, Email, User, Username};
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
/// userinfo (§5.4); here are those that were asked for by name (§5.5).
#[derive(Clone, Debug, Serialize)]
pub struct IdTokenClaims<'a> {
    /// Issuer.
    pub iss: &'a str,
    /// The user, as this client knows them.
    pub sub: &'a str,
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
    /// What that proof is worth.
    pub acr: &'a str,
    /// How the user proved who they are (RFC 8176).
    pub amr: &'a [AuthenticationMethod],
    /// The session, while it is live.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<SessionId>,
    /// Half of the access token's hash (§3.1.3.6).
    pub at_hash: &'a str,
    /// What was asked for by name.
    #[serde(flatten)]
    pub requested: UserClaims,
}

/// Claims of a logout token (OpenID Connect Back-Channel Logout §2.4). There is no `nonce`, so that it never passes for
/// an ID token.
#[derive(Clone, Debug, Serialize)]
pub struct LogoutTokenClaims<'a> {
    /// Issuer.
    pub iss: &'a str,
    /// The user, as this client knows them.
    pub sub: &'a str,
    /// The client.
    pub aud: &'a ClientId,
    /// Begin, in Unix seconds.
    pub iat: i64,
    /// End, in Unix seconds.
    pub exp: i64,
    /// Different in each.
    pub jti: &'a str,
    /// The session.
    pub sid: SessionId,
    /// What it is: one event that says nothing more.
    pub events: LogoutEvents,
}

/// The one event of a logout token.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LogoutEvents {
    #[serde(rename = "http://schemas.openid.net/event/backchannel-logout")]
    backchannel_logout: Nothing,
}

/// An empty object.
#[derive(Clone, Debug, Default, Serialize)]
struct Nothing {}

/// Claims of a userinfo answer (OpenID Connect Core §5.3.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UserinfoClaims<'a> {
    /// Issuer; signed answers only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iss: Option<&'a str>,
    /// The client; signed answers only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aud: Option<&'a ClientId>,
    /// The user, as this client knows them.
    pub sub: &'a str,
    /// What scopes and names ask for.
    #[serde(flatten)]
    pub about: UserClaims,
}

/// The standard claims of a person (OpenID Connect Core §5.1), each with the scope that carries it (§5.4).
pub const STANDARD: [(&str, &str); 19] = [
    ("name", "profile"),
    ("given_name", "profile"),
    ("family_name", "profile"),
    ("middle_name", "profile"),
    ("nickname", "profile"),
    ("preferred_username", "profile"),
    ("profile", "profile"),
    ("picture", "profile"),
    ("website", "profile"),
    ("gender", "profile"),
    ("birthdate", "profile"),
    ("zoneinfo", "profile"),
    ("locale", "profile"),
    ("updated_at", "profile"),
    ("email", "email"),
    ("email_verified", "email"),
    ("address", "address"),
    ("phone_number", "phone"),
    ("phone_number_verified", "phone"),
];

/// Claims about the user that aren't in their record: who they are to the client, and how they signed in.
const OF_THE_SIGN_IN: [&str; 5] = ["sub", "auth_time", "acr", "amr", "sid"];

/// Every claim that may be had, for discovery.
pub fn supported() -> Vec<&'static str> {
    OF_THE_SIGN_IN.into_iter().chain(STANDARD.iter().map(|(claim, _)| *claim)).collect()
}

/// The scope that carries a claim; `None` for claims that no scope carries.
pub fn scope_of(claim: &str) -> Option<&'static str> {
    STANDARD.iter().find(|(name, _)| *name == claim).map(|(_, scope)| *scope)
}

/// Standard claims of one person, by name. An absent or empty one is left out, never null (§5.3.2).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct UserClaims(BTreeMap<&'static str, Value>);

impl UserClaims {
    /// What userinfo gives to a client that may have `allowed`: what the token's `scope` carries (§5.4) and what the
    /// `claims` parameter names for userinfo (§5.5).
    pub fn at_userinfo(user: &User, scope: &ScopeSet, request: Option<&ClaimsRequest>, allowed: &ScopeSet) -> Self {
        let request = request.map(|claims| &claims.userinfo);
        Self::of(user, |claim, carrier| scope.contains(carrier) || asked(request, claim, carrier, allowed))
    }

    /// What an ID token has for a client that may have `allowed`: what the `claims` parameter names for it. With an
    /// access token beside it, scopes put nothing in (§5.4).
    pub fn in_id_token(user: &User, request: Option<&ClaimsRequest>, allowed: &ScopeSet) -> Self {
        let Some(request) = request else { return Self::default() };
        Self::of(user, |claim, scope| asked(Some(&request.id_token), claim, scope, allowed))
    }

    fn of(user: &User, wanted: impl Fn(&str, &str) -> bool) -> Self {
        let given = STANDARD.iter().filter(|(claim, scope)| wanted(claim, scope));
        Self(given.filter_map(|(claim, _)| Some((*claim, value(user, claim)?))).collect())
    }
}

/// Whether a claim was asked for by name and may be given: only if the client may have the scope that carries it. A
/// wanted value that isn't the person's changes nothing: they have the one that they have (§5.5.1).
fn asked(request: Option<&BTreeMap<String, ClaimRequest>>, claim: &str, scope: &str, allowed: &ScopeSet) -> bool {
    request.is_some_and(|request| request.contains_key(claim)) && allowed.contains(scope)
}

/// The person's value of a claim.
fn value(user: &User, claim: &str) -> Option<Value> {
    let profile = &user.profile;
    let text = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(Value::from);
    match claim {
        "name" => text(profile.name.as_deref()),
        "given_name" => text(profile.given_name.as_deref()),
        "family_name" => text(profile.family_name.as_deref()),
        "middle_name" => text(profile.middle_name.as_deref()),
        "nickname" => text(profile.nickname.as_deref()),
        "preferred_username" => text(user.username.as_ref().map(Username::as_str)),
        "profile" => text(profile.profile.as_deref()),
        "picture" => text(profile.picture.as_deref()),
        "website" => text(profile.website.as_deref()),
        "gender" => text(profile.gender.as_deref()),
        "birthdate" => text(profile.birthdate.as_deref()),
        "zoneinfo" => text(profile.zoneinfo.as_deref()),
        "locale" => text(profile.locale.as_deref()),
        "updated_at" => Some(user.updated_at.seconds().into()),
        "email" => text(user.email.as_ref().map(Email::as_str)),
        "email_verified" => user.email.as_ref().map(|_| user.email_verified.into()),
        "address" => profile.address.as_ref().and_then(address),
        "phone_number" => text(profile.phone_number.as_deref()),
        "phone_number_verified" => {
            text(profile.phone_number.as_deref()).map(|_| profile.phone_number_verified.unwrap_or(false).into())
        }
        _ => None,
    }
}

fn address(address: &Address) -> Option<Value> {
    let Value::Object(mut members) = serde_json::to_value(address).ok()? else { return None };
    members.retain(|_, value| value.as_str().is_some_and(|text| !text.is_empty()));
    (!members.is_empty()).then_some(Value::Object(members))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn every_scope_that_is_known_carries_something() {
        let carried: std::collections::BTreeSet<_> = STANDARD.iter().map(|(_, scope)| *scope).collect();
        let known: std::collections::BTreeSet<_> = super::super::provider_metadata::SCOPES.into();
        assert_eq!(known.difference(&carried).collect::<Vec<_>>(), [&"offline_access", &"openid"]);
    }

    #[test]
    fn claims_that_sign_ins_make_come_from_no_scope() {
        assert!(OF_THE_SIGN_IN.iter().all(|claim| scope_of(claim).is_none()));
        let names: std::collections::BTreeSet<_> = supported().into_iter().collect();
        assert_eq!(names.len(), supported().len());
    }

    /// Nothing that a client asks for by name can take the place of a claim that the provider vouches for.
    #[test]
    fn a_standard_claim_is_none_of_an_id_tokens_own() {
        let claims = IdTokenClaims {
            iss: "",
            sub: "",
            aud: &"a".parse().unwrap(),
            exp: 0,
            iat: 0,
            auth_time: 0,
            nonce: Some(""),
            acr: "",
            amr: &[],
            sid: Some(SessionId::from_uuid(uuid::Uuid::nil())),
            at_hash: "",
            requested: UserClaims::default(),
        };
        let own = serde_json::to_value(claims).unwrap();
        assert!(own.as_object().unwrap().keys().all(|claim| scope_of(claim).is_none()));
    }
}
