//! Tasks carried out by our own agent: what a person asks, what the phone does, what comes back.

use contract::rest::{
    DownloadOrder, JobState, JobView, ParameterPage, PingRequest, SessionPage, SyncState, Task, TaskResult,
    ThroughputRequest, command_key,
};
use contract::{PhoneId, rest::Direction};

use crate::support::tree::ask;
use crate::support::{Ask, Hotel, Phone, TestServer, mac, wait, wait_true};

/// A server with one room and the agent in it, in sync and connected.
async fn room_1207() -> (TestServer, Hotel, Phone, PhoneId) {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    let phone = Phone::start(mac(1), server.acs_url()).await;
    phone.online().await;
    wait_true("the phone is in sync", async || {
        let phone = server.api.phone(id).await;
        phone.connected && phone.phone.sync == SyncState::InSync
    })
    .await;
    (server, hotel, phone, id)
}

async fn done(server: &TestServer, phone: PhoneId, task: Task) -> JobView {
    let job = ask(&server.api, phone, &task).await;
    server.api.job_is(&job, JobState::Done).await
}

#[tokio::test]
async fn the_agents_tree_is_read_searched_and_set() {
    let (server, _hotel, _phone, id) = room_1207().await;
    let job = done(&server, id, Task::Refresh { path: String::new() }).await;
    let Some(TaskResult::Parameters { count }) = job.result else { panic!("{job:?}") };
    assert!(count > 100, "{count}");
    let path = format!("/api/v1/phones/{id}/parameters?search=X_BELLHOP_Settings%20hotel.room.number");
    let found: ParameterPage = server.api.get(&path).await.ok();
    assert_eq!(found.items[0].value.as_deref(), Some("1207"));
    assert_eq!(found.items[0].setting.as_deref(), Some("hotel.room.number"));
    let methods = done(&server, id, Task::Methods).await;
    assert!(matches!(methods.result, Some(TaskResult::Methods { methods }) if methods.contains(&"Reboot".to_owned())));
    let edit = contract::rest::ParameterEdit {
        path: "Device.ManagementServer.PeriodicInformInterval".to_owned(),
        value: "777".to_owned(),
        xsd_type: String::new(),
    };
    done(&server, id, Task::SetParameters { values: vec![edit] }).await;
    let sessions: SessionPage = wait("sessions are recorded", async || {
        let page: SessionPage = server.api.get(&format!("/api/v1/phones/{id}/sessions")).await.ok();
        let set = |one: &contract::rest::SessionView| one.steps.iter().any(|step| step.name == "GetRPCMethods");
        page.items.iter().any(set).then_some(page)
    })
    .await;
    assert!(sessions.items.iter().all(|one| one.bytes_in > 0));
}

#[tokio::test]
async fn a_ping_and_a_restart_go_over_mqtt_and_are_done_once() {
    let (server, _hotel, _phone, id) = room_1207().await;
    let ping = PingRequest { host: "127.0.0.1".to_owned(), count: 2, size: 32, timeout_ms: 1000, dscp: 0 };
    let job = ask(&server.api, id, &Task::Ping(ping)).await;
    let job = wait("the ping is over", async || {
        let job = server.api.job(&job).await;
        matches!(job.state, JobState::Done | JobState::Parked).then_some(job)
    })
    .await;
    // A machine that allows no echo says so in words.
    match &job.result {
        Some(TaskResult::Ping(result)) => assert_eq!((result.sent, job.state), (2, JobState::Done)),
        _ => assert!(job.state == JobState::Parked && !job.note.is_empty(), "{job:?}"),
    }
    let job = done(&server, id, Task::Reboot).await;
    assert!(job.note.contains("restarted"), "{}", job.note);
    assert_eq!(command_key(job.id).len(), 32);
}

#[tokio::test]
async fn files_go_both_ways_and_throughput_is_measured() {
    let (server, _hotel, _phone, id) = room_1207().await;
    let log = done(&server, id, Task::Upload { file_type: "2 Vendor Log File".to_owned(), delay_seconds: 0 }).await;
    let Some(TaskResult::Transfer { file: Some(file), .. }) = log.result else { panic!("{log:?}") };
    let content = server.api.get(&format!("/api/v1/files/{file}")).await;
    assert_eq!(content.status, 200);

    let test = ThroughputRequest { direction: Direction::Download, url: String::new(), bytes: 200_000 };
    let measured = done(&server, id, Task::Throughput(test)).await;
    let Some(TaskResult::Throughput(result)) = measured.result else { panic!("{measured:?}") };
    assert!(result.bytes > 0 && result.bits_per_second > 0, "{result:?}");

    // What is no configuration is refused by the phone, with the standard's words.
    let kept = crate::tasks_transfer::file(&server.api, vec![7; 1000]).await;
    let order = DownloadOrder {
        file_type: "3 Vendor Configuration File".to_owned(),
        file: Some(kept.id),
        url: None,
        target_file_name: String::new(),
        delay_seconds: 0,
    };
    let job = ask(&server.api, id, &Task::Download(order)).await;
    let job = server.api.job_is(&job, JobState::Parked).await;
    assert!(matches!(job.result, Some(TaskResult::Fault(fault)) if (9010..=9019).contains(&fault.code)));
}
