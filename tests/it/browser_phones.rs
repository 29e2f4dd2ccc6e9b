//! The list of phones, one phone, and phones that come unannounced.

use contract::rest::PhonePage;
use tests::process::{EMAIL, PASSWORD};

use super::browser_settings::{field, push, seek};
use crate::support::browser::{Browser, web_root};
use crate::support::{Phone, TestServer, mac, wait};

const ROWS: &str = "[...document.querySelectorAll('[data-testid=phone-row]')].map(row => row.dataset.mac)";

#[tokio::test(flavor = "multi_thread")]
async fn the_list_is_searched_filtered_sorted_and_paged_by_its_address() {
    let server = TestServer::with(&[("server.web_root", &web_root())]).await;
    let rooms: Vec<String> = (1..=60).map(|room| (1200 + room).to_string()).collect();
    let rooms: Vec<&str> = rooms.iter().map(String::as_str).collect();
    let hotel = server.hotel(&rooms).await;
    hotel.register().await;
    for (number, room) in (1..).zip(&rooms) {
        hotel.announce(mac(number), Some(hotel.room(room))).await.unwrap();
    }
    let phone = Phone::start(mac(7), server.acs_url()).await;
    phone.online().await;
    let browser = Browser::signed_in(server.api.base(), EMAIL, PASSWORD).await;
    browser.click("nav-phones").await;
    browser.says("#main", "60 phones").await;
    browser.until("a page of 50", &format!("{ROWS}.length === 50")).await;
    browser.says(".pager", "1–50 of 60").await;
    browser.click(".pager button:last-child").await;
    browser.until("the rest", &format!("{ROWS}.length === 10")).await;
    assert!(browser.address().await.contains("offset=50"));
    browser.back().await;
    browser.until("the first page", &format!("{ROWS}.length === 50")).await;

    browser.click("[data-testid=state-chip][data-state=idle]").await;
    browser.until("the one that is idle", &format!("{ROWS}.join() === '{}'", mac(7))).await;
    assert!(browser.address().await.contains("state=idle"));
    browser.reload().await;
    browser.until("still the one", &format!("{ROWS}.join() === '{}'", mac(7))).await;
    browser.click("[data-testid=state-chip]:not([data-state])").await;

    browser.fill("search", &mac(42).compact()).await;
    browser.until("the one looked for", &format!("{ROWS}.join() === '{}'", mac(42))).await;
    assert!(browser.address().await.contains("q="));
    browser.fill("search", "nothing has this").await;
    browser.says("#main", "No phone matches").await;
    browser.fill("search", "").await;
    browser.until("all again", &format!("{ROWS}.length === 50")).await;

    browser.click("th:nth-child(1) .sort").await;
    browser.until("upwards", &format!("{ROWS}[0] === '{}'", mac(1))).await;
    browser.click("th:nth-child(1) .sort").await;
    browser.until("downwards", &format!("{ROWS}[0] === '{}'", mac(60))).await;
    browser.shows("th:nth-child(1)", "aria-sort", "descending").await;
    assert!(browser.address().await.contains("desc=true"));
    browser.click(&format!("[data-mac=\"{}\"] a.stretched", mac(60))).await;
    browser.shows("phone-page", "data-mac", &mac(60).to_string()).await;
    browser.says("phone-page", "Expected").await;
    browser.assert_no_errors().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_shows_what_it_should_be_and_what_it_says() {
    let server = TestServer::with(&[("server.web_root", &web_root())]).await;
    let hotel = server.hotel(&["1207"]).await;
    hotel.register().await;
    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    let phone = Phone::start(mac(1), server.acs_url()).await;
    phone.online().await;
    phone.shows_room("1207").await;
    let browser = Browser::signed_in(server.api.base(), EMAIL, PASSWORD).await;
    browser.goto(&format!("/phones/{id}/configuration")).await;
    let row = |key: &str| format!("[data-testid=value-row][data-key=\"{key}\"]");
    browser.shows("connected", "data-connected", "true").await;
    browser.shows(&row("hotel.room.number"), "data-state", "in-sync").await;
    let cells = |key: &str| {
        let cell = |at: u8| format!("document.querySelector('{} td:nth-of-type({at})').innerText.trim()", row(key));
        format!("[{}, {}.split('\\n')[0], {}].join('|')", cell(1), cell(2), cell(3))
    };
    browser.until("desired, from, reported", &format!("{} === '1207|Room|1207'", cells("hotel.room.number"))).await;

    // Its own value, by the editor.
    let volume = "audio.volume.ring";
    browser.click("phone-settings").await;
    seek(&browser, "ring volume", volume).await;
    browser.fill(&field(volume, "setting-value"), "7").await;
    push(&browser, "").await;
    browser.says("pushed", "The 1 phone is in sync").await;
    browser.goto(&format!("/phones/{id}/configuration")).await;
    browser.until("7 is reported", &format!("{} === '7|This phone|7'", cells(volume))).await;
    browser.fill("values-filter", "ring volume").await;
    browser.until("one row", "document.querySelectorAll('[data-testid=value-row]').length === 1").await;
    browser.fill("values-filter", "").await;

    // Somebody who knows the keypad password dials another room number at the phone: it differs, and is brought back.
    phone.agent.keys("**766*1231299#").await;
    browser.shows(&row("hotel.room.number"), "data-state", "drift").await;
    browser.says("phone-page", "1 value was changed at the phone itself").await;
    browser.click("drift-restore").await;
    browser.shows(&row("hotel.room.number"), "data-state", "in-sync").await;
    phone.shows_room("1207").await;
    browser.gone("drift").await;

    server.api.delete(&format!("/api/v1/phones/{id}")).await;
    browser.says("phone-page", "This phone was removed").await;
    browser.assert_no_errors().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_nobody_announced_is_accepted() {
    let server = TestServer::with(&[("server.web_root", &web_root())]).await;
    let hotel = server.hotel(&["1206", "1207"]).await;
    hotel.register().await;
    let browser = Browser::signed_in(server.api.base(), EMAIL, PASSWORD).await;
    browser.click("nav-new").await;
    browser.says("#main", "No new phones").await;

    let first = Phone::start(mac(1), server.acs_url()).await;
    let row = |number| format!("[data-testid=new-phone-row][data-mac=\"{}\"]", mac(number));
    browser.says(&row(1), &mac(1).compact()).await;
    browser.says("nav-new", "1").await;
    browser.click(&format!("{} [data-testid=accept-open]", row(1))).await;
    browser.until("rooms to choose", "document.querySelectorAll('[data-testid=room-select] option').length > 2").await;
    browser.choose("room-select", &hotel.room("1207").to_string()).await;
    browser.click("accept-confirm").await;
    browser.gone(&row(1)).await;
    first.unplug().await.plug_in().await.shows_room("1207").await;

    let stranger = Phone::start(mac(2), server.acs_url()).await;
    browser.click(&format!("{} [data-testid=reject]", row(2))).await;
    browser.click("reject-yes").await;
    browser.gone(&row(2)).await;
    drop(stranger);

    browser.click("announce-open").await;
    browser.fill("announce-mac", "c0:74").await;
    browser.click("announce-save").await;
    browser.says(".field-error", "Copy it from the label; it proves").await;
    browser.fill("announce-mac", &mac(3).to_string()).await;
    browser.fill("announce-serial", &mac(3).compact()).await;
    browser.click("announce-save").await;
    browser.gone("announce-save").await;
    wait("the announced phone is known", async || {
        let found: PhonePage = server.api.get(&format!("/api/v1/phones?q={}", mac(3))).await.ok();
        (found.total == 1).then_some(())
    })
    .await;
    browser.assert_no_errors().await;
}
