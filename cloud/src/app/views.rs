//! Rows as the REST API shows them. No secret passes through here.

use std::collections::{BTreeSet, HashMap};

use contract::mqtt::AccountState;
use contract::rest::*;
use contract::{FloorId, JobId, Mac, PhoneId, PropertyId, RoomId, RoomTypeId, Timestamp};
use sea_orm::{ConnectionTrait, EntityTrait};
use uuid::Uuid;

use super::{Result, jobs, tasks};
use crate::db::entity::{event, job, phone, property, room, room_type};

/// Names of properties and room types by id; few enough to load at once.
pub struct Names {
    properties: HashMap<Uuid, String>,
    room_types: HashMap<Uuid, String>,
}

impl Names {
    pub async fn load(db: &impl ConnectionTrait) -> Result<Self> {
        let properties = property::Entity::find().all(db).await?;
        let room_types = room_type::Entity::find().all(db).await?;
        Ok(Self {
            properties: properties.into_iter().map(|property| (property.id, property.name)).collect(),
            room_types: room_types.into_iter().map(|kind| (kind.id, kind.name)).collect(),
        })
    }
}

/// The MAC of a stored phone. Stored ones were parsed before.
pub fn mac(phone: &phone::Model) -> Mac {
    stored_mac(&phone.mac)
}

/// A MAC address as a row holds it.
pub fn stored_mac(text: &str) -> Mac {
    text.parse().unwrap_or_else(|_| Mac::new([0; 6]))
}

pub fn state(phone: &phone::Model) -> RoomState {
    phone.state.parse().unwrap_or(RoomState::Offline)
}

pub fn sync(phone: &phone::Model) -> SyncState {
    phone.sync.parse().unwrap_or(SyncState::Unknown)
}

/// Keys of settings a user set at the phone, as it last reported.
pub fn set_by_user(phone: &phone::Model) -> BTreeSet<String> {
    serde_json::from_str(&phone.set_by_user).unwrap_or_default()
}

/// Whether nothing was ever heard of the phone but that it fetches files: no Inform, no line to the broker.
pub fn only_files(phone: &phone::Model) -> bool {
    heard_by_files(&phone.mqtt_hash, phone.last_inform)
}

/// The same of two columns.
pub fn heard_by_files(mqtt_hash: &str, last_inform: Option<i64>) -> bool {
    mqtt_hash.is_empty() && last_inform.is_none()
}

pub fn enrolment(phone: &phone::Model) -> Enrolment {
    phone.enrolment.parse().unwrap_or(Enrolment::New)
}

pub fn accounts(phone: &phone::Model) -> Vec<AccountState> {
    serde_json::from_str(&phone.accounts).unwrap_or_default()
}

pub fn room_card(room: &room::Model, phone: Option<&phone::Model>, names: &Names) -> RoomCard {
    RoomCard {
        id: RoomId(room.id),
        property: PropertyId(room.property_id),
        floor: FloorId(room.floor_id),
        number: room.number.clone(),
        extension: room.extension.clone(),
        guest_name: room.guest_name.clone(),
        room_type: room.room_type_id.map(RoomTypeId),
        room_type_name: room.room_type_id.and_then(|id| names.room_types.get(&id).cloned()),
        state: phone.map_or(RoomState::NoPhone, state),
        since: Timestamp(phone.map_or(0, |phone| phone.state_since)),
        sync: phone.map_or(SyncState::InSync, sync),
        phone: phone.map(|phone| PhoneId(phone.id)),
        mac: phone.map(mac),
        model: phone.map(|phone| phone.model.clone()),
        last_seen: phone.and_then(|phone| phone.last_seen).map(Timestamp),
    }
}

pub fn phone_row(phone: &phone::Model, room: Option<&room::Model>, names: &Names) -> PhoneRow {
    PhoneRow {
        id: PhoneId(phone.id),
        mac: mac(phone),
        serial: phone.serial.clone(),
        manufacturer: phone.manufacturer.clone(),
        model: phone.model.clone(),
        firmware: phone.firmware.clone(),
        ip: phone.ip.clone(),
        enrolment: enrolment(phone),
        property: phone.property_id.map(PropertyId),
        property_name: phone.property_id.and_then(|id| names.properties.get(&id).cloned()),
        room: phone.room_id.map(RoomId),
        room_number: room.map(|room| room.number.clone()),
        state: state(phone),
        since: Timestamp(phone.state_since),
        sync: sync(phone),
        last_seen: phone.last_seen.map(Timestamp),
    }
}

pub fn job_state(job: &job::Model) -> JobState {
    job.state.parse().unwrap_or(JobState::Parked)
}

pub fn job_view(job: &job::Model, room: Option<&room::Model>) -> JobView {
    let state = job_state(job);
    JobView {
        id: JobId(job.id),
        phone: PhoneId(job.phone_id),
        room_number: room.map(|room| room.number.clone()),
        kind: job.kind.clone(),
        state,
        summary: job.summary.clone(),
        note: job.note.clone(),
        attempts: job.attempts,
        max_attempts: job.max_attempts,
        created_at: Timestamp(job.created_at),
        created_by: job.created_by.clone(),
        fetched: state == JobState::Done && job.step == jobs::FETCHED,
        run_at: (state == JobState::Ready).then_some(Timestamp(job.run_at)),
        done_at: job.done_at.map(Timestamp),
        task: tasks::stored::show(job),
        result: tasks::stored::result(job),
    }
}

/// The answer to a change that made these jobs, one a phone.
pub fn accepted(jobs: &[job::Model], room: Option<&room::Model>) -> Accepted {
    Accepted {
        phones: jobs.len() as u32,
        jobs: jobs.iter().map(|job| job_view(job, room)).collect(),
        change_set: None,
        preview: None,
    }
}

/// The same for many phones: enough jobs to follow the change; thousands are followed by their progress.
pub fn accepted_many(jobs: &[job::Model]) -> Accepted {
    let shown = jobs.iter().take(20).map(|job| job_view(job, None)).collect();
    Accepted { phones: jobs.len() as u32, jobs: shown, change_set: None, preview: None }
}

/// `None` for a kind this version does not know (written by a newer one).
pub fn event_view(event: &event::Model) -> Option<EventView> {
    Some(EventView {
        id: event.id,
        phone: PhoneId(event.phone_id),
        kind: event.kind.parse().ok()?,
        at: Timestamp(event.at),
        account: event.account.and_then(|account| u8::try_from(account).ok()),
        detail: event.detail.clone(),
    })
}
