//! Why nothing was fetched, for whoever registered the address, for the log and for spans.

use thiserror::Error;

/// Why nothing was fetched. Each text says what to do; what a library said is in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum OutboundError {
    /// Not a URL that is fetched.
    #[error("the address must be an https URL with a host and without user name, of at most 2,048 characters")]
    Url,
    /// Plain http where it isn't allowed.
    #[error("the address must be https; plain http is for the networks in outbound.allowed_networks only")]
    PlainHttp,
    /// Not a public address.
    #[error(
        "the address leads into a network that isn't public; the operator can allow it in outbound.allowed_networks"
    )]
    NotPublic,
    /// The name has no address.
    #[error("the host name can't be resolved; check its spelling and its DNS records")]
    Unresolvable,
    /// Nothing answers.
    #[error("nothing answers at the address; check that the server runs and can be reached from here")]
    Unreachable,
    /// TLS fails.
    #[error(
        "TLS fails at the address; its certificate must be valid for the host name and come from an authority that is trusted here (outbound.ca_file adds one)"
    )]
    Tls,
    /// Not HTTP.
    #[error("what answers at the address doesn't speak HTTP/1.1 as it should")]
    Protocol,
    /// It takes too long.
    #[error("the answer takes too long; it must be there within the time of outbound.total_timeout")]
    Slow,
    /// The host has as many requests of ours as it gets, and none of them ends.
    #[error("the host of the address is slow, and too many requests to it are under way; try again in a moment")]
    Busy,
    /// A redirect.
    #[error("the address answers with a redirect, and none is followed; register the address that it leads to")]
    Redirect,
    /// Another status than 200.
    #[error("the address answers with status {0}; it must be 200")]
    Status(u16),
    /// Another status than those that say that a message was taken.
    #[error("the address answers with status {0}; it must be 200 or another of 2xx")]
    NotTaken(u16),
    /// Too long an answer.
    #[error("the answer is longer than {0} bytes")]
    TooLarge(usize),
    /// The address failed a moment ago.
    #[error("the address failed a moment ago and isn't asked again yet")]
    JustFailed,
}

impl OutboundError {
    /// Which it is, in a word.
    pub(super) const fn kind(self) -> &'static str {
        match self {
            Self::Url | Self::PlainHttp | Self::NotPublic => "refused",
            Self::Unresolvable => "unresolvable",
            Self::Unreachable => "unreachable",
            Self::Tls => "tls",
            Self::Protocol => "protocol",
            Self::Slow => "timeout",
            Self::Busy => "busy",
            Self::Redirect | Self::Status(_) | Self::NotTaken(_) => "status",
            Self::TooLarge(_) => "too_large",
            Self::JustFailed => "just_failed",
        }
    }
}
