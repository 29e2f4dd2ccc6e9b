//! Where packets are missing nothing pops and nothing is silent, in real speech and through the codecs' own filters.

use std::error::Error;

use codecs::{Codec, g726};

fn speech(codec: Codec) -> Vec<i16> {
    let bytes: &[u8] = match codec.sample_rate() {
        16_000 => include_bytes!("../testdata/speech_16k.s16"),
        _ => include_bytes!("../testdata/speech_8k.s16"),
    };
    bytes.as_chunks::<2>().0.iter().map(|pair| i16::from_le_bytes(*pair)).collect()
}

/// What is heard when `lost` tells which packets of 20 ms do not come, and whether the next is at hand then.
fn heard(codec: Codec, ahead: bool, lost: impl Fn(usize) -> bool) -> Result<Vec<i16>, Box<dyn Error>> {
    let (mut encoder, mut decoder) = (codec.encoder()?, codec.decoder()?);
    let packet = (codec.sample_rate() / 50) as usize;
    let mut payloads = Vec::new();
    for pcm in speech(codec).chunks_exact(packet) {
        let mut payload = vec![0; 1500];
        let len = encoder.encode(pcm, &mut payload)?;
        payload.truncate(len);
        payloads.push(payload);
    }
    let mut out = Vec::new();
    for (n, payload) in payloads.iter().enumerate() {
        let mut pcm = vec![0; packet];
        let next = payloads.get(n + 1).filter(|_| ahead && !lost(n + 1));
        if !lost(n) {
            decoder.decode(payload, &mut pcm)?;
        } else if !next.is_some_and(|next| decoder.recover(next, &mut pcm)) {
            decoder.conceal(&mut pcm);
        }
        out.extend(pcm);
    }
    Ok(out)
}

fn biggest_step(pcm: &[i16]) -> u16 {
    pcm.windows(2).map(|pair| pair[0].abs_diff(pair[1])).max().unwrap_or(0)
}

fn energy(pcm: &[i16]) -> f64 {
    pcm.iter().map(|sample| f64::from(*sample).powi(2)).sum()
}

#[test]
fn losses_neither_pop_nor_leave_holes() {
    let codecs =
        [Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::G726(g726::Packing::Itu), Codec::G729 { silence: false }];
    for codec in codecs {
        let whole = heard(codec, false, |_| false).unwrap();
        for ahead in [false, true] {
            for (every, run) in [(4, 1), (5, 2), (3, 1)] {
                let lost = |n: usize| n % every >= every - run;
                let broken = heard(codec, ahead, lost).unwrap();
                // An ADPCM decoder whose state is not the encoder's overshoots.
                let (step, most) = (biggest_step(&broken), biggest_step(&whole));
                assert!(u32::from(step) <= u32::from(most) * 2, "{codec:?}, {run} of {every} lost: {step}, not {most}");
                let left = energy(&broken) / energy(&whole);
                // G.729's concealment, the standard's, falls silent soon.
                let least = if matches!(codec, Codec::G729 { .. }) { 0.05 } else { 0.2 };
                assert!((least..1.5).contains(&left), "{codec:?}, {run} of {every} lost: {left}");
            }
        }
    }
}
