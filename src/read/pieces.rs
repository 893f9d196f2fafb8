//! Keys that code puts together or decodes: `'ab' + 'cd'`, `['ab', 'cd'].join('')`,
//! `atob('…')`, `'\x61'`. Each such value takes its place in the text as it would be
//! written plainly, and the text is searched once more; what lies in those values counts.
//!
//! Only in the working tree, where code is read as units. Where the first search found a
//! key in one of the pieces, that one stays.

use std::collections::BTreeMap;

use rayon::prelude::*;
use zeroize::Zeroizing;

use crate::model::place::{Content, Texts};
use crate::model::secret::Written;
use crate::model::unit::{Arg, Expr, ExprKind};
use crate::model::{FileId, Place, SecretHit, Span, Unit};
use crate::secrets::{Hit, Scanner, base64};

use super::keys;

/// Shorter values are no keys that a rule would know.
const SHORTEST: usize = 6;

/// Longer values are not put together.
const LONGEST: usize = 16 << 10;

/// Calls within calls that are followed.
const DEEPEST: usize = 8;

/// A value, and what it was made of.
struct Value {
    text: Zeroizing<String>,
    pieces: usize,
    is_decoded: bool,
}

/// Looks for keys in values that code puts together. Their places are blanked.
pub fn search(scanner: &Scanner, units: &[Unit], known: &[SecretHit], texts: &mut Texts) -> Vec<SecretHit> {
    let mut plain: BTreeMap<FileId, Vec<Span>> = BTreeMap::new();
    for hit in known {
        if let Place::Text { file, span } = hit.at {
            plain.entry(file).or_default().push(span);
        }
    }
    let in_unit = |unit: &Unit| {
        let Some(Content::Text(text)) = texts.get(unit.file).map(|source| &source.content) else { return Vec::new() };
        let known = plain.get(&unit.file).map_or(&[][..], Vec::as_slice);
        in_text(scanner, unit, &text.text, known)
    };
    let found: Vec<Vec<(Span, Hit)>> = units.par_iter().map(in_unit).collect();
    let mut hits = Vec::new();
    for (unit, found) in units.iter().zip(found).filter(|(_, found)| !found.is_empty()) {
        if let Some(Content::Text(text)) = texts.get_mut(unit.file).map(|source| &mut source.content) {
            text.blank(found.iter().map(|(span, _)| span.start()..span.end()));
        }
        hits.extend(found.into_iter().map(|(span, hit)| {
            let at = Place::Text { file: unit.file, span };
            SecretHit { written: Written::InPieces, ..keys::told(hit, at) }
        }));
    }
    hits
}

fn in_text(scanner: &Scanner, unit: &Unit, text: &str, known: &[Span]) -> Vec<(Span, Hit)> {
    let values = values(unit, text);
    if values.is_empty() {
        return Vec::new();
    }
    let mut whole = Zeroizing::new(Vec::with_capacity(2 * text.len()));
    let (mut places, mut at) = (Vec::new(), 0);
    for (span, value) in &values {
        let touches = |known: &Span| known.start() < span.end() && span.start() < known.end();
        if known.iter().any(touches) || span.start() < at {
            continue;
        }
        whole.extend_from_slice(text.get(at..span.start()).unwrap_or_default().as_bytes());
        let quote = [b'\'', b'"', b'`'].into_iter().find(|quote| !value.as_bytes().contains(quote)).unwrap_or(b'\'');
        whole.push(quote);
        let start = whole.len();
        for byte in value.bytes() {
            match byte {
                b'\n' => whole.extend_from_slice(b"\\n"),
                byte => whole.push(byte),
            }
        }
        places.push((start..whole.len(), *span));
        whole.push(quote);
        at = span.end();
    }
    if places.is_empty() {
        return Vec::new();
    }
    whole.extend_from_slice(text.get(at..).unwrap_or_default().as_bytes());
    let mut found = Vec::new();
    for hit in scanner.in_text(&unit.path, &whole) {
        let number = places.partition_point(|(place, _)| place.end < hit.span.end);
        let value = places.get(number).filter(|(place, _)| place.start <= hit.span.start);
        found.extend(value.map(|(_, span)| (*span, hit)));
    }
    found
}

/// The values of a file that are put together or decoded, in the order of their places.
fn values(unit: &Unit, text: &str) -> Vec<(Span, Zeroizing<String>)> {
    let mut found: Vec<(Span, Zeroizing<String>)> = Vec::new();
    let mut last = Span::default();
    // What an expression is made of comes after it.
    for expr in unit.expressions() {
        if last.start() <= expr.span.start() && expr.span.end() <= last.end() {
            continue;
        }
        let value = value(expr, text, 0);
        let counts = |value: &Value| value.text.len() >= SHORTEST && (value.pieces > 1 || value.is_decoded);
        if let Some(value) = value.filter(counts) {
            last = expr.span;
            found.push((expr.span, value.text));
        }
    }
    found.sort_unstable_by_key(|(span, _)| *span);
    found
}

fn value(expr: &Expr, text: &str, depth: usize) -> Option<Value> {
    if depth > DEEPEST {
        return None;
    }
    match &expr.kind {
        ExprKind::Text(value) => {
            let written = text.get(expr.span.start()..expr.span.end()).unwrap_or_default();
            let is_decoded = written.contains("\\x") || written.contains("\\u");
            Some(Value { text: Zeroizing::new(value.to_string()), pieces: 1, is_decoded })
        }
        ExprKind::Template(parts) => joined(parts.iter().filter(|part| !is_empty(part)), "", text, depth),
        ExprKind::Sum(parts) if matches!(parts.first()?.kind, ExprKind::Number(_)) => None,
        ExprKind::Sum(parts) => joined(parts.iter(), "", text, depth),
        ExprKind::Call(callee, args) => called(callee, args, text, depth),
        ExprKind::New(callee, args) if is_name(callee, "Buffer") => decoded(args, None, text, depth),
        _ => None,
    }
}

fn called(callee: &Expr, args: &[Arg], text: &str, depth: usize) -> Option<Value> {
    let (object, method) = match &callee.kind {
        ExprKind::Name(name) if &**name == "atob" => return decoded(args, Some("base64"), text, depth),
        ExprKind::Member(object, method) => (object, &**method),
        _ => return None,
    };
    match method {
        "from" if is_name(object, "Buffer") => decoded(args, None, text, depth),
        "atob" if matches!(&object.kind, ExprKind::Name(_)) => decoded(args, Some("base64"), text, depth),
        "fromCharCode" if is_name(object, "String") => {
            let numbers = args.iter().map(|arg| match arg.value.kind {
                ExprKind::Number(number) if !arg.spread && (0.0..65_536.0).contains(&number) => {
                    char::from_u32(number as u32)
                }
                _ => None,
            });
            let text = numbers.collect::<Option<String>>()?;
            Some(Value { text: Zeroizing::new(text), pieces: 1, is_decoded: true })
        }
        "join" => {
            let ExprKind::Array(items) = &object.kind else { return None };
            let separator = match args {
                [] => ",",
                [Arg { value, spread: false }] => literal(value)?,
                _ => return None,
            };
            let whole = items.iter().all(|item| !item.spread);
            if whole { joined(items.iter().map(|item| &item.value), separator, text, depth) } else { None }
        }
        "concat" => {
            let whole = args.iter().all(|arg| !arg.spread);
            let parts = std::iter::once(&**object).chain(args.iter().map(|arg| &arg.value));
            if whole { joined(parts, "", text, depth) } else { None }
        }
        // Of a buffer that was decoded, and without another encoding.
        "toString" => {
            let is_text = match args {
                [] => true,
                [Arg { value, .. }] => matches!(literal(value)?, "utf8" | "utf-8" | "ascii" | "latin1" | "binary"),
                _ => false,
            };
            if is_text { value(object, text, depth + 1) } else { None }
        }
        _ => None,
    }
}

/// What `Buffer.from(text, encoding)` and `atob(text)` give, if it is text.
fn decoded(args: &[Arg], encoding: Option<&str>, text: &str, depth: usize) -> Option<Value> {
    let encoding = match (encoding, args) {
        (Some(encoding), [_]) => encoding,
        (None, [_, Arg { value, spread: false }]) => literal(value)?,
        _ => return None,
    };
    let first = args.first().filter(|arg| !arg.spread)?;
    let from = value(&first.value, text, depth + 1)?;
    let bytes = match encoding {
        "base64" | "base64url" => base64::decode(from.text.as_bytes())?,
        "hex" => unhexed(&from.text)?,
        _ => return None,
    };
    let text = std::str::from_utf8(&bytes).ok()?.to_owned();
    Some(Value { text: Zeroizing::new(text), pieces: from.pieces, is_decoded: true })
}

fn unhexed(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    });
    pairs.collect::<Option<Vec<u8>>>().map(Zeroizing::new)
}

fn joined<'e>(parts: impl Iterator<Item = &'e Expr>, separator: &str, text: &str, depth: usize) -> Option<Value> {
    let mut whole = Value { text: Zeroizing::new(String::new()), pieces: 0, is_decoded: false };
    for part in parts {
        let piece = match part.kind {
            ExprKind::Number(number) => {
                Value { text: Zeroizing::new(number.to_string()), pieces: 1, is_decoded: false }
            }
            _ => value(part, text, depth + 1)?,
        };
        if whole.pieces > 0 {
            whole.text.push_str(separator);
        }
        whole.text.push_str(&piece.text);
        whole.pieces += piece.pieces;
        whole.is_decoded |= piece.is_decoded;
        if whole.text.len() > LONGEST {
            return None;
        }
    }
    Some(whole)
}

fn literal(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Text(text) => Some(text),
        _ => None,
    }
}

/// The texts of a template between two values that follow each other.
fn is_empty(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Text(text) if text.is_empty())
}

fn is_name(expr: &Expr, name: &str) -> bool {
    matches!(&expr.kind, ExprKind::Name(found) if **found == *name)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{Input, Reading, Settings, Silent, read};
    use super::*;
    use crate::secrets::redact::Salt;

    fn reading(text: &str) -> Reading {
        let rules = crate::rules::loader::built_in().expect("rules");
        let scanner = Some(Arc::new(Scanner::new(&rules, Salt::default()).expect("a scanner")));
        let files = [("index.js".to_owned(), text.to_owned())];
        read(&Input::Memory(files.into()), &Settings { scanner, ..Settings::default() }, &Silent)
    }

    /// Rule, digest, and how it is written.
    fn keys(text: &str) -> Vec<(String, String, Written)> {
        let reading = reading(text);
        let hits = reading.snapshot.app.hits.read().expect("searched");
        hits.iter().map(|hit| (hit.rule.to_string(), hit.digest.clone(), hit.written)).collect()
    }

    #[test]
    fn a_key_that_is_put_together_is_the_same_as_one_that_is_written() {
        let (rule, digest, _) = keys("new ParseServer({ masterKey: 'k2j9flq0zx7vb3' });").remove(0);
        for value in [
            "'k2j9f' + 'lq0zx' + '7vb3'",
            "'k2j9f' +\n  // and\n  'lq0zx' +\n  '7vb3'",
            "['k2j9f', 'lq0zx7', 'vb3'].join('')",
            "['k2j9f', ['lq0', 'zx7'].join(''), 'vb3'].join('')",
            "'k2j9f'.concat('lq0zx7', 'vb3')",
            "`k2j9f${'lq0zx7vb3'}`",
            "'\\x6b2j9flq0zx7vb3'",
            "'\\u006b2j9flq0zx7vb3'",
            "atob('azJqOWZscTB6eDd2YjM=')",
            "Buffer.from('azJqOWZscTB6eDd2YjM', 'base64').toString('utf8')",
            "Buffer.from('6b326a39666c71307a7837766233', 'hex').toString()",
            "Buffer.from('azJqOWZs' + 'cTB6eDd2YjM=', 'base64') + ''",
            "String.fromCharCode(107, 50, 106, 57) + 'flq0zx7vb3'",
        ] {
            let found = keys(&format!("new ParseServer({{\n  masterKey: {value},\n}});"));
            assert_eq!(found, [(rule.clone(), digest.clone(), Written::InPieces)], "{value}");
        }
    }

    #[test]
    fn arguments_and_assignments_count_and_the_place_is_blanked() {
        let text = "Parse.initialize('shop', 'x', 'k2j9f' + 'lq0zx7vb3');\nParse.masterKey = 'h3j9f' + 'lq0zx7vb3';\n";
        let reading = reading(text);
        assert_eq!(reading.snapshot.app.hits.read().map(Vec::len), Some(2));
        let Some(Content::Text(kept)) = reading.snapshot.texts.get(FileId(0)).map(|source| &source.content) else {
            panic!("no text")
        };
        assert!(!kept.text.contains("lq0zx7vb3") && kept.text.contains("Parse.masterKey = ***"), "{}", kept.text);
    }

    #[test]
    fn what_is_not_known_as_a_whole_and_samples_are_no_keys() {
        for value in
            ["'k2j9f' + part + '7vb3'", "[a, 'lq0zx7vb3'].join('')", "'your-' + 'master-key'", "1 + 2 + 'lq0zx7v'"]
        {
            assert_eq!(keys(&format!("new ParseServer({{ masterKey: {value} }});")), [], "{value}");
        }
    }

    #[test]
    fn what_the_first_search_found_stays_alone() {
        let found = keys("new ParseServer({ masterKey: 'k2j9flq0zx' + '7vb3' });");
        assert_eq!(found.iter().map(|(_, _, written)| *written).collect::<Vec<_>>(), [Written::Plain]);
    }
}
