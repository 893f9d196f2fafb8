//! Where the server of an app starts.

use std::collections::BTreeSet;

use crate::model::Manifest;

use super::path::{inside, join};
use super::resolve::{Project, cloud_of_main};

/// Names of the files that a server mostly starts in.
const NAMES: [&str; 4] = ["index", "server", "app", "main"];

/// Names of the scripts that start one; also `start:prod` and the like.
const SCRIPTS: [&str; 4] = ["start", "dev", "serve", "server"];

/// Programs that run the file they are given.
const RUNNERS: [&str; 13] = [
    "node",
    "nodemon",
    "ts-node",
    "ts-node-dev",
    "tsnd",
    "tsx",
    "babel-node",
    "node-dev",
    "pm2",
    "forever",
    "bun",
    "deno",
    "supervisor",
];

impl Project<'_> {
    /// The numbers of the files that a server may start in: what manifests name, files
    /// named like one, and every `cloud/main`. Sorted, each once.
    pub fn entries(&self) -> Vec<usize> {
        let mut found = BTreeSet::new();
        let mut folders: Vec<&str> = Vec::new();
        for manifest in self.manifests() {
            folders.push(&manifest.folder);
            let main = manifest.main.as_deref().and_then(|main| inside(&manifest.folder, main));
            found.extend(main.and_then(|main| self.started(&main)));
            found.extend(self.in_scripts(manifest));
        }
        if folders.is_empty() {
            folders.push("");
        }
        for folder in folders.iter().flat_map(|folder| [join(folder, ""), join(folder, "src")]) {
            found.extend(NAMES.iter().filter_map(|name| self.code_at(&join(&folder, name))));
        }
        let units = self.units().iter().enumerate();
        found.extend(units.filter(|(_, unit)| cloud_of_main(&unit.path).is_some()).map(|(number, _)| number));
        found.into_iter().collect()
    }

    /// The file that is run if a path is: itself, or what it would be built from.
    fn started(&self, path: &str) -> Option<usize> {
        self.code_at(path).or_else(|| self.source_of(path))
    }

    fn code_at(&self, path: &str) -> Option<usize> {
        self.module_at(path)
            .filter(|number| self.units().get(*number).is_some_and(|unit| !unit.path.ends_with(".json")))
    }

    /// The files that scripts of a manifest start.
    fn in_scripts(&self, manifest: &Manifest) -> Vec<usize> {
        let is_start =
            |name: &&String| SCRIPTS.iter().any(|start| name.split(':').next().is_some_and(|first| first == *start));
        let mut open: Vec<&str> = manifest.scripts.keys().filter(is_start).map(String::as_str).collect();
        let mut seen: BTreeSet<&str> = open.iter().copied().collect();
        let mut found = Vec::new();
        while let Some(script) = open.pop() {
            let Some(text) = manifest.scripts.get(script) else { continue };
            for command in text.split(['&', ';', '|']) {
                let words: Vec<&str> = command.split_whitespace().map(|word| word.trim_matches(['"', '\''])).collect();
                // `npm run other` and its kin.
                let other = words.iter().find_map(|word| manifest.scripts.get_key_value(*word));
                open.extend(other.map(|(name, _)| name.as_str()).filter(|name| seen.insert(*name)));
                let Some(runner) = words.iter().position(|word| RUNNERS.contains(word)) else { continue };
                let arguments = words.iter().skip(runner + 1).filter(|word| !word.starts_with('-'));
                let paths =
                    arguments.filter_map(|word| inside(&manifest.folder, word)).filter(|path| *path != manifest.folder);
                found.extend(paths.filter_map(|path| self.started(&path)).next());
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::resolve::tests::{app, manifest};

    fn entries(paths: &[&str], manifests: Vec<Manifest>) -> Vec<String> {
        let mut app = app(paths);
        app.manifests = manifests;
        let project = Project::new(&app);
        project.entries().into_iter().map(|number| project.units()[number].path.clone()).collect()
    }

    fn with_script(name: &str, text: &str) -> Vec<Manifest> {
        vec![Manifest { scripts: [(name.to_owned(), text.to_owned())].into(), ..manifest("") }]
    }

    #[test]
    fn scripts_tell_what_is_started() {
        for (text, path) in [
            ("node run.js", "run.js"),
            ("NODE_ENV=production node -r dotenv/config ./run", "run.js"),
            ("nodemon --watch src --exec 'ts-node' bin/www.ts", "bin/www.ts"),
            ("tsc && node dist/boot.js", "src/boot.ts"),
            ("node build/bin/www.js", "bin/www.ts"),
            ("concurrently \"tsc -w\" \"tsx watch src/boot.ts\"", "src/boot.ts"),
        ] {
            assert_eq!(
                entries(&["bin/www.ts", "other.js", "run.js", "src/boot.ts"], with_script("dev:local", text)),
                [path]
            );
        }
        assert!(entries(&["run.js"], with_script("test", "node run.js")).is_empty());
        let mut chained = with_script("start", "npm run boot");
        chained[0].scripts.insert("boot".into(), "node run.js && npm run start".into());
        assert_eq!(entries(&["run.js"], chained), ["run.js"]);
    }

    #[test]
    fn names_tell_what_is_started() {
        let paths =
            ["api/cloud/main.ts", "api/src/server.ts", "api/src/user.ts", "cloud/main.js", "index.js", "main.json"];
        let found = ["api/cloud/main.ts", "api/src/server.ts", "cloud/main.js", "index.js"];
        assert_eq!(entries(&paths, vec![manifest(""), manifest("api")]), found);
        assert_eq!(entries(&["app.js", "x/app.js"], Vec::new()), ["app.js"]);
    }

    #[test]
    fn the_main_file_of_a_manifest_may_be_built() {
        let main = |main: &str| vec![Manifest { main: Some(main.into()), ..manifest("api") }];
        assert_eq!(entries(&["api/src/boot.ts"], main("lib/boot.js")), ["api/src/boot.ts"]);
        assert_eq!(entries(&["api/dist/boot.js", "api/src/boot.ts"], main("dist/boot.js")), ["api/dist/boot.js"]);
    }
}
