//! The time of day, randomness and waiting: the few things the rest asks the machine for.

use std::time::{Duration, SystemTime};

use contract::Timestamp;

/// Now, by the phone's clock.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// 0 to 1, for jitter. Without randomness, one half.
pub(crate) fn jitter() -> f64 {
    getrandom::u32().map_or(0.5, |random| f64::from(random) / f64::from(u32::MAX))
}

/// `bytes` random bytes as hexadecimal digits.
pub(crate) fn token(bytes: usize) -> std::io::Result<String> {
    let mut buffer = vec![0; bytes];
    getrandom::fill(&mut buffer).map_err(std::io::Error::other)?;
    Ok(hex::encode(buffer))
}

/// The wait after so many failures before: it doubles up to a limit. `jitter`, 0 to 1, draws it from the upper half of its
/// range, so that a house of phones does not come back in step.
pub(crate) fn wait_after(failures: u32, first: Duration, most: Duration, jitter: f64) -> Duration {
    doubled(failures, first, most).mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0)
}

fn doubled(failures: u32, first: Duration, most: Duration) -> Duration {
    first.saturating_mul(1 << failures.min(20)).min(most)
}

/// Waits that double, one after the other, as [`wait_after`] draws them.
#[derive(Clone, Debug)]
pub struct Backoff {
    first: Duration,
    most: Duration,
    failures: u32,
}

impl Backoff {
    pub const fn new(first: Duration, most: Duration) -> Self {
        Self { first, most, failures: 0 }
    }

    /// The next wait.
    pub fn next(&mut self) -> Duration {
        wait_after(self.failed(), self.first, self.most, jitter())
    }

    /// The next wait, drawn from all of its range.
    pub fn next_full(&mut self) -> Duration {
        doubled(self.failed(), self.first, self.most).mul_f64(jitter())
    }

    /// Counts a failure; those before it.
    fn failed(&mut self) -> u32 {
        let before = self.failures;
        self.failures = before.saturating_add(1);
        before
    }

    /// It worked: start small again.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_limit() {
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(30));
        let mut limit = 0.5;
        for _ in 0..100 {
            let wait = backoff.next().as_secs_f64();
            assert!(wait >= limit / 2.0 - 1e-6 && wait <= limit + 1e-6, "{wait} of {limit}");
            limit = (limit * 2.0_f64).min(30.0);
        }
        backoff.reset();
        assert!(backoff.next() <= Duration::from_millis(500));
    }
}
