//! Numbers as bands, so that a lock neither tells them nor changes with each row.

/// The bands of a share, from none to all.
pub const SHARES: [&str; 9] = ["0%", "<1%", "1-5%", "5-20%", "20-50%", "50-80%", "80-99%", ">99%", "100%"];

/// The edges between them, in hundredths of a percent.
const EDGES: [u64; 8] = [0, 100, 500, 2000, 5000, 8000, 9900, 10_000];

/// Of each band a share that stands for it, in hundredths of a percent.
const MIDDLES: [u64; 9] = [0, 50, 300, 1250, 3500, 6500, 8950, 9950, 10_000];

/// A share has to be so many hundredths of a percent past an edge to leave its band.
const MARGIN: u64 = 200;

/// The band of a share. None at all and all are told exactly; between them the band stays `previous`
/// until the share is two points past its edge (or half the way to none or all, where that is less).
pub fn share(part: u64, whole: u64, previous: Option<&str>) -> &'static str {
    let band = match previous.and_then(number) {
        Some(previous) => held(part, whole, previous),
        None => plain(part, whole),
    };
    SHARES.get(band).copied().unwrap_or("100%")
}

/// The number of a band, from 0 for none to 8 for all.
pub fn number(band: &str) -> Option<usize> {
    SHARES.iter().position(|known| *known == band)
}

/// A share in hundredths of a percent that stands for a band.
pub fn middle(band: &str) -> u64 {
    number(band).and_then(|band| MIDDLES.get(band)).copied().unwrap_or(0)
}

/// The number of the band of a share.
pub fn plain(part: u64, whole: u64) -> usize {
    match (part, whole) {
        (0, _) | (_, 0) => 0,
        (part, whole) if part >= whole => SHARES.len() - 1,
        (part, whole) => {
            let share = hundredths(part, whole);
            EDGES.iter().rposition(|edge| *edge <= share).map_or(1, |below| below + 1).min(SHARES.len() - 2)
        }
    }
}

fn held(part: u64, whole: u64, previous: usize) -> usize {
    let band = plain(part, whole);
    let is_between = |band: usize| band > 0 && band < SHARES.len() - 1;
    if !is_between(band) || !is_between(previous) || band == previous {
        return band;
    }
    let share = hundredths(part, whole);
    // The band `n` reaches from edge `n - 1` to edge `n`.
    let edge = EDGES.get(if band > previous { previous } else { previous - 1 }).copied().unwrap_or(0);
    let margin = MARGIN.min(edge.min(10_000 - edge) / 2);
    if share.abs_diff(edge) < margin { previous } else { band }
}

fn hundredths(part: u64, whole: u64) -> u64 {
    u64::try_from(u128::from(part) * 10_000 / u128::from(whole)).unwrap_or(10_000)
}

/// The band of a number: `0`, `1-9`, `10-99` and so on. It stays `previous` until the number is a
/// tenth past its edge.
pub fn count(number: u64, previous: Option<&str>) -> String {
    if number == 0 {
        return "0".to_owned();
    }
    let low = 10u64.saturating_pow(number.ilog10());
    let band = |low: u64| format!("{low}-{}", low.saturating_mul(10) - 1);
    let edge = previous.and_then(|previous| previous.split_once('-')?.0.parse::<u64>().ok());
    match edge {
        Some(before) if before == low.saturating_mul(10) && number >= before - before / 10 => band(before),
        Some(before) if before.saturating_mul(10) == low && number < low + low / 10 => band(before),
        _ => band(low),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_and_all_are_exact_and_the_rest_is_a_band() {
        let of = |part, whole| share(part, whole, None);
        assert_eq!((of(0, 10), of(10, 10), of(0, 0)), ("0%", "100%", "0%"));
        assert_eq!((of(1, 1_000_000), of(1, 100), of(5, 100), of(999, 1000)), ("<1%", "1-5%", "5-20%", ">99%"));
        for (low, band) in [(0, "<1%"), (1, "1-5%"), (20, "20-50%"), (50, "50-80%"), (80, "80-99%")] {
            assert_eq!(of(low * 10 + 1, 1000), band);
        }
    }

    #[test]
    fn a_band_holds_until_the_share_is_two_points_past_its_edge() {
        assert_eq!(share(515, 1000, Some("20-50%")), "20-50%");
        assert_eq!(share(525, 1000, Some("20-50%")), "50-80%");
        assert_eq!(share(485, 1000, Some("50-80%")), "50-80%");
        assert_eq!(share(475, 1000, Some("50-80%")), "20-50%");
        // Near none and all the margin is half of what is left.
        assert_eq!(share(12, 1000, Some("<1%")), "<1%");
        assert_eq!(share(16, 1000, Some("<1%")), "1-5%");
        assert_eq!(share(0, 1000, Some("<1%")), "0%");
        assert_eq!(share(1, 1000, Some("0%")), "<1%");
    }

    #[test]
    fn a_far_jump_is_told_at_once() {
        assert_eq!(share(610, 1000, Some("1-5%")), "50-80%");
        assert_eq!(share(30, 1000, Some("50-80%")), "1-5%");
    }

    #[test]
    fn numbers_are_told_by_their_length() {
        assert_eq!((count(0, None), count(7, None), count(4212, None)), ("0".into(), "1-9".into(), "1000-9999".into()));
        assert_eq!(count(1050, Some("100-999")), "100-999");
        assert_eq!(count(1100, Some("100-999")), "1000-9999");
        assert_eq!(count(950, Some("1000-9999")), "1000-9999");
        assert_eq!(count(899, Some("1000-9999")), "100-999");
        assert_eq!(count(0, Some("1-9")), "0");
    }
}
