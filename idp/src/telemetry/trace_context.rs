//! What a caller says of the trace that its request is part of (W3C Trace Context), and what is said on.
//!
//! It is read strictly: what isn't well-formed isn't there, and a new trace begins. Nothing of it decides anything but
//! under which id, and whether, a request is recorded.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

/// Who asks: version, trace, span, flags (§3.2).
pub(super) const PARENT: HeaderName = HeaderName::from_static("traceparent");
/// What other systems have to say of it (§3.3).
const STATE: HeaderName = HeaderName::from_static("tracestate");
/// The longest `tracestate` that is looked at, in bytes: as long as it must be passed on at least (§3.3.1.5).
const LONGEST_STATE: usize = 512;

/// The span that a request comes from.
pub(super) fn parent(headers: &HeaderMap) -> Option<SpanContext> {
    let mut parents = headers.get_all(PARENT).iter();
    let (Some(parent), None) = (parents.next(), parents.next()) else { return None };
    let (trace, span, flags) = read(parent.to_str().ok()?)?;
    Some(SpanContext::new(trace, span, flags, true, state(headers)))
}

/// Of the flags only the first means something to us: whether the caller's span is recorded.
fn read(text: &str) -> Option<(TraceId, SpanId, TraceFlags)> {
    let mut parts = text.splitn(5, '-');
    let mut next = || parts.next();
    let (version, trace, span, flags) = (hex(next()?)?, hex(next()?)?, hex(next()?)?, hex::<1>(next()?)?);
    match (version, next()) {
        // A later version may say more after this; the first doesn't, and 255 is none.
        ([0], None) | ([1..=254], _) => {}
        ([0 | 255], _) => return None,
    }
    let (trace, span) = (TraceId::from_bytes(trace), SpanId::from_bytes(span));
    let flags = TraceFlags::new(flags[0]) & TraceFlags::SAMPLED;
    (trace != TraceId::INVALID && span != SpanId::INVALID).then_some((trace, span, flags))
}

/// Bytes in hexadecimal, of exactly that length and in lower case.
fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    if text.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

/// What can't be read of `tracestate` doesn't spoil the rest.
fn state(headers: &HeaderMap) -> TraceState {
    let mut whole = String::new();
    for value in headers.get_all(STATE) {
        let Ok(value) = value.to_str() else { return TraceState::default() };
        if whole.len() + value.len() >= LONGEST_STATE {
            return TraceState::default();
        }
        if !whole.is_empty() {
            whole.push(',');
        }
        whole.push_str(value);
    }
    whole.parse().unwrap_or_default()
}

/// What is said to whom we ask in turn.
pub(super) fn traceparent(context: &SpanContext) -> Option<HeaderValue> {
    let (trace, span) = (context.trace_id(), context.span_id());
    let flags = (context.trace_flags() & TraceFlags::SAMPLED).to_u8();
    HeaderValue::from_str(&format!("00-{trace:032x}-{span:016x}-{flags:02x}")).ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use http::{HeaderMap, HeaderValue};
    use proptest::prelude::*;

    use super::{PARENT, STATE, parent, traceparent};

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const SPAN: &str = "b7ad6b7169203331";

    fn headers(parents: &[&str], states: &[&str]) -> HeaderMap {
        let value = |text: &&str| HeaderValue::from_bytes(text.as_bytes()).unwrap();
        let parents = parents.iter().map(|text| (PARENT, value(text)));
        parents.chain(states.iter().map(|text| (STATE, value(text)))).collect()
    }

    #[test]
    fn a_well_formed_parent_is_taken() {
        for (text, sampled) in [
            (format!("00-{TRACE}-{SPAN}-01"), true),
            (format!("00-{TRACE}-{SPAN}-00"), false),
            // Flags that nobody knows yet.
            (format!("00-{TRACE}-{SPAN}-02"), false),
            (format!("00-{TRACE}-{SPAN}-ff"), true),
            // Versions that nobody knows yet.
            (format!("01-{TRACE}-{SPAN}-01"), true),
            (format!("cc-{TRACE}-{SPAN}-01-what-comes-then"), true),
        ] {
            let context = parent(&headers(&[&text], &[])).unwrap();
            assert_eq!((context.trace_id().to_string(), context.span_id().to_string()), (TRACE.into(), SPAN.into()));
            assert_eq!((context.is_sampled(), context.is_remote()), (sampled, true), "{text}");
            let said = format!("00-{TRACE}-{SPAN}-0{}", u8::from(sampled));
            assert_eq!(traceparent(&context).unwrap(), said);
        }
    }

    #[test]
    fn a_malformed_parent_is_none() {
        let upper = TRACE.to_uppercase();
        let zeros = ["0".repeat(32), "0".repeat(16)];
        for text in [
            String::new(),
            "00".to_owned(),
            "-".repeat(54),
            format!("00-{TRACE}-{SPAN}"),
            format!("00-{TRACE}-{SPAN}-"),
            format!("00-{TRACE}-{SPAN}-1"),
            format!("00-{TRACE}-{SPAN}-001"),
            format!("00-{TRACE}-{SPAN}-0x"),
            format!("00-{TRACE}-{SPAN}-01-"),
            format!("00-{TRACE}-{SPAN}-01-more"),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("0-{TRACE}-{SPAN}-01"),
            format!("0g-{TRACE}-{SPAN}-01"),
            format!("01-{TRACE}-{SPAN}-01more"),
            format!("00-{upper}-{SPAN}-01"),
            format!("00-{}-{SPAN}-01", &TRACE[1..]),
            format!("00-{TRACE}0-{SPAN}-01"),
            format!("00-{TRACE}-{SPAN}0-01"),
            format!("00-{TRACE}-{}-01", &SPAN[1..]),
            format!("00-{}-{SPAN}-01", zeros[0]),
            format!("00-{TRACE}-{}-01", zeros[1]),
            format!("00_{TRACE}_{SPAN}_01"),
            format!(" 00-{TRACE}-{SPAN}-01"),
            format!("00-{TRACE}-{SPAN}-01,00-{TRACE}-{SPAN}-01"),
            format!("00-é{}-{SPAN}-01", &TRACE[2..]),
            "x".repeat(8_000),
        ] {
            assert!(parent(&headers(&[&text], &[])).is_none(), "{text}");
        }
        let good = format!("00-{TRACE}-{SPAN}-01");
        assert!(parent(&headers(&[&good, &good], &[])).is_none(), "which of them?");
        assert!(parent(&headers(&[], &["a=1"])).is_none());
    }

    #[test]
    fn a_state_is_taken_whole_or_not_at_all() {
        let good = format!("00-{TRACE}-{SPAN}-01");
        let state = |states: &[&str]| parent(&headers(&[&good], states)).unwrap().trace_state().header();
        assert_eq!(state(&["a=1,b=2"]), "a=1,b=2");
        assert_eq!(state(&["a=1", "b=2"]), "a=1,b=2");
        let long = format!("a={}", "x".repeat(200));
        for bad in [&["nothing"][..], &["A=1"], &["a=1=2="], &[&long, &long, &long], &["é=1"]] {
            assert_eq!(state(bad), "", "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_is_sent_does_harm(text in "[ -~]{0,80}", state in "[ -~]{0,80}") {
            if let Some(context) = parent(&headers(&[&text], &[&state])) {
                prop_assert!(context.is_valid());
                prop_assert!(traceparent(&context).is_some());
            }
        }
    }
}
