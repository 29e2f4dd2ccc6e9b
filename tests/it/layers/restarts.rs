//! Settings that count after a restart: the phone is restarted for them, once, and not in the middle of a call.

use contract::rest::{Accepted, ChangeProgress, ChangeSetDetail, JobState, JobView, RoomState};
use contract::{ChangeSetId, PhoneId};
use serde_json::{Value, json};

use crate::support::{Ask, Hotel, Phone, TestServer, card, mac, wait, wait_true};

/// Two that need a restart and one that does not.
const PNP: &str = "provisioning.3cxautoprovision";
const CDP: &str = "network.cdp";
const RING: &str = "account.1.ring.timeout";

struct Room {
    server: TestServer,
    hotel: Hotel,
    phone: Phone,
    id: PhoneId,
}

impl Room {
    async fn new() -> Self {
        let server = TestServer::start().await;
        let hotel = server.hotel(&["1207"]).await;
        let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
        let phone = Phone::start(mac(1), server.acs_url()).await;
        phone.online().await;
        server.api.in_sync(id).await;
        Self { server, hotel, phone, id }
    }

    async fn push(&self, values: Value) -> ChangeSetId {
        let path = format!("/api/v1/properties/{}/settings", self.hotel.property);
        let accepted: Accepted = self.server.api.put(&path, json!({ "values": values })).await.ok();
        self.server.api.in_sync(self.id).await;
        accepted.change_set.unwrap()
    }

    async fn progress(&self, change: ChangeSetId) -> ChangeProgress {
        let detail: ChangeSetDetail = self.server.api.get(&format!("/api/v1/change-sets/{change}")).await.ok();
        detail.progress
    }

    fn boot(&self) -> u32 {
        self.phone.agent.device().boot()
    }

    async fn restarts(&self) -> Vec<JobView> {
        let jobs = self.server.api.phone(self.id).await.jobs;
        jobs.into_iter().filter(|job| job.kind == "reboot").collect()
    }

    async fn off_hook(&self, off: bool) {
        self.phone.agent.hook(off).await;
        wait_true("the server knows of the handset", async || {
            let card = card(&self.hotel, self.hotel.room("1207")).await;
            (card.state == RoomState::OffHook) == off
        })
        .await;
    }
}

#[tokio::test]
async fn a_phone_restarts_once_for_settings_that_need_it_and_for_no_others() {
    let room = Room::new().await;
    let boot = room.boot();
    room.push(json!({ RING: "45" })).await;
    let change = room.push(json!({ PNP: "yes", CDP: "no", RING: "50" })).await;
    wait_true("the phone has restarted", async || room.boot() == boot + 1).await;
    let done = wait("the restart is seen", async || {
        let jobs = room.restarts().await;
        (!jobs.is_empty() && jobs.iter().all(|job| job.state == JobState::Done)).then_some(jobs)
    })
    .await;
    assert_eq!((done.len(), done[0].created_by.as_str()), (1, tests::process::EMAIL), "{done:?}");
    let progress = room.progress(change).await;
    assert_eq!((progress.done, progress.restarting), (1, 0));
    room.push(json!({ RING: "55" })).await;
    assert_eq!((room.boot(), room.restarts().await.len()), (boot + 1, 1));
}

#[tokio::test]
async fn a_restart_waits_until_the_handset_is_back() {
    let room = Room::new().await;
    room.off_hook(true).await;
    let boot = room.boot();
    let change = room.push(json!({ PNP: "yes" })).await;
    let held = wait("the restart waits", async || {
        let jobs = room.restarts().await;
        jobs.into_iter().find(|job| job.note.contains("in a call"))
    })
    .await;
    assert_eq!((held.state, held.attempts), (JobState::Ready, 0));
    assert_eq!(room.progress(change).await.restarting, 1);
    // A second change that needs one has no restart of its own.
    let again = room.push(json!({ CDP: "no" })).await;
    assert_eq!((room.restarts().await.len(), room.progress(again).await.restarting), (1, 1));
    assert_eq!(room.boot(), boot);
    room.phone.agent.hook(false).await;
    wait_true("the phone has restarted", async || room.boot() == boot + 1).await;
    wait_true("nothing is to come", async || room.progress(again).await.restarting == 0).await;
    assert_eq!(room.restarts().await.len(), 1);
}
