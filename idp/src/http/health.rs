//! `/health`, `/health/live` and `/health/ready`: for load balancers and whoever starts Signet.
//!
//! On the public port they say no more than yes or no; what is wrong is told on the port of the management.

use poem::http::{HeaderValue, StatusCode, header};
use poem::web::Data;
use poem::{Response, handler};
use serde_json::{Map, Value, json};

use crate::service::ctx::Ctx;
use crate::service::operations::health::{self, Health};

/// `GET /health/live`: the process answers.
#[handler]
pub(crate) fn live() -> Response {
    answer(StatusCode::OK, r#"{"status":"ok"}"#.to_owned())
}

/// `GET /health/ready`, and `/health`: it can do its work; 503 while it can't, and while it is about to end.
#[handler]
pub(crate) async fn ready(Data(ctx): Data<&Ctx>) -> Response {
    brief(ctx).await
}

/// Yes or no.
pub(crate) async fn brief(ctx: &Ctx) -> Response {
    let health = health::check(ctx).await;
    let word = if health.is_ready() { "ok" } else { "unavailable" };
    answer(status(&health), json!({ "status": word }).to_string())
}

/// The same with every dependency, how it is, and how long it took to find out.
pub(crate) async fn detailed(ctx: &Ctx) -> Response {
    let health = health::check(ctx).await;
    let checks: Map<String, Value> = health
        .findings
        .iter()
        .map(|finding| {
            let millis = u64::try_from(finding.took.as_millis()).unwrap_or(u64::MAX);
            let found = json!({ "status": finding.condition.name(), "duration_ms": millis });
            (finding.dependency.name().to_owned(), found)
        })
        .collect();
    let body = json!({ "status": health.condition().name(), "stopping": health.stopping, "checks": checks });
    answer(status(&health), body.to_string())
}

fn status(health: &Health) -> StatusCode {
    if health.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}

pub(super) fn answer(status: StatusCode, body: String) -> Response {
    Response::builder()
        .status(status)
        .header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))
        .header(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"))
        .content_type("application/json")
        .body(body)
}
