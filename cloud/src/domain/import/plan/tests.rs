//! Whatever rows say: what is planned can be carried out, keeps the rules of a property, and is not planned again.

use std::collections::BTreeMap;

use contract::rest::Severity;
use proptest::prelude::*;

use super::*;
use crate::domain::import::{Row, Sheet, mapping, parse};

const HEADINGS: [&str; 12] = [
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
    "Auth ID",
];

/// The plan of these rows.
fn plan(known: &Known, rows: &[[String; 12]]) -> Plan {
    let rows: Vec<Vec<&str>> = rows.iter().map(|row| row.iter().map(String::as_str).collect()).collect();
    plan_of(known, &HEADINGS, &rows)
}

fn plan_of(known: &Known, headings: &[&str], rows: &[Vec<&str>]) -> Plan {
    let texts = |texts: &[&str]| -> Vec<String> { texts.iter().map(|text| (*text).to_owned()).collect() };
    let row = |(at, cells): (usize, &Vec<&str>)| Row { line: at as u32 + 2, cells: texts(cells), ..Row::default() };
    let rows = rows.iter().enumerate().map(row).collect();
    let sheet = Sheet { headings: texts(headings), rows, notes: Vec::new() };
    let columns = mapping::columns(&mapping::guess(&sheet.headings, true), headings.len()).unwrap();
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
        account.auth_user = step.auth_user.clone().unwrap_or(account.auth_user.clone());
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

fn rows() -> impl Strategy<Value = Vec<[String; 12]>> {
    let cell = |choices: &'static [&'static str]| proptest::sample::select(choices).prop_map(str::to_owned);
    let row = (
        cell(&["", "1", "2", "3", "4", "12345678901234567"]),
        cell(&["", "A", "B", "a"]),
        cell(&["", "House", "house"]),
        cell(&["", "10", "20", "30", "x y"]),
        cell(&["", "c074ad000001", "c074ad000002", "c074ad000003", "zz"]),
        cell(&["", "S1", "S2"]),
        cell(&["", "Suite", "SUITE"]),
        cell(&["", "", "main", "Spare", "Other"]),
        cell(&["", "", "10", "20", "30", "40", "70", "80", "112", "x y"]),
        cell(&["", "", "Room {room.number}", "{sip.password}"]),
        cell(&["", "", "zanzibar-1207", "1207", "•••"]),
        cell(&["", "", "auth", "other"]),
    );
    let row = row.prop_map(|(a, b, c, d, e, f, g, h, i, j, k, l)| [a, b, c, d, e, f, g, h, i, j, k, l]);
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
            // The smallest lots, each held against what is there by then.
            let (mut slow, mut position) = (known.clone(), 0);
            loop {
                let mut left = plan(&slow, &rows).steps;
                left.retain(|step| step.at >= position);
                let Some(first) = left.first() else { break };
                position = first.at + 1;
                let (lot, _) = lot(&slow, &left, 1);
                slow = carried_out(slow, &lot);
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

/// The property with rooms of these numbers and extensions, each with its account: server and user.
fn with_rooms(rooms: &[(&str, &str, (&str, &str))]) -> Known {
    let mut known = property();
    let building = Uuid::now_v7();
    known.buildings.insert("House".to_owned(), building);
    let floor = Uuid::now_v7();
    known.floors.insert(floor, KnownFloor { building, name: "A".to_owned(), level: 0 });
    for (number, extension, (server, user)) in rooms {
        let id = Uuid::now_v7();
        let key = (known.servers[*server], (*user).to_owned());
        let like = known.accounts.values().next().unwrap().clone();
        let new = KnownAccount { id: Uuid::now_v7(), shared: false, slot: 1, rooms: Vec::new(), ..like };
        let account = known.accounts.entry(key.clone()).or_insert(new);
        account.rooms.push(id);
        let (extension, guest_name) = ((*extension).to_owned(), String::new());
        let room = KnownRoom { id, floor, extension, guest_name, room_type: None, account: Some(key) };
        known.rooms.insert((*number).to_owned(), room);
    }
    known
}

/// Rows with only these cells.
fn cells(rows: &[&[(&str, &str)]]) -> Vec<[String; 12]> {
    let cell = |row: &[(&str, &str)], heading: &str| {
        row.iter().find(|(name, _)| *name == heading).map_or_else(String::new, |(_, text)| (*text).to_owned())
    };
    rows.iter().map(|row| HEADINGS.map(|heading| cell(row, heading))).collect()
}

fn said(plan: &Plan) -> Vec<(u32, &str, &str)> {
    plan.findings.iter().map(|one| (one.row, one.column.as_str(), one.kind.as_str())).collect()
}

#[test]
fn rooms_that_trade_accounts_are_carried_out_in_one_lot() {
    let known = with_rooms(&[("1", "10", ("Main", "10")), ("2", "20", ("Spare", "20")), ("3", "30", ("Main", "30"))]);
    let rows = cells(&[
        &[("Room", "1"), ("SIP server", "Spare"), ("SIP user", "20")],
        &[("Room", "3"), ("SIP display name", "Bar")],
        &[("Room", "2"), ("SIP user", "10")],
    ]);
    let planned = plan(&known, &rows);
    assert_eq!(planned.counts.refused, 0, "{:?}", planned.findings);
    let (first, is_more) = lot(&known, &planned.steps, 1);
    let rooms: Vec<_> = first.iter().map(|step| step.room_number.as_deref().unwrap()).collect();
    assert_eq!((rooms, is_more), (vec!["1", "2"], true));
    let known = carried_out(known, &first);
    assert_eq!(known.rooms["2"].account, Some((known.servers["Spare"], "10".to_owned())));
    let left = plan(&known, &rows);
    assert_eq!((left.counts.refused, left.steps.len()), (0, 1), "{:?}", left.findings);
}

#[test]
fn rows_agree_on_each_part_of_a_shared_account() {
    let known = property();
    let row = |room, heading, text| {
        [("Room", room), ("Floor", "A"), ("SIP server", "main"), ("SIP user", "70"), (heading, text)]
    };
    let rows = [
        row("1", "Ext", ""),
        row("2", "SIP display name", "Lobby"),
        row("3", "SIP display name", "Bar"),
        row("4", "Auth ID", "one"),
        row("5", "Auth ID", "other"),
        row("6", "SIP password", "zanzibar-1208"),
        row("7", "SIP password", "zanzibar-1209"),
    ];
    let planned = plan(&known, &cells(&rows.each_ref().map(|row| row.as_slice())));
    let twice: Vec<_> = said(&planned).into_iter().filter(|(.., kind)| *kind == "account-twice").collect();
    let wanted = [(4, "SIP display name"), (6, "Auth ID"), (8, "SIP password")];
    assert_eq!(twice, wanted.map(|(row, column)| (row, column, "account-twice")));
    assert_eq!(planned.counts.accounts_changed, 1, "rows change one account");
}

#[test]
fn a_room_that_goes_to_a_shared_account_gives_its_number_back() {
    let known = with_rooms(&[("1", "10", ("Main", "10"))]);
    let rows = cells(&[
        &[("Room", "1"), ("SIP user", "70")],
        &[("Room", "2"), ("Floor", "A"), ("SIP server", "Main"), ("SIP user", "10")],
    ]);
    let planned = plan(&known, &rows);
    assert_eq!(planned.counts.refused, 0, "{:?}", planned.findings);
    let known = carried_out(known, &planned.steps);
    assert_eq!((known.rooms["1"].extension.as_str(), known.rooms["2"].extension.as_str()), ("", "10"));
    assert!(plan(&known, &rows).steps.is_empty());
}

#[test]
fn a_row_that_repeats_the_rooms_extension_means_the_account_it_has() {
    let known = with_rooms(&[("1", "55", ("Main", "70"))]);
    let rows = cells(&[&[("Room", "1"), ("Ext", "55"), ("SIP display name", "Lobby")]]);
    let planned = plan(&known, &rows);
    let step = planned.steps[0].account.as_ref().unwrap();
    assert_eq!((step.user.as_str(), step.give, step.id.is_some()), ("70", false, true), "{:?}", planned.findings);
    assert_eq!((planned.steps[0].room.as_ref(), planned.counts.accounts_made), (None, 0));
    // Its extension is its own business.
    let other = plan(&known, &cells(&[&[("Room", "1"), ("Ext", "56")]]));
    assert_eq!((other.counts.change, other.counts.refused), (1, 0), "{:?}", other.findings);
}

#[test]
fn an_extension_beside_a_shared_account_is_held_against_other_rooms_by_its_own_column() {
    let known = with_rooms(&[("1", "10", ("Main", "10"))]);
    let row = [("Room", "3"), ("Floor", "A"), ("Ext", "10"), ("SIP server", "Main"), ("SIP user", "70")];
    assert_eq!(said(&plan(&known, &cells(&[&row]))), [(2, "Ext", "extension-taken")]);
}

#[test]
fn a_display_name_that_was_allowed_before_may_stay() {
    let mut known = with_rooms(&[("1", "10", ("Main", "10"))]);
    let key = (known.servers["Main"], "10".to_owned());
    known.accounts.get_mut(&key).unwrap().display_name = "{property.name}".to_owned();
    let row = |name| cells(&[&[("Room", "1"), ("SIP display name", name)]]);
    assert_eq!(plan(&known, &row("{property.name}")).counts.same, 1);
    assert_eq!(said(&plan(&known, &row("{property.code}"))), [(2, "SIP display name", "value-not-allowed")]);
}

#[test]
fn what_hides_an_account_is_said_wherever_it_is_set() {
    let mut known = with_rooms(&[("1", "10", ("Main", "10"))]);
    let key = (known.servers["Main"], "10".to_owned());
    known.accounts.get_mut(&key).unwrap().auth_user = "auth".to_owned();
    let room = known.rooms["1"].id;
    let id = Uuid::now_v7();
    let (property, enrolment) = (Some(known.property), Enrolment::Enrolled);
    let phone = KnownPhone { id, serial: String::new(), model: String::new(), property, room: Some(room), enrolment };
    known.phones.insert("c0:74:ad:00:00:01".parse().unwrap(), phone);
    let [user, auth_user, _, server] = hiding();
    let says = |scope: Uuid, key: &str, value: &str| {
        let mut known = known.clone();
        known.values.insert((scope, key.to_owned()), value.to_owned());
        let planned = plan(&known, &cells(&[&[("Room", "1"), ("SIP display name", "Bar")]]));
        planned.findings.first().map(|one| (one.kind.clone(), one.reason.contains("on the phone itself")))
    };
    let hidden = |phone: bool| Some(("hidden-by-setting".to_owned(), phone));
    assert_eq!(says(room, &server, "other.example"), hidden(false));
    assert_eq!(says(id, &user, "11"), hidden(true));
    assert_eq!(says(room, &auth_user, "10"), hidden(false));
    assert_eq!(says(room, &auth_user, "auth"), None);
    assert_eq!(says(room, &user, "10"), None);
}

#[test]
fn servers_that_differ_in_capitals_only_are_named_as_they_are() {
    let mut known = property();
    known.servers.insert("main".to_owned(), Uuid::now_v7());
    let row = |server| cells(&[&[("Room", "1"), ("Floor", "A"), ("SIP server", server), ("SIP user", "10")]]);
    assert_eq!(plan(&known, &row("main")).counts.refused, 0);
    let planned = plan(&known, &row("MAIN"));
    assert_eq!(said(&planned), [(2, "SIP server", "server-unknown")]);
    assert!(planned.findings[0].reason.starts_with("Several"), "{:?}", planned.findings);
}

#[test]
fn capitals_make_no_other_building_floor_or_room_type() {
    let headings = ["Room", "Building", "Floor", "Level", "Room type"];
    let rows = [
        vec!["1", "Tower", "Lobby", "0", "Suite"],
        vec!["2", "TOWER", "lobby", "0", "suite"],
        vec!["3", "tower", "LOBBY", "4", "Suite"],
    ];
    let planned = plan_of(&property(), &headings, &rows);
    let counts = planned.counts;
    assert_eq!((counts.buildings_made, counts.floors_made, counts.rooms_made), (1, 1, 3));
    assert_eq!(said(&planned), [(4, "Level", "level-differs")]);
    let known = carried_out(property(), &planned.steps);
    assert_eq!((known.buildings.len(), known.floors.len(), known.types.len()), (1, 1, 1));
    let other = [vec!["1", "tower", "LOBBY", "", "SUITE"]];
    assert_eq!(plan_of(&known, &headings, &other).counts.same, 1, "it is so already");
}

/// A phone of the property that stands nowhere.
fn phone(known: &mut Known, mac: &str, serial: &str, model: &str, enrolment: Enrolment) {
    let (serial, model, property) = (serial.to_owned(), model.to_owned(), Some(known.property));
    let phone = KnownPhone { id: Uuid::now_v7(), serial, model, property, room: None, enrolment };
    known.phones.insert(mac.parse().unwrap(), phone);
}

#[test]
fn a_phone_that_nobody_announced_is_not_taken_in_by_its_address_alone() {
    let mut known = property();
    phone(&mut known, "c074ad000001", "S1", "GHP621", Enrolment::New);
    phone(&mut known, "c074ad000002", "S2", "GHP621", Enrolment::Expected);
    let headings = ["MAC", "Serial"];
    let planned = plan_of(&known, &headings, &[vec!["c074ad000001"], vec!["c074ad000002"]]);
    assert_eq!(said(&planned), [(2, "Serial", "serial-missing")]);
    let planned = plan_of(&known, &headings, &[vec!["c074ad000001", "s1"]]);
    assert!(matches!(planned.steps[0].phone, Some(PhoneStep::Change { accept: true, .. })), "{:?}", planned.findings);
}

#[test]
fn a_model_we_do_not_know_and_a_serial_number_of_two_phones_are_said() {
    let mut known = property();
    phone(&mut known, "c074ad000009", "S9", "GXP1", Enrolment::Expected);
    let rows = [
        vec!["c074ad000001", "S1", "GHP621"],
        vec!["c074ad000002", "s1", "UCM6302"],
        vec!["c074ad000009", "S9", "GXP1"],
    ];
    let planned = plan_of(&known, &["MAC", "Serial", "Model"], &rows);
    assert_eq!(said(&planned), [(3, "Serial", "serial-twice"), (3, "Model", "model-unknown")]);
    assert_eq!(planned.counts.refused, 0);
}

#[test]
fn a_locked_value_that_is_set_already_is_no_error() {
    let mut known = with_rooms(&[("1", "10", ("Main", "10"))]);
    let room = known.rooms["1"].id;
    known.above = vec![Uuid::now_v7()];
    known.locked.insert((known.above[0], "hotel.name".to_owned()), "by the chain".to_owned());
    known.values.insert((room, "hotel.name".to_owned()), "Grand".to_owned());
    let headings = ["Room", "Guest", "room: hotel.name"];
    let planned = plan_of(&known, &headings, &[vec!["1", "Ann", "Grand"]]);
    assert_eq!((planned.counts.change, planned.counts.values_set), (1, 0), "{:?}", planned.findings);
    let planned = plan_of(&known, &headings, &[vec!["1", "", "Other"]]);
    assert_eq!(said(&planned), [(2, "room: hotel.name", "locked")]);
}

#[test]
fn a_mode_that_follows_from_a_heading_is_left_to_the_layers_that_say_it() {
    let mut known = with_rooms(&[("1", "10", ("Main", "10"))]);
    known.above = vec![Uuid::now_v7()];
    let mode = (known.above[0], "pks.mpk.11.keymode".to_owned());
    let values = |known: &Known| {
        let planned = plan_of(known, &["Room", "Speed dial 1"], &[vec!["1", "9"]]);
        assert!(planned.findings.is_empty(), "{:?}", planned.findings);
        planned.steps[0].values.iter().map(|(_, key, _)| key.clone()).collect::<Vec<_>>()
    };
    assert_eq!(values(&known), ["pks.mpk.11.value", "pks.mpk.11.keymode"]);
    known.values.insert(mode.clone(), "speed_dial".to_owned());
    known.locked.insert(mode, "by the chain".to_owned());
    assert_eq!(values(&known), ["pks.mpk.11.value"], "a brand standard");
}

#[test]
fn a_key_that_nothing_gives_a_mode_is_said() {
    let mut known = with_rooms(&[("1", "10", ("Main", "10"))]);
    known.above = vec![Uuid::now_v7()];
    let headings = ["Room", "Key 1", "Key 1 mode"];
    let kinds = |known: &Known, mode: &str| {
        let planned = plan_of(known, &headings, &[vec!["1", "9", mode]]);
        planned.findings.iter().map(|one| one.kind.clone()).collect::<Vec<_>>()
    };
    assert_eq!(kinds(&known, ""), ["key-without-mode"]);
    assert_eq!(kinds(&known, "none"), ["key-without-mode"]);
    assert!(kinds(&known, "speed_dial").is_empty());
    known.values.insert((known.above[0], "pks.mpk.11.keymode".to_owned()), "speed_dial".to_owned());
    assert!(kinds(&known, "").is_empty(), "the chain's");
    known.values.insert((known.rooms["1"].id, "pks.mpk.11.keymode".to_owned()), "none".to_owned());
    assert_eq!(kinds(&known, ""), ["key-without-mode"], "the room's own comes before it");
    known.values.insert((known.rooms["1"].id, "pks.mpk.11.value".to_owned()), "9".to_owned());
    assert!(kinds(&known, "").is_empty(), "it is so already");
}
