//! Offers and answers, checked.

mod golden;
mod properties;
mod sequences;
mod settings;
mod srtp;
mod tolerance;

use super::*;
use crate::rng::Rng;
use crate::settings::read::Values;

/// Settings of account 1 from keys without their prefix.
pub(super) fn settings(pairs: &[(&str, &str)]) -> MediaSettings {
    let get = |key: &str| {
        let found = pairs.iter().find(|(name, _)| Some(*name) == key.strip_prefix("account.1."));
        found.map(|(_, value)| (*value).to_owned())
    };
    MediaSettings::from_values(&Values::account(&get, 1))
}

/// A leg at 192.0.2.`host`, port 5004.
pub(super) fn leg_with(host: u8, settings: MediaSettings) -> Negotiator {
    let local = LocalMedia { address: IpAddr::from([192, 0, 2, host]), port: 5004, settings: Arc::new(settings) };
    Negotiator::new(local, &mut Rng::new(u64::from(host), 1))
}

pub(super) fn leg(host: u8, pairs: &[(&str, &str)]) -> Negotiator {
    leg_with(host, settings(pairs))
}

/// Lines of a description, checked: every line ends with CRLF and nothing else does, and our stream has no payload type
/// twice.
pub(super) fn lines(text: &str) -> Vec<&str> {
    assert!(text.ends_with("\r\n") && !text.contains("\n\n"));
    let lines: Vec<_> = text.trim_end().split("\r\n").collect();
    assert!(lines.iter().all(|line| !line.contains(['\r', '\n']) && line.as_bytes()[1] == b'='));
    let types: Vec<_> =
        lines.iter().filter(|line| line.starts_with("m=audio 5")).flat_map(|line| line.split(' ').skip(3)).collect();
    assert!(types.iter().all(|pt| types.iter().filter(|other| *other == pt).count() == 1), "{text}");
    lines
}

/// Offers, answers, and brings the answer back.
pub(super) fn exchange(from: &mut Negotiator, to: &mut Negotiator, offered: Direction, wanted: Direction) {
    let offer = from.offer(offered);
    let answer = to.answer(&offer, wanted).unwrap();
    from.answered(&answer).unwrap();
}

/// The version in `o=`.
pub(super) fn version(text: &str) -> u64 {
    text.lines().nth(1).unwrap().split(' ').nth(2).unwrap().parse().unwrap()
}
