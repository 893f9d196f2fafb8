//! One file: what it is, by its contents, and what it says.
//!
//! Descriptions, roles and configuration are read here. Rows are only recognised;
//! they are counted later, when it is known which users there are.

use std::io::{self, Read};

use serde_json::Value;

use crate::deps::Manager;
use crate::model::place::{Show, Text, is_of_running_app};
use crate::model::spans::Syntax;
use crate::model::{ClassName, Place};
use crate::problem::Problem;

use super::described::{self, Odd};
use super::documents::{Documents, Envelope};
use super::parts::{Kind, Parts, RowForm, Rows, place};
use super::source::{Bytes, Candidate};
use super::{bson, class_name, deploy, dump, lock, parts};

/// Bytes of a file that are looked at to tell what it is.
const HEAD: u64 = 64 << 10;

/// A description or configuration longer than this is read, but its text is not
/// kept, and findings name the file alone.
pub const MAX_TEXT: u64 = 32 << 20;

/// What a file is, by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Zip,
    Bson,
    Json,
    Sql,
    Csv,
    Lock(Manager),
    /// UTF-16 with a byte order mark.
    Wide,
    /// `mongodump --archive`.
    MongoArchive,
    Other,
}

/// Reads one file.
pub fn read(candidate: &Candidate) -> Parts {
    let mut parts = Parts::default();
    if let Bytes::Live(rows) = &candidate.bytes {
        parts.rows.push(Rows { class: Some(rows.class().into()), form: rows.form().into() });
        return parts;
    }
    let head = match candidate.head(HEAD) {
        Ok(head) => head,
        Err(error) => {
            // A lock or socket that vanished is no loss; what the user named is.
            let consequence = "the file was not read";
            parts.problems.push(Problem::new(&candidate.path, words(&error), consequence));
            return parts;
        }
    };
    match form(&head, &candidate.name) {
        Form::Lock(manager) if lock::read(candidate, manager, &mut parts) => {}
        Form::Lock(Manager::Npm | Manager::Bun) => read_json(candidate, &head, &mut parts),
        Form::Lock(_) => {}
        Form::Json => read_json(candidate, &head, &mut parts),
        Form::Bson => read_bson(candidate, &mut parts),
        Form::Sql => dump::read(candidate, &mut parts),
        Form::Csv => parts.rows.push(Rows { class: None, form: RowForm::Csv }),
        Form::Wide
            if is_ours(&narrowed(&head)) || candidate.asked || lock::manager_of_name(&candidate.name).is_some() =>
        {
            parts.problems.push(Problem::new(
                &candidate.path,
                "the file is UTF-16",
                "it was not read; save it as UTF-8",
            ));
        }
        Form::MongoArchive => parts.problems.push(Problem::new(
            &candidate.path,
            "the file is an archive of mongodump",
            "it was not read; dump with --out instead of --archive",
        )),
        Form::Zip | Form::Wide | Form::Other if candidate.asked && form(&head, &candidate.name) != Form::Zip => {
            parts.problems.push(Problem::new(&candidate.path, "the file is of no known form", "it was not read"));
        }
        Form::Zip | Form::Wide | Form::Other => {}
    }
    deploy::read(candidate, &mut parts);
    parts
}

/// Whether the first bytes are those of a zip archive.
pub fn is_zip(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06")
}

/// The name counts where the bytes say nothing: a lock file may be damaged.
fn form(head: &[u8], name: &str) -> Form {
    if is_zip(head) {
        return Form::Zip;
    }
    if head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]) {
        return Form::Wide;
    }
    if head.starts_with(&[0x6d, 0xe2, 0x99, 0x81]) {
        return Form::MongoArchive;
    }
    if bson::looks_like(head) {
        return Form::Bson;
    }
    let text = head.strip_prefix("\u{feff}".as_bytes()).unwrap_or(head).trim_ascii_start();
    let has = |word: &[u8]| memchr::memmem::find(text, word).is_some();
    let manager = lock::manager(text).or_else(|| lock::manager_of_name(name));
    match text.first() {
        Some(b'{' | b'[') => manager.map_or(Form::Json, Form::Lock),
        _ if has(b"PostgreSQL database dump") || has(b"INSERT INTO public.") || has(b"COPY public.") => Form::Sql,
        _ if is_csv(text) => Form::Csv,
        _ => manager.map_or(Form::Other, Form::Lock),
    }
}

/// A header with `objectId` and what else every export of rows has.
fn is_csv(text: &[u8]) -> bool {
    let header = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let cells: Vec<&[u8]> = header.split(|byte| *byte == b',').map(|cell| cell.trim_ascii().trim_ascii_end()).collect();
    let has = |name: &[u8]| {
        cells
            .iter()
            .any(|cell| cell.strip_prefix(b"\"").and_then(|cell| cell.strip_suffix(b"\"")).unwrap_or(cell) == name)
    };
    has(b"objectId") && (has(b"ACL") || has(b"createdAt"))
}

/// Whether a text that could not be parsed was probably meant for us.
fn is_ours(head: &[u8]) -> bool {
    let marks: [&[u8]; 9] = [
        b"classLevelPermissions",
        b"class_permissions",
        b"\"className\"",
        b"\"objectId\"",
        b"\"_rperm\"",
        b"\"_metadata\"",
        b"\"owningId\"",
        b"\"masterKeyOnly\"",
        b"\"parse-server\"",
    ];
    let has = |mark: &[u8]| memchr::memmem::find(head, mark).is_some();
    let configures =
        || (has(b"\"masterKey\"") || has(b"\"appId\"")) && (has(b"\"serverURL\"") || has(b"\"databaseURI\""));
    marks.iter().any(|mark| has(mark)) || configures()
}

/// UTF-16 as the bytes of its ASCII characters, good enough to look for words.
fn narrowed(head: &[u8]) -> Vec<u8> {
    head.iter().copied().filter(|byte| *byte != 0).collect()
}

fn read_json(candidate: &Candidate, head: &[u8], parts: &mut Parts) {
    let class = class_name::of_file(&candidate.name, &std::collections::BTreeSet::new());
    let mut odd = Odd::default();
    let outcome = candidate.bytes.open(|bytes| take_documents(candidate, bytes, &class, parts, &mut odd));
    parts.problems.extend(odd.problems(&candidate.path));
    let error = match outcome {
        Ok(Ok(())) => return,
        Ok(Err(error)) => error,
        Err(error) => Failure { offset: 0, message: words(&error) },
    };
    if !candidate.asked && !is_of_running_app(&candidate.path) && !is_ours(head) {
        return;
    }
    let (line, column) = line_of(candidate, error.offset);
    parts
        .problems
        .push(Problem::new(&candidate.path, error.message, "the rest of the file was not read").at(line, column));
}

/// What went wrong in a file, and at which byte.
struct Failure {
    offset: u64,
    message: String,
}

fn take_documents(
    candidate: &Candidate,
    bytes: &mut dyn Read,
    class: &ClassName,
    parts: &mut Parts,
    odd: &mut Odd,
) -> Result<(), Failure> {
    let is_schema = described::is_schema(candidate, class);
    let mut documents = Documents::new(bytes);
    let mut number = 0usize;
    let mut show = Show::Nothing;
    let mut taken = false;
    loop {
        let position = documents.position();
        let next = documents.next_document().map_err(|error| Failure { offset: position, message: error.to_string() });
        let Some((document, offset)) = next? else { break };
        let first = number == 0;
        let value = parse(document, offset);
        if is_schema && value.is_err() {
            odd.add_unread(document);
            number += 1;
            continue;
        }
        let envelope = documents.envelope();
        let value = match value {
            Ok(value) => value,
            // Of a file that already turned out to be ours, the rest is still worth reading.
            Err(failure) if first => return Err(failure),
            Err(failure) => {
                let (line, column) = line_of(candidate, failure.offset);
                parts
                    .problems
                    .push(Problem::new(&candidate.path, failure.message, "the document was not read").at(line, column));
                number += 1;
                continue;
            }
        };
        let in_list = envelope == Envelope::Array;
        let Some(object) = value.as_object() else {
            if is_schema {
                odd.add_none(None, "it is no object");
            } else if first {
                break;
            }
            number += 1;
            continue;
        };
        let at = place(candidate.file, pointer_of(envelope, number));
        number += 1;
        let kind = match described::shape(object) {
            Err(why) if is_schema => {
                odd.add_none(Some(object), why);
                continue;
            }
            Ok(shape) if is_schema => {
                odd.add_columns(object, shape);
                Some(Kind::Class(shape))
            }
            _ => parts::kind(object, in_list || envelope != Envelope::Bare, class),
        };
        // One that only shows what may be set runs nowhere.
        match kind.filter(|kind| !kind.is_configuration() || !deploy::is_sample(&candidate.path)) {
            Some(Kind::Row(named)) => {
                let role = named.as_ref().unwrap_or(class) == "_Role";
                if role {
                    parts.take_role(object, Place::File { file: candidate.file });
                }
                if !taken {
                    taken = true;
                    parts.rows.push(Rows { class: named, form: RowForm::Json });
                    // Other rows are only counted, and that is done later.
                    if !role {
                        return Ok(());
                    }
                }
            }
            Some(Kind::Refused) => {
                parts.problems.push(Problem::new(
                    &candidate.path,
                    "a refusal of the server was saved in place of its answer",
                    "nothing was read from it",
                ));
            }
            Some(kind) => {
                show = shown(&kind);
                parts.take(object, &kind, class, at);
                taken = true;
            }
            None if first => break,
            None => {}
        }
    }
    if taken && parts.rows.is_empty() {
        keep(candidate, show, parts);
    }
    Ok(())
}

/// The pointer of a document in its file.
fn pointer_of(envelope: Envelope, number: usize) -> String {
    match envelope {
        Envelope::Bare if number == 0 => String::new(),
        Envelope::Bare | Envelope::Array => format!("/{number}"),
        Envelope::Results => format!("/results/{number}"),
    }
}

fn parse(document: &[u8], offset: u64) -> Result<Value, Failure> {
    serde_json::from_slice(document).map_err(|error| {
        let before = document
            .split(|byte| *byte == b'\n')
            .take(error.line().saturating_sub(1))
            .map(|line| line.len() + 1)
            .sum::<usize>();
        let offset = offset + (before + error.column().saturating_sub(1)) as u64;
        // serde_json ends its message with a place in the document, which is not the place in the file.
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or(&message);
        Failure { offset, message: format!("invalid JSON: {message}") }
    })
}

/// How much of a file with such documents a report may show.
fn shown(kind: &Kind) -> Show {
    match kind {
        Kind::Class(_) | Kind::Definitions(_) | Kind::ServerInfo | Kind::Probe | Kind::Database => Show::Everything,
        Kind::Package
        | Kind::ServerConfig
        | Kind::DashboardConfig
        | Kind::Checks
        | Kind::Config
        | Kind::GraphQl
        | Kind::Hook
        | Kind::Hooks
        | Kind::Indexes
        | Kind::Job => Show::NoValues,
        Kind::Row(_) | Kind::Join | Kind::Refused => Show::Nothing,
    }
}

fn keep(candidate: &Candidate, show: Show, parts: &mut Parts) {
    if let Ok(Some(bytes)) = candidate.whole(MAX_TEXT) {
        parts.text = Some(Text::new(&bytes, show, Syntax::Json));
    }
}

fn read_bson(candidate: &Candidate, parts: &mut Parts) {
    let class = class_name::of_file(&candidate.name, &std::collections::BTreeSet::new());
    let at = Place::File { file: candidate.file };
    let taken = candidate.bytes.open(|bytes| -> Result<(), bson::BsonError> {
        let mut documents = bson::Documents::new(bytes);
        let mut number = 0usize;
        while let Some(document) = documents.next_document()? {
            number += 1;
            let Some(Value::Object(object)) = bson::to_value(document) else {
                let message = format!("document {number} is not valid BSON");
                parts.problems.push(Problem::new(&candidate.path, message, "the document was not read"));
                continue;
            };
            match parts::kind(&object, true, &class) {
                Some(Kind::Row(_)) => {
                    if class == "_Role" {
                        parts.take_role(&object, at.clone());
                    }
                    if parts.rows.is_empty() {
                        parts.rows.push(Rows { class: None, form: RowForm::Bson });
                    }
                    if class != "_Role" {
                        return Ok(());
                    }
                }
                Some(kind) => parts.take(&object, &kind, &class, at.clone()),
                None if number == 1 => return Ok(()),
                None => {}
            }
        }
        Ok(())
    });
    let error = match taken {
        Ok(Ok(())) => return,
        Ok(Err(error)) => error.to_string(),
        Err(error) => words(&error),
    };
    parts.problems.push(Problem::new(
        &candidate.path,
        format!("invalid BSON: {error}"),
        "the rest of the file was not read",
    ));
}

/// The line and column, from 1, of a byte.
fn line_of(candidate: &Candidate, offset: u64) -> (usize, usize) {
    let before = candidate.head(offset).unwrap_or_default();
    let line = memchr::memchr_iter(b'\n', &before).count() + 1;
    let column = before.len() - memchr::memrchr(b'\n', &before).map_or(0, |at| at + 1) + 1;
    (line, column)
}

/// An error of the operating system in a few words, without its number.
pub fn words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::NotFound => "no such file".to_owned(),
        io::ErrorKind::InvalidData if error.to_string().contains("UTF-8") => "it is no text in UTF-8".to_owned(),
        _ => {
            let text = error.to_string();
            text.split(" (os error").next().unwrap_or(&text).to_lowercase()
        }
    }
}
