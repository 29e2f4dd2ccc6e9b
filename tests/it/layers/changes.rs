//! Change sets: history, progress, undo; previews tell what then happens.

use contract::rest::{
    Accepted, ChangeSetDetail, History, Layer, LayerValues, Preview, RoomType, SECRET_MASK, SetValue,
};
use serde_json::{Value, json};

use super::{House, NTP, RING};
use crate::support::wait;

const PIN: &str = "account.1.sip.subscriber.password";
/// A phone restarts for it.
const REBOOTS: &str = "provisioning.3cxautoprovision";

fn plain(value: &str) -> Option<SetValue> {
    Some(SetValue { value: value.to_owned(), locked: false, reason: String::new() })
}

#[tokio::test]
async fn a_change_set_says_who_changed_what_how_far_it_is_and_is_taken_back() {
    let house = House::of(&["101", "102"]).await;
    let api = &house.server.api;
    house.set(&house.of_property(), RING, "40").await;
    let body = json!({ "values": { RING: "50", NTP: "ntp.example" }, "comment": " for the audit " });
    let accepted = house.put(&house.of_property(), body.clone()).await;
    let id = accepted.change_set.unwrap();
    let detail: ChangeSetDetail = wait("all phones have it", async || {
        let detail: ChangeSetDetail = api.get(&format!("/api/v1/change-sets/{id}")).await.ok();
        (detail.progress.done == 2).then_some(detail)
    })
    .await;
    assert_eq!((detail.progress.phones, detail.progress.pending, detail.progress.failed), (2, 0, 0));
    let change = detail.change;
    assert_eq!((change.layer, change.scope_name.as_str()), (Layer::Property, "Hotel harbour"));
    assert_eq!((change.by.as_str(), change.comment.as_str()), (tests::process::EMAIL, "for the audit"));
    let said: Vec<_> =
        change.values.iter().map(|one| (one.key.as_str(), one.before.clone(), one.after.clone())).collect();
    assert_eq!(said, [(RING, plain("40"), plain("50")), (NTP, None, plain("ntp.example"))]);
    let again = house.put(&house.of_property(), body).await;
    assert_eq!((again.phones, again.change_set), (0, None), "nothing changed, nothing is kept");

    let undo = format!("/api/v1/change-sets/{id}/undo");
    let undone: Accepted = api.post(&undo, json!({})).await.ok();
    assert_eq!(undone.phones, 2);
    house.in_sync().await;
    assert_eq!(house.phones.value(0, RING).as_deref(), Some("40"));
    assert_ne!(house.phones.value(0, NTP).as_deref(), Some("ntp.example"));
    let twice: Accepted = api.post(&undo, json!({})).await.ok();
    assert_eq!((twice.phones, twice.change_set), (0, undone.change_set), "it stays taken back");

    let history: History = api.get(&format!("{}/history", house.of_property())).await.ok();
    let ids: Vec<_> = history.items.iter().map(|one| (one.undoes, one.undone_by)).collect();
    assert_eq!(ids, [(Some(id), None), (None, undone.change_set), (None, None)]);
    let first: History = api.get(&format!("{}/history?limit=1", house.of_property())).await.ok();
    let rest = format!("{}/history?before={}", house.of_property(), first.next.unwrap());
    assert_eq!(api.get(&rest).await.ok::<History>().items, history.items[1..]);

    // Taking back the taking back makes the first one stand again.
    let redo = format!("/api/v1/change-sets/{}/undo", undone.change_set.unwrap());
    api.post(&redo, json!({})).await.ok::<Accepted>();
    house.in_sync().await;
    assert_eq!(house.phones.value(0, RING).as_deref(), Some("50"));
    assert_eq!(api.get(&format!("/api/v1/change-sets/{id}")).await.ok::<ChangeSetDetail>().change.undone_by, None);
}

#[tokio::test]
async fn what_was_changed_again_is_not_taken_back_unless_forced_and_a_key_makes_it_once() {
    let house = House::of(&["101"]).await;
    let api = &house.server.api;
    let first = house.put(&house.of_property(), json!({ "values": { RING: "40", NTP: "a.example" } })).await;
    house.set(&house.of_property(), RING, "45").await;
    let undo = format!("/api/v1/change-sets/{}/undo", first.change_set.unwrap());
    let problem = api.post(&undo, json!({})).await.refused(409);
    assert_eq!((problem.kind.as_str(), problem.field.as_deref()), ("changed-since", Some("force")));
    assert!(problem.detail.contains(RING) && !problem.detail.contains(NTP), "{}", problem.detail);
    let kept: LayerValues = api.get(&house.of_property()).await.ok();
    assert_eq!(kept.values.len(), 2, "all or nothing");

    let key = [("Idempotency-Key", "undo-1")];
    let body = json!({ "force": true });
    let once = async || -> Accepted {
        let sent = api.try_send(reqwest::Method::POST, &undo, Some(&body), &key).await.unwrap();
        sent.json().unwrap()
    };
    let done = once().await;
    assert_eq!(once().await, done);
    house.in_sync().await;
    let kept: LayerValues = api.get(&house.of_property()).await.ok();
    assert!(kept.values.is_empty());
    assert_eq!(api.post("/api/v1/change-sets/0190-nonsense/undo", json!({})).await.refused(404).kind, "not-found");
}

#[tokio::test]
async fn a_phones_history_holds_every_layer_over_it_and_no_secret() {
    let house = House::of(&["101"]).await;
    let api = &house.server.api;
    let chain = format!("/api/v1/chains/{}/settings", house.chain().await);
    let room = format!("/api/v1/rooms/{}/settings", house.room("101"));
    house.set(&chain, RING, "40").await;
    house.set(&house.of_property(), RING, "41").await;
    let secret = house.set(&room, PIN, "first-secret").await;
    house.set(&room, PIN, "second-secret").await;
    let page = api.get(&format!("/api/v1/phones/{}/settings/history", house.ids[0])).await;
    assert!(!page.json::<Value>().unwrap().to_string().contains("-secret"));
    let history: History = page.ok();
    let layers: Vec<Layer> = history.items.iter().map(|one| one.layer).collect();
    assert_eq!(layers, [Layer::Room, Layer::Room, Layer::Property, Layer::Chain]);
    let change = &history.items[0].values[0];
    assert!(change.secret && change.before.as_ref().is_some_and(|before| before.value == SECRET_MASK));
    // The sealed value comes back as it was.
    let second = history.items[0].id;
    api.post(&format!("/api/v1/change-sets/{second}/undo"), json!({})).await.ok::<Accepted>();
    house.in_sync().await;
    assert_eq!(house.phones.value(0, PIN).as_deref(), Some("first-secret"));
    let stale = format!("/api/v1/change-sets/{}/undo", secret.change_set.unwrap());
    api.post(&stale, json!({})).await.ok::<Accepted>();
    house.in_sync().await;
    assert_ne!(house.phones.value(0, PIN).as_deref(), Some("first-secret"));
}

#[tokio::test]
async fn a_preview_counts_what_the_change_then_does_and_keeps_nothing() {
    let house = House::of(&["101", "102", "103"]).await;
    let api = &house.server.api;
    let property = format!("/api/v1/properties/{}", house.hotel.property);
    let suites: RoomType = api.post(&format!("{property}/room-types"), json!({ "name": "Suite" })).await.ok();
    let into = json!({ "rooms": [house.room("101"), house.room("102")], "room_type": suites.id });
    api.put(&format!("{property}/rooms/type"), into).await.ok::<Accepted>();
    house.set(&format!("/api/v1/rooms/{}/settings", house.room("102")), RING, "50").await;
    house.in_sync().await;
    let body = json!({ "values": { RING: "40", REBOOTS: "yes" } });
    let preview: Preview = api.post(&format!("{}/preview", house.of_property()), body.clone()).await.ok();
    assert_eq!((preview.in_scope, preview.phones, preview.reboot), (3, 3, 3));
    let types: Vec<_> = preview.by_room_type.iter().map(|one| (one.name.as_str(), one.phones)).collect();
    assert_eq!(types, [("", 1), ("Suite", 2)]);
    assert_eq!(preview.by_property[0].name, "Hotel harbour");
    let ring = preview.keys.iter().find(|one| one.key == RING).unwrap();
    assert_eq!((ring.phones, ring.overridden, ring.locked, ring.left_out), (2, 1, 0, 0));
    assert_eq!((ring.groups.len(), ring.groups[0].after.as_deref(), ring.groups[0].phones), (1, Some("40"), 2));

    assert!(api.get(&house.of_property()).await.ok::<LayerValues>().values.is_empty());
    assert!(api.get(&format!("{}/history", house.of_property())).await.ok::<History>().items.is_empty());
    let accepted = house.put(&house.of_property(), body).await;
    assert_eq!(accepted.phones, preview.phones);
    house.in_sync().await;
    assert_eq!(house.phones.value(0, RING).as_deref(), Some("40"));
    assert_eq!(house.phones.value(1, RING).as_deref(), Some("50"));
    let wrong = json!({ "values": { RING: "29" } });
    assert_eq!(
        api.post(&format!("{}/preview", house.of_property()), wrong).await.refused(422).field.as_deref(),
        Some(RING)
    );
}

#[tokio::test]
async fn a_change_of_a_server_or_a_property_can_be_tried_first() {
    let house = House::of(&["101", "102"]).await;
    let api = &house.server.api;
    let property = format!("/api/v1/properties/{}", house.hotel.property);
    let name = "hotel.name";
    house.set(&house.of_property(), name, "Rooms of {property.name}").await;
    house.in_sync().await;
    let before: Vec<_> = [house.value(0, name).await, house.value(1, name).await].map(|value| value.desired).into();

    let body = json!({ "name": "Pier" });
    let tried: Accepted = api.patch(&format!("{property}?dry_run=true"), body.clone()).await.ok();
    assert_eq!((tried.phones, tried.jobs.len(), tried.change_set), (0, 0, None), "nothing was done");
    let would = tried.preview.unwrap();
    assert_eq!((would.phones, would.re_register + would.reboot), (2, 0));
    let key = would.keys.iter().find(|key| key.key == name).unwrap();
    assert_eq!((key.groups.len(), key.phones), (1, 2));
    assert_eq!(key.groups[0].after.as_deref(), Some("Rooms of Pier"));
    let after: Vec<_> = [house.value(0, name).await, house.value(1, name).await].map(|value| value.desired).into();
    assert_eq!((house.property().await.name.as_str(), after), ("Hotel harbour", before));

    let server = json!({ "name": "Main", "host": "pbx.example", "transport": "udp" });
    let made: contract::rest::SipServer = api.post(&format!("{property}/sip-servers"), server.clone()).await.ok();
    let wrong = api.post(&format!("{property}/sip-servers?dry_run=true"), server.clone()).await.refused(422);
    assert_eq!(wrong.field.as_deref(), Some("dry_run"), "what cannot be tried is not done instead");
    let gone = api.delete(&format!("/api/v1/rooms/{}/phone?dry_run=true", house.room("101"))).await.refused(422);
    assert_eq!(gone.field.as_deref(), Some("dry_run"));
    let spec = json!({ "server": made.id, "user": "101", "slot": 1, "rooms": [house.room("101")] });
    let account: contract::rest::SipAccount = api.post(&format!("{property}/sip-accounts"), spec).await.ok();
    assert_eq!(account.user, "101");
    house.in_sync().await;
    let moved = json!({ "name": "Main", "host": "new.example", "transport": "tls" });
    let path = format!("{property}/sip-servers/{}", made.id);
    let would = api.put(&format!("{path}?dry_run=true"), moved.clone()).await.ok::<Accepted>().preview.unwrap();
    assert_eq!((would.phones, would.re_register), (1, 1));
    let address = would.keys.iter().find(|key| key.key == "account.1.sip.server.1.address").unwrap();
    let group = &address.groups[0];
    assert_eq!((group.before.as_deref(), group.after.as_deref()), (Some("pbx.example"), Some("new.example")));
    assert_eq!(api.put(&path, moved).await.ok::<Accepted>().phones, would.phones, "and then it is what was said");
}
