//! What tests of several codecs share.

/// Samples of a file of 16-bit little-endian ones.
pub(crate) fn samples(bytes: &[u8]) -> Vec<i16> {
    bytes.as_chunks::<2>().0.iter().map(|pair| i16::from_le_bytes(*pair)).collect()
}

/// The file of such samples.
pub(crate) fn bytes(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

/// Signal to noise of `heard` as a copy of `said` that comes `delay` samples late, in dB.
pub(crate) fn snr(said: &[i16], heard: &[i16], delay: usize) -> f64 {
    let (mut signal, mut noise) = (1.0, 1.0);
    for (said, heard) in said.iter().zip(&heard[delay..]) {
        let (said, heard) = (f64::from(*said), f64::from(*heard));
        signal += said * said;
        noise += (said - heard).powi(2);
    }
    10.0 * f64::log10(signal / noise)
}
