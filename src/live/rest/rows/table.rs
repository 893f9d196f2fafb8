//! Which kind of reading goes with which kind of writing, when it is known how many rows have each.

use std::collections::{BTreeMap, BTreeSet};

use super::kinds::Kind;
use super::{Acls, Stop};

/// How many rows have exactly which sides. Asks `at_least` how many have all of two kinds, and only where that does not
/// follow from what is left of the rows of each kind.
pub fn fill<'r, E>(
    read: &[(Kind<'r>, u64)],
    write: &[(Kind<'r>, u64)],
    mut at_least: impl FnMut(&Kind<'r>, &Kind<'r>) -> Result<u64, Stop<E>>,
) -> Result<Acls<'r>, Stop<E>> {
    let mut pairs: Vec<(&Kind<'r>, &Kind<'r>)> =
        read.iter().flat_map(|(of_read, _)| write.iter().map(move |(of_write, _)| (of_read, of_write))).collect();
    // A pair comes behind those that have all of it, so that what these have is known; and what is likely comes first.
    pairs.sort_by_key(|(of_read, of_write)| (usize::MAX - of_read.size() - of_write.size(), of_read != of_write));
    let mut open: BTreeSet<(&Kind<'r>, &Kind<'r>)> = pairs.iter().copied().collect();
    let mut left_to_read: BTreeMap<&Kind<'r>, u64> = read.iter().map(|(kind, rows)| (kind, *rows)).collect();
    let mut left_to_write: BTreeMap<&Kind<'r>, u64> = write.iter().map(|(kind, rows)| (kind, *rows)).collect();
    let mut acls = Acls::new();
    for (of_read, of_write) in pairs {
        open.remove(&(of_read, of_write));
        let left = |of: &BTreeMap<&Kind<'r>, u64>, kind: &Kind<'r>| of.get(kind).copied().unwrap_or_default();
        let most = left(&left_to_read, of_read).min(left(&left_to_write, of_write));
        if most == 0 {
            continue;
        }
        let is_only_for_read =
            !left_to_write.iter().any(|(other, rows)| *rows > 0 && open.contains(&(of_read, *other)));
        let is_only_for_write =
            !left_to_read.iter().any(|(other, rows)| *rows > 0 && open.contains(&(*other, of_write)));
        let rows = if is_only_for_read {
            left(&left_to_read, of_read)
        } else if is_only_for_write {
            left(&left_to_write, of_write)
        } else if of_read.size() == 0 || of_write.size() == 0 {
            // Users are what is left, and by now nothing else is.
            return Err(Stop::Misfit);
        } else {
            let larger = acls.iter().filter(|((r, w), _)| of_read.is_part_of(r) && of_write.is_part_of(w));
            let known: u64 = larger.map(|(_, rows)| rows).sum();
            at_least(of_read, of_write)?.checked_sub(known).ok_or(Stop::Misfit)?
        };
        if rows > most {
            return Err(Stop::Misfit);
        }
        if rows > 0 {
            *left_to_read.entry(of_read).or_default() -= rows;
            *left_to_write.entry(of_write).or_default() -= rows;
            acls.insert((of_read.clone(), of_write.clone()), rows);
        }
    }
    let is_rest = left_to_read.values().chain(left_to_write.values()).any(|rows| *rows > 0);
    if is_rest { Err(Stop::Misfit) } else { Ok(acls) }
}
