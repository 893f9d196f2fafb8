//! Which parts of a class are looked at where not all are.

use std::collections::BTreeSet;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use crate::model::sample::LEAST_PARTS;

/// A class with fewer rows is always counted whole.
const SMALL: u64 = 100_000;

/// About how many rows a part of a sampled class has.
pub const ROWS: u64 = 1000;

/// What share of the parts of a large class is looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampling {
    percent: f64,
}

/// Of what a part was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chosen {
    /// How many parts the class has.
    pub of: u64,
    /// How many rows it has in all, where that is known for sure.
    pub rows: Option<u64>,
}

/// Whether some rows of a class with so many are enough. Users are looked up, so all of them are wanted.
pub fn is_for(class: &str, rows: u64) -> bool {
    rows >= SMALL && class != "_User"
}

impl Sampling {
    /// So many percent, between 0 and 100.
    pub fn of(percent: f64) -> Self {
        Self { percent }
    }

    /// Numbers of parts, chosen at random from so many; `None` if that would be all of them.
    pub fn choose(self, parts: u64) -> Option<BTreeSet<u64>> {
        let wanted = (parts as f64 * self.percent / 100.0).ceil() as u64;
        let wanted = wanted.max(LEAST_PARTS);
        if wanted >= parts {
            return None;
        }
        let random = RandomState::new();
        let mut numbers: Vec<u64> = (0..parts).collect();
        numbers.sort_by_cached_key(|number| random.hash_one(number));
        Some(numbers.into_iter().take(usize::try_from(wanted).ok()?).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_has_enough_parts_and_is_another_each_time() {
        let one = Sampling::of(1.0).choose(10_000).unwrap();
        assert_eq!(one.len(), 100);
        assert!(one.iter().all(|number| *number < 10_000));
        assert_ne!(Some(one), Sampling::of(1.0).choose(10_000));
        assert_eq!(Sampling::of(0.001).choose(3000).map(|some| some.len()), Some(64));
        assert_eq!(Sampling::of(1.0).choose(64), None);
        assert_eq!(Sampling::of(99.999).choose(100), None);
        assert!(is_for("Order", SMALL) && !is_for("Order", SMALL - 1) && !is_for("_User", SMALL));
    }
}
