//! From facts back to an app, so that `permit` decides about a lock as it does about what
//! was read. Numbers of rows are made up from their bands.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use crate::model::census::{Census, Shape};
use crate::model::class::{Origin, Source, built_in_fields};
use crate::model::clp::{DefaultAcl, Grants, Permission, UserFields};
use crate::model::options::{Options, ProtectedFields, Written};
use crate::model::roles::Role;
use crate::model::server::{FoundVersion, VersionFrom};
use crate::model::{
    Acl, App, Class, ClassName, Clp, Field, FieldName, FileId, Grantee, Group, Known, Operation, Place, Roles, UserId,
    Webhook, Why,
};

use super::classes::{CREATOR, NEVER_GIVEN, PUBLIC, SIGNED_IN, parse_field};
use super::options::NOT_KNOWN;
use super::rows::{UNKNOWN, parse_set};
use super::{Lock, NOT_READ, Value, bands};

/// A place for what has none.
const NOWHERE: Place = Place::File { file: FileId(u32::MAX) };

impl Lock {
    /// The app that these facts are about. What was not read then is not read here.
    pub fn app(&self) -> App {
        let mut names = self.names(&["class"]);
        names.extend(self.names(&[NOT_READ, "class"]));
        let classes = names.into_iter().map(|name| (ClassName::from(name), self.class(name))).collect();
        App { classes, ..self.app_without_classes() }
    }

    /// The same without any class.
    pub fn app_without_classes(&self) -> App {
        let mut app = App { roles: self.roles(), ..App::default() };
        if let Some(version) = self.text(&["server", "version"]).and_then(|text| text.parse().ok()) {
            app.server.version = Known::Read(FoundVersion { version, from: VersionFrom::Given, at: None });
        }
        // Nothing that is decided asks what GraphQL shows.
        if !self.is_unread(&["server-options"]) {
            app.server.options = Known::Read(self.options());
        }
        if !self.is_unread(&["webhooks"]) {
            app.webhooks = Known::Read(self.webhooks());
        }
        app
    }

    /// One class of that app.
    pub fn class_named(&self, name: &str) -> Option<Class> {
        let is_there = |above: &[&str]| self.below(above).next().is_some();
        (is_there(&["class", name]) || is_there(&[NOT_READ, "class", name])).then(|| self.class(name))
    }

    /// Whether something was not read.
    pub fn is_unread(&self, what: &[&str]) -> bool {
        let key: Vec<&str> = [NOT_READ].into_iter().chain(what.iter().copied()).collect();
        self.get(&key).is_some()
    }

    fn class(&self, name: &str) -> Class {
        let unread = |part| self.is_unread(&["class", name, part]);
        let class_name = ClassName::from(name);
        let fields = if unread("fields") {
            Known::Unread(Why::NotAsked)
        } else {
            let mut fields = built_in_fields(&class_name);
            for (key, words) in self.below(&["class", name, "fields"]) {
                let Some((kind, _)) = words.list().map(parse_field) else { continue };
                fields.insert(key.part(3).into(), Field::of(kind));
            }
            Known::Read(fields)
        };
        let clp = if unread("allow") { Known::Unread(Why::NotAsked) } else { Known::Read(self.clp(name)) };
        let rows = if unread("rows") { Known::Unread(Why::NotAsked) } else { Known::Read(self.census(name)) };
        let source = Source {
            origin: Origin::Deployed,
            at: NOWHERE,
            clp: String::new(),
            fields: String::new(),
            parts: BTreeMap::new(),
        };
        // Nothing that is decided asks what is unique.
        let indexes = Known::Unread(Why::NotAsked);
        Class { name: class_name, fields, clp, rows, rows_at: None, indexes, source }
    }

    fn clp(&self, class: &str) -> Clp {
        if self.text(&["class", class, "permissions"]) == Some(NEVER_GIVEN) {
            return Clp::open();
        }
        let mut clp = Clp::closed();
        for op in Operation::ALL {
            let named = self.list(&["class", class, "allow", op.key()]);
            clp.give(op, Permission::Granted(grants(named.into_iter().flatten())));
        }
        clp.read_user_fields = self.user_fields(class, "readUserFields");
        clp.write_user_fields = self.user_fields(class, "writeUserFields");
        let protected = ["class", class, "protected"];
        let groups = self.below(&protected).map(|(key, fields)| (group(key.part(3)), columns(fields)));
        clp.protected_fields = Some(groups.collect());
        clp.default_acl = self.default_acl(class);
        clp
    }

    fn user_fields(&self, class: &str, key: &str) -> UserFields {
        let fields: Vec<FieldName> =
            self.list(&["class", class, "allow", key]).into_iter().flatten().map(|name| name.as_str().into()).collect();
        UserFields { opens: !fields.is_empty(), fields }
    }

    fn default_acl(&self, class: &str) -> DefaultAcl {
        let side = |side| self.list(&["class", class, "new-objects", side]);
        let (Some(read), Some(write)) = (side("read"), side("write")) else { return DefaultAcl::None };
        let everyone = BTreeSet::from([PUBLIC.to_owned()]);
        if *read == everyone && *write == everyone {
            return DefaultAcl::None;
        }
        let named = |list: &BTreeSet<String>| list.iter().filter(|word| *word != CREATOR).map(|w| grantee(w)).collect();
        let creator = (read.contains(CREATOR), write.contains(CREATOR));
        DefaultAcl::Given { read: named(read), write: named(write), creator }
    }

    /// Rows with the shares of each side. Which reads go with which writes a lock does not tell, and
    /// nothing that is decided asks.
    fn census(&self, class: &str) -> Census {
        let mut census = Census { users_known: false, ..Census::default() };
        if self.text(&["class", class, "rows", "count"]).is_none_or(|count| count == "0") {
            return census;
        }
        let side = |side| -> Vec<(String, u64)> {
            let middle = |(key, band): (&'_ super::Key, &Value)| {
                (key.part(4).to_owned(), bands::middle(band.text().unwrap_or_default()))
            };
            self.below(&["class", class, "rows", side]).map(middle).collect()
        };
        let (read, write) = (side("read"), side("write"));
        let sum = |side: &[(String, u64)]| side.iter().map(|(_, share)| share).sum::<u64>();
        // Both sides are stretched to the same number of rows.
        let (reads, writes) = (sum(&read).max(1), sum(&write).max(1));
        let (mut read, mut write) = (read.into_iter().peekable(), write.into_iter().peekable());
        let (mut left_read, mut left_write) = (0, 0);
        let (mut now_read, mut now_write) = (UNKNOWN.to_owned(), UNKNOWN.to_owned());
        loop {
            if left_read == 0 {
                let Some((set, share)) = read.next() else { break };
                (now_read, left_read) = (set, share * writes);
            }
            if left_write == 0 {
                let Some((set, share)) = write.next() else { break };
                (now_write, left_write) = (set, share * reads);
            }
            let count = left_read.min(left_write);
            left_read -= count;
            left_write -= count;
            if count == 0 {
                continue;
            }
            if now_read == UNKNOWN || now_write == UNKNOWN {
                census.unreadable += count;
            } else {
                let shape = Shape { read: parse_set(&now_read), write: parse_set(&now_write), ..Shape::default() };
                census.add(shape, count);
            }
        }
        census
    }

    fn roles(&self) -> Known<Roles> {
        if self.is_unread(&["roles"]) {
            return Known::Unread(Why::NotAsked);
        }
        let mut by_name: BTreeMap<_, Role> = BTreeMap::new();
        for name in self.names(&["role"]) {
            let writers = self.list(&["role", name, "changed-by"]).into_iter().flatten();
            let acl = Acl { read: Some(BTreeSet::new()), write: Some(writers.map(|word| grantee(word)).collect()) };
            let members = self.below(&["role", name, "member"]).map(|(key, _)| user(key.part(3))).collect();
            let members = if self.is_unread(&["role-members"]) { Known::default() } else { Known::Read(members) };
            by_name.insert(name.into(), Role { acl, children: BTreeSet::new(), members, at: NOWHERE });
        }
        for name in self.names(&["role"]) {
            for parent in self.list(&["role", name, "inherits"]).into_iter().flatten() {
                if let Some(parent) = by_name.get_mut(parent.as_str()) {
                    parent.children.insert(name.into());
                }
            }
        }
        let inheritance =
            if self.is_unread(&["role-inheritance"]) { Known::Unread(Why::NotAsked) } else { Known::Read(()) };
        Known::Read(Roles { by_name, inheritance })
    }

    fn options(&self) -> Options {
        let flag = |name: &str| match self.get(&["server", "option", name]) {
            Some(Value::Flag(flag)) => Some(*flag),
            Some(Value::Text(text)) => text.parse().ok(),
            Some(Value::List(_)) | None => None,
        };
        let addresses =
            |name: &str| self.list(&["server", "option", name]).map(|list| list.iter().cloned().collect::<Vec<_>>());
        let is_set = |name: &str| self.get(&["server", "option", name]).is_some();
        let mut options = Options {
            allow_client_class_creation: flag("allowClientClassCreation"),
            enforce_private_users: flag("enforcePrivateUsers"),
            enable_anonymous_users: flag("enableAnonymousUsers"),
            allow_custom_object_id: flag("allowCustomObjectId"),
            protected_fields: self.protected_option(),
            protected_fields_owner_exempt: flag("protectedFieldsOwnerExempt"),
            protected_fields_save_response_exempt: flag("protectedFieldsSaveResponseExempt"),
            master_key_ips: addresses("masterKeyIps"),
            read_only_master_key_ips: addresses("readOnlyMasterKeyIps"),
            has_read_only_master_key: is_set("readOnlyMasterKey"),
            file_upload_public: flag("fileUpload.enableForPublic"),
            has_webhook_key: is_set("webhookKey"),
            ..Options::default()
        };
        for (key, value) in self.below(&["server", "option"]) {
            let written = match value {
                Value::Text(text) if text == NOT_KNOWN => {
                    options.unknown.insert(key.part(2).to_owned());
                    Written::Unknown { fallback: None }
                }
                Value::Text(text) => Written::Value(Json::String(text.clone())),
                Value::Flag(flag) => Written::Value(Json::Bool(*flag)),
                Value::List(list) => Written::Value(list.iter().cloned().collect()),
            };
            options.tree.values.insert(key.part(2).to_owned(), written);
        }
        options
    }

    fn protected_option(&self) -> Option<ProtectedFields> {
        let mut classes = ProtectedFields::new();
        for (key, fields) in self.below(&["server", "protected"]) {
            classes.entry(key.part(2).into()).or_default().insert(group(key.part(3)), columns(fields));
        }
        (!classes.is_empty()).then_some(classes)
    }

    fn webhooks(&self) -> Vec<Webhook> {
        let webhook = |(key, origin): (&super::Key, &Value)| {
            let (scheme, host) = origin.text().and_then(|origin| origin.split_once("://")).unwrap_or_default();
            let (scheme, host) = (scheme.to_owned(), host.to_owned());
            Webhook { trigger: key.part(1).to_owned(), scheme, host, at: NOWHERE }
        };
        self.below(&["webhook"]).map(webhook).collect()
    }
}

fn grants<'w>(words: impl Iterator<Item = &'w String>) -> Grants {
    let mut grants = Grants::default();
    for word in words {
        match (word.as_str(), word.split_once(':')) {
            (PUBLIC, _) => grants.anyone = true,
            (SIGNED_IN, _) => grants.signed_in = true,
            (_, Some(("role", role))) => drop(grants.roles.insert(role.into())),
            (_, Some(("user", digits))) => drop(grants.users.insert(user(digits))),
            (_, Some(("owner", column))) => {
                grants.pointer_fields.fields.push(column.into());
                grants.pointer_fields.opens = true;
            }
            _ => {}
        }
    }
    grants
}

fn group(word: &str) -> Group {
    match (word, word.split_once(':')) {
        (PUBLIC, _) => Group::Anyone,
        (SIGNED_IN, _) => Group::SignedIn,
        (_, Some(("role", role))) => Group::Role(role.into()),
        (_, Some(("owner", column))) => Group::UserField(column.into()),
        _ => Group::User(user(word.trim_start_matches("user:"))),
    }
}

fn grantee(word: &str) -> Grantee {
    match (word, word.strip_prefix("role:")) {
        (PUBLIC, _) => Grantee::Anyone,
        (_, Some(role)) => Grantee::Role(role.into()),
        _ => Grantee::User(user(word.trim_start_matches("user:"))),
    }
}

fn columns(fields: &Value) -> BTreeSet<FieldName> {
    fields.list().into_iter().flatten().map(|field| field.as_str().into()).collect()
}

/// A user of whom six digits are known. They are told from others by these.
fn user(digits: &str) -> UserId {
    UserId::of(&format!("in a lock: {digits}"))
}
