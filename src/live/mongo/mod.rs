//! What the database of a running app tells: a MongoDB, read and never written.
//!
//! Classes, roles, parameters and webhooks are read whole, as `mongoexport` would write
//! them; of rows ids and ACLs alone, while they are counted.

mod about;
mod address;
mod bytes;
mod command;
mod driver;
mod failures;
mod indexes;
mod rows;
mod trouble;

use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::problem::Problem;

use super::pace::Pace;
use super::sampling::Sampling;
use super::{Answers, Body, Document};
use address::Address;
use command::{Command, Ids};
use driver::Connection;
use trouble::Trouble;

/// Longer facts are not read further, in bytes.
const LONGEST: usize = 256 << 20;

/// How long it is waited for one answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A collection that is read whole.
struct Facts {
    name: &'static str,
    /// Its columns that mean something; all if none is named.
    columns: &'static [&'static str],
    /// What was not checked if it cannot be read.
    without: &'static str,
}

/// What is read whole. Classes come first.
const FACTS: [Facts; 8] = [
    Facts { name: "_SCHEMA", columns: &[], without: "classes and their permissions were not checked" },
    Facts {
        name: "_Role",
        columns: &["name", "_rperm", "_wperm", "_created_at", rows::LEGACY],
        without: "roles were not checked",
    },
    Facts {
        name: "_Join:roles:_Role",
        columns: &["owningId", "relatedId"],
        without: "which roles lie in others was not checked",
    },
    Facts {
        name: "_Join:users:_Role",
        columns: &["owningId", "relatedId"],
        without: "who is in roles was not checked",
    },
    Facts {
        name: "_GlobalConfig",
        columns: &["params", "masterKeyOnly"],
        without: "parameters of the app were not checked",
    },
    Facts { name: "_GraphQLConfig", columns: &["config"], without: "classes that GraphQL shows were not checked" },
    Facts {
        name: "_Hooks",
        columns: &["functionName", "triggerName", "className", "url"],
        without: "webhooks were not checked",
    },
    Facts { name: "_JobSchedule", columns: &["jobName", "startAfter"], without: "scheduled jobs were not checked" },
];

/// A database of MongoDB, and how its collections begin.
#[derive(Debug, Clone)]
pub struct Database {
    address: Address,
    prefix: Option<String>,
    patience: Duration,
    pace: Pace,
    sampling: Option<Sampling>,
    most: u64,
}

impl Database {
    /// The database that a connection string names. All collections of an app may begin with the
    /// same `prefix`; if it is not given, it is found.
    ///
    /// # Errors
    ///
    /// The string cannot be used; in words that quote nothing secret.
    pub fn new(uri: &str, prefix: Option<&str>) -> Result<Self, String> {
        Ok(Self {
            address: Address::parse(uri)?,
            prefix: prefix.map(str::to_owned),
            patience: PATIENCE,
            pace: Pace::default(),
            sampling: None,
            most: rows::MOST,
        })
    }

    /// The same, but no answer is waited for longer than this.
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The same, kept no busier than this.
    pub fn pacing(self, pace: Pace) -> Self {
        Self { pace, ..self }
    }

    /// The same, but of large classes only some rows are looked at.
    pub fn sampling(self, sampling: impl Into<Option<Sampling>>) -> Self {
        Self { sampling: sampling.into(), ..self }
    }

    /// The same, but a class with more rows than this is read in parts; else these are five million.
    pub fn in_parts_of(self, most: u64) -> Self {
        Self { most, ..self }
    }

    /// Where it is, with neither user, password nor options.
    pub fn place(&self) -> String {
        self.address.shown()
    }

    /// Everything that is asked for, but for rows: those are read when their streams are opened.
    pub fn read(&self) -> Answers {
        let mut answers = Answers::default();
        let everything = "the running app was not checked";
        let connection = match Connection::open(&self.address, self.patience, self.pace) {
            Ok(connection) => Arc::new(connection),
            Err(message) => {
                answers.problems.push(Problem::new(self.address.shown(), message, everything));
                return answers;
            }
        };
        let prefix = match self.prefix(&connection) {
            Ok(prefix) => prefix,
            Err(message) => {
                answers.problems.push(Problem::new(self.address.shown(), message, everything));
                return answers;
            }
        };
        let mut classes = Vec::new();
        for facts in &FACTS {
            let collection = format!("{prefix}{}", facts.name);
            let found = match read_whole(&connection, &collection, facts) {
                Ok(found) => found,
                Err(trouble) => {
                    let is_end = matches!(trouble, Trouble::Everything(_));
                    let without = if is_end { "the rest of the running app was not checked" } else { facts.without };
                    answers.problems.push(Problem::new(self.url(&collection), trouble.words(), without));
                    if is_end {
                        return answers;
                    }
                    continue;
                }
            };
            if let Some(broken) = found.broken {
                let message = format!("{broken} of its documents are not valid");
                answers.problems.push(Problem::new(self.url(&collection), message, facts.without));
            }
            if facts.name == "_SCHEMA" {
                classes = found.ids;
            }
            let name = format!("{}.json", facts.name);
            let body = Body::Text(Arc::new(found.text));
            answers.documents.push(Document { url: self.url(&collection), name, body });
        }
        about::tell(self, &connection, &prefix, &mut answers);
        indexes::tell(self, &connection, (&prefix, &classes), &mut answers);
        // Not everything that speaks as a cluster does understands what is asked of one.
        let schemas = format!("{prefix}_SCHEMA");
        let is_grouped = connection.is_cluster() && connection.find(&Command::Group(&schemas, Ids::Others)).is_ok();
        let how = rows::How { sampling: self.sampling, most: self.most, is_grouped };
        for class in classes.iter().filter(|class| !class.starts_with('_') || *class == "_User") {
            let collection = format!("{prefix}{class}");
            let url = self.url(&collection);
            match rows::of_class(&connection, class, &collection, &how) {
                Ok(parts) => answers.documents.extend(parts.into_iter().map(|rows| Document {
                    url: url.clone(),
                    name: format!("{class}.bson"),
                    body: Body::Rows(Arc::new(rows)),
                })),
                Err(Trouble::Everything(message)) => {
                    answers.problems.push(Problem::new(url, message, "the rest of the running app was not checked"));
                    break;
                }
                Err(Trouble::Refused(message) | Trouble::This(message)) => {
                    answers.problems.push(Problem::new(url, message, format!("rows of {class} were not counted")));
                }
            }
        }
        answers
    }

    fn url(&self, collection: &str) -> String {
        format!("{}/{collection}", self.address.shown())
    }

    /// How the collections of the app begin.
    fn prefix(&self, connection: &Connection) -> Result<String, String> {
        let names = names(connection).map_err(|trouble| trouble.words().to_owned())?;
        if let Some(prefix) = &self.prefix {
            let schema = format!("{prefix}_SCHEMA");
            return match names.contains(&schema) {
                true => Ok(prefix.clone()),
                false => Err(format!("there is no collection `{schema}`, or the user of the database may not see it")),
            };
        }
        let found: Vec<&str> = names.iter().filter_map(|name| name.strip_suffix("_SCHEMA")).collect();
        match found.as_slice() {
            [prefix] => Ok((*prefix).to_owned()),
            [] => Err("no app of Parse is in it: no collection is named `_SCHEMA`, or the user of the database may \
                       not see it"
                .to_owned()),
            several => {
                let named: Vec<String> = several.iter().take(5).map(|prefix| format!("`{prefix}`")).collect();
                Err(format!("several apps are in it; name the prefix of one: {}", named.join(", ")))
            }
        }
    }
}

/// The names of all collections that may be seen.
fn names(connection: &Connection) -> Result<Vec<String>, Trouble> {
    let mut names = Vec::new();
    each(connection, &Command::Collections, |document| {
        names.extend(driver::text(document, "name"));
        Ok(())
    })?;
    names.sort();
    Ok(names)
}

/// Calls `then` with every document.
fn each(
    connection: &Connection,
    command: &Command<'_>,
    mut then: impl FnMut(&[u8]) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    let mut batches = connection.find(command)?;
    let mut documents = Vec::new();
    while batches.next(&mut documents)?.is_some() {
        let mut rest = documents.as_slice();
        while let Some((document, behind)) = bytes::first(rest) {
            then(document)?;
            rest = behind;
        }
    }
    Ok(())
}

/// A collection that was read whole.
#[derive(Default)]
struct Whole {
    text: Zeroizing<Vec<u8>>,
    /// The ids that are texts.
    ids: Vec<String>,
    /// How many documents could not be read, if there are such.
    broken: Option<u32>,
}

/// Reads a collection as a list of JSON.
fn read_whole(connection: &Connection, collection: &str, facts: &Facts) -> Result<Whole, Trouble> {
    let mut whole = Whole::default();
    whole.text.push(b'[');
    each(connection, &Command::Find(collection, facts.columns, Ids::All), |document| {
        let Some(json) = driver::json(document) else {
            whole.broken = Some(whole.broken.unwrap_or_default() + 1);
            return Ok(());
        };
        if whole.text.len() + json.len() > LONGEST {
            return Err(Trouble::This(format!("it is longer than {} MiB", LONGEST >> 20)));
        }
        let between: &[u8] = if whole.text.len() > 1 { b",\n" } else { b"\n" };
        whole.text.extend_from_slice(between);
        whole.text.extend_from_slice(&json);
        whole.ids.extend(driver::text(document, "_id"));
        Ok(())
    })?;
    whole.text.extend_from_slice(b"\n]\n");
    Ok(whole)
}
