//! Time zones by their IANA names, and the country each lies in: `zones.txt`, made of the names and of `zone.tab` of the
//! time zone database (release 2025b, in the public domain). Names of old are in it, as they are in use.

use settings::distance;

const LIST: &str = include_str!("zones.txt");
/// Longest name looked up, in bytes.
const LONGEST: usize = 64;
/// A suggestion differs by so many letters at the most, and one more for each four of its own.
const FAR: usize = 2;

/// Names with their countries (ISO 3166-1, two letters); none where a zone is of no country.
fn all() -> impl Iterator<Item = (&'static str, Option<&'static str>)> {
    LIST.lines().map(|line| line.split_once(' ').map_or((line, None), |(name, country)| (name, Some(country))))
}

/// The zone a person means, written as the list has it: `europe/lisbon` is `Europe/Lisbon`.
pub fn find(text: &str) -> Option<&'static str> {
    all().map(|(name, _)| name).find(|name| name.eq_ignore_ascii_case(text.trim()))
}

/// The country of a zone, as two letters.
pub fn country(zone: &str) -> Option<&'static str> {
    all().find(|(name, _)| *name == zone)?.1
}

/// The zone whose name is nearest, if one is near: `Europe/Lisbn`, or only `lisbon`.
pub fn nearest(text: &str) -> Option<&'static str> {
    let text = text.trim().to_ascii_lowercase().replace(' ', "_");
    if text.is_empty() || text.len() > LONGEST {
        return None;
    }
    let far = |name: &str| {
        let name = name.to_ascii_lowercase();
        let city = name.rsplit_once('/').map_or(name.as_str(), |(_, city)| city);
        // A city alone is as good as the whole name.
        if text.contains('/') { distance(&text, &name) } else { distance(&text, city) }
    };
    let best = all().map(|(name, _)| (far(name), name)).min()?;
    (best.0 <= FAR + text.len() / 8).then_some(best.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_has_every_zone_once_and_countries_have_two_letters() {
        let names: std::collections::BTreeSet<&str> = all().map(|(name, _)| name).collect();
        assert_eq!((names.len(), all().count()), (597, 597));
        for (name, country) in all() {
            assert!(name.len() <= LONGEST && !name.contains(' '), "{name}");
            let two = |code: &str| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase());
            assert!(country.is_none_or(two), "{name} {country:?}");
        }
        assert_eq!(country("Europe/Lisbon"), Some("PT"));
        assert_eq!(country("Asia/Calcutta"), Some("IN"), "a name of old");
        assert_eq!(country("Etc/GMT+3"), None);
    }

    #[test]
    fn zones_are_found_in_any_case_and_nothing_else_is() {
        for good in ["UTC", "Europe/Lisbon", "America/Argentina/Buenos_Aires", "Etc/GMT+3", "US/Eastern", "Japan"] {
            assert_eq!(find(good), Some(good));
        }
        assert_eq!(find(" europe/lisbon "), Some("Europe/Lisbon"));
        for bad in ["", "Lisbon", "Europe/", "/Lisbon", "Europe/Lisbn", "Europe/Lis bon", "../etc", "Factory"] {
            assert_eq!(find(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_nearest_is_offered_for_a_slip_and_for_a_city() {
        for (text, zone) in [
            ("Europe/Lisbn", "Europe/Lisbon"),
            ("Lisbon", "Europe/Lisbon"),
            ("new york", "America/New_York"),
            ("Asia/Tokio", "Asia/Tokyo"),
            ("America/Buenos Aires", "America/Buenos_Aires"),
        ] {
            assert_eq!(nearest(text), Some(zone), "{text}");
        }
        for bad in ["", "Somewhere/Else", &"x".repeat(1000)] {
            assert_eq!(nearest(bad), None, "{bad}");
        }
    }
}
