//! SIP accounts from a file: made, given to rooms, changed, moved between rooms; and the same file changes nothing.

use std::fmt::Write as _;
use std::time::Instant;

use cloud::db::entity::audit;
use contract::rest::*;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::json;

use crate::accounts::{accounts, add_server, path};
use crate::imports::{apply, upload};
use crate::support::database::every_text;
use crate::support::{Ask, Hotel, TestServer, card, mac};

/// User, auth user and password of every account, as the PBX gets them.
pub async fn for_the_pbx(hotel: &Hotel) -> Vec<(String, String, String)> {
    let text = hotel.api.post(&path(hotel.property, "sip-accounts/export"), json!({})).await.text;
    let line = |line: &str| {
        let mut fields = line.split(',').map(str::to_owned);
        (fields.next().unwrap(), fields.next().unwrap(), fields.next().unwrap())
    };
    text.lines().skip(1).map(line).collect()
}

async fn all(hotel: &Hotel) -> Vec<SipAccount> {
    let mut items = accounts(hotel, "limit=500").await.items;
    items.sort_by(|one, other| one.user.cmp(&other.user));
    items
}

/// The numbers of the rooms that have an account.
fn rooms(account: &SipAccount) -> Vec<&str> {
    account.used_by.iter().filter_map(|used| used.room_number.as_deref()).collect()
}

fn same(rows: u32) -> ImportCounts {
    ImportCounts { same: rows, ..ImportCounts::default() }
}

#[tokio::test]
async fn columns_name_the_account_of_a_rooms_phone_and_the_same_file_changes_nothing() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["101"]).await;
    let pbx = add_server(&hotel, 5060).await;
    let phone = hotel.announce(mac(1), Some(hotel.room("101"))).await.unwrap();
    let file = "Room,Floor,SIP server,SIP user,Auth ID,SIP display name,SIP password\n\
                101,,main,4101,auth-4101,Suite {room.number},known-to-the-pbx-1\n\
                102,1,Main,4102,,,\n\
                103,1,Main,,,,\n\
                104,1,,,,,\n";
    let import = upload(&hotel, "rooms.csv", file).await;
    let fields: Vec<_> = import.columns[2..].iter().map(|column| column.field.as_deref().unwrap()).collect();
    assert_eq!(fields, ["sip-server", "sip-user", "sip-auth-user", "sip-display-name", "sip-password"]);
    assert_eq!(import.columns[6].samples, [SECRET_MASK]);
    let said: Vec<_> = import.findings.iter().map(|one| (one.row, one.column.as_str(), one.kind.as_str())).collect();
    assert_eq!(said, [(4, "SIP user", "user-missing")], "{:?}", import.findings);
    let change = |row: usize, field: &str| {
        let found = import.preview[row].changes.iter().find(|change| change.field == field).unwrap();
        (found.old.as_str(), found.new.as_str())
    };
    assert_eq!(change(0, "sip-password"), ("", SECRET_MASK));
    assert_eq!(change(1, "sip-password"), ("", "a random one"));
    assert_eq!(change(0, "extension"), ("101", "4101"));

    let done = apply(&server.api, import.id, true).await;
    assert_eq!(
        (done.counts.accounts_made, done.counts.accounts_given, done.counts.refused),
        (2, 2, 1),
        "{}",
        done.note
    );
    let hotel = Hotel::known(&server.api, hotel.property).await.unwrap();
    let made = all(&hotel).await;
    let shown: Vec<_> = made
        .iter()
        .map(|one| (one.user.as_str(), one.auth_user.as_str(), one.display_name.as_str(), rooms(one)))
        .collect();
    let wanted = [("4101", "auth-4101", "Suite {room.number}", vec!["101"]), ("4102", "4102", "", vec!["102"])];
    assert_eq!(shown, wanted);
    assert!(made.iter().all(|one| one.server == pbx.id && one.slot == 1 && !one.shared));
    assert_eq!(card(&hotel, hotel.room("102")).await.extension, "4102");
    let known = for_the_pbx(&hotel).await;
    assert_eq!(known[0].2, "known-to-the-pbx-1");
    assert_eq!(known[1].2.len(), 24, "a random one");
    for (key, value) in [
        ("account.1.sip.userid", "4101"),
        ("account.1.sip.subscriber.userid", "auth-4101"),
        ("account.1.sip.subscriber.name", "Suite 101"),
        ("account.1.sip.server.1.address", "127.0.0.1:5060"),
    ] {
        assert_eq!(server.api.value(phone, key).await.desired.as_deref(), Some(value), "{key}");
    }

    let again = upload(&hotel, "rooms.csv", file).await;
    assert_eq!(again.counts, ImportCounts { refused: 1, ..same(3) });
    apply(&server.api, again.id, true).await;
    assert_eq!(for_the_pbx(&hotel).await, known, "nobody's password changed");

    let changes = "Room,SIP password,SIP display name\n101,another-long-word,\n102,,Lobby\n";
    let import = upload(&hotel, "new.csv", changes).await;
    assert_eq!((import.counts.accounts_changed, import.counts.accounts_made, import.errors), (2, 0, 0));
    let jobs = server.api.phone(phone).await.jobs.len();
    apply(&server.api, import.id, false).await;
    assert_eq!(for_the_pbx(&hotel).await[0].2, "another-long-word");
    let audits = audit::Entity::find().filter(audit::Column::Action.eq("import.rows"));
    let audits = audits.all(server.app().db.read()).await.unwrap();
    let says = |text: &str| audits.iter().any(|row| row.detail.contains(text));
    assert!(says("2 changed (4101 (new password), 4102), 0 given"), "{audits:?}");
    assert_eq!(all(&hotel).await[1].display_name, "Lobby");
    assert_eq!(server.api.phone(phone).await.jobs.len(), jobs + 1, "the phone is told");

    let import: ImportRowPage = server.api.get(&format!("/api/v1/imports/{}/rows", import.id)).await.ok();
    assert!(!format!("{import:?}").contains("another-long"));
    for text in every_text(server.app().db.read()).await {
        assert!(!text.contains("known-to-the-pbx") && !text.contains("another-long-word"), "{text}");
    }
}

#[tokio::test]
async fn an_export_has_the_accounts_without_passwords_and_imported_again_changes_nothing() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["101", "102", "103"]).await;
    let export = format!("/api/v1/properties/{}/export.csv", hotel.property);
    assert!(!server.api.get(&export).await.text.contains("SIP"), "there is no server an account could be on");
    let pbx = add_server(&hotel, 5060).await;
    let body = json!({ "server": pbx.id, "user": "900", "shared": true, "display_name": "Lobby" });
    let shared: SipAccount = server.api.post(&path(hotel.property, "sip-accounts"), body).await.ok();
    for room in ["102", "103"] {
        let to = json!({ "room": hotel.room(room) });
        let assign = path(hotel.property, &format!("sip-accounts/{}/assign", shared.id));
        server.api.post(&assign, to).await.ok::<Accepted>();
    }
    // Of a shared account, which one is called is each room's own business.
    let room = format!("/api/v1/rooms/{}", hotel.room("103"));
    server.api.patch(&room, json!({ "extension": "555" })).await.ok::<Accepted>();
    let import = upload(&hotel, "a.csv", "Room,SIP user,Auth ID,SIP password\n101,101,=a1,hidden-word-1207\n").await;
    assert_eq!(import.errors, 0, "{:?}", import.findings);
    apply(&server.api, import.id, false).await;

    let text = server.api.get(&export).await.text;
    assert!(text.contains("SIP server,SIP user,SIP auth user,SIP display name"), "{text}");
    assert!(text.contains(",Main,101,'=a1,") && text.contains(",Main,900,900,Lobby"), "{text}");
    assert!(!text.contains("hidden-word") && !text.to_lowercase().contains("password"), "{text}");
    let passwords = for_the_pbx(&hotel).await;
    let again = upload(&hotel, "export.csv", text.clone()).await;
    assert_eq!((again.errors, again.warnings), (0, 0), "{:?}", again.findings);
    assert_eq!(again.counts, same(3), "{:?}", again.preview);
    apply(&server.api, again.id, false).await;
    assert_eq!(server.api.get(&export).await.text, text);
    assert_eq!(for_the_pbx(&hotel).await, passwords);
}

#[tokio::test]
async fn headings_mean_settings_as_long_as_there_is_no_sip_server() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["101"]).await;
    let file = "Room,SIP user,Auth ID,SIP password,SIP server\n101,4101,auth,long-word-for-4101,Main\n";
    let import = upload(&hotel, "a.csv", file).await;
    let fields: Vec<_> = import.columns.iter().map(|column| column.field.as_deref()).collect();
    let password = "account.1.sip.subscriber.password";
    let keys =
        [Some("room"), Some("account.1.sip.userid"), Some("account.1.sip.subscriber.userid"), Some(password), None];
    assert_eq!(fields, keys);
    let done = apply(&server.api, import.id, false).await;
    assert_eq!((done.counts.values_set, done.counts.accounts_made), (3, 0));
    // Now they mean the account, which the room's own values come before: that is said.
    add_server(&hotel, 5060).await;
    let import = upload(&hotel, "a.csv", "Room,SIP user,SIP password\n101,4102,long-word-for-4102\n").await;
    let said: Vec<_> = import.findings.iter().map(|one| (one.severity, one.kind.as_str())).collect();
    assert_eq!(said, [(Severity::Warning, "hidden-by-setting")], "{:?}", import.findings);
    assert_eq!(import.counts.accounts_made, 1);
}

/// Rooms in more lots than one, each with its number as its account, turned round by `turn`.
fn turned(rooms: usize, turn: usize) -> String {
    let mut text = "Room;Floor;SIP user\n".to_owned();
    for at in 0..rooms {
        let _ = writeln!(text, "{};1;{}", 1_000 + at, 1_000 + (at + turn) % rooms);
    }
    text
}

#[tokio::test]
async fn rooms_change_accounts_with_each_other_though_they_are_in_different_lots() {
    const ROOMS: usize = 620;
    let server = TestServer::start().await;
    let hotel = server.hotel(&[]).await;
    add_server(&hotel, 5060).await;
    let import = upload(&hotel, "rooms.csv", turned(ROOMS, 0)).await;
    apply(&server.api, import.id, false).await;
    let passwords = for_the_pbx(&hotel).await;
    for turn in [1, ROOMS - 150] {
        let import = upload(&hotel, "turned.csv", turned(ROOMS, turn)).await;
        assert_eq!((import.errors, import.counts.accounts_made), (0, 0), "{:?}", import.findings.first());
        assert_eq!((import.counts.accounts_given, import.counts.change), (ROOMS as u32, ROOMS as u32));
        let done = apply(&server.api, import.id, false).await;
        assert_eq!((done.state, done.counts.refused), (ImportState::Done, 0), "{}", done.note);
        assert_eq!(upload(&hotel, "turned.csv", turned(ROOMS, turn)).await.counts, same(ROOMS as u32));
        for item in all(&hotel).await {
            let at = item.user.parse::<usize>().unwrap() - 1_000;
            assert_eq!(rooms(&item), [(1_000 + (at + ROOMS - turn) % ROOMS).to_string()], "account {}", item.user);
        }
    }
    assert_eq!(for_the_pbx(&hotel).await, passwords, "accounts keep their passwords wherever they are");
}

#[tokio::test]
async fn rooms_that_trade_accounts_at_both_ends_of_a_list_keep_what_the_dry_run_said() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&[]).await;
    add_server(&hotel, 5060).await;
    let spare = json!({ "name": "Spare", "host": "b.example", "transport": "udp" });
    server.api.post(&path(hotel.property, "sip-servers"), spare).await.ok::<SipServer>();
    // More rows than one lot has lie between the two.
    let list = |guest: &str, first: &str, last: &str| {
        let mut text = format!("Room,Floor,Guest,SIP server,SIP user\n{first}\n");
        for at in 1_000..1_520 {
            let _ = writeln!(text, "{at},1,{guest},,");
        }
        text + last
    };
    let import = upload(&hotel, "rooms.csv", list("Old", "1,1,,Main,101", "2,1,,Spare,102")).await;
    assert_eq!(import.errors, 0, "{:?}", import.findings);
    apply(&server.api, import.id, false).await;
    let file = list("New", "1,,,Spare,102", "2,,,,101");
    let import = upload(&hotel, "traded.csv", file.clone()).await;
    assert_eq!((import.errors, import.counts.change), (0, 522), "{:?}", import.findings);
    let done = apply(&server.api, import.id, false).await;
    assert_eq!((done.counts.refused, done.counts.accounts_given), (0, 2), "{}", done.note);
    let hotel = Hotel::known(&server.api, hotel.property).await.unwrap();
    for (room, user) in [("1", "102"), ("2", "101")] {
        assert_eq!(card(&hotel, hotel.room(room)).await.extension, user);
        let has = all(&hotel).await.into_iter().find(|one| rooms(one) == [room]).unwrap();
        assert_eq!((has.user.as_str(), has.server_name.as_str()), (user, "Spare"));
    }
    assert_eq!(upload(&hotel, "traded.csv", file).await.counts, same(522));
}

#[tokio::test]
async fn two_thousand_rooms_get_their_accounts_and_the_same_file_changes_nothing() {
    const ROOMS: u32 = 2_000;
    let server = TestServer::start().await;
    let hotel = server.hotel(&[]).await;
    add_server(&hotel, 5060).await;
    let mut file =
        "Room,Floor,MAC,SN,Model,SIP server,SIP user,Auth ID,SIP display name,SIP password,Key 1\r\n".to_owned();
    for at in 0..ROOMS {
        let number = (at / 100 + 1) * 1_000 + at % 100;
        let [_, _, high, low] = at.to_be_bytes();
        let _ = write!(
            file,
            "{number},Floor {},C0-74-AD-56-{high:02X}-{low:02X},SN{at:06},GHP621,Main,{number},auth-{number},Room {{room.number}},Tangle-{number}-x,9\r\n",
            at / 100 + 1
        );
    }
    let start = Instant::now();
    let import = upload(&hotel, "rooms.csv", file.as_bytes()).await;
    let tried = start.elapsed();
    let wanted = ImportCounts {
        make: ROOMS,
        buildings_made: 1,
        floors_made: 20,
        rooms_made: ROOMS,
        phones_made: ROOMS,
        values_set: ROOMS,
        accounts_made: ROOMS,
        accounts_given: ROOMS,
        ..ImportCounts::default()
    };
    assert_eq!((import.errors, import.counts), (0, wanted), "{:?}", import.findings.first());
    let done = apply(&server.api, import.id, false).await;
    println!("2,000 rooms with accounts: dry run {tried:?}, dry run and apply {:?}", start.elapsed());
    assert_eq!((done.state, done.counts), (ImportState::Done, wanted));
    assert_eq!(accounts(&hotel, "used=true").await.total, u64::from(ROOMS));
    let known = for_the_pbx(&hotel).await;
    let of = |user: &str| known.iter().find(|one| one.0 == user).unwrap().clone();
    assert_eq!(of("1001"), ("1001".to_owned(), "auth-1001".to_owned(), "Tangle-1001-x".to_owned()));

    let start = Instant::now();
    let again = upload(&hotel, "rooms.csv", file.as_bytes()).await;
    let tried = start.elapsed();
    assert_eq!(again.counts, same(ROOMS));
    let again = apply(&server.api, again.id, false).await;
    println!("the same again: dry run {tried:?}, dry run and apply {:?}", start.elapsed());
    assert_eq!(again.counts, same(ROOMS));
    assert_eq!(for_the_pbx(&hotel).await, known);
}
