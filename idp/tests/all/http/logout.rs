//! `/logout`: RP-initiated logout. What clients are shown and told of it is in `logout_channels`.

use std::time::Duration;

use idp::domain::TenantId;
use idp::domain::tenant::Tenant;
use idp::service::key_rings::{self, KeyChange};
use keys::{Algorithm, KeySpec};
use poem::http::StatusCode;
use serde_json::Value;

use super::code_flow::redeem;
use super::jose::header;
use super::redirects::near_misses;
use crate::support::databases;
use crate::support::deliveries::queue;
use crate::support::world::{Answer, Browser, PASSWORD, World, encode, hidden, payload};

pub(super) const BYE: &str = "https://client.example.com/bye";
const ASKED: &str = "<h1>Sign out?</h1>";
pub(super) const SIGNED_OUT: &str = "You’re signed out";
const REJECTED: &str = "We couldn’t be sure that this came from you";

/// A client that is to be told of logouts in the ways that these tests are about.
async fn client(world: &World, tenant: &Tenant, id: &str) {
    world
        .client(tenant, id, |metadata| {
            metadata.post_logout_redirect_uris = vec![BYE.parse().unwrap(), format!("{BYE}?x=1").parse().unwrap()];
            metadata.client_uri = Some("https://client.example.com/".to_owned());
        })
        .await;
}

/// Ada and Grace, and two clients.
pub(super) async fn furnished(world: &World) {
    let tenant = world.tenant().await;
    world.user(&tenant, "ada@example.com").await;
    world.person(&tenant, "grace@example.com", |new| new.profile.name = Some("Grace Hopper".to_owned())).await;
    client(world, &tenant, "shop").await;
    client(world, &tenant, "charts").await;
}

/// Signs somebody in and gives the tokens that the client got.
pub(super) async fn tokens(world: &World, browser: &mut Browser<'_>, base: &str, client: &str, email: &str) -> Value {
    let start = browser.authorize(client, &[("prompt", "select_account")]).await;
    let flow = start.location().split_once("flow=").unwrap().1.to_owned();
    let page = browser.get(&format!("/login?flow={flow}&switch=1")).await;
    let csrf = hidden(&page.body, "csrf");
    let form = [("flow", &*flow), ("csrf", &*csrf), ("email", email), ("password", PASSWORD)];
    let signed_in = browser.post("/login", &form).await;
    let asked = signed_in.location().contains("/consent");
    let answer = if asked { browser.consent(&signed_in, "allow").await } else { signed_in };
    redeem(world, base, client, &answer.returned("code").unwrap()).await.json()
}

pub(super) async fn id_token(world: &World, browser: &mut Browser<'_>, client: &str, email: &str) -> String {
    tokens(world, browser, "", client, email).await["id_token"].as_str().unwrap().to_owned()
}

async fn ask(browser: &mut Browser<'_>, parameters: &[(&str, &str)]) -> Answer {
    browser.get(&format!("/logout?{}", encode(parameters))).await
}

/// Sends the form of the page, as the browser would, with this answer.
async fn answer(
    browser: &mut Browser<'_>,
    page: &Answer,
    parameters: &[(&str, &str)],
    account: &str,
    decision: &str,
) -> Answer {
    let csrf = hidden(&page.body, "csrf");
    let mut form = parameters.to_vec();
    form.extend([("csrf", &*csrf), ("account", account), ("decision", decision)]);
    browser.post("/logout/confirm", &form).await
}

pub(super) async fn confirm(browser: &mut Browser<'_>, parameters: &[(&str, &str)]) -> Answer {
    let page = ask(browser, parameters).await;
    page.assert_page(200, ASKED);
    let account = hidden(&page.body, "account");
    answer(browser, &page, parameters, &account, "yes").await
}

/// Whether the browser is signed in: whether a silent request gets a code.
pub(super) async fn is_signed_in(browser: &mut Browser<'_>) -> bool {
    let silent = browser.authorize("shop", &[("prompt", "none")]).await;
    silent.returned("code").is_some()
}

/// The radio button of that person.
fn radio(html: &str, name: &str) -> String {
    let before = &html[..html.find(name).unwrap_or_else(|| panic!("no {name}: {html}"))];
    let at = before.rfind("name=\"account\" value=\"").unwrap() + "name=\"account\" value=\"".len();
    before[at..].split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn the_person_is_asked_signed_out_and_sent_back_with_the_state() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        furnished(&world).await;
        // A hint is good though it has expired.
        for age in [Duration::ZERO, Duration::from_hours(2)] {
            let mut browser = Browser::new(&world, "");
            let tokens = tokens(&world, &mut browser, "", "shop", "ada@example.com").await;
            let token = tokens["id_token"].as_str().unwrap();
            world.pass(age);
            let request = [
                ("id_token_hint", token),
                ("post_logout_redirect_uri", BYE),
                ("state", "a b&c"),
                ("client_id", "shop"),
            ];
            let page = ask(&mut browser, &request).await;
            page.assert_page(200, ASKED);
            for part in
                ["Ada Lovelace", "ada@example.com", "id=\"logout-yes\"", "id=\"logout-no\"", "client.example.com"]
            {
                assert!(page.body.contains(part), "{part}: {}", page.body);
            }
            let policy = page.header("content-security-policy").unwrap();
            assert!(!policy.contains("form-action"), "the client may send the browser on to anywhere: {policy}");
            assert!(is_signed_in(&mut browser).await, "a question ends nothing");

            let gone = confirm(&mut browser, &request).await;
            assert_eq!(
                (gone.status, gone.location()),
                (StatusCode::SEE_OTHER, "https://client.example.com/bye?state=a+b%26c")
            );
            assert!(browser.cookie("session").is_none() && browser.cookie("state").is_none());
            assert!(!is_signed_in(&mut browser).await);
            let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
            let claims = world.get("/userinfo", &[("authorization", &bearer)]).await;
            assert_eq!(claims.status, StatusCode::UNAUTHORIZED);

            // Once more, as by the way back: there is nothing left to ask.
            let again = ask(&mut browser, &request).await;
            assert_eq!(again.location(), "https://client.example.com/bye?state=a+b%26c");
        }
    }
}

#[tokio::test]
async fn without_an_address_the_last_page_is_ours() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        furnished(&world).await;
        for (language, words) in [("en", SIGNED_OUT), ("de", "Sie sind abgemeldet")] {
            for request in [vec![], vec![("state", "x")], vec![("client_id", "shop")], vec![("unknown", "x")]] {
                let mut browser = Browser::new(&world, "");
                let token = id_token(&world, &mut browser, "shop", "ada@example.com").await;
                let mut request = request.clone();
                request.push(("ui_locales", language));
                if request.len() == 1 {
                    request.push(("id_token_hint", &token));
                }
                let page = ask(&mut browser, &request).await;
                assert_eq!(page.status, StatusCode::OK);
                let gone = answer(&mut browser, &page, &request, &hidden(&page.body, "account"), "yes").await;
                gone.assert_leads_to("/logout/done");
                let last = browser
                    .get(&format!(
                        "{}{}lang={language}",
                        gone.location(),
                        if gone.location().contains('?') { "&" } else { "?" }
                    ))
                    .await;
                last.assert_page(200, words);
                let way_back = last.body.contains("href=\"https://client.example.com/\"");
                assert_eq!(way_back, request.iter().any(|(name, _)| matches!(*name, "client_id" | "id_token_hint")));
                assert!(!is_signed_in(&mut browser).await);
            }
        }
        let mut nobody = Browser::new(&world, "");
        ask(&mut nobody, &[]).await.assert_leads_to("/logout/done");
    }
}

/// A missing, foreign, altered or unregistered hint or address: a page that names it, no redirect, and nobody is signed
/// out.
#[tokio::test]
async fn a_request_that_can_not_be_trusted_gets_a_page_and_ends_nothing() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        furnished(&world).await;
        let acme = world.other_tenant("acme").await;
        world.user(&acme, "ada@example.com").await;
        client(&world, &acme, "shop").await;
        let mut elsewhere = Browser::new(&world, "/t/acme");
        let foreign = tokens(&world, &mut elsewhere, "/t/acme", "shop", "ada@example.com").await;
        let mut browser = Browser::new(&world, "");
        let tokens = tokens(&world, &mut browser, "", "shop", "ada@example.com").await;
        let token = tokens["id_token"].as_str().unwrap();
        let (head, rest) = token.split_once('.').unwrap();
        let (body, signature) = rest.split_once('.').unwrap();
        let altered =
            format!("{head}.{}.{signature}", body.replacen(&body[5..6], if &body[5..6] == "A" { "B" } else { "A" }, 1));
        let unsigned = format!("{head}.{body}.");
        let hint = ("id_token_hint", token);
        let bye = ("post_logout_redirect_uri", BYE);
        let uri = |text: &'static str| vec![hint, ("post_logout_redirect_uri", text)];
        let named = |token| vec![("id_token_hint", token), bye];
        let cases = [
            (vec![bye], "id_token_hint"),
            (vec![bye, ("client_id", "shop")], "id_token_hint"),
            (named("nonsense"), "id_token_hint"),
            (named(&altered), "id_token_hint"),
            (named(&unsigned), "id_token_hint"),
            (named(foreign["id_token"].as_str().unwrap()), "id_token_hint"),
            (named(tokens["access_token"].as_str().unwrap()), "id_token_hint"),
            (vec![("id_token_hint", &altered)], "id_token_hint"),
            (vec![hint, bye, ("client_id", "charts")], "id_token_hint"),
            (vec![hint, bye, hint], "id_token_hint was sent more than once"),
            (vec![hint, bye, bye], "post_logout_redirect_uri was sent more than once"),
            (uri("https://client.example.com/"), "post_logout_redirect_uri"),
            (uri("https://client.example.com/bye/"), "post_logout_redirect_uri"),
            (uri("https://client.example.com/bye?"), "post_logout_redirect_uri"),
            (uri("https://client.example.com/bye?x=2"), "post_logout_redirect_uri"),
            (uri("https://client.example.com/bye?x=1&y=2"), "post_logout_redirect_uri"),
            (uri("https://client.example.com/bye#x"), "post_logout_redirect_uri"),
            (uri("https://client.example.com:443/bye"), "post_logout_redirect_uri"),
            (uri("https://CLIENT.example.com/bye"), "post_logout_redirect_uri"),
            (uri("https://client.example.com/bye%20"), "post_logout_redirect_uri"),
            (uri("https://client.example.com/callback"), "post_logout_redirect_uri"),
            (uri("http://client.example.com/bye"), "post_logout_redirect_uri"),
            (uri("//client.example.com/bye"), "post_logout_redirect_uri"),
            (uri("javascript:alert(1)"), "post_logout_redirect_uri"),
            (uri("/bye"), "post_logout_redirect_uri"),
            (vec![("client_id", "nobody")], "client_id"),
        ];
        for (request, named) in cases {
            println!("{request:?}");
            let page = ask(&mut browser, &request).await;
            page.assert_page(400, named);
            assert!(page.header("location").is_none());
            let posted = browser.post("/logout", &request).await;
            if posted.status == StatusCode::SEE_OTHER {
                posted.assert_leads_to("/logout?");
                assert_eq!(browser.get(posted.location()).await.status, StatusCode::BAD_REQUEST);
            } else {
                posted.assert_page(400, named);
            }
            let mut form = request.clone();
            form.extend([("decision", "yes"), ("account", "all"), ("csrf", "x")]);
            assert!(!browser.post("/logout/confirm", &form).await.status.is_redirection());
        }
        browser.get("/logout?state=%ff").await.assert_page(400, "wrongly encoded");
        let raw = browser.post_raw("/logout", Some("text/plain"), b"x".to_vec()).await;
        assert_eq!(raw.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        let raw = browser.post_raw("/logout/confirm", None, Vec::new()).await;
        assert_eq!(raw.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        assert!(is_signed_in(&mut browser).await);
        assert!(queue(&world.ctx.database, TenantId::DEFAULT).await.is_empty());
    }
}

/// Where the browser goes after a logout is held to the same as where a code goes: byte for byte, on every way.
#[tokio::test]
async fn a_near_miss_of_the_way_back_is_refused_on_every_way() {
    let near = near_misses(BYE);
    assert!(near.len() > 500, "{}", near.len());
    for database in databases().await {
        let world = World::on(database.open().await).await;
        furnished(&world).await;
        let mut browser = Browser::new(&world, "");
        let token = id_token(&world, &mut browser, "shop", "ada@example.com").await;
        let good = [("id_token_hint", &*token), ("post_logout_redirect_uri", BYE)];
        let csrf = hidden(&ask(&mut browser, &good).await.body, "csrf");
        for uri in &near {
            let request = [("id_token_hint", &*token), ("post_logout_redirect_uri", uri.as_str())];
            let page = ask(&mut browser, &request).await;
            page.assert_page(400, "post_logout_redirect_uri");
            assert_eq!(page.header("location"), None, "{uri}");
            // Sent by a client's page it is put to the same question.
            let posted = browser.post("/logout", &request).await;
            posted.assert_leads_to("/logout?");
            browser.get(posted.location()).await.assert_page(400, "post_logout_redirect_uri");
            // An answer to the question of another address.
            let mut form = request.to_vec();
            form.extend([("csrf", &*csrf), ("account", "all"), ("decision", "yes")]);
            let answer = browser.post("/logout/confirm", &form).await;
            answer.assert_page(400, "post_logout_redirect_uri");
            assert_eq!(answer.header("location"), None, "{uri}");
        }
        assert!(is_signed_in(&mut browser).await, "none of it ended anything");
        confirm(&mut browser, &good).await.assert_leads_to(BYE);
    }
}

#[tokio::test]
async fn a_hint_is_good_though_its_key_is_retired_unless_the_key_had_leaked() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        furnished(&world).await;
        let tenant = TenantId::DEFAULT;
        let mut browser = Browser::new(&world, "");
        let old = id_token(&world, &mut browser, "shop", "ada@example.com").await;
        let kid = |token: &str| header(token)["kid"].as_str().unwrap().to_owned();
        let next = async |pause| {
            let staged = key_rings::stage(&world.ctx, tenant, KeySpec::from(Algorithm::Rs256), "test").await.unwrap();
            world.pass(pause);
            let kid = staged.kid().to_string();
            key_rings::change(&world.ctx, tenant, &kid, KeyChange::ActivateInEmergency, "test").await.unwrap();
        };
        let rules = key_rings::rules(&world.ctx);
        next(Duration::ZERO).await;
        world.pass(rules.longest_token_life + rules.margin);
        key_rings::change(&world.ctx, tenant, &kid(&old), KeyChange::Retire, "test").await.unwrap();

        let mut browser = Browser::new(&world, "");
        let new = id_token(&world, &mut browser, "shop", "ada@example.com").await;
        let way_back = ("post_logout_redirect_uri", BYE);
        ask(&mut browser, &[("id_token_hint", &*old), way_back]).await.assert_page(200, ASKED);
        browser.authorize("shop", &[("prompt", "none"), ("id_token_hint", &old)]).await.assert_code();
        let altered = format!("{old}x");
        ask(&mut browser, &[("id_token_hint", &*altered), way_back]).await.assert_page(400, "id_token_hint");

        // A key that leaked: whoever has it could sign anything.
        next(Duration::ZERO).await;
        key_rings::change(&world.ctx, tenant, &kid(&new), KeyChange::RetireInEmergency, "test").await.unwrap();
        ask(&mut browser, &[("id_token_hint", &*new), way_back]).await.assert_page(400, "id_token_hint");
        let silent = browser.authorize("shop", &[("prompt", "none"), ("id_token_hint", &new)]).await;
        assert_eq!(silent.returned("error").as_deref(), Some("invalid_request"));
    }
}

#[tokio::test]
async fn a_client_may_post_its_request_from_its_own_page() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        furnished(&world).await;
        let mut browser = Browser::new(&world, "");
        let token = id_token(&world, &mut browser, "shop", "ada@example.com").await;
        let request = [("id_token_hint", &*token), ("post_logout_redirect_uri", BYE), ("state", "x"), ("more", "y")];
        // Such a post brings no cookies along.
        let mut stranger = Browser::new(&world, "");
        let posted = stranger.post("/logout", &request).await;
        posted.assert_leads_to("/logout?id_token_hint=");
        assert!(!posted.location().contains("more"));
        browser.get(posted.location()).await.assert_page(200, ASKED);
    }
}

#[tokio::test]
async fn whoever_says_no_stays_signed_in_and_has_a_way_back() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        furnished(&world).await;
        let mut browser = Browser::new(&world, "");
        let token = id_token(&world, &mut browser, "shop", "ada@example.com").await;
        let request = [("id_token_hint", &*token), ("post_logout_redirect_uri", BYE)];
        let page = ask(&mut browser, &request).await;
        let stayed = answer(&mut browser, &page, &request, &hidden(&page.body, "account"), "no").await;
        stayed.assert_page(200, "You’re signed in");
        assert!(stayed.body.contains("href=\"https://client.example.com/\""), "{}", stayed.body);
        assert!(is_signed_in(&mut browser).await);
    }
}

/// The form counts in the browser that it was shown to, for the request that it was shown for.
#[tokio::test]
async fn a_form_that_was_not_shown_here_ends_nothing() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        furnished(&world).await;
        let mut browser = Browser::new(&world, "");
        let token = id_token(&world, &mut browser, "shop", "ada@example.com").await;
        let request = [("id_token_hint", &*token), ("post_logout_redirect_uri", BYE)];
        let page = ask(&mut browser, &request).await;
        let account = hidden(&page.body, "account");
        let csrf = hidden(&page.body, "csrf");

        let mut other = Browser::new(&world, "");
        id_token(&world, &mut other, "shop", "ada@example.com").await;
        let theirs = hidden(&ask(&mut other, &request).await.body, "csrf");
        let [none, wrong, strange] = ["", "x", &*theirs]
            .map(|csrf| [request.to_vec(), vec![("csrf", csrf), ("account", &*account), ("decision", "yes")]].concat());
        let right = [("csrf", &*csrf), ("account", &*account), ("decision", "yes")];
        let other_request = [vec![("id_token_hint", &*token)], right.to_vec()].concat();
        let other_state = [request.to_vec(), vec![("state", "x")], right.to_vec()].concat();
        let no_account = [request.to_vec(), vec![right[0], right[2]]].concat();
        let no_decision = [request.to_vec(), vec![right[0], right[1]]].concat();
        for form in [none, wrong, strange, other_request, other_state, no_account, no_decision] {
            browser.post("/logout/confirm", &form).await.assert_page(403, REJECTED);
        }
        // An account of another browser is none of this one's.
        let foreign = hidden(&ask(&mut other, &request).await.body, "account");
        let form = [request.to_vec(), vec![("csrf", &*csrf), ("account", &*foreign), ("decision", "yes")]].concat();
        browser.post("/logout/confirm", &form).await.assert_leads_to(BYE);
        assert!(is_signed_in(&mut browser).await && is_signed_in(&mut other).await);
    }
}

#[tokio::test]
async fn of_several_accounts_the_hint_names_one_or_the_person_does() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        furnished(&world).await;
        let both = async |world| {
            let mut browser = Browser::new(world, "");
            let ada = id_token(world, &mut browser, "shop", "ada@example.com").await;
            let grace = id_token(world, &mut browser, "shop", "grace@example.com").await;
            (browser, ada, grace)
        };
        let silent = async |browser: &mut Browser<'_>, token: &str| {
            let answer = browser.authorize("shop", &[("prompt", "none"), ("id_token_hint", token)]).await;
            answer.returned("code").is_some()
        };

        // By the hint: no question which.
        let (mut browser, ada, grace) = both(&world).await;
        let page = ask(&mut browser, &[("id_token_hint", &ada)]).await;
        assert!(page.body.contains("Ada Lovelace") && !page.body.contains("Grace Hopper"));
        confirm(&mut browser, &[("id_token_hint", &ada)]).await.assert_leads_to("/logout/done");
        assert!(!silent(&mut browser, &ada).await && silent(&mut browser, &grace).await);
        // Ada isn't there any more, Grace is: she is asked, by her own name.
        let page = ask(&mut browser, &[("id_token_hint", &ada)]).await;
        assert!(page.body.contains("Grace Hopper"));

        // By the person.
        let (mut browser, ada, grace) = both(&world).await;
        let page = ask(&mut browser, &[]).await;
        assert!(page.body.contains("Which account?") && page.body.contains("value=\"all\" checked"), "{}", page.body);
        let chosen = radio(&page.body, "Grace Hopper");
        answer(&mut browser, &page, &[], &chosen, "yes").await.assert_leads_to("/logout/done");
        assert!(silent(&mut browser, &ada).await && !silent(&mut browser, &grace).await);

        // All of them.
        let (mut browser, ada, grace) = both(&world).await;
        let page = ask(&mut browser, &[]).await;
        answer(&mut browser, &page, &[], "all", "yes").await.assert_leads_to("/logout/done");
        assert!(!silent(&mut browser, &ada).await && !silent(&mut browser, &grace).await);

        // What is hinted at is chosen at first.
        let (mut browser, ada, _) = both(&world).await;
        let sid = payload(&ada)["sid"].as_str().unwrap().to_owned();
        for hint in ["ada@example.com", &*sid] {
            let page = ask(&mut browser, &[("logout_hint", hint)]).await;
            assert!(page.body.contains(&format!("value=\"{sid}\" checked")), "{}", page.body);
        }
    }
}

#[tokio::test]
async fn cookies_of_one_tenant_mean_nothing_in_another() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        furnished(&world).await;
        let acme = world.other_tenant("acme").await;
        world.user(&acme, "ada@example.com").await;
        client(&world, &acme, "shop").await;
        let mut browser = Browser::new(&world, "");
        id_token(&world, &mut browser, "shop", "ada@example.com").await;
        let mut there = Browser::new(&world, "/t/acme");
        there.cookies = browser.cookies.clone();
        ask(&mut there, &[]).await.assert_leads_to("/t/acme/logout/done");
        let signed_in = tokens(&world, &mut there, "/t/acme", "shop", "ada@example.com").await;
        let hint = [("id_token_hint", signed_in["id_token"].as_str().unwrap()), ("post_logout_redirect_uri", BYE)];
        let page = ask(&mut there, &hint).await;
        // The form of one tenant, sent to another.
        let csrf = hidden(&page.body, "csrf");
        browser.cookies.clone_from(&there.cookies);
        let form = [("csrf", &*csrf), ("account", "all"), ("decision", "yes")];
        browser.post("/logout/confirm", &form).await.assert_page(403, REJECTED);
        assert!(is_signed_in(&mut browser).await);
        confirm(&mut there, &hint).await.assert_leads_to(BYE);
        assert!(is_signed_in(&mut browser).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_confirm_at_once_one_ends_the_session() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        world.user(&tenant, "ada@example.com").await;
        world
            .client(&tenant, "shop", |metadata| {
                metadata.backchannel_logout_uri = Some("http://127.0.0.1:1/end".to_owned());
            })
            .await;
        let mut browser = Browser::new(&world, "");
        id_token(&world, &mut browser, "shop", "ada@example.com").await;
        let page = ask(&mut browser, &[]).await;
        let account = hidden(&page.body, "account");
        let tabs = (0..20).map(|_| {
            let (page, account, world) = (&page, &account, &world);
            let mut tab = Browser::new(world, "");
            tab.cookies.clone_from(&browser.cookies);
            async move { answer(&mut tab, page, &[], account, "yes").await }
        });
        for gone in futures_util::future::join_all(tabs).await {
            gone.assert_leads_to("/logout/done");
        }
        assert_eq!(queue(&world.ctx.database, TenantId::DEFAULT).await.len(), 1);
    }
}
