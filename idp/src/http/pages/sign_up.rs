//! The page on which somebody makes an account.
//!
//! Contract with browsers that fill it in by themselves: inputs with the ids and names `email`, `name` and `password`,
//! exactly one `button[type=submit]`; cancelling is a form of its own that sends `action=cancel`.

use std::borrow::Cow;

use askama::Template;
use poem::{Response, http::StatusCode};

use super::headers::{Answer, Forms};
use super::layout::{Chrome, page_of_flow};
use super::texts::Texts;
use super::{ClientDisplay, PageContext};

/// The page. Posts `flow`, `csrf`, `email`, `name`, `password` to `{base}/signup`; to cancel, `flow`, `csrf`,
/// `action=cancel`.
#[derive(Clone, Debug)]
pub struct SignUpPage {
    /// The client that the reader wants the account for.
    pub client: ClientDisplay,
    /// Id of the flow.
    pub flow: String,
    /// Token that proves that the form is ours.
    pub csrf: String,
    /// What was typed as e-mail address before, or what the client suggested (`login_hint`); may be empty.
    pub email: String,
    /// What was typed as name before; may be empty.
    pub name: String,
    /// Why the page is shown again.
    pub error: Option<SignUpError>,
}

/// Why an account isn't made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignUpError {
    /// What was entered can't be taken.
    Entries(EntryProblems),
    /// Too many attempts from this address.
    TooManyAttempts {
        /// Whole minutes until the next attempt is allowed.
        minutes: u32,
    },
    /// More passwords are to be hashed right now than can be.
    Busy {
        /// Seconds until it is worth trying again.
        seconds: u32,
    },
}

/// What is wrong with what was entered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EntryProblems {
    /// With the e-mail address.
    pub email: Option<EmailProblem>,
    /// With the name.
    pub name: Option<NameProblem>,
    /// With the password.
    pub password: Option<PasswordProblem>,
}

/// What is wrong with an e-mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmailProblem {
    /// Nothing was entered.
    Missing,
    /// It isn't one.
    Malformed,
    /// It can't be had.
    Taken,
}

impl EmailProblem {
    fn key(self) -> &'static str {
        match self {
            Self::Missing => "sign-up-missing-email",
            Self::Malformed => "sign-up-malformed-email",
            Self::Taken => "sign-up-taken",
        }
    }
}

/// What is wrong with a name: it is too long, or has characters that no name has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameProblem;

/// What is wrong with a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordProblem {
    /// Nothing was entered.
    Missing,
    /// It has too few characters.
    TooShort,
    /// It has too many.
    TooLong,
    /// It is easy to guess.
    Guessable,
}

impl PasswordProblem {
    fn key(self) -> &'static str {
        match self {
            Self::Missing => "sign-up-missing-password",
            Self::TooShort => "sign-up-password-too-short",
            Self::TooLong => "sign-up-password-too-long",
            Self::Guessable => "sign-up-password-guessable",
        }
    }
}

impl SignUpError {
    /// Status of the page that shows it.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Entries(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooManyAttempts { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy { .. } => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn retry_after(self) -> Option<u32> {
        match self {
            Self::Entries(_) => None,
            Self::TooManyAttempts { minutes } => Some(minutes.saturating_mul(60)),
            Self::Busy { seconds } => Some(seconds),
        }
    }
}

/// What has the focus when the page opens.
#[derive(PartialEq, Eq)]
enum Focus {
    Problems,
    Email,
    Name,
}

#[derive(Template)]
#[template(path = "sign_up.html")]
struct View<'a> {
    chrome: Chrome<'a>,
    t: Texts,
    page: &'a SignUpPage,
    client: &'a ClientDisplay,
    /// What is wrong with no field in particular.
    general: Option<String>,
    email: Option<Cow<'static, str>>,
    name: Option<Cow<'static, str>>,
    password: Option<Cow<'static, str>>,
    sign_in: String,
    focus: Focus,
}

impl View<'_> {
    fn has_problem(&self) -> bool {
        self.page.error.is_some()
    }

    /// Fields with what is wrong with them.
    fn problems(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let fields = [("email", &self.email), ("name", &self.name), ("password", &self.password)];
        fields.into_iter().filter_map(|(field, problem)| Some((field, problem.as_deref()?)))
    }
}

impl SignUpPage {
    /// The page as a response: 200, or the status of its error.
    pub fn render(&self, context: &PageContext) -> Response {
        let t = Texts(context.language);
        let (entries, general) = match self.error {
            None => (EntryProblems::default(), None),
            Some(SignUpError::Entries(entries)) => (entries, None),
            Some(SignUpError::TooManyAttempts { minutes }) => {
                (EntryProblems::default(), Some(t.with("sign-up-too-many-attempts", "minutes", minutes.max(1))))
            }
            Some(SignUpError::Busy { .. }) => (EntryProblems::default(), Some(t.text("sign-up-busy").into_owned())),
        };
        let focus = match self.error {
            Some(_) => Focus::Problems,
            None if self.email.is_empty() => Focus::Email,
            None => Focus::Name,
        };
        let view = View {
            chrome: Chrome::of_flow(context, &self.flow),
            t,
            page: self,
            client: &self.client,
            general,
            email: entries.email.map(|problem| t.text(problem.key())),
            name: entries.name.map(|NameProblem| t.text("sign-up-name-unfit")),
            password: entries.password.map(|problem| t.text(problem.key())),
            sign_in: page_of_flow(context, "login", &self.flow, &[("switch", "1")]),
            focus,
        };
        Answer {
            forms: Forms::ToTheClient,
            retry_after: self.error.and_then(SignUpError::retry_after),
            ..Answer::new(self.error.map_or(StatusCode::OK, SignUpError::status))
        }
        .render(&view, context)
    }
}
