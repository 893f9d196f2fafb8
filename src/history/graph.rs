//! Commits, folders and tags as plain data: what leads to which object.
//!
//! Objects are read as they are: a replaced one counts with what it was as well as with
//! what it was replaced by, and grafts change nothing.

use std::sync::OnceLock;

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::problem::Problem;
use crate::secrets::ranges::Copied;

use super::ids::{Ids, NONE, Object, from_hex};
use super::pack::Kind;
use super::resolve::{Visit, resolve};
use super::store::{Content, Store};

/// A commit.
#[derive(Debug, Clone, Default)]
pub struct Commit {
    /// The commit.
    pub object: Object,
    /// Its root folder, or [`NONE`] if that is missing.
    pub tree: Object,
    /// Its parents that are there.
    pub parents: Vec<Object>,
    /// Whether a parent is missing.
    pub is_cut: bool,
    /// Whether the first one is.
    pub lacks_first: bool,
    /// When it was written, in seconds since 1970 and minutes east of Greenwich.
    pub written: (i64, i32),
    /// When it was committed, in seconds since 1970.
    pub committed: i64,
}

/// An entry of a folder.
#[derive(Debug, Clone, Copy)]
pub struct Item {
    /// What it is; [`NONE`] if that is missing, or is a commit of a submodule.
    pub object: Object,
    /// The number of its name.
    pub name: u32,
}

/// What leads to which object.
#[derive(Debug, Default)]
pub struct Graph {
    /// All commits, by object.
    pub commits: FxHashMap<Object, Commit>,
    /// The entries of each folder, by object.
    trees: Vec<Option<Box<[Item]>>>,
    /// What tags with a message are of.
    pub tags: FxHashMap<Object, Object>,
    /// Names in folders, by number.
    pub names: Vec<Box<[u8]>>,
    /// Paths at which submodules stand, without the folders above.
    pub submodules: FxHashSet<Box<[u8]>>,
    /// Objects that something names, and that are not there.
    pub missing: FxHashSet<Box<[u8]>>,
    /// Objects that are there and are broken.
    pub broken: u64,
}

/// What one thread reads.
#[derive(Default)]
pub struct Part {
    graph: Graph,
    trees: Vec<(Object, Box<[Item]>)>,
    numbers: FxHashMap<Box<[u8]>, u32>,
}

struct Reader<'a> {
    ids: &'a Ids,
}

impl Visit for Reader<'_> {
    type State = ();
    type Out = Part;

    fn wants(&self, _: Object, kind: Kind) -> bool {
        matches!(kind, Kind::Commit | Kind::Tree | Kind::Tag)
    }

    fn visit(&self, object: Object, kind: Kind, bytes: &[u8], _: Option<(&(), &[Copied])>, part: &mut Part) {
        let read = match kind {
            Kind::Commit => part.commit(self.ids, object, bytes),
            Kind::Tree => part.tree(self.ids, object, bytes),
            Kind::Tag => part.tag(self.ids, object, bytes),
            Kind::Blob | Kind::Unknown => Some(()),
        };
        part.graph.broken += u64::from(read.is_none());
    }
}

impl Graph {
    /// Reads all commits, folders and tags of a store.
    pub fn read(store: &Store, problems: &mut Vec<Problem>) -> Self {
        let reader = Reader { ids: &store.ids };
        let mut graph = Self::default();
        graph.trees.resize_with(store.ids.count(), || None);
        let mut numbers = FxHashMap::default();
        for pack in &store.packs {
            let resolved = resolve(pack, &reader);
            resolved.out.into_iter().for_each(|part| graph.add(part, &mut numbers));
            let lost = resolved.unreadable + resolved.large;
            if lost > 0 {
                let message = format!("{} of it could not be read", super::counted(lost, "commit or folder"));
                problems.push(Problem::new(&pack.path, message, "keys that only they lead to may lack their path"));
            }
        }
        let read = |loose: &super::store::Loose| {
            let mut part = Part::default();
            let problem = match loose.read(|kind| kind != Kind::Blob) {
                Ok(Some((kind, Content::Bytes(bytes)))) => {
                    reader.visit(loose.object, kind, &bytes, None, &mut part);
                    None
                }
                Ok(_) => None,
                Err(problem) => Some(problem),
            };
            (part, problem)
        };
        let loose: Vec<(Part, Option<Problem>)> = store.loose.par_iter().map(read).collect();
        for (part, problem) in loose {
            graph.add(part, &mut numbers);
            problems.extend(problem);
        }
        if graph.broken > 0 {
            let message = format!("{} of the history could not be understood", super::counted(graph.broken, "object"));
            problems.push(Problem::new(".git", message, "keys that only they lead to may lack their path"));
        }
        graph
    }

    fn add(&mut self, part: Part, numbers: &mut FxHashMap<Box<[u8]>, u32>) {
        let Part { graph: part, trees, .. } = part;
        let mut renumbered = Vec::with_capacity(part.names.len());
        for name in part.names {
            let next = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
            let number = *numbers.entry(name.clone()).or_insert(next);
            if number == next {
                self.names.push(name);
            }
            renumbered.push(number);
        }
        for (object, mut items) in trees {
            for item in items.iter_mut() {
                item.name = renumbered.get(item.name as usize).copied().unwrap_or_default();
            }
            if let Some(tree) = self.trees.get_mut(object as usize) {
                *tree = Some(items);
            }
        }
        self.commits.extend(part.commits);
        self.tags.extend(part.tags);
        self.submodules.extend(part.submodules);
        self.missing.extend(part.missing);
        self.broken += part.broken;
    }

    /// Makes a folder the root of every commit; commits that lack it have [`NONE`].
    pub fn make_root(&mut self, path: &str) {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        if parts.is_empty() {
            return;
        }
        let step = |folder: Object, part: &&str| {
            let mut items = self.tree(folder)?.iter();
            items.find(|item| self.name(item.name) == part.as_bytes()).map(|item| item.object)
        };
        let inside = |root: Object| parts.iter().try_fold(root, step).filter(|folder| self.tree(*folder).is_some());
        let roots = self.commits.iter().map(|(number, commit)| (*number, inside(commit.tree).unwrap_or(NONE)));
        let roots: Vec<(Object, Object)> = roots.collect();
        for (number, root) in roots {
            if let Some(commit) = self.commits.get_mut(&number) {
                commit.tree = root;
            }
        }
    }

    /// The entries of a folder; `None` if the object is none.
    pub fn tree(&self, object: Object) -> Option<&[Item]> {
        self.trees.get(object as usize)?.as_deref()
    }

    /// All folders.
    pub fn all_trees(&self) -> impl Iterator<Item = Object> {
        self.trees.iter().zip(0..).filter(|(tree, _)| tree.is_some()).map(|(_, object)| object)
    }

    /// A name by its number.
    pub fn name(&self, number: u32) -> &[u8] {
        self.names.get(number as usize).map_or(&[], |name| name)
    }

    /// What a ref means once its tags are opened.
    pub fn peel(&self, mut object: Object) -> Object {
        for _ in 0..16 {
            let Some(target) = self.tags.get(&object) else { break };
            object = *target;
        }
        object
    }

    /// The commit at the end of the line of first parents; `None` if the line is cut off.
    /// `git::first_commit` tells the same without a graph.
    pub fn first_of(&self, head: Object) -> Option<&Commit> {
        let mut commit = self.commits.get(&head)?;
        for _ in 0..self.commits.len() {
            if commit.lacks_first {
                return None;
            }
            let Some(parent) = commit.parents.first() else { break };
            commit = self.commits.get(parent)?;
        }
        Some(commit)
    }
}

impl Part {
    fn commit(&mut self, ids: &Ids, object: Object, bytes: &[u8]) -> Option<()> {
        let mut commit = Commit { object, tree: NONE, ..Commit::default() };
        let mut has_tree = false;
        for line in bytes.split(|byte| *byte == b'\n') {
            if line.is_empty() {
                break;
            } else if let Some(id) = line.strip_prefix(b"tree ") {
                commit.tree = self.find(ids, &from_hex(id)?);
                has_tree = true;
            } else if let Some(id) = line.strip_prefix(b"parent ") {
                match ids.of_hex(id) {
                    Some(parent) => commit.parents.push(parent),
                    // Whether that is a gap depends on where the clone ends.
                    None => {
                        commit.lacks_first |= commit.parents.is_empty();
                        commit.is_cut = true;
                    }
                }
            } else if let Some(author) = line.strip_prefix(b"author ") {
                commit.written = time(author).unwrap_or_default();
            } else if let Some(committer) = line.strip_prefix(b"committer ") {
                commit.committed = time(committer).unwrap_or_default().0;
                break;
            }
        }
        has_tree.then(|| drop(self.graph.commits.insert(object, commit)))
    }

    fn tree(&mut self, ids: &Ids, object: Object, bytes: &[u8]) -> Option<()> {
        let mut items = Vec::with_capacity(bytes.len() / 40);
        let mut rest = bytes;
        while !rest.is_empty() {
            let (head, after) = rest.split_at_checked(memchr::memchr(0, rest)?)?;
            let (id, after) = after.get(1..)?.split_at_checked(ids.id_length())?;
            rest = after;
            let (mode, name) = head.split_at_checked(memchr::memchr(b' ', head)?)?;
            let name = name.get(1..)?;
            if mode == b"160000" {
                self.graph.submodules.insert(name.into());
                continue;
            }
            items.push(Item { object: self.find(ids, id), name: self.number(name) });
        }
        self.trees.push((object, items.into()));
        Some(())
    }

    fn tag(&mut self, ids: &Ids, object: Object, bytes: &[u8]) -> Option<()> {
        let line = bytes.split(|byte| *byte == b'\n').next()?;
        let target = self.find(ids, &from_hex(line.strip_prefix(b"object ")?)?);
        self.graph.tags.insert(object, target);
        Some(())
    }

    fn find(&mut self, ids: &Ids, id: &[u8]) -> Object {
        ids.number(id).unwrap_or_else(|| {
            // Git knows the empty folder without keeping it.
            if !is_empty_tree(id) && !self.graph.missing.contains(id) {
                self.graph.missing.insert(id.into());
            }
            NONE
        })
    }

    fn number(&mut self, name: &[u8]) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = u32::try_from(self.graph.names.len()).unwrap_or(u32::MAX);
        self.graph.names.push(name.into());
        self.numbers.insert(name.into(), number);
        number
    }
}

fn is_empty_tree(id: &[u8]) -> bool {
    static EMPTY: OnceLock<[Vec<u8>; 2]> = OnceLock::new();
    let hex: [&[u8]; 2] = [
        b"4b825dc642cb6eb9a060e54bf8d69288fbee4904",
        b"6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
    ];
    EMPTY.get_or_init(|| hex.map(|hex| from_hex(hex).unwrap_or_default())).iter().any(|empty| empty == id)
}

/// The time at the end of a line that names a person.
fn time(line: &[u8]) -> Option<(i64, i32)> {
    let after = line.rsplitn(2, |byte| *byte == b'>').next()?;
    let mut words = std::str::from_utf8(after).ok()?.split_ascii_whitespace();
    let seconds = words.next()?.parse().ok()?;
    let zone: i32 = words.next().and_then(|zone| zone.parse().ok()).unwrap_or(0);
    Some((seconds, zone / 100 * 60 + zone % 100))
}
