//! A configuration file for a phone's own layer: what it would change, and changing it.

use std::collections::BTreeMap;

use contract::PhoneId;
use contract::rest::{Aside, ConfigurationEdit, ConfigurationPreview, LayerChange, SECRET_MASK};
use provisioning::{Limits, Place, ReadOptions, read, variables};

use super::export::{load, name_of};
use crate::app::error::invalid;
use crate::app::idempotency::Once;
use crate::app::layers::{self, Scope};
use crate::app::{Actor, App, Result, views};
use crate::domain::catalogue;

/// What is shown of what was not taken.
pub(super) const SHOWN: usize = 500;
/// Values a change may have.
const MOST_CHANGES: usize = 500;

/// Reads a file and says what it changes; `apply`: and changes it.
pub async fn upload(
    app: &App,
    actor: &Actor,
    once: &Once,
    id: PhoneId,
    (file, password): (&[u8], Option<&str>),
    apply: bool,
) -> Result<ConfigurationPreview> {
    let (phone, now, desired) = load(app, id).await?;
    let options = ReadOptions { mac: Some(views::mac(&phone)), password, limits: Limits::default() };
    let mut document = read(file, &options).map_err(|error| invalid("file", format!("The file: {error}.")))?;
    if let Ok(model) = phone.model.parse() {
        document.keep_to(model);
    }
    let mut aside: Vec<Aside> = document
        .aside()
        .iter()
        .map(|one| Aside { name: short(&one.name), place: place(one.place), reason: one.reason.to_string() })
        .collect();
    let mut put_aside = |key: &str, reason: &str| {
        aside.push(Aside { name: key.to_owned(), place: String::new(), reason: reason.to_owned() });
    };
    let (mut changes, mut unchanged) = (Vec::new(), 0);
    let mut values = BTreeMap::new();
    for (key, after) in document.iter() {
        let before = now.get(key).map_or_else(|| catalogue::default_value(key), str::to_owned);
        if after == SECRET_MASK {
            put_aside(key, "stands for a secret that was not shown; it stays as it is");
        } else if before == after {
            unchanged += 1;
        } else if after.is_empty() && catalogue::is_secret(key) {
            put_aside(key, "is a secret without a value, as phones write what they do not show; it stays as it is");
        } else if desired.get(key).is_some_and(|effective| effective.locked) {
            put_aside(key, "is locked above this phone");
        } else {
            let (title, page) = catalogue::title_and_page(key);
            let secret = catalogue::is_secret(key);
            let shown =
                |value: &str| if secret && !value.is_empty() { SECRET_MASK.to_owned() } else { value.to_owned() };
            let (before, shown_after) = (shown(&before), shown(after));
            changes.push(ConfigurationEdit { key: key.to_owned(), title, page, before, after: shown_after, secret });
            // A brace of the file is a brace.
            values.insert(key.to_owned(), Some(variables::literal(after)));
        }
    }
    if changes.len() > MOST_CHANGES {
        let detail = format!(
            "The file changes {} settings of phone {}; at most {MOST_CHANGES} at once. Set what phones have in common \
             at their property.",
            changes.len(),
            name_of(&phone)
        );
        return Err(invalid("file", detail));
    }
    let (mut would, mut accepted) = (None, None);
    if !values.is_empty() {
        let change = LayerChange { values, ..LayerChange::default() };
        match apply {
            true => accepted = Some(layers::change(app, actor, once, Scope::Phone(id.0), change).await?),
            false => would = Some(layers::preview(app, Scope::Phone(id.0), change).await?),
        }
    }
    let aside_total = u32::try_from(aside.len()).unwrap_or(u32::MAX);
    aside.truncate(SHOWN);
    let warnings = document.warnings().iter().take(SHOWN).map(|one| format!("{}: {}", one.place, one.text)).collect();
    Ok(ConfigurationPreview { changes, unchanged, aside, aside_total, warnings, would, accepted })
}

fn place(place: Place) -> String {
    if place == Place::Whole { String::new() } else { place.to_string() }
}

fn short(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(128).collect()
}
