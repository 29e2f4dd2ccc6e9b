//! Nothing is allocated once a leg is made.

use core::time::Duration;
use std::alloc::System;

use codecs::Codec;
use media::receive::{Inserted, PayloadTypes, Receiver, Settings};
use rtp::{Header, red};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const SETTINGS: Settings = Settings { adaptive: true, length_ms: 300, clock: 8000, ptime_ms: 20 };
const TYPES: PayloadTypes = PayloadTypes { audio: 8, red: Some(121), comfort_noise: Some(13) };

/// A minute of a call with all that may happen to it. Packets that were taken.
fn minute(receiver: &mut Receiver) -> u32 {
    let mut taken = 0;
    let mut pcm = [0; 80];
    let mut packet = [0; 1500];
    for n in 0..3000u16 {
        let mut now = Duration::from_millis(u64::from(n) * 20);
        let timestamp = u32::from(n) * 160 + if n > 2000 { 1_000_000_000 } else { 0 };
        let mut header = Header { payload_type: 121, sequence: n, timestamp, ..Header::default() };
        let held_up = Duration::from_millis(u64::from(n % 50 * 37 % 50));
        // Some are lost, some come twice, some are no packets, and there is a pause.
        if n % 7 != 0 && !(900..1000).contains(&n) {
            let len = red::write(&mut packet, &[(8, 320, &[0x2a; 160])], (8, &[0xd5; 160])).unwrap_or(0);
            for _ in 0..=n / 1500 {
                let inserted = receiver.insert(now + held_up, &header, packet.get(..len).unwrap_or_default());
                taken += u32::from(inserted == Inserted::Taken);
            }
            receiver.insert(now, &header, &[0x88, 1, 2, 3, 4]);
        } else if n % 50 == 0 {
            header.payload_type = 13;
            receiver.insert(now, &header, &[60]);
        }
        for _ in 0..2 {
            receiver.pull(now, &mut pcm);
            now += Duration::from_millis(10);
        }
        if n == 2500 {
            receiver.reset();
        }
    }
    taken
}

/// Allocations, reallocations and deallocations of a minute. The harness allocates in a thread of its own.
fn of_a_minute() -> usize {
    let decoder = Codec::Pcma.decoder().expect("G.711 is always there");
    let mut receiver = Receiver::new(SETTINGS, decoder, TYPES);
    let region = Region::new(ALLOCATOR);
    let taken = minute(&mut receiver);
    let stats = receiver.stats();
    let change = region.change();
    assert!(taken > 2000, "{taken}");
    assert!(
        stats.recovered_red > 100 && stats.concealed_ms > 0 && stats.silent_ms > 0 && stats.resets > 0,
        "{stats:?}"
    );
    assert!(stats.duplicate > 500 && stats.malformed > 2000, "{stats:?}");
    change.allocations + change.reallocations + change.deallocations
}

#[test]
fn nothing_is_allocated_while_a_leg_is_received() {
    // What the harness does meanwhile happens once; what a leg does would happen every time.
    let least = (0..5).map(|_| of_a_minute()).min();
    assert_eq!(least, Some(0));
}
