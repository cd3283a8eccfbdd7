//! A new password.

use askama::Template;
use poem::{Response, http::StatusCode};

use super::Frame;
use crate::http::pages::{PageContext, headers::Answer, layout::Chrome, texts::Texts};

/// The form for a new password. Posts `csrf` and each field by its name to `{base}/account/password`.
#[derive(Clone, Debug)]
pub struct PasswordPage {
    /// What is around it.
    pub frame: Frame,
    /// Why it is shown again.
    pub problem: Option<PasswordProblem>,
}

/// A field of the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordField {
    /// The password that the person has.
    Current,
    /// The one that they want.
    New,
    /// The same once more: nobody sees what they type.
    Again,
}

impl PasswordField {
    /// Its name in the form.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::New => "new",
            Self::Again => "again",
        }
    }
}

/// Why the password wasn't changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasswordProblem {
    /// These were left empty.
    Missing(Vec<PasswordField>),
    /// The current password is wrong.
    Wrong,
    /// The new one was typed in two ways.
    Different,
    /// The new one is too short.
    TooShort,
    /// The new one is too long.
    TooLong,
    /// The new one is easy to guess.
    Guessable,
    /// Too many attempts for this account or from this address.
    TooManyAttempts {
        /// Whole minutes until the next attempt is allowed.
        minutes: u32,
    },
    /// More passwords are to be checked than can be.
    Busy {
        /// Seconds until it is worth trying again.
        seconds: u32,
    },
}

impl PasswordProblem {
    fn status(&self) -> StatusCode {
        match self {
            Self::Missing(_) | Self::Wrong | Self::Different | Self::TooShort | Self::TooLong | Self::Guessable => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::TooManyAttempts { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy { .. } => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn retry_after(&self) -> Option<u32> {
        match self {
            Self::TooManyAttempts { minutes } => Some(minutes.saturating_mul(60)),
            Self::Busy { seconds } => Some(*seconds),
            Self::Missing(_) | Self::Wrong | Self::Different | Self::TooShort | Self::TooLong | Self::Guessable => None,
        }
    }

    /// What is wrong, each with the field that it is about.
    fn lines(&self, t: Texts) -> Vec<Problem> {
        let one = |field, key: &str| vec![Problem { text: t.text(key).into_owned(), field: Some(field) }];
        match self {
            Self::Missing(fields) => {
                let missing = |field: &PasswordField| {
                    let key = match field {
                        PasswordField::Current => "account-password-missing-current",
                        PasswordField::New => "account-password-missing-new",
                        PasswordField::Again => "account-password-missing-again",
                    };
                    Problem { text: t.text(key).into_owned(), field: Some(*field) }
                };
                fields.iter().map(missing).collect()
            }
            Self::Wrong => one(PasswordField::Current, "account-password-wrong"),
            Self::Different => one(PasswordField::Again, "account-password-different"),
            Self::TooShort => one(PasswordField::New, "account-password-too-short"),
            Self::TooLong => one(PasswordField::New, "account-password-too-long"),
            Self::Guessable => one(PasswordField::New, "account-password-guessable"),
            Self::TooManyAttempts { minutes } => {
                let text = t.with("sign-in-too-many-attempts", "minutes", (*minutes).max(1));
                vec![Problem { text, field: None }]
            }
            Self::Busy { .. } => vec![Problem { text: t.text("sign-in-busy").into_owned(), field: None }],
        }
    }
}

/// A line of the summary above the form.
struct Problem {
    text: String,
    field: Option<PasswordField>,
}

/// A field, in the reader's language.
struct Row {
    name: &'static str,
    label: String,
    hint: Option<String>,
    problem: Option<String>,
    autocomplete: &'static str,
    has_focus: bool,
}

impl Row {
    /// Ids of the texts about it.
    fn described_by(&self) -> Option<String> {
        let hint = self.hint.as_ref().map(|_| format!("{}-hint", self.name));
        let problem = self.problem.as_ref().map(|_| format!("{}-problem", self.name));
        let ids: Vec<String> = hint.into_iter().chain(problem).collect();
        (!ids.is_empty()).then(|| ids.join(" "))
    }
}

#[derive(Template)]
#[template(path = "account_password.html")]
struct View<'a> {
    chrome: Chrome<'a>,
    t: Texts,
    frame: &'a Frame,
    rows: [Row; 3],
    problems: Vec<Problem>,
}

impl PasswordPage {
    /// The page as a response: 200, or the status of its problem.
    pub fn render(&self, context: &PageContext) -> Response {
        let t = Texts(context.language);
        let problems = self.problem.as_ref().map(|problem| problem.lines(t)).unwrap_or_default();
        // What was just done, or what is wrong, has the focus where there is any.
        let is_first_sight = problems.is_empty() && self.frame.notice.is_none();
        let row = |field: PasswordField| {
            let (label, hint, autocomplete) = match field {
                PasswordField::Current => ("account-password-current", None, "current-password"),
                PasswordField::New => ("account-password-new", Some("account-password-hint"), "new-password"),
                PasswordField::Again => ("account-password-again", None, "new-password"),
            };
            Row {
                name: field.name(),
                label: t.text(label).into_owned(),
                hint: hint.map(|key| t.text(key).into_owned()),
                problem: problems.iter().find(|line| line.field == Some(field)).map(|line| line.text.clone()),
                autocomplete,
                has_focus: is_first_sight && field == PasswordField::Current,
            }
        };
        let rows = [row(PasswordField::Current), row(PasswordField::New), row(PasswordField::Again)];
        let view = View { chrome: Chrome::of_request(context), t, frame: &self.frame, rows, problems };
        Answer {
            retry_after: self.problem.as_ref().and_then(PasswordProblem::retry_after),
            ..Answer::new(self.problem.as_ref().map_or(StatusCode::OK, PasswordProblem::status))
        }
        .render(&view, context)
    }
}
