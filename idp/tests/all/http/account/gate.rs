//! Every address of the console against everybody who may not open it, and every form against whatever isn't ours.

use std::time::Duration;

use idp::http::account::{ADDRESSES, Access, Address};
use poem::http::StatusCode;

use super::{ELSEWHERE, NOT_OURS, code, console, csrf, session_of, token_for};
use crate::support::databases;
use crate::support::world::{Answer, Browser, FORM, PASSWORD, World, encode, request};

/// What a page of the console must say to caches and to other sites.
fn assert_guarded(answer: &Answer) {
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    if answer.status == StatusCode::SEE_OTHER {
        return;
    }
    let policy = answer.header("content-security-policy").unwrap();
    assert!(policy.contains("frame-ancestors 'none'") && policy.contains("default-src 'none'"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(answer.header("x-frame-options"), Some("DENY"));
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    assert!(answer.header("access-control-allow-origin").is_none());
}

/// The requests that an address takes, each with the fields of a form that would do something.
async fn answers(browser: &mut Browser<'_>, address: &Address, token: &str) -> Vec<Answer> {
    let mut answers = Vec::new();
    if address.get {
        answers.push(browser.get(&format!("{}?client=reports", address.path)).await);
    }
    if address.post {
        let form = [
            ("csrf", token),
            ("client", "reports"),
            ("account", "01980000-0000-7000-8000-000000000000"),
            ("session", "01980000-0000-7000-8000-000000000000"),
            ("seen", "0"),
            ("current", PASSWORD),
            ("new", "another horse, another battery"),
            ("again", "another horse, another battery"),
        ];
        answers.push(browser.post(address.path, &form).await);
    }
    answers
}

fn needing(access: &[Access]) -> impl Iterator<Item = &'static Address> {
    ADDRESSES.iter().filter(move |address| access.contains(&address.access))
}

#[tokio::test]
async fn every_address_sends_who_is_not_signed_in_to_sign_in_and_changes_nothing() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let acme = world.other_tenant("acme").await;
        world.user(&acme, "ada@example.com").await;
        let mut ada = console(&world, "", "ada@example.com").await;
        code(&mut ada, "reports").await;
        let token = csrf(&mut ada).await;
        let untouched = super::profile(&world, &tenant, "ada@example.com").await;

        let mut nobody = Browser::new(&world, "");
        nobody.get("/account").await.assert_leads_to("/login?flow=");
        let nonsense = ["x".repeat(43), String::new(), "x.y.z".to_owned()];
        let (name, theirs) = ada.cookie("session").map(|(name, value)| (name.to_owned(), value.to_owned())).unwrap();
        for address in needing(&[Access::Session, Access::Fresh]) {
            println!("{}", address.path);
            for answer in answers(&mut nobody, address, &token).await {
                answer.assert_leads_to("/login?flow=");
                assert_guarded(&answer);
            }
            for cookie in &nonsense {
                nobody.cookies.insert(name.clone(), cookie.clone());
                for answer in answers(&mut nobody, address, &token).await {
                    answer.assert_leads_to("/login?flow=");
                }
            }
            nobody.cookies.remove(&name);
            // Another tenant's session is none here.
            let mut away = console(&world, "/t/acme", "ada@example.com").await;
            let (_, secret) = away.cookie("session").map(|(name, value)| (name.to_owned(), value.to_owned())).unwrap();
            let mut here = Browser::new(&world, "");
            here.get("/account").await;
            here.cookies.insert(name.clone(), secret);
            for answer in answers(&mut here, address, &token).await {
                answer.assert_leads_to("/login?flow=");
            }
            // Nor is this tenant's there.
            let theirs_away = away.cookie("session").unwrap().0.to_owned();
            away.cookies.insert(theirs_away, theirs.clone());
            for answer in answers(&mut away, address, &token).await {
                answer.assert_leads_to("/t/acme/login?flow=");
            }
        }
        assert_eq!(super::profile(&world, &tenant, "ada@example.com").await, untouched);
        ada.authorize("reports", &[("prompt", "none")]).await.assert_code();
    }
}

#[tokio::test]
async fn every_address_that_an_account_hangs_on_asks_for_a_recent_sign_in() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let mut ada = console(&world, "", "ada@example.com").await;
        code(&mut ada, "reports").await;
        let token = csrf(&mut ada).await;
        // Somewhere else, so that there is something to sign out of.
        console(&world, "", "ada@example.com").await;
        world.pass(Duration::from_mins(5));
        for address in ADDRESSES.iter().filter(|address| address.get) {
            let answer = ada.get(&format!("{}?client=reports", address.path)).await;
            match address.access {
                Access::Fresh => {
                    answer.assert_leads_to("/login?flow=");
                    ada.get(answer.location()).await.assert_page(200, "Sign in again");
                }
                Access::Open => answer.assert_leads_to("/account"),
                Access::Session => assert!(answer.status != StatusCode::SEE_OTHER, "{}", address.path),
            }
        }
        for address in needing(&[Access::Fresh]) {
            for answer in answers(&mut ada, address, &token).await {
                answer.assert_leads_to("/login?flow=");
                assert_guarded(&answer);
            }
        }
        // Nothing was changed: the password is what it was.
        let mut again = Browser::new(&world, "");
        super::sign_in(&mut again, "ada@example.com").await.assert_leads_to("/account");
    }
}

#[tokio::test]
async fn every_form_that_is_not_ours_changes_nothing() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        world.user(&tenant, "grace@example.com").await;
        let mut ada = console(&world, "", "ada@example.com").await;
        code(&mut ada, "reports").await;
        let token = csrf(&mut ada).await;
        let mut grace = console(&world, "", "grace@example.com").await;
        let graces = csrf(&mut grace).await;
        let of_ada_in_graces = token_for(&grace, session_of(&world, &tenant, &ada).await);
        let sign_in = {
            let start = ada.authorize("reports", &[("prompt", "login")]).await;
            ada.form(&start).await.1
        };
        let untouched = super::profile(&world, &tenant, "ada@example.com").await;
        for address in ADDRESSES.iter().filter(|address| address.post) {
            println!("{}", address.path);
            let long = "x".repeat(5000);
            for (why, csrf) in [
                ("nothing", ""),
                ("nonsense", "nonsense"),
                ("too long", &*long),
                ("another person's", &*graces),
                ("another browser's", &*of_ada_in_graces),
                ("another form's", &*sign_in),
            ] {
                println!("  {why}");
                let form = [("csrf", csrf), ("client", "reports"), ("name", "Eve"), ("seen", "0")];
                let answer = ada.post(address.path, &form).await;
                answer.assert_page(403, NOT_OURS);
                assert_guarded(&answer);
            }
            let twice = format!("csrf={token}&csrf={token}&client=reports");
            ada.post_raw(address.path, Some(FORM), twice.into_bytes()).await.assert_page(403, NOT_OURS);
            // What another site sends comes without cookies.
            let mut elsewhere = Browser::new(&world, "");
            let form = [("csrf", &*token), ("client", "reports"), ("name", "Eve")];
            elsewhere.post(address.path, &form).await.assert_page(403, ELSEWHERE);
            for (media_type, body, status) in
                [(None, "csrf=x", 415), (Some("application/json"), "{}", 415), (Some(FORM), "csrf=%zz", 400)]
            {
                let answer = ada.post_raw(address.path, media_type, body.as_bytes().to_vec()).await;
                assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
            }
            let huge = format!("csrf={token}&name={}", "x".repeat(17_000));
            let answer = ada.post_raw(address.path, Some(FORM), huge.into_bytes()).await;
            answer.assert_page(413, "That was too much at once");
        }
        assert_eq!(super::profile(&world, &tenant, "ada@example.com").await, untouched);
        ada.authorize("reports", &[("prompt", "none")]).await.assert_code();
    }
}

#[tokio::test]
async fn every_address_takes_its_methods_and_no_other() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let ada = console(&world, "", "ada@example.com").await;
        let cookies = ada.cookie_header();
        for address in ADDRESSES {
            for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
                let takes = (method == "GET" && address.get) || (method == "POST" && address.post);
                let headers = [("cookie", &*cookies), ("accept", "text/html"), ("content-type", FORM)];
                let body = encode(&[("csrf", "x")]).into_bytes();
                let answer = world.send(request(method, address.path, &headers, body)).await;
                let refused = answer.status == StatusCode::METHOD_NOT_ALLOWED;
                assert_eq!(refused, !takes, "{method} {}", address.path);
                if refused {
                    let allow = answer.header("allow").unwrap();
                    assert_eq!(allow.contains("GET"), address.get, "{}: {allow}", address.path);
                    assert_eq!(allow.contains("POST"), address.post, "{}: {allow}", address.path);
                }
            }
        }
        for path in ["/account/", "/accounts", "/account/nothing", "/account/profile/", "/account/applications/reports"]
        {
            let answer = world.get(path, &[("cookie", &*cookies), ("accept", "text/html")]).await;
            answer.assert_page(404, super::NO_SUCH_PAGE);
        }
    }
}
