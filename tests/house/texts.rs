//! All texts: no places of one machine, no secrets, one version of Rust.

use regex::Regex;

use crate::{files, lines_with, none};

#[test]
fn no_text_names_a_place_of_one_machine() {
    // In parts, so that this file does not name one.
    let homes = ["work", "root", "home", "Users"].join("|");
    let place = Regex::new(&format!(r"(?:^|[^\w./*{{}}~-])(?:/(?:{homes})/|[A-Z]:\\Users\\)[^\s]*")).unwrap();
    let mut texts = files(&["."]);
    // Not a text: a NUL or a byte that is no UTF-8.
    texts.retain(|(_, text)| !text.contains(['\0', char::REPLACEMENT_CHARACTER]));
    none(&lines_with(&texts, |line| Some(place.find(line)?.as_str().trim().to_owned())));
}

#[test]
fn nothing_in_fixtures_and_rules_looks_like_a_real_secret() {
    let kinds = [
        // The first line of the body of a private key; rules name the line before it.
        r"^(?:MII|MH|MC4|b3Bl)[0-9A-Za-z+/]{40}",
        r"\bAKIA[0-9A-Z]{16}",
        r"\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53}",
        r"\br:[0-9a-f]{32}",
        r"\b[rs]k_live_[0-9A-Za-z]{8}",
    ];
    let secret = Regex::new(&kinds.join("|")).unwrap();
    let made_up = Regex::new(r"(?i)placeholder|example$|^r:0{8}").unwrap();
    let found = |line: &str| {
        let real = secret.find_iter(line).find(|found| !made_up.is_match(found.as_str()))?;
        Some(real.as_str().to_owned())
    };
    let texts = files(&["fixtures", "rules"]);
    assert!(!texts.is_empty(), "no files; tests run in the folder of the package");
    none(&lines_with(&texts, found));
}

#[test]
fn every_file_that_names_a_version_of_rust_names_that_of_the_manifest() {
    let manifest = std::fs::read_to_string("Cargo.toml").expect("the manifest");
    let manifest: toml::Table = toml::from_str(&manifest).expect("TOML");
    let version = manifest["package"]["rust-version"].as_str().expect("a version");
    let named = Regex::new(
        r#"(?i)(?:\brust(?:c|up)?|\bmsrv|\btoolchain|\brust[-_]version|\bchannel|\bcargo \+)[\s:=@"'`*]*(?:version |install |default )?(1\.\d+)"#,
    )
    .unwrap();
    let texts = files(&["README.md", "CONTRIBUTING.md", "clippy.toml", "rust-toolchain.toml", ".github", ".ci"]);
    let differs = |line: &str| {
        let other = named.captures_iter(line).find(|found| &found[1] != version)?;
        Some(format!("{}, and the manifest says {version}", other[0].trim()))
    };
    none(&lines_with(&texts, differs));
}
