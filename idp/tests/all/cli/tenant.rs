//! `signet tenant`.

use idp::cli::Exit;

use super::site::Site;

#[test]
fn a_tenant_is_made_listed_shown_suspended_and_resumed() {
    for site in Site::both() {
        let made = site.json(&["tenant", "create", "acme", "--name", "Acme Corp"]);
        assert_eq!(made["issuer"], "https://id.example.com/t/acme");
        assert_eq!(
            (&made["slug"], &made["name"], &made["status"]),
            (&"acme".into(), &"Acme Corp".into(), &"active".into())
        );
        assert_eq!(site.json(&["tenant", "show", "acme"]), made);
        let listed = site.json(&["tenant", "list"]);
        let slugs: Vec<&str> =
            listed.as_array().unwrap().iter().map(|tenant| tenant["slug"].as_str().unwrap()).collect();
        assert_eq!(slugs, ["default", "acme"]);
        assert_eq!(site.json(&["tenant", "suspend", "acme"])["status"], "suspended");
        assert_eq!(site.json(&["tenant", "show", "acme"])["status"], "suspended");
        assert_eq!(site.json(&["tenant", "resume", "acme"])["status"], "active");
        let text = site.run(&["tenant", "list"]).stdout;
        assert!(text.starts_with("SLUG     NAME       STATUS  ISSUER\ndefault  Signet"), "{text}");
    }
}

#[test]
fn a_list_comes_in_parts() {
    let site = Site::sqlite();
    for slug in ["a", "b", "c"] {
        site.json(&["tenant", "create", slug]);
    }
    let first = site.json(&["tenant", "list", "--limit", "2"]);
    let last = first[1]["tenant_id"].as_str().unwrap();
    let rest = site.json(&["tenant", "list", "--after", last]);
    let slugs: Vec<&str> = rest.as_array().unwrap().iter().map(|tenant| tenant["slug"].as_str().unwrap()).collect();
    assert_eq!((first.as_array().unwrap().len(), slugs), (2, vec!["b", "c"]));
    site.run(&["tenant", "list", "--after", "x"]).failed(Exit::Usage, "not a valid tenant id");
}

#[test]
fn settings_are_set_kept_and_taken_back() {
    for site in Site::both() {
        site.json(&["tenant", "create", "acme", "--accent", "#1A73E8"]);
        let set = site.json(&[
            "tenant",
            "set",
            "acme",
            "--name",
            "Acme",
            "--logo",
            "https://acme.example/logo.svg",
            "--background",
            "#ffffff",
            "--locale",
            "de",
            "--default-audience",
            "https://api.acme.example",
            "--default-role",
            "MEMBER",
        ]);
        assert_eq!(set["accent"], "#1a73e8", "what isn't named stays");
        assert_eq!(set["logo"], "https://acme.example/logo.svg");
        assert_eq!((&set["locale"], &set["default_role"]), (&"de".into(), &"MEMBER".into()));
        let back = site.json(&["tenant", "set", "acme", "--logo", "", "--locale", ""]);
        assert!(back["logo"].is_null() && back["locale"].is_null());
        assert_eq!((&back["name"], &back["background"]), (&"Acme".into(), &"#ffffff".into()));
        let user = site.json(&["user", "create", "--tenant", "acme", "--username", "ada", "--no-password"]);
        assert_eq!(user["roles"][0], "MEMBER");
    }
}

#[test]
fn settings_that_pages_cannot_use_are_refused() {
    let site = Site::sqlite();
    site.json(&["tenant", "create", "acme"]);
    for (option, value, words) in [
        ("--logo", "http://acme.example/logo.png", "expected an https address"),
        ("--logo", "javascript:alert(1)", "expected an https address"),
        ("--accent", "blue", "#rrggbb"),
        ("--background", "#fff", "#rrggbb"),
        ("--locale", "tlh", "expected one of"),
        ("--default-audience", "two words", "visible ASCII"),
        ("--default-role", "two words", "visible ASCII"),
        ("--name", "", "a name has 1 to 200 characters"),
    ] {
        site.run(&["tenant", "set", "acme", option, value]).failed(Exit::Usage, words);
    }
}

#[test]
fn what_cannot_be_done_says_why() {
    for site in Site::both() {
        site.json(&["tenant", "create", "acme"]);
        site.run(&["tenant", "create", "acme"]).failed(Exit::Conflict, "there is a tenant acme already");
        site.run(&["tenant", "create", "default"]).failed(Exit::Conflict, "there is a tenant default already");
        site.run(&["tenant", "show", "other"]).failed(Exit::NotFound, "there is no tenant other");
        site.run(&["tenant", "set", "other", "--name", "x"]).failed(Exit::NotFound, "there is no tenant other");
        site.run(&["tenant", "suspend", "default"]).failed(Exit::Refused, "the default tenant can't be suspended");
    }
}
