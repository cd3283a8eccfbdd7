//! `/check-session`, the `check_session_iframe` (OpenID Connect Session Management 1.0 §3.2): framed by clients, whose
//! pages ask it whether somebody has signed in or out.

use poem::{Response, handler};

use crate::http::extract::visit::Call;
use crate::http::pages::CheckSessionPage;

/// `GET /check-session`
#[handler]
pub(crate) fn get(call: Call) -> Response {
    let Call { site, .. } = call;
    CheckSessionPage { cookie: &site.cookies.state }.render()
}
