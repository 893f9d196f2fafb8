//! Rows are counted, file by file, with flat memory.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};

use crate::model::{Census, ClassName, LeakKind};
use crate::problem::Problem;

use super::documents::Documents;
use super::file::words;
use super::ids::UserIds;
use super::parts::{RowForm, Rows};
use super::source::{Bytes, Candidate};
use super::sql::{SqlError, SqlRows};
use super::tally::{Counts, Side, Tally};
use super::{Progress, bson, class_name, copied, dump, rows};

/// What the rows of one class in one file say.
#[derive(Debug)]
pub struct Counted {
    /// The class.
    pub class: ClassName,
    /// The counts; `None` if the file does not tell ACLs.
    pub census: Option<Census>,
    /// Credentials by kind.
    pub leaks: [(LeakKind, u64); 3],
    /// A digest of the rows' ids, the same for the same rows in any form and order.
    pub ids: u64,
}

/// No credentials.
pub const NO_LEAKS: [(LeakKind, u64); 3] =
    [(LeakKind::SessionToken, 0), (LeakKind::PasswordHash, 0), (LeakKind::MasterKey, 0)];

/// What a file of rows says, and why it ended early if it did.
pub type Outcome = (Vec<Counted>, Option<Problem>);

/// The class that rows belong to; `None` for a dump, whose rows say it themselves.
pub fn class_of(candidate: &Candidate, rows: &Rows, known: &BTreeSet<ClassName>) -> Option<ClassName> {
    match rows.form {
        RowForm::Sql => None,
        RowForm::Json | RowForm::Bson | RowForm::Grouped | RowForm::Csv | RowForm::Copy => {
            Some(rows.class.clone().unwrap_or_else(|| class_name::of_file(&candidate.name, known)))
        }
    }
}

/// Counts the rows of a file. `users` are all users, if they are known.
pub fn count(
    candidate: &Candidate,
    rows: &Rows,
    class: Option<&ClassName>,
    users: Option<&UserIds>,
    progress: &dyn Progress,
) -> Outcome {
    let mut tallies: BTreeMap<ClassName, Tally<'_>> = BTreeMap::new();
    let (has_acl, problem) = fill(&mut tallies, candidate, rows, class, users, progress);
    let counted = tallies.into_iter().map(|(class, tally)| counted(class, tally.finish(), has_acl));
    (counted.collect(), problem)
}

fn counted(class: ClassName, Counts { census, leaks, ids, .. }: Counts, has_acl: bool) -> Counted {
    Counted { class, census: has_acl.then_some(census), leaks, ids }
}

/// Users in one place.
pub struct Users {
    /// Their ids.
    pub ids: UserIds,
    /// What their rows come to, as if all users that they name were there.
    pub outcome: Outcome,
    /// Whether they name users other than themselves, of whom it is not known yet whether they are there.
    pub name_others: bool,
}

/// Counts the rows of users, and collects them.
pub fn count_users(candidate: &Candidate, rows: &Rows, class: &ClassName, progress: &dyn Progress) -> Users {
    let mut tallies = BTreeMap::from([(class.clone(), Tally::collecting())]);
    let (has_acl, problem) = fill(&mut tallies, candidate, rows, Some(class), None, progress);
    let mut users = Users { ids: UserIds::default(), outcome: (Vec::new(), problem), name_others: false };
    for (class, tally) in tallies {
        let mut counts = tally.finish();
        users.ids.extend(counts.collected.take().unwrap_or_default());
        users.name_others |= counts.names_others;
        users.outcome.0.push(counted(class, counts, has_acl));
    }
    users
}

/// Counts into tallies; whether there are ACLs, and what could not be counted.
fn fill<'u>(
    tallies: &mut BTreeMap<ClassName, Tally<'u>>,
    candidate: &Candidate,
    rows: &Rows,
    class: Option<&ClassName>,
    users: Option<&'u UserIds>,
    progress: &dyn Progress,
) -> (bool, Option<Problem>) {
    let mut has_acl = true;
    let outcome = candidate.bytes.open(|bytes| {
        let bytes = &mut Watched { bytes, progress };
        match (rows.form, class) {
            (RowForm::Sql, _) | (_, None) => count_sql(bytes, users, tallies).map_err(|error| error.to_string()),
            (form, Some(class)) => {
                let tally = tallies.entry(class.clone()).or_insert_with(|| Tally::new(users));
                match form {
                    RowForm::Json => count_json(bytes, tally).map_err(|error| error.to_string()),
                    RowForm::Bson => count_bson(bytes, tally).map_err(of_bson),
                    RowForm::Grouped => count_grouped(bytes, tally).map_err(of_bson),
                    RowForm::Copy => count_copied(bytes, tally).map_err(|error| error.to_string()),
                    RowForm::Csv | RowForm::Sql => {
                        count_csv(bytes, tally).map(|acl| has_acl = acl).map_err(|error| error.to_string())
                    }
                }
            }
        }
    });
    let message = match outcome {
        Ok(Ok(())) => None,
        Ok(Err(message)) => Some(message),
        Err(error) => Some(words(&error)),
    };
    let of_class = class.map_or_else(|| "rows".to_owned(), |class| format!("rows of {class}"));
    let problem = match message {
        Some(message) => {
            let which = if matches!(candidate.bytes, Bytes::Live(_)) { "" } else { " behind that place" };
            Some(Problem::new(&candidate.path, message, format!("{of_class}{which} were not counted")))
        }
        None if !has_acl => {
            let message = "the export has no column `ACL`";
            Some(Problem::new(&candidate.path, message, format!("who may read and write {of_class} is unknown")))
        }
        None => None,
    };
    (has_acl, problem)
}

/// What is wrong with a stream of BSON.
fn of_bson(error: bson::BsonError) -> String {
    match error {
        bson::BsonError::Io(error) => words(&error),
        broken => format!("invalid BSON: {broken}"),
    }
}

fn count_json(bytes: &mut dyn Read, tally: &mut Tally<'_>) -> Result<(), super::documents::DocumentError> {
    let mut documents = Documents::new(bytes);
    while let Some(ahead) = documents.ahead()? {
        // Nearly every row is well-formed and read whole, and its end need not be looked for.
        if let Some(length) = rows::count_json_ahead(ahead, tally) {
            documents.step(length);
        } else if let Some((document, _)) = documents.next_document()? {
            rows::count_json(document, tally);
        }
    }
    Ok(())
}

fn count_copied(bytes: &mut dyn Read, tally: &mut Tally<'_>) -> Result<(), copied::CopyError> {
    let mut rows = copied::Rows::new(bytes);
    while let Some(row) = rows.next_row()? {
        row.count(tally);
    }
    Ok(())
}

fn count_bson(bytes: &mut dyn Read, tally: &mut Tally<'_>) -> Result<(), bson::BsonError> {
    let mut documents = bson::Documents::new(bytes);
    while let Some(document) = documents.next_document()? {
        rows::count_bson(document, tally);
    }
    Ok(())
}

fn count_grouped(bytes: &mut dyn Read, tally: &mut Tally<'_>) -> Result<(), bson::BsonError> {
    let mut documents = bson::Documents::new(bytes);
    while let Some(document) = documents.next_document()? {
        rows::count_grouped(document, tally).ok_or(bson::BsonError::NoNumber)?;
    }
    Ok(())
}

fn count_sql<'u>(
    bytes: &mut dyn Read,
    users: Option<&'u UserIds>,
    tallies: &mut BTreeMap<ClassName, Tally<'u>>,
) -> Result<(), SqlError> {
    let mut rows = SqlRows::new(bytes);
    while let Some(row) = rows.next_row()? {
        if dump::is_row_of_class(&row) {
            let tally = tallies.entry(row.table.as_str().into()).or_insert_with(|| Tally::new(users));
            dump::count_row(&row, tally);
        }
    }
    Ok(())
}

/// Counts rows of comma-separated values; says whether there is a column `ACL`.
fn count_csv(bytes: &mut dyn Read, tally: &mut Tally<'_>) -> Result<bool, csv::Error> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes);
    let headers = reader.byte_headers()?.clone();
    let Some(acl) = column(&headers, b"ACL") else { return Ok(false) };
    let id = column(&headers, b"objectId");
    let mut record = csv::ByteRecord::new();
    while reader.read_byte_record(&mut record)? {
        let cell = |column: Option<usize>| column.and_then(|column| record.get(column)).unwrap_or_default();
        tally.begin();
        tally.id(cell(id));
        match cell(Some(acl)).trim_ascii() {
            b"" | b"null" | b"(undefined)" | b"undefined" => tally.end(),
            json => match rows::acl_entries(json) {
                Some(entries) => {
                    tally.side(Side::Read);
                    tally.side(Side::Write);
                    entries.iter().for_each(|(side, entry)| tally.entry(*side, entry.as_bytes()));
                    tally.end();
                }
                None => tally.unreadable(),
            },
        }
    }
    Ok(true)
}

fn column(headers: &csv::ByteRecord, name: &[u8]) -> Option<usize> {
    headers.iter().position(|header| header.strip_prefix("\u{feff}".as_bytes()).unwrap_or(header) == name)
}

/// The ids of the rows of `_User` in a file; `None` if it cannot be read to its end, which is
/// reported when the rows are counted.
pub fn user_ids(candidate: &Candidate, form: RowForm) -> Option<UserIds> {
    let mut ids = UserIds::default();
    let is_whole = candidate.bytes.open(|bytes| insert_ids(bytes, form, &mut ids).is_some()).unwrap_or(false);
    is_whole.then_some(ids)
}

fn insert_ids(bytes: &mut dyn Read, form: RowForm, ids: &mut UserIds) -> Option<()> {
    match form {
        RowForm::Json => {
            let mut documents = Documents::new(bytes);
            while let Some((document, _)) = documents.next_document().ok()? {
                ids.insert_some(rows::id_of_json(document).as_deref());
            }
        }
        RowForm::Bson => {
            let mut documents = bson::Documents::new(bytes);
            while let Some(document) = documents.next_document().ok()? {
                ids.insert_some(rows::id_of_bson(document));
            }
        }
        // Rows that are put together have none.
        RowForm::Grouped => return None,
        RowForm::Sql => {
            let mut rows = SqlRows::new(bytes);
            while let Some(row) = rows.next_row().ok()? {
                if row.table == "_User" {
                    ids.insert_some(row.values.get("objectId").and_then(Option::as_deref));
                }
            }
        }
        RowForm::Copy => {
            let mut rows = copied::Rows::new(bytes);
            while let Some(row) = rows.next_row().ok()? {
                ids.insert_some(row.id);
            }
        }
        RowForm::Csv => {
            let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes);
            let column = column(reader.byte_headers().ok()?, b"objectId")?;
            for record in reader.byte_records() {
                ids.insert_some(record.ok()?.get(column));
            }
        }
    }
    Some(())
}

/// A reader that says how far it got.
struct Watched<'w> {
    bytes: &'w mut dyn Read,
    progress: &'w dyn Progress,
}

impl Read for Watched<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read(into)?;
        self.progress.read(read as u64);
        Ok(read)
    }
}
