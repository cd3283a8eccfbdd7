//! Session state (OpenID Connect Session Management 1.0 §3): by it a client's page notices that somebody has signed in or
//! out, without asking the provider.
//!
//! The state of a browser is made of the secrets of the sessions in it, and so changes with each sign-in and sign-out.
//! It is in a cookie that the frame of [`check_session_iframe`] reads; the client gets a salted hash of it.
//!
//! [`check_session_iframe`]: https://openid.net/specs/openid-connect-session-1_0.html#OPMetadata

use super::ClientId;
use super::redirect_uri::RedirectUri;
use super::session::SessionSecret;

/// Who is signed in on a browser, as 64 hexadecimal digits that tell nobody who; empty where that is nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BrowserState(String);

impl BrowserState {
    /// The state of a browser with these sessions; in which order they were used doesn't matter.
    pub fn of<'a>(secrets: impl IntoIterator<Item = &'a SessionSecret>) -> Self {
        let mut hashes: Vec<[u8; 32]> = secrets.into_iter().map(|secret| secret.0.sha256()).collect();
        if hashes.is_empty() {
            return Self::default();
        }
        hashes.sort_unstable();
        let mut all = openssl::sha::Sha256::new();
        all.update(b"signet browser state\0");
        for hash in &hashes {
            all.update(hash);
        }
        Self(hex(&all.finish()))
    }

    /// What the cookie holds.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `session_state` for a client (§2): the hash of its id, the origin of its page, this state and the salt, a dot, and
    /// the salt. `None` for an application that isn't a web page.
    pub fn session_state(&self, client: &ClientId, redirect_uri: &RedirectUri, salt: [u8; 16]) -> Option<String> {
        redirect_uri.host()?;
        let (origin, salt) = (redirect_uri.origin(), hex(&salt));
        let text = format!("{client} {origin} {} {salt}", self.0);
        Some(format!("{}.{salt}", hex(&openssl::sha::sha256(text.as_bytes()))))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::domain::Secret;

    fn secret(text: &str) -> SessionSecret {
        SessionSecret(Secret::new(text))
    }

    #[test]
    fn the_state_changes_with_who_is_signed_in_and_with_nothing_else() {
        let (one, two) = (secret("one"), secret("two"));
        assert_eq!(BrowserState::of([]).as_str(), "");
        assert_eq!(BrowserState::of([&one, &two]), BrowserState::of([&two, &one]));
        let states =
            [BrowserState::of([]), BrowserState::of([&one]), BrowserState::of([&two]), BrowserState::of([&one, &two])];
        for (index, state) in states.iter().enumerate() {
            assert!(!states[..index].contains(state));
        }
    }

    #[test]
    fn what_a_client_gets_depends_on_all_that_the_specification_names() {
        let state = BrowserState::of([&secret("one")]);
        let of = |state: &BrowserState, client: &str, uri: &str, salt: u8| {
            state.session_state(&client.parse().unwrap(), &uri.parse().unwrap(), [salt; 16])
        };
        let usual = of(&state, "shop", "https://shop.example/cb", 1).unwrap();
        let expected = format!("shop https://shop.example {} {}", state.as_str(), "01".repeat(16));
        let hash = hex(&openssl::sha::sha256(expected.as_bytes()));
        assert_eq!(usual, format!("{hash}.{}", "01".repeat(16)));
        assert_eq!(of(&state, "shop", "https://shop.example/other?x", 1).unwrap(), usual);
        for other in [
            of(&BrowserState::default(), "shop", "https://shop.example/cb", 1),
            of(&state, "shop2", "https://shop.example/cb", 1),
            of(&state, "shop", "https://shop.example:444/cb", 1),
            of(&state, "shop", "https://shop.example/cb", 2),
            of(&state, "shop", "com.example.shop:/cb", 1),
        ] {
            assert_ne!(other, Some(usual.clone()));
        }
        assert_eq!(of(&state, "shop", "com.example.shop:/cb", 1), None, "an application has no page");
    }
}
