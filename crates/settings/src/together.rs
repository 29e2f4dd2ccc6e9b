//! Rules between settings: values that are each allowed but not together.

use crate::{Catalogue, SettingRef};

/// Two settings that contradict each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{first} and {second}: {what}")]
pub struct Conflict {
    /// One key.
    pub first: String,
    /// The other key.
    pub second: String,
    /// What is wrong with them.
    pub what: &'static str,
}

type Rule = (&'static str, &'static str, fn(&str, &str) -> bool, &'static str);

const SAME_PAYLOAD: &str = "two payload types must not be the same";

/// (one key, another, whether they fit, what is wrong otherwise); `N` stands for the account.
const RULES: [Rule; 5] = [
    ("account.N.codec.payloadtype.ilbc", "account.N.codec.payloadtype.opus", |a, b| a != b, SAME_PAYLOAD),
    ("account.N.codec.payloadtype.ilbc", "account.N.codec.payloadtype.dtmf", |a, b| a != b, SAME_PAYLOAD),
    ("account.N.codec.payloadtype.opus", "account.N.codec.payloadtype.dtmf", |a, b| a != b, SAME_PAYLOAD),
    (
        "account.N.sip.minimumse",
        "account.N.sip.sessiontimer.expiration",
        not_above,
        "Min-SE must not exceed the session expiration",
    ),
    (
        "security.minimum.tls.version",
        "security.maximum.tls.version",
        tls_order,
        "the minimum TLS version must not exceed the maximum",
    ),
];

/// The contradictions in a document. `get` gives a key's canonical value; for keys it does not know the default counts.
pub fn check_together(get: impl Fn(&str) -> Option<String>) -> Vec<Conflict> {
    let value = |found: SettingRef| get(&found.key()).or_else(|| found.setting.default.clone());
    let mut conflicts = vec![];
    for (first, second, fits, what) in RULES {
        let accounts: &[&str] = if first.contains(".N.") { &["1", "2"] } else { &[""] };
        for account in accounts {
            let key = |template: &str| template.replace(".N.", &format!(".{account}."));
            let pair = Catalogue::get().find(&key(first)).zip(Catalogue::get().find(&key(second)));
            let values = pair.and_then(|(a, b)| value(a).zip(value(b)));
            if values.is_some_and(|(a, b)| !fits(&a, &b)) {
                conflicts.push(Conflict { first: key(first), second: key(second), what });
            }
        }
    }
    conflicts
}

fn not_above(low: &str, high: &str) -> bool {
    match (low.parse::<i64>(), high.parse::<i64>()) {
        (Ok(low), Ok(high)) => low <= high,
        _ => true,
    }
}

/// `tls1.0` < `tls1.1` < … < `unlimited`, which the words' own order happens to give.
fn tls_order(low: &str, high: &str) -> bool {
    low <= high
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conflicts(given: &[(&str, &str)]) -> Vec<String> {
        let get = |key: &str| given.iter().find(|(k, _)| *k == key).map(|(_, v)| (*v).to_owned());
        check_together(get).into_iter().map(|c| c.first).collect()
    }

    #[test]
    fn rules_name_real_settings() {
        for (first, second, ..) in RULES {
            for key in [first, second] {
                assert!(Catalogue::get().find(&key.replace(".N.", ".1.")).is_some(), "{key}");
            }
        }
    }

    #[test]
    fn defaults_agree_and_contradictions_are_found() {
        assert!(conflicts(&[]).is_empty());
        assert_eq!(conflicts(&[("account.2.codec.payloadtype.opus", "101")]), ["account.2.codec.payloadtype.opus"]);
        assert_eq!(conflicts(&[("account.1.sip.minimumse", "181")]), ["account.1.sip.minimumse"]);
        let tls = [("security.minimum.tls.version", "tls1.2"), ("security.maximum.tls.version", "tls1.1")];
        assert_eq!(conflicts(&tls), ["security.minimum.tls.version"]);
        assert!(
            conflicts(&[("security.minimum.tls.version", "tls1.2"), ("security.maximum.tls.version", "unlimited")])
                .is_empty()
        );
    }
}
