//! The table: a row for each measure, in three forms.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::{
    arguments::Format,
    error::BenchError,
    load::{Latencies, Outcome},
    process::Memory,
};

/// Bytes in a megabyte, as memory is told.
const MEGABYTE: f64 = 1_000_000.0;

/// One measure's figures; what it doesn't have is absent.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Row {
    /// The measure's code, e.g. `P1`.
    pub(crate) code: String,
    /// What was measured.
    pub(crate) name: String,
    /// Operations a second.
    pub(crate) per_second: Option<f64>,
    /// Median latency in milliseconds.
    pub(crate) p50_ms: Option<f64>,
    /// 95 % of the operations took at most this many milliseconds.
    pub(crate) p95_ms: Option<f64>,
    /// 99 % of the operations took at most this many milliseconds.
    pub(crate) p99_ms: Option<f64>,
    /// Operations that failed, in warm-up and window.
    pub(crate) errors: u64,
    /// The server's processor seconds per 1,000 operations.
    pub(crate) cpu_seconds_per_thousand: Option<f64>,
    /// The share of its core that the server used; well below 1 means that something else was the limit.
    pub(crate) server_share: Option<f64>,
    /// Resident memory at the end, in megabytes of 10^6 bytes.
    pub(crate) resident_mb: Option<f64>,
    /// Highest resident memory of the process so far, in megabytes of 10^6 bytes.
    pub(crate) peak_mb: Option<f64>,
    /// Throughput divided by the limit of the same run.
    pub(crate) ratio: Option<f64>,
    /// What the ratio is taken to.
    pub(crate) ratio_to: Option<String>,
    /// What is to be reached.
    pub(crate) bar: Option<String>,
    /// The first error with its status and body, or why there are no figures.
    pub(crate) note: Option<String>,
}

impl Row {
    /// A row without figures yet.
    pub(crate) fn new(code: &str, name: impl Into<String>) -> Self {
        Self { code: code.into(), name: name.into(), ..Self::default() }
    }

    /// What is to be reached.
    pub(crate) fn bar(mut self, bar: &str) -> Self {
        self.bar = Some(bar.into());
        self
    }

    /// Takes over what a load saw.
    pub(crate) fn outcome(mut self, outcome: &Outcome) -> Self {
        self.errors += outcome.errors;
        if let Some(failure) = &outcome.first_error {
            self.note.get_or_insert(failure.to_string());
        }
        self.latencies(&outcome.latencies)
            .throughput(outcome.per_second())
            .processor(outcome.server_share, outcome.cpu_per_thousand())
    }

    /// Latencies of single operations.
    pub(crate) fn latencies(mut self, latencies: &Latencies) -> Self {
        (self.p50_ms, self.p95_ms, self.p99_ms) =
            (latencies.quantile(0.50), latencies.quantile(0.95), latencies.quantile(0.99));
        self
    }

    /// Operations a second.
    pub(crate) fn throughput(mut self, per_second: f64) -> Self {
        self.per_second = Some(per_second);
        self
    }

    /// The share of its core that the server used, and processor seconds per 1,000 operations.
    pub(crate) fn processor(mut self, share: Option<f64>, per_thousand: Option<f64>) -> Self {
        (self.server_share, self.cpu_seconds_per_thousand) = (share, per_thousand);
        self
    }

    /// The server's memory.
    pub(crate) fn memory(mut self, memory: Option<Memory>) -> Self {
        self.resident_mb = memory.map(|memory| megabytes(memory.resident));
        self.peak_mb = memory.map(|memory| megabytes(memory.peak));
        self
    }

    /// Compares the throughput with a limit.
    pub(crate) fn compare(mut self, limit: Option<f64>, name: impl Into<String>) -> Self {
        self.ratio = self.per_second.zip(limit).map(|(own, limit)| own / limit);
        self.ratio_to = self.ratio.map(|_| name.into());
        self
    }

    /// An error that leaves the row without figures, or without some of them.
    pub(crate) fn failed(mut self, error: &BenchError) -> Self {
        self.errors += 1;
        self.note = Some(error.to_string());
        self
    }

    /// Why there are no figures, without that being an error.
    pub(crate) fn not_available(mut self, reason: &str) -> Self {
        self.note = Some(format!("n/a: {reason}"));
        self
    }

    fn cells(&self) -> [String; COLUMNS.len()] {
        let ratio = match (self.ratio, &self.ratio_to) {
            (Some(ratio), Some(to)) => format!("{ratio:.2} of {to}"),
            _ => ABSENT.into(),
        };
        [
            format!("{} {}", self.code, self.name),
            figure(self.per_second),
            figure(self.p50_ms),
            figure(self.p95_ms),
            figure(self.p99_ms),
            self.errors.to_string(),
            figure(self.cpu_seconds_per_thousand),
            self.server_share.map_or_else(|| ABSENT.into(), |share| format!("{:.0} %", share * 100.0)),
            self.resident_mb.map_or_else(|| ABSENT.into(), |megabytes| format!("{megabytes:.1}")),
            self.peak_mb.map_or_else(|| ABSENT.into(), |megabytes| format!("{megabytes:.1}")),
            ratio,
            self.bar.clone().unwrap_or_else(|| ABSENT.into()),
        ]
    }
}

/// What a cell without a figure shows.
const ABSENT: &str = "–";

const COLUMNS: [&str; 12] = [
    "measure",
    "/s",
    "p50 ms",
    "p95 ms",
    "p99 ms",
    "errors",
    "CPU s/1,000",
    "core",
    "RSS MB",
    "peak MB",
    "ratio",
    "bar",
];

/// All that one run measured.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    /// Under which circumstances: machine, pinning, times.
    pub(crate) circumstances: Vec<String>,
    /// The rows in the order of measuring.
    pub(crate) rows: Vec<Row>,
}

impl Report {
    /// Whether any operation failed.
    pub(crate) fn has_errors(&self) -> bool {
        self.rows.iter().any(|row| row.errors > 0)
    }

    /// The whole output, with a line break at its end.
    pub(crate) fn render(&self, format: Format) -> String {
        match format {
            Format::Text => self.header("") + &self.text() + &self.notes("!! ", "   "),
            Format::Markdown => self.header("") + "\n" + &self.markdown() + &self.notes("\n**Errors:** ", "\n"),
            Format::Json => serde_json::to_string_pretty(self).unwrap_or_default() + "\n",
        }
    }

    fn header(&self, prefix: &str) -> String {
        format!("{prefix}{}\n", self.circumstances.join(" · "))
    }

    fn text(&self) -> String {
        let rows: Vec<_> = self.rows.iter().map(Row::cells).collect();
        let widths = COLUMNS.iter().enumerate().map(|(column, name)| {
            rows.iter().map(|row| row[column].chars().count()).chain([name.chars().count()]).max().unwrap_or(0)
        });
        let widths: Vec<_> = widths.collect();
        let mut text = String::new();
        for cells in [COLUMNS.map(str::to_owned)].iter().chain(&rows) {
            let mut line = String::new();
            for (column, (cell, width)) in cells.iter().zip(&widths).enumerate() {
                // Words to the left, figures to the right.
                let pad = " ".repeat(width - cell.chars().count());
                let (before, after) = if is_words(column) { ("", &*pad) } else { (&*pad, "") };
                line.extend([before, cell, after, "  "]);
            }
            text.extend([line.trim_end(), "\n"]);
        }
        text
    }

    fn markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let rule: Vec<_> =
            (0..COLUMNS.len()).map(|column| if is_words(column) { "---" } else { "---:" }.to_owned()).collect();
        let head = line(&COLUMNS.map(str::to_owned)) + &line(&rule);
        head + &self.rows.iter().map(|row| line(&row.cells())).collect::<String>()
    }

    fn notes(&self, error: &str, remark: &str) -> String {
        let mut text = String::new();
        for row in &self.rows {
            if let Some(note) = &row.note {
                let mark = if row.errors > 0 { error } else { remark };
                let count = if row.errors > 0 { format!("{} failed, the first: ", row.errors) } else { String::new() };
                // Writing into a string can't fail.
                writeln!(text, "{mark}{} {}: {count}{note}", row.code, row.name).ok();
            }
        }
        text
    }
}

/// Whether a column holds words, not figures.
const fn is_words(column: usize) -> bool {
    column == 0 || column >= COLUMNS.len() - 2
}

#[expect(clippy::cast_precision_loss, reason = "memory in bytes is far below 2^52")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / MEGABYTE
}

/// Three significant digits, or all before the point.
fn figure(value: Option<f64>) -> String {
    match value {
        None => ABSENT.into(),
        Some(value) if value >= 1000.0 => thousands(&format!("{value:.0}")),
        Some(value) if value >= 100.0 => format!("{value:.0}"),
        Some(value) if value >= 10.0 => format!("{value:.1}"),
        Some(value) if value >= 1.0 => format!("{value:.2}"),
        Some(value) => format!("{value:.3}"),
    }
}

/// `12345` as `12,345`.
fn thousands(digits: &str) -> String {
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn report() -> Report {
        let memory = Memory { resident: 20_000_000, peak: 31_250_000 };
        let token = Row::new("P1", "client_credentials RS256").bar("≥ 0.90").throughput(2345.6);
        let token = token.processor(Some(0.987), Some(0.4211)).memory(Some(memory)).compare(Some(2500.0), "RSA-2048");
        let broken = Row::new("P6", "code flow").failed(&BenchError::Setup("status 429, body: slow down".into()));
        let absent = Row::new("P2", "client_credentials ES256").not_available("no such option");
        Report { circumstances: vec!["signet 0.1.0".into(), "2 processors".into()], rows: vec![token, broken, absent] }
    }

    #[test]
    fn text_has_aligned_columns_and_shows_errors_below() {
        let text = report().render(Format::Text);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(
            lines,
            [
                "signet 0.1.0 · 2 processors",
                "measure                         /s  p50 ms  p95 ms  p99 ms  errors  CPU s/1,000  core  RSS MB  peak MB  ratio             bar",
                "P1 client_credentials RS256  2,346       –       –       –       0        0.421  99 %    20.0     31.2  0.94 of RSA-2048  ≥ 0.90",
                "P6 code flow                     –       –       –       –       1            –     –       –        –  –                 –",
                "P2 client_credentials ES256      –       –       –       –       0            –     –       –        –  –                 –",
                "!! P6 code flow: 1 failed, the first: status 429, body: slow down",
                "   P2 client_credentials ES256: n/a: no such option",
            ]
        );
    }

    #[test]
    fn markdown_is_a_table() {
        let text = report().render(Format::Markdown);
        assert!(text.contains("| measure | /s |"), "{text}");
        assert!(text.contains("| --- | ---: |"), "{text}");
        assert!(text.contains("| P1 client_credentials RS256 | 2,346 | – |"), "{text}");
    }

    #[test]
    fn json_keeps_the_figures_unrounded() {
        let value: serde_json::Value = serde_json::from_str(&report().render(Format::Json)).unwrap();
        assert_eq!(value["rows"][0]["per_second"], 2345.6);
        assert_eq!(value["rows"][0]["peak_mb"], 31.25);
        assert_eq!(value["rows"][1]["errors"], 1);
        assert!(value["rows"][1]["ratio"].is_null());
    }

    #[test]
    fn figures_have_three_digits_or_all_before_the_point() {
        let shown = [0.01234, 1.2345, 12.345, 123.45, 1234.5, 1_234_567.0].map(|value| figure(Some(value)));
        assert_eq!(shown, ["0.012", "1.23", "12.3", "123", "1,234", "1,234,567"]);
    }
}
