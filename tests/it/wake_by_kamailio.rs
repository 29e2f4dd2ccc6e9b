//! Waking our own phone through a real SIP server: Kamailio with `deploy/kamailio/kamailio.cfg`, where it is registered.
//!
//! Needs `kamailio` (see `support/kamailio.rs`).

use cloud::db::entity::phone;
use contract::rest::{Accepted, WakeResult, WakeWay};
use sea_orm::EntityTrait;
use sea_orm::sea_query::Expr;
use serde_json::json;

use crate::support::kamailio::{self, Kamailio};
use crate::support::{Ask, Phone, TestServer, mac, wait_true};
use crate::wake_by_http::ways;

const PASSWORD: &str = "of extension 1207";

#[tokio::test]
async fn our_own_phone_comes_when_the_pbx_says_so() {
    if kamailio::skipped() {
        return;
    }
    let kamailio = Kamailio::start(&[("1207", PASSWORD)]).await;
    let server = TestServer::with(&[("mqtt.advertise_port", "9"), ("acs.inform_interval_s", "3600")]).await;
    let hotel = server.hotel(&["1207"]).await;
    let pbx = format!("127.0.0.1:{}", kamailio.port);
    let values = json!({ "account.1.enable": "yes", "account.1.sip.server.1.address": pbx,
        "account.1.sip.subscriber.password": PASSWORD, "account.1.sip.localport": kamailio::free_udp_port().to_string() });
    let path = format!("/api/v1/properties/{}/settings", hotel.property);
    server.api.put(&path, json!({ "values": values })).await.ok::<Accepted>();
    let change = json!({ "address": pbx, "transport": "udp" });
    let path = format!("/api/v1/properties/{}/pbx", hotel.property);
    server.api.put(&path, change).await.ok::<contract::rest::Pbx>();

    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    let _phone = Phone::with(mac(1), server.acs_url(), |config| config.simulated = false).await;
    server.api.in_sync(id).await;
    wait_true("it is registered", async || kamailio.knows("1207")).await;
    // As if nothing but the PBX reached it.
    let write = server.app().db.write().await.unwrap();
    phone::Entity::update_many()
        .col_expr(phone::Column::ConnectionRequestUrl, Expr::value(""))
        .exec(&write.tx)
        .await
        .unwrap();
    write.commit().await.unwrap();
    let woken: WakeResult = server.api.post(&format!("/api/v1/phones/{id}/wake"), json!({})).await.ok();
    assert_eq!(ways(&woken), [(WakeWay::Sip, true)], "{woken:?}");
}
