//! What a leg costs: processor time beside codec and encryption alone, in the same run, and memory.

use std::hint::black_box;
use std::time::Duration;

use anyhow::{Context as _, Result};
use audio::{BLOCK, RATE, Resampler};
use codecs::Codec;
use media::Session;
use media::config::Budget;
use nix::time::{ClockId, clock_gettime};
use rtc_srtp::context::Context;
use rtc_srtp::option::srtp_replay_protection;
use rtc_srtp::protection_profile::ProtectionProfile;
use rtp::Header;
use rtp::srtp::{Protect, Unprotect};
use serde::{Deserialize, Serialize};

use crate::call::{self, End, Network, Scene};
use crate::leg::{ALL, Agreed, SUITE, address, master, ptime_ms, session};
use crate::network::{Conditions, PACKET, Trace, trace};

/// Legs made to see what memory they take.
const LEGS: usize = 200;

/// One codec's figures: milliseconds of processor for a second of a call, both directions.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CostRow {
    pub codec: String,
    pub ptime_ms: u16,
    /// Encoding and decoding alone.
    pub codec_ms: f64,
    /// Encryption and decryption alone, by another implementation (rtc-srtp).
    pub srtp_ms: f64,
    /// The whole leg, encrypted, without loss; and at 10 % loss with two copies.
    pub leg_ms: f64,
    pub lossy_ms: f64,
    /// Of a leg.
    pub memory_kb: f64,
}

impl CostRow {
    pub fn ratio(&self) -> f64 {
        self.leg_ms / (self.codec_ms + self.srtp_ms)
    }

    pub fn calls_per_core(&self) -> f64 {
        1000.0 / self.leg_ms
    }

    /// Sent and received.
    pub fn packets_per_second(&self) -> f64 {
        self.calls_per_core() * 2000.0 / f64::from(self.ptime_ms)
    }
}

/// Nanoseconds a packet of G.711.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct SrtpCost {
    pub ours_protect: f64,
    pub ours_unprotect: f64,
    pub theirs_protect: f64,
    pub theirs_unprotect: f64,
}

/// Measures all codecs there are; `said` is speech at 48 kHz. Each figure is the best of `rounds`, which take turns.
///
/// # Errors
/// If a codec fails.
pub fn run(said: &[i16], rounds: usize) -> Result<(Vec<CostRow>, SrtpCost)> {
    let mut rows = Vec::new();
    // Kept to the end: what is given back would be taken again and not be seen.
    let mut legs = Vec::new();
    for codec in ALL {
        if codec.encoder().is_err() || codec.decoder().is_err() {
            println!("{} is not built in", codec.name());
            continue;
        }
        let narrow = narrowed(said, codec.sample_rate())?;
        let clean = vec![Some(Duration::from_millis(1)); 16];
        let ten = Conditions { loss: 10, burst: None, jitter_ms: 20, reordered: 1 };
        let lossy = trace(&ten, 1, 10_000);
        let mut best = [f64::INFINITY; 4];
        for _ in 0..rounds {
            let (codec_ms, payload) = codec_alone(codec, &narrow)?;
            let srtp = srtp_alone(payload)?;
            let agreed = Agreed { codec, redundancy: Some(Budget::TwoCopies), encrypted: true };
            let figures = [
                codec_ms,
                (srtp.theirs_protect + srtp.theirs_unprotect) / 1e3 / f64::from(ptime_ms(codec)),
                leg(&agreed, said, &clean)?,
                leg(&agreed, said, &lossy)?,
            ];
            best.iter_mut().zip(figures).for_each(|(best, figure)| *best = best.min(figure));
        }
        let [codec_ms, srtp_ms, leg_ms, lossy_ms] = best;
        let memory_kb = memory(codec, said, &mut legs)?;
        rows.push(CostRow {
            codec: codec.name().to_owned(),
            ptime_ms: ptime_ms(codec),
            codec_ms,
            srtp_ms,
            leg_ms,
            lossy_ms,
            memory_kb,
        });
    }
    let mut srtp = srtp_alone(160)?;
    for _ in 1..rounds {
        let again = srtp_alone(160)?;
        srtp.ours_protect = srtp.ours_protect.min(again.ours_protect);
        srtp.ours_unprotect = srtp.ours_unprotect.min(again.ours_unprotect);
        srtp.theirs_protect = srtp.theirs_protect.min(again.theirs_protect);
        srtp.theirs_unprotect = srtp.theirs_unprotect.min(again.theirs_unprotect);
    }
    Ok((rows, srtp))
}

/// Of this thread, seconds.
fn cpu() -> Result<f64> {
    Ok(Duration::from(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?).as_secs_f64())
}

/// `said` at the codec's rate.
fn narrowed(said: &[i16], rate: u32) -> Result<Vec<i16>> {
    if rate == RATE {
        return Ok(said.to_vec());
    }
    let mut down = Resampler::new(RATE, rate)?;
    let mut narrow = vec![0; rate as usize / 100];
    let mut all = Vec::new();
    for block in said.chunks_exact(BLOCK) {
        down.process(block, &mut narrow);
        all.extend_from_slice(&narrow);
    }
    Ok(all)
}

/// Milliseconds for a second of sound, and the mean payload's bytes.
fn codec_alone(codec: Codec, narrow: &[i16]) -> Result<(f64, usize)> {
    let (mut encoder, mut decoder) = (codec.encoder()?, codec.decoder()?);
    let packet = codec.sample_rate() as usize * usize::from(ptime_ms(codec)) / 1000;
    let (mut payload, mut sound) = (vec![0; 1400], vec![0; packet * 6]);
    let (mut packets, mut bytes) = (0_usize, 0);
    let start = cpu()?;
    for pcm in narrow.chunks_exact(packet) {
        let length = encoder.encode(pcm, &mut payload)?;
        let payload = payload.get(..length).context("a payload")?;
        if length > 0 {
            decoder.decode(payload, &mut sound)?;
        }
        black_box(&sound);
        (packets, bytes) = (packets + 1, bytes + length);
    }
    let seconds = packets as f64 * f64::from(ptime_ms(codec)) / 1000.0;
    Ok(((cpu()? - start) * 1000.0 / seconds, bytes / packets.max(1)))
}

/// Both implementations on packets with `payload` bytes.
fn srtp_alone(payload: usize) -> Result<SrtpCost> {
    const PACKETS: usize = 10_000;
    let (length, key) = (12 + payload, master(0));
    let packet = |number: usize| {
        let mut bytes = vec![7; length + 16];
        let header = Header { sequence: number as u16, timestamp: number as u32 * 160, ssrc: 1, ..Header::default() };
        header.write(&mut bytes);
        bytes
    };
    let mut ours: Vec<Vec<u8>> = (0..PACKETS).map(packet).collect();
    let plain = ours.clone();
    let (mut protect, mut unprotect) = (Protect::new(SUITE, &key, &[])?, Unprotect::new(SUITE, &key, &[])?);
    let provider = rtc_srtp::crypto::default_provider()?;
    let context = || {
        let (profile, replay) = (ProtectionProfile::Aes128CmHmacSha1_80, Some(srtp_replay_protection(64)));
        Context::new(&key[..16], &key[16..], profile, replay, None, provider.crypto())
    };
    let (mut theirs_tx, mut theirs_rx) = (context()?, context()?);
    let each = |work: &mut dyn FnMut() -> Result<()>| {
        let start = cpu()?;
        work()?;
        anyhow::Ok((cpu()? - start) * 1e9 / PACKETS as f64)
    };
    let ours_protect = each(&mut || {
        ours.iter_mut().try_for_each(|bytes| protect.protect_rtp(bytes, length).map(drop)).map_err(Into::into)
    })?;
    ours.iter_mut().for_each(|bytes| bytes.truncate(length + 10));
    let theirs_unprotect = each(&mut || {
        ours.iter()
            .try_for_each(|bytes| theirs_rx.decrypt_rtp(bytes).map(|out| drop(black_box(out))))
            .map_err(Into::into)
    })?;
    let ours_unprotect = each(&mut || {
        ours.iter_mut().try_for_each(|bytes| unprotect.unprotect_rtp(bytes).map(drop)).map_err(Into::into)
    })?;
    let theirs_protect = each(&mut || {
        let mut all = plain.iter();
        all.try_for_each(|bytes| theirs_tx.encrypt_rtp(&bytes[..length]).map(|out| drop(black_box(out))))
            .map_err(Into::into)
    })?;
    Ok(SrtpCost { ours_protect, ours_unprotect, theirs_protect, theirs_unprotect })
}

/// Both ends say the same.
struct BothSpeak<'a>(&'a [i16]);

impl Scene for BothSpeak<'_> {
    fn say(&mut self, _end: usize, block: usize) -> Option<&[i16; BLOCK]> {
        let block = block % (self.0.len() / BLOCK).max(1);
        self.0.get(block * BLOCK..(block + 1) * BLOCK)?.try_into().ok()
    }
}

/// Milliseconds of one leg for a second of a call. The simulated network's own cost is in it.
fn leg(agreed: &Agreed, said: &[i16], fates: &Trace) -> Result<f64> {
    let end = |number| {
        let phase = Duration::from_millis(number as u64 * 5);
        anyhow::Ok(End { session: session(agreed, number, 1)?, clock: 1.0, phase })
    };
    let mut ends = [end(0)?, end(1)?];
    let network = Network { rtp: [fates, fates], rtcp: [fates, fates] };
    let blocks = said.len() / BLOCK;
    let start = cpu()?;
    call::make(&mut ends, &network, blocks, &mut BothSpeak(said));
    Ok((cpu()? - start) * 1000.0 / 2.0 / (blocks as f64 / 100.0))
}

/// kB that a leg takes, at work: what the process grew by.
fn memory(codec: Codec, said: &[i16], legs: &mut Vec<Session>) -> Result<f64> {
    let agreed = Agreed { codec, redundancy: Some(Budget::TwoCopies), encrypted: true };
    let before = resident()?;
    for number in 0..LEGS {
        let mut leg = session(&agreed, number % 2, number as u64)?;
        let mut sound = [0; BLOCK];
        let mut other: Option<Vec<u8>> = None;
        // Enough to touch everything: it hears the packets of the leg before.
        for (block, pcm) in said.chunks_exact(BLOCK).take(50).enumerate() {
            let now = PACKET.mul_f64(block as f64 / 2.0);
            leg.play(now, &mut sound);
            leg.capture(now, Some(pcm.try_into()?));
            leg.tick(now);
            while let Some((_, _, packet)) = leg.poll_transmit() {
                other = Some(packet.to_vec());
            }
            if let Some(packet) = &mut other {
                leg.receive(now, media::Port::Rtp, address(1 - number % 2), packet);
            }
        }
        legs.push(leg);
    }
    let grown = resident()?.saturating_sub(before);
    Ok(grown as f64 / LEGS as f64)
}

/// kB of this process in memory.
fn resident() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
