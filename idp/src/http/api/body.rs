//! Bodies: JSON of at most 64 KiB whose every member is known.

use std::marker::PhantomData;

use poem::error::ReadBodyError;
use poem::http::{StatusCode, header};
use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaMediaType, MetaRequest, Registry};
use poem_openapi::types::Type;
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::refusal::{Refusal, Result};
use crate::domain::strict_json::{self, StrictJsonError};
use crate::domain::typed_json;

/// The largest body, in bytes.
pub(in crate::http) const MAX_BYTES: usize = 64 * 1024;

const JSON: &str = "application/json";
const MERGE_PATCH: &str = "application/merge-patch+json";

/// How a body may come.
pub(in crate::http) trait Manner: Send {
    /// Its media types.
    const MEDIA_TYPES: &'static [&'static str];
    /// Whether it must be there.
    const REQUIRED: bool;
}

/// A whole document.
#[derive(Debug)]
pub(in crate::http) struct Whole;

/// A merge patch (RFC 7396): what is named is changed, what is null is taken out.
#[derive(Debug)]
pub(in crate::http) struct Patch;

/// A document that may be left out.
#[derive(Debug)]
pub(in crate::http) struct Optional;

impl Manner for Whole {
    const MEDIA_TYPES: &'static [&'static str] = &[JSON];
    const REQUIRED: bool = true;
}

impl Manner for Patch {
    const MEDIA_TYPES: &'static [&'static str] = &[MERGE_PATCH, JSON];
    const REQUIRED: bool = true;
}

impl Manner for Optional {
    const MEDIA_TYPES: &'static [&'static str] = &[JSON];
    const REQUIRED: bool = false;
}

/// A body that is a `T`.
#[derive(Debug)]
pub(in crate::http) struct Body<T, M = Whole> {
    /// What it says.
    pub(in crate::http) read: T,
    /// How it says it: a patch tells null from absent.
    pub(in crate::http) document: Value,
    manner: PhantomData<M>,
}

impl<'a, T: Type + DeserializeOwned, M: Manner> ApiExtractor<'a> for Body<T, M> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        let content = |content_type: &&'static str| MetaMediaType { content_type, schema: T::schema_ref() };
        Some(MetaRequest {
            description: None,
            content: M::MEDIA_TYPES.iter().map(content).collect(),
            required: M::REQUIRED,
        })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let document = document::<M>(request, body).await?;
        let read = typed_json::read(document.clone()).map_err(Refusal::bad_request)?;
        Ok(Self { read, document, manner: PhantomData })
    }
}

async fn document<M: Manner>(request: &Request, body: &mut RequestBody) -> Result<Value> {
    let media_type = request.headers().get(header::CONTENT_TYPE);
    let unreadable = || Refusal::bad_request("the body can't be read");
    let bytes = body.take().map_err(|_| unreadable())?.into_bytes_limit(MAX_BYTES).await;
    let bytes = bytes.map_err(|error| match error {
        ReadBodyError::PayloadTooLarge => Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than 64 KiB"),
        _ => unreadable(),
    })?;
    // One without a media type isn't there only if it is empty: what it says must not be passed over.
    if media_type.is_none() && bytes.is_empty() && !M::REQUIRED {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    let essence = media_type.and_then(|value| value.to_str().ok()?.split(';').next()).map(str::trim);
    if !essence.is_some_and(|essence| M::MEDIA_TYPES.iter().any(|known| known.eq_ignore_ascii_case(essence))) {
        let text = format!("the body must be {}", M::MEDIA_TYPES.join(" or "));
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
    }
    let document = strict_json::parse(&bytes).map_err(|error| match error {
        StrictJsonError::Syntax { line } => Refusal::bad_request(format!("the body isn't JSON: see line {line}")),
        StrictJsonError::Twice { line } => {
            Refusal::bad_request(format!("the body has a member twice: see line {line}"))
        }
    })?;
    if !document.is_object() {
        return Err(Refusal::bad_request("the body must be a JSON object"));
    }
    if has_nul(&document) {
        return Err(Refusal::bad_request("the body has a NUL character in it, which no text may have"));
    }
    Ok(document)
}

/// PostgreSQL takes no NUL in a text.
fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(values) => values.iter().any(has_nul),
        Value::Object(members) => members.iter().any(|(name, value)| name.contains('\0') || has_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
