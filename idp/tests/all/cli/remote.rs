//! The same verbs at a server: each command is run on the database and at the admin API, and says the same.

use std::thread::JoinHandle;

use idp::app::App;
use idp::cli::Exit;
use idp::config::Listen;
use idp::http::server::Server;
use serde_json::Value;
use tokio::sync::oneshot;

use super::site::{Ran, Site, block_on};
use crate::support::world::payload;

const SCOPES: &str = "admin:users:read admin:users:write admin:clients:read admin:clients:write admin:keys:read \
     admin:keys:write admin:consents:read admin:consents:write admin:audit:read \
     admin:webhooks:read admin:webhooks:write admin:sessions:read \
     admin:sessions:write";

/// An installation that serves.
pub(super) struct Served {
    site: Site,
    pub(super) issuer: String,
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<()>>,
}

impl Served {
    /// Serves it.
    pub(super) fn start(site: Site) -> Self {
        let mut config = site.config();
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = std::sync::mpsc::channel();
        let serve = move || {
            block_on(async {
                let listen = Listen { address: "127.0.0.1:0".parse().unwrap(), ..Listen::default() };
                let server = Server::bind(&listen).unwrap();
                let issuer = format!("http://{}", server.bound()[0].address);
                config.issuer = issuer.parse().unwrap();
                let app = App::open(config).await.unwrap();
                tell.send(issuer).unwrap();
                app.serve(server, None, async { drop(stopped.await) }).await;
            });
        };
        let server = std::thread::spawn(serve);
        let issuer = told.recv().unwrap();
        Self { site, issuer, stop: Some(stop), server: Some(server) }
    }

    /// Runs a command on the database.
    pub(super) fn local(&self, args: &[&str], input: &str) -> Ran {
        self.site.run_as(args, input, &[], &[("SIGNET_ISSUER", &self.issuer)])
    }

    fn json(&self, args: &[&str]) -> Value {
        self.local(&[args, &["--format", "json"]].concat(), "").json()
    }

    /// Makes a tenant with a service that administers it, and gives its secret.
    pub(super) fn tenant(&self, slug: &str) -> String {
        self.json(&["tenant", "create", slug]);
        let service = ["client", "create", "Operator", "--id", "operator", "--grant", "client_credentials"];
        let made = self.json(&[&service[..], &["--scope", SCOPES, "--tenant", slug]].concat());
        made["client_secret"].as_str().unwrap().to_owned()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.stop.take().unwrap().send(());
        drop(self.server.take().unwrap().join());
    }
}

/// An answer without what differs from tenant to tenant and from second to second.
fn settled(value: &mut Value) {
    const DIFFERS: [&str; 11] = [
        "endpoint_id",
        "secret",
        "user_id",
        "password",
        "client_secret",
        "kid",
        "jwk",
        "secrets",
        "since",
        "next",
        "former_secrets_good_until",
    ];
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if !member.is_null() && (DIFFERS.contains(&name.as_str()) || name.ends_with("_at")) {
                    *member = "…".into();
                } else {
                    settled(member);
                }
            }
        }
        Value::Array(members) => members.iter_mut().for_each(settled),
        _ => {}
    }
}

fn answer(ran: &Ran) -> Value {
    let text = if ran.exit == Exit::Ok { &ran.stdout } else { &ran.stderr };
    let mut value: Value = serde_json::from_str(text).unwrap_or_else(|_| panic!("not JSON: {text}"));
    if let Some(error) = value.get_mut("error") {
        // How it is said may differ; what it comes to may not.
        error["message"] = "…".into();
    }
    settled(&mut value);
    value
}

/// Commands, what they read, and how they end.
const COMMANDS: &[(&[&str], &str, Exit)] = &[
    (&["user", "create", "--email", "ada@example.com", "--no-password", "--name", "Ada"], "", Exit::Ok),
    (&["user", "create", "--email", "ADA@example.com", "--no-password"], "", Exit::Conflict),
    (&["user", "create", "--no-password"], "", Exit::Usage),
    (&["user", "create", "--username", "bob", "--password-stdin"], "password1", Exit::Refused),
    (&["user", "create", "--username", "bob", "--password-stdin"], "correct horse battery staple", Exit::Ok),
    (&["user", "create", "--username", "eve", "--generate-password", "--role", "b", "--role", "a"], "", Exit::Ok),
    (&["user", "list"], "", Exit::Ok),
    (&["user", "list", "--limit", "1"], "", Exit::Ok),
    (&["user", "show", "ada@example.com"], "", Exit::Ok),
    (&["user", "show", "nobody"], "", Exit::NotFound),
    (&["user", "show", "00000000-0000-7000-8000-000000000000"], "", Exit::NotFound),
    (
        &[
            "user",
            "set",
            "ada@example.com",
            "--username",
            "ada",
            "--email-verified",
            "--nickname",
            "A",
            "--middle-name",
            "K",
            "--given-name",
            "Ada",
            "--family-name",
            "Lovelace",
            "--profile",
            "https://a.example/p",
            "--picture",
            "https://a.example/i.png",
            "--website",
            "https://a.example",
            "--gender",
            "f",
            "--birthdate",
            "1815-12-10",
            "--zoneinfo",
            "Europe/London",
            "--locale",
            "en-GB",
            "--phone",
            "+44 20 7946 0000",
            "--phone-verified",
            "--address-formatted",
            "St James's Square\nLondon",
            "--address-street",
            "St James's Square",
            "--address-locality",
            "London",
            "--address-region",
            "London",
            "--address-postal-code",
            "SW1Y",
            "--address-country",
            "GB",
            "--role",
            "admin",
            "--role",
            "x",
        ],
        "",
        Exit::Ok,
    ),
    (&["user", "set", "ada", "--nickname", "", "--role", "", "--email-verified=false"], "", Exit::Ok),
    (&["user", "set", "ada", "--website", "javascript:x"], "", Exit::Usage),
    (&["user", "set", "ada"], "", Exit::Usage),
    (&["user", "set", "ada", "--username", "bob"], "", Exit::Conflict),
    (&["user", "set", "nobody", "--nickname", "x"], "", Exit::NotFound),
    (&["user", "lock", "ada"], "", Exit::Ok),
    (&["user", "list", "--status", "locked", "--search", "ad"], "", Exit::Ok),
    (&["user", "enable", "ada"], "", Exit::Ok),
    (&["user", "disable", "ada"], "", Exit::Ok),
    (&["user", "disable", "nobody"], "", Exit::NotFound),
    (&["user", "set-password", "ada", "--password-stdin"], "short", Exit::Refused),
    (&["user", "set-password", "ada", "--generate-password"], "", Exit::Ok),
    (&["client", "create", "Shop", "--id", "shop", "--redirect-uri", "https://shop.example/cb"], "", Exit::Ok),
    (&["client", "create", "Shop", "--id", "shop", "--redirect-uri", "https://shop.example/cb"], "", Exit::Conflict),
    (&["client", "create", "Bad", "--grant", "authorization_code"], "", Exit::Usage),
    (&["webhook", "create", "https://hook.example/a", "--type", "auth:user.login", "--description", "A"], "", Exit::Ok),
    (&["webhook", "create", "https://hook.example/a", "--type", "auth:user.flew"], "", Exit::Usage),
    (&["webhook", "create", "nonsense"], "", Exit::Usage),
    (&["webhook", "list"], "", Exit::Ok),
    (&["webhook", "show", "00000000-0000-7000-8000-000000000000"], "", Exit::NotFound),
    (&["webhook", "show", "nothing"], "", Exit::NotFound),
    (&["webhook", "set", "nothing"], "", Exit::Usage),
    (&["webhook", "delete", "nothing"], "", Exit::NotFound),
    (&["webhook", "replay", "nothing"], "", Exit::NotFound),
    (&["audit", "list", "--client", "nobody"], "", Exit::Ok),
    (&["audit", "list", "--kind", "no.such"], "", Exit::Usage),
    (&["audit", "list", "--user", "nobody"], "", Exit::NotFound),
    (&["client", "list"], "", Exit::Ok),
    (&["client", "show", "shop"], "", Exit::Ok),
    (&["client", "show", "nothing"], "", Exit::NotFound),
    (
        &[
            "client",
            "set",
            "shop",
            "--name",
            "Shop 2",
            "--default-max-age",
            "1h",
            "--default-acr-values",
            "urn:signet:acr:1fa",
            "--contact",
            "ops@shop.example",
            "--policy-uri",
            "https://shop.example/privacy",
            "--userinfo-alg",
            "ES256",
            "--initiate-login-uri",
            "https://shop.example/start",
            "--post-logout-redirect-uri",
            "https://shop.example/bye",
            "--allowed-origin",
            "https://shop.example",
            "--frontchannel-logout-uri",
            "https://shop.example/end",
            "--frontchannel-logout-session-required",
            "--backchannel-logout-uri",
            "https://shop.example/back",
            "--backchannel-logout-session-required=true",
            "--consent",
            "implied",
            "--pkce",
            "optional",
            "--audience",
            "https://api.example",
            "--access-token-lifetime",
            "30m",
            "--role",
            "r",
        ],
        "",
        Exit::Ok,
    ),
    (
        &["client", "set", "shop", "--policy-uri", "", "--userinfo-alg", "", "--audience", "", "--consent", "ask"],
        "",
        Exit::Ok,
    ),
    (&["client", "set", "shop", "--access-token-lifetime", "1s"], "", Exit::Usage),
    (&["client", "set", "nothing", "--name", "x"], "", Exit::NotFound),
    (&["client", "rotate-secret", "shop", "--grace", "60"], "", Exit::Ok),
    (&["client", "disable", "shop"], "", Exit::Ok),
    (&["client", "enable", "shop"], "", Exit::Ok),
    (&["client", "set", "shop", "--auth-method", "none"], "", Exit::Ok),
    (&["client", "rotate-secret", "shop"], "", Exit::Refused),
    (&["key", "create", "--alg", "ES256"], "", Exit::Ok),
    (&["key", "list"], "", Exit::Ok),
    (&["key", "show", "{kid}"], "", Exit::Ok),
    (&["key", "activate", "{kid}"], "", Exit::Refused),
    (&["key", "activate", "{kid}", "--emergency"], "", Exit::Ok),
    (&["key", "retire", "{kid}"], "", Exit::Refused),
    (&["key", "retire", "nothing"], "", Exit::NotFound),
    (&["key", "create", "--bits", "1024"], "", Exit::Usage),
    (&["consent", "list", "--user", "ada"], "", Exit::Ok),
    (&["consent", "list", "--client", "shop"], "", Exit::Ok),
    (&["consent", "list", "--client", "nothing"], "", Exit::NotFound),
    (&["consent", "withdraw", "ada", "shop"], "", Exit::NotFound),
    (&["client", "delete", "shop"], "", Exit::Ok),
    (&["client", "delete", "shop"], "", Exit::NotFound),
    (&["user", "delete", "ada"], "", Exit::Ok),
    (&["user", "delete", "ada"], "", Exit::NotFound),
];

#[test]
fn every_verb_says_the_same_on_the_database_and_at_a_server() {
    for site in Site::both() {
        let served = Served::start(site);
        let [here, there] = [served.tenant("here"), served.tenant("there")];
        assert_ne!(here, there);
        let url = format!("{}/t/there", served.issuer);
        let env = [("SIGNET_CLIENT_ID", "operator"), ("SIGNET_CLIENT_SECRET", there.as_str())];
        // Each tenant's first key is made when it is first needed.
        served.json(&["key", "create", "--tenant", "here"]);
        let mut kids = [String::new(), String::new()];
        for (args, input, exit) in COMMANDS {
            let with_kid = |kid: &str| args.iter().map(|arg| arg.replace("{kid}", kid)).collect::<Vec<_>>();
            let [local_args, remote_args] = [with_kid(&kids[0]), with_kid(&kids[1])];
            let local_args: Vec<&str> = local_args.iter().map(String::as_str).collect();
            let remote_args: Vec<&str> = remote_args.iter().map(String::as_str).collect();
            let local = served.local(&[&local_args, &["--tenant", "here", "--format", "json"][..]].concat(), input);
            let remote =
                super::site::run(&env, &[&remote_args, &["--url", &url, "--format", "json"][..]].concat(), input, &[]);
            assert_eq!(local.exit, *exit, "{args:?}: {}{}", local.stdout, local.stderr);
            assert_eq!(remote.exit, *exit, "{args:?} at the server: {}{}", remote.stdout, remote.stderr);
            if args[0] == "key" && args[1] == "list" {
                // One has the key that tokens are signed with, the other the one that was made for that.
                continue;
            }
            assert_eq!(answer(&local), answer(&remote), "{args:?}");
            if args[0] == "key" && *exit == Exit::Ok {
                kids = [&local, &remote].map(|ran| ran.json()["kid"].as_str().unwrap().to_owned());
            }
        }
    }
}

#[test]
fn a_token_comes_from_the_environment_or_from_input() {
    let served = Served::start(Site::sqlite());
    let secret = served.tenant("acme");
    let url = format!("{}/t/acme", served.issuer);
    let list = ["user", "list", "--url", &url];
    let form = [("grant_type", "client_credentials"), ("resource", &format!("{url}/v1/admin"))];
    let request = reqwest::Client::builder().no_proxy().build().unwrap().post(format!("{url}/token"));
    let request = request.basic_auth("operator", Some(&secret)).form(&form);
    let token: Value = block_on(async { request.send().await.unwrap().json().await.unwrap() });
    let token = token["access_token"].as_str().unwrap();
    let run = super::site::run;
    assert_eq!(run(&[("SIGNET_TOKEN", token)], &list, "", &[]).exit, Exit::Ok);
    assert_eq!(run(&[], &[&list[..], &["--token-stdin"]].concat(), &format!("{token}\n"), &[]).exit, Exit::Ok);
    // A wrong one in the environment doesn't count beside the one that is given.
    let given = run(&[("SIGNET_TOKEN", "nonsense")], &[&list[..], &["--token-stdin"]].concat(), token, &[]);
    assert_eq!(given.exit, Exit::Ok, "{}", given.stderr);

    run(&[], &list, "", &[]).failed(Exit::Usage, "set SIGNET_TOKEN");
    run(&[("SIGNET_TOKEN", "nonsense")], &list, "", &[]).failed(Exit::Refused, "invalid, expired or revoked");
    let wrong = [("SIGNET_CLIENT_ID", "operator"), ("SIGNET_CLIENT_SECRET", "wrong")];
    run(&wrong, &list, "", &[]).failed(Exit::Refused, "gives operator no token");
    let right = [("SIGNET_CLIENT_ID", "operator"), ("SIGNET_CLIENT_SECRET", secret.as_str())];
    let nowhere = format!("{}/t/nowhere", served.issuer);
    run(&right, &["user", "list", "--url", &nowhere], "", &[]).failed(Exit::Failed, "has no metadata");
    run(&right, &["user", "list", "--url", "http://127.0.0.1:1"], "", &[]).failed(Exit::Unavailable, "nothing answers");
    run(&right, &["user", "list", "--url", "http://id.example.com"], "", &[]).failed(Exit::Usage, "--url");
    run(&right, &[&list[..], &["--tenant", "acme"]].concat(), "", &[]).failed(Exit::Usage, "cannot be used with");
    served.json(&["client", "set", "operator", "--tenant", "acme", "--scope", "admin:keys:read"]);
    // The server learns within a second of what was changed beside it.
    let begun = std::time::Instant::now();
    let narrow = loop {
        let ran = run(&right, &list, "", &[]);
        if ran.exit != Exit::Ok || begun.elapsed().as_secs() > 20 {
            break ran;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    };
    narrow.failed(Exit::Refused, "must have the scope admin:users:read");
}

/// Signs Ada in at a tenant's first-party API: her access token.
fn signed_in(issuer: &str) -> String {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let body = serde_json::json!({ "email": "ada@example.com", "password": "correct horse battery staple" });
    let request = client.post(format!("{issuer}/v1/auth/login")).header("content-type", "application/json");
    let answer: Value = block_on(async { request.body(body.to_string()).send().await.unwrap().json().await.unwrap() });
    answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

/// Whether an access token is taken.
fn works(issuer: &str, token: &str) -> bool {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.get(format!("{issuer}/v1/auth/me")).bearer_auth(token);
    block_on(async { request.send().await.unwrap().status().is_success() })
}

/// Waits for what the server learns within a second where it was changed beside it.
#[track_caller]
fn assert_over(issuer: &str, token: &str) {
    let begun = std::time::Instant::now();
    while works(issuer, token) {
        assert!(begun.elapsed().as_secs() < 20, "it works still");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
fn sessions_are_seen_and_ended_the_same_on_the_database_and_at_a_server() {
    for site in Site::both() {
        let served = Served::start(site);
        let [_, there] = [served.tenant("here"), served.tenant("there")];
        let issuers = ["here", "there"].map(|slug| format!("{}/t/{slug}", served.issuer));
        let env = [("SIGNET_CLIENT_ID", "operator"), ("SIGNET_CLIENT_SECRET", there.as_str())];
        let local = |args: &[&str]| served.local(&[args, &["--tenant", "here", "--format", "json"]].concat(), "");
        let remote = |args: &[&str]| {
            super::site::run(&env, &[args, &["--url", &issuers[1], "--format", "json"]].concat(), "", &[])
        };
        for slug in ["here", "there"] {
            let create = ["user", "create", "--email", "ada@example.com", "--password-stdin", "--tenant", slug];
            let made = served.local(&create, "correct horse battery staple\n");
            assert_eq!(made.exit, Exit::Ok, "{}", made.stderr);
        }
        let sids = |ran: &Ran| {
            let items = ran.json();
            let items = items.as_array().unwrap();
            items.iter().map(|item| item["session_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let same = |args: &[&str], exit: Exit| {
            let (here, there) = (local(args), remote(args));
            assert_eq!((here.exit, there.exit), (exit, exit), "{args:?}: {}{}", here.stderr, there.stderr);
        };
        let both_sign_in = || [signed_in(&issuers[0]), signed_in(&issuers[1])];
        let both_over = |tokens: &[String; 2]| {
            assert_over(&issuers[0], &tokens[0]);
            assert!(!works(&issuers[1], &tokens[1]), "what the server did itself holds at once");
        };

        // One by its id.
        let tokens = both_sign_in();
        for list in [&["session", "list"][..], &["session", "list", "--user", "ada@example.com"]] {
            let (here, there) = (local(list), remote(list));
            assert_eq!((sids(&here).len(), sids(&there).len()), (1, 1), "{list:?}");
        }
        let (here, there) = (sids(&local(&["session", "list"])), sids(&remote(&["session", "list"])));
        let shown = [local(&["session", "show", &here[0]]), remote(&["session", "show", &there[0]])];
        let [mut of_database, mut of_server] = shown.map(|ran| ran.json());
        for shown in [&mut of_database, &mut of_server] {
            for name in ["session_id", "user_id", "auth_time"] {
                assert!(shown.as_object_mut().unwrap().remove(name).is_some(), "{name}: {shown}");
            }
            settled(shown);
        }
        assert_eq!(of_database, of_server);
        assert_eq!(local(&["session", "show", &there[0]]).exit, Exit::NotFound, "another tenant's");
        assert_eq!(remote(&["session", "end", &here[0]]).exit, Exit::NotFound, "another tenant's");
        assert_eq!(local(&["session", "end", &here[0]]).exit, Exit::Ok);
        assert_eq!(remote(&["session", "end", &there[0]]).exit, Exit::Ok);
        both_over(&tokens);
        assert_eq!(local(&["session", "end", &here[0]]).exit, Exit::NotFound, "once");
        assert_eq!(remote(&["session", "end", &there[0]]).exit, Exit::NotFound, "once");

        // One by a token that was given in it.
        let tokens = both_sign_in();
        let jtis = tokens.each_ref().map(|token| payload(token)["jti"].as_str().unwrap().to_owned());
        let sids = tokens.each_ref().map(|token| payload(token)["sid"].as_str().unwrap().to_owned());
        assert_eq!(local(&["session", "show", "--jti", &jtis[0]]).json()["session_id"], *sids[0]);
        assert_eq!(remote(&["session", "show", "--jti", &jtis[1]]).json()["session_id"], *sids[1]);
        assert_eq!(local(&["session", "end", "--jti", &jtis[1]]).exit, Exit::NotFound, "another tenant's");
        assert_eq!(remote(&["session", "end", "--jti", &jtis[0]]).exit, Exit::NotFound, "another tenant's");
        assert_eq!(local(&["session", "end", "--jti", &jtis[0]]).json()["session_id"], *sids[0]);
        assert_eq!(remote(&["session", "end", "--jti", &jtis[1]]).json()["session_id"], *sids[1]);
        both_over(&tokens);
        assert_eq!(local(&["session", "show", "--jti", &jtis[0]]).exit, Exit::NotFound, "once");
        assert_eq!(remote(&["session", "end", "--jti", &jtis[1]]).exit, Exit::NotFound, "once");

        // All of a user, all that a client was given, and everything.
        for what in [&["--user", "ada@example.com"][..], &["--client", "first-party"], &["--all"]] {
            let tokens = both_sign_in();
            same(&[&["session", "end"], what].concat(), Exit::Ok);
            both_over(&tokens);
        }
        for (args, exit) in [
            (&["session", "end"][..], Exit::Usage),
            (&["session", "end", "x", "--all"], Exit::Usage),
            (&["session", "end", "x"], Exit::NotFound),
            (&["session", "show", "x"], Exit::NotFound),
            (&["session", "show"], Exit::Usage),
            (&["session", "show", "x", "--jti", "y"], Exit::Usage),
            (&["session", "show", "--jti", "x"], Exit::Usage),
            (&["session", "end", "--jti", "x"], Exit::Usage),
            (&["session", "end", "--jti", "x", "--all"], Exit::Usage),
            (&["session", "end", "--user", "nobody"], Exit::NotFound),
            (&["session", "end", "--client", "nobody"], Exit::NotFound),
            (&["session", "list", "--user", "nobody"], Exit::NotFound),
        ] {
            same(args, exit);
        }
    }
}
