//! A wire to a server that is cut once, and rows to read over it.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use mongodb::Client;
use mongodb::bson::{Document, doc};
use tokio::runtime::Builder;

/// What happens after so many more bytes of answers.
type Cut = Option<(usize, Box<dyn FnOnce() + Send>)>;

/// A wire to a server on this machine.
pub struct Wire {
    /// Where it begins.
    pub port: u16,
    server: Arc<AtomicU16>,
    cut: Arc<Mutex<Cut>>,
    cut_at: Arc<Mutex<Option<Instant>>>,
}

impl Wire {
    pub fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let wire = Self { port, server: Arc::new(server.into()), cut: Arc::default(), cut_at: Arc::default() };
        let (cut, server) = (Arc::clone(&wire.cut), Arc::clone(&wire.server));
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                // Nobody may be there.
                let Ok(server) = TcpStream::connect(("127.0.0.1", server.load(Ordering::Relaxed))) else { continue };
                let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                thread::spawn(move || forward(from, to, &Mutex::default()));
                let cut = Arc::clone(&cut);
                thread::spawn(move || forward(server, client, &cut));
            }
        });
        wire
    }

    /// From now on it ends at another port.
    pub fn leads_to(&self, server: u16) {
        self.server.store(server, Ordering::Relaxed);
    }

    /// After so many bytes of answers this is done, and the connection over which they came is cut.
    pub fn after(&self, bytes: usize, then: impl FnOnce() + Send + 'static) {
        let cut_at = Arc::clone(&self.cut_at);
        let note = move || {
            then();
            *cut_at.lock().unwrap() = Some(Instant::now());
        };
        *self.cut.lock().unwrap() = Some((bytes, Box::new(note)));
    }

    /// How long ago it was cut.
    pub fn since_cut(&self) -> Duration {
        self.cut_at.lock().unwrap().expect("it was cut").elapsed()
    }
}

fn forward(mut from: TcpStream, mut to: TcpStream, cut: &Mutex<Cut>) {
    let mut buffer = vec![0; 16 << 10];
    while let Ok(read) = from.read(&mut buffer) {
        if read == 0 || to.write_all(&buffer[..read]).is_err() || is_cut(cut, read) {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

fn is_cut(cut: &Mutex<Cut>, read: usize) -> bool {
    let mut cut = cut.lock().unwrap();
    match cut.take() {
        Some((left, then)) if left > read => {
            *cut = Some((left - read, then));
            false
        }
        Some((_, then)) => {
            then();
            true
        }
        None => false,
    }
}

/// The port of an address of a database.
pub fn port(uri: &str) -> u16 {
    uri.rsplit(':').next().unwrap().split('/').next().unwrap().parse().unwrap()
}

/// Makes an app of classes with so many rows, of four kinds.
pub fn fill(uri: &str, classes: &[(&str, u64)]) {
    let letters = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let id = |number: u64| -> String {
        let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let letter = |place: u32| char::from(letters[usize::try_from((mixed >> (5 * place + 8)) % 62).unwrap()]);
        (0..10).map(letter).chain(number.to_string().chars()).collect()
    };
    let row = |number: u64| -> Document {
        let mut row = doc! { "_id": id(number), "title": "x" };
        match number % 4 {
            0 => {}
            1 => row.extend(doc! { "_rperm": ["*"], "_wperm": ["role:staff"] }),
            2 => row.extend(doc! { "_rperm": [], "_wperm": [] }),
            _ => row.extend(doc! { "_rperm": ["role:staff", "nobody0123"], "_wperm": ["nobody0123"] }),
        }
        row
    };
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let database = Client::with_uri_str(uri).await.unwrap().default_database().unwrap();
        for (class, rows) in classes {
            let schema = doc! { "_id": class, "objectId": "string", "title": "string",
            "_metadata": { "class_permissions": { "find": { "*": true } } } };
            database.collection::<Document>("_SCHEMA").insert_one(schema).await.unwrap();
            for first in (0..*rows).step_by(10_000) {
                let some = (first..(first + 10_000).min(*rows)).map(row);
                database.collection::<Document>(class).insert_many(some).await.unwrap();
            }
        }
    });
}
