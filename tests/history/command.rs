//! What `check` says of keys in the history.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::repository::Repo;
use super::{key, line};

/// The exit code, the report in JSON, and what went to standard error.
pub fn check(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, Value, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parse-audit"));
    command.args(["check", "."]).args(arguments).args(["-o", "json"]).current_dir(folder);
    command.env_remove("PARSE_AUDIT_ID_KEY").env_remove("GIT_INDEX_FILE").envs(variables.iter().copied());
    let output = command.output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap_or_default(), errors)
}

/// The findings about keys.
pub fn keys(report: &Value) -> Vec<&Value> {
    let findings = report["findings"].as_array().unwrap().iter();
    findings.filter(|finding| finding["rule"].as_str().unwrap().starts_with("secret-")).collect()
}

fn repo() -> Repo {
    let repo = Repo::new();
    repo.write("package.json", r#"{ "name": "app", "dependencies": { "parse-server": "6.5.11" } }"#);
    repo
}

#[test]
fn a_key_in_a_file_and_in_the_history_is_one_finding_and_one_that_was_removed_is_found() {
    let repo = repo();
    let first = repo.commit("server.js", &line(&key(1)));
    repo.commit("config.js", &line(&key(2)));
    repo.git(&["rm", "-q", "config.js"]);
    repo.commit("index.js", &line(&key(1)));
    let (code, report, _) = check(&repo.path(), &[], &[]);
    let keys = keys(&report);
    assert_eq!((code, keys.len()), (Some(1), 2), "{report:#}");
    let message = |finding: &Value| finding["message"].as_str().unwrap().to_owned();
    let stays = keys.iter().find(|finding| message(finding).contains("still in HEAD")).unwrap();
    let since = format!("; committed in {} on 2019-03-02, still in HEAD, found in 1 branch", &first[..10]);
    assert!(message(stays).ends_with(&since), "{}", message(stays));
    let gone = keys.iter().find(|finding| message(finding).contains("not in HEAD")).unwrap();
    assert!(gone.to_string().contains("config.js"), "{gone:#}");
    for key in [key(1), key(2)] {
        assert!(!report.to_string().contains(&key[2..20]));
    }
}

#[test]
fn a_key_keeps_its_name_where_it_moves_and_in_a_rewritten_history_of_the_same_beginning() {
    let name = |report: &Value| keys(report).iter().map(|key| key["fingerprint"].to_string()).collect::<Vec<_>>();
    let repo = repo();
    repo.commit("a.js", "let nothing;\n");
    repo.commit("server.js", &line(&key(1)));
    let before = name(&check(&repo.path(), &[], &[]).1);
    repo.git(&["mv", "server.js", "main.js"]);
    repo.git(&["commit", "-q", "--amend", "-m", "another commit"]);
    repo.commit("main.js", &format!("\n\n{}", line(&key(1))));
    assert_eq!(before.len(), 1);
    assert_eq!(name(&check(&repo.path(), &[], &[]).1), before);
    assert_ne!(name(&check(&repo.path(), &[], &[("PARSE_AUDIT_ID_KEY", "ours")]).1), before);
    // The same key in another repository cannot be told to be the same.
    let other = self::repo();
    other.commit("a.js", "let something;\n");
    other.commit("server.js", &line(&key(1)));
    assert_ne!(name(&check(&other.path(), &[], &[]).1), before);
}

#[test]
fn the_history_can_be_left_out_or_cut() {
    let repo = repo();
    repo.write("Note.json", r#"{ "className": "Note", "fields": {} }"#);
    repo.commit("server.js", &line(&key(1)));
    repo.commit("server.js", "let nothing;\n");
    repo.commit("index.js", "let nothing;\n");
    let found = |arguments: &[&str]| keys(&check(&repo.path(), arguments, &[]).1).len();
    assert_eq!((found(&[]), found(&["--no-history"])), (1, 0));
    assert_eq!((found(&["--commits", "HEAD~1.."]), found(&["--commits", "HEAD~1"])), (0, 1));
    assert_eq!((found(&["--since", "2019-03-02"]), found(&["--since", "2019-03-03"])), (1, 0));
    let (code, _, errors) = check(&repo.path(), &["--commits", "nowhere.."], &[]);
    assert_eq!((code, errors.as_str()), (Some(2), "error: no such commit: `nowhere` in `--commits`\n"));
    let folder = tempfile::tempdir().unwrap();
    let (code, _, errors) = check(folder.path(), &["--since", "2019-03-03"], &[]);
    assert_eq!(code, Some(2));
    assert!(errors.starts_with("error: `.` is no folder of a git repository"), "{errors}");
}

#[test]
fn of_a_folder_the_history_of_that_folder_counts() {
    let repo = repo();
    repo.commit("notes.txt", "nothing\n");
    std::fs::create_dir_all(repo.path().join("apps/shop")).unwrap();
    std::fs::create_dir(repo.path().join("other")).unwrap();
    repo.write("apps/shop/package.json", r#"{ "name": "shop", "dependencies": { "parse-server": "6.5.11" } }"#);
    repo.commit("apps/shop/server.js", &line(&key(1)));
    repo.commit("apps/shop/old.js", &line(&key(2)));
    repo.commit("other/server.js", &line(&key(3)));
    repo.git(&["rm", "-q", "apps/shop/old.js", "other/server.js"]);
    repo.commit("other/index.js", "let nothing;\n");
    repo.git(&["tag", "named", &repo.git(&["hash-object", "-w", "other/index.js"])]);
    let told = |folder: &str| {
        let (_, report, errors) = check(&repo.path().join(folder), &[], &[]);
        let name = |finding: &&Value| (finding["fingerprint"].to_string(), finding["message"].to_string());
        assert_eq!(errors, "");
        (keys(&report).iter().map(name).collect::<std::collections::BTreeSet<_>>(), report.to_string())
    };
    let ((all, _), (inside, report)) = (told("."), told("apps/shop"));
    assert_eq!((all.len(), inside.len()), (3, 2), "{inside:#?}");
    // A key has the same name, and came with the same commit.
    assert!(inside.is_subset(&all), "{inside:#?} {all:#?}");
    assert!(report.contains("\"old.js\"") && report.contains("git history outside of this folder"), "{report}");
    let (none, report) = told("other");
    assert_eq!(none.len(), 1, "{report}");
}

#[test]
fn a_repository_without_a_working_tree_is_checked() {
    let repo = repo();
    repo.commit("server.js", &line(&key(1)));
    let bare = tempfile::tempdir().unwrap();
    let from = repo.path().display().to_string();
    super::repository::git(bare.path(), &["clone", "-q", "--bare", &from, "."], "");
    let (code, report, errors) = check(bare.path(), &[], &[]);
    assert_eq!((code, keys(&report).len()), (Some(1), 1), "{report:#} {errors}");
}

#[test]
fn a_key_of_the_server_is_a_way_to_every_class_wherever_it_lies() {
    let repo = repo();
    let folder = repo.path();
    repo.write("Note.json", r#"{ "className": "Note", "classLevelPermissions": { "find": { "role:admin": true } } }"#);
    repo.commit("server.js", &line(&key(1)));
    let ask = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_parse-audit"));
        let output = command.args(arguments).current_dir(&folder).output().unwrap();
        String::from_utf8(output.stdout).unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let way = "the master key (whoever can read the repository, server.js:2); the server takes it only from its own machine, as masterKeyIps is not set";
    for question in [&["who-can", "find", "Note"][..], &["can", "public"], &["explain", "delete Note as public"]] {
        assert!(ask(question).contains(way), "{}", ask(question));
        assert!(!ask(question).contains(&key(1)[2..20]));
    }
    repo.git(&["rm", "-q", "server.js"]);
    repo.commit("index.js", "let nothing;\n");
    let gone = ask(&["who-can", "find", "Note"]);
    assert!(gone.contains("the master key (whoever can read the history of the repository, server.js)"), "{gone}");
    assert!(!ask(&["who-can", "find", "Note", "--no-history"]).contains("THRU"));
    repo.write("config.js", &line(&key(2)));
    let beside = ask(&["who-can", "find", "Note"]);
    assert!(beside.contains("the master key (whoever can read the file, config.js:2)"), "{beside}");
    std::fs::remove_file(folder.join("config.js")).unwrap();
    let report = check(&folder, &[], &[]).1;
    let name = &keys(&report)[0]["name"];
    repo.write("parse-audit.toml", &format!("[[ignore]]\nfinding = {name}\nreason = 'the key was changed'\n"));
    let ignored = ask(&["who-can", "find", "Note"]);
    assert!(!ignored.contains("THRU"), "{name}: {ignored}");
}

#[test]
fn a_key_that_two_rules_know_names_one_commit() {
    let repo = repo();
    let first = repo.commit("server.js", &line(&key(1)));
    let header = format!("curl -H 'X-Parse-Master-Key: {}' https://api.acme.io/1/classes/Note\n", key(1));
    repo.commit("call.sh", &header);
    repo.git(&["rm", "-q", "server.js"]);
    repo.git(&["commit", "-qm", "remove"]);
    let (_, report, _) = check(&repo.path(), &[], &[]);
    let messages: Vec<&str> = keys(&report).iter().map(|found| found["message"].as_str().unwrap()).collect();
    let since = format!("; committed in {} on 2019-03-02, still in HEAD, found in 1 branch", &first[..10]);
    assert_eq!(messages.len(), 2, "{report:#}");
    assert!(messages.iter().all(|message| message.ends_with(&since)), "{messages:?}");
}
