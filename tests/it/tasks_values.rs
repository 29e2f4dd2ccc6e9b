//! Parameters, attributes and objects a person sets by hand.

use contract::rest::{AttributeEdit, JobState, ParameterEdit, SECRET_MASK, SyncState, Task, TaskResult};
use cwmp::{Fault, FaultCode, Message, XsdType};
use serde_json::json;

use crate::support::tree::{Tree, ask, session, settled};
use crate::support::{Ask, ServerProcess, TestServer};

fn set(values: &[(&str, &str, &str)]) -> Task {
    let edit = |(path, value, xsd_type): &(&str, &str, &str)| ParameterEdit {
        path: (*path).to_owned(),
        value: (*value).to_owned(),
        xsd_type: (*xsd_type).to_owned(),
    };
    Task::SetParameters { values: values.iter().map(edit).collect() }
}

#[tokio::test]
async fn values_are_set_with_their_type_and_read_back() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let (mut phone, id) = settled(&hotel, server.acs_url()).await;
    let mut tree = Tree::new(&[("Device.Time.Enable", "0"), ("Device.Time.NTPServer1", "a")]);
    tree.leaves.insert("Device.Time.Enable".to_owned(), cwmp::Value::new(XsdType::Boolean, "0"));
    ask(&server.api, id, &Task::Refresh { path: "Device.Time.".to_owned() }).await;
    session(&mut phone, &mut tree).await;

    let job = ask(
        &server.api,
        id,
        &set(&[("Device.Time.Enable", "true", ""), ("Device.X.Password", "pw-x", ""), ("Device.X.Count", "7", "int")]),
    )
    .await;
    let Some(Task::SetParameters { values }) = &job.task else { panic!("{job:?}") };
    assert_eq!(values[1].value, SECRET_MASK, "no answer holds a secret");
    let asked = session(&mut phone, &mut tree).await;
    let job = server.api.job_is(&job, JobState::Done).await;
    assert_eq!(job.result, Some(TaskResult::Parameters { count: 3 }));
    let Message::SetParameterValues(sent) = &asked[0] else { panic!("{asked:?}") };
    assert_eq!(sent.parameters[0].value.type_, XsdType::Boolean, "as the phone reported it");
    assert_eq!(sent.parameters[1].value.text, "pw-x");
    assert_eq!(sent.parameters[2].value.type_, XsdType::Int);
    assert_eq!(sent.parameter_key.len(), 32);
    let Message::GetParameterValues(read) = &asked[1] else { panic!("{asked:?}") };
    assert!(!read.names.iter().any(|name| name.contains("Password")));
    assert_eq!(server.api.phone(id).await.phone.sync, SyncState::InSync, "settings are as they were");
    let detail = server.api.get(&format!("/api/v1/phones/{id}")).await.text;
    assert!(!detail.contains("pw-x"));
}

#[tokio::test]
async fn a_phone_that_takes_few_values_at_once_gets_them_in_parts() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let (mut phone, id) = settled(&hotel, server.acs_url()).await;
    let mut tree = Tree::new(&[]);
    tree.most = 2;
    let values: Vec<ParameterEdit> = (0..8)
        .map(|number| ParameterEdit {
            path: format!("Device.X.V{number}"),
            value: number.to_string(),
            xsd_type: String::new(),
        })
        .collect();
    let job = ask(&server.api, id, &Task::SetParameters { values }).await;
    session(&mut phone, &mut tree).await;
    let job = server.api.job_is(&job, JobState::Done).await;
    assert_eq!((job.attempts, tree.leaves.len()), (1, 8), "{}", job.note);
    assert_eq!(tree.sizes[..3], [8, 4, 2]);

    // A change of settings knows it, too.
    tree.sizes.clear();
    let change = json!({ "values": { "account.1.sip.subscriber.name": "x", "account.1.sip.subscriber.password": "y",
        "account.1.sip.server.1.address": "sip.example", "account.1.enable": "yes" } });
    let accepted: contract::rest::Accepted =
        server.api.put(&format!("/api/v1/phones/{id}/settings"), change).await.ok();
    session(&mut phone, &mut tree).await;
    server.api.job_is(&accepted.jobs[0], JobState::Done).await;
    assert!(tree.sizes.iter().all(|size| *size <= 2), "{:?}", tree.sizes);
}

#[tokio::test]
async fn a_refusal_is_shown_parameter_by_parameter() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let (mut phone, id) = settled(&hotel, server.acs_url()).await;
    let job = ask(&server.api, id, &set(&[("Device.A.B", "1", ""), ("Device.A.C", "2", "")])).await;
    phone.begin().await;
    phone
        .serve(|request| {
            matches!(request, Message::SetParameterValues(_)).then(|| {
                let mut fault = Fault::of(FaultCode::INVALID_ARGUMENTS);
                fault.parameters = vec![cwmp::SetParameterValuesFault {
                    name: "Device.A.C".to_owned(),
                    code: FaultCode::NOT_WRITABLE,
                    text: "no".to_owned(),
                }];
                fault.into()
            })
        })
        .await;
    let job = server.api.job_is(&job, JobState::Parked).await;
    let Some(TaskResult::Fault(fault)) = &job.result else { panic!("{job:?}") };
    assert_eq!((fault.code, fault.parameters[0].code), (9003, 9008));
    assert!(job.note.contains("read-only") && job.note.contains("Device.A.C"), "{}", job.note);
}

#[tokio::test]
async fn a_value_that_reads_back_otherwise_is_no_success() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let (mut phone, id) = settled(&hotel, server.acs_url()).await;
    let job = ask(&server.api, id, &set(&[("Device.A.B", "1", "")])).await;
    let mut tree = Tree::new(&[("Device.A.B", "0")]);
    phone.begin().await;
    phone
        .serve(|request| match request {
            Message::SetParameterValues(_) => Some(crate::support::cwmp_phone::done()),
            other => tree.answer(other),
        })
        .await;
    let job = server.api.job_is(&job, JobState::Parked).await;
    assert!(job.note.contains("\"0\" instead of \"1\""), "{}", job.note);
}

#[tokio::test]
async fn attributes_are_set_and_read_back() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let (mut phone, id) = settled(&hotel, server.acs_url()).await;
    let mut tree = Tree::new(&[("Device.A.B", "0")]);
    ask(&server.api, id, &Task::Refresh { path: "Device.A.".to_owned() }).await;
    session(&mut phone, &mut tree).await;
    let edit = AttributeEdit { path: "Device.A.B".to_owned(), notification: 2 };
    let job = ask(&server.api, id, &Task::SetAttributes { attributes: vec![edit] }).await;
    session(&mut phone, &mut tree).await;
    server.api.job_is(&job, JobState::Done).await;
    let page: contract::rest::ParameterPage =
        server.api.get(&format!("/api/v1/phones/{id}/parameters?path=Device.A.")).await.ok();
    assert_eq!(page.items[0].notification, Some(2));
}

#[tokio::test]
async fn an_object_is_added_once_though_the_server_ends_in_between() {
    let server = ServerProcess::start(&[]).await;
    let hotel = server.hotel(&["1207"]).await;
    let (mut phone, id) = settled(&hotel, server.acs_url()).await;
    let mut tree = Tree::new(&[("Device.Keys.1.Enable", "1")]);
    let job = ask(&server.api, id, &Task::AddObject { object: "Device.Keys.".to_owned() }).await;
    phone.begin().await;
    let names = phone.empty().await;
    let answer = tree.answer(names.message()).unwrap();
    let add = phone.answer(&names, answer).await;
    assert_eq!(add.message().name(), "AddObject");
    // The phone does it, and its answer is lost.
    tree.answer(add.message()).unwrap();
    server.restart().await;
    let asked = session(&mut phone, &mut tree).await;
    assert!(!asked.iter().any(|request| request.name() == "AddObject"), "{asked:?}");
    let job = server.api.job_is(&job, JobState::Done).await;
    assert_eq!(job.result, Some(TaskResult::Object { instance: 2 }));
    assert_eq!(tree.leaves.len(), 2);

    // It says that it did it, and the session is cut off while the new object is read.
    let job = ask(&server.api, id, &Task::AddObject { object: "Device.Keys.".to_owned() }).await;
    phone.begin().await;
    let names = phone.empty().await;
    let answer = tree.answer(names.message()).unwrap();
    let add = phone.answer(&names, answer).await;
    let answer = tree.answer(add.message()).unwrap();
    assert_eq!(phone.answer(&add, answer).await.message().name(), "GetParameterNames");
    server.restart().await;
    let asked = session(&mut phone, &mut tree).await;
    assert!(!asked.iter().any(|request| request.name() == "AddObject"), "{asked:?}");
    let job = server.api.job_is(&job, JobState::Done).await;
    assert_eq!(job.result, Some(TaskResult::Object { instance: 3 }));
    assert_eq!(tree.leaves.len(), 3);

    let job = ask(&server.api, id, &Task::DeleteObject { object: "Device.Keys.2.".to_owned() }).await;
    phone.begin().await;
    let delete = phone.empty().await;
    tree.answer(delete.message()).unwrap();
    server.restart().await;
    session(&mut phone, &mut tree).await;
    server.api.job_is(&job, JobState::Done).await;
    assert_eq!(tree.leaves.len(), 2);
}
