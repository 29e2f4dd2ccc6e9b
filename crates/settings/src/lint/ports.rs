//! Ports that are wanted twice.

use super::{Look, Rule, Severity};

pub const OVERLAP: Rule = Rule {
    id: "ports-overlap",
    severity: Severity::Warning,
    title: "Two things want the same port",
    why: "Only one gets it: calls have no sound, or the phone cannot be reached.",
    remedy: "Move the range of voice ports away from the SIP port, and give web page, SIP and TR-069 ports of their own.",
};

pub fn look(look: &mut Look) {
    let config = look.config;
    let (first_key, range_key) = ("network.rtp.local.port", "network.rtp.local.portrange");
    // Ports at random are free ones.
    let random = config.yes("network.rtp.userandomport");
    let voice = config.number(first_key).zip(config.number(range_key)).filter(|_| !random);
    // (key, port, over UDP, over TCP, what it is)
    let mut wanted = Vec::new();
    for account in config.accounts() {
        let transport = account.value("sip.transport");
        let dual = account.value("sip.listeningmode") != "transport_only";
        let port = account.number("sip.localport").unwrap_or(0);
        let what = format!("SIP of account {}", account.index);
        wanted.push((account.key("sip.localport"), port, dual || transport == "udp", dual || transport != "udp", what));
    }
    if let Some((first, range)) = voice {
        for (key, port, udp, ..) in &wanted {
            if *udp && (first..first.saturating_add(range)).contains(port) {
                let last = first.saturating_add(range).saturating_sub(1);
                let what = format!("SIP has port {port}, voice has {first} to {last}.");
                look.found(&OVERLAP, [first_key, range_key, key], what);
            }
        }
    }
    let web = config.value("security.webaccessmode");
    let served = |mode: &str| web != "disabled" && (web.is_empty() || web == "both" || web == mode);
    for (key, is_on, what) in [
        ("network.web.port.http", served("http"), "the web page by HTTP"),
        ("network.web.port.https", served("https"), "the web page by HTTPS"),
        ("tr069.connectionrequestport", true, "TR-069"),
    ] {
        if is_on {
            wanted.push((key.to_owned(), config.number(key).unwrap_or(0), false, true, what.to_owned()));
        }
    }
    for (at, (key, port, _, tcp, what)) in wanted.iter().enumerate() {
        for (other_key, other, _, other_tcp, other_what) in wanted.iter().skip(at + 1) {
            // Accounts may share their SIP port: the phone has one socket for both.
            let sip = key.starts_with("account.") && other_key.starts_with("account.");
            if *tcp && *other_tcp && !sip && *port != 0 && port == other {
                let text = format!("{what} and {other_what} both want port {port}.");
                look.found(&OVERLAP, [key, other_key], text);
            }
        }
    }
}
