//! From Markdown to a rule. Every mistake is shown with its line, a caret and what
//! would have been allowed.
//!
//! The grammar: front matter between `+++` lines; in the body a `###` heading opens
//! a case; a fenced block with a path after the language is a file of that case; a
//! block `findings` lists what must be found. Other blocks are illustration.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use crate::mistake::Mistake;
use crate::model::RuleId;
use crate::severity::{Confidence, Severity};

use super::flow::FlowMatcher;
use super::option::{OPTION_PLACEHOLDERS, OptionMatcher};
use super::secret::{SECRET_PLACEHOLDERS, SecretMatcher};
use super::vocabulary::{CODE, FLOW_PLACEHOLDERS, NOUNS, PERMISSION_PLACEHOLDERS, noun};
use super::{Case, FactMatcher, Matcher, PermissionMatcher, Rule};

/// Headings that explain a rule, in this order.
pub const SECTIONS: [&str; 3] = ["What it finds", "Why it matters", "How to fix it"];

/// The front matter as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Front {
    id: Spanned<String>,
    title: Spanned<String>,
    severity: Severity,
    confidence: Confidence,
    since: Spanned<String>,
    #[serde(default)]
    tags: Vec<String>,
    cwe: Vec<u32>,
    owasp: Vec<Spanned<String>>,
    #[serde(default)]
    risk: Vec<Spanned<String>>,
    fix: String,
    see: Spanned<String>,
    group: Option<Spanned<String>>,
    #[serde(default)]
    covers: Vec<String>,
    permission: Option<Spanned<PermissionMatcher>>,
    grant: Option<Spanned<FactMatcher>>,
    protection: Option<Spanned<FactMatcher>>,
    rows: Option<Spanned<FactMatcher>>,
    role: Option<Spanned<FactMatcher>>,
    stored: Option<Spanned<FactMatcher>>,
    probe: Option<Spanned<FactMatcher>>,
    server: Option<Spanned<FactMatcher>>,
    deployment: Option<Spanned<FactMatcher>>,
    database: Option<Spanned<FactMatcher>>,
    schema: Option<Spanned<FactMatcher>>,
    ignore: Option<Spanned<FactMatcher>>,
    drift: Option<Spanned<FactMatcher>>,
    secret: Option<Spanned<SecretMatcher>>,
    package: Option<Spanned<FactMatcher>>,
    code: Option<Spanned<FactMatcher>>,
    flow: Option<Spanned<FlowMatcher>>,
    option: Option<Spanned<OptionMatcher>>,
}

/// Reads the text of a rule's file.
///
/// # Errors
///
/// The first mistake.
pub fn parse(path: &str, text: &str) -> Result<Rule, Mistake> {
    Parser { path, text, proven: true }.rule()
}

/// Reads a rule's file whose cases are still to be given their findings.
///
/// # Errors
///
/// The first mistake.
pub fn parse_unproven(path: &str, text: &str) -> Result<Rule, Mistake> {
    Parser { path, text, proven: false }.rule()
}

struct Parser<'t> {
    path: &'t str,
    text: &'t str,
    /// Whether there must be a case that fires and one that does not.
    proven: bool,
}

impl Parser<'_> {
    fn error(&self, span: Range<usize>, message: impl Into<String>, expected: Option<String>) -> Mistake {
        Mistake::new(self.path, self.text, span, message, expected)
    }

    fn at_line(&self, line: usize, message: impl Into<String>, expected: Option<&str>) -> Mistake {
        let start: usize = self.text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
        let length = self.text.get(start..).and_then(|rest| rest.split('\n').next()).map_or(0, str::len);
        self.error(start..start + length, message, expected.map(str::to_owned))
    }

    fn rule(&self) -> Result<Rule, Mistake> {
        let (front_start, front_end) = self.front_matter()?;
        let front_text = self.text.get(front_start..front_end).unwrap_or_default();
        let front: Front =
            toml::from_str(front_text).map_err(|error| Mistake::of_toml(self.path, self.text, front_start, &error))?;
        let shift = |span: Range<usize>| span.start + front_start..span.end + front_start;
        let body_start = front_end + "+++\n".len();
        let body = self.text.get(body_start.min(self.text.len())..).unwrap_or_default();
        self.check_front(&front, &shift)?;
        let matcher = self.matcher(&front, &shift)?;
        let first_line = self.text.get(..body_start.min(self.text.len())).map_or(0, |head| head.matches('\n').count());
        let cases = self.cases(body, first_line)?;
        self.check_body(&front, body, first_line, &cases)?;
        Ok(Rule {
            id: RuleId::from(front.id.into_inner()),
            title: front.title.into_inner(),
            severity: front.severity,
            confidence: front.confidence,
            since: front.since.into_inner(),
            tags: front.tags,
            cwe: front.cwe,
            owasp: front.owasp.into_iter().map(Spanned::into_inner).collect(),
            risk: front.risk.into_iter().map(Spanned::into_inner).collect(),
            fix: front.fix,
            see: front.see.into_inner(),
            group: front.group.map(Spanned::into_inner),
            covers: front.covers.into_iter().map(RuleId::from).collect(),
            matcher,
            body: body.trim().to_owned(),
            path: self.path.to_owned(),
            cases,
        })
    }

    /// Start and end of the text between the two `+++` lines.
    fn front_matter(&self) -> Result<(usize, usize), Mistake> {
        let expected = "a rule begins with TOML between two lines `+++`";
        if !self.text.starts_with("+++\n") {
            return Err(self.at_line(1, "no front matter", Some(expected)));
        }
        match self.text.get(4..).and_then(|rest| rest.find("\n+++\n")) {
            Some(end) => Ok((4, 4 + end + 1)),
            None => Err(self.at_line(1, "the front matter does not end", Some(expected))),
        }
    }

    fn check_front(&self, front: &Front, shift: &dyn Fn(Range<usize>) -> Range<usize>) -> Result<(), Mistake> {
        let name = self.path.rsplit('/').next().unwrap_or(self.path);
        let id = front.id.get_ref();
        let wrong = |message: &str, span: Range<usize>, expected: &str| {
            Err(self.error(shift(span), message, Some(expected.to_owned())))
        };
        if name.strip_suffix(".md") != Some(id.as_str()) {
            return wrong(
                "the id is not the name of the file",
                front.id.span(),
                &format!("expected the file `{id}.md`"),
            );
        }
        let kebab = id.split('-').all(|part| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        });
        if !kebab || !id.contains('-') || id.starts_with("no-") {
            let expected =
                "expected words in lower case with `-` between them, that complete the sentence \"ignore …\"";
            return wrong("the id is not a name", front.id.span(), expected);
        }
        if front.title.get_ref().ends_with('.') {
            return wrong("the title ends with a full stop", front.title.span(), "expected a fact without a full stop");
        }
        if semver::Version::parse(front.since.get_ref()).is_err() {
            return wrong("`since` is no version", front.since.span(), "expected a version such as 0.1.0");
        }
        let is_category = |text: &str| {
            let (list, year) = text.split_once(':').unwrap_or_default();
            let number = list.strip_prefix("API").or_else(|| list.strip_prefix('A')).unwrap_or_default();
            !number.is_empty()
                && number.bytes().all(|byte| byte.is_ascii_digit())
                && matches!(year, "2021" | "2023" | "2025")
        };
        if let Some(bad) = front.owasp.iter().find(|category| !is_category(category.get_ref())) {
            return wrong(
                "not a category of OWASP",
                bad.span(),
                "expected a category such as A01:2021, A01:2025 or API1:2023",
            );
        }
        let is_risk = |text: &str| {
            text.strip_prefix("PA")
                .is_some_and(|number| number.len() == 3 && number.bytes().all(|byte| byte.is_ascii_digit()))
        };
        if let Some(bad) = front.risk.iter().find(|risk| !is_risk(risk.get_ref())) {
            return wrong("not the id of a risk", bad.span(), "expected an id such as PA101");
        }
        if !front.see.get_ref().starts_with("https://") {
            return wrong("`see` is no address", front.see.span(), "expected an address that begins with https://");
        }
        match &front.group {
            Some(group) if !group.get_ref().contains("{n}") => {
                wrong("the headline has no number", group.span(), "expected `{n}` in it")
            }
            _ => Ok(()),
        }
    }

    fn matcher(&self, front: &Front, shift: &dyn Fn(Range<usize>) -> Range<usize>) -> Result<Matcher, Mistake> {
        let facts = [
            ("grant", &front.grant),
            ("protection", &front.protection),
            ("rows", &front.rows),
            ("role", &front.role),
            ("stored", &front.stored),
            ("probe", &front.probe),
            ("server", &front.server),
            ("deployment", &front.deployment),
            ("database", &front.database),
            ("schema", &front.schema),
            ("ignore", &front.ignore),
            ("drift", &front.drift),
            ("package", &front.package),
            ("code", &front.code),
        ];
        let given: Vec<_> = facts.into_iter().filter_map(|(table, facts)| Some((table, facts.as_ref()?))).collect();
        let tables = NOUNS.map(|noun| noun.table).join("], [");
        let expected =
            format!("expected exactly one of the tables [permission], [{tables}], [flow], [option], [secret]");
        let mut others = vec![
            front.permission.as_ref().map(Spanned::span),
            front.flow.as_ref().map(Spanned::span),
            front.option.as_ref().map(Spanned::span),
            front.secret.as_ref().map(Spanned::span),
        ];
        others.extend(given.iter().map(|(_, facts)| Some(facts.span())));
        if others.iter().flatten().count() > 1 {
            let span = others.into_iter().flatten().next().unwrap_or_default();
            return Err(self.error(shift(span), "more than one matcher table", Some(expected)));
        }
        if let Some((table, facts)) = given.first() {
            return self.facts(table, facts.get_ref(), shift(facts.span()));
        }
        match (&front.permission, &front.flow, &front.option, &front.secret) {
            (Some(permission), ..) => self.permission(permission.get_ref(), shift(permission.span())),
            (_, Some(flow), ..) => self.flow(flow.get_ref(), shift(flow.span())),
            (_, _, Some(option), _) => self.option(option.get_ref(), shift(option.span())),
            (.., Some(secret)) => self.secret(secret, shift(secret.span())),
            (None, None, None, None) => Err(self.at_line(1, "no matcher table", Some(&expected))),
        }
    }

    /// The table `[permission]`.
    fn permission(&self, matcher: &PermissionMatcher, span: Range<usize>) -> Result<Matcher, Mistake> {
        self.check_message(&matcher.message, span.clone(), PERMISSION_PLACEHOLDERS)?;
        if matcher.can.is_empty() {
            return Err(self.error(span, "`can` is empty", Some("expected at least one operation".to_owned())));
        }
        Ok(Matcher::Permission(Box::new(matcher.clone())))
    }

    /// The table `[option]`.
    fn option(&self, matcher: &OptionMatcher, span: Range<usize>) -> Result<Matcher, Mistake> {
        self.check_message(&matcher.message, span.clone(), OPTION_PLACEHOLDERS)?;
        if matcher.name.is_empty() {
            let expected = "expected at least one option, such as \"fileUpload.enableForPublic\"";
            return Err(self.error(span, "`name` is empty", Some(expected.to_owned())));
        }
        Ok(Matcher::Option(Box::new(matcher.clone())))
    }

    /// The table `[secret]`.
    fn secret(&self, secret: &Spanned<SecretMatcher>, span: Range<usize>) -> Result<Matcher, Mistake> {
        let matcher = secret.get_ref();
        self.check_message(&matcher.message, span.clone(), SECRET_PLACEHOLDERS)?;
        match matcher.fault() {
            Some((message, expected)) => Err(self.error(span, message, Some(expected.to_owned()))),
            None => Ok(Matcher::Secret(Box::new(matcher.clone()))),
        }
    }

    /// A table of facts.
    fn facts(&self, table: &str, matcher: &FactMatcher, span: Range<usize>) -> Result<Matcher, Mistake> {
        let Some(noun) = noun(table) else { return Err(self.error(span, format!("unknown table [{table}]"), None)) };
        self.check_message(&matcher.message, span.clone(), noun.placeholders)?;
        let known: BTreeSet<&str> = noun.facts.iter().map(|fact| fact.name).collect();
        let expected = format!("expected one of `{}`", known.iter().copied().collect::<Vec<_>>().join("`, `"));
        if let Some(bad) = matcher.is.iter().find(|fact| !known.contains(fact.as_str())) {
            let at = self.find_in(span, &format!("\"{bad}\""));
            return Err(self.error(at, format!("unknown fact `{bad}`"), Some(expected)));
        }
        if matcher.is.is_empty() {
            return Err(self.error(span, "`is` is empty", Some(expected)));
        }
        if !matcher.callers.is_empty() && noun.table != CODE.table {
            let expected = "expected `callers` in the table [code] only, whose facts are about handlers";
            let at = self.find_in(span, "callers");
            return Err(self.error(at, format!("nobody calls what [{table}] is about"), Some(expected.to_owned())));
        }
        Ok(Matcher::Facts(noun.table, matcher.clone()))
    }

    /// The table `[flow]`.
    fn flow(&self, matcher: &FlowMatcher, span: Range<usize>) -> Result<Matcher, Mistake> {
        self.check_message(&matcher.message, span.clone(), FLOW_PLACEHOLDERS)?;
        let missing = [
            (matcher.from.is_empty(), "from", "expected at least one source, such as \"client\""),
            (matcher.into.is_empty(), "into", "expected a call, such as { call = \"axios.get\", argument = \"0\" }"),
        ];
        match missing.into_iter().find(|(is_empty, ..)| *is_empty) {
            Some((_, key, expected)) => Err(self.error(span, format!("`{key}` is empty"), Some(expected.to_owned()))),
            None => Ok(Matcher::Flow(Box::new(matcher.clone()))),
        }
    }

    /// The first place of a text inside a span, or the span.
    fn find_in(&self, span: Range<usize>, text: &str) -> Range<usize> {
        // The span of a table is that of its header; its keys follow.
        let found = self.text.get(span.start..).and_then(|rest| rest.find(text));
        found.map_or(span.clone(), |at| span.start + at..span.start + at + text.len())
    }

    fn check_message(&self, message: &str, span: Range<usize>, known: &[&str]) -> Result<(), Mistake> {
        let at = self.find_in(span, "message");
        let wrong = |text: &str, expected: String| Err(self.error(at.clone(), text, Some(expected)));
        if message.ends_with('.') || message.chars().next().is_some_and(|first| first.is_uppercase()) {
            return wrong("the message is a sentence", "expected lower case and no full stop at the end".to_owned());
        }
        let mut rest = message;
        while let Some((_, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            if !known.contains(&name) {
                return wrong(
                    &format!("unknown placeholder `{{{name}}}`"),
                    format!("expected one of `{{{}}}`", known.join("}`, `{")),
                );
            }
            rest = after;
        }
        Ok(())
    }

    fn check_body(&self, front: &Front, body: &str, first_line: usize, cases: &[Case]) -> Result<(), Mistake> {
        let first = body.lines().position(|line| !line.trim().is_empty());
        let heading = first.and_then(|line| Some((line, body.lines().nth(line)?)));
        let title = format!("# {}", front.title.get_ref());
        match heading {
            Some((_, heading)) if heading == title => {}
            Some((line, _)) => {
                return Err(self.at_line(
                    first_line + line + 1,
                    "the first heading is not the title",
                    Some(&format!("expected `{title}`")),
                ));
            }
            None => return Err(self.at_line(first_line, "no documentation", Some(&format!("expected `{title}`")))),
        }
        for section in SECTIONS {
            if !body.lines().any(|line| line == format!("## {section}")) {
                let last = first_line + body.lines().count();
                return Err(self.at_line(
                    last,
                    format!("no section `## {section}`"),
                    Some(&format!("expected the sections {}", SECTIONS.join(", "))),
                ));
            }
        }
        let fires = cases.iter().any(|case| !case.findings.is_empty());
        let silent = cases.iter().any(|case| case.findings.is_empty());
        if (fires && silent) || !self.proven {
            return Ok(());
        }
        let missing = if fires { "no case that stays silent" } else { "no case that fires" };
        let last = first_line + body.lines().count();
        Err(self.at_line(
            last,
            missing,
            Some("expected a `###` heading with files, and a block `findings` in one of the cases but not in all"),
        ))
    }

    fn cases(&self, body: &str, first_line: usize) -> Result<Vec<Case>, Mistake> {
        let mut cases: Vec<Case> = Vec::new();
        let mut lines = body.lines().enumerate().peekable();
        while let Some((number, line)) = lines.next() {
            let number = first_line + number + 1;
            if let Some(title) = line.strip_prefix("### ") {
                cases.push(Case {
                    title: title.trim().to_owned(),
                    line: number,
                    files: BTreeMap::new(),
                    findings: Vec::new(),
                });
                continue;
            }
            let Some(info) = line.strip_prefix("```") else { continue };
            let fence = "`".repeat(3 + info.len() - info.trim_start_matches('`').len());
            let mut content = String::new();
            loop {
                match lines.next() {
                    Some((_, line)) if line.trim_end() == fence => break,
                    Some((_, line)) => {
                        content.push_str(line);
                        content.push('\n');
                    }
                    None => {
                        return Err(self.at_line(
                            number,
                            "the block does not end",
                            Some(&format!("expected a line `{fence}`")),
                        ));
                    }
                }
            }
            self.take_block(info.trim_start_matches('`').trim(), content, number, cases.last_mut())?;
        }
        if let Some(empty) = cases.iter().find(|case| case.files.is_empty()) {
            return Err(self.at_line(
                empty.line,
                "the case has no files",
                Some("expected a block such as ```json schema/Order.json"),
            ));
        }
        Ok(cases)
    }

    fn take_block(&self, info: &str, content: String, line: usize, case: Option<&mut Case>) -> Result<(), Mistake> {
        if info == "findings" {
            let Some(case) = case else {
                return Err(self.at_line(line, "findings outside a case", Some("expected a `###` heading before it")));
            };
            for (number, found) in content.lines().enumerate() {
                let parts: Vec<&str> = found.split("  ").map(str::trim).filter(|part| !part.is_empty()).collect();
                let &[place, subject] = parts.as_slice() else {
                    return Err(self.at_line(
                        line + number + 1,
                        "not a finding",
                        Some("expected `PATH  SUBJECT` or `PATH:LINE  SUBJECT`, with two blanks between"),
                    ));
                };
                case.findings.push(format!("{place}  {subject}"));
            }
            case.findings.sort();
            return Ok(());
        }
        let (Some((_, path)), Some(case)) = (info.split_once(' '), case) else { return Ok(()) };
        if case.files.insert(path.trim().to_owned(), content).is_some() {
            return Err(self.at_line(line, "the case has two files of this name", None));
        }
        Ok(())
    }
}
