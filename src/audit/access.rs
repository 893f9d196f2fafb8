//! Effective access of the public and of any signed-in user, worked out once for all rules.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::clp::DefaultAcl;
use crate::model::{ByOperation, Class, FieldName, Operation, Place, Principal};
use crate::permit::{Caller, Cell, Engine, Reach};
use crate::rules::words::{Tag, Words};
use crate::rules::{PermissionMatcher, Who, Written};

use super::fact::{Fact, in_words};

/// Access to one description of a class.
#[derive(Debug)]
pub struct Access<'a> {
    /// The description.
    pub class: &'a Class,
    public: Side<'a>,
    any_user: Side<'a>,
    /// What the columns hold; those that hold nothing special are left out.
    tags: BTreeMap<&'a FieldName, BTreeSet<Tag>>,
}

/// What one of the two may do.
#[derive(Debug)]
struct Side<'a> {
    cells: ByOperation<Cell>,
    visible: BTreeSet<&'a FieldName>,
}

/// Works out the access to every description of every class.
pub fn all<'a>(engine: &'a Engine<'a>, words: &Words) -> Vec<Access<'a>> {
    let (public, any_user) = (engine.caller(&Principal::Public), engine.caller(&Principal::AnyUser));
    let side = |caller: &Caller, class: &'a Class| Side {
        cells: ByOperation::of(|op| engine.cell(caller, class, op)),
        visible: engine.visible(caller, class).read().cloned().unwrap_or_default(),
    };
    let access = |class| Access {
        class,
        public: side(&public, class),
        any_user: side(&any_user, class),
        tags: words.tagged(class),
    };
    engine.app.descriptions().map(access).collect()
}

impl<'a> Side<'a> {
    fn cell(&self, op: Operation) -> &Cell {
        self.cells.get(op)
    }

    /// Whether the class lets it try the operation, whatever the rows say then.
    fn admitted(&self, op: Operation) -> bool {
        let cell = self.cell(op);
        // Own rows by ACL were counted; own rows by a column are not, and are no admission.
        cell.dormant
            || cell
                .known()
                .is_none_or(|reach| reach > Reach::OwnRows || (reach == Reach::OwnRows && cell.rows.is_read()))
    }

    fn admitted_by_any(&self, ops: &[Operation]) -> bool {
        ops.iter().any(|op| self.admitted(*op))
    }
}

impl<'a> Access<'a> {
    /// Whether a column holds data of one of these kinds.
    pub fn holds(&self, kinds: &[Tag]) -> bool {
        self.tags.values().any(|tags| kinds.iter().any(|kind| tags.contains(kind)))
    }

    /// The columns with data of one of these kinds that the public sees.
    pub fn shown_to_public(&self, kinds: &[Tag]) -> BTreeSet<&'a FieldName> {
        let shown = self.tags.iter().filter(|(name, _)| self.public.visible.contains(*name));
        shown.filter(|(_, tags)| kinds.iter().any(|kind| tags.contains(kind))).map(|(name, _)| *name).collect()
    }

    /// Whether the public, or else any signed-in user, reaches rows beyond its own by the operation.
    pub fn reached_by(&self, op: Operation) -> Option<Who> {
        let open = |side: &Side<'_>| side.cell(op).known().is_some_and(|reach| reach > Reach::OwnRows);
        match (open(&self.public), open(&self.any_user)) {
            (true, _) => Some(Who::Public),
            (false, true) => Some(Who::AnyUser),
            (false, false) => None,
        }
    }

    /// Whether the class lets the public, or else any signed-in user, try the operation,
    /// whatever the rows say then.
    pub fn admitted_by(&self, op: Operation) -> Option<Who> {
        match (self.public.admitted(op), self.any_user.admitted(op)) {
            _ if !self.class.clp.is_read() => None,
            (true, _) => Some(Who::Public),
            (false, true) => Some(Who::AnyUser),
            (false, false) => None,
        }
    }

    /// What a `[permission]` table finds in the class.
    pub fn matches(&self, matcher: &PermissionMatcher) -> Option<Fact> {
        if !self.is_meant(matcher) {
            return None;
        }
        match matcher.who {
            Who::Public => self.matches_side(&self.public, None, Who::Public, matcher),
            Who::AnyUser => self.matches_side(&self.any_user, Some(&self.public), Who::AnyUser, matcher),
            Who::Anyone => {
                let public = self.matches_side(&self.public, None, Who::Public, matcher);
                public.or_else(|| self.matches_side(&self.any_user, Some(&self.public), Who::AnyUser, matcher))
            }
        }
    }

    fn is_meant(&self, matcher: &PermissionMatcher) -> bool {
        let name = self.class.name.as_str();
        let named = |list: &[String]| list.iter().any(|class| class == name);
        let Some(clp) = self.class.clp.read() else { return false };
        let in_classes = if matcher.classes.is_empty() {
            matcher.system || !self.class.name.is_system()
        } else {
            named(&matcher.classes)
        };
        let written = match matcher.clp {
            None => true,
            Some(Written::Written) => clp.written,
            Some(Written::Missing) => !clp.written,
        };
        let default_acl = matcher.default_acl.is_none() || clp.default_acl == DefaultAcl::None;
        let has_columns = || {
            let by_operation =
                Operation::ALL.iter().filter_map(|op| clp.grants(*op)).any(|grants| grants.pointer_fields.opens);
            by_operation || clp.read_user_fields.opens || clp.write_user_fields.opens
        };
        in_classes && !named(&matcher.except) && written && default_acl && (!matcher.owner_columns || has_columns())
    }

    fn matches_side(
        &self,
        side: &Side<'_>,
        weaker: Option<&Side<'_>>,
        who: Who,
        matcher: &PermissionMatcher,
    ) -> Option<Fact> {
        let enough = if matcher.own_rows { Reach::OwnRows } else { Reach::SomeRows };
        let reaches = |side: &Side<'_>, op: Operation| side.cell(op).known().is_some_and(|reach| reach >= enough);
        let counts =
            |op: Operation| matcher.rows.is_none() || side.cell(op).rows.read().is_some_and(|rows| rows.reached > 0);
        let hit = |op: &Operation| match matcher.dormant {
            true => side.cell(*op).dormant && weaker.is_none_or(|weaker| !weaker.cell(*op).dormant),
            false => reaches(side, *op) && counts(*op) && weaker.is_none_or(|weaker| !reaches(weaker, *op)),
        };
        let operations: Vec<Operation> = matcher.can.iter().copied().filter(hit).collect();
        let first = *operations.first()?;
        if matcher.cannot.iter().any(|op| reaches(side, *op)) {
            return None;
        }
        if !matcher.admits.is_empty() && !matcher.admits.iter().any(|op| self.admitted_by(*op).is_some()) {
            return None;
        }
        let fields = self.tagged(side, first, matcher);
        if fields.is_empty() && !matcher.data.is_empty() {
            return None;
        }
        let subject = match matcher.can.as_slice() {
            [only] => format!("{}.{only}", self.class.name),
            _ => self.class.name.to_string(),
        };
        let mut fact = Fact::new("permission", "", subject, self.place(first))
            .about(&self.class.name)
            .word("operations", in_words(&operations))
            .word("fields", in_words(&fields))
            .word("who", words_for(who))
            .with_fields(fields);
        // Rows are counted for callers whoever they are, which says nothing of those of their own.
        if !matcher.own_rows {
            fact.rows = operations.iter().filter_map(|op| side.cell(*op).rows.read().copied()).max();
        }
        fact.reached_by = Some(who);
        if let (Some(rows), Some(at)) = (fact.rows, &self.class.rows_at) {
            let share = if rows.reached == rows.total && rows.share.is_none() {
                "all rows".to_owned()
            } else {
                format!("{} of {} rows", rows.reached, rows.of())
            };
            fact.related.push((at.clone(), format!("{share} of {} that were counted", self.class.name)));
        }
        Some(fact)
    }

    /// The columns that hold something of one of these kinds, as far as the operation shows or takes them.
    fn tagged(&self, side: &Side<'_>, op: Operation, matcher: &PermissionMatcher) -> BTreeSet<&'a FieldName> {
        let tagged = self.tags.iter().filter(|(_, own)| matcher.data.iter().any(|tag| own.contains(tag)));
        let mut tagged: BTreeSet<&FieldName> = tagged.map(|(field, _)| *field).collect();
        if op.is_read() {
            tagged.retain(|field| side.visible.contains(*field));
        } else if !matcher.admits.is_empty() {
            // What is written is at stake as far as those who are let in afterwards see it.
            let readers: Vec<&Side<'_>> = [&self.public, &self.any_user]
                .into_iter()
                .filter(|side| side.admitted_by_any(&matcher.admits))
                .collect();
            tagged.retain(|field| readers.iter().any(|side| side.visible.contains(*field)));
        }
        tagged
    }

    /// Where the permission of an operation stands; of a class without permissions, the class itself.
    fn place(&self, op: Operation) -> Place {
        match self.class.clp.read() {
            Some(clp) if clp.written => self.class.grant_place(op),
            _ => self.class.name_place(),
        }
    }
}

/// Who, in a sentence.
pub fn words_for(who: Who) -> &'static str {
    match who {
        Who::Public | Who::Anyone => "anyone on the internet",
        Who::AnyUser => "any signed-in user",
    }
}
