//! The hotels in the pictures: three of them, with guests, and a phone in every state.

use std::time::Duration;

use cloud::app::App;
use contract::rest::{JobState, PhoneRow, Property, RoomState, RoomType, SyncState};
use contract::{Mac, PhoneId};
use device_agent::{SimConfig, SimHandle, Simulator};
use sea_orm::ConnectionTrait;
use serde_json::json;
use settings::Model;
use tests::hotel::Hotel;
use tokio::net::UdpSocket;

use crate::support::{Ask, Phone, TestServer, wait_true};

/// The room whose panel is open in the pictures; then the rooms whose phones are not simply idle.
pub const SHOWN: &str = "1207";
const OFF_HOOK: [&str; 2] = ["1203", "1004"];
const REFUSED: &str = "1105";
const OFFLINE: &str = "1110";
const PENDING: &str = "1208";
const EXPECTED: [&str; 2] = ["1210", "906"];
const EMPTY: [&str; 3] = ["909", "910", "1010"];
const SUITES: [&str; 4] = ["1206", "1207", "1208", "1209"];

const GUESTS: [(&str, &str); 21] = [
    ("901", "M. Okafor"),
    ("903", "Ines Duarte"),
    ("904", "P. Lindqvist"),
    ("1001", "Yuki Tanaka"),
    ("1002", "Dr. A. Moreau"),
    ("1004", "Tomás Vidal"),
    ("1005", "R. Hughes"),
    ("1007", "Nora Berg"),
    ("1008", "Family Rossi"),
    ("1101", "S. Kowalska"),
    ("1103", "James Abbott"),
    ("1104", "Leila Haddad"),
    ("1105", "K. Nielsen"),
    ("1108", "Clara Weiss"),
    ("1109", "D. Fernandes"),
    ("1201", "B. Ashworth"),
    ("1203", "Olga Petrova"),
    ("1205", "V. Santos"),
    ("1206", "H. Yamamoto"),
    ("1207", "Ana Ferreira"),
    ("1209", "E. van Dijk"),
];

/// Everything that runs while pictures are taken.
pub struct Hotels {
    pub harbour: Hotel,
    pub shown: PhoneId,
    _fleet: SimHandle,
    _phones: Vec<Phone>,
}

fn mac(number: u16) -> Mac {
    let [high, low] = number.to_be_bytes();
    Mac::new([0xc0, 0x74, 0xad, 0x10, high, low])
}

/// A property with floors.
async fn property(server: &TestServer, code: &str, name: &str, zone: &str, floors: &[(u32, u32)]) -> Hotel {
    let api = &server.api;
    let body = json!({ "chain": "Meridian Hotels", "code": code, "name": name, "time_zone": zone });
    let property: Property = api.post("/api/v1/properties", body).await.ok();
    let floors = floors.iter().map(|(floor, rooms)| {
        let rooms = (1..=*rooms).map(|room| (floor * 100 + room).to_string());
        let rooms: Vec<_> = rooms.map(|number| json!({ "number": number, "extension": number })).collect();
        json!({ "name": format!("Floor {floor}"), "level": floor, "rooms": rooms })
    });
    let floors: Vec<_> = floors.collect();
    let layout = json!({ "buildings": [{ "name": "Main building", "floors": floors }] });
    api.post(&format!("/api/v1/properties/{}/layout", property.id), layout).await.ok::<Property>();
    Hotel::known(api, property.id).await.unwrap()
}

/// Rooms of a kind, so that something can be set for them alone.
async fn suites(hotel: &Hotel) {
    let path = format!("/api/v1/properties/{}", hotel.property);
    let suite: RoomType = hotel.api.post(&format!("{path}/room-types"), json!({ "name": "Suite" })).await.ok();
    let rooms: Vec<_> = SUITES.iter().map(|number| hotel.room(number)).collect();
    let body = json!({ "rooms": rooms, "room_type": suite.id });
    hotel.api.put(&format!("{path}/rooms/type"), body).await.ok::<contract::rest::Accepted>();
}

/// What holds in the whole property.
async fn settings(hotel: &Hotel, name: &str) {
    let path = format!("/api/v1/properties/{}/settings", hotel.property);
    let accounts = json!({ "values": {
        "account.1.enable": "yes", "account.1.sip.server.1.address": "sip.meridian.example",
        "account.1.sip.subscriber.password": "not a password", "hotel.name": name, "audio.volume.ring": "5",
    } });
    hotel.api.put(&path, accounts).await.ok::<contract::rest::Accepted>();
    let locked = json!({ "values": { "audio.volume.lock": "ring" }, "locked": true, "reason": "Brand standard 4.2" });
    hotel.api.put(&path, locked).await.ok::<contract::rest::Accepted>();
}

/// A registrar that refuses everybody.
async fn registrar() -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = socket.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut buffer = [0; 4096];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            let request = String::from_utf8_lossy(&buffer[..length]).into_owned();
            let copied = ["Via:", "From:", "To:", "Call-ID:", "CSeq:"];
            let copied = request.lines().filter(|line| copied.iter().any(|name| line.starts_with(name)));
            let answer = copied.fold("SIP/2.0 403 Forbidden\r\n".to_owned(), |answer, line| answer + line + "\r\n");
            let _ = socket.send_to(format!("{answer}Content-Length: 0\r\n\r\n").as_bytes(), from).await;
        }
    });
    port
}

impl Hotels {
    pub async fn open(server: &TestServer) -> Self {
        let harbour =
            property(server, "harbour", "Harbour House", "Europe/Lisbon", &[(9, 10), (10, 10), (11, 10), (12, 10)])
                .await;
        let lodge = property(server, "lodge", "Alpine Lodge", "Europe/Vienna", &[(1, 8), (2, 8)]).await;
        property(server, "station", "Station Hotel", "Europe/London", &[(1, 24), (2, 24)]).await;
        for (hotel, name) in [(&harbour, "Harbour House Lisbon"), (&lodge, "Alpine Lodge")] {
            settings(hotel, name).await;
        }
        suites(&harbour).await;
        let numbers = json!({ "phone": "+351 215 550 100", "front_desk": "9" });
        let path = format!("/api/v1/properties/{}", harbour.property);
        harbour.api.patch(&path, numbers).await.ok::<contract::rest::Accepted>();
        let mut next = 0;
        let mut simulated = Vec::new();
        let own = [OFF_HOOK[0], REFUSED, OFFLINE, PENDING, SHOWN];
        let cards = harbour.cards().await.unwrap();
        for (hotel, number) in cards
            .iter()
            .map(|card| (&harbour, card.number.as_str()))
            .filter(|(_, number)| !own.contains(number) && !EXPECTED.contains(number) && !EMPTY.contains(number))
            .chain(["101", "102", "103", "104", "105", "201", "202"].map(|number| (&lodge, number)))
        {
            hotel.announce(mac(next), Some(hotel.room(number))).await.unwrap();
            simulated.push(number.to_owned());
            next += 1;
        }
        for number in EXPECTED {
            harbour.announce(mac(0x2000 + number.parse::<u16>().unwrap()), Some(harbour.room(number))).await.unwrap();
        }
        let mut fleet = SimConfig::new(usize::from(next), server.acs_url());
        fleet.first_mac = mac(0);
        let fleet = Simulator::start(fleet).await.unwrap();

        let path = format!("/api/v1/rooms/{}/settings", harbour.room(REFUSED));
        let refuses =
            json!({ "values": { "account.1.sip.server.1.address": format!("127.0.0.1:{}", registrar().await) } });
        harbour.api.put(&path, refuses).await.ok::<contract::rest::Accepted>();
        let mut phones = Vec::new();
        for number in own {
            let mac = mac(0x1000 + number.parse::<u16>().unwrap());
            harbour.announce(mac, Some(harbour.room(number))).await.unwrap();
            let phone = Phone::with(mac, server.acs_url(), |config| {
                config.simulated = number != REFUSED;
                config.model = if number == SHOWN { Model::Ghp621 } else { Model::Ghp620 };
            });
            phones.push(phone.await);
        }
        for (room, guest) in GUESTS {
            let path = format!("/api/v1/rooms/{}", harbour.room(room));
            harbour.api.patch(&path, json!({ "guest_name": guest })).await.ok::<contract::rest::Accepted>();
        }
        let mut hotels = Self { shown: phones[4].online().await, harbour, _fleet: fleet, _phones: Vec::new() };
        hotels.settle().await;

        let index = simulated.iter().position(|number| number == OFF_HOOK[1]).unwrap();
        phones[0].agent.hook(true).await;
        hotels._fleet.hook(index, true).await;
        hotels.events(&phones[4]).await;
        hotels.tasks().await;
        // The plug of two is pulled; one of them misses a change.
        let away = [phones.remove(2), phones.remove(2)];
        for phone in away {
            phone.unplug().await;
        }
        let late = format!("/api/v1/rooms/{}", hotels.harbour.room(PENDING));
        hotels.harbour.api.patch(&late, json!({ "guest_name": "T. Brandt" })).await.ok::<contract::rest::Accepted>();
        for (number, model) in [(0x4711, Model::Ghp621W), (0x4712, Model::Ghp620)] {
            phones.push(Phone::with(mac(number), server.acs_url(), |config| config.model = model).await);
        }
        hotels._phones = phones;
        hotels.all_as_meant(server).await;
        backdate(server.app()).await;
        hotels
    }

    /// A guest's morning on the phone that is looked at closely.
    async fn events(&self, phone: &Phone) {
        for off in [true, false] {
            phone.agent.hook(off).await;
            tokio::time::sleep(Duration::from_millis(120)).await;
        }
        let path = format!("/api/v1/phones/{}/settings", self.shown);
        let own = json!({ "values": { "hotel.telephone": "+351 210 000 000" } });
        self.harbour.api.put(&path, own).await.ok::<contract::rest::Accepted>();
    }

    /// What an engineer asked of that phone.
    async fn tasks(&self) {
        let path = format!("/api/v1/phones/{}/tasks", self.shown);
        let orders = [
            json!({ "kind": "refresh", "path": "" }),
            json!({ "kind": "methods" }),
            json!({ "kind": "upload", "file_type": "1 Vendor Configuration File" }),
            json!({ "kind": "set-parameters", "values": [{ "path": "Device.DeviceInfo.UpTime", "value": "1" }] }),
            json!({ "kind": "ping", "host": "127.0.0.1", "count": 20, "size": 56, "timeout_ms": 1000 }),
        ];
        for order in orders {
            let job: contract::rest::JobView = self.harbour.api.post(&path, order).await.ok();
            wait_true("the task has ended", async || {
                !matches!(self.harbour.api.job(&job).await.state, JobState::Ready | JobState::Running)
            })
            .await;
        }
    }

    /// Until every phone that is plugged in has what it should have.
    async fn settle(&mut self) {
        wait_true("all phones are in sync", async || {
            let cards = self.harbour.cards().await.unwrap();
            let waiting = cards.iter().filter(|card| card.phone.is_some() && card.state != RoomState::Expected);
            waiting.filter(|card| card.sync != SyncState::InSync).count() == 0
        })
        .await;
    }

    async fn all_as_meant(&self, server: &TestServer) {
        let is = [
            (OFF_HOOK[0], RoomState::OffHook),
            (OFF_HOOK[1], RoomState::OffHook),
            (REFUSED, RoomState::RegisterFailed),
            (OFFLINE, RoomState::Offline),
            (PENDING, RoomState::Offline),
            (SHOWN, RoomState::Idle),
        ];
        wait_true("every phone is in the state meant for it", async || {
            let cards = self.harbour.cards().await.unwrap();
            let news: Vec<PhoneRow> = server.api.get("/api/v1/phones/new").await.ok();
            news.len() == 2
                && is
                    .iter()
                    .all(|(number, state)| cards.iter().any(|card| card.number == *number && card.state == *state))
        })
        .await;
        assert_eq!(server.api.phone(self.shown).await.phone.mac, mac(0x1000 + 1207));
    }
}

/// A hotel that was opened a minute ago tells nothing: lets states be as old as they usually are, minutes for lifted
/// handsets, hours and days for the rest.
async fn backdate(app: &App) {
    let write = app.db.write().await.unwrap();
    let statement = "UPDATE phone SET state_since = state_since - 60000 *
        CASE state WHEN 'off-hook' THEN 4 WHEN 'register-failed' THEN 38 ELSE 17 + (rowid % 43) * (rowid * 31 % 97) END";
    write.tx.execute_unprepared(statement).await.unwrap();
    write.commit().await.unwrap();
}
