//! What code says about server and schema, as a configuration in JSON would say it:
//! the options that a server is started with, and classes among them.

use std::collections::BTreeSet;

use crate::code::environment::Environment;
use crate::code::server::{AllStarted, Started, started};
use crate::model::oddity::escape;
use crate::model::options::{From, Options, as_flag};
use crate::model::snapshot::Gap;
use crate::model::{App, Class, FileId, Known, Place, Why};
use crate::rules::catalogue::{Kind, Part, kind_of};
use serde_json::{Map, Value};

use super::tree::{self, Holes};
use super::{assemble, dashboards, options, schema};

/// Options that decide access, as a path below the options.
const DECIDING: [&str; 11] = [
    "allowClientClassCreation",
    "allowCustomObjectId",
    "enableAnonymousUsers",
    "enforcePrivateUsers",
    "fileUpload.enableForPublic",
    "masterKeyIps",
    "protectedFields",
    "protectedFieldsOwnerExempt",
    "protectedFieldsSaveResponseExempt",
    "readOnlyMasterKeyIps",
    "routeAllowList",
];

/// Where classes are described.
const DEFINITIONS: &str = "/schema/definitions";

/// Takes in the options and classes of the servers that code starts, and its dashboards.
pub fn take(app: &mut App, environment: &Environment) -> Vec<Gap> {
    let AllStarted { servers, loaded, dashboards, loaded_for_dashboards } = started(app, environment);
    let mut gaps = BTreeSet::new();
    for mut server in servers {
        unsettle_texts(&mut server.options, "", &mut server.holes);
        for class in classes(&server) {
            describe(app, class);
        }
        if !server.knows_all_classes() {
            gaps.insert(Gap::new("schema in code", "not all of `schema.definitions` is known here"));
        }
        if server.options.is_empty() {
            if !app.server.options.is_read() {
                app.server.options = Known::Unread(Why::Failed);
            }
            continue;
        }
        let replaced = take_handed_on(app, &server, &loaded);
        let read = options_of(&server, replaced.as_ref());
        let is_known = |known: &Options| known.says_the_same(&read);
        match &mut app.server.options {
            Known::Read(first) if is_known(first) || app.server.other_options.iter().any(is_known) => {}
            Known::Read(_) => app.server.other_options.push(read),
            unread => *unread = Known::Read(read),
        }
    }
    dashboards::take(app, dashboards, &loaded_for_dashboards);
    gaps.into_iter().collect()
}

/// To code the text `false` is no flag, and most of what asks for one takes it for true: what comes
/// of it is not known.
fn unsettle_texts(options: &mut Map<String, Value>, above: &str, holes: &mut BTreeSet<String>) {
    let pointer = |name: &str| format!("{above}/{}", escape(name));
    let is_flag = |name: &str| kind_of(Part::Server, &tree::name_of(&pointer(name))) == Some(Kind::Flag);
    options.retain(|name, value| {
        let is_open =
            value.as_str().is_some_and(|text| as_flag(&Value::String(text.to_owned())) != Some(true)) && is_flag(name);
        if is_open {
            holes.insert(pointer(name));
        }
        !is_open
    });
    for (name, value) in options {
        if let Value::Object(inner) = value {
            unsettle_texts(inner, &format!("{above}/{}", escape(name)), holes);
        }
    }
}

impl Started {
    /// Whether no class is left out that the server is told.
    fn knows_all_classes(&self) -> bool {
        let classes = self.at(DEFINITIONS).and_then(serde_json::Value::as_array).map_or(0, Vec::len);
        let is_named = |number: usize| self.at(&format!("{DEFINITIONS}/{number}/className")).is_some();
        let is_open = self.holes.contains(DEFINITIONS) || self.holes.contains("/schema");
        !is_open && (0..classes).all(is_named)
    }
}

/// Takes out the options of a JSON file that code loads and hands on: they are no
/// configuration of their own.
fn take_handed_on(app: &mut App, server: &Started, loaded: &BTreeSet<FileId>) -> Option<Options> {
    let is_handed_on = |options: &Options| {
        !options.at.is_empty()
            && options.at.values().all(|place| loaded.contains(&place.file()))
            && options.at.keys().all(|name| server.sets(&format!("/{name}")))
    };
    match &app.server.options {
        Known::Read(first) if is_handed_on(first) => {}
        Known::Read(_) | Known::Unread(_) => {
            let found = app.server.other_options.iter().position(is_handed_on)?;
            return Some(app.server.other_options.remove(found));
        }
    }
    let next = match app.server.other_options.is_empty() {
        true => Known::default(),
        false => Known::Read(app.server.other_options.remove(0)),
    };
    match std::mem::replace(&mut app.server.options, next) {
        Known::Read(first) => Some(first),
        Known::Unread(_) => None,
    }
}

/// The options of a server. What JSON handed on keeps its places there.
fn options_of(server: &Started, handed_on: Option<&Options>) -> Options {
    let pointer = |name: &str| format!("/{}", name.replace('.', "/"));
    let unknown: BTreeSet<String> =
        DECIDING.iter().filter(|name| !server.knows(&pointer(name))).map(|name| (*name).to_owned()).collect();
    let mut known = server.options.clone();
    known.retain(|name, _| !unknown.contains(name));
    let whole = server.place("").cloned().unwrap_or(Place::File { file: FileId(0) });
    let mut options = options::read(&known, &whole);
    let place =
        |pointer: &str| server.places.get(pointer).or_else(|| handed_on?.tree.at.get(&tree::name_of(pointer))).cloned();
    let holes = Holes { holes: Some(&server.holes), fallbacks: Some(&server.fallbacks) };
    options.tree = tree::read(Part::Server, &server.options, &holes, &place);
    options.tree.from = From::Code;
    // A key that the environment gives is set, whatever it is.
    options.has_read_only_master_key |= server.sets("/readOnlyMasterKey");
    options.has_webhook_key |= server.sets("/webhookKey");
    options.unknown = unknown;
    let top = server.places.keys().chain(&server.holes).filter_map(|pointer| pointer.strip_prefix('/'));
    let named = top.filter(|name| !name.is_empty() && !name.contains('/'));
    let names: BTreeSet<&str> = named.chain(server.options.keys().map(String::as_str)).collect();
    let place_of = |name: &str| {
        let own = server.places.get(&format!("/{name}"));
        own.or_else(|| handed_on?.at.get(name)).unwrap_or(&whole).clone()
    };
    options.at = names.into_iter().map(|name| (name.to_owned(), place_of(name))).collect();
    options
}

/// The classes whose names are known.
fn classes(server: &Started) -> Vec<Class> {
    let list = server.at(DEFINITIONS).and_then(serde_json::Value::as_array);
    let class = |(number, document): (usize, &serde_json::Value)| {
        let at = format!("{DEFINITIONS}/{number}");
        let mut class = schema::class(document.as_object()?, schema::Shape::Definition, server.place(&at)?.clone())?;
        if !server.knows(&format!("{at}/classLevelPermissions")) {
            class.clp = Known::Unread(Why::Failed);
        }
        if !server.knows(&format!("{at}/fields")) && server.holes.contains(&format!("{at}/fields")) {
            class.fields = Known::Unread(Why::Failed);
        }
        let below = server.places.iter().filter_map(|(pointer, place)| Some((pointer.strip_prefix(&at)?, place)));
        let parts = below.filter(|(part, _)| part.is_empty() || part.starts_with('/'));
        class.source.parts = parts.map(|(part, place)| (part.to_owned(), place.clone())).collect();
        Some(class)
    };
    list.into_iter().flatten().enumerate().filter_map(class).collect()
}

/// Adds a class; of one that is described elsewhere too, what is not known here says nothing.
fn describe(app: &mut App, class: Class) {
    let is_whole = class.clp.is_read() && class.fields.is_read();
    if is_whole || !app.classes.contains_key(&class.name) {
        assemble::describe(app, class);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Input, Reading, Settings, Silent, read};
    use super::*;
    use crate::model::{Operation, Origin};

    fn reading(files: &[(&str, &str)]) -> Reading {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        read(&Input::Memory(files), &Settings::default(), &Silent)
    }

    fn index(options: &str) -> String {
        format!("const {{ ParseServer }} = require('parse-server');\nnew ParseServer({options});\n")
    }

    fn gap(reading: &Reading, topic: &str) -> Option<String> {
        reading.snapshot.gaps.iter().find(|gap| gap.topic == topic).map(|gap| gap.reason.clone())
    }

    #[test]
    fn options_in_code_are_options() {
        let code = index("{ appId: 'a', masterKey: process.env.KEY, allowClientClassCreation: true }");
        let reading = reading(&[("index.js", &code)]);
        let options = reading.snapshot.app.server.options.read().expect("options");
        assert_eq!(options.allow_client_class_creation, Some(true));
        assert!(options.unknown.is_empty() && gap(&reading, "server options").is_none());
        let span = reading.snapshot.texts.span(&options.at["allowClientClassCreation"]).expect("a place");
        assert_eq!(&code[span.start()..span.end()], "true");
    }

    #[test]
    fn options_that_the_environment_decides_are_not_known() {
        let code = index(
            "{ appId: 'a', enforcePrivateUsers: process.env.PRIVATE === 'yes', readOnlyMasterKey: process.env.R }",
        );
        let reading = reading(&[("index.js", &code)]);
        let options = reading.snapshot.app.server.options.read().expect("options");
        assert_eq!((options.enforce_private_users, options.has_read_only_master_key), (None, true));
        let reason = gap(&reading, "server options").expect("a gap");
        assert_eq!(reason, "set in code, but not known here: enforcePrivateUsers; decided by the version's defaults");
        let all = super::tests::reading(&[("index.js", &index("settings()"))]);
        assert!(gap(&all, "server options").expect("a gap").starts_with("set in code, but not known here;"));
    }

    #[test]
    fn json_that_code_hands_on_is_no_second_configuration() {
        let config = r#"{ "appId": "a", "masterKey": "m", "databaseURI": "d", "allowCustomObjectId": true }"#;
        let code = index("{ ...require('./config.json'), masterKeyIps: ['127.0.0.1'] }");
        let reading = reading(&[("config.json", config), ("index.js", &code)]);
        let server = &reading.snapshot.app.server;
        let options = server.options.read().expect("options");
        assert_eq!((server.other_options.len(), options.allow_custom_object_id), (0, Some(true)));
        assert_eq!(options.master_key_ips, Some(vec!["127.0.0.1".to_owned()]));
        assert_eq!(options.at["allowCustomObjectId"].file(), FileId(0));
        let other = super::tests::reading(&[("config.json", config), ("index.js", &index("{ appId: 'b' }"))]);
        let server = &other.snapshot.app.server;
        assert_eq!(server.options.read().and_then(|options| options.allow_custom_object_id), Some(true));
        assert_eq!(server.other_options.len(), 1);
    }

    #[test]
    fn classes_in_code_are_declared() {
        let code =
            index("{ appId: 'a', schema: { definitions: [require('./order'), { ...more(), className: 'Log' }] } }");
        let order = "module.exports = {\n  className: 'Order',\n  fields: { total: { type: 'Number' } },\n  classLevelPermissions: {\n    find: { '*': true },\n  },\n};\n";
        let rows = r#"{ "results": [{ "objectId": "a", "createdAt": "2026-01-01T00:00:00.000Z", "total": 1 }] }"#;
        let reading = reading(&[("Order.json", rows), ("index.js", &code), ("order.js", order)]);
        let app = &reading.snapshot.app;
        let class = &app.classes["Order"];
        assert_eq!(class.source.origin, Origin::Declared);
        assert!(class.field("total").is_some() && class.rows.is_read());
        let clp = class.clp.read().expect("permissions");
        assert!(
            clp.grants(Operation::Find).is_some_and(|grants| grants.anyone) && clp.grants(Operation::Delete).is_none()
        );
        let span = reading.snapshot.texts.span(&class.clp_place("/find/*")).expect("a place");
        assert_eq!(&order[span.start()..span.end()], "true");
        assert!(!app.classes["Log"].clp.is_read());
        assert_eq!(gap(&reading, "permissions of Log").as_deref(), Some("set in code, but not known here"));
    }

    #[test]
    fn classes_that_are_made_elsewhere_leave_a_gap() {
        let reading = reading(&[("index.js", &index("{ appId: 'a', schema: { definitions: classes() } }"))]);
        assert!(gap(&reading, "schema in code").is_some());
    }
}
