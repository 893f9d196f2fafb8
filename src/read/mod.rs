//! The only room that touches disk. What comes out is a [`Snapshot`]: plain data,
//! without a row and without a key; code is read as [`code`] says.
//!
//! Two passes over the files. The first tells what each file is, by its contents,
//! and takes in everything but rows; the second counts rows, when it is known which
//! classes and users there are. Both run on all cores, and results are put together
//! in the order of the paths, so that one core and sixteen give the same snapshot.

pub mod archives;
mod assemble;
pub mod bson;
mod census;
mod checked;
pub mod class_name;
pub mod code;
pub mod copied;
pub mod copies;
pub mod count;
mod dashboards;
mod database;
pub mod deploy;
mod described;
pub mod documents;
pub mod dump;
pub mod file;
pub mod forms;
mod graphql;
pub mod ids;
pub mod ignored;
pub mod in_code;
mod indexes;
pub mod installed;
pub mod keys;
pub mod lock;
pub mod manifests;
pub mod options;
pub mod parts;
pub mod past;
pub mod pieces;
mod probed;
pub mod rows;
pub mod schema;
pub mod source;
pub mod sql;
pub mod staged;
pub mod tally;
pub mod tree;
pub mod vendored;
pub mod version;
pub mod walk;
mod window;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use crate::code::lower::is_code;
use crate::history::Tracked;
use crate::live::kept::Kept;
use crate::live::{Body, Counts, Document};
use crate::model::place::{Content, SourceFile, Texts};
use crate::model::server::{FoundVersion, VersionFrom};
use crate::model::snapshot::{Gap, Snapshot, gaps};
use crate::model::{FileId, Known, SecretHit, Standing};
use crate::problem::Problem;
use crate::secrets::Scanner;
use crate::secrets::paths::is_archive;

use keys::Searched;
use parts::Parts;
use past::Past;
use source::{Bytes, Candidate};
use walk::{Ignored, Walked};

/// What to read.
#[derive(Debug, Clone)]
pub enum Input {
    /// A folder, or a single file.
    Path(PathBuf),
    /// Files in memory by path: the cases of rules.
    Memory(BTreeMap<String, String>),
}

/// How to read.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Patterns in the syntax of `.gitignore` whose files are passed by.
    pub ignored: Vec<String>,
    /// The server's version, if it was given.
    pub server_version: Option<semver::Version>,
    /// What looks for keys; without it none are looked for.
    pub scanner: Option<Arc<Scanner>>,
    /// The history in which they are looked for as well.
    pub past: Option<Past>,
    /// What becomes of files that git ignores.
    pub of_git: Ignored,
    /// Whether archives are opened to look for keys.
    pub archives: bool,
    /// Whether keys are all that is asked for, so that nothing needs to be understood.
    pub keys_alone: bool,
    /// What a running app answered.
    pub answers: Vec<Document>,
    /// What it counted itself.
    pub counts: Vec<Counts>,
    /// What was counted of it before, and where to keep what is counted now.
    pub kept: Option<Arc<Kept>>,
}

/// Is told how many bytes of rows were read; called from several threads.
pub trait Progress: Sync {
    /// So many bytes of rows are to be read.
    fn expect(&self, _bytes: u64) {}
    /// So many more bytes were read.
    fn read(&self, bytes: u64);
}

/// Tells nobody.
pub struct Silent;

impl Progress for Silent {
    fn read(&self, _: u64) {}
}

/// What reading gave.
#[derive(Debug, Default)]
pub struct Reading {
    /// The app, its texts and what is missing.
    pub snapshot: Snapshot,
    /// What could not be read although it is there.
    pub problems: Vec<Problem>,
    /// How many files were looked into.
    pub files: usize,
}

/// Bytes of a file that are kept when its text is not: enough for the fingerprint of its first line.
const HEAD: u64 = 4096;

/// Reads everything that an input says about an app.
pub fn read(input: &Input, settings: &Settings, progress: &dyn Progress) -> Reading {
    let mut found = candidates(input, settings);
    if settings.keys_alone {
        found = Found {
            candidates: Vec::new(),
            code: Vec::new(),
            copies: Vec::new(),
            installed: Vec::new(),
            vendored: 0,
            ..found
        };
    }
    let files = match &found.outcomes {
        Some(_) => found.files,
        None if settings.keys_alone => found.searched.len(),
        None => found.candidates.len() + found.code.len(),
    };
    unpack(&mut found);
    found.add(&settings.answers);
    let candidates = &found.candidates;
    // Most files say nothing, and there may be millions.
    let read = candidates.par_iter().map(file::read).enumerate();
    let mut parts: Vec<(usize, Parts)> = read.filter(|(_, parts)| !parts.say_nothing()).collect();
    let mut app = assemble::app(&mut parts, &settings.answers);
    let mut problems = found.problems;
    let mut texts = texts(candidates, &mut parts);
    (app.manifests, app.aliases) = manifests::read(candidates);
    let mut left = code::take(&mut app, &mut texts, &found.code, candidates, found.vendored);
    problems.extend(left.problems);
    let deployed = parts.iter_mut().flat_map(|(_, parts)| std::mem::take(&mut parts.deployed)).collect();
    let deployed = deploy::join(deployed, &mut problems);
    let environment = deploy::environment(&deployed, &app.manifests);
    left.gaps.extend(in_code::take(&mut app, &environment));
    left.gaps.extend(lock::gaps(candidates, &app.locks));
    let paths = candidates.iter().map(|candidate| (candidate.file, candidate.path.as_str())).collect();
    deploy::settle(&mut app, deployed, &paths);

    problems.extend(census::take(&mut app, candidates, &parts, settings.kept.as_deref(), progress));

    if let Some(version) = &settings.server_version {
        app.server.version = Known::Read(FoundVersion { version: version.clone(), from: VersionFrom::Given, at: None });
    }
    if let Some(scanner) = &settings.scanner {
        let outcomes = found.outcomes.unwrap_or_else(|| keys::search(scanner, &found.searched));
        let mut hits = keys::take_all(outcomes, &mut texts, &mut problems);
        if let Known::Read(units) = &app.code {
            hits.extend(pieces::search(scanner, units, &hits, &mut texts));
        }
        if settings.archives {
            let in_archives = archives::search(scanner, &found.archives, &mut texts, &mut problems);
            hits.extend(in_archives.hits);
            left.gaps.extend(in_archives.gaps);
        } else {
            left.gaps.extend(archives::unopened(&found.archives));
        }
        mark(&mut hits, input, settings, &found.ignored, &texts, &mut problems);
        if let Some(past) = &settings.past {
            let (in_past, gaps) = past::search(past, scanner, &mut texts, &mut problems);
            hits.extend(in_past);
            left.gaps.extend(gaps);
        }
        app.hits = Known::Read(hits);
    }
    // After the keys, which put the whole of a file into the texts.
    copies::take(&mut app, &mut texts, found.code.iter().chain(&found.copies));
    problems.extend(installed::take(&mut app, &mut texts, input, &found.installed, candidates));
    // Last, when every file that is shown has its number.
    assemble::add_counts(&mut app, &settings.counts, &mut texts);
    problems.extend(parts.into_iter().flat_map(|(_, parts)| parts.problems));
    problems.sort();
    problems.dedup();
    let gaps = if settings.keys_alone {
        left.gaps.push(Gap::new("all but keys", "only rules about keys were asked for"));
        left.gaps.push(Gap::new("keys that code puts together", "looked for where other rules are asked for as well"));
        left.gaps
    } else {
        gaps(&app, left.gaps)
    };
    Reading { snapshot: Snapshot { app, texts, gaps }, problems, files }
}

/// Tells keys in files that are not committed, where git is looked at at all.
fn mark(
    hits: &mut [SecretHit],
    input: &Input,
    settings: &Settings,
    ignored: &BTreeSet<String>,
    texts: &Texts,
    problems: &mut Vec<Problem>,
) {
    let Input::Path(path) = input else { return };
    if hits.is_empty() || (settings.past.is_none() && settings.of_git == Ignored::PassedBy) {
        return;
    }
    let tracked = Tracked::read(path).transpose().unwrap_or_else(|error| {
        problems.push(Problem::new(".git/index", error, "which files are not committed is not known"));
        None
    });
    for hit in hits {
        let path = texts.path(&hit.at);
        // Of an entry it counts where its archive is.
        let mut paths = [Some(path), path.split_once("!/").map(|(archive, _)| archive)].into_iter().flatten();
        let is_kept = match &tracked {
            Some(tracked) => paths.any(|path| tracked.has(path)),
            None => !paths.any(|path| ignored.contains(path)),
        };
        if !is_kept {
            hit.standing = Standing::NotCommitted;
        }
    }
}

/// Files to look into, in the order of their paths.
#[derive(Default)]
struct Found {
    candidates: Vec<Candidate>,
    code: Vec<Candidate>,
    /// Code that was passed by for its name.
    copies: Vec<Candidate>,
    /// Folders of installed packages.
    installed: Vec<String>,
    /// Files to look for keys in.
    searched: Vec<Searched>,
    /// What was found in them, if they were searched while they were found.
    outcomes: Option<keys::Outcomes>,
    /// Those of them that git ignores.
    ignored: BTreeSet<String>,
    /// Archives, which may hold such files. Their numbers are not used.
    archives: Vec<Searched>,
    /// How many they were.
    files: usize,
    /// How many files of code were passed by.
    vendored: u64,
    problems: Vec<Problem>,
}

fn candidates(input: &Input, settings: &Settings) -> Found {
    match input {
        Input::Memory(files) => {
            let numbered = files.iter().zip(0..);
            let candidate = |((path, text), number): ((&String, &String), u32)| Candidate {
                file: FileId(number),
                path: path.clone(),
                name: path.clone(),
                size: text.len() as u64,
                bytes: Bytes::Memory(Arc::from(text.as_bytes())),
                asked: false,
            };
            let searched = files
                .iter()
                .zip(0..)
                .map(|((path, text), number): (_, u32)| keys::in_memory(path, text.as_bytes(), FileId(number)));
            let all = numbered.map(candidate);
            let (copies, own): (Vec<_>, Vec<_>) = all
                .partition(|candidate| is_code(&candidate.path) && vendored::by_name(&candidate.path, candidate.size));
            let (code, candidates) = own.into_iter().partition(|candidate| is_code(&candidate.path));
            Found {
                candidates,
                code,
                searched: searched.collect(),
                vendored: copies.len() as u64,
                copies,
                installed: installed::folders(files.keys().map(String::as_str)),
                ..Found::default()
            }
        }
        Input::Path(path) if path.is_file() => {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let size = path.metadata().map_or(0, |metadata| metadata.len());
            let bytes = Bytes::Disk(path.clone());
            let searched = Searched { file: FileId(0), path: name.clone(), bytes: bytes.clone(), size };
            let candidate = Candidate { file: FileId(0), path: name.clone(), name, size, bytes, asked: true };
            let (code, candidates) = [candidate].into_iter().partition(|candidate| is_code(&candidate.path));
            let archives = is_archive(&searched.path).then(|| searched.clone()).into_iter().collect();
            Found { candidates, code, searched: vec![searched], archives, ..Found::default() }
        }
        Input::Path(path) => in_folder(path, settings),
    }
}

fn in_folder(root: &Path, settings: &Settings) -> Found {
    let walk = |found: &mut Found, search: &mut dyn FnMut(&mut Found, Searched)| {
        let mut numbers = (0..).map(FileId);
        let seen = walk::walk(root, &settings.ignored, settings.of_git, |file| {
            let number = numbers.next().unwrap_or_default();
            found.take(file, number, settings.keys_alone, search);
        });
        (found.vendored, found.installed, found.problems) = (seen.vendored, seen.installed, seen.problems);
    };
    let mut found = Found::default();
    match &settings.scanner {
        Some(scanner) if settings.keys_alone => {
            let outcomes = keys::search_while(scanner, |search| {
                walk(&mut found, &mut |found, file| {
                    found.files += 1;
                    search(file);
                });
            });
            found.outcomes = Some(outcomes);
        }
        _ => walk(&mut found, &mut |found, file| found.searched.push(file)),
    }
    found
}

impl Found {
    /// Takes in a file for all that it may be.
    fn take(&mut self, file: Walked, number: FileId, keys_alone: bool, search: &mut dyn FnMut(&mut Self, Searched)) {
        let Walked { path, disk, size, may_describe, is_copy, is_searched, is_archive, is_ignored } = file;
        let bytes = Bytes::Disk(disk);
        let searched = || Searched { file: number, path: path.clone(), bytes: bytes.clone(), size };
        self.archives.extend(is_archive.then(searched));
        self.ignored.extend(is_ignored.then(|| path.clone()));
        if is_searched {
            search(self, searched());
        }
        if (may_describe || is_copy) && !keys_alone {
            let name = path.clone();
            let candidate = Candidate { file: number, name, path, size, bytes, asked: false };
            let list = match is_code(&candidate.path) {
                true if is_copy => &mut self.copies,
                true => &mut self.code,
                false => &mut self.candidates,
            };
            list.push(candidate);
        }
    }
}

impl Found {
    /// Adds what a running app answered, as files with the next numbers.
    fn add(&mut self, answers: &[Document]) {
        let of_searched = self.searched.iter().chain(&self.archives).map(|file| file.file.0);
        let taken = self.candidates.iter().chain(&self.code).map(|candidate| candidate.file.0).chain(of_searched);
        let first = taken.max().map_or(0, |last| last + 1);
        let candidates = answers.iter().zip(first..).map(|(answer, number)| {
            let (bytes, size) = match &answer.body {
                Body::Text(text) => (Bytes::Wiped(Arc::clone(text)), text.len() as u64),
                Body::Rows(rows) => (Bytes::Live(Arc::clone(rows)), rows.size()),
            };
            let (path, name) = (answer.url.clone(), answer.name.clone());
            Candidate { file: FileId(number), path, name, size, bytes, asked: false }
        });
        self.candidates.extend(candidates);
    }
}

/// Puts the entries of zip archives in place of the archives.
fn unpack(found: &mut Found) {
    let mut unpacked = Vec::new();
    for candidate in std::mem::take(&mut found.candidates) {
        let is_file = !matches!(candidate.bytes, Bytes::Live(_));
        if !is_file || !candidate.head(4).is_ok_and(|head| file::is_zip(&head)) {
            unpacked.push(candidate);
            continue;
        }
        let archive = Arc::new(candidate.bytes.clone());
        match candidate.bytes.entries() {
            Ok(entries) => unpacked.extend(entries.into_iter().filter(|(_, name, _)| !name.contains("__MACOSX/")).map(
                |(index, name, size)| Candidate {
                    name,
                    size,
                    bytes: Bytes::Entry(Arc::clone(&archive), index),
                    ..candidate.clone()
                },
            )),
            Err(error) if candidate.asked || candidate.path.ends_with(".zip") => {
                found.problems.push(Problem::new(&candidate.path, file::words(&error), "the archive was not read"));
            }
            Err(_) => {}
        }
    }
    found.candidates = unpacked;
}

/// The texts, or beginnings, of the files that say something.
fn texts(candidates: &[Candidate], parts: &mut [(usize, Parts)]) -> Texts {
    let mut texts = Texts::default();
    for (number, parts) in parts {
        let Some(candidate) = candidates.get(*number) else { continue };
        let text = parts.text.take();
        let says_something = text.is_some() || !parts.is_empty();
        if !says_something || texts.get(candidate.file).is_some() {
            continue;
        }
        let content = match text {
            // The text of an entry is not the text of its archive.
            Some(text) if !matches!(candidate.bytes, Bytes::Entry(..)) => Content::Text(text),
            _ => Content::Head(candidate.raw_head(HEAD)),
        };
        texts.insert(candidate.file, SourceFile { path: candidate.path.clone(), content });
    }
    texts
}
