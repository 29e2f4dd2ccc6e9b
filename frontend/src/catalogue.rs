//! Finding settings in the catalogue, for the pickers.

use settings::{Catalogue, SettingRef};

/// The most results a picker shows at once.
pub const SHOWN: usize = 40;

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

/// Settings whose title, key, page or help holds every word of `text`, those with the words in the title first.
pub fn search(page: &str, text: &str) -> Vec<SettingRef> {
    let words: Vec<String> = text.to_lowercase().split_whitespace().map(str::to_owned).collect();
    let mut found: Vec<(u8, SettingRef)> = Vec::new();
    for setting in Catalogue::get().settings().iter().filter(|setting| page.is_empty() || setting.page == page) {
        let title = setting.title.to_lowercase();
        let rest = format!("{} {} {} {}", title, setting.page, setting.section, setting.help).to_lowercase();
        let instances: Vec<Option<u16>> = match setting.instances {
            Some(range) => range.iter().map(Some).collect(),
            None => vec![None],
        };
        for instance in instances {
            let key = setting.key_at(instance);
            if words.iter().all(|word| rest.contains(word) || key.contains(word.as_str())) {
                let in_title = words.iter().all(|word| title.contains(word));
                let rank =
                    if in_title { u8::from(!title.starts_with(words.first().map_or("", String::as_str))) } else { 2 };
                found.push((rank, SettingRef { setting, instance }));
            }
        }
    }
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().map(|(_, found)| found).take(SHOWN).collect()
}

/// `SIP User ID · account 1`.
pub fn title(found: SettingRef) -> String {
    match found.instance {
        Some(index) => format!("{} · {} {index}", found.setting.title, found.setting.scope.as_str()),
        None => found.setting.title.clone(),
    }
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
    match kind.unit() {
        Some(unit) if !value.is_empty() => format!("{value} {unit}"),
        _ => value.to_owned(),
    }
}

/// What a change of this setting does to the phone.
pub fn effect(found: SettingRef) -> &'static str {
    match found.setting.effect {
        settings::Effect::Live => "Takes effect at once.",
        settings::Effect::ReRegister => "The account registers anew.",
        settings::Effect::Reboot => "The phone restarts.",
    }
}
