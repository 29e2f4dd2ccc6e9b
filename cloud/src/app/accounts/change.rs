//! SIP accounts made, changed, removed, and given a new password.

use contract::rest::{Accepted, SECRET_MASK, SipAccount, SipAccountSpec};
use contract::{PropertyId, SipAccountId};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter};
use uuid::Uuid;

use super::{SLOTS, assign, list, new_password, open, property, reach, seal, server};
use crate::app::error::{conflict, invalid};
use crate::app::idempotency::Once;
use crate::app::{Actor, App, AppError, Result, audit, views};
use crate::db::entity::{sip_account, sip_assignment};
use crate::db::is_duplicate;
use crate::domain::account::{self, MOST_ACCOUNTS, auth_user, password, user};

pub async fn create(
    app: &App,
    actor: &Actor,
    once: &Once,
    id: PropertyId,
    wanted: SipAccountSpec,
) -> Result<SipAccount> {
    let given = given_password(&wanted.password)?.map(str::to_owned);
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
    audit::record(tx, actor, "sip-account.create", &row.id.to_string(), words(&row)).await?;
    let answer = list::view(tx, row).await?;
    once.keep(tx, &answer).await?;
    write.commit().await?;
    Ok(answer)
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
    let uses = assign::of(tx, row.id).await?;
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
    let mut rooms = assign::follow(tx, &row, &uses).await?;
    rooms.extend(before.into_iter().filter(|old| !rooms.iter().any(|new| new.id == old.id)).collect::<Vec<_>>());
    let said = format!("{}{}", words(&row), if given.is_some() { ", new password" } else { "" });
    audit::record(tx, actor, "sip-account.change", &row.id.to_string(), said).await?;
    let phones = reach::of_account(tx, row.id).await?;
    let jobs = reach::follow(app, tx, actor, phones, &rooms, format!("SIP account {}", row.user)).await?;
    reach::close(app, write, once, &jobs, views::accepted_many(&jobs)).await
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
    reach::close(app, write, once, &jobs, views::accepted_many(&jobs)).await
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
    reach::close(app, write, &Once::default(), &jobs, views::accepted_many(&jobs)).await
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
