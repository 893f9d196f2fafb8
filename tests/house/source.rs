//! The source: who uses whom, which crates come in where, the shape of files, errors.

use std::collections::BTreeMap;

use regex::Regex;

use crate::{files, lines_with, none};

/// The layers of the house. A room uses rooms of lower layers only.
const LAYERS: [(u8, &[&str]); 9] = [
    (0, &["bson", "http", "mistake", "problem", "settings", "severity"]),
    (1, &["model"]),
    (2, &["finding", "rules"]),
    (3, &["advisories", "code", "deps", "permit", "reach", "secrets"]),
    (4, &["audit", "history", "live", "verify"]),
    (5, &["read", "report"]),
    (6, &["lock"]),
    (7, &["drift"]),
    (8, &["cli", "commands", "main"]),
];

/// Neighbours that use each other all the same: who, whom, why.
const EXCEPTIONS: [(&str, &str, &str); 7] = [
    ("settings", "mistake", "a mistake in parse-audit.toml is shown as one in a rule is"),
    ("settings", "severity", "parse-audit.toml gives rules another severity"),
    ("commands", "cli", "a command runs with its arguments"),
    ("reach", "code", "reach joins what code does with what permissions allow"),
    ("reach", "permit", "reach joins what code does with what permissions allow"),
    ("main", "cli", "main parses the arguments"),
    ("main", "commands", "main runs the command"),
];

/// Crates that change often or that we may have to replace, and the only file that imports them.
/// `None` is at most one file, whichever it is.
const ONE_FILE: [(&str, Option<&str>); 9] = [
    ("ariadne", Some("src/report/snippet.rs")),
    ("serde_sarif", Some("src/report/sarif.rs")),
    ("oxc", Some("src/code/parser.rs")),
    ("gix", Some("src/history/git.rs")),
    ("libdeflater", Some("src/history/inflate.rs")),
    ("ureq", Some("src/http.rs")),
    ("tokio_postgres", Some("src/live/postgres/wire.rs")),
    ("rustls", Some("src/live/postgres/tls.rs")),
    ("mongodb", Some("src/live/mongo/driver.rs")),
];

/// The longest a file may be, in lines.
const LONGEST: usize = 500;

#[test]
fn a_room_uses_rooms_of_lower_layers_only() {
    let layers: BTreeMap<&str, u8> =
        LAYERS.into_iter().flat_map(|(layer, rooms)| rooms.iter().map(move |room| (*room, layer))).collect();
    let used = Regex::new(r"\b(?:crate|parse_audit)::(\w+)").unwrap();
    // `super` of a top-level module is the crate; deeper files must name the room they mean.
    let above = Regex::new(r"\bsuper::(\w+)").unwrap();
    let grouped = Regex::new(r"\b(?:crate|parse_audit|super::super)::\{|\bsuper::super::").unwrap();
    let mut wrong = Vec::new();
    for (path, text) in source() {
        let parts: Vec<&str> = path.trim_start_matches("src/").trim_end_matches(".rs").split('/').collect();
        let room = parts[0];
        if room == "lib" {
            continue;
        }
        let Some(layer) = layers.get(room) else {
            wrong.push(format!("{path}: the room `{room}` has no layer; put it into `LAYERS`"));
            continue;
        };
        let code = code(&text);
        if grouped.is_match(&code) {
            wrong.push(format!("{path}: name the room in the path, as `use crate::room::Noun`"));
        }
        let is_top = matches!(parts.as_slice(), [_] | [_, "mod"]);
        let mut rooms: Vec<&str> = used.captures_iter(&code).map(|found| found.extract::<1>().1[0]).collect();
        if is_top {
            rooms.extend(above.captures_iter(&code).map(|found| found.extract::<1>().1[0]));
        }
        rooms.sort_unstable();
        rooms.dedup();
        for other in rooms.into_iter().filter(|other| *other != room) {
            let allowed = layers.get(other).is_some_and(|below| below < layer)
                || EXCEPTIONS.iter().any(|(who, whom, _)| (*who, *whom) == (room, other));
            if !allowed {
                wrong.push(format!("{path}: `{room}` may not use `{other}`"));
            }
        }
    }
    none(&wrong);
}

#[test]
fn every_exception_of_the_layers_is_needed() {
    let needed = |who: &str, whom: &str| {
        let paths = [format!("crate::{whom}"), format!("parse_audit::{whom}")];
        let of_room = |path: &str| path == format!("src/{who}.rs") || path.starts_with(&format!("src/{who}/"));
        source().iter().any(|(path, text)| of_room(path) && paths.iter().any(|used| code(text).contains(used)))
    };
    let idle = EXCEPTIONS.iter().filter(|(who, whom, _)| !needed(who, whom));
    none(&idle.map(|(who, whom, _)| format!("`{who}` does not use `{whom}`")).collect::<Vec<_>>());
}

#[test]
fn crates_that_may_be_replaced_are_imported_in_one_file() {
    let mut wrong = Vec::new();
    for (name, home) in ONE_FILE {
        let import = Regex::new(&format!(r"\b{name}(_\w+)?::|\buse {name}\b|\bextern crate {name}\b")).unwrap();
        let users: Vec<String> =
            source().into_iter().filter(|(_, text)| import.is_match(&code(text))).map(|(path, _)| path).collect();
        let holds = match home {
            Some(home) => users == [home],
            None => users.len() <= 1,
        };
        if !holds {
            wrong.push(format!("`{name}` is imported in {users:?}, expected {}", home.unwrap_or("at most one file")));
        }
    }
    none(&wrong);
}

#[test]
fn nothing_is_async() {
    let word = Regex::new(r"\basync\s+(?:fn|move|unsafe)\b|\basync\s*[{|]|\.await\b").unwrap();
    let code: Vec<_> = source().into_iter().map(|(path, text)| (path, code_with_tests(&text))).collect();
    none(&lines_with(&code, |line| word.is_match(line).then(|| line.trim().to_owned())));
}

#[test]
fn no_file_is_too_long() {
    let length = |(path, text): (String, String)| {
        let lines = text.lines().count();
        (lines > LONGEST).then(|| format!("{path}: {lines} lines, at most {LONGEST}"))
    };
    none(&rust().into_iter().filter_map(length).collect::<Vec<_>>());
}

#[test]
fn every_file_begins_with_what_it_is_for() {
    let bare = rust().into_iter().filter(|(_, text)| !text.starts_with("//! "));
    none(&bare.map(|(path, _)| format!("{path}: does not begin with `//! `")).collect::<Vec<_>>());
}

#[test]
fn errors_begin_in_lower_case_and_end_without_a_full_stop() {
    let text = r#""((?:[^"\\]|\\.)*)""#;
    let error = Regex::new(&format!(r"(?:#\[error|\b(?:bail|anyhow)!|\.context)\(\s*{text}")).unwrap();
    let mut wrong = Vec::new();
    for (path, text) in source() {
        for found in error.captures_iter(&code(&text)) {
            let message = &found[1];
            if !begins_low(message) || message.ends_with('.') {
                wrong.push(format!("{path}: \"{message}\""));
            }
        }
    }
    none(&wrong);
}

/// Whether a text begins in lower case, with something quoted or with something to fill in.
pub fn begins_low(text: &str) -> bool {
    text.starts_with(|first: char| first.is_lowercase() || first == '`' || first == '{')
}

/// Rust files of the library and the program.
fn source() -> Vec<(String, String)> {
    only_rust(files(&["src"]))
}

/// All Rust files.
fn rust() -> Vec<(String, String)> {
    only_rust(files(&["src", "tests", "benches", "fuzz", "build.rs"]))
}

fn only_rust(mut files: Vec<(String, String)>) -> Vec<(String, String)> {
    files.retain(|(path, _)| path.ends_with(".rs"));
    assert!(!files.is_empty(), "no Rust files; tests run in the folder of the package");
    files
}

/// A file without its comments and unit tests, which stand at its end.
fn code(text: &str) -> String {
    let begins = ["\n#[cfg(test)]\nmod ", "\n#[cfg(test)]\npub(crate) mod "];
    let end = begins.iter().filter_map(|begin| text.find(begin)).min().unwrap_or(text.len());
    code_with_tests(&text[..end])
}

/// A file whose lines of comment are empty.
fn code_with_tests(text: &str) -> String {
    text.lines()
        .map(|line| if line.trim_start().starts_with("//") { "\n".to_owned() } else { format!("{line}\n") })
        .collect()
}
