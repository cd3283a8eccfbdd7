//! `dev.json`: who may sign in, and which clients there are.

use serde::{Deserialize, Serialize, Serializer};

use super::super::password;
use crate::domain::redirect_uri::RedirectUri;
use crate::domain::tenant::Issuer;
use crate::domain::user::Email;
use crate::domain::{ClientId, Secret};
use crate::service::random::Random;

/// What `dev.json` says.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(in crate::cli) struct Facts {
    /// Issuer of the default tenant, and so the address to listen on.
    pub(in crate::cli) issuer: Issuer,
    /// The administrator.
    pub(in crate::cli) admin: Person,
    /// Somebody who signs in.
    pub(in crate::cli) user: Person,
    /// An application that people sign in at.
    pub(in crate::cli) browser_client: BrowserClient,
    /// A service that gets tokens of its own.
    pub(in crate::cli) service_client: ServiceClient,
}

/// Somebody with a password.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(in crate::cli) struct Person {
    /// What to sign in with.
    pub(in crate::cli) email: Email,
    /// The password.
    #[serde(serialize_with = "exposed")]
    pub(in crate::cli) password: Secret,
}

/// An application that people sign in at.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(in crate::cli) struct BrowserClient {
    /// Its identifier.
    pub(in crate::cli) client_id: ClientId,
    /// Its secret.
    #[serde(serialize_with = "exposed")]
    pub(in crate::cli) client_secret: Secret,
    /// Where codes are sent; on a loopback address the port doesn't count.
    pub(in crate::cli) redirect_uris: Vec<RedirectUri>,
}

/// A service that gets tokens of its own.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(in crate::cli) struct ServiceClient {
    /// Its identifier.
    pub(in crate::cli) client_id: ClientId,
    /// Its secret.
    #[serde(serialize_with = "exposed")]
    pub(in crate::cli) client_secret: Secret,
}

/// The file is there to hold them, and only its owner may read it.
fn exposed<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

impl Facts {
    /// New ones, with random passwords and secrets. `None` only if the texts below weren't what they are.
    pub(in crate::cli) fn draw(issuer: Issuer, random: &dyn Random) -> Option<Self> {
        let person = |email: &str| Some(Person { email: email.parse().ok()?, password: password::generate(random) });
        Some(Self {
            issuer,
            admin: person("admin@example.com")?,
            user: person("user@example.com")?,
            browser_client: BrowserClient {
                client_id: "demo-browser".parse().ok()?,
                client_secret: random.secret(),
                redirect_uris: vec!["http://127.0.0.1:8090/callback".parse().ok()?],
            },
            service_client: ServiceClient { client_id: "demo-service".parse().ok()?, client_secret: random.secret() },
        })
    }
}
