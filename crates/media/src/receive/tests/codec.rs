//! Real codecs: no pops where losses begin and end or time is stretched, and clocks that are not the rate.

use core::time::Duration;

use codecs::{Codec, opus};

use super::*;
use crate::netsim::{Conditions, Jitter, Link, Loss};
use crate::receive::Stats;

/// A vowel that glides, at a rate.
fn vowel(rate: u32, seconds: u32) -> Vec<i16> {
    let mut phase = 0.0f64;
    let glide = |n: u32| 120.0 + 30.0 * (f64::from(n) / f64::from(rate) * 3.0).sin();
    let sample = |n: u32| {
        phase += glide(n) / f64::from(rate) * std::f64::consts::TAU;
        (5000.0 * phase.sin() + 2500.0 * (2.0 * phase).sin() + 1500.0 * (5.0 * phase).sin()) as i16
    };
    (0..rate * seconds).map(sample).collect()
}

/// What is heard of a vowel through a network.
fn hear(codec: Codec, clock: u32, red: bool, network: Conditions, seconds: u32) -> (Vec<i16>, Vec<i16>, Stats) {
    let mut encoder = codec.encoder().unwrap();
    let rate = encoder.sample_rate();
    encoder.set_loss(30);
    let spoken = vowel(rate, seconds);
    let settings = Settings { clock, ..ADAPTIVE };
    let mut receiver = Receiver::new(settings, codec.decoder().unwrap(), TYPES);
    let mut link = Link::new(network, 7);
    let (mut heard, mut before) = (Vec::new(), [Vec::new(), Vec::new()]);
    for (n, pcm) in spoken.chunks_exact(rate as usize / 50).enumerate() {
        let now = Duration::from_millis(n as u64 * 20);
        let mut payload = vec![0; 1400];
        let len = encoder.encode(pcm, &mut payload).unwrap();
        payload.truncate(len);
        let mut packet = vec![0; 1400];
        let offset = (clock / 25) as u16;
        let blocks: &[(u8, u16, &[u8])] = if red && n > 1 { &[(AUDIO, offset, before[0].as_slice())] } else { &[] };
        let len = rtp::red::write(&mut packet, blocks, (AUDIO, &payload)).unwrap();
        packet.truncate(len);
        before = [core::mem::take(&mut before[1]), payload];
        link.send(now, (n as u16, packet));
        for half in 0..2 {
            let now = now + Duration::from_millis(half * 10 + 3);
            while let Some((when, (n, packet))) = link.receive(now) {
                let timestamp = u32::from(n) * clock / 50;
                let header = rtp::Header { payload_type: RED, sequence: n, timestamp, ..rtp::Header::default() };
                receiver.insert(when, &header, &packet);
            }
            let mut pcm = vec![0; rate as usize / 100];
            receiver.pull(now, &mut pcm);
            heard.extend(pcm);
        }
    }
    (spoken, heard, receiver.stats())
}

fn lossy(share: f64) -> Conditions {
    Conditions { loss: Loss::Bernoulli(share), ..Conditions::default() }
}

#[test]
fn nothing_pops_in_g711_at_any_loss_or_jitter() {
    let jitter = Jitter::Spikes(Duration::from_millis(80));
    for network in [lossy(0.0), lossy(0.1), lossy(0.3), Conditions { jitter, ..lossy(0.05) }] {
        for red in [false, true] {
            let (spoken, heard, stats) = hear(Codec::Pcma, 8000, red, network, 20);
            let (smooth, step) = (largest_step(&spoken), largest_step(&heard));
            println!("{network:?} {red}: {step} of {smooth} {stats:?}");
            assert!(step <= smooth * 3 / 2, "{network:?}: {step} of {smooth}");
        }
    }
}

#[test]
fn opus_is_heard_at_its_own_rate_and_repaired() {
    let codec =
        Codec::Opus(opus::Options { bitrate: 24_000, bandwidth: opus::Bandwidth::Wide, ..opus::Options::default() });
    let (spoken, heard, stats) = hear(codec, 48_000, true, lossy(0.3), 10);
    assert!(stats.recovered_red > 80 && stats.recovered_fec > 10, "{stats:?}");
    assert!(stats.concealed_ms < 1000, "{stats:?}");
    let (smooth, step) = (largest_step(&spoken), largest_step(&heard));
    assert!(step <= smooth * 3 / 2, "{step} of {smooth}");
    let power = |pcm: &[i16]| pcm.iter().map(|&s| f64::from(s).powi(2)).sum::<f64>() / pcm.len() as f64;
    let ratio = power(&heard) / power(&spoken);
    assert!((0.7..1.3).contains(&ratio), "{ratio}");
}
