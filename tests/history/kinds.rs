//! Repositories of every kind: bare, shallow, partial, borrowing, with worktrees and submodules.

use std::fs;

use parse_audit::history::{History, Range, Search};

use super::repository::{Repo, git, search, try_search};
use super::{key, line, only};

fn with_keys(count: usize) -> Repo {
    let repo = Repo::new();
    for number in 0..count {
        repo.commit("a.js", &line(&key(number)));
    }
    repo
}

fn clone(repo: &Repo, options: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file://{}", repo.path().display());
    let arguments = [&["clone", "-q"], options, &[&url, "."]].concat();
    git(folder.path(), &arguments, "");
    folder
}

#[test]
fn a_repository_without_a_working_tree_is_searched() {
    let repo = with_keys(2);
    let bare = clone(&repo, &["--bare"]);
    assert_eq!(try_search(bare.path()).keys.len(), 2);
    assert!(History::open(bare.path()).unwrap().unwrap().is_bare());
    let elsewhere = tempfile::tempdir().unwrap();
    assert!(History::open(elsewhere.path()).is_none());
    // A folder that no commit has.
    fs::create_dir(repo.path().join("cloud")).unwrap();
    assert_eq!(try_search(&repo.path().join("cloud")).keys, []);
}

#[test]
fn a_shallow_clone_says_so() {
    let repo = with_keys(3);
    let shallow = clone(&repo, &["--depth=2"]);
    let report = try_search(shallow.path());
    assert_eq!((report.keys.len(), report.problems.len()), (2, 0), "{report:#?}");
    assert_eq!(report.gaps[0].topic, "older history");
    let first = |folder| History::open(folder).unwrap().unwrap().first_commit();
    assert_eq!(first(shallow.path()), None);
    assert_eq!(first(&repo.path()), Some(repo.git(&["rev-parse", "HEAD~2"])));
}

#[test]
fn a_partial_clone_says_so() {
    let repo = with_keys(3);
    repo.git(&["config", "uploadpack.allowFilter", "true"]);
    let partial = clone(&repo, &["--filter=blob:none"]);
    let report = try_search(partial.path());
    assert_eq!((report.keys.len(), report.problems.len()), (1, 0), "{report:#?}");
    assert_eq!(report.gaps[0].reason, "2 objects are not fetched: this clone is partial");
}

#[test]
fn of_what_is_borrowed_only_what_is_reached_counts() {
    let repo = with_keys(2);
    repo.object(&line(&key(7)));
    let borrower = tempfile::tempdir().unwrap();
    git(borrower.path(), &["clone", "-qs", &repo.path().display().to_string(), "."], "");
    repo.commit("later.js", &line(&key(8)));
    let report = try_search(borrower.path());
    assert_eq!(report.keys.len(), 2, "{report:#?}");
    assert_eq!(repo.search(Search::Parts).keys.len(), 4);
}

#[test]
fn a_worktree_has_the_history_of_its_repository() {
    let repo = with_keys(2);
    let tree = tempfile::tempdir().unwrap();
    repo.git(&["worktree", "add", "-q", "--detach", &tree.path().join("w").display().to_string()]);
    let report = try_search(&tree.path().join("w"));
    assert_eq!(report.keys.len(), 2, "{report:#?}");
    assert!(only(&report, &key(1)).in_head && !only(&report, &key(0)).in_head);
}

#[test]
fn ids_of_either_length_are_read() {
    let repo = Repo::with(&["--object-format=sha256"]);
    repo.commit("a.js", &line(&key(1)));
    repo.commit("a.js", &line(&key(2)));
    assert_eq!(repo.search(Search::Parts).keys.len(), 2);
    repo.git(&["repack", "-qadf"]);
    assert_eq!(repo.search(Search::Parts).keys.len(), 2);
}

#[test]
fn refs_that_are_not_read_are_told_and_keys_found_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = std::process::Command::new("git");
    command.current_dir(folder.path()).args(["init", "-q", "--ref-format=reftable"]);
    if !command.status().unwrap().success() {
        // Versions of git before 2.45 do not know them.
        return;
    }
    git(folder.path(), &["checkout", "-q", "-b", "main"], "");
    fs::write(folder.path().join("a.js"), line(&key(1))).unwrap();
    git(folder.path(), &["add", "."], "");
    git(folder.path(), &["commit", "-qm", "a"], "");
    let report = try_search(folder.path());
    only(&report, &key(1));
    assert_eq!(report.gaps[0].topic, "branches and tags");
}

#[test]
fn submodules_and_files_of_git_lfs_are_told() {
    let repo = with_keys(1);
    let commit = repo.git(&["rev-parse", "HEAD"]);
    repo.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{commit},plugins")]);
    let there = "1".repeat(64);
    for (name, oid) in [("there.js", &there), ("absent.js", &"2".repeat(64))] {
        repo.write(name, &format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 80\n"));
        repo.git(&["add", name]);
    }
    repo.git(&["commit", "-qm", "a"]);
    repo.write(&format!(".git/lfs/objects/11/11/{there}"), &line(&key(5)));
    let report = repo.search(Search::Parts);
    let gaps: Vec<String> = report.gaps.iter().map(|gap| format!("{}: {}", gap.topic, gap.reason)).collect();
    assert!(gaps[0].starts_with("the history of plugins: submodules"), "{gaps:?}");
    assert!(gaps[1].starts_with("files of Git LFS: 1 file is not in this clone"), "{gaps:?}");
    assert_eq!(only(&report, &key(5)).versions[0].path, "there.js");
}

#[test]
fn a_range_leaves_out_what_other_commits_brought() {
    let repo = with_keys(4);
    let of = |between: &str| {
        let range = Range { between: Some(Range::parse_between(between)), since: None };
        let report = search(&repo.path(), &range, Search::Parts);
        (0..4)
            .filter(|number| report.keys.iter().any(|found| key(*number).ends_with(&found.ends[5..])))
            .collect::<Vec<_>>()
    };
    assert_eq!(of("HEAD~2.."), [2, 3]);
    assert_eq!(of("HEAD~2..HEAD~1"), [2]);
    assert_eq!(of("main~3"), [0]);
    assert_eq!(of(&repo.git(&["rev-parse", "--short", "HEAD~1"])), [0, 1, 2]);
    let since = |day| {
        let range = Range { between: None, since: Some(day) };
        search(&repo.path(), &range, Search::Parts).keys.len()
    };
    assert_eq!((since(jiff::civil::date(2019, 3, 2)), since(jiff::civil::date(2019, 3, 3))), (4, 0));
    let unknown = Range { between: Some(Range::parse_between("nowhere..")), since: None };
    let error = History::open(&repo.path()).unwrap().unwrap().find(&unknown);
    assert_eq!(error, Err("no such commit: `nowhere`".to_owned()));
}

#[test]
fn a_key_in_utf_16_or_latin_1_is_found_and_is_the_same_key() {
    let repo = with_keys(1);
    let wide: Vec<u8> = format!("\u{feff}{}", line(&key(0))).encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(repo.path().join("wide.js"), wide).unwrap();
    fs::write(repo.path().join("latin.js"), [b"// gr\xfcn\n", line(&key(0)).as_bytes()].concat()).unwrap();
    repo.commit("marked.js", &format!("\u{feff}{}", line(&key(0))));
    let report = repo.search(Search::Parts);
    assert_eq!(report.keys.len(), 1, "{report:#?}");
    let paths: Vec<&str> = report.keys[0].versions.iter().map(|version| version.path.as_str()).collect();
    assert_eq!(paths, ["a.js", "latin.js", "marked.js", "wide.js"]);
}

#[test]
fn what_stood_first_among_the_files_of_others_counts_where_it_is_ours() {
    let repo = Repo::new();
    repo.commit("node_modules/a/a.js", &line(&key(0)));
    repo.commit("node_modules/b/b.js", &line(&key(1)));
    let ours = repo.commit("src/a/a.js", &line(&key(0)));
    let report = repo.search(Search::Parts);
    assert_eq!(report.keys.len(), 1, "{report:#?}");
    let version = &only(&report, &key(0)).versions[0];
    assert_eq!((version.path.as_str(), version.commit.as_deref()), ("src/a/a.js", Some(&ours[..10])));
}
