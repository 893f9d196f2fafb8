//! Object ACLs, as the database keeps them: one list of readers, one of writers.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use super::names::{RoleName, UserId};

/// Who is named in an ACL or a class-level permission.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grantee {
    /// `*`, everybody.
    Anyone,
    /// `role:NAME`, the users who hold the role.
    Role(RoleName),
    /// Anything else is taken for a user's object id, whatever it looks like.
    User(UserId),
}

impl Grantee {
    /// Reads a key of an ACL.
    pub fn parse(key: &str) -> Self {
        match (key, key.strip_prefix("role:")) {
            ("*", _) => Self::Anyone,
            (_, Some(role)) => Self::Role(role.into()),
            _ => Self::User(UserId::of(key)),
        }
    }
}

impl fmt::Display for Grantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anyone => f.write_str("*"),
            Self::Role(role) => write!(f, "role:{role}"),
            Self::User(user) => write!(f, "{user}"),
        }
    }
}

/// The stored ACL of one object.
///
/// The two sides are judged apart. `None` means the column is missing, and a
/// missing side is open to everyone; an empty set is closed to all but the master key.
///
/// Source: Parse Server 9.10.0, `DatabaseController.js` (`addReadACL`, `addWriteACL`,
/// `transformObjectACL`).
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Acl {
    /// `_rperm`.
    pub read: Option<BTreeSet<Grantee>>,
    /// `_wperm`.
    pub write: Option<BTreeSet<Grantee>>,
}

impl Acl {
    /// The ACL of an object that has none: public.
    pub const MISSING: Self = Self { read: None, write: None };

    /// Stores an ACL in REST form, `{"role:x": {"read": true}}`; anything falsy stores none.
    pub fn from_rest(acl: Option<&Value>) -> Self {
        let Some(acl) = acl.filter(|acl| truthy(acl)) else { return Self::MISSING };
        let side = |flag: &str| -> BTreeSet<Grantee> {
            let entries = acl.as_object().into_iter().flatten();
            entries
                .filter(|(_, rights)| rights.get(flag).is_some_and(truthy))
                .map(|(key, _)| Grantee::parse(key))
                .collect()
        };
        Self { read: Some(side("read")), write: Some(side("write")) }
    }

    /// Reads the columns `_rperm` and `_wperm`; `null` counts as missing.
    pub fn from_columns(rperm: Option<&Value>, wperm: Option<&Value>) -> Self {
        let side = |column: Option<&Value>| {
            let entries = column?.as_array()?;
            Some(entries.iter().filter_map(Value::as_str).map(Grantee::parse).collect())
        };
        Self { read: side(rperm), write: side(wperm) }
    }

    /// Whether REST answers show an `ACL` column for the object.
    pub fn is_shown(&self) -> bool {
        self.read.is_some() || self.write.is_some()
    }
}

/// Whether JavaScript takes the value for true.
pub(crate) fn truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_empty_acl_is_closed_and_a_missing_one_is_open() {
        let empty = Acl::from_rest(Some(&json!({})));
        assert_eq!(empty, Acl { read: Some(BTreeSet::new()), write: Some(BTreeSet::new()) });
        assert_eq!(Acl::from_rest(Some(&Value::Null)), Acl::MISSING);
        assert_eq!(Acl::from_rest(None), Acl::MISSING);
    }

    #[test]
    fn flags_are_tested_for_truthiness() {
        let acl = Acl::from_rest(Some(&json!({ "*": { "read": "no", "write": 0 } })));
        assert_eq!(acl.read, Some(BTreeSet::from([Grantee::Anyone])));
        assert_eq!(acl.write, Some(BTreeSet::new()));
    }
}
