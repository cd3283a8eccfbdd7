//! `/v1/auth`: people sign in and up in the tenant's own apps, see their sessions and end them.

use std::sync::Arc;

use poem::Request;
use poem::http::{StatusCode, header};
use poem_openapi::param::{Path, Query};
use poem_openapi::{OpenApi, Tags};

use super::bearer::{self, Bearer, Own as Owner};
use super::model::{AppConfig, Credentials, NewAccount, OwnSession, OwnSessions, Person, Presented, SessionTokens};
use super::{cookie, refusal};
use crate::domain::audit::AuditKind;
use crate::domain::client::Client;
use crate::domain::session::Session;
use crate::domain::sign_up::Typed;
use crate::domain::user::LoginName;
use crate::domain::{Secret, SessionId};
use crate::http::api::answer::{Answer, Content, Ended, Own, Public, Refreshed, SignedIn, SignedOut, SignedUp};
use crate::http::api::body::{Body, Optional};
use crate::http::api::paging::{self, Part};
use crate::http::api::refusal::{Refusal, Result};
use crate::http::extract::visit::Call;
use crate::service::clients::ReadyClient;
use crate::service::first_party::{self, AppError, Opened};
use crate::service::sessions::{self, policy};
use crate::service::sign_up::{self, SignUpError};
use crate::service::token::Tokens;
use crate::service::token::refresh_token::{self, RefreshPresentation};
use crate::service::users;

/// The first-party API.
#[derive(Debug)]
pub struct FirstParty;

/// How the endpoints are grouped in the document.
#[derive(Tags)]
enum Group {
    /// For one's own apps: people sign in and up in the app itself.
    FirstParty,
}

#[OpenApi(prefix_path = "/v1/auth", tag = "Group::FirstParty")]
impl FirstParty {
    /// Make an account and sign in
    ///
    /// Where the tenant takes sign-ups. An address that is taken answers 409.
    #[oai(path = "/register", method = "post", operation_id = "register")]
    async fn register(&self, call: Call, request: &Request, body: Body<NewAccount>) -> Answer<SignedUp<SessionTokens>> {
        Answer::new(register(&call, request, body.read).await)
    }

    /// Make an account and sign in, under its other name
    #[oai(path = "/signup", method = "post", operation_id = "signUp")]
    async fn signup(&self, call: Call, request: &Request, body: Body<NewAccount>) -> Answer<SignedUp<SessionTokens>> {
        Answer::new(register(&call, request, body.read).await)
    }

    /// Sign in
    ///
    /// By e-mail address or user name, and password. A person has so many sessions at most; for one more the oldest ends.
    #[oai(path = "/login", method = "post", operation_id = "login")]
    async fn login(&self, call: Call, request: &Request, body: Body<Credentials>) -> Answer<SignedIn<SessionTokens>> {
        Answer::new(login(&call, request, body.read).await)
    }

    /// Go on with a session
    ///
    /// The refresh token is good once; the answer has the next one. It counts as a use of the session.
    #[oai(path = "/refresh", method = "post", operation_id = "refresh")]
    async fn refresh(
        &self,
        call: Call,
        request: &Request,
        body: Body<Presented, Optional>,
    ) -> Answer<Refreshed<SessionTokens>> {
        Answer::new(refresh(&call, request, body.read).await)
    }

    /// Sign out
    ///
    /// Ends the session of the access token in the header or, without one that holds, of the refresh token. A refresh token
    /// that is over leaves nothing to do.
    #[oai(path = "/logout", method = "post", operation_id = "logout")]
    async fn logout(&self, call: Call, request: &Request, body: Body<Presented, Optional>) -> Answer<SignedOut> {
        Answer::new(logout(call, request, body.read).await)
    }

    /// Say that the session is used
    ///
    /// Its time of rest begins anew. Calls with the access token alone don't count as a use.
    #[oai(path = "/activity", method = "post", operation_id = "activity")]
    async fn activity(&self, owner: Owner) -> Answer<Own<OwnSession>> {
        Answer::new(activity(&owner).await)
    }

    /// Who is signed in
    #[oai(path = "/me", method = "get", operation_id = "me")]
    async fn me(&self, owner: Owner) -> Answer<Own<Person>> {
        Answer::new(me(&owner).await)
    }

    /// The session that asks
    #[oai(path = "/session", method = "get", operation_id = "currentSession")]
    async fn session(&self, owner: Owner) -> Answer<Own<OwnSession>> {
        Answer::new(session(&owner).await)
    }

    /// The person's live sessions
    ///
    /// In apps and in browsers: the one that asks, then the others, the newest first.
    #[oai(path = "/sessions", method = "get", operation_id = "ownSessions")]
    async fn sessions(
        &self,
        owner: Owner,
        /// How many, 1 to 200; 200 unless given.
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<Option<u16>>,
        /// `next_cursor` of the part before.
        cursor: Query<Option<String>>,
    ) -> Answer<Own<OwnSessions>> {
        Answer::new(sessions(&owner, Part::new(limit.0.or(Some(paging::MOST)), cursor.0.as_deref())).await)
    }

    /// End all of the person's sessions
    ///
    /// This one included, with all that they gave to any client.
    #[oai(path = "/sessions/all", method = "delete", operation_id = "endAllOwnSessions")]
    async fn end_all(&self, owner: Owner) -> Answer<SignedOut> {
        Answer::new(end_all(&owner).await)
    }

    /// End the person's other sessions
    ///
    /// This one goes on. What clients got for longer than a session, they keep.
    #[oai(path = "/sessions/others", method = "delete", operation_id = "endOtherOwnSessions")]
    async fn end_others(&self, owner: Owner) -> Answer<Ended> {
        Answer::new(end_others(&owner).await)
    }

    /// End one of the person's sessions
    #[oai(path = "/sessions/:session_id", method = "delete", operation_id = "endOwnSession")]
    async fn end_one(
        &self,
        owner: Owner,
        /// The session's id.
        session_id: Path<String>,
    ) -> Answer<SignedOut> {
        Answer::new(end_one(&owner, &session_id).await)
    }

    /// What an app has to know
    #[oai(path = "/config", method = "get", operation_id = "appConfig")]
    #[expect(clippy::unused_async, reason = "the framework wants it so")]
    async fn config(&self, call: Call) -> Answer<Public<AppConfig>> {
        Answer::new(Ok(Content::json(&AppConfig::from(call.tenant()))))
    }
}

/// The app that a request names; that a client which exists is none is in the audit log.
async fn app(call: &Call, id: Option<&str>, kind: AuditKind) -> Result<Arc<ReadyClient>> {
    match first_party::app(&call.ctx, call.tenant(), id).await {
        Ok(app) => Ok(app),
        Err(error) => {
            if let AppError::Foreign(client) = &error {
                let refused = (kind, "unauthorized_client");
                first_party::note_refusal(&call.ctx, call.tenant_id(), &call.caller, client, refused).await?;
            }
            Err(error.into())
        }
    }
}

async fn register(call: &Call, request: &Request, body: NewAccount) -> Result<Content> {
    let client = app(call, body.client_id.as_deref(), AuditKind::UserCreated).await?;
    let by_cookie = body.cookie == Some(true);
    if by_cookie {
        check_origin(call, request, &client, AuditKind::UserCreated).await?;
    }
    let typed = Typed { email: Some(&body.email.0), name: body.name.as_deref(), password: Some(&body.password.0) };
    let opened = match sign_up::read(call.tenant(), typed) {
        Ok(account) => first_party::sign_up(&call.ctx, call.tenant(), &call.caller, &client, account).await,
        Err(faults) => Err(SignUpError::Faults(faults)),
    };
    match opened {
        Ok(opened) => Ok(answer(call, &client, opened, by_cookie)),
        Err(error) => {
            let code = refusal::sign_up_code(&error);
            let refusal = refusal::sign_up(error, call.ctx.now());
            Err(noted(call, &client, (AuditKind::UserCreated, code), refusal).await)
        }
    }
}

async fn login(call: &Call, request: &Request, body: Credentials) -> Result<Content> {
    let client = app(call, body.client_id.as_deref(), AuditKind::SignIn).await?;
    let by_cookie = body.cookie == Some(true);
    if by_cookie {
        check_origin(call, request, &client, AuditKind::SignIn).await?;
    }
    let credentials = (LoginName::new(&body.email), Secret::new(body.password.0));
    let scope = &client.metadata.scope;
    let opened = first_party::sign_in(&call.ctx, call.tenant(), &call.caller, &client, credentials, scope).await;
    Ok(answer(call, &client, opened.map_err(|error| refusal::sign_in(&error, call.ctx.now()))?, by_cookie))
}

fn answer(call: &Call, app: &Client, opened: Opened, by_cookie: bool) -> Content {
    respond(call, app, (opened.tokens, Some(Person::from(&opened.user))), by_cookie)
}

/// Tokens, the refresh token among them or as a cookie.
fn respond(call: &Call, app: &Client, (tokens, user): (Tokens, Option<Person>), by_cookie: bool) -> Content {
    let Tokens { access_token, id_token, refresh_token } = tokens;
    let rest = policy::of_first_party(&call.tenant().settings).refresh_token_lifetime.as_secs();
    let cookie = refresh_token.as_ref().filter(|_| by_cookie).map(|token| cookie::set(&call.site, app, token, rest));
    let body = SessionTokens {
        token: access_token.jwt.clone(),
        access_token: access_token.jwt,
        token_type: "Bearer".to_owned(),
        expires_in: access_token.lifetime.as_secs(),
        scope: access_token.scope.to_string(),
        refresh_token: refresh_token.filter(|_| !by_cookie).map(|token| token.expose().to_owned()),
        id_token,
        user,
    };
    Content::json(&body).cookie(cookie)
}

/// Lets a request through that may rely on the cookie; that one may not is in the audit log.
async fn check_origin(call: &Call, request: &Request, app: &Client, kind: AuditKind) -> Result<()> {
    match cookie::check(request, &call.site, app) {
        Ok(()) => Ok(()),
        Err(refusal) => Err(noted(call, app, (kind, Some("wrong_origin")), refusal).await),
    }
}

/// A refusal of an app that is known, in the audit log too where a word for it is given.
async fn noted(call: &Call, app: &Client, (kind, code): (AuditKind, Option<&str>), refusal: Refusal) -> Refusal {
    let Some(code) = code else { return refusal };
    let noted = first_party::note_refusal(&call.ctx, call.tenant_id(), &call.caller, &app.id, (kind, code)).await;
    noted.map_or_else(Refusal::from, |()| refusal)
}

/// The refresh token of a request, and whether it came as a cookie.
fn presented(call: &Call, request: &Request, app: &Client, body: &Presented) -> Option<(Secret, bool)> {
    match &body.refresh_token {
        Some(token) => Some((Secret::new(&token.0), false)),
        None => cookie::read(request, &call.site, app).map(|token| (token, true)),
    }
}

async fn refresh(call: &Call, request: &Request, body: Presented) -> Result<Content> {
    let client = app(call, body.client_id.as_deref(), AuditKind::TokenRefused).await?;
    let Some((token, by_cookie)) = presented(call, request, &client, &body) else {
        let refusal = Refusal::bad_request("a refresh token is needed, as refresh_token or as a cookie");
        return Err(noted(call, &client, (AuditKind::TokenRefused, Some("invalid_request")), refusal).await);
    };
    if by_cookie {
        check_origin(call, request, &client, AuditKind::TokenRefused).await?;
    }
    let presented = RefreshPresentation { token, scope: None };
    match refresh_token::grant(&call.ctx, call.tenant(), &client, &call.caller, presented).await {
        Ok(tokens) => Ok(respond(call, &client, (tokens, None), by_cookie)),
        Err(error) => {
            let code = refusal::refresh_code(&error);
            Err(noted(call, &client, (AuditKind::TokenRefused, code), refusal::refresh(error)).await)
        }
    }
}

async fn logout(call: Call, request: &Request, body: Presented) -> Result<Content> {
    let mut refused = Refusal::new(StatusCode::UNAUTHORIZED, "an access token or a refresh token is needed");
    if request.headers().contains_key(header::AUTHORIZATION) {
        match Bearer::of(call.clone(), request).await {
            Ok(Bearer::Own(owner)) => {
                first_party::leave(&owner.ctx, owner.tenant(), &owner.caller, &owner.subject.live).await?;
                return Ok(signed_out(&owner, &owner.subject.client));
            }
            Err(refusal) if !refusal.is_unauthorized() => return Err(refusal),
            // An access token soon expires. Whoever signs out then has the refresh token to show which session it is.
            Err(refusal) => refused = refusal,
            Ok(Bearer::Other(..)) => refused = bearer::invalid(),
        }
    }
    let client = app(&call, body.client_id.as_deref(), AuditKind::SessionEnded).await?;
    let Some((token, by_cookie)) = presented(&call, request, &client, &body) else {
        return Err(noted(&call, &client, (AuditKind::SessionEnded, Some("invalid_request")), refused).await);
    };
    if by_cookie {
        check_origin(&call, request, &client, AuditKind::SessionEnded).await?;
    }
    first_party::sign_out(&call.ctx, call.tenant(), &call.caller, &client, &token).await?;
    Ok(signed_out(&call, &client))
}

/// Nothing to say, and the app's cookie goes.
fn signed_out(call: &Call, app: &Client) -> Content {
    Content::default().cookie(Some(cookie::clear(&call.site, app)))
}

async fn activity(owner: &Owner) -> Result<Content> {
    let session = first_party::active(&owner.ctx, owner.tenant(), owner.session.id).await?;
    shown(owner, session)
}

/// What is kept ready doesn't know of their last activity.
async fn me(owner: &Owner) -> Result<Content> {
    let mut user = owner.subject.live.user.clone();
    users::see_last_activity(&owner.ctx, owner.tenant().id, std::slice::from_mut(&mut user)).await?;
    Ok(Content::json(&Person::from(&user)))
}

/// As it is now: what is kept ready doesn't know when it was last used.
async fn session(owner: &Owner) -> Result<Content> {
    shown(owner, sessions::find(&owner.ctx, owner.tenant().id, owner.session.id).await?)
}

fn shown(owner: &Owner, session: Option<Session>) -> Result<Content> {
    let session = session.ok_or_else(|| Refusal::new(StatusCode::UNAUTHORIZED, "the session has ended"))?;
    Ok(Content::json(&OwnSession::new(&session, &owner.session)))
}

async fn sessions(owner: &Owner, part: Result<Part<SessionId>>) -> Result<Content> {
    let part = part?;
    let found = sessions::of_person(&owner.ctx, owner.tenant().id, &owner.session, part.after, part.reads()).await?;
    let (shown, next_cursor) = part.shows(found, |session| session.id.to_string());
    let sessions = shown.iter().map(|session| OwnSession::new(session, &owner.session)).collect();
    Ok(Content::json(&OwnSessions { sessions, next_cursor }))
}

async fn end_all(owner: &Owner) -> Result<Content> {
    first_party::end_all(&owner.ctx, owner.tenant(), &owner.caller, &owner.subject).await?;
    Ok(signed_out(owner, &owner.subject.client))
}

async fn end_others(owner: &Owner) -> Result<Content> {
    let own = (&*owner.subject, owner.session.id);
    first_party::end_others(&owner.ctx, owner.tenant(), &owner.caller, own).await?;
    Ok(Content::default())
}

async fn end_one(owner: &Owner, text: &str) -> Result<Content> {
    let unknown = || Refusal::not_found("there is no such session");
    let id = text.parse().map_err(|_| unknown())?;
    let own = (&*owner.subject, id);
    let ended = first_party::end_one(&owner.ctx, owner.tenant(), &owner.caller, own).await?;
    match ended {
        true if id == owner.session.id => Ok(signed_out(owner, &owner.subject.client)),
        true => Ok(Content::default()),
        false => Err(unknown()),
    }
}
