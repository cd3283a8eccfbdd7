//! The short way to what is asked most: these answers are ready bytes, and finding their endpoint among the others
//! would cost more than making them. They stand in the OpenAPI service as well, which describes them and answers
//! whatever isn't plain.

use poem::http::Method;
use poem::{Endpoint, IntoResponse, Request, Response};

use super::extract::visit::Call;
use super::oidc::{discovery, jwks, userinfo};
use crate::http::error::oauth::OAuthError;

/// Answers what it can by itself and hands on the rest.
pub struct Hot<E>(pub E);

impl<E: Endpoint> Endpoint for Hot<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        if *request.method() == Method::GET {
            let path = request.uri().path();
            let answer = match path {
                "/userinfo" => Some(userinfo::answer(&Call::of(&request)?, &request, None).await),
                "/jwks" | "/.well-known/jwks.json" => Some(jwks::get(&Call::of(&request)?, &request).await),
                "/.well-known/openid-configuration" | "/.well-known/oauth-authorization-server" => {
                    Some(Ok(discovery::get(&Call::of(&request)?, &request)))
                }
                _ => None,
            };
            if let Some(answer) = answer {
                return Ok(answer.unwrap_or_else(OAuthError::into_response));
            }
        }
        self.0.call(request).await.map(IntoResponse::into_response)
    }
}
