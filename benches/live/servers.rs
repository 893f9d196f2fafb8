//! Servers that end with the bench, what is written into them, and what else could count it.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mongodb::Client;
use mongodb::bson::{Document, doc};
use serde_json::{Value, json};
use tokio::runtime::Builder;

/// The master key of every server here.
pub const MASTER: &str = "Tulip-lantern-7-seas";

/// A program that ends with the bench.
pub struct Running(Child);

impl Running {
    /// Starts one, and what it prints.
    pub fn start(command: &mut Command) -> (Self, impl Iterator<Item = String> + use<>) {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a program");
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
        (Self(child), lines)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The servers of the tests end with their standard input; what never reads it is ended.
        drop(self.0.stdin.take());
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(20) && self.0.try_wait().is_ok_and(|status| status.is_none()) {
            std::thread::sleep(Duration::from_millis(50));
            if start.elapsed() > Duration::from_secs(10) {
                let _ = self.0.kill();
            }
        }
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A script of the tests that starts a server.
pub fn script(name: &str) -> Command {
    Command::new(root().join("tests/servers").join(name))
}

/// A Parse Server, on a database of its own or this one.
pub fn parse(version: &str, uri: Option<&str>) -> (Running, impl Iterator<Item = String> + use<>) {
    let options = json!({ "appId": "shop", "masterKey": MASTER, "serverURL": "http://127.0.0.1:1/parse" });
    Running::start(script("parse").arg(version).arg(options.to_string()).args(uri))
}

fn post(url: &str, path: &str, body: &Value) {
    let mut request = ureq::post(format!("{url}/{path}"));
    for (name, value) in
        [("X-Parse-Application-Id", "shop"), ("X-Parse-Master-Key", MASTER), ("Content-Type", "application/json")]
    {
        request = request.header(name, value);
    }
    request.send(body.to_string()).expect("the server takes it");
}

/// Makes a class.
pub fn make_class(url: &str, name: &str) {
    let permissions = json!({ "find": { "*": true }, "get": { "role:a": true } });
    let fields = json!({ "title": { "type": "String" } });
    post(
        url,
        &format!("schemas/{name}"),
        &json!({ "className": name, "fields": fields, "classLevelPermissions": permissions }),
    );
}

/// Makes rows of four kinds.
pub fn make_rows(url: &str, class: &str) {
    let both = json!({ "read": true, "write": true });
    for row in [
        json!({}),
        json!({ "ACL": {} }),
        json!({ "ACL": { "*": { "read": true } } }),
        json!({ "ACL": { "role:r1": both } }),
    ] {
        post(url, &format!("classes/{class}"), &row);
    }
}

/// Runs SQL; how long it took.
pub fn psql(uri: &str, statements: &str) -> Duration {
    let start = Instant::now();
    let done = Command::new("psql")
        .arg(uri)
        .args(["-qtA", "-v", "ON_ERROR_STOP=1", "-c", statements])
        .output()
        .expect("psql runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    start.elapsed()
}

/// 200,000 users, and so many rows with ACLs in the mix of a real app.
pub fn rows_in_sql(rows: u64) -> String {
    format!(
        "INSERT INTO \"_User\" (\"objectId\", username, _rperm, _wperm)
           SELECT 'u' || lpad(n::text, 9, '0'), 'x' || n, ARRAY['*', 'u' || lpad(n::text, 9, '0')], ARRAY['u' || lpad(n::text, 9, '0')]
           FROM generate_series(1, 200000) n;
         INSERT INTO \"Order\" (\"objectId\", _rperm, _wperm, title)
           SELECT 'r' || n, CASE WHEN n % 100 < 30 THEN NULL WHEN n % 100 < 45 THEN ARRAY['*', u] WHEN n % 100 < 70 THEN ARRAY[u]
             WHEN n % 100 < 82 THEN ARRAY['role:r' || n % 400] WHEN n % 100 < 88 THEN ARRAY[u, 'role:r' || n % 400]
             WHEN n % 100 < 92 THEN '{{}}'::text[] WHEN n % 100 < 95 THEN ARRAY['gone' || n % 1000000] ELSE ARRAY['*'] END,
             CASE WHEN n % 100 < 30 THEN NULL WHEN n % 100 < 70 THEN ARRAY[u] WHEN n % 100 < 82 THEN ARRAY['role:r' || n % 400]
             ELSE '{{}}'::text[] END, repeat('x', 200)
           FROM (SELECT n, 'u' || lpad((1 + n % 200000)::text, 9, '0') u FROM generate_series(1, {rows}) n) s;
         ANALYZE \"Order\""
    )
}

/// What a census tells but for users who are gone, in SQL.
pub const KINDS_IN_SQL: &str = "SELECT _rperm IS NULL, '*' = ANY(_rperm),
    (SELECT array_agg(x ORDER BY x) FROM unnest(_rperm) x WHERE x LIKE 'role:%'),
    EXISTS (SELECT 1 FROM unnest(_rperm) x WHERE x <> '*' AND x NOT LIKE 'role:%'), _wperm IS NULL, '*' = ANY(_wperm),
    (SELECT array_agg(x ORDER BY x) FROM unnest(_wperm) x WHERE x LIKE 'role:%'),
    EXISTS (SELECT 1 FROM unnest(_wperm) x WHERE x <> '*' AND x NOT LIKE 'role:%'), count(*)
    FROM \"Order\" GROUP BY 1, 2, 3, 4, 5, 6, 7, 8";

/// The same app in a database of MongoDB.
pub fn fill_mongo(uri: &str, rows: u64) {
    const USERS: u64 = 200_000;
    let with_acl = |mut row: Document, number: u64, user: &str| {
        row.extend(super::acl(number, user, doc! {}, |side, entries| doc! { side: entries }));
        row
    };
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let database = Client::with_uri_str(uri).await.expect("a server").default_database().expect("a database");
        let permissions =
            doc! { "class_permissions": { "find": { "*": true }, "get": { "*": true }, "count": { "*": true } } };
        for class in ["Order", "_User"] {
            let schema =
                doc! { "_id": class, "objectId": "string", "title": "string", "_metadata": permissions.clone() };
            let schemas = database.collection::<Document>("_SCHEMA");
            schemas.replace_one(doc! { "_id": class }, schema).upsert(true).await.expect("it is stored");
        }
        for first in (0..USERS).step_by(10_000) {
            let users = (first..first + 10_000).map(|number| {
                let id = super::user(number);
                doc! { "_id": &id, "username": format!("x{number}"), "_rperm": ["*", &id], "_wperm": [&id] }
            });
            database.collection::<Document>("_User").insert_many(users).await.expect("they are stored");
        }
        for first in (0..rows).step_by(10_000) {
            let some = (first..rows.min(first + 10_000)).map(|number| {
                let row = doc! { "_id": scattered(number), "title": "x".repeat(200) };
                with_acl(row, number, &super::user(number % USERS))
            });
            database.collection::<Document>("Order").insert_many(some).await.expect("they are stored");
        }
    });
}

/// An id of ten letters and digits, as spread as those of Parse Server.
fn scattered(number: u64) -> String {
    let letters = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    // Odd, so that no two are the same.
    let mut mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 8;
    let letter =
        |digit: u64| letters.get(usize::try_from(digit).unwrap_or_default()).map_or('0', |letter| char::from(*letter));
    let mut id = String::new();
    for _ in 0..5 {
        id.push(letter(mixed % 62));
        mixed /= 62;
    }
    let mut rest = number;
    for _ in 0..5 {
        id.push(letter(rest % 62));
        rest /= 62;
    }
    id
}

/// What a program that counts rows and seconds says of itself.
fn told(command: &mut Command) -> String {
    let done = command.output();
    let text = match &done {
        Ok(done) if done.status.success() => String::from_utf8_lossy(&done.stdout).into_owned(),
        Ok(done) => return format!("it fails: {}", String::from_utf8_lossy(&done.stderr).trim()),
        Err(error) => return format!("not here ({error})"),
    };
    let mut numbers = text.split_whitespace().filter_map(|word| word.parse::<f64>().ok());
    match (numbers.next(), numbers.next()) {
        (Some(rows), Some(seconds)) => format!("{rows} rows in {seconds:.2} s, {:.4} M/s", rows / seconds / 1e6),
        _ => format!("it says {text}"),
    }
}

/// A script with the Parse SDK that is ended after so long.
pub fn parse_sdk(url: &str, longest: Duration) -> String {
    let cache = std::env::var("XDG_CACHE_HOME")
        .unwrap_or_else(|_| format!("{}/.cache", std::env::var("HOME").unwrap_or_default()));
    let modules = format!("{cache}/parse-audit/servers/parse-server-9.10.0/node_modules");
    let script = root().join("benches/live/sdk.cjs");
    let seconds = longest.as_secs().to_string();
    told(Command::new("node").env("NODE_PATH", modules).arg(script).args([url, "shop", MASTER, &seconds]))
}

/// A script of this folder in mongosh, if that is here: `npm install --global mongosh`.
pub fn mongosh(uri: &str, script: &str) -> String {
    told(Command::new("mongosh").args(["--quiet", uri]).arg(root().join("benches/live").join(script)))
}
