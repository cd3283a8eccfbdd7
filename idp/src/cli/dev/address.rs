//! Where the development mode listens. The port is part of the issuer, which never changes: what was begun at one
//! address goes on there.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use url::{Host, Url};

use super::folder::Folder;
use crate::cli::exit::{CliError, Exit};
use crate::config::{Config, Listen};
use crate::domain::tenant::Issuer;
use crate::http::server::{Server, ServerError};

/// Where one listens who says nothing.
const USUAL: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// What is bound, and what it is called.
pub(in crate::cli) struct Stored {
    /// The bound socket.
    pub(in crate::cli) server: Server,
    /// The issuer at that address.
    pub(in crate::cli) issuer: Issuer,
    /// The configuration for it.
    pub(in crate::cli) config: Config,
}

/// Binds the address that is asked for, or the one where the folder's data were begun. Port 0 takes a free one the
/// first time and the same one later.
pub(in crate::cli) fn choose(
    folder: &Folder,
    begun: Option<&Issuer>,
    asked: Option<SocketAddr>,
    env: &[(String, String)],
) -> Result<Stored, CliError> {
    let address = match begun {
        Some(issuer) => same_as_begun(folder, issuer, asked)?,
        None => asked.unwrap_or(USUAL),
    };
    let config = folder.load(&issuer_at(address)?, &address.to_string(), env.iter().cloned())?;
    let server = bind(folder, &config.listen, begun)?;
    let Some(bound) = server.local_addr() else { return Err(CliError::new(Exit::Failed, "nothing is bound")) };
    let issuer = issuer_at(bound)?;
    let config = folder.load(&issuer, &bound.to_string(), env.iter().cloned())?;
    Ok(Stored { server, issuer, config })
}

fn same_as_begun(folder: &Folder, issuer: &Issuer, asked: Option<SocketAddr>) -> Result<SocketAddr, CliError> {
    let begun = of(issuer).and_then(|address| address.parse::<SocketAddr>().ok()).ok_or_else(|| {
        let path = folder.facts_path();
        CliError::new(Exit::Failed, format!("{} has the issuer {issuer}, which isn't a local address", path.display()))
    })?;
    match asked {
        Some(asked) if asked != begun && asked != SocketAddr::new(begun.ip(), 0) => Err(CliError::new(
            Exit::Refused,
            format!(
                "the data of {} were begun at {issuer}, which is in every token and so can't become http://{asked}. Say \
                 --listen {begun} or leave it out; for a new beginning give another folder with --data",
                folder.path().display()
            ),
        )),
        Some(_) | None => Ok(begun),
    }
}

fn bind(folder: &Folder, listen: &Listen, begun: Option<&Issuer>) -> Result<Server, CliError> {
    Server::bind(listen).map_err(|error| match error {
        ServerError::Bind { address, source } => {
            let next = match begun {
                Some(_) => format!(
                    "the data of {} belong to this address: end what uses it, or give another folder with --data",
                    folder.path().display()
                ),
                None => "end what uses it, or say --listen 127.0.0.1:0 to take a free port".to_owned(),
            };
            CliError::new(Exit::Unavailable, format!("can't listen on {address} ({source}): {next}"))
        }
        other => other.into(),
    })
}

/// The issuer of an address: without the port where it is the usual one of http.
fn issuer_at(address: SocketAddr) -> Result<Issuer, CliError> {
    let url = Url::parse(&format!("http://{address}")).ok();
    let issuer = url.and_then(|url| url.as_str().trim_end_matches('/').parse().ok());
    issuer.ok_or_else(|| {
        CliError::usage(format!(
            "the development mode speaks plain HTTP, which others could read on {address}: --listen takes 127.0.0.1:PORT \
             or [::1]:PORT. For other addresses make a configuration"
        ))
    })
}

/// The address of an issuer.
pub(super) fn of(issuer: &Issuer) -> Option<String> {
    let url = Url::parse(issuer.as_str()).ok()?;
    let ip = match url.host()? {
        Host::Ipv4(ip) => IpAddr::V4(ip),
        Host::Ipv6(ip) => IpAddr::V6(ip),
        Host::Domain(_) => return None,
    };
    Some(SocketAddr::new(ip, url.port_or_known_default()?).to_string())
}
