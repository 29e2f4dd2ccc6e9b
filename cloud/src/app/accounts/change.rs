//! SIP accounts made, changed, removed, and given a new password.

use contract::rest::{Accepted, SECRET_MASK, SipAccount, SipAccountSpec};
use contract::{PropertyId, SipAccountId};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter};
use uuid::Uuid;

use super::derive::IN_NAMES;
use super::{SLOTS, account, assign, list, new_password, open, property, reach, seal, server};
use crate::app::error::{conflict, invalid};
use crate::app::idempotency::Once;
use crate::app::rooms::valid;
use crate::app::{Actor, App, AppError, Result, audit, views};
use crate::db::entity::{sip_account, sip_assignment};
use crate::db::is_duplicate;
use crate::domain::catalogue;

/// The most accounts of a property.
pub const MOST_ACCOUNTS: u64 = 50_000;
/// The longest display name with its variables, in bytes.
const LONGEST_TEMPLATE: usize = 256;

pub async fn create(
    app: &App,
    actor: &Actor,
    once: &Once,
    id: PropertyId,
    wanted: SipAccountSpec,
) -> Result<SipAccount> {
    let given = given_password(&wanted.password)?.map(str::to_owned);
    let mut row = checked(Uuid::now_v7(), id.0, &wanted)?;
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
    let mut row = checked(which.0, id.0, &wanted)?;
    let write = app.db.write().await?;
    let tx = &write.tx;
    if let Some(answer) = once.replay(tx).await? {
        return Ok(answer);
    }
    let old = account(tx, id.0, which.0).await?;
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
    let mut row = account(tx, id.0, which.0).await?;
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
    let row = account(tx, id.0, which.0).await?;
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
    // What was wrong is not quoted.
    match settings::validate(&catalogue::sip_password(1), text) {
        Ok(_) if !text.chars().any(char::is_control) => Ok(Some(text)),
        _ => Err(invalid("password", "A password has 1 to 128 characters, none of them a control character.")),
    }
}

/// Without the password.
fn checked(id: Uuid, property: Uuid, wanted: &SipAccountSpec) -> Result<sip_account::Model> {
    let user = user("user", &wanted.user)?;
    if user.is_empty() {
        return Err(invalid("user", "An account needs a user, mostly its extension."));
    }
    let slot = i32::from(wanted.slot);
    if !SLOTS.contains(&slot) {
        return Err(invalid("slot", "A phone has the accounts 1 and 2."));
    }
    let auth_user = match wanted.auth_user.trim() {
        "" => user.clone(),
        other => valid("auth_user", catalogue::SIP_AUTH_USER, other)?,
    };
    Ok(sip_account::Model {
        id,
        property_id: property,
        server_id: wanted.server.0,
        auth_user,
        password: String::new(),
        display_name: display_name(&wanted.display_name)?,
        slot,
        shared: wanted.shared,
        user,
    })
}

/// What stands before the `@` of a SIP address as it is (RFC 3261 §25.1, without escapes).
fn user(field: &str, text: &str) -> Result<String> {
    let text = valid(field, catalogue::SIP_USER, text.trim())?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.!~*'()&=+$?/#".contains(c);
    if text.chars().all(allowed) {
        return Ok(text);
    }
    Err(invalid(field, "Letters, digits and - _ . + * # are allowed; the part behind @ is the server's."))
}

/// A display name with its variables.
pub fn display_name(text: &str) -> Result<String> {
    let text = text.trim();
    if text.len() > LONGEST_TEMPLATE {
        return Err(invalid("display_name", format!("At most {LONGEST_TEMPLATE} bytes.")));
    }
    if text.is_empty() {
        return Ok(String::new());
    }
    let template = provisioning::variables::check(catalogue::SIP_DISPLAY_NAME, text)
        .map_err(|error| invalid("display_name", format!("{error}.")))?;
    match template.variables().find(|variable| !IN_NAMES.contains(&variable.name)) {
        None => Ok(text.to_owned()),
        Some(other) => {
            let known = IN_NAMES.map(|name| format!("{{{name}}}")).join(", ");
            Err(invalid(
                "display_name",
                format!("{{{}}} has no value in a display name. Use one of {known}.", other.name),
            ))
        }
    }
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
    fn a_user_stands_in_an_address_as_it_is() {
        for good in ["1207", "room-1207", "+351215550100", "front.desk", "*97"] {
            assert_eq!(user("user", good).unwrap(), good);
        }
        for bad in ["1207@pbx", "12 07", "a:b", "\"x\"", "a,b", "<a>", "ü", "a%40b"] {
            assert!(user("user", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_display_name_has_known_open_variables() {
        assert_eq!(display_name(" Room {room.number} ").unwrap(), "Room {room.number}");
        assert_eq!(display_name("").unwrap(), "");
        for bad in ["{room.numbr}", "{sip.password}", "{property.phone}", "{sip.server}", &"x".repeat(257)] {
            assert!(display_name(bad).is_err(), "{bad}");
        }
    }

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
