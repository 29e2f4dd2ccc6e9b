//! The desired document of a phone: folded from its layers, versioned, and closed by a job when it differs from what
//! the phone is.

use std::collections::{BTreeMap, HashMap};

use contract::PhoneId;
use contract::rest::{Accepted, Enrolment, JobState, Layer, SyncState};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter,
    sea_query::{Expr, ExprTrait, OnConflict},
};
use uuid::Uuid;

use super::accounts::derive::Accounts;
use super::error::{conflict, not_found};
use super::jobs::{AGAIN, CONFIGURE, settle};
use super::live::{Touched, touch};
use super::{Actor, App, Result, audit, provision, views};
use crate::clock::now_ms;
use crate::db::entity::{job, layer_value, phone, phone_document, property, room};
use crate::domain::catalogue;
use crate::domain::document::keep_managed;
use crate::domain::layers::{Desired, Entry, fold};

/// Why documents are made anew.
pub struct Change<'a> {
    pub actor: &'a Actor,
    /// What the job says it does, for example "Room 1207: number".
    pub summary: String,
}

/// Phones handled in one round; keeps statements below the databases' limits on parameters.
const ROUND: usize = 200;

/// Folds the layers of `phones` anew. Where that changes the desired document, its version moves on and a job is made
/// that brings it to the phone; a job still waiting is superseded by it.
pub async fn refresh(
    app: &App,
    tx: &impl ConnectionTrait,
    phones: Vec<phone::Model>,
    change: &Change<'_>,
) -> Result<Vec<job::Model>> {
    let mut jobs = Vec::new();
    for round in phones.chunks(ROUND) {
        // As they are now: another change may have been waited for.
        let ids = round.iter().map(|phone| phone.id);
        let mut now = phone::Entity::find().filter(phone::Column::Id.is_in(ids)).all(tx).await?;
        now.sort_by_key(|phone| round.iter().position(|wanted| wanted.id == phone.id));
        refresh_round(app, tx, &now, change, &mut jobs).await?;
    }
    Ok(jobs)
}

async fn refresh_round(
    app: &App,
    tx: &impl ConnectionTrait,
    phones: &[phone::Model],
    change: &Change<'_>,
    made: &mut Vec<job::Model>,
) -> Result<()> {
    let layers = Layers::load(app, tx, phones).await?;
    let ids: Vec<Uuid> = phones.iter().map(|phone| phone.id).collect();
    let documents: HashMap<Uuid, phone_document::Model> = phone_document::Entity::find()
        .filter(phone_document::Column::PhoneId.is_in(ids.clone()))
        .all(tx)
        .await?
        .into_iter()
        .map(|document| (document.phone_id, document))
        .collect();

    let now = now_ms();
    let (mut new_documents, mut new_jobs, mut touched) = (Vec::new(), Vec::new(), Vec::new());
    for phone in phones {
        let document = documents.get(&phone.id);
        let old: Desired = match document {
            Some(document) => serde_json::from_str(&document.desired)?,
            None => Desired::new(),
        };
        let mut new = layers.fold(phone);
        keep_managed(&mut new, &old, catalogue::default_value);
        new.retain(|key, _| catalogue::exists_on(key, &phone.model));
        if new == old {
            continue;
        }
        new_documents.push(phone_document::ActiveModel {
            phone_id: Set(phone.id),
            desired: Set(serde_json::to_string(&new)?),
            reported: Set(document.map_or_else(|| "{}".to_owned(), |document| document.reported.clone())),
            applied: Set(document.map_or_else(|| "{}".to_owned(), |document| document.applied.clone())),
            reported_at: Set(document.map_or(0, |document| document.reported_at)),
        });
        new_jobs.push(new_job(app, phone, change.actor, change.summary.clone(), phone.desired_version + 1));
    }
    if new_jobs.is_empty() {
        return Ok(());
    }

    let changed: Vec<Uuid> = new_jobs.iter().map(|job| job.phone_id).collect();
    phone_document::Entity::insert_many(new_documents)
        .on_conflict(
            OnConflict::column(phone_document::Column::PhoneId)
                .update_column(phone_document::Column::Desired)
                .to_owned(),
        )
        .exec_without_returning(tx)
        .await?;
    phone::Entity::update_many()
        .col_expr(phone::Column::DesiredVersion, Expr::col(phone::Column::DesiredVersion).add(1))
        .col_expr(phone::Column::Sync, Expr::value(SyncState::Pending.as_str()))
        .filter(phone::Column::Id.is_in(changed.clone()))
        .exec(tx)
        .await?;
    supersede(tx, changed, now).await?;
    job::Entity::insert_many(new_jobs.iter().cloned().map(IntoActiveModel::into_active_model))
        .exec_without_returning(tx)
        .await?;
    let by_id: HashMap<Uuid, &phone::Model> = phones.iter().map(|phone| (phone.id, phone)).collect();
    for job in &new_jobs {
        let phone = by_id[&job.phone_id];
        touched.push(Touched { job: Some(job.id), ..Touched::phone(phone) });
    }
    touch(tx, touched).await?;
    made.extend(new_jobs);
    Ok(())
}

/// Makes a new attempt at what a phone should be, without any layer having changed: what the phone is now is read first.
/// The version moves on, so that the phone sees a reason to come.
pub async fn push(app: &App, actor: &Actor, id: PhoneId) -> Result<Accepted> {
    let write = app.db.write().await?;
    let tx = &write.tx;
    let phone = phone::Entity::find_by_id(id.0).one(tx).await?.ok_or_else(|| not_found("phone"))?;
    accepted(&phone)?;
    supersede(tx, vec![phone.id], now_ms()).await?;
    let version = phone.desired_version + 1;
    phone::Entity::update_many()
        .col_expr(phone::Column::DesiredVersion, Expr::value(version))
        .filter(phone::Column::Id.eq(phone.id))
        .exec(tx)
        .await?;
    let mut job = new_job(app, &phone, actor, format!("Phone {}: brought back", views::mac(&phone)), version);
    job.step = AGAIN.to_owned();
    job::Entity::insert(job.clone().into_active_model()).exec(tx).await?;
    audit::record(tx, actor, "phone.push", &id.to_string(), phone.mac.clone()).await?;
    settle(tx, phone.id, Some(job.id)).await?;
    write.commit().await?;
    app.live.wake();
    app.nudge([id]);
    Ok(views::accepted(&[job], None))
}

/// Makes a new attempt at what a phone should be, like [`push`], within a transaction. `keep`: a key that goes back to the
/// catalogue's default where no layer sets it and none ever has.
pub async fn again(
    app: &App,
    tx: &impl ConnectionTrait,
    phone: &phone::Model,
    keep: Option<&str>,
    change: &Change<'_>,
) -> Result<()> {
    let Some(phone) = phone::Entity::find_by_id(phone.id).one(tx).await? else { return Ok(()) };
    let document = of(tx, phone.id).await?;
    let mut desired: Desired = match &document {
        Some(document) => serde_json::from_str(&document.desired)?,
        None => Desired::new(),
    };
    if let Some(key) = keep.filter(|key| !desired.contains_key(*key) && catalogue::exists_on(key, &phone.model)) {
        desired.extend(fold([derived(Layer::ModelDefault, key, &catalogue::default_value(key))]));
        let row = phone_document::ActiveModel {
            phone_id: Set(phone.id),
            desired: Set(serde_json::to_string(&desired)?),
            reported: Set(document.as_ref().map_or_else(|| "{}".to_owned(), |document| document.reported.clone())),
            applied: Set(document.as_ref().map_or_else(|| "{}".to_owned(), |document| document.applied.clone())),
            reported_at: Set(document.as_ref().map_or(0, |document| document.reported_at)),
        };
        let same = OnConflict::column(phone_document::Column::PhoneId)
            .update_column(phone_document::Column::Desired)
            .to_owned();
        phone_document::Entity::insert(row).on_conflict(same).exec_without_returning(tx).await?;
    }
    supersede(tx, vec![phone.id], now_ms()).await?;
    let version = phone.desired_version + 1;
    phone::Entity::update_many()
        .col_expr(phone::Column::DesiredVersion, Expr::value(version))
        .filter(phone::Column::Id.eq(phone.id))
        .exec(tx)
        .await?;
    let mut job = new_job(app, &phone, change.actor, change.summary.clone(), version);
    job.step = AGAIN.to_owned();
    job::Entity::insert(job.clone().into_active_model()).exec(tx).await?;
    settle(tx, phone.id, Some(job.id)).await
}

/// A phone that waits to be accepted is told nothing.
pub fn accepted(phone: &phone::Model) -> Result<()> {
    if views::enrolment(phone) == Enrolment::New {
        return Err(conflict(
            "phone-new",
            "phone",
            "This phone was not accepted yet. Accept it under \"New phones\" first.",
        ));
    }
    Ok(())
}

/// Jobs that wait are covered by the one that is made now.
async fn supersede(tx: &impl ConnectionTrait, phones: Vec<Uuid>, now: i64) -> Result<()> {
    job::Entity::update_many()
        .col_expr(job::Column::State, Expr::value(JobState::Superseded.as_str()))
        .col_expr(job::Column::Note, Expr::value("A newer change covers this one."))
        .col_expr(job::Column::DoneAt, Expr::value(now))
        .filter(job::Column::PhoneId.is_in(phones))
        .filter(job::Column::Kind.eq(CONFIGURE))
        .filter(job::Column::State.is_in([JobState::Ready.as_str(), JobState::Parked.as_str()]))
        .exec(tx)
        .await?;
    Ok(())
}

pub(super) fn new_job(app: &App, phone: &phone::Model, actor: &Actor, summary: String, version: i64) -> job::Model {
    let now = now_ms();
    let note = match phone.connected {
        true => "Waiting for the phone to come in.",
        false => "The phone is not connected; it gets this change when it next phones home.",
    };
    job::Model {
        id: Uuid::now_v7(),
        phone_id: phone.id,
        kind: CONFIGURE.to_owned(),
        state: JobState::Ready.as_str().to_owned(),
        step: String::new(),
        summary,
        note: note.to_owned(),
        version,
        attempts: 0,
        max_attempts: app.config.jobs.max_attempts,
        run_at: now,
        lease_until: 0,
        fence: 0,
        created_at: now,
        created_by: actor.0.clone(),
        done_at: None,
        detail: String::new(),
        result: String::new(),
        command_key: String::new(),
        memo: String::new(),
        change_set_id: None,
    }
}

/// The layers over a set of phones, loaded at once.
struct Layers {
    properties: HashMap<Uuid, property::Model>,
    rooms: HashMap<Uuid, room::Model>,
    values: BTreeMap<Uuid, Vec<layer_value::Model>>,
    accounts: Accounts,
    /// Where each phone fetches files, and as whom.
    files: HashMap<Uuid, Vec<(&'static str, String)>>,
}

impl Layers {
    async fn load(app: &App, tx: &impl ConnectionTrait, phones: &[phone::Model]) -> Result<Self> {
        let property_ids: Vec<Uuid> = phones.iter().filter_map(|phone| phone.property_id).collect();
        let room_ids: Vec<Uuid> = phones.iter().filter_map(|phone| phone.room_id).collect();
        let properties: HashMap<Uuid, property::Model> = property::Entity::find()
            .filter(property::Column::Id.is_in(property_ids))
            .all(tx)
            .await?
            .into_iter()
            .map(|property| (property.id, property))
            .collect();
        let rooms: HashMap<Uuid, room::Model> = room::Entity::find()
            .filter(room::Column::Id.is_in(room_ids))
            .all(tx)
            .await?
            .into_iter()
            .map(|room| (room.id, room))
            .collect();
        let mut scopes: Vec<Uuid> = phones.iter().map(|phone| phone.id).collect();
        scopes.extend(rooms.values().flat_map(|room| [Some(room.id), room.room_type_id]).flatten());
        let above = |property: &property::Model| [Some(property.id), Some(property.chain_id), property.brand_id];
        scopes.extend(properties.values().flat_map(above).flatten());
        let mut values: BTreeMap<Uuid, Vec<layer_value::Model>> = BTreeMap::new();
        for row in layer_value::Entity::find().filter(layer_value::Column::ScopeId.is_in(scopes)).all(tx).await? {
            if let Some(scope) = row.scope_id {
                values.entry(scope).or_default().push(row);
            }
        }
        let accounts = Accounts::load(tx, phones).await?;
        let files = provision::entries(app, tx, phones).await?;
        Ok(Self { properties, rooms, values, accounts, files })
    }

    fn fold(&self, phone: &phone::Model) -> Desired {
        let property = phone.property_id.and_then(|id| self.properties.get(&id));
        let room = phone.room_id.and_then(|id| self.rooms.get(&id));
        let mut entries = Vec::new();
        if let Some(property) = property {
            entries.push(derived(Layer::Property, catalogue::HOTEL_NAME, &property.name));
        }
        for (key, value) in self.files.get(&phone.id).into_iter().flatten() {
            entries.push(derived(Layer::Property, key, value));
        }
        if let Some(room) = room {
            entries.extend(room_entries(room));
        }
        // Behind the room's own: an account says more than an extension.
        entries.extend(self.accounts.entries(phone, room));
        let scopes = [
            property.map(|property| property.chain_id),
            property.and_then(|property| property.brand_id),
            property.map(|property| property.id),
            room.and_then(|room| room.room_type_id),
            room.map(|room| room.id),
            Some(phone.id),
        ];
        // A value somebody set replaces the derived one of its own layer, so it is folded after it.
        for row in scopes.into_iter().flatten().filter_map(|scope| self.values.get(&scope)).flatten() {
            let Ok(layer) = row.layer.parse() else { continue };
            entries.retain(|entry| entry.layer != layer || entry.key != row.key);
            entries.push(Entry { layer, key: row.key.clone(), value: row.value.clone(), locked: row.locked });
        }
        fold(entries)
    }
}

fn derived(layer: Layer, key: &str, value: &str) -> Entry {
    Entry { layer, key: key.to_owned(), value: value.to_owned(), locked: false }
}

/// What a room itself says about its phone.
fn room_entries(room: &room::Model) -> Vec<Entry> {
    let mut entries = vec![derived(Layer::Room, catalogue::ROOM_NUMBER, &room.number)];
    if !room.extension.is_empty() {
        entries.push(derived(Layer::Room, catalogue::SIP_USER, &room.extension));
        entries.push(derived(Layer::Room, catalogue::SIP_AUTH_USER, &room.extension));
        let name = if room.guest_name.is_empty() { format!("Room {}", room.number) } else { room.guest_name.clone() };
        entries.push(derived(Layer::Room, catalogue::ACCOUNT_NAME, &name));
        entries.push(derived(Layer::Room, catalogue::SIP_DISPLAY_NAME, &name));
    }
    entries
}

/// The desired document as it is stored.
pub async fn of(tx: &impl ConnectionTrait, phone: Uuid) -> Result<Option<phone_document::Model>> {
    Ok(phone_document::Entity::find_by_id(phone).one(tx).await?)
}
