//! The limits that figures are compared with: what one core does when it does nothing else.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use clap::ValueEnum;
use openssl::{
    ec::{EcGroup, EcKey},
    md::Md,
    nid::Nid,
    pkey::PKey,
    pkey_ctx::PkeyCtx,
    rsa::{Padding, Rsa},
    sha::sha256,
    sign::Signer,
};

use crate::{
    bench::Bench,
    error::BenchError,
    load::Latencies,
    process,
    report::Row,
    same_request::SameRequest,
    server::{self, Server},
};

/// About what the signing input of an access token weighs, in bytes.
const SIGNING_INPUT: [u8; 600] = [b'a'; 600];
/// Before a limit counts: the processor reaches its speed.
const WARM_UP: Duration = Duration::from_millis(300);
/// A key of 2048 bits, as ID tokens are signed with.
const RSA_BITS: u32 = 2048;
/// Memory of one password hash, in KiB; passes; lanes: what Signet hashes passwords with.
const ARGON2: (u32, u32, u32) = (19 * 1024, 2, 1);

/// What one core can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Limit {
    /// RSA-2048 signatures, PKCS #1 with SHA-256 (RS256).
    Rsa,
    /// P-256 signatures with SHA-256 (ES256).
    Es256,
    /// Ed25519 signatures (`EdDSA`).
    EdDsa,
    /// Password hashes, argon2id with 19 MiB, two passes, one lane.
    Argon2,
    /// Requests to a bare poem server.
    Hello,
}

impl Limit {
    /// What the table calls it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Rsa => "RSA-2048 signatures",
            Self::Es256 => "ES256 signatures",
            Self::EdDsa => "EdDSA signatures",
            Self::Argon2 => "argon2id hashes",
            Self::Hello => "poem hello",
        }
    }

    /// Measures it on the server's core, in a process of its own.
    pub(crate) async fn measure(self, bench: &Bench) -> Result<Row, BenchError> {
        if self == Self::Hello { measure_hello(bench).await } else { measure_in_child(self, bench) }
    }
}

/// Measures a limit here and now, and prints its row as JSON.
pub(crate) fn print(limit: Limit, window: Duration) -> Result<(), BenchError> {
    let row = match limit {
        Limit::Rsa => {
            let key = PKey::from_rsa(Rsa::generate(RSA_BITS)?)?;
            let mut context = PkeyCtx::new(&key)?;
            context.sign_init()?;
            context.set_rsa_padding(Padding::PKCS1)?;
            context.set_signature_md(Md::sha256())?;
            let mut signature = vec![0; key.size()];
            repeat(limit.name(), window, || Ok(context.sign(&sha256(&SIGNING_INPUT), Some(&mut signature))?))
        }
        Limit::Es256 => {
            let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
            let key = PKey::from_ec_key(EcKey::generate(&group)?)?;
            let mut context = PkeyCtx::new(&key)?;
            context.sign_init()?;
            let mut signature = vec![0; key.size()];
            repeat(limit.name(), window, || Ok(context.sign(&sha256(&SIGNING_INPUT), Some(&mut signature))?))
        }
        Limit::EdDsa => {
            let key = PKey::generate_ed25519()?;
            let mut signature = vec![0; key.size()];
            repeat(limit.name(), window, || {
                Ok(Signer::new_without_digest(&key)?.sign_oneshot(&mut signature, &SIGNING_INPUT)?)
            })
        }
        Limit::Argon2 => {
            let failed = |error: argon2::Error| BenchError::Setup(format!("argon2: {error}"));
            let (memory, passes, lanes) = ARGON2;
            let parameters = Params::new(memory, passes, lanes, None).map_err(failed)?;
            let mut blocks = vec![Block::default(); parameters.block_count()];
            let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters);
            let mut hash = [0; 32];
            repeat(limit.name(), window, || {
                argon2
                    .hash_password_into_with_memory(b"correct horse", b"battery staple", &mut hash, &mut blocks)
                    .map_err(failed)
            })
        }
        Limit::Hello => Err(BenchError::Setup("the hello server is measured over the network".into())),
    }?;
    println!("{}", serde_json::to_string(&row).map_err(|error| BenchError::Setup(error.to_string()))?);
    Ok(())
}

/// Does the work again and again on this thread.
fn repeat<T>(name: &str, window: Duration, mut work: impl FnMut() -> Result<T, BenchError>) -> Result<Row, BenchError> {
    let warm = Instant::now();
    while warm.elapsed() < WARM_UP {
        work()?;
    }
    let pid = std::process::id();
    let cpu = || process::cpu_time(pid).map_err(BenchError::io("processor time"));
    let mut latencies = Latencies::new()?;
    let (begin, cpu_before) = (Instant::now(), cpu()?);
    let mut started = begin;
    while started - begin < window {
        work()?;
        let finished = Instant::now();
        latencies.record(finished - started);
        started = finished;
    }
    let (elapsed, used) = (started - begin, cpu()?.saturating_sub(cpu_before));
    let count = latencies.count();
    Ok(Row::new("limit", name)
        .latencies(&latencies)
        .throughput(count / elapsed.as_secs_f64())
        .processor(Some(used.as_secs_f64() / elapsed.as_secs_f64()), Some(used.as_secs_f64() / count * 1000.0))
        .memory(process::memory(pid).ok()))
}

/// Lets this binary measure the limit on the server's core.
fn measure_in_child(limit: Limit, bench: &Bench) -> Result<Row, BenchError> {
    let name = limit.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
    let output = bench
        .pinning()
        .server_command(this_binary()?)
        .args(["limit", &name, "--seconds", &bench.timing().window.as_secs_f64().to_string()])
        .stderr(Stdio::inherit())
        .output()
        .map_err(BenchError::io("this binary as a child"))?;
    serde_json::from_slice(&output.stdout)
        .map_err(|error| BenchError::Setup(format!("the limit `{name}` ({}): {error}", output.status)))
}

/// Starts this binary as a hello server and drives it like the real one.
async fn measure_hello(bench: &Bench) -> Result<Row, BenchError> {
    let address = server::free_address()?;
    let mut command = bench.pinning().server_command(this_binary()?);
    command.args(["hello", "--port", &address.port().to_string()]);
    let (server, _) = Server::start(command, address, "/", &bench.folder().join("hello.log")).await?;
    let hello = SameRequest::get(address, "hello", "/");
    bench.drive(Row::new("limit", Limit::Hello.name()), &server, || hello.again()).await
}

fn this_binary() -> Result<std::path::PathBuf, BenchError> {
    std::env::current_exe().map_err(BenchError::io("the path of this binary"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn a_limit_counts_each_piece_of_work_of_its_window() {
        let mut done = 0_u32;
        let row = repeat("sleep", Duration::from_millis(50), || {
            done += 1;
            std::thread::sleep(Duration::from_millis(1));
            Ok(())
        })
        .unwrap();
        assert!(row.per_second.unwrap() > 1.0 && row.per_second.unwrap() <= 1000.0);
        assert!(row.p50_ms.unwrap() >= 1.0);
        assert!(done > 1);
    }
}
