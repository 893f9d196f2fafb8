//! A server that speaks the protocol of MongoDB and does nothing but send the same rows again, so that it is the
//! client whose speed is told.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process;
use std::sync::Arc;
use std::thread;

use mongodb::bson::{Document, RawDocument, doc};

/// Rows in one answer.
const BATCH: u64 = 10_000;

/// Users who are known.
const USERS: u64 = 90_000;

/// Serves an app whose one class has so many rows, at most five million: more would be asked for in parts. Prints its
/// port.
#[allow(clippy::print_stdout, reason = "whoever started it reads where it is")]
pub fn serve(rows: u64) -> ! {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    println!("{}", listener.local_addr().expect("an address").port());
    let answers = Arc::new(Answers::new(rows));
    for client in listener.incoming().map_while(Result::ok) {
        let answers = Arc::clone(&answers);
        thread::spawn(move || answers.all(client));
    }
    process::exit(0)
}

/// How many rows are sent of a class that is said to have so many.
pub fn sent(rows: u64) -> u64 {
    rows.div_ceil(BATCH) * BATCH
}

/// All that is ever said.
struct Answers {
    rows: u64,
    /// The answers with rows: the first, and the others.
    first: Vec<u8>,
    next: Vec<u8>,
    users: Vec<u8>,
}

impl Answers {
    fn new(rows: u64) -> Self {
        let row = |number: u64| {
            let user = super::user(number * 31 % USERS);
            let mut row = doc! { "_id": super::row_id(number) };
            row.extend(super::acl(number, &user, doc! {}, |side, entries| doc! { side: entries }));
            row
        };
        let docs: Vec<Document> = (0..BATCH).map(row).collect();
        let users: Vec<Document> = (0..USERS)
            .map(|number| doc! { "_id": super::user(number), "_rperm": ["*"], "_wperm": [super::user(number)] })
            .collect();
        Self { rows, first: of_first(&docs), next: batch("nextBatch", &docs), users: of_first(&users) }
    }

    /// Answers until nobody asks.
    fn all(&self, mut client: TcpStream) {
        let _ = client.set_nodelay(true);
        let mut head = [0; 16];
        while client.read_exact(&mut head).is_ok() {
            let number =
                |at: usize| head.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, i32::from_le_bytes);
            let mut message = vec![0; usize::try_from(number(0)).expect("a length") - 16];
            if client.read_exact(&mut message).is_err() {
                return;
            }
            let is_old = number(12) == 2004;
            let at = if is_old { message.iter().skip(4).position(|byte| *byte == 0).expect("a name") + 13 } else { 5 };
            let command = message.get(at..).and_then(|rest| {
                let length = usize::try_from(i32::from_le_bytes(*rest.first_chunk()?)).ok()?;
                RawDocument::from_bytes(rest.get(..length)?).ok()
            });
            let answer = self.answer(command.expect("a command"));
            let front: &[u8] =
                if is_old { &[8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0] } else { &[0, 0, 0, 0, 0] };
            let length = i32::try_from(16 + front.len() + answer.len()).expect("a length");
            let code: i32 = if is_old { 1 } else { 2013 };
            let mut reply = Vec::with_capacity(64);
            for number in [length, 1, number(4), code] {
                reply.extend_from_slice(&number.to_le_bytes());
            }
            reply.extend_from_slice(front);
            if client.write_all(&reply).and_then(|()| client.write_all(&answer)).is_err() {
                return;
            }
        }
    }

    fn answer(&self, command: &RawDocument) -> std::borrow::Cow<'_, [u8]> {
        let (name, value) = command.iter().next().and_then(Result::ok).expect("a command");
        let asked = value.as_str().unwrap_or_default();
        let document = match name.as_str() {
            "count" => {
                doc! { "n": i64::try_from(if asked == "_User" { USERS } else { self.rows }).unwrap_or(i64::MAX), "ok": 1.0 }
            }
            "find" => {
                return match asked {
                    "_SCHEMA" => {
                        let columns = || doc! { "objectId": "string", "_metadata": { "class_permissions": { "find": { "*": true } } } };
                        let class =
                            |name: &str| doc! { "_id": name }.into_iter().chain(columns()).collect::<Document>();
                        of_first(&[class("Order"), class("_User")]).into()
                    }
                    "_User" => self.users.as_slice().into(),
                    "Order" => with_rest(&self.first, self.rows.div_ceil(BATCH) - 1).into(),
                    _ => of_first(&[]).into(),
                };
            }
            "getMore" => {
                let left = value.as_i64().and_then(|left| u64::try_from(left).ok()).expect("a cursor");
                return with_rest(&self.next, left - 1).into();
            }
            "listIndexes" => return of_first(&[]).into(),
            "listCollections" => return of_first(&[doc! { "name": "_SCHEMA" }, doc! { "name": "Order" }]).into(),
            "connectionStatus" => {
                doc! { "authInfo": { "authenticatedUsers": [], "authenticatedUserRoles": [], "authenticatedUserPrivileges": [] }, "ok": 1.0 }
            }
            "buildInfo" => doc! { "version": "7.0.0", "ok": 1.0 },
            _ => {
                doc! { "ismaster": true, "isWritablePrimary": true, "maxBsonObjectSize": 16_777_216, "maxMessageSizeBytes": 48_000_000,
                "maxWriteBatchSize": 100_000, "minWireVersion": 0, "maxWireVersion": 21, "readOnly": false, "ok": 1.0 }
            }
        };
        document.to_vec().expect("BSON").into()
    }
}

/// An answer behind which so many others come, which is the number of its cursor.
fn with_rest(answer: &[u8], left: u64) -> Vec<u8> {
    /// Where the number is: behind two lengths and the names `cursor` and `id`.
    const CURSOR: std::ops::Range<usize> = 20..28;
    let mut answer = answer.to_vec();
    answer.get_mut(CURSOR).expect("a number").copy_from_slice(&left.to_le_bytes());
    answer
}

/// The first answer, if it is the last one too.
fn of_first(documents: &[Document]) -> Vec<u8> {
    batch("firstBatch", documents)
}

/// An answer with documents.
fn batch(name: &str, documents: &[Document]) -> Vec<u8> {
    let body = doc! { "cursor": { "id": 0_i64, "ns": "app.x", name: documents.to_vec() }, "ok": 1.0 };
    body.to_vec().expect("BSON")
}
