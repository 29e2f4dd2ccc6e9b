//! Filling a template in for a setting: what a variable puts in is written as its place wants it, so that a guest's name
//! cannot change what a URL says and a telephone number can be dialled.

use std::fmt::Write as _;

use settings::{SettingRef, ValueType};

use super::{Template, VariableError};

/// Variables people write as telephone numbers, with blanks and brackets.
const NUMBERS: [&str; 2] = ["property.phone", "property.front_desk"];

/// How values are written into a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// As they are.
    Text,
    /// Percent-encoded (RFC 3986, section 2.1).
    Url,
    /// Numbers as they are dialled; `plan`: in the language of dial plans.
    Dialled { plan: bool },
}

/// Fills a template in for a setting: values are percent-encoded in a URL, and telephone numbers written as they are
/// dialled where the setting is a number. `lookup` as for [`Template::expand`]. The result is still to be validated.
///
/// # Errors
/// [`VariableError::Missing`], also for a number in which nothing can be dialled, and [`VariableError::TooLarge`].
pub fn fill(
    found: SettingRef,
    template: &Template,
    lookup: impl Fn(&str) -> Option<String>,
) -> Result<String, VariableError> {
    let place = place(found);
    let number = |name: &str| NUMBERS.contains(&name);
    let value = |name: &str| match place {
        Place::Dialled { plan } if number(name) => {
            lookup(name).map(|text| dialled(&text, plan)).filter(|n| !n.is_empty())
        }
        _ => lookup(name),
    };
    template.expand_as(value, |before, _, value| match place {
        Place::Url => encoded(&value, in_authority(before)),
        Place::Text | Place::Dialled { .. } => value,
    })
}

fn place(found: SettingRef) -> Place {
    match found.setting.value_type {
        ValueType::Url { .. } | ValueType::UrlTemplate { .. } => Place::Url,
        ValueType::DialPlan => Place::Dialled { plan: true },
        ValueType::NumberString { .. } | ValueType::NumberList { .. } | ValueType::SipUri { .. } => {
            Place::Dialled { plan: false }
        }
        // What a key dials.
        _ if found.setting.key.starts_with("pks.") && found.setting.key.ends_with(".value") => {
            Place::Dialled { plan: false }
        }
        _ => Place::Text,
    }
}

/// Whether a URL that begins so goes on with its user, host and port (RFC 3986, section 3.2).
fn in_authority(before: &str) -> bool {
    let rest = before.split_once("://").map_or(before, |(_, rest)| rest);
    !rest.contains(['/', '?', '#'])
}

/// Everything but unreserved characters (RFC 3986, section 2.3) and colons, which a MAC address has, encoded; a host also
/// has brackets.
fn encoded(value: &str, authority: bool) -> String {
    let mut out = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' | b'_' | b'~' | b':' => out.push(char::from(byte)),
            b'[' | b']' if authority => out.push(char::from(byte)),
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

/// `+351 (0)215 550-100` as it is dialled: digits, `*`, `#` and a leading plus. A zero in brackets behind a country's code
/// is for those who call from within it.
fn dialled(text: &str, plan: bool) -> String {
    // Of two numbers the first.
    let text = text.split(" / ").next().unwrap_or(text);
    let abroad = text.chars().find(|c| c.is_ascii_digit() || matches!(c, '*' | '#' | '+')) == Some('+');
    let text = if abroad { text.replacen("(0)", "", 1) } else { text.to_owned() };
    let keys: String = text.chars().filter(|c| c.is_ascii_digit() || matches!(c, '*' | '#')).collect();
    match (abroad && !keys.is_empty(), plan) {
        (true, true) => format!("\\+{keys}"),
        (true, false) => format!("+{keys}"),
        (false, _) => keys,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use settings::Catalogue;

    use super::*;
    use crate::variables::VARIABLES;

    const HOOK: &str = "ons.actionurl.offhook";

    fn filled(key: &str, template: &str, value: &str) -> Result<String, String> {
        let found = Catalogue::get().find(key).unwrap();
        let text = fill(found, &Template::parse(template).unwrap(), |_| Some(value.to_owned()));
        settings::validate_ref(found, &text.map_err(|error| error.to_string())?).map_err(|error| error.to_string())
    }

    #[test]
    fn a_value_in_a_url_changes_nothing_of_the_url() {
        let made = filled(HOOK, "http://h.example/{building.name}?g={guest.name}&end=1", "A & B #1 Zürich $mac");
        let one = "A%20%26%20B%20%231%20Z%C3%BCrich%20%24mac";
        assert_eq!(made, Ok(format!("http://h.example/{one}?g={one}&end=1")));
        let made = filled("provisioning.config.serverpath", "files.example/{room.number}", "12 A");
        assert_eq!(made.as_deref(), Ok("files.example/12%20A"));
    }

    #[test]
    fn a_host_stays_one_and_what_is_none_is_refused() {
        assert_eq!(filled(HOOK, "http://{sip.server}/x", "[fd00::5]:8080").as_deref(), Ok("http://[fd00::5]:8080/x"));
        assert_eq!(filled(HOOK, "http://{sip.host}/x", "pbx.example").as_deref(), Ok("http://pbx.example/x"));
        assert!(filled(HOOK, "http://{chain.name}/x", "evil.example/?").is_err());
        assert_eq!(filled(HOOK, "http://h/{device.mac_colons}", "c0:74").as_deref(), Ok("http://h/c0:74"));
    }

    #[test]
    fn a_number_is_dialled_as_it_is_and_shown_as_it_was_written() {
        let hotline = "call.dial.offhook.autodial.number";
        for (written, number) in [
            ("+351 215 550 100", "+351215550100"),
            ("+44 (0)20 7946-0000", "+442079460000"),
            ("(+351) 215", "+351215"),
            ("(0)", "0"),
            ("*9-0#", "*90#"),
            ("089/1234 / 101", "0891234"),
            ("01.23", "0123"),
        ] {
            assert_eq!(filled(hotline, "{property.phone}", written).as_deref(), Ok(number), "{written}");
            assert_eq!(filled("pks.mpk.12.value", "{property.front_desk}", written).as_deref(), Ok(number));
        }
        let label = filled("pks.mpk.12.description", "{property.phone}", "+351 215 550 100");
        assert_eq!(label.as_deref(), Ok("+351 215 550 100"));
        let list = filled("account.1.call.autoanswernumber", "{property.phone},100", "+351 215");
        assert_eq!(list.as_deref(), Ok("+351215,100"));
        let music = filled("account.1.sip.musiconholduri", "tel:{property.phone}", "+351 215");
        assert_eq!(music.as_deref(), Ok("tel:+351215"));
        let plan = filled("account.1.call.dialplan", "{ {property.phone} | x+ }", "+351 215");
        assert_eq!(plan.as_deref(), Ok("{\\+351215|x+}"));
        assert!(filled(hotline, "{property.phone}", "()").unwrap_err().contains("no value for {property.phone}"));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_value_fits_into_a_url_behind_its_host(value in any::<String>()) {
            for variable in VARIABLES {
                let template = format!("http://h.example/{{{0}}}?a={{{0}}}&b=1#{{{0}}}", variable.name);
                let made = filled(HOOK, &template, &value);
                // Only its length may be too much.
                let long = value.len() > 100;
                prop_assert!(long || made.is_ok(), "{made:?}");
                let Ok(made) = made else { continue };
                prop_assert!(made.matches(['/', '?', '&', '#']).count() == 6, "{made}");
                prop_assert!(!made.contains('$'), "{made}");
            }
        }

        #[test]
        fn what_is_dialled_is_keys_behind_a_plus_at_the_most(text in "[-0-9+*# ()./]{0,40}", plan in any::<bool>()) {
            let made = dialled(&text, plan);
            let keys = made.trim_start_matches('\\').strip_prefix('+').unwrap_or(made.trim_start_matches('\\'));
            prop_assert!(keys.bytes().all(|key| key.is_ascii_digit() || matches!(key, b'*' | b'#')), "{made}");
            prop_assert_eq!(dialled(&made.replace('\\', ""), plan), made, "again it is the same");
        }
    }
}
