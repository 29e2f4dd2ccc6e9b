//! What settings of codecs show in the packets that leave: payload types, lengths, what is in them.

use std::time::Duration;

use audio::tone::{DtmfDetector, DtmfEvent};
use codecs::{Codec, g723, g726, ilbc, opus};
use media::Port;
use phone_core::Key;
use phone_core::sip::message::Method;
use rtp::srtp;

use super::measure::{decoded, level_at, share};
use super::room::{Datagram, OTHER_END, Room};

/// A second of 440 Hz from the microphone of a phone in a call.
fn voice(pairs: &[(&str, &str)]) -> Vec<Datagram> {
    voice_at(440.0, pairs)
}

fn voice_at(hz: f64, pairs: &[(&str, &str)]) -> Vec<Datagram> {
    let mut room = Room::talk(pairs);
    room.says(hz, 8000.0);
    room.run(1000);
    room.sent().into_iter().filter(|sent| sent.port == Port::Rtp && !rtp::is_rtcp(&sent.bytes)).collect()
}

/// Payload type and length of the last packet, and the step of the timestamps before it.
fn last(packets: &[Datagram]) -> (u8, usize, u32) {
    let [.., before, last] = packets else { panic!("no packets") };
    let ((before, _), (header, payload)) = (before.rtp().unwrap(), last.rtp().unwrap());
    (header.payload_type, payload.len(), header.timestamp.wrapping_sub(before.timestamp))
}

#[test]
fn voice_leaves_in_the_preferred_codec() {
    let opus = Codec::Opus(opus::Options::default());
    let low = Codec::G723 { rate: g723::Rate::Low, silence: false };
    for (choice, codec, payload_type) in [
        ("pcmu", Codec::Pcmu, 0),
        ("pcma", Codec::Pcma, 8),
        ("g722", Codec::G722, 9),
        ("g726-32", Codec::G726(g726::Packing::Itu), 127),
        ("g729", Codec::G729 { silence: false }, 18),
        ("g723", low, 4),
        ("ilbc", Codec::Ilbc(ilbc::Frame::Ms30), 97),
        ("opus", opus, 123),
    ] {
        let packets = voice(&[("account.1.codec.choice", choice)]);
        let sound = decoded(codec, payload_type, &packets);
        let share = share(&sound, 440.0, codec.sample_rate());
        assert!(share > 0.7, "{choice}: {share}");
    }
}

#[test]
fn the_codec_of_the_answer_that_is_set_is_spoken() {
    let spoken = |key, value| {
        let mut room = Room::new(&[(key, value)]);
        (room.bench.server.mirrors, room.bench.server.formats) = (false, "8 0 101");
        room.bench.hook(phone_core::HookSwitch::Off);
        room.bench.dial("200");
        room.run(200);
        last(&room.sent()).0
    };
    let first_match = "account.1.codec.usefirstmatch";
    assert_eq!((spoken(first_match, "no"), spoken(first_match, "yes")), (0, 8));
}

#[test]
fn the_codec_of_the_offer_that_is_set_is_spoken() {
    let spoken = |value| {
        let mut room = Room::new(&[("account.1.codec.negotiatepriority", value)]);
        room.bench.server.formats = "8 0 101";
        room.bench.call_in("");
        room.bench.hook(phone_core::HookSwitch::Off);
        room.run(200);
        last(&room.sent()).0
    };
    assert_eq!((spoken("callee"), spoken("caller")), (0, 8));
}

#[test]
fn frames_of_ilbc_are_as_long_as_set() {
    let sent = |ms| last(&voice(&[("account.1.codec.choice", "ilbc"), ("account.1.codec.ilbc.framesize", ms)]));
    let (short, long) = (sent("20"), sent("30"));
    assert!(short.1.is_multiple_of(38) && short.2 == 160 * (short.1 as u32 / 38), "{short:?}");
    assert!(long.1.is_multiple_of(50) && long.2 == 240 * (long.1 as u32 / 50), "{long:?}");
}

#[test]
fn voice_carries_the_payload_type_that_is_set() {
    for (codec, key, number) in [
        ("ilbc", "account.1.codec.payloadtype.ilbc", 98),
        ("g726-32", "account.1.codec.payloadtype.g72632", 99),
        ("opus", "account.1.codec.payloadtype.opus", 100),
    ] {
        let sent = |value: &str| last(&voice(&[("account.1.codec.choice", codec), (key, value)])).0;
        assert_eq!(sent(&number.to_string()), number, "{key}");
    }
}

/// Our payload type is what the other side is to use: it is heard, another one is not.
#[test]
fn voice_is_heard_under_the_payload_type_that_is_set() {
    let heard = |number: u8| {
        let codec = ("account.1.codec.choice", "g726-32");
        let mut room = Room::talk(&[codec, ("account.1.codec.payloadtype.g72632", "99")]);
        let mut encoder = Codec::G726(g726::Packing::Itu).encoder().unwrap();
        let mut sound = Vec::new();
        for at in 0..25 {
            let mut payload = [0; 80];
            let pcm = super::measure::sine(700.0, 8000.0, at * 160, 160, 8000);
            encoder.encode(&pcm, &mut payload).unwrap();
            room.packet_from(OTHER_END, number, &payload);
            sound.extend(room.run(20));
        }
        level_at(&sound, 700.0, 48_000)
    };
    assert!(heard(99) > -30.0 && heard(127) < -70.0);
}

#[test]
fn samples_of_g726_are_packed_as_set() {
    let key = "account.1.codec.g723.32.packingmode";
    let shares = |value| {
        // Samples that changed places spoil high pitches most.
        let packets = voice_at(2500.0, &[("account.1.codec.choice", "g726-32"), (key, value)]);
        [g726::Packing::Itu, g726::Packing::Ietf]
            .map(|way| share(&decoded(Codec::G726(way), 127, &packets), 2500.0, 8000))
    };
    let ([itu, not_itu], [not_ietf, ietf]) = (shares("itu"), shares("ietf"));
    assert!(itu > 0.95 && ietf > 0.95 && not_itu < 0.8 && not_ietf < 0.8, "{itu} {not_itu} {not_ietf} {ietf}");
}

/// How a digit that is pressed in a call leaves: payload type of events, as a tone, as INFO.
fn digit(pairs: &[(&str, &str)]) -> (Option<u8>, bool, usize) {
    let mut room = Room::talk(pairs);
    room.bench.keys("5");
    room.run(400);
    let sent = room.sent();
    let event = sent.iter().filter_map(Datagram::rtp).find(|(header, payload)| {
        header.payload_type > 95
            && rtp::event::Payload::parse(payload).is_some_and(|one| Some(one.event) == rtp::event::of_key('5'))
    });
    let mut detector = DtmfDetector::new();
    let sound = decoded(Codec::Pcmu, 0, &sent);
    let tone = sound.chunks_exact(80).any(|block| detector.process(block) == Some(DtmfEvent::Start('5')));
    (event.map(|(header, _)| header.payload_type), tone, room.bench.messages(&Method::Info).len())
}

#[test]
fn digits_leave_as_events_as_tones_or_not_in_the_sound() {
    let sent = |value| digit(&[("account.1.dtmf.send", value)]);
    assert_eq!(digit(&[]), (Some(101), false, 0));
    assert_eq!(sent("audio"), (None, true, 0));
    assert_eq!(sent("info"), (None, false, 1));
    assert_eq!(sent("audio,rtp,info").0, Some(101));
}

#[test]
fn events_have_the_payload_type_that_is_set() {
    assert_eq!(digit(&[("account.1.codec.payloadtype.dtmf", "110")]).0, Some(110));
}

/// Tells the phone that so many of 256 of its packets get lost.
fn loses(room: &mut Room, ssrc: u32, share: u8) {
    let block = rtp::rtcp::ReportBlock { ssrc, fraction_lost: share, ..Default::default() };
    let mut bytes = vec![0; 200];
    let mut writer = rtp::rtcp::CompoundWriter::new(&mut bytes);
    writer.receiver_report(0x0bad_cafe, &[block]).unwrap();
    writer.cname(0x0bad_cafe, "other").unwrap();
    let length = writer.len();
    bytes.truncate(length);
    room.comes(Port::Rtcp, "192.0.2.10:40001", bytes);
}

#[test]
fn what_gets_lost_is_said_again_if_so_set() {
    let blocks = |value| {
        let mut room = Room::talk(&[("account.1.audio.fec.enable", value)]);
        room.says(440.0, 8000.0);
        room.run(500);
        let before = room.sent();
        let ssrc = before.iter().find_map(Datagram::rtp).unwrap().0.ssrc;
        assert!(before.iter().filter_map(Datagram::rtp).all(|(header, _)| header.payload_type == 0), "a clean line");
        loses(&mut room, ssrc, 26);
        room.run(500);
        let sent = room.sent();
        let (header, payload) = sent.iter().rfind(|sent| sent.port == Port::Rtp).unwrap().rtp().unwrap();
        if header.payload_type == 0 {
            return Vec::new();
        }
        let offsets = rtp::red::parse(payload).unwrap();
        offsets.map(|block| (block.payload_type, block.timestamp_offset, block.data.len())).collect()
    };
    assert_eq!(blocks("no"), []);
    let blocks = blocks("yes");
    let [copies @ .., newest] = &blocks[..] else { panic!("no redundancy") };
    assert_eq!(*newest, (0, 0, 160));
    let is_copy =
        |(kind, offset, length): &(u8, u16, usize)| (*kind, offset % 160, *length) == (0, 0, 160) && *offset > 0;
    assert!(!copies.is_empty() && copies.iter().all(is_copy), "{copies:?}");
}

#[test]
fn silence_is_not_sent_if_so_set() {
    for (codec, frame, silence) in [("g729", 10, 2), ("g723", 20, 4)] {
        let lengths = |value| {
            let set = [("account.1.codec.choice", codec), ("account.1.audio.silencesuppression", value)];
            let mut room = Room::talk(&set);
            room.says(440.0, 8000.0);
            room.run(500);
            room.says(440.0, 0.0);
            room.run(3000);
            let of_packet = |sent: &Datagram| sent.rtp().map(|(_, payload)| payload.len());
            room.sent().iter().filter_map(of_packet).collect::<Vec<_>>()
        };
        let (all, few) = (lengths("no"), lengths("yes"));
        assert!(all.iter().all(|length| length.is_multiple_of(frame)), "{codec}: {all:?}");
        // A description of silence stands alone, or behind the last frame of speech.
        let described = few.iter().any(|length| length % frame == silence);
        assert!(few.len() < all.len() / 2 && described, "{codec}: {} of {}", few.len(), all.len());
    }
}

#[test]
fn packets_hold_as_many_frames_as_set() {
    let sent = |value| last(&voice(&[("account.1.audio.voiceframepertx", value)]));
    assert_eq!((sent("2"), sent("4")), ((0, 160, 160), (0, 320, 320)));
}

#[test]
fn g723_is_spoken_at_the_rate_that_is_set() {
    let sent = |value| {
        let packets = voice(&[("account.1.codec.choice", "g723"), ("account.1.codec.g723rate", value)]);
        // The two low bits of a frame name its kind (G.723.1, table 5).
        packets.iter().filter_map(Datagram::rtp).map(|(_, payload)| payload[0] & 3).max().unwrap()
    };
    assert_eq!((sent("6.3"), sent("5.3")), (0, 1));
}

/// The suite, and the master key of the phone, as it offered them.
fn offered_key(room: &Room, bits: &str) -> (srtp::Suite, Vec<u8>) {
    use base64::Engine;
    let offer = String::from_utf8(room.bench.last(&Method::Invite).body().to_vec()).unwrap();
    let line = offer.lines().find(|line| line.starts_with("a=crypto:1 ")).expect("keys").to_owned();
    assert!(line.contains(bits), "{line}");
    let (name, key) = line["a=crypto:1 ".len()..].split_once(" inline:").unwrap();
    let suite = match name {
        "AES_CM_128_HMAC_SHA1_80" => srtp::Suite::Aes128Sha1_80,
        "AES_CM_128_HMAC_SHA1_32" => srtp::Suite::Aes128Sha1_32,
        "AES_256_CM_HMAC_SHA1_80" => srtp::Suite::Aes256Sha1_80,
        _ => srtp::Suite::Aes256Sha1_32,
    };
    let key = key.split('|').next().unwrap();
    (suite, base64::engine::general_purpose::STANDARD.decode(key).unwrap())
}

#[test]
fn voice_is_encrypted_if_so_set() {
    let mut room = Room::talk(&[("account.1.audio.srtpmode", "forced")]);
    room.says(440.0, 8000.0);
    room.run(200);
    let (suite, key) = offered_key(&room, "AES");
    let mut open = srtp::Unprotect::new(suite, &key, &[]).unwrap();
    let sent = room.sent();
    let mut packets = sent.iter().filter(|sent| sent.port == Port::Rtp);
    let bytes = packets.next().unwrap().bytes.clone();
    assert_eq!(bytes.len(), 12 + 160 + suite.rtp_tag_len());
    let mut deciphered = bytes.clone();
    assert_eq!(open.unprotect_rtp(&mut deciphered), Ok(172));
    assert_ne!(deciphered[12..172], bytes[12..172]);

    let plain = voice(&[("account.1.audio.srtpmode", "no")]);
    assert_eq!(plain[0].bytes.len(), 172);
}

#[test]
fn keys_of_voice_are_as_long_as_set() {
    for (value, bits, length) in [("aes128", "AES_CM_128", 30), ("aes256", "AES_256_CM", 46)] {
        let set = [("account.1.audio.srtpmode", "forced"), ("account.1.audio.srtpkeylength", value)];
        let mut room = Room::talk(&set);
        room.run(200);
        let (suite, key) = offered_key(&room, bits);
        assert_eq!(key.len(), length);
        let mut open = srtp::Unprotect::new(suite, &key, &[]).unwrap();
        let mut bytes = room.sent().into_iter().find(|sent| sent.port == Port::Rtp).unwrap().bytes;
        assert!(open.unprotect_rtp(&mut bytes).is_ok(), "{value}");
    }
}

#[test]
fn voice_leaves_from_the_port_and_with_the_class_that_are_set() {
    let room = Room::talk(&[("network.rtp.local.port", "20000")]);
    let opened = room.air().opened.clone();
    assert!((20_000..20_200).contains(&opened[0].0) && opened[0].1 == 46, "{opened:?}");
}

#[test]
fn voice_has_the_class_of_service_that_is_set() {
    let mut room = Room::talk(&[("network.qos.forrtp", "10")]);
    assert_eq!(room.air().opened[0].1, 10);
    room.bench.set_phone("network.qos.forrtp", "34");
    room.run(20);
    assert_eq!(room.air().marked, [34], "also in calls that are under way");
}

#[test]
fn time_between_packets_is_what_they_hold() {
    let sent = voice(&[("account.1.audio.voiceframepertx", "6")]);
    let times: Vec<Duration> = sent.windows(2).map(|pair| pair[1].at - pair[0].at).collect();
    assert!(times.iter().all(|time| *time == Duration::from_millis(60)), "{times:?}");
}

#[test]
fn in_a_conference_each_hears_the_others_and_not_itself() {
    let mut room = Room::talk(&[]);
    room.key(Key::Flash);
    room.bench.keys("300");
    room.key(Key::Send);
    room.run(200);
    room.key(Key::Conference);
    room.run(200);
    room.says(700.0, 4000.0);
    room.hears(1000.0, 4000.0);
    room.sent();
    let heard = room.run(1500);
    let ports: Vec<u16> = room.bench.phone.sound().legs.iter().map(|leg| leg.port).collect();
    assert_eq!(ports.len(), 2);
    let sent = room.sent();
    let [first, second] = [ports[0], ports[1]].map(|port| {
        let to_it: Vec<Datagram> = sent.iter().filter(|sent| sent.local == port).cloned().collect();
        let sound = decoded(Codec::Pcmu, 0, &to_it);
        [700.0, 1000.0].map(|hz| level_at(&sound[4000..], hz, 8000) > -30.0)
    });
    assert_eq!((first, second), ([true, false], [true, true]), "the phone's voice, and that of the first");
    assert!(level_at(&heard[24_000..], 1000.0, 48_000) > -30.0);
}
