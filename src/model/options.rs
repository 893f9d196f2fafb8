//! Options of a server or a dashboard: those that decide access by type, and all of
//! them by name, as far as rules may ask.
//!
//! No key, password or address is kept. What rules may know of one are [`Form`]s.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::clp::Group;
use super::names::{ClassName, FieldName};
use super::place::Place;

/// Options of Parse Server that decide who can do what. `None` means the option
/// is not set and the default of the version counts, unless it is `unknown`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Options {
    /// `allowClientClassCreation`.
    pub allow_client_class_creation: Option<bool>,
    /// `enforcePrivateUsers`.
    pub enforce_private_users: Option<bool>,
    /// `enableAnonymousUsers`.
    pub enable_anonymous_users: Option<bool>,
    /// `allowCustomObjectId`.
    pub allow_custom_object_id: Option<bool>,
    /// `protectedFields`, by class and group.
    pub protected_fields: Option<ProtectedFields>,
    /// `protectedFieldsOwnerExempt`.
    pub protected_fields_owner_exempt: Option<bool>,
    /// `protectedFieldsSaveResponseExempt`.
    pub protected_fields_save_response_exempt: Option<bool>,
    /// `masterKeyIps`, as written.
    pub master_key_ips: Option<Vec<String>>,
    /// `readOnlyMasterKeyIps`, as written.
    pub read_only_master_key_ips: Option<Vec<String>>,
    /// Whether `readOnlyMasterKey` is set. The key itself is never kept.
    pub has_read_only_master_key: bool,
    /// Names of other keys whose value equals the master key's.
    pub same_as_master_key: BTreeSet<String>,
    /// `fileUpload.enableForPublic`.
    pub file_upload_public: Option<bool>,
    /// Whether `webhookKey` is set. The key itself is never kept.
    pub has_webhook_key: bool,
    /// Options that code sets to something that is not known: neither a value nor a default counts.
    pub unknown: BTreeSet<String>,
    /// Where each option that was read stands, by its name in the configuration.
    pub at: BTreeMap<String, Place>,
    /// All options by name.
    pub tree: Tree,
}

/// The server option `protectedFields`.
pub type ProtectedFields = BTreeMap<ClassName, BTreeMap<Group, BTreeSet<FieldName>>>;

impl Options {
    /// Whether two configurations say the same, wherever they say it.
    pub fn says_the_same(&self, other: &Self) -> bool {
        let tree = Tree { values: self.tree.values.clone(), ..other.tree.clone() };
        Self { at: other.at.clone(), tree, ..self.clone() } == *other
    }

    /// These options, and of another configuration those that they do not set.
    pub fn over(self, below: &Self) -> Self {
        let mut both = below.clone();
        let Self { tree, at, unknown, same_as_master_key, .. } = self;
        both.allow_client_class_creation = self.allow_client_class_creation.or(both.allow_client_class_creation);
        both.enforce_private_users = self.enforce_private_users.or(both.enforce_private_users);
        both.enable_anonymous_users = self.enable_anonymous_users.or(both.enable_anonymous_users);
        both.allow_custom_object_id = self.allow_custom_object_id.or(both.allow_custom_object_id);
        both.protected_fields = self.protected_fields.or(both.protected_fields);
        both.protected_fields_owner_exempt = self.protected_fields_owner_exempt.or(both.protected_fields_owner_exempt);
        both.protected_fields_save_response_exempt =
            self.protected_fields_save_response_exempt.or(both.protected_fields_save_response_exempt);
        both.master_key_ips = self.master_key_ips.or(both.master_key_ips);
        both.read_only_master_key_ips = self.read_only_master_key_ips.or(both.read_only_master_key_ips);
        both.has_read_only_master_key |= self.has_read_only_master_key;
        both.file_upload_public = self.file_upload_public.or(both.file_upload_public);
        both.has_webhook_key |= self.has_webhook_key;
        both.same_as_master_key.extend(same_as_master_key);
        both.unknown.extend(unknown);
        both.at.extend(at);
        both.tree.values.extend(tree.values);
        both.tree.at.extend(tree.at);
        both.tree.from = tree.from;
        both
    }
}

/// Everything a configuration sets, by name: `fileUpload.enableForPublic`, `rateLimit.0.requestPath`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tree {
    /// What is set. The empty name stands for a part that is not known, which may set anything.
    pub values: BTreeMap<String, Written>,
    /// Where it stands.
    pub at: BTreeMap<String, Place>,
    /// Where the configuration stands as a whole.
    pub whole: Option<Place>,
    /// What it was read from.
    pub from: From,
}

/// What a configuration was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum From {
    /// Code that starts the server.
    Code,
    /// A file in JSON.
    #[default]
    File,
    /// Variables of the environment, in files that deploy the server.
    Environment,
}

/// What an option is set to.
#[derive(Debug, Clone, PartialEq)]
pub enum Written {
    /// A flag, number, text, `null`, or a list of these.
    Value(Value),
    /// An object or list with parts of its own.
    Group,
    /// A text that is not kept.
    Hidden(BTreeSet<Form>),
    /// Something that is not known here.
    Unknown {
        /// What it is unless the environment says otherwise.
        fallback: Option<Box<Written>>,
    },
}

/// What may be known of a key or an address that is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// Fewer than 14 characters; or fewer than 24 of two of these kinds, or than 32 of one: capital
    /// and small letters, digits, others.
    Weak,
    /// Longer, but of fewer than three kinds: weak to Parse Server's own check alone. The same of
    /// the password in an address.
    FewKinds,
    /// Fewer than 32 characters.
    Short,
    /// The value of a sample, or a word that everybody tries first.
    Sample,
    /// As a password among the first that are tried: a usual word, a number, fewer than six
    /// characters, or the user's own name.
    Guessed,
    /// The value of the master key.
    AsMasterKey,
    /// The value of another key of the same configuration.
    AsAnotherKey,
    /// An address of MongoDB.
    MongoDb,
    /// An address of PostgreSQL.
    PostgreSql,
    /// An address of plain HTTP at a host that is not the server's own machine or network.
    PlainHttp,
    /// An address of plain LDAP.
    PlainLdap,
    /// An address of a service elsewhere, without a password.
    WithoutPassword,
    /// An address with a password that is weak.
    WeakPassword,
    /// An address of a database or cache elsewhere, in clear text.
    ClearText,
    /// An address that switches off the check of certificates.
    UncheckedTls,
}

impl Tree {
    /// What a name is set to; a name inside something that is not known is not known either.
    pub fn get(&self, name: &str) -> Option<&Written> {
        get(&self.values, name, |written| matches!(written, Written::Unknown { .. }))
    }

    /// The names below a name, one part deeper, in order.
    pub fn parts<'t>(&'t self, of: &str) -> BTreeSet<&'t str> {
        parts(&self.values, of)
    }

    /// Where an option stands, or what is around it.
    pub fn place(&self, name: &str) -> Option<&Place> {
        let mut name = name;
        loop {
            if let Some(at) = self.at.get(name) {
                return Some(at);
            }
            let Some((parent, _)) = name.rsplit_once('.') else { return self.whole.as_ref() };
            name = parent;
        }
    }
}

/// A flag as the command line reads it: also the words.
pub fn as_flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => match text.as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// What a name is set to; a name inside something that is not known is not known either. The empty
/// name stands for a part that is not known.
pub fn get<'v, V>(values: &'v BTreeMap<String, V>, name: &str, is_unknown: impl Fn(&V) -> bool) -> Option<&'v V> {
    if let Some(value) = values.get(name) {
        return Some(value);
    }
    let mut above = name;
    while let Some((parent, _)) = above.rsplit_once('.') {
        above = parent;
        if let Some(value) = values.get(above) {
            return Some(value).filter(|value| is_unknown(value));
        }
    }
    values.get("")
}

/// The names below a name, one part deeper, in order.
pub fn parts<'v, V>(values: &'v BTreeMap<String, V>, of: &str) -> BTreeSet<&'v str> {
    let below = |name: &'v String| {
        let rest = name.strip_prefix(of)?.strip_prefix('.')?;
        Some(rest.split('.').next().unwrap_or(rest))
    };
    values.keys().filter_map(below).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_inside_something_unknown_is_unknown() {
        let unknown = Written::Unknown { fallback: None };
        let mut tree = Tree::default();
        tree.values.insert("fileUpload".to_owned(), unknown.clone());
        tree.values.insert("push".to_owned(), Written::Group);
        assert_eq!(tree.get("fileUpload.enableForPublic"), Some(&unknown));
        assert_eq!((tree.get("push.ios"), tree.get("maxLimit")), (None, None));
        tree.values.insert(String::new(), unknown.clone());
        assert_eq!((tree.get("push.ios"), tree.get("maxLimit")), (None, Some(&unknown)));
    }
}
