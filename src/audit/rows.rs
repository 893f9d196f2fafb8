//! What the ACLs of rows have in common.

use crate::model::census::{Shape, Users};
use crate::model::{Census, Operation, Place};
use crate::rules::Who;

use super::access::{Access, words_for};
use super::fact::Fact;

/// Rows with an ACL that is not public are at least this share, in percent, of a
/// class that is taken to use ACLs.
const USES_ACLS: u64 = 20;

/// The facts about the rows of one class.
pub fn facts(access: &Access<'_>) -> Vec<Fact> {
    let (Some(census), Some(at)) = (access.class.rows.read(), &access.class.rows_at) else { return Vec::new() };
    let counts = Counts { access, census, at };
    let mut facts = Vec::new();
    let reads = [Operation::Find, Operation::Get, Operation::Count];
    let writes = [Operation::Update, Operation::Delete];
    let all = [reads.as_slice(), writes.as_slice()].concat();
    let without = |shape: &Shape| shape.is_missing() && !shape.legacy;
    if uses_acls(census) {
        facts.extend(counts.fact("missing-in-part", without, &all));
    }
    facts.extend(counts.fact("half-stored", Shape::is_half_stored, &all));
    facts.extend(counts.fact("legacy-only", |shape| shape.legacy, &all));
    facts.extend(counts.fact("public-write", Shape::is_public_write, &writes));
    facts.extend(counts.fact("orphaned-user", has_orphan, &all));
    if access.class.name == "_User" {
        facts.extend(counts.fact("written-by-others", written_by_others, &writes));
    }
    facts
}

struct Counts<'a> {
    access: &'a Access<'a>,
    census: &'a Census,
    at: &'a Place,
}

impl Counts<'_> {
    /// The fact that some rows are so, if any are, and who can make use of it.
    fn fact(&self, kind: &'static str, is: impl Fn(&Shape) -> bool, operations: &[Operation]) -> Option<Fact> {
        let rows = self.census.some(is);
        if rows.reached == 0 {
            return None;
        }
        let class = &self.access.class.name;
        let who = operations.iter().filter_map(|op| self.admitted(*op)).min();
        let mut fact = Fact::new("rows", kind, class.to_string(), self.at.clone())
            .about(class)
            .with_rows(rows)
            .word("who", who.map_or("nobody", words_for));
        fact.reached_by = who;
        Some(fact)
    }

    /// Whom the class lets in, whatever the rows say.
    fn admitted(&self, op: Operation) -> Option<Who> {
        self.access.admitted_by(op)
    }
}

/// Whether enough rows have an ACL for the others to be an oversight.
fn uses_acls(census: &Census) -> bool {
    let closed = census.count(|shape| !shape.is_public_read() || !shape.is_public_write());
    let restricted = census.count(|shape| !shape.is_missing()).min(closed);
    u128::from(restricted) * 100 >= u128::from(census.rows()) * u128::from(USES_ACLS) && restricted > 0
}

fn has_orphan(shape: &Shape) -> bool {
    [&shape.read, &shape.write].into_iter().flatten().any(|entries| entries.orphan)
}

/// Whether others than the user itself may change a row of `_User`.
fn written_by_others(shape: &Shape) -> bool {
    match &shape.write {
        None => true,
        Some(entries) => {
            entries.anyone || !entries.roles.is_empty() || matches!(entries.users, Users::One | Users::Many)
        }
    }
}
