//! Failure pages: what happened, whose fault it is, what to do next, and a reference that is in the log.

use askama::Template;
use poem::{Response, http::StatusCode};

use super::{ClientDisplay, PageContext, headers::Answer, layout::Chrome, texts::Texts};

/// What went wrong, as a person is told about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// `client_id` is missing, or no client has it.
    UnknownClient,
    /// The client is disabled.
    ClientDisabled,
    /// `redirect_uri` is missing.
    RedirectUriMissing,
    /// `redirect_uri` isn't one of those registered.
    RedirectUriMismatch,
    /// A logout request has `post_logout_redirect_uri` and no `id_token_hint`.
    IdTokenHintMissing,
    /// `id_token_hint` isn't an ID token that we gave the client.
    IdTokenHintInvalid,
    /// `post_logout_redirect_uri` isn't one of those registered.
    PostLogoutRedirectUriMismatch,
    /// A request of the client that can't be answered by a redirect.
    InvalidRequest,
    /// No sign-in is under way with this id, or it has expired.
    FlowUnknown,
    /// The sign-in was started in another browser, or cookies are refused.
    OtherBrowser,
    /// A form without a valid token, or sent by another site.
    FormRejected,
    /// There is no page at this address.
    NotFound,
    /// The page exists, the method doesn't fit.
    MethodNotAllowed,
    /// The request is too large.
    TooLarge,
    /// The body isn't a form.
    UnsupportedForm,
    /// Too many requests from this address.
    TooManyRequests {
        /// Whole minutes until requests are taken again.
        minutes: u32,
    },
    /// No capacity for a moment.
    Busy {
        /// Seconds until it is worth trying again.
        seconds: u32,
    },
    /// Storage, or another part that is needed, doesn't answer.
    Unavailable {
        /// Seconds until it is worth trying again.
        seconds: u32,
    },
    /// An error of ours.
    Internal,
    /// There is no tenant at this address.
    TenantUnknown,
    /// The tenant is suspended.
    TenantSuspended,
}

/// Whose fault it is, by the key of the sentence that says so.
#[derive(Clone, Copy)]
enum Fault {
    App,
    Service,
    Reader,
    Nobody,
}

impl Fault {
    fn key(self) -> &'static str {
        match self {
            Self::App => "fault-app",
            Self::Service => "fault-service",
            Self::Reader => "fault-reader",
            Self::Nobody => "fault-nobody",
        }
    }
}

/// How long to wait before trying again.
#[derive(Clone, Copy)]
enum Wait {
    Not,
    Seconds(u32),
    Minutes(u32),
}

impl Wait {
    fn seconds(self) -> Option<u32> {
        match self {
            Self::Not => None,
            Self::Seconds(seconds) => Some(seconds),
            Self::Minutes(minutes) => Some(minutes.saturating_mul(60)),
        }
    }

    /// The number in the sentence about what to do next; sentences without one don't look at it.
    fn count(self) -> u32 {
        match self {
            Self::Not => 1,
            Self::Seconds(count) | Self::Minutes(count) => count.max(1),
        }
    }
}

/// What a page says about a failure.
struct Explanation {
    status: StatusCode,
    /// The headline is at `{topic}-title`, what happened at `{topic}-what`.
    topic: &'static str,
    fault: Fault,
    /// Key of the sentence about what to do next.
    next: &'static str,
    /// The parameter at fault, where the failure has only one.
    parameter: Option<&'static str>,
    wait: Wait,
}

impl Explanation {
    fn new(status: StatusCode, topic: &'static str, fault: Fault, next: &'static str) -> Self {
        Self { status, topic, fault, next, parameter: None, wait: Wait::Not }
    }

    /// A request that the client got wrong.
    fn of_app(status: StatusCode, topic: &'static str) -> Self {
        Self::new(status, topic, Fault::App, "next-tell-app-maker")
    }

    fn parameter(self, parameter: &'static str) -> Self {
        Self { parameter: Some(parameter), ..self }
    }

    fn wait(self, wait: Wait) -> Self {
        Self { wait, ..self }
    }
}

#[cfg(test)]
impl Failure {
    /// One of each.
    pub(super) const ALL: [Self; 21] = [
        Self::IdTokenHintMissing,
        Self::IdTokenHintInvalid,
        Self::PostLogoutRedirectUriMismatch,
        Self::UnknownClient,
        Self::ClientDisabled,
        Self::RedirectUriMissing,
        Self::RedirectUriMismatch,
        Self::InvalidRequest,
        Self::FlowUnknown,
        Self::OtherBrowser,
        Self::FormRejected,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::TooLarge,
        Self::UnsupportedForm,
        Self::TooManyRequests { minutes: 3 },
        Self::Busy { seconds: 5 },
        Self::Unavailable { seconds: 5 },
        Self::Internal,
        Self::TenantUnknown,
        Self::TenantSuspended,
    ];
}

impl Failure {
    /// Status of the page.
    pub fn status(self) -> StatusCode {
        self.explanation().status
    }

    fn explanation(self) -> Explanation {
        use Fault::{Nobody, Reader, Service};
        use StatusCode as Status;

        match self {
            Self::UnknownClient => {
                Explanation::of_app(Status::BAD_REQUEST, "failure-unknown-client").parameter("client_id")
            }
            Self::ClientDisabled => {
                Explanation::new(Status::FORBIDDEN, "failure-client-disabled", Nobody, "next-ask-operator")
            }
            Self::RedirectUriMissing => {
                Explanation::of_app(Status::BAD_REQUEST, "failure-redirect-uri-missing").parameter("redirect_uri")
            }
            Self::RedirectUriMismatch => {
                Explanation::of_app(Status::BAD_REQUEST, "failure-redirect-uri-mismatch").parameter("redirect_uri")
            }
            Self::IdTokenHintMissing => {
                Explanation::of_app(Status::BAD_REQUEST, "failure-id-token-hint-missing").parameter("id_token_hint")
            }
            Self::IdTokenHintInvalid => {
                Explanation::of_app(Status::BAD_REQUEST, "failure-id-token-hint-invalid").parameter("id_token_hint")
            }
            Self::PostLogoutRedirectUriMismatch => {
                Explanation::of_app(Status::BAD_REQUEST, "failure-post-logout-redirect-uri-mismatch")
                    .parameter("post_logout_redirect_uri")
            }
            Self::InvalidRequest => Explanation::of_app(Status::BAD_REQUEST, "failure-invalid-request"),
            Self::FlowUnknown => {
                Explanation::new(Status::BAD_REQUEST, "failure-flow-unknown", Nobody, "next-start-again")
            }
            Self::OtherBrowser => {
                Explanation::new(Status::FORBIDDEN, "failure-other-browser", Reader, "failure-other-browser-next")
            }
            Self::FormRejected => {
                Explanation::new(Status::FORBIDDEN, "failure-form-rejected", Nobody, "next-start-again")
            }
            Self::NotFound => {
                Explanation::new(Status::NOT_FOUND, "failure-not-found", Nobody, "failure-not-found-next")
            }
            Self::MethodNotAllowed => Explanation::of_app(Status::METHOD_NOT_ALLOWED, "failure-method-not-allowed"),
            Self::TooLarge => Explanation::of_app(Status::PAYLOAD_TOO_LARGE, "failure-too-large"),
            Self::UnsupportedForm => Explanation::of_app(Status::UNSUPPORTED_MEDIA_TYPE, "failure-unsupported-form"),
            Self::TooManyRequests { minutes } => {
                let (topic, next) = ("failure-too-many-requests", "failure-too-many-requests-next");
                Explanation::new(Status::TOO_MANY_REQUESTS, topic, Nobody, next).wait(Wait::Minutes(minutes))
            }
            Self::Busy { seconds } => {
                Explanation::new(Status::SERVICE_UNAVAILABLE, "failure-busy", Nobody, "next-wait-seconds")
                    .wait(Wait::Seconds(seconds))
            }
            Self::Unavailable { seconds } => {
                Explanation::new(Status::SERVICE_UNAVAILABLE, "failure-unavailable", Service, "next-wait-seconds")
                    .wait(Wait::Seconds(seconds))
            }
            Self::Internal => {
                Explanation::new(Status::INTERNAL_SERVER_ERROR, "failure-internal", Service, "next-tell-operator")
            }
            Self::TenantUnknown => {
                Explanation::new(Status::NOT_FOUND, "failure-tenant-unknown", Nobody, "failure-not-found-next")
            }
            Self::TenantSuspended => {
                Explanation::new(Status::FORBIDDEN, "failure-tenant-suspended", Nobody, "next-ask-operator")
            }
        }
    }
}

/// The page of a failure.
#[derive(Clone, Debug)]
pub struct ErrorPage {
    failure: Failure,
    parameter: Option<String>,
    code: Option<String>,
    detail: Option<String>,
    client: Option<ClientDisplay>,
}

#[derive(Template)]
#[template(path = "failure.html")]
struct View<'a> {
    chrome: Chrome<'a>,
    t: Texts,
    page: &'a ErrorPage,
    parameter: Option<&'a str>,
    title: String,
    what: String,
    fault: String,
    next: String,
}

impl ErrorPage {
    /// The page of this failure.
    pub fn new(failure: Failure) -> Self {
        Self { failure, parameter: None, code: None, detail: None, client: None }
    }

    /// With the name of the parameter at fault, such as `redirect_uri`.
    #[must_use]
    pub fn parameter(self, parameter: impl Into<String>) -> Self {
        Self { parameter: Some(parameter.into()), ..self }
    }

    /// With the OAuth error code (RFC 6749 §4.1.2.1), such as `invalid_request`.
    #[must_use]
    pub fn code(self, code: impl Into<String>) -> Self {
        Self { code: Some(code.into()), ..self }
    }

    /// With a sentence of our own for developers, in English. Never a library's error text.
    #[must_use]
    pub fn detail(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }

    /// With a way back to the client, if its home page is known.
    #[must_use]
    pub fn client(self, client: ClientDisplay) -> Self {
        Self { client: Some(client), ..self }
    }

    /// The page as a response with the failure's status.
    pub fn render(&self, context: &PageContext) -> Response {
        let t = Texts(context.language);
        let explanation = self.failure.explanation();
        let topic = explanation.topic;
        let view = View {
            chrome: Chrome::of_request(context),
            t,
            page: self,
            parameter: self.parameter.as_deref().or(explanation.parameter),
            title: t.text(&format!("{topic}-title")).into_owned(),
            what: t.text(&format!("{topic}-what")).into_owned(),
            fault: t.text(explanation.fault.key()).into_owned(),
            next: t.with(explanation.next, "count", explanation.wait.count()),
        };
        Answer { retry_after: explanation.wait.seconds(), ..Answer::new(explanation.status) }.render(&view, context)
    }
}
