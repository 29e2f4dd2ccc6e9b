//! Values of settings that rows set on rooms and phones. What one room or one phone gets is a change set of its own, with
//! what was there before, so that it stands in its history and can be taken back.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use contract::Mac;
use contract::rest::{ImportCounts, Layer};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::carry::Changed;
use crate::app::desired::targets::Target;
use crate::app::layers::{Stored, Written, write};
use crate::app::{Actor, App, Result};
use crate::clock::now_ms;
use crate::db::column::write_column;
use crate::db::entity::{change_set, job, layer_value, phone};
use crate::domain::import::plan::{Known, Step};

/// Ids in one statement; keeps it below the databases' limits on parameters.
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
    let sets = change_sets(purpose, wanted, before);
    write(tx, &sets).await?;
    Ok(sets.into_iter().filter_map(|(set, _)| Some((set.scope_id?, set.id))).collect())
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
) -> Result<HashMap<(Layer, Uuid, String), layer_value::Model>> {
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
        let by = |row: layer_value::Model| Some(((row.layer.parse().ok()?, row.scope_id?, row.key.clone()), row));
        found.extend(rows.into_iter().filter_map(by));
    }
    Ok(found)
}

/// The change sets, one a room or phone. What is locked stays locked.
fn change_sets(
    purpose: &Purpose<'_>,
    wanted: BTreeMap<(Layer, Uuid), Wanted>,
    mut before: HashMap<(Layer, Uuid, String), layer_value::Model>,
) -> Vec<(change_set::Model, Vec<Written>)> {
    let now = now_ms();
    let mut sets = Vec::with_capacity(wanted.len());
    for ((layer, scope), (scope_name, values)) in wanted {
        let row = change_set::Model {
            id: Uuid::now_v7(),
            layer: layer.as_str().to_owned(),
            scope_id: Some(scope),
            scope_name,
            at: now,
            actor: purpose.actor.0.clone(),
            comment: purpose.comment.clone(),
            phones: 0,
            undoes: None,
            undone_by: None,
            import_id: Some(purpose.import),
        };
        let written = values.into_iter().map(|(key, value)| {
            let old = before.remove(&(layer, scope, key.clone()));
            let (locked, reason) = old.as_ref().map(|old| (old.locked, old.reason.clone())).unwrap_or_default();
            Written { key, old, new: Some(Stored { value, locked, reason }) }
        });
        sets.push((row, written.collect()));
    }
    sets
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
