//! SIP accounts made, changed, removed, and given a new password; with them, whose they are, all in one transaction.

use std::collections::BTreeSet;

use contract::rest::{Accepted, SECRET_MASK, SipAccount, SipAccountSpec};
use contract::{PropertyId, RoomId, SipAccountId};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
};
use uuid::Uuid;

use super::{SLOTS, assign, list, new_password, open, property, reach, seal, server};
use crate::app::close::{close, close_with};
use crate::app::error::{conflict, invalid};
use crate::app::idempotency::Once;
use crate::app::{Actor, App, AppError, Result, audit, views};
use crate::db::entity::{room, sip_account, sip_assignment};
use crate::db::is_duplicate;
use crate::domain::account::{self, MOST_ACCOUNTS, auth_user, password, user};

/// Rooms of one account.
const MOST_ROOMS: usize = 200;

pub async fn create(
    app: &App,
    actor: &Actor,
    once: &Once,
    id: PropertyId,
    wanted: SipAccountSpec,
) -> Result<SipAccount> {
    let given = given_password(&wanted.password)?.map(str::to_owned);
    let rooms = rooms(&wanted)?;
    let mut row = checked(Uuid::now_v7(), id.0, &wanted, None)?;
    row.password = seal(app, row.slot, &given.unwrap_or_else(new_password))?;
    let write = app.db.write().await?;
    let tx = &write.tx;
    if let Some(answer) = once.replay(tx).await? {
        return Ok(answer);
    }
    property(tx, id.0).await?;
    server(tx, id.0, row.server_id).await?;
    let there = sip_account::Entity::find().filter(sip_account::Column::PropertyId.eq(id.0)).count(tx).await?;
    if there >= MOST_ACCOUNTS {
        let detail = format!("A property has at most {MOST_ACCOUNTS} accounts. Remove some that nobody has.");
        return Err(conflict("too-many-accounts", "user", detail));
    }
    sip_account::Entity::insert(row.clone().into_active_model()).exec(tx).await.map_err(taken)?;
    let given = give(tx, &row, &[], rooms.as_deref().unwrap_or_default()).await?;
    audit::record(tx, actor, "sip-account.create", &row.id.to_string(), format!("{}{}", words(&row), given.said))
        .await?;
    let phones = reach::of_uses(tx, &given.uses).await?;
    let jobs = reach::follow(app, tx, actor, phones, &given.rooms, format!("SIP account {}", row.user)).await?;
    let answer = list::view(tx, row).await?;
    close_with(app, write, once, &jobs, answer).await
}

/// Changes an account; whoever has it follows.
pub async fn change(
    app: &App,
    actor: &Actor,
    once: &Once,
    id: PropertyId,
    which: SipAccountId,
    wanted: SipAccountSpec,
) -> Result<Accepted> {
    let given = given_password(&wanted.password)?;
    let rooms = rooms(&wanted)?;
    let write = app.db.write().await?;
    let tx = &write.tx;
    if let Some(answer) = once.replay(tx).await? {
        return Ok(answer);
    }
    let old = super::account(tx, id.0, which.0).await?;
    let mut row = checked(which.0, id.0, &wanted, Some(&old.display_name))?;
    server(tx, id.0, row.server_id).await?;
    row.password = match given {
        Some(new) => seal(app, row.slot, new)?,
        None if old.slot == row.slot => old.password.clone(),
        None => seal(app, row.slot, &open(app, &old)?)?,
    };
    let mut uses = assign::of(tx, row.id).await?;
    let mut gone = Vec::new();
    if let Some(rooms) = &rooms {
        let stays = |one: &sip_assignment::Model| one.room_id.is_none_or(|id| rooms.contains(&id));
        (uses, gone) = uses.into_iter().partition(stays);
    }
    let left = assign::take(tx, &old, &gone).await?;
    if !row.shared && uses.len() > 1 {
        let detail = format!("{} rooms and phones have this account; take it back from all but one first.", uses.len());
        return Err(conflict("account-in-use", "shared", detail));
    }
    let before = assign::forget(tx, &old, &uses).await?;
    row.clone().into_active_model().reset_all().update(tx).await.map_err(taken)?;
    if old.slot != row.slot {
        sip_assignment::Entity::update_many()
            .col_expr(sip_assignment::Column::Slot, Expr::value(row.slot))
            .filter(sip_assignment::Column::AccountId.eq(row.id))
            .exec(tx)
            .await
            .map_err(slot_taken)?;
    }
    let mut touched = assign::follow(tx, &row, &uses).await?;
    let new = give(tx, &row, &uses, rooms.as_deref().unwrap_or_default()).await?;
    touched.extend(new.rooms);
    for room in before.into_iter().chain(left) {
        if !touched.iter().any(|new| new.id == room.id) {
            touched.push(room);
        }
    }
    let password = if given.is_some() { ", new password" } else { "" };
    let back = if gone.is_empty() { String::new() } else { format!(", taken back from {} rooms", gone.len()) };
    let said = format!("{}{password}{back}{}", words(&row), new.said);
    audit::record(tx, actor, "sip-account.change", &row.id.to_string(), said).await?;
    let mut phones = reach::of_account(tx, row.id).await?;
    gone.extend(new.uses);
    let others = reach::of_uses(tx, &gone).await?;
    phones.extend(others.into_iter().filter(|one| !phones.iter().any(|all| all.id == one.id)).collect::<Vec<_>>());
    let jobs = reach::follow(app, tx, actor, phones, &touched, format!("SIP account {}", row.user)).await?;
    close(app, write, once, &jobs, views::accepted_many(&jobs)).await
}

/// Gives an account a new random password. The PBX has to be told (see `export`).
pub async fn renew(app: &App, actor: &Actor, once: &Once, id: PropertyId, which: SipAccountId) -> Result<Accepted> {
    let write = app.db.write().await?;
    let tx = &write.tx;
    if let Some(answer) = once.replay(tx).await? {
        return Ok(answer);
    }
    let mut row = super::account(tx, id.0, which.0).await?;
    row.password = seal(app, row.slot, &new_password())?;
    sip_account::Entity::update_many()
        .col_expr(sip_account::Column::Password, Expr::value(row.password.clone()))
        .filter(sip_account::Column::Id.eq(row.id))
        .exec(tx)
        .await?;
    audit::record(tx, actor, "sip-account.password", &row.id.to_string(), row.user.clone()).await?;
    let phones = reach::of_account(tx, row.id).await?;
    let summary = format!("SIP account {}: new password", row.user);
    let jobs = reach::follow(app, tx, actor, phones, &[], summary).await?;
    close(app, write, once, &jobs, views::accepted_many(&jobs)).await
}

/// Removes an account; whoever had it has none.
pub async fn remove(app: &App, actor: &Actor, id: PropertyId, which: SipAccountId) -> Result<Accepted> {
    let write = app.db.write().await?;
    let tx = &write.tx;
    let row = super::account(tx, id.0, which.0).await?;
    let uses = assign::of(tx, row.id).await?;
    let phones = reach::of_account(tx, row.id).await?;
    let rooms = assign::take(tx, &row, &uses).await?;
    sip_account::Entity::delete_by_id(row.id).exec(tx).await?;
    audit::record(tx, actor, "sip-account.remove", &row.id.to_string(), words(&row)).await?;
    let jobs = reach::follow(app, tx, actor, phones, &rooms, format!("SIP account {} removed", row.user)).await?;
    close(app, write, &Once::default(), &jobs, views::accepted_many(&jobs)).await
}

/// What giving an account to rooms changed.
#[derive(Default)]
struct Given {
    uses: Vec<sip_assignment::Model>,
    rooms: Vec<room::Model>,
    /// For the audit.
    said: String,
}

/// Gives an account to those of the rooms that do not have it, within the transaction.
async fn give(
    tx: &impl ConnectionTrait,
    account: &sip_account::Model,
    held: &[sip_assignment::Model],
    rooms: &[Uuid],
) -> Result<Given> {
    let mut given = Given::default();
    for id in rooms.iter().filter(|id| !held.iter().any(|one| one.room_id == Some(**id))) {
        let place = assign::Place::find(tx, account.property_id, Some(RoomId(*id)), None).await?;
        let (uses, rooms) = assign::put(tx, account, &place, true).await?;
        given.said.push_str(&format!(", to {}", place.words()));
        given.uses.extend(uses);
        // A room that is touched twice is shown as it was last.
        given.rooms.retain(|old| !rooms.iter().any(|new| new.id == old.id));
        given.rooms.extend(rooms);
    }
    Ok(given)
}

/// The rooms that are to have it, each once; `None`: they stay.
fn rooms(wanted: &SipAccountSpec) -> Result<Option<Vec<Uuid>>> {
    let Some(rooms) = &wanted.rooms else { return Ok(None) };
    let rooms: BTreeSet<Uuid> = rooms.iter().map(|room| room.0).collect();
    if rooms.len() > 1 && !wanted.shared {
        let detail = format!("{} rooms cannot have one account, unless several rooms may have it.", rooms.len());
        return Err(invalid("rooms", detail));
    }
    if rooms.len() > MOST_ROOMS {
        return Err(invalid("rooms", format!("At most {MOST_ROOMS} rooms have one account.")));
    }
    Ok(Some(rooms.into_iter().collect()))
}

/// The password somebody gave, if it is one.
fn given_password(text: &str) -> Result<Option<&str>> {
    if text.is_empty() || text == SECRET_MASK {
        return Ok(None);
    }
    password(text).map(|()| Some(text)).map_err(|why| invalid("password", why))
}

/// Without the password. The display name it has may stay, whatever it is.
fn checked(id: Uuid, property: Uuid, wanted: &SipAccountSpec, named: Option<&str>) -> Result<sip_account::Model> {
    let user = user(&wanted.user).map_err(|why| invalid("user", why))?;
    if user.is_empty() {
        return Err(invalid("user", "An account needs a user, mostly its extension."));
    }
    let slot = i32::from(wanted.slot);
    if !SLOTS.contains(&slot) {
        return Err(invalid("slot", "A phone has the accounts 1 and 2."));
    }
    let auth_user = match auth_user(&wanted.auth_user).map_err(|why| invalid("auth_user", why))? {
        none if none.is_empty() => user.clone(),
        other => other,
    };
    Ok(sip_account::Model {
        id,
        property_id: property,
        server_id: wanted.server.0,
        auth_user,
        password: String::new(),
        display_name: match named.filter(|name| name.trim() == wanted.display_name.trim()) {
            Some(name) => name.to_owned(),
            None => display_name(&wanted.display_name)?,
        },
        slot,
        shared: wanted.shared,
        user,
    })
}

/// A display name with its variables.
pub fn display_name(text: &str) -> Result<String> {
    account::display_name(text).map_err(|why| invalid("display_name", why))
}

fn taken(error: sea_orm::DbErr) -> AppError {
    match is_duplicate(&error) {
        true => conflict("user-taken", "user", "Another account on this server has this user. Choose another one."),
        false => error.into(),
    }
}

fn slot_taken(error: sea_orm::DbErr) -> AppError {
    match is_duplicate(&error) {
        true => {
            conflict("slot-taken", "slot", "Who has this account has another one in that slot. Take it back first.")
        }
        false => error.into(),
    }
}

fn words(row: &sip_account::Model) -> String {
    let shared = if row.shared { ", shared" } else { "" };
    format!("{} as {}, slot {}{shared}", row.user, row.auth_user, row.slot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_password_is_not_quoted() {
        assert_eq!(given_password("").unwrap(), None);
        assert_eq!(given_password(SECRET_MASK).unwrap(), None);
        assert_eq!(given_password("pw-1207").unwrap(), Some("pw-1207"));
        let error = given_password(&format!("Zanzibar{}", "x".repeat(200))).unwrap_err();
        assert!(!error.to_string().contains("Zanzibar"), "{error}");
        assert!(given_password("pw\n").is_err());
    }
}
