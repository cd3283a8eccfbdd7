//! The artefacts: how each is made, and how it is presented.

use idp::domain::{Secret, TenantId};
use idp::service::browser::Form;
use serde_json::json;

use super::steps::{app_sign_in, chooser, consent_form, cookie_of, post_json, same, sign_in, sign_up, tag_of};
use super::{ACME, ADA, GRACE, OTHER_CALLBACK, Stage};
use crate::http::admin::service_token;
use crate::http::client_assertion::{claims as assertion_claims, token as by_assertion};
use crate::http::code_flow::redeem;
use crate::http::jose::sign;
use crate::http::request_object::signed as request_object;
use crate::support::elsewhere::Reply;
use crate::support::world::{Answer, Browser, CALLBACK, PASSWORD, SECRET, VERIFIER, basic, encode, payload};

/// A verifier of another sign-in than the code's.
const OTHER_VERIFIER: &str = "verifier-of-another-sign-in-0123456789abcdef0123456789";

macro_rules! artefacts {
    ($($(#[$doc:meta])* $kind:ident,)*) => {
        /// What somebody holds and presents.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(super) enum Artefact { $($(#[$doc])* $kind,)* }

        impl Artefact {
            pub(super) const ALL: &[Self] = &[$(Self::$kind,)*];
        }
    };
}

artefacts! {
    Code,
    RefreshToken,
    /// Of one of the tenant's own apps.
    AppRefreshToken,
    /// The same, as a cookie.
    AppRefreshCookie,
    /// A person's, at userinfo.
    AccessToken,
    /// A service's, at the admin API.
    ServiceToken,
    IdTokenHint,
    RequestObject,
    RequestUri,
    ClientAssertion,
    ClientSecret,
    PairwiseSubject,
    /// The cookie that opens sessions.
    Session,
    /// The id of a flow, in the address of its pages.
    Flow,
    /// The cookie that ties flows and forms to a browser.
    BrowserCookie,
    /// The token in a sign-in form.
    SignInForm,
    /// The token in the form for a new account.
    SignUpForm,
    /// The token in the form of the account chooser.
    ChooserForm,
    /// The value of a button of the account chooser.
    AccountChoice,
    /// The token in a consent form.
    ConsentForm,
    /// What a person allowed earlier.
    Consent,
}

/// Who presents it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    Owner,
    Client,
    User,
    Browser,
    Tenant,
}

impl By {
    /// Everybody but the owner.
    pub(super) const STRANGERS: [Self; 4] = [Self::Client, Self::User, Self::Browser, Self::Tenant];

    fn base(self) -> &'static str {
        if self == Self::Tenant { ACME } else { "" }
    }
}

/// What must come of it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Expected {
    Refused,
    /// It isn't bound to that, and why that is as it should be.
    Taken(&'static str),
    /// There is no such presentation.
    Meaningless(&'static str),
}

/// An artefact and what goes with it.
pub(super) struct Made<'w> {
    pub(super) text: String,
    flow: String,
    csrf: String,
    /// The owner's.
    browser: Browser<'w>,
}

/// Whether it was taken, and the answer.
pub(super) type Outcome = (bool, Answer);

/// The secret that a client has in a tenant: no two have the same.
pub(super) fn secret_of(tenant: TenantId, client: &str) -> Secret {
    Secret::new(format!("secret-{tenant}-{client}"))
}

fn came_back_with_code(answer: Answer) -> Outcome {
    let back = answer.header("location").is_some_and(|to| to.starts_with("https://"));
    (back && answer.returned("code").is_some(), answer)
}

pub(super) fn has_status(answer: Answer, status: u16) -> Outcome {
    (answer.status.as_u16() == status, answer)
}

/// Goes all the way that is needed: signs in, where a form is shown, and allows, where that is asked.
async fn enter(browser: &mut Browser<'_>, base: &str, client: &str, email: &str, change: &[(&str, &str)]) -> Answer {
    let mut answer = browser.authorize(client, change).await;
    if answer.location().starts_with(&format!("{base}/login")) {
        answer = browser.sign_in(&answer, email, PASSWORD).await;
    }
    if answer.location().starts_with(&format!("{base}/consent")) {
        answer = browser.consent(&answer, "allow").await;
    }
    answer
}

impl Artefact {
    /// The client that owns it.
    pub(super) fn client(self) -> String {
        format!("{self:?}-a").to_lowercase()
    }

    /// A client that doesn't.
    pub(super) fn other_client(self) -> String {
        format!("{self:?}-b").to_lowercase()
    }

    /// Whether it is something that can be copied into another's place.
    pub(super) fn has_text(self) -> bool {
        self != Self::Consent
    }

    /// What must come of it when a stranger presents it.
    pub(super) fn expected(self, by: By) -> Expected {
        use Expected::{Meaningless, Refused, Taken};
        const BEARER: Expected = Meaningless("a bearer token says itself whose it is (RFC 6750)");
        const BACK_END: Expected = Meaningless("no person or browser presents it");
        match (self, by) {
            (_, By::Owner) => Taken("its own"),
            (Self::AccessToken | Self::ServiceToken, By::Client | By::User | By::Browser) => BEARER,
            (
                Self::RefreshToken
                | Self::AppRefreshToken
                | Self::RequestObject
                | Self::RequestUri
                | Self::ClientAssertion
                | Self::ClientSecret,
                By::User | By::Browser,
            ) => BACK_END,
            (Self::Session | Self::AppRefreshCookie, By::User) => Meaningless("the cookie says whose session it is"),
            (Self::Session | Self::AppRefreshCookie, By::Browser) => {
                Taken("the cookie is the proof; scripts and other sites don't get it")
            }
            (Self::Flow, By::Client) => Meaningless("a flow says itself whose it is"),
            (Self::BrowserCookie, By::Client | By::User | By::Browser) => Meaningless("it is the browser"),
            (Self::ChooserForm, By::User) => Meaningless("nobody has been chosen yet; the choice is checked"),
            (Self::AccountChoice, By::Client) => Meaningless("any client's flow may go on with any account"),
            (Self::Consent, By::Browser) => Taken("a person allows something, not a browser"),
            (
                Self::Code
                | Self::RefreshToken
                | Self::AppRefreshToken
                | Self::AppRefreshCookie
                | Self::AccessToken
                | Self::ServiceToken
                | Self::IdTokenHint
                | Self::RequestObject
                | Self::RequestUri
                | Self::ClientAssertion
                | Self::ClientSecret
                | Self::PairwiseSubject
                | Self::Session
                | Self::Flow
                | Self::BrowserCookie
                | Self::SignInForm
                | Self::SignUpForm
                | Self::ChooserForm
                | Self::AccountChoice
                | Self::ConsentForm
                | Self::Consent,
                By::Client | By::User | By::Browser | By::Tenant,
            ) => Refused,
        }
    }

    /// Makes one of Ada's, in a browser of her own, at the first client of the default tenant.
    pub(super) async fn make(self, stage: &Stage) -> Made<'_> {
        let world = &stage.world;
        let client = self.client();
        let browser = Browser::new(world, "");
        let mut made = Made { text: String::new(), flow: String::new(), csrf: String::new(), browser };
        let browser = &mut made.browser;
        match self {
            Self::Code => {
                made.text = enter(browser, "", &client, ADA, &[]).await.returned("code").unwrap();
            }
            Self::RefreshToken | Self::AccessToken | Self::IdTokenHint | Self::PairwiseSubject => {
                let scope = [("scope", "openid profile email offline_access")];
                let code = enter(browser, "", &client, ADA, &scope).await.returned("code").unwrap();
                let tokens = redeem(world, "", &client, &code).await.json();
                let text = |name: &str| tokens[name].as_str().unwrap_or_else(|| panic!("{tokens}")).to_owned();
                made.text = match self {
                    Self::RefreshToken => text("refresh_token"),
                    Self::AccessToken => text("access_token"),
                    Self::IdTokenHint => text("id_token"),
                    _ => payload(&text("id_token"))["sub"].as_str().unwrap().to_owned(),
                };
            }
            Self::AppRefreshToken => {
                let answer = app_sign_in(stage, "", ADA, &client, false).await;
                answer.json()["refresh_token"].as_str().unwrap().clone_into(&mut made.text);
            }
            Self::AppRefreshCookie => {
                let answer = app_sign_in(stage, "", ADA, &client, true).await;
                cookie_of(&answer).1.clone_into(&mut made.text);
            }
            Self::ServiceToken => made.text = service_token(world, "", &client, "admin:users:read").await,
            Self::RequestObject => made.text = request_object(&stage.key, &client, &json!({})),
            Self::RequestUri => {
                stage.site.answers("/request", Reply::request_object(&request_object(&stage.key, &client, &json!({}))));
                made.text = stage.site.url("/request");
            }
            Self::ClientAssertion => {
                let claims = assertion_claims(&client, &json!({}));
                made.text = sign("ES256", &stage.key, r#"{"alg":"ES256","kid":"ec"}"#, &claims);
            }
            Self::ClientSecret => secret_of(TenantId::DEFAULT, &client).expose().clone_into(&mut made.text),
            Self::Session => {
                enter(browser, "", &client, ADA, &[]).await.assert_code();
                made.text = browser.cookie("session").unwrap().1.to_owned();
            }
            Self::Flow | Self::BrowserCookie | Self::SignInForm | Self::SignUpForm => {
                (made.flow, made.csrf) = browser.sign_in_page(&client).await;
                made.text = match self {
                    Self::Flow => made.flow.clone(),
                    Self::SignInForm => made.csrf.clone(),
                    Self::SignUpForm => browser.csrf(&made.flow, Form::SignUp),
                    _ => browser.cookie("browser").unwrap().1.to_owned(),
                };
            }
            Self::ChooserForm | Self::AccountChoice => {
                enter(browser, "", &client, ADA, &[]).await.assert_code();
                let (flow, csrf, account) = chooser(browser, &client).await;
                made.text = if self == Self::ChooserForm { csrf.clone() } else { account.clone() };
                (made.flow, made.csrf) = (flow, if self == Self::ChooserForm { account } else { csrf });
            }
            Self::ConsentForm => (made.flow, made.text) = consent_form(browser, &client, ADA).await,
            Self::Consent => enter(browser, "", &client, ADA, &[]).await.assert_code(),
        }
        made
    }

    /// Presents it, everything else being right.
    pub(super) async fn present<'w>(self, stage: &'w Stage, made: &mut Made<'w>, by: By) -> Outcome {
        let world = &stage.world;
        let base = by.base();
        let client = if by == By::Client { self.other_client() } else { self.client() };
        match self {
            Self::Code => {
                let verifier = if matches!(by, By::User | By::Browser) { OTHER_VERIFIER } else { VERIFIER };
                let form = [
                    ("grant_type", "authorization_code"),
                    ("code", &made.text),
                    ("redirect_uri", CALLBACK),
                    ("code_verifier", verifier),
                ];
                let headers = [("authorization", &*basic(&client, SECRET))];
                has_status(world.post(&format!("{base}/token"), &headers, &encode(&form)).await, 200)
            }
            Self::RefreshToken => {
                let form = encode(&[("grant_type", "refresh_token"), ("refresh_token", &made.text)]);
                let headers = [("authorization", &*basic(&client, SECRET))];
                has_status(world.post(&format!("{base}/token"), &headers, &form).await, 200)
            }
            Self::AppRefreshToken | Self::AppRefreshCookie => self.present_by_app(stage, made, by, &client).await,
            Self::AccessToken | Self::ServiceToken => {
                let path = if self == Self::AccessToken { "userinfo" } else { "v1/admin/users" };
                let bearer = format!("Bearer {}", made.text);
                has_status(world.get(&format!("{base}/{path}"), &[("authorization", &bearer)]).await, 200)
            }
            Self::RequestObject | Self::RequestUri => {
                let name = if self == Self::RequestObject { "request" } else { "request_uri" };
                let answer = Browser::new(world, base).authorize(&client, &[(name, &made.text)]).await;
                (answer.header("location").is_some_and(|to| to.starts_with(&format!("{base}/login"))), answer)
            }
            Self::ClientAssertion => has_status(by_assertion(world, base, Some(&client), &made.text).await, 200),
            Self::ClientSecret => {
                let headers = [("authorization", &*basic(&client, &made.text))];
                has_status(world.post(&format!("{base}/token"), &headers, "grant_type=client_credentials").await, 200)
            }
            Self::IdTokenHint | Self::PairwiseSubject => {
                let mut browser = self.browser_of_one_who_consented(stage, made, by).await;
                let claims = json!({ "id_token": { "sub": { "value": made.text } } }).to_string();
                let hint =
                    if self == Self::IdTokenHint { ("id_token_hint", &*made.text) } else { ("claims", &*claims) };
                let mut change = vec![("prompt", "none"), hint];
                change.extend(self.redirect_uri(by));
                came_back_with_code(browser.authorize(&client, &change).await)
            }
            Self::Session => {
                let mut browser = Browser::new(world, base);
                let name = if by == By::Tenant {
                    enter(&mut browser, base, &client, ADA, &[]).await.assert_code();
                    browser.cookie("session").unwrap().0.to_owned()
                } else {
                    made.browser.cookie("session").unwrap().0.to_owned()
                };
                browser.cookies = [(name, made.text.clone())].into();
                came_back_with_code(browser.authorize(&client, &[("prompt", "none")]).await)
            }
            Self::Consent => {
                let mut browser = Browser::new(world, base);
                let email = if by == By::User { GRACE } else { ADA };
                let start = browser.authorize(&client, &[]).await;
                browser.sign_in(&start, email, PASSWORD).await;
                came_back_with_code(browser.authorize(&client, &[("prompt", "none")]).await)
            }
            Self::Flow | Self::BrowserCookie | Self::SignInForm | Self::SignUpForm => {
                self.present_at_sign_in(stage, made, by).await
            }
            Self::ChooserForm | Self::AccountChoice => self.present_at_chooser(stage, made, by).await,
            Self::ConsentForm => {
                let (mut browser, flow) = match by {
                    By::Owner => (same(stage, &made.browser), made.flow.clone()),
                    // Ada, in the same browser, asked by another client.
                    By::Client => {
                        let mut browser = same(stage, &made.browser);
                        let flow = consent_form(&mut browser, &client, ADA).await.0;
                        (browser, flow)
                    }
                    // Grace has come to Ada's browser since the page was shown.
                    By::User => {
                        let mut browser = same(stage, &made.browser);
                        browser.cookies.retain(|name, _| !name.ends_with("-session"));
                        let mut graces = Browser::new(world, base);
                        consent_form(&mut graces, &client, GRACE).await;
                        let (name, value) = graces.cookie("session").unwrap();
                        browser.cookies.insert(name.to_owned(), value.to_owned());
                        (browser, made.flow.clone())
                    }
                    By::Browser | By::Tenant => {
                        let mut browser = Browser::new(world, base);
                        consent_form(&mut browser, &client, ADA).await;
                        (browser, made.flow.clone())
                    }
                };
                let form = [("flow", &*flow), ("csrf", &made.text), ("decision", "allow")];
                came_back_with_code(browser.post("/consent", &form).await)
            }
        }
    }

    async fn present_by_app(self, stage: &Stage, made: &Made<'_>, by: By, client: &str) -> Outcome {
        let (base, origin) = (by.base(), ("origin", "http://127.0.0.1:8080"));
        let path = format!("{base}/v1/auth/refresh");
        let answer = if self == Self::AppRefreshToken {
            let body = json!({ "refresh_token": made.text, "client_id": client });
            post_json(stage, &path, &[], &body).await
        } else {
            // Under the name that such a cookie has there. Another sign-in of Ada's could end the session in question: of
            // too many the oldest goes.
            let own = app_sign_in(stage, base, GRACE, client, true).await;
            let cookie = format!("{}={}", cookie_of(&own).0, made.text);
            post_json(stage, &path, &[("cookie", &cookie), origin], &json!({ "client_id": client })).await
        };
        has_status(answer, 200)
    }

    async fn present_at_sign_in<'w>(self, stage: &'w Stage, made: &Made<'w>, by: By) -> Outcome {
        let base = by.base();
        let mut flow = made.flow.clone();
        let mut browser = match by {
            By::Owner => same(stage, &made.browser),
            By::Client => {
                let mut browser = same(stage, &made.browser);
                flow = browser.sign_in_page(&self.other_client()).await.0;
                browser
            }
            By::User => {
                let mut browser = Browser::new(&stage.world, base);
                enter(&mut browser, base, &self.client(), GRACE, &[]).await.assert_code();
                browser
            }
            By::Browser | By::Tenant => {
                let mut browser = Browser::new(&stage.world, base);
                browser.sign_in_page(&self.client()).await;
                browser
            }
        };
        match self {
            Self::Flow => {
                let path = format!("/login?{}", encode(&[("flow", &made.text)]));
                let answer = browser.get(&path).await;
                (answer.status.as_u16() == 200 && answer.body.contains("name=\"csrf\""), answer)
            }
            Self::BrowserCookie => {
                // Under the name that such a cookie has there.
                let (name, _) = browser.cookie("browser").unwrap();
                let stem = name.rsplit_once('-').unwrap().0.to_owned();
                browser.cookies = [(format!("{stem}-{}", tag_of(&made.text)), made.text.clone())].into();
                sign_in(&mut browser, &flow, &made.csrf).await
            }
            Self::SignUpForm => sign_up(&mut browser, &flow, &made.text).await,
            _ => sign_in(&mut browser, &flow, &made.text).await,
        }
    }

    async fn present_at_chooser<'w>(self, stage: &'w Stage, made: &Made<'w>, by: By) -> Outcome {
        let base = by.base();
        let client = if by == By::Client { self.other_client() } else { self.client() };
        let mut browser = if matches!(by, By::Owner | By::Client) {
            same(stage, &made.browser)
        } else {
            let mut browser = Browser::new(&stage.world, base);
            let email = if by == By::User { GRACE } else { ADA };
            enter(&mut browser, base, &client, email, &[]).await.assert_code();
            browser
        };
        let own = if by == By::Owner { None } else { Some(chooser(&mut browser, &client).await) };
        // A form of another's is presented for the flow that it was made for; a choice, in one's own form.
        let (flow, csrf, account) = match (self, &own) {
            (Self::ChooserForm, None) => (&made.flow, &made.text, &made.csrf),
            (Self::ChooserForm, Some((own_flow, _, account))) => {
                (if by == By::Client { own_flow } else { &made.flow }, &made.text, account)
            }
            (_, None) => (&made.flow, &made.csrf, &made.text),
            (_, Some((flow, csrf, _))) => (flow, csrf, &made.text),
        };
        let form = [("flow", &**flow), ("csrf", csrf), ("account", account)];
        came_back_with_code(browser.post("/select-account", &form).await)
    }

    /// Somebody's browser in which the client would get its code, were it not for what the request says.
    async fn browser_of_one_who_consented<'w>(self, stage: &'w Stage, made: &Made<'w>, by: By) -> Browser<'w> {
        let base = by.base();
        let mut browser = Browser::new(&stage.world, base);
        let (client, email) = match by {
            By::Owner => return same(stage, &made.browser),
            By::Client => {
                browser = same(stage, &made.browser);
                (self.other_client(), ADA)
            }
            By::User => (self.client(), GRACE),
            By::Browser => return browser,
            By::Tenant => (self.client(), ADA),
        };
        let change: Vec<(&str, &str)> = self.redirect_uri(by).into_iter().collect();
        let answer = enter(&mut browser, base, &client, email, &change).await;
        assert!(answer.returned("code").is_some(), "{self:?} by {by:?}: {answer:?}");
        browser
    }

    /// Where the client is, if not where all are.
    fn redirect_uri(self, by: By) -> Option<(&'static str, &'static str)> {
        (self == Self::PairwiseSubject && by == By::Client).then_some(("redirect_uri", OTHER_CALLBACK))
    }
}
