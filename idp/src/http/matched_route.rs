//! The row of the route table that a request matches, found once.

use poem::Request;

use crate::route::{self, Route};

#[derive(Clone, Copy)]
struct Matched(&'static Route);

/// The route of a request.
pub(super) fn of(request: &Request) -> &'static Route {
    request.data::<Matched>().map_or_else(|| route::of(request.uri().path()), |matched| matched.0)
}

/// Finds the route of a request's path, and records it for [`of`].
pub(super) fn record(request: &mut Request) -> &'static Route {
    let route = route::of(request.uri().path());
    request.extensions_mut().insert(Matched(route));
    route
}
