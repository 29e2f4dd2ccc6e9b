//! Takes back what an import set among the settings of rooms and phones: its change sets, the newest first, some at a time.
//! Whoever asks again goes on with what is left.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::{Duration, Instant};

use contract::rest::{Enrolment, ImportUndone, Layer, Undo};
use contract::{ImportId, PhoneId};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select,
};
use uuid::Uuid;

use super::brief::Brief;
use super::idle;
use super::values::{Sets, reached};
use crate::app::desired::targets::{self, Target};
use crate::app::desired::{Change, refresh_targets};
use crate::app::layers::{Stored, Written, said, write};
use crate::app::{Actor, App, Result, audit};
use crate::clock::now_ms;
use crate::db::column::write_column;
use crate::db::entity::{change_set, change_set_value, job, layer_value, phone, room};

/// Change sets of one transaction.
const LOT: u64 = 500;
/// How long one request works; it may take 30 s altogether.
const WORK: Duration = Duration::from_secs(15);
/// Names of what was left alone.
const NAMED: usize = 20;
/// Takes the import's change sets back, as many as there is time for.
pub async fn undo(app: &App, actor: &Actor, id: ImportId, wanted: Undo) -> Result<ImportUndone> {
    let comment = wanted.comment.trim();
    said("comment", comment)?;
    let (begun, mut answer, mut below) = (Instant::now(), ImportUndone::default(), None);
    loop {
        let write = app.db.write().await?;
        let tx = &write.tx;
        let import = Brief::find(tx, id).await?;
        idle(&import.state)?;
        let sets = lot(tx, id.0, below).await?;
        let Some(last) = sets.last() else { return Ok(answer) };
        if begun.elapsed() > WORK {
            answer.left = of(id.0, below).count(tx).await? as u32;
            return Ok(answer);
        }
        below = Some(last.id);
        let work = Work::load(app, tx, sets, wanted.force, &mut answer).await?;
        let summary = format!("Undo import {}", import.name);
        let said = if comment.is_empty() { &summary } else { comment };
        let (undone, jobs) = work.carry(app, tx, &Change { actor, summary: summary.clone() }, said).await?;
        if undone > 0 {
            let detail = format!("{}: {undone} rooms and phones", import.name);
            audit::record(tx, actor, "import.undo", &import.property_id.to_string(), detail).await?;
        }
        write.commit().await?;
        answer.undone += undone;
        answer.phones += jobs.len() as u32;
        app.live.wake();
        app.nudge(jobs.iter().map(|job| PhoneId(job.phone_id)));
    }
}

/// Change sets of an import that were not taken back, below an id.
fn of(import: Uuid, below: Option<Uuid>) -> Select<change_set::Entity> {
    let open = change_set::Entity::find()
        .filter(change_set::Column::ImportId.eq(import))
        .filter(change_set::Column::UndoneBy.is_null());
    match below {
        Some(id) => open.filter(change_set::Column::Id.lt(id)),
        None => open,
    }
}

/// The next ones, the newest first, of each room and phone one: of an import that was applied twice, what came second is
/// taken back before what came first.
async fn lot(tx: &impl ConnectionTrait, import: Uuid, below: Option<Uuid>) -> Result<Vec<change_set::Model>> {
    let mut sets = of(import, below).order_by_desc(change_set::Column::Id).limit(LOT).all(tx).await?;
    let mut seen = HashSet::new();
    let distinct = sets.iter().take_while(|set| seen.insert((set.layer.clone(), set.scope_id))).count();
    sets.truncate(distinct);
    Ok(sets)
}

/// Change sets that go back, with what changes.
#[derive(Default)]
struct Work(Vec<(change_set::Model, Vec<Written>)>);

impl Work {
    async fn load(
        app: &App,
        tx: &impl ConnectionTrait,
        sets: Vec<change_set::Model>,
        force: bool,
        answer: &mut ImportUndone,
    ) -> Result<Self> {
        let ids = sets.iter().map(|set| set.id);
        let rows = change_set_value::Entity::find().filter(change_set_value::Column::ChangeSetId.is_in(ids));
        let mut values: HashMap<Uuid, Vec<change_set_value::Model>> = HashMap::new();
        for row in rows.order_by_asc(change_set_value::Column::Key).all(tx).await? {
            values.entry(row.change_set_id).or_default().push(row);
        }
        let keys: BTreeSet<&str> = values.values().flatten().map(|value| value.key.as_str()).collect();
        let scopes: Vec<Uuid> = sets.iter().filter_map(|set| set.scope_id).collect();
        let there = there(tx, &scopes).await?;
        let now = layer_value::Entity::find()
            .filter(layer_value::Column::ScopeId.is_in(scopes))
            .filter(layer_value::Column::Key.is_in(keys))
            .all(tx)
            .await?;
        let mut now: HashMap<(String, Option<Uuid>, String), layer_value::Model> =
            now.into_iter().map(|row| ((row.layer.clone(), row.scope_id, row.key.clone()), row)).collect();
        let mut work = Self::default();
        for set in sets {
            if !set.scope_id.is_some_and(|scope| there.contains(&scope)) {
                continue;
            }
            let (mut back, mut since, mut lost) = (Vec::new(), false, false);
            for value in values.remove(&set.id).unwrap_or_default() {
                let row = now.remove(&(set.layer.clone(), set.scope_id, value.key.clone()));
                let stored =
                    |value: Option<String>, locked, reason| value.map(|value| Stored { value, locked, reason });
                let made = stored(value.new_value, value.new_locked, value.new_reason);
                let was = stored(value.old_value, value.old_locked, value.old_reason);
                let is = row.as_ref().and_then(|row| stored(Some(row.value.clone()), row.locked, row.reason.clone()));
                if alike(app, &value.key, is.as_ref(), was.as_ref()) {
                    continue;
                }
                lost |= was.as_ref().is_some_and(|was| app.secrets.open_setting(&value.key, &was.value).is_err());
                since |= !alike(app, &value.key, is.as_ref(), made.as_ref());
                back.push(Written { key: value.key, old: row, new: was });
            }
            // What does not open any more cannot be put back.
            if lost || (since && !force) {
                answer.changed_since += 1;
                if answer.names.len() < NAMED {
                    answer.names.push(set.scope_name);
                }
            } else if !back.is_empty() {
                work.0.push((set, back));
            }
        }
        Ok(work)
    }

    /// Returns how many went back, and the jobs.
    async fn carry(
        mut self,
        app: &App,
        tx: &impl ConnectionTrait,
        change: &Change<'_>,
        comment: &str,
    ) -> Result<(u32, Vec<job::Model>)> {
        if self.0.is_empty() {
            return Ok((0, Vec::new()));
        }
        let sets = self.sets(change.actor, comment);
        write(tx, &sets).await?;
        let undone = sets.iter().filter_map(|(by, _)| Some((by.undoes?, Some(by.id)))).collect();
        write_column::<change_set::Entity, _>(tx, change_set::Column::Id, change_set::Column::UndoneBy, undone).await?;
        let targets = self.targets(tx).await?;
        let keys: BTreeSet<String> = sets.iter().flat_map(|(_, back)| back).map(|one| one.key.clone()).collect();
        let jobs = refresh_targets(app, tx, &targets, change, Some(&keys), None).await?;
        let sets: Sets = sets.into_iter().filter_map(|(set, _)| Some((set.scope_id?, set.id))).collect();
        reached(tx, &sets, &targets, &jobs).await?;
        Ok((self.0.len() as u32, jobs))
    }

    /// What is done, as change sets.
    fn sets(&mut self, actor: &Actor, comment: &str) -> Vec<(change_set::Model, Vec<Written>)> {
        let set = |(of, back): &mut (change_set::Model, Vec<Written>)| {
            let row = change_set::Model {
                id: Uuid::now_v7(),
                at: now_ms(),
                actor: actor.0.clone(),
                comment: comment.to_owned(),
                phones: 0,
                undoes: Some(of.id),
                undone_by: None,
                import_id: None,
                ..of.clone()
            };
            (row, std::mem::take(back))
        };
        self.0.iter_mut().map(set).collect()
    }

    async fn targets(&self, tx: &impl ConnectionTrait) -> Result<Vec<Target>> {
        let of = |layer: Layer| {
            let mine = self.0.iter().filter(move |(set, _)| set.layer == layer.as_str());
            mine.filter_map(|(set, _)| set.scope_id)
        };
        let which = Condition::any()
            .add(phone::Column::Id.is_in(of(Layer::Phone)))
            .add(phone::Column::RoomId.is_in(of(Layer::Room)));
        targets::load(tx, which).await
    }
}

/// The rooms that are there still, and the phones that are accepted still.
async fn there(tx: &impl ConnectionTrait, scopes: &[Uuid]) -> Result<HashSet<Uuid>> {
    let ids = || scopes.iter().copied();
    let rooms = room::Entity::find().select_only().column(room::Column::Id).filter(room::Column::Id.is_in(ids()));
    let phones = phone::Entity::find()
        .select_only()
        .column(phone::Column::Id)
        .filter(phone::Column::Id.is_in(ids()))
        .filter(phone::Column::Enrolment.ne(Enrolment::New.as_str()));
    let mut found: HashSet<Uuid> = rooms.into_tuple::<Uuid>().all(tx).await?.into_iter().collect();
    found.extend(phones.into_tuple::<Uuid>().all(tx).await?);
    Ok(found)
}

/// Whether two values are the same in the clear. One that does not open any more is like no other.
fn alike(app: &App, key: &str, one: Option<&Stored>, other: Option<&Stored>) -> bool {
    let text = |sealed: &str| app.secrets.open_setting(key, sealed).ok().map(std::borrow::Cow::into_owned);
    match (one, other) {
        (None, None) => true,
        (Some(one), Some(other)) => {
            let same_text =
                one.value == other.value || text(&one.value).is_some_and(|one| text(&other.value) == Some(one));
            (one.locked, &one.reason) == (other.locked, &other.reason) && same_text
        }
        _ => false,
    }
}
