//! `/consent`: each bad input with its page, who is asked and who isn't, and what happens in the meantime.

use idp::domain::client::ConsentPolicy;
use idp::domain::session_state::BrowserState;
use idp::domain::user::UserStatus;
use idp::service::authorize::{self, AuthorizeError, Completion, Next};
use idp::service::browser::Form;
use idp::service::ctx::Caller;
use idp::service::sessions::ending::Which;
use idp::service::{clients, consents, sessions, users};
use idp::store;

use super::code_flow::redeem;
use crate::service::count;
use crate::support::databases;
use crate::support::world::{Browser, FORM, PASSWORD, World, encode, payload};

const EXPIRED: &str = "This sign\u{2011}in has expired";
const NOT_OURS: &str = "We couldn’t be sure that this came from you";
const ELSEWHERE: &str = "This sign\u{2011}in was started somewhere else";
const QUESTION: &str = "Allow access?";

#[tokio::test]
async fn a_bad_answer_gets_a_page_that_says_so_and_the_question_stands() {
    let long = "x".repeat(5000);
    let right = "flow=FLOW&csrf=CSRF&decision=allow";
    let cases: Vec<(&str, String, u16, &str)> = vec![
        ("nothing", String::new(), 400, EXPIRED),
        ("no flow", "csrf=CSRF&decision=allow".into(), 400, EXPIRED),
        ("empty flow", "flow=&csrf=CSRF&decision=allow".into(), 400, EXPIRED),
        ("flow twice", format!("{right}&flow=FLOW"), 400, EXPIRED),
        ("long flow", format!("flow={long}&csrf=CSRF&decision=allow"), 400, EXPIRED),
        ("no csrf", "flow=FLOW&decision=allow".into(), 403, NOT_OURS),
        ("empty csrf", "flow=FLOW&csrf=&decision=allow".into(), 403, NOT_OURS),
        ("csrf twice", format!("{right}&csrf=CSRF"), 403, NOT_OURS),
        ("wrong csrf", "flow=FLOW&csrf=wrong&decision=allow".into(), 403, NOT_OURS),
        ("long csrf", format!("flow=FLOW&csrf={long}&decision=allow"), 403, NOT_OURS),
        ("no decision", "flow=FLOW&csrf=CSRF".into(), 403, NOT_OURS),
        ("empty decision", "flow=FLOW&csrf=CSRF&decision=".into(), 403, NOT_OURS),
        ("unknown decision", "flow=FLOW&csrf=CSRF&decision=perhaps".into(), 403, NOT_OURS),
        ("decision in capitals", "flow=FLOW&csrf=CSRF&decision=ALLOW".into(), 403, NOT_OURS),
        ("both decisions", format!("{right}&decision=deny"), 403, NOT_OURS),
        ("decision twice", format!("{right}&decision=allow"), 403, NOT_OURS),
        ("long decision", format!("flow=FLOW&csrf=CSRF&decision={long}"), 403, NOT_OURS),
        ("the field of the sign-in page", "flow=FLOW&csrf=CSRF&action=cancel".into(), 403, NOT_OURS),
        ("wrongly encoded", format!("{right}&x=%f"), 400, "The app’s request can’t be used"),
        ("not UTF-8", format!("{right}&x=%ff"), 400, "The app’s request can’t be used"),
        ("huge", format!("{right}&x={}", "x".repeat(17_000)), 413, "That was too much at once"),
    ];
    for database in databases().await {
        let world = World::furnished(&database).await;
        let mut browser = Browser::new(&world, "");
        let (flow, csrf) = browser.consent_page("reports", "ada@example.com").await;
        for (name, body, status, text) in &cases {
            let body = body.replace("FLOW", &flow).replace("CSRF", &csrf);
            println!("{name}");
            browser.post_raw("/consent", Some(FORM), body.into_bytes()).await.assert_page(*status, text);
        }
        let body = right.replace("FLOW", &flow).replace("CSRF", &csrf);
        for media_type in [None, Some("text/plain"), Some("application/json"), Some("multipart/form-data; boundary=x")]
        {
            let answer = browser.post_raw("/consent", media_type, body.clone().into_bytes()).await;
            println!("{media_type:?}");
            answer.assert_page(415, "This form can’t be read");
        }
        // Another browser: nobody is signed in there, or the same person is.
        let mut stranger = Browser::new(&world, "");
        let sent_on = stranger.post_raw("/consent", Some(FORM), body.clone().into_bytes()).await;
        assert_eq!(sent_on.location(), format!("/login?flow={flow}"));
        stranger.get(sent_on.location()).await.assert_page(403, ELSEWHERE);
        stranger.consent_page("reports", "ada@example.com").await;
        stranger.post_raw("/consent", Some(FORM), body.clone().into_bytes()).await.assert_page(403, NOT_OURS);
        stranger.get(&format!("/consent?flow={flow}")).await.assert_page(403, ELSEWHERE);
        // Nothing of it was an answer.
        let silent = browser.authorize("reports", &[("prompt", "none")]).await;
        assert_eq!(silent.returned("error").as_deref(), Some("consent_required"));
        browser.post_raw("/consent", Some(FORM), body.into_bytes()).await.assert_code();
    }
}

#[tokio::test]
async fn who_is_not_signed_in_any_more_gets_no_code() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let ada = users::find(&world.ctx, &tenant, "ada@example.com").await.unwrap().id;
        let mut browser = Browser::new(&world, "");

        // The session ended between the page and the answer: sign in again, and the same question.
        let (flow, csrf) = browser.consent_page("reports", "ada@example.com").await;
        let allow = [("flow", &*flow), ("csrf", &*csrf), ("decision", "allow")];
        assert_eq!(world.end(tenant.id, Which::OfUser(ada)).await.sessions, 1);
        for decision in ["allow", "deny"] {
            let form = [("flow", &*flow), ("csrf", &*csrf), ("decision", decision)];
            let answer = browser.post("/consent", &form).await;
            assert_eq!(answer.location(), format!("/login?flow={flow}"));
        }
        let page = browser.get(&format!("/consent?flow={flow}")).await;
        assert_eq!(page.location(), format!("/login?flow={flow}"));
        let token = browser.csrf(&flow, Form::SignIn);
        let sign_in = [("flow", &*flow), ("csrf", &*token), ("email", "ada@example.com"), ("password", PASSWORD)];
        browser.post("/login", &sign_in).await.assert_leads_to("/consent");
        browser.post("/consent", &allow).await.assert_code();

        // The user was switched off: their sessions have ended, and signing in again isn't possible.
        for status in [UserStatus::Disabled, UserStatus::Locked] {
            let asked = browser.authorize("reports", &[("prompt", "consent")]).await;
            let (flow, csrf) = browser.form(&asked).await;
            let allow = [("flow", &*flow), ("csrf", &*csrf), ("decision", "allow")];
            users::set_status(&world.ctx, &tenant, "ada@example.com", status, "test").await.unwrap();
            browser.post("/consent", &allow).await.assert_leads_to("/login");
            let token = browser.csrf(&flow, Form::SignIn);
            let sign_in = [("flow", &*flow), ("csrf", &*token), ("email", "ada@example.com"), ("password", PASSWORD)];
            browser.post("/login", &sign_in).await.assert_page(422, "The email, username or password isn’t right.");
            users::set_status(&world.ctx, &tenant, "ada@example.com", UserStatus::Active, "test").await.unwrap();
            browser.post("/consent", &allow).await.assert_leads_to("/login");
            browser.post("/login", &sign_in).await.assert_leads_to("/consent");
        }

        // A user that is switched off while their session lives, which only the gate of codes sees.
        let asked = browser.authorize("reports", &[("prompt", "consent")]).await;
        let (flow, csrf) = browser.form(&asked).await;
        let (id, now) = (tenant.id, world.ctx.now());
        let changed: Result<bool, store::StoreError> = world
            .ctx
            .database
            .write(async move |tx| store::users::set_status(&tx, id, ada, UserStatus::Disabled, now).await)
            .await;
        assert!(changed.unwrap());
        let allow = [("flow", &*flow), ("csrf", &*csrf), ("decision", "allow")];
        browser.post("/consent", &allow).await.assert_page(400, EXPIRED);
        let silent = browser.authorize("reports", &[("prompt", "none")]).await;
        assert!(silent.header("location").is_none_or(|location| !location.contains("code=")), "{}", silent.body);
    }
}

#[tokio::test]
async fn no_is_told_to_the_client_and_not_remembered() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let mut browser = Browser::new(&world, "");
        let (flow, csrf) = browser.consent_page("reports", "ada@example.com").await;
        let denied = browser.post("/consent", &[("flow", &flow), ("csrf", &csrf), ("decision", "deny")]).await;
        assert_eq!(
            denied.location(),
            "https://client.example.com/callback?error=access_denied&error_description=the+user+declined\
             &state=the+state&iss=http%3A%2F%2F127.0.0.1%3A8080"
        );
        browser.authorize("reports", &[]).await.assert_leads_to("/consent");
        // What was allowed before stays allowed when something else is denied.
        let asked = browser.authorize("reports", &[("scope", "openid")]).await;
        browser.consent(&asked, "allow").await.assert_code();
        let wider = browser.authorize("reports", &[]).await;
        browser.consent(&wider, "deny").await;
        browser.authorize("reports", &[("scope", "openid")]).await.assert_code();
    }
}

/// The titles of the listed permissions, and whether each is marked as new.
fn permissions(html: &str) -> Vec<(String, bool)> {
    html.split("<span class=\"permission\">")
        .skip(1)
        .map(|rest| {
            let line = rest.split("</p>").next().unwrap();
            let title = line.split(['<']).next().unwrap().trim().to_owned();
            (title, line.contains("class=\"badge\""))
        })
        .collect()
}

#[tokio::test]
async fn wider_scopes_ask_again_and_what_is_new_is_marked() {
    const ME: &str = "Know that it’s you";
    const PROFILE: &str = "See your profile";
    const EMAIL: &str = "See your email address";
    const PHONE: &str = "See your phone number";
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        world.user(&tenant, "grace@example.com").await;
        for id in ["charts", "other"] {
            world.client(&tenant, id, |metadata| metadata.scope = "openid profile email phone".parse().unwrap()).await;
        }
        let mut browser = Browser::new(&world, "");
        let start = browser.authorize("charts", &[("scope", "openid profile")]).await;
        let signed_in = browser.sign_in(&start, "ada@example.com", PASSWORD).await;
        // (scopes asked for, what the page lists); each is allowed.
        let steps: [(&str, &[(&str, bool)]); 3] = [
            ("openid profile", &[(ME, false), (PROFILE, false)]),
            ("openid profile email", &[(ME, false), (PROFILE, false), (EMAIL, true)]),
            ("openid phone", &[(ME, false), (PHONE, true)]),
        ];
        for (number, (scope, listed)) in steps.into_iter().enumerate() {
            let asked = if number == 0 {
                signed_in.location().to_owned()
            } else {
                browser.authorize("charts", &[("scope", scope)]).await.location().to_owned()
            };
            let page = browser.get(&asked).await;
            page.assert_page(200, QUESTION);
            let mut found = permissions(&page.body);
            let mut expected: Vec<(String, bool)> =
                listed.iter().map(|(title, new)| ((*title).to_owned(), *new)).collect();
            found.sort();
            expected.sort();
            assert_eq!(found, expected, "{scope}");
            let (flow, csrf) =
                (crate::support::world::hidden(&page.body, "flow"), crate::support::world::hidden(&page.body, "csrf"));
            browser.post("/consent", &[("flow", &flow), ("csrf", &csrf), ("decision", "allow")]).await.assert_code();
        }
        // All that was ever allowed is remembered together.
        for scope in ["openid profile email phone", "openid", "openid email", "openid unheard-of"] {
            browser.authorize("charts", &[("scope", scope)]).await.assert_code();
        }
        // It was allowed by this person to this client, and to nobody else.
        browser.authorize("other", &[("scope", "openid")]).await.assert_leads_to("/consent");
        let mut other = Browser::new(&world, "");
        let start = other.authorize("charts", &[("scope", "openid")]).await;
        other.sign_in(&start, "grace@example.com", PASSWORD).await.assert_leads_to("/consent");
    }
}

#[tokio::test]
async fn a_client_of_the_house_is_not_asked_for_unless_it_wants_it() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        world.client(&tenant, "house", |metadata| metadata.consent = ConsentPolicy::Implied).await;
        let mut browser = Browser::new(&world, "");
        let start = browser.authorize("house", &[]).await;
        browser.sign_in(&start, "ada@example.com", PASSWORD).await.assert_code();
        browser.authorize("house", &[("prompt", "none")]).await.assert_code();
        let asked = browser.authorize("house", &[("prompt", "consent")]).await;
        asked.assert_leads_to("/consent");
        browser.consent(&asked, "deny").await;
        browser.authorize("house", &[]).await.assert_code();
        // What goes without asking for one client doesn't for another.
        browser.authorize("reports", &[]).await.assert_leads_to("/consent");
        let silent = browser.authorize("reports", &[("prompt", "none")]).await;
        assert_eq!(silent.returned("error").as_deref(), Some("consent_required"));
    }
}

#[tokio::test]
async fn the_page_leads_on_when_there_is_nothing_to_ask() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let mut browser = Browser::new(&world, "");
        let (flow, csrf) = browser.sign_in_page("reports").await;
        // Nobody is signed in yet.
        browser.get(&format!("/consent?flow={flow}")).await.assert_leads_to(&format!("/login?flow={flow}"));
        let form = encode(&[("flow", &flow), ("csrf", &csrf), ("decision", "allow")]);
        let early = browser.post_raw("/consent", Some(FORM), form.into_bytes()).await;
        early.assert_leads_to(&format!("/login?flow={flow}"));
        // Somebody allowed it in another tab.
        let (second, _) = browser.consent_page("reports", "ada@example.com").await;
        let asked = browser.authorize("reports", &[]).await;
        browser.consent(&asked, "allow").await.assert_code();
        browser.get(&format!("/consent?flow={second}")).await.assert_code();
        browser.get(&format!("/consent?flow={flow}")).await.assert_code();
        // The client wants them to prove themselves anew: consent alone isn't enough.
        world.pass(std::time::Duration::from_secs(1));
        let fresh = browser.authorize("reports", &[("prompt", "login consent")]).await;
        let (flow, _) = browser.form(&fresh).await;
        let tenant = world.tenant().await;
        let ada = users::find(&world.ctx, &tenant, "ada@example.com").await.unwrap().id;
        let csrf = browser.csrf(&flow, Form::Consent(ada));
        browser.get(&format!("/consent?flow={flow}")).await.assert_leads_to("/login");
        let allow = [("flow", &*flow), ("csrf", &*csrf), ("decision", "allow")];
        browser.post("/consent", &allow).await.assert_leads_to("/login");
    }
}

/// The question was put to one person; another who signs in meanwhile, in another tab, hasn't answered it.
#[tokio::test]
async fn an_answer_is_of_the_person_who_was_asked() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let grace = world.user(&tenant, "grace@example.com").await.id;
        let mut browser = Browser::new(&world, "");
        let (flow, csrf) = browser.consent_page("reports", "ada@example.com").await;
        world.pass(std::time::Duration::from_secs(1));
        let other_tab = browser.authorize("reports", &[("prompt", "login")]).await;
        browser.sign_in(&other_tab, "grace@example.com", PASSWORD).await.assert_leads_to("/consent");
        // She can't answer for him: the flow is Ada's, and Ada's answer gives Ada's tokens.
        let token = browser.csrf(&flow, Form::Consent(grace));
        browser
            .post("/consent", &[("flow", &flow), ("csrf", &token), ("decision", "allow")])
            .await
            .assert_leads_to("/consent?flow=");
        let asked = browser.get(&format!("/consent?flow={flow}")).await;
        asked.assert_page(200, "ada@example.com");
        let allowed = browser.post("/consent", &[("flow", &flow), ("csrf", &csrf), ("decision", "allow")]).await;
        allowed.assert_code();
        let tokens = redeem(&world, "", "reports", &allowed.returned("code").unwrap()).await.json();
        assert_eq!(payload(tokens["access_token"].as_str().unwrap())["email"], "ada@example.com");
        // The token of the sign-in page answers nothing, and the other way round.
        let hint = [("prompt", "consent"), ("login_hint", "ada@example.com")];
        let asked = browser.authorize("reports", &hint).await;
        let (flow, csrf) = browser.form(&asked).await;
        let sign_in = browser.csrf(&flow, Form::SignIn);
        let form = [("flow", &*flow), ("csrf", &*sign_in), ("decision", "allow")];
        browser.post("/consent", &form).await.assert_page(403, NOT_OURS);
        let form = [("flow", &*flow), ("csrf", &*csrf), ("email", "ada@example.com"), ("password", PASSWORD)];
        browser.post("/login", &form).await.assert_page(403, NOT_OURS);
    }
}

/// A silent request reads what was allowed, and it is withdrawn before there is a code.
#[tokio::test]
async fn what_was_withdrawn_in_the_meantime_gives_no_code() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let ada = users::find(&world.ctx, &tenant, "ada@example.com").await.unwrap().id;
        let mut browser = Browser::new(&world, "");
        browser.code("reports", "ada@example.com").await;
        let filter = store::sessions::SessionFilter { user: Some(ada), ..Default::default() };
        let sessions = sessions::list(&world.ctx, tenant.id, &filter, None, 10).await.unwrap();
        let asked = browser.authorize("reports", &[("prompt", "consent")]).await;
        let flow = asked.location().split_once("flow=").unwrap().1.parse().unwrap();
        let flow = store::authorization_flows::find(world.ctx.database.read(), tenant.id, flow).await.unwrap().unwrap();
        let client = clients::active(&world.ctx, tenant.id, &"reports".parse().unwrap()).await.unwrap();
        let caller = Caller { address: std::net::Ipv4Addr::LOCALHOST.into(), user_agent: None };
        let silently = async || {
            let completion = Completion {
                request: flow.request.clone(),
                session: sessions[0].clone(),
                flow: None,
                browser: BrowserState::default(),
                consent: None,
            };
            authorize::complete(&world.ctx, tenant.id, &caller, &client, completion).await
        };
        assert!(matches!(silently().await, Ok(Next::Return(_))), "as it was allowed");
        consents::withdraw(&world.ctx, tenant.id, ada, &client.id, "test").await.unwrap();
        let raw = database.raw().await;
        let codes = count(&raw, "authorization_codes").await;
        assert!(matches!(silently().await, Err(AuthorizeError::FlowUnknown)));
        assert_eq!(count(&raw, "authorization_codes").await, codes);
        raw.close().await.unwrap();
    }
}
