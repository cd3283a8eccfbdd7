//! Audit events: every authentication, every refusal, every change of rights.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ids::AuditEventId;
use super::{ClientId, Timestamp, UserId};

/// A line in the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    /// Its identifier; in order of time.
    pub id: AuditEventId,
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: AuditKind,
    /// How it ended.
    pub outcome: Outcome,
    /// Who did it, if not the user itself: an administrator or the command line.
    pub actor: Option<String>,
    /// The user concerned.
    pub user_id: Option<UserId>,
    /// The client concerned.
    pub client_id: Option<ClientId>,
    /// The network address that it came from.
    pub address: Option<String>,
    /// More, by kind. Never a secret.
    pub detail: serde_json::Value,
}

/// A hash in the chain of the audit log: SHA-256.
pub type Digest = [u8; 32];

/// How an event ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was done.
    Success,
    /// It was refused by a rule.
    Refused,
    /// It went wrong.
    Failed,
}

impl Outcome {
    /// Its name in the log and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }

    /// The end of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Success, Self::Refused, Self::Failed].into_iter().find(|outcome| outcome.as_str() == name)
    }
}

macro_rules! audit_kinds {
    ($($(#[$doc:meta])* $variant:ident = $text:literal),+ $(,)?) => {
        /// What happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum AuditKind { $($(#[$doc])* $variant),+ }

        impl AuditKind {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its name in the log and in the database.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The kind of that name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

audit_kinds! {
    /// A person signed in, or tried to.
    SignIn = "user.sign_in",
    /// A session was ended.
    SessionEnded = "session.ended",
    /// A client was refused to have its user signed out.
    LogoutRefused = "logout.refused",
    /// Several sessions, or all that a client was given, were ended.
    SessionsEnded = "sessions.ended",
    /// A user was made.
    UserCreated = "user.created",
    /// Names, roles or claims of a user were changed.
    UserChanged = "user.changed",
    /// A user was deleted.
    UserDeleted = "user.deleted",
    /// A user was enabled, disabled or locked.
    UserStatusChanged = "user.status_changed",
    /// A password was set.
    PasswordChanged = "user.password_changed",
    /// A person answered a consent page.
    Consent = "consent.answered",
    /// A consent was taken back, and with it what came of it.
    ConsentWithdrawn = "consent.withdrawn",
    /// Somebody who is known, by an access token that holds or by a session, was refused at a resource of ours.
    AccessRefused = "access.refused",
    /// A client's authorization request was refused.
    AuthorizationRefused = "authorization.refused",
    /// An authorization code was issued.
    CodeIssued = "code.issued",
    /// A code was redeemed, or presented again.
    CodeRedeemed = "code.redeemed",
    /// A refresh token was used.
    TokenRefreshed = "token.refreshed",
    /// A client that proved itself was given no tokens.
    TokenRefused = "token.refused",
    /// A client gave a token back, or was refused that.
    TokenRevoked = "token.revoked",
    /// A client was refused to ask what a token is worth.
    IntrospectionRefused = "introspection.refused",
    /// A client failed to prove itself.
    ClientAuthentication = "client.authentication",
    /// A client was made.
    ClientCreated = "client.created",
    /// A client was changed, enabled, disabled or given a new secret.
    ClientChanged = "client.changed",
    /// A client was deleted.
    ClientDeleted = "client.deleted",
    /// Logout tokens that a client hadn't taken are sent again.
    LogoutTokensReplayed = "client.logout_tokens_replayed",
    /// A signing key changed its state.
    KeyChanged = "key.changed",
    /// An address that is told of events was made, changed, given a new secret, deleted, or told again.
    WebhookChanged = "webhook.changed",
    /// A tenant was made.
    TenantCreated = "tenant.created",
    /// A tenant was suspended, resumed or changed.
    TenantChanged = "tenant.changed",
}

impl fmt::Display for AuditKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
