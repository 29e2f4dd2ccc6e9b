//! What an import set stands in the history of rooms and phones, and can be taken back.

use std::fmt::Write as _;

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

#[tokio::test]
async fn an_import_is_taken_back_as_a_whole_but_for_what_was_changed_since() {
    const ROOMS: u32 = 620;
    let server = TestServer::start().await;
    let api = &server.api;
    let hotel = server.hotel(&["1000", "1001", "1002"]).await;
    for (number, room) in [(1, "1000"), (2, "1001"), (3, "1002")] {
        hotel.announce(mac(number), Some(hotel.room(room))).await.unwrap();
    }
    let own = json!({ "values": { LABEL: "Reception" }, "locked": true, "reason": "Brand standard." });
    let settings = |room: &str| format!("/api/v1/rooms/{}/settings", hotel.room(room));
    api.put(&settings("1001"), own).await.ok::<Accepted>();
    let mut file = "Room,Floor,Key 2 label,SIP password\n".to_owned();
    for at in 0..ROOMS {
        let _ = writeln!(file, "{},1,Spa,hidden-word-{at}", 1_000 + at);
    }
    let import = upload(&hotel, "rooms.csv", file).await;
    let done = apply(api, import.id, false).await;
    assert_eq!((done.counts.values_set, done.counts.refused), (2 * ROOMS, 0), "{}", done.note);
    api.put(&settings("1000"), json!({ "values": { LABEL: "By hand" } })).await.ok::<Accepted>();

    let undo = format!("/api/v1/imports/{}/undo", import.id);
    let long = json!({ "comment": "x".repeat(301) });
    assert_eq!(api.post(&undo, long).await.refused(422).field.as_deref(), Some("comment"));
    let undone: ImportUndone = api.post(&undo, json!({})).await.ok();
    let wanted =
        ImportUndone { undone: ROOMS - 1, changed_since: 1, names: vec!["Room 1000".to_owned()], phones: 2, left: 0 };
    assert_eq!(undone, wanted);
    let values = async |room: &str| -> Vec<(String, bool)> {
        let values: LayerValues = api.get(&settings(room)).await.ok();
        values.values.into_iter().map(|value| (value.value, value.locked)).collect()
    };
    assert_eq!(values("1001").await, [("Reception".to_owned(), true)]);
    assert_eq!(values("1002").await, []);
    assert_eq!(values("1000").await, [(SECRET_MASK.to_owned(), false), ("By hand".to_owned(), false)]);
    let history: History = api.get(&format!("{}/history", settings("1002"))).await.ok();
    assert_eq!((history.items[0].comment.as_str(), history.items[0].phones), ("Undo import rooms.csv", 1));
    assert_eq!(
        (history.items[0].undoes, history.items[1].undone_by),
        (Some(history.items[1].id), Some(history.items[0].id))
    );

    let again: ImportUndone = api.post(&undo, json!({})).await.ok();
    assert_eq!((again.undone, again.changed_since), (0, 1));
    let forced: ImportUndone = api.post(&undo, json!({ "force": true, "comment": "All of it." })).await.ok();
    assert_eq!((forced.undone, forced.changed_since, forced.phones), (1, 0, 1));
    assert_eq!(values("1000").await, []);

    // It may be applied and taken back again; an undo of one room is undone like any other.
    apply(api, import.id, false).await;
    let of_one: History = api.get(&format!("{}/history", settings("1002"))).await.ok();
    let set = of_one.items[0].id;
    api.post(&format!("/api/v1/change-sets/{set}/undo"), json!({})).await.ok::<Accepted>();
    let undone: ImportUndone = api.post(&undo, json!({})).await.ok();
    assert_eq!((undone.undone, undone.changed_since), (ROOMS - 1, 0), "1002 is as it was already");
    api.delete(&format!("/api/v1/imports/{}", import.id)).await;
    api.post(&undo, json!({})).await.refused(404);
}
