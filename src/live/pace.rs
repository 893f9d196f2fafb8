//! How much of the time a running app may be kept busy.

use std::thread;
use std::time::{Duration, Instant};

/// What share of the time is spent on asking; the rest is left to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// In percent, of one connection that is always busy.
    percent: u32,
    /// How many connections ask beside each other.
    together: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self { percent: 100, together: 1 }
    }
}

impl Pace {
    /// At most so many percent, for so many connections together. With 100 nothing ever waits.
    pub fn at_most(percent: u8, together: usize) -> Self {
        let together = if percent < 100 { u32::try_from(together).unwrap_or(u32::MAX) } else { 1 };
        Self { percent: u32::from(percent.clamp(1, 100)), together }
    }

    /// Whether anything ever waits: then nothing is asked ahead of time either, for nobody would see how long it takes.
    pub fn rests(self) -> bool {
        self.percent < 100
    }

    /// Rests after what was done since then, and begins anew.
    pub fn rest(self, since: &mut Instant) {
        let pause = self.pause(since.elapsed());
        if pause > Duration::ZERO {
            thread::sleep(pause);
        }
        *since = Instant::now();
    }

    /// How long a connection rests that asked for so long.
    fn pause(self, worked: Duration) -> Duration {
        (worked.saturating_mul(self.together.saturating_mul(100)) / self.percent).saturating_sub(worked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_together_keep_a_server_busy_for_their_share() {
        let worked = Duration::from_millis(10);
        for (percent, together, pause) in [(100, 4, 0), (50, 1, 10), (50, 2, 30), (10, 1, 90), (0, 1, 990)] {
            let pace = Pace::at_most(percent, together);
            assert_eq!(pace.rests(), pause > 0);
            let told = pace.pause(worked);
            assert_eq!(told, Duration::from_millis(pause), "{percent} of {together}");
        }
        let mut since = Instant::now() - worked;
        let before = Instant::now();
        Pace::at_most(50, 1).rest(&mut since);
        assert!(before.elapsed() >= worked && since > before);
    }
}
