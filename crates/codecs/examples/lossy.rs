//! A codec over a line that loses packets, for measuring what is left of the voice:
//! `lossy <codec> <in.s16> <out.s16> <percent lost> <seed> [packet ms] [fec|plc]`, samples at the codec's rate.

use std::error::Error;
use std::time::Instant;

use codecs::{Codec, g723, g726, ilbc, opus};

fn codec(name: &str) -> Option<Codec> {
    let options = opus::Options::default();
    Some(match name {
        "pcmu" => Codec::Pcmu,
        "pcma" => Codec::Pcma,
        "g722" => Codec::G722,
        "g726" => Codec::G726(g726::Packing::Ietf),
        "g729" => Codec::G729 { silence: false },
        "g729b" => Codec::G729 { silence: true },
        "ilbc20" => Codec::Ilbc(ilbc::Frame::Ms20),
        "ilbc30" => Codec::Ilbc(ilbc::Frame::Ms30),
        "g723-53" => Codec::G723 { rate: g723::Rate::Low, silence: false },
        "g723-63" => Codec::G723 { rate: g723::Rate::High, silence: false },
        "opus24" => Codec::Opus(opus::Options { bitrate: 24_000, ..options }),
        "opus32" => Codec::Opus(options),
        "opus32-5" => Codec::Opus(opus::Options { complexity: 5, ..options }),
        _ => return None,
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [name, input, output, percent, seed, rest @ ..] = args.as_slice() else { return Err("see the source".into()) };
    let codec = codec(name).ok_or("unknown codec")?;
    let (percent, mut seed): (u8, u64) = (percent.parse()?, seed.parse()?);
    let ms: u32 = rest.first().map_or(Ok(20), |ms| ms.parse())?;
    let fec = rest.get(1).is_none_or(|what| what == "fec");
    let pcm: Vec<i16> = std::fs::read(input)?.as_chunks().0.iter().map(|pair| i16::from_le_bytes(*pair)).collect();

    let (mut encoder, mut decoder) = (codec.encoder()?, codec.decoder()?);
    encoder.set_loss(if fec { percent } else { 0 });
    let packet = (codec.sample_rate() / 1000 * ms) as usize;
    let (mut bytes, start) = (0, Instant::now());
    let mut packets = Vec::new();
    for pcm in pcm.chunks_exact(packet) {
        let mut payload = vec![0; 1500];
        let len = encoder.encode(pcm, &mut payload)?;
        payload.truncate(len);
        bytes += len;
        // xorshift64*
        seed ^= seed >> 12;
        seed ^= seed << 25;
        seed ^= seed >> 27;
        let lost = (seed.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % 100 < u64::from(percent);
        packets.push((!lost).then_some(payload));
    }
    let encoding = start.elapsed();
    let (mut out, start) = (Vec::new(), Instant::now());
    for (n, arrived) in packets.iter().enumerate() {
        let mut frame = vec![0; packet];
        match arrived.as_deref() {
            Some([]) => decoder.conceal(&mut frame),
            Some(payload) => {
                let made = decoder.decode(payload, &mut frame)?;
                decoder.conceal(frame.get_mut(made..).unwrap_or_default());
            }
            None => {
                let next = packets.get(n + 1).and_then(Option::as_deref);
                if !(fec && next.is_some_and(|next| decoder.recover(next, &mut frame))) {
                    decoder.conceal(&mut frame);
                }
            }
        }
        out.extend(frame.iter().flat_map(|sample| sample.to_le_bytes()));
    }
    std::fs::write(output, out)?;
    let seconds = packets.len() as f64 * f64::from(ms) / 1000.0;
    let share = |time: std::time::Duration| time.as_secs_f64() / seconds * 100.0;
    let (kbit, up, down) = (bytes as f64 / seconds / 125.0, share(encoding), share(start.elapsed()));
    println!("{name}: {kbit:.1} kbit/s, encoding {up:.2} % of a core, decoding {down:.2} %");
    Ok(())
}
