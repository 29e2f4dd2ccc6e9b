//! Measurements by the phone, and waking it.

use super::Stage;

#[tokio::test(flavor = "multi_thread")]
async fn results_arrive_by_themselves_and_are_kept() {
    let Stage { browser, server: _server, phone: _phone, .. } = Stage::open("diagnostics").await;
    browser.says("diagnostic-result", "Nothing was run yet").await;
    browser.click("diagnostic-start").await;
    browser.says(".field-error", "Write a host name or IP address").await;
    browser.fill("ping-host", "127.0.0.1").await;
    browser.fill("ping-count", "0").await;
    browser.says("#ping-count-error", "from 1 to 100").await;
    browser.fill("ping-count", "3").await;
    browser.click("diagnostic-start").await;
    browser.shows("[data-testid=diagnostic-result] [data-testid=job]", "data-state", "done").await;
    browser.shows("ping-chart", "data-received", "3").await;
    browser.until("three round trips", "document.querySelectorAll('.chart .trip').length === 3").await;
    browser.says("ping-chart", "0 %").await;

    // A second run: the first is kept and can be looked at again.
    browser.fill("ping-count", "1").await;
    browser.click("diagnostic-start").await;
    browser.until("two runs", "document.querySelectorAll('[data-testid=run]').length === 2").await;
    browser.shows("ping-chart", "data-received", "1").await;
    browser.click("li:last-child > [data-testid=run]").await;
    browser.shows("ping-chart", "data-received", "3").await;

    browser.click("diagnostic-traceroute").await;
    browser.fill("trace-host", "127.0.0.1").await;
    browser.click("diagnostic-start").await;
    browser.shows("trace-result", "data-reached", "true").await;
    browser.says("hop", "127.0.0.1").await;

    browser.click("diagnostic-throughput").await;
    browser.click("diagnostic-start").await;
    browser.says("speed", "bit/s").await;
    browser.assert_no_errors().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn waking_shows_what_was_tried() {
    let Stage { browser, server: _server, phone: _phone, .. } = Stage::open("overview").await;
    browser.click("wake").await;
    browser.says("wake-result", "The phone was asked to come").await;
    browser.shows("wake-attempt", "data-ok", "true").await;
    browser.assert_no_errors().await;
}
