//! Environments: which running app `--env` and `--server` mean, and where its lock is.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::audit::fact::in_words;
use crate::cli::InputArgs;
use crate::settings::{Environment, Settings};

/// The environment that is meant where none is named.
pub const DEFAULT: &str = "production";

/// The folder of locks, below the audited one.
const FOLDER: &str = "parse-audit";

/// What the name of a lock ends in.
const LOCK: &str = ".lock.toml";

/// The environment that is named, if one is.
///
/// # Errors
///
/// It is not in the configuration.
pub fn named<'s>(settings: &'s Settings, args: &InputArgs) -> Result<Option<&'s Environment>> {
    let Some(name) = &args.env else { return Ok(None) };
    let Some(environment) = settings.env.get(name) else {
        let known: Vec<&str> = settings.env.keys().map(String::as_str).collect();
        let known = if known.is_empty() { "it has none".to_owned() } else { format!("it has {}", known.join(", ")) };
        bail!("no environment `{name}` in parse-audit.toml; {known}, write a table [env.{name}]");
    };
    Ok(Some(environment))
}

/// The name of the environment that is meant.
///
/// # Errors
///
/// It cannot be part of the name of a file.
pub fn name(args: &InputArgs) -> Result<&str> {
    let name = args.env.as_deref().unwrap_or(DEFAULT);
    check(name)?;
    Ok(name)
}

/// Refuses a name that cannot be part of the name of a file.
pub fn check(name: &str) -> Result<()> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if name.is_empty() || name.starts_with('.') || !name.bytes().all(is_plain) {
        bail!("`{name}` is no name for an environment; use letters, digits, `-`, `_` and `.`");
    }
    Ok(())
}

/// The path of a lock from the audited folder.
pub fn lock(name: &str) -> String {
    format!("{FOLDER}/{name}{LOCK}")
}

/// The file of a lock.
///
/// # Errors
///
/// A single file was to be read, which has no lock.
pub fn lock_file(path: &Path, name: &str) -> Result<PathBuf> {
    if !path.is_dir() {
        bail!("`{}` is no folder, and the lock lies in one", path.display());
    }
    Ok(path.join(lock(name)))
}

/// Which environments have a lock, behind what is said of one that has none.
pub fn others(path: &Path) -> String {
    let entries = fs::read_dir(path.join(FOLDER)).into_iter().flatten().filter_map(Result::ok);
    let name = |entry: fs::DirEntry| entry.file_name().to_str()?.strip_suffix(LOCK).map(str::to_owned);
    let names: BTreeSet<String> = entries.filter_map(name).filter(|name| check(name).is_ok()).collect();
    if names.is_empty() { String::new() } else { format!("; there is one of {}", in_words(names)) }
}
