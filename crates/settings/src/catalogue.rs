//! The one catalogue, parsed once, and how to find things in it.

use std::{collections::HashMap, sync::OnceLock};

use crate::{
    Item, Model, SettingRef, StatusRef,
    data::{Action, Setting, Status, fill},
    load::{CatalogueError, Entries, read},
    wire::Dialect,
};

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../catalogue/", $name, ".toml")))),*]
    };
}

/// Every file of the catalogue, in the order of the guide's pages.
pub(crate) const FILES: &[(&str, &str)] = files![
    "status_network",
    "status_system",
    "account_basic",
    "account_sip",
    "account_codec",
    "account_call",
    "account_advanced",
    "phone_basic",
    "phone_call",
    "phone_ringtone",
    "phone_multicast",
    "network_ethernet",
    "network_advanced",
    "network_wifi",
    "keys_mpk",
    "keys_speed_dial",
    "system_time",
    "system_web_ssh",
    "system_user",
    "system_certificates",
    "system_preferences",
    "maintenance_firmware",
    "maintenance_config",
    "maintenance_provision",
    "maintenance_advanced",
    "maintenance_syslog",
    "maintenance_action_url",
    "maintenance_tr069",
    "application_hotel",
    "application_e911",
    "application_gds",
    "application_pnp",
    "application_account_sharing",
];

#[derive(Clone, Copy)]
enum Found {
    Setting(usize, Option<u16>),
    Status(usize, Option<u16>),
    Action(usize),
}

/// Everything a phone can be told, asked or made to do.
pub struct Catalogue {
    entries: Entries,
    keys: HashMap<String, Found>,
    paths: HashMap<String, String>,
}

/// Setting, index and part by an item's name, lower case.
type Items = HashMap<String, (usize, Option<u16>, Option<usize>)>;

static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();
/// Made when the first file is read: most programs never ask.
static ITEMS: OnceLock<(Items, Items)> = OnceLock::new();

impl Catalogue {
    /// The catalogue. The first call parses the embedded files (a few milliseconds).
    ///
    /// # Panics
    /// If an embedded file is malformed, which the tests of this crate exclude.
    pub fn get() -> &'static Self {
        CATALOGUE.get_or_init(|| match Self::parse(FILES) {
            Ok(catalogue) => catalogue,
            Err(error) => panic!("embedded catalogue: {error}"),
        })
    }

    /// Parses files given as (name, TOML).
    pub(crate) fn parse(files: &[(&str, &str)]) -> Result<Self, CatalogueError> {
        let mut catalogue = Self { entries: Entries::default(), keys: HashMap::new(), paths: HashMap::new() };
        for (name, text) in files {
            read(name, text, &mut catalogue.entries)?;
        }
        catalogue.index().map_err(|what| CatalogueError { file: "catalogue".into(), what })?;
        Ok(catalogue)
    }

    fn index(&mut self) -> Result<(), String> {
        let mut found = vec![];
        for (i, setting) in self.entries.settings.iter().enumerate() {
            for at in indices(setting.instances) {
                found.push((
                    setting.key_at(at),
                    Found::Setting(i, at),
                    setting.tr069.as_deref().map(|path| fill(path, at)),
                ));
            }
        }
        for (i, status) in self.entries.statuses.iter().enumerate() {
            for at in indices(status.instances) {
                found.push((
                    fill(&status.key, at),
                    Found::Status(i, at),
                    status.tr069.as_deref().map(|path| fill(path, at)),
                ));
            }
        }
        found.extend(
            self.entries.actions.iter().enumerate().map(|(i, action)| (action.key.clone(), Found::Action(i), None)),
        );
        for (key, entry, path) in found {
            let key = key.to_lowercase();
            if let Some(path) = path {
                self.paths.entry(path).or_insert_with(|| key.clone());
            }
            if self.keys.contains_key(&key) {
                return Err(format!("{key} is declared twice"));
            }
            self.keys.insert(key, entry);
        }
        Ok(())
    }

    /// Every setting, in the guide's order.
    pub fn settings(&self) -> &[Setting] {
        &self.entries.settings
    }

    /// Every status, in the guide's order.
    pub fn statuses(&self) -> &[Status] {
        &self.entries.statuses
    }

    /// Every action, in the guide's order.
    pub fn actions(&self) -> &[Action] {
        &self.entries.actions
    }

    /// The setting of a concrete key such as `account.1.sip.userid`, in any case.
    pub fn find(&'static self, key: &str) -> Option<SettingRef> {
        match self.lookup(key)? {
            Found::Setting(i, instance) => Some(SettingRef { setting: self.entries.settings.get(i)?, instance }),
            _ => None,
        }
    }

    /// The status of a concrete key, in any case.
    pub fn find_status(&'static self, key: &str) -> Option<StatusRef> {
        match self.lookup(key)? {
            Found::Status(i, instance) => Some(StatusRef { status: self.entries.statuses.get(i)?, instance }),
            _ => None,
        }
    }

    /// The action of a key, in any case.
    pub fn find_action(&'static self, key: &str) -> Option<&'static Action> {
        match self.lookup(key)? {
            Found::Action(i) => self.entries.actions.get(i),
            _ => None,
        }
    }

    fn lookup(&self, key: &str) -> Option<Found> {
        // Longer than any key: not worth a copy.
        if key.len() > MAX_KEY {
            return None;
        }
        self.keys.get(key.trim().to_lowercase().as_str()).copied()
    }

    /// The concrete key behind a standard TR-069 path, exact case.
    pub(crate) fn key_of_standard_path(&self, path: &str) -> Option<&str> {
        self.paths.get(path).map(String::as_str)
    }

    /// What an item of a vendor's file stands for, its name in any case.
    pub(crate) fn item(&'static self, name: &str, dialect: Dialect) -> Option<Item> {
        if name.len() > MAX_KEY {
            return None;
        }
        let (aliases, p_values) = ITEMS.get_or_init(|| (self.items(Dialect::Alias), self.items(Dialect::P)));
        let items = if dialect == Dialect::Alias { aliases } else { p_values };
        let (i, instance, part) = *items.get(name.trim().to_lowercase().as_str())?;
        let setting = self.entries.settings.get(i)?;
        Some(Item { setting: SettingRef { setting, instance }, part: part.and_then(|part| setting.parts.get(part)) })
    }

    fn items(&'static self, dialect: Dialect) -> Items {
        let mut items = Items::new();
        for (i, setting) in self.entries.settings.iter().enumerate() {
            for instance in indices(setting.instances) {
                for (name, part) in Item::all(SettingRef { setting, instance }, dialect) {
                    items.entry(name.to_lowercase()).or_insert((i, instance, part));
                }
            }
        }
        items
    }

    /// Every setting and index that exists on the model, in the guide's order.
    pub fn concrete(&'static self, model: Model) -> impl Iterator<Item = SettingRef> {
        let here = self.entries.settings.iter().filter(move |setting| setting.on(model));
        here.flat_map(move |setting| {
            indices(setting.instances_for(model)).into_iter().map(move |instance| SettingRef { setting, instance })
        })
    }

    /// The setting key nearest to a mistyped one, if any is near enough to be meant.
    pub(crate) fn nearest(&self, key: &str) -> Option<&str> {
        if key.is_empty() || key.len() > MAX_KEY {
            return None;
        }
        let key = key.to_lowercase();
        let settings = self.keys.iter().filter(|(_, found)| matches!(found, Found::Setting(..)));
        let close = settings.map(|(candidate, _)| (crate::nearest::distance(&key, candidate), candidate.as_str()));
        close.filter(|(d, candidate)| *d <= 2 + candidate.len() / 4).min().map(|(_, candidate)| candidate)
    }
}

const MAX_KEY: usize = 128;

fn indices(range: Option<crate::Instances>) -> Vec<Option<u16>> {
    range.map_or_else(|| vec![None], |range| range.iter().map(Some).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_concrete_keys_in_any_case() {
        let found = Catalogue::get().find("Account.2.SIP.UserID").expect("known key");
        assert_eq!(found.instance, Some(2));
        assert_eq!(found.key(), "account.2.sip.userid");
        assert_eq!(found.p_value(), Some("P404"));
        assert!(Catalogue::get().find("account.3.sip.userid").is_none());
        assert!(Catalogue::get().find("account.{account}.sip.userid").is_none());
        assert!(Catalogue::get().find(&"a".repeat(5000)).is_none());
    }

    #[test]
    fn refuses_duplicates_and_unknown_fields() {
        let one = "page = \"P\"\n[[action]]\nkey = \"action.a\"\ntitle = \"A\"\nhelp = \"h\"\nstarts = \"s\"\n";
        assert!(Catalogue::parse(&[("one", one)]).is_ok());
        assert!(Catalogue::parse(&[("one", one), ("two", one)]).is_err());
        assert!(Catalogue::parse(&[("one", &format!("{one}colour = \"red\"\n"))]).is_err());
    }
}
