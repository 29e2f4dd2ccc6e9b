//! What holds for a whole property: edited, reviewed, pushed, looked up, taken back.

use contract::rest::LayerValues;
use tests::process::{EMAIL, PASSWORD};

use crate::support::browser::{Browser, web_root};
use crate::support::{Phone, TestServer, mac, wait_true};

/// The editor's row of a setting, and something in it.
pub fn field(key: &str, part: &str) -> String {
    let row = format!("[data-testid=field][data-key='{key}']");
    if part.is_empty() { row } else { format!("{row} [data-testid={part}]") }
}

/// Brings a setting out from under the bar of unsaved changes.
pub async fn in_the_middle(browser: &Browser, key: &str) {
    to_the_middle(browser, &field(key, "")).await;
}

/// The same for a part of one that is higher than the window.
pub async fn to_the_middle(browser: &Browser, what: &str) {
    let place = format!("(document.querySelector({what:?}).scrollIntoView({{ block: 'center' }}), true)");
    browser.until(&format!("{what} is in the middle"), &place).await;
}

/// Shows a setting of the editor by its search.
pub async fn seek(browser: &Browser, words: &str, key: &str) {
    to_the_middle(browser, "[data-testid=template-search]").await;
    browser.fill("template-search", words).await;
    browser.find(&field(key, "")).await;
}

/// Reviews what is gathered and pushes it.
pub async fn push(browser: &Browser, comment: &str) {
    browser.click("review").await;
    browser.find("preview").await;
    browser.fill("push-comment", comment).await;
    browser.click("push-confirm").await;
    browser.says("pushed", "Saved").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_reaches_every_phone_with_its_progress_and_is_taken_back() {
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
    browser.says("pending", "No unsaved changes").await;

    // What is wrong is said at the field, and keeps it from being pushed.
    let volume = "audio.volume.ring";
    seek(&browser, "ring volume", volume).await;
    browser.says(&field(volume, "source"), "Model default").await;
    browser.fill(&field(volume, "setting-value"), "99").await;
    browser.says(&field(volume, ""), "This value is not allowed").await;
    browser.until("no review yet", "document.querySelector('[data-testid=review]').disabled").await;
    browser.fill(&field(volume, "setting-value"), "6").await;
    in_the_middle(&browser, volume).await;
    browser.click(&field(volume, "lock")).await;
    browser.says(&field(volume, ""), "Say why").await;
    browser.fill(&field(volume, "lock-reason"), "Brand standard").await;
    browser.says("pending", "1 unsaved change").await;
    for phone in &phones {
        assert_ne!(phone.agent.value(volume), "6", "typing sends nothing");
    }

    browser.click("review").await;
    browser.says("preview-phones", "Changes 3 phones, all there are below.").await;
    browser.says(&format!("[data-testid=preview-key][data-key='{volume}']"), "3 phones").await;
    browser.fill("push-comment", "Louder").await;
    browser.click("push-confirm").await;
    browser.says("pushed", "on its way to 3 phones").await;
    browser.says("pushed", "All 3 phones are in sync").await;
    browser.click("push-close").await;
    for phone in &phones {
        assert_eq!(phone.agent.value(volume), "6");
    }
    browser.says("pending", "No unsaved changes").await;
    browser.shows(&field(volume, ""), "data-state", "set").await;

    // One phone is away: the progress says so until it is back.
    let away = phones.remove(0).unplug().await;
    browser.fill(&field(volume, "setting-value"), "2").await;
    push(&browser, "").await;
    browser.says("pushed", "2 of 3 phones in sync, 1 pending").await;
    let back = away.plug_in().await;
    browser.says("pushed", "All 3 phones are in sync").await;
    assert_eq!(back.agent.value(volume), "2");
    browser.click("push-close").await;

    // The history says who, when and what, and takes it back.
    browser.click("history-link").await;
    browser.until("two changes", "document.querySelectorAll('[data-testid=change-set]').length === 2").await;
    browser.says("history", "Louder").await;
    browser.says("history", EMAIL).await;
    // How far the newest is stands open, also after a reload; others are opened.
    browser.reload().await;
    let far = |place: &str| format!("[data-testid=change-set]:{place}-child [data-testid=pushed]");
    browser.says(&far("first"), "All 3 phones are in sync").await;
    browser.gone(&far("last")).await;
    browser.click("[data-testid=change-set]:last-child [data-testid=how-far]").await;
    browser.says(&far("last"), "3 phones").await;
    browser.click("[data-testid=change-set]:first-child [data-testid=undo]").await;
    browser.says("undo-dialog", "Changes 3 phones").await;
    browser.click("undo-confirm").await;
    browser.says("undo-dialog", "All 3 phones are in sync").await;
    browser.click("undo-close").await;
    browser.says("history", "Taken back").await;
    for phone in phones.iter().chain([&back]) {
        assert_eq!(phone.agent.value(volume), "6");
    }
    let layer: LayerValues = server.api.get(&format!("/api/v1/properties/{}/settings", hotel.property)).await.ok();
    assert_eq!(layer.values.len(), 1, "{layer:?}");
    assert!(layer.values[0].locked && layer.values[0].value == "6", "{layer:?}");
    browser.assert_no_errors().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn values_hold_variables_and_dial_plans_are_tried() {
    let server = TestServer::with(&[("server.web_root", &web_root())]).await;
    let hotel = server.hotel(&["1207"]).await;
    hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    let phone = Phone::start(mac(1), server.acs_url()).await;
    phone.online().await;
    let browser = Browser::signed_in(server.api.base(), EMAIL, PASSWORD).await;
    browser.click("nav-settings").await;

    // By page, section and account.
    browser.click("[data-testid=page][data-page='Account / Call Settings']").await;
    browser.says("#template-page", "Account / Call Settings").await;
    browser.click("[data-testid=instance][data-index='2']").await;
    browser.find(&field("account.2.call.dialplan", "")).await;
    browser.click("[data-testid=instance][data-index='1']").await;
    let plan = "account.1.call.dialplan";
    browser.fill(&field(plan, "setting-value"), "{^1900x.|<9=>xx+|[3469]11}").await;
    in_the_middle(&browser, plan).await;
    browser.click(&field(plan, "try-plan")).await;
    browser.says("dial-plan-verdict", "Enter a number").await;
    browser.fill("dial-plan-keys", "9123").await;
    browser.says("dial-plan-verdict", "Dials 123 after").await;
    browser.fill("dial-plan-keys", "19005").await;
    browser.says("dial-plan-verdict", "Blocked").await;
    to_the_middle(&browser, &field(plan, "revert")).await;
    browser.click(&field(plan, "revert")).await;
    browser.says("pending", "No unsaved changes").await;

    let name = "account.1.name";
    seek(&browser, "account name", name).await;
    // The sections beside it lead there while one searches, too.
    let section = ".side-sections a[href='#section-ringtone']";
    to_the_middle(&browser, section).await;
    browser.click(section).await;
    browser.until("the section has the focus", "document.activeElement.id === 'section-ringtone'").await;
    seek(&browser, "account name", name).await;
    browser.fill(&field(name, "setting-value"), "Room ").await;
    browser.click(&field(name, "variables")).await;
    let room = format!("{} [data-name='room.number']", field(name, ""));
    to_the_middle(&browser, &room).await;
    browser.click(&room).await;
    assert_eq!(browser.value(&field(name, "setting-value")).await, "Room {room.number}");
    browser.click("view-changed").await;
    browser.fill("template-search", "").await;
    browser.until("one is changed", "document.querySelectorAll('[data-testid=field]').length === 1").await;
    push(&browser, "").await;
    browser.click("push-close").await;
    wait_true("the phone has its own room's number", async || phone.agent.value(name) == "Room 1207").await;

    browser.click("view-set").await;
    browser.click(&field(name, "remove")).await;
    browser.shows(&field(name, ""), "data-state", "removed").await;
    // A change that is not pushed outlives the page.
    browser.click("nav-rooms").await;
    browser.click("nav-settings").await;
    browser.says("pending", "1 unsaved change").await;
    push(&browser, "").await;
    browser.click("push-close").await;
    let layer: LayerValues = server.api.get(&format!("/api/v1/properties/{}/settings", hotel.property)).await.ok();
    assert!(layer.values.is_empty(), "{layer:?}");
    browser.assert_no_errors().await;
}
