//! The tree of layers: brands and room types are made, filled and set.

use contract::rest::{Brand, Property};
use fantoccini::key::Key;
use serde_json::json;
use tests::process::{EMAIL, PASSWORD};

use super::browser_settings::{field, push, seek};
use crate::support::browser::{Browser, web_root};
use crate::support::{Phone, TestServer, mac};

#[tokio::test(flavor = "multi_thread")]
async fn brands_and_room_types_are_made_filled_and_set() {
    let server = TestServer::with(&[("server.web_root", &web_root())]).await;
    let hotel = server.hotel(&["1201", "1202", "1301"]).await;
    let mut phones = Vec::new();
    for (number, room) in [(1, "1201"), (2, "1301")] {
        hotel.announce(mac(number), Some(hotel.room(room))).await.unwrap();
        let phone = Phone::start(mac(number), server.acs_url()).await;
        phone.online().await;
        phones.push(phone);
    }
    let browser = Browser::signed_in(server.api.base(), EMAIL, PASSWORD).await;
    browser.click("nav-settings").await;
    browser.click("layers-link").await;
    browser.says("layers", "sets nothing").await;

    browser.click("brand-new").await;
    browser.click("name-save").await;
    browser.says("name-form", "Write a name").await;
    browser.fill("name", "City").await;
    browser.click("name-save").await;
    browser.says("[data-testid=brand][data-name=City]", "No property is in this brand yet").await;
    let brand = browser.eval("document.querySelector('[data-testid=property-brand] option:nth-child(2)').value").await;
    // Keys go through the choices, and nothing moves before one says so.
    browser.choose("property-brand", brand.as_str().unwrap()).await;
    browser.click("property-move").await;
    browser.says("property-moving", "with its 2 phones into City?").await;
    browser.says("property-moving", "No phone has to change for it").await;
    let none = "document.querySelectorAll('[data-testid=brand] [data-testid=property]').length === 0";
    browser.until("nothing has moved", none).await;
    browser.press(Key::Escape).await;
    browser.until("the focus is back", "document.activeElement.dataset.testid === 'property-move'").await;
    browser.click("property-move").await;
    browser.click("property-moving-yes").await;
    browser.find("[data-testid=brand][data-name=City] [data-testid=property]").await;

    browser.click("property-open").await;
    browser.click("room-type-new").await;
    browser.fill("name", "Suite").await;
    browser.click("name-save").await;
    browser.click("room-type-fill").await;
    browser.fill("room-type-rooms", "2000").await;
    browser.click("room-type-put").await;
    browser.says("room-type", "no room 2000").await;
    browser.fill("room-type-rooms", "2000-2009").await;
    browser.click("room-type-put").await;
    browser.says("room-type", "none of these rooms").await;
    browser.fill("room-type-rooms", "1301-1399").await;
    browser.click("room-type-put").await;
    browser.says("room-type-question", "Put 1 room into this type? The 1 phone there follows its values.").await;
    browser.click("room-type-yes").await;
    browser.says("[data-testid=room-type][data-name=Suite]", "1 room").await;

    // The brand locks a value, the type sets another: each editor says what it stands on.
    let (volume, name) = ("audio.volume.ring", "hotel.name");
    browser.click("[data-testid=brand] [data-layer=brand] a").await;
    browser.says("crumbs", "Chain").await;
    seek(&browser, "ring volume", volume).await;
    browser.fill(&field(volume, "setting-value"), "3").await;
    browser.click(&field(volume, "lock")).await;
    browser.fill(&field(volume, "lock-reason"), "Quiet nights").await;
    push(&browser, "").await;
    browser.says("pushed", "All 2 phones are in sync").await;
    browser.click("push-close").await;

    browser.click("layers-link").await;
    browser.says("[data-testid=brand] [data-layer=brand]", "1 locked").await;
    browser.click("property-open").await;
    browser.click("[data-layer=room-type] a").await;
    seek(&browser, "volume", volume).await;
    browser.says(&field(volume, "barred"), "Locked by Brand City: Quiet nights").await;
    browser.fill("template-search", name).await;
    browser.fill(&field(name, "setting-value"), "Suites").await;
    browser.click("review").await;
    browser.says("preview-phones", "Changes 1 phone").await;
    browser.says("preview-counts", "Suite").await;
    browser.click("push-confirm").await;
    browser.says("pushed", "The 1 phone is in sync").await;
    assert_eq!(phones[1].agent.value(name), "Suites");
    assert_ne!(phones[0].agent.value(name), "Suites");
    assert!(phones.iter().all(|phone| phone.agent.value(volume) == "3"));
    browser.assert_no_errors().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_is_refused_leaves_the_property_where_it_is_shown() {
    let server = TestServer::with(&[("server.web_root", &web_root())]).await;
    let hotel = server.hotel(&["1201"]).await;
    hotel.announce(mac(1), Some(hotel.room("1201"))).await.unwrap();
    let property: Property = server.api.get("/api/v1/properties").await.ok::<Vec<Property>>().remove(0);
    let brands = format!("/api/v1/chains/{}/brands", property.chain_id.unwrap());
    let brand: Brand = server.api.post(&brands, json!({ "name": "City" })).await.ok();
    let mut browser = Browser::signed_in(server.api.base(), EMAIL, PASSWORD).await;
    for status in [404, 409, 422] {
        browser.expect(status);
    }
    browser.goto("/layers").await;
    browser.choose("property-brand", &brand.id.to_string()).await;
    // Meanwhile somebody else removes the brand.
    server.api.delete(&format!("/api/v1/brands/{}", brand.id)).await.ok::<contract::rest::Accepted>();
    browser.click("property-move").await;
    browser.says("[role=alert], .toast", "brand").await;
    browser.until("it shows the old one", "document.querySelector('[data-testid=property-brand]').value === ''").await;
    browser.gone("property-move").await;
    browser.assert_no_errors().await;
}
