//! Walks through code the way it would run, with what is known in place of values:
//! both ways of a branch, each loop once or for each element that is known, calls into
//! the functions they reach. Nothing is ever run.
//!
//! What is known on the way (`Guards`) is kept on the path: a test that ends the
//! handler otherwise is known to hold from there on, in helpers and other files too.

mod access;
mod array;
mod builtin;
mod call;
mod class;
mod compare;
mod expr;
mod map;
mod module;
mod pattern;
mod promise;
mod route;
mod stmt;
mod text;

pub use compare::is_secret_name as is_secret_column;
pub use promise::promise_of as promise_value;
pub use text::known_text;

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::model::unit::{Name, Unit};

use super::entry::Entry;
use super::environment::Environment;
use super::event::{Event, What};
use super::guards::Guards;
use super::heap::{Heap, Object, ObjectId, ScopeId};
use super::resolve::Project;
use super::shape::{Origin, Row, Shape};
use super::value::{Kind, Pos, Value};

/// Steps that may be taken for one handler; what comes after is not looked into.
const MOST_STEPS: u32 = 60_000;

/// Calls inside calls that are followed.
const DEEPEST: usize = 40;

/// How long the dotted name of something outside the app may grow.
const LONGEST_PATH: usize = 120;

/// Elements of a known list that are walked through one by one, in a handler.
const MOST_ROUNDS: usize = 64;

/// The same while files are loaded: tables of routes are long.
const MOST_ROUNDS_OF_LOADING: usize = 512;

/// The app as it is walked through.
pub struct World<'a> {
    /// Its files.
    pub units: &'a [Unit],
    /// How files find each other.
    pub project: &'a Project<'a>,
    /// Whether `Parse.Cloud.useMasterKey()` does something: on parse.com it did, on Parse Server not.
    pub legacy_master: bool,
    /// Variables of the environment that count as known.
    pub environment: &'a Environment,
}

/// One walk.
pub struct Run<'a> {
    /// The app.
    pub world: &'a World<'a>,
    /// Objects and variables.
    pub heap: Heap,
    /// What is known where the walk is; `None` where it cannot be.
    pub path: Option<Guards>,
    /// What the handler does.
    pub events: Vec<Event>,
    /// Handlers that are registered.
    pub entries: Vec<Entry>,
    /// Whether the master key is switched on for everything that follows.
    pub master: bool,
    /// The row of the user who calls.
    pub caller: ObjectId,
    /// Whether the limit of steps was reached.
    pub cut: bool,
    /// The name of the object of a trigger, and the parts of it.
    pub frames: Vec<Frame>,
    /// Refusals on the path that do not end it.
    pub loose: Vec<(Pos, Guards)>,
    /// Those that there were where middleware called on.
    loose_at_next: Vec<(Pos, Guards)>,
    /// `module` objects by unit.
    pub modules: FxHashMap<usize, ObjectId>,
    /// Those that were loaded before the walk.
    before: Arc<FxHashMap<usize, ObjectId>>,
    /// How many handlers of errors the walk is in.
    pub failing: u32,
    /// Columns of `_User` that users cannot write.
    pub frozen: Arc<[String]>,
    /// Columns that were used as rows.
    pub pointed: std::collections::BTreeSet<(ObjectId, Name)>,
    /// Columns of the caller's own row that were tested, and where.
    pub tested_columns: std::collections::BTreeSet<(Name, usize)>,
    /// The rows that columns point to, where the code writes to them.
    pub pointed_rows: FxHashMap<(ObjectId, Name), ObjectId>,
    /// Rows that were given an ACL.
    pub with_acl: std::collections::BTreeSet<ObjectId>,
    /// Columns of the object of a trigger of which the code asked whether they were changed.
    pub asked_dirty: std::collections::BTreeSet<Name>,
    /// Rows whose columns the code looked at.
    pub touched: std::collections::BTreeSet<ObjectId>,
    /// Units in the order they were loaded.
    pub loaded: Vec<usize>,
    /// Options of servers that are started, and where.
    pub servers: Vec<(Value, Pos)>,
    /// Files that switch the master key on when they are loaded.
    pub file_wide: Vec<Pos>,
    /// Files that were too large to be loaded to their end.
    pub cut_files: Vec<usize>,
    /// The path of the route that is walked through.
    pub route: Option<String>,
    /// Elements of a known list that are walked through one by one.
    most_rounds: usize,
    globals: ScopeId,
    undo: Vec<(ScopeId, Name, Option<Value>)>,
    /// Objects before this one are older than the branch the walk is in.
    floor: u32,
    steps: u32,
    next_activation: usize,
    settled: FxHashMap<usize, Vec<(Value, Guards)>>,
}

/// A call that is being walked through.
pub struct Frame {
    /// The unit.
    pub unit: usize,
    /// The name of the function.
    pub name: Option<Name>,
    /// Its variables.
    pub scope: ScopeId,
    /// `this`.
    pub this: Value,
    /// The class whose method it is, for `super`.
    pub class: Option<Value>,
    /// The function, to cut circles.
    pub function: (usize, u32),
    /// Where it was called.
    pub called_at: Pos,
    /// What it gives, with what is known then.
    pub returns: Vec<(Value, Guards)>,
}

/// What the variables were that a branch changed, and what it made them.
type Changes = FxHashMap<(ScopeId, Name), (Option<Value>, Value)>;

impl<'a> Run<'a> {
    /// A walk that begins with nothing.
    pub fn new(world: &'a World<'a>) -> Self {
        let mut heap = Heap::default();
        let globals = heap.add_scope(None);
        let caller = heap.add(Object { shape: Row::shape("_User", Origin::Caller), ..Object::default() });
        Self { most_rounds: MOST_ROUNDS_OF_LOADING, ..Self::with(world, heap, globals, caller) }
    }

    /// A walk on top of what another one left.
    pub fn on(world: &'a World<'a>, heap: Arc<Heap>, before: Arc<FxHashMap<usize, ObjectId>>) -> Self {
        let mut run = Self::with(world, Heap::on(heap), ScopeId(0), ObjectId(0));
        run.before = before;
        run
    }

    fn with(world: &'a World<'a>, heap: Heap, globals: ScopeId, caller: ObjectId) -> Self {
        Self {
            world,
            heap,
            path: Some(Guards::default()),
            events: Vec::new(),
            entries: Vec::new(),
            master: false,
            caller,
            cut: false,
            frames: Vec::new(),
            loose: Vec::new(),
            loose_at_next: Vec::new(),
            modules: FxHashMap::default(),
            before: Arc::default(),
            failing: 0,
            frozen: Arc::from([]),
            pointed: std::collections::BTreeSet::new(),
            tested_columns: std::collections::BTreeSet::new(),
            pointed_rows: FxHashMap::default(),
            with_acl: std::collections::BTreeSet::new(),
            asked_dirty: std::collections::BTreeSet::new(),
            touched: std::collections::BTreeSet::new(),
            loaded: Vec::new(),
            servers: Vec::new(),
            file_wide: Vec::new(),
            cut_files: Vec::new(),
            route: None,
            most_rounds: MOST_ROUNDS,
            globals,
            undo: Vec::new(),
            floor: 0,
            steps: 0,
            next_activation: 0,
            settled: FxHashMap::default(),
        }
    }

    /// What is known here; nothing where the walk cannot be.
    pub fn guards(&self) -> Guards {
        self.path.clone().unwrap_or_default()
    }

    /// Learns something.
    pub fn learn(&mut self, more: &Guards) {
        if let Some(path) = &mut self.path {
            *path = path.and(more);
        }
    }

    /// Takes a step; `false` if there were too many, or the walk cannot be here.
    fn step(&mut self) -> bool {
        self.steps += 1;
        if self.steps > MOST_STEPS {
            self.cut = true;
            self.path = None;
        }
        self.path.is_some()
    }

    /// Gives a new file, or a new handler, all steps again.
    pub fn rest(&mut self) {
        self.steps = 0;
    }

    /// The unit the walk is in.
    pub fn unit(&self) -> usize {
        self.frames.last().map_or(0, |frame| frame.unit)
    }

    /// A place in the unit the walk is in.
    pub fn pos(&self, span: crate::model::Span) -> Pos {
        Pos { unit: self.unit(), span }
    }

    /// Notes what is done here.
    pub fn note(&mut self, what: What, at: Pos, also: &Guards) {
        let Some(path) = &self.path else { return };
        let guards = path.and(also);
        let through: Vec<Pos> = self.frames.iter().skip(1).map(|frame| frame.called_at).collect();
        let within: Vec<Name> = self.frames.iter().filter_map(|frame| frame.name.clone()).collect();
        let loose = self.loose.clone();
        let failing = self.failing > 0;
        self.events.push(Event { what, at, through: through.into(), within: within.into(), failing, guards, loose });
    }

    /// Adds an object.
    pub fn object(&mut self, shape: Shape, at: Pos) -> ObjectId {
        self.heap.add(Object { shape, at: Some(at), ..Object::default() })
    }

    /// Adds an object as a value.
    pub fn new_object(&mut self, shape: Shape, at: Pos) -> Value {
        Value::of(Kind::Object(self.object(shape, at)))
    }

    /// Adds an array.
    pub fn new_array(&mut self, items: Vec<Value>, at: Pos) -> Value {
        let taint = items.iter().find_map(|item| item.taint.clone());
        let id = self.heap.add(Object { shape: Shape::Array, at: Some(at), items, ..Object::default() });
        Value { taint, ..Value::of(Kind::Object(id)) }
    }

    /// Whether an object is older than the branch the walk is in.
    pub fn is_older(&self, id: ObjectId) -> bool {
        id.0 < self.floor
    }

    /// A variable. One that nobody declared is something outside the app.
    pub fn variable(&self, name: &Name) -> Value {
        let scope = self.frames.last().map_or(self.globals, |frame| frame.scope);
        match self.heap.find(scope, name).or_else(|| self.heap.find(self.globals, name)) {
            Some((_, value)) => value.clone(),
            None => Value::path(Arc::clone(name)),
        }
    }

    /// Declares a variable in the activation.
    pub fn declare(&mut self, name: &Name, value: Value) {
        let scope = self.frames.last().map_or(self.globals, |frame| frame.scope);
        self.set_in(scope, name, value);
    }

    /// Gives a variable a value; one that nobody declared becomes global.
    pub fn assign(&mut self, name: &Name, value: Value) {
        let scope = self.frames.last().map_or(self.globals, |frame| frame.scope);
        let home = self.heap.find(scope, name).map_or(self.globals, |(home, _)| home);
        self.set_in(home, name, value);
    }

    /// Whether a variable is older than the walk: one of a file, which all requests share.
    pub fn is_shared(&self, name: &Name) -> bool {
        let scope = self.frames.last().map_or(self.globals, |frame| frame.scope);
        let home = self.heap.find(scope, name).map_or(self.globals, |(home, _)| home);
        self.heap.is_below(home)
    }

    fn set_in(&mut self, scope: ScopeId, name: &Name, value: Value) {
        let old = self.heap.scope_mut(scope).vars.insert(Arc::clone(name), value);
        self.undo.push((scope, Arc::clone(name), old));
    }

    /// Walks all ways of a branch. `ways` are what is known at the start of each; those
    /// that cannot be are not walked. Afterwards variables may be either.
    pub fn branch(&mut self, ways: impl IntoIterator<Item = Option<Guards>>, mut walk: impl FnMut(&mut Self, usize)) {
        let before = self.path.clone();
        let Some(known) = before else { return };
        let floor = std::mem::replace(&mut self.floor, u32::MAX);
        self.floor = floor.max(self.heap.len());
        let mut ends: Vec<(Guards, Changes)> = Vec::new();
        for (number, way) in ways.into_iter().enumerate() {
            let Some(way) = way else { continue };
            let mark = self.undo.len();
            self.path = Some(known.and(&way));
            walk(self, number);
            let changes = self.roll_back(mark);
            if let Some(end) = self.path.take() {
                ends.push((end, changes));
            }
        }
        self.floor = floor;
        self.join(ends);
    }

    /// Puts the variables back to what they were, and gives what they had become.
    fn roll_back(&mut self, mark: usize) -> Changes {
        let mut changes = Changes::default();
        for (scope, name, old) in self.undo.split_off(mark).into_iter().rev() {
            let vars = &mut self.heap.scope_mut(scope).vars;
            let new = match &old {
                Some(old) => vars.insert(Arc::clone(&name), old.clone()),
                None => vars.remove(&name),
            };
            let entry = changes.entry((scope, name)).or_insert_with(|| (None, new.unwrap_or_default()));
            entry.0 = old;
        }
        changes
    }

    /// The variables after several ways that came to an end.
    fn join(&mut self, mut ends: Vec<(Guards, Changes)>) {
        if ends.len() == 1
            && let Some((end, changes)) = ends.pop()
        {
            for ((scope, name), (_, new)) in changes {
                self.set_in(scope, &name, new);
            }
            self.path = Some(end);
            return;
        }
        let mut names: Vec<(ScopeId, Name)> = ends.iter().flat_map(|(_, changes)| changes.keys().cloned()).collect();
        names.sort();
        names.dedup();
        for (scope, name) in names {
            let old = self.heap.scope(scope).and_then(|scope| scope.vars.get(&name).cloned());
            let became = |(end, changes): &(Guards, Changes)| {
                let value = match changes.get(&(scope, Arc::clone(&name))) {
                    Some((_, new)) => new.clone(),
                    None => old.clone().unwrap_or_else(Value::undefined),
                };
                (value, end.clone())
            };
            if let Some(value) = Value::one_of(ends.iter().map(became)) {
                self.set_in(scope, &name, value);
            }
        }
        self.path = Guards::common_of(ends.iter().map(|(end, _)| end));
    }
}
