//! Lock files of every manager through the whole program: what they install, which advisories are about
//! it and on which line; and how advisories come to be known.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod binary;
#[path = "advisories/server.rs"]
mod server;

use std::collections::BTreeSet;
use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use binary::{Done, run_with, write};
use parse_audit::advisories::Advisories;
use parse_audit::audit::audit;
use parse_audit::model::Place;
use parse_audit::model::place::Content;
use parse_audit::read::{Input, Settings, Silent, read};
use parse_audit::report::lines::Lines;
use parse_audit::rules::loader::built_in;
use parse_audit::rules::program::Program;
use parse_audit::rules::words::Words;
use serde_json::{Value, json};
use server::Osv;
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// The folders of the samples.
fn samples() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/locks");
    let mut samples: Vec<PathBuf> = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    samples.retain(|path| path.join("expected.json").is_file());
    samples.sort();
    samples
}

fn json_of(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn every_sample_has_its_packages_and_advisories_each_on_its_line() {
    let samples = samples();
    assert_eq!(samples.len(), 18);
    let program = Program::new(built_in().unwrap(), Words::new(Vec::new()).unwrap());
    let embedded = Advisories::embedded().unwrap();
    for sample in samples {
        let shown = sample.display();
        let reading = read(&Input::Path(sample.clone()), &Settings::default(), &Silent);
        assert_eq!(reading.problems, [], "{shown}");
        let snapshot = &reading.snapshot;
        let locks = &snapshot.app.locks;
        let found: BTreeSet<String> = locks
            .iter()
            .flat_map(|lock| &lock.packages)
            .map(|package| format!("{}@{}", package.name, package.version))
            .collect();
        let expected = json_of(&sample.join("expected.json"));
        let expected: BTreeSet<String> =
            expected["packages"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect();
        assert_eq!(found, expected, "{shown}");

        let outcome = audit(snapshot, &program, Vec::new(), jiff::civil::date(2026, 11, 1));
        let mut found = BTreeSet::new();
        for package in &outcome.packages {
            for judged in &package.advisories {
                found.insert((package.subject(), judged.advisory.id.clone()));
            }
            for at in &package.at {
                let line = line_of(snapshot, at);
                let version = package.version.to_string();
                assert!(line.contains(&version), "{shown}: {} is not in {line}", package.subject());
            }
        }
        let pairs = json_of(&sample.join("expected_findings.json"));
        let pairs = pairs.as_array().unwrap().iter().map(|pair| (pair[0].as_str().unwrap(), pair[1].as_str().unwrap()));
        let ours = pairs.filter_map(|(package, id)| {
            let (name, _) = package.rsplit_once('@').unwrap();
            let advisory = embedded.find(id).filter(|_| embedded.knows(name))?;
            Some((package.to_owned(), advisory.id.clone()))
        });
        assert_eq!(found, ours.collect(), "{shown}");
        // One finding for each package, whatever the number of its advisories.
        let about: Vec<&str> = outcome
            .findings
            .iter()
            .filter(|finding| finding.rule.as_str().starts_with("package-advisory"))
            .map(|finding| finding.subject.as_str())
            .collect();
        assert!(!about.is_empty() && about.len() <= outcome.packages.len(), "{shown}: {about:?}");
    }
}

/// The line of a text on which something is.
fn line_of(snapshot: &parse_audit::model::Snapshot, at: &Place) -> String {
    let Some(Content::Text(text)) = snapshot.texts.get(at.file()).map(|source| &source.content) else {
        panic!("no text at {at:?}")
    };
    let span = snapshot.texts.span(at).expect("a place in the text");
    let number = Lines::new(&text.text).line(span.start());
    text.text.lines().nth(number - 1).expect("a line").to_owned()
}

#[test]
fn a_long_lock_file_is_matched_in_no_time() {
    let packages: serde_json::Map<String, Value> = (0..2000)
        .map(|number| (format!("node_modules/package-{number}"), json!({ "version": format!("{}.0.0", number % 9) })))
        .chain([("node_modules/parse-server".to_owned(), json!({ "version": "4.10.20" }))])
        .collect();
    let lock = json!({ "lockfileVersion": 3, "packages": packages }).to_string();
    let reading = read(&Input::Memory([("package-lock.json".to_owned(), lock)].into()), &Settings::default(), &Silent);
    let app = &reading.snapshot.app;
    let advisories = Advisories::embedded().unwrap();
    let started = Instant::now();
    let facts = || parse_audit::audit::packages::exposing(app, &Default::default(), &[]);
    let audited = parse_audit::audit::packages::audited(&reading.snapshot, &advisories, facts);
    let took = started.elapsed();
    assert_eq!((audited.len(), audited[0].advisories.len()), (1, 95));
    // Without optimisation it takes longer than the 30 ms that it may take with it.
    assert!(took.as_millis() < 300, "{took:?}");
}

/// A record of the OSV format.
fn record(id: &str, package: &str, fixed: &str) -> String {
    json!({
        "id": id, "modified": "2026-10-31T00:00:00Z", "summary": format!("A weakness of {package}"),
        "details": "Long. ".repeat(100), "aliases": [],
        "affected": [{ "package": { "ecosystem": "npm", "name": package },
            "ranges": [{ "type": "SEMVER", "events": [{ "introduced": "0" }, { "fixed": fixed }] }] }],
        "database_specific": { "severity": "HIGH", "cwe_ids": ["CWE-79"] },
    })
    .to_string()
}

/// An export: a zip archive with a record in each file.
fn export(records: &[(String, String)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (id, record) in records {
        zip.start_file(format!("{id}.json"), SimpleFileOptions::default()).unwrap();
        zip.write_all(record.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A folder with an app and a cache.
struct App(TempDir);

impl App {
    fn new() -> Self {
        let app = Self(tempfile::tempdir().unwrap());
        let lock =
            "# yarn lockfile v1\n\nparse-server@8.6.94:\n  version \"8.6.94\"\n\nws@^8.0.0:\n  version \"8.1.0\"\n";
        write(app.0.path(), &[("app/yarn.lock", lock.as_bytes())]);
        app
    }

    fn run(&self, args: &[&str]) -> Done {
        self.run_on(args, "1793491200")
    }

    fn run_on(&self, args: &[&str], seconds: &str) -> Done {
        run_with(self.0.path(), args, &[("PARSE_AUDIT_CACHE", "cache"), ("SOURCE_DATE_EPOCH", seconds)])
    }

    fn report(&self) -> Value {
        serde_json::from_slice(&self.run(&["check", "app", "--offline", "-o", "json"]).out).unwrap()
    }
}

fn topics(report: &Value) -> Vec<String> {
    let gaps = report["notChecked"].as_array().unwrap().iter();
    gaps.map(|gap| gap["topic"].as_str().unwrap().to_owned()).filter(|topic| topic.contains("advisories")).collect()
}

#[test]
fn an_export_is_imported_and_looked_into() {
    let app = App::new();
    let before = app.report();
    assert_eq!(before["packages"], json!([]));
    assert_eq!(topics(&before), ["advisories about 1 package"]);
    assert!(app.run(&["advisories"]).text().contains("imported  none"));

    let mut records: Vec<(String, String)> = (0..500)
        .map(|number| (format!("GHSA-{number}"), record(&format!("GHSA-{number}"), &format!("p-{number}"), "2.0.0")))
        .collect();
    records.push(("GHSA-ws".to_owned(), record("GHSA-ws", "ws", "8.2.0")));
    records.push(("MAL-1".to_owned(), record("MAL-1", "ws", "9.0.0")));
    records.push((
        "GHSA-old".to_owned(),
        record("GHSA-old", "ws", "9.0.0").replace("\"id\"", "\"withdrawn\":\"2026-01-01\",\"id\""),
    ));
    records.push(("GHSA-py".to_owned(), record("GHSA-py", "ws", "9.0.0").replace("\"npm\"", "\"PyPI\"")));
    fs::write(app.0.path().join("all.zip"), export(&records)).unwrap();
    let done = app.run(&["advisories", "import", "all.zip"]);
    assert_eq!((done.code, done.err.as_str()), (0, ""));
    assert!(done.text().starts_with("imported 501 advisories; left out 3 "), "{}", done.text());

    let report = app.report();
    assert_eq!(topics(&report), [""; 0]);
    let package = &report["packages"][0];
    assert_eq!((&package["name"], &package["remedy"]), (&json!("ws"), &json!("update to 8.2.0")));
    let advisory = &package["advisories"][0];
    assert_eq!(
        (&advisory["id"], &advisory["decision"], &advisory["severity"]),
        (&json!("GHSA-ws"), &json!("applies"), &json!("high"))
    );
    let finding = &report["findings"][0];
    assert_eq!((&finding["name"], &finding["location"]["line"]), (&json!("package-advisory:ws@8.1.0"), &json!(7)));
    let said = finding["message"].as_str().unwrap();
    assert_eq!(said, "ws 8.1.0 has 1 known advisory; A weakness of ws (GHSA-ws); update to 8.2.0");
    assert!(app.run(&["explain", "ws", "-C", "app"]).text().contains("GHSA-ws  applies (high): A weakness of ws"));

    // What is malicious comes in when asked for; a record is added to what is there.
    fs::write(app.0.path().join("one.json"), record("MAL-1", "ws", "9.0.0")).unwrap();
    assert_eq!(app.run(&["advisories", "import", "one.json", "--malicious"]).code, 0);
    let report = app.report();
    assert_eq!(report["findings"][0]["severity"], "critical");
    assert_eq!(report["packages"][0]["advisories"].as_array().unwrap().len(), 2);

    // After sixty days every report says how old it is.
    let later = app.run_on(&["check", "app", "--quiet", "-o", "json"], "1798761600");
    let later: Value = serde_json::from_slice(&later.out).unwrap();
    assert_eq!(topics(&later), ["advisories published since 2026-11-01"]);
    assert!(app.run_on(&["advisories", "status"], "1798761600").text().contains("too old to rely on"));
}

#[test]
fn an_export_that_is_damaged_is_told_and_what_can_be_read_of_it_is_kept() {
    let app = App::new();
    let mut zip = export(&[("a".to_owned(), record("GHSA-ws", "ws", "8.2.0")), ("b".to_owned(), "[1".to_owned())]);
    fs::write(app.0.path().join("all.zip"), &zip).unwrap();
    let done = app.run(&["advisories", "import", "all.zip"]);
    assert_eq!(done.code, 3, "{}", done.all());
    assert!(done.err.contains("1 record could not be read") && done.err.contains("b.json"), "{}", done.err);
    assert_eq!(app.report()["packages"][0]["name"], "ws");

    zip.truncate(zip.len() / 2);
    for (bytes, words) in [(zip.as_slice(), "cut off"), (b"\0\x01", "no advisories"), (b"{}", "no advisories")] {
        fs::write(app.0.path().join("bad"), bytes).unwrap();
        let done = app.run(&["advisories", "import", "bad"]);
        assert_eq!(done.code, 2, "{}", done.all());
        assert!(done.err.contains(words), "{}", done.err);
    }
    // What was there before is still there.
    assert_eq!(app.report()["packages"][0]["name"], "ws");
    fs::write(app.0.path().join("cache/advisories.index"), "nonsense").unwrap();
    let done = app.run(&["check", "app"]);
    assert_eq!(done.code, 3);
    assert!(done.text().contains("import them again"), "{}", done.text());
}

#[test]
fn a_server_is_asked_when_it_is_told_to_and_not_otherwise() {
    let app = App::new();
    let osv = Osv::start([("GHSA-ws", record("GHSA-ws", "ws", "8.2.0"))]);
    let done = app.run(&["advisories", "update", "-C", "app", "--url", &osv.url]);
    assert_eq!((done.code, done.err.as_str()), (0, ""), "{}", done.all());
    assert_eq!(done.text(), "127.0.0.1 knows 1 advisory about 2 packages\n");
    let asked = osv.asked();
    // In two parts, since the server gave a token; then the record.
    assert_eq!(asked.len(), 3, "{asked:?}");
    assert!(asked[0].contains("\"ws\"") && asked[0].contains("8.1.0") && asked[1].contains("more"), "{asked:?}");
    let report = app.report();
    assert_eq!((&report["packages"][0]["name"], topics(&report).len()), (&json!("ws"), 0));
    assert_eq!(osv.asked().len(), 3, "a check asks nobody");
    let status = app.run(&["advisories", "status"]);
    assert!(status.text().contains("2 packages were asked about since 2026-11-01"), "{}", status.text());
    let refused = app.run(&["check", "app", "--offline", "--verify", &osv.url]);
    assert_eq!(refused.code, 2);

    for (url, words) in [
        ("http://api.example.com", "names of packages are not sent without encryption"),
        (&*format!("{}/broken", osv.url), "not as a server of OSV"),
        (&*format!("{}/elsewhere", osv.url), "sends on to somewhere else"),
        (&*format!("{}/missing", osv.url), "HTTP 404"),
    ] {
        let done = app.run(&["advisories", "update", "-C", "app", "--url", url]);
        assert_eq!(done.code, 2, "{}", done.all());
        assert!(done.err.contains(words), "{words}: {}", done.err);
    }
    assert_eq!(app.report()["packages"][0]["name"], "ws");
}

#[test]
fn lock_files_that_are_hostile_are_told_and_the_rest_is_audited() {
    let app = App::new();
    let deep = "{\"lockfileVersion\": 1, \"dependencies\": {\"a\": ".to_owned()
        + &"{\"dependencies\": {\"a\": ".repeat(100_000);
    let nested: String = "{\"lockfileVersion\":1,\"dependencies\":{\"a\":{\"dependencies\":{\"a\":".to_owned()
        + &"{\"dependencies\":{\"a\":".repeat(200)
        + "{}"
        + &"}}".repeat(200)
        + "}}}}";
    let laughs = "lockfileVersion: '9.0'\na: &a [x, x]\nb: &b [*a, *a, *a]\npackages: {ws@8.2.3: *b}\n";
    let wide: Vec<u8> = "\u{feff}{ \"lockfileVersion\": 3 }".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let huge = format!("{{ \"lockfileVersion\": 3, \"x\": \"{}\" }}", "x".repeat(33 << 20));
    write(
        app.0.path(),
        &[
            ("app/deep/package-lock.json", deep.as_bytes()),
            ("app/nested/package-lock.json", nested.as_bytes()),
            ("app/laughs/pnpm-lock.yaml", laughs.as_bytes()),
            ("app/wide/package-lock.json", &wide),
            ("app/latin/yarn.lock", b"# yarn lockfile v1\n\n# caf\xe9\n"),
            ("app/binary/bun.lock", b"\0\x01\x02\xff"),
            ("app/huge/package-lock.json", huge.as_bytes()),
            ("app/cut/package-lock.json", b"{ \"lockfileVersion\": 3, \"packages\": { \"node_modules/ws\": { \"ver"),
        ],
    );
    let done = app.run(&["check", "app", "-o", "json", "--select", "package-advisory"]);
    assert_eq!(done.code, 3, "{}", done.all());
    assert!(done.took.as_secs() < 30, "{:?}", done.took);
    let report: Value = serde_json::from_slice(&done.out).unwrap();
    let problems = report["problems"].as_array().unwrap();
    let told = |path: &str| {
        let found = problems.iter().find(|problem| problem["path"].as_str().unwrap().contains(path));
        let found = found.unwrap_or_else(|| panic!("{path}: {problems:?}"));
        (found["message"].as_str().unwrap().to_owned(), found["line"].as_u64())
    };
    for (path, words, line) in [
        ("/deep/", "the file ends too early", Some(1)),
        ("/nested/", "nested too deeply", Some(1)),
        ("/laughs/", "refers to another part of itself", Some(3)),
        ("/wide/", "UTF-16", None),
        ("/latin/", "not UTF-8", Some(3)),
        ("/binary/", "not UTF-8", Some(1)),
        ("/huge/", "longer than 32 MB", None),
        ("/cut/", "the file ends too early", Some(1)),
    ] {
        let (message, at) = told(path);
        assert!(message.contains(words) && at == line, "{path}: {message} at {at:?}");
    }
    assert_eq!(problems.len(), 8);
    assert_eq!(report["app"]["serverVersion"], "8.6.94");
}
