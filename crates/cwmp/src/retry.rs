//! When to try a failed session again (TR-069 §3.2.1.1).

use std::time::Duration;

/// The default of `CWMPRetryMinimumWaitInterval`, seconds (1 to 65535).
pub const MINIMUM_WAIT: u32 = 5;
/// The default of `CWMPRetryIntervalMultiplier`, thousandths (1000 to 65535).
pub const MULTIPLIER: u32 = 2000;

/// Seconds. The standard sets no bound, and large multipliers give waits of centuries.
const LONGEST_WAIT: f64 = 7.0 * 86_400.0;

/// How long to wait before retry `retry_count`: 5-10 s before the first, 10-20 s before the second, ... 2560-5120 s
/// from the tenth on, with the defaults. `jitter` in 0 to 1 picks the place in the range; out-of-range arguments are
/// brought into range, waits end at a week. Retry 0 is no retry and waits nothing.
pub fn retry_wait(retry_count: u32, jitter: f64, minimum_wait: u32, multiplier: u32) -> Duration {
    if retry_count == 0 {
        return Duration::ZERO;
    }
    let jitter = if jitter.is_finite() { jitter.clamp(0.0, 1.0) } else { 0.0 };
    let factor = f64::from(multiplier.clamp(1000, 65_535)) / 1000.0;
    let exponent = retry_count.min(10) as i32 - 1;
    let low = f64::from(minimum_wait.clamp(1, 65_535)) * factor.powi(exponent);
    Duration::from_secs_f64((low + jitter * low * (factor - 1.0)).min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standards_table() {
        let range = |n| (retry_wait(n, 0.0, 5, 2000).as_secs(), retry_wait(n, 1.0, 5, 2000).as_secs());
        let table = [(5, 10), (10, 20), (20, 40), (40, 80), (80, 160), (160, 320), (320, 640), (640, 1280)];
        for (i, expected) in table.into_iter().chain([(1280, 2560), (2560, 5120), (2560, 5120)]).enumerate() {
            assert_eq!(range(i as u32 + 1), expected);
        }
        assert_eq!(range(0), (0, 0));
        assert_eq!(range(u32::MAX), (2560, 5120));
    }

    #[test]
    fn nonsense_is_brought_into_range() {
        assert_eq!(retry_wait(1, f64::NAN, 5, 2000).as_secs(), 5);
        assert_eq!(retry_wait(1, -3.0, 0, 0).as_secs(), 1);
        assert!(retry_wait(u32::MAX, 9.0, u32::MAX, u32::MAX) <= Duration::from_secs(7 * 86_400));
    }
}
