//! Entries of class-level permissions that do not do what they seem to do.

use serde_json::{Map, Value};

use super::acl::truthy;
use super::operation::Operation;

/// One entry that surprises.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Oddity {
    /// What is odd about it.
    pub kind: OddityKind,
    /// JSON pointer of the entry below the permissions, `/find/authenticated`.
    pub at: String,
    /// The key or word in question; never a value.
    pub word: String,
}

/// What is odd about an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OddityKind {
    /// The permissions, an operation or a list have the wrong JSON type; it grants nothing.
    NotAnObject,
    /// The operation is `null`, `false`, `0` or `""`: open to everyone.
    NullOperation,
    /// `*` is not `true` but truthy, such as the text `"false"`: open to everyone.
    TruthyStar,
    /// A role or user is granted with something other than exactly `true`: grants nobody.
    NotTrue,
    /// A key that Parse Server does not know: ignored.
    UnknownKey,
    /// A word such as `authenticated` or `public`, taken for a user id: matches nobody.
    WordAsUserId,
    /// `role:` without a name: matches nobody.
    EmptyRole,
    /// `pointerFields` on `create`: an object that does not exist has no owner.
    PointerOnCreate,
    /// `pointerFields`, `readUserFields` or `writeUserFields` is not an array.
    NotAList,
}

impl OddityKind {
    /// The name of the kind in rule files.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotAnObject => "not-an-object",
            Self::NullOperation => "null-operation",
            Self::TruthyStar => "truthy-star",
            Self::NotTrue => "not-true",
            Self::UnknownKey => "unknown-key",
            Self::WordAsUserId => "word-as-user-id",
            Self::EmptyRole => "empty-role",
            Self::PointerOnCreate => "pointer-on-create",
            Self::NotAList => "not-a-list",
        }
    }
}

impl Oddity {
    /// An oddity at a pointer below the permissions.
    pub fn new(kind: OddityKind, at: impl Into<String>, word: impl Into<String>) -> Self {
        Self { kind, at: at.into(), word: word.into() }
    }
}

/// Words that authors take for groups of callers. As a key of an operation each
/// is a user id that nobody has.
const WORDS: &[&str] = &[
    "admin",
    "admins",
    "all",
    "anonymous",
    "anyone",
    "authenticated",
    "authenticatedusers",
    "creator",
    "currentuser",
    "everybody",
    "everyone",
    "guest",
    "guests",
    "loggedin",
    "master",
    "masterkey",
    "moderator",
    "moderators",
    "none",
    "nobody",
    "owner",
    "pointerfield",
    "public",
    "readuserfields",
    "requireauthentication",
    "requireuser",
    "requiresauth",
    "role",
    "self",
    "signedin",
    "user",
    "userfield",
    "users",
    "writeuserfields",
];

/// Whether the key of an operation is a word that was meant to be a group.
pub fn is_word(key: &str) -> bool {
    let lower: String = key.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    (key != "requiresAuthentication" && lower == "requiresauthentication") || WORDS.contains(&lower.as_str())
}

/// Whether a key is taken for a comment, which JSON does not have.
pub fn is_comment(key: &str) -> bool {
    key.starts_with("//")
}

/// Finds the oddities of written permissions.
pub(super) fn find(entries: &Map<String, Value>) -> Vec<Oddity> {
    let mut found = Vec::new();
    for (key, value) in entries.iter().filter(|(key, _)| !is_comment(key)) {
        let at = format!("/{}", escape(key));
        match (Operation::from_key(key), key.as_str()) {
            (Some(op), _) => in_operation(op, value, &at, &mut found),
            (None, "readUserFields" | "writeUserFields") => {
                if truthy(value) && !value.is_array() {
                    found.push(Oddity::new(OddityKind::NotAList, at, key));
                }
            }
            (None, "protectedFields") => in_protected_fields(value, &at, &mut found),
            (None, "ACL") => {
                if truthy(value) && !value.is_object() {
                    found.push(Oddity::new(OddityKind::NotAnObject, at, key));
                }
            }
            (None, _) => found.push(Oddity::new(OddityKind::UnknownKey, at, key)),
        }
    }
    found
}

fn in_operation(op: Operation, value: &Value, at: &str, found: &mut Vec<Oddity>) {
    if !truthy(value) {
        return found.push(Oddity::new(OddityKind::NullOperation, at, op.key()));
    }
    let Some(entries) = value.as_object() else {
        // The schemas API accepts `[]`; it equals `{}`.
        if !value.as_array().is_some_and(Vec::is_empty) {
            found.push(Oddity::new(OddityKind::NotAnObject, at, op.key()));
        }
        return;
    };
    for (key, granted) in entries.iter().filter(|(key, _)| !is_comment(key)) {
        let at = format!("{at}/{}", escape(key));
        let is_true = *granted == Value::Bool(true);
        let kind = match key.as_str() {
            "*" if truthy(granted) && !is_true => Some(OddityKind::TruthyStar),
            "*" | "requiresAuthentication" => None,
            "pointerFields" if !granted.is_array() && truthy(granted) => Some(OddityKind::NotAList),
            "pointerFields" if op == Operation::Create && granted.as_array().is_some_and(|l| !l.is_empty()) => {
                Some(OddityKind::PointerOnCreate)
            }
            "pointerFields" => None,
            "role:" => Some(OddityKind::EmptyRole),
            key if is_word(key) && truthy(granted) => Some(OddityKind::WordAsUserId),
            _ if truthy(granted) && !is_true => Some(OddityKind::NotTrue),
            _ => None,
        };
        if let Some(kind) = kind {
            let word = if kind == OddityKind::NotTrue && !key.starts_with("role:") { "a user id" } else { key };
            found.push(Oddity::new(kind, at, word));
        }
    }
}

fn in_protected_fields(value: &Value, at: &str, found: &mut Vec<Oddity>) {
    if !truthy(value) {
        return;
    }
    let Some(groups) = value.as_object() else {
        return found.push(Oddity::new(OddityKind::NotAnObject, at, "protectedFields"));
    };
    for (key, list) in groups.iter().filter(|(key, _)| !is_comment(key)) {
        let at = format!("{at}/{}", escape(key));
        if key == "role:" {
            found.push(Oddity::new(OddityKind::EmptyRole, at, key));
        } else if key != "authenticated" && (is_word(key) || key == "requiresAuthentication") {
            found.push(Oddity::new(OddityKind::WordAsUserId, at, key));
        } else if !list.is_array() {
            found.push(Oddity::new(OddityKind::NotAList, at, "protectedFields"));
        }
    }
}

/// Escapes a key for a JSON pointer (RFC 6901).
pub fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// The key that a part of a JSON pointer stands for.
pub fn unescape(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn kinds(clp: Value) -> Vec<(OddityKind, String)> {
        let found = find(clp.as_object().expect("an object"));
        found.into_iter().map(|oddity| (oddity.kind, oddity.at)).collect()
    }

    #[test]
    fn ordinary_permissions_have_no_oddities() {
        let clp = json!({
            "find": { "*": true, "role:a": true, "requiresAuthentication": true, "abcDEF1234": true },
            "update": { "pointerFields": ["owner"], "//": "owners" }, "delete": [], "count": { "*": false },
            "protectedFields": { "*": ["a"], "authenticated": [], "role:a": [], "userField:owner": [] },
        });
        assert_eq!(kinds(clp), []);
    }

    #[test]
    fn each_kind_is_found_at_its_pointer() {
        let clp = json!({
            "find": null, "get": { "*": "false" }, "count": { "role:a": 1 }, "reads": {},
            "update": { "authenticated": true, "role:": true }, "create": { "pointerFields": ["o"] },
            "delete": "x", "readUserFields": "owner",
        });
        let expected = [
            (OddityKind::NotTrue, "/count/role:a"),
            (OddityKind::PointerOnCreate, "/create/pointerFields"),
            (OddityKind::NotAnObject, "/delete"),
            (OddityKind::NullOperation, "/find"),
            (OddityKind::TruthyStar, "/get/*"),
            (OddityKind::NotAList, "/readUserFields"),
            (OddityKind::UnknownKey, "/reads"),
            (OddityKind::WordAsUserId, "/update/authenticated"),
            (OddityKind::EmptyRole, "/update/role:"),
        ];
        assert_eq!(kinds(clp), expected.map(|(kind, at)| (kind, at.to_owned())));
    }
}
