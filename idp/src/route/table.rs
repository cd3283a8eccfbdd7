//! The rows of the route table.

use poem::http::Method;

use super::row::{Audience, Cors, ExampleCredential, FastPath, Route};
use crate::domain::rate_limit::Limited;

const READ: &[Method] = &[Method::GET, Method::HEAD];
const POST: &[Method] = &[Method::POST];
const PUT: &[Method] = &[Method::PUT];
const DELETE: &[Method] = &[Method::DELETE];
const READ_POST: &[Method] = &[Method::GET, Method::HEAD, Method::POST];
const READ_DELETE: &[Method] = &[Method::GET, Method::HEAD, Method::DELETE];
const READ_PATCH_DELETE: &[Method] = &[Method::GET, Method::HEAD, Method::PATCH, Method::DELETE];
const READ_PUT_PATCH_DELETE: &[Method] = &[Method::GET, Method::HEAD, Method::PUT, Method::PATCH, Method::DELETE];
/// Without HEAD: a GET advances the authorization, and may issue a code.
const FORM: &[Method] = &[Method::GET, Method::POST];

/// Every route. The most frequent come first, and literal paths before those with parameters.
pub const ROUTES: &[Route] = &[
    Route::client("/token", POST)
        .limit(Limited::Token)
        .cors(Cors::AnyOrigin)
        .fast_path(FastPath::Token)
        .example(ExampleCredential::Client),
    Route::client("/userinfo", READ_POST)
        .limit(Limited::Userinfo)
        .cors(Cors::AnyOrigin)
        .fast_path(FastPath::Userinfo)
        .example(ExampleCredential::AccessToken),
    Route::client("/introspect", POST)
        .limit(Limited::Introspection)
        .fast_path(FastPath::Introspect)
        .example(ExampleCredential::Client),
    Route::client("/jwks", READ).fast_path(FastPath::Jwks),
    Route::client("/.well-known/openid-configuration", READ).fast_path(FastPath::Metadata),
    Route::page("/authorize", FORM).limit(Limited::Authorization),
    Route::page("/login", FORM),
    Route::page("/consent", FORM),
    Route::client("/revoke", POST).limit(Limited::Revocation).cors(Cors::AnyOrigin).example(ExampleCredential::Client),
    Route::page("/logout", READ_POST),
    Route::client("/.well-known/jwks.json", READ).fast_path(FastPath::Jwks),
    Route::client("/.well-known/oauth-authorization-server", READ).fast_path(FastPath::Metadata),
    Route::client("/v1/auth/m2m/token", POST).limit(Limited::Token).example(ExampleCredential::Client),
    Route::admin("/v1/admin/users", READ_POST),
    Route::admin("/v1/admin/clients", READ_POST),
    Route::admin("/v1/admin/keys", READ_POST),
    Route::admin("/v1/admin/audit", READ),
    Route::admin("/v1/admin/events", READ),
    Route::admin("/v1/admin/webhooks", READ_POST),
    Route::admin("/v1/admin/sessions", READ),
    Route::admin("/v1/admin/lock-down", POST),
    Route::first_party("/v1/auth/register", POST),
    Route::first_party("/v1/auth/signup", POST),
    Route::first_party("/v1/auth/login", POST),
    Route::first_party("/v1/auth/refresh", POST),
    Route::first_party("/v1/auth/logout", POST),
    Route::first_party("/v1/auth/activity", POST),
    Route::first_party("/v1/auth/me", READ),
    Route::first_party("/v1/auth/session", READ),
    Route::first_party("/v1/auth/sessions", READ),
    Route::first_party("/v1/auth/sessions/all", DELETE),
    Route::first_party("/v1/auth/sessions/others", DELETE),
    Route::first_party("/v1/auth/config", READ),
    // Outside of any tenant: the database may be unavailable.
    Route::new("/v1/auth/health", READ, Audience::Shared),
    Route::new("/v1/auth/metrics", READ, Audience::Operator),
    Route::page("/", READ),
    Route::page("/signup", FORM),
    Route::page("/select-account", FORM),
    Route::page("/logout/confirm", POST),
    Route::page("/logout/done", READ),
    Route::new("/check-session", READ, Audience::Page),
    Route::new("/docs", READ, Audience::Page),
    Route::page("/account", READ),
    Route::page("/account/profile", READ_POST),
    Route::page("/account/password", READ_POST),
    Route::page("/account/sessions", READ),
    Route::page("/account/sessions/end", POST),
    Route::page("/account/sessions/end-others", READ_POST),
    Route::page("/account/applications", READ),
    Route::page("/account/applications/withdraw", READ_POST),
    Route::page("/account/switch", POST),
    Route::page("/account/add", POST),
    Route::page("/account/sign-out", POST),
    Route::page("/account/signed-out", READ),
    Route::new("/health", READ, Audience::Shared),
    Route::new("/health/live", READ, Audience::Shared),
    Route::new("/health/ready", READ, Audience::Shared),
    Route::new("/metrics", READ, Audience::Management),
    Route::new("/openapi.json", READ, Audience::Shared),
    Route::admin("/v1/admin/users/{user_id}", READ_PATCH_DELETE),
    Route::admin("/v1/admin/users/{user_id}/password", PUT),
    Route::admin("/v1/admin/users/{user_id}/enable", POST),
    Route::admin("/v1/admin/users/{user_id}/disable", POST),
    Route::admin("/v1/admin/users/{user_id}/lock", POST),
    Route::admin("/v1/admin/clients/{client_id}", READ_PUT_PATCH_DELETE),
    Route::admin("/v1/admin/clients/{client_id}/secret", POST),
    Route::admin("/v1/admin/clients/{client_id}/enable", POST),
    Route::admin("/v1/admin/clients/{client_id}/disable", POST),
    Route::admin("/v1/admin/keys/{kid}", READ),
    Route::admin("/v1/admin/keys/{kid}/activate", POST),
    Route::admin("/v1/admin/keys/{kid}/retire", POST),
    Route::admin("/v1/admin/users/{user_id}/consents", READ),
    Route::admin("/v1/admin/clients/{client_id}/consents", READ),
    Route::admin("/v1/admin/users/{user_id}/consents/{client_id}", DELETE),
    Route::admin("/v1/admin/webhooks/{endpoint_id}", READ_PATCH_DELETE),
    Route::admin("/v1/admin/webhooks/{endpoint_id}/secret", POST),
    Route::admin("/v1/admin/webhooks/{endpoint_id}/deliveries", READ),
    Route::admin("/v1/admin/webhooks/{endpoint_id}/replay", POST),
    Route::admin("/v1/admin/sessions/{session_id}", READ_DELETE),
    Route::admin("/v1/admin/users/{user_id}/sessions", DELETE),
    Route::admin("/v1/admin/clients/{client_id}/grants", DELETE),
    Route::first_party("/v1/auth/sessions/{session_id}", DELETE),
    Route::admin("/v1/admin/clients/{client_id}/logout-tokens", READ),
    Route::admin("/v1/admin/clients/{client_id}/logout-tokens/replay", POST),
    Route::new("/brand.{file}", READ, Audience::Page),
    Route::new("/assets/{file}", READ, Audience::Shared),
];

/// Policies for paths without a route, by prefix. Their methods are those of most of the family's routes.
pub const FAMILIES: &[Route] = &[
    Route::admin("/v1/admin/", READ),
    Route::first_party("/v1/auth/", READ),
    Route::page("/account", READ),
    Route::client("/.well-known/", READ),
    Route::new("/health/", READ, Audience::Shared),
    Route::new("/assets/", READ, Audience::Shared),
];

/// The policy for all other paths without a route.
pub const UNMATCHED: Route = Route::new("", READ, Audience::Client);

/// The index in [`ROUTES`] of the route of a path within a tenant.
pub fn position(path: &str) -> Option<usize> {
    ROUTES.iter().position(|route| route.matches(path))
}

/// The route of a path within a tenant. A path without a route gets the policy of its family.
pub fn of(path: &str) -> &'static Route {
    let family = || FAMILIES.iter().find(|family| path.starts_with(family.path));
    ROUTES.iter().find(|route| route.matches(path)).or_else(family).unwrap_or(&UNMATCHED)
}
