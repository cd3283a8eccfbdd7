//! RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0): whose session is to end, and where the browser goes then.
//!
//! A browser is sent on only to an address that the client registered, and only if an ID token of ours says that it is
//! that client who asks: an address alone could be anybody's. The person is always asked; the request may come from any
//! page.

use std::sync::Arc;

use keys::Audience;
use serde::Deserialize;
use thiserror::Error;

use super::authorize::AuthorizeError;
use super::clients::{self, ClientLookupError, ReadyClient};
use super::ctx::{Caller, Ctx};
use super::sessions::Accounts;
use super::sessions::ending::{self, Ending, Which};
use super::{Failure, audit, key_rings, subject_identifier};
use crate::domain::audit::{AuditKind, Outcome};
use crate::domain::end_session::EndSessionRequest;
use crate::domain::parameters::{ParameterError, Parameters};
use crate::domain::redirect_uri::RedirectUri;
use crate::domain::session::{EndReason, Session};
use crate::domain::tenant::Tenant;
use crate::domain::user::LoginName;
use crate::domain::{ClientId, SessionId, UserId};
use crate::store::{self, StoreError};

/// Why a logout request can't be used; the person reads it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EndSessionError {
    /// A parameter twice.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// An address without a token that says whose it is.
    #[error("post_logout_redirect_uri needs an id_token_hint")]
    HintMissing,
    /// A token that isn't one of ours.
    #[error("id_token_hint {0}")]
    Hint(&'static str),
    /// A client that isn't known.
    #[error("client_id names no client")]
    UnknownClient,
    /// An address that isn't registered.
    #[error("post_logout_redirect_uri is not one of those registered")]
    RedirectUri,
    /// The form doesn't come from the page that was shown.
    #[error("the form doesn't come from the page that was shown")]
    FormRejected,
    /// Something of ours failed.
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<StoreError> for EndSessionError {
    fn from(error: StoreError) -> Self {
        Self::Failure(error.into())
    }
}

/// What the steps of an authorization say of their failures; there is no flow here that could be at fault.
impl From<AuthorizeError> for EndSessionError {
    fn from(error: AuthorizeError) -> Self {
        match error {
            AuthorizeError::Failure(failure) => failure.into(),
            AuthorizeError::Untrusted(_)
            | AuthorizeError::FlowUnknown
            | AuthorizeError::FlowFinished
            | AuthorizeError::OtherBrowser
            | AuthorizeError::FormRejected => Self::FormRejected,
        }
    }
}

/// A logout request that can be used.
#[derive(Clone, Debug)]
pub struct EndSession {
    /// The request.
    pub request: EndSessionRequest,
    /// Who asks, as far as is known.
    pub client: Option<Arc<ReadyClient>>,
    /// Where the browser goes then: registered, and asked for by the client.
    return_to: Option<RedirectUri>,
    hint: Option<Hint>,
}

impl EndSession {
    /// Where the browser goes once the person is signed out, without `state`.
    pub fn return_to(&self) -> Option<&RedirectUri> {
        self.return_to.as_ref()
    }

    /// The same with `state` (§3).
    pub fn location(&self) -> Option<String> {
        let state = self.request.state.as_deref().map(|state| ("state", state));
        Some(self.return_to.as_ref()?.with_parameters(state))
    }
}

/// What an ID token says of the session that it was issued in.
#[derive(Clone, Debug, Deserialize)]
struct Hint {
    iss: String,
    sub: String,
    aud: Audience,
    #[serde(default)]
    sid: Option<SessionId>,
}

/// Whose session is to end.
#[derive(Clone, Copy, Debug)]
pub enum Whom<'a> {
    /// Nobody is signed in on this browser.
    Nobody,
    /// This account.
    One(&'a Session),
    /// One of several, or all of them: the person is asked. Perhaps this one.
    Several(Option<SessionId>),
}

/// Reads a logout request. A refusal of a client that is known is in the audit log, here as in [`check`].
pub async fn parse(
    ctx: &Ctx,
    tenant: &Tenant,
    caller: &Caller,
    parameters: &Parameters,
) -> Result<EndSessionRequest, EndSessionError> {
    match EndSessionRequest::parse(parameters) {
        Ok(request) => Ok(request),
        Err(error) => Err(refuse(ctx, tenant, caller, parameters, error.into()).await),
    }
}

/// Takes a logout request in.
pub async fn check(
    ctx: &Ctx,
    tenant: &Tenant,
    caller: &Caller,
    parameters: &Parameters,
) -> Result<EndSession, EndSessionError> {
    let request = parse(ctx, tenant, caller, parameters).await?;
    match read(ctx, tenant, &request).await {
        Ok(Read { client, hint, return_to }) => Ok(EndSession { request, client, return_to, hint }),
        Err(EndSessionError::Failure(failure)) => Err(failure.into()),
        Err(error) => Err(refuse(ctx, tenant, caller, parameters, error).await),
    }
}

/// Notes the refusal of a request where it is known whose it is, and gives it back.
async fn refuse(
    ctx: &Ctx,
    tenant: &Tenant,
    caller: &Caller,
    parameters: &Parameters,
    error: EndSessionError,
) -> EndSessionError {
    match who_asks(ctx, tenant, parameters).await {
        Ok(Some(client)) => note_refusal(ctx, tenant, caller, (Some(&client), None), error).await,
        Ok(None) => error,
        Err(failure) => failure.into(),
    }
}

/// The client that a refused request comes from, as far as that is known: the one that its hint was issued to, or else
/// the one that it names.
async fn who_asks(ctx: &Ctx, tenant: &Tenant, parameters: &Parameters) -> Result<Option<ClientId>, Failure> {
    let one = |name| parameters.optional(name).ok().flatten();
    if let Some(token) = one("id_token_hint")
        && let Some(hint) = issued_hint(ctx, tenant, token).await?
    {
        return Ok(hint.aud.iter().next().and_then(|id| id.parse().ok()));
    }
    let Some(id) = one("client_id").and_then(|id| id.parse::<ClientId>().ok()) else { return Ok(None) };
    match clients::known(ctx, tenant.id, &id).await {
        Ok(_) => Ok(Some(id)),
        Err(ClientLookupError::Unknown) => Ok(None),
        Err(ClientLookupError::Failure(failure)) => Err(failure),
    }
}

/// Refuses a form that wasn't shown like this. It is in the audit log, of the client that asks and of the person who is
/// signed in, as far as there are such.
pub async fn reject_form(
    ctx: &Ctx,
    tenant: &Tenant,
    caller: &Caller,
    end: &EndSession,
    accounts: &Accounts,
) -> EndSessionError {
    let client = end.client.as_ref().map(|client| &client.id);
    let user = accounts.sessions().next().map(|session| session.user_id);
    if client.is_none() && user.is_none() {
        return EndSessionError::FormRejected;
    }
    note_refusal(ctx, tenant, caller, (client, user), EndSessionError::FormRejected).await
}

/// Notes a refusal, and gives it back.
async fn note_refusal(
    ctx: &Ctx,
    tenant: &Tenant,
    caller: &Caller,
    (client, user): (Option<&ClientId>, Option<UserId>),
    error: EndSessionError,
) -> EndSessionError {
    let event = audit::event(ctx, AuditKind::LogoutRefused, Outcome::Refused).from(caller);
    let event = client.into_iter().fold(event, audit::AuditBuilder::client);
    let event = user.into_iter().fold(event, audit::AuditBuilder::user);
    match audit::append(ctx, tenant.id, event.detail(serde_json::json!({ "reason": error.to_string() }))).await {
        Ok(()) => error,
        Err(failure) => failure.into(),
    }
}

/// What a request comes to that can be used.
struct Read {
    client: Option<Arc<ReadyClient>>,
    hint: Option<Hint>,
    return_to: Option<RedirectUri>,
}

async fn read(ctx: &Ctx, tenant: &Tenant, request: &EndSessionRequest) -> Result<Read, EndSessionError> {
    let (client, hint) = match &request.id_token_hint {
        Some(token) => {
            let (client, hint) = read_hint(ctx, tenant, token, request.client_id.as_deref()).await?;
            (Some(client), Some(hint))
        }
        None if request.post_logout_redirect_uri.is_some() => return Err(EndSessionError::HintMissing),
        None => match &request.client_id {
            Some(id) => (Some(known_client(ctx, tenant, id, EndSessionError::UnknownClient).await?), None),
            None => (None, None),
        },
    };
    let return_to = match (&request.post_logout_redirect_uri, &client) {
        (Some(uri), Some(client)) => {
            let registered = client.metadata.post_logout_redirect_uris.iter().find(|known| known.as_str() == uri);
            Some(registered.ok_or(EndSessionError::RedirectUri)?.clone())
        }
        (Some(_), None) => return Err(EndSessionError::HintMissing),
        (None, _) => None,
    };
    Ok(Read { client, hint, return_to })
}

/// An ID token of ours, expired or not, and the client that it was issued to.
async fn read_hint(
    ctx: &Ctx,
    tenant: &Tenant,
    token: &str,
    client_id: Option<&str>,
) -> Result<(Arc<ReadyClient>, Hint), EndSessionError> {
    let hint = issued_hint(ctx, tenant, token).await?;
    let hint = hint.ok_or(EndSessionError::Hint("is not an ID token of this issuer"))?;
    let audience = match client_id {
        Some(id) if hint.aud.contains(id) => id,
        Some(_) => return Err(EndSessionError::Hint("was not issued to the client that client_id names")),
        None => hint.aud.iter().next().unwrap_or_default(),
    };
    let gone = EndSessionError::Hint("was issued to a client that was deleted or disabled");
    let client = known_client(ctx, tenant, audience, gone).await?;
    Ok((client, hint))
}

/// What an ID token says, if it is one of ours.
async fn issued_hint(ctx: &Ctx, tenant: &Tenant, token: &str) -> Result<Option<Hint>, Failure> {
    let Some(verified) = key_rings::id_token_hint(ctx, tenant.id, token).await? else { return Ok(None) };
    Ok(verified.claims::<Hint>().ok().filter(|hint| hint.iss == tenant.issuer.as_str()))
}

async fn known_client(
    ctx: &Ctx,
    tenant: &Tenant,
    id: &str,
    otherwise: EndSessionError,
) -> Result<Arc<ReadyClient>, EndSessionError> {
    let Ok(id) = id.parse::<ClientId>() else { return Err(otherwise) };
    clients::active(ctx, tenant.id, &id).await.map_err(|error| match error {
        ClientLookupError::Unknown => otherwise,
        ClientLookupError::Failure(failure) => failure.into(),
    })
}

/// Whose session is to end: the one that the token was issued in, or else that of the person whom it names, or else the
/// only one that there is.
pub async fn whom<'a>(
    ctx: &Ctx,
    tenant: &Tenant,
    end: &EndSession,
    accounts: &'a Accounts,
) -> Result<Whom<'a>, EndSessionError> {
    if let (Some(hint), Some(client)) = (&end.hint, &end.client) {
        if let Some(session) = hint.sid.and_then(|sid| accounts.of_session(sid)) {
            return Ok(Whom::One(session));
        }
        for session in accounts.sessions() {
            if subject_identifier::of(ctx, tenant.id, client, session.user_id).await? == hint.sub {
                return Ok(Whom::One(session));
            }
        }
    }
    let mut sessions = accounts.sessions();
    Ok(match (sessions.next(), sessions.next()) {
        (None, _) => Whom::Nobody,
        (Some(session), None) => Whom::One(session),
        (Some(_), Some(_)) => Whom::Several(suggested(ctx, tenant, end, accounts).await?),
    })
}

/// The account that `logout_hint` names: by session, or by what the person signs in with.
async fn suggested(
    ctx: &Ctx,
    tenant: &Tenant,
    end: &EndSession,
    accounts: &Accounts,
) -> Result<Option<SessionId>, EndSessionError> {
    let Some(hint) = end.request.logout_hint.as_deref() else { return Ok(None) };
    if let Some(session) = hint.parse().ok().and_then(|sid| accounts.of_session(sid)) {
        return Ok(Some(session.id));
    }
    let user = store::users::find_by_login(ctx.database.read(), tenant.id, &LoginName::new(hint)).await?;
    Ok(user.and_then(|user| accounts.of_user(user.id)).map(|session| session.id))
}

/// What a browser shows in a frame, so that a client hears of the logout there (OpenID Connect Front-Channel Logout §3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoutFrame {
    /// Whose it is, for people.
    pub client: String,
    /// What is shown: the client's address with exactly `iss` and `sid` added.
    pub address: String,
    /// Where that is.
    pub uri: RedirectUri,
}

/// Ends these sessions; what the browser has to show then.
pub async fn end(
    ctx: &Ctx,
    tenant: &Tenant,
    caller: &Caller,
    sessions: impl IntoIterator<Item = SessionId>,
) -> Result<Vec<LogoutFrame>, Failure> {
    let mut frames = Vec::new();
    for session in sessions {
        let ending = Ending::new(ctx, Which::One(session), EndReason::SignedOut).from(caller);
        for ended in ending::end(ctx, tenant.id, ending).await?.named {
            for client in &ended.clients {
                frames.extend(frame(ctx, tenant, client, ended.session.id).await?);
            }
        }
    }
    Ok(frames)
}

async fn frame(ctx: &Ctx, tenant: &Tenant, client: &ClientId, sid: SessionId) -> Result<Option<LogoutFrame>, Failure> {
    let client = match clients::active(ctx, tenant.id, client).await {
        Ok(client) => client,
        Err(ClientLookupError::Unknown) => return Ok(None),
        Err(ClientLookupError::Failure(failure)) => return Err(failure),
    };
    Ok(client.metadata.frontchannel_logout_uri.as_ref().map(|uri| LogoutFrame {
        client: client.name.clone(),
        address: uri.with_parameters([("iss", tenant.issuer.as_str()), ("sid", &sid.to_string())]),
        uri: uri.clone(),
    }))
}
