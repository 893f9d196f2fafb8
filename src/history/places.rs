//! At which of its paths a content is searched: the first of each kind, so that no rule about
//! files of some path is left out, and the usual content costs no more than it would alone.

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::secrets::Scanner;
use crate::secrets::ranges::Kind;

use super::first::{Firsts, Path, Place};
use super::graph::Graph;
use super::ids::Object;

/// The places of contents.
pub struct Places<'a> {
    firsts: &'a Firsts<'a>,
    /// Whether each commit, by its place in the order, is in the range; `None` if all are.
    commits: Option<Vec<bool>>,
    /// Places beside the first, where rules make something else of a content than before.
    further: FxHashMap<Object, Vec<Place>>,
}

impl<'a> Places<'a> {
    /// Tells the paths of contents apart. Of some places of one kind the first counts, also for the range.
    pub fn new(graph: &Graph, firsts: &'a Firsts<'a>, scanner: &Scanner, commits: Option<Vec<bool>>) -> Self {
        let mut further: FxHashMap<Object, Vec<Place>> = FxHashMap::default();
        for (object, place) in firsts.further().iter().filter(|(object, _)| graph.tree(*object).is_none()) {
            further.entry(*object).or_default().push(*place);
        }
        let firsts_of = further.keys().map(|object| firsts.first(*object).path);
        let paths: FxHashSet<Path> = firsts_of.chain(further.values().flatten().map(|place| place.path)).collect();
        let paths: Vec<Path> = paths.into_iter().collect();
        let kind = |path: &Path| (*path, scanner.kind_of(&firsts.path(*path).unwrap_or_default()));
        let kinds: Vec<(Path, Kind)> = paths.par_iter().map(kind).collect();
        let mut numbers: FxHashMap<&Kind, usize> = FxHashMap::default();
        let mut number_of: FxHashMap<Path, usize> = FxHashMap::default();
        for (path, kind) in &kinds {
            let next = numbers.len();
            number_of.insert(*path, *numbers.entry(kind).or_insert(next));
        }
        let number = |path: Path| number_of.get(&path).copied();
        further.retain(|object, places| {
            let mut known = vec![number(firsts.first(*object).path)];
            places.retain(|place| {
                let kind = number(place.path);
                let is_new = !known.contains(&kind);
                known.extend(is_new.then_some(kind));
                is_new
            });
            !places.is_empty()
        });
        Self { firsts, commits, further }
    }

    /// Where a content is searched, the oldest place first.
    pub fn of(&self, object: Object) -> impl Iterator<Item = Place> {
        let further = self.further.get(&object).into_iter().flatten().copied();
        std::iter::once(self.firsts.first(object)).chain(further).filter(|place| self.is_in_range(*place))
    }

    fn is_in_range(&self, place: Place) -> bool {
        let has = |commits: &Vec<bool>| commits.get(place.commit as usize).is_some_and(|is_in| *is_in);
        self.commits.as_ref().is_none_or(has)
    }
}
