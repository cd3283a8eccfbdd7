//! What an administrator may change of a person, as one document.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::merge_patch::{self, FieldError};
use super::typed_json;
use super::user::{Address, Email, Profile, User, Username};

/// What an administrator may change of a person. Its status and its password have ways of their own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UserDetails {
    /// E-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// Whether the address was proved to be theirs.
    pub email_verified: bool,
    /// Name to sign in with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<Username>,
    /// Roles.
    pub roles: BTreeSet<String>,
    /// The other standard claims.
    pub profile: Profile,
}

impl From<&User> for UserDetails {
    fn from(user: &User) -> Self {
        Self {
            email: user.email.clone(),
            email_verified: user.email_verified,
            username: user.username.clone(),
            roles: user.roles.clone(),
            profile: user.profile.clone(),
        }
    }
}

impl UserDetails {
    /// What becomes of them by a merge patch (RFC 7396). A new e-mail address or telephone number isn't verified
    /// unless the patch says so.
    ///
    /// # Errors
    /// The member at fault.
    pub fn patched(&self, patch: &Value) -> Result<Self, FieldError> {
        // A list would be taken for the members in their order.
        if !patch.is_object() {
            return Err(FieldError::new("the document", "expected an object"));
        }
        let document = serde_json::to_value(self).unwrap_or_default();
        let mut next: Self = typed_json::read(merge_patch::merged(document, patch))?;
        let lower = |details: &Self| details.email.as_ref().map(Email::lower);
        if patch.get("email_verified").is_none() && lower(&next) != lower(self) {
            next.email_verified = false;
        }
        let said = patch.pointer("/profile/phone_number_verified").is_some();
        if !said && next.profile.phone_number != self.profile.phone_number {
            next.profile.phone_number_verified = None;
        }
        next.tidy();
        check(&next.profile)?;
        Ok(next)
    }

    /// Takes out what says nothing.
    fn tidy(&mut self) {
        self.email_verified &= self.email.is_some();
        if self.profile.phone_number.is_none() {
            self.profile.phone_number_verified = None;
        }
        if self.profile.address == Some(Address::default()) {
            self.profile.address = None;
        }
    }
}

/// The longest name, in characters.
const LONGEST_NAME: usize = 255;
/// The longest line of an address, in characters.
const LONGEST_ADDRESS: usize = 1000;
/// The longest web address, in bytes.
const LONGEST_URL: usize = 2048;

/// Whether each claim can be what OpenID Connect Core §5.1 says that it is.
///
/// # Errors
/// The claim at fault.
pub fn check(profile: &Profile) -> Result<(), FieldError> {
    let wrong = |name: &str, rule: &str| Err(FieldError::new(format!("profile.{name}"), rule));
    for (name, value) in [
        ("name", &profile.name),
        ("given_name", &profile.given_name),
        ("family_name", &profile.family_name),
        ("middle_name", &profile.middle_name),
        ("nickname", &profile.nickname),
        ("gender", &profile.gender),
    ] {
        if value.as_deref().is_some_and(|text| !is_text(text, LONGEST_NAME)) {
            return wrong(name, "expected 1 to 255 characters, none of them a control character");
        }
    }
    for (name, value) in [("profile", &profile.profile), ("picture", &profile.picture), ("website", &profile.website)] {
        if value.as_deref().is_some_and(|text| !is_web_address(text)) {
            return wrong(name, "expected a web address, http or https");
        }
    }
    if profile.birthdate.as_deref().is_some_and(|text| !is_birthdate(text)) {
        return wrong("birthdate", "expected YYYY-MM-DD, 0000-MM-DD where the year isn't known, or YYYY");
    }
    let zone = |c: char| c.is_ascii_alphanumeric() || "/_+-".contains(c);
    if profile.zoneinfo.as_deref().is_some_and(|text| !fits(text, 64, zone)) {
        return wrong("zoneinfo", "expected a time zone such as Europe/Paris");
    }
    let tag = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    if profile.locale.as_deref().is_some_and(|text| !fits(text, 35, tag)) {
        return wrong("locale", "expected a language tag such as en-GB (BCP 47)");
    }
    if profile.phone_number.as_deref().is_some_and(|text| !is_phone_number(text)) {
        return wrong("phone_number", "expected a number with its country's code, such as +4930901820 (E.164)");
    }
    let Some(address) = &profile.address else { return Ok(()) };
    for (name, value) in [
        ("formatted", &address.formatted),
        ("street_address", &address.street_address),
        ("locality", &address.locality),
        ("region", &address.region),
        ("postal_code", &address.postal_code),
        ("country", &address.country),
    ] {
        let lines = |text: &str| text.split(['\n', '\r']).all(|line| line.is_empty() || is_text(line, LONGEST_ADDRESS));
        if value.as_deref().is_some_and(|text| text.is_empty() || text.len() > 4 * LONGEST_ADDRESS || !lines(text)) {
            return wrong(&format!("address.{name}"), "expected 1 to 1000 characters, line breaks among them");
        }
    }
    Ok(())
}

fn is_text(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

fn fits(text: &str, longest: usize, each: impl Fn(char) -> bool) -> bool {
    (1..=longest).contains(&text.len()) && text.chars().all(each)
}

fn is_web_address(text: &str) -> bool {
    let web = |url: url::Url| matches!(url.scheme(), "https" | "http") && url.has_host();
    text.len() <= LONGEST_URL && !text.chars().any(char::is_control) && url::Url::parse(text).is_ok_and(web)
}

fn is_birthdate(text: &str) -> bool {
    let number = |text: &str, digits: usize| {
        (text.len() == digits && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse::<u16>().ok()).flatten()
    };
    let mut parts = text.split('-');
    let year = parts.next().and_then(|text| number(text, 4));
    match (year, parts.next(), parts.next(), parts.next()) {
        (Some(year), None, None, None) => year > 0,
        (Some(year), Some(month), Some(day), None) => {
            // Without a year, the 29th of February is a day.
            let year = if year == 0 { 2000 } else { i32::from(year) };
            let month = number(month, 2).and_then(|month| u8::try_from(month).ok());
            let month = month.and_then(|month| time::Month::try_from(month).ok());
            let day = number(day, 2).and_then(|day| u8::try_from(day).ok());
            month.zip(day).is_some_and(|(month, day)| time::Date::from_calendar_date(year, month, day).is_ok())
        }
        _ => false,
    }
}

fn is_phone_number(text: &str) -> bool {
    let (number, extension) = text.split_once(";ext=").map_or((text, None), |(number, ext)| (number, Some(ext)));
    let Some(number) = number.strip_prefix('+') else { return false };
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    fits(number, 40, |c| c.is_ascii_digit() || " ().-".contains(c))
        && (3..=15).contains(&digits)
        && extension.is_none_or(|text| fits(text, 10, |c| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use serde_json::json;

    use super::*;

    #[test]
    fn every_standard_claim_holds_what_the_specification_gives_as_an_example() {
        let patch = json!({ "email": "janedoe@example.com", "username": "j.doe", "roles": ["a"], "profile": {
            "name": "Jane Doe", "given_name": "Jane", "family_name": "Doe", "middle_name": "Q.", "nickname": "JD",
            "profile": "https://server.example.com/janedoe", "picture": "http://example.com/janedoe/me.jpg",
            "website": "https://jane.example", "gender": "female", "birthdate": "0000-10-31",
            "zoneinfo": "America/Los_Angeles", "locale": "en-US", "phone_number": "+1 (425) 555-1212",
            "phone_number_verified": true, "address": { "street_address": "1234 Hollywood Blvd.\nApt. 7",
                "locality": "Los Angeles", "region": "CA", "postal_code": "90210", "country": "US",
                "formatted": "1234 Hollywood Blvd.\r\nLos Angeles" } } });
        let details = UserDetails::default().patched(&patch).unwrap();
        assert_eq!(
            serde_json::to_value(&details).unwrap(),
            merge_patch::merged(patch, &json!({"email_verified": false}))
        );
    }

    #[test]
    fn a_claim_that_cannot_be_is_named() {
        for (patch, field) in [
            (json!({"emial": "x"}), "emial"),
            (json!({"email": "x"}), "email"),
            (json!({"email_verified": "yes"}), "email_verified"),
            (json!({"profile": {"nmae": "x"}}), "profile.nmae"),
            (json!({"profile": {"name": ""}}), "profile.name"),
            (json!({"profile": {"name": "a\u{0}b"}}), "profile.name"),
            (json!({"profile": {"picture": "javascript:alert(1)"}}), "profile.picture"),
            (json!({"profile": {"birthdate": "1990-02-29"}}), "profile.birthdate"),
            (json!({"profile": {"birthdate": "90-02-01"}}), "profile.birthdate"),
            (json!({"profile": {"zoneinfo": "Europe Paris"}}), "profile.zoneinfo"),
            (json!({"profile": {"locale": "english please"}}), "profile.locale"),
            (json!({"profile": {"phone_number": "030 901820"}}), "profile.phone_number"),
            (json!({"profile": {"address": {"country": "\u{7}"}}}), "profile.address.country"),
            (json!({"profile": {"address": {"contry": "x"}}}), "profile.address.contry"),
            (json!([]), "the document"),
        ] {
            let refused = UserDetails::default().patched(&patch);
            assert_eq!(refused.map_err(|error| error.field).err().as_deref(), Some(field), "{patch}");
        }
    }

    #[test]
    fn what_is_new_is_not_verified_unless_that_is_said() {
        let number = |number: &str, verified: Option<bool>| Profile {
            phone_number: Some(number.to_owned()),
            phone_number_verified: verified,
            ..Profile::default()
        };
        let before = UserDetails {
            email: Some("ada@example.com".parse().unwrap()),
            email_verified: true,
            profile: number("+4930901820", Some(true)),
            ..UserDetails::default()
        };
        let patched = |patch: Value| before.patched(&patch).unwrap();
        assert!(patched(json!({"email": "ADA@example.com"})).email_verified, "the same but for case");
        assert!(!patched(json!({"email": "other@example.com"})).email_verified);
        assert!(patched(json!({"email": "other@example.com", "email_verified": true})).email_verified);
        assert!(!patched(json!({"email": null, "email_verified": true})).email_verified, "there is none to verify");
        let of = |patch| patched(patch).profile;
        assert_eq!(of(json!({"profile": {"phone_number": "+49301"}})), number("+49301", None));
        assert_eq!(of(json!({"profile": {"phone_number": null}})), Profile::default());
        assert_eq!(patched(json!({})), before);
    }
}
