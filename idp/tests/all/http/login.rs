//! `/login`: each bad input with its page, and who may sign in.

use std::time::Duration;

use idp::domain::Secret;
use idp::service::browser::Form;
use idp::service::password_hasher::{HashCost, PasswordHasher};
use idp::service::users;
use idp::store;

use crate::support::databases;
use crate::support::world::{Browser, FORM, PASSWORD, World, encode};

const EXPIRED: &str = "This sign\u{2011}in has expired";
const NOT_OURS: &str = "We couldn’t be sure that this came from you";
const ELSEWHERE: &str = "This sign\u{2011}in was started somewhere else";
const FINISHED: &str = "This sign-in is already finished";
const WRONG: &str = "The email, username or password isn’t right.";
const NO_NAME: &str = "Enter your email or username";
const NO_PASSWORD: &str = "Enter your password";
const UNREADABLE: &str = "The app’s request can’t be used";
const UNSUPPORTED: &str = "This form can’t be read";

/// What is wrong, the body with `FLOW` and `CSRF` for the right values, the status, words on the page.
type BadForm = (&'static str, String, u16, &'static str);

fn bad_forms() -> Vec<BadForm> {
    let long = "x".repeat(5000);
    let ada = "email=ada%40example.com";
    let right = format!("flow=FLOW&csrf=CSRF&{ada}&password=correct+horse+battery+staple");
    let without = |name: &str| {
        let kept: Vec<&str> = right.split('&').filter(|pair| !pair.starts_with(&format!("{name}="))).collect();
        kept.join("&")
    };
    let with = |name: &str, value: &str| format!("{}&{name}={value}", without(name));
    let twice = |name: &str, value: &str| format!("{right}&{name}={value}");
    vec![
        ("nothing", String::new(), 400, EXPIRED),
        ("no flow", without("flow"), 400, EXPIRED),
        ("empty flow", with("flow", ""), 400, EXPIRED),
        ("flow twice", twice("flow", "FLOW"), 400, EXPIRED),
        ("flow that is no id", with("flow", "1"), 400, EXPIRED),
        ("long flow", with("flow", &long), 400, EXPIRED),
        ("no csrf", without("csrf"), 403, NOT_OURS),
        ("empty csrf", with("csrf", ""), 403, NOT_OURS),
        ("csrf twice", twice("csrf", "CSRF"), 403, NOT_OURS),
        ("wrong csrf", with("csrf", "wrong"), 403, NOT_OURS),
        ("csrf and more", with("csrf", "CSRF0"), 403, NOT_OURS),
        ("long csrf", with("csrf", &long), 403, NOT_OURS),
        ("csrf in other characters", with("csrf", "%C3%A4"), 403, NOT_OURS),
        ("flow that doesn't exist", with("flow", "01980000-0000-7000-8000-000000000000"), 403, NOT_OURS),
        ("no email", without("email"), 422, NO_NAME),
        ("empty email", with("email", ""), 422, NO_NAME),
        ("blank email", with("email", "+%09+"), 422, NO_NAME),
        ("email twice", twice("email", "ada%40example.com"), 422, NO_NAME),
        ("no password", without("password"), 422, NO_PASSWORD),
        ("empty password", with("password", ""), 422, NO_PASSWORD),
        ("password twice", twice("password", "correct+horse+battery+staple"), 422, NO_PASSWORD),
        ("neither", "flow=FLOW&csrf=CSRF".to_owned(), 422, NO_PASSWORD),
        ("unknown action", "flow=FLOW&csrf=CSRF&action=dance".to_owned(), 422, NO_NAME),
        ("cancel twice over", "flow=FLOW&csrf=CSRF&action=cancel&action=cancel".to_owned(), 422, NO_NAME),
        ("percent sign", with("email", "%"), 400, UNREADABLE),
        ("wrong digits", with("email", "%zz"), 400, UNREADABLE),
        ("not UTF-8", with("email", "%ff"), 400, UNREADABLE),
        ("NUL", with("email", "ada%00"), 400, UNREADABLE),
        ("huge", with("email", &"x".repeat(17_000)), 413, "That was too much at once"),
        // These are attempts, and the answer is that of every wrong one.
        ("long email", with("email", &long), 422, WRONG),
        ("long password", with("password", &long), 422, WRONG),
        ("email of one character", with("email", "%40"), 422, WRONG),
        ("email with markup", with("email", "%22%3E%3Cscript%3E"), 422, WRONG),
    ]
}

#[tokio::test]
async fn a_bad_form_gets_a_page_that_says_so_and_the_flow_goes_on() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let mut browser = Browser::new(&world, "");
        let (flow, csrf) = browser.sign_in_page("reports").await;
        for (name, body, status, text) in bad_forms() {
            let body = body.replace("FLOW", &flow).replace("CSRF", &csrf);
            let answer = browser.post_raw("/login", Some(FORM), body.into_bytes()).await;
            println!("{name}");
            answer.assert_page(status, text);
            assert!(!answer.body.contains("<script>"), "{name}");
            assert!(browser.cookie("session").is_none(), "{name}");
        }
        let raw = format!("flow={flow}&csrf={csrf}&email=\u{e4}&password=x");
        let latin = raw.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
        browser.post_raw("/login", Some(FORM), latin).await.assert_page(400, UNREADABLE);
        let form = encode(&[("flow", &flow), ("csrf", &csrf), ("email", "ada@example.com"), ("password", PASSWORD)]);
        let types =
            [None, Some(""), Some("text/plain"), Some("application/json"), Some("multipart/form-data; boundary=x")];
        for media_type in types {
            let answer = browser.post_raw("/login", media_type, form.clone().into_bytes()).await;
            println!("{media_type:?}");
            answer.assert_page(415, UNSUPPORTED);
        }
        let media_type = Some("Application/X-WWW-Form-URLEncoded; charset=UTF-8");
        let answer = browser.post_raw("/login", media_type, form.into_bytes()).await;
        answer.assert_leads_to("/consent?flow=");
    }
}

#[tokio::test]
async fn the_page_of_a_flow_that_is_missing_or_unknown_says_so() {
    let long = format!("?flow={}", "x".repeat(5000));
    let cases = [
        "",
        "?",
        "?flow=",
        "?flow=1",
        "?flow=FLOW&flow=FLOW",
        "?flow=FLOW0",
        "?Flow=FLOW",
        "?flow=%zz",
        "?flow=%ff",
        "?flow=01980000-0000-7000-8000-000000000000",
        &long,
    ];
    for database in databases().await {
        let world = World::furnished(&database).await;
        let mut browser = Browser::new(&world, "");
        let (flow, _) = browser.sign_in_page("reports").await;
        for path in ["/login", "/consent"] {
            for query in cases {
                println!("{path}{query}");
                browser.get(&format!("{path}{}", query.replace("FLOW", &flow))).await.assert_page(400, EXPIRED);
            }
        }
        // The form's token is right, the flow isn't there.
        let unknown = "01980000-0000-7000-8000-000000000000";
        let csrf = browser.csrf(unknown, Form::SignIn);
        let form = [("flow", unknown), ("csrf", &csrf), ("email", "ada@example.com"), ("password", PASSWORD)];
        browser.post("/login", &form).await.assert_page(400, EXPIRED);
    }
}

#[tokio::test]
async fn a_form_from_a_browser_that_did_not_get_the_page_is_refused() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let mut browser = Browser::new(&world, "");
        let (flow, csrf) = browser.sign_in_page("reports").await;
        let form = [("flow", &*flow), ("csrf", &*csrf), ("email", "ada@example.com"), ("password", PASSWORD)];

        let mut without_cookies = Browser::new(&world, "");
        without_cookies.post("/login", &form).await.assert_page(403, ELSEWHERE);
        let mut stranger = Browser::new(&world, "");
        let (others_flow, others_csrf) = stranger.sign_in_page("reports").await;
        stranger.post("/login", &form).await.assert_page(403, NOT_OURS);
        stranger.get(&format!("/login?flow={flow}")).await.assert_page(403, ELSEWHERE);
        // A token of the stranger's own for a flow that isn't theirs.
        let forged = stranger.csrf(&flow, Form::SignIn);
        let forged = [("flow", &*flow), ("csrf", &*forged), ("email", "ada@example.com"), ("password", PASSWORD)];
        stranger.post("/login", &forged).await.assert_page(403, ELSEWHERE);
        // The token of one flow in the form of another.
        let (second, second_csrf) = browser.sign_in_page("reports").await;
        for (flow, csrf) in [(&flow, &second_csrf), (&second, &csrf), (&flow, &others_csrf), (&others_flow, &csrf)] {
            let form = [("flow", &**flow), ("csrf", &**csrf), ("email", "ada@example.com"), ("password", PASSWORD)];
            browser.post("/login", &form).await.assert_page(403, NOT_OURS);
        }
        // A cookie that can't be one of ours.
        for value in ["", "x", &"x".repeat(5000), "../../../etc/passwd"] {
            let mut odd = Browser::new(&world, "");
            let (name, _) = browser.cookie("browser").unwrap();
            odd.cookies.insert(name.to_owned(), value.to_owned());
            odd.post("/login", &form).await.assert_page(403, ELSEWHERE);
        }
        browser.post("/login", &form).await.assert_leads_to("/consent?flow=");
    }
}

#[tokio::test]
async fn a_flow_ends_once() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let mut browser = Browser::new(&world, "");
        let (cancelled, csrf) = browser.sign_in_page("reports").await;
        let cancel = [("flow", &*cancelled), ("csrf", &*csrf), ("action", "cancel")];
        let answer = browser.post("/login", &cancel).await;
        assert_eq!(answer.returned("error").as_deref(), Some("access_denied"));
        let (completed, completed_csrf) = browser.consent_page("reports", "ada@example.com").await;
        let allow = [("flow", &*completed), ("csrf", &*completed_csrf), ("decision", "allow")];
        browser.post("/consent", &allow).await.assert_code();

        let tenant = world.tenant().await;
        let ada = users::find(&world.ctx, &tenant, "ada@example.com").await.unwrap().id;
        for flow in [&cancelled, &completed] {
            let (sign_in, consent) = (browser.csrf(flow, Form::SignIn), browser.csrf(flow, Form::Consent(ada)));
            let before = browser.cookies.clone();
            let form = [("flow", &**flow), ("csrf", &sign_in), ("email", "ada@example.com"), ("password", PASSWORD)];
            browser.post("/login", &form).await.assert_page(410, FINISHED);
            assert_eq!(browser.cookies, before);
            let cancel = [("flow", &**flow), ("csrf", &sign_in), ("action", "cancel")];
            browser.post("/login", &cancel).await.assert_page(410, FINISHED);
            for decision in ["allow", "deny"] {
                let form = [("flow", &**flow), ("csrf", &consent), ("decision", decision)];
                browser.post("/consent", &form).await.assert_page(410, FINISHED);
            }
            for path in ["/login", "/consent"] {
                browser.get(&format!("{path}?flow={flow}")).await.assert_page(410, FINISHED);
            }
        }
    }
}

#[tokio::test]
async fn nothing_tells_who_exists() {
    use idp::domain::user::UserStatus;
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        for (email, status) in
            [("disabled@example.com", UserStatus::Disabled), ("locked@example.com", UserStatus::Locked)]
        {
            world.user(&tenant, email).await;
            users::set_status(&world.ctx, &tenant, email, status, "test").await.unwrap();
        }
        world.person(&tenant, "passwordless@example.com", |new| new.password = None).await;

        let mut answers = Vec::new();
        let wrong = "not the password";
        for (email, password) in [
            ("ada@example.com", wrong),
            ("nobody@example.com", PASSWORD),
            ("nobody", PASSWORD),
            ("disabled@example.com", PASSWORD),
            ("disabled@example.com", wrong),
            ("locked@example.com", PASSWORD),
            ("passwordless@example.com", PASSWORD),
            ("passwordless@example.com", "$argon2id$v=19$m=64,t=1,p=1$AAAA$AAAA"),
        ] {
            let mut browser = Browser::new(&world, "");
            let (flow, csrf) = browser.sign_in_page("reports").await;
            let form = [("flow", &*flow), ("csrf", &*csrf), ("email", email), ("password", password)];
            let answer = browser.post("/login", &form).await;
            answer.assert_page(422, WRONG);
            assert!(!answer.body.contains(password), "a password is never sent back");
            let body = answer.body.replace(&flow, "FLOW").replace(&csrf, "CSRF").replace(email, "EMAIL");
            answers.push((answer.status, format!("{:?}", answer.headers), body));
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "{answers:#?}");
    }
}

#[tokio::test]
async fn a_person_is_known_by_e_mail_address_and_user_name_in_any_case() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        world.person(&tenant, "Grace.Hopper@example.com", |new| new.username = Some("Grace-H".parse().unwrap())).await;
        world
            .person(&tenant, "x@example.com", |new| {
                new.email = None;
                new.username = Some("nameonly".parse().unwrap());
            })
            .await;
        for name in [
            "grace.hopper@example.com",
            "GRACE.HOPPER@EXAMPLE.COM",
            "Grace.Hopper@example.com",
            " grace-h ",
            "Grace-H",
            "GRACE-H",
            "nameonly",
            "\tNameOnly\n",
        ] {
            let mut browser = Browser::new(&world, "");
            let start = browser.authorize("reports", &[]).await;
            let answer = browser.sign_in(&start, name, PASSWORD).await;
            println!("{name}");
            answer.assert_leads_to("/");
        }
        for name in ["grace.hopper", "grace.hopper@example.com.", "grace h", "x@example.com", "grace%"] {
            let mut browser = Browser::new(&world, "");
            let start = browser.authorize("reports", &[]).await;
            browser.sign_in(&start, name, PASSWORD).await.assert_page(422, WRONG);
        }
        // A password is taken as it was typed.
        for password in [&PASSWORD.to_uppercase(), &format!("{PASSWORD} "), &format!(" {PASSWORD}")] {
            let mut browser = Browser::new(&world, "");
            let start = browser.authorize("reports", &[]).await;
            browser.sign_in(&start, "grace-h", password).await.assert_page(422, WRONG);
        }
    }
}

/// Gives a user a hash of other parameters than the world's.
async fn give_outdated_hash(world: &World, user: idp::domain::UserId, cost: HashCost) -> String {
    let tenant = world.tenant().await.id;
    let old = PasswordHasher::start(cost, 1, 1).unwrap();
    let phc = old.hash(Secret::new(PASSWORD), [9; 16]).await.unwrap();
    let (hash, now) = (Secret::new(phc.clone()), world.ctx.now());
    world
        .ctx
        .database
        .write(async move |tx| store::users::set_password_hash(&tx, tenant, user, &hash, now).await)
        .await
        .unwrap();
    phc
}

async fn stored_hash(world: &World, user: idp::domain::UserId) -> String {
    let tenant = world.tenant().await.id;
    let phc = store::users::password_hash(world.ctx.database.read(), tenant, user).await.unwrap();
    phc.unwrap().expose().to_owned()
}

#[tokio::test]
async fn a_hash_of_other_parameters_is_renewed_at_sign_in() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let user = users::find(&world.ctx, &tenant, "ada@example.com").await.unwrap().id;
        let cost = HashCost { memory_kib: 32, iterations: 2, parallelism: 1 };
        let old = give_outdated_hash(&world, user, cost).await;
        assert!(old.starts_with("$argon2id$v=19$m=32,t=2,p=1$"), "{old}");

        let mut browser = Browser::new(&world, "");
        let start = browser.authorize("reports", &[]).await;
        browser.sign_in(&start, "ada@example.com", "not the password").await.assert_page(422, WRONG);
        assert_eq!(stored_hash(&world, user).await, old, "a wrong password renews nothing");
        browser.sign_in(&start, "ada@example.com", PASSWORD).await.assert_leads_to("/consent");
        let renewed = stored_hash(&world, user).await;
        assert!(renewed.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{renewed}");

        world.pass(Duration::from_secs(1));
        let start = browser.authorize("reports", &[("prompt", "login")]).await;
        browser.sign_in(&start, "ada@example.com", PASSWORD).await.assert_leads_to("/consent");
        assert_eq!(stored_hash(&world, user).await, renewed, "a hash of today's parameters stays");
    }
}

/// A sign-in takes as long as a hash. A password that is changed in the meantime is changed, and who knew the old one
/// is out: neither is the new hash overwritten by the renewal of the old one, nor does a session of the old one live.
#[tokio::test]
async fn a_password_changed_during_a_sign_in_is_changed() {
    const NEW: &str = "a password of another kind";
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        for round in 0..10 {
            let email = format!("u{round}@example.com");
            let user = world.user(&tenant, &email).await.id;
            give_outdated_hash(&world, user, HashCost { memory_kib: 4096, iterations: 1, parallelism: 1 }).await;
            let mut browser = Browser::new(&world, "");
            let start = browser.authorize("reports", &[]).await;
            let change = async {
                for _ in 0..round * 8 {
                    tokio::task::yield_now().await;
                }
                users::set_password(&world.ctx, &tenant, &email, Secret::new(NEW), "test").await.unwrap();
            };
            futures_util::future::join(browser.sign_in(&start, &email, PASSWORD), change).await;
            let silent = browser.authorize("reports", &[("prompt", "none")]).await;
            assert_eq!(silent.returned("error").as_deref(), Some("login_required"), "round {round}");
            let mut owner = Browser::new(&world, "");
            let start = owner.authorize("reports", &[]).await;
            owner.sign_in(&start, &email, PASSWORD).await.assert_page(422, WRONG);
            owner.sign_in(&start, &email, NEW).await.assert_leads_to("/consent");
        }
    }
}
