//! Sessions and flows in the browser: cookies, new sessions, several tabs, and how long each lives.

use std::num::NonZeroU32;
use std::time::Duration;

use idp::domain::SessionId;
use idp::domain::session::Session;
use idp::domain::tenant::{SessionSettings, Tenant, TenantSettings};
use idp::service::browser::Form;
use idp::service::sessions::ending::Which;
use idp::service::sessions::{self as service_sessions, SessionFilter};
use idp::service::tenants::{self, TenantChangeError};
use idp::service::users;
use idp::store::{self, StoreError};
use poem::http::StatusCode;

use super::code_flow::redeem;
use crate::support::databases;
use crate::support::world::{Answer, Browser, PASSWORD, World, hidden, payload};

const EXPIRED: &str = "This sign\u{2011}in has expired";
const WRONG: &str = "The email, username or password isn’t right.";

fn set_cookies(answer: &Answer) -> Vec<String> {
    answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap().to_owned()).collect()
}

/// Splits `name=value; attributes` and checks that the value is a secret.
fn without_value(cookie: &str) -> (String, String) {
    let (name, rest) = cookie.split_once('=').unwrap();
    let (value, attributes) = rest.split_once("; ").unwrap();
    assert_eq!(value.len(), 43, "256 bits: {cookie}");
    // The browser's secret has a name of its own.
    let own = openssl::sha::sha256(value.as_bytes());
    let own = format!("-browser-{:08x}", u32::from_be_bytes(own[..4].try_into().unwrap()));
    (name.replace(&own, "-browser"), attributes.to_owned())
}

/// The address of a link whose address has that in it.
fn linked(html: &str, part: &str) -> String {
    let mut texts = html.split('"').filter(|text| text.starts_with('/') && text.contains(part));
    texts.next().unwrap().replace("&#38;", "&").replace("&amp;", "&")
}

#[tokio::test]
async fn cookies_are_kept_from_scripts_other_sites_and_plain_http() {
    let issuers = [
        ("http://127.0.0.1:8080", "", "Path=/; HttpOnly; SameSite=Lax"),
        ("https://id.example.com", "__Host-", "Path=/; Secure; HttpOnly; SameSite=Lax"),
    ];
    for (issuer, prefix, attributes) in issuers {
        for database in databases().await {
            let world = World::with(database.open().await, |config| config.issuer = issuer.parse().unwrap()).await;
            world.furnish().await;
            let mut browser = Browser::new(&world, "");
            let start = browser.authorize("reports", &[]).await;
            let signed_in = browser.sign_in(&start, "ada@example.com", PASSWORD).await;
            let hash = openssl::sha::sha256(issuer.as_bytes());
            let tag = format!("{:016x}", u64::from_be_bytes(hash[..8].try_into().unwrap()));
            for (answer, kind, count) in [(&start, "browser", 1), (&signed_in, "session", 2)] {
                let cookies = set_cookies(answer);
                assert_eq!(cookies.len(), count, "{cookies:?}");
                let (name, found) = without_value(&cookies[0]);
                assert_eq!((name, found.as_str()), (format!("{prefix}signet-{tag}-{kind}"), attributes));
            }
            // What is no secret is for the script of a frame, which other sites show.
            let cookies = set_cookies(&signed_in);
            let (name, rest) = cookies[1].split_once('=').unwrap();
            let found = rest.split_once("; ").unwrap().1;
            let site = if prefix.is_empty() { "Path=/; SameSite=Lax" } else { "Path=/; Secure; SameSite=None" };
            assert_eq!((name, found), (&*format!("{prefix}signet-{tag}-state"), site));
            let again = browser.authorize("reports", &[("prompt", "consent")]).await;
            again.assert_leads_to("/consent");
            assert!(set_cookies(&again).is_empty(), "a cookie is set once");
        }
    }
}

#[tokio::test]
async fn who_signs_in_again_goes_on_in_their_session_under_another_secret() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let mut browser = Browser::new(&world, "");
        let access_token = async |code: String| {
            let tokens = redeem(&world, "", "reports", &code).await.json();
            tokens["access_token"].as_str().unwrap().to_owned()
        };
        let first = access_token(browser.code("reports", "ada@example.com").await).await;
        let old = browser.cookies.clone();
        let planted = browser.cookie("session").unwrap().1.to_owned();

        world.pass(Duration::from_secs(1));
        let start = browser.authorize("reports", &[("prompt", "login")]).await;
        let wrong = browser.sign_in(&start, "ada@example.com", "not the password").await;
        wrong.assert_page(422, WRONG);
        assert!(set_cookies(&wrong).is_empty());
        let silent = browser.authorize("reports", &[("prompt", "none")]).await;
        silent.assert_code();
        let answer = browser.sign_in(&start, "ada@example.com", PASSWORD).await;
        answer.assert_code();
        assert_ne!(browser.cookie("session").unwrap().1, planted);
        let second = access_token(answer.returned("code").unwrap()).await;
        assert_eq!(payload(&first)["sid"], payload(&second)["sid"]);
        assert_eq!(payload(&first)["auth_time"].as_i64().unwrap() + 1, payload(&second)["auth_time"].as_i64().unwrap());
        for token in [&first, &second] {
            let bearer = format!("Bearer {token}");
            let claims = world.get("/userinfo", &[("authorization", &bearer)]).await;
            assert_eq!(claims.status, StatusCode::OK, "what was given before goes on");
        }

        let mut thief = Browser::new(&world, "");
        thief.cookies = old;
        let silent = thief.authorize("reports", &[("prompt", "none")]).await;
        assert_eq!(silent.returned("error").as_deref(), Some("login_required"), "the old secret opens nothing");
    }
}

#[tokio::test]
async fn who_is_signed_in_goes_on_without_a_form_unless_they_want_another_account() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        world.person(&tenant, "grace@example.com", |new| new.profile.name = Some("Grace Hopper".to_owned())).await;
        let mut browser = Browser::new(&world, "");
        let (flow, _) = browser.sign_in_page("reports").await;
        browser.code("reports", "ada@example.com").await;

        // A page that was left open: somebody has signed in and allowed elsewhere in the meantime.
        browser.get(&format!("/login?flow={flow}")).await.assert_code();
        let asked = browser.authorize("reports", &[("prompt", "consent")]).await;
        asked.assert_leads_to("/consent?flow=");
        let page = browser.get(asked.location()).await;
        page.assert_page(200, "Ada Lovelace");
        let chooser = linked(&page.body, "/select-account");
        let page = browser.get(&chooser).await;
        page.assert_page(200, "Ada Lovelace");
        let switch = linked(&page.body, "switch");
        let page = browser.get(&switch).await;
        page.assert_page(200, "id=\"password\"");
        let flow = asked.location().split_once("flow=").unwrap().1;
        browser.get(&format!("/login?flow={flow}&switch=1&switch=1")).await.assert_page(200, "id=\"password\"");
        browser.get(&format!("/login?flow={flow}")).await.assert_leads_to("/consent?flow=");
        let csrf = hidden(&page.body, "csrf");
        let form = [("flow", flow), ("csrf", &*csrf), ("email", "grace@example.com"), ("password", PASSWORD)];
        let switched = browser.post("/login", &form).await;
        browser.get(switched.location()).await.assert_page(200, "Grace Hopper");
    }
}

#[tokio::test]
async fn two_tabs_do_not_disturb_one_another() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        world.client(&tenant, "charts", |_| {}).await;
        let mut browser = Browser::new(&world, "");
        let one = browser.authorize("reports", &[("state", "one"), ("nonce", "n1")]).await;
        let two = browser.authorize("charts", &[("state", "two"), ("nonce", "n2")]).await;
        let (flow_one, csrf_one) = browser.form(&one).await;
        let (flow_two, csrf_two) = browser.form(&two).await;
        // Both forms were open before anybody signed in; each is sent, and leads to its own question.
        let mut questions = Vec::new();
        for (flow, csrf) in [(&flow_one, &csrf_one), (&flow_two, &csrf_two)] {
            let form = [("flow", &**flow), ("csrf", csrf), ("email", "ada@example.com"), ("password", PASSWORD)];
            let signed_in = browser.post("/login", &form).await;
            signed_in.assert_leads_to(&format!("/consent?flow={flow}"));
            questions.push(browser.form(&signed_in).await);
        }
        let [(flow_one, csrf_one), (flow_two, csrf_two)] = <[_; 2]>::try_from(questions).unwrap();
        for (flow, csrf, client, state, nonce) in
            [(&flow_two, &csrf_two, "charts", "two", "n2"), (&flow_one, &csrf_one, "reports", "one", "n1")]
        {
            let answer = browser.post("/consent", &[("flow", flow), ("csrf", csrf), ("decision", "allow")]).await;
            answer.assert_code();
            assert_eq!(answer.returned("state").as_deref(), Some(state));
            let tokens = redeem(&world, "", client, &answer.returned("code").unwrap()).await;
            assert_eq!(tokens.status, StatusCode::OK, "{}", tokens.body);
            assert_eq!(payload(tokens.json()["id_token"].as_str().unwrap())["nonce"], nonce);
        }
    }
}

#[tokio::test]
async fn a_flow_may_wait_for_a_day_and_no_longer() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let mut browser = Browser::new(&world, "");
        let start = browser.authorize("reports", &[("max_age", "60")]).await;
        let (flow, csrf) = browser.form(&start).await;
        let (late, late_csrf) = browser.sign_in_page("reports").await;
        world.pass(Duration::from_hours(20));
        let form = [("flow", &*flow), ("csrf", &*csrf), ("email", "ada@example.com"), ("password", PASSWORD)];
        let signed_in = browser.post("/login", &form).await;
        signed_in.assert_leads_to("/consent?flow=");
        let allowed = browser.consent(&signed_in, "allow").await;
        allowed.assert_code();
        let tokens = redeem(&world, "", "reports", &allowed.returned("code").unwrap()).await;
        assert_eq!(tokens.status, StatusCode::OK, "{}", tokens.body);

        world.pass(Duration::from_hours(4));
        let sign_in = [("flow", &*late), ("csrf", &*late_csrf), ("email", "ada@example.com"), ("password", PASSWORD)];
        browser.post("/login", &sign_in).await.assert_page(400, EXPIRED);
        let tenant = world.tenant().await;
        let ada = users::find(&world.ctx, &tenant, "ada@example.com").await.unwrap().id;
        let consent_csrf = browser.csrf(&late, Form::Consent(ada));
        let allow = [("flow", &*late), ("csrf", &*consent_csrf), ("decision", "allow")];
        browser.post("/consent", &allow).await.assert_page(400, EXPIRED);
        for path in ["/login", "/consent"] {
            browser.get(&format!("{path}?flow={late}")).await.assert_page(400, EXPIRED);
        }
    }
}

#[tokio::test]
async fn a_session_ends_when_its_time_is_up_or_it_rests_for_too_long() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let silent: &[(&str, &str)] = &[("prompt", "none")];
        let mut browser = Browser::new(&world, "");
        browser.code("reports", "ada@example.com").await;
        // In use every two days it lives for a week, and no longer.
        for _ in 0..3 {
            world.pass(Duration::from_hours(48));
            browser.authorize("reports", silent).await.assert_code();
        }
        world.pass(Duration::from_hours(24));
        let over = browser.authorize("reports", silent).await;
        assert_eq!(over.returned("error").as_deref(), Some("login_required"));
        // At rest it lives for three days.
        let start = browser.authorize("reports", &[]).await;
        browser.sign_in(&start, "ada@example.com", PASSWORD).await.assert_code();
        world.pass(Duration::from_hours(72) - Duration::from_secs(1));
        browser.authorize("reports", silent).await.assert_code();
        world.pass(Duration::from_hours(72));
        let rested = browser.authorize("reports", silent).await;
        assert_eq!(rested.returned("error").as_deref(), Some("login_required"));
        browser.authorize("reports", &[]).await.assert_leads_to("/login");
    }
}

/// Settings of the default tenant.
async fn set(world: &World, change: impl FnOnce(&mut TenantSettings)) {
    let tenant = world.tenant().await;
    let mut settings = tenant.settings.clone();
    change(&mut settings);
    tenants::set_settings(&world.ctx, &tenant.slug, tenant.name, settings, "test").await.unwrap();
    world.pass(Duration::from_millis(1));
}

async fn is_signed_in(browser: &mut Browser<'_>) -> bool {
    browser.authorize("reports", &[("prompt", "none")]).await.returned("code").is_some()
}

#[tokio::test]
async fn a_tenant_says_how_long_its_sessions_live_and_rest() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        set(&world, |settings| {
            settings.sessions = SessionSettings { lifetime: Some(3600), idle_timeout: Some(600), limit: None };
        })
        .await;
        let (mut busy, mut idle) = (Browser::new(&world, ""), Browser::new(&world, ""));
        busy.code("reports", "ada@example.com").await;
        let code = idle.code("reports", "ada@example.com").await;
        let tokens = redeem(&world, "", "reports", &code).await.json();
        let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
        let userinfo = async || world.get("/userinfo", &[("authorization", &bearer)]).await.status;
        for _ in 0..5 {
            world.pass(Duration::from_secs(599));
            assert!(is_signed_in(&mut busy).await, "used in time");
        }
        assert!(!is_signed_in(&mut idle).await, "rested for too long");
        assert_eq!(userinfo().await, StatusCode::UNAUTHORIZED, "and its tokens with it");
        world.pass(Duration::from_secs(599));
        assert!(is_signed_in(&mut busy).await);
        world.pass(Duration::from_secs(7));
        assert!(!is_signed_in(&mut busy).await, "an hour is over");
    }
}

#[tokio::test]
async fn a_use_that_is_noted_keeps_what_is_warm_alive() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        set(&world, |settings| settings.sessions.idle_timeout = Some(600)).await;
        let mut browser = Browser::new(&world, "");
        let code = browser.code("reports", "ada@example.com").await;
        let tokens = redeem(&world, "", "reports", &code).await.json();
        let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
        for _ in 0..2 {
            let answer = world.get("/userinfo", &[("authorization", &bearer)]).await;
            assert_eq!(answer.status, StatusCode::OK);
            world.pass(Duration::from_mins(5));
            assert!(is_signed_in(&mut browser).await);
            world.pass(Duration::from_secs(149));
        }
        // Longer after the sign-in than a rest may be, and what is warm here was read at the sign-in.
        let answer = world.get("/userinfo", &[("authorization", &bearer)]).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(is_signed_in(&mut browser).await);
    }
}

#[tokio::test]
async fn the_oldest_session_ends_when_there_are_too_many() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        world.user(&tenant, "bob@example.com").await;
        set(&world, |settings| settings.sessions.limit = NonZeroU32::new(2)).await;
        let mut bobs = Browser::new(&world, "");
        bobs.code("reports", "bob@example.com").await;
        let mut browsers = Vec::new();
        for _ in 0..4 {
            let mut browser = Browser::new(&world, "");
            browser.code("reports", "ada@example.com").await;
            browsers.push(browser);
            world.pass(Duration::from_secs(1));
        }
        let mut signed_in = Vec::new();
        for browser in &mut browsers {
            signed_in.push(is_signed_in(browser).await);
        }
        assert_eq!(signed_in, [false, false, true, true]);
        assert!(is_signed_in(&mut bobs).await, "somebody else's");
        // Who signs in again in their own session makes none.
        let again = browsers[3].authorize("reports", &[("prompt", "login")]).await;
        browsers[3].sign_in(&again, "ada@example.com", PASSWORD).await.assert_code();
        assert!(is_signed_in(&mut browsers[2]).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_sign_ins_at_once_as_many_stay_as_may() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        set(&world, |settings| settings.sessions.limit = NonZeroU32::new(3)).await;
        let sign_in = async || {
            let mut browser = Browser::new(&world, "");
            let start = browser.authorize("reports", &[]).await;
            // Whose session has ended again by then is asked to sign in, or told so.
            browser.sign_in(&start, "ada@example.com", PASSWORD).await;
        };
        Browser::new(&world, "").code("reports", "ada@example.com").await;
        futures_util::future::join_all((0..12).map(|_| sign_in())).await;
        let live = service_sessions::list(&world.ctx, tenant.id, &SessionFilter::default(), None, 100).await.unwrap();
        assert_eq!(live.len(), 3);
    }
}

/// Makes so many more sessions like that one, each a millisecond newer than the one before, or older; their ids, in that
/// order.
pub(crate) async fn plant(world: &World, tenant: &Tenant, like: &Session, count: u32, age: Age) -> Vec<SessionId> {
    let one_after = |number: u32| {
        // The first 48 bits of an id are its milliseconds (RFC 9562 §5.7).
        let (id, step) = (like.id.uuid().as_u128(), u128::from(number) << 80);
        let id = if matches!(age, Age::Newer) { id + step } else { id - step };
        Session { id: SessionId::from_uuid(uuid::Uuid::from_u128(id)), ..like.clone() }
    };
    let planted: Vec<Session> = (1..=count).map(one_after).collect();
    let ids = planted.iter().map(|session| session.id).collect();
    let tenant = tenant.id;
    let written: Result<(), StoreError> = world
        .ctx
        .database
        .write(async move |tx| {
            for session in &planted {
                let hash = openssl::sha::sha256(session.id.uuid().as_bytes());
                store::sessions::insert(&tx, tenant, session, &hash).await?;
            }
            Ok(())
        })
        .await;
    written.unwrap();
    ids
}

/// Of sessions that are planted.
#[derive(Clone, Copy)]
pub(crate) enum Age {
    Newer,
    Older,
}

#[tokio::test]
async fn sessions_are_listed_by_person_and_client_page_by_page() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let bob = world.user(&tenant, "bob@example.com").await;
        world.client(&tenant, "charts", |_| {}).await;
        for (email, client) in
            [("ada@example.com", "reports"), ("bob@example.com", "charts"), ("bob@example.com", "reports")]
        {
            Browser::new(&world, "").code(client, email).await;
            world.pass(Duration::from_millis(1));
        }
        let list = async |filter: SessionFilter, after, limit| {
            service_sessions::list(&world.ctx, tenant.id, &filter, after, limit).await.unwrap()
        };
        let all = list(SessionFilter::default(), None, 10).await;
        assert_eq!(all.len(), 3);
        assert!(all.is_sorted_by_key(|session| std::cmp::Reverse(session.created_at)), "the newest first");
        let first = list(SessionFilter::default(), None, 2).await;
        let rest = list(SessionFilter::default(), Some(first[1].id), 2).await;
        assert_eq!([first, rest].concat(), all);
        let of_bob = || SessionFilter { user: Some(bob.id), ..SessionFilter::default() };
        assert_eq!(list(of_bob(), None, 10).await, all[..2]);
        let reports = SessionFilter { client: Some("reports".parse().unwrap()), ..of_bob() };
        assert_eq!(list(reports, None, 10).await, all[..1]);
        world.end(tenant.id, Which::One(all[0].id)).await;
        assert_eq!(list(of_bob(), None, 10).await, all[1..2]);
        let other = world.other_tenant("acme").await;
        let theirs = service_sessions::list(&world.ctx, other.id, &SessionFilter::default(), None, 10).await.unwrap();
        assert!(theirs.is_empty());
    }
}

#[tokio::test]
async fn settings_that_cannot_be_are_refused_and_change_nothing() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let change: [fn(&mut TenantSettings); 5] = [
            |settings| settings.sessions.lifetime = Some(59),
            |settings| settings.first_party.sessions.idle_timeout = Some(367 * 24 * 3600),
            |settings| settings.first_party.access_token_lifetime = Some(25 * 3600),
            |settings| {
                settings.sessions = SessionSettings { lifetime: Some(60), idle_timeout: Some(61), limit: None };
            },
            |settings| settings.first_party.sessions.limit = NonZeroU32::new(1001),
        ];
        for change in change {
            let mut settings = tenant.settings.clone();
            change(&mut settings);
            let refused = tenants::set_settings(&world.ctx, &tenant.slug, tenant.name.clone(), settings, "test")
                .await
                .unwrap_err();
            assert!(matches!(refused, TenantChangeError::Settings(_)), "{refused:?}");
        }
        assert_eq!(world.tenant().await, tenant);
    }
}
