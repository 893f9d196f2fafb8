//! Who reaches a class further or less far than before, without what follows from the rest.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use crate::model::clp::DefaultAcl;
use crate::model::{Class, ClassName, FieldName, Grantee, Group, Operation, Principal, RoleName, UserId};
use crate::permit::{Caller, Engine};

use super::level::{Atom, Level, Who, everybody, sets};
use super::reached::{Asked, Reached};

/// Something that somebody reaches further or less far than before.
#[derive(Debug, Clone)]
pub struct Moved {
    /// What.
    pub atom: Atom,
    /// How far before.
    pub was: Level,
    /// How far now.
    pub is: Level,
}

/// Both sides, and everybody who is compared.
pub struct Sides<'s> {
    /// The older one.
    pub old: &'s Engine<'s>,
    new: &'s Engine<'s>,
    everybody: Vec<Person>,
    /// Roles that somebody holds on one side alone.
    changed: BTreeSet<RoleName>,
}

/// Somebody, as both servers know them.
#[derive(Debug, Clone)]
struct Person {
    who: Who,
    was: Caller,
    is: Caller,
}

/// Whom a class tells from others who are signed in.
struct Known {
    roles: BTreeSet<RoleName>,
    columns: BTreeSet<FieldName>,
    users: BTreeSet<UserId>,
}

impl<'s> Sides<'s> {
    /// Two servers.
    pub fn new(old: &'s Engine<'s>, new: &'s Engine<'s>) -> Self {
        let everybody: Vec<Person> = everybody([old, new]).into_iter().map(|who| Person::of(who, old, new)).collect();
        let changed = everybody.iter().flat_map(|person| difference(&person.was, &person.is)).collect();
        Self { old, new, everybody, changed }
    }

    /// Roles that somebody holds on the older side and not on another one, or the other way round.
    pub fn changed_by(&self, other: &Engine<'_>) -> BTreeSet<RoleName> {
        self.everybody.iter().flat_map(|person| difference(&person.was, &person.who.caller(other))).collect()
    }

    /// What is reached further in a class, and what less far.
    pub fn moved(&self, name: &ClassName) -> (Vec<Moved>, Vec<Moved>) {
        let (before, after) = (self.old.app.classes.get(name), self.new.app.classes.get(name));
        let known = Known::by([(self.old, before), (self.new, after)]);
        if before == after && self.old.treats_alike(self.new, name) && known.roles.is_disjoint(&self.changed) {
            return (Vec::new(), Vec::new());
        }
        // Anybody else is told with all who are signed in.
        let mut people: Vec<Person> = self.everybody.iter().filter(|one| known.knows(one)).cloned().collect();
        let new_sets = self.new_sets(before, after);
        people.extend(new_sets.into_iter().map(|who| Person::of(who, self.old, self.new)));
        let (mut asked_before, mut asked) = (Asked::new(self.old, before), Asked::new(self.new, after));
        let (mut gains, mut losses) = (Vec::new(), Vec::new());
        for person in &people {
            let (was, is) = (asked_before.by(&person.was), asked.by(&person.is));
            compare(&was, &is, |op, field, was, is| {
                let atom = Atom { who: person.who.clone(), class: name.clone(), op, field: field.cloned() };
                match was.cmp(&is) {
                    Ordering::Less => gains.push((person, Moved { atom, was, is })),
                    Ordering::Greater => losses.push((person, Moved { atom, was, is })),
                    Ordering::Equal => {}
                }
            });
        }
        (further(&gains, |other, one| other.is >= one.is), further(&losses, |other, one| other.was >= one.was))
    }

    /// Sets of roles that reach something together on the newer side alone.
    fn new_sets(&self, before: Option<&Class>, after: Option<&Class>) -> BTreeSet<Who> {
        let new = |op, field| {
            let known = sets(self.old, before, op, field);
            sets(self.new, after, op, field).into_iter().filter(move |set| !known.contains(set))
        };
        let hidden: BTreeSet<FieldName> =
            after.into_iter().flat_map(|class| self.new.groups(class).into_values().flatten()).collect();
        let by_rows = Operation::ALL.into_iter().flat_map(|op| new(op, None));
        by_rows.chain(hidden.iter().flat_map(|field| new(Operation::Find, Some(field)))).collect()
    }
}

impl Person {
    fn of(who: Who, old: &Engine<'_>, new: &Engine<'_>) -> Self {
        let (was, is) = (who.caller(old), who.caller(new));
        Self { who, was, is }
    }

    /// Whether what this one reaches another one reaches too, whatever is granted.
    fn stands_for(&self, other: &Self) -> bool {
        [&other.was, &other.is].into_iter().all(|caller| self.who.stands_for(&other.who, held(caller)))
    }
}

impl Known {
    fn by(sides: [(&Engine<'_>, Option<&Class>); 2]) -> Self {
        let mut known = Self { roles: BTreeSet::new(), columns: BTreeSet::new(), users: BTreeSet::new() };
        for (engine, class) in sides {
            let Some(class) = class else { continue };
            known.roles.extend(engine.deciding_roles(class));
            for group in engine.groups(class).into_keys() {
                match group {
                    Group::UserField(column) => drop(known.columns.insert(column)),
                    Group::User(user) => drop(known.users.insert(user)),
                    Group::Anyone | Group::SignedIn | Group::Role(_) => {}
                }
            }
            let Some(clp) = class.clp.read() else { continue };
            known.users.extend(clp.users());
            if let DefaultAcl::Given { read, write, .. } = &clp.default_acl {
                known.users.extend(read.union(write).filter_map(|grantee| match grantee {
                    Grantee::User(user) => Some(*user),
                    Grantee::Anyone | Grantee::Role(_) => None,
                }));
            }
        }
        known
    }

    fn knows(&self, person: &Person) -> bool {
        let by_role = || [&person.was, &person.is].into_iter().any(|caller| !self.roles.is_disjoint(held(caller)));
        match &person.who {
            Who::One(Principal::Owner(column)) => self.columns.contains(column),
            Who::One(Principal::User(user)) => self.users.contains(user) || by_role(),
            Who::One(Principal::Role(_)) | Who::Set(_) => by_role(),
            Who::One(_) => true,
        }
    }
}

/// The roles that somebody holds.
fn held(caller: &Caller) -> &BTreeSet<RoleName> {
    static NONE: BTreeSet<RoleName> = BTreeSet::new();
    match caller {
        Caller::Client(client) => &client.roles,
        Caller::ReadOnlyMaster | Caller::Maintenance | Caller::Master => &NONE,
    }
}

fn difference(one: &Caller, other: &Caller) -> Vec<RoleName> {
    held(one).symmetric_difference(held(other)).cloned().collect()
}

/// Everything that both sides know the reach of.
fn compare(was: &Reached, is: &Reached, mut tell: impl FnMut(Operation, Option<&FieldName>, Level, Level)) {
    for op in Operation::ALL {
        if let (Some(was), Some(is)) = (*was.rows.get(op), *is.rows.get(op)) {
            tell(op, None, was, is);
        }
    }
    // By which operation rows are read on both sides; without one fields say nothing new.
    let read = |op: Operation| {
        let open = |side: &Reached| side.rows.get(op).filter(|level| *level > Level::None);
        Some((op, open(was)?, open(is)?))
    };
    let Some((op, before, now)) = read(Operation::Find).or_else(|| read(Operation::Get)) else { return };
    let (Some(shown_before), Some(shown)) = (&was.fields, &is.fields) else { return };
    for field in shown.difference(shown_before) {
        tell(op, Some(field), Level::None, now);
    }
    for field in shown_before.difference(shown) {
        tell(op, Some(field), before, Level::None);
    }
}

/// Something that moved, and for whom.
type MovedFor<'p> = (&'p Person, Moved);

/// Without what follows from what somebody else reaches of the same.
fn further(moved: &[MovedFor<'_>], better: impl Fn(&Moved, &Moved) -> bool) -> Vec<Moved> {
    let mut same: BTreeMap<(Operation, Option<&FieldName>), Vec<&MovedFor<'_>>> = BTreeMap::new();
    for one in moved {
        same.entry((one.1.atom.op, one.1.atom.field.as_ref())).or_default().push(one);
    }
    let follows = |(person, one): &&MovedFor<'_>| {
        let others = same.get(&(one.atom.op, one.atom.field.as_ref())).into_iter().flatten();
        others.into_iter().any(|(by, other)| {
            better(other, one) && by.stands_for(person) && (!person.stands_for(by) || by.who < person.who)
        })
    };
    moved.iter().filter(|one| !follows(one)).map(|(_, one)| one.clone()).collect()
}
