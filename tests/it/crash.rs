//! The server is killed in the middle of a change, fifty times in all. Every change takes effect, and takes it once.

use std::time::Duration;

use contract::rest::{Accepted, JobState, SyncState};
use reqwest::Method;
use serde_json::json;

use crate::support::proxy::{Moment, Proxy};
use crate::support::{Ask, Phone, ServerProcess, mac};

async fn survives(kills: usize, moment: impl Fn(usize) -> Moment) {
    let server = ServerProcess::start(&[]).await;
    let api = server.api.clone();
    let killer = server.cloud.clone();
    let proxy = Proxy::start(server.acs, move || killer.lock().unwrap().kill()).await;
    let hotel = server.hotel(&["1000"]).await;
    let room = format!("/api/v1/rooms/{}", hotel.room("1000"));
    let id = hotel.announce(mac(1), Some(hotel.room("1000"))).await.unwrap();
    let phone = Phone::start(mac(1), proxy.acs_url()).await;
    phone.online().await;
    phone.shows_room("1000").await;
    api.in_sync(id).await;

    let mut expected = vec!["1000".to_owned()];
    let mut jobs = Vec::new();
    for round in 0..kills {
        let number = format!("{}", 2000 + round);
        proxy.arm(moment(round));
        let (body, key) = (json!({ "number": number }), format!("round-{round}"));
        let headers = [("idempotency-key", key.as_str())];
        let first = api.try_send(Method::PATCH, &room, Some(&body), &headers).await;
        proxy.killed().await;
        server.restart().await;
        let accepted: Accepted = match first {
            Ok(answer) => answer.ok(),
            // Killed before it could answer: ask again, as a browser does.
            Err(_) => api.try_send(Method::PATCH, &room, Some(&body), &headers).await.unwrap().ok(),
        };
        assert_eq!(accepted.phones, 1);
        phone.shows_room(&number).await;
        jobs.push(api.job_is(&accepted.jobs[0], JobState::Done).await);
        expected.push(number);
    }

    assert_eq!(phone.room_effects(), expected, "each number took effect once, in order");
    let detail = api.phone(id).await;
    assert_eq!(detail.jobs.len(), kills + 1, "a change is one job, however often it is cut off");
    let stuck: Vec<_> = detail.jobs.iter().filter(|job| job.state != JobState::Done).collect();
    assert!(stuck.is_empty(), "{stuck:?}");
    assert_eq!(detail.phone.room_number.as_deref(), expected.last().map(String::as_str));
    assert_eq!((detail.phone.sync, detail.applied_version), (SyncState::InSync, detail.desired_version));
    let cut_off = jobs.iter().filter(|job| job.attempts > 1).count();
    assert!(cut_off * 2 > jobs.len(), "the kills came while jobs were under way, {cut_off} of {kills} times");
}

#[tokio::test]
async fn crash_a_change_survives_the_server_killed_before_its_request_leaves() {
    survives(17, |_| Moment::BeforeRequest).await;
}

#[tokio::test]
async fn crash_a_change_survives_the_server_killed_before_the_answer_comes() {
    survives(17, |_| Moment::BeforeAnswer).await;
}

/// At once, and some milliseconds later: before, while and after the answer is stored.
#[tokio::test]
async fn crash_a_change_survives_the_server_killed_when_the_answer_has_come() {
    survives(16, |round| Moment::AfterAnswer(Duration::from_micros(round as u64 % 8 * 700))).await;
}
