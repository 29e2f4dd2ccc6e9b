//! From what a phone says to a claim. It says it twice: by an event, and by its room number being another one in an Inform
//! ("4 VALUE CHANGE"); a phone without agent by the latter only. What belongs together makes one claim.

use contract::event::{DeviceEvent, EventKind};
use contract::rest::{ClaimKind, ClaimMode, ClaimState};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, sea_query::Expr};
use uuid::Uuid;

use super::{End, OPEN, by_phone, end, insert, rules};
use crate::app::{Result, desired};
use crate::clock::now_ms;
use crate::db::entity::{claim, phone};
use crate::domain::catalogue;

/// Claims of one phone in [`IN_MS`] at most. What is dialled beyond is kept as an event, and nothing comes of it.
const MOST: u64 = 10;
const IN_MS: i64 = 600_000;
/// How far apart event and Inform of the same dialling may come. An event waits in the phone's outbox for the broker.
const TOGETHER_MS: i64 = 24 * 3_600_000;

/// What was dialled, before it is a claim.
struct Dialled<'a> {
    kind: ClaimKind,
    number: &'a str,
    at: i64,
    /// Boot and number of the event.
    event: Option<(i32, i64)>,
}

/// An event that is new. The phone's row is locked.
pub async fn by_event(tx: &impl ConnectionTrait, phone: &phone::Model, event: &DeviceEvent) -> Result<()> {
    let (kind, number) = match event.kind {
        EventKind::RoomDialled => (ClaimKind::Room, event.detail.as_deref().unwrap_or_default().trim()),
        EventKind::ExtensionWanted => (ClaimKind::Extension, ""),
        _ => return Ok(()),
    };
    if kind == ClaimKind::Room && (number.is_empty() || settings::validate(catalogue::ROOM_NUMBER, number).is_err()) {
        tracing::info!(phone = %phone.id, "a dialled room number is none");
        return Ok(());
    }
    let name = (event.boot as i32, event.seq as i64);
    if let Some(last) = last(tx, phone.id, kind, number).await?
        && last.boot.is_none()
    {
        // An Inform was faster.
        claim::Entity::update_many()
            .col_expr(claim::Column::Boot, Expr::value(name.0))
            .col_expr(claim::Column::Seq, Expr::value(name.1))
            .filter(claim::Column::Id.eq(last.id))
            .exec(tx)
            .await?;
        return Ok(());
    }
    let dialled = Dialled { kind, number, at: event.at.0, event: Some(name) };
    take(tx, phone, dialled).await
}

/// The room number a phone was seen to have, where it has just changed. The phone's row is locked: event and value may come
/// at the same moment, and whoever is second sees the other's claim.
pub async fn by_value(tx: &impl ConnectionTrait, phone: &phone::Model, number: &str) -> Result<()> {
    let Some(property) = phone.property_id.filter(|_| !number.is_empty()) else { return Ok(()) };
    // Where nobody may take rooms, it is a value that was changed at the phone, like any other.
    if rules(tx, property).await?.mode == ClaimMode::Off {
        return Ok(());
    }
    if let Some(last) = last(tx, phone.id, ClaimKind::Room, number).await?
        && !last.informed
    {
        // The event was faster.
        claim::Entity::update_many()
            .col_expr(claim::Column::Informed, Expr::value(true))
            .filter(claim::Column::Id.eq(last.id))
            .exec(tx)
            .await?;
        return Ok(());
    }
    let desired = desired::wanted(tx, phone.id).await?;
    if desired.get(catalogue::ROOM_NUMBER).is_some_and(|wanted| wanted.value == number) {
        return Ok(());
    }
    take(tx, phone, Dialled { kind: ClaimKind::Room, number, at: now_ms(), event: None }).await
}

/// Whether a claim of this number is open.
pub async fn held(tx: &impl ConnectionTrait, phone: Uuid, number: &str) -> Result<bool> {
    let found = claim::Entity::find()
        .filter(claim::Column::PhoneId.eq(phone))
        .filter(claim::Column::Kind.eq(ClaimKind::Room.as_str()))
        .filter(claim::Column::Number.eq(number))
        .filter(claim::Column::State.is_in(OPEN))
        .one(tx)
        .await?;
    Ok(found.is_some())
}

/// The phone's newest claim, if it is the same and not long ago.
async fn last(tx: &impl ConnectionTrait, phone: Uuid, kind: ClaimKind, number: &str) -> Result<Option<claim::Model>> {
    let newest = claim::Entity::find()
        .filter(claim::Column::PhoneId.eq(phone))
        .filter(claim::Column::Kind.eq(kind.as_str()))
        .order_by_desc(claim::Column::ReceivedAt)
        .order_by_desc(claim::Column::Id)
        .one(tx)
        .await?;
    Ok(newest.filter(|last| last.number == number && last.received_at > now_ms() - TOGETHER_MS))
}

async fn take(tx: &impl ConnectionTrait, phone: &phone::Model, dialled: Dialled<'_>) -> Result<()> {
    let now = now_ms();
    let of_phone = claim::Entity::find().filter(claim::Column::PhoneId.eq(phone.id));
    let lately = of_phone.clone().filter(claim::Column::ReceivedAt.gt(now - IN_MS)).count(tx).await?;
    if lately >= MOST {
        tracing::warn!(phone = %phone.id, "a phone asks for rooms too often");
        return Ok(());
    }
    for older in of_phone.filter(claim::Column::State.is_in(OPEN)).all(tx).await? {
        let note = "The phone asked for something else.";
        let by = by_phone(phone);
        end(tx, &older, End { state: ClaimState::Expired, reason: None, note, by: &by, room: None }).await?;
    }
    let row = claim::Model {
        id: Uuid::now_v7(),
        phone_id: phone.id,
        property_id: phone.property_id,
        room_id: None,
        kind: dialled.kind.as_str().to_owned(),
        number: dialled.number.to_owned(),
        state: ClaimState::New.as_str().to_owned(),
        reason: String::new(),
        note: String::new(),
        at: dialled.at,
        received_at: now,
        boot: dialled.event.map(|(boot, _)| boot),
        seq: dialled.event.map(|(_, seq)| seq),
        informed: dialled.event.is_none(),
        told: String::new(),
        decided_at: None,
        decided_by: String::new(),
    };
    insert(tx, row).await
}
