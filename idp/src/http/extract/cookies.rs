//! The browser's cookies (RFC 6265), and how ours are set.

use poem::Request;
use poem::http::header;

use crate::domain::Secret;
use crate::domain::session::SessionSecret;
use crate::http::site::{CookieNames, Site};
use crate::service::browser::{Browser, BrowserSecret};
use crate::service::sessions::Accounts;

/// Between the secrets of several accounts.
const SEPARATOR: &str = ".";

/// The value of a cookie. With several of one name the first counts, which is the one of the longest path.
pub fn value<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    all(request).find_map(|(found, value)| (found == name).then_some(value))
}

fn all(request: &Request) -> impl Iterator<Item = (&str, &str)> {
    let headers = request.headers().get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    headers.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='))
}

/// A secret of ours in a cookie: 43 characters of base64url. Anything else isn't one.
fn secret(text: &str) -> Option<Secret> {
    let ours = text.len() == 43 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    ours.then(|| Secret::new(text))
}

/// What opens the sessions that the browser has with this tenant, the one used last first.
pub fn sessions(request: &Request, site: &Site) -> Vec<SessionSecret> {
    let values = value(request, &site.cookies.session).unwrap_or_default().split(SEPARATOR);
    values.filter_map(secret).map(SessionSecret).take(Accounts::MOST).collect()
}

/// What ties forms to the browser: nothing if it has never been here.
pub fn browser(request: &Request, site: &Site) -> Browser {
    let ours = |(name, value): (&str, &str)| {
        let tag = name.strip_prefix(&site.cookies.browser)?.strip_prefix('-')?;
        let secret = BrowserSecret(secret(value)?);
        (tag == tag_of(&secret)).then_some(secret)
    };
    Browser::new(all(request).filter_map(ours))
}

/// `Set-Cookie` that opens the sessions. They end with the browser, or by themselves.
pub fn set_sessions(names: &CookieNames, accounts: &Accounts) -> String {
    let secrets: Vec<&str> = accounts.secrets().map(|secret| secret.0.expose()).collect();
    format!("{}={}{}", names.session, secrets.join(SEPARATOR), attributes(names))
}

/// `Set-Cookie` that ties forms to the browser. Each secret has a name of its own, so that of two first pages that are
/// opened side by side neither takes the other's away.
pub fn set_browser(names: &CookieNames, secret: &BrowserSecret) -> String {
    format!("{}-{}={}{}", names.browser, tag_of(secret), secret.0.expose(), attributes(names))
}

/// `Set-Cookie` that has the next page tell what was done, for so many seconds at most.
pub fn set_notice(names: &CookieNames, notice: &str, seconds: &str) -> String {
    format!("{}={notice}; Max-Age={seconds}{}", names.notice, attributes(names))
}

fn tag_of(secret: &BrowserSecret) -> String {
    secret.hash().iter().take(4).fold(String::new(), |tag, byte| tag + &format!("{byte:02x}"))
}

/// `Lax`: a link or redirect from elsewhere brings them along, a POST from elsewhere doesn't.
fn attributes(names: &CookieNames) -> &'static str {
    if names.secure { "; Path=/; Secure; HttpOnly; SameSite=Lax" } else { "; Path=/; HttpOnly; SameSite=Lax" }
}
