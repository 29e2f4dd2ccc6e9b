//! The codec as a whole. The streams and samples in `testdata/g723` were made with FFmpeg (5.1): `high` is its
//! encoder's and its decoder's work. `mixed` has both rates, a descriptor and untransmitted frames, with one FNV-1a
//! hash of the little-endian samples for each frame that FFmpeg decodes of it.

use proptest::prelude::*;

use super::{Decoder, Encoder, FRAME, Rate};
use crate::{DecodeError, Decoder as _, EncodeError, Encoder as _};

const HIGH: &[u8] = include_bytes!("../../testdata/g723/high.g723");
const HIGH_PCM: &[u8] = include_bytes!("../../testdata/g723/high.pcm");
const MIXED: &[u8] = include_bytes!("../../testdata/g723/mixed.g723");
const MIXED_HASHES: &str = include_str!("../../testdata/g723/mixed.fnv");

/// What the encoder's look-ahead delays.
const DELAY: usize = 60;

fn speech() -> Vec<i16> {
    HIGH_PCM.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect()
}

fn hash(pcm: &[i16]) -> u32 {
    pcm.iter()
        .flat_map(|x| x.to_le_bytes())
        .fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// The frames of a stream.
fn frames(mut stream: &[u8]) -> Vec<&[u8]> {
    let mut frames = Vec::new();
    while let Some(&first) = stream.first() {
        let (frame, rest) = stream.split_at([24, 20, 4, 1][usize::from(first & 3)]);
        frames.push(frame);
        stream = rest;
    }
    frames
}

fn decode(decoder: &mut Decoder, payload: &[u8]) -> Vec<i16> {
    let mut pcm = vec![0; decoder.samples(payload).unwrap()];
    assert_eq!(decoder.decode(payload, &mut pcm), Ok(pcm.len()));
    pcm
}

/// Frame by frame; an empty payload is a frame that was not sent.
fn encode(encoder: &mut Encoder, pcm: &[i16]) -> Vec<Vec<u8>> {
    let frame = |pcm: &[i16]| {
        let mut payload = [0; 24];
        let length = encoder.encode(pcm, &mut payload).unwrap();
        payload[..length].to_vec()
    };
    pcm.chunks_exact(FRAME).map(frame).collect()
}

fn level(pcm: &[i16]) -> f64 {
    (pcm.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / pcm.len() as f64).sqrt()
}

fn correlation(a: &[i16], b: &[i16]) -> f64 {
    let product: f64 = a.iter().zip(b).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum();
    product / (level(a) * level(b) * a.len().min(b.len()) as f64)
}

/// Noise of a level, smooth as that of a room.
fn noise(level: f64, samples: usize) -> Vec<i16> {
    let (mut seed, mut low) = (1u32, 0.0);
    let next = |_| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        low = 0.7 * low + f64::from(seed >> 8) / f64::from(1 << 23) - 1.0;
        (low * level * 1.237) as i16
    };
    (0..samples).map(next).collect()
}

#[test]
fn speech_at_the_high_rate_decodes_to_the_last_bit() {
    let mut decoder = Decoder::new();
    let decoded: Vec<i16> = frames(HIGH).iter().flat_map(|frame| decode(&mut decoder, frame)).collect();
    assert_eq!(decoded.len(), 40 * FRAME);
    let first_wrong = decoded.iter().zip(speech()).position(|(a, b)| *a != b);
    assert_eq!(first_wrong, None);
}

#[test]
fn both_rates_and_comfort_noise_decode_to_the_last_bit() {
    let mut decoder = Decoder::new();
    let hashes: Vec<String> =
        frames(MIXED).iter().map(|frame| format!("{:08x}", hash(&decode(&mut decoder, frame)))).collect();
    assert_eq!(hashes.len(), 90);
    assert_eq!(hashes, MIXED_HASHES.lines().collect::<Vec<_>>());
}

#[test]
fn several_frames_in_a_payload_are_the_same_as_one_by_one() {
    let together = decode(&mut Decoder::new(), MIXED);
    let mut decoder = Decoder::new();
    let apart: Vec<i16> = frames(MIXED).iter().flat_map(|frame| decode(&mut decoder, frame)).collect();
    assert_eq!(together, apart);
}

#[test]
fn a_payload_that_is_cut_off_leaves_the_decoder_as_it_was() {
    let mut decoder = Decoder::new();
    let mut pcm = [0; 4 * FRAME];
    for bad in [&HIGH[..0], &HIGH[..23], &HIGH[..25]] {
        assert_eq!(decoder.samples(bad), Err(DecodeError::Length(bad.len())));
        assert_eq!(decoder.decode(bad, &mut pcm), Err(DecodeError::Length(bad.len())));
    }
    assert_eq!(decoder.decode(&HIGH[..48], &mut pcm[..2 * FRAME - 1]), Err(DecodeError::Room));
    assert_eq!(decode(&mut decoder, &HIGH[..24]), speech()[..FRAME]);
}

#[test]
fn what_is_encoded_sounds_like_the_speech() {
    let speech = speech();
    for (rate, bytes, least) in [(Rate::High, 24, 0.95), (Rate::Low, 20, 0.93)] {
        let payloads = encode(&mut Encoder::new(rate, false), &speech);
        assert!(payloads.iter().all(|payload| payload.len() == bytes));
        let decoded = decode(&mut Decoder::new(), &payloads.concat());
        let found = correlation(&speech[..speech.len() - DELAY], &decoded[DELAY..]);
        assert!(found > least, "{rate:?}: {found}");
        let louder = level(&decoded) / level(&speech);
        assert!((0.9..1.1).contains(&louder), "{rate:?}: {louder}");
    }
}

#[test]
fn payloads_of_several_frames_hold_the_frames_one_by_one() {
    let speech = speech();
    let single = encode(&mut Encoder::new(Rate::Low, false), &speech);
    let mut encoder = Encoder::new(Rate::Low, false);
    let mut payload = [0; 96];
    for (pcm, frames) in speech.chunks_exact(4 * FRAME).zip(single.chunks_exact(4)) {
        assert_eq!(encoder.encode(pcm, &mut payload), Ok(80));
        assert_eq!(payload[..80], frames.concat());
    }
}

#[test]
fn the_rate_can_change_while_speech_goes_on() {
    let mut encoder = Encoder::new(Rate::High, false);
    let mut payload = [0; 24];
    let speech = speech();
    assert_eq!(encoder.encode(&speech[..FRAME], &mut payload), Ok(24));
    encoder.set_bitrate(5300);
    assert_eq!(encoder.encode(&speech[FRAME..2 * FRAME], &mut payload), Ok(20));
    encoder.set_bitrate(6300);
    assert_eq!(encoder.encode(&speech[2 * FRAME..3 * FRAME], &mut payload), Ok(24));
}

#[test]
fn wrong_lengths_and_short_payloads_are_errors() {
    let mut encoder = Encoder::new(Rate::High, false);
    let mut payload = [0; 47];
    assert_eq!(encoder.encode(&[], &mut payload), Err(EncodeError::Length(0)));
    assert_eq!(encoder.encode(&[0; 160], &mut payload), Err(EncodeError::Length(160)));
    assert_eq!(encoder.encode(&[0; 2 * FRAME], &mut payload), Err(EncodeError::Room));
}

#[test]
fn silence_is_described_once_and_then_not_sent() {
    let mut encoder = Encoder::new(Rate::High, true);
    let room = noise(60.0, 100 * FRAME);
    let payloads = encode(&mut encoder, &room);
    let lengths: Vec<usize> = payloads.iter().map(Vec::len).collect();
    let first = lengths.iter().position(|&length| length == 4).expect("a descriptor");
    assert!(first < 40, "{first}");
    assert!(lengths[..first].iter().all(|&length| length == 24));
    let sent = lengths[first..].iter().filter(|&&length| length > 0).count();
    assert!(sent < 8, "{lengths:?}");

    // What the other side makes up in the meantime is as loud, and both stay in step when speech comes back.
    let mut decoder = Decoder::new();
    let mut heard = Vec::new();
    for payload in &payloads {
        let mut pcm = [0; FRAME];
        match payload.len() {
            0 => decoder.conceal(&mut pcm),
            _ => pcm.copy_from_slice(&decode(&mut decoder, payload)),
        }
        heard.extend(pcm);
    }
    let louder = level(&heard[60 * FRAME..]) / level(&room[60 * FRAME..]);
    assert!((0.6..1.6).contains(&louder), "{louder}");

    let speech = speech();
    let payloads = encode(&mut encoder, &speech);
    let loud: Vec<usize> =
        (0..payloads.len()).filter(|&frame| level(&speech[frame * FRAME..][..FRAME]) > 1000.0).collect();
    assert!(loud.len() > 10);
    assert!(loud.iter().all(|&frame| payloads[frame].len() == 24));
    let mut heard = Vec::new();
    for payload in &payloads {
        let mut pcm = [0; FRAME];
        match payload.len() {
            0 => decoder.conceal(&mut pcm),
            _ => pcm.copy_from_slice(&decode(&mut decoder, payload)),
        }
        heard.extend(pcm);
    }
    let found = correlation(&speech[..speech.len() - DELAY], &heard[DELAY..]);
    assert!(found > 0.93, "{found}");
}

#[test]
fn silence_before_speech_in_a_payload_keeps_its_time() {
    let mut encoder = Encoder::new(Rate::High, true);
    encode(&mut encoder, &noise(60.0, 60 * FRAME));
    let mut pcm = noise(60.0, FRAME);
    pcm.extend_from_slice(&speech()[20 * FRAME..23 * FRAME]);
    let mut payload = [0; 96];
    let length = encoder.encode(&pcm, &mut payload).unwrap();
    assert_eq!(payload[0] & 3, 3);
    assert_eq!(Decoder::new().samples(&payload[..length]), Ok(4 * FRAME));
    // Silence at the end is left out.
    let quiet = noise(60.0, 60 * FRAME);
    encode(&mut encoder, &quiet);
    assert_eq!(encoder.encode(&quiet[..4 * FRAME], &mut payload), Ok(0));
}

#[test]
fn lost_speech_fades_out_without_a_jump() {
    let speech = speech();
    let mut decoder = Decoder::new();
    let loudest = frames(HIGH);
    // Lose what follows the middle of a loud vowel.
    let from = (5..30).max_by_key(|&frame| level(&speech[frame * FRAME..][..FRAME]) as u32).unwrap();
    let before: Vec<i16> = loudest[..=from].iter().flat_map(|frame| decode(&mut decoder, frame)).collect();
    let steepest = before.windows(2).map(|pair| pair[0].abs_diff(pair[1])).max().unwrap();
    let mut lost = vec![0; 6 * FRAME];
    // In pieces that are no frames.
    for pcm in lost.chunks_mut(160) {
        decoder.conceal(pcm);
    }
    let levels: Vec<f64> = lost.chunks_exact(FRAME).map(level).collect();
    assert!(levels[0] > 0.2 * level(&before[from * FRAME..]), "{levels:?}");
    assert!(levels.windows(2).all(|pair| pair[1] <= pair[0]), "{levels:?}");
    assert!(levels[3] < 5.0, "{levels:?}");
    let last = *before.last().unwrap();
    let jump = lost.iter().fold((last, 0), |(last, worst), &x| (x, worst.max(last.abs_diff(x)))).1;
    assert!(jump <= steepest, "{jump} > {steepest}");
    // And speech comes back.
    let after: Vec<i16> = loudest[from + 1..].iter().flat_map(|frame| decode(&mut decoder, frame)).collect();
    let found = correlation(&after[5 * FRAME..], &speech[(from + 6) * FRAME..]);
    assert!(found > 0.9, "{found}");
}

#[test]
fn a_frame_with_a_forbidden_code_counts_as_lost() {
    let good = frames(HIGH);
    let mut bad = good[12].to_vec();
    bad[3] = 0xff;
    bad[4] = 0xff;
    let (mut one, mut other) = (Decoder::new(), Decoder::new());
    for frame in &good[..12] {
        decode(&mut one, frame);
        decode(&mut other, frame);
    }
    let mut concealed = [0; FRAME];
    other.conceal(&mut concealed);
    assert_eq!(decode(&mut one, &bad), concealed);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_bytes_decode_or_are_an_error(
        payloads in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..100), any::<bool>()), 1..6)
    ) {
        let mut decoder = Decoder::new();
        let mut pcm = [0; 100 * FRAME];
        for (payload, lost) in payloads {
            if lost {
                decoder.conceal(&mut pcm[..333]);
            }
            let expected = decoder.samples(&payload);
            prop_assert_eq!(decoder.decode(&payload, &mut pcm), expected);
        }
    }

    /// Full frames, which random lengths seldom are.
    #[test]
    fn any_frames_decode(stream in prop::collection::vec(any::<[u8; 24]>(), 1..24)) {
        let mut decoder = Decoder::new();
        let mut pcm = [0; FRAME];
        for bytes in stream {
            let length = [24, 20, 4, 1][usize::from(bytes[0] & 3)];
            prop_assert_eq!(decoder.decode(&bytes[..length], &mut pcm), Ok(FRAME));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_samples_encode(pieces in prop::collection::vec((any::<u64>(), 0u8..6), 1..8), high: bool, silence: bool) {
        let mut encoder = Encoder::new(if high { Rate::High } else { Rate::Low }, silence);
        let mut decoder = Decoder::new();
        for (seed, kind) in pieces {
            let mut state = seed | 1;
            let pcm: Vec<i16> = (0..2 * FRAME as u64).map(|index| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                match kind {
                    0 => (state >> 48) as i16,
                    1 => [i16::MAX, i16::MIN][(index / (seed % 90 + 1) % 2) as usize],
                    2 => i16::MIN * i16::from(index % (seed % 200 + 1) == 0),
                    3 => (32767.0 * (index as f64 * (seed % 1000) as f64 / 318.0).sin()) as i16,
                    4 => (state >> 61) as i16 - 4,
                    _ => 0,
                }
            }).collect();
            let mut payload = [0; 48];
            let length = encoder.encode(&pcm, &mut payload).unwrap();
            if length > 0 {
                let decoded = decode(&mut decoder, &payload[..length]);
                prop_assert!(!decoded.is_empty());
            }
        }
    }
}
