//! Back-channel logout (OpenID Connect Back-Channel Logout 1.0): clients hear of the end of a session from us, whatever
//! ended it and whether or not anybody's browser is there.
//!
//! The message is put into the queue by the transaction that ends the session, so that an end that holds is told and
//! one that was undone isn't. The token is made when it is sent: a late attempt has a fresh one.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keys::TokenType;
use serde::{Deserialize, Serialize};

use super::audit::{self, Actor};
use super::ctx::Ctx;
use super::deliveries::{self, Outgoing, ReplayError, Undeliverable};
use super::outbound::Message;
use super::{Failure, clients, key_rings, subject_identifier};
use crate::domain::audit::{AuditKind, Outcome};
use crate::domain::claims::{LogoutEvents, LogoutTokenClaims};
use crate::domain::delivery::{Delivery, DeliveryKind, NewDelivery};
use crate::domain::{ClientId, DeliveryId, SessionId, TenantId, Timestamp, UserId};
use crate::service::clients::ClientLookupError;
use crate::store::{self, StoreError, Tx};

/// How long a logout token is good (§2.4 recommends two minutes at most).
const LIFETIME: Duration = Duration::from_mins(2);

/// What a message in the queue says: whose session ended, and which.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Ended {
    user_id: UserId,
    sid: SessionId,
}

/// A message that waits for a client, or was given up.
#[derive(Clone, Debug, PartialEq)]
pub struct WaitingLogout {
    /// Whose session ended.
    pub user_id: UserId,
    /// Which.
    pub sid: SessionId,
    /// How it stands.
    pub delivery: Delivery,
}

/// Tells the clients of sessions that have ended, those of them that want to hear of it, in the transaction that ended
/// them.
///
/// # Errors
/// [`StoreError`]; the transaction is to be given up then.
pub async fn tell(
    ctx: &Ctx,
    tx: &Tx,
    tenant: TenantId,
    ended: &[(SessionId, UserId, &[ClientId])],
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut listening: BTreeMap<&ClientId, bool> = BTreeMap::new();
    for (sid, user_id, clients) in ended {
        for client in *clients {
            let listens = if let Some(listens) = listening.get(client) {
                *listens
            } else {
                let found = store::clients::find(tx, tenant, client, now).await?;
                let listens = found.is_some_and(|found| found.metadata.backchannel_logout_uri.is_some());
                *listening.entry(client).or_insert(listens)
            };
            if listens {
                let new = NewDelivery {
                    id: DeliveryId::from_uuid(ctx.random.uuid_v7(now)),
                    kind: DeliveryKind::BackchannelLogout,
                    target: client.to_string(),
                    subject: None,
                    payload: serde_json::json!(Ended { user_id: *user_id, sid: *sid }),
                };
                store::deliveries::insert(tx, tenant, new, now).await?;
            }
        }
    }
    Ok(())
}

/// What waits for a client and what was given up, the oldest first, those after `after`.
pub async fn waiting(
    ctx: &Ctx,
    tenant: TenantId,
    client: &ClientId,
    after: Option<DeliveryId>,
    limit: u64,
) -> Result<Vec<WaitingLogout>, Failure> {
    let target = (DeliveryKind::BackchannelLogout, client.as_str());
    let found = deliveries::of_target(ctx, tenant, target, after, limit).await?;
    let read = |delivery: Delivery| {
        let Ended { user_id, sid } = serde_json::from_value(delivery.payload.clone()).ok()?;
        Some(WaitingLogout { user_id, sid, delivery })
    };
    Ok(found.into_iter().filter_map(read).collect())
}

/// Tries again what was given up: one message, or all of the client's; how many they are.
pub async fn replay(
    ctx: &Ctx,
    tenant: TenantId,
    client: &ClientId,
    one: Option<DeliveryId>,
    actor: impl Into<Actor>,
) -> Result<u64, ReplayError> {
    let event = audit::event(ctx, AuditKind::LogoutTokensReplayed, Outcome::Success).by(actor).client(client);
    deliveries::replay(ctx, tenant, (DeliveryKind::BackchannelLogout, client.to_string()), one, event).await
}

/// The request that carries a logout token to the client (§2.5).
pub(super) async fn outgoing(ctx: &Ctx, tenant: TenantId, delivery: &Delivery) -> Result<Outgoing, Undeliverable> {
    let unreadable = || Undeliverable::Never("the message can't be read".to_owned());
    let client: ClientId = delivery.target.parse().map_err(|_| unreadable())?;
    let Ended { user_id, sid } = serde_json::from_value(delivery.payload.clone()).map_err(|_| unreadable())?;
    let tenant = store::tenants::find_by_id(ctx.database.read(), tenant).await?.ok_or_else(unreadable)?;
    let client = clients::active(ctx, tenant.id, &client).await.map_err(|error| match error {
        ClientLookupError::Unknown => Undeliverable::Never("the client was deleted or disabled".to_owned()),
        ClientLookupError::Failure(failure) => failure.into(),
    })?;
    let Some(url) = client.metadata.backchannel_logout_uri.clone() else {
        return Err(Undeliverable::Never("the client has no backchannel_logout_uri any more".to_owned()));
    };
    let signer = key_rings::signer(ctx, tenant.id, client.metadata.id_token_signed_response_alg).await?;
    let now = ctx.now();
    let claims = LogoutTokenClaims {
        iss: tenant.issuer.as_str(),
        sub: &subject_identifier::of(ctx, tenant.id, &client, user_id).await?,
        aud: &client.id,
        iat: now.seconds(),
        exp: (now + LIFETIME).seconds(),
        jti: &URL_SAFE_NO_PAD.encode(ctx.random.bytes::<24>()),
        sid,
        events: LogoutEvents::default(),
    };
    let token = key_rings::sign(&signer, TokenType::LogoutToken, &claims)?;
    let body = form_urlencoded::Serializer::new(String::new()).append_pair("logout_token", &token).finish();
    let content_type = "application/x-www-form-urlencoded";
    Ok(Outgoing { url, message: Message { content_type, headers: Vec::new(), body: body.into() } })
}
