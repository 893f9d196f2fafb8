//! What somebody reaches of a class.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use crate::model::{ByOperation, Class, FieldName, Operation, RoleName};
use crate::permit::{Caller, Engine};

use super::level::{Level, of_rows};

/// What somebody reaches of a class; a class that is not there has nothing to reach.
#[derive(Debug)]
pub struct Reached {
    /// How far into the rows; `None` if it cannot be told.
    pub rows: ByOperation<Option<Level>>,
    /// The columns it sees; `None` if they are not known.
    pub fields: Option<BTreeSet<FieldName>>,
}

impl Reached {
    fn of(engine: &Engine<'_>, caller: &Caller, class: Option<&Class>) -> Self {
        let Some(class) = class else {
            return Self { rows: ByOperation::of(|_| Some(Level::None)), fields: Some(BTreeSet::new()) };
        };
        let visible = engine.visible_in_reach(caller, class);
        let fields = visible.read().map(|fields| fields.iter().map(|field| (*field).clone()).collect());
        Self { rows: ByOperation::of(|op| of_rows(engine, caller, class, op)), fields }
    }

    /// How far an operation reaches, or for a column of the rows that are read; `None` if it cannot be told.
    pub fn level(&self, op: Operation, field: Option<&FieldName>) -> Option<Level> {
        match field {
            Some(field) if !self.fields.as_ref()?.contains(field) => Some(Level::None),
            _ => *self.rows.get(op),
        }
    }
}

/// A class that is asked about for many callers, once for all whom it cannot tell apart.
pub struct Asked<'e> {
    engine: &'e Engine<'e>,
    class: Option<&'e Class>,
    deciding: BTreeSet<RoleName>,
    known: HashMap<Caller, Rc<Reached>>,
}

impl<'e> Asked<'e> {
    /// A class as a server has it.
    pub fn new(engine: &'e Engine<'e>, class: Option<&'e Class>) -> Self {
        let deciding = class.map(|class| engine.deciding_roles(class)).unwrap_or_default();
        Self { engine, class, deciding, known: HashMap::new() }
    }

    /// What a caller reaches of it.
    pub fn by(&mut self, caller: &Caller) -> Rc<Reached> {
        let caller = caller.among(&self.deciding);
        if let Some(known) = self.known.get(&caller) {
            return Rc::clone(known);
        }
        let reached = Rc::new(Reached::of(self.engine, &caller, self.class));
        self.known.insert(caller, Rc::clone(&reached));
        reached
    }
}
