//! Lock files of npm and its kin: which one a file is, and what it installs.

use std::collections::BTreeSet;

use crate::code::path::{folder, name};
use crate::deps::{self, Manager};
use crate::model::Lock;
use crate::model::place::{Show, Text};
use crate::model::snapshot::Gap;
use crate::model::spans::Syntax;
use crate::problem::Problem;

use super::file::{MAX_TEXT, words};
use super::parts::Parts;
use super::source::Candidate;

/// What is missing when one cannot be read.
const CONSEQUENCE: &str = "the packages it installs were not checked";

/// Who wrote a text that begins like this, if it is a lock file.
pub fn manager(text: &[u8]) -> Option<Manager> {
    let has = |word: &[u8]| memchr::memmem::find(text, word).is_some();
    match text.first() {
        Some(b'{') if !has(b"\"lockfileVersion\"") => None,
        // bun writes JSON with commas behind the last elements.
        Some(b'{') if has(b"\"workspaces\": {") && !has(b"\"requires\"") => Some(Manager::Bun),
        Some(b'{') => Some(Manager::Npm),
        _ if has(b"# yarn lockfile") => Some(Manager::YarnClassic),
        _ if has(b"__metadata:") => Some(Manager::YarnBerry),
        _ if text.starts_with(b"lockfileVersion:") => Some(Manager::Pnpm),
        _ => None,
    }
}

/// Who writes files of this name.
pub fn manager_of_name(path: &str) -> Option<Manager> {
    match name(path) {
        "package-lock.json" | "npm-shrinkwrap.json" => Some(Manager::Npm),
        "yarn.lock" => Some(Manager::YarnClassic),
        "pnpm-lock.yaml" => Some(Manager::Pnpm),
        "bun.lock" => Some(Manager::Bun),
        _ => None,
    }
}

/// Takes in what a lock file installs. Gives back whether it is one, whether or not it could be read.
pub fn read(candidate: &Candidate, manager: Manager, parts: &mut Parts) -> bool {
    let is_named = manager_of_name(&candidate.name).is_some();
    let problem = |message: &str| Problem::new(&candidate.path, message, CONSEQUENCE);
    let bytes = match candidate.whole(MAX_TEXT) {
        Ok(Some(bytes)) => bytes,
        Ok(None) if is_named => {
            parts.problems.push(problem("the lock file is longer than 32 MB"));
            return true;
        }
        Ok(None) => return false,
        Err(error) => {
            parts.problems.push(problem(&words(&error)));
            return true;
        }
    };
    let text = Text::new(&bytes, Show::NoValues, Syntax::Plain);
    let read = match std::str::from_utf8(&bytes) {
        Ok(_) => deps::read(manager, &text.text),
        Err(error) => Err(deps::Unreadable::new("it is not UTF-8", Some(error.valid_up_to()))),
    };
    match read {
        Ok(packages) if packages.is_empty() && is_foreign(manager, &text.text) => {
            parts.problems.push(problem("it is no lock file").at(1, 1));
            true
        }
        Ok(packages) if packages.is_empty() => is_named,
        Ok(packages) => {
            parts.lock = Some(Lock { file: candidate.file, packages });
            parts.text = Some(text);
            true
        }
        Err(error) if is_named || candidate.asked => {
            let (line, column) = place(&bytes, &text, error.offset);
            let message = format!("the lock file cannot be read: {error}");
            parts.problems.push(problem(&message).at(line, column));
            true
        }
        Err(_) => false,
    }
}

/// Lock files that only bun can read, in folders without another one.
pub fn gaps(candidates: &[Candidate], locks: &[Lock]) -> Vec<Gap> {
    let read = candidates.iter().filter(|candidate| locks.iter().any(|lock| lock.file == candidate.file));
    let folders: BTreeSet<&str> = read.map(|candidate| folder(&candidate.path)).collect();
    let is_binary = |candidate: &&Candidate| name(&candidate.name) == "bun.lockb";
    let open = candidates.iter().filter(is_binary).filter(|candidate| !folders.contains(folder(&candidate.path)));
    open.map(|candidate| {
        let reason = "only bun can read it; `bun install --save-text-lockfile` writes it as text";
        Gap::new(format!("packages of {}", candidate.path), reason)
    })
    .collect()
}

/// Whether a text that is YAML, as nearly any is, has nothing of a lock file; an empty one is one.
fn is_foreign(manager: Manager, text: &str) -> bool {
    let is_yaml = matches!(manager, Manager::Pnpm | Manager::Bun);
    is_yaml && !text.trim().is_empty() && !text.contains("lockfileVersion")
}

/// The line and column, from 1, of a byte of a text; the end if it is not known.
fn place(bytes: &[u8], text: &Text, offset: Option<usize>) -> (usize, usize) {
    let mark = if text.had_bom { 3 } else { 0 };
    let end = offset.map_or(bytes.len(), |offset| (offset + mark).min(bytes.len()));
    let before = bytes.get(..end).unwrap_or(bytes);
    let line = memchr::memchr_iter(b'\n', before).count() + 1;
    (line, before.len() - memchr::memrchr(b'\n', before).map_or(0, |at| at + 1) + 1)
}

#[cfg(test)]
mod tests {
    use super::super::{Input, Reading, Settings, Silent, read};

    fn reading(files: &[(&str, &str)]) -> Reading {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        read(&Input::Memory(files), &Settings::default(), &Silent)
    }

    #[test]
    fn lock_files_of_every_manager_tell_the_version_of_the_server() {
        for (name, lock) in [
            ("a.lock", "# yarn lockfile v1\n\nparse-server@^4.10.0:\n  version \"4.10.20\"\n"),
            (
                "b.lock",
                "__metadata:\n  version: 6\n\"parse-server@npm:^4\":\n  version: 4.10.20\n  resolution: \"parse-server@npm:4.10.20\"\n",
            ),
            ("c.yaml", "lockfileVersion: 5.4\npackages:\n\n  /parse-server/4.10.20_abc@1:\n    dev: false\n"),
            (
                "d.lock",
                "{\n  \"lockfileVersion\": 1,\n  \"workspaces\": {\n  },\n  \"packages\": {\n    \"parse-server\": [\"parse-server@4.10.20\", \"\"],\n  },\n}\n",
            ),
            (
                "e.json",
                "{ \"lockfileVersion\": 3, \"packages\": { \"node_modules/parse-server\": { \"version\": \"4.10.20\" } } }",
            ),
        ] {
            let reading = reading(&[(name, lock)]);
            let app = &reading.snapshot.app;
            let found = app.server.version.read().unwrap_or_else(|| panic!("{name}: {:?}", reading.problems));
            let span = reading.snapshot.texts.span(found.at.as_ref().expect("a place")).expect("bytes");
            assert_eq!((found.version.to_string().as_str(), &lock[span.start()..span.end()]), ("4.10.20", "4.10.20"));
            assert_eq!(app.locks.len(), 1, "{name}");
        }
    }

    #[test]
    fn a_lock_file_that_cannot_be_read_is_told_with_its_place_and_the_others_are_read() {
        let good = "# yarn lockfile v1\n\nws@^8.0.0:\n  version \"8.1.0\"\n";
        for (name, text, place) in [
            ("a/package-lock.json", "{ \"lockfileVersion\": 3,\n \"packages\": {", Some((2, 14))),
            ("a/package-lock.json", "\u{1}\u{2}", Some((1, 1))),
            ("a/bun.lock", "<<<<<<< ours\n{", Some((1, 1))),
            ("a/pnpm-lock.yaml", "lockfileVersion: 9.0\npackages: &a\n  b: *a\n", Some((3, 6))),
        ] {
            let reading = reading(&[(name, text), ("b/yarn.lock", good)]);
            let [problem] = reading.problems.as_slice() else { panic!("{name}: {:?}", reading.problems) };
            assert_eq!((problem.path.as_str(), problem.line), (name, place), "{problem}");
            assert_eq!(reading.snapshot.app.locks.len(), 1);
        }
        assert_eq!(reading(&[("yarn.lock", "")]).problems, []);
        let binary = reading(&[("app/bun.lockb", "\u{1}"), ("b/yarn.lock", good)]);
        assert!(binary.snapshot.gaps.iter().any(|gap| gap.topic == "packages of app/bun.lockb"));
    }
}
