//! Proof over sets of roles: what some users reach that none of their roles reaches alone.
//!
//! To read a field of a row, a set of roles needs one role that opens the operation,
//! one that the row's ACL admits, and, where the field is hidden, one whose group
//! does not hide it. Two of the three are unions and the third is an intersection
//! that cannot contain the field once one group lacks it. So whatever a set of roles
//! reaches, three of them reach: sets of up to three are a complete proof of "at
//! most these may".

use std::collections::{BTreeMap, BTreeSet};

use crate::model::census::Shape;
use crate::model::{Class, FieldName, Group, Known, Operation, RoleName};

use super::caller::{Caller, Client, User};
use super::decide::{Condition, Verdict};
use super::fields::Groups;
use super::object::{Side, shape_admits};
use super::{Engine, fields};

/// More sets than this are counted, not listed.
pub const MAX_LISTED: usize = 1000;

/// What combinations of roles reach beyond their members.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Combinations {
    /// Sets of two or three roles that together reach what no smaller part of them
    /// reaches; sorted, at most [`MAX_LISTED`].
    pub sets: BTreeSet<BTreeSet<RoleName>>,
    /// Whether there are more sets than are listed.
    pub more: bool,
    /// How many sets of up to three roles the answer covers.
    pub covered: u64,
}

/// What a role, or no role, contributes; the same for roles that hold the same of those that decide.
struct Part {
    opens: bool,
    admitted: Vec<bool>,
    /// A protected-fields group applies to the role and leaves the field visible.
    shows: bool,
}

/// A role that may contribute, and the number of its part.
struct Able<'e> {
    role: &'e RoleName,
    part: usize,
}

/// What is asked, with everything that stays the same over all sets.
struct Question<'q> {
    engine: &'q Engine<'q>,
    class: &'q Class,
    op: Operation,
    field: Option<&'q FieldName>,
    shapes: Vec<Option<&'q Shape>>,
    groups: Groups,
    /// The deciding roles that are held, by the number of a part.
    held: Vec<BTreeSet<RoleName>>,
}

/// Whether users reach a row by the parts of their roles: it is asked again and again.
type Reached = BTreeMap<BTreeSet<usize>, bool>;

/// More sets than this are not tried; the answer then says that there may be more.
const MAX_TRIED: usize = 200_000;

impl Engine<'_> {
    /// The sets of roles that reach an operation on rows of a class, and a field of
    /// them if one is asked about, although no smaller part of the set does.
    pub fn combinations(&self, class: &Class, op: Operation, field: Option<&FieldName>) -> Combinations {
        let (shapes, groups) = (shapes_of(class, op), self.groups(class));
        let mut question = Question { engine: self, class, op, field, shapes, groups, held: Vec::new() };
        let roles = question.able();
        let alone = question.part(&BTreeSet::new());
        let parts: Vec<Part> = question.held.iter().map(|held| question.part(held)).collect();
        let covered = sets_up_to_three(self.roles().len() as u64);
        let mut found = Combinations { covered, ..Combinations::default() };
        let mut tried = 0;
        for row in 0..question.shapes.len() {
            let mut reached = Reached::new();
            let admits = |part: &Part| part.admitted.get(row).copied().unwrap_or(false);
            let giving = |gives: &dyn Fn(&Part) -> bool| -> Vec<Option<&Able<'_>>> {
                roles.iter().filter(|able| parts.get(able.part).is_some_and(gives)).map(Some).collect()
            };
            // What is there without roles no role is needed for.
            let needed = |there: bool, gives: &dyn Fn(&Part) -> bool| if there { vec![None] } else { giving(gives) };
            let openers = needed(alone.opens, &|part| part.opens);
            let admitted = needed(admits(&alone), &admits);
            let showing = [vec![None], giving(&|part| part.shows)].concat();
            for opener in &openers {
                for admitted in &admitted {
                    for shower in &showing {
                        tried += 1;
                        if tried > MAX_TRIED || found.sets.len() == MAX_LISTED {
                            found.more = true;
                            return found;
                        }
                        let able = || [opener, admitted, shower].into_iter().filter_map(|able| *able);
                        let held: BTreeSet<usize> = able().map(|able| able.part).collect();
                        let set: BTreeSet<&RoleName> = able().map(|able| able.role).collect();
                        // Of two roles with the same part one is enough.
                        if set.len() > 1 && held.len() == set.len() && question.needs_all(&held, row, &mut reached) {
                            found.sets.insert(set.into_iter().cloned().collect());
                        }
                    }
                }
            }
        }
        found
    }
}

impl<'q> Question<'q> {
    /// The roles that hold one that decides, whose parts are taken down; any other contributes what no role does.
    fn able(&mut self) -> Vec<Able<'q>> {
        let deciding = self.engine.deciding_roles(self.class);
        let mut numbers: BTreeMap<BTreeSet<RoleName>, usize> = BTreeMap::new();
        let mut able = Vec::new();
        for (role, held) in self.engine.roles() {
            let held: BTreeSet<RoleName> = held.intersection(&deciding).cloned().collect();
            if held.is_empty() {
                continue;
            }
            let next = self.held.len();
            let part = *numbers.entry(held.clone()).or_insert(next);
            if part == next {
                self.held.push(held);
            }
            able.push(Able { role, part });
        }
        able
    }

    fn opens(&self, caller: &Caller) -> bool {
        match self.engine.verdict(caller, self.class, self.op, &mut ()) {
            Verdict::Allow => true,
            // Rows that point at the caller are its own, whatever its roles.
            Verdict::If(conditions) => conditions.iter().all(|condition| matches!(condition, Condition::Acl(_))),
            Verdict::Deny(_) | Verdict::Unknown(_) => false,
        }
    }

    fn admits(&self, client: &Client, row: usize) -> bool {
        let side = if self.op.is_read() { Side::Read } else { Side::Write };
        self.shapes.get(row).is_some_and(|shape| shape.is_none_or(|shape| shape_admits(shape, side, client)))
    }

    fn shows(&self, client: &Client) -> bool {
        let hidden = |field| fields::hidden(&self.groups, client, &self.engine.settings.behaviour).contains(field);
        self.field.is_none_or(|field| !hidden(field))
    }

    /// What a user with these of the deciding roles gets.
    fn part(&self, roles: &BTreeSet<RoleName>) -> Part {
        let client = user_with(roles.clone());
        let in_group = self.groups.keys().any(|group| matches!(group, Group::Role(role) if roles.contains(role)));
        Part {
            admitted: (0..self.shapes.len()).map(|row| self.admits(&client, row)).collect(),
            shows: in_group && self.field.is_some() && self.shows(&client),
            opens: self.opens(&Caller::Client(client)),
        }
    }

    /// Whether a user with all of these parts gets the field of the row, and with fewer does not.
    fn needs_all(&self, parts: &BTreeSet<usize>, row: usize, reached: &mut Reached) -> bool {
        self.reaches(parts, row, reached) && !smaller(parts).any(|fewer| self.reaches(&fewer, row, reached))
    }

    /// Whether a user with exactly these parts gets the field of the row.
    fn reaches(&self, parts: &BTreeSet<usize>, row: usize, reached: &mut Reached) -> bool {
        if let Some(known) = reached.get(parts) {
            return *known;
        }
        let client = user_with(parts.iter().filter_map(|part| self.held.get(*part)).flatten().cloned().collect());
        let is_reached = self.admits(&client, row) && self.shows(&client) && self.opens(&Caller::Client(client));
        reached.insert(parts.clone(), is_reached);
        is_reached
    }
}

/// A user with exactly these roles.
fn user_with(roles: BTreeSet<RoleName>) -> Client {
    Client { user: User::Somebody, roles }
}

/// Every part of a set of up to three that lacks something, the empty one included.
fn smaller(set: &BTreeSet<usize>) -> impl Iterator<Item = BTreeSet<usize>> {
    let all = 1usize << set.len();
    (0..all - 1).map(move |bits| {
        let kept = set.iter().enumerate().filter(|(number, _)| bits & (1 << number) != 0);
        kept.map(|(_, part)| *part).collect()
    })
}

/// The shapes of rows; where rows were not read or are not asked, one row that everybody may touch.
fn shapes_of(class: &Class, op: Operation) -> Vec<Option<&Shape>> {
    match &class.rows {
        _ if !op.asks_rows() => vec![None],
        Known::Read(census) if !census.shapes.is_empty() => census.shapes.keys().map(Some).collect(),
        Known::Read(_) | Known::Unread(_) => vec![None],
    }
}

fn sets_up_to_three(count: u64) -> u64 {
    let pairs = count * count.saturating_sub(1) / 2;
    count + pairs + pairs * count.saturating_sub(2) / 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twelve_roles_have_298_sets_of_up_to_three() {
        assert_eq!(sets_up_to_three(12), 298);
        assert_eq!((sets_up_to_three(0), sets_up_to_three(1), sets_up_to_three(2)), (0, 1, 3));
    }
}
