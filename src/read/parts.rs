//! What one document or row says about the app, once it is known what it is.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::live;
use crate::model::acl::truthy;
use crate::model::class::{Class, Indexes};
use crate::model::database::Database;
use crate::model::graphql::GraphQl;
use crate::model::options::Options;
use crate::model::place::Text;
use crate::model::probe::Probe;
use crate::model::server::FailedCheck;
use crate::model::server::FoundVersion;
use crate::model::{Acl, ClassName, ConfigParameter, FileId, Known, Lock, Place, RoleName, Tree, UserId, Webhook};
use crate::problem::Problem;
use crate::rules::catalogue::Part;

use super::tree::Holes;
use super::{database, graphql, indexes, schema};

/// Everything one file says.
#[derive(Debug, Default)]
pub struct Parts {
    /// Descriptions of classes.
    pub classes: Vec<Class>,
    /// Rows of `_Role`.
    pub roles: Vec<RoleRow>,
    /// Pairs of `_Join:users:_Role`: role and user. `None` if the file has no such table.
    pub members: Option<Vec<(u64, UserId)>>,
    /// Pairs of `_Join:roles:_Role`: the listing role and the listed one.
    pub children: Option<Vec<(u64, u64)>>,
    /// Parameters of `_GlobalConfig`.
    pub config: Option<BTreeMap<String, ConfigParameter>>,
    /// Rows of `_Hooks`.
    pub webhooks: Option<Vec<Webhook>>,
    /// Rows of `_JobSchedule`.
    pub jobs: Option<BTreeMap<String, Place>>,
    /// What a server let anyone do.
    pub probe: Option<Probe>,
    /// Which classes GraphQL shows.
    pub graphql: Option<Known<GraphQl>>,
    /// Checks that a server fails.
    pub failed_checks: Vec<FailedCheck>,
    /// The database of a running app.
    pub database: Option<Database>,
    /// Unique indexes of classes.
    pub indexes: Vec<(ClassName, Indexes)>,
    /// Whether anything of the file became part of the app.
    pub says_something: bool,
    /// Rows of classes that are still to be counted.
    pub rows: Vec<Rows>,
    /// What it installs, if it is a lock file.
    pub lock: Option<Lock>,
    /// Versions of Parse Server.
    pub versions: Vec<FoundVersion>,
    /// Options of Parse Server.
    pub options: Option<Options>,
    /// Options of dashboards.
    pub dashboards: Vec<Tree>,
    /// What a file of deployment starts.
    pub deployed: Vec<super::deploy::Raw>,
    /// The text that places of this file point into.
    pub text: Option<Text>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

/// A row of `_Role`.
#[derive(Debug, Clone, PartialEq)]
pub struct RoleRow {
    /// The packed object id, which join tables refer to.
    pub id: u64,
    /// The name.
    pub name: RoleName,
    /// The ACL of the row.
    pub acl: Acl,
    /// Where the row is.
    pub at: Place,
}

/// Rows that are still to be counted.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    /// The class if the rows themselves say it; else the file's name does.
    pub class: Option<ClassName>,
    /// How they are written.
    pub form: RowForm,
}

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowForm {
    /// JSON documents.
    Json,
    /// BSON documents.
    Bson,
    /// ACLs and how many rows have them, in BSON.
    Grouped,
    /// Comma-separated values with a header.
    Csv,
    /// Rows of a table in a dump of PostgreSQL.
    Sql,
    /// Ids and ACLs as PostgreSQL copies them out in its binary form.
    Copy,
}

impl From<live::Form> for RowForm {
    fn from(form: live::Form) -> Self {
        match form {
            live::Form::Bson => Self::Bson,
            live::Form::Grouped => Self::Grouped,
            live::Form::Copy => Self::Copy,
        }
    }
}

/// What a document is.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// It describes a class.
    Class(schema::Shape),
    /// A row of a class.
    Row(Option<ClassName>),
    /// A pair of a join table.
    Join,
    /// The one row of `_GlobalConfig`, or the answer of `/config`.
    Config,
    /// The one row of `_GraphQLConfig`.
    GraphQl,
    /// A row of `_Hooks`.
    Hook,
    /// The answer of `/hooks` with both lists.
    Hooks,
    /// A row of `_JobSchedule`.
    Job,
    /// The answer of `/serverInfo`.
    ServerInfo,
    /// What a database says of itself.
    Database,
    /// The indexes of a class.
    Indexes,
    /// `package.json` of npm.
    Package,
    /// Options of Parse Server.
    ServerConfig,
    /// Options of Parse Dashboard.
    DashboardConfig,
    /// A list of classes under a key, as schema as code.
    Definitions(&'static str),
    /// What a server let anyone do, as we write it down.
    Probe,
    /// The answer of `/security`.
    Checks,
    /// A refusal that was saved in place of an answer: status and error.
    Refused,
}

impl Kind {
    /// Whether it holds options.
    pub fn is_configuration(&self) -> bool {
        matches!(self, Self::ServerConfig | Self::DashboardConfig)
    }
}

/// Tells what a document is by its keys; `None` if it says nothing about a Parse app.
///
/// `in_list` is whether it is an element of a list, `class` the class its file is named after.
pub fn kind(document: &Map<String, Value>, in_list: bool, class: &ClassName) -> Option<Kind> {
    let has = |key: &str| document.contains_key(key);
    let is_text = |key: &str| document.get(key).is_some_and(Value::is_string);
    let is_object = |key: &str| document.get(key).is_some_and(Value::is_object);
    if let Some(shape) = schema::shape_of(document, in_list) {
        return Some(Kind::Class(shape));
    }
    if is_text("owningId") && is_text("relatedId") {
        return Some(Kind::Join);
    }
    if is_object("params") && (is_object("masterKeyOnly") || *class == "_GlobalConfig") {
        return Some(Kind::Config);
    }
    // The one row that counts is the first; in a MongoDB its id is a number.
    let is_first = || ["_id", "objectId"].iter().all(|key| document.get(*key).is_none_or(|id| id == "1" || id == 1));
    if *class == "_GraphQLConfig" && has("config") && is_first() {
        return Some(Kind::GraphQl);
    }
    if has("functions") && document.get("triggers").is_some_and(Value::is_array) {
        return Some(Kind::Hooks);
    }
    if is_text("url") && (is_text("functionName") || is_text("triggerName")) {
        return Some(Kind::Hook);
    }
    if is_text("jobName") && (has("startAfter") || has("daysOfWeek") || has("timeOfDay") || *class == "_JobSchedule") {
        return Some(Kind::Job);
    }
    if has("parseAuditProbe") {
        return Some(Kind::Probe);
    }
    if super::checked::is_one(document) {
        return Some(Kind::Checks);
    }
    if is_text("parseServerVersion") {
        return Some(Kind::ServerInfo);
    }
    if database::is_one(document) {
        return Some(Kind::Database);
    }
    if indexes::are_some(document) {
        return Some(Kind::Indexes);
    }
    let is_row = (is_text("objectId") || has("_id"))
        && ["createdAt", "updatedAt", "_created_at", "_updated_at", "ACL", "_rperm", "_wperm", "_acl"]
            .iter()
            .any(|key| has(key));
    if is_row || (*class == "_ExportProgress" && is_text("masterKey")) {
        return Some(Kind::Row(class_of_row(document)));
    }
    if in_list {
        return None;
    }
    if is_object("dependencies") || is_object("devDependencies") {
        return Some(Kind::Package);
    }
    if super::options::is_server_config(document) {
        return Some(Kind::ServerConfig);
    }
    if super::options::is_dashboard_config(document) {
        return Some(Kind::DashboardConfig);
    }
    let is_list_of_classes = |list: Option<&Value>| {
        list.and_then(Value::as_array).is_some_and(|list| list.iter().any(|class| class.get("className").is_some()))
    };
    if is_list_of_classes(document.get("definitions")) {
        return Some(Kind::Definitions("definitions"));
    }
    let refused = document.get("status").and_then(Value::as_u64).is_some_and(|status| status >= 400);
    (refused && document.get("body").is_some_and(|body| body.get("error").is_some())).then_some(Kind::Refused)
}

/// The class of a row, where the row itself says it.
fn class_of_row(row: &Map<String, Value>) -> Option<ClassName> {
    let is_relation = |key: &str, to: &str| {
        row.get(key).is_some_and(|relation| {
            relation.get("__type") == Some(&Value::from("Relation"))
                && relation.get("className") == Some(&Value::from(to))
        })
    };
    if is_relation("users", "_User") && is_relation("roles", "_Role") {
        return Some("_Role".into());
    }
    if row.contains_key("_hashed_password") {
        return Some("_User".into());
    }
    if row.contains_key("_session_token") || (row.contains_key("sessionToken") && row.contains_key("createdWith")) {
        return Some("_Session".into());
    }
    row.get("className").and_then(Value::as_str).filter(|_| row.contains_key("objectId")).map(ClassName::from)
}

impl Parts {
    /// Whether the file says nothing that a place could point to.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && !self.says_something && self.text.is_none()
    }

    /// Whether nothing came of the file, not even a problem.
    pub fn say_nothing(&self) -> bool {
        let has_rows = !self.roles.is_empty() || self.members.is_some() || self.children.is_some();
        let has_server =
            self.config.is_some() || self.webhooks.is_some() || self.jobs.is_some() || self.database.is_some();
        let has_server = has_server || self.probe.is_some() || !self.indexes.is_empty();
        let has_options = self.options.is_some() || !self.dashboards.is_empty() || !self.versions.is_empty();
        let has_options = has_options || !self.deployed.is_empty() || self.lock.is_some();
        self.is_empty()
            && self.classes.is_empty()
            && self.problems.is_empty()
            && !(has_rows || has_server || has_options)
    }

    /// Takes in a document of a kind that is kept whole. Rows are counted elsewhere.
    pub fn take(&mut self, document: &Map<String, Value>, kind: &Kind, class: &ClassName, at: Place) {
        self.says_something = true;
        match kind {
            Kind::Class(shape) => self.classes.extend(schema::class(document, *shape, at)),
            Kind::Join => self.take_join(document, class),
            Kind::Config => self.take_config(document, &at),
            Kind::GraphQl => self.graphql = Some(graphql::read(document, at)),
            Kind::Hook => self.webhooks.get_or_insert_default().extend(webhook(document, at)),
            Kind::Hooks => {
                let hooks = self.webhooks.get_or_insert_default();
                for key in ["functions", "triggers"] {
                    let list = document.get(key).and_then(Value::as_array).into_iter().flatten().enumerate();
                    hooks.extend(list.filter_map(|(number, hook)| {
                        webhook(hook.as_object()?, at.below(&format!("/{key}/{number}")))
                    }));
                }
            }
            Kind::Job => {
                let name = document.get("jobName").and_then(Value::as_str).unwrap_or_default();
                self.jobs.get_or_insert_default().insert(name.to_owned(), at);
            }
            Kind::ServerInfo => self.versions.extend(super::version::of_server_info(document, &at)),
            Kind::Database => self.database = database::read(document, at),
            Kind::Indexes => self.indexes.push(indexes::read(document, class, at)),
            Kind::Package => self.versions.extend(super::version::of_package(document, &at)),
            Kind::ServerConfig => self.take_server_config(document, &at),
            Kind::DashboardConfig => {
                let place = |pointer: &str| Some(at.below(pointer));
                self.dashboards.push(super::tree::read(Part::Dashboard, document, &Holes::default(), &place));
            }
            Kind::Probe => self.probe = Some(super::probed::read(document, at)),
            Kind::Checks => self.failed_checks.extend(super::checked::failed(document, &at)),
            Kind::Definitions(key) => self.take_definitions(document.get(*key), &at.below(&format!("/{key}"))),
            Kind::Row(_) | Kind::Refused => {}
        }
    }

    fn take_server_config(&mut self, document: &Map<String, Value>, at: &Place) {
        let (options, below) = super::options::server_options(document);
        self.options = Some(super::options::read(options, &at.below(&below)));
        let definitions = options.get("schema").and_then(|schema| schema.get("definitions"));
        self.take_definitions(definitions, &at.below(&format!("{below}/schema/definitions")));
    }

    fn take_definitions(&mut self, list: Option<&Value>, at: &Place) {
        for (number, class) in list.and_then(Value::as_array).into_iter().flatten().enumerate() {
            let Some(class) = class.as_object() else { continue };
            self.classes.extend(schema::class(class, schema::Shape::Definition, at.below(&format!("/{number}"))));
        }
    }

    /// Takes in a row of `_Role`. Relations are in their join tables.
    pub fn take_role(&mut self, row: &Map<String, Value>, at: Place) {
        let text = |key: &str| row.get(key).and_then(Value::as_str);
        let (Some(id), Some(name)) = (text("objectId").or_else(|| text("_id")), text("name")) else { return };
        let acl = match row.get("ACL") {
            Some(acl) => Acl::from_rest(Some(acl)),
            None => Acl::from_columns(row.get("_rperm"), row.get("_wperm")),
        };
        self.says_something = true;
        self.roles.push(RoleRow { id: super::ids::pack(id.as_bytes()), name: name.into(), acl, at });
    }

    fn take_join(&mut self, pair: &Map<String, Value>, table: &ClassName) {
        let text = |key: &str| pair.get(key).and_then(Value::as_str).unwrap_or_default();
        self.take_pair(table, text("owningId"), text("relatedId"));
    }

    /// Takes in a pair of a join table; only those of roles mean something.
    pub fn take_pair(&mut self, table: &ClassName, owning: &str, related: &str) {
        let owner = super::ids::pack(owning.as_bytes());
        match table.as_str() {
            "_Join:users:_Role" => self.members.get_or_insert_default().push((owner, UserId::of(related))),
            "_Join:roles:_Role" => {
                self.children.get_or_insert_default().push((owner, super::ids::pack(related.as_bytes())));
            }
            _ => {}
        }
    }

    fn take_config(&mut self, document: &Map<String, Value>, at: &Place) {
        let flags = document.get("masterKeyOnly");
        let parameters = document.get("params").and_then(Value::as_object).into_iter().flatten();
        let config = self.config.get_or_insert_default();
        for (name, value) in parameters {
            let master_key_only = flags.and_then(|flags| flags.get(name)).is_some_and(truthy);
            let at = at.below(&format!("/params/{}", crate::model::oddity::escape(name)));
            config.insert(name.clone(), ConfigParameter { master_key_only, looks_secret: looks_secret(value), at });
        }
    }
}

fn webhook(hook: &Map<String, Value>, at: Place) -> Option<Webhook> {
    let text = |key: &str| hook.get(key).and_then(Value::as_str);
    let trigger = match (text("functionName"), text("triggerName"), text("className")) {
        (Some(function), _, _) => format!("function {function}"),
        (None, Some(trigger), Some(class)) => format!("{trigger} {class}"),
        (None, Some(trigger), None) => trigger.to_owned(),
        (None, None, _) => return None,
    };
    let (scheme, rest) = text("url")?.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host_and_port = authority.rsplit('@').next().unwrap_or_default();
    let host = match host_and_port.strip_prefix('[') {
        Some(address) => address.split(']').next().unwrap_or_default(),
        None => host_and_port.split(':').next().unwrap_or_default(),
    };
    Some(Webhook {
        trigger,
        scheme: scheme.to_ascii_lowercase(),
        host: host.to_ascii_lowercase(),
        at: at.below("/url"),
    })
}

/// Whether a value has the form of a key or token: a long word of letters, digits
/// and a few signs with no blanks, in which letters and digits are mixed.
fn looks_secret(value: &Value) -> bool {
    let Some(text) = value.as_str() else { return false };
    let known = ["sk_", "rk_", "AKIA", "ghp_", "xoxb-", "SG.", "key-", "AIza", "-----BEGIN"];
    if known.iter().any(|prefix| text.starts_with(prefix) && text.len() >= 8) {
        return true;
    }
    let is_word =
        text.len() >= 20 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_+/=.".contains(&byte));
    let has = |is: fn(&u8) -> bool| text.as_bytes().iter().any(is);
    let dots = text.matches('.').count();
    is_word && dots <= 2 && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic) && !text.contains("//")
}

/// The place of a document in a file.
pub fn place(file: FileId, pointer: String) -> Place {
    Place::Pointer { file, pointer }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn kind_of(document: Value, in_list: bool, class: &str) -> Option<Kind> {
        kind(document.as_object().expect("an object"), in_list, &class.into())
    }

    #[test]
    fn documents_are_told_by_their_keys() {
        let row = json!({ "_id": "a", "_created_at": {} });
        assert_eq!(kind_of(row, true, "Order"), Some(Kind::Row(None)));
        let named = json!({ "objectId": "a", "className": "Order", "createdAt": "" });
        assert_eq!(kind_of(named, true, "x"), Some(Kind::Row(Some("Order".into()))));
        assert_eq!(kind_of(json!({ "owningId": "a", "relatedId": "b" }), true, "x"), Some(Kind::Join));
        assert_eq!(kind_of(json!({ "params": {}, "masterKeyOnly": {} }), false, "x"), Some(Kind::Config));
        assert_eq!(kind_of(json!({ "name": "p", "dependencies": {} }), false, "x"), Some(Kind::Package));
        assert_eq!(kind_of(json!({ "status": 403, "body": { "error": "no" } }), false, "x"), Some(Kind::Refused));
        for other in [json!({ "compilerOptions": {} }), json!({ "name": "x", "url": "y" }), json!({ "objectId": "a" })]
        {
            assert_eq!(kind_of(other, false, "tsconfig"), None);
        }
    }

    #[test]
    fn of_a_webhook_only_scheme_and_host_are_kept() {
        let hook = |url: &str| {
            let hook = json!({ "functionName": "f", "url": url });
            let file = Place::File { file: FileId(0) };
            webhook(hook.as_object().expect("an object"), file).map(|hook| (hook.scheme, hook.host))
        };
        let expected = |scheme: &str, host: &str| Some((scheme.to_owned(), host.to_owned()));
        assert_eq!(hook("HTTP://u:p@Host.example:81/x?key=1"), expected("http", "host.example"));
        assert_eq!(hook("https://[::1]:8080"), expected("https", "::1"));
        assert_eq!(hook("nonsense"), None);
    }

    #[test]
    fn values_that_have_the_form_of_a_key_look_secret() {
        for secret in ["sk_test_123", "a1b2c3d4e5f6a7b8c9d0", "eyJhbGciOiJI.eyJzdWIiOiIxMjM0.SflKxwRJSMeKKF2QT4"] {
            assert!(looks_secret(&json!(secret)), "{secret}");
        }
        for open in [
            "hello world, this is 1 text",
            "https://example.com/a1b2c3d4e5f6",
            "1.2.3",
            "welcome",
            "com.example.shop.app.v2.main",
        ] {
            assert!(!looks_secret(&json!(open)), "{open}");
        }
    }
}
