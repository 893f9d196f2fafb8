//! The report for people: in a terminal, in a pipe, in a log.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use crate::model::Place;
use crate::model::place::Content;
use crate::rules::Matcher;
use crate::severity::Severity;

use super::snippet::{self, Style};
use super::{Found, Group, Report, Reporter, clean, headline, rows_in_words};

/// How to write.
#[derive(Debug, Clone)]
pub struct TextReporter {
    /// With colours.
    pub color: bool,
    /// With lines drawn in Unicode.
    pub unicode: bool,
    /// Columns of the terminal; text is wrapped before.
    pub width: usize,
    /// Every finding on its own, none told as one of many; and what was ignored.
    pub all: bool,
    /// Only the findings and what could not be read.
    pub quiet: bool,
    /// Inside GitHub Actions: a word that stops the log from taking lines for commands.
    pub stop_word: Option<String>,
}

/// Columns before the text of a finding: `CRITICAL  `.
const MARGIN: usize = 10;

/// So many of many findings are named.
const NAMED: usize = 8;

impl Reporter for TextReporter {
    fn write(&self, report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
        if let Some(word) = &self.stop_word {
            writeln!(out, "::stop-commands::{word}")?;
        }
        Writer { style: self, report, out }.write()?;
        if let Some(word) = &self.stop_word {
            writeln!(out, "::{word}::")?;
        }
        Ok(())
    }
}

struct Writer<'a, 'r> {
    style: &'a TextReporter,
    report: &'a Report<'r>,
    out: &'a mut dyn Write,
}

impl Writer<'_, '_> {
    fn write(&mut self) -> io::Result<()> {
        if !self.style.quiet {
            self.head()?;
        }
        let groups = self.report.groups();
        let (open, dormant): (Vec<&Group<'_>>, Vec<&Group<'_>>) =
            groups.iter().partition(|group| group.severity > Severity::Info);
        for group in &open {
            self.group(group)?;
        }
        if !dormant.is_empty() {
            self.line("", "Worth knowing: open on paper, and nothing is within reach today")?;
            self.blank()?;
            for group in &dormant {
                self.group(group)?;
            }
        }
        self.problems()?;
        if !self.style.quiet {
            self.do_first()?;
            self.ignored()?;
            self.gaps()?;
        }
        self.summary()
    }

    fn head(&mut self) -> io::Result<()> {
        let report = self.report;
        let app = &report.snapshot.app;
        let mut facts = vec![count(app.classes.len(), "class", "classes")];
        if let Some(roles) = app.roles.read() {
            facts.push(count(roles.by_name.len(), "role", "roles"));
        }
        let rows: u64 = app.classes.values().filter_map(|class| class.rows.read()).map(|census| census.rows()).sum();
        if rows > 0 {
            facts.push(format!("{rows} rows"));
        }
        if let Some(found) = app.server.version.read() {
            facts.push(format!("parse-server {} ({})", found.version, found.from.words()));
        }
        let name = report.app.clone().unwrap_or_else(|| report.target.clone());
        let line = format!("parse-audit {} · {} · {}", env!("CARGO_PKG_VERSION"), name, facts.join(" · "));
        self.wrapped("", &line)?;
        self.blank()
    }

    fn group(&mut self, group: &Group<'_>) -> io::Result<()> {
        let Some(first) = group.findings.first() else { return Ok(()) };
        if self.style.all || group.findings.len() == 1 {
            for found in &group.findings {
                self.finding(found)?;
            }
            return Ok(());
        }
        self.heading(group.severity, &headline(group))?;
        // What a key is called means nothing to a reader; where it lies does.
        let name = |found: &Found<'_>| match found.rule.matcher {
            Matcher::Secret(_) => self.report.where_is(&found.finding.at),
            _ => found.finding.subject.clone(),
        };
        let named: Vec<String> = group.findings.iter().take(NAMED).map(name).collect();
        let rest = group.findings.len() - named.len();
        let more = if rest > 0 { format!(" and {rest} more (all with --verbose)") } else { String::new() };
        self.wrapped(&" ".repeat(MARGIN), &format!("{}{more}", named.join(", ")))?;
        self.place(first)?;
        self.fix(first)
    }

    fn finding(&mut self, found: &Found<'_>) -> io::Result<()> {
        let rows = rows_in_words(found.finding).map(|rows| format!("; {rows}")).unwrap_or_default();
        self.heading(found.finding.severity, &format!("{}{rows}", found.finding.message))?;
        self.place(found)?;
        if self.style.all {
            self.advisories(found)?;
        }
        self.fix(found)
    }

    /// The advisories about a package, each with what was decided.
    fn advisories(&mut self, found: &Found<'_>) -> io::Result<()> {
        for judged in self.report.package(found.finding).iter().flat_map(|package| &package.advisories) {
            let margin = " ".repeat(MARGIN);
            self.hanging(&margin, "", &format!("{}: {}", judged.advisory.id, judged.in_words()))?;
        }
        Ok(())
    }

    fn heading(&mut self, severity: Severity, message: &str) -> io::Result<()> {
        let word = format!("{:<MARGIN$}", severity.word().to_uppercase());
        let lines = self.wrap(message, self.style.width.saturating_sub(MARGIN));
        for (number, line) in lines.iter().enumerate() {
            let margin = if number == 0 { self.paint(severity, &word) } else { " ".repeat(MARGIN) };
            let line = if self.style.color { format!("\u{1b}[1m{line}\u{1b}[0m") } else { line.clone() };
            writeln!(self.out, "{margin}{line}")?;
        }
        Ok(())
    }

    fn place(&mut self, found: &Found<'_>) -> io::Result<()> {
        let finding = found.finding;
        self.line(&" ".repeat(MARGIN), &format!("{} at {}", finding.rule, self.report.where_is(&finding.at)))?;
        let drawn = || {
            let Content::Text(text) = &self.report.source(&finding.at)?.content else { return None };
            let span = self.report.snapshot.texts.span(&finding.at)?;
            let style = Style { color: self.style.color, unicode: self.style.unicode };
            Some(snippet::draw(text, self.report.lines(&finding.at)?, span, found.finding.severity, style))
        };
        if let Some(drawn) = drawn() {
            self.out.write_all(self.log(&drawn).as_bytes())?;
        }
        for (place, what) in finding.related.iter().take(3) {
            self.wrapped(&" ".repeat(MARGIN), &format!("{}: {what}", self.report.where_is(place)))?;
        }
        self.steps(&finding.path)
    }

    /// The way of a value through code: every step, or where it begins and how many there are.
    fn steps(&mut self, path: &[(Place, String)]) -> io::Result<()> {
        let margin = " ".repeat(MARGIN);
        if self.style.all {
            for (number, (place, what)) in path.iter().enumerate() {
                let step = format!("{}: {what}", self.report.where_is(place));
                self.hanging(&margin, &format!("{}. ", number + 1), &step)?;
            }
            return Ok(());
        }
        let [(source, _), _, ..] = path else { return Ok(()) };
        let steps = count(path.len(), "step", "steps");
        self.wrapped(&margin, &format!("in {steps} from {} (all with --verbose)", self.report.where_is(source)))
    }

    fn fix(&mut self, found: &Found<'_>) -> io::Result<()> {
        self.hanging(&" ".repeat(MARGIN), "fix  ", &found.rule.fix)?;
        self.blank()
    }

    fn do_first(&mut self) -> io::Result<()> {
        let first = self.report.do_first();
        let total = self.report.outcome.findings.len();
        // Where there is little to do, the order of the findings says it all.
        if first.is_empty() || total <= first.len() {
            return Ok(());
        }
        self.line("", "Do first")?;
        for (number, group) in first.iter().enumerate() {
            let Some(found) = group.findings.first() else { continue };
            let what = if group.findings.len() > 1 { headline(group) } else { found.finding.message.clone() };
            self.hanging("  ", &format!("{}. ", number + 1), &format!("{what} ({})", group.rule.id))?;
        }
        self.blank()
    }

    fn problems(&mut self) -> io::Result<()> {
        if self.report.problems.is_empty() {
            return Ok(());
        }
        self.line("", "Could not be read")?;
        for problem in self.report.problems {
            let shown = format!("{}{problem}", self.report.before(&problem.path));
            self.hanging("  ", "", &shown)?;
        }
        self.blank()
    }

    fn ignored(&mut self) -> io::Result<()> {
        let suppressed = &self.report.outcome.suppressed;
        if suppressed.is_empty() {
            return Ok(());
        }
        self.line("", &format!("Ignored: {}", count(suppressed.len(), "finding", "findings")))?;
        for ignored in suppressed.iter().filter(|_| self.style.all) {
            let until = ignored.until.map(|until| format!(" until {until}")).unwrap_or_default();
            self.hanging("  ", "", &format!("{}: {}{until}", ignored.finding.name(), ignored.reason))?;
        }
        self.blank()
    }

    fn gaps(&mut self) -> io::Result<()> {
        self.line("", "Not checked")?;
        for gap in self.report.gaps() {
            self.hanging("  ", "", &format!("{}: {}", gap.topic, gap.reason))?;
        }
        self.blank()
    }

    fn summary(&mut self) -> io::Result<()> {
        let counts: Vec<String> = self
            .report
            .counts()
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(severity, count)| format!("{count} {severity}"))
            .collect();
        let found = if counts.is_empty() { "no findings".to_owned() } else { counts.join(" · ") };
        let incomplete = if self.report.problems.is_empty() { "" } else { " · incomplete" };
        self.line("", &format!("{found}{incomplete} · exit {}", self.report.exit_code))
    }

    /// A text behind a mark, wrapped so that further lines stand below the first.
    fn hanging(&mut self, margin: &str, mark: &str, text: &str) -> io::Result<()> {
        let indent = margin.len() + mark.len();
        let lines = self.wrap(text, self.style.width.saturating_sub(indent));
        for (number, line) in lines.iter().enumerate() {
            if number == 0 {
                writeln!(self.out, "{margin}{mark}{line}")?;
            } else {
                writeln!(self.out, "{}{line}", " ".repeat(indent.max(4)))?;
            }
        }
        Ok(())
    }

    fn wrapped(&mut self, margin: &str, text: &str) -> io::Result<()> {
        for line in self.wrap(text, self.style.width.saturating_sub(margin.len())) {
            writeln!(self.out, "{margin}{line}")?;
        }
        Ok(())
    }

    fn line(&mut self, margin: &str, text: &str) -> io::Result<()> {
        writeln!(self.out, "{margin}{}", self.log(&clean::text(text)))
    }

    fn blank(&mut self) -> io::Result<()> {
        writeln!(self.out)
    }

    /// Breaks a text at blanks; a word longer than a line stands alone. The text is made safe.
    fn wrap(&self, text: &str, width: usize) -> Vec<String> {
        wrap(&self.log(&clean::text(text)), width)
    }

    fn log(&self, text: &str) -> String {
        if self.style.stop_word.is_some() { clean::log(text) } else { text.to_owned() }
    }

    fn paint(&self, severity: Severity, word: &str) -> String {
        if !self.style.color {
            return word.to_owned();
        }
        let number = match severity {
            Severity::Critical => "1;91",
            Severity::High => "1;31",
            Severity::Medium => "1;33",
            Severity::Low => "1;36",
            Severity::Info => "1;34",
        };
        format!("\u{1b}[{number}m{word}\u{1b}[0m")
    }
}

/// Breaks a text at blanks into lines of a width.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.width() + 1 + word.width() <= width.max(20) => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// A number and its noun.
pub fn count(number: usize, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}
