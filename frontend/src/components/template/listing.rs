//! What the editor shows: the guide's pages with their counts, and the settings of a page or of a search.

use settings::{Catalogue, Scope, SettingRef};

use crate::catalogue;

/// The most settings shown at once.
pub const MOST: usize = 120;

/// Which settings are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    All,
    /// What this layer sets.
    Set,
    /// What is changed and not pushed yet.
    Changed,
}

/// One account or key of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instance {
    pub scope: Scope,
    pub index: u16,
}

impl Instance {
    /// `Account 1`, `Key 3`.
    pub fn word(self) -> String {
        match self.scope {
            Scope::Account => format!("Account {}", self.index),
            _ => format!("Key {}", self.index),
        }
    }
}

/// `Account / SIP Settings` as chapter and name.
pub fn chapter(page: &str) -> (&str, &str) {
    page.split_once(" / ").unwrap_or(("", page))
}

/// The accounts or keys a page has settings of.
pub fn instances(page: &str) -> Vec<Instance> {
    let one = Catalogue::get().settings().iter().find(|setting| setting.page == page && setting.instances.is_some());
    one.and_then(|setting| setting.instances.map(|range| (setting.scope, range)))
        .map(|(scope, range)| range.iter().map(|index| Instance { scope, index }).collect())
        .unwrap_or_default()
}

/// The sections of a page that have a name.
pub fn sections(page: &str) -> Vec<&'static str> {
    let mut found: Vec<&str> = Vec::new();
    for setting in Catalogue::get().settings().iter().filter(|setting| setting.page == page) {
        if !setting.section.is_empty() && !found.contains(&setting.section.as_str()) {
            found.push(&setting.section);
        }
    }
    found
}

/// What to list.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    pub page: String,
    pub index: u16,
    pub view: View,
    pub text: String,
}

impl Wanted {
    /// Whether it goes over all pages.
    pub fn everywhere(&self) -> bool {
        self.view != View::All || !self.text.trim().is_empty()
    }
}

/// The keys to be shown, in the guide's order. `chosen` says whether a key is part of the view.
pub fn list(wanted: &Wanted, chosen: impl Fn(&str) -> bool) -> Vec<String> {
    let words: Vec<String> = wanted.text.to_lowercase().split_whitespace().map(str::to_owned).collect();
    let everywhere = wanted.everywhere();
    let mut keys = Vec::new();
    for setting in Catalogue::get().settings() {
        if !everywhere && setting.page != wanted.page {
            continue;
        }
        let text = || format!("{} {} {} {}", setting.title, setting.page, setting.section, setting.help).to_lowercase();
        let text = if words.is_empty() { String::new() } else { text() };
        let indices: Vec<Option<u16>> =
            setting.instances.map_or_else(|| vec![None], |range| range.iter().map(Some).collect());
        for instance in indices {
            if !everywhere && instance.is_some_and(|index| index != wanted.index) {
                continue;
            }
            let found = SettingRef { setting, instance };
            let key = found.key();
            let fits = words.iter().all(|word| {
                text.contains(word)
                    || key.contains(word.as_str())
                    || catalogue::title(found).to_lowercase().contains(word)
            });
            if fits && (wanted.view == View::All || chosen(&key)) {
                keys.push(key);
            }
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(page: &str, view: View, text: &str) -> Wanted {
        Wanted { page: page.into(), index: 1, view, text: text.into() }
    }

    #[test]
    fn a_page_shows_one_account_and_all_of_the_phone() {
        let keys = list(&wanted("Account / Basic Settings", View::All, ""), |_| false);
        assert!(keys.iter().any(|key| key == "account.1.enable"));
        assert!(!keys.iter().any(|key| key.starts_with("account.2.")));
        assert_eq!(instances("Account / Basic Settings").len(), 2);
        assert!(instances("System Settings / Time").is_empty());
        assert_eq!(sections("Account / SIP Settings").first(), Some(&"Basic Settings"));
    }

    #[test]
    fn a_search_and_a_view_go_over_all_pages() {
        let keys = list(&wanted("System Settings / Time", View::All, "ring volume"), |_| false);
        assert!(keys.iter().any(|key| key == "audio.volume.ring"), "{keys:?}");
        let keys = list(&wanted("System Settings / Time", View::Set, ""), |key| key == "account.2.enable");
        assert_eq!(keys, ["account.2.enable"]);
        let keys = list(&wanted("", View::All, "account 2 dial plan"), |_| false);
        assert!(keys.iter().any(|key| key == "account.2.call.dialplan"), "{keys:?}");
    }
}
