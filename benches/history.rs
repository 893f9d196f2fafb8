//! How fast the history of a repository is searched, in parts and as a whole.
//!
//! The repository is made with git, of versions of files that look like real ones.

#![allow(clippy::expect_used, reason = "a bench may fail loudly")]

mod generate;

use std::fmt::Write as _;
use std::hint::black_box;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use criterion::{Criterion, Throughput};
use generate::Random;
use parse_audit::history::{History, Range, Search};
use parse_audit::rules::loader::built_in;
use parse_audit::secrets::Scanner;
use parse_audit::secrets::redact::Salt;

/// Commits, each of which changes a few lines of one of the files.
const COMMITS: u64 = 3000;

/// Files of some hundred to some thousand lines.
const FILES: u64 = 40;

fn main() {
    let mut criterion = Criterion::default().sample_size(10).configure_from_args();
    let scanner = Scanner::new(&built_in().expect("the built-in rules"), Salt::default()).expect("a scanner");
    let folder = tempfile::tempdir().expect("a folder");
    git(folder.path(), &["init", "-q", "-b", "main"], "");
    git(folder.path(), &["fast-import", "--quiet"], &stream());
    git(folder.path(), &["repack", "-qadf"], "");
    let open = || History::open(folder.path()).expect("a repository").expect("that can be read");
    let found = open().search(&scanner, &Range::default(), Search::Parts).expect("all commits");
    let mut group = criterion.benchmark_group("history");
    group.throughput(Throughput::Bytes(found.bytes));
    group.bench_function("open", |bench| bench.iter(|| black_box(open())));
    let history = open();
    for (name, search) in [("search", Search::Parts), ("search whole", Search::Whole)] {
        group.bench_function(name, |bench| {
            bench.iter(|| black_box(history.search(&scanner, &Range::default(), search)));
        });
    }
    group.finish();
}

fn stream() -> String {
    let mut random = Random::new(7);
    let mut files: Vec<Vec<String>> =
        (0..FILES).map(|file| (0..200 + 60 * file).map(|_| line(&mut random)).collect()).collect();
    let mut stream = String::new();
    for number in 0..COMMITS {
        let file = random.below(FILES);
        let Some(lines) = files.get_mut(file as usize) else { continue };
        for _ in 0..1 + random.below(4) {
            let at = random.below(lines.len() as u64) as usize;
            let new = line(&mut random);
            if let Some(line) = lines.get_mut(at).filter(|_| random.below(3) > 0) {
                *line = new;
            } else {
                lines.insert(at, new);
            }
        }
        let text = lines.concat();
        let when = 1_551_528_000 + number * 600;
        let _ = write!(stream, "commit refs/heads/main\ncommitter A <a@example.org> {when} +0000\ndata 0\n");
        let _ = write!(stream, "M 644 inline cloud/f{file}.js\ndata {}\n{text}\n", text.len());
    }
    stream
}

fn line(random: &mut Random) -> String {
    let number = random.below(100_000);
    match random.below(60) {
        0 => format!("  masterKey: 'Zq7{number}kXw{}',\n", random.below(1_000_000)),
        1 => format!("  const token = request.params.token{number};\n"),
        2 => format!("  user.set('password', input{number});\n"),
        _ => format!("  order{number}.set('total', sum(items, {number})); // as shown to buyers\n"),
    }
}

fn git(folder: &Path, arguments: &[&str], input: &str) {
    let mut command = Command::new("git");
    command.current_dir(folder).args(arguments).stdin(Stdio::piped()).stdout(Stdio::null());
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", folder.join("no-config"));
    let mut running = command.spawn().expect("git makes the repository");
    running.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("git reads");
    assert!(running.wait().expect("git ends").success(), "git {arguments:?}");
}
