//! Whatever comes, sound goes out.

use core::time::Duration;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Event {
    Packet { payload_type: u8, sequence: u16, timestamp: u32, payload: Vec<u8> },
    Step { sequence: i8, timestamp: i16, lasts: u8 },
    Pull(u16),
    Wait(u64),
    Reset,
}

fn events() -> impl Strategy<Value = Event> {
    let types = prop_oneof![Just(AUDIO), Just(RED), Just(NOISE), any::<u8>()];
    let payload = proptest::collection::vec(any::<u8>(), 0..60);
    prop_oneof![
        2 => (types, any::<u16>(), any::<u32>(), payload).prop_map(|(payload_type, sequence, timestamp, payload)| {
            Event::Packet { payload_type, sequence, timestamp, payload }
        }),
        8 => (-3i8..6, -500i16..1000, 0u8..14)
            .prop_map(|(sequence, timestamp, lasts)| Event::Step { sequence, timestamp, lasts }),
        8 => (0u16..400).prop_map(Event::Pull),
        4 => prop_oneof![0u64..60_000, any::<u64>()].prop_map(Event::Wait),
        1 => Just(Event::Reset),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_packets_at_any_times_are_survived(
        events in proptest::collection::vec(events(), 1..120),
        adaptive: bool,
        length_ms: u16,
        clock in prop_oneof![Just(8000u32), Just(48_000), any::<u32>()],
        ptime_ms: u16,
    ) {
        let (mut receiver, _) = receiver(Settings { adaptive, length_ms, clock, ptime_ms }, length_ms % 2 == 0);
        let (mut now, mut at, mut number) = (Duration::ZERO, 0u32, 0u16);
        let mut pcm = [0; 400];
        for event in events {
            match event {
                Event::Packet { payload_type, sequence, timestamp, payload } => {
                    let header = rtp::Header { payload_type, sequence, timestamp, ..rtp::Header::default() };
                    receiver.insert(now, &header, &payload);
                }
                Event::Step { sequence, timestamp, lasts } => {
                    at = at.wrapping_add_signed(i32::from(timestamp));
                    number = number.wrapping_add_signed(i16::from(sequence));
                    let header = rtp::Header { payload_type: AUDIO, sequence: number, timestamp: at, ..rtp::Header::default() };
                    receiver.insert(now, &header, &Toy::payload(at / 80 + 12, lasts));
                }
                Event::Pull(samples) => receiver.pull(now, &mut pcm[..usize::from(samples)]),
                Event::Wait(us) => now = now.saturating_add(Duration::from_micros(us)),
                Event::Reset => receiver.reset(),
            }
            let stats = receiver.stats();
            prop_assert!(stats.received >= stats.late);
        }
    }
}
