//! How fast the rows of a running app are counted, beside what else could count them.
//!
//! `cargo bench --bench live [-- wire roles postgres mongo rest]`, with `ROWS=5000000` for more than a million. The
//! servers start by themselves, as those of the tests do. Processor time and memory are told on Linux alone.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench may fail loudly, says what it found, and writes what is read"
)]

#[path = "live/mock.rs"]
mod mock;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use parse_audit::live::{Answers, mongo};
use parse_audit::model::Census;
use parse_audit::read::{Input, Settings, Silent, read};

fn main() {
    let mut asked: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let rows = std::env::var("ROWS").ok().and_then(|rows| rows.parse().ok()).unwrap_or(1_000_000);
    if asked.first().is_some_and(|first| first == "mock") {
        mock::serve(rows);
    }
    if asked.is_empty() {
        asked = ["wire"].map(str::to_owned).to_vec();
    }
    for bench in asked {
        match bench.as_str() {
            "wire" => wire(rows),
            other => println!("there is no bench `{other}`"),
        }
    }
}

/// A program that ends with the bench.
struct Running(Child);

impl Running {
    /// Starts one, and waits for its first line.
    fn start(command: &mut Command) -> (Self, String) {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a program");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
        (Self(child), line.trim().to_owned())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The client alone, against a server that does nothing.
fn wire(rows: u64) {
    let me = std::env::current_exe().expect("a program");
    let (_server, port) = Running::start(Command::new(me).arg("mock").env("ROWS", rows.to_string()));
    let uri = format!("mongodb://127.0.0.1:{port}/app");
    for _ in 0..3 {
        let measured = Measured::of(|| census(mongo::Database::new(&uri, None).expect("an address").read()));
        assert_eq!(measured.census.rows(), mock::sent(rows), "every row is counted");
        println!("{}", measured.told("rows that a server only sends again"));
    }
}

/// What counting took.
struct Measured {
    census: Census,
    wall: Duration,
    /// Processor time, in seconds.
    processor: f64,
}

impl Measured {
    fn of(count: impl FnOnce() -> Census) -> Self {
        let (start, before) = (Instant::now(), processor());
        let census = count();
        Self { census, wall: start.elapsed(), processor: processor() - before }
    }

    fn told(&self, what: &str) -> String {
        let rows = self.census.rows() as f64;
        format!(
            "{what}: {:.1} M in {:.2} s, {:.2} M/s; {:.2} µs of the processor a row, {:.2} M rows a second of it; {} MB",
            rows / 1e6,
            self.wall.as_secs_f64(),
            rows / 1e6 / self.wall.as_secs_f64(),
            self.processor * 1e6 / rows,
            rows / 1e6 / self.processor,
            memory(),
        )
    }
}

/// The rows of `Order`.
fn census(answers: Answers) -> Census {
    assert!(answers.problems.is_empty(), "{:?}", answers.problems);
    let settings = Settings { answers: answers.documents, ..Settings::default() };
    let reading = read(&Input::Memory(BTreeMap::new()), &settings, &Silent);
    assert!(reading.problems.is_empty(), "{:?}", reading.problems);
    let order = reading.snapshot.app.classes.values().find(|class| class.name == "Order").expect("a class");
    order.rows.read().expect("its rows").clone()
}

/// Processor time of this program until now, in seconds.
fn processor() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let of_this = stat.rsplit(") ").next().unwrap_or_default();
    let ticks = of_this.split(' ').skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}

/// The most memory this program had, in MB.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    peak.unwrap_or_default() / 1000
}

/// The id of a user.
fn user(number: u64) -> String {
    format!("u{number:09}")
}

/// The id of a row.
fn row_id(number: u64) -> String {
    format!("r{number:09}")
}

/// The ACL of a row in the mix of a real app: entries by side, put together by whoever writes them.
fn acl<T: Extend<E> + IntoIterator<Item = E>, E>(
    number: u64,
    user: &str,
    none: T,
    side: impl Fn(&str, Vec<String>) -> T,
) -> T {
    let (role, gone) = (format!("role:r{}", number % 400), format!("gone{:06}", number % 1_000_000));
    let user = || user.to_owned();
    let (read, write) = match number % 100 {
        0..30 => return none,
        30..45 => (vec!["*".to_owned(), user()], vec![user()]),
        45..70 => (vec![user()], vec![user()]),
        70..82 => (vec![role.clone()], vec![role]),
        82..88 => (vec![user(), role.clone()], vec![]),
        88..92 => (vec![], vec![]),
        92..95 => (vec![gone], vec![]),
        95..98 => (vec!["*".to_owned()], vec![]),
        _ => return side("_wperm", vec![user()]),
    };
    let mut both = none;
    both.extend(side("_rperm", read));
    both.extend(side("_wperm", write));
    both
}
