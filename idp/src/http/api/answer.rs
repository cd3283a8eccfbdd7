//! How the JSON APIs answer: JSON, described in the OpenAPI document by the kind of answer that it is.

use std::marker::PhantomData;

use openapi::Problem;
use openapi::problem::CONTENT_TYPE;
use poem::http::{HeaderValue, StatusCode, header};
use poem::{IntoResponse, Response};
use poem_openapi::ApiResponse;
use poem_openapi::registry::{
    MetaHeader, MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry,
};
use poem_openapi::types::Type;
use serde::Serialize;

use super::refusal::Result;
use crate::domain::Timestamp;

/// A kind of answer: what the document says of it.
pub(in crate::http) trait Kind: Send {
    /// What the body is; `()` for none.
    type Body: Described;
    /// Status of success.
    const STATUS: u16;
    /// What success means.
    const TEXT: &'static str;
    /// Headers of success, and what they are.
    const HEADERS: &'static [(&'static str, &'static str)];
    /// Statuses of refusals.
    const REFUSALS: &'static [u16];
}

/// What may be the body of an answer.
pub(in crate::http) trait Described: Send {
    /// Its media type and schema.
    fn content() -> Vec<MetaMediaType>;
    /// Adds the schemas that it needs.
    fn register(registry: &mut Registry);
}

/// A body that is JSON.
#[derive(Debug)]
pub(in crate::http) struct Json<T>(PhantomData<T>);

impl<T: Type> Described for Json<T> {
    fn content() -> Vec<MetaMediaType> {
        vec![MetaMediaType { content_type: "application/json", schema: T::schema_ref() }]
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl Described for () {
    fn content() -> Vec<MetaMediaType> {
        Vec::new()
    }

    fn register(_registry: &mut Registry) {}
}

const ETAG: (&str, &str) = ("ETag", "The version, for If-Match.");

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident $(<$body:ident>)? = $status:literal $text:literal [$($header:expr),*] [$($refusal:literal),+])+) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub(in crate::http) struct $name $(<$body>(PhantomData<$body>))?;

        impl $(<$body: Type>)? Kind for $name $(<$body>)? {
            type Body = kinds!(@body $($body)?);
            const STATUS: u16 = $status;
            const TEXT: &'static str = $text;
            const HEADERS: &'static [(&'static str, &'static str)] = &[$($header),*];
            const REFUSALS: &'static [u16] = &[$($refusal),+];
        }
    )+};
    (@body) => { () };
    (@body $body:ident) => { Json<$body> };
}

kinds! {
    /// One thing.
    Shown<T> = 200 "It." [ETAG] [400, 401, 403, 404, 500, 503]
    /// A part of a list.
    Listed<T> = 200 "A part of the list, and where the next one begins." [] [400, 401, 403, 404, 500, 503]
    /// Something new.
    Made<T> = 201 "It was made." [("Location", "Where it is."), ETAG] [400, 401, 403, 409, 413, 415, 422, 500, 503]
    /// Something that was changed by a body.
    Changed<T> = 200 "It as it is now." [ETAG] [400, 401, 403, 404, 409, 412, 413, 415, 422, 500, 503]
    /// Something that was changed by a word.
    Switched<T> = 200 "It as it is now." [ETAG] [400, 401, 403, 404, 500, 503]
    /// Something was done that leaves nothing to show.
    Done = 204 "It was done." [] [400, 401, 403, 404, 500, 503]
    /// Somebody has an account and is signed in.
    SignedUp<T> = 201 "The account was made, and its session begun." [] [400, 403, 409, 413, 415, 422, 500, 503]
    /// Somebody is signed in.
    SignedIn<T> = 200 "The session and its tokens." [] [400, 401, 403, 413, 415, 500, 503]
    /// A session goes on.
    Refreshed<T> = 200 "The session's next tokens." [] [400, 401, 403, 413, 415, 500, 503]
    /// A session is over.
    SignedOut = 204 "The session is over." [] [400, 401, 403, 413, 415, 500, 503]
    /// What belongs to whoever asks.
    Own<T> = 200 "It." [] [401, 500, 503]
    /// One of the person's sessions is over.
    Ended = 204 "It is over." [] [401, 404, 500, 503]
    /// What everybody may know.
    Public<T> = 200 "It." [] [500, 503]
    /// A secret was set.
    Set = 204 "It was set." [] [400, 401, 403, 404, 413, 415, 422, 500, 503]
}

/// An answer of a kind.
#[derive(Debug)]
pub(in crate::http) struct Answer<K> {
    response: Response,
    kind: PhantomData<K>,
}

impl<K: Kind> Answer<K> {
    /// What an endpoint came to.
    pub(in crate::http) fn new(result: Result<Content>) -> Self {
        let response = match result {
            Ok(content) => content.respond(K::STATUS),
            Err(refusal) => refusal.into_response(),
        };
        Self { response, kind: PhantomData }
    }
}

impl<K> Answer<K> {
    /// One that is made elsewhere: a stream.
    pub(in crate::http) fn ready(response: Response) -> Self {
        Self { response, kind: PhantomData }
    }
}

/// What an endpoint has to say.
#[derive(Debug, Default)]
pub(in crate::http) struct Content {
    body: Option<Vec<u8>>,
    headers: Vec<(header::HeaderName, String)>,
}

impl Content {
    /// A JSON document.
    pub(in crate::http) fn json(body: &impl Serialize) -> Self {
        Self { body: Some(serde_json::to_vec(body).unwrap_or_default()), headers: Vec::new() }
    }

    /// With the version of what it shows.
    #[must_use]
    pub(in crate::http) fn version(mut self, updated_at: Timestamp) -> Self {
        self.headers.push((header::ETAG, etag(updated_at)));
        self
    }

    /// With the address of what was made.
    #[must_use]
    pub(in crate::http) fn location(mut self, address: String) -> Self {
        self.headers.push((header::LOCATION, address));
        self
    }

    /// With a cookie.
    #[must_use]
    pub(in crate::http) fn cookie(mut self, cookie: Option<String>) -> Self {
        self.headers.extend(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
        self
    }

    fn respond(self, status: u16) -> Response {
        // It may have personal data or a secret in it.
        let mut response = Response::builder()
            .status(StatusCode::from_u16(status).unwrap_or_default())
            .header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        match self.body {
            Some(body) => response.content_type("application/json").body(body),
            None => response.finish(),
        }
    }
}

/// The entity tag of a version: something that changes whenever it is changed.
pub(in crate::http) fn etag(updated_at: Timestamp) -> String {
    format!("\"{:x}\"", updated_at.millis())
}

impl<K: Kind> IntoResponse for Answer<K> {
    fn into_response(self) -> Response {
        self.response
    }
}

const fn meaning(status: u16) -> &'static str {
    match status {
        400 => "The request can't be read, or names something that isn't known.",
        401 => "The access token is missing, invalid, expired, revoked, or for something else.",
        403 => "The access token hasn't got the scope, or the person hasn't got the role.",
        404 => "There is no such thing in this tenant.",
        409 => "A name is taken, or its state doesn't allow it.",
        412 => "It was changed since: read it again.",
        413 => "The body is larger than 64 KiB.",
        415 => "The body isn't JSON.",
        422 => "A rule forbids what is asked for; the problem names the member at fault.",
        503 => "Come back later.",
        _ => "Something went wrong on our side.",
    }
}

impl<K: Kind> ApiResponse for Answer<K> {
    fn meta() -> MetaResponses {
        let header = |(name, description): &(&str, &str)| MetaHeader {
            name: (*name).to_owned(),
            description: Some((*description).to_owned()),
            required: true,
            deprecated: false,
            schema: MetaSchemaRef::Inline(Box::new(MetaSchema::new("string"))),
        };
        let success = MetaResponse {
            description: K::TEXT,
            status: Some(K::STATUS),
            status_range: None,
            content: K::Body::content(),
            headers: K::HEADERS.iter().map(header).collect(),
        };
        let refusal = |status: &u16| MetaResponse {
            description: meaning(*status),
            status: Some(*status),
            status_range: None,
            content: vec![MetaMediaType { content_type: CONTENT_TYPE, schema: Problem::schema_ref() }],
            headers: Vec::new(),
        };
        MetaResponses { responses: std::iter::once(success).chain(K::REFUSALS.iter().map(refusal)).collect() }
    }

    fn register(registry: &mut Registry) {
        K::Body::register(registry);
        Problem::register(registry);
    }
}
