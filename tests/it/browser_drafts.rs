//! What is typed and not pushed: it outlives a session, and can be taken back under a lock.

use contract::rest::{Accepted, LayerValues, Property};
use serde_json::json;
use tests::process::{EMAIL, PASSWORD};

use super::browser_settings::{field, in_the_middle, push, seek};
use crate::support::browser::{Browser, web_root};
use crate::support::{Phone, TestServer, mac, wait_true};

const VOLUME: &str = "audio.volume.ring";

/// The refresh token is traded nowhere any more, and the server is given an access token it refuses.
const END: &str = "(() => {
    const tokens = JSON.parse(sessionStorage.getItem('bellhop.session'));
    window.usual = window.fetch;
    window.fetch = request => {
        if (request.headers.has('Authorization')) request.headers.set('Authorization', 'Bearer old');
        return window.usual.call(window, request);
    };
    window.usual.call(window, '/api/v1/logout', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'Authorization': 'Bearer ' + tokens.access_token },
        body: JSON.stringify({ refresh_token: tokens.refresh_token }),
    }).then(answer => { window.ended = answer.ok; });
    return true;
})()";

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ends_loses_neither_the_draft_nor_the_view() {
    let server = TestServer::with(&[("server.web_root", &web_root())]).await;
    let hotel = server.hotel(&["1201"]).await;
    hotel.announce(mac(1), Some(hotel.room("1201"))).await.unwrap();
    let mut browser = Browser::signed_in(server.api.base(), EMAIL, PASSWORD).await;
    browser.expect(401);
    browser.click("nav-settings").await;
    seek(&browser, VOLUME, VOLUME).await;
    browser.fill(&field(VOLUME, "setting-value"), "6").await;
    browser.says("pending", "1 unsaved change").await;

    browser.eval(END).await;
    browser.until("the session is ended", "window.ended").await;
    browser.click("history-link").await;
    browser.find("login-email").await;
    browser.eval("(window.fetch = window.usual, true)").await;
    browser.fill("login-email", EMAIL).await;
    browser.fill("login-password", PASSWORD).await;
    browser.click("login-submit").await;
    browser.says("layer-page", "Nothing was changed here yet").await;
    assert_eq!(browser.address().await, format!("/p/{}/settings?view=history", hotel.property));
    browser.click("[aria-label='This layer'] a").await;
    browser.says("pending", "1 unsaved change").await;
    seek(&browser, VOLUME, VOLUME).await;
    assert_eq!(browser.value(&field(VOLUME, "setting-value")).await, "6");
    // By hand it is thrown away only after a question.
    browser.click("discard").await;
    browser.says("pending", "1 unsaved change").await;
    browser.click("discard-yes").await;
    browser.says("pending", "No unsaved changes").await;
    browser.fill(&field(VOLUME, "setting-value"), "6").await;
    push(&browser, "").await;
    browser.click("push-close").await;
    browser.assert_no_errors().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn under_a_lock_the_source_is_right_and_what_stands_here_can_be_taken_away() {
    let server = TestServer::with(&[("server.web_root", &web_root())]).await;
    let hotel = server.hotel(&["1201"]).await;
    hotel.announce(mac(1), Some(hotel.room("1201"))).await.unwrap();
    let path = format!("/api/v1/properties/{}", hotel.property);
    let name = "account.1.name";
    let set = json!({ "values": { VOLUME: "7" } });
    server.api.put(&format!("{path}/settings"), set).await.ok::<Accepted>();
    let property: Property = server.api.get("/api/v1/properties").await.ok::<Vec<Property>>().remove(0);
    let chain = property.chain_id.unwrap();
    let browser = Browser::signed_in(server.api.base(), EMAIL, PASSWORD).await;
    browser.click("nav-settings").await;
    seek(&browser, name, name).await;
    browser.fill(&field(name, "setting-value"), "Lobby").await;
    browser.says("pending", "1 unsaved change").await;

    // The lock comes while one types.
    let lock = json!({ "values": { VOLUME: "4", name: "Room" }, "locked": true, "reason": "Brand standard" });
    server.api.put(&format!("/api/v1/chains/{chain}/settings"), lock).await.ok::<Accepted>();
    browser.click("nav-rooms").await;
    browser.click("nav-settings").await;
    seek(&browser, name, name).await;
    browser.says(&field(name, "barred"), "Brand standard").await;
    browser.says(&field(name, "source"), "Chain").await;
    in_the_middle(&browser, name).await;
    browser.click(&field(name, "revert")).await;
    browser.says("pending", "No unsaved changes").await;

    seek(&browser, VOLUME, VOLUME).await;
    browser.says(&field(VOLUME, "source"), "Chain").await;
    browser.says(&field(VOLUME, "idle"), "7 here does not count").await;
    browser.gone(&field(VOLUME, "pin")).await;
    browser.click(&field(VOLUME, "remove")).await;
    browser.shows(&field(VOLUME, ""), "data-state", "removed").await;
    push(&browser, "").await;
    browser.click("push-close").await;
    let layer: LayerValues = server.api.get(&format!("{path}/settings")).await.ok();
    assert!(layer.values.is_empty(), "{layer:?}");
    // Why it is locked can be read without a pointer.
    browser.goto(&format!("/layers/chain/{chain}?view=history")).await;
    browser.says("lock-why", "Brand standard").await;
    browser.assert_no_errors().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codecs_are_put_in_order_by_keys_alone() {
    let server = TestServer::with(&[("server.web_root", &web_root())]).await;
    let hotel = server.hotel(&["1201"]).await;
    hotel.announce(mac(1), Some(hotel.room("1201"))).await.unwrap();
    let phone = Phone::start(mac(1), server.acs_url()).await;
    phone.online().await;
    let browser = Browser::signed_in(server.api.base(), EMAIL, PASSWORD).await;
    browser.click("nav-settings").await;
    let codecs = "account.1.codec.choice";
    seek(&browser, codecs, codecs).await;
    let list = field(codecs, "setting-value");
    browser.shows(&list, "data-value", "pcmu,pcma,g723,g729,g722,ilbc,g726-32,opus").await;
    browser.until("it has a name", &format!("document.querySelector({list:?}).ariaLabel.includes('Vocoder')")).await;
    let focus = async |what: &str| {
        let look = format!("(document.getElementById('value-{codecs}-{what}').focus(), true)");
        browser.until(&format!("{what} has the focus"), &look).await;
    };
    // The first goes down twice: the focus stays with it.
    focus("down-pcmu").await;
    for expected in ["pcma,pcmu,g723,g729,g722,ilbc,g726-32,opus", "pcma,g723,pcmu,g729,g722,ilbc,g726-32,opus"] {
        browser.press(fantoccini::key::Key::Enter).await;
        browser.shows(&list, "data-value", expected).await;
        let still = format!("document.activeElement.id === 'value-{codecs}-down-pcmu'");
        browser.until("the focus moves along", &still).await;
    }
    // At an end it goes to the way back.
    focus("up-g723").await;
    browser.press(fantoccini::key::Key::Enter).await;
    browser.shows(&list, "data-value", "g723,pcma,pcmu,g729,g722,ilbc,g726-32,opus").await;
    let back = format!("document.activeElement.id === 'value-{codecs}-down-g723'");
    browser.until("the other way has the focus", &back).await;
    focus("remove-g723").await;
    browser.press(fantoccini::key::Key::Enter).await;
    browser.shows(&list, "data-value", "pcma,pcmu,g729,g722,ilbc,g726-32,opus").await;
    browser.until("it can be added", &format!("document.activeElement.id === 'value-{codecs}-add-g723'")).await;
    browser.press(fantoccini::key::Key::Enter).await;
    let order = "pcma,pcmu,g729,g722,ilbc,g726-32,opus,g723";
    browser.shows(&list, "data-value", order).await;
    push(&browser, "").await;
    browser.says("pushed", "The 1 phone is in sync").await;
    browser.click("push-close").await;
    wait_true("the phone has the order", async || phone.agent.value(codecs) == order).await;
    browser.assert_no_errors().await;
}
