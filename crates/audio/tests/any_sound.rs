//! No sound, however odd, brings a part of the path to panic, and none of them invents sound out of silence.

use audio::level::{SpeechLevel, dbov};
use audio::tone::{DtmfDetector, Pattern, TonePlayer, ToneSpec};
use audio::{Agc, BLOCK, HearingAid, Mixer, RATE, Sidetone, Vad};
use proptest::prelude::*;

/// Sound of extremes, silence and anything between.
fn sound() -> impl Strategy<Value = Vec<i16>> {
    let sample = prop_oneof![Just(i16::MIN), Just(i16::MAX), Just(0), any::<i16>()];
    prop::collection::vec(sample, 0..3 * BLOCK)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(50))]

    #[test]
    fn any_sound_is_taken(sound in sound(), size in 1_usize..600) {
        let (mut agc, mut aid, mut vad) = (Agc::new(), HearingAid::new(), Vad::new());
        let (mut meter, mut detector, mut mixer) = (SpeechLevel::new(8000), DtmfDetector::new(), Mixer::new());
        for part in sound.chunks(size) {
            let mut block = part.to_vec();
            vad.process(&block);
            meter.take(&block);
            detector.process(&block);
            agc.process(&mut block);
            aid.process(&mut block);
            mixer.add(&block);
            prop_assert!((-127.0..=0.0).contains(&dbov(&block)));
        }
        prop_assert!(agc.gain_db().is_finite() && vad.floor_dbov().is_finite());
        prop_assert!(meter.result().is_none_or(|(level, share)| level <= 0.0 && (0.0..=1.0).contains(&share)));
    }

    #[test]
    fn silence_stays_silence(level in any::<u8>(), blocks in 1_usize..50) {
        let (mut agc, mut aid, mut sidetone) = (Agc::new(), HearingAid::new(), Sidetone::new(level));
        for _ in 0..blocks {
            let mut block = [0; BLOCK];
            agc.process(&mut block);
            aid.process(&mut block);
            sidetone.process(&[0; BLOCK], &mut block);
            prop_assert_eq!(block, [0; BLOCK]);
        }
    }

    #[test]
    fn any_tone_of_a_setting_is_played(
        hz in (0_u16..=4000, 0_u16..=4000),
        dbm in (-96_i16..=0, -96_i16..=0),
        times in prop::collection::vec((any::<u16>(), prop_oneof![Just(0), any::<u16>(), 0_u16..5]), 1..=3),
    ) {
        let cadences: Vec<String> = times.iter().map(|(on, off)| format!("{on}/{off}")).collect();
        let text = format!("f1={}@{},f2={}@{},c={};", hz.0, dbm.0, hz.1, dbm.1, cadences.join("-"));
        let pattern = Pattern::of_spec(&ToneSpec::parse(&text).expect("a tone"));
        let mut player = TonePlayer::new(RATE);
        player.play(pattern);
        let mut block = [0; BLOCK];
        for _ in 0..30 {
            player.fill(&mut block);
        }
        player.stop();
        player.fill(&mut block);
        prop_assert!(!player.is_playing());
        player.fill(&mut block);
        prop_assert_eq!(block, [0; BLOCK]);
    }
}
