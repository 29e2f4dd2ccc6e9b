//! Any bytes decode to sound or to an error, any sound encodes, whatever came before.

use codecs::{Codec, Decoder, g723, g726, ilbc, opus};
use proptest::collection::vec;
use proptest::prelude::*;

const CODECS: [Codec; 11] = [
    Codec::Pcmu,
    Codec::Pcma,
    Codec::G722,
    Codec::G726(g726::Packing::Itu),
    Codec::G726(g726::Packing::Ietf),
    Codec::G729 { silence: false },
    Codec::G729 { silence: true },
    Codec::Ilbc(ilbc::Frame::Ms20),
    Codec::Ilbc(ilbc::Frame::Ms30),
    Codec::G723 { rate: g723::Rate::Low, silence: true },
    Codec::G723 { rate: g723::Rate::High, silence: false },
];

#[derive(Clone, Debug)]
enum Step {
    Decode(Vec<u8>),
    Conceal(usize),
    Recover(Vec<u8>, usize),
}

/// Of lengths that codecs take, and of any.
fn payload() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => vec(any::<u8>(), 1..70),
        1 => vec(any::<u8>(), 0..400),
        1 => vec(prop_oneof![Just(0_u8), Just(255)], 10),
        1 => (vec(any::<u8>(), 60), 0_usize..7).prop_map(|(mut bytes, n)| {
            bytes.truncate([2, 10, 12, 20, 24, 38, 50][n]);
            bytes
        }),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => payload().prop_map(Step::Decode),
        1 => (0_usize..1000).prop_map(Step::Conceal),
        1 => (payload(), 0_usize..3000).prop_map(|(next, len)| Step::Recover(next, len)),
    ];
    vec(step, 1..40)
}

fn run(decoder: &mut dyn Decoder, steps: &[Step]) {
    let mut pcm = vec![0; 5760];
    for step in steps {
        match step {
            Step::Decode(payload) => {
                let promised = decoder.samples(payload);
                let made = decoder.decode(payload, &mut pcm);
                match promised {
                    // What it promised, unless what it says of itself is not true.
                    Ok(samples) => assert!(made == Ok(samples) || made.is_err(), "{promised:?} {made:?}"),
                    Err(error) => assert_eq!(made, Err(error)),
                }
            }
            Step::Conceal(len) => decoder.conceal(&mut pcm[..*len]),
            Step::Recover(next, len) => {
                pcm.fill(7);
                if !decoder.recover(next, &mut pcm[..*len]) {
                    assert!(pcm.iter().all(|sample| *sample == 7), "untouched");
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn anything_can_be_decoded(steps in steps()) {
        for codec in CODECS {
            if let Ok(mut decoder) = codec.decoder() {
                run(&mut *decoder, &steps);
            }
        }
    }

    #[test]
    fn anything_can_be_decoded_as_opus(steps in steps()) {
        if let Ok(mut decoder) = Codec::Opus(opus::Options::default()).decoder() {
            run(&mut *decoder, &steps);
        }
    }

    #[test]
    fn anything_can_be_encoded(
        pcm in vec(prop_oneof![4 => any::<i16>(), 1 => Just(i16::MIN), 1 => Just(i16::MAX), 1 => Just(0)], 0..2000),
        room in 0_usize..500,
    ) {
        for codec in CODECS.into_iter().chain([Codec::Opus(opus::Options::default())]) {
            let (Ok(mut encoder), Ok(mut decoder)) = (codec.encoder(), codec.decoder()) else { continue };
            let mut payload = vec![0; room];
            let _ = encoder.encode(&pcm, &mut payload);
            let frame = encoder.frame_samples();
            let mut payload = vec![0; 1500];
            for pcm in pcm.chunks_exact(frame) {
                let len = encoder.encode(pcm, &mut payload).unwrap();
                if len > 0 {
                    prop_assert_eq!(decoder.decode(&payload[..len], &mut [0; 5760]), Ok(frame), "{:?}", codec);
                }
            }
        }
    }
}
