//! The table `[option]`: what a server or dashboard is set to, or is by default.
//!
//! Whether a test holds has three answers. What is not known fulfils no test, and
//! neither does it fulfil the opposite.

use regex::Regex;
use semver::Version;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::model::options::{Form, From, Written};

use super::catalogue::Part;

/// What messages of `[option]` may mention in braces.
pub const OPTION_PLACEHOLDERS: &[&str] = &["option", "value", "version"];

/// The table `[option]`. Keys are joined by *and*, lists by *or*.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OptionMatcher {
    /// Whose options.
    #[serde(default)]
    pub of: Part,
    /// One of these options, with dots; `*` is any part of a name.
    pub name: Vec<String>,
    /// Only configurations that were read from one of these.
    #[serde(default)]
    pub from: Vec<From>,
    /// What it is set to; anything if left out.
    #[serde(default)]
    pub value: ValueTest,
    /// Also where it is not set, and the default of the version is such.
    #[serde(default)]
    pub default: bool,
    /// Only from these versions on, each in its own line of releases.
    #[serde(default)]
    pub since: Vec<Version>,
    /// Only before these versions, each in its own line of releases.
    #[serde(default)]
    pub before: Vec<Version>,
    /// Other options of the same configuration that are such, all of them.
    #[serde(default)]
    pub with: Vec<Condition>,
    /// Other options that are not such, none of them.
    #[serde(default)]
    pub without: Vec<Condition>,
    /// The message.
    pub message: String,
}

/// What another option is set to, or is by default.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Condition {
    /// The option; `*` is the same part as in the name of the rule, or else any.
    pub name: String,
    /// What it is.
    #[serde(default)]
    pub value: ValueTest,
}

/// A test of a value. Keys are joined by *and*, lists by *or*; of a list one element is enough.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ValueTest {
    /// One of these.
    #[serde(default)]
    pub is: Vec<Value>,
    /// A number above this; of a text such as `20mb` its bytes.
    pub over: Option<f64>,
    /// A number below this.
    pub under: Option<f64>,
    /// A text in which this regular expression is found.
    pub matches: Option<Pattern>,
    /// A list in which one of these is missing.
    #[serde(default)]
    pub lacks: Vec<Value>,
    /// Set to something other than `null`, or not.
    pub set: Option<bool>,
    /// Not set, or `null`, zero or nothing in it; or not.
    pub empty: Option<bool>,
    /// A text and no list; or not.
    pub list: Option<bool>,
    /// A key or address that is one of these.
    #[serde(default)]
    pub form: Vec<Form>,
}

/// A regular expression.
#[derive(Debug, Clone)]
pub struct Pattern(pub Regex);

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Regex::new(&text).map(Self).map_err(|_| serde::de::Error::custom(format!("not a regular expression: `{text}`")))
    }
}

impl OptionMatcher {
    /// Whether a version is one of those that the rule is about; an unknown one is if it is about all.
    pub fn is_about(&self, version: Option<&Version>) -> bool {
        let Some(version) = version else { return self.since.is_empty() && self.before.is_empty() };
        (self.since.is_empty() || has_reached(&self.since, version))
            && (self.before.is_empty() || !has_reached(&self.before, version))
    }
}

/// Whether a version has what came with these, the first release of each line that has it.
fn has_reached(releases: &[Version], version: &Version) -> bool {
    let own = releases.iter().find(|release| release.major == version.major);
    match own {
        Some(release) => version >= release,
        None => releases.iter().any(|release| release.major < version.major),
    }
}

impl ValueTest {
    /// Whether a value passes; `None` if that is not known. A value that is not set is `null`.
    pub fn holds(&self, written: &Written) -> Option<bool> {
        let value = match written {
            Written::Unknown { .. } => return None,
            Written::Value(value) => Some(value),
            Written::Group | Written::Hidden(_) => None,
        };
        let number = value.and_then(number_of);
        let is_set = value.is_none_or(|value| !value.is_null());
        let is_list = matches!(value, Some(Value::Array(_))) || matches!(written, Written::Group);
        let tests = [
            self.set.is_none_or(|set| set == is_set),
            self.empty.is_none_or(|empty| empty == value.is_some_and(is_empty)),
            self.list.is_none_or(|list| list == is_list && (list || value.is_some_and(Value::is_string))),
            self.is.is_empty() || value.is_some_and(|value| self.is.iter().any(|is| any(value, &|one| same(is, one)))),
            self.over.is_none_or(|over| number.is_some_and(|number| number > over)),
            self.under.is_none_or(|under| number.is_some_and(|number| number < under)),
            self.matches.as_ref().is_none_or(|pattern| {
                let is_match = |one: &Value| one.as_str().is_some_and(|text| pattern.0.is_match(text));
                value.is_some_and(|value| any(value, &is_match))
            }),
            self.lacks.is_empty() || value.is_some_and(|value| self.lacks.iter().any(|needed| lacks(value, needed))),
            self.form.is_empty()
                || matches!(written, Written::Hidden(forms) if self.form.iter().any(|form| forms.contains(form))),
        ];
        // Of what is hidden no more is known than its forms; that it is set is.
        let asks_more = !self.is.is_empty() || self.matches.is_some() || self.over.is_some() || self.under.is_some();
        match written {
            Written::Hidden(_) if asks_more => None,
            _ => Some(tests.into_iter().all(|holds| holds)),
        }
    }

    /// Of a list the elements that made it pass; of anything else all.
    pub fn part_of(&self, value: &Value) -> Value {
        let passes = |one: &Value| {
            self.is.iter().any(|is| same(is, one))
                || self
                    .matches
                    .as_ref()
                    .is_some_and(|pattern| one.as_str().is_some_and(|text| pattern.0.is_match(text)))
        };
        match value {
            Value::Array(list) if list.iter().any(passes) => list.iter().filter(|one| passes(one)).cloned().collect(),
            other => other.clone(),
        }
    }

    /// Whether the test is of no value at all: then the option must be set.
    pub fn is_any(&self) -> bool {
        self.is.is_empty()
            && self.lacks.is_empty()
            && self.form.is_empty()
            && self.over.is_none()
            && self.under.is_none()
            && self.matches.is_none()
            && self.set.is_none()
            && self.empty.is_none()
            && self.list.is_none()
    }
}

/// Whether a value, or one element of a list, passes.
fn any(value: &Value, test: &dyn Fn(&Value) -> bool) -> bool {
    match value {
        Value::Array(list) => list.iter().any(test),
        other => test(other),
    }
}

fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        // The command line reads texts.
        (Value::Number(_), Value::String(text)) => {
            number_of(b).is_some_and(|number| a.as_f64() == Some(number)) && !text.is_empty()
        }
        (Value::Bool(flag), Value::String(text)) => text == &flag.to_string(),
        _ => a == b,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(object) => object.is_empty(),
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::Bool(_) => false,
    }
}

fn lacks(list: &Value, needed: &Value) -> bool {
    list.as_array().is_some_and(|list| !list.iter().any(|one| same(needed, one)))
}

/// A number, or one in a text: `86400`, `20mb`.
fn number_of(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => number_of_text(text),
        _ => None,
    }
}

/// A number in a text, of a size in bytes.
pub fn number_of_text(text: &str) -> Option<f64> {
    let text = text.trim().to_ascii_lowercase();
    let digits = text.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    let factor = match text.get(digits.len()..).unwrap_or_default() {
        "" | "b" => 1.0,
        "k" | "kb" => 1024.0,
        "m" | "mb" => 1024.0 * 1024.0,
        "g" | "gb" => 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    digits.trim().parse::<f64>().ok().map(|number| number * factor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn test(text: &str) -> ValueTest {
        toml::from_str(text).expect("a test")
    }

    fn holds(text: &str, value: Value) -> bool {
        test(text).holds(&Written::Value(value)).expect("it is known")
    }

    #[test]
    fn keys_are_joined_by_and_and_lists_by_or() {
        assert!(holds("is = [true, 'all']", json!("all")) && !holds("is = [true]", json!(false)));
        assert!(holds("is = ['::/0']", json!(["10.0.0.1", "::/0"])));
        assert!(holds("over = 5\nunder = 10", json!(7)) && !holds("over = 5\nunder = 10", json!(12)));
        assert!(holds("over = 50_000_000", json!("100mb")) && holds("over = 3600", json!("86400")));
        assert!(holds("matches = '^http:'", json!(["https://a", "http://b"])));
        assert!(holds("lacks = ['a', 'b']", json!(["a"])) && !holds("lacks = ['a']", json!(["a"])));
        assert!(holds("empty = true", json!([])) && holds("set = false", Value::Null));
        assert!(holds("list = false", json!("one")) && !holds("list = false", json!(["one"])));
    }

    #[test]
    fn what_is_not_known_passes_no_test() {
        let unknown = Written::Unknown { fallback: None };
        assert_eq!((test("set = false").holds(&unknown), test("set = true").holds(&unknown)), (None, None));
        let hidden = Written::Hidden([Form::Weak].into());
        assert_eq!(test("form = ['weak']").holds(&hidden), Some(true));
        assert_eq!(test("form = ['sample']").holds(&hidden), Some(false));
        assert_eq!((test("is = ['x']").holds(&hidden), test("set = true").holds(&hidden)), (None, Some(true)));
    }

    #[test]
    fn each_line_of_releases_has_its_own_first_version() {
        let releases = [Version::new(8, 6, 34), Version::new(9, 6, 0)];
        let reached = |version: &str| has_reached(&releases, &Version::parse(version).unwrap());
        assert!(!reached("7.5.4") && !reached("8.6.33") && reached("8.6.34"));
        assert!(!reached("9.0.0") && reached("9.6.0") && reached("10.0.0"));
    }
}
