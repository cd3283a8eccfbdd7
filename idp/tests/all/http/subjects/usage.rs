//! The ways to use a subject: what comes of each, for each reason.

use idp::domain::client::GrantType;
use serde_json::Value;

use super::reason::Reason;

macro_rules! usages {
    ($($(#[$doc:meta])* $kind:ident,)*) => {
        /// A way to get or to use something in somebody's name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Usage { $($(#[$doc])* $kind,)* }

        impl Usage {
            pub(crate) const ALL: &[Self] = &[$(Self::$kind,)*];
        }
    };
}

usages! {
    Code,
    /// Of `offline_access`.
    RefreshToken,
    /// Of a client whose refresh tokens end with the session.
    BoundRefreshToken,
    ClientCredentials,
    /// The same at the address of old.
    M2mToken,
    /// An app's refresh token.
    AppRefresh,
    /// The same, in a cookie.
    AppRefreshByCookie,
    /// An app's access token, at every endpoint that takes one.
    AppBearer,
    Userinfo,
    UserinfoByPost,
    UserinfoByForm,
    IntrospectAccessToken,
    IntrospectRefreshToken,
    IntrospectServiceToken,
    /// A person's token, at every endpoint of the admin API.
    AdminByPerson,
    AdminByService,
    /// The session's cookie, at every page of the account console.
    Console,
    /// The session's cookie, at `/authorize` with `prompt=none`.
    SilentSignOn,
    /// The same with an ID token that says who it is to be.
    IdTokenHint,
    /// From here on sessions begin, of which a person has five at most: the last, therefore.
    SignInPage,
    AppSignIn,
    Password,
}

/// What must come of it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Expected {
    Refused,
    /// It isn't about that, and why that is as it should be.
    Works(&'static str),
}

/// The ways of a grant.
pub(super) fn of_grant(grant: GrantType) -> &'static [Usage] {
    match grant {
        GrantType::AuthorizationCode => &[Usage::Code],
        GrantType::ClientCredentials => &[Usage::ClientCredentials, Usage::M2mToken],
        GrantType::RefreshToken => {
            &[Usage::RefreshToken, Usage::BoundRefreshToken, Usage::AppRefresh, Usage::AppRefreshByCookie]
        }
        GrantType::Password => &[Usage::Password],
    }
}

/// An operation of the OpenAPI document.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) method: String,
    pub(super) path: String,
    /// What its callers show.
    pub(super) scheme: Option<String>,
}

impl Operation {
    /// All of them.
    pub(super) fn all() -> Vec<Self> {
        let document: Value = serde_json::from_str(&idp::http::openapi_service::openapi_document().unwrap()).unwrap();
        let mut found = Vec::new();
        for (path, operations) in document["paths"].as_object().unwrap() {
            for (method, operation) in operations.as_object().unwrap() {
                let schemes = operation["security"].as_array().into_iter().flatten();
                let scheme = schemes.flat_map(|scheme| scheme.as_object().unwrap().keys()).next().cloned();
                found.push(Self { method: method.to_uppercase(), path: path.clone(), scheme });
            }
        }
        found
    }

    /// Those whose callers show that.
    pub(super) fn of_scheme(scheme: &str) -> Vec<Self> {
        let found: Vec<Self> =
            Self::all().into_iter().filter(|found| found.scheme.as_deref() == Some(scheme)).collect();
        assert!(!found.is_empty(), "{scheme}");
        found
    }

    /// Whether it changes nothing.
    pub(super) fn only_reads(&self) -> bool {
        self.method == "GET"
    }

    /// The ways that it is; or why it is none.
    pub(super) fn usages(&self) -> Result<&'static [Usage], &'static str> {
        match (self.scheme.as_deref(), self.path.as_str()) {
            (Some("bearer"), path) if path.starts_with("/v1/admin/") => {
                Ok(&[Usage::AdminByPerson, Usage::AdminByService])
            }
            (Some("app"), path) if path.starts_with("/v1/auth/") => Ok(&[Usage::AppBearer]),
            (None, "/token") => Ok(&[
                Usage::Code,
                Usage::RefreshToken,
                Usage::BoundRefreshToken,
                Usage::ClientCredentials,
                Usage::Password,
            ]),
            (None, "/v1/auth/m2m/token") => Ok(&[Usage::M2mToken]),
            (None, "/v1/auth/login") => Ok(&[Usage::AppSignIn]),
            (None, "/v1/auth/refresh") => Ok(&[Usage::AppRefresh, Usage::AppRefreshByCookie]),
            (None, "/userinfo") => Ok(&[Usage::Userinfo, Usage::UserinfoByPost, Usage::UserinfoByForm]),
            (None, "/introspect") => {
                Ok(&[Usage::IntrospectAccessToken, Usage::IntrospectRefreshToken, Usage::IntrospectServiceToken])
            }
            (None, "/v1/auth/register" | "/v1/auth/signup") => Err("makes somebody who wasn't there"),
            (None, "/revoke" | "/v1/auth/logout") => Err("ends what is presented, and gives nothing"),
            (None, "/v1/auth/config" | "/v1/auth/health" | "/jwks") => Err("everybody may know it"),
            (Some("management"), "/v1/auth/metrics") => Err("is for a token that is nobody's"),
            (None, path) if path.starts_with("/.well-known/") => Err("everybody may know it"),
            other => panic!("{other:?} is new: which way to use a subject is it? None: say why"),
        }
    }
}

impl Usage {
    /// What must come of it.
    pub(crate) fn expected(self, reason: Reason) -> Expected {
        use Expected::{Refused, Works};
        const ANEW: Expected = Works("who signs in anew begins anew");
        const SERVICE: Expected = Works("a service is no person, and gets what it gets anew");
        const LIVES_ON: Expected = Works("the session lives on, and may get new grants");
        match (self, reason) {
            (Self::RefreshToken | Self::IntrospectRefreshToken, Reason::SessionEnded) => {
                Works("what was given for when the person is away outlives the session")
            }
            (
                Self::ClientCredentials | Self::M2mToken,
                Reason::UserDisabled
                | Reason::UserLocked
                | Reason::UserDeleted
                | Reason::PasswordChanged
                | Reason::SessionEnded
                | Reason::AllOfUserEnded
                | Reason::GrantsRevoked
                | Reason::ConsentWithdrawn
                | Reason::GrantsOfClientEnded
                | Reason::LockDown,
            )
            | (
                Self::IntrospectServiceToken | Self::AdminByService,
                Reason::UserDisabled
                | Reason::UserLocked
                | Reason::UserDeleted
                | Reason::PasswordChanged
                | Reason::SessionEnded
                | Reason::AllOfUserEnded
                | Reason::GrantsRevoked
                | Reason::ConsentWithdrawn,
            ) => SERVICE,
            (
                Self::SignInPage | Self::AppSignIn | Self::Password,
                Reason::SessionEnded
                | Reason::AllOfUserEnded
                | Reason::GrantsRevoked
                | Reason::ConsentWithdrawn
                | Reason::GrantsOfClientEnded
                | Reason::LockDown,
            ) => ANEW,
            (
                Self::BoundRefreshToken | Self::AppRefresh | Self::AppRefreshByCookie | Self::AppBearer,
                Reason::ConsentWithdrawn,
            ) => Works("another client's"),
            (
                Self::Console,
                Reason::GrantsRevoked
                | Reason::ConsentWithdrawn
                | Reason::ClientDisabled
                | Reason::ClientDeleted
                | Reason::GrantsOfClientEnded,
            )
            | (Self::SilentSignOn | Self::IdTokenHint, Reason::GrantsRevoked | Reason::GrantsOfClientEnded) => LIVES_ON,
            (
                Self::Code
                | Self::RefreshToken
                | Self::BoundRefreshToken
                | Self::ClientCredentials
                | Self::M2mToken
                | Self::AppRefresh
                | Self::AppRefreshByCookie
                | Self::AppBearer
                | Self::Userinfo
                | Self::UserinfoByPost
                | Self::UserinfoByForm
                | Self::IntrospectAccessToken
                | Self::IntrospectRefreshToken
                | Self::IntrospectServiceToken
                | Self::AdminByPerson
                | Self::AdminByService
                | Self::Console
                | Self::SilentSignOn
                | Self::IdTokenHint
                | Self::SignInPage
                | Self::AppSignIn
                | Self::Password,
                Reason::UserDisabled
                | Reason::UserLocked
                | Reason::UserDeleted
                | Reason::PasswordChanged
                | Reason::SessionEnded
                | Reason::AllOfUserEnded
                | Reason::GrantsRevoked
                | Reason::ConsentWithdrawn
                | Reason::ClientDisabled
                | Reason::ClientDeleted
                | Reason::GrantsOfClientEnded
                | Reason::LockDown
                | Reason::TenantSuspended,
            ) => Refused,
        }
    }

    /// What is said where it is refused: status and body; of a browser, where it is sent, or the status of its page.
    pub(crate) fn refusal(self, reason: Reason) -> &'static str {
        const CLIENT: &str = r#"401 {"error":"invalid_client","error_description":"the client is unknown, disabled, or did not authenticate with its registered method and credentials"}"#;
        const NOWHERE: &str =
            r#"404 {"type":"about:blank","title":"Not Found","status":404,"detail":"There is no such tenant."}"#;
        const CODE: &str = r#"400 {"error":"invalid_grant","error_description":"the code is unknown, has expired, was used before, or belongs to another client"}"#;
        const OVER: &str = r#"400 {"error":"invalid_grant","error_description":"the user's session has ended"}"#;
        const REFRESH: &str = r#"400 {"error":"invalid_grant","error_description":"the refresh token is unknown, has expired, was used before or revoked, or belongs to another client"}"#;
        const PASSWORD: &str =
            r#"400 {"error":"invalid_grant","error_description":"the name or the password is wrong"}"#;
        const TOKEN: &str =
            r#"401 {"error":"invalid_token","error_description":"the access token is invalid, expired or revoked"}"#;
        const NO_APP: &str = r#"400 {"type":"about:blank","title":"Bad Request","status":400,"detail":"client_id names none of the tenant's own apps: public clients with consent implied and refresh tokens."}"#;
        const APP_REFRESH: &str = r#"401 {"type":"about:blank","title":"Unauthorized","status":401,"detail":"The refresh token is unknown, has expired, was used before or revoked, or belongs to another client."}"#;
        const APP_SIGN_IN: &str = r#"401 {"type":"about:blank","title":"Unauthorized","status":401,"detail":"The e-mail address, user name or password isn't right."}"#;
        const APP_TOKEN: &str = r#"401 {"type":"about:blank","title":"Unauthorized","status":401,"detail":"The access token is invalid, expired or revoked, or isn't one of an app of the tenant's own."}"#;
        const ADMIN: &str = r#"401 {"type":"about:blank","title":"Unauthorized","status":401,"detail":"The access token is invalid, expired or revoked."}"#;
        const INACTIVE: &str = r#"200 {"active":false}"#;
        let gone = matches!(reason, Reason::ClientDisabled | Reason::ClientDeleted);
        match self {
            Self::Console | Self::SilentSignOn | Self::IdTokenHint | Self::SignInPage
                if reason == Reason::TenantSuspended =>
            {
                "404"
            }
            _ if reason == Reason::TenantSuspended => NOWHERE,
            Self::Code
            | Self::RefreshToken
            | Self::BoundRefreshToken
            | Self::ClientCredentials
            | Self::M2mToken
            | Self::IntrospectRefreshToken
            | Self::Password
                if gone =>
            {
                CLIENT
            }
            Self::Code if reason == Reason::UserDeleted => CODE,
            Self::Code => OVER,
            Self::RefreshToken | Self::BoundRefreshToken => REFRESH,
            Self::ClientCredentials | Self::M2mToken => CLIENT,
            Self::Password => PASSWORD,
            Self::AppRefresh | Self::AppRefreshByCookie | Self::AppSignIn if gone => NO_APP,
            Self::AppRefresh | Self::AppRefreshByCookie => APP_REFRESH,
            Self::AppSignIn => APP_SIGN_IN,
            Self::AppBearer => APP_TOKEN,
            Self::Userinfo | Self::UserinfoByPost | Self::UserinfoByForm => TOKEN,
            Self::IntrospectAccessToken | Self::IntrospectRefreshToken | Self::IntrospectServiceToken => INACTIVE,
            Self::AdminByPerson | Self::AdminByService => ADMIN,
            Self::Console => "/t/acme/login",
            Self::SilentSignOn | Self::IdTokenHint | Self::SignInPage if gone => "400",
            Self::SilentSignOn | Self::IdTokenHint if reason == Reason::ConsentWithdrawn => "consent_required",
            Self::SilentSignOn | Self::IdTokenHint => "login_required",
            Self::SignInPage => "422",
        }
    }

    /// Whether a browser does it.
    pub(super) fn is_by_browser(self) -> bool {
        matches!(self, Self::Console | Self::SilentSignOn | Self::IdTokenHint | Self::SignInPage)
    }
}
