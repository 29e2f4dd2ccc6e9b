//! Whatever rows say: what is planned can be carried out, keeps the rules of a property, and is not planned again.

use std::collections::BTreeMap;

use contract::rest::Severity;
use proptest::prelude::*;

use super::*;
use crate::domain::import::{Row, Sheet, mapping, parse};

const HEADINGS: [&str; 11] = [
    "Room",
    "Floor",
    "Building",
    "Ext",
    "MAC",
    "SN",
    "Room type",
    "SIP server",
    "SIP user",
    "SIP display name",
    "SIP password",
];

/// The plan of these rows.
fn plan(known: &Known, rows: &[[String; 11]]) -> Plan {
    let row = |(at, cells): (usize, &[String; 11])| Row { line: at as u32 + 2, cells: cells.to_vec() };
    let sheet = Sheet {
        headings: HEADINGS.map(str::to_owned).into(),
        rows: rows.iter().enumerate().map(row).collect(),
        notes: Vec::new(),
    };
    let columns = mapping::columns(&mapping::guess(&sheet.headings, true), HEADINGS.len()).unwrap();
    let (wanted, findings) = parse::rows(&sheet, &columns);
    make(known, &wanted, &Headings::new(&sheet, &columns), findings)
}

/// A property with two SIP servers and an account that several rooms may have.
fn property() -> Known {
    let servers: HashMap<String, Uuid> =
        ["Main", "Spare"].map(|name| (name.to_owned(), Uuid::now_v7())).into_iter().collect();
    let account = |slot, shared| KnownAccount {
        id: Uuid::now_v7(),
        auth_user: String::new(),
        display_name: String::new(),
        password: "zanzibar-1207".to_owned(),
        slot,
        shared,
        rooms: Vec::new(),
        phones: Vec::new(),
    };
    let main = servers["Main"];
    Known {
        property: Uuid::now_v7(),
        accounts: HashMap::from([
            ((main, "70".to_owned()), account(1, true)),
            ((main, "80".to_owned()), account(2, false)),
        ]),
        emergency: HashSet::from(["112".to_owned()]),
        servers,
        ..Known::default()
    }
}

/// Accounts once steps were carried out: rooms are emptied before they are filled.
fn give(known: &mut Known, steps: &[Step]) {
    let giving: Vec<(&str, (Uuid, String))> = steps
        .iter()
        .filter_map(|step| Some((step.room_number.as_deref()?, step.account.as_ref().filter(|one| one.give)?)))
        .map(|(room, one)| (room, (one.server, one.user.clone())))
        .collect();
    for step in steps.iter().filter_map(|step| step.account.as_ref()) {
        let key = (step.server, step.user.clone());
        let there = known.accounts.get(&key).map(|there| there.id);
        assert_eq!(step.id, there, "an account is made once");
        let account = known.accounts.entry(key).or_insert_with(|| KnownAccount {
            id: Uuid::now_v7(),
            auth_user: step.user.clone(),
            display_name: String::new(),
            password: "a random one".to_owned(),
            slot: 1,
            shared: false,
            rooms: Vec::new(),
            phones: Vec::new(),
        });
        account.display_name = step.display_name.clone().unwrap_or(account.display_name.clone());
        account.password = step.password.clone().unwrap_or(account.password.clone());
    }
    for (_, key) in giving.iter().filter(|(_, key)| !known.accounts[key].shared) {
        known.rooms.values_mut().filter(|room| room.account.as_ref() == Some(key)).for_each(|room| room.account = None);
    }
    for (room, key) in giving {
        known.rooms.get_mut(room).unwrap().account = Some(key);
    }
    known.accounts.values_mut().for_each(|account| account.rooms.clear());
    for room in known.rooms.values() {
        if let Some(key) = &room.account {
            known.accounts.get_mut(key).unwrap().rooms.push(room.id);
        }
    }
}

/// What is there once steps were carried out.
fn carried_out(mut known: Known, steps: &[Step]) -> Known {
    let place = |known: &mut Known, place: &Place| {
        let building = *known.buildings.entry(place.building.clone()).or_insert_with(Uuid::now_v7);
        let there = known.floors.iter().find(|(_, floor)| floor.building == building && floor.name == place.floor);
        let id = there.map_or_else(Uuid::now_v7, |(id, _)| *id);
        let floor = KnownFloor { building, name: place.floor.clone(), level: place.level };
        known.floors.entry(id).or_insert(floor);
        id
    };
    for step in steps {
        let number = step.room_number.clone().unwrap_or_default();
        let kind = |known: &mut Known, name: &Option<String>| {
            name.as_ref().map(|name| *known.types.entry(name.clone()).or_insert_with(Uuid::now_v7))
        };
        match &step.room {
            Some(RoomStep::Make { place: at, extension, guest_name, room_type }) => {
                let room = KnownRoom {
                    id: Uuid::now_v7(),
                    floor: place(&mut known, at),
                    extension: extension.clone(),
                    guest_name: guest_name.clone(),
                    room_type: kind(&mut known, room_type),
                    account: None,
                };
                assert!(known.rooms.insert(number.clone(), room).is_none(), "a room is made once");
            }
            Some(RoomStep::Change { place: at, extension, room_type, .. }) => {
                let floor = at.as_ref().map(|at| place(&mut known, at));
                let kind = kind(&mut known, room_type);
                let room = known.rooms.get_mut(&number).unwrap();
                room.floor = floor.unwrap_or(room.floor);
                room.room_type = kind.or(room.room_type);
                room.extension = extension.clone().unwrap_or(room.extension.clone());
            }
            None => {}
        }
    }
    let leaving: Vec<Mac> = steps.iter().filter(|step| step.phone.is_some()).filter_map(|step| step.mac).collect();
    for mac in leaving {
        let step = steps.iter().find(|step| step.mac == Some(mac)).unwrap();
        let room = step.room_number.as_ref().and_then(|number| known.rooms.get(number)).map(|room| room.id);
        let stays = matches!(step.phone, Some(PhoneStep::Change { moves: false, .. }));
        if room.is_some() && !stays {
            known.phones.values_mut().filter(|phone| phone.room == room).for_each(|phone| phone.room = None);
        }
        match step.phone.as_ref().unwrap() {
            PhoneStep::Make { serial, model } => {
                let (serial, model, property) = (serial.clone(), model.clone(), Some(known.property));
                let phone =
                    KnownPhone { id: Uuid::now_v7(), serial, model, property, room, enrolment: Enrolment::Expected };
                assert!(known.phones.insert(mac, phone).is_none(), "a phone is made once");
            }
            PhoneStep::Change { serial, moves, .. } => {
                let phone = known.phones.get_mut(&mac).unwrap();
                phone.serial = serial.clone().unwrap_or(phone.serial.clone());
                phone.room = if *moves { room } else { phone.room };
            }
        }
    }
    give(&mut known, steps);
    known
}

fn rows() -> impl Strategy<Value = Vec<[String; 11]>> {
    let cell = |choices: &'static [&'static str]| proptest::sample::select(choices).prop_map(str::to_owned);
    let row = (
        cell(&["", "1", "2", "3", "4", "12345678901234567"]),
        cell(&["", "A", "B"]),
        cell(&["", "House"]),
        cell(&["", "10", "20", "30", "x y"]),
        cell(&["", "c074ad000001", "c074ad000002", "c074ad000003", "zz"]),
        cell(&["", "S1", "S2"]),
        cell(&["", "Suite"]),
        cell(&["", "", "main", "Spare", "Other"]),
        cell(&["", "", "10", "20", "30", "40", "70", "80", "112", "x y"]),
        cell(&["", "", "Room {room.number}", "{sip.password}"]),
        cell(&["", "", "zanzibar-1207", "1207", "•••"]),
    );
    let row = row.prop_map(|(a, b, c, d, e, f, g, h, i, j, k)| [a, b, c, d, e, f, g, h, i, j, k]);
    proptest::collection::vec(row, 0..8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]
    #[test]
    fn nothing_is_planned_twice_and_the_rules_hold(first in rows(), second in rows()) {
        let mut known = property();
        for rows in [first, second] {
            let planned = plan(&known, &rows);
            prop_assert_eq!(planned.rows.len(), rows.len());
            let refused = |plan: &Plan| plan.rows.iter().map(|row| row.action == RowAction::Refused).collect::<Vec<_>>();
            for (row, refused) in planned.rows.iter().zip(refused(&planned)) {
                let error = planned.findings.iter().any(|one| one.row == row.row && one.severity == Severity::Error);
                prop_assert_eq!(error, refused, "a row is refused if, and only if, it has an error: {:?}", row);
            }
            for change in planned.rows.iter().flat_map(|row| &row.changes) {
                prop_assert!(change.field != "sip-password" || !change.new.contains("zanzibar"), "{:?}", change);
            }
            prop_assert!(planned.findings.iter().all(|one| !one.reason.contains("zanzibar") && !one.value.contains("zanzibar")));
            // Row by row, each held against what is there by then: lots are carried out like this.
            let (mut slow, mut position) = (known.clone(), 0);
            while let Some(step) = plan(&slow, &rows).steps.into_iter().find(|step| step.at >= position) {
                position = step.at + 1;
                slow = carried_out(slow, &[step]);
            }
            let left = plan(&slow, &rows);
            prop_assert!(left.steps.is_empty(), "{:?} of {:?}", left.rows, rows);
            prop_assert_eq!(refused(&left), refused(&planned));
            known = carried_out(known, &planned.steps);
            let again = plan(&known, &rows);
            prop_assert!(again.steps.is_empty(), "{:?}", again.rows);
            prop_assert_eq!(refused(&again), refused(&planned));
            let (mut extensions, mut rooms) = (BTreeMap::new(), BTreeMap::new());
            for (number, room) in known.rooms.iter().filter(|(_, room)| !room.extension.is_empty()) {
                prop_assert_eq!(extensions.insert(room.extension.clone(), number), None, "two rooms share an extension");
            }
            let mut had = BTreeMap::new();
            for (number, room) in &known.rooms {
                let Some(key) = room.account.clone().filter(|key| !known.accounts[key].shared) else { continue };
                prop_assert_eq!(&room.extension, &key.1, "the account of room {} is its extension", number);
                prop_assert_eq!(had.insert(key, number), None, "two rooms have an account that is not shared");
            }
            for (mac, room) in known.phones.iter().filter_map(|(mac, phone)| Some((mac, phone.room?))) {
                prop_assert_eq!(rooms.insert(room, mac), None, "two phones share a room");
            }
        }
    }
}
