//! What is there of a property, as an import is held against it.

use std::collections::{BTreeSet, HashMap, HashSet};

use contract::Mac;
use contract::rest::{Enrolment, Layer};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QuerySelect, QueryTrait};
use uuid::Uuid;

use crate::app::accounts;
use crate::app::error::not_found;
use crate::app::layers::{Scope, locks};
use crate::app::lint::emergency;
use crate::app::{App, Result};
use crate::db::entity::{
    building, floor, layer_value, phone, property, room, room_type, sip_account, sip_assignment, sip_server,
};
use crate::domain::catalogue;
use crate::domain::import::parse::Wanted;
use crate::domain::import::plan::{Known, KnownAccount, KnownFloor, KnownPhone, KnownRoom, hiding};

/// Names in one statement; keeps it below the databases' limits on parameters.
const NAMES: usize = 1_000;

type PhoneTuple = (Uuid, String, String, String, Option<Uuid>, Option<Uuid>, String);

/// Loads the property with what `wanted` names.
pub async fn load(app: &App, tx: &impl ConnectionTrait, property: Uuid, wanted: &[Wanted]) -> Result<Known> {
    let mut known = Known { property, ..Known::default() };
    for row in building::Entity::find().filter(building::Column::PropertyId.eq(property)).all(tx).await? {
        known.buildings.insert(row.name, row.id);
    }
    let of_property = building::Entity::find()
        .select_only()
        .column(building::Column::Id)
        .filter(building::Column::PropertyId.eq(property))
        .into_query();
    for row in floor::Entity::find().filter(floor::Column::BuildingId.in_subquery(of_property)).all(tx).await? {
        known.floors.insert(row.id, KnownFloor { building: row.building_id, name: row.name, level: row.level });
    }
    for row in room_type::Entity::find().filter(room_type::Column::PropertyId.eq(property)).all(tx).await? {
        known.types.insert(row.name, row.id);
    }
    let given = accounts(app, tx, &mut known, wanted).await?;
    for row in room::Entity::find().filter(room::Column::PropertyId.eq(property)).all(tx).await? {
        let there = KnownRoom {
            id: row.id,
            floor: row.floor_id,
            account: given.get(&row.id).cloned(),
            extension: row.extension,
            guest_name: row.guest_name,
            room_type: row.room_type_id,
        };
        known.rooms.insert(row.number, there);
    }
    phones(tx, &mut known, phone::Column::PropertyId.eq(property).into()).await?;
    let strangers: Vec<String> = wanted
        .iter()
        .filter_map(|row| row.mac)
        .filter(|mac| !known.phones.contains_key(mac))
        .map(|mac| mac.compact())
        .collect();
    for names in strangers.chunks(NAMES) {
        phones(tx, &mut known, phone::Column::Mac.is_in(names.to_vec()).into()).await?;
    }
    let mut keys: BTreeSet<&str> = wanted.iter().flat_map(|row| &row.values).map(|(_, key, _)| key.as_str()).collect();
    let modes: Vec<String> = keys.iter().filter_map(|key| catalogue::mode_of(key)).collect();
    keys.extend(modes.iter().map(String::as_str));
    let hiding = hiding();
    if wanted.iter().any(|row| row.account.first.is_some()) {
        keys.extend(hiding.iter().map(String::as_str));
    }
    if !keys.is_empty() {
        values(app, tx, &mut known, &keys).await?;
    }
    Ok(known)
}

async fn phones(tx: &impl ConnectionTrait, known: &mut Known, which: Condition) -> Result<()> {
    use phone::Column::{Enrolment as EnrolmentColumn, Id, Mac as MacColumn, Model, PropertyId, RoomId, Serial};
    let rows: Vec<PhoneTuple> = phone::Entity::find()
        .select_only()
        .columns([Id, MacColumn, Serial, Model, PropertyId, RoomId, EnrolmentColumn])
        .filter(which)
        .into_tuple()
        .all(tx)
        .await?;
    for (id, mac, serial, model, property, room, enrolment) in rows {
        let Ok(mac) = mac.parse::<Mac>() else { continue };
        let enrolment = enrolment.parse().unwrap_or(Enrolment::New);
        known.phones.insert(mac, KnownPhone { id, serial, model, property, room, enrolment });
    }
    Ok(())
}

/// What is set on a property's rooms and phones.
pub fn below(property: Uuid) -> Condition {
    let rooms = room::Entity::find()
        .select_only()
        .column(room::Column::Id)
        .filter(room::Column::PropertyId.eq(property))
        .into_query();
    let phones = phone::Entity::find()
        .select_only()
        .column(phone::Column::Id)
        .filter(phone::Column::PropertyId.eq(property))
        .into_query();
    let scopes = Condition::any()
        .add(layer_value::Column::ScopeId.in_subquery(rooms))
        .add(layer_value::Column::ScopeId.in_subquery(phones));
    let layers = layer_value::Column::Layer.is_in([Layer::Room.as_str(), Layer::Phone.as_str()]);
    Condition::all().add(layers).add(scopes)
}

/// Values of these keys, of the property's rooms and phones.
async fn values(app: &App, tx: &impl ConnectionTrait, known: &mut Known, keys: &BTreeSet<&str>) -> Result<()> {
    let rows: Vec<(Option<Uuid>, String, String)> = layer_value::Entity::find()
        .select_only()
        .columns([layer_value::Column::ScopeId, layer_value::Column::Key, layer_value::Column::Value])
        .filter(layer_value::Column::Key.is_in(keys.iter().copied()))
        .filter(below(known.property))
        .into_tuple()
        .all(tx)
        .await?;
    for (scope, key, value) in rows {
        let Some(scope) = scope else { continue };
        // One that does not open any more is replaced.
        let value = app.secrets.open_setting(&key, &value).unwrap_or_default().into_owned();
        known.values.insert((scope, key), value);
    }
    above(app, tx, known, keys).await
}

/// Values of these keys above rooms and phones, and who locked one of them there or on a room.
async fn above(app: &App, tx: &impl ConnectionTrait, known: &mut Known, keys: &BTreeSet<&str>) -> Result<()> {
    let property = Scope::Property(known.property);
    let layers = locks::above(tx, property).await?.into_iter().chain([property]);
    known.above = layers.map(|scope| scope.id()).collect();
    let of_property = |column: room::Column| {
        room::Entity::find()
            .select_only()
            .column(column)
            .filter(room::Column::PropertyId.eq(known.property))
            .filter(column.is_not_null())
            .into_query()
    };
    let types = room_type::Entity::find()
        .select_only()
        .column(room_type::Column::Id)
        .filter(room_type::Column::PropertyId.eq(known.property))
        .into_query();
    // The values of rooms are known already.
    let locked = layer_value::Column::Locked.eq(true);
    let scopes = Condition::any()
        .add(layer_value::Column::ScopeId.is_in(known.above.iter().copied()))
        .add(layer_value::Column::ScopeId.in_subquery(types))
        .add(locked.and(layer_value::Column::ScopeId.in_subquery(of_property(room::Column::Id))));
    let rows = layer_value::Entity::find()
        .filter(layer_value::Column::Key.is_in(keys.iter().copied()))
        .filter(scopes)
        .all(tx)
        .await?;
    for row in rows {
        let Some(scope) = row.scope_id else { continue };
        if row.locked {
            let why = format!("by the {}: {}", row.layer.replace('-', " "), row.reason);
            known.locked.insert((scope, row.key.clone()), why);
        }
        let value = app.secrets.open_setting(&row.key, &row.value).unwrap_or_default().into_owned();
        known.values.insert((scope, row.key), value);
    }
    Ok(())
}

/// Loads SIP servers and accounts. Returns which rooms have which, by server and user.
async fn accounts(
    app: &App,
    tx: &impl ConnectionTrait,
    known: &mut Known,
    wanted: &[Wanted],
) -> Result<HashMap<Uuid, (Uuid, String)>> {
    let property = known.property;
    let servers = sip_server::Entity::find().filter(sip_server::Column::PropertyId.eq(property)).all(tx).await?;
    known.servers = servers.into_iter().map(|row| (row.name, row.id)).collect();
    if known.servers.is_empty() {
        return Ok(HashMap::new());
    }
    if wanted.iter().any(|row| row.account.first.is_some()) {
        let owner = property::Entity::find_by_id(property).one(tx).await?.ok_or_else(|| not_found("property"))?;
        known.emergency = emergency::numbers(tx, &owner).await?.numbers.into_iter().collect();
    }
    let rows = sip_account::Entity::find().filter(sip_account::Column::PropertyId.eq(property)).all(tx).await?;
    let of_property = sip_account::Entity::find()
        .select_only()
        .column(sip_account::Column::Id)
        .filter(sip_account::Column::PropertyId.eq(property))
        .into_query();
    let uses = sip_assignment::Entity::find()
        .filter(sip_assignment::Column::AccountId.in_subquery(of_property))
        .all(tx)
        .await?;
    let (mut rooms, mut phones): (HashMap<Uuid, Vec<Uuid>>, HashMap<Uuid, Vec<Uuid>>) = Default::default();
    for one in uses {
        rooms.entry(one.account_id).or_default().extend(one.room_id);
        phones.entry(one.account_id).or_default().extend(one.phone_id);
    }
    let opened = opened(wanted);
    let mut given = HashMap::new();
    for row in rows {
        let rooms = rooms.remove(&row.id).unwrap_or_default();
        let key = (row.server_id, row.user.clone());
        if row.slot == 1 {
            given.extend(rooms.iter().map(|room| (*room, key.clone())));
        }
        let password = match &opened {
            Some(named) if named.is_empty() || named.contains(row.user.as_str()) => {
                // One that does not open any more is replaced.
                accounts::open(app, &row).unwrap_or_default()
            }
            _ => String::new(),
        };
        let account = KnownAccount {
            password,
            rooms,
            phones: phones.remove(&row.id).unwrap_or_default(),
            id: row.id,
            auth_user: row.auth_user,
            display_name: row.display_name,
            slot: row.slot,
            shared: row.shared,
        };
        known.accounts.insert(key, account);
    }
    Ok(given)
}

/// Users whose passwords are compared; empty: any may be, as a row may have a password and leave the user as it is.
/// `None`: no row has a password.
fn opened(wanted: &[Wanted]) -> Option<HashSet<&str>> {
    let mut rows = wanted.iter().filter(|row| row.account.password.is_some()).peekable();
    rows.peek()?;
    let named: Option<HashSet<&str>> = rows.map(|row| row.account.user.as_deref()).collect();
    Some(named.unwrap_or_default())
}
