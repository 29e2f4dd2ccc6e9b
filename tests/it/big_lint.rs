//! How long the rules take over a whole hotel. Of 300 rooms; `BELLHOP_HOTEL=2000` makes it more.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use contract::rest::*;
use serde_json::json;

use crate::accounts::{add_pool, add_server, fill, path};
use crate::imports::{apply, upload};
use crate::support::{TestServer, mac};

/// What a person waits without wondering, also in a debug build.
const LONGEST: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_hotel_is_looked_at_while_a_person_waits() {
    let rooms: usize =
        std::env::var("BELLHOP_HOTEL").map_or(300, |text| text.parse().expect("BELLHOP_HOTEL is a number"));
    let server = TestServer::start().await;
    let hotel = server.hotel(&[]).await;
    let mut list = "Building,Floor,Room,MAC Address,Serial Number,Model\n".to_owned();
    for at in 0..rooms {
        let mac = mac(at as u16);
        let _ = writeln!(list, "House,Floor {},{},{mac},{},GHP620", at / 50, 1000 + at, mac.compact());
    }
    let import = upload(&hotel, "rooms.csv", list).await;
    assert_eq!((import.rows as usize, import.errors), (rooms, 0), "{:?}", import.findings);
    assert_eq!(apply(&server.api, import.id, false).await.state, ImportState::Done);
    let sip = add_server(&hotel, 5060).await;
    let pool = add_pool(&hotel, &sip, "1000", "9999").await;
    assert_eq!(fill(&hotel, &pool).await.phones as usize, rooms);

    let lint = async || {
        let start = Instant::now();
        let found: PropertyLint = server.api.get(&path(hotel.property, "lint")).await.ok();
        assert_eq!(found.phones as usize, rooms);
        (start.elapsed(), found)
    };
    let (took, found) = lint().await;
    assert!(took < LONGEST, "{rooms} phones took {took:?}");
    let pin = found.groups.iter().find(|group| group.rule.id == "keypad-pin").unwrap();
    assert_eq!((pin.phones as usize, pin.examples.len()), (rooms, 5));

    let settings = path(hotel.property, "settings");
    let body = json!({ "values": { "account.1.call.dialplan": "{[2-8]xxx}", "account.1.sip.userid": "1" } });
    let start = Instant::now();
    let preview: Preview = server.api.post(&format!("{settings}/preview"), body).await.ok();
    let previewed = start.elapsed();
    assert_eq!(preview.phones as usize, rooms);
    // All of them, unless it took too long; then some, and the answer says how many.
    let blocked = preview.lint.brings.iter().find(|group| group.rule.id == "emergency-blocked").unwrap();
    assert!(preview.lint.looked_at > 0 && blocked.phones == preview.lint.looked_at, "{:?}", preview.lint.looked_at);
    assert!(previewed < LONGEST, "the preview took {previewed:?}");
    println!("{rooms} phones: lint in {took:?}, preview in {previewed:?} with {} looked at", preview.lint.looked_at);
}
