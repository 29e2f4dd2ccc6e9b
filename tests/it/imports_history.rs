//! What an import set stands in the history of rooms and phones, and can be taken back.

use contract::rest::*;
use serde_json::json;

use crate::imports::{apply, upload};
use crate::support::{Ask, TestServer, mac};

const LABEL: &str = "pks.mpk.12.description";
const KEY: &str = "pks.mpk.11.value";
const PASSWORD: &str = "account.1.sip.subscriber.password";

#[tokio::test]
async fn values_of_an_import_stand_in_the_history_and_are_undone_with_their_locks() {
    let server = TestServer::start().await;
    let api = &server.api;
    let hotel = server.hotel(&["101", "102"]).await;
    let phone = hotel.announce(mac(1), Some(hotel.room("101"))).await.unwrap();
    let room = format!("/api/v1/rooms/{}/settings", hotel.room("101"));
    let lock = json!({ "values": { LABEL: "Reception" }, "locked": true, "reason": "Brand standard." });
    api.put(&room, lock).await.ok::<Accepted>();
    let secret = json!({ "values": { PASSWORD: "first-hidden-word" } });
    api.put(&room, secret).await.ok::<Accepted>();

    let file = format!(
        "Room,MAC,SN,Key 2 label,SIP password,phone: {KEY}\n101,{},SN1,Bar,second-hidden-word,9\n102,,,Spa,,\n",
        mac(1)
    );
    let import = upload(&hotel, "rooms.csv", file.clone()).await;
    assert_eq!(import.errors, 0, "{:?}", import.findings);
    apply(api, import.id, false).await;
    let of_room: History = api.get(&format!("{room}/history")).await.ok();
    let set = &of_room.items[0];
    assert_eq!((set.comment.as_str(), set.scope_name.as_str()), ("Import rooms.csv", "Room 101"));
    assert!(!set.by.is_empty() && set.by == import.created_by, "{}", set.by);
    let keys: Vec<_> = set.values.iter().map(|value| value.key.as_str()).collect();
    assert_eq!(keys, [PASSWORD, LABEL]);
    let label = &set.values[1];
    let shown = |value: &Option<SetValue>| value.clone().map(|value| (value.value, value.locked, value.reason));
    let locked = |text: &str| Some((text.to_owned(), true, "Brand standard.".to_owned()));
    assert_eq!((shown(&label.before), shown(&label.after)), (locked("Reception"), locked("Bar")));
    assert_eq!(set.values[0].after.as_ref().unwrap().value, SECRET_MASK);

    let of_phone: History = api.get(&format!("/api/v1/phones/{phone}/settings/history")).await.ok();
    let mine = of_phone.items.iter().find(|set| set.layer == Layer::Phone).unwrap();
    assert_eq!(
        (mine.comment.as_str(), mine.phones, mine.scope_name.as_str()),
        ("Import rooms.csv", 1, &*format!("Phone {}", mac(1)))
    );
    assert_eq!((mine.values[0].key.as_str(), &mine.values[0].before), (KEY, &None));
    assert_eq!(api.value(phone, KEY).await.desired.as_deref(), Some("9"));

    for id in [mine.id, set.id] {
        api.post(&format!("/api/v1/change-sets/{id}/undo"), json!({})).await.ok::<Accepted>();
    }
    let kept: LayerValues = api.get(&room).await.ok();
    let label = kept.values.iter().find(|value| value.key == LABEL).unwrap();
    assert_eq!((label.value.as_str(), label.locked, label.reason.as_str()), ("Reception", true, "Brand standard."));
    let own: LayerValues = api.get(&format!("/api/v1/phones/{phone}/settings")).await.ok();
    assert!(own.values.is_empty(), "{own:?}");

    // It is as it was, so the file would change it again; and 102, whose change set was left alone, is so already.
    let again = upload(&hotel, "rooms.csv", file).await;
    assert_eq!((again.counts.change, again.counts.values_set, again.counts.same), (1, 3, 1));
    let undone: History = api.get(&format!("{room}/history")).await.ok();
    assert_eq!((undone.items[0].undoes, undone.items[1].undone_by), (Some(set.id), Some(undone.items[0].id)));
}
