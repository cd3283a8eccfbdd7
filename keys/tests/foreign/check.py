"""Verifies Signet's tokens with PyJWT, Authlib and joserfc, and signs some for Signet to verify.

Reads a case from standard input:
    {"issuer", "audience", "jwks", "accepted": [{"algorithm", "token", "claims"}], "refused": [token, ...]}
Writes to standard output:
    {"checks": number of verifications, "jwks": public keys, "tokens": [{"library", "algorithm", "token"}]}
Any disagreement ends it with a traceback.
"""

import json
import sys
import warnings

import jwt
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey

# Authlib's own JOSE module is old and widely deployed, which is why it is asked; it announces its successor.
warnings.simplefilter("ignore")
from authlib.jose import JsonWebKey, JsonWebToken  # noqa: E402

ALGORITHMS = ["RS256", "PS256", "ES256", "ES384", "EdDSA"]


def with_pyjwt(case, token):
    keys = jwt.PyJWKSet.from_dict(case["jwks"])
    kid = jwt.get_unverified_header(token)["kid"]
    return jwt.decode(
        token,
        keys[kid],
        algorithms=ALGORITHMS,
        issuer=case["issuer"],
        audience=case["audience"],
        options={"require": ["exp", "iat", "iss", "aud", "sub"]},
    )


def with_authlib(case, token):
    claims = JsonWebToken(ALGORITHMS).decode(
        token,
        JsonWebKey.import_key_set(case["jwks"]),
        claims_options={
            "iss": {"essential": True, "value": case["issuer"]},
            "aud": {"essential": True, "value": case["audience"]},
        },
    )
    claims.validate()
    return dict(claims)


def with_joserfc(case, token):
    decoded = joserfc_jwt.decode(token, KeySet.import_key_set(case["jwks"]), algorithms=ALGORITHMS)
    joserfc_jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": case["issuer"]},
        aud={"essential": True, "value": case["audience"]},
    ).validate(decoded.claims)
    return decoded.claims


LIBRARIES = [with_pyjwt, with_authlib, with_joserfc]


def check(case):
    checks = 0
    for library in LIBRARIES:
        for item in case["accepted"]:
            claims = library(case, item["token"])
            assert claims == item["claims"], (library.__name__, item["algorithm"], claims)
            checks += 1
        for token in case["refused"]:
            try:
                claims = library(case, token)
            except Exception:
                checks += 1
            else:
                raise AssertionError((library.__name__, "accepted", token, claims))
    for key in KeySet.import_key_set(case["jwks"]).keys:
        assert key.thumbprint() == key.kid, ("thumbprint", key.kid)
        checks += 1
    return checks


def sign(case):
    claims = case["accepted"][0]["claims"]
    keys = {
        "RS256": RSAKey.generate_key(2048, {"kid": "python-rsa"}),
        "PS256": RSAKey.generate_key(2048, {"kid": "python-pss"}),
        "ES256": ECKey.generate_key("P-256", {"kid": "python-p256"}),
        "ES384": ECKey.generate_key("P-384", {"kid": "python-p384"}),
        "EdDSA": OKPKey.generate_key("Ed25519", {"kid": "python-ed25519"}),
    }
    tokens = []
    for algorithm, key in keys.items():
        header = {"alg": algorithm, "typ": "JWT", "kid": key.kid}
        tokens.append(
            {
                "library": "joserfc",
                "algorithm": algorithm,
                "token": joserfc_jwt.encode(header, claims, key, algorithms=ALGORITHMS),
            }
        )
        tokens.append(
            {
                "library": "PyJWT",
                "algorithm": algorithm,
                "token": jwt.encode(claims, key.as_pem(private=True), algorithm=algorithm, headers={"kid": key.kid}),
            }
        )
    return {"keys": [key.as_dict(private=False) for key in keys.values()]}, tokens


def main():
    case = json.load(sys.stdin)
    checks = check(case)
    jwks, tokens = sign(case)
    json.dump({"checks": checks, "jwks": jwks, "tokens": tokens}, sys.stdout)


main()
