//! Manifests of npm and configurations of TypeScript, as far as they say how code
//! fits together. One that cannot be understood says nothing: whether that is a
//! problem is decided where files are told by their contents.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::code::path::{folder, inside, join, name};
use crate::model::spans::string_end;
use crate::model::{Aliases, FileId, Manifest};

use super::source::{Bytes, Candidate};

/// Bytes; a manifest is never longer.
const LONGEST: u64 = 1 << 20;

/// Configurations that take over from each other; a chain is never longer.
const CHAIN: usize = 8;

/// Reads all manifests and configurations among the files.
pub fn read(candidates: &[Candidate]) -> (Vec<Manifest>, Vec<Aliases>) {
    let mut manifests = Vec::new();
    let mut renamed: Vec<Aliases> = Vec::new();
    let mut configs: BTreeMap<&str, Value> = BTreeMap::new();
    let own = candidates.iter().filter(|candidate| !matches!(candidate.bytes, Bytes::Entry(..)));
    for candidate in own.filter(|candidate| candidate.size <= LONGEST) {
        let path = candidate.path.as_str();
        let is_config = name(path).starts_with("tsconfig") || name(path) == "jsconfig.json";
        if name(path) == "package.json" {
            let value = value(candidate);
            renamed.extend(value.as_ref().and_then(|value| renamed_in(folder(path), value)));
            manifests.extend(value.map(|value| manifest(candidate.file, folder(path), &value)));
        } else if is_config && path.ends_with(".json") {
            configs.extend(value(candidate).map(|value| (path, value)));
        }
    }
    manifests.sort_by(|a, b| a.folder.cmp(&b.folder));
    let mut aliases: Vec<Aliases> = Vec::new();
    // In a folder `jsconfig.json` comes before `tsconfig.json`, which counts.
    for path in configs.keys().filter(|path| matches!(name(path), "tsconfig.json" | "jsconfig.json")) {
        let Some(found) = found(&configs, path) else { continue };
        aliases.retain(|known| known.folder != found.folder);
        aliases.push(found);
    }
    for manifest in renamed {
        match aliases.iter_mut().find(|known| known.folder == manifest.folder) {
            Some(known) => known.paths.extend(manifest.paths),
            None => aliases.push(manifest),
        }
    }
    aliases.sort_by(|a, b| a.folder.cmp(&b.folder));
    (manifests, aliases)
}

fn value(candidate: &Candidate) -> Option<Value> {
    let bytes = candidate.whole(LONGEST).ok()??;
    let text = String::from_utf8_lossy(&bytes);
    serde_json::from_str(&without_comments(text.trim_start_matches('\u{feff}'))).ok()
}

fn manifest(file: FileId, folder: &str, value: &Value) -> Manifest {
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let texts = |key: &str| {
        let entries = value.get(key).and_then(Value::as_object).into_iter().flatten();
        entries.filter_map(|(name, text)| Some((name.clone(), text.as_str()?.to_owned()))).collect::<BTreeMap<_, _>>()
    };
    let workspaces = value.get("workspaces");
    let workspaces = workspaces.and_then(|list| list.get("packages")).or(workspaces);
    Manifest {
        file,
        folder: folder.to_owned(),
        name: text("name"),
        main: text("main"),
        scripts: texts("scripts"),
        dependencies: texts("dependencies"),
        dev_dependencies: texts("devDependencies"),
        workspaces: list(workspaces).map(str::to_owned).collect(),
    }
}

fn list(value: Option<&Value>) -> impl Iterator<Item = &str> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// Names that a manifest gives to folders and files: `imports` of Node, and `_moduleAliases`.
fn renamed_in(of: &str, value: &Value) -> Option<Aliases> {
    let named = |key: &str| {
        let names = value.get(key).and_then(Value::as_object).into_iter().flatten();
        names.filter_map(|(name, path)| Some((name.clone(), join(of, path.as_str()?)))).collect::<Vec<_>>()
    };
    let below = |(name, path): (String, String)| {
        [(name.clone(), vec![path.clone()]), (format!("{name}/*"), vec![format!("{path}/*")])]
    };
    let mut paths: Vec<(String, Vec<String>)> = named("_moduleAliases").into_iter().flat_map(below).collect();
    paths.extend(named("imports").into_iter().map(|(name, path)| (name, vec![path])));
    (!paths.is_empty()).then(|| Aliases { folder: of.to_owned(), base: None, paths })
}

/// What a configuration says, with what it takes over; `None` if it renames nothing.
fn found(configs: &BTreeMap<&str, Value>, path: &str) -> Option<Aliases> {
    let mut aliases = Aliases { folder: folder(path).to_owned(), ..Aliases::default() };
    let mut has_paths = false;
    let mut open = vec![path.to_owned()];
    let mut seen = BTreeSet::new();
    while let Some(path) = open.pop().filter(|_| seen.len() < CHAIN) {
        let Some(value) = configs.get(path.as_str()) else { continue };
        if !seen.insert(path.clone()) {
            continue;
        }
        let folder = folder(&path);
        let options = value.get("compilerOptions");
        let own_base = options.and_then(|options| options.get("baseUrl")).and_then(Value::as_str);
        let own_base = own_base.and_then(|base| inside(folder, base));
        if let Some(paths) = options.and_then(|options| options.get("paths")?.as_object()).filter(|_| !has_paths) {
            has_paths = true;
            let base = own_base.as_deref().unwrap_or(folder);
            let places = |value: &Value| list(Some(value)).map(|place| join(base, place)).collect();
            aliases.paths = paths.iter().map(|(pattern, value)| (pattern.clone(), places(value))).collect();
        }
        aliases.base = aliases.base.or(own_base);
        // Of several the last one outranks the others.
        let extends = value.get("extends");
        for other in
            extends.and_then(Value::as_str).into_iter().chain(list(extends)).filter(|path| path.starts_with('.'))
        {
            let ending = if other.ends_with(".json") { "" } else { ".json" };
            open.extend(inside(folder, &format!("{other}{ending}")));
        }
    }
    (aliases.base.is_some() || !aliases.paths.is_empty()).then_some(aliases)
}

/// JSON without comments and without commas behind last elements.
fn without_comments(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let length = match character {
            '"' => {
                let length = string_end(rest.as_bytes(), 0);
                kept.push_str(rest.get(..length).unwrap_or_default());
                length
            }
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            '}' | ']' => {
                let before = kept.trim_end().len();
                if kept.trim_end().ends_with(',') {
                    kept.truncate(before - 1);
                }
                kept.push(character);
                1
            }
            other => {
                kept.push(other);
                other.len_utf8()
            }
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(path: &str, text: &str) -> Candidate {
        Candidate {
            file: FileId(0),
            path: path.to_owned(),
            name: path.to_owned(),
            bytes: Bytes::Memory(text.as_bytes().into()),
            size: text.len() as u64,
            asked: false,
        }
    }

    #[test]
    fn a_manifest_is_read() {
        let text = r#"{ "name": "@a/b", "main": "x.js", "scripts": { "start": "node x" }, "workspaces": { "packages": ["p/*"] },
            "dependencies": { "parse": "^5" }, "devDependencies": { "jest": "29", "odd": 1 } }"#;
        let (manifests, aliases) = read(&[candidate("a/package.json", text), candidate("package.json", "{ nonsense")]);
        let [manifest] = manifests.as_slice() else { panic!("one manifest, not {manifests:?}") };
        assert_eq!((manifest.folder.as_str(), manifest.name.as_deref()), ("a", Some("@a/b")));
        assert_eq!((manifest.version_of("parse"), manifest.version_of("jest")), (Some("^5"), Some("29")));
        assert_eq!((manifest.workspaces.as_slice(), manifest.version_of("odd")), (&["p/*".to_owned()][..], None));
        assert_eq!(aliases, []);
    }

    #[test]
    fn names_of_modules_are_read_with_what_is_taken_over() {
        let base =
            "{ /* shared */ \"compilerOptions\": { \"baseUrl\": \".\", \"paths\": { \"@/*\": [\"lib/*\",], }, }, }";
        let own = "\u{feff}{ \"extends\": \"../tsconfig.base\", // here\n \"compilerOptions\": { \"baseUrl\": \"src\", \"x\": \"/*,]//\" } }";
        let (_, aliases) = read(&[candidate("tsconfig.base.json", base), candidate("api/tsconfig.json", own)]);
        let expected = Aliases {
            folder: "api".into(),
            base: Some("api/src".into()),
            paths: vec![("@/*".into(), vec!["lib/*".into()])],
        };
        assert_eq!(aliases, [expected]);
    }

    #[test]
    fn configurations_that_take_over_in_circles_end() {
        let text = r#"{ "extends": ["./tsconfig.json"], "compilerOptions": { "baseUrl": "." } }"#;
        let (_, aliases) = read(&[candidate("tsconfig.json", text)]);
        assert_eq!(aliases.len(), 1);
    }

    #[test]
    fn names_that_a_manifest_gives_are_aliases() {
        let text = r##"{ "_moduleAliases": { "@": "src" }, "imports": { "#lib/*": "./lib/*.js" } }"##;
        let (_, aliases) = read(&[candidate("api/package.json", text)]);
        let paths = [("@", "api/src"), ("@/*", "api/src/*"), ("#lib/*", "api/lib/*.js")];
        let paths = paths.map(|(name, path)| (name.to_owned(), vec![path.to_owned()])).to_vec();
        assert_eq!(aliases, [Aliases { folder: "api".into(), base: None, paths }]);
    }
}
