//! The refresh token as a cookie that scripts can't read.
//!
//! It goes to `/v1/auth` of the tenant alone, and to no request that another site begins (`SameSite=Strict`). Beside
//! that, a request that relies on it must say by `Origin` that it comes from the issuer's own origin: sites below the same
//! domain are the same "site" to a browser.

use poem::Request;
use poem::http::{StatusCode, header};

use crate::domain::Secret;
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

/// The refresh token in the cookie of a request, which comes from our own origin.
///
/// # Errors
/// There is one, and the request comes from elsewhere.
pub(super) fn read(request: &Request, site: &Site) -> Result<Option<Secret>> {
    let Some(token) = cookies::value(request, &site.cookies.refresh).filter(|token| !token.is_empty()) else {
        return Ok(None);
    };
    let origin = request.headers().get(header::ORIGIN).and_then(|value| value.to_str().ok());
    if origin != Some(site.tenant.issuer.origin().as_str()) {
        let text = "the refresh token came as a cookie, which counts only with the Origin of the issuer";
        return Err(Refusal::new(StatusCode::FORBIDDEN, text));
    }
    Ok(Some(Secret::new(token)))
}
