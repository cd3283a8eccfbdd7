//! Languages of the hosted pages, and which one a reader gets.
//!
//! A language is a folder of `fluent` files in `idp/locales/`, compiled in; the folder itself says how the language is
//! called and in which direction it is written. To add one: write the folder, add its name to the list below.
//! The bundles are built once, at the first use.

use std::{fmt, sync::LazyLock};

use fluent_bundle::{FluentResource, concurrent::FluentBundle};
use unic_langid::LanguageIdentifier;

/// Name of the cookie that remembers a language chosen by a click. It holds a code such as `de`, nothing personal.
pub const COOKIE: &str = "signet-lang";

/// How many entries of a list sent by a browser or a client are looked at.
const MAX_CANDIDATES: usize = 16;

/// Name, and text of each file, of every language.
type Source = (&'static str, &'static [&'static str]);

macro_rules! languages {
    ($($code:literal),+ $(,)?) => {
        &[$((
            $code,
            &[
                include_str!(concat!("../../../locales/", $code, "/pages.ftl")),
                include_str!(concat!("../../../locales/", $code, "/scopes.ftl")),
                include_str!(concat!("../../../locales/", $code, "/failures.ftl")),
                include_str!(concat!("../../../locales/", $code, "/account.ftl")),
            ],
        )),+]
    };
}

/// The first is the one that is used when nothing else fits.
const SOURCES: &[Source] = languages!["en", "de"];

static LOCALES: LazyLock<Vec<Locale>> = LazyLock::new(|| SOURCES.iter().map(Locale::build).collect());

/// A language with its texts, ready to be formatted.
struct Locale {
    code: &'static str,
    bundle: FluentBundle<FluentResource>,
}

impl Locale {
    fn build((code, files): &Source) -> Self {
        // Codes and files are compiled in, and a test parses them all: what is broken here is a text left out, no panic.
        let identifier: LanguageIdentifier = code.parse().unwrap_or_default();
        let mut bundle = FluentBundle::new_concurrent(vec![identifier]);
        // Isolating marks would end up in titles and attributes; `<bdi>` does their work in the templates.
        bundle.set_use_isolating(false);
        for file in *files {
            let resource = FluentResource::try_new((*file).to_owned()).unwrap_or_else(|(parsed, _)| parsed);
            bundle.add_resource_overriding(resource);
        }
        Self { code, bundle }
    }
}

/// One of the languages that the pages are written in.
#[derive(Clone, Copy)]
pub struct Language(&'static Locale);

impl Language {
    /// Every language, in the order of the language switch.
    pub fn all() -> impl Iterator<Item = Self> {
        LOCALES.iter().map(Self)
    }

    /// The language with this code, such as `de`; letter case doesn't matter. `None` when there is none.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::all().find(|language| language.code().eq_ignore_ascii_case(code))
    }

    /// BCP 47 code, as in `lang` and `Content-Language`.
    pub fn code(self) -> &'static str {
        self.0.code
    }

    /// The language that suits the reader best: the first that we have, going through [`Preferences`] in order.
    pub fn negotiate(preferences: &Preferences<'_>) -> Self {
        let one = |tag: Option<&str>| tag.and_then(Self::closest);
        one(preferences.chosen)
            .or_else(|| one(preferences.remembered))
            .or_else(|| preferences.requested.and_then(Self::from_ui_locales))
            .or_else(|| preferences.accepted.and_then(Self::from_accept_language))
            .or_else(|| one(preferences.fallback))
            .unwrap_or_default()
    }

    /// `Set-Cookie` value that remembers this language until the browser is closed, on the pages below `base`.
    ///
    /// Set it only when the reader chose (`?lang=`): a remembered language goes before what a client asks for.
    pub fn cookie(self, base: &str) -> String {
        let path = if base.is_empty() { "/" } else { base };
        format!("{COOKIE}={}; Path={path}; HttpOnly; SameSite=Lax", self.code())
    }

    pub(super) fn bundle(self) -> &'static FluentBundle<FluentResource> {
        &self.0.bundle
    }

    /// `de-AT` is served by `de`: an exact match, else the same primary language (RFC 4647 §3.4, lookup).
    fn closest(tag: &str) -> Option<Self> {
        let tag = tag.trim();
        Self::from_code(tag).or_else(|| tag.split(['-', '_']).next().and_then(Self::from_code))
    }

    /// Space-separated tags in order of preference (OIDC Core §3.1.2.1).
    fn from_ui_locales(list: &str) -> Option<Self> {
        list.split_ascii_whitespace().take(MAX_CANDIDATES).find_map(Self::closest)
    }

    /// Comma-separated tags with weights (RFC 9110 §12.5.4); a weight of zero means "not this one".
    fn from_accept_language(header: &str) -> Option<Self> {
        let mut ranked: Vec<(f32, &str)> = header
            .split(',')
            .take(MAX_CANDIDATES)
            .filter_map(|entry| {
                let (tag, parameters) = entry.split_once(';').unwrap_or((entry, ""));
                let weight = match parameters.trim().strip_prefix("q=") {
                    Some(weight) => weight.trim().parse().ok()?,
                    None => 1.0,
                };
                (weight > 0.0 && weight <= 1.0).then_some((weight, tag))
            })
            .collect();
        // A stable sort: entries of one weight stay in the order they were sent in.
        ranked.sort_by(|(left, _), (right, _)| right.total_cmp(left));
        ranked.into_iter().find_map(|(_, tag)| Self::closest(tag))
    }
}

impl Default for Language {
    /// English.
    fn default() -> Self {
        // `SOURCES` isn't empty, so that the list has a first entry.
        Self(&LOCALES[0])
    }
}

impl PartialEq for Language {
    fn eq(&self, other: &Self) -> bool {
        self.code() == other.code()
    }
}

impl Eq for Language {}

impl fmt::Debug for Language {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Language({})", self.code())
    }
}

/// What is known about the languages that a reader wants, strongest first. Unknown and malformed tags are passed over.
///
/// The reader's own click goes before what the client asked for: else the language switch would do nothing whenever a
/// client sends `ui_locales`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Preferences<'a> {
    /// `?lang=` of this request: the reader has just clicked on it.
    pub chosen: Option<&'a str>,
    /// The cookie [`COOKIE`]: the reader clicked on it earlier.
    pub remembered: Option<&'a str>,
    /// `ui_locales` of the authorization request (OIDC Core §3.1.2.1).
    pub requested: Option<&'a str>,
    /// The header `Accept-Language`.
    pub accepted: Option<&'a str>,
    /// The tenant's own default.
    pub fallback: Option<&'a str>,
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    fn negotiated(preferences: Preferences<'_>) -> &'static str {
        Language::negotiate(&preferences).code()
    }

    #[test]
    fn nothing_known_means_english() {
        assert_eq!(negotiated(Preferences::default()), "en");
    }

    #[test]
    fn the_stronger_wish_wins() {
        let all = Preferences {
            chosen: Some("de"),
            remembered: Some("en"),
            requested: Some("en"),
            accepted: Some("en"),
            fallback: Some("en"),
        };
        assert_eq!(negotiated(all), "de");
        let remembered = Preferences { chosen: None, remembered: Some("de"), ..all };
        assert_eq!(negotiated(remembered), "de");
        let requested = Preferences { remembered: None, requested: Some("fr de-CH"), ..remembered };
        assert_eq!(negotiated(requested), "de");
        let accepted = Preferences { requested: Some("fr"), accepted: Some("de"), ..requested };
        assert_eq!(negotiated(accepted), "de");
        let fallback = Preferences { accepted: Some("fr, *"), fallback: Some("de"), ..accepted };
        assert_eq!(negotiated(fallback), "de");
    }

    #[test]
    fn weights_order_accept_language() {
        let accept = |header| Language::from_accept_language(header).map(Language::code);
        assert_eq!(accept("fr, en;q=0.5, de-AT;q=0.9"), Some("de"));
        assert_eq!(accept("de;q=0, en;q=0.1"), Some("en"));
        assert_eq!(accept("de , en"), Some("de"));
        assert_eq!(accept("DE"), Some("de"));
    }

    #[test]
    fn nonsense_is_passed_over() {
        for nonsense in ["", "   ", "*", "de;q=x", "de;q=7", "de;q=nan", "\u{0}", "-", "deutsch", "../../etc", ";;;,,,"]
        {
            assert_eq!(Language::from_accept_language(nonsense), None, "{nonsense:?}");
        }
        assert_eq!(Language::from_ui_locales("x y z"), None);
    }

    #[test]
    fn the_cookie_is_bound_to_the_tenant_path() {
        let german = Language::from_code("de").unwrap();
        assert_eq!(german.cookie(""), "signet-lang=de; Path=/; HttpOnly; SameSite=Lax");
        assert_eq!(german.cookie("/t/acme"), "signet-lang=de; Path=/t/acme; HttpOnly; SameSite=Lax");
    }

    #[test]
    fn each_folder_is_listed_and_each_file_is_read() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("locales");
        let names = |folder: &Path| -> BTreeSet<String> {
            let entries = fs::read_dir(folder).unwrap();
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
        };
        let listed: BTreeSet<String> = SOURCES.iter().map(|(code, _)| (*code).to_owned()).collect();
        assert_eq!(names(&folder), listed);
        for code in listed {
            let files: BTreeSet<String> =
                ["account.ftl", "failures.ftl", "pages.ftl", "scopes.ftl"].map(str::to_owned).into();
            assert_eq!(names(&folder.join(code)), files);
        }
    }

    #[test]
    fn every_file_parses() {
        for (code, files) in SOURCES {
            for file in *files {
                let parsed = FluentResource::try_new((*file).to_owned());
                assert!(parsed.is_ok(), "{code}: {:?}", parsed.err().map(|(_, errors)| errors));
            }
        }
    }
}
