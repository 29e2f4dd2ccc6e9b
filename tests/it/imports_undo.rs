//! Taking an import back, where not all of it can be: values that do not open any more, phones that went, a lock, and an
//! import that is being applied.

use cloud::db::entity::{change_set_value, import, layer_value, phone};
use contract::rest::*;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::json;

use crate::imports::{apply, upload};
use crate::support::{TestServer, mac};

const LABEL: &str = "pks.mpk.12.description";
const PASSWORD: &str = "account.1.sip.subscriber.password";

#[tokio::test]
async fn what_cannot_be_put_back_is_left_alone_and_stops_nothing_else() {
    let server = TestServer::start().await;
    let (api, db) = (&server.api, server.app().db.read());
    let hotel = server.hotel(&["101", "102", "103"]).await;
    let settings = |room: &str| format!("/api/v1/rooms/{}/settings", hotel.room(room));
    let secret = json!({ "values": { PASSWORD: "first-hidden-word" } });
    api.put(&settings("101"), secret).await.ok::<Accepted>();
    let file = format!(
        "Room,MAC,SN,SIP password,Key 2 label,phone: {LABEL}\n101,,,hidden-word-1,,\n102,,,hidden-word-2,,\n\
         103,,,,Spa,\n,{},SN1,,,Bar\n",
        mac(1)
    );
    let import = upload(&hotel, "rooms.csv", file).await;
    assert_eq!(import.errors, 0, "{:?}", import.findings);
    apply(api, import.id, false).await;

    // Neither opens any more: of 101 the value of before, of 102 the value of now.
    let broken = server.app().secrets.seal("another setting", "first-hidden-word").unwrap();
    change_set_value::Entity::update_many()
        .col_expr(change_set_value::Column::OldValue, Expr::value(broken.clone()))
        .filter(change_set_value::Column::Key.eq(PASSWORD))
        .filter(change_set_value::Column::OldValue.is_not_null())
        .exec(db)
        .await
        .unwrap();
    layer_value::Entity::update_many()
        .col_expr(layer_value::Column::Value, Expr::value(broken))
        .filter(layer_value::Column::ScopeId.eq(hotel.room("102").0))
        .exec(db)
        .await
        .unwrap();
    let phone = phone::Entity::find().filter(phone::Column::Mac.eq(mac(1).compact())).one(db).await.unwrap().unwrap();
    api.delete(&format!("/api/v1/phones/{}", phone.id)).await;
    let lock = json!({ "values": { LABEL: "Reception" }, "locked": true, "reason": "Brand standard." });
    api.put(&format!("/api/v1/properties/{}/settings", hotel.property), lock).await.ok::<Accepted>();

    let undo = format!("/api/v1/imports/{}/undo", import.id);
    let state = async |state: ImportState| {
        let rows = import::Entity::update_many().col_expr(import::Column::State, Expr::value(state.as_str()));
        let lease = rows.col_expr(import::Column::LeaseUntil, Expr::value(i64::MAX));
        lease.exec(db).await.unwrap();
    };
    state(ImportState::Applying).await;
    assert_eq!(api.post(&undo, json!({})).await.refused(409).kind, "import-running");
    state(ImportState::Done).await;

    let undone: ImportUndone = api.post(&undo, json!({})).await.ok();
    let names = |rooms: &[&str]| rooms.iter().map(|room| format!("Room {room}")).collect::<Vec<_>>();
    let mut left = undone.names.clone();
    left.sort();
    assert_eq!((undone.undone, undone.changed_since, left), (1, 2, names(&["101", "102"])));
    let of = async |room: &str| -> Vec<String> {
        let values: LayerValues = api.get(&settings(room)).await.ok();
        values.values.into_iter().map(|value| value.key).collect()
    };
    assert!(of("103").await.is_empty(), "a lock made since does not stop it");
    let forced: ImportUndone = api.post(&undo, json!({ "force": true })).await.ok();
    assert_eq!((forced.undone, forced.changed_since, forced.names), (1, 1, names(&["101"])));
    assert!(of("102").await.is_empty());
    assert_eq!(of("101").await, [PASSWORD], "what the import set stays");
}
