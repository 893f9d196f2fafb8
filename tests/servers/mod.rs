//! Real servers that end with the test.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// The version that is started if none is named.
pub const NEWEST: &str = "9.10.0";

/// A Parse Server and its database.
pub struct Server {
    running: Child,
    /// Its address.
    pub url: String,
    /// Its database.
    #[allow(dead_code, reason = "not all tests that start a server ask its database")]
    pub database: Postgres,
}

/// A PostgreSQL that asks for a password.
#[allow(dead_code, reason = "not all tests that start a server ask its database")]
pub struct Postgres {
    /// Its address, with user and password.
    pub uri: String,
    /// The certificate of who signed its own.
    pub certificate: PathBuf,
    /// The file with every statement that was sent to it.
    pub log: PathBuf,
}

#[allow(dead_code, reason = "each test starts one in its own way")]
impl Server {
    /// Starts one with these options, on a PostgreSQL of its own.
    pub fn start(options: &Value) -> Self {
        Self::start_version(NEWEST, options)
    }

    /// Starts one of another version.
    pub fn start_version(version: &str, options: &Value) -> Self {
        let (running, mut lines) = run("parse", &[version, &options.to_string()]);
        let mut line = || lines.next().expect("the database starts");
        let database = Postgres { uri: line(), certificate: line().into(), log: line().into() };
        let url = lines.find(|line| line.starts_with("http://")).expect("the server starts");
        Self { running, url, database }
    }

    /// Starts one on a database that is there.
    pub fn start_on(uri: &str, options: &Value) -> Self {
        let (running, mut lines) = run("parse", &[NEWEST, &options.to_string(), uri]);
        let database = Postgres { uri: uri.to_owned(), certificate: PathBuf::new(), log: PathBuf::new() };
        let url = lines.find(|line| line.starts_with("http://")).expect("the server starts");
        Self { running, url, database }
    }
}

/// Runs the script that starts a server; what it prints.
fn run(script: &str, args: &[&str]) -> (Child, impl Iterator<Item = String> + use<>) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/servers").join(script);
    let mut start = Command::new(script);
    start.args(args).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut running = start.spawn().expect("bash runs");
    let lines = BufReader::new(running.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
    (running, lines)
}

/// A database of the kind of MongoDB that ends with the test.
#[allow(dead_code, reason = "most tests need none")]
pub struct Mongo {
    running: Child,
    /// Its process.
    #[allow(dead_code, reason = "most tests leave it alone")]
    pub process: i32,
    /// Its address, with the database that is meant.
    pub uri: String,
}

impl Mongo {
    /// Starts one on a folder.
    #[allow(dead_code, reason = "most tests need none")]
    pub fn start(folder: &Path) -> Self {
        let (running, mut lines) = run("mongo", &[&folder.to_string_lossy()]);
        let process = lines.next().and_then(|line| line.parse().ok()).expect("a process");
        let uri = lines.next().expect("the server starts");
        Self { running, process, uri: format!("{uri}/parse") }
    }
}

/// A PostgreSQL alone, whose data stay when it ends.
#[allow(dead_code, reason = "most tests need none")]
pub struct Database {
    running: Child,
    folder: PathBuf,
    /// Its address, with user and password.
    pub uri: String,
}

#[allow(dead_code, reason = "most tests need none")]
impl Database {
    /// Starts one on a folder, which may hold its data.
    pub fn start(folder: &Path) -> Self {
        let (running, mut lines) = run("postgres", &[&folder.to_string_lossy()]);
        let uri = lines.find(|line| line.starts_with("postgres://")).expect("the database starts");
        Self { running, folder: folder.to_owned(), uri }
    }

    /// Where its processes are listed; the first is the one that starts the others.
    pub fn process(&self) -> i32 {
        let file = std::fs::read_to_string(self.folder.join("d/postmaster.pid")).expect("it runs");
        file.lines().next().and_then(|line| line.trim().parse().ok()).expect("a process")
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        drop(self.running.stdin.take());
        let _ = self.running.wait();
    }
}

impl Drop for Mongo {
    fn drop(&mut self) {
        drop(self.running.stdin.take());
        let _ = self.running.wait();
    }
}

/// Sends a request to a Parse Server, with a master key or without; the answer's status and body.
#[allow(dead_code, reason = "one of the tests that start a server sends no requests itself")]
pub fn ask(url: &str, app_id: &str, master: Option<&str>, what: (&str, &str), body: Option<&Value>) -> (u16, Value) {
    let key = master.map(|key| ("X-Parse-Master-Key", key));
    ask_as(url, app_id, key, what, body)
}

/// Sends a request to a Parse Server with what says who asks, a header; the answer's status and body.
#[allow(dead_code, reason = "one of the tests that start a server sends no requests itself")]
pub fn ask_as(
    url: &str,
    app_id: &str,
    who: Option<(&str, &str)>,
    (method, path): (&str, &str),
    body: Option<&Value>,
) -> (u16, Value) {
    let mut request = ureq::http::Request::builder().method(method).uri(format!("{url}/{path}"));
    request = request.header("X-Parse-Application-Id", app_id).header("Content-Type", "application/json");
    if let Some((name, value)) = who {
        request = request.header(name, value);
    }
    let request = request.body(body.map(Value::to_string).unwrap_or_default()).unwrap();
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut answer = agent.run(request).expect("the server answers");
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap_or_default())
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.running.stdin.take());
        let _ = self.running.wait();
    }
}
