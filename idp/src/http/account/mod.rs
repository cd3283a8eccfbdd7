//! `/account`: the console in which people look after their own account.
//!
//! Who is signed in on the browser is in; who isn't signs in on the usual pages and comes back ([`entry`]). A page that
//! changes what the account hangs on asks for a recent sign-in first. Each page is a GET that shows and, where something
//! can be changed, a POST that changes it and answers 303.

mod accounts;
mod applications;
mod entry;
mod notice;
mod overview;
mod password;
mod profile;
mod sessions;

use poem::{Route, RouteMethod, get, post};

/// Who may open an address of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Open,
    /// Whoever is signed in.
    Session,
    /// Whoever has signed in within the last minutes.
    Fresh,
}

/// An address of the console.
#[derive(Clone, Copy, Debug)]
pub struct Address {
    /// Its path within the tenant.
    pub path: &'static str,
    /// Whether it shows something.
    pub get: bool,
    /// Whether a form is posted to it.
    pub post: bool,
    /// Who may.
    pub access: Access,
}

macro_rules! addresses {
    ($($path:literal $access:ident $kind:ident $handlers:expr;)+) => {
        /// Every address of the console: the routes are made of this list, and the tests go over it.
        pub const ADDRESSES: &[Address] = &[$(addresses!(@address $path $access $kind)),+];

        /// Adds the console to the pages of a tenant.
        pub(super) fn add_to(pages: Route) -> Route {
            pages$(.at($path, addresses!(@route $handlers)))+
        }
    };
    (@address $path:literal $access:ident shows) => {
        Address { path: $path, get: true, post: false, access: Access::$access }
    };
    (@address $path:literal $access:ident changes) => {
        Address { path: $path, get: false, post: true, access: Access::$access }
    };
    (@address $path:literal $access:ident both) => {
        Address { path: $path, get: true, post: true, access: Access::$access }
    };
    (@route $handlers:expr) => {{
        let route: RouteMethod = $handlers;
        route
    }};
}

addresses! {
    "/account" Session shows get(overview::show);
    "/account/profile" Session both get(profile::show).post(profile::save);
    "/account/password" Fresh both get(password::show).post(password::save);
    "/account/sessions" Session shows get(sessions::list);
    "/account/sessions/end" Session changes post(sessions::end);
    "/account/sessions/end-others" Session both get(sessions::ask_others).post(sessions::end_others);
    "/account/applications" Session shows get(applications::list);
    "/account/applications/withdraw" Session both get(applications::ask).post(applications::withdraw);
    "/account/switch" Session changes post(accounts::switch);
    "/account/add" Session changes post(accounts::add);
    "/account/sign-out" Session changes post(accounts::sign_out);
    "/account/signed-out" Open shows get(accounts::signed_out);
}
