//! Real servers that end with the test.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// A Parse Server on PostgreSQL.
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

impl Server {
    /// Starts one with these options.
    pub fn start(options: &Value) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/servers/parse");
        let mut start = Command::new(script);
        start.arg(options.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut running = start.spawn().expect("bash runs");
        let mut lines = BufReader::new(running.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
        let mut line = || lines.next().expect("the database starts");
        let database = Postgres { uri: line(), certificate: line().into(), log: line().into() };
        let url = lines.find(|line| line.starts_with("http://")).expect("the server starts");
        Self { running, url, database }
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
