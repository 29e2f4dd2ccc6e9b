//! What a configuration file says: settings in canonical form, and everything else kept aside with the reason.

use std::{collections::BTreeMap, fmt};

use contract::mac::Mac;
use settings::{Catalogue, Conflict, Dialect, Model, SettingError};

use crate::error::{Place, printable};

/// Settings by key, in the order of their keys. Two documents with the same settings are written alike.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Document {
    /// The phone it is for; absent for all.
    pub mac: Option<Mac>,
    pub(crate) values: BTreeMap<String, String>,
    pub(crate) aside: Vec<Aside>,
    pub(crate) warnings: Vec<Warning>,
}

/// An entry that did not become a setting.
#[derive(Clone, PartialEq, Eq)]
pub struct Aside {
    /// As the file has it.
    pub name: String,
    /// As the file has it. May be secret, so it is never printed.
    pub value: String,
    /// Where it stood.
    pub place: Place,
    /// Why.
    pub reason: Reason,
    /// The vocabulary of its name.
    pub dialect: Dialect,
}

/// Why an entry was put aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The catalogue does not know the name.
    Unknown,
    /// A name of the other vocabulary, which does not count where it stands.
    NotHere,
    /// The same name comes again later.
    Superseded,
    /// There is no value, and the setting cannot be empty: how phones export what was never set.
    Empty,
    /// The value is not allowed.
    Refused(String),
    /// Does not exist on the model.
    NotOnModel(Model),
}

/// Something a person should look at, though the file was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Where.
    pub place: Place,
    /// What.
    pub text: String,
}

impl Document {
    /// An empty document for one phone.
    pub fn for_phone(mac: Mac) -> Self {
        Self { mac: Some(mac), ..Self::default() }
    }

    /// Sets a value, which may be in any spelling the catalogue takes.
    ///
    /// # Errors
    /// [`SettingError`] for an unknown key or a value that is not allowed; the document stays as it was.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), SettingError> {
        let canonical = settings::validate(key, value)?;
        let key = Catalogue::get().find(key).map_or_else(|| key.to_lowercase(), |found| found.key());
        self.values.insert(key, canonical);
        Ok(())
    }

    /// The canonical value of a concrete key in its own spelling.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    /// Takes a setting out.
    pub fn remove(&mut self, key: &str) -> Option<String> {
        self.values.remove(key)
    }

    /// Every (key, canonical value), in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// How many settings.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is no setting.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// What did not become a setting, in the order of the file.
    pub fn aside(&self) -> &[Aside] {
        &self.aside
    }

    /// What a person should look at.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Lays a later file over this one, as a phone does that loads all its files: later settings win.
    pub fn overlay(&mut self, later: Self) {
        self.mac = later.mac.or(self.mac);
        self.values.extend(later.values);
        self.aside.extend(later.aside);
        self.warnings.extend(later.warnings);
    }

    /// Puts aside what the model does not have.
    pub fn keep_to(&mut self, model: Model) {
        let here = |key: &String| Catalogue::get().find(key).is_some_and(|found| found.on(model));
        let all = std::mem::take(&mut self.values);
        let (keep, rest): (BTreeMap<_, _>, BTreeMap<_, _>) = all.into_iter().partition(|(key, _)| here(key));
        self.values = keep;
        self.aside.extend(rest.into_iter().map(|(name, value)| Aside {
            name,
            value,
            place: Place::Whole,
            reason: Reason::NotOnModel(model),
            dialect: Dialect::Alias,
        }));
    }

    /// Settings that contradict each other.
    pub fn conflicts(&self) -> Vec<Conflict> {
        settings::check_together(|key| self.get(key).map(str::to_owned))
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.iter().map(|(key, value)| {
            let secret = Catalogue::get().find(key).is_none_or(|found| found.setting.secret);
            (key, if secret && !value.is_empty() { "***" } else { value })
        });
        f.debug_struct("Document")
            .field("mac", &self.mac)
            .field("values", &shown.collect::<BTreeMap<_, _>>())
            .field("aside", &self.aside)
            .field("warnings", &self.warnings)
            .finish()
    }
}

impl fmt::Debug for Aside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Aside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}: {}", self.place, printable(&self.name), self.reason)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("is no setting we know"),
            Self::NotHere => f.write_str("does not count in this kind of file"),
            Self::Superseded => f.write_str("is set again further down"),
            Self::Empty => f.write_str("has no value, so it stays as it is"),
            Self::Refused(reason) => f.write_str(reason),
            Self::NotOnModel(model) => write!(f, "does not exist on the {model}"),
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_canonical_and_wrong_ones_change_nothing() {
        let mut document = Document::default();
        document.set("Account.1.Enable", "TRUE").unwrap();
        assert_eq!(document.get("account.1.enable"), Some("yes"));
        assert!(document.set("account.1.enable", "perhaps").is_err());
        assert!(document.set("account.9.enable", "yes").is_err());
        assert_eq!(document.iter().collect::<Vec<_>>(), [("account.1.enable", "yes")]);
    }

    #[test]
    fn later_files_win() {
        let mut general = Document::default();
        general.set("account.1.enable", "no").unwrap();
        general.set("account.1.name", "Lobby").unwrap();
        let mut own = Document::default();
        own.set("account.1.enable", "yes").unwrap();
        general.overlay(own);
        assert_eq!(general.get("account.1.enable"), Some("yes"));
        assert_eq!(general.get("account.1.name"), Some("Lobby"));
    }

    #[test]
    fn what_the_model_does_not_have_is_put_aside() {
        let catalogue = Catalogue::get();
        let mut concrete = catalogue.concrete(Model::Ghp621W);
        let wifi = concrete.find(|found| !found.on(Model::Ghp621) && found.setting.default.is_some()).unwrap();
        let mut document = Document::default();
        document.set(&wifi.key(), wifi.setting.default.as_deref().unwrap()).unwrap();
        document.keep_to(Model::Ghp621W);
        assert_eq!(document.len(), 1);
        document.keep_to(Model::Ghp621);
        assert!(document.is_empty());
        assert_eq!(document.aside()[0].reason, Reason::NotOnModel(Model::Ghp621));
    }

    #[test]
    fn secrets_are_not_printed() {
        let mut document = Document::default();
        document
            .set("account.1.sip.subscriber.password", "hunter2")
            .or_else(|_| document.set("account.1.sip.password", "hunter2"))
            .unwrap();
        document.aside.push(Aside {
            name: "P34000".into(),
            value: "hunter2".into(),
            place: Place::Line(3),
            reason: Reason::Unknown,
            dialect: Dialect::P,
        });
        let shown = format!("{document:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("line 3, P34000: is no setting we know"), "{shown}");
    }
}
