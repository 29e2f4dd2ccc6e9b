//! WAV files of 16-bit PCM: read whole, written as a stream.

use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// Longest file that is read, bytes: almost 6 minutes at 48 kHz in mono, 35 at 8 kHz.
pub const MAX_BYTES: u64 = 32 << 20;
/// Bytes before the samples in the files we write.
const HEADER: usize = 44;
/// Most chunks looked at before the samples.
const MAX_CHUNKS: usize = 256;
const PCM: u16 = 1;
const EXTENSIBLE: u16 = 0xFFFE;

/// Why a file cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum WavError {
    /// The system says no.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// It does not begin as a WAV file does.
    #[error("not a WAV file")]
    NotWav,
    /// It ends in the middle of its header.
    #[error("the file is cut short")]
    Truncated,
    /// More than [`MAX_BYTES`].
    #[error("longer than {MAX_BYTES} bytes")]
    TooLong,
    /// There is no format before the samples.
    #[error("no format given")]
    NoFormat,
    /// There are no samples.
    #[error("no samples in it")]
    NoData,
    /// Another coding than 16-bit PCM.
    #[error("format {format} with {bits} bits: only 16-bit PCM is read")]
    Coding {
        /// The number of the format.
        format: u16,
        /// Bits per sample.
        bits: u16,
    },
    /// Neither mono nor stereo.
    #[error("{0} channels: only one or two are read")]
    Channels(u16),
    /// 0, or more than 192 kHz.
    #[error("a rate of {0} Hz")]
    Rate(u32),
}

/// The sound of a file, mono.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wav {
    /// Hz.
    pub rate: u32,
    /// All of it; stereo is the mean of both sides.
    pub samples: Vec<i16>,
}

impl Wav {
    /// Reads a file.
    ///
    /// # Errors
    /// If it cannot be read, is too long, or is no 16-bit PCM of one or two channels.
    pub fn read(path: &Path) -> Result<Self, WavError> {
        let mut bytes = vec![];
        File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
        Self::parse(&bytes)
    }

    /// Reads the bytes of a file. A file that was not finished (a data size of 0 or too much) is taken as it is.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn parse(bytes: &[u8]) -> Result<Self, WavError> {
        if bytes.len() as u64 > MAX_BYTES {
            return Err(WavError::TooLong);
        }
        if bytes.get(..4) != Some(b"RIFF") || bytes.get(8..12) != Some(b"WAVE") {
            return Err(WavError::NotWav);
        }
        let mut rest = bytes.get(12..).unwrap_or_default();
        let mut format = None;
        for _ in 0..MAX_CHUNKS {
            let Some((head, body)) = rest.split_at_checked(8) else { break };
            let size = le32(head, 4).ok_or(WavError::Truncated)? as usize;
            match &head[..4] {
                b"fmt " => format = Some(Format::parse(body.get(..size).ok_or(WavError::Truncated)?)?),
                b"data" => {
                    let format = format.ok_or(WavError::NoFormat)?;
                    let data = if size == 0 { body } else { body.get(..size).unwrap_or(body) };
                    return Ok(Self { rate: format.rate, samples: format.mono(data) });
                }
                _ => {}
            }
            // Chunks begin at even places.
            rest = body.get(size.saturating_add(size & 1)..).unwrap_or_default();
        }
        Err(if format.is_some() { WavError::NoData } else { WavError::NoFormat })
    }
}

#[derive(Clone, Copy)]
struct Format {
    channels: u16,
    rate: u32,
}

impl Format {
    fn parse(body: &[u8]) -> Result<Self, WavError> {
        let (Some(mut format), Some(channels), Some(rate), Some(bits)) =
            (le16(body, 0), le16(body, 2), le32(body, 4), le16(body, 14))
        else {
            return Err(WavError::Truncated);
        };
        if format == EXTENSIBLE {
            // The sub-format begins with the number the short header would have.
            format = le16(body, 24).ok_or(WavError::Truncated)?;
        }
        if format != PCM || bits != 16 {
            return Err(WavError::Coding { format, bits });
        }
        if !(1..=2).contains(&channels) {
            return Err(WavError::Channels(channels));
        }
        if rate == 0 || rate > 192_000 {
            return Err(WavError::Rate(rate));
        }
        Ok(Self { channels, rate })
    }

    fn mono(self, data: &[u8]) -> Vec<i16> {
        let sample = |bytes: &[u8]| le16(bytes, 0).unwrap_or(0) as i16;
        if self.channels == 1 {
            return data.chunks_exact(2).map(sample).collect();
        }
        let mean = |both: &[u8]| ((i32::from(sample(both)) + i32::from(sample(&both[2..]))) / 2) as i16;
        data.chunks_exact(4).map(mean).collect()
    }
}

fn le16(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|b| u16::from_le_bytes(*b))
}

fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|b| u32::from_le_bytes(*b))
}

/// Writes a file of 16-bit PCM, mono. Its header is right after [`Self::finish`] or when the writer is dropped.
#[derive(Debug)]
pub struct WavWriter {
    file: BufWriter<File>,
    rate: u32,
    /// Of samples, so far.
    bytes: u32,
    finished: bool,
}

impl WavWriter {
    /// Makes the file, or empties it.
    ///
    /// # Errors
    /// If the system says no, or the rate is 0 or above 192 kHz.
    pub fn create(path: &Path, rate: u32) -> Result<Self, WavError> {
        if rate == 0 || rate > 192_000 {
            return Err(WavError::Rate(rate));
        }
        let mut file = BufWriter::with_capacity(1 << 16, File::create(path)?);
        file.write_all(&header(rate, 0))?;
        Ok(Self { file, rate, bytes: 0, finished: false })
    }

    /// Adds samples; may wait for the disk, but allocates nothing.
    ///
    /// # Errors
    /// If the system says no, or the file would pass 4 GiB.
    pub fn write(&mut self, samples: &[i16]) -> Result<(), WavError> {
        let more = u32::try_from(samples.len() * 2).map_err(|_| WavError::TooLong)?;
        let bytes = self.bytes.checked_add(more).filter(|all| *all < u32::MAX - HEADER as u32);
        let bytes = bytes.ok_or(WavError::TooLong)?;
        let mut buffer = [0; 960];
        for part in samples.chunks(buffer.len() / 2) {
            for (to, sample) in buffer.chunks_exact_mut(2).zip(part) {
                to.copy_from_slice(&sample.to_le_bytes());
            }
            self.file.write_all(&buffer[..part.len() * 2])?;
        }
        self.bytes = bytes;
        Ok(())
    }

    /// Writes the lengths into the header and gives everything to the system.
    ///
    /// # Errors
    /// If the system says no.
    pub fn finish(mut self) -> Result<(), WavError> {
        self.finished = true;
        self.complete()
    }

    fn complete(&mut self) -> Result<(), WavError> {
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&header(self.rate, self.bytes))?;
        self.file.flush()?;
        Ok(())
    }
}

impl Drop for WavWriter {
    fn drop(&mut self) {
        if !self.finished {
            // Nobody is left to tell.
            let _ = self.complete();
        }
    }
}

fn header(rate: u32, bytes: u32) -> [u8; HEADER] {
    let mut out = [0; HEADER];
    let fields: [&[u8]; 13] = [
        b"RIFF",
        &(bytes + HEADER as u32 - 8).to_le_bytes(),
        b"WAVE",
        b"fmt ",
        &16_u32.to_le_bytes(),
        &PCM.to_le_bytes(),
        &1_u16.to_le_bytes(),
        &rate.to_le_bytes(),
        &(rate * 2).to_le_bytes(),
        &2_u16.to_le_bytes(),
        &16_u16.to_le_bytes(),
        b"data",
        &bytes.to_le_bytes(),
    ];
    for (to, from) in out.iter_mut().zip(fields.into_iter().flatten()) {
        *to = *from;
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(format: u16, channels: u16, rate: u32, bits: u16, data: &[u8]) -> Vec<u8> {
        let mut out = header(rate, data.len() as u32).to_vec();
        out[20..22].copy_from_slice(&format.to_le_bytes());
        out[22..24].copy_from_slice(&channels.to_le_bytes());
        out[34..36].copy_from_slice(&bits.to_le_bytes());
        out.extend(data);
        out
    }

    #[test]
    fn what_is_written_is_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.wav");
        let samples: Vec<i16> = (0..3000).map(|i| (i * 37 % 65_521 - 32_768) as i16).collect();
        let mut writer = WavWriter::create(&path, 44_100).unwrap();
        writer.write(&samples[..7]).unwrap();
        writer.write(&samples[7..]).unwrap();
        writer.finish().unwrap();
        assert_eq!(Wav::read(&path).unwrap(), Wav { rate: 44_100, samples: samples.clone() });
        // A dropped writer leaves a whole file too.
        let mut writer = WavWriter::create(&path, 8000).unwrap();
        writer.write(&samples).unwrap();
        drop(writer);
        assert_eq!(Wav::read(&path).unwrap(), Wav { rate: 8000, samples });
    }

    #[test]
    fn stereo_becomes_the_mean() {
        let bytes = file(1, 2, 16_000, 16, &[10, 0, 30, 0, 0, 0x80, 0, 0x80, 1, 0]);
        assert_eq!(Wav::parse(&bytes).unwrap().samples, [20, -32_768]);
    }

    #[test]
    fn chunks_of_odd_length_are_stepped_over() {
        let plain = file(1, 1, 8000, 16, &[1, 2]);
        let mut bytes = plain[..36].to_vec();
        bytes.extend(b"LIST\x03\0\0\0abc\0");
        bytes.extend(&plain[36..]);
        assert_eq!(Wav::parse(&bytes).unwrap().samples, [0x0201]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let error = |bytes: &[u8]| Wav::parse(bytes).unwrap_err().to_string();
        assert_eq!(error(b"OggS"), "not a WAV file");
        assert_eq!(error(&file(3, 1, 8000, 32, &[0; 4])), "format 3 with 32 bits: only 16-bit PCM is read");
        assert_eq!(error(&file(1, 6, 8000, 16, &[0; 12])), "6 channels: only one or two are read");
        assert_eq!(error(&file(1, 1, 0, 16, &[0; 2])), "a rate of 0 Hz");
        assert_eq!(error(&file(1, 1, 8000, 16, &[])[..30]), "the file is cut short");
        assert_eq!(error(&file(1, 1, 8000, 16, &[])[..36]), "no samples in it");
        assert_eq!(error(&file(1, 1, 8000, 16, &[])[..12]), "no format given");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(noise in prop::collection::vec(any::<u8>(), 0..80), cut in 0_usize..60) {
            let mut bytes = file(1, 1, 8000, 16, &[1, 2, 3, 4]);
            bytes.truncate(cut);
            bytes.extend(noise);
            let _ = Wav::parse(&bytes);
        }
    }
}
