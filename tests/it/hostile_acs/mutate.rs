//! Golden messages, broken at random: the same from the same seed.

use std::io::Write;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};

use super::wire::{Request, post, unframed};

/// Chance that can be repeated (SplitMix64).
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 to `end`, that not included; 0 if there is none.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

const NAMESPACES: &[&str] = &[
    "urn:dslforum-org:cwmp-1-0",
    "urn:dslforum-org:cwmp-1-4",
    "urn:dslforum-org:cwmp-9-9",
    "http://schemas.xmlsoap.org/soap/envelope/",
    "http://www.w3.org/2003/05/soap-envelope",
    "http://www.w3.org/2001/XMLSchema-instance",
    "",
];
const NUMBERS: &[&str] = &["-1", "4294967296", "99999999999999999999", " 5 ", "abc", "1e9", "0x10", "NaN", "+7", ""];
const INSERTS: &[&str] = &[
    "<!DOCTYPE a [<!ENTITY b \"c\">]>",
    "<![CDATA[",
    "]]>",
    "<?pi x?>",
    "<!--",
    "&lt;",
    "&#0;",
    "&#x110000;",
    "&b;",
    "\0",
    "\u{feff}",
    "</",
    "<a xmlns=\"\">",
    "xmlns:cwmp=\"x\"",
    "\u{202e}",
];

/// A message broken in one to three ways.
pub fn body(dice: &mut Dice, corpus: &[String]) -> Vec<u8> {
    let mut body = dice.pick(corpus).clone().into_bytes();
    for _ in 0..=dice.below(3) {
        body = broken(dice, body, corpus);
    }
    body
}

fn broken(dice: &mut Dice, mut body: Vec<u8>, corpus: &[String]) -> Vec<u8> {
    let at = dice.below(body.len());
    match dice.below(12) {
        0 => {
            for _ in 0..=dice.below(8) {
                let at = dice.below(body.len());
                if let Some(byte) = body.get_mut(at) {
                    *byte ^= 1 << dice.below(8);
                }
            }
        }
        1 => body.truncate(at),
        2 => {
            // One element once more, or a hundred times.
            let (start, end) = element(dice, &body);
            let part = body[start..end].repeat([1, 2, 100][dice.below(3)]);
            body.splice(end..end, part);
        }
        3 => {
            let (start, end) = element(dice, &body);
            body.drain(start..end);
        }
        4 => {
            let other = dice.pick(corpus).as_bytes();
            let from = dice.below(other.len());
            body.truncate(at);
            body.extend_from_slice(&other[from..]);
        }
        5 => {
            let many = [1, 10, 100, 5_000][dice.below(4)];
            let flood: String = (0..many).map(|n| format!(" a{n}=\"{}\"", "x".repeat(n % 7))).collect();
            let tags: Vec<usize> = ends_of_names(&body);
            let at = if tags.is_empty() { at } else { *dice.pick(&tags) };
            body.splice(at..at, flood.into_bytes());
        }
        6 => {
            let (from, to) = (*dice.pick(NAMESPACES), *dice.pick(NAMESPACES));
            if !from.is_empty() {
                body = String::from_utf8_lossy(&body).replace(from, to).into_bytes();
            }
        }
        7 => {
            let (start, end) = text(dice, &body);
            body.splice(start..end, dice.pick(NUMBERS).bytes());
        }
        8 => {
            let (start, end) = text(dice, &body);
            let long = [100, 10_000, 70_000][dice.below(3)];
            body.splice(start..end, std::iter::repeat_n(b'y', long));
        }
        9 => {
            let depth = [3, 40, 5_000][dice.below(3)];
            body.splice(at..at, b"<b>".repeat(depth));
        }
        10 => {
            let insert = *dice.pick(INSERTS);
            body.splice(at..at, insert.bytes());
        }
        _ => {
            let junk: Vec<u8> = (0..dice.below(64)).map(|_| dice.next() as u8).collect();
            body.splice(at..at, junk);
        }
    }
    body
}

/// From one `<` to a later `>`.
fn element(dice: &mut Dice, body: &[u8]) -> (usize, usize) {
    let from = dice.below(body.len());
    let start = body[from..].iter().position(|byte| *byte == b'<').map_or(from, |at| from + at);
    let far = start + dice.below(400);
    let end = body.iter().skip(far).position(|byte| *byte == b'>').map_or(body.len(), |at| far + at + 1);
    (start, end.min(body.len()).max(start))
}

/// What stands between two tags.
fn text(dice: &mut Dice, body: &[u8]) -> (usize, usize) {
    let from = dice.below(body.len());
    let start = body[from..].iter().position(|byte| *byte == b'>').map_or(body.len(), |at| from + at + 1);
    let end = body[start..].iter().position(|byte| *byte == b'<').map_or(body.len(), |at| start + at);
    (start, end)
}

/// Where attributes could stand.
fn ends_of_names(body: &[u8]) -> Vec<usize> {
    let opens = body.windows(2).enumerate().filter(|(_, two)| two[0] == b'<' && two[1].is_ascii_alphabetic());
    opens
        .filter_map(|(at, _)| body[at..].iter().position(|byte| matches!(byte, b'>' | b' ')).map(|end| at + end))
        .collect()
}

/// A broken message in a request that may be broken as well. `session` is the cookie of one that is open.
pub fn request(dice: &mut Dice, corpus: &[String], session: Option<&str>) -> Request {
    let body = body(dice, corpus);
    let cookie = session.map(|cookie| ("cookie", cookie));
    let own: Vec<(&str, &str)> = cookie.into_iter().collect();
    let with = |header: (&str, &str), body: &[u8]| post(&[own.as_slice(), &[header]].concat(), body);
    match dice.below(20) {
        0 => with(("content-encoding", "gzip"), &body),
        1 => with(("content-encoding", "deflate"), &body),
        2 => with(("content-encoding", "gzip"), &gzip(&body)),
        3 => {
            let mut packed = gzip(&body);
            let at = dice.below(packed.len());
            packed[at] ^= 0x10;
            with(("content-encoding", "gzip"), &packed)
        }
        4 => with(("content-encoding", "deflate"), &deflate(&body)),
        5 => {
            let said = (body.len() + 1 + dice.below(5_000)).to_string();
            unframed(&[own.as_slice(), &[("content-length", &said)]].concat(), &body).hanging_up()
        }
        6 => {
            let said = dice.below(body.len()).to_string();
            unframed(&[own.as_slice(), &[("content-length", &said)]].concat(), &body)
        }
        7 => with(("cookie", &format!("bellhop_session={}", word(dice))), &body),
        8 => with(("authorization", &format!("Digest username=\"{}\", {}", word(dice), word(dice))), &body),
        9 => with(("authorization", &format!("Basic {}", word(dice))), &body),
        10 => with(("authorization", &word(dice)), &body),
        11 => with(("content-type", &word(dice)), &body),
        12 => with((&format!("x-{}", dice.below(1_000)), &"z".repeat(dice.below(4_000))), &body),
        _ => post(&own, &body),
    }
}

/// Printable, and what quotes and separates in headers.
fn word(dice: &mut Dice) -> String {
    let length = 1 + dice.below(300);
    (0..length).map(|_| char::from(0x20 + dice.below(0x5f) as u8)).collect()
}

pub fn gzip(body: &[u8]) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::fast());
    out.write_all(body).unwrap();
    out.finish().unwrap()
}

pub fn deflate(body: &[u8]) -> Vec<u8> {
    let mut out = ZlibEncoder::new(Vec::new(), Compression::fast());
    out.write_all(body).unwrap();
    out.finish().unwrap()
}
