//! Sessions, and ending them: one, all of a person, all that a client was given, all there are.

use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};

use super::gate::{Gate, SessionsRead, SessionsWrite};
use super::model::{Session, SessionPart};
use super::{Group, clients, users};
use crate::domain::SessionId;
use crate::domain::session::EndReason;
use crate::http::api::answer::{Answer, Content, Done, Listed, Shown};
use crate::http::api::paging::Part;
use crate::http::api::refusal::{Refusal, Result};
use crate::service::issue;
use crate::service::sessions::ending::{self, Ended, Ending, Which};
use crate::service::sessions::{self, SessionFilter};

/// People signed in on devices.
#[derive(Debug)]
pub struct Sessions;

#[OpenApi(prefix_path = "/v1/admin", tag = "Group::Sessions")]
impl Sessions {
    /// List sessions
    ///
    /// Those that are live, the newest first. Scope: `admin:sessions:read`.
    #[oai(path = "/sessions", method = "get", operation_id = "listSessions")]
    async fn list(
        &self,
        gate: Gate<SessionsRead>,
        /// Only those of this user.
        user_id: Query<Option<String>>,
        /// Only those in which this client was given something that it still has.
        client_id: Query<Option<String>>,
        /// Only the one that a person's access token of this `jti` was given in.
        jti: Query<Option<String>>,
        /// How many, 1 to 200; 50 unless given.
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<Option<u16>>,
        /// `next_cursor` of the part before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<SessionPart>> {
        let part = Part::new(limit.0, cursor.0.as_deref());
        let of = (user_id.0.as_deref(), client_id.0.as_deref(), jti.0.as_deref());
        Answer::new(list(&gate, of, part).await)
    }

    /// Show a session
    ///
    /// One that has ended isn't there. Scope: `admin:sessions:read`.
    #[oai(path = "/sessions/:session_id", method = "get", operation_id = "getSession")]
    async fn show(
        &self,
        gate: Gate<SessionsRead>,
        /// The session's id.
        session_id: Path<String>,
    ) -> Answer<Shown<Session>> {
        Answer::new(show(&gate, &session_id).await)
    }

    /// End a session
    ///
    /// What was given in it ends with it, but for what outlives sessions (`offline_access`). Scope: `admin:sessions:write`.
    #[oai(path = "/sessions/:session_id", method = "delete", operation_id = "endSession")]
    async fn end(
        &self,
        gate: Gate<SessionsWrite>,
        /// The session's id.
        session_id: Path<String>,
    ) -> Answer<Done> {
        Answer::new(end(&gate, &session_id).await)
    }

    /// End all sessions of a user
    ///
    /// With all that they ever gave, also what outlives sessions. Scope: `admin:sessions:write`.
    #[oai(path = "/users/:user_id/sessions", method = "delete", operation_id = "endSessionsOfUser")]
    async fn end_of_user(
        &self,
        gate: Gate<SessionsWrite>,
        /// The user's id.
        user_id: Path<String>,
    ) -> Answer<Done> {
        Answer::new(end_of_user(&gate, &user_id).await)
    }

    /// End all that a client was given
    ///
    /// All of its tokens, also those for itself. People's sessions go on. Scope: `admin:sessions:write`.
    #[oai(path = "/clients/:client_id/grants", method = "delete", operation_id = "endGrantsOfClient")]
    async fn end_of_client(
        &self,
        gate: Gate<SessionsWrite>,
        /// The client's id.
        client_id: Path<String>,
    ) -> Answer<Done> {
        Answer::new(end_of_client(&gate, &client_id).await)
    }

    /// End everything
    ///
    /// A lock-down: all sessions of the tenant and all tokens, those of services and the one that this is asked with
    /// too. It holds at once, however many there are. Scope: `admin:sessions:write`.
    #[oai(path = "/lock-down", method = "post", operation_id = "lockDown")]
    async fn lock_down(&self, gate: Gate<SessionsWrite>) -> Answer<Done> {
        Answer::new(stop(&gate, Which::OfTenant, EndReason::LockDown).await.map(|_| Content::default()))
    }
}

fn id(text: &str) -> Result<SessionId> {
    text.parse().map_err(|_| unknown())
}

fn unknown() -> Refusal {
    Refusal::not_found("there is no such session, or it has ended")
}

async fn list(
    gate: &Gate<SessionsRead>,
    (user, client, jti): (Option<&str>, Option<&str>, Option<&str>),
    part: Result<Part<SessionId>>,
) -> Result<Content> {
    let part = part?;
    let no_grant = || Refusal::bad_request(format!("jti: {}", issue::NAMES_NO_GRANT));
    let grant = jti.map(|jti| issue::grant_of_jti(jti).ok_or_else(no_grant)).transpose()?;
    let user = match user {
        Some(user) => Some(users::find(gate, user).await?.id),
        None => None,
    };
    let client = match client {
        Some(client) => Some(clients::find(gate, client).await?.id),
        None => None,
    };
    let filter = SessionFilter { user, client, grant, ..SessionFilter::default() };
    let found = sessions::list(&gate.ctx, gate.tenant_id(), &filter, part.after, part.reads()).await?;
    let (shown, next_cursor) = part.shows(found, |session| session.id.to_string());
    Ok(Content::json(&SessionPart { items: shown.iter().map(Session::from).collect(), next_cursor }))
}

async fn show(gate: &Gate<SessionsRead>, text: &str) -> Result<Content> {
    let found = sessions::find(&gate.ctx, gate.tenant_id(), id(text)?).await?;
    let session = found.ok_or_else(unknown)?;
    Ok(Content::json(&Session::from(&session)).version(session.last_seen_at))
}

async fn stop(gate: &Gate<SessionsWrite>, which: Which, reason: EndReason) -> Result<Ended> {
    let ending = Ending::new(&gate.ctx, which, reason).by(&gate.admitted.actor);
    Ok(ending::end(&gate.ctx, gate.tenant_id(), ending).await?)
}

async fn end(gate: &Gate<SessionsWrite>, text: &str) -> Result<Content> {
    let ended = stop(gate, Which::One(id(text)?), EndReason::Revoked).await?;
    if ended.sessions == 0 { Err(unknown()) } else { Ok(Content::default()) }
}

async fn end_of_user(gate: &Gate<SessionsWrite>, text: &str) -> Result<Content> {
    let user = users::find(gate, text).await?.id;
    stop(gate, Which::OfUser(user), EndReason::Revoked).await?;
    Ok(Content::default())
}

async fn end_of_client(gate: &Gate<SessionsWrite>, text: &str) -> Result<Content> {
    let client = clients::find(gate, text).await?.id;
    stop(gate, Which::OfClient(client), EndReason::Revoked).await?;
    Ok(Content::default())
}
