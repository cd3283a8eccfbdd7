//! How a line looks.

use std::fmt::{self, Write as _};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

use super::request::RequestId;
use super::time;
use crate::config::LogFormat;

/// Writes events as lines.
pub(super) struct Line {
    format: LogFormat,
}

impl Line {
    pub(super) fn new(format: LogFormat) -> Self {
        Self { format }
    }
}

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut line: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let metadata = event.metadata();
        let mut fields = Fields { format: self.format, message: String::new(), rest: String::with_capacity(192) };
        event.record(&mut fields);
        if let Some(scope) = context.event_scope() {
            for span in scope.from_root() {
                fields.text("span", span.name());
                if let Some(more) = span.extensions().get::<FormattedFields<N>>().filter(|more| !more.is_empty()) {
                    fields.text("span_fields", more);
                }
            }
        }
        if let Some(id) = RequestId::current() {
            fields.text("request_id", id.as_str());
        }
        // As long as the line of a request is.
        let mut text = String::with_capacity(320);
        match self.format {
            LogFormat::Text => {
                time::push_now(&mut text);
                text.push_str(padded(*metadata.level()));
                text.push_str(metadata.target());
                text.push_str(": ");
                push_escaped(&mut text, &fields.message);
                text.push_str(&fields.rest);
                text.push('\n');
            }
            LogFormat::Json => {
                text.push_str(r#"{"time":""#);
                time::push_now(&mut text);
                text.push_str(r#"","level":""#);
                text.push_str(metadata.level().as_str());
                text.push_str(r#"","target":"#);
                push_json(&mut text, metadata.target());
                text.push_str(r#","message":"#);
                push_json(&mut text, &fields.message);
                text.push_str(&fields.rest);
                text.push_str("}\n");
            }
        }
        line.write_str(&text)
    }
}

/// A level in five columns, with a space on both sides.
fn padded(level: Level) -> &'static str {
    match level {
        Level::ERROR => " ERROR ",
        Level::WARN => "  WARN ",
        Level::INFO => "  INFO ",
        Level::DEBUG => " DEBUG ",
        Level::TRACE => " TRACE ",
    }
}

/// The fields of an event, ready to stand in its line. Strings are pushed, as the machinery of `write!` would cost more
/// than the rest of a line together.
struct Fields {
    format: LogFormat,
    message: String,
    rest: String,
}

impl Fields {
    fn name(&mut self, name: &str) {
        match self.format {
            LogFormat::Text => {
                self.rest.push(' ');
                self.rest.push_str(name);
                self.rest.push('=');
            }
            LogFormat::Json => {
                self.rest.push_str(",\"");
                self.rest.push_str(name);
                self.rest.push_str("\":");
            }
        }
    }

    fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        match self.format {
            LogFormat::Text if is_plain(value) => self.rest.push_str(value),
            // Writing to a string can't fail.
            LogFormat::Text => _ = write!(self.rest, "{value:?}"),
            LogFormat::Json => push_json(&mut self.rest, value),
        }
    }

    fn bare(&mut self, field: &Field, value: impl fmt::Display) {
        self.name(field.name());
        _ = write!(self.rest, "{value}");
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.message);
        } else {
            self.text(field.name(), value);
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.bare(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.bare(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.bare(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.bare(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

/// Whether a value can stand in a line without quotes.
fn is_plain(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'=' | b'\\'))
}

/// Whether a character changes where or in which direction others are shown (UAX #9, UTS #39 §4): no name that
/// somebody chose may have that in a line of ours.
pub fn misplaces(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || turns || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Pushes a text without what would end the line, turn it around or move the cursor.
fn push_escaped(line: &mut String, text: &str) {
    if text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
        return line.push_str(text);
    }
    for character in text.chars() {
        if misplaces(character) {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
}

/// Pushes a text as a JSON string (RFC 8259 §7), without what would turn the line around or move the cursor.
fn push_json(line: &mut String, text: &str) {
    if text.bytes().all(|byte| (byte.is_ascii_graphic() || byte == b' ') && !matches!(byte, b'"' | b'\\')) {
        line.push('"');
        line.push_str(text);
        line.push('"');
        return;
    }
    for character in serde_json::Value::from(text).to_string().chars() {
        if misplaces(character) {
            let mut units = [0; 2];
            line.extend(character.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            line.push(character);
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use insta::assert_snapshot;
    use tracing_subscriber::fmt::MakeWriter;

    use crate::config::{Log, LogFormat};
    use crate::telemetry::{RequestIds, subscriber};

    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<Vec<u8>>>);

    impl Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Captured {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    /// What is logged meanwhile, without the time.
    fn lines(format: LogFormat, log: impl FnOnce()) -> String {
        let captured = Captured::default();
        let subscriber = subscriber(&Log { format, ..Log::default() }, captured.clone());
        tracing::subscriber::with_default(subscriber, log);
        let text = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
        // A time has 27 characters: 2026-01-01T00:00:00.000000Z.
        let without_time = |line: &str| {
            let time = line.find('T').unwrap() - 10;
            format!("{}…{}\n", &line[..time], &line[time + 27..])
        };
        text.lines().map(without_time).collect()
    }

    fn events() {
        let name = "eve\n2026-01-01T00:00:00Z  INFO signet: signed in";
        tracing::warn!(target: "signet::test", name, count = 3_u64, good = true, empty = "", "a user\u{1b}[31m's name");
        tracing::debug!("not wanted");
        tracing::info_span!(target: "signet::test", "token", client_id = "c1").in_scope(|| {
            tracing::info!(target: "signet::test", address = %"192.0.2.7", "inside");
        });
    }

    #[test]
    fn a_value_cannot_forge_a_line() {
        assert_snapshot!(lines(LogFormat::Text, events), @r#"
        …  WARN signet::test: a user\u{1b}[31m's name name="eve\n2026-01-01T00:00:00Z  INFO signet: signed in" count=3 good=true empty=""
        …  INFO signet::test: inside address=192.0.2.7 span=token span_fields="client_id=\"c1\""
        "#);
    }

    #[test]
    fn every_line_of_json_is_an_object() {
        assert_snapshot!(lines(LogFormat::Json, events), @r#"
        {"time":"…","level":"WARN","target":"signet::test","message":"a user\u001b[31m's name","name":"eve\n2026-01-01T00:00:00Z  INFO signet: signed in","count":3,"good":true,"empty":""}
        {"time":"…","level":"INFO","target":"signet::test","message":"inside","address":"192.0.2.7","span":"token","span_fields":"client_id=\"c1\""}
        "#);
    }

    #[test]
    fn no_line_of_json_moves_the_cursor_or_turns_around() {
        let mut line = String::new();
        super::push_json(&mut line, "a\u{9b}31m\u{202e}\u{2028}\u{7f}é");
        assert_eq!(line, r#""a\u009b31m\u202e\u2028\u007fé""#);
        assert!(serde_json::from_str::<String>(&line).is_ok());
    }

    #[test]
    fn lines_inside_a_request_carry_its_reference() {
        let id = RequestIds::from_seed(1).draw();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let text = lines(LogFormat::Text, || {
            runtime.block_on(id.scope(async { tracing::info!(target: "signet::test", "inside") }));
        });
        assert!(text.ends_with(&format!(" inside request_id={id}\n")), "{text}");
    }
}
