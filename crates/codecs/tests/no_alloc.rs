//! Nothing allocates once a codec is made.

use std::alloc::System;

use codecs::{Codec, g723, g726, ilbc, opus};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

// The only test in here, so that no other test allocates meanwhile.
#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// All of them, as far as they can be had.
fn codecs() -> Vec<Codec> {
    vec![
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
        Codec::Opus(opus::Options::default()),
        Codec::Opus(opus::Options { dtx: true, vbr: false, ..opus::Options::default() }),
    ]
}

#[test]
fn a_codec_allocates_when_it_is_made_and_never_again() {
    // Speech, then silence.
    let speech = include_bytes!("../testdata/speech_8k.s16").as_chunks::<2>().0;
    let speech: Vec<i16> = speech.iter().map(|pair| i16::from_le_bytes(*pair)).chain([0; 6400]).collect();
    for codec in codecs() {
        // The thread that waits for this test may allocate too, once; a codec that does so does it every time.
        let least = (0..4).filter_map(|_| allocations(codec, &speech)).min();
        assert!(matches!(least, None | Some(0)), "{codec:?}: {least:?}");
    }
}

/// Allocations, and what is given back, of a call through `codec`. None: it cannot be had.
fn allocations(codec: Codec, speech: &[i16]) -> Option<usize> {
    let (mut encoder, mut decoder) = (codec.encoder().ok()?, codec.decoder().ok()?);
    let packet = (codec.sample_rate() / 1000 * codec.frame_ms().max(20)) as usize;
    let (mut pcm, mut payload) = (vec![0; packet], vec![0; 1500]);
    let mut heard = vec![0; 5760];
    let region = Region::new(ALLOCATOR);
    for n in 0..40 {
        for (to, from) in pcm.iter_mut().zip(speech.iter().cycle().skip(n * packet)) {
            *to = *from;
        }
        encoder.set_loss(n as u8 % 8 * 5);
        encoder.set_bitrate(16_000 + 1000 * n as u32);
        let len = encoder.encode(&pcm, &mut payload).unwrap_or_else(|error| panic!("{codec:?}: {error}"));
        let sent = &payload[..len];
        if n % 4 == 3 && !decoder.recover(sent, &mut heard[..packet]) {
            decoder.conceal(&mut heard[..packet]);
        }
        if len == 0 {
            decoder.conceal(&mut heard[..packet]);
        } else {
            // Less than a packet's: silence follows.
            assert!(decoder.samples(sent).is_ok_and(|samples| samples <= packet));
            assert_eq!(decoder.decode(sent, &mut heard), decoder.samples(sent));
        }
        // What is refused, too.
        assert!(decoder.decode(&[], &mut heard).is_err());
        assert!(decoder.decode(sent, &mut []).is_err());
        assert!(encoder.encode(&pcm[1..], &mut payload).is_err());
    }
    let change = region.change();
    Some(change.allocations + change.reallocations + change.deallocations)
}
