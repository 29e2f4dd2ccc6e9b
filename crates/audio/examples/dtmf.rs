//! The DTMF digits in WAV files: `cargo run -p audio --example dtmf -- FILE...`. Speech should have none.

use std::path::Path;

use audio::Resampler;
use audio::tone::{DtmfDetector, DtmfEvent, dtmf};
use audio::wav::Wav;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut seconds = 0;
    for name in std::env::args().skip(1) {
        let wav = Wav::read(Path::new(&name))?;
        let mut resampler = Resampler::new(wav.rate, dtmf::RATE)?;
        let mut detector = DtmfDetector::new();
        let mut digits = String::new();
        for block in wav.samples.chunks(resampler.input_len()) {
            let mut out = [0; 80];
            resampler.process(block, &mut out);
            if let Some(DtmfEvent::Start(digit)) = detector.process(&out) {
                digits.push(digit);
            }
        }
        seconds += wav.samples.len() / wav.rate as usize;
        println!("{name}: \"{digits}\"");
    }
    println!("{seconds} s");
    Ok(())
}
