//! `/account`: what there is.

use poem::{Request, Response, handler};

use super::entry::Console;
use crate::domain::account::AccountPage;
use crate::http::extract::visit::Visit;
use crate::http::pages::account::OverviewPage;

/// `GET /account`
#[handler]
pub(super) async fn show(visit: Visit, request: &Request) -> Response {
    match Console::open(visit, request, AccountPage::Overview).await {
        Ok(console) => console.answer(OverviewPage { frame: console.frame() }.render(&console.page)),
        Err(response) => response,
    }
}
