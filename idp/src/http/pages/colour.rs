//! Colours of a tenant's brand, and what is readable on them.
//!
//! Contrast is computed by WCAG 2.2, never assumed: text needs 4.5 : 1 (success criterion 1.4.3), the edge of a control
//! 3 : 1 (1.4.11).

use std::{fmt, str::FromStr};

use thiserror::Error;

/// Least contrast of text (WCAG 2.2, 1.4.3).
pub(super) const TEXT_CONTRAST: f64 = 4.5;
/// Least contrast of the edge of a control (WCAG 2.2, 1.4.11).
pub(super) const EDGE_CONTRAST: f64 = 3.0;

/// An opaque sRGB colour, written `#rrggbb`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Colour {
    red: u8,
    green: u8,
    blue: u8,
}

/// Why a text isn't a colour.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("a colour is written #rrggbb, with six hexadecimal digits")]
pub struct ColourError;

impl Colour {
    /// Black.
    pub const BLACK: Self = Self::new(0, 0, 0);
    /// White.
    pub const WHITE: Self = Self::new(255, 255, 255);

    /// The colour of these three parts.
    pub const fn new(red: u8, green: u8, blue: u8) -> Self {
        Self { red, green, blue }
    }

    /// Relative luminance, 0 (black) to 1 (white), by WCAG 2.2.
    pub fn luminance(self) -> f64 {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.red) + 0.7152 * linear(self.green) + 0.0722 * linear(self.blue)
    }

    /// Contrast with another colour, 1 (the same) to 21 (black on white), by WCAG 2.2.
    pub fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// The given dark or light ink, whichever reads better on this colour; black or white where neither reaches
    /// [`TEXT_CONTRAST`] (one of these two always does).
    #[must_use]
    pub fn ink(self, dark: Self, light: Self) -> Self {
        let better = |one: Self, two: Self| if self.contrast(one) >= self.contrast(two) { one } else { two };
        let softer = better(dark, light);
        if self.contrast(softer) >= TEXT_CONTRAST { softer } else { better(Self::BLACK, Self::WHITE) }
    }

    /// This colour, moved towards black or white only as far as it must to reach `least` on every one of `grounds`.
    #[must_use]
    pub fn readable_on(self, grounds: &[Self], least: f64) -> Self {
        let reaches = |colour: Self| grounds.iter().all(|ground| colour.contrast(*ground) >= least);
        if reaches(self) {
            return self;
        }
        let dark_grounds = grounds.iter().all(|ground| ground.luminance() < 0.18);
        let end = if dark_grounds { Self::WHITE } else { Self::BLACK };
        (1..=20).map(|step| self.mixed(end, f64::from(step) / 20.0)).find(|colour| reaches(*colour)).unwrap_or(end)
    }

    /// This colour with a `share` (0 to 1) of another in it.
    #[must_use]
    pub fn mixed(self, other: Self, share: f64) -> Self {
        let part = |one: u8, two: u8| {
            let mixed = f64::from(one) + (f64::from(two) - f64::from(one)) * share.clamp(0.0, 1.0);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it lies between two u8")]
            let part = mixed.round() as u8;
            part
        };
        Self::new(part(self.red, other.red), part(self.green, other.green), part(self.blue, other.blue))
    }
}

impl FromStr for Colour {
    type Err = ColourError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix('#').ok_or(ColourError)?;
        if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(ColourError);
        }
        let part = |at: usize| {
            let pair = digits.get(at..at + 2).ok_or(ColourError)?;
            u8::from_str_radix(pair, 16).map_err(|_| ColourError)
        };
        Ok(Self::new(part(0)?, part(2)?, part(4)?))
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn contrast_is_that_of_wcag() {
        let grey: Colour = "#767676".parse().unwrap();
        assert!((Colour::BLACK.contrast(Colour::WHITE) - 21.0).abs() < 1e-9);
        assert!((Colour::WHITE.contrast(Colour::WHITE) - 1.0).abs() < 1e-9);
        assert!((grey.contrast(Colour::WHITE) - 4.54).abs() < 0.01, "{}", grey.contrast(Colour::WHITE));
    }

    #[test]
    fn only_six_digits_are_a_colour() {
        assert_eq!("#1A73e8".parse::<Colour>().unwrap().to_string(), "#1a73e8");
        for text in ["", "#", "#fff", "1a73e8", "#1a73e8ff", "#1a73eg", "red", "#+a73e8", "#1a73é8", "#000;}*{x:y"] {
            assert_eq!(text.parse::<Colour>(), Err(ColourError), "{text}");
        }
    }

    proptest! {
        #[test]
        fn ink_is_readable_on_any_colour(red: u8, green: u8, blue: u8) {
            let ground = Colour::new(red, green, blue);
            let ink = ground.ink(Colour::new(0x17, 0x1a, 0x21), Colour::WHITE);
            prop_assert!(ground.contrast(ink) >= TEXT_CONTRAST);
        }

        #[test]
        fn any_colour_can_be_made_readable_on_light_and_on_dark(red: u8, green: u8, blue: u8) {
            let colour = Colour::new(red, green, blue);
            for ground in [Colour::WHITE, Colour::new(0x16, 0x19, 0x1f)] {
                prop_assert!(colour.readable_on(&[ground], TEXT_CONTRAST).contrast(ground) >= TEXT_CONTRAST);
            }
        }
    }
}
