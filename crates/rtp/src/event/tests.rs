//! The events on their own and over a bad network.

use proptest::prelude::*;

use super::*;

const PACKET: u32 = 160;

/// Everything sent for what was queued, until the sender is idle.
fn drain(sender: &mut EventSender, clock: &mut u32) -> Vec<Option<Outgoing>> {
    let mut sent = Vec::new();
    while sender.is_active() {
        sent.push(sender.tick(*clock));
        *clock = clock.wrapping_add(PACKET);
        assert!(sent.len() < 100_000, "the sender never comes to rest");
    }
    sent
}

#[test]
fn a_payload_is_written_as_the_rfc_shows() {
    let payload = Payload { event: 11, end: true, volume: 10, duration: 0x0320 };
    let mut out = [0; 4];
    assert_eq!(payload.write(&mut out), Some(4));
    assert_eq!(out, [11, 0x8a, 0x03, 0x20]);
    assert_eq!(Payload::parse(&out), Some(payload));
    assert_eq!(Payload::parse(&out[..3]), None);
    assert_eq!(payload.write(&mut [0; 3]), None);
}

#[test]
fn keys_and_events_are_each_others() {
    for key in "0123456789*#ABCD!".chars() {
        assert_eq!(of_key(key).and_then(key_of), Some(key));
    }
    assert_eq!((of_key('d'), of_key('x'), key_of(17)), (Some(15), None, None));
}

#[test]
fn one_key_is_five_reports_and_two_repeats_then_silence() {
    let mut sender = EventSender::new(8000, PACKET);
    let mut clock = u32::MAX - 300;
    let began = clock;
    assert!(!sender.is_active() && sender.push('5') && sender.is_active());
    let sent = drain(&mut sender, &mut clock);
    let reports: Vec<_> = sent.iter().flatten().collect();
    assert_eq!(reports.iter().map(|r| r.payload.duration).collect::<Vec<_>>(), [160, 320, 480, 640, 800, 800, 800]);
    assert_eq!(reports.iter().filter(|r| r.payload.end).count(), 3);
    assert!(reports.iter().all(|r| r.timestamp == began && r.payload.event == 5));
    assert_eq!(reports.iter().map(|r| r.marker).collect::<Vec<_>>(), [true, false, false, false, false, false, false]);
}

#[test]
fn a_gap_lies_between_two_keys() {
    let mut sender = EventSender::new(8000, PACKET);
    assert!(sender.push('1') && sender.push('1'));
    let sent = drain(&mut sender, &mut 0);
    let starts: Vec<_> = sent.iter().flatten().filter(|r| r.marker).map(|r| r.timestamp).collect();
    // 100 ms of tone and 60 ms of silence at 8 kHz.
    assert_eq!(starts, [0, 1280]);
}

#[test]
fn a_held_key_lasts_until_it_is_released() {
    let mut sender = EventSender::new(8000, PACKET);
    assert!(sender.press('9'));
    let held: Vec<_> = (0..50).filter_map(|n| sender.tick(n * PACKET)).collect();
    assert_eq!(held.len(), 50);
    assert!(held.iter().all(|r| !r.payload.end));
    sender.release();
    assert_eq!(sender.tick(50 * PACKET).unwrap().payload, Payload { event: 9, end: true, volume: 10, duration: 8160 });
}

#[test]
fn the_next_key_ends_one_that_is_held() {
    let mut sender = EventSender::new(8000, PACKET);
    assert!(sender.press('9'));
    assert!((0..20).all(|n| sender.tick(n * PACKET).is_some_and(|out| !out.payload.end)));
    assert!(sender.push('8'));
    let sent = drain(&mut sender, &mut (20 * PACKET));
    let ends: Vec<_> = sent.iter().flatten().filter(|out| out.payload.end).map(|out| out.payload.event).collect();
    assert_eq!(ends, [9, 9, 9, 8, 8, 8]);
}

#[test]
fn a_key_beyond_the_duration_field_is_sent_in_segments_and_reported_once() {
    let mut sender = EventSender::new(8000, PACKET);
    let mut receiver = EventReceiver::new(8000);
    assert!(sender.press('7'));
    let mut reported = 0;
    let mut segments = Vec::new();
    let mut markers = 0;
    let mut full = 0;
    for n in 0..1500u32 {
        if n == 1000 {
            sender.release();
        }
        let Some(out) = sender.tick(n * PACKET) else { continue };
        markers += u32::from(out.marker);
        full += u32::from(out.payload.duration == 0xffff && !out.payload.end);
        if segments.last() != Some(&out.timestamp) {
            segments.push(out.timestamp);
        }
        reported += u32::from(receiver.receive(1, out.marker, out.timestamp, out.payload).is_some());
    }
    assert_eq!(segments, [0, 0xffff, 2 * 0xffff]);
    assert_eq!((reported, markers, receiver.current()), (1, 1, None));
    // The last report of each full segment is told three times.
    assert_eq!(full, 2 * 3);
}

#[test]
fn the_queue_is_bounded_and_what_is_no_key_is_refused() {
    let mut sender = EventSender::new(8000, PACKET);
    assert!(!sender.push('x') && !sender.is_active());
    assert_eq!((0..100).filter(|_| sender.push('1')).count(), MAX_QUEUE);
    let sent = drain(&mut sender, &mut 0);
    assert_eq!(sent.iter().flatten().filter(|r| r.marker).count(), MAX_QUEUE);
}

#[test]
fn the_same_key_with_a_new_timestamp_is_new() {
    let mut receiver = EventReceiver::new(8000);
    let payload = Payload { event: 1, end: false, volume: 10, duration: 160 };
    assert_eq!(receiver.receive(1, true, 1000, payload), Some('1'));
    assert_eq!(receiver.receive(1, false, 1000, Payload { duration: 320, ..payload }), None);
    // Its end and the start of the next are lost.
    assert_eq!(receiver.receive(1, false, 2280, Payload { duration: 320, ..payload }), Some('1'));
    // A straggler of the first.
    assert_eq!(receiver.receive(1, false, 1000, Payload { end: true, duration: 800, ..payload }), None);
    assert_eq!(receiver.current(), Some('1'));
}

#[test]
fn only_what_follows_an_open_segment_without_marker_goes_on() {
    let open = Payload { event: 1, end: false, volume: 10, duration: 800 };
    let ended = Payload { end: true, ..open };
    // The first packet, and whether the next one, right where that ends, has the marker.
    for (first, marker, expected) in [(open, false, None), (open, true, Some('1')), (ended, false, Some('1'))] {
        let mut receiver = EventReceiver::new(8000);
        assert_eq!(receiver.receive(1, true, 1000, first), Some('1'));
        assert_eq!(receiver.receive(1, marker, 1800, open), expected);
    }
}

#[test]
fn a_lone_end_is_a_key_too() {
    let mut receiver = EventReceiver::new(8000);
    let payload = Payload { event: 10, end: true, volume: 10, duration: 800 };
    assert_eq!(receiver.receive(1, false, 0, payload), Some('*'));
    assert_eq!((receiver.receive(1, false, 0, payload), receiver.current()), (None, None));
}

#[test]
fn a_key_that_never_ends_is_closed() {
    let mut receiver = EventReceiver::new(8000);
    let payload = Payload { event: 3, end: false, volume: 10, duration: 160 };
    assert_eq!(receiver.receive(1, true, 0, payload), Some('3'));
    receiver.elapse(3999);
    assert_eq!(receiver.current(), Some('3'));
    receiver.elapse(1);
    assert_eq!(receiver.current(), None);
    assert_eq!(receiver.receive(1, false, 0, payload), None);
    // Nor does one that is told for ever.
    assert_eq!(receiver.receive(1, true, 50_000, payload), Some('3'));
    for _ in 0..3100 {
        receiver.elapse(PACKET);
        assert_eq!(receiver.receive(1, false, 50_000, payload), None);
    }
    assert_eq!(receiver.current(), None);
}

#[test]
fn another_source_starts_afresh_and_other_events_are_ignored() {
    let mut receiver = EventReceiver::new(8000);
    let payload = Payload { event: 3, end: true, volume: 10, duration: 160 };
    assert_eq!(receiver.receive(1, true, 0, payload), Some('3'));
    assert_eq!(receiver.receive(2, true, 0, payload), Some('3'));
    assert_eq!(receiver.receive(2, true, 900, Payload { event: 32, ..payload }), None);
}

/// A thousand keys over a network that loses, doubles and reorders; keys whose packets all got lost, keys received.
fn over_a_bad_network(seed: u64, loss: u64) -> (Vec<char>, Vec<char>) {
    let mut state = seed | 1;
    let mut random = move |n: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) % n
    };
    let mut sender = EventSender::new(8000, PACKET);
    let mut receiver = EventReceiver::new(8000);
    let mut clock = random(1 << 32) as u32;
    let (mut expected, mut received) = (Vec::new(), Vec::new());
    for _ in 0..1000 {
        let key = "0123456789*#ABCD".chars().nth(random(16) as usize).unwrap();
        assert!(sender.push(key));
        let sent = drain(&mut sender, &mut clock);
        let mut arriving: Vec<_> = sent.into_iter().flatten().filter(|_| random(100) >= loss).collect();
        if !arriving.is_empty() {
            expected.push(key);
        }
        for at in 0..arriving.len() {
            if random(100) < 20 {
                arriving.push(arriving[at]);
            }
            let other = (at + random(4) as usize).min(arriving.len() - 1);
            arriving.swap(at, other);
        }
        for out in arriving {
            received.extend(receiver.receive(9, out.marker, out.timestamp, out.payload));
            receiver.elapse(PACKET);
        }
    }
    (expected, received)
}

#[test]
fn a_thousand_keys_survive_ten_percent_loss() {
    let (expected, received) = over_a_bad_network(4733, 10);
    assert_eq!(expected.len(), 1000);
    assert_eq!(received, expected);
}

#[test]
fn keys_cross_one_another_and_none_is_lost_or_doubled() {
    // Packets of neighbouring keys mixed: the order may suffer, the count may not.
    let mut sender = EventSender::new(8000, PACKET);
    for _ in 0..40 {
        sender.push('8');
    }
    let mut packets: Vec<_> = drain(&mut sender, &mut 0).into_iter().flatten().collect();
    for at in (0..packets.len() - 9).step_by(10) {
        packets.swap(at, at + 9);
    }
    let mut receiver = EventReceiver::new(8000);
    let count = packets.iter().filter_map(|p| receiver.receive(1, p.marker, p.timestamp, p.payload)).count();
    assert_eq!(count, 40);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    #[test]
    fn no_key_is_lost_or_doubled_as_long_as_one_packet_comes(seed in any::<u64>(), loss in prop_oneof![Just(10u64), Just(30), Just(60)]) {
        let (expected, received) = over_a_bad_network(seed, loss);
        prop_assert_eq!(received, expected);
    }
}

proptest! {
    #[test]
    fn any_reports_are_survived(reports in proptest::collection::vec((0u32..3, any::<bool>(), any::<u32>(), any::<[u8; 4]>()), 0..100)) {
        let mut receiver = EventReceiver::new(8000);
        for (ssrc, marker, timestamp, bytes) in reports {
            let payload = Payload::parse(&bytes).unwrap();
            receiver.receive(ssrc, marker, timestamp, payload);
            prop_assert_eq!(receiver.receive(ssrc, marker, timestamp, payload), None);
            receiver.elapse(timestamp);
        }
    }

    #[test]
    fn a_sender_comes_to_rest_at_any_clock(clock in 1u32..200_000, packet in 1u32..70_000, start in any::<u32>()) {
        let mut sender = EventSender::new(clock, packet);
        sender.push('1');
        let mut now = start;
        let mut ends = 0;
        for _ in 0..60_000 {
            ends += u32::from(sender.tick(now).is_some_and(|out| out.payload.end));
            now = now.wrapping_add(packet);
            if !sender.is_active() {
                break;
            }
        }
        prop_assert!(!sender.is_active());
        prop_assert_eq!(ends, 3);
    }
}
