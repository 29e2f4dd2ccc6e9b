//! Encoder and decoder together, and against another decoder.

use proptest::prelude::*;

use super::filter::{FLAT, HighPass, ORDER, synthesise};
use super::*;
use crate::{DecodeError, Decoder as _, EncodeError, Encoder as _};

/// Speech (of espeak-ng) encoded here and what FFmpeg's decoder makes of it, which uses no enhancer:
/// `ffmpeg -i speech-20.lbc -f s16le speech-20.pcm`.
const GOLDEN: [(Frame, &[u8], &[u8]); 2] = [
    (
        Frame::Ms20,
        include_bytes!("../../testdata/ilbc/speech-20.lbc"),
        include_bytes!("../../testdata/ilbc/speech-20.pcm"),
    ),
    (
        Frame::Ms30,
        include_bytes!("../../testdata/ilbc/speech-30.lbc"),
        include_bytes!("../../testdata/ilbc/speech-30.pcm"),
    ),
];
/// Length of "#!iLBC20\n", which a file begins with (RFC 3952 §4.3).
const MAGIC: usize = 9;

fn samples(bytes: &[u8]) -> Vec<i16> {
    bytes.as_chunks().0.iter().map(|bytes| i16::from_le_bytes(*bytes)).collect()
}

/// Signal to noise, dB.
fn snr(decoded: &[i16], wanted: &[i16]) -> f32 {
    let square = |x: f32| x * x;
    let noise: f32 = decoded.iter().zip(wanted).map(|(a, b)| square(f32::from(*a) - f32::from(*b))).sum();
    let signal: f32 = wanted.iter().map(|x| square(f32::from(*x))).sum();
    10.0 * (signal / noise.max(1.0)).log10()
}

fn rms(pcm: &[i16]) -> f32 {
    (pcm.iter().map(|x| f32::from(*x).powi(2)).sum::<f32>() / pcm.len() as f32).sqrt()
}

/// The largest step from one sample to the next.
fn step(pcm: &[i16]) -> i32 {
    pcm.windows(2).map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs()).max().unwrap_or_default()
}

fn decode(decoder: &mut Decoder, bytes: &[u8]) -> Vec<i16> {
    let mut pcm = vec![0; decoder.samples(bytes).unwrap()];
    assert_eq!(decoder.decode(bytes, &mut pcm), Ok(pcm.len()));
    pcm
}

/// What a decoder makes that has no enhancer.
fn decode_plainly(frame: Frame, bytes: &[u8]) -> Vec<i16> {
    let mut decoder = Decoder::new(frame);
    let mut memory = [0.0; ORDER];
    let mut high_pass = HighPass::output();
    let mut pcm = vec![];
    for bytes in bytes.chunks(frame.bytes()) {
        let mut excitation = [0.0; MAX_FRAME];
        let filters = decoder.excitation(bytes, &mut excitation).unwrap_or([FLAT; MAX_SUBBLOCKS]);
        let speech = &mut excitation[..frame.samples()];
        for (subblock, filter) in speech.chunks_mut(SUBBLOCK).zip(&filters) {
            synthesise(subblock, filter, &mut memory);
        }
        high_pass.run(speech);
        pcm.extend(speech.iter().map(|x| x.round() as i16));
    }
    pcm
}

#[test]
fn another_decoder_makes_the_same_of_what_is_encoded() {
    for (frame, file, theirs) in GOLDEN {
        let theirs = samples(theirs);
        let ours = decode_plainly(frame, &file[MAGIC..]);
        assert_eq!(ours.len(), theirs.len());
        // It begins with other frequencies than the standard's, so its first frame is noise.
        let from = 2 * frame.samples();
        let snr = snr(&ours[from..], &theirs[from..]);
        assert!(snr > 30.0, "{frame:?}: {snr} dB, where its 16-bit arithmetic allows 34");
    }
}

#[test]
fn the_enhancer_changes_little_and_is_late_by_its_delay() {
    for (frame, file, _) in GOLDEN {
        let plain = decode_plainly(frame, &file[MAGIC..]);
        let enhanced = decode(&mut Decoder::new(frame), &file[MAGIC..]);
        let snr = snr(&enhanced[frame.delay()..], &plain[..plain.len() - frame.delay()]);
        assert!((10.0..30.0).contains(&snr), "{frame:?}: {snr} dB");
    }
}

#[test]
fn speech_encoded_and_decoded_keeps_its_waveform() {
    for (frame, _, speech) in GOLDEN {
        let speech = &samples(speech)[2 * frame.samples()..];
        let mut encoder = Encoder::new(frame);
        let mut payload = vec![0; speech.len() / frame.samples() * frame.bytes()];
        assert_eq!(encoder.encode(speech, &mut payload), Ok(payload.len()));
        let decoded = decode_plainly(frame, &payload);
        let snr = snr(&decoded[frame.samples()..], &speech[frame.samples()..]);
        assert!(snr > 5.0, "{frame:?}: {snr} dB");
    }
}

#[test]
fn several_frames_in_a_payload_are_frame_after_frame() {
    for (frame, file, _) in GOLDEN {
        let bytes = &file[MAGIC..][..4 * frame.bytes()];
        let mut one_by_one = Decoder::new(frame);
        let pcm: Vec<i16> = bytes.chunks(frame.bytes()).flat_map(|bytes| decode(&mut one_by_one, bytes)).collect();
        assert_eq!(decode(&mut Decoder::new(frame), bytes), pcm);
    }
}

#[test]
fn lengths_that_are_no_frames_are_refused() {
    for frame in [Frame::Ms20, Frame::Ms30] {
        let (mut encoder, mut decoder) = (Encoder::new(frame), Decoder::new(frame));
        let mut pcm = [0; 480];
        let mut payload = [0; 100];
        let short = frame.samples() - 1;
        assert_eq!(encoder.encode(&pcm[..short], &mut payload), Err(EncodeError::Length(short)));
        assert_eq!(encoder.encode(&pcm[..frame.samples()], &mut payload[..5]), Err(EncodeError::Room));
        for length in [0, 1, frame.bytes() - 1, frame.bytes() + 1] {
            assert_eq!(decoder.decode(&payload[..length], &mut pcm), Err(DecodeError::Length(length)));
        }
        assert_eq!(decoder.decode(&payload[..frame.bytes()], &mut pcm[..short]), Err(DecodeError::Room));
    }
}

#[test]
fn an_empty_frame_is_a_lost_one() {
    for (frame, file, _) in GOLDEN {
        let (speech, rest) = file[MAGIC..].split_at(10 * frame.bytes());
        let mut empty = rest[..frame.bytes()].to_vec();
        let (mut told, mut lost, mut filled) = (Decoder::new(frame), Decoder::new(frame), Decoder::new(frame));
        for decoder in [&mut told, &mut lost, &mut filled] {
            decode(decoder, speech);
        }
        let heard = decode(&mut filled, &empty);
        empty[frame.bytes() - 1] |= 1;
        let mut concealed = vec![0; frame.samples()];
        lost.conceal(&mut concealed);
        assert_eq!(decode(&mut told, &empty), concealed);
        assert_ne!(heard, concealed);
    }
}

#[test]
fn a_loss_goes_on_without_a_pop_and_fades_to_silence() {
    for (frame, file, _) in GOLDEN {
        let frames = file.len() / frame.bytes();
        let plain = decode_plainly(frame, &file[MAGIC..]);
        let usual = step(&plain[2 * frame.samples()..]);
        for before in (4..frames - 2).step_by(3) {
            let mut decoder = Decoder::new(frame);
            let speech = decode(&mut decoder, &file[MAGIC..][..before * frame.bytes()]);
            let last = &speech[speech.len() - 2 * frame.samples()..];
            let mut loss = vec![0; 3200];
            decoder.conceal(&mut loss);
            let after = decode(&mut decoder, &file[MAGIC + before * frame.bytes()..]);

            let around = [last, &loss].concat();
            let loudest = step(&speech[2 * frame.samples()..]);
            assert!(step(&around) <= loudest * 5 / 4 + 200, "{frame:?} {before}: {} {loudest}", step(&around));
            let end = [&loss[2800..], &after].concat();
            assert!(step(&end) <= usual * 3 / 2, "{frame:?} {before}: {} {usual}", step(&end));

            let tenths: Vec<f32> = loss.chunks(320).map(rms).collect();
            // The last frame as it was sent: of what was heard, the end is missing.
            let sent = &plain[(before - 1) * frame.samples()..before * frame.samples()];
            assert!(tenths[0] <= 1.3 * rms(sent) + 50.0, "{frame:?} {before}: {tenths:?} {}", rms(sent));
            assert!(tenths[5..].iter().all(|level| *level <= 1.0), "{frame:?} {before}: {tenths:?}");
        }
    }
}

#[test]
fn concealment_of_any_length_is_one_signal() {
    for (frame, file, _) in GOLDEN {
        let (mut whole, mut parts) = (Decoder::new(frame), Decoder::new(frame));
        for decoder in [&mut whole, &mut parts] {
            decode(decoder, &file[MAGIC..][..10 * frame.bytes()]);
        }
        let mut one = vec![0; 1000];
        whole.conceal(&mut one);
        let mut other = vec![0; 1000];
        other.chunks_mut(77).for_each(|part| parts.conceal(part));
        assert_eq!(one, other);
    }
}

/// What may come: frames of any bits, frames that are speech but for a few bits, and losses.
#[derive(Clone, Debug)]
enum Arrival {
    Noise(Vec<u8>),
    Damaged(usize, Vec<(usize, u8)>),
    Loss(usize),
}

fn arrivals() -> impl Strategy<Value = Vec<Arrival>> {
    let arrival = prop_oneof![
        3 => proptest::collection::vec(any::<u8>(), 50).prop_map(Arrival::Noise),
        2 => (0_usize..20, proptest::collection::vec((0_usize..38, any::<u8>()), 0..4))
            .prop_map(|(frame, bits)| Arrival::Damaged(frame, bits)),
        1 => (0_usize..500).prop_map(Arrival::Loss),
    ];
    proptest::collection::vec(arrival, 1..24)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_bits_decode_to_sound_and_speech_comes_back(arrivals in arrivals()) {
        for (frame, file, _) in GOLDEN {
            let speech = &file[MAGIC..];
            let mut decoder = Decoder::new(frame);
            for arrival in &arrivals {
                match arrival {
                    Arrival::Noise(bytes) => drop(decode(&mut decoder, &bytes[..frame.bytes()])),
                    Arrival::Damaged(index, bits) => {
                        let mut bytes = speech[index * frame.bytes()..][..frame.bytes()].to_vec();
                        bits.iter().for_each(|(at, bits)| bytes[*at] ^= bits);
                        decode(&mut decoder, &bytes);
                    }
                    Arrival::Loss(samples) => decoder.conceal(&mut vec![0; *samples]),
                }
            }
            // Whatever it was, nothing stays: no infinity, no howling.
            let mut fresh = Decoder::new(frame);
            let (after, wanted) = (decode(&mut decoder, speech), decode(&mut fresh, speech));
            let end = wanted.len() - 4 * frame.samples();
            let snr = snr(&after[end..], &wanted[end..]);
            prop_assert!(snr > 20.0, "{} dB", snr);
        }
    }

    #[test]
    fn any_payload_is_refused_or_as_long_as_it_says(bytes in proptest::collection::vec(any::<u8>(), 0..320)) {
        for frame in [Frame::Ms20, Frame::Ms30] {
            let mut decoder = Decoder::new(frame);
            let mut pcm = [0; 960];
            let said = decoder.samples(&bytes);
            match decoder.decode(&bytes, &mut pcm) {
                Ok(samples) => prop_assert_eq!(said, Ok(samples)),
                Err(DecodeError::Room) => prop_assert!(said.is_ok_and(|samples| samples > pcm.len())),
                Err(error) => prop_assert_eq!(said, Err(error)),
            }
        }
    }

    #[test]
    fn any_sound_encodes_to_frames_that_are_not_empty(
        pcm in proptest::collection::vec(prop_oneof![any::<i16>(), Just(i16::MIN), Just(i16::MAX), Just(0)], 480),
    ) {
        for frame in [Frame::Ms20, Frame::Ms30] {
            let mut payload = [0; 114];
            let length = Encoder::new(frame).encode(&pcm, &mut payload).unwrap();
            for bytes in payload[..length].chunks(frame.bytes()) {
                let fields = bits::Fields::unpack(frame, bytes);
                prop_assert!(fields.empty == 0 && (1..frame.subblocks()).contains(&usize::from(fields.start)));
            }
        }
    }
}
