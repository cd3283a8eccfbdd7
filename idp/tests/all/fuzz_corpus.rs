//! The fuzzer's targets over their corpus, so that what was found once is found again.

#[path = "../../../fuzz/targets.rs"]
mod targets;

use std::fs;
use std::path::Path;

use targets::TARGETS;

fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    files
        .map(|file| file.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap()))
        .collect()
}

#[test]
fn every_input_of_the_corpus_keeps_the_promises_of_its_parser() {
    for (name, target) in TARGETS {
        let inputs = corpus(name);
        assert!(inputs.len() >= 10, "{name} has {} inputs", inputs.len());
        for (file, input) in inputs {
            println!("{name}/{file}");
            target(&input);
            // Cut off, and with a bit turned over, at every place that is affordable.
            let step = (input.len() / 64).max(1);
            for at in (0..input.len()).step_by(step) {
                target(&input[..at]);
                let mut turned = input.clone();
                turned[at] ^= 1 << (at % 8);
                target(&turned);
            }
        }
    }
}

/// A corpus of nothing but refusals would show nothing.
#[test]
fn the_good_ones_are_taken() {
    use idp::domain::claims_request::ClaimsRequest;

    let good = |target: &str, file: &str| {
        let input = corpus(target).into_iter().find(|(name, _)| name == file).unwrap().1;
        String::from_utf8(input).unwrap()
    };
    assert!(targets::accepts_request(&good("authorization_request", "usual")));
    assert!(targets::accepts_request(&good("authorization_request", "everything")));
    assert!(ClaimsRequest::parse(&good("claims_parameter", "usual")).is_ok());
    for (target, purpose) in [
        ("client_assertion", keys::Purpose::ClientAssertion),
        ("request_object", keys::Purpose::RequestObject),
        ("jwt_header", keys::Purpose::AccessToken),
    ] {
        assert!(targets::verifies(&good(target, "good"), purpose), "{target}");
    }
}

/// The programs that `cargo fuzz` runs are these targets, and no others.
#[test]
fn each_target_has_its_program() {
    let manifest = include_str!("../../../fuzz/Cargo.toml");
    let programs: Vec<&str> =
        manifest.split("[[bin]]\nname = \"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(programs, TARGETS.map(|(name, _)| name));
}
