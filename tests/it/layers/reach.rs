//! Phones that do not take a change: which they are, and trying them again.

use contract::rest::{Accepted, ChangeProgress, ChangeSetDetail, JobState, PhonePage, SyncState};
use contract::{ChangeSetId, PhoneId};
use cwmp::{Fault, FaultCode, Message, SetParameterValuesFault};
use serde_json::json;

use super::RING;
use crate::support::{Ask, HandPhone, TestServer, mac};

async fn progress(server: &TestServer, set: ChangeSetId) -> (u32, u32, u32) {
    let detail: ChangeSetDetail = server.api.get(&format!("/api/v1/change-sets/{set}")).await.ok();
    let ChangeProgress { done, pending, failed, .. } = detail.progress;
    (done, pending, failed)
}

/// The phones of a change that are this far with it.
async fn listed(server: &TestServer, set: ChangeSetId, reach: &str) -> Vec<PhoneId> {
    let page: PhonePage = server.api.get(&format!("/api/v1/phones?change={set}{reach}")).await.ok();
    assert_eq!(page.total, page.items.len() as u64);
    page.items.iter().map(|row| row.id).collect()
}

/// A phone that takes none of the values it is sent.
fn refuse_sets(message: &Message) -> Option<Message> {
    let Message::SetParameterValues(set) = message else { return None };
    let refused = set.parameters.iter().map(|one| SetParameterValuesFault {
        name: one.name.clone(),
        code: FaultCode::INVALID_PARAMETER_VALUE,
        text: "no".to_owned(),
    });
    Some(Fault { parameters: refused.collect(), ..Fault::of(FaultCode::INVALID_ARGUMENTS) }.into())
}

#[tokio::test]
async fn phones_that_refuse_a_change_are_listed_and_tried_again_together() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["101", "102", "103"]).await;
    let (mut phones, mut ids) = (Vec::new(), Vec::new());
    for (index, room) in ["101", "102", "103"].into_iter().enumerate() {
        let mac = mac(index as u16 + 1);
        ids.push(hotel.announce(mac, Some(hotel.room(room))).await.unwrap());
        let mut phone = HandPhone::new(mac, server.acs_url());
        phone.session().await;
        phones.push(phone);
    }
    let path = format!("/api/v1/properties/{}/settings", hotel.property);
    let accepted: Accepted = server.api.put(&path, json!({ "values": { RING: "50" } })).await.ok();
    let set = accepted.change_set.unwrap();
    assert_eq!(progress(&server, set).await, (0, 3, 0));
    // The first takes it, the second does not, the third is not heard of.
    phones[0].session().await;
    phones[1].begin().await;
    phones[1].serve(refuse_sets).await;
    let one = server.api.phone(ids[1]).await;
    assert_eq!((progress(&server, set).await, one.phone.sync), ((1, 1, 1), SyncState::Failed), "{:?}", one.jobs);
    assert_eq!(listed(&server, set, "").await, ids);
    assert_eq!(listed(&server, set, "&reach=done").await, ids[..1]);
    assert_eq!(listed(&server, set, "&reach=failed").await, ids[1..2]);
    assert_eq!(listed(&server, set, "&reach=pending").await, ids[2..]);
    assert_eq!(server.api.get("/api/v1/phones?reach=failed").await.refused(422).field.as_deref(), Some("reach"));

    let retry = format!("/api/v1/change-sets/{set}/retry");
    let again: Accepted = server.api.post(&retry, ()).await.ok();
    assert_eq!((again.phones, progress(&server, set).await), (1, (1, 2, 0)));
    let twice: Accepted = server.api.post(&retry, ()).await.ok();
    assert_eq!(twice.phones, 0, "it is on its way");
    phones[1].session().await;
    server.api.job_is(&again.jobs[0], JobState::Done).await;
    assert_eq!((progress(&server, set).await, phones[1].holds(RING)), ((2, 1, 0), Some("50")));
}

#[tokio::test]
async fn what_was_covered_and_taken_is_not_failed_by_a_later_change() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["101"]).await;
    hotel.announce(mac(1), Some(hotel.room("101"))).await.unwrap();
    let mut phone = HandPhone::new(mac(1), server.acs_url());
    phone.session().await;
    let path = format!("/api/v1/properties/{}/settings", hotel.property);
    let set = async |seconds: &str| {
        let accepted: Accepted = server.api.put(&path, json!({ "values": { RING: seconds } })).await.ok();
        accepted.change_set.unwrap()
    };
    let (covered, taken) = (set("40").await, set("50").await);
    phone.session().await;
    assert_eq!([progress(&server, covered).await, progress(&server, taken).await], [(1, 0, 0); 2]);
    let refused = set("60").await;
    phone.begin().await;
    phone.serve(refuse_sets).await;
    assert_eq!([progress(&server, covered).await, progress(&server, taken).await], [(1, 0, 0); 2]);
    assert_eq!(progress(&server, refused).await, (0, 0, 1));
}

#[tokio::test]
async fn a_change_nobody_made_is_not_tried_again() {
    let server = TestServer::start().await;
    let unknown = "/api/v1/change-sets/01936a00-0000-7000-8000-000000000000/retry";
    assert_eq!(server.api.post(unknown, ()).await.refused(404).kind, "not-found");
}
