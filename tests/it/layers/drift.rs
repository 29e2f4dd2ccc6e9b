//! What somebody changed at a phone: listed, and restored, adopted or kept.

use contract::PhoneId;
use contract::rest::{Accepted, DriftPage, History, JobState, JobView, Layer, ValueState};
use serde_json::json;

use crate::support::{Ask, Hotel, Phone, TestServer, mac, wait, wait_true};

const KEYS: [&str; 3] = ["account.1.ring.timeout", "datetime.ntp.server.1", "hotel.room.number"];

struct Changed {
    server: TestServer,
    hotel: Hotel,
    phone: Phone,
    id: PhoneId,
}

impl Changed {
    /// A phone on which somebody set three values of three layers.
    async fn new(protected: bool) -> Self {
        let server = TestServer::start().await;
        let hotel = server.hotel(&["100"]).await;
        let id = hotel.announce(mac(1), Some(hotel.room("100"))).await.unwrap();
        let phone = Phone::start(mac(1), server.acs_url()).await;
        phone.online().await;
        let changed = Self { server, hotel, phone, id };
        let protect = if protected { "yes" } else { "no" };
        let values = json!({ KEYS[0]: "40", KEYS[1]: "ntp.hotel.example", "provisioning.userprotect.enable": protect });
        let path = format!("/api/v1/properties/{}/settings", changed.hotel.property);
        changed.server.api.put(&path, json!({ "values": values })).await.ok::<Accepted>();
        changed.in_sync().await;
        for (key, value) in KEYS.iter().zip(["90", "ntp.guest.example", "666"]) {
            changed.phone.agent.device().set_locally(key, value).unwrap();
        }
        changed.look().await;
        assert_eq!(changed.drift("").await.total, 3);
        changed
    }

    /// Has the server read the phone's settings again.
    async fn look(&self) {
        let path = format!("/api/v1/phones/{}/tasks", self.id);
        let job: JobView = self.server.api.post(&path, json!({ "kind": "refresh", "path": "" })).await.ok();
        self.server.api.job_is(&job, JobState::Done).await;
    }

    async fn in_sync(&self) {
        self.server.api.in_sync(self.id).await;
    }

    async fn drift(&self, query: &str) -> DriftPage {
        self.server.api.get(&format!("/api/v1/properties/{}/drift{query}", self.hotel.property)).await.ok()
    }

    async fn decide(&self, choices: serde_json::Value) -> Accepted {
        let path = format!("/api/v1/phones/{}/drift", self.id);
        self.server.api.post(&path, json!({ "choices": choices })).await.ok()
    }

    async fn state(&self, key: &str) -> ValueState {
        let values = self.server.api.phone(self.id).await.values;
        values.into_iter().find(|value| value.key == key).expect("the value is shown").state
    }

    fn value(&self, key: &str) -> String {
        self.phone.agent.value(key)
    }
}

#[tokio::test]
async fn drift_is_listed_and_restored_adopted_or_kept() {
    let changed = Changed::new(false).await;
    let api = &changed.server.api;
    let listed = changed.drift("").await;
    let one = listed.items.iter().find(|one| one.key == KEYS[0]).unwrap();
    assert_eq!((one.desired.as_str(), one.reported.as_str(), one.layer), ("40", "90", Layer::Property));
    assert_eq!((one.state, one.room_number.as_deref()), (ValueState::Drift, Some("100")));
    let wrong = json!({ "choices": { "hotel.name": "keep" } });
    assert_eq!(api.post(&format!("/api/v1/phones/{}/drift", changed.id), wrong).await.refused(409).kind, "no-drift");

    changed.decide(json!({ KEYS[0]: "adopt", KEYS[1]: "keep", KEYS[2]: "restore" })).await;
    changed.in_sync().await;
    wait_true("restored", async || changed.value(KEYS[2]) == "100").await;
    assert_eq!(changed.value(KEYS[0]), "90");
    assert_eq!(changed.value(KEYS[1]), "ntp.guest.example", "left as it is");
    assert_eq!(changed.drift("").await.total, 0);
    let kept = changed.drift("?kept=true").await;
    assert_eq!(
        kept.items.iter().map(|one| (one.key.as_str(), one.state)).collect::<Vec<_>>(),
        [(KEYS[1], ValueState::Kept)]
    );
    let history: History = api.get(&format!("/api/v1/phones/{}/settings/history?limit=1", changed.id)).await.ok();
    assert_eq!((history.items[0].layer, history.items[0].values[0].key.as_str()), (Layer::Phone, KEYS[0]));

    // Another change of the phone leaves it; another value there shows again; another wish wins.
    let path = format!("/api/v1/properties/{}/settings", changed.hotel.property);
    api.put(&path, json!({ "values": { "account.1.ring.timeout": "50", "hotel.name": "Pier" } }))
        .await
        .ok::<Accepted>();
    changed.in_sync().await;
    assert_eq!(
        (changed.value(KEYS[1]).as_str(), changed.state(KEYS[1]).await),
        ("ntp.guest.example", ValueState::Kept)
    );
    changed.phone.agent.device().set_locally(KEYS[1], "ntp.other.example").unwrap();
    changed.look().await;
    assert_eq!(changed.drift("").await.total, 1);
    changed.decide(json!({ KEYS[1]: "keep" })).await;
    api.put(&path, json!({ "values": { KEYS[1]: "ntp.new.example" } })).await.ok::<Accepted>();
    wait_true("the new wish arrives", async || changed.value(KEYS[1]) == "ntp.new.example").await;
}

#[tokio::test]
async fn what_a_user_set_on_a_phone_that_protects_it_is_left_until_somebody_restores_it() {
    let changed = Changed::new(true).await;
    let api = &changed.server.api;
    assert!(changed.drift("").await.items.iter().all(|one| one.state == ValueState::Protected));
    let path = format!("/api/v1/properties/{}/settings", changed.hotel.property);
    api.put(&path, json!({ "values": { "hotel.name": "Pier" } })).await.ok::<Accepted>();
    changed.in_sync().await;
    assert_eq!(changed.value("hotel.name"), "Pier");
    assert_eq!((changed.value(KEYS[0]).as_str(), changed.value(KEYS[2]).as_str()), ("90", "666"));
    changed.decide(json!({ KEYS[0]: "restore" })).await;
    let restored = wait("restored", async || (changed.value(KEYS[0]) == "40").then(|| changed.value(KEYS[2]))).await;
    assert_eq!(restored, "666", "only what was chosen");
}
