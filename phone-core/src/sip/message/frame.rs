//! Cutting a stream into messages and keep-alives (RFC 3261 §7.5, §18.3; RFC 5626 §3.5.1).
//!
//! Sans-IO and without a clock: a line break on its own is a pong, two are a ping, and only time tells a pong from the
//! first half of a ping. Whoever reads the stream says when it has fallen silent: [`Framer::quiet`].

use super::{MAX_HEADERS, MAX_LINE, MAX_MESSAGE, Message, Name, ParseError};

/// What a stream carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A message, from its first to its last byte.
    Message(Vec<u8>),
    /// CRLF CRLF: the peer asks for a [`Frame::Pong`].
    Ping,
    /// CRLF.
    Pong,
}

/// Why a stream cannot be read on: where its next message begins is not known any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A head that is none, or beyond the limits of [`super`].
    #[error(transparent)]
    Head(#[from] ParseError),
    /// No Content-Length; on a stream it must be there (RFC 3261 §18.3).
    #[error("Content-Length is missing")]
    NoLength,
    /// Content-Length is no number, or there are two that differ.
    #[error("Content-Length cannot be read")]
    Length,
}

/// Takes bytes as they come, gives frames. Holds no memory while it holds no bytes.
#[derive(Debug, Default)]
pub struct Framer {
    buffer: Vec<u8>,
    /// Where the bytes not given out yet begin.
    start: usize,
    /// Where the line begins that has not been looked at to its end, and how far it has been.
    line: usize,
    seen: usize,
    /// Lines of the head so far that begin a header field, the start line among them.
    fields: usize,
    /// Where the message ends, once its head is whole.
    end: Option<usize>,
    failed: Option<FrameError>,
}

impl Framer {
    /// Takes `bytes` in. What is not asked for by [`Framer::next`] is kept: ask until there is nothing, before the
    /// next bytes. After an error bytes are dropped.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.failed.is_none() {
            self.compact();
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// The next frame; `None` if it takes more bytes.
    ///
    /// # Errors
    /// The stream is beyond reading and to be closed; the error stays.
    #[allow(clippy::should_implement_trait)] // Fails, and goes on after `None`.
    pub fn next(&mut self) -> Result<Option<Frame>, FrameError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let frame = self.cut();
        if let Err(error) = &frame {
            *self = Self { failed: Some(*error), ..Self::default() };
        }
        frame
    }

    /// The stream has been silent for some time: a line break that stands alone was no half of anything.
    pub fn quiet(&mut self) -> Option<Frame> {
        let alone = self.failed.is_none() && self.rest() == b"\r\n";
        alone.then(|| self.take(2, Frame::Pong))
    }

    /// Whether bytes wait for more to come.
    pub fn is_partial(&self) -> bool {
        !self.rest().is_empty()
    }

    fn rest(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    fn cut(&mut self) -> Result<Option<Frame>, FrameError> {
        // Line breaks lead only where no line of a message has been seen.
        while self.fields == 0 && self.end.is_none() {
            match self.rest() {
                [b'\r', b'\n', b'\r', b'\n', ..] => return Ok(Some(self.take(4, Frame::Ping))),
                [] | [b'\r'] | [b'\r', b'\n'] | [b'\r', b'\n', b'\r'] => return Ok(None),
                [b'\r', b'\n', ..] => return Ok(Some(self.take(2, Frame::Pong))),
                [b'\r' | b'\n', ..] => self.skip(1),
                _ => break,
            }
        }
        if self.end.is_none() {
            self.end = self.head()?;
        }
        let Some(end) = self.end.filter(|end| *end <= self.buffer.len()) else { return Ok(None) };
        let message = self.buffer.get(self.start..end).unwrap_or_default().to_vec();
        let length = message.len();
        Ok(Some(self.take(length, Frame::Message(message))))
    }

    /// Looks for the end of the head; where the message ends, if it is there.
    fn head(&mut self) -> Result<Option<usize>, FrameError> {
        loop {
            let unseen = self.buffer.get(self.seen..).unwrap_or_default();
            let Some(at) = unseen.iter().position(|byte| *byte == b'\n') else {
                self.seen = self.buffer.len();
                self.within(self.seen)?;
                return Ok(None);
            };
            let next = self.seen + at + 1;
            self.within(next)?;
            let line = self.buffer.get(self.line..next).unwrap_or_default();
            let (empty, folded) = (matches!(line, b"\n" | b"\r\n"), matches!(line, [b' ' | b'\t', ..]));
            (self.line, self.seen) = (next, next);
            if empty {
                return self.message_end(next).map(Some);
            }
            self.fields += usize::from(!folded || self.fields == 0);
            if self.fields > MAX_HEADERS + 1 {
                return Err(ParseError::TooManyHeaders.into());
            }
        }
    }

    /// Holds head and line to their limits as they grow, so that one without end is refused early.
    fn within(&self, upto: usize) -> Result<(), FrameError> {
        if upto.saturating_sub(self.line) > MAX_LINE + 2 {
            return Err(ParseError::LineTooLong.into());
        }
        if upto.saturating_sub(self.start) > MAX_MESSAGE {
            return Err(ParseError::TooLarge.into());
        }
        Ok(())
    }

    /// Reads Content-Length as the message's reader does, so that both see the same message.
    fn message_end(&self, body: usize) -> Result<usize, FrameError> {
        let head = Message::parse_datagram(self.buffer.get(self.start..body).unwrap_or_default())?;
        let mut lengths = head.headers(Name::ContentLength).map(super::values::digits);
        let first = lengths.next().ok_or(FrameError::NoLength)?.ok_or(FrameError::Length)?;
        if lengths.any(|other| other != Some(first)) {
            return Err(FrameError::Length);
        }
        let end = usize::try_from(first).ok().and_then(|length| body.checked_add(length));
        end.filter(|end| end - self.start <= MAX_MESSAGE).ok_or(FrameError::Head(ParseError::TooLarge))
    }

    fn take(&mut self, length: usize, frame: Frame) -> Frame {
        self.skip(length);
        frame
    }

    fn skip(&mut self, length: usize) {
        self.start = (self.start + length).min(self.buffer.len());
        (self.line, self.seen, self.fields, self.end) = (self.start, self.start, 0, None);
        if self.start == self.buffer.len() {
            *self = Self::default();
        }
    }

    fn compact(&mut self) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            (self.line, self.seen) = (self.line.saturating_sub(self.start), self.seen.saturating_sub(self.start));
            self.end = self.end.map(|end| end.saturating_sub(self.start));
            self.start = 0;
        }
    }
}
