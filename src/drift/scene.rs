//! The older side with some of the changes, a class at a time. What stands around classes is made once for all
//! of them, and a class once for each choice of its own changes.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use crate::lock::Lock;
use crate::model::{App, Class, ClassName, RoleName};
use crate::permit::Engine;

use super::level::{Atom, Level, Who};
use super::moved::Sides;
use super::reached::{Asked, Reached};
use super::step::Step;

/// What stands around classes: roles, and the server.
pub struct Frames<'a> {
    from: &'a Lock,
    to: &'a Lock,
    steps: &'a [Step],
    bare: Lock,
    made: BTreeMap<BTreeSet<usize>, App>,
    /// The roles that a step makes somebody hold, or lose.
    changed: Vec<OnceCell<BTreeSet<RoleName>>>,
}

/// A class of the older side, and those whose reach is asked for.
pub struct Scene<'f, 'a> {
    frames: &'f mut Frames<'a>,
    sides: &'f Sides<'f>,
    name: &'f ClassName,
    who: BTreeSet<&'f Who>,
    /// The roles that the class knows.
    deciding: BTreeSet<RoleName>,
    facts: Lock,
    classes: BTreeMap<BTreeSet<usize>, Option<Class>>,
    known: BTreeMap<BTreeSet<usize>, HashMap<&'f Who, Rc<Reached>>>,
}

impl<'a> Frames<'a> {
    /// The older side, and the steps that lead to the newer one.
    pub fn new(from: &'a Lock, to: &'a Lock, steps: &'a [Step]) -> Self {
        let changed = steps.iter().map(|_| OnceCell::new()).collect();
        Self { from, to, steps, bare: from.without_classes(), made: BTreeMap::new(), changed }
    }

    /// What stands around classes with some of the steps, and what is known of each step.
    fn with(&mut self, numbers: &BTreeSet<usize>) -> (&App, &[OnceCell<BTreeSet<RoleName>>]) {
        let Self { bare, to, steps, made, changed: known, .. } = self;
        let make = |numbers: &BTreeSet<usize>| changed(bare, to, steps, numbers).app_without_classes();
        (made.entry(numbers.clone()).or_insert_with_key(make), known)
    }
}

impl<'f, 'a> Scene<'f, 'a> {
    /// A class with all whose reach will be asked for.
    pub fn new(
        frames: &'f mut Frames<'a>,
        sides: &'f Sides<'f>,
        name: &'f ClassName,
        who: impl IntoIterator<Item = &'f Who>,
    ) -> Self {
        let deciding = sides.old.app.classes.get(name).map(|class| sides.old.deciding_roles(class)).unwrap_or_default();
        let facts = frames.from.of_class(name.as_str());
        let who = who.into_iter().collect();
        Self { frames, sides, name, who, deciding, facts, classes: BTreeMap::new(), known: BTreeMap::new() }
    }

    /// Whether a step alone may make a difference.
    pub fn may_matter(&mut self, number: usize) -> bool {
        let Some(step) = self.frames.steps.get(number) else { return false };
        if step.is_inside_class() {
            return true;
        }
        let (frame, changed) = self.frames.with(&BTreeSet::from([number]));
        let engine = Engine::new(frame);
        if !step.is_of_roles() && !self.sides.old.treats_alike(&engine, self.name) {
            return true;
        }
        changed
            .get(number)
            .is_none_or(|roles| !roles.get_or_init(|| self.sides.changed_by(&engine)).is_disjoint(&self.deciding))
    }

    /// How far somebody reaches with these steps; `None` if it cannot be told.
    pub fn level(&mut self, numbers: &BTreeSet<usize>, atom: &Atom) -> Option<Level> {
        if !self.known.contains_key(numbers) {
            let reached = self.reached(numbers);
            self.known.insert(numbers.clone(), reached);
        }
        self.known.get(numbers)?.get(&atom.who)?.level(atom.op, atom.field.as_ref())
    }

    fn reached(&mut self, numbers: &BTreeSet<usize>) -> HashMap<&'f Who, Rc<Reached>> {
        let (to, steps) = (self.frames.to, self.frames.steps);
        let is_inside = |number: &usize| steps.get(*number).is_some_and(Step::is_inside_class);
        let (inside, around): (BTreeSet<usize>, BTreeSet<usize>) = numbers.iter().partition(|number| is_inside(number));
        let make = |numbers: &BTreeSet<usize>| changed(&self.facts, to, steps, numbers).class_named(self.name.as_str());
        let class = self.classes.entry(inside).or_insert_with_key(make).as_ref();
        let engine = Engine::new(self.frames.with(&around).0);
        let mut asked = Asked::new(&engine, class);
        self.who.iter().map(|who| (*who, asked.by(&who.caller(&engine)))).collect()
    }
}

/// A lock with some of the steps.
fn changed(lock: &Lock, to: &Lock, steps: &[Step], numbers: &BTreeSet<usize>) -> Lock {
    let mut changed = lock.clone();
    numbers.iter().filter_map(|number| steps.get(*number)).for_each(|step| step.apply(&mut changed, to));
    changed
}
