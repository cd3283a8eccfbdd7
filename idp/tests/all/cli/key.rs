//! `signet key`.

use idp::cli::Exit;
use serde_json::{Value, json};

use super::site::{KEY, OTHER_KEY, Site};

fn create(site: &Site) -> String {
    let key = site.json(&["key", "create", "--alg", "ES256"]);
    assert_eq!((&key["alg"], &key["state"]), (&"ES256".into(), &"staged".into()));
    assert!(key["may_activate_at"].is_string());
    key["kid"].as_str().unwrap().to_owned()
}

fn states(site: &Site) -> Vec<Value> {
    site.json(&["key", "list"]).as_array().unwrap().iter().map(|key| key["state"].clone()).collect()
}

#[test]
fn a_key_goes_from_staged_to_retired_and_waits_where_it_must() {
    for site in Site::both() {
        let (first, second) = (create(&site), create(&site));
        site.run(&["key", "activate", &first]).failed(Exit::Refused, "--emergency");
        assert_eq!(site.json(&["key", "activate", &first, "--emergency"])["state"], "active");
        assert_eq!(site.json(&["key", "activate", &second, "--emergency"])["state"], "active");
        assert_eq!(states(&site), ["retiring", "active"], "the one that signed before begins to retire");
        site.run(&["key", "retire", &second]).failed(Exit::Refused, "`signet key list`");
        site.run(&["key", "retire", &first]).failed(Exit::Refused, "--emergency");
        assert_eq!(site.json(&["key", "retire", &first, "--emergency"])["state"], "retired");
        let shown = site.json(&["key", "show", &first]);
        assert_eq!(shown["jwk"]["kty"], "EC");
        assert!(shown["jwk"].get("d").is_none() && shown["retired_at"].is_string());
        let table = site.run(&["key", "list"]).stdout;
        assert!(table.starts_with("KID ") && table.contains("retired"), "{table}");
    }
}

#[test]
fn a_staged_key_that_nobody_needs_is_retired_at_once() {
    let site = Site::sqlite();
    let key = create(&site);
    assert_eq!(site.json(&["key", "retire", &key])["state"], "retired");
}

#[test]
fn what_cannot_be_done_says_why() {
    for site in Site::both() {
        for verb in ["show", "activate", "retire"] {
            site.run(&["key", verb, "nobody"]).failed(Exit::NotFound, "there is no key nobody");
        }
        site.run(&["key", "create", "--alg", "ES256", "--bits", "2048"]).failed(Exit::Usage, "ES256");
        site.run(&["key", "create", "--bits", "1024"]).failed(Exit::Usage, "1024");
        site.json(&["tenant", "create", "acme"]);
        let key = create(&site);
        site.run(&["key", "show", &key, "--tenant", "acme"]).failed(Exit::NotFound, "there is no key");
        assert_eq!(site.run(&["key", "list", "--tenant", "acme"]).stdout, "There are none.\n");
    }
}

#[test]
fn keys_are_sealed_anew_under_another_key_encryption_key() {
    for site in Site::both() {
        site.json(&["tenant", "create", "acme"]);
        site.json(&["key", "create", "--alg", "EdDSA", "--tenant", "acme"]);
        create(&site);
        // The secret that a client signs with is sealed as well; one that is only shown to us isn't kept.
        let client = ["client", "create", "Robot", "--grant", "client_credentials", "--auth-method"];
        site.json(&[&client[..], &["client_secret_jwt"]].concat());
        site.json(&[&client[..], &["client_secret_basic"]].concat());
        let former = site.file("former", &format!("{KEY}\n"));
        let other = [("SIGNET_KEY_ENCRYPTION_KEY", OTHER_KEY)];
        let reseal = ["key", "reseal", "--previous-key-file", &former, "--format", "json"];
        let doctor = site.run_as(&["doctor"], "", &[], &other);
        assert!(
            doctor.exit == Exit::Failed && doctor.stdout.contains("2 of 2 private keys can't be opened"),
            "{}",
            doctor.stdout
        );
        assert_eq!(site.run_as(&reseal, "", &[], &other).json(), json!({ "resealed": 3, "unchanged": 0 }));
        assert_eq!(site.run_as(&reseal, "", &[], &other).json(), json!({ "resealed": 0, "unchanged": 3 }));
        let doctor = site.run_as(&["doctor"], "", &[], &other);
        assert_eq!(doctor.exit, Exit::Ok, "{}", doctor.stdout);
        // Back again, and with the wrong one.
        let back = site.run_reading(&["key", "reseal", "--previous-key-stdin", "--format", "json"], OTHER_KEY);
        assert_eq!(back.json(), json!({ "resealed": 3, "unchanged": 0 }));
        let third = [("SIGNET_KEY_ENCRYPTION_KEY", "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=")];
        site.run_as(&["key", "reseal", "--previous-key-stdin"], OTHER_KEY, &[], &third)
            .failed(Exit::Failed, "can't be opened");
        site.run_reading(&["key", "reseal", "--previous-key-stdin"], "no key").failed(Exit::Usage, "key");
    }
}
