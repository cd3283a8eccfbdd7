//! `signet audit`.

use idp::cli::Exit;
use idp::domain::{TenantId, Timestamp};
use idp::store::{self, StoreError};
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
        site.run(&["audit", "list", "--since", "x"]).failed(Exit::Usage, "since: must be a time");
        site.run(&["audit", "list", "--after", "x"]).failed(Exit::Usage, "cursor: must be");
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

/// What a verb leaves in the audit log.
enum Leaves {
    /// It only looks.
    Nothing,
    /// A line of this kind.
    Line(&'static str),
    /// It changes something under a condition of its own, and its tests show the line.
    Elsewhere(&'static str),
}

/// Every verb of the command line that there is, and an example of those that change something.
const VERBS: &[(&str, &[&str], Leaves)] = &[
    ("tenant create", &["acme"], Leaves::Line("tenant.created")),
    ("tenant set", &["acme", "--name", "Acme Corp"], Leaves::Line("tenant.changed")),
    ("tenant suspend", &["acme"], Leaves::Line("tenant.changed")),
    ("tenant resume", &["acme"], Leaves::Line("tenant.changed")),
    ("tenant list", &[], Leaves::Nothing),
    ("tenant show", &[], Leaves::Nothing),
    ("user create", &["--username", "ada", "--no-password"], Leaves::Line("user.created")),
    ("user set", &["ada", "--name", "Ada"], Leaves::Line("user.changed")),
    ("user set-password", &["ada", "--generate-password"], Leaves::Line("user.password_changed")),
    ("user lock", &["ada"], Leaves::Line("user.status_changed")),
    ("user disable", &["ada"], Leaves::Line("user.status_changed")),
    ("user enable", &["ada"], Leaves::Line("user.status_changed")),
    ("user list", &[], Leaves::Nothing),
    ("user show", &[], Leaves::Nothing),
    (
        "client create",
        &["Shop", "--id", "shop", "--redirect-uri", "https://s.example/cb"],
        Leaves::Line("client.created"),
    ),
    ("client set", &["shop", "--name", "Shop 2"], Leaves::Line("client.changed")),
    ("client rotate-secret", &["shop"], Leaves::Line("client.changed")),
    ("client disable", &["shop"], Leaves::Line("client.changed")),
    ("client enable", &["shop"], Leaves::Line("client.changed")),
    ("client list", &[], Leaves::Nothing),
    ("client show", &[], Leaves::Nothing),
    ("client logout-tokens", &[], Leaves::Nothing),
    ("client replay-logout-tokens", &["shop"], Leaves::Elsewhere("there must be something to send again")),
    ("consent list", &[], Leaves::Nothing),
    ("consent withdraw", &["ada", "shop"], Leaves::Line("consent.withdrawn")),
    ("session end", &["--all"], Leaves::Line("sessions.ended")),
    ("session list", &[], Leaves::Nothing),
    ("session show", &[], Leaves::Nothing),
    ("key create", &["--alg", "ES256"], Leaves::Line("key.changed")),
    ("key activate", &["{kid}", "--emergency"], Leaves::Line("key.changed")),
    ("key retire", &["{kid}", "--emergency"], Leaves::Line("key.changed")),
    ("key reseal", &[], Leaves::Elsewhere("there must be another key-encryption key")),
    ("key list", &[], Leaves::Nothing),
    ("key show", &[], Leaves::Nothing),
    ("webhook create", &["https://hooks.example/in"], Leaves::Line("webhook.changed")),
    ("webhook set", &["{hook}", "--description", "Billing"], Leaves::Line("webhook.changed")),
    ("webhook rotate", &["{hook}"], Leaves::Line("webhook.changed")),
    ("webhook disable", &["{hook}"], Leaves::Line("webhook.changed")),
    ("webhook enable", &["{hook}"], Leaves::Line("webhook.changed")),
    ("webhook replay", &["{hook}"], Leaves::Elsewhere("there must be something to send again")),
    ("webhook delete", &["{hook}"], Leaves::Line("webhook.changed")),
    ("webhook list", &[], Leaves::Nothing),
    ("webhook show", &[], Leaves::Nothing),
    ("webhook deliveries", &[], Leaves::Nothing),
    ("audit list", &[], Leaves::Nothing),
    ("audit verify", &[], Leaves::Nothing),
    ("token explain", &[], Leaves::Nothing),
    ("config check", &[], Leaves::Nothing),
    ("config reference", &[], Leaves::Nothing),
    ("client delete", &["shop"], Leaves::Line("client.deleted")),
    ("user delete", &["ada"], Leaves::Line("user.deleted")),
];

/// The verbs that the help text names.
fn named_verbs(site: &Site) -> Vec<String> {
    let below = |args: &[&str]| {
        let help = site.run(&[args, &["--help"]].concat()).stdout;
        let commands = help.split("Commands:\n").nth(1).unwrap_or_default().to_owned();
        let lines = commands.lines().take_while(|line| line.starts_with("  ")).filter(|line| !line.starts_with("   "));
        lines.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect::<Vec<_>>()
    };
    let nouns = below(&[]).into_iter().filter(|noun| noun != "help");
    let verbs = nouns.flat_map(|noun| {
        let verbs = below(&[&noun]).into_iter().filter(|verb| verb != "help");
        verbs.map(|verb| format!("{noun} {verb}")).collect::<Vec<_>>()
    });
    verbs.collect()
}

#[test]
fn every_change_by_the_command_line_is_in_it_with_who_made_it() {
    for site in Site::both() {
        let mut known: Vec<&str> = VERBS.iter().map(|(verb, ..)| *verb).collect();
        let mut named = named_verbs(&site);
        known.sort_unstable();
        named.sort_unstable();
        assert_eq!(named, known, "say of each verb what it leaves in the audit log");
        let (mut kid, mut hook) = (String::new(), String::new());
        for (verb, example, leaves) in VERBS {
            let written = match leaves {
                Leaves::Line(written) => written,
                Leaves::Nothing => continue,
                Leaves::Elsewhere(why) => {
                    println!("{verb}: {why}");
                    continue;
                }
            };
            let tenant = if verb.starts_with("tenant") { "acme" } else { "default" };
            let lines = || match site.run(&["audit", "list", "--kind", written, "--tenant", tenant, "--format", "json"])
            {
                ran if ran.exit == Exit::Ok => ran.json().as_array().unwrap().clone(),
                _ => Vec::new(),
            };
            let before = lines().len();
            if *verb == "consent withdraw" {
                allow(&site);
            }
            let words: Vec<String> = verb
                .split(' ')
                .chain(example.iter().copied())
                .map(|word| word.replace("{kid}", &kid).replace("{hook}", &hook))
                .collect();
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let said = site.json(&words);
            match *verb {
                "key create" => said["kid"].as_str().unwrap().clone_into(&mut kid),
                "webhook create" => said["endpoint_id"].as_str().unwrap().clone_into(&mut hook),
                _ => {}
            }
            if *verb == "key activate" {
                // Another takes its place, so that it may go.
                let next = site.json(&["key", "create", "--alg", "ES256"])["kid"].as_str().unwrap().to_owned();
                site.json(&["key", "activate", &next, "--emergency"]);
            }
            let after = lines();
            assert!(after.len() > before, "{verb} leaves no line of kind {written}");
            assert_eq!(after[0]["actor"], "cli", "{verb}: {}", after[0]);
            assert_eq!(after[0]["outcome"], "success", "{verb}: {}", after[0]);
        }
        assert_eq!(site.json(&["audit", "verify", "--all"]).as_array().unwrap().len(), 2);
    }
}

/// Ada has allowed the shop something.
fn allow(site: &Site) {
    let ada = site.json(&["user", "show", "ada"])["user_id"].as_str().unwrap().to_owned();
    block_on(async {
        let database = site.database().open().await;
        let tenant = TenantId::DEFAULT;
        let (user, client, scope) = (ada.parse().unwrap(), "shop".parse().unwrap(), "openid".parse().unwrap());
        let now = Timestamp::from_millis(1_893_456_000_000);
        let done: Result<_, StoreError> = database
            .write(async move |tx| store::consents::upsert(&tx, tenant, user, &client, &scope, now).await)
            .await;
        done.unwrap();
        database.close().await;
    });
}
