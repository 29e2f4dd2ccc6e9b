//! SIP servers, pools and accounts of a property.

use contract::rest::SipAccountPage;
use tests::process::{EMAIL, PASSWORD};

use crate::accounts::add_server;
use crate::support::browser::{Browser, web_root};
use crate::support::{Phone, TestServer, mac, wait_true};

#[tokio::test(flavor = "multi_thread")]
async fn every_room_is_given_an_account() {
    let server = TestServer::with(&[("server.web_root", &web_root())]).await;
    let layout = server.hotel(&["1201"]).await;
    hotel_rooms(&server, &layout).await;
    layout.announce(mac(1), Some(layout.room("1201"))).await.unwrap();
    let phone = Phone::start(mac(1), server.acs_url()).await;
    phone.online().await;
    let mut browser = Browser::signed_in(server.api.base(), EMAIL, PASSWORD).await;
    browser.expect(422);
    browser.click("nav-settings").await;
    browser.click("set-up-accounts").await;
    browser.says("accounts-page", "Start with a SIP server").await;
    browser.click("server-new").await;
    browser.fill("server-name", "Main PBX").await;
    browser.click("server-save").await;
    browser.says("#server-host-error", "host").await;
    browser.fill("server-host", "pbx.example").await;
    browser.click("server-save").await;
    browser.says("server", "pbx.example over UDP, 0 accounts").await;

    browser.click("pool-new").await;
    browser.fill("pool-name", "Rooms").await;
    browser.fill("pool-first", "6000").await;
    browser.fill("pool-last", "6099").await;
    browser.click("pool-save").await;
    browser.says("pool", "0 used, 100 free").await;
    browser.click("pool-fill").await;
    browser.click("pool-fill-yes").await;
    browser.says("pool-filled", "have an account now").await;
    browser.gone("pool-fill-yes").await;
    browser
        .until("fewer are free", "!document.querySelector('[data-testid=pool]').textContent.includes('0 used')")
        .await;
    browser.says("account", "Room").await;
    let server_of_phone = "account.1.sip.server.1.address";
    wait_true("the phone has its account", async || phone.agent.value(server_of_phone) == "pbx.example").await;
    assert_eq!(phone.agent.value("account.1.sip.userid"), "1201", "a room keeps the extension it has");
    browser.click("pool-fill").await;
    browser.click("pool-fill-yes").await;
    browser.says("pool-filled", "Every room has an account already").await;
    browser.fill("account-search", "6000").await;
    browser.until("one", "document.querySelectorAll('[data-testid=account]').length === 1").await;
    let path = format!("/api/v1/properties/{}/sip-accounts", layout.property);
    let page: SipAccountPage = server.api.get(&path).await.ok();
    assert_eq!(page.total, 3);

    // Its password is the account's, and so it is changed there.
    browser.goto(&format!("/p/{}/rooms/{}", layout.property, layout.room("1201"))).await;
    browser.click("sip-password").await;
    browser.shows("account", "data-user", "1201").await;
    browser.assert_no_errors().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_refused_is_not_half_made_and_several_rooms_share_one() {
    let server = TestServer::with(&[("server.web_root", &web_root())]).await;
    let hotel = server.hotel(&["1201"]).await;
    hotel_rooms(&server, &hotel).await;
    add_server(&hotel, 5060).await;
    let mut browser = Browser::signed_in(server.api.base(), EMAIL, PASSWORD).await;
    browser.expect(409);
    browser.click("nav-settings").await;
    browser.click("set-up-accounts").await;
    browser.click("account-new").await;
    // Room 1201 is called 1201 by hand.
    browser.fill("account-user", "1201").await;
    browser.fill("account-room", "1301").await;
    browser.click("account-save").await;
    browser.says("[aria-label='SIP account'] [role=alert]", "1201").await;
    browser.fill("account-user", "1299").await;
    browser.fill("account-room", "1399").await;
    browser.click("account-save").await;
    browser.says("#account-room-error", "no room 1399").await;
    browser.click("account-shared").await;
    browser.click("[data-room='1399'] button").await;
    for room in ["1301", "1302"] {
        browser.fill("account-room", room).await;
        browser.click("account-room-add").await;
        browser.says("account-rooms", room).await;
    }
    browser.click("account-save").await;
    browser.says("account", "Room 1301, Room 1302").await;

    browser.click("[data-testid=account] [title=Change]").await;
    browser.click("[data-room='1301'] button").await;
    browser.click("account-save").await;
    browser.until("one is left", "!document.querySelector('[data-testid=account]').textContent.includes('1301')").await;
    browser.says("account", "Room 1302").await;
    let path = format!("/api/v1/properties/{}/sip-accounts", hotel.property);
    let page: SipAccountPage = server.api.get(&path).await.ok();
    assert_eq!((page.total, page.items[0].used_by.len(), page.items[0].shared), (1, 1, true));
    browser.assert_no_errors().await;
}

/// Rooms without an extension, which a pool can serve.
async fn hotel_rooms(server: &TestServer, hotel: &tests::hotel::Hotel) {
    let rooms = serde_json::json!([{ "number": "1301" }, { "number": "1302" }]);
    let floors = serde_json::json!([{ "name": "13", "level": 13, "rooms": rooms }]);
    let body = serde_json::json!({ "buildings": [{ "name": "Tower", "floors": floors }] });
    let path = format!("/api/v1/properties/{}/layout", hotel.property);
    server.api.post(&path, body).await.ok::<contract::rest::Property>();
}
