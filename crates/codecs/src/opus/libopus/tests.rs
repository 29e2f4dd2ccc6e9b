use super::*;
use crate::{Decoder as _, Encoder as _};

/// A voice that moves: a period of about 120 Hz with overtones, in syllables.
fn voice(samples: usize) -> Vec<i16> {
    let mut phase = 0.0_f32;
    (0..samples)
        .map(|n| {
            let t = n as f32 / 48_000.0;
            phase += (120.0 + 20.0 * (t * 5.0).sin()) / 48_000.0;
            let sum: f32 = (1..20).map(|k| (phase * k as f32 * std::f32::consts::TAU).sin() / k as f32).sum();
            (sum * 4000.0 * (0.6 + 0.4 * (t * 20.0).sin())) as i16
        })
        .collect()
}

fn encoder(options: Options) -> Encoder {
    Encoder::new(options).unwrap()
}

fn packets(encoder: &mut Encoder, pcm: &[i16], frame: usize) -> Vec<Vec<u8>> {
    pcm.chunks_exact(frame)
        .map(|pcm| {
            let mut payload = [0; 1500];
            let len = encoder.encode(pcm, &mut payload).unwrap();
            payload[..len].to_vec()
        })
        .collect()
}

fn energy(pcm: &[i16]) -> f64 {
    pcm.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / pcm.len() as f64
}

#[test]
fn it_is_libopus_1_6_1() {
    assert!(version().contains("libopus 1.6.1"), "{}", version());
}

#[test]
fn concealment_is_neural() {
    // Without the models, complexity changes nothing in a decoder.
    let sent = packets(&mut encoder(Options::default()), &voice(48_000), 960);
    let concealed = |complexity| {
        let mut decoder = Decoder::with_complexity(complexity).unwrap();
        let mut pcm = [0; LONGEST];
        for payload in &sent {
            decoder.decode(payload, &mut pcm).unwrap();
        }
        let mut pcm = [0; 1920];
        decoder.conceal(&mut pcm);
        pcm
    };
    assert_ne!(concealed(DECODER_COMPLEXITY)[..], concealed(0)[..]);
    assert_eq!(concealed(DECODER_COMPLEXITY)[..], concealed(DECODER_COMPLEXITY)[..]);
}

#[test]
fn redundancy_is_sent_only_under_loss_and_where_there_is_room() {
    let lbrr = |options: Options, loss| {
        let mut encoder = encoder(options);
        encoder.set_loss(loss);
        let sent = packets(&mut encoder, &voice(96_000), 960);
        sent.iter().filter(|payload| Packet::read(payload).unwrap().has_lbrr()).count()
    };
    let options = Options::default();
    assert_eq!(lbrr(options, 0), 0);
    assert!(lbrr(options, 20) > 60);
    assert_eq!(lbrr(Options { fec: false, ..options }, 20), 0);
    assert_eq!(lbrr(Options { bitrate: 16_000, ..options }, 20), 0);
}

#[test]
fn a_lost_packet_is_recovered_from_the_next() {
    for frame in [960, 1920] {
        let mut encoder = encoder(Options::default());
        encoder.set_loss(30);
        let sent = packets(&mut encoder, &voice(96_000), frame);
        let mut pcm = vec![0; frame];
        let mut all = Decoder::new().unwrap();
        let (mut concealed, mut recovered, mut count) = (0.0, 0.0, 0);
        for at in (10..sent.len() - 1).step_by(7) {
            if !Packet::read(&sent[at + 1]).unwrap().has_lbrr() {
                continue;
            }
            let after = |f: &dyn Fn(&mut Decoder, &mut [i16])| {
                let mut decoder = Decoder::new().unwrap();
                let mut pcm = vec![0; frame];
                for payload in &sent[..at] {
                    decoder.decode(payload, &mut pcm).unwrap();
                }
                f(&mut decoder, &mut pcm);
                pcm
            };
            let truth = after(&|decoder, pcm| assert_eq!(decoder.decode(&sent[at], pcm), Ok(frame)));
            let by_next = after(&|decoder, pcm| assert!(decoder.recover(&sent[at + 1], pcm)));
            let by_guess = after(&|decoder, pcm| decoder.conceal(pcm));
            let error = |pcm: &[i16]| {
                let off: Vec<i16> = pcm.iter().zip(&truth).map(|(a, b)| a.saturating_sub(*b)).collect();
                energy(&off) / energy(&truth)
            };
            recovered += error(&by_next);
            concealed += error(&by_guess);
            count += 1;
        }
        assert!(count > 3, "{frame}");
        assert!(recovered < concealed / 2.0, "{frame}: {recovered} of {concealed} in {count}");
        // A frame that is no longer than it should be is not taken for the missing one.
        assert!(!all.recover(&sent[20], &mut pcm[..frame / 2]));
        assert!(!all.recover(&[0xff, 0xff], &mut pcm));
    }
}

#[test]
fn packets_of_all_lengths_decode_to_what_was_encoded() {
    for frames in [1, 2, 4, 6, 8, 10, 12] {
        let sent = packets(&mut encoder(Options::default()), &voice(5760 * 5), frames * FRAME);
        let mut decoder = Decoder::new().unwrap();
        for payload in sent {
            let mut pcm = [0; LONGEST];
            assert_eq!(decoder.samples(&payload), Ok(frames * FRAME));
            assert_eq!(decoder.decode(&payload, &mut pcm), Ok(frames * FRAME));
            assert_eq!(decoder.decode(&payload, &mut pcm[..frames * FRAME - 1]), Err(DecodeError::Room));
        }
    }
    assert_eq!(encoder(Options::default()).encode(&[0; 1440], &mut [0; 1500]), Err(EncodeError::Length(1440)));
    assert_eq!(encoder(Options::default()).encode(&[0; 960], &mut []), Err(EncodeError::Room));
}

#[test]
fn bit_rates_are_kept() {
    for (vbr, bitrate) in [(false, 16_000), (false, 32_000), (true, 24_000), (true, 64_000)] {
        let mut encoder = encoder(Options { vbr, ..Options::default() });
        encoder.set_bitrate(bitrate);
        let sent = packets(&mut encoder, &voice(96_000), 960);
        let bits: usize = sent.iter().map(|payload| payload.len() * 8).sum();
        let rate = bits as f32 / 2.0;
        let share = rate / bitrate as f32;
        assert!(if vbr { 0.3..1.1 } else { 0.98..1.02 }.contains(&share), "{vbr} {bitrate}: {rate}");
        assert_eq!(vbr, sent.iter().any(|payload| payload.len() != sent[0].len()), "{bitrate}");
    }
}

#[test]
fn in_silence_nothing_is_sent_but_signs_of_life() {
    let sent = packets(&mut encoder(Options { dtx: true, ..Options::default() }), &[0; 96_000], 960);
    let unsent = sent.iter().filter(|payload| payload.is_empty()).count();
    assert!((70..100).contains(&unsent), "{unsent} of 100");
    let sent = packets(&mut encoder(Options::default()), &[0; 96_000], 960);
    assert!(sent.iter().all(|payload| !payload.is_empty()));
}

#[test]
fn no_wider_a_band_is_sent_than_is_wanted() {
    let noise: Vec<i16> = (0..48_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 18) as i16).collect();
    let mut wide = encoder(Options { bandwidth: Bandwidth::Narrow, bitrate: 64_000, ..Options::default() });
    for payload in packets(&mut wide, &noise, 960) {
        // Configurations 0 to 3 and 16 to 19 are narrow (RFC 6716 table 2).
        assert!(matches!(payload[0] >> 3, 0..4 | 16..20), "{}", payload[0] >> 3);
    }
}

#[test]
fn stereo_is_mixed_down() {
    let mut stereo = opusic_c::Encoder::new(Channels::Stereo, SampleRate::Hz48000, Application::Audio).unwrap();
    let mono = voice(48_000);
    let both: Vec<u16> = mono.iter().flat_map(|s| [s.cast_unsigned(), (s / 2).cast_unsigned()]).collect();
    let mut decoder = Decoder::new().unwrap();
    let mut out = Vec::new();
    for pcm in both.chunks_exact(1920) {
        let mut payload = [0; 1500];
        let len = stereo.encode_to_slice(pcm, &mut payload).unwrap();
        let mut pcm = [0; LONGEST];
        assert_eq!(decoder.decode(&payload[..len], &mut pcm), Ok(960));
        out.extend_from_slice(&pcm[..960]);
    }
    let ratio = energy(&out[4800..]) / energy(&mono[4800..]);
    assert!((0.4..0.7).contains(&ratio), "three quarters of the amplitude: {ratio}");
}

#[test]
fn concealment_fades_to_background_noise_and_takes_any_length() {
    let sent = packets(&mut encoder(Options::default()), &voice(48_000), 960);
    let mut decoder = Decoder::new().unwrap();
    let mut pcm = [0; LONGEST];
    for payload in &sent {
        decoder.decode(payload, &mut pcm).unwrap();
    }
    let before = energy(&pcm[..960]);
    for len in [1, 119, 121, 0, 5761] {
        decoder.conceal(&mut vec![0; len]);
    }
    let mut pcm = [0; 48_000];
    decoder.conceal(&mut pcm);
    let left: Vec<f64> = pcm.chunks(4800).map(|pcm| energy(pcm) / before).collect();
    assert!(left.iter().all(|part| *part < 0.05), "{left:?}");
}

proptest::proptest! {
    #[test]
    fn packets_are_read_as_libopus_reads_them(
        toc in 0_u8..,
        rest in proptest::collection::vec(proptest::prop_oneof![0_u8..4, 0_u8.., 128_u8..140], 0..40),
    ) {
        let payload: Vec<u8> = std::iter::once(toc).chain(rest).collect();
        let mut decoder = opusic_c::Decoder::new(Channels::Mono, SampleRate::Hz48000).unwrap();
        let theirs = decoder.decode_to_slice(&payload, &mut [0; LONGEST], false).ok();
        proptest::prop_assert_eq!(Packet::read(&payload).map(|packet| packet.samples()), theirs);
    }
}
