//! The account console.

mod applications;
mod bad_forms;
mod entry;
mod gate;
mod password;
mod profile;
mod sessions;

use idp::domain::{Secret, SessionId};
use idp::service::browser::BrowserSecret;
use idp::store::StoreError;
use idp::{domain::tenant::Tenant, service::users, store};

use crate::support::world::{Answer, Browser, PASSWORD, World, hidden};

pub(crate) const NOT_OURS: &str = "We couldn’t be sure that this came from you";
pub(crate) const ELSEWHERE: &str = "This sign\u{2011}in was started somewhere else";
pub(crate) const NO_SUCH_PAGE: &str = "This page doesn’t exist";

/// Signs in at the console and comes back to its first page.
pub(crate) async fn sign_in(browser: &mut Browser<'_>, email: &str) -> Answer {
    let start = browser.get("/account").await;
    browser.sign_in(&start, email, PASSWORD).await
}

/// A browser that is at the console.
pub(crate) async fn console<'w>(world: &'w World, base: &str, email: &str) -> Browser<'w> {
    let mut browser = Browser::new(world, base);
    sign_in(&mut browser, email).await.assert_leads_to(&format!("{base}/account"));
    browser
}

/// A code for a client, for whoever is signed in; allows it what it wants where that is asked.
pub(crate) async fn code(browser: &mut Browser<'_>, client: &str) -> String {
    let start = browser.authorize(client, &[]).await;
    let asked = start.location().contains("/consent?");
    let answer = if asked { browser.consent(&start, "allow").await } else { start };
    answer.assert_code();
    answer.returned("code").unwrap()
}

/// The token of the console's forms, as its first page has it.
pub(crate) async fn csrf(browser: &mut Browser<'_>) -> String {
    let page = browser.get("/account").await;
    page.assert_page(200, "Your account");
    hidden(&page.body, "csrf")
}

/// The token of the forms for that session, made as the provider makes it.
pub(crate) fn token_for(browser: &Browser<'_>, session: SessionId) -> String {
    let secret = BrowserSecret(Secret::new(browser.cookie("browser").unwrap().1));
    secret.account_token(session).expose().to_owned()
}

/// The session that the browser's cookie opens.
pub(crate) async fn session_of(world: &World, tenant: &Tenant, browser: &Browser<'_>) -> SessionId {
    let secret = browser.cookie("session").unwrap().1.split('.').next().unwrap().to_owned();
    let hash = openssl::sha::sha256(secret.as_bytes());
    let db = world.ctx.database.read();
    let found = store::sessions::find_by_secret_hash(db, tenant.id, &hash, world.ctx.now()).await;
    let found: Result<_, StoreError> = found;
    found.unwrap().unwrap().id
}

/// The profile of a user, as it is stored.
pub(crate) async fn profile(world: &World, tenant: &Tenant, email: &str) -> serde_json::Value {
    let user = users::find(&world.ctx, tenant, email).await.unwrap();
    serde_json::to_value(user.profile).unwrap()
}
