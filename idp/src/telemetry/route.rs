//! The label of a route in logs, metrics and traces: a template, without anything from the request.

use crate::route::{self, ROUTES};

/// A label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteLabel(usize);

impl RouteLabel {
    /// The label of a path, of any tenant.
    pub fn of(path: &str) -> Self {
        let found = if let Some(rest) = path.strip_prefix("/t/") {
            match rest.find('/') {
                // A tenant without a name.
                Some(0) => None,
                Some(slash) => rest.get(slash..).and_then(route::position),
                None => route::position("/"),
            }
        } else if let Some((document, _)) = path.split_once("/t/").filter(|_| path.starts_with("/.well-known/")) {
            route::position(document)
        } else {
            route::position(path)
        };
        Self(found.unwrap_or(ROUTES.len()))
    }

    /// All labels, in the order of their indices.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..=ROUTES.len()).map(Self)
    }

    /// A number from 0 on.
    pub const fn index(self) -> usize {
        self.0
    }

    /// The path, with parameters in braces.
    pub fn template(self) -> &'static str {
        self.known().unwrap_or("unmatched")
    }

    /// The same; `None` if there is no such route.
    pub fn known(self) -> Option<&'static str> {
        ROUTES.get(self.0).map(|route| route.path)
    }
}

#[cfg(test)]
mod tests {
    use super::RouteLabel;

    #[test]
    fn a_path_has_a_template_and_nothing_of_what_was_sent() {
        for (path, template) in [
            ("/token", "/token"),
            ("/", "/"),
            ("/t/acme", "/"),
            ("/t/acme/token", "/token"),
            ("/t/nobody/v1/admin/users/0190", "/v1/admin/users/{user_id}"),
            ("/.well-known/openid-configuration/t/acme", "/.well-known/openid-configuration"),
            ("/v1/admin/users/1/consents/reports", "/v1/admin/users/{user_id}/consents/{client_id}"),
            ("/v1/auth/sessions/all", "/v1/auth/sessions/all"),
            ("/v1/auth/sessions/1", "/v1/auth/sessions/{session_id}"),
            ("/brand.0011.css", "/brand.{file}"),
            ("/assets/style.css", "/assets/{file}"),
        ] {
            assert_eq!(RouteLabel::of(path).template(), template, "{path}");
        }
    }

    #[test]
    fn what_is_no_route_is_one_word_whatever_it_is() {
        for path in [
            "",
            "//",
            "/token/",
            "/token/x",
            "/v1/admin/users/",
            "/brand.",
            "/nothing",
            "/t//",
            "/t/a/t/b/token",
            "/%00\n\"}",
            "*",
        ] {
            assert_eq!(RouteLabel::of(path).template(), "unmatched", "{path}");
        }
    }
}
