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
    outbox.iter().map(|event| (event.boot, event.seq)).collect()
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
    assert_eq!(outbox.after(Some((1, 2))).map(|event| event.seq), Some(3));
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
    let telemetry = outbox.iter().filter(|event| is_telemetry(event.kind)).count();
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
        outbox.file.as_mut().unwrap().append(&event).unwrap();
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
