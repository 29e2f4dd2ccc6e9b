//! Which rows of the live table were read. PostgreSQL hands out ids before the commit, so a row may appear below one that
//! was read already; each id that was passed over is asked for again, for as long as a transaction may take.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use sea_orm::{ColumnTrait, Condition};

use crate::db::entity::live::Column;

/// A row that has not come after so long was rolled back.
const OPEN: Duration = Duration::from_secs(30);
/// Ids remembered as passed over; beyond, the oldest are given up.
const MOST: usize = 20_000;
/// Runs of such ids in one question.
const RUNS: usize = 500;

/// How far the table was read.
#[derive(Debug)]
pub struct Cursor {
    high: i64,
    /// Ids below that were not there, since when.
    holes: BTreeMap<i64, Instant>,
}

impl Cursor {
    pub fn at(high: i64) -> Self {
        Self { high, holes: BTreeMap::new() }
    }

    /// What was not read yet.
    pub fn unread(&self) -> Condition {
        let runs = self.runs().into_iter().map(|(from, to)| Column::Id.between(from, to));
        runs.fold(Condition::any().add(Column::Id.gt(self.high)), Condition::add)
    }

    fn runs(&self) -> Vec<(i64, i64)> {
        let mut runs: Vec<(i64, i64)> = Vec::new();
        for id in self.holes.keys().copied() {
            let count = runs.len();
            match runs.last_mut() {
                Some((_, to)) if *to + 1 == id => *to = id,
                _ if count == RUNS => break,
                _ => runs.push((id, id)),
            }
        }
        runs
    }

    /// Takes ids as read, lowest first. Returns those that had been passed over, with the highest id at that time.
    pub fn read(&mut self, ids: impl IntoIterator<Item = i64>, now: Instant) -> Vec<(i64, i64)> {
        let before = self.high;
        let mut late = Vec::new();
        for id in ids {
            if id <= self.high {
                if self.holes.remove(&id).is_some() {
                    late.push((id, before));
                }
                continue;
            }
            let from = Ord::max(self.high + 1, id - MOST as i64);
            self.holes.extend((from..id).map(|hole| (hole, now)));
            self.high = id;
        }
        self.holes.retain(|_, since| now.duration_since(*since) < OPEN);
        while self.holes.len() > MOST {
            self.holes.pop_first();
        }
        late
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_row_below_one_that_was_read_is_asked_for_until_it_comes() {
        let (mut cursor, now) = (Cursor::at(10), Instant::now());
        assert!(cursor.read([11, 14], now).is_empty());
        assert_eq!((cursor.high, cursor.runs()), (14, vec![(12, 13)]));
        assert_eq!(cursor.read([12], now), [(12, 14)]);
        assert_eq!(cursor.runs(), [(13, 13)]);
        assert!(cursor.read([15], now + OPEN).is_empty());
        assert!(cursor.runs().is_empty(), "rolled back");
    }

    #[test]
    fn a_leap_of_ids_costs_no_more_than_it_may() {
        let mut cursor = Cursor::at(0);
        cursor.read([i64::MAX - 1], Instant::now());
        assert_eq!(cursor.holes.len(), MOST);
    }

    proptest! {
        /// In whatever order transactions commit, each row is read once.
        #[test]
        fn every_row_is_read_once(
            commits in Just((1..=600_i64).collect::<Vec<_>>()).prop_shuffle(),
            looks in prop::collection::vec(1_usize..60, 30),
        ) {
            let (mut cursor, now) = (Cursor::at(0), Instant::now());
            let (mut there, mut read): (Vec<i64>, Vec<i64>) = (Vec::new(), Vec::new());
            let mut commits = commits.into_iter();
            for count in looks.into_iter().chain([600]) {
                there.extend(commits.by_ref().take(count));
                let runs = cursor.runs();
                let asked = |id: &i64| *id > cursor.high || runs.iter().any(|(from, to)| (from..=to).contains(&id));
                let mut found: Vec<i64> = there.iter().copied().filter(asked).collect();
                found.sort_unstable();
                read.extend(&found);
                cursor.read(found, now);
            }
            read.sort_unstable();
            prop_assert_eq!(read, (1..=600).collect::<Vec<_>>());
        }
    }
}
