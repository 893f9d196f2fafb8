//! Which commit brought each object, and at which path it stood there.
//!
//! Commits are gone through from the oldest to the newest, parents before children, and a
//! folder that was seen is not gone into again; so every folder is read once, or twice if it
//! stood first where nobody looks for keys.

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

/// Where an object stood first.
#[derive(Debug, Clone, Copy)]
struct First {
    /// The number of the commit in the order; [`NONE`] if no commit has it.
    commit: u32,
    /// The folder it stood in, or [`NONE`] for a root folder.
    folder: Object,
    name: u32,
    is_seen: bool,
    /// Whether it stands where nobody looks for keys.
    is_passed_by: bool,
}

/// The order of commits, and what each brought.
pub struct Firsts<'g> {
    graph: &'g Graph,
    of: Vec<First>,
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
        let none = First { commit: NONE, folder: NONE, name: NONE, is_seen: false, is_passed_by: false };
        let (order, reached) = order(graph, ids, tips, logged);
        let named: FxHashSet<Object> =
            tips.iter().map(|tip| graph.peel(*tip)).filter(|tip| !graph.commits.contains_key(tip)).collect();
        let passed_by = graph.names.iter().map(|name| {
            let name = String::from_utf8_lossy(name);
            (paths::is_vendored(&name), paths::is_no_text(&name))
        });
        let passed_by = passed_by.collect();
        let mut firsts =
            Self { graph, of: vec![none; ids.count()], order, reached, trees: Vec::new(), named, passed_by };
        for number in 0..firsts.order.len() {
            let commit = firsts.order.get(number).and_then(|commit| graph.commits.get(commit));
            if let Some(commit) = commit {
                firsts.enter(commit.tree, u32::try_from(number).unwrap_or(NONE));
            }
        }
        let mut others: Vec<Object> = firsts.named.iter().copied().collect();
        others.sort_unstable();
        let is_seen = |firsts: &Self, tree: Object| firsts.of.get(tree as usize).is_some_and(|first| first.is_seen);
        let unseen: Vec<Object> = graph.all_trees().filter(|tree| !is_seen(&firsts, *tree)).collect();
        let inside: FxHashSet<Object> =
            unseen.iter().filter_map(|tree| graph.tree(*tree)).flatten().map(|item| item.object).collect();
        others.extend(unseen.iter().copied().filter(|tree| !inside.contains(tree)));
        for tree in others {
            firsts.enter(tree, NONE);
        }
        firsts
    }

    fn enter(&mut self, root: Object, commit: u32) {
        let first = First { commit, folder: NONE, name: NONE, is_seen: true, is_passed_by: false };
        if self.graph.tree(root).is_none() || !self.mark(root, first) {
            return;
        }
        // A folder, how many of its entries were gone through, and whether it is passed by.
        let mut open: Vec<(Object, usize, bool)> = vec![(root, 0, false)];
        while let Some((folder, next, is_passed_by)) = open.last_mut() {
            let (folder, is_passed_by) = (*folder, *is_passed_by);
            let Some(item) = self.graph.tree(folder).and_then(|items| items.get(*next)) else {
                self.trees.push(folder);
                open.pop();
                continue;
            };
            *next += 1;
            let is_tree = self.graph.tree(item.object).is_some();
            let by_name = self.passed_by.get(item.name as usize).copied().unwrap_or_default();
            let is_passed_by = is_passed_by || if is_tree { by_name.0 } else { by_name.1 };
            let is_new = self.mark(item.object, First { commit, folder, name: item.name, is_seen: true, is_passed_by });
            if is_new && is_tree {
                open.push((item.object, 0, is_passed_by));
            }
        }
    }

    fn mark(&mut self, object: Object, first: First) -> bool {
        match self.of.get_mut(object as usize) {
            Some(known) if !known.is_seen || known.is_passed_by && !first.is_passed_by => {
                *known = first;
                true
            }
            _ => false,
        }
    }

    /// Whether an object stood only where nobody looks for keys.
    pub fn is_passed_by(&self, object: Object) -> bool {
        self.of.get(object as usize).is_some_and(|first| first.is_passed_by)
    }

    /// The path at which an object stood first; `None` if no folder has it.
    pub fn path(&self, object: Object) -> Option<String> {
        let mut parts: Vec<&[u8]> = Vec::new();
        let mut at = self.of.get(object as usize).filter(|first| first.is_seen)?;
        while at.folder != NONE {
            parts.push(self.graph.name(at.name));
            at = self.of.get(at.folder as usize)?;
        }
        parts.reverse();
        Some(parts.iter().map(|part| String::from_utf8_lossy(part)).collect::<Vec<_>>().join("/"))
    }

    /// The commit that brought an object.
    pub fn commit(&self, object: Object) -> Option<&Commit> {
        self.graph.commits.get(self.order.get(self.number(object)? as usize)?)
    }

    /// The place of that commit in the order.
    pub fn number(&self, object: Object) -> Option<u32> {
        self.of.get(object as usize).map(|first| first.commit).filter(|number| *number != NONE)
    }

    /// From where an object is reached.
    pub fn reached(&self, object: Object) -> Reached {
        if self.named.contains(&object) {
            return Reached::Refs;
        }
        let number = self.number(object).and_then(|number| self.reached.get(number as usize));
        number.copied().unwrap_or(Reached::Nowhere)
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
