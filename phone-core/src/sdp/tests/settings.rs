//! Each setting that shows in a description changes it.

use super::*;
use crate::settings::media::G726Packing;

/// An offer with the settings, without the origin.
fn offer(pairs: &[(&str, &str)]) -> String {
    leg(1, pairs).offer(Direction::SendRecv)
}

/// An answer with the settings.
fn answer(pairs: &[(&str, &str)], audio: &str) -> String {
    leg(1, pairs).answer(&format!("v=0\r\nc=IN IP4 198.51.100.1\r\n{audio}"), Direction::SendRecv).unwrap()
}

fn has(text: &str, line: &str) -> bool {
    lines(text).contains(&line)
}

#[test]
fn an_offer_by_default() {
    let offer = offer(&[]);
    let id = offer.split(' ').nth(1).unwrap();
    assert_eq!(
        lines(&offer),
        [
            "v=0",
            &format!("o=- {id} 1 IN IP4 192.0.2.1"),
            "s=-",
            "c=IN IP4 192.0.2.1",
            "t=0 0",
            "m=audio 5004 RTP/AVP 0 8 4 18 9 97 127 123 101",
            "a=rtpmap:0 PCMU/8000",
            "a=rtpmap:8 PCMA/8000",
            "a=rtpmap:4 G723/8000",
            "a=fmtp:4 bitrate=5.3;annexa=no",
            "a=rtpmap:18 G729/8000",
            "a=fmtp:18 annexb=no",
            "a=rtpmap:9 G722/8000",
            "a=rtpmap:97 iLBC/8000",
            "a=fmtp:97 mode=30",
            "a=rtpmap:127 AAL2-G726-32/8000",
            "a=rtpmap:123 opus/48000/2",
            "a=fmtp:123 minptime=10;useinbandfec=1",
            "a=rtpmap:101 telephone-event/8000",
            "a=fmtp:101 0-15",
            "a=ptime:20",
            "a=sendrecv",
        ]
    );
}

#[test]
fn preferred_vocoders_are_offered_in_their_order() {
    assert!(offer(&[("codec.choice", "g722,opus,pcma")]).contains("m=audio 5004 RTP/AVP 9 123 8 101\r\n"));
}

#[test]
fn codecs_that_are_not_there_are_not_offered_or_answered() {
    let set = MediaSettings { available: vec![CodecName::Pcma, CodecName::G722], ..settings(&[]) };
    let mut leg = leg_with(1, set);
    assert!(leg.offer(Direction::SendRecv).contains("m=audio 5004 RTP/AVP 8 9 101\r\n"));
    let refused = leg.answer("v=0\r\nc=IN IP4 198.51.100.1\r\nm=audio 4 RTP/AVP 0 18\r\n", Direction::SendRecv);
    assert_eq!(refused, Err(Refusal::NoCommonCodec));
}

#[test]
fn codec_negotiation_priority_decides_an_answer() {
    let audio = "m=audio 4000 RTP/AVP 8 9 0\r\n";
    assert!(answer(&[("codec.negotiatepriority", "caller")], audio).contains("RTP/AVP 8\r\n"));
    assert!(answer(&[("codec.negotiatepriority", "callee")], audio).contains("RTP/AVP 0\r\n"));
    let choice = ("codec.choice", "g722,pcmu");
    assert!(answer(&[("codec.negotiatepriority", "callee"), choice], audio).contains("RTP/AVP 9\r\n"));
}

#[test]
fn first_matching_vocoder_of_an_answer() {
    let answer = "v=0\r\nc=IN IP4 198.51.100.1\r\nm=audio 4000 RTP/AVP 96 9 0\r\na=rtpmap:96 speex/8000\r\n";
    for (setting, codec) in [("yes", CodecName::G722), ("no", CodecName::Pcmu)] {
        let mut leg = leg(1, &[("codec.usefirstmatch", setting)]);
        leg.offer(Direction::SendRecv);
        leg.answered(answer).unwrap();
        assert_eq!(leg.agreed().unwrap().codec.name, codec);
    }
}

#[test]
fn ilbc_frame_size_and_payload_type() {
    let text = offer(&[("codec.ilbc.framesize", "20"), ("codec.payloadtype.ilbc", "98"), ("codec.choice", "ilbc")]);
    assert!(has(&text, "a=rtpmap:98 iLBC/8000") && has(&text, "a=fmtp:98 mode=20") && has(&text, "a=ptime:40"));
    assert!(has(&offer(&[("codec.choice", "ilbc")]), "a=ptime:60"));
    // 30 ms unless both say 20.
    let with = |mode: &str| format!("m=audio 4000 RTP/AVP 105\r\na=rtpmap:105 iLBC/8000\r\n{mode}");
    for (set, theirs, agreed) in
        [("20", "a=fmtp:105 mode=20\r\n", 20), ("20", "", 30), ("30", "a=fmtp:105 mode=20\r\n", 30)]
    {
        let text = answer(&[("codec.ilbc.framesize", set)], &with(theirs));
        assert!(has(&text, &format!("a=fmtp:105 mode={agreed}")), "{set} {theirs} {text}");
    }
}

#[test]
fn g726_packing_and_payload_type() {
    let text = offer(&[("codec.g723.32.packingmode", "ietf"), ("codec.payloadtype.g72632", "110")]);
    assert!(has(&text, "a=rtpmap:110 G726-32/8000"));
    // A name tells the packing; the old number does not, and then the setting counts.
    for (audio, packing) in [
        ("m=audio 4000 RTP/AVP 99\r\na=rtpmap:99 G726-32/8000\r\n", G726Packing::Ietf),
        ("m=audio 4000 RTP/AVP 99\r\na=rtpmap:99 AAL2-G726-32/8000\r\n", G726Packing::Itu),
        ("m=audio 4000 RTP/AVP 2\r\n", G726Packing::Itu),
    ] {
        let mut leg = leg(1, &[]);
        let text = leg.answer(&format!("v=0\r\nc=IN IP4 198.51.100.1\r\n{audio}"), Direction::SendRecv).unwrap();
        let codec = &leg.agreed().unwrap().codec;
        assert_eq!((codec.name, codec.packing), (CodecName::G72632, packing), "{text}");
        // And stays so in our own offers.
        let again = leg.offer(Direction::SendRecv);
        let map = format!("a=rtpmap:{} {}/8000", codec_pt(audio), CodecName::G72632.encoding(packing));
        assert!(has(&again, &map), "{again}");
    }
}

fn codec_pt(audio: &str) -> &str {
    audio.lines().next().unwrap().rsplit(' ').next().unwrap()
}

#[test]
fn opus_payload_type() {
    assert!(has(&offer(&[("codec.payloadtype.opus", "96")]), "a=rtpmap:96 opus/48000/2"));
}

#[test]
fn dtmf_method_and_payload_type() {
    assert!(has(&offer(&[("codec.payloadtype.dtmf", "100")]), "a=rtpmap:100 telephone-event/8000"));
    let audio = "m=audio 4000 RTP/AVP 0 96\r\na=rtpmap:96 telephone-event/8000\r\n";
    for (method, shown) in [("rtp", true), ("audio,rtp", true), ("audio", false), ("info", false), ("none", false)] {
        let set = [("dtmf.send", method)];
        assert_eq!(offer(&set).contains("telephone-event"), shown, "{method}");
        assert_eq!(has(&answer(&set, audio), "a=rtpmap:96 telephone-event/8000"), shown, "{method}");
    }
}

#[test]
fn payload_types_that_collide_are_kept_apart() {
    let text = offer(&[
        ("codec.payloadtype.opus", "96"),
        ("codec.payloadtype.ilbc", "96"),
        ("codec.payloadtype.g72632", "96"),
        ("codec.payloadtype.dtmf", "97"),
        ("audio.fec.enable", "yes"),
    ]);
    let line = lines(&text).into_iter().find(|line| line.starts_with("m=")).unwrap().to_owned();
    let mut types: Vec<_> = line.split(' ').skip(3).collect();
    assert_eq!(types.len(), 11);
    types.sort_unstable();
    types.dedup();
    assert_eq!(types.len(), 11, "{line}");
    assert!(has(&text, "a=rtpmap:97 telephone-event/8000"));
}

#[test]
fn audio_red_is_offered_per_clock_and_answered_for_the_codec() {
    let text = offer(&[("audio.fec.enable", "yes")]);
    assert!(has(&text, "m=audio 5004 RTP/AVP 0 8 4 18 9 97 127 123 121 96 101"), "{text}");
    assert!(has(&text, "a=rtpmap:121 red/48000/2") && has(&text, "a=fmtp:121 123/123"));
    assert!(has(&text, "a=rtpmap:96 red/8000") && has(&text, "a=fmtp:96 0/0"));
    let set = [("audio.fec.enable", "yes"), ("codec.choice", "opus,pcmu")];
    let audio = "m=audio 4000 RTP/AVP 111 63\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:63 red/48000/2\r\n\
        a=fmtp:63 111/111\r\n";
    let text = answer(&set, audio);
    assert!(has(&text, "m=audio 5004 RTP/AVP 111 63") && has(&text, "a=fmtp:63 111/111"));
    assert!(!answer(&[], audio).contains("red/"));
    // Redundancy for another codec is of no use.
    assert!(!answer(&set, &audio.replace("111/111", "0/0")).contains("red/"));
}

#[test]
fn silence_suppression() {
    let text = offer(&[("audio.silencesuppression", "yes")]);
    assert!(has(&text, "a=fmtp:18 annexb=yes") && has(&text, "a=fmtp:4 bitrate=5.3;annexa=yes"));
    let on = [("audio.silencesuppression", "yes")];
    // G.729 without a word knows Annex B.
    assert!(has(&answer(&on, "m=audio 4000 RTP/AVP 18\r\n"), "a=fmtp:18 annexb=yes"));
    assert!(has(&answer(&on, "m=audio 4000 RTP/AVP 18\r\na=fmtp:18 annexb=no\r\n"), "a=fmtp:18 annexb=no"));
    assert!(has(&answer(&[], "m=audio 4000 RTP/AVP 18\r\n"), "a=fmtp:18 annexb=no"));
}

#[test]
fn voice_frames_per_tx_change_ptime_within_the_codecs_limit() {
    for (codec, frames, ptime) in [
        ("pcmu", "2", 20),
        ("pcmu", "64", 100),
        ("g729", "3", 30),
        ("g729", "64", 640),
        ("g726-32", "64", 200),
        ("g723", "2", 60),
        ("g723", "64", 960),
        ("g722", "64", 170),
        ("opus", "1", 10),
        ("opus", "3", 20),
        ("opus", "64", 120),
    ] {
        let text = offer(&[("codec.choice", codec), ("audio.voiceframepertx", frames)]);
        assert!(has(&text, &format!("a=ptime:{ptime}")), "{codec} {frames} {text}");
    }
}

#[test]
fn ptime_to_send_follows_the_other_side() {
    for (set, said, ptime) in [
        ("4", "", 40),
        ("4", "a=ptime:20\r\n", 20),
        ("2", "a=ptime:60\r\na=maxptime:40\r\n", 40),
        ("2", "a=ptime:5\r\n", 10),
        ("2", "a=ptime:0\r\n", 20),
        ("2", "a=ptime:nonsense\r\n", 20),
    ] {
        let mut leg = leg(1, &[("audio.voiceframepertx", set)]);
        let offer = format!("v=0\r\nc=IN IP4 198.51.100.1\r\nm=audio 4000 RTP/AVP 0\r\n{said}");
        leg.answer(&offer, Direction::SendRecv).unwrap();
        assert_eq!(leg.agreed().unwrap().ptime_ms, ptime, "{set} {said}");
    }
}

#[test]
fn g723_rate() {
    assert!(has(&offer(&[("codec.g723rate", "6.3")]), "a=fmtp:4 bitrate=6.3;annexa=no"));
}

#[test]
fn rtcp_mode() {
    let with = |mode: &str| offer(&[("rtcp.port.selection", mode)]);
    assert!(!with("default").contains("a=rtcp:") && !with("default").contains("rtcp-mux"));
    assert!(has(&with("negotiate"), "a=rtcp:5005") && !with("negotiate").contains("rtcp-mux"));
    assert!(has(&with("mux"), "a=rtcp:5005") && has(&with("mux"), "a=rtcp-mux"));
    let only = with("mux_only");
    assert!(has(&only, "a=rtcp:5004") && has(&only, "a=rtcp-mux") && has(&only, "a=rtcp-mux-only"));

    let audio = "m=audio 4000 RTP/AVP 0\r\na=rtcp:4444\r\na=rtcp-mux\r\n";
    for (mode, mux, rtcp) in [
        ("default", false, Some(4444)),
        ("negotiate", false, Some(4444)),
        ("mux", true, Some(4000)),
        ("mux_only", true, Some(4000)),
    ] {
        let mut leg = leg(1, &[("rtcp.port.selection", mode)]);
        let offer = format!("v=0\r\nc=IN IP4 198.51.100.1\r\n{audio}");
        let text = leg.answer(&offer, Direction::SendRecv).unwrap();
        let agreed = leg.agreed().unwrap();
        assert_eq!((agreed.rtcp_mux, agreed.remote_rtcp.map(|to| to.port())), (mux, rtcp), "{mode}");
        assert_eq!(has(&text, "a=rtcp-mux"), mux);
        assert_eq!(has(&text, "a=rtcp:5005"), mode == "negotiate");
    }
    // Who can do nothing else is served whatever is set.
    assert!(has(&answer(&[], &format!("{audio}a=rtcp-mux-only\r\n")), "a=rtcp-mux"));
    // And without multiplexing, "only" has no RTCP.
    let mut leg = leg(1, &[("rtcp.port.selection", "mux_only")]);
    leg.answer("v=0\r\nc=IN IP4 198.51.100.1\r\nm=audio 4000 RTP/AVP 0\r\n", Direction::SendRecv).unwrap();
    assert_eq!(leg.agreed().unwrap().remote_rtcp, None);
}

#[test]
fn rfc2543_hold() {
    for (set, address) in [("yes", "0.0.0.0"), ("no", "192.0.2.1")] {
        let mut leg = leg(1, &[("call.rfc2543hold.enable", set)]);
        let text = leg.offer(Direction::SendOnly);
        assert!(has(&text, &format!("c=IN IP4 {address}")) && has(&text, "a=sendonly"), "{text}");
    }
    let settings = Arc::new(settings(&[]));
    let local = LocalMedia { address: "2001:db8::1".parse().unwrap(), port: 5004, settings };
    let text = Negotiator::new(local, &mut Rng::new(1, 1)).offer(Direction::SendOnly);
    assert!(has(&text, "c=IN IP6 2001:db8::1"));
}

#[test]
fn extended_reports_are_wanted_of_those_who_know_them() {
    let ours = "a=rtcp-xr:rcvr-rtt=all voip-metrics";
    assert!(has(&offer(&[("codec.choice", "opus,g722,pcma,pcmu")]), ours));
    // With every codec there is no room left in a datagram.
    assert!(!offer(&[]).contains("rtcp-xr"));
    let audio = |xr: &str| format!("m=audio 4000 RTP/AVP 0\r\n{xr}");
    assert!(!answer(&[], &audio("")).contains("rtcp-xr"));
    assert!(has(&answer(&[], &audio("a=rtcp-xr:rcvr-rtt=all:10000 voip-metrics\r\n")), ours));
    assert!(has(&answer(&[], &audio("a=rtcp-xr:pkt-loss-rle\r\n")), "a=rtcp-xr:voip-metrics"));
    assert!(has(&answer(&[], &audio("a=RTCP-XR\r\n")), "a=rtcp-xr:voip-metrics"));
}
