//! The access matrix for auditors: a line for each class, principal and operation.

use std::collections::HashMap;
use std::io::{self, Write};

use crate::model::{Class, Known, Operation};
use crate::permit::{Caller, Cell, Engine, Reach};

use super::{Report, Reporter, clean};

/// Writes the access matrix.
#[derive(Debug, Clone, Copy)]
pub struct CsvReporter;

const HEADER: [&str; 8] =
    ["class", "operation", "principal", "reach", "rows", "total_rows", "dormant", "visible_fields"];

impl Reporter for CsvReporter {
    fn write(&self, report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
        let engine = Engine::new(&report.snapshot.app);
        let principals = engine.principals().into_iter();
        let callers: Vec<(String, Caller)> =
            principals.map(|principal| (cell_text(&principal.to_string()), engine.caller(&principal))).collect();
        let mut csv = csv::WriterBuilder::new().from_writer(io::BufWriter::with_capacity(1 << 16, out));
        csv.write_record(HEADER).map_err(of_output)?;
        for class in report.snapshot.app.classes.values() {
            let name = cell_text(class.name.as_str());
            let roles = engine.deciding_roles(class);
            // Most roles are nothing to a class; what they share is worked out once.
            let mut known: HashMap<Caller, Vec<Line>> = HashMap::new();
            for (principal, caller) in &callers {
                let lines =
                    known.entry(caller.among(&roles)).or_insert_with_key(|caller| lines(&engine, caller, class));
                for Line { op, reach, reached, total, dormant, fields } in lines {
                    csv.write_record([&name, op.key(), principal, reach, reached, total, dormant, fields])
                        .map_err(of_output)?;
                }
            }
        }
        csv.flush()
    }
}

/// The error of the output itself, so that a closed pipe is known for one.
fn of_output(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        kind => io::Error::other(format!("{kind:?}")),
    }
}

/// What the matrix says of one operation on a class.
struct Line {
    op: Operation,
    reach: &'static str,
    reached: String,
    total: String,
    dormant: &'static str,
    fields: String,
}

/// What the matrix says of one caller and a class.
fn lines(engine: &Engine<'_>, caller: &Caller, class: &Class) -> Vec<Line> {
    let fields = match &engine.visible_in_reach(caller, class) {
        Known::Read(fields) => fields.iter().map(|field| field.as_str()).collect::<Vec<_>>().join(" "),
        Known::Unread(_) => "unknown".to_owned(),
    };
    let line = |op| {
        let Cell { reach, rows, dormant } = engine.cell(caller, class, op);
        let (reached, total) = match rows {
            Known::Read(rows) => (rows.reached.to_string(), rows.total.to_string()),
            Known::Unread(_) => (String::new(), String::new()),
        };
        let shown =
            matches!(op, Operation::Find | Operation::Get) && reach.read().is_some_and(|reach| *reach > Reach::None);
        let reach = match reach {
            Known::Read(reach) => reach.words(),
            Known::Unread(_) => "unknown",
        };
        let fields = if shown { cell_text(&fields) } else { String::new() };
        Line { op, reach, reached, total, dormant: if dormant { "yes" } else { "" }, fields }
    };
    Operation::ALL.into_iter().map(line).collect()
}

/// A text that spreadsheets show and do not run.
fn cell_text(text: &str) -> String {
    let text = clean::text(text);
    if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text.into_owned() }
}
