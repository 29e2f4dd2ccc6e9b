//! The counts against sequences whose truth is known.

use proptest::prelude::*;

use super::*;

fn heard(sequences: impl IntoIterator<Item = u16>) -> Reception {
    let mut source = Reception::new(7);
    for sequence in sequences {
        source.receive(sequence);
    }
    source
}

#[test]
fn a_source_is_believed_when_two_come_in_order() {
    let mut source = Reception::new(7);
    assert_eq!(source.receive(10), Verdict::Probation);
    assert_eq!(source.receive(20), Verdict::Probation);
    assert!(!source.is_valid());
    assert_eq!(source.receive(21), Verdict::Newer { missing: 0 });
    assert_eq!((source.is_valid(), source.expected(), source.received()), (true, 1, 1));
}

#[test]
fn loss_is_counted_over_the_wrap() {
    let mut source = heard((0..1001u32).filter(|n| *n < 2 || n % 10 != 0).map(|n| 65_000u16.wrapping_add(n as u16)));
    // The first of the two that prove it does not count; 10, 20 ... 1000 are lost, the last of them not known of.
    assert_eq!((source.expected(), source.lost()), (999, 99));
    let block = source.report(0);
    assert_eq!((block.lost, block.fraction_lost, block.highest), (99, 25, 65_999));
    let mut source = Reception { ..source };
    for n in 1000..1010u16 {
        source.receive(65_000u16.wrapping_add(n));
    }
    assert_eq!((source.report(0).fraction_lost, source.report(0).fraction_lost), (0, 0));
}

#[test]
fn duplicates_and_latecomers_are_told_apart() {
    let mut source = heard([1, 2, 3, 6]);
    assert_eq!(source.receive(4), Verdict::Reordered);
    assert_eq!(source.receive(4), Verdict::Duplicate);
    assert_eq!(source.receive(6), Verdict::Duplicate);
    assert_eq!((source.lost(), source.duplicates(), source.reordered()), (1, 2, 1));
    // As the RFC counts, duplicates hide losses.
    assert_eq!(source.report(0).lost, -1);
}

#[test]
fn what_was_sent_before_the_first_that_counts_is_not_counted() {
    let mut source = heard([10, 11]);
    assert_eq!((source.receive(10), source.receive(9)), (Verdict::Reordered, Verdict::Reordered));
    assert_eq!((source.expected(), source.received(), source.lost(), source.report(0).lost), (1, 1, 0, 0));
}

#[test]
fn a_lone_jump_is_passed_over_and_two_in_a_row_are_a_restart() {
    let mut source = heard(100..200);
    assert_eq!(source.receive(30_000), Verdict::Jump);
    assert_eq!(source.receive(200), Verdict::Newer { missing: 0 });
    assert_eq!(source.receive(30_001), Verdict::Jump);
    assert_eq!(source.receive(30_002), Verdict::Restarted);
    assert_eq!((source.restarts(), source.expected(), source.lost()), (1, 1, 0));
    assert_eq!(source.receive(29_000), Verdict::Jump);
    assert_eq!(source.receive(30_003), Verdict::Newer { missing: 0 });
}

#[test]
fn the_limits_of_a_jump_are_those_of_the_rfc() {
    let mut source = heard([1, 2]);
    assert_eq!(source.receive(2 + MAX_DROPOUT - 1), Verdict::Newer { missing: MAX_DROPOUT - 2 });
    assert_eq!(source.receive(3001 - MAX_MISORDER), Verdict::Reordered);
    assert_eq!(source.receive(3001 - MAX_MISORDER - 1), Verdict::Jump);
    assert_eq!(source.receive(3001 + MAX_DROPOUT), Verdict::Jump);
}

#[test]
fn jitter_is_that_of_the_rfc() {
    let mut source = heard([1, 2]);
    // Every other packet 80 units late: each step deviates by 80, so the mean comes to 80.
    for n in 0..200u32 {
        source.timing(n * 160, 5_000 + n * 160 + (n % 2) * 80);
    }
    assert!((79..=80).contains(&source.jitter()), "{}", source.jitter());
    for n in 200..600 {
        source.timing(n * 160, 5_000 + n * 160);
    }
    assert_eq!((source.jitter(), source.max_jitter()), (0, 79));
}

#[test]
fn the_round_trip_comes_from_two_reports() {
    // RFC 3550 figure 2: 6.125 s.
    assert_eq!(round_trip(0xb710_8000, 0xb705_2000, 0x0005_4000), Some(0x0006_2000));
    assert_eq!(round_trip(5, 0, 0), None);
    assert_eq!(round_trip(0x1_0000, 0x8000, 0x8001), Some(0));
    assert_eq!(round_trip(0x1_0000, 0x8000, 0x9000), None);
    let mut source = heard([1, 2]);
    assert_eq!((source.report(9).last_sr, source.report(9).delay_since_last_sr), (0, 0));
    source.sender_report(0x1234_5678, 0xffff_0000);
    assert_eq!((source.report(0x8000).last_sr, source.report(0x8000).delay_since_last_sr), (0x1234_5678, 0x1_8000));
}

#[test]
fn another_source_is_heard_after_two_packets_and_our_own_number_is_a_collision() {
    let mut watch = SourceWatch::new(1);
    assert_eq!(watch.see(2), Origin::Changed);
    assert_eq!(
        (watch.see(2), watch.see(3), watch.see(2), watch.see(3)),
        (Origin::Current, Origin::Stray, Origin::Current, Origin::Stray)
    );
    assert_eq!((watch.see(3), watch.see(2), watch.current()), (Origin::Changed, Origin::Stray, Some(3)));
    assert_eq!(watch.see(1), Origin::Collision);
    watch.set_own(9);
    assert_eq!((watch.see(9), watch.see(1)), (Origin::Collision, Origin::Stray));
}

proptest! {
    #[test]
    fn any_sequence_is_counted_soundly(
        sequences in proptest::collection::vec((any::<u16>(), 0u8..4), 0..300),
        times in proptest::collection::vec((any::<u32>(), any::<u32>()), 0..50),
    ) {
        let mut source = Reception::new(7);
        let mut last = 0u16;
        for (random, kind) in sequences {
            // Mostly near the last, sometimes anywhere.
            last = if kind == 0 { random } else { last.wrapping_add(random % 8).wrapping_sub(2) };
            source.receive(last);
            prop_assert!(source.lost() <= source.expected());
            prop_assert!(source.received() >= source.duplicates() + source.reordered());
        }
        for (timestamp, arrival) in times {
            source.timing(timestamp, arrival);
        }
        source.report(1);
    }

    #[test]
    fn losses_are_exact_however_packets_are_shuffled(start in any::<u16>(), kept in proptest::collection::vec(any::<bool>(), 10..400)) {
        let mut source = Reception::new(7);
        source.receive(start);
        source.receive(start.wrapping_add(1));
        let mut came: Vec<u16> = (0..kept.len() as u16).filter(|n| kept[usize::from(*n)]).collect();
        for pair in came.chunks_mut(2) {
            pair.reverse();
        }
        let highest = came.iter().max().map_or(0, |n| n + 1);
        for n in &came {
            source.receive(start.wrapping_add(2 + n));
        }
        prop_assert_eq!(source.lost(), u64::from(highest) - came.len() as u64);
    }
}
