//! Methods of texts and numbers, and what they do to a value of the client.

use std::sync::Arc;

use crate::code::taint::{Clean, From};
use crate::code::value::{Kind, Pos, Value};

use super::Run;

impl<'a> Run<'a> {
    /// A method of a text; `None` if it is none.
    pub fn text_method(&mut self, text: &Value, name: &str, args: &[Value], _at: Pos) -> Option<Value> {
        if let (
            Kind::Joined(parts),
            "trim" | "toLowerCase" | "toUpperCase" | "normalize" | "replace" | "replaceAll" | "trimEnd" | "trimStart"
            | "toString",
        ) = (&text.kind, name)
        {
            // The beginning stays the beginning.
            let by = if name.starts_with("replace") {
                args.first().map_or(Clean::TEXT, |pattern| self.replaced(pattern))
            } else {
                Clean::TEXT
            };
            let clean =
                |part: &Value| Value { taint: part.taint.as_ref().map(|taint| taint.cleaned(by)), ..part.clone() };
            let parts: Vec<Value> = parts.iter().map(clean).collect();
            let taint = parts.iter().find_map(|part| part.taint.clone());
            return Some(Value { kind: Kind::Joined(parts.into()), taint, test: None });
        }
        let cleaned = |by: Clean| {
            let taint = text.taint.as_ref().map(|taint| taint.cleaned(by));
            Some(Value::unknown().tainted(taint))
        };
        if let (Some(fixed), true) = (text.as_text(), args.is_empty()) {
            let fixed = match name {
                "toLowerCase" => fixed.to_lowercase(),
                "toUpperCase" => fixed.to_uppercase(),
                "trim" => fixed.trim().to_owned(),
                "toString" => fixed.to_string(),
                _ => return None,
            };
            return Some(Value::text(fixed));
        }
        match name {
            // An object has none of these: the call throws.
            "trim" | "toLowerCase" | "toUpperCase" | "substring" | "substr" | "slice" | "padStart" | "padEnd"
            | "normalize" | "charAt" | "trimEnd" | "trimStart" | "localeCompare" => {
                if matches!(text.kind, Kind::WeakRandom(_)) {
                    return Some(text.clone());
                }
                cleaned(Clean::TEXT)
            }
            "toString" | "toFixed" if matches!(text.kind, Kind::WeakRandom(_)) => Some(text.clone()),
            "toString" => cleaned(Clean::TEXT),
            "toFixed" | "getTime" | "valueOf" => cleaned(Clean::NUMBER.with(Clean::TEXT)),
            "replace" | "replaceAll" => {
                let by = args.first().map_or(Clean::TEXT, |pattern| self.replaced(pattern));
                let more = args.get(1).and_then(|with| with.taint.clone());
                let taint = text.taint.as_ref().map(|taint| taint.cleaned(by)).or(more);
                if let (Some(fixed), Some(from), Some(to)) =
                    (text.as_text(), args.first().and_then(Value::as_text), args.get(1).and_then(Value::as_text))
                {
                    return Some(Value::text(fixed.replacen(&**from, to, 1)));
                }
                Some(Value::unknown().tainted(taint))
            }
            "split" => {
                let at = self.here();
                if let (Some(fixed), Some(by)) = (text.as_text(), args.first().and_then(Value::as_text)) {
                    let parts: Vec<Value> = fixed.split(&**by).take(64).map(Value::text).collect();
                    return Some(self.new_array(parts, at));
                }
                cleaned(Clean::TEXT)
            }
            "concat" => {
                let mut parts = vec![text.clone()];
                parts.extend(args.iter().cloned());
                Some(super::expr::join_texts(parts, true))
            }
            "startsWith" | "endsWith" | "test" | "match" | "search" => {
                if let (Some(fixed), Some(part)) = (text.as_text(), args.first().and_then(Value::as_text)) {
                    match name {
                        "startsWith" => return Some(Value::bool(fixed.starts_with(&**part))),
                        "endsWith" => return Some(Value::bool(fixed.ends_with(&**part))),
                        _ => {}
                    }
                }
                let begins = |part: &Value| part.as_text().is_some_and(|part| self.is_other_path(text, part, true));
                if name == "startsWith" && args.first().is_some_and(begins) {
                    return Some(Value::bool(false));
                }
                // A fixed beginning or form that was made sure of.
                text.taint.as_ref().map(|taint| self.allowed(taint))
            }
            // What is asked of the caller's own row is a test of the caller.
            "includes" | "indexOf" => match &text.taint {
                Some(taint) if taint.from == From::OwnColumn => Some(self.allowed(taint)),
                _ => Some(Value::unknown()),
            },
            _ => None,
        }
    }

    /// What replacing this pattern does to a text.
    fn replaced(&self, pattern: &Value) -> Clean {
        let source = pattern.as_object().and_then(|id| self.heap.get(id).props.get("source").cloned());
        let source = source.as_ref().and_then(Value::as_text).map(|text| text.to_string()).unwrap_or_default();
        let has = |signs: &[&str]| signs.iter().all(|sign| source.contains(sign));
        let mut clean = Clean::TEXT;
        if has(&["$", "*", "+"]) || source.contains("[^\\w") || source.contains("\\W") || source.contains("[^a-z") {
            clean = clean.with(Clean::REGEX);
        }
        if has(&["<"]) || source.contains("[^a-z") || source.contains("\\W") {
            clean = clean.with(Clean::HTML);
        }
        if source.contains("[^a-z") || source.contains("[^0-9") || source.contains("\\D") || source.contains("\\W") {
            clean = clean.with(Clean::URL).with(Clean::BASE_NAME).with(Clean::REGEX);
        }
        clean
    }
}

/// The text of a value with what is not known left out, for words in it.
pub fn known_text(value: &Value) -> String {
    match &value.kind {
        Kind::Text(text) => text.to_string(),
        Kind::Joined(parts) => parts.iter().map(known_text).collect::<Vec<_>>().join("\u{fffc}"),
        Kind::OneOf(values) => Arc::clone(values).first().map(|(value, _)| known_text(value)).unwrap_or_default(),
        _ => "\u{fffc}".to_owned(),
    }
}
