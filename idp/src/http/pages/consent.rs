//! The consent page: what a client may do, in plain words, and the choice to allow it.
//!
//! Contract with browsers that fill it in by themselves: `button#allow` and `button#deny`.

use askama::Template;
use poem::{Response, http::StatusCode};

use super::{
    ClientDisplay, PageContext, ReturnTarget,
    client::initial,
    headers::{Answer, Forms},
    layout::{Chrome, page_of_flow},
    texts::Texts,
};

/// The page that asks whether a client may have what it asks for. Posts `flow`, `csrf`, `decision=allow|deny` to
/// `{base}/consent`; another account is chosen at `{base}/select-account?flow=…`.
#[derive(Clone, Debug)]
pub struct ConsentPage {
    /// The client that asks.
    pub client: ClientDisplay,
    /// Where the sign-in ends.
    pub returns_to: ReturnTarget,
    /// Id of the flow.
    pub flow: String,
    /// Token that proves that the form is ours.
    pub csrf: String,
    /// Who is signed in.
    pub person: Person,
    /// What the client asks for, in the order it is shown.
    pub scopes: Vec<RequestedScope>,
}

/// Who is signed in, as the pages name them.
#[derive(Clone, Debug)]
pub struct Person {
    /// Display name, if the account has one.
    pub name: Option<String>,
    /// Email or username.
    pub login: String,
}

impl Person {
    /// The letter in the person's circle.
    pub(super) fn initial(&self) -> String {
        initial(self.name.as_deref().unwrap_or(&self.login))
    }
}

/// A scope value that a client asks for.
#[derive(Clone, Debug)]
pub struct RequestedScope {
    /// The scope value (RFC 6749 §3.3).
    pub name: String,
    /// What it stands for, in the tenant's own words; for scopes that Signet has no words for.
    pub description: Option<String>,
    /// Whether the person has not allowed it to this client before.
    pub is_new: bool,
}

/// A line of the list.
pub(super) struct ScopeLine {
    pub(super) icon: &'static str,
    pub(super) title: String,
    pub(super) detail: String,
    is_marked: bool,
}

impl RequestedScope {
    pub(super) fn line(&self, t: Texts, is_marked: bool) -> ScopeLine {
        let (icon, key) = match self.name.as_str() {
            "openid" => ("i-user", "scope-openid"),
            "profile" => ("i-card", "scope-profile"),
            "email" => ("i-mail", "scope-email"),
            "address" => ("i-pin", "scope-address"),
            "phone" => ("i-phone", "scope-phone"),
            "offline_access" => ("i-clock", "scope-offline-access"),
            name => {
                let other = t.with("scope-other", "scope", name);
                let (title, detail) = match &self.description {
                    Some(description) => (description.clone(), name.to_owned()),
                    None => (other, t.text("scope-other-detail").into_owned()),
                };
                return ScopeLine { icon: "i-key", title, detail, is_marked };
            }
        };
        let (title, detail) = (t.text(key).into_owned(), t.text(&format!("{key}-detail")).into_owned());
        ScopeLine { icon, title, detail, is_marked }
    }
}

#[derive(Template)]
#[template(path = "consent.html")]
struct View<'a> {
    chrome: Chrome<'a>,
    t: Texts,
    page: &'a ConsentPage,
    client: &'a ClientDisplay,
    scopes: Vec<ScopeLine>,
    switch_account: String,
}

impl ConsentPage {
    /// The page as a response, always 200.
    pub fn render(&self, context: &PageContext) -> Response {
        let t = Texts(context.language);
        // Where all is new, marking each line would say nothing.
        let some_are_old = self.scopes.iter().any(|scope| !scope.is_new);
        let view = View {
            chrome: Chrome::of_flow(context, &self.flow),
            t,
            page: self,
            client: &self.client,
            scopes: self.scopes.iter().map(|scope| scope.line(t, scope.is_new && some_are_old)).collect(),
            switch_account: page_of_flow(context, "select-account", &self.flow, &[]),
        };
        Answer { forms: Forms::ToTheClient, ..Answer::new(StatusCode::OK) }.render(&view, context)
    }
}
