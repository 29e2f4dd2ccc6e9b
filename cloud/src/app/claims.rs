//! Rooms that phones take by themselves: somebody dials a room number at a phone, and the property's settings or the front
//! desk say whether it is this phone's room.
//!
//! | file | what |
//! |---|---|
//! | `take` | what a phone says becomes a claim, in the transaction that stores what it said |
//! | `decide` | the settings' word, soon after, in a transaction of its own; what was let wait too long |
//! | `people` | the front desk's word, and the settings |
//! | `give` | the room to the phone, or the phone's old number back to it |
//! | `tell` | the answer to the phone, over MQTT |
//! | `show` | claims as the REST API shows them |

mod decide;
mod give;
mod people;
mod show;
mod take;
mod tell;

use contract::PhoneId;
use contract::rest::{ClaimKind, ClaimReason, ClaimState};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, sea_query::Expr};
use uuid::Uuid;

use super::live::{Touched, touch};
use super::{Actor, Result};
use crate::clock::now_ms;
use crate::db::entity::{claim, claim_settings, phone};
use crate::domain::claims::{Rooms, Rules};

pub use decide::{decide_new, prune, sweep};
pub use people::{accept, list, of_property, overtaken, reject, set};
pub use show::views;
pub use take::{by_event, by_value, held};
pub use tell::{due, lines_are_new};

/// Nobody has said yes or no: until then the phone keeps what was dialled at it.
const OPEN: [&str; 2] = [ClaimState::New.as_str(), ClaimState::Waiting.as_str()];

/// What a property lets its phones take; nothing where it has said nothing.
async fn rules(tx: &impl ConnectionTrait, property: Uuid) -> Result<Rules> {
    let row = claim_settings::Entity::find_by_id(property).one(tx).await?;
    Ok(row.as_ref().map(rules_of).unwrap_or_default())
}

/// A stored list was checked when it was stored.
fn rules_of(row: &claim_settings::Model) -> Rules {
    let none = Rules::default();
    Rules {
        mode: row.mode.parse().unwrap_or(none.mode),
        rooms: Rooms::parse(&row.rooms).unwrap_or_default(),
        replace: row.replace_phone.parse().unwrap_or(none.replace),
        until: row.until,
    }
}

fn state(row: &claim::Model) -> ClaimState {
    row.state.parse().unwrap_or(ClaimState::Expired)
}

fn kind(row: &claim::Model) -> ClaimKind {
    row.kind.parse().unwrap_or(ClaimKind::Room)
}

fn reason(row: &claim::Model) -> Option<ClaimReason> {
    row.reason.parse().ok()
}

/// Who did it, where the phone itself did.
fn by_phone(phone: &phone::Model) -> Actor {
    Actor(format!("phone {}", phone.mac))
}

/// A claim with its phone.
async fn load(tx: &impl ConnectionTrait, id: Uuid) -> Result<Option<(claim::Model, phone::Model)>> {
    let Some(row) = claim::Entity::find_by_id(id).one(tx).await? else { return Ok(None) };
    let phone = phone::Entity::find_by_id(row.phone_id).one(tx).await?;
    Ok(phone.map(|phone| (row, phone)))
}

/// How a claim ended, or that it waits.
struct End<'a> {
    state: ClaimState,
    reason: Option<ClaimReason>,
    note: &'a str,
    by: &'a Actor,
    room: Option<Uuid>,
}

/// Writes how a claim ended, unless somebody was faster, and names it for the live stream. `false`: somebody was.
async fn end(tx: &impl ConnectionTrait, row: &claim::Model, end: End<'_>) -> Result<bool> {
    let decided = (end.state != ClaimState::Waiting).then(now_ms);
    let written = claim::Entity::update_many()
        .col_expr(claim::Column::State, Expr::value(end.state.as_str()))
        .col_expr(claim::Column::Reason, Expr::value(end.reason.map_or("", ClaimReason::as_str)))
        .col_expr(claim::Column::Note, Expr::value(end.note))
        .col_expr(claim::Column::RoomId, Expr::value(end.room.or(row.room_id)))
        .col_expr(claim::Column::DecidedAt, Expr::value(decided))
        .col_expr(claim::Column::DecidedBy, Expr::value(if decided.is_some() { end.by.0.as_str() } else { "" }))
        .filter(claim::Column::Id.eq(row.id))
        .filter(claim::Column::State.eq(&row.state))
        .exec(tx)
        .await?;
    touch(tx, [touched(row)]).await?;
    Ok(written.rows_affected == 1)
}

/// Claims that wait for these rooms, for the live stream: who stands there has changed, and with it whom they replace.
pub async fn waiting_for(tx: &impl ConnectionTrait, rooms: impl IntoIterator<Item = Uuid>) -> Result<Vec<Touched>> {
    let waiting = claim::Entity::find().filter(claim::Column::State.eq(ClaimState::Waiting.as_str()));
    let theirs = waiting.filter(claim::Column::RoomId.is_in(rooms)).all(tx).await?;
    Ok(theirs.iter().map(touched).collect())
}

fn touched(row: &claim::Model) -> Touched {
    Touched { property: row.property_id, claim: Some(row.id), ..Touched::default() }
}

/// A new claim, stored.
async fn insert(tx: &impl ConnectionTrait, row: claim::Model) -> Result<()> {
    let touched = touched(&row);
    claim::Entity::insert(row.into_active_model()).exec_without_returning(tx).await?;
    touch(tx, [touched]).await?;
    Ok(())
}

fn id_of(phone: &phone::Model) -> PhoneId {
    PhoneId(phone.id)
}
