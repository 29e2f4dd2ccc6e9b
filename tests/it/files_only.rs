//! Phones of which nothing is ever heard but that they fetch files: what is said of them, and what becomes of it when one
//! phones home.

use contract::PhoneId;
use contract::rest::{
    Accepted, Board, ChangeProgress, ChangeSetDetail, JobState, PhoneDetail, PhonePage, Progress, RoomState, SyncState,
    ValueState,
};
use serde_json::json;

use crate::support::files::{Files, opened, served};
use crate::support::{Ask, Hotel, Phone, TestServer, mac, wait, wait_true};

async fn fetched(server: &TestServer, id: PhoneId) -> PhoneDetail {
    wait("the fetch is written", async || {
        let detail = server.api.phone(id).await;
        (detail.phone.sync == SyncState::Fetched).then_some(detail)
    })
    .await
}

async fn progress(server: &TestServer, hotel: &Hotel) -> Progress {
    server.api.get(&format!("/api/v1/properties/{}/progress", hotel.property)).await.ok()
}

#[tokio::test]
async fn a_phone_that_only_fetches_is_fetched_everywhere_and_verified_once_it_phones_home() {
    let server = TestServer::with(&Files::LISTEN).await;
    let (hotel, _) = served(&server, &["1207", "1208"]).await;
    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    hotel.announce(mac(2), Some(hotel.room("1208"))).await.unwrap();
    let files = Files::new(&server);
    let own = files.own(&server, id, mac(1)).await;

    let detail = fetched(&server, id).await;
    assert_eq!(detail.phone.state, RoomState::FilesOnly);
    assert_eq!((detail.jobs[0].state, detail.jobs[0].fetched), (JobState::Done, true));
    assert_eq!((detail.applied_version, detail.connected), (0, false), "nothing was seen to be applied");
    assert!(detail.values.iter().all(|value| value.reported.is_none() && value.state != ValueState::InSync));
    let file = detail.fetched.unwrap();
    assert_eq!((file.name, file.version), (format!("cfg{}.xml", mac(1).compact()), detail.desired_version));

    let board: Board = server.api.get(&format!("/api/v1/properties/{}/board", hotel.property)).await.ok();
    let cards = &board.buildings[0].floors[0].rooms;
    let states: Vec<_> = cards.iter().map(|card| (card.number.as_str(), card.state, card.sync)).collect();
    assert_eq!(
        states,
        [("1207", RoomState::FilesOnly, SyncState::Fetched), ("1208", RoomState::Expected, SyncState::Pending)]
    );
    assert_eq!((board.property.online, board.property.attention), (1, 0), "it needs nobody");
    for query in ["state=files-only", "sync=fetched"] {
        let page: PhonePage = server.api.get(&format!("/api/v1/phones?{query}")).await.ok();
        assert_eq!(page.items.iter().map(|row| row.id).collect::<Vec<_>>(), [id], "{query}");
    }
    let so_far = progress(&server, &hotel).await;
    assert_eq!((so_far.phones, so_far.in_sync, so_far.fetched, so_far.pending), (2, 1, 1, 1));

    // The next change waits for the next fetch.
    let path = format!("/api/v1/rooms/{}", hotel.room("1207"));
    server.api.patch(&path, json!({ "guest_name": "Mrs Silva" })).await.ok::<serde_json::Value>();
    let waiting = server.api.phone(id).await;
    assert_eq!((waiting.phone.sync, waiting.jobs[0].fetched), (SyncState::Pending, false));
    assert_eq!(waiting.jobs[0].note, "The phone gets this change when it next fetches its file.");
    let url = format!("{}/cfg{}.xml", files.base, mac(1).compact());
    assert!(opened(files.digest(&url, Some(&own), "SHA-256").await).await.text().contains("Mrs Silva"));
    fetched(&server, id).await;
    let path_of_all = format!("/api/v1/properties/{}/settings", hotel.property);
    let pushed: Accepted = server.api.put(&path_of_all, json!({ "values": { "hotel.name": "Pier" } })).await.ok();
    let path_of_set = format!("/api/v1/change-sets/{}", pushed.change_set.unwrap());
    let so_far = async || server.api.get(&path_of_set).await.ok::<ChangeSetDetail>().progress;
    assert_eq!(so_far().await, ChangeProgress { phones: 2, done: 0, fetched: 0, pending: 2, failed: 0, restarting: 0 });
    assert!(opened(files.digest(&url, Some(&own), "SHA-256").await).await.text().contains("Pier"));
    let again = fetched(&server, id).await;
    assert_eq!(so_far().await, ChangeProgress { phones: 2, done: 1, fetched: 1, pending: 1, failed: 0, restarting: 0 });
    assert_eq!((again.phone.state, again.jobs[0].fetched), (RoomState::FilesOnly, true));

    // A change that a later one overtook is in the same file.
    let set = async |name: &str| -> Accepted {
        server.api.put(&path_of_all, json!({ "values": { "hotel.name": name } })).await.ok()
    };
    let (first, second) = (set("Quay").await, set("Harbour").await);
    assert!(opened(files.digest(&url, Some(&own), "SHA-256").await).await.text().contains("Harbour"));
    fetched(&server, id).await;
    for one in [first, second] {
        let set: ChangeSetDetail =
            server.api.get(&format!("/api/v1/change-sets/{}", one.change_set.unwrap())).await.ok();
        assert_eq!(
            set.progress,
            ChangeProgress { phones: 2, done: 1, fetched: 1, pending: 1, failed: 0, restarting: 0 }
        );
    }
    let again = server.api.phone(id).await;

    // It phones home after all: now it can be asked.
    let phone = Phone::start(mac(1), server.acs_url()).await;
    assert_eq!(phone.online().await, id);
    server.api.in_sync(id).await;
    wait_true("its state is its own", async || server.api.phone(id).await.phone.state != RoomState::FilesOnly).await;
    let detail = server.api.phone(id).await;
    assert!(detail.desired_version > again.desired_version && detail.applied_version == detail.desired_version);
    let newest = detail.jobs.iter().find(|job| job.kind == "configure").unwrap();
    assert_eq!((newest.state, newest.fetched), (JobState::Done, false), "{}", newest.note);
    let room = detail.values.iter().find(|value| value.key == "hotel.room.number").unwrap();
    assert_eq!((room.reported.as_deref(), room.state), (Some("1207"), ValueState::InSync));
    assert_eq!(progress(&server, &hotel).await.fetched, 0);
    assert_eq!(
        so_far().await,
        ChangeProgress { phones: 2, done: 1, fetched: 0, pending: 1, failed: 0, restarting: 0 },
        "verified"
    );

    // Fetching a file is not all that is heard of it any more.
    server.api.patch(&path, json!({ "guest_name": "Mr Costa" })).await.ok::<serde_json::Value>();
    server.api.in_sync(id).await;
    assert_ne!(server.api.phone(id).await.phone.state, RoomState::FilesOnly);
    let _unplugged = phone.unplug().await;
    server.api.patch(&path, json!({ "guest_name": "Ms Reis" })).await.ok::<serde_json::Value>();
    assert!(opened(files.digest(&url, Some(&own), "SHA-256").await).await.text().contains("Ms Reis"));
    let version = server.api.phone(id).await.desired_version;
    wait_true("the fetch is written", async || {
        server.api.phone(id).await.fetched.is_some_and(|file| file.version == version)
    })
    .await;
    let detail = server.api.phone(id).await;
    assert_eq!((detail.phone.sync, detail.jobs[0].state), (SyncState::Pending, JobState::Ready), "it can be asked");
}
