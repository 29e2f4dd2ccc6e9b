//! The board and the panel of a room.

use tests::hotel::Hotel;
use tests::process::{EMAIL, PASSWORD};

use crate::support::browser::{Browser, web_root};
use crate::support::{Phone, TestServer, mac};

async fn hotel(rooms: &[&str]) -> (TestServer, Hotel) {
    let server = TestServer::with(&[("server.web_root", &web_root())]).await;
    let hotel = server.hotel(rooms).await;
    hotel.register().await;
    (server, hotel)
}

async fn phone(server: &TestServer, hotel: &Hotel, number: u16, room: &str) -> Phone {
    let mac = mac(number);
    hotel.announce(mac, Some(hotel.room(room))).await.unwrap();
    let phone = Phone::start(mac, server.acs_url()).await;
    phone.online().await;
    phone.shows_room(room).await;
    phone
}

fn cell(room: &str) -> String {
    format!("[data-testid=room-cell][data-room=\"{room}\"]")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_changed_becomes_pending_and_then_applied() {
    let (server, hotel) = hotel(&["1201", "1207"]).await;
    let phone = phone(&server, &hotel, 1, "1207").await;
    let mut browser = Browser::signed_in(server.api.base(), EMAIL, PASSWORD).await;
    browser.expect(409);
    browser.click(&cell("1207")).await;
    browser.shows("sync-state", "data-sync", "in-sync").await;
    browser.shows(&cell("1207"), "data-state", "idle").await;

    browser.watch("sync-state", "data-sync").await;
    browser.fill("room-number", "1208").await;
    browser.fill("guest-name", "Zoë Müller").await;
    browser.click("save").await;
    phone.shows_room("1208").await;
    browser.says("sync-state", "Applied").await;
    let seen = browser.seen().await;
    assert!(seen.iter().any(|state| state == "pending"), "{seen:?}");
    assert_eq!(seen.last().map(String::as_str), Some("in-sync"), "{seen:?}");
    browser.shows("job", "data-state", "done").await;
    browser.says(&cell("1208"), "Zoë Müller").await;
    browser.says("#panel-title", "Room 1208").await;

    browser.fill("extension", "4208").await;
    browser.click("save").await;
    browser.says("job", "extension").await;
    browser.shows("job", "data-state", "done").await;
    let user = phone.agent.value("account.1.sip.userid");
    assert_eq!(user, "4208");

    // Taken: said at the field, and nothing changes.
    browser.fill("room-number", "1201").await;
    browser.click("save").await;
    browser.says("#room-number-error", "has this number").await;
    browser.shows("#room-number", "aria-invalid", "true").await;
    browser.fill("room-number", "").await;
    browser.click("save").await;
    browser.says("#room-number-error", "Write the room's number").await;
    assert_eq!(phone.state_json().unwrap().room_number, "1208");
    browser.assert_no_errors().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_is_swapped_and_removed() {
    let (server, hotel) = hotel(&["1206", "1207"]).await;
    let old = phone(&server, &hotel, 1, "1206").await;
    let new = phone(&server, &hotel, 2, "1207").await;
    let browser = Browser::signed_in(server.api.base(), EMAIL, PASSWORD).await;
    browser.click(&cell("1206")).await;
    browser.click("assign-open").await;
    browser.fill("assign-search", &new.mac.to_string()).await;
    browser.click(&format!("[data-testid=assign-option][data-mac=\"{}\"]", new.mac)).await;
    browser.says(".assign .note", "Room 1207 is left without a phone").await;
    browser.click("assign-confirm").await;
    new.shows_room("1206").await;
    old.shows_room("").await;
    browser.shows(&cell("1207"), "data-state", "no-phone").await;
    browser.says("panel", &new.mac.to_string()).await;
    browser.says("sync-state", "Applied").await;

    browser.click("phone-remove").await;
    browser.click("phone-remove-yes").await;
    new.shows_room("").await;
    browser.shows(&cell("1206"), "data-state", "no-phone").await;
    browser.says("panel", "Assign a phone").await;
    browser.assert_no_errors().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_board_is_filtered_and_follows_the_handsets() {
    let (server, hotel) = hotel(&["901", "902", "1207"]).await;
    let phone = phone(&server, &hotel, 1, "1207").await;
    let browser = Browser::signed_in(server.api.base(), EMAIL, PASSWORD).await;
    let shown = "[...document.querySelectorAll('[data-testid=room-cell]')].filter(c => c.offsetParent).map(c => c.dataset.room).join()";
    browser.until("all rooms", &format!("{shown} === '901,902,1207'")).await;
    browser.fill("search", "120").await;
    browser.until("one room", &format!("{shown} === '1207'")).await;
    browser.fill("search", &phone.mac.to_string()).await;
    browser.until("one room", &format!("{shown} === '1207'")).await;
    browser.fill("search", "nobody").await;
    browser.says("#main", "No room matches").await;
    browser.fill("search", "").await;
    browser.click(".filter.tone-none").await;
    browser.until("rooms without a phone", &format!("{shown} === '901,902'")).await;
    // What is shown stands in the address: it can be handed on, and outlives a look at a room.
    browser.until("the address", "location.search === '?state=no-phone'").await;
    browser.reload().await;
    browser.until("rooms without a phone", &format!("{shown} === '901,902'")).await;
    browser.click(&cell("902")).await;
    browser.says("#panel-title", "Room 902").await;
    browser.until("the address", "location.search === '?state=no-phone'").await;
    browser.click("panel-close").await;
    browser.gone("panel").await;
    browser.click(".filter.tone-none").await;
    browser.until("the address", "location.search === ''").await;

    browser.shows("live-indicator", "data-live", "on").await;
    phone.agent.hook(true).await;
    browser.shows(&cell("1207"), "data-state", "off-hook").await;
    phone.agent.hook(false).await;
    browser.shows(&cell("1207"), "data-state", "idle").await;
    phone.unplug().await;
    browser.shows(&cell("1207"), "data-state", "offline").await;
    browser.says("attention", "1 room needs a person").await;
    browser.click("attention").await;
    browser.until("the one that needs a person", &format!("{shown} === '1207'")).await;
    browser.assert_no_errors().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_has_its_own_sip_password() {
    let (server, hotel) = hotel(&["1207"]).await;
    let phone = phone(&server, &hotel, 1, "1207").await;
    let browser = Browser::signed_in(server.api.base(), EMAIL, PASSWORD).await;
    browser.click(&cell("1207")).await;
    browser.click("sip-password").await;
    browser.fill("setting-value", "only for 1207").await;
    browser.click("setting-save").await;
    browser.gone("setting-editor").await;
    browser.says("sync-state", "Applied").await;
    crate::support::wait_true("the phone has it", async || {
        phone.agent.value("account.1.sip.subscriber.password") == "only for 1207"
    })
    .await;
    browser.assert_no_errors().await;
}
