//! What a message may cost before anyone looks at what it says.
//!
//! Every limit is checked while reading, so a refusal costs no more than the bytes read so far.

use std::borrow::Cow;
use std::io::Read;

use flate2::bufread::{DeflateDecoder, GzDecoder, ZlibDecoder};

use crate::error::{CwmpError, ErrorKind};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the body as sent. Default 2 MiB. The HTTP layer stops reading here too.
    pub body: usize,
    /// Bytes of the body after inflating. Default 2 MiB.
    pub inflated: usize,
    /// Elements inside each other. Default 32.
    pub depth: usize,
    /// Elements altogether. Default 50,000.
    pub elements: usize,
    /// Bytes of one element's text or of one attribute. Default 64 KiB.
    pub text: usize,
    /// Attributes of one element, `xmlns` included. Default 64.
    pub attributes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { body: 2 << 20, inflated: 2 << 20, depth: 32, elements: 50_000, text: 64 << 10, attributes: 64 }
    }
}

/// Undoes `Content-Encoding` (none, `identity`, `gzip`, `x-gzip`, `deflate`) within the limits.
/// Fails with [`ErrorKind::TooLarge`] or [`ErrorKind::Encoding`].
pub fn decode_body<'a>(
    content_encoding: Option<&str>,
    bytes: &'a [u8],
    limits: &Limits,
) -> Result<Cow<'a, [u8]>, CwmpError> {
    if bytes.len() > limits.body {
        return Err(too_large(limits.body));
    }
    let encoding = content_encoding.unwrap_or_default().trim();
    if encoding.is_empty() || encoding.eq_ignore_ascii_case("identity") {
        Ok(Cow::Borrowed(bytes))
    } else if encoding.eq_ignore_ascii_case("gzip") || encoding.eq_ignore_ascii_case("x-gzip") {
        inflate(GzDecoder::new(bytes), limits).map(Cow::Owned)
    } else if encoding.eq_ignore_ascii_case("deflate") {
        // RFC 9110 §8.4.1.2 means zlib; some senders leave its two bytes of header out.
        if bytes.len() >= 2 && bytes[0] & 0x0f == 8 && u16::from_be_bytes([bytes[0], bytes[1]]).is_multiple_of(31) {
            inflate(ZlibDecoder::new(bytes), limits).map(Cow::Owned)
        } else {
            inflate(DeflateDecoder::new(bytes), limits).map(Cow::Owned)
        }
    } else {
        Err(CwmpError::new(ErrorKind::Encoding, "the Content-Encoding is neither gzip nor deflate"))
    }
}

fn inflate(decoder: impl Read, limits: &Limits) -> Result<Vec<u8>, CwmpError> {
    let mut out = Vec::new();
    decoder
        .take(limits.inflated as u64 + 1)
        .read_to_end(&mut out)
        .map_err(|_| CwmpError::new(ErrorKind::Encoding, "the compressed body is damaged"))?;
    if out.len() > limits.inflated { Err(too_large(limits.inflated)) } else { Ok(out) }
}

fn too_large(limit: usize) -> CwmpError {
    CwmpError::new(ErrorKind::TooLarge, format!("the body is longer than {limit} bytes"))
}

/// The body as text: within the limit, UTF-8, without a byte order mark.
pub(crate) fn utf8<'a>(bytes: &'a [u8], limits: &Limits) -> Result<&'a str, CwmpError> {
    if bytes.len() > limits.inflated {
        return Err(too_large(limits.inflated));
    }
    if let [0xfe, 0xff, ..] | [0xff, 0xfe, ..] | [b'<', 0, ..] | [0, b'<', ..] = bytes {
        return Err(CwmpError::new(ErrorKind::Encoding, "the message is UTF-16, UTF-8 is expected"));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        CwmpError::new(ErrorKind::Encoding, format!("the message is not UTF-8 at byte {}", error.valid_up_to()))
    })
}

/// Counts while the document is read.
pub(crate) struct Budget<'a> {
    limits: &'a Limits,
    depth: usize,
    elements: usize,
}

impl<'a> Budget<'a> {
    pub(crate) fn new(limits: &'a Limits) -> Self {
        Self { limits, depth: 0, elements: 0 }
    }

    pub(crate) fn open(&mut self) -> Result<(), CwmpError> {
        self.depth += 1;
        self.elements += 1;
        if self.depth > self.limits.depth {
            let reason = format!("elements are nested deeper than {}", self.limits.depth);
            return Err(CwmpError::new(ErrorKind::TooDeep, reason));
        }
        if self.elements > self.limits.elements {
            let reason = format!("there are more than {} elements", self.limits.elements);
            return Err(CwmpError::new(ErrorKind::TooMany, reason));
        }
        Ok(())
    }

    /// Elements open.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    pub(crate) fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    pub(crate) fn attributes(&self, count: usize) -> Result<(), CwmpError> {
        if count <= self.limits.attributes {
            return Ok(());
        }
        let reason = format!("an element has more than {} attributes", self.limits.attributes);
        Err(CwmpError::new(ErrorKind::TooMany, reason))
    }

    pub(crate) fn text(&self, bytes: usize) -> Result<(), CwmpError> {
        if bytes <= self.limits.text {
            return Ok(());
        }
        let reason = format!("a text is longer than {} bytes", self.limits.text);
        Err(CwmpError::new(ErrorKind::TooLong, reason))
    }
}
