//! The client of the code flow: asks for a sign-in, walks the hosted pages as a person would, redeems the code and
//! reads the user's claims (OIDC Core §3.1, RFC 7636).

use std::sync::Arc;

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use hyper::{Method, StatusCode, header::LOCATION};
use openssl::{rand::rand_bytes, sha::sha256};
use serde::Deserialize;

use crate::{
    browser::Browser,
    client::Answer,
    error::Failure,
    form::Form,
    load::Operation,
    site::{ClientFacts, Endpoints, UserFacts},
};

/// Pages that a sign-in may show one after the other; more is a loop.
const PAGES: usize = 8;

/// A confidential client and the person that signs in to it.
#[derive(Clone, Debug)]
pub(crate) struct RelyingParty {
    /// Where the server is asked.
    pub(crate) endpoints: Endpoints,
    /// The client.
    pub(crate) client: ClientFacts,
    /// Where the code is sent.
    pub(crate) redirect_uri: String,
    /// The person.
    pub(crate) user: UserFacts,
    /// What is asked for.
    pub(crate) scope: &'static str,
}

/// Whether the person has been here before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Visit {
    /// With a fresh browser: the password is asked for.
    First,
    /// With a session: no password may be asked for.
    Again,
}

/// What a code is worth.
#[derive(Debug, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the specification's names")]
pub(crate) struct Tokens {
    /// The access token.
    pub(crate) access_token: String,
    id_token: String,
    /// The refresh token, where `offline_access` was asked for.
    pub(crate) refresh_token: Option<String>,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
}

impl RelyingParty {
    /// One whole flow: authorize, sign in, consent if asked, code, tokens, userinfo.
    pub(crate) async fn sign_in(&self, browser: &mut Browser, visit: Visit) -> Result<(), Failure> {
        let bearer = self.bearer(browser, visit).await?;
        let answer = browser
            .call("userinfo", Method::GET, &self.endpoints.userinfo, &bearer, &[])
            .await?
            .expect("userinfo", StatusCode::OK)?;
        let claims: Claims = parse("userinfo", &answer)?;
        if claims.sub.is_empty() { Err(answer.failure("userinfo", "no subject")) } else { Ok(()) }
    }

    /// The same up to the tokens: the `Authorization` header that the access token makes.
    pub(crate) async fn bearer(&self, browser: &mut Browser, visit: Visit) -> Result<String, Failure> {
        let tokens = self.tokens(browser, visit).await?;
        Ok(format!("Bearer {}", tokens.access_token))
    }

    /// The same up to the tokens.
    pub(crate) async fn tokens(&self, browser: &mut Browser, visit: Visit) -> Result<Tokens, Failure> {
        let [state, nonce, verifier] = [random("state")?, random("nonce")?, random("code_verifier")?];
        let code = self.code(browser, visit, &state, &nonce, &verifier).await?;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", &self.redirect_uri),
            ("code_verifier", &verifier),
        ];
        let answer = browser
            .call("token", Method::POST, &self.endpoints.token, &self.client.basic(), &form)
            .await?
            .expect("token", StatusCode::OK)?;
        let tokens: Tokens = parse("token", &answer)?;
        if tokens.id_token.is_empty() {
            return Err(answer.failure("token", "no ID token"));
        }
        Ok(tokens)
    }

    /// From the authorization request to the code.
    async fn code(
        &self,
        browser: &mut Browser,
        visit: Visit,
        state: &str,
        nonce: &str,
        verifier: &str,
    ) -> Result<String, Failure> {
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes()));
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([
                ("response_type", "code"),
                ("client_id", &self.client.client_id),
                ("redirect_uri", &self.redirect_uri),
                ("scope", self.scope),
                ("state", state),
                ("nonce", nonce),
                ("code_challenge", &challenge),
                ("code_challenge_method", "S256"),
            ])
            .finish();
        let mut path = format!("{}?{query}", self.endpoints.authorization);
        let mut answer = browser.open("authorize", &path).await?;
        for _ in 0..PAGES {
            if answer.status == StatusCode::OK {
                (path, answer) = self.fill_in(browser, visit, &path, &answer).await?;
            } else if answer.status == StatusCode::SEE_OTHER || answer.status == StatusCode::FOUND {
                let location = answer.headers.get(LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
                if let Some(query) = location.strip_prefix(&*self.redirect_uri) {
                    return read_callback(query, state);
                }
                path = browser
                    .local(location)
                    .ok_or_else(|| Failure::Problem { step: "redirect", problem: format!("leads to `{location}`") })?
                    .to_owned();
                answer = browser.open("page", &path).await?;
            } else {
                return Err(answer.failure("pages", "unexpected status"));
            }
        }
        Err(answer.failure("pages", "still no code after many pages"))
    }

    /// Fills in the form of a page and tells where it went.
    async fn fill_in(
        &self,
        browser: &mut Browser,
        visit: Visit,
        path: &str,
        page: &Answer,
    ) -> Result<(String, Answer), Failure> {
        let html = String::from_utf8_lossy(&page.body);
        let (step, form, entered) = if let Some(form) = Form::find(&html, "password") {
            if visit == Visit::Again {
                return Err(page.failure("login", "asked to sign in although there is a session"));
            }
            ("login", form, vec![("email", &*self.user.email), ("password", &*self.user.password)])
        } else if let Some(form) = Form::find(&html, "allow") {
            ("consent", form, vec![("decision", "allow")])
        } else {
            return Err(page.failure("pages", "neither a sign-in nor a consent form"));
        };
        let action = if form.action.is_empty() { path } else { &*form.action };
        let action = browser
            .local(action)
            .ok_or_else(|| Failure::Problem { step, problem: format!("the form leads to `{action}`") })?
            .to_owned();
        let entered = entered.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let fields: Vec<_> = form.hidden.into_iter().chain(entered).collect();
        let answer = browser.submit(step, &action, &fields).await?;
        if answer.status == StatusCode::OK {
            // The form again: whatever was wrong stands on the page.
            return Err(answer.failure(step, "the form was shown again"));
        }
        Ok((action, answer))
    }
}

impl ClientFacts {
    /// The `Authorization` header (RFC 6749 §2.3.1: both parts form-encoded before base64).
    pub(crate) fn basic(&self) -> String {
        let encode = |part: &str| form_urlencoded::byte_serialize(part.as_bytes()).collect::<String>();
        let pair = format!("{}:{}", encode(&self.client_id), encode(&self.client_secret));
        format!("Basic {}", BASE64_STANDARD.encode(pair))
    }
}

/// The flow as a load: one browser again and again.
#[derive(Debug)]
pub(crate) struct CodeFlow {
    relying_party: Arc<RelyingParty>,
    browser: Browser,
    visit: Visit,
}

impl CodeFlow {
    /// The flow in this browser. For [`Visit::Again`] the browser has signed in before.
    pub(crate) const fn new(relying_party: Arc<RelyingParty>, browser: Browser, visit: Visit) -> Self {
        Self { relying_party, browser, visit }
    }
}

impl Operation for CodeFlow {
    async fn run(&mut self) -> Result<(), Failure> {
        if self.visit == Visit::First {
            self.browser.forget();
        }
        self.relying_party.sign_in(&mut self.browser, self.visit).await
    }
}

/// The code of a callback's query, if the state is ours (RFC 6749 §4.1.2).
fn read_callback(query: &str, state: &str) -> Result<String, Failure> {
    let refused = |problem: &str| Failure::Problem { step: "callback", problem: format!("{problem}: `{query}`") };
    let value = |name| {
        form_urlencoded::parse(query.trim_start_matches('?').as_bytes())
            .find_map(|(known, value)| (known == name).then(|| value.into_owned()))
    };
    if value("error").is_some() {
        return Err(refused("an error"));
    }
    if value("state").as_deref() != Some(state) {
        return Err(refused("another state"));
    }
    value("code").ok_or_else(|| refused("no code"))
}

fn parse<T: for<'de> Deserialize<'de>>(step: &'static str, answer: &Answer) -> Result<T, Failure> {
    serde_json::from_slice(&answer.body).map_err(|_| answer.failure(step, "unexpected content"))
}

/// 256 random bits in base64url.
fn random(step: &'static str) -> Result<String, Failure> {
    let mut bytes = [0; 32];
    rand_bytes(&mut bytes).map_err(|error| Failure::Problem { step, problem: error.to_string() })?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use poem::{
        Body, IntoEndpoint, Request, Response, Route, Server, endpoint, handler,
        http::{HeaderMap, header},
        listener::{Acceptor, Listener, TcpListener},
        web::Form as Posted,
    };
    use serde_json::json;

    use super::*;

    const REDIRECT_URI: &str = "http://127.0.0.1:9/callback";

    #[derive(Deserialize)]
    struct SignIn {
        flow: String,
        csrf: String,
        email: String,
        password: String,
    }

    #[derive(Deserialize)]
    struct Consent {
        flow: String,
        decision: String,
    }

    #[derive(Deserialize)]
    struct Redemption {
        code: String,
        code_verifier: String,
    }

    fn see_other(location: &str) -> Response {
        Response::builder().status(poem::http::StatusCode::SEE_OTHER).header(header::LOCATION, location).finish()
    }

    fn cookie(headers: &HeaderMap) -> &str {
        headers.get(header::COOKIE).map_or("", |value| value.to_str().unwrap())
    }

    /// Keeps the request's state as the flow, and its challenge in a cookie.
    #[handler]
    fn authorize(request: &Request) -> Response {
        let query: Vec<(String, String)> = request.params().unwrap();
        let value =
            |name: &str| query.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value).to_owned();
        let (state, challenge) = (value("state"), value("code_challenge"));
        let location = if cookie(request.headers()).contains("session=1") {
            format!("{REDIRECT_URI}?code=c&state={state}")
        } else {
            format!("/login?flow={state}")
        };
        let mut answer = see_other(&location);
        let browser = format!("challenge={challenge}; Path=/; HttpOnly").parse().unwrap();
        answer.headers_mut().append(header::SET_COOKIE, browser);
        answer
    }

    #[handler]
    fn login_page(request: &Request) -> Response {
        let flow = request.uri().query().unwrap().strip_prefix("flow=").unwrap();
        Response::builder().content_type("text/html").body(format!(
            r#"<form method="post" action="/login"><input type="hidden" name="flow" value="{flow}">
            <input type="hidden" name="csrf" value="a&amp;b"><input id="email" name="email">
            <input type="password" id="password" name="password"><button type="submit">Sign in</button></form>"#
        ))
    }

    #[handler]
    fn login(Posted(form): Posted<SignIn>) -> Response {
        if (&*form.csrf, &*form.email, &*form.password) != ("a&b", "user@example.com", "a secret") {
            return Body::from_string("wrong".into()).into();
        }
        let mut answer = see_other(&format!("/consent?flow={}", form.flow));
        answer.headers_mut().append(header::SET_COOKIE, "session=1; Path=/".parse().unwrap());
        answer
    }

    #[handler]
    fn consent_page(request: &Request) -> Response {
        let flow = request.uri().query().unwrap().strip_prefix("flow=").unwrap();
        Response::builder().content_type("text/html").body(format!(
            r#"<form method="post"><input type="hidden" name="flow" value="{flow}">
            <button id="allow" name="decision" value="allow">Allow</button></form>"#
        ))
    }

    #[handler]
    fn consent(Posted(form): Posted<Consent>) -> Response {
        assert_eq!(form.decision, "allow");
        see_other(&format!("{REDIRECT_URI}?code=c&state={}", form.flow))
    }

    #[handler]
    fn token(request: &Request, Posted(form): Posted<Redemption>) -> Response {
        assert_eq!(request.header("authorization"), Some("Basic Y2xpZW50OnMlMkZzJTNB"));
        assert_eq!(cookie(request.headers()), "");
        assert_eq!((&*form.code, form.code_verifier.len()), ("c", 43));
        Response::builder().body(json!({"access_token": "at", "id_token": "it"}).to_string())
    }

    #[handler]
    fn userinfo(request: &Request) -> Response {
        assert_eq!(request.header("authorization"), Some("Bearer at"));
        Response::builder().body(json!({"sub": "42"}).to_string())
    }

    async fn stub(redemption: impl IntoEndpoint<Endpoint: 'static>) -> (RelyingParty, Browser) {
        let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await.unwrap();
        let address = *acceptor.local_addr()[0].as_socket_addr().unwrap();
        let routes = Route::new()
            .at("/authorize", poem::get(authorize))
            .at("/login", poem::get(login_page).post(login))
            .at("/consent", poem::get(consent_page).post(consent))
            .at("/token", redemption)
            .at("/userinfo", poem::get(userinfo));
        tokio::spawn(Server::new_with_acceptor(acceptor).run(routes));
        let relying_party = RelyingParty {
            endpoints: Endpoints {
                authorization: "/authorize".into(),
                token: "/token".into(),
                userinfo: "/userinfo".into(),
                introspection: "/introspect".into(),
                revocation: "/revoke".into(),
                jwks: "/jwks".into(),
                discovery: "/discovery".into(),
            },
            client: serde_json::from_value(json!({"client_id": "client", "client_secret": "s/s:"})).unwrap(),
            redirect_uri: REDIRECT_URI.into(),
            user: UserFacts { email: "user@example.com".into(), password: "a secret".into() },
            scope: "openid",
        };
        (relying_party, Browser::new(address))
    }

    #[tokio::test]
    async fn a_flow_walks_the_pages_and_goes_on_with_its_session() {
        let (relying_party, mut browser) = stub(poem::post(token)).await;
        relying_party.sign_in(&mut browser, Visit::First).await.unwrap();
        relying_party.sign_in(&mut browser.another_window(), Visit::Again).await.unwrap();
    }

    #[tokio::test]
    async fn a_known_visitor_who_is_asked_to_sign_in_is_an_error() {
        let (relying_party, mut browser) = stub(poem::post(token)).await;
        let failure = relying_party.sign_in(&mut browser, Visit::Again).await.unwrap_err();
        assert!(failure.to_string().contains("asked to sign in although"), "{failure}");
    }

    #[tokio::test]
    async fn a_wrong_password_is_an_error() {
        let (mut relying_party, mut browser) = stub(poem::post(token)).await;
        relying_party.user.password.push('?');
        let failure = relying_party.sign_in(&mut browser, Visit::First).await.unwrap_err();
        assert_eq!(failure.to_string(), "login: the form was shown again: status 200 OK, body: wrong");
    }

    #[tokio::test]
    async fn a_refused_redemption_is_told_with_its_body() {
        let refused = endpoint::make_sync(|_| {
            Response::builder().status(poem::http::StatusCode::BAD_REQUEST).body("invalid_grant")
        });
        let (relying_party, mut browser) = stub(refused).await;
        let failure = relying_party.sign_in(&mut browser, Visit::First).await.unwrap_err();
        assert_eq!(failure.to_string(), "token: unexpected status: status 400 Bad Request, body: invalid_grant");
    }

    #[test]
    fn a_callback_has_our_state_and_a_code() {
        assert_eq!(read_callback("?state=s&iss=i&code=a%2Bb", "s").unwrap(), "a+b");
        for query in ["?state=t&code=c", "?code=c", "?state=s", "?state=s&error=access_denied", ""] {
            assert!(read_callback(query, "s").is_err(), "{query}");
        }
    }
}
