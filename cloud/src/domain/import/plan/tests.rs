//! Whatever rows say: what is planned can be carried out, keeps the rules of a property, and is not planned again.

use std::collections::BTreeMap;

use contract::rest::Severity;
use proptest::prelude::*;

use super::*;
use crate::domain::import::{Row, Sheet, mapping, parse};

const HEADINGS: [&str; 7] = ["Room", "Floor", "Building", "Ext", "MAC", "SN", "Room type"];

/// The plan of these rows.
fn plan(known: &Known, rows: &[[String; 7]]) -> Plan {
    let row = |(at, cells): (usize, &[String; 7])| Row { line: at as u32 + 2, cells: cells.to_vec() };
    let sheet = Sheet {
        headings: HEADINGS.map(str::to_owned).into(),
        rows: rows.iter().enumerate().map(row).collect(),
        notes: Vec::new(),
    };
    let columns = mapping::columns(&mapping::guess(&sheet.headings), HEADINGS.len()).unwrap();
    let (wanted, findings) = parse::rows(&sheet, &columns);
    make(known, &wanted, &Headings::new(&sheet, &columns), findings)
}

/// What is there once a plan was carried out.
fn carried_out(mut known: Known, plan: &Plan) -> Known {
    let place = |known: &mut Known, place: &Place| {
        let building = *known.buildings.entry(place.building.clone()).or_insert_with(Uuid::now_v7);
        let there = known.floors.iter().find(|(_, floor)| floor.building == building && floor.name == place.floor);
        let id = there.map_or_else(Uuid::now_v7, |(id, _)| *id);
        let floor = KnownFloor { building, name: place.floor.clone(), level: place.level };
        known.floors.entry(id).or_insert(floor);
        id
    };
    for step in &plan.steps {
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
    let leaving: Vec<Mac> = plan.steps.iter().filter(|step| step.phone.is_some()).filter_map(|step| step.mac).collect();
    for mac in leaving {
        let step = plan.steps.iter().find(|step| step.mac == Some(mac)).unwrap();
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
    known
}

fn rows() -> impl Strategy<Value = Vec<[String; 7]>> {
    let cell = |choices: &'static [&'static str]| proptest::sample::select(choices).prop_map(str::to_owned);
    let row = (
        cell(&["", "1", "2", "3", "4", "12345678901234567"]),
        cell(&["", "A", "B"]),
        cell(&["", "House"]),
        cell(&["", "10", "20", "30", "x y"]),
        cell(&["", "c074ad000001", "c074ad000002", "c074ad000003", "zz"]),
        cell(&["", "S1", "S2"]),
        cell(&["", "Suite"]),
    );
    let row = row.prop_map(|(a, b, c, d, e, f, g)| [a, b, c, d, e, f, g]);
    proptest::collection::vec(row, 0..8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn nothing_is_planned_twice_and_the_rules_hold(first in rows(), second in rows()) {
        let mut known = Known { property: Uuid::now_v7(), ..Known::default() };
        for rows in [first, second] {
            let planned = plan(&known, &rows);
            prop_assert_eq!(planned.rows.len(), rows.len());
            let refused = |plan: &Plan| plan.rows.iter().map(|row| row.action == RowAction::Refused).collect::<Vec<_>>();
            for (row, refused) in planned.rows.iter().zip(refused(&planned)) {
                let error = planned.findings.iter().any(|one| one.row == row.row && one.severity == Severity::Error);
                prop_assert_eq!(error, refused, "a row is refused if, and only if, it has an error: {:?}", row);
            }
            known = carried_out(known, &planned);
            let again = plan(&known, &rows);
            prop_assert!(again.steps.is_empty(), "{:?}", again.rows);
            prop_assert_eq!(refused(&again), refused(&planned));
            let (mut extensions, mut rooms) = (BTreeMap::new(), BTreeMap::new());
            for (number, room) in known.rooms.iter().filter(|(_, room)| !room.extension.is_empty()) {
                prop_assert_eq!(extensions.insert(room.extension.clone(), number), None, "two rooms share an extension");
            }
            for (mac, room) in known.phones.iter().filter_map(|(mac, phone)| Some((mac, phone.room?))) {
                prop_assert_eq!(rooms.insert(room, mac), None, "two phones share a room");
            }
        }
    }
}
