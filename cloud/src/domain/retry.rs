//! How long to wait before the next try.

/// Seconds to wait after `attempt` (counting from 1) failed: doubling from `base_s`, at most `cap_s`, and a random part
/// of that (`fraction` in `0.0..1.0`) so that phones which failed together do not return together.
pub fn backoff_s(attempt: i32, base_s: u32, cap_s: u32, fraction: f64) -> f64 {
    let exponent = attempt.clamp(1, 32) - 1;
    let ceiling = (f64::from(base_s) * 2f64.powi(exponent)).min(f64::from(cap_s));
    // Never less than half: a wait of nothing would be no back-off.
    ceiling * (0.5 + 0.5 * fraction.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn doubles_up_to_the_cap() {
        let waits: Vec<f64> = (1..=6).map(|attempt| backoff_s(attempt, 5, 60, 1.0)).collect();
        assert_eq!(waits, [5.0, 10.0, 20.0, 40.0, 60.0, 60.0]);
    }

    proptest! {
        #[test]
        fn stays_between_half_the_base_and_the_cap(attempt in i32::MIN..i32::MAX, fraction in 0.0..1.0) {
            let wait = backoff_s(attempt, 5, 3600, fraction);
            prop_assert!((2.5..=3600.0).contains(&wait));
        }
    }
}
