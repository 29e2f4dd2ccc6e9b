//! Nothing in the path of sound allocates once it is made. A program of its own, without the harness's threads.

use std::alloc::System;

use audio::comfort::{NoiseAnalyser, NoiseMaker};
use audio::device::{AudioDevice, BrowserDevice, LoopbackDevice, NullDevice, WavDevice};
use audio::level::{SpeechLevel, dbov};
use audio::tone::{DtmfDetector, ToneName, TonePlayer, dtmf};
use audio::{Agc, BLOCK, Gain, HearingAid, Mixer, RATE, Resampler, Sidetone, Vad};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Allocations and frees of fifty calls.
fn allocations(mut call: impl FnMut(i16)) -> usize {
    let region = Region::new(ALLOCATOR);
    for n in 0..50 {
        call(n * 300);
    }
    let change = region.change();
    change.allocations + change.reallocations + change.deallocations
}

/// Test runners ask a program what is in it before they start it.
fn is_asked_for_its_tests() -> bool {
    let asked = |flag: &str| std::env::args().any(|argument| argument == flag);
    if asked("--list") && !asked("--ignored") {
        println!("no_part_allocates_while_it_works: test");
    }
    asked("--list")
}

fn main() {
    if is_asked_for_its_tests() {
        return;
    }
    no_part_allocates_while_it_works();
    println!("nothing but the echo canceller allocates");
}

fn no_part_allocates_while_it_works() {
    let mut block = [0_i16; BLOCK];
    for (from, to) in [(8000, RATE), (RATE, 8000), (RATE, 16_000), (RATE, 24_000), (RATE, 32_000), (44_100, RATE)] {
        let mut resampler = Resampler::new(from, to).expect("rates");
        assert_eq!(allocations(|n| resampler.process(&[n; BLOCK], &mut block)), 0, "{from} to {to}");
    }
    let (mut gain, mut aid, mut agc, mut sidetone) = (Gain::new(0.0), HearingAid::new(), Agc::new(), Sidetone::new(15));
    let (mut mixer, mut vad, mut level) = (Mixer::new(), Vad::new(), SpeechLevel::new(RATE));
    let (mut analyser, mut maker) = (NoiseAnalyser::new(), NoiseMaker::new(1));
    let made = allocations(|n| {
        block.fill(n);
        gain.set_db(f32::from(n) / 3000.0);
        gain.process(&mut block);
        aid.process(&mut block);
        agc.process(&mut block);
        sidetone.process(&[n; BLOCK], &mut block);
        mixer.clear();
        mixer.add(&block);
        mixer.without(&[n; BLOCK], &mut block);
        vad.process(&block);
        level.take(&block);
        dbov(&block);
        analyser.take(&block);
        let mut payload = [0; 11];
        let len = analyser.payload(10, &mut payload);
        maker.describe(&payload[..len]);
        maker.fill(&mut block);
    });
    assert_eq!(made, 0, "levels, gains and noise");

    let (mut player, mut detector) = (TonePlayer::new(RATE), DtmfDetector::new());
    let made = allocations(|n| {
        match n % 900 {
            0 => player.play(ToneName::Ring(2).pattern()),
            300 => player.play(dtmf::pattern("159*0#", 100, 50)),
            _ => player.stop(),
        }
        player.mix(&mut block);
        detector.process(&block);
    });
    assert_eq!(made, 0, "tones");

    let (mut null, mut loopback) = (NullDevice::new().paced(false), LoopbackDevice::new(4).paced(false));
    let dir = tempfile::tempdir().expect("a directory");
    let file = WavDevice::open(None, Some(&dir.path().join("out.wav")), true).expect("a file");
    let mut file = file.paced(false);
    let (browser, mut end) = BrowserDevice::new();
    let mut browser = browser.paced(false);
    let (message, mut out) = ([1; BLOCK * 2], [0; BLOCK * 2]);
    let made = allocations(|n| {
        let mut microphone = [0; BLOCK];
        null.exchange(&[n; BLOCK], &mut microphone).expect("there");
        loopback.exchange(&[n; BLOCK], &mut microphone).expect("there");
        file.exchange(&[n; BLOCK], &mut microphone).expect("there");
        end.push_microphone(&message).expect("a block");
        browser.exchange(&[n; BLOCK], &mut microphone).expect("there");
        end.pull_speaker(&mut out);
    });
    assert_eq!(made, 0, "devices");
    echo_canceller();
}

/// The port of AEC3 does allocate; how much is written down here, so that more of it is noticed.
#[cfg(feature = "aec")]
fn echo_canceller() {
    use audio::echo::{Aec3, EchoCanceller};
    let mut aec = Aec3::new(true);
    let mut microphone = [0; BLOCK];
    for n in 0..100 {
        aec.process(&mut microphone, &[n * 3; BLOCK]);
    }
    let made = allocations(|n| {
        for (i, sample) in microphone.iter_mut().enumerate() {
            *sample = (i as i16 * 31) ^ n;
        }
        aec.process(&mut microphone, &[n; BLOCK]);
    });
    println!("echo canceller: {made} allocations and frees in 50 blocks");
    assert!(made < 50 * 150, "{made}");
}

#[cfg(not(feature = "aec"))]
fn echo_canceller() {}
