//! Writes every hosted page in every state as static files, to look at and to check.
//!
//! `cargo run -p idp --example pages -- FOLDER`, then serve FOLDER by any web server and open `/`.

use std::{error::Error, fmt::Write as _, fs, path::Path, sync::Arc};

use idp::http::pages::{
    AccountChoice, Brand, ClientDisplay, ConsentPage, EmailProblem, EntryProblems, ErrorPage, Failure, Language, Link,
    LogoUrl, Message, MessagePage, NameProblem, PageContext, PasswordProblem, Person, RequestedScope, ReturnTarget,
    SelectAccountPage, SignInError, SignInPage, SignUpError, SignUpPage, assets,
};
use poem::Response;

const LONG: &str =
    "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft and Partners International";

const LOGO: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 64 64'%3E%3Crect width='64' \
    height='64' fill='%23123b5d'/%3E%3Cpath d='M18 44V28m9 16V18m10 26V32m9 12V24' stroke='%23fff' stroke-width='5' \
    stroke-linecap='round'/%3E%3C/svg%3E";

const BRAND_LOGO: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 64 64'%3E%3Ccircle cx='32' \
    cy='32' r='30' fill='%230b7a75'/%3E%3Cpath d='M18 44 32 18l14 26' fill='none' stroke='%23fff' stroke-width='6' \
    stroke-linecap='round' stroke-linejoin='round'/%3E%3C/svg%3E";

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A name and what makes the response for a context.
type Page = (&'static str, Box<dyn Fn(&PageContext) -> Response>);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let folder = std::env::args().nth(1).ok_or("usage: pages FOLDER")?;
    let folder = Path::new(&folder);
    fs::create_dir_all(folder.join("assets"))?;
    for asset in assets::all() {
        fs::write(folder.join("assets").join(asset.name()), asset.bytes())?;
    }

    let mut index = String::from("<!doctype html><html lang=en><meta charset=utf-8><title>Pages</title><ul>\n");
    for (brand_name, base, brand) in brands() {
        let brand = Arc::new(brand);
        let home = folder.join(base.trim_start_matches('/'));
        fs::create_dir_all(&home)?;
        if let Some(sheet) = brand.sheet() {
            fs::write(home.join(sheet.name()), sheet.bytes())?;
        }
        for language in Language::all() {
            let context = PageContext {
                base: base.to_owned(),
                brand: Arc::clone(&brand),
                language,
                reference: "019ab3c2-7f04-7c55-9d1e-5b0c6d1f2a34".to_owned(),
                query: "client_id=reports&redirect_uri=https%3A%2F%2Fevil.example%2Fcb".to_owned(),
            };
            for (name, page) in pages()? {
                let file = format!("{brand_name}.{name}.{}.html", language.code());
                fs::write(folder.join(&file), page(&context).into_body().into_string().await?)?;
                writeln!(index, "<li><a href=\"{file}\">{file}</a>")?;
            }
        }
    }
    fs::write(folder.join("index.html"), index)?;
    Ok(())
}

fn brands() -> [(&'static str, &'static str, Brand); 4] {
    let colour = |text: &str| text.parse().ok();
    [
        ("signet", "", Brand::new("Signet")),
        (
            "acme",
            "/t/acme",
            Brand::new("Acme")
                .with_logo(LogoUrl::parse(BRAND_LOGO))
                .with_accent(colour("#0b7a75"))
                .with_background(colour("#e6f2ef")),
        ),
        (
            "night",
            "/t/night",
            Brand::new("Night Shift").with_accent(colour("#ffd21f")).with_background(colour("#14213d")),
        ),
        ("long", "/t/long", Brand::new(LONG).with_logo(LogoUrl::parse(BRAND_LOGO)).with_accent(colour("#0a0a0a"))),
    ]
}

fn reports() -> ClientDisplay {
    ClientDisplay {
        name: "Acme Reports".to_owned(),
        logo: LogoUrl::parse(LOGO),
        home: Link::parse("https://reports.acme.example/"),
        policy: Link::parse("https://reports.acme.example/privacy"),
        terms: Link::parse("https://reports.acme.example/terms"),
        is_console: false,
    }
}

fn scopes(names: &[&str], new: &[&str]) -> Vec<RequestedScope> {
    let scope = |name: &&str| RequestedScope {
        name: (*name).to_owned(),
        description: (*name == "invoices:read").then(|| "Read your invoices".to_owned()),
        is_new: new.contains(name),
    };
    names.iter().map(scope).collect()
}

fn pages() -> Result<Vec<Page>> {
    let target = |uri: &str| ReturnTarget::from_redirect_uri(uri).ok_or("not a redirect URI");
    let sign_in = SignInPage {
        client: reports(),
        flow: "019ab3c2-7f04-7c55-9d1e-5b0c6d1f2a34".to_owned(),
        csrf: "k3S0uGmV0b6mE1p4".to_owned(),
        email: String::new(),
        expected: None,
        offers_sign_up: true,
        wants_another: false,
        error: None,
    };
    let typed = SignInPage { email: "maria.mustermann@acme.example".to_owned(), ..sign_in.clone() };
    let failed = |error| SignInPage { error: Some(error), ..typed.clone() };
    let everything =
        ["openid", "profile", "email", "address", "phone", "offline_access", "invoices:read", "fleet.vehicles:write"];
    let consent = ConsentPage {
        client: reports(),
        returns_to: target("https://reports.acme.example/callback")?,
        flow: sign_in.flow.clone(),
        csrf: sign_in.csrf.clone(),
        person: Person { name: Some("Maria Mustermann".to_owned()), login: typed.email.clone() },
        scopes: scopes(&["openid", "profile", "email"], &["openid", "profile", "email"]),
    };
    let sign_ins = [
        ("sign-in", sign_in.clone()),
        ("sign-in-typed", typed.clone()),
        ("sign-in-bare", SignInPage { client: ClientDisplay::new("demo"), ..sign_in.clone() }),
        (
            "sign-in-long",
            SignInPage { client: ClientDisplay { logo: None, name: LONG.to_owned(), ..reports() }, ..sign_in.clone() },
        ),
        ("sign-in-bad", failed(SignInError::BadCredentials)),
        ("sign-in-missing-password", failed(SignInError::MissingPassword)),
        ("sign-in-missing", SignInPage { error: Some(SignInError::MissingBoth), ..sign_in }),
        ("sign-in-locked", failed(SignInError::TooManyAttempts { minutes: 12 })),
        ("sign-in-busy", failed(SignInError::Busy { seconds: 5 })),
        ("sign-in-expired", failed(SignInError::Expired)),
    ];
    let long_person = Person { name: Some(LONG.to_owned()), login: format!("{}@acme.example", "m".repeat(80)) };
    let consents = [
        ("consent", consent.clone()),
        ("consent-new", ConsentPage { scopes: scopes(&everything, &["phone", "invoices:read"]), ..consent.clone() }),
        (
            "consent-app",
            ConsentPage {
                client: ClientDisplay::new("notes"),
                returns_to: target("com.acme.notes:/callback")?,
                person: Person { name: None, login: "maria".to_owned() },
                ..consent.clone()
            },
        ),
        (
            "consent-long",
            ConsentPage {
                client: ClientDisplay::new(LONG),
                person: long_person,
                scopes: scopes(&["openid", &"very-long-scope-name.".repeat(6)], &[]),
                ..consent
            },
        ),
    ];
    let accounts = [("1", "Maria Mustermann", "maria@acme.example"), ("2", LONG, "m@acme.example")];
    let choose = SelectAccountPage {
        client: reports(),
        flow: "019ab3c2-7f04-7c55-9d1e-5b0c6d1f2a34".to_owned(),
        csrf: "k3S0uGmV0b6mE1p4".to_owned(),
        accounts: accounts
            .map(|(id, name, login)| AccountChoice {
                id: id.to_owned(),
                person: Person { name: Some(name.to_owned()), login: login.to_owned() },
            })
            .into(),
    };
    let sign_ups = sign_ups(&choose);
    let mut pages: Vec<Page> = vec![("select-account", Box::new(move |context| choose.render(context)))];
    for (name, page) in sign_ins {
        pages.push((name, Box::new(move |context| page.render(context))));
    }
    for (name, page) in sign_ups {
        pages.push((name, Box::new(move |context| page.render(context))));
    }
    for (name, page) in consents {
        pages.push((name, Box::new(move |context| page.render(context))));
    }
    for (name, page) in failures() {
        pages.push((name, Box::new(move |context| page.render(context))));
    }
    for (name, page) in messages() {
        pages.push((name, Box::new(move |context| page.render(context))));
    }
    Ok(pages)
}

fn sign_ups(like: &SelectAccountPage) -> [(&'static str, SignUpPage); 3] {
    let page = SignUpPage {
        client: like.client.clone(),
        flow: like.flow.clone(),
        csrf: like.csrf.clone(),
        email: String::new(),
        name: String::new(),
        error: None,
    };
    let problems = EntryProblems {
        email: Some(EmailProblem::Taken),
        name: Some(NameProblem),
        password: Some(PasswordProblem::Guessable),
    };
    [
        ("sign-up", page.clone()),
        ("sign-up-wrong", SignUpPage { error: Some(SignUpError::Entries(problems)), ..page.clone() }),
        ("sign-up-locked", SignUpPage { error: Some(SignUpError::TooManyAttempts { minutes: 12 }), ..page }),
    ]
}

fn failures() -> Vec<(&'static str, ErrorPage)> {
    let refused = |failure| ErrorPage::new(failure).code("invalid_request");
    vec![
        ("failure-unknown-client", refused(Failure::UnknownClient)),
        (
            "failure-client-disabled",
            ErrorPage::new(Failure::ClientDisabled).code("unauthorized_client").client(reports()),
        ),
        ("failure-redirect-missing", refused(Failure::RedirectUriMissing)),
        (
            "failure-redirect-mismatch",
            refused(Failure::RedirectUriMismatch)
                .detail("The value https://evil.example/cb isn't registered for this client.")
                .client(reports()),
        ),
        ("failure-invalid", refused(Failure::InvalidRequest).parameter("response_mode").detail("It was sent twice.")),
        ("failure-flow-unknown", ErrorPage::new(Failure::FlowUnknown)),
        ("failure-other-browser", ErrorPage::new(Failure::OtherBrowser)),
        ("failure-form-rejected", ErrorPage::new(Failure::FormRejected)),
        ("failure-not-found", ErrorPage::new(Failure::NotFound)),
        ("failure-method", ErrorPage::new(Failure::MethodNotAllowed)),
        ("failure-too-large", ErrorPage::new(Failure::TooLarge)),
        ("failure-form-format", ErrorPage::new(Failure::UnsupportedForm)),
        ("failure-too-many", ErrorPage::new(Failure::TooManyRequests { minutes: 1 })),
        ("failure-busy", ErrorPage::new(Failure::Busy { seconds: 5 })),
        ("failure-unavailable", ErrorPage::new(Failure::Unavailable { seconds: 30 })),
        ("failure-internal", ErrorPage::new(Failure::Internal)),
        ("failure-tenant-unknown", ErrorPage::new(Failure::TenantUnknown)),
        ("failure-tenant-suspended", ErrorPage::new(Failure::TenantSuspended)),
    ]
}

fn messages() -> Vec<(&'static str, MessagePage)> {
    let person = Person { name: Some("Maria Mustermann".to_owned()), login: "maria@acme.example".to_owned() };
    vec![
        ("message-landing", MessagePage::new(Message::Landing)),
        ("message-signed-in", MessagePage::new(Message::SignedIn(person))),
        ("message-signed-out", MessagePage::new(Message::SignedOut)),
        ("message-finished", MessagePage::new(Message::FlowFinished).client(reports())),
    ]
}
