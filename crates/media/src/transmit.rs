//! Packets that wait to be sent: a few, in fixed places.

/// Bytes of the longest packet: what an Ethernet frame holds over IPv6 and UDP.
pub const MAX_PACKET: usize = 1452;
const PLACES: usize = 8;

/// Which of a leg's two sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// RTP's.
    Rtp,
    /// RTCP's.
    Rtcp,
}

struct Place {
    port: Port,
    length: usize,
    bytes: [u8; MAX_PACKET],
}

/// A queue of packets. Full, it drops the newest: whoever polls after each step never sees that.
pub struct Queue {
    places: Box<[Place; PLACES]>,
    first: usize,
    count: usize,
}

impl Queue {
    pub fn new() -> Self {
        let place = || Place { port: Port::Rtp, length: 0, bytes: [0; MAX_PACKET] };
        Self { places: Box::new(core::array::from_fn(|_| place())), first: 0, count: 0 }
    }

    /// Lets `write` fill the next free place; it returns the length, or `None` to leave it free.
    pub fn push(&mut self, port: Port, write: impl FnOnce(&mut [u8; MAX_PACKET]) -> Option<usize>) -> bool {
        if self.count == PLACES {
            return false;
        }
        let Some(place) = self.places.get_mut((self.first + self.count) % PLACES) else { return false };
        let Some(length) = write(&mut place.bytes).filter(|length| *length <= MAX_PACKET) else { return false };
        (place.port, place.length) = (port, length);
        self.count += 1;
        true
    }

    /// The oldest packet.
    pub fn pop(&mut self) -> Option<(Port, &[u8])> {
        if self.count == 0 {
            return None;
        }
        let at = self.first;
        self.first = (self.first + 1) % PLACES;
        self.count -= 1;
        let place = self.places.get(at)?;
        Some((place.port, place.bytes.get(..place.length)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_leave_in_their_order_and_a_full_queue_takes_no_more() {
        let mut queue = Queue::new();
        for number in 0..PLACES {
            assert!(queue.push(Port::Rtp, |bytes| {
                bytes[0] = number as u8;
                Some(1)
            }));
        }
        assert!(!queue.push(Port::Rtp, |_| Some(1)));
        assert_eq!(queue.pop(), Some((Port::Rtp, &[0][..])));
        assert!(queue.push(Port::Rtcp, |bytes| {
            bytes[..2].copy_from_slice(b"ok");
            Some(2)
        }));
        assert!(!queue.push(Port::Rtp, |_| None), "nothing written, nothing kept");
        let rest: Vec<u8> = std::iter::from_fn(|| queue.pop().map(|(_, bytes)| bytes[0])).collect();
        assert_eq!(rest, [1, 2, 3, 4, 5, 6, 7, b'o']);
    }
}
