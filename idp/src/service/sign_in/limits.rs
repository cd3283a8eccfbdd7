//! The counters that attempts to sign in or up are held against.

use std::net::IpAddr;
use std::time::Duration;

use crate::domain::sign_in_limit::{Attempt, LimitKind};
use crate::domain::user::LoginName;
use crate::domain::{TenantId, Timestamp};
use crate::service::ctx::{Caller, Ctx};
use crate::store::{self, Reader, StoreError, Tx};

/// The counters that an attempt is held against.
#[derive(Clone, Debug)]
pub(in crate::service) struct Limits(Vec<Limit>);

#[derive(Clone, Debug)]
struct Limit {
    kind: LimitKind,
    hash: [u8; 32],
    window: Duration,
    most: u32,
}

impl Limits {
    /// Those of a sign-in with this name: one by the name, one by the address.
    pub(in crate::service) fn of_sign_in(ctx: &Ctx, caller: &Caller, login: &LoginName) -> Self {
        let config = &ctx.config.sign_in;
        let account = Limit {
            kind: LimitKind::Account,
            hash: openssl::sha::sha256(login.as_str().as_bytes()),
            window: config.account_window,
            most: config.account_limit.get(),
        };
        let address = Limit {
            kind: LimitKind::Address,
            hash: openssl::sha::sha256(&network(caller.address)),
            window: config.address_window,
            most: config.address_limit.get(),
        };
        Self(vec![account, address])
    }

    /// That of a sign-up: one by the address, which sign-ins don't count in.
    pub(in crate::service) fn of_sign_up(ctx: &Ctx, caller: &Caller) -> Self {
        let config = &ctx.config.sign_up;
        let subject = [b"sign-up ", network(caller.address).as_slice()].concat();
        Self(vec![Limit {
            kind: LimitKind::Address,
            hash: openssl::sha::sha256(&subject),
            window: config.address_window,
            most: config.address_limit.get(),
        }])
    }

    /// Whether one is used up.
    pub(in crate::service) async fn check(
        &self,
        db: &impl Reader,
        tenant: TenantId,
        now: Timestamp,
    ) -> Result<Attempt, StoreError> {
        for Limit { kind, hash, window, most } in &self.0 {
            let state = store::sign_in_limits::check(db, tenant, *kind, hash, now, *window, *most).await?;
            if state != Attempt::Allowed {
                return Ok(state);
            }
        }
        Ok(Attempt::Allowed)
    }

    /// Counts an attempt in all.
    pub(in crate::service) async fn count(
        &self,
        tx: &Tx,
        tenant: TenantId,
        now: Timestamp,
    ) -> Result<Attempt, StoreError> {
        let mut outcome = Attempt::Allowed;
        for Limit { kind, hash, window, most } in &self.0 {
            let counted = store::sign_in_limits::count_attempt(tx, tenant, *kind, hash, now, *window, *most).await?;
            if counted != Attempt::Allowed {
                outcome = counted;
            }
        }
        Ok(outcome)
    }

    /// Forgets the failures with this name: its owner is here. Those from the address stay, or an attacker with an
    /// account of their own could clear them at will.
    pub(in crate::service) async fn forgive(&self, tx: &Tx, tenant: TenantId) -> Result<(), StoreError> {
        for Limit { kind, hash, .. } in self.0.iter().filter(|limit| limit.kind == LimitKind::Account) {
            store::sign_in_limits::reset(tx, tenant, *kind, hash).await?;
        }
        Ok(())
    }
}

/// What counts as one address: an IPv4 address, or the /64 of an IPv6 one, which is what a household gets.
fn network(address: IpAddr) -> Vec<u8> {
    match address.to_canonical() {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().into_iter().take(8).collect(),
    }
}
