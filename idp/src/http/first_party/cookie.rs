//! The refresh token as a cookie that scripts can't read.
//!
//! It goes to `/v1/auth` of the tenant alone, and to no request that another site begins (`SameSite=Strict`). Beside
//! that, a request that relies on it must say by `Origin` that it comes from the issuer's own origin, or from one that the
//! app registered: sites below the same domain are the same "site" to a browser.

use poem::Request;
use poem::http::{StatusCode, header};

use crate::domain::Secret;
use crate::domain::client::Client;
use crate::http::admin::refusal::{Refusal, Result};
use crate::http::extract::cookies;
use crate::http::site::Site;

/// `Set-Cookie` with a refresh token, for as long as it may rest.
pub(super) fn set(site: &Site, token: &Secret, seconds: u64) -> String {
    format!("{}={}; Max-Age={seconds}{}", site.cookies.refresh, token.expose(), attributes(site))
}

/// `Set-Cookie` that takes it away.
pub(super) fn clear(site: &Site) -> String {
    format!("{}=; Max-Age=0{}", site.cookies.refresh, attributes(site))
}

fn attributes(site: &Site) -> String {
    let secure = if site.cookies.secure { "; Secure" } else { "" };
    format!("; Path={}/v1/auth; HttpOnly; SameSite=Strict{secure}", site.base)
}

/// The refresh token in the cookie of a request.
pub(super) fn read(request: &Request, site: &Site) -> Option<Secret> {
    cookies::value(request, &site.cookies.refresh).filter(|token| !token.is_empty()).map(Secret::new)
}

/// Lets a request through that relies on the cookie and comes from our own origin, or from one of the app's.
///
/// # Errors
/// It comes from elsewhere.
pub(super) fn check(request: &Request, site: &Site, app: &Client) -> Result<()> {
    let origin = request.headers().get(header::ORIGIN).and_then(|value| value.to_str().ok());
    let ours = origin == Some(site.tenant.issuer.origin().as_str());
    let theirs = |origin: &str| app.metadata.allowed_origins.iter().any(|allowed| allowed.as_str() == origin);
    if ours || origin.is_some_and(theirs) {
        return Ok(());
    }
    let text = "the refresh token came as a cookie, which counts only with the Origin of the issuer or of the app";
    Err(Refusal::new(StatusCode::FORBIDDEN, text))
}
