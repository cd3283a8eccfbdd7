//! `[passwords]`: cost of password hashes, and how many are computed at once.

use std::num::{NonZeroU32, NonZeroUsize};

use super::errors::Fault;
use super::reader::{Reader, Section};

pub(super) const ABOUT: &str = "Cost of password hashes (argon2id), and how many are computed at once. Hashes are renewed \
    at the next sign-in when a cost grows.";

/// Cost of password hashes (argon2id, RFC 9106), and how many are computed at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passwords {
    /// Memory of one hash, in KiB.
    pub memory_kib: NonZeroU32,
    /// Passes over that memory.
    pub iterations: NonZeroU32,
    /// Lanes of one hash.
    pub parallelism: NonZeroU32,
    /// Hashes computed at once.
    pub permits: NonZeroUsize,
    /// Sign-ins that may wait for a permit; the next is answered with 503 and `Retry-After`.
    pub queue: u32,
}

impl Passwords {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let memory_kib =
            section.value("memory_kib", nonzero(19_456), "Memory of one hash, in KiB. OWASP asks for 19456 or more.");
        let iterations = section.value("iterations", nonzero(2), "Passes over that memory.");
        let parallelism = section.value("parallelism", nonzero(1), "Lanes of one hash.");
        let permits = section.optional(
            "permits",
            "2",
            "Hashes computed at once, each on a thread of its own. One for each processor core unless given.",
        );
        let permits = permits.unwrap_or_else(cores);
        let queue = section.optional(
            "queue",
            "32",
            "Sign-ins that may wait for a permit; the next is answered with 503 and Retry-After. 16 for each permit \
             unless given, which is about half a second.",
        );
        let queue = queue.unwrap_or_else(|| u32::try_from(permits.get().saturating_mul(16)).unwrap_or(u32::MAX));
        Self { memory_kib, iterations, parallelism, permits, queue }
    }

    /// What is wrong with these values.
    pub fn validate(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.parallelism.get() > 255 {
            faults.push(Fault::new("parallelism", "must be at most 255"));
        }
        let least = self.parallelism.get().saturating_mul(8).max(7_168);
        if !(least..=4_194_304).contains(&self.memory_kib.get()) {
            faults.push(Fault::new("memory_kib", format!("must be between {least} and 4194304")));
        }
        if self.iterations.get() > 100 {
            faults.push(Fault::new("iterations", "must be at most 100"));
        }
        faults
    }
}

impl Default for Passwords {
    fn default() -> Self {
        Reader::defaults(Self::read)
    }
}

fn cores() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

fn nonzero(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN)
}
