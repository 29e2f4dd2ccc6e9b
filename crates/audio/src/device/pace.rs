//! Ten milliseconds, again and again, by the monotonic clock.

use std::time::{Duration, Instant};

/// Time of a block.
const PERIOD: Duration = Duration::from_millis(10);
/// Being later than this is no delay to make up for: the machine has slept.
const GIVE_UP: Duration = Duration::from_millis(200);

/// Waits for the next block. Every wait ends at a multiple of 10 ms from the first, so that late ones do not add up.
#[derive(Clone, Debug)]
pub struct Pace {
    waits: bool,
    due: Option<Instant>,
}

impl Pace {
    /// By the clock, or without any waiting (for tests).
    pub const fn new(waits: bool) -> Self {
        Self { waits, due: None }
    }

    /// Returns when the next block is due; the first is due at once.
    pub fn wait(&mut self) {
        if !self.waits {
            return;
        }
        let now = Instant::now();
        let (next, rest) = step(self.due, now);
        self.due = Some(next);
        if !rest.is_zero() {
            std::thread::sleep(rest);
        }
    }
}

/// When the block after this one is due, and how long to wait for this one.
fn step(due: Option<Instant>, now: Instant) -> (Instant, Duration) {
    match due {
        Some(due) if now.saturating_duration_since(due) < GIVE_UP => (due + PERIOD, due.saturating_duration_since(now)),
        _ => (now + PERIOD, Duration::ZERO),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lateness_is_made_up_for_and_does_not_add_up() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let (mut due, rest) = step(None, at(0));
        assert_eq!((due, rest), (at(10), Duration::ZERO));
        // Each time the work takes 3 ms, and once 25.
        for (now, wait, next) in [(3, 7, 20), (38, 0, 30), (38, 0, 40), (38, 2, 50)] {
            let (after, rest) = step(Some(due), at(now));
            assert_eq!((rest.as_millis(), after), (wait, at(next)), "at {now}");
            due = after;
        }
        // After a second of sleep it begins anew.
        assert_eq!(step(Some(due), at(1050)), (at(1060), Duration::ZERO));
    }
}
