//! Swaps: everything that Signet hands out or believes, presented by somebody else than its owner, and in the place of
//! something else.
//!
//! The matrix is generated: a new kind of artefact is a line in [`artefact::Artefact`], and then doesn't compile until it
//! is said how it is made, how it is presented, and what comes of it for each stranger. A new table doesn't pass until it
//! is said which artefacts it keeps.

mod artefact;
mod steps;

use std::collections::BTreeSet;

use idp::domain::UserId;
use idp::domain::client::{ClientAuthMethod, ClientMetadata, GrantType, SubjectType};
use idp::domain::tenant::Tenant;
use idp::service::browser::Form;
use idp::service::clients::{self, NewClient};
use josekit::jwk::Jwk;
use keys::Purpose;
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::json;

use self::artefact::{Artefact, By, Expected};
use super::admin::operator;
use super::jose::{private_key, public};
use super::subjects::app;
use crate::support::database::TestDatabase;
use crate::support::databases;
use crate::support::elsewhere::Elsewhere;
use crate::support::world::World;

pub(super) const ADA: &str = "ada@example.com";
pub(super) const GRACE: &str = "grace@example.com";
/// The base path of the other tenant.
pub(super) const ACME: &str = "/t/acme";
/// Where the second of two pairwise clients is.
pub(super) const OTHER_CALLBACK: &str = "https://other.example.com/callback";

/// Two tenants that are as like each other as can be: the same people, the same clients, the same keys of the clients.
pub(super) struct Stage {
    pub(super) world: World,
    pub(super) site: Elsewhere,
    pub(super) key: Jwk,
}

impl Stage {
    async fn on(database: &TestDatabase) -> Self {
        let world = World::on(database.open().await).await;
        let stage = Self { world, site: Elsewhere::start().await, key: private_key("p256", "ec") };
        for tenant in [stage.world.tenant().await, stage.world.other_tenant("acme").await] {
            stage.world.open_to_sign_ups(&tenant).await;
            for email in [ADA, GRACE] {
                stage.world.user(&tenant, email).await;
            }
            for artefact in Artefact::ALL {
                for client in [artefact.client(), artefact.other_client()] {
                    stage.client(&tenant, *artefact, &client).await;
                }
            }
        }
        stage
    }

    /// A client that may have such an artefact. Each has two of its own, so that consent for one isn't consent for all.
    async fn client(&self, tenant: &Tenant, artefact: Artefact, id: &str) {
        let jwks = json!({ "keys": [public(&self.key, None)] });
        let service = |metadata: &mut ClientMetadata| {
            metadata.grant_types = [GrantType::ClientCredentials].into();
            metadata.redirect_uris = Vec::new();
            metadata.scope = "reports:read".parse().unwrap();
        };
        match artefact {
            Artefact::AppRefreshToken | Artefact::AppRefreshCookie => {
                self.world.client(tenant, id, app).await;
            }
            Artefact::ServiceToken => operator(&self.world, tenant, id, "admin:users:read").await,
            Artefact::ClientAssertion => {
                let change = |metadata: &mut ClientMetadata| {
                    service(metadata);
                    metadata.token_endpoint_auth_method = ClientAuthMethod::PrivateKeyJwt;
                    metadata.jwks = Some(jwks);
                };
                self.world.client(tenant, id, change).await;
            }
            Artefact::ClientSecret => {
                let mut metadata =
                    ClientMetadata::new([GrantType::ClientCredentials], ClientAuthMethod::ClientSecretBasic);
                service(&mut metadata);
                let secret = Some(artefact::secret_of(tenant.id, id));
                let new = NewClient { id: Some(id.parse().unwrap()), name: id.to_owned(), metadata, secret };
                clients::create(&self.world.ctx, tenant.id, new, "test").await.unwrap();
            }
            _ => {
                let change = |metadata: &mut ClientMetadata| {
                    metadata.grant_types.insert(GrantType::RefreshToken);
                    metadata.scope = "openid profile email offline_access".parse().unwrap();
                    metadata.jwks = Some(jwks);
                    metadata.request_uris = vec![self.site.url("/request")];
                    if artefact == Artefact::PairwiseSubject {
                        metadata.subject_type = SubjectType::Pairwise;
                    }
                    if artefact == Artefact::PairwiseSubject && id == artefact.other_client() {
                        metadata.redirect_uris = vec![OTHER_CALLBACK.parse().unwrap()];
                    }
                };
                self.world.client(tenant, id, change).await;
            }
        }
    }
}

#[tokio::test]
async fn every_artefact_is_its_owners_alone() {
    for database in databases().await {
        let stage = Stage::on(&database).await;
        for artefact in Artefact::ALL {
            for by in By::STRANGERS {
                let (expected, what) = match artefact.expected(by) {
                    Expected::Refused => (false, format!("{artefact:?} by {by:?}")),
                    Expected::Taken(why) => (true, format!("{artefact:?} by {by:?}, since {why}")),
                    Expected::Meaningless(why) => {
                        println!("{artefact:?} by {by:?}: {why}");
                        continue;
                    }
                };
                let mut made = artefact.make(&stage).await;
                let (taken, answer) = artefact.present(&stage, &mut made, by).await;
                assert_eq!(taken, expected, "{what}: {answer:?}");
                // The stranger has done it no harm.
                let (taken, answer) = artefact.present(&stage, &mut made, By::Owner).await;
                assert!(taken, "{artefact:?} by its owner, after {by:?}: {answer:?}");
            }
        }
    }
}

#[tokio::test]
async fn no_artefact_passes_for_another() {
    for database in databases().await {
        let stage = Stage::on(&database).await;
        let with_text = || Artefact::ALL.iter().filter(|artefact| artefact.has_text());
        let mut texts = Vec::new();
        for artefact in with_text() {
            texts.push((artefact, artefact.make(&stage).await.text));
        }
        for place in with_text() {
            let mut made = place.make(&stage).await;
            let right = made.text.clone();
            for (artefact, text) in texts.iter().filter(|(artefact, _)| *artefact != place) {
                made.text.clone_from(text);
                let (taken, answer) = place.present(&stage, &mut made, By::Owner).await;
                assert!(!taken, "{artefact:?} for {place:?}: {answer:?}");
            }
            made.text = right;
            let (taken, answer) = place.present(&stage, &mut made, By::Owner).await;
            assert!(taken, "{place:?} after all the others: {answer:?}");
        }
    }
}

/// The artefacts that a table keeps, or stands behind; or why there are none.
fn kept_in(table: &str) -> Result<&'static [Artefact], &'static str> {
    Ok(match table {
        "authorization_codes" => &[Artefact::Code],
        "authorization_flows" => &[
            Artefact::Flow,
            Artefact::BrowserCookie,
            Artefact::SignInForm,
            Artefact::SignUpForm,
            Artefact::ChooserForm,
            Artefact::ConsentForm,
        ],
        "refresh_tokens" => &[Artefact::RefreshToken, Artefact::AppRefreshToken, Artefact::AppRefreshCookie],
        "sessions" => &[Artefact::Session, Artefact::AccountChoice],
        "grants" => &[Artefact::AccessToken],
        "signing_keys" => &[Artefact::ServiceToken, Artefact::IdTokenHint],
        "consents" => &[Artefact::Consent],
        "client_secrets" => &[Artefact::ClientSecret],
        "clients" => &[Artefact::RequestUri],
        "client_assertion_jtis" => &[Artefact::ClientAssertion, Artefact::RequestObject],
        "pairwise_salts" => &[Artefact::PairwiseSubject],
        "users" | "credentials" => return Err("what people know; shown by the tests of sign-in"),
        "tenants" => return Err("the tenants themselves"),
        "deliveries" | "outbox_events" | "webhook_endpoints" => {
            return Err("what is sent to others; nobody brings it back");
        }
        "audit_events" | "sign_in_limits" | "change_counter" | "event_cursors" | "ledger_heads" | "sweeps"
        | "session_clients" | "denied_tokens" | "client_origins" | "leases" | "signet_migrations" => {
            return Err("nobody presents it");
        }
        other => panic!("{other} is new: which artefacts does it keep? None: say why"),
    })
}

/// The artefact that the token in a form is.
fn in_form(form: Form) -> Artefact {
    match form {
        Form::SignIn => Artefact::SignInForm,
        Form::SignUp => Artefact::SignUpForm,
        Form::SelectAccount => Artefact::ChooserForm,
        Form::Consent(_) => Artefact::ConsentForm,
    }
}

/// The artefacts that are JWTs of that purpose; or why there are none.
fn signed_for(purpose: Purpose) -> Result<&'static [Artefact], &'static str> {
    match purpose {
        Purpose::AccessToken => Ok(&[Artefact::AccessToken, Artefact::ServiceToken]),
        Purpose::IdToken => Ok(&[Artefact::IdTokenHint]),
        Purpose::ClientAssertion => Ok(&[Artefact::ClientAssertion]),
        Purpose::RequestObject => Ok(&[Artefact::RequestObject, Artefact::RequestUri]),
        Purpose::LogoutToken | Purpose::Introspection => Err("sent to clients; nobody brings it back"),
    }
}

#[tokio::test]
async fn every_table_says_which_artefacts_it_keeps() {
    for database in databases().await {
        let query = if database.is_sqlite() {
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        } else {
            "SELECT table_name::text AS name FROM information_schema.tables WHERE table_schema = 'public'"
        };
        let raw = database.raw().await;
        let rows = raw.query_all_raw(Statement::from_string(raw.get_database_backend(), query)).await.unwrap();
        let tables: Vec<String> = rows.iter().map(|row| row.try_get("", "name").unwrap()).collect();
        assert!(!tables.is_empty());
        let kept: BTreeSet<Artefact> =
            tables.iter().filter_map(|table| kept_in(table).ok()).flatten().copied().collect();
        assert_eq!(kept, Artefact::ALL.iter().copied().collect(), "each artefact is kept somewhere");
        let forms =
            [Form::SignIn, Form::SelectAccount, Form::Consent(UserId::from_uuid(uuid::Uuid::nil()))].map(in_form);
        let tokens =
            [Purpose::AccessToken, Purpose::IdToken, Purpose::ClientAssertion, Purpose::RequestObject].map(signed_for);
        assert!(forms.iter().chain(tokens.iter().copied().flat_map(Result::unwrap)).all(|kind| kept.contains(kind)));
    }
}
