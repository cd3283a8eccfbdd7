//! Configuration: one TOML file, one typed struct per section.
//!
//! Each key can come from the file or from the environment (`listen.address` or `SIGNET_LISTEN__ADDRESS`; the
//! environment wins), and a secret also from a file of its own (`database.url_file`, `SIGNET_DATABASE__URL_FILE`).
//! Production needs three values: `issuer`, `database.url` and `key_encryption_key`. Everything else has a default.
//!
//! Each key is declared once, in the `read` function of its section: name, default, text. Reading, the search for
//! unknown keys and [`reference()`] all go over these declarations, so that they can't differ. All problems are found
//! in one pass and each is named with its place: file, line and column, or the variable's name.
//!
//! Decided against: `figment` and `config`, which merge sources into one tree first and so forget the places;
//! serde's `deny_unknown_fields`, which stops at the first problem.

mod audit;
mod database;
mod deliveries;
mod errors;
mod events;
mod flows;
mod key_encryption_key;
mod keys;
mod listen;
mod log;
mod management;
mod outbound;
mod passwords;
mod rate_limits;
mod reader;
mod redis;
mod reference;
mod sessions;
mod setting;
mod sign_in;
mod sign_up;
mod sources;
mod tokens;
mod traces;
mod tree;

use std::net::SocketAddr;
use std::path::Path;

use crate::domain::tenant::Issuer;

pub use audit::Audit;
pub use database::{Database, DatabaseKind};
pub use deliveries::Deliveries;
pub use errors::{ConfigErrors, Fault, Place, Problem};
pub use events::Events;
pub use flows::Flows;
pub use key_encryption_key::KeyEncryptionKey;
pub use keys::Keys;
pub use listen::Listen;
pub use log::{Log, LogAddress, LogFilter, LogFormat};
pub use management::Management;
pub use outbound::Outbound;
pub use passwords::Passwords;
pub use rate_limits::RateLimits;
pub use redis::Redis;
pub use reference::reference;
pub use sessions::Sessions;
pub use sign_in::SignIn;
pub use sign_up::SignUp;
pub use tokens::Tokens;
pub use traces::{Ratio, Traces};

use reader::Reader;
use sources::Sources;

/// Everything that an operator decides.
#[derive(Clone, Debug)]
pub struct Config {
    /// Issuer of the default tenant, which is the base URL of the installation.
    pub issuer: Issuer,
    /// What private keys are sealed with in the database.
    pub key_encryption_key: KeyEncryptionKey,
    /// Sockets, TLS, proxies, limits of connections.
    pub listen: Listen,
    /// Where data is kept.
    pub database: Database,
    /// Cost of password hashes, and how many are computed at once.
    pub passwords: Passwords,
    /// Limits on failed sign-ins.
    pub sign_in: SignIn,
    /// Limits on sign-ups.
    pub sign_up: SignUp,
    /// How much one address, and one client, may ask.
    pub rate_limits: RateLimits,
    /// Lifetimes of tokens and codes.
    pub tokens: Tokens,
    /// Lifetimes of sessions.
    pub sessions: Sessions,
    /// Lifetime of authorization flows.
    pub flows: Flows,
    /// Rotation of signing keys.
    pub keys: Keys,
    /// Requests that Signet itself sends.
    pub outbound: Outbound,
    /// Messages that are sent until they are taken.
    pub deliveries: Deliveries,
    /// What others are told.
    pub events: Events,
    /// Redis.
    pub redis: Redis,
    /// How long the audit log is kept.
    pub audit: Audit,
    /// What is logged, and how.
    pub log: Log,
    /// The port for health and metrics.
    pub management: Management,
    /// Where traces go, and which.
    pub traces: Traces,
}

impl Config {
    /// Reads the file at `path`, if any, and the variables of `env` that begin with `SIGNET_`.
    ///
    /// # Errors
    /// All problems at once: an unreadable or malformed file, unknown keys and variables, bad values, missing values.
    pub fn load(path: Option<&Path>, env: impl IntoIterator<Item = (String, String)>) -> Result<Self, ConfigErrors> {
        let (sources, problems) = Sources::open(path, env);
        let mut reader = Reader::new(sources, problems);
        let config = Self::read(&mut reader);
        reader.refuse_unknown();
        match (config, reader.into_errors()) {
            (Some(config), None) => Ok(config),
            (_, Some(errors)) => Err(errors),
            (None, None) => Err(ConfigErrors::from(Problem::new(Place::Missing, "a required value is missing"))),
        }
    }

    /// The configuration of `signet serve --dev`: plain HTTP on a loopback address, a database file in `folder`.
    ///
    /// The port is part of the issuer, so it can't be 0.
    ///
    /// # Errors
    /// An address that isn't loopback.
    pub fn dev(address: SocketAddr, folder: &Path, key: KeyEncryptionKey) -> Result<Self, ConfigErrors> {
        let issuer = format!("http://{address}").parse().map_err(|_| {
            let text = format!("the development mode speaks plain HTTP, and {address} is not a loopback address");
            ConfigErrors::from(Problem::new(Place::Argument("--listen"), text))
        })?;
        Ok(Self {
            issuer,
            key_encryption_key: key,
            listen: Listen { address, ..Listen::default() },
            database: Database::at(format!("sqlite://{}", folder.join("signet.db").display())),
            passwords: Passwords::default(),
            sign_in: SignIn::default(),
            sign_up: SignUp::default(),
            rate_limits: RateLimits::default(),
            tokens: Tokens::default(),
            sessions: Sessions::default(),
            flows: Flows::default(),
            keys: Keys::default(),
            outbound: Outbound::default().with_loopback(),
            deliveries: Deliveries::default(),
            events: Events::default(),
            redis: Redis::default(),
            audit: Audit::default(),
            log: Log::default(),
            management: Management::default(),
            traces: Traces::default(),
        })
    }

    /// What is wrong with the values, each section on its own and all together. [`Config::load`] has done this.
    pub fn validate(&self) -> Vec<Fault> {
        let mut faults = whole(Some(&self.issuer), &self.tokens, &self.keys);
        faults.extend(Fault::within("listen", self.listen.validate()));
        faults.extend(Fault::within("database", self.database.validate()));
        faults.extend(Fault::within("passwords", self.passwords.validate()));
        faults.extend(Fault::within("sign_in", self.sign_in.validate()));
        faults.extend(Fault::within("sign_up", self.sign_up.validate()));
        faults.extend(Fault::within("rate_limits", self.rate_limits.validate()));
        faults.extend(Fault::within("tokens", self.tokens.validate()));
        faults.extend(Fault::within("sessions", self.sessions.validate()));
        faults.extend(Fault::within("flows", self.flows.validate()));
        faults.extend(Fault::within("keys", self.keys.validate()));
        faults.extend(Fault::within("outbound", self.outbound.validate()));
        faults.extend(Fault::within("deliveries", self.deliveries.validate()));
        faults.extend(Fault::within("events", self.events.validate()));
        faults.extend(Fault::within("redis", self.redis.validate()));
        faults.extend(Fault::within("audit", self.audit.validate()));
        faults.extend(Fault::within("log", self.log.validate()));
        faults.extend(Fault::within("management", self.management.validate()));
        faults.extend(Fault::within("traces", self.traces.validate()));
        faults
    }

    /// `None` when a required value is missing or unreadable, which `reader` has noted then.
    fn read(reader: &mut Reader) -> Option<Self> {
        let mut top = reader.section("", "");
        let issuer = top.required(
            "issuer",
            "https://id.example.com",
            "Base URL of the installation and `iss` of the default tenant's tokens: https, without a path or a \
             trailing slash. Plain http only on a loopback address. It never changes once tokens were issued.",
        );
        let key_encryption_key = top.secret(
            "key_encryption_key",
            "Seals private keys in the database: 32 random bytes in base64, as `openssl rand -base64 32` makes them.",
        );
        let listen = reader.checked("listen", listen::ABOUT, Listen::read, Listen::validate);
        let database = reader.checked("database", database::ABOUT, Database::read, |database: &Option<Database>| {
            database.as_ref().map(Database::validate).unwrap_or_default()
        });
        let passwords = reader.checked("passwords", passwords::ABOUT, Passwords::read, Passwords::validate);
        let sign_in = reader.checked("sign_in", sign_in::ABOUT, SignIn::read, SignIn::validate);
        let sign_up = reader.checked("sign_up", sign_up::ABOUT, SignUp::read, SignUp::validate);
        let rate_limits = reader.checked("rate_limits", rate_limits::ABOUT, RateLimits::read, RateLimits::validate);
        let tokens = reader.checked("tokens", tokens::ABOUT, Tokens::read, Tokens::validate);
        let sessions = reader.checked("sessions", sessions::ABOUT, Sessions::read, Sessions::validate);
        let flows = reader.checked("flows", flows::ABOUT, Flows::read, Flows::validate);
        let keys = reader.checked("keys", keys::ABOUT, Keys::read, Keys::validate);
        let outbound = reader.checked("outbound", outbound::ABOUT, Outbound::read, Outbound::validate);
        let deliveries = reader.checked("deliveries", deliveries::ABOUT, Deliveries::read, Deliveries::validate);
        let events = reader.checked("events", events::ABOUT, Events::read, Events::validate);
        let redis = reader.checked("redis", redis::ABOUT, Redis::read, Redis::validate);
        let audit = reader.checked("audit", audit::ABOUT, Audit::read, Audit::validate);
        let log = reader.checked("log", log::ABOUT, Log::read, Log::validate);
        let management = reader.checked("management", management::ABOUT, Management::read, Management::validate);
        let traces = reader.checked("traces", traces::ABOUT, Traces::read, Traces::validate);
        for fault in whole(issuer.as_ref(), &tokens, &keys) {
            reader.fault(&fault);
        }
        Some(Self {
            issuer: issuer?,
            key_encryption_key: key_encryption_key?,
            listen,
            database: database?,
            passwords,
            sign_in,
            sign_up,
            rate_limits,
            tokens,
            sessions,
            flows,
            keys,
            outbound,
            deliveries,
            events,
            redis,
            audit,
            log,
            management,
            traces,
        })
    }
}

/// What is wrong with values of several sections together.
fn whole(issuer: Option<&Issuer>, tokens: &Tokens, keys: &Keys) -> Vec<Fault> {
    let mut faults = Vec::new();
    if issuer.is_some_and(|issuer| !issuer.path().is_empty()) {
        faults.push(Fault::new("issuer", "must have no path: Signet needs a host name or a port of its own"));
    }
    if keys.staging_time <= tokens.jwks_max_age {
        faults.push(Fault::new(
            "keys.staging_time",
            "must be longer than tokens.jwks_max_age, or a key would sign before all clients have seen it",
        ));
    }
    if keys.retiring_time <= tokens.longest() {
        faults.push(Fault::new(
            "keys.retiring_time",
            "must be longer than the lifetime of any token, or a token would outlive its key",
        ));
    }
    faults
}
