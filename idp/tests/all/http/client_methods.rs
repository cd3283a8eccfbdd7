//! Every method of client authentication against the credentials of every other: a client proves itself by the method
//! that it registered, and by no other, though all that it knows is right; and so at every endpoint.

use idp::domain::client::{ClientAuthMethod, GrantType, SecretTransport};
use josekit::jwk::Jwk;
use poem::http::StatusCode;
use serde_json::json;

use super::client_assertion::{assert_refused, claims};
use super::jose::{private_key, public, sign, sign_hs256};
use super::one_gate::endpoints;
use crate::support::databases;
use crate::support::elsewhere::{Elsewhere, Reply};
use crate::support::world::{Answer, SECRET, World, basic, encode};

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Everything that a client could present, the right one and those of the other methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presented {
    Header,
    Form,
    SignedWithSecret,
    SignedWithKey,
    Name,
    Nothing,
}

const PRESENTED: [Presented; 6] = [
    Presented::Header,
    Presented::Form,
    Presented::SignedWithSecret,
    Presented::SignedWithKey,
    Presented::Name,
    Presented::Nothing,
];

impl Presented {
    /// The header and the form of a request.
    fn request(self, id: &str, key: &Jwk) -> (Option<String>, Vec<(&'static str, String)>) {
        let assertion = |jwt| vec![("client_assertion_type", TYPE.to_owned()), ("client_assertion", jwt)];
        let name = ("client_id", id.to_owned());
        match self {
            Self::Header => (Some(basic(id, SECRET)), Vec::new()),
            Self::Form => (None, vec![name, ("client_secret", SECRET.to_owned())]),
            Self::SignedWithSecret => {
                let jwt = sign_hs256(SECRET.as_bytes(), r#"{"alg":"HS256"}"#, &claims(id, &json!({})));
                (None, assertion(jwt))
            }
            Self::SignedWithKey => {
                (None, assertion(sign("ES256", key, r#"{"alg":"ES256","kid":"ec"}"#, &claims(id, &json!({})))))
            }
            Self::Name => (None, vec![name]),
            Self::Nothing => (None, Vec::new()),
        }
    }

    /// Whether it is a proof by that method.
    fn is_of(self, method: ClientAuthMethod, transport: SecretTransport) -> bool {
        let either = transport == SecretTransport::Either;
        match method {
            ClientAuthMethod::ClientSecretBasic => self == Self::Header || either && self == Self::Form,
            ClientAuthMethod::ClientSecretPost => self == Self::Form || either && self == Self::Header,
            ClientAuthMethod::ClientSecretJwt => self == Self::SignedWithSecret,
            ClientAuthMethod::PrivateKeyJwt => self == Self::SignedWithKey,
            ClientAuthMethod::None => self == Self::Name,
        }
    }
}

#[tokio::test]
async fn a_client_proves_itself_by_its_registered_method_and_no_other() {
    let key = private_key("p256", "ec");
    let jwks = json!({ "keys": [public(&key, None)] });
    for database in databases().await {
        let site = Elsewhere::start().await;
        site.answers("/keys", Reply::json(&jwks));
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        let endpoints = endpoints(&world.get("/.well-known/openid-configuration", &[]).await.json());
        for method in ClientAuthMethod::ALL.iter().copied() {
            for transport in [SecretTransport::AsRegistered, SecretTransport::Either] {
                for by_address in [false, true] {
                    let id = format!("{}-{transport:?}-{by_address}", method.as_str()).to_lowercase();
                    world
                        .client(&tenant, &id, |metadata| {
                            metadata.token_endpoint_auth_method = method;
                            metadata.secret_transport = transport;
                            if method != ClientAuthMethod::None {
                                metadata.grant_types.insert(GrantType::ClientCredentials);
                            }
                            metadata.scope = "reports:read".parse().unwrap();
                            if by_address {
                                metadata.jwks_uri = Some(site.url("/keys"));
                            } else {
                                metadata.jwks = Some(jwks.clone());
                            }
                        })
                        .await;
                    for path in &endpoints {
                        for presented in PRESENTED {
                            let what = format!("{id} by {presented:?} at {path}");
                            let (header, mut form) = presented.request(&id, &key);
                            // A public client has no token of its own; whether it is believed shows in the code's refusal.
                            let grant = if method == ClientAuthMethod::None {
                                "authorization_code"
                            } else {
                                "client_credentials"
                            };
                            if path == "/token" {
                                form.push(("grant_type", grant.to_owned()));
                            }
                            form.extend([("code", "x".to_owned()), ("token", "x".to_owned())]);
                            form.push(("redirect_uri", "https://client.example.com/callback".to_owned()));
                            let answer = send(&world, path, header.as_deref(), &form).await;
                            if presented.is_of(method, transport) {
                                assert_believed(&answer, path, method, &what);
                            } else if presented == Presented::Nothing {
                                assert_eq!(answer.json()["error"], "invalid_client", "{what}");
                            } else {
                                assert_refused(&answer, &what);
                            }
                        }
                    }
                }
            }
        }
    }
}

async fn send(world: &World, path: &str, header: Option<&str>, form: &[(&str, String)]) -> Answer {
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let headers: Vec<(&str, &str)> = header.iter().map(|header| ("authorization", *header)).collect();
    world.post(path, &headers, &encode(&form)).await
}

/// What an endpoint says to a client that it believes; a new endpoint has to be named here.
fn assert_believed(answer: &Answer, path: &str, method: ClientAuthMethod, what: &str) {
    let is_public = method == ClientAuthMethod::None;
    let (status, error) = match (path, is_public) {
        ("/token" | "/v1/auth/m2m/token" | "/introspect", false) | ("/revoke", _) => (StatusCode::OK, None),
        ("/token", true) => (StatusCode::BAD_REQUEST, Some("invalid_grant")),
        ("/v1/auth/m2m/token", true) => (StatusCode::BAD_REQUEST, Some("unauthorized_client")),
        ("/introspect", true) => (StatusCode::UNAUTHORIZED, Some("invalid_client")),
        (path, _) => panic!("what does {path} say to a client that it believes?"),
    };
    assert_eq!(answer.status, status, "{what}: {}", answer.body);
    if let Some(error) = error {
        assert_eq!(answer.json()["error"], error, "{what}");
        assert!(!answer.body.contains("did not authenticate"), "{what}: {}", answer.body);
    }
}

/// Two proofs at once are refused, right as both may be (RFC 6749 §2.3).
#[tokio::test]
async fn two_proofs_at_once_are_refused() {
    let key = private_key("p256", "ec");
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        for method in ClientAuthMethod::ALL.iter().copied().filter(|method| *method != ClientAuthMethod::None) {
            let id = method.as_str();
            world
                .client(&tenant, id, |metadata| {
                    metadata.token_endpoint_auth_method = method;
                    metadata.grant_types = [GrantType::ClientCredentials].into();
                    metadata.redirect_uris = Vec::new();
                    metadata.jwks = Some(json!({ "keys": [public(&key, None)] }));
                })
                .await;
            let proofs = &PRESENTED[..4];
            for (number, one) in proofs.iter().enumerate() {
                for other in &proofs[number + 1..] {
                    let ((first, mut form), (second, more)) = (one.request(id, &key), other.request(id, &key));
                    form.extend(more);
                    form.push(("grant_type", "client_credentials".to_owned()));
                    let answer = send(&world, "/token", first.or(second).as_deref(), &form).await;
                    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{id}: {one:?} and {other:?}: {}", answer.body);
                    assert_eq!(answer.json()["error"], "invalid_request", "{id}: {one:?} and {other:?}");
                }
            }
        }
    }
}
