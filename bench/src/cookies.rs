//! The cookies of one browser at one server: enough for a sign-in, no more (no paths, no domains, no dates).

use hyper::{
    HeaderMap,
    header::{COOKIE, HeaderValue, SET_COOKIE},
};

/// What the server has set and not yet taken back.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cookies(Vec<(String, String)>);

impl Cookies {
    /// Takes over what an answer sets (RFC 6265 §5.2); a `Max-Age` of zero or less, or an `Expires` of 1970, removes.
    pub(crate) fn take_over(&mut self, headers: &HeaderMap) {
        for value in headers.get_all(SET_COOKIE) {
            if let Some((name, value, kept)) = value.to_str().ok().and_then(parse) {
                self.0.retain(|(known, _)| known != name);
                if kept {
                    self.0.push((name.to_owned(), value.to_owned()));
                }
            }
        }
    }

    /// Writes the `Cookie` header, if there is anything to write.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        if self.0.is_empty() {
            return;
        }
        let pairs: Vec<_> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if let Ok(value) = HeaderValue::try_from(pairs.join("; ")) {
            headers.insert(COOKIE, value);
        }
    }

    /// Forgets all: a new browser.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

/// Name, value, and whether the cookie is to be kept.
fn parse(set_cookie: &str) -> Option<(&str, &str, bool)> {
    let mut parts = set_cookie.split(';').map(str::trim);
    let (name, value) = parts.next()?.split_once('=')?;
    let removed = parts.any(|attribute| {
        let (attribute, setting) = attribute.split_once('=').unwrap_or((attribute, ""));
        if attribute.eq_ignore_ascii_case("max-age") {
            setting.parse::<i64>().is_ok_and(|seconds| seconds <= 0)
        } else {
            attribute.eq_ignore_ascii_case("expires") && setting.contains("1970")
        }
    });
    (!name.is_empty()).then_some((name, value, !removed))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn answer(lines: &[&'static str]) -> HeaderMap {
        lines.iter().map(|line| (SET_COOKIE, HeaderValue::from_static(line))).collect()
    }

    fn sent(cookies: &Cookies) -> String {
        let mut headers = HeaderMap::new();
        cookies.write(&mut headers);
        headers.get(COOKIE).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    }

    #[test]
    fn cookies_are_kept_replaced_and_taken_back() {
        let mut cookies = Cookies::default();
        assert_eq!(sent(&cookies), "");
        cookies.take_over(&answer(&["a=1; Path=/; HttpOnly", "b=x=y; SameSite=Lax"]));
        assert_eq!(sent(&cookies), "a=1; b=x=y");
        cookies.take_over(&answer(&["a=2; Max-Age=60"]));
        assert_eq!(sent(&cookies), "b=x=y; a=2");
        cookies.take_over(&answer(&["b=; max-age=0"]));
        assert_eq!(sent(&cookies), "a=2");
        cookies.take_over(&answer(&["a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT"]));
        assert_eq!(sent(&cookies), "");
    }

    #[test]
    fn nonsense_is_passed_over() {
        let mut cookies = Cookies::default();
        cookies.take_over(&answer(&["no pair", "=nameless", ""]));
        assert_eq!(sent(&cookies), "");
    }

    #[test]
    fn a_new_browser_has_none() {
        let mut cookies = Cookies::default();
        cookies.take_over(&answer(&["a=1"]));
        cookies.clear();
        assert_eq!(sent(&cookies), "");
    }
}
