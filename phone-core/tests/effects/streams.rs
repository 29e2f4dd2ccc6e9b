//! What settings of RTP and RTCP do to the streams of a call: ports, reports, keep-alives, addresses, jitter.

use media::Port;
use phone_core::sip::message::Method;
use phone_core::{HookSwitch, Key};

use super::measure::level_at;
use super::room::{Datagram, OTHER_END, Room};

/// Where the phone's first report leaves from and goes to.
fn reports(pairs: &[(&str, &str)], mirrors: bool) -> Option<(Port, u16)> {
    let mut room = Room::new(pairs);
    room.bench.server.mirrors = mirrors;
    room.bench.hook(HookSwitch::Off);
    room.bench.dial("200");
    room.run(8000);
    let sent = room.sent();
    sent.iter().find(|sent| rtp::is_rtcp(&sent.bytes)).map(|sent| (sent.port, sent.to.port()))
}

#[test]
fn reports_go_where_the_rtcp_mode_says() {
    let mode = |value, mirrors| reports(&[("account.1.rtcp.port.selection", value)], mirrors);
    assert_eq!(mode("default", true), Some((Port::Rtcp, 40_001)));
    // The other side names its own in turn.
    assert_eq!(mode("negotiate", true), Some((Port::Rtcp, 40_077)));
    assert_eq!(mode("mux", true), Some((Port::Rtp, 40_000)));
    assert_eq!(mode("mux", false), Some((Port::Rtcp, 40_001)), "the other side does not");
    assert_eq!(mode("mux_only", true), Some((Port::Rtp, 40_000)));
    assert_eq!(mode("mux_only", false), None, "there is no second port");
}

/// What leaves while a call is on hold.
fn on_hold(pairs: &[(&str, &str)]) -> Vec<Datagram> {
    let mut room = Room::talk(pairs);
    room.run(500);
    room.key(Key::Hold);
    room.run(15_000);
    room.sent();
    room.run(35_000);
    room.sent()
}

#[test]
fn reports_of_who_sends_nothing_are_those_that_are_set() {
    let kinds = |value| {
        let sent = on_hold(&[("account.1.rtcp.keepalivemethod", value)]);
        let kinds = sent.iter().filter(|sent| rtp::is_rtcp(&sent.bytes)).map(|sent| sent.bytes[1]);
        kinds.collect::<Vec<_>>()
    };
    let (receiver, sender) = (kinds("receiver_report"), kinds("sender_report"));
    assert!(receiver.len() > 3 && receiver.iter().all(|kind| *kind == 201), "{receiver:?}");
    assert!(sender.len() > 3 && sender.iter().all(|kind| *kind == 200), "{sender:?}");
}

#[test]
fn the_path_is_kept_open_by_packets_of_version_1_if_so_set() {
    let sent = |value| {
        let sent = on_hold(&[("account.1.rtp.keepalivemethod", value)]);
        let rtp = sent.iter().filter(|sent| sent.port == Port::Rtp);
        rtp.map(|sent| (sent.bytes[0] >> 6, sent.to.to_string())).collect::<Vec<_>>()
    };
    assert_eq!(sent("no"), []);
    let kept = sent("rtp_v1");
    assert!((2..=3).contains(&kept.len()), "one in 15 s: {kept:?}");
    assert!(kept.iter().all(|one| *one == (1, OTHER_END.to_owned())), "{kept:?}");
}

#[test]
fn voice_goes_back_to_where_it_comes_from_if_so_set() {
    let target = |value| {
        let mut room = Room::talk(&[("account.1.audio.symmetricrtp", value)]);
        for _ in 0..10 {
            room.packet_from("198.51.100.7:5678", 0, &[0xd5; 160]);
            room.run(20);
        }
        let sent = room.sent();
        sent.iter().rfind(|sent| sent.port == Port::Rtp).unwrap().to.to_string()
    };
    assert_eq!((target("no").as_str(), target("yes").as_str()), (OTHER_END, "198.51.100.7:5678"));
}

#[test]
fn a_call_without_voice_ends_after_the_time_that_is_set() {
    let ended = |seconds| {
        let mut room = Room::talk(&[("account.1.rtp.timeout", seconds)]);
        room.hears(400.0, 4000.0);
        room.run(5000);
        room.hears_nothing();
        let silent = room.bench.now;
        room.run(60_000);
        room.bench.times(&Method::Bye, silent)
    };
    assert_eq!(ended("0"), [], "never");
    for (set, seconds) in [("6", 6.0), ("30", 30.0)] {
        let ended = ended(set);
        assert!(matches!(ended[..], [at] if (seconds - 0.1..seconds + 0.3).contains(&at)), "{set}: {ended:?}");
    }
}

#[test]
fn nobody_waits_for_voice_while_the_call_is_on_hold() {
    let mut room = Room::talk(&[("account.1.rtp.timeout", "6")]);
    room.hears(400.0, 4000.0);
    room.run(1000);
    room.key(Key::Hold);
    room.hears_nothing();
    room.run(20_000);
    assert_eq!(room.bench.calls().len(), 1);
    // Taken back, the time begins.
    room.key(Key::Hold);
    room.run(5000);
    assert_eq!(room.bench.calls().len(), 1);
    room.run(2000);
    assert!(room.bench.calls().is_empty());
}

/// Milliseconds from a packet's arrival to its sound, after some seconds of a steady stream.
fn delay(pairs: &[(&str, &str)]) -> usize {
    let mut room = Room::talk(pairs);
    room.hears(400.0, 300.0);
    room.run(4000);
    room.hears(1300.0, 12_000.0);
    let heard = room.run(1200);
    let loud = heard.chunks_exact(480).position(|block| level_at(block, 1300.0, 48_000) > -30.0);
    10 * loud.expect("it is heard")
}

#[test]
fn the_jitter_buffer_adapts_unless_it_is_fixed() {
    let kind = |value| delay(&[("account.1.audio.jitterbuffertype", value)]);
    let (adaptive, fixed) = (kind("adaptive"), kind("fixed"));
    assert!(adaptive <= 80, "a steady stream is not held up: {adaptive} ms");
    assert!((290..=330).contains(&fixed), "{fixed} ms");
}

#[test]
fn a_fixed_jitter_buffer_is_as_long_as_set() {
    let fixed = ("account.1.audio.jitterbuffertype", "fixed");
    for (value, ms) in [("100", 100), ("500", 500), ("800", 800)] {
        let delay = delay(&[fixed, ("account.1.audio.jitterbufferlength", value)]);
        assert!((ms - 10..=ms + 30).contains(&delay), "{value}: {delay} ms");
    }
}

#[test]
fn an_adaptive_jitter_buffer_grows_no_longer_than_set() {
    let lost = |value| {
        let mut room = Room::talk(&[("account.1.audio.jitterbufferlength", value)]);
        let mut heard = Vec::new();
        // Packets of 240 ms come together.
        for turn in 0..40 {
            for at in 0..12 {
                let pcm = super::measure::sine(600.0, 8000.0, (turn * 12 + at) * 160, 160, 8000);
                let mut payload = [0; 160];
                codecs::Codec::Pcmu.encoder().unwrap().encode(&pcm, &mut payload).unwrap();
                room.packet_from(OTHER_END, 0, &payload);
            }
            heard.extend(room.run(240));
        }
        let late = &heard[heard.len() / 2..];
        let silent = late.chunks_exact(480).filter(|block| level_at(block, 600.0, 48_000) < -26.0).count();
        silent as f64 / (late.len() / 480) as f64
    };
    let (short, long) = (lost("100"), lost("400"));
    assert!(short > long + 0.15, "{short} of the time without the tone, {long} with a longer buffer");
}
