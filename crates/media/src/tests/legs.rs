//! Sound goes both ways, with and without keys, and what the legs say of it.

use rtp::srtp::Suite;

use super::*;

fn talk(one: Config, two: Config) -> Pair {
    let mut pair = Pair::new(one, two);
    let mut tones = [Tone::new(440.0), Tone::new(1000.0)];
    pair.run(3000, |at| Some(tones[at].block()), |_, _, _| false);
    pair
}

fn assert_heard(pair: &Pair) {
    assert!(share(pair.last(0, 1000), 1000.0) > 0.9, "{}", share(pair.last(0, 1000), 1000.0));
    assert!(share(pair.last(1, 1000), 440.0) > 0.9, "{}", share(pair.last(1, 1000), 440.0));
}

#[test]
fn each_hears_what_the_other_says() {
    for codec in [Codec::Pcmu, Codec::Pcma, Codec::Opus(codecs::opus::Options::default())] {
        assert_heard(&talk(config(codec, 5000), config(codec, 4000)));
    }
}

#[test]
fn packets_are_as_long_as_agreed() {
    let mut one = config(Codec::Pcmu, 5000);
    one.ptime_ms = 60;
    let pair = talk(one, config(Codec::Pcmu, 4000));
    let lengths = |at: usize| pair.packets[at].iter().filter(|(port, _)| *port == Port::Rtp).map(|(_, p)| p.len());
    assert!(lengths(0).all(|length| length == 12 + 480) && lengths(1).all(|length| length == 12 + 160));
    assert_heard(&pair);
}

#[test]
fn with_keys_nobody_reads_what_is_said() {
    for (suite, length) in [(Suite::Aes128Sha1_80, 30), (Suite::Aes128Sha1_32, 30), (Suite::Aes256Sha1_80, 46)] {
        let with = |other, first| Config { keys: Some(keys(suite, length, first)), ..config(Codec::Pcmu, other) };
        let pair = talk(with(5000, true), with(4000, false));
        assert_heard(&pair);
        // Somebody without keys, or with others, is not heard.
        let stranger = Config { keys: Some(keys(suite, length, true)), ..config(Codec::Pcmu, 4000) };
        let pair = talk(with(5000, true), stranger);
        assert_eq!(share(pair.last(0, 1000), 1000.0), 0.0);
        assert!(pair.legs[0].counters().forged > 100);
    }
}

#[test]
fn on_a_clean_line_nothing_is_said_twice_and_on_a_lossy_one_what_is_lost() {
    let (one, two) = (red(config(Codec::Pcmu, 5000)), red(config(Codec::Pcmu, 4000)));
    let clean = talk(one.clone(), two.clone());
    assert!(clean.packets[0].iter().all(|(port, packet)| *port == Port::Rtcp || packet[1] & 0x7f == 96));

    let mut pair = Pair::new(one, two);
    let mut tones = [Tone::new(440.0), Tone::new(1000.0)];
    // One leg's packets get lost, three of ten; the other's arrive.
    let mut count = 0;
    let lossy = |at: usize, port: Port, _: &[u8]| {
        count += 1;
        at == 0 && port == Port::Rtp && [1, 4, 8].contains(&(count / 2 % 10))
    };
    pair.run(20_000, |at| Some(tones[at].block()), lossy);
    let quality = pair.legs[1].quality(pair.now);
    assert!(quality.loss_percent > 25.0 && quality.buffer.recovered_red > 100, "{quality:?}");
    assert_eq!(pair.legs[0].quality(pair.now).copies, 2, "the sender has heard of it");
    assert_eq!(pair.legs[1].quality(pair.now).copies, 0, "the other direction is clean");
    assert!(share(pair.last(1, 1000), 440.0) > 0.9);
}

#[test]
fn within_two_seconds_a_call_has_found_its_redundancy() {
    let mut pair = Pair::new(red(config(Codec::Pcmu, 5000)), red(config(Codec::Pcmu, 4000)));
    let mut tones = [Tone::new(440.0), Tone::new(1000.0)];
    // One direction alone is bad: nobody can guess.
    let mut count = 0;
    pair.run(
        2000,
        |at| Some(tones[at].block()),
        |at, port, _| {
            count += usize::from(port == Port::Rtp);
            at == 0 && port == Port::Rtp && [1, 4, 8].contains(&(count / 2 % 10))
        },
    );
    assert_eq!(pair.legs[0].quality(pair.now).copies, 2);
}

#[test]
fn reports_tell_loss_delay_and_score() {
    let one = config(Codec::Pcmu, 5000);
    let pair = talk_for(one, config(Codec::Pcmu, 4000), 12_000);
    for leg in &pair.legs {
        let quality = leg.quality(pair.now);
        assert_eq!(quality.loss_percent, 0.0);
        assert!(quality.round_trip.is_some_and(|trip| trip < Duration::from_millis(50)), "{quality:?}");
        let remote = quality.remote.expect("the other side says how it hears us");
        assert!(remote.mos_lq > Some(40) && quality.report.mos_lq > Some(40), "{quality:?}");
        assert!(quality.mouth_to_ear < Duration::from_millis(150), "{quality:?}");
    }
}

fn talk_for(one: Config, two: Config, ms: u64) -> Pair {
    let mut pair = Pair::new(one, two);
    let mut tones = [Tone::new(440.0), Tone::new(1000.0)];
    pair.run(ms, |at| Some(tones[at].block()), |_, _, _| false);
    pair
}

#[test]
fn the_four_ways_of_rtcp() {
    let on = |mux: bool, rtcp: bool| {
        let with = |other| Config { rtcp_mux: mux, rtcp, ..config(Codec::Pcmu, other) };
        let pair = talk_for(with(5000), with(4000), 12_000);
        let reports = |port| pair.packets[0].iter().filter(|(p, b)| *p == port && rtp::is_rtcp(b)).count();
        (reports(Port::Rtp), reports(Port::Rtcp))
    };
    assert!(matches!(on(false, true), (0, 1..)));
    assert!(matches!(on(true, true), (1.., 0)));
    assert_eq!(on(false, false), (0, 0));
}

#[test]
fn a_change_of_codec_in_the_call_is_heard() {
    let mut pair = talk(config(Codec::Pcmu, 5000), config(Codec::Pcmu, 4000));
    let opus = Codec::Opus(codecs::opus::Options::default());
    for (at, other) in [(0, 5000), (1, 4000)] {
        pair.legs[at].change(pair.now, Parts::new(config(opus, other)).unwrap());
    }
    let mut tones = [Tone::new(700.0), Tone::new(300.0)];
    pair.run(3000, |at| Some(tones[at].block()), |_, _, _| false);
    assert!(share(pair.last(0, 1000), 300.0) > 0.9 && share(pair.last(1, 1000), 700.0) > 0.9);
}

#[test]
fn on_hold_nothing_is_sent_but_signs_of_life() {
    for keep_alive in [false, true] {
        let one = Config { sends: false, rtp_keep_alive: keep_alive, ..config(Codec::Pcmu, 5000) };
        let pair = talk_for(one, config(Codec::Pcmu, 4000), 31_000);
        let rtp: Vec<_> = pair.packets[0].iter().filter(|(port, _)| *port == Port::Rtp).collect();
        assert_eq!(rtp.len(), if keep_alive { 2 } else { 0 });
        assert!(rtp.iter().all(|(_, packet)| packet[0] >> 6 == 1), "RTP version 1");
        assert_eq!(share(pair.last(1, 1000), 440.0), 0.0);
    }
}

#[test]
fn what_a_silent_side_says_it_is_follows_the_setting() {
    for (sender, kind) in [(true, 200), (false, 201)] {
        let one = Config { sends: false, rtcp_sender_reports: sender, ..config(Codec::Pcmu, 5000) };
        let pair = talk_for(one, config(Codec::Pcmu, 4000), 12_000);
        let kinds: Vec<u8> = pair.packets[0].iter().filter(|(p, _)| *p == Port::Rtcp).map(|(_, b)| b[1]).collect();
        assert!(!kinds.is_empty() && kinds.iter().all(|one| *one == kind), "{kinds:?}");
    }
}

#[test]
fn without_audio_for_too_long_the_leg_says_so_and_again() {
    let one = Config { timeout: Some(Duration::from_secs(6)), ..config(Codec::Pcmu, 5000) };
    let mut pair = Pair::new(one, config(Codec::Pcmu, 4000));
    let mut tone = Tone::new(440.0);
    pair.run(4000, |_| Some(tone.block()), |_, _, _| false);
    assert!(pair.events[0].is_empty());
    pair.run(5900, |_| None, |_, _, _| false);
    assert!(pair.events[0].is_empty());
    pair.run(9000, |_| None, |_, _, _| false);
    assert_eq!(pair.events[0], [Event::TimedOut; 2]);
}

#[test]
fn a_leg_that_ends_says_goodbye_and_nothing_more() {
    let mut pair = talk(config(Codec::Pcmu, 5000), config(Codec::Pcmu, 4000));
    pair.legs[0].close(pair.now);
    pair.legs[0].close(pair.now);
    let before = pair.packets[0].len();
    let mut tone = Tone::new(440.0);
    pair.run(8000, |_| Some(tone.block()), |_, _, _| false);
    assert_eq!(pair.packets[0].len(), before + 1);
    assert_eq!(pair.events[1], [Event::Bye]);
}
