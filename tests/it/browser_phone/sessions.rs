//! What phone and server said to each other.

use serde_json::json;

use super::Stage;
use crate::support::{Ask, wait_true};
use contract::rest::{JobState, JobView};

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_read_step_by_step_with_secrets_masked() {
    let Stage { id, browser, phone: _phone, server } = Stage::open("sessions").await;
    let secret = "nobody may read this";
    let value = json!({ "path": "Device.ManagementServer.STUNPassword", "value": secret });
    let path = format!("/api/v1/phones/{id}/tasks");
    let job: JobView = server.api.post(&path, json!({ "kind": "set-parameters", "values": [value] })).await.ok();
    server.api.job_is(&job, JobState::Done).await;

    // Listed soon after it ended, above the one in which the phone got its credentials and settings.
    let closed = "[data-testid=session-open][aria-expanded=false]";
    let orders = "[...document.querySelectorAll('[data-testid=step][data-name=SetParameterValues]')]\
        .filter(step => /\\b1 value\\b/.test(step.innerText))";
    wait_true("the session with the order", async || {
        browser.eval(&format!("document.querySelectorAll('{closed}').forEach(button => button.click())")).await;
        if browser.eval(&format!("{orders}.length")).await == json!(1) {
            return true;
        }
        browser.click("sessions-reload").await;
        false
    })
    .await;
    browser.says("tab-panel", "Inform").await;
    browser.eval(&format!("{orders}.forEach(step => step.querySelector('[data-testid=step-xml]').click())")).await;
    browser.says("xml", "<Name>Device.ManagementServer.STUNPassword</Name>").await;
    browser.says("xml", contract::rest::SECRET_MASK).await;
    let shown = browser.eval("document.body.innerText").await.to_string();
    assert!(!shown.contains(secret));
    browser.assert_no_errors().await;
}
