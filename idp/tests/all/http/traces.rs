//! Traces: what a collector is given, what it isn't, and that it can do no harm.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use idp::config::{Listen, Log, Ratio, Traces};
use idp::domain::Secret;
use idp::domain::client::ClientMetadata;
use idp::http::routes::routes;
use idp::http::server::{Observed, Server};
use idp::service::span_export::{self, Export};
use idp::telemetry;
use idp::telemetry::metrics::SpanFate;
use keys::Algorithm;
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTracePartialSuccess, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::{Span, span::SpanKind, status::StatusCode};
use prost::Message as _;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::code_flow::redeem;
use crate::support::collector::Collector;
use crate::support::databases;
use crate::support::elsewhere::Elsewhere;
use crate::support::world::{Browser, PASSWORD, SECRET, World, basic, encode};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";
const PATIENCE: Duration = Duration::from_secs(30);

/// A provider that is reached by HTTP, and gives its spans to somebody.
struct Served {
    base: String,
    export: Option<Export>,
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

impl Served {
    fn by(world: &World) -> Self {
        let (traces, export) = span_export::begin(&world.ctx).unwrap().unzip();
        let config = Listen { address: "127.0.0.1:0".parse().unwrap(), ..Listen::default() };
        let server = Server::bind(&config).unwrap();
        let base = format!("http://{}", server.local_addr().unwrap());
        let server = server.observed(Observed { traces, ..Observed::default() });
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        let serving = tokio::spawn(server.serve(routes(world.ctx.clone()), stopped, PATIENCE));
        Self { base, export, stop, serving }
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> (u16, String) {
        let answer = tokio::time::timeout(PATIENCE, request.send()).await.unwrap().unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    fn get(&self, path: &str) -> reqwest::RequestBuilder {
        client().get(format!("{}{path}", self.base))
    }

    /// A service's request for a token.
    fn token(&self, headers: &[(&str, &str)]) -> reqwest::RequestBuilder {
        let mut request = client()
            .post(format!("{}/token?query=planted-query", self.base))
            .header("authorization", basic("robot", SECRET))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(encode(&[("grant_type", "client_credentials")]));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request
    }

    async fn end(self) {
        self.stop.cancel();
        self.serving.await.unwrap();
        if let Some(export) = self.export {
            export.finish().await;
        }
    }
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

fn settings(url: &str) -> Traces {
    Traces {
        endpoint: Some(url.to_owned()),
        headers: Some(Secret::new("authorization=Bearer%20planted-header")),
        service_name: "signet-of-acme".to_owned(),
        ..Traces::default()
    }
}

async fn world(database: &crate::support::database::TestDatabase, traces: Traces) -> World {
    let world = World::with(database.open().await, |config| config.traces = traces).await;
    world.furnish().await;
    world.service(&world.tenant().await, "robot").await;
    world
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

fn text(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    }
}

fn attribute(attributes: &[KeyValue], name: &str) -> Option<String> {
    attributes.iter().find(|attribute| attribute.key == name).map(|attribute| text(attribute.value.as_ref()))
}

/// The span of that name; there is one.
fn named<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let found: Vec<&Span> = spans.iter().filter(|span| span.name == name).collect();
    let [span] = found[..] else { panic!("{} spans are named {name}: {spans:?}", found.len()) };
    span
}

#[tokio::test]
async fn a_request_is_a_span_below_its_callers_with_what_it_waited_for_below_itself() {
    for database in databases().await {
        let collector = Collector::start("200 OK").await;
        let world = world(&database, settings(&collector.url)).await;
        let served = Served::by(&world);
        let parent = format!("00-{TRACE}-{CALLER}-00");
        let (status, _) = served.send(served.token(&[("traceparent", &parent), ("tracestate", "other=1")])).await;
        assert_eq!(status, 200);
        let spans = collector.until(|spans| spans.iter().any(|span| span.name == "POST /token")).await;
        let root = named(&spans, "POST /token");
        assert_eq!((hex(&root.trace_id), hex(&root.parent_span_id)), (TRACE.to_owned(), CALLER.to_owned()));
        assert_eq!((root.kind, root.trace_state.as_str()), (SpanKind::Server as i32, "other=1"));
        assert!(root.end_time_unix_nano >= root.start_time_unix_nano && root.start_time_unix_nano > 0);
        assert!(root.status.as_ref().is_none_or(|status| status.code == StatusCode::Unset as i32));
        for (name, value) in [
            ("http.request.method", "POST"),
            ("http.route", "/token"),
            ("http.response.status_code", "200"),
            ("url.scheme", "http"),
            ("server.address", "127.0.0.1"),
            ("server.port", "8080"),
            ("signet.tenant", "default"),
            ("signet.client", "robot"),
        ] {
            assert_eq!(attribute(&root.attributes, name).as_deref(), Some(value), "{name}");
        }
        let sign = named(&spans, "sign");
        assert_eq!((&sign.trace_id, &sign.parent_span_id), (&root.trace_id, &root.span_id));
        assert_eq!(sign.kind, SpanKind::Internal as i32);

        let post = &collector.posts()[0];
        assert!(post.head.starts_with("post /v1/traces http/1.1\r\n"), "{}", post.head);
        assert!(post.head.contains("content-type: application/x-protobuf") && !post.head.contains("traceparent"));
        assert!(post.head.contains("authorization: bearer planted-header"));
        let resource = collector.requests()[0].resource_spans[0].resource.clone().unwrap().attributes;
        assert_eq!(attribute(&resource, "service.name").as_deref(), Some("signet-of-acme"));
        assert_eq!(attribute(&resource, "service.version").as_deref(), Some(env!("CARGO_PKG_VERSION")));
        served.end().await;
        assert_eq!(world.ctx.operations.metrics.spans.get(SpanFate::Exported), collector.spans().len() as u64);
    }
}

#[tokio::test]
async fn a_sign_in_is_told_with_its_hash_and_writes_and_none_of_its_secrets() {
    for database in databases().await {
        let collector = Collector::start("200 OK").await;
        let world = world(&database, settings(&collector.url)).await;
        let tenant = world.tenant().await;
        world.open_to_sign_ups(&tenant).await;
        let served = Served::by(&world);
        let login = |password: &str| {
            let body = serde_json::json!({ "email": "ada@example.com", "password": password }).to_string();
            let to = format!("{}/v1/auth/login?code=planted-code", served.base);
            client().post(to).header("content-type", "application/json").body(body)
        };
        let (status, body) = served.send(login(PASSWORD)).await;
        assert_eq!(status, 200, "{body}");
        let tokens: serde_json::Value = serde_json::from_str(&body).unwrap();
        let of = |name: &str| tokens[name].as_str().unwrap().to_owned();
        let (access, refresh) = (of("access_token"), of("refresh_token"));
        assert_eq!(served.send(login("planted wrong password")).await.0, 401);
        let bearer = served.get("/userinfo?access_token=planted-query").bearer_auth(&access);
        served.send(bearer.header("cookie", "planted=planted-cookie").header("user-agent", "planted-agent")).await;
        served.send(served.get("/planted-path/planted-name?planted=planted-value")).await;
        served.send(served.get("/t/acme/token")).await;
        served.end().await;

        let spans = collector.spans();
        let roots: Vec<&Span> = spans.iter().filter(|span| span.kind == SpanKind::Server as i32).collect();
        assert_eq!(roots.len(), 5, "{spans:?}");
        let signed_in = |span: &&&Span| {
            span.name == "POST /v1/auth/login"
                && attribute(&span.attributes, "http.response.status_code").as_deref() == Some("200")
        };
        let root = roots.iter().find(signed_in).unwrap();
        assert!(root.parent_span_id.is_empty(), "a trace of its own");
        let below = |name: &str| spans.iter().filter(|s| s.name == name && s.parent_span_id == root.span_id).count();
        assert_eq!((below("argon2"), below("sign") > 0, below("database write") > 0), (1, true, true), "{spans:?}");
        let write = spans.iter().find(|span| span.name == "database write").unwrap();
        let system = if database.is_sqlite() { "sqlite" } else { "postgresql" };
        assert_eq!(attribute(&write.attributes, "db.system.name").as_deref(), Some(system));
        let unmatched = named(&spans, "GET");
        assert_eq!(attribute(&unmatched.attributes, "http.route"), None);
        let traces: std::collections::BTreeSet<&[u8]> = roots.iter().map(|span| span.trace_id.as_slice()).collect();
        assert_eq!(traces.len(), 5);

        let whole: Vec<u8> = collector.posts().into_iter().flat_map(|post| post.body).collect();
        let whole = String::from_utf8_lossy(&whole).to_lowercase();
        let secrets = [access.as_str(), refresh.as_str(), PASSWORD, SECRET, "ada@example", "planted"];
        for secret in secrets {
            assert!(!whole.contains(&secret.to_lowercase()), "{secret} is in {whole}");
        }
    }
}

#[tokio::test]
async fn whoever_signet_asks_in_turn_is_told_of_the_trace_and_of_nothing_else() {
    let [database, ..] = &databases().await[..] else { panic!("no database") };
    let (collector, site) = (Collector::start("200 OK").await, Elsewhere::start().await);
    let world = world(database, settings(&collector.url)).await;
    let tenant = world.tenant().await;
    let keys = site.url("/planted-keys?planted=query");
    world
        .client(&tenant, "keyed", |metadata| {
            metadata.token_endpoint_auth_method = idp::domain::client::ClientAuthMethod::PrivateKeyJwt;
            metadata.jwks_uri = Some(keys.clone());
        })
        .await;
    let served = Served::by(&world);
    // Whose signature can't be checked before the keys are there.
    let claims = r#"{"iss":"keyed","sub":"keyed","aud":"x","exp":9999999999,"jti":"1"}"#;
    let encoded = |text: &str| openssl::base64::encode_block(text.as_bytes()).replace('=', "");
    let jwt = format!("{}.{}.{}", encoded(r#"{"alg":"RS256","kid":"k"}"#), encoded(claims), "c2ln");
    let form = encode(&[
        ("grant_type", "authorization_code"),
        ("code", "x"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", &jwt),
    ]);
    let request = client()
        .post(format!("{}/token", served.base))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("traceparent", format!("00-{TRACE}-{CALLER}-01"))
        .header("tracestate", "planted=state")
        .body(form);
    served.send(request).await;
    served.end().await;
    let spans = collector.spans();
    let root = named(&spans, "POST /token");
    let fetch = named(&spans, "GET");
    assert_eq!((fetch.kind, &fetch.parent_span_id), (SpanKind::Client as i32, &root.span_id));
    for (name, value) in [("http.request.method", "GET"), ("url.scheme", "http"), ("server.address", "127.0.0.1")] {
        assert_eq!(attribute(&fetch.attributes, name).as_deref(), Some(value), "{name}");
    }
    let heard = site.last().to_lowercase();
    assert!(heard.contains(&format!("traceparent: 00-{TRACE}-{}-01", hex(&fetch.span_id))), "{heard}");
    assert!(!heard.contains("tracestate"), "{heard}");
    let whole: Vec<u8> = collector.posts().into_iter().flat_map(|post| post.body).collect();
    assert!(!String::from_utf8_lossy(&whole).contains("planted-keys"));
}

/// Which of four requests are recorded: one whose caller records its trace, one whose caller doesn't, one whose caller
/// says something that can't be read, and one without a caller.
async fn recorded(sampling_ratio: f64, parent_based: bool) -> [bool; 4] {
    let [database, ..] = &databases().await[..] else { panic!("no database") };
    let collector = Collector::start("200 OK").await;
    let traces = Traces { sampling_ratio: Ratio(sampling_ratio), parent_based, ..settings(&collector.url) };
    let world = world(database, traces).await;
    let served = Served::by(&world);
    let (with, without) = (format!("00-{TRACE}-{CALLER}-01"), format!("00-{TRACE}-{CALLER}-00"));
    for (path, parent) in [
        ("/jwks", Some(with.as_str())),
        ("/health/live", Some(without.as_str())),
        ("/openapi.json", Some("00-0AF7-b7ad-01")),
        ("/.well-known/openid-configuration", None),
    ] {
        let mut request = served.get(path);
        if let Some(parent) = parent {
            request = request.header("traceparent", parent);
        }
        assert_eq!(served.send(request).await.0, 200, "{path}");
    }
    served.end().await;
    let spans = collector.spans();
    for span in &spans {
        let continued = hex(&span.trace_id) == TRACE;
        assert_eq!(continued, ["GET /jwks", "GET /health/live"].contains(&span.name.as_str()), "{span:?}");
    }
    ["/jwks", "/health/live", "/openapi.json", "/.well-known/openid-configuration"]
        .map(|path| spans.iter().any(|span| span.name == format!("GET {path}")))
}

#[tokio::test]
async fn a_caller_decides_what_is_recorded_only_where_it_may() {
    assert_eq!(recorded(1.0, false).await, [true; 4]);
    assert_eq!(recorded(0.0, false).await, [false; 4]);
    assert_eq!(recorded(1.0, true).await, [true, false, true, true]);
    assert_eq!(recorded(0.0, true).await, [true, false, false, false]);
}

/// What can be wrong with a collector.
enum Trouble {
    /// Nobody listens.
    Gone,
    /// It takes connections and never says anything.
    Silent,
    /// It says that it can't.
    Unwell(&'static str),
}

#[tokio::test]
async fn a_collector_in_trouble_delays_nothing_and_what_it_does_not_take_is_counted() {
    for trouble in [
        Trouble::Gone,
        Trouble::Silent,
        Trouble::Unwell("500 Oh"),
        Trouble::Unwell("503 Later"),
        Trouble::Unwell("301 X"),
    ] {
        let [database, ..] = &databases().await[..] else { panic!("no database") };
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let unwell = Collector::start(if let Trouble::Unwell(status) = trouble { status } else { "500 Oh" }).await;
        let url = match trouble {
            Trouble::Gone => {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                format!("http://{}", listener.local_addr().unwrap())
            }
            Trouble::Silent => format!("http://{}", silent.local_addr().unwrap()),
            Trouble::Unwell(_) => unwell.url.clone(),
        };
        let keeps_trying = !matches!(trouble, Trouble::Unwell("500 Oh" | "301 X"));
        let is_silent = matches!(trouble, Trouble::Silent);
        let patience = Duration::from_millis(500);
        let queue = 8.try_into().unwrap();
        let (log, guard) = Captured::begin();
        let world = world(database, Traces { timeout: patience, queue, ..settings(&url) }).await;
        let served = Served::by(&world);
        let spans = &world.ctx.operations.metrics.spans;
        let client = client();
        let mut requests = 0;
        while requests < 60 || (keeps_trying && spans.get(SpanFate::Dropped) < 20) {
            assert_eq!(served.send(client.get(format!("{}/jwks", served.base))).await.0, 200);
            requests += 1;
            assert!(requests < 10_000, "nothing is dropped");
        }
        let began = Instant::now();
        served.end().await;
        assert!(began.elapsed() < patience + Duration::from_secs(2), "{:?}", began.elapsed());
        let [exported, dropped, failed] =
            [SpanFate::Exported, SpanFate::Dropped, SpanFate::Failed].map(|fate| spans.get(fate));
        assert_eq!(exported, 0);
        // Whoever says nothing has the last ones in hand when the time is up: they are counted as well.
        assert_eq!(dropped + failed, requests, "{dropped} {failed}");
        drop(guard);
        let lines = log.text();
        assert_eq!(lines.contains("could not be given to the collector in time"), is_silent, "{lines}");
        assert_eq!(lines.matches("the collector takes no spans").count(), 1, "{lines}");
        assert!(!lines.contains("planted"), "{lines}");
    }
}

/// What is logged meanwhile.
#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Captured {
    fn begin() -> (Self, tracing::subscriber::DefaultGuard) {
        let captured = Self::default();
        let writer = captured.clone();
        let subscriber = telemetry::subscriber(&Log::default(), move || writer.clone());
        (captured, tracing::subscriber::set_default(subscriber))
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl std::io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn spans_are_given_again_once_the_collector_is_well() {
    let [database, ..] = &databases().await[..] else { panic!("no database") };
    let collector = Collector::start("503 Later").await;
    let world = world(database, settings(&collector.url)).await;
    let served = Served::by(&world);
    served.send(served.token(&[])).await;
    collector.until(|spans| !spans.is_empty()).await;
    *collector.status.lock().unwrap() = "200 OK";
    // The same spans come a second time.
    let spans = collector.until(|spans| spans.iter().filter(|span| span.name == "POST /token").count() > 1).await;
    let tokens: Vec<&Span> = spans.iter().filter(|span| span.name == "POST /token").collect();
    assert_eq!(tokens[0].span_id, tokens[1].span_id);
    served.end().await;
    assert_eq!(world.ctx.operations.metrics.spans.get(SpanFate::Failed), 0);
    assert!(world.ctx.operations.metrics.spans.get(SpanFate::Exported) > 0);
}

/// A collector may take a part of a batch and say so (OTLP, "Partial Success"); what it says beside is of no importance.
#[tokio::test]
async fn spans_that_a_collector_rejects_are_counted_and_not_given_again() {
    let partial = |rejected_spans, error_message: &str| {
        let partial_success =
            Some(ExportTracePartialSuccess { rejected_spans, error_message: error_message.to_owned() });
        ExportTraceServiceResponse { partial_success }.encode_to_vec()
    };
    let all = u64::MAX;
    for (answer, rejected) in [
        (Vec::new(), 0),
        (partial(1, "too old"), 1),
        (partial(i64::MAX, "all of them"), all),
        (partial(0, "a warning"), 0),
        (partial(-1, ""), 0),
        (b"nonsense".to_vec(), 0),
        (partial(1, &"long".repeat(10_000)), 0),
    ] {
        let [database, ..] = &databases().await[..] else { panic!("no database") };
        let collector = Collector::start("200 OK").await;
        *collector.answer.lock().unwrap() = answer;
        let world = world(database, settings(&collector.url)).await;
        let (log, guard) = Captured::begin();
        let served = Served::by(&world);
        assert_eq!(served.send(served.get("/jwks")).await.0, 200);
        served.end().await;
        drop(guard);
        let given = collector.spans().len() as u64;
        assert_eq!((given, collector.posts().len()), (1, 1), "once, whatever was said");
        let rejected = rejected.min(given);
        let spans = &world.ctx.operations.metrics.spans;
        let counted = [SpanFate::Exported, SpanFate::Failed, SpanFate::Dropped].map(|fate| spans.get(fate));
        assert_eq!(counted, [given - rejected, rejected, 0]);
        let warned = log.text().contains("the collector doesn't take all spans");
        assert_eq!(warned, rejected > 0, "{}", log.text());
    }
}

/// Not only tokens: claims and answers that a client wants signed.
#[tokio::test]
async fn whatever_is_signed_for_a_request_is_a_part_of_it() {
    for database in databases().await {
        let collector = Collector::start("200 OK").await;
        let world = world(&database, settings(&collector.url)).await;
        let tenant = world.tenant().await;
        let signed = |metadata: &mut ClientMetadata| metadata.userinfo_signed_response_alg = Some(Algorithm::Rs256);
        world.client(&tenant, "signed", signed).await;
        let code = Browser::new(&world, "").code("signed", "ada@example.com").await;
        let tokens = redeem(&world, "", "signed", &code).await.json();
        let access = tokens["access_token"].as_str().unwrap();
        let served = Served::by(&world);
        let (status, body) = served.send(served.get("/userinfo").bearer_auth(access)).await;
        assert_eq!((status, body.split('.').count()), (200, 3), "{body}");
        let ask = client()
            .post(format!("{}/introspect", served.base))
            .header("authorization", basic("signed", SECRET))
            .header("accept", "application/token-introspection+jwt")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(encode(&[("token", access)]));
        let (status, body) = served.send(ask).await;
        assert_eq!((status, body.split('.').count()), (200, 3), "{body}");
        served.end().await;
        let spans = collector.spans();
        for name in ["GET /userinfo", "POST /introspect"] {
            let root = named(&spans, name);
            let below = spans.iter().filter(|span| span.name == "sign" && span.parent_span_id == root.span_id);
            assert_eq!(below.count(), 1, "{name}: {spans:?}");
        }
    }
}

#[tokio::test]
async fn without_a_collector_there_are_no_traces() {
    let [database, ..] = &databases().await[..] else { panic!("no database") };
    let world = world(database, Traces::default()).await;
    assert!(span_export::begin(&world.ctx).unwrap().is_none());
}
