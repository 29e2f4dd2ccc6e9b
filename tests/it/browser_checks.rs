//! What is wrong with configurations, where a person sees it: the checks of a property and of a phone, its emergency
//! numbers, and what was changed at its phones.

use contract::rest::{Accepted, EmergencyNumbers};
use serde_json::json;
use tests::process::{EMAIL, PASSWORD};

use super::browser_settings::{field, in_the_middle, push, seek, to_the_middle};
use crate::accounts::{add_pool, add_server, fill};
use crate::support::browser::{Browser, web_root};
use crate::support::{Ask, Phone, TestServer, mac};

const PLAN: &str = "account.1.call.dialplan";

fn rule(id: &str) -> String {
    format!("[data-testid=check][data-rule={id}]")
}

#[tokio::test(flavor = "multi_thread")]
async fn checks_name_rule_reason_remedy_and_rooms_and_are_read_anew_after_a_push() {
    let server = TestServer::with(&[("server.web_root", &web_root())]).await;
    let hotel = server.hotel(&["1201", "1202"]).await;
    let browser = Browser::signed_in(server.api.base(), EMAIL, PASSWORD).await;
    browser.click("nav-settings").await;
    browser.says("checks", "No phone is here yet").await;

    for (number, room) in [(1, "1201"), (2, "1202")] {
        hotel.announce(mac(number), Some(hotel.room(room))).await.unwrap();
    }
    let sip = add_server(&hotel, 5060).await;
    fill(&hotel, &add_pool(&hotel, &sip, "1200", "1299").await).await;
    let path = format!("/api/v1/properties/{}/settings", hotel.property);
    server.api.put(&path, json!({ "values": { PLAN: "{[2-8]xxx}" } })).await.ok::<Accepted>();
    browser.reload().await;
    let blocked = rule("emergency-blocked");
    browser.says(&blocked, "An emergency number cannot be dialled").await;
    browser.says(&blocked, "2 phones").await;
    browser.says(&blocked, "What to do:").await;
    browser.says(&blocked, "Room 1202").await;
    browser
        .until("danger is first", "document.querySelector('[data-testid=check]').dataset.severity === 'danger'")
        .await;
    // A default password was never changed: no change brings it, so only this list tells.
    browser.find(&rule("keypad-pin")).await;

    // A room leads to its phone, which has the same on its own list.
    browser.click(&format!("{blocked} .check-places li:nth-child(2) a")).await;
    browser.says("phone-page", "1202").await;
    browser.says(&blocked, "112 cannot be dialled").await;
    browser.says(&blocked, "About:").await;
    browser.back().await;

    seek(&browser, PLAN, PLAN).await;
    browser.fill(&field(PLAN, "setting-value"), "{112|[2-8]xxx}").await;
    push(&browser, "").await;
    browser.click("push-close").await;
    browser.until("the focus is at the settings", "document.activeElement.id === 'template-page'").await;
    browser.gone(&blocked).await;
    browser.assert_no_errors().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn emergency_numbers_are_named_checked_and_tried() {
    let server = TestServer::with(&[("server.web_root", &web_root())]).await;
    let hotel = server.hotel(&["1201"]).await;
    hotel.announce(mac(1), Some(hotel.room("1201"))).await.unwrap();
    let sip = add_server(&hotel, 5060).await;
    fill(&hotel, &add_pool(&hotel, &sip, "1200", "1299").await).await;
    let path = format!("/api/v1/properties/{}", hotel.property);
    let plan = json!({ "values": { PLAN: "{112|[2-8]xxx}" } });
    server.api.put(&format!("{path}/settings"), plan).await.ok::<Accepted>();
    let numbers = format!("{path}/emergency-numbers");
    let browser = Browser::signed_in(server.api.base(), EMAIL, PASSWORD).await;
    browser.click("nav-settings").await;
    browser.says("emergency-list", "112").await;
    browser.says("emergency-source", "Taken from the time zone").await;
    browser.find("checks").await;
    browser.gone(&rule("emergency-blocked")).await;

    // What is no number is said at the field while it is typed.
    browser.click("emergency-change").await;
    browser.until("the focus is in the form", "document.activeElement.id === 'emergency-numbers'").await;
    browser.fill("emergency-numbers", "112, 9-99").await;
    browser.says("#emergency-numbers-error", "\u{201c}9-99\u{201d} is no such number").await;
    browser.shows("#emergency-numbers", "aria-invalid", "true").await;
    browser.until("it is not sent", "document.querySelector('[data-testid=emergency-save]').disabled").await;
    browser.fill("emergency-numbers", "112, 999").await;
    browser.click("emergency-save").await;
    browser.says("emergency-list", "112, 999").await;
    browser.says("emergency-source", "Named by the property").await;
    let kept: EmergencyNumbers = server.api.get(&numbers).await.ok();
    assert!(kept.own && kept.numbers == ["112", "999"], "{kept:?}");
    browser.says(&rule("emergency-blocked"), "999 cannot be dialled").await;

    // The tester says what becomes of each, and promises nothing the plan keeps in.
    seek(&browser, PLAN, PLAN).await;
    in_the_middle(&browser, PLAN).await;
    browser.click(&field(PLAN, "try-plan")).await;
    let verdict = |number: &str| format!("[data-testid=emergency-verdict][data-number='{number}']");
    browser.shows(&verdict("112"), "data-dials", "true").await;
    browser.shows(&verdict("999"), "data-dials", "false").await;
    browser.says(&verdict("999"), "Refused").await;
    browser.says("emergency-verdicts", "dials 112 and 911 whatever the plan says").await;
    to_the_middle(&browser, "[data-testid=dial-plan-keys]").await;
    browser.fill("dial-plan-keys", "911").await;
    browser.says("dial-plan-verdict", "Bellhop's own phones dial 911 at once all the same").await;
    browser.fill("dial-plan-keys", "999").await;
    browser.says("dial-plan-verdict", "Refused: no rule takes this number.").await;

    browser.click("emergency-change").await;
    browser.click("emergency-zone").await;
    browser.says("emergency-source", "Taken from the time zone").await;
    browser.gone(&rule("emergency-blocked")).await;
    browser.assert_no_errors().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_changed_at_phones_is_listed_and_leads_to_them() {
    let server = TestServer::with(&[("server.web_root", &web_root())]).await;
    let hotel = server.hotel(&["1207"]).await;
    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    let phone = Phone::start(mac(1), server.acs_url()).await;
    phone.online().await;
    let volume = "audio.volume.ring";
    let path = format!("/api/v1/properties/{}/settings", hotel.property);
    server.api.put(&path, json!({ "values": { volume: "3" } })).await.ok::<Accepted>();
    server.api.in_sync(id).await;
    let browser = Browser::signed_in(server.api.base(), EMAIL, PASSWORD).await;
    browser.click("nav-settings").await;
    browser.shows("live-indicator", "data-live", "on").await;
    browser.find("checks").await;
    browser.gone("property-drift").await;

    phone.agent.device().set_locally(volume, "7").unwrap();
    let row = format!("[data-testid=property-drift-row][data-key='{volume}']");
    browser.says(&row, "should be 3, the phone says 7").await;
    browser.click(&format!("{row} a")).await;
    browser.find("[data-testid=drift]").await;
    assert_eq!(browser.address().await, format!("/phones/{id}/configuration"));
    browser.click("drift-restore").await;
    browser.gone("drift").await;
    browser.back().await;
    browser.find("checks").await;
    browser.gone("property-drift").await;
    browser.assert_no_errors().await;
}
