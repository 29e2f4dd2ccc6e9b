//! Packets of SNTP, client mode (RFC 4330, RFC 5905 §14): one question, one answer, 48 bytes each. Pure.

/// Bytes of a packet without authenticator; of a longer one the rest is not read.
pub const LENGTH: usize = 48;
/// Version 4, mode 3: a client's.
const CLIENT: u8 = 4 << 3 | 3;
const SERVER: u8 = 4;
/// Leap indicator 3: the server's own clock is not set.
const UNKNOWN: u8 = 3;
/// Stratum 16 is "not synchronized".
const STRATA: std::ops::Range<u8> = 1..16;
/// From 1900 to 1970, seconds.
const TO_UNIX: i64 = 2_208_988_800;
/// Seconds of one era of the timestamps.
const ERA: i64 = 1 << 32;

/// Why an answer is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoTime {
    /// Not ours, or from before; somebody else may have sent it.
    #[error("the answer does not belong to the question")]
    Stray,
    #[error("the answer is no server's answer")]
    Form,
    #[error("the server's own clock is not set")]
    Unset,
    /// "Kiss of death" (RFC 5905 §7.4), with its code.
    #[error("the server refuses: {0}")]
    Kiss(String),
}

/// What an answer says of the own clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measured {
    /// Milliseconds the server's clock is ahead.
    pub offset_ms: i64,
    /// Milliseconds of the way there and back.
    pub delay_ms: i64,
    pub stratum: u8,
}

/// A question. `mark` is what the answer has to bring back: random bits in place of the own time, which is nobody's business
/// and could be guessed.
pub fn request(mark: [u8; 8]) -> [u8; LENGTH] {
    let mut packet = [0; LENGTH];
    packet[0] = CLIENT;
    packet[40..].copy_from_slice(&mark);
    packet
}

/// Reads the answer to [`request`] of this `mark`, sent and heard at these milliseconds since 1970 by the own clock.
///
/// # Errors
/// [`NoTime`].
pub fn answer(packet: &[u8], mark: [u8; 8], sent_ms: i64, heard_ms: i64) -> Result<Measured, NoTime> {
    let packet: &[u8; LENGTH] = packet.first_chunk().ok_or(NoTime::Form)?;
    let [head, stratum, ..] = *packet;
    let (leap, version, mode) = (head >> 6, head >> 3 & 7, head & 7);
    if mode != SERVER || !(1..=4).contains(&version) {
        return Err(NoTime::Form);
    }
    if packet[24..32] != mark {
        return Err(NoTime::Stray);
    }
    if stratum == 0 {
        let code = packet[12..16].iter().filter(|byte| byte.is_ascii_alphanumeric());
        return Err(NoTime::Kiss(code.map(|byte| char::from(*byte)).collect()));
    }
    let (received, transmitted) = (unix_ms(&packet[32..40]), unix_ms(&packet[40..48]));
    let (Some(received), Some(transmitted)) = (received, transmitted) else { return Err(NoTime::Unset) };
    if leap == UNKNOWN || !STRATA.contains(&stratum) {
        return Err(NoTime::Unset);
    }
    let (there, back) = (received - sent_ms, transmitted - heard_ms);
    let delay_ms = ((heard_ms - sent_ms) - (transmitted - received)).max(0);
    Ok(Measured { offset_ms: (there + back) / 2, delay_ms, stratum })
}

/// A timestamp in milliseconds since 1970, of 1968 to 2104 (RFC 4330 §3); `None` where it is zero, which is "not known".
fn unix_ms(bytes: &[u8]) -> Option<i64> {
    let value = u64::from_be_bytes(bytes.try_into().ok()?);
    if value == 0 {
        return None;
    }
    let (seconds, fraction) = ((value >> 32) as i64, value & 0xffff_ffff);
    let era = if value >> 63 == 0 { ERA } else { 0 };
    Some((seconds + era - TO_UNIX) * 1000 + ((fraction * 1000) >> 32) as i64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MARK: [u8; 8] = *b"any mark";

    fn stamp(unix_ms: i64) -> [u8; 8] {
        let seconds = (unix_ms.div_euclid(1000) + TO_UNIX).rem_euclid(ERA) as u64;
        let fraction = ((unix_ms.rem_euclid(1000) as u64) << 32).div_ceil(1000);
        (seconds << 32 | fraction).to_be_bytes()
    }

    fn said(received: i64, transmitted: i64) -> [u8; LENGTH] {
        let mut packet = [0; LENGTH];
        (packet[0], packet[1]) = (4 << 3 | SERVER, 2);
        packet[24..32].copy_from_slice(&MARK);
        packet[32..40].copy_from_slice(&stamp(received));
        packet[40..].copy_from_slice(&stamp(transmitted));
        packet
    }

    #[test]
    fn offset_and_delay() {
        // 2026-11-29 00:00 UTC, and the year 2040, which is in the next era.
        for now in [1_795_910_400_000, 2_208_988_800_000] {
            let ahead = 5000;
            // 20 ms there, 7 ms at the server, 40 ms back.
            let packet = said(now + 20 + ahead, now + 27 + ahead);
            let measured = answer(&packet, MARK, now, now + 67).unwrap();
            assert_eq!(measured, Measured { offset_ms: ahead - 10, delay_ms: 60, stratum: 2 });
        }
        assert_eq!(unix_ms(&stamp(-1)), Some(-1));
        assert_eq!(request(MARK)[..2], [0x23, 0]);
    }

    #[test]
    fn what_is_no_time_is_refused_with_the_reason() {
        let good = said(1000, 1000);
        let with = |change: fn(&mut [u8; LENGTH])| {
            let mut packet = good;
            change(&mut packet);
            answer(&packet, MARK, 1000, 1000).unwrap_err()
        };
        assert_eq!(with(|packet| packet[0] = CLIENT), NoTime::Form);
        assert_eq!(with(|packet| packet[0] = 4), NoTime::Form, "version 0");
        assert_eq!(with(|packet| packet[24] ^= 1), NoTime::Stray);
        assert_eq!(with(|packet| packet[0] |= 0xc0), NoTime::Unset);
        assert_eq!(with(|packet| packet[1] = 16), NoTime::Unset);
        assert_eq!(with(|packet| packet[40..].fill(0)), NoTime::Unset);
        assert_eq!(with(|packet| packet[32..40].fill(0)), NoTime::Unset);
        let kiss = with(|packet| {
            packet[1] = 0;
            packet[12..16].copy_from_slice(b"RATE");
        });
        assert_eq!(kiss, NoTime::Kiss("RATE".into()));
        assert_eq!(answer(&good[..47], MARK, 0, 0), Err(NoTime::Form));
    }

    proptest! {
        #[test]
        fn any_packet_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..80), marked: bool) {
            let mut bytes = bytes;
            if marked && bytes.len() >= LENGTH {
                bytes[24..32].copy_from_slice(&MARK);
            }
            let _ = answer(&bytes, MARK, 1_795_910_400_000, 1_795_910_400_050);
        }
    }
}
