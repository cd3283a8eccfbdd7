//! Metrics as a page of text, in the format of Prometheus (0.0.4) or `OpenMetrics` 1.0.

use std::fmt::{Display, Write as _};
use std::time::Duration;

use super::instruments::Histogram;

/// Which of the two formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Prometheus 0.0.4, which everything reads.
    Prometheus,
    /// `OpenMetrics` 1.0, for who asks for it.
    OpenMetrics,
}

impl Format {
    /// The one that an `Accept` header asks for.
    pub fn accepted(accept: &str) -> Self {
        if accept.contains("application/openmetrics-text") { Self::OpenMetrics } else { Self::Prometheus }
    }

    /// The media type of the page.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// Labels of a sample. Their values are our own words and need no escapes.
type Labels<'a> = &'a [(&'static str, &'a str)];

/// A page in the making.
#[derive(Debug)]
pub struct Page {
    format: Format,
    text: String,
}

impl Page {
    /// An empty one.
    pub fn new(format: Format) -> Self {
        Self { format, text: String::with_capacity(16 * 1024) }
    }

    /// A counter; `name` is without its `_total`.
    pub fn counter(&mut self, name: &str, help: &str) {
        let suffix = if self.format == Format::Prometheus { "_total" } else { "" };
        self.family(name, suffix, "counter", help);
    }

    /// A sample of a counter.
    pub fn total(&mut self, name: &str, labels: Labels<'_>, value: impl Display) {
        self.sample(name, "_total", labels, value);
    }

    /// A counter without labels.
    pub fn plain_counter(&mut self, name: &str, help: &str, value: impl Display) {
        self.counter(name, help);
        self.total(name, &[], value);
    }

    /// A gauge.
    pub fn gauge(&mut self, name: &str, help: &str) {
        self.family(name, "", "gauge", help);
    }

    /// A sample of a gauge.
    pub fn value(&mut self, name: &str, labels: Labels<'_>, value: impl Display) {
        self.sample(name, "", labels, value);
    }

    /// A gauge without labels.
    pub fn plain_gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.gauge(name, help);
        self.value(name, &[], value);
    }

    /// A histogram.
    pub fn histogram(&mut self, name: &str, help: &str) {
        self.family(name, "", "histogram", help);
    }

    /// A sample of a histogram.
    pub fn durations(&mut self, name: &str, labels: Labels<'_>, histogram: &Histogram) {
        // Read once, so that the last bucket and the count are one number.
        let count = histogram.count();
        for (bound, below) in histogram.buckets() {
            let end = Duration::from_micros(bound).as_secs_f64().to_string();
            self.bucket(name, labels, &end, below.min(count));
        }
        self.bucket(name, labels, "+Inf", count);
        self.sample(name, "_sum", labels, histogram.sum().as_secs_f64());
        self.sample(name, "_count", labels, count);
    }

    /// The text.
    pub fn finish(mut self) -> String {
        if self.format == Format::OpenMetrics {
            self.text.push_str("# EOF\n");
        }
        self.text
    }

    fn bucket(&mut self, name: &str, labels: Labels<'_>, end: &str, value: u64) {
        let labels: Vec<_> = labels.iter().copied().chain([("le", end)]).collect();
        self.sample(name, "_bucket", &labels, value);
    }

    // Writing to a string can't fail.
    fn family(&mut self, name: &str, suffix: &str, kind: &str, help: &str) {
        _ = writeln!(self.text, "# HELP {name}{suffix} {help}\n# TYPE {name}{suffix} {kind}");
    }

    fn sample(&mut self, name: &str, suffix: &str, labels: Labels<'_>, value: impl Display) {
        _ = write!(self.text, "{name}{suffix}");
        for (place, (label, value)) in labels.iter().enumerate() {
            let before = if place == 0 { '{' } else { ',' };
            _ = write!(self.text, "{before}{label}=\"{value}\"");
        }
        let end = if labels.is_empty() { "" } else { "}" };
        _ = writeln!(self.text, "{end} {value}");
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::instruments::{Histogram, MICROSECONDS};
    use super::{Format, Page};

    fn page(format: Format) -> String {
        let mut page = Page::new(format);
        page.counter("auth_operations", "What was asked for.");
        page.total("auth_operations", &[("operation", "login"), ("status", "success")], 3);
        page.plain_gauge("auth_active_sessions", "Sessions now.", 2);
        page.finish()
    }

    #[test]
    fn the_two_formats_differ_in_the_name_of_a_counter_and_the_end() {
        let plain = "# HELP auth_operations_total What was asked for.\n# TYPE auth_operations_total counter\n\
            auth_operations_total{operation=\"login\",status=\"success\"} 3\n\
            # HELP auth_active_sessions Sessions now.\n# TYPE auth_active_sessions gauge\nauth_active_sessions 2\n";
        assert_eq!(page(Format::Prometheus), plain);
        let open = plain.replace("HELP auth_operations_total", "HELP auth_operations");
        let open = open.replace("TYPE auth_operations_total", "TYPE auth_operations") + "# EOF\n";
        assert_eq!(page(Format::OpenMetrics), open);
    }

    #[test]
    fn a_histogram_ends_with_all_of_them() {
        let histogram = Histogram::new(&MICROSECONDS);
        histogram.observe(Duration::from_micros(3));
        histogram.observe(Duration::from_secs(1));
        let mut page = Page::new(Format::Prometheus);
        page.durations("d", &[("a", "b")], &histogram);
        let text = page.finish();
        assert!(text.starts_with("d_bucket{a=\"b\",le=\"0.000001\"} 0\n"), "{text}");
        assert!(text.contains("d_bucket{a=\"b\",le=\"0.000005\"} 1\n"), "{text}");
        let end = "d_bucket{a=\"b\",le=\"0.1\"} 1\nd_bucket{a=\"b\",le=\"+Inf\"} 2\nd_sum{a=\"b\"} 1.000003\nd_count{a=\"b\"} 2\n";
        assert!(text.ends_with(end), "{text}");
    }
}
