//! The browser's cookies (RFC 6265), and how ours are set.

use poem::http::{HeaderValue, header};
use poem::{Request, Response};

use crate::domain::Secret;
use crate::domain::session::SessionSecret;
use crate::domain::session_state::BrowserState;
use crate::http::site::{CookieNames, Site};
use crate::service::browser::{Browser, BrowserSecret};
use crate::service::sessions::Accounts;

/// Between the secrets of several accounts.
const SEPARATOR: &str = ".";
/// Takes a cookie away.
const OVER: &str = "; Max-Age=0";

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
    let life = if secrets.is_empty() { OVER } else { "" };
    format!("{}={}{}{life}", names.session, secrets.join(SEPARATOR), attributes(names))
}

/// `Set-Cookie` that tells the frame of `/check-session` who is signed in.
fn set_state(names: &CookieNames, state: &BrowserState) -> String {
    // Frames on other sites need it; without https there are none but those on this host.
    let attributes = if names.secure { "; Path=/; Secure; SameSite=None" } else { "; Path=/; SameSite=Lax" };
    let life = if state.as_str().is_empty() { OVER } else { "" };
    format!("{}={}{attributes}{life}", names.state, state.as_str())
}

/// Lets the state follow the sessions: an answer that changes who is signed in says so to the frame as well.
pub fn follow_sessions(response: &mut Response, names: &CookieNames) {
    let set = response.headers().get_all(header::SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut values = set.filter_map(|cookie| cookie.strip_prefix(names.session.as_str())?.strip_prefix('='));
    let Some(value) = values.next_back().and_then(|rest| rest.split(';').next()) else { return };
    let secrets: Vec<SessionSecret> = value.split(SEPARATOR).filter_map(secret).map(SessionSecret).collect();
    append(response, &set_state(names, &BrowserState::of(&secrets)));
}

/// Sets the state right where it isn't that of these accounts: a session ended elsewhere, or the browser forgot it.
pub fn set_right(response: &mut Response, request: &Request, names: &CookieNames, accounts: &Accounts) {
    let state = BrowserState::of(accounts.secrets());
    if value(request, &names.state).unwrap_or_default() != state.as_str() {
        append(response, &set_state(names, &state));
    }
}

fn append(response: &mut Response, cookie: &str) {
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
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
