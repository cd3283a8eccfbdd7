//! What has to hold on every page: its contract, its headers, its words.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use poem::{
    Response,
    http::{StatusCode, header},
};

use super::*;

const HOSTILE: &str = "</title><script>alert(1)</script>\" onload='x' {{ 7 * 7 }} { $client }";

fn context(language: &str) -> PageContext {
    PageContext {
        base: "/t/acme".to_owned(),
        brand: Arc::new(Brand::new("Acme").with_accent("#0b7a75".parse().ok())),
        language: Language::from_code(language).unwrap(),
        reference: "reference-1".to_owned(),
        query: "client_id=a%26b&lang=xx".to_owned(),
    }
}

fn client(name: &str) -> ClientDisplay {
    ClientDisplay {
        name: name.to_owned(),
        logo: LogoUrl::parse("https://reports.example/logo.png"),
        home: Link::parse("https://reports.example/"),
        policy: Link::parse("https://reports.example/privacy"),
        terms: Link::parse("https://reports.example/terms"),
        is_console: false,
    }
}

fn reports_site() -> ReturnTarget {
    ReturnTarget::from_redirect_uri("https://reports.example/callback").unwrap()
}

fn sign_in() -> SignInPage {
    SignInPage {
        client: client("Reports"),
        flow: "flow&1".to_owned(),
        csrf: "csrf-1".to_owned(),
        email: String::new(),
        expected: None,
        offers_sign_up: false,
        wants_another: false,
        error: None,
    }
}

fn sign_up() -> SignUpPage {
    let SignInPage { client, flow, csrf, .. } = sign_in();
    SignUpPage { client, flow, csrf, email: String::new(), name: String::new(), error: None }
}

fn select_account() -> SelectAccountPage {
    let ConsentPage { client, flow, csrf, person, .. } = consent();
    let nameless = Person { name: None, login: "max".to_owned() };
    let accounts = [("1", person), ("2", nameless)].map(|(id, person)| AccountChoice { id: id.to_owned(), person });
    SelectAccountPage { client, flow, csrf, accounts: accounts.into() }
}

fn consent() -> ConsentPage {
    let SignInPage { client, flow, csrf, .. } = sign_in();
    let person = Person { name: Some("Maria".to_owned()), login: "maria@acme.example".to_owned() };
    let scope = |name: &str| RequestedScope { name: name.to_owned(), description: None, is_new: name == "email" };
    let scopes = ["openid", "profile", "email", "address", "phone", "offline_access", "other"].map(scope);
    ConsentPage { client, returns_to: reports_site(), flow, csrf, person, scopes: scopes.into() }
}

const SIGN_IN_ERRORS: [SignInError; 7] = [
    SignInError::BadCredentials,
    SignInError::MissingEmail,
    SignInError::MissingPassword,
    SignInError::MissingBoth,
    SignInError::TooManyAttempts { minutes: 7 },
    SignInError::Busy { seconds: 5 },
    SignInError::Expired,
];

const ALL_WRONG: EntryProblems = EntryProblems {
    email: Some(EmailProblem::Malformed),
    name: Some(NameProblem),
    password: Some(PasswordProblem::Guessable),
};

const SIGN_UP_ERRORS: [SignUpError; 4] = [
    SignUpError::Entries(ALL_WRONG),
    SignUpError::Entries(EntryProblems { email: Some(EmailProblem::Taken), name: None, password: None }),
    SignUpError::TooManyAttempts { minutes: 7 },
    SignUpError::Busy { seconds: 5 },
];

fn logout() -> LogoutPage<'static> {
    let SelectAccountPage { client, csrf, accounts, .. } = select_account();
    let (client, returns_to, parameters) = (Some(client), Some(reports_site()), vec![("state", "x")]);
    LogoutPage { client, returns_to, parameters, csrf, accounts, suggested: None }
}

fn every_page(context: &PageContext) -> Vec<Response> {
    let mut pages = vec![
        sign_in().render(context),
        SignInPage { offers_sign_up: true, ..sign_in() }.render(context),
        sign_up().render(context),
        select_account().render(context),
        SignInPage { expected: Some(consent().person), ..sign_in() }.render(context),
        consent().render(context),
        logout().render(context),
        LogoutPage { client: None, returns_to: None, accounts: logout().accounts.split_off(1), ..logout() }
            .render(context),
    ];
    pages.extend(SIGN_IN_ERRORS.map(|error| SignInPage { error: Some(error), ..sign_in() }.render(context)));
    pages.extend(SIGN_UP_ERRORS.map(|error| SignUpPage { error: Some(error), ..sign_up() }.render(context)));
    pages.extend(Failure::ALL.map(|failure| ErrorPage::new(failure).client(client("Reports")).render(context)));
    let person = consent().person;
    pages.extend(account::examples::every_page(context, "Maria"));
    let messages = [Message::Landing, Message::SignedIn(person), Message::SignedOut, Message::FlowFinished];
    pages.extend(messages.map(|message| MessagePage::new(message).client(client("Reports")).render(context)));
    pages
}

async fn html(response: Response) -> String {
    response.into_body().into_string().await.unwrap()
}

fn count(text: &str, part: &str) -> usize {
    text.matches(part).count()
}

#[tokio::test]
async fn the_sign_in_page_keeps_its_contract_with_automated_browsers() {
    let response = sign_in().render(&context("en"));
    assert_eq!(response.status(), StatusCode::OK);
    let page = html(response).await;
    for part in [
        r#"id="email" name="email""#,
        r#"id="password" name="password""#,
        r#"<button class="primary" type="submit">Sign in</button>"#,
        r#"<input class="quiet" type="submit" id="cancel""#,
        r#"<input type="hidden" name="action" value="cancel">"#,
    ] {
        assert_eq!(count(&page, part), 1, "{part}");
    }
    assert_eq!(count(&page, r#"type="submit">"#), 1, "one button of type submit");
    for part in [
        r#"<form class="form" method="post" action="/t/acme/login">"#,
        r#"<form class="cancel" method="post" action="/t/acme/login">"#,
        r#"href="?flow=flow%261&#38;lang=de""#,
        r#"href="https://reports.example/privacy""#,
        r#"href="https://reports.example/terms""#,
        r#"src="https://reports.example/logo.png""#,
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert_eq!(count(&page, r#"name="flow" value="flow&#38;1""#), 2, "both forms carry the flow");
    assert_eq!(count(&page, r#"name="csrf" value="csrf-1""#), 2, "both forms carry the token");
}

#[tokio::test]
async fn the_sign_up_page_keeps_its_contract_with_automated_browsers() {
    let response = sign_up().render(&context("en"));
    assert_eq!(response.status(), StatusCode::OK);
    let page = html(response).await;
    for part in [
        r#"<form class="form" method="post" action="/t/acme/signup" novalidate>"#,
        r#"<form class="cancel" method="post" action="/t/acme/signup">"#,
        r#"type="email" id="email" name="email""#,
        r#"id="name" name="name""#,
        r#"type="password" id="password" name="password" autocomplete="new-password""#,
        r#"<button class="primary" type="submit">Create account</button>"#,
        r#"<input class="quiet" type="submit" id="cancel""#,
        r#"<a href="/t/acme/login?flow=flow%261&#38;switch=1" id="sign-in">"#,
    ] {
        assert_eq!(count(&page, part), 1, "{part}: {page}");
    }
    assert_eq!(count(&page, r#"type="submit">"#), 1, "one button of type submit");
    let offering = html(SignInPage { offers_sign_up: true, ..sign_in() }.render(&context("en"))).await;
    assert_eq!(count(&offering, r#"<a href="/t/acme/signup?flow=flow%261&#38;switch=1" id="sign-up">"#), 1);
    assert_eq!(count(&html(sign_in().render(&context("en"))).await, "/signup"), 0);
}

#[tokio::test]
async fn each_field_of_the_sign_up_page_says_what_is_wrong_with_it() {
    let typed = SignUpPage { email: "maria@".to_owned(), name: "M".to_owned(), ..sign_up() };
    let page = html(SignUpPage { error: Some(SIGN_UP_ERRORS[0]), ..typed.clone() }.render(&context("en"))).await;
    for field in ["email", "name", "password"] {
        assert!(page.contains(&format!(r##"<a href="#{field}">"##)), "{field}: {page}");
        assert!(page.contains(&format!(r#"<p class="field-problem" id="{field}-problem">"#)), "{field}");
    }
    assert_eq!(count(&page, r#"aria-invalid="true""#), 3);
    assert!(page.contains(r#"aria-describedby="password-hint password-problem""#));
    for error in SIGN_UP_ERRORS {
        let response = SignUpPage { error: Some(error), ..typed.clone() }.render(&context("en"));
        assert_eq!(response.status(), error.status());
        let page = html(response).await;
        assert!(page.contains("<title>Error: Create an account · Acme</title>"), "{page}");
        assert_eq!(count(&page, " autofocus"), 1);
        assert!(page.contains(r#"value="maria@""#) && page.contains(r#"value="M""#));
    }
}

#[tokio::test]
async fn the_consent_page_keeps_its_contract_with_automated_browsers() {
    let page = html(consent().render(&context("en"))).await;
    for part in [
        r#"<form class="form" method="post" action="/t/acme/consent">"#,
        r#"type="submit" id="allow" name="decision" value="allow""#,
        r#"type="submit" id="deny" name="decision" value="deny""#,
        r#"href="/t/acme/select-account?flow=flow%261""#,
        "reports.example",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert_eq!(count(&page, r#"class="badge""#), 1, "only what is new is marked");
}

#[tokio::test]
async fn the_account_chooser_has_a_button_for_each_and_a_way_to_another() {
    let page = html(select_account().render(&context("en"))).await;
    for part in [
        r#"<form method="post" action="/t/acme/select-account">"#,
        r#"<button class="account" type="submit" name="account" value="1">"#,
        r#"<button class="account" type="submit" name="account" value="2">"#,
        r#"href="/t/acme/login?flow=flow%261&#38;switch=1""#,
        r#"<input class="quiet" type="submit" id="cancel""#,
    ] {
        assert_eq!(count(&page, part), 1, "{part}: {page}");
    }
}

#[tokio::test]
async fn what_was_typed_is_kept_and_the_summary_takes_the_focus() {
    let typed = SignInPage { email: "maria@acme.example".to_owned(), ..sign_in() };
    let page = html(typed.render(&context("en"))).await;
    assert!(page.contains(
        r#"autocomplete="current-password" autocapitalize="none" autocorrect="off" spellcheck="false" autofocus"#
    ));
    for error in SIGN_IN_ERRORS {
        let failed = SignInPage { error: Some(error), ..typed.clone() };
        let response = failed.render(&context("en"));
        assert_eq!(response.status(), error.status());
        let page = html(response).await;
        assert!(page.contains("<title>Error: Sign in · Acme</title>"));
        assert!(page.contains(r#"role="alert" tabindex="-1" autofocus"#));
        assert_eq!(count(&page, " autofocus"), 1);
        assert!(page.contains(r#"value="maria@acme.example""#));
    }
}

#[tokio::test]
async fn a_missing_field_says_so_itself() {
    let failed = SignInPage { error: Some(SignInError::MissingBoth), ..sign_in() };
    let page = html(failed.render(&context("en"))).await;
    for field in ["email", "password"] {
        assert!(page.contains(&format!(r##"<a href="#{field}">"##)));
        assert!(page.contains(&format!(r#"aria-invalid="true" aria-describedby="{field}-problem""#)));
        assert!(page.contains(&format!(r#"id="{field}-problem""#)));
    }
}

#[test]
fn waiting_is_told_to_programs_as_well() {
    let locked = SignInPage { error: Some(SignInError::TooManyAttempts { minutes: 7 }), ..sign_in() };
    assert_eq!(locked.render(&context("en")).headers()[header::RETRY_AFTER], "420");
    let busy = ErrorPage::new(Failure::Unavailable { seconds: 5 });
    assert_eq!(busy.render(&context("en")).headers()[header::RETRY_AFTER], "5");
}

#[tokio::test]
async fn a_failure_names_the_parameter_the_code_and_the_reference() {
    let refused = ErrorPage::new(Failure::RedirectUriMismatch).code("invalid_request").detail("Not registered.");
    let response = refused.render(&context("en"));
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    let page = html(response).await;
    for part in ["redirect_uri", "invalid_request", "Not registered.", "reference-1", "You did nothing wrong."] {
        assert!(page.contains(part), "{part}");
    }
    let other = ErrorPage::new(Failure::InvalidRequest).parameter("response_mode").render(&context("en"));
    assert!(html(other).await.contains("response_mode"));
}

#[tokio::test]
async fn every_failure_page_has_the_reference() {
    for failure in Failure::ALL {
        let page = html(ErrorPage::new(failure).render(&context("de"))).await;
        assert!(page.contains("reference-1"), "{failure:?}");
    }
}

#[tokio::test]
async fn hostile_names_stay_text() {
    let person = Person { name: Some(HOSTILE.to_owned()), login: HOSTILE.to_owned() };
    let hostile = PageContext {
        base: String::new(),
        brand: Arc::new(Brand::new(HOSTILE)),
        reference: HOSTILE.to_owned(),
        query: format!("a=\"><script>&{HOSTILE}"),
        ..context("en")
    };
    let sign_in = SignInPage {
        client: client(HOSTILE),
        flow: HOSTILE.to_owned(),
        csrf: HOSTILE.to_owned(),
        email: HOSTILE.to_owned(),
        ..sign_in()
    };
    let scope = RequestedScope { name: HOSTILE.to_owned(), description: None, is_new: false };
    let described = RequestedScope { description: Some(HOSTILE.to_owned()), ..scope.clone() };
    let consent = ConsentPage {
        client: client(HOSTILE),
        flow: HOSTILE.to_owned(),
        person: person.clone(),
        scopes: vec![scope, described],
        ..consent()
    };
    let failure = ErrorPage::new(Failure::InvalidRequest).parameter(HOSTILE).code(HOSTILE).detail(HOSTILE);
    let of_account = account::examples::every_page(&hostile, HOSTILE);
    for response in of_account.into_iter().chain([
        sign_in.render(&hostile),
        LogoutPage { parameters: vec![("state", HOSTILE)], csrf: HOSTILE.to_owned(), ..logout() }.render(&hostile),
        SignUpPage {
            client: client(HOSTILE),
            flow: HOSTILE.to_owned(),
            csrf: HOSTILE.to_owned(),
            email: HOSTILE.to_owned(),
            name: HOSTILE.to_owned(),
            ..sign_up()
        }
        .render(&hostile),
        consent.render(&hostile),
        SelectAccountPage {
            client: client(HOSTILE),
            flow: HOSTILE.to_owned(),
            accounts: vec![AccountChoice { id: HOSTILE.to_owned(), person: person.clone() }],
            ..select_account()
        }
        .render(&hostile),
        SignInPage { expected: Some(person.clone()), client: client(HOSTILE), ..super::tests::sign_in() }
            .render(&hostile),
        failure.client(client(HOSTILE)).render(&hostile),
        MessagePage::new(Message::SignedIn(person)).client(client(HOSTILE)).render(&hostile),
    ]) {
        let page = html(response).await;
        assert!(!page.contains("<script>"), "{page}");
        assert!(!page.contains("onload='x'"), "{page}");
        assert!(page.contains("&#60;script&#62;alert(1)"), "{page}");
        assert!(page.contains("{{ 7 * 7 }} { $client }"), "{page}");
    }
}

#[tokio::test]
async fn an_inserted_name_cant_bring_the_marks_of_markup() {
    let tricky = SignInPage { client: client("\u{e000}x\u{e001}\u{e001}y"), ..sign_in() };
    let page = html(tricky.render(&context("en"))).await;
    assert!(page.contains("<b><bdi>xy</bdi></b>"));
}

#[test]
fn every_page_has_every_header() {
    for response in every_page(&context("de")) {
        let headers = response.headers();
        assert_eq!(headers[header::CONTENT_TYPE], "text/html; charset=utf-8");
        assert_eq!(headers[header::CONTENT_LANGUAGE], "de");
        assert_eq!(headers[header::CACHE_CONTROL], "no-store");
        assert_eq!(headers[header::REFERRER_POLICY], "no-referrer");
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(headers[header::X_FRAME_OPTIONS], "DENY");
        assert_eq!(headers["cross-origin-opener-policy"], "same-origin");
        assert!(headers.contains_key("permissions-policy"));
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
    }
}

#[test]
fn only_pages_whose_form_may_end_at_the_client_let_forms_go_elsewhere() {
    let policy = |response: Response| response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
    for response in [
        sign_in().render(&context("en")),
        sign_up().render(&context("en")),
        consent().render(&context("en")),
        select_account().render(&context("en")),
        logout().render(&context("en")),
    ] {
        assert_eq!(
            policy(response),
            "default-src 'none'; style-src 'self'; img-src 'self' https: data:; script-src 'self'; \
             frame-ancestors 'none'; base-uri 'none'"
        );
    }
    for response in [
        ErrorPage::new(Failure::Internal).render(&context("en")),
        LogoutPage { returns_to: None, ..logout() }.render(&context("en")),
    ] {
        assert!(policy(response).contains("script-src 'self'; form-action 'self'; frame-ancestors"));
    }
}

#[tokio::test]
async fn every_page_has_a_language_switch_and_nothing_inline() {
    for language in Language::all() {
        for response in every_page(&context(language.code())) {
            let page = html(response).await;
            assert!(page.contains(&format!("<html lang=\"{}\"", language.code())));
            assert_eq!(count(&page, "hreflang="), Language::all().count() - 1, "{page}");
            assert!(!page.contains("lang=xx"), "{page}");
            assert!(!page.contains(" style=") && !page.contains("<style") && !page.contains(" onclick="), "{page}");
            assert!(!page.contains("{ $") && !page.contains("{$"), "a value is missing: {page}");
        }
    }
}

#[tokio::test]
async fn language_links_of_a_failure_keep_the_request() {
    let page = html(ErrorPage::new(Failure::UnknownClient).render(&context("en"))).await;
    assert!(page.contains(r#"href="?client_id=a%26b&#38;lang=de""#), "{page}");
    let long = PageContext { query: "x=".to_owned() + &"y".repeat(9000), ..context("en") };
    let page = html(ErrorPage::new(Failure::UnknownClient).render(&long)).await;
    assert!(page.contains(r#"href="?lang=de""#), "{page}");
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read_folder(folder: &Path) -> Vec<String> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: PathBuf| if path.is_dir() { read_folder(&path) } else { vec![fs::read_to_string(path).unwrap()] };
    paths.filter(|path| !path.ends_with("tests.rs")).flat_map(read).collect()
}

/// Keys of a language, and the variables of each.
fn keys(code: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut keys: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut current = String::new();
    for line in read_folder(&root().join("locales").join(code)).iter().flat_map(|file| file.lines()) {
        if line.starts_with(|c: char| c.is_ascii_lowercase()) {
            current = line.split_once(" =").unwrap().0.to_owned();
            assert!(keys.insert(current.clone(), BTreeSet::new()).is_none(), "{code}: {current} is there twice");
        }
        for part in line.split('$').skip(1) {
            let name = part.chars().take_while(char::is_ascii_alphanumeric).collect();
            keys.get_mut(&current).unwrap().insert(name);
        }
    }
    keys
}

/// Everything between quotes that looks like a key, in templates and in this module.
fn quoted_keys() -> BTreeSet<String> {
    let mut files = read_folder(&root().join("templates"));
    files.extend(read_folder(&root().join("src/http/pages")));
    let is_key = |part: &&str| {
        part.contains('-')
            && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    files.iter().flat_map(|file| file.split('"')).filter(is_key).map(str::to_owned).collect()
}

#[test]
fn every_language_has_the_same_keys_with_the_same_variables() {
    let english = keys("en");
    for language in Language::all() {
        assert_eq!(keys(language.code()), english, "{}", language.code());
    }
}

#[test]
fn every_key_that_a_page_asks_for_is_there_and_every_key_is_asked_for() {
    let there: BTreeSet<String> = keys("en").into_keys().collect();
    let quoted = quoted_keys();
    let topics = [
        "sign-in-", "sign-up-", "consent-", "scope-", "failure-", "fault-", "fact-", "next-", "signed-", "landing-",
        "account-", "moment-",
    ];
    for key in quoted.iter().filter(|key| topics.iter().any(|topic| key.starts_with(topic))) {
        let is_topic = there.contains(&format!("{key}-title")) && there.contains(&format!("{key}-what"));
        // Icons and classes of the same form aren't keys; none of them begins like one.
        assert!(there.contains(key) || is_topic, "{key} is asked for and isn't there");
    }
    for key in &there {
        let stem = ["-title", "-what", "-detail"].iter().find_map(|end| key.strip_suffix(end)).unwrap_or(key);
        assert!(quoted.contains(key) || quoted.contains(stem), "{key} is there and isn't asked for");
    }
}
