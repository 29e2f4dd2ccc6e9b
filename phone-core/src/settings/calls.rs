//! How an account makes and takes calls (the guide's "Account / Call Settings").

use std::time::Duration;

use super::read::Values;

/// "TEL URI".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TelUri {
    /// Plain `sip:` URIs.
    #[default]
    Disabled,
    /// `sip:` URIs with `user=phone` (RFC 3261 §19.1.1).
    UserPhone,
    /// `tel:` URIs (RFC 3966).
    Enabled,
}

/// Where a number that is dialled came from, for "Bypass Dial Plan".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialSource {
    /// The phone's directory.
    Contact,
    /// The list of calls that came in.
    Incoming,
    /// The list of calls that went out, redial included.
    Outgoing,
    /// The keypad.
    Dialing,
    /// A programmable key.
    Mpk,
    /// Another program.
    Api,
}

impl DialSource {
    const NAMES: [(&'static str, DialSource); 6] = [
        ("contact", DialSource::Contact),
        ("incoming", DialSource::Incoming),
        ("outgoing", DialSource::Outgoing),
        ("dialing", DialSource::Dialing),
        ("mpk", DialSource::Mpk),
        ("api", DialSource::Api),
    ];
}

/// A rule of "Match Incoming Caller ID".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RingRule {
    /// A number, a number pattern (`x`, `+`, `[3-5]`), or the `info` text of an Alert-Info header.
    pub pattern: String,
    /// The ringtone's name in the catalogue.
    pub ringtone: String,
}

/// The account's call settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallSettings {
    /// See [`TelUri`].
    pub tel_uri: TelUri,
    /// "Voice Mail Access Number"; may be empty.
    pub voicemail: String,
    /// "Key as Send": `#`, `*` or none.
    pub send_key: Option<char>,
    /// "No Key Entry Timeout", 1..=15 s. Default 4 s.
    pub no_key_timeout: Duration,
    /// "Send Anonymous" (RFC 3323).
    pub send_anonymous: bool,
    /// "Anonymous Call Rejection" (RFC 5079).
    pub reject_anonymous: bool,
    /// "Enable Call Waiting"; `None` follows the phone's own setting.
    pub call_waiting: Option<bool>,
    /// "Ring Timeout", 30..=3600 s. Default 60 s.
    pub ring_timeout: Duration,
    /// "Auto Answer".
    pub auto_answer: bool,
    /// "Auto Answer Numbers"; empty for all.
    pub auto_answer_numbers: Vec<String>,
    /// "Play warning tone for Auto-Answer Intercom". Default on.
    pub warning_tone: bool,
    /// "Custom Alert-Info for Auto Answer": if set, the only text that is looked for.
    pub custom_alert_info: String,
    /// "Allow Auto Answer by Call-Info/Alert-Info". Default on.
    pub intercom: bool,
    /// "Allow Barging by Call-Info/Alert-Info".
    pub barging: bool,
    /// "Mute on Intercom Answer".
    pub intercom_mute: bool,
    /// "Transfer on Conference Hangup".
    pub transfer_on_conference_hangup: bool,
    /// "Enable Local Call Features". Default on.
    pub local_features: bool,
    /// "Enable Recovery on Blind Transfer". Default on.
    pub transfer_recovery: bool,
    /// "Blind Transfer Wait Timeout", 30..=300 s. Default 30 s.
    pub transfer_timeout: Duration,
    /// "Refer-To Use Target Contact".
    pub refer_to_contact: bool,
    /// "Dial Plan Prefix".
    pub prefix: String,
    /// "Bypass Dial Plan".
    pub bypass: Vec<DialSource>,
    /// "Dial Plan", in its language.
    pub dial_plan: String,
    /// "Account Ring Tone": its name in the catalogue.
    pub ringtone: String,
    /// "Ignore Alert-Info header".
    pub ignore_alert_info: bool,
    /// "Match Incoming Caller ID", at most 10.
    pub ring_rules: Vec<RingRule>,
    /// "Music On Hold URI"; may be empty.
    pub music_on_hold: String,
    /// "On Hold Reminder Tone".
    pub hold_reminder: bool,
}

/// What the phone dials by when no plan is set.
pub const DEFAULT_DIAL_PLAN: &str = "{x+|\\+x+|*x+|*xx*x+}";

impl CallSettings {
    /// Reads the settings of an account.
    pub fn from_values(account: &Values<'_>) -> Self {
        let bypass = match account.text("call.dialplanbypass") {
            text if text.is_empty() => vec![DialSource::Mpk],
            text => {
                let named = |word: &str| DialSource::NAMES.iter().find(|(name, _)| word.trim() == *name);
                text.split(',').filter_map(named).map(|(_, source)| *source).collect()
            }
        };
        let tel_uris =
            [("disabled", TelUri::Disabled), ("user_phone", TelUri::UserPhone), ("enabled", TelUri::Enabled)];
        let send_keys = [("disabled", None), ("pound", Some('#')), ("star", Some('*'))];
        let or = |text: String, default: &str| if text.is_empty() { default.to_owned() } else { text };
        Self {
            tel_uri: account.choice("sip.teluri", TelUri::default(), &tel_uris),
            voicemail: account.text("sip.voicemail.number"),
            send_key: account.choice("call.keyassend", Some('#'), &send_keys),
            no_key_timeout: account.seconds("call.nokeyentrytimeout", 4, 1, 15),
            send_anonymous: account.yes("call.sendanonymous", false),
            reject_anonymous: account.yes("call.rejectanonymouscall", false),
            call_waiting: account.choice("call.callwaiting", None, &[("yes", Some(true)), ("no", Some(false))]),
            ring_timeout: account.seconds("ring.timeout", 60, 30, 3600),
            auto_answer: account.yes("call.autoanswer", false),
            auto_answer_numbers: account.list("call.autoanswernumber").into_iter().take(10).collect(),
            warning_tone: account.yes("intercom.playwarningtoneforautoanswer", true),
            custom_alert_info: account.text("intercom.customcallinfoforautoanswer"),
            intercom: account.yes("intercom.allowautoanswer", true),
            barging: account.yes("intercom.allowbargingbycallinfo", false),
            intercom_mute: account.yes("intercom.muteonanswerintercom", false),
            transfer_on_conference_hangup: account.yes("call.transferonconferencehangup", false),
            local_features: account.yes("featurecodes.callfeatures", true),
            transfer_recovery: account.yes("call.recoveryonblindtransfer", true),
            transfer_timeout: account.seconds("call.blindtransfertimeout", 30, 30, 300),
            refer_to_contact: account.yes("call.refertousetargetcontact", false),
            prefix: account.text("call.dialplanprefix"),
            bypass,
            dial_plan: or(account.text("call.dialplan"), DEFAULT_DIAL_PLAN),
            ringtone: or(account.text("ring.ringtone"), "system"),
            ignore_alert_info: account.yes("ring.ignoresipalertinfo", false),
            ring_rules: ring_rules(&account.text("ring.match")),
            music_on_hold: account.text("sip.musiconholduri"),
            hold_reminder: account.yes("call.onholdremindertone", false),
        }
    }
}

/// `pattern=ringtone;…`
fn ring_rules(text: &str) -> Vec<RingRule> {
    let rule = |rule: &str| {
        let (pattern, ringtone) = rule.rsplit_once('=')?;
        let (pattern, ringtone) = (pattern.trim().to_owned(), ringtone.trim().to_owned());
        (!pattern.is_empty()).then_some(RingRule { pattern, ringtone })
    };
    text.split(';').filter_map(rule).take(10).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogues_values_are_read() {
        let get = |key: &str| {
            let value = match key.strip_prefix("account.1.")? {
                "sip.teluri" => "user_phone",
                "call.keyassend" => "star",
                "call.callwaiting" => "no",
                "call.autoanswernumber" => "101, 102",
                "call.dialplanbypass" => "contact,api",
                "ring.match" => "8321123=ring1;[345]xx=ring2;priority=doorbell",
                "ring.timeout" => "5",
                _ => return None,
            };
            Some(value.to_owned())
        };
        let calls = CallSettings::from_values(&Values::account(&get, 1));
        assert_eq!((calls.tel_uri, calls.send_key, calls.call_waiting), (TelUri::UserPhone, Some('*'), Some(false)));
        assert_eq!(calls.auto_answer_numbers, ["101", "102"]);
        assert_eq!(calls.bypass, [DialSource::Contact, DialSource::Api]);
        assert_eq!(calls.ring_rules.len(), 3);
        assert_eq!(calls.ring_timeout, Duration::from_secs(30), "held within its range");
        let default = CallSettings::from_values(&Values::account(&|_| None, 1));
        assert_eq!((default.send_key, default.call_waiting), (Some('#'), None));
        assert_eq!(default.bypass, [DialSource::Mpk]);
        assert_eq!(default.dial_plan, DEFAULT_DIAL_PLAN);
    }
}
