//! A database that ends with the test, what is written into it, and a wire to it that can be cut.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use mongodb::bson::{Document, RawDocument, RawDocumentBuf};
use mongodb::{Client, Database};
use tokio::runtime::{Builder, Runtime};

/// A server on a folder.
pub struct Server {
    running: Child,
    /// `mongodb://127.0.0.1:PORT`
    pub uri: String,
}

impl Server {
    /// Starts one on a folder, with options of its own.
    pub fn start(folder: &Path, options: &[&str]) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/servers/mongo");
        let mut start = Command::new(script);
        start.arg(folder).args(options).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut running = start.spawn().expect("bash runs");
        let lines = BufReader::new(running.stdout.take().expect("a pipe")).lines();
        let uri = lines.map_while(Result::ok).find(|line| line.starts_with("mongodb://")).expect("the server starts");
        Self { running, uri }
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.uri.rsplit(':').next().unwrap().parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.running.stdin.take());
        let _ = self.running.wait();
    }
}

/// A connection that writes.
pub struct Writer {
    runtime: Runtime,
    database: Database,
}

impl Writer {
    pub fn new(uri: &str, database: &str) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let client = runtime.block_on(Client::with_uri_str(uri).into_future()).unwrap();
        Self { database: client.database(database), runtime }
    }

    /// Runs a command.
    pub fn run(&self, command: Document) -> Document {
        self.runtime.block_on(self.database.run_command(command).into_future()).expect("the server does it")
    }

    /// Inserts documents.
    pub fn insert(&self, collection: &str, documents: &[RawDocumentBuf]) {
        for some in documents.chunks(10_000) {
            let collection = self.database.collection::<RawDocumentBuf>(collection);
            self.runtime.block_on(collection.insert_many(some).into_future()).expect("the server stores it");
        }
    }

    /// Restores what `mongodump` wrote into a folder, with this in front of the names of collections.
    pub fn restore(&self, folder: &Path, prefix: &str) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().replace("%3A", ":");
            let Some(collection) = name.strip_suffix(".bson") else { continue };
            let bytes = std::fs::read(&path).unwrap();
            let mut rest = bytes.as_slice();
            let mut documents = Vec::new();
            while let Some(length) = rest.first_chunk().map(|head| i32::from_le_bytes(*head) as usize) {
                documents.push(RawDocumentBuf::from_bytes(rest[..length].to_vec()).unwrap());
                rest = &rest[length..];
            }
            self.insert(&format!("{prefix}{collection}"), &documents);
        }
    }
}

/// What a server may not know: the index of ids, and how to put documents together. With another last letter these
/// mean nothing.
const FEATURES: [&[u8]; 2] = [b"hint\0\x0e\0\0\0\x10_id", b"$group"];

/// A wire to a server: it knows what was asked, and can be cut or fall silent.
pub struct Wire {
    /// `mongodb://127.0.0.1:PORT`
    pub uri: String,
    state: Arc<State>,
}

/// What happens on a wire.
struct State {
    asked: Mutex<BTreeSet<String>>,
    /// So many bytes of answers still come through.
    left: AtomicI64,
    cut: AtomicBool,
    /// Which of [`FEATURES`] the server is made to miss.
    missing: [AtomicBool; 2],
    /// Whether the server is given out for one that stands before a sharded cluster.
    is_cluster: AtomicBool,
}

impl Wire {
    pub fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let uri = format!("mongodb://{}", listener.local_addr().unwrap());
        let state = Arc::new(State {
            asked: Mutex::default(),
            left: AtomicI64::new(i64::MAX),
            cut: AtomicBool::new(true),
            missing: Default::default(),
            is_cluster: AtomicBool::new(false),
        });
        let wire = Self { uri, state: Arc::clone(&state) };
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if state.left.load(Ordering::SeqCst) <= 0 && state.cut.load(Ordering::SeqCst) {
                    return;
                }
                let server = TcpStream::connect(("127.0.0.1", port)).unwrap();
                let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                let (of_questions, of_answers) = (Arc::clone(&state), Arc::clone(&state));
                thread::spawn(move || of_questions.forward_questions(from, to));
                thread::spawn(move || of_answers.forward_answers(server, client));
            }
        });
        wire
    }

    /// After so many bytes of answers the wire is cut.
    pub fn cut_after(&self, bytes: i64) {
        self.state.left.store(bytes, Ordering::SeqCst);
    }

    /// After so many bytes of answers nothing comes through any more.
    pub fn silent_after(&self, bytes: i64) {
        self.state.cut.store(false, Ordering::SeqCst);
        self.state.left.store(bytes, Ordering::SeqCst);
    }

    /// Whoever wants an index of ids to be taken is told that there is none.
    pub fn take_index_away(&self) {
        self.state.missing[0].store(true, Ordering::SeqCst);
    }

    /// Whoever wants documents to be put together is not understood.
    pub fn group_nothing(&self) {
        self.state.missing[1].store(true, Ordering::SeqCst);
    }

    /// The server says that it stands before a sharded cluster, as `mongos` does.
    pub fn be_cluster(&self) {
        self.state.is_cluster.store(true, Ordering::SeqCst);
    }

    /// The names of all commands that went over the wire, and behind them the stages if they have such.
    pub fn asked(&self) -> BTreeSet<String> {
        self.state.asked.lock().unwrap().clone()
    }
}

/// A message: its head, its kind, and what follows.
struct Message {
    head: [u8; 16],
    kind: i32,
    body: Vec<u8>,
}

impl Message {
    /// The next one; `None` when there are no more.
    fn next(from: &mut TcpStream) -> Option<Self> {
        let mut head = [0; 16];
        from.read_exact(&mut head).ok()?;
        let number = |at: usize| i32::from_le_bytes(head[at..at + 4].try_into().unwrap());
        let (kind, mut body) = (number(12), vec![0; number(0) as usize - 16]);
        from.read_exact(&mut body).ok()?;
        Some(Self { head, kind, body })
    }

    /// The document that begins at a place.
    fn document(&self, at: usize) -> &RawDocument {
        let length = i32::from_le_bytes(self.body[at..at + 4].try_into().unwrap()) as usize;
        RawDocument::from_bytes(&self.body[at..at + length]).unwrap()
    }

    fn bytes(&self) -> Vec<u8> {
        [&self.head, self.body.as_slice()].concat()
    }
}

/// The first name of a document.
fn first(document: &RawDocument) -> String {
    document.iter().next().unwrap().unwrap().0.to_string()
}

impl State {
    fn forward_questions(&self, mut from: TcpStream, mut to: TcpStream) {
        while let Some(mut message) = Message::next(&mut from) {
            let at = match message.kind {
                2013 => {
                    assert_eq!(message.body[4], 0, "the command comes first");
                    5
                }
                2004 => 4 + message.body[4..].iter().position(|byte| *byte == 0).unwrap() + 1 + 8,
                kind => panic!("a message of kind {kind}"),
            };
            let command = message.document(at);
            let mut name = first(command);
            if name == "aggregate" {
                let stages = command.get_array("pipeline").unwrap().into_iter();
                let stages = stages.map(|stage| first(stage.unwrap().as_document().unwrap()));
                name.extend(stages.map(|stage| format!(" {stage}")));
            }
            self.asked.lock().unwrap().insert(name);
            for (feature, is_missing) in FEATURES.iter().zip(&self.missing) {
                let place = message.body.windows(feature.len()).position(|bytes| bytes == *feature);
                if let Some(place) = place.filter(|_| is_missing.load(Ordering::SeqCst)) {
                    message.body[place + feature.len() - 1] = b'x';
                }
            }
            if to.write_all(&message.bytes()).is_err() {
                return;
            }
        }
    }

    fn forward_answers(&self, mut from: TcpStream, mut to: TcpStream) {
        while let Some(mut message) = Message::next(&mut from) {
            if self.is_cluster.load(Ordering::SeqCst) {
                as_of_cluster(&mut message);
            }
            if !message.bytes().chunks(16 << 10).all(|bytes| self.forward(bytes, &mut to)) {
                break;
            }
        }
        let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
    }

    /// Forwards a piece of an answer. Whether the wire still holds.
    fn forward(&self, bytes: &[u8], to: &mut TcpStream) -> bool {
        if self.left.fetch_sub(bytes.len() as i64, Ordering::SeqCst) <= 0 {
            return !self.cut.load(Ordering::SeqCst);
        }
        to.write_all(bytes).is_ok()
    }
}

/// Says in an answer, if it is a greeting, what `mongos` says of itself.
fn as_of_cluster(message: &mut Message) {
    // Flags come before the document, and in the older form twenty bytes.
    let at = if message.kind == 2013 { 5 } else { 20 };
    let document = message.document(at);
    let has = |name: &str| document.get(name).is_ok_and(|one| one.is_some());
    if !has("isWritablePrimary") && !has("ismaster") {
        return;
    }
    let mut document = Document::try_from(document).unwrap();
    document.insert("msg", "isdbgrid");
    message.body.truncate(at);
    message.body.extend(RawDocumentBuf::try_from(&document).unwrap().as_bytes());
    message.head[..4].copy_from_slice(&i32::try_from(message.body.len() + 16).unwrap().to_le_bytes());
}
