//! Times and time zones.

use super::{Refusal, refuse};

/// `H:MM` or `HH:MM`, 24 hours.
pub fn time(value: &str) -> Result<String, Refusal> {
    let (hour, minute) = value.split_once(':').ok_or(None)?;
    Ok(format!("{:02}:{:02}", digits(hour, 2, 23)?, digits(minute, 2, 59)?))
}

/// RFC 3339, shape and ranges only (the 31st of February passes).
pub fn date_time(value: &str) -> Result<String, Refusal> {
    let bytes = value.as_bytes();
    let shape = b"dddd-dd-ddTdd:dd:dd";
    let fits = bytes.len() > shape.len()
        && value.is_ascii()
        && shape.iter().zip(bytes).all(
            |(s, b)| {
                if *s == b'd' { b.is_ascii_digit() } else { s.eq_ignore_ascii_case(b) }
            },
        );
    if !fits {
        return Err(None);
    }
    for (from, to, most) in [(5, 7, 12), (8, 10, 31), (11, 13, 23), (14, 16, 59), (17, 19, 60)] {
        digits(value.get(from..to).unwrap_or_default(), 2, most)?;
    }
    let rest = value.get(shape.len()..).unwrap_or_default();
    let offset =
        rest.strip_prefix('.').map_or(rest, |fraction| fraction.trim_start_matches(|c: char| c.is_ascii_digit()));
    match offset.strip_prefix(['+', '-']) {
        Some(offset) => time(offset).map(|_| value.to_owned()),
        None if offset.eq_ignore_ascii_case("z") => Ok(value.to_owned()),
        None => Err(None),
    }
}

fn digits(text: &str, longest: usize, most: u32) -> Result<u32, Refusal> {
    let plain = !text.is_empty() && text.len() <= longest && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|n| plain && *n <= most).ok_or(None)
}

/// A POSIX time zone: `std offset [dst [offset] [,start[/time],end[/time]]]`.
pub fn zone(value: &str) -> Result<String, Refusal> {
    let (zones, rules) = value.split_once(',').map_or((value, None), |(zones, rules)| (zones, Some(rules)));
    let rest = name(zones).ok_or_else(|| Some("a zone begins with a name of three letters or more".to_owned()))?;
    let Some(rest) = offset(rest, 24) else {
        return refuse("the offset after the zone's name is wrong");
    };
    let summer = !rest.is_empty();
    if summer {
        let after = name(rest).ok_or_else(|| Some("the summer time's name is wrong".to_owned()))?;
        if !after.is_empty() && offset(after, 24) != Some("") {
            return refuse("the summer time's offset is wrong");
        }
    }
    match rules.map(|rules| rules.split(',').collect::<Vec<_>>()) {
        None => Ok(value.to_owned()),
        Some(rules) if summer && rules.len() == 2 && rules.iter().all(|rule| change(rule)) => Ok(value.to_owned()),
        Some(_) => refuse("the summer time's rules are wrong"),
    }
}

fn name(text: &str) -> Option<&str> {
    if let Some(quoted) = text.strip_prefix('<') {
        let (inner, rest) = quoted.split_once('>')?;
        let fine = inner.len() >= 3 && inner.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'-');
        return fine.then_some(rest);
    }
    let rest = text.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    (text.len() - rest.len() >= 3).then_some(rest)
}

/// `[+-]h[h][:mm[:ss]]`; the rest of the text.
fn offset(text: &str, hours: u32) -> Option<&str> {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let end = text.find(|c: char| !c.is_ascii_digit() && c != ':').unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    let mut parts = number.split(':');
    digits(parts.next()?, 3, hours).ok()?;
    let small: Vec<_> = parts.collect();
    (small.len() <= 2 && small.iter().all(|part| digits(part, 2, 59).is_ok())).then_some(rest)
}

/// `Mm.w.d`, `Jn` or `n`, and perhaps `/time`.
fn change(rule: &str) -> bool {
    let (date, at) = rule.split_once('/').map_or((rule, None), |(date, at)| (date, Some(at)));
    let date_fits = match date.strip_prefix('M') {
        Some(month) => {
            let parts: Vec<_> = month.split('.').collect();
            let limits = [(1, 12), (1, 5), (0, 6)];
            parts.len() == 3
                && parts.iter().zip(limits).all(|(part, (low, high))| digits(part, 2, high).is_ok_and(|n| n >= low))
        }
        None => digits(date.strip_prefix('J').unwrap_or(date), 3, 365).is_ok(),
    };
    date_fits && at.is_none_or(|at| offset(at, 167) == Some(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        assert_eq!(time("7:05").as_deref(), Ok("07:05"));
        for bad in ["24:00", "7", "7:60", "+7:00", ":", "007:00"] {
            assert!(time(bad).is_err(), "{bad}");
        }
        assert!(date_time("2026-11-23T04:29:43Z").is_ok());
        assert!(date_time("2026-11-23t04:29:43.123+01:00").is_ok());
        for bad in ["2026-11-23", "2026-13-23T04:29:43Z", "2026-11-23T04:29:43", "2026-11-23T04:29:4éZ"] {
            assert!(date_time(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn zones() {
        for good in [
            "MTZ+6MDT+5,M4.1.0,M11.1.0",
            "CET-1CEST,M3.5.0,M10.5.0/3",
            "TAZ+12",
            "UTC0",
            "<+0330>-3:30",
            "EST5EDT,J60,300/2:00",
        ] {
            assert!(zone(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "CE-1",
            "CET",
            "CET-25",
            "CET-1,M3.5.0,M10.5.0",
            "CET-1CEST,M13.5.0,M10.5.0",
            "CET-1CEST,M3.5.0",
            "<+03-3",
        ] {
            assert!(zone(bad).is_err(), "{bad}");
        }
    }
}
