//! A Signet server with its demo facts: what a load needs to know to use it.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use hyper::StatusCode;
use serde::Deserialize;

use crate::{
    bench::Bench,
    browser::Browser,
    client::Answer,
    error::BenchError,
    relying_party::RelyingParty,
    server::{self, Server},
};

/// The path that answers 200 as soon as the server serves.
pub(crate) const READY: &str = "/health/ready";

/// What `signet serve --dev` writes into `dev.json`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct DevFacts {
    issuer: String,
    user: UserFacts,
    browser_client: ClientFacts,
    service_client: ClientFacts,
}

/// A person.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct UserFacts {
    /// E-mail address.
    pub(crate) email: String,
    /// Password.
    pub(crate) password: String,
}

/// A client.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ClientFacts {
    /// Client identifier.
    pub(crate) client_id: String,
    /// Client secret.
    pub(crate) client_secret: String,
    /// Where codes may be sent.
    #[serde(default)]
    redirect_uris: Vec<String>,
}

/// Paths of the endpoints, from the discovery document.
#[derive(Clone, Debug)]
pub(crate) struct Endpoints {
    /// Authorization endpoint.
    pub(crate) authorization: String,
    /// Token endpoint.
    pub(crate) token: String,
    /// Userinfo endpoint.
    pub(crate) userinfo: String,
    /// Introspection endpoint.
    pub(crate) introspection: String,
    /// Revocation endpoint.
    pub(crate) revocation: String,
    /// The server's public keys.
    pub(crate) jwks: String,
    /// The discovery document itself.
    pub(crate) discovery: String,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    userinfo_endpoint: String,
    introspection_endpoint: String,
    revocation_endpoint: String,
    jwks_uri: String,
}

/// A running Signet.
#[derive(Debug)]
pub(crate) struct Site {
    server: Server,
    binary: PathBuf,
    folder: PathBuf,
    facts: DevFacts,
    endpoints: Endpoints,
}

impl Site {
    /// Starts Signet in this data folder, on the server's core, and reads what it says of itself; tells how long
    /// it took to be ready. In a folder that was used before it gets the same address again.
    pub(crate) async fn start(bench: &Bench, folder: &Path) -> Result<(Self, Duration), BenchError> {
        Self::start_on(bench, folder, None).await
    }

    /// The same with another database than the file in the folder.
    pub(crate) async fn start_on(
        bench: &Bench,
        folder: &Path,
        database_url: Option<&str>,
    ) -> Result<(Self, Duration), BenchError> {
        let known = read_facts(folder).ok().and_then(|facts| facts.issuer.strip_prefix("http://")?.parse().ok());
        let address = known.map_or_else(server::free_address, Ok)?;
        let binary = bench.server_binary();
        let mut command = bench.pinning().server_command(binary);
        command.args(["serve", "--dev", "--listen", &address.to_string(), "--data"]).arg(folder);
        command.args(database_url.into_iter().flat_map(|url| ["--database-url", url]));
        let log = bench.folder().join("signet.log");
        let (server, time) = Server::start(command, address, READY, &log).await?;
        let facts = read_facts(folder)?;
        let endpoints = Endpoints::discover(&server, &facts.issuer, "").await?;
        Ok((Self { server, binary: binary.to_owned(), folder: folder.to_owned(), facts, endpoints }, time))
    }

    /// Starts another node of the same installation, on the load's core.
    pub(crate) async fn another_node(&self, bench: &Bench, database_url: &str) -> Result<Server, BenchError> {
        let address = server::free_address()?;
        let mut command = Command::new(&self.binary);
        command
            .arg("serve")
            .env("SIGNET_ISSUER", &self.facts.issuer)
            .env("SIGNET_KEY_ENCRYPTION_KEY_FILE", self.folder.join("key-encryption-key"))
            .env("SIGNET_DATABASE__URL", database_url)
            .env("SIGNET_LISTEN__ADDRESS", address.to_string());
        let (server, _) = Server::start(command, address, READY, &bench.folder().join("another.log")).await?;
        Ok(server)
    }

    /// The process.
    pub(crate) const fn server(&self) -> &Server {
        &self.server
    }

    /// Paths of its endpoints.
    pub(crate) const fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// The demo service client.
    pub(crate) const fn service_client(&self) -> &ClientFacts {
        &self.facts.service_client
    }

    /// A browser that is new to it.
    pub(crate) fn browser(&self) -> Browser {
        Browser::new(self.server.address())
    }

    /// The demo user.
    pub(crate) const fn user(&self) -> &UserFacts {
        &self.facts.user
    }

    /// The demo browser client.
    pub(crate) const fn browser_client(&self) -> &ClientFacts {
        &self.facts.browser_client
    }

    /// The demo user at the demo browser client, or at another client that has the same redirect URIs.
    pub(crate) fn relying_party(&self, client: Option<ClientFacts>) -> Result<RelyingParty, BenchError> {
        let redirect_uri = self.redirect_uri()?.to_owned();
        Ok(RelyingParty {
            endpoints: self.endpoints.clone(),
            client: client.unwrap_or_else(|| self.facts.browser_client.clone()),
            redirect_uri,
            user: self.facts.user.clone(),
            scope: "openid profile email",
        })
    }

    /// The demo user's namesake in a new tenant, at this client there.
    pub(crate) async fn relying_party_in(&self, slug: &str, client: &[&str]) -> Result<RelyingParty, BenchError> {
        self.signet(&["tenant", "create", slug], "")?;
        let UserFacts { email, password } = &self.facts.user;
        self.signet(&["user", "create", "--email", email, "--password-stdin", "--tenant", slug], password)?;
        let client = self.create_client(&[client, &["--tenant", slug]].concat())?;
        let endpoints = Endpoints::discover(&self.server, &self.facts.issuer, &format!("/t/{slug}")).await?;
        Ok(RelyingParty { endpoints, ..self.relying_party(Some(client))? })
    }

    /// The demo browser client's redirect URI.
    pub(crate) fn redirect_uri(&self) -> Result<&str, BenchError> {
        self.facts
            .browser_client
            .redirect_uris
            .first()
            .map(String::as_str)
            .ok_or_else(|| BenchError::Setup("dev.json: the browser client has no redirect URI".into()))
    }

    /// Makes a client by the command line: `signet client create` with these arguments.
    pub(crate) fn create_client(&self, arguments: &[&str]) -> Result<ClientFacts, BenchError> {
        let output = self.signet(&[&["client", "create"], arguments].concat(), "")?;
        serde_json::from_slice(&output).map_err(|error| BenchError::Setup(format!("`signet client create`: {error}")))
    }

    /// Runs the command line on the same data, with this on its standard input, and gives what it prints.
    pub(crate) fn signet(&self, arguments: &[&str], input: &str) -> Result<Vec<u8>, BenchError> {
        let said = || format!("`signet {}`", arguments.join(" "));
        let mut child = Command::new(&self.binary)
            .args(arguments)
            .args(["--format", "json", "--data"])
            .arg(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(BenchError::io(said()))?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.as_bytes()).map_err(BenchError::io(said()))?;
        }
        let output = child.wait_with_output().map_err(BenchError::io(said()))?;
        if !output.status.success() {
            let error = String::from_utf8_lossy(&output.stderr).trim().replace('\n', " ");
            return Err(BenchError::Setup(format!("{}: {error}", said())));
        }
        Ok(output.stdout)
    }

    /// Stops it and waits for its end.
    pub(crate) async fn stop(self) -> Result<(), BenchError> {
        self.server.stop().await
    }
}

impl Endpoints {
    /// Reads the discovery document (OIDC Discovery §4) of the tenant at this path.
    async fn discover(server: &Server, base_url: &str, tenant: &str) -> Result<Self, BenchError> {
        let discovery = format!("{tenant}/.well-known/openid-configuration");
        let answer = Browser::new(server.address()).open("discovery", &discovery).await?;
        let document: Discovery = parse_discovery(answer)?;
        let issuer = format!("{base_url}{tenant}");
        if document.issuer != issuer {
            let other = document.issuer;
            return Err(BenchError::Setup(format!("discovery says `{other}`, dev.json says `{issuer}`")));
        }
        let path = |address: String| {
            address
                .strip_prefix(base_url)
                .map(str::to_owned)
                .ok_or_else(|| BenchError::Setup(format!("`{address}` isn't below `{base_url}`")))
        };
        Ok(Self {
            authorization: path(document.authorization_endpoint)?,
            token: path(document.token_endpoint)?,
            userinfo: path(document.userinfo_endpoint)?,
            introspection: path(document.introspection_endpoint)?,
            revocation: path(document.revocation_endpoint)?,
            jwks: path(document.jwks_uri)?,
            discovery,
        })
    }
}

fn parse_discovery(answer: Answer) -> Result<Discovery, BenchError> {
    let answer = answer.expect("discovery", StatusCode::OK)?;
    serde_json::from_slice(&answer.body).map_err(|error| BenchError::Setup(format!("discovery: {error}")))
}

fn read_facts(folder: &Path) -> Result<DevFacts, BenchError> {
    let path = folder.join("dev.json");
    let text = fs::read_to_string(&path).map_err(BenchError::io(format!("{}", path.display())))?;
    serde_json::from_str(&text).map_err(|error| BenchError::Setup(format!("{}: {error}", path.display())))
}
