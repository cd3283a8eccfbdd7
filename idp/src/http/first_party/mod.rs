//! The JSON API for one's own apps, below `/v1/auth`.

mod api;
mod bearer;
mod cookie;
pub mod m2m_token;
pub mod model;
mod refusal;

pub use api::FirstParty;

/// The methods that an address below `/v1/auth/` takes, for `Allow`.
pub fn methods(path: &str) -> &'static str {
    match path.trim_start_matches("/v1/auth/") {
        "m2m/token" | "register" | "signup" | "login" | "refresh" | "logout" | "activity" => "POST",
        path if path.starts_with("sessions/") => "DELETE",
        _ => "GET, HEAD",
    }
}
