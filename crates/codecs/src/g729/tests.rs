use super::*;
use crate::testing::samples;
use crate::{Decoder as _, Encoder as _};

const SAID: &[u8] = include_bytes!("../../testdata/speech_8k.s16");

fn encode_all(encoder: &mut Encoder, pcm: &[i16], frames: usize) -> Vec<Vec<u8>> {
    pcm.chunks_exact(frames * FRAME)
        .map(|pcm| {
            let mut payload = [0; 120];
            let len = encoder.encode(pcm, &mut payload).unwrap();
            payload[..len].to_vec()
        })
        .collect()
}

fn decode_all(payloads: &[Vec<u8>], samples: usize) -> Vec<i16> {
    let mut decoder = Decoder::new().unwrap();
    let mut out = Vec::new();
    for payload in payloads {
        let mut pcm = vec![0; samples];
        if payload.is_empty() {
            decoder.conceal(&mut pcm);
        } else {
            let made = decoder.decode(payload, &mut pcm).unwrap();
            decoder.conceal(&mut pcm[made..]);
        }
        out.extend(pcm);
    }
    out
}

fn energy(pcm: &[i16]) -> f64 {
    pcm.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / pcm.len() as f64
}

/// How alike the two are, from -1 to 1, at the best of the first delays.
fn likeness(said: &[i16], heard: &[i16]) -> f64 {
    (0..80)
        .map(|delay| {
            let (mut product, mut a, mut b) = (0.0, 1.0, 1.0);
            for (x, y) in said.iter().zip(&heard[delay..]) {
                let (x, y) = (f64::from(*x), f64::from(*y));
                (product, a, b) = (product + x * y, a + x * x, b + y * y);
            }
            product / f64::sqrt(a * b)
        })
        .fold(-1.0, f64::max)
}

/// Speech, a second without, speech again, all over faint noise that was there for half a second before.
fn with_pause() -> Vec<i16> {
    let said = samples(SAID);
    let mut seed = 1_u32;
    let mut noise = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 26) as i16 - 32
    };
    let quiet = [0; 8000];
    let parts = [&quiet[..4000], &said, &quiet, &said];
    parts.iter().copied().flatten().map(|sample| sample.saturating_add(noise())).collect()
}

#[test]
fn speech_comes_back_alike_whatever_the_length_of_packets() {
    let said = samples(SAID);
    for frames in [1, 2, 3, 6] {
        let payloads = encode_all(&mut Encoder::new(false).unwrap(), &said, frames);
        assert!(payloads.iter().all(|payload| payload.len() == frames * SPEECH));
        let heard = decode_all(&payloads, frames * FRAME);
        let likeness = likeness(&said, &heard);
        assert!(likeness > 0.7, "{frames} frames: {likeness}");
    }
}

#[test]
fn silence_is_not_sent() {
    let pcm = with_pause();
    for frames in [1, 2, 3] {
        let payloads = encode_all(&mut Encoder::new(true).unwrap(), &pcm, frames);
        let unsent = payloads.iter().filter(|payload| payload.is_empty()).count();
        assert!(unsent * frames > 70, "{frames} frames: {unsent} packets not sent");
        assert!(payloads.iter().any(|payload| payload.len() % SPEECH == SID));
        let heard = decode_all(&payloads, frames * FRAME);
        let pause = &heard[12_000..17_000];
        assert!(energy(pause) < 2000.0 && energy(pause) > 0.0, "comfort noise: {}", energy(pause));
        let (said, again) = (&pcm[18_400..], &heard[18_400..]);
        let likeness = likeness(said, again);
        assert!(likeness > 0.7, "{frames} frames: {likeness} after the pause");
    }
    assert!(encode_all(&mut Encoder::new(false).unwrap(), &pcm, 2).iter().all(|payload| payload.len() == 20));
}

#[test]
fn speech_after_silence_in_one_packet_keeps_its_place() {
    // Whatever the packet's length, speech begins at the same time.
    let pcm = with_pause();
    let begins = |frames: usize| {
        let payloads = encode_all(&mut Encoder::new(true).unwrap(), &pcm, frames);
        let heard = decode_all(&payloads, frames * FRAME);
        let late = heard[16_000..].iter().position(|sample| sample.unsigned_abs() > 1500);
        late.map(|at| at / FRAME)
    };
    let alone = begins(1).unwrap();
    for frames in [2, 3, 4] {
        assert!(begins(frames).unwrap().abs_diff(alone) <= 1, "{frames} frames: {:?}, not {alone}", begins(frames));
    }
}

#[test]
fn concealment_fades() {
    let said = samples(SAID);
    let payloads = encode_all(&mut Encoder::new(false).unwrap(), &said, 2);
    let mut decoder = Decoder::new().unwrap();
    let mut pcm = [0; 2 * FRAME];
    for payload in &payloads[..12] {
        decoder.decode(payload, &mut pcm).unwrap();
    }
    let mut lost = [0; 8000];
    decoder.conceal(&mut lost);
    assert!(energy(&lost[..80]) > 0.0);
    assert!(energy(&lost[7000..]) < energy(&lost[..800]) / 100.0);
    decoder.conceal(&mut [0; 81]);
    decoder.conceal(&mut []);
}

#[test]
fn lengths_are_checked() {
    let decoder = Decoder::new().unwrap();
    for (len, samples) in
        [(2, Ok(80)), (10, Ok(80)), (12, Ok(160)), (60, Ok(480)), (0, Err(())), (1, Err(())), (19, Err(()))]
    {
        let expected = samples.map_err(|()| DecodeError::Length(len));
        assert_eq!(decoder.samples(&vec![0; len]), expected);
    }
    let mut decoder = decoder;
    assert_eq!(decoder.decode(&[0; 12], &mut [0; 159]), Err(DecodeError::Room));
    let mut encoder = Encoder::new(true).unwrap();
    assert_eq!(encoder.encode(&[0; 81], &mut [0; 20]), Err(EncodeError::Length(81)));
    assert_eq!(encoder.encode(&[0; 160], &mut [0; 19]), Err(EncodeError::Room));
}
