//! Orders a phone carries out once: restart, reset, calling in, listing what it knows.

use contract::rest::{JobState, JobView, Task, TaskResult, command_key};
use cwmp::{Event, EventCode, GetRpcMethodsResponse, Message};

use crate::support::tree::{Tree, ask, session, settled, settled_ours};
use crate::support::{Ask, ServerProcess, TestServer};

/// What a phone answers that takes every order.
fn obey(request: &Message) -> Option<Message> {
    Some(match request {
        Message::Reboot(_) => Message::RebootResponse,
        Message::FactoryReset => Message::FactoryResetResponse,
        Message::ScheduleInform(_) => Message::ScheduleInformResponse,
        Message::GetRpcMethods => {
            GetRpcMethodsResponse { methods: vec!["Reboot".to_owned(), "Download".to_owned()] }.into()
        }
        _ => return None,
    })
}

#[tokio::test]
async fn a_restart_is_over_when_the_phone_says_so() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let (mut phone, id) = settled(&hotel, server.acs_url()).await;
    let job = ask(&server.api, id, &Task::Reboot).await;
    let after = ask(&server.api, id, &Task::Methods).await;
    phone.begin().await;
    let asked = phone.serve(obey).await;
    let names: Vec<&str> = asked.iter().map(Message::name).collect();
    assert_eq!(names, ["Reboot", "GetRPCMethods"], "in the order asked, and a phone that restarts holds up nothing");
    let Message::Reboot(sent) = &asked[0] else { panic!() };
    assert_eq!(sent.command_key, command_key(job.id));
    assert_eq!(server.api.job(&job).await.state, JobState::Running, "it has not restarted yet");
    let after = server.api.job_is(&after, JobState::Done).await;
    let methods = vec!["Reboot".to_owned(), "Download".to_owned()];
    assert_eq!(after.result, Some(TaskResult::Methods { methods }));
    // Another session in between changes nothing, and asks for nothing twice.
    phone.begin().await;
    assert!(phone.serve(obey).await.is_empty());
    assert_eq!(server.api.job(&job).await.state, JobState::Running);
    phone.events = vec![Event::new(EventCode::BOOT), Event::with_key(EventCode::M_REBOOT, command_key(job.id))];
    phone.session().await;
    server.api.job_is(&job, JobState::Done).await;
}

#[tokio::test]
async fn a_restart_whose_answer_was_lost_is_not_ordered_twice() {
    let server = ServerProcess::start(&[]).await;
    let hotel = server.hotel(&["1207"]).await;
    let (mut phone, id) = settled(&hotel, server.acs_url()).await;
    let job = ask(&server.api, id, &Task::Reboot).await;
    phone.begin().await;
    assert_eq!(phone.empty().await.message().name(), "Reboot");
    server.restart().await;
    phone.events = vec![Event::new(EventCode::BOOT)];
    phone.begin().await;
    assert!(phone.serve(obey).await.is_empty());
    server.api.job_is(&job, JobState::Done).await;

    // One that never reached the phone is.
    let job = ask(&server.api, id, &Task::Reboot).await;
    phone.begin().await;
    phone.empty().await;
    server.restart().await;
    phone.events = vec![Event::new(EventCode::PERIODIC)];
    phone.begin().await;
    assert_eq!(phone.serve(obey).await.len(), 1);
    phone.events = vec![Event::new(EventCode::BOOT)];
    phone.session().await;
    server.api.job_is(&job, JobState::Done).await;
}

#[tokio::test]
async fn a_phone_that_is_reset_is_let_in_again_and_set_up_anew() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let (mut phone, id) = settled_ours(&hotel, server.acs_url()).await;
    let job = ask(&server.api, id, &Task::FactoryReset).await;
    ask(&server.api, id, &Task::Methods).await;
    phone.begin().await;
    assert_eq!(phone.serve(obey).await.len(), 1, "the session ends: the phone is about to forget it");
    phone.login = None;
    phone.values.clear();
    phone.events = vec![Event::new(EventCode::BOOTSTRAP), Event::new(EventCode::BOOT)];
    phone.begin().await;
    let asked = phone.serve(obey).await;
    assert!(asked.contains(&Message::GetRpcMethods), "what waited comes when it is back");
    server.api.job_is(&job, JobState::Done).await;
    assert!(phone.login.is_some(), "it has new credentials");
    let setup = server.api.phone(id).await.jobs[0].clone();
    assert_eq!((setup.kind.as_str(), setup.summary.as_str()), ("configure", "Set up again after the reset"));
}

#[tokio::test]
async fn a_phone_that_refuses_the_reset_stays_as_it_was() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let (mut phone, id) = settled_ours(&hotel, server.acs_url()).await;
    let job = ask(&server.api, id, &Task::FactoryReset).await;
    phone.begin().await;
    phone.serve(|_| Some(cwmp::Fault::of(cwmp::FaultCode::METHOD_NOT_SUPPORTED).into())).await;
    server.api.job_is(&job, JobState::Parked).await;
    phone.login = None;
    assert_eq!(phone.inform().await.status, 401);
}

#[tokio::test]
async fn calling_in_later_is_ordered_and_done() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let (mut phone, id) = settled(&hotel, server.acs_url()).await;
    let job = ask(&server.api, id, &Task::ScheduleInform { delay_seconds: 60 }).await;
    phone.begin().await;
    phone.serve(obey).await;
    let job = server.api.job_is(&job, JobState::Done).await;
    assert!(job.note.contains("60 s"), "{}", job.note);
}

#[tokio::test]
async fn a_task_that_is_asked_for_again_has_another_name() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let (mut phone, id) = settled(&hotel, server.acs_url()).await;
    let job = ask(&server.api, id, &Task::Reboot).await;
    phone.begin().await;
    phone.serve(|_| Some(cwmp::Fault::of(cwmp::FaultCode::METHOD_NOT_SUPPORTED).into())).await;
    let job = server.api.job_is(&job, JobState::Parked).await;
    assert!(job.note.contains("does not know this method"), "{}", job.note);
    let again: JobView = server.api.post(&format!("/api/v1/jobs/{}/retry", job.id), ()).await.ok();
    assert_eq!((again.state, again.result), (JobState::Ready, None));
    phone.begin().await;
    let asked = phone.serve(obey).await;
    let Message::Reboot(sent) = &asked[0] else { panic!("{asked:?}") };
    assert_ne!(sent.command_key, command_key(job.id), "a phone does nothing twice that has the same name");
    assert_eq!(sent.command_key.len(), 32);
}

#[tokio::test]
async fn a_cancelled_task_is_not_carried_out() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let (mut phone, id) = settled(&hotel, server.acs_url()).await;
    let job = ask(&server.api, id, &Task::Reboot).await;
    server.api.post(&format!("/api/v1/jobs/{}/cancel", job.id), ()).await.ok::<JobView>();
    let mut tree = Tree::new(&[]);
    assert!(session(&mut phone, &mut tree).await.is_empty());
    assert_eq!(server.api.job(&job).await.state, JobState::Cancelled);
}
