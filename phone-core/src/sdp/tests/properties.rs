//! What holds for any bytes, any settings, any order of events.

use proptest::prelude::*;

use super::*;
use crate::settings::media::G726Packing;

/// Keys with values, of all settings that matter here.
const CHOICES: [(&str, &[&str]); 17] = [
    ("codec.choice", &["opus,pcmu", "pcma,g729,ilbc", "g722,g726-32,pcmu", "g723", "", "ilbc,opus,g726-32"]),
    ("codec.negotiatepriority", &["caller", "callee"]),
    ("codec.usefirstmatch", &["yes", "no"]),
    ("codec.ilbc.framesize", &["20", "30"]),
    ("codec.payloadtype.ilbc", &["97", "96", "101"]),
    ("codec.g723.32.packingmode", &["itu", "ietf"]),
    ("codec.payloadtype.g72632", &["127", "96", "123"]),
    ("codec.payloadtype.opus", &["123", "96", "97"]),
    ("codec.payloadtype.dtmf", &["101", "96", "121"]),
    ("dtmf.send", &["rtp", "audio", "rtp,info"]),
    ("audio.fec.enable", &["yes", "no"]),
    ("audio.silencesuppression", &["yes", "no"]),
    ("audio.voiceframepertx", &["1", "2", "64"]),
    ("audio.srtpmode", &["no", "enabled", "forced", "optional"]),
    ("audio.srtpkeylength", &["aes128_256", "aes128", "aes256"]),
    ("audio.cryptolifetime", &["yes", "no"]),
    ("rtcp.port.selection", &["default", "negotiate", "mux", "mux_only"]),
];

fn any_settings() -> impl Strategy<Value = MediaSettings> {
    proptest::collection::vec(any::<prop::sample::Index>(), CHOICES.len()).prop_map(|picks| {
        let pick = |((key, values), pick): (&(&'static str, &'static [&'static str]), prop::sample::Index)| {
            (*key, values[pick.index(values.len())])
        };
        settings(&CHOICES.iter().zip(picks).map(pick).collect::<Vec<_>>())
    })
}

fn any_direction() -> impl Strategy<Value = Direction> {
    (any::<bool>(), any::<bool>()).prop_map(|(sends, receives)| Direction::new(sends, receives))
}

/// Both sides of an agreement tell the same.
fn assert_mirrored(a: &Agreed, b: &Agreed) {
    assert_eq!((a.codec.send_pt, a.codec.recv_pt), (b.codec.recv_pt, b.codec.send_pt));
    let same = |one: &Codec| (one.name, one.clock, one.channels, one.frame_ms, one.packing, one.silence);
    let (mut x, mut y) = (same(&a.codec), same(&b.codec));
    if a.codec.name != CodecName::G72632 {
        (x.4, y.4) = (G726Packing::Itu, G726Packing::Itu);
    }
    if !matches!(a.codec.name, CodecName::G729 | CodecName::G723) {
        (x.5, y.5) = (false, false);
    }
    assert_eq!(x, y);
    assert_eq!(
        a.dtmf.map(|one| (one.send_pt, one.recv_pt, one.clock)),
        b.dtmf.map(|one| (one.recv_pt, one.send_pt, one.clock))
    );
    assert_eq!(a.red.map(|one| (one.send_pt, one.recv_pt)), b.red.map(|one| (one.recv_pt, one.send_pt)));
    assert_eq!(a.rtcp_mux, b.rtcp_mux);
    assert_eq!(a.direction, b.direction.reversed());
    let keys = |one: &Agreed| one.srtp.clone().map(|pair| (pair.suite, pair.local, pair.remote));
    assert_eq!(keys(a), keys(b).map(|(suite, local, remote)| (suite, remote, local)));
    for one in [a, b] {
        assert_eq!(one.ptime_ms % one.codec.frame_ms, 0);
        assert!(!one.direction.sends() || one.remote.is_some());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = Session::parse(&bytes);
    }

    #[test]
    fn what_is_printed_is_stable(
        lines in proptest::collection::vec("[voscamtxk]=[ -~\u{e4}]{0,12}|m=audio [0-9]{1,5} RTP/AVP 0 [0-9]{1,3}|a=rtpmap:[0-9]{1,3} (opus|PCMU|red)/[0-9]{4,5}(/2)?|c=IN IP[46] [0-9.:a-f/]{1,20}|o=- 1 2 IN IP4 [a-z.]{1,9}", 0..20),
        end in "\r\n|\n|\r"
    ) {
        let text = format!("v=0{end}{}", lines.join(&end));
        if let Ok(session) = Session::parse(text.as_bytes()) {
            let printed = session.to_string();
            let again = Session::parse(printed.as_bytes());
            prop_assert!(again.is_ok() || printed.len() > MAX_LEN);
            if let Ok(again) = again {
                prop_assert_eq!(again.to_string(), printed);
                prop_assert_eq!(again, session);
            }
        }
    }

    #[test]
    fn a_broken_offer_is_answered_or_refused(
        settings in any_settings(),
        cuts in proptest::collection::vec((any::<prop::sample::Index>(), "[ -~\r\n]{0,3}"), 0..8),
    ) {
        let mut text = leg(2, &[("audio.srtpmode", "enabled"), ("audio.fec.enable", "yes")]).offer(Direction::SendRecv);
        for (at, with) in cuts {
            let at = at.index(text.len());
            text.replace_range(at..=at, &with);
        }
        let mut one = leg_with(1, settings.clone());
        if let Ok(answer) = one.answer(&text, Direction::SendRecv) {
            lines(&answer);
            prop_assert!(Session::parse(answer.as_bytes()).is_ok());
        }
        let mut other = leg_with(1, settings);
        other.offer(Direction::SendRecv);
        let _ = other.answered(&text);
    }

    #[test]
    fn two_phones_agree_or_both_refuse(
        a in any_settings(),
        b in any_settings(),
        steps in proptest::collection::vec((any::<bool>(), any_direction(), any_direction(), any::<bool>()), 1..6),
    ) {
        let mut legs = [leg_with(1, a), leg_with(2, b)];
        let mut agreed = false;
        for (swap, offered, wanted, moved) in steps {
            let [a, b] = &mut legs;
            let (from, to) = if swap { (b, a) } else { (a, b) };
            if moved {
                let port = from.local_media().port + 2;
                from.relocate(LocalMedia { port, ..from.local_media().clone() });
            }
            let before = (from.agreed().cloned(), to.agreed().cloned());
            let offer = from.offer(offered);
            lines(&offer);
            match to.answer(&offer, wanted) {
                Ok(answer) => {
                    lines(&answer);
                    prop_assert_eq!(from.answered(&answer), Ok(()), "{}\n{}", offer, answer);
                    assert_mirrored(from.agreed().unwrap(), to.agreed().unwrap());
                    agreed = true;
                }
                Err(_) => {
                    from.rollback();
                    prop_assert_eq!((from.agreed().cloned(), to.agreed().cloned()), before);
                    prop_assert!(!agreed, "a call that was agreed stays possible: {}", offer);
                }
            }
        }
    }
}
