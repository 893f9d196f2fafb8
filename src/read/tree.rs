//! A configuration as names and what they are set to, whatever it was written in.
//!
//! Texts are kept for options of which the catalogue says that they are no keys and no
//! addresses; of all others only their forms.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::model::Place;
use crate::model::oddity::{escape, unescape};
use crate::model::options::{Form, Tree, Written, as_flag};
use crate::rules::catalogue::{Kind, Part, kind_of};

use super::forms;
use super::options::{as_list, is_placeholder, is_variable};

/// Names deeper than this are not told apart.
const DEEPEST: usize = 8;

/// A text longer than this is not kept.
const LONGEST: usize = 200;

/// What is not known of a configuration, by JSON pointer.
#[derive(Debug, Default)]
pub struct Holes<'h> {
    /// What is set to something that is not known.
    pub holes: Option<&'h BTreeSet<String>>,
    /// What it is unless the environment says otherwise.
    pub fallbacks: Option<&'h BTreeMap<String, Value>>,
}

/// Reads a configuration; `place` tells where the value of a JSON pointer stands.
pub fn read(
    part: Part,
    options: &Map<String, Value>,
    holes: &Holes<'_>,
    place: &dyn Fn(&str) -> Option<Place>,
) -> Tree {
    let mut reader = Reader { part, holes, place, tree: Tree::default(), keys: Vec::new() };
    reader.tree.whole = place("");
    for pointer in holes.holes.into_iter().flatten() {
        reader.hole(pointer);
    }
    reader.object("", "", options, 0);
    reader.tell_equal_keys();
    reader.tree
}

struct Reader<'r> {
    part: Part,
    holes: &'r Holes<'r>,
    place: &'r dyn Fn(&str) -> Option<Place>,
    tree: Tree,
    /// Keys by name, to be compared and then dropped.
    keys: Vec<(String, String)>,
}

impl Reader<'_> {
    fn hole(&mut self, pointer: &str) {
        let name = name_of(pointer);
        let fallback = self.holes.fallbacks.and_then(|all| all.get(pointer)).map(|value| match value {
            Value::Object(_) | Value::Array(_) => Written::Group,
            other => self.scalar(&name, other),
        });
        let at = (self.place)(pointer);
        self.tree.at.extend(at.filter(|_| !name.is_empty()).map(|at| (name.clone(), at)));
        self.tree.values.insert(name, Written::Unknown { fallback: fallback.map(Box::new) });
    }

    fn object(&mut self, name: &str, pointer: &str, object: &Map<String, Value>, depth: usize) {
        for (key, value) in object {
            self.value(&below(name, key), &format!("{pointer}/{}", escape(key)), value, depth + 1);
        }
    }

    fn value(&mut self, name: &str, pointer: &str, value: &Value, depth: usize) {
        if depth > DEEPEST {
            return;
        }
        let at = (self.place)(pointer);
        self.tree.at.extend(at.map(|at| (name.to_owned(), at)));
        let is_hole = self.tree.values.contains_key(name);
        // A regular expression in code has its text as `source`.
        let pattern = value.as_object().filter(|object| object.len() == 1).and_then(|object| object.get("source"));
        let value = pattern.filter(|_| kind_of(self.part, name) == Some(Kind::Plain)).unwrap_or(value);
        match value {
            Value::Object(object) if object.is_empty() && !is_hole => {
                self.tree.values.insert(name.to_owned(), Written::Value(value.clone()));
            }
            Value::Object(object) => {
                if !is_hole {
                    self.tree.values.insert(name.to_owned(), Written::Group);
                }
                self.object(name, pointer, object, depth);
            }
            Value::Array(list) if list.iter().any(|item| item.is_object() || item.is_array()) => {
                if !is_hole {
                    self.tree.values.insert(name.to_owned(), Written::Group);
                }
                for (number, item) in list.iter().enumerate() {
                    let number = number.to_string();
                    self.value(&below(name, &number), &format!("{pointer}/{number}"), item, depth + 1);
                }
            }
            Value::Array(list) => {
                let written = self.list(name, pointer, list);
                self.tree.values.insert(name.to_owned(), written);
            }
            scalar if !is_hole => {
                let written = self.scalar(name, scalar);
                self.tree.values.insert(name.to_owned(), written);
            }
            _ => {}
        }
    }

    /// A list of flags, numbers and texts, some of which the environment may decide.
    fn list(&mut self, name: &str, pointer: &str, list: &[Value]) -> Written {
        let hole = |number: usize| format!("{pointer}/{number}");
        let is_hole = |number: usize| self.holes.holes.is_some_and(|holes| holes.contains(&hole(number)));
        let mut known = list.to_vec();
        let (mut is_open, mut is_filled) = (false, true);
        for (number, item) in known.iter_mut().enumerate() {
            if !is_hole(number) {
                continue;
            }
            is_open = true;
            match self.holes.fallbacks.and_then(|all| all.get(&hole(number))) {
                Some(fallback) => *item = fallback.clone(),
                None => is_filled = false,
            }
            self.tree.values.remove(&below(name, &number.to_string()));
        }
        let is_open = is_open || self.tree.values.contains_key(name);
        let written = match kind_of(self.part, name) {
            Some(Kind::Key | Kind::Address) | None if known.iter().any(Value::is_string) => {
                let texts = known.iter().filter_map(Value::as_str);
                Written::Hidden(texts.flat_map(forms::of_address).collect())
            }
            _ => Written::Value(Value::Array(known)),
        };
        match (is_open, is_filled) {
            (false, _) => written,
            (true, true) => Written::Unknown { fallback: Some(Box::new(written)) },
            (true, false) => Written::Unknown { fallback: None },
        }
    }

    fn scalar(&mut self, name: &str, value: &Value) -> Written {
        let kind = kind_of(self.part, name);
        let text = match value {
            Value::String(text) if text.is_empty() => return Written::Value(value.clone()),
            // It is set, whatever it is.
            Value::String(text) if kind == Some(Kind::Key) && is_placeholder(text) => {
                return Written::Hidden(BTreeSet::new());
            }
            Value::String(text) if is_variable(text) => return Written::Unknown { fallback: None },
            Value::String(text) => text.clone(),
            Value::Number(number) if kind == Some(Kind::Key) => number.to_string(),
            other => return Written::Value(other.clone()),
        };
        match kind {
            Some(Kind::Flag) => Written::Value(as_flag(value).map_or_else(|| value.clone(), Value::Bool)),
            Some(Kind::List) => Written::Value(as_list(value).map_or_else(|| value.clone(), Value::from)),
            Some(Kind::Plain) if text.len() <= LONGEST => Written::Value(value.clone()),
            Some(Kind::Address) => Written::Hidden(forms::of_address(&text)),
            Some(Kind::Key) => {
                let forms = forms::of_key(&text);
                self.keys.push((name.to_owned(), text));
                Written::Hidden(forms)
            }
            Some(Kind::Plain) | None => Written::Hidden(forms::of_address(&text)),
        }
    }

    /// Two keys of one value are one key.
    fn tell_equal_keys(&mut self) {
        let master = |name: &str| name == "masterKey" || name.ends_with(".masterKey");
        for (name, key) in &self.keys {
            let mut others = self.keys.iter().filter(|(other, value)| other != name && value == key);
            let of_master = others.clone().any(|(other, _)| master(other));
            let form = match of_master {
                true => Some(Form::AsMasterKey),
                false => others.next().map(|_| Form::AsAnotherKey),
            };
            if let (Some(form), Some(Written::Hidden(forms))) = (form, self.tree.values.get_mut(name)) {
                forms.insert(form);
            }
        }
        self.tell_own_names();
        self.keys.clear();
    }

    /// The name of a user is the first that is tried as password, also where both count unless
    /// something else is set.
    fn tell_own_names(&mut self) {
        for (name, key) in &self.keys {
            let Some(user) = name.strip_suffix(".pass") else { continue };
            let own = format!("{user}.user");
            let mut written = self.tree.values.get_mut(name);
            if let Some(Written::Unknown { fallback: Some(fallback) }) = written {
                written = Some(fallback);
            }
            if let Some(Written::Hidden(forms)) = written
                && self.keys.iter().any(|(other, value)| *other == own && value == key)
            {
                forms.insert(Form::Guessed);
            }
        }
    }
}

fn below(name: &str, part: &str) -> String {
    if name.is_empty() { part.to_owned() } else { format!("{name}.{part}") }
}

/// The name that a JSON pointer stands for.
pub fn name_of(pointer: &str) -> String {
    let parts: Vec<String> = pointer.split('/').skip(1).map(unescape).collect();
    parts.join(".")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn tree(options: &Value, holes: &[&str], fallbacks: &Value) -> Tree {
        let holes: BTreeSet<String> = holes.iter().map(ToString::to_string).collect();
        let fallbacks: BTreeMap<String, Value> = fallbacks.as_object().unwrap().clone().into_iter().collect();
        let holes = Holes { holes: Some(&holes), fallbacks: Some(&fallbacks) };
        read(Part::Server, options.as_object().unwrap(), &holes, &|_| None)
    }

    #[test]
    fn keys_and_addresses_are_not_kept() {
        let options = json!({ "masterKey": "harbour pencil two", "restAPIKey": "harbour pencil two", "mine": "secret",
            "databaseURI": "mongodb://u:pass@db/app", "allowClientClassCreation": "true", "masterKeyIps": "::/0, 10.0.0.1" });
        let tree = tree(&options, &[], &json!({}));
        let told = format!("{tree:?}");
        assert!(!told.contains("pencil") && !told.contains("secret") && !told.contains("pass@"), "{told}");
        assert_eq!(tree.values["allowClientClassCreation"], Written::Value(json!(true)));
        assert_eq!(tree.values["masterKeyIps"], Written::Value(json!(["::/0", "10.0.0.1"])));
        let Written::Hidden(forms) = &tree.values["restAPIKey"] else { panic!("{told}") };
        assert!(forms.contains(&Form::AsMasterKey));
    }

    #[test]
    fn what_the_environment_decides_keeps_its_fallback() {
        let options = json!({ "masterKeyIps": [null, "10.0.0.1"], "fileUpload": { "enableForPublic": true } });
        let holes = ["/masterKeyIps/0", "/maxLimit", "/fileUpload/fileExtensions"];
        let tree = tree(&options, &holes, &json!({ "/masterKeyIps/0": "0.0.0.0/0" }));
        let filled = Written::Value(json!(["0.0.0.0/0", "10.0.0.1"]));
        assert_eq!(tree.values["masterKeyIps"], Written::Unknown { fallback: Some(Box::new(filled)) });
        assert_eq!(tree.values["maxLimit"], Written::Unknown { fallback: None });
        assert_eq!(tree.values["fileUpload"], Written::Group);
        assert_eq!(tree.get("fileUpload.fileExtensions"), Some(&Written::Unknown { fallback: None }));
    }
}
