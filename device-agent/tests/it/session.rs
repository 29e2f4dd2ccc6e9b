//! Whole sessions of a phone with an ACS over real HTTP.

use crate::support::acs::{Acs, set};
use crate::support::{given, until};
use cwmp::{GetParameterValues, Message, Reboot, SetParameterValuesResponse, Status};
use device_agent::{Agent, AgentConfig, AgentHandle, StateFile};
use std::time::{Duration, Instant};

async fn phone(dir: &std::path::Path, acs: &Acs) -> AgentHandle {
    let config = AgentConfig {
        connection_request_port: Some(0),
        simulated: true,
        retry_wait_s: 1,
        control: Some("127.0.0.1:0".parse().unwrap()),
        ..AgentConfig::new(dir, "c074ad120701".parse().unwrap(), acs.url())
    };
    Agent::start(config).await.unwrap()
}

#[tokio::test]
async fn enrols_is_configured_and_read() {
    let (dir, acs) = (tempfile::tempdir().unwrap(), Acs::start().await);
    acs.ask(set(
        "bh:3",
        &[
            ("Device.X_BELLHOP_Settings.hotel.room.number", "1207"),
            ("Device.ManagementServer.Username", "phone"),
            ("Device.ManagementServer.Password", "pw"),
        ],
    ));
    acs.ask(GetParameterValues {
        names: vec!["Device.X_BELLHOP_Settings.hotel.room.number".into(), "Device.ManagementServer.Password".into()],
    });
    let agent = phone(dir.path(), &acs).await;
    until("both answers", async || (acs.answers().len() == 2).then_some(())).await;
    assert_eq!(acs.events(0), ["0 BOOTSTRAP", "1 BOOT"]);
    acs.with(|state| {
        let inform = &state.informs[0];
        assert_eq!(inform.device_id.manufacturer, "Bellhop");
        assert_eq!((inform.device_id.oui.as_str(), inform.device_id.product_class.as_str()), ("C074AD", "GHP620"));
        let told: Vec<&str> = inform.parameters.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(told.len(), 8);
        assert!(
            inform
                .parameters
                .iter()
                .any(|p| p.name.ends_with("ConnectionRequestURL") && p.value.text.starts_with("http://"))
        );
        assert_eq!(state.answers[0], SetParameterValuesResponse { status: Status::Applied }.into());
        match &state.answers[1] {
            Message::GetParameterValuesResponse(answer) => {
                assert_eq!(answer.parameters[0].value.text, "1207");
                assert_eq!(answer.parameters[1].value.text, "", "passwords are not read");
            }
            other => panic!("{}", other.name()),
        }
        assert_eq!(state.without_cookie, 0);
    });
    let state: StateFile = serde_json::from_slice(&std::fs::read(dir.path().join("state.json")).unwrap()).unwrap();
    assert_eq!((state.room_number.as_str(), state.applied_version), ("1207", 3));
    agent.shutdown().await;

    // Another start: no bootstrap any more, credentials used when asked for.
    acs.with(|state| state.login = Some(("phone".into(), "pw".into())));
    let agent = phone(dir.path(), &acs).await;
    until("the second session", async || (acs.informs() == 2).then_some(())).await;
    assert_eq!(acs.events(1), ["1 BOOT"]);
    assert_eq!(acs.with(|state| state.unauthorized), 1, "one challenge, then proofs");
    agent.shutdown().await;
}

#[tokio::test]
async fn a_session_has_one_connection() {
    let (dir, acs) = (tempfile::tempdir().unwrap(), Acs::start().await);
    given(dir.path(), &[("tr069.username", "phone"), ("tr069.password", "pw")]);
    acs.with(|state| state.login = Some(("phone".into(), "pw".into())));
    const RPCS: usize = 20;
    for _ in 0..RPCS {
        acs.ask(GetParameterValues { names: vec!["Device.".into()] });
    }
    let agent = phone(dir.path(), &acs).await;
    until("the end of the session", async || agent.device().reached().1.then_some(())).await;
    let seen = acs.with(|state| (state.unauthorized, state.answers.len(), state.connections));
    assert_eq!(seen, (1, RPCS, 1), "challenges, answers, connections");
    agent.shutdown().await;
}

#[tokio::test]
async fn a_failed_session_is_tried_again_with_its_events() {
    let (dir, acs) = (tempfile::tempdir().unwrap(), Acs::start().await);
    acs.with(|state| state.refuse.push_back((500, None)));
    let agent = phone(dir.path(), &acs).await;
    until("the retry", async || (acs.informs() == 2).then_some(())).await;
    assert_eq!(acs.events(1), ["0 BOOTSTRAP", "1 BOOT"]);
    assert_eq!(acs.with(|state| state.informs[1].retry_count), 1);
    agent.shutdown().await;
}

#[tokio::test]
async fn retry_after_is_honoured() {
    let (dir, acs) = (tempfile::tempdir().unwrap(), Acs::start().await);
    acs.with(|state| state.refuse.push_back((503, Some(3))));
    let start = Instant::now();
    let agent = phone(dir.path(), &acs).await;
    until("the retry", async || (acs.informs() == 2).then_some(())).await;
    let waited = start.elapsed();
    assert!(waited >= Duration::from_secs(3) && waited < Duration::from_secs(6), "{waited:?}");
    agent.shutdown().await;
}

#[tokio::test]
async fn informs_periodically_and_when_the_room_is_dialled() {
    let (dir, acs) = (tempfile::tempdir().unwrap(), Acs::start().await);
    acs.ask(set("", &[("Device.ManagementServer.PeriodicInformInterval", "1")]));
    let agent = phone(dir.path(), &acs).await;
    until("two periodic Informs", async || (acs.informs() >= 3).then_some(())).await;
    assert_eq!((acs.events(1), acs.events(2)), (vec!["2 PERIODIC".to_owned()], vec!["2 PERIODIC".to_owned()]));
    agent.hook(true).await;
    agent.keys("**766*1207#").await;
    until("the room number", async || (agent.state().room_number == "1207").then_some(())).await;
    assert_eq!(agent.state().hook, "off");
    until("the value change", async || {
        (0..acs.informs()).find(|inform| acs.events(*inform).contains(&"4 VALUE CHANGE".to_owned()))
    })
    .await;
    acs.with(|state| {
        let last = state
            .informs
            .iter()
            .find(|inform| inform.events.iter().any(|e| e.code.as_str() == "4 VALUE CHANGE"))
            .unwrap();
        assert!(last.parameters.iter().any(|p| p.name.ends_with("hotel.room.number") && p.value.text == "1207"));
    });
    agent.shutdown().await;
}

#[tokio::test]
async fn reboots_and_forgets_when_told() {
    let (dir, acs) = (tempfile::tempdir().unwrap(), Acs::start().await);
    acs.ask(set("bh:1", &[("Device.X_BELLHOP_Settings.hotel.room.number", "9")]));
    acs.ask(Reboot { command_key: "job-7".into() });
    let agent = phone(dir.path(), &acs).await;
    let boot = agent.device().boot();
    until("the Inform after the reboot", async || (acs.informs() == 2).then_some(())).await;
    assert_eq!(acs.events(1), ["1 BOOT", "M Reboot"]);
    assert_eq!(acs.with(|state| state.informs[1].events[1].command_key.clone()), "job-7");
    until("its session", async || (agent.device().boot() == boot + 1 && agent.device().reached().1).then_some(()))
        .await;
    assert_eq!(agent.state().room_number, "9");

    acs.ask(Message::FactoryReset);
    agent.device().set_locally("hotel.room.number", "10").unwrap();
    until("the Inform after the reset", async || (acs.informs() == 4).then_some(())).await;
    assert_eq!(acs.events(3), ["0 BOOTSTRAP", "1 BOOT"], "M Reboot is not told twice");
    assert_eq!((agent.state().room_number.as_str(), agent.state().applied_version), ("", 0));
    agent.shutdown().await;
}

#[tokio::test]
async fn the_control_endpoint_wants_its_token() {
    let (dir, acs) = (tempfile::tempdir().unwrap(), Acs::start().await);
    let agent = phone(dir.path(), &acs).await;
    let base = format!("http://{}", agent.control_addr().unwrap());
    let client = device_agent::tls::TlsOptions::default().http().unwrap().build().unwrap();
    assert_eq!(client.get(format!("{base}/state")).send().await.unwrap().status(), 401);
    let token = std::fs::read_to_string(dir.path().join("control.token")).unwrap();
    let hook = |body: &'static str| client.post(format!("{base}/hook")).bearer_auth(&token).body(body).send();
    assert_eq!(hook("{\"hook\":\"off\"}").await.unwrap().status(), 200);
    assert_eq!(agent.state().hook, "off");
    assert_eq!(hook("{\"hook\":\"sideways\"}").await.unwrap().status(), 400);
    let key = client.post(format!("{base}/key")).bearer_auth(&token).body("{\"keys\":\"**766*12#\"}");
    assert_eq!(key.send().await.unwrap().status(), 200);
    let state: StateFile = serde_json::from_str(
        &client.get(format!("{base}/state")).bearer_auth(&token).send().await.unwrap().text().await.unwrap(),
    )
    .unwrap();
    assert_eq!(state.room_number, "12");
    agent.shutdown().await;
}
