//! Passwords that anybody guesses.

use super::{Look, Rule, Severity};
use crate::Catalogue;

/// Characters of a password that is typed by people.
const LEAST: usize = 8;
/// Characters of a password nobody types: attackers try thousands a second against a registrar.
const LEAST_SIP: usize = 12;

const ADMIN_KEY: &str = "users.admin.password";
const PIN_KEY: &str = "keys.lock.password";
const SIP_KEY: &str = "sip.subscriber.password";

pub const ADMIN: Rule = Rule {
    id: "admin-password",
    severity: Severity::Danger,
    title: "The administrator's password is weak",
    why: "Whoever is in the hotel's network opens the phone's web page and reads or changes everything, calls included.",
    remedy: "Set a random password of at least 8 characters for the whole property.",
};

pub const SIP: Rule = Rule {
    id: "sip-password",
    severity: Severity::Danger,
    title: "The SIP password is weak or missing",
    why: "Registrars are tried day and night; with a guessed password calls are made at the hotel's expense.",
    remedy: "Let the account have a random password (new password), and give it to the PBX by the export.",
};

pub const PIN: Rule = Rule {
    id: "keypad-pin",
    severity: Severity::Warning,
    title: "The keypad password is the factory's",
    why: "It is in the manual: any guest resets the phone, or takes another room's number, with it.",
    remedy: "Set another number for the property.",
};

pub const OTHER: Rule = Rule {
    id: "weak-password",
    severity: Severity::Warning,
    title: "Another password is weak",
    why: "It protects what the phone fetches, or who may give it orders.",
    remedy: "Set a random password of at least 8 characters.",
};

pub fn look(look: &mut Look) {
    let facts = look.facts;
    if let Some(reason) = facts.secrets.get(ADMIN_KEY).and_then(|secret| secret.weakness(LEAST)) {
        look.found(&ADMIN, [ADMIN_KEY], format!("It is weak: {reason}."));
    }
    match facts.secrets.get(PIN_KEY) {
        // The default is 123.
        None => look.found(&PIN, [PIN_KEY], "It was never changed.".to_owned()),
        Some(pin) if pin.known || pin.length < 3 => {
            look.found(&PIN, [PIN_KEY], "It is one that everybody tries first.".to_owned());
        }
        Some(_) => {}
    }
    for account in look.config.accounts() {
        let key = account.key(SIP_KEY);
        let reason = match facts.secrets.get(&key) {
            None => Some("there is none".to_owned()),
            Some(secret) if secret.length == 0 => Some("there is none".to_owned()),
            Some(secret) => secret.weakness(LEAST_SIP),
        };
        if let Some(reason) = reason {
            look.found(&SIP, [key], format!("Account {}: {reason}.", account.index));
        }
    }
    for (key, secret) in &facts.secrets {
        let told = [ADMIN_KEY, PIN_KEY].contains(&key.as_str()) || key.ends_with(SIP_KEY);
        if told || secret.length == 0 || !key.ends_with("password") {
            continue;
        }
        if let Some(reason) = secret.weakness(LEAST) {
            let title = Catalogue::get().find(key).map_or(key.as_str(), |found| found.setting.title.as_str());
            look.found(&OTHER, [key], format!("{title}: {reason}."));
        }
    }
}
