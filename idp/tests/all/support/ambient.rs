//! What tests have in the place of the machine: its clock, its randomness, its network.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use idp::domain::Timestamp;
use idp::service::clock::Clock;
use idp::service::outbound::Resolve;
use idp::service::random::Random;

/// A clock that stands.
#[derive(Debug)]
pub(crate) struct TestClock(pub(super) AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// Numbers that differ from draw to draw and are the same in every run.
#[derive(Debug)]
pub(crate) struct TestRandom(pub(super) AtomicU64);

impl Random for TestRandom {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(32) {
            let draw = self.0.fetch_add(1, Ordering::SeqCst);
            let block = openssl::sha::sha256(&draw.to_be_bytes());
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
    }
}

/// Every name is this machine's: no test asks the network.
#[derive(Debug)]
pub(crate) struct Here;

impl Resolve for Here {
    fn resolve(&self, _: &str, port: u16) -> std::io::Result<Vec<SocketAddr>> {
        Ok(vec![SocketAddr::new(IpAddr::from([127, 0, 0, 1]), port)])
    }
}
