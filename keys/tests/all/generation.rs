//! Keys are generated, named and taken up; each is of its algorithm's kind.

use keys::{Algorithm, KeySpec, Kid, PrivateKey, PrivateKeyError, PublicJwk, RsaSize, Signer};
use serde_json::json;

use crate::support::{der, file, jwk, private_key};

#[test]
fn every_kind_of_key_is_generated_and_signs() {
    for spec in [
        KeySpec::Rs256(RsaSize::Bits2048),
        KeySpec::Ps256(RsaSize::Bits3072),
        KeySpec::Es256,
        KeySpec::Es384,
        KeySpec::EdDsa,
    ] {
        let key = PrivateKey::generate(spec).unwrap();
        assert_eq!(key.algorithm(), spec.algorithm());
        let bits = key.public_jwk().key().rsa_bits();
        let expected = match spec {
            KeySpec::Rs256(size) | KeySpec::Ps256(size) => Some(size.bits() as usize),
            KeySpec::Es256 | KeySpec::Es384 | KeySpec::EdDsa => None,
        };
        assert_eq!(bits, expected);
        Signer::new(&key).unwrap();
    }
}

#[test]
fn rsa_keys_come_in_three_sizes_and_curves_in_one() {
    for bits in [2048, 3072, 4096] {
        let spec = KeySpec::new(Algorithm::Rs256, Some(bits)).unwrap();
        assert_eq!(spec, KeySpec::Rs256(RsaSize::from_bits(bits).unwrap()));
        let key = PrivateKey::from_pkcs8(Algorithm::Rs256, &der(&format!("rsa{bits}"))).unwrap();
        assert_eq!(key.public_jwk().key().rsa_bits(), Some(bits as usize));
    }
    assert_eq!(KeySpec::new(Algorithm::Ps256, None).unwrap(), KeySpec::Ps256(RsaSize::Bits2048));
    let error = KeySpec::new(Algorithm::Rs256, Some(1024)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "RS256 keys don't come in 1024 bits: RSA keys have 2048, 3072 or 4096, the others take no size"
    );
    KeySpec::new(Algorithm::Es256, Some(256)).unwrap_err();
}

#[test]
fn a_key_of_the_wrong_kind_is_refused() {
    for (algorithm, name) in [
        (Algorithm::Rs256, "rsa1024"),
        (Algorithm::Rs256, "p256"),
        (Algorithm::Es256, "p384"),
        (Algorithm::Es384, "p256"),
        (Algorithm::EdDsa, "rsa2048"),
        (Algorithm::Ps256, "ed25519"),
    ] {
        let error = PrivateKey::from_pkcs8(algorithm, &der(name)).unwrap_err();
        assert!(matches!(error, PrivateKeyError::WrongKind(wanted) if wanted == algorithm), "{name}: {error}");
    }
    let error = PrivateKey::from_pkcs8(Algorithm::Rs256, b"no key").unwrap_err();
    assert!(matches!(error, PrivateKeyError::NotPkcs8(_)), "{error}");
}

#[test]
fn the_public_jwk_shows_what_relying_parties_need_and_nothing_private() {
    for (algorithm, names) in [
        (Algorithm::Rs256, ["kid", "use", "alg", "kty", "n", "e"].as_slice()),
        (Algorithm::Es256, &["kid", "use", "alg", "kty", "crv", "x", "y"]),
        (Algorithm::EdDsa, &["kid", "use", "alg", "kty", "crv", "x"]),
    ] {
        let jwk = jwk(algorithm);
        assert_eq!(jwk.keys().collect::<Vec<_>>(), names);
        assert_eq!(jwk["use"], "sig");
        assert_eq!(jwk["alg"], algorithm.name());
    }
}

#[test]
fn a_public_jwk_reads_back_equal_and_its_name_is_checked() {
    for algorithm in Algorithm::ALL {
        let ours = private_key(algorithm).public_jwk().clone();
        let text = serde_json::to_string(&ours).unwrap();
        assert_eq!(serde_json::from_str::<PublicJwk>(&text).unwrap(), ours);
        assert_eq!(ours.kid().as_str().parse::<Kid>().unwrap(), *ours.kid());
    }
    for (member, value, says) in [
        ("kid", json!("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"), "the JWK's kid isn't its thumbprint"),
        ("alg", json!("ES256"), "the JWK's algorithm ES256 doesn't go with its key type or curve"),
        ("alg", json!("none"), "the JWK's algorithm \"none\" isn't supported; use RS256, PS256, ES256, ES384 or EdDSA"),
        (
            "d",
            json!("AQAB"),
            "the JWK has the private member \"d\": only public keys may be registered; this key is no longer secret",
        ),
    ] {
        let mut jwk = jwk(Algorithm::Rs256);
        jwk.insert(member.to_owned(), value);
        let error = serde_json::from_value::<PublicJwk>(jwk.into()).unwrap_err();
        assert_eq!(error.to_string(), says);
    }
}

#[test]
fn the_name_doesn_t_depend_on_the_algorithm_or_on_how_the_key_was_written() {
    let rs256 = PrivateKey::from_pkcs8(Algorithm::Rs256, &der("rsa2048")).unwrap();
    let ps256 = PrivateKey::from_pkcs8(Algorithm::Ps256, &der("rsa2048")).unwrap();
    assert_eq!(rs256.kid(), ps256.kid());
    assert_ne!(rs256.public_jwk(), ps256.public_jwk());
}

#[test]
fn debug_output_holds_no_secret() {
    for algorithm in Algorithm::ALL {
        let key = private_key(algorithm);
        let shown = format!("{key:?}");
        assert!(shown.contains(key.kid().as_str()));
        assert!(shown.len() < 120, "{shown}");
        let signer = format!("{:?}", Signer::new(&key).unwrap());
        assert!(signer.len() < 120, "{signer}");
        let private = der(file(algorithm));
        let tail = format!("{:?}", &private[private.len() - 4..]);
        assert!(!shown.contains(tail.trim_matches(['[', ']'])));
    }
}

#[test]
fn no_other_text_is_a_kid() {
    for text in ["", "kid", "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9X", "NzbLsXh8uDCcd+6MNwXF4W/7noWXFZAfHkxZsRGC9Xs"]
    {
        text.parse::<Kid>().unwrap_err();
    }
}
