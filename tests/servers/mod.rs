//! Real servers that end with the test.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// A Parse Server on PostgreSQL.
pub struct Server {
    running: Child,
    /// Its address.
    pub url: String,
}

impl Server {
    /// Starts one with these options.
    pub fn start(options: &Value) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/servers/parse");
        let mut start = Command::new(script);
        start.arg(options.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut running = start.spawn().expect("bash runs");
        let lines = BufReader::new(running.stdout.take().expect("a pipe")).lines();
        let url = lines.map_while(Result::ok).find(|line| line.starts_with("http://")).expect("the server starts");
        Self { running, url }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.running.stdin.take());
        let _ = self.running.wait();
    }
}
