//! What the parts of a SIP account may be.

use super::catalogue;

/// The most accounts of a property.
pub const MOST_ACCOUNTS: u64 = 50_000;
/// Shorter passwords are weak, as lint's rule `sip-password` has it.
const LEAST_PASSWORD: usize = 12;
/// The longest display name with its variables, in bytes.
const LONGEST_TEMPLATE: usize = 256;
/// The variables that have a value in a display name.
pub const IN_NAMES: [&str; 8] = [
    "room.number",
    "room.extension",
    "guest.name",
    "sip.user",
    "device.mac",
    "device.mac_colons",
    "device.model",
    "device.serial",
];

/// What stands before the `@` of a SIP address as it is (RFC 3261 §25.1, without escapes). Empty stays empty.
///
/// # Errors
/// What is wrong with it.
pub fn user(text: &str) -> Result<String, String> {
    let text = valid(catalogue::SIP_USER, text)?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.!~*'()&=+$?/#".contains(c);
    if text.chars().all(allowed) {
        return Ok(text);
    }
    Err("Letters, digits and - _ . + * # are allowed; the part behind @ is the server's.".to_owned())
}

/// What the phone proves itself as. Empty stays empty.
///
/// # Errors
/// What is wrong with it.
pub fn auth_user(text: &str) -> Result<String, String> {
    valid(catalogue::SIP_AUTH_USER, text)
}

fn valid(key: &str, text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Ok(String::new()),
        text => settings::validate(key, text).map_err(|error| error.to_string()),
    }
}

/// A display name with its variables. Empty stays empty.
///
/// # Errors
/// What is wrong with it.
pub fn display_name(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.len() > LONGEST_TEMPLATE {
        return Err(format!("At most {LONGEST_TEMPLATE} bytes."));
    }
    if text.is_empty() {
        return Ok(String::new());
    }
    let template =
        provisioning::variables::check(catalogue::SIP_DISPLAY_NAME, text).map_err(|error| format!("{error}."))?;
    match template.variables().find(|variable| !IN_NAMES.contains(&variable.name)) {
        None => Ok(text.to_owned()),
        Some(other) => {
            let known = IN_NAMES.map(|name| format!("{{{name}}}")).join(", ");
            Err(format!("{{{}}} has no value in a display name. Use one of {known}.", other.name))
        }
    }
}

/// Whether a phone can have this password.
///
/// # Errors
/// What is wrong with it, which is not quoted.
pub fn password(text: &str) -> Result<(), &'static str> {
    match settings::validate(&catalogue::sip_password(1), text) {
        Ok(_) if !text.is_empty() && !text.chars().any(char::is_control) => Ok(()),
        _ => Err("A password has 1 to 128 characters, none of them a control character."),
    }
}

/// Why a password is weak, if it is; not quoted either.
pub fn weakness(password: &str, user: &str) -> Option<String> {
    settings::lint::Secret::of(password, user).weakness(LEAST_PASSWORD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_stands_in_an_address_as_it_is() {
        for good in ["1207", "room-1207", "+351215550100", "front.desk", "*97"] {
            assert_eq!(user(good).as_deref(), Ok(good));
        }
        for bad in ["1207@pbx", "12 07", "a:b", "\"x\"", "a,b", "<a>", "ü", "a%40b"] {
            assert!(user(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_display_name_has_known_open_variables() {
        assert_eq!(display_name(" Room {room.number} ").unwrap(), "Room {room.number}");
        assert_eq!(display_name("").unwrap(), "");
        for bad in ["{room.numbr}", "{sip.password}", "{property.phone}", "{sip.server}", &"x".repeat(257)] {
            assert!(display_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_password_is_judged_and_never_quoted() {
        assert_eq!(password("pw-1207"), Ok(()));
        for bad in ["", "pw\n", &format!("Zanzibar{}", "x".repeat(200))] {
            assert!(!password(bad).unwrap_err().contains("Zanzibar"));
        }
        assert_eq!(weakness("k3-Ufer-Lampe", "1207"), None);
        for weak in ["1207", "12345678", "short"] {
            assert!(!weakness(weak, "1207").unwrap().contains(weak));
        }
    }
}
