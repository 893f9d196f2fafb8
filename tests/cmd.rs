//! The command line as users see it: each `tests/cmd/*.trycmd` is a session.
//!
//! `TRYCMD=overwrite cargo test --test cmd` writes what is printed anew.

#![allow(clippy::expect_used, reason = "a test may fail loudly")]

use std::path::Path;

/// What sessions look at.
const SEEN: [&str; 3] = ["fixtures/apps", "fixtures/locks/npm-v1-ps4", "rules/data"];

#[test]
fn the_command_line_behaves_as_written() {
    // Where no repository is around, what is printed does not depend on how this one was cloned.
    let outside = tempfile::tempdir().expect("a folder");
    SEEN.iter().for_each(|seen| copy(Path::new(seen), &outside.path().join(seen)));
    std::env::set_current_dir(outside.path()).expect("the folder is there");
    let cases = trycmd::TestCases::new();
    for (name, value) in
        [("SOURCE_DATE_EPOCH", "1793491200"), ("LANG", "en_US.UTF-8"), ("LC_ALL", ""), ("COLUMNS", "80")]
    {
        cases.env(name, value);
    }
    cases
        .env("PARSE_AUDIT_CACHE", "target/no-such-folder")
        .env("GITHUB_WORKSPACE", "")
        .env("GITHUB_ACTIONS", "")
        .case(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cmd/*.trycmd"));
}

fn copy(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from).into_iter().map(|entry| entry.expect("fixtures can be read")) {
        let place = to.join(entry.path().strip_prefix(from).expect("a path below"));
        match entry.file_type().is_dir() {
            true => std::fs::create_dir_all(place).expect("folders can be made"),
            false => drop(std::fs::copy(entry.path(), place).expect("files can be copied")),
        }
    }
}
