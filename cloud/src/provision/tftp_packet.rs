//! One read over TFTP, without sockets or clock: RFC 1350, with the options of RFC 2347 (blksize of RFC 2348, timeout and
//! tsize of RFC 2349). Options nobody knows, such as some phones send, are passed over. Nothing can be written.

/// The longest datagram with a request that is looked at, in bytes.
pub const MOST_REQUEST: usize = 1024;
/// The block size without an option, and what is taken as one: above it datagrams are cut into pieces on the way, below it
/// a file has more blocks than can be counted.
const BLOCK: usize = 512;
const BLOCKS: std::ops::RangeInclusive<usize> = 64..=1428;
/// Seconds a phone may ask to wait between repetitions.
const TIMEOUTS: std::ops::RangeInclusive<u64> = 1..=10;
const MOST_OPTIONS: usize = 16;

const READ: u16 = 1;
const WRITE: u16 = 2;
const DATA: u16 = 3;
const ACK: u16 = 4;
const ERROR: u16 = 5;
const OACK: u16 = 6;

/// Error codes (RFC 1350, appendix).
pub const NOT_DEFINED: u16 = 0;
pub const NOT_FOUND: u16 = 1;
pub const ACCESS_VIOLATION: u16 = 2;
pub const ILLEGAL: u16 = 4;

/// A request for a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Read {
    pub name: String,
    block: Option<usize>,
    /// In seconds.
    pub timeout: Option<u64>,
    size: bool,
}

/// Reads the first datagram of a peer. `None`: no request, so nothing is answered; an error: what to answer.
pub fn request(datagram: &[u8]) -> Option<Result<Read, Vec<u8>>> {
    let (code, rest) = opcode(datagram)?;
    match code {
        READ if datagram.len() <= MOST_REQUEST => {}
        WRITE => return Some(Err(error(ACCESS_VIOLATION, "files can only be read here"))),
        _ => return None,
    }
    let Some(rest) = rest.strip_suffix(&[0]) else { return Some(Err(error(ILLEGAL, "the request is cut off"))) };
    let Ok(text) = std::str::from_utf8(rest) else { return Some(Err(error(NOT_FOUND, "no such file"))) };
    let mut words = text.split('\0');
    let (name, mode) = (words.next()?, words.next().unwrap_or_default());
    // Files are sent as they are; netascii would only change the ends of lines, which nothing here reads.
    if !mode.eq_ignore_ascii_case("octet") && !mode.eq_ignore_ascii_case("netascii") {
        return Some(Err(error(ILLEGAL, "the mode must be octet")));
    }
    let mut read = Read { name: name.to_owned(), ..Read::default() };
    for _ in 0..MOST_OPTIONS {
        let (Some(option), Some(value)) = (words.next(), words.next()) else { break };
        match option.to_ascii_lowercase().as_str() {
            "blksize" => {
                let asked = value.parse::<usize>().ok().map(|size| size.min(*BLOCKS.end()));
                read.block = asked.filter(|size| BLOCKS.contains(size));
            }
            "timeout" => read.timeout = value.parse().ok().filter(|seconds| TIMEOUTS.contains(seconds)),
            "tsize" => read.size = true,
            _ => {}
        }
    }
    Some(Ok(read))
}

/// A datagram that says why not.
pub fn error(code: u16, text: &str) -> Vec<u8> {
    let mut out = head(ERROR, code);
    out.extend_from_slice(text.as_bytes());
    out.push(0);
    out
}

/// What to do after a datagram.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Send [`Transfer::now`].
    Next,
    /// It was for another block: an answer to what was sent twice.
    Ignore,
    /// The peer has all of it, or wants no more.
    Over,
}

/// A file on its way.
pub struct Transfer {
    file: Vec<u8>,
    block: usize,
    /// The options that were taken; sent first, if there are any.
    options: Vec<u8>,
    /// The block under way, from 1; 0 is the options.
    at: usize,
}

impl Transfer {
    pub fn new(file: Vec<u8>, read: &Read) -> Self {
        let mut options = Vec::new();
        let mut option = |name: &str, value: usize| options.extend_from_slice(format!("{name}\0{value}\0").as_bytes());
        if let Some(block) = read.block {
            option("blksize", block);
        }
        if let Some(seconds) = read.timeout {
            option("timeout", seconds as usize);
        }
        if read.size {
            option("tsize", file.len());
        }
        let at = usize::from(options.is_empty());
        Self { file, block: read.block.unwrap_or(BLOCK), options, at }
    }

    /// The datagram that is under way: also to be sent again.
    pub fn now(&self) -> Vec<u8> {
        if self.at == 0 {
            let mut out = OACK.to_be_bytes().to_vec();
            out.extend_from_slice(&self.options);
            return out;
        }
        let start = (self.at - 1).saturating_mul(self.block).min(self.file.len());
        let end = start.saturating_add(self.block).min(self.file.len());
        let mut out = head(DATA, self.number());
        out.extend_from_slice(self.file.get(start..end).unwrap_or_default());
        out
    }

    /// Whether the block under way is the last: shorter than the others, if only by being empty.
    pub fn is_last(&self) -> bool {
        self.at > 0 && self.at * self.block > self.file.len()
    }

    fn number(&self) -> u16 {
        (self.at & 0xffff) as u16
    }

    /// Takes what the peer sent.
    pub fn take(&mut self, datagram: &[u8]) -> Step {
        let Some((code, rest)) = opcode(datagram) else { return Step::Ignore };
        match (code, opcode(rest)) {
            (ACK, Some((number, _))) if number == self.number() => {
                if self.is_last() {
                    return Step::Over;
                }
                self.at += 1;
                Step::Next
            }
            (ERROR, _) => Step::Over,
            _ => Step::Ignore,
        }
    }
}

fn head(code: u16, number: u16) -> Vec<u8> {
    [code.to_be_bytes(), number.to_be_bytes()].concat()
}

fn opcode(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let (first, rest) = bytes.split_first_chunk::<2>()?;
    Some((u16::from_be_bytes(*first), rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Read {
        request(&[&[0, 1], text.as_bytes()].concat()).unwrap().unwrap()
    }

    #[test]
    fn options_of_phones_are_taken_or_passed_over() {
        assert_eq!(read("a.xml\0octet\0"), Read { name: "a.xml".into(), ..Read::default() });
        let all = read("a\0OCTET\0blksize\x001024\0Timeout\x003\0tsize\x000\0grandstream_ID\0c074ad120701\0");
        assert_eq!((all.block, all.timeout, all.size), (Some(1024), Some(3), true));
        assert_eq!(read("a\0octet\0blksize\x0065464\0").block, Some(1428), "as much as goes through in one piece");
        for odd in ["blksize\x008\0", "blksize\0x\0", "timeout\x00255\0", "blksize\0"] {
            let odd = read(&format!("a\0octet\0{odd}"));
            assert_eq!((odd.block, odd.timeout), (None, None));
        }
    }

    #[test]
    fn nothing_else_is_a_request() {
        for none in [&b""[..], &[0], &[0, 3, 0, 1], &[0, 4, 0, 0], &[9, 9]] {
            assert_eq!(request(none), None);
        }
        assert_eq!(request(&[&[0, 1][..], &[b'a'; MOST_REQUEST]].concat()), None);
        for (datagram, code) in
            [(&b"\0\x02a\0octet\0"[..], ACCESS_VIOLATION), (b"\0\x01a\0mail\0", ILLEGAL), (b"\0\x01a", ILLEGAL)]
        {
            let refused = request(datagram).unwrap().unwrap_err();
            assert_eq!(refused[..4], head(ERROR, code));
        }
    }

    #[test]
    fn an_ack_for_another_block_sends_nothing() {
        let mut transfer = Transfer::new(vec![7; 600], &read("a\0octet\0"));
        assert_eq!(transfer.now().len(), 516);
        assert!(!transfer.is_last());
        assert_eq!(transfer.take(&[0, 4, 0, 0]), Step::Ignore);
        assert_eq!(transfer.take(&[0, 4, 0, 1]), Step::Next);
        assert_eq!(transfer.take(&[0, 4, 0, 1]), Step::Ignore, "said twice");
        assert_eq!((transfer.now().len(), transfer.is_last()), (92, true));
        assert_eq!(transfer.take(&[0, 5, 0, 0]), Step::Over);
    }

    proptest! {
        #[test]
        fn every_file_arrives_whole(file in proptest::collection::vec(any::<u8>(), 0..5000), block in 64usize..1428, size: bool) {
            let options = format!("blksize\0{block}\0{}", if size { "tsize\x000\0" } else { "" });
            let mut transfer = Transfer::new(file.clone(), &read(&format!("a\0octet\0{options}")));
            let first = transfer.now();
            prop_assert_eq!(&first[..2], &OACK.to_be_bytes());
            prop_assert_eq!(transfer.take(&[0, 4, 0, 0]), Step::Next);
            let mut got = Vec::new();
            loop {
                let sent = transfer.now();
                prop_assert_eq!(&sent[..2], &DATA.to_be_bytes());
                got.extend_from_slice(&sent[4..]);
                let last = sent.len() - 4 < block;
                let step = transfer.take(&[&[0, 4][..], &sent[2..4]].concat());
                prop_assert_eq!(step == Step::Over, last);
                if last { break }
            }
            prop_assert_eq!(got, file);
        }

        #[test]
        fn no_datagram_breaks_it(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = request(&bytes);
            Transfer::new(vec![1; 100], &Read::default()).take(&bytes);
        }
    }
}
