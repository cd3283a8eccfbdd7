//! OpenAPI documents as files: the same code gives the same bytes, so that one can be checked in and compared.

use poem_openapi::{OpenApi, OpenApiService, Webhook};

/// The document of a service as indented JSON, with a line break at its end.
///
/// # Errors
/// The service made a document that isn't JSON.
pub fn render<T: OpenApi, W: Webhook>(service: &OpenApiService<T, W>) -> Result<String, serde_json::Error> {
    let document: serde_json::Value = serde_json::from_str(&service.spec())?;
    let mut text = serde_json::to_string_pretty(&document)?;
    text.push('\n');
    Ok(text)
}
