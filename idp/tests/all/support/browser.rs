//! A browser at a provider in this process.

use std::collections::BTreeMap;

use idp::domain::Secret;
use idp::service::browser::{BrowserSecret, Form};
use poem::http::StatusCode;

use super::world::{Answer, CALLBACK, FORM, HOME, PASSWORD, World, challenge, encode, request};

/// A browser: cookies, and nothing else.
pub(crate) struct Browser<'w> {
    world: &'w World,
    base: String,
    /// The network address that it is at.
    pub(crate) address: String,
    /// What it calls itself.
    pub(crate) user_agent: String,
    pub(crate) cookies: BTreeMap<String, String>,
}

impl<'w> Browser<'w> {
    /// A browser without cookies, at the tenant whose pages are below `base`.
    pub(crate) fn new(world: &'w World, base: &str) -> Self {
        Self {
            world,
            base: base.to_owned(),
            address: HOME.to_owned(),
            user_agent: "Test".to_owned(),
            cookies: BTreeMap::new(),
        }
    }

    /// The cookie of that kind: `session` or `browser`.
    pub(crate) fn cookie(&self, kind: &str) -> Option<(&str, &str)> {
        let ours = |(name, _): &(&String, &String)| name.contains(&format!("-{kind}"));
        self.cookies.iter().find(ours).map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The token of a form of a flow, made as the provider makes it.
    pub(crate) fn csrf(&self, flow: &str, form: Form) -> String {
        let secret = BrowserSecret(Secret::new(self.cookie("browser").unwrap().1));
        secret.csrf_token(flow.parse().unwrap(), form).expose().to_owned()
    }

    fn keep(&mut self, answer: &Answer) {
        for cookie in answer.headers.get_all("set-cookie") {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            if rest.contains("; Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// The `Cookie` header.
    pub(crate) fn cookie_header(&self) -> String {
        self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    /// Opens an address of the tenant, given without its base.
    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        let path = if path.starts_with("/t/") { path.to_owned() } else { format!("{}{path}", self.base) };
        let cookies = self.cookie_header();
        self.send(request("GET", &path, &[("cookie", &cookies), ("accept", "text/html")], Vec::new())).await
    }

    /// Posts a form to an address of the tenant.
    pub(crate) async fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Answer {
        self.post_raw(path, Some(FORM), encode(form).into_bytes()).await
    }

    /// Posts anything to an address of the tenant.
    pub(crate) async fn post_raw(&mut self, path: &str, content_type: Option<&str>, body: Vec<u8>) -> Answer {
        let cookies = self.cookie_header();
        let mut headers = vec![("cookie", cookies.as_str()), ("accept", "text/html")];
        headers.extend(content_type.map(|media_type| ("content-type", media_type)));
        let posted = request("POST", &format!("{}{path}", self.base), &headers, body);
        self.send(posted).await
    }

    async fn send(&mut self, mut request: poem::http::Request<Vec<u8>>) -> Answer {
        request.headers_mut().insert("user-agent", self.user_agent.parse().unwrap());
        let answer = self.world.send_from(&self.address, request).await;
        self.keep(&answer);
        answer
    }

    /// Begins an authorization with the usual parameters, some of them changed.
    pub(crate) async fn authorize(&mut self, client_id: &str, change: &[(&str, &str)]) -> Answer {
        let challenge = challenge();
        let mut parameters: Vec<(&str, &str)> = vec![
            ("response_type", "code"),
            ("client_id", client_id),
            ("redirect_uri", CALLBACK),
            ("scope", "openid profile email"),
            ("state", "the state"),
            ("nonce", "the nonce"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        for (name, value) in change {
            parameters.retain(|(found, _)| found != name);
            parameters.push((name, value));
        }
        self.get(&format!("/authorize?{}", encode(&parameters))).await
    }

    /// Fills the sign-in page in that an answer leads to.
    pub(crate) async fn sign_in(&mut self, to_page: &Answer, email: &str, password: &str) -> Answer {
        let (flow, csrf) = self.form(to_page).await;
        self.post("/login", &[("flow", &flow), ("csrf", &csrf), ("email", email), ("password", password)]).await
    }

    /// Answers the consent page that an answer leads to.
    pub(crate) async fn consent(&mut self, to_page: &Answer, decision: &str) -> Answer {
        let (flow, csrf) = self.form(to_page).await;
        self.post("/consent", &[("flow", &flow), ("csrf", &csrf), ("decision", decision)]).await
    }

    /// Opens the page that an answer leads to and reads the hidden fields of its form.
    pub(crate) async fn form(&mut self, to_page: &Answer) -> (String, String) {
        let page = self.get(to_page.location()).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        (hidden(&page.body, "flow"), hidden(&page.body, "csrf"))
    }

    /// Begins an authorization and opens its sign-in page: the flow and the form's token.
    pub(crate) async fn sign_in_page(&mut self, client_id: &str) -> (String, String) {
        let start = self.authorize(client_id, &[]).await;
        start.assert_leads_to(&format!("{}/login", self.base));
        self.form(&start).await
    }

    /// Begins an authorization, signs in, and opens the consent page.
    pub(crate) async fn consent_page(&mut self, client_id: &str, email: &str) -> (String, String) {
        let start = self.authorize(client_id, &[]).await;
        let signed_in = self.sign_in(&start, email, PASSWORD).await;
        signed_in.assert_leads_to(&format!("{}/consent", self.base));
        self.form(&signed_in).await
    }

    /// From the request to the code: signs in and, unless that was done before, allows.
    pub(crate) async fn code(&mut self, client_id: &str, email: &str) -> String {
        let start = self.authorize(client_id, &[]).await;
        let signed_in = self.sign_in(&start, email, PASSWORD).await;
        let asked = signed_in.location().starts_with(&format!("{}/consent", self.base));
        let allowed = if asked { self.consent(&signed_in, "allow").await } else { signed_in };
        allowed.returned("code").unwrap_or_else(|| panic!("no code: {}", allowed.location()))
    }
}

/// The value of a hidden field.
pub(crate) fn hidden(html: &str, name: &str) -> String {
    let at = html.find(&format!("name=\"{name}\"")).unwrap_or_else(|| panic!("no field {name}: {html}"));
    let tag = &html[at..at + html[at..].find('>').unwrap()];
    let value = tag.split("value=\"").nth(1).unwrap_or_else(|| panic!("no value: {tag}"));
    value.split('"').next().unwrap().to_owned()
}
