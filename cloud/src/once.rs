//! Things that may be used once: digest proofs, tickets. Remembered in memory until they expire by themselves, so a
//! replay within that time is seen; bounded, and the oldest go first.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;

/// Entries remembered.
const MOST: usize = 200_000;

#[derive(Default)]
pub struct UsedOnce(Mutex<Used>);

#[derive(Default)]
struct Used {
    until: HashMap<String, i64>,
    order: VecDeque<String>,
}

impl UsedOnce {
    /// Whether `name` is used for the first time; it is remembered until `until` (milliseconds since 1970).
    pub fn first(&self, name: &str, until: i64, now: i64) -> bool {
        let mut used = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        while let Some(oldest) = used.order.front() {
            let over = used.until.get(oldest).is_none_or(|until| *until < now);
            if !over && used.order.len() < MOST {
                break;
            }
            if let Some(oldest) = used.order.pop_front() {
                used.until.remove(&oldest);
            }
        }
        if used.until.contains_key(name) {
            return false;
        }
        used.until.insert(name.to_owned(), until);
        used.order.push_back(name.to_owned());
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn once_until_it_expires() {
        let used = UsedOnce::default();
        assert!(used.first("a", 100, 0));
        assert!(!used.first("a", 100, 50));
        assert!(used.first("b", 200, 50));
        assert!(used.first("a", 300, 101));
    }
}
