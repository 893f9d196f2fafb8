//! A key of every kind that the rules know, in every place of a repository from which one can be read.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use parse_audit::commands::made_up::{MadeUp, value};
use parse_audit::rules::loader::built_in;
use parse_audit::rules::{Matcher, Rule};
use parse_audit::secrets::redact::{self, Salt, Secret};

use super::binary::{Done, run_with, write};
use super::leaks::Leaks;
use super::repository::Repo;

/// What digests are keyed with here.
const SALT: &str = "canary";

/// Where keys are planted.
const PLACES: [&str; 8] = ["gone", "tagged", "stashed", "committed", "staged", "untracked", "ignored", "cloud"];

/// The files of all cases in which a rule finds keys, with keys of their own for each place.
struct Kinds {
    rules: Vec<Rule>,
    /// The rule and the place, and the key.
    planted: Vec<(String, String)>,
}

impl Kinds {
    fn new() -> Self {
        let rules = built_in().expect("rules").into_iter();
        Self { rules: rules.filter(|rule| matches!(rule.matcher, Matcher::Secret(_))).collect(), planted: Vec::new() }
    }

    /// Files with keys that are nowhere else, below a folder of this name.
    fn files(&mut self, place: &str) -> Vec<(String, String)> {
        let mut files = Vec::new();
        for (number, rule) in self.rules.iter().enumerate() {
            for (case, own) in rule.cases.iter().zip('a'..) {
                let found = case.findings.iter().filter_map(|line| line.split_once("  ")).map(|(_, subject)| subject);
                // A word that everybody tries is in the text of its rule.
                let found: BTreeSet<&str> = found.filter(|subject| !subject.starts_with("{{word")).collect();
                if found.is_empty() {
                    continue;
                }
                let mut texts = case.files.clone();
                for placeholder in found {
                    let (ours, key) = another(placeholder, &format!("{place}{own}{number}"));
                    texts.values_mut().for_each(|text| *text = text.replace(placeholder, &ours));
                    self.planted.push((format!("{} {own}, {place}", rule.id), key));
                }
                let made_up = MadeUp::new(&texts, &Salt::default()).files;
                files.extend(made_up.into_iter().map(|(path, text)| (format!("{place}/{number}{own}/{path}"), text)));
            }
        }
        files
    }

    /// Those of the planted keys that a report does not know.
    fn missed(&self, report: &str, places: &[&str]) -> Vec<&str> {
        let salt = Salt::new(SALT);
        let is_missed = |key: &str| !report.contains(&redact::digest(&Secret::new(key.as_bytes()), &salt));
        let here = self.planted.iter().filter(|(name, _)| places.iter().any(|place| name.ends_with(place)));
        here.filter(|(_, key)| is_missed(key)).map(|(name, _)| name.as_str()).collect()
    }
}

/// A placeholder of the same kind that stands for another key, and the key.
fn another(placeholder: &str, name: &str) -> (String, String) {
    let ours = if placeholder.starts_with("{{shape:") {
        placeholder.replace(')', &format!(":{name})"))
    } else {
        placeholder.replace("}}", &format!(":{name}}}}}"))
    };
    let key = value(&ours).unwrap_or_else(|| panic!("{ours} is no placeholder"));
    // By chance it is filled up as a sample is, or begins as no private key does.
    let is_odd = key.to_lowercase().contains("xxxx") || key.starts_with(['+', '/']);
    if is_odd { another(placeholder, &format!("{name}+")) } else { (ours, key) }
}

/// A repository with keys of all kinds in all places.
fn repository(kinds: &mut Kinds) -> Repo {
    let repo = Repo::new();
    let lay = |files: &[(String, String)]| files.iter().for_each(|(path, text)| repo.write(path, text));
    repo.commit(".gitignore", "ignored/\n");
    lay(&kinds.files("gone"));
    repo.git(&["add", "-Af"]);
    repo.git(&["commit", "-qm", "keys"]);
    repo.git(&["rm", "-rqf", "gone"]);
    repo.git(&["commit", "-qm", "no keys"]);
    repo.git(&["checkout", "-qb", "side"]);
    lay(&kinds.files("tagged"));
    repo.git(&["add", "-Af"]);
    repo.git(&["commit", "-qm", "other keys"]);
    repo.git(&["tag", "-am", "v1", "v1"]);
    repo.git(&["checkout", "-q", "main"]);
    repo.git(&["branch", "-qD", "side"]);
    lay(&kinds.files("stashed"));
    repo.git(&["add", "-Af"]);
    repo.git(&["stash", "-q"]);
    lay(&kinds.files("committed"));
    repo.write("schema/Order.json", r#"{ "className": "Order", "classLevelPermissions": { "find": { "*": true } } }"#);
    repo.git(&["add", "-Af"]);
    repo.git(&["commit", "-qm", "keys again"]);
    lay(&kinds.files("staged"));
    repo.git(&["add", "-Af"]);
    lay(&kinds.files("untracked"));
    lay(&kinds.files("ignored"));
    // What the server runs and cannot be read is told with its mistake.
    let broken = kinds.files("cloud");
    for (number, (path, text)) in broken.iter().enumerate() {
        write(&repo.path(), &[(path, &damaged(number, path, text))]);
    }
    repo
}

/// A file that cannot be read, with the key in it.
fn damaged(number: usize, path: &str, text: &str) -> Vec<u8> {
    let text = text.trim_end();
    let cut = text.rfind(['"', '\'', '}', ')']).unwrap_or(text.len());
    match number % 4 {
        // Ends too early.
        0 => text.as_bytes()[..cut].to_vec(),
        // Ends in something else; in no text, if it is code.
        1 => format!("{text}\n{{{{{{ `{path}").into_bytes(),
        // The mistake stands in front of the key, on the same line.
        2 => format!("let let = [}} \"{}", text.replacen('\n', " ", 3)).into_bytes(),
        // No encoding that there is.
        _ => [text.as_bytes(), b"\n\xff\xfe\xc3\x28 \xed\xa0\x80 '\xe9"].concat(),
    }
}

/// What the program is asked, beside how it speaks.
const SEARCHES: [&[&str]; 7] = [
    &["--include-ignored"],
    &["--no-history"],
    &["--since", "2019-01-01"],
    &["--commits", "HEAD~1..HEAD"],
    &["--staged"],
    // Nobody looks for keys, so that nothing is known of them.
    &["--ignore", "secret*"],
    &["--ignore", "secret*", "--min-severity", "info", "--no-config"],
];

const VOICES: &[&[&str]] = &[&["--verbose"], &[], &["--quiet"], &["--color", "always", "--verbose"]];

const FORMATS: [&str; 5] = ["text", "sarif", "json", "github", "csv"];

const QUESTIONS: [&[&str]; 6] = [
    &["who-can", "find", "Order"],
    &["who-can", "delete", "Order", "--verbose", "--no-history"],
    &["can", "public"],
    &["can", "master-key", "--color", "always"],
    &["explain", "find Order as public"],
    &["explain", "delete Order as master-key", "--verbose"],
];

fn ask(folder: &Path, arguments: &[&str]) -> Done {
    run_with(folder, arguments, &[("PARSE_AUDIT_ID_KEY", SALT), ("RUST_BACKTRACE", "full"), ("RUST_LOG", "trace")])
}

/// One run with a report of every format: text to standard output, the others to files.
fn all_formats(folder: &Path, arguments: &[&str]) -> (Done, Vec<(&'static str, String)>) {
    let out = tempfile::tempdir().expect("a folder");
    let file = |format: &str| out.path().join(format);
    let files: Vec<String> = FORMATS[1..].iter().map(|name| format!("{name}={}", file(name).display())).collect();
    let outputs = files.iter().flat_map(|output| ["-o", output]).chain(["-o", "text"]);
    let arguments: Vec<&str> = ["check", "."].into_iter().chain(arguments.iter().copied()).chain(outputs).collect();
    let done = ask(folder, &arguments);
    let read = |name: &&'static str| (*name, fs::read_to_string(file(name)).expect("a report"));
    let reports = FORMATS[1..].iter().map(read).collect();
    (done, reports)
}

#[test]
fn no_key_of_any_kind_is_in_any_report() {
    let mut kinds = Kinds::new();
    let repo = repository(&mut kinds);
    let folder = repo.path();
    let leaks = Leaks::new(&kinds.planted);
    let mut found = Vec::new();
    for (number, search) in SEARCHES.iter().enumerate() {
        for voice in if number == 0 { VOICES } else { &VOICES[..1] } {
            let (done, reports) = all_formats(&folder, &[*search, *voice].concat());
            found.extend(leaks.in_text(&format!("{search:?} {voice:?}"), &done.all()));
            for (format, report) in &reports {
                found.extend(leaks.in_text(&format!("{search:?} {voice:?} {format}"), report));
            }
            assert_eq!(done.code == 3, search[0] != "--staged", "{search:?}: {}", done.err);
            // Keys that nobody found would be hidden by accident.
            let places: &[&str] = match search[0] {
                "--include-ignored" => &PLACES[..7],
                "--staged" => &PLACES[4..5],
                _ => &[],
            };
            assert_eq!(kinds.missed(&reports[1].1, places), [""; 0], "{search:?}");
        }
    }
    for format in FORMATS {
        let arguments = ["check", "--include-ignored", "-v", "-o", format];
        found.extend(leaks.in_text(&format!("{format} to a pipe"), &ask(&folder, &arguments).all()));
    }
    for question in QUESTIONS {
        let answer = ask(&folder, question);
        assert!(!answer.out.is_empty(), "{question:?}: {}", answer.err);
        found.extend(leaks.in_text(&format!("{question:?}"), &answer.all()));
    }
    assert!(found.is_empty(), "{} leaks\n{}", found.len(), found.join("\n"));
}
