//! A chain with 25 properties, room types, rooms and a phone in each, written straight into the database.

use std::collections::HashSet;

use anyhow::Result;
use cloud::app::{App, announce};
use cloud::db::entity::{building, chain, floor, layer_value, phone, property, room, room_type};
use contract::Mac;
use contract::rest::Enrolment;
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait, IntoActiveModel};
use uuid::Uuid;

const PROPERTIES: usize = 25;
/// Rooms of a floor.
const FLOOR: usize = 50;

/// What the chain sets: some of it in words that differ for each phone.
pub const STANDARD: &[(&str, &str)] = &[
    ("account.1.enable", "yes"),
    ("account.1.ring.timeout", "60"),
    ("account.1.sip.server.1.address", "pbx.{property.code}.example"),
    ("account.1.sip.transport", "udp"),
    ("account.1.call.dialplan", "{ {room.extension} | x+ | *x+ }"),
    ("datetime.ntp.server.1", "ntp.chain.example"),
    ("account.1.sip.subscriber.password", "pw-{room.number}-{device.mac}"),
];

pub struct House {
    pub chain: Uuid,
    pub phones: Vec<Uuid>,
    rooms: Vec<Uuid>,
    own: HashSet<Uuid>,
}

impl House {
    pub async fn build(app: &App, phones: usize) -> Result<Self> {
        let write = app.db.write().await?;
        let tx = &write.tx;
        let chain = chain::Model { id: Uuid::now_v7(), name: "Chain".into() };
        chain::Entity::insert(chain.clone().into_active_model()).exec_without_returning(tx).await?;
        let mut house = Self { chain: chain.id, phones: Vec::new(), rooms: Vec::new(), own: HashSet::new() };
        let each = phones.div_ceil(PROPERTIES);
        for number in 0..PROPERTIES {
            let count = each.min(phones.saturating_sub(number * each));
            house.property(tx, number, count).await?;
        }
        house.own = house.phones.iter().step_by(10).copied().collect();
        write.commit().await?;
        Ok(house)
    }

    async fn property(&mut self, tx: &impl ConnectionTrait, number: usize, count: usize) -> Result<()> {
        let id = Uuid::now_v7();
        let property = property::Model {
            id,
            chain_id: self.chain,
            code: format!("p{number}"),
            name: format!("Property {number}"),
            time_zone: "Europe/Lisbon".into(),
            brand_id: None,
            phone: String::new(),
            front_desk: "9".into(),
        };
        property::Entity::insert(property.into_active_model()).exec_without_returning(tx).await?;
        let kind = room_type::Model { id: Uuid::now_v7(), property_id: id, name: "Suite".into() };
        room_type::Entity::insert(kind.clone().into_active_model()).exec_without_returning(tx).await?;
        let house = building::Model { id: Uuid::now_v7(), property_id: id, name: "Main".into(), position: 0 };
        building::Entity::insert(house.clone().into_active_model()).exec_without_returning(tx).await?;
        let (mut rooms, mut phones) = (Vec::new(), Vec::new());
        for at in 0..count {
            if at % FLOOR == 0 {
                let (name, level) = (format!("{}", at / FLOOR), (at / FLOOR) as i32);
                let row = floor::Model { id: Uuid::now_v7(), building_id: house.id, name, level };
                floor::Entity::insert(row.clone().into_active_model()).exec_without_returning(tx).await?;
                rooms.push((row.id, Vec::new()));
            }
            let Some((floor_id, of_floor)) = rooms.last_mut() else { continue };
            let row = room::Model {
                id: Uuid::now_v7(),
                property_id: id,
                floor_id: *floor_id,
                number: format!("{}", 1000 + at),
                extension: format!("{}", 61000 + at),
                guest_name: String::new(),
                room_type_id: (at % 5 == 0).then_some(kind.id),
            };
            let serial = self.phones.len() as u32;
            let [_, a, b, c] = serial.to_be_bytes();
            let mut phone =
                announce::blank(Mac::new([0xc0, 0x74, 0xad, a, b, c]), &format!("S{serial}"), Enrolment::Enrolled);
            phone.model = "GHP621W".into();
            phone.property_id = Some(id);
            phone.room_id = Some(row.id);
            self.rooms.push(row.id);
            self.phones.push(phone.id);
            of_floor.push(row.into_active_model());
            phones.push(phone.into_active_model());
        }
        for (_, of_floor) in rooms {
            room::Entity::insert_many(of_floor).exec_without_returning(tx).await?;
        }
        for part in phones.chunks(500) {
            phone::Entity::insert_many(part.to_vec()).exec_without_returning(tx).await?;
        }
        Ok(())
    }

    /// A tenth of the rooms have a value of their own.
    pub async fn room_values(&self, app: &App) -> Result<()> {
        let write = app.db.write().await?;
        let rows: Vec<_> = self
            .rooms
            .iter()
            .step_by(10)
            .map(|room| layer_value::ActiveModel {
                layer: Set("room".into()),
                scope_id: Set(Some(*room)),
                key: Set(super::KEY.into()),
                value: Set("50".into()),
                locked: Set(false),
                reason: Set(String::new()),
                changed_at: Set(0),
                changed_by: Set("bench".into()),
                ..Default::default()
            })
            .collect();
        for part in rows.chunks(1000) {
            layer_value::Entity::insert_many(part.to_vec()).exec_without_returning(&write.tx).await?;
        }
        write.commit().await?;
        Ok(())
    }

    pub fn has_own_value(&self, phone: Uuid) -> bool {
        self.own.contains(&phone)
    }
}
