//! How long sessions live and how many a person has: what the tenant says, else the configuration for the hosted pages,
//! and the usual values of first-party apps for theirs. A session keeps what held when it began, or was renewed.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use super::ending::{self, Ending, Which};
use crate::config::Sessions;
use crate::domain::client::ClientMetadata;
use crate::domain::session::{EndReason, Session, SessionOrigin, SessionPolicy};
use crate::domain::tenant::{SessionSettings, TenantSettings};
use crate::domain::{TenantId, UserId};
use crate::service::ctx::{Caller, Ctx};
use crate::store::{self, StoreError, Tx};

/// First-party sessions, where the tenant says nothing.
const FIRST_PARTY_LIFETIME: Duration = Duration::from_hours(168);
const FIRST_PARTY_IDLE_TIMEOUT: Duration = Duration::from_mins(5);
const FIRST_PARTY_LIMIT: u32 = 5;
const FIRST_PARTY_ACCESS_TOKEN: Duration = Duration::from_mins(15);
const FIRST_PARTY_REFRESH_TOKEN: Duration = Duration::from_hours(7 * 24);

/// The shortest time that a setting may name.
const SHORTEST: Duration = Duration::from_mins(1);
/// The longest.
const LONGEST: Duration = Duration::from_hours(366 * 24);
/// The most sessions that a person has: an administrator's change that ends them all is one transaction.
const MOST: u32 = 1000;

/// Of sessions that begin on the hosted pages.
pub fn of_pages(config: &Sessions, settings: &TenantSettings) -> SessionPolicy {
    let usual = SessionPolicy {
        origin: SessionOrigin::Page,
        lifetime: config.lifetime,
        idle_timeout: config.idle_timeout,
        limit: NonZeroU32::new(MOST),
    };
    over(settings.sessions, usual)
}

/// How first-party apps' sessions and tokens live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirstPartyPolicy {
    /// The sessions.
    pub sessions: SessionPolicy,
    /// Life of access tokens.
    pub access_token_lifetime: Duration,
    /// Longest rest of a refresh token.
    pub refresh_token_lifetime: Duration,
}

/// Of sessions that begin at the first-party API.
pub fn of_first_party(settings: &TenantSettings) -> FirstPartyPolicy {
    let usual = SessionPolicy {
        origin: SessionOrigin::FirstParty,
        lifetime: FIRST_PARTY_LIFETIME,
        idle_timeout: FIRST_PARTY_IDLE_TIMEOUT,
        limit: NonZeroU32::new(FIRST_PARTY_LIMIT),
    };
    let first_party = &settings.first_party;
    FirstPartyPolicy {
        sessions: over(first_party.sessions, usual),
        access_token_lifetime: seconds(first_party.access_token_lifetime, FIRST_PARTY_ACCESS_TOKEN),
        refresh_token_lifetime: seconds(first_party.refresh_token_lifetime, FIRST_PARTY_REFRESH_TOKEN),
    }
}

fn over(settings: SessionSettings, usual: SessionPolicy) -> SessionPolicy {
    let lifetime = seconds(settings.lifetime, usual.lifetime);
    SessionPolicy {
        lifetime,
        idle_timeout: seconds(settings.idle_timeout, usual.idle_timeout).min(lifetime),
        limit: settings.limit.or(usual.limit),
        ..usual
    }
}

fn seconds(setting: Option<u32>, usual: Duration) -> Duration {
    setting.map_or(usual, |seconds| Duration::from_secs(u64::from(seconds)))
}

/// Whether a tenant may have these settings.
///
/// # Errors
/// What is wrong with them.
pub fn check(settings: &TenantSettings) -> Result<(), &'static str> {
    let first_party = &settings.first_party;
    let times = |sessions: &SessionSettings| [sessions.lifetime, sessions.idle_timeout];
    let tokens = [first_party.access_token_lifetime, first_party.refresh_token_lifetime];
    let all = [times(&settings.sessions), times(&first_party.sessions), tokens];
    let fits = |time: u32| (SHORTEST..=LONGEST).contains(&Duration::from_secs(u64::from(time)));
    if !all.into_iter().flatten().flatten().all(fits) {
        return Err("the times of sessions and their tokens must be between 1m and 366d");
    }
    let longest = ClientMetadata::LONGEST_ACCESS_TOKEN_LIFETIME;
    if seconds(first_party.access_token_lifetime, FIRST_PARTY_ACCESS_TOKEN) > longest {
        return Err("an access token lives for 24h at most");
    }
    let both = [&settings.sessions, &first_party.sessions];
    if both.iter().any(|sessions| sessions.lifetime.zip(sessions.idle_timeout).is_some_and(|(life, idle)| idle > life))
    {
        return Err("a session can't rest for longer than it lives");
    }
    if both.iter().any(|sessions| sessions.limit.is_some_and(|limit| limit.get() > MOST)) {
        return Err("the limit of sessions a person must be between 1 and 1000");
    }
    Ok(())
}

/// Adds a session in the transaction of a sign-in, and ends the person's oldest ones of the same origin that are too many
/// then. `secret_hash` is the SHA-256 of its secret. The transaction must have locked the person's row before: of two
/// sign-ins at once the later one sees the earlier one's session.
///
/// # Errors
/// [`StoreError::Missing`] if there is no such person.
pub async fn begin(
    ctx: &Ctx,
    tx: &Tx,
    tenant: TenantId,
    caller: &Caller,
    (session, secret_hash): (&Session, &[u8; 32]),
    limit: Option<NonZeroU32>,
) -> Result<(), StoreError> {
    if let Some(limit) = limit {
        make_room(ctx, tx, tenant, caller, (session.user_id, session.origin), limit).await?;
    }
    store::sessions::insert(tx, tenant, session, secret_hash).await?;
    let metrics = Arc::clone(&ctx.operations.metrics);
    tx.on_commit(move || metrics.sessions.count());
    Ok(())
}

async fn make_room(
    ctx: &Ctx,
    tx: &Tx,
    tenant: TenantId,
    caller: &Caller,
    (user, origin): (UserId, SessionOrigin),
    limit: NonZeroU32,
) -> Result<(), StoreError> {
    let stay = u64::from(limit.get() - 1);
    for id in store::sessions::oldest_but(tx, tenant, user, origin, ctx.now(), stay).await? {
        ending::end_in(ctx, tx, tenant, Ending::new(ctx, Which::One(id), EndReason::Limit).from(caller)).await?;
    }
    Ok(())
}
