//! Forms of the OAuth endpoints (RFC 6749 §3.2, appendix B).
//!
//! Decided against poem-openapi's own `Form`: it keeps empty values, can't tell a repeated parameter, has no limit,
//! and answers in plain text.

use std::marker::PhantomData;

use poem::http::{HeaderMap, header};
use poem::{Body, FromRequest, Request, RequestBody};
use poem_openapi::registry::{MetaMediaType, MetaRequest, Registry};
use poem_openapi::types::Type;
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};

use crate::domain::parameters::Parameters;
use crate::http::error::form::FormError;
use crate::http::error::oauth::OAuthError;

/// The largest form that is read, in bytes.
pub const MAX_BYTES: usize = 16 * 1024;
/// The media type of a form.
pub const CONTENT_TYPE: &str = "application/x-www-form-urlencoded";

/// The parameters of a form that `T` describes in the OpenAPI document.
#[derive(Debug)]
pub struct OAuthForm<T> {
    /// What was sent.
    pub parameters: Parameters,
    described_by: PhantomData<T>,
}

impl<'a, T: Type + Send> ApiExtractor<'a> for OAuthForm<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        Some(MetaRequest {
            description: None,
            content: vec![MetaMediaType { content_type: CONTENT_TYPE, schema: T::schema_ref() }],
            required: true,
        })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let read = taken(request, body).await;
        let parameters = read.map_err(OAuthError::form)?;
        Ok(Self { parameters, described_by: PhantomData })
    }
}

/// Reads the form of a request with these header fields.
pub async fn read(headers: &HeaderMap, body: Body) -> Result<Parameters, FormError> {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = media_type.and_then(|value| value.split(';').next()).map(str::trim);
    if !essence.is_some_and(|essence| essence.eq_ignore_ascii_case(CONTENT_TYPE)) {
        return Err(FormError::ContentType);
    }
    let bytes = body.into_bytes_limit(MAX_BYTES).await.map_err(|error| match error {
        poem::error::ReadBodyError::PayloadTooLarge => FormError::TooLarge,
        _ => FormError::Unreadable,
    })?;
    Parameters::decode(&bytes).ok_or(FormError::Unreadable)
}

async fn taken(request: &Request, body: &mut RequestBody) -> Result<Parameters, FormError> {
    read(request.headers(), body.take().map_err(|_| FormError::Unreadable)?).await
}

/// A form that may be left out, described by `T` in the OpenAPI document; or why it can't be read.
#[derive(Debug)]
pub struct OptionalForm<T> {
    /// What was sent; `None` if the request has no media type.
    pub parameters: Result<Option<Parameters>, FormError>,
    described_by: PhantomData<T>,
}

impl<'a, T: Type + Send> ApiExtractor<'a> for OptionalForm<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        OAuthForm::<T>::request_meta().map(|meta| MetaRequest { required: false, ..meta })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let sent = request.headers().contains_key(header::CONTENT_TYPE);
        let parameters = if sent { taken(request, body).await.map(Some) } else { Ok(None) };
        Ok(Self { parameters, described_by: PhantomData })
    }
}

/// The form of a page, or why it can't be read.
#[derive(Debug)]
pub struct PostedBody(pub Result<Parameters, FormError>);

impl<'a> FromRequest<'a> for PostedBody {
    async fn from_request(request: &'a Request, body: &mut RequestBody) -> poem::Result<Self> {
        Ok(Self(taken(request, body).await))
    }
}
