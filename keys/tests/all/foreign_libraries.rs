//! Libraries that know nothing of Signet verify its tokens, and Signet verifies theirs: `PyJWT`, Authlib and joserfc in
//! Python, jose and `node:crypto` in Node. Needs `python3` with `venv`, `node` and `npm`; the pinned packages are
//! installed into cargo's temporary folder once.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use keys::{Algorithm, ClaimRules, ForeignJwks, KeyRing, Purpose, RingKey, TokenType, verify_jws};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::{NOW, encode, private_key};

const ISSUER: &str = "https://signet.example/t/acme";
const AUDIENCE: &str = "https://api.example";

/// What a script answers.
#[derive(Debug, Deserialize)]
struct Answer {
    checks: usize,
    jwks: Value,
    tokens: Vec<ForeignToken>,
}

#[derive(Debug, Deserialize)]
struct ForeignToken {
    library: String,
    algorithm: Algorithm,
    token: String,
}

#[test]
fn python_libraries_and_we_verify_each_other_s_tokens() {
    let venv = installed("python", "requirements.txt", |folder, sources| {
        run(Command::new("python3").args(["-m", "venv"]).arg(folder));
        run(Command::new(folder.join("bin/pip"))
            .args(["install", "--quiet", "--disable-pip-version-check", "--requirement"])
            .arg(sources.join("requirements.txt")));
    });
    check(Command::new(venv.join("bin/python")).arg(sources().join("check.py")), 3);
}

#[test]
fn node_libraries_and_we_verify_each_other_s_tokens() {
    let modules = installed("node", "package-lock.json", |folder, sources| {
        for file in ["package.json", "package-lock.json"] {
            fs::copy(sources.join(file), folder.join(file)).unwrap();
        }
        run(Command::new("npm").args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(folder));
    });
    // Beside its modules, where Node looks for them.
    let script = modules.join("check.mjs");
    fs::copy(sources().join("check.mjs"), &script).unwrap();
    check(Command::new("node").arg(script), 1);
}

/// Runs a script on a case of good and bad tokens, then verifies what it signed.
fn check(script: &mut Command, libraries: usize) {
    let ring = KeyRing::build(Algorithm::ALL.map(|algorithm| RingKey::Active(private_key(algorithm)))).unwrap();
    let claims = json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "Zoë \u{1f511}", "client_id": "demo", "scope": "openid",
        "iat": NOW, "exp": 4_102_444_800_i64, "jti": "1", "roles": ["a", "b"],
    });
    let sign = |algorithm: Algorithm, claims: &Value| {
        ring.signer(algorithm).unwrap().sign_jwt(TokenType::AccessToken, claims).unwrap()
    };
    let accepted: Vec<Value> = Algorithm::ALL
        .map(|algorithm| json!({"algorithm": algorithm, "token": sign(algorithm, &claims), "claims": claims}))
        .into();
    let mut refused = Vec::new();
    for algorithm in Algorithm::ALL {
        for (name, value) in
            [("exp", json!(NOW)), ("iss", json!("https://signet.example")), ("aud", json!("https://other.example"))]
        {
            let mut other = claims.clone();
            other[name] = value;
            refused.push(sign(algorithm, &other));
        }
        let token = sign(algorithm, &claims);
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let (header, _) = signed.split_once('.').unwrap();
        let mut other = claims.clone();
        other["sub"] = json!("somebody else");
        refused.push(format!("{header}.{}.{signature}", encode(other.to_string())));
    }
    let jwks: Value = serde_json::from_slice(ring.jwks()).unwrap();
    let case = json!({"issuer": ISSUER, "audience": AUDIENCE, "jwks": jwks, "accepted": accepted, "refused": refused});

    let answer: Answer = serde_json::from_slice(&run_with_input(script, case.to_string().as_bytes())).unwrap();
    assert!(answer.checks >= libraries * (accepted.len() + refused.len()), "only {} checks", answer.checks);

    let theirs = ForeignJwks::from_registration(answer.jwks.to_string().as_bytes()).unwrap();
    let rules = ClaimRules::at(NOW).issuer(ISSUER).audience(&[AUDIENCE]);
    for algorithm in Algorithm::ALL {
        assert!(answer.tokens.iter().any(|token| token.algorithm == algorithm), "no {algorithm} token came back");
    }
    for ForeignToken { library, algorithm, token } in answer.tokens {
        let verified = verify_jws(&token, theirs.keys(), Purpose::ClientAssertion)
            .unwrap_or_else(|error| panic!("{algorithm} of {library}: {error}"));
        assert_eq!(verified.algorithm(), algorithm.into());
        assert_eq!(Value::Object(verified.claims_object().unwrap()), claims, "{algorithm} of {library}");
        rules.check(&verified.claims().unwrap()).unwrap();
    }
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign")
}

/// A folder into which `install` has put what `pins` lists. It is made anew when the pins change, or when it wasn't
/// finished.
fn installed(name: &str, pins: &str, install: impl FnOnce(&Path, &Path)) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("foreign").join(name);
    let marker = folder.join("installed-pins");
    let wanted = fs::read(sources().join(pins)).unwrap();
    if fs::read(&marker).ok().as_ref() != Some(&wanted) {
        if folder.exists() {
            fs::remove_dir_all(&folder).unwrap();
        }
        fs::create_dir_all(&folder).unwrap();
        install(&folder, &sources());
        fs::write(&marker, wanted).unwrap();
    }
    folder
}

fn run(command: &mut Command) {
    run_with_input(command, b"");
}

fn run_with_input(command: &mut Command, input: &[u8]) -> Vec<u8> {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap_or_else(|error| {
            panic!("{command:?} doesn't start ({error}): are python3, venv, node and npm installed?")
        });
    // The scripts read everything before they write anything, so this can't block both ways.
    let written = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{command:?} failed:\n{}", String::from_utf8_lossy(&output.stderr));
    written.unwrap();
    output.stdout
}
