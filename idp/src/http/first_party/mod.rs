//! The JSON API for one's own apps, below `/v1/auth`.

mod api;
mod bearer;
mod cookie;
pub mod m2m_token;
pub mod model;
mod refusal;
mod watching;

pub use api::FirstParty;
pub use watching::Watching;

/// The methods that an address below `/v1/auth/` takes, for `Allow`.
pub fn methods(path: &str) -> &'static str {
    match path.trim_start_matches("/v1/auth/") {
        "m2m/token" | "register" | "signup" | "login" | "refresh" | "logout" | "activity" => "POST",
        path if path.starts_with("sessions/") => "DELETE",
        _ => "GET, HEAD",
    }
}

/// Whether an address within a tenant is for apps, whose scripts may come from elsewhere. A service's own token isn't: no
/// page's script can keep the secret that it needs.
pub fn is_for_apps(path: &str) -> bool {
    path.starts_with("/v1/auth/") && path != "/v1/auth/m2m/token" && !is_for_operators(path)
}

/// Whether an address within a tenant is for whoever watches Signet. It has no limit, as health has none elsewhere.
pub fn is_for_operators(path: &str) -> bool {
    matches!(path, "/v1/auth/health" | "/v1/auth/metrics")
}
