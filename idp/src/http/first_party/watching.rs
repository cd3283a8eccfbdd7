//! `/v1/auth/health` and `/v1/auth/metrics`: what operators watch, at the addresses of old.
//!
//! On the public port metrics are for who presents the token of the management's port, where there is such a port. To
//! everybody else there is nothing at this address: 401 would tell strangers that there is something to guess at.

use openapi::Problem;
use poem::{FromRequest, Request, RequestBody};
use poem_openapi::payload::{Json, PlainText};
use poem_openapi::registry::{MetaSecurityScheme, Registry};
use poem_openapi::{ApiExtractor, ApiExtractorType, ApiResponse, ExtractParamOptions, Object, OpenApi, Tags};
use serde::Serialize;

use crate::http::error::fallback;
use crate::http::extract::bearer;
use crate::http::extract::described::Described;
use crate::http::extract::visit::Call;
use crate::http::{health, management};

/// What operators watch.
#[derive(Debug)]
pub struct Watching;

/// How the endpoints are grouped in the document.
#[derive(Tags)]
enum Group {
    /// For whoever watches Signet.
    Operations,
}

/// In a word, how it is.
#[derive(Debug, Serialize, Object)]
struct HealthWord {
    /// `ok` or `unavailable`.
    status: String,
}

/// What `/v1/auth/health` answers.
#[derive(ApiResponse)]
#[expect(dead_code, reason = "describes the answers in the OpenAPI document; they are made elsewhere")]
enum HealthAnswers {
    /// It can do its work.
    #[oai(status = 200)]
    Ready(Json<HealthWord>),
    /// It can't, or is about to end.
    #[oai(status = 503)]
    Unavailable(Json<HealthWord>),
}

/// What `/v1/auth/metrics` answers.
#[derive(ApiResponse)]
#[expect(dead_code, reason = "describes the answers in the OpenAPI document; they are made elsewhere")]
enum MetricsAnswers {
    /// The page of metrics.
    #[oai(status = 200)]
    Page(PlainText<String>),
    /// The token is missing or wrong, or there is no management's port with one.
    #[oai(status = 404, content_type = "application/problem+json")]
    NotFound(Json<Problem>),
}

/// Whoever has the management's token.
struct Watcher(Call);

/// What the scheme is called in the document.
const SCHEME: &str = "management";

impl<'a> ApiExtractor<'a> for Watcher {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        // The others are JWTs.
        let scheme = bearer::scheme("The token of the management's port, `management.token`.");
        registry.create_security_scheme(SCHEME, MetaSecurityScheme { bearer_format: None, ..scheme });
    }

    fn security_schemes() -> Vec<&'static str> {
        vec![SCHEME]
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let call = <Call as FromRequest>::from_request(request, body).await?;
        if management::may_see_from_outside(&call.ctx.config.management, request) {
            Ok(Self(call))
        } else {
            Err(poem::Error::from_response(fallback::not_found(request)))
        }
    }
}

#[OpenApi(prefix_path = "/v1/auth", tag = "Group::Operations")]
impl Watching {
    /// Whether Signet can do its work
    ///
    /// As `/health` answers.
    #[oai(path = "/health", method = "get", operation_id = "health")]
    async fn health(&self, call: Call) -> Described<HealthAnswers> {
        Described::ready(health::brief(&call.ctx).await)
    }

    /// Metrics
    ///
    /// As `/metrics` answers on the management's port, to who presents that port's token.
    #[oai(path = "/metrics", method = "get", operation_id = "metrics")]
    async fn metrics(&self, watcher: Watcher, request: &Request) -> Described<MetricsAnswers> {
        Described::ready(management::page(&watcher.0.ctx, request).await)
    }
}
