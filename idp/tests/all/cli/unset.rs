//! Settings that are taken back: each option of `signet client set`, on the database and at a server.

use std::collections::BTreeMap;

use serde_json::Value;

use super::remote::Served;
use super::site::{Site, run};

/// Runs a command that succeeds, and gives its JSON.
type Command<'a> = &'a dyn Fn(&[&str]) -> Value;

/// The options of the verb, as its help has them; without those that are about more than the client.
fn options() -> Vec<(String, bool)> {
    let help = run(&[], &["client", "set", "--help"], "", &[]).stdout;
    let (own, _) = help.split_once("At a server:").unwrap();
    let option = |line: &str| {
        let line = line.trim_start().strip_prefix("--")?;
        let (name, value) = line.split_at(line.find([' ', '[']).unwrap_or(line.len()));
        (!["tenant", "name"].contains(&name)).then(|| (name.to_owned(), value.contains('<')))
    };
    own.lines().filter_map(option).collect()
}

/// A value for each, which isn't the usual one, and the client that can have it. Of those without one, a sector document
/// would have to be fetched.
fn values(jwks: &str) -> BTreeMap<&'static str, (&'static str, String)> {
    let app = [
        ("grant", "client_credentials"),
        ("auth-method", "client_secret_post"),
        ("scope", "openid"),
        ("jwks", jwks),
        ("jwks-uri", "https://app.example/jwks"),
        ("request-uri", "https://app.example/request"),
        ("request-object-alg", "HS256"),
        ("require-signed-request-object", "true"),
        ("subject-type", "pairwise"),
        ("client-uri", "https://app.example/"),
        ("logo-uri", "https://app.example/logo.svg"),
        ("policy-uri", "https://app.example/policy"),
        ("tos-uri", "https://app.example/tos"),
        ("contact", "ops@app.example"),
        ("id-token-alg", "ES256"),
        ("access-token-alg", "PS256"),
        ("userinfo-alg", "RS256"),
        ("audience", "https://api.example"),
        ("role", "auditor"),
        ("access-token-lifetime", "1h"),
        ("default-max-age", "1h"),
        ("default-acr-values", "1 2"),
        ("initiate-login-uri", "https://app.example/login"),
        ("post-logout-redirect-uri", "https://app.example/bye"),
        ("allowed-origin", "https://app.example"),
        ("frontchannel-logout-uri", "https://app.example/out"),
        ("frontchannel-logout-session-required", "true"),
        ("backchannel-logout-uri", "https://app.example/out"),
        ("backchannel-logout-session-required", "true"),
        ("refresh-tokens", "session"),
        ("consent", "implied"),
        ("pkce", "optional"),
        ("profile", "compat"),
    ];
    let robot = [("token-auth-alg", "ES256"), ("redirect-uri", "https://robot.example/cb")];
    let of = |client: &'static str| move |(option, value): (&'static str, &str)| (option, (client, value.to_owned()));
    app.into_iter().map(of("app")).chain(robot.into_iter().map(of("robot"))).collect()
}

#[test]
fn every_setting_of_a_client_can_be_taken_back() {
    let (taking, flags): (Vec<_>, Vec<_>) = options().into_iter().partition(|(_, takes_value)| *takes_value);
    let flags: Vec<&str> = flags.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(flags, ["implied-consent", "pkce-optional"], "these are taken back by --consent and --pkce");
    for site in Site::both() {
        let key = keys::PrivateKey::generate(keys::KeySpec::Es256).unwrap();
        let jwks = site.file("jwks.json", &serde_json::json!({ "keys": [key.public_jwk()] }).to_string());
        let values = values(&jwks);
        let served = Served::start(site);
        let secret = served.tenant("acme");
        let url = format!("{}/t/acme", served.issuer);
        let env = [("SIGNET_CLIENT_ID", "operator"), ("SIGNET_CLIENT_SECRET", secret.as_str())];
        let local =
            |args: &[&str]| served.local(&[args, &["--tenant", "acme", "--format", "json"]].concat(), "").json();
        let remote = |args: &[&str]| run(&env, &[args, &["--url", &url, "--format", "json"]].concat(), "", &[]).json();
        let app = ["client", "create", "App", "--id", "app", "--redirect-uri", "https://app.example/cb"];
        local(&app);
        let robot = ["client", "create", "Robot", "--id", "robot", "--grant", "client_credentials", "--jwks", &jwks];
        local(&robot);
        for place in [&local as Command<'_>, &remote] {
            let settings = |client: &str| {
                let mut shown = place(&["client", "show", client]);
                shown.as_object_mut().unwrap().remove("updated_at");
                shown
            };
            for (option, _) in &taking {
                let (client, value) =
                    values.get(option.as_str()).map_or(("app", None), |(client, value)| (*client, Some(value)));
                assert!(value.is_some() || option == "sector-identifier-uri", "a value is missing for --{option}");
                let before = settings(client);
                // A grant for people goes with an address to send them back to.
                let own = if option == "grant" { vec!["--grant=authorization_code"] } else { Vec::new() };
                // An object must be signed with something.
                let keys = option == "require-signed-request-object";
                if keys {
                    place(&["client", "set", client, "--request-object-alg", "HS256"]);
                }
                if let Some(value) = value {
                    let set = format!("--{option}={value}");
                    place(&[&["client", "set", client, &set][..], &own].concat());
                    assert_ne!(settings(client), before, "--{option}: {value} is the usual value");
                }
                place(&["client", "set", client, &format!("--{option}=")]);
                if keys {
                    place(&["client", "set", client, "--request-object-alg="]);
                }
                assert_eq!(settings(client), before, "--{option}");
            }
            // A client that proves itself by its keys is never without any: from one place to the other in one change.
            let published = place(&["client", "set", "robot", "--jwks=", "--jwks-uri", "https://robot.example/keys"]);
            assert_eq!(
                (&published["jwks"], &published["jwks_uri"]),
                (&Value::Null, &"https://robot.example/keys".into())
            );
            let registered = place(&["client", "set", "robot", "--jwks", &jwks, "--jwks-uri="]);
            assert_eq!((registered["jwks"].is_object(), &registered["jwks_uri"]), (true, &Value::Null));
        }
    }
}
