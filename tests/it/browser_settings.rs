//! What holds for a whole property.

use contract::rest::LayerValues;
use tests::process::{EMAIL, PASSWORD};

use crate::support::browser::{Browser, web_root};
use crate::support::{Phone, TestServer, mac, wait_true};

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_reaches_every_phone_with_its_progress() {
    let server = TestServer::with(&[("server.web_root", &web_root())]).await;
    let rooms = ["1201", "1202", "1203"];
    let hotel = server.hotel(&rooms).await;
    let mut phones = Vec::new();
    for (number, room) in (1..).zip(rooms) {
        hotel.announce(mac(number), Some(hotel.room(room))).await.unwrap();
        let phone = Phone::start(mac(number), server.acs_url()).await;
        phone.online().await;
        phones.push(phone);
    }
    let browser = Browser::signed_in(server.api.base(), EMAIL, PASSWORD).await;
    browser.click("nav-settings").await;
    browser.says("progress", "All 3 phones are in sync").await;
    browser.says("#main", "Nothing set for this property").await;
    browser.watch("progress [role=progressbar]", "aria-valuetext").await;

    browser.click("set-value").await;
    browser.fill("setting-search", "ring volume").await;
    browser.click("[data-testid=setting-option][data-key='audio.volume.ring']").await;
    browser.fill("setting-value", "6").await;
    browser.click("setting-lock").await;
    browser.click("setting-save").await;
    browser.says("#lock-reason-error", "Say why").await;
    browser.fill("lock-reason", "Brand standard").await;
    browser.click("setting-save").await;
    let row = "[data-testid=value-row][data-key='audio.volume.ring']";
    browser.says(row, "Locked: Brand standard").await;
    for phone in &phones {
        wait_true("the phone has it", async || phone.agent.value("audio.volume.ring") == "6").await;
    }
    browser.says("progress", "All 3 phones are in sync").await;

    // One phone is away: the progress says so until it is back.
    let away = phones.remove(0).unplug().await;
    browser.click(&format!("{row} [aria-label^=Change]")).await;
    browser.fill("setting-value", "2").await;
    browser.click("setting-save").await;
    browser.says("progress", "2 of 3 phones in sync, 1 pending").await;
    let back = away.plug_in().await;
    browser.says("progress", "All 3 phones are in sync").await;
    assert_eq!(back.agent.value("audio.volume.ring"), "2");

    // A dial plan can be tried before it is saved.
    browser.click("set-value").await;
    browser.fill("setting-search", "dial plan").await;
    browser.click("[data-testid=setting-option][data-key='account.1.call.dialplan']").await;
    browser.fill("setting-value", "{^1900x.|<9=>xx+|[3469]11}").await;
    browser.says("dial-plan-verdict", "Enter a number").await;
    browser.fill("dial-plan-keys", "9123").await;
    browser.says("dial-plan-verdict", "Dials 123 after").await;
    browser.says("dial-plan-tester", "decides").await;
    browser.fill("dial-plan-keys", "19005").await;
    browser.says("dial-plan-verdict", "Blocked").await;
    browser.fill("setting-value", "{[}").await;
    browser.says("dial-plan-verdict", "mistake").await;
    browser.click("#main form .button:not(.primary)").await;

    browser.click(&format!("{row} .button.quiet")).await;
    browser.click(&format!("{row} .button.danger")).await;
    browser.gone(row).await;
    let layer: LayerValues = server.api.get(&format!("/api/v1/properties/{}/settings", hotel.property)).await.ok();
    assert!(layer.values.is_empty(), "{layer:?}");
    browser.assert_no_errors().await;
}
