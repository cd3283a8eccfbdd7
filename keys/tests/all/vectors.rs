//! The examples of RFC 7515, 7517, 7638 and 8037. Signing is compared byte by byte in `src/signer.rs`.

use keys::{ForeignJwks, Kid, PublicKey, Purpose, VerificationKey, VerifyError, verify_jws};
use serde_json::{Map, Value, json};

use crate::support::encode;

/// The payload of RFC 7515 appendices A.1 to A.3 and A.5, encoded.
const PAYLOAD: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

const RFC_7515_A_2_N: &str = concat!(
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pC",
    "gNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg6",
    "65xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRW",
    "yuXpoQ",
);

const RFC_7638_N: &str = concat!(
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknj",
    "hMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQ",
    "vRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzK",
    "nqDKgw",
);

fn public_key(members: Value) -> PublicKey {
    PublicKey::from_jwk_members(&serde_json::from_value::<Map<_, _>>(members).unwrap()).unwrap()
}

fn keys_of(members: Value) -> [VerificationKey; 1] {
    [VerificationKey::new(None, None, &public_key(members)).unwrap()]
}

#[test]
fn rfc_7515_a_2_rs256_verifies() {
    let token = format!(
        "eyJhbGciOiJSUzI1NiJ9.{PAYLOAD}.{}",
        concat!(
            "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CU",
            "Ar7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_d",
            "O--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0ig",
            "cN_IoypGlUPQGe77Rw",
        )
    );
    let keys = keys_of(json!({"kty": "RSA", "n": RFC_7515_A_2_N, "e": "AQAB"}));
    let verified = verify_jws(&token, &keys, Purpose::ClientAssertion).unwrap();
    assert_eq!(verified.claims_object().unwrap()["iss"], "joe");
}

#[test]
fn rfc_7515_a_3_es256_verifies() {
    let token = format!(
        "eyJhbGciOiJFUzI1NiJ9.{PAYLOAD}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
    );
    let keys = keys_of(json!({
        "kty": "EC", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    }));
    let verified = verify_jws(&token, &keys, Purpose::ClientAssertion).unwrap();
    assert_eq!(
        verified.payload(),
        b"{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}"
    );
}

#[test]
fn rfc_7515_a_1_hs256_and_a_5_none_are_refused() {
    let keys = keys_of(json!({"kty": "RSA", "n": RFC_7515_A_2_N, "e": "AQAB"}));
    let hs256 =
        format!("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{PAYLOAD}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    let none = format!("eyJhbGciOiJub25lIn0.{PAYLOAD}.");
    for (token, alg) in [(hs256, "HS256"), (none, "none")] {
        let error = verify_jws(&token, &keys, Purpose::ClientAssertion).unwrap_err();
        assert_eq!(error, VerifyError::Algorithm(alg.to_owned()));
    }
}

/// RFC 7517 appendix A.1: the set has an encryption key, which is left out, and a signature key.
#[test]
fn rfc_7517_a_1_is_read() {
    let set = json!({"keys": [
        {
            "kty": "EC", "crv": "P-256", "use": "enc", "kid": "1",
            "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
            "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
        },
        {"kty": "RSA", "n": RFC_7638_N, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"},
    ]});
    let jwks = ForeignJwks::from_registration(set.to_string().as_bytes()).unwrap();
    let kids: Vec<_> = jwks.keys().iter().map(VerificationKey::kid).collect();
    assert_eq!(kids, [Some("2011-04-29")]);
}

#[test]
fn rfc_7638_3_1_thumbprint() {
    let key = public_key(json!({"kty": "RSA", "n": RFC_7638_N, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"}));
    assert_eq!(Kid::of(&key).as_str(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

#[test]
fn rfc_8037_a_3_thumbprint_and_a_4_signature() {
    let members = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    assert_eq!(Kid::of(&public_key(members.clone())).as_str(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    let token = format!(
        "eyJhbGciOiJFZERTQSJ9.{}.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
        encode("Example of Ed25519 signing"),
    );
    let verified = verify_jws(&token, &keys_of(members), Purpose::ClientAssertion).unwrap();
    assert_eq!(verified.payload(), b"Example of Ed25519 signing");
}
