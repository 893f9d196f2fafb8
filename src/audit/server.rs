//! What options and the version of the server open.
//!
//! Said only of options that were read: a default is a fact only beside a
//! configuration that could have set it.

use serde_json::Value;

use crate::model::options::{Options, Written};
use crate::model::{Known, Operation, Place};
use crate::permit::addresses::has_anywhere;
use crate::permit::{Addresses, Engine};
use crate::rules::Who;

use super::access::Access;
use super::fact::{Fact, in_words};

/// The facts about the server.
pub fn facts(engine: &Engine<'_>, access: &[Access<'_>]) -> Vec<Fact> {
    let app = engine.app;
    let all = app.server.options.read().into_iter().chain(&app.server.other_options);
    let mut facts: Vec<Fact> = Vec::new();
    for options in all {
        let of_options = Facts { engine, options, found: Vec::new() };
        for fact in of_options.find(access) {
            if !facts.iter().any(|known| known.subject == fact.subject && known.kind == fact.kind) {
                facts.push(fact);
            }
        }
    }
    for check in &app.server.failed_checks {
        let fact = Fact::new("server", "own-check-failed", &check.title, check.at.clone());
        facts.push(fact.word("value", &check.title).word("group", &check.group));
    }
    facts
}

struct Facts<'a> {
    engine: &'a Engine<'a>,
    options: &'a Options,
    found: Vec<Fact>,
}

impl Facts<'_> {
    fn find(mut self, access: &[Access<'_>]) -> Vec<Fact> {
        let (options, behaviour) = (self.options, &self.engine.settings.behaviour);
        // Defaults of an unknown version are guesses; only what is written counts then.
        let version_known = self.engine.app.server.version.is_read();
        let is_default = |option: &str| version_known && !options.unknown.contains(option);
        let default = |option: &str, value: bool| is_default(option).then_some(value);
        let by_default = default("allowClientClassCreation", behaviour.class_creation_default);
        let creation = options.allow_client_class_creation.or(by_default) == Some(true);
        if creation && version_known && !behaviour.closes_join_tables {
            self.add("join-table-write", "allowClientClassCreation", "true");
        } else if creation {
            self.add("class-creation", "allowClientClassCreation", "true");
        }
        if options.allow_custom_object_id == Some(true) && version_known && !behaviour.refuses_role_ids {
            self.add("ids-as-roles", "allowCustomObjectId", "true");
        }
        let by_default = default("enforcePrivateUsers", behaviour.private_users_default);
        if options.enforce_private_users.or(by_default) == Some(false) {
            self.add("public-users", "enforcePrivateUsers", "false");
        }
        if self.engine.master_key_addresses(Some(options)) == Addresses::All {
            let value = options.master_key_ips.as_ref().map_or_else(|| "not set".to_owned(), in_words);
            self.add("master-key-from-anywhere", "masterKeyIps", &value);
        } else if let Some(list) = self.fallback("masterKeyIps").filter(|list| has_anywhere(list)) {
            let value = format!("{} unless the environment says otherwise", in_words(list));
            self.add("master-key-from-anywhere", "masterKeyIps", &value);
        }
        if options.has_read_only_master_key {
            match &options.read_only_master_key_ips {
                Some(list) if has_anywhere(list) => {
                    self.add("read-only-key-from-anywhere", "readOnlyMasterKeyIps", &in_words(list))
                }
                None if is_default("readOnlyMasterKeyIps") => {
                    self.add("read-only-key-from-anywhere", "readOnlyMasterKeyIps", "not set")
                }
                Some(_) | None => {}
            }
        }
        for name in &options.same_as_master_key {
            self.add("same-as-master-key", name, "the master key's value");
        }
        if options.file_upload_public == Some(true) {
            self.add("public-file-upload", "fileUpload.enableForPublic", "true");
        }
        self.anonymous_users(access);
        self.found
    }

    /// What a list is unless the environment says otherwise.
    fn fallback(&self, option: &str) -> Option<Vec<String>> {
        let Some(Written::Unknown { fallback: Some(fallback) }) = self.options.tree.get(option) else { return None };
        match &**fallback {
            Written::Value(Value::Array(list)) => {
                Some(list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
            }
            Written::Value(Value::String(one)) => Some(vec![one.clone()]),
            _ => None,
        }
    }

    /// Permissions that ask for a session, where anybody gets one without a name.
    fn anonymous_users(&mut self, access: &[Access<'_>]) {
        let is_unknown = self.options.unknown.contains("enableAnonymousUsers");
        if is_unknown || self.options.enable_anonymous_users == Some(false) {
            return;
        }
        let asks_for_session = |access: &&Access<'_>| {
            // What they create is their own.
            let on_others = Operation::ALL.into_iter().filter(|op| op.asks_rows());
            let reached = on_others.filter(|op| access.reached_by(*op) == Some(Who::AnyUser));
            !access.class.name.is_system() && reached.count() > 0
        };
        let classes: Vec<String> =
            access.iter().filter(asks_for_session).map(|access| access.class.name.to_string()).collect();
        if !classes.is_empty() {
            let value = if self.options.enable_anonymous_users.is_some() { "`true`" } else { "not set" };
            self.add("anonymous-users", "enableAnonymousUsers", value);
            if let Some(fact) = self.found.last_mut() {
                fact.words.push(("classes", in_words(classes)));
            }
        }
    }

    fn add(&mut self, kind: &'static str, option: &str, value: &str) {
        let version = match &self.engine.app.server.version {
            Known::Read(found) => found.version.to_string(),
            Known::Unread(_) => String::new(),
        };
        let fact = Fact::new("server", kind, option, self.place(option));
        self.found.push(fact.word("option", option).word("value", value).word("version", version));
    }

    /// Where the option stands, or else the key that it guards, or else the configuration or the version.
    fn place(&self, option: &str) -> Place {
        let top = option.split('.').next().unwrap_or(option);
        let written = self.options.at.get(top);
        let guarded = match top {
            "readOnlyMasterKeyIps" => "readOnlyMasterKey",
            "masterKeyIps" => "masterKey",
            _ => "appId",
        };
        let near = [guarded, "appId", "masterKey"].iter().find_map(|name| self.options.at.get(*name));
        let version = self.engine.app.server.version.read().and_then(|found| found.at.clone());
        written.or(near).cloned().or(version).unwrap_or(Place::File { file: crate::model::FileId(0) })
    }
}
