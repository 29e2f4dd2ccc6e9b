//! What a process used of the machine and how busy that was, from `/proc`; and the middle of several measurements.

use std::fs;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

/// Kernel ticks a second; Linux shows 100 to programs on every platform we build for.
const TICK_US: u64 = 10_000;

/// CPU time of a process and its threads so far, in µs; steps of 10 ms. 0 when it is gone.
pub fn cpu_us(process: u32) -> u64 {
    // After the name, which may hold spaces: state is field 3, utime 14, stime 15 (proc(5)).
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit_once(") ").map_or("", |(_, rest)| rest).split(' ').collect();
    let field = |number: usize| fields.get(number - 3).and_then(|text| text.parse().ok()).unwrap_or(0);
    (field(14) + field(15)) * TICK_US
}

/// CPU time of the calling thread so far, in µs.
pub fn thread_cpu_us() -> u64 {
    let spent = getrusage(UsageWho::RUSAGE_THREAD)
        .map_or(0, |used| used.user_time().num_microseconds() + used.system_time().num_microseconds());
    u64::try_from(spent).unwrap_or_default()
}

/// [`cpu_us`] of a process and its children, of which those that ended are not counted (a PostgreSQL server: one child a
/// connection).
pub fn family_cpu_us(parent: u32) -> u64 {
    let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap_or_default();
    let children = children.split_whitespace().filter_map(|child| child.parse().ok());
    cpu_us(parent) + children.map(cpu_us).sum::<u64>()
}

/// The machine's load of the last minute.
pub fn load() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().and_then(|load| load.parse().ok()).unwrap_or_default()
}

/// The value in the middle; 0 of none.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_its_own_work() {
        let own = std::process::id();
        let (before, before_here) = (cpu_us(own), thread_cpu_us());
        let mut sum = 0u64;
        while cpu_us(own) == before {
            sum = (0..100_000u64).fold(sum, |sum, n| std::hint::black_box(sum ^ n));
        }
        assert!(family_cpu_us(own) >= before + TICK_US);
        assert!(thread_cpu_us() > before_here);
        assert_eq!(cpu_us(0), 0);
    }

    #[test]
    fn the_middle_is_that_of_the_sorted_values() {
        assert_eq!((median(&[3.0, 1.0, 2.0]), median(&[])), (2.0, 0.0));
    }
}
