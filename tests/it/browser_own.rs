//! What is not as we said: phones that only fetch files, and values somebody set at a phone.

use contract::rest::{Accepted, SyncState};
use serde_json::json;
use tests::process::{EMAIL, PASSWORD};

use crate::support::browser::{Browser, web_root};
use crate::support::files::{Files, served};
use crate::support::{Ask, Phone, TestServer, mac, wait_true};

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_that_only_fetches_files_is_said_to_and_verified_when_it_phones_home() {
    let server = TestServer::with(&[("server.web_root", web_root().as_str()), Files::LISTEN[0]]).await;
    let (hotel, _) = served(&server, &["1206", "1207"]).await;
    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    Files::new(&server).own(&server, id, mac(1)).await;
    wait_true("it is fetched", async || server.api.phone(id).await.phone.sync == SyncState::Fetched).await;
    let browser = Browser::signed_in(server.api.base(), EMAIL, PASSWORD).await;
    let cell = "[data-testid=room-cell][data-room='1207']";
    browser.shows(cell, "data-state", "files-only").await;
    browser.says(cell, "Files only").await;
    browser.says("attention", "Nothing needs a person").await;
    browser.click(".filter.tone-teal").await;
    browser.until("the address", "location.search === '?state=files-only'").await;
    browser
        .until("one room", "document.querySelectorAll('li:not([hidden]) [data-testid=room-cell]').length === 1")
        .await;
    browser.click(cell).await;
    browser.says("sync-state", "Fetched, not verified").await;

    browser.goto(&format!("/phones/{id}")).await;
    browser.says("sync-state", "Fetched, not verified").await;
    browser.says("phone-page", "fetched, not verified").await;
    browser.says("phone-page", &format!("cfg{}.xml, version", mac(1).compact())).await;
    browser.shows("job", "data-fetched", "true").await;
    browser.says("[data-testid=job] .chip", "Fetched, not verified").await;
    browser.gone("connected").await;

    browser.shows("live-indicator", "data-live", "on").await;
    let phone = Phone::start(mac(1), server.acs_url()).await;
    phone.online().await;
    browser.shows("sync-state", "data-sync", "in-sync").await;
    browser.shows("connected", "data-connected", "true").await;
    browser.says("phone-page", "verify what it fetched as a file").await;
    browser.says("phone-page", ", applied").await;
    browser.assert_no_errors().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_set_at_the_phone_is_named_and_decided_about() {
    let server = TestServer::with(&[("server.web_root", &web_root())]).await;
    let hotel = server.hotel(&["1207"]).await;
    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    let phone = Phone::start(mac(1), server.acs_url()).await;
    phone.online().await;
    let (volume, password) = ("audio.volume.ring", "account.1.sip.subscriber.password");
    let values = json!({ volume: "3", password: "Sip-Secret-1207", "provisioning.userprotect.enable": "yes" });
    let path = format!("/api/v1/rooms/{}/settings", hotel.room("1207"));
    server.api.put(&path, json!({ "values": values })).await.ok::<Accepted>();
    server.api.in_sync(id).await;
    let browser = Browser::signed_in(server.api.base(), EMAIL, PASSWORD).await;
    browser.goto(&format!("/phones/{id}/configuration")).await;
    browser.shows("live-indicator", "data-live", "on").await;
    let row = |key: &str| format!("[data-testid=value-row][data-key=\"{key}\"]");
    browser.shows(&row(volume), "data-owner", "bellhop").await;

    let device = phone.agent.device();
    device.set_locally(volume, "7").unwrap();
    device.set_locally(password, "Guest-Secret-1").unwrap();
    for key in [volume, password] {
        browser.shows(&row(key), "data-owner", "protected-user").await;
        browser.says(&row(key), "Set at the phone, protected").await;
        browser.shows(&row(key), "data-state", "protected").await;
    }
    let drift = |key: &str| format!("[data-testid=drift][data-key=\"{key}\"]");
    browser.says(&drift(volume), "the phone says 7").await;
    browser.says(&drift(password), "which it does not show").await;
    let adopt = format!("document.querySelectorAll('{} [data-testid=drift-adopt]').length", drift(password));
    browser.until("a secret cannot be adopted", &format!("{adopt} === 0")).await;
    browser.click(&format!("{} [data-testid=drift-adopt]", drift(volume))).await;
    browser.shows(&row(volume), "data-owner", "bellhop").await;
    browser.shows(&row(volume), "data-layer", "phone").await;
    browser.click(&format!("{} [data-testid=drift-restore]", drift(password))).await;
    browser.shows(&row(password), "data-owner", "bellhop").await;
    browser.gone("drift").await;
    browser.assert_no_errors().await;
}
