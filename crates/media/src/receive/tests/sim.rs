//! Minutes of a call over a simulated network. Figures are printed with `--nocapture`.

use core::time::Duration;
use std::collections::HashSet;

use super::*;
use crate::netsim::{Clock, Conditions, Jitter, Link, Loss};
use crate::receive::Stats;

/// A call to simulate.
#[derive(Clone, Copy)]
struct Call {
    settings: Settings,
    network: Conditions,
    /// Packets by which copies come later.
    red: &'static [u32],
    fec: bool,
    /// The other side's clock, and that of our loudspeaker.
    clocks: (f64, f64),
    seconds: u64,
    seed: u64,
}

const CALL: Call = Call {
    settings: ADAPTIVE,
    network: Conditions {
        delay: Duration::from_millis(20),
        loss: Loss::None,
        jitter: Jitter::None,
        reorder: 0.0,
        duplicate: 0.0,
    },
    red: &[],
    fec: false,
    clocks: (0.0, 0.0),
    seconds: 60,
    seed: 1,
};

struct Heard {
    stats: Stats,
    /// Least, greatest and mean delay after five seconds, in ms: from the arrival on the fastest path to the loudspeaker.
    delay: (u32, u32, f64),
    /// Underruns after the first second.
    underruns: u64,
    /// Frames of 20 ms that were played as they were sent; lost ones that could have been, by a copy that came.
    played: usize,
    /// Frames after the first second that came neither themselves nor as a copy.
    gone: usize,
    /// Frames after the first second that came in time, somehow, and were not played.
    missed: usize,
    largest_step: i32,
}

fn run(call: Call) -> Heard {
    let (mut receiver, log) = receiver(call.settings, call.fec);
    let mut link: Link<(u32, Vec<u8>)> = Link::new(call.network, call.seed);
    let (theirs, ours) = (Clock { ppm: call.clocks.0 }, Clock { ppm: call.clocks.1 });
    let mut came: HashSet<u32> = HashSet::new();
    let (mut next, mut at_one, mut sum, mut count) = (0u32, 0, 0.0, 0u32);
    let (mut least, mut greatest, mut step, mut last) = (u32::MAX, 0, 0, 0i16);
    let mut pcm = [0; 80];
    for pull in 0..call.seconds * 100 {
        let now = ours.when(Duration::from_millis(pull * 10 + 3));
        while theirs.when(Duration::from_millis(u64::from(next) * 20)) <= now {
            let sent = theirs.when(Duration::from_millis(u64::from(next) * 20));
            let copies: Vec<u32> = call.red.iter().rev().filter_map(|by| next.checked_sub(*by)).collect();
            let payloads: Vec<_> = copies.iter().map(|n| Toy::payload(n * 2, 2)).collect();
            let blocks: Vec<(u8, u16, &[u8])> = copies
                .iter()
                .zip(&payloads)
                .map(|(n, payload)| (AUDIO, ((next - n) * 160) as u16, payload.as_slice()))
                .collect();
            let mut packet = vec![0; 1400];
            let len = rtp::red::write(&mut packet, &blocks, (AUDIO, &Toy::payload(next * 2, 2))).unwrap();
            packet.truncate(len);
            link.send(sent, (next, packet));
            next += 1;
        }
        while let Some((when, (n, packet))) = link.receive(now) {
            let header = rtp::Header {
                payload_type: RED,
                // Both wrap on the way.
                sequence: (n as u16).wrapping_add(65_000),
                timestamp: (n * 160).wrapping_sub(500_000),
                ..rtp::Header::default()
            };
            receiver.insert(when, &header, &packet);
            came.insert(n);
            came.extend(call.red.iter().filter_map(|by| n.checked_sub(*by)));
        }
        receiver.pull(now, &mut pcm);
        step = step.max((i32::from(pcm[0]) - i32::from(last)).abs()).max(largest_step(&pcm));
        last = pcm[79];
        if pull == 100 {
            at_one = receiver.stats().underruns;
        }
        if pull > 500 {
            let delay = receiver.stats().delay_ms;
            (least, greatest) = (least.min(delay), greatest.max(delay));
            sum += f64::from(delay);
            count += 1;
        }
    }
    let stats = receiver.stats();
    let log = log.lock().unwrap();
    let played: HashSet<u32> =
        log.iter().filter_map(|asked| if let Asked::Frame(tens) = asked { Some(tens / 2) } else { None }).collect();
    let judged = 50..next - 50;
    let heard = Heard {
        stats,
        delay: (least, greatest, sum / f64::from(count.max(1))),
        underruns: stats.underruns - at_one,
        played: played.len(),
        gone: judged.clone().filter(|n| !came.contains(n)).count(),
        missed: judged.filter(|n| came.contains(n) && !played.contains(n)).count(),
        largest_step: step,
    };
    println!(
        "delay {}..{} mean {:.1} ms, underruns {}, played {}, gone {}, missed {}, largest step {} ({stats:?})",
        heard.delay.0, heard.delay.1, heard.delay.2, heard.underruns, heard.played, heard.gone, heard.missed, step
    );
    heard
}

fn with(loss: Loss, jitter: Jitter) -> Conditions {
    Conditions { loss, jitter, ..CALL.network }
}

#[test]
fn a_clean_line_has_little_delay_and_plays_every_frame_once() {
    let heard = run(CALL);
    assert!(heard.delay.1 <= 40, "{:?}", heard.delay);
    assert_eq!((heard.missed, heard.underruns, heard.stats.concealed_ms), (0, 0, 0));
    assert!(heard.largest_step <= smooth() * 5 / 4);
}

#[test]
fn ten_minutes_at_ten_percent_loss_with_drifting_clocks_never_run_dry() {
    for clocks in [(100.0, -100.0), (-100.0, 100.0)] {
        let heard =
            run(Call { network: with(Loss::Bernoulli(0.1), Jitter::None), red: &[2, 4], clocks, seconds: 600, ..CALL });
        assert_eq!(heard.underruns, 0);
        assert_eq!(heard.missed, 0);
        // 20 ms of packet and 20 of network before it: within 150 from mouth to ear.
        assert!(heard.delay.0 >= 80 && heard.delay.1 <= 110, "{:?}", heard.delay);
        assert!((f64::from(heard.stats.drift_ppm) - clocks.0).abs() < 20.0);
    }
}

#[test]
fn copies_of_the_second_and_fourth_packet_before_are_all_played() {
    for (seed, loss) in [(3, Loss::Bernoulli(0.3)), (4, Loss::Bursts { share: 0.3, mean: 2.5 })] {
        let heard = run(Call { network: with(loss, Jitter::None), red: &[2, 4], seconds: 120, seed, ..CALL });
        assert_eq!(heard.missed, 0, "every frame that came somehow is played");
        let concealed = heard.stats.concealed_ms as usize / 20;
        assert!(concealed <= heard.gone + 60, "{concealed} made up, {} gone", heard.gone);
        assert!(heard.stats.recovered_red > 1000);
    }
}

#[test]
fn jitter_of_a_tenth_of_a_second_is_held() {
    for (seed, jitter) in [
        (5, Jitter::Uniform(Duration::from_millis(100))),
        (6, Jitter::Ordered(Duration::from_millis(100))),
        (7, Jitter::Spikes(Duration::from_millis(100))),
    ] {
        let heard = run(Call { network: with(Loss::None, jitter), seconds: 300, seed, ..CALL });
        println!("{jitter:?}: {:.1} underruns a minute", heard.underruns as f64 / 5.0);
        assert!(heard.stats.accelerated_ms + heard.stats.expanded_ms < 2000, "{jitter:?}");
        assert!(heard.underruns <= 10, "{jitter:?}");
        assert!(heard.delay.1 <= 150, "{jitter:?}: {:?}", heard.delay);
    }
}

#[test]
fn a_fixed_delay_is_held_whatever_the_clocks_do() {
    let settings = Settings { adaptive: false, length_ms: 200, ..ADAPTIVE };
    let network = with(Loss::Bernoulli(0.1), Jitter::Uniform(Duration::from_millis(100)));
    let heard = run(Call { settings, network, red: &[1], clocks: (150.0, -150.0), seconds: 300, ..CALL });
    assert_eq!((heard.underruns, heard.missed), (0, 0));
    assert!(heard.delay.0 >= 190 && heard.delay.1 <= 225, "{:?}", heard.delay);
}

#[test]
fn disorder_and_doubles_cost_nothing() {
    let network = Conditions { reorder: 0.05, duplicate: 0.1, ..CALL.network };
    let heard = run(Call { network, seconds: 120, ..CALL });
    assert!(heard.missed <= 5, "until that is known");
    assert!(heard.stats.duplicate > 400);
    assert_eq!(heard.stats.lost, 0);
}

#[test]
fn what_the_next_packet_carries_is_played_when_no_copy_comes() {
    let heard = run(Call { network: with(Loss::Bernoulli(0.1), Jitter::None), fec: true, ..CALL });
    assert_eq!(heard.missed, 0);
    assert!(heard.stats.recovered_fec as usize * 10 > heard.gone * 8);
    assert!(heard.delay.1 <= 60, "{:?}", heard.delay);
}
