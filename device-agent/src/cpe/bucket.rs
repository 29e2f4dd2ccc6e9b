//! How often an ACS may call (TR-069 §3.2.2 wants a limit): so many times at once, then one in so long.

use std::time::{Duration, Instant};

const BURST: f64 = 3.0;
const REFILL: Duration = Duration::from_secs(3);

#[derive(Debug)]
pub struct Bucket {
    tokens: f64,
    filled: Instant,
}

impl Default for Bucket {
    fn default() -> Self {
        Self { tokens: BURST, filled: Instant::now() }
    }
}

impl Bucket {
    /// Whether this call is granted.
    pub fn take(&mut self) -> bool {
        let earned = self.filled.elapsed().as_secs_f64() / REFILL.as_secs_f64();
        self.tokens = (self.tokens + earned).min(BURST);
        self.filled = Instant::now();
        let granted = self.tokens >= 1.0;
        if granted {
            self.tokens -= 1.0;
        }
        granted
    }
}
