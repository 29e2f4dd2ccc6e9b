//! The tabs of a phone's page, with the real server and a phone that runs our own agent.

mod diagnostics;
mod parameters;
mod sessions;
mod tasks;

use contract::PhoneId;
use tests::process::{EMAIL, PASSWORD};

use crate::support::browser::{Browser, web_root};
use crate::support::{Phone, TestServer, mac};

/// A phone in room 1207, and a browser that looks at one of its tabs.
struct Stage {
    id: PhoneId,
    phone: Phone,
    browser: Browser,
    server: TestServer,
}

impl Stage {
    async fn open(tab: &str) -> Self {
        let server = TestServer::with(&[("server.web_root", &web_root())]).await;
        let hotel = server.hotel(&["1207"]).await;
        hotel.register().await;
        let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
        let phone = Phone::start(mac(1), server.acs_url()).await;
        phone.online().await;
        phone.shows_room("1207").await;
        let browser = Browser::signed_in(server.api.base(), EMAIL, PASSWORD).await;
        browser.goto(&format!("/phones/{id}/{tab}")).await;
        browser.shows("tab-panel", "data-tab", tab).await;
        browser.shows("live-indicator", "data-live", "on").await;
        Self { id, phone, browser, server }
    }
}

/// A row of the tree.
fn node(path: &str) -> String {
    format!("[data-testid=node][data-path=\"{path}\"]")
}

#[tokio::test(flavor = "multi_thread")]
async fn tabs_have_addresses_and_arrow_keys() {
    use fantoccini::key::Key;
    let Stage { id, browser, server: _server, phone: _phone } = Stage::open("overview").await;
    browser.click("tab-sessions").await;
    browser.shows("tab-panel", "data-tab", "sessions").await;
    assert_eq!(browser.address().await, format!("/phones/{id}/sessions"));
    browser.until("the tab has the focus", "document.activeElement.id === 'tab-sessions'").await;
    browser.press(Key::Right).await;
    browser.shows("tab-panel", "data-tab", "diagnostics").await;
    browser.press(Key::End).await;
    browser.shows("tab-panel", "data-tab", "tasks").await;
    browser.press(Key::Right).await;
    browser.shows("tab-panel", "data-tab", "overview").await;
    browser.until("the tab has the focus", "document.activeElement.id === 'tab-overview'").await;
    browser.back().await;
    browser.shows("tab-panel", "data-tab", "tasks").await;
    browser.reload().await;
    browser.shows("#tab-tasks", "aria-selected", "true").await;
    browser.goto(&format!("/phones/{id}/nothing")).await;
    browser.says("phone-page", "There is no such page").await;
    browser.assert_no_errors().await;
}
