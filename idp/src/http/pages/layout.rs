//! What is around the card on every page: brand, language switch, stylesheets.

use form_urlencoded::Serializer;

use super::{
    Brand, Language, PageContext,
    assets::{self, Files},
    texts::Texts,
};

/// The longest query that language links repeat, in bytes; a longer one is dropped rather than sent around.
const MAX_QUERY: usize = 8 * 1024;

/// The frame of a page, as the template `layout.html` asks for it.
#[derive(Debug)]
pub(super) struct Chrome<'a> {
    context: &'a PageContext,
    languages: Vec<LanguageLink>,
}

/// A language in the switch.
#[derive(Debug)]
pub(super) struct LanguageLink {
    pub(super) code: &'static str,
    /// The language's name for itself.
    pub(super) name: String,
    /// This page in that language.
    pub(super) href: String,
    pub(super) is_current: bool,
}

impl<'a> Chrome<'a> {
    /// The frame of a page that belongs to a sign-in under way; language links lead back to it.
    pub(super) fn of_flow(context: &'a PageContext, flow: &str) -> Self {
        Self::with_query(context, &[("flow", flow)])
    }

    /// The frame of a page at the address of the request itself; language links repeat its query.
    pub(super) fn of_request(context: &'a PageContext) -> Self {
        let query = if context.query.len() > MAX_QUERY { "" } else { context.query.as_str() };
        let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name != "lang").collect();
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| (&**name, &**value)).collect();
        Self::with_query(context, &pairs)
    }

    /// The frame of a page that can't be asked for again: it has no language links.
    pub(super) fn still(context: &'a PageContext) -> Self {
        Self { context, languages: Vec::new() }
    }

    fn with_query(context: &'a PageContext, pairs: &[(&str, &str)]) -> Self {
        let link = |language: Language| LanguageLink {
            code: language.code(),
            name: Texts(language).text("language-name").into_owned(),
            href: query(pairs, language),
            is_current: language == context.language,
        };
        Self { context, languages: Language::all().map(link).collect() }
    }

    pub(super) fn base(&self) -> &str {
        &self.context.base
    }

    pub(super) fn brand(&self) -> &Brand {
        &self.context.brand
    }

    pub(super) fn language(&self) -> &'static str {
        self.context.language.code()
    }

    pub(super) fn languages(&self) -> &[LanguageLink] {
        &self.languages
    }

    pub(super) fn reference(&self) -> &str {
        &self.context.reference
    }

    #[expect(clippy::unused_self, reason = "templates reach everything of the frame through one value")]
    pub(super) fn files(&self) -> &'static Files {
        assets::files()
    }
}

impl PageContext {
    /// The address of a page of this tenant.
    pub(super) fn address(&self, path: &str, pairs: &[(&str, &str)]) -> String {
        let query = Serializer::new(String::new()).extend_pairs(pairs).finish();
        format!("{}{path}?{query}", self.base)
    }
}

/// The address of another page of a sign-in under way.
pub(super) fn page_of_flow(context: &PageContext, page: &str, flow: &str, more: &[(&str, &str)]) -> String {
    let query = Serializer::new(String::new()).append_pair("flow", flow).extend_pairs(more).finish();
    format!("{}/{page}?{query}", context.base)
}

fn query(pairs: &[(&str, &str)], language: Language) -> String {
    let mut query = Serializer::for_suffix(String::from("?"), 1);
    query.extend_pairs(pairs).append_pair("lang", language.code());
    query.finish()
}
