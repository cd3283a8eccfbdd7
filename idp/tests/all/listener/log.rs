//! The line of a request, and its reference.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex};

use idp::config::{Log, LogAddress, LogFormat};
use idp::telemetry::{self, RequestId};
use insta::assert_snapshot;
use poem::endpoint::make;

use super::support::{Running, loopback};

/// A log in memory.
#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Captured {
    fn lines(&self) -> Vec<serde_json::Value> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn json_log() -> (Captured, tracing::subscriber::DefaultGuard) {
    let captured = Captured::default();
    let writer = captured.clone();
    let config = Log { format: LogFormat::Json, ..Log::default() };
    let subscriber = telemetry::subscriber(&config, move || writer.clone());
    (captured, tracing::subscriber::set_default(subscriber))
}

#[tokio::test]
async fn a_request_has_one_line_without_its_query() {
    let (captured, _guard) = json_log();
    let server = Running::echo(&loopback());
    let answer = server.connect().await.get("/t/acme/authorize?code=planted-secret").await;
    let mut lines = captured.lines();
    lines.retain(|line| line["target"] == "signet::request");
    let [line] = &mut lines[..] else { panic!("{lines:?}") };
    assert_eq!(line["request_id"].as_str(), answer.header("x-request-id"));
    assert!(line["duration_ms"].is_f64());
    for changing in ["request_id", "duration_ms", "time"] {
        line[changing] = "…".into();
    }
    let fields: BTreeMap<&String, &serde_json::Value> = line.as_object().unwrap().iter().collect();
    let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    assert_snapshot!(fields.join("\n"), @r#"
    address: "127.0.0.1"
    bytes: 21
    duration_ms: "…"
    level: "INFO"
    message: "request"
    method: "GET"
    request_id: "…"
    route: "/authorize"
    status: 200
    target: "signet::request"
    tenant: "acme"
    time: "…"
    "#);
}

#[tokio::test]
async fn what_a_handler_logs_carries_the_reference_that_the_client_sees() {
    let (captured, _guard) = json_log();
    let server = Running::start(
        &loopback(),
        make(|_| async {
            tracing::warn!("inside");
            RequestId::current().map(|id| id.to_string()).unwrap_or_default()
        }),
    );
    let answer = server.connect().await.get("/").await;
    let inside = captured.lines().into_iter().find(|line| line["message"] == "inside").unwrap();
    assert_eq!(inside["request_id"].as_str(), answer.header("x-request-id"));
    assert_eq!(Some(answer.body.as_str()), answer.header("x-request-id"));
}

#[tokio::test]
async fn every_request_has_a_reference_of_its_own() {
    let server = Running::echo(&loopback());
    let mut client = server.connect().await;
    let first = client.get_with("/", "x-request-id: mine\r\n").await;
    let second = client.get("/").await;
    let ids = [first.header("x-request-id").unwrap(), second.header("x-request-id").unwrap()];
    assert_ne!(ids[0], ids[1]);
    assert!(ids.iter().all(|id| id.len() == 13), "{ids:?}");
}

#[tokio::test]
async fn a_line_names_the_client_that_proved_itself_and_has_none_of_what_was_sent() {
    let (captured, _guard) = json_log();
    let endpoint = make(|_| async {
        telemetry::note_client("reports");
        ""
    });
    let server = Running::start(&loopback(), endpoint);
    let mut client = server.connect().await;
    client.get_with("/v1/admin/users/planted-path?planted-query", "cookie: planted-cookie\r\n").await;
    client.get("/planted-route").await;
    let lines: Vec<_> = captured.lines().into_iter().filter(|line| line["target"] == "signet::request").collect();
    let [known, unknown] = &lines[..] else { panic!("{lines:?}") };
    assert_eq!((&known["client"], &known["route"]), (&"reports".into(), &"/v1/admin/users/{user_id}".into()));
    assert_eq!(unknown["route"], "unmatched");
    assert!(!format!("{lines:?}").contains("planted"), "{lines:?}");
}

#[tokio::test]
async fn a_line_has_the_callers_trace_if_it_can_be_read() {
    let (captured, _guard) = json_log();
    let server = Running::echo(&loopback());
    let mut client = server.connect().await;
    let trace = "0af7651916cd43dd8448eb211c80319c";
    client.get_with("/token", &format!("traceparent: 00-{trace}-b7ad6b7169203331-01\r\n")).await;
    client.get_with("/token", &format!("traceparent: 00-{trace}-planted\r\n")).await;
    client.get("/token").await;
    let lines: Vec<_> = captured.lines().into_iter().filter(|line| line["target"] == "signet::request").collect();
    let traces: Vec<Option<&str>> = lines.iter().map(|line| line["trace_id"].as_str()).collect();
    assert_eq!(traces, [Some(trace), None, None]);
    assert!(!format!("{lines:?}").contains("planted"));
}

#[test]
fn an_address_is_logged_as_far_as_it_is_to_be() {
    let of =
        |setting: LogAddress, address: &str| setting.of(address.parse().unwrap()).map(|address| address.to_string());
    for (address, network) in
        [("192.0.2.77", "192.0.2.0"), ("::ffff:192.0.2.77", "192.0.2.0"), ("2001:db8:1:2::3", "2001:db8:1::")]
    {
        assert_eq!(of(LogAddress::Network, address).as_deref(), Some(network));
        assert_eq!(of(LogAddress::None, address), None);
    }
    assert_eq!(of(LogAddress::Full, "2001:db8:1:2::3").as_deref(), Some("2001:db8:1:2::3"));
}
