//! The board without a mouse, and what it does when the server goes away.

use fantoccini::key::Key;
use tests::process::{EMAIL, PASSWORD};

use crate::support::browser::{Browser, web_root};
use crate::support::{ServerProcess, TestServer};

/// The room whose cell has the focus.
const FOCUS: &str = "(document.activeElement.dataset.room || document.activeElement.dataset.testid || '')";

#[tokio::test(flavor = "multi_thread")]
async fn the_board_is_used_by_keys_alone() {
    let server = TestServer::with(&[("server.web_root", &web_root())]).await;
    let rooms: Vec<String> = (1..=30).map(|room| (1200 + room).to_string()).collect();
    let rooms: Vec<&str> = rooms.iter().map(String::as_str).collect();
    server.hotel(&rooms).await;
    let browser = Browser::signed_in(server.api.base(), EMAIL, PASSWORD).await;
    browser.until("the board", "document.querySelectorAll('[data-testid=room-cell]').length === 30").await;
    let focus = async |at: &str| {
        browser.until(&format!("the focus is at {at}"), &format!("{FOCUS} === '{at}'")).await;
    };
    browser.press('/').await;
    focus("search").await;
    assert_eq!(browser.value("search").await, "");
    browser.press('9').await;
    browser.until("rooms with a 9", "document.querySelectorAll('li:not([hidden]) > .cell').length === 3").await;
    browser.press(Key::Escape).await;
    browser.until("all rooms", "document.querySelectorAll('li:not([hidden]) > .cell').length === 30").await;

    // By Tab into the grid, which is one stop.
    browser.press('/').await;
    let mut stops = 0;
    while browser.eval(FOCUS).await != "1201" {
        browser.press(Key::Tab).await;
        stops += 1;
        assert!(stops < 20, "Tab leads to the rooms");
    }
    browser.press(Key::Right).await;
    focus("1202").await;
    browser.press(Key::Left).await;
    focus("1201").await;
    browser.press(Key::End).await;
    focus("1230").await;
    browser.press(Key::Home).await;
    focus("1201").await;
    let columns = browser.eval("new Set([...document.querySelectorAll('.cell')].map(c => c.offsetLeft)).size").await;
    browser.press(Key::Down).await;
    let below = (1201 + columns.as_u64().unwrap()).to_string();
    focus(&below).await;
    browser.press(Key::Up).await;
    focus("1201").await;
    browser.press(Key::Down).await;

    browser.press(Key::Enter).await;
    browser.says("#panel-title", &format!("Room {below}")).await;
    browser.until("the focus is in the panel", "document.activeElement.id === 'panel-title'").await;
    browser.press(Key::Escape).await;
    browser.gone("panel").await;
    focus(&below).await;
    browser.assert_no_errors().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_board_finds_its_way_back_to_a_server_that_restarts() {
    let server = ServerProcess::start(&[("server.web_root", &web_root())]).await;
    let hotel = server.hotel(&["1206", "1207"]).await;
    let browser = Browser::signed_in(server.api.base(), EMAIL, PASSWORD).await;
    browser.find("[data-testid=room-cell][data-room=\"1207\"]").await;
    browser.shows("live-indicator", "data-live", "on").await;
    server.kill();
    browser.shows("live-indicator", "data-live", "off").await;
    browser.says("live-indicator", "Reconnecting").await;
    server.restart().await;
    let again = browser.shows("live-indicator", "data-live", "on").await;
    println!("live again {again:?} after the server was ready");

    // And what changes from now on is shown.
    let path = format!("/api/v1/rooms/{}", hotel.room("1207"));
    server.api.login(EMAIL, PASSWORD).await.unwrap();
    server.api.patch(&path, serde_json::json!({ "guest_name": "Ana" })).await.ok::<contract::rest::Accepted>();
    browser.says("[data-testid=room-cell][data-room=\"1207\"]", "Ana").await;
}
