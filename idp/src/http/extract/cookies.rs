//! The browser's cookies (RFC 6265), and how ours are set.

use poem::Request;
use poem::http::header;

use crate::domain::Secret;
use crate::domain::session::SessionSecret;
use crate::http::site::{CookieNames, Site};
use crate::service::browser::BrowserSecret;

/// The value of a cookie. With several of one name the first counts, which is the one of the longest path.
pub fn value<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let headers = request.headers().get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    headers
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(found, value)| (found == name).then_some(value))
}

/// A secret of ours in a cookie: 43 characters of base64url. Anything else isn't one.
fn secret(request: &Request, name: &str) -> Option<Secret> {
    let ours = |text: &&str| text.len() == 43 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    value(request, name).filter(ours).map(Secret::new)
}

/// What opens the session, if the browser has one with this tenant.
pub fn session(request: &Request, site: &Site) -> Option<SessionSecret> {
    secret(request, &site.cookies.session).map(SessionSecret)
}

/// What ties forms to the browser, if it has been here.
pub fn browser(request: &Request, site: &Site) -> Option<BrowserSecret> {
    secret(request, &site.cookies.browser).map(BrowserSecret)
}

/// `Set-Cookie` that opens the session. It ends with the browser, or with the session.
pub fn set_session(names: &CookieNames, secret: &SessionSecret) -> String {
    format!("{}={}{}", names.session, secret.0.expose(), attributes(names))
}

/// `Set-Cookie` that ties forms to the browser.
pub fn set_browser(names: &CookieNames, secret: &BrowserSecret) -> String {
    format!("{}={}{}", names.browser, secret.0.expose(), attributes(names))
}

/// `Lax`: a link or redirect from elsewhere brings them along, a POST from elsewhere doesn't.
fn attributes(names: &CookieNames) -> &'static str {
    if names.secure { "; Path=/; Secure; HttpOnly; SameSite=Lax" } else { "; Path=/; HttpOnly; SameSite=Lax" }
}
