//! A server of OSV on a loopback port, as far as we ask it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

/// The server; its thread ends with the test.
pub struct Osv {
    /// Its address.
    pub url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Osv {
    /// Starts one that knows some records by id, and about any `ws` all of them.
    pub fn start<const N: usize>(records: [(&str, String); N]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let records: BTreeMap<String, String> =
            records.into_iter().map(|(id, record)| (id.to_owned(), record)).collect();
        let seen = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let _ = serve(stream, &records, &seen);
            }
        });
        Self { url, asked }
    }

    /// What was asked, in order: the body of a question, or the path of a record.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("nobody panicked").clone()
    }
}

fn serve(mut stream: TcpStream, records: &BTreeMap<String, String>, asked: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        if header.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = header.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let body = String::from_utf8_lossy(&body).into_owned();
    let (status, answer) = answer(&path, &body, records);
    let is_ours = path.starts_with("/v1/");
    if is_ours {
        asked.lock().expect("nobody panicked").push(if body.is_empty() { path } else { body });
    }
    let more = if status.starts_with("302") { "Location: http://127.0.0.1:1/\r\n" } else { "" };
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nContent-Type: application/json\r\n{more}Connection: close\r\n\r\n{answer}",
        answer.len()
    )
}

fn answer(path: &str, body: &str, records: &BTreeMap<String, String>) -> (&'static str, String) {
    if path.starts_with("/broken/") {
        return ("200 OK", "<html>".to_owned());
    }
    if path.starts_with("/elsewhere/") {
        return ("302 Found", String::new());
    }
    if path == "/v1/querybatch" {
        let asked: Value = serde_json::from_str(body).expect("JSON");
        let answers: Vec<Value> =
            asked["queries"].as_array().expect("a list").iter().map(|query| known(query, records)).collect();
        return ("200 OK", json!({ "results": answers }).to_string());
    }
    match path.strip_prefix("/v1/vulns/").and_then(|id| records.get(id)) {
        Some(record) => ("200 OK", record.clone()),
        None => ("404 Not Found", "{}".to_owned()),
    }
}

/// What is known about a package: at first only that there is more.
fn known(query: &Value, records: &BTreeMap<String, String>) -> Value {
    if query["package"]["name"] != "ws" {
        return json!({});
    }
    if query["page_token"] != "more" {
        return json!({ "next_page_token": "more" });
    }
    let ids: Vec<Value> = records.keys().map(|id| json!({ "id": id, "modified": "2026-10-31T00:00:00Z" })).collect();
    json!({ "vulns": ids })
}
