//! A call between two legs of ours in virtual time: each on a clock of its own, a network between them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use audio::BLOCK;
use media::{Port, Session};

use crate::leg::address;
use crate::network::Trace;

const TEN: Duration = Duration::from_millis(10);

/// One end: its leg, how fast its sound device runs, and when it begins.
pub struct End {
    pub session: Session,
    pub clock: f64,
    pub phase: Duration,
}

impl End {
    /// When its block of that number passes.
    pub fn when(&self, block: usize) -> Duration {
        self.phase + TEN.mul_f64(block as f64 / self.clock)
    }
}

/// What happens in a call. Ends are 0 and 1.
pub trait Scene {
    /// Block `block` of what is said at an end. `None`: it says nothing.
    fn say(&mut self, end: usize, block: usize) -> Option<&[i16; BLOCK]>;

    /// What is heard at an end.
    fn hear(&mut self, _end: usize, _sound: &[i16; BLOCK]) {}

    /// An RTP packet leaves an end, so many bytes with its header.
    fn sent(&mut self, _end: usize, _now: Duration, _length: usize) {}

    /// After each block of an end.
    fn passed(&mut self, _end: usize, _now: Duration, _session: &Session) {}
}

/// Fates of the packets from each end: RTP's, RTCP's. Beyond their end they begin again.
pub struct Network<'a> {
    pub rtp: [&'a Trace; 2],
    pub rtcp: [&'a Trace; 2],
}

/// A packet under way: when it comes, which it is, how it comes and what it holds.
type Packet = Reverse<(Duration, usize, bool, Vec<u8>)>;

/// Lets `blocks` of 10 ms pass at both ends.
pub fn make(ends: &mut [End; 2], network: &Network<'_>, blocks: usize, scene: &mut impl Scene) {
    let mut to: [BinaryHeap<Packet>; 2] = Default::default();
    let (mut passed, mut counts, mut number) = ([0; 2], [[0; 2]; 2], 0);
    let mut sound = [0; BLOCK];
    while passed[0] < blocks || passed[1] < blocks {
        let mine = usize::from(ends[1].when(passed[1]) < ends[0].when(passed[0]));
        let (other, now) = (1 - mine, ends[mine].when(passed[mine]));
        let session = &mut ends[mine].session;
        while to[mine].peek().is_some_and(|Reverse((due, ..))| *due <= now) {
            let Some(Reverse((due, _, rtcp, mut packet))) = to[mine].pop() else { break };
            let mut from = address(other);
            from.set_port(from.port() + u16::from(rtcp));
            session.receive(due, if rtcp { Port::Rtcp } else { Port::Rtp }, from, &mut packet);
        }
        session.play(now, &mut sound);
        scene.hear(mine, &sound);
        session.capture(now, scene.say(mine, passed[mine]));
        session.tick(now);
        while let Some((port, _, packet)) = session.poll_transmit() {
            let rtcp = port == Port::Rtcp;
            let trace = if rtcp { network.rtcp[mine] } else { network.rtp[mine] };
            if !rtcp {
                scene.sent(mine, now, packet.len());
            }
            let count = &mut counts[mine][usize::from(rtcp)];
            if let Some(Some(delay)) = trace.get(*count % trace.len().max(1)) {
                to[other].push(Reverse((now + *delay, number, rtcp, packet.to_vec())));
            }
            *count += 1;
            number += 1;
        }
        scene.passed(mine, now, session);
        passed[mine] += 1;
    }
}
