//! Whatever comes from a network: counted, ignored, no panic, no pop.

use proptest::prelude::*;
use rtp::Header;

use super::*;

fn packet(header: Header, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 12 + payload.len()];
    header.write(&mut bytes).unwrap();
    bytes[12..].copy_from_slice(payload);
    bytes
}

fn talking() -> Pair {
    let mut pair = Pair::new(red(events(config(Codec::Pcmu, 5000))), red(events(config(Codec::Pcmu, 4000))));
    let mut tones = [Tone::new(440.0), Tone::new(1000.0)];
    pair.run(2000, |at| Some(tones[at].block()), |_, _, _| false);
    pair
}

#[test]
fn a_stranger_s_audio_is_not_heard() {
    let mut pair = talking();
    let header = Header { marker: false, payload_type: 96, sequence: 1, timestamp: 1, ssrc: 666 };
    let mut tone = Tone::new(1000.0);
    for sequence in 0..100 {
        let mut loud = packet(Header { sequence, ..header }, &[0; 160]);
        pair.legs[0].receive(pair.now, Port::Rtp, address(6666), &mut loud);
        pair.run(20, |_| Some(tone.block()), |_, _, _| false);
    }
    assert_eq!(pair.legs[0].strangers(), 100);
    assert!(share(pair.last(0, 1000), 1000.0) > 0.9);
}

#[test]
fn another_stream_of_the_other_side_is_heard_once_it_is_proved() {
    let mut pair = talking();
    // The other side starts again: as after a transfer behind its server.
    let mut other = Session::new(Parts::new(red(events(config(Codec::Pcmu, 4000)))).unwrap(), 99);
    other.begin(pair.now);
    pair.legs[1] = other;
    let mut tones = [Tone::new(440.0), Tone::new(600.0)];
    pair.run(3000, |at| Some(tones[at].block()), |_, _, _| false);
    assert!(share(pair.last(0, 1000), 600.0) > 0.9);
    assert_eq!(pair.legs[0].counters().sources, 1);
}

#[test]
fn whoever_uses_our_number_makes_us_take_another() {
    let mut pair = talking();
    let ours = pair.packets[0].iter().rev().find(|(port, _)| *port == Port::Rtp).unwrap().1.clone();
    let number = |packet: &[u8]| packet[8..12].to_vec();
    pair.legs[0].receive(pair.now, Port::Rtp, address(5000), &mut ours.clone());
    let mut tones = [Tone::new(440.0), Tone::new(1000.0)];
    pair.run(1000, |at| Some(tones[at].block()), |_, _, _| false);
    let now = &pair.packets[0].iter().rev().find(|(port, _)| *port == Port::Rtp).unwrap().1;
    assert_ne!(number(&ours), number(now));
    assert!(share(pair.last(1, 500), 440.0) > 0.9, "and is still heard");
}

#[test]
fn replayed_and_forged_packets_are_counted_and_change_nothing() {
    let with = |other, first| Config {
        keys: Some(keys(rtp::srtp::Suite::Aes128Sha1_80, 30, first)),
        ..config(Codec::Pcmu, other)
    };
    let mut pair = Pair::new(with(5000, true), with(4000, false));
    let mut tones = [Tone::new(440.0), Tone::new(1000.0)];
    pair.run(2000, |at| Some(tones[at].block()), |_, _, _| false);
    let copies: Vec<Vec<u8>> =
        pair.packets[1].iter().filter(|(p, _)| *p == Port::Rtp).map(|(_, b)| b.clone()).collect();
    let before = pair.legs[0].counters();
    for copy in &copies {
        let mut forged = copy.clone();
        forged[20] ^= 1;
        for mut packet in [copy.clone(), forged] {
            pair.legs[0].receive(pair.now, Port::Rtp, address(5000), &mut packet);
        }
    }
    let after = pair.legs[0].counters();
    assert_eq!(after.forged - before.forged, 2 * copies.len() as u64);
    assert_eq!(after.received, before.received);
    pair.run(1000, |at| Some(tones[at].block()), |_, _, _| false);
    assert!(share(pair.last(0, 500), 1000.0) > 0.9);
}

#[test]
fn reports_of_strangers_do_not_make_us_say_things_twice() {
    let mut pair = talking();
    let ours = pair.packets[0].iter().find(|(port, _)| *port == Port::Rtp).unwrap().1[8..12].to_vec();
    // RR: all is lost.
    let mut report = vec![0x81, 201, 0, 7, 0, 0, 2, 154];
    report.extend(&ours);
    report.extend([255, 0, 0, 99]);
    report.extend([0; 16]);
    pair.legs[0].receive(pair.now, Port::Rtcp, ([198, 51, 100, 7], 5001).into(), &mut report.clone());
    assert_eq!(pair.legs[0].quality(pair.now).copies, 0);
    pair.legs[0].receive(pair.now, Port::Rtcp, address(5001), &mut report);
    assert_eq!(pair.legs[0].quality(pair.now).copies, 2, "the other side is believed");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn anything_at_all_may_come(
        datagrams in proptest::collection::vec(
            (any::<bool>(), 0_u16..3, proptest::collection::vec(any::<u8>(), 0..200), 0_u8..4), 1..80),
    ) {
        let mut pair = talking();
        let ssrc = pair.packets[1].iter().find(|(port, _)| *port == Port::Rtp).unwrap().1[8..12].to_vec();
        for (rtcp, host, mut bytes, kind) in datagrams {
            // Some that look like the other side's.
            if kind > 0 && bytes.len() > 12 {
                bytes[0] = 0x80;
                bytes[1] = [96, 121, 101, 200][usize::from(kind)] ;
                bytes[8..12].copy_from_slice(&ssrc);
            }
            let port = if rtcp { Port::Rtcp } else { Port::Rtp };
            pair.legs[0].receive(pair.now, port, address(5000 + host), &mut bytes);
            pair.run(10, |_| None, |_, _, _| false);
        }
        let mut tones = [Tone::new(440.0), Tone::new(1000.0)];
        pair.run(4000, |at| Some(tones[at].block()), |_, _, _| false);
        prop_assert!(share(pair.last(0, 500), 1000.0) > 0.9);
    }
}
