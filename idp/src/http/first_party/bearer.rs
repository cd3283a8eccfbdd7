//! Who asks: every endpoint about a person's own begins with an [`Own`], an access token of a live session that one of the
//! tenant's own apps has. A token that another client was given isn't enough: consent to read a name isn't leave to end
//! sessions.

use std::ops::Deref;
use std::sync::Arc;

use poem::http::StatusCode;
use poem::{FromRequest, Request, RequestBody};
use poem_openapi::registry::Registry;
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};

use crate::domain::session::Session;
use crate::http::api::refusal::{Refusal, Result};
use crate::http::error::oauth::OAuthError;
use crate::http::extract::bearer;
use crate::http::extract::visit::Call;
use crate::service::access_token::{self, AccessTokenError};
use crate::service::first_party;
use crate::service::subject::ReadySubject;

/// A call by somebody in an app of the tenant's own.
#[derive(Debug)]
pub(super) struct Own {
    call: Call,
    /// Who it is, and what they use.
    pub(super) subject: Arc<ReadySubject>,
    /// In which session.
    pub(super) session: Session,
}

impl Deref for Own {
    type Target = Call;

    fn deref(&self) -> &Call {
        &self.call
    }
}

impl Own {
    /// Whoever sent this request.
    pub(super) async fn of(call: Call, request: &Request) -> Result<Self> {
        let token = bearer::read(request.headers(), None).map_err(|error| Refusal::ready(error.into_challenge()))?;
        let invalid = || {
            let text = "the access token is invalid, expired or revoked, or isn't one of an app of the tenant's own";
            let error = OAuthError::bearer(StatusCode::UNAUTHORIZED, Some("invalid_token"), text);
            Refusal::ready(error.into_challenge())
        };
        let subject = match access_token::person(&call.ctx, call.tenant(), &token).await {
            Ok(person) => person.subject,
            Err(AccessTokenError::Invalid(_)) => return Err(invalid()),
            Err(AccessTokenError::Failure(failure)) => return Err(failure.into()),
        };
        let session = subject.live.session.clone().filter(|_| first_party::is_own(&subject.client));
        Ok(Self { session: session.ok_or_else(invalid)?, call, subject })
    }
}

/// What the scheme is called in the document.
const SCHEME: &str = "app";

impl<'a> ApiExtractor<'a> for Own {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        let scheme = bearer::scheme("An access token of a live session of one of the tenant's own apps.");
        registry.create_security_scheme(SCHEME, scheme);
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
        Ok(Self::of(call, request).await?)
    }
}
