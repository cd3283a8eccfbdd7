//! Parameters in an address.

use std::collections::BTreeSet;

use poem::Request;

/// The first parameter that comes more than once: which of the two is meant nobody knows.
pub fn repeated(request: &Request) -> Option<String> {
    let query = request.uri().query()?;
    let mut seen = BTreeSet::new();
    form_urlencoded::parse(query.as_bytes()).map(|(name, _)| name.into_owned()).find(|name| !seen.insert(name.clone()))
}
