//! `/account/profile`: the person's own claims, and nothing else of them.

use idp::domain::user::User;
use idp::service::users;
use poem::http::StatusCode;
use serde_json::json;

use super::{console, profile};
use crate::support::databases;
use crate::support::world::{Answer, Browser, FORM, World, encode, hidden};

/// Opens the form and sends it with these fields beside its token.
async fn save(browser: &mut Browser<'_>, fields: &[(&str, &str)]) -> Answer {
    let page = browser.get("/account/profile").await;
    page.assert_page(200, "Save");
    send(browser, &page, fields).await
}

async fn send(browser: &mut Browser<'_>, page: &Answer, fields: &[(&str, &str)]) -> Answer {
    let (csrf, seen) = (hidden(&page.body, "csrf"), hidden(&page.body, "seen"));
    let mut form = vec![("csrf", &*csrf), ("seen", &*seen)];
    form.extend_from_slice(fields);
    browser.post("/account/profile", &form).await
}

#[tokio::test]
async fn a_person_changes_their_own_claims() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let mut browser = console(&world, "", "ada@example.com").await;
        let fields = [
            ("name", "  Ada, Countess of Lovelace "),
            ("given_name", "Augusta Ada"),
            ("family_name", "King"),
            ("nickname", "Ada"),
            ("birthdate", "1815-12-10"),
            ("picture", "https://ada.example/portrait.png"),
            ("website", "https://ada.example/"),
            ("phone_number", "+44 20 7946 0018"),
            ("street_address", "12 St James’s Square\r\nThird floor"),
            ("locality", "London"),
            ("country", "United Kingdom"),
            ("locale", "en-GB"),
            ("zoneinfo", "Europe/London"),
        ];
        let saved = save(&mut browser, &fields).await;
        assert_eq!((saved.status, saved.location()), (StatusCode::SEE_OTHER, "/account/profile"));
        let expected = json!({
            "name": "Ada, Countess of Lovelace", "given_name": "Augusta Ada", "family_name": "King", "nickname": "Ada",
            "birthdate": "1815-12-10", "picture": "https://ada.example/portrait.png", "website": "https://ada.example/",
            "phone_number": "+44 20 7946 0018", "locale": "en-GB", "zoneinfo": "Europe/London",
            "address": { "street_address": "12 St James’s Square\nThird floor", "locality": "London",
                "country": "United Kingdom" },
        });
        assert_eq!(profile(&world, &tenant, "ada@example.com").await, expected);
        let page = browser.get("/account/profile").await;
        page.assert_page(200, "Your profile is saved.");
        page.assert_page(200, r#"value="Ada, Countess of Lovelace""#);
        // It is said once.
        assert!(!browser.get("/account/profile").await.body.contains("Your profile is saved."));
        // What is left empty goes.
        save(&mut browser, &[("name", "Ada"), ("locality", " "), ("country", "UK")]).await.assert_leads_to("/account");
        let expected = json!({ "name": "Ada", "address": { "country": "UK" } });
        assert_eq!(profile(&world, &tenant, "ada@example.com").await, expected);
        save(&mut browser, &[]).await.assert_leads_to("/account/profile");
        assert_eq!(profile(&world, &tenant, "ada@example.com").await, json!({}));
    }
}

#[tokio::test]
async fn what_a_person_may_not_change_stays() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        world
            .person(&tenant, "grace@example.com", |new| {
                new.email_verified = false;
                new.profile.phone_number = Some("+4930901820".to_owned());
                new.profile.phone_number_verified = Some(true);
            })
            .await;
        let mut browser = console(&world, "", "grace@example.com").await;
        let before = users::find(&world.ctx, &tenant, "grace@example.com").await.unwrap();
        let fields = [
            ("name", "Grace"),
            ("phone_number", "+4930901820"),
            ("email", "root@example.com"),
            ("email_verified", "true"),
            ("username", "root"),
            ("roles", "admin"),
            ("sub", "01980000-0000-7000-8000-000000000000"),
            ("status", "active"),
            ("phone_number_verified", "true"),
            ("formatted", "Anywhere"),
            ("profile", "https://grace.example/"),
            ("address", "x"),
            ("updated_at", "0"),
        ];
        save(&mut browser, &fields).await.assert_leads_to("/account/profile");
        let after = users::find(&world.ctx, &tenant, "grace@example.com").await.unwrap();
        let (mut profile, updated_at) = (before.profile.clone(), after.updated_at);
        profile.name = Some("Grace".to_owned());
        profile.profile = Some("https://grace.example/".to_owned());
        assert_eq!(after, User { profile, updated_at, last_activity_at: after.last_activity_at, ..before });
        // Another number isn't one that was proved.
        save(&mut browser, &[("name", "Grace"), ("phone_number", "+4930901821")]).await.assert_leads_to("/account");
        let after = users::find(&world.ctx, &tenant, "grace@example.com").await.unwrap();
        assert_eq!(after.profile.phone_number_verified, None);
    }
}

#[tokio::test]
async fn what_cannot_be_is_named_kept_in_the_form_and_not_saved() {
    let long = "x".repeat(256);
    let longer = "x".repeat(5000);
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let mut browser = console(&world, "", "ada@example.com").await;
        let before = users::find(&world.ctx, &tenant, "ada@example.com").await.unwrap();
        for (field, value, text) in [
            ("name", &*long, "Full name: use at most 255 characters"),
            ("given_name", "a\u{7}b", "Given name: use at most 255 characters"),
            ("nickname", "a\nb", "Nickname: use at most 255 characters, on one line"),
            ("gender", &*long, "Gender: use at most 255 characters"),
            ("birthdate", "10.12.1815", "Date of birth: enter year, month and day"),
            ("birthdate", "1990-02-29", "Date of birth: enter year, month and day"),
            ("picture", "javascript:alert(1)", "Address of a picture of you: enter a web address"),
            ("profile", "ada.example", "Address of your profile page: enter a web address"),
            ("website", "ftp://ada.example/", "Address of your website: enter a web address"),
            ("phone_number", "030 901820", "Phone number: enter the number with its country’s code"),
            ("street_address", &*longer, "Street and house number: use at most 1,000 characters"),
            ("country", "\u{7}", "Country: use at most 1,000 characters"),
            ("locale", "english please", "Language: enter the code of a language"),
            ("zoneinfo", "Europe London", "Time zone: enter a time zone"),
        ] {
            let page = save(
                &mut browser,
                &[("nickname", "Kept"), (field, value)]
                    .into_iter()
                    .filter(|(name, text)| field != "nickname" || (*name, *text) == (field, value))
                    .collect::<Vec<_>>(),
            )
            .await;
            page.assert_page(422, text);
            page.assert_page(422, &format!(r##"<a href="#{field}">"##));
            page.assert_page(422, &format!(r#"id="{field}-problem""#));
            page.assert_page(422, "aria-invalid=\"true\"");
            page.assert_page(422, "Error: ");
            if field != "nickname" {
                page.assert_page(422, "value=\"Kept\"");
            }
        }
        // All that is wrong at once.
        let page = save(&mut browser, &[("birthdate", "x"), ("locale", "?"), ("zoneinfo", "?")]).await;
        assert_eq!(page.body.matches("<li><a href=\"#").count(), 3, "{}", page.body);
        // A page that was shown for a fault can be put right and sent.
        let page = save(&mut browser, &[("name", "Ada Lovelace"), ("birthdate", "x")]).await;
        page.assert_page(422, "Date of birth");
        assert_eq!(users::find(&world.ctx, &tenant, "ada@example.com").await.unwrap(), before);
        let fields = [("name", "Ada Lovelace"), ("birthdate", "1815")];
        send(&mut browser, &page, &fields).await.assert_leads_to("/account/profile");
        assert_eq!(profile(&world, &tenant, "ada@example.com").await["birthdate"], "1815");
        // A field that comes twice is from no form of ours.
        let page = browser.get("/account/profile").await;
        let (csrf, seen) = (hidden(&page.body, "csrf"), hidden(&page.body, "seen"));
        let twice = encode(&[("csrf", &csrf), ("seen", &seen), ("name", "a"), ("name", "b")]);
        let answer = browser.post_raw("/account/profile", Some(FORM), twice.into_bytes()).await;
        answer.assert_page(403, super::NOT_OURS);
    }
}

#[tokio::test]
async fn of_two_tabs_the_second_is_told_what_the_first_changed() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let mut browser = console(&world, "", "ada@example.com").await;
        let one = browser.get("/account/profile").await;
        let two = browser.get("/account/profile").await;
        send(&mut browser, &one, &[("name", "Ada One"), ("nickname", "One")]).await.assert_leads_to("/account/profile");
        let refused = send(&mut browser, &two, &[("name", "Ada Two")]).await;
        refused.assert_page(409, "Your profile was changed elsewhere while this page was open.");
        refused.assert_page(409, "Elsewhere this was changed to “Ada One”");
        refused.assert_page(409, "Elsewhere this was changed to “One”");
        refused.assert_page(409, "value=\"Ada Two\"");
        assert_eq!(profile(&world, &tenant, "ada@example.com").await["name"], "Ada One");
        // Whoever has read that may replace it.
        send(&mut browser, &refused, &[("name", "Ada Two")]).await.assert_leads_to("/account/profile");
        assert_eq!(profile(&world, &tenant, "ada@example.com").await, json!({ "name": "Ada Two" }));
        // Without saying what it was made from, a change is refused as well.
        let page = browser.get("/account/profile").await;
        let csrf = hidden(&page.body, "csrf");
        for seen in ["", "x", "0", "-1", "99999999999999999999"] {
            let form = [("csrf", &*csrf), ("seen", seen), ("name", "Ada Three")];
            browser.post("/account/profile", &form).await.assert_page(409, "Your profile was changed elsewhere");
        }
        assert_eq!(profile(&world, &tenant, "ada@example.com").await, json!({ "name": "Ada Two" }));
    }
}

#[tokio::test]
async fn of_many_at_once_from_one_version_one_is_saved() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let mut browser = console(&world, "", "ada@example.com").await;
        let page = browser.get("/account/profile").await;
        let (csrf, seen) = (hidden(&page.body, "csrf"), hidden(&page.body, "seen"));
        let answers = futures_util::future::join_all((0..10).map(|number| {
            let (world, cookies, csrf, seen) = (&world, browser.cookies.clone(), csrf.clone(), seen.clone());
            async move {
                let mut tab = Browser::new(world, "");
                tab.cookies = cookies;
                let name = format!("Ada {number}");
                tab.post("/account/profile", &[("csrf", &csrf), ("seen", &seen), ("name", &name)]).await.status
            }
        }))
        .await;
        let saved = answers.iter().filter(|status| **status == StatusCode::SEE_OTHER).count();
        assert_eq!(saved, 1, "{answers:?}");
        assert!(answers.iter().all(|status| matches!(*status, StatusCode::SEE_OTHER | StatusCode::CONFLICT)));
    }
}
