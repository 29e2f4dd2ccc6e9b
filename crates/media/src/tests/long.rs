//! Ten minutes of a call, while packets get lost and the two clocks run apart.

use super::*;
use crate::netsim::Random;

/// One in ten packets is lost.
const LOSS: f64 = 0.1;
/// The way takes so long, and up to so much longer, microseconds.
const WAY: u64 = 20_000;
const JITTER: u64 = 10_000;
/// Blocks of the two sound devices, nanoseconds: 100 ppm too fast and too slow.
const BLOCKS: [u64; 2] = [9_999_000, 10_001_000];
const CALL: u64 = 600_000_000_000;

/// A datagram on its way: when it is there, whose it is.
struct OnItsWay {
    at: u64,
    to: usize,
    port: Port,
    bytes: Vec<u8>,
}

#[test]
fn ten_minutes_at_ten_percent_loss_with_clocks_that_run_apart() {
    let (one, two) = (red(config(Codec::Pcmu, 5000)), red(config(Codec::Pcmu, 4000)));
    let mut pair = Pair::new(one, two);
    let mut tones = [Tone::new(440.0), Tone::new(1000.0)];
    let (mut due, mut random) = ([0, 3_000_000], Random::new(5));
    let mut way: Vec<OnItsWay> = Vec::new();
    let mut settled = [None; 2];
    let mut delays: [Vec<u32>; 2] = Default::default();
    while due[0].min(due[1]) < CALL {
        let at = usize::from(due[1] < due[0]);
        let now = Duration::from_nanos(due[at]);
        for index in (0..way.len()).rev() {
            if way[index].at <= due[at] && way[index].to == at {
                let mut come = way.swap_remove(index);
                let from = address(PORTS[1 - at] + u16::from(come.port == Port::Rtcp));
                pair.legs[at].receive(Duration::from_nanos(come.at), come.port, from, &mut come.bytes);
            }
        }
        let mut block = [0; BLOCK];
        pair.legs[at].play(now, &mut block);
        pair.legs[at].capture(now, Some(&tones[at].block()));
        pair.legs[at].tick(now);
        while let Some((port, _, bytes)) = pair.legs[at].poll_transmit() {
            if !random.chance(LOSS) {
                let at_there = due[at] + 1000 * (WAY + (random.unit() * JITTER as f64) as u64);
                way.push(OnItsWay { at: at_there, to: 1 - at, port, bytes: bytes.to_vec() });
            }
        }
        due[at] += BLOCKS[at];
        let stats = pair.legs[at].quality(now).buffer;
        if now >= Duration::from_secs(1) && settled[at].is_none() {
            settled[at] = Some(stats);
        }
        if now >= Duration::from_secs(10) && due[at] % 1000 == 0 && (due[at] / BLOCKS[at]).is_multiple_of(50) {
            delays[at].push(stats.delay_ms);
        }
    }
    for (at, leg) in pair.legs.iter().enumerate() {
        let quality = leg.quality(Duration::from_nanos(CALL));
        let before = settled[at].unwrap();
        assert_eq!(quality.buffer.underruns, before.underruns, "after the first second: {quality:#?}");
        assert!((9.0..11.0).contains(&quality.loss_percent), "{quality:#?}");
        // Of ten percent lost, copies leave less than a hundredth missing.
        let concealed = quality.buffer.concealed_ms - before.concealed_ms;
        assert!(concealed < 6_000, "{concealed} ms of ten minutes made up");
        let (least, most) = (delays[at].iter().min().unwrap(), delays[at].iter().max().unwrap());
        assert!(quality.mouth_to_ear < Duration::from_millis(150), "{:?}", quality.mouth_to_ear);
        assert!(*most <= 150 && most - least <= 80, "delay from {least} to {most} ms");
        // What the clocks differ by has been noticed, one way and the other.
        assert!((quality.buffer.drift_ppm.abs() - 100.0).abs() < 30.0, "{} ppm", quality.buffer.drift_ppm);
        assert!(quality.report.mos_lq >= Some(38), "{quality:#?}");
    }
}
