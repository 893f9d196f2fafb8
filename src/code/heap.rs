//! Objects and variables. A handler is looked into on a copy of what the files
//! set up when they are loaded, made only as far as it is written to.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::model::unit::Name;

use super::shape::Shape;
use super::value::{Pos, Value};

/// The number of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(pub u32);

/// The number of a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScopeId(pub u32);

/// An object.
#[derive(Debug, Clone, Default)]
pub struct Object {
    /// Its properties.
    pub props: BTreeMap<Name, Value>,
    /// Its elements, if it is an array.
    pub items: Vec<Value>,
    /// What any other property or element is.
    pub rest: Option<Value>,
    /// What it is beyond that.
    pub shape: Shape,
    /// Where it was made.
    pub at: Option<Pos>,
}

/// The variables of an activation.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// The scope around.
    pub parent: Option<ScopeId>,
    /// The variables.
    pub vars: FxHashMap<Name, Value>,
}

/// Objects and scopes.
#[derive(Debug, Clone, Default)]
pub struct Heap {
    /// What the files set up.
    base: Option<Arc<Heap>>,
    below: (u32, u32),
    changed: FxHashMap<u32, Object>,
    changed_scopes: FxHashMap<u32, Scope>,
    objects: Vec<Object>,
    scopes: Vec<Scope>,
}

impl Heap {
    /// A heap on top of another one, which it leaves as it is.
    pub fn on(base: Arc<Heap>) -> Self {
        let below = (base.below.0 + base.objects.len() as u32, base.below.1 + base.scopes.len() as u32);
        Self { base: Some(base), below, ..Self::default() }
    }

    /// How many objects there are.
    pub fn len(&self) -> u32 {
        self.below.0 + self.objects.len() as u32
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds an object.
    pub fn add(&mut self, object: Object) -> ObjectId {
        self.objects.push(object);
        ObjectId(self.below.0 + self.objects.len() as u32 - 1)
    }

    /// Adds a scope.
    pub fn add_scope(&mut self, parent: Option<ScopeId>) -> ScopeId {
        self.scopes.push(Scope { parent, vars: FxHashMap::default() });
        ScopeId(self.below.1 + self.scopes.len() as u32 - 1)
    }

    /// An object.
    pub fn get(&self, id: ObjectId) -> &Object {
        static NONE: std::sync::LazyLock<Object> = std::sync::LazyLock::new(Object::default);
        if id.0 >= self.below.0 {
            return self.objects.get((id.0 - self.below.0) as usize).unwrap_or(&NONE);
        }
        match (self.changed.get(&id.0), &self.base) {
            (Some(object), _) => object,
            (None, Some(base)) => base.get(id),
            (None, None) => &NONE,
        }
    }

    /// An object, to be changed.
    pub fn get_mut(&mut self, id: ObjectId) -> &mut Object {
        let new =
            id.0.checked_sub(self.below.0).map(|index| index as usize).filter(|index| *index < self.objects.len());
        if let Some(index) = new
            && let Some(object) = self.objects.get_mut(index)
        {
            return object;
        }
        let base = self.base.as_ref();
        self.changed.entry(id.0).or_insert_with(|| base.map(|base| base.get(id).clone()).unwrap_or_default())
    }

    /// A scope.
    pub fn scope(&self, id: ScopeId) -> Option<&Scope> {
        if id.0 >= self.below.1 {
            return self.scopes.get((id.0 - self.below.1) as usize);
        }
        self.changed_scopes.get(&id.0).or_else(|| self.base.as_ref()?.scope(id))
    }

    /// A scope, to be changed.
    pub fn scope_mut(&mut self, id: ScopeId) -> &mut Scope {
        let new = id.0.checked_sub(self.below.1).map(|index| index as usize).filter(|index| *index < self.scopes.len());
        if let Some(index) = new
            && let Some(scope) = self.scopes.get_mut(index)
        {
            return scope;
        }
        let base = self.base.as_ref();
        self.changed_scopes
            .entry(id.0)
            .or_insert_with(|| base.and_then(|base| base.scope(id).cloned()).unwrap_or_default())
    }

    /// Whether a scope is of the heap below this one.
    pub fn is_below(&self, id: ScopeId) -> bool {
        id.0 < self.below.1
    }

    /// The variable and the scope that has it.
    pub fn find(&self, mut scope: ScopeId, name: &str) -> Option<(ScopeId, &Value)> {
        loop {
            let here = self.scope(scope)?;
            if let Some(value) = here.vars.get(name) {
                return Some((scope, value));
            }
            scope = here.parent?;
        }
    }
}
