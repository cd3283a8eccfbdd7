//! `signet webhook`.

use idp::cli::Exit;

use super::site::Site;

#[test]
fn a_webhook_is_made_changed_given_a_new_secret_and_deleted() {
    for site in Site::both() {
        let made = site.json(&["webhook", "create", "https://hook.example/a", "--type", "auth:user.login"]);
        let id = made["endpoint_id"].as_str().unwrap();
        assert!(made["secret"].as_str().unwrap().starts_with("whsec_"), "{made}");
        assert_eq!((&made["status"], &made["types"]), (&"active".into(), &serde_json::json!(["auth:user.login"])));

        let shown = site.json(&["webhook", "show", id]);
        assert_eq!(shown.get("secret"), None, "it is shown once");
        assert_eq!(site.json(&["webhook", "list"])[0], shown);
        let text = site.run(&["webhook", "create", "https://hook.example/b"]).stdout;
        assert!(text.contains("whsec_") && text.contains("shown this once"), "{text}");

        let set = site.json(&["webhook", "set", id, "--all-types", "--description", "Billing"]);
        assert_eq!((&set["types"], &set["description"]), (&serde_json::json!([]), &"Billing".into()));
        let moved = site.json(&["webhook", "set", id, "--address", "https://hook.example/c"]);
        assert_eq!((&moved["url"], &moved["description"]), (&"https://hook.example/c".into(), &"Billing".into()));
        assert_eq!(site.json(&["webhook", "disable", id])["status"], "disabled");
        assert_eq!(site.json(&["webhook", "enable", id])["status"], "active");
        let rotated = site.json(&["webhook", "rotate", id, "--grace", "1h"]);
        assert_ne!(rotated["secret"], made["secret"]);
        assert_eq!(site.json(&["webhook", "deliveries", id]), serde_json::json!([]));
        assert_eq!(site.json(&["webhook", "replay", id])["replayed"], 0);
        site.run(&["webhook", "replay", id, "--delivery", "x"]).failed(Exit::Usage, "--delivery");

        assert_eq!(site.json(&["webhook", "delete", id])["status"], "deleted");
        site.run(&["webhook", "delete", id]).failed(Exit::NotFound, "there is no webhook");
        site.run(&["webhook", "set", id, "--type", "x", "--all-types"]).failed(Exit::Usage, "cannot be used with");
        site.run(&["webhook", "create", "https://10.0.0.1/hook"]).failed(Exit::Usage, "isn't public");
    }
}
