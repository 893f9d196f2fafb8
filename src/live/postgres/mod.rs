//! The database of a running app, read from PostgreSQL: in one transaction that cannot write,
//! and of the rows of classes nothing but their ACLs.
//!
//! Source of the tables: `PostgresStorageAdapter.js` of Parse Server.

mod address;
mod moment;
mod tls;
mod wire;

use std::sync::Arc;

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::model::snapshot::Gap;
use crate::problem::Problem;

use super::kept::Kept;
use super::pace::Pace;
use super::sampling::{self, Chosen, Sampling};
use super::{Answers, Body, Document, Form, Rows};
use address::Address;
use moment::Moment;
use wire::{Failure, Session, Wire};

/// Pages of a table, of 8 KiB each, that are copied out at once: fewer of a small table, so that two are busy with it.
const PAGES: std::ops::RangeInclusive<u64> = 512..=4096;

/// Parts of a table that are worth their queries.
const PARTS: u64 = 32;

/// From this version on a part of a table is found without reading all of it.
const FINDS_PAGES: u32 = 140_000;

/// About how many bytes a row is on the way here, for whom wants to know how long it takes.
const BYTES_OF_A_ROW: u64 = 60;

/// What a table of facts gives: its name in exports, the query, and what is missing without it.
const FACTS: [(&str, &str, &str); 7] = [
    (
        "_Role",
        r#"SELECT json_build_object('objectId', "objectId", 'name', name, '_rperm', _rperm, '_wperm', _wperm)::text
           FROM "_Role" ORDER BY "objectId""#,
        "roles were not checked",
    ),
    (
        "_Join:roles:_Role",
        r#"SELECT json_build_object('relatedId', "relatedId", 'owningId', "owningId")::text
           FROM "_Join:roles:_Role" ORDER BY "owningId", "relatedId""#,
        "inheritance of roles was not checked",
    ),
    (
        "_Join:users:_Role",
        r#"SELECT json_build_object('relatedId', "relatedId", 'owningId', "owningId")::text
           FROM "_Join:users:_Role" ORDER BY "owningId", "relatedId""#,
        "members of roles were not checked",
    ),
    (
        "_GlobalConfig",
        r#"SELECT json_build_object('params', params, 'masterKeyOnly', "masterKeyOnly")::text FROM "_GlobalConfig""#,
        "parameters of the app were not checked",
    ),
    (
        "_GraphQLConfig",
        r#"SELECT json_build_object('config', config)::text FROM "_GraphQLConfig" WHERE "objectId" = '1'"#,
        "classes that GraphQL shows were not checked",
    ),
    (
        "_Hooks",
        r#"SELECT json_build_object('functionName', "functionName", 'className', "className",
                  'triggerName', "triggerName", 'url', url)::text
           FROM "_Hooks" ORDER BY 1"#,
        "webhooks were not checked",
    ),
    (
        "_JobSchedule",
        r#"SELECT json_build_object('jobName', "jobName", 'startAfter', "startAfter")::text
           FROM "_JobSchedule" ORDER BY 1"#,
        "scheduled jobs were not checked",
    ),
];

/// What the server tells of itself and its user, as `read` understands it. Who is a superuser is above all rights.
const ABOUT: &str = r#"SELECT json_build_object(
    'database', 'PostgreSQL',
    'databaseVersion', current_setting('server_version'),
    'encrypted', COALESCE((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false),
    'rights', (SELECT json_agg(name) FROM (VALUES
        ('write', has_table_privilege('"_SCHEMA"', 'INSERT, UPDATE, DELETE')),
        ('everywhere', u.rolsuper),
        ('administer', u.rolsuper OR u.rolcreaterole OR u.rolreplication)) AS r(name, has) WHERE has))::text
  FROM pg_roles u WHERE u.rolname = current_user"#;

/// The unique indexes of each class, but for that of the object id. What a condition says is not asked for: whether
/// it says more than that there is a value is enough.
const INDEXES: &str = r#"SELECT json_build_object('collectionName', s."className", 'indexes',
    COALESCE((SELECT json_agg(json_build_object('name', i.relname, 'unique', true, 'columns', k.columns,
            'partial', COALESCE(translate(pg_get_expr(x.indpred, x.indrelid), '() ', '')
                <> translate(k.columns->>0, '() ', '') || 'ISNOTNULL', false)) ORDER BY i.relname)
        FROM pg_class c
        JOIN pg_index x ON x.indrelid = c.oid AND x.indisunique AND x.indisvalid AND NOT x.indisprimary
        JOIN pg_class i ON i.oid = x.indexrelid
        CROSS JOIN LATERAL (SELECT json_agg(pg_get_indexdef(x.indexrelid, n, true) ORDER BY n) AS columns
            FROM generate_series(1, COALESCE((to_jsonb(x)->>'indnkeyatts')::int, x.indnatts)) n) k
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = s."className"), '[]'))::text
  FROM "_SCHEMA" s ORDER BY s."className""#;

/// How many sessions never end.
const ENDLESS: &str = r#"SELECT count(*) FROM "_Session" WHERE "expiresAt" IS NULL"#;

/// Whether the columns may be read that [`OF_USERS`] asks; nothing if there are none.
const MAY_ASK_OF_USERS: &str = r#"SELECT bool_and(has_column_privilege(attrelid, attnum, 'SELECT'))::text
  FROM pg_attribute WHERE attrelid = to_regclass('"_User"') AND NOT attisdropped
    AND attname IN ('_hashed_password', '_perishable_token', '_perishable_token_expires_at')"#;

/// How many users have a token for a new password that never ends, and a password that is no hash of bcrypt whose
/// work is at least 2¹⁰.
const OF_USERS: &str = r#"SELECT json_build_object(
    'endlessResetTokens', count(*) FILTER (WHERE _perishable_token <> '' AND _perishable_token_expires_at IS NULL),
    'otherPasswords', count(*) FILTER (WHERE _hashed_password <> '' AND _hashed_password !~ '^\$2[abxy]\$[1-3]'))::text
  FROM "_User""#;

/// A database of PostgreSQL.
#[derive(Debug)]
pub struct Database {
    wire: Arc<Wire>,
    kept: Option<Arc<Kept>>,
    sampling: Option<Sampling>,
}

/// The first page, and the one behind the last; all of them if nothing is said.
type Pages = Option<(u64, Option<u64>)>;

/// A table with the rows of a class.
struct Table {
    class: String,
    pages: u64,
    rows: u64,
    /// The file it is in; `None` if it has several, or one that a crash empties.
    file: Option<u64>,
}

impl Database {
    /// The database at a connection string, which may hold a password.
    ///
    /// # Errors
    ///
    /// It is no connection string, or a file that it names cannot be read.
    pub fn new(uri: &str) -> Result<Self, String> {
        Ok(Self { wire: Arc::new(Wire::new(&Address::parse(uri)?)?), kept: None, sampling: None })
    }

    /// The same database, of which some rows may have been counted before.
    pub fn keeping(self, kept: impl Into<Option<Arc<Kept>>>) -> Self {
        Self { kept: kept.into(), ..self }
    }

    /// The same database, kept no busier than this.
    pub fn pacing(mut self, pace: Pace) -> Self {
        if let Some(wire) = Arc::get_mut(&mut self.wire) {
            wire.pace = pace;
        }
        self
    }

    /// The same, but of large classes only some rows are looked at.
    pub fn sampling(self, sampling: impl Into<Option<Sampling>>) -> Self {
        Self { sampling: sampling.into(), ..self }
    }

    /// Where it is, with neither user, password nor options.
    pub fn place(&self) -> &str {
        self.wire.place()
    }

    /// Everything that is asked for. Rows are only asked for when they are counted.
    pub fn read(&self) -> Answers {
        let mut answers = Answers::default();
        let session = match self.wire.begin() {
            Ok(session) => session,
            Err(failure) => {
                self.miss(&mut answers, "", &failure, "the running app was not checked");
                return answers;
            }
        };
        let schema = r#"SELECT json_build_object('className', "className", 'schema', schema, 'isParseClass', true)::text
                        FROM "_SCHEMA" ORDER BY "className""#;
        match session.texts(schema) {
            Ok(classes) => answers.documents.push(self.document("_SCHEMA", &classes)),
            Err(failure) => {
                self.miss(&mut answers, "_SCHEMA", &failure, "classes and their permissions were not checked");
                return answers;
            }
        }
        for (table, query, consequence) in FACTS {
            match session.texts(query) {
                Ok(lines) => answers.documents.push(self.document(table, &lines)),
                // The server makes these when they are first needed.
                Err(Failure::NoTable) => answers.documents.push(self.document(table, &[])),
                Err(failure) => self.miss(&mut answers, table, &failure, consequence),
            }
        }
        match session.texts(INDEXES) {
            Ok(lines) => answers.documents.push(self.document("indexes", &lines)),
            Err(failure) => self.miss(&mut answers, "", &failure, "unique indexes were not checked"),
        }
        match self.about(&session, &mut answers.gaps) {
            Ok(document) => answers.documents.extend(document),
            Err(failure) => self.miss(&mut answers, "", &failure, "the database itself was not checked"),
        }
        match tables(&session) {
            Ok(tables) => self.add_rows(&mut answers, &Arc::new(session), tables),
            Err(failure) => self.miss(&mut answers, "", &failure, "rows of classes were not counted"),
        }
        answers
    }

    /// What the database tells of itself.
    fn about(&self, session: &Session, gaps: &mut Vec<Gap>) -> Result<Option<Document>, Failure> {
        let Some(about) = session.texts(ABOUT)?.into_iter().next() else { return Ok(None) };
        let Ok(Value::Object(mut about)) = serde_json::from_str(&about) else { return Ok(None) };
        if about.get("rights").is_some_and(Value::is_null) {
            about.insert("rights".to_owned(), Value::Array(Vec::new()));
        }
        about.insert("hosts".to_owned(), Value::from(vec![self.wire.host()]));
        // Without a table nobody ever signed in.
        let endless = match session.texts(ENDLESS) {
            Ok(count) => count.first().and_then(|count| count.parse::<u64>().ok()),
            Err(Failure::NoTable) => Some(0),
            Err(failure) => return Err(failure),
        };
        about.extend(endless.map(|count| ("endlessSessions".to_owned(), Value::from(count))));
        match session.texts(MAY_ASK_OF_USERS)?.first().map(|may| may.as_str()) {
            Some("true") => {
                let counts = session.texts(OF_USERS)?;
                let counts = counts.first().and_then(|counts| serde_json::from_str::<Map<_, _>>(counts).ok());
                about.extend(counts.into_iter().flatten());
            }
            Some(_) => gaps.push(Gap::new(
                "how passwords are kept",
                "the user of the database may not read the columns of `_User` that tell it",
            )),
            None => {}
        }
        let text = serde_json::to_string_pretty(&about).map(Zeroizing::new).unwrap_or_default();
        Ok(Some(Document { name: "database.json".to_owned(), ..self.document("", &[text]) }))
    }

    fn add_rows(&self, answers: &mut Answers, session: &Arc<Session>, tables: Vec<Table>) {
        let now = Moment::now(session);
        // The rows of roles were read whole.
        for table in tables.into_iter().filter(|table| table.class != "_Role") {
            let before: Vec<&str> =
                self.kept.iter().flat_map(|kept| kept.parts(&self.url(&table.class), &table.class)).collect();
            let moment =
                table.file.and_then(|file| Moment::of(session, &quoted(&table.class), now?, file, before.into_iter()));
            let finds = session.version() >= FINDS_PAGES;
            let sampling = self.sampling.filter(|_| finds);
            let (ranges, chosen) = match sampling.and_then(|sampling| table.chosen(sampling)) {
                Some((of, ranges)) => (ranges, Some(Chosen { of, rows: None })),
                None if finds => (table.ranges(table.part(), |_| true), None),
                None => (vec![None], None),
            };
            let share = table.rows / chosen.map_or(ranges.len() as u64, |chosen| chosen.of).max(1);
            for pages in ranges {
                let part = Part {
                    session: Arc::clone(session),
                    class: table.class.clone(),
                    pages,
                    size: share * BYTES_OF_A_ROW,
                    moment,
                    chosen,
                };
                answers.documents.push(Document {
                    url: self.url(&table.class),
                    name: format!("{}.copy", table.class),
                    body: Body::Rows(Arc::new(part)),
                });
            }
        }
    }

    fn document(&self, table: &str, lines: &[Zeroizing<String>]) -> Document {
        let length = lines.iter().map(|line| line.len() + 1).sum();
        // Made as long as it gets, so that no copy of it is left behind.
        let mut text = Zeroizing::new(Vec::with_capacity(length));
        for line in lines {
            text.extend_from_slice(line.as_bytes());
            text.push(b'\n');
        }
        Document { url: self.url(table), name: format!("{table}.json"), body: Body::Text(Arc::new(text)) }
    }

    fn url(&self, table: &str) -> String {
        match table {
            "" => self.wire.place().to_owned(),
            _ => format!("{}/{table}", self.wire.place()),
        }
    }

    fn miss(&self, answers: &mut Answers, table: &str, failure: &Failure, consequence: &str) {
        answers.problems.push(Problem::new(self.url(table), failure.to_string(), consequence));
    }
}

/// The tables that hold rows with ACLs, and how long they are.
fn tables(session: &Session) -> Result<Vec<Table>, Failure> {
    let query =
        "SELECT json_build_array(c.relname, pg_relation_size(c.oid) / current_setting('block_size')::int, c.reltuples,
                CASE WHEN c.relpersistence = 'p' THEN pg_relation_filenode(c.oid)::bigint END)::text
         FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = '_rperm' AND NOT a.attisdropped
         WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
         ORDER BY c.relname";
    let lines = session.texts(query)?;
    let table = |line: &Zeroizing<String>| {
        let line: Value = serde_json::from_str(line).ok()?;
        let number = |at: usize| line.get(at).and_then(Value::as_f64).unwrap_or_default().max(0.0) as u64;
        let file = line.get(3).and_then(Value::as_u64);
        Some(Table { class: line.get(0)?.as_str()?.to_owned(), pages: number(1), rows: number(2), file })
    };
    Ok(lines.iter().filter_map(table).collect())
}

impl Table {
    /// How many pages are copied out at once. A few more or less make the same parts.
    fn part(&self) -> u64 {
        (self.pages / PARTS).next_power_of_two().clamp(*PAGES.start(), *PAGES.end())
    }

    /// Ranges of so many pages, those whose numbers are wanted.
    fn ranges(&self, pages: u64, is_wanted: impl Fn(u64) -> bool) -> Vec<Pages> {
        let parts = self.pages.div_ceil(pages).max(1);
        // The last part has no end: a table may have grown since it was asked how long it is.
        let range = |part| (parts > 1).then(|| (part * pages, (part + 1 < parts).then(|| (part + 1) * pages)));
        (0..parts).filter(|part| is_wanted(*part)).map(range).collect()
    }

    /// Of how many ranges some were chosen, and those.
    fn chosen(&self, sampling: Sampling) -> Option<(u64, Vec<Pages>)> {
        let is_wanted = sampling::is_for(&self.class, self.rows);
        let pages = is_wanted.then(|| (self.pages * sampling::ROWS).div_ceil(self.rows).max(1))?;
        let of = self.pages.div_ceil(pages);
        let numbers = sampling.choose(of)?;
        Some((of, self.ranges(pages, |number| numbers.contains(&number))))
    }
}

/// Some pages of a table.
struct Part {
    session: Arc<Session>,
    class: String,
    pages: Pages,
    size: u64,
    /// Since when the table is as it is.
    moment: Option<Moment>,
    chosen: Option<Chosen>,
}

/// The name of a table in SQL.
fn quoted(class: &str) -> String {
    format!("\"{}\"", class.replace('"', "\"\""))
}

impl Rows for Part {
    fn class(&self) -> &str {
        &self.class
    }

    fn form(&self) -> Form {
        Form::Copy
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn chosen(&self) -> Option<Chosen> {
        self.chosen
    }

    fn part(&self) -> Option<String> {
        let (from, to) = self.pages.unwrap_or((0, None));
        let to = to.map(|to| to.to_string()).unwrap_or_default();
        Some(format!("{} {from}-{to}", self.moment?))
    }

    fn open(&self) -> std::io::Result<Box<dyn std::io::Read + '_>> {
        // Ids are needed where an ACL may name its own object, or another class's ACL one of these.
        let id = if self.class == "_User" { r#""objectId"::text"# } else { "NULL::text" };
        let table = quoted(&self.class);
        let pages = match self.pages {
            None => String::new(),
            Some((from, None)) => format!(" WHERE ctid >= '({from},0)'"),
            Some((from, Some(to))) => format!(" WHERE ctid >= '({from},0)' AND ctid < '({to},0)'"),
        };
        let query = format!("SELECT {id}, _rperm::text[], _wperm::text[] FROM {table}{pages}");
        let copied = self.session.copy(&query).map_err(|failure| std::io::Error::other(failure.to_string()))?;
        Ok(Box::new(copied))
    }
}
