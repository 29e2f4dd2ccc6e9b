//! The table of events, row by row, and the life of an event between two sessions.

use cwmp::cpe::Answered;
use cwmp::events::{Retry, Rule};
use cwmp::*;
use proptest::collection::vec;
use proptest::prelude::*;

fn outcome(events_delivered: bool, requests: Vec<Message>) -> SessionOutcome {
    let answered =
        requests.into_iter().map(|request| Answered { request, answer: Ok(Message::GetRpcMethods) }).collect();
    SessionOutcome { failure: None, events_delivered, answered, requests: 0 }
}

fn transfer(key: &str) -> Message {
    TransferComplete {
        command_key: key.into(),
        fault: TransferFault::success(),
        start_time: CwmpTime::UNKNOWN,
        complete_time: CwmpTime::UNKNOWN,
    }
    .into()
}

fn queue(events: &[Event]) -> EventQueue {
    let mut queue = EventQueue::default();
    for event in events {
        assert!(queue.push(event.clone()));
    }
    queue
}

fn codes(queue: &mut EventQueue) -> Vec<String> {
    let print = |event: Event| {
        format!("{}{}{}", event.code.as_str(), if event.command_key.is_empty() { "" } else { "/" }, event.command_key)
    };
    queue.take(EventQueue::MAX_IN_INFORM).into_iter().map(print).collect()
}

#[test]
fn the_standards_table() {
    use MessageKind as Kind;
    let table = [
        (EventCode::BOOTSTRAP, false, Kind::Inform, Retry::Always),
        (EventCode::BOOT, false, Kind::Inform, Retry::UntilReboot),
        (EventCode::PERIODIC, false, Kind::Inform, Retry::Always),
        (EventCode::SCHEDULED, false, Kind::Inform, Retry::Always),
        (EventCode::VALUE_CHANGE, false, Kind::Inform, Retry::UntilReboot),
        (EventCode::KICKED, false, Kind::Kicked, Retry::Never),
        (EventCode::CONNECTION_REQUEST, false, Kind::Inform, Retry::Never),
        (EventCode::TRANSFER_COMPLETE, false, Kind::TransferComplete, Retry::Always),
        (EventCode::DIAGNOSTICS_COMPLETE, false, Kind::Inform, Retry::UntilReboot),
        (EventCode::REQUEST_DOWNLOAD, false, Kind::RequestDownload, Retry::Always),
        (EventCode::AUTONOMOUS_TRANSFER_COMPLETE, false, Kind::AutonomousTransferComplete, Retry::Always),
        (EventCode::DU_STATE_CHANGE_COMPLETE, false, Kind::DuStateChangeComplete, Retry::Always),
        (EventCode::AUTONOMOUS_DU_STATE_CHANGE_COMPLETE, false, Kind::AutonomousDuStateChangeComplete, Retry::Always),
        (EventCode::WAKEUP, false, Kind::Inform, Retry::UntilReboot),
        (EventCode::HEARTBEAT, false, Kind::Inform, Retry::UntilReboot),
        (EventCode::M_REBOOT, true, Kind::Inform, Retry::Always),
        (EventCode::M_SCHEDULE_INFORM, true, Kind::Inform, Retry::Always),
        (EventCode::M_DOWNLOAD, true, Kind::TransferComplete, Retry::Always),
        (EventCode::M_SCHEDULE_DOWNLOAD, true, Kind::TransferComplete, Retry::Always),
        (EventCode::M_UPLOAD, true, Kind::TransferComplete, Retry::Always),
        (EventCode::M_CHANGE_DU_STATE, true, Kind::DuStateChangeComplete, Retry::Always),
        (EventCode::new("X 000B82 Battery low"), true, Kind::Inform, Retry::Always),
    ];
    for (code, multiple, delivered_by, retry) in table {
        let rule = Rule::of(&code);
        assert_eq!((rule.multiple, rule.delivered_by, rule.retry), (multiple, delivered_by, retry), "{code:?}");
    }
}

#[test]
fn an_event_with_a_key_brings_its_pair_and_the_numbers_come_first() {
    let mut queue = queue(&[
        Event::with_key(EventCode::M_UPLOAD, "u"),
        Event::with_key(EventCode::M_REBOOT, "r"),
        Event::new(EventCode::PERIODIC),
        Event::with_key(EventCode::M_DOWNLOAD, "d"),
        Event::with_key(EventCode::M_SCHEDULE_INFORM, "s"),
    ]);
    let expected = [
        "1 BOOT",
        "2 PERIODIC",
        "3 SCHEDULED",
        "7 TRANSFER COMPLETE",
        "M Upload/u",
        "M Reboot/r",
        "M Download/d",
        "M ScheduleInform/s",
    ];
    assert_eq!(codes(&mut queue), expected);
}

#[test]
fn what_happens_twice_is_told_once_unless_the_keys_differ() {
    let mut queue = queue(&[
        Event::new(EventCode::VALUE_CHANGE),
        Event::new(EventCode::VALUE_CHANGE),
        Event::with_key(EventCode::M_SCHEDULE_INFORM, "a"),
        Event::with_key(EventCode::M_SCHEDULE_INFORM, "b"),
        Event::with_key(EventCode::M_SCHEDULE_INFORM, "a"),
    ]);
    assert_eq!(codes(&mut queue), ["3 SCHEDULED", "4 VALUE CHANGE", "M ScheduleInform/a", "M ScheduleInform/b"]);
}

#[test]
fn bootstrap_drops_what_was_there_before_and_is_never_dropped() {
    let mut queue = queue(&[
        Event::with_key(EventCode::M_REBOOT, "r"),
        Event::new(EventCode::BOOTSTRAP),
        Event::new(EventCode::BOOT),
    ]);
    assert_eq!(codes(&mut queue), ["0 BOOTSTRAP", "1 BOOT"]);
    for _ in 0..100 {
        queue.settle(&outcome(false, vec![]));
        queue.on_reboot();
    }
    assert_eq!(codes(&mut queue), ["0 BOOTSTRAP"]);
}

#[test]
fn a_failed_session_keeps_all_but_connection_requests() {
    let mut queue = queue(&[
        Event::new(EventCode::CONNECTION_REQUEST),
        Event::new(EventCode::VALUE_CHANGE),
        Event::new(EventCode::KICKED),
    ]);
    codes(&mut queue);
    queue.settle(&outcome(false, vec![]));
    assert_eq!(codes(&mut queue), ["4 VALUE CHANGE"]);
    queue.settle(&outcome(true, vec![]));
    assert!(queue.is_empty());
}

#[test]
fn what_happens_during_a_session_waits_for_the_next() {
    let mut queue = queue(&[Event::new(EventCode::VALUE_CHANGE)]);
    codes(&mut queue);
    queue.push(Event::new(EventCode::VALUE_CHANGE));
    queue.push(Event::new(EventCode::CONNECTION_REQUEST));
    let mut failed = queue.clone();
    queue.settle(&outcome(true, vec![]));
    assert_eq!(codes(&mut queue), ["4 VALUE CHANGE", "6 CONNECTION REQUEST"]);
    failed.settle(&outcome(false, vec![]));
    assert_eq!(codes(&mut failed), ["4 VALUE CHANGE", "6 CONNECTION REQUEST"], "two are one");
}

#[test]
fn a_transfer_is_told_until_its_transfer_complete_is_answered() {
    let mut queue = queue(&[Event::with_key(EventCode::M_DOWNLOAD, "a"), Event::with_key(EventCode::M_UPLOAD, "b")]);
    codes(&mut queue);
    queue.settle(&outcome(true, vec![]));
    assert_eq!(
        codes(&mut queue),
        ["7 TRANSFER COMPLETE", "M Download/a", "M Upload/b"],
        "the InformResponse is not enough"
    );
    queue.settle(&outcome(true, vec![transfer("a")]));
    assert_eq!(codes(&mut queue), ["7 TRANSFER COMPLETE", "M Upload/b"]);
    queue.on_reboot();
    assert_eq!(codes(&mut queue), ["7 TRANSFER COMPLETE", "M Upload/b"]);
    queue.settle(&outcome(true, vec![transfer("b")]));
    assert!(queue.is_empty());
}

#[test]
fn other_requests_of_ours_deliver_their_own_event() {
    let mut queue = queue(&[Event::new(EventCode::REQUEST_DOWNLOAD), Event::new(EventCode::PERIODIC)]);
    codes(&mut queue);
    queue.settle(&outcome(true, vec![]));
    assert_eq!(codes(&mut queue), ["9 REQUEST DOWNLOAD"]);
    queue.settle(&outcome(
        true,
        vec![RequestDownload { file_type: "1 Firmware Upgrade Image".into(), args: vec![] }.into()],
    ));
    assert!(queue.is_empty());
}

#[test]
fn a_restart_forgets_what_it_makes_pointless() {
    let mut queue = queue(&[
        Event::new(EventCode::BOOT),
        Event::new(EventCode::PERIODIC),
        Event::new(EventCode::VALUE_CHANGE),
        Event::new(EventCode::CONNECTION_REQUEST),
        Event::new(EventCode::DIAGNOSTICS_COMPLETE),
        Event::with_key(EventCode::M_REBOOT, "r"),
    ]);
    queue.on_reboot();
    assert_eq!(codes(&mut queue), ["2 PERIODIC", "M Reboot/r"]);
    assert!(!queue.contains(&EventCode::BOOT) && queue.contains(&EventCode::PERIODIC));
}

#[test]
fn an_inform_holds_64_and_the_queue_256() {
    let mut queue = EventQueue::default();
    let accepted =
        (0..1000).filter(|i| queue.push(Event::with_key(EventCode::M_SCHEDULE_INFORM, i.to_string()))).count();
    assert_eq!(accepted, 255, "and 3 SCHEDULED");
    assert!(queue.push(Event::new(EventCode::BOOT)), "there is always room for these");
    let first = queue.take(1000);
    assert_eq!(first.len(), 64);
    assert_eq!(queue.take(2).len(), 2);
    queue.take(64);
    queue.settle(&outcome(true, vec![]));
    let second = queue.take(64);
    assert!(second.iter().all(|event| !first.contains(event)));
}

#[test]
fn a_crash_in_a_session_tells_again() {
    let mut queue = queue(&[Event::new(EventCode::BOOT)]);
    codes(&mut queue);
    let mut loaded: EventQueue = serde_json::from_str(&serde_json::to_string(&queue).unwrap()).unwrap();
    loaded.settle(&outcome(true, vec![]));
    assert_eq!(codes(&mut loaded), ["1 BOOT"]);
}

#[derive(Clone, Debug)]
enum Step {
    Push(Event),
    Session(bool),
    Reboot,
}

fn step() -> impl Strategy<Value = Step> {
    let code = prop::sample::select(vec![
        EventCode::BOOTSTRAP,
        EventCode::BOOT,
        EventCode::VALUE_CHANGE,
        EventCode::CONNECTION_REQUEST,
        EventCode::M_REBOOT,
        EventCode::M_DOWNLOAD,
    ]);
    prop_oneof![
        (code, "[ab]?").prop_map(|(code, key)| Step::Push(if code.as_str().starts_with('M') {
            Event::with_key(code, key)
        } else {
            Event::new(code)
        })),
        any::<bool>().prop_map(Step::Session),
        Just(Step::Reboot),
    ]
}

proptest! {
    #[test]
    fn nothing_to_be_kept_is_lost_and_nothing_is_told_twice(steps in vec(step(), 0..40)) {
        let mut queue = EventQueue::default();
        // What must be told until it is delivered, by the rules alone.
        let mut owed: Vec<Event> = Vec::new();
        for step in steps {
            match step {
                Step::Push(event) => {
                    prop_assert!(queue.push(event.clone()));
                    if event.code == EventCode::BOOTSTRAP {
                        owed.clear();
                    }
                    if !owed.contains(&event) && Rule::of(&event.code).retry == Retry::Always {
                        owed.push(event);
                    }
                }
                Step::Session(delivered) => {
                    let events = queue.take(64);
                    for (i, event) in events.iter().enumerate() {
                        prop_assert!(!events[..i].contains(event), "{:?}", events);
                    }
                    prop_assert!(owed.iter().all(|event| events.contains(event)), "{:?} {:?}", owed, events);
                    queue.settle(&outcome(delivered, vec![]));
                    if delivered {
                        owed.retain(|event| Rule::of(&event.code).delivered_by != MessageKind::Inform);
                    }
                }
                Step::Reboot => queue.on_reboot(),
            }
        }
    }
}
