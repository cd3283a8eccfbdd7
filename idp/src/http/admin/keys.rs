//! `/v1/admin/keys`.

use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};

use super::Group;
use super::gate::{Gate, KeysRead, KeysWrite};
use super::model::{Key, KeyPart, KeyStep, NewKey};
use crate::http::api::answer::{Answer, Changed, Content, Listed, Made, Shown};
use crate::http::api::body::{Body, Optional};
use crate::http::api::paging::Part;
use crate::http::api::refusal::{Refusal, Result};
use crate::service::key_rings::{self, KeyChange, KeyChangeError, StoredKey};

/// Signing keys.
#[derive(Debug)]
pub struct Keys;

#[OpenApi(prefix_path = "/v1/admin", tag = "Group::Keys")]
impl Keys {
    /// List keys
    ///
    /// All of them, retired ones too, the oldest first. Scope: `admin:keys:read`.
    #[oai(path = "/keys", method = "get", operation_id = "listKeys")]
    async fn list(
        &self,
        gate: Gate<KeysRead>,
        /// How many, 1 to 200; 50 unless given.
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<Option<u16>>,
        /// `next_cursor` of the part before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<KeyPart>> {
        Answer::new(list(&gate, Part::new(limit.0, cursor.0.as_deref())).await)
    }

    /// Make a key and publish it
    ///
    /// It is `staged`: clients can see it, and it signs once it is activated, by itself or by hand. Scope:
    /// `admin:keys:write`.
    #[oai(path = "/keys", method = "post", operation_id = "createKey")]
    async fn create(&self, gate: Gate<KeysWrite>, body: Body<NewKey>) -> Answer<Made<Key>> {
        Answer::new(create(&gate, &body.read).await)
    }

    /// Show a key
    ///
    /// Scope: `admin:keys:read`.
    #[oai(path = "/keys/:kid", method = "get", operation_id = "getKey")]
    async fn show(
        &self,
        gate: Gate<KeysRead>,
        /// The key's name.
        kid: Path<String>,
    ) -> Answer<Shown<Key>> {
        Answer::new(show(&gate, &kid).await)
    }

    /// Sign with a key from now on
    ///
    /// The one that signed before begins to retire. 409 until every client can have seen it, but in an emergency.
    /// Scope: `admin:keys:write`.
    #[oai(path = "/keys/:kid/activate", method = "post", operation_id = "activateKey")]
    async fn activate(
        &self,
        gate: Gate<KeysWrite>,
        /// The key's name.
        kid: Path<String>,
        body: Body<KeyStep, Optional>,
    ) -> Answer<Changed<Key>> {
        let changes = [KeyChange::Activate, KeyChange::ActivateInEmergency];
        Answer::new(step(&gate, &kid, changes, &body.read).await)
    }

    /// Take a key out of the published set
    ///
    /// 409 until nothing that it signed is valid, but in an emergency. Scope: `admin:keys:write`.
    #[oai(path = "/keys/:kid/retire", method = "post", operation_id = "retireKey")]
    async fn retire(
        &self,
        gate: Gate<KeysWrite>,
        /// The key's name.
        kid: Path<String>,
        body: Body<KeyStep, Optional>,
    ) -> Answer<Changed<Key>> {
        let changes = [KeyChange::Retire, KeyChange::RetireInEmergency];
        Answer::new(step(&gate, &kid, changes, &body.read).await)
    }
}

fn shown<R>(gate: &Gate<R>, key: &StoredKey) -> Content {
    let life = &key.lifecycle;
    let since = life.retired_at().or(life.retiring_at()).or(life.activated_at()).unwrap_or(life.staged_at());
    let version = crate::domain::Timestamp::from_millis(since);
    Content::json(&Key::new(key, &key_rings::rules(&gate.ctx))).version(version)
}

async fn list(gate: &Gate<KeysRead>, part: Result<Part<String>>) -> Result<Content> {
    let part = part?;
    let all = key_rings::list(&gate.ctx, gate.tenant_id()).await?;
    let begin = match &part.after {
        None => 0,
        Some(kid) => {
            let at = all.iter().position(|key| key.jwk.kid().as_str() == kid);
            at.ok_or_else(|| Refusal::bad_request("cursor: must be the next_cursor of the part before"))? + 1
        }
    };
    let found: Vec<StoredKey> = all.into_iter().skip(begin).collect();
    let (shown, next_cursor) = part.shows(found, |key| key.jwk.kid().to_string());
    let rules = key_rings::rules(&gate.ctx);
    Ok(Content::json(&KeyPart { items: shown.iter().map(|key| Key::new(key, &rules)).collect(), next_cursor }))
}

async fn create(gate: &Gate<KeysWrite>, body: &NewKey) -> Result<Content> {
    let spec = body.spec().map_err(|error| Refusal::unprocessable(format!("bits: {error}")))?;
    let key = key_rings::stage(&gate.ctx, gate.tenant_id(), spec, &gate.admitted.actor).await?;
    let address = format!("{}/v1/admin/keys/{}", gate.site.base, key.jwk.kid());
    Ok(shown(gate, &key).location(address))
}

async fn show(gate: &Gate<KeysRead>, kid: &str) -> Result<Content> {
    let all = key_rings::list(&gate.ctx, gate.tenant_id()).await?;
    let key = all.iter().find(|key| key.jwk.kid().as_str() == kid);
    let key = key.ok_or_else(|| Refusal::from(KeyChangeError::Unknown(kid.to_owned())))?;
    Ok(shown(gate, key))
}

/// A step of a key's life: the usual one, or the one for an emergency.
async fn step(
    gate: &Gate<KeysWrite>,
    kid: &str,
    [usual, emergency]: [KeyChange; 2],
    body: &KeyStep,
) -> Result<Content> {
    let change = if body.emergency == Some(true) { emergency } else { usual };
    let key = key_rings::change(&gate.ctx, gate.tenant_id(), kid, change, &gate.admitted.actor).await?;
    Ok(shown(gate, &key))
}
