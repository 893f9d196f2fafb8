//! The connection to PostgreSQL. Nothing is sent but `SELECT` and `COPY` of one, in a transaction
//! that cannot write, and every wait has a limit.

use std::fmt;
use std::io::{self, Read};
use std::pin::Pin;
use std::str::FromStr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::{FutureExt, StreamExt};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
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

/// How long it is waited until the server was told that nothing more is asked.
const GOOD_BYE: Duration = Duration::from_millis(100);

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
        let place = place(&config);
        Ok(Self {
            config,
            tls: MakeRustlsConnect::new(tls::config(address)?),
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
    fn connect(&self, snapshot: Option<&str>) -> Result<Connection, Failure> {
        let mut config = self.config.clone();
        let connection = loop {
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
        let begun = connection.wait(PATIENCE, connection.client.batch_execute(&begin))?;
        begun.map_err(|error| self.failure(&error))?;
        Ok(connection)
    }

    fn connect_with(&self, config: &Config) -> Result<Connection, Failure> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|_| Failure::Other("the system gives nothing to wait with".to_owned()))?;
        let (client, task) = if config.get_ssl_mode() == SslMode::Disable {
            let (client, connection) =
                wait(&runtime, CONNECT, config.connect(NoTls))?.map_err(|error| self.failure(&error))?;
            (client, runtime.spawn(connection.map(drop)))
        } else {
            let (client, connection) =
                wait(&runtime, CONNECT, config.connect(self.tls.clone()))?.map_err(|error| self.failure(&error))?;
            (client, runtime.spawn(connection.map(drop)))
        };
        Ok(Connection { client, service: Service { runtime, task } })
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

/// Waits for an answer, but not for ever.
fn wait<T>(runtime: &Runtime, patience: Duration, answer: impl Future<Output = T>) -> Result<T, Failure> {
    let _inside = runtime.enter();
    runtime
        .block_on(tokio::time::timeout(patience, answer))
        .map_err(|_| Failure::Other(format!("nothing was heard of it for {} seconds", patience.as_secs())))
}

/// A connection that is served by whoever waits for an answer: no row goes from one thread to another.
struct Connection {
    // Dropped before what serves it, which ends with it.
    client: Client,
    service: Service,
}

/// What sends and takes what goes over a connection.
struct Service {
    runtime: Runtime,
    task: JoinHandle<()>,
}

impl Connection {
    /// Waits for an answer, but not for ever.
    fn wait<T>(&self, patience: Duration, answer: impl Future<Output = T>) -> Result<T, Failure> {
        wait(&self.service.runtime, patience, answer)
    }
}

impl Drop for Service {
    /// Says good-bye, but does not wait for what was asked and is not wanted any more.
    fn drop(&mut self) {
        let _ = wait(&self.runtime, GOOD_BYE, &mut self.task);
    }
}

/// A database as it is at one moment.
pub struct Session {
    wire: Arc<Wire>,
    first: Connection,
    version: u32,
    snapshot: Option<Zeroizing<String>>,
    /// Connections of the same moment that nobody uses.
    idle: Mutex<Vec<Connection>>,
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
            let back = self.first.client.batch_execute("ROLLBACK TO SAVEPOINT one");
            let _ = self.first.wait(PATIENCE, back)?;
        }
        answer
    }

    fn all(&self, patience: Duration, asked: &str) -> Result<Vec<Zeroizing<String>>, Failure> {
        let stream = self.first.wait(PATIENCE, self.first.client.simple_query_raw(asked))?;
        let mut messages = Box::pin(stream.map_err(|error| self.wire.failure(&error))?.ready_chunks(AT_ONCE));
        let mut texts = Vec::new();
        while let Some(some) = self.first.wait(patience, messages.next())? {
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
        let connection = match idle {
            Some(connection) => connection,
            None => self.wire.connect(self.snapshot.as_ref().map(|name| name.as_str()))?,
        };
        let copy = format!("COPY ({select}) TO STDOUT (FORMAT binary)");
        let stream = connection.wait(PATIENCE, connection.client.copy_out(copy.as_str()))?;
        let stream = stream.map_err(|error| self.wire.failure(&error))?;
        Ok(Copied {
            session: self,
            stream: Box::pin(stream),
            connection: Some(connection),
            rest: Vec::new(),
            failed: None,
            since: Instant::now(),
        })
    }
}

/// What is copied out of a database.
pub struct Copied<'s> {
    session: &'s Session,
    stream: Pin<Box<CopyOutStream>>,
    /// Given back when the stream came to its end.
    connection: Option<Connection>,
    /// What was taken from the stream and had no room.
    rest: Vec<u8>,
    /// What is told when all before it was read.
    failed: Option<tokio_postgres::Error>,
    /// When the last rest ended.
    since: Instant,
}

impl Copied<'_> {
    fn failure(&self, error: &tokio_postgres::Error) -> io::Error {
        io::Error::other(self.session.wire.failure(error).to_string())
    }

    /// The stream is at its end, and its connection free for others.
    fn end(&mut self) {
        if let (Some(connection), Ok(mut idle)) = (self.connection.take(), self.session.idle.lock()) {
            idle.push(connection);
        }
    }
}

impl Read for Copied<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut room = Room { into, filled: 0 };
        let rest = std::mem::take(&mut self.rest);
        self.rest = room.take(&rest).to_vec();
        while room.filled == 0 && !room.into.is_empty() {
            if let Some(error) = self.failed.take() {
                return Err(self.failure(&error));
            }
            let Some(connection) = &self.connection else { return Ok(0) };
            self.session.wire.pace.rest(&mut self.since);
            let next = connection.wait(PATIENCE, self.stream.next());
            match next.map_err(|failure| io::Error::other(failure.to_string()))? {
                Some(Ok(message)) => self.rest.extend_from_slice(room.take(&message)),
                Some(Err(error)) => return Err(self.failure(&error)),
                None => {
                    self.end();
                    return Ok(0);
                }
            }
        }
        // What has come with it need not be waited for.
        while self.rest.is_empty() && room.filled < room.into.len() && self.connection.is_some() {
            match self.stream.next().now_or_never() {
                Some(Some(Ok(message))) => self.rest.extend_from_slice(room.take(&message)),
                Some(Some(Err(error))) => {
                    self.failed = Some(error);
                    break;
                }
                Some(None) => self.end(),
                None => break,
            }
        }
        Ok(room.filled)
    }
}

/// Where bytes are put.
struct Room<'i> {
    into: &'i mut [u8],
    filled: usize,
}

impl Room<'_> {
    /// Puts there what there is room for; what is left of it.
    fn take<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let free = self.into.get_mut(self.filled..).unwrap_or_default();
        let (taken, left) = bytes.split_at(bytes.len().min(free.len()));
        if let Some(free) = free.get_mut(..taken.len()) {
            free.copy_from_slice(taken);
        }
        self.filled += taken.len();
        left
    }
}
