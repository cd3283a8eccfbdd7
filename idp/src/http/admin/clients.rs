//! `/v1/admin/clients`.

use std::time::Duration;

use poem_openapi::OpenApi;
use poem_openapi::param::{Header, Path, Query};

use super::Group;
use super::gate::{ClientsRead, ClientsWrite, Gate};
use super::model::{Client, ClientPart, ClientPatch, NewClient, NewSecret, Registration, Rotation};
use super::refusal;
use super::users::matching;
use crate::domain::client::{self, ClientStatus};
use crate::domain::client_details::ClientDetails;
use crate::domain::{ClientId, Secret};
use crate::http::api::answer::{Answer, Changed, Content, Done, Listed, Made, Shown, Switched};
use crate::http::api::body::{Body, Optional, Patch};
use crate::http::api::paging::Part;
use crate::http::api::refusal::{Refusal, Result};
use crate::service::access::Admitted;
use crate::service::clients;

/// How long former secrets are good unless said otherwise.
const USUAL_GRACE: Duration = Duration::from_hours(24);
/// How long they may be good at most.
const LONGEST_GRACE: Duration = Duration::from_hours(30 * 24);

/// Applications and services.
#[derive(Debug)]
pub struct Clients;

#[OpenApi(prefix_path = "/v1/admin", tag = "Group::Clients")]
impl Clients {
    /// List clients
    ///
    /// In the order of their ids. Scope: `admin:clients:read`.
    #[oai(path = "/clients", method = "get", operation_id = "listClients")]
    async fn list(
        &self,
        gate: Gate<ClientsRead>,
        /// How many, 1 to 200; 50 unless given.
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<Option<u16>>,
        /// `next_cursor` of the part before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<ClientPart>> {
        Answer::new(list(&gate, Part::new(limit.0, cursor.0.as_deref())).await)
    }

    /// Register a client
    ///
    /// Its secret is in the answer, this once. A `client_id` that is taken answers 409, so that a request with one that
    /// is sent twice makes one client. Scope: `admin:clients:write`, and every scope of the admin API that the client
    /// is to have.
    #[oai(path = "/clients", method = "post", operation_id = "createClient")]
    async fn create(&self, gate: Gate<ClientsWrite>, body: Body<NewClient>) -> Answer<Made<Client>> {
        Answer::new(gate.noting(create(&gate, body.read).await).await)
    }

    /// Show a client
    ///
    /// Scope: `admin:clients:read`.
    #[oai(path = "/clients/:client_id", method = "get", operation_id = "getClient")]
    async fn show(
        &self,
        gate: Gate<ClientsRead>,
        /// The client's id.
        client_id: Path<String>,
    ) -> Answer<Shown<Client>> {
        Answer::new(find(&gate, &client_id).await.map(|client| shown(&client)))
    }

    /// Change a client
    ///
    /// A merge patch (RFC 7396). With `If-Match`, nothing that was changed since is lost: the answer is 412 then. A
    /// client whose method begins to need a secret gets one by rotating it. Scope: `admin:clients:write`, and every
    /// scope of the admin API that the client has or is to have.
    #[oai(path = "/clients/:client_id", method = "patch", operation_id = "updateClient")]
    async fn update(
        &self,
        gate: Gate<ClientsWrite>,
        /// The client's id.
        client_id: Path<String>,
        /// `ETag` of the version that is to be changed.
        #[oai(name = "If-Match")]
        if_match: Header<Option<String>>,
        body: Body<ClientPatch, Patch>,
    ) -> Answer<Changed<Client>> {
        let change = |client: &client::Client| Ok(ClientDetails::from(client).patched(&body.document)?);
        Answer::new(gate.noting(update(&gate, &client_id, if_match.0.as_deref(), change).await).await)
    }

    /// Register a client anew
    ///
    /// What is left out gets its usual value. Scope: `admin:clients:write`, and every scope of the admin API that the
    /// client has or is to have.
    #[oai(path = "/clients/:client_id", method = "put", operation_id = "replaceClient")]
    async fn replace(
        &self,
        gate: Gate<ClientsWrite>,
        /// The client's id.
        client_id: Path<String>,
        /// `ETag` of the version that is to be changed.
        #[oai(name = "If-Match")]
        if_match: Header<Option<String>>,
        body: Body<Registration>,
    ) -> Answer<Changed<Client>> {
        let change = |_: &client::Client| Ok(ClientDetails::registered(body.read.document())?);
        Answer::new(gate.noting(update(&gate, &client_id, if_match.0.as_deref(), change).await).await)
    }

    /// Delete a client
    ///
    /// With its secrets, its grants, and the consents that people gave it. Scope: `admin:clients:write`.
    #[oai(path = "/clients/:client_id", method = "delete", operation_id = "deleteClient")]
    async fn delete(
        &self,
        gate: Gate<ClientsWrite>,
        /// The client's id.
        client_id: Path<String>,
    ) -> Answer<Done> {
        Answer::new(delete(&gate, &client_id).await)
    }

    /// Give a client a new secret
    ///
    /// The new secret is in the answer, this once; the former ones are good for a while, so that the application can be
    /// given the new one without an outage. Scope: `admin:clients:write`, and every scope of the admin API that the
    /// client has.
    #[oai(path = "/clients/:client_id/secret", method = "post", operation_id = "rotateClientSecret")]
    async fn rotate_secret(
        &self,
        gate: Gate<ClientsWrite>,
        /// The client's id.
        client_id: Path<String>,
        body: Body<Rotation, Optional>,
    ) -> Answer<Changed<NewSecret>> {
        Answer::new(gate.noting(rotate_secret(&gate, &client_id, &body.read).await).await)
    }

    /// Switch a client on
    ///
    /// Scope: `admin:clients:write`.
    #[oai(path = "/clients/:client_id/enable", method = "post", operation_id = "enableClient")]
    async fn enable(
        &self,
        gate: Gate<ClientsWrite>,
        /// The client's id.
        client_id: Path<String>,
    ) -> Answer<Switched<Client>> {
        Answer::new(set_status(&gate, &client_id, ClientStatus::Active).await)
    }

    /// Switch a client off
    ///
    /// Its requests are refused, and so are its access tokens here and at userinfo. Scope: `admin:clients:write`.
    #[oai(path = "/clients/:client_id/disable", method = "post", operation_id = "disableClient")]
    async fn disable(
        &self,
        gate: Gate<ClientsWrite>,
        /// The client's id.
        client_id: Path<String>,
    ) -> Answer<Switched<Client>> {
        Answer::new(set_status(&gate, &client_id, ClientStatus::Disabled).await)
    }
}

fn shown(client: &client::Client) -> Content {
    Content::json(&Client::shown(client)).version(client.updated_at)
}

/// The id in an address. Whatever isn't one is nobody's.
pub(super) fn id(text: &str) -> Result<ClientId> {
    text.parse().map_err(|_| Refusal::not_found("there is no such client"))
}

/// The client of the id in an address.
pub(super) async fn find<R>(gate: &Gate<R>, text: &str) -> Result<client::Client> {
    Ok(clients::find(&gate.ctx, gate.tenant_id(), &id(text)?).await?)
}

async fn list(gate: &Gate<ClientsRead>, part: Result<Part<ClientId>>) -> Result<Content> {
    let part = part?;
    let found = clients::list(&gate.ctx, gate.tenant_id(), part.after.as_ref(), part.reads()).await?;
    let (shown, next_cursor) = part.shows(found, |client| client.id.to_string());
    Ok(Content::json(&ClientPart { items: shown.iter().map(Client::listed).collect(), next_cursor }))
}

/// Nobody hands on more than they have.
fn hand_on(admitted: &Admitted, details: &ClientDetails) -> Result<()> {
    let (scope, roles) = (&details.metadata.scope, &details.metadata.roles);
    if !admitted.may_hand_on(scope) {
        Err(refusal::hands_on(scope))
    } else if !roles.is_empty() && !admitted.may_give_roles() {
        Err(refusal::gives_roles())
    } else {
        Ok(())
    }
}

async fn create(gate: &Gate<ClientsWrite>, body: NewClient) -> Result<Content> {
    let details = ClientDetails::registered(body.registration())?;
    hand_on(&gate.admitted, &details)?;
    let id = body.client_id.map(|id| id.parse()).transpose();
    let new = clients::NewClient {
        id: id.map_err(|_| Refusal::unprocessable("client_id: expected 1 to 128 visible ASCII characters"))?,
        name: details.name,
        metadata: details.metadata,
        secret: body.client_secret.map(|secret| Secret::new(secret.0)),
    };
    let (client, secret) = clients::create(&gate.ctx, gate.tenant_id(), new, &gate.admitted.actor).await?;
    let content = Content::json(&Client::made(&client, secret.as_ref()));
    let id: String = form_urlencoded::byte_serialize(client.id.as_str().as_bytes()).collect();
    Ok(content.version(client.updated_at).location(format!("{}/v1/admin/clients/{id}", gate.site.base)))
}

async fn update(
    gate: &Gate<ClientsWrite>,
    text: &str,
    if_match: Option<&str>,
    change: impl Fn(&client::Client) -> Result<ClientDetails> + Send,
) -> Result<Content> {
    let client = find(gate, text).await?;
    let seen = matching(if_match, client.updated_at, "the client")?;
    let checked = |client: &client::Client| {
        hand_on(&gate.admitted, &ClientDetails::from(client))?;
        let details = change(client)?;
        hand_on(&gate.admitted, &details)?;
        Ok::<_, Refusal>(details)
    };
    let actor = &gate.admitted.actor;
    Ok(shown(&clients::update(&gate.ctx, gate.tenant_id(), &client.id, seen, checked, actor).await?))
}

async fn delete(gate: &Gate<ClientsWrite>, text: &str) -> Result<Content> {
    clients::delete(&gate.ctx, gate.tenant_id(), &id(text)?, &gate.admitted.actor).await?;
    Ok(Content::default())
}

async fn rotate_secret(gate: &Gate<ClientsWrite>, text: &str, body: &Rotation) -> Result<Content> {
    let grace = body.grace_seconds.map_or(USUAL_GRACE, Duration::from_secs);
    if grace > LONGEST_GRACE {
        return Err(Refusal::unprocessable("grace_seconds: expected 0 to 2592000"));
    }
    let client = find(gate, text).await?;
    hand_on(&gate.admitted, &ClientDetails::from(&client))?;
    let actor = &gate.admitted.actor;
    let (secret, until) = clients::rotate_secret(&gate.ctx, gate.tenant_id(), &client.id, grace, actor).await?;
    let updated_at = find(gate, text).await?.updated_at;
    Ok(Content::json(&NewSecret::new(&client.id, &secret, until)).version(updated_at))
}

async fn set_status(gate: &Gate<ClientsWrite>, text: &str, status: ClientStatus) -> Result<Content> {
    let client = clients::set_status(&gate.ctx, gate.tenant_id(), &id(text)?, status, &gate.admitted.actor).await?;
    Ok(shown(&client))
}
