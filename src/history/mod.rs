//! The history of a repository: keys in every version of every file, each content once.
//!
//! Packs are resolved along their differences, and a version that was made from another
//! one is searched only in what is new. What is found is the same as if every version
//! were searched whole. Reads only; never runs git nor anything a repository asks for.
//!
//! All objects that are there are searched, whatever leads to them: refs, tags, also those
//! of single files, the stash, logs of refs, and what only waits to be thrown away. Of what
//! is borrowed from another repository only what this one's refs and logs reach.

mod delta;
mod first;
mod git;
mod graph;
mod ids;
mod index;
mod inflate;
mod keys;
mod origin;
mod pack;
mod places;
mod range;
mod resolve;
mod scan;
mod seen;
mod staged;
mod store;
mod tracked;

use std::fmt;
use std::path::Path;

use data_encoding::HEXLOWER;
use rayon::prelude::*;

use crate::model::snapshot::Gap;
use crate::problem::Problem;
use crate::secrets::Scanner;

use first::{Firsts, Reached};
use git::Repository;
use graph::Graph;
use ids::{NONE, Object};
use places::Places;
use resolve::{Visit, resolve};
use scan::{Found, Scan};
use seen::Tips;
use store::{Content, Store};

pub use git::{check_out, first_commit, repository_of};
pub use keys::{PastKey, Version};
pub use origin::Origins;
pub use range::Range;
pub use staged::{Staged, StagedFile};
pub use tracked::Tracked;

/// How versions are searched that were made from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Search {
    /// Only in what is new.
    #[default]
    Parts,
    /// As a whole: slow, and the same.
    Whole,
}

/// A repository with its commits and folders.
pub struct History {
    repository: Repository,
    store: Store,
    graph: Graph,
    tips: Tips,
    /// The path of the folder whose history alone counts; empty if it is the root.
    below: String,
    problems: Vec<Problem>,
}

/// What was found.
#[derive(Debug, Default, PartialEq)]
pub struct Report {
    /// Keys, in order.
    pub keys: Vec<PastKey>,
    /// What was not searched although nothing is wrong with it.
    pub gaps: Vec<Gap>,
    /// What could not be read.
    pub problems: Vec<Problem>,
    /// How many contents of files were searched.
    pub blobs: u64,
    /// How many bytes they are.
    pub bytes: u64,
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "History of {} commits", self.graph.commits.len())
    }
}

impl History {
    /// Opens the repository that a folder is or lies in, of whose history only what lay in the folder
    /// counts; `None` if there is none.
    pub fn open(folder: &Path) -> Option<Result<Self, Problem>> {
        let (repository, below) = match git::open(folder)? {
            Ok(opened) => opened,
            Err(error) => {
                let path = folder.join(".git").display().to_string();
                return Some(Err(Problem::new(path, error, "keys in the history were not looked for")));
            }
        };
        let mut problems = Vec::new();
        let store = Store::open(&repository, &mut problems);
        let mut graph = Graph::read(&store, &mut problems);
        graph.make_root(&below);
        let number = |id: &[u8]| store.ids.number(id);
        let tips = Tips {
            refs: repository.refs.iter().filter_map(|(name, id)| Some((name.clone(), number(id)?))).collect(),
            head: repository.head.as_deref().and_then(number),
            logged: repository.logged().iter().filter_map(|id| number(id)).collect(),
        };
        Some(Ok(Self { repository, store, graph, tips, below, problems }))
    }

    /// Whether there is no working tree.
    pub fn is_bare(&self) -> bool {
        self.repository.is_bare
    }

    /// The commit that the history begins with, in hex digits; `None` if it is cut off before.
    pub fn first_commit(&self) -> Option<String> {
        let first = self.graph.first_of(self.tips.head?)?;
        Some(HEXLOWER.encode(self.store.ids.id(first.object)))
    }

    /// Whether the commits of a range are there.
    ///
    /// # Errors
    ///
    /// One of them is not.
    pub fn find(&self, range: &Range) -> Result<(), String> {
        range.ends(&self.graph, &self.store.ids, &self.tips).map(drop)
    }

    /// Looks for keys in what a range of commits brought.
    ///
    /// # Errors
    ///
    /// The range names a commit that is not there.
    pub fn search(&self, scanner: &Scanner, range: &Range, search: Search) -> Result<Report, String> {
        let tips: Vec<Object> = self.tips.refs.iter().map(|(_, tip)| *tip).chain(self.tips.head).collect();
        let mut firsts = Firsts::new(&self.graph, &self.store.ids, &tips, &self.tips.logged);
        if self.below.is_empty() {
            firsts.enter_others();
        }
        let commits = range.commits(&self.graph, &self.store.ids, &self.tips, &firsts)?;
        let places = Places::new(&self.graph, &firsts, scanner, commits);
        let wanted = self.wanted(&firsts, &places);
        let scan = Scan { scanner, firsts: &firsts, places: &places, wanted: &wanted, search };
        let mut report = Report { problems: self.problems.clone(), ..Report::default() };
        let mut found = Found::default();
        let mut large = 0;
        for pack in &self.store.packs {
            let resolved = resolve(pack, &scan);
            resolved.out.into_iter().for_each(|part| found.add(part));
            large += resolved.large;
            let unknown = pack.entries.iter().filter(|entry| entry.kind == pack::Kind::Unknown).count() as u64;
            let lost = resolved.unreadable + unknown;
            if lost > 0 {
                let message = format!("{} of it could not be read", counted(lost, "object"));
                report.problems.push(Problem::new(&pack.path, message, "keys in them were not looked for"));
            }
        }
        large += self.scan_loose(&scan, &mut found);
        report.problems.extend(self.lost());
        report.gaps = self.gaps(large);
        if firsts.is_cut() {
            let reason = "folders stood at more paths than are told apart; rules about some of them were not asked";
            report.gaps.push(Gap::new("some paths of the history", reason));
        }
        self.scan_pointers(&scan, &mut found, &mut report);
        (report.blobs, report.bytes) = (found.blobs, found.bytes);
        report.keys = keys::keys(found.hits, &self.graph, &self.store.ids, &firsts, &self.tips);
        report.problems.sort();
        report.problems.dedup();
        Ok(report)
    }

    /// Which objects are searched: those that are not passed by for their path, in the range if there is one.
    fn wanted(&self, firsts: &Firsts<'_>, places: &Places<'_>) -> Vec<bool> {
        let count = self.store.ids.count();
        let mut is_own = vec![false; count];
        let own_packs = self.store.packs.iter().filter(|pack| pack.is_own).flat_map(|pack| &pack.entries);
        let own_files = self.store.loose.iter().filter(|loose| loose.is_own).map(|loose| loose.object);
        for object in own_packs.map(|entry| entry.object).chain(own_files) {
            if let Some(is_own) = is_own.get_mut(object as usize) {
                *is_own = true;
            }
        }
        // What no commit has lies in no folder.
        let is_inside = |object| self.below.is_empty() || firsts.first(object).commit != NONE;
        let wanted = is_own.par_iter().zip(0..NONE).map(|(is_own, object)| {
            (*is_own || firsts.reached(object) != Reached::Nowhere)
                && is_inside(object)
                && !firsts.is_passed_by(object)
                && places.of(object).next().is_some()
        });
        wanted.collect()
    }

    /// Searches objects in files of their own; how many were too large.
    fn scan_loose(&self, scan: &Scan<'_>, found: &mut Found) -> u64 {
        let read = |loose: &store::Loose| {
            let (mut found, mut large) = (Found::default(), 0);
            match loose.read(|kind| scan.wants(loose.object, kind)) {
                Ok(Some((kind, Content::Bytes(bytes)))) => {
                    scan.visit(loose.object, kind, &bytes, None, &mut found);
                }
                Ok(Some((_, Content::Large))) => large = 1,
                // What is broken was told when commits were read.
                Ok(None) | Err(_) => {}
            }
            (found, large)
        };
        let all: Vec<(Found, u64)> = self.store.loose.par_iter().map(read).collect();
        let mut large = 0;
        for (part, is_large) in all {
            found.add(part);
            large += is_large;
        }
        large
    }

    /// Searches files that Git LFS keeps, as far as they are there.
    fn scan_pointers(&self, scan: &Scan<'_>, found: &mut Found, report: &mut Report) {
        let mut pointers = std::mem::take(&mut found.pointers);
        pointers.sort_unstable_by(|a, b| (&a.1, a.0).cmp(&(&b.1, b.0)));
        pointers.dedup_by(|a, b| a.1 == b.1);
        let mut absent = 0;
        for (object, name) in pointers {
            let Some(file) = scan::kept_by_lfs(&self.repository.common, &name) else { continue };
            let is_there = std::fs::metadata(&file).is_ok_and(|file| file.is_file() && file.len() <= resolve::LARGEST);
            let Some(bytes) = is_there.then(|| std::fs::read(&file).ok()).flatten() else {
                absent += 1;
                continue;
            };
            let bytes = zeroize::Zeroizing::new(bytes);
            scan.kept_elsewhere(object, &bytes, found);
        }
        if absent > 0 {
            let reason = format!("{} not in this clone; run `git lfs fetch --all`", is_are(absent, "file"));
            report.gaps.push(Gap::new("files of Git LFS", reason));
        }
    }

    /// What of the history is not here.
    fn gaps(&self, large: u64) -> Vec<Gap> {
        let mut gaps = Vec::new();
        if !self.below.is_empty() {
            let reason = "looked into where PATH is the root of the repository";
            gaps.push(Gap::new("git history outside of this folder", reason));
        }
        if !self.repository.shallow.is_empty() {
            let reason = "this clone is shallow: run `git fetch --unshallow`, or set PARSE_AUDIT_ID_KEY so that keys are known again elsewhere";
            gaps.push(Gap::new("older history", reason));
        }
        let missing = self.missing();
        if self.store.is_partial && missing > 0 {
            let reason = format!("{} not fetched: this clone is partial", is_are(missing, "object"));
            gaps.push(Gap::new("parts of the history", reason));
        }
        if !self.graph.submodules.is_empty() {
            let mut names: Vec<_> =
                self.graph.submodules.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
            names.sort_unstable();
            let more = names.len().saturating_sub(3);
            names.truncate(3);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let reason = "submodules have a history of their own; check them where they are cloned from";
            gaps.push(Gap::new(format!("the history of {}{more}", names.join(", ")), reason));
        }
        if self.repository.has_unread_refs {
            let reason = "refs are kept as a reftable, which is not read: who can see a key is not known";
            gaps.push(Gap::new("branches and tags", reason));
        }
        if large > 0 {
            let most = resolve::LARGEST >> 20;
            gaps.push(Gap::new("large files of the history", format!("{} over {most} MB", is_are(large, "version"))));
        }
        gaps
    }

    /// How many objects are named and not there, but for the parents at which a shallow clone ends.
    fn missing(&self) -> u64 {
        let is_end = |id: &[u8]| self.repository.shallow.iter().any(|shallow| shallow == id);
        let cut = self.graph.commits.values().filter(|commit| commit.is_cut);
        let cut = cut.filter(|commit| !is_end(self.store.ids.id(commit.object))).count();
        (self.graph.missing.len() + cut) as u64
    }

    /// Objects that are missing although nothing says that they may be.
    fn lost(&self) -> Option<Problem> {
        let lost = self.missing();
        (lost > 0 && !self.store.is_partial).then(|| {
            let message = format!("{} missing", is_are(lost, "object"));
            Problem::new(self.repository.common.display().to_string(), message, "keys in them were not looked for")
        })
    }
}

impl Found {
    fn add(&mut self, other: Self) {
        self.hits.extend(other.hits);
        self.pointers.extend(other.pointers);
        self.blobs += other.blobs;
        self.bytes += other.bytes;
    }
}

/// `1 object`, `2 objects`.
fn counted(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

fn is_are(count: u64, what: &str) -> String {
    format!("{} {}", counted(count, what), if count == 1 { "is" } else { "are" })
}
