//! Consents, below the person who gave them and the client that has them.

use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};

use super::gate::{ConsentsRead, ConsentsWrite, Gate};
use super::model::{Consent, ConsentPart};
use super::{Group, clients, users};
use crate::domain::{ClientId, UserId};
use crate::http::api::answer::{Answer, Content, Done, Listed};
use crate::http::api::paging::Part;
use crate::http::api::refusal::Result;
use crate::service::consents;

/// What people allowed clients.
#[derive(Debug)]
pub struct Consents;

#[OpenApi(prefix_path = "/v1/admin", tag = "Group::Consents")]
impl Consents {
    /// List what a user allowed
    ///
    /// In the order of the clients' ids. What a client got without asking (implied consent) is no consent and isn't there;
    /// it is taken back in the same way. Scope: `admin:consents:read`.
    #[oai(path = "/users/:user_id/consents", method = "get", operation_id = "listConsentsOfUser")]
    async fn of_user(
        &self,
        gate: Gate<ConsentsRead>,
        /// The user's id.
        user_id: Path<String>,
        /// How many, 1 to 200; 50 unless given.
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<Option<u16>>,
        /// `next_cursor` of the part before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<ConsentPart>> {
        Answer::new(of_user(&gate, &user_id, Part::new(limit.0, cursor.0.as_deref())).await)
    }

    /// List what a client was allowed
    ///
    /// In the order of the users' ids. Scope: `admin:consents:read`.
    #[oai(path = "/clients/:client_id/consents", method = "get", operation_id = "listConsentsOfClient")]
    async fn of_client(
        &self,
        gate: Gate<ConsentsRead>,
        /// The client's id.
        client_id: Path<String>,
        /// How many, 1 to 200; 50 unless given.
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<Option<u16>>,
        /// `next_cursor` of the part before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<ConsentPart>> {
        Answer::new(of_client(&gate, &client_id, Part::new(limit.0, cursor.0.as_deref())).await)
    }

    /// Take back what a user allowed a client
    ///
    /// All that came of it ends at once: codes that weren't redeemed yet, and tokens. So does what a client got without
    /// asking. Scope: `admin:consents:write`.
    #[oai(path = "/users/:user_id/consents/:client_id", method = "delete", operation_id = "withdrawConsent")]
    async fn withdraw(
        &self,
        gate: Gate<ConsentsWrite>,
        /// The user's id.
        user_id: Path<String>,
        /// The client's id.
        client_id: Path<String>,
    ) -> Answer<Done> {
        Answer::new(withdraw(&gate, &user_id, &client_id).await)
    }
}

async fn of_user(gate: &Gate<ConsentsRead>, user: &str, part: Result<Part<ClientId>>) -> Result<Content> {
    let part = part?;
    let user = users::find(gate, user).await?.id;
    let found = consents::list_of_user(&gate.ctx, gate.tenant_id(), user, part.after.as_ref(), part.reads()).await?;
    let (shown, next_cursor) = part.shows(found, |consent| consent.client_id.to_string());
    Ok(Content::json(&ConsentPart { items: shown.iter().map(Consent::from).collect(), next_cursor }))
}

async fn of_client(gate: &Gate<ConsentsRead>, client: &str, part: Result<Part<UserId>>) -> Result<Content> {
    let part = part?;
    let client = clients::find(gate, client).await?.id;
    let found = consents::list_of_client(&gate.ctx, gate.tenant_id(), &client, part.after, part.reads()).await?;
    let (shown, next_cursor) = part.shows(found, |consent| consent.user_id.to_string());
    Ok(Content::json(&ConsentPart { items: shown.iter().map(Consent::from).collect(), next_cursor }))
}

async fn withdraw(gate: &Gate<ConsentsWrite>, user: &str, client: &str) -> Result<Content> {
    let (user, client) = (users::id(user)?, clients::id(client)?);
    consents::withdraw(&gate.ctx, gate.tenant_id(), user, &client, &gate.admitted.actor).await?;
    Ok(Content::default())
}
