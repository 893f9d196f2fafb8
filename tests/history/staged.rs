//! `check --staged`: keys in what the next commit brings, and nowhere else.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::command::{check, keys};
use super::repository::{Repo, git};
use super::{key, line};

/// The exit code, and where keys were found.
fn staged(folder: &Path, arguments: &[&str]) -> (Option<i32>, Vec<String>) {
    staged_with(folder, arguments, &[])
}

fn staged_with(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, Vec<String>) {
    let (code, report, errors) = check(folder, &[&["--staged"], arguments].concat(), variables);
    assert!(!report.is_null(), "{errors}");
    let place = |found: &&Value| {
        assert_eq!(found["standing"], "staged");
        let at = &found["location"];
        format!("{}:{}", at["path"].as_str().unwrap(), at["line"])
    };
    let found = report["findings"].as_array().unwrap();
    assert_eq!(keys(&report).len(), found.len(), "{report:#}");
    let mut places: Vec<String> = found.iter().map(|found| place(&found)).collect();
    let problems = report["problems"].as_array().unwrap().iter();
    places.extend(problems.map(|problem| format!("problem: {}", problem["message"].as_str().unwrap())));
    places.sort();
    (code, places)
}

fn only_at(place: &str) -> (Option<i32>, Vec<String>) {
    (Some(1), vec![place.to_owned()])
}

fn nothing() -> (Option<i32>, Vec<String>) {
    (Some(0), Vec::new())
}

#[test]
fn what_is_staged_is_searched_and_nothing_else() {
    let repo = Repo::new();
    repo.commit("old.js", &line(&key(1)));
    repo.commit("old.js", "let nothing;\n");
    repo.commit("still/there.js", &line(&key(2)));
    repo.write("untracked.js", &line(&key(3)));
    assert_eq!(staged(&repo.path(), &[]), nothing());
    repo.write("a.js", &format!("\n\n{}", line(&key(4))));
    repo.git(&["add", "a.js"]);
    // What is staged counts, not what became of the file.
    repo.write("a.js", &line(&key(5)));
    repo.write("old.js", &line(&key(6)));
    assert_eq!(staged(&repo.path(), &[]), only_at("a.js:4"));
    fs::remove_file(repo.path().join("a.js")).unwrap();
    assert_eq!(staged(&repo.path(), &[]), only_at("a.js:4"));
    assert_eq!(staged(&repo.path(), &["--fail-on", "critical", "--exit-zero"]).0, Some(0));
    // Below a folder, and a single file.
    assert_eq!(staged(&repo.path().join("still"), &[]), nothing());
    repo.write("still/there.js", &line(&key(7)));
    repo.git(&["add", "still"]);
    assert_eq!(staged(&repo.path().join("still"), &[]), only_at("there.js:2"));
    assert_eq!(staged(&repo.path(), &[]).1, ["a.js:4", "still/there.js:2"]);
    repo.git(&["rm", "-q", "--cached", "a.js", "still/there.js"]);
    assert_eq!(staged(&repo.path(), &[]), nothing());
}

#[test]
fn a_key_has_the_name_that_it_has_once_it_is_committed() {
    let name = |arguments: &[&str], repo: &Repo| {
        let (_, report, _) = check(&repo.path(), arguments, &[]);
        let names: Vec<String> = keys(&report).iter().map(|found| found["name"].to_string()).collect();
        assert_eq!(names.len(), 1, "{report:#}");
        names
    };
    let repo = Repo::new();
    for number in 0..4 {
        repo.commit("a.js", &format!("let number = {number};\n"));
    }
    repo.git(&["checkout", "-qb", "side", "HEAD~2"]);
    repo.commit("b.js", "let b;\n");
    repo.git(&["merge", "-q", "-m", "merge", "main"]);
    repo.write("a.js", &line(&key(1)));
    repo.git(&["add", "."]);
    let before = name(&["--staged"], &repo);
    repo.git(&["repack", "-qad"]);
    assert_eq!(name(&["--staged"], &repo), before);
    assert_eq!(staged(&repo.path(), &[]), only_at("a.js:2"));
    repo.git(&["commit", "-qm", "a"]);
    assert_eq!(name(&["--select", "secret-*"], &repo), before);
    assert_eq!(name(&["--select", "secret-*", "--no-history"], &repo), before);
}

#[test]
fn repositories_and_indexes_of_every_kind_are_read() {
    let repo = Repo::new();
    // No index, no commit.
    assert_eq!(staged(&repo.path(), &[]), nothing());
    repo.write("server/a.js", &line(&key(1)));
    repo.git(&["add", "."]);
    assert_eq!(staged(&repo.path(), &[]), only_at("server/a.js:2"));
    repo.git(&["commit", "-qm", "a"]);
    for number in 0..30 {
        repo.write(&format!("many/{number}/{number}.js"), "let nothing;\n");
    }
    repo.commit("server/b.js", "let nothing;\n");
    let tree = tempfile::tempdir().unwrap();
    let tree = tree.path().join("w");
    repo.git(&["worktree", "add", "-q", "--detach", &tree.display().to_string()]);
    for version in ["2", "3", "4"] {
        for folder in [&repo.path(), &tree] {
            git(folder, &["update-index", "--index-version", version], "");
            assert_eq!(staged(folder, &[]), nothing());
            fs::write(folder.join("server/b.js"), line(&key(2))).unwrap();
            git(folder, &["add", "."], "");
            assert_eq!(staged(folder, &[]), only_at("server/b.js:2"), "{version}");
            assert_eq!(staged(&folder.join("server"), &[]), only_at("b.js:2"));
            git(folder, &["reset", "-q", "--hard"], "");
        }
    }
    repo.git(&["update-index", "--split-index"]);
    repo.write("server/b.js", &line(&key(2)));
    repo.git(&["add", "."]);
    assert_eq!(staged(&repo.path(), &[]), only_at("server/b.js:2"));
    repo.git(&["update-index", "--no-split-index"]);
    // The index of a commit that is being made.
    let index = repo.path().join(".git/index");
    let other = repo.path().join(".git/next-index.lock");
    fs::copy(&index, &other).unwrap();
    repo.git(&["reset", "-q", "--hard"]);
    assert_eq!(staged(&repo.path(), &[]), nothing());
    let variable = [("GIT_INDEX_FILE", ".git/next-index.lock")];
    assert_eq!(staged_with(&repo.path(), &[], &variable), only_at("server/b.js:2"));
}

#[test]
fn folders_that_are_left_out_of_the_working_tree_count_where_they_are_staged() {
    let repo = Repo::new();
    repo.write("here/a.js", "let nothing;\n");
    repo.write("away/b.js", "let nothing;\n");
    repo.commit("away/deep/c.js", "let nothing;\n");
    repo.commit("away/deep/c.js", &line(&key(1)));
    repo.git(&["sparse-checkout", "set", "--cone", "--sparse-index", "here"]);
    assert_eq!(staged(&repo.path(), &[]), nothing());
    repo.git(&["reset", "-q", "--soft", "HEAD~1"]);
    assert_eq!(staged(&repo.path(), &[]), only_at("away/deep/c.js:2"));
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_passed_by_or_told() {
    let repo = Repo::new();
    repo.commit("a.js", "let nothing;\n");
    let commit = repo.git(&["rev-parse", "HEAD"]);
    repo.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{commit},plugins")]);
    let target = format!("masterKey: '{}'", key(1));
    std::os::unix::fs::symlink(target, repo.path().join("link.js")).unwrap();
    repo.write("later.js", &line(&key(2)));
    repo.write("node_modules/p/p.js", &line(&key(3)));
    repo.git(&["add", "link.js", "node_modules"]);
    repo.git(&["add", "-N", "later.js"]);
    let (code, report, _) = check(&repo.path(), &["--staged"], &[]);
    assert_eq!((code, keys(&report).len()), (Some(0), 0), "{report:#}");
    assert_eq!(report["notChecked"][0]["topic"], "what is staged of plugins");
    // A conflict.
    repo.git(&["reset", "-q", "--hard"]);
    repo.commit("a.js", &line(&key(4)));
    repo.git(&["checkout", "-qb", "other", "HEAD~1"]);
    repo.commit("a.js", &line(&key(5)));
    let _ = std::process::Command::new("git").current_dir(repo.path()).args(["merge", "-q", "main"]).output().unwrap();
    let (code, report, _) = check(&repo.path(), &["--staged"], &[]);
    assert_eq!((code, keys(&report).len()), (Some(0), 0), "{report:#}");
    assert_eq!(report["notChecked"][0]["reason"], "nothing of 1 file is staged yet");
}

#[test]
fn files_of_git_lfs_are_searched_where_they_are_kept() {
    let repo = Repo::new();
    let there = "1".repeat(64);
    for (name, oid) in [("there.js", &there), ("absent.js", &"2".repeat(64))] {
        repo.write(name, &format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 80\n"));
    }
    repo.git(&["add", "."]);
    repo.write(&format!(".git/lfs/objects/11/11/{there}"), &line(&key(5)));
    assert_eq!(staged(&repo.path(), &[]), only_at("there.js:2"));
}

#[test]
fn lists_and_ignores_count_and_those_of_other_findings_are_not_held_against_anybody() {
    let repo = Repo::new();
    repo.write(".parse-auditignore", "old/\n");
    repo.write("old/a.js", &line(&key(1)));
    repo.write("backup/a.js", &line(&key(2)));
    let unused = "[[ignore]]\nfinding = \"clp-public-delete:Order.delete\"\nreason = \"guests cancel\"\n";
    repo.write("parse-audit.toml", &format!("[inputs]\nignore = [\"backup/\"]\n{unused}"));
    repo.git(&["add", "."]);
    assert_eq!(staged(&repo.path(), &["--fail-on", "info"]), nothing());
    repo.write("a.js", &line(&key(3)));
    repo.git(&["add", "."]);
    let (_, report, _) = check(&repo.path(), &["--staged"], &[]);
    let name = keys(&report)[0]["name"].as_str().unwrap().to_owned();
    repo.write(
        "parse-audit.toml",
        &format!("[inputs]\nignore = [\"backup/\"]\n[[ignore]]\nfinding = \"{name}\"\nreason = \"a test\"\n"),
    );
    assert_eq!(staged(&repo.path(), &["--ignore", "clp-*"]).0, Some(0));
}

#[test]
fn a_staged_key_is_marked_in_every_report() {
    let repo = Repo::new();
    repo.write("a.js", &line(&key(1)));
    repo.git(&["add", "."]);
    let of = |format: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_parse-audit"));
        let output = command.args(["check", "--staged", "-o", format]).current_dir(repo.path()).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(!text.contains(&key(1)[2..20]));
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert!(of("text").contains("; staged secret-parse-master-key at a.js:2:"), "{}", of("text"));
    assert!(of("github").contains("; staged"), "{}", of("github"));
    let sarif: Value = serde_json::from_str(&of("sarif")).unwrap();
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!(result["properties"]["parse-audit/standing"], "staged");
    assert!(result["message"]["text"].as_str().unwrap().contains("; staged."), "{result:#}");
}

#[test]
fn what_makes_no_sense_or_is_damaged_is_told() {
    let repo = Repo::new();
    let code = |folder: &Path, arguments: &[&str]| check(folder, &[&["--staged"], arguments].concat(), &[]).0;
    for arguments in [&["--no-history"][..], &["--since", "2026-01-01"], &["--commits", "a..b"], &["--select", "clp-*"]]
    {
        assert_eq!(code(&repo.path(), arguments), Some(2), "{arguments:?}");
    }
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(code(folder.path(), &[]), Some(2));
    for number in 0..9 {
        repo.write(&format!("{number}/a.js"), "let nothing;\n");
    }
    repo.commit("a.js", "let nothing;\n");
    repo.write("b.js", &line(&key(1)));
    repo.git(&["add", "."]);
    let index = repo.path().join(".git/index");
    let sound = fs::read(&index).unwrap();
    for at in (0..sound.len()).step_by(sound.len() / 16) {
        for damaged in [sound[..at].to_vec(), [&sound[..at], &[sound[at] ^ 0xff], &sound[at + 1..]].concat()] {
            fs::write(&index, damaged).unwrap();
            let (code, report, errors) = check(&repo.path(), &["--staged"], &[]);
            assert!(matches!(code, Some(0 | 1 | 3)) && !report.is_null(), "{at}: {code:?} {errors}");
        }
    }
    fs::write(&index, sound).unwrap();
    let blob = repo.git(&["rev-parse", ":b.js"]);
    fs::remove_file(repo.path().join(".git/objects").join(&blob[..2]).join(&blob[2..])).unwrap();
    let (code, found) = staged(&repo.path(), &[]);
    assert_eq!((code, found.len()), (Some(3), 1), "{found:?}");
    assert!(found[0].starts_with("problem: "), "{found:?}");
}
