//! Every MQTT payload against its golden file: what is on the wire changes only where somebody meant it to.

#![allow(clippy::unwrap_used)]

use contract::Timestamp;
use contract::event::{DeviceEvent, EventKind};
use contract::mqtt::*;
use contract::rest::{
    ClaimReason, ClaimState, Direction, Hop, PingRequest, PingResult, TaskResult, ThroughputRequest, TraceRequest,
    TraceResult,
};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

const AT: Timestamp = Timestamp(1_769_868_300_000);
const ID: &str = "t6f2c1f9e0d1c4b5e9a573f1f6a2b9d1";

/// `value` is written as the file says, and the file is read as `value`.
fn golden<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(name: &str, value: &T) {
    let path = format!("{}/tests/golden/{name}.json", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("BELLHOP_WRITE_GOLDEN").is_some() {
        std::fs::write(&path, serde_json::to_string_pretty(value).unwrap() + "\n").unwrap();
    }
    let text = std::fs::read_to_string(&path).unwrap();
    let file: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_value(value).unwrap(), file, "{name}");
    let read: T = decode(text.as_bytes()).unwrap();
    assert_eq!(&read, value, "{name}");
    // A newer side may add fields.
    let mut more = file.clone();
    more.as_object_mut().unwrap().insert("added_later".to_owned(), serde_json::json!({"x": [1]}));
    assert_eq!(&serde_json::from_value::<T>(more).unwrap(), value, "{name}");
}

fn command(action: Action) -> Command {
    Command { id: ID.into(), expires_at: AT, action }
}

fn result(state: CommandState, fault: Option<&str>, output: Option<TaskResult>) -> CommandResult {
    CommandResult { boot: 3, seq: 19, id: ID.into(), at: AT, state, fault: fault.map(Into::into), output }
}

fn telemetry() -> Telemetry {
    let network = Network {
        link: Link::Wifi,
        interface: "wlan0".into(),
        ip: "10.20.12.7".into(),
        gateway: "10.20.12.1".into(),
        rx_bytes: 123_456_789,
        tx_bytes: 23_456_789,
        rx_errors: 2,
        tx_errors: 0,
        rssi_dbm: Some(-61),
    };
    let system = System {
        rss_kb: 14_336,
        memory_total_kb: 262_144,
        memory_available_kb: 190_000,
        load: 0.25,
        storage_free_kb: Some(524_288),
        uptime_s: 86_400,
        unacknowledged: 2,
        dropped: 0,
    };
    let call = CallQuality {
        account: 1,
        duration_s: 75,
        codec: "PCMU".into(),
        mos: 4.25,
        loss_percent: 0.5,
        jitter_ms: 3.5,
        round_trip_ms: Some(12.5),
        mos_conversation: Some(4.0),
        late_percent: Some(0.25),
        burst_ms: Some(120),
        delay_ms: Some(92),
        remote_mos: Some(3.75),
        remote_loss_percent: Some(1.5),
    };
    let other = serde_json::json!({"kind": "battery", "percent": 80});
    Telemetry {
        boot: 3,
        seq: 18,
        at: AT,
        items: vec![Item::Network(network), Item::System(system), Item::Call(call), Item::Other(other)],
    }
}

#[test]
fn what_a_phone_tells() {
    let event = DeviceEvent {
        boot: 3,
        seq: 17,
        at: AT,
        kind: EventKind::RegisterFailed,
        account: Some(1),
        detail: Some("403 Forbidden".into()),
    };
    golden("event", &event);
    let account = AccountState {
        account: 1,
        status: AccountStatus::Failed,
        user: "1207".into(),
        reason: Some("403 Forbidden".into()),
    };
    let state = StateReport {
        boot: 3,
        seq: 4,
        at: AT,
        firmware: "0.1.0".into(),
        ip: "10.20.12.7".into(),
        uptime_s: 86_400,
        off_hook: false,
        accounts: vec![account],
        applied_version: 12,
        set_by_user: Vec::new(),
        user_protection: false,
        user_changes: 0,
    };
    golden("state", &state);
    golden("presence", &Presence { online: true, boot: 3 });
    golden("telemetry", &telemetry());
    golden("result_running", &result(CommandState::Running, None, None));
    golden("result_failed", &result(CommandState::Failed, Some("the name pbx.example is not known"), None));
    let ping = PingResult {
        address: "10.20.12.1".into(),
        sent: 3,
        received: 2,
        round_trips_ms: vec![Some(0.5), None, Some(0.75)],
        summary_ms: None,
    };
    golden("result_ping", &result(CommandState::Done, None, Some(TaskResult::Ping(ping))));
    let trace = TraceResult {
        address: "10.20.12.1".into(),
        reached: true,
        hops: vec![
            Hop { address: String::new(), round_trips_ms: vec![None] },
            Hop { address: "10.20.12.1".into(), round_trips_ms: vec![Some(1.5)] },
        ],
    };
    golden("result_traceroute", &result(CommandState::Done, None, Some(TaskResult::Traceroute(trace))));
}

#[test]
fn what_a_phone_is_told() {
    golden("ack", &EventAck { boot: 3, first: 17, last: 19 });
    golden("desired", &Desired { version: 13 });
    golden("command_reboot", &command(Action::Reboot));
    golden("command_inform", &command(Action::Inform));
    let ping = PingRequest { host: "pbx.example".into(), count: 4, size: 56, timeout_ms: 1000, dscp: 0 };
    golden("command_ping", &command(Action::Ping(ping)));
    let trace = TraceRequest { host: "pbx.example".into(), max_hops: 30, tries: 2, timeout_ms: 1000 };
    golden("command_traceroute", &command(Action::Traceroute(trace)));
    let throughput = ThroughputRequest { direction: Direction::Upload, url: String::new(), bytes: 1_000_000 };
    golden("command_throughput", &command(Action::Throughput(throughput)));
    let claim = Action::Claim { number: "1207".into(), state: ClaimState::Refused, reason: Some(ClaimReason::Taken) };
    golden("command_claim", &command(claim));
    golden("command_upload_log", &command(Action::UploadLog { url: "https://bellhop.example/u/1".into() }));
    let offer = FileOffer {
        id: ID.into(),
        expires_at: AT,
        kind: FileKind::Firmware,
        url: "https://bellhop.example/f/1".into(),
        size: 20_971_520,
        sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
        version: "1.0.5.12".into(),
    };
    golden("file", &offer);
    offer.check().unwrap();
}

#[test]
fn what_cannot_be_true_is_refused_by_field() {
    fn refused<T>(read: Result<T, String>, word: &str) {
        let why = read.err().unwrap();
        assert!(why.contains(word), "{why}");
    }
    let json = |value: &dyn Fn(&mut serde_json::Value), of: serde_json::Value| {
        let mut of = of;
        value(&mut of);
        serde_json::to_vec(&of).unwrap()
    };
    let good = serde_json::to_value(telemetry()).unwrap();
    refused(decode_telemetry(&json(&|t| t["seq"] = 0.into(), good.clone())), "seq");
    refused(decode_telemetry(&json(&|t| t["items"] = serde_json::json!([]), good.clone())), "items");
    refused(decode_telemetry(&json(&|t| t["items"][2]["mos"] = 9.into(), good.clone())), "mos");
    refused(decode_telemetry(&json(&|t| t["items"][2]["remote_mos"] = 0.5.into(), good.clone())), "remote_mos");
    refused(decode_telemetry(&json(&|t| t["items"][2]["late_percent"] = 101.into(), good.clone())), "late_percent");
    refused(decode_telemetry(&json(&|t| t["items"][2]["account"] = "x".into(), good.clone())), "call");
    refused(decode_telemetry(&json(&|t| t["items"][3]["kind"] = "A\0".into(), good)), "kind");
    let good = serde_json::to_value(command(Action::Reboot)).unwrap();
    refused(decode_command(&json(&|c| c["id"] = "".into(), good.clone())), "id");
    refused(decode_command(&json(&|c| c["id"] = "a b".into(), good.clone())), "id");
    refused(decode_command(&json(&|c| c["action"]["kind"] = "dance".into(), good)), "dance");
    let good = serde_json::to_value(result(CommandState::Done, None, None)).unwrap();
    refused(decode_result(&json(&|r| r["fault"] = "\u{7}".into(), good.clone())), "fault");
    refused(decode_result(&json(&|r| r["more"] = "x".repeat(CommandResult::MOST_BYTES).into(), good)), "32768");
}

#[test]
fn every_channel_has_a_topic_of_its_own_below_up_or_down() {
    let phone = "6f2c1f9e-0d1c-4b5e-9a57-3f1f6a2b9d10".parse().unwrap();
    for channel in Channel::ALL {
        let topic = Topic::new(phone, channel);
        let text = topic.to_string();
        assert_eq!(text.parse::<Topic>(), Ok(topic));
        let down = text.starts_with(&format!("v1/{phone}/down/"));
        assert_eq!(down, DOWN.contains(&channel), "{text}");
        assert!(down || text.starts_with(&format!("v1/{phone}/up/")), "{text}");
    }
}

proptest! {
    /// Whatever was written is read as the same.
    #[test]
    fn telemetry_survives_the_wire(
        boot in 1..=i32::MAX as u32, seq in 1..=i64::MAX as u64, rss_kb: u64, load in 0.0_f32..1e6, free: Option<u64>,
        interface in "[a-z0-9.-]{0,15}", rssi: Option<i16>, mos in 1.0_f32..=5.0, loss in 0.0_f32..=100.0,
    ) {
        let mut telemetry = telemetry();
        (telemetry.boot, telemetry.seq) = (boot, seq);
        for item in &mut telemetry.items {
            match item {
                Item::Network(network) => (network.interface, network.rssi_dbm) = (interface.clone(), rssi),
                Item::System(system) => {
                    (system.rss_kb, system.load, system.storage_free_kb) = (rss_kb, load, free);
                }
                Item::Call(call) => (call.mos, call.loss_percent) = (mos, loss),
                Item::Other(_) => {}
            }
        }
        prop_assert_eq!(decode_telemetry(&serde_json::to_vec(&telemetry).unwrap()).unwrap(), telemetry);
    }

    /// Acknowledgements name what was given and nothing else.
    #[test]
    fn ranges_cover_exactly(events in proptest::collection::vec((1_u32..4, 1_u64..40), 0..60)) {
        let ranges = EventAck::ranges(events.iter().copied());
        for boot in 1..4 {
            for seq in 1..41 {
                let covered = ranges.iter().filter(|range| range.covers(boot, seq)).count();
                prop_assert_eq!(covered, usize::from(events.contains(&(boot, seq))));
            }
        }
    }
}
