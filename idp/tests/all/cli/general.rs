//! What holds for every command: help, errors, configuration, migration, documents.

use idp::cli::Exit;
use serde_json::{Value, json};

use super::site::{Site, run};

/// The commands that a help page lists.
fn commands(help: &str) -> Vec<String> {
    let listed = help.split_once("Commands:\n").map_or("", |(_, rest)| rest);
    let names = listed.lines().take_while(|line| line.starts_with("  "));
    let name =
        |line: &str| line.strip_prefix("  ")?.split(' ').next().filter(|name| !name.is_empty()).map(str::to_owned);
    names.filter_map(name).filter(|name| name != "help").collect()
}

#[test]
fn every_command_has_help_and_is_in_the_documentation() {
    let page = format!("{}/../docs/cli.md", env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(page).unwrap();
    let help = |words: &[&str]| {
        let ran = run(&[], &[words, &["--help"]].concat(), "", &[]);
        assert_eq!(ran.exit, Exit::Ok, "{words:?}");
        ran.stdout
    };
    let mut seen = 0;
    for noun in commands(&help(&[])) {
        let verbs = commands(&help(&[&noun]));
        let lines = if verbs.is_empty() {
            vec![noun.clone()]
        } else {
            verbs.iter().map(|verb| format!("{noun} {verb}")).collect()
        };
        for line in lines {
            let words: Vec<&str> = line.split(' ').collect();
            for option in help(&words).split_whitespace().filter(|word| word.starts_with("--")) {
                // `--flag[=<BOOL>]`: its value may be left out.
                let option = option.split('[').next().unwrap().trim_end_matches([',', '.', ':', ')', ']', ';']);
                assert!(page.contains(option), "{option} of `signet {line}` isn't in docs/cli.md");
            }
            assert!(page.contains(&format!("signet {line}")), "`signet {line}` isn't in docs/cli.md");
            seen += 1;
        }
    }
    assert!(seen > 30, "only {seen} commands were found");
}

#[test]
fn help_names_the_exit_codes() {
    let help = run(&[], &["--help"], "", &[]).stdout;
    let all = [Exit::Ok, Exit::Failed, Exit::Usage, Exit::NotFound, Exit::Conflict, Exit::Refused, Exit::Unavailable];
    for (code, exit) in all.iter().enumerate() {
        assert_eq!(usize::from(exit.code()), code);
        assert!(help.contains(&format!("\n  {code}  ")), "{help}");
    }
    assert!(run(&[], &["--version"], "", &[]).stdout.starts_with("signet "));
}

#[test]
fn arguments_that_cannot_be_used_are_named() {
    for (args, words) in [
        (&[][..], "Usage"),
        (&["nonsense"], "unrecognized subcommand 'nonsense'"),
        (&["tenant", "create"], "<SLUG>"),
        (&["tenant", "create", "Not A Slug"], "a slug has 1 to 63 characters"),
        (&["user", "create", "--email", "nobody"], "name@example.com"),
        (&["user", "create", "--password-stdin", "--generate-password"], "cannot be used with"),
        (&["client", "create", "x"], "--grant"),
        (&["client", "create", "x", "--grant", "passwords"], "possible values: authorization_code, client_credentials"),
        (&["client", "create", "x", "--redirect-uri", "http://example.com/cb"], "must use https"),
        (&["client", "show", "a b"], "not a valid client_id"),
        (&["key", "create", "--alg", "HS256"], "RS256, PS256, ES256, ES384, EdDSA"),
        (&["key", "reseal"], "--previous-key-file"),
        (&["serve", "--listen", "127.0.0.1:1"], "--dev"),
        (&["serve", "--dev", "--listen", "here"], "--listen"),
        (&["completion", "basic"], "possible values"),
        (&["tenant", "list", "--limit", "0"], "--limit"),
    ] {
        run(&[], args, "", &[]).failed(Exit::Usage, words);
    }
}

#[test]
fn an_error_is_json_where_json_is_asked_for() {
    let site = Site::sqlite();
    let ran = site.run(&["tenant", "show", "nobody", "--format", "json"]);
    ran.failed(Exit::NotFound, "");
    let error: Value = serde_json::from_str(&ran.stderr).unwrap();
    let message = "there is no tenant nobody; `signet tenant list` shows those that there are";
    assert_eq!(error, json!({ "error": { "code": "not_found", "message": message } }));
    let ran = site.run(&["--format=json", "tenant", "show"]);
    ran.failed(Exit::Usage, "");
    let error: Value = serde_json::from_str(&ran.stderr).unwrap();
    assert_eq!(error["error"]["code"], "usage");
}

#[test]
fn without_configuration_it_says_what_to_give() {
    for args in [&["tenant", "list"][..], &["migrate"], &["config", "check"], &["serve"]] {
        run(&[], args, "", &[]).failed(Exit::Usage, "give --config FILE or set SIGNET_CONFIG");
    }
    run(&[], &["tenant", "list", "--data", "/nonexistent"], "", &[]).failed(Exit::NotFound, "signet serve --dev");
    run(&[], &["tenant", "list", "--data", "a", "--config", "b"], "", &[]).failed(Exit::Usage, "exclude each other");
    run(&[], &["serve", "--data", "a"], "", &[]).failed(Exit::Usage, "say --dev as well");
    run(&[], &["serve", "--dev", "--config", "a"], "", &[]).failed(Exit::Usage, "--dev needs no configuration");
}

#[test]
fn a_configuration_is_read_from_a_file_or_named_by_a_variable() {
    let site = Site::sqlite();
    let key = site.file("key", super::site::KEY);
    let text = format!(
        "issuer = \"https://id.example.com\"\nkey_encryption_key_file = \"{key}\"\ndatabase.url = \"sqlite:///nowhere/x.db\"\n"
    );
    let path = site.file("signet.toml", &text);
    let good = run(&[], &["config", "check", "--config", &path, "--format", "json"], "", &[]).json();
    assert_eq!(good["issuer"], "https://id.example.com");
    assert_eq!(good["database"], "SQLite");
    assert_eq!(good["http"], "127.0.0.1:8080");
    let named = run(&[("SIGNET_CONFIG", &path)], &["config", "check"], "", &[]);
    assert_eq!(named.exit, Exit::Ok, "{}", named.stderr);
    assert!(named.stdout.contains("can be used"), "{}", named.stdout);

    let bad = site.file("bad.toml", &format!("{text}lisen.address = 1\n"));
    run(&[], &["config", "check", "--config", &bad], "", &[]).failed(Exit::Usage, "lisen");
    // The file of the database isn't made by looking.
    run(&[], &["user", "list", "--config", &path], "", &[]).failed(Exit::NotFound, "`signet migrate` makes it");
}

#[test]
fn documents_are_printed() {
    let reference = run(&[], &["config", "reference"], "", &[]);
    assert_eq!((reference.exit, reference.stdout), (Exit::Ok, idp::config::reference()));
    let openapi: Value = serde_json::from_str(&run(&[], &["openapi"], "", &[]).stdout).unwrap();
    assert!(openapi["paths"]["/token"].is_object());
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = run(&[], &["completion", shell], "", &[]);
        assert!(script.exit == Exit::Ok && script.stdout.contains("rotate-secret"), "{shell}");
    }
}

#[test]
fn migrating_twice_does_nothing_the_second_time() {
    for site in Site::both_empty() {
        let before = site.run(&["tenant", "list"]);
        assert!(matches!(before.exit, Exit::Refused | Exit::NotFound), "{}", before.stderr);
        assert!(before.stderr.contains("signet migrate"), "{}", before.stderr);
        let first = site.json(&["migrate"]);
        assert!(!first["applied"].as_array().unwrap().is_empty());
        let second = site.json(&["migrate"]);
        assert_eq!(second, json!({ "applied": [], "steps": first["steps"] }));
        assert!(site.run(&["migrate"]).stdout.contains("nothing to do"));
        assert_eq!(site.json(&["tenant", "list"])[0]["slug"], "default");
    }
}

#[test]
fn another_issuer_than_the_databases_is_refused() {
    let site = Site::sqlite();
    site.json(&["tenant", "list"]);
    let other = [("SIGNET_ISSUER", "https://other.example.com")];
    site.run_as(&["tenant", "list"], "", &[], &other).failed(Exit::Refused, "https://id.example.com");
}

#[test]
fn a_database_that_cannot_be_reached_is_unavailable() {
    let site = Site::sqlite();
    let gone = [("SIGNET_DATABASE__URL", "postgres://signet:planted-password@127.0.0.1:1/signet")];
    let ran = site.run_as(&["tenant", "list"], "", &[], &gone);
    ran.failed(Exit::Unavailable, "database");
    assert!(!ran.stderr.contains("planted-password"), "{}", ran.stderr);
}
