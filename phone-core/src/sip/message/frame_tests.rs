//! Streams cut anywhere, in good order and not.

use proptest::prelude::*;

use super::frame::{Frame, FrameError, Framer};
use super::{MAX_HEADERS, MAX_LINE, MAX_MESSAGE, ParseError};

fn message(length_name: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP x\r\n{length_name}: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// Everything a stream gives that comes in such pieces, and falls silent at its end.
fn frames<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Frame>, Option<FrameError>) {
    let (mut framer, mut frames) = (Framer::default(), Vec::new());
    for piece in pieces {
        framer.push(piece);
        loop {
            match framer.next() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(framer.next(), Err(error), "an error stays");
                    return (frames, Some(error));
                }
            }
        }
    }
    frames.extend(framer.quiet());
    (frames, None)
}

fn error_of(bytes: &[u8]) -> Option<FrameError> {
    let whole = frames([bytes]);
    let dripped = frames(bytes.chunks(1));
    assert_eq!(whole, dripped);
    whole.1
}

#[test]
fn messages_follow_each_other_in_one_segment() {
    let (one, two) = (message("Content-Length", b"body\r\n\r\n"), message("l", b""));
    let bytes = [one.as_slice(), &two].concat();
    assert_eq!(frames([bytes.as_slice()]), (vec![Frame::Message(one), Frame::Message(two)], None));
}

#[test]
fn line_breaks_between_messages_are_keep_alives() {
    let one = message("CONTENT-LENGTH ", b"x");
    let bytes = [b"\r\n\r\n".as_slice(), &one, b"\r\n", &one, b"\r\n\r\n\r\n"].concat();
    let message = Frame::Message(one);
    let expected = vec![Frame::Ping, message.clone(), Frame::Pong, message, Frame::Ping, Frame::Pong];
    assert_eq!(frames([bytes.as_slice()]), (expected.clone(), None));
    assert_eq!(frames(bytes.chunks(1)), (expected, None));
}

#[test]
fn a_lone_line_break_waits_for_silence() {
    let mut framer = Framer::default();
    framer.push(b"\r\n");
    assert_eq!(framer.next(), Ok(None));
    framer.push(b"\r\n");
    assert_eq!(framer.next(), Ok(Some(Frame::Ping)));
    framer.push(b"\r\n");
    assert_eq!((framer.next(), framer.quiet(), framer.quiet()), (Ok(None), Some(Frame::Pong), None));
    assert!(!framer.is_partial());
    framer.push(b"OPTIONS");
    assert_eq!((framer.next(), framer.quiet(), framer.is_partial()), (Ok(None), None, true));
}

#[test]
fn content_length_may_be_folded_and_said_twice() {
    let bytes = b"OPTIONS sip:a@b SIP/2.0\nContent-Length:\n 2\nl: 2\n\nxyrest of another";
    let (frames, _) = frames([bytes.as_slice()]);
    assert_eq!(frames, [Frame::Message(bytes[..bytes.len() - 15].to_vec())]);
}

#[test]
fn without_a_length_that_can_be_read_a_stream_ends() {
    let text = |lines: &str| format!("OPTIONS sip:a@b SIP/2.0\r\nVia: x\r\n{lines}\r\n").into_bytes();
    assert_eq!(error_of(&text("")), Some(FrameError::NoLength));
    for lines in ["l: x\r\n", "l: -1\r\n", "l: 1\r\nContent-Length: 2\r\n", "l:\r\n"] {
        assert_eq!(error_of(&text(lines)), Some(FrameError::Length), "{lines:?}");
    }
    for lines in ["l: 65536\r\n", "l: 4294967295\r\n"] {
        assert_eq!(error_of(&text(lines)), Some(FrameError::Head(ParseError::TooLarge)), "{lines:?}");
    }
    assert_eq!(error_of(b"GET / HTTP/1.1\r\n\r\n"), Some(FrameError::Head(ParseError::StartLine)));
}

#[test]
fn a_head_without_end_is_refused_before_it_fills_the_memory() {
    let start = b"OPTIONS sip:a@b SIP/2.0\r\n".as_slice();
    let line = [start, &vec![b'a'; MAX_LINE + 3]].concat();
    assert_eq!(error_of(&line), Some(FrameError::Head(ParseError::LineTooLong)));
    let headers = [start, &b"a: b\r\n".repeat(MAX_HEADERS + 1)].concat();
    assert_eq!(error_of(&headers), Some(FrameError::Head(ParseError::TooManyHeaders)));
    let folds = [start, &b" fold\r\n".repeat(MAX_MESSAGE / 7)].concat();
    assert_eq!(error_of(&folds), Some(FrameError::Head(ParseError::TooLarge)));
}

#[test]
fn the_largest_message_passes() {
    let mut body = vec![b'x'; MAX_MESSAGE];
    body.truncate(MAX_MESSAGE - (message("l", &body).len() - body.len()));
    let largest = message("l", &body);
    assert_eq!(largest.len(), MAX_MESSAGE);
    assert_eq!(frames([largest.as_slice()]), (vec![Frame::Message(largest.clone())], None));
}

fn sequence() -> impl Strategy<Value = Vec<Frame>> {
    let body = prop::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), any::<u8>()], 0..60);
    let one = prop_oneof![
        4 => body.prop_map(|body| Frame::Message(message("Content-Length", &body))),
        1 => Just(Frame::Ping),
        1 => Just(Frame::Pong),
    ];
    prop::collection::vec(one, 0..8).prop_map(|mut frames| {
        // A pong before another keep-alive is half a ping.
        frames.dedup_by(|later, earlier| *earlier == Frame::Pong && !matches!(later, Frame::Message(_)));
        frames
    })
}

proptest! {
    #[test]
    fn any_split_gives_the_same_frames(frames_sent in sequence(), cuts in prop::collection::vec(1usize..40, 0..200)) {
        let bytes: Vec<u8> = frames_sent.iter().flat_map(|frame| match frame {
            Frame::Message(bytes) => bytes.clone(),
            Frame::Ping => b"\r\n\r\n".to_vec(),
            Frame::Pong => b"\r\n".to_vec(),
        }).collect();
        let (mut pieces, mut rest) = (Vec::new(), bytes.as_slice());
        for cut in cuts {
            let (piece, more) = rest.split_at(cut.min(rest.len()));
            pieces.push(piece);
            rest = more;
        }
        pieces.push(rest);
        prop_assert_eq!(frames(pieces), (frames_sent.clone(), None));
        prop_assert_eq!(frames([bytes.as_slice()]), (frames_sent, None));
    }

    #[test]
    fn arbitrary_bytes_never_panic(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..8)) {
        let whole = pieces.concat();
        prop_assert_eq!(frames(pieces.iter().map(Vec::as_slice)), frames([whole.as_slice()]));
    }

    #[test]
    fn near_misses_never_panic(text in "(\r\n|\n|OPTIONS sip:a@b SIP/2.0\r\n|l: ?[0-9]{0,3}\r\n|[a-z: ]{0,9}|\r){0,24}") {
        prop_assert_eq!(frames(text.as_bytes().chunks(1)), frames([text.as_bytes()]));
    }
}
