//! The state of one recorded case: an app as the engine sees it, and the stored rows.

use std::collections::{BTreeMap, BTreeSet};

use parse_audit::model::class::{Source, built_in_fields};
use parse_audit::model::clp::protected_fields;
use parse_audit::model::options::Options;
use parse_audit::model::roles::Role;
use parse_audit::model::server::{FoundVersion, NEWEST, VersionFrom};
use parse_audit::model::{
    Acl, App, Class, ClassName, Clp, FieldKind, FileId, Grantee, Known, Origin, Place, Principal, Roles, UserId,
};
use parse_audit::permit::{Behaviour, Caller, Engine};
use parse_audit::read::schema;
use serde_json::{Map, Value, json};

/// A stored row.
#[derive(Debug, Clone)]
pub struct Stored {
    pub acl: Acl,
    pub columns: Map<String, Value>,
}

/// One case in motion.
pub struct World {
    pub app: App,
    /// By class and alias.
    pub rows: BTreeMap<(String, String), Stored>,
    /// Related ids by class, relation and owner.
    joins: BTreeMap<(String, String, String), BTreeSet<String>>,
    /// What a `bind` of an earlier request names.
    pub bound: BTreeMap<String, String>,
    made: usize,
    newest: Behaviour,
}

pub fn place() -> Place {
    Place::File { file: FileId(0) }
}

/// The `objectId` of a pointer.
pub fn object_id(value: &Value) -> String {
    value.get("objectId").and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn list<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

impl World {
    /// The world of a case on a server of this version. `refused` are the classes whose
    /// permissions the schemas API refused.
    pub fn new(case: &Value, version: &str, refused: &BTreeSet<String>) -> Self {
        let mut world = Self {
            app: App::default(),
            rows: BTreeMap::new(),
            joins: BTreeMap::new(),
            bound: BTreeMap::new(),
            made: 0,
            newest: Behaviour::of(&NEWEST),
        };
        world.app.server.version = Known::Read(FoundVersion {
            version: version.parse().expect("a version"),
            from: VersionFrom::Given,
            at: None,
        });
        world.app.server.options = Known::Read(options(&case["server"]["options"]));
        for name in ["_User", "_Role", "_Session", "_Installation", "_Product"] {
            world.add_class(open_class(name));
        }
        for described in list(case, "classes") {
            world.describe(described, refused);
        }
        let records = case["userRecords"].as_object();
        for user in list(case, "users") {
            let id = text(user, "id");
            let record = records.and_then(|records| records.get(id)).cloned();
            world.add_user(id, record.unwrap_or_else(|| json!({ "ACL": { id: { "read": true, "write": true } } })));
        }
        let mut roles = Roles { inheritance: Known::Read(()), ..Roles::default() };
        for role in list(case, "roles") {
            let name = text(role, "name");
            let names = |key: &str| list(role, key).filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>();
            for user in names("users") {
                world.relate("_Role", "users", &format!("role#{name}"), &user);
            }
            for child in names("roles") {
                world.relate("_Role", "roles", &format!("role#{name}"), &format!("role#{child}"));
            }
            let acl = Acl::from_rest(role.get("ACL"));
            world.store(
                "_Role",
                &format!("role#{name}"),
                acl.clone(),
                Map::from_iter([("name".to_owned(), json!(name))]),
            );
            roles
                .by_name
                .insert(name.into(), Role { acl, children: BTreeSet::new(), members: Known::default(), at: place() });
        }
        world.app.roles = Known::Read(roles);
        world.load_roles();
        for object in list(case, "objects") {
            world.add_object(object);
        }
        world
    }

    fn add_class(&mut self, class: Class) {
        self.app.classes.insert(class.name.clone(), class);
    }

    fn describe(&mut self, described: &Value, refused: &BTreeSet<String>) {
        let name = text(described, "className").to_owned();
        if described.get("notCreated").is_some() {
            return;
        }
        let mut document = described.as_object().expect("an object").clone();
        if let Some(raw) = document.remove("rawCLP") {
            document.insert("classLevelPermissions".to_owned(), raw);
        } else if refused.contains(&name) {
            document.remove("classLevelPermissions");
        }
        document.entry("fields").or_insert_with(|| json!({}));
        self.add_class(schema::class(&document, schema::Shape::Rest, place()).expect("a class"));
    }

    /// Replaces the permissions of a class, as `PUT /schemas` does.
    pub fn set_clp(&mut self, class: &str, clp: &Value) {
        if let Some(class) = self.app.classes.get_mut(class) {
            class.clp = Known::Read(Clp::from_stored(Some(clp)));
        }
    }

    fn add_user(&mut self, id: &str, record: Value) {
        let mut columns = record.as_object().expect("a record").clone();
        let mut acl = Acl::from_rest(columns.remove("ACL").as_ref());
        let settings = Engine::new(&self.app).settings;
        // The recording has the ACL that the newest version gives to a user who signs up.
        if settings.behaviour != self.newest && !settings.private_users {
            acl.read.get_or_insert_default().insert(Grantee::Anyone);
        }
        if let Some(data) = columns.get_mut("authData") {
            *data = json!({ "anonymous": {} });
        }
        self.store("_User", id, acl, columns);
        let session = json!({ "user": { "__type": "Pointer", "className": "_User", "objectId": id },
            "sessionToken": "r", "expiresAt": {}, "createdWith": {} });
        let mut columns = session.as_object().expect("an object").clone();
        if self.app.server.version().major < 5 {
            columns.insert("restricted".to_owned(), json!(false));
        }
        self.store("_Session", &format!("session of {id}"), Acl::MISSING, columns);
    }

    fn add_object(&mut self, object: &Value) {
        let (class, id) = (text(object, "className"), text(object, "id"));
        let mut acl = Acl::from_rest(object.get("ACL"));
        if let Some(storage) = object.get("storage") {
            let written = Acl::from_columns(storage.get("_rperm"), storage.get("_wperm"));
            if storage.get("_rperm").is_some() {
                acl.read = written.read;
            }
            if storage.get("_wperm").is_some() {
                acl.write = written.write;
            }
        }
        self.store(class, id, acl, object["data"].as_object().cloned().unwrap_or_default());
        for (key, related) in object["relations"].as_object().into_iter().flatten() {
            for other in related.as_array().into_iter().flatten() {
                self.relate(class, key, id, other.as_str().map_or_else(|| object_id(other), str::to_owned).as_str());
            }
        }
    }

    /// Stores a row.
    pub fn store(&mut self, class: &str, id: &str, acl: Acl, mut columns: Map<String, Value>) {
        columns.retain(|key, value| !value.is_null() && key != "ACL" && key != "password");
        for (key, value) in [("objectId", json!(id)), ("createdAt", json!("t")), ("updatedAt", json!("t"))] {
            columns.insert(key.to_owned(), value);
        }
        self.rows.insert((class.to_owned(), id.to_owned()), Stored { acl, columns });
    }

    /// An id for a new row.
    pub fn new_id(&mut self) -> String {
        self.made += 1;
        format!("made{}", self.made)
    }

    /// Adds to a relation.
    pub fn relate(&mut self, class: &str, key: &str, owner: &str, other: &str) {
        let relation = (class.to_owned(), key.to_owned(), owner.to_owned());
        self.joins.entry(relation).or_default().insert(other.to_owned());
    }

    /// The ids in a relation.
    pub fn related(&self, class: &str, key: &str, owner: &str) -> BTreeSet<String> {
        self.joins.get(&(class.to_owned(), key.to_owned(), owner.to_owned())).cloned().unwrap_or_default()
    }

    /// Whether a column is a relation.
    pub fn is_relation(&self, class: &str, key: &str) -> bool {
        let class = self.app.classes.get(class);
        class.and_then(|class| class.field(key)).is_some_and(|field| matches!(field.kind, FieldKind::Relation(_)))
    }

    /// Brings the engine's roles up to the stored rows, as the server does when its cache is cleared.
    pub fn load_roles(&mut self) {
        let rows: Vec<(String, Stored)> = self
            .rows
            .iter()
            .filter(|((class, _), _)| class == "_Role")
            .map(|((_, id), row)| (id.clone(), row.clone()))
            .collect();
        let name_of = |id: &str| {
            rows.iter()
                .find(|(other, _)| other == id)
                .map(|(_, row)| text(&Value::Object(row.columns.clone()), "name").to_owned())
        };
        let mut roles = Roles { inheritance: Known::Read(()), ..Roles::default() };
        for (id, row) in &rows {
            let children =
                self.related("_Role", "roles", id).iter().filter_map(|child| name_of(child)).map(Into::into).collect();
            let members = self.related("_Role", "users", id).iter().map(|user| UserId::of(user)).collect();
            let role = Role { acl: row.acl.clone(), children, members: Known::Read(members), at: place() };
            roles.by_name.insert(name_of(id).expect("a name").into(), role);
        }
        self.app.roles = Known::Read(roles);
    }

    /// The caller behind `anon`, `user:uAnna`, `master`, …
    pub fn caller(&self, principal: &str) -> Caller {
        let principal = match principal {
            "anon" => Principal::Public,
            "master" => Principal::Master,
            "readonly" => Principal::ReadOnlyMaster,
            "maintenance" => Principal::Maintenance,
            user => Principal::User(UserId::of(user.strip_prefix("user:").expect("a user"))),
        };
        Engine::new(&self.app).caller(&principal)
    }
}

/// A class of which nothing was ever written: open.
pub fn open_class(name: &str) -> Class {
    let name = ClassName::from(name);
    Class {
        fields: Known::Read(built_in_fields(&name)),
        name,
        clp: Known::Read(Clp::open()),
        rows: Known::default(),
        rows_at: None,
        indexes: Known::default(),
        source: Source {
            origin: Origin::Deployed,
            at: place(),
            clp: String::new(),
            fields: String::new(),
            parts: std::collections::BTreeMap::new(),
        },
    }
}

fn options(written: &Value) -> Options {
    let flag = |key: &str| written.get(key).and_then(Value::as_bool);
    Options {
        allow_client_class_creation: Some(flag("allowClientClassCreation").unwrap_or(false)),
        enforce_private_users: flag("enforcePrivateUsers"),
        allow_custom_object_id: flag("allowCustomObjectId"),
        protected_fields_owner_exempt: flag("protectedFieldsOwnerExempt"),
        protected_fields_save_response_exempt: flag("protectedFieldsSaveResponseExempt"),
        protected_fields: written.get("protectedFields").and_then(Value::as_object).map(|classes| {
            classes
                .iter()
                .map(|(class, groups)| (class.as_str().into(), protected_fields(groups).unwrap_or_default()))
                .collect()
        }),
        ..Options::default()
    }
}
