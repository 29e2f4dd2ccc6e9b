use std::path::Path;

use super::*;
use proptest::prelude::*;

fn disk(dir: &Path, boot: u32) -> Outbox {
    Outbox::open(&Storage::Disk(dir.to_owned()), boot).unwrap()
}

fn push(outbox: &mut Outbox, kind: EventKind) -> (u32, u64) {
    let event = outbox.push(Timestamp(1_780_000_000_000), kind, None, None).unwrap();
    (event.boot, event.seq)
}

fn names(outbox: &Outbox) -> Vec<(u32, u64)> {
    outbox.iter().map(Entry::name).collect()
}

#[test]
fn events_stay_until_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let mut outbox = disk(dir.path(), 1);
    for expected in 1..=3 {
        assert_eq!(push(&mut outbox, EventKind::OffHook), (1, expected));
    }
    let mut outbox = disk(dir.path(), 2);
    assert_eq!(push(&mut outbox, EventKind::OnHook), (2, 1));
    assert_eq!(names(&outbox), [(1, 1), (1, 2), (1, 3), (2, 1)]);
    assert_eq!(outbox.after(Some((1, 2))).map(Entry::name), Some((1, 3)));
    assert_eq!(outbox.after(Some((2, 1))), None);
    assert_eq!(outbox.acknowledge(EventAck { boot: 1, first: 1, last: 2 }).unwrap(), 2);
    assert_eq!(names(&disk(dir.path(), 3)), [(1, 3), (2, 1)]);
    outbox.acknowledge(EventAck { boot: 1, first: 3, last: 99 }).unwrap();
    outbox.acknowledge(EventAck::one(2, 1)).unwrap();
    assert_eq!(std::fs::metadata(dir.path().join(OUTBOX_FILE)).unwrap().len(), 0);
}

#[test]
fn wherever_a_crash_cuts_the_file_whole_events_survive() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(OUTBOX_FILE);
    let mut outbox = disk(dir.path(), 1);
    for _ in 0..4 {
        outbox.push(Timestamp(0), EventKind::RegisterFailed, Some(1), Some("403 \"Forbidden\" ü")).unwrap();
    }
    let whole = std::fs::read(&path).unwrap();
    for length in 0..=whole.len() {
        std::fs::write(&path, &whole[..length]).unwrap();
        let lines = whole[..length].iter().filter(|byte| **byte == b'\n').count();
        let mut outbox = disk(dir.path(), 2);
        assert_eq!(outbox.len(), lines, "cut at {length}");
        push(&mut outbox, EventKind::OffHook);
        assert_eq!(disk(dir.path(), 3).len(), lines + 1, "cut at {length}");
    }
}

#[test]
fn a_damaged_line_costs_only_itself() {
    let dir = tempfile::tempdir().unwrap();
    let mut outbox = disk(dir.path(), 1);
    for _ in 0..3 {
        push(&mut outbox, EventKind::OffHook);
    }
    let path = dir.path().join(OUTBOX_FILE);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replacen("\"seq\":2", "\"seq\"\u{0}2", 1)).unwrap();
    assert_eq!(names(&disk(dir.path(), 2)), [(1, 1), (1, 3)]);
}

#[test]
fn a_full_outbox_gives_up_telemetry_first_and_counts() {
    let dir = tempfile::tempdir().unwrap();
    let mut outbox = disk(dir.path(), 1);
    outbox.most_bytes = 10_000;
    for n in 0..200 {
        push(&mut outbox, if n % 2 == 0 { EventKind::Registered } else { EventKind::OffHook });
    }
    assert!(outbox.bytes <= 10_000);
    assert_eq!(outbox.dropped() + outbox.len() as u64, 200);
    // 10 kB hold about a hundred: all of the telemetry went before any other.
    let telemetry = outbox.iter().filter(|entry| entry.worth() == Worth::Telemetry).count();
    assert!(telemetry <= 12 && outbox.len() > 70, "{telemetry} of {}", outbox.len());
    let again = disk(dir.path(), 2);
    assert_eq!((again.dropped(), names(&again)), (outbox.dropped(), names(&outbox)));
}

#[test]
fn acknowledged_lines_do_not_pile_up() {
    let dir = tempfile::tempdir().unwrap();
    let mut outbox = disk(dir.path(), 1);
    push(&mut outbox, EventKind::OffHook);
    for seq in 2..5_000 {
        let event =
            DeviceEvent { boot: 2, seq, at: Timestamp(0), kind: EventKind::OffHook, account: None, detail: None };
        outbox.file.as_mut().unwrap().append(&Entry::Event(event)).unwrap();
    }
    drop(outbox);
    let mut outbox = disk(dir.path(), 2);
    let before = std::fs::metadata(dir.path().join(OUTBOX_FILE)).unwrap().len();
    assert!(before > 256 << 10);
    outbox.acknowledge(EventAck { boot: 2, first: 1, last: 4_990 }).unwrap();
    assert!(std::fs::metadata(dir.path().join(OUTBOX_FILE)).unwrap().len() < before / 4);
    assert_eq!(disk(dir.path(), 3).len(), outbox.len());
}

#[derive(Debug, Clone)]
enum Step {
    Push,
    Ack(u8),
    Restart,
}

proptest! {
    // Each step syncs a file.
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Memory and disk hold the same, over restarts: what was pushed and not acknowledged, in order, each once.
    #[test]
    fn behaves_like_a_list(steps in proptest::collection::vec(
        prop_oneof![3 => Just(Step::Push), 2 => (0u8..12).prop_map(Step::Ack), 1 => Just(Step::Restart)], 0..40)
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut boot = 1;
        let mut outbox = disk(dir.path(), boot);
        let mut model: Vec<(u32, u64)> = vec![];
        let mut next = 1;
        for step in steps {
            match step {
                Step::Push => {
                    prop_assert_eq!(push(&mut outbox, EventKind::OnHook), (boot, next));
                    model.push((boot, next));
                    next += 1;
                }
                Step::Ack(seq) => {
                    let boot = if seq % 2 == 0 { boot } else { 1 };
                    outbox.acknowledge(EventAck { boot, first: 1, last: seq.into() }).unwrap();
                    model.retain(|(b, s)| *b != boot || *s > u64::from(seq));
                }
                Step::Restart => {
                    boot += 1;
                    next = 1;
                    outbox = disk(dir.path(), boot);
                }
            }
            prop_assert_eq!(names(&outbox), model.clone());
        }
    }

    #[test]
    fn any_bytes_open(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(OUTBOX_FILE), bytes).unwrap();
        let mut outbox = disk(dir.path(), 1);
        push(&mut outbox, EventKind::OffHook);
        prop_assert_eq!(names(&disk(dir.path(), 2)), names(&outbox));
    }
}

fn item(rss_kb: u64) -> Item {
    Item::System(contract::mqtt::System {
        rss_kb,
        memory_total_kb: 262_144,
        memory_available_kb: 190_000,
        load: 0.25,
        storage_free_kb: Some(524_288),
        uptime_s: 86_400,
        unacknowledged: 2,
        dropped: 0,
    })
}

#[test]
fn telemetry_and_results_are_kept_like_events() {
    let dir = tempfile::tempdir().unwrap();
    let mut outbox = disk(dir.path(), 1);
    push(&mut outbox, EventKind::OffHook);
    outbox.push_telemetry(Timestamp(1), vec![item(1)]).unwrap();
    let output = Some(TaskResult::Methods { methods: vec!["Reboot".into()] });
    outbox.push_result(Timestamp(2), "t1".into(), CommandState::Done, None, output).unwrap();
    let before: Vec<Entry> = outbox.iter().cloned().collect();
    assert_eq!(names(&outbox), [(1, 1), (1, 2), (1, 3)]);
    let mut outbox = disk(dir.path(), 2);
    assert_eq!(outbox.iter().cloned().collect::<Vec<_>>(), before);
    outbox.acknowledge(EventAck { boot: 1, first: 2, last: 3 }).unwrap();
    assert_eq!(names(&disk(dir.path(), 3)), [(1, 1)]);
}

#[derive(Debug, Clone, Copy)]
enum Told {
    Health,
    Numbers,
    Call,
    Alarm,
    Result,
}

fn tell(outbox: &mut Outbox, told: Told, at: Timestamp) {
    let event = |outbox: &mut Outbox, kind, detail| drop(outbox.push(at, kind, Some(1), detail).unwrap());
    match told {
        Told::Health => event(outbox, EventKind::Registered, None),
        Told::Numbers => outbox.push_telemetry(at, vec![item(14_336)]).unwrap(),
        Told::Call => event(outbox, EventKind::OutgoingCall, Some("1207")),
        Told::Alarm => event(outbox, EventKind::RegisterFailed, Some("503 Service Unavailable")),
        Told::Result => outbox.push_result(at, "t1".into(), CommandState::Failed, Some("no".into()), None).unwrap(),
    }
}

/// Three days without a network, at the pace of a busy phone: telemetry every five minutes, a call every two, an alarm
/// at each registration that fails.
#[test]
fn nothing_is_lost_in_72_hours_offline() {
    let mut outbox = Outbox::open(&Storage::Memory, 1).unwrap();
    outbox.most_bytes = MOST_BYTES_DISK;
    let mut told = 0_u64;
    for second in 0..72 * 3600_i64 {
        let at = Timestamp(1_780_000_000_000 + second * 1000);
        let due = [(300, Told::Numbers), (120, Told::Health), (60, Told::Call), (20, Told::Alarm)];
        for (_, what) in due.iter().filter(|(every, _)| second % every == 0) {
            tell(&mut outbox, *what, at);
            told += 1;
        }
    }
    assert_eq!((outbox.len() as u64, outbox.dropped()), (told, 0));
    assert!(outbox.bytes < MOST_BYTES_DISK / 8, "{}", outbox.bytes);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However three days offline go, in whatever room there is: the room is kept to, nothing of more worth goes while
    /// something of less is there, and no alarm goes while anything else is.
    #[test]
    fn what_is_worth_most_goes_last(
        told in proptest::collection::vec(
            prop_oneof![
                4 => Just(Told::Numbers), 3 => Just(Told::Health), 6 => Just(Told::Call), 2 => Just(Told::Alarm),
                1 => Just(Told::Result)
            ],
            1..1500,
        ),
        most_bytes in 2_000_u64..100_000,
    ) {
        let mut outbox = Outbox::open(&Storage::Memory, 1).unwrap();
        outbox.most_bytes = most_bytes;
        let mut all = Vec::new();
        let count = |entries: &[Worth], worth| entries.iter().filter(|one| **one == worth).count();
        for (second, what) in told.iter().enumerate() {
            let before: Vec<Worth> = outbox.iter().map(Entry::worth).collect();
            let dropped = outbox.dropped();
            tell(&mut outbox, *what, Timestamp(second as i64));
            all.push(*what);
            let now: Vec<Worth> = outbox.iter().map(Entry::worth).collect();
            prop_assert!(outbox.bytes <= most_bytes);
            if outbox.dropped() > dropped {
                // The new one may be of any worth.
                let lost = |worth| count(&now, worth) < count(&before, worth);
                prop_assert!(!lost(Worth::Event) || count(&now, Worth::Telemetry) == 0);
                prop_assert!(!lost(Worth::Alarm) || now.iter().all(|worth| *worth == Worth::Alarm));
            }
        }
        prop_assert_eq!(outbox.dropped() + outbox.len() as u64, all.len() as u64);
        let sum: u64 = outbox.entries.iter().map(|kept| u64::from(kept.bytes)).sum();
        prop_assert_eq!(sum, outbox.bytes);
    }
}
