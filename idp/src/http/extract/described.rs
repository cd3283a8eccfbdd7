//! Answers that are ready bytes, described in the OpenAPI document by a type that is never built.
//!
//! Decided against answering with the framework's own payloads: they take JSON through a tree of values, and the
//! answers here are the hot ones.

use std::marker::PhantomData;

use poem::{IntoResponse, Response};
use poem_openapi::ApiResponse;
use poem_openapi::registry::{MetaResponses, Registry};

use crate::http::error::oauth::OAuthError;
use crate::http::ready::{Ready, whole};

/// An answer that `A` describes.
pub struct Described<A> {
    response: Response,
    described_by: PhantomData<A>,
}

impl<A> Described<A> {
    /// Takes what an endpoint answered.
    pub fn new(result: Result<Ready, OAuthError>) -> Self {
        Self { response: whole(result.unwrap_or_else(OAuthError::into_ready)), described_by: PhantomData }
    }

    /// Takes an answer that is made elsewhere.
    pub fn ready(response: Response) -> Self {
        Self { response, described_by: PhantomData }
    }
}

impl<A: Send> IntoResponse for Described<A> {
    fn into_response(self) -> Response {
        self.response
    }
}

impl<A: ApiResponse> ApiResponse for Described<A> {
    fn meta() -> MetaResponses {
        A::meta()
    }

    fn register(registry: &mut Registry) {
        A::register(registry);
    }
}
