//! `signet audit`.

use idp::cli::Exit;
use sea_orm::ConnectionTrait as _;

use super::site::{Site, block_on};

fn change(site: &Site, sql: &str) {
    block_on(async {
        let raw = site.database().raw().await;
        raw.execute_unprepared(sql).await.unwrap();
    });
}

#[test]
fn what_happened_is_listed_the_newest_first() {
    for site in Site::both() {
        site.json(&["client", "create", "Reports", "--id", "reports", "--redirect-uri", "https://r.example/cb"]);
        site.json(&["client", "disable", "reports"]);
        let listed = site.json(&["audit", "list", "--client", "reports"]);
        let lines: Vec<_> = listed.as_array().unwrap().iter().filter(|line| line["kind"] != "sessions.ended").collect();
        let kinds: Vec<_> = lines.iter().map(|line| line["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["client.changed", "client.created"]);
        assert_eq!(lines[0]["actor"], "cli");
        assert_eq!(lines[0]["detail"], serde_json::json!({ "status": "disabled" }));
        let one = site.json(&["audit", "list", "--kind", "client.created", "--actor", "cli", "--limit", "1"]);
        assert_eq!(one.as_array().unwrap(), std::slice::from_ref(lines[1]));
        let text = site.run(&["audit", "list", "--kind", "client.changed"]).stdout;
        assert!(text.starts_with("TIME "), "{text}");
        site.run(&["audit", "list", "--kind", "x"]).failed(Exit::Usage, "there is no kind");
        site.run(&["audit", "list", "--since", "x"]).failed(Exit::Usage, "since must be a time");
        site.run(&["audit", "list", "--after", "x"]).failed(Exit::Usage, "cursor must be");
        site.run(&["audit", "list", "--user", "nobody@example.com"]).failed(Exit::NotFound, "no user");
    }
}

#[test]
fn a_name_cannot_forge_a_line() {
    let site = Site::sqlite();
    let name = "eve\u{202e}\n2030-01-01T00:00:00Z  user.sign_in\u{1b}[2K\u{2028}\u{9b}";
    change(&site, "UPDATE tenants SET name = name");
    site.json(&["client", "create", "Reports", "--id", "reports", "--redirect-uri", "https://r.example/cb"]);
    change(&site, &format!("UPDATE audit_events SET actor = '{name}', address = '{name}'"));
    let text = site.run(&["audit", "list", "--client", "reports"]).stdout;
    assert_eq!(text.lines().count(), 2, "{text}");
    let disturbing = text.chars().any(|c| c != '\n' && (c.is_control() || matches!(c, '\u{202e}' | '\u{2028}')));
    assert!(!disturbing, "{text:?}");
}

#[test]
fn verify_says_whether_it_is_whole() {
    for site in Site::both() {
        site.json(&["tenant", "create", "acme"]);
        for id in ["a", "b", "c"] {
            site.json(&["client", "create", id, "--id", id, "--redirect-uri", "https://r.example/cb"]);
        }
        let intact = site.json(&["audit", "verify"]);
        assert_eq!((&intact["status"], &intact["tenant"]), (&"intact".into(), &"default".into()));
        assert!(intact["lines"].as_u64().unwrap() >= 3, "{intact}");
        let checkpoint = intact["checkpoint"].as_str().unwrap().to_owned();
        assert_eq!(site.json(&["audit", "verify", "--checkpoint", &checkpoint])["status"], "intact");
        assert_eq!(site.json(&["audit", "verify", "--tenant", "acme"])["status"], "intact");

        change(&site, "UPDATE audit_events SET actor = 'nobody' WHERE client_id = 'b'");
        let ran = site.run(&["audit", "verify"]);
        assert_eq!(ran.exit, Exit::Failed);
        assert!(ran.stdout.contains("broken") && ran.stdout.contains("the line was changed"), "{}", ran.stdout);
        assert_eq!(site.json(&["audit", "verify", "--tenant", "acme"])["status"], "intact");
        let all = site.run(&["audit", "verify", "--all"]);
        assert_eq!(all.exit, Exit::Failed);
        assert_eq!(all.stdout.lines().filter(|line| line.contains("intact")).count(), 1, "{}", all.stdout);

        for bad in ["x", "1:", "1:zz", "1:ab", ":"] {
            site.run(&["audit", "verify", "--checkpoint", bad]).failed(Exit::Usage, "expected a place and 64");
        }
    }
}
