//! CWMP sessions POST by POST: what no well-behaved phone does, and a server that restarts in between.

use contract::PhoneId;
use contract::rest::{Accepted, JobState, JobView, SyncState};
use cwmp::{
    Fault, FaultCode, GetParameterValuesResponse, Message, ParameterValue, SetParameterValuesFault, Value, encode,
};
use serde_json::json;

use crate::support::cwmp_phone::{done, value_of};
use crate::support::{Ask, HandPhone, Hotel, ServerProcess, TestServer, mac, wait};

/// An enrolled phone in room 1207, in sync.
async fn settled(hotel: &Hotel, acs_url: String) -> (HandPhone, PhoneId) {
    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    let mut phone = HandPhone::new(mac(1), acs_url);
    phone.session().await;
    assert_eq!(hotel.api.phone(id).await.phone.sync, SyncState::InSync);
    (phone, id)
}

async fn renumber(hotel: &Hotel, number: &str) -> JobView {
    let path = format!("/api/v1/rooms/{}", hotel.room("1207"));
    let accepted: Accepted = hotel.api.patch(&path, json!({ "number": number })).await.ok();
    accepted.jobs[0].clone()
}

fn is_set(message: &Message) -> bool {
    matches!(message, Message::SetParameterValues(_))
}

#[tokio::test]
async fn a_session_begun_before_a_restart_goes_on_after_it() {
    let server = ServerProcess::start(&[]).await;
    let hotel = server.hotel(&["1207"]).await;
    let (mut phone, _) = settled(&hotel, server.acs_url()).await;
    let job = renumber(&hotel, "1306").await;
    phone.begin().await;
    server.restart().await;
    let reply = phone.empty().await;
    assert_eq!(value_of(reply.set(), "hotel.room.number"), Some("1306"));
    let answer = phone.carry_out(reply.message());
    server.restart().await;
    let read_back = phone.answer(&reply, answer).await;
    assert_eq!(read_back.message().name(), "GetParameterValues");
    let answer = phone.carry_out(read_back.message());
    server.restart().await;
    assert_eq!(phone.answer(&read_back, answer).await.status, 204);
    let job = server.api.job_is(&job, JobState::Done).await;
    assert_eq!(job.attempts, 1, "one session, one attempt, three lives of the server");
}

#[tokio::test]
async fn a_value_the_phone_refuses_parks_the_job_in_plain_words() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let (mut phone, id) = settled(&hotel, server.acs_url()).await;
    let job = renumber(&hotel, "1306").await;
    phone.begin().await;
    phone
        .serve(|request| {
            let Message::SetParameterValues(set) = request else { return None };
            let refused = set.parameters.iter().filter(|one| one.name.ends_with("room.number"));
            // What comes without it is taken.
            refused.clone().next()?;
            let mut fault = Fault::of(FaultCode::INVALID_ARGUMENTS);
            fault.parameters = refused
                .map(|one| SetParameterValuesFault {
                    name: one.name.clone(),
                    code: FaultCode::INVALID_PARAMETER_VALUE,
                    text: "no".to_owned(),
                })
                .collect();
            Some(fault.into())
        })
        .await;
    let job = server.api.job_is(&job, JobState::Parked).await;
    assert_eq!(job.attempts, 1, "it is not tried again");
    for word in ["Hotel Room Number", "does not accept this value", "9007"] {
        assert!(job.note.contains(word), "{}", job.note);
    }
    assert_eq!(server.api.phone(id).await.phone.sync, SyncState::Failed);
    assert_eq!(phone.holds("account.1.name"), Some("Room 1306"), "what it did not refuse went to it");
    // A person may try again, and then it works.
    server.api.post(&format!("/api/v1/jobs/{}/retry", job.id), ()).await.ok::<JobView>();
    phone.session().await;
    server.api.job_is(&job, JobState::Done).await;
    assert_eq!(phone.holds("hotel.room.number"), Some("1306"));
    assert_eq!(server.api.phone(id).await.phone.sync, SyncState::InSync);
}

#[tokio::test]
async fn an_internal_error_of_the_phone_is_tried_again() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let (mut phone, _) = settled(&hotel, server.acs_url()).await;
    let job = renumber(&hotel, "1306").await;
    phone.begin().await;
    phone.serve(|request| is_set(request).then(|| Fault::of(FaultCode::INTERNAL_ERROR).into())).await;
    let waiting = server.api.job(&job).await;
    assert_eq!((waiting.state, waiting.attempts), (JobState::Ready, 1), "{}", waiting.note);
    assert!(waiting.note.contains("9002") && waiting.run_at.is_some(), "{}", waiting.note);
    // It becomes due by itself.
    wait("the job is carried out", async || {
        phone.session().await;
        (server.api.job(&job).await.state == JobState::Done).then_some(())
    })
    .await;
    assert_eq!(server.api.job(&job).await.attempts, 2);
}

#[tokio::test]
async fn a_job_is_parked_after_its_last_try() {
    let server = TestServer::with(&[("jobs.max_attempts", "2")]).await;
    let hotel = server.hotel(&["1207"]).await;
    let (mut phone, _) = settled(&hotel, server.acs_url()).await;
    let job = renumber(&hotel, "1306").await;
    let parked = wait("the job is parked", async || {
        phone.begin().await;
        phone.serve(|request| is_set(request).then(|| Fault::of(FaultCode::INTERNAL_ERROR).into())).await;
        let job = server.api.job(&job).await;
        (job.state == JobState::Parked).then_some(job)
    })
    .await;
    assert_eq!(parked.attempts, 2);
    assert!(parked.note.contains("Given up after 2 tries"), "{}", parked.note);
}

#[tokio::test]
async fn a_change_that_does_not_read_back_is_not_done() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let (mut phone, id) = settled(&hotel, server.acs_url()).await;
    let job = renumber(&hotel, "1306").await;
    phone.begin().await;
    // It says "yes" and does nothing.
    phone.serve(|request| is_set(request).then(done)).await;
    let after = server.api.job(&job).await;
    assert_eq!(after.state, JobState::Ready, "{}", after.note);
    assert!(after.note.contains("\"1207\" instead of \"1306\""), "{}", after.note);
    let detail = server.api.phone(id).await;
    let value = detail.values.iter().find(|value| value.key == "hotel.room.number").unwrap();
    assert_eq!(value.reported.as_deref(), Some("1207"));
    assert_ne!(detail.applied_version, detail.desired_version);
    assert_eq!(detail.phone.sync, SyncState::Pending);
}

#[tokio::test]
async fn two_messages_in_one_body_are_refused() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let (mut phone, _) = settled(&hotel, server.acs_url()).await;
    let opening = encode(&phone.opening());
    let body = &opening[opening.find("<cwmp:Inform>").unwrap()..opening.find("</soap-env:Body>").unwrap()];
    let twice = opening.replace(body, &format!("{body}{body}"));
    let before = server.api.quarantined().await;
    phone.cookie = None;
    let reply = phone.post(twice, &[]).await;
    assert!(matches!(reply.status, 200 | 400), "{} {}", reply.status, reply.text);
    assert!(phone.cookie.is_none());
    assert_eq!(server.api.quarantined().await, before + 1);
    // As an answer in a session: the job fails, and says why.
    let job = renumber(&hotel, "1306").await;
    phone.begin().await;
    let request = phone.empty().await;
    let answer = encode(&request.envelope().answer(done()));
    let start = answer.find("<cwmp:SetParameterValuesResponse").unwrap();
    let part = &answer[start..answer.find("</soap-env:Body>").unwrap()];
    phone.post(answer.replace(part, &format!("{part}{part}")), &[]).await;
    let after = server.api.job(&job).await;
    assert_eq!(after.state, JobState::Ready);
    assert!(after.note.contains("cannot be read"), "{}", after.note);
}

#[tokio::test]
async fn an_answer_to_another_question_ends_the_session_and_nothing_is_taken_for_done() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let (mut phone, _) = settled(&hotel, server.acs_url()).await;
    let job = renumber(&hotel, "1306").await;
    phone.begin().await;
    let request = phone.empty().await;
    let number = ParameterValue::new("Device.X_BELLHOP_Settings.hotel.room.number", Value::string("1306"));
    let lie = GetParameterValuesResponse { parameters: vec![number] };
    let reply = phone.answer(&request, lie.into()).await;
    assert_eq!(reply.status, 400, "{}", reply.text);
    assert_ne!(server.api.job(&job).await.state, JobState::Done);
    phone.session().await;
    server.api.job_is(&job, JobState::Done).await;
    assert_eq!(phone.holds("hotel.room.number"), Some("1306"));
}

#[tokio::test]
async fn the_same_answer_twice_is_counted_once() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let (mut phone, _) = settled(&hotel, server.acs_url()).await;
    let job = renumber(&hotel, "1306").await;
    phone.begin().await;
    let request = phone.empty().await;
    let answer = phone.carry_out(request.message());
    let read_back = phone.answer(&request, answer.clone()).await;
    assert_eq!(read_back.message().name(), "GetParameterValues");
    // Its first answer seemed lost, so the phone repeats it; the server has moved on.
    let again = phone.answer(&request, answer).await;
    assert_ne!(again.status, 200, "{}", again.text);
    phone.session().await;
    server.api.job_is(&job, JobState::Done).await;
}

#[tokio::test]
async fn a_newer_change_during_a_session_is_carried_out_in_it_as_well() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let (mut phone, id) = settled(&hotel, server.acs_url()).await;
    let first = renumber(&hotel, "1306").await;
    phone.begin().await;
    let request = phone.empty().await;
    let second = renumber(&hotel, "1407").await;
    let answer = phone.carry_out(request.message());
    let mut reply = phone.answer(&request, answer).await;
    while reply.status == 200 {
        let answer = phone.carry_out(&reply.message().clone());
        reply = phone.answer(&reply, answer).await;
    }
    if phone.holds("hotel.room.number") != Some("1407") {
        phone.session().await;
    }
    assert_eq!(phone.holds("hotel.room.number"), Some("1407"));
    server.api.job_is(&second, JobState::Done).await;
    let state = server.api.job(&first).await.state;
    assert!(matches!(state, JobState::Done | JobState::Superseded), "{state:?}");
    let detail = server.api.phone(id).await;
    assert_eq!(detail.applied_version, detail.desired_version);
}

#[tokio::test]
async fn a_phone_that_falls_silent_loses_its_session_but_not_its_job() {
    let server = TestServer::with(&[("acs.session_timeout_s", "5"), ("jobs.lease_s", "5")]).await;
    let hotel = server.hotel(&["1207"]).await;
    let (mut phone, _) = settled(&hotel, server.acs_url()).await;
    let job = renumber(&hotel, "1306").await;
    phone.begin().await;
    let request = phone.empty().await;
    assert!(is_set(request.message()));
    assert_eq!(server.api.job(&job).await.state, JobState::Running);
    // Plugged in again: a new session takes the job over at once, and reads first.
    let asked = phone.session().await;
    assert_eq!(asked[0].name(), "GetParameterValues", "what may have happened is looked at before it is repeated");
    let job = server.api.job_is(&job, JobState::Done).await;
    assert_eq!(job.attempts, 2);
    let answer = phone.answer(&request, done()).await;
    assert_ne!(answer.status, 200, "the old session is over");
}

#[tokio::test]
async fn another_makers_phone_is_set_by_its_own_names() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    let mut phone = HandPhone::new(mac(1), server.acs_url());
    phone.manufacturer = "Grandstream".to_owned();
    let asked = phone.session().await;
    let names = asked.iter().flat_map(|message| match message {
        Message::SetParameterValues(set) => set.parameters.iter().map(|one| one.name.clone()).collect(),
        Message::GetParameterValues(get) => get.names.clone(),
        _ => Vec::new(),
    });
    assert!(names.clone().all(|name| !name.contains("X_BELLHOP")), "{:?}", names.collect::<Vec<_>>());
    assert_eq!(phone.holds("Line.1.DirectoryNumber"), Some("1207"));
    let job = &server.api.phone(id).await.jobs[0];
    assert_eq!(job.state, JobState::Done);
    assert!(job.note.contains("no TR-069 name"), "what could not be set is said: {}", job.note);
}
