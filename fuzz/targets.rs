//! What the fuzzer, and the tests over its corpus, do with an input: one function for each parser that strangers reach.
//!
//! A parser may refuse what it likes. What it takes must keep its promises, which these functions hold it to.

use std::sync::LazyLock;

use idp::domain::authorization_request::AuthorizationRequest;
use idp::domain::authorization_response::{AuthorizationResponse, Granted};
use idp::domain::claims_request::ClaimsRequest;
use idp::domain::client::{Client, ClientAuthMethod, ClientMetadata, ClientStatus, GrantType};
use idp::domain::parameters::Parameters;
use idp::domain::redirect_uri::RedirectUri;
use idp::domain::request_object::{Beside, RequestObject};
use idp::domain::tenant::Issuer;
use idp::domain::{Secret, Timestamp};
use keys::{ClaimRules, ForeignJwks, Purpose, RegisteredClaims, VerificationKey};

/// What is done with an input.
pub(crate) type Target = fn(&[u8]);

/// The parsers, by the name of their corpus.
pub(crate) const TARGETS: [(&str, Target); 6] = [
    ("authorization_request", authorization_request),
    ("claims_parameter", claims_parameter),
    ("client_assertion", client_assertion),
    ("jwt_header", jwt_header),
    ("redirect_uri", redirect_uri),
    ("request_object", request_object),
];

const ISSUER: &str = "https://id.example.com";

/// The public halves of the keys that the corpus's good tokens are signed with.
const JWKS: &str = include_str!("jwks.json");

static KEYS: LazyLock<Vec<VerificationKey>> = LazyLock::new(|| {
    let jwks = ForeignJwks::from_registration(JWKS.as_bytes()).unwrap();
    jwks.keys().to_vec()
});

static CLIENT: LazyLock<Client> = LazyLock::new(|| {
    let mut metadata = ClientMetadata::new([GrantType::AuthorizationCode], ClientAuthMethod::ClientSecretBasic);
    let uris = ["https://client.example.com/callback?a=1", "http://127.0.0.1/cb", "com.example.app:/cb"];
    metadata.redirect_uris = uris.map(|uri| uri.parse().unwrap()).into();
    metadata.scope = "openid profile email address phone".parse().unwrap();
    Client {
        id: "reports".parse().unwrap(),
        status: ClientStatus::Active,
        name: "Reports".to_owned(),
        metadata,
        secrets: Vec::new(),
        grants_since: None,
        created_at: Timestamp::default(),
        updated_at: Timestamp::default(),
    }
});

/// `/authorize`: a query or a form. What is taken is answered at a registered address, and survives the database.
pub(crate) fn authorization_request(input: &[u8]) {
    let Some(parameters) = Parameters::decode(input) else { return };
    let _ = AuthorizationRequest::client_id(&parameters);
    let Ok(address) = AuthorizationRequest::return_address(&parameters, &CLIENT) else { return };
    assert!(CLIENT.admits_redirect(&address.redirect_uri));
    let issuer: Issuer = ISSUER.parse().unwrap();
    let outcome = match AuthorizationRequest::parse(&parameters, &CLIENT, address.clone()) {
        Ok(request) => {
            assert!(request.scope.is_subset(&CLIENT.metadata.scope));
            let json = serde_json::to_value(&request).unwrap();
            let kept: AuthorizationRequest = serde_json::from_value(json).unwrap();
            assert_eq!(kept, request);
            assert_eq!(request.answer_to(), address);
            Ok(Granted { code: Secret::new("code"), session_state: Some("state.salt".to_owned()) })
        }
        Err(error) => Err(error),
    };
    let answer = AuthorizationResponse { to: address, outcome };
    let location = answer.location(&issuer);
    assert!(location.starts_with(answer.to.redirect_uri.as_str()));
    assert!(location.bytes().all(|byte| byte.is_ascii_graphic()), "it goes into a header: {location}");
    let url = url::Url::parse(&location).unwrap();
    let returned = url.query_pairs().filter(|(name, _)| name == "state").last().map(|(_, value)| value.into_owned());
    if let Some(state) = &answer.to.state {
        assert_eq!(returned.as_ref(), Some(state), "state comes back unchanged");
    }
}

/// The `claims` parameter. What is taken survives the database.
pub(crate) fn claims_parameter(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let Ok(claims) = ClaimsRequest::parse(text) else { return };
    let json = serde_json::to_value(&claims).unwrap();
    let kept: ClaimsRequest = serde_json::from_value(json).unwrap();
    assert_eq!(kept, claims);
    assert!(claims.subjects().is_none_or(|subjects| !subjects.is_empty()));
}

/// Redirect URIs: the one that is registered, a line end, the one that is asked for.
pub(crate) fn redirect_uri(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let (registered, requested) = text.split_once('\n').unwrap_or((text, text));
    let Ok(registered) = registered.parse::<RedirectUri>() else { return };
    assert!(registered.admits(&registered));
    assert!(!registered.as_str().contains('#'));
    let Ok(requested) = requested.parse::<RedirectUri>() else { return };
    if registered.admits(&requested) && registered.as_str() != requested.as_str() {
        // The one exception: ports of loopback addresses (RFC 8252 §7.3).
        let parse = |uri: &RedirectUri| url::Url::parse(uri.as_str()).unwrap();
        let (mut one, mut other) = (parse(&registered), parse(&requested));
        let loopback = matches!(one.host_str(), Some("127.0.0.1" | "[::1]"));
        assert!(loopback && one.scheme() == "http", "{registered:?} admits {requested:?}");
        one.set_port(None).unwrap();
        other.set_port(None).unwrap();
        assert_eq!(one, other, "{registered:?} admits {requested:?}");
    }
}

/// Tokens, with an eye on the header, as every purpose that our own tokens have.
pub(crate) fn jwt_header(input: &[u8]) {
    token(input, &[Purpose::AccessToken, Purpose::IdToken, Purpose::LogoutToken]);
}

/// A client's assertion.
pub(crate) fn client_assertion(input: &[u8]) {
    token(input, &[Purpose::ClientAssertion]);
}

/// A request object, and, as if it were one's payload, what is in it: of what is taken, nothing stands there twice but
/// `resource`, and nothing inside says who asks.
pub(crate) fn request_object(input: &[u8]) {
    token(input, &[Purpose::RequestObject]);
    let Ok(object) = RequestObject::read(input) else { return };
    let _ = object.check(&CLIENT.id, ISSUER, Timestamp::from_seconds(1_893_456_000));
    let beside = Parameters::from_pairs([("client_id".to_owned(), CLIENT.id.to_string())]);
    for rest in [Beside::Completes, Beside::Ignored] {
        let Ok(whole) = object.assembled(&beside, rest) else { continue };
        assert_eq!(AuthorizationRequest::client_id(&whole).as_ref(), Ok(&CLIENT.id));
        for name in ["redirect_uri", "state", "scope", "response_type", "claims"] {
            assert!(whole.optional(name).is_ok(), "{name} stands there once");
        }
        assert!(whole.all("request").chain(whole.all("request_uri")).next().is_none());
    }
}

/// Whether this query is a request that can be met.
pub(crate) fn accepts_request(query: &str) -> bool {
    let parameters = Parameters::decode(query.as_bytes());
    parameters.is_some_and(|parameters| {
        let address = AuthorizationRequest::return_address(&parameters, &CLIENT);
        address.is_ok_and(|address| AuthorizationRequest::parse(&parameters, &CLIENT, address).is_ok())
    })
}

/// Whether this token verifies.
pub(crate) fn verifies(token: &str, purpose: Purpose) -> bool {
    keys::verify_jws(token, &KEYS, purpose).is_ok()
}

/// What verifies is three parts of base64url, and was signed by one of the keys: it is one of the corpus.
fn token(input: &[u8], purposes: &[Purpose]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    for purpose in purposes {
        let Ok(token) = keys::verify_jws(text, &KEYS, *purpose) else { continue };
        assert_eq!(text.split('.').count(), 3);
        let Ok(claims) = token.claims::<RegisteredClaims>() else { continue };
        let _ = ClaimRules::at(1_893_456_000).issuer("reports").audience(&[ISSUER]).check(&claims);
    }
}
