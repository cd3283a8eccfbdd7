//! The person's own claims, as a form.

use askama::Template;
use poem::{Response, http::StatusCode};

use super::Frame;
use crate::domain::own_claims::{OwnClaim, OwnClaims, Rule};
use crate::http::pages::{PageContext, headers::Answer, layout::Chrome, texts::Texts};

/// The form of the person's own claims. Posts `csrf`, `seen` and each claim by its name to `{base}/account/profile`.
#[derive(Clone, Debug)]
pub struct ProfilePage {
    /// What is around it.
    pub frame: Frame,
    /// E-mail address, which isn't changed here.
    pub email: Option<String>,
    /// Whether the address was proved to be the person's.
    pub email_verified: bool,
    /// User name, which isn't changed here.
    pub username: Option<String>,
    /// What is in the fields.
    pub typed: OwnClaims,
    /// When the account was last changed, as far as this form knows.
    pub seen: String,
    /// Why it is shown again.
    pub problem: Option<ProfileProblem>,
}

/// Why the profile wasn't saved.
#[derive(Clone, Debug)]
pub enum ProfileProblem {
    /// These can't be what they are.
    Wrong(Vec<OwnClaim>),
    /// Somebody else changed something since the form was shown; this is what is stored now.
    Stale(OwnClaims),
}

/// Fields that belong together.
struct Group {
    title: String,
    fields: Vec<Field>,
}

struct Field {
    name: &'static str,
    label: String,
    hint: Option<String>,
    value: String,
    problem: Option<String>,
    /// What is stored now, where that is something else than what was typed.
    stored: Option<String>,
    autocomplete: &'static str,
    inputmode: &'static str,
    has_lines: bool,
    is_half: bool,
    /// Whether it is written from left to right in every language.
    is_code: bool,
}

impl Field {
    /// Ids of the texts about it.
    fn described_by(&self) -> Option<String> {
        let hint = self.hint.as_ref().map(|_| format!("{}-hint", self.name));
        let problem = (self.problem.is_some() || self.stored.is_some()).then(|| format!("{}-problem", self.name));
        let ids: Vec<String> = hint.into_iter().chain(problem).collect();
        (!ids.is_empty()).then(|| ids.join(" "))
    }
}

/// A line of the summary above the form.
struct Problem {
    text: String,
    field: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "account_profile.html")]
struct View<'a> {
    chrome: Chrome<'a>,
    t: Texts,
    frame: &'a Frame,
    page: &'a ProfilePage,
    groups: Vec<Group>,
    problems: Vec<Problem>,
}

const GROUPS: [(&str, &[OwnClaim]); 4] = [
    (
        "account-profile-name",
        &[OwnClaim::Name, OwnClaim::GivenName, OwnClaim::FamilyName, OwnClaim::MiddleName, OwnClaim::Nickname],
    ),
    (
        "account-profile-about",
        &[
            OwnClaim::Birthdate,
            OwnClaim::Gender,
            OwnClaim::PhoneNumber,
            OwnClaim::Picture,
            OwnClaim::ProfilePage,
            OwnClaim::Website,
        ],
    ),
    (
        "account-profile-address",
        &[OwnClaim::StreetAddress, OwnClaim::PostalCode, OwnClaim::Locality, OwnClaim::Region, OwnClaim::Country],
    ),
    ("account-profile-region", &[OwnClaim::Locale, OwnClaim::Zoneinfo]),
];

impl ProfilePage {
    /// The page as a response: 200, 422 for what can't be, 409 where somebody else was faster.
    pub fn render(&self, context: &PageContext) -> Response {
        let t = Texts(context.language);
        let groups = GROUPS.map(|(title, claims)| Group {
            title: t.text(title).into_owned(),
            fields: claims.iter().map(|claim| self.field(t, *claim)).collect(),
        });
        let (status, problems) = match &self.problem {
            None => (StatusCode::OK, Vec::new()),
            Some(ProfileProblem::Wrong(claims)) => {
                let line = |claim: &OwnClaim| Problem { text: problem(t, *claim), field: Some(claim.name()) };
                (StatusCode::UNPROCESSABLE_ENTITY, claims.iter().map(line).collect())
            }
            Some(ProfileProblem::Stale(_)) => {
                let text = t.text("account-profile-stale").into_owned();
                (StatusCode::CONFLICT, vec![Problem { text, field: None }])
            }
        };
        let chrome = Chrome::of_request(context);
        let view = View { chrome, t, frame: &self.frame, page: self, groups: groups.into(), problems };
        Answer::new(status).render(&view, context)
    }

    fn field(&self, t: Texts, claim: OwnClaim) -> Field {
        let (autocomplete, inputmode) = filled_in(claim);
        let value = self.typed.text(claim).to_owned();
        let (wrong, stored) = match &self.problem {
            None => (None, None),
            Some(ProfileProblem::Wrong(claims)) => (claims.contains(&claim).then(|| problem(t, claim)), None),
            Some(ProfileProblem::Stale(stored)) => (None, (stored.text(claim) != value).then(|| stored.text(claim))),
        };
        let stored = stored.map(|text| match text {
            "" => t.text("account-profile-stored-empty").into_owned(),
            text => t.with("account-profile-stored", "value", text),
        });
        Field {
            name: claim.name(),
            label: t.text(label(claim)).into_owned(),
            hint: hint(claim).map(|key| t.text(key).into_owned()),
            value,
            problem: wrong,
            stored,
            autocomplete,
            inputmode,
            has_lines: claim == OwnClaim::StreetAddress,
            is_half: is_half(claim),
            is_code: !matches!(claim.rule(), Rule::Text | Rule::Lines),
        }
    }
}

/// What is wrong with a claim that breaks its rule.
fn problem(t: Texts, claim: OwnClaim) -> String {
    let key = match claim.rule() {
        Rule::Text => "account-wrong-text",
        Rule::Lines => "account-wrong-lines",
        Rule::WebAddress => "account-wrong-web-address",
        Rule::Birthdate => "account-wrong-birthdate",
        Rule::PhoneNumber => "account-wrong-phone-number",
        Rule::Locale => "account-wrong-locale",
        Rule::Zoneinfo => "account-wrong-zoneinfo",
    };
    t.with(key, "field", t.text(label(claim)))
}

fn label(claim: OwnClaim) -> &'static str {
    match claim {
        OwnClaim::Name => "account-claim-name",
        OwnClaim::GivenName => "account-claim-given-name",
        OwnClaim::MiddleName => "account-claim-middle-name",
        OwnClaim::FamilyName => "account-claim-family-name",
        OwnClaim::Nickname => "account-claim-nickname",
        OwnClaim::Birthdate => "account-claim-birthdate",
        OwnClaim::Gender => "account-claim-gender",
        OwnClaim::Picture => "account-claim-picture",
        OwnClaim::ProfilePage => "account-claim-profile",
        OwnClaim::Website => "account-claim-website",
        OwnClaim::PhoneNumber => "account-claim-phone-number",
        OwnClaim::StreetAddress => "account-claim-street-address",
        OwnClaim::PostalCode => "account-claim-postal-code",
        OwnClaim::Locality => "account-claim-locality",
        OwnClaim::Region => "account-claim-region",
        OwnClaim::Country => "account-claim-country",
        OwnClaim::Locale => "account-claim-locale",
        OwnClaim::Zoneinfo => "account-claim-zoneinfo",
    }
}

fn hint(claim: OwnClaim) -> Option<&'static str> {
    match claim {
        OwnClaim::Name => Some("account-hint-name"),
        OwnClaim::Birthdate => Some("account-hint-birthdate"),
        OwnClaim::PhoneNumber => Some("account-hint-phone-number"),
        OwnClaim::Locale => Some("account-hint-locale"),
        OwnClaim::Zoneinfo => Some("account-hint-zoneinfo"),
        OwnClaim::GivenName
        | OwnClaim::MiddleName
        | OwnClaim::FamilyName
        | OwnClaim::Nickname
        | OwnClaim::Gender
        | OwnClaim::Picture
        | OwnClaim::ProfilePage
        | OwnClaim::Website
        | OwnClaim::StreetAddress
        | OwnClaim::PostalCode
        | OwnClaim::Locality
        | OwnClaim::Region
        | OwnClaim::Country => None,
    }
}

/// What a browser may fill in by itself, and which keyboard a phone shows (HTML, autofill and `inputmode`).
fn filled_in(claim: OwnClaim) -> (&'static str, &'static str) {
    match claim {
        OwnClaim::Name => ("name", "text"),
        OwnClaim::GivenName => ("given-name", "text"),
        OwnClaim::MiddleName => ("additional-name", "text"),
        OwnClaim::FamilyName => ("family-name", "text"),
        OwnClaim::Nickname => ("nickname", "text"),
        OwnClaim::Birthdate => ("bday", "text"),
        OwnClaim::Gender => ("sex", "text"),
        OwnClaim::Picture => ("photo", "url"),
        OwnClaim::ProfilePage | OwnClaim::Zoneinfo => ("off", "text"),
        OwnClaim::Website => ("url", "url"),
        OwnClaim::PhoneNumber => ("tel", "tel"),
        OwnClaim::StreetAddress => ("street-address", "text"),
        OwnClaim::PostalCode => ("postal-code", "text"),
        OwnClaim::Locality => ("address-level2", "text"),
        OwnClaim::Region => ("address-level1", "text"),
        OwnClaim::Country => ("country-name", "text"),
        OwnClaim::Locale => ("language", "text"),
    }
}

/// Whether two of them stand side by side where there is room.
fn is_half(claim: OwnClaim) -> bool {
    match claim {
        OwnClaim::GivenName
        | OwnClaim::MiddleName
        | OwnClaim::FamilyName
        | OwnClaim::Nickname
        | OwnClaim::Birthdate
        | OwnClaim::Gender
        | OwnClaim::PostalCode
        | OwnClaim::Locality
        | OwnClaim::Region
        | OwnClaim::Country
        | OwnClaim::Locale
        | OwnClaim::Zoneinfo => true,
        OwnClaim::Name
        | OwnClaim::Picture
        | OwnClaim::ProfilePage
        | OwnClaim::Website
        | OwnClaim::PhoneNumber
        | OwnClaim::StreetAddress => false,
    }
}
