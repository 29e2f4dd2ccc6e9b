//! Sound in numbers: how loud it is, and how loud at a pitch.

use codecs::Codec;

use super::room::Datagram;

/// A sine of that peak, from a sample on.
pub fn sine(hz: f64, peak: f64, from: usize, len: usize, rate: u32) -> Vec<i16> {
    let step = std::f64::consts::TAU * hz / f64::from(rate);
    (from..from + len).map(|n| (peak * (step * n as f64).sin()) as i16).collect()
}

/// dBov of it all.
pub fn level(sound: &[i16]) -> f32 {
    audio::level::dbov(sound)
}

/// dB of a sine in it, on the same scale: a sine alone is as loud as the whole.
pub fn level_at(sound: &[i16], hz: f64, rate: u32) -> f32 {
    let step = std::f64::consts::TAU * hz / f64::from(rate);
    let (mut re, mut im) = (0.0, 0.0);
    for (n, sample) in sound.iter().enumerate() {
        let (sin, cos) = (step * n as f64).sin_cos();
        re += f64::from(*sample) * cos;
        im += f64::from(*sample) * sin;
    }
    let n = sound.len().max(1) as f64;
    let power = 2.0 * (re * re + im * im) / (n * n);
    audio::level::power_dbov(power as f32)
}

/// Whether it is, but for little, sines of these pitches.
pub fn is_made_of(sound: &[i16], pitches: &[f64]) -> bool {
    let power: f32 = pitches.iter().map(|hz| 10_f32.powf(level_at(sound, *hz, 48_000) / 10.0)).sum();
    level(sound) > -70.0 && 10.0 * power.log10() > level(sound) - 0.5
}

/// Lengths of sound and silence in turn, in ms, beginning with sound; to 10 ms.
pub fn rhythm(sound: &[i16]) -> Vec<usize> {
    let mut turns = Vec::new();
    let mut on = false;
    for block in sound.chunks(480) {
        let loud = level(block) > -70.0;
        if loud != on {
            on = loud;
            turns.push(0);
        }
        if let Some(last) = turns.last_mut() {
            *last += 10;
        }
    }
    turns
}

/// What packets of a payload type say, decoded.
pub fn decoded(codec: Codec, payload_type: u8, packets: &[Datagram]) -> Vec<i16> {
    let mut decoder = codec.decoder().unwrap();
    let mut all = Vec::new();
    for (header, payload) in packets.iter().filter_map(Datagram::rtp) {
        if header.payload_type == payload_type {
            let mut pcm = vec![0; 48_000];
            let made = decoder.decode(payload, &mut pcm).unwrap();
            all.extend(&pcm[..made]);
        }
    }
    all
}

/// Share of a sine in the power of it, without its beginning; none in silence.
pub fn share(sound: &[i16], hz: f64, rate: u32) -> f32 {
    let sound = &sound[sound.len() / 5..];
    if level(sound) < -70.0 {
        return 0.0;
    }
    10_f32.powf((level_at(sound, hz, rate) - level(sound)) / 10.0)
}
