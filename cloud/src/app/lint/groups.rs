//! Findings of many phones, rule by rule.

use std::collections::{BTreeMap, BTreeSet};

use contract::rest::{LintExample, LintGeneral, LintGroup};
use contract::{Mac, PhoneId};
use settings::lint::{Finding, Rule, Severity};

use super::words;

/// Phones named for each rule.
const EXAMPLES: usize = 5;

/// A phone as examples name it.
pub struct Named<'a> {
    pub id: PhoneId,
    pub mac: Mac,
    pub room_number: Option<&'a str>,
}

/// Rules with the phones that break them, the worst first.
#[derive(Default)]
pub struct Groups(BTreeMap<(Severity, &'static str), LintGroup>);

impl Groups {
    /// The findings of one phone. Two of one rule are one phone.
    pub fn add(&mut self, phone: &Named<'_>, findings: impl IntoIterator<Item = Finding>) {
        let mut counted = BTreeSet::new();
        for finding in findings {
            let rule = finding.rule;
            let group = self.group(rule);
            if !counted.insert(rule.id) {
                continue;
            }
            group.phones += 1;
            if group.examples.len() < EXAMPLES {
                group.examples.push(LintExample {
                    phone: phone.id,
                    mac: phone.mac,
                    room_number: phone.room_number.map(str::to_owned),
                    keys: finding.keys,
                    what: finding.what,
                });
            }
        }
    }

    /// Findings of values that no phone has yet.
    pub fn add_general(&mut self, findings: impl IntoIterator<Item = Finding>) {
        for Finding { rule, keys, what } in findings {
            self.group(rule).general.push(LintGeneral { keys, what });
        }
    }

    fn group(&mut self, rule: &'static Rule) -> &mut LintGroup {
        self.0.entry((rule.severity, rule.id)).or_insert_with(|| LintGroup {
            rule: words(rule),
            phones: 0,
            examples: Vec::new(),
            general: Vec::new(),
        })
    }

    pub fn done(self) -> Vec<LintGroup> {
        self.0.into_values().collect()
    }
}
