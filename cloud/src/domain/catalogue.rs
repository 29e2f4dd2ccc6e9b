//! The catalogue as the server uses it: by key, and by the TR-069 path a phone knows a key under.

use cwmp::{Value, XsdType};
use settings::{Catalogue, Effect, SettingRef, ValueType};

/// Keys the server itself sets from the room and the property.
pub const ROOM_NUMBER: &str = "hotel.room.number";
pub const HOTEL_NAME: &str = "hotel.name";
pub const ACCOUNT_NAME: &str = "account.1.name";
pub const SIP_USER: &str = "account.1.sip.userid";
pub const SIP_AUTH_USER: &str = "account.1.sip.subscriber.userid";
pub const SIP_SERVER: &str = "account.1.sip.server.1.address";
pub const SIP_DISPLAY_NAME: &str = "account.1.sip.subscriber.name";

/// The setting that holds an account's password.
pub fn sip_password(slot: i32) -> String {
    format!("account.{slot}.sip.subscriber.password")
}

/// Whether a phone protects what its user set.
pub const USER_PROTECTION: &str = "provisioning.userprotect.enable";

pub fn find(key: &str) -> Option<SettingRef> {
    Catalogue::get().find(key)
}

/// What a change of this setting does to a phone.
pub fn effect(key: &str) -> Effect {
    find(key).map_or(Effect::Live, |found| found.setting.effect)
}

pub fn is_secret(key: &str) -> bool {
    find(key).is_none_or(|found| found.setting.secret)
}

/// The factory's value; empty where the guide gives none.
pub fn default_value(key: &str) -> String {
    find(key).and_then(|found| found.setting.default.clone()).unwrap_or_default()
}

/// As much of a text as the setting takes: its most bytes, whole characters.
pub fn cut<'a>(key: &str, text: &'a str) -> &'a str {
    match find(key).map(|found| &found.setting.value_type) {
        Some(ValueType::Text { max, .. }) => text.split_at(text.floor_char_boundary(*max)).0.trim_end(),
        _ => text,
    }
}

/// The setting without which the value of a programmable key does nothing.
pub fn mode_of(key: &str) -> Option<String> {
    let mode = format!("{}.keymode", key.strip_suffix(".value")?);
    (default_value(&mode) == "none").then_some(mode)
}

/// Title and page of a key, for people.
pub fn title_and_page(key: &str) -> (String, String) {
    find(key).map_or_else(
        || (key.to_owned(), String::new()),
        |found| (found.setting.title.clone(), found.setting.page.clone()),
    )
}

/// Whether a key exists on a model. A model the catalogue does not know gets everything.
pub fn exists_on(key: &str, model: &str) -> bool {
    let Some(found) = find(key) else { return false };
    model.parse().map_or(true, |model| found.on(model))
}

/// The TR-069 path to set a key at. Our own phones hold every key in one vendor subtree; a vendor's phone only knows
/// the standard paths, so `None` means "not by TR-069".
pub fn path_on(key: &str, ours: bool) -> Option<String> {
    let found = find(key)?;
    if ours { Some(settings::vendor_path(&found.key())) } else { found.tr069_path() }
}

/// A canonical value as the path wants it.
pub fn to_wire(key: &str, path: &str, canonical: &str) -> Value {
    let Some(found) = find(key) else {
        return Value::string(canonical);
    };
    let text = settings::value_to_path(found, path, canonical);
    let type_ = match found.setting.value_type {
        ValueType::Bool if text == "true" || text == "false" => XsdType::Boolean,
        ValueType::Int { .. } if canonical.parse::<i32>().is_ok() => XsdType::Int,
        _ => XsdType::String,
    };
    Value::new(type_, text)
}

/// What a phone reported at a path: the key and its canonical value. A value the catalogue does not allow is kept as
/// it came, so that it shows.
pub fn from_wire(path: &str, text: &str) -> Option<(String, String)> {
    let key = settings::key_of_path(path)?;
    let value = settings::value_from_path(path, text);
    // Not by the key: for one that is no setting (a status), that would look for the nearest, which takes 200 µs.
    let canonical = find(&key).and_then(|found| settings::validate_ref(found, value).ok());
    let canonical = canonical.unwrap_or_else(|| value.to_owned());
    Some((key, canonical))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters_and_taken_then() {
        assert_eq!(cut(ACCOUNT_NAME, "Zürich"), "Zürich");
        for long in ["я".repeat(64), "لمى".repeat(20), "王".repeat(40), format!("{} x", "n".repeat(63)), "n".repeat(65)]
        {
            for key in [ACCOUNT_NAME, SIP_DISPLAY_NAME, HOTEL_NAME] {
                let cut = cut(key, &long);
                assert!(long.starts_with(cut) && !cut.is_empty(), "{cut}");
                assert!(settings::validate(key, cut).is_ok_and(|taken| taken == cut), "{key}: {cut}");
            }
            assert!(settings::validate(ACCOUNT_NAME, &long).is_err(), "{long}");
        }
    }
}
