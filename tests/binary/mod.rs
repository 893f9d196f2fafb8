//! Runs the real program with nothing of the environment but what a test gives it.

#![allow(dead_code, reason = "each test uses a part")]

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What the program did.
#[derive(Debug)]
pub struct Done {
    /// The exit code.
    pub code: i32,
    /// Standard output, as bytes.
    pub out: Vec<u8>,
    /// Standard error.
    pub err: String,
    /// How long it took.
    pub took: Duration,
}

impl Done {
    /// Standard output as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.out).into_owned()
    }

    /// Everything it said.
    pub fn all(&self) -> String {
        format!("{}{}", self.text(), self.err)
    }
}

/// A run may take so long; one that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs the program in a folder.
pub fn run(folder: &Path, args: &[&str]) -> Done {
    run_with(folder, args, &[])
}

/// Runs the program in a folder with variables of the environment.
pub fn run_with(folder: &Path, args: &[&str], variables: &[(&str, &str)]) -> Done {
    let started = Instant::now();
    let mut child = program(folder, args)
        .envs(variables.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let (mut out, mut err) = (child.stdout.take().expect("a pipe"), child.stderr.take().expect("a pipe"));
    let out = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        out.read_to_end(&mut bytes).map(|_| bytes)
    });
    let err = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        err.read_to_end(&mut bytes).map(|_| bytes)
    });
    let status = loop {
        if let Some(status) = child.try_wait().expect("the program is ours") {
            break status;
        }
        if started.elapsed() > PATIENCE {
            child.kill().expect("the program is ours");
            child.wait().expect("the program is ours");
            panic!("{args:?} hangs");
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let out = out.join().expect("a thread").expect("standard output");
    let err = err.join().expect("a thread").expect("standard error");
    let err = String::from_utf8_lossy(&err).into_owned();
    let code = status.code().unwrap_or_else(|| panic!("{args:?} was killed: {status}\n{err}"));
    assert_ne!(code, 101, "{args:?} panicked\n{err}");
    assert!(!err.contains("panicked"), "{args:?} panicked\n{err}");
    Done { code, out, err, took: started.elapsed() }
}

/// The program, ready to be started.
pub fn program(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parse-audit"));
    command.env_clear().current_dir(folder).args(args).stdin(Stdio::null());
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("SOURCE_DATE_EPOCH", "1767225600");
    command
}

/// Writes files into a folder.
pub fn write(folder: &Path, files: &[(&str, &[u8])]) {
    for (path, bytes) in files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        fs::write(path, bytes).expect("a file");
    }
}

/// A class that every test can tell was audited: anyone may delete it.
pub const OPEN_CLASS: &str =
    r#"{ "className": "Note", "fields": {}, "classLevelPermissions": { "delete": { "*": true } } }"#;
