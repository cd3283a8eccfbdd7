//! A row of the route table.

use poem::http::Method;

use crate::domain::rate_limit::Limited;

/// The callers that a route serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// OAuth clients and resource servers: tokens, claims, keys, metadata.
    Client,
    /// Administrators and their programs: `/v1/admin`.
    Admin,
    /// First-party apps: `/v1/auth`.
    FirstParty,
    /// Operators, at the legacy paths below `/v1/auth`.
    Operator,
    /// Users, in a browser.
    Page,
    /// All of them, outside of any tenant.
    Shared,
    /// Operators, on the management port alone.
    Management,
}

/// The cross-origin scripts that may call a route (Fetch §3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cors {
    /// None.
    Closed,
    /// Scripts of any origin: the route reads no cookie.
    AnyOrigin,
    /// Scripts of the origins that clients of the tenant registered (`allowed_origins`).
    RegisteredOrigins,
}

/// The form of errors that occur outside of the endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorStyle {
    /// RFC 6749 §5.2.
    OAuth,
    /// A page if the request accepts `text/html`, else a problem (RFC 9457).
    Negotiated,
}

/// An endpoint that is answered before the framework's request is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FastPath {
    /// Provider metadata.
    Metadata,
    /// Public keys.
    Jwks,
    /// Claims, by GET.
    Userinfo,
    /// Token introspection.
    Introspect,
    /// Tokens.
    Token,
}

impl FastPath {
    /// Whether requests of this method take it.
    pub fn takes(self, method: &Method) -> bool {
        match self {
            Self::Metadata | Self::Jwks | Self::Userinfo => *method == Method::GET,
            Self::Introspect | Self::Token => *method == Method::POST,
        }
    }
}

/// The credential in the reference's example, where the OpenAPI operation names none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExampleCredential {
    /// Only what the operation's `security` names.
    Documented,
    /// The client's id and secret, and a grant type.
    Client,
    /// An access token.
    AccessToken,
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// The path within a tenant, with parameters in braces at the end of a segment.
    pub path: &'static str,
    /// The length of the path before its first parameter.
    literal: usize,
    /// The methods, in the order of `Allow`. Without `OPTIONS`.
    pub methods: &'static [Method],
    /// The callers.
    pub audience: Audience,
    /// The rate limit that requests count towards.
    pub limit: Option<Limited>,
    /// The cross-origin scripts that may call.
    pub cors: Cors,
    /// The form of errors.
    pub error_style: ErrorStyle,
    /// The fast path, if the route has one.
    pub fast_path: Option<FastPath>,
    /// The credential in the reference's example.
    pub example: ExampleCredential,
}

impl Route {
    pub(super) const fn new(path: &'static str, methods: &'static [Method], audience: Audience) -> Self {
        Self {
            path,
            literal: literal_length(path),
            methods,
            audience,
            limit: None,
            cors: Cors::Closed,
            error_style: ErrorStyle::Negotiated,
            fast_path: None,
            example: ExampleCredential::Documented,
        }
    }

    /// A route for OAuth clients.
    pub(super) const fn client(path: &'static str, methods: &'static [Method]) -> Self {
        Self { error_style: ErrorStyle::OAuth, ..Self::new(path, methods, Audience::Client) }
    }

    /// A route of the admin API.
    pub(super) const fn admin(path: &'static str, methods: &'static [Method]) -> Self {
        Self::new(path, methods, Audience::Admin).limit(Limited::Admin)
    }

    /// A route of the first-party API.
    pub(super) const fn first_party(path: &'static str, methods: &'static [Method]) -> Self {
        Self::new(path, methods, Audience::FirstParty).limit(Limited::FirstParty).cors(Cors::RegisteredOrigins)
    }

    /// A page, under the limit of pages.
    pub(super) const fn page(path: &'static str, methods: &'static [Method]) -> Self {
        Self::new(path, methods, Audience::Page).limit(Limited::Pages)
    }

    pub(super) const fn limit(self, limit: Limited) -> Self {
        Self { limit: Some(limit), ..self }
    }

    pub(super) const fn cors(self, cors: Cors) -> Self {
        Self { cors, ..self }
    }

    pub(super) const fn fast_path(self, fast_path: FastPath) -> Self {
        Self { fast_path: Some(fast_path), ..self }
    }

    pub(super) const fn example(self, example: ExampleCredential) -> Self {
        Self { example, ..self }
    }

    /// The fast path that requests of this method take.
    pub fn fast_path_of(&self, method: &Method) -> Option<FastPath> {
        self.fast_path.filter(|fast_path| fast_path.takes(method))
    }

    /// Whether a path is one of this route's.
    pub(super) fn matches(&self, path: &str) -> bool {
        if self.literal == self.path.len() {
            return self.path == path;
        }
        if self.path.get(..self.literal) != path.get(..self.literal) {
            return false;
        }
        let mut segments = path.split('/');
        let fit = self.path.split('/').all(|expected| {
            let Some(segment) = segments.next() else { return false };
            match expected.find('{') {
                None => expected == segment,
                Some(brace) => segment.len() > brace && segment.get(..brace) == expected.get(..brace),
            }
        });
        fit && segments.next().is_none()
    }
}

const fn literal_length(path: &str) -> usize {
    let mut rest = path.as_bytes();
    let mut length = 0;
    while let [first, tail @ ..] = rest {
        if *first == b'{' {
            break;
        }
        rest = tail;
        length += 1;
    }
    length
}
