//! Keys in files that are not committed: ignored ones with `--include-ignored`, others always.

use std::fs;
use std::path::Path;

use super::command::{check, keys};
use super::repository::{Repo, git};
use super::{key, line};

/// Where keys were found, and whether each is in no commit; what is related is told with `+`.
fn found(folder: &Path, arguments: &[&str]) -> Vec<String> {
    let (_, report, errors) = check(folder, arguments, &[]);
    assert!(!report.is_null(), "{errors}");
    assert_eq!(report["problems"].as_array().unwrap().len(), 0, "{report:#}");
    let mut all = Vec::new();
    for found in keys(&report) {
        let path = |place: &serde_json::Value| place["location"]["path"].as_str().unwrap().to_owned();
        all.push(format!("{}: {}", path(found), found["standing"].as_str().unwrap_or("-")));
        let message = found["message"].as_str().unwrap();
        assert!(found["standing"].is_null() || message.ends_with("; in a file that is not committed"), "{message}");
        for related in found["related"].as_array().unwrap() {
            all.push(format!("+{}: {}", path(related), related["what"].as_str().unwrap()));
        }
    }
    all.sort();
    all
}

#[test]
fn what_git_ignores_is_searched_where_that_is_asked_for() {
    let repo = Repo::new();
    let app = r#"{ "name": "app", "dependencies": { "parse-server": "6.5.11" } }"#;
    repo.write("package.json", app);
    repo.write(".gitignore", ".env\nbuild/\n*.log\nkept.js\nnode_modules/\n");
    repo.write(".parse-auditignore", "build/old/\n");
    repo.write("kept.js", &line(&key(1)));
    repo.git(&["add", "-f", "kept.js"]);
    repo.commit("a.js", "let nothing;\n");
    repo.write(".env", &format!("PARSE_SERVER_MASTER_KEY={}\n", key(2)));
    repo.write("build/deep/b.js", &line(&key(3)));
    repo.write("build/old/c.js", &line(&key(4)));
    repo.write("node_modules/p/p.js", &line(&key(5)));
    repo.write("build/Note.json", r#"{ "className": "Note", "classLevelPermissions": { "delete": { "*": true } } }"#);
    repo.write("new.js", &line(&key(6)));
    assert_eq!(found(&repo.path(), &[]), ["kept.js: -", "new.js: not committed"]);
    let all = [".env: not committed", "build/deep/b.js: not committed", "kept.js: -", "new.js: not committed"];
    assert_eq!(found(&repo.path(), &["--include-ignored"]), all);
    assert_eq!(found(&repo.path(), &["--include-ignored", "--no-history"]), all);
    assert_eq!(found(&repo.path().join("build"), &["--include-ignored"]), ["deep/b.js: not committed"]);
    // It is no part of the app.
    let (_, report, _) = check(&repo.path(), &["--include-ignored"], &[]);
    assert_eq!(report["app"]["classes"], 0);
    // Nor does it belong to git where it is not in a repository.
    fs::remove_dir_all(repo.path().join(".git")).unwrap();
    assert_eq!(found(&repo.path(), &["--include-ignored"])[0], ".env: not committed");
}

#[test]
fn a_key_that_is_committed_as_well_is_told_where_it_is() {
    let repo = Repo::new();
    repo.write(".gitignore", ".env\n");
    repo.commit("server.js", &line(&key(1)));
    let first = repo.commit("gone.js", &line(&key(2)));
    repo.git(&["rm", "-q", "gone.js"]);
    repo.git(&["commit", "-qm", "remove"]);
    repo.write("a.js", &line(&key(1)));
    repo.write("b.js", &line(&key(2)));
    let since = format!("+gone.js: in the history, committed in {} on 2019-03-02", &first[..10]);
    let expected = ["+a.js: also here, in a file that is not committed", &since, "b.js: -", "server.js: -"];
    assert_eq!(found(&repo.path(), &[]), expected);
    let (_, report, _) = check(&repo.path(), &[], &[]);
    let message = |path: &str| {
        let all = keys(&report);
        let found = all.iter().find(|found| found["location"]["path"] == path).unwrap();
        found["message"].as_str().unwrap().to_owned()
    };
    let from_b = message("b.js");
    assert!(from_b.ends_with("not in HEAD, found in 1 branch; in a file that is not committed"), "{from_b}");
}

#[test]
fn what_lies_in_another_repository_is_left_to_that_one() {
    let repo = Repo::new();
    let other = Repo::new();
    other.commit("a.js", &line(&key(1)));
    let url = other.path().display().to_string();
    repo.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &url, "plugins"]);
    git(&repo.path(), &["clone", "-q", &url, "nested"], "");
    repo.write("later.js", &line(&key(2)));
    repo.git(&["add", "-N", "later.js"]);
    let expected = ["+plugins/a.js: also here", "later.js: not committed", "nested/a.js: -"];
    assert_eq!(found(&repo.path(), &[]), expected);
}

#[test]
fn installed_packages_count_only_where_git_keeps_them() {
    let folders = |repo: &Repo| -> Vec<String> {
        let (_, report, _) = check(&repo.path(), &["--no-history"], &[]);
        let findings = report["findings"].as_array().unwrap().iter();
        let told = findings.filter(|found| found["rule"] == "package-folder-committed");
        told.map(|found| found["message"].as_str().unwrap().to_owned()).collect()
    };
    let repo = Repo::new();
    repo.commit("package.json", r#"{ "name": "app", "dependencies": { "parse-server": "^8.6.0" } }"#);
    repo.write("cloud/main.js", "Parse.Cloud.define('hello', () => 'hello');\n");
    repo.write("node_modules/ws/package.json", "{}");
    repo.write("node_modules/@apollo/server/package.json", "{}");
    assert_eq!(folders(&repo), [""; 0]);
    repo.git(&["add", "."]);
    assert_eq!(folders(&repo), ["2 packages are committed in `node_modules`"]);
    repo.git(&["rm", "-rq", "--cached", "node_modules"]);
    repo.commit(".gitignore", "node_modules/\n");
    assert_eq!(folders(&repo), [""; 0]);
}
