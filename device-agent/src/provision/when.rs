//! When the phone looks for files by itself: "Automatic Upgrade", at a random moment of its time if so set. Pure: times are
//! parameters.

use std::time::Duration;

use crate::clock::wait_after;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// 1 January 1970 was a Thursday; Sunday is 0.
const FIRST_WEEKDAY: i64 = 4;
/// Between tries after a failure.
const RETRY: Duration = Duration::from_secs(60);
const MOST_RETRY: Duration = Duration::from_secs(30 * 60);
/// Where nothing is set: seven days, one o'clock, Monday.
const USUAL_MINUTES: i64 = 10_080;
const USUAL_HOUR: i64 = 1;
const USUAL_DAY: i64 = 1;

/// The settings of the page "Provision", section "Auto Upgrade".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rhythm {
    pub mode: Mode,
    /// `provisioning.auto.randomtime.enable`.
    pub random: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Never,
    /// Every so many milliseconds.
    Every(i64),
    /// Between two hours of the day, every day or on one day of the week (0 is Sunday). The hours are 0 to 23; `to` may be
    /// before `from`, and is in the next day then.
    Window {
        day: Option<i64>,
        from: i64,
        to: i64,
    },
}

impl Rhythm {
    /// `value` gives the value of a key; empty where it is not set.
    pub fn of(value: impl Fn(&str) -> String) -> Self {
        let number = |key: &str, low: i64, high: i64| {
            value(key).trim().parse::<i64>().ok().filter(|number| (low..=high).contains(number))
        };
        let hours = || {
            let from = number("provisioning.auto.hour", 0, 23).unwrap_or(USUAL_HOUR);
            let to = number("provisioning.auto.endhour", 0, 23).filter(|to| *to != from).unwrap_or((from + 1) % 24);
            (from, to)
        };
        let mode = match value("provisioning.auto.mode").as_str() {
            "interval" => {
                Mode::Every(number("provisioning.auto.minute", 1, 5_256_000).unwrap_or(USUAL_MINUTES) * MINUTE)
            }
            "daily" => Mode::Window { day: None, from: hours().0, to: hours().1 },
            "weekly" => {
                let day = number("provisioning.auto.day", 0, 6).unwrap_or(USUAL_DAY);
                Mode::Window { day: Some(day), from: hours().0, to: hours().1 }
            }
            _ => Mode::Never,
        };
        Self { mode, random: value("provisioning.auto.randomtime.enable") == "yes" }
    }

    /// The first time span that ends after `now`, in milliseconds of the phone's own time; `start` is when it began.
    fn span(&self, start: i64, now: i64) -> Option<(i64, i64)> {
        match self.mode {
            Mode::Never => None,
            Mode::Every(time) => {
                let time = time.max(MINUTE);
                let begin = start + (now - start).max(0) / time * time;
                Some((begin, begin + time))
            }
            Mode::Window { day, from, to } => {
                let length = (to - from).rem_euclid(24).max(1) * HOUR;
                // From yesterday on: its window may reach into today.
                (-1..=8).find_map(|days| {
                    let midnight = (now.div_euclid(DAY) + days) * DAY;
                    let weekday = (midnight.div_euclid(DAY) + FIRST_WEEKDAY).rem_euclid(7);
                    let begin = midnight + from * HOUR;
                    let wanted = day.is_none_or(|day| day == weekday);
                    (wanted && begin + length > now).then_some((begin, begin + length))
                })
            }
        }
    }
}

/// Remembers what was done and drawn.
#[derive(Debug)]
pub struct When {
    rhythm: Rhythm,
    start: i64,
    /// The span that has had its run, by its begin.
    done: Option<i64>,
    /// The begin of a span, and the moment drawn in it.
    drawn: Option<(i64, i64)>,
    failures: u32,
    retry: Option<i64>,
}

impl When {
    /// `now`: milliseconds of the phone's own time.
    pub const fn new(now: i64) -> Self {
        let rhythm = Rhythm { mode: Mode::Never, random: false };
        Self { rhythm, start: now, done: None, drawn: None, failures: 0, retry: None }
    }

    /// When to look next; `None`: not by itself. `jitter`, 0 to 1, is asked for once for each moment that is drawn.
    pub fn next(&mut self, rhythm: Rhythm, now: i64, jitter: impl FnOnce() -> f64) -> Option<i64> {
        self.clock(now);
        if rhythm != self.rhythm {
            (self.rhythm, self.drawn, self.done) = (rhythm, None, None);
        }
        let due = self.due(now, jitter);
        [due, self.retry].into_iter().flatten().min()
    }

    /// A clock that was ahead and was put right must not leave the phone waiting for times it will not see for years.
    fn clock(&mut self, now: i64) {
        self.start = self.start.min(now);
        let furthest = now.saturating_add(i64::try_from(MOST_RETRY.as_millis()).unwrap_or(i64::MAX));
        self.retry = self.retry.map(|retry| if retry > furthest { now } else { retry });
        // A moment lies within its span, and that one is drawn anew where it is another now; what was done counts no more
        // where it lies ahead.
        self.done = self.done.filter(|begin| *begin <= now);
    }

    fn due(&mut self, now: i64, jitter: impl FnOnce() -> f64) -> Option<i64> {
        if let Some((begin, moment)) = self.drawn
            && self.done != Some(begin)
            && self.counts_late(now - moment)
        {
            return Some(moment);
        }
        let mut span = self.rhythm.span(self.start, now)?;
        if self.done == Some(span.0) {
            span = self.rhythm.span(self.start, span.1)?;
        }
        if let Some((begin, moment)) = self.drawn
            && begin == span.0
        {
            return Some(moment);
        }
        let moment = match (self.rhythm.random, self.rhythm.mode) {
            // The first look at an interval's end: at its begin the phone has just looked, or just started.
            (false, Mode::Every(_)) => span.1,
            (false, _) => span.0,
            (true, _) => {
                let begin = span.0.max(now.min(span.1));
                // Positive and far below 2^53.
                begin + ((span.1 - begin) as f64 * jitter().clamp(0.0, 1.0)) as i64
            }
        };
        self.drawn = Some((span.0, moment));
        Some(moment)
    }

    /// Whether a moment that is so long ago is still to be had: an interval's end lies in the next one, and one of a window may
    /// have come while another run was under way. A clock that was put forward is no reason to leave the window.
    fn counts_late(&self, by: i64) -> bool {
        by >= 0 && (by < HOUR || matches!(self.rhythm.mode, Mode::Every(_)))
    }

    /// Whether what is due is another try after a failure.
    pub fn is_retry(&self, now: i64) -> bool {
        self.retry.is_some_and(|retry| retry <= now)
    }

    /// A run has ended; `again`: badly, and another may fare better.
    pub fn ran(&mut self, now: i64, again: bool, jitter: f64) {
        // A moment that was drawn for a span that is over counts for that span.
        if let Some((begin, moment)) = self.drawn
            && moment <= now
        {
            self.done = Some(begin);
            self.drawn = None;
        }
        if !matches!(self.rhythm.mode, Mode::Every(_))
            && let Some((begin, _)) = self.rhythm.span(self.start, now).filter(|(begin, _)| *begin <= now)
        {
            self.done = Some(begin);
        }
        self.retry = again.then(|| {
            let wait = wait_after(self.failures, RETRY, MOST_RETRY, jitter);
            now + i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)
        });
        self.failures = if again { self.failures.saturating_add(1) } else { 0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Saturday, 28 November 2026, 00:00.
    const SATURDAY: i64 = 20_785 * DAY;

    fn rhythm(values: &[(&str, &str)]) -> Rhythm {
        Rhythm::of(|key| {
            let found = values.iter().find(|(name, _)| key == format!("provisioning.auto.{name}"));
            found.map_or(String::new(), |(_, value)| (*value).to_owned())
        })
    }

    /// The moments of the first runs, seen from `now` on.
    fn runs(rhythm: Rhythm, now: i64, count: usize, jitter: f64) -> Vec<i64> {
        let (mut when, mut now, mut moments) = (When::new(now), now, Vec::new());
        while moments.len() < count {
            let due = when.next(rhythm, now, || jitter).unwrap();
            assert_eq!(when.next(rhythm, now, || 1.0 - jitter), Some(due), "drawn once");
            now = now.max(due);
            assert_eq!(when.next(rhythm, now, || 0.5), Some(due), "as long as nobody ran");
            moments.push(now);
            now += 1000;
            when.ran(now, false, 0.0);
        }
        moments
    }

    #[test]
    fn never() {
        assert_eq!(When::new(0).next(rhythm(&[("mode", "no")]), 5, || 0.5), None);
        assert_eq!(rhythm(&[]).mode, Mode::Never);
    }

    #[test]
    fn every_so_many_minutes() {
        let every = rhythm(&[("mode", "interval"), ("minute", "60")]);
        assert_eq!(runs(every, SATURDAY, 3, 0.0), [1, 2, 3].map(|n| SATURDAY + n * HOUR));
        let random = Rhythm { random: true, ..every };
        let drawn = runs(random, SATURDAY, 3, 0.25);
        assert_eq!(drawn[1], SATURDAY + HOUR + HOUR / 4, "{drawn:?}");
    }

    #[test]
    fn every_day_and_once_a_week_in_their_hours() {
        let daily = rhythm(&[("mode", "daily"), ("hour", "2"), ("endhour", "5")]);
        assert_eq!(runs(daily, SATURDAY, 2, 0.0), [SATURDAY + 2 * HOUR, SATURDAY + DAY + 2 * HOUR]);
        let night = rhythm(&[("mode", "daily"), ("hour", "23"), ("endhour", "2"), ("randomtime.enable", "yes")]);
        assert!(night.random);
        assert_eq!(runs(night, SATURDAY + 3 * HOUR, 1, 0.5), [SATURDAY + 24 * HOUR + HOUR / 2], "over midnight");
        // At half past midnight one is in the window that began the day before.
        assert_eq!(runs(Rhythm { random: false, ..night }, SATURDAY + HOUR / 2, 1, 0.0), [SATURDAY + HOUR / 2]);
        let weekly = rhythm(&[("mode", "weekly"), ("hour", "3"), ("day", "1")]);
        assert_eq!(runs(weekly, SATURDAY, 2, 0.0), [2, 9].map(|day| SATURDAY + day * DAY + 3 * HOUR));
    }

    #[test]
    fn a_run_for_another_reason_inside_the_window_counts() {
        let daily = rhythm(&[("mode", "daily"), ("hour", "2"), ("endhour", "5"), ("randomtime.enable", "yes")]);
        let mut when = When::new(SATURDAY + 3 * HOUR);
        when.next(daily, SATURDAY + 3 * HOUR, || 0.5);
        when.ran(SATURDAY + 3 * HOUR, false, 0.0);
        assert_eq!(when.next(daily, SATURDAY + 3 * HOUR, || 0.0), Some(SATURDAY + DAY + 2 * HOUR));
    }

    #[test]
    fn failures_are_tried_again_ever_more_rarely() {
        let never = rhythm(&[]);
        let (mut when, mut now) = (When::new(0), 0);
        let mut waits = Vec::new();
        for _ in 0..8 {
            when.ran(now, true, 1.0);
            let due = when.next(never, now, || 0.0).unwrap();
            waits.push((due - now) / MINUTE);
            now = due;
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30, 30]);
        when.ran(now, false, 1.0);
        assert_eq!(when.next(never, now, || 0.0), None);
    }

    #[test]
    fn a_clock_that_is_put_back_delays_nothing() {
        let year = 365 * DAY;
        for every in [
            rhythm(&[("mode", "interval"), ("minute", "60")]),
            rhythm(&[("mode", "daily"), ("hour", "0"), ("endhour", "1")]),
        ] {
            let ahead = SATURDAY + year;
            let mut when = When::new(ahead);
            when.next(every, ahead, || 0.5);
            when.ran(ahead, true, 0.5);
            assert!(when.next(every, ahead, || 0.5).is_some_and(|due| due > ahead));
            // Now NTP puts it right.
            assert_eq!(when.next(every, SATURDAY, || 0.5), Some(SATURDAY), "the retry is due at once");
            assert!(when.is_retry(SATURDAY));
            when.ran(SATURDAY, false, 0.5);
            let due = when.next(every, SATURDAY, || 0.5).unwrap();
            assert!(due > SATURDAY && due <= SATURDAY + DAY, "{due}");
        }
    }

    proptest! {
        #[test]
        fn moments_lie_in_their_hours_and_ahead(from in 0i64..24, to in 0i64..24, day in proptest::option::of(0i64..7), random: bool, at in 0i64..(30 * DAY), jitter in 0.0f64..1.0) {
            let rhythm = Rhythm { mode: Mode::Window { day, from, to }, random };
            let moments = runs(rhythm, at, 4, jitter);
            for pair in moments.windows(2) {
                prop_assert!(pair[1] > pair[0]);
            }
            let length = (to - from).rem_euclid(24).max(1);
            for moment in moments {
                let into = (moment - from * HOUR).rem_euclid(DAY);
                prop_assert!(into <= length * HOUR, "{into}");
                if let Some(day) = day {
                    let began = ((moment - from * HOUR - into).div_euclid(DAY) + FIRST_WEEKDAY).rem_euclid(7);
                    // At the very end of a window of 24 hours the next day's would begin.
                    prop_assert!(began == day || into == 0, "{began} {day}");
                }
            }
        }
    }
}
