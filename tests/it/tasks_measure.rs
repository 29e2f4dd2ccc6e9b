//! Ping, traceroute and throughput by the phone's diagnostics objects, and over MQTT.

use contract::mqtt::{Action, Channel, Command, CommandResult, CommandState, Topic};
use contract::rest::{Direction, JobState, PingRequest, PingResult, Task, TaskResult, ThroughputRequest, TraceRequest};
use contract::{PhoneId, Timestamp};
use cwmp::{Event, EventCode, Fault, FaultCode, Message, SetParameterValuesFault, Value};

use crate::support::mqtt::Mqtt;
use crate::support::tree::{Tree, ask, session, settled, settled_ours};
use crate::support::{Ask, HandPhone, TestServer, wait_true};

fn ping() -> Task {
    Task::Ping(PingRequest { host: "10.0.0.1".to_owned(), count: 3, size: 56, timeout_ms: 1000, dscp: 0 })
}

fn finish(tree: &mut Tree, root: &str, values: &[(&str, &str)]) {
    for (name, value) in values {
        tree.leaves.insert(format!("{root}{name}"), Value::string(*value));
    }
}

async fn calls(phone: &mut HandPhone, tree: &mut Tree) -> Vec<Message> {
    phone.events = vec![Event::new(EventCode::DIAGNOSTICS_COMPLETE)];
    session(phone, tree).await
}

#[tokio::test]
async fn a_ping_is_ordered_and_read_when_the_phone_calls() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let (mut phone, id) = settled(&hotel, server.acs_url()).await;
    let job = ask(&server.api, id, &ping()).await;
    let other = ask(&server.api, id, &ping()).await;
    let mut tree = Tree::new(&[]);
    let asked = session(&mut phone, &mut tree).await;
    assert_eq!(asked.len(), 1, "two at once would end each other: {asked:?}");
    let root = "Device.LAN.IPPingDiagnostics.";
    assert_eq!(tree.leaves[&format!("{root}DiagnosticsState")].text, "Requested");
    assert_eq!(server.api.job(&job).await.state, JobState::Running);
    finish(
        &mut tree,
        root,
        &[
            ("DiagnosticsState", "Complete"),
            ("SuccessCount", "2"),
            ("FailureCount", "1"),
            ("MinimumResponseTime", "3"),
            ("AverageResponseTime", "4"),
            ("MaximumResponseTime", "5"),
        ],
    );
    calls(&mut phone, &mut tree).await;
    let job = server.api.job_is(&job, JobState::Done).await;
    let Some(TaskResult::Ping(result)) = &job.result else { panic!("{job:?}") };
    assert_eq!((result.sent, result.received, result.round_trip_ms()), (3, 2, Some((3.0, 4.0, 5.0))));
    assert!(job.note.contains("2 of 3"), "{}", job.note);
    assert_eq!(server.api.job(&other).await.state, JobState::Ready);
}

#[tokio::test]
async fn a_phone_with_the_newer_tree_is_asked_there() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let (mut phone, id) = settled(&hotel, server.acs_url()).await;
    let trace = TraceRequest { host: "far".to_owned(), max_hops: 5, tries: 2, timeout_ms: 500 };
    let job = ask(&server.api, id, &Task::Traceroute(trace)).await;
    let mut tree = Tree::new(&[]);
    phone.begin().await;
    phone
        .serve(|request| {
            let Message::SetParameterValues(set) = request else { return tree.answer(request) };
            if set.parameters[0].name.starts_with("Device.IP.") {
                return tree.answer(request);
            }
            let mut fault = Fault::of(FaultCode::INVALID_ARGUMENTS);
            fault.parameters = vec![SetParameterValuesFault {
                name: set.parameters[0].name.clone(),
                code: FaultCode::INVALID_PARAMETER_NAME,
                text: String::new(),
            }];
            Some(fault.into())
        })
        .await;
    let root = "Device.IP.Diagnostics.TraceRoute.";
    finish(
        &mut tree,
        root,
        &[
            ("DiagnosticsState", "Complete"),
            ("RouteHops.1.Host", "10.0.0.254"),
            ("RouteHops.1.RTTimes", "1,2"),
            ("RouteHops.2.Host", "far"),
            ("RouteHops.2.RTTimes", "9,8"),
        ],
    );
    calls(&mut phone, &mut tree).await;
    let job = server.api.job_is(&job, JobState::Done).await;
    let Some(TaskResult::Traceroute(result)) = &job.result else { panic!("{job:?}") };
    assert!(result.reached && result.hops.len() == 2, "{result:?}");
}

#[tokio::test]
async fn a_measurement_that_failed_says_why() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let (mut phone, id) = settled(&hotel, server.acs_url()).await;
    let test = ThroughputRequest { direction: Direction::Download, url: String::new(), bytes: 5000 };
    let job = ask(&server.api, id, &Task::Throughput(test)).await;
    let mut tree = Tree::new(&[]);
    session(&mut phone, &mut tree).await;
    // The server's own test file is there.
    let url = tree.leaves["Device.DownloadDiagnostics.DownloadURL"].text.clone();
    let http = tests::api::http_trusting(b"").no_proxy().build().unwrap();
    assert_eq!(http.get(&url).send().await.unwrap().bytes().await.unwrap().len(), 5000);
    finish(&mut tree, "Device.DownloadDiagnostics.", &[("DiagnosticsState", "Error_TransferFailed")]);
    calls(&mut phone, &mut tree).await;
    let job = server.api.job_is(&job, JobState::Parked).await;
    assert!(job.note.contains("the transfer broke off"), "{}", job.note);
}

async fn command(mqtt: &mut Mqtt, phone: PhoneId) -> Command {
    let topic = Topic::new(phone, Channel::Command).to_string();
    loop {
        match mqtt.packet().await {
            Some(rumqttc::Packet::Publish(publish)) if publish.topic == topic => {
                let command: Command = serde_json::from_slice(&publish.payload).unwrap();
                if command.action != Action::Inform {
                    return command;
                }
            }
            Some(_) => {}
            None => panic!("no command came"),
        }
    }
}

#[tokio::test]
async fn a_connected_phone_of_ours_is_asked_over_mqtt() {
    let server = TestServer::start().await;
    let hotel = server.hotel(&["1207"]).await;
    let (phone, id) = settled_ours(&hotel, server.acs_url()).await;
    let mut mqtt = Mqtt::connect(&phone.mqtt_login()).await.unwrap();
    mqtt.hear(&Topic::new(id, Channel::Command).to_string()).await.unwrap();
    mqtt.tell(Channel::Presence, r#"{"online":true,"boot":1}"#).await;
    mqtt.confirmed().await.unwrap();
    wait_true("the phone counts as connected", async || server.api.phone(id).await.connected).await;
    let job = ask(&server.api, id, &ping()).await;
    let told = command(&mut mqtt, id).await;
    assert_eq!(told.id, contract::rest::command_key(job.id));
    let result = |state, seq, received| CommandResult {
        boot: 1,
        seq,
        id: told.id.clone(),
        at: Timestamp(1),
        state,
        fault: None,
        output: Some(TaskResult::Ping(PingResult {
            address: "10.0.0.1".to_owned(),
            sent: 3,
            received,
            round_trips_ms: vec![Some(1.0); received as usize],
            summary_ms: None,
        })),
    };
    let running = serde_json::to_vec(&result(CommandState::Running, 1, 1)).unwrap();
    mqtt.tell(Channel::Result, running).await;
    mqtt.confirmed().await.unwrap();
    wait_true(
        "what came so far is shown",
        async || matches!(server.api.job(&job).await.result, Some(TaskResult::Ping(ping)) if ping.received == 1),
    )
    .await;
    mqtt.tell(Channel::Result, serde_json::to_vec(&result(CommandState::Done, 2, 3)).unwrap()).await;
    mqtt.confirmed().await.unwrap();
    let job = server.api.job_is(&job, JobState::Done).await;
    assert!(job.note.contains("3 of 3"), "{}", job.note);
}
