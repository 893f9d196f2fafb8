//! The server: its version, and those of its options that decide access. No other option's value
//! is told.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use crate::model::graphql::GraphQl;
use crate::model::options::Written;
use crate::model::{ClassName, Group, Known, Options};

use super::classes::{PUBLIC, SIGNED_IN};
use super::{DISABLED, ENABLED, GRAPHQL, Making, Value};

/// Options that decide who may do what.
pub const TOLD: [&str; 36] = [
    "allowAggregationForReadOnlyMasterKey",
    "allowClientClassCreation",
    "allowCustomObjectId",
    "allowExpiredAuthDataToken",
    "allowOrigin",
    "enableAnonymousUsers",
    "enableInsecureAuthAdapters",
    "encodeParseObjectInCloudFunction",
    "enforcePrivateUsers",
    "expireInactiveSessions",
    "fileUpload.enableForAnonymousUser",
    "fileUpload.enableForAuthenticatedUser",
    "fileUpload.enableForPublic",
    "fileUpload.fileExtensions",
    "graphQLPublicIntrospection",
    "liveQuery.classNames",
    "maintenanceKeyIps",
    "masterKeyIps",
    "mountGraphQL",
    "mountPlayground",
    "pages.enableRouter",
    "preserveFileName",
    "preventLoginWithUnverifiedEmail",
    "preventSignupWithUnverifiedEmail",
    "protectedFieldsOwnerExempt",
    "protectedFieldsSaveResponseExempt",
    "protectedFieldsTriggerExempt",
    "readOnlyMasterKeyIps",
    "revokeSessionOnPasswordReset",
    "routeAllowList",
    "schema.lockSchemas",
    "schema.strict",
    "security.enableCheck",
    "sessionLength",
    "trustProxy",
    "verifyUserEmails",
];

/// GraphQL shows all classes.
const EVERY_CLASS: &str = "every class";

/// An option that is set to something that is not known here.
pub const NOT_KNOWN: &str = "not known here";

impl Making<'_> {
    pub(super) fn server(&mut self) {
        let server = &self.subject.app.server;
        match &server.version {
            Known::Read(found) => self.put(&["server", "version"], found.version.to_string()),
            Known::Unread(why) => self.not_read(&["server-version"], why),
        }
        match &server.options {
            Known::Read(options) => self.options(options),
            Known::Unread(why) => self.not_read(&["server-options"], why),
        }
        match &server.graphql {
            Known::Read(GraphQl { enabled, disabled, .. }) => {
                let names = |list: &BTreeSet<ClassName>| list.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
                let enabled = enabled.as_ref().map_or_else(|| EVERY_CLASS.into(), |list| Value::List(names(list)));
                self.put(&["server", GRAPHQL, ENABLED], enabled);
                if !disabled.is_empty() {
                    self.put(&["server", GRAPHQL, DISABLED], names(disabled));
                }
            }
            Known::Unread(why) => self.not_read(&[GRAPHQL], why),
        }
    }

    fn options(&mut self, options: &Options) {
        for name in TOLD {
            let value = match options.tree.get(name) {
                Some(Written::Value(value)) => told(value),
                Some(Written::Unknown { .. }) => Some(NOT_KNOWN.into()),
                Some(Written::Group) => elements(options, name).map(Value::List),
                Some(Written::Hidden(_)) | None => None,
            };
            if let Some(value) = value {
                self.put(&["server", "option", name], value);
            }
        }
        for (class, groups) in options.protected_fields.iter().flatten() {
            for (group, fields) in groups {
                let group = match group {
                    Group::Anyone => PUBLIC.to_owned(),
                    Group::SignedIn => SIGNED_IN.to_owned(),
                    Group::Role(role) => format!("role:{}", self.families.name(role)),
                    Group::UserField(column) => format!("owner:{column}"),
                    Group::User(user) => format!("user:{}", self.user(*user)),
                };
                let fields: BTreeSet<String> = fields.iter().map(ToString::to_string).collect();
                self.put(&["server", "protected", class.as_str(), &group], fields);
            }
        }
        if options.has_read_only_master_key {
            self.put(&["server", "option", "readOnlyMasterKey"], true);
        }
        if options.has_webhook_key {
            self.put(&["server", "option", "webhookKey"], true);
        }
    }
}

/// The elements of a list that is told part by part.
fn elements(options: &Options, name: &str) -> Option<BTreeSet<String>> {
    let parts = options.tree.parts(name);
    let is_list = !parts.is_empty() && parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
    let element = |part: &&str| match options.tree.get(&format!("{name}.{part}")) {
        Some(Written::Value(Json::String(text))) => Some(text.clone()),
        _ => None,
    };
    is_list.then(|| parts.iter().filter_map(element).collect())
}

/// What is told of a value; nothing of one that is not set.
fn told(value: &Json) -> Option<Value> {
    match value {
        Json::Null | Json::Object(_) => None,
        Json::Bool(flag) => Some(Value::Flag(*flag)),
        Json::Number(number) => Some(Value::Text(number.to_string())),
        Json::String(text) => Some(Value::Text(text.clone())),
        Json::Array(list) => {
            let texts = list.iter().map(|element| element.as_str().map_or_else(|| element.to_string(), str::to_owned));
            Some(Value::List(texts.collect()))
        }
    }
}
