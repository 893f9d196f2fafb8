//! The driver of MongoDB, of which nothing but reading is used.
//!
//! A command is one of [`Command`], and [`Connection`] has no other way to send
//! anything: what would write cannot be said. Beside these commands the driver sends
//! its own: it says hello, logs in, goes on with a query and ends it.
//!
//! Nothing waits for ever: every answer has a limit, and after one that did not come,
//! or a connection that broke, nothing else is asked.

use std::pin::pin;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use futures_util::future::{Either, ready};
use futures_util::{FutureExt, StreamExt, TryFutureExt};
use mongodb::action::RunCommand;
use mongodb::bson::raw::cstr;
use mongodb::bson::{Bson, Document, RawDocument, Regex, doc};
use mongodb::error::{Error, ErrorKind};
use mongodb::event::EventHandler;
use mongodb::event::sdam::SdamEvent;
use mongodb::options::{ClientOptions, ReadPreference, SelectionCriteria};
use mongodb::raw_batch_cursor::{RawBatch, RawBatchCursor};
use mongodb::{Client, Database};
use serde_json::Value;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::bson::is_flat;
use crate::live::pace::Pace;

use super::address::Address;
use super::bytes;
use super::command::{Command, Ids, OTHER_TYPES, Oddity};
use super::failures::Failures;
use super::trouble::{CLOSED, NOT_UNDERSTOOD, SILENT, Trouble, of_io};

/// How long it is waited for a server to be found.
const TO_FIND: Duration = Duration::from_secs(5);

/// How long it is waited for a connection to a server; less, so that it is known why none was found.
const TO_CONNECT: Duration = Duration::from_secs(3);

/// How long the server may work on a query, and on the answer to another question.
const WORK: [Duration; 2] = [Duration::from_secs(600), Duration::from_secs(20)];

/// Connections that are open at once.
const CONNECTIONS: u32 = 4;

/// Rows in one answer.
const BATCH: u32 = 10_000;

/// No document is nested so deep: MongoDB's manual allows 100 levels.
const DEEPEST: usize = 400;

/// A command as it is sent.
fn document(command: &Command<'_>) -> Document {
    let mut document = match command {
        Command::Hello => doc! { "hello": 1 },
        Command::BuildInfo => doc! { "buildInfo": 1 },
        Command::ConnectionStatus => doc! { "connectionStatus": 1, "showPrivileges": true },
        Command::Collections => doc! { "listCollections": 1, "nameOnly": true, "authorizedCollections": true },
        Command::Indexes(collection) => doc! { "listIndexes": *collection, "cursor": { "batchSize": BATCH } },
        Command::Size(collection) => doc! { "count": *collection },
        Command::Without(collection, column) => doc! { "count": *collection, "query": { *column: null } },
        Command::Users(collection, oddity) => {
            let query = match oddity {
                Oddity::EndlessResetToken => {
                    doc! { "_perishable_token": { "$gt": "" }, "_perishable_token_expires_at": null }
                }
                Oddity::LegacySession => doc! { "_session_token": { "$gt": "" } },
                Oddity::OtherPassword => {
                    let (pattern, options) = (cstr!(r"^\$2[abxy]\$[1-3]").into(), cstr!("").into());
                    let bcrypt = Regex { pattern, options };
                    doc! { "_hashed_password": { "$gt": "", "$not": bcrypt } }
                }
            };
            doc! { "count": *collection, "query": query }
        }
        Command::Find(collection, columns, ids) => {
            let columns: Document = columns.iter().map(|column| ((*column).to_owned(), Bson::Int32(1))).collect();
            doc! { "find": *collection, "filter": filter(ids), "projection": columns, "batchSize": BATCH }
        }
        Command::Group(collection, ids) => {
            doc! { "aggregate": *collection, "pipeline": [{ "$match": filter(ids) }, group()],
            "cursor": { "batchSize": BATCH }, "allowDiskUse": true }
        }
    };
    if let Command::Find(_, _, ids) | Command::Group(_, ids) = command {
        // With another order of letters ranges of ids could overlap, and ACLs that differ look the same.
        document.extend(doc! { "collation": { "locale": "simple" }, "comment": "parse-audit" });
        if *ids != Ids::All {
            // Not every server sees by itself that its index of ids serves.
            document.insert("hint", doc! { "_id": 1 });
        }
    }
    if !matches!(command, Command::Hello | Command::BuildInfo | Command::ConnectionStatus) {
        let [of_query, of_other] = WORK;
        let is_query =
            matches!(command, Command::Find(..) | Command::Group(..) | Command::Without(..) | Command::Users(..));
        let work = if is_query { of_query } else { of_other };
        document.insert("maxTimeMS", i64::try_from(work.as_millis()).unwrap_or(i64::MAX));
    }
    document
}

/// Which documents have these ids.
fn filter(ids: &Ids) -> Document {
    match ids {
        Ids::All => doc! {},
        // Named one by one, for then an index serves.
        Ids::Others => doc! { "_id": { "$type": OTHER_TYPES.to_vec() } },
        Ids::Between(from, below) => {
            let ends = [("$gte", from.as_deref().or(Some(""))), ("$lt", below.as_deref())];
            let ends = ends.into_iter().filter_map(|(end, id)| Some((end.to_owned(), Bson::from(id?))));
            doc! { "_id": ends.collect::<Document>() }
        }
    }
}

/// Puts documents with the same ACL together: `{ _id: { _rperm, _wperm, _acl, _id }, n }`. What a document does not
/// have is not there; `_acl` is empty, and `_id` is told where the ACL names the document itself.
fn group() -> Document {
    let names = |side: &str| doc! { "$cond": [{ "$isArray": [side] }, { "$in": ["$_id", side] }, false] };
    let names_itself = doc! { "$or": [names("$_rperm"), names("$_wperm")] };
    let is_map = doc! { "$in": [{ "$type": "$_acl" }, ["object", "array"]] };
    let acl = doc! {
        "_id": { "$cond": [names_itself, "$_id", "$$REMOVE"] },
        "_rperm": "$_rperm",
        "_wperm": "$_wperm",
        "_acl": { "$cond": [is_map, { "$literal": {} }, "$$REMOVE"] },
    };
    doc! { "$group": { "_id": acl, "n": { "$sum": 1 } } }
}

/// A connection to a database.
pub struct Connection {
    runtime: Option<Runtime>,
    handle: Handle,
    client: Client,
    database: Database,
    from: SelectionCriteria,
    /// How many servers are asked for at first; the others are found through them.
    seeds: usize,
    is_cluster: bool,
    failures: Failures,
    logs_in: bool,
    /// How long it is waited for one answer.
    patience: Duration,
    /// How busy the server may be kept.
    pace: Pace,
    /// Why nothing more is asked.
    broken: OnceLock<String>,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

impl Connection {
    /// Connects to a database and waits until a server answers.
    ///
    /// # Errors
    ///
    /// Nobody answers; in words.
    pub fn open(address: &Address, patience: Duration, pace: Pace) -> Result<Self, String> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|_| "the system gives no thread to wait with".to_owned())?;
        let handle = runtime.handle().clone();
        let inside = runtime.enter();
        // Of a name such as mongodb+srv://, this asks which servers there are.
        let options = handle.block_on(timeout(TO_FIND, pin!(ClientOptions::parse(address.uri()).into_future())));
        let mut options = match options {
            Ok(Ok(options)) => options,
            Ok(Err(error)) => return Err(of_options(&error)),
            Err(_) => return Err("its name could not be looked up in time".to_owned()),
        };
        let failures = Failures::default();
        let (seen, tls) = (failures.clone(), address.tls);
        options.sdam_event_handler = Some(EventHandler::callback(move |event| watch(&seen, &event, tls)));
        options.app_name = Some("parse-audit".to_owned());
        options.connect_timeout = Some(TO_CONNECT);
        options.server_selection_timeout = Some(TO_FIND);
        options.max_pool_size = Some(CONNECTIONS);
        options.retry_writes = Some(false);
        let gently = ReadPreference::SecondaryPreferred { options: Default::default() };
        let from = options.selection_criteria.take().unwrap_or(SelectionCriteria::ReadPreference(gently));
        let seeds = options.hosts.len();
        let client = Client::with_options(options).map_err(|error| of_options(&error))?;
        let database = client.database(&address.database);
        drop(inside);
        let mut connection = Self {
            runtime: Some(runtime),
            handle,
            client,
            database,
            from,
            seeds,
            is_cluster: false,
            failures,
            logs_in: address.logs_in,
            patience,
            pace,
            broken: OnceLock::new(),
        };
        connection.is_cluster = connection.greet()?;
        Ok(connection)
    }

    /// Waits until a server answers, or until it is known why none will. Whether it stands before a sharded cluster.
    fn greet(&self) -> Result<bool, String> {
        let _inside = self.handle.enter();
        let start = Instant::now();
        let mut hello = pin!(self.run(&Command::Hello).into_future());
        loop {
            match self.handle.block_on(timeout(Duration::from_millis(100), hello.as_mut())) {
                // Source: MongoDB's manual, `hello`.
                Ok(Ok(answer)) => return Ok(answer.get_str("msg").is_ok_and(|msg| msg == "isdbgrid")),
                Ok(Err(error)) => return Err(self.trouble(&error).words().to_owned()),
                Err(_) if self.failures.are_all(self.seeds) || start.elapsed() > TO_FIND * 2 => {
                    return Err(self.failures.why());
                }
                Err(_) => {}
            }
        }
    }

    /// Whether rows lie on several servers, each of which can put its own together.
    pub fn is_cluster(&self) -> bool {
        self.is_cluster
    }

    /// Asks for one answer.
    ///
    /// # Errors
    ///
    /// See [`Trouble`].
    pub fn ask(&self, command: &Command<'_>) -> Result<Value, Trouble> {
        let mut since = Instant::now();
        let answer = self.wait(self.run(command).into_future())?;
        self.pace.rest(&mut since);
        serde_json::to_value(answer).map_err(|_| Trouble::This(NOT_UNDERSTOOD.to_owned()))
    }

    #[expect(clippy::disallowed_methods, reason = "a `Command` is one that reads")]
    fn run(&self, command: &Command<'_>) -> RunCommand<'_> {
        self.database.run_command(document(command)).selection_criteria(self.from.clone())
    }

    /// Asks for one number.
    ///
    /// # Errors
    ///
    /// See [`Trouble`].
    pub fn count(&self, command: &Command<'_>) -> Result<u64, Trouble> {
        let answer = self.ask(command)?;
        // Some servers count in floats.
        let number = answer.get("n").and_then(|number| number.as_u64().or_else(|| Some(number.as_f64()? as u64)));
        number.ok_or_else(|| Trouble::This("it answers without a number".to_owned()))
    }

    /// Asks for documents, which come in batches.
    ///
    /// # Errors
    ///
    /// See [`Trouble`].
    pub fn find(&self, command: &Command<'_>) -> Result<Batches<'_>, Trouble> {
        let document = document(command);
        let mut without = document.clone();
        let is_by_id = without.remove("hint").is_some();
        // Nearly every collection has an index of its ids, but none must.
        let cursor = self.cursor(document).or_else(|error| match is_by_id && may_have_no_index(&error) {
            true => Either::Left(self.cursor(without)),
            false => Either::Right(ready(Err(error))),
        });
        let cursor = self.wait(cursor)?;
        Ok(Batches { connection: self, cursor: Some(cursor), coming: None, empty: 0, since: Instant::now() })
    }

    #[expect(clippy::disallowed_methods, reason = "the document is that of a `Command`, which reads")]
    fn cursor(&self, document: Document) -> impl Future<Output = Result<RawBatchCursor, Error>> {
        let asked = self.database.run_cursor_command(document).selection_criteria(self.from.clone());
        asked.batch_size(BATCH).comment(Bson::from("parse-audit")).batch()
    }

    /// Waits for an answer.
    fn wait<T>(&self, answer: impl Future<Output = Result<T, Error>>) -> Result<T, Trouble> {
        if let Some(why) = self.broken.get() {
            return Err(Trouble::Everything(why.clone()));
        }
        let _inside = self.handle.enter();
        let [longest, _] = WORK;
        let start = Instant::now();
        let mut answer = pin!(answer);
        let outcome = loop {
            match self.handle.block_on(timeout(self.patience, answer.as_mut())) {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) => break self.trouble(&error),
                // A server that works on a large collection still has a word for others.
                Err(_) if start.elapsed() < longest && self.is_there() => {}
                Err(_) => {
                    let words = format!("{SILENT} within {} s", self.patience.as_secs());
                    break Trouble::Everything(words);
                }
            }
        };
        if let Trouble::Everything(why) = &outcome {
            let _ = self.broken.set(why.clone());
        }
        Err(outcome)
    }

    /// Whether the server answers at all.
    fn is_there(&self) -> bool {
        let hello = timeout(self.patience, self.run(&Command::Hello).into_future());
        matches!(self.handle.block_on(hello), Ok(Ok(_)))
    }

    /// An error of the driver in words of ours: its own may quote what it sent or was sent.
    fn trouble(&self, error: &Error) -> Trouble {
        let everything = |words: &str| Trouble::Everything(words.to_owned());
        match error.kind.as_ref() {
            ErrorKind::Command(error) => Trouble::refusal(error.code, &error.code_name, self.logs_in),
            ErrorKind::Authentication { .. } => everything("it refuses the user or the password"),
            ErrorKind::ServerSelection { .. } => Trouble::Everything(self.failures.why()),
            ErrorKind::Io(error) => everything(of_io(error)),
            ErrorKind::ConnectionPoolCleared { .. } => everything(CLOSED),
            ErrorKind::DnsResolve { .. } => everything("its name is not known"),
            ErrorKind::IncompatibleServer { .. } => everything("the server is too old or too new for the driver"),
            ErrorKind::Shutdown => everything("the connection is closed"),
            _ => Trouble::This(NOT_UNDERSTOOD.to_owned()),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let inside = self.handle.enter();
        // Not forgotten, so that it leaves no connection behind; but not waited for either.
        let _ = self
            .handle
            .block_on(timeout(Duration::from_secs(1), self.client.clone().shutdown().immediate(true).into_future()));
        drop(inside);
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Keeps in mind why a server does not answer.
fn watch(failures: &Failures, event: &SdamEvent, tls: bool) {
    match event {
        SdamEvent::ServerHeartbeatFailed(event) => {
            let why = match event.failure.kind.as_ref() {
                ErrorKind::Io(error) => match of_io(error) {
                    CLOSED if !tls => format!("{CLOSED}; it may want `tls=true`"),
                    words @ (CLOSED | SILENT) if tls => format!("{words}; it may not speak TLS"),
                    words => words.to_owned(),
                },
                ErrorKind::DnsResolve { .. } => "its name is not known".to_owned(),
                _ => "it answers, but not as a MongoDB".to_owned(),
            };
            failures.add(event.server_address.to_string(), why);
        }
        SdamEvent::ServerHeartbeatSucceeded(event) => failures.forget(&event.server_address.to_string()),
        _ => {}
    }
}

/// What is wrong with a connection string, or with the files that it names.
fn of_options(error: &Error) -> String {
    match error.kind.as_ref() {
        ErrorKind::DnsResolve { .. } => "its name is not known".to_owned(),
        ErrorKind::InvalidTlsConfig { .. } | ErrorKind::Io(_) => {
            "the file that `tlsCAFile` or `tlsCertificateKeyFile` names cannot be used".to_owned()
        }
        // Its message may quote the string.
        _ => "the connection string cannot be used: an option has a value that is none of it, or does not go \
              with another"
            .to_owned(),
    }
}

/// Whether a server may mean by this that it has no such index as it was asked to take, or takes no such advice.
///
/// Source: `BadValue`, `FailedToParse`, `InvalidOptions`, `CommandNotSupported`, `NotImplemented`,
/// `NoQueryExecutionPlans` and the unknown field of an IDL in MongoDB's error codes.
fn may_have_no_index(error: &Error) -> bool {
    let is_one = |code| matches!(code, 2 | 9 | 72 | 115 | 238 | 291 | 40415);
    matches!(error.kind.as_ref(), ErrorKind::Command(error) if is_one(error.code))
}

/// A document of a batch as JSON; `None` if it is not valid, or nested deeper than any that MongoDB stores.
pub fn json(document: &[u8]) -> Option<Vec<u8>> {
    if !is_flat(document, DEEPEST) {
        return None;
    }
    serde_json::to_vec(&RawDocument::from_bytes(document).ok()?).ok()
}

/// A text in a document.
pub fn text(document: &[u8], column: &str) -> Option<String> {
    RawDocument::from_bytes(document).ok()?.get_str(column).ok().map(str::to_owned)
}

/// An answer, if there was one more, and what the next one is asked of.
type Asked = (Option<Result<RawBatch, Error>>, RawBatchCursor);

/// Documents as they come.
pub struct Batches<'c> {
    connection: &'c Connection,
    /// What is asked for the next answer; not there while one is waited for, or at the end.
    cursor: Option<RawBatchCursor>,
    /// The answer that was asked for while the one before it is looked at, and who asked.
    coming: Option<JoinHandle<Asked>>,
    /// How many answers in a row held nothing.
    empty: u32,
    /// When the last rest ended.
    since: Instant,
}

impl Batches<'_> {
    /// The documents of the next answer, one behind the other; `None` at the end.
    ///
    /// # Errors
    ///
    /// See [`Trouble`]. There is nothing behind an error.
    pub fn next(&mut self, into: &mut Vec<u8>) -> Result<Option<()>, Trouble> {
        let taken = self.take(into);
        if !matches!(taken, Ok(Some(()))) {
            self.end();
        }
        taken
    }

    fn take(&mut self, into: &mut Vec<u8>) -> Result<Option<()>, Trouble> {
        into.clear();
        self.connection.pace.rest(&mut self.since);
        while let Some(coming) = self.coming.take().or_else(|| self.ask()) {
            let asked = coming.map(|asked| {
                let (answer, cursor) = asked.map_err(|_| Error::custom("the task ended"))?;
                Ok((answer.transpose()?, cursor))
            });
            let (answer, cursor) = self.connection.wait(asked)?;
            let Some(answer) = answer else { return Ok(None) };
            self.cursor = Some(cursor);
            if !self.connection.pace.rests() {
                self.coming = self.ask();
            }
            let broken = || Trouble::This(NOT_UNDERSTOOD.to_owned());
            let documents = answer.doc_slices().map_err(|_| broken())?;
            bytes::append(documents.as_bytes(), into).ok_or_else(broken)?;
            if !into.is_empty() {
                self.empty = 0;
                return Ok(Some(()));
            }
            self.empty += 1;
            if self.empty > 1000 {
                return Err(Trouble::This("it goes on without saying anything".to_owned()));
            }
        }
        Ok(None)
    }

    /// Asks for the next answer, which comes while others are looked at.
    fn ask(&mut self) -> Option<JoinHandle<Asked>> {
        Some(self.connection.handle.spawn(self.cursor.take()?.into_future()))
    }

    /// Ends the query, in a place where the driver can tell the server.
    fn end(&mut self) {
        let _inside = self.connection.handle.enter();
        drop(self.cursor.take());
        if let Some(coming) = self.coming.take() {
            coming.abort();
        }
    }
}

impl Drop for Batches<'_> {
    fn drop(&mut self) {
        self.end();
    }
}
