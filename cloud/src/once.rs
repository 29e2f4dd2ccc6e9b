//! Things that may be used once, or so often a minute: tickets, counts of nonces, first contacts. Remembered in memory
//! until they expire by themselves, so a replay within that time is seen; bounded, and the oldest go first.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

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
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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

    /// It was not used after all.
    pub fn give_back(&self, name: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).until.remove(name);
    }
}

/// Nonces remembered: a thousand sessions a second for as long as a nonce lives.
const MOST_NONCES: usize = 300_000;

/// The highest count seen of each nonce (`nc`, RFC 7616 §3.4).
#[derive(Default)]
pub struct Counts {
    seen: Mutex<Seen>,
    hash: RandomState,
}

#[derive(Default)]
struct Seen {
    /// By the nonce's hash: a nonce that shares one with another is refused once, and the phone asks for the next.
    highest: HashMap<u64, u32>,
    order: VecDeque<(i64, u64)>,
}

impl Counts {
    /// Whether `count` is higher than any seen with `nonce`, and 1 at least. It is remembered until `until` (milliseconds
    /// since 1970), when the nonce must be no good any more.
    pub fn grows(&self, nonce: &str, count: u32, until: i64, now: i64) -> bool {
        let nonce = self.hash.hash_one(nonce);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        while seen.order.len() >= MOST_NONCES || seen.order.front().is_some_and(|(until, _)| *until < now) {
            if let Some((_, oldest)) = seen.order.pop_front() {
                seen.highest.remove(&oldest);
            }
        }
        match seen.highest.get_mut(&nonce) {
            Some(highest) => {
                let grows = count > *highest;
                *highest = count.max(*highest);
                grows
            }
            None if count > 0 => {
                seen.highest.insert(nonce, count);
                seen.order.push_back((until, nonce));
                true
            }
            None => false,
        }
    }
}

/// What is counted at once.
const MOST_COUNTED: usize = 100_000;
const MINUTE_MS: i64 = 60_000;

/// How long nothing is looked through again for what is over, in milliseconds.
const LOOK_MS: i64 = 1000;

/// How often something happened within a minute, by name. Names are kept as hashes, however long they are: the rare two that
/// share one are counted together.
#[derive(Default)]
pub struct PerMinute {
    counted: Mutex<Counted>,
    hash: RandomState,
}

#[derive(Default)]
struct Counted {
    times: HashMap<u64, (i64, u32)>,
    /// When it was last looked through, being full.
    looked: i64,
}

impl PerMinute {
    /// Counts `name` once more; whether it is still at most `most` in the minute that began with the first.
    pub fn allows(&self, name: &str, most: u32, now: i64) -> bool {
        let name = self.hash.hash_one(name);
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let Counted { times, looked } = &mut *counted;
        if times.len() >= MOST_COUNTED && !times.contains_key(&name) {
            if now - *looked >= LOOK_MS {
                *looked = now;
                times.retain(|_, (began, _)| now - *began < MINUTE_MS);
            }
            if times.len() >= MOST_COUNTED {
                return false;
            }
        }
        let (began, times) = times.entry(name).or_insert((now, 0));
        if now - *began >= MINUTE_MS {
            (*began, *times) = (now, 0);
        }
        *times = times.saturating_add(1);
        *times <= most
    }

    /// How often `name` was counted in its minute, if that is not over.
    pub fn times(&self, name: &str, now: i64) -> u32 {
        let name = self.hash.hash_one(name);
        let counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        counted.times.get(&name).filter(|(began, _)| now - began < MINUTE_MS).map_or(0, |(_, times)| *times)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_counts_upwards_only() {
        let counts = Counts::default();
        assert!(!counts.grows("n", 0, 100, 0));
        for (count, grows) in [(1, true), (1, false), (2, true), (1, false), (7, true), (3, false), (8, true)] {
            assert_eq!(counts.grows("n", count, 100, 0), grows, "{count}");
        }
        assert!(counts.grows("m", 1, 100, 50));
        assert!(counts.grows("n", 1, 300, 101), "forgotten when it is no good any more");
    }

    #[test]
    fn so_often_a_minute() {
        let rate = PerMinute::default();
        assert!((0..3).all(|_| rate.allows("a", 3, 0)));
        assert!(!rate.allows("a", 3, 59_999));
        assert!(rate.allows("b", 3, 59_999), "another has a minute of its own");
        assert_eq!((rate.times("a", 59_999), rate.times("a", 60_000), rate.times("c", 0)), (4, 0, 0));
        assert!(rate.allows("a", 3, 60_000));
    }

    #[test]
    fn what_is_over_makes_room_and_is_looked_for_once_a_second() {
        let rate = PerMinute::default();
        assert!((0..MOST_COUNTED).all(|name| rate.allows(&name.to_string(), 1, 0)));
        assert!(!rate.allows("new", 1, 59_500), "full");
        assert!(!rate.allows("new", 1, 60_000), "just looked through");
        assert!(rate.allows("new", 1, 60_500));
    }

    #[test]
    fn once_until_it_expires() {
        let used = UsedOnce::default();
        assert!(used.first("a", 100, 0));
        assert!(!used.first("a", 100, 50));
        assert!(used.first("b", 200, 50));
        assert!(used.first("a", 300, 101));
        used.give_back("a");
        assert!(used.first("a", 300, 102) && !used.first("a", 300, 103));
    }
}
