//! Records of sessions: what was said, without secrets.

use contract::PhoneId;
use contract::rest::{ParameterEdit, SessionPage, SessionView, StepXml, Task};
use cwmp::{Event, EventCode};

use crate::support::tree::{Tree, ask, session, settled_ours};
use crate::support::{Api, TestServer, wait};

async fn sessions(api: &Api, phone: PhoneId) -> Vec<SessionView> {
    api.get(&format!("/api/v1/phones/{phone}/sessions")).await.ok::<SessionPage>().items
}

#[tokio::test]
async fn a_session_is_shown_step_by_step_with_its_secrets_masked() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let (mut phone, id) = settled_ours(&hotel, server.acs_url()).await;
    let (_, password) = phone.login.clone().unwrap();
    let enrolment = wait("the first session is recorded", async || sessions(&server.api, id).await.pop()).await;
    let names: Vec<&str> = enrolment.steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(names[..4], ["Inform", "InformResponse", "empty", "SetParameterValues"]);
    assert!(enrolment.ended_at.is_some() && enrolment.bytes_in > 0 && enrolment.bytes_out > 0);
    assert!(enrolment.steps[1].took_ms.is_some() && !enrolment.steps[1].from_phone);
    let step = async |index: usize| {
        let path = format!("/api/v1/phones/{id}/sessions/{}/steps/{index}", enrolment.id);
        server.api.get(&path).await
    };
    let sent = step(3).await.ok::<StepXml>().xml;
    assert!(sent.contains("ManagementServer.Password") && !sent.contains(&password), "{sent}");
    assert!(step(0).await.ok::<StepXml>().xml.contains("<SerialNumber>"));
    step(2).await.refused(404);
    step(99).await.refused(404);

    let values =
        vec![ParameterEdit { path: "Device.X.Secret".into(), value: "hush-1207".into(), xsd_type: String::new() }];
    ask(&server.api, id, &Task::SetParameters { values }).await;
    phone.events = vec![Event::new(EventCode::PERIODIC)];
    session(&mut phone, &mut Tree::new(&[])).await;
    let newest = wait("the second session is recorded", async || {
        sessions(&server.api, id).await.into_iter().find(|one| one.events == ["2 PERIODIC"])
    })
    .await;
    assert_eq!(newest.steps[1].name, "HTTP 401", "the challenge belongs to it: {:?}", newest.steps);
    for index in 0..newest.steps.len() {
        let path = format!("/api/v1/phones/{id}/sessions/{}/steps/{index}", newest.id);
        assert!(!server.api.get(&path).await.text.contains("hush-1207"));
    }
}

#[tokio::test]
async fn a_session_in_which_nothing_was_done_keeps_no_messages_and_twenty_are_kept() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let (mut phone, id) = settled_ours(&hotel, server.acs_url()).await;
    phone.events = vec![Event::new(EventCode::PERIODIC)];
    for _ in 0..25 {
        phone.session().await;
    }
    let all = wait("they are recorded", async || {
        let all = sessions(&server.api, id).await;
        (all.len() == 20 && all.iter().all(|one| one.events == ["2 PERIODIC"])).then_some(all)
    })
    .await;
    assert!(all[0].outcome.contains("nothing to do"), "{}", all[0].outcome);
    assert!(all.windows(2).all(|pair| pair[0].started_at >= pair[1].started_at));
    server.api.get(&format!("/api/v1/phones/{id}/sessions?limit=101")).await.refused(422);
}
