//! `/health/live` and `/health/ready`: for load balancers and whoever starts Signet.

use poem::http::{HeaderValue, StatusCode, header};
use poem::web::Data;
use poem::{Response, handler};

use crate::service::ctx::Ctx;

/// `GET /health/live`: the process answers.
#[handler]
pub(crate) fn live() -> Response {
    answer(StatusCode::OK, r#"{"status":"ok"}"#)
}

/// `GET /health/ready`: it can do its work; 503 while the database can't be reached.
#[handler]
pub(crate) async fn ready(Data(ctx): Data<&Ctx>) -> Response {
    match ctx.database.ping().await {
        Ok(()) => answer(StatusCode::OK, r#"{"status":"ok"}"#),
        Err(error) => {
            tracing::warn!(error = %error, "not ready");
            answer(StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"unavailable","reason":"database"}"#)
        }
    }
}

fn answer(status: StatusCode, body: &'static str) -> Response {
    Response::builder()
        .status(status)
        .header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))
        .content_type("application/json")
        .body(body)
}
