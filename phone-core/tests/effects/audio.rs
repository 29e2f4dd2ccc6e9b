//! What settings of the audio show in the descriptions of calls. `sdp/tests` has each value; here is that they get there.

use phone_core::sip::message::Method;

use super::bench::bench;

fn offer(pairs: &[(&str, &str)]) -> String {
    let mut bench = bench(pairs);
    bench.dial("200");
    String::from_utf8(bench.last(&Method::Invite).body().to_vec()).unwrap()
}

fn answer(pairs: &[(&str, &str)]) -> String {
    let mut bench = bench(pairs);
    let leg = bench.call_in("");
    bench.hook(phone_core::HookSwitch::Off);
    String::from_utf8(leg.answer(&bench).body().to_vec()).unwrap()
}

fn has(text: &str, start: &str) -> bool {
    text.split_inclusive('\n').any(|line| line.starts_with(start))
}

#[test]
fn the_account_s_codec_settings_reach_its_calls() {
    let usual = offer(&[]);
    assert!(has(&usual, "m=audio 5006 RTP/AVP 0 8 101") && !has(&usual, "a=crypto"), "{usual}");
    for (key, value, line) in [
        ("account.1.codec.choice", "pcma", "m=audio 5006 RTP/AVP 8 101"),
        ("account.1.codec.payloadtype.dtmf", "110", "m=audio 5006 RTP/AVP 0 8 110"),
        ("account.1.dtmf.send", "audio", "m=audio 5006 RTP/AVP 0 8\r"),
        ("account.1.audio.fec.enable", "yes", "a=fmtp:121 0/0"),
        ("account.1.audio.voiceframepertx", "4", "a=ptime:40"),
        ("account.1.audio.srtpmode", "forced", "a=crypto:1 "),
        ("account.1.rtcp.port.selection", "mux", "a=rtcp-mux"),
    ] {
        let set = offer(&[(key, value)]);
        assert!(has(&set, line) && !has(&usual, line), "{key}: {set}");
    }
    assert!(has(&answer(&[("account.1.codec.payloadtype.dtmf", "110")]), "m=audio 5006 RTP/AVP 0 101"));
}

#[test]
fn settings_of_one_codec_reach_its_offer() {
    for (codec, key, value, line) in [
        ("ilbc", "account.1.codec.ilbc.framesize", "20", "a=fmtp:97 mode=20"),
        ("ilbc", "account.1.codec.payloadtype.ilbc", "98", "a=rtpmap:98 iLBC/8000"),
        ("g726-32", "account.1.codec.g723.32.packingmode", "ietf", "a=rtpmap:127 G726-32/8000"),
        ("g726-32", "account.1.codec.payloadtype.g72632", "99", "a=rtpmap:99 AAL2-G726-32/8000"),
        ("opus", "account.1.codec.payloadtype.opus", "100", "a=rtpmap:100 opus/48000/2"),
        ("g729", "account.1.audio.silencesuppression", "yes", "a=fmtp:18 annexb=yes"),
        ("g723", "account.1.codec.g723rate", "6.3", "a=fmtp:4 bitrate=6.3"),
    ] {
        let choice = ("account.1.codec.choice", codec);
        let (usual, set) = (offer(&[choice]), offer(&[choice, (key, value)]));
        assert!(has(&set, line) && !has(&usual, line), "{key}: {set}");
    }
}

#[test]
fn key_lengths_and_lifetimes_reach_the_offer() {
    let crypto = |key, value| {
        let text = offer(&[("account.1.audio.srtpmode", "forced"), (key, value)]);
        let lines = text.lines().filter(|line| line.starts_with("a=crypto"));
        let of = |word: &str| lines.clone().filter(|line| line.contains(word)).count();
        (of("AES_CM_128"), of("AES_256_CM"), of("|2^"))
    };
    let length = |value| crypto("account.1.audio.srtpkeylength", value);
    let (both, short, long) = (length("aes128_256"), length("aes128"), length("aes256"));
    assert!(both.0 > 0 && both.1 > 0 && (short.0, short.1) == (both.0, 0) && (long.0, long.1) == (0, both.1));
    let lifetime = |value| crypto("account.1.audio.cryptolifetime", value).2;
    assert!(lifetime("yes") > 0 && lifetime("no") == 0);
}

#[test]
fn the_order_of_codecs_that_counts_is_as_set() {
    let answered = |value| {
        let mut bench = bench(&[("account.1.codec.negotiatepriority", value)]);
        bench.server.formats = "8 0 101";
        let leg = bench.call_in("");
        bench.hook(phone_core::HookSwitch::Off);
        let body = String::from_utf8(leg.answer(&bench).body().to_vec()).unwrap();
        (has(&body, "m=audio 5006 RTP/AVP 0 101"), has(&body, "m=audio 5006 RTP/AVP 8 101"))
    };
    assert_eq!((answered("callee"), answered("caller")), ((true, false), (false, true)));
}

#[test]
fn the_first_codec_of_an_answer_is_used_if_so_set() {
    let codec = |value| {
        let mut bench = bench(&[("account.1.codec.usefirstmatch", value)]);
        bench.server.formats = "8 0 101";
        bench.dial("200");
        bench.calls()[0].codec.clone().unwrap()
    };
    assert_eq!([codec("no"), codec("yes")], ["pcmu", "pcma"]);
}

fn port(text: &str) -> u16 {
    let media = text.lines().find(|line| line.starts_with("m=audio ")).unwrap();
    media.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn voice_uses_ports_from_the_first_on() {
    assert!((5004..5204).contains(&port(&offer(&[]))));
    assert!((20_000..20_200).contains(&port(&offer(&[("network.rtp.local.port", "20000")]))));
    assert!((20_000..20_200).contains(&port(&answer(&[("network.rtp.local.port", "20000")]))));
}

/// Ports of so many calls, one after the other.
fn ports(pairs: &[(&str, &str)], calls: usize) -> Vec<u16> {
    let mut bench = bench(pairs);
    let one = |_| {
        bench.dial("200");
        let call = bench.calls()[0].id;
        bench.command(phone_core::Command::HangUp(call));
        bench.run_s(40);
        port(std::str::from_utf8(bench.last(&Method::Invite).body()).unwrap())
    };
    (0..calls).map(one).collect()
}

#[test]
fn voice_uses_so_many_ports() {
    let most = |pairs: &[(&str, &str)]| ports(pairs, 20).into_iter().max().unwrap();
    assert!(most(&[]) > 5028, "of 200");
    assert!(most(&[("network.rtp.local.portrange", "24")]) < 5028);
}

#[test]
fn ports_of_voice_are_drawn_at_random_unless_that_is_off() {
    let rises = |pairs: &[(&str, &str)]| ports(pairs, 5).windows(2).all(|pair| pair[1] == pair[0] + 2);
    let random = [
        ("network.rtp.userandomport", "yes"),
        // Which the system would have given.
        ("account.1.sip.transport", "udp"),
    ];
    assert!(rises(&[]));
    let mut bench = super::bench::Bench::asleep(&random);
    bench.input(phone_core::Input::LocalPort { account: 1, transport: Default::default(), port: 40_000 });
    bench.start();
    bench.run(500);
    let mut drawn = Vec::new();
    for _ in 0..5 {
        bench.dial("200");
        drawn.push(port(std::str::from_utf8(bench.last(&Method::Invite).body()).unwrap()));
        let call = bench.calls()[0].id;
        bench.command(phone_core::Command::HangUp(call));
        bench.run_s(40);
    }
    assert!(!drawn.windows(2).all(|pair| pair[1] == pair[0] + 2), "{drawn:?}");
}

/// Above this a request goes by TCP.
const DATAGRAM: usize = 1300;

#[test]
fn extended_reports_are_asked_for_where_the_invite_stays_in_a_datagram() {
    let invite = |codecs| {
        let mut bench = bench(&[("account.1.codec.choice", codecs)]);
        bench.dial("00351210000000");
        let sent = bench.sent_of(&Method::Invite)[0].clone();
        let asks = String::from_utf8_lossy(&sent.transmit.bytes).contains("a=rtcp-xr:rcvr-rtt=all voip-metrics\r\n");
        (asks, sent.transmit.bytes.len() <= DATAGRAM)
    };
    assert_eq!(invite("opus,g722,pcma,pcmu"), (true, true));
    assert_eq!(invite("pcmu,pcma,g723,g729,g722,ilbc,g726-32,opus"), (false, true));
}
