//! A change of one layer: checked, kept as a change set, and followed by every phone below.

use std::collections::{BTreeMap, BTreeSet};

use contract::rest::{Accepted, LayerChange, SECRET_MASK};
use contract::{ChangeSetId, PhoneId};
use provisioning::variables::TemplateError;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::write::{Stored, Written, write};
use super::{Scope, locks, seen};
use crate::app::desired::{Change, accepted, refresh_targets};
use crate::app::error::invalid;
use crate::app::idempotency::Once;
use crate::app::{Actor, App, Result, audit, views};
use crate::clock::now_ms;
use crate::db::entity::{change_set, layer_value, phone};
use crate::domain::catalogue;
use crate::domain::value::kept;

/// What becomes of one key of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    pub key: String,
    /// `None`: it is removed.
    pub value: Option<New>,
}

/// A value as somebody wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct New {
    /// In clear, with its variables.
    pub text: String,
    pub locked: bool,
    pub reason: String,
}

/// What a change set is for.
#[derive(Clone, Debug, Default)]
pub struct Purpose {
    pub comment: String,
    /// The change set it takes back.
    pub undoes: Option<Uuid>,
    /// What was seen of the layer by whoever wants it.
    pub seen: seen::Seen,
}

/// What a layer has under some keys, in clear and as stored.
pub type Now = BTreeMap<String, (New, layer_value::Model)>;

/// Sets and removes values of one layer; every phone below it follows.
pub async fn change(app: &App, actor: &Actor, once: &Once, scope: Scope, wanted: LayerChange) -> Result<Accepted> {
    let edits = check(scope, &wanted)?;
    let seen = seen::of(&wanted, &edits)?;
    let write = app.db.write().await?;
    let tx = &write.tx;
    if let Some(answer) = once.replay(tx).await? {
        return Ok(answer);
    }
    let purpose = Purpose { comment: wanted.comment.trim().to_owned(), undoes: None, seen };
    let answer = apply(app, tx, actor, scope, edits, purpose).await?;
    once.keep(tx, &answer.accepted).await?;
    write.commit().await?;
    answer.tell(app);
    Ok(answer.accepted)
}

/// What was done, and whom to ask in after the commit.
pub struct Applied {
    pub accepted: Accepted,
    phones: Vec<Uuid>,
}

impl Applied {
    /// The phones it changes something on.
    pub fn phones(&self) -> &[Uuid] {
        &self.phones
    }

    pub fn tell(&self, app: &App) {
        app.live.wake();
        app.nudge(self.phones.iter().map(|phone| PhoneId(*phone)));
    }
}

/// Carries edits out within a transaction. Keys that are so already are no part of the change set; if all are, there is
/// none.
pub async fn apply(
    app: &App,
    tx: &impl ConnectionTrait,
    actor: &Actor,
    scope: Scope,
    mut edits: Vec<Edit>,
    purpose: Purpose,
) -> Result<Applied> {
    let mut before = now_set(app, tx, scope, &edits).await?;
    seen::refuse(tx, scope, &edits, &purpose.seen, &before).await?;
    let (name, targets) = scope.targets(tx).await?;
    if let Scope::Phone(id) = scope
        && let Some(phone) = phone::Entity::find_by_id(id).one(tx).await?
    {
        accepted(&phone)?;
    }
    if purpose.undoes.is_none() {
        // What an undo brings back was there before the lock, and does not count while the lock holds.
        let set = edits.iter().filter(|edit| edit.value.is_some()).map(|edit| edit.key.clone());
        locks::refuse(tx, scope, set.collect()).await?;
    }
    only_differing(&mut edits, &before)?;
    if edits.is_empty() {
        return Ok(Applied { accepted: views::accepted_many(&[]), phones: Vec::new() });
    }
    let row = change_set::Model {
        id: Uuid::now_v7(),
        layer: scope.layer().as_str().to_owned(),
        scope_id: Some(scope.id()),
        scope_name: name.clone(),
        at: now_ms(),
        actor: actor.0.clone(),
        comment: purpose.comment,
        phones: 0,
        undoes: purpose.undoes,
        undone_by: None,
        import_id: None,
    };
    let change_set_id = row.id;
    let mut written = Vec::with_capacity(edits.len());
    for Edit { key, value } in &edits {
        let new = match value {
            Some(new) => Some(Stored {
                value: app.secrets.seal_setting(key, &new.text)?,
                locked: new.locked,
                reason: new.reason.clone(),
            }),
            None => None,
        };
        written.push(Written { key: key.clone(), old: before.remove(key).map(|(_, row)| row), new });
    }
    write(tx, &[(row, written)]).await?;
    let keys: BTreeSet<String> = edits.iter().map(|edit| edit.key.clone()).collect();
    let said = keys.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    let action = if purpose.undoes.is_some() { "settings.undo" } else { "settings.change" };
    audit::record(tx, actor, action, &scope.id().to_string(), said).await?;
    let title = match keys.first() {
        Some(key) if keys.len() == 1 => catalogue::title_and_page(key).0,
        _ => format!("{} settings", keys.len()),
    };
    let change = Change { actor, summary: format!("{name}: {title}") };
    let jobs = refresh_targets(app, tx, &targets, &change, Some(&keys), Some(change_set_id)).await?;
    if !jobs.is_empty() {
        let row = change_set::ActiveModel {
            id: Set(change_set_id),
            phones: Set(i32::try_from(jobs.len()).unwrap_or(i32::MAX)),
            ..Default::default()
        };
        change_set::Entity::update(row).exec(tx).await?;
    }
    let mut accepted = views::accepted_many(&jobs);
    accepted.change_set = Some(ChangeSetId(change_set_id));
    Ok(Applied { accepted, phones: jobs.into_iter().map(|job| job.phone_id).collect() })
}

/// What a layer has under the keys of these edits.
pub async fn now_set(app: &App, tx: &impl ConnectionTrait, scope: Scope, edits: &[Edit]) -> Result<Now> {
    let rows = layer_value::Entity::find()
        .filter(layer_value::Column::ScopeId.eq(scope.id()))
        .filter(layer_value::Column::Layer.eq(scope.layer().as_str()))
        .filter(layer_value::Column::Key.is_in(edits.iter().map(|edit| edit.key.clone())))
        .all(tx)
        .await?;
    let mut found = BTreeMap::new();
    for row in rows {
        let text = app.secrets.open_setting(&row.key, &row.value)?.into_owned();
        found.insert(row.key.clone(), (New { text, locked: row.locked, reason: row.reason.clone() }, row));
    }
    Ok(found)
}

/// Keeps the edits that change something.
pub fn only_differing(edits: &mut Vec<Edit>, before: &Now) -> Result<()> {
    unmask(edits, before)?;
    edits.retain(|edit| before.get(&edit.key).map(|(new, _)| new) != edit.value.as_ref());
    Ok(())
}

/// A secret that is sent as it is shown stays what it is; a lock on it may change.
fn unmask(edits: &mut [Edit], before: &Now) -> Result<()> {
    for edit in edits.iter_mut().filter(|edit| catalogue::is_secret(&edit.key)) {
        let Some(new) = edit.value.as_mut().filter(|new| new.text == SECRET_MASK) else { continue };
        let Some((there, _)) = before.get(&edit.key) else {
            return Err(invalid(&edit.key, format!("{}: the layer has no value to keep. Write one.", edit.key)));
        };
        new.text.clone_from(&there.text);
    }
    Ok(())
}

/// What a request wants, every key and value checked.
pub fn check(scope: Scope, wanted: &LayerChange) -> Result<Vec<Edit>> {
    if wanted.values.is_empty() || wanted.values.len() > 500 {
        return Err(invalid("values", format!("{} values; a change has 1 to 500.", wanted.values.len())));
    }
    let locks = locks(scope, wanted)?;
    for (field, text) in [("reason", &wanted.reason), ("comment", &wanted.comment)] {
        said(field, text)?;
    }
    let mut edits: BTreeMap<String, Option<New>> = BTreeMap::new();
    for (key, value) in &wanted.values {
        let known = catalogue::find(key).map_or_else(|| key.clone(), |found| found.key());
        if edits.contains_key(&known) {
            let same = |other: &&String| *other != key && other.eq_ignore_ascii_case(key);
            let other = wanted.values.keys().find(same).unwrap_or(&known);
            let detail = format!("{other} and {key} are one setting, written twice. Leave one of the two out.");
            return Err(invalid(key, detail));
        }
        let lock = locks.get(key.as_str());
        let masked = value.as_deref() == Some(SECRET_MASK) && catalogue::is_secret(key);
        let text = value.as_ref().map(|value| if masked { Ok(value.clone()) } else { canonical(key, value) });
        let text = text.transpose()?;
        if text.is_none() && catalogue::find(key).is_none() {
            return Err(invalid(key, format!("There is no setting {key}.")));
        }
        let reason = lock.map(|reason| (*reason).to_owned()).unwrap_or_default();
        edits.insert(known, text.map(|text| New { text, locked: lock.is_some(), reason }));
    }
    Ok(edits.into_iter().map(|(key, value)| Edit { key, value }).collect())
}

/// The keys to lock, with why.
fn locks(scope: Scope, wanted: &LayerChange) -> Result<BTreeMap<&str, &str>> {
    if wanted.locked && !wanted.locks.is_empty() {
        return Err(invalid("locks", "With \"locked\" every value has the one reason: leave one of the two out."));
    }
    let locks: BTreeMap<&str, &str> = if wanted.locked {
        wanted.values.keys().map(|key| (key.as_str(), wanted.reason.trim())).collect()
    } else {
        wanted.locks.iter().map(|(key, reason)| (key.as_str(), reason.trim())).collect()
    };
    if !locks.is_empty() && matches!(scope, Scope::Phone(_)) {
        return Err(invalid("locked", "Nothing lies below a phone: its values need no lock."));
    }
    for (key, reason) in &locks {
        if !wanted.locked && !matches!(wanted.values.get(*key), Some(Some(_))) {
            return Err(invalid("locks", format!("{key}: only a value that this change sets can be locked by it.")));
        }
        if reason.is_empty() {
            return Err(invalid("reason", "Say why these values are locked; people who are refused will read it."));
        }
        said("reason", reason)?;
    }
    Ok(locks)
}

/// Whether a reason or a comment may be said.
pub fn said(field: &str, text: &str) -> Result<()> {
    if text.chars().count() > 300 || text.chars().any(char::is_control) {
        return Err(invalid(field, "At most 300 characters, none of them a control character."));
    }
    Ok(())
}

/// A value as it is kept.
pub fn canonical(key: &str, value: &str) -> Result<String> {
    kept(key, value, |text| settings::validate(key, text)).map_err(|error| match error {
        TemplateError::Variable(error) => invalid(key, format!("{key}: {error}")),
        other => invalid(key, other.to_string()),
    })
}
