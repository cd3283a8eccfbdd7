//! What visitors see. The templates are in `templates/`.

use askama::Template;
use poem::http::StatusCode;
use poem::{IntoResponse, Response};
use serde_json::Value;

use crate::provider::{Person, SignInError};

/// The front page of somebody we don't know yet.
#[derive(Template)]
#[template(path = "welcome.html")]
pub(crate) struct Welcome<'a> {
    /// Who will sign them in.
    pub(crate) issuer: &'a str,
}

/// The front page of somebody who signed in.
#[derive(Template)]
#[template(path = "profile.html")]
pub(crate) struct Profile<'a> {
    name: &'a str,
    scope: &'a str,
    id_token: Vec<(&'a str, String)>,
    userinfo: Vec<(&'a str, String)>,
}

impl<'a> Profile<'a> {
    /// Lists the claims of both sources.
    pub(crate) fn new(person: &'a Person) -> Self {
        Self {
            name: &person.name,
            scope: &person.scope,
            id_token: rows(&person.id_token),
            userinfo: rows(&person.userinfo),
        }
    }
}

/// A sign-in that came to nothing.
#[derive(Template)]
#[template(path = "failure.html")]
pub(crate) struct Failure<'a> {
    title: &'static str,
    advice: &'static str,
    code: &'a str,
    description: &'a str,
}

impl<'a> Failure<'a> {
    /// Says what happened without repeating what only the log should know.
    pub(crate) fn new(error: &'a SignInError) -> Self {
        match error {
            SignInError::Refused { code, description } if code == "access_denied" => {
                Self { title: "You didn't sign in", advice: "You can try again whenever you like.", code, description }
            }
            SignInError::Refused { code, description } => {
                Self { title: "The provider refused", advice: "If that happens again, tell us.", code, description }
            }
            SignInError::State => Self {
                title: "This sign-in isn't yours to finish",
                advice: "It began in another browser, or too long ago. Please begin again.",
                code: "state",
                description: "",
            },
            SignInError::Issuer => Self {
                title: "The answer came from somebody else",
                advice: "It isn't from the provider that we asked, so we don't use it.",
                code: "iss",
                description: "",
            },
            SignInError::NoCode | SignInError::Provider { .. } | SignInError::IdToken(_) => Self {
                title: "We couldn't sign you in",
                advice: "The provider didn't give a usable answer. Please try again in a minute.",
                code: "provider",
                description: "",
            },
        }
    }
}

/// A page as a response.
pub(crate) fn respond(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => html.with_content_type("text/html; charset=utf-8").with_status(status).into_response(),
        Err(error) => {
            eprintln!("relying-party: a page can't be rendered: {error}");
            StatusCode::INTERNAL_SERVER_ERROR.into()
        }
    }
}

/// Name and value of each claim, for people to read.
fn rows(claims: &Value) -> Vec<(&str, String)> {
    let Value::Object(claims) = claims else { return Vec::new() };
    claims
        .iter()
        .map(|(name, value)| {
            let text = match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            (name.as_str(), text)
        })
        .collect()
}
