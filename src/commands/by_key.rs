//! Keys of the server that lie in files, in words: ways that no permission closes.

use crate::audit::fact::in_words;
use crate::audit::{Holder, LostKey};
use crate::model::{Class, FieldName, Operation};
use crate::permit::{Addresses, Engine};
use crate::report::Report;
use crate::rules::secret::Opens;

use super::through::in_short;

/// The keys that open an operation on a class, each in a line:
/// `the master key (whoever can read the repository, .env:3)`.
pub fn lines(
    engine: &Engine<'_>,
    keys: &[LostKey],
    report: &Report<'_>,
    (class, op, field): (&Class, Operation, Option<&FieldName>),
) -> Vec<String> {
    let opens = |key: &&LostKey| {
        let caller = engine.caller(&key.opens.principal());
        let shows = |field: &FieldName| {
            !op.is_read() || engine.visible_in_reach(&caller, class).read().is_none_or(|shown| shown.contains(field))
        };
        engine.cell(&caller, class, op).is_open() && field.is_none_or(shows)
    };
    keys.iter().filter(opens).map(|key| line(engine, key, report)).collect()
}

/// A key in a line.
pub fn line(engine: &Engine<'_>, key: &LostKey, report: &Report<'_>) -> String {
    let holder = match key.holder {
        Holder::Anyone => "anyone",
        Holder::Repository => "whoever can read the repository",
        Holder::History => "whoever can read the history of the repository",
        Holder::File => "whoever can read the file",
    };
    let place = key.places.first().map(|place| format!(", {}", in_short(report, place))).unwrap_or_default();
    let more = match key.places.len() {
        0 | 1 => String::new(),
        2 => " and 1 more place".to_owned(),
        count => format!(" and {} more places", count - 1),
    };
    format!("{} ({holder}{place}{more}){}", key.opens.words(), taken(engine, key.opens))
}

/// From where the server takes the key.
fn taken(engine: &Engine<'_>, opens: Opens) -> String {
    let option = opens.addresses();
    match (opens, engine.master_key_addresses(engine.app.server.options.read())) {
        (Opens::ReadOnlyMasterKey, _) | (Opens::MasterKey, Addresses::All) => String::new(),
        (Opens::MasterKey, Addresses::Named(networks)) => {
            format!("; the server takes it only from {}", in_words(networks))
        }
        (Opens::MasterKey, Addresses::OwnMachine) => {
            format!("; the server takes it only from its own machine, as {option} is not set")
        }
        (Opens::MasterKey, Addresses::Unknown) | (Opens::MaintenanceKey, _) => {
            format!("; the server takes it only from where {option} says")
        }
    }
}
