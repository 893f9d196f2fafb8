//! The table `[flow]`: values that come from somebody and reach a call unchecked.
//!
//! What is a source, a call and a cleaner is known to the engine that follows values
//! through code; a rule only names them.

use std::str::FromStr;

use serde::Deserialize;
use serde::de::Error as _;

/// The table `[flow]`. Lists are joined by *or*.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FlowMatcher {
    /// The value comes from one of these.
    pub from: Vec<Source>,
    /// It reaches one of these.
    pub into: Vec<Sink>,
    /// It went through none of these.
    #[serde(default)]
    pub cleared_by: Vec<Cleaner>,
    /// The message.
    pub message: String,
}

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The client, in any of the following ways.
    Client,
    /// Parameters of a cloud function or of an address.
    Parameters,
    /// The body of a request.
    Body,
    /// Headers of a request.
    Headers,
    /// What the client wrote to the object that a trigger is run for.
    TriggerObject,
    /// An uploaded file: its name and contents.
    File,
    /// A column of the caller's own row in `_User`.
    OwnColumn,
}

/// What a value reaches.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Sink {
    /// What is called: names with dots between them, behind `new ` for a constructor. `*` stands
    /// for any name, and in front for one name or several: `axios.get`, `*.matches`, `new RegExp`.
    #[serde(deserialize_with = "call")]
    pub call: String,
    /// The argument, from 0, or a property of it: `0`, `1`, `0.url`; `any` is each of them.
    #[serde(deserialize_with = "argument")]
    pub argument: String,
    /// Where in the argument.
    #[serde(default)]
    pub position: Position,
}

/// Where in an argument a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Position {
    /// Wherever.
    #[default]
    Anywhere,
    /// The value is the whole argument.
    Whole,
    /// A text begins with the value: the host of an address, the root of a path.
    Start,
    /// Inside a text whose beginning is fixed.
    AfterStart,
}

/// What makes a value harmless for some calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cleaner {
    /// It was made a number.
    Number,
    /// It was made a text.
    Text,
    /// What acts in a regular expression was escaped.
    EscapedRegex,
    /// What acts in an address was escaped.
    EncodedUrl,
    /// What acts in HTML was escaped.
    EscapedHtml,
    /// It is one of a fixed list.
    AllowList,
    /// Of a path only the last name was kept.
    BaseName,
    /// It was hashed.
    Hashed,
}

impl FlowMatcher {
    /// Whether a value from here is asked for.
    pub fn starts_at(&self, source: Source) -> bool {
        self.from.iter().any(|from| matches!(from, Source::Client) || *from == source)
    }
}

impl Sink {
    /// Whether `callee` is meant, which is written as `call` is but without `*`.
    pub fn is_called(&self, callee: &str) -> bool {
        let (asked, call) = constructor(&self.call);
        let (given, callee) = constructor(callee);
        let (mut parts, mut names) = (call.rsplit('.').peekable(), callee.rsplit('.'));
        loop {
            match (parts.next(), names.next()) {
                (None, None) => return asked == given,
                // A `*` in front takes as many names as the others leave, but at least one.
                (Some("*"), Some(_)) if parts.peek().is_none() => return asked == given,
                (Some(part), Some(name)) if part == "*" || part == name => {}
                _ => return false,
            }
        }
    }

    /// The last of the names that are called.
    pub fn last_name(&self) -> &str {
        let (_, names) = constructor(&self.call);
        names.rsplit('.').next().unwrap_or(names)
    }

    /// The number of the argument, from 0, and the names of properties below it, the outermost
    /// first; `None` for each argument.
    pub fn taken(&self) -> Option<(usize, Vec<&str>)> {
        let mut parts = self.argument.split('.');
        let number = parts.next().and_then(|number| usize::from_str(number).ok())?;
        Some((number, parts.collect()))
    }
}

/// Whether a constructor is called, and the names without the word that says so.
fn constructor(call: &str) -> (bool, &str) {
    call.strip_prefix("new ").map_or((false, call), |names| (true, names))
}

/// Whether a text is a name as code has them.
fn is_name(text: &str) -> bool {
    let of_name = |character: char| character.is_alphanumeric() || matches!(character, '_' | '$');
    !text.starts_with(|first: char| first.is_ascii_digit()) && !text.is_empty() && text.chars().all(of_name)
}

fn call<'de, D: serde::Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let written = String::deserialize(from)?;
    let (_, names) = constructor(&written);
    let is_known = names.split('.').all(|name| name == "*" || is_name(name));
    if is_known && names.split('.').any(|name| name != "*") {
        return Ok(written);
    }
    Err(D::Error::custom(format!(
        "not a call: `{written}`, expected names with dots between them such as `axios.get`, `*.matches` or `new RegExp`"
    )))
}

fn argument<'de, D: serde::Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let written = String::deserialize(from)?;
    let (number, names) =
        written.split_once('.').map_or((written.as_str(), None), |(number, names)| (number, Some(names)));
    let is_number = number.len() < 3 && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let are_names = names.is_none_or(|names| names.split('.').all(is_name));
    if written == "any" || (is_number && are_names) {
        return Ok(written);
    }
    Err(D::Error::custom(format!(
        "not an argument: `{written}`, expected `any`, or a number from 0 such as `0` or `0.url`"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sink(call: &str, argument: &str) -> Sink {
        Sink { call: call.to_owned(), argument: argument.to_owned(), position: Position::Anywhere }
    }

    #[test]
    fn a_star_in_front_is_any_receiver_and_elsewhere_one_name() {
        let is_called = |call, callee| sink(call, "0").is_called(callee);
        assert!(is_called("axios.get", "axios.get") && is_called("*.get", "a.get") && is_called("*.get", "a.b.get"));
        assert!(is_called("fs.*.writeFile", "fs.promises.writeFile") && is_called("*.*.c", "a.b.c"));
        assert!(!is_called("*.get", "get") && !is_called("axios.get", "axios") && !is_called("get", "axios.get"));
        assert!(!is_called("fs.*.writeFile", "fs.writeFile") && !is_called("*.*.c", "b.c"));
    }

    #[test]
    fn a_constructor_is_not_a_function_of_that_name() {
        assert!(
            sink("new RegExp", "0").is_called("new RegExp") && sink("new *.Query", "0").is_called("new Parse.Query")
        );
        assert!(!sink("new RegExp", "0").is_called("RegExp") && !sink("RegExp", "0").is_called("new RegExp"));
    }

    #[test]
    fn an_argument_is_a_number_and_properties_below_it() {
        assert_eq!(sink("f", "1").taken(), Some((1, vec![])));
        assert_eq!(sink("f", "0.headers.host").taken(), Some((0, vec!["headers", "host"])));
        assert_eq!(sink("f", "any").taken(), None);
    }

    #[test]
    fn a_client_is_every_source() {
        let matcher = |from| FlowMatcher { from, into: Vec::new(), cleared_by: Vec::new(), message: String::new() };
        assert!(matcher(vec![Source::Client]).starts_at(Source::Headers));
        assert!(!matcher(vec![Source::Body]).starts_at(Source::Headers));
    }
}
