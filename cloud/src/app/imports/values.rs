//! Values of settings that rows set on rooms and phones. What one room or one phone gets is a change set of its own, with
//! what was there before, so that it stands in its history and can be taken back.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use contract::Mac;
use contract::rest::{ImportCounts, Layer};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter};
use uuid::Uuid;

use super::carry::Changed;
use crate::app::desired::targets::Target;
use crate::app::{Actor, App, Result};
use crate::clock::now_ms;
use crate::db::column::write_column;
use crate::db::entity::{change_set, change_set_value, job, layer_value, phone};
use crate::domain::import::plan::{Known, Step};

/// Rows in one statement, with at most ten parameters each; keeps it below the databases' limits.
const ROWS: usize = 1_000;

/// Who sets the values, and what for.
pub struct Purpose<'a> {
    pub actor: &'a Actor,
    pub import: Uuid,
    /// As the history says it.
    pub comment: String,
}

/// Change sets by the room or the phone they belong to.
pub type Sets = HashMap<Uuid, Uuid>;

/// What a room or a phone gets: its name, and the values by key, as they are stored.
type Wanted = (String, BTreeMap<String, String>);

/// Sets values of settings on rooms and phones.
#[allow(clippy::too_many_arguments)]
pub async fn carry(
    app: &App,
    tx: &impl ConnectionTrait,
    purpose: &Purpose<'_>,
    known: &Known,
    steps: &[Step],
    room_of: &impl Fn(&Option<String>) -> Option<Uuid>,
    counts: &mut ImportCounts,
    changed: &mut Changed,
) -> Result<Sets> {
    let phones = phones(tx, known, steps).await?;
    let mut wanted: BTreeMap<(Layer, Uuid), Wanted> = BTreeMap::new();
    for step in steps {
        for (layer, key, value) in &step.values {
            let (scope, name) = match layer {
                Layer::Phone => {
                    let scope = step.mac.and_then(|mac| Some((*phones.get(&mac)?, mac)));
                    (scope.map(|(id, _)| id), scope.map_or_else(String::new, |(_, mac)| format!("Phone {mac}")))
                }
                _ => (room_of(&step.room_number), format!("Room {}", step.room_number.as_deref().unwrap_or_default())),
            };
            let Some(scope) = scope else { continue };
            match layer {
                Layer::Phone => changed.phones.insert(scope),
                _ => changed.rooms.insert(scope),
            };
            let (_, values) = wanted.entry((*layer, scope)).or_insert_with(|| (name, BTreeMap::new()));
            values.insert(key.clone(), app.secrets.seal_setting(key, value)?);
        }
    }
    counts.values_set = wanted.values().map(|(_, values)| values.len() as u32).sum();
    if wanted.is_empty() {
        return Ok(Sets::new());
    }
    let before = before(tx, &wanted).await?;
    store(tx, purpose.actor, &wanted).await?;
    keep_sets(tx, purpose, &wanted, &before).await
}

/// Phones that get values; those that were just made too.
async fn phones(tx: &impl ConnectionTrait, known: &Known, steps: &[Step]) -> Result<HashMap<Mac, Uuid>> {
    let mut ids: HashMap<Mac, Uuid> = known.phones.iter().map(|(mac, phone)| (*mac, phone.id)).collect();
    let macs = steps.iter().filter(|step| !step.values.is_empty()).filter_map(|step| step.mac);
    let new: Vec<String> = macs.filter(|mac| !ids.contains_key(mac)).map(|mac| mac.compact()).collect();
    if !new.is_empty() {
        let rows = phone::Entity::find().filter(phone::Column::Mac.is_in(new)).all(tx).await?;
        ids.extend(rows.iter().filter_map(|row| Some((row.mac.parse().ok()?, row.id))));
    }
    Ok(ids)
}

/// What is set under these keys, by layer, room or phone, and key.
async fn before(
    tx: &impl ConnectionTrait,
    wanted: &BTreeMap<(Layer, Uuid), Wanted>,
) -> Result<HashMap<(String, Uuid, String), layer_value::Model>> {
    let keys: BTreeSet<&str> = wanted.values().flat_map(|(_, values)| values.keys().map(String::as_str)).collect();
    let scopes: Vec<Uuid> = wanted.keys().map(|(_, scope)| *scope).collect();
    let mut found = HashMap::new();
    for scopes in scopes.chunks(ROWS) {
        let rows = layer_value::Entity::find()
            .filter(layer_value::Column::ScopeId.is_in(scopes.iter().copied()))
            .filter(layer_value::Column::Layer.is_in([Layer::Room.as_str(), Layer::Phone.as_str()]))
            .filter(layer_value::Column::Key.is_in(keys.iter().copied()))
            .all(tx)
            .await?;
        let by = |row: layer_value::Model| Some(((row.layer.clone(), row.scope_id?, row.key.clone()), row));
        found.extend(rows.into_iter().filter_map(by));
    }
    Ok(found)
}

/// Writes the values. One that is locked stays locked.
async fn store(tx: &impl ConnectionTrait, actor: &Actor, wanted: &BTreeMap<(Layer, Uuid), Wanted>) -> Result<()> {
    let now = now_ms();
    let row = |layer: Layer, scope: Uuid, key: &str, value: &str| layer_value::ActiveModel {
        layer: Set(layer.as_str().to_owned()),
        scope_id: Set(Some(scope)),
        key: Set(key.to_owned()),
        value: Set(value.to_owned()),
        locked: Set(false),
        reason: Set(String::new()),
        changed_at: Set(now),
        changed_by: Set(actor.0.clone()),
        ..Default::default()
    };
    let rows: Vec<layer_value::ActiveModel> = wanted
        .iter()
        .flat_map(|((layer, scope), (_, values))| {
            values.iter().map(move |(key, value)| row(*layer, *scope, key, value))
        })
        .collect();
    use layer_value::Column::{ChangedAt, ChangedBy, Key, Layer as LayerColumn, ScopeId, Value as ValueColumn};
    for rows in rows.chunks(ROWS) {
        let there = OnConflict::columns([ScopeId, LayerColumn, Key])
            .update_columns([ValueColumn, ChangedAt, ChangedBy])
            .to_owned();
        layer_value::Entity::insert_many(rows.to_vec()).on_conflict(there).exec_without_returning(tx).await?;
    }
    Ok(())
}

async fn keep_sets(
    tx: &impl ConnectionTrait,
    purpose: &Purpose<'_>,
    wanted: &BTreeMap<(Layer, Uuid), Wanted>,
    before: &HashMap<(String, Uuid, String), layer_value::Model>,
) -> Result<Sets> {
    let (now, mut sets, mut rows, mut changes) = (now_ms(), Sets::new(), Vec::new(), Vec::new());
    for ((layer, scope), (name, values)) in wanted {
        let row = change_set::Model {
            id: Uuid::now_v7(),
            layer: layer.as_str().to_owned(),
            scope_id: Some(*scope),
            scope_name: name.clone(),
            at: now,
            actor: purpose.actor.0.clone(),
            comment: purpose.comment.clone(),
            phones: 0,
            undoes: None,
            undone_by: None,
            import_id: Some(purpose.import),
        };
        changes.extend(values.iter().map(|(key, value)| {
            let old = before.get(&(row.layer.clone(), *scope, key.clone()));
            let locked = old.is_some_and(|old| old.locked);
            let reason = old.map(|old| old.reason.clone()).unwrap_or_default();
            change_set_value::ActiveModel {
                change_set_id: Set(row.id),
                key: Set(key.clone()),
                old_value: Set(old.map(|old| old.value.clone())),
                old_locked: Set(locked),
                old_reason: Set(reason.clone()),
                new_value: Set(Some(value.clone())),
                new_locked: Set(locked),
                new_reason: Set(reason),
                ..Default::default()
            }
        }));
        sets.insert(*scope, row.id);
        rows.push(row.into_active_model());
    }
    for rows in rows.chunks(ROWS) {
        change_set::Entity::insert_many(rows.to_vec()).exec_without_returning(tx).await?;
    }
    for changes in changes.chunks(ROWS) {
        change_set_value::Entity::insert_many(changes.to_vec()).exec_without_returning(tx).await?;
    }
    Ok(sets)
}

/// Notes which phones the change sets reach, and by which jobs. Of a phone with values of its own and of its room's, its
/// own change set has the job.
pub async fn reached(tx: &impl ConnectionTrait, sets: &Sets, phones: &[Target], jobs: &[job::Model]) -> Result<()> {
    let rooms: HashMap<Uuid, Option<Uuid>> = phones.iter().map(|phone| (phone.id, phone.room_id)).collect();
    let (mut of_jobs, mut counts) = (Vec::new(), HashMap::<Uuid, i32>::new());
    for job in jobs {
        let room = rooms.get(&job.phone_id).copied().flatten();
        let set = sets.get(&job.phone_id).or_else(|| sets.get(&room?)).copied();
        let Some(set) = set else { continue };
        *counts.entry(set).or_default() += 1;
        of_jobs.push((job.id, Some(set)));
    }
    write_column::<job::Entity, _>(tx, job::Column::Id, job::Column::ChangeSetId, of_jobs).await?;
    let counts = counts.into_iter().collect();
    write_column::<change_set::Entity, _>(tx, change_set::Column::Id, change_set::Column::Phones, counts).await?;
    Ok(())
}
