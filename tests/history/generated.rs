//! Histories of chance: what is searched in parts is found as if all were searched whole, and as
//! if every file of every commit were searched by itself.

use std::collections::BTreeSet;

use parse_audit::history::Search;
use proptest::prelude::*;

use super::repository::{Repo, scanner};
use super::{key, line};

/// What is done to a file in one commit.
#[derive(Debug, Clone)]
enum Edit {
    /// Some lines are put in at a place.
    Insert(usize, String),
    /// Some lines from a place on are taken out.
    Remove(usize, usize),
    /// Some lines move to another place.
    Move(usize, usize, usize),
    /// The file as it is comes to another path as well.
    Copy(usize),
}

fn lines() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "([a-z]{2,9} = [a-z(){};]{3,20}\n){1,12}",
        2 => (0..40usize).prop_map(|number| line(&key(number))),
        1 => (0..40usize).prop_map(|number| format!("DATABASE_URI=mongodb://app:{}@db.acme.io/app\n", key(number))),
        1 => (0..40usize).prop_map(|number| format!("  masterKey: '{}', // gitleaks:allow\n", key(number))),
        1 => (0..9usize).prop_map(|number| {
            let body = (0..24).map(|row| format!("MIIE{}{}\n", key(number * 40 + row), key(row))).collect::<String>();
            format!("-----BEGIN RSA PRIVATE KEY-----\n{body}-----END RSA PRIVATE KEY-----\n")
        }),
        1 => Just("parse\n".to_owned()),
        1 => Just("gr\u{fc}n \u{1f511}\n".to_owned()),
    ]
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        4 => (any::<prop::sample::Index>(), lines()).prop_map(|(at, lines)| Edit::Insert(at.index(1 << 20), lines)),
        2 => (any::<prop::sample::Index>(), 1..30usize).prop_map(|(at, count)| Edit::Remove(at.index(1 << 20), count)),
        1 => (any::<prop::sample::Index>(), 1..30usize, any::<prop::sample::Index>())
            .prop_map(|(at, count, to)| Edit::Move(at.index(1 << 20), count, to.index(1 << 20))),
        2 => (0..COPIES.len()).prop_map(Edit::Copy),
    ]
}

fn apply(text: &mut Vec<String>, edit: &Edit) {
    let cut = |text: &mut Vec<String>, at: usize, count: usize| {
        let at = at % (text.len() + 1);
        text.drain(at..(at + count).min(text.len())).collect::<Vec<_>>()
    };
    let put = |text: &mut Vec<String>, at: usize, lines: Vec<String>| {
        let at = at % (text.len() + 1);
        text.splice(at..at, lines);
    };
    match edit {
        Edit::Insert(at, lines) => put(text, *at, lines.split_inclusive('\n').map(str::to_owned).collect()),
        Edit::Remove(at, count) => drop(cut(text, *at, *count)),
        Edit::Move(at, count, to) => {
            let lines = cut(text, *at, *count);
            put(text, *to, lines);
        }
        Edit::Copy(_) => {}
    }
}

const FILES: [&str; 4] = ["cloud/main.js", "config/.env", "docs/setup.md", "test/fixtures.js"];

/// Paths to which files come as well; of the last ones nothing is searched.
const COPIES: [&str; 8] = [
    "config.sample",
    "deploy/.env",
    "client/app.js",
    "client/old/app.js",
    "store.jks",
    "dashboard.json",
    "node_modules/a/a.js",
    "a.png",
];

/// The stream that `git fast-import` makes commits of, and each file of it by path and text.
fn stream(commits: &[(usize, Edit)]) -> (String, BTreeSet<(&'static str, String)>) {
    let beginning: Vec<String> = (0..120).map(|number| format!("// line {number} of the beginning\n")).collect();
    let mut texts = vec![beginning; FILES.len()];
    let (mut stream, mut files) = (String::new(), BTreeSet::new());
    for (number, (file, edit)) in commits.iter().enumerate() {
        let text = &mut texts[*file];
        apply(text, edit);
        let text = text.concat();
        let when = 1_551_528_000 + number * 60;
        stream.push_str(&format!("commit refs/heads/main\ncommitter A <a@example.org> {when} +0000\ndata 0\n"));
        let path = if let Edit::Copy(to) = edit { COPIES[*to] } else { FILES[*file] };
        stream.push_str(&format!("M 644 inline {path}\ndata {}\n{text}\n", text.len()));
        files.insert((path, text));
    }
    (stream, files)
}

/// Rules and digests of keys in files, each searched by itself.
fn plainly(files: &BTreeSet<(&'static str, String)>) -> BTreeSet<(String, String)> {
    let wanted = files.iter().filter(|(path, _)| !COPIES[6..].contains(path));
    let hits = wanted.flat_map(|(path, text)| match scanner().in_file(path, text.as_bytes()) {
        Some(hit) => vec![hit],
        None => scanner().in_text(path, text.as_bytes()),
    });
    hits.map(|hit| (hit.rule.to_string(), hit.digest)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 40, ..ProptestConfig::default() })]

    #[test]
    fn a_history_searched_in_parts_has_the_same_keys(commits in prop::collection::vec((0..4usize, edit()), 1..80)) {
        let repo = Repo::new();
        let (stream, files) = stream(&commits);
        repo.import(&stream);
        repo.git(&["repack", "-qadf", "--depth=50", "--window=20"]);
        let parts = repo.search(Search::Parts);
        prop_assert_eq!(&parts.problems, &[]);
        let told = parts.keys.iter().map(|key| (key.rule.to_string(), key.digest.clone())).collect();
        prop_assert_eq!(plainly(&files), told);
        prop_assert_eq!(parts, repo.search(Search::Whole));
    }
}
