//! The old binary file `cfg<mac>`: a header of 16 bytes and `P271=1&P47=...&gnkey=0b82`, values URL-encoded.
//!
//! ```text
//! 0  u32  length of the file in 16-bit words
//! 4  u16  chosen so that all 16-bit words of the file add up to 0
//! 6  6    MAC address
//! 12 4    CR LF CR LF
//! 16      the body, a NUL behind it where its length would be odd
//! ```
//! All numbers are big-endian.

use contract::mac::Mac;
use settings::Dialect;

use crate::{
    Document,
    entries::Collector,
    error::{ErrorKind, Place, ReadError, WriteError},
    express::{Wish, express},
    format::{ReadOptions, WriteOptions, Written},
    text::is_p,
};

const HEADER: usize = 16;
const BREAK: &[u8] = b"\r\n\r\n";
/// Ends every body the vendor's tools make.
const TRAILER: (&str, &str) = ("gnkey", "0b82");

/// Whether the file begins as a binary one does. A text may have an empty line there, too, but no zeros before it, as lengths do.
pub(crate) fn has_header(bytes: &[u8]) -> bool {
    bytes.split_at_checked(12).is_some_and(|(begin, rest)| begin.contains(&0) && rest.starts_with(BREAK))
}

/// Reads a file.
pub(crate) fn read(bytes: &[u8], options: &ReadOptions<'_>, collector: &mut Collector<'_>) -> Result<(), ReadError> {
    let damaged = |reason: String| ReadError::new(ErrorKind::Damaged, Place::Whole, reason);
    let (Some(length), Some(mac), Some(body)) =
        (bytes.first_chunk::<4>(), bytes.get(6..12).and_then(|mac| mac.first_chunk::<6>()), bytes.get(HEADER..))
    else {
        return Err(damaged("it is shorter than its header".into()));
    };
    let told = usize::try_from(u32::from_be_bytes(*length)).ok().and_then(|words| words.checked_mul(2));
    if told != Some(bytes.len()) {
        return Err(damaged(format!("it has {} bytes, its header tells another number", bytes.len())));
    }
    if sum(bytes) != 0 {
        return Err(damaged("its checksum is wrong".into()));
    }
    // All zeros: for any phone.
    if *mac != [0; 6] {
        // Refuses addresses no phone has.
        let mac: Mac = hex(mac).parse().map_err(|_| damaged("its MAC address is no phone's".into()))?;
        if let Some(expected) = options.mac.filter(|expected| *expected != mac) {
            return Err(ReadError::wrong_mac(Place::Whole, &mac, &expected));
        }
        collector.mac(mac);
    }
    entries(body.strip_suffix(b"\0").unwrap_or(body), collector)
}

fn entries(body: &[u8], collector: &mut Collector<'_>) -> Result<(), ReadError> {
    let mut ended = false;
    for (i, pair) in body.split(|b| *b == b'&').enumerate() {
        let place = Place::Entry(i + 1);
        if pair.is_empty() {
            continue;
        }
        let malformed = |reason: &str| ReadError::new(ErrorKind::Malformed, place, reason);
        let at = pair.iter().position(|b| *b == b'=').ok_or_else(|| malformed("it is not NAME=VALUE"))?;
        let (name, value) = pair.split_at(at);
        let name = std::str::from_utf8(name).map_err(|_| malformed("its name is not text"))?;
        let value = decode(value.get(1..).unwrap_or_default())
            .ok_or_else(|| malformed("its value is not URL-encoded UTF-8").named(name))?;
        if name.is_empty() {
            return Err(malformed("there is no name before the ="));
        }
        if name == TRAILER.0 {
            ended = true;
        } else {
            collector.push(Dialect::P, name, value, place)?;
        }
    }
    if !ended {
        collector.warn(Place::Whole, "the file does not end with gnkey; phones may refuse it");
    }
    Ok(())
}

/// Writes the settings that have P-values.
pub(crate) fn write(document: &Document, options: &WriteOptions) -> Result<Written, WriteError> {
    let mac = document.mac.ok_or(WriteError::NoMac)?;
    let fits = |name: &str, _: &str| is_p(name);
    // There is no place for names of our own, whoever reads it.
    let nothing = |_: &str, _: &str| false;
    let wish = Wish { dialect: Dialect::P, prefer_own: false, fits, own_fits: nothing };
    let out = express(document, options, wish);
    let mut body = String::new();
    for (name, value) in &out.items {
        body.push_str(name);
        body.push('=');
        encode(value, &mut body);
        body.push('&');
    }
    body.push_str(&format!("{}={}", TRAILER.0, TRAILER.1));
    Ok(Written { bytes: wrap(mac, body.as_bytes()), left_out: out.left_out })
}

fn wrap(mac: Mac, body: &[u8]) -> Vec<u8> {
    let padding = body.len() % 2;
    let words = (HEADER + body.len() + padding) / 2;
    let mut file = Vec::with_capacity(words * 2);
    // A body is far below 8 GiB: values have limits.
    file.extend_from_slice(&u32::try_from(words).unwrap_or(u32::MAX).to_be_bytes());
    file.extend_from_slice(&[0, 0]);
    file.extend_from_slice(&mac.bytes());
    file.extend_from_slice(BREAK);
    file.extend_from_slice(body);
    file.resize(words * 2, 0);
    let checksum = sum(&file).wrapping_neg().to_be_bytes();
    for (place, byte) in file.iter_mut().skip(4).zip(checksum) {
        *place = byte;
    }
    file
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// All 16-bit words, modulo 65536.
fn sum(bytes: &[u8]) -> u16 {
    bytes.as_chunks::<2>().0.iter().fold(0, |sum: u16, word| sum.wrapping_add(u16::from_be_bytes(*word)))
}

fn encode(value: &str, out: &mut String) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}

/// `+` is a blank, as in a web form: the vendor's tools and PHP write it so, and a real plus as `%2B`.
fn decode(value: &[u8]) -> Option<String> {
    let mut out = Vec::with_capacity(value.len());
    let mut bytes = value.iter();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let digit = |b: Option<&u8>| char::from(*b?).to_digit(16);
                let code = digit(bytes.next())? * 16 + digit(bytes.next())?;
                u8::try_from(code).ok()?
            }
            b'+' => b' ',
            byte => *byte,
        });
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Audience, Format, read, write};

    const FIRST: &str =
        "0000001b8930000b821234560d0a0d0a503237313d31265034373d7369702e6578616d706c652e6e657426676e6b65793d3062383200";

    #[test]
    fn the_vectors_of_the_reference() {
        let file = hex::decode(FIRST).unwrap();
        let document = read(&file, &ReadOptions::default()).unwrap();
        assert_eq!(document.mac.unwrap().compact(), "000b82123456");
        assert_eq!(document.get("account.1.enable"), Some("yes"));
        assert_eq!(document.get("account.1.sip.server.1.address"), Some("sip.example.net"));
        assert!(document.aside().is_empty() && document.warnings().is_empty());
        let again = write(&document, Format::Binary, &WriteOptions::new(Audience::Vendor)).unwrap();
        assert_eq!(hex::encode(again.bytes), FIRST);
        let file = hex::decode("00000020d7bcc074ad0000ff0d0a0d0a503237313d30265033303d706f6f6c2e6e74702e6f72672650333d526f6f6d25323031303126676e6b65793d30623832").unwrap();
        let document = read(&file, &ReadOptions::default()).unwrap();
        assert_eq!(document.mac.unwrap().compact(), "c074ad0000ff");
        assert!(document.iter().any(|(_, value)| value == "Room 101"), "{document:?}");
    }

    #[test]
    fn another_phones_file_is_refused() {
        let file = hex::decode(FIRST).unwrap();
        let read_as =
            |mac: &str| read(&file, &ReadOptions { mac: Some(mac.parse().unwrap()), ..ReadOptions::default() });
        assert!(read_as("00:0b:82:12:34:56").is_ok());
        let error = read_as("00:0b:82:12:34:57").unwrap_err();
        assert_eq!(error.to_string(), "the file: it is for 00:0b:82:12:34:56, not for 00:0b:82:12:34:57");
    }

    #[test]
    fn every_flipped_bit_is_seen() {
        let file = hex::decode(FIRST).unwrap();
        for at in 0..file.len() {
            for bit in 0..8 {
                let mut bent = file.clone();
                bent[at] ^= 1 << bit;
                // Without its line break it is no binary file any more, and no text either.
                assert!(read(&bent, &ReadOptions::default()).is_err(), "{at}.{bit}");
            }
        }
        assert!(read(&file[..file.len() - 2], &ReadOptions::default()).is_err());
        assert!(read(&file[..HEADER], &ReadOptions::default()).is_err());
    }

    #[test]
    fn a_text_with_an_empty_line_in_the_same_place_is_a_text() {
        let document = read(b"# GHP config\r\n\r\nhotel.name = Harbour\r\n", &ReadOptions::default()).unwrap();
        assert_eq!(document.get("hotel.name"), Some("Harbour"));
    }

    #[test]
    fn values_keep_every_character() {
        for value in ["", "a b", "+49", "50%", "ü&=", "\u{1f6ce}"] {
            let mut encoded = String::new();
            encode(value, &mut encoded);
            assert!(encoded.is_ascii() && !encoded.contains(['&', '=', '+', ' ']));
            assert_eq!(decode(encoded.as_bytes()).as_deref(), Some(value));
        }
        assert_eq!(decode(b"Room+101").as_deref(), Some("Room 101"));
        for bad in ["%", "%2", "%zz", "%ff"] {
            assert_eq!(decode(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn without_an_address_there_is_no_file() {
        let result = write(&Document::default(), Format::Binary, &WriteOptions::new(Audience::Vendor));
        assert_eq!(result.err(), Some(WriteError::NoMac));
    }
}
