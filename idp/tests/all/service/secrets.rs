//! Secrets are where they must be, and nowhere else: planted ones are looked for in the log and in every row.

use std::io::Write;
use std::sync::{Arc, Mutex};

use idp::domain::client::{ClientAuthMethod, GrantType};
use idp::service::operations::measures;
use idp::telemetry::metrics::Format;
use josekit::jwk::Jwk;
use poem::http::StatusCode;
use sea_orm::DatabaseConnection;
use serde_json::{Value, json};
use tracing_subscriber::fmt::MakeWriter;

use super::rows;
use crate::http::code_flow::redeem;
use crate::http::jose::{private_key, public, sign};
use crate::support::databases;
use crate::support::world::{Browser, CALLBACK, PASSWORD, SECRET, START, VERIFIER, World, basic, encode};

/// What is logged while a test runs, by every part at every level.
#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Captured {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Captured {
    fn begin(&self) -> tracing::subscriber::DefaultGuard {
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(self.clone())
            .finish();
        tracing::subscriber::set_default(subscriber)
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

const WRONG_PASSWORD: &str = "planted wrong password 5309";
const TYPED_AS_NAME: &str = "planted-password-typed-as-name-8675";
const WRONG_SECRET: &str = "planted-wrong-client-secret-0123456789abcdef";
const WRONG_CODE: &str = "planted-code-that-never-was-0123456789abcdef";
const WRONG_TOKEN: &str = "planted.token.thatneverwas";

/// Secrets and what they are called.
type Planted = Vec<(&'static str, String)>;

/// Everything that has to do with secrets, going well and going wrong. Gives the secrets.
async fn a_day_of_secrets(world: &World) -> Planted {
    let mut planted: Planted = [
        ("password", PASSWORD),
        ("wrong password", WRONG_PASSWORD),
        ("password typed as a name", TYPED_AS_NAME),
        ("client secret", SECRET),
        ("wrong client secret", WRONG_SECRET),
        ("verifier", VERIFIER),
        ("unknown code", WRONG_CODE),
        ("unknown token", WRONG_TOKEN),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .into();
    let tenant = world.tenant().await;
    let key = private_key("p256", "ec");
    world
        .client(&tenant, "robot", |metadata| {
            metadata.grant_types = [GrantType::ClientCredentials].into();
            metadata.token_endpoint_auth_method = ClientAuthMethod::PrivateKeyJwt;
            metadata.jwks = Some(json!({ "keys": [public(&key, Some("ES256"))] }));
        })
        .await;
    world
        .client(&tenant, "poster", |metadata| {
            metadata.token_endpoint_auth_method = ClientAuthMethod::ClientSecretPost;
        })
        .await;

    // Sign-in, first as it goes wrong.
    let mut browser = Browser::new(world, "");
    let start = browser.authorize("reports", &[]).await;
    let (flow, csrf) = browser.form(&start).await;
    planted.push(("CSRF token", csrf));
    planted.extend(browser.cookies.values().map(|value| ("cookie before", value.clone())));
    browser.sign_in(&start, "ada@example.com", WRONG_PASSWORD).await;
    browser.sign_in(&start, TYPED_AS_NAME, WRONG_PASSWORD).await;
    browser.post("/login", &[("flow", &flow), ("csrf", "x"), ("password", WRONG_PASSWORD)]).await;
    let signed_in = browser.sign_in(&start, "ada@example.com", PASSWORD).await;
    let allowed = browser.consent(&signed_in, "allow").await;
    planted.extend(browser.cookies.values().map(|value| ("cookie", value.clone())));
    let code = allowed.returned("code").unwrap();
    planted.push(("code", code.clone()));

    let tokens = tokens_of_secrets(world, &code).await;
    for name in ["access_token", "id_token"] {
        let token = tokens[name].as_str().unwrap().to_owned();
        planted.push(("signature", token.rsplit('.').next().unwrap().to_owned()));
        planted.push(("token", token));
    }
    planted.extend(assertions(world, &key).await);

    // Userinfo.
    let token = tokens["access_token"].as_str().unwrap();
    for token in [token, WRONG_TOKEN] {
        world.get("/userinfo", &[("authorization", &format!("Bearer {token}"))]).await;
        world.get(&format!("/userinfo?access_token={token}"), &[]).await;
        world.post("/userinfo", &[], &format!("access_token={token}")).await;
    }
    redeem(world, "", "reports", &code).await;
    planted
}

/// The token endpoint with secrets that are wrong, and at last with the right ones: the tokens.
async fn tokens_of_secrets(world: &World, code: &str) -> Value {
    let wrong = basic("reports", WRONG_SECRET);
    for (authorization, form) in [
        (&wrong, encode(&[("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK)])),
        (
            &basic("reports", SECRET),
            encode(&[
                ("grant_type", "authorization_code"),
                ("code", WRONG_CODE),
                ("redirect_uri", CALLBACK),
                ("code_verifier", VERIFIER),
            ]),
        ),
        (
            &basic("reports", SECRET),
            encode(&[
                ("grant_type", "authorization_code"),
                ("code", code),
                ("redirect_uri", "https://client.example.com/other"),
                ("code_verifier", VERIFIER),
            ]),
        ),
    ] {
        let answer = world.post("/token", &[("authorization", authorization)], &form).await;
        assert!(answer.status.is_client_error());
    }
    for secret in [SECRET, WRONG_SECRET] {
        let posted =
            encode(&[("client_id", "poster"), ("client_secret", secret), ("grant_type", "client_credentials")]);
        world.post("/token", &[], &posted).await;
        world.post("/token", &[], &format!("{posted}&grant_type=%zz")).await;
    }
    let tokens = redeem(world, "", "reports", code).await;
    assert_eq!(tokens.status, StatusCode::OK);
    tokens.json()
}

/// An assertion, used and used again, and the token that it got.
async fn assertions(world: &World, key: &Jwk) -> Planted {
    let claims = json!({
        "iss": "robot", "sub": "robot", "aud": "http://127.0.0.1:8080", "exp": START / 1000 + 60, "jti": "planted-jti-4711",
    });
    let assertion = sign("ES256", key, r#"{"alg":"ES256","kid":"ec"}"#, &claims.to_string());
    let mut planted = vec![("assertion", assertion.clone())];
    let form = encode(&[
        ("grant_type", "client_credentials"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", &assertion),
    ]);
    for expected in [StatusCode::OK, StatusCode::UNAUTHORIZED] {
        let answer = world.post("/token", &[], &form).await;
        assert_eq!(answer.status, expected, "{}", answer.body);
        if expected == StatusCode::OK {
            planted.push(("service token", answer.json()["access_token"].as_str().unwrap().to_owned()));
        }
    }
    planted
}

/// The same when the database has gone: failures are logged most.
async fn an_hour_without_database(world: &World, planted: &Planted) {
    world.ctx.database.close().await;
    world.ctx.clients.invalidate_all();
    let of = |name: &str| planted.iter().find(|(found, _)| *found == name).unwrap().1.as_str();
    redeem(world, "", "reports", of("code")).await;
    world.get("/userinfo", &[("authorization", &format!("Bearer {}", of("token")))]).await;
    let mut browser = Browser::new(world, "");
    browser.authorize("reports", &[]).await;
    let form = [
        ("flow", "0190a5b0-0000-7000-8000-000000000000"),
        ("csrf", "x"),
        ("email", "a@b.example"),
        ("password", PASSWORD),
    ];
    browser.post("/login", &form).await;
}

fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

#[track_caller]
fn assert_absent(text: &str, planted: &Planted, place: &str) {
    let folded = text.to_lowercase();
    for (name, secret) in planted {
        assert!(!folded.contains(&secret.to_lowercase()), "the {name} is in {place}");
        assert!(!folded.contains(&hex(secret)), "the {name}, as hexadecimal, is in {place}");
    }
}

/// The bytes of a SQLite database and its side files; of a server's there are none to be had.
async fn files(db: &DatabaseConnection) -> Vec<u8> {
    use sea_orm::{ConnectionTrait as _, DbBackend, Statement};
    if db.get_database_backend() != DbBackend::Sqlite {
        return Vec::new();
    }
    let list = Statement::from_string(DbBackend::Sqlite, "PRAGMA database_list");
    let path: String = db.query_one_raw(list).await.unwrap().unwrap().try_get("", "file").unwrap();
    ["", "-wal"].into_iter().filter_map(|end| std::fs::read(format!("{path}{end}")).ok()).flatten().collect()
}

#[tokio::test]
async fn planted_secrets_are_found_nowhere() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let captured = Captured::default();
        let guard = captured.begin();
        let planted = a_day_of_secrets(&world).await;
        let raw = database.raw().await;
        let contents = rows(&raw).await;
        let files = files(&raw).await;
        raw.close().await.unwrap();
        let counted = measures::page(&world.ctx, Format::Prometheus).await;
        an_hour_without_database(&world, &planted).await;
        drop(guard);
        assert!(counted.contains("auth_operations_total"), "{counted}");
        assert_absent(&counted, &planted, "the metrics");

        let log = captured.text();
        assert!(log.contains("idp::"), "something was logged: {log}");
        assert_absent(&log, &planted, "the log");

        for table in
            ["audit_events", "sessions", "credentials", "client_secrets", "authorization_codes", "signing_keys"]
        {
            assert!(contents.iter().any(|(name, _)| name == table), "{table} takes part");
        }
        for (table, row) in &contents {
            assert_absent(row, &planted, table);
        }
        assert_absent(&String::from_utf8_lossy(&files), &planted, "the database's files");

        // What is kept of them are hashes; the search would find them.
        let all: String = contents.iter().map(|(_, row)| row.to_lowercase()).collect();
        for name in ["client secret", "code"] {
            let (_, secret) = planted.iter().find(|(found, _)| *found == name).unwrap();
            assert!(all.contains(&hex(openssl::sha::sha256(secret.as_bytes()))), "the hash of the {name} is kept");
        }
        assert!(all.contains("$argon2id$"));
    }
}

/// What is printed for a developer's eyes says nothing either.
#[tokio::test]
async fn debug_texts_hold_no_secrets() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let planted = a_day_of_secrets(&world).await;
        let text = format!("{:?}", world.ctx);
        assert_absent(&text, &planted, "Ctx");
        assert!(!text.contains(&"7, ".repeat(31)), "the key-encryption key is in Ctx");
    }
}
