//! How much one address, and one client, may ask. Counted by this node alone, in memory: what must hold for all nodes and
//! across restarts, the limits on failed sign-ins, is counted in the database
//! ([`sign_in_limit`](crate::domain::sign_in_limit)).
//!
//! The generic cell rate algorithm of `governor`: a whole quota may be used at once, and comes back evenly over its window.
//! Counters live in a bounded cache, which forgets those that ask least: whoever invents addresses pushes out their own.
//! Decided against `governor`'s own table of keys, which grows until it is swept.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::Clock as _;
use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use moka::future::Cache;

use super::clock::Clock;
use super::ctx::Caller;
use crate::config;
use crate::domain::rate_limit::Limited;
use crate::domain::{ClientId, TenantId};

/// The quota of a limit.
const fn quota_of(limited: Limited, config: &config::RateLimits) -> u32 {
    match limited {
        Limited::Token => config.token,
        Limited::Introspection => config.introspection,
        Limited::Revocation => config.revocation,
        Limited::Userinfo => config.userinfo,
        Limited::Authorization => config.authorization,
        Limited::Pages => config.pages,
        Limited::FirstParty => config.first_party,
        Limited::Admin => config.admin,
        Limited::Client => config.client,
    }
}

/// What is left of a quota after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Of what.
    pub limited: Limited,
    /// Requests within the window.
    pub quota: NonZeroU32,
    /// Seconds of the window.
    pub window: u64,
    /// Requests that are left now.
    pub remaining: u32,
    /// Seconds until the whole quota is there again; of a refused request, until the next one is taken.
    pub reset: u64,
    /// Whether the request goes too far.
    pub exceeded: bool,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Who {
    /// An IPv4 address, or the upper half of an IPv6 one.
    Address(u64),
    Client(ClientId),
}

type Counter = RateLimiter<NotKeyed, InMemoryState, Ticks, StateInformationMiddleware>;

/// Time since the epoch.
#[derive(Clone, Debug)]
struct Ticks(Arc<dyn Clock>);

impl governor::clock::Clock for Ticks {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.now().millis()).unwrap_or(0))
    }
}

/// The counters.
pub struct RateLimits {
    counters: Cache<(TenantId, Limited, Who), Arc<Counter>>,
    ticks: Ticks,
}

impl std::fmt::Debug for RateLimits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RateLimits")
    }
}

impl RateLimits {
    /// Counters by this clock, all at their begin.
    pub fn new(config: &config::RateLimits, clock: Arc<dyn Clock>) -> Self {
        let counters = Cache::builder()
            .max_capacity(config.counted.get().into())
            // After a window without a request, the whole quota is there.
            .time_to_idle(config.window)
            .build();
        Self { counters, ticks: Ticks(clock) }
    }

    /// Counts a request from an address; `None` if there is no limit.
    pub async fn count_address(
        &self,
        config: &config::RateLimits,
        limited: Limited,
        tenant: TenantId,
        address: IpAddr,
    ) -> Option<Usage> {
        let who = match address.to_canonical() {
            IpAddr::V4(address) => u64::from(address.to_bits()),
            // No IPv6 address that is given out has an upper half as small as an IPv4 address.
            IpAddr::V6(address) => u64::try_from(address.to_bits() >> 64).unwrap_or(u64::MAX),
        };
        let spared = !config.loopback && address.to_canonical().is_loopback();
        let usage = self.count(config, limited, tenant, Who::Address(who)).await?;
        Some(Usage { exceeded: usage.exceeded && !spared, ..usage })
    }

    /// Counts what a client asks that has authenticated; `None` if there is no limit.
    pub async fn count_client(
        &self,
        config: &config::RateLimits,
        tenant: TenantId,
        client: &ClientId,
        caller: &Caller,
    ) -> Option<Usage> {
        let spared = !config.loopback && caller.address.to_canonical().is_loopback();
        if spared {
            return None;
        }
        self.count(config, Limited::Client, tenant, Who::Client(client.clone())).await
    }

    async fn count(&self, config: &config::RateLimits, limited: Limited, tenant: TenantId, who: Who) -> Option<Usage> {
        let quota = NonZeroU32::new(quota_of(limited, config)).filter(|_| config.enabled)?;
        let one = config.window.checked_div(quota.get()).filter(|one| !one.is_zero())?;
        let fresh = || {
            let quota = Quota::with_period(one)?.allow_burst(quota);
            let counter = RateLimiter::direct_with_clock(quota, self.ticks.clone());
            Some(Arc::new(counter.with_middleware::<StateInformationMiddleware>()))
        };
        let key = (tenant, limited, who);
        let counter = if let Some(counter) = self.counters.get(&key).await {
            counter
        } else {
            let counter = fresh()?;
            self.counters.get_with(key.clone(), async { counter }).await
        };
        let window = config.window.as_secs();
        let usage = |remaining: u32, reset: Duration, exceeded| {
            let reset = u64::try_from(reset.as_millis().div_ceil(1000)).unwrap_or(u64::MAX);
            Usage { limited, quota, window, remaining, reset, exceeded }
        };
        let taken = |remaining: u32| usage(remaining, one.saturating_mul(quota.get().saturating_sub(remaining)), false);
        Some(match counter.check() {
            Ok(state) => taken(state.remaining_burst_capacity()),
            Err(refused) => {
                let wait = refused.wait_time_from(self.ticks.now());
                if wait <= config.window {
                    return Some(usage(0, wait.max(Duration::from_secs(1)), true));
                }
                // The machine's clock was set back. Nobody waits for that.
                self.counters.insert(key, fresh()?).await;
                taken(quota.get().saturating_sub(1))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::net::Ipv4Addr;
    use std::sync::atomic::{AtomicI64, Ordering::SeqCst};

    use super::*;
    use crate::domain::Timestamp;

    #[derive(Clone, Debug)]
    struct Hand(Arc<AtomicI64>);

    impl Clock for Hand {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(self.0.load(SeqCst))
        }
    }

    const HOUR: i64 = 3_600_000;

    fn at(time: i64, config: &config::RateLimits) -> (Hand, RateLimits) {
        let hand = Hand(Arc::new(AtomicI64::new(time)));
        (hand.clone(), RateLimits::new(config, Arc::new(hand)))
    }

    async fn ask(limits: &RateLimits, config: &config::RateLimits, number: u32) -> Usage {
        let address = IpAddr::V4(Ipv4Addr::from_bits(number));
        limits.count_address(config, Limited::Token, TenantId::DEFAULT, address).await.unwrap()
    }

    #[tokio::test]
    async fn a_clock_that_is_set_back_or_on_locks_nobody_out() {
        let config = config::RateLimits { token: 2, ..config::RateLimits::default() };
        let (hand, limits) = at(9 * HOUR, &config);
        for exceeded in [false, false, true] {
            assert_eq!(ask(&limits, &config, 1).await.exceeded, exceeded);
        }
        for jump in [-HOUR, 2 * HOUR, -9 * HOUR] {
            hand.0.fetch_add(jump, SeqCst);
            let usage = ask(&limits, &config, 1).await;
            assert!(!usage.exceeded && usage.reset <= 60, "{jump} {usage:?}");
        }
    }

    #[tokio::test]
    async fn what_is_remembered_is_bounded() {
        let counted = NonZeroU32::new(100).unwrap();
        let config = config::RateLimits { token: 1, counted, ..config::RateLimits::default() };
        let (_hand, limits) = at(HOUR, &config);
        for number in 0..10_000 {
            ask(&limits, &config, number).await;
        }
        limits.counters.run_pending_tasks().await;
        assert!(limits.counters.entry_count() <= 100, "{}", limits.counters.entry_count());
    }

    #[tokio::test]
    async fn of_many_at_once_as_many_as_there_may_be_get_through() {
        let config = config::RateLimits { token: 20, ..config::RateLimits::default() };
        let (_hand, limits) = at(HOUR, &config);
        let asked = futures_util::future::join_all((0..200).map(|_| ask(&limits, &config, 1))).await;
        assert_eq!(asked.iter().filter(|usage| !usage.exceeded).count(), 20);
    }
}
