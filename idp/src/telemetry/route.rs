//! Which route a request took, as a template without anything that somebody sent: for the log and for metrics.

/// A route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route(usize);

impl Route {
    /// The route of a path, whichever tenant it is of.
    pub fn of(path: &str) -> Self {
        let matching = |path: &str| TEMPLATES.iter().position(|template| matches(template, path));
        let found = if let Some(rest) = path.strip_prefix("/t/") {
            match rest.find('/') {
                // A tenant without a name.
                Some(0) => None,
                Some(slash) => rest.get(slash..).and_then(matching),
                None => matching("/"),
            }
        } else if let Some((document, _)) = path.split_once("/t/").filter(|_| path.starts_with("/.well-known/")) {
            matching(document)
        } else {
            matching(path)
        };
        Self(found.unwrap_or(TEMPLATES.len()))
    }

    /// All that there are, in the order of their indices.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..=TEMPLATES.len()).map(Self)
    }

    /// A number from 0 on.
    pub const fn index(self) -> usize {
        self.0
    }

    /// Its path, with names in braces for what changes.
    pub fn template(self) -> &'static str {
        self.known().unwrap_or("unmatched")
    }

    /// The same; `None` if there is no such route.
    pub fn known(self) -> Option<&'static str> {
        TEMPLATES.get(self.0).copied()
    }
}

/// Whether a path is of a template.
fn matches(template: &str, path: &str) -> bool {
    let Some(brace) = template.find('{') else { return template == path };
    if template.get(..brace) != path.get(..brace) {
        return false;
    }
    let mut segments = path.split('/');
    let fit = template.split('/').all(|expected| {
        let Some(segment) = segments.next() else { return false };
        match expected.find('{') {
            None => expected == segment,
            Some(brace) => segment.len() > brace && segment.get(..brace) == expected.get(..brace),
        }
    });
    fit && segments.next().is_none()
}

/// Every route there is: what is asked most comes first, and words before names. A test holds it against the routes.
const TEMPLATES: &[&str] = &[
    "/token",
    "/userinfo",
    "/introspect",
    "/jwks",
    "/.well-known/openid-configuration",
    "/authorize",
    "/login",
    "/consent",
    "/revoke",
    "/logout",
    "/.well-known/jwks.json",
    "/.well-known/oauth-authorization-server",
    "/v1/auth/m2m/token",
    "/v1/admin/users",
    "/v1/admin/clients",
    "/v1/admin/keys",
    "/v1/admin/audit",
    "/v1/admin/events",
    "/v1/admin/webhooks",
    "/v1/admin/sessions",
    "/v1/admin/lock-down",
    "/v1/auth/register",
    "/v1/auth/signup",
    "/v1/auth/login",
    "/v1/auth/refresh",
    "/v1/auth/logout",
    "/v1/auth/activity",
    "/v1/auth/me",
    "/v1/auth/session",
    "/v1/auth/sessions",
    "/v1/auth/sessions/all",
    "/v1/auth/sessions/others",
    "/v1/auth/config",
    "/v1/auth/health",
    "/v1/auth/metrics",
    "/",
    "/signup",
    "/select-account",
    "/logout/confirm",
    "/logout/done",
    "/check-session",
    "/docs",
    "/account",
    "/account/profile",
    "/account/password",
    "/account/sessions",
    "/account/sessions/end",
    "/account/sessions/end-others",
    "/account/applications",
    "/account/applications/withdraw",
    "/account/switch",
    "/account/add",
    "/account/sign-out",
    "/account/signed-out",
    "/health",
    "/health/live",
    "/health/ready",
    "/metrics",
    "/openapi.json",
    "/v1/admin/users/{user_id}",
    "/v1/admin/users/{user_id}/password",
    "/v1/admin/users/{user_id}/enable",
    "/v1/admin/users/{user_id}/disable",
    "/v1/admin/users/{user_id}/lock",
    "/v1/admin/clients/{client_id}",
    "/v1/admin/clients/{client_id}/secret",
    "/v1/admin/clients/{client_id}/enable",
    "/v1/admin/clients/{client_id}/disable",
    "/v1/admin/keys/{kid}",
    "/v1/admin/keys/{kid}/activate",
    "/v1/admin/keys/{kid}/retire",
    "/v1/admin/users/{user_id}/consents",
    "/v1/admin/clients/{client_id}/consents",
    "/v1/admin/users/{user_id}/consents/{client_id}",
    "/v1/admin/webhooks/{endpoint_id}",
    "/v1/admin/webhooks/{endpoint_id}/secret",
    "/v1/admin/webhooks/{endpoint_id}/deliveries",
    "/v1/admin/webhooks/{endpoint_id}/replay",
    "/v1/admin/sessions/{session_id}",
    "/v1/admin/users/{user_id}/sessions",
    "/v1/admin/clients/{client_id}/grants",
    "/v1/auth/sessions/{session_id}",
    "/v1/admin/clients/{client_id}/logout-tokens",
    "/v1/admin/clients/{client_id}/logout-tokens/replay",
    "/brand.{file}",
    "/assets/{file}",
];

#[cfg(test)]
mod tests {
    use super::Route;

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
            assert_eq!(Route::of(path).template(), template, "{path}");
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
            assert_eq!(Route::of(path).template(), "unmatched", "{path}");
        }
    }
}
