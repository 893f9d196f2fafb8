//! Audits the security and permissions of an app on the Parse Platform.
//!
//! The map of the house, in reading order; a module uses those above it, and
//! `tests/house.rs` checks that:
//!
//! * [`model`]: the nouns (class, permission, ACL, role, server) and what was not read;
//! * [`permit`]: what a principal may do, decided as Parse Server decides it;
//! * [`code`]: JavaScript and TypeScript, from text to plain data;
//! * [`advisories`]: published weaknesses of packages, and which versions have them;
//! * [`deps`]: lock files of npm and its kin, as installed packages;
//! * [`reach`]: which handlers of code are a way to rows, beside their permissions;
//! * [`rules`]: a rule is a Markdown file: what to match, why it matters, its cases;
//! * [`finding`]: what a rule found, known by what it is about, and ignores;
//! * [`secrets`]: keys in texts, of which only digests leave;
//! * [`history`]: keys in all versions of all files of a repository;
//! * [`verify`]: whether a server still takes a key, for who asks it to;
//! * [`audit`]: a snapshot and rules make findings; pure;
//! * [`read`]: files to a snapshot; the only room that reads;
//! * [`report`]: an outcome as text, SARIF, JSON, annotations and CSV;
//! * [`lock`]: what a team agreed to, as facts of one line each;
//! * [`drift`]: what changed between two locks, by effect;
//! * [`commands`] and [`cli`]: arguments to a report and an exit code.
//!
//! The whole program:
//!
//! ```
//! use parse_audit::audit::audit;
//! use parse_audit::read::{Input, Settings, Silent, read};
//! use parse_audit::rules::loader::built_in;
//! use parse_audit::rules::program::Program;
//! use parse_audit::rules::words::Words;
//!
//! let schema = r#"{ "className": "Note", "classLevelPermissions": { "delete": { "*": true } } }"#;
//! let files = [("Note.json".to_owned(), schema.to_owned())];
//! let reading = read(&Input::Memory(files.into()), &Settings::default(), &Silent);
//! let program = Program::new(built_in()?, Words::new(Vec::new())?);
//! let outcome = audit(&reading.snapshot, &program, Vec::new(), jiff::civil::date(2026, 1, 1));
//! let found: Vec<_> = outcome.findings.iter().map(|found| (found.rule.as_str(), found.subject.as_str())).collect();
//! assert_eq!(found, [("clp-public-delete", "Note.delete")]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod bson;
pub mod http;
pub mod mistake;
pub mod problem;
pub mod severity;

pub mod settings;

pub mod model;

pub mod permit;

pub mod code;

pub mod advisories;
pub mod deps;
pub mod reach;

pub mod finding;
pub mod rules;

pub mod secrets;

pub mod audit;
pub mod history;
pub mod live;
pub mod verify;

pub mod read;
pub mod report;

pub mod lock;

pub mod drift;

pub mod cli;
pub mod commands;
