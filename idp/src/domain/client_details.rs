//! What is registered of a client, as one document: the names of RFC 7591 §2, and Signet's own.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::client::{Client, ClientAuthMethod, ClientMetadata, GrantType, SecretTransport};
use super::merge_patch::{self, FieldError};
use super::typed_json;
use super::user::Email;

/// Scopes of an application for people that names none (RFC 7591 §2: a default set).
pub const USUAL_SCOPES: &str = "openid profile email address phone";

/// What is registered of a client: its name and its metadata.
#[derive(Clone, Debug, PartialEq)]
pub struct ClientDetails {
    /// Its name for people.
    pub name: String,
    /// What was registered.
    pub metadata: ClientMetadata,
}

impl From<&Client> for ClientDetails {
    fn from(client: &Client) -> Self {
        Self { name: client.name.clone(), metadata: client.metadata.clone() }
    }
}

impl ClientDetails {
    /// A registration, with the defaults of RFC 7591 §2 where it says nothing.
    ///
    /// # Errors
    /// The member at fault. Members that aren't known are left out: registrations carry what other servers know.
    pub fn registered(mut document: Map<String, Value>) -> Result<Self, FieldError> {
        document.retain(|_, value| !value.is_null());
        let name = match document.remove("client_name") {
            Some(name) => typed_json::read(name).map_err(|error| FieldError::new("client_name", error.message))?,
            None => return Err(FieldError::new("client_name", "a client has a name")),
        };
        document.entry("grant_types").or_insert_with(|| vec![GrantType::AuthorizationCode.as_str()].into());
        if !document.contains_key("token_endpoint_auth_method") {
            let with_keys = document.contains_key("jwks") || document.contains_key("jwks_uri");
            let usual = if with_keys { ClientAuthMethod::PrivateKeyJwt } else { ClientAuthMethod::ClientSecretBasic };
            document.insert("token_endpoint_auth_method".to_owned(), usual.as_str().into());
            // Whoever names no method takes either way of a secret.
            let either = serde_json::to_value(SecretTransport::Either).unwrap_or_default();
            document.entry("secret_transport").or_insert(either);
        }
        let names_scope = document.contains_key("scope");
        let mut metadata: ClientMetadata = typed_json::read(Value::Object(document))?;
        if !names_scope && metadata.grant_types.contains(&GrantType::AuthorizationCode) {
            metadata.scope = USUAL_SCOPES.parse().unwrap_or_default();
        }
        Ok(Self { name, metadata })
    }

    /// The document.
    pub fn document(&self) -> Map<String, Value> {
        let mut document = match serde_json::to_value(&self.metadata) {
            Ok(Value::Object(members)) => members,
            Ok(_) | Err(_) => Map::new(),
        };
        document.insert("client_name".to_owned(), self.name.clone().into());
        document
    }

    /// What becomes of it by a merge patch (RFC 7396); what is taken out gets its default.
    ///
    /// # Errors
    /// The member at fault.
    pub fn patched(&self, patch: &Value) -> Result<Self, FieldError> {
        let mut document = self.document();
        // Whoever names a method means that one.
        if patch.get("token_endpoint_auth_method").is_some() {
            document.remove("secret_transport");
        }
        match merge_patch::merged(Value::Object(document), patch) {
            Value::Object(document) => Self::registered(document),
            _ => Err(FieldError::new("the document", "expected an object")),
        }
    }
}

/// Whether the texts of a registration are within their bounds; what one field can't know of another is for
/// [`ClientMetadata::validate`].
///
/// # Errors
/// The member at fault.
pub fn check(metadata: &ClientMetadata) -> Result<(), FieldError> {
    let visible = |text: &str, longest: usize| {
        (1..=longest).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
    };
    if metadata.audience.as_deref().is_some_and(|text| !visible(text, 512)) {
        return Err(FieldError::new("audience", "expected 1 to 512 visible ASCII characters"));
    }
    if metadata.roles.len() > 64 || metadata.roles.iter().any(|role| !visible(role, 64)) {
        return Err(FieldError::new("roles", "expected at most 64, each of 1 to 64 visible ASCII characters"));
    }
    if metadata.default_acr_values.len() > 16 || metadata.default_acr_values.iter().any(|value| !visible(value, 255)) {
        return Err(FieldError::new("default_acr_values", "expected at most 16, each of visible ASCII characters"));
    }
    let contact = |text: &String| text.parse::<Email>().is_ok();
    if metadata.contacts.len() > 16 || !metadata.contacts.iter().all(contact) {
        return Err(FieldError::new("contacts", "expected at most 16 e-mail addresses"));
    }
    if metadata.redirect_uris.len() > 100 {
        return Err(FieldError::new("redirect_uris", "expected at most 100"));
    }
    if metadata.post_logout_redirect_uris.len() > 100 {
        return Err(FieldError::new("post_logout_redirect_uris", "expected at most 100"));
    }
    if metadata.allowed_origins.len() > 50 {
        return Err(FieldError::new("allowed_origins", "expected at most 50"));
    }
    Ok(())
}

/// Whether a change names other documents, or needs other things of the sector document: then they are looked at. A
/// change of anything else doesn't hang on another server.
pub fn names_other_documents(before: &ClientMetadata, after: &ClientMetadata) -> bool {
    before.sector_identifier_uri != after.sector_identifier_uri
        || before.redirect_uris != after.redirect_uris
        || before.jwks_uri != after.jwks_uri
        || before.request_uris != after.request_uris
        || before.backchannel_logout_uri != after.backchannel_logout_uri
}

/// The members that are rights.
const RIGHTS: [&str; 8] = [
    "scope",
    "redirect_uris",
    "post_logout_redirect_uris",
    "allowed_origins",
    "grant_types",
    "roles",
    "consent",
    "profile",
];

/// Which members a change changes, for the audit log: their names, and what is a right with its value.
pub fn what_changed(before: &Client, after: &ClientDetails) -> Value {
    let (old, new) = (ClientDetails::from(before).document(), after.document());
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let changed: Vec<&String> = names.into_iter().filter(|name| old.get(*name) != new.get(*name)).collect();
    let rights: Map<String, Value> = RIGHTS
        .into_iter()
        .filter(|name| changed.iter().any(|changed| changed == name))
        .map(|name| (name.to_owned(), new.get(name).cloned().unwrap_or_default()))
        .collect();
    serde_json::json!({ "changed": changed, "to": rights })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use serde_json::json;

    use super::*;

    fn registered(document: Value) -> Result<ClientDetails, FieldError> {
        ClientDetails::registered(serde_json::from_value(document).unwrap())
    }

    #[test]
    fn what_is_not_said_has_the_usual_value() {
        let shop = registered(json!({"client_name": "Shop", "redirect_uris": ["https://shop.example/cb"]})).unwrap();
        assert_eq!(shop.metadata.grant_types, [GrantType::AuthorizationCode].into());
        assert_eq!(shop.metadata.token_endpoint_auth_method, ClientAuthMethod::ClientSecretBasic);
        assert_eq!(shop.metadata.secret_transport, SecretTransport::Either);
        assert_eq!(shop.metadata.scope, USUAL_SCOPES.parse().unwrap());
        let service = registered(json!({"client_name": "Robot", "grant_types": ["client_credentials"],
            "token_endpoint_auth_method": "client_secret_post"}))
        .unwrap();
        assert!(service.metadata.scope.is_empty());
        assert_eq!(service.metadata.secret_transport, SecretTransport::AsRegistered);
    }

    #[test]
    fn a_patch_changes_what_it_names_and_takes_back_what_is_null() {
        let shop = registered(json!({"client_name": "Shop", "redirect_uris": ["https://shop.example/cb"],
            "scope": "openid", "policy_uri": "https://shop.example/privacy"}))
        .unwrap();
        assert_eq!(shop.patched(&json!({})).unwrap(), shop);
        let next = shop.patched(&json!({"client_name": "New", "policy_uri": null, "scope": null})).unwrap();
        assert_eq!((next.name.as_str(), &next.metadata.policy_uri), ("New", &None));
        assert_eq!(next.metadata.scope, USUAL_SCOPES.parse().unwrap());
        let next = shop.patched(&json!({"token_endpoint_auth_method": "client_secret_post"})).unwrap();
        assert_eq!(next.metadata.secret_transport, SecretTransport::AsRegistered);
    }

    #[test]
    fn the_member_at_fault_is_named() {
        let usual = json!({"client_name": "x", "redirect_uris": ["https://x.example/cb"]});
        for (patch, field) in [
            (json!({"client_name": null}), "client_name"),
            (json!({"client_name": 1}), "client_name"),
            (json!({"grant_types": ["passwords"]}), "grant_types[0]"),
            (json!({"redirect_uris": ["https://x.example/#fragment"]}), "redirect_uris[0]"),
            (json!({"allowed_origins": ["https://x.example", "https://x.example/"]}), "allowed_origins[1]"),
            (json!({"default_max_age": -1}), "default_max_age"),
            (json!({"id_token_signed_response_alg": "none"}), "id_token_signed_response_alg"),
            (json!({"scope": "\""}), "scope"),
        ] {
            let document = merge_patch::merged(usual.clone(), &patch);
            assert_eq!(registered(document).unwrap_err().field, field, "{patch}");
        }
    }
}
