//! Repositories that the git command makes for tests.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use parse_audit::history::{History, Range, Report, Search};
use parse_audit::rules::loader::built_in;
use parse_audit::secrets::Scanner;
use parse_audit::secrets::redact::Salt;

/// A repository in a folder of its own, which goes with it.
pub struct Repo {
    folder: tempfile::TempDir,
}

/// What knows the keys of the built-in rules.
pub fn scanner() -> &'static Scanner {
    static SCANNER: OnceLock<Scanner> = OnceLock::new();
    SCANNER.get_or_init(|| Scanner::new(&built_in().unwrap(), Salt::default()).unwrap())
}

/// Runs git in a folder, without any configuration of the machine; what it printed.
pub fn git(folder: &Path, arguments: &[&str], input: &str) -> String {
    let mut command = Command::new("git");
    command.current_dir(folder).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("GIT_")) {
        command.env_remove(name);
    }
    command.env("HOME", folder).env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", folder.join("no-config"));
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "A").env(format!("GIT_{who}_EMAIL"), "a@example.org");
        command.env(format!("GIT_{who}_DATE"), "2019-03-02T12:00:00Z");
    }
    let mut running = command.spawn().expect("git is needed to run these tests");
    running.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = running.wait_with_output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// What is found in a folder's history.
pub fn search(folder: &Path, range: &Range, search: Search) -> Report {
    History::open(folder).unwrap().unwrap().search(scanner(), range, search).unwrap()
}

/// What is found in all of a folder's history.
pub fn try_search(folder: &Path) -> Report {
    match History::open(folder).expect("a repository") {
        Ok(history) => history.search(scanner(), &Range::default(), Search::Parts).expect("a range"),
        Err(problem) => Report { problems: vec![problem], ..Report::default() },
    }
}

impl Repo {
    /// An empty repository with a branch `main`.
    pub fn new() -> Self {
        Self::with(&[])
    }

    /// One that is made with further options.
    pub fn with(options: &[&str]) -> Self {
        let repo = Self { folder: tempfile::tempdir().unwrap() };
        repo.git(&[&["init", "-q", "-b", "main"], options].concat());
        repo
    }

    /// Its folder.
    pub fn path(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Makes commits of a stream of `git fast-import`.
    pub fn import(&self, stream: &str) {
        git(self.folder.path(), &["fast-import", "--quiet"], stream);
    }

    /// Runs git in it.
    pub fn git(&self, arguments: &[&str]) -> String {
        git(self.folder.path(), arguments, "")
    }

    /// Writes a file.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Commits a file; the id of the commit.
    pub fn commit(&self, path: &str, text: &str) -> String {
        self.write(path, text);
        self.git(&["add", "."]);
        self.git(&["commit", "-qm", path]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Writes an object that nothing leads to; its id.
    pub fn object(&self, text: &str) -> String {
        git(self.folder.path(), &["hash-object", "-w", "--stdin"], text)
    }

    /// Writes a folder of entries as `git ls-tree` shows them; its id.
    pub fn tree(&self, items: &str) -> String {
        git(self.folder.path(), &["mktree"], items)
    }

    /// What is found in its history.
    pub fn search(&self, how: Search) -> Report {
        search(self.folder.path(), &Range::default(), how)
    }
}
