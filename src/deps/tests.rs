//! Lock files of every manager against what is known to be in them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::*;

/// The lock files among the samples, and who wrote them.
fn samples() -> Vec<(PathBuf, Manager)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/locks");
    let mut samples = Vec::new();
    for folder in fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        let classic = folder.file_name().unwrap().to_string_lossy().contains("classic");
        let yarn = if classic { Manager::YarnClassic } else { Manager::YarnBerry };
        for (name, manager) in [
            ("package-lock.json", Manager::Npm),
            ("npm-shrinkwrap.json", Manager::Npm),
            ("yarn.lock", yarn),
            ("pnpm-lock.yaml", Manager::Pnpm),
            ("bun.lock", Manager::Bun),
        ] {
            let path = folder.join(name);
            if path.is_file() {
                samples.push((path, manager));
            }
        }
    }
    samples.sort_by(|a, b| a.0.cmp(&b.0));
    samples
}

#[test]
fn every_package_is_found_and_nothing_else() {
    let samples = samples();
    assert_eq!(samples.len(), 18);
    for (path, manager) in samples {
        let text = fs::read_to_string(&path).unwrap();
        let packages = read(manager, &text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let expected = fs::read(path.with_file_name("expected.json")).unwrap();
        let expected: Value = serde_json::from_slice(&expected).unwrap();
        let expected: BTreeSet<&str> =
            expected["packages"].as_array().unwrap().iter().map(|package| package.as_str().unwrap()).collect();
        let found: Vec<String> =
            packages.iter().map(|package| format!("{}@{}", package.name, package.version)).collect();
        let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
        let apart: Vec<_> = found.symmetric_difference(&expected).collect();
        assert!(apart.is_empty() && found.len() == packages.len(), "{}: {apart:?}", path.display());
        for package in &packages {
            assert_eq!(text[package.at.start()..package.at.end()], package.version.to_string(), "{}", package.name);
        }
    }
}

#[test]
fn a_lock_file_that_is_cut_off_or_hostile_is_told() {
    let deep = |open: &str| open.repeat(100_000);
    for (path, manager) in samples() {
        let text = fs::read_to_string(&path).unwrap();
        // Any beginning is read or refused, and nothing else happens.
        for part in 1..4 {
            let mut end = text.len() * part / 4;
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            let _ = read(manager, &text[..end]);
        }
        for hostile in [deep("["), deep("{\"a\":"), deep("- "), deep("{dependencies: "), "\0\u{1}".to_owned()] {
            let _ = read(manager, &hostile);
        }
    }
    let half = "{\"lockfileVersion\": 3, \"packages\": {\"node_modules/ws\": {\"version\": \"8.2.3\"";
    assert!(read(Manager::Npm, half).is_err());
    let laughs = "a: &a [x, x]\nb: &b [*a, *a]\npackages: {ws@8.2.3: *b}\n";
    assert!(read(Manager::Pnpm, laughs).unwrap_err().message.contains("refers to another part"));
    assert!(read(Manager::Pnpm, &deep("[")).is_err() && read(Manager::Npm, &deep("[")).is_err());
}
