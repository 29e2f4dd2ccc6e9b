//! What variables in values stand for on one phone.

use std::collections::{BTreeSet, HashMap};

use provisioning::variables::{self, Template, VariableError};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::layers::{IDS, Layers};
use super::targets::Target;
use crate::app::Result;
use crate::app::accounts::derive::Accounts;
use crate::db::entity::{building, floor, property, room};
use crate::domain::catalogue;

/// Names of floors and their buildings, loaded only where a value asks for them.
#[derive(Default)]
pub struct Places {
    /// Floor → its name and its building's.
    floors: HashMap<Uuid, (String, String)>,
}

impl Places {
    fn has(variable: &str) -> bool {
        matches!(variable, "floor.name" | "building.name")
    }

    pub async fn load(tx: &impl ConnectionTrait, rooms: impl Iterator<Item = &room::Model>) -> Result<Self> {
        let ids: BTreeSet<Uuid> = rooms.map(|room| room.floor_id).collect();
        let ids: Vec<Uuid> = ids.into_iter().collect();
        let mut floors = Vec::new();
        for ids in ids.chunks(IDS) {
            floors.extend(floor::Entity::find().filter(floor::Column::Id.is_in(ids.iter().copied())).all(tx).await?);
        }
        let ids: BTreeSet<Uuid> = floors.iter().map(|floor| floor.building_id).collect();
        let all = building::Entity::find().filter(building::Column::Id.is_in(ids)).all(tx).await?;
        let buildings: HashMap<Uuid, String> = all.into_iter().map(|row| (row.id, row.name)).collect();
        let named = |floor: floor::Model| {
            let building = buildings.get(&floor.building_id).cloned().unwrap_or_default();
            (floor.id, (floor.name, building))
        };
        Ok(Self { floors: floors.into_iter().map(named).collect() })
    }
}

/// A phone with what stands over it.
pub struct Facts<'a> {
    pub layers: &'a Layers,
    pub places: &'a Places,
    pub accounts: &'a Accounts,
    pub target: &'a Target,
    pub property: Option<&'a property::Model>,
    pub room: Option<&'a room::Model>,
}

impl Facts<'_> {
    /// The value a template makes for this phone, canonical; or why it makes none that is allowed.
    pub fn fill(&self, key: &str, template: &Template) -> std::result::Result<String, String> {
        let found = catalogue::find(key).ok_or_else(|| format!("there is no setting {key}"))?;
        let text = variables::fill(found, template, |name| self.value(name)).map_err(|error| match error {
            VariableError::Missing(name) if name.starts_with(SIP) => {
                format!("{error}: neither the phone nor its room has a SIP account")
            }
            error => error.to_string(),
        })?;
        settings::validate_ref(found, &text).map_err(|error| error.to_string())
    }

    /// `None`: there is no such thing here. Empty only where emptiness says something.
    fn value(&self, name: &str) -> Option<String> {
        let (property, room) = (self.property, self.room);
        let floor = || self.places.floors.get(&room?.floor_id);
        let value = match name {
            "chain.name" => self.layers.chains.get(&property?.chain_id)?.name.clone(),
            "property.name" => property?.name.clone(),
            "property.code" => property?.code.clone(),
            "property.phone" => property?.phone.clone(),
            "property.front_desk" => property?.front_desk.clone(),
            "property.time_zone" => property?.time_zone.clone(),
            "building.name" => floor()?.1.clone(),
            "floor.name" => floor()?.0.clone(),
            "room.number" => room?.number.clone(),
            "room.extension" => room?.extension.clone(),
            // An extension somebody typed is a user as well.
            "sip.user" => self.account(name).or_else(|| Some(room?.extension.clone()))?,
            name if name.starts_with(SIP) => self.account(name)?,
            // A vacant room has an empty name, which is a value.
            "guest.name" => return Some(room?.guest_name.clone()),
            "device.mac" => self.target.mac.clone(),
            "device.mac_colons" => colons(&self.target.mac),
            "device.model" => self.target.model.clone(),
            "device.serial" => self.target.serial.clone(),
            _ => return None,
        };
        Some(value).filter(|value| !value.is_empty())
    }

    fn account(&self, name: &str) -> Option<String> {
        self.accounts.variable(name, self.target, self.room)
    }
}

/// How variables of a SIP account begin.
const SIP: &str = "sip.";

/// What variables ask for that is loaded only then.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Asked {
    pub places: bool,
    pub accounts: bool,
    pub passwords: bool,
}

impl Asked {
    pub fn of<'a>(templates: impl Iterator<Item = &'a Template>) -> Self {
        let mut asked = Self::default();
        for variable in templates.flat_map(Template::variables) {
            asked.places |= Places::has(variable.name);
            asked.accounts |= variable.name.starts_with(SIP);
            asked.passwords |= variable.name == "sip.password";
        }
        asked
    }
}

fn colons(mac: &str) -> String {
    mac.parse::<contract::Mac>().map(|mac| mac.to_string().to_lowercase()).unwrap_or_default()
}
