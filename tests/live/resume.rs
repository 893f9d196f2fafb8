//! A census that is cut off goes on where it ended, and counts no row twice.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use crate::servers::{self, Database, Mongo, Server};
use crate::wire::Wire;
use crate::{binary, wire};
use parse_audit::live::kept::Kept;
use parse_audit::live::{Answers, mongo, postgres};
use parse_audit::model::{Census, ClassName};
use parse_audit::read::{Input, Settings, Silent, read};
use serde_json::json;

/// Runs a command of the program on one core, so that it is known what comes first.
fn run(folder: &Path, args: &[&str], uri: &str) -> binary::Done {
    let cache = folder.join("cache");
    let cache = cache.to_string_lossy();
    let variables = [("PARSE_SERVER_DATABASE_URI", uri), ("PARSE_AUDIT_CACHE", &*cache), ("RAYON_NUM_THREADS", "1")];
    binary::run_with(folder, args, &variables)
}

/// The file with what was counted.
fn counted(folder: &Path) -> Option<PathBuf> {
    let mut files = fs::read_dir(folder.join("cache")).ok()?.map(|entry| entry.unwrap().path());
    files.find(|path| path.to_string_lossy().contains("census-"))
}

/// The counts of each class with rows, and how many parts had been counted before.
fn census(kept: PathBuf, read_all: impl FnOnce(&Arc<Kept>) -> Answers) -> (BTreeMap<ClassName, Census>, u64) {
    let kept = Arc::new(Kept::going_on(kept).unwrap());
    let answers = read_all(&kept);
    assert!(answers.problems.is_empty(), "{:?}", answers.problems);
    let settings = Settings { answers: answers.documents, kept: Some(Arc::clone(&kept)), ..Settings::default() };
    let reading = read(&Input::Memory(BTreeMap::new()), &settings, &Silent);
    assert!(reading.problems.is_empty(), "{:?}", reading.problems);
    let classes = reading.snapshot.app.classes.into_iter();
    let counts = classes.filter_map(|(name, class)| Some((name, class.rows.read()?.clone())));
    (counts.filter(|(_, census)| census.rows() > 0).collect(), kept.taken())
}

/// Cuts `snapshot` off, sees that it says so, and that it can go on.
fn cut_off_and_go_on(folder: &Path, flag: &str, uri: &str, wire: &Wire, mend: impl FnOnce()) {
    let done = run(folder, &["snapshot", flag, "env"], uri);
    assert_eq!(done.code, 3, "{}", done.all());
    assert!(wire.since_cut() < Duration::from_secs(10), "{:?}", wire.since_cut());
    let text = done.all().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("rows of Order were not counted; `--resume` goes on from there"), "{text}");
    assert!(text.contains("is left as it is"), "{text}");
    assert!(!folder.join("parse-audit/production.lock.toml").exists(), "what is known in part is no lock");
    let kept = counted(folder).expect("what was counted is kept");
    #[cfg(unix)]
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&kept).unwrap().permissions()) & 0o777, 0o600);
    fs::copy(&kept, folder.join("kept")).unwrap();
    mend();
}

/// Ends a process at once.
fn kill(process: i32) {
    assert!(Command::new("kill").args(["-9", &process.to_string()]).status().unwrap().success());
}

fn sql(uri: &str, statements: &str) {
    let output = Command::new("psql").arg(uri).args(["-qv", "ON_ERROR_STOP=1", "-c", statements]).output();
    let output = output.expect("psql runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_postgresql_that_is_killed_is_counted_on_when_it_is_back() {
    const ROWS: u64 = 450_000;
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let database = Database::start(data.path());
    let parse = Server::start_on(
        &database.uri,
        &json!({ "appId": "shop", "masterKey": "m", "serverURL": "http://127.0.0.1:1/parse", "webhookKey": "w" }),
    );
    let order = json!({ "className": "Order", "fields": { "title": { "type": "String" } } });
    assert_eq!(servers::ask(&parse.url, "shop", Some("m"), ("POST", "schemas/Order"), Some(&order)).0, 200);
    drop(parse);
    sql(
        &database.uri,
        &format!(
            "INSERT INTO \"Order\" (\"objectId\", _rperm, _wperm, title) SELECT 'r' || n,
             CASE n % 4 WHEN 0 THEN NULL WHEN 1 THEN ARRAY['*'] WHEN 2 THEN ARRAY['role:staff'] ELSE '{{}}'::text[] END,
             ARRAY['role:staff'], repeat('x', 200) FROM generate_series(1, {ROWS}) n"
        ),
    );
    let port = wire::port(&database.uri);
    let wire = Wire::to(port);
    let uri = database.uri.replace(&port.to_string(), &wire.port.to_string());
    let fresh = || census(folder.path().join("none"), |_| postgres::Database::new(&uri).unwrap().read());
    let (whole, _) = fresh();
    assert_eq!(whole[&ClassName::from("Order")].rows(), ROWS);

    // Rows are some thirty megabytes on the wire, in four parts; with three tenths the first one is through.
    let process = database.process();
    // The others end by themselves when the first one is gone.
    wire.after(9500 << 10, move || kill(process));
    cut_off_and_go_on(folder.path(), "--postgres", &uri, &wire, || {
        drop(database);
        fs::remove_file(data.path().join("d/postmaster.pid")).unwrap();
    });
    let done = run(folder.path(), &["snapshot", "--postgres", "env", "--resume"], &uri);
    assert_eq!(done.code, 3, "{}", done.all());
    assert!(counted(folder.path()).is_some(), "a server that is not back yet takes nothing away");
    let _database = Database::start(data.path());
    let resumed = |kept: &str| {
        let copy = folder.path().join(format!("{kept}.copy"));
        fs::copy(folder.path().join(kept), &copy).unwrap();
        census(copy, |kept| postgres::Database::new(&uri).unwrap().keeping(Arc::clone(kept)).read())
    };
    let (rows, taken) = resumed("kept");
    assert!(taken > 0, "something was counted before");
    assert_eq!(rows, whole);

    let done = run(folder.path(), &["snapshot", "--postgres", "env", "--resume"], &uri);
    assert_eq!(done.code, 0, "{}", done.all());
    assert_eq!(counted(folder.path()), None, "there is nothing to go on with");
    let done = run(folder.path(), &["snapshot", "--postgres", "env", "--check"], &uri);
    assert_eq!(done.code, 0, "{}", done.all());

    // A row that was written meanwhile lies elsewhere: what was counted before is counted anew.
    sql(&uri, "UPDATE \"Order\" SET title = 'moved' WHERE \"objectId\" = 'r1'");
    let (rows, taken) = resumed("kept");
    assert_eq!((rows, taken), (whole, 0));
    // So is a table that was put in order, for its rows are in another file.
    sql(&uri, "VACUUM FULL \"Order\"");
    assert_eq!(resumed("kept"), fresh());
}

#[test]
fn a_mongodb_that_is_killed_is_counted_on_when_it_is_back() {
    const ROWS: [(&str, u64); 2] = [("Account", 40_000), ("Order", 90_000)];
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let database = Mongo::start(data.path());
    wire::fill(&database.uri, &ROWS);
    // What was written before a server ended in peace is there after it was killed.
    drop(database);
    let database = Mongo::start(data.path());
    let wire = Wire::to(wire::port(&database.uri));
    let uri = format!("mongodb://127.0.0.1:{}/parse", wire.port);
    let (whole, _) = census(folder.path().join("none"), |_| mongo::Database::new(&uri, None).unwrap().read());
    let rows: Vec<_> = whole.iter().map(|(class, census)| (class.as_str(), census.rows())).collect();
    assert_eq!(rows, ROWS);

    // Rows are some ten megabytes on the wire, three tenths of which are those of `Account`.
    let process = database.process;
    wire.after(4 << 20, move || kill(process));
    cut_off_and_go_on(folder.path(), "--mongodb", &uri, &wire, || drop(database));
    let done = run(folder.path(), &["snapshot", "--mongodb", "env", "--resume"], &uri);
    assert_eq!(done.code, 3, "{}", done.all());
    assert!(counted(folder.path()).is_some(), "a server that is not back yet takes nothing away");
    let database = Mongo::start(data.path());
    wire.leads_to(wire::port(&database.uri));
    let copy = folder.path().join("copy");
    fs::copy(folder.path().join("kept"), &copy).unwrap();
    let (rows, taken) = census(copy, |_| mongo::Database::new(&uri, None).unwrap().read());
    assert!(taken > 0, "something was counted before");
    assert_eq!(rows, whole);
    let done = run(folder.path(), &["check", "--mongodb", "env", "--resume", "-o", "json"], &uri);
    assert!(done.text().contains("counted before the run that --resume goes on with was cut off"), "{}", done.all());
    let done = run(folder.path(), &["snapshot", "--mongodb", "env", "--resume"], &uri);
    assert_eq!(done.code, 0, "{}", done.all());
}

#[test]
fn there_must_be_something_to_go_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let done = run(folder.path(), &["check", "--resume"], "");
    assert_eq!(done.code, 2);
    assert!(done.err.contains("--resume"), "{}", done.err);
}
