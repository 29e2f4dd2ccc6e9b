//! TFTP (RFC 1350) with options (RFC 2347), larger blocks (RFC 2348) and the file's size (RFC 2349). Reading only.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::Instant;

use super::super::place::Place;
use super::{FetchError, Growing, Options, SILENCE, addresses};
use crate::net::any_towards;

/// What fits a packet of Ethernet (RFC 2348 names 1428 as the largest that never is cut in pieces).
const BLOCK: usize = 1428;
const USUAL_BLOCK: usize = 512;
/// Until the last packet is sent once more; it doubles.
const AGAIN: Duration = Duration::from_millis(700);
const MOST_AGAIN: Duration = Duration::from_secs(5);
const MOST_NAME: usize = 256;
/// Of a server's name.
const MOST_ADDRESSES: usize = 4;

const READ: u16 = 1;
const DATA: u16 = 3;
const ACK: u16 = 4;
const ERROR: u16 = 5;
const OPTIONS: u16 = 6;

/// A transfer without its socket.
struct Transfer {
    file: Growing,
    block: usize,
    /// The number of the last block that is here; counts on beyond 65,535.
    number: u16,
    /// Whether the server has said anything yet.
    answered: bool,
    /// The request has options.
    asks_options: bool,
}

/// What to send because of a packet.
#[derive(Debug, PartialEq, Eq)]
enum Reply {
    Send(Vec<u8>),
    /// The last acknowledgement; the file is here.
    Last(Vec<u8>),
    /// The server takes no options: ask once more without (RFC 2347).
    Plainly,
    /// A packet of no use: nothing is sent, or two would answer each other for ever (RFC 1123 §4.2.3.1).
    Nothing,
}

impl Transfer {
    const fn new(file: Growing, asks_options: bool) -> Self {
        Self { file, block: USUAL_BLOCK, number: 0, answered: false, asks_options }
    }

    fn take(&mut self, packet: &[u8]) -> Result<Reply, FetchError> {
        let Some((kind, rest)) = word(packet) else { return Ok(Reply::Nothing) };
        match kind {
            OPTIONS if !self.answered => {
                self.answered = true;
                self.options(rest)?;
                Ok(Reply::Send(acknowledge(0)))
            }
            // Our acknowledgement of the options was lost.
            OPTIONS if self.number == 0 => Ok(Reply::Send(acknowledge(0))),
            DATA => {
                let Some((number, data)) = word(rest) else { return Ok(Reply::Nothing) };
                self.answered = true;
                if number == self.number && number != 0 {
                    return Ok(Reply::Send(acknowledge(number)));
                }
                if number != self.number.wrapping_add(1) || data.len() > self.block {
                    return Ok(Reply::Nothing);
                }
                self.number = number;
                self.file.add(data)?;
                let reply = acknowledge(number);
                Ok(if data.len() < self.block { Reply::Last(reply) } else { Reply::Send(reply) })
            }
            ERROR => match word(rest) {
                // 8 means just that; old servers take the request for an illegal operation.
                Some((4 | 8, _)) if self.asks_options && !self.answered => Ok(Reply::Plainly),
                _ => Err(refused(rest)),
            },
            _ => Ok(Reply::Nothing),
        }
    }

    /// What the server agrees to; it may take less, never more, and nothing we did not ask for.
    fn options(&mut self, rest: &[u8]) -> Result<(), FetchError> {
        let mut texts = rest.split(|byte| *byte == 0).map(String::from_utf8_lossy);
        while let (Some(name), Some(value)) = (texts.next(), texts.next()) {
            let value: Option<usize> = value.parse().ok();
            match (name.to_ascii_lowercase().as_str(), value) {
                ("blksize", Some(size)) if (8..=BLOCK).contains(&size) => self.block = size,
                ("tsize", Some(size)) if size > self.file.most => return Err(FetchError::TooLong(self.file.most)),
                ("tsize", Some(_)) => {}
                ("", _) => break,
                _ => return Err(FetchError::Refused("the server answers options wrongly".to_owned())),
            }
        }
        Ok(())
    }
}

fn word(bytes: &[u8]) -> Option<(u16, &[u8])> {
    bytes.split_first_chunk::<2>().map(|(word, rest)| (u16::from_be_bytes(*word), rest))
}

fn acknowledge(number: u16) -> Vec<u8> {
    [ACK.to_be_bytes(), number.to_be_bytes()].concat()
}

/// A read request.
fn request(path: &str, asks_options: bool) -> Vec<u8> {
    let mut packet = READ.to_be_bytes().to_vec();
    let (block, texts) = (BLOCK.to_string(), [path, "octet"]);
    let options = ["blksize", &block, "tsize", "0"];
    for text in texts.into_iter().chain(options.into_iter().filter(|_| asks_options)) {
        packet.extend_from_slice(text.as_bytes());
        packet.push(0);
    }
    packet
}

fn refused(rest: &[u8]) -> FetchError {
    let Some((code, text)) = word(rest) else { return FetchError::Passing("the server refuses".to_owned()) };
    let text: String = String::from_utf8_lossy(text).chars().filter(|c| !c.is_control()).take(80).collect();
    let answer = format!("the server answered TFTP error {code}: {text}");
    match code {
        1 => FetchError::Missing,
        // What servers say of files they may not read, or with words alone.
        0 | 2 => FetchError::Hidden(answer),
        _ => FetchError::Refused(answer),
    }
}

pub(super) async fn fetch(place: &Place, options: &Options) -> Result<Vec<u8>, FetchError> {
    // Names stand below the server's folder, as every phone asks.
    let path = place.path().trim_start_matches('/').to_owned();
    if path.len() > MOST_NAME || path.contains('\0') {
        return Err(FetchError::Refused("its name is too long for TFTP".to_owned()));
    }
    let mut failed = FetchError::silent();
    // The first may be one there is no way to.
    for server in addresses(place).await?.into_iter().take(MOST_ADDRESSES) {
        let fetched = match from(server, &path, options, true).await {
            Ok(None) => from(server, &path, options, false).await,
            fetched => fetched,
        };
        match fetched {
            Ok(Some(file)) => return Ok(file),
            Err(error @ FetchError::Passing(_)) => failed = error,
            Err(error) => return Err(error),
            // It is asked for no options any more.
            Ok(None) => {}
        }
    }
    Err(failed)
}

/// `None`: the server is to be asked without options.
async fn from(
    server: SocketAddr,
    path: &str,
    options: &Options,
    asks_options: bool,
) -> Result<Option<Vec<u8>>, FetchError> {
    let socket = UdpSocket::bind(any_towards(server)).await.map_err(|error| FetchError::io(&error))?;
    let mut transfer = Transfer::new(Growing::new(options)?, asks_options);
    let (mut sent, mut to) = (request(path, asks_options), server);
    let mut peer: Option<SocketAddr> = None;
    let mut buffer = vec![0; BLOCK + 512];
    let (mut again, mut silent_at) = (AGAIN, Instant::now() + SILENCE);
    loop {
        send(&socket, &sent, to).await?;
        let resend_at = (Instant::now() + again).min(silent_at);
        let reply = loop {
            let Ok(received) = tokio::time::timeout_at(resend_at, socket.recv_from(&mut buffer)).await else {
                break Reply::Nothing;
            };
            // An ICMP message of an earlier packet: as good as silence.
            let Ok((length, from)) = received else { continue };
            // The server answers from a port of its own, and keeps to it (RFC 1350 §4).
            let known = peer.map_or(from.ip() == server.ip(), |peer| peer == from);
            if !known {
                continue;
            }
            let reply = transfer.take(buffer.get(..length).unwrap_or_default());
            if reply.is_err() || reply.as_ref().is_ok_and(|reply| *reply != Reply::Nothing) {
                (peer, to) = (Some(from), from);
                break reply?;
            }
        };
        match reply {
            Reply::Send(packet) => {
                (sent, again, silent_at) = (packet, AGAIN, Instant::now() + SILENCE);
            }
            Reply::Last(packet) => {
                send(&socket, &packet, to).await?;
                return transfer.file.finish().map(Some);
            }
            Reply::Plainly => return Ok(None),
            Reply::Nothing if Instant::now() >= silent_at => return Err(FetchError::silent()),
            Reply::Nothing => again = (again * 2).min(MOST_AGAIN),
        }
    }
}

async fn send(socket: &UdpSocket, packet: &[u8], to: SocketAddr) -> Result<(), FetchError> {
    socket.send_to(packet, to).await.map(|_| ()).map_err(|error| FetchError::io(&error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn reading(most: usize) -> Transfer {
        Transfer::new(Growing { bytes: Vec::new(), length: 0, most, to: None, wanted: None }, true)
    }

    fn data(number: u16, bytes: &[u8]) -> Vec<u8> {
        [&DATA.to_be_bytes(), &number.to_be_bytes()[..], bytes].concat()
    }

    #[test]
    fn blocks_in_order_and_twice() {
        let mut transfer = reading(10_000);
        let full = [7; USUAL_BLOCK];
        assert_eq!(transfer.take(&data(2, &full)).unwrap(), Reply::Nothing, "not yet");
        assert_eq!(transfer.take(&data(1, &full)).unwrap(), Reply::Send(acknowledge(1)));
        assert_eq!(transfer.take(&data(1, &full)).unwrap(), Reply::Send(acknowledge(1)), "our answer was lost");
        assert_eq!(transfer.take(&data(2, b"end")).unwrap(), Reply::Last(acknowledge(2)));
        assert_eq!(transfer.file.bytes.len(), USUAL_BLOCK + 3);
    }

    #[test]
    fn options_are_taken_as_the_server_says() {
        let mut transfer = reading(1 << 20);
        assert_eq!(transfer.take(b"\x00\x06blksize\x00600\x00tsize\x00700\x00").unwrap(), Reply::Send(acknowledge(0)));
        assert_eq!(transfer.block, 600);
        assert_eq!(transfer.take(&data(1, &[1; 600])).unwrap(), Reply::Send(acknowledge(1)));
        assert_eq!(transfer.take(&data(2, &[])).unwrap(), Reply::Last(acknowledge(2)), "a multiple of the block");
        for (packet, why) in [
            (&b"\x00\x06tsize\x00104857600\x00"[..], FetchError::TooLong(1 << 20)),
            (b"\x00\x06blksize\x0065000\x00", FetchError::Refused("the server answers options wrongly".into())),
            (b"\x00\x05\x00\x01no", FetchError::Missing),
        ] {
            assert_eq!(reading(1 << 20).take(packet), Err(why));
        }
    }

    #[test]
    fn a_server_without_options_is_asked_plainly_and_only_once() {
        for code in [4u8, 8] {
            let error = [&b"\x00\x05\x00"[..], &[code], b"what?\x00"].concat();
            assert_eq!(reading(1000).take(&error), Ok(Reply::Plainly));
            let mut plain = reading(1000);
            plain.asks_options = false;
            assert!(matches!(plain.take(&error), Err(FetchError::Refused(_))));
            let mut under_way = reading(10_000);
            under_way.take(&data(1, &[0; USUAL_BLOCK])).unwrap();
            assert!(matches!(under_way.take(&error), Err(FetchError::Refused(_))));
        }
        assert_eq!(request("a.xml", false), b"\x00\x01a.xml\x00octet\x00");
        assert_eq!(request("a.xml", true), b"\x00\x01a.xml\x00octet\x00blksize\x001428\x00tsize\x000\x00");
    }

    #[test]
    fn what_servers_say_of_files_that_are_not_there() {
        let said = |code: u8| reading(1000).take(&[&b"\x00\x05\x00"[..], &[code], b"no\x00"].concat()).unwrap_err();
        assert_eq!(said(1), FetchError::Missing);
        assert_eq!(said(0), FetchError::Hidden("the server answered TFTP error 0: no".into()));
        assert_eq!(said(2), FetchError::Hidden("the server answered TFTP error 2: no".into()));
        assert!(matches!(said(3), FetchError::Refused(_)));
    }

    /// A server of 1992: it knows no options and answers them with an error, from a port of its own.
    #[tokio::test]
    async fn a_server_that_knows_no_options_gives_its_file() {
        let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let port = server.local_addr().unwrap().port();
        let serves = async {
            let mut packet = [0; 600];
            loop {
                let (length, from) = server.recv_from(&mut packet).await.unwrap();
                let own = UdpSocket::bind("127.0.0.1:0").await.unwrap();
                if packet[..length] != *b"\x00\x01cfg.xml\x00octet\x00" {
                    own.send_to(b"\x00\x05\x00\x08no options\x00", from).await.unwrap();
                    continue;
                }
                own.send_to(&data(1, b"hotel.name=Grand"), from).await.unwrap();
                own.recv_from(&mut packet).await.unwrap();
            }
        };
        let place = Place::parse(&format!("tftp://127.0.0.1:{port}/cfg.xml"), super::super::super::place::Scheme::Tftp);
        let place = place.unwrap();
        let options = Options::small();
        tokio::select! {
            never = serves => never,
            file = fetch(&place, &options) => assert_eq!(file.unwrap(), b"hotel.name=Grand"),
        }
    }

    #[test]
    fn a_file_without_end_is_cut_off() {
        let mut transfer = reading(100_000);
        let ended = (1..=u16::MAX).find_map(|number| transfer.take(&data(number, &[0; USUAL_BLOCK])).err());
        assert_eq!(ended, Some(FetchError::TooLong(100_000)));
        assert!(transfer.file.bytes.len() <= 100_000);
    }

    #[test]
    fn numbers_go_on_after_the_last() {
        let mut transfer = reading(usize::MAX);
        transfer.number = u16::MAX;
        assert_eq!(transfer.take(&data(0, b"x")).unwrap(), Reply::Last(acknowledge(0)));
    }

    proptest! {
        #[test]
        fn any_packet_is_taken_or_refused(packets in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..64), 0..20)) {
            let mut transfer = reading(1000);
            for packet in packets {
                let _ = transfer.take(&packet);
                prop_assert!(transfer.file.bytes.len() <= 1000);
            }
        }
    }
}
