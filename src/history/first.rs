//! Which commit brought each object to each of its paths.
//!
//! Commits are gone through from the oldest to the newest, parents before children, and a
//! folder that was seen is not gone into again at the same path; so every folder is read once
//! for each path it stood at, and once where nobody looks for keys.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::secrets::paths;

use super::graph::{Commit, Graph};
use super::ids::{Ids, NONE, Object};

/// From where a commit is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reached {
    /// From a ref.
    Refs,
    /// Only from a log of refs.
    Logs,
    /// From nowhere: it waits to be thrown away.
    Nowhere,
}

/// A path by its number; [`NONE`] for what stands in no folder.
pub type Path = u32;

/// The path of what a commit has at its root.
const ROOT: Path = 0;

/// For further paths of a folder its entries are gone through again: all in all so many times as many
/// entries as the history has, and at least [`LEAST_AGAIN`]. Folders within folders may stand at paths
/// without end.
const TIMES_AGAIN: usize = 8;

/// So many entries are gone through again in the smallest history.
const LEAST_AGAIN: usize = 1 << 15;

/// Where an object stood, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The number in the order of the commit that brought it there; [`NONE`] if no commit has it.
    pub commit: u32,
    /// The path.
    pub path: Path,
}

/// What is known of an object.
#[derive(Debug, Clone, Copy)]
struct First {
    /// Where it stood first.
    place: Place,
    is_seen: bool,
    /// Whether it stands where nobody looks for keys.
    is_passed_by: bool,
}

/// All paths, each as a name in a folder.
#[derive(Default)]
struct Paths {
    parts: Vec<(Path, u32)>,
    numbers: FxHashMap<(Path, u32), Path>,
}

/// A folder that is gone through.
struct Open {
    folder: Object,
    path: Path,
    /// How many of its entries were gone through.
    next: usize,
    is_passed_by: bool,
    /// Whether it was gone through before.
    is_known: bool,
}

/// The order of commits, and what each brought.
pub struct Firsts<'g> {
    graph: &'g Graph,
    of: Vec<First>,
    /// Further places of objects, in the order of commits, but for those where nobody looks for keys.
    further: Vec<(Object, Place)>,
    further_known: FxHashSet<(Object, Path)>,
    paths: Paths,
    /// How many entries of folders may still be gone through again; `None` once there were more.
    again: Option<usize>,
    /// Commits, parents before children, those that refs reach first.
    pub order: Vec<Object>,
    /// From where each of them is reached.
    reached: Vec<Reached>,
    /// Folders after those in them.
    pub trees: Vec<Object>,
    /// Objects that refs name and that are no commits.
    named: FxHashSet<Object>,
    /// Of each name, whether a folder of that name is passed by, and a file.
    passed_by: Vec<(bool, bool)>,
}

impl<'g> Firsts<'g> {
    /// Goes through all commits. `tips` are what refs mean, `logged` what logs name.
    pub fn new(graph: &'g Graph, ids: &Ids, tips: &[Object], logged: &[Object]) -> Self {
        let nowhere = Place { commit: NONE, path: NONE };
        let none = First { place: nowhere, is_seen: false, is_passed_by: false };
        let (order, reached) = order(graph, ids, tips, logged);
        let named: FxHashSet<Object> =
            tips.iter().map(|tip| graph.peel(*tip)).filter(|tip| !graph.commits.contains_key(tip)).collect();
        let passed_by = graph.names.iter().map(|name| {
            let name = String::from_utf8_lossy(name);
            (paths::is_vendored(&name), paths::is_no_text(&name))
        });
        let passed_by = passed_by.collect();
        let entries = graph.all_trees().filter_map(|tree| graph.tree(tree)).map(<[_]>::len).sum::<usize>();
        let mut firsts = Self {
            graph,
            of: vec![none; ids.count()],
            further: Vec::new(),
            further_known: FxHashSet::default(),
            paths: Paths::new(),
            again: Some(LEAST_AGAIN.max(entries.saturating_mul(TIMES_AGAIN))),
            order,
            reached,
            trees: Vec::new(),
            named,
            passed_by,
        };
        for number in 0..firsts.order.len() {
            let commit = firsts.order.get(number).and_then(|commit| graph.commits.get(commit));
            if let Some(commit) = commit {
                firsts.enter(commit.tree, u32::try_from(number).unwrap_or(NONE));
            }
        }
        firsts
    }

    /// Goes through what no commit has: what refs name, and folders that wait to be thrown away.
    pub fn enter_others(&mut self) {
        let mut others: Vec<Object> = self.named.iter().copied().collect();
        others.sort_unstable();
        let is_seen = |tree: Object| self.of.get(tree as usize).is_some_and(|first| first.is_seen);
        let unseen: Vec<Object> = self.graph.all_trees().filter(|tree| !is_seen(*tree)).collect();
        let inside: FxHashSet<Object> =
            unseen.iter().filter_map(|tree| self.graph.tree(*tree)).flatten().map(|item| item.object).collect();
        others.extend(unseen.iter().copied().filter(|tree| !inside.contains(tree)));
        for tree in others {
            self.enter(tree, NONE);
        }
    }

    fn enter(&mut self, root: Object, commit: u32) {
        if self.graph.tree(root).is_none() {
            return;
        }
        let mut open = Vec::new();
        self.meet(root, Place { commit, path: ROOT }, false, &mut open);
        while let Some(at) = open.last_mut() {
            let Some(item) = self.graph.tree(at.folder).and_then(|items| items.get(at.next)) else {
                if !at.is_known {
                    self.trees.push(at.folder);
                }
                open.pop();
                continue;
            };
            at.next += 1;
            let is_tree = self.graph.tree(item.object).is_some();
            let by_name = self.passed_by.get(item.name as usize).copied().unwrap_or_default();
            let is_passed_by = at.is_passed_by || if is_tree { by_name.0 } else { by_name.1 };
            let known = self.of.get(item.object as usize).map_or(NONE, |first| first.place.path);
            let path = match () {
                () if is_passed_by => NONE,
                () if self.paths.is(known, at.path, item.name) => known,
                () => self.paths.number(at.path, item.name),
            };
            self.meet(item.object, Place { commit, path }, is_passed_by, &mut open);
        }
    }

    /// Takes down where an object stands, and opens it if it is a folder with something new to tell.
    fn meet(&mut self, object: Object, place: Place, is_passed_by: bool, open: &mut Vec<Open>) {
        let items = self.graph.tree(object).map(<[_]>::len);
        let Some(known) = self.of.get_mut(object as usize) else { return };
        let is_known = known.is_seen;
        if !known.is_seen || known.is_passed_by && !is_passed_by {
            *known = First { place, is_seen: true, is_passed_by };
        } else if is_passed_by || known.place.path == place.path || self.again.is_none() {
            return;
        } else if self.further_known.insert((object, place.path)) {
            self.further.push((object, place));
            self.again = self.again.and_then(|again| again.checked_sub(items.unwrap_or_default()));
        } else {
            return;
        }
        if items.is_some() {
            open.push(Open { folder: object, path: place.path, next: 0, is_passed_by, is_known });
        }
    }

    /// Whether an object stood only where nobody looks for keys.
    pub fn is_passed_by(&self, object: Object) -> bool {
        self.of.get(object as usize).is_some_and(|first| first.is_passed_by)
    }

    /// Where an object stood first; [`NONE`] twice if no folder has it.
    pub fn first(&self, object: Object) -> Place {
        self.of.get(object as usize).map_or(Place { commit: NONE, path: NONE }, |first| first.place)
    }

    /// Where objects stood beside, in the order of commits, but for those where nobody looks for keys.
    pub fn further(&self) -> &[(Object, Place)] {
        &self.further
    }

    /// Whether folders stood at more paths than are gone through.
    pub fn is_cut(&self) -> bool {
        self.again.is_none()
    }

    /// A path by its number; `None` for what no folder has.
    pub fn path(&self, path: Path) -> Option<String> {
        let mut names: Vec<&[u8]> = Vec::new();
        let mut part = self.paths.parts.get(path as usize)?;
        while part.0 != NONE {
            names.push(self.graph.name(part.1));
            part = self.paths.parts.get(part.0 as usize)?;
        }
        names.reverse();
        Some(names.iter().map(|name| String::from_utf8_lossy(name)).collect::<Vec<_>>().join("/"))
    }

    /// A commit by its place in the order.
    pub fn commit(&self, number: u32) -> Option<&Commit> {
        self.graph.commits.get(self.order.get(number as usize)?)
    }

    /// From where an object is reached.
    pub fn reached(&self, object: Object) -> Reached {
        if self.named.contains(&object) {
            return Reached::Refs;
        }
        self.reached.get(self.first(object).commit as usize).copied().unwrap_or(Reached::Nowhere)
    }
}

impl Paths {
    fn new() -> Self {
        Self { parts: vec![(NONE, NONE)], ..Self::default() }
    }

    /// Whether a path is that of a name in a folder.
    fn is(&self, path: Path, folder: Path, name: u32) -> bool {
        self.parts.get(path as usize) == Some(&(folder, name))
    }

    fn number(&mut self, folder: Path, name: u32) -> Path {
        let next = u32::try_from(self.parts.len()).unwrap_or(NONE);
        let number = *self.numbers.entry((folder, name)).or_insert(next);
        if number == next {
            self.parts.push((folder, name));
        }
        number
    }
}

/// All commits that lead to some.
pub fn ancestors(graph: &Graph, from: impl IntoIterator<Item = Object>) -> FxHashSet<Object> {
    let mut found = FxHashSet::default();
    let mut open: Vec<Object> = from.into_iter().map(|tip| graph.peel(tip)).collect();
    while let Some(commit) = open.pop() {
        if let Some(known) = graph.commits.get(&commit)
            && found.insert(commit)
        {
            open.extend(&known.parents);
        }
    }
    found
}

fn order(graph: &Graph, ids: &Ids, tips: &[Object], logged: &[Object]) -> (Vec<Object>, Vec<Reached>) {
    let of_refs = ancestors(graph, tips.iter().copied());
    let of_logs = ancestors(graph, logged.iter().copied());
    let reached = |commit: Object| match () {
        () if of_refs.contains(&commit) => Reached::Refs,
        () if of_logs.contains(&commit) => Reached::Logs,
        () => Reached::Nowhere,
    };
    let mut waiting: FxHashMap<Object, usize> = FxHashMap::default();
    let mut children: FxHashMap<Object, Vec<Object>> = FxHashMap::default();
    for (number, commit) in &graph.commits {
        let parents = commit.parents.iter().filter(|parent| graph.commits.contains_key(parent));
        let mut count = 0;
        for parent in parents {
            children.entry(*parent).or_default().push(*number);
            count += 1;
        }
        waiting.insert(*number, count);
    }
    let key = |commit: Object| {
        let when = graph.commits.get(&commit).map_or(0, |commit| commit.committed);
        Reverse((reached(commit), when, ids.id(commit), commit))
    };
    let mut ready: BinaryHeap<_> =
        waiting.iter().filter(|(_, count)| **count == 0).map(|(commit, _)| key(*commit)).collect();
    let (mut order, mut from) = (Vec::new(), Vec::new());
    while let Some(Reverse((reached, _, _, commit))) = ready.pop() {
        order.push(commit);
        from.push(reached);
        for child in children.get(&commit).into_iter().flatten() {
            let Some(count) = waiting.get_mut(child) else { continue };
            *count = count.saturating_sub(1);
            if *count == 0 {
                ready.push(key(*child));
            }
        }
    }
    (order, from)
}
