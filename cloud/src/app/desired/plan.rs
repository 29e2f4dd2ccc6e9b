//! From layers to documents: what changes on one phone, key by key.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use contract::rest::Layer;
use serde_json::value::RawValue;
use settings::Model;

use super::layers::{Entry, Text};
use super::targets::Target;
use crate::app::Result;
use crate::domain::catalogue;
use crate::domain::layers::{Bid, Effective, winner};
use crate::secrets::Secrets;

/// A value of a document that changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    pub key: String,
    /// `None`: the document did not have it.
    pub before: Option<Effective>,
    /// `None`: the phone's model has no such setting.
    pub after: Option<Effective>,
    /// Whether the value differs, and not only where it comes from.
    pub value: bool,
}

/// A stored document, read no further than its keys.
pub struct Document<'a>(BTreeMap<Cow<'a, str>, &'a RawValue>);

impl<'a> Document<'a> {
    pub fn read(text: &'a str) -> Result<Self> {
        Ok(Self(serde_json::from_str(text)?))
    }

    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(AsRef::as_ref)
    }

    pub fn get(&self, key: &str) -> Result<Option<Effective>> {
        Ok(match self.0.get(key) {
            Some(raw) => Some(serde_json::from_str(raw.get())?),
            None => None,
        })
    }

    /// The text with changes made.
    pub fn with(&self, changes: &[Changed]) -> Result<String> {
        let mut made = Vec::with_capacity(changes.len());
        for change in changes {
            let after = change.after.as_ref().map(serde_json::value::to_raw_value).transpose()?;
            made.push((change.key.as_str(), after));
        }
        let mut all: BTreeMap<&str, &RawValue> = self.0.iter().map(|(key, raw)| (key.as_ref(), *raw)).collect();
        for (key, raw) in &made {
            match raw {
                Some(raw) => all.insert(key, raw.as_ref()),
                None => all.remove(key),
            };
        }
        Ok(serde_json::to_string(&all)?)
    }
}

/// What `entries`, all that is said about one phone, change on it. With `keys`, only those are looked at.
pub fn changes(
    secrets: &Secrets,
    entries: &[Entry<'_>],
    target: &Target,
    document: &Document<'_>,
    keys: Option<&BTreeSet<String>>,
) -> Result<Vec<Changed>> {
    let model: Option<Model> = target.model.parse().ok();
    let on_model = |key: &str| catalogue::find(key).is_some_and(|found| model.is_none_or(|model| found.on(model)));
    let mut changed = Vec::new();
    let mut said = BTreeSet::new();
    for of_key in entries.chunk_by(|a, b| a.key == b.key) {
        let Some(first) = of_key.first() else { continue };
        let key: &str = &first.key;
        let Some(entry) = winning(of_key) else { continue };
        if !on_model(key) {
            continue;
        }
        said.insert(key);
        let before = document.get(key)?;
        changed.extend(change(secrets, key, before, entry)?);
    }
    // What was managed and is not any more goes back to the factory's value, so that a phone taken out of a room keeps
    // nothing of it.
    let managed: Vec<&str> = match keys {
        Some(keys) => keys.iter().map(String::as_str).filter(|key| document.0.contains_key(*key)).collect(),
        None => document.keys().collect(),
    };
    for key in managed.into_iter().filter(|key| !said.contains(key)) {
        let Some(before) = document.get(key)? else { continue };
        if !on_model(key) {
            changed.push(Changed { key: key.to_owned(), before: Some(before), after: None, value: true });
            continue;
        }
        if before.layer == Layer::ModelDefault && !before.locked {
            continue;
        }
        let after = Effective { value: catalogue::default_value(key), layer: Layer::ModelDefault, locked: false };
        let value = secrets.open_setting(key, &before.value)? != after.value;
        changed.push(Changed { key: key.to_owned(), before: Some(before), after: Some(after), value });
    }
    Ok(changed)
}

/// What differs between two stored documents of one phone.
pub fn between(before: &Document<'_>, after: &Document<'_>) -> Result<Vec<Changed>> {
    let mut changed = Vec::new();
    let keys: BTreeSet<&str> = before.keys().chain(after.keys()).collect();
    for key in keys {
        let (before, after) = (before.get(key)?, after.get(key)?);
        if before == after {
            continue;
        }
        let value = before.as_ref().map(|held| &held.value) != after.as_ref().map(|held| &held.value);
        changed.push(Changed { key: key.to_owned(), before, after, value });
    }
    Ok(changed)
}

/// The entry of one key that counts.
pub fn winning<'e, 'a>(of_key: &'e [Entry<'a>]) -> Option<&'e Entry<'a>> {
    let bids: Vec<Bid> = of_key.iter().map(Entry::bid).collect();
    winner(&bids).and_then(|at| of_key.get(at))
}

fn change(secrets: &Secrets, key: &str, before: Option<Effective>, entry: &Entry<'_>) -> Result<Option<Changed>> {
    let bid = entry.bid();
    let same = |before: &Effective, value: bool| value && before.layer == bid.layer && before.locked == bid.locked;
    let (value, text) = match (&entry.text, &before) {
        (Text::Missing(_), _) => return Ok(None),
        (Text::Stored(text), Some(before)) if before.value == **text => (false, before.value.clone()),
        (Text::Stored(text), Some(before)) if catalogue::is_secret(key) => {
            // Sealed anew, the same secret looks different.
            let equal = secrets.open_setting(key, text)? == secrets.open_setting(key, &before.value)?;
            (!equal, if equal { before.value.clone() } else { text.clone().into_owned() })
        }
        (Text::Stored(text), _) => (true, text.clone().into_owned()),
        (Text::Made(text), Some(before)) if secrets.open_setting(key, &before.value)? == **text => {
            (false, before.value.clone())
        }
        (Text::Made(text), _) => (true, secrets.seal_setting(key, text)?),
    };
    if before.as_ref().is_some_and(|before| same(before, !value)) {
        return Ok(None);
    }
    let after = Effective { value: text, layer: bid.layer, locked: bid.locked };
    Ok(Some(Changed { key: key.to_owned(), before, after: Some(after), value }))
}
