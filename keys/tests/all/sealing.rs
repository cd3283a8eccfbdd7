//! Secrets at rest: only the right key opens them, unchanged, for the same purpose.

use keys::{Algorithm, KekId, KeyEncryptionKey, PrivateKey, PrivateKeyError, SealContext, SealError, SealingKeys};
use proptest::prelude::*;
use zeroize::Zeroizing;

use crate::support::private_key;

const TENANT: [u8; 16] = [7; 16];

fn kek(byte: u8) -> KeyEncryptionKey {
    KeyEncryptionKey::new(Zeroizing::new([byte; 32]))
}

proptest! {
    #[test]
    fn what_is_sealed_opens(secret in proptest::collection::vec(any::<u8>(), 0..300), key: [u8; 32], tenant: [u8; 16]) {
        let kek = KeyEncryptionKey::new(Zeroizing::new(key));
        let context = SealContext::new("test", &[&tenant]);
        let sealed = kek.seal(&secret, &context).unwrap();
        prop_assert_eq!(sealed.len(), secret.len() + 37);
        let opened = kek.open(&sealed, &context).unwrap();
        prop_assert_eq!(opened.as_slice(), secret);
    }

    #[test]
    fn no_byte_may_change(secret in proptest::collection::vec(any::<u8>(), 0..40), change in 1_u8..) {
        let context = SealContext::new("test", &[&TENANT]);
        let sealed = kek(1).seal(&secret, &context).unwrap();
        for place in 0..sealed.len() {
            let mut tampered = sealed.clone();
            tampered[place] ^= change;
            prop_assert!(kek(1).open(&tampered, &context).is_err(), "byte {} changed", place);
        }
    }

    #[test]
    fn no_cut_or_lengthened_secret_opens(secret in proptest::collection::vec(any::<u8>(), 0..40)) {
        let context = SealContext::new("test", &[&TENANT]);
        let mut sealed = kek(1).seal(&secret, &context).unwrap();
        for length in 0..sealed.len() {
            prop_assert!(kek(1).open(&sealed[..length], &context).is_err());
        }
        sealed.push(0);
        prop_assert!(kek(1).open(&sealed, &context).is_err());
    }

    #[test]
    fn contexts_differ_if_any_part_does(left in proptest::collection::vec("[ab]{0,3}", 1..4), right in proptest::collection::vec("[ab]{0,3}", 1..4)) {
        prop_assume!(left != right);
        let parts = |texts: &[String]| {
            let bytes: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
            SealContext::new("test", &bytes)
        };
        let sealed = kek(1).seal(b"secret", &parts(&left)).unwrap();
        prop_assert!(kek(1).open(&sealed, &parts(&right)).is_err());
    }
}

#[test]
fn a_signing_key_opens_for_its_tenant_and_name_only() {
    let keks = SealingKeys::from(kek(1));
    for algorithm in Algorithm::ALL {
        let key = private_key(algorithm);
        let sealed = key.seal(keks.current(), &TENANT).unwrap();
        let opened = PrivateKey::open(&keks, &TENANT, key.public_jwk(), &sealed).unwrap();
        assert_eq!(opened.public_jwk(), key.public_jwk());

        let error = PrivateKey::open(&keks, &[8; 16], key.public_jwk(), &sealed).unwrap_err();
        assert!(matches!(error, PrivateKeyError::Seal(SealError::Tampered)), "{error}");
    }
    let (rsa, ec) = (private_key(Algorithm::Rs256), private_key(Algorithm::Es256));
    let sealed = rsa.seal(keks.current(), &TENANT).unwrap();
    let error = PrivateKey::open(&keks, &TENANT, ec.public_jwk(), &sealed).unwrap_err();
    assert!(matches!(error, PrivateKeyError::Seal(SealError::Tampered)), "{error}");
}

#[test]
fn a_sealed_key_shows_nothing_of_itself_and_never_looks_the_same_twice() {
    let key = private_key(Algorithm::EdDsa);
    let (one, two) = (key.seal(&kek(1), &TENANT).unwrap(), key.seal(&kek(1), &TENANT).unwrap());
    assert_ne!(one, two);
    let plain = crate::support::der("ed25519");
    assert!(!one.windows(8).any(|window| plain.windows(8).any(|part| part == window)));
}

#[test]
fn errors_say_which_key_is_wanted() {
    let context = SealContext::new("test", &[&TENANT]);
    let sealed = kek(1).seal(b"secret", &context).unwrap();
    let error = kek(2).open(&sealed, &context).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("the secret was sealed by the key-encryption key {}, which isn't configured", kek(1).id())
    );
    let mut newer = sealed.clone();
    newer[0] = 2;
    assert_eq!(
        kek(1).open(&newer, &context).unwrap_err().to_string(),
        "the sealed secret has format version 2; this Signet reads version 1"
    );
    assert!(matches!(kek(1).open(&sealed[..36], &context), Err(SealError::Malformed)));
}

#[test]
fn resealing_moves_to_the_current_key_and_is_harmless_when_done_twice() {
    let context = SealContext::new("test", &[&TENANT]);
    let old = kek(1).seal(b"secret", &context).unwrap();
    let keks = SealingKeys::new(kek(2), vec![kek(1)]);
    assert_eq!(keks.open(&old, &context).unwrap().as_slice(), b"secret");
    let new = keks.reseal(&old, &context).unwrap().unwrap();
    assert_eq!(KekId::of_sealed(&new).unwrap(), kek(2).id());
    assert_eq!(kek(2).open(&new, &context).unwrap().as_slice(), b"secret");
    assert_eq!(keks.reseal(&new, &context).unwrap(), None);
    let error = SealingKeys::from(kek(2)).reseal(&old, &context).unwrap_err();
    assert!(matches!(error, SealError::UnknownKek(id) if id == kek(1).id()));
}

#[test]
fn a_key_encryption_key_reads_from_base64_and_hexadecimal() {
    let bytes: [u8; 32] = std::array::from_fn(|index| u8::try_from(255 - index).unwrap());
    let id = KeyEncryptionKey::new(Zeroizing::new(bytes)).id();
    let hexadecimal = "FFfefdfcfbfaf9f8f7f6f5f4f3f2f1f0efeeedecebeae9e8e7e6e5e4e3e2e1e0";
    for text in [
        hexadecimal,
        "//79/Pv6+fj39vX08/Lx8O/u7ezr6uno5+bl5OPi4eA=",
        "//79/Pv6+fj39vX08/Lx8O/u7ezr6uno5+bl5OPi4eA",
        "__79_Pv6-fj39vX08_Lx8O_u7ezr6uno5-bl5OPi4eA=\n",
        "  __79_Pv6-fj39vX08_Lx8O_u7ezr6uno5-bl5OPi4eA\r\n",
    ] {
        assert_eq!(KeyEncryptionKey::from_text(text).unwrap().id(), id, "{text:?}");
    }
    let written = KeyEncryptionKey::new(Zeroizing::new(bytes)).to_text();
    assert_eq!(KeyEncryptionKey::from_text(&written).unwrap().id(), id);
}

#[test]
fn another_text_is_no_key_encryption_key_and_isn_t_repeated() {
    for text in [
        "",
        "password",
        "//79/Pv6+fj39vX08/Lx8O/u7ezr6uno5+bl5OPi4Q==",
        &"g".repeat(64),
        &"0".repeat(63),
        "__79/Pv6+fj39vX08/Lx8O/u7ezr6uno5+bl5OPi4eA=",
    ] {
        let error = KeyEncryptionKey::from_text(text).unwrap_err();
        assert!(matches!(error, SealError::InvalidKey), "{text:?}");
        assert!(text.is_empty() || !error.to_string().contains(text));
    }
}

#[test]
fn new_keys_differ_and_debug_shows_the_id_only() {
    let (one, two) = (KeyEncryptionKey::generate().unwrap(), KeyEncryptionKey::generate().unwrap());
    assert_ne!(one.id(), two.id());
    assert_eq!(format!("{one:?}"), format!("KeyEncryptionKey({})", one.id()));
    assert_eq!(one.id().to_string().len(), 16);
}
