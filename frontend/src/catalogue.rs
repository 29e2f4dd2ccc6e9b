//! What the pages ask of the catalogue.

use settings::{Catalogue, SettingRef};

pub fn find(key: &str) -> Option<SettingRef> {
    Catalogue::get().find(key)
}

/// The guide's pages that hold settings, in its order.
pub fn pages() -> Vec<&'static str> {
    let mut pages: Vec<&str> = Vec::new();
    for setting in Catalogue::get().settings() {
        if !pages.contains(&setting.page.as_str()) {
            pages.push(&setting.page);
        }
    }
    pages
}

/// `SIP User ID · account 1`.
pub fn title(found: SettingRef) -> String {
    match found.instance {
        Some(index) => format!("{} · {} {index}", found.setting.title, found.setting.scope.as_str()),
        None => found.setting.title.clone(),
    }
}

/// The title of the setting with this key; `otherwise`: what it is called where the catalogue has none.
pub fn title_of(key: &str, otherwise: &str) -> String {
    find(key).map_or_else(|| otherwise.to_owned(), title)
}

/// What an input for this setting starts with where nothing is set: the factory's value, or what its kind begins with.
pub fn initial(key: &str) -> String {
    let Some(found) = find(key) else { return String::new() };
    let kind = &found.setting.value_type;
    found.setting.default.clone().unwrap_or_else(|| match kind {
        settings::ValueType::Bool => "no".to_owned(),
        settings::ValueType::Enum { choices } => choices.first().map(|first| first.value.clone()).unwrap_or_default(),
        _ => String::new(),
    })
}

/// Whether a value of this setting may hold variables: one that people write.
pub fn takes_variables(kind: &settings::ValueType) -> bool {
    use settings::ValueType::*;
    matches!(
        kind,
        Text { .. }
            | Secret { .. }
            | NumberString { .. }
            | NumberList { .. }
            | Host
            | HostPort
            | HostList { .. }
            | Url { .. }
            | UrlTemplate { .. }
            | SipUri { .. }
            | DialPlan
            | File { .. }
            | PagingList { .. }
    )
}

/// What a value is called: choices by their label, switches as on and off.
pub fn shown(key: &str, value: &str) -> String {
    let Some(found) = find(key) else {
        return value.to_owned();
    };
    let kind = &found.setting.value_type;
    if matches!(kind, settings::ValueType::Bool) {
        return match value {
            "yes" => "On".into(),
            "no" => "Off".into(),
            _ => value.to_owned(),
        };
    }
    if matches!(kind, settings::ValueType::Enum { .. })
        && let Some(choice) = kind.choices().iter().find(|choice| choice.value == value)
    {
        return choice.label.clone();
    }
    if let settings::ValueType::CodecList { choices } = kind {
        let label =
            |word: &str| choices.iter().find(|one| one.value == word).map_or(word.to_owned(), |one| one.label.clone());
        return value.split(',').filter(|word| !word.is_empty()).map(label).collect::<Vec<_>>().join(", ");
    }
    match kind.unit() {
        Some(unit) if !value.is_empty() => format!("{value} {unit}"),
        _ => value.to_owned(),
    }
}

/// Like [`shown`], with a word for a value that is empty.
pub fn said(key: &str, value: &str) -> String {
    if value.is_empty() { "empty".to_owned() } else { shown(key, value) }
}

/// What a change of this setting does to the phone.
pub fn effect(found: SettingRef) -> &'static str {
    match found.setting.effect {
        settings::Effect::Live => "Takes effect at once.",
        settings::Effect::ReRegister => "The account registers anew.",
        settings::Effect::Reboot => "The phone restarts.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codecs_are_called_by_their_names() {
        assert_eq!(shown("account.1.codec.choice", "g722,pcmu"), "G.722, PCMU");
        assert_eq!(said("account.1.codec.choice", ""), "empty");
    }
}
