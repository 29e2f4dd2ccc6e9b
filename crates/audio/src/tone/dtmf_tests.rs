use super::*;
use crate::signal::{Noise, Speech};
use crate::tone::TonePlayer;

const ALL: &str = "0123456789*#ABCD";

/// Digits heard in sound of 8 kHz.
fn heard(sound: &[i16]) -> (String, Vec<u32>) {
    let mut detector = DtmfDetector::new();
    let (mut digits, mut times) = (String::new(), vec![]);
    for block in sound.chunks(80) {
        match detector.process(block) {
            Some(DtmfEvent::Start(digit)) => digits.push(digit),
            Some(DtmfEvent::End(digit, ms)) => {
                assert!(digits.ends_with(digit));
                times.push(ms);
            }
            None => {}
        }
    }
    (digits, times)
}

/// One digit at 8 kHz with levels in dBm0, frequencies off by `off` (0.01 = 1 %).
fn tone(digit: char, low_dbm0: f32, high_dbm0: f32, off: f32, ms: u32) -> Vec<i16> {
    let mut step = step(digit, ms).unwrap();
    step = Step::tone((step.hz[0] * (1.0 + off), low_dbm0), (step.hz[1] * (1.0 + off), high_dbm0), ms);
    let mut player = TonePlayer::new(RATE);
    player.play(Pattern::new(&[step], false));
    let mut out = vec![0; ms as usize * 8];
    player.fill(&mut out);
    out
}

#[test]
fn a_thousand_digits_in_noise_are_heard_exactly() {
    let mut noise = Noise::new(7);
    let mut sound = vec![0_i16; 400];
    let mut sent = String::new();
    for n in 0..1000 {
        let digit = ALL.chars().nth(noise.below(16)).unwrap();
        sent.push(digit);
        // From the least times of Q.24 to the usual ones, up to 1.5 % off, levels from -26 dBm0, twist -6 to +3 dB.
        let on = if n % 2 == 0 { 40 } else { 100 };
        let off = if n % 3 == 0 { 40 } else { 50 };
        let level = -26.0 + noise.below(18) as f32;
        let twist = noise.below(10) as f32 - 6.0;
        let error = (noise.below(31) as f32 - 15.0) / 1000.0;
        sound.extend(tone(digit, level, level + twist, error, on));
        sound.extend(vec![0; off * 8 + noise.below(50)]);
    }
    // Noise of -47 dBm0 power: 15 dB below the softest sine of all (-32 dBm0).
    for sample in &mut sound {
        *sample = sample.saturating_add((noise.gaussian() * 72.0) as i16);
    }
    let (digits, times) = heard(&sound);
    assert_eq!(digits, sent);
    assert!(times.iter().all(|ms| (25..=115).contains(ms)));
}

#[test]
fn the_default_digits_are_heard_as_the_phone_plays_them() {
    let mut player = TonePlayer::new(RATE);
    player.play(pattern("159*0#", ON_MS, OFF_MS));
    let mut sound = vec![0; 8000];
    player.fill(&mut sound);
    assert_eq!(heard(&sound).0, "159*0#");
}

#[test]
fn too_short_too_soft_too_far_off_or_too_uneven_is_no_digit() {
    let quiet = vec![0; 800];
    let rejected = [
        ("short", tone('5', -8.0, -8.0, 0.0, 20)),
        ("soft", tone('5', -45.0, -45.0, 0.0, 100)),
        ("off", tone('5', -8.0, -8.0, 0.05, 100)),
        ("twist", tone('5', -18.0, -8.0, 0.0, 100)),
        ("reverse twist", tone('5', -6.0, -18.0, 0.0, 100)),
    ];
    for (why, sound) in rejected {
        assert_eq!(heard(&[quiet.clone(), sound, quiet.clone()].concat()).0, "", "{why}");
    }
    assert_eq!(heard(&[quiet.clone(), tone('5', -12.0, -12.0, 0.015, 100), quiet].concat()).0, "5");
}

#[test]
fn a_gap_of_10_ms_does_not_split_a_digit() {
    let part = tone('8', -10.0, -8.0, 0.0, 100);
    let sound = [part.clone(), vec![0; 80], part, vec![0; 800]].concat();
    assert_eq!(heard(&sound).0, "8");
}

#[test]
fn speech_is_no_digit() {
    for seed in 0..20 {
        let sound: Vec<i16> = Speech::new(8000, seed).take(8000 * 15).collect();
        assert_eq!(heard(&sound).0, "", "seed {seed}");
    }
}

#[test]
fn call_progress_tones_and_noise_are_no_digits() {
    use crate::tone::ToneName::*;
    for name in [Dial, Message, Ringback, CallWaiting, Busy, Reorder] {
        let mut player = TonePlayer::new(RATE);
        player.play(name.pattern().with_gain(10.0));
        let mut sound = vec![0; 8000 * 4];
        player.fill(&mut sound);
        assert_eq!(heard(&sound).0, "", "{name:?}");
    }
    let mut noise = Noise::new(3);
    let sound: Vec<i16> = (0..8000 * 20).map(|_| (noise.gaussian() * 4000.0) as i16).collect();
    assert_eq!(heard(&sound).0, "");
}
