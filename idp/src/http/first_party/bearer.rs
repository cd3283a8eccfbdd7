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
use crate::service::access_token::{self, AccessTokenError, Presented};
use crate::service::subject::ReadySubject;
use crate::service::{access, first_party};

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

/// Whoever has the access token of a request, which holds.
pub(super) enum Bearer {
    /// Somebody in an app of the tenant's own.
    Own(Own),
    /// Somebody else: another client's, or one outside of a session.
    Other(Call, Arc<Presented>),
}

impl Bearer {
    /// Whoever sent this request.
    pub(super) async fn of(call: Call, request: &Request) -> Result<Self> {
        let token = bearer::read(request.headers(), None).map_err(|error| Refusal::ready(error.into_challenge()))?;
        let presented = match access_token::present(&call.ctx, call.tenant(), &token).await {
            Ok(presented) => presented,
            Err(AccessTokenError::Invalid(_)) => return Err(invalid()),
            Err(AccessTokenError::Failure(failure)) => return Err(failure.into()),
        };
        let own = presented.person().filter(|subject| first_party::is_own(&subject.client)).cloned();
        let own = own.and_then(|subject| Some((subject.live.session.clone()?, subject)));
        Ok(match own {
            Some((session, subject)) => Self::Own(Own { call, subject, session }),
            None => Self::Other(call, presented),
        })
    }

    /// The call, if it is an app's. That it isn't, though the token holds, is in the audit log.
    async fn own(self) -> Result<Own> {
        match self {
            Self::Own(own) => Ok(own),
            Self::Other(call, presented) => {
                access::note_refusal(&call.ctx, call.tenant(), &call.caller, &presented, REASON).await?;
                Err(invalid())
            }
        }
    }
}

/// What the audit log says of a token that holds and isn't an app's.
const REASON: &str = "the access token isn't one of a session in an app of the tenant's own";

/// What is said of any token that doesn't do.
pub(super) fn invalid() -> Refusal {
    let text = "the access token is invalid, expired or revoked, or isn't one of an app of the tenant's own";
    let error = OAuthError::bearer(StatusCode::UNAUTHORIZED, Some("invalid_token"), text);
    Refusal::ready(error.into_challenge())
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
        Ok(Bearer::of(call, request).await?.own().await?)
    }
}
