//! Bad input at every form of the console, by table: what the page says, whole, the same on both databases.

use idp::http::account::ADDRESSES;
use insta::assert_snapshot;

use super::{code, console, csrf};
use crate::support::database::TestDatabase;
use crate::support::databases;
use crate::support::world::{Answer, FORM, PASSWORD, World, encode, hidden};

const NO_ID: &str = "00000000-0000-7000-8000-000000000000";

/// What people read on a page: all of its text below the header, in one line.
fn read(answer: &Answer) -> String {
    let main = answer.body.split_once("<main").map_or(answer.body.as_str(), |(_, main)| main);
    let main = main.split_once('>').map_or(main, |(_, main)| main);
    let main = main.split("</main>").next().unwrap_or_default();
    let mut text = String::new();
    for (number, part) in main.split('<').enumerate() {
        let said = if number == 0 { part } else { part.split_once('>').map_or("", |(_, said)| said) };
        text.push(' ');
        text.push_str(said);
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn line(path: &str, what: &str, answer: &Answer) -> String {
    assert!(answer.status.is_client_error(), "{path}, {what}: {}", answer.status);
    format!("{path}, {what}\n    {} {}\n", answer.status.as_u16(), read(answer))
}

async fn answers(database: &TestDatabase) -> String {
    let world = World::furnished(database).await;
    let mut ada = console(&world, "", "ada@example.com").await;
    code(&mut ada, "reports").await;
    // What is wrong with a form anywhere is said alike of each.
    let mut of_any: Option<String> = None;
    for address in ADDRESSES.iter().filter(|address| address.post) {
        let token = csrf(&mut ada).await;
        let huge = encode(&[("csrf", &token), ("x", &"x".repeat(17_000))]);
        let mut said = String::new();
        for (what, kind, body) in [
            ("no media type", None, format!("csrf={token}")),
            ("JSON", Some("application/json"), "{}".to_owned()),
            ("wrongly encoded", Some(FORM), format!("csrf={token}&x=%zz")),
            ("more than 16 KiB", Some(FORM), huge),
            ("no token", Some(FORM), String::new()),
            ("a made up token", Some(FORM), "csrf=nonsense".to_owned()),
            ("the token twice", Some(FORM), format!("csrf={token}&csrf={token}")),
        ] {
            let answer = ada.post_raw(address.path, kind, body.into_bytes()).await;
            said.push_str(&line("any form", what, &answer));
        }
        assert_eq!(of_any.get_or_insert_with(|| said.clone()), &said, "{}", address.path);
    }
    let mut said = of_any.unwrap_or_default();
    // What is wrong with this form.
    let page = ada.get("/account/profile").await;
    let (token, seen) = (hidden(&page.body, "csrf"), hidden(&page.body, "seen"));
    let new = "another horse, another battery";
    for (path, what, fields) in [
        ("/account/profile", "a field twice", vec![("seen", &*seen), ("name", "a"), ("name", "b")]),
        ("/account/profile", "a date that isn't one", vec![("seen", &*seen), ("birthdate", "1990-02-29")]),
        ("/account/profile", "seen too early", vec![("seen", "0"), ("name", "Ada")]),
        ("/account/password", "nothing typed", vec![]),
        ("/account/password", "easy to guess", vec![("current", PASSWORD), ("new", "password"), ("again", "password")]),
        ("/account/password", "two different ones", vec![("current", PASSWORD), ("new", new), ("again", "x")]),
        ("/account/password", "a wrong one", vec![("current", "wrong"), ("new", new), ("again", new)]),
        ("/account/sessions/end", "none named", vec![]),
        ("/account/sessions/end", "no id", vec![("session", "x")]),
        ("/account/sessions/end", "nobody's", vec![("session", NO_ID)]),
        ("/account/applications/withdraw", "none named", vec![]),
        ("/account/applications/withdraw", "no id", vec![("client", "\n")]),
        ("/account/applications/withdraw", "never allowed", vec![("client", "nobody")]),
        ("/account/switch", "none named", vec![]),
        ("/account/switch", "no id", vec![("account", "x")]),
        ("/account/switch", "not on this browser", vec![("account", NO_ID)]),
    ] {
        let form: Vec<_> = fields.into_iter().chain([("csrf", &*token)]).collect();
        said.push_str(&line(path, what, &ada.post(path, &form).await));
    }
    // Nothing was done.
    ada.authorize("reports", &[("prompt", "none")]).await.assert_code();
    let profile = super::profile(&world, &world.tenant().await, "ada@example.com").await;
    assert_eq!(profile, serde_json::json!({ "name": "Ada Lovelace" }));
    said
}

#[tokio::test]
async fn every_form_says_what_is_wrong_and_does_nothing() {
    let [sqlite, postgres] = <[TestDatabase; 2]>::try_from(databases().await).unwrap();
    let (said, other) = (answers(&sqlite).await, answers(&postgres).await);
    assert_eq!(said, other, "SQLite, and PostgreSQL");
    assert_snapshot!(said, @r"
    any form, no media type
        415 This form can’t be read It came in a format that this page doesn’t take. The app that sent you here made this mistake. You did nothing wrong. What to do now Go back to the app and try again. If it happens again, tell its maker, with the details below. For whoever looks into it Reference
    any form, JSON
        415 This form can’t be read It came in a format that this page doesn’t take. The app that sent you here made this mistake. You did nothing wrong. What to do now Go back to the app and try again. If it happens again, tell its maker, with the details below. For whoever looks into it Reference
    any form, wrongly encoded
        400 The app’s request can’t be used The app that sent you here asked for something in a way that we don’t understand or don’t allow. The app that sent you here made this mistake. You did nothing wrong. What to do now Go back to the app and try again. If it happens again, tell its maker, with the details below. For whoever looks into it Reference
    any form, more than 16 KiB
        413 That was too much at once The request is larger than this page takes. The app that sent you here made this mistake. You did nothing wrong. What to do now Go back to the app and try again. If it happens again, tell its maker, with the details below. For whoever looks into it Reference
    any form, no token
        403 We couldn’t be sure that this came from you The form was open for too long, or another site sent it. Nothing was changed. Nobody did anything wrong. What to do now Go back to the app and start signing in again. For whoever looks into it Reference
    any form, a made up token
        403 We couldn’t be sure that this came from you The form was open for too long, or another site sent it. Nothing was changed. Nobody did anything wrong. What to do now Go back to the app and start signing in again. For whoever looks into it Reference
    any form, the token twice
        403 We couldn’t be sure that this came from you The form was open for too long, or another site sent it. Nothing was changed. Nobody did anything wrong. What to do now Go back to the app and start signing in again. For whoever looks into it Reference
    /account/profile, a field twice
        403 We couldn’t be sure that this came from you The form was open for too long, or another site sent it. Nothing was changed. Nobody did anything wrong. What to do now Go back to the app and start signing in again. For whoever looks into it Reference
    /account/profile, a date that isn't one
        422 Profile What you enter here is told to the applications that you allow to see it. Leave empty what you don’t want to say. There is a problem Date of birth: enter year, month and day, such as 1990-12-31 Signing in Email ada@example.com Verified To change these, ask the people who run this service. Name Full name As applications show it to others Given name Family name Middle name Nickname About you Date of birth Such as 1990-12-31, or the year alone Date of birth: enter year, month and day, such as 1990-12-31 Gender Phone number With the country’s code, such as +44 20 7946 0018 Address of a picture of you Address of your profile page Address of your website Address Street and house number Postal code Town or city State or province Country Language and region Language Its code, such as en-GB Time zone Such as Europe/London Save
    /account/profile, seen too early
        409 Profile What you enter here is told to the applications that you allow to see it. Leave empty what you don’t want to say. There is a problem Your profile was changed elsewhere while this page was open. Check what is marked below, then save again to replace it. Signing in Email ada@example.com Verified To change these, ask the people who run this service. Name Full name As applications show it to others Elsewhere this was changed to “Ada Lovelace” Given name Family name Middle name Nickname About you Date of birth Such as 1990-12-31, or the year alone Gender Phone number With the country’s code, such as +44 20 7946 0018 Address of a picture of you Address of your profile page Address of your website Address Street and house number Postal code Town or city State or province Country Language and region Language Its code, such as en-GB Time zone Such as Europe/London Save
    /account/password, nothing typed
        422 Change your password A password that is long and used nowhere else keeps your account safe. After the change you stay signed in here, and are signed out everywhere else. There is a problem Enter your current password Enter a new password Enter the new password once more Current password Enter your current password New password At least 8 characters. Several words are easy to remember and hard to guess. Enter a new password New password once more Enter the new password once more Change password
    /account/password, easy to guess
        422 Change your password A password that is long and used nowhere else keeps your account safe. After the change you stay signed in here, and are signed out everywhere else. There is a problem The new password is easy to guess. Choose one that isn’t common and has nothing to do with you or this service. Current password New password At least 8 characters. Several words are easy to remember and hard to guess. The new password is easy to guess. Choose one that isn’t common and has nothing to do with you or this service. New password once more Change password
    /account/password, two different ones
        422 Change your password A password that is long and used nowhere else keeps your account safe. After the change you stay signed in here, and are signed out everywhere else. There is a problem The new password was entered in two different ways Current password New password At least 8 characters. Several words are easy to remember and hard to guess. New password once more The new password was entered in two different ways Change password
    /account/password, a wrong one
        422 Change your password A password that is long and used nowhere else keeps your account safe. After the change you stay signed in here, and are signed out everywhere else. There is a problem The current password isn’t right Current password The current password isn’t right New password At least 8 characters. Several words are easy to remember and hard to guess. New password once more Change password
    /account/sessions/end, none named
        404 This page doesn’t exist The address may be mistyped, or the page is gone. Nobody did anything wrong. What to do now Check the address, or go back to the app that you came from. For whoever looks into it Reference
    /account/sessions/end, no id
        404 This page doesn’t exist The address may be mistyped, or the page is gone. Nobody did anything wrong. What to do now Check the address, or go back to the app that you came from. For whoever looks into it Reference
    /account/sessions/end, nobody's
        404 This page doesn’t exist The address may be mistyped, or the page is gone. Nobody did anything wrong. What to do now Check the address, or go back to the app that you came from. For whoever looks into it Reference
    /account/applications/withdraw, none named
        404 This page doesn’t exist The address may be mistyped, or the page is gone. Nobody did anything wrong. What to do now Check the address, or go back to the app that you came from. For whoever looks into it Reference
    /account/applications/withdraw, no id
        404 This page doesn’t exist The address may be mistyped, or the page is gone. Nobody did anything wrong. What to do now Check the address, or go back to the app that you came from. For whoever looks into it Reference
    /account/applications/withdraw, never allowed
        404 This page doesn’t exist The address may be mistyped, or the page is gone. Nobody did anything wrong. What to do now Check the address, or go back to the app that you came from. For whoever looks into it Reference
    /account/switch, none named
        404 This page doesn’t exist The address may be mistyped, or the page is gone. Nobody did anything wrong. What to do now Check the address, or go back to the app that you came from. For whoever looks into it Reference
    /account/switch, no id
        404 This page doesn’t exist The address may be mistyped, or the page is gone. Nobody did anything wrong. What to do now Check the address, or go back to the app that you came from. For whoever looks into it Reference
    /account/switch, not on this browser
        404 This page doesn’t exist The address may be mistyped, or the page is gone. Nobody did anything wrong. What to do now Check the address, or go back to the app that you came from. For whoever looks into it Reference
    ");
}
