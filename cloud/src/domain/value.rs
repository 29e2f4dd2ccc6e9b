//! A setting's value as a layer keeps it: canonical, or with its variables as written.

use provisioning::variables::{self, Template, TemplateError};
use settings::SettingError;

/// `read` makes the canonical value of a text without variables.
///
/// # Errors
/// The value is not allowed, a variable does not exist, or a secret one would stand where people see it.
pub fn kept(
    key: &str,
    text: &str,
    read: impl FnOnce(&str) -> Result<String, SettingError>,
) -> Result<String, TemplateError> {
    if !text.contains('{') {
        return Ok(read(text)?);
    }
    let template = Template::parse(text)?;
    if template.variables().next().is_some() {
        return variables::check(key, text).map(|_| text.to_owned());
    }
    Ok(variables::literal(&read(&template.expand(|_| None)?)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LABEL: &str = "pks.mpk.12.description";

    fn stored(key: &str, text: &str) -> Result<String, TemplateError> {
        kept(key, text, |text| settings::validate(key, text))
    }

    #[test]
    fn variables_stay_and_other_braces_are_text() {
        for same in ["Spa", "Room {room.number}", "{{room.number}", "{x}"] {
            assert_eq!(stored(LABEL, same).as_deref(), Ok(same), "{same}");
        }
        let minutes = "account.1.sip.registerexpiration";
        assert_eq!(stored(minutes, "{room.number}").as_deref(), Ok("{room.number}"), "no number until it is filled in");
        assert!(matches!(stored(minutes, "{room.number} x"), Err(TemplateError::Example(_))));
        assert!(matches!(stored(LABEL, "{room.numbr}"), Err(TemplateError::Variable(_))));
        assert!(matches!(stored(LABEL, "{sip.password}"), Err(TemplateError::Shown { .. })));
    }
}
