//! Brands and room types: made, filled, and layers of their own.

use contract::RoomTypeId;
use contract::rest::{Accepted, Brand, Layer, RoomType};
use serde_json::json;

use super::{House, NTP, RING};
use crate::support::{Ask, card};

#[tokio::test]
async fn seven_layers_win_one_over_the_other_and_reach_the_phone() {
    let house = House::of(&["101", "102"]).await;
    let api = &house.server.api;
    let chain = house.chain().await;
    let brand: Brand =
        api.post(&format!("/api/v1/chains/{chain}/brands"), json!({ "name": "Harbour Select" })).await.ok();
    let property = format!("/api/v1/properties/{}", house.hotel.property);
    api.patch(&property, json!({ "brand": brand.id })).await.ok::<Accepted>();
    assert_eq!(house.property().await.brand_name.as_deref(), Some("Harbour Select"));
    let suites: RoomType = api.post(&format!("{property}/room-types"), json!({ "name": "Suite" })).await.ok();
    api.patch(&format!("/api/v1/rooms/{}", house.room("101")), json!({ "room_type": suites.id }))
        .await
        .ok::<Accepted>();

    let layers = [
        (format!("/api/v1/chains/{chain}/settings"), Layer::Chain, "31"),
        (format!("/api/v1/brands/{}/settings", brand.id), Layer::Brand, "32"),
        (house.of_property(), Layer::Property, "33"),
        (format!("/api/v1/room-types/{}/settings", suites.id), Layer::RoomType, "34"),
        (format!("/api/v1/rooms/{}/settings", house.room("101")), Layer::Room, "35"),
        (format!("/api/v1/phones/{}/settings", house.ids[0]), Layer::Phone, "36"),
    ];
    for (index, (path, layer, value)) in layers.iter().enumerate() {
        let accepted = house.set(path, RING, value).await;
        assert_eq!(accepted.phones, if index < 3 { 2 } else { 1 }, "{path}");
        house.in_sync().await;
        let shown = house.value(0, RING).await;
        assert_eq!((shown.desired.as_deref(), shown.layer), (Some(*value), Some(*layer)));
        assert_eq!(house.phones.value(0, RING).as_deref(), Some(*value));
    }
    assert_eq!(house.phones.value(1, RING).as_deref(), Some("33"), "the other room has no type");
    for (path, _, _) in layers.iter().rev() {
        house.put(path, json!({ "values": { RING: null } })).await;
    }
    house.in_sync().await;
    let shown = house.value(0, RING).await;
    assert_eq!((shown.desired.as_deref(), shown.layer), (Some("60"), Some(Layer::ModelDefault)));
}

#[tokio::test]
async fn rooms_are_put_into_a_type_together_and_their_phones_follow() {
    let house = House::of(&["101", "102", "103"]).await;
    let api = &house.server.api;
    let property = format!("/api/v1/properties/{}", house.hotel.property);
    let suites: RoomType = api.post(&format!("{property}/room-types"), json!({ "name": " Suite " })).await.ok();
    assert_eq!(suites.name, "Suite");
    house.set(&format!("/api/v1/room-types/{}/settings", suites.id), NTP, "suites.example").await;
    let rooms = [house.room("101"), house.room("103")];
    let into = json!({ "rooms": rooms, "room_type": suites.id });
    let accepted: Accepted = api.put(&format!("{property}/rooms/type"), into.clone()).await.ok();
    assert_eq!(accepted.phones, 2);
    assert_eq!(api.put(&format!("{property}/rooms/type"), into).await.ok::<Accepted>().phones, 0, "they are in it");
    house.in_sync().await;
    assert_eq!(house.phones.value(0, NTP).as_deref(), Some("suites.example"));
    assert_ne!(house.phones.value(1, NTP).as_deref(), Some("suites.example"));
    let shown = card(&house.hotel, rooms[0]).await;
    assert_eq!((shown.room_type, shown.room_type_name.as_deref()), (Some(suites.id), Some("Suite")));
    assert_eq!(api.room(rooms[0]).await.card.room_type_name.as_deref(), Some("Suite"));
    let types: Vec<RoomType> = api.get(&format!("{property}/room-types")).await.ok();
    assert_eq!(types.iter().map(|kind| (kind.name.as_str(), kind.rooms)).collect::<Vec<_>>(), [("Suite", 2)]);

    // A room that leaves its type leaves its values; so do all when the type goes.
    let room = format!("/api/v1/rooms/{}", rooms[0]);
    assert_eq!(api.patch(&room, json!({ "room_type": null })).await.ok::<Accepted>().phones, 1);
    assert_eq!(api.delete(&format!("/api/v1/room-types/{}", suites.id)).await.ok::<Accepted>().phones, 1);
    house.in_sync().await;
    assert_ne!(house.phones.value(2, NTP).as_deref(), Some("suites.example"));
    assert_eq!(card(&house.hotel, rooms[1]).await.room_type, None);
}

#[tokio::test]
async fn brands_and_room_types_of_elsewhere_and_names_that_are_taken_are_refused() {
    let house = House::of(&["101"]).await;
    let api = &house.server.api;
    let chain = house.chain().await;
    let other = json!({ "chain": "Other", "code": "other", "name": "Other", "time_zone": "UTC" });
    let other: contract::rest::Property = api.post("/api/v1/properties", other).await.ok();
    let brands = format!("/api/v1/chains/{chain}/brands");
    let brand: Brand = api.post(&brands, json!({ "name": "Select" })).await.ok();
    assert_eq!(api.post(&brands, json!({ "name": "Select" })).await.refused(409).field.as_deref(), Some("name"));
    assert_eq!(api.post(&brands, json!({ "name": " " })).await.refused(422).field.as_deref(), Some("name"));
    let to_brand = json!({ "brand": brand.id });
    let refused = api.patch(&format!("/api/v1/properties/{}", other.id), to_brand).await.refused(422);
    assert_eq!(refused.field.as_deref(), Some("brand"));

    let types = format!("/api/v1/properties/{}/room-types", other.id);
    let suites: RoomType = api.post(&types, json!({ "name": "Suite" })).await.ok();
    assert_eq!(api.post(&types, json!({ "name": "Suite" })).await.refused(409).kind, "name-taken");
    let room = format!("/api/v1/rooms/{}", house.room("101"));
    let refused = api.patch(&room, json!({ "room_type": suites.id })).await.refused(422);
    assert_eq!(refused.field.as_deref(), Some("room_type"));
    let nothing = RoomTypeId(brand.id.0);
    let refused = api.patch(&room, json!({ "room_type": nothing })).await.refused(422);
    assert_eq!(refused.field.as_deref(), Some("room_type"), "it may be gone by now");
    let many = format!("/api/v1/properties/{}/rooms/type", other.id);
    let foreign = json!({ "rooms": [house.room("101")], "room_type": suites.id });
    assert_eq!(api.put(&many, foreign).await.refused(422).field.as_deref(), Some("rooms"));
    api.get(&format!("/api/v1/chains/{}/settings", brand.id)).await.refused(404);

    let renamed: Brand = api.patch(&format!("/api/v1/brands/{}", brand.id), json!({ "name": "Prime" })).await.ok();
    assert_eq!(renamed.name, "Prime");
    api.delete(&format!("/api/v1/brands/{}", brand.id)).await.ok::<Accepted>();
    assert!(api.get(&brands).await.ok::<Vec<Brand>>().is_empty());
}
