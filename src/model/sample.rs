//! What a sample of rows says of all of them.

use std::collections::BTreeMap;

use super::census::Shape;

/// A sample has at least so many parts; fewer say too little of the rest.
pub const LEAST_PARTS: u64 = 64;

/// How many standard errors there are to each side of an estimate, for 95 % and 60 degrees of freedom or more.
///
/// Source: Student's distribution; 2.000 for 60, 1.960 in the limit.
const ERRORS: f64 = 2.0;

/// Rows of some parts of a class, chosen at random: whole parts, as they lie together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sample {
    /// The rows of each part by their shape.
    pub parts: Vec<BTreeMap<Shape, u64>>,
    /// How many parts the class has.
    pub of: u64,
}

/// Between which shares of all rows the true one is, with a confidence of 95 %, in hundredths of a percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share {
    /// The lower end.
    pub low: u16,
    /// The upper end.
    pub high: u16,
}

impl Sample {
    /// What share of all rows has a shape that satisfies `is`: by ratios, as parts differ in size.
    ///
    /// Source: Cochran, "Sampling Techniques", 3rd edition, section 6.3.
    pub fn share(&self, is: impl Fn(&Shape) -> bool) -> Share {
        let count = |part: &BTreeMap<Shape, u64>| {
            let all = part.values().sum::<u64>() as f64;
            (part.iter().filter(|(shape, _)| is(shape)).map(|(_, rows)| rows).sum::<u64>() as f64, all)
        };
        let counts: Vec<(f64, f64)> = self.parts.iter().map(count).collect();
        let (hits, all) = counts.iter().fold((0.0, 0.0), |sum, (hits, all)| (sum.0 + hits, sum.1 + all));
        let parts = counts.len() as f64;
        if all == 0.0 || parts < 2.0 {
            return Share { low: 0, high: 10_000 };
        }
        let ratio = hits / all;
        let squares: f64 = counts.iter().map(|(hits, all)| (hits - ratio * all).powi(2)).sum();
        let left = (1.0 - parts / self.of.max(1) as f64).max(0.0);
        let variance = left * squares / (parts - 1.0) / parts / (all / parts).powi(2);
        // Where no part or every row is so, none differs; then three in as many as there are parts may be.
        let error = if hits == 0.0 || hits == all { left * 3.0 / parts } else { ERRORS * variance.sqrt() };
        let hundredths = |share: f64| (share.clamp(0.0, 1.0) * 10_000.0) as u16;
        Share { low: hundredths(ratio - error), high: hundredths(ratio + error).saturating_add(1).min(10_000) }
    }
}

impl std::fmt::Display for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let percent = |share: u16| f64::from(share) / 100.0;
        write!(f, "{:.1} to {:.1} % of all", percent(self.low), percent(self.high))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many parts of a class, of which rows without an ACL are this share in percent.
    fn sample(parts: u64, of: u64, percent: impl Fn(u64) -> u64) -> Sample {
        let legacy = Shape { legacy: true, ..Shape::default() };
        let part = |number| {
            let hits = 10 * percent(number);
            [(Shape::default(), hits), (legacy.clone(), 1000 + number % 7 * 10 - hits)].into()
        };
        Sample { parts: (0..parts).map(part).collect(), of }
    }

    #[test]
    fn an_estimate_is_as_wide_as_parts_differ_and_a_whole_is_none() {
        let share = |sample: &Sample| sample.share(|shape| !shape.legacy);
        let alike = share(&sample(64, 1000, |_| 30));
        assert!((2800..=2950).contains(&alike.low) && (2900..=3000).contains(&alike.high), "{alike}");
        let apart = share(&sample(64, 1000, |number| if number % 2 == 0 { 10 } else { 50 }));
        assert!(apart.high - apart.low > 5 * (alike.high - alike.low), "{apart}");
        let more = share(&sample(640, 1000, |number| if number % 2 == 0 { 10 } else { 50 }));
        assert!(more.high - more.low < (apart.high - apart.low) / 3, "{more}");
        let whole = share(&sample(640, 640, |number| if number % 2 == 0 { 10 } else { 50 }));
        assert!(whole.high - whole.low <= 1, "{whole}");
        let none = share(&sample(64, 1000, |_| 0));
        assert_eq!((none.low, none.high), (0, 439), "none in a sample is not none");
        let all = sample(64, 1000, |_| 0).share(|shape| shape.legacy);
        assert_eq!((all.low, all.high), (9561, 10_000));
        assert_eq!(all.to_string(), "95.6 to 100.0 % of all");
    }

    #[test]
    fn the_true_share_lies_between_the_ends_nineteen_times_in_twenty() {
        // A class of 2,000 parts whose shares go up and down, and 500 samples of 64 of them.
        let percent = |number: u64| 20 + (number * 37 % 41);
        let class = sample(2000, 2000, percent);
        let truth = class.share(|shape| !shape.legacy).low;
        let mut seed = 7u64;
        let mut next = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            seed >> 33
        };
        let mut within = 0;
        for _ in 0..500 {
            let mut left: Vec<&BTreeMap<Shape, u64>> = class.parts.iter().collect();
            let parts = (0..64).map(|_| left.swap_remove(next() as usize % left.len()).clone()).collect();
            let share = Sample { parts, of: 2000 }.share(|shape| !shape.legacy);
            within += u32::from((share.low..=share.high).contains(&truth));
        }
        assert!((460..=493).contains(&within), "{within} of 500");
    }
}
