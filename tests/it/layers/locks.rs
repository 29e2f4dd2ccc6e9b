//! Locks: who may lock, who is refused, and what a later lock does to values below.

use contract::rest::{Brand, Configuration, Layer, Overridden};
use serde_json::json;

use super::{House, NTP, RING};

#[tokio::test]
async fn a_lock_is_refused_below_by_layer_name_and_reason_and_wins_over_what_was_there() {
    let house = House::of(&["101"]).await;
    let api = &house.server.api;
    let chain = house.chain().await;
    let brand: Brand = api.post(&format!("/api/v1/chains/{chain}/brands"), json!({ "name": "Select" })).await.ok();
    let property = format!("/api/v1/properties/{}", house.hotel.property);
    api.patch(&property, json!({ "brand": brand.id })).await.ok::<contract::rest::Accepted>();
    let room = format!("/api/v1/rooms/{}/settings", house.room("101"));
    house.set(&room, RING, "50").await;
    house.in_sync().await;

    let lock = json!({ "values": { RING: "40" }, "locked": true, "reason": "Brand standard 7" });
    let preview: contract::rest::Preview =
        api.post(&format!("/api/v1/brands/{}/settings/preview", brand.id), lock.clone()).await.ok();
    assert_eq!((preview.phones, preview.keys[0].overridden), (1, 0));
    house.put(&format!("/api/v1/brands/{}/settings", brand.id), lock).await;
    house.in_sync().await;
    assert_eq!(house.phones.value(0, RING).as_deref(), Some("40"));
    for path in [house.of_property(), room.clone(), format!("/api/v1/phones/{}/settings", house.ids[0])] {
        let problem = api.put(&path, json!({ "values": { RING: "55" } })).await.refused(409);
        assert_eq!((problem.kind.as_str(), problem.field.as_deref()), ("locked", Some(RING)));
        assert!(problem.detail.contains("brand \"Select\": Brand standard 7"), "{}", problem.detail);
        let problem = api.post(&format!("{path}/preview"), json!({ "values": { RING: "55" } })).await.refused(409);
        assert_eq!(problem.kind, "locked");
    }
    let shown = house.configured(0, RING).await;
    assert_eq!((shown.layer, shown.scope_name.as_str(), shown.locked), (Some(Layer::Brand), "Select", true));
    assert_eq!(shown.reason, "Brand standard 7");
    let below: Vec<_> = shown.overrides.iter().map(|one| (one.layer, one.value.as_str(), one.why)).collect();
    assert_eq!(below, [(Layer::Room, "50", Overridden::Locked)]);

    // The chain stands above the brand: it may set and lock, and then its value holds.
    let over = json!({ "values": { RING: "45" }, "locked": true, "reason": "All of us" });
    house.put(&format!("/api/v1/chains/{chain}/settings"), over).await;
    house.in_sync().await;
    assert_eq!(house.phones.value(0, RING).as_deref(), Some("45"));
    // What is locked above may still be removed below.
    house.put(&room, json!({ "values": { RING: null } })).await;
    house.put(&format!("/api/v1/chains/{chain}/settings"), json!({ "values": { RING: null } })).await;
    house.in_sync().await;
    assert_eq!(house.phones.value(0, RING).as_deref(), Some("40"));
    let page: Configuration = api.get(&format!("/api/v1/phones/{}/configuration", house.ids[0])).await.ok();
    assert!(page.left_out.is_empty() && page.values.iter().all(|value| value.key != NTP));
}
