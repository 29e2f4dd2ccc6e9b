//! Ringtones: which one a call has ("Match Incoming Caller ID", Alert-Info, the account's).

use dial_plan::{DialPlan, Verdict};

use super::Phone;
use crate::settings::calls::CallSettings;
use crate::sip::call::{Peer, Stage};
use crate::sip::message::{Message, Name};

/// The texts of Alert-Info (and Call-Info) headers: their parameters' values, and what stands in the brackets.
pub(super) fn alert_texts(request: &Message, name: Name) -> Vec<String> {
    let mut texts = Vec::new();
    for value in request.headers(name).take(8) {
        for part in value.split(';').take(16) {
            let part = part.trim();
            match part.split_once('=') {
                Some((key, text)) if matches!(key.trim().to_ascii_lowercase().as_str(), "info" | "answer-after") => {
                    let text = text.trim().trim_matches('"');
                    texts.push(match key.trim().eq_ignore_ascii_case("answer-after") {
                        true => format!("answer-after={text}"),
                        false => text.to_owned(),
                    });
                }
                Some(_) => {}
                None => texts.push(part.trim_matches(['<', '>', '"']).to_owned()),
            }
        }
    }
    texts
}

/// The ringtone of a call, by its name in the catalogue.
pub(super) fn ringtone(calls: &CallSettings, peer: &Peer, request: &Message) -> String {
    let alerts = alert_texts(request, Name::AlertInfo);
    let fits = |pattern: &str| {
        let by_alert = !calls.ignore_alert_info && alerts.iter().any(|text| text.eq_ignore_ascii_case(pattern));
        by_alert || pattern == peer.number || is_pattern_of(pattern, &peer.number)
    };
    if let Some(rule) = calls.ring_rules.iter().find(|rule| fits(&rule.pattern)) {
        return rule.ringtone.clone();
    }
    // Alert-Info may also name a ringtone itself: `ring3`, or Bellcore's `dr3`.
    if !calls.ignore_alert_info {
        for text in alerts.iter().map(|text| text.to_ascii_lowercase()) {
            let number = text.strip_prefix("ring").or_else(|| text.rsplit_once("dr").map(|(_, number)| number));
            match number.and_then(|number| number.trim().parse::<u8>().ok()) {
                Some(number @ 1..=6) => return format!("ring{number}"),
                _ if text == "doorbell" => return text,
                _ => {}
            }
        }
    }
    calls.ringtone.clone()
}

/// A pattern is a dial plan of one rule: `[345]xx`, `xx+`.
fn is_pattern_of(pattern: &str, number: &str) -> bool {
    let patterned = pattern.contains(['x', 'X', '[', '+', '.']);
    let plan = patterned.then(|| DialPlan::parse(&format!("{{{pattern}}}"))).and_then(Result::ok);
    plan.is_some_and(|plan| matches!(plan.dial(number), Verdict::Dial { .. }))
}

impl Phone {
    /// The ringtone that plays: that of the oldest call that rings while nobody talks; of a call on hold when the handset was
    /// put down on it.
    pub(super) fn ringing(&self) -> Option<String> {
        let talking = self.calls.iter().any(|entry| entry.call.is_up() && !entry.call.is_held());
        if talking {
            return None;
        }
        let incoming = self.calls.iter().find(|entry| entry.call.stage() == Stage::Incoming && !entry.silent);
        if let Some(entry) = incoming {
            return Some(entry.ringtone.clone());
        }
        let left_behind = !self.is_open() && self.calls.iter().any(|entry| entry.call.is_up() && entry.call.is_held());
        left_behind.then(|| "system".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::read::Values;

    fn tone(rules: &str, number: &str, alert: &str) -> String {
        let get = |key: &str| match key {
            "account.1.ring.match" => Some(rules.to_owned()),
            "account.1.ring.ringtone" => Some("ring6".to_owned()),
            "account.1.ring.ignoresipalertinfo" if alert.contains("ignored") => Some("yes".to_owned()),
            _ => None,
        };
        let calls = CallSettings::from_values(&Values::account(&get, 1));
        let request = Message::parse_datagram(format!("INVITE sip:a@b SIP/2.0\r\n{alert}\r\n").as_bytes()).unwrap();
        ringtone(&calls, &Peer { number: number.into(), ..Peer::default() }, &request)
    }

    #[test]
    fn callers_patterns_and_alerts_have_their_ringtones() {
        let rules = "8321123=ring1;[345]xx=ring2;priority=doorbell";
        assert_eq!(tone(rules, "8321123", ""), "ring1");
        assert_eq!(tone(rules, "399", ""), "ring2");
        assert_eq!(tone(rules, "699", ""), "ring6", "the account's");
        let alert = "Alert-Info: <http://127.0.0.1>; info=priority\r\n";
        assert_eq!(tone(rules, "699", alert), "doorbell");
        assert_eq!(tone("", "699", "Alert-Info: <http://x>;info=ring3\r\n"), "ring3");
        assert_eq!(tone("", "699", "Alert-Info: <Bellcore-dr4>\r\n"), "ring4");
        assert_eq!(tone(rules, "699", &format!("{alert}X: ignored\r\n")), "ring6");
    }
}
