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
#[path = "live/servers.rs"]
mod servers;

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::time::{Duration, Instant};

use parse_audit::live::{Answers, Key, Server, mongo, postgres};
use parse_audit::model::place::FileId;
use parse_audit::model::roles::Role;
use parse_audit::model::{Acl, Census, Known, Place, RoleName, Roles, UserId};
use parse_audit::read::{Input, Settings, Silent, read};
use servers::{MASTER, Running, mongosh, parse_sdk, psql};

fn main() {
    let mut asked: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let rows = std::env::var("ROWS").ok().and_then(|rows| rows.parse().ok()).unwrap_or(1_000_000);
    if asked.first().is_some_and(|first| first == "mock") {
        mock::serve(rows);
    }
    if asked.is_empty() {
        asked = ["wire", "roles", "postgres", "mongo", "rest"].map(str::to_owned).to_vec();
    }
    for bench in asked {
        match bench.as_str() {
            "wire" => wire(rows),
            "roles" => roles(),
            "postgres" => in_postgres(rows),
            "mongo" => in_mongo(rows),
            "rest" => over_rest(),
            other => println!("there is no bench `{other}`"),
        }
    }
}

/// The client alone, against a server that does nothing.
fn wire(rows: u64) {
    let me = std::env::current_exe().expect("a program");
    let (_server, mut lines) = Running::start(Command::new(me).arg("mock").env("ROWS", rows.to_string()));
    let uri = format!("mongodb://127.0.0.1:{}/app", lines.next().expect("a port"));
    for _ in 0..3 {
        let measured = Measured::of(|| mongo::Database::new(&uri, None).expect("an address").read());
        assert_eq!(measured.orders, mock::sent(rows), "every row is counted");
        println!("{}", measured.told("rows that a server only sends again"));
    }
}

/// How many users hold each of 10,000 roles that inherit from each other, with a million users.
fn roles() {
    const ROLES: u64 = 10_000;
    let name = |number: u64| RoleName::from(format!("r{number:05}"));
    for (edges, label) in [(15_000u64, "15,000 edges"), (60_000, "60,000 edges, mostly cycles")] {
        let before = memory();
        let mut random = 7u64;
        let mut below = |limit: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % limit
        };
        let role = Role {
            acl: Acl::MISSING,
            children: BTreeSet::new(),
            members: Known::Read(BTreeSet::new()),
            at: Place::File { file: FileId(0) },
        };
        let by_name = (0..ROLES).map(|number| (name(number), role.clone())).collect();
        let mut roles = Roles { by_name, inheritance: Known::Read(()) };
        for _ in 0..edges {
            let (parent, child) = (name(below(ROLES)), name(below(ROLES)));
            roles.by_name.get_mut(&parent).expect("a role").children.insert(child);
        }
        for number in 0..3_000_000u64 {
            let member = UserId::of(&user(number % 1_000_000));
            roles.by_name.get_mut(&name(below(ROLES))).expect("a role").members.read_mut().insert(member);
        }
        let start = Instant::now();
        let populations = roles.populations().expect("all was read");
        let took = start.elapsed();
        let pairs: u64 = populations.values().map(|population| population.all).sum();
        println!(
            "1 M users in 10,000 roles, {label}: {pairs} pairs in {took:.2?}; {} MB with the roles, {before} before",
            memory()
        );
    }
}

/// A PostgreSQL with so many rows, counted by us and in SQL.
fn in_postgres(rows: u64) {
    let (_server, mut lines) = servers::parse("9.10.0", None);
    let uri = lines.next().expect("an address");
    let url = lines.find(|line| line.starts_with("http://")).expect("the server starts");
    servers::make_class(&url, "Order");
    psql(&uri, &servers::rows_in_sql(rows));
    let counters = "SELECT sum(CASE WHEN _rperm IS NULL OR '*' = ANY(_rperm) THEN 1 ELSE 0 END),
        sum(CASE WHEN _wperm IS NULL OR '*' = ANY(_wperm) THEN 1 ELSE 0 END), count(*) FROM \"Order\"";
    for _ in 0..2 {
        let one = psql(&uri, &format!("SET max_parallel_workers_per_gather = 0; {counters}"));
        println!("two numbers in SQL: {one:.2?} by one process, {:.2?} by all", psql(&uri, counters));
        println!("all kinds in SQL, without users who are gone: {:.2?}", psql(&uri, servers::KINDS_IN_SQL));
        let measured = Measured::of(|| postgres::Database::new(&uri).expect("an address").read());
        assert_eq!(measured.orders, rows, "every row is counted");
        println!("{}", measured.told("PostgreSQL"));
    }
    println!("Parse SDK, `each`: {}", parse_sdk(&url, Duration::from_secs(20)));
}

/// A server that speaks the protocol of MongoDB, with so many rows.
fn in_mongo(rows: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let (_server, mut lines) = Running::start(servers::script("mongo").arg(folder.path()));
    let uri = format!("{}/parse", lines.find(|line| line.starts_with("mongodb://")).expect("the server starts"));
    // Its indexes are made while there is nothing in them.
    let (_parse, mut lines) = servers::parse("9.10.0", Some(&uri));
    let url = lines.find(|line| line.starts_with("http://")).expect("the server starts");
    servers::fill_mongo(&uri, rows);
    for _ in 0..2 {
        let measured = Measured::of(|| mongo::Database::new(&uri, None).expect("an address").read());
        assert_eq!(measured.orders, rows, "every row is counted");
        println!("{}", measured.told("MongoDB"));
        println!("mongosh, a loop: {}", mongosh(&uri, "loop.js"));
        println!("grouped by the server: {}", mongosh(&uri, "group.js"));
    }
    println!("Parse SDK, `each`: {}", parse_sdk(&url, Duration::from_secs(20)));
}

/// 500 classes over REST, a hundred of them with rows of four kinds.
fn over_rest() {
    let (_server, mut lines) = servers::parse("9.10.0", None);
    let url = lines.find(|line| line.starts_with("http://")).expect("the server starts");
    (0..500).for_each(|number| servers::make_class(&url, &format!("C{number}")));
    let take = |label: &str| {
        for _ in 0..3 {
            let start = Instant::now();
            let answers = Server::new(&url, "shop", Key::Master(MASTER.to_owned().into())).expect("an address").read();
            assert!(answers.problems.is_empty() && answers.counts.len() >= 500, "{:?}", answers.problems);
            println!("500 classes over REST, {label}: {:.2?}", start.elapsed());
        }
    };
    take("without rows");
    for number in (0..500).step_by(5) {
        servers::make_rows(&url, &format!("C{number}"));
    }
    take("100 of them with rows of four kinds");
}

/// What counting took.
struct Measured {
    /// Rows of `Order`.
    orders: u64,
    /// These and all others.
    rows: u64,
    wall: Duration,
    /// Processor time, in seconds.
    processor: f64,
}

impl Measured {
    fn of(read: impl FnOnce() -> Answers) -> Self {
        let (start, before) = (Instant::now(), processor());
        let censuses = censuses(read());
        let rows = censuses.values().map(Census::rows).sum();
        let orders = censuses.get("Order").expect("a class").rows();
        Self { orders, rows, wall: start.elapsed(), processor: processor() - before }
    }

    fn told(&self, what: &str) -> String {
        let rows = self.rows as f64;
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

/// The rows of each class.
fn censuses(answers: Answers) -> BTreeMap<String, Census> {
    assert!(answers.problems.is_empty(), "{:?}", answers.problems);
    let settings = Settings { answers: answers.documents, ..Settings::default() };
    let reading = read(&Input::Memory(BTreeMap::new()), &settings, &Silent);
    assert!(reading.problems.is_empty(), "{:?}", reading.problems);
    let classes = reading.snapshot.app.classes.values();
    classes.filter_map(|class| Some((class.name.to_string(), class.rows.read()?.clone()))).collect()
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
