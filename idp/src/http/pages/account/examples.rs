//! Every page of the console in every state, for the tests of all pages. `text` is whatever somebody wrote.

use poem::Response;

use super::*;
use crate::domain::Timestamp;
use crate::domain::own_claims::{OwnClaim, OwnClaims};
use crate::http::pages::{ClientDisplay, PageContext};

fn person(text: &str) -> Person {
    Person { name: Some(text.to_owned()), login: "maria@acme.example".to_owned() }
}

fn frame(text: &str, page: AccountPage, notice: Option<Notice>) -> Frame {
    let other = AccountChoice { id: text.to_owned(), person: Person { name: None, login: text.to_owned() } };
    let named = AccountChoice { id: "2".to_owned(), person: person(text) };
    Frame { page, person: person(text), others: vec![other, named], csrf: "csrf-1".to_owned(), notice }
}

fn profile(text: &str, notice: Option<Notice>, problem: Option<ProfileProblem>) -> ProfilePage {
    ProfilePage {
        frame: frame(text, AccountPage::Profile, notice),
        email: Some(text.to_owned()),
        email_verified: problem.is_none(),
        username: Some(text.to_owned()),
        typed: OwnClaims::read(|_| text),
        seen: "1".to_owned(),
        problem,
    }
}

fn application(text: &str, scopes: &[&str]) -> ApplicationView {
    ApplicationView {
        id: text.to_owned(),
        client: ClientDisplay::new(text),
        is_disabled: scopes.is_empty(),
        asks: !scopes.is_empty(),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        since: Timestamp::from_seconds(1_893_456_000),
        now: Timestamp::from_seconds(1_893_459_600),
    }
}

fn devices(text: &str) -> Vec<DeviceView> {
    let device = |browser: Option<&str>, system: Option<&str>, is_app| DeviceView {
        id: text.to_owned(),
        browser: browser.map(str::to_owned),
        system: system.map(str::to_owned),
        is_app,
        address: (!is_app).then(|| text.to_owned()),
        methods: if is_app { Vec::new() } else { vec!["pwd", "other"] },
        started: Timestamp::from_seconds(1_893_456_000),
        active: Timestamp::from_seconds(1_893_456_060),
        now: Timestamp::from_seconds(1_893_459_600),
        is_this: browser.is_some(),
    };
    vec![
        device(Some(text), Some(text), false),
        device(None, Some(text), false),
        device(None, None, true),
        device(None, None, false),
    ]
}

const PASSWORD_PROBLEMS: [fn() -> PasswordProblem; 8] = [
    || PasswordProblem::Missing(vec![PasswordField::Current, PasswordField::New, PasswordField::Again]),
    || PasswordProblem::Wrong,
    || PasswordProblem::Different,
    || PasswordProblem::TooShort,
    || PasswordProblem::TooLong,
    || PasswordProblem::Guessable,
    || PasswordProblem::TooManyAttempts { minutes: 7 },
    || PasswordProblem::Busy { seconds: 5 },
];

/// Every page in every state.
pub(crate) fn every_page(context: &PageContext, text: &str) -> Vec<Response> {
    let applications = |applications, next: Option<&str>| ApplicationsPage {
        frame: frame(text, AccountPage::Applications, Some(Notice::Withdrawn)),
        applications,
        is_continued: next.is_some(),
        next: next.map(str::to_owned),
    };
    let password = PASSWORD_PROBLEMS.map(|problem| {
        PasswordPage { frame: frame(text, AccountPage::Password, None), problem: Some(problem()) }.render(context)
    });
    let mut pages = vec![
        OverviewPage { frame: frame(text, AccountPage::Overview, None) }.render(context),
        profile(text, Some(Notice::ProfileSaved), None).render(context),
        profile(text, None, Some(ProfileProblem::Wrong(OwnClaim::ALL.to_vec()))).render(context),
        profile(text, None, Some(ProfileProblem::Stale(OwnClaims::read(|_| "")))).render(context),
        profile(text, None, Some(ProfileProblem::Stale(OwnClaims::read(|_| "<script>")))).render(context),
        PasswordPage { frame: frame(text, AccountPage::Password, None), problem: None }.render(context),
        PasswordPage { frame: frame(text, AccountPage::Password, Some(Notice::PasswordChanged)), problem: None }
            .render(context),
        SessionsPage {
            frame: frame(text, AccountPage::Sessions, None),
            devices: devices(text),
            is_continued: true,
            next: Some(text.to_owned()),
        }
        .render(context),
        SessionsPage {
            frame: frame(text, AccountPage::Sessions, Some(Notice::DeviceSignedOut)),
            devices: devices(text).split_off(2),
            is_continued: false,
            next: None,
        }
        .render(context),
        EndOthersPage {
            frame: frame(text, AccountPage::Sessions, Some(Notice::OthersSignedOut)),
            devices: devices(text),
            is_cut: true,
        }
        .render(context),
        applications(Vec::new(), None).render(context),
        applications(vec![application(text, &["openid", text]), application(text, &[])], Some(text)).render(context),
        WithdrawPage { frame: frame(text, AccountPage::Applications, None), application: application(text, &[]) }
            .render(context),
        WithdrawPage {
            frame: frame(text, AccountPage::Applications, None),
            application: application(text, &["openid", "profile", "email", "address", "phone", "offline_access", text]),
        }
        .render(context),
    ];
    pages.extend(password);
    pages
}
