//! What an authorization request still needs. One function, [`decide`], which each page asks again on its way on.

use std::time::Duration;

use crate::domain::Timestamp;
use crate::domain::authorization_flow::AuthorizationFlow;
use crate::domain::authorization_request::{AuthorizationErrorCode, AuthorizationRequest, Prompt};
use crate::domain::client::{Client, ConsentPolicy};
use crate::domain::consent::Consent;
use crate::domain::session::Session;
use crate::service::authorize::hint::Named;
use crate::service::sessions::Accounts;

/// What a request still needs.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decision<'a> {
    /// Somebody must sign in.
    SignIn,
    /// Somebody must make an account.
    SignUp,
    /// The person must say which account.
    SelectAccount,
    /// This person must be asked.
    Consent(&'a Session),
    /// Nothing: this person's code can be given out.
    Grant(&'a Session),
    /// It can't be met.
    Refuse(AuthorizationErrorCode, &'static str),
}

/// How long who signed in at a request's own page is taken to be there still, if the request wants them to prove it anew.
const AT_THE_PAGE: Duration = Duration::from_mins(30);

/// Who is there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Presence<'a> {
    /// The accounts of the browser.
    pub(super) accounts: &'a Accounts,
    /// The flow, once there is one.
    pub(super) flow: Option<&'a AuthorizationFlow>,
    /// Whom the request names.
    pub(super) named: Named,
}

/// Who acts, as far as a request is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Actor<'a> {
    /// Nobody who could.
    Nobody,
    /// One of several, and nothing says which.
    Several,
    /// This person.
    One {
        /// Their session.
        session: &'a Session,
        /// Whether they proved who they are on this flow's own page.
        here: bool,
    },
    /// Somebody came forward who isn't the one that the request names.
    Stranger,
}

impl<'a> Presence<'a> {
    /// Who acts.
    pub(super) fn actor(self, request: &AuthorizationRequest) -> Actor<'a> {
        let one = |session| Actor::One { session, here: false };
        let chosen = self.flow.and_then(|flow| flow.chosen_session_id);
        if let Some(session) = chosen.and_then(|id| self.accounts.of_session(id)) {
            let here = self.flow.is_some_and(|flow| flow.session_id == chosen);
            return match self.named {
                Named::Only(only) if only != chosen => Actor::Stranger,
                Named::Only(_) | Named::Perhaps(_) | Named::Nobody => Actor::One { session, here },
            };
        }
        // Whoever is there isn't the one who is to get an account.
        if request.wants_account() {
            return Actor::Nobody;
        }
        if let Named::Only(only) = self.named {
            return only.and_then(|id| self.accounts.of_session(id)).map_or(Actor::Nobody, one);
        }
        let mut sessions = self.accounts.sessions();
        match (sessions.next(), sessions.next()) {
            (None, _) => Actor::Nobody,
            (Some(latest), _) if request.prompt.contains(&Prompt::None) => one(self.hinted().unwrap_or(latest)),
            _ if request.prompt.contains(&Prompt::SelectAccount) => Actor::Several,
            (Some(only), None) => one(only),
            (Some(_), Some(_)) => self.hinted().map_or(Actor::Several, one),
        }
    }

    fn hinted(self) -> Option<&'a Session> {
        match self.named {
            Named::Perhaps(id) => self.accounts.of_session(id),
            Named::Only(_) | Named::Nobody => None,
        }
    }
}

impl Actor<'_> {
    /// Whether this person's proof of identity is good enough for the request.
    pub(super) fn will_do(self, request: &AuthorizationRequest, now: Timestamp) -> bool {
        match self {
            Self::One { session, here } => {
                let just_now = session.auth_time <= now && now.since(session.auth_time) <= AT_THE_PAGE;
                here && just_now || request.accepts_earlier_authentication(session.auth_time, now)
            }
            Self::Nobody | Self::Several | Self::Stranger => false,
        }
    }
}

/// The page where somebody proves who they are, as this request wants it.
pub(super) fn first_page<'a>(request: &AuthorizationRequest) -> Decision<'a> {
    if request.wants_account() { Decision::SignUp } else { Decision::SignIn }
}

/// What a request still needs at `now`, given who is there and what they allowed before.
pub(super) fn decide<'a>(
    request: &AuthorizationRequest,
    client: &Client,
    now: Timestamp,
    presence: Presence<'a>,
    consent: Option<&Consent>,
) -> Decision<'a> {
    let silent = request.prompt.contains(&Prompt::None);
    let actor = presence.actor(request);
    let session = match actor {
        Actor::One { session, .. } if actor.will_do(request, now) => session,
        Actor::Several => return Decision::SelectAccount,
        Actor::Stranger => {
            return Decision::Refuse(
                AuthorizationErrorCode::LoginRequired,
                "somebody else signed in than the one whom the request names",
            );
        }
        Actor::Nobody | Actor::One { .. } if silent => {
            return Decision::Refuse(
                AuthorizationErrorCode::LoginRequired,
                "nobody is signed in who will do, and prompt=none forbids to ask",
            );
        }
        Actor::Nobody | Actor::One { .. } => return first_page(request),
    };
    // Any program on the device can listen on a loopback port or claim a private scheme, and a public client has no
    // secret to tell it from the one that was allowed: there the person is asked each time (RFC 8252 §8.6).
    let recognised = client.is_confidential() || request.redirect_uri.is_https();
    let remembered = recognised && consent.is_some_and(|consent| request.to_consent(client).is_subset(&consent.scope));
    let allowed = client.metadata.consent == ConsentPolicy::Implied || remembered;
    if allowed && !request.prompt.contains(&Prompt::Consent) {
        Decision::Grant(session)
    } else if silent {
        Decision::Refuse(
            AuthorizationErrorCode::ConsentRequired,
            "the user must consent, and prompt=none forbids to ask",
        )
    } else {
        Decision::Consent(session)
    }
}
