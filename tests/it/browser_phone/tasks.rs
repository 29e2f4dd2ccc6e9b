//! Orders to the phone: restart, files, lists.

use super::Stage;

/// The newest job of a kind.
fn job(kind: &str) -> String {
    format!("[data-testid=jobs] [data-testid=job][data-kind={kind}]")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_ordered_is_confirmed_carried_out_and_listed() {
    let Stage { browser, phone, server: _server, .. } = Stage::open("tasks").await;
    browser.click("methods").await;
    browser.shows(&job("methods"), "data-state", "done").await;
    browser.click(&format!("{} summary", job("methods"))).await;
    browser.says(&job("methods"), "GetRPCMethods").await;

    browser.click("list-transfers").await;
    browser.says("transfers", "Nothing is waiting to be transferred").await;

    browser.click("receive-configuration").await;
    browser.shows(&job("upload"), "data-state", "done").await;
    browser.click(&format!("{} [data-testid=save-file]", job("upload"))).await;
    browser.until("fetched", "document.querySelector('[data-testid=save-file]').innerText.includes('Save')").await;

    // A call is on: said before it is cut off, and nothing happens without a yes.
    phone.agent.hook(true).await;
    browser.says("tab-panel", "off the hook").await;
    browser.click("factory-reset").await;
    browser.says("reset-dialog", "the phone of room 1207").await;
    browser.says("reset-dialog", "off the hook").await;
    browser.press(fantoccini::key::Key::Escape).await;
    browser.until("closed", "!document.querySelector('dialog[open]')").await;
    browser.gone(&job("factory-reset")).await;
    phone.agent.hook(false).await;
    browser.click("reboot").await;
    browser.says("reboot-dialog", "the phone of room 1207").await;
    browser.click("reboot-yes").await;
    browser.shows(&job("reboot"), "data-state", "done").await;
    browser.assert_no_errors().await;
}
