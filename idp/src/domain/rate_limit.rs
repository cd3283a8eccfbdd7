//! Names of the rate limits on requests.

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limited {
    /// `/token`, and its legacy path.
    Token,
    /// `/introspect`
    Introspection,
    /// `/revoke`
    Revocation,
    /// `/userinfo`
    Userinfo,
    /// `/authorize`
    Authorization,
    /// The hosted pages.
    Pages,
    /// `/v1/auth/*`
    FirstParty,
    /// `/v1/admin/*`
    Admin,
    /// All requests in which one client authenticates.
    Client,
}

impl Limited {
    /// The name in `RateLimit` and `RateLimit-Policy`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Introspection => "introspection",
            Self::Revocation => "revocation",
            Self::Userinfo => "userinfo",
            Self::Authorization => "authorization",
            Self::Pages => "pages",
            Self::FirstParty => "first-party",
            Self::Admin => "admin",
            Self::Client => "client",
        }
    }
}
