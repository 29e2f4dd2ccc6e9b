//! What somebody changed at a phone: listed, and restored, adopted or kept.

use contract::PhoneId;
use contract::rest::{
    Accepted, Configuration, ConfigurationValue, DriftPage, History, JobState, JobView, Layer, SECRET_MASK, ValueOwner,
    ValueState,
};
use serde_json::json;

use crate::support::files::{SIP_PASSWORD, SetPassword};
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

    /// As the phone's page shows it.
    async fn shown(&self, key: &str) -> ConfigurationValue {
        let path = format!("/api/v1/phones/{}/configuration", self.id);
        let page: Configuration = self.server.api.get(&path).await.ok();
        page.values.into_iter().find(|value| value.key == key).expect("the value is shown")
    }

    /// Waits until the phone's page shows it like this.
    async fn comes_to(&self, key: &str, reported: Option<&str>, state: ValueState, owner: ValueOwner) {
        let what = format!("{key} is {reported:?}, {}, {}", state.as_str(), owner.as_str());
        wait_true(&what, async || {
            let shown = self.shown(key).await;
            (shown.reported.as_deref(), shown.state, shown.owner) == (reported, state, owner)
        })
        .await;
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
    let said = one.reported.as_deref();
    assert_eq!((one.desired.as_str(), said, one.layer), ("40", Some("90"), Layer::Property));
    assert_eq!(one.owner, ValueOwner::User, "the phone says who set it");
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
    let theirs = (ValueState::Protected, ValueOwner::ProtectedUser);
    assert!(changed.drift("").await.items.iter().all(|one| (one.state, one.owner) == theirs));
    let path = format!("/api/v1/properties/{}/settings", changed.hotel.property);
    api.put(&path, json!({ "values": { "hotel.name": "Pier" } })).await.ok::<Accepted>();
    changed.in_sync().await;
    assert_eq!(changed.value("hotel.name"), "Pier");
    assert_eq!((changed.value(KEYS[0]).as_str(), changed.value(KEYS[2]).as_str()), ("90", "666"));
    changed.decide(json!({ KEYS[0]: "restore" })).await;
    let restored = wait("restored", async || (changed.value(KEYS[0]) == "40").then(|| changed.value(KEYS[2]))).await;
    assert_eq!(restored, "666", "only what was chosen");
}

#[tokio::test]
async fn what_a_user_set_is_asked_of_the_phone_and_is_ours_again_by_each_choice() {
    use ValueOwner::{Bellhop, ProtectedUser};
    use ValueState::{InSync, Kept, Protected};
    let changed = Changed::new(true).await;
    let device = changed.phone.agent.device();
    let [timeout, _, _] = KEYS;
    let volume = "audio.volume.ring";
    let path = format!("/api/v1/properties/{}/settings", changed.hotel.property);
    changed.server.api.put(&path, json!({ "values": { volume: "3" } })).await.ok::<Accepted>();
    changed.in_sync().await;
    changed.comes_to(volume, Some("3"), InSync, Bellhop).await;

    // Nobody looks: the phone says that its user set it, and is asked to what.
    device.set_locally(volume, "7").unwrap();
    changed.comes_to(volume, Some("7"), Protected, ProtectedUser).await;
    changed.decide(json!({ volume: "adopt", timeout: "keep" })).await;
    changed.comes_to(volume, Some("7"), InSync, Bellhop).await;
    assert_eq!(changed.shown(volume).await.layer, Some(Layer::Phone));
    changed.comes_to(timeout, Some("90"), Kept, ProtectedUser).await;

    // The same value as ours is still the phone's own, until it is written once more.
    for value in ["8", "6"] {
        device.set_locally(volume, value).unwrap();
        changed.comes_to(volume, Some(value), Protected, ProtectedUser).await;
    }
    for choice in ["restore", "adopt"] {
        device.set_locally(volume, "7").unwrap();
        changed.comes_to(volume, Some("7"), InSync, ProtectedUser).await;
        changed.decide(json!({ volume: choice })).await;
        changed.comes_to(volume, Some("7"), InSync, Bellhop).await;
    }
}

#[tokio::test]
async fn a_secret_a_user_set_is_known_to_be_theirs_and_never_shown() {
    let changed = Changed::new(false).await;
    let (api, password) = (&changed.server.api, "account.1.sip.subscriber.password");
    api.set_password(changed.hotel.room("100")).await;
    changed.in_sync().await;
    changed.phone.agent.device().set_locally(password, "Guest-Secret-1").unwrap();
    changed.comes_to(password, None, ValueState::Drift, ValueOwner::User).await;
    let listed = changed.drift("").await;
    let one = listed.items.iter().find(|one| one.key == password).unwrap();
    assert_eq!((one.desired.as_str(), one.reported.as_deref()), (SECRET_MASK, None));
    let path = format!("/api/v1/phones/{}/drift", changed.id);
    let refused = api.post(&path, json!({ "choices": { password: "adopt" } })).await.refused(422);
    assert!(refused.detail.contains("does not show its secrets"), "{refused:?}");

    changed.decide(json!({ password: "keep" })).await;
    changed.comes_to(password, None, ValueState::Kept, ValueOwner::User).await;
    changed.decide(json!({ password: "restore" })).await;
    changed.comes_to(password, None, ValueState::InSync, ValueOwner::Bellhop).await;
    assert_eq!(changed.value(password), SIP_PASSWORD);
}
