//! Apps and rows that look like real ones, made from numbers: the same on every run.

#![allow(dead_code, reason = "each bench uses a part of this")]
#![allow(clippy::indexing_slicing, reason = "a key of a JSON object is made when it is not there")]

pub mod code;
pub mod locks;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

/// Numbers that look random (xorshift64*).
pub struct Random(u64);

impl Random {
    /// The numbers that begin with a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % limit.max(1)
    }

    /// One of these.
    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        let number = self.below(of.len() as u64);
        usize::try_from(number).ok().and_then(|number| of.get(number)).copied().unwrap_or_default()
    }

    /// An object id as Parse Server makes them.
    fn id(&mut self) -> String {
        let letter = |number: u64| char::from_digit(u32::try_from(number).unwrap_or(0), 36).unwrap_or('0');
        (0..10).map(|_| letter(self.below(36))).collect()
    }

    /// A few words.
    fn words(&mut self, count: u64) -> String {
        (0..count).map(|_| self.one(&WORDS)).collect::<Vec<_>>().join(" ")
    }
}

const WORDS: [&str; 16] = [
    "lorem",
    "ipsum",
    "dolor",
    "sit",
    "amet",
    "consectetur",
    "adipiscing",
    "elit",
    "sed",
    "do",
    "eiusmod",
    "tempor",
    "incididunt",
    "ut",
    "labore",
    "dolore",
];

const OPERATIONS: [&str; 7] = ["find", "get", "count", "create", "update", "delete", "addField"];

/// The files of an app with so many classes and roles, by path.
pub fn app(classes: u64, roles: u64) -> BTreeMap<String, String> {
    let mut random = Random::new(7);
    let described: Vec<Value> = (0..classes).map(|number| class(number, roles, &mut random)).collect();
    let mut role_rows = String::new();
    let mut joins = String::new();
    for number in 0..roles {
        let acl = json!({ "*": { "read": true }, "role:Role0": { "read": true, "write": true } });
        let row = json!({ "objectId": format!("role{number:06}"), "name": format!("Role{number}"), "ACL": acl });
        let _ = writeln!(role_rows, "{row}");
        // A tree in which every role has up to three children.
        if number > 0 {
            let (parent, child) = (format!("role{:06}", (number - 1) / 3), format!("role{number:06}"));
            let _ = writeln!(joins, "{}", json!({ "_id": random.id(), "owningId": parent, "relatedId": child }));
        }
    }
    let package = json!({ "dependencies": { "parse-server": "8.2.0" } });
    BTreeMap::from([
        ("schema.json".to_owned(), json!({ "results": described }).to_string()),
        ("_Role.json".to_owned(), role_rows),
        ("_Join:roles:_Role.json".to_owned(), joins),
        ("package.json".to_owned(), package.to_string()),
    ])
}

/// A class with twelve columns, whose operations are granted to the public, to
/// users, to some roles or to owners.
fn class(number: u64, roles: u64, random: &mut Random) -> Value {
    let mut fields = json!({
        "objectId": { "type": "String" }, "createdAt": { "type": "Date" }, "updatedAt": { "type": "Date" },
        "ACL": { "type": "ACL" }, "owner": { "type": "Pointer", "targetClass": "_User" },
        "custEmail": { "type": "String" }, "phoneNumber": { "type": "String" }, "note": { "type": "String" },
    });
    for column in 0..4 {
        fields[format!("column{column}")] = json!({ "type": "Number" });
    }
    let mut permissions = json!({});
    for operation in OPERATIONS {
        permissions[operation] = match random.below(6) {
            0 => json!({ "*": true }),
            1 => json!({ "requiresAuthentication": true }),
            2 => json!({ "pointerFields": ["owner"] }),
            _ => (0..=random.below(4)).map(|_| (format!("role:Role{}", random.below(roles)), true)).collect(),
        };
    }
    let mut groups = json!({ "*": ["custEmail", "phoneNumber"], "userField:owner": [] });
    for _ in 0..random.below(3) {
        groups[format!("role:Role{}", random.below(roles))] = json!(["phoneNumber"]);
    }
    permissions["protectedFields"] = groups;
    json!({ "className": format!("Class{number}"), "fields": fields, "classLevelPermissions": permissions })
}

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `{"results": […]}` as REST answers.
    Rest,
    /// A document a line, as `mongoexport` writes.
    Lines,
    /// As `mongodump` writes.
    Bson,
}

/// At least so many bytes of rows of one class, about 550 bytes each.
pub fn rows(form: Form, bytes: usize) -> Vec<u8> {
    let mut random = Random::new(11);
    let mut written = Vec::with_capacity(bytes + 1024);
    if form == Form::Rest {
        written.extend_from_slice(b"{\"results\":[");
    }
    let mut first = true;
    while written.len() < bytes {
        match form {
            Form::Rest => {
                if !first {
                    written.push(b',');
                }
                written.extend_from_slice(rest_row(&mut random).to_string().as_bytes());
            }
            Form::Lines => {
                written.extend_from_slice(stored_row(&mut random).to_string().as_bytes());
                written.push(b'\n');
            }
            Form::Bson => written.extend(bson(&stored_row(&mut random))),
        }
        first = false;
    }
    if form == Form::Rest {
        written.extend_from_slice(b"]}");
    }
    written
}

/// Readers and writers of a row; `None` is a row without an ACL.
type Readers = Option<(Vec<String>, Vec<String>)>;

fn acl(random: &mut Random) -> Readers {
    let (anyone, user) = ("*".to_owned(), random.id());
    let role = format!("role:Role{}", random.below(20));
    Some(match random.below(20) {
        0..10 => (vec![user.clone()], vec![user]),
        10..14 => (vec![anyone], vec![user]),
        14..17 => (vec![role.clone(), user], vec![role]),
        17..19 => (vec![anyone.clone()], vec![anyone]),
        _ => return None,
    })
}

fn date(random: &mut Random) -> String {
    format!("2025-0{}-1{}T12:34:56.{:03}Z", 1 + random.below(9), random.below(10), random.below(1000))
}

fn rest_row(random: &mut Random) -> Value {
    let mut row = json!({
        "objectId": random.id(), "title": random.words(6), "body": random.words(20),
        "quantity": random.below(1_000_000), "price": random.below(1_000_000) as f64 / 997.0,
        "owner": { "__type": "Pointer", "className": "_User", "objectId": random.id() },
        "done": random.below(2) == 0, "tags": [random.words(1), random.words(1), random.words(1)],
        "place": { "__type": "GeoPoint", "latitude": random.below(90), "longitude": random.below(180) },
        "createdAt": date(random), "updatedAt": date(random),
    });
    if let Some((readers, writers)) = acl(random) {
        let mut acl = json!({});
        readers.iter().for_each(|reader| acl[reader]["read"] = Value::Bool(true));
        writers.iter().for_each(|writer| acl[writer]["write"] = Value::Bool(true));
        row["ACL"] = acl;
    }
    row
}

fn stored_row(random: &mut Random) -> Value {
    let mut row = json!({
        "_id": random.id(), "title": random.words(6), "body": random.words(20),
        "quantity": random.below(1_000_000), "price": random.below(1_000_000) as f64 / 997.0,
        "_p_owner": format!("_User${}", random.id()), "done": random.below(2) == 0,
        "tags": [random.words(1), random.words(1), random.words(1)],
        "place": [random.below(180), random.below(90)],
        "_created_at": { "$date": date(random) }, "_updated_at": { "$date": date(random) },
    });
    if let Some((readers, writers)) = acl(random) {
        row["_acl"] = readers.iter().map(|reader| (reader.clone(), json!({ "r": true }))).collect();
        row["_rperm"] = json!(readers);
        row["_wperm"] = json!(writers);
    }
    row
}

/// A BSON document. Dates stay documents, which is as much to walk.
fn bson(document: &Value) -> Vec<u8> {
    let mut elements = Vec::new();
    let mut add = |name: &str, value: &Value| {
        let text = |text: &str| [&length(text.len() + 1), text.as_bytes(), &[0]].concat();
        let (kind, bytes) = match value {
            Value::Null => (0x0a, Vec::new()),
            Value::Bool(value) => (0x08, vec![u8::from(*value)]),
            Value::Number(number) => (0x01, number.as_f64().unwrap_or_default().to_le_bytes().to_vec()),
            Value::String(value) => (0x02, text(value)),
            Value::Array(_) => (0x04, bson(value)),
            Value::Object(_) => (0x03, bson(value)),
        };
        elements.push(kind);
        elements.extend_from_slice(name.as_bytes());
        elements.push(0);
        elements.extend_from_slice(&bytes);
    };
    match document {
        Value::Object(entries) => entries.iter().for_each(|(name, value)| add(name, value)),
        Value::Array(values) => {
            values.iter().enumerate().for_each(|(number, value)| add(&number.to_string(), value));
        }
        _ => {}
    }
    [&length(elements.len() + 5), elements.as_slice(), &[0]].concat()
}

fn length(bytes: usize) -> [u8; 4] {
    i32::try_from(bytes).unwrap_or(i32::MAX).to_le_bytes()
}
