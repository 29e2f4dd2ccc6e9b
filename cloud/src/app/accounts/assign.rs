//! An account given to a room or a phone, and taken back. The room's extension follows the account in slot 1.

use contract::rest::{Accepted, AssignAccount, UnassignAccount};
use contract::{PropertyId, SipAccountId};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter,
};
use uuid::Uuid;

use super::{account, reach};
use crate::app::close::close;
use crate::app::desired::accepted;
use crate::app::error::{conflict, invalid, not_found};
use crate::app::idempotency::Once;
use crate::app::rooms::extension_is_free;
use crate::app::{Actor, App, Result, audit, views};
use crate::db::entity::{phone, room, sip_account, sip_assignment};

/// Who has an account.
pub enum Place {
    Room(room::Model),
    Phone(Box<phone::Model>),
}

impl Place {
    /// A room or a phone of the property; exactly one is to be named.
    pub async fn find(
        tx: &impl ConnectionTrait,
        property: Uuid,
        room: Option<contract::RoomId>,
        phone: Option<contract::PhoneId>,
    ) -> Result<Self> {
        match (room, phone) {
            (Some(id), None) => {
                let found =
                    room::Entity::find_by_id(id.0).filter(room::Column::PropertyId.eq(property)).one(tx).await?;
                Ok(Self::Room(found.ok_or_else(|| not_found("room"))?))
            }
            (None, Some(id)) => {
                let found =
                    phone::Entity::find_by_id(id.0).filter(phone::Column::PropertyId.eq(property)).one(tx).await?;
                let found = found.ok_or_else(|| not_found("phone"))?;
                accepted(&found)?;
                Ok(Self::Phone(Box::new(found)))
            }
            _ => Err(invalid("room", "Name a room or a phone, and not both.")),
        }
    }

    fn ids(&self) -> (Option<Uuid>, Option<Uuid>) {
        match self {
            Self::Room(room) => (Some(room.id), None),
            Self::Phone(phone) => (None, Some(phone.id)),
        }
    }

    pub fn words(&self) -> String {
        match self {
            Self::Room(room) => format!("room {}", room.number),
            Self::Phone(phone) => format!("phone {}", views::mac(phone)),
        }
    }
}

/// Gives an account to a room or a phone.
pub async fn assign(
    app: &App,
    actor: &Actor,
    once: &Once,
    id: PropertyId,
    which: SipAccountId,
    wanted: AssignAccount,
) -> Result<Accepted> {
    let write = app.db.write().await?;
    let tx = &write.tx;
    if let Some(answer) = once.replay(tx).await? {
        return Ok(answer);
    }
    let account = account(tx, id.0, which.0).await?;
    let place = Place::find(tx, id.0, wanted.room, wanted.phone).await?;
    let (uses, rooms) = put(tx, &account, &place, wanted.replace).await?;
    let said = format!("{} to {}", account.user, place.words());
    audit::record(tx, actor, "sip-account.assign", &account.id.to_string(), said.clone()).await?;
    let phones = reach::of_uses(tx, &uses).await?;
    let jobs = reach::follow(app, tx, actor, phones, &rooms, format!("SIP account {said}")).await?;
    close(app, write, once, &jobs, views::accepted_many(&jobs)).await
}

/// Takes an account back.
pub async fn unassign(
    app: &App,
    actor: &Actor,
    once: &Once,
    id: PropertyId,
    which: SipAccountId,
    wanted: UnassignAccount,
) -> Result<Accepted> {
    let write = app.db.write().await?;
    let tx = &write.tx;
    if let Some(answer) = once.replay(tx).await? {
        return Ok(answer);
    }
    let account = account(tx, id.0, which.0).await?;
    let mut uses = of(tx, account.id).await?;
    if wanted.room.is_some() || wanted.phone.is_some() {
        let ids = Place::find(tx, id.0, wanted.room, wanted.phone).await?.ids();
        uses.retain(|one| (one.room_id, one.phone_id) == ids);
        if uses.is_empty() {
            return Err(not_found("assignment of this account"));
        }
    }
    let rooms = take(tx, &account, &uses).await?;
    let detail = format!("{} from {} places", account.user, uses.len());
    audit::record(tx, actor, "sip-account.unassign", &account.id.to_string(), detail).await?;
    let phones = reach::of_uses(tx, &uses).await?;
    let summary = format!("SIP account {} taken back", account.user);
    let jobs = reach::follow(app, tx, actor, phones, &rooms, summary).await?;
    close(app, write, once, &jobs, views::accepted_many(&jobs)).await
}

/// Everybody who has an account.
pub async fn of(tx: &impl ConnectionTrait, account: Uuid) -> Result<Vec<sip_assignment::Model>> {
    Ok(sip_assignment::Entity::find().filter(sip_assignment::Column::AccountId.eq(account)).all(tx).await?)
}

/// Puts an account into its slot of a place, within the transaction. Returns all assignments that changed, those that
/// went included, and the rooms whose extension may have.
pub async fn put(
    tx: &impl ConnectionTrait,
    account: &sip_account::Model,
    place: &Place,
    replace: bool,
) -> Result<(Vec<sip_assignment::Model>, Vec<room::Model>)> {
    let (room_id, phone_id) = place.ids();
    let here = |one: &sip_assignment::Model| (one.room_id, one.phone_id) == (room_id, phone_id);
    let held = of(tx, account.id).await?;
    if held.iter().any(here) {
        return Ok((Vec::new(), Vec::new()));
    }
    let elsewhere = if account.shared { Vec::new() } else { held };
    if !elsewhere.is_empty() && !replace {
        let detail =
            format!("Account {} is somebody's already. Replace it there, or let the account be shared.", account.user);
        return Err(conflict("account-in-use", "account", detail));
    }
    let mut rooms = take(tx, account, &elsewhere).await?;
    let mut uses = elsewhere;
    let slot = sip_assignment::Entity::find().filter(sip_assignment::Column::Slot.eq(account.slot));
    let slot = match place {
        Place::Room(room) => slot.filter(sip_assignment::Column::RoomId.eq(room.id)),
        Place::Phone(phone) => slot.filter(sip_assignment::Column::PhoneId.eq(phone.id)),
    };
    if let Some(other) = slot.one(tx).await? {
        let holder = sip_account::Entity::find_by_id(other.account_id).one(tx).await?;
        let holder = holder.ok_or_else(|| not_found("SIP account"))?;
        if !replace {
            let detail = format!(
                "{} has {} as account {} already. Replace it, or use the other slot.",
                capital(&place.words()),
                holder.user,
                account.slot
            );
            return Err(conflict("slot-taken", "account", detail));
        }
        rooms.extend(take(tx, &holder, std::slice::from_ref(&other)).await?);
        uses.push(other);
    }
    let row =
        sip_assignment::Model { id: Uuid::now_v7(), account_id: account.id, slot: account.slot, room_id, phone_id };
    sip_assignment::Entity::insert(row.clone().into_active_model()).exec(tx).await?;
    rooms.extend(follow(tx, account, std::slice::from_ref(&row)).await?);
    uses.push(row);
    Ok((uses, rooms))
}

/// Takes an account back from these places, within the transaction. Returns the rooms whose extension went.
pub async fn take(
    tx: &impl ConnectionTrait,
    account: &sip_account::Model,
    uses: &[sip_assignment::Model],
) -> Result<Vec<room::Model>> {
    if uses.is_empty() {
        return Ok(Vec::new());
    }
    let ids = uses.iter().map(|one| one.id);
    sip_assignment::Entity::delete_many().filter(sip_assignment::Column::Id.is_in(ids)).exec(tx).await?;
    forget(tx, account, uses).await
}

/// Empties the extensions an account gave.
pub async fn forget(
    tx: &impl ConnectionTrait,
    account: &sip_account::Model,
    uses: &[sip_assignment::Model],
) -> Result<Vec<room::Model>> {
    let mut rooms = Vec::new();
    for room in rooms_of(tx, account, uses).await? {
        if room.extension == account.user {
            rooms.push(set_extension(tx, room, "").await?);
        }
    }
    Ok(rooms)
}

/// Gives rooms the extension of their account.
pub async fn follow(
    tx: &impl ConnectionTrait,
    account: &sip_account::Model,
    uses: &[sip_assignment::Model],
) -> Result<Vec<room::Model>> {
    let mut rooms = Vec::new();
    for room in rooms_of(tx, account, uses).await? {
        if room.extension == account.user {
            continue;
        }
        match extension_is_free(tx, room.property_id, &account.user, Some(room.id)).await {
            // One of several rooms with this account is called by it.
            Err(_) if account.shared => continue,
            free => free?,
        }
        rooms.push(set_extension(tx, room, &account.user).await?);
    }
    Ok(rooms)
}

async fn set_extension(tx: &impl ConnectionTrait, room: room::Model, extension: &str) -> Result<room::Model> {
    let mut row = room.into_active_model();
    row.extension = Set(extension.to_owned());
    Ok(row.update(tx).await?)
}

/// Rooms whose extension is this account's business: those that have it in slot 1. An account of few places.
async fn rooms_of(
    tx: &impl ConnectionTrait,
    account: &sip_account::Model,
    uses: &[sip_assignment::Model],
) -> Result<Vec<room::Model>> {
    if account.slot != 1 {
        return Ok(Vec::new());
    }
    let ids = uses.iter().filter_map(|one| one.room_id);
    Ok(room::Entity::find().filter(room::Column::Id.is_in(ids)).all(tx).await?)
}

/// The account of a room in slot 1, whose number is the room's extension.
pub async fn main_account(tx: &impl ConnectionTrait, room: Uuid) -> Result<Option<sip_account::Model>> {
    let use_ = sip_assignment::Entity::find()
        .filter(sip_assignment::Column::RoomId.eq(room))
        .filter(sip_assignment::Column::Slot.eq(1))
        .one(tx)
        .await?;
    match use_ {
        Some(one) => Ok(sip_account::Entity::find_by_id(one.account_id).one(tx).await?),
        None => Ok(None),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
