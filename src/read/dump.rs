//! What the rows of a `pg_dump` say. Descriptions and roles are read first; rows of
//! classes are counted in a second pass, like those of every other form.

use serde_json::{Map, Value};

use crate::model::place::{Show, Span, Text};
use crate::model::spans::Syntax;
use crate::model::{ClassName, LeakKind, Place};
use crate::problem::Problem;

use super::file::{MAX_TEXT, words};
use super::parts::{self, Parts, RowForm, Rows};
use super::source::Candidate;
use super::sql::{SqlError, SqlRow, SqlRows, text_array};
use super::tally::{Side, Tally};

/// Reads everything but the rows of classes.
pub fn read(candidate: &Candidate, parts: &mut Parts) {
    // Rows of people's data stand in the same text, so none of it is ever shown.
    let text = candidate.whole(MAX_TEXT).ok().flatten().map(|bytes| Text::new(&bytes, Show::Nothing, Syntax::Plain));
    let mut has_rows = false;
    let outcome = candidate.bytes.open(|bytes| {
        let mut rows = SqlRows::new(bytes);
        while let Some(row) = rows.next_row()? {
            has_rows |= is_row_of_class(&row);
            take(candidate, &row, text.as_ref(), parts);
        }
        Ok::<(), SqlError>(())
    });
    parts.rows.extend(has_rows.then_some(Rows { class: None, form: RowForm::Sql }));
    parts.text = text;
    let error = match outcome {
        Ok(Ok(())) => return,
        Ok(Err(error)) => error.to_string(),
        Err(error) => words(&error),
    };
    parts.problems.push(Problem::new(&candidate.path, error, "the rest of the file was not read"));
}

fn take(candidate: &Candidate, row: &SqlRow, text: Option<&Text>, parts: &mut Parts) {
    let class = ClassName::from(row.table.as_str());
    let at = match text {
        Some(text) => Place::Text { file: candidate.file, span: first_line(text, row.at) },
        None => Place::File { file: candidate.file },
    };
    if class == "_Role" {
        parts.take_role(&document(row), at.clone());
    }
    if is_row_of_class(row) {
        return;
    }
    let document = document(row);
    if let Some(kind) = parts::kind(&document, true, &class) {
        parts.take(&document, &kind, &class, at);
    }
}

/// The statement up to its first value: what tells the row without showing it.
fn first_line(text: &Text, (offset, length): (u64, u64)) -> Span {
    let skipped = if text.had_bom { 3 } else { 0 };
    let start = usize::try_from(offset).unwrap_or(usize::MAX).saturating_sub(skipped);
    let end = start.saturating_add(usize::try_from(length).unwrap_or(usize::MAX));
    let row = text.text.get(start..end.min(text.text.len())).unwrap_or_default();
    let line = row.split(['\n', '\r']).next().unwrap_or_default();
    Span::new(&text.text, start, start + line.len())
}

/// A row as a document: arrays of text and JSON become values, everything else is text.
fn document(row: &SqlRow) -> Map<String, Value> {
    let mut document = Map::new();
    for (column, value) in &row.values {
        let value = match value {
            None => Value::Null,
            Some(bytes) if matches!(column.as_str(), "_rperm" | "_wperm") => match text_array(bytes) {
                Some(list) => list.iter().map(|entry| Value::from(String::from_utf8_lossy(entry))).collect(),
                None => Value::Null,
            },
            Some(bytes) if bytes.starts_with(b"{") => {
                serde_json::from_slice(bytes).unwrap_or_else(|_| Value::from(String::from_utf8_lossy(bytes)))
            }
            Some(bytes) => Value::from(String::from_utf8_lossy(bytes)),
        };
        document.insert(column.clone(), value);
    }
    document
}

/// Whether a row is one of a class, and not of a table that only the server uses.
pub fn is_row_of_class(row: &SqlRow) -> bool {
    row.values.contains_key("_rperm")
}

/// Counts a row.
pub fn count_row(row: &SqlRow, tally: &mut Tally<'_>) {
    let value = |column: &str| row.values.get(column).and_then(Option::as_deref);
    tally.begin();
    tally.id(value("objectId").unwrap_or_default());
    for (column, side) in [("_rperm", Side::Read), ("_wperm", Side::Write)] {
        let Some(array) = value(column) else { continue };
        let Some(entries) = text_array(array) else { return tally.unreadable() };
        tally.side(side);
        entries.iter().for_each(|entry| tally.entry(side, entry));
    }
    let leaks = [
        ("sessionToken", LeakKind::SessionToken),
        ("_session_token", LeakKind::SessionToken),
        ("_hashed_password", LeakKind::PasswordHash),
        ("masterKey", LeakKind::MasterKey),
    ];
    for (column, kind) in leaks {
        if value(column).is_some_and(|secret| !secret.is_empty()) {
            tally.leak(kind);
        }
    }
    tally.end();
}
