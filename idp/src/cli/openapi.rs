//! `signet openapi`: the OpenAPI document.

use super::console::Console;
use super::exit::{CliError, Exit};
use super::record;
use crate::http::openapi_service;

/// Prints the document that is checked in, and served at `/openapi.json`.
pub(super) fn run(console: &mut Console<'_>) -> Result<Exit, CliError> {
    let document = openapi_service::openapi_document();
    let document = document.map_err(|error| CliError::new(Exit::Failed, error.to_string()))?;
    record::print(console, &document)
}
