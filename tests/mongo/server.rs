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
    asked: Arc<Mutex<BTreeSet<String>>>,
    /// So many bytes of answers still come through.
    left: Arc<AtomicI64>,
    cut: Arc<AtomicBool>,
    /// Which of [`FEATURES`] the server is made to miss.
    missing: [Arc<AtomicBool>; 2],
    /// Whether the server is given out for one that stands before a sharded cluster.
    is_cluster: Arc<AtomicBool>,
}

impl Wire {
    pub fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let uri = format!("mongodb://{}", listener.local_addr().unwrap());
        let wire = Self {
            uri,
            asked: Arc::default(),
            left: Arc::new(AtomicI64::new(i64::MAX)),
            cut: Arc::new(AtomicBool::new(true)),
            missing: Default::default(),
            is_cluster: Arc::default(),
        };
        let (asked, left, cut) = (Arc::clone(&wire.asked), Arc::clone(&wire.left), Arc::clone(&wire.cut));
        let (missing, is_cluster) = (wire.missing.clone(), Arc::clone(&wire.is_cluster));
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if left.load(Ordering::SeqCst) <= 0 && cut.load(Ordering::SeqCst) {
                    return;
                }
                let server = TcpStream::connect(("127.0.0.1", port)).unwrap();
                let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                let (asked, missing) = (Arc::clone(&asked), missing.clone());
                thread::spawn(move || forward_questions(from, to, &asked, &missing));
                let (left, cut, is_cluster) = (Arc::clone(&left), Arc::clone(&cut), Arc::clone(&is_cluster));
                thread::spawn(move || match is_cluster.load(Ordering::SeqCst) {
                    true => forward_answers_of_cluster(server, client),
                    false => forward_answers(server, client, &left, &cut),
                });
            }
        });
        wire
    }

    /// After so many bytes of answers the wire is cut.
    pub fn cut_after(&self, bytes: i64) {
        self.left.store(bytes, Ordering::SeqCst);
    }

    /// After so many bytes of answers nothing comes through any more.
    pub fn silent_after(&self, bytes: i64) {
        self.cut.store(false, Ordering::SeqCst);
        self.left.store(bytes, Ordering::SeqCst);
    }

    /// Whoever wants an index of ids to be taken is told that there is none.
    pub fn take_index_away(&self) {
        self.missing[0].store(true, Ordering::SeqCst);
    }

    /// Whoever wants documents to be put together is not understood.
    pub fn group_nothing(&self) {
        self.missing[1].store(true, Ordering::SeqCst);
    }

    /// From the next connection on the server says that it stands before a sharded cluster, as `mongos` does.
    pub fn be_cluster(&self) {
        self.is_cluster.store(true, Ordering::SeqCst);
    }

    /// The names of all commands that went over the wire, and behind them the stages if they have such.
    pub fn asked(&self) -> BTreeSet<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn forward_questions(
    mut from: TcpStream,
    mut to: TcpStream,
    asked: &Mutex<BTreeSet<String>>,
    missing: &[Arc<AtomicBool>; 2],
) {
    let mut head = [0; 16];
    while from.read_exact(&mut head).is_ok() {
        let number = |at: usize| i32::from_le_bytes(head[at..at + 4].try_into().unwrap());
        let mut message = vec![0; number(0) as usize - 16];
        if from.read_exact(&mut message).is_err() {
            return;
        }
        let document = match number(12) {
            2013 => {
                assert_eq!(message[4], 0, "the command comes first");
                &message[5..]
            }
            2004 => {
                let name = message[4..].iter().position(|byte| *byte == 0).unwrap();
                &message[4 + name + 1 + 8..]
            }
            code => panic!("a message of kind {code}"),
        };
        let end = document[5..].iter().position(|byte| *byte == 0).unwrap();
        let mut name = String::from_utf8_lossy(&document[5..5 + end]).into_owned();
        if name == "aggregate" {
            name.extend(stages(document).iter().map(|stage| format!(" {stage}")));
        }
        asked.lock().unwrap().insert(name);
        for (feature, is_missing) in FEATURES.iter().zip(missing) {
            let place = message.windows(feature.len()).position(|bytes| bytes == *feature);
            if let Some(place) = place.filter(|_| is_missing.load(Ordering::SeqCst)) {
                message[place + feature.len() - 1] = b'x';
            }
        }
        if to.write_all(&head).and_then(|()| to.write_all(&message)).is_err() {
            return;
        }
    }
}

/// What an aggregation does with documents, one after the other.
fn stages(command: &[u8]) -> Vec<String> {
    let length = i32::from_le_bytes(command[..4].try_into().unwrap()) as usize;
    let command = RawDocument::from_bytes(&command[..length]).unwrap();
    let stages = command.get_array("pipeline").unwrap().into_iter();
    stages.map(|stage| stage.unwrap().as_document().unwrap().iter().next().unwrap().unwrap().0.to_string()).collect()
}

/// Forwards answers whole, and says in each greeting what `mongos` says of itself.
fn forward_answers_of_cluster(mut from: TcpStream, mut to: TcpStream) {
    let mut head = [0; 16];
    while from.read_exact(&mut head).is_ok() {
        let number = |at: usize| i32::from_le_bytes(head[at..at + 4].try_into().unwrap());
        let mut message = vec![0; number(0) as usize - 16];
        if from.read_exact(&mut message).is_err() {
            break;
        }
        // Flags come before the document, and in the older form twenty bytes.
        let at = if number(12) == 2013 { 5 } else { 20 };
        let document = RawDocument::from_bytes(&message[at..]).unwrap();
        let is_greeting = document.get("isWritablePrimary").is_ok_and(|one| one.is_some())
            || document.get("ismaster").is_ok_and(|one| one.is_some());
        if is_greeting {
            let mut document = Document::try_from(document).unwrap();
            document.insert("msg", "isdbgrid");
            message.truncate(at);
            message.extend(RawDocumentBuf::try_from(&document).unwrap().as_bytes());
            head[..4].copy_from_slice(&i32::try_from(message.len() + 16).unwrap().to_le_bytes());
        }
        if to.write_all(&head).and_then(|()| to.write_all(&message)).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

fn forward_answers(mut from: TcpStream, mut to: TcpStream, left: &AtomicI64, cut: &AtomicBool) {
    let mut buffer = vec![0; 16 << 10];
    while let Ok(read) = from.read(&mut buffer) {
        if left.fetch_sub(read as i64, Ordering::SeqCst) <= 0 {
            if cut.load(Ordering::SeqCst) {
                break;
            }
            continue;
        }
        if read == 0 || to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
