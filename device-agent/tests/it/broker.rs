//! The phone and its broker.

mod commands;
mod mqtt5;

use crate::support::acs::{Acs, enrolment, set};
use crate::support::broker::Broker;
use crate::support::{PHONE, until};
use contract::event::EventKind;
use contract::mqtt::{Channel, Desired, EventAck};
use device_agent::{Agent, AgentConfig, AgentHandle};

async fn enrolled(dir: &std::path::Path) -> (AgentHandle, Acs, Broker) {
    let (acs, broker) = (Acs::start().await, Broker::start().await);
    acs.ask(enrolment(broker.address));
    let config = AgentConfig {
        connection_request_port: Some(0),
        simulated: true,
        retry_wait_s: 1,
        ..AgentConfig::new(dir, "c074ad120701".parse().unwrap(), acs.url())
    };
    let agent = Agent::start(config).await.unwrap();
    until("the first state report", async || (!broker.states().is_empty()).then_some(())).await;
    (agent, acs, broker)
}

#[tokio::test]
async fn says_who_it_is_what_happens_and_goodbye() {
    let dir = tempfile::tempdir().unwrap();
    let (agent, _acs, broker) = enrolled(dir.path()).await;
    assert_eq!(agent.phone_id(), Some(PHONE.parse().unwrap()));
    broker.with(|state| {
        let (connect, will, login) = &state.connects[0];
        let login = login.as_ref().unwrap();
        let properties = connect.properties.as_ref().unwrap();
        assert_eq!((connect.clean_start, properties.session_expiry_interval), (false, Some(86_400)));
        assert_eq!((properties.receive_maximum, properties.topic_alias_max), (Some(32), None));
        assert_eq!(
            (connect.client_id.as_str(), login.username.as_str(), login.password.as_str()),
            (PHONE, PHONE, "mqtt-password")
        );
        let will = will.as_ref().unwrap();
        assert!(will.retain && will.topic.ends_with(b"/up/presence"));
        assert_eq!(will.properties.as_ref().unwrap().delay_interval, Some(3));
        let down = ["ack", "desired", "command", "file"].map(|name| format!("v1/{PHONE}/down/{name}"));
        assert_eq!(state.subscriptions, down);
    });
    assert_eq!(broker.presence(), [(true, true)]);
    until("the first event", async || (!broker.events().is_empty()).then_some(())).await;
    assert_eq!(broker.events()[0].kind, EventKind::SetupCompleted);

    agent.hook(true).await;
    let event =
        until("off-hook", async || broker.events().into_iter().find(|event| event.kind == EventKind::OffHook)).await;
    until("the state with it", async || broker.states().last().is_some_and(|state| state.off_hook).then_some(())).await;
    let states = broker.states();
    assert!(states.windows(2).all(|pair| pair[0].seq < pair[1].seq));

    // Acknowledged means gone.
    broker.publish(Channel::Ack, &EventAck { boot: event.boot, first: 1, last: event.seq });
    until("nothing left", async || (agent.device().unacknowledged() == 0).then_some(())).await;
    agent.shutdown().await;
    assert_eq!(broker.presence().last(), Some(&(false, true)));
    until("the DISCONNECT", async || (broker.with(|state| state.goodbyes) == 1).then_some(())).await;
}

#[tokio::test]
async fn what_is_not_acknowledged_comes_again_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let (agent, acs, broker) = enrolled(dir.path()).await;
    agent.hook(true).await;
    agent.hook(false).await;
    until("three events", async || (broker.events().len() == 3).then_some(())).await;
    let first = broker.events();
    // The broker forgets everything.
    broker.with(|state| state.published.clear());
    broker.drop_connections();
    until("them again", async || (broker.events().len() == 3).then_some(())).await;
    assert_eq!(broker.events(), first);
    assert_eq!(broker.with(|state| state.subscriptions.len()), 8, "subscribed again");
    // Nor are they acknowledged now: they come again on the same connection after a while.
    until("them a third time", async || (broker.events().len() >= 6).then_some(())).await;
    assert_eq!(broker.events()[3..6], first);
    agent.shutdown().await;

    // After a restart, still the same, before the new ones.
    broker.with(|state| state.published.clear());
    let config = AgentConfig {
        connection_request_port: Some(0),
        simulated: true,
        ..AgentConfig::new(dir.path(), "c074ad120701".parse().unwrap(), acs.url())
    };
    let agent = Agent::start(config).await.unwrap();
    until("old and new", async || (broker.events().len() >= 4).then_some(())).await;
    assert_eq!(broker.events()[..3], first);
    assert_eq!((broker.events()[3].boot, broker.events()[3].seq), (first[0].boot + 1, 1));
    agent.shutdown().await;
}

#[tokio::test]
async fn a_newer_version_opens_a_session() {
    let dir = tempfile::tempdir().unwrap();
    let (agent, acs, broker) = enrolled(dir.path()).await;
    let before = acs.informs();
    acs.ask(set("bh:5", &[("Device.X_BELLHOP_Settings.hotel.room.number", "1207")]));
    broker.publish(Channel::Desired, &Desired { version: 5 });
    until("the version in the state", async || {
        broker.states().last().is_some_and(|state| state.applied_version == 5).then_some(())
    })
    .await;
    assert_eq!(acs.events(before), ["6 CONNECTION REQUEST"]);
    // An old one does not: what was said after it is answered, and the next session is that of the next version.
    broker.publish(Channel::Desired, &Desired { version: 5 });
    broker.publish(Channel::Command, &serde_json::json!({"id": "after", "action": "none"}));
    until("an answer", async || broker.results().iter().any(|result| result.id == "after").then_some(())).await;
    acs.ask(set("bh:6", &[("Device.X_BELLHOP_Settings.hotel.room.number", "1208")]));
    broker.publish(Channel::Desired, &Desired { version: 6 });
    until("the next version", async || {
        broker.states().last().is_some_and(|state| state.applied_version == 6).then_some(())
    })
    .await;
    assert_eq!(acs.informs(), before + 2);
    agent.shutdown().await;
}

#[tokio::test]
async fn other_credentials_mean_another_connection() {
    let dir = tempfile::tempdir().unwrap();
    let (agent, acs, broker) = enrolled(dir.path()).await;
    acs.ask(set("bh:1", &[("Device.X_BELLHOP_Mqtt.Password", "another")]));
    broker.publish(Channel::Desired, &Desired { version: 1 });
    until("the new password", async || {
        broker
            .with(|state| {
                let (_, _, login) = state.connects.last().unwrap();
                login.as_ref().is_some_and(|login| login.password == "another")
            })
            .then_some(())
    })
    .await;
    until("connected", async || agent.is_connected().then_some(())).await;
    agent.shutdown().await;
}
