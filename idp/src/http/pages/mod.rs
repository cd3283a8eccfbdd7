//! The hosted pages: what a person sees between an app and its tokens.
//!
//! Pure rendering: a view goes in, a whole response comes out, with its status and all headers that a page needs. No
//! service, no database, no clock. Pages work without JavaScript; looks come from one stylesheet (`idp/assets`), words
//! from `fluent` files (`idp/locales`), and a tenant's brand changes name, logo and colours, nothing else.
//!
//! Decided against: inline styles and scripts (the policy forbids them, so that a tenant's colours are a stylesheet of
//! their own), and texts handed in by callers (they would be in one language).

pub mod account;
pub mod assets;
mod brand;
mod check_session;
mod client;
mod colour;
mod consent;
mod failure;
mod form_post;
mod headers;
pub mod language;
mod layout;
mod logout;
mod message;
mod moment;
mod select_account;
mod sign_in;
mod sign_up;
#[cfg(test)]
mod tests;
mod texts;

use std::sync::Arc;

pub use brand::Brand;
pub use check_session::CheckSessionPage;
pub use client::{ClientDisplay, Link, LogoUrl, ReturnTarget};
pub use colour::{Colour, ColourError};
pub use consent::{ConsentPage, Person, RequestedScope};
pub use failure::{ErrorPage, Failure};
pub use form_post::FormPostPage;
pub(super) use headers::plain;
pub use language::{Language, Preferences};
pub use logout::{FrontchannelLogoutPage, LogoutPage};
pub use message::{Message, MessagePage};
pub use select_account::{AccountChoice, SelectAccountPage};
pub use sign_in::{SignInError, SignInPage};
pub use sign_up::{EmailProblem, EntryProblems, NameProblem, PasswordProblem, SignUpError, SignUpPage};

/// What every page needs to know about the request it answers.
#[derive(Clone, Debug)]
pub struct PageContext {
    /// Path of the tenant's pages: empty for the default tenant, `/t/acme` for another; no slash at the end.
    pub base: String,
    /// How the tenant shows itself.
    pub brand: Arc<Brand>,
    /// The language that the page is written in.
    pub language: Language,
    /// The request's reference, by which an operator finds it in the log; shown on failure pages.
    pub reference: String,
    /// The request's parameters, form-encoded, or empty. The language links of failures and messages keep them.
    pub query: String,
}
