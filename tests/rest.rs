//! Bad days of a running Parse Server: it answers late, never, wrongly or in part, and is told as what it is.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use parse_audit::live::kept::Kept;
use parse_audit::live::{Answers, Key, Server};

const KEY: &str = "Harbour-pencil-2-hills";

/// What is sent for a request.
enum Reply {
    /// Status with headers, and a body.
    Says(&'static str, String),
    /// Status and headers, and less of a body than they say.
    BreaksOff,
    /// Nothing, and the connection stays.
    Hangs,
}

/// Requests to a small server on a loopback port, which ends with the test.
struct Fake {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
    is_over: Arc<AtomicBool>,
    serves: Option<JoinHandle<()>>,
}

impl Fake {
    /// Starts one; `reply` sees the first line of a request, and how often this line came before.
    fn start(reply: impl Fn(&str, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (asked, is_over) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (of_server, ends, reply) = (asked.clone(), is_over.clone(), Arc::new(reply));
        let serves = thread::spawn(move || {
            let mut clients = Vec::new();
            while !ends.load(Ordering::Relaxed) {
                match listener.accept() {
                    Ok((client, _)) => {
                        let (asked, ends, reply) = (of_server.clone(), ends.clone(), reply.clone());
                        clients.push(thread::spawn(move || serve(client, &asked, &ends, &*reply)));
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(Duration::from_millis(5)),
                    Err(error) => panic!("{error}"),
                }
            }
            for client in clients {
                client.join().unwrap();
            }
        });
        Self { address, asked, is_over, serves: Some(serves) }
    }

    fn url(&self) -> String {
        format!("http://{}/parse", self.address)
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().iter().map(|text| text.lines().next().unwrap_or_default().to_owned()).collect()
    }

    /// What is read of it by somebody who waits for a second.
    fn read(&self) -> Answers {
        self.read_within(Duration::from_secs(1))
    }

    fn read_within(&self, patience: Duration) -> Answers {
        let key = Key::ReadOnly(KEY.to_owned().into());
        Server::new(&self.url(), "shop", key).unwrap().patiently_asked(patience).read()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        let _ = self.serves.take().map(JoinHandle::join);
    }
}

fn serve(
    mut client: TcpStream,
    asked: &Mutex<Vec<String>>,
    is_over: &AtomicBool,
    reply: &(dyn Fn(&str, usize) -> Reply + Send + Sync),
) {
    client.set_nonblocking(false).unwrap();
    let (mut request, mut part) = (Vec::new(), [0; 4096]);
    while !request.ends_with(b"\r\n\r\n") {
        match client.read(&mut part) {
            Ok(length) if length > 0 => request.extend_from_slice(&part[..length]),
            _ => return,
        }
    }
    let text = String::from_utf8_lossy(&request).into_owned();
    let line = text.lines().next().unwrap_or_default().to_owned();
    let before = {
        let mut asked = asked.lock().unwrap();
        asked.push(text);
        asked.iter().filter(|text| text.lines().next() == Some(&line)).count() - 1
    };
    let _ = match reply(&line, before) {
        Reply::Says(head, body) => client.write_all(
            format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()).as_bytes(),
        ),
        Reply::BreaksOff => client.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{\"results\":[{\"cl"),
        Reply::Hangs => {
            while !is_over.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(5));
            }
            Ok(())
        }
    };
}

fn ok(body: &str) -> Reply {
    Reply::Says("200 OK", body.to_owned())
}

/// What a healthy server with one class says.
fn well(line: &str) -> Reply {
    let path = line.split(' ').nth(1).unwrap_or_default().trim_start_matches("/parse/");
    match path.split(['?', '/']).next().unwrap_or_default() {
        "serverInfo" => ok(r#"{ "parseServerVersion": "9.10.0" }"#),
        "schemas" => {
            ok(r#"{ "results": [{ "className": "Order", "fields": {}, "classLevelPermissions": { "find": {} } }] }"#)
        }
        "config" => ok(r#"{ "params": {} }"#),
        "hooks" | "cloud_code" => ok("[]"),
        "graphql-config" => ok(r#"{ "enabledForClasses": ["Order"] }"#),
        "roles" => ok(r#"{ "results": [] }"#),
        _ => ok(r#"{ "results": [], "count": 0 }"#),
    }
}

/// What the server of a test says to one request.
type Says = Box<dyn Fn(usize) -> Reply + Send + Sync>;

/// A healthy server but for one path.
fn ill(path: &'static str, reply: Says) -> Fake {
    Fake::start(move |line, before| if line.contains(path) { reply(before) } else { well(line) })
}

#[track_caller]
fn told(answers: &Answers) -> Vec<(String, String, String)> {
    assert!(!format!("{:?}", answers.problems).contains(KEY));
    let path = |path: &str| path.split_once("/parse/").map_or(path, |(_, path)| path).to_owned();
    let told = answers.problems.iter();
    told.map(|one| (path(&one.path), one.message.clone(), one.consequence.clone())).collect()
}

#[track_caller]
fn is_told(answers: &Answers, path: &str, message: &str, consequence: &str) {
    assert_eq!(told(answers), [(path.to_owned(), message.to_owned(), consequence.to_owned())]);
}

#[test]
fn a_server_that_is_well_is_read_without_a_word() {
    let server = Fake::start(|line, _| well(line));
    let answers = server.read();
    assert_eq!((told(&answers), answers.documents.len(), answers.counts.len()), (vec![], 9, 1));
    assert!(server.asked().iter().all(|line| line.starts_with("GET ")), "{:?}", server.asked());
}

#[test]
fn a_server_that_has_no_time_is_asked_again_when_it_says() {
    let busy = |again: &'static str| {
        Box::new(move |before| if before == 0 { Reply::Says(again, String::new()) } else { well("/parse/schemas") })
    };
    for head in ["429 Too Many Requests", "503 Service Unavailable\r\nRetry-After: soon"] {
        assert_eq!(told(&ill("schemas", busy(head)).read()), [], "{head}");
    }
    let start = Instant::now();
    assert_eq!(told(&ill("schemas", busy("429 Too Many Requests\r\nRetry-After: 1")).read()), []);
    assert!(start.elapsed() >= Duration::from_secs(1));
    // By a date, which counts from the date of the answer.
    let date =
        "503 Service Unavailable\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nRetry-After: Sun, 06 Nov 1994 08:49:38 GMT";
    let start = Instant::now();
    assert_eq!(told(&ill("schemas", busy(date)).read()), []);
    assert!(start.elapsed() >= Duration::from_secs(1));
    let late = "503 Service Unavailable\r\nRetry-After: Thu, 31 Dec 2995 23:59:59 GMT";
    let answers = ill("schemas", busy(late)).read();
    assert!(answers.problems.iter().any(|one| one.message.contains("HTTP 503 and wants to be asked again in")));
    let server = ill("schemas", busy("429 Too Many Requests\r\nRetry-After: 3600"));
    let message = "it answers with HTTP 429 and wants to be asked again in 3600 s";
    is_told(&server.read(), "schemas", message, "classes and their permissions were not checked");
    assert_eq!(server.asked().iter().filter(|line| line.contains("schemas")).count(), 1);
}

#[test]
fn a_server_that_always_fails_is_asked_four_times_and_then_left_alone() {
    let server = Fake::start(|_, _| Reply::Says("500 Internal Server Error", "{}".to_owned()));
    is_told(&server.read(), "serverInfo", "it answers with HTTP 500", "the running app was not checked");
    // Four times, and once what ails it.
    assert_eq!(server.asked().len(), 5);
    let server = ill("hooks/functions", Box::new(|_| Reply::Says("500 Internal Server Error", String::new())));
    is_told(&server.read(), "hooks/functions", "it answers with HTTP 500", "webhooks were not checked");
    let server = ill("where", Box::new(|_| Reply::Says("502 Bad Gateway", String::new())));
    is_told(&server.read(), "classes/Order", "it answers with HTTP 502", "rows of Order were not counted");
}

#[test]
fn a_server_that_answers_nothing_else_is_asked_once_what_ails_it() {
    let ails = |health: &'static str, body: &'static str| {
        let server = Fake::start(move |line, _| match line.contains("/health") {
            true => Reply::Says(health, body.to_owned()),
            false => Reply::Says("500 Internal Server Error", r#"{ "code": 1 }"#.to_owned()),
        });
        let answers = server.read();
        let asked = server.asked.lock().unwrap().clone();
        let of_health: Vec<&String> = asked.iter().filter(|text| text.contains("/health")).collect();
        assert!(of_health.len() == 1 && !of_health[0].contains(KEY), "{of_health:?}");
        told(&answers).remove(0)
    };
    let message = "it answers with HTTP 500";
    for (health, body, words) in [
        ("503 Service Unavailable\r\nRetry-After: 1", r#"{ "status": "starting" }"#, "; it says that it is starting"),
        ("503 Service Unavailable", r#"{ "status": "initialized" }"#, "; it says that it was not started"),
        ("503 Service Unavailable", r#"{ "status": "error" }"#, "; it says that it could not start"),
        ("503 Service Unavailable", r#"{ "status": "<b>tulip</b>" }"#, ""),
        ("503 Service Unavailable", "no server is available", ""),
        ("200 OK", r#"{ "status": "ok" }"#, ""),
        ("200 OK", r#"{ "status": "starting" }"#, ""),
        ("404 Not Found", "{}", ""),
        ("403 Forbidden", r#"{ "error": "unauthorized" }"#, ""),
    ] {
        let consequence = "the running app was not checked".to_owned();
        assert_eq!(ails(health, body), ("serverInfo".to_owned(), format!("{message}{words}"), consequence));
    }
    // One that answers, or is not there, is not asked.
    for server in [Fake::start(|line, _| well(line)), Fake::start(|_, _| Reply::Hangs)] {
        server.read();
        assert!(server.asked().iter().all(|line| !line.contains("/health")), "{:?}", server.asked());
    }
}

#[test]
fn a_server_without_graphql_says_nothing_of_it_and_one_that_fails_is_told() {
    for head in ["404 Not Found", "400 Bad Request", "403 Forbidden"] {
        let answers = ill("graphql-config", Box::new(|_| Reply::Says(head, "{}".to_owned()))).read();
        assert_eq!((told(&answers), answers.documents.len()), (vec![], 8), "{head}");
    }
    let consequence = "classes that GraphQL shows were not checked";
    let server = ill("graphql-config", Box::new(|_| Reply::Says("500 Internal Server Error", String::new())));
    is_told(&server.read(), "graphql-config", "it answers with HTTP 500", consequence);
    for other in ["[]", "7", r#"{ "results": [] }"#] {
        let server = ill("graphql-config", Box::new(move |_| ok(other)));
        is_told(&server.read(), "graphql-config", "it answers with something else than it was asked for", consequence);
    }
}

#[test]
fn what_is_no_answer_of_a_parse_server_is_told() {
    let page = || ok("<!doctype html><title>Welcome</title>");
    let server = Fake::start(move |_, _| page());
    let message = "it answers, but not as a Parse Server";
    is_told(&server.read(), "serverInfo", message, "the running app was not checked");
    assert_eq!(server.asked().len(), 1);
    let server = ill("/parse/config", Box::new(move |_| page()));
    is_told(&server.read(), "config", message, "parameters of the app were not checked");

    let message = "it answers with something else than it was asked for";
    for other in ["[]", "7", r#"{ "version": "9.10.0" }"#] {
        let server = Fake::start(move |_, _| ok(other));
        is_told(&server.read(), "serverInfo", message, "the running app was not checked");
    }
    for other in ["[]", r#"{ "results": { "className": "Order" } }"#, "null"] {
        let server = ill("schemas", Box::new(move |_| ok(other)));
        is_told(&server.read(), "schemas", message, "classes and their permissions were not checked");
    }
    let server = ill("where", Box::new(|_| ok(r#"{ "results": [], "count": -1 }"#)));
    is_told(&server.read(), "classes/Order", "it answers without a number", "rows of Order were not counted");
    let server = ill("roles", Box::new(|_| ok(r#"{ "results": 3 }"#)));
    let consequence = "roles were not checked, and rows were not counted";
    is_told(&server.read(), "roles", "it answers without results", consequence);
}

#[test]
fn a_server_that_sends_on_is_not_followed_and_where_it_leads_is_told_without_keys() {
    let other = Fake::start(|line, _| well(line));
    let to = other.address.clone();
    let server = Fake::start(move |_, _| {
        let head = format!("302 Found\r\nLocation: http://ana:lantern@{to}/api/serverInfo?token=tulip#seven");
        Reply::Says(Box::leak(head.into_boxed_str()), String::new())
    });
    let address = format!("http://{}/api/serverInfo", other.address);
    let message = format!(
        "it sends on to {address} (HTTP 302), where keys are not sent; if that is the server, give its address"
    );
    is_told(&server.read(), "serverInfo", &message, "the running app was not checked");
    assert_eq!((server.asked().len(), other.asked().len()), (1, 0));
}

#[test]
fn a_server_that_never_answers_is_not_waited_for() {
    let start = Instant::now();
    let server = Fake::start(|_, _| Reply::Hangs);
    is_told(&server.read(), "serverInfo", "it does not answer in time", "the running app was not checked");
    let server = ill("hooks/functions", Box::new(|_| Reply::Hangs));
    let consequence = "the rest of the running app was not checked";
    is_told(&server.read(), "hooks/functions", "it does not answer in time", consequence);
    let server = ill("where", Box::new(|_| Reply::Hangs));
    is_told(&server.read(), "classes/Order", "it does not answer in time", "rows of Order were not counted");
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn an_answer_that_breaks_off_is_asked_for_again() {
    let once = |before| if before == 0 { Reply::BreaksOff } else { well("/parse/schemas") };
    assert_eq!(told(&ill("schemas", Box::new(once)).read()), []);
    let server = ill("schemas", Box::new(|_| Reply::BreaksOff));
    let consequence = "classes and their permissions were not checked";
    is_told(&server.read(), "schemas", "the connection breaks off", consequence);
    assert_eq!(server.asked().iter().filter(|line| line.contains("schemas")).count(), 4);
}

#[test]
fn an_answer_that_is_too_long_is_not_read_to_its_end() {
    let server = ill("/parse/config", Box::new(|_| Reply::Says("200 OK", " ".repeat((64 << 20) + 1))));
    let consequence = "parameters of the app were not checked";
    is_told(&server.read_within(Duration::from_secs(60)), "config", "its answer is longer than 64 MB", consequence);
}

#[test]
fn nonsense_among_classes_is_no_class_and_the_rest_is_audited() {
    let nonsense = r#"{ "results": [7, null, { "className": 5 }, { "className": "../Order?x" },
        { "className": "Open", "fields": [], "classLevelPermissions": "all" },
        { "className": "Note", "fields": {}, "classLevelPermissions": { "delete": { "*": true } } }] }"#;
    let server = ill("schemas", Box::new(move |_| ok(nonsense)));
    let output = check(&server.url(), &[]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(text.contains("5 of its answers describe no class"), "{text}");
    assert!(text.contains("clp-public-delete") && text.contains("Note"), "{text}");
    assert!(server.asked().iter().all(|line| !line.contains("Order")), "{:?}", server.asked());
}

#[test]
fn what_was_not_read_of_a_running_app_is_told_and_ends_with_3() {
    let server = ill("hooks/functions", Box::new(|_| Reply::Says("400 Bad Request", "{}".to_owned())));
    let output = check(&server.url(), &[]);
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{text}");
    for part in ["/parse/hooks/functions", "it answers with HTTP 400", "webhooks were not checked"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert!(!text.contains(KEY));
}

#[test]
fn classes_that_were_counted_before_the_server_failed_are_not_counted_again() {
    const TWO: &str =
        r#"{ "results": [{ "className": "Order", "fields": {} }, { "className": "Item", "fields": {} }] }"#;
    let is_ill = Arc::new(AtomicBool::new(true));
    let of_server = is_ill.clone();
    let server = Fake::start(move |line, _| match () {
        () if line.contains("schemas") => ok(TWO),
        () if line.contains("classes/Item") && of_server.load(Ordering::Relaxed) => {
            Reply::Says("502 Bad Gateway", String::new())
        }
        () => well(line),
    });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("census.jsonl");
    let read = |kept: Kept| {
        let kept = Arc::new(kept);
        let key = Key::ReadOnly(KEY.to_owned().into());
        let server = Server::new(&server.url(), "shop", key).unwrap();
        let answers = server.patiently_asked(Duration::from_secs(1)).keeping(Arc::clone(&kept)).read();
        kept.end();
        (answers, kept.taken())
    };
    let (answers, _) = read(Kept::anew(path.clone()));
    let consequence = "rows of Item were not counted; `--resume` goes on from there";
    is_told(&answers, "classes/Item", "it answers with HTTP 502", consequence);
    is_ill.store(false, Ordering::Relaxed);
    let counted = |server: &Fake| server.asked().iter().filter(|line| line.contains("classes/Order")).count();
    let before = counted(&server);
    let (answers, taken) = read(Kept::going_on(path.clone()).unwrap());
    assert_eq!((told(&answers), answers.counts.len(), taken), (vec![], 2, 1));
    assert_eq!(counted(&server), before);
    assert!(!path.exists(), "there is nothing to go on with");
}

#[test]
fn a_proxy_is_asked_for_other_machines_alone_and_told_no_key() {
    let proxy = Fake::start(|_, _| Reply::Says("403 Forbidden", String::new()));
    let here = Fake::start(|line, _| well(line));
    let address = format!("http://ana:lantern@{}", proxy.address);
    let told = |url: &str, variables: &[(&str, &str)]| {
        let output = check(url, variables);
        String::from_utf8_lossy(&output.stdout).into_owned() + &*String::from_utf8_lossy(&output.stderr)
    };
    for name in ["HTTPS_PROXY", "ALL_PROXY", "https_proxy"] {
        let text = told("https://parse.invalid/parse", &[(name, &address)]);
        assert!(text.contains("the proxy does not let us through"), "{name}: {text}");
        assert!(!text.contains("lantern") && !text.contains(KEY));
    }
    let asked = proxy.asked.lock().unwrap().clone();
    assert_eq!(asked.len(), 3);
    assert!(
        asked.iter().all(|text| text.starts_with("CONNECT parse.invalid:443 ") && !text.contains(KEY)),
        "{asked:?}"
    );
    let text = told("https://parse.invalid/parse", &[("HTTPS_PROXY", &address), ("NO_PROXY", "parse.invalid")]);
    assert!(text.contains("there is no such host"), "{text}");
    let text = told(&here.url(), &[("HTTPS_PROXY", &address), ("HTTP_PROXY", &address), ("ALL_PROXY", &address)]);
    assert!(!text.contains("was not checked"), "{text}");
    assert_eq!((proxy.asked().len(), here.asked().is_empty()), (3, false));
}

/// What the program says about a running app alone.
fn check(url: &str, variables: &[(&str, &str)]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let mut check = Command::new(env!("CARGO_BIN_EXE_parse-audit"));
    check.arg("check").arg(folder.path()).args(["--server", url]).env_clear();
    check.env("PARSE_SERVER_APPLICATION_ID", "shop").env("PARSE_SERVER_READ_ONLY_MASTER_KEY", KEY);
    check.envs(variables.iter().copied()).output().expect("the program runs")
}
