//! The sign-in page: email or username, password, and a way back to the client.
//!
//! Contract with browsers that fill it in by themselves: inputs with the ids and names `email` and `password`, exactly
//! one `button[type=submit]`; cancelling is a form of its own that sends `action=cancel`.

use askama::Template;
use poem::{Response, http::StatusCode};

use super::headers::{Answer, Forms};
use super::layout::{Chrome, page_of_flow};
use super::texts::Texts;
use super::{ClientDisplay, PageContext, Person};

/// The id of the list that sums up what is wrong.
const SUMMARY: &str = "problems";

/// The page that asks who the reader is. Posts `flow`, `csrf`, `email`, `password` to `{base}/login`; to cancel, `flow`,
/// `csrf`, `action=cancel`.
#[derive(Clone, Debug)]
pub struct SignInPage {
    /// The client that the reader signs in to.
    pub client: ClientDisplay,
    /// Id of the flow.
    pub flow: String,
    /// Token that proves that the form is ours.
    pub csrf: String,
    /// What was typed as email or username before, or what the client suggested (`login_hint`); may be empty.
    pub email: String,
    /// Who is asked to prove again who they are; `None` where anybody may sign in.
    pub expected: Option<Person>,
    /// Whether whoever has no account can make one.
    pub offers_sign_up: bool,
    /// Whether the reader chose to sign in with another account than the one that would be asked.
    pub wants_another: bool,
    /// Why the page is shown again.
    pub error: Option<SignInError>,
}

/// Why a sign-in didn't go through. Nothing in it tells whether an account exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInError {
    /// No such account, a wrong password, or an account that may not sign in: the reader isn't told which.
    BadCredentials,
    /// Nothing was entered as email or username.
    MissingEmail,
    /// No password was entered.
    MissingPassword,
    /// Neither was entered.
    MissingBoth,
    /// Too many attempts for this account or from this address.
    TooManyAttempts {
        /// Whole minutes until the next attempt is allowed.
        minutes: u32,
    },
    /// More people sign in right now than passwords can be checked.
    Busy {
        /// Seconds until it is worth trying again.
        seconds: u32,
    },
    /// The form's token didn't match: the page was open for too long, or the form isn't ours.
    Expired,
}

impl SignInError {
    /// Status of the page that shows it.
    pub fn status(self) -> StatusCode {
        match self {
            Self::BadCredentials | Self::MissingEmail | Self::MissingPassword | Self::MissingBoth => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::TooManyAttempts { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Expired => StatusCode::FORBIDDEN,
        }
    }

    fn retry_after(self) -> Option<u32> {
        match self {
            Self::TooManyAttempts { minutes } => Some(minutes.saturating_mul(60)),
            Self::Busy { seconds } => Some(seconds),
            Self::BadCredentials | Self::MissingEmail | Self::MissingPassword | Self::MissingBoth | Self::Expired => {
                None
            }
        }
    }

    fn problems(self, t: Texts) -> Vec<Problem> {
        let login = || Problem::at("email", t.text("sign-in-missing-login"));
        let password = || Problem::at("password", t.text("sign-in-missing-password"));
        match self {
            Self::BadCredentials => vec![Problem::at("email", t.text("sign-in-bad-credentials"))],
            Self::MissingEmail => vec![login()],
            Self::MissingPassword => vec![password()],
            Self::MissingBoth => vec![login(), password()],
            Self::TooManyAttempts { minutes } => {
                vec![Problem::anywhere(t.with("sign-in-too-many-attempts", "minutes", minutes.max(1)))]
            }
            Self::Busy { .. } => vec![Problem::anywhere(t.text("sign-in-busy"))],
            Self::Expired => vec![Problem::at("password", t.text("sign-in-expired"))],
        }
    }
}

/// A line of the summary above the form.
struct Problem {
    text: String,
    /// Id of the field to go to.
    field: Option<&'static str>,
}

impl Problem {
    fn at(field: &'static str, text: impl Into<String>) -> Self {
        Self { text: text.into(), field: Some(field) }
    }

    fn anywhere(text: impl Into<String>) -> Self {
        Self { text: text.into(), field: None }
    }
}

/// How a field stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    /// Nothing is known against it.
    Fine,
    /// It was left empty, and says so itself.
    Empty,
    /// It or the other one is wrong; the summary says so.
    Doubtful,
}

impl Field {
    fn has_own_text(self) -> bool {
        self == Self::Empty
    }

    /// Id of the text that says what is wrong with it.
    fn described_by(self, own: &'static str) -> Option<&'static str> {
        match self {
            Self::Fine => None,
            Self::Empty => Some(own),
            Self::Doubtful => Some(SUMMARY),
        }
    }
}

/// What has the focus when the page opens.
#[derive(PartialEq, Eq)]
enum Focus {
    Problems,
    Login,
    Password,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct View<'a> {
    chrome: Chrome<'a>,
    t: Texts,
    page: &'a SignInPage,
    client: &'a ClientDisplay,
    problems: Vec<Problem>,
    login: Field,
    password: Field,
    /// Where an account is made.
    sign_up: Option<String>,
    focus: Focus,
}

impl SignInPage {
    /// The page as a response: 200, or the status of its error.
    pub fn render(&self, context: &PageContext) -> Response {
        let t = Texts(context.language);
        let (login, password) = match self.error {
            Some(SignInError::BadCredentials) => (Field::Doubtful, Field::Doubtful),
            Some(SignInError::MissingEmail) => (Field::Empty, Field::Fine),
            Some(SignInError::MissingPassword) => (Field::Fine, Field::Empty),
            Some(SignInError::MissingBoth) => (Field::Empty, Field::Empty),
            Some(SignInError::TooManyAttempts { .. } | SignInError::Busy { .. } | SignInError::Expired) | None => {
                (Field::Fine, Field::Fine)
            }
        };
        let focus = match self.error {
            Some(_) => Focus::Problems,
            None if self.email.is_empty() => Focus::Login,
            None => Focus::Password,
        };
        let view = View {
            chrome: Chrome::of_flow(context, &self.flow),
            t,
            page: self,
            client: &self.client,
            problems: self.error.map(|error| error.problems(t)).unwrap_or_default(),
            login,
            password,
            sign_up: self.offers_sign_up.then(|| page_of_flow(context, "signup", &self.flow, &[("switch", "1")])),
            focus,
        };
        Answer {
            forms: Forms::ToTheClient,
            retry_after: self.error.and_then(SignInError::retry_after),
            ..Answer::new(self.error.map_or(StatusCode::OK, SignInError::status))
        }
        .render(&view, context)
    }
}
