//! Telephone events (RFC 4733): the payload, what sends the digits of a keypad and what recognises them.

mod receiver;
mod sender;

#[cfg(test)]
mod tests;

pub use receiver::EventReceiver;
pub use sender::{EventSender, MAX_QUEUE, Outgoing};

use crate::bytes::{Writer, u8_at, u16_at};

/// Bytes of a payload.
pub const PAYLOAD_LEN: usize = 4;
/// The event of a hook flash, written `!`.
pub const FLASH: u8 = 16;

/// One report on an event (RFC 4733 §2.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Payload {
    /// 0-15 are the digits, 16 is the flash.
    pub event: u8,
    /// It is over.
    pub end: bool,
    /// Level below 0 dBm0 in dB, 0-63.
    pub volume: u8,
    /// So far, in timestamp units.
    pub duration: u16,
}

impl Payload {
    /// Reads the first report of a payload; `None` when it is shorter than 4 bytes. More that may follow is redundant.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let flags = u8_at(payload, 1)?;
        Some(Self {
            event: u8_at(payload, 0)?,
            end: flags & 0x80 != 0,
            volume: flags & 0x3f,
            duration: u16_at(payload, 2)?,
        })
    }

    /// Writes 4 bytes; `None` when `out` is shorter.
    pub fn write(&self, out: &mut [u8]) -> Option<usize> {
        let mut w = Writer::new(out);
        w.u8(self.event)?;
        w.u8(u8::from(self.end) << 7 | self.volume & 0x3f)?;
        w.u16(self.duration)?;
        Some(w.len())
    }
}

/// The event of a key: `0`-`9`, `*`, `#`, `A`-`D` in either case, `!` for the flash.
pub const fn of_key(key: char) -> Option<u8> {
    match key {
        '0'..='9' => Some(key as u8 - b'0'),
        '*' => Some(10),
        '#' => Some(11),
        'A'..='D' => Some(key as u8 - b'A' + 12),
        'a'..='d' => Some(key as u8 - b'a' + 12),
        '!' => Some(FLASH),
        _ => None,
    }
}

/// The key of an event, or `None` when it is none of a keypad's.
pub const fn key_of(event: u8) -> Option<char> {
    match event {
        0..=9 => Some((b'0' + event) as char),
        10 => Some('*'),
        11 => Some('#'),
        12..=15 => Some((b'A' + event - 12) as char),
        FLASH => Some('!'),
        _ => None,
    }
}
