//! What is switched on and lacks what it needs; and two phones with one extension.

use super::{Config, Look, Rule, Severity};
use crate::Catalogue;

pub const DOUBLE: Rule = Rule {
    id: "extension-twice",
    severity: Severity::Danger,
    title: "Two phones have the same extension",
    why: "A call to the room rings elsewhere too, or only there, and what one guest dials is billed to the other.",
    remedy: "Give one of them another account. If it is meant, let them share one account object.",
};

pub const ACCOUNT: Rule = Rule {
    id: "account-incomplete",
    severity: Severity::Danger,
    title: "An account is on and has no server or no user",
    why: "It can never register: the phone shows it as failed.",
    remedy: "Give the room a SIP account, or switch the account off.",
};

pub const EMPTY: Rule = Rule {
    id: "empty-where-needed",
    severity: Severity::Warning,
    title: "Something is on that lacks what it needs",
    why: "It does nothing, or keeps trying.",
    remedy: "Fill in the empty setting, or switch the thing off.",
};

pub const HOTEL: Rule = Rule {
    id: "hotel-fields",
    severity: Severity::Hint,
    title: "The phone does not know its hotel or room",
    why: "It cannot show or read out where it is, and messages for the front desk lack the room.",
    remedy: "Put the phone into a room, and give the property its name and number.",
};

pub const ACTION_URLS: Rule = Rule {
    id: "action-urls",
    severity: Severity::Hint,
    title: "Notifications are on and none has an address",
    why: "Somebody wanted to be told, and is not.",
    remedy: "Fill in the Action URLs that are meant, or switch notifications off.",
};

/// (switch, values that count as on; none: yes), (what it then needs). `N` stands for the account.
type Need = (&'static str, &'static [&'static str], &'static [&'static str]);

const NEEDS: [Need; 8] = [
    ("accountsharing.enable", &["yes"], &["accountsharing.groupname", "accountsharing.password"]),
    ("e911.enable", &["yes"], &["e911.held.server.1.address"]),
    ("provisioning.pnp.urlmode", &["custom"], &["provisioning.pnp.url"]),
    ("maintain.syslog.level", &["debug", "info", "warning", "error"], &["maintain.syslog.server"]),
    ("network.802.1x.mode", &["eap_md5", "eap_tls", "eap_peap"], &["network.802.1x.identity"]),
    ("network.port.eth.1.type", &["static"], &["network.port.eth.1.address", "network.port.eth.1.mask"]),
    ("account.N.network.nattraversal", &["stun"], &["network.stunserver"]),
    ("account.N.network.dnsmode", &["configured_ip"], &["account.N.network.primaryip"]),
];

pub fn look(look: &mut Look) {
    let config = look.config;
    for (account, others) in &look.facts.doubles {
        if !others.is_empty() {
            let shown: Vec<&str> = others.iter().take(5).map(String::as_str).collect();
            let more = if others.len() > shown.len() {
                format!(" and {} more", others.len() - shown.len())
            } else {
                String::new()
            };
            let key = format!("account.{account}.sip.userid");
            let user = config.value(&key);
            look.found(&DOUBLE, [key], format!("{user} is also at {}{more}.", shown.join(", ")));
        }
    }
    for account in config.accounts() {
        let lacks: Vec<String> = ["sip.server.1.address", "sip.userid"]
            .into_iter()
            .filter(|rest| account.value(rest).is_empty())
            .map(|rest| account.key(rest))
            .collect();
        if !lacks.is_empty() {
            let what = format!("Account {}: missing {}.", account.index, titles(&lacks));
            look.found(&ACCOUNT, lacks, what);
        }
    }
    for (switch, on, needs) in NEEDS {
        needed(look, switch, on, needs);
    }
    let is_hotel = config.accounts().iter().any(|account| account.index == 1);
    let lacks: Vec<String> = ["hotel.room.number", "hotel.name"]
        .into_iter()
        .filter(|key| is_hotel && config.value(key).is_empty())
        .map(str::to_owned)
        .collect();
    if !lacks.is_empty() {
        let what = format!("Missing: {}.", titles(&lacks));
        look.found(&HOTEL, lacks, what);
    }
    let given = config.given("ons.enable").as_deref() == Some("yes");
    if given && !any_action_url(&config) {
        look.found(&ACTION_URLS, ["ons.enable"], "No Action URL is set.".to_owned());
    }
}

fn needed(look: &mut Look, switch: &str, on: &[&str], needs: &[&str]) {
    let config = look.config;
    let accounts: Vec<String> = match switch.contains(".N.") {
        true => config.accounts().iter().map(|account| format!(".{}.", account.index)).collect(),
        false => vec![".N.".to_owned()],
    };
    for account in accounts {
        let key = |text: &str| text.replace(".N.", &account);
        let switch = key(switch);
        if !on.contains(&config.value(&switch).as_str()) {
            continue;
        }
        // Secrets are known by their facts only.
        let is_empty = |key: &String| {
            config.value(key).is_empty() && look.facts.secrets.get(key).is_none_or(|secret| secret.length == 0)
        };
        let lacks: Vec<String> = needs.iter().map(|need| key(need)).filter(is_empty).collect();
        if !lacks.is_empty() {
            let what = format!("{} is set; missing: {}.", titles(std::slice::from_ref(&switch)), titles(&lacks));
            look.found(&EMPTY, lacks.into_iter().chain([switch]), what);
        }
    }
}

fn any_action_url(config: &Config) -> bool {
    let all = Catalogue::get().settings().iter().filter(|setting| setting.key.starts_with("ons.actionurl."));
    all.map(|setting| config.value(&setting.key)).any(|value| !value.is_empty())
}

/// Titles of settings, with "and" between them.
fn titles(keys: &[String]) -> String {
    let names: Vec<&str> = keys
        .iter()
        .map(|key| Catalogue::get().find(key).map_or(key.as_str(), |found| found.setting.title.as_str()))
        .collect();
    names.join(" and ")
}
