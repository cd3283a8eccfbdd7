//! The refresh token as a cookie that scripts can't read.
//!
//! It goes to `/v1/auth` of the tenant alone, and to no request that another site begins (`SameSite=Strict`). Beside
//! that, a request that relies on it or asks for it must say by `Origin` that it comes from the issuer's own origin, or from one that the
//! app registered: sites below the same domain are the same "site" to a browser, and one of them could plant a session of
//! its own.

use poem::Request;
use poem::http::{StatusCode, header};

use crate::domain::Secret;
use crate::domain::client::Client;
use crate::http::api::refusal::{Refusal, Result};
use crate::http::extract::cookies;
use crate::http::site::{Site, hex};

/// `Set-Cookie` with a refresh token of this app, for as long as it may rest.
pub(super) fn set(site: &Site, app: &Client, token: &Secret, seconds: u64) -> String {
    format!("{}={}; Max-Age={seconds}{}", name(site, app), token.expose(), attributes(site))
}

/// `Set-Cookie` that takes it away.
pub(super) fn clear(site: &Site, app: &Client) -> String {
    format!("{}=; Max-Age=0{}", name(site, app), attributes(site))
}

/// What the cookie is called: different for each app, so that two in one browser don't overwrite one another's session.
fn name(site: &Site, app: &Client) -> String {
    let hash = openssl::sha::sha256(app.id.as_str().as_bytes());
    format!("{}-{}", site.cookies.refresh, hex(&hash[..8]))
}

fn attributes(site: &Site) -> String {
    let secure = if site.cookies.secure { "; Secure" } else { "" };
    format!("; Path={}/v1/auth; HttpOnly; SameSite=Strict{secure}", site.base)
}

/// The refresh token of this app in the cookie of a request.
pub(super) fn read(request: &Request, site: &Site, app: &Client) -> Option<Secret> {
    cookies::value(request, &name(site, app)).filter(|token| !token.is_empty()).map(Secret::new)
}

/// Lets a request through that relies on the cookie, or is to be given one, and comes from our own origin, or from one of the app's.
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
    let text = "a cookie with the refresh token is only for requests with the Origin of the issuer or of the app";
    Err(Refusal::new(StatusCode::FORBIDDEN, text))
}
