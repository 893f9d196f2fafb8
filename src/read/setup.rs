//! What a configuration sets, by name, as far as advisories ask.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::model::setup::{Setting, Setup};

use super::options::as_flag;
use super::tree::name_of;

/// Names deeper than this are not told apart.
const DEEPEST: usize = 4;

/// Options whose words are names and no secrets.
const NAMES: [&str; 4] = ["liveQuery.classNames", "databaseAdapter", "filesAdapter", "filesAdapter.module"];

/// Reads a configuration; `holes` are JSON pointers of what is set to something that is not known.
pub fn read(options: &Map<String, Value>, holes: &BTreeSet<String>) -> Setup {
    let mut values: BTreeMap<String, Setting> = BTreeMap::new();
    let mut open: Vec<(String, &Value, usize)> = options.iter().map(|(name, value)| (name.clone(), value, 1)).collect();
    while let Some((name, value, depth)) = open.pop() {
        let setting = match value {
            Value::Null => continue,
            Value::Object(parts) => {
                if depth < DEEPEST {
                    open.extend(parts.iter().map(|(key, value)| (format!("{name}.{key}"), value, depth + 1)));
                }
                Setting::Set
            }
            Value::Array(list) if NAMES.contains(&name.as_str()) => {
                Setting::Words(list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
            }
            Value::String(text) if NAMES.contains(&name.as_str()) => Setting::Words(vec![text.clone()]),
            // Of an address no more than how it begins.
            Value::String(text) if name == "databaseURI" => match text.split_once("://") {
                Some((scheme, _)) => Setting::Words(vec![scheme.to_owned()]),
                None => Setting::Unknown,
            },
            value => as_flag(value).map_or(Setting::Set, Setting::Flag),
        };
        values.insert(name, setting);
    }
    for hole in holes {
        let name = name_of(hole);
        // One element of a list that is not known leaves the list open.
        let name = NAMES.iter().find(|list| name.starts_with(&format!("{list}."))).map_or(name.as_str(), |list| list);
        values.insert(name.to_owned(), Setting::Unknown);
    }
    Setup { values }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_and_flags_are_kept_and_nothing_that_may_be_secret() {
        let options = json!({ "appId": "a", "masterKey": "m", "databaseURI": "postgres://u:p@h/db", "mountGraphQL": "true",
            "liveQuery": { "classNames": ["Order"] }, "auth": { "ldap": { "url": "ldap://h" } }, "push": null });
        let holes = BTreeSet::from(["/liveQuery/classNames/1".to_owned(), "/emailAdapter".to_owned()]);
        let setup = read(options.as_object().expect("an object"), &holes);
        assert_eq!(setup.get("databaseURI"), Some(&Setting::Words(vec!["postgres".to_owned()])));
        assert_eq!((setup.get("mountGraphQL"), setup.get("push")), (Some(&Setting::Flag(true)), None));
        assert_eq!((setup.get("masterKey"), setup.get("auth.ldap.url")), (Some(&Setting::Set), Some(&Setting::Set)));
        assert_eq!(setup.get("liveQuery.classNames"), Some(&Setting::Unknown));
        assert_eq!(setup.get("emailAdapter"), Some(&Setting::Unknown));
    }
}
