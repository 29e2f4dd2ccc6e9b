//! Payload types that collide, and other values that contradict each other.

use super::{Account, Look, Rule, Severity};
use crate::check_together;

pub const COLLIDE: Rule = Rule {
    id: "payload-types",
    severity: Severity::Danger,
    title: "Two kinds of audio have the same payload type",
    why: "The other side cannot tell them apart: digits are heard as noise, or a call has no sound.",
    remedy: "Give each of DTMF, Opus, iLBC and G.726 a number of its own; the factory's are 101, 123, 97 and 127.",
};

pub const CONTRADICTION: Rule = Rule {
    id: "contradiction",
    severity: Severity::Warning,
    title: "Two settings contradict each other",
    why: "The phone takes one of them, and not always the one that was meant.",
    remedy: "Change one of the two.",
};

/// What has a payload type of its own: the word in the codec list (none: digits), and its setting.
const DYNAMIC: [(&str, &str); 4] = [("", "dtmf"), ("opus", "opus"), ("ilbc", "ilbc"), ("g726-32", "g72632")];

pub fn look(look: &mut Look) {
    for account in look.config.accounts() {
        of_account(look, &account);
    }
    let config = look.config;
    for conflict in check_together(|key| config.given(key)) {
        // Told above, in better words.
        if !conflict.first.contains(".payloadtype.") {
            look.found(&CONTRADICTION, [&conflict.first, &conflict.second], format!("{conflict}."));
        }
    }
}

fn of_account(look: &mut Look, account: &Account) {
    let codecs = account.words("codec.choice");
    let types = DYNAMIC.map(|(codec, name)| {
        let key = format!("codec.payloadtype.{name}");
        // The guide: iLBC, Opus and DTMF always differ. G.726 only where it is offered.
        let counts = name != "g72632" || codecs.iter().any(|one| one == codec);
        (name, account.key(&key), account.number(&key).filter(|_| counts))
    });
    for (at, (name, key, number)) in types.iter().enumerate() {
        for (other_name, other_key, other) in types.iter().skip(at + 1) {
            if number.is_some() && number == other {
                let number = number.unwrap_or_default();
                let what = format!("Account {}: {name} and {other_name} are both {number}.", account.index);
                look.found(&COLLIDE, [key, other_key], what);
            }
        }
    }
}
