//! What a device is, as far as its browser says: for people who look at their sessions. Nothing is decided by it.

use woothee::parser::Parser;

/// What a browser says of itself, in words for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// The browser, or the program.
    pub browser: Option<String>,
    /// The system that it runs on.
    pub system: Option<String>,
}

/// What the parser says where it doesn't know.
const UNKNOWN: &str = "UNKNOWN";

impl Device {
    /// Reads a `User-Agent`.
    pub fn of(user_agent: &str) -> Self {
        let Some(found) = Parser::new().parse(user_agent) else { return Self::default() };
        let known = |text: &str| Some(text.to_owned()).filter(|text| text != UNKNOWN && !text.is_empty());
        Self { browser: known(found.name), system: known(found.os) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_and_its_system_are_named_and_nothing_is_made_up() {
        let chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0";
        let safari = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1";
        for (text, browser, system) in [
            (chrome, Some("Chrome"), Some("Windows 10")),
            (firefox, Some("Firefox"), Some("Linux")),
            (safari, Some("Safari"), Some("iPhone")),
            ("", None, None),
            ("\u{0}\u{7f}(((((", None, None),
            (&"Mozilla/".repeat(64), None, None),
        ] {
            let device = Device::of(text);
            assert_eq!((device.browser.as_deref(), device.system.as_deref()), (browser, system), "{text}");
        }
    }
}
