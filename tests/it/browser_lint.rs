//! What the rules say to a change, at the field while it is edited and before it is pushed.

use tests::process::{EMAIL, PASSWORD};

use super::browser_settings::{field, seek};
use crate::accounts::{add_pool, add_server, fill};
use crate::support::browser::{Browser, web_root};
use crate::support::{TestServer, mac};

const PLAN: &str = "account.1.call.dialplan";

#[tokio::test(flavor = "multi_thread")]
async fn a_finding_appears_at_its_field_goes_away_and_is_told_before_the_push() {
    let server = TestServer::with(&[("server.web_root", &web_root())]).await;
    let hotel = server.hotel(&["1201", "1202"]).await;
    for (number, room) in [(1, "1201"), (2, "1202")] {
        hotel.announce(mac(number), Some(hotel.room(room))).await.unwrap();
    }
    // A phone without an account dials nothing.
    let sip = add_server(&hotel, 5060).await;
    fill(&hotel, &add_pool(&hotel, &sip, "1200", "1299").await).await;
    let browser = Browser::signed_in(server.api.base(), EMAIL, PASSWORD).await;
    browser.click("nav-settings").await;
    seek(&browser, PLAN, PLAN).await;
    let gone = format!("!document.querySelector({:?})", field(PLAN, "lint"));
    browser.until("nothing is wrong yet", &gone).await;
    browser.fill(&field(PLAN, "setting-value"), "{[2-8]xxx}").await;
    browser.says(&field(PLAN, "lint"), "Danger").await;
    browser.says(&field(PLAN, "lint"), "112 cannot be dialled").await;
    browser.says(&field(PLAN, "lint"), "2 phones").await;
    browser.fill(&field(PLAN, "setting-value"), "{112|[2-8]xxx}").await;
    browser.until("the finding is gone", &gone).await;

    browser.fill(&field(PLAN, "setting-value"), "{[2-8]xxx}").await;
    browser.click("review").await;
    let group = "[data-testid=lint-brings] [data-testid=lint-group]:first-child";
    browser.says(group, "An emergency number cannot be dialled").await;
    browser.says(group, "What to do").await;
    browser.says(group, "room 1201").await;
    browser.until("danger is first", &format!("document.querySelector({group:?}).dataset.severity === 'danger'")).await;
    browser.click("push-confirm").await;
    browser.says("pushed", "Saved").await;
    browser.click("push-close").await;

    // Taking it away mends it.
    seek(&browser, PLAN, PLAN).await;
    browser.click(&field(PLAN, "remove")).await;
    browser.click("review").await;
    browser.says("lint-mends", "An emergency number cannot be dialled: 2 phones").await;
    browser.assert_no_errors().await;
}
