//! Limits on failed sign-ins: per account and per address, in the database, whatever is tried around them.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use poem::http::StatusCode;

use crate::support::databases;
use crate::support::world::{Answer, Browser, FORM, PASSWORD, World, encode, request};

const WRONG: &str = "The email, username or password isn’t right.";
const TOO_MANY: &str = "There were too many attempts to sign in.";

/// Signs in, in a browser of its own, at that network address.
async fn attempt(world: &World, base: &str, address: &str, name: &str, password: &str) -> Answer {
    let mut browser = Browser::new(world, base);
    address.clone_into(&mut browser.address);
    let start = browser.authorize("reports", &[]).await;
    browser.sign_in(&start, name, password).await
}

async fn guess(world: &World, name: &str) -> Answer {
    attempt(world, "", "192.0.2.1", name, "not the password").await
}

async fn right(world: &World, name: &str) -> Answer {
    attempt(world, "", "192.0.2.1", name, PASSWORD).await
}

fn assert_too_many(answer: &Answer, seconds: &str) {
    answer.assert_page(429, TOO_MANY);
    assert_eq!(answer.header("retry-after"), Some(seconds));
    assert!(answer.header("set-cookie").is_none());
}

#[tokio::test]
async fn an_account_may_be_guessed_at_ten_times_in_a_quarter_of_an_hour() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        // Whether such an account exists makes no difference.
        let names = ["ada@example.com", "nobody@example.com"];
        for name in names {
            for _ in 0..10 {
                guess(&world, name).await.assert_page(422, WRONG);
            }
            assert_too_many(&guess(&world, name).await, "900");
        }
        assert_too_many(&guess(&world, " ADA@example.com ").await, "900");
        assert_too_many(&right(&world, "ada@example.com").await, "900");
        // Elsewhere, it is the same account.
        let elsewhere = attempt(&world, "", "203.0.113.9", "ada@example.com", PASSWORD).await;
        assert_too_many(&elsewhere, "900");
        world.pass(Duration::from_mins(14));
        assert_too_many(&right(&world, "ada@example.com").await, "60");
        world.pass(Duration::from_secs(59));
        assert_too_many(&right(&world, "ada@example.com").await, "60");
        world.pass(Duration::from_secs(1));
        // What was tried in the meantime didn't make it longer.
        right(&world, "ada@example.com").await.assert_leads_to("/consent");
        guess(&world, "nobody@example.com").await.assert_page(422, WRONG);
    }
}

#[tokio::test]
async fn the_owner_who_signs_in_clears_the_account() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        for _ in 0..2 {
            for _ in 0..9 {
                guess(&world, "ada@example.com").await.assert_page(422, WRONG);
            }
            right(&world, "ada@example.com").await.assert_leads_to("/consent");
        }
        for _ in 0..10 {
            guess(&world, "ada@example.com").await.assert_page(422, WRONG);
        }
        guess(&world, "ada@example.com").await.assert_page(429, TOO_MANY);
    }
}

#[tokio::test]
async fn other_accounts_and_other_tenants_are_not_in_it() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let home = world.tenant().await;
        let acme = world.other_tenant("acme").await;
        world.user(&acme, "ada@example.com").await;
        world.client(&acme, "reports", |_| {}).await;
        world.user(&home, "grace@example.com").await;
        for _ in 0..11 {
            guess(&world, "ada@example.com").await;
        }
        assert_too_many(&right(&world, "ada@example.com").await, "900");
        right(&world, "grace@example.com").await.assert_leads_to("/consent");
        let there = attempt(&world, "/t/acme", "192.0.2.1", "ada@example.com", PASSWORD).await;
        there.assert_leads_to("/t/acme/consent");
    }
}

/// A world in which an address has twenty failures.
async fn strict(database: &crate::support::database::TestDatabase) -> World {
    let world = World::with(database.open().await, |config| {
        config.sign_in.address_limit = NonZeroU32::new(20).unwrap();
    })
    .await;
    world.furnish().await;
    world
}

#[tokio::test]
async fn an_address_is_limited_over_all_accounts() {
    for database in databases().await {
        let world = strict(&database).await;
        for number in 0..20 {
            // Successes count against nobody, and clear nothing of the address.
            if number % 5 == 0 {
                right(&world, "ada@example.com").await.assert_leads_to("/consent");
            }
            guess(&world, &format!("u{number}@example.com")).await.assert_page(422, WRONG);
        }
        assert_too_many(&guess(&world, "another@example.com").await, "900");
        assert_too_many(&right(&world, "ada@example.com").await, "900");
        let elsewhere = attempt(&world, "", "192.0.2.2", "ada@example.com", PASSWORD).await;
        elsewhere.assert_leads_to("/consent");
        world.pass(Duration::from_mins(15));
        right(&world, "ada@example.com").await.assert_leads_to("/consent");
    }
}

#[tokio::test]
async fn an_ipv6_household_is_one_address() {
    for database in databases().await {
        let world = strict(&database).await;
        for number in 0..20 {
            let address = format!("2001:db8:0:7:{number:x}::{number:x}");
            let name = format!("u{number}@example.com");
            attempt(&world, "", &address, &name, "not the password").await.assert_page(422, WRONG);
        }
        for (address, status) in [
            ("2001:db8:0:7::1", 429),
            ("2001:db8:0:7:ffff:ffff:ffff:ffff", 429),
            ("2001:db8:0:8::1", 303),
            ("::ffff:192.0.2.1", 303),
        ] {
            let answer = attempt(&world, "", address, "ada@example.com", PASSWORD).await;
            assert_eq!(answer.status.as_u16(), status, "{address}");
        }
    }
}

#[tokio::test]
async fn what_a_client_says_of_its_address_is_not_believed() {
    for database in databases().await {
        let world = strict(&database).await;
        let mut browser = Browser::new(&world, "");
        let (flow, csrf) = browser.sign_in_page("reports").await;
        let cookies = browser.cookie_header();
        let mut seen = BTreeMap::new();
        for number in 0..30 {
            let forged = format!("198.51.100.{number}");
            let forwarded = format!("for={forged}");
            let headers = [
                ("cookie", cookies.as_str()),
                ("content-type", FORM),
                ("x-forwarded-for", &forged),
                ("x-real-ip", &forged),
                ("forwarded", &forwarded),
                ("cf-connecting-ip", &forged),
                ("true-client-ip", &forged),
            ];
            let name = format!("u{number}@example.com");
            let form = encode(&[("flow", &flow), ("csrf", &csrf), ("email", &name), ("password", "wrong")]);
            let answer = world.send(request("POST", "/login", &headers, form.into_bytes())).await;
            *seen.entry(answer.status.as_u16()).or_insert(0) += 1;
        }
        assert_eq!(seen, BTreeMap::from([(422, 20), (429, 10)]));
    }
}

#[tokio::test]
async fn parallel_guesses_learn_no_more_than_the_limit() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let mut browser = Browser::new(&world, "");
        let (flow, csrf) = browser.sign_in_page("reports").await;
        let cookies = browser.cookie_header();
        let headers = [("cookie", cookies.as_str()), ("content-type", FORM)];
        let post = async |password: &str| {
            let form =
                encode(&[("flow", &flow), ("csrf", &csrf), ("email", "ada@example.com"), ("password", password)]);
            world.send(request("POST", "/login", &headers, form.into_bytes())).await
        };
        let guesses: Vec<String> = (0..60).map(|number| format!("guess number {number}")).collect();
        let answers = futures_util::future::join_all(guesses.iter().map(|guess| post(guess))).await;
        let count = |status| answers.iter().filter(|answer| answer.status == status).count();
        let (wrong, refused) = (count(StatusCode::UNPROCESSABLE_ENTITY), count(StatusCode::TOO_MANY_REQUESTS));
        assert_eq!((wrong, refused), (10, 50));
        assert_too_many(&post(PASSWORD).await, "900");
    }
}

/// The guesser has the right password on the list: beyond the limit it is refused like any other.
#[tokio::test]
async fn a_right_password_after_the_limit_is_not_told_from_a_wrong_one() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        for _ in 0..10 {
            guess(&world, "ada@example.com").await.assert_page(422, WRONG);
        }
        let (wrong, right) = (guess(&world, "ada@example.com").await, right(&world, "ada@example.com").await);
        let hide = |answer: &Answer| {
            let flow = crate::support::world::hidden(&answer.body, "flow");
            let csrf = crate::support::world::hidden(&answer.body, "csrf");
            answer.body.replace(&flow, "FLOW").replace(&csrf, "CSRF")
        };
        assert_eq!((wrong.status, hide(&wrong)), (right.status, hide(&right)));
        assert_eq!(format!("{:?}", wrong.headers), format!("{:?}", right.headers));
    }
}

#[tokio::test]
async fn a_restart_forgets_nothing() {
    for database in databases().await {
        let world = strict(&database).await;
        for _ in 0..9 {
            guess(&world, "ada@example.com").await.assert_page(422, WRONG);
        }
        for number in 0..10 {
            guess(&world, &format!("u{number}@example.com")).await.assert_page(422, WRONG);
        }
        let world = world.restarted(database.open().await).await;
        guess(&world, "ada@example.com").await.assert_page(422, WRONG);
        let world = world.restarted(database.open().await).await;
        // The account's limit, and the address's.
        let elsewhere = attempt(&world, "", "203.0.113.9", "ada@example.com", PASSWORD).await;
        assert_too_many(&elsewhere, "900");
        assert_too_many(&guess(&world, "another@example.com").await, "900");
    }
}
