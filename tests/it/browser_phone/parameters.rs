//! The tree of parameters: read once, opened level by level, searched, refreshed and edited.

use contract::rest::ParameterPage;
use fantoccini::key::Key;

use super::{Stage, node};
use crate::support::wait;

const VOLUME: &str = "Device.X_BELLHOP_Settings.audio.volume.ring";
const ROOM: &str = "Device.X_BELLHOP_Settings.hotel.room.number";
const UP_TIME: &str = "Device.DeviceInfo.UpTime";
/// What the pane says the value is.
const VALUE: &str = "document.querySelector('[data-testid=pane-value]').innerText";
const CODE: &str = "Device.DeviceInfo.ProvisioningCode";

/// A stage whose tree has been read.
async fn read() -> Stage {
    let stage = Stage::open("parameters").await;
    stage.browser.says("tab-panel", "Nothing read yet").await;
    stage.browser.click("read-tree").await;
    stage.browser.shows(&node("Device."), "aria-expanded", "true").await;
    stage
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tree_is_opened_by_keys_and_searched() {
    let Stage { id, browser, server, phone: _phone } = read().await;
    browser.shows(&node("Device.DeviceInfo."), "aria-expanded", "false").await;
    // Only what is opened is asked for.
    assert_eq!(browser.eval(&format!("document.querySelectorAll('{}').length", node(CODE))).await, 0);

    browser.eval(&format!("document.querySelector('{}').focus()", node("Device."))).await;
    let focus = async |path: &str| {
        let at = format!("document.activeElement.dataset.path === '{path}'");
        browser.until(&format!("the focus is at {path}"), &at).await;
    };
    for letter in "devicei".chars() {
        browser.press(letter).await;
    }
    focus("Device.DeviceInfo.").await;
    browser.press(Key::Right).await;
    browser.shows(&node("Device.DeviceInfo."), "aria-expanded", "true").await;
    browser.says(&node(CODE), "ProvisioningCode").await;
    browser.press(Key::Right).await;
    browser.press(Key::Left).await;
    focus("Device.DeviceInfo.").await;
    browser.press(Key::Left).await;
    browser.shows(&node("Device.DeviceInfo."), "aria-expanded", "false").await;
    browser.press(Key::Home).await;
    focus("Device.").await;

    // What is found comes a page at a time.
    let shown = "document.querySelectorAll('[data-testid=node]').length";
    browser.fill("parameter-search", "settings account").await;
    browser.until("50 of them", &format!("{shown} === 50")).await;
    browser.says(".pager", "1–50 of").await;
    browser.click(".pager button:last-child").await;
    browser.says(".pager", "51–100 of").await;

    browser.fill("parameter-search", "room.number").await;
    browser.says(&node(ROOM), "1207").await;
    assert!(browser.address().await.contains("q=room.number"));
    browser.click(&node(ROOM)).await;
    browser.shows("pane", "data-path", ROOM).await;
    browser.says("pane-value", "1207").await;
    browser.press(Key::Escape).await;
    browser.fill("parameter-search", "nothing has this").await;
    browser.says("tab-panel", "No parameter matches").await;
    let page: ParameterPage = server.api.get(&format!("/api/v1/phones/{id}/parameters?path=Device.")).await.ok();
    assert!(page.read_at.is_some());
    browser.assert_no_errors().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_is_refreshed_and_shows_what_changed() {
    let Stage { browser, phone, server: _server, .. } = read().await;
    // What the phone tells by itself is shown by itself.
    browser.fill("parameter-search", "room.number").await;
    browser.click(&node(ROOM)).await;
    browser.says("pane-value", "1207").await;
    phone.agent.keys("**766*1231299#").await;
    browser.says("pane-value", "1299").await;
    browser.says("pane-was", "1207").await;

    // The rest is read on demand.
    browser.fill("parameter-search", "DeviceInfo.UpTime").await;
    browser.click(&node(UP_TIME)).await;
    browser.shows("pane", "data-path", UP_TIME).await;
    let was = browser.eval(VALUE).await;
    browser.click("parameter-refresh").await;
    browser.until("another value", &format!("{VALUE} !== {was}")).await;
    browser.says("pane-was", was.as_str().unwrap()).await;
    browser.shows("[data-testid=pane] [data-testid=job]", "data-state", "done").await;
    browser.fill("parameter-search", "").await;
    browser.click("changed-only").await;
    browser.says(&node(UP_TIME), was.as_str().unwrap()).await;
    assert!(browser.address().await.contains("changed=true"));
    browser.assert_no_errors().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn values_are_edited_in_place() {
    let Stage { id, browser, phone, server } = read().await;
    // What the catalogue knows, by its rules.
    browser.fill("parameter-search", "audio.volume.ring").await;
    browser.click(&node(VOLUME)).await;
    browser.click("parameter-edit").await;
    browser.fill("setting-value", "9").await;
    browser.click("setting-save").await;
    browser.says("[data-testid=pane] .field-error", "This value").await;
    browser.fill("setting-value", "7").await;
    browser.click("setting-save").await;
    wait("the phone has it", async || (phone.agent.value("audio.volume.ring") == "7").then_some(())).await;
    browser.says("pane-value", "7").await;

    // What it does not know, by its type.
    browser.fill("parameter-search", "NotificationThrottle").await;
    browser.click(&node("Device.ManagementServer.DefaultActiveNotificationThrottle")).await;
    browser.click("parameter-edit").await;
    browser.fill("parameter-value", "soon").await;
    browser.click("parameter-save").await;
    browser.says("#parameter-error", "whole number from 0 to 4294967295").await;
    browser.fill("parameter-value", "30").await;
    browser.click("parameter-save").await;
    browser.says("pane-value", "30").await;
    browser.shows("[data-testid=pane] [data-testid=job]", "data-state", "done").await;

    // The phone tells of it from now on.
    browser.choose("parameter-notification", "2").await;
    let path = format!("/api/v1/phones/{id}/parameters?search=NotificationThrottle");
    wait("active notification", async || {
        let page: ParameterPage = server.api.get(&path).await.ok();
        page.items.iter().any(|node| node.notification == Some(2)).then_some(())
    })
    .await;

    // A table grows and shrinks.
    browser.fill("parameter-search", "").await;
    let table = "Device.X_BELLHOP_Paging.Listening.";
    browser.click(&node("Device.X_BELLHOP_Paging.")).await;
    browser.click(&node(table)).await;
    browser.click("object-add").await;
    let row = format!("{table}1.");
    browser.click(&node(&row)).await;
    browser.click("object-delete").await;
    browser.click("object-delete-yes").await;
    browser.gone(&node(&row)).await;
    browser.assert_no_errors().await;
}
