//! The claims that people keep themselves, as a form has them: a text for each, empty where there is none.
//!
//! It is a list of what a person may change, not of what they may not: names to sign in with, roles and what was
//! verified aren't in it, and a claim that is added some day isn't either until it is written here.

use serde_json::{Map, Value};

use super::merge_patch::FieldError;
use super::user::{Address, Profile};
use super::user_details;

macro_rules! own_claims {
    ($($(#[$doc:meta])* $claim:ident = $name:literal, $place:ident, $rule:ident;)+) => {
        /// A claim that people keep themselves (OpenID Connect Core §5.1).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum OwnClaim { $($(#[$doc])* $claim),+ }

        impl OwnClaim {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$claim),+];

            /// Its name, which is that of its field.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$claim => $name),+ }
            }

            /// What it must be.
            pub const fn rule(self) -> Rule {
                match self { $(Self::$claim => Rule::$rule),+ }
            }

            const fn place(self) -> Place {
                match self { $(Self::$claim => Place::$place),+ }
            }
        }
    };
}

own_claims! {
    /// Full name.
    Name = "name", Profile, Text;
    /// Given name or names.
    GivenName = "given_name", Profile, Text;
    /// Middle name or names.
    MiddleName = "middle_name", Profile, Text;
    /// Surname or surnames.
    FamilyName = "family_name", Profile, Text;
    /// Casual name.
    Nickname = "nickname", Profile, Text;
    /// Birthday.
    Birthdate = "birthdate", Profile, Birthdate;
    /// Gender.
    Gender = "gender", Profile, Text;
    /// URL of a picture.
    Picture = "picture", Profile, WebAddress;
    /// URL of the profile page.
    ProfilePage = "profile", Profile, WebAddress;
    /// URL of the person's web page.
    Website = "website", Profile, WebAddress;
    /// Telephone number.
    PhoneNumber = "phone_number", Profile, PhoneNumber;
    /// Street and house number.
    StreetAddress = "street_address", Address, Lines;
    /// Postal code.
    PostalCode = "postal_code", Address, Lines;
    /// Town.
    Locality = "locality", Address, Lines;
    /// State or province.
    Region = "region", Address, Lines;
    /// Country.
    Country = "country", Address, Lines;
    /// Language.
    Locale = "locale", Profile, Locale;
    /// Time zone.
    Zoneinfo = "zoneinfo", Profile, Zoneinfo;
}

/// What a claim must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// A line of at most 255 characters.
    Text,
    /// Lines of at most 1,000 characters.
    Lines,
    /// An http or https URL.
    WebAddress,
    /// `YYYY-MM-DD`, `0000-MM-DD` or `YYYY`.
    Birthdate,
    /// With its country's code.
    PhoneNumber,
    /// A language tag.
    Locale,
    /// A time zone.
    Zoneinfo,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Profile,
    Address,
}

impl OwnClaim {
    /// Its value in a profile; empty if there is none.
    pub fn of(self, profile: &Profile) -> &str {
        let address = |part: fn(&Address) -> &Option<String>| profile.address.as_ref().and_then(|a| part(a).as_deref());
        let value = match self {
            Self::Name => profile.name.as_deref(),
            Self::GivenName => profile.given_name.as_deref(),
            Self::MiddleName => profile.middle_name.as_deref(),
            Self::FamilyName => profile.family_name.as_deref(),
            Self::Nickname => profile.nickname.as_deref(),
            Self::Birthdate => profile.birthdate.as_deref(),
            Self::Gender => profile.gender.as_deref(),
            Self::Picture => profile.picture.as_deref(),
            Self::ProfilePage => profile.profile.as_deref(),
            Self::Website => profile.website.as_deref(),
            Self::PhoneNumber => profile.phone_number.as_deref(),
            Self::StreetAddress => address(|a| &a.street_address),
            Self::PostalCode => address(|a| &a.postal_code),
            Self::Locality => address(|a| &a.locality),
            Self::Region => address(|a| &a.region),
            Self::Country => address(|a| &a.country),
            Self::Locale => profile.locale.as_deref(),
            Self::Zoneinfo => profile.zoneinfo.as_deref(),
        };
        value.unwrap_or_default()
    }
}

/// What a person typed, or what is stored: a text for each claim, without white space around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnClaims(Vec<(OwnClaim, String)>);

impl From<&Profile> for OwnClaims {
    fn from(profile: &Profile) -> Self {
        Self::read(|claim| claim.of(profile))
    }
}

impl OwnClaims {
    /// Takes each claim's text from `typed`.
    pub fn read<'a>(typed: impl Fn(OwnClaim) -> &'a str) -> Self {
        // A browser ends the lines of a form as the network does.
        let tidy = |text: &str| text.trim().replace("\r\n", "\n");
        Self(OwnClaim::ALL.iter().map(|claim| (*claim, tidy(typed(*claim)))).collect())
    }

    /// The text of a claim; empty if there is none.
    pub fn text(&self, claim: OwnClaim) -> &str {
        self.0.iter().find(|(found, _)| *found == claim).map(|(_, text)| text.as_str()).unwrap_or_default()
    }

    /// The claims whose text breaks their rule.
    pub fn wrong(&self) -> Vec<OwnClaim> {
        let wrong = |claim: &OwnClaim| {
            let mut profile = Map::new();
            put(&mut profile, *claim, self.value(*claim));
            let alone = serde_json::from_value(Value::Object(profile)).unwrap_or_default();
            let checked: Result<(), FieldError> = user_details::check(&alone);
            checked.is_err()
        };
        OwnClaim::ALL.iter().copied().filter(wrong).collect()
    }

    /// The claims that differ in another profile.
    pub fn differing<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = OwnClaim> + 'a {
        OwnClaim::ALL.iter().copied().filter(|claim| self.text(*claim) != other.text(*claim))
    }

    /// The merge patch (RFC 7396) that makes a user of `before` one of these claims. The address as a whole, which the
    /// form doesn't have, goes when a part of it changes: it would say something else.
    pub fn patch(&self, before: &Self) -> Value {
        let mut profile = Map::new();
        for claim in before.differing(self) {
            put(&mut profile, claim, self.value(claim));
            if claim.place() == Place::Address
                && let Some(Value::Object(address)) = profile.get_mut("address")
            {
                address.insert("formatted".to_owned(), Value::Null);
            }
        }
        serde_json::json!({ "profile": profile })
    }

    fn value(&self, claim: OwnClaim) -> Value {
        match self.text(claim) {
            "" => Value::Null,
            text => Value::String(text.to_owned()),
        }
    }
}

fn put(profile: &mut Map<String, Value>, claim: OwnClaim, value: Value) {
    match claim.place() {
        Place::Profile => drop(profile.insert(claim.name().to_owned(), value)),
        Place::Address => {
            let address = profile.entry("address").or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(address) = address {
                address.insert(claim.name().to_owned(), value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use serde_json::json;

    use super::*;
    use crate::domain::user_details::UserDetails;

    fn profile(json: Value) -> Profile {
        serde_json::from_value(json).unwrap()
    }

    fn ada() -> Profile {
        profile(json!({
            "name": "Ada", "phone_number": "+49301", "phone_number_verified": true,
            "address": { "formatted": "Here 1\nThere", "street_address": "Here 1", "locality": "There" },
        }))
    }

    fn changed(change: &[(OwnClaim, &str)]) -> Value {
        let before = OwnClaims::from(&ada());
        let text = |claim| change.iter().find(|(c, _)| *c == claim).map_or_else(|| before.text(claim), |(_, t)| *t);
        OwnClaims::read(text).patch(&before)
    }

    #[test]
    fn a_patch_has_what_was_changed_and_nothing_else() {
        assert_eq!(changed(&[]), json!({ "profile": {} }));
        assert_eq!(changed(&[(OwnClaim::Name, " Ada  ")]), json!({ "profile": {} }), "white space around it");
        assert_eq!(changed(&[(OwnClaim::Name, "")]), json!({ "profile": { "name": null } }));
        assert_eq!(
            changed(&[(OwnClaim::Nickname, "Ad"), (OwnClaim::Locality, "Elsewhere"), (OwnClaim::Country, "DE")]),
            json!({ "profile": { "nickname": "Ad", "address": { "locality": "Elsewhere", "country": "DE", "formatted": null } } })
        );
    }

    #[test]
    fn an_address_of_which_nothing_is_left_is_none() {
        let patch = changed(&[(OwnClaim::StreetAddress, ""), (OwnClaim::Locality, "")]);
        let details = UserDetails { profile: ada(), ..UserDetails::default() };
        assert_eq!(details.patched(&patch).unwrap().profile.address, None);
    }

    #[test]
    fn every_claim_is_read_back_from_where_it_was_put() {
        let typed = OwnClaims::read(|claim| match claim.rule() {
            Rule::Text | Rule::Lines => "some text",
            Rule::WebAddress => "https://ada.example/",
            Rule::Birthdate => "1815-12-10",
            Rule::PhoneNumber => "+4930901820",
            Rule::Locale => "en-GB",
            Rule::Zoneinfo => "Europe/London",
        });
        assert_eq!(typed.wrong(), []);
        let before = UserDetails::default();
        let after = before.patched(&typed.patch(&OwnClaims::from(&before.profile))).unwrap();
        assert_eq!(OwnClaims::from(&after.profile), typed);
    }

    #[test]
    fn every_claim_at_fault_is_found() {
        let long = "x".repeat(5000);
        let typed = OwnClaims::read(|claim| match claim.rule() {
            Rule::Text | Rule::Lines => &long,
            Rule::WebAddress => "javascript:alert(1)",
            Rule::Birthdate => "10.12.1815",
            Rule::PhoneNumber => "030 901820",
            Rule::Locale => "english please",
            Rule::Zoneinfo => "Europe London",
        });
        assert_eq!(typed.wrong(), OwnClaim::ALL);
        assert_eq!(OwnClaims::read(|_| "").wrong(), [], "none is asked for");
    }

    #[test]
    fn lines_end_in_one_way() {
        let typed = OwnClaims::read(|claim| if claim == OwnClaim::StreetAddress { "a\r\nb" } else { "" });
        assert_eq!(typed.text(OwnClaim::StreetAddress), "a\nb");
    }
}
