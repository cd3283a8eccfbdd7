//! What a password must be (OWASP ASVS 5.0 §6.2): 8 to 128 characters, no rules of composition, and not one that
//! everybody tries first or that follows from the account.

use thiserror::Error;

use super::Secret;

/// Why a password isn't taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PasswordError {
    /// Fewer than [`MIN_CHARS`].
    #[error("a password has at least 8 characters")]
    TooShort,
    /// More than [`MAX_CHARS`].
    #[error("a password has at most 128 characters")]
    TooLong,
    /// On the lists that attackers try first, or made from the account's own words.
    #[error(
        "this password is easy to guess: it is a common one, or follows from the account's name, address or service"
    )]
    Guessable,
}

/// The fewest characters.
pub const MIN_CHARS: usize = 8;
/// The most characters.
pub const MAX_CHARS: usize = 128;
/// Fewer guesses than this find it too soon: with the limits of sign-in an attacker tries a thousand a day, and the
/// lists of common passwords are far shorter.
const MIN_GUESSES: u64 = 100_000;

/// Checks a password that somebody chose. `context` has the account's words: name, e-mail address, service.
pub fn check_new(password: &Secret, context: &[&str]) -> Result<(), PasswordError> {
    let text = password.expose();
    let count = text.chars().count();
    if count < MIN_CHARS {
        return Err(PasswordError::TooShort);
    }
    if count > MAX_CHARS {
        return Err(PasswordError::TooLong);
    }
    let words: Vec<&str> = context
        .iter()
        .flat_map(|text| std::iter::once(*text).chain(text.split(|c: char| !c.is_alphanumeric())))
        .filter(|word| word.chars().count() >= 3)
        .collect();
    if zxcvbn::zxcvbn(text, &words).guesses() < MIN_GUESSES { Err(PasswordError::Guessable) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_and_context_passwords_are_refused() {
        let context = ["ada.lovelace@example.com", "Ada Lovelace", "Signet"];
        let cases = [
            ("short", Err(PasswordError::TooShort)),
            ("password", Err(PasswordError::Guessable)),
            ("Password1", Err(PasswordError::Guessable)),
            ("12345678", Err(PasswordError::Guessable)),
            ("qwertyuiop", Err(PasswordError::Guessable)),
            ("lovelace", Err(PasswordError::Guessable)),
            ("Lovelace1", Err(PasswordError::Guessable)),
            ("signet123", Err(PasswordError::Guessable)),
            ("aaaaaaaaaaaa", Err(PasswordError::Guessable)),
            ("correct horse battery staple", Ok(())),
            ("xk7-Pq2m", Ok(())),
            ("пароль из четырёх слов", Ok(())),
        ];
        for (password, expected) in cases {
            assert_eq!(check_new(&Secret::new(password), &context), expected, "{password}");
        }
        assert_eq!(check_new(&Secret::new("x".repeat(129)), &context), Err(PasswordError::TooLong));
    }
}
