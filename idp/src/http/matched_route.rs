//! The row of the route table that a request matches. It is found when the request arrives, and again when the tenant's
//! prefix was removed from the path.

use poem::Request;

use crate::route::{self, Route};

#[derive(Clone, Copy)]
struct Matched(&'static Route);

/// The route of a request.
pub(super) fn of(request: &Request) -> &'static Route {
    request.data::<Matched>().map_or_else(|| route::of(request.uri().path()), |matched| matched.0)
}

/// The route of a request, which is found and recorded for [`of`] unless an outer layer did so.
pub(super) fn ensure(request: &mut Request) -> &'static Route {
    match request.data::<Matched>() {
        Some(matched) => matched.0,
        None => record(request),
    }
}

/// Finds the route of a request's path, and records it for [`of`] in place of any other.
pub(super) fn record(request: &mut Request) -> &'static Route {
    let route = route::of(request.uri().path());
    request.extensions_mut().insert(Matched(route));
    route
}
