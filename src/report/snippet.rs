//! A line of source with a mark below it. The only file that imports ariadne.
//!
//! What it is given is made safe first: one line, cut to a window round the mark,
//! with nothing in it that acts on a terminal and nothing that must not be shown.

use ariadne::{CharSet, Color, Config, IndexType, Label, Report, ReportKind, Source};

use crate::model::Span;
use crate::model::place::{Show, Text};
use crate::model::spans::{Syntax, string_end};
use crate::severity::Severity;

use super::clean;
use super::lines::Lines;
use super::literals;

/// Bytes of a line that are shown before and after the mark.
const ROUND: usize = 100;

/// How to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// With colours.
    pub color: bool,
    /// With lines drawn in Unicode.
    pub unicode: bool,
}

/// The line that a span begins on, with a mark below the span. Empty if nothing may be shown.
pub fn draw(text: &Text, lines: &Lines, span: Span, severity: Severity, style: Style) -> String {
    if text.show == Show::Nothing || (text.show == Show::NoValues && text.syntax != Syntax::Json) {
        return String::new();
    }
    let number = lines.line(span.start());
    let range = lines.bytes(number, &text.text);
    let Some(line) = text.text.get(range.clone()) else { return String::new() };
    let mark = span.start() - range.start..span.end().min(range.end).max(span.start()) - range.start;
    let (line, mark) = match (text.syntax, text.show) {
        (Syntax::Json, show) => (mask(line, show), mark),
        (_, Show::Code) => literals::hide(line, mark),
        (_, Show::Everything | Show::NoValues | Show::Nothing) => (line.to_owned(), mark),
    };
    let line = clean::line(&line);
    let Some((line, mark)) = window(&line, mark) else { return String::new() };
    let config = Config::new()
        .with_color(style.color)
        .with_index_type(IndexType::Byte)
        .with_char_set(if style.unicode { CharSet::Unicode } else { CharSet::Ascii });
    let mut label = Label::new(mark.clone());
    if style.color {
        label = label.with_color(color(severity));
    }
    let report = Report::build(ReportKind::Error, mark).with_label(label.with_message("")).with_config(config).finish();
    let mut drawn = Vec::new();
    if report.write(Source::from(line), &mut drawn).is_err() {
        return String::new();
    }
    body(&String::from_utf8_lossy(&drawn), number, style)
}

/// The colour of a severity, as an ANSI number for the text around the snippet too.
pub fn color(severity: Severity) -> Color {
    match severity {
        Severity::Critical => Color::BrightRed,
        Severity::High => Color::Red,
        Severity::Medium => Color::Yellow,
        Severity::Low => Color::Cyan,
        Severity::Info => Color::Blue,
    }
}

/// The line of source and the mark below it, without the report's head, tail and arrow.
///
/// ariadne numbers the only line it was given 1; its true number takes that place.
fn body(drawn: &str, number: usize, style: Style) -> String {
    let (bar, arrow, mark) = if style.unicode { ('│', '┬', "─") } else { ('|', '|', "^") };
    let number = number.to_string();
    let mut body = String::new();
    for (row, line) in drawn.lines().skip(2).take(3).enumerate() {
        let Some((margin, rest)) = line.split_once(bar) else { continue };
        let margin = match row {
            1 => margin.rsplit_once('1').map_or_else(String::new, |(before, after)| format!("{before}{number}{after}")),
            _ => format!("{}{margin}", " ".repeat(number.len() - 1)),
        };
        let rest = if row == 2 { rest.replacen(arrow, mark, 1) } else { rest.to_owned() };
        body.push_str(&format!("{margin}{bar}{}", rest.trim_end()));
        body.push('\n');
    }
    body
}

/// A part of a line round a mark, and the mark in it. `None` if nothing of the line is left.
fn window(line: &str, mark: std::ops::Range<usize>) -> Option<(String, std::ops::Range<usize>)> {
    let mut start = mark.start.saturating_sub(ROUND);
    while !line.is_char_boundary(start) {
        start -= 1;
    }
    let mut mark_end = mark.end.min(mark.start + ROUND).min(line.len());
    while !line.is_char_boundary(mark_end) {
        mark_end += 1;
    }
    let mut end = (mark_end + ROUND).min(line.len());
    while !line.is_char_boundary(end) {
        end += 1;
    }
    let part = line.get(start..end)?;
    let (before, after) = (if start > 0 { "…" } else { "" }, if end < line.len() { "…" } else { "" });
    let shift = |at: usize| at + before.len() - start;
    Some((format!("{before}{part}{after}"), shift(mark.start)..shift(mark_end).max(shift(mark.start))))
}

/// Blanks what must not be shown in a line of JSON: texts that are values, unless
/// everything may be shown, and then still default values and keys that are user ids.
fn mask(line: &str, show: Show) -> String {
    let mut masked = String::with_capacity(line.len());
    let mut rest = line;
    // How deep inside a default value the line is, from its key to the comma or bracket that ends it.
    let mut default: Option<i32> = None;
    while let Some(quote) = rest.find('"') {
        let (before, from_quote) = rest.split_at(quote);
        masked.push_str(before);
        default = default.and_then(|depth| before.chars().try_fold(depth, still_inside));
        let length = string_end(from_quote.as_bytes(), 0);
        let (text, after) = from_quote.split_at(length);
        let is_key = after.trim_start().starts_with(':');
        let inner = text.trim_matches('"');
        let hidden = match (is_key, show) {
            (true, _) => default.is_some() || looks_like_id(inner, after),
            (false, Show::Everything) => default.is_some(),
            (false, Show::Code | Show::NoValues | Show::Nothing) => true,
        };
        if hidden {
            masked.extend(
                text.chars().map(
                    |character| {
                        if character == '"' { "\"".to_owned() } else { "*".repeat(character.len_utf8()) }
                    },
                ),
            );
        } else {
            masked.push_str(text);
        }
        if is_key && default.is_none() && inner == "defaultValue" {
            default = Some(0);
        }
        rest = after;
    }
    masked.push_str(rest);
    masked
}

/// How deep a value is after one more character outside of texts; `None` if the value has ended.
fn still_inside(depth: i32, character: char) -> Option<i32> {
    match character {
        '{' | '[' => Some(depth + 1),
        '}' | ']' => (depth > 0).then_some(depth - 1),
        ',' => (depth > 0).then_some(depth),
        _ => Some(depth),
    }
}

/// Ten letters and digits: an object id as Parse Server makes them. One in six has no
/// digit; it is told from the name of a column by what it is given in `after`.
fn looks_like_id(key: &str, after: &str) -> bool {
    let given = after.trim_start().trim_start_matches(':').trim_start();
    let inner = given.strip_prefix('{').map(str::trim_start).unwrap_or_default();
    let is_grant = given.starts_with("true")
        || given.starts_with('[')
        || inner.starts_with("\"read\"")
        || inner.starts_with("\"write\"");
    key.len() == 10
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && (is_grant || key.bytes().any(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Style = Style { color: false, unicode: true };

    fn drawn(source: &str, marked: &str, show: Show) -> String {
        let text = Text::new(source.as_bytes(), show, Syntax::Json);
        let start = source.find(marked).expect("the mark");
        draw(&text, &Lines::new(source), Span::new(source, start, start + marked.len()), Severity::High, PLAIN)
    }

    #[test]
    fn the_line_keeps_its_number() {
        let shown = drawn("{\n\n  \"find\": {}\n}", "\"find\": {}", Show::Everything);
        assert_eq!(shown, "   │\n 3 │   \"find\": {}\n   │   ──────────\n");
    }

    #[test]
    fn values_of_configurations_are_blanked() {
        let shown = drawn("{ \"restAPIKey\": \"abc\", \"n\": 1 }", "\"restAPIKey\": \"abc\"", Show::NoValues);
        assert!(shown.contains("\"restAPIKey\": \"***\", \"n\": 1") && !shown.contains("abc"), "{shown}");
        assert_eq!(drawn("{}", "{}", Show::Nothing), "");
    }

    #[test]
    fn keys_in_code_are_hidden() {
        let source = "const key = 'open'; run(x);";
        let text = Text::new(source.as_bytes(), Show::Code, Syntax::Plain);
        let start = source.find("run(x)").expect("the mark");
        let shown = draw(&text, &Lines::new(source), Span::new(source, start, start + 6), Severity::High, PLAIN);
        assert!(shown.contains("const key = '…'; run(x);\n   │                  ──────\n"), "{shown}");
    }

    #[test]
    fn user_ids_and_default_values_are_blanked_in_schemas() {
        let shown =
            drawn("{ \"find\": { \"fml7Q9LBzV\": true }, \"defaultValue\": \"x@y\" }", "\"find\"", Show::Everything);
        assert!(!shown.contains("fml7Q9LBzV") && !shown.contains("x@y"), "{shown}");
    }

    #[test]
    fn a_user_id_without_a_digit_is_told_from_a_column() {
        for id in ["\"abcdefGHIJ\": true", "\"abcdefGHIJ\":[\"x\"]", "\"abcdefGHIJ\": { \"read\": true }"] {
            let shown = drawn(&format!("{{ \"find\": {{ {id} }} }}"), "\"find\"", Show::Everything);
            assert!(!shown.contains("abcdefGHIJ"), "{shown}");
        }
        let shown = drawn("{ \"abcdefGHIJ\": { \"type\": \"String\" } }", "\"abcdefGHIJ\"", Show::Everything);
        assert!(shown.contains("abcdefGHIJ"), "{shown}");
    }

    #[test]
    fn a_default_value_is_blanked_to_its_end_and_no_further() {
        let source =
            r#"{ "a": { "defaultValue": { "k": ["v", { "w": "x" }], "y": "z" }, "type": "Object" }, "find": {} }"#;
        let shown = drawn(source, "\"find\"", Show::Everything);
        assert!(
            shown.contains(r#""defaultValue": { "*": ["*", { "*": "*" }], "*": "*" }, "type": "Object" }, "find""#),
            "{shown}"
        );
    }

    #[test]
    fn long_lines_are_cut_round_the_mark() {
        let source = format!("{}\"find\"{}", "ä".repeat(300_000), "ö".repeat(300_000));
        let shown = drawn(&source, "\"find\"", Show::Everything);
        assert!(shown.len() < 2_000 && shown.contains("…ä") && shown.contains("ö…"), "{}", shown.len());
    }

    #[test]
    fn odd_characters_do_no_harm() {
        for source in ["\u{1b}[2J\"a\"\u{202e}", "\"a\"", "\t\"a\"\u{2028}\u{85}", "é\"a\"\u{0}"] {
            let shown = drawn(source, "\"a\"", Show::Everything);
            assert!(
                !shown.contains(['\u{1b}', '\u{202e}', '\u{2028}', '\u{85}', '\u{0}']) && shown.contains("\"a\""),
                "{shown:?}"
            );
        }
    }
}
