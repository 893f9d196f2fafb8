//! Workflow commands of GitHub Actions: an annotation for each finding.

use std::io::{self, Write};

use crate::severity::Severity;

use super::{Report, Reporter, clean, rows_in_words};

/// Writes workflow commands.
#[derive(Debug, Clone, Copy)]
pub struct GithubReporter;

impl Reporter for GithubReporter {
    fn write(&self, report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
        for found in report.found() {
            let finding = found.finding;
            let level = match found.finding.severity {
                Severity::Critical | Severity::High => "error",
                Severity::Medium => "warning",
                Severity::Low | Severity::Info => "notice",
            };
            let mut properties = vec![("file", report.path(&finding.at))];
            if let Some(region) = report.region(&finding.at) {
                properties.extend([
                    ("line", region.line.to_string()),
                    ("endLine", region.end_line.to_string()),
                    ("col", region.column.to_string()),
                    ("endColumn", region.end_column.to_string()),
                ]);
            }
            properties.push(("title", format!("{} ({})", found.rule.title, found.finding.severity)));
            let rows = rows_in_words(finding).map(|rows| format!("; {rows}")).unwrap_or_default();
            let source = finding.path.first().map(|(place, _)| format!("; from {}", report.where_is(place)));
            let source = source.unwrap_or_default();
            let message = format!("{}{rows}{source}. {} [{}]", finding.message, found.rule.fix, finding.rule);
            let properties: Vec<String> =
                properties.iter().map(|(name, value)| format!("{name}={}", property(value))).collect();
            writeln!(out, "::{level} {}::{}", properties.join(","), data(&message))?;
        }
        for problem in report.problems {
            let path = format!("{}{}", report.before(&problem.path), problem.path);
            let message = format!("{}; {}", problem.message, problem.consequence);
            writeln!(out, "::warning file={},title=Could not be read::{}", property(&path), data(&message))?;
        }
        Ok(())
    }
}

/// Escapes the text of a command.
///
/// Source: actions/toolkit, `command.ts` (`escapeData`).
fn data(text: &str) -> String {
    clean::text(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes a property of a command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
