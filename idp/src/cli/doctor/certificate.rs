//! Whether the TLS certificate can be used, and for how long.

use std::path::Path;

use openssl::asn1::Asn1Time;
use openssl::error::ErrorStack;
use openssl::pkey::PKey;
use openssl::x509::X509;

use super::Findings;
use crate::config::Listen;

/// Days before the end from which on one should do something about it.
const SOON: u32 = 14;

/// Looks at the certificate and its key.
pub(super) fn check(listen: &Listen, findings: &mut Findings) {
    let (Some(certificate), Some(key)) = (&listen.tls_certificate, &listen.tls_key) else {
        let proxies = listen.trusted_proxies.len();
        let reached = if proxies == 0 {
            "which only this machine reaches".to_owned()
        } else {
            format!("behind {proxies} declared proxies or ranges")
        };
        return findings.ok("tls", format!("none: plain HTTP on {}, {reached}", listen.address));
    };
    match look_at(certificate, key) {
        Ok(Life { over: true, until, .. }) => {
            findings.fail("tls", format!("the certificate in {} ended at {until}: renew it", certificate.display()));
        }
        Ok(Life { began: false, .. }) => findings
            .fail("tls", format!("the certificate in {} isn't valid yet: is the clock right?", certificate.display())),
        Ok(Life { soon: true, until, .. }) => {
            findings.warn("tls", format!("the certificate in {} ends at {until}: renew it", certificate.display()));
        }
        Ok(Life { until, .. }) => findings.ok("tls", format!("the certificate is good until {until}")),
        Err(problem) => findings.fail("tls", problem),
    }
}

/// When a certificate is valid.
struct Life {
    began: bool,
    soon: bool,
    over: bool,
    until: String,
}

fn look_at(certificate: &Path, key: &Path) -> Result<Life, String> {
    let read = |path: &Path| std::fs::read(path).map_err(|error| format!("{} can't be read: {error}", path.display()));
    let (chain, private) = (read(certificate)?, read(key)?);
    let leaf = X509::from_pem(&chain).map_err(|_| format!("{} holds no certificate in PEM", certificate.display()))?;
    // Without a callback OpenSSL would ask the terminal for the password of an encrypted key.
    let private = PKey::private_key_from_pem_callback(&private, |_| Err(ErrorStack::get()))
        .map_err(|_| format!("{} holds no unencrypted private key in PEM", key.display()))?;
    let matches = leaf.public_key().is_ok_and(|public| public.public_eq(&private));
    if !matches {
        return Err(format!(
            "the key in {} isn't the one of the certificate in {}",
            key.display(),
            certificate.display()
        ));
    }
    life(&leaf).map_err(|_| format!("the dates of the certificate in {} can't be read", certificate.display()))
}

fn life(leaf: &X509) -> Result<Life, ErrorStack> {
    let now = Asn1Time::days_from_now(0)?;
    let soon = Asn1Time::days_from_now(SOON)?;
    let until = leaf.not_after();
    Ok(Life {
        began: leaf.not_before().compare(&now)?.is_le(),
        soon: until.compare(&soon)?.is_lt(),
        over: until.compare(&now)?.is_lt(),
        until: until.to_string(),
    })
}
