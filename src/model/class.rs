//! Classes and their fields.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::census::Census;
use super::clp::Clp;
use super::known::Known;
use super::names::{ClassName, FieldName};
use super::operation::Operation;
use super::place::Place;

/// One class of the app.
#[derive(Debug, Clone, PartialEq)]
pub struct Class {
    /// The name, without a collection prefix.
    pub name: ClassName,
    /// The columns, built-in ones included; unread if only rows of the class were seen.
    pub fields: Known<BTreeMap<FieldName, Field>>,
    /// The permissions; unread if only rows of the class were seen.
    pub clp: Known<Clp>,
    /// Statistics over the ACLs of its objects; unread without an export.
    pub rows: Known<Census>,
    /// The export that the rows were counted in.
    pub rows_at: Option<Place>,
    /// What its database refuses to keep twice; unread where only a schema was read, which names indexes
    /// but not which of them are unique.
    pub indexes: Known<Indexes>,
    /// Where the class is described.
    pub source: Source,
}

/// The unique indexes of a class, without that of the object id.
#[derive(Debug, Clone, PartialEq)]
pub struct Indexes {
    /// The columns that no two rows may have the same values in, and which rows count. A column stands as
    /// Parse names it, `lower(email)` where case does not matter, and `authData.google.id` for a part of one.
    pub unique: BTreeMap<BTreeSet<String>, Covered>,
    /// Where the database says so.
    pub at: Place,
}

/// Which rows a unique index looks at. One without a value in its column is none of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Covered {
    /// Those that a condition selects.
    SomeRows,
    /// Every row.
    EveryRow,
}

impl Covered {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::SomeRows => "some rows",
            Self::EveryRow => "every row",
        }
    }
}

impl Indexes {
    /// Whether no two rows have the same value in a column, or the same but for its case.
    pub fn keep_apart(&self, column: &str) -> bool {
        let is = |name: &str| self.unique.get(&BTreeSet::from([name.to_owned()])) == Some(&Covered::EveryRow);
        is(column) || is(&format!("lower({column})"))
    }
}

/// What kind of input describes a class. A later kind outranks an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// Only rows of the class were seen.
    Rows,
    /// Schema as code: what the next start of the server will make of the class.
    Declared,
    /// Read from the server or its database: what is in force.
    Deployed,
}

/// Where a class is described and how its parts are found there.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// What kind of input it is.
    pub origin: Origin,
    /// The description as a whole.
    pub at: Place,
    /// JSON pointer of the permissions below `at`, such as `/_metadata/class_permissions`.
    pub clp: String,
    /// JSON pointer of the object of fields below `at`; empty where fields are keys of `at`.
    pub fields: String,
    /// Where parts stand that have a place of their own, by JSON pointer below `at`: in code.
    pub parts: BTreeMap<String, Place>,
}

impl Source {
    /// Where a part stands, given by a JSON pointer, or what is written around it.
    fn place(&self, pointer: &str) -> Place {
        let mut near = pointer;
        while !self.parts.is_empty() {
            if let Some(place) = self.parts.get(near) {
                return place.clone();
            }
            let Some((above, _)) = near.rsplit_once('/') else { break };
            near = above;
        }
        self.at.below(pointer)
    }
}

/// One column of a class.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// The type.
    pub kind: FieldKind,
    /// An object without a value for it is refused.
    pub required: bool,
    /// A new object gets a value for it when the client sends none.
    pub has_default: bool,
}

/// The type of a column.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are Parse's own type names")]
pub enum FieldKind {
    String,
    Number,
    Boolean,
    Date,
    Object,
    Array,
    GeoPoint,
    File,
    Bytes,
    Polygon,
    Acl,
    /// One object of the class.
    Pointer(ClassName),
    /// Any number of objects of the class, kept in a join table.
    Relation(ClassName),
    /// A type this program does not know.
    Other(String),
}

impl FieldKind {
    /// Reads a type in REST form, `Pointer` with its target class.
    pub fn from_rest(kind: &str, target: Option<&str>) -> Self {
        let target = target.unwrap_or_default();
        match kind {
            "String" => Self::String,
            "Number" => Self::Number,
            "Boolean" => Self::Boolean,
            "Date" => Self::Date,
            "Object" => Self::Object,
            "Array" => Self::Array,
            "GeoPoint" => Self::GeoPoint,
            "File" => Self::File,
            "Bytes" => Self::Bytes,
            "Polygon" => Self::Polygon,
            "ACL" => Self::Acl,
            "Pointer" => Self::Pointer(target.into()),
            "Relation" => Self::Relation(target.into()),
            other => Self::Other(other.to_owned()),
        }
    }

    /// Reads a type string of the collection `_SCHEMA`: `string`, `*Target`, `relation<Target>`.
    ///
    /// Source: Parse Server 9.10.0, `MongoSchemaCollection.js` (`mongoFieldToParseSchemaField`).
    pub fn from_mongo(kind: &str) -> Self {
        if let Some(target) = kind.strip_prefix('*') {
            return Self::Pointer(target.into());
        }
        if let Some(target) = kind.strip_prefix("relation<").and_then(|rest| rest.strip_suffix('>')) {
            return Self::Relation(target.into());
        }
        match kind {
            "string" => Self::String,
            "number" => Self::Number,
            "boolean" => Self::Boolean,
            "date" => Self::Date,
            "map" | "object" => Self::Object,
            "array" => Self::Array,
            "geopoint" => Self::GeoPoint,
            "file" => Self::File,
            "bytes" => Self::Bytes,
            "polygon" => Self::Polygon,
            other => Self::Other(other.to_owned()),
        }
    }

    /// Whether pointer permissions can filter by a column of this type; on any
    /// other type the server fails with an internal error.
    ///
    /// Source: Parse Server 9.10.0, `DatabaseController.addPointerPermissions`.
    pub fn can_hold_users(&self) -> bool {
        match self {
            Self::Pointer(_) | Self::Array | Self::Object => true,
            Self::String
            | Self::Number
            | Self::Boolean
            | Self::Date
            | Self::GeoPoint
            | Self::File
            | Self::Bytes
            | Self::Polygon
            | Self::Acl
            | Self::Relation(_)
            | Self::Other(_) => false,
        }
    }
}

impl Field {
    /// A column without options.
    pub fn of(kind: FieldKind) -> Self {
        Self { kind, required: false, has_default: false }
    }

    /// Adds `required` and `defaultValue`, where `options` has them.
    pub fn with_options(mut self, options: Option<&Value>) -> Self {
        let option = |key: &str| options.and_then(|options| options.get(key));
        self.required = option("required").and_then(Value::as_bool).unwrap_or(false);
        self.has_default = option("defaultValue").is_some_and(|value| !value.is_null());
        self
    }
}

/// The columns that every object of the class has, whatever its schema says.
///
/// Source: Parse Server 9.10.0, `SchemaController.js` (`defaultColumns`).
pub fn built_in_fields(class: &ClassName) -> BTreeMap<FieldName, Field> {
    let every: &[(&str, &str)] =
        &[("objectId", "String"), ("createdAt", "Date"), ("updatedAt", "Date"), ("ACL", "ACL")];
    let own: &[(&str, &str)] = match class.as_str() {
        "_User" => &[
            ("username", "String"),
            ("password", "String"),
            ("email", "String"),
            ("emailVerified", "Boolean"),
            ("authData", "Object"),
        ],
        "_Installation" => &[
            ("installationId", "String"),
            ("deviceToken", "String"),
            ("channels", "Array"),
            ("deviceType", "String"),
            ("pushType", "String"),
            ("GCMSenderId", "String"),
            ("timeZone", "String"),
            ("localeIdentifier", "String"),
            ("appVersion", "String"),
            ("appName", "String"),
            ("appIdentifier", "String"),
            ("parseVersion", "String"),
            ("badge", "Number"),
        ],
        "_Role" => &[("name", "String"), ("users", "Relation _User"), ("roles", "Relation _Role")],
        "_Session" => &[
            ("user", "Pointer _User"),
            ("installationId", "String"),
            ("sessionToken", "String"),
            ("expiresAt", "Date"),
            ("createdWith", "Object"),
        ],
        "_Product" => &[
            ("productIdentifier", "String"),
            ("download", "File"),
            ("downloadName", "String"),
            ("icon", "File"),
            ("order", "Number"),
            ("title", "String"),
            ("subtitle", "String"),
        ],
        _ => &[],
    };
    let field = |(name, kind): &(&str, &str)| {
        let (kind, target) = kind.split_once(' ').map_or((*kind, None), |(kind, target)| (kind, Some(target)));
        (FieldName::from(*name), Field::of(FieldKind::from_rest(kind, target)))
    };
    every.iter().chain(own).map(field).collect()
}

impl Class {
    /// A class of which only rows are known.
    pub fn of_rows(name: ClassName, at: Place) -> Self {
        let source =
            Source { origin: Origin::Rows, at, clp: String::new(), fields: String::new(), parts: BTreeMap::new() };
        let (fields, clp) = (Known::default(), Known::default());
        Self { name, fields, clp, rows: Known::default(), rows_at: None, indexes: Known::default(), source }
    }

    /// A class as it is described, of which no rows are known.
    pub fn described(name: ClassName, fields: BTreeMap<FieldName, Field>, clp: Clp, source: Source) -> Self {
        let (fields, clp) = (Known::Read(fields), Known::Read(clp));
        Self { name, fields, clp, rows: Known::default(), rows_at: None, indexes: Known::default(), source }
    }

    /// Where the entry below the permissions stands; `below` is a JSON pointer such as `/find`.
    pub fn clp_place(&self, below: &str) -> Place {
        self.source.place(&format!("{}{below}", self.source.clp))
    }

    /// Where it stands who may do an operation. Columns are added by whoever `writeUserFields`
    /// may let write, so it is that list where `addField` itself names nobody.
    pub fn grant_place(&self, op: Operation) -> Place {
        let by_columns = |clp: &Clp| {
            op == Operation::AddField
                && clp.write_user_fields.opens
                && clp.grants(op).is_none_or(|grants| !grants.anyone && !grants.pointer_fields.opens)
        };
        let key = if self.clp.read().is_some_and(by_columns) { "writeUserFields" } else { op.key() };
        self.clp_place(&format!("/{key}"))
    }

    /// Where the class is named.
    pub fn name_place(&self) -> Place {
        let key = if self.source.fields.is_empty() { "/_id" } else { "/className" };
        self.source.place(key)
    }

    /// Where a column is declared.
    pub fn field_place(&self, field: &FieldName) -> Place {
        self.source.place(&format!("{}/{}", self.source.fields, super::oddity::escape(field.as_str())))
    }

    /// The type of a column, if the columns are known and it exists.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.read()?.get(name)
    }
}
