//! How long an export of 200,000 advisories takes to import, how much memory that needs, and how fast 2,000
//! installed packages are matched.
//!
//! `cargo bench --bench advisories`. Memory is told on Linux alone.

#![allow(clippy::expect_used, clippy::print_stdout, reason = "a bench may fail loudly, and says what it found")]

mod generate;

use std::fs::{self, File};
use std::hint::black_box;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use criterion::Criterion;
use generate::Random;
use parse_audit::advisories::Advisories;
use parse_audit::advisories::index::Index;
use parse_audit::audit::packages;
use parse_audit::read::{Input, Reading, Settings, Silent, read};
use serde_json::json;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// Advisories of the export.
const ADVISORIES: u64 = 200_000;

/// Packages that are installed.
const INSTALLED: u64 = 2000;

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let export = folder.path().join("all.zip");
    write_export(&export);
    let bytes = fs::metadata(&export).expect("the export").len();
    println!("an export of {ADVISORIES} advisories, {} MB packed", bytes >> 20);
    let started = Instant::now();
    let memory = import(&export, folder.path());
    println!("imported in {:.1?}, with at most {} MB", started.elapsed(), memory >> 10);

    let mut criterion = Criterion::default().sample_size(10).configure_from_args();
    let index = folder.path().join("advisories.index");
    // Of a thousand names in lock files of real apps 174 had an advisory, 689 in all.
    for (share, label) in
        [(17, "match 2,000 packages as in real lock files"), (100, "match 2,000 packages, all of the export")]
    {
        let mut random = Random::new(5);
        let mut entries = serde_json::Map::new();
        for number in 0..INSTALLED {
            let name = if number % 100 < share { package(&mut random) } else { format!("other-{number}") };
            entries.insert(format!("node_modules/{name}"), json!({ "version": "3.4.5" }));
        }
        let lock = json!({ "lockfileVersion": 3, "packages": entries }).to_string();
        let input = Input::Memory([("package-lock.json".to_owned(), lock)].into());
        let reading = read(&input, &Settings::default(), &Silent);
        criterion.bench_function(label, |bench| bench.iter(|| black_box(matched(&reading, &index))));
    }
    criterion.final_summary();
}

/// The installed packages that advisories are about, those that come along and those of an index.
fn matched(reading: &Reading, index: &Path) -> usize {
    let mut advisories = Advisories::embedded().expect("advisories");
    let mut index = Index::open(File::open(index).expect("the index")).expect("an index");
    let installed = reading.snapshot.app.locks.iter().flat_map(|lock| &lock.packages);
    let packages = installed.map(|one| (one.name.as_str(), Some(vec![&one.version])));
    index.add_to(&mut advisories, packages).expect("records");
    packages::audited(&reading.snapshot, &advisories, Vec::new).len()
}

fn package(random: &mut Random) -> String {
    format!("package-{}", random.below(100_000))
}

/// Records as long as real ones.
fn write_export(path: &Path) {
    let mut random = Random::new(3);
    let mut zip = ZipWriter::new(BufWriter::new(File::create(path).expect("a file")));
    for number in 0..ADVISORIES {
        let (package, id) = (package(&mut random), format!("GHSA-{number:06}"));
        let fixed = format!("{}.{}.{}", random.below(9), random.below(9), random.below(9));
        let record = json!({
            "id": id, "modified": "2026-11-01T00:00:00Z", "published": "2026-01-01T00:00:00Z",
            "aliases": [format!("CVE-2026-{number}")], "summary": format!("Weakness {number} of {package}"),
            "details": "What is wrong with it, and what to do. ".repeat(30),
            "affected": [{ "package": { "ecosystem": "npm", "name": package, "purl": format!("pkg:npm/{package}") },
                "ranges": [{ "type": "SEMVER", "events": [{ "introduced": "0" }, { "fixed": fixed }] }] }],
            "references": (0..6).map(|at| json!({ "type": "WEB", "url": format!("https://example.com/{number}/{at}") }))
                .collect::<Vec<_>>(),
            "database_specific": { "severity": "HIGH", "cwe_ids": ["CWE-79"], "github_reviewed": true },
        });
        zip.start_file(format!("{id}.json"), SimpleFileOptions::default()).expect("an entry");
        zip.write_all(record.to_string().as_bytes()).expect("an entry");
    }
    zip.finish().expect("an archive").flush().expect("an archive");
}

/// Runs the program; gives back the most memory that it held, in kilobytes, or 0.
fn import(export: &Path, cache: &Path) -> u64 {
    let mut running = Command::new(env!("CARGO_BIN_EXE_parse-audit"))
        .args(["advisories", "import"])
        .arg(export)
        .env("PARSE_AUDIT_CACHE", cache)
        .spawn()
        .expect("the program runs");
    let status = format!("/proc/{}/status", running.id());
    let mut most = 0;
    loop {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let held = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        most = most.max(held.unwrap_or(0));
        if let Some(done) = running.try_wait().expect("the program is ours") {
            assert!(done.success(), "{done}");
            return most;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
