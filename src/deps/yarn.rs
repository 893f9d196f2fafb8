//! `yarn.lock`, of Yarn 1 and of Yarn 2 and later.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{Package, Unreadable, name_at_version, package, yaml};

/// Yarn 1 writes a format of its own: entries begin at the margin and end with `:`, and what is known of
/// them stands below.
pub fn read_classic(text: &str) -> Result<Vec<Package>, Unreadable> {
    let mut packages = Vec::new();
    let mut name: Option<&str> = None;
    // Where the last entry begins, until its version is read.
    let mut open: Option<usize> = None;
    let cut = |open: Option<usize>| open.map(|at| Unreadable::new("an entry has no version", Some(at)));
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let (at, bare) = (start, line.trim_end());
        start += line.len();
        if bare.is_empty() || bare.starts_with('#') {
            continue;
        }
        if !bare.starts_with(' ') {
            let head = bare.strip_suffix(':');
            let head = head.ok_or_else(|| Unreadable::new("it is no lock file of yarn", Some(at)))?;
            if let Some(error) = cut(open.replace(at)) {
                return Err(error);
            }
            name = named(head);
        } else if let Some(value) = bare.strip_prefix("  version ") {
            open = None;
            let Some(name) = name.take() else { continue };
            packages.extend(package(text, name, value.trim_matches('"'), at..at + line.len()));
        }
    }
    cut(open).map_or(Ok(packages), Err)
}

/// The name of an entry `"a@^1.0.0", "a@^1.2.0"`; that of an alias `b@npm:a@^1.0.0` is what it means.
fn named(head: &str) -> Option<&str> {
    let first = head.split(", ").next()?.trim_matches('"');
    let (name, range) = name_at_version(first)?;
    match range.strip_prefix("npm:") {
        Some(real) => Some(name_at_version(real).map_or(real, |(name, _)| name)),
        None if ["file:", "link:", "git", "http", "portal:"].iter().any(|other| range.starts_with(other)) => None,
        None => Some(name),
    }
}

/// An entry of Yarn 2 and later.
#[derive(Default)]
struct Entry {
    version: Option<(String, Range<usize>)>,
    resolution: Option<String>,
}

fn entry<'e>(entries: &'e mut BTreeMap<String, Entry>, key: &str) -> &'e mut Entry {
    entries.entry(key.to_owned()).or_default()
}

/// Later ones are YAML, and `resolution` is the real name: `a@npm:1.2.3`, or `a@patch:a@npm%3A1.2.3#…`.
pub fn read_berry(text: &str) -> Result<Vec<Package>, Unreadable> {
    let mut entries: BTreeMap<String, Entry> = BTreeMap::new();
    yaml::walk(text, |path, item| {
        if !item.is_key
            && let [key, what] = path
        {
            match what.as_ref() {
                "version" => entry(&mut entries, key).version = Some((item.text.into_owned(), item.at)),
                "resolution" => entry(&mut entries, key).resolution = Some(item.text.into_owned()),
                _ => {}
            }
        }
    })?;
    let of_entry = |entry: &Entry| {
        let (name, from) = name_at_version(entry.resolution.as_deref()?)?;
        let (version, at) = entry.version.as_ref()?;
        let is_of_registry = from.starts_with("npm:") || from.starts_with("patch:");
        is_of_registry.then(|| package(text, name, version, at.clone()))?
    };
    Ok(entries.values().filter_map(of_entry).collect())
}
