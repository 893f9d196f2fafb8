//! `package-lock.json` and `npm-shrinkwrap.json`.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Package, Unreadable, package};

/// npm nests no packages as deep; each level is read once more for those above it.
const DEEPEST: usize = 64;

/// What of a lock file counts. Version 2 has both lists, of which `packages` is the newer.
#[derive(Deserialize)]
struct Lock<'t> {
    #[serde(borrow, default)]
    packages: Option<Entries<'t>>,
    #[serde(borrow, default)]
    dependencies: Option<Entries<'t>>,
}

/// An entry of either list.
#[derive(Deserialize)]
struct Entry<'t> {
    /// As it is written, so that its place is known.
    #[serde(borrow, default)]
    version: Option<&'t RawValue>,
    /// The real name of an alias, in `packages`.
    #[serde(borrow, default)]
    name: Option<Cow<'t, str>>,
    /// A link to a package of the workspace.
    #[serde(default)]
    link: bool,
    /// Where it comes from; packages of the registry from none or a web address.
    #[serde(borrow, default)]
    resolved: Option<Resolved<'t>>,
    #[serde(borrow, default)]
    dependencies: Option<&'t RawValue>,
}

/// Where a package comes from: an address, or in old locks `false`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Resolved<'t> {
    Address(#[serde(borrow)] Cow<'t, str>),
    Other(serde::de::IgnoredAny),
}

/// Entries in the order of the file; a name may be there twice.
struct Entries<'t>(Vec<(Cow<'t, str>, Entry<'t>)>);

pub fn read(text: &str) -> Result<Vec<Package>, Unreadable> {
    let lock: Lock<'_> = parse(text, 0, text)?;
    let mut packages = Vec::new();
    if let Some(Entries(entries)) = lock.packages {
        for (path, entry) in &entries {
            packages.extend(of_path(text, path, entry));
        }
        return Ok(packages);
    }
    let mut lists: Vec<(usize, Entries<'_>)> = lock.dependencies.into_iter().map(|list| (0, list)).collect();
    while let Some((depth, Entries(entries))) = lists.pop() {
        for (name, entry) in entries {
            packages.extend(of_name(text, &name, &entry));
            if let Some(below) = entry.dependencies {
                let at = offset(text, below.get());
                if depth == DEEPEST {
                    return Err(Unreadable::new("it is nested too deeply", Some(at)));
                }
                lists.push((depth + 1, parse(below.get(), at, text)?));
            }
        }
    }
    Ok(packages)
}

/// An entry of `packages`, which is known by its folder.
fn of_path(text: &str, path: &str, entry: &Entry<'_>) -> Option<Package> {
    let (_, installed) = path.rsplit_once("node_modules/")?;
    if entry.link || !is_of_registry(entry) {
        return None;
    }
    let name = entry.name.as_deref().unwrap_or(installed);
    let version = entry.version?;
    package(text, name, unquoted(version)?, range(text, version))
}

/// An entry of `dependencies`, which is known by its name; an alias has the real one in its version.
fn of_name(text: &str, name: &str, entry: &Entry<'_>) -> Option<Package> {
    let version = entry.version?;
    let written = unquoted(version)?;
    let (name, written) = match written.strip_prefix("npm:") {
        Some(real) => super::name_at_version(real)?,
        None => (name, written),
    };
    is_of_registry(entry).then(|| package(text, name, written, range(text, version)))?
}

fn is_of_registry(entry: &Entry<'_>) -> bool {
    match &entry.resolved {
        Some(Resolved::Address(address)) => address.starts_with("http"),
        Some(Resolved::Other(_)) | None => true,
    }
}

fn unquoted(raw: &RawValue) -> Option<&str> {
    raw.get().strip_prefix('"')?.strip_suffix('"')
}

fn range(text: &str, raw: &RawValue) -> Range<usize> {
    let start = offset(text, raw.get());
    start..start + raw.get().len()
}

/// Where a part of the text begins.
fn offset(text: &str, part: &str) -> usize {
    (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize)
}

fn parse<'t, T: Deserialize<'t>>(part: &'t str, start: usize, text: &str) -> Result<T, Unreadable> {
    serde_json::from_str(part).map_err(|error| {
        let lines = part.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len);
        let at = start + lines.sum::<usize>() + error.column().saturating_sub(1);
        let message = if error.is_eof() { "the file ends too early" } else { "it is no lock file of npm" };
        Unreadable::new(message, Some(at.min(text.len())))
    })
}

impl<'de: 't, 't> Deserialize<'de> for Entries<'t> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each<'t>(PhantomData<&'t ()>);
        impl<'de: 't, 't> Visitor<'de> for Each<'t> {
            type Value = Entries<'t>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("packages by name")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry::<Cow<'t, str>, Entry<'t>>()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Each(PhantomData))
    }
}
