//! Class-level permissions (CLP) with their meaning fixed: what is left out is
//! closed, a class that was never given any is open.
//!
//! Nothing after this file looks at permission JSON again. What cannot mean what
//! its author hoped for is kept as an [`Oddity`], for the rules to speak about.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::acl::{Grantee, truthy};
use super::names::{FieldName, RoleName, UserId};
use super::oddity::{self, Oddity, OddityKind};
use super::operation::{ByOperation, Operation};

/// The class-level permissions of one class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clp {
    /// `false` if the class was never given permissions and so is open.
    pub written: bool,
    permissions: ByOperation<Permission>,
    /// Columns whose users may get, find and count.
    pub read_user_fields: UserFields,
    /// Columns whose users may update, delete and add fields.
    pub write_user_fields: UserFields,
    /// Columns hidden from each group of readers; `None` hides nothing.
    pub protected_fields: Option<BTreeMap<Group, BTreeSet<FieldName>>>,
    /// The ACL of objects that are saved without one.
    pub default_acl: DefaultAcl,
    /// Entries that do not do what they seem to do, in the order of the source.
    pub oddities: Vec<Oddity>,
}

/// Who may perform one operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Permission {
    /// The operation is written as `null` (or another falsy value): open to everyone.
    NotConfigured,
    /// The operation is left out of written permissions: closed, but for `count` on old servers.
    LeftOut,
    /// The operation names who may.
    Granted(Grants),
}

/// The entries of one operation. They only add up; nothing in them denies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants {
    /// `*` is truthy.
    pub anyone: bool,
    /// `requiresAuthentication` is truthy.
    pub signed_in: bool,
    /// Roles granted with exactly `true`.
    pub roles: BTreeSet<RoleName>,
    /// User ids granted with exactly `true`.
    pub users: BTreeSet<UserId>,
    /// `pointerFields` of the operation.
    pub pointer_fields: UserFields,
}

/// A list of columns that hold users.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserFields {
    /// The columns, without repetition, in the order of the source.
    pub fields: Vec<FieldName>,
    /// A non-empty array opens the operation for filtering by row; a string or
    /// an empty array does not.
    pub opens: bool,
}

/// A group of readers in `protectedFields`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// `*`, everybody.
    Anyone,
    /// `authenticated`, everybody with a session.
    SignedIn,
    /// `role:NAME`.
    Role(RoleName),
    /// `userField:COLUMN`, the user that the column of the row refers to.
    UserField(FieldName),
    /// A user's object id, or a word that was meant to be something else.
    User(UserId),
}

/// What `ACL` in class-level permissions gives to objects saved without an ACL.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum DefaultAcl {
    /// No such key, or exactly public read and write: no ACL is stored.
    #[default]
    None,
    /// Entries by grantee; the creator's own rights are apart.
    Given {
        /// Who reads.
        read: BTreeSet<Grantee>,
        /// Who writes.
        write: BTreeSet<Grantee>,
        /// `currentUser`: may the creator (read, write)?
        creator: (bool, bool),
    },
}

impl Clp {
    /// Permissions of a class that was never given any: everything is open.
    pub fn open() -> Self {
        let anyone = Permission::Granted(Grants { anyone: true, ..Grants::default() });
        Self {
            written: false,
            permissions: ByOperation::of(|_| anyone.clone()),
            protected_fields: Some(BTreeMap::from([(Group::Anyone, BTreeSet::new())])),
            ..Self::closed()
        }
    }

    /// Written permissions that name nobody.
    pub fn closed() -> Self {
        Self {
            written: true,
            permissions: ByOperation::of(|_| Permission::LeftOut),
            read_user_fields: UserFields::default(),
            write_user_fields: UserFields::default(),
            protected_fields: Some(BTreeMap::new()),
            default_acl: DefaultAcl::None,
            oddities: Vec::new(),
        }
    }

    /// Reads permissions in the shape the storage adapters keep and REST shows them.
    ///
    /// `None` (and `null`) means the class has no permissions at all and is open to
    /// everyone; an operation that `stored` leaves out is closed.
    ///
    /// Source: Parse Server 9.10.0, `MongoSchemaCollection.js` (`defaultCLPS`,
    /// `emptyCLPS`). Recorded in `fixtures/server/`.
    pub fn from_stored(stored: Option<&Value>) -> Self {
        let Some(stored) = stored.filter(|stored| truthy(stored)) else { return Self::open() };
        let Some(entries) = stored.as_object() else {
            let mut clp = Self::closed();
            clp.oddities.push(Oddity::new(OddityKind::NotAnObject, "", ""));
            return clp;
        };
        if is_open_default(entries) {
            return Self::open();
        }
        let mut clp = Self::closed();
        for (key, value) in entries {
            clp.add(key, value);
        }
        clp.oddities.extend(oddity::find(entries));
        clp
    }

    /// Reads permissions of a class that is defined in code (`schema.definitions`).
    ///
    /// There a class without permissions is closed, and nobody may add fields.
    ///
    /// Source: Parse Server 9.10.0, `SchemaMigrations/DefinedSchemas.js`.
    pub fn from_definition(written: Option<&Value>) -> Self {
        let mut clp = match written.filter(|written| truthy(written)) {
            Some(written) => Self::from_stored(Some(written)),
            None => Self::closed(),
        };
        clp.written = true;
        clp.permissions.set(Operation::AddField, Permission::Granted(Grants::default()));
        clp
    }

    /// Who may perform the operation.
    pub fn permission(&self, op: Operation) -> &Permission {
        self.permissions.get(op)
    }

    /// Lets others perform the operation.
    pub fn give(&mut self, op: Operation, permission: Permission) {
        self.permissions.set(op, permission);
    }

    /// The named grants of the operation, if it names any.
    pub fn grants(&self, op: Operation) -> Option<&Grants> {
        match self.permission(op) {
            Permission::Granted(grants) => Some(grants),
            Permission::NotConfigured | Permission::LeftOut => None,
        }
    }

    /// The class-wide list of user columns that applies to the operation.
    pub fn class_user_fields(&self, op: Operation) -> &UserFields {
        if op.is_read() { &self.read_user_fields } else { &self.write_user_fields }
    }

    /// The same permissions with every operation that was left out written as "nobody".
    ///
    /// REST answers are always filled like this; compare sources by it.
    pub fn filled(&self) -> Self {
        let mut filled = self.clone();
        for permission in filled.permissions.values_mut() {
            if *permission == Permission::LeftOut {
                *permission = Permission::Granted(Grants::default());
            }
        }
        filled
    }

    /// Every role named in the permissions.
    pub fn roles(&self) -> BTreeSet<&RoleName> {
        let granted = Operation::ALL.into_iter().filter_map(|op| self.grants(op));
        let mut roles: BTreeSet<&RoleName> = granted.flat_map(|grants| &grants.roles).collect();
        for group in self.protected_fields.iter().flat_map(BTreeMap::keys) {
            if let Group::Role(role) = group {
                roles.insert(role);
            }
        }
        if let DefaultAcl::Given { read, write, .. } = &self.default_acl {
            roles.extend(read.union(write).filter_map(|grantee| match grantee {
                Grantee::Role(role) => Some(role),
                Grantee::Anyone | Grantee::User(_) => None,
            }));
        }
        roles
    }

    /// Every user named in the permissions by object id.
    pub fn users(&self) -> BTreeSet<UserId> {
        let granted = Operation::ALL.into_iter().filter_map(|op| self.grants(op));
        let mut users: BTreeSet<UserId> = granted.flat_map(|grants| &grants.users).copied().collect();
        for group in self.protected_fields.iter().flat_map(BTreeMap::keys) {
            if let Group::User(user) = group {
                users.insert(*user);
            }
        }
        users
    }

    fn add(&mut self, key: &str, value: &Value) {
        if let Some(op) = Operation::from_key(key) {
            return self.permissions.set(op, Permission::from_json(value));
        }
        match key {
            "readUserFields" => self.read_user_fields = UserFields::from_json(Some(value)),
            "writeUserFields" => self.write_user_fields = UserFields::from_json(Some(value)),
            "protectedFields" => self.protected_fields = protected_fields(value),
            "ACL" => self.default_acl = DefaultAcl::from_json(value),
            _ => {}
        }
    }
}

impl Permission {
    fn from_json(value: &Value) -> Self {
        if !truthy(value) {
            return Self::NotConfigured;
        }
        // An array, a string or `true` has none of the keys that grant.
        let Some(entries) = value.as_object() else { return Self::Granted(Grants::default()) };
        let mut grants = Grants {
            anyone: entries.get("*").is_some_and(truthy),
            signed_in: entries.get("requiresAuthentication").is_some_and(truthy),
            pointer_fields: UserFields::from_json(entries.get("pointerFields")),
            ..Grants::default()
        };
        let keywords = ["requiresAuthentication", "pointerFields"];
        let names = |key: &str| !keywords.contains(&key) && !oddity::is_comment(key);
        for (key, _) in entries.iter().filter(|(key, granted)| **granted == Value::Bool(true) && names(key)) {
            match Grantee::parse(key) {
                Grantee::Anyone => {}
                Grantee::Role(role) => drop(grants.roles.insert(role)),
                Grantee::User(user) => drop(grants.users.insert(user)),
            }
        }
        Self::Granted(grants)
    }
}

impl UserFields {
    fn from_json(value: Option<&Value>) -> Self {
        let mut list = Self::default();
        match value {
            Some(Value::Array(names)) => {
                list.opens = !names.is_empty();
                for name in names {
                    // A column that is no string has no type, which the server cannot filter by.
                    list.push(name.as_str().unwrap_or_default());
                }
            }
            // The server spreads a string into its characters.
            Some(Value::String(text)) => {
                for character in text.chars() {
                    list.push(character.encode_utf8(&mut [0; 4]));
                }
            }
            Some(other) if truthy(other) => list.push(""),
            _ => {}
        }
        list
    }

    fn push(&mut self, name: &str) {
        if !self.fields.iter().any(|field| *field == name) {
            self.fields.push(name.into());
        }
    }
}

impl Group {
    /// Reads a key of `protectedFields`.
    pub fn parse(key: &str) -> Self {
        if let Some(role) = key.strip_prefix("role:") {
            return Self::Role(role.into());
        }
        if let Some(column) = key.strip_prefix("userField:") {
            return Self::UserField(column.into());
        }
        match key {
            "*" => Self::Anyone,
            "authenticated" => Self::SignedIn,
            _ => Self::User(UserId::of(key)),
        }
    }
}

impl std::fmt::Display for Group {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Anyone => f.write_str("*"),
            Self::SignedIn => f.write_str("authenticated"),
            Self::Role(role) => write!(f, "role:{role}"),
            Self::UserField(column) => write!(f, "userField:{column}"),
            Self::User(user) => write!(f, "{user}"),
        }
    }
}

impl DefaultAcl {
    fn from_json(value: &Value) -> Self {
        let Some(entries) = value.as_object() else { return Self::None };
        if is_public_acl(entries) {
            return Self::None;
        }
        let may = |rights: &Value, flag: &str| rights.get(flag).is_some_and(truthy);
        let side = |flag: &str| {
            let named = entries.iter().filter(|(key, _)| *key != "currentUser");
            named.filter(|(_, rights)| may(rights, flag)).map(|(key, _)| Grantee::parse(key)).collect()
        };
        let creator = entries.get("currentUser").unwrap_or(&Value::Null);
        Self::Given { read: side("read"), write: side("write"), creator: (may(creator, "read"), may(creator, "write")) }
    }
}

/// Reads `protectedFields`, of a class or of the server's options.
///
/// `None` if the value is falsy. A list that is none hides nothing.
pub fn protected_fields(value: &Value) -> Option<BTreeMap<Group, BTreeSet<FieldName>>> {
    let groups = value.as_object()?;
    let columns = |list: &Value| {
        let names = list.as_array().into_iter().flatten().filter_map(Value::as_str);
        names.map(FieldName::from).collect()
    };
    let groups = groups.iter().filter(|(key, _)| !oddity::is_comment(key));
    Some(groups.map(|(key, list)| (Group::parse(key), columns(list))).collect())
}

/// `{"*": {"read": true, "write": true}}`: the server stores no ACL for it.
fn is_public_acl(entries: &Map<String, Value>) -> bool {
    entries.len() == 1
        && entries.get("*").and_then(Value::as_object).is_some_and(|rights| {
            rights.len() == 2
                && rights.get("read") == Some(&Value::Bool(true))
                && rights.get("write") == Some(&Value::Bool(true))
        })
}

/// What REST shows for a class without permissions, with or without the key `ACL` of 8.1.
fn is_open_default(entries: &Map<String, Value>) -> bool {
    let anyone = |value: Option<&Value>| {
        value
            .and_then(Value::as_object)
            .is_some_and(|grants| grants.len() == 1 && grants.get("*") == Some(&Value::Bool(true)))
    };
    let nothing_hidden = entries.get("protectedFields").and_then(Value::as_object).is_some_and(|groups| {
        groups.len() == 1 && groups.get("*").and_then(Value::as_array).is_some_and(Vec::is_empty)
    });
    let public_acl = match entries.get("ACL") {
        None => true,
        Some(acl) => acl.as_object().is_some_and(is_public_acl),
    };
    nothing_hidden
        && public_acl
        && Operation::ALL.iter().all(|op| anyone(entries.get(op.key())))
        && entries.len() == 8 + usize::from(entries.contains_key("ACL"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn grants(clp: &Clp, op: Operation) -> Grants {
        clp.grants(op).cloned().unwrap_or_default()
    }

    #[test]
    fn a_class_without_permissions_is_open() {
        for stored in [None, Some(&Value::Null)] {
            let clp = Clp::from_stored(stored);
            assert!(!clp.written);
            assert!(Operation::ALL.iter().all(|op| grants(&clp, *op).anyone));
        }
    }

    #[test]
    fn what_rest_shows_for_no_permissions_is_no_permissions() {
        let anyone = json!({ "*": true });
        let mut shown = json!({ "protectedFields": { "*": [] } });
        for op in Operation::ALL {
            shown[op.key()] = anyone.clone();
        }
        assert_eq!(Clp::from_stored(Some(&shown)), Clp::open());
        shown["ACL"] = json!({ "*": { "read": true, "write": true } });
        assert_eq!(Clp::from_stored(Some(&shown)), Clp::open());
        shown["addField"] = json!({});
        assert!(Clp::from_stored(Some(&shown)).written);
    }

    #[test]
    fn an_operation_left_out_of_written_permissions_is_closed() {
        let clp = Clp::from_stored(Some(&json!({ "find": { "*": true } })));
        assert_eq!(clp.permission(Operation::Delete), &Permission::LeftOut);
        let empty = Clp::from_stored(Some(&json!({})));
        assert!(empty.written);
        assert_eq!(empty.permission(Operation::Find), &Permission::LeftOut);
    }

    #[test]
    fn an_operation_written_as_null_is_open() {
        let clp = Clp::from_stored(Some(&json!({ "find": null, "get": {} })));
        assert_eq!(clp.permission(Operation::Find), &Permission::NotConfigured);
        assert_eq!(clp.permission(Operation::Get), &Permission::Granted(Grants::default()));
    }

    #[test]
    fn a_star_needs_to_be_truthy_and_a_role_exactly_true() {
        let clp = Clp::from_stored(Some(&json!({
            "find": { "*": "false" }, "get": { "role:a": 1, "role:b": true, "u": "yes", "requiresAuthentication": true },
        })));
        assert!(grants(&clp, Operation::Find).anyone);
        let get = grants(&clp, Operation::Get);
        assert_eq!(get.roles, BTreeSet::from(["b".into()]));
        assert!(get.users.is_empty());
    }

    #[test]
    fn a_definition_without_permissions_is_closed() {
        let clp = Clp::from_definition(None);
        assert!(clp.written);
        assert_eq!(clp.permission(Operation::Find), &Permission::LeftOut);
        let public = Clp::from_definition(Some(&json!({ "addField": { "*": true } })));
        assert_eq!(grants(&public, Operation::AddField), Grants::default());
    }

    #[test]
    fn the_creator_in_a_default_acl_is_kept_apart() {
        let clp = Clp::from_stored(Some(&json!({
            "ACL": { "*": { "read": true }, "currentUser": { "read": true, "write": true } },
        })));
        let expected = DefaultAcl::Given {
            read: BTreeSet::from([Grantee::Anyone]),
            write: BTreeSet::new(),
            creator: (true, true),
        };
        assert_eq!(clp.default_acl, expected);
    }
}
