//! Classes: their columns, permissions, and the ACL of new objects.

use std::collections::BTreeSet;

use crate::model::class::built_in_fields;
use crate::model::clp::{DefaultAcl, Permission, UserFields};
use crate::model::{Class, Clp, Field, FieldKind, FieldName, Grantee, Group, Known, Operation};
use crate::permit::Behaviour;
use crate::rules::words::Tag;

use super::Making;
use super::rows::AND;

/// Whoever is not signed in, and with them everybody.
pub const PUBLIC: &str = "public";
/// Whoever is signed in.
pub const SIGNED_IN: &str = "signed-in";
/// Whoever made an object.
pub const CREATOR: &str = "creator";
/// Permissions that somebody wrote.
pub const GIVEN: &str = "given";
/// Columns that no two rows may have the same values in.
pub const UNIQUE: &str = "unique";
/// A class that was never given permissions.
pub const NEVER_GIVEN: &str = "never given";

impl Making<'_> {
    pub(super) fn class(&mut self, class: &Class) {
        let name = class.name.as_str();
        match &class.fields {
            Known::Read(fields) => {
                let built_in = built_in_fields(&class.name);
                for (field, is) in fields.iter().filter(|(field, is)| !same(built_in.get(*field), is)) {
                    let words = self.field(class, field, is);
                    self.put(&["class", name, "fields", field.as_str()], words);
                }
            }
            Known::Unread(why) => self.not_read(&["class", name, "fields"], why),
        }
        match &class.clp {
            Known::Read(clp) => self.permissions(name, clp),
            Known::Unread(why) => self.not_read(&["class", name, "allow"], why),
        }
        match &class.rows {
            Known::Read(census) => self.rows(name, census),
            Known::Unread(why) => self.not_read(&["class", name, "rows"], why),
        }
        match &class.indexes {
            Known::Read(indexes) => {
                for (columns, covered) in &indexes.unique {
                    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
                    self.put(&["class", name, UNIQUE, &columns.join(AND)], covered.words());
                }
            }
            // Where those of no class are known that is said once.
            Known::Unread(why) if self.some_indexes_are_known() => self.not_read(&["class", name, UNIQUE], why),
            Known::Unread(_) => {}
        }
    }

    /// Whether a database told its indexes.
    pub(super) fn some_indexes_are_known(&self) -> bool {
        self.subject.app.classes.values().any(|class| class.indexes.is_read())
    }

    /// A column in words: `String`, `Pointer<Product>`, `String` and `personal`. A list is no key that a
    /// column called `masterKey` could be taken to have.
    fn field(&self, class: &Class, name: &FieldName, field: &Field) -> BTreeSet<String> {
        let tags = self.subject.words.tags(&class.name, name, field);
        tags.into_iter().map(|tag| tag_word(tag).to_owned()).chain([kind(&field.kind)]).collect()
    }

    fn permissions(&mut self, class: &str, clp: &Clp) {
        self.put(&["class", class, "permissions"], if clp.written { GIVEN } else { NEVER_GIVEN });
        let behaviour = Behaviour::of(self.subject.app.server.version());
        for op in Operation::ALL {
            let granted = self.grantees(clp, op, &behaviour);
            self.put(&["class", class, "allow", op.key()], granted);
        }
        let lists = [("readUserFields", &clp.read_user_fields), ("writeUserFields", &clp.write_user_fields)];
        for (key, list) in lists.into_iter().filter(|(_, list)| !list.fields.is_empty() || list.opens) {
            self.put(&["class", class, "allow", key], columns(list));
        }
        for (group, fields) in clp.protected_fields.iter().flatten() {
            let fields: BTreeSet<String> = fields.iter().map(ToString::to_string).collect();
            self.put(&["class", class, "protected", &self.group(group)], fields);
        }
        if let DefaultAcl::Given { read, write, creator } = &clp.default_acl {
            for (side, named, own) in [("read", read, creator.0), ("write", write, creator.1)] {
                let mut named: BTreeSet<String> = named.iter().map(|grantee| self.grantee(grantee)).collect();
                named.extend(own.then(|| CREATOR.to_owned()));
                self.put(&["class", class, "new-objects", side], named);
            }
        } else {
            let everyone = BTreeSet::from([PUBLIC.to_owned()]);
            self.put(&["class", class, "new-objects", "read"], everyone.clone());
            self.put(&["class", class, "new-objects", "write"], everyone);
        }
    }

    /// Who may do an operation, as far as the class says.
    fn grantees(&self, clp: &Clp, op: Operation, behaviour: &Behaviour) -> BTreeSet<String> {
        let grants = match clp.permission(op) {
            Permission::NotConfigured => return BTreeSet::from([PUBLIC.to_owned()]),
            Permission::LeftOut if op == Operation::Count && behaviour.count_left_out_is_open => {
                return BTreeSet::from([PUBLIC.to_owned()]);
            }
            Permission::LeftOut => return BTreeSet::new(),
            Permission::Granted(grants) => grants,
        };
        let mut all = BTreeSet::new();
        all.extend(grants.anyone.then(|| PUBLIC.to_owned()));
        all.extend(grants.signed_in.then(|| SIGNED_IN.to_owned()));
        all.extend(grants.roles.iter().map(|role| format!("role:{}", self.families.name(role))));
        all.extend(grants.users.iter().map(|user| format!("user:{}", self.user(*user))));
        all.extend(columns(&grants.pointer_fields).into_iter().map(|column| format!("owner:{column}")));
        all
    }

    fn group(&self, group: &Group) -> String {
        match group {
            Group::Anyone => PUBLIC.to_owned(),
            Group::SignedIn => SIGNED_IN.to_owned(),
            Group::Role(role) => format!("role:{}", self.families.name(role)),
            Group::UserField(column) => format!("owner:{column}"),
            Group::User(user) => format!("user:{}", self.user(*user)),
        }
    }

    /// Whom an ACL names.
    pub(super) fn grantee(&self, grantee: &Grantee) -> String {
        match grantee {
            Grantee::Anyone => PUBLIC.to_owned(),
            Grantee::Role(role) => format!("role:{}", self.families.name(role)),
            Grantee::User(user) => format!("user:{}", self.user(*user)),
        }
    }
}

/// The columns of a list that opens something; one that does not, and is none, has no columns that count.
fn columns(list: &UserFields) -> BTreeSet<String> {
    list.fields.iter().filter(|_| list.opens).map(ToString::to_string).collect()
}

/// Whether a column is the one that every class has.
fn same(built_in: Option<&Field>, field: &Field) -> bool {
    built_in.is_some_and(|built_in| built_in.kind == field.kind)
}

/// A type in words, as documentation of Parse writes it.
fn kind(kind: &FieldKind) -> String {
    match kind {
        FieldKind::String => "String".to_owned(),
        FieldKind::Number => "Number".to_owned(),
        FieldKind::Boolean => "Boolean".to_owned(),
        FieldKind::Date => "Date".to_owned(),
        FieldKind::Object => "Object".to_owned(),
        FieldKind::Array => "Array".to_owned(),
        FieldKind::GeoPoint => "GeoPoint".to_owned(),
        FieldKind::File => "File".to_owned(),
        FieldKind::Bytes => "Bytes".to_owned(),
        FieldKind::Polygon => "Polygon".to_owned(),
        FieldKind::Acl => "ACL".to_owned(),
        FieldKind::Pointer(target) => format!("Pointer<{target}>"),
        FieldKind::Relation(target) => format!("Relation<{target}>"),
        FieldKind::Other(other) => other.clone(),
    }
}

/// The type and the tags of a column from its words.
pub fn parse_field(words: &BTreeSet<String>) -> (FieldKind, BTreeSet<Tag>) {
    let tag = |word: &String| Tag::ALL.into_iter().find(|tag| tag_word(*tag) == word);
    let kind = words.iter().find(|word| tag(word).is_none()).map_or("", String::as_str);
    let (name, target) = match kind.strip_suffix('>').and_then(|kind| kind.split_once('<')) {
        Some((name, target)) => (name, Some(target)),
        None => (kind, None),
    };
    (FieldKind::from_rest(name, target), words.iter().filter_map(tag).collect())
}

/// What a column holds, in a word.
pub fn tag_word(tag: Tag) -> &'static str {
    match tag {
        Tag::Personal => "personal",
        Tag::Sensitive => "sensitive",
        Tag::Secret => "secret",
        Tag::Privilege => "privilege",
    }
}
