//! What applying an import would do: each row held against what is there. What holds passwords in the clear has no `Debug`,
//! so that none gets into a log.

mod accounts;
mod extensions;
mod lots;
mod names;

use std::collections::{HashMap, HashSet};

use contract::Mac;
use contract::rest::{Enrolment, Finding, ImportChange, ImportCounts, ImportRow, Layer, RowAction, SECRET_MASK};
use settings::Model;
use uuid::Uuid;

use super::mapping::Word;
use super::parse::{Found, Headings, Wanted};
use crate::domain::catalogue;

pub use accounts::{AccountStep, KnownAccount, hiding};
pub use lots::lot;
use names::Names;

/// What is there.
#[derive(Clone, Default)]
pub struct Known {
    pub property: Uuid,
    /// By name.
    pub buildings: HashMap<String, Uuid>,
    pub floors: HashMap<Uuid, KnownFloor>,
    /// By number.
    pub rooms: HashMap<String, KnownRoom>,
    /// The property's, and those the file names wherever they are.
    pub phones: HashMap<Mac, KnownPhone>,
    /// Of rooms, phones and the layers above, by whose they are and key; secrets in the clear.
    pub values: HashMap<(Uuid, String), String>,
    /// Room types by name.
    pub types: HashMap<String, Uuid>,
    /// The chain, brand and property, whose locks hold for all rows.
    pub above: Vec<Uuid>,
    /// Locks by layer and key: who locked it and why.
    pub locked: HashMap<(Uuid, String), String>,
    /// SIP servers by name.
    pub servers: HashMap<String, Uuid>,
    /// SIP accounts by server and user, all of the property's.
    pub accounts: HashMap<(Uuid, String), KnownAccount>,
    /// Numbers help is called by.
    pub emergency: HashSet<String>,
}

impl Known {
    /// Phones by the rooms they stand in.
    pub fn standing(&self) -> HashMap<Uuid, Uuid> {
        self.phones.values().filter_map(|phone| Some((phone.room?, phone.id))).collect()
    }

    fn is_shared(&self, account: &(Uuid, String)) -> bool {
        self.accounts.get(account).is_some_and(|account| account.shared)
    }
}

#[derive(Clone, Debug)]
pub struct KnownFloor {
    pub building: Uuid,
    pub name: String,
    pub level: i32,
}

#[derive(Clone, Debug)]
pub struct KnownRoom {
    pub id: Uuid,
    pub floor: Uuid,
    pub extension: String,
    pub guest_name: String,
    pub room_type: Option<Uuid>,
    /// Server and user of its SIP account, which is its extension unless it is shared.
    pub account: Option<(Uuid, String)>,
}

#[derive(Clone, Debug)]
pub struct KnownPhone {
    pub id: Uuid,
    pub serial: String,
    pub model: String,
    pub property: Option<Uuid>,
    pub room: Option<Uuid>,
    pub enrolment: Enrolment,
}

/// Where a room is to be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    pub building: String,
    pub floor: String,
    /// Of a floor that is made.
    pub level: i32,
}

/// What a row does to its room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoomStep {
    Make {
        place: Place,
        extension: String,
        guest_name: String,
        room_type: Option<String>,
    },
    Change {
        id: Uuid,
        place: Option<Place>,
        extension: Option<String>,
        guest_name: Option<String>,
        /// A type's name; it is made if there is none of that name.
        room_type: Option<String>,
    },
}

/// What a row does to its phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PhoneStep {
    Make { serial: String, model: String },
    Change { id: Uuid, serial: Option<String>, model: Option<String>, moves: bool, accept: bool },
}

/// A row that does something.
#[derive(Clone, Default)]
pub struct Step {
    /// Position of the row in the sheet.
    pub at: usize,
    pub room_number: Option<String>,
    pub mac: Option<Mac>,
    pub room: Option<RoomStep>,
    pub phone: Option<PhoneStep>,
    pub account: Option<AccountStep>,
    pub values: Vec<(Layer, String, String)>,
}

/// The whole.
#[derive(Clone, Default)]
pub struct Plan {
    /// One for each row of the sheet, in its order.
    pub rows: Vec<ImportRow>,
    /// Rows that change something.
    pub steps: Vec<Step>,
    pub findings: Vec<Finding>,
    pub counts: ImportCounts,
}

/// Holds the rows against what is there. `wanted` and `findings` come from [`super::parse::rows`].
pub fn make(known: &Known, wanted: &[Wanted], headings: &Headings<'_>, findings: Vec<Finding>) -> Plan {
    let named = wanted.iter().filter(|row| row.room.is_some()).filter_map(|row| row.building.as_deref());
    let mut work = Work {
        known,
        wanted,
        headings,
        refused: wanted.iter().map(|row| row.refused).collect(),
        numbers: known.rooms.iter().map(|(number, room)| (room.id, number.as_str())).collect(),
        standing: known.phones.iter().filter_map(|(mac, phone)| Some((phone.room?, *mac))).collect(),
        buildings: Names::new(known.buildings.keys().map(|name| ("", name.as_str()))),
        floors: Names::new(known.floors.values().filter_map(|floor| {
            let building = known.buildings.iter().find(|(_, id)| **id == floor.building)?;
            Some((building.0.as_str(), floor.name.as_str()))
        })),
        types: Names::new(known.types.keys().map(|name| ("", name.as_str()))),
        building_names: known.buildings.iter().map(|(name, id)| (*id, name.as_str())).collect(),
        floor_names: known.floors.values().map(|floor| ((floor.building, floor.name.as_str()), floor.level)).collect(),
        type_names: known.types.iter().map(|(name, id)| (*id, name.as_str())).collect(),
        server_names: known.servers.iter().map(|(name, id)| (*id, name.as_str())).collect(),
        meant: Vec::with_capacity(wanted.len()),
        extensions: Vec::with_capacity(wanted.len()),
        rows_of: wanted.iter().enumerate().filter_map(|(at, row)| Some((row.mac?, at))).collect(),
        new_floors: HashMap::new(),
        new_buildings: HashSet::new(),
        changed_accounts: HashSet::new(),
        plan: Plan { findings, ..Plan::default() },
    };
    for name in named {
        work.buildings.spelled("", name);
    }
    work.twice();
    work.alone();
    work.accounts();
    work.extensions();
    for at in 0..wanted.len() {
        work.row(at);
    }
    work.plan.counts.floors_made = work.new_floors.len() as u32;
    work.plan.counts.buildings_made = work.new_buildings.len() as u32;
    work.plan.findings.sort_by_key(|finding| finding.row);
    work.plan
}

struct Work<'a> {
    known: &'a Known,
    wanted: &'a [Wanted],
    headings: &'a Headings<'a>,
    refused: Vec<bool>,
    numbers: HashMap<Uuid, &'a str>,
    /// Phones by the rooms they stand in.
    standing: HashMap<Uuid, Mac>,
    /// Those there are, and those the rows name: so that a row says the same before and after others were carried out.
    buildings: Names,
    floors: Names,
    types: Names,
    building_names: HashMap<Uuid, &'a str>,
    type_names: HashMap<Uuid, &'a str>,
    server_names: HashMap<Uuid, &'a str>,
    /// The SIP account of each row.
    meant: Vec<Option<accounts::Meant>>,
    /// What each row makes of its room's extension.
    extensions: Vec<Option<String>>,
    /// Levels of floors.
    floor_names: HashMap<(Uuid, &'a str), i32>,
    /// Rows by the phones they name.
    rows_of: HashMap<Mac, usize>,
    /// Levels of floors that are made, by building and name.
    new_floors: HashMap<(String, String), i32>,
    new_buildings: HashSet<String>,
    changed_accounts: HashSet<Uuid>,
    plan: Plan,
}

impl<'a> Work<'a> {
    fn find(&mut self, at: usize, field: Word, found: Found) {
        if found.severity == contract::rest::Severity::Error
            && let Some(refused) = self.refused.get_mut(at)
        {
            *refused = true;
        }
        self.plan.findings.push(self.headings.finding(at, field, found));
    }

    /// A room or a phone that stands in two rows: the first one counts.
    fn twice(&mut self) {
        let (mut rooms, mut macs, mut serials) = (HashMap::new(), HashMap::new(), HashMap::new());
        for (at, row) in self.wanted.iter().enumerate() {
            if let Some(first) = row.room.as_ref().and_then(|room| rooms.insert(room.as_str(), row.line)) {
                let reason = format!("This room stands in line {first} already.");
                self.find(at, Word::Room, Found::error("room-twice", reason, "Delete one of the two rows."));
                rooms.insert(row.room.as_deref().unwrap_or_default(), first);
            }
            if let Some(first) = row.mac.and_then(|mac| macs.insert(mac, row.line)) {
                let reason = format!("This phone stands in line {first} already.");
                self.find(
                    at,
                    Word::Mac,
                    Found::error("mac-twice", reason, "A phone stands in one room: correct one of the two rows."),
                );
                macs.extend(row.mac.map(|mac| (mac, first)));
            }
            if let (Some(mac), Some(serial)) = (row.mac, &row.serial) {
                let (line, other) = *serials.entry(serial.to_ascii_uppercase()).or_insert((row.line, mac));
                if other != mac {
                    let reason = format!("The phone of line {line} has this serial number already.");
                    let remedy = "Compare both with their labels: a phone with another one is not let in.";
                    self.find(at, Word::Serial, Found::warning("serial-twice", reason, remedy));
                }
            }
        }
    }

    /// What is wrong with a row whatever the others say.
    fn alone(&mut self) {
        let wanted = self.wanted;
        for (at, row) in wanted.iter().enumerate() {
            if let Some(number) = &row.room
                && !self.known.rooms.contains_key(number)
            {
                if row.floor.is_none() {
                    let reason = format!("Room {number} is new, and the row does not say on which floor it is.");
                    self.find(at, Word::Floor, Found::error("floor-missing", reason, "Add a column with the floor."));
                }
                if row.building.is_none() && self.buildings.count() > 1 {
                    let reason = format!("Room {number} is new, and there are several buildings.");
                    self.find(
                        at,
                        Word::Building,
                        Found::error("building-missing", reason, "Add a column with the building."),
                    );
                }
            }
            if let Some(mac) = row.mac {
                self.phone_alone(at, row, mac);
            }
            if row.room.is_none() && row.mac.is_none() {
                // That has been said.
                continue;
            }
            for (layer, key, value) in &row.values {
                if self.is_so(row, *layer, key, value) {
                    continue;
                }
                if let Some(why) = self.lock(row, *layer, key) {
                    let reason = format!("{} is locked {why}", catalogue::title_and_page(key).0);
                    let found = Found::error("locked", reason, "Leave the column out, or unlock the value.");
                    self.setting(at, *layer, key, found);
                }
                let nobody = match layer {
                    Layer::Phone => row.mac.is_none(),
                    _ => row.room.is_none(),
                };
                if nobody {
                    let what = if *layer == Layer::Phone { "phone" } else { "room" };
                    let reason = format!("The value is for a {what}, and the row names none.");
                    self.setting(
                        at,
                        *layer,
                        key,
                        Found::error("names-nothing", reason, "Choose the other layer for this column."),
                    );
                }
                let model = row.model.as_deref().or_else(|| Some(self.known.phones.get(&row.mac?)?.model.as_str()));
                let missing =
                    |model: &&str| !catalogue::exists_on(key, model) && !row.implied.contains(&(*layer, key.clone()));
                if let Some(model) = model.filter(missing) {
                    let reason = format!("A {model} does not have this setting.");
                    self.setting(
                        at,
                        *layer,
                        key,
                        Found::warning("not-on-model", reason, "The value is kept, and this phone is not told it."),
                    );
                }
                let mode = catalogue::mode_of(key).filter(|_| !value.is_empty());
                if mode.is_some_and(|mode| self.set(row, &mode).is_none_or(|mode| mode == "none")) {
                    let reason = "Nothing says what the key does, so it does nothing.";
                    let remedy = "Add a column with its mode, for example \"Key 1 mode\" with speed_dial.";
                    self.setting(at, *layer, key, Found::warning("key-without-mode", reason, remedy));
                }
            }
        }
    }

    /// The room or the phone a value is for, if it is there.
    fn scope(&self, row: &Wanted, layer: Layer) -> Option<Uuid> {
        match layer {
            Layer::Phone => Some(self.known.phones.get(&row.mac?)?.id),
            _ => Some(self.known.rooms.get(row.room.as_ref()?)?.id),
        }
    }

    /// What is set there.
    fn there(&self, row: &Wanted, layer: Layer, key: &str) -> Option<&'a str> {
        self.known.values.get(&(self.scope(row, layer)?, key.to_owned())).map(String::as_str)
    }

    /// Whether a value is set already, so that the row does nothing about it.
    fn is_so(&self, row: &Wanted, layer: Layer, key: &str, value: &str) -> bool {
        match self.there(row, layer, key) {
            // Blanks at its ends cannot be told apart in a file.
            Some(old) => old.trim() == value.trim(),
            // What no column says is left to the layers above where they say it.
            None => {
                row.implied.contains(&(layer, key.to_owned()))
                    && self.over(row, layer, key).is_some_and(|over| over == value)
            }
        }
    }

    /// What a row's phone has for a setting once the row is carried out.
    fn set<'b>(&'b self, row: &'b Wanted, key: &str) -> Option<&'b str> {
        let says = |layer: Layer| row.values.iter().find(|(at, of, _)| *at == layer && of == key);
        let on = |layer: Layer| says(layer).map(|(.., value)| value.as_str()).or_else(|| self.there(row, layer, key));
        on(Layer::Phone).or_else(|| on(Layer::Room)).or_else(|| self.over(row, Layer::Phone, key))
    }

    /// What the layers above this one of a row have for a setting; of two the nearer.
    fn over(&self, row: &Wanted, layer: Layer, key: &str) -> Option<&'a str> {
        let value = |scope: Uuid| self.known.values.get(&(scope, key.to_owned()));
        self.above(row, layer).filter_map(value).last().map(String::as_str)
    }

    /// The row's room, or that of the phone it names alone.
    fn room_of(&self, row: &Wanted) -> Option<&'a KnownRoom> {
        let number = match &row.room {
            Some(number) => number.as_str(),
            None => self.numbers.get(&self.known.phones.get(&row.mac?)?.room?)?,
        };
        self.known.rooms.get(number)
    }

    /// The layers above this one of a row, the widest first.
    fn above(&self, row: &Wanted, layer: Layer) -> impl Iterator<Item = Uuid> {
        let named = row.room_type.as_ref().and_then(|name| self.known.types.get(self.types.find("", name)?));
        let room = self.room_of(row);
        let kind = named.copied().or_else(|| room.and_then(|room| room.room_type));
        let own = room.map(|room| room.id).filter(|_| layer == Layer::Phone);
        self.known.above.iter().copied().chain(kind).chain(own)
    }

    /// Who locked a value above the layer it is for.
    fn lock(&self, row: &Wanted, layer: Layer, key: &str) -> Option<&'a str> {
        let above = self.above(row, layer);
        above.filter_map(|scope| self.known.locked.get(&(scope, key.to_owned()))).map(String::as_str).next()
    }

    fn setting(&mut self, at: usize, layer: Layer, key: &str, found: Found) {
        if found.severity == contract::rest::Severity::Error
            && let Some(refused) = self.refused.get_mut(at)
        {
            *refused = true;
        }
        self.plan.findings.push(self.headings.setting(at, layer, key, found));
    }

    fn phone_alone(&mut self, at: usize, row: &Wanted, mac: Mac) {
        let known = self.known.phones.get(&mac);
        if known.and_then(|phone| phone.property).is_some_and(|property| property != self.known.property) {
            let reason = format!("The phone {mac} belongs to another property.");
            let remedy = "Look whether the address is right; if it is, remove the phone there first.";
            return self.find(at, Word::Mac, Found::error("phone-elsewhere", reason, remedy));
        }
        // Whoever phones home may say any address: a phone nobody announced is not taken in by that alone.
        if row.serial.is_none() && known.is_none_or(|phone| phone.enrolment == Enrolment::New) {
            let reason = format!("The phone {mac} is new, and the row does not say its serial number.");
            let remedy = "Add a column with the serial numbers of the labels: they prove whose phone it is.";
            self.find(at, Word::Serial, Found::error("serial-missing", reason, remedy));
        }
        let gets = |model: &&String| {
            let keeps = |phone: &KnownPhone| phone.enrolment != Enrolment::Expected || phone.model == **model;
            !known.is_some_and(keeps)
        };
        if let Some(model) = row.model.as_ref().filter(gets).filter(|model| model.parse::<Model>().is_err()) {
            let reason = format!("{model} is no phone we know.");
            let remedy = "Correct the name, or leave the row out if it is no phone.";
            self.find(at, Word::Model, Found::warning("model-unknown", reason, remedy));
        }
        let Some(phone) = known else { return };
        if let Some(serial) = row.serial.as_ref().filter(|serial| !serial.eq_ignore_ascii_case(&phone.serial)) {
            match phone.enrolment {
                Enrolment::New => self.find(
                    at,
                    Word::Serial,
                    Found::error(
                        "serial-differs",
                        format!(
                            "The phone {mac} has phoned home with the serial number {}, not {serial}.",
                            phone.serial
                        ),
                        "Compare both with the label.",
                    ),
                ),
                Enrolment::Enrolled => self.find(
                    at,
                    Word::Serial,
                    Found::warning(
                        "serial-differs",
                        format!("The phone {mac} reports the serial number {}, not {serial}.", phone.serial),
                        "What the phone reports stays.",
                    ),
                ),
                Enrolment::Expected => {}
            }
        }
    }

    fn row(&mut self, at: usize) {
        let row = &self.wanted[at];
        let mut shown = ImportRow {
            row: row.line,
            action: RowAction::Same,
            room: row.room.clone().unwrap_or_default(),
            mac: row.mac.map(|mac| mac.to_string()).unwrap_or_default(),
            changes: Vec::new(),
        };
        if self.refused[at] {
            shown.action = RowAction::Refused;
            self.plan.counts.refused += 1;
            self.plan.rows.push(shown);
            return;
        }
        let mut step = Step { at, room_number: row.room.clone(), mac: row.mac, ..Step::default() };
        let mut changes = Changes(Vec::new());
        step.room = self.room(at, row, &mut changes);
        step.phone = self.phone(at, row, &mut changes);
        step.account = self.account(at, row, &mut changes);
        for (layer, key, value) in &row.values {
            if self.is_so(row, *layer, key, value) {
                continue;
            }
            let mask = |value: &str| match catalogue::is_secret(key) && !value.is_empty() {
                true => SECRET_MASK.to_owned(),
                false => value.to_owned(),
            };
            changes.say(key, &mask(self.there(row, *layer, key).unwrap_or_default()), &mask(value));
            step.values.push((*layer, key.clone(), value.clone()));
        }
        let counts = &mut self.plan.counts;
        counts.values_set += step.values.len() as u32;
        if let Some(account) = &step.account {
            counts.accounts_made += u32::from(account.id.is_none());
            let changed = account.id.filter(|_| account.changes());
            counts.accounts_changed += u32::from(changed.is_some_and(|id| self.changed_accounts.insert(id)));
            counts.accounts_given += u32::from(account.give);
        }
        let made =
            matches!(step.room, Some(RoomStep::Make { .. })) || matches!(step.phone, Some(PhoneStep::Make { .. }));
        match (&step.room, &step.phone) {
            (None, None) if step.values.is_empty() && step.account.is_none() => counts.same += 1,
            _ => {
                shown.action = if made { RowAction::Make } else { RowAction::Change };
                match made {
                    true => counts.make += 1,
                    false => counts.change += 1,
                }
                match &step.room {
                    Some(RoomStep::Make { .. }) => counts.rooms_made += 1,
                    Some(RoomStep::Change { .. }) => counts.rooms_changed += 1,
                    None => {}
                }
                match &step.phone {
                    Some(PhoneStep::Make { .. }) => counts.phones_made += 1,
                    Some(PhoneStep::Change { .. }) => counts.phones_changed += 1,
                    None => {}
                }
                self.plan.steps.push(step);
            }
        }
        shown.changes = changes.0;
        self.plan.rows.push(shown);
    }

    fn room(&mut self, at: usize, row: &Wanted, changes: &mut Changes) -> Option<RoomStep> {
        let number = row.room.as_ref()?;
        let there = self.known.rooms.get(number);
        let floor = there.and_then(|room| self.known.floors.get(&room.floor));
        let building = floor.and_then(|floor| self.building_names.get(&floor.building).copied());
        let old = building.zip(floor).map(|(building, floor)| (building, floor.name.as_str()));
        let place = self.place(at, row, old);
        if let Some(place) = &place {
            let (old_building, old_floor) = old.unwrap_or_default();
            changes.differ("building", old_building, &place.building);
            changes.differ("floor", old_floor, &place.floor);
        }
        let text = |old: Option<&String>, new: &Option<String>| new.clone().filter(|new| old != Some(new));
        let extension = text(there.map(|room| &room.extension), &self.extensions[at]);
        let guest_name = text(there.map(|room| &room.guest_name), &row.guest_name);
        let old_type = there.and_then(|room| self.type_names.get(&room.room_type?).copied());
        let named = row.room_type.as_ref().map(|name| self.types.spelled("", name));
        let room_type = named.filter(|new| old_type != Some(new));
        if there.is_none() {
            changes.say("room", "", number);
        }
        if let Some(new) = &room_type {
            changes.say("room-type", old_type.unwrap_or_default(), new);
        }
        if let Some(new) = &extension {
            changes.say("extension", there.map_or("", |room| &room.extension), new);
        }
        if let Some(new) = &guest_name {
            changes.say("guest-name", there.map_or("", |room| &room.guest_name), new);
        }
        match there {
            None => {
                let (extension, guest_name) = (extension.unwrap_or_default(), guest_name.unwrap_or_default());
                place.map(|place| RoomStep::Make { place, extension, guest_name, room_type })
            }
            Some(_) if place.is_none() && extension.is_none() && guest_name.is_none() && room_type.is_none() => None,
            Some(room) => Some(RoomStep::Change { id: room.id, place, extension, guest_name, room_type }),
        }
    }

    /// Where the room is to be, if that is not where it is.
    fn place(&mut self, at: usize, row: &Wanted, old: Option<(&str, &str)>) -> Option<Place> {
        let named = row.building.as_ref().map(|name| self.buildings.spelled("", name));
        let only = || self.buildings.only().map(str::to_owned);
        let building = named.or_else(|| old.map(|(building, _)| building.to_owned())).or_else(only);
        let building = building.unwrap_or_else(|| "Main building".to_owned());
        let floor = row.floor.as_deref().or(old.map(|(_, floor)| floor))?;
        let floor = self.floors.spelled(&building, floor);
        let building_id = self.known.buildings.get(&building);
        let known = building_id.and_then(|id| self.floor_names.get(&(*id, floor.as_str())).copied());
        let level = row.level.or_else(|| number_in(&floor)).unwrap_or(0);
        match known {
            Some(there) if row.level.is_some_and(|level| level != there) => {
                let reason = format!("The floor {floor} is there already, at level {there}.");
                self.find(at, Word::Level, Found::warning("level-differs", reason, "The floor's level stays."));
            }
            Some(_) => {}
            None => {
                let first = *self.new_floors.entry((building.clone(), floor.clone())).or_insert(level);
                if building_id.is_none() {
                    self.new_buildings.insert(building.clone());
                }
                if row.level.is_some_and(|level| level != first) {
                    let reason = format!("Another row makes the floor {floor} at level {first}.");
                    self.find(at, Word::Level, Found::warning("level-differs", reason, "The first row counts."));
                }
            }
        }
        (old != Some((building.as_str(), floor.as_str()))).then_some(Place { building, floor, level })
    }

    fn phone(&mut self, at: usize, row: &Wanted, changes: &mut Changes) -> Option<PhoneStep> {
        let mac = row.mac?;
        let room = row.room.as_ref().and_then(|number| self.known.rooms.get(number)).map(|room| room.id);
        if let Some(room) = room
            && let Some(there) = self.standing.get(&room).copied().filter(|there| *there != mac)
            && !self.rows_of.get(&there).is_some_and(|at| self.wanted[*at].room.is_some() && !self.refused[*at])
        {
            let reason = format!("The phone {there} stands in this room; it is taken out and stays with the property.");
            self.find(at, Word::Mac, Found::warning("phone-displaced", reason, "Nothing, if the phone was swapped."));
        }
        let Some(there) = self.known.phones.get(&mac) else {
            changes.say("mac", "", &mac.to_string());
            let (serial, model) = (row.serial.clone().unwrap_or_default(), row.model.clone().unwrap_or_default());
            return Some(PhoneStep::Make { serial, model });
        };
        let accept = there.enrolment == Enrolment::New || there.property.is_none();
        let expected = there.enrolment == Enrolment::Expected;
        let text =
            |old: &str, new: &Option<String>| new.clone().filter(|new| expected && !new.eq_ignore_ascii_case(old));
        let (serial, model) = (text(&there.serial, &row.serial), text(&there.model, &row.model));
        let moves = row.room.is_some() && (room.is_none() || there.room != room);
        if let Some(serial) = &serial {
            changes.say("serial", &there.serial, serial);
        }
        if let Some(model) = &model {
            changes.say("model", &there.model, model);
        }
        if accept {
            changes.say("mac", "", &mac.to_string());
        }
        if moves {
            let old = there.room.and_then(|room| self.numbers.get(&room).copied()).unwrap_or_default();
            let new = row.room.as_deref().unwrap_or_default();
            changes.say("phone's room", old, new);
            if !old.is_empty() {
                let reason = format!("The phone {mac} stands in room {old} now; it moves to room {new}.");
                self.find(at, Word::Mac, Found::warning("phone-moves", reason, "Nothing, if the phone was moved."));
            }
        }
        let changed = serial.is_some() || model.is_some() || moves || accept;
        changed.then_some(PhoneStep::Change { id: there.id, serial, model, moves, accept })
    }
}

struct Changes(Vec<ImportChange>);

impl Changes {
    fn say(&mut self, field: &str, old: &str, new: &str) {
        self.0.push(ImportChange { field: field.to_owned(), old: old.to_owned(), new: new.to_owned() });
    }

    fn differ(&mut self, field: &str, old: &str, new: &str) {
        if old != new {
            self.say(field, old, new);
        }
    }
}

/// "12th floor", "Etage 3": the number a floor's name holds.
fn number_in(name: &str) -> Option<i32> {
    let start = name.find(|c: char| c.is_ascii_digit())?;
    let digits: String = name[start..].chars().take_while(char::is_ascii_digit).collect();
    let negative = name[..start].ends_with('-');
    digits.parse::<i32>().ok().filter(|level| *level <= 200).map(|level| if negative { -level } else { level })
}

#[cfg(test)]
mod tests;
