//! `--verify` against a running Parse Server, which `tests/servers/parse` starts.
//!
//! Needs Node.js, npm and PostgreSQL; `tests/run` installs them. It fails without them.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

mod servers;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};
use std::thread;

use serde_json::{Value, json};
use servers::Server;

const KEYS: [&str; 3] = ["Qm7rT2xWv9LkPz4Hs8Nd", "bX3nVt6RyGq1Jw5Cf0Zs", "uE8kMh2DpLa7Tz9Rb4Yv"];

/// An app in whose files these keys lie, as that of a server, as a read-only one, and as an old one.
fn app() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let [master, read_only, old] = KEYS;
    let text = format!("new ParseServer({{\n  masterKey: '{master}',\n  readOnlyMasterKey: '{read_only}',\n}});\n");
    fs::write(folder.path().join("index.js"), text).unwrap();
    fs::write(folder.path().join("old.json"), format!("{{ \"masterKey\": \"{old}\" }}\n")).unwrap();
    folder
}

fn verify(folder: &Path, url: &str, app_id: Option<&str>) -> Output {
    let mut check = Command::new(env!("CARGO_BIN_EXE_parse-audit"));
    check.args(["check", "--verify", url, "-o", "json"]).current_dir(folder).env_remove("PARSE_SERVER_APPLICATION_ID");
    if let Some(app_id) = app_id {
        check.env("PARSE_SERVER_APPLICATION_ID", app_id);
    }
    check.output().expect("the program is ours")
}

fn report(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

/// What is said of the keys: the file, and the end of the message.
fn said(report: &Value) -> Vec<(String, String)> {
    let findings = report["findings"].as_array().unwrap().iter();
    let about_keys = findings.filter(|finding| finding["rule"].as_str().unwrap().starts_with("secret-parse-"));
    let mut said: Vec<(String, String)> = about_keys
        .map(|finding| {
            let message = finding["message"].as_str().unwrap();
            let end = message.rsplit_once("; ").map_or("", |(_, end)| end);
            (finding["rule"].as_str().unwrap().to_owned(), end.to_owned())
        })
        .collect();
    said.sort();
    said
}

fn pairs(said: &[(String, String)]) -> Vec<(&str, &str)> {
    said.iter().map(|(rule, end)| (rule.as_str(), end.as_str())).collect()
}

#[test]
fn a_server_tells_which_keys_it_takes() {
    let [master, read_only, _] = KEYS;
    let options = json!({
        "appId": "shop", "masterKey": master, "readOnlyMasterKey": read_only, "serverURL": "http://127.0.0.1:1/parse",
    });
    let (server, folder) = (Server::start(&options), app());
    let output = verify(folder.path(), &server.url, Some("shop"));
    let report = report(&output);
    let said = said(&report);
    assert_eq!(
        pairs(&said),
        [
            ("secret-parse-master-key", "127.0.0.1 accepts it"),
            ("secret-parse-master-key", "127.0.0.1 does not know it"),
            ("secret-parse-read-only-master-key", "127.0.0.1 accepts it"),
        ],
        "{report:#}"
    );
    assert_eq!((output.status.code(), &report["problems"]), (Some(1), &json!([])));
    for key in KEYS {
        assert!(!String::from_utf8_lossy(&output.stdout).contains(&key[2..18]));
    }

    let stranger = verify(folder.path(), &server.url, Some("another"));
    let report = self::report(&stranger);
    assert_eq!(stranger.status.code(), Some(3), "{report:#}");
    assert!(report["problems"].to_string().contains("does not know this application id"), "{report:#}");
}

#[test]
fn a_server_that_takes_a_key_from_elsewhere_only_is_told_from_one_that_does_not_know_it() {
    let options = json!({
        "appId": "shop", "masterKey": KEYS[0], "masterKeyIps": ["10.11.12.13"], "serverURL": "http://127.0.0.1:1/parse",
    });
    let (server, folder) = (Server::start(&options), app());
    let report = report(&verify(folder.path(), &server.url, Some("shop")));
    let said = said(&report);
    assert_eq!(
        pairs(&said),
        [
            ("secret-parse-master-key", "127.0.0.1 does not know it"),
            ("secret-parse-master-key", "127.0.0.1 knows it, and takes it from other addresses only"),
            ("secret-parse-read-only-master-key", "127.0.0.1 does not know it"),
        ],
        "{report:#}"
    );
}

/// Answers every request with these bytes, and gives what it was asked.
fn answering(answer: &'static str, times: usize) -> (String, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/parse", listener.local_addr().unwrap());
    let asked = thread::spawn(move || {
        let mut asked = String::new();
        for _ in 0..times {
            let (mut stream, _) = listener.accept().unwrap();
            let mut bytes = [0; 2048];
            let read = stream.read(&mut bytes).unwrap();
            asked.push_str(&String::from_utf8_lossy(&bytes[..read]));
            stream.write_all(answer.as_bytes()).unwrap();
        }
        asked
    });
    (url, asked)
}

#[test]
fn a_key_goes_nowhere_but_to_a_parse_server() {
    let folder = app();
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let answer: &'static str = format!(
        "HTTP/1.1 302 Found\r\nLocation: http://{}/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        elsewhere.local_addr().unwrap()
    )
    .leak();
    for answer in
        [answer, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}", "no HTTP at all\r\n\r\n"]
    {
        let (url, asked) = answering(answer, 1);
        let output = verify(folder.path(), &url, Some("shop"));
        let asked = asked.join().unwrap();
        assert_eq!(output.status.code(), Some(3), "{asked}");
        assert!(asked.starts_with("GET /parse/serverInfo ") && !KEYS.iter().any(|key| asked.contains(key)), "{asked}");
    }
    assert!(elsewhere.accept().is_err(), "nobody was sent on");
}

#[test]
fn an_address_that_keys_must_not_go_to_is_refused_before_anything_is_read() {
    let folder = app();
    for (url, app_id, expected) in [
        ("http://api.example.com/parse", Some("shop"), "keys are not sent without encryption"),
        ("https://user:word@api.example.com/parse", Some("shop"), "must not hold a password"),
        ("api", Some("shop"), "no address"),
        ("https://api.example.com/parse", None, "PARSE_SERVER_APPLICATION_ID"),
    ] {
        let output = verify(folder.path(), url, app_id);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{url}");
        assert!(errors.contains(expected) && !errors.contains("word@"), "{errors}");
    }
}
