//! Sessions in which nothing happens, and what may happen in the middle of one after all.

use auth_digest::{Challenge, strongest};
use cloud::db::entity::cwmp_session;
use contract::rest::{Accepted, JobState, JobView, SyncState};
use cwmp::{Event, EventCode, Message, encode};
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::json;

use crate::support::cwmp_phone::{Reply, value_of};
use crate::support::{Ask, HandPhone, Hotel, ServerProcess, TestServer, mac, wait};

/// An enrolled phone in room 1207, in sync.
async fn settled(hotel: &Hotel, acs_url: String) -> HandPhone {
    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    let mut phone = HandPhone::new(mac(1), acs_url);
    phone.session().await;
    // With its own password for the first time.
    comes(&mut phone).await;
    assert_eq!(phone.empty().await.status, 204);
    assert_eq!(hotel.api.phone(id).await.phone.sync, SyncState::InSync);
    phone
}

/// It comes at its interval, with its proof.
async fn comes(phone: &mut HandPhone) -> Reply {
    let mut opening = phone.opening();
    if let Message::Inform(inform) = &mut opening.body {
        inform.events = vec![Event::new(EventCode::PERIODIC)];
    }
    let body = encode(&opening);
    phone.cookie = None;
    let first = phone.post(body.clone(), &[]).await;
    assert_eq!(first.status, 401);
    let challenges = Challenge::parse(first.challenges.iter().map(String::as_str)).unwrap();
    let (_, password) = phone.login.clone().unwrap();
    let proof = phone.proof(strongest(&challenges).unwrap(), &password);
    let reply = phone.post(body, &[("authorization", &proof)]).await;
    assert_eq!(reply.message().name(), "InformResponse");
    reply
}

async fn renumber(hotel: &Hotel, number: &str) -> JobView {
    let path = format!("/api/v1/rooms/{}", hotel.room("1207"));
    let accepted: Accepted = hotel.api.patch(&path, json!({ "number": number })).await.ok();
    accepted.jobs[0].clone()
}

async fn rows(server: &TestServer) -> u64 {
    cwmp_session::Entity::find().count(server.app().db.read()).await.unwrap()
}

#[tokio::test]
async fn a_phone_that_says_nothing_new_gets_no_row_and_is_heard() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let mut phone = settled(&hotel, server.acs_url()).await;
    let id = hotel.cards().await.unwrap()[0].phone.unwrap();
    let before = server.api.phone(id).await.phone.last_seen;
    comes(&mut phone).await;
    assert_eq!(rows(&server).await, 0);
    assert_eq!(phone.empty().await.status, 204);
    wait("it is written that the phone was heard", async || {
        (server.api.phone(id).await.phone.last_seen > before).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_a_phone_is_given_to_do_after_its_inform_is_done_in_the_same_session() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let mut phone = settled(&hotel, server.acs_url()).await;
    comes(&mut phone).await;
    let job = renumber(&hotel, "1306").await;
    let asked = phone.serve(|_| None).await;
    assert!(asked.iter().any(|message| matches!(message, Message::SetParameterValues(_))), "{asked:?}");
    server.api.job_is(&job, JobState::Done).await;
    assert_eq!(rows(&server).await, 0, "the session has ended");
}

#[tokio::test]
async fn a_cookie_is_used_up_by_the_end_of_its_session() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let mut phone = settled(&hotel, server.acs_url()).await;
    comes(&mut phone).await;
    assert_eq!(phone.empty().await.status, 204);
    let job = renumber(&hotel, "1306").await;
    assert_eq!(phone.empty().await.status, 204, "whoever overheard the cookie learns nothing");
    assert_eq!(server.api.job(&job).await.attempts, 0);
    // And one whose session got its row as well.
    comes(&mut phone).await;
    phone.serve(|_| None).await;
    server.api.job_is(&job, JobState::Done).await;
    let job = renumber(&hotel, "1207").await;
    assert_eq!(phone.empty().await.status, 204);
    assert_eq!(server.api.job(&job).await.attempts, 0);
}

#[tokio::test]
async fn of_two_sessions_of_a_phone_the_newer_counts() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let mut phone = settled(&hotel, server.acs_url()).await;
    comes(&mut phone).await;
    let older = phone.cookie.clone();
    comes(&mut phone).await;
    let newer = phone.cookie.clone();
    let job = renumber(&hotel, "1306").await;
    phone.cookie = older;
    assert_eq!(phone.empty().await.status, 204);
    assert_eq!(server.api.job(&job).await.attempts, 0);
    phone.cookie = newer;
    phone.serve(|_| None).await;
    server.api.job_is(&job, JobState::Done).await;
}

#[tokio::test]
async fn a_quiet_session_goes_on_after_a_restart_and_once_only() {
    let server = ServerProcess::start(&[]).await;
    let hotel = server.hotel(&["1207"]).await;
    let mut phone = settled(&hotel, server.acs_url()).await;
    comes(&mut phone).await;
    server.restart().await;
    let job = renumber(&hotel, "1306").await;
    let reply = phone.empty().await;
    assert_eq!(value_of(reply.set(), "hotel.room.number"), Some("1306"));
    let answer = phone.carry_out(reply.message());
    let read_back = phone.answer(&reply, answer).await;
    let answer = phone.carry_out(read_back.message());
    assert_eq!(phone.answer(&read_back, answer).await.status, 204);
    server.api.job_is(&job, JobState::Done).await;
    let job = renumber(&hotel, "1207").await;
    assert_eq!(phone.empty().await.status, 204);
    assert_eq!(server.api.job(&job).await.attempts, 0);
}

#[tokio::test]
async fn a_phone_that_is_removed_in_the_middle_of_its_session_is_let_go() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let mut phone = settled(&hotel, server.acs_url()).await;
    let id = hotel.cards().await.unwrap()[0].phone.unwrap();
    comes(&mut phone).await;
    renumber(&hotel, "1306").await;
    assert_eq!(server.api.delete(&format!("/api/v1/phones/{id}")).await.status, 204);
    assert_eq!(phone.empty().await.status, 204);
}
