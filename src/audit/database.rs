//! How the database of a running app was reached, and what it told of itself.

use crate::model::database::{Database, Right};
use crate::model::host::is_private;
use crate::model::{App, Known};

use super::fact::{Fact, in_words};

/// Kinds of databases and their first version that still gets fixes, in November 2026.
///
/// Source: endoflife.date/mongodb, endoflife.date/postgresql.
const MAINTAINED: [(&str, u64); 2] = [("MongoDB", 7), ("PostgreSQL", 14)];

/// Names that Parse Server itself keeps apart by nothing but a unique index.
///
/// Source: Parse Server 9.10.0, `DatabaseController.js` (`performInitialization`).
const NAMES: [(&str, &str); 3] = [("_Role", "name"), ("_User", "email"), ("_User", "username")];

/// The facts about the database.
pub fn facts(app: &App) -> Vec<Fact> {
    let mut facts = names(app);
    facts.extend(app.database.read().into_iter().flat_map(of_database));
    facts
}

/// Names that several rows may have, where there are rows.
fn names(app: &App) -> Vec<Fact> {
    let open = |(class, column): &(&str, &str)| {
        let class = app.classes.get(*class)?;
        let indexes = class.indexes.read().filter(|indexes| !indexes.keep_apart(column))?;
        let has_rows = class.rows.read().is_none_or(|census| census.rows() > 0);
        let subject = format!("{}.{column}", class.name);
        let fact = Fact::new("database", "names-not-unique", subject, indexes.at.clone());
        has_rows.then(|| fact.about(&class.name).word("column", column))
    };
    NAMES.iter().filter_map(open).collect()
}

fn of_database(database: &Database) -> Vec<Fact> {
    let fact = |kind: &'static str, key: &str| {
        let place = database.at.below(key);
        let fact = Fact::new("database", kind, format!("database {}", database.hosts.join(",")), place);
        fact.word("kind", &database.kind).word("version", &database.version)
    };
    let mut facts = Vec::new();
    if database.open_to_all == Known::Read(true) {
        facts.push(fact("without-password", "/openToAll"));
    }
    if !database.encrypted && !database.hosts.iter().all(|host| is_private(host)) {
        facts.push(fact("not-encrypted", "/encrypted"));
    }
    let too_much = |right: &&Right| matches!(right, Right::Everywhere | Right::Administer);
    let too_many: Vec<&str> =
        database.rights.read().into_iter().flatten().filter(too_much).map(|right| right.words()).collect();
    if !too_many.is_empty() {
        facts.push(fact("user-of-more", "/rights").word("what", in_words(too_many)));
    }
    for (kind, key, count) in [
        ("endless-sessions", "/endlessSessions", &database.endless_sessions),
        ("endless-reset-tokens", "/endlessResetTokens", &database.endless_reset_tokens),
        ("legacy-sessions", "/legacySessions", &database.legacy_sessions),
        ("other-passwords", "/otherPasswords", &database.other_passwords),
    ] {
        if let Some(count) = count.read().filter(|count| **count > 0) {
            facts.push(fact(kind, key).word("count", count));
        }
    }
    if is_old(database) {
        facts.push(fact("not-maintained", "/databaseVersion"));
    }
    facts
}

/// Whether nobody mends the version any more.
fn is_old(database: &Database) -> bool {
    let major = database.version.split(['.', ' ']).next().and_then(|major| major.parse::<u64>().ok());
    let first = MAINTAINED.iter().find(|(kind, _)| *kind == database.kind);
    first.is_some_and(|(_, first)| major.is_some_and(|major| major < *first))
}
