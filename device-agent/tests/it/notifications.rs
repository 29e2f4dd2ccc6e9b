//! What the phone says of its own accord, and when.

use crate::support::acs::{Acs, set};
use crate::support::{phone, until};
use cwmp::{
    GetParameterValues, Message, ParameterValue, ScheduleInform, SetParameterAttributes, SetParameterAttributesEntry,
    SetParameterValues, Value,
};

const ROOM: &str = "Device.X_BELLHOP_Settings.hotel.room.number";
const NAME: &str = "Device.X_BELLHOP_Settings.hotel.name";

fn notify(name: &str, notification: u32) -> SetParameterAttributes {
    let entry = SetParameterAttributesEntry {
        name: name.into(),
        notification_change: true,
        notification,
        access_list_change: false,
        access_list: Vec::new(),
    };
    SetParameterAttributes { parameters: vec![entry] }
}

#[tokio::test]
async fn active_calls_passive_rides_along_and_what_the_acs_did_is_no_news() {
    let (dir, acs) = (tempfile::tempdir().unwrap(), Acs::start().await);
    acs.ask(notify(NAME, 1));
    acs.ask(set("", &[(ROOM, "1"), (NAME, "Set by the server")]));
    let agent = phone(dir.path(), &acs.url()).await;
    until("the first session", async || agent.device().reached().1.then_some(())).await;
    agent.device().set_locally("hotel.name", "Grand").unwrap();
    agent.device().set_locally("hotel.room.number", "2").unwrap();
    let inform = until("the call", async || acs.inform_with(1, "4 VALUE CHANGE")).await;
    assert_eq!((inform, acs.events(inform)), (1, vec!["4 VALUE CHANGE".to_owned()]), "nothing was told in between");
    assert_eq!(acs.told_value(inform, ROOM).as_deref(), Some("2"));
    assert_eq!(acs.told_value(inform, NAME).as_deref(), Some("Grand"));
    // Told, it is no news any more.
    agent.device().set_locally("hotel.room.number", "3").unwrap();
    let next = until("the next call", async || acs.inform_with(inform + 1, "4 VALUE CHANGE")).await;
    assert_eq!(acs.told_value(next, NAME), None);
    // Over a restart it is known what was told: a value that changed since is told with the first Inform.
    agent.device().set_locally("hotel.name", "Ritz").unwrap();
    agent.shutdown().await;
    let agent = phone(dir.path(), &acs.url()).await;
    until("the Inform", async || (acs.informs() > next + 1).then_some(())).await;
    assert_eq!(acs.events(next + 1), ["1 BOOT", "4 VALUE CHANGE"]);
    assert_eq!(acs.told_value(next + 1, NAME).as_deref(), Some("Ritz"));
    agent.shutdown().await;
}

#[tokio::test]
async fn scheduled_informs_come_after_a_restart_too() {
    let (dir, acs) = (tempfile::tempdir().unwrap(), Acs::start().await);
    acs.ask(ScheduleInform { delay_seconds: 2, command_key: "a".into() });
    acs.ask(ScheduleInform { delay_seconds: 2, command_key: "b".into() });
    let agent = phone(dir.path(), &acs.url()).await;
    until("both answers", async || (acs.answers().len() == 2).then_some(())).await;
    drop(agent);
    let agent = phone(dir.path(), &acs.url()).await;
    let keys = until("both Informs", async || {
        let keys = acs.with(|state| {
            let events = state.informs.iter().flat_map(|inform| inform.events.clone());
            let scheduled = events.filter(|event| event.code.as_str() == "M ScheduleInform");
            scheduled.map(|event| event.command_key).collect::<Vec<_>>()
        });
        (keys.len() >= 2).then_some(keys)
    })
    .await;
    assert_eq!(keys, ["a", "b"]);
    assert!(acs.inform_with(0, "3 SCHEDULED").is_some());
    agent.shutdown().await;
}

#[tokio::test]
async fn tests_run_when_the_session_is_over_and_tell_when_they_are_done() {
    let (dir, acs) = (tempfile::tempdir().unwrap(), Acs::start().await);
    const PING: &str = "Device.LAN.IPPingDiagnostics.";
    const ROUTE: &str = "Device.LAN.TraceRouteDiagnostics.";
    let parameters = |prefix: &str, values: &[(&str, Value)]| SetParameterValues {
        parameters: values
            .iter()
            .map(|(name, value)| ParameterValue::new(format!("{prefix}{name}"), value.clone()))
            .collect(),
        parameter_key: "t".into(),
    };
    acs.ask(parameters(
        ROUTE,
        &[("Host", Value::string("127.0.0.1")), ("DiagnosticsState", Value::string("Requested"))],
    ));
    acs.ask(GetParameterValues { names: vec![format!("{ROUTE}DiagnosticsState")] });
    let agent = phone(dir.path(), &acs.url()).await;
    let done = until("the end of the test", async || acs.inform_with(1, "8 DIAGNOSTICS COMPLETE")).await;
    acs.with(|state| match &state.answers[1] {
        Message::GetParameterValuesResponse(read) => assert_eq!(read.parameters[0].value.text, "Requested"),
        other => panic!("{}", other.name()),
    });
    acs.ask(parameters(
        PING,
        &[
            ("Host", Value::string("no-such-host.invalid")),
            ("NumberOfRepetitions", Value::unsigned(1)),
            ("DiagnosticsState", Value::string("Requested")),
        ],
    ));
    acs.ask(GetParameterValues { names: vec![ROUTE.into()] });
    acs.ask(parameters(PING, &[("DiagnosticsState", Value::string("Complete"))]));
    agent.device().set_locally("hotel.room.number", "1").unwrap();
    let next = until("the end of the other", async || acs.inform_with(done + 1, "8 DIAGNOSTICS COMPLETE")).await;
    acs.with(|state| {
        let read = state.answers.iter().rev().find_map(|answer| match answer {
            Message::GetParameterValuesResponse(read) => Some(read),
            _ => None,
        });
        let value = |name: &str| {
            let found = read.unwrap().parameters.iter().find(|p| p.name == format!("{ROUTE}{name}"));
            found.map(|p| p.value.text.clone()).unwrap_or_default()
        };
        assert_eq!(value("DiagnosticsState"), "Complete");
        assert_eq!((value("NumberOfRouteHops").as_str(), value("RouteHops.1.HopHost").as_str()), ("1", "127.0.0.1"));
        assert!(matches!(state.answers.last(), Some(Message::Fault(_))), "only Requested can be written");
    });
    acs.ask(GetParameterValues { names: vec![format!("{PING}DiagnosticsState")] });
    agent.device().set_locally("hotel.room.number", "2").unwrap();
    until("the state", async || {
        acs.with(|state| {
            state.answers.iter().any(|answer| {
                matches!(answer, Message::GetParameterValuesResponse(read)
                    if read.parameters[0].value.text == "Error_CannotResolveHostName")
            })
        })
        .then_some(())
    })
    .await;
    assert!(next > done);
    agent.shutdown().await;
}
