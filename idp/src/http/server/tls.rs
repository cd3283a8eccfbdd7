//! TLS by OpenSSL: the certificate and its key, taken up again when their files change.

use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use openssl::sha::Sha256;
use openssl::ssl::{AlpnError, Ssl, SslAcceptor, SslContext, SslMethod, select_next_proto};
use openssl::x509::X509;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::signal::unix::{SignalKind, signal};
use tokio_openssl::SslStream;
use zeroize::Zeroizing;

/// Protocols of ALPN (RFC 7301), the preferred first, each after its length.
const PROTOCOLS: &[u8] = b"\x02h2\x08http/1.1";

/// Why a certificate can't be used.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file can't be read.
    #[error("{path} can't be read: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No certificate in PEM.
    #[error("{path} holds no certificate in PEM that can be used: {source}")]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What OpenSSL said; nothing when it found no certificate at all.
        source: ErrorStack,
    },
    /// No private key in PEM, or an encrypted one.
    #[error("{path} holds no unencrypted private key in PEM: {source}")]
    Key {
        /// The file.
        path: PathBuf,
        /// What OpenSSL said.
        source: ErrorStack,
    },
    /// The key is another certificate's, or OpenSSL refuses the pair.
    #[error("the private key in {key} doesn't belong to the certificate in {certificate}: {source}")]
    Pair {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What OpenSSL said.
        source: ErrorStack,
    },
}

/// What new connections are encrypted with.
pub(super) struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    current: ArcSwap<Loaded>,
}

/// What was read from both files.
struct Loaded {
    context: SslContext,
    digest: [u8; 32],
}

impl Tls {
    /// Reads both files.
    pub(super) fn load(certificate: PathBuf, key: PathBuf) -> Result<Self, TlsError> {
        let files = Files::read(&certificate, &key)?;
        let loaded = Loaded { context: files.context(&certificate, &key)?, digest: files.digest };
        Ok(Self { certificate, key, current: ArcSwap::from_pointee(loaded) })
    }

    /// Shakes hands with a client.
    pub(super) async fn accept(&self, stream: TcpStream) -> Result<SslStream<TcpStream>, openssl::ssl::Error> {
        let ssl = Ssl::new(&self.current.load().context)?;
        let mut stream = SslStream::new(ssl, stream)?;
        Pin::new(&mut stream).accept().await?;
        Ok(stream)
    }

    /// Looks at both files every `interval`, and at once on SIGHUP, for ever. Open connections stay as they are; a pair
    /// that can't be used is reported once, and the former one stays.
    pub(super) async fn reload_when_changed(self: Arc<Self>, interval: Duration) {
        let mut hangup = signal(SignalKind::hangup()).ok();
        let mut seen = self.current.load().digest;
        loop {
            tokio::select! {
                () = tokio::time::sleep(interval) => {}
                Some(()) = async { hangup.as_mut()?.recv().await } => {}
            }
            let (tls, before) = (Arc::clone(&self), seen);
            let looked = tokio::task::spawn_blocking(move || tls.look(before)).await;
            if let Ok(Some(digest)) = looked {
                seen = digest;
            }
        }
    }

    /// Takes up what the files hold. Returns its digest when it differs from the one `seen` last.
    fn look(&self, seen: [u8; 32]) -> Option<[u8; 32]> {
        let files = match Files::read(&self.certificate, &self.key) {
            Ok(files) => files,
            Err(error) => {
                // The digest of nothing: reported once, until the files are there again.
                let gone = [0; 32];
                if seen != gone {
                    tracing::error!(%error, "the certificate in use stays");
                }
                return Some(gone);
            }
        };
        if files.digest == seen {
            return None;
        }
        match files.context(&self.certificate, &self.key) {
            Ok(context) => {
                self.current.store(Arc::new(Loaded { context, digest: files.digest }));
                tracing::info!(certificate = %self.certificate.display(), "the changed certificate is in use");
            }
            Err(error) => tracing::error!(%error, "the certificate in use stays"),
        }
        Some(files.digest)
    }
}

/// The bytes of both files.
struct Files {
    certificate: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
    digest: [u8; 32],
}

impl Files {
    fn read(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let read = |path: &Path| std::fs::read(path).map_err(|source| TlsError::Read { path: path.to_owned(), source });
        let certificate = read(certificate)?;
        let key = Zeroizing::new(read(key)?);
        let mut digest = Sha256::new();
        for bytes in [certificate.as_slice(), key.as_slice()] {
            digest.update(&bytes.len().to_be_bytes());
            digest.update(bytes);
        }
        Ok(Self { digest: digest.finish(), certificate, key })
    }

    /// Mozilla's intermediate configuration, version 5: TLS 1.2 and 1.3, forward secrecy, authenticated ciphers.
    fn context(&self, certificate: &Path, key: &Path) -> Result<SslContext, TlsError> {
        let chain = self.chain().map_err(|source| TlsError::Certificate { path: certificate.to_owned(), source })?;
        let private = self.private_key().map_err(|source| TlsError::Key { path: key.to_owned(), source })?;
        context(chain, &private).map_err(|source| TlsError::Pair {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            source,
        })
    }

    /// The server's certificate and those that lead from it to a root.
    fn chain(&self) -> Result<(X509, Vec<X509>), ErrorStack> {
        let mut chain = X509::stack_from_pem(&self.certificate)?.into_iter();
        match chain.next() {
            Some(leaf) => Ok((leaf, chain.collect())),
            None => Err(X509::from_pem(&self.certificate).err().unwrap_or_else(ErrorStack::get)),
        }
    }

    /// Without a callback OpenSSL would ask the terminal for an encrypted key's password, and wait.
    fn private_key(&self) -> Result<PKey<Private>, ErrorStack> {
        PKey::private_key_from_pem_callback(&self.key, |_| Err(ErrorStack::get()))
    }
}

fn context((leaf, others): (X509, Vec<X509>), key: &PKey<Private>) -> Result<SslContext, ErrorStack> {
    let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
    builder.set_certificate(&leaf)?;
    for certificate in others {
        builder.add_extra_chain_cert(certificate)?;
    }
    builder.set_private_key(key)?;
    builder.check_private_key()?;
    // A client that names protocols and none of ours is refused (RFC 7301 §3.2); one that names none gets HTTP/1.1.
    builder.set_alpn_select_callback(|_, offered| select_next_proto(PROTOCOLS, offered).ok_or(AlpnError::ALERT_FATAL));
    Ok(builder.build().into_context())
}
