//! `signet doctor`.

use std::fs;

use idp::cli::Exit;
use openssl::asn1::Asn1Time;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::x509::{X509Builder, X509NameBuilder};
use sea_orm::ConnectionTrait as _;
use serde_json::Value;

use super::site::{Ran, Site, block_on, run};

fn check(ran: &Ran, name: &str) -> (String, String) {
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    let checks = report["checks"].as_array().unwrap();
    let found = checks.iter().find(|check| check["check"] == name).unwrap_or_else(|| panic!("{name}: {report}"));
    (found["level"].as_str().unwrap().to_owned(), found["message"].as_str().unwrap().to_owned())
}

const ARGS: [&str; 3] = ["doctor", "--format", "json"];

#[test]
fn a_sound_installation_that_is_not_running_has_one_warning() {
    for site in Site::both() {
        // Nothing listens on port 1 of this machine.
        let there = [("SIGNET_ISSUER", "http://127.0.0.1:1")];
        let ran = site.run_as(&ARGS, "", &[], &there);
        assert_eq!(ran.exit, Exit::Ok, "{}", ran.stdout);
        for name in ["clock", "configuration", "tls", "database", "schema", "issuer", "keys"] {
            assert_eq!(check(&ran, name).0, "ok", "{name}");
        }
        let (level, text) = check(&ran, "reachable");
        assert!(level == "warn" && text.contains("fine while `signet serve` isn't running"), "{text}");
        let text = site.run_as(&["doctor"], "", &[], &there).stdout;
        assert!(text.contains("\nok    schema         up to date\n"), "{text}");
    }
}

#[test]
fn each_fault_is_a_line_that_says_what_to_do() {
    let bad = run(&[("SIGNET_ISSUER", "nonsense")], &ARGS, "", &[]);
    assert_eq!(bad.exit, Exit::Failed);
    let (level, text) = check(&bad, "configuration");
    assert!(level == "fail" && text.contains("SIGNET_ISSUER"), "{text}");

    let here = ("SIGNET_ISSUER", "http://127.0.0.1:1");
    let [sqlite, postgres] = Site::both_empty();
    let ran = sqlite.run_as(&ARGS, "", &[], &[here]);
    assert!(check(&ran, "database").1.contains("signet migrate"));
    let ran = postgres.run_as(&ARGS, "", &[], &[here]);
    assert!(check(&ran, "schema").1.contains("signet migrate"));
    let gone = [here, ("SIGNET_DATABASE__URL", "postgres://signet@127.0.0.1:1/signet")];
    let ran = postgres.run_as(&ARGS, "", &[], &gone);
    assert_eq!((ran.exit, check(&ran, "database").0), (Exit::Failed, "fail".to_owned()));

    let site = Site::sqlite();
    site.json(&["tenant", "list"]);
    let ran = site.run_as(&ARGS, "", &[], &[here]);
    assert!(check(&ran, "issuer").1.contains("https://id.example.com"), "{}", ran.stdout);
}

/// A certificate that ends in so many days, and its key, as files.
fn certificate(site: &Site, name: &str, days: i64) -> (String, String) {
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let mut subject = X509NameBuilder::new().unwrap();
    subject.append_entry_by_text("CN", "id.example.com").unwrap();
    let subject = subject.build();
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let at = |days: i64| Asn1Time::from_unix(i64::try_from(now).unwrap() + days * 86_400).unwrap();
    let mut builder = X509Builder::new().unwrap();
    builder.set_subject_name(&subject).unwrap();
    builder.set_issuer_name(&subject).unwrap();
    builder.set_pubkey(&key).unwrap();
    builder.set_not_before(&at(-30)).unwrap();
    builder.set_not_after(&at(days)).unwrap();
    builder.sign(&key, MessageDigest::sha256()).unwrap();
    let (chain, private) = (site.folder().join(format!("{name}.crt")), site.folder().join(format!("{name}.key")));
    fs::write(&chain, builder.build().to_pem().unwrap()).unwrap();
    fs::write(&private, key.private_key_to_pem_pkcs8().unwrap()).unwrap();
    (chain.to_str().unwrap().to_owned(), private.to_str().unwrap().to_owned())
}

#[test]
fn a_certificate_is_looked_at() {
    let site = Site::sqlite();
    let (good, good_key) = certificate(&site, "good", 90);
    let (soon, soon_key) = certificate(&site, "soon", 5);
    let (over, over_key) = certificate(&site, "over", -1);
    let text = site.file("text.pem", "no certificate");
    for (chain, key, level, words) in [
        (&good, &good_key, "ok", "is good until"),
        (&soon, &soon_key, "warn", "renew it"),
        (&over, &over_key, "fail", "ended at"),
        (&good, &soon_key, "fail", "isn't the one of the certificate"),
        (&text, &good_key, "fail", "holds no certificate"),
        (&good, &text, "fail", "holds no unencrypted private key"),
        (&"/nonexistent".to_owned(), &good_key, "fail", "/nonexistent can't be read"),
    ] {
        let env = [
            ("SIGNET_ISSUER", "http://127.0.0.1:1"),
            ("SIGNET_LISTEN__TLS_CERTIFICATE", chain.as_str()),
            ("SIGNET_LISTEN__TLS_KEY", key.as_str()),
        ];
        let ran = site.run_as(&ARGS, "", &[], &env);
        let (found, text) = check(&ran, "tls");
        assert!(found == level && text.contains(words), "{found}: {text}");
        assert_eq!(ran.exit, if level == "fail" { Exit::Failed } else { Exit::Ok });
    }
}

/// A SQLite file that an early version made gives no room back, and says so until it is made anew.
#[test]
fn a_file_that_keeps_its_size_is_named_and_can_be_made_anew() {
    let here = [("SIGNET_ISSUER", "http://127.0.0.1:1")];
    let site = Site::sqlite();
    let json = |args: &[&str]| site.run_as(&[args, &["--format", "json"]].concat(), "", &[], &here).json();
    json(&["tenant", "list"]);
    block_on(async {
        let raw = site.database().raw().await;
        raw.execute_unprepared("PRAGMA auto_vacuum = NONE; VACUUM").await.unwrap();
        raw.execute_unprepared("CREATE TABLE junk AS SELECT randomblob(4000000) AS bytes").await.unwrap();
        raw.execute_unprepared("DROP TABLE junk").await.unwrap();
    });
    let before = block_on(site.database().size());
    let ran = site.run_as(&ARGS, "", &[], &here);
    let warned = ran.stdout.contains("signet migrate --compact");
    assert!(ran.exit == Exit::Ok && warned, "{}", ran.stdout);
    json(&["migrate"]);
    assert_eq!(block_on(site.database().size()), before, "not unless it is told to");
    json(&["migrate", "--compact"]);
    let after = block_on(site.database().size());
    assert!(after + 3_000_000 < before, "{before} {after}");
    let ran = site.run_as(&ARGS, "", &[], &here);
    assert!(ran.exit == Exit::Ok && !ran.stdout.contains("--compact"), "{}", ran.stdout);
    assert_eq!(json(&["tenant", "list"]).as_array().unwrap().len(), 1, "all of it is there");
    // On PostgreSQL there is nothing to do.
    let [_, postgres] = Site::both();
    postgres.json(&["migrate", "--compact"]);
}
