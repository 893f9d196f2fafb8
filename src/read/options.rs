//! Options of Parse Server in a JSON configuration, as its command line reads it.
//!
//! Only options that decide access are kept, and of keys only whether they are set
//! and whether two are equal.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::model::Place;
use crate::model::clp::protected_fields;
use crate::model::options::{Options, as_flag};
use crate::rules::catalogue::Part;

use super::tree::{self, Holes};

/// Options that only Parse Server has: one of them beside `appId` makes a configuration.
const SERVER_ONLY: [&str; 22] = [
    "allowClientClassCreation",
    "allowCustomObjectId",
    "cloud",
    "collectionPrefix",
    "databaseAdapter",
    "databaseOptions",
    "databaseURI",
    "enableAnonymousUsers",
    "enforcePrivateUsers",
    "fileKey",
    "fileUpload",
    "liveQuery",
    "maintenanceKey",
    "masterKeyIps",
    "mountPath",
    "protectedFields",
    "publicServerURL",
    "readOnlyMasterKeyIps",
    "restAPIKey",
    "schema",
    "startLiveQueryServer",
    "verifyUserEmails",
];

/// Whether a document is a configuration of Parse Server, with its options at the
/// top or in the one element of `apps`.
pub fn is_server_config(document: &Map<String, Value>) -> bool {
    let (options, _) = server_options(document);
    let named = options.contains_key("appId") || options.contains_key("masterKey");
    named && SERVER_ONLY.iter().any(|option| options.contains_key(*option))
}

/// Whether a document is a configuration of Parse Dashboard.
pub fn is_dashboard_config(document: &Map<String, Value>) -> bool {
    let apps = document.get("apps").and_then(Value::as_array);
    let is_app = |app: &Value| {
        app.get("serverURL").is_some() && ["appName", "masterKey"].iter().any(|key| app.get(*key).is_some())
    };
    apps.is_some_and(|apps| !apps.is_empty() && apps.iter().all(is_app))
}

/// The options and the pointer below which they stand.
///
/// Source: Parse Server 9.10.0, `cli/utils/commander.js` (a file with `apps` must have one).
pub fn server_options(document: &Map<String, Value>) -> (&Map<String, Value>, String) {
    let apps = document.get("apps").and_then(Value::as_array);
    match apps.and_then(|apps| apps.first()).and_then(Value::as_object) {
        Some(app) => (app, "/apps/0".to_owned()),
        None => (document, String::new()),
    }
}

/// Reads the options.
pub fn read(options: &Map<String, Value>, at: &Place) -> Options {
    let flag = |key: &str| options.get(key).and_then(as_flag);
    let nested = |group: &str, key: &str| options.get(group).and_then(|group| group.get(key)).and_then(as_flag);
    let is_set = |key: &str| options.get(key).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    let names = options.keys().map(|key| (key.clone(), at.below(&format!("/{}", crate::model::oddity::escape(key)))));
    Options {
        allow_client_class_creation: flag("allowClientClassCreation"),
        enforce_private_users: flag("enforcePrivateUsers"),
        enable_anonymous_users: flag("enableAnonymousUsers"),
        allow_custom_object_id: flag("allowCustomObjectId"),
        protected_fields: options.get("protectedFields").and_then(Value::as_object).map(|classes| {
            let groups = |value: &Value| protected_fields(value).unwrap_or_default();
            classes.iter().map(|(class, value)| (class.as_str().into(), groups(value))).collect()
        }),
        protected_fields_owner_exempt: flag("protectedFieldsOwnerExempt"),
        protected_fields_save_response_exempt: flag("protectedFieldsSaveResponseExempt"),
        master_key_ips: options.get("masterKeyIps").and_then(as_list),
        read_only_master_key_ips: options.get("readOnlyMasterKeyIps").and_then(as_list),
        has_read_only_master_key: is_set("readOnlyMasterKey"),
        same_as_master_key: same_as_master_key(options),
        file_upload_public: nested("fileUpload", "enableForPublic"),
        has_webhook_key: is_set("webhookKey"),
        unknown: BTreeSet::new(),
        at: names.collect::<BTreeMap<_, _>>(),
        tree: tree::read(Part::Server, options, &Holes::default(), &|pointer| Some(at.below(pointer))),
    }
}

/// A list as the command line reads it: also words with commas between them.
pub fn as_list(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Array(list) => Some(list.iter().filter_map(Value::as_str).map(str::to_owned).collect()),
        Value::String(text) => {
            Some(text.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect())
        }
        _ => None,
    }
}

/// Whether a value is a variable of the environment or a part of a template, filled in elsewhere.
pub fn is_variable(value: &str) -> bool {
    const ENCLOSED: [(&str, &str); 4] = [("${", "}"), ("$(", ")"), ("{{", "}}"), ("<", ">")];
    let value = value.trim();
    let is_name = |name: &str| !name.is_empty() && name.chars().all(|sign| sign.is_ascii_alphanumeric() || sign == '_');
    let is_enclosed = ENCLOSED.iter().any(|(open, close)| value.starts_with(open) && value.ends_with(close));
    let is_named =
        ["$", "process.env.", "env:", "ENV:"].iter().any(|before| value.strip_prefix(before).is_some_and(is_name));
    is_enclosed || is_named
}

/// Whether a key stands for one that is filled in elsewhere: a variable, or words that ask
/// for it to be replaced.
pub fn is_placeholder(value: &str) -> bool {
    const BEGINNINGS: [&str; 12] = [
        "addyour",
        "changeme",
        "changethis",
        "enteryour",
        "fixme",
        "insert",
        "placeholder",
        "redacted",
        "replace",
        "setme",
        "todo",
        "your",
    ];
    let value = value.trim();
    let is_enclosed =
        [("%", "%"), ("__", "__")].iter().any(|(open, close)| value.starts_with(open) && value.ends_with(close));
    let is_blank = value.chars().all(|sign| matches!(sign, 'x' | 'X' | '*' | '.' | '-' | '_'));
    let words: String = value.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    is_variable(value) || is_enclosed || is_blank || BEGINNINGS.iter().any(|beginning| words.starts_with(beginning))
}

/// Names of other keys that have the master key's value.
fn same_as_master_key(options: &Map<String, Value>) -> BTreeSet<String> {
    let is_key = |text: &&str| !text.is_empty() && !is_placeholder(text);
    let Some(master) = options.get("masterKey").and_then(Value::as_str).filter(is_key) else {
        return BTreeSet::new();
    };
    let others = [
        "appId",
        "clientKey",
        "javascriptKey",
        "restAPIKey",
        "dotNetKey",
        "readOnlyMasterKey",
        "maintenanceKey",
        "fileKey",
        "webhookKey",
    ];
    let same = others.iter().filter(|name| options.get(**name).and_then(Value::as_str) == Some(master));
    same.map(|name| (*name).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FileId;
    use serde_json::json;

    fn object(value: &Value) -> &Map<String, Value> {
        value.as_object().expect("an object")
    }

    #[test]
    fn a_dashboard_configuration_is_none_of_the_server() {
        let dashboard =
            json!({ "apps": [{ "serverURL": "u", "appId": "a", "masterKey": "m", "appName": "n" }], "users": [] });
        assert!(!is_server_config(object(&dashboard)));
        let server = json!({ "appId": "a", "masterKey": "m", "databaseURI": "d" });
        assert!(is_server_config(object(&server)));
        assert!(is_server_config(object(&json!({ "apps": [server] }))));
    }

    #[test]
    fn placeholders_are_told_from_keys() {
        for value in
            ["REPLACE_WITH_KEY", "${PARSE_KEY}", "$PARSE_KEY", "changeme", "<key>", "your-key", "xxxx", "{{key}}"]
        {
            assert!(is_placeholder(value), "{value}");
        }
        for value in ["m", "tulip lantern seven", "$2 for tea", "$", "a<b>", "myMasterKey"] {
            assert!(!is_placeholder(value), "{value}");
        }
    }

    #[test]
    fn of_keys_only_what_they_have_in_common_is_kept() {
        let config = json!({ "appId": "a", "masterKey": "m", "restAPIKey": "m", "readOnlyMasterKey": "r",
            "allowClientClassCreation": "false", "masterKeyIps": "10.0.0.1, ::/0", "fileUpload": { "enableForPublic": true } });
        let options = read(object(&config), &Place::Pointer { file: FileId(0), pointer: String::new() });
        assert_eq!(options.allow_client_class_creation, Some(false));
        assert_eq!(options.enforce_private_users, None);
        assert_eq!(options.master_key_ips, Some(vec!["10.0.0.1".into(), "::/0".into()]));
        assert_eq!(options.same_as_master_key, BTreeSet::from(["restAPIKey".to_owned()]));
        assert!(options.has_read_only_master_key && !options.has_webhook_key);
        assert_eq!(options.file_upload_public, Some(true));
    }
}
