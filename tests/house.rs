//! Tests about this repository, so that reviewers need not look for these things.
//!
//! They read files below the folder of the package. `BLESS=1` rewrites what is generated.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

#[path = "house/rule_files.rs"]
mod rule_files;
#[path = "house/source.rs"]
mod source;
#[path = "house/texts.rs"]
mod texts;

use walkdir::WalkDir;

/// What is never part of the repository.
const LEFT_OUT: [&str; 2] = ["target", ".git"];

/// Files below some folders (or these files) by their path with `/`, sorted. Bytes that
/// are no text are replaced; a folder that is not there has no files.
fn files(roots: &[&str]) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for root in roots.iter().filter(|root| std::path::Path::new(root).exists()) {
        let inside = WalkDir::new(root)
            .into_iter()
            .filter_entry(|entry| !LEFT_OUT.iter().any(|name| entry.depth() == 1 && entry.file_name() == *name));
        for entry in inside.map(|entry| entry.expect("an entry of a folder")) {
            if entry.file_type().is_file() {
                let path = entry.path().to_string_lossy().replace('\\', "/");
                let bytes = std::fs::read(entry.path()).expect("a file");
                let text = String::from_utf8_lossy(&bytes).replace("\r\n", "\n");
                files.push((path.trim_start_matches("./").to_owned(), text));
            }
        }
    }
    files.sort();
    files
}

/// Fails with all violations, one a line.
fn none(violations: &[String]) {
    assert!(violations.is_empty(), "{} violations\n{}\n", violations.len(), violations.join("\n"));
}

/// Places `PATH:LINE` of what `wrong` finds in a line.
fn lines_with(files: &[(String, String)], wrong: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in files {
        let lines = text.lines().enumerate();
        found.extend(lines.filter_map(|(at, line)| Some(format!("{path}:{}: {}", at + 1, wrong(line)?))));
    }
    found
}
