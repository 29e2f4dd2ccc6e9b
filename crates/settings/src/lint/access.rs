//! Doors into the phone that stand open.

use super::{Look, Rule, Severity};

pub const WEB_PLAIN: Rule = Rule {
    id: "web-plain",
    severity: Severity::Warning,
    title: "The phone's web page is served without encryption",
    why: "Its password goes through the hotel's network for everybody to read.",
    remedy: "Serve it by HTTPS only, or switch it off.",
};

pub const WEB_OPEN: Rule = Rule {
    id: "web-open",
    severity: Severity::Warning,
    title: "The phone's web page is open to every address",
    why: "Every guest's computer in that network may try passwords.",
    remedy: "Switch the page off, or allow the addresses of those who need it.",
};

pub const SSH: Rule = Rule {
    id: "ssh-open",
    severity: Severity::Warning,
    title: "SSH is switched on",
    why: "It is for the maker's support, and one more door to try passwords at.",
    remedy: "Switch it off when support is done.",
};

pub fn look(look: &mut Look) {
    let (mode, control, ssh) = ("security.webaccessmode", "security.webaccesscontrol", "security.ssh");
    if let Some(given) = look.config.given(mode).filter(|given| given != "disabled") {
        if given != "https" {
            look.found(&WEB_PLAIN, [mode], "It is served by HTTP.".to_owned());
        }
        if look.config.given(control).is_none_or(|control| control == "none") {
            look.found(&WEB_OPEN, [control, mode], "No list of addresses limits it.".to_owned());
        }
    }
    if look.config.yes(ssh) {
        look.found(&SSH, [ssh], "It is on.".to_owned());
    }
}
