//! A tenant's brand: what of it shows on the hosted pages, and the stylesheet that carries its colours.
//!
//! The content security policy forbids inline styles, so that a tenant with colours of its own gets a small second
//! stylesheet at `{base}/brand.{hash}.css`. All colours in it are computed from two, for light and for dark.

use poem::Response;

use super::{
    assets::{self, Asset},
    client::LogoUrl,
    colour::{Colour, EDGE_CONTRAST, TEXT_CONTRAST},
};

/// The neutral colours that a brand's colours lie on; the same as in `signet.css`, and a test compares them.
struct Ground {
    /// The page, behind the card.
    page: Colour,
    /// The card.
    card: Colour,
    /// Sunk parts of the card.
    sunk: Colour,
}

const LIGHT: Ground =
    Ground { page: Colour::new(0xf4, 0xf5, 0xf7), card: Colour::WHITE, sunk: Colour::new(0xf7, 0xf8, 0xfa) };
const DARK: Ground = Ground {
    page: Colour::new(0x0d, 0x0f, 0x13),
    card: Colour::new(0x16, 0x19, 0x1f),
    sunk: Colour::new(0x1c, 0x20, 0x27),
};
const DARK_INK: Colour = Colour::new(0x17, 0x1a, 0x21);
const LIGHT_INK: Colour = Colour::new(0xff, 0xff, 0xff);

/// How a tenant shows itself: name, logo and colours.
///
/// Built once when a tenant is read, then shared: the stylesheet is made here and not per request.
#[derive(Clone, Debug)]
pub struct Brand {
    name: String,
    logo: Option<LogoUrl>,
    accent: Option<Colour>,
    background: Option<Colour>,
    sheet: Option<Asset>,
}

impl Brand {
    /// A brand with a name, in Signet's own colours.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), logo: None, accent: None, background: None, sheet: None }
    }

    /// With a logo in place of Signet's mark.
    #[must_use]
    pub fn with_logo(self, logo: Option<LogoUrl>) -> Self {
        Self { logo, ..self }
    }

    /// With a colour for the primary action and for links.
    #[must_use]
    pub fn with_accent(self, accent: Option<Colour>) -> Self {
        Self { accent, ..self }.with_sheet()
    }

    /// With a colour for the page behind the card.
    #[must_use]
    pub fn with_background(self, background: Option<Colour>) -> Self {
        Self { background, ..self }.with_sheet()
    }

    /// The name that people know the tenant by.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The logo, if the tenant has one.
    pub fn logo(&self) -> Option<&LogoUrl> {
        self.logo.as_ref()
    }

    /// The tenant's stylesheet; `None` when it has no colours of its own.
    pub fn sheet(&self) -> Option<&Asset> {
        self.sheet.as_ref()
    }

    /// Answers `GET {base}/{file}` for `brand.{hash}.css`: 200, 304 when the browser has it, 404 when the name isn't
    /// that of the present colours.
    pub fn serve(&self, file: &str, if_none_match: Option<&str>) -> Response {
        match &self.sheet {
            Some(sheet) if sheet.name() == file => sheet.respond(if_none_match),
            _ => assets::not_found(),
        }
    }

    fn with_sheet(self) -> Self {
        if self.accent.is_none() && self.background.is_none() {
            return Self { sheet: None, ..self };
        }
        let (light, dark) = (self.rules(&LIGHT), self.rules(&DARK));
        let css = format!(":root{{{light}}}\n@media (prefers-color-scheme:dark){{:root{{{dark}}}}}\n");
        let sheet = Asset::new("brand", "css", "text/css; charset=utf-8", css);
        Self { sheet: Some(sheet), ..self }
    }

    fn rules(&self, ground: &Ground) -> String {
        let mut rules = String::new();
        if let Some(accent) = self.accent {
            rules.push_str(&accent_rules(accent, ground));
        }
        if let Some(background) = self.background {
            rules.push_str(&background_rules(background, ground));
        }
        rules
    }
}

/// The button in the tenant's colour as it is; text on it, its edge and links in colours that can be seen.
fn accent_rules(accent: Colour, ground: &Ground) -> String {
    let on_accent = accent.ink(DARK_INK, LIGHT_INK);
    // Away from the text on it, so that contrast can only grow.
    let away = if on_accent.luminance() > accent.luminance() { Colour::BLACK } else { Colour::WHITE };
    let hover = accent.mixed(away, 0.12);
    let edge = accent.readable_on(&[ground.card], EDGE_CONTRAST);
    let soft = ground.card.mixed(accent, if ground.card.luminance() < 0.18 { 0.2 } else { 0.1 });
    let text = accent.readable_on(&[ground.card, ground.sunk, soft], TEXT_CONTRAST);
    format!(
        "--accent:{accent};--accent-hover:{hover};--accent-edge:{edge};--on-accent:{on_accent};--accent-text:{text};\
         --accent-soft:{soft};"
    )
}

/// The page in the tenant's colour; in dark mode a light colour becomes a hint of itself.
fn background_rules(background: Colour, ground: &Ground) -> String {
    let at_night = ground.page.luminance() < 0.18;
    let too_bright = background.luminance() > 0.12;
    let page = if at_night && too_bright { ground.page.mixed(background, 0.03) } else { background };
    let text = page.ink(DARK_INK, LIGHT_INK);
    let muted = text.mixed(page, 0.35).readable_on(&[page], TEXT_CONTRAST);
    // Grounds of middling brightness leave no room for a second shade.
    let muted = if muted.contrast(page) >= TEXT_CONTRAST { muted } else { text };
    format!("--page:{page};--page-text:{text};--page-muted:{muted};")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::collections::BTreeMap;

    use poem::http::StatusCode;
    use proptest::prelude::*;

    use super::*;

    fn tokens(rules: &str) -> BTreeMap<String, Colour> {
        let pairs = rules.split([';', '{', '}', '\n']).filter_map(|rule| rule.split_once(':'));
        pairs
            .filter_map(|(name, value)| Some((name.trim().strip_prefix("--")?.to_owned(), value.trim().parse().ok()?)))
            .collect()
    }

    fn assert_readable(tokens: &BTreeMap<String, Colour>, ground: &Ground) {
        assert!(tokens["on-accent"].contrast(tokens["accent"]) >= TEXT_CONTRAST, "{tokens:?}");
        assert!(tokens["on-accent"].contrast(tokens["accent-hover"]) >= TEXT_CONTRAST, "{tokens:?}");
        assert!(tokens["accent-edge"].contrast(ground.card) >= EDGE_CONTRAST, "{tokens:?}");
        assert!(tokens["accent-text"].contrast(ground.card) >= TEXT_CONTRAST, "{tokens:?}");
        assert!(tokens["accent-text"].contrast(ground.sunk) >= TEXT_CONTRAST, "{tokens:?}");
        assert!(tokens["accent-text"].contrast(tokens["accent-soft"]) >= TEXT_CONTRAST, "{tokens:?}");
        assert!(tokens["page-text"].contrast(tokens["page"]) >= TEXT_CONTRAST, "{tokens:?}");
        assert!(tokens["page-muted"].contrast(tokens["page"]) >= TEXT_CONTRAST, "{tokens:?}");
    }

    proptest! {
        #[test]
        fn any_two_colours_make_a_readable_page(accent: [u8; 3], background: [u8; 3]) {
            let colour = |[red, green, blue]: [u8; 3]| Some(Colour::new(red, green, blue));
            let brand = Brand::new("Acme").with_accent(colour(accent)).with_background(colour(background));
            for ground in [&LIGHT, &DARK] {
                assert_readable(&tokens(&brand.rules(ground)), ground);
            }
        }
    }

    #[test]
    fn signets_own_colours_are_readable_and_are_those_this_module_reckons_with() {
        let css = include_str!("../../../assets/signet.css");
        let (light, rest) = css.split_once("@media (prefers-color-scheme: dark)").unwrap();
        let dark = rest.split_once("\n}\n").unwrap().0;
        for (rules, ground) in [(light, &LIGHT), (dark, &DARK)] {
            let tokens = tokens(rules);
            assert_eq!((tokens["page"], tokens["card"], tokens["sunk"]), (ground.page, ground.card, ground.sunk));
            assert_readable(&tokens, ground);
            for text in ["text", "muted", "danger", "success"] {
                for under in [ground.card, ground.sunk] {
                    assert!(tokens[text].contrast(under) >= TEXT_CONTRAST, "{text} on {under}");
                }
            }
            assert!(tokens["danger"].contrast(tokens["danger-soft"]) >= TEXT_CONTRAST);
            assert!(tokens["text"].contrast(tokens["danger-soft"]) >= TEXT_CONTRAST);
            assert!(tokens["field-edge"].contrast(tokens["field"]) >= EDGE_CONTRAST);
        }
    }

    #[test]
    fn a_brand_without_colours_has_no_sheet() {
        let brand = Brand::new("Acme").with_accent(None).with_background(None);
        assert!(brand.sheet().is_none());
        assert_eq!(brand.serve("brand.css", None).status(), StatusCode::NOT_FOUND);
    }

    #[test]
    fn the_sheet_is_served_under_its_own_name_only() {
        let brand = Brand::new("Acme").with_accent("#e11d48".parse().ok());
        let name = brand.sheet().unwrap().name().to_owned();
        assert!(name.strip_prefix("brand.").is_some_and(|rest| rest.strip_suffix(".css").is_some()), "{name}");
        assert_eq!(brand.serve(&name, None).status(), StatusCode::OK);
        assert_eq!(brand.serve("brand.0000000000000000.css", None).status(), StatusCode::NOT_FOUND);
    }
}
