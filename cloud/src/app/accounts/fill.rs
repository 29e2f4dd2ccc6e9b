//! Every room without an account gets one from a pool. Done twice, the second time gives nothing.

use std::collections::{HashMap, HashSet};

use contract::rest::{Accepted, FillPool, GivenAccount, PoolFilled};
use contract::{ExtensionPoolId, PropertyId, RoomId, SipAccountId};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
};
use uuid::Uuid;

use super::change::display_name;
use super::{new_password, pools, property, reach, seal};
use crate::app::close::close_with;
use crate::app::desired::targets::{self, Target};
use crate::app::error::{conflict, invalid};
use crate::app::idempotency::Once;
use crate::app::lint::emergency;
use crate::app::{Actor, App, Result, audit, views};
use crate::db::column::write_column;
use crate::db::entity::{extension_pool, phone, room, sip_account, sip_assignment};
use crate::db::insert::insert_all;
use crate::domain::account::MOST_ACCOUNTS;
use crate::domain::extensions::{Wish, choose};

/// Rooms named in one request.
const MOST_NAMED: usize = 5_000;

/// A room keeps the extension it has, or gets its own number, or the lowest that is free. An account that is there
/// already, that nobody has, is used before a new one is made.
pub async fn fill(
    app: &App,
    actor: &Actor,
    once: &Once,
    id: PropertyId,
    which: ExtensionPoolId,
    wanted: FillPool,
) -> Result<PoolFilled> {
    let shown = display_name(&wanted.display_name)?;
    if wanted.rooms.as_ref().is_some_and(|rooms| rooms.len() > MOST_NAMED) {
        return Err(invalid("rooms", format!("At most {MOST_NAMED} rooms at once; leave them out for all.")));
    }
    let write = app.db.write().await?;
    let tx = &write.tx;
    if let Some(answer) = once.replay(tx).await? {
        return Ok(answer);
    }
    property(tx, id.0).await?;
    let pool = pools::find(tx, id.0, which.0).await?;
    let filled = give(app, tx, &pool, wanted.rooms.as_deref(), &shown).await?;
    let detail = format!("{}: {} accounts, {} rooms left out", pool.name, filled.given.len(), filled.left_out.len());
    audit::record(tx, actor, "extension-pool.fill", &pool.id.to_string(), detail).await?;
    let phones = phones_in(tx, &filled.given).await?;
    let rooms: Vec<room::Model> = filled.given.iter().map(|(room, ..)| room.clone()).collect();
    let made = reach::follow(app, tx, actor, phones, &rooms, format!("Extensions of {}", pool.name)).await?;
    let given = filled.given.into_iter().map(|(room, account)| GivenAccount {
        room: RoomId(room.id),
        room_number: room.number,
        account: SipAccountId(account),
        extension: room.extension,
    });
    let Accepted { phones, jobs, .. } = views::accepted_many(&made);
    let left_out = filled.left_out.into_iter().map(RoomId).collect();
    let answer = PoolFilled { given: given.collect(), left_out, phones, jobs };
    close_with(app, write, once, &made, answer).await
}

/// What was given within a transaction.
pub struct Given {
    /// Rooms as they are now, with their accounts.
    pub given: Vec<(room::Model, Uuid)>,
    /// Rooms for which no number was left.
    pub left_out: Vec<Uuid>,
}

/// Gives rooms (all of the pool's property, unless named) an account in slot 1, if they have none. The documents of
/// their phones are the caller's to refresh.
pub async fn give(
    app: &App,
    tx: &impl ConnectionTrait,
    pool: &extension_pool::Model,
    named: Option<&[RoomId]>,
    shown: &str,
) -> Result<Given> {
    let rooms = room::Entity::find()
        .filter(room::Column::PropertyId.eq(pool.property_id))
        .order_by_asc(room::Column::Number)
        .all(tx)
        .await?;
    if let Some(named) = named {
        let known: HashSet<Uuid> = rooms.iter().map(|room| room.id).collect();
        if let Some(stranger) = named.iter().find(|id| !known.contains(&id.0)) {
            return Err(invalid("rooms", format!("There is no room {stranger} in this property.")));
        }
    }
    let accounts =
        sip_account::Entity::find().filter(sip_account::Column::PropertyId.eq(pool.property_id)).all(tx).await?;
    let uses = sip_assignment::Entity::find()
        .filter(
            sip_assignment::Column::AccountId.in_subquery(
                sip_account::Entity::find()
                    .select_only()
                    .column(sip_account::Column::Id)
                    .filter(sip_account::Column::PropertyId.eq(pool.property_id))
                    .into_query(),
            ),
        )
        .all(tx)
        .await?;
    let served: HashSet<Uuid> = uses.iter().filter(|one| one.slot == 1).filter_map(|one| one.room_id).collect();
    let held: HashSet<Uuid> = uses.iter().map(|one| one.account_id).collect();
    let named: Option<HashSet<Uuid>> = named.map(|ids| ids.iter().map(|id| id.0).collect());
    let (wanting, others): (Vec<room::Model>, Vec<room::Model>) = rooms
        .into_iter()
        .partition(|room| !served.contains(&room.id) && named.as_ref().is_none_or(|named| named.contains(&room.id)));

    // An account of this server that nobody has is as good as none: its number is free, and it is taken up.
    let is_free = |one: &&sip_account::Model| {
        one.server_id == pool.server_id && one.slot == 1 && !one.shared && !held.contains(&one.id)
    };
    let free: HashMap<&str, &sip_account::Model> =
        accounts.iter().filter(is_free).map(|one| (one.user.as_str(), one)).collect();
    let mut taken: HashSet<String> = accounts.iter().filter(|one| !is_free(one)).map(|one| one.user.clone()).collect();
    taken.extend(others.iter().filter(|room| !room.extension.is_empty()).map(|room| room.extension.clone()));
    // Whoever calls for help gets no room.
    let owner = property(tx, pool.property_id).await?;
    taken.extend(emergency::numbers(tx, &owner).await?.numbers);
    let numbers: HashSet<String> = wanting.iter().chain(&others).map(|room| room.number.clone()).collect();
    let wishes: Vec<Wish> =
        wanting.iter().map(|room| Wish { number: &room.number, extension: &room.extension }).collect();
    let chosen = choose(&wishes, &pools::numbers(pool)?, &taken, &numbers);

    let (mut given, mut left_out, mut made, mut placed) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (room, extension) in wanting.iter().zip(chosen) {
        let Some(extension) = extension else {
            left_out.push(room.id);
            continue;
        };
        let account = match free.get(extension.as_str()) {
            Some(there) => there.id,
            None => {
                let row = new_account(app, pool, &extension, shown)?;
                let id = row.id;
                made.push(row);
                id
            }
        };
        placed.push(sip_assignment::Model {
            id: Uuid::now_v7(),
            account_id: account,
            slot: 1,
            room_id: Some(room.id),
            phone_id: None,
        });
        given.push((room::Model { extension, ..room.clone() }, account));
    }
    if (accounts.len() + made.len()) as u64 > MOST_ACCOUNTS {
        let detail = format!("A property has at most {MOST_ACCOUNTS} accounts. Remove some that nobody has.");
        return Err(conflict("too-many-accounts", "rooms", detail));
    }
    insert_all(tx, made.iter().cloned().map(IntoActiveModel::into_active_model).collect()).await?;
    insert_all(tx, placed.into_iter().map(IntoActiveModel::into_active_model).collect()).await?;
    let had: HashSet<(Uuid, &str)> = wanting.iter().map(|room| (room.id, room.extension.as_str())).collect();
    let changed = given.iter().filter(|(room, _)| !had.contains(&(room.id, room.extension.as_str())));
    let extensions = changed.map(|(room, _)| (room.id, room.extension.clone())).collect();
    write_column::<room::Entity, _>(tx, room::Column::Id, room::Column::Extension, extensions).await?;
    Ok(Given { given, left_out })
}

fn new_account(app: &App, pool: &extension_pool::Model, user: &str, shown: &str) -> Result<sip_account::Model> {
    Ok(sip_account::Model {
        id: Uuid::now_v7(),
        property_id: pool.property_id,
        server_id: pool.server_id,
        user: user.to_owned(),
        auth_user: user.to_owned(),
        password: seal(app, 1, &new_password())?,
        display_name: shown.to_owned(),
        slot: 1,
        shared: false,
    })
}

async fn phones_in(tx: &impl ConnectionTrait, given: &[(room::Model, Uuid)]) -> Result<Vec<Target>> {
    let mut phones = Vec::new();
    for rooms in given.chunks(5_000) {
        let ids = rooms.iter().map(|(room, _)| room.id);
        phones.extend(targets::load(tx, phone::Column::RoomId.is_in(ids)).await?);
    }
    Ok(phones)
}
