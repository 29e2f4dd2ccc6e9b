//! Rooms and phones from a file: tried, applied, applied again, exported.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use contract::ImportId;
use contract::rest::*;
use reqwest::Method;
use sea_orm::ConnectionTrait;
use serde_json::json;

use crate::support::database::every_text;
use crate::support::{Api, Hotel, ServerProcess, TestServer, card, mac, timed, wait, wait_true};

/// Sends a file's bytes.
pub async fn upload(hotel: &Hotel, name: &str, bytes: impl Into<Vec<u8>>) -> Import {
    let path = format!("/api/v1/properties/{}/imports?name={name}", hotel.property);
    let answer = hotel.api.request(Method::POST, &path).body(bytes.into()).send().await.unwrap();
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    assert_eq!(status, 201, "{text}");
    serde_json::from_str(&text).unwrap()
}

/// Applies it and waits until that has ended.
pub async fn apply(api: &Api, id: ImportId, skip_errors: bool) -> Import {
    let path = format!("/api/v1/imports/{id}");
    let begun: ImportSummary = api.post(&format!("{path}/apply"), json!({ "skip_errors": skip_errors })).await.ok();
    assert_eq!(begun.state, ImportState::Applying);
    let ended = timed("the import has ended", Duration::from_secs(120), async || {
        let import: Import = api.get(&path).await.ok();
        (import.state != ImportState::Applying).then_some(import)
    });
    ended.await.0
}

/// A hotel of some thousand rooms, as a hotel's own list: umlauts, quotes, separators within cells.
fn hotel_list(rooms: usize) -> String {
    let mut text =
        "Gebäude;Etage;Zimmer;Durchwahl;Gast;MAC-Adresse;Seriennummer;Modell;SIP-Passwort;Kurzwahl 1\r\n".to_owned();
    for at in 0..rooms {
        let (floor, number) = (at / 100 + 1, (at / 100 + 1) * 1000 + at % 100);
        let [_, _, high, low] = (at as u32).to_be_bytes();
        let guest = ["\"Müller; Jörg\"", "\"O'Hara, \"\"Bob\"\"\"", "Ærø Þór", ""][at % 4];
        let _ = write!(
            text,
            "\"Haus \"\"Süd\"\", West\";Etage {floor};{number};{number};{guest};C0-74-AD-55-{high:02X}-{low:02X};SN{at:06};GHP621;pw-{number}-x;9\r\n"
        );
    }
    text
}

#[tokio::test]
async fn two_thousand_rooms_are_tried_applied_and_the_same_file_changes_nothing() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&[]).await;
    let file = hotel_list(2_000);
    let start = Instant::now();
    let import = upload(&hotel, "rooms.csv", file.as_bytes()).await;
    let tried = start.elapsed();
    assert_eq!((import.rows, import.errors, import.warnings), (2_000, 0, 0), "{:?}", import.findings);
    let wanted = ImportCounts {
        make: 2_000,
        buildings_made: 1,
        floors_made: 20,
        rooms_made: 2_000,
        phones_made: 2_000,
        values_set: 6_000,
        ..ImportCounts::default()
    };
    assert_eq!(import.counts, wanted);
    assert!(hotel.cards().await.unwrap().is_empty(), "nothing was made yet");

    let done = apply(&server.api, import.id, false).await;
    println!("2,000 rooms: dry run {tried:?}, dry run and apply {:?}", start.elapsed());
    assert_eq!((done.state, done.counts, done.rows_done), (ImportState::Done, wanted, 2_000));
    let hotel = Hotel::known(&server.api, hotel.property).await.unwrap();
    let shown = card(&hotel, hotel.room("1001")).await;
    assert_eq!((shown.extension.as_str(), shown.guest_name.as_str()), ("1001", "O'Hara, \"Bob\""));
    assert_eq!(shown.mac.map(|mac| mac.to_string()).as_deref(), Some("c0:74:ad:55:00:01"));
    let detail: PhoneDetail = server.api.get(&format!("/api/v1/phones/{}", shown.phone.unwrap())).await.ok();
    let value = |key: &str| detail.values.iter().find(|value| value.key == key).and_then(|value| value.desired.clone());
    assert_eq!(value("account.1.sip.userid").as_deref(), Some("1001"));
    assert_eq!(value("pks.mpk.11.value").as_deref(), Some("9"));
    assert_eq!(value("pks.mpk.11.keymode").as_deref(), Some("speed_dial"), "the heading says so");

    let again = upload(&hotel, "rooms.csv", file.as_bytes()).await;
    assert_eq!(again.counts, ImportCounts { same: 2_000, ..ImportCounts::default() });
    let start = Instant::now();
    let again = apply(&server.api, again.id, false).await;
    println!("the same again: {:?}", start.elapsed());
    assert_eq!(again.counts, ImportCounts { same: 2_000, ..ImportCounts::default() });
    assert!(again.note.contains("everything is so already"), "{}", again.note);
}

#[tokio::test]
async fn what_is_applied_is_what_was_looked_at() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["101", "102"]).await;
    hotel.announce(mac(1), Some(hotel.room("101"))).await.unwrap();
    let import = upload(&hotel, "rooms.csv", "Room,Guest,network.cdp\n101,Smith,no\n102,Jones,no\n").await;
    assert_eq!(import.counts.change, 2);
    assert_eq!(import.reach, ImportReach { phones: 1, restart: 1, in_call: 0 }, "nobody stands in 102");
    // A guest checks in meanwhile.
    let room = format!("/api/v1/rooms/{}", hotel.room("101"));
    server.api.patch(&room, json!({ "guest_name": "Miller" })).await.ok::<Accepted>();
    let path = format!("/api/v1/imports/{}", import.id);
    let refused = server.api.post(&format!("{path}/apply"), json!({ "skip_errors": false })).await.refused(409);
    assert_eq!(refused.kind, "import-changed");
    assert_eq!(card(&hotel, hotel.room("102")).await.guest_name, "", "nothing was applied");
    let shown: Import = server.api.get(&path).await.ok();
    let (state, old) = (shown.state, &shown.preview[0].changes[0].old);
    assert_eq!((state, old.as_str()), (ImportState::Ready, "Miller"), "it was tried anew");
    let done = apply(&server.api, import.id, false).await;
    assert_eq!((done.state, done.counts.change), (ImportState::Done, 2));
    assert_eq!(card(&hotel, hotel.room("101")).await.guest_name, "Smith");
}

fn finding(finding: &Finding) -> (u32, &str, &str) {
    (finding.row, finding.column.as_str(), finding.kind.as_str())
}

#[tokio::test]
async fn every_error_is_said_by_row_and_column_and_rows_with_errors_are_left_out_as_a_whole() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["101", "102"]).await;
    let other = Hotel::build(&server.api, "other", &["1".to_owned()]).await.unwrap();
    other.announce(mac(9), Some(other.room("1"))).await.unwrap();
    let settings = format!("/api/v1/properties/{}/settings", hotel.property);
    let lock =
        json!({ "values": { "account.1.sip.server.1.address": "sip.example" }, "locked": true, "reason": "One PBX." });
    server.api.put(&settings, lock).await.ok::<Accepted>();
    let taken = mac(9);
    let file = format!(
        "Room,Floor,Ext.,MAC Address,SN,SIP password,pks.mpk.11.keymode,account.1.sip.server.1.address\n\
         201,Floor 2,201,c0:74:ad:00:02:01,SN1,secret-1,speed_dial,\n\
         202,Floor 2,101,,,,,\n\
         203,Floor 2,203,c0:74:ad:zz:02:03,SN3,,,\n\
         201,Floor 2,204,,,,,\n\
         205,Floor 2,201,,,,,\n\
         206,Floor 2,,{taken},SN9,,,\n\
         207,Floor 2,,c0:74:ad:00:02:07,,,,\n\
         208,,,,,,,\n\
         12345678901234567,Floor 2,,,,,,\n\
         210,Floor 2,,,,,loud,\n\
         211,Floor 2,,,,,,pbx.example\n\
         ,,,,,,,\n\
         ,Floor 2,,,,secret-2,,\n\
         214,Floor 2,,c0:74:ad:00:02:01,SN1,,,\n\
         215,Floor 2,215,,,,,\n"
    );
    let import = upload(&hotel, "bad.csv", file).await;
    let mut said: Vec<_> = import.findings.iter().map(finding).collect();
    said.sort_unstable();
    let wanted = [
        (3, "Ext.", "extension-taken"),
        (4, "MAC Address", "mac"),
        (5, "Room", "room-twice"),
        (6, "Ext.", "extension-twice"),
        (7, "MAC Address", "phone-elsewhere"),
        (8, "SN", "serial-missing"),
        (9, "Floor", "floor-missing"),
        (10, "Room", "value-not-allowed"),
        (11, "pks.mpk.11.keymode", "value-not-allowed"),
        (12, "account.1.sip.server.1.address", "locked"),
        (14, "", "names-nothing"),
        (15, "MAC Address", "mac-twice"),
    ];
    assert_eq!(said, wanted);
    assert_eq!((import.errors, import.counts.refused, import.counts.make), (12, 12, 2));
    for finding in &import.findings {
        assert!(!finding.reason.is_empty() && !finding.remedy.is_empty(), "{finding:?}");
        assert!(!finding.value.contains("secret"), "{finding:?}");
    }
    let page: FindingPage =
        server.api.get(&format!("/api/v1/imports/{}/findings?offset=10&limit=5", import.id)).await.ok();
    assert_eq!((page.total, page.items.len(), page.items[1].row), (12, 2, 15));

    let path = format!("/api/v1/imports/{}/apply", import.id);
    assert_eq!(server.api.post(&path, json!({})).await.refused(409).kind, "import-has-errors");
    assert_eq!(hotel.cards().await.unwrap().len(), 2, "nothing was made");
    let done = apply(&server.api, import.id, true).await;
    assert_eq!((done.counts.make, done.counts.refused, done.counts.rooms_made), (2, 12, 2));
    let mut rooms: Vec<String> = hotel.cards().await.unwrap().into_iter().map(|card| card.number).collect();
    rooms.sort();
    assert_eq!(rooms, ["101", "102", "201", "215"]);
}

#[tokio::test]
async fn columns_may_be_taken_for_something_else() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&[]).await;
    let import = upload(&hotel, "odd.csv", "Nummer X|,Wo\n101,Floor 1\n").await;
    assert_eq!((import.findings[0].kind.as_str(), import.errors), ("no-columns", 1));
    assert_eq!(import.columns[1].samples, ["Floor 1"]);
    let path = format!("/api/v1/imports/{}/mapping", import.id);
    for (columns, field) in [
        (json!([{ "column": 0, "field": "colour" }]), "columns.field"),
        (json!([{ "column": 7, "field": "room" }]), "columns.column"),
        (json!([{ "column": 0, "field": "hotel.name", "layer": "chain" }]), "columns.layer"),
    ] {
        let problem = server.api.put(&path, json!({ "columns": columns })).await.refused(422);
        assert_eq!(problem.field.as_deref(), Some(field), "{}", problem.detail);
    }
    let columns = json!([{ "column": 0, "field": "room" }, { "column": 1, "field": "floor" }]);
    let import: Import = server.api.put(&path, json!({ "columns": columns })).await.ok();
    assert_eq!((import.errors, import.counts.rooms_made), (0, 1), "{:?}", import.findings);
    let done = apply(&server.api, import.id, false).await;
    assert_eq!(done.counts.rooms_made, 1);
}

#[tokio::test]
async fn an_export_imported_again_changes_nothing_and_holds_neither_secrets_nor_formulas() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["101"]).await;
    let file = "Building,Floor,Level,Room,Ext,Guest,MAC,SN,Model,SIP password,phone: pks.mpk.11.value,Key 2 label\n\
                Tower A,Mezzanine,-1,201,201,\"=HYPERLINK(\"\"http://x\"\")\",c074ad000201,SN1,GHP621,hidden-1,+4930123,\"a, b\"\n\
                ,,,101,,'quoted',c074ad000101,SN2,GHP610,hidden-2,,\n\
                ,,,,,,c074ad000999,SN3,GHP611,,9,\n";
    let import = upload(&hotel, "a.csv", file).await;
    assert_eq!(import.errors, 0, "{:?}", import.findings);
    let done = apply(&server.api, import.id, false).await;
    assert_eq!((done.counts.rooms_made, done.counts.rooms_changed, done.counts.phones_made), (1, 1, 3));
    let path = format!("/api/v1/properties/{}/export.csv", hotel.property);
    let export = server.api.get(&path).await;
    assert_eq!((export.status, export.content_type.as_str()), (200, "text/csv; charset=utf-8"));
    assert!(!export.text.contains("hidden-") && export.text.contains(SECRET_MASK), "{}", export.text);
    for guarded in ["\"'=HYPERLINK(", ",'+4930123", ",'-1,"] {
        assert!(export.text.contains(guarded), "{guarded} in {}", export.text);
    }
    let again = upload(&hotel, "export.csv", export.text.clone()).await;
    assert_eq!((again.errors, again.warnings), (0, 0), "{:?}", again.findings);
    assert_eq!(again.counts, ImportCounts { same: 3, ..ImportCounts::default() }, "{:?}", again.preview);
    apply(&server.api, again.id, false).await;
    assert_eq!(server.api.get(&path).await.text, export.text);
}

#[tokio::test]
async fn an_export_is_taken_back_after_its_values_were_locked_above() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["101"]).await;
    let import = upload(&hotel, "a.csv", "Room,room: hotel.name\n101,Grand\n").await;
    apply(&server.api, import.id, false).await;
    let settings = format!("/api/v1/properties/{}/settings", hotel.property);
    let lock = json!({ "values": { "hotel.name": "Hotel" }, "locked": true, "reason": "One name." });
    server.api.put(&settings, lock).await.ok::<Accepted>();
    let export = server.api.get(&format!("/api/v1/properties/{}/export.csv", hotel.property)).await;
    let again = upload(&hotel, "export.csv", export.text).await;
    assert_eq!((again.errors, again.counts.same), (0, 1), "{:?}", again.findings);
    let other = upload(&hotel, "b.csv", "Room,room: hotel.name\n101,Palace\n").await;
    assert_eq!(other.findings.iter().map(finding).collect::<Vec<_>>(), [(2, "room: hotel.name", "locked")]);
}

#[tokio::test]
async fn a_key_has_the_mode_of_the_layers_above_and_models_we_do_not_know_are_said() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["101"]).await;
    let file = "Room,Key 1,MAC,Serial,Model\n101,9,c074ad000101,SN1,UCM6302\n";
    let kinds = async |file: &str| {
        let import = upload(&hotel, "a.csv", file).await;
        import.findings.into_iter().map(|finding| finding.kind).collect::<Vec<_>>()
    };
    let mut said = kinds(file).await;
    said.sort_unstable();
    assert_eq!(said, ["key-without-mode", "model-unknown"]);
    let settings = format!("/api/v1/properties/{}/settings", hotel.property);
    let mode = json!({ "values": { "pks.mpk.11.keymode": "speed_dial" } });
    server.api.put(&settings, mode).await.ok::<Accepted>();
    assert_eq!(kinds(file).await, ["model-unknown"]);
}

#[tokio::test]
async fn rooms_may_change_extensions_and_phones_in_one_file() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["101", "102", "103"]).await;
    for (room, number) in [("101", 1), ("102", 2), ("103", 3)] {
        hotel.announce(mac(number), Some(hotel.room(room))).await.unwrap();
    }
    let new = mac(4);
    let file = format!("Room;Ext;MAC;SN\n101;102;{};\n102;101;{};\n103;;{new};SN4\n", mac(2), mac(1));
    let import = upload(&hotel, "swap.csv", file).await;
    assert_eq!(import.errors, 0, "{:?}", import.findings);
    let mut said: Vec<_> = import.findings.iter().map(finding).collect();
    said.sort_unstable();
    assert_eq!(said, [(2, "MAC", "phone-moves"), (3, "MAC", "phone-moves"), (4, "MAC", "phone-displaced")]);
    apply(&server.api, import.id, false).await;
    for (room, extension, phone) in [("101", "102", mac(2)), ("102", "101", mac(1)), ("103", "103", new)] {
        let shown = card(&hotel, hotel.room(room)).await;
        assert_eq!((shown.extension.as_str(), shown.mac), (extension, Some(phone)), "room {room}");
    }
    let rows: PhonePage = server.api.get(&format!("/api/v1/phones?q={}", mac(3))).await.ok();
    let spare = &rows.items[0];
    assert_eq!((spare.property, spare.room), (Some(hotel.property), None), "taken out, and still the property's");
}

#[tokio::test]
async fn a_repeated_request_to_apply_gets_the_same_answer_and_secrets_are_sealed() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&[]).await;
    let import = upload(&hotel, "a.csv", "Room,Floor,SIP password,My secret\n101,1,very-hidden,also-hidden\n").await;
    assert_eq!(import.columns[3].samples, [SECRET_MASK], "nobody knows what it is, and its name is enough");
    let path = format!("/api/v1/imports/{}/apply", import.id);
    let key = [("idempotency-key", "apply-1")];
    let body = json!({ "skip_errors": false });
    let first = server.api.try_send(Method::POST, &path, Some(&body), &key).await.unwrap();
    assert_eq!(first.status, 202, "{}", first.text);
    let done = wait("it is done", async || {
        let import: Import = server.api.get(&format!("/api/v1/imports/{}", import.id)).await.ok();
        (import.state == ImportState::Done).then_some(import)
    })
    .await;
    assert_eq!(done.counts.rooms_made, 1);
    let again = server.api.try_send(Method::POST, &path, Some(&body), &key).await.unwrap();
    assert_eq!((again.status, again.text), (202, first.text));
    for text in every_text(server.app().db.read()).await {
        assert!(!text.contains("very-hidden") && !text.contains("also-hidden"), "{text}");
    }
    server.api.delete(&format!("/api/v1/imports/{}", import.id)).await;
    server.api.get(&format!("/api/v1/imports/{}", import.id)).await.refused(404);
}

#[tokio::test]
async fn spreadsheets_are_read_and_files_beyond_the_limits_are_refused() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&[]).await;
    let here = env!("CARGO_MANIFEST_DIR");
    for (name, source) in [("rooms.xlsx", ImportSource::Xlsx), ("rooms.ods", ImportSource::Ods)] {
        let bytes = std::fs::read(format!("{here}/../cloud/tests/import/{name}")).unwrap();
        let import = upload(&hotel, name, bytes).await;
        assert_eq!((import.source, import.rows, import.columns[0].field.as_deref()), (source, 3, Some("room")));
    }
    let path = format!("/api/v1/properties/{}/imports", hotel.property);
    let send = async |bytes: Vec<u8>| {
        let answer = hotel.api.request(Method::POST, &path).body(bytes).send().await.unwrap();
        let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
        assert_eq!(status, 422, "{text}");
        serde_json::from_str::<contract::problem::Problem>(&text).unwrap()
    };
    for (bytes, reason) in [
        (Vec::new(), "empty"),
        (b"\x7fELF\0\0\0".to_vec(), "no text file"),
        (b"PK\x03\x04".to_vec(), "damaged"),
        (vec![b'x'; MAX_IMPORT_BYTES + 1], "10 MiB"),
        (format!("Room\n{}", "1\n".repeat(20_001)).into_bytes(), "20000 rows"),
    ] {
        let problem = send(bytes).await;
        assert_eq!(problem.field.as_deref(), Some("file"));
        assert!(problem.detail.contains(reason), "{}", problem.detail);
    }
}

#[tokio::test]
async fn an_import_whose_server_was_killed_goes_on_and_does_nothing_twice() {
    let server = ServerProcess::start(&[]).await;
    let hotel = server.hotel(&[]).await;
    let import = upload(&hotel, "rooms.csv", hotel_list(2_000)).await;
    let path = format!("/api/v1/imports/{}", import.id);
    server.api.post(&format!("{path}/apply"), json!({})).await.ok::<ImportSummary>();
    let broken_off = wait("some rows are done", async || {
        let import: Import = server.api.get(&path).await.ok();
        (import.rows_done > 0).then_some(import.rows_done)
    })
    .await;
    assert!(broken_off < 2_000, "it was faster than we could look");
    server.kill();
    server.restart().await;
    let limit = Duration::from_secs(60);
    let (done, _) = timed("the import has ended", limit, async || {
        let import: Import = server.api.get(&path).await.ok();
        (import.state == ImportState::Done).then_some(import)
    })
    .await;
    assert_eq!((done.counts.rooms_made, done.counts.phones_made, done.counts.refused), (2_000, 2_000, 0));
    let again = upload(&hotel, "rooms.csv", hotel_list(2_000)).await;
    assert_eq!(again.counts, ImportCounts { same: 2_000, ..ImportCounts::default() });
    assert_eq!(hotel.cards().await.unwrap().len(), 2_000);
}

#[tokio::test]
async fn imports_are_forgotten_after_a_day() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&[]).await;
    let old = upload(&hotel, "old.csv", "Room\n1\n").await;
    let new = upload(&hotel, "new.csv", "Room\n1\n").await;
    let change = "UPDATE import SET created_at = created_at - 86400001 WHERE name = 'old.csv'";
    server.app().db.read().execute_unprepared(change).await.unwrap();
    wait_true("it is gone", async || server.api.get(&format!("/api/v1/imports/{}", old.id)).await.status == 404).await;
    let left: Vec<ImportSummary> = server.api.get(&format!("/api/v1/properties/{}/imports", hotel.property)).await.ok();
    assert_eq!(left.iter().map(|import| import.id).collect::<Vec<_>>(), [new.id]);
}
