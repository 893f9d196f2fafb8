//! The connection to PostgreSQL. Nothing is sent but `SELECT` and `COPY` of one, in a transaction
//! that cannot write, and every wait has a limit.

use std::fmt;
use std::io::{self, Read};
use std::pin::Pin;
use std::str::FromStr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::ReadyChunks;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, CopyOutStream, NoTls, SimpleQueryMessage};
use tokio_postgres_rustls::MakeRustlsConnect;
use zeroize::Zeroizing;

use crate::live::pace::Pace;

use super::address::{Address, Tls};
use super::tls;

/// How long it is waited for a connection, and until the server has checked who we are.
const CONNECT: Duration = Duration::from_secs(10);

/// How long it is waited for the next word of the server.
const PATIENCE: Duration = Duration::from_secs(60);

/// A statement that takes longer is ended by the server.
const STATEMENT: &str = "30min";

/// What a session asks for when it begins: it cannot write, and nobody waits for it.
const READ_ONLY: &str = "-c default_transaction_read_only=on -c lock_timeout=5000";

/// Messages that are taken from a connection at once.
const AT_ONCE: usize = 8192;

/// Why something was not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// There is no such table.
    #[error("there is no such table; is it the database of a Parse Server?")]
    NoTable,
    /// The server does not take options of a session, as poolers do.
    #[error("it takes no options of a session")]
    NoOptions,
    /// The server's certificate is not to be trusted.
    #[error("{0}")]
    Untrusted(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// How to get to a database.
pub struct Wire {
    config: Config,
    tls: MakeRustlsConnect,
    runtime: Runtime,
    place: String,
    asked_for_no_check: bool,
    /// How busy the server may be kept.
    pub pace: Pace,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Wire {
    /// The way to an address. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// It is none, or a file that it names cannot be read.
    pub fn new(address: &Address) -> Result<Self, String> {
        // What the crate says of a wrong address may quote it.
        let mut config = Config::from_str(&address.uri)
            .map_err(|_| "it is no address such as postgres://user@db.example.com:5432/parse".to_owned())?;
        config.application_name("parse-audit").options(READ_ONLY).connect_timeout(CONNECT);
        config.ssl_mode(match address.tls {
            Tls::Preferred => SslMode::Prefer,
            Tls::Required => SslMode::Require,
            Tls::Off => SslMode::Disable,
        });
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|error| format!("no thread for the connection: {error}"))?;
        let place = place(&config);
        Ok(Self {
            config,
            tls: MakeRustlsConnect::new(tls::config(address)?),
            runtime,
            place,
            asked_for_no_check: address.asked_for_no_check,
            pace: Pace::default(),
        })
    }

    /// Where the database is, with neither user, password nor options.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Its host, with neither port nor anything else.
    pub fn host(&self) -> String {
        host(&self.config)
    }

    /// Begins to read: all that a session reads is of one moment.
    ///
    /// # Errors
    ///
    /// See [`Failure`].
    pub fn begin(self: &Arc<Self>) -> Result<Session, Failure> {
        let first = self.connect(None)?;
        let mut session = Session { wire: Arc::clone(self), first, version: 0, snapshot: None, idle: Mutex::default() };
        let version = session.texts("SELECT current_setting('server_version_num')")?;
        session.version = version.first().and_then(|version| version.parse().ok()).unwrap_or_default();
        // A server that only follows another one has none to give; then each connection has its own moment.
        session.snapshot = match session.texts("SELECT pg_is_in_recovery()")?.first().map(|is| is.as_str()) {
            // Not below a savepoint, where the server refuses it.
            Some("f") => session.all(PATIENCE, "SELECT pg_export_snapshot()")?.into_iter().next(),
            _ => None,
        };
        Ok(session)
    }

    /// A connection with an open transaction that cannot write.
    fn connect(&self, snapshot: Option<&str>) -> Result<Client, Failure> {
        let mut config = self.config.clone();
        let client = loop {
            match self.connect_with(&config) {
                Err(Failure::NoOptions) if config.get_options().is_some_and(|options| !options.is_empty()) => {
                    config.options("");
                }
                // Whoever does not ask for encryption has it where it can be had; Parse Server would not try.
                Err(Failure::Untrusted(_)) if config.get_ssl_mode() == SslMode::Prefer => {
                    config.ssl_mode(SslMode::Disable);
                }
                other => break other?,
            }
        };
        let mut begin =
            format!("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = '{STATEMENT}'");
        // The snapshot's name is the server's own, and is made of digits and letters.
        if let Some(snapshot) =
            snapshot.filter(|name| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'))
        {
            begin = format!(
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT '{snapshot}'; SET LOCAL statement_timeout = '{STATEMENT}'"
            );
        }
        self.wait(PATIENCE, client.batch_execute(&begin))?.map_err(|error| self.failure(&error))?;
        Ok(client)
    }

    fn connect_with(&self, config: &Config) -> Result<Client, Failure> {
        if config.get_ssl_mode() == SslMode::Disable {
            let (client, connection) =
                self.wait(CONNECT, config.connect(NoTls))?.map_err(|error| self.failure(&error))?;
            self.runtime.spawn(connection);
            return Ok(client);
        }
        let (client, connection) =
            self.wait(CONNECT, config.connect(self.tls.clone()))?.map_err(|error| self.failure(&error))?;
        self.runtime.spawn(connection);
        Ok(client)
    }

    /// Waits for an answer, but not for ever.
    fn wait<T>(&self, patience: Duration, answer: impl Future<Output = T>) -> Result<T, Failure> {
        let _inside = self.runtime.enter();
        let limited = tokio::time::timeout(patience, answer);
        self.runtime
            .block_on(limited)
            .map_err(|_| Failure::Other(format!("nothing was heard of it for {} seconds", patience.as_secs())))
    }

    /// What went wrong, in words that quote neither user nor password nor rows.
    fn failure(&self, error: &tokio_postgres::Error) -> Failure {
        if let Some(error) = error.as_db_error() {
            return refused(error.code(), error.message());
        }
        let mut words = String::new();
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
        while let Some(error) = cause {
            if let Some(words) = tls::distrust(error, self.asked_for_no_check) {
                return Failure::Untrusted(words);
            }
            if let Some(error) = error.downcast_ref::<io::Error>() {
                return Failure::Other(of_system(error));
            }
            words = error.to_string();
            cause = error.source();
        }
        if error.is_closed() {
            return Failure::Other("it ended the connection".to_owned());
        }
        Failure::Other(words)
    }
}

/// What the server itself says, by its code.
///
/// Source: "PostgreSQL Error Codes" in its manual.
fn refused(code: &SqlState, message: &str) -> Failure {
    if code == &SqlState::UNDEFINED_TABLE {
        return Failure::NoTable;
    }
    if code == &SqlState::PROTOCOL_VIOLATION && message.contains("startup parameter") {
        return Failure::NoOptions;
    }
    Failure::Other(match *code {
        SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            "it refuses the user, the password, or the address that it is asked from".to_owned()
        }
        SqlState::INVALID_CATALOG_NAME => "it has no database of that name".to_owned(),
        SqlState::INSUFFICIENT_PRIVILEGE => "the user may not read it".to_owned(),
        SqlState::UNDEFINED_COLUMN => "the table has not the columns that Parse Server gives it".to_owned(),
        SqlState::QUERY_CANCELED => "it took too long".to_owned(),
        SqlState::LOCK_NOT_AVAILABLE => "somebody else keeps the table locked".to_owned(),
        SqlState::TOO_MANY_CONNECTIONS => "it takes no more connections".to_owned(),
        SqlState::ADMIN_SHUTDOWN | SqlState::CRASH_SHUTDOWN | SqlState::CANNOT_CONNECT_NOW => {
            "it is shutting down or starting".to_owned()
        }
        _ => format!("it answers with error {}", code.code()),
    })
}

fn of_system(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "nobody answers there".to_owned(),
        io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe => {
            "it ended the connection".to_owned()
        }
        io::ErrorKind::TimedOut => "it does not answer".to_owned(),
        _ => {
            let text = error.to_string();
            text.split(" (os error").next().unwrap_or(&text).to_lowercase()
        }
    }
}

fn host(config: &Config) -> String {
    match config.get_hosts().first() {
        Some(Host::Tcp(host)) => host.clone(),
        _ => "localhost".to_owned(),
    }
}

/// Where a database is.
fn place(config: &Config) -> String {
    let host = host(config);
    let port = config.get_ports().first().copied().unwrap_or(5432);
    format!("postgres://{host}:{port}/{}", config.get_dbname().or(config.get_user()).unwrap_or_default())
}

/// A database as it is at one moment.
pub struct Session {
    wire: Arc<Wire>,
    first: Client,
    version: u32,
    snapshot: Option<Zeroizing<String>>,
    /// Connections of the same moment that nobody uses.
    idle: Mutex<Vec<Client>>,
}

impl Session {
    /// The server's version, such as 150004.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The first column of what a query gives.
    ///
    /// # Errors
    ///
    /// See [`Failure`]. The queries that follow are answered all the same.
    pub fn texts(&self, select: &str) -> Result<Vec<Zeroizing<String>>, Failure> {
        self.texts_within(PATIENCE, select)
    }

    /// The same, of a query that looks at all rows of a table.
    ///
    /// # Errors
    ///
    /// See [`Failure`]. The queries that follow are answered all the same.
    pub fn texts_of_much(&self, select: &str) -> Result<Vec<Zeroizing<String>>, Failure> {
        self.texts_within(PATIENCE * 30, select)
    }

    fn texts_within(&self, patience: Duration, select: &str) -> Result<Vec<Zeroizing<String>>, Failure> {
        debug_assert!(select.starts_with("SELECT "));
        // An error would end the transaction.
        let asked = format!("SAVEPOINT one; {select}; RELEASE SAVEPOINT one");
        let mut since = Instant::now();
        let answer = self.all(patience, &asked);
        self.wire.pace.rest(&mut since);
        if answer.is_err() {
            let back = self.first.batch_execute("ROLLBACK TO SAVEPOINT one");
            let _ = self.wire.wait(PATIENCE, back)?;
        }
        answer
    }

    fn all(&self, patience: Duration, asked: &str) -> Result<Vec<Zeroizing<String>>, Failure> {
        let stream = self.wire.wait(PATIENCE, self.first.simple_query_raw(asked))?;
        let mut messages = Box::pin(stream.map_err(|error| self.wire.failure(&error))?.ready_chunks(AT_ONCE));
        let mut texts = Vec::new();
        while let Some(some) = self.wire.wait(patience, messages.next())? {
            for message in some {
                if let SimpleQueryMessage::Row(row) = message.map_err(|error| self.wire.failure(&error))? {
                    texts.extend(row.get(0).map(|text| Zeroizing::new(text.to_owned())));
                }
            }
        }
        Ok(texts)
    }

    /// Copies out what a query gives, in the binary form.
    ///
    /// # Errors
    ///
    /// See [`Failure`].
    pub fn copy(&self, select: &str) -> Result<Copied<'_>, Failure> {
        debug_assert!(select.starts_with("SELECT "));
        let idle = self.idle.lock().ok().and_then(|mut idle| idle.pop());
        let client = match idle {
            Some(client) => client,
            None => self.wire.connect(self.snapshot.as_ref().map(|name| name.as_str()))?,
        };
        let copy = format!("COPY ({select}) TO STDOUT (FORMAT binary)");
        let stream = self.wire.wait(PATIENCE, client.copy_out(copy.as_str()))?;
        let stream = stream.map_err(|error| self.wire.failure(&error))?;
        let stream = Box::pin(stream.ready_chunks(AT_ONCE));
        Ok(Copied { session: self, client: Some(client), stream, chunk: Vec::new(), at: 0, since: Instant::now() })
    }
}

/// What is copied out of a database.
pub struct Copied<'s> {
    session: &'s Session,
    /// Given back when the stream came to its end.
    client: Option<Client>,
    stream: Pin<Box<ReadyChunks<CopyOutStream>>>,
    chunk: Vec<u8>,
    at: usize,
    /// When the last rest ended.
    since: Instant,
}

impl Read for Copied<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at == self.chunk.len() {
            self.at = 0;
            self.chunk.clear();
            self.session.wire.pace.rest(&mut self.since);
            let next = self.session.wire.wait(PATIENCE, self.stream.next());
            let Some(messages) = next.map_err(|failure| io::Error::other(failure.to_string()))? else {
                if let (Some(client), Ok(mut idle)) = (self.client.take(), self.session.idle.lock()) {
                    idle.push(client);
                }
                return Ok(0);
            };
            for message in messages {
                let bytes = message.map_err(|error| io::Error::other(self.session.wire.failure(&error).to_string()))?;
                self.chunk.extend_from_slice(&bytes);
            }
        }
        let rest = self.chunk.get(self.at..).unwrap_or_default();
        let length = rest.len().min(into.len());
        if let (Some(into), Some(rest)) = (into.get_mut(..length), rest.get(..length)) {
            into.copy_from_slice(rest);
        }
        self.at += length;
        Ok(length)
    }
}
