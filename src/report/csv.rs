//! The access matrix for auditors: a line for each class, principal and operation.

use std::io::{self, Write};

use crate::model::{Known, Operation, Principal};
use crate::permit::{Caller, Cell, Engine};

use super::{Report, Reporter, clean};

/// Writes the access matrix.
#[derive(Debug, Clone, Copy)]
pub struct CsvReporter;

const HEADER: [&str; 8] =
    ["class", "operation", "principal", "reach", "rows", "total_rows", "dormant", "visible_fields"];

impl Reporter for CsvReporter {
    fn write(&self, report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
        let engine = Engine::new(&report.snapshot.app);
        let principals = engine.principals();
        let callers: Vec<(String, &Principal, Caller)> = principals
            .iter()
            .map(|principal| (cell_text(&principal.to_string()), principal, engine.caller(principal)))
            .collect();
        let mut csv = csv::WriterBuilder::new().from_writer(io::BufWriter::with_capacity(1 << 16, out));
        csv.write_record(HEADER).map_err(of_output)?;
        for class in report.snapshot.app.classes.values() {
            let name = cell_text(class.name.as_str());
            for (principal, who, caller) in &callers {
                let visible = match who {
                    Principal::Owner(column) => engine.visible_to_owner(caller, class, column),
                    _ => engine.visible(caller, class),
                };
                let fields = match &visible {
                    Known::Read(fields) => fields.iter().map(|field| field.as_str()).collect::<Vec<_>>().join(" "),
                    Known::Unread(_) => "unknown".to_owned(),
                };
                for op in Operation::ALL {
                    let Cell { reach, rows, dormant } = engine.cell(caller, class, op);
                    let (reached, total) = match rows {
                        Known::Read(rows) => (rows.reached.to_string(), rows.total.to_string()),
                        Known::Unread(_) => (String::new(), String::new()),
                    };
                    let shown = matches!(op, Operation::Find | Operation::Get)
                        && reach.read().is_some_and(|reach| *reach > crate::permit::Reach::None);
                    let reach = match reach {
                        Known::Read(reach) => reach.words(),
                        Known::Unread(_) => "unknown",
                    };
                    let fields = if shown { cell_text(&fields) } else { String::new() };
                    let dormant = if dormant { "yes" } else { "" };
                    csv.write_record([name.as_str(), op.key(), principal, reach, &reached, &total, dormant, &fields])
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

/// A text that spreadsheets show and do not run.
fn cell_text(text: &str) -> String {
    let text = clean::text(text);
    if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text.into_owned() }
}
