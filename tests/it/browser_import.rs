//! Rooms and phones from a file: what it would do, errors by row and column, doing it.

use contract::rest::{Accepted, LayerValues};
use serde_json::json;
use tests::process::{EMAIL, PASSWORD};

use crate::support::browser::{Browser, web_root};
use crate::support::{Hotel, TestServer};

const FILE: &str = "Building,Floor,Room,Extension,Guest,MAC,Serial\n\
    Main,1,101,6101,,c0:74:ad:00:01:01,SN101\n\
    Main,1,102,6102,,,\n\
    Main,1,103,6103,,not a mac,SN103\n";

/// Hands a file to an input, as a person would by the dialog.
async fn choose_file(browser: &Browser, name: &str, text: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    browser.find_hidden("import-file").await.send_keys(&path.display().to_string()).await.unwrap();
    browser.find("import").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_tried_corrected_and_applied() {
    let server = TestServer::with(&[("server.web_root", &web_root())]).await;
    let hotel = server.hotel(&["1207"]).await;
    let browser = Browser::signed_in(server.api.base(), EMAIL, PASSWORD).await;
    browser.click("nav-settings").await;
    browser.click("set-up-import").await;
    choose_file(&browser, "rooms.csv", FILE).await;
    browser.says("import-line", "3 rows read. Nothing is changed yet.").await;
    browser.says("[data-testid=finding][data-row='4'][data-column='MAC']", "not a mac").await;
    browser.shows("[data-testid=column][data-heading='Room']", "data-field", "room").await;
    assert_eq!(hotel.cards().await.unwrap().len(), 1, "nothing is changed by trying");

    // A column is taken for nothing: its errors go away.
    browser.choose("[data-testid=column][data-heading='MAC'] [data-testid=column-field]", "").await;
    browser.shows("[data-testid=column][data-heading='MAC']", "data-field", "").await;
    browser.choose("[data-testid=column][data-heading='Serial'] [data-testid=column-field]", "").await;
    browser.shows("[data-testid=column][data-heading='Serial']", "data-field", "").await;
    browser.gone("finding").await;
    browser.choose("[data-testid=column][data-heading='MAC'] [data-testid=column-field]", "mac").await;
    browser.shows("[data-testid=column][data-heading='MAC']", "data-field", "mac").await;
    browser.choose("[data-testid=column][data-heading='Serial'] [data-testid=column-field]", "serial").await;
    browser.shows("[data-testid=column][data-heading='Serial']", "data-field", "serial").await;
    browser.find("[data-testid=finding][data-row='4']").await;

    browser.click("import-skip").await;
    browser.click("import-skip-yes").await;
    browser.shows("import", "data-state", "done").await;
    let cards = hotel.cards().await.unwrap();
    let mut numbers: Vec<&str> = cards.iter().map(|card| card.number.as_str()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, ["101", "102", "1207"]);

    // Again: everything is so already.
    browser.click("set-up-import").await;
    choose_file(&browser, "rooms.csv", FILE).await;
    browser.says("import", "There is nothing to do").await;

    // What a list sets among the settings is taken back.
    browser.click("set-up-import").await;
    choose_file(&browser, "keys.csv", "Room,Key 1\n101,9\n102,9\n").await;
    browser.click("import-apply").await;
    browser.shows("import", "data-state", "done").await;
    let by_hand = json!({ "values": { "pks.mpk.11.value": "8" } });
    let hotel = Hotel::known(&server.api, hotel.property).await.unwrap();
    let settings = format!("/api/v1/rooms/{}/settings", hotel.room("101"));
    server.api.put(&settings, by_hand).await.ok::<Accepted>();
    browser.click("import-undo").await;
    browser.click("import-undo-yes").await;
    browser.says("import-undone", "left alone: Room 101.").await;
    browser.click("import-undo-all").await;
    browser.click("import-undo-all-yes").await;
    browser.gone("import-undo-all").await;
    browser.says("import-undone", "1 room or phone is as before.").await;
    let kept: LayerValues = server.api.get(&settings).await.ok();
    assert!(kept.values.is_empty(), "{kept:?}");
    browser.assert_no_errors().await;
}
