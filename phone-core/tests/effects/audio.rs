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
    text.lines().any(|line| line.starts_with(start))
}

#[test]
fn the_account_s_codec_settings_reach_its_calls() {
    let usual = offer(&[]);
    assert!(has(&usual, "m=audio 5006 RTP/AVP 0 8 101") && !has(&usual, "a=crypto"), "{usual}");
    for (key, value, line) in [
        ("account.1.codec.choice", "pcma", "m=audio 5006 RTP/AVP 8 101"),
        ("account.1.codec.payloadtype.dtmf", "110", "m=audio 5006 RTP/AVP 0 8 110"),
        ("account.1.audio.voiceframepertx", "4", "a=ptime:40"),
        ("account.1.audio.srtpmode", "forced", "a=crypto:1 "),
        ("account.1.rtcp.port.selection", "mux", "a=rtcp-mux"),
    ] {
        let set = offer(&[(key, value)]);
        assert!(has(&set, line) && !has(&usual, line), "{key}: {set}");
    }
    assert!(has(&answer(&[("account.1.codec.payloadtype.dtmf", "110")]), "m=audio 5006 RTP/AVP 0 101"));
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
