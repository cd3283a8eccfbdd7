//! Where the person is signed in.

use askama::Template;
use poem::{Response, http::StatusCode};

use super::Frame;
use crate::domain::Timestamp;
use crate::http::pages::moment::Moment;
use crate::http::pages::{PageContext, headers::Answer, layout::Chrome, texts::Texts};

/// A device on which the person is signed in.
#[derive(Clone, Debug)]
pub struct DeviceView {
    /// What the form sends.
    pub id: String,
    /// The browser, as far as it says.
    pub browser: Option<String>,
    /// The system that it runs on, as far as it says.
    pub system: Option<String>,
    /// Whether it is one of one's own apps rather than a browser.
    pub is_app: bool,
    /// The network address of the sign-in.
    pub address: Option<String>,
    /// How the person proved who they are there (RFC 8176).
    pub methods: Vec<&'static str>,
    /// When the session began.
    pub started: Timestamp,
    /// When it was last used.
    pub active: Timestamp,
    /// Now.
    pub now: Timestamp,
    /// Whether it is this one.
    pub is_this: bool,
}

/// The devices. A sign-out posts `csrf`, `session` to `{base}/account/sessions/end`.
#[derive(Clone, Debug)]
pub struct SessionsPage {
    /// What is around it.
    pub frame: Frame,
    /// The devices of this page. On the first one, this one is first.
    pub devices: Vec<DeviceView>,
    /// Whether there are some before these.
    pub is_continued: bool,
    /// The last of these, if there are more after it.
    pub next: Option<String>,
}

/// Asks whether to sign out everywhere else. Posts `csrf` to `{base}/account/sessions/end-others`.
#[derive(Clone, Debug)]
pub struct EndOthersPage {
    /// What is around it.
    pub frame: Frame,
    /// The devices that will be signed out.
    pub devices: Vec<DeviceView>,
    /// Whether there are more than these.
    pub is_cut: bool,
}

/// A device, in the reader's language.
struct Row<'a> {
    device: &'a DeviceView,
    title: String,
    methods: Option<String>,
    started: Moment,
    active: Moment,
    sign_out: String,
}

impl DeviceView {
    fn row(&self, t: Texts) -> Row<'_> {
        let title = match (&self.browser, &self.system) {
            (Some(browser), Some(system)) => {
                let values = [("browser", browser.as_str().into()), ("system", system.as_str().into())];
                t.several("account-device", &values)
            }
            (Some(name), None) | (None, Some(name)) => name.clone(),
            (None, None) if self.is_app => t.text("account-device-app").into_owned(),
            (None, None) => t.text("account-device-unknown").into_owned(),
        };
        let method = |name: &&'static str| match *name {
            "pwd" => t.text("account-method-password").into_owned(),
            other => other.to_owned(),
        };
        let methods: Vec<String> = self.methods.iter().map(method).collect();
        Row {
            device: self,
            sign_out: t.with("account-sign-out-of", "device", title.as_str()),
            title,
            methods: (!methods.is_empty()).then(|| methods.join(", ")),
            started: Moment::ago(t, self.started, self.now),
            active: Moment::ago(t, self.active, self.now),
        }
    }
}

#[derive(Template)]
#[template(path = "account_sessions.html")]
struct ListView<'a> {
    chrome: Chrome<'a>,
    t: Texts,
    frame: &'a Frame,
    page: &'a SessionsPage,
    rows: Vec<Row<'a>>,
    has_others: bool,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "account_end_others.html")]
struct EndOthersView<'a> {
    chrome: Chrome<'a>,
    t: Texts,
    frame: &'a Frame,
    page: &'a EndOthersPage,
    rows: Vec<Row<'a>>,
}

impl SessionsPage {
    /// The page as a response, always 200.
    pub fn render(&self, context: &PageContext) -> Response {
        let t = Texts(context.language);
        let rows = self.devices.iter().map(|device| device.row(t)).collect();
        let view = ListView {
            chrome: Chrome::of_request(context),
            t,
            frame: &self.frame,
            page: self,
            rows,
            has_others: self.devices.iter().any(|device| !device.is_this),
            next: self.next.as_ref().map(|after| context.address("/account/sessions", &[("after", after)])),
        };
        Answer::new(StatusCode::OK).render(&view, context)
    }
}

impl EndOthersPage {
    /// The page as a response, always 200.
    pub fn render(&self, context: &PageContext) -> Response {
        let t = Texts(context.language);
        let rows = self.devices.iter().map(|device| device.row(t)).collect();
        let view = EndOthersView { chrome: Chrome::of_request(context), t, frame: &self.frame, page: self, rows };
        Answer::new(StatusCode::OK).render(&view, context)
    }
}
