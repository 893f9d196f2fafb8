//! Keys in the history of repositories that git made: each once, with the commit that brought it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

#[path = "history/broken.rs"]
mod broken;
#[path = "history/command.rs"]
mod command;
#[path = "history/generated.rs"]
mod generated;
#[path = "history/ignored.rs"]
mod ignored;
#[path = "history/kinds.rs"]
mod kinds;
#[path = "history/places.rs"]
mod places;
#[path = "history/repository.rs"]
mod repository;
#[path = "history/staged.rs"]
mod staged;

use parse_audit::history::{PastKey, Report, Search};
use repository::Repo;

/// The line that a key stands in.
fn line(key: &str) -> String {
    format!("const server = new ParseServer({{\n  masterKey: '{key}',\n}});\n")
}

/// Keys that do not look like samples, by number.
fn key(number: usize) -> String {
    const CHARACTERS: &[u8] = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    let mut state = 0x9e37_79b9_u64.wrapping_mul(number as u64 + 11);
    let character = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(CHARACTERS[(state >> 33) as usize % CHARACTERS.len()])
    };
    (0..24).map(character).collect()
}

/// The one key with the ends of this one.
fn only<'r>(report: &'r Report, key: &str) -> &'r PastKey {
    let ends = format!("{}…{}", &key[..2], &key[key.len() - 2..]);
    let found: Vec<&PastKey> = report.keys.iter().filter(|found| found.ends == ends).collect();
    assert_eq!(found.len(), 1, "{ends} in {:#?}", report.keys);
    found[0]
}

#[test]
fn every_key_is_found_once_with_the_commit_that_brought_it() {
    let repo = Repo::new();
    let keys: Vec<String> = (0..20).map(key).collect();
    let mut brought: Vec<(usize, String)> = Vec::new();
    let padding = (0..200).map(|number| format!("// line {number} of the server\n")).collect::<String>();
    let with = |number: usize| format!("{padding}{}{padding}", line(&keys[number]));
    // Changed, renamed and removed.
    brought.push((0, repo.commit("server.js", &with(0))));
    brought.push((1, repo.commit("server.js", &with(1))));
    repo.git(&["mv", "server.js", "index.js"]);
    repo.git(&["commit", "-qm", "rename"]);
    repo.commit("index.js", &padding);
    // Branches, a merge, and a merge of three.
    for (branch, number) in [("one", 2), ("two", 3), ("three", 4)] {
        repo.git(&["checkout", "-qb", branch, "main"]);
        brought.push((number, repo.commit(&format!("{branch}.js"), &with(number))));
    }
    repo.git(&["checkout", "-q", "main"]);
    repo.git(&["merge", "-q", "--no-ff", "-m", "merge", "one"]);
    repo.git(&["merge", "-q", "-m", "octopus", "two", "three"]);
    // What a merge itself brings.
    repo.git(&["checkout", "-qb", "four", "main~1"]);
    repo.commit("four.js", "let four;\n");
    repo.git(&["checkout", "-q", "main"]);
    repo.git(&["merge", "-q", "--no-ff", "--no-commit", "four"]);
    brought.push((5, repo.commit("merged.js", &with(5))));
    // A branch with another beginning.
    repo.git(&["checkout", "-q", "--orphan", "other"]);
    repo.git(&["rm", "-rqf", "."]);
    brought.push((6, repo.commit("other.js", &with(6))));
    // A tag of a branch that is gone, a tag of a file, and one with a message of a file.
    repo.git(&["checkout", "-qb", "gone"]);
    brought.push((7, repo.commit("gone.js", &with(7))));
    repo.git(&["tag", "-am", "v1", "v1"]);
    repo.git(&["checkout", "-q", "main"]);
    repo.git(&["branch", "-qD", "gone"]);
    let blob = repo.object(&with(8));
    repo.git(&["tag", "file", &blob]);
    let blob = repo.object(&with(9));
    repo.git(&["tag", "-am", "a file", "signed-file", &blob]);
    // The stash, with what is staged and what is not tracked.
    repo.write("index.js", &with(10));
    repo.write("untracked.js", &with(11));
    repo.git(&["stash", "-qu"]);
    // A commit that only the log of refs has.
    brought.push((12, repo.commit("amended.js", &with(12))));
    repo.git(&["reset", "-q", "--hard", "HEAD~1"]);
    // Replaced: the old content, and the new one.
    let old = repo.object(&with(13));
    repo.write("replaced.js", &with(13));
    repo.git(&["add", "."]);
    repo.git(&["commit", "-qm", "to be replaced"]);
    brought.push((13, repo.git(&["rev-parse", "HEAD"])));
    let new = repo.object(&with(14));
    repo.git(&["replace", &old, &new]);
    repo.git(&["rm", "-q", "replaced.js"]);
    repo.git(&["commit", "-qm", "remove"]);
    // Nobody has it any more.
    repo.object(&with(15));
    // Still there.
    brought.push((16, repo.commit("now.js", &with(16))));
    // A graft that says that the newest commit has no parent.
    repo.write(".git/info/grafts", &format!("{}\n", repo.git(&["rev-parse", "HEAD"])));

    for packed in [false, true] {
        if packed {
            repo.git(&["repack", "-qadfk", "--depth=50", "--window=50"]);
        }
        let report = repo.search(Search::Parts);
        assert_eq!(report, repo.search(Search::Whole));
        assert_eq!((report.problems.as_slice(), report.gaps.as_slice()), (&[][..], &[][..]));
        for key in &keys[..17] {
            only(&report, key);
        }
        assert_eq!(report.keys.len(), 17);
        for (number, commit) in &brought {
            let version = &only(&report, &keys[*number]).versions[0];
            assert!(commit.starts_with(version.commit.as_deref().unwrap()), "{number}: {version:?}");
            assert_eq!(version.day.as_deref(), Some("2019-03-02"));
        }
        let in_head: Vec<usize> = (0..17).filter(|number| only(&report, &keys[*number]).in_head).collect();
        assert_eq!(in_head, [2, 3, 4, 5, 16]);
        let seen = |number: usize| only(&report, &keys[number]).seen.as_str();
        assert_eq!(seen(6), "in 1 branch and 1 tag");
        assert_eq!(seen(7), "in 1 tag");
        assert_eq!(seen(8), "in 1 tag");
        assert_eq!(only(&report, &keys[8]).versions[0].path, "refs/tags/file");
        assert_eq!(seen(10), "in the stash of this clone alone");
        assert_eq!(seen(12), "in the log of refs of this clone alone");
        assert_eq!(seen(15), "in no branch, only among the objects of this clone");
    }
}
