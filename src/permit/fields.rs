//! Protected fields: which columns a reader does not get, and may not ask about.
//!
//! Groups do not add up. A column is hidden only if *every* group that applies
//! lists it, so a line that looks like more protection can take some away.
//!
//! Source: Parse Server 9.10.0, `DatabaseController.addProtectedFields`,
//! `filterSensitiveData`, `RestQuery.denyProtectedFields`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::model::acl::truthy;
use crate::model::clp::Clp;
use crate::model::options::ProtectedFields;
use crate::model::{ClassName, FieldName, Group, UserId};

use super::behaviour::{Behaviour, HiddenInQuery, ProtectedFieldsRule};
use super::caller::{Client, User};

/// Columns by the group they are hidden from.
pub type Groups = BTreeMap<Group, BTreeSet<FieldName>>;

/// The groups of a class: its own and those of the server option, united group by group.
///
/// The option's own default, `{"_User": {"*": ["email"]}}`, is united in as well, unless
/// `protectedFieldsOwnerExempt` is off and the option has a list for `*` of its own.
///
/// Source: Parse Server 9.10.0, `SchemaController.js` (`SchemaData`), `ParseServer.js` (`injectDefaults`).
pub fn groups(class: &ClassName, clp: &Clp, option: Option<&ProtectedFields>, owner_exempt: bool) -> Groups {
    let mut groups = clp.protected_fields.clone().unwrap_or_default();
    let of_class = option.and_then(|option| option.get(class));
    for (group, columns) in of_class.into_iter().flatten() {
        groups.entry(group.clone()).or_default().extend(columns.iter().cloned());
    }
    let replaced = !owner_exempt && of_class.is_some_and(|groups| groups.contains_key(&Group::Anyone));
    if *class == "_User" && !replaced {
        groups.entry(Group::Anyone).or_default().insert("email".into());
    }
    groups
}

/// The columns hidden from a caller before any row is known.
///
/// A caller to whom no group applies, and who is not in `*`, sees everything.
pub fn hidden(groups: &Groups, client: &Client, behaviour: &Behaviour) -> BTreeSet<FieldName> {
    let applies = |group: &Group| match group {
        Group::Anyone => true,
        Group::SignedIn => client.is_signed_in() && behaviour.protected_fields == ProtectedFieldsRule::Intersection,
        Group::Role(role) => client.roles.contains(role),
        Group::User(user) => client.is(*user),
        // The user column of a row counts once the row is known.
        Group::UserField(_) => false,
    };
    let lists = groups.iter().filter(|(group, _)| applies(group)).map(|(_, columns)| columns);
    match behaviour.protected_fields {
        ProtectedFieldsRule::Ignored => BTreeSet::new(),
        ProtectedFieldsRule::Union | ProtectedFieldsRule::UnionUnlessOwner => lists.flatten().cloned().collect(),
        ProtectedFieldsRule::Intersection => intersect(lists).unwrap_or_default(),
    }
}

/// The columns hidden in rows whose user columns `owned` refer to the caller.
pub fn hidden_from_owner(
    groups: &Groups,
    before: &BTreeSet<FieldName>,
    owned: impl Fn(&FieldName) -> bool,
    behaviour: &Behaviour,
) -> BTreeSet<FieldName> {
    let matching = groups.iter().filter_map(|(group, columns)| match group {
        Group::UserField(column) if owned(column) => Some(columns),
        _ => None,
    });
    match behaviour.protected_fields {
        ProtectedFieldsRule::Ignored | ProtectedFieldsRule::Union => before.clone(),
        ProtectedFieldsRule::UnionUnlessOwner => {
            let mut matching = matching.peekable();
            if matching.peek().is_none() { before.clone() } else { matching.flatten().cloned().collect() }
        }
        ProtectedFieldsRule::Intersection => intersect(matching.chain([before])).unwrap_or_default(),
    }
}

fn intersect<'s>(lists: impl IntoIterator<Item = &'s BTreeSet<FieldName>>) -> Option<BTreeSet<FieldName>> {
    let mut lists = lists.into_iter();
    let first = lists.next()?.clone();
    Some(lists.fold(first, |mut hidden, list| {
        hidden.retain(|column| list.contains(column));
        hidden
    }))
}

/// Whether a column of a row refers to the user, as `userField:` groups look at it.
///
/// This is looser than pointer permissions: anything with the user's `objectId` counts.
pub fn refers_loosely(value: Option<&Value>, user: UserId) -> bool {
    let is = |value: &Value| value.get("objectId").and_then(Value::as_str).is_some_and(|id| UserId::of(id) == user);
    match value {
        Some(Value::Array(elements)) => elements.iter().any(is),
        Some(value) => is(value),
        None => false,
    }
}

/// Whether a column of a row is, or as an array contains, the pointer to the user,
/// as pointer permissions look at it.
pub fn points_strictly(value: Option<&Value>, user: UserId) -> bool {
    let is = |value: &Value| {
        value.get("__type").and_then(Value::as_str) == Some("Pointer")
            && value.get("className").and_then(Value::as_str) == Some("_User")
            && value.get("objectId").and_then(Value::as_str).is_some_and(|id| UserId::of(id) == user)
    };
    match value {
        Some(Value::Array(elements)) => elements.iter().any(is),
        Some(value) => is(value),
        None => false,
    }
}

/// Whether a column of a row refers to the client's user.
pub(super) fn row_is_of(
    client: &Client,
    value: Option<&Value>,
    refers: impl Fn(Option<&Value>, UserId) -> bool,
) -> bool {
    matches!(client.user, User::Is(user) if refers(value, user))
}

/// The first key of a query or sort order that asks about a hidden column.
pub fn refused_key<'q>(
    hidden: &BTreeSet<FieldName>,
    filter: &'q Map<String, Value>,
    order: &'q [String],
    behaviour: &Behaviour,
) -> Option<&'q str> {
    let rule = behaviour.hidden_in_query;
    if hidden.is_empty() || rule == HiddenInQuery::Allowed {
        return None;
    }
    let is_hidden = |key: &str| {
        let root = key.split_once('.').map_or(key, |(root, _)| root);
        hidden.contains(key) || (rule == HiddenInQuery::Everywhere && hidden.contains(root))
    };
    if rule == HiddenInQuery::TopLevel {
        let mut asked = filter.iter().filter(|(_, condition)| truthy(condition)).map(|(key, _)| key.as_str());
        return asked.find(|key| is_hidden(key));
    }
    let mut todo = vec![filter];
    while let Some(filter) = todo.pop() {
        if let Some(key) = filter.keys().find(|key| is_hidden(key)) {
            return Some(key);
        }
        for operator in ["$or", "$and", "$nor"] {
            let parts = filter.get(operator).and_then(Value::as_array).into_iter().flatten();
            todo.extend(parts.filter_map(Value::as_object));
        }
    }
    if rule < HiddenInQuery::Everywhere {
        return None;
    }
    order.iter().map(|key| key.trim_start_matches('-')).find(|key| is_hidden(key))
}
