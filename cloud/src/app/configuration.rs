//! Every effective value of a phone: where it comes from, what it overrides, and what the phone says.

use std::collections::{BTreeMap, BTreeSet};

use contract::PhoneId;
use contract::rest::{Configuration, ConfigurationValue, LeftOut, OverriddenValue, SECRET_MASK, ValueState};
use sea_orm::EntityTrait;

use super::desired::layers::{Entry, Layers, Text};
use super::desired::targets::Target;
use super::documents::Documents;
use super::error::not_found;
use super::{App, Result};
use crate::db::entity::phone;
use crate::domain::catalogue;
use crate::domain::layers::{Bid, why_not, winner};

pub async fn of_phone(app: &App, id: PhoneId) -> Result<Configuration> {
    let db = app.db.read();
    let phone = phone::Entity::find_by_id(id.0).one(db).await?.ok_or_else(|| not_found("phone"))?;
    let target = Target::of(&phone);
    let layers = Layers::load(app, db, std::slice::from_ref(&target), None, None).await?;
    let documents = Documents::load(db, &phone).await?;
    let entries = layers.entries(&target, None);
    let mut by_key: BTreeMap<&str, &[Entry<'_>]> = BTreeMap::new();
    for of_key in entries.chunk_by(|a, b| a.key == b.key) {
        if let Some(first) = of_key.first().filter(|first| catalogue::exists_on(&first.key, &phone.model)) {
            by_key.insert(&first.key, of_key);
        }
    }
    let mut keys: BTreeSet<&str> = by_key.keys().copied().collect();
    keys.extend(
        documents.desired.keys().chain(documents.reported.keys()).chain(&documents.by_user).map(String::as_str),
    );
    let page = Page { app, target: &target, layers: &layers, documents: &documents };
    let (mut values, mut left_out) = (Vec::with_capacity(keys.len()), Vec::new());
    for key in keys {
        let of_key = by_key.get(key).copied().unwrap_or_default();
        values.push(page.value(key, of_key)?);
        left_out.extend(of_key.iter().filter_map(|entry| page.left_out(key, entry)));
    }
    let (desired_version, applied_version) = (phone.desired_version, phone.applied_version);
    Ok(Configuration { phone: id, desired_version, applied_version, values, left_out })
}

struct Page<'a> {
    app: &'a App,
    target: &'a Target,
    layers: &'a Layers,
    documents: &'a Documents,
}

impl Page<'_> {
    fn value(&self, key: &str, of_key: &[Entry<'_>]) -> Result<ConfigurationValue> {
        let bids: Vec<Bid> = of_key.iter().map(Entry::bid).collect();
        let won = winner(&bids);
        let entry = won.and_then(|at| of_key.get(at));
        let secret = catalogue::is_secret(key);
        let mask = |text: &str| if secret { SECRET_MASK.to_owned() } else { text.to_owned() };
        let stored = self.documents.desired.get(key);
        // Without an entry it is what the document says: the factory's value, where a layer had set it once.
        let layer = entry.map(|entry| entry.layer).or(stored.map(|stored| stored.layer));
        let text = entry.and_then(|entry| shown(entry)).or(stored.map(|stored| stored.value.as_str()));
        let (scope_name, scope) = layer.map(|layer| self.layers.owner(self.target, layer)).unwrap_or_default();
        let set = entry.and_then(|entry| entry.set);
        let overrides = of_key.iter().enumerate().rev().filter_map(|(at, entry)| {
            let why = why_not(&bids, at)?;
            let (scope_name, scope) = self.layers.owner(self.target, entry.layer);
            let written = entry.set.map(|set| set.stored.as_str()).or(shown(entry)).unwrap_or_default();
            let derived = entry.set.is_none();
            Some(OverriddenValue { layer: entry.layer, scope_name, scope, derived, value: mask(written), why })
        });
        let found = catalogue::find(key);
        let (title, page) = catalogue::title_and_page(key);
        Ok(ConfigurationValue {
            overrides: overrides.collect(),
            title,
            page,
            section: found.map(|found| found.setting.section.clone()).unwrap_or_default(),
            secret,
            desired: text.map(mask),
            layer,
            scope_name,
            scope,
            derived: entry.is_some_and(|entry| entry.set.is_none()),
            locked: set.is_some_and(|set| set.locked),
            reason: set.map(|set| set.reason.clone()).unwrap_or_default(),
            template: set.filter(|set| set.template.is_some()).map(|set| mask(&set.stored)),
            default: found.and_then(|found| found.setting.default.as_deref()).map(mask),
            reported: self.documents.reported.get(key).map(|text| mask(text)),
            state: self.documents.state(&self.app.secrets, key)?.unwrap_or(ValueState::InSync),
            owner: self.documents.owner(key),
            key: key.to_owned(),
        })
    }

    fn left_out(&self, key: &str, entry: &Entry<'_>) -> Option<LeftOut> {
        let (Text::Missing(reason), Some(set)) = (&entry.text, entry.set) else { return None };
        let template = if catalogue::is_secret(key) { SECRET_MASK.to_owned() } else { set.stored.clone() };
        Some(LeftOut {
            key: key.to_owned(),
            title: catalogue::title_and_page(key).0,
            layer: entry.layer,
            scope_name: self.layers.owner(self.target, entry.layer).0,
            template,
            reason: reason.clone(),
        })
    }
}

fn shown<'e>(entry: &'e Entry<'_>) -> Option<&'e str> {
    match &entry.text {
        Text::Stored(text) => Some(text),
        Text::Made(text) => Some(text),
        Text::Missing(_) => None,
    }
}
