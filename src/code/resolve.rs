//! Which file a module's name means, as Node.js, TypeScript and the old parse.com
//! look for it. Knows only files that were read; nothing here touches disk.
//!
//! What is not written in full is tried in Node's order, and the TypeScript a path
//! was compiled from counts where the compiled file is not there.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Aliases, App, Manifest, Unit};

use super::path::{self, inside, join};
use super::requires;

/// Endings that are left out, in the order they are tried.
const ENDINGS: [&str; 9] = ["js", "json", "ts", "tsx", "jsx", "mjs", "cjs", "mts", "cts"];

/// Endings that are written for a file of TypeScript, and those of the file.
const COMPILED: [(&str, &[&str]); 4] =
    [(".js", &["ts", "tsx", "jsx"]), (".jsx", &["tsx"]), (".mjs", &["mts"]), (".cjs", &["cts"])];

/// The files of an app as modules of each other.
#[derive(Debug)]
pub struct Project<'a> {
    units: &'a [Unit],
    by_path: BTreeMap<&'a str, usize>,
    manifests: BTreeMap<&'a str, &'a Manifest>,
    by_name: BTreeMap<&'a str, &'a Manifest>,
    aliases: BTreeMap<&'a str, &'a Aliases>,
}

/// What a module's name means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A file: its number among the units of the app.
    Unit(usize),
    /// A package that is not part of the app, with what is meant in it: `parse/node`.
    Package(String),
    /// A file that was not read, or that is not there.
    Missing,
}

impl<'a> Project<'a> {
    /// The files of an app.
    pub fn new(app: &'a App) -> Self {
        let units = app.code.read().map_or(&[][..], Vec::as_slice);
        let named = |manifest: &'a Manifest| manifest.name.as_deref().map(|name| (name, manifest));
        Self {
            units,
            by_path: units.iter().enumerate().map(|(number, unit)| (unit.path.as_str(), number)).collect(),
            manifests: app.manifests.iter().map(|manifest| (manifest.folder.as_str(), manifest)).collect(),
            // Of two packages with a name the first counts.
            by_name: app.manifests.iter().rev().filter_map(named).collect(),
            aliases: app.aliases.iter().map(|aliases| (aliases.folder.as_str(), aliases)).collect(),
        }
    }

    /// All files, in the order of their numbers.
    pub fn units(&self) -> &'a [Unit] {
        self.units
    }

    /// All manifests by folder.
    pub fn manifests(&self) -> impl Iterator<Item = &'a Manifest> {
        self.manifests.values().copied()
    }

    /// The number of the file with exactly this path.
    pub fn unit_at(&self, path: &str) -> Option<usize> {
        self.by_path.get(path).copied()
    }

    /// What a module's name means in the file with number `from`.
    pub fn resolve(&self, from: usize, specifier: &str) -> Target {
        let Some(places) = self.places(from, specifier) else {
            return Target::Package(specifier.strip_prefix("node:").unwrap_or(specifier).to_owned());
        };
        match places.iter().find_map(|path| self.module_at(path)) {
            Some(unit) => Target::Unit(unit),
            None if is_bare(specifier) && !specifier.starts_with("cloud/") => Target::Package(specifier.to_owned()),
            None => Target::Missing,
        }
    }

    /// The paths that a module's name may mean in the file with number `from`, in the
    /// order they are tried, endings and index files left open. `None` if only a package
    /// that is not part of the app can be meant.
    pub fn places(&self, from: usize, specifier: &str) -> Option<Vec<String>> {
        let folder = self.folder_of(from);
        if specifier.starts_with("node:") {
            return None;
        }
        if !is_bare(specifier) {
            let path = match specifier.strip_prefix('/') {
                Some(path) => inside("", path),
                None => inside(folder, specifier),
            };
            return Some(path.into_iter().collect());
        }
        let mut places = self.aliased(folder, specifier);
        if specifier.starts_with("cloud/") {
            places.extend(path::upward(folder).map(|folder| join(folder, specifier)));
            places.extend(self.only_cloud_folder().map(|folder| join(folder, specifier)));
        }
        places.extend(self.in_own_package(from, specifier));
        Some(places)
    }

    /// The file that a path means: itself, with an ending, or what stands for the folder.
    pub fn module_at(&self, path: &str) -> Option<usize> {
        let main = || {
            let main = self.manifests.get(path)?.main.as_deref()?;
            let main = inside(path, main)?;
            self.file_at(&main).or_else(|| self.source_of(&main)).or_else(|| self.file_at(&join(&main, "index")))
        };
        self.file_at(path).or_else(main).or_else(|| self.file_at(&join(path, "index")))
    }

    /// The file that a path means: itself, with an ending, or the TypeScript it was compiled from.
    fn file_at(&self, path: &str) -> Option<usize> {
        let with = |ending: &&str| self.unit_at(&format!("{path}.{ending}"));
        let source = || {
            let (path, endings) = COMPILED.iter().find_map(|(to, from)| Some((path.strip_suffix(to)?, from)))?;
            endings.iter().find_map(|ending| self.unit_at(&format!("{path}.{ending}")))
        };
        self.unit_at(path).or_else(|| ENDINGS.iter().find_map(with)).or_else(source)
    }

    /// What a file that a tool would build was built from: `dist/a.js` from `src/a.ts` or `a.ts`.
    pub fn source_of(&self, path: &str) -> Option<usize> {
        let parts: Vec<&str> = path.split('/').collect();
        parts.iter().enumerate().filter(|(_, part)| matches!(**part, "dist" | "build" | "lib" | "out")).find_map(
            |(at, _)| {
                let (before, after) = parts.split_at(at);
                let after = after.get(1..).unwrap_or_default();
                let with = |folder: &[&str]| [before, folder, after].concat().join("/");
                [with(&["src"]), with(&[])].iter().find_map(|path| {
                    self.file_at(path).or_else(|| self.file_at(&join(path, "index"))).filter(|_| !path.is_empty())
                })
            },
        )
    }

    /// The names of files and folders directly in a folder, sorted, as far as files of code were read in them.
    ///
    /// `folder` is meant as [`Self::folder_from`] says.
    pub fn files_in(&self, from: usize, folder: &str) -> Vec<String> {
        let names: BTreeSet<String> = self
            .files_below(from, folder)
            .iter()
            .filter_map(|path| path.split('/').next())
            .map(str::to_owned)
            .collect();
        names.into_iter().collect()
    }

    /// The files of code in a folder and in those below it, as paths from it, sorted.
    ///
    /// `folder` is meant as [`Self::folder_from`] says.
    pub fn files_below(&self, from: usize, folder: &str) -> Vec<String> {
        let Some(folder) = self.folder_from(from, folder) else { return Vec::new() };
        self.in_folder(&folder).map(str::to_owned).collect()
    }

    /// The folder that code in the file with number `from` means by a path it reads from.
    ///
    /// A path with `/` in front begins at the audited folder, as `__dirname` does in this
    /// program. Others begin at the process's folder, which is taken for that of the
    /// manifest, or at the audited one; the file's own folder is tried last.
    pub fn folder_from(&self, from: usize, folder: &str) -> Option<String> {
        if let Some(path) = folder.strip_prefix('/') {
            return inside("", path);
        }
        let own = self.folder_of(from);
        let started = path::upward(own).find(|folder| self.manifests.contains_key(folder)).unwrap_or_default();
        let places = [started, "", own].into_iter().filter_map(|base| inside(base, folder));
        places.into_iter().find(|folder| self.in_folder(folder).next().is_some())
    }

    /// The version text of a package that the file's nearest manifest which names it depends on.
    pub fn depends_on(&self, from: usize, package: &str) -> Option<&'a str> {
        path::upward(self.folder_of(from)).find_map(|folder| self.manifests.get(folder)?.version_of(package))
    }

    /// Which files are run if some are: those and what they name, directly or not.
    pub fn reached(&self, first: &[usize]) -> Vec<bool> {
        let mut reached = vec![false; self.units.len()];
        let mut open = first.to_vec();
        while let Some(number) = open.pop() {
            let Some(unit) = self.units.get(number) else { continue };
            if reached.get_mut(number).is_none_or(|seen| std::mem::replace(seen, true)) {
                continue;
            }
            for module in requires::of(unit) {
                if let Target::Unit(other) = self.resolve(number, &module) {
                    open.push(other);
                }
            }
        }
        reached
    }

    fn folder_of(&self, unit: usize) -> &'a str {
        self.units.get(unit).map_or("", |unit| path::folder(&unit.path))
    }

    /// Paths, from a folder, of the files in it and in those below.
    fn in_folder(&self, folder: &str) -> impl Iterator<Item = &'a str> {
        let first = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let length = first.len();
        let from = (std::ops::Bound::Included(first.clone()), std::ops::Bound::Unbounded);
        let paths: Vec<&'a str> = self
            .by_path
            .range::<str, _>((from.0.as_ref().map(String::as_str), from.1))
            .map(|(path, _)| *path)
            .take_while(|path| path.starts_with(&first))
            .collect();
        paths.into_iter().filter_map(move |path| path.get(length..))
    }

    /// What TypeScript is told about a name, by the nearest configuration above.
    fn aliased(&self, folder: &str, specifier: &str) -> Vec<String> {
        let Some(aliases) = path::upward(folder).find_map(|folder| self.aliases.get(folder)) else {
            return Vec::new();
        };
        // The pattern with the longest beginning counts, and one without a star before all.
        let matching = aliases.paths.iter().filter_map(|(pattern, paths)| {
            let found = match pattern.split_once('*') {
                None => (pattern == specifier).then_some(("", usize::MAX)),
                Some((before, after)) => {
                    let rest = specifier.strip_prefix(before)?.strip_suffix(after)?;
                    Some((rest, before.len()))
                }
            };
            found.map(|(rest, length)| (length, rest, paths))
        });
        let best = matching.max_by_key(|(length, _, _)| *length);
        let by_pattern =
            best.into_iter().flat_map(|(_, rest, paths)| paths.iter().map(move |path| path.replacen('*', rest, 1)));
        let from_base = aliases.base.iter().map(|base| join(base, specifier));
        by_pattern.chain(from_base).collect()
    }

    /// The only folder that holds a folder `cloud` with a file `main`.
    fn only_cloud_folder(&self) -> Option<&'a str> {
        let mut folders = self.by_path.keys().filter_map(|path| cloud_of_main(path));
        let first = folders.next()?;
        folders.all(|folder| folder == first).then_some(first)
    }

    /// What a name means in a package that is part of the app.
    fn in_own_package(&self, from: usize, specifier: &str) -> Vec<String> {
        let (package, rest) = split_package(specifier);
        let place = |folder: &str| {
            if rest.is_empty() {
                let main = self.manifests.get(folder).is_some_and(|manifest| manifest.main.is_some());
                let mut places = vec![join(folder, "")];
                if !main {
                    places.push(join(folder, "src"));
                }
                return places;
            }
            vec![join(folder, rest), join(&join(folder, "src"), rest)]
        };
        let written = self.depends_on(from, package);
        if let Some(path) = written.and_then(local_path) {
            let manifest = path::upward(self.folder_of(from)).find(|folder| {
                self.manifests.get(folder).is_some_and(|manifest| manifest.version_of(package).is_some())
            });
            return manifest.and_then(|folder| inside(folder, path)).map(|folder| place(&folder)).unwrap_or_default();
        }
        let Some(own) = self.by_name.get(package) else { return Vec::new() };
        let is_member = written.is_some_and(|version| version.starts_with("workspace:"))
            || self.manifests.values().any(|root| {
                let below = path::below(&root.folder, &own.folder);
                below.is_some_and(|below| root.workspaces.iter().any(|pattern| covers(pattern, below)))
            });
        // An app that is named like a package it installs is not that package.
        if is_member || written.is_none() { place(&own.folder) } else { Vec::new() }
    }
}

/// Whether a name is one of a package, not a path.
fn is_bare(specifier: &str) -> bool {
    !specifier.is_empty()
        && !specifier.starts_with('/')
        && specifier != "."
        && specifier != ".."
        && !specifier.starts_with("./")
        && !specifier.starts_with("../")
}

/// The folder that holds the folder `cloud` of a path `…/cloud/main.js`.
pub fn cloud_of_main(path: &str) -> Option<&str> {
    let (folder, name) = path.rsplit_once('/')?;
    let is_main = matches!(name, "main.js" | "main.ts" | "main.mjs" | "main.cjs" | "main.mts" | "main.cts");
    (is_main && path::name(folder) == "cloud").then(|| path::folder(folder))
}

/// The name of a package, and what is meant in it.
fn split_package(specifier: &str) -> (&str, &str) {
    let scope = if specifier.starts_with('@') { specifier.find('/').map_or(0, |at| at + 1) } else { 0 };
    let end = specifier.get(scope..).and_then(|rest| rest.find('/')).map_or(specifier.len(), |at| at + scope);
    let (package, rest) = specifier.split_at(end);
    (package, rest.trim_start_matches('/'))
}

/// The folder in the version of a package that lies in the repository: `file:packages/mail`.
fn local_path(version: &str) -> Option<&str> {
    ["file:", "link:", "portal:"].iter().find_map(|prefix| version.strip_prefix(prefix))
}

/// Whether a pattern of workspaces such as `packages/*` covers a folder.
fn covers(pattern: &str, folder: &str) -> bool {
    let pattern = pattern.trim_start_matches("./").trim_end_matches('/');
    match pattern.split_once('*') {
        None => pattern == folder,
        Some((before, after)) => folder.strip_prefix(before).is_some_and(|rest| {
            rest.ends_with(after.trim_start_matches('*')) && (after.contains('*') || !rest.contains('/'))
        }),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::model::Known;

    /// An app with empty files of code at these paths.
    pub(crate) fn app(paths: &[&str]) -> App {
        let unit = |path: &&str| Unit { path: (*path).to_owned(), ..Unit::default() };
        App { code: Known::Read(paths.iter().map(unit).collect()), ..App::default() }
    }

    pub(crate) fn manifest(folder: &str) -> Manifest {
        Manifest { folder: folder.to_owned(), ..Manifest::default() }
    }

    fn resolved(app: &App, from: &str, specifier: &str) -> String {
        let project = Project::new(app);
        match project.resolve(project.unit_at(from).expect("a file"), specifier) {
            Target::Unit(number) => project.units()[number].path.clone(),
            Target::Package(name) => format!("package {name}"),
            Target::Missing => "missing".to_owned(),
        }
    }

    #[test]
    fn paths_are_completed_as_node_does() {
        let mut app = app(&["a.js", "b.json", "c/index.ts", "d/e.tsx", "d/main.js", "f.mts", "g/lib/x.js"]);
        app.manifests = vec![Manifest { main: Some("./lib/x".into()), ..manifest("g") }];
        for (specifier, path) in [
            ("./a", "a.js"),
            ("./a.js", "a.js"),
            ("./b", "b.json"),
            ("./c", "c/index.ts"),
            ("./c/", "c/index.ts"),
            ("./c/index.js", "c/index.ts"),
            ("./d/e.js", "d/e.tsx"),
            ("./f.mjs", "f.mts"),
            ("./g", "g/lib/x.js"),
            ("/a", "a.js"),
            ("./nowhere", "missing"),
            ("../a", "missing"),
            ("/etc/passwd", "missing"),
        ] {
            assert_eq!(resolved(&app, "a.js", specifier), path, "{specifier}");
        }
        assert_eq!(resolved(&app, "d/e.tsx", ".."), "missing");
        assert_eq!(resolved(&app, "d/e.tsx", "../c"), "c/index.ts");
    }

    #[test]
    fn other_names_are_packages() {
        let app = app(&["a.js", "fs.js"]);
        for (specifier, name) in
            [("fs", "fs"), ("node:fs/promises", "fs/promises"), ("parse/node", "parse/node"), ("@a/b", "@a/b")]
        {
            assert_eq!(resolved(&app, "a.js", specifier), format!("package {name}"));
        }
    }

    #[test]
    fn cloud_is_the_folder_of_the_hosted_service() {
        let app =
            app(&["one/cloud/jobs/a.js", "one/cloud/lib.js", "one/cloud/main.js", "tools/b.js", "two/cloud/lib.js"]);
        assert_eq!(resolved(&app, "one/cloud/jobs/a.js", "cloud/lib"), "one/cloud/lib.js");
        assert_eq!(resolved(&app, "two/cloud/lib.js", "cloud/lib.js"), "two/cloud/lib.js");
        assert_eq!(resolved(&app, "tools/b.js", "cloud/lib.js"), "one/cloud/lib.js");
        assert_eq!(resolved(&app, "tools/b.js", "cloud/none.js"), "missing");
    }

    #[test]
    fn names_that_typescript_is_told_are_followed() {
        let mut app = app(&["api/src/a.ts", "api/src/lib/mail.ts", "api/src/db.ts", "web/b.ts"]);
        app.aliases = vec![Aliases {
            folder: "api".into(),
            base: Some("api/src".into()),
            paths: vec![
                ("@/*".into(), vec!["api/none/*".into(), "api/src/*".into()]),
                ("@/lib/*".into(), vec!["api/src/lib/*".into()]),
                ("database".into(), vec!["api/src/db.ts".into()]),
            ],
        }];
        assert_eq!(resolved(&app, "api/src/a.ts", "@/db"), "api/src/db.ts");
        assert_eq!(resolved(&app, "api/src/a.ts", "@/lib/mail"), "api/src/lib/mail.ts");
        assert_eq!(resolved(&app, "api/src/a.ts", "database"), "api/src/db.ts");
        assert_eq!(resolved(&app, "api/src/a.ts", "lib/mail"), "api/src/lib/mail.ts");
        assert_eq!(resolved(&app, "api/src/a.ts", "express"), "package express");
        assert_eq!(resolved(&app, "web/b.ts", "@/db"), "package @/db");
    }

    #[test]
    fn packages_of_the_repository_are_files_of_the_app() {
        let mut app = app(&["api/a.js", "packages/shared/src/index.ts", "packages/shared/mail.js", "old/index.js"]);
        let named = |folder: &str, name: &str| Manifest { name: Some(name.into()), ..manifest(folder) };
        let root = Manifest { workspaces: vec!["packages/*".into()], ..named("", "parse-server") };
        let dependencies = [("express", "^4"), ("parse-server", "^8"), ("old", "file:../old"), ("@x/shared", "^1.0.0")];
        let dependencies = dependencies.map(|(name, version)| (name.to_owned(), version.to_owned())).into();
        let api = Manifest { dependencies, ..named("api", "api") };
        app.manifests = vec![root, api, named("packages/shared", "@x/shared")];
        for (specifier, path) in [
            ("@x/shared", "packages/shared/src/index.ts"),
            ("@x/shared/mail", "packages/shared/mail.js"),
            ("old", "old/index.js"),
            ("parse-server", "package parse-server"),
        ] {
            assert_eq!(resolved(&app, "api/a.js", specifier), path);
        }
        let project = Project::new(&app);
        assert_eq!(project.depends_on(0, "express"), Some("^4"));
        assert_eq!(project.depends_on(1, "express"), None);
    }

    #[test]
    fn folders_are_read_as_far_as_their_code_is_known() {
        let mut app = app(&["api/cloud/a.js", "api/cloud/jobs/b.js", "api/cloud/main.js", "api/cloud2.js"]);
        app.manifests = vec![manifest("api")];
        let project = Project::new(&app);
        for folder in ["./cloud", "/api/cloud", "api/cloud", "cloud/"] {
            assert_eq!(project.files_in(2, folder), ["a.js", "jobs", "main.js"], "{folder}");
        }
        assert_eq!(project.files_below(2, "/api/cloud"), ["a.js", "jobs/b.js", "main.js"]);
        assert_eq!(project.files_in(2, "jobs"), ["b.js"]);
        assert!(project.files_in(2, "/none").is_empty() && project.files_in(2, "../../..").is_empty());
    }

    #[test]
    fn what_is_reached_is_what_is_named() {
        use crate::model::unit::Export;
        let mut app = app(&["a.js", "b.js", "c.js"]);
        let Known::Read(units) = &mut app.code else { unreachable!("it was read") };
        units[0].exports = vec![Export::All { from: "./b".into() }];
        units[1].exports = vec![Export::All { from: "./a".into() }];
        assert_eq!(Project::new(&app).reached(&[0]), [true, true, false]);
    }
}
