//! The walk a visitor takes: signs in, opens the board, puts the phone into room 1207, lifts its handset. On the running
//! demo (`cargo xtask browser --demo`), or on a server and a phone of its own.

use std::path::PathBuf;
use std::time::Duration;

use contract::rest::{Accepted, PhoneDetail, PhonePage, RoomDetail};
use contract::{Mac, RoomId};
use device_agent::StateFile;
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use tests::hotel::Hotel;
use tests::process::{EMAIL, PASSWORD};

use crate::support::browser::{Browser, web_root};
use crate::support::{Api, Phone, TestServer, mac, timed, wait_true};

const ROOM: &str = "1207";
const HOME: &str = "1201";
const ASSIGN_LIMIT: Duration = Duration::from_secs(2);
const HOOK_LIMIT: Duration = Duration::from_secs(1);

/// What `.bellhop/demo/demo.json` says.
#[derive(Deserialize)]
struct Demo {
    url: String,
    email: String,
    password: String,
    property_id: contract::PropertyId,
    phone_mac: Mac,
    phone_control_url: String,
    phone_control_token: String,
    phone_state_file: PathBuf,
}

/// Kept while the test runs, when there is no demo.
struct Own {
    _server: TestServer,
    _phone: Phone,
}

async fn own() -> (Demo, Own) {
    let server = TestServer::with(&[("server.web_root", &web_root())]).await;
    let hotel = server.hotel(&[HOME, "1202", ROOM]).await;
    hotel.register().await;
    let mac = mac(0x1201);
    hotel.announce(mac, Some(hotel.room(HOME))).await.unwrap();
    let mut folder = PathBuf::new();
    let phone = Phone::with(mac, server.acs_url(), |config| {
        config.control = Some("127.0.0.1:0".parse().unwrap());
        if let device_agent::Storage::Disk(disk) = &config.storage {
            folder.clone_from(disk);
        }
    });
    let phone = phone.await;
    phone.online().await;
    phone.shows_room(HOME).await;
    let demo = Demo {
        url: server.api.base().to_owned(),
        email: EMAIL.into(),
        password: PASSWORD.into(),
        property_id: hotel.property,
        phone_mac: mac,
        phone_control_url: format!("http://{}", phone.agent.control_addr().unwrap()),
        phone_control_token: std::fs::read_to_string(folder.join("control.token")).unwrap(),
        phone_state_file: folder.join("state.json"),
    };
    (demo, Own { _server: server, _phone: phone })
}

impl Demo {
    fn shown_on_phone(&self) -> String {
        let text = std::fs::read_to_string(&self.phone_state_file).unwrap_or_default();
        serde_json::from_str::<StateFile>(&text).map(|state| state.room_number).unwrap_or_default()
    }

    async fn hook(&self, api: &Api, hook: &str) {
        let request = api.http.post(format!("{}/hook", self.phone_control_url)).bearer_auth(&self.phone_control_token);
        let answer = request.json(&json!({ "hook": hook })).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
    }

    async fn put(&self, api: &Api, phone: &str, room: RoomId) {
        let body = json!({ "phone": phone, "replace": true });
        let answer = api.put(&format!("/api/v1/rooms/{room}/phone"), body).await;
        // Stands there already: also fine.
        if answer.status != 409 {
            answer.ok::<Accepted>();
        }
    }

    /// What the server says the phone reports as its room number.
    async fn reported(&self, api: &Api, phone: contract::PhoneId) -> Option<String> {
        let path = format!("/api/v1/phones/{phone}");
        let detail: PhoneDetail = api.try_send(Method::GET, &path, None, &[]).await.ok()?.json().ok()?;
        detail.values.into_iter().find(|value| value.key == "hotel.room.number")?.reported
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_moves_the_phone_and_lifts_the_handset() {
    let file = std::env::var_os("BELLHOP_DEMO_JSON");
    let (demo, _own) = match file {
        Some(file) => (serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap(), None),
        None => {
            let (demo, own) = own().await;
            (demo, Some(own))
        }
    };
    let api = Api::sign_in(&demo.url, &demo.email, &demo.password).await.unwrap();
    let hotel = Hotel::known(&api, demo.property_id).await.unwrap();
    let (home, room) = (hotel.room(HOME), hotel.room(ROOM));
    let found: PhonePage = api.get(&format!("/api/v1/phones?q={}", demo.phone_mac)).await.ok();
    let phone = found.items.first().expect("the demo's phone is known").id;
    // Also when an earlier walk broke off, or somebody played with the demo.
    let resident =
        api.get(&format!("/api/v1/rooms/{room}")).await.ok::<RoomDetail>().card.phone.filter(|id| *id != phone);
    demo.put(&api, &phone.to_string(), home).await;
    demo.hook(&api, "on").await;
    wait_true("the phone is back home", async || {
        demo.shown_on_phone() == HOME && demo.reported(&api, phone).await.as_deref() == Some(HOME)
    })
    .await;

    let browser = Browser::open(&demo.url).await;
    browser.sign_in(&demo.email, &demo.password).await;
    browser.goto(&format!("/p/{}/rooms", demo.property_id)).await;
    browser.shows("live-indicator", "data-live", "on").await;
    let cell = format!("[data-testid=room-cell][data-room=\"{ROOM}\"]");
    browser.click(&cell).await;
    browser.says("panel", &format!("Room {ROOM}")).await;
    browser.click("assign-open").await;
    browser.fill("assign-search", &demo.phone_mac.to_string()).await;
    browser.click(&format!("[data-testid=assign-option][data-mac=\"{}\"]", demo.phone_mac)).await;
    browser.click("assign-confirm").await;
    let assigned = std::time::Instant::now();
    let both = async {
        let on_phone = timed("the phone's state file says 1207", ASSIGN_LIMIT, async || {
            (demo.shown_on_phone() == ROOM).then_some(())
        });
        let reported = timed("the phone reports 1207", ASSIGN_LIMIT, async || {
            (demo.reported(&api, phone).await.as_deref() == Some(ROOM)).then_some(())
        });
        tokio::join!(on_phone, reported)
    };
    let ((_, on_phone), (_, reported)) = both.await;
    let applied = browser.shows("sync-state", "data-sync", "in-sync").await;
    println!("assigned in the browser: state file after {on_phone:?}, reported after {reported:?}");
    assert!(assigned.elapsed() < ASSIGN_LIMIT + Duration::from_secs(1), "the panel says so too ({applied:?} later)");
    browser.shows(&cell, "data-state", "idle").await;

    demo.hook(&api, "off").await;
    let off = browser.until_within(HOOK_LIMIT, "off hook", &cell_is(&cell, "off-hook")).await;
    demo.hook(&api, "on").await;
    let on = browser.until_within(HOOK_LIMIT, "on hook", &cell_is(&cell, "idle")).await;
    println!("handset: the room's cell is off-hook after {off:?}, idle again after {on:?}");

    demo.put(&api, &phone.to_string(), home).await;
    if let Some(resident) = resident {
        demo.put(&api, &resident.to_string(), room).await;
    }
    wait_true("the phone is home again", async || demo.shown_on_phone() == HOME).await;
    browser.assert_no_errors().await;
}

fn cell_is(cell: &str, state: &str) -> String {
    format!("document.querySelector({cell:?}).dataset.state === {state:?}")
}
