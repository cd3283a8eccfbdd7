//! `[management]`: a port of its own for health and metrics.

use std::net::SocketAddr;

use super::errors::Fault;
use super::reader::Section;
use crate::domain::Secret;

pub(super) const ABOUT: &str = "A port of its own, by plain HTTP, for whoever watches over Signet: `/metrics`, and `/health` \
    with what is wrong. Neither is on the public port.";

/// A port of its own for health and metrics.
#[derive(Clone, Debug, Default)]
pub struct Management {
    /// Address and port; without it there is none.
    pub address: Option<SocketAddr>,
    /// What whoever asks has to present.
    pub token: Option<Secret>,
}

impl Management {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self {
            address: section.optional(
                "address",
                "127.0.0.1:9090",
                "IP address and port. An address that others reach needs `token`.",
            ),
            token: section.optional_secret(
                "token",
                "sixteen characters or more",
                "At least 16 characters that whoever asks presents (`Authorization: Bearer …`); without them `/metrics` is \
                 refused and `/health` says no more than on the public port.",
            ),
        }
    }

    /// What is wrong with these values. None of the texts has the token in it.
    pub fn validate(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if let (Some(address), None) = (self.address, &self.token)
            && !address.ip().to_canonical().is_loopback()
        {
            faults.push(Fault::new(
                "address",
                format!("is {address}, which others reach: give token, or listen on a loopback address"),
            ));
        }
        if self.token.as_ref().is_some_and(|token| token.expose().len() < 16) {
            faults.push(Fault::new("token", "must have 16 characters or more"));
        }
        faults
    }
}
