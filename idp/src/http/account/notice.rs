//! What was done, told on the page that comes after it: kept in a cookie on the way, so that an address that somebody
//! sends can't claim that something was done.

use poem::Request;

use crate::http::extract::cookies;
use crate::http::pages::account::Notice;
use crate::http::site::{CookieNames, Site};

/// What the browser was told to show.
pub(super) fn read(request: &Request, site: &Site) -> Option<Notice> {
    Notice::from_name(cookies::value(request, &site.cookies.notice)?)
}

/// `Set-Cookie` that has it shown.
pub(super) fn set(names: &CookieNames, notice: Notice) -> String {
    cookies::set_notice(names, notice.name(), "60")
}

/// `Set-Cookie` that has it shown no more.
pub(super) fn clear(names: &CookieNames) -> String {
    cookies::set_notice(names, "", "0")
}
