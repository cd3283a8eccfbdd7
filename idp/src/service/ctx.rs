//! Everything ambient, in one value: clock, randomness, database, keys, caches, configuration.

use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;

use keys::{KeyEncryptionKey, SealingKeys};
use zeroize::Zeroizing;

use super::Failure;
use super::access_token::VerifiedTokens;
use super::client_keys::ClientKeyCache;
use super::clients::ClientCache;
use super::clock::Clock;
use super::event_streams::EventStreams;
use super::key_rings::KeyRings;
use super::operations::Operations;
use super::origins::AllowedOrigins;
use super::outbound::Outbound;
use super::password_hasher::PasswordHasher;
use super::random::Random;
use super::rate_limits::RateLimits;
use super::redis::Redis;
use super::refresh_tokens::RefreshKeys;
use super::request_object::RequestObjectCache;
use super::subject::Subjects;
use super::subject_identifier::PairwiseSalts;
use super::tenants::TenantCache;
use crate::config::Config;
use crate::domain::Timestamp;
use crate::domain::ids::NodeId;
use crate::store::Database;

/// Everything ambient. Cloning it copies a pointer.
#[derive(Clone, Debug)]
pub struct Ctx(Arc<Parts>);

/// What a [`Ctx`] is made of.
#[derive(Debug)]
pub struct Parts {
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Draws random numbers.
    pub random: Arc<dyn Random>,
    /// Which of several nodes this is.
    pub node: NodeId,
    /// Where everything is kept.
    pub database: Database,
    /// Hashes passwords.
    pub passwords: PasswordHasher,
    /// Seals and opens private keys.
    pub sealing: SealingKeys,
    /// Makes and recognises refresh tokens.
    pub refresh_keys: RefreshKeys,
    /// Sends requests of our own.
    pub outbound: Outbound,
    /// Redis, if there is one: the bus between nodes, and where events are published.
    pub redis: Redis,
    /// Room for those who follow events.
    pub event_streams: EventStreams,
    /// How much each caller has asked.
    pub rate_limits: RateLimits,
    /// What is noted for those who watch over all this.
    pub operations: Operations,
    /// What the operator decided.
    pub config: Config,
    /// Tenants that were asked for.
    pub tenants: TenantCache,
    /// Clients that were asked for.
    pub clients: ClientCache,
    /// Keys of clients that were fetched.
    pub client_keys: ClientKeyCache,
    /// Request objects that were fetched.
    pub request_objects: RequestObjectCache,
    /// Keys that were asked for.
    pub key_rings: KeyRings,
    /// Access tokens that were verified.
    pub verified_tokens: VerifiedTokens,
    /// Subjects of tokens that were asked for.
    pub subjects: Subjects,
    /// Origins that may call.
    pub allowed_origins: AllowedOrigins,
    /// Salts of pairwise subjects that were asked for.
    pub pairwise_salts: PairwiseSalts,
}

/// What a [`Ctx`] is built on: what differs between a server and a test.
#[derive(Debug)]
pub struct Foundation {
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Draws random numbers.
    pub random: Arc<dyn Random>,
    /// Where everything is kept.
    pub database: Database,
    /// Redis, if there is one.
    pub redis: Redis,
    /// Hashes passwords.
    pub passwords: PasswordHasher,
    /// Sends requests of our own.
    pub outbound: Outbound,
    /// What the operator decided.
    pub config: Config,
}

impl Ctx {
    /// Builds the rest: caches, limits, and what follows from the configuration.
    ///
    /// # Errors
    /// [`Failure::Internal`] if the keys of refresh tokens can't be derived.
    pub fn build(foundation: Foundation) -> Result<Self, Failure> {
        let Foundation { clock, random, database, redis, passwords, outbound, config } = foundation;
        let sealing = KeyEncryptionKey::new(Zeroizing::new(*config.key_encryption_key.expose())).into();
        Ok(Self(Arc::new(Parts {
            node: NodeId::from_uuid(random.uuid_v7(clock.now())),
            rate_limits: RateLimits::new(&config.rate_limits, Arc::clone(&clock)),
            clock,
            random,
            database,
            passwords,
            refresh_keys: RefreshKeys::derive(&sealing)?,
            sealing,
            outbound,
            redis,
            event_streams: EventStreams::new(config.events.max_streams),
            operations: Operations::default(),
            config,
            tenants: TenantCache::default(),
            clients: ClientCache::default(),
            client_keys: ClientKeyCache::default(),
            request_objects: RequestObjectCache::default(),
            key_rings: KeyRings::default(),
            verified_tokens: VerifiedTokens::default(),
            subjects: Subjects::default(),
            allowed_origins: AllowedOrigins::default(),
            pairwise_salts: PairwiseSalts::default(),
        })))
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl Deref for Ctx {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// Who is at the other end of a request, as far as the network tells.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The network address.
    pub address: IpAddr,
    /// What the browser calls itself; at most 512 characters.
    pub user_agent: Option<String>,
}
