//! A property's backup is kept and put back in the browser, after a look at what that changes; and what a phone fetches
//! its file with for the first time.

use contract::rest::LayerValues;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::process::{EMAIL, PASSWORD};

use crate::support::browser::{Browser, web_root};
use crate::support::files::{Files, opened};
use crate::support::{Phone, TestServer, mac, wait};

const SEALS: &str = "für 5 € im Paket";

#[tokio::test(flavor = "multi_thread")]
async fn a_propertys_backup_is_kept_and_put_back() {
    let server = TestServer::with(&[("server.web_root", &web_root())]).await;
    let hotel = server.hotel(&["1207"]).await;
    hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    let phone = Phone::start(mac(1), server.acs_url()).await;
    phone.online().await;
    let settings = format!("/api/v1/properties/{}/settings", hotel.property);
    server.api.put(&settings, json!({ "values": { "hotel.name": "Before" } })).await.ok::<Value>();

    let mut browser = Browser::signed_in(server.api.base(), EMAIL, PASSWORD).await;
    let downloads = tempfile::tempdir().unwrap();
    let allow = json!({ "behavior": "allow", "downloadPath": downloads.path() });
    browser.devtools("Browser.setDownloadBehavior", allow).await;
    browser.click("nav-settings").await;
    browser.click("set-up-backup").await;
    browser.expect(422);
    browser.fill("backup-password", "short").await;
    browser.click("backup-keep").await;
    browser.says("#backup-password-error", "12 to 64").await;
    browser.fill("backup-password", SEALS).await;
    browser.click("backup-keep").await;
    let package = wait("the package is downloaded", async || {
        let mut files = std::fs::read_dir(downloads.path()).unwrap().map(|entry| entry.unwrap().path());
        files.find(|path| path.extension().is_some_and(|ending| ending == "tar"))
    })
    .await;

    server.api.put(&settings, json!({ "values": { "hotel.name": "After" } })).await.ok::<Value>();
    let choose = async |browser: &Browser| {
        browser.find_hidden("config-restore").await.send_keys(&package.display().to_string()).await.unwrap();
    };
    browser.fill("restore-password", "not of the package").await;
    choose(&browser).await;
    browser.says("#restore-password-error", "does not open the package").await;
    browser.fill("restore-password", SEALS).await;
    browser.click("config-restore-again").await;
    browser.says("config-restore-preview", "1 value set, 0 removed").await;
    browser.says("config-restore-preview", "Property").await;
    let layer: LayerValues = server.api.get(&settings).await.ok();
    assert_eq!(layer.values[0].value, "After", "only looked at");
    browser.click("config-restore-apply").await;
    browser.click("restore-history").await;
    browser.says("history", "Restored from the backup").await;
    wait("the phone has it", async || (phone.agent.value("hotel.name") == "Before").then_some(())).await;
    browser.assert_no_errors().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_is_given_what_it_fetches_its_file_with_once() {
    let server = TestServer::with(&[("server.web_root", web_root().as_str()), Files::LISTEN[0]]).await;
    let hotel = server.hotel(&["1207"]).await;
    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    let mut browser = Browser::signed_in(server.api.base(), EMAIL, PASSWORD).await;
    let open = async |browser: &Browser| {
        browser.goto(&format!("/phones/{id}/configuration")).await;
        browser.click("[data-testid=config-files] summary").await;
        browser.click("first-fetch-make").await;
        browser.click("first-fetch-make-yes").await;
    };
    browser.expect(409);
    open(&browser).await;
    browser.says("config-files", "serves no configuration files").await;
    browser.click("first-fetch-set-up").await;
    browser.click("provisioning-enabled").await;
    browser.click("provisioning-save").await;
    browser.find("bootstrap-url").await;
    open(&browser).await;
    let url = browser.find("first-fetch-url").await.text().await.unwrap();
    let files = Files::new(&server);
    let file = format!("{}/cfg{}.xml", url.trim_end_matches('/'), mac(1).compact());
    let answer = opened(files.get(&file).await).await;
    assert_eq!(answer.status, StatusCode::OK, "{file}");
    assert!(!answer.credentials().1.is_empty(), "its own password for the next time");
    assert_eq!(opened(files.get(&file).await).await.status, StatusCode::UNAUTHORIZED, "once");
    browser.assert_no_errors().await;
}
