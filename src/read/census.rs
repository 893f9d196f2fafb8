//! The second pass: which rows there are, who the users are, and the rows of each class counted.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use crate::live::kept::{Kept, Key, Part};
use crate::live::sampling::Chosen;
use crate::model::{App, ClassName, Known, Why};
use crate::problem::Problem;

use super::count::{self, Counted, Outcome};
use super::ids::UserIds;
use super::parts::{Parts, RowForm, Rows};
use super::source::{Bytes, Candidate};
use super::{Progress, assemble};

/// Rows in one place, of one class if it is not a dump.
struct Place<'r> {
    candidate: &'r Candidate,
    rows: &'r Rows,
    class: Option<ClassName>,
}

/// Counts all rows, and adds the counts to the app. What is told is what could not be counted.
pub fn take(
    app: &mut App,
    candidates: &[Candidate],
    parts: &[(usize, Parts)],
    kept: Option<&Kept>,
    progress: &dyn Progress,
) -> Vec<Problem> {
    let known: BTreeSet<ClassName> = app.classes.keys().cloned().collect();
    let places: Vec<Place<'_>> = parts
        .iter()
        .filter_map(|(number, parts)| Some((candidates.get(*number)?, parts)))
        .flat_map(|(candidate, parts)| parts.rows.iter().map(move |rows| (candidate, rows)))
        .map(|(candidate, rows)| Place { candidate, rows, class: count::class_of(candidate, rows, &known) })
        .collect();
    progress.expect(places.iter().fold(0, |sum, place| sum.saturating_add(place.candidate.size)));
    let (users, mut of_users) = users(&places, progress);
    let rest: Vec<Option<Outcome>> = places
        .par_iter()
        .enumerate()
        .map(|(number, place)| {
            let is_left = !of_users.contains_key(&number);
            is_left.then(|| place.count_or_take(users.as_ref(), kept, progress))
        })
        .collect();
    let outcomes: Vec<Outcome> =
        (0..).zip(rest).filter_map(|(number, rest)| rest.or_else(|| of_users.remove(&number))).collect();
    let mut counted: Vec<(&Candidate, Counted)> = Vec::new();
    let mut cut_off: BTreeSet<&ClassName> = BTreeSet::new();
    let mut problems = Vec::new();
    let mut unreadable: BTreeMap<(&str, &ClassName), u64> = BTreeMap::new();
    for ((counts, problem), place) in outcomes.into_iter().zip(&places) {
        // A part of a file is what there is; of a running app the rest is there, and may be anything.
        if problem.is_some() && matches!(place.candidate.bytes, Bytes::Live(_)) {
            cut_off.extend(&place.class);
            kept.into_iter().for_each(Kept::fail);
        }
        if let (Bytes::Live(_), Some(class)) = (&place.candidate.bytes, &place.class) {
            let rows: u64 =
                counts.iter().filter_map(|counted| counted.census.as_ref()).map(|census| census.unreadable).sum();
            *unreadable.entry((&place.candidate.path, class)).or_default() += rows;
        }
        counted.extend(counts.into_iter().map(|counts| (place.candidate, counts)));
        problems.extend(problem);
    }
    problems.extend(unreadable.into_iter().filter(|(_, rows)| *rows > 0).map(|((path, class), rows)| {
        let message = match rows {
            1 => "the ACL of 1 row is none, or names more roles than are read".to_owned(),
            rows => format!("the ACLs of {rows} rows are none, or name more roles than are read"),
        };
        Problem::new(path, message, format!("who may read and write such rows of {class} is not known"))
    }));
    assemble::add_rows(app, counted);
    for place in &places {
        let chosen = place.chosen().zip(place.class.as_ref());
        let Some((why, class)) = chosen.and_then(|(chosen, class)| Some((unlike(app, class, chosen)?, class))) else {
            continue;
        };
        cut_off.insert(class);
        problems.push(Problem::new(&place.candidate.path, why, format!("rows of {class} were not counted")));
    }
    for name in cut_off {
        if let Some(class) = app.classes.get_mut(name) {
            class.rows = Known::Unread(Why::Failed);
        }
    }
    problems
}

/// Why a sample says nothing of all rows, if it does not: there are far more or far less of them than it lets expect.
fn unlike(app: &App, class: &ClassName, chosen: Chosen) -> Option<String> {
    let census = app.classes.get(class)?.rows.read()?;
    let looked_at = census.sample.as_ref()?.parts.len() as u64;
    let (rows, expected) = (chosen.rows?, census.rows().saturating_mul(chosen.of) / looked_at.max(1));
    let is_like = expected >= rows / 2 && expected / 2 <= rows;
    (!is_like).then(|| {
        format!("it has {rows} rows, and a sample lets expect {expected}: its ids are not spread as Parse Server's are; count all")
    })
}

impl Place<'_> {
    fn count_or_take(&self, users: Option<&UserIds>, kept: Option<&Kept>, progress: &dyn Progress) -> Outcome {
        let Some((class, kept, key)) = self.key(users.is_some(), kept) else {
            return self.count(users, progress);
        };
        if let Some(Part { census, ids }) = kept.take(&key) {
            progress.read(self.candidate.size);
            let leaks = count::NO_LEAKS;
            return (vec![Counted { class: class.clone(), census: Some(census), leaks, ids }], None);
        }
        let (counted, problem) = self.count(users, progress);
        if let ([Counted { census: Some(census), ids, .. }], None) = (counted.as_slice(), &problem) {
            kept.put(&key, &Part { census: census.clone(), ids: *ids });
        }
        (counted, problem.map(|problem| problem.and("`--resume` goes on from there")))
    }

    fn count(&self, users: Option<&UserIds>, progress: &dyn Progress) -> Outcome {
        let (mut counted, problem) = count::count(self.candidate, self.rows, self.class.as_ref(), users, progress);
        if let Some(Chosen { of, .. }) = self.chosen() {
            for counted in &mut counted {
                counted.census = counted.census.take().map(|census| census.of_sample(of));
            }
        }
        (counted, problem)
    }

    /// Of what these rows were chosen, if they were.
    fn chosen(&self) -> Option<Chosen> {
        match &self.candidate.bytes {
            Bytes::Live(rows) => rows.chosen(),
            _ => None,
        }
    }

    /// What these rows are kept under, if they can be.
    fn key<'k>(&self, users: bool, kept: Option<&'k Kept>) -> Option<(&ClassName, &'k Kept, Key)> {
        let (Bytes::Live(rows), Some(class), Some(kept)) = (&self.candidate.bytes, &self.class, kept) else {
            return None;
        };
        let (url, part) = (self.candidate.path.clone(), rows.part().filter(|_| rows.chosen().is_none())?);
        Some((class, kept, Key { url, class: class.to_string(), part, users }))
    }
}

/// What rows of users came to, by the number of their place.
type OfUsers = BTreeMap<usize, Outcome>;

/// The ids of all users, if there is an export of `_User` that can be read to its end.
///
/// Those of a running app are asked for once: what they come to is told as well, unless they name other users, who
/// have to be looked up.
fn users(places: &[Place<'_>], progress: &dyn Progress) -> (Option<UserIds>, OfUsers) {
    let is_of_users = |place: &Place<'_>| {
        place.class.as_ref().is_some_and(|class| *class == "_User") || place.rows.form == RowForm::Sql
    };
    let of_users = places.par_iter().enumerate().filter(|(_, place)| is_of_users(place));
    let read: Vec<(usize, Option<UserIds>, Option<Outcome>)> = of_users
        .map(|(number, place)| match (&place.candidate.bytes, &place.class) {
            (Bytes::Live(_), Some(class)) => {
                let users = count::count_users(place.candidate, place.rows, class, progress);
                let is_whole = users.outcome.1.is_none();
                // Where they were cut off, they are not asked for again.
                let outcome = (!is_whole || !users.name_others).then_some(users.outcome);
                (number, is_whole.then_some(users.ids), outcome)
            }
            _ => (number, count::user_ids(place.candidate, place.rows.form), None),
        })
        .collect();
    let (mut users, mut is_whole, mut outcomes) = (UserIds::default(), true, OfUsers::new());
    for (number, ids, outcome) in read {
        is_whole &= ids.is_some();
        users.extend(ids.unwrap_or_default());
        outcomes.extend(outcome.map(|outcome| (number, outcome)));
    }
    let users = Some(users).filter(|users| is_whole && !users.is_empty());
    let counts = outcomes.values_mut().flat_map(|(counts, _)| counts).filter_map(|counted| counted.census.as_mut());
    counts.for_each(|census| census.users_known = users.is_some());
    (users, outcomes)
}
