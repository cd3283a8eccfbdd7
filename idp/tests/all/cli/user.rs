//! `signet user`.

use idp::cli::Exit;

use super::site::Site;

const GOOD: &str = "correct horse battery staple";

#[test]
fn a_user_is_made_found_by_each_name_and_listed() {
    for site in Site::both() {
        let made = site
            .run_reading(
                &[
                    "user",
                    "create",
                    "--email",
                    "Ada@Example.com",
                    "--email-verified",
                    "--username",
                    "ada",
                    "--name",
                    "Ada Lovelace",
                    "--given-name",
                    "Ada",
                    "--family-name",
                    "Lovelace",
                    "--role",
                    "b",
                    "--role",
                    "a",
                    "--password-stdin",
                    "--format",
                    "json",
                ],
                &format!("{GOOD}\nmore\n"),
            )
            .json();
        assert_eq!(made["roles"], serde_json::json!(["a", "b"]));
        assert_eq!(made["profile"]["name"], "Ada Lovelace");
        assert_eq!((&made["email_verified"], &made["status"]), (&true.into(), &"active".into()));
        assert!(made.get("password").is_none(), "what was typed isn't shown");
        for name in [made["user_id"].as_str().unwrap(), "ADA@example.COM", "Ada"] {
            assert_eq!(site.json(&["user", "show", name]), made, "{name}");
        }
        assert_eq!(site.json(&["user", "list"])[0], made);
        let text = site.run(&["user", "show", "ada"]).stdout;
        assert!(text.contains("email           Ada@Example.com\n"), "{text}");
    }
}

#[test]
fn a_user_is_switched_off_locked_and_on_again() {
    for site in Site::both() {
        site.json(&["user", "create", "--username", "ada", "--no-password"]);
        for (verb, status) in [("disable", "disabled"), ("lock", "locked"), ("enable", "active")] {
            assert_eq!(site.json(&["user", verb, "ada"])["status"], status);
            assert_eq!(site.json(&["user", "show", "ada"])["status"], status);
        }
    }
}

#[test]
fn a_password_comes_from_input_a_terminal_or_chance() {
    let site = Site::sqlite();
    let drawn = site.json(&["user", "create", "--username", "ada", "--generate-password"]);
    let drawn = drawn["password"].as_str().unwrap().to_owned();
    assert!(drawn.len() == 23 && drawn.split('-').count() == 4, "{drawn}");
    let other = site.json(&["user", "set-password", "ada", "--generate-password"]);
    assert_ne!(other["password"], *drawn);
    let set = site.run_reading(&["user", "set-password", "ada", "--password-stdin"], GOOD);
    assert_eq!(set.exit, Exit::Ok, "{}", set.stderr);
    assert!(!set.stdout.contains(GOOD));
    let typed = site.run_as(&["user", "set-password", "ada"], "", &[GOOD, GOOD], &[]);
    assert_eq!(typed.exit, Exit::Ok, "{}", typed.stderr);
    site.run_as(&["user", "set-password", "ada"], "", &[GOOD, "else"], &[])
        .failed(Exit::Usage, "the two passwords differ");
    site.run(&["user", "set-password", "ada"]).failed(Exit::Usage, "--password-stdin or --generate-password");
    site.run_reading(&["user", "set-password", "ada", "--password-stdin"], "").failed(Exit::Usage, "is empty");
    site.run_reading(&["user", "set-password", "nobody", "--password-stdin"], GOOD)
        .failed(Exit::NotFound, "no user nobody");
}

#[test]
fn what_cannot_be_done_says_why() {
    for site in Site::both() {
        site.json(&["user", "create", "--email", "ada@example.com", "--username", "ada", "--no-password"]);
        let create = |args: &[&str]| site.run(&[&["user", "create", "--no-password"], args].concat());
        create(&[]).failed(Exit::Usage, "give --email, --username or both");
        create(&["--email", "ADA@example.com"]).failed(Exit::Conflict, "this e-mail address already");
        create(&["--username", "Ada"]).failed(Exit::Conflict, "this user name already");
        create(&["--username", "x", "--role", "two words"]).failed(Exit::Usage, "a role has 1 to 64");
        create(&["--username", "x", "--tenant", "other"]).failed(Exit::NotFound, "there is no tenant other");
        site.run(&["user", "show", "nobody"]).failed(Exit::NotFound, "there is no user nobody");
        site.run(&["user", "disable", "nobody"]).failed(Exit::NotFound, "there is no user nobody");
        for (password, words) in
            [("short", "at least 8"), ("password1", "easy to guess"), ("ada@example.com", "easy to guess")]
        {
            site.run_reading(&["user", "set-password", "ada", "--password-stdin"], password)
                .failed(Exit::Refused, words);
        }
    }
}

#[test]
fn people_of_one_tenant_are_nobody_in_another() {
    for site in Site::both() {
        site.json(&["tenant", "create", "acme"]);
        let made = site.json(&["user", "create", "--tenant", "acme", "--email", "ada@example.com", "--no-password"]);
        site.run(&["user", "show", "ada@example.com"]).failed(Exit::NotFound, "no user");
        site.run(&["user", "show", made["user_id"].as_str().unwrap()]).failed(Exit::NotFound, "no user");
        assert_eq!(site.json(&["user", "list"]), serde_json::json!([]));
        assert_eq!(site.run(&["user", "list"]).stdout, "There are none.\n");
        site.json(&["user", "create", "--email", "ada@example.com", "--no-password"]);
    }
}
