//! How long each part takes for 10 ms of sound: `cargo run --release -p audio --example speed`.

use std::hint::black_box;
use std::time::Instant;

use audio::comfort::{NoiseAnalyser, NoiseMaker};
use audio::tone::{DtmfDetector, ToneName, TonePlayer};
use audio::{Agc, BLOCK, Gain, HearingAid, Mixer, RATE, Resampler, Sidetone, Vad};

/// The best of many short runs: what else the machine does is left out.
fn measure(name: &str, mut call: impl FnMut(usize)) {
    const RUN: usize = 20;
    (0..100).for_each(&mut call);
    let run = |_| {
        let start = Instant::now();
        (0..RUN).for_each(&mut call);
        start.elapsed().as_nanos() as usize / RUN
    };
    println!("{name:24} {:>9} ns", (0..100).map(run).min().unwrap_or(0));
}

fn main() {
    let sound: Vec<i16> = (0..BLOCK * 100).map(|i| ((i * 7919 % 20_011) as i32 - 10_000) as i16).collect();
    let at = |n: usize| &sound[n % 100 * BLOCK..][..BLOCK];
    let mut out = [0; BLOCK];
    for (from, to) in [
        (8000, RATE),
        (RATE, 8000),
        (16_000, RATE),
        (RATE, 16_000),
        (24_000, RATE),
        (RATE, 24_000),
        (32_000, RATE),
        (RATE, 32_000),
        (44_100, RATE),
        (RATE, 44_100),
    ] {
        if let Ok(mut resampler) = Resampler::new(from, to) {
            let len = resampler.input_len();
            measure(&format!("{from} to {to}"), |n| resampler.process(&at(n)[..len], black_box(&mut out)));
        }
    }
    let mut gain = Gain::new(3.0);
    measure("gain", |n| {
        out.copy_from_slice(at(n));
        gain.process(black_box(&mut out));
    });
    let mut aid = HearingAid::new();
    measure("hearing aid", |n| {
        out.copy_from_slice(at(n));
        aid.process(black_box(&mut out));
    });
    let mut agc = Agc::new();
    measure("agc", |n| {
        out.copy_from_slice(at(n));
        agc.process(black_box(&mut out));
    });
    let mut sidetone = Sidetone::new(15);
    measure("sidetone", |n| sidetone.process(at(n), black_box(&mut out)));
    let mut mixer = Mixer::new();
    measure("mix of four, four out", |n| {
        mixer.clear();
        (0..4).for_each(|i| mixer.add(at(n + i)));
        (0..4).for_each(|i| mixer.without(at(n + i), black_box(&mut out)));
    });
    let mut vad = Vad::new();
    measure("vad", |n| _ = black_box(vad.process(at(n))));
    let mut analyser = NoiseAnalyser::new();
    measure("noise analysis, 8 kHz", |n| analyser.take(&at(n)[..80]));
    let mut maker = NoiseMaker::new(1);
    maker.white(-50.0);
    measure("noise made, 8 kHz", |_| maker.fill(black_box(&mut out[..80])));
    let mut player = TonePlayer::new(RATE);
    player.play(ToneName::Dial.pattern());
    measure("dial tone", |_| player.fill(black_box(&mut out)));
    let mut detector = DtmfDetector::new();
    measure("dtmf detector, 8 kHz", |n| _ = black_box(detector.process(&at(n)[..80])));
    echo(&sound);
}

#[cfg(feature = "aec")]
fn echo(sound: &[i16]) {
    use audio::echo::{Aec3, EchoCanceller};
    for noise in [false, true] {
        let mut aec = Aec3::new(noise);
        measure(if noise { "echo and noise" } else { "echo" }, |n| {
            let block = |n: usize| sound[n % 100 * BLOCK..].first_chunk().copied().unwrap_or([0; BLOCK]);
            let mut microphone = block(n);
            aec.process(black_box(&mut microphone), &block(n + 4));
        });
    }
}

#[cfg(not(feature = "aec"))]
fn echo(_: &[i16]) {}
