//! `signet token explain`: what a token says, and why it isn't valid.

use std::fmt::Write as _;

use keys::Purpose;
use serde_json::{Map, Value, json};

use super::console::Console;
use super::exit::{CliError, Exit};
use super::options::Common;
use super::place::with_app;
use super::record::{self, Format};
use crate::domain::{Secret, Timestamp};
use crate::service::clock::{Clock as _, SystemClock};
use crate::service::explain::{self, TokenReport};

/// Verbs of `signet token`.
#[derive(Clone, Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// Decode a token, verify it, and say why it isn't valid
    #[command(after_help = "Ends with 0 if the token was verified and is valid, with 1 otherwise.\n\
        Without --config or --data the token is decoded, but its signature isn't checked.")]
    Explain(Arguments),
}

/// Options of `signet token explain`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Arguments {
    /// The token; or - to read it, or the JSON that the token endpoint answered, from standard input
    #[arg(value_name = "JWT")]
    token: String,
    /// Whom it has to be for (aud)
    #[arg(long, value_name = "AUDIENCE")]
    audience: Option<String>,
}

/// Explains a token.
pub(super) async fn explain(
    arguments: Arguments,
    common: &Common,
    console: &mut Console<'_>,
) -> Result<Exit, CliError> {
    let token = match arguments.token.as_str() {
        "-" => console.read_input().map_err(|error| CliError::io("the token can't be read", &error))?,
        token => Secret::new(token),
    };
    let token = from_answer(&token)?;
    let audience = arguments.audience.as_deref();
    let checked = common.is_configured(console);
    let report = if checked {
        with_app(common, console, async |app, _| Ok(explain::explain(&app.ctx, &token, audience).await?)).await?
    } else {
        explain::decode(&token, audience, SystemClock.now())
    };
    let text = match common.format {
        Format::Text => text(&report, checked),
        Format::Json => {
            let json = serde_json::to_string_pretty(&json(&report));
            json.map_err(|error| CliError::new(Exit::Failed, error.to_string()))? + "\n"
        }
    };
    record::print(console, &text)?;
    Ok(if report.is_valid() { Exit::Ok } else { Exit::Failed })
}

/// The access token in what a token endpoint answered (RFC 6749 §5.1); any other text is the token itself.
fn from_answer(text: &Secret) -> Result<Secret, CliError> {
    let token = text.expose().trim();
    if !token.starts_with('{') {
        return if token.is_empty() { Err(CliError::usage("the token is empty")) } else { Ok(Secret::new(token)) };
    }
    let answer: Option<Map<String, Value>> = serde_json::from_str(token).ok();
    let found = answer.as_ref().and_then(|answer| answer.get("access_token")?.as_str());
    found.map(Secret::new).ok_or_else(|| {
        let error = answer.as_ref().and_then(|answer| answer.get("error")?.as_str()).map(|error| format!(": {error}"));
        CliError::usage(format!("the JSON has no access_token{}", error.unwrap_or_default()))
    })
}

fn problems(report: &TokenReport) -> Vec<String> {
    let found = report.explanation.problems.iter().map(ToString::to_string);
    found.chain(report.refusals.iter().cloned()).collect()
}

fn json(report: &TokenReport) -> Value {
    json!({
        "valid": report.is_valid(),
        "signature_valid": report.explanation.signature_valid,
        "kind": kind(report.explanation.purpose),
        "tenant": report.tenant.as_ref().map(|tenant| tenant.slug.as_str()),
        "problems": problems(report),
        "header": report.explanation.header,
        "claims": report.explanation.claims,
    })
}

fn text(report: &TokenReport, checked: bool) -> String {
    let explanation = &report.explanation;
    let problems = problems(report);
    let mut text = String::new();
    for (title, members) in [("Header", &explanation.header), ("Claims", &explanation.claims)] {
        if let Some(members) = members {
            text.push_str(title);
            text.push('\n');
            text.push_str(&rows(members));
            text.push('\n');
        }
    }
    let signature = match (explanation.signature_valid, &report.tenant) {
        (Some(true), Some(tenant)) => format!("good, by a key of the tenant {}", tenant.slug),
        (Some(true), None) => "good".to_owned(),
        (Some(false), _) => "not good".to_owned(),
        (None, _) if checked => "not checked: the issuer isn't known here".to_owned(),
        (None, _) => "not checked: give --config or --data to check it".to_owned(),
    };
    let _ = writeln!(text, "Signature: {signature}");
    let verdict = match (report.is_valid(), problems.is_empty()) {
        (true, _) => format!("Valid: a good {}.\n", kind(explanation.purpose)),
        (false, true) => "Not verified: nothing speaks against it, but nothing proves it either.\n".to_owned(),
        (false, false) => "Not valid:\n".to_owned(),
    };
    text.push_str(&verdict);
    for problem in problems {
        let _ = writeln!(text, "  - {problem}");
    }
    text
}

fn rows(members: &Map<String, Value>) -> String {
    let width = members.keys().map(|name| name.chars().count()).max().unwrap_or(0);
    let row = |(name, value): (&String, &Value)| {
        let date = match name.as_str() {
            "exp" | "iat" | "nbf" | "auth_time" | "updated_at" => value.as_i64().map(date).unwrap_or_default(),
            _ => String::new(),
        };
        // JSON keeps control characters of a foreign token from the terminal.
        format!("  {:width$}  {value}{date}\n", name.escape_debug().to_string())
    };
    members.iter().map(row).collect()
}

fn date(seconds: i64) -> String {
    format!("  ({})", record::rfc3339(Timestamp::from_seconds(seconds)))
}

const fn kind(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::AccessToken => "access token",
        Purpose::IdToken => "ID token",
        Purpose::ClientAssertion => "client assertion",
        Purpose::RequestObject => "request object",
        Purpose::LogoutToken => "logout token",
        Purpose::Introspection => "introspection answer",
    }
}
