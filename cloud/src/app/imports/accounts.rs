//! Carries out what rows do to SIP accounts: made, changed, given to rooms. By statements over many rows.

use std::collections::{HashMap, HashSet};

use contract::rest::ImportCounts;
use sea_orm::sea_query::ExprTrait;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter};
use uuid::Uuid;

use super::carry::Changed;
use crate::app::accounts::{new_password, seal};
use crate::app::{App, Result};
use crate::db::column::write_column;
use crate::db::entity::{sip_account, sip_assignment};
use crate::db::insert::insert_all;
use crate::domain::import::plan::{AccountStep, Known, Step};

/// Ids in one statement; keeps it below the databases' limits on parameters.
const ROWS: usize = 300;

/// Makes and changes accounts, and gives them to their rooms. The rooms' extensions are the rooms' business.
pub async fn carry(
    app: &App,
    tx: &impl ConnectionTrait,
    known: &Known,
    steps: &[Step],
    room_of: &impl Fn(&Option<String>) -> Option<Uuid>,
    counts: &mut ImportCounts,
    changed: &mut Changed,
) -> Result<()> {
    let of_row = |step: &'_ Step| Some((room_of(&step.room_number)?, step.account.clone()?));
    let rows: Vec<(Uuid, AccountStep)> = steps.iter().filter_map(of_row).collect();
    let made = make(app, tx, known, &rows).await?;
    counts.accounts_made = made.len() as u32;
    change(app, tx, known, &rows, counts, changed).await?;
    let mut given = HashMap::new();
    for (room, step) in rows.iter().filter(|(_, step)| step.give) {
        let account = step.id.or_else(|| made.get(&(step.server, step.user.as_str())).copied());
        if let Some(account) = account {
            given.insert(*room, account);
        }
    }
    counts.accounts_given = given.len() as u32;
    changed.rooms.extend(rows.iter().map(|(room, _)| *room));
    give(tx, known, &given, changed).await
}

/// Makes the accounts that are missing; by server and user.
async fn make<'a>(
    app: &App,
    tx: &impl ConnectionTrait,
    known: &Known,
    rows: &'a [(Uuid, AccountStep)],
) -> Result<HashMap<(Uuid, &'a str), Uuid>> {
    let (mut made, mut models) = (HashMap::new(), Vec::new());
    for (_, step) in rows.iter().filter(|(_, step)| step.id.is_none()) {
        let row = sip_account::Model {
            id: Uuid::now_v7(),
            property_id: known.property,
            server_id: step.server,
            user: step.user.clone(),
            auth_user: step.auth_user.clone().unwrap_or_else(|| step.user.clone()),
            password: seal(app, 1, &step.password.clone().unwrap_or_else(new_password))?,
            display_name: step.display_name.clone().unwrap_or_default(),
            slot: 1,
            shared: false,
        };
        made.insert((step.server, step.user.as_str()), row.id);
        models.push(row.into_active_model());
    }
    insert_all(tx, models).await?;
    Ok(made)
}

async fn change(
    app: &App,
    tx: &impl ConnectionTrait,
    known: &Known,
    rows: &[(Uuid, AccountStep)],
    counts: &mut ImportCounts,
    changed: &mut Changed,
) -> Result<()> {
    // By account: several rows may say the same of one.
    let (mut auth_users, mut names, mut passwords) = (HashMap::new(), HashMap::new(), HashMap::new());
    let mut accounts = HashSet::new();
    for (_, step) in rows.iter().filter(|(_, step)| step.changes()) {
        let there = known.accounts.get(&(step.server, step.user.clone()));
        let (Some(id), Some(there)) = (step.id, there) else { continue };
        accounts.insert(id);
        // Whoever else has it follows too.
        changed.rooms.extend(&there.rooms);
        changed.phones.extend(&there.phones);
        auth_users.extend(step.auth_user.clone().map(|name| (id, name)));
        names.extend(step.display_name.clone().map(|name| (id, name)));
        if let Some(password) = &step.password {
            passwords.insert(id, seal(app, there.slot, password)?);
        }
    }
    counts.accounts_changed = accounts.len() as u32;
    use sip_account::Column::{AuthUser, DisplayName, Id, Password};
    for (column, values) in [(AuthUser, auth_users), (DisplayName, names), (Password, passwords)] {
        write_column::<sip_account::Entity, _>(tx, Id, column, values.into_iter().collect()).await?;
    }
    Ok(())
}

/// Gives accounts to rooms, by room. Both are emptied before, so rooms may change accounts with each other.
async fn give(
    tx: &impl ConnectionTrait,
    known: &Known,
    given: &HashMap<Uuid, Uuid>,
    changed: &mut Changed,
) -> Result<()> {
    if given.is_empty() {
        return Ok(());
    }
    let shared: HashSet<Uuid> = known.accounts.values().filter(|one| one.shared).map(|one| one.id).collect();
    let own: HashSet<Uuid> = given.values().copied().filter(|account| !shared.contains(account)).collect();
    let left = known.accounts.values().filter(|one| own.contains(&one.id));
    changed.rooms.extend(left.flat_map(|one| &one.rooms));
    let rooms: Vec<Uuid> = given.keys().copied().collect();
    let of_rooms = rooms.chunks(ROWS).map(|rooms| {
        let slot = sip_assignment::Column::Slot.eq(1);
        slot.and(sip_assignment::Column::RoomId.is_in(rooms.iter().copied()))
    });
    let own: Vec<Uuid> = own.into_iter().collect();
    let of_accounts = own.chunks(ROWS).map(|own| sip_assignment::Column::AccountId.is_in(own.iter().copied()));
    for which in of_rooms.chain(of_accounts) {
        sip_assignment::Entity::delete_many().filter(which).exec(tx).await?;
    }
    let row = |(room, account): (&Uuid, &Uuid)| sip_assignment::Model {
        id: Uuid::now_v7(),
        account_id: *account,
        slot: 1,
        room_id: Some(*room),
        phone_id: None,
    };
    insert_all(tx, given.iter().map(row).map(IntoActiveModel::into_active_model).collect()).await?;
    Ok(())
}
