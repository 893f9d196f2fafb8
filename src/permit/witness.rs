//! Proof over sets of roles: what some users reach that none of their roles reaches alone.
//!
//! To read a field of a row, a set of roles needs one role that opens the operation,
//! one that the row's ACL admits, and, where the field is hidden, one whose group
//! does not hide it. Two of the three are unions and the third is an intersection
//! that cannot contain the field once one group lacks it. So whatever a set of roles
//! reaches, three of them reach: sets of up to three are a complete proof of "at
//! most these may".

use std::collections::BTreeSet;

use crate::model::census::Shape;
use crate::model::{Class, FieldName, Group, Known, Operation, RoleName};

use super::Engine;
use super::caller::{Caller, Client};
use super::decide::{Condition, Verdict};
use super::object::{Side, shape_admits};

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

/// What one role, or no role, contributes.
struct Part {
    role: Option<RoleName>,
    opens: bool,
    admitted: Vec<bool>,
    /// A protected-fields group applies to the role and leaves the field visible.
    shows: bool,
}

/// What is asked, with everything that stays the same over all sets.
struct Question<'q> {
    engine: &'q Engine<'q>,
    class: &'q Class,
    op: Operation,
    field: Option<&'q FieldName>,
    shapes: Vec<Option<&'q Shape>>,
}

/// More sets than this are not tried; the answer then says that there may be more.
const MAX_TRIED: usize = 200_000;

impl Engine<'_> {
    /// The sets of roles that reach an operation on rows of a class, and a field of
    /// them if one is asked about, although no smaller part of the set does.
    pub fn combinations(&self, class: &Class, op: Operation, field: Option<&FieldName>) -> Combinations {
        let question = Question { engine: self, class, op, field, shapes: shapes_of(class, op) };
        let roles: Vec<RoleName> = self.app.role_names().into_iter().collect();
        let alone = question.part(None);
        let parts: Vec<Part> = roles.into_iter().map(|role| question.part(Some(role))).collect();
        let mut found = Combinations { covered: sets_up_to_three(parts.len() as u64), ..Combinations::default() };
        let mut tried = 0;
        for row in 0..question.shapes.len() {
            let admits = |part: &Part| part.admitted.get(row).copied().unwrap_or(false);
            let openers = needed(&parts, alone.opens, |part| part.opens);
            let admitted = needed(&parts, admits(&alone), admits);
            let mut showing = vec![None];
            showing.extend(parts.iter().filter(|part| part.shows).map(|part| part.role.as_ref()));
            for opener in &openers {
                for admitted in &admitted {
                    for shower in &showing {
                        let set: BTreeSet<RoleName> =
                            [opener, admitted, shower].into_iter().flatten().map(|role| (*role).clone()).collect();
                        tried += 1;
                        if tried > MAX_TRIED || found.sets.len() == MAX_LISTED {
                            found.more = true;
                            return found;
                        }
                        let is_new = set.len() > 1 && !found.sets.contains(&set);
                        if is_new
                            && question.reaches(&set, row)
                            && !smaller(&set).any(|part| question.reaches(&part, row))
                        {
                            found.sets.insert(set);
                        }
                    }
                }
            }
        }
        found
    }
}

impl Question<'_> {
    fn client(&self, roles: impl IntoIterator<Item = RoleName>) -> Caller {
        let roles: Vec<RoleName> = roles.into_iter().collect();
        Caller::with_roles(&roles, self.engine.app)
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

    fn shows(&self, caller: &Caller) -> bool {
        self.field.is_none_or(|field| !self.engine.hidden(caller, self.class).contains(field))
    }

    fn part(&self, role: Option<RoleName>) -> Part {
        let caller = self.client(role.clone());
        let Caller::Client(client) = &caller else {
            return Part { role, opens: true, admitted: Vec::new(), shows: true };
        };
        let in_group = self
            .engine
            .groups(self.class)
            .keys()
            .any(|group| matches!(group, Group::Role(role) if client.roles.contains(role)));
        Part {
            opens: self.opens(&caller),
            admitted: (0..self.shapes.len()).map(|row| self.admits(client, row)).collect(),
            shows: in_group && self.field.is_some() && self.shows(&caller),
            role,
        }
    }

    /// Whether a user with exactly these roles gets the field of the row.
    fn reaches(&self, roles: &BTreeSet<RoleName>, row: usize) -> bool {
        let caller = self.client(roles.iter().cloned());
        let Caller::Client(client) = &caller else { return true };
        self.opens(&caller) && self.admits(client, row) && self.shows(&caller)
    }
}

/// Every part of a set of up to three that lacks something, the empty one included.
fn smaller(set: &BTreeSet<RoleName>) -> impl Iterator<Item = BTreeSet<RoleName>> {
    let roles: Vec<&RoleName> = set.iter().collect();
    let all = 1usize << roles.len();
    (0..all - 1).map(move |bits| {
        let kept = roles.iter().enumerate().filter(|(number, _)| bits & (1 << number) != 0);
        kept.map(|(_, role)| (*role).clone()).collect()
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

/// The roles that can give a thing, or nothing at all if it is there without roles.
fn needed(parts: &[Part], there: bool, gives: impl Fn(&Part) -> bool) -> Vec<Option<&RoleName>> {
    if there {
        return vec![None];
    }
    parts.iter().filter(|part| gives(part)).map(|part| part.role.as_ref()).collect()
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
