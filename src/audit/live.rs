//! Classes with data about people whose changes live queries send to everyone.
//!
//! A live query asks the permission to find when somebody subscribes, and the ACL of each row when it
//! changes; columns that are protected from everyone are left out of what is sent.
//!
//! Source: Parse Server 9.10.0, `ParseLiveQueryServer.ts` (`_matchesCLP`, `_matchesACL`),
//! `LiveQueryController.js` (the names are patterns of whole names).

use std::collections::BTreeSet;

use regex::Regex;
use serde_json::Value;

use crate::model::options::{Options, Written};
use crate::model::{App, FieldName, Operation};
use crate::rules::Who;
use crate::rules::words::Tag;

use super::access::Access;
use super::fact::{Fact, in_words};

const OPTION: &str = "liveQuery.classNames";

/// One fact for each configuration of the server that sends such.
pub fn facts(app: &App, access: &[Access<'_>]) -> Vec<Fact> {
    let all = app.server.options.read().into_iter().chain(&app.server.other_options);
    all.filter_map(|options| fact(options, access)).collect()
}

fn fact(options: &Options, access: &[Access<'_>]) -> Option<Fact> {
    let Some(Written::Value(Value::Array(names))) = options.tree.get(OPTION) else { return None };
    let names: Vec<Name<'_>> = names.iter().filter_map(Value::as_str).map(Name::new).collect();
    let is_sent = |class: &str| names.iter().any(|name| name.means(class));
    let mut classes: BTreeSet<&str> = BTreeSet::new();
    let mut fields: BTreeSet<&FieldName> = BTreeSet::new();
    let mut related = Vec::new();
    for access in access {
        let class = access.class.name.as_str();
        // Those of the system are told whatever they let anyone do.
        if access.class.name.is_system() || access.reached_by(Operation::Find) != Some(Who::Public) || !is_sent(class) {
            continue;
        }
        let shown = access.shown_to_public(&[Tag::Personal, Tag::Sensitive, Tag::Secret]);
        if !shown.is_empty() && classes.insert(class) {
            fields.extend(shown);
            related.push((access.class.name_place(), format!("anyone may find {class}")));
        }
    }
    if classes.is_empty() {
        return None;
    }
    let at = options.tree.place(OPTION)?.clone();
    let mut fact = Fact::new("server", "live-query-personal", OPTION, at).with_fields(fields.iter().copied());
    fact.related = related;
    Some(fact.word("option", OPTION).word("classes", in_words(classes)).word("value", in_words(fields)))
}

/// A name of the option, which may be a pattern.
struct Name<'n> {
    text: &'n str,
    pattern: Option<Regex>,
}

impl<'n> Name<'n> {
    fn new(text: &'n str) -> Self {
        Self { text, pattern: Regex::new(&format!("^(?:{text})$")).ok() }
    }

    /// Whether it means a class.
    fn means(&self, class: &str) -> bool {
        self.text == class || self.pattern.as_ref().is_some_and(|pattern| pattern.is_match(class))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_pattern_of_whole_names() {
        let is_name_of = |name: &str, class: &str| Name::new(name).means(class);
        assert!(is_name_of("Order", "Order") && is_name_of("Order.*", "OrderLine") && is_name_of(".*", "Order"));
        assert!(!is_name_of("Order", "OrderLine") && !is_name_of("(", "Order"));
    }
}
