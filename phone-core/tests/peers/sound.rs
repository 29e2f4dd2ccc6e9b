//! WAV files (16 bit): a tone to say, and how much of a tone was heard.

use std::path::Path;

/// A tone of `seconds`, 16 kHz mono, at half of full scale.
pub fn write_tone(path: &Path, hertz: f64, seconds: u32) {
    let samples = 16_000 * seconds;
    let mut wav = Vec::new();
    wav.extend_from_slice(b"RIFF");
    wav.extend_from_slice(&(36 + 2 * samples).to_le_bytes());
    wav.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    wav.extend_from_slice(&16_000_u32.to_le_bytes());
    wav.extend_from_slice(&32_000_u32.to_le_bytes());
    wav.extend_from_slice(b"\x02\0\x10\0data");
    wav.extend_from_slice(&(2 * samples).to_le_bytes());
    for index in 0..samples {
        let phase = std::f64::consts::TAU * hertz * f64::from(index) / 16_000.0;
        wav.extend_from_slice(&((phase.sin() * 16_384.0) as i16).to_le_bytes());
    }
    std::fs::write(path, wav).unwrap();
}

/// The share of the sound's power that is this tone, 0 to 1, in the half second that ends 0.1 s before the file;
/// 0 if it is silent or empty. Of several channels the first.
pub fn share_of_tone(path: &Path, hertz: f64) -> f64 {
    let bytes = std::fs::read(path).unwrap();
    let find = |name: &[u8]| bytes.windows(4).position(|window| window == name).unwrap();
    let format = find(b"fmt ");
    let channels = usize::from(u16::from_le_bytes([bytes[format + 10], bytes[format + 11]]));
    let rate = u32::from_le_bytes(bytes[format + 12..format + 16].try_into().unwrap());
    let data = bytes[find(b"data") + 8..].chunks_exact(2).step_by(channels);
    let samples: Vec<i16> = data.map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
    let end = samples.len().saturating_sub(rate as usize / 10);
    let part: Vec<i16> = samples[end.saturating_sub(rate as usize / 2)..end].to_vec();
    share(&part, rate, hertz)
}

/// The best share of half a second anywhere in the file.
pub fn share_of_tone_within(path: &Path, hertz: f64) -> f64 {
    let sound = audio::wav::Wav::read(path).unwrap();
    let half = sound.rate as usize / 2;
    let shares = sound.samples.chunks_exact(half).map(|part| share(part, sound.rate, hertz));
    shares.fold(0.0, f64::max)
}

/// The share of the power that is this tone.
fn share(part: &[i16], rate: u32, hertz: f64) -> f64 {
    let (mut tone, mut power) = (0.0, 0.0);
    // In pieces of 50 ms: a jitter buffer makes the phase jump.
    for piece in part.chunks_exact(rate as usize / 20) {
        let (mut real, mut imaginary) = (0.0, 0.0);
        for (index, sample) in piece.iter().enumerate() {
            let (phase, sample) = (std::f64::consts::TAU * hertz * index as f64 / f64::from(rate), f64::from(*sample));
            real += sample * phase.cos();
            imaginary += sample * phase.sin();
            power += sample * sample;
        }
        tone += 2.0 * (real * real + imaginary * imaginary) / piece.len() as f64;
    }
    if power == 0.0 { 0.0 } else { tone / power }
}
