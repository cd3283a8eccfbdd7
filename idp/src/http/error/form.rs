//! Errors of forms.

use thiserror::Error;

/// Why a form can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FormError {
    /// Another media type than that of forms.
    #[error("the body must be application/x-www-form-urlencoded")]
    ContentType,
    /// More than 16 KiB.
    #[error("the body is larger than 16 KiB")]
    TooLarge,
    /// The connection broke, or the text is wrongly encoded.
    #[error("the body is wrongly encoded")]
    Unreadable,
}
