//! JOSE as a library does it that isn't ours, and tokens that no library would make.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use josekit::jwk::alg::ec::{EcCurve, EcKeyPair};
use josekit::jwk::alg::ed::EdKeyPair;
use josekit::jwk::alg::rsa::RsaKeyPair;
use josekit::jwk::{Jwk, KeyPair};
use josekit::jws::{self, ES256, ES384, EdDSA, HS256, JwsSigner, JwsVerifier, PS256, PS512, RS256, RS512};
use serde_json::Value;

/// A test key of that name, private half and all, with that `kid`.
pub(crate) fn private_key(name: &str, kid: &str) -> Jwk {
    let path = format!("{}/../keys/tests/data/{name}.pem", env!("CARGO_MANIFEST_DIR"));
    let pem = std::fs::read(path).unwrap();
    let mut jwk = match name {
        "p256" => EcKeyPair::from_pem(pem, Some(EcCurve::P256)).unwrap().to_jwk_key_pair(),
        "p384" => EcKeyPair::from_pem(pem, Some(EcCurve::P384)).unwrap().to_jwk_key_pair(),
        "ed25519" => EdKeyPair::from_pem(pem).unwrap().to_jwk_key_pair(),
        _ => RsaKeyPair::from_pem(pem).unwrap().to_jwk_key_pair(),
    };
    jwk.set_key_id(kid);
    jwk
}

/// The public half, as a client registers it.
pub(crate) fn public(jwk: &Jwk, alg: Option<&str>) -> Value {
    let mut public = jwk.to_public_key().unwrap();
    public.set_key_id(jwk.key_id().unwrap());
    if let Some(alg) = alg {
        public.set_algorithm(alg);
    }
    serde_json::to_value(public.as_ref()).unwrap()
}

fn signer(alg: &str, jwk: &Jwk) -> Box<dyn JwsSigner> {
    match alg {
        "RS256" => Box::new(RS256.signer_from_jwk(jwk).unwrap()),
        "RS512" => Box::new(RS512.signer_from_jwk(jwk).unwrap()),
        "PS256" => Box::new(PS256.signer_from_jwk(jwk).unwrap()),
        "PS512" => Box::new(PS512.signer_from_jwk(jwk).unwrap()),
        "ES256" => Box::new(ES256.signer_from_jwk(jwk).unwrap()),
        "ES384" => Box::new(ES384.signer_from_jwk(jwk).unwrap()),
        "EdDSA" => Box::new(EdDSA.signer_from_jwk(jwk).unwrap()),
        other => panic!("nobody signs with {other}"),
    }
}

fn verifier(alg: &str, jwk: &Jwk) -> Box<dyn JwsVerifier> {
    match alg {
        "RS256" => Box::new(RS256.verifier_from_jwk(jwk).unwrap()),
        "PS256" => Box::new(PS256.verifier_from_jwk(jwk).unwrap()),
        "ES256" => Box::new(ES256.verifier_from_jwk(jwk).unwrap()),
        "ES384" => Box::new(ES384.verifier_from_jwk(jwk).unwrap()),
        "EdDSA" => Box::new(EdDSA.verifier_from_jwk(jwk).unwrap()),
        other => panic!("nobody verifies {other}"),
    }
}

/// base64url without padding.
pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A token with any header and any payload, signed with `alg` whatever the header says.
pub(crate) fn sign(alg: &str, jwk: &Jwk, header: &str, payload: &str) -> String {
    let message = format!("{}.{}", encode(header), encode(payload));
    let signature = signer(alg, jwk).sign(message.as_bytes()).unwrap();
    format!("{message}.{}", encode(signature))
}

/// The same with HMAC-SHA-256 and any secret.
pub(crate) fn sign_hs256(secret: &[u8], header: &str, payload: &str) -> String {
    let message = format!("{}.{}", encode(header), encode(payload));
    let signature = HS256.signer_from_bytes(secret).unwrap().sign(message.as_bytes()).unwrap();
    format!("{message}.{}", encode(signature))
}

/// The header of a token.
pub(crate) fn header(token: &str) -> Value {
    let header = token.split('.').next().unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap()
}

/// Verifies a token of ours with the key that its `kid` names in a JWKS, and gives its claims. `Err` if there is no such
/// key.
pub(crate) fn verify(token: &str, jwks: &Value) -> Result<Value, String> {
    let header = header(token);
    let (alg, kid) = (header["alg"].as_str().unwrap(), header["kid"].as_str().unwrap());
    let keys = jwks["keys"].as_array().unwrap();
    let key = keys.iter().find(|key| key["kid"] == kid).ok_or_else(|| format!("no key {kid}"))?;
    assert_eq!(key["alg"], alg);
    let jwk = Jwk::from_map(key.as_object().unwrap().clone()).unwrap();
    let (payload, _) = jws::deserialize_compact(token, verifier(alg, &jwk).as_ref()).map_err(|e| e.to_string())?;
    Ok(serde_json::from_slice(&payload).unwrap())
}
