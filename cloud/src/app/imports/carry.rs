//! Carries a plan's steps out: within one transaction, by statements over many rows.

use std::collections::{HashMap, HashSet};

use contract::rest::{Enrolment, ImportCounts};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter};
use uuid::Uuid;

use super::{accounts, values};
use crate::app::announce::blank;
use crate::app::desired::targets::{self, Target};
use crate::app::desired::{Change, refresh_targets};
use crate::app::live::{Touched, touch};
use crate::app::{Actor, App, Result, claims};
use crate::db::column::write_column;
use crate::db::entity::{building, floor, import, job, phone, room, room_type};
use crate::db::insert::insert_all;
use crate::domain::import::plan::{Known, PhoneStep, Place, RoomStep, Step};

/// Ids in one statement; keeps it below the databases' limits on parameters.
const ROWS: usize = 500;

/// Values of one column, by the rows they go to.
type Column<T> = Vec<(Uuid, T)>;

/// Carries out `steps`, which were planned against `known` within this transaction. Returns what was done and the jobs.
pub async fn steps(
    app: &App,
    tx: &impl ConnectionTrait,
    actor: &Actor,
    known: &Known,
    steps: &[Step],
    import: &import::Model,
) -> Result<(ImportCounts, Vec<job::Model>)> {
    let mut counts = ImportCounts::default();
    let floors = places(tx, known, steps, &mut counts).await?;
    let new_rooms = rooms(tx, known, steps, &floors, &mut counts).await?;
    let room_of = |number: &Option<String>| {
        let number = number.as_ref()?;
        new_rooms.get(number).copied().or_else(|| known.rooms.get(number).map(|room| room.id))
    };
    let mut changed = Changed::default();
    let moves = phones(tx, known, steps, &room_of, &mut counts, &mut changed).await?;
    claims::overtaken(app, tx, actor, &moves).await?;
    accounts::carry(app, tx, known, steps, &room_of, &mut counts, &mut changed).await?;
    let purpose = values::Purpose { actor, import: import.id, comment: format!("Import {}", import.name) };
    let sets = values::carry(app, tx, &purpose, known, steps, &room_of, &mut counts, &mut changed).await?;
    for step in steps {
        let made =
            matches!(step.room, Some(RoomStep::Make { .. })) || matches!(step.phone, Some(PhoneStep::Make { .. }));
        if made {
            counts.make += 1
        } else {
            counts.change += 1
        }
        if step.room.is_some() {
            changed.rooms.extend(room_of(&step.room_number));
        }
    }
    let phones = changed.phones(tx).await?;
    let in_rooms: HashSet<Uuid> = phones.iter().filter_map(|phone| phone.room_id).collect();
    let empty = changed.rooms.iter().filter(|room| !in_rooms.contains(room)).map(|room| Touched {
        property: Some(known.property),
        room: Some(*room),
        ..Touched::default()
    });
    let of_phone = |phone: &Target| Touched {
        property: phone.property_id,
        room: phone.room_id,
        phone: Some(phone.id),
        ..Touched::default()
    };
    let touched: Vec<Touched> = phones.iter().map(of_phone).chain(empty).collect();
    let change = Change { actor, summary: purpose.comment };
    let jobs = refresh_targets(app, tx, &phones, &change, None, None).await?;
    values::reached(tx, &sets, &phones, &jobs).await?;
    touch(tx, touched).await?;
    Ok((counts, jobs))
}

/// Rooms and phones that were changed in some way.
#[derive(Default)]
pub struct Changed {
    pub rooms: HashSet<Uuid>,
    pub phones: HashSet<Uuid>,
}

impl Changed {
    /// The phones that follow.
    async fn phones(&self, tx: &impl ConnectionTrait) -> Result<Vec<Target>> {
        let (mut found, mut seen) = (Vec::new(), HashSet::new());
        for (column, ids) in [(phone::Column::Id, &self.phones), (phone::Column::RoomId, &self.rooms)] {
            let ids: Vec<Uuid> = ids.iter().copied().collect();
            for ids in ids.chunks(ROWS) {
                let phones = targets::load(tx, column.is_in(ids.iter().copied())).await?;
                found.extend(phones.into_iter().filter(|phone| seen.insert(phone.id)));
            }
        }
        Ok(found)
    }
}

/// Makes the buildings and floors that are missing; floors by building and name.
async fn places(
    tx: &impl ConnectionTrait,
    known: &Known,
    steps: &[Step],
    counts: &mut ImportCounts,
) -> Result<HashMap<(String, String), Uuid>> {
    let names: HashMap<Uuid, &String> = known.buildings.iter().map(|(name, id)| (*id, name)).collect();
    let mut floors: HashMap<(String, String), Uuid> = known
        .floors
        .iter()
        .filter_map(|(id, floor)| Some((((*names.get(&floor.building)?).clone(), floor.name.clone()), *id)))
        .collect();
    let mut buildings = known.buildings.clone();
    let (mut new_buildings, mut new_floors) = (Vec::new(), Vec::new());
    for place in steps.iter().filter_map(|step| place(step.room.as_ref()?)) {
        let building_id = *buildings.entry(place.building.clone()).or_insert_with(|| {
            let position = (known.buildings.len() + new_buildings.len()) as i32;
            let row = building::Model {
                id: Uuid::now_v7(),
                property_id: known.property,
                name: place.building.clone(),
                position,
            };
            new_buildings.push(row.clone().into_active_model());
            row.id
        });
        floors.entry((place.building.clone(), place.floor.clone())).or_insert_with(|| {
            let row = floor::Model { id: Uuid::now_v7(), building_id, name: place.floor.clone(), level: place.level };
            new_floors.push(row.clone().into_active_model());
            row.id
        });
    }
    counts.buildings_made = new_buildings.len() as u32;
    counts.floors_made = new_floors.len() as u32;
    if !new_buildings.is_empty() {
        building::Entity::insert_many(new_buildings).exec_without_returning(tx).await?;
    }
    if !new_floors.is_empty() {
        floor::Entity::insert_many(new_floors).exec_without_returning(tx).await?;
    }
    Ok(floors)
}

fn place(step: &RoomStep) -> Option<&Place> {
    match step {
        RoomStep::Make { place, .. } => Some(place),
        RoomStep::Change { place, .. } => place.as_ref(),
    }
}

/// Makes and changes rooms; the new ones by number.
async fn rooms(
    tx: &impl ConnectionTrait,
    known: &Known,
    steps: &[Step],
    floors: &HashMap<(String, String), Uuid>,
    counts: &mut ImportCounts,
) -> Result<HashMap<String, Uuid>> {
    let floor_of = |place: &Place| floors.get(&(place.building.clone(), place.floor.clone())).copied();
    let (mut made, mut rows) = (HashMap::new(), Vec::new());
    let (mut on_floors, mut extensions, mut guests) = (Column::new(), Column::new(), Column::new());
    let mut kinds: Column<Option<Uuid>> = Column::new();
    let types = types(tx, known, steps).await?;
    for step in steps {
        match &step.room {
            Some(RoomStep::Make { place, extension, guest_name, room_type }) => {
                let (Some(number), Some(floor_id)) = (&step.room_number, floor_of(place)) else { continue };
                let id = Uuid::now_v7();
                made.insert(number.clone(), id);
                rows.push(room::ActiveModel {
                    id: Set(id),
                    property_id: Set(known.property),
                    floor_id: Set(floor_id),
                    number: Set(number.clone()),
                    extension: Set(extension.clone()),
                    guest_name: Set(guest_name.clone()),
                    room_type_id: Set(room_type.as_ref().and_then(|name| types.get(name)).copied()),
                });
            }
            Some(RoomStep::Change { id, place, extension, guest_name, room_type }) => {
                counts.rooms_changed += 1;
                on_floors.extend(place.as_ref().and_then(floor_of).map(|floor| (*id, floor)));
                extensions.extend(extension.clone().map(|extension| (*id, extension)));
                guests.extend(guest_name.clone().map(|name| (*id, name)));
                kinds.extend(room_type.as_ref().and_then(|name| types.get(name)).map(|kind| (*id, Some(*kind))));
            }
            None => {}
        }
    }
    counts.rooms_made = rows.len() as u32;
    if !rows.is_empty() {
        room::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    write_column::<room::Entity, _>(tx, room::Column::Id, room::Column::FloorId, on_floors).await?;
    write_column::<room::Entity, _>(tx, room::Column::Id, room::Column::Extension, extensions).await?;
    write_column::<room::Entity, _>(tx, room::Column::Id, room::Column::GuestName, guests).await?;
    write_column::<room::Entity, _>(tx, room::Column::Id, room::Column::RoomTypeId, kinds).await?;
    Ok(made)
}

/// Makes the room types that are missing; types by name.
async fn types(tx: &impl ConnectionTrait, known: &Known, steps: &[Step]) -> Result<HashMap<String, Uuid>> {
    let (mut types, mut made) = (known.types.clone(), Vec::new());
    for step in steps {
        let (Some(RoomStep::Make { room_type, .. }) | Some(RoomStep::Change { room_type, .. })) = &step.room else {
            continue;
        };
        let Some(name) = room_type.as_ref().filter(|name| !types.contains_key(*name)) else { continue };
        let row = room_type::Model { id: Uuid::now_v7(), property_id: known.property, name: name.clone() };
        types.insert(name.clone(), row.id);
        made.push(row.into_active_model());
    }
    if !made.is_empty() {
        room_type::Entity::insert_many(made).exec_without_returning(tx).await?;
    }
    Ok(types)
}

/// Makes, changes and moves phones. Rooms are emptied before they are filled, so phones may change places. Returns into which
/// rooms phones were moved that were there.
async fn phones(
    tx: &impl ConnectionTrait,
    known: &Known,
    steps: &[Step],
    room_of: &impl Fn(&Option<String>) -> Option<Uuid>,
    counts: &mut ImportCounts,
    changed: &mut Changed,
) -> Result<HashMap<Uuid, Uuid>> {
    let standing = known.standing();
    let (mut made, mut leave) = (Vec::new(), HashSet::new());
    let (mut serials, mut models, mut moves, mut accepted) = (Column::new(), Column::new(), Column::new(), Vec::new());
    for step in steps {
        let (Some(mac), Some(phone)) = (step.mac, &step.phone) else { continue };
        let room = room_of(&step.room_number);
        let id = match phone {
            PhoneStep::Make { serial, model } => {
                let row = phone::Model {
                    model: model.clone(),
                    property_id: Some(known.property),
                    room_id: room,
                    ..blank(mac, serial, Enrolment::Expected)
                };
                leave.extend(room.and_then(|room| standing.get(&room)));
                made.push(row.clone().into_active_model());
                row.id
            }
            PhoneStep::Change { id, serial, model, moves: moved, accept } => {
                counts.phones_changed += 1;
                serials.extend(serial.clone().map(|serial| (*id, serial)));
                models.extend(model.clone().map(|model| (*id, model)));
                if *accept {
                    accepted.push(*id);
                }
                if let Some(room) = room.filter(|_| *moved) {
                    // The room it leaves shows that at once.
                    changed.rooms.extend(known.phones.get(&mac).and_then(|phone| phone.room));
                    leave.extend(standing.get(&room));
                    leave.insert(*id);
                    moves.push((*id, Some(room)));
                }
                *id
            }
        };
        changed.phones.insert(id);
    }
    changed.phones.extend(&leave);
    counts.phones_made = made.len() as u32;
    let leave: Vec<Uuid> = leave.into_iter().collect();
    for leave in leave.chunks(ROWS) {
        phone::Entity::update_many()
            .col_expr(phone::Column::RoomId, Expr::value(None::<Uuid>))
            .filter(phone::Column::Id.is_in(leave.iter().copied()))
            .exec(tx)
            .await?;
    }
    insert_all(tx, made).await?;
    if !accepted.is_empty() {
        phone::Entity::update_many()
            .col_expr(phone::Column::PropertyId, Expr::value(known.property))
            .col_expr(phone::Column::Enrolment, Expr::value(Enrolment::Expected.as_str()))
            .filter(phone::Column::Id.is_in(accepted))
            .exec(tx)
            .await?;
    }
    write_column::<phone::Entity, _>(tx, phone::Column::Id, phone::Column::Serial, serials).await?;
    write_column::<phone::Entity, _>(tx, phone::Column::Id, phone::Column::Model, models).await?;
    let into = moves.iter().filter_map(|(phone, room)| Some((*phone, (*room)?))).collect();
    write_column::<phone::Entity, _>(tx, phone::Column::Id, phone::Column::RoomId, moves).await?;
    Ok(into)
}
