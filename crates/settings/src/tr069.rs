//! The TR-069 names of settings: a vendor subtree that holds all of them, and the few standard paths that are known.

use crate::{Catalogue, SettingRef, ValueType};

/// The subtree in which every setting is found under its key.
pub const VENDOR_ROOT: &str = "Device.X_BELLHOP_Settings.";

/// The path of a key in the vendor subtree. The key is not checked.
pub fn vendor_path(key: &str) -> String {
    format!("{VENDOR_ROOT}{key}")
}

/// The concrete key of a path, in the vendor subtree (key in any case) or a known standard path (exact case).
pub fn key_of_path(path: &str) -> Option<String> {
    let catalogue = Catalogue::get();
    match path.strip_prefix(VENDOR_ROOT) {
        Some(key) => match catalogue.find(key) {
            Some(found) => Some(found.key()),
            None => catalogue.find_status(key).map(|_| key.trim().to_lowercase()),
        },
        None => catalogue.key_of_standard_path(path).map(str::to_owned),
    }
}

/// A canonical value as TR-069 writes it at `path`: booleans as `true`/`false`, a line's `Enable` as TR-104 words.
pub fn value_to_path(found: SettingRef, path: &str, canonical: &str) -> String {
    match (&found.setting.value_type, canonical) {
        (ValueType::Bool, "yes") if is_line_enable(path) => "Enabled".into(),
        (ValueType::Bool, "no") if is_line_enable(path) => "Disabled".into(),
        (ValueType::Bool, "yes") => "true".into(),
        (ValueType::Bool, "no") => "false".into(),
        _ => canonical.to_owned(),
    }
}

/// The reverse of [`value_to_path`]; the result still has to be validated.
pub fn value_from_path<'a>(path: &str, value: &'a str) -> &'a str {
    match value {
        "Enabled" if is_line_enable(path) => "yes",
        // Quiescent takes no new calls: for a setting with two values, off.
        "Disabled" | "Quiescent" if is_line_enable(path) => "no",
        _ => value,
    }
}

fn is_line_enable(path: &str) -> bool {
    path.ends_with(".Line.1.Enable")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_comes_back_from_its_paths() {
        for model in crate::Model::ALL {
            for found in Catalogue::get().concrete(model) {
                let key = found.key();
                assert_eq!(key_of_path(&vendor_path(&key)).as_deref(), Some(key.as_str()));
                if let Some(path) = found.tr069_path() {
                    assert!(!path.contains('{'), "{path}");
                    assert_eq!(key_of_path(&path), Some(key));
                }
            }
        }
    }

    #[test]
    fn standard_paths() {
        let path = "Device.Services.VoiceService.1.VoiceProfile.2.Line.1.DirectoryNumber";
        assert_eq!(key_of_path(path).as_deref(), Some("account.2.sip.userid"));
        assert_eq!(
            key_of_path("Device.X_BELLHOP_Settings.Account.1.SIP.UserId").as_deref(),
            Some("account.1.sip.userid")
        );
        assert_eq!(key_of_path("Device.X_BELLHOP_Settings.nothing"), None);
        assert_eq!(key_of_path("Device.Nothing"), None);
    }

    #[test]
    fn line_enable_has_words_of_its_own() {
        let found = Catalogue::get().find("account.1.enable").expect("known");
        let path = found.tr069_path().expect("standard path");
        assert_eq!(value_to_path(found, &path, "yes"), "Enabled");
        assert_eq!(value_from_path(&path, "Quiescent"), "no");
        assert_eq!(value_to_path(found, &vendor_path("account.1.enable"), "no"), "false");
    }
}
