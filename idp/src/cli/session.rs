//! `signet session`: who is signed in where, and ending that.

use super::console::Console;
use super::exit::{CliError, Exit};
use super::options::{Common, Page};
use super::place::{self, Administration, End, Place, Signed};
use super::record::{self, Record};
use crate::domain::ClientId;
use crate::http::admin::model::Session;

/// Verbs of `signet session`.
#[derive(Clone, Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// List the sessions that are live, the newest first
    List {
        /// Only those of a user: e-mail address, user name or id
        #[arg(long, value_name = "USER")]
        user: Option<String>,
        /// Only those in which a client was given something
        #[arg(long, value_name = "CLIENT_ID")]
        client: Option<ClientId>,
        #[command(flatten)]
        page: Page,
        #[command(flatten)]
        place: Place,
    },
    /// Show one
    #[command(group = clap::ArgGroup::new("which").required(true))]
    Show {
        /// Its id, the sid of its tokens
        #[arg(group = "which")]
        session_id: Option<String>,
        /// The one that a person's access token was given in, by the jti of that
        #[arg(long, value_name = "JTI", group = "which")]
        jti: Option<String>,
        #[command(flatten)]
        place: Place,
    },
    /// End one, or many at once
    #[command(group = clap::ArgGroup::new("what").required(true))]
    End {
        /// Id of a session
        #[arg(group = "what")]
        session_id: Option<String>,
        /// The one that a person's access token was given in, by the jti of that
        #[arg(long, value_name = "JTI", group = "what")]
        jti: Option<String>,
        /// All sessions of a user, with all that they gave: e-mail address, user name or id
        #[arg(long, value_name = "USER", group = "what")]
        user: Option<String>,
        /// All that a client was given; people stay signed in
        #[arg(long, value_name = "CLIENT_ID", group = "what")]
        client: Option<ClientId>,
        /// A lock-down: all sessions and all tokens of the tenant, services' too
        #[arg(long, group = "what")]
        all: bool,
        #[command(flatten)]
        place: Place,
    },
}

/// What a list shows.
const COLUMNS: [&str; 6] = ["session_id", "user_id", "browser", "system", "address", "last_seen_at"];

impl place::Verb for Verb {
    fn place(&self) -> &Place {
        match self {
            Self::List { place, .. } | Self::Show { place, .. } | Self::End { place, .. } => place,
        }
    }

    async fn answer(
        self,
        admin: &impl Administration,
        common: &Common,
        console: &mut Console<'_>,
    ) -> Result<Exit, CliError> {
        match self {
            Self::List { user, client, page, .. } => {
                let user = match user {
                    Some(user) => Some(admin.find_user(&user).await?.user_id.0),
                    None => None,
                };
                let of = Signed { user, client: client.map(|id| id.to_string()) };
                let read = async |after, limit| admin.list_sessions(&of, after, limit).await;
                let found = page.collect(|session: &Session| session.session_id.0.clone(), read).await?;
                let records: Vec<Record> = found.iter().map(|session| Record::of(session).with_all(&COLUMNS)).collect();
                record::list(console, common.format, &records, &COLUMNS)
            }
            Self::Show { session_id, jti, .. } => {
                let session = match (session_id, jti) {
                    (None, Some(jti)) => admin.session_of_token(&jti).await?,
                    (id, _) => admin.find_session(&id.unwrap_or_default()).await?,
                };
                let all = [
                    "session_id",
                    "user_id",
                    "origin",
                    "browser",
                    "system",
                    "user_agent",
                    "address",
                    "amr",
                    "auth_time",
                    "created_at",
                    "last_seen_at",
                    "idle_at",
                    "expires_at",
                ];
                record::show(console, common.format, &Record::of(&session).with_all(&all))
            }
            Self::End { session_id, jti, user, client, .. } => {
                let session_id = match jti {
                    Some(jti) => Some(admin.session_of_token(&jti).await?.session_id.0),
                    None => session_id,
                };
                let (name, id, what) = match (session_id, user, client) {
                    (Some(id), ..) => ("session_id", id.clone(), End::Session(id)),
                    (None, Some(user), _) => {
                        let id = admin.find_user(&user).await?.user_id.0;
                        ("user_id", id.clone(), End::User(id))
                    }
                    (None, None, Some(client)) => ("client_id", client.to_string(), End::Client(client.to_string())),
                    (None, None, None) => ("sessions", "all".to_owned(), End::All),
                };
                admin.end(&what).await?;
                record::show(console, common.format, &Record::default().with(name, id).with("status", "ended"))
            }
        }
    }
}
