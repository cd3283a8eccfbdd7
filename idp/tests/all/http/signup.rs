//! `/signup` and `prompt=create`: who may make an account, each bad input with its page, one address and one account.

use std::time::Duration;

use idp::domain::tenant::{TenantSettings, TenantStatus};
use idp::domain::user::UserStatus;
use idp::service::browser::Form;
use idp::service::users::{self, UserFilter};
use idp::service::{tenants, users::find};
use idp::store;
use poem::http::StatusCode;

use super::code_flow::redeem;
use crate::support::database::TestDatabase;
use crate::support::databases;
use crate::support::world::{Answer, Browser, FORM, PASSWORD, World, encode, payload};

const NOT_OURS: &str = "We couldn’t be sure that this came from you";
const EXPIRED: &str = "This sign\u{2011}in has expired";
const FINISHED: &str = "This sign-in is already finished";
const TITLE: &str = "<title>Create an account";
const NO_EMAIL: &str = "Enter your email address";
const NO_ADDRESS: &str = "Enter an email address like name@example.com";
const TAKEN: &str = "No account can be made with this email address. Use another address, or sign in.";
const LONG_NAME: &str = "Enter a name of at most 255 characters";
const NO_PASSWORD: &str = "Choose a password";
const SHORT: &str = "Choose a password of at least 8 characters";
const LONG: &str = "Choose a password of at most 128 characters";
const GUESSABLE: &str = "This password is easy to guess.";
const TOO_MANY: &str = "There were too many attempts to create an account from here.";
const OPEN_LINK: &str = r#"id="sign-up""#;

/// A world whose default tenant takes anybody.
async fn open(database: &TestDatabase) -> World {
    let world = World::furnished(database).await;
    world.open_to_sign_ups(&world.tenant().await).await;
    world
}

/// Begins an authorization that wants an account, and opens its page.
async fn sign_up_page(browser: &mut Browser<'_>) -> (String, String) {
    let start = browser.authorize("reports", &[("prompt", "create")]).await;
    assert!(start.location().contains("/signup?flow="), "{}", start.location());
    browser.form(&start).await
}

/// Makes an account, in a browser of its own.
async fn sign_up(world: &World, base: &str, address: &str, email: &str) -> Answer {
    let mut browser = Browser::new(world, base);
    address.clone_into(&mut browser.address);
    let (flow, csrf) = sign_up_page(&mut browser).await;
    let form = [("flow", &*flow), ("csrf", &*csrf), ("email", email), ("password", PASSWORD)];
    browser.post("/signup", &form).await
}

async fn people(world: &World) -> usize {
    let tenant = world.tenant().await;
    users::list(&world.ctx, &tenant, &UserFilter::default(), None, 100).await.unwrap().len()
}

#[tokio::test]
async fn who_has_no_account_makes_one_and_goes_on_to_the_client() {
    for database in databases().await {
        let world = open(&database).await;
        let mut browser = Browser::new(&world, "");
        let (flow, csrf) = sign_up_page(&mut browser).await;
        let form = [
            ("flow", &*flow),
            ("csrf", &*csrf),
            ("email", " Grace@Example.com "),
            ("name", "Grace Hopper"),
            ("password", PASSWORD),
        ];
        let made = browser.post("/signup", &form).await;
        made.assert_leads_to("/consent?flow=");
        let cookie = made.header("set-cookie").unwrap();
        assert!(cookie.contains("-session=") && cookie.contains("; HttpOnly"), "{cookie}");

        let tenant = world.tenant().await;
        let grace = find(&world.ctx, &tenant, "grace@example.com").await.unwrap();
        assert_eq!(grace.email.as_ref().unwrap().as_str(), "Grace@Example.com");
        assert_eq!(grace.profile.name.as_deref(), Some("Grace Hopper"));
        assert!(!grace.email_verified, "nobody has proved that it is theirs");
        assert_eq!(grace.roles, ["STARTER".to_owned()].into());
        assert!(grace.last_activity_at.is_some());

        let code = browser.consent(&made, "allow").await.returned("code").unwrap();
        let tokens = redeem(&world, "", "reports", &code).await.json();
        let claims = payload(tokens["access_token"].as_str().unwrap());
        assert_eq!(claims["sub"], grace.id.to_string());
        assert_eq!(claims["email"], "Grace@Example.com");
        // What was chosen is what signs in.
        let mut elsewhere = Browser::new(&world, "");
        let start = elsewhere.authorize("reports", &[]).await;
        elsewhere.sign_in(&start, "grace@example.com", PASSWORD).await.assert_leads_to(crate::support::world::CALLBACK);
        // The page is used up.
        browser.post("/signup", &form).await.assert_page(410, FINISHED);
        browser.get(&format!("/signup?flow={flow}")).await.assert_page(410, FINISHED);
    }
}

#[tokio::test]
async fn an_account_and_its_first_session_are_told_in_order() {
    for database in databases().await {
        let world = open(&database).await;
        sign_up(&world, "", "192.0.2.7", "grace@example.com").await.assert_leads_to("/consent");
        let tenant = world.tenant().await;
        let told = store::outbox::after(world.ctx.database.read(), tenant.id, 3, 100).await.unwrap();
        let kinds: Vec<&str> = told.iter().map(|event| event.kind.as_str()).collect();
        assert_eq!(kinds, ["auth:user.registered", "auth:session.created", "auth:user.login"]);
        for event in &told {
            assert_eq!(event.payload["client_id"], "reports", "{}", event.payload);
            assert_eq!(event.payload["address"], "192.0.2.7", "{}", event.payload);
            assert!(event.payload.get("actor").is_none(), "it was the person: {}", event.payload);
        }
        assert_eq!(told[0].payload["data"]["email"], "grace@example.com");
    }
}

/// What is wrong, the body with `FLOW` and `CSRF` for the right values, the status, words on the page.
type BadForm = (&'static str, String, u16, &'static str);

fn bad_forms() -> Vec<BadForm> {
    let long = "x".repeat(5000);
    let right = "flow=FLOW&csrf=CSRF&email=grace%40example.com&password=correct+horse+battery+staple";
    let without = |name: &str| {
        let kept: Vec<&str> = right.split('&').filter(|pair| !pair.starts_with(&format!("{name}="))).collect();
        kept.join("&")
    };
    let with = |name: &str, value: &str| format!("{}&{name}={value}", without(name));
    let twice = |name: &str, value: &str| format!("{right}&{name}={value}");
    vec![
        ("nothing", String::new(), 400, EXPIRED),
        ("no flow", without("flow"), 400, EXPIRED),
        ("flow that is no id", with("flow", "1"), 400, EXPIRED),
        ("no csrf", without("csrf"), 403, NOT_OURS),
        ("csrf twice", twice("csrf", "CSRF"), 403, NOT_OURS),
        ("wrong csrf", with("csrf", "wrong"), 403, NOT_OURS),
        ("the sign-in form's csrf", with("csrf", "SIGNIN"), 403, NOT_OURS),
        ("no email", without("email"), 422, NO_EMAIL),
        ("empty email", with("email", ""), 422, NO_EMAIL),
        ("blank email", with("email", "+%09+"), 422, NO_EMAIL),
        ("email twice", twice("email", "grace%40example.com"), 422, NO_EMAIL),
        ("user name for an email", with("email", "grace"), 422, NO_ADDRESS),
        ("email without a name", with("email", "%40example.com"), 422, NO_ADDRESS),
        ("two emails", with("email", "a%40example.com%2Cb%40example.com"), 422, NO_ADDRESS),
        ("email with markup", with("email", "%22%3E%3Cscript%3E%40example.com"), 422, NO_ADDRESS),
        ("long email", with("email", &format!("{long}%40example.com")), 422, NO_ADDRESS),
        ("taken email", with("email", "ada%40example.com"), 422, TAKEN),
        ("taken email in capitals", with("email", "ADA%40EXAMPLE.COM"), 422, TAKEN),
        ("long name", twice("name", &"x".repeat(256)), 422, LONG_NAME),
        ("name with a control character", twice("name", "a%07b"), 422, LONG_NAME),
        ("no password", without("password"), 422, NO_PASSWORD),
        ("empty password", with("password", ""), 422, NO_PASSWORD),
        ("password twice", twice("password", "correct+horse+battery+staple"), 422, NO_PASSWORD),
        ("short password", with("password", "x7-Pq2m"), 422, SHORT),
        ("long password", with("password", &"x7".repeat(65)), 422, LONG),
        ("common password", with("password", "password1"), 422, GUESSABLE),
        ("password out of the address", with("password", "graceexample"), 422, GUESSABLE),
        ("all at once", "flow=FLOW&csrf=CSRF&email=x&name=%07&password=short".to_owned(), 422, LONG_NAME),
        ("unknown action", "flow=FLOW&csrf=CSRF&action=dance".to_owned(), 422, NO_PASSWORD),
        ("not UTF-8", with("email", "%ff"), 400, "The app’s request can’t be used"),
        ("huge", with("name", &"x".repeat(17_000)), 413, "That was too much at once"),
    ]
}

#[tokio::test]
async fn a_bad_form_gets_a_page_that_says_so_and_makes_nothing() {
    for database in databases().await {
        let world = open(&database).await;
        let mut browser = Browser::new(&world, "");
        let (flow, csrf) = sign_up_page(&mut browser).await;
        let sign_in = browser.csrf(&flow, Form::SignIn);
        for (name, body, status, text) in bad_forms() {
            let body = body.replace("FLOW", &flow).replace("CSRF", &csrf).replace("SIGNIN", &sign_in);
            let answer = browser.post_raw("/signup", Some(FORM), body.into_bytes()).await;
            println!("{name}");
            answer.assert_page(status, text);
            assert!(!answer.body.contains("<script>"), "{name}");
            assert!(!answer.body.contains(PASSWORD), "{name}: a password is never sent back");
            assert!(browser.cookie("session").is_none(), "{name}");
        }
        assert_eq!(people(&world).await, 1, "Ada alone");
        for media_type in [None, Some("application/json"), Some("multipart/form-data; boundary=x")] {
            let answer = browser.post_raw("/signup", media_type, b"x".to_vec()).await;
            answer.assert_page(415, "This form can’t be read");
        }
        // The flow goes on.
        let form = [("flow", &*flow), ("csrf", &*csrf), ("email", "grace@example.com"), ("password", PASSWORD)];
        browser.post("/signup", &form).await.assert_leads_to("/consent?flow=");
    }
}

#[tokio::test]
async fn the_page_keeps_what_was_typed_and_the_hint_of_the_client() {
    for database in databases().await {
        let world = open(&database).await;
        let mut browser = Browser::new(&world, "");
        let hinted = [("prompt", "create"), ("login_hint", "grace@example.com"), ("ui_locales", "de")];
        let start = browser.authorize("reports", &hinted).await;
        let page = browser.get(start.location()).await;
        page.assert_page(200, "<title>Konto anlegen");
        assert!(page.body.contains(r#"value="grace@example.com""#), "{}", page.body);
        // A hint that is a user name isn't an address.
        let start = browser.authorize("reports", &[("prompt", "create"), ("login_hint", "grace")]).await;
        let page = browser.get(start.location()).await;
        page.assert_page(200, TITLE);
        assert!(!page.body.contains(r#"value="grace""#), "{}", page.body);
    }
}

#[tokio::test]
async fn where_sign_up_is_closed_nobody_makes_an_account() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let mut browser = Browser::new(&world, "");
        let refused = browser.authorize("reports", &[("prompt", "create")]).await;
        assert_eq!(refused.returned("error").as_deref(), Some("invalid_request"));
        assert_eq!(refused.returned("state").as_deref(), Some("the state"));
        let (flow, _) = browser.sign_in_page("reports").await;
        let page = browser.get(&format!("/login?flow={flow}")).await;
        assert!(!page.body.contains(OPEN_LINK), "{}", page.body);
        let to_login = format!("/login?flow={flow}&switch=1");
        assert_eq!(browser.get(&format!("/signup?flow={flow}")).await.location(), to_login);
        let csrf = browser.csrf(&flow, Form::SignUp);
        let form = [("flow", &*flow), ("csrf", &*csrf), ("email", "grace@example.com"), ("password", PASSWORD)];
        assert_eq!(browser.post("/signup", &form).await.location(), to_login);
        assert_eq!(people(&world).await, 1);
    }
}

#[tokio::test]
async fn sign_up_that_closes_while_the_page_is_open_leads_to_the_sign_in_page() {
    for database in databases().await {
        let world = open(&database).await;
        let mut browser = Browser::new(&world, "");
        let (flow, csrf) = sign_up_page(&mut browser).await;
        let tenant = world.tenant().await;
        tenants::set_settings(&world.ctx, &tenant.slug, tenant.name, TenantSettings::default(), "test").await.unwrap();
        let form = [("flow", &*flow), ("csrf", &*csrf), ("email", "grace@example.com"), ("password", PASSWORD)];
        let answer = browser.post("/signup", &form).await;
        assert_eq!(answer.location(), format!("/login?flow={flow}&switch=1"));
        browser.get(answer.location()).await.assert_page(200, "<title>Sign in");
        assert_eq!(people(&world).await, 1);
        // Whoever has an account goes on.
        browser.sign_in(&answer, "ada@example.com", PASSWORD).await.assert_leads_to("/consent");
    }
}

#[tokio::test]
async fn sign_in_and_sign_up_lead_to_one_another() {
    for database in databases().await {
        let world = open(&database).await;
        let mut browser = Browser::new(&world, "");
        let (flow, _) = browser.sign_in_page("reports").await;
        let page = browser.get(&format!("/login?flow={flow}")).await;
        assert!(page.body.contains(&format!("/signup?flow={flow}&#38;switch=1")), "{}", page.body);
        let page = browser.get(&format!("/signup?flow={flow}&switch=1")).await;
        page.assert_page(200, TITLE);
        assert!(page.body.contains(&format!("/login?flow={flow}&#38;switch=1")), "{}", page.body);
        // Whoever was to make an account and has one signs in.
        let (flow, _) = sign_up_page(&mut browser).await;
        browser.get(&format!("/login?flow={flow}")).await.assert_leads_to("/signup?flow=");
        let page = browser.get(&format!("/login?flow={flow}&switch=1")).await;
        page.assert_page(200, "<title>Sign in");
        let csrf = browser.csrf(&flow, Form::SignIn);
        let form = [("flow", &*flow), ("csrf", &*csrf), ("email", "ada@example.com"), ("password", PASSWORD)];
        browser.post("/login", &form).await.assert_leads_to("/consent?flow=");
        // The step before is not asked for again.
        browser.get(&format!("/signup?flow={flow}")).await.assert_leads_to("/consent?flow=");
    }
}

#[tokio::test]
async fn who_is_signed_in_can_make_another_account_beside() {
    for database in databases().await {
        let world = open(&database).await;
        let mut browser = Browser::new(&world, "");
        browser.code("reports", "ada@example.com").await;
        let (flow, csrf) = sign_up_page(&mut browser).await;
        let form = [("flow", &*flow), ("csrf", &*csrf), ("email", "grace@example.com"), ("password", PASSWORD)];
        let made = browser.post("/signup", &form).await;
        made.assert_leads_to("/consent?flow=");
        let code = browser.consent(&made, "allow").await.returned("code").unwrap();
        let claims = redeem(&world, "", "reports", &code).await.json();
        assert_eq!(payload(claims["access_token"].as_str().unwrap())["email"], "grace@example.com");
        let secrets = browser.cookie("session").unwrap().1.split('.').count();
        assert_eq!(secrets, 2, "both are signed in");
        browser.authorize("reports", &[]).await.assert_leads_to("/select-account?flow=");
    }
}

#[tokio::test]
async fn a_request_from_elsewhere_that_wants_an_account_gets_its_page() {
    for database in databases().await {
        let world = open(&database).await;
        let challenge = crate::support::world::challenge();
        let form = encode(&[
            ("response_type", "code"),
            ("client_id", "reports"),
            ("redirect_uri", crate::support::world::CALLBACK),
            ("scope", "openid"),
            ("prompt", "create"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        world.post("/authorize", &[], &form).await.assert_leads_to("/signup?flow=");
    }
}

#[tokio::test]
async fn cancelling_goes_back_to_the_client() {
    for database in databases().await {
        let world = open(&database).await;
        let mut browser = Browser::new(&world, "");
        let (flow, csrf) = sign_up_page(&mut browser).await;
        let answer = browser.post("/signup", &[("flow", &flow), ("csrf", &csrf), ("action", "cancel")]).await;
        assert_eq!(answer.returned("error").as_deref(), Some("access_denied"));
        assert_eq!(people(&world).await, 1);
    }
}

#[tokio::test]
async fn of_many_sign_ups_with_one_address_at_once_one_makes_an_account() {
    for database in databases().await {
        let world = open(&database).await;
        let addresses = ["grace@example.com", "GRACE@example.com", "Grace@Example.com", "grace@EXAMPLE.com"];
        let attempts = addresses.map(|email| sign_up(&world, "", "192.0.2.1", email));
        let answers = futures_util::future::join_all(attempts).await;
        let (made, refused): (Vec<_>, Vec<_>) =
            answers.iter().partition(|answer| answer.status == StatusCode::SEE_OTHER);
        assert_eq!((made.len(), refused.len()), (1, 3));
        for answer in refused {
            answer.assert_page(422, TAKEN);
            assert!(answer.header("set-cookie").is_none());
        }
        assert_eq!(people(&world).await, 2);
        let tenant = world.tenant().await;
        let told = store::outbox::after(world.ctx.database.read(), tenant.id, 3, 100).await.unwrap();
        assert_eq!(told.len(), 3, "one account, one session: {told:?}");
    }
}

#[tokio::test]
async fn a_taken_address_is_told_the_same_way_whatever_became_of_its_account() {
    for database in databases().await {
        let world = open(&database).await;
        let tenant = world.tenant().await;
        for (email, status) in
            [("disabled@example.com", UserStatus::Disabled), ("locked@example.com", UserStatus::Locked)]
        {
            world.user(&tenant, email).await;
            users::set_status(&world.ctx, &tenant, email, status, "test").await.unwrap();
        }
        world.person(&tenant, "passwordless@example.com", |new| new.password = None).await;
        let mut answers = Vec::new();
        for email in ["ada@example.com", "disabled@example.com", "locked@example.com", "passwordless@example.com"] {
            let mut browser = Browser::new(&world, "");
            let (flow, csrf) = sign_up_page(&mut browser).await;
            let form = [("flow", &*flow), ("csrf", &*csrf), ("email", email), ("password", PASSWORD)];
            let answer = browser.post("/signup", &form).await;
            answer.assert_page(422, TAKEN);
            let body = answer.body.replace(&flow, "FLOW").replace(&csrf, "CSRF").replace(email, "EMAIL");
            answers.push((format!("{:?}", answer.headers), body));
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "{answers:#?}");
    }
}

#[tokio::test]
async fn thirty_attempts_an_hour_come_from_one_address_whatever_comes_of_them() {
    for database in databases().await {
        let world = open(&database).await;
        for number in 0..30 {
            // Taken and free addresses count the same; a form that can't be an account's asks nothing and doesn't.
            let email = if number % 2 == 0 { "ada@example.com".to_owned() } else { format!("u{number}@example.com") };
            let answer = sign_up(&world, "", "192.0.2.1", &email).await;
            assert_ne!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{number}");
            sign_up(&world, "", "192.0.2.1", "no address").await.assert_page(422, NO_ADDRESS);
        }
        for email in ["ada@example.com", "new@example.com"] {
            let answer = sign_up(&world, "", "192.0.2.1", email).await;
            answer.assert_page(429, TOO_MANY);
            assert_eq!(answer.header("retry-after"), Some("3600"));
        }
        assert_eq!(people(&world).await, 16);
        sign_up(&world, "", "192.0.2.2", "elsewhere@example.com").await.assert_leads_to("/consent");
        // Signing in from there isn't held against the same limit.
        let mut browser = Browser::new(&world, "");
        "192.0.2.1".clone_into(&mut browser.address);
        let start = browser.authorize("reports", &[]).await;
        browser.sign_in(&start, "ada@example.com", PASSWORD).await.assert_leads_to("/consent");
        world.pass(Duration::from_hours(1));
        sign_up(&world, "", "192.0.2.1", "new@example.com").await.assert_leads_to("/consent");
    }
}

#[tokio::test]
async fn in_another_tenant_the_address_is_another_person() {
    for database in databases().await {
        let world = open(&database).await;
        let acme = world.other_tenant("acme").await;
        world.client(&acme, "reports", |_| {}).await;
        let refused = Browser::new(&world, "/t/acme").authorize("reports", &[("prompt", "create")]).await;
        assert_eq!(refused.returned("error").as_deref(), Some("invalid_request"), "each tenant decides for itself");
        let acme = world.open_to_sign_ups(&acme).await;
        sign_up(&world, "/t/acme", "192.0.2.1", "ada@example.com").await.assert_leads_to("/t/acme/consent");
        let here = find(&world.ctx, &world.tenant().await, "ada@example.com").await.unwrap();
        let there = find(&world.ctx, &acme, "ada@example.com").await.unwrap();
        assert_ne!(here.id, there.id);
        // A flow of one tenant is none of the other's.
        let mut browser = Browser::new(&world, "/t/acme");
        let (flow, csrf) = sign_up_page(&mut browser).await;
        let mut other = Browser::new(&world, "");
        other.cookies.clone_from(&browser.cookies);
        other.get(&format!("/signup?flow={flow}")).await.assert_page(400, EXPIRED);
        let form = [("flow", &*flow), ("csrf", &*csrf), ("email", "grace@example.com"), ("password", PASSWORD)];
        assert_eq!(other.post("/signup", &form).await.status, StatusCode::FORBIDDEN);
        tenants::set_status(&world.ctx, &acme.slug, TenantStatus::Suspended, "test").await.unwrap();
        assert_eq!(browser.post("/signup", &form).await.status, StatusCode::NOT_FOUND);
        assert_eq!(people(&world).await, 1);
    }
}

#[tokio::test]
async fn create_is_advertised_where_it_is_there() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let prompts = async || {
            let metadata = world.get("/.well-known/openid-configuration", &[]).await.json();
            metadata["prompt_values_supported"].clone()
        };
        assert_eq!(prompts().await, serde_json::json!(["none", "login", "consent", "select_account"]));
        world.open_to_sign_ups(&world.tenant().await).await;
        assert_eq!(prompts().await, serde_json::json!(["none", "login", "consent", "select_account", "create"]));
    }
}
