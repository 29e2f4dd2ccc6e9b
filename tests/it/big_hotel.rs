//! A hotel from its list to a change of all its phones and back: imported, previewed, pushed, verified, undone. Of 200 rooms;
//! `BELLHOP_HOTEL=2000` makes it more.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use contract::rest::*;
use contract::{ChangeSetId, PhoneId};
use device_agent::{SimConfig, Simulator};
use serde_json::json;
use tests::wait::within;

use crate::imports::{apply, upload};
use crate::support::{Hotel, TestServer};

const RING: &str = "account.1.ring.timeout";
/// What a phone rings for where nobody set it.
const FACTORY: &str = "60";
/// Every tenth room is a suite, the others are doubles and singles.
const TYPES: [&str; 3] = ["Double", "Single", "Suite"];
/// A room with a value of its own; no suite.
const OWN: usize = 7;

fn kind(at: usize) -> &'static str {
    TYPES[if at.is_multiple_of(10) { 2 } else { at % 2 }]
}

fn list(rooms: usize, phones: &SimConfig) -> String {
    let mut text = "Building,Floor,Room,Room type,Extension,MAC Address,Serial Number,Model\n".to_owned();
    for at in 0..rooms {
        let (mac, number, kind) = (phones.mac(at), 1000 + at, kind(at));
        let _ = writeln!(text, "House,Floor {},{number},{kind},{number},{mac},{},GHP620", at / 50, mac.compact());
    }
    text
}

#[derive(Clone, Copy, PartialEq)]
enum When {
    Before,
    Changed,
    Undone,
}

/// What a phone should ring for, and the layer that says so. `None`: nobody has ever said anything.
fn expected(at: usize, when: When) -> Option<(&'static str, Layer)> {
    match (at, when) {
        (OWN, _) => Some(("35", Layer::Room)),
        _ if kind(at) == "Suite" => Some(("50", Layer::RoomType)),
        (_, When::Before) => None,
        (_, When::Changed) => Some(("45", Layer::Property)),
        (_, When::Undone) => Some((FACTORY, Layer::ModelDefault)),
    }
}

struct House {
    server: TestServer,
    hotel: Hotel,
    limit: Duration,
    /// By the number of the room.
    phones: BTreeMap<usize, PhoneId>,
}

impl House {
    async fn set(&self, path: &str, value: &str) -> Accepted {
        self.server.api.put(path, json!({ "values": { RING: value }, "comment": "house rule" })).await.ok()
    }

    async fn in_sync(&self, what: &str) {
        let path = format!("/api/v1/properties/{}/progress", self.hotel.property);
        let all = within(self.limit, async || {
            let progress: Progress = self.server.api.get(&path).await.ok();
            (progress.in_sync as usize == self.phones.len()).then_some(())
        });
        println!("{what}: {:.1} s", all.await.expect("every phone is in sync").1.as_secs_f64());
    }

    /// Until every phone of a change has read it back.
    async fn verified(&self, change: ChangeSetId) -> ChangeProgress {
        let path = format!("/api/v1/change-sets/{change}");
        let done = within(self.limit, async || {
            let set: ChangeSetDetail = self.server.api.get(&path).await.ok();
            (set.progress.done == set.progress.phones).then_some(set.progress)
        });
        let (progress, time) = done.await.expect("every phone has taken the change");
        println!("{} phones verified: {:.1} s", progress.done, time.as_secs_f64());
        progress
    }

    /// Ten phones spread over the house, and those with values of other layers.
    async fn provenance_is_right(&self, when: When) {
        let rooms = self.phones.len();
        let spread = (1..=8).map(|nth| nth * 7919 % rooms).chain([OWN, 10]);
        for at in spread {
            let path = format!("/api/v1/phones/{}/configuration", self.phones[&at]);
            let page: Configuration = self.server.api.get(&path).await.ok();
            let value = page.values.iter().find(|value| value.key == RING && value.desired.is_some());
            let Some((text, layer)) = expected(at, when) else {
                assert!(value.is_none(), "room {}: {value:?}", 1000 + at);
                continue;
            };
            let value = value.expect("a value that somebody set");
            assert_eq!((value.desired.as_deref(), value.layer), (Some(text), Some(layer)), "room {}", 1000 + at);
            assert_eq!(
                (value.reported.as_deref(), value.state),
                (Some(text), ValueState::InSync),
                "room {}",
                1000 + at
            );
            let scope = match layer {
                Layer::Room => (1000 + at).to_string(),
                Layer::RoomType => kind(at).to_owned(),
                Layer::Property => "Hotel".to_owned(),
                _ => value.scope_name.clone(),
            };
            assert!(value.scope_name.starts_with(&scope), "{} is not {scope}", value.scope_name);
            let below: Vec<_> = value.overrides.iter().map(|below| (below.layer, below.value.as_str())).collect();
            let hides = when == When::Changed && layer > Layer::Property;
            assert_eq!(below.contains(&(Layer::Property, "45")), hides, "room {}: {below:?}", 1000 + at);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn big_hotel_is_imported_changed_and_undone_and_every_value_knows_its_layer() {
    let rooms = std::env::var("BELLHOP_HOTEL").map_or(200, |text| text.parse().expect("BELLHOP_HOTEL is a number"));
    let server = TestServer::start().await;
    let hotel = server.hotel(&[]).await;
    let config = SimConfig { retry_wait_s: 1, ..SimConfig::new(rooms, server.acs_url()) };

    let start = Instant::now();
    let import = upload(&hotel, "rooms.csv", list(rooms, &config)).await;
    assert_eq!((import.rows as usize, import.errors), (rooms, 0), "{:?}", import.findings);
    assert_eq!(import.counts.rooms_made as usize, rooms);
    let tried = start.elapsed();
    let done = apply(&server.api, import.id, false).await;
    assert_eq!((done.state, done.counts.phones_made as usize), (ImportState::Done, rooms), "{}", done.note);
    println!("{rooms} rooms: tried in {tried:?}, there after {:?}", start.elapsed());

    let cards = hotel.cards().await.unwrap();
    let phones = cards.iter().map(|card| (card.number.parse::<usize>().unwrap() - 1000, card.phone.unwrap())).collect();
    let limit = Duration::from_secs(60 + rooms as u64 / 4);
    let house = House { server, hotel, limit, phones };
    let simulator = Simulator::start(config).await.unwrap();
    house.in_sync("all online").await;

    let property = house.hotel.property;
    let types: Vec<RoomType> = house.server.api.get(&format!("/api/v1/properties/{property}/room-types")).await.ok();
    let suite = types.iter().find(|kind| kind.name == "Suite").expect("a room type of the list");
    assert_eq!(suite.rooms as usize, rooms / 10);
    house.set(&format!("/api/v1/room-types/{}/settings", suite.id), "50").await;
    let own = cards.iter().find(|card| card.number == (1000 + OWN).to_string()).unwrap();
    house.set(&format!("/api/v1/rooms/{}/settings", own.id), "35").await;
    house.in_sync("suites, and a room of its own").await;
    house.provenance_is_right(When::Before).await;

    let settings = format!("/api/v1/properties/{property}/settings");
    let body = json!({ "values": { RING: "45" } });
    let start = Instant::now();
    let preview: Preview = house.server.api.post(&format!("{settings}/preview"), body).await.ok();
    println!("previewed in {:?}", start.elapsed());
    let count = |name: &str| (0..rooms).filter(|at| kind(*at) == name && *at != OWN).count() as u32;
    let (single, double) = (count("Single"), count("Double"));
    assert_eq!((preview.in_scope as usize, preview.phones), (rooms, single + double));
    let by_type: BTreeMap<&str, u32> =
        preview.by_room_type.iter().map(|count| (count.name.as_str(), count.phones)).collect();
    assert_eq!(by_type, BTreeMap::from([("Double", double), ("Single", single)]));
    let [key] = preview.keys.as_slice() else { panic!("one key: {:?}", preview.keys) };
    assert_eq!((key.phones, key.overridden), (single + double, suite.rooms + 1));
    assert_eq!(key.groups.iter().map(|group| group.phones).sum::<u32>(), key.phones);
    assert!(key.groups.iter().all(|group| group.after.as_deref() == Some("45")), "{:?}", key.groups);
    house.provenance_is_right(When::Before).await;

    let start = Instant::now();
    let accepted = house.set(&settings, "45").await;
    println!("stored in {:?}", start.elapsed());
    assert_eq!(accepted.phones, preview.phones);
    let change = accepted.change_set.expect("a change set");
    assert_eq!(house.verified(change).await.phones, preview.phones);
    house.provenance_is_right(When::Changed).await;

    let undone: Accepted = house.server.api.post(&format!("/api/v1/change-sets/{change}/undo"), json!({})).await.ok();
    assert_eq!(undone.phones, preview.phones);
    house.verified(undone.change_set.expect("the undo is a change set")).await;
    house.provenance_is_right(When::Undone).await;
    let history: History = house.server.api.get(&format!("{settings}/history")).await.ok();
    assert_eq!(history.items[0].undoes, Some(change));
    assert_eq!(history.items[1].undone_by, Some(history.items[0].id));
    simulator.shutdown().await;
}
