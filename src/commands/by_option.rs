//! Options of the server that have a part in an answer, in words, for `explain`.

use crate::audit::fact::in_words;
use crate::model::{Class, ClassName, Operation, Principal};
use crate::permit::{Addresses, Engine, addresses};
use crate::report::Report;

use super::through::in_short;

/// A line for each option that decides about this question: what it says, and whose word that is.
pub fn lines(
    engine: &Engine<'_>,
    report: &Report<'_>,
    class: &Class,
    (op, who): (Operation, &Principal),
) -> Vec<(String, String)> {
    let said = Said { engine, report };
    let mut lines = Vec::new();
    let settings = &engine.settings;
    match who {
        Principal::Master => lines.push(said.of("masterKeyIps", &said.taken())),
        Principal::Maintenance if settings.behaviour.has_maintenance_key => {
            lines.push(said.of("maintenanceKeyIps", "the server takes the key only from there"));
        }
        Principal::ReadOnlyMaster => lines.push(said.of("readOnlyMasterKeyIps", &said.read_only_taken())),
        Principal::AnyUser | Principal::AnonymousUser => {
            let text = match settings.anonymous_users {
                true => "anybody may have a session without an account",
                false => "there are no sessions without an account",
            };
            lines.push(said.of("enableAnonymousUsers", text));
        }
        Principal::Public | Principal::Owner(_) | Principal::Role(_) | Principal::User(_) | Principal::Maintenance => {}
    }
    if !who.is_client() {
        return lines;
    }
    let options = engine.app.server.options.read();
    let by_option = options.and_then(|options| options.protected_fields.as_ref()?.get(&class.name));
    if let Some(groups) = by_option.filter(|groups| op.is_read() && groups.values().any(|fields| !fields.is_empty())) {
        let fields = in_words(groups.values().flatten().collect::<std::collections::BTreeSet<_>>());
        lines.push(said.of("protectedFields", &format!("adds to what the class protects: {fields}")));
    }
    if class.name == "_User" {
        let text = match settings.private_users {
            true => "new users are private unless they say otherwise",
            false => "everyone may read a new user unless it says otherwise",
        };
        lines.push(said.of("enforcePrivateUsers", text));
    }
    if op == Operation::Create && settings.custom_ids {
        lines.push(said.of("allowCustomObjectId", "clients choose the id of a new object"));
    }
    lines
}

/// The answer to whether a class that does not exist is made by saving the first object of it.
pub fn new_class(engine: &Engine<'_>, report: &Report<'_>, name: &ClassName, who: &Principal) -> Vec<(String, String)> {
    let said = Said { engine, report };
    let answer = engine.on_missing_class(&engine.caller(who), name, Operation::Create);
    let (verdict, text) = match answer {
        Ok(()) => ("ALLOWED", "no such class was found; the first save makes it, open to everyone"),
        Err(_) => ("DENIED", "no such class was found, and this does not make one"),
    };
    let mut lines = vec![(verdict.to_owned(), format!("create {name} as {who}: {text}"))];
    if who.is_client() {
        let text = match engine.settings.class_creation {
            true => "clients may make classes",
            false => "clients may make no classes",
        };
        lines.push(said.of("allowClientClassCreation", text));
    }
    lines
}

struct Said<'a> {
    engine: &'a Engine<'a>,
    report: &'a Report<'a>,
}

impl Said<'_> {
    /// A line about an option, with where it is set, or that it is not.
    fn of(&self, option: &str, text: &str) -> (String, String) {
        let server = &self.engine.app.server;
        let by = match server.options.read() {
            None => "options were not read; this is the default".to_owned(),
            Some(options) if options.unknown.contains(option) => {
                "set in code to something that is not known here; this is the default".to_owned()
            }
            Some(options) => match options.at.get(option) {
                Some(at) => in_short(self.report, at),
                None => "the default".to_owned(),
            },
        };
        ("option".to_owned(), format!("{option}: {text} ({by})"))
    }

    /// From where the master key is taken.
    fn taken(&self) -> String {
        match self.engine.master_key_addresses(self.engine.app.server.options.read()) {
            Addresses::All => "the server takes the key from every address".to_owned(),
            Addresses::Named(networks) if networks.is_empty() => "the server takes the key from no address".to_owned(),
            Addresses::Named(networks) => format!("the server takes the key only from {}", in_words(networks)),
            Addresses::OwnMachine => "the server takes the key only from its own machine".to_owned(),
            Addresses::Unknown => "from where the server takes the key is not known".to_owned(),
        }
    }

    /// From where the read-only key is taken: from everywhere unless a list says otherwise.
    fn read_only_taken(&self) -> String {
        let list = self.engine.app.server.options.read().and_then(|options| options.read_only_master_key_ips.as_ref());
        match list {
            Some(networks) if !addresses::has_anywhere(networks) => {
                format!("the server takes the key only from {}", in_words(networks))
            }
            Some(_) | None => "the server takes the key from every address".to_owned(),
        }
    }
}
