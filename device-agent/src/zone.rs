//! Time zones in the POSIX form the settings have: `CET-1CEST-2,M3.5.0/02:00:00,M10.5.0/03:00:00` (IEEE 1003.1 §8.3).

/// Seconds a zone is east of UTC at a moment, seconds since 1970. A zone that cannot be read, or is to be found by the place
/// the phone is in, is UTC.
pub fn offset_s(zone: &str, at: i64) -> i32 {
    Zone::parse(zone).map_or(0, |zone| zone.offset_at(at))
}

struct Zone {
    standard: i32,
    summer: Option<(i32, [Rule; 2])>,
}

/// `Mmonth.week.day/time`: the week 5 is the last; Sunday is 0.
#[derive(Clone, Copy)]
struct Rule {
    month: i64,
    week: i64,
    day: i64,
    /// Seconds after midnight.
    time: i32,
}

impl Zone {
    fn parse(text: &str) -> Option<Self> {
        let (names, rules) = match text.split_once(',') {
            Some((names, rules)) => (names, rules),
            // What the United States have, and every library takes where no rule stands.
            None => (text, "M3.2.0,M11.1.0"),
        };
        let (standard, rest) = name_and_offset(names)?;
        let standard = standard?;
        if rest.is_empty() {
            return Some(Self { standard, summer: None });
        }
        let (summer, rest) = name_and_offset(rest)?;
        let (first, second) = rules.split_once(',')?;
        let rules = [Rule::parse(first)?, Rule::parse(second)?];
        rest.is_empty().then(|| Self { standard, summer: Some((summer.unwrap_or(standard + 3600), rules)) })
    }

    fn offset_at(&self, at: i64) -> i32 {
        let Some((summer, [begin, end])) = self.summer else { return self.standard };
        // The year by standard time: rules do not lie at its turn.
        let year = year_of((at + i64::from(self.standard)).div_euclid(86_400));
        let begin = begin.moment(year) - i64::from(self.standard);
        let end = end.moment(year) - i64::from(summer);
        // On the southern half of the earth summer lasts over the turn of the year.
        let is_summer = if begin < end { (begin..end).contains(&at) } else { !(end..begin).contains(&at) };
        if is_summer { summer } else { self.standard }
    }
}

impl Rule {
    fn parse(text: &str) -> Option<Self> {
        let (date, time) = text.split_once('/').unwrap_or((text, "2"));
        let mut numbers = date.strip_prefix('M')?.split('.').map(|number| number.parse::<i64>().ok());
        let (month, week, day) = (numbers.next()??, numbers.next()??, numbers.next()??);
        let fits = (1..=12).contains(&month) && (1..=6).contains(&week) && (0..=6).contains(&day);
        fits.then_some(Self { month, week: week.min(5), day, time: clock_time(time)? })
    }

    /// Seconds since 1970 by the clock on the wall.
    fn moment(self, year: i64) -> i64 {
        let first = days_until(year, self.month);
        // 1 January 1970 was a Thursday.
        let weekday = (first + 4).rem_euclid(7);
        let mut day = first + (self.day - weekday).rem_euclid(7) + (self.week - 1) * 7;
        let next = if self.month == 12 { days_until(year + 1, 1) } else { days_until(year, self.month + 1) };
        while day >= next {
            day -= 7;
        }
        day * 86_400 + i64::from(self.time)
    }
}

/// A zone's name, and what follows it up to the next name: seconds east, where it stands there.
fn name_and_offset(text: &str) -> Option<(Option<i32>, &str)> {
    let end = text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len());
    if end < 3 {
        return None;
    }
    let rest = text.get(end..)?;
    let end = rest.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(rest.len());
    let (offset, rest) = rest.split_at_checked(end)?;
    if offset.is_empty() {
        return Some((None, rest));
    }
    let (sign, digits) = match offset.split_at_checked(1)? {
        ("-", digits) => (1, digits),
        ("+", digits) => (-1, digits),
        _ => (-1, offset),
    };
    Some((Some(sign * clock_time(digits)?), rest))
}

/// `24:00:00`, `2:00` or `3`, as seconds.
fn clock_time(text: &str) -> Option<i32> {
    let (mut seconds, mut unit) = (0, 3600);
    for part in text.split(':') {
        let number: i32 = part.parse().ok().filter(|number| (0..=167).contains(number))?;
        seconds += number * unit;
        unit /= 60;
    }
    Some(seconds)
}

/// Days from 1970 to the first of a month. After Howard Hinnant's `days_from_civil`.
fn days_until(year: i64, month: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn year_of(days: i64) -> i64 {
    let guess = 1970 + days.div_euclid(365);
    // A guess is late by one year in some 1,400: it is stepped back.
    (0..4).map(|back| guess - back).find(|year| days_until(*year, 1) <= days).unwrap_or(guess)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noon of a day of 2026, seconds since 1970.
    fn noon(month: i64, day: i64) -> i64 {
        (days_until(2026, month) + day - 1) * 86_400 + 43_200
    }

    #[test]
    fn zones_of_the_settings() {
        let hours = |zone, month| f64::from(offset_s(zone, noon(month, 15))) / 3600.0;
        for (zone, january, july) in [
            ("CET-1CEST-2,M3.5.0/02:00:00,M10.5.0/03:00:00", 1.0, 2.0),
            ("EST5EDT", -5.0, -4.0),
            ("NST+3:30NDT+2:30,M3.2.0/02:00:00,M11.1.0/02:00:00", -3.5, -2.5),
            ("CST-9:30CDT-10:30,M10.5.0/02:00:00,M3.5.0/03:00:00", 10.5, 9.5),
            ("CLT4CLST,M9.1.6/24:00,M4.1.6/24:00", -3.0, -4.0),
            ("TZU-5:45", 5.75, 5.75),
            ("auto", 0.0, 0.0),
            ("", 0.0, 0.0),
            ("X,,", 0.0, 0.0),
        ] {
            assert_eq!((hours(zone, 1), hours(zone, 7)), (january, july), "{zone}");
        }
    }

    #[test]
    fn the_clock_changes_at_its_second() {
        let zone = "CET-1CEST-2,M3.5.0/02:00:00,M10.5.0/03:00:00";
        // 29 March 2026 and 25 October 2026, one o'clock UTC.
        for (at, before, after) in [(1_774_746_000, 3600, 7200), (1_792_890_000, 7200, 3600)] {
            assert_eq!((offset_s(zone, at - 1), offset_s(zone, at)), (before, after));
        }
        assert_eq!(days_until(2026, 11), 20_758);
        assert_eq!((year_of(days_until(2027, 1)), year_of(days_until(2027, 1) - 1)), (2027, 2026));
    }

    #[test]
    fn every_zone_of_the_catalogue_is_understood() {
        let found = settings::Catalogue::get().find("datetime.timezone").unwrap();
        let zones = found.setting.value_type.choices().iter().map(|choice| choice.value.as_str());
        for zone in zones.filter(|zone| !matches!(*zone, "auto" | "customize")) {
            assert!(Zone::parse(zone).is_some(), "{zone}");
        }
    }
}
