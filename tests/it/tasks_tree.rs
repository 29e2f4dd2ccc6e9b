//! Reading a phone's tree: whole or level by level, in parts it takes, and what people see of it.

use contract::rest::{JobState, ParameterPage, SECRET_MASK, Task, TaskResult};
use cwmp::{Event, EventCode, Message};

use crate::support::tree::{Tree, ask, session, settled, settled_ours};
use crate::support::{Api, Ask, TestServer};

const LEAVES: &[(&str, &str)] = &[
    ("Device.DeviceInfo.SoftwareVersion", "1.0"),
    ("Device.ManagementServer.Password", "pw-1207"),
    ("Device.Services.VoiceService.1.VoiceProfile.1.Line.1.DirectoryNumber", "1207"),
    ("Device.LAN.MACAddress", "c0:74:ad:77:00:01"),
    ("Device.X_GRANDSTREAM_Keys.2.Label", "Spa"),
    ("Device.X_GRANDSTREAM_Keys.10.Label", "Bar"),
];

async fn page(api: &Api, phone: contract::PhoneId, query: &str) -> ParameterPage {
    api.get(&format!("/api/v1/phones/{phone}/parameters{query}")).await.ok()
}

#[tokio::test]
async fn a_phone_is_read_whole_and_shown_level_by_level() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let (mut phone, id) = settled(&hotel, server.acs_url()).await;
    assert_eq!(page(&server.api, id, "").await.total, 0);
    let job = ask(&server.api, id, &Task::Refresh { path: String::new() }).await;
    assert_eq!((job.kind.as_str(), job.state), ("refresh", JobState::Ready));
    let mut tree = Tree::new(LEAVES);
    tree.notifications.insert("Device.LAN.MACAddress".to_owned(), 2);
    session(&mut phone, &mut tree).await;
    let job = server.api.job_is(&job, JobState::Done).await;
    assert_eq!(job.result, Some(TaskResult::Parameters { count: 6 }), "{}", job.note);

    let root = page(&server.api, id, "").await;
    assert_eq!(root.items.iter().map(|node| node.path.as_str()).collect::<Vec<_>>(), ["Device."]);
    assert!(root.items[0].object && root.items[0].children == 5, "{root:?}");
    assert!(root.read_at.is_some());
    let keys = page(&server.api, id, "?path=Device.X_GRANDSTREAM_Keys.").await;
    let paths: Vec<&str> = keys.items.iter().map(|node| node.path.as_str()).collect();
    assert_eq!(paths, ["Device.X_GRANDSTREAM_Keys.2.", "Device.X_GRANDSTREAM_Keys.10."]);
    let lan = page(&server.api, id, "?path=Device.LAN.").await;
    assert_eq!(lan.items[0].value.as_deref(), Some("c0:74:ad:77:00:01"));
    assert_eq!((lan.items[0].notification, lan.items[0].writable), (Some(2), true));
    let secret = page(&server.api, id, "?path=Device.ManagementServer.").await;
    assert_eq!(secret.items[0].value.as_deref(), Some(SECRET_MASK));
    let found = page(&server.api, id, "?search=directory%201207").await;
    assert_eq!(found.total, 1);
    assert_eq!(found.items[0].setting.as_deref(), Some("account.1.sip.userid"));
    assert_eq!(page(&server.api, id, "?search=pw-1207").await.total, 0, "nobody finds a secret");
    assert_eq!(page(&server.api, id, "?search=Label&limit=1&offset=1").await.items.len(), 1);
    for query in ["?path=Device", "?path=a%20b.", "?limit=0", "?limit=501", "?more=1"] {
        let answer = server.api.get(&format!("/api/v1/phones/{id}/parameters{query}")).await;
        assert!(matches!(answer.status, 400 | 422), "{query}: {}", answer.text);
    }
}

#[tokio::test]
async fn what_changed_since_the_last_reading_is_shown_and_what_is_gone_is_not() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let (mut phone, id) = settled(&hotel, server.acs_url()).await;
    let all = Task::Refresh { path: "Device.".to_owned() };
    let mut tree = Tree::new(LEAVES);
    ask(&server.api, id, &all).await;
    session(&mut phone, &mut tree).await;
    tree.leaves.insert("Device.DeviceInfo.SoftwareVersion".to_owned(), cwmp::Value::string("2.0"));
    tree.leaves.retain(|path, _| !path.contains("Keys.2."));
    let job = ask(&server.api, id, &all).await;
    session(&mut phone, &mut tree).await;
    server.api.job_is(&job, JobState::Done).await;
    let changed = page(&server.api, id, "?changed=true").await;
    assert_eq!(changed.total, 1);
    assert_eq!(changed.items[0].previous.as_deref(), Some("1.0"));
    assert!(changed.items[0].changed_at.is_some());
    let keys = page(&server.api, id, "?path=Device.X_GRANDSTREAM_Keys.").await;
    assert_eq!(keys.total, 1, "{keys:?}");

    // A change the phone tells of shows at once.
    phone.events = vec![Event::new(EventCode::VALUE_CHANGE)];
    phone.says = vec![("X_GRANDSTREAM_Keys.10.Label", "Pool".to_owned())];
    session(&mut phone, &mut tree).await;
    let changed = page(&server.api, id, "?changed=true&search=Pool").await;
    assert_eq!(changed.items[0].previous.as_deref(), Some("Bar"));
}

#[tokio::test]
async fn a_phone_that_fails_on_much_is_asked_for_less_and_that_is_remembered() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let (mut phone, id) = settled(&hotel, server.acs_url()).await;
    let mut tree = Tree::new(LEAVES);
    tree.only_levels = true;
    tree.most = 2;
    tree.ghosts = vec!["Device.LAN.Ghost".to_owned()];
    let job = ask(&server.api, id, &Task::Refresh { path: String::new() }).await;
    session(&mut phone, &mut tree).await;
    let job = server.api.job_is(&job, JobState::Done).await;
    assert_eq!(job.result, Some(TaskResult::Parameters { count: 6 }), "{}", job.note);
    assert_eq!(job.attempts, 1);
    assert_eq!(page(&server.api, id, "?search=Ghost").await.total, 0, "what is not there is not shown");
    assert!(tree.sizes.iter().any(|size| *size > 2));

    tree.sizes.clear();
    let job = ask(&server.api, id, &Task::Refresh { path: "Device.".to_owned() }).await;
    session(&mut phone, &mut tree).await;
    server.api.job_is(&job, JobState::Done).await;
    assert!(tree.sizes.iter().all(|size| *size <= 2), "{:?}", tree.sizes);
}

#[tokio::test]
async fn a_subtree_is_read_without_touching_the_rest() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let (mut phone, id) = settled_ours(&hotel, server.acs_url()).await;
    let mut tree = Tree::new(LEAVES);
    ask(&server.api, id, &Task::Refresh { path: "Device.".to_owned() }).await;
    session(&mut phone, &mut tree).await;
    ask(&server.api, id, &Task::Refresh { path: "Device.LAN.".to_owned() }).await;
    let asked = session(&mut phone, &mut tree).await;
    for request in &asked {
        if let Message::GetParameterValues(get) = request {
            assert_eq!(get.names, ["Device.LAN.MACAddress"]);
        }
    }
    assert_eq!(page(&server.api, id, "?search=Label").await.total, 2);

    // What is not there is said.
    let job = ask(&server.api, id, &Task::Refresh { path: "Device.Nothing.".to_owned() }).await;
    phone.begin().await;
    let refuse = |request: &Message| match request {
        Message::GetParameterNames(_) => Some(cwmp::Fault::of(cwmp::FaultCode::INVALID_PARAMETER_NAME).into()),
        _ => None,
    };
    phone.serve(refuse).await;
    let job = server.api.job_is(&job, JobState::Parked).await;
    let Some(TaskResult::Fault(fault)) = &job.result else { panic!("{job:?}") };
    assert_eq!(fault.code, 9005);
    assert!(job.note.contains("no such parameter") && !fault.advice.is_empty(), "{}", job.note);
}
