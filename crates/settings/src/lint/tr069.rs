//! Whether the phone stays with its server.

use super::{Look, Rule, Severity};

pub const OFF: Rule = Rule {
    id: "tr069-off",
    severity: Severity::Danger,
    title: "TR-069 is switched off",
    why: "With this change the phone leaves: it takes no setting, no firmware and no order any more, and somebody has to \
          go to it.",
    remedy: "Leave tr069.enable on. PBX templates that switch it off must not be used beside this server.",
};

pub const ELSEWHERE: Rule = Rule {
    id: "tr069-elsewhere",
    severity: Severity::Danger,
    title: "TR-069 goes to another server",
    why: "The phone would follow that server from now on and be lost here.",
    remedy: "Remove the value; the phone knows where its server is. To move phones on purpose, do it for one first.",
};

pub const QUIET: Rule = Rule {
    id: "tr069-quiet",
    severity: Severity::Warning,
    title: "The phone does not call in by itself",
    why: "Without periodic calls a phone that cannot be reached from outside gets changes only when it restarts.",
    remedy: "Switch periodic calls on, every few hours at the most.",
};

pub fn look(look: &mut Look) {
    let (enable, url, periodic) = ("tr069.enable", "tr069.url", "tr069.periodicinform");
    if look.config.given(enable).as_deref() == Some("no") {
        look.found(&OFF, [enable], "The phone is told to leave.".to_owned());
    }
    if let Some(given) = look.config.given(url)
        && !look.facts.acs_hosts.is_empty()
    {
        let host = host(&given);
        if !look.facts.acs_hosts.iter().any(|known| known.eq_ignore_ascii_case(host)) {
            look.found(&ELSEWHERE, [url], format!("It would call {host}."));
        }
    }
    if !look.config.yes(periodic) {
        look.found(&QUIET, [periodic], "Periodic calls are off.".to_owned());
    }
}

/// The host of a URL, without user, port and path.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    match place.strip_prefix('[').and_then(|v6| v6.split_once(']')) {
        Some((v6, _)) => v6,
        None => place.split_once(':').map_or(place, |(host, _)| host),
    }
}
