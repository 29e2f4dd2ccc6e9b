//! Orders by MQTT.

use contract::Timestamp;
use contract::mqtt::{Action, Command, CommandResult, CommandState};
use contract::rest::{PingRequest, TaskResult};

use super::*;

const FAR: Timestamp = Timestamp(4_102_444_800_000);

fn command(id: &str, action: Action) -> Command {
    Command { id: id.to_owned(), expires_at: FAR, action }
}

pub fn inform(id: &str) -> Command {
    command(id, Action::Inform)
}

async fn result_of(broker: &Broker, id: &str) -> CommandResult {
    until("a final result", async || {
        broker.results().into_iter().find(|result| result.id == id && result.state.is_final())
    })
    .await
}

#[tokio::test]
async fn a_command_is_done_once_and_answered_each_time() {
    let dir = tempfile::tempdir().unwrap();
    let (agent, acs, broker) = enrolled(dir.path()).await;
    until("the first session is over", async || (acs.informs() == 1).then_some(())).await;
    broker.publish(Channel::Command, &inform("t1"));
    until("a session", async || (acs.informs() == 2).then_some(())).await;
    let first = result_of(&broker, "t1").await;
    assert_eq!((first.state, first.fault), (CommandState::Done, None));
    assert_eq!(broker.results()[0].state, CommandState::Running, "it said that it began");
    broker.publish(Channel::Command, &inform("t1"));
    until("the same answer", async || {
        (broker.results().iter().filter(|result| result.state.is_final()).count() >= 2).then_some(())
    })
    .await;
    assert_eq!(acs.informs(), 2);
    agent.shutdown().await;
}

#[tokio::test]
async fn a_reboot_is_over_in_the_next_life_and_not_done_again() {
    let dir = tempfile::tempdir().unwrap();
    let (agent, acs, broker) = enrolled(dir.path()).await;
    until("the first session is over", async || (acs.informs() == 1).then_some(())).await;
    let boot = agent.device().boot();
    broker.publish(Channel::Command, &command("t1", Action::Reboot));
    let result = result_of(&broker, "t1").await;
    assert_eq!((result.state, result.boot), (CommandState::Done, boot + 1));
    until("its session", async || (acs.informs() == 2).then_some(())).await;
    let events = acs.events(1);
    assert!(events.contains(&"1 BOOT".to_owned()) && events.contains(&"M Reboot".to_owned()), "{events:?}");
    broker.publish(Channel::Command, &command("t1", Action::Reboot));
    until("the same answer", async || {
        (broker.results().iter().filter(|result| result.state.is_final()).count() >= 2).then_some(())
    })
    .await;
    assert_eq!(agent.device().boot(), boot + 1);
    agent.shutdown().await;
}

#[tokio::test]
async fn what_is_late_or_unreadable_is_refused_in_words() {
    let dir = tempfile::tempdir().unwrap();
    let (agent, acs, broker) = enrolled(dir.path()).await;
    until("the first session is over", async || (acs.informs() == 1).then_some(())).await;
    broker.publish(Channel::Command, &Command { expires_at: Timestamp(1_000), ..inform("late") });
    let result = result_of(&broker, "late").await;
    assert!(result.fault.unwrap().contains("expired"));
    let unknown = serde_json::json!({"id": "odd", "expires_at": FAR, "action": {"kind": "dance"}});
    broker.publish(Channel::Command, &unknown);
    assert!(result_of(&broker, "odd").await.fault.unwrap().contains("dance"));
    broker.publish(Channel::Command, &serde_json::json!("nothing at all"));
    broker.publish(Channel::File, &serde_json::json!({"id": "file", "url": 1}));
    assert_eq!(result_of(&broker, "file").await.state, CommandState::Failed);
    assert_eq!(acs.informs(), 1, "none of them did anything");
    agent.shutdown().await;
}

#[tokio::test]
async fn a_ping_tells_what_it_found() {
    let dir = tempfile::tempdir().unwrap();
    let (agent, _acs, broker) = enrolled(dir.path()).await;
    let request = PingRequest { host: "127.0.0.1".into(), count: 2, size: 56, timeout_ms: 1000, dscp: 0 };
    broker.publish(Channel::Command, &command("t1", Action::Ping(request)));
    let result = result_of(&broker, "t1").await;
    match (result.state, result.output) {
        (CommandState::Done, Some(TaskResult::Ping(ping))) => assert_eq!((ping.sent, ping.received), (2, 2)),
        // Where the system lets nobody ping, the phone says so.
        (CommandState::Failed, None) => assert!(result.fault.unwrap().contains("not allowed")),
        other => panic!("{other:?}"),
    }
    agent.shutdown().await;
}
