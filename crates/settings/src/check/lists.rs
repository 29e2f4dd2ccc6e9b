//! Lists of addresses, numbers and rules.

use super::{Refusal, choice, net, number, refuse};
use crate::Choice;

fn each(
    max: usize,
    value: &str,
    separators: &[char],
    check: impl Fn(&str) -> Result<String, Refusal>,
) -> Result<String, Refusal> {
    let mut items: Vec<String> = vec![];
    for item in value.split(separators).map(str::trim).filter(|item| !item.is_empty()) {
        let item = check(item)
            .map_err(|why| Some(why.unwrap_or_else(|| format!("\"{}\" is wrong", crate::error::printable(item)))))?;
        if !items.contains(&item) {
            items.push(item);
        }
    }
    if items.len() > max { refuse(format!("{} entries", items.len())) } else { Ok(items.join(",")) }
}

pub fn numbers(max: usize, value: &str) -> Result<String, Refusal> {
    each(max, value, &[',', ';'], |item| number(item, 1, 64))
}

pub fn hosts(max: usize, value: &str) -> Result<String, Refusal> {
    each(max, value, &[',', ' '], net::host_port)
}

pub fn networks(max: usize, value: &str) -> Result<String, Refusal> {
    each(max, value, &[',', ' '], net::network)
}

/// `pattern=ringtone;…`; the pattern is a number pattern (`x`, `+`, `[3-5]`) or the text of an Alert-Info header.
pub fn ring_match(choices: &[Choice], max: usize, value: &str) -> Result<String, Refusal> {
    let mut rules = vec![];
    for rule in value.split(';').map(str::trim).filter(|rule| !rule.is_empty()) {
        let Some((pattern, tone)) = rule.rsplit_once('=') else {
            return refuse(format!("rule {} has no =", rules.len() + 1));
        };
        let pattern = pattern.trim();
        if pattern.is_empty() || pattern.len() > 64 || pattern.matches('[').count() != pattern.matches(']').count() {
            return refuse(format!("the pattern of rule {} is wrong", rules.len() + 1));
        }
        let tone = choice::one(choices, tone.trim())
            .map_err(|_| Some(format!("the ringtone of rule {} is unknown", rules.len() + 1)))?;
        rules.push(format!("{pattern}={tone}"));
    }
    if rules.len() > max { refuse(format!("{} rules", rules.len())) } else { Ok(rules.join(";")) }
}

/// `address:port=label;…`; the position is the priority, so empty positions count.
pub fn paging(max: usize, value: &str) -> Result<String, Refusal> {
    let mut entries = vec![];
    for entry in value.split(';').map(str::trim) {
        let (address, label) = entry.split_once('=').unwrap_or((entry, ""));
        let label = label.trim();
        if label.len() > 64 {
            return refuse(format!("the label of entry {} is longer than 64 bytes", entries.len() + 1));
        }
        entries.push(match address.trim() {
            "" if label.is_empty() => String::new(),
            "" => return refuse(format!("entry {} has no address", entries.len() + 1)),
            address if label.is_empty() => net::multicast(address)?,
            address => format!("{}={label}", net::multicast(address)?),
        });
    }
    while entries.last().is_some_and(String::is_empty) {
        entries.pop();
    }
    if entries.len() > max { refuse(format!("{} entries", entries.len())) } else { Ok(entries.join(";")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_lists() {
        assert_eq!(numbers(10, "100; 101,100").as_deref(), Ok("100,101"));
        assert!(numbers(1, "100,101").is_err());
        assert_eq!(networks(8, "10.0.0.0/8 2001:DB8::1").as_deref(), Ok("10.0.0.0/8,2001:db8::1"));
        assert!(networks(8, "10.0.0.0/8,hotel").is_err());
        assert_eq!(hosts(8, "A:5060, b").as_deref(), Ok("a:5060,b"));
    }

    #[test]
    fn ring_rules() {
        let tones = [Choice { value: "ring1".into(), label: "Ring 1".into(), wire: None, p: None }];
        assert_eq!(
            ring_match(&tones, 10, "[3-5]xx+ = Ring 1; info=vip=ring1").as_deref(),
            Ok("[3-5]xx+=ring1;info=vip=ring1")
        );
        for bad in ["123", "=ring1", "12=nope", "[3=ring1"] {
            assert!(ring_match(&tones, 10, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn paging_lists() {
        assert_eq!(paging(10, ";224.0.1.75:5004=Pool; ;").as_deref(), Ok(";224.0.1.75:5004=Pool"));
        assert!(paging(10, "10.0.0.1:5004").is_err());
        assert!(paging(1, ";224.0.1.75:5004").is_err());
    }
}
