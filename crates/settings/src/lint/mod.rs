//! Lint: what is allowed by the catalogue and still a bad idea. Rules over the effective configuration of one phone, and
//! facts its caller knows: other phones, how good the passwords are, where help is called.
//!
//! A finding never holds a secret. A rule is written once, as a [`Rule`] with its words; `docs/LINT.md` is made of them.

mod access;
mod config;
mod emergency;
mod filled;
mod invite;
mod passwords;
mod payload;
mod ports;
mod secret;
mod tr069;

use std::collections::BTreeMap;

pub use config::{Account, Config};
pub use invite::invite_size;
pub use secret::Secret;

/// How bad it is. The order is how much it needs a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Somebody can get hurt, locked out, or robbed; or the phone does not work.
    Danger,
    /// It will cause trouble.
    Warning,
    /// It is worth a look.
    Hint,
}

impl Severity {
    /// The word in JSON and in the documentation.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Danger => "danger",
            Self::Warning => "warning",
            Self::Hint => "hint",
        }
    }
}

/// What is looked for, in words for people.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// Stable, for programs.
    pub id: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in a few words.
    pub title: &'static str,
    /// Why that is bad.
    pub why: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

/// A rule that a configuration breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// The settings it is about, the one to change first.
    pub keys: Vec<String>,
    /// What was found here. Holds no secret.
    pub what: String,
}

/// What a configuration does not say itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Numbers that must be dialled as they are. Empty: that is not looked at.
    pub emergency: Vec<String>,
    /// Host names under which the server takes TR-069 calls. Empty: not known, and not looked at.
    pub acs_hosts: Vec<String>,
    /// How good the secrets are that are set, by key.
    pub secrets: BTreeMap<String, Secret>,
    /// Who else has the user of an account on the same server, in words, by account. Shared accounts are left out.
    pub doubles: BTreeMap<u8, Vec<String>>,
}

/// What a rule's function is given.
struct Look<'a> {
    config: Config<'a>,
    facts: &'a Facts,
    findings: Vec<Finding>,
}

impl Look<'_> {
    fn found(&mut self, rule: &'static Rule, keys: impl IntoIterator<Item = impl Into<String>>, what: String) {
        self.findings.push(Finding { rule, keys: keys.into_iter().map(Into::into).collect(), what });
    }
}

/// All rules, in the order of the documentation.
pub const RULES: &[&Rule] = &[
    &emergency::NOT_DIALABLE,
    &emergency::HOTLINE,
    &emergency::CHANGED,
    &tr069::OFF,
    &tr069::ELSEWHERE,
    &tr069::QUIET,
    &passwords::ADMIN,
    &passwords::SIP,
    &passwords::PIN,
    &passwords::OTHER,
    &filled::DOUBLE,
    &payload::COLLIDE,
    &payload::CONTRADICTION,
    &ports::OVERLAP,
    &invite::TOO_LARGE,
    &access::WEB_PLAIN,
    &access::WEB_OPEN,
    &access::SSH,
    &filled::ACCOUNT,
    &filled::EMPTY,
    &filled::HOTEL,
    &filled::ACTION_URLS,
];

/// What is wrong with a configuration, worst first. `get` gives the canonical value of a key that is set, secrets
/// excepted; for others the factory's default counts.
pub fn lint(get: &dyn Fn(&str) -> Option<String>, facts: &Facts) -> Vec<Finding> {
    let mut look = Look { config: Config::new(get), facts, findings: Vec::new() };
    for rules in [
        emergency::look,
        tr069::look,
        passwords::look,
        payload::look,
        ports::look,
        invite::look,
        access::look,
        filled::look,
    ] {
        rules(&mut look);
    }
    let mut findings = look.findings;
    findings.sort_by_key(|finding| finding.rule.severity);
    findings
}

/// The rules as a page for people: `docs/LINT.md`.
pub fn markdown() -> String {
    let mut page = String::from(
        "# Lint\n\n\
         What the catalogue allows and is still a bad idea. The server looks at what every phone is to be:\n\
         `GET /api/v1/phones/{phone}/lint` and `GET /api/v1/properties/{property}/lint`. The rules are in\n\
         `crates/settings/src/lint`; this page is made of them, and a test holds it to them. The preview of a change says\n\
         which of them it would break, mend or leave broken.\n\n\
         | rule | how bad | what is wrong | why | what to do |\n|---|---|---|---|---|\n",
    );
    for rule in RULES {
        // A bare bar would end the cell.
        let cells = [rule.severity.as_str(), rule.title, rule.why, rule.remedy].map(|text| text.replace('|', "\\|"));
        page.push_str(&format!("| `{}` | {} |\n", rule.id, cells.join(" | ")));
    }
    page
}
