//! Reading bodies: bounded in length and time, and bounded together, so that many senders of large bodies cannot fill the
//! memory. Senders at one address have a part of it at most.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::StreamExt;

/// Bytes held at once, of all bodies and of those from one address (behind NAT, many phones have one).
const MOST: usize = 256 << 20;
const MOST_FROM_ONE: usize = 64 << 20;

#[derive(Default)]
pub struct Intake(Mutex<Held>);

#[derive(Default)]
struct Held {
    bytes: usize,
    from: HashMap<IpAddr, usize>,
}

/// Room for some bytes, given back when dropped.
pub struct Room {
    intake: Arc<Intake>,
    from: IpAddr,
    bytes: usize,
}

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    TooLong,
    CutOff,
    TooSlow,
    /// Others fill the memory.
    NoRoom,
}

impl Room {
    pub fn new(intake: &Arc<Intake>, from: IpAddr) -> Self {
        Self { intake: intake.clone(), from, bytes: 0 }
    }

    /// Whether there is room for so many bytes more; it is taken.
    pub fn take(&mut self, bytes: usize) -> bool {
        let mut held = self.intake.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = held.from.get(&self.from).copied().unwrap_or(0);
        if held.bytes + bytes > MOST || own + bytes > MOST_FROM_ONE {
            return false;
        }
        held.bytes += bytes;
        held.from.insert(self.from, own + bytes);
        self.bytes += bytes;
        true
    }

    /// From now on so many bytes are held instead of what was taken so far; whether there is room for them. The body that was
    /// read and what it inflates to are not counted side by side: one of them is held while the phone is answered.
    pub fn hold(&mut self, bytes: usize) -> bool {
        match bytes.checked_sub(self.bytes) {
            Some(more) => self.take(more),
            None => {
                self.give(self.bytes - bytes);
                true
            }
        }
    }

    fn give(&mut self, bytes: usize) {
        let mut held = self.intake.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.bytes -= bytes;
        if let Some(own) = held.from.get_mut(&self.from) {
            *own -= bytes;
            if *own == 0 {
                held.from.remove(&self.from);
            }
        }
        self.bytes -= bytes;
    }

    /// Reads a body of at most `limit` bytes, within `time`.
    pub async fn read(&mut self, body: Body, limit: usize, time: Duration) -> Result<Bytes, Unread> {
        match tokio::time::timeout(time, self.collect(body, limit)).await {
            Ok(read) => read,
            Err(_) => Err(Unread::TooSlow),
        }
    }

    async fn collect(&mut self, body: Body, limit: usize) -> Result<Bytes, Unread> {
        let mut parts = body.into_data_stream();
        let mut first = Bytes::new();
        let mut all: Vec<u8> = Vec::new();
        while let Some(part) = parts.next().await {
            let part = part.map_err(|_| Unread::CutOff)?;
            if first.len() + all.len() + part.len() > limit {
                return Err(Unread::TooLong);
            }
            if !self.take(part.len()) {
                return Err(Unread::NoRoom);
            }
            // Most bodies come in one piece, which is not copied.
            if all.is_empty() && first.is_empty() {
                first = part;
                continue;
            }
            if all.is_empty() {
                all.extend_from_slice(&std::mem::take(&mut first));
            }
            all.extend_from_slice(&part);
        }
        Ok(if all.is_empty() { first } else { all.into() })
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.give(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn from(last: u8) -> IpAddr {
        Ipv4Addr::new(192, 0, 2, last).into()
    }

    #[test]
    fn one_address_has_a_part_and_gives_it_back() {
        let intake = Arc::new(Intake::default());
        let (mut one, mut other) = (Room::new(&intake, from(1)), Room::new(&intake, from(2)));
        assert!(one.take(MOST_FROM_ONE));
        assert!(!one.take(1));
        assert!(!Room::new(&intake, from(1)).take(1), "another body of the same address");
        assert!(other.take(MOST_FROM_ONE));
        drop(one);
        assert!(Room::new(&intake, from(1)).take(1));
        let mut rooms: Vec<Room> = (3..6).map(|last| Room::new(&intake, from(last))).collect();
        let taken = rooms.iter_mut().map(|room| room.take(MOST_FROM_ONE)).collect::<Vec<_>>();
        assert_eq!(taken, [true, true, true]);
        assert!(!Room::new(&intake, from(9)).take(1), "all together");
        drop((rooms, other));
        let held = intake.0.lock().unwrap();
        assert!(held.bytes == 0 && held.from.is_empty());
    }

    #[test]
    fn a_body_that_was_inflated_counts_once() {
        let intake = Arc::new(Intake::default());
        let mut room = Room::new(&intake, from(1));
        assert!(room.take(MOST_FROM_ONE / 2 + 1));
        assert!(room.hold(MOST_FROM_ONE / 2 + 1), "as long as it came");
        assert!(room.hold(MOST_FROM_ONE) && !room.hold(MOST_FROM_ONE + 1), "it inflates");
        assert!(!Room::new(&intake, from(1)).take(1));
        assert!(room.hold(0) && intake.0.lock().unwrap().from.is_empty(), "shorter than it came");
        drop(room);
        assert_eq!(intake.0.lock().unwrap().bytes, 0);
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_its_limit() {
        let intake = Arc::new(Intake::default());
        let pieces = |pieces: &[&'static str]| {
            let pieces: Vec<_> =
                pieces.iter().map(|piece| Ok::<_, std::io::Error>(Bytes::from_static(piece.as_bytes()))).collect();
            Body::from_stream(futures_util::stream::iter(pieces))
        };
        let read = async |body, limit| Room::new(&intake, from(1)).read(body, limit, Duration::from_secs(60)).await;
        assert_eq!(read(Body::empty(), 0).await, Ok(Bytes::new()));
        assert_eq!(read(pieces(&["ab", "", "c", "de"]), 5).await, Ok(Bytes::from_static(b"abcde")));
        assert_eq!(read(pieces(&["ab", "cd"]), 3).await, Err(Unread::TooLong));
        let cut = futures_util::stream::iter([Ok(Bytes::from_static(b"a")), Err(std::io::Error::other("gone"))]);
        assert_eq!(read(Body::from_stream(cut), 5).await, Err(Unread::CutOff));
        let never = Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());
        let read = Room::new(&intake, from(1)).read(never, 5, Duration::ZERO).await;
        assert_eq!(read, Err(Unread::TooSlow));
    }
}
