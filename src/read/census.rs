//! The second pass: which rows there are, who the users are, and the rows of each class counted.

use std::collections::BTreeSet;

use rayon::prelude::*;

use crate::live::kept::{Kept, Key, Part};
use crate::live::sampling::Chosen;
use crate::model::{App, ClassName, Known, Why};
use crate::problem::Problem;

use super::count::{self, Counted, Outcome};
use super::parts::{Parts, RowForm, Rows};
use super::source::{Bytes, Candidate};
use super::tally::UserIds;
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
    let users = users(&places);
    let outcomes: Vec<Outcome> =
        places.par_iter().map(|place| place.count_or_take(users.as_ref(), kept, progress)).collect();
    let mut counted: Vec<(&Candidate, Counted)> = Vec::new();
    let mut cut_off: BTreeSet<&ClassName> = BTreeSet::new();
    let mut problems = Vec::new();
    for ((counts, problem), place) in outcomes.into_iter().zip(&places) {
        // A part of a file is what there is; of a running app the rest is there, and may be anything.
        if problem.is_some() && matches!(place.candidate.bytes, Bytes::Live(_)) {
            cut_off.extend(&place.class);
        }
        counted.extend(counts.into_iter().map(|counts| (place.candidate, counts)));
        problems.extend(problem);
    }
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
            let outcome = self.count(users, progress);
            if let (Some(kept), Bytes::Live(_), (_, Some(_))) = (kept, &self.candidate.bytes, &outcome) {
                kept.fail();
            }
            return outcome;
        };
        if let Some(Part { census, ids }) = kept.take(&key) {
            progress.read(self.candidate.size);
            let leaks = count::NO_LEAKS;
            return (vec![Counted { class: class.clone(), census: Some(census), leaks, ids }], None);
        }
        let (counted, problem) = self.count(users, progress);
        match (counted.as_slice(), &problem) {
            ([Counted { census: Some(census), ids, .. }], None) => {
                kept.put(&key, &Part { census: census.clone(), ids: *ids });
            }
            (_, None) => {}
            (_, Some(_)) => kept.fail(),
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

/// The ids of all users, if there is an export of `_User` that can be read to its end.
fn users(places: &[Place<'_>]) -> Option<UserIds> {
    let of_users = places
        .par_iter()
        .filter(|place| place.class.as_ref().is_some_and(|class| *class == "_User") || place.rows.form == RowForm::Sql);
    let sets: Option<Vec<UserIds>> = of_users.map(|place| count::user_ids(place.candidate, place.rows.form)).collect();
    let mut users = UserIds::default();
    sets?.into_iter().for_each(|set| users.extend(set));
    (!users.is_empty()).then_some(users)
}
