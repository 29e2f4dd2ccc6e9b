//! The non-INVITE client transaction over UDP (RFC 3261 §17.1.2), in virtual time.

use std::time::Duration;

use super::message::{Message, Method};
use crate::time::{Instant, earliest};

/// The magic cookie every branch begins with (RFC 3261 §8.1.1.7).
pub const BRANCH_COOKIE: &str = "z9hG4bK";
/// T4: how long a message may stay in the network.
pub const T4: Duration = Duration::from_secs(5);

/// Retransmission timing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timers {
    /// Round-trip estimate; first retransmission interval.
    pub t1: Duration,
    /// Longest retransmission interval.
    pub t2: Duration,
    /// Timer F; 64 × T1 unless the caller is in a hurry.
    pub give_up: Duration,
}

impl Timers {
    /// With timer F at 64 × T1.
    pub fn new(t1: Duration, t2: Duration) -> Self {
        Self { t1, t2, give_up: t1.saturating_mul(64) }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Trying,
    Proceeding,
    Completed,
    Terminated,
}

/// What a response means to the transaction's user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// Not a response to this transaction.
    NotOurs,
    /// Provisional, or a retransmission: nothing to do.
    Absorbed,
    /// The first final response, with its status code.
    Final(u16),
}

/// One request and its retransmissions.
pub struct ClientTransaction {
    branch: String,
    method: Method,
    bytes: Vec<u8>,
    timers: Timers,
    state: State,
    interval: Duration,
    /// Timer E.
    retransmit: Option<Instant>,
    /// Timer F, then timer K.
    end: Instant,
    send: bool,
}

/// The request is left out: it may carry a digest proof.
impl std::fmt::Debug for ClientTransaction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ClientTransaction({} {} {:?})", self.method, self.branch, self.state)
    }
}

impl ClientTransaction {
    /// Starts sending `bytes`, a request of `method` whose topmost Via carries `branch`.
    pub fn new(now: Instant, branch: String, method: Method, bytes: Vec<u8>, timers: Timers) -> Self {
        Self {
            branch,
            method,
            bytes,
            timers,
            state: State::Trying,
            interval: timers.t1,
            retransmit: Some(now + timers.t1),
            end: now + timers.give_up,
            send: true,
        }
    }

    /// Takes a response in (RFC 3261 §17.1.3: matched by branch and CSeq method).
    pub fn response(&mut self, now: Instant, message: &Message) -> Received {
        let branch_fits = message.top_via().is_ok_and(|via| via.branch() == Some(self.branch.as_str()));
        let method_fits = message.cseq().is_ok_and(|cseq| cseq.method == self.method);
        let Some(status) = message.status().filter(|_| branch_fits && method_fits) else {
            return Received::NotOurs;
        };
        match self.state {
            State::Trying | State::Proceeding if status < 200 => {
                self.state = State::Proceeding;
                Received::Absorbed
            }
            State::Trying | State::Proceeding => {
                self.state = State::Completed;
                self.retransmit = None;
                self.send = false;
                self.end = now + T4;
                Received::Final(status)
            }
            State::Completed | State::Terminated => Received::Absorbed,
        }
    }

    /// Lets timers fire. True when the transaction has just ended without a final response.
    pub fn handle_timeout(&mut self, now: Instant) -> bool {
        if self.state == State::Terminated {
            return false;
        }
        if now >= self.end {
            let unanswered = self.state != State::Completed;
            self.state = State::Terminated;
            self.retransmit = None;
            self.send = false;
            return unanswered;
        }
        if let Some(due) = self.retransmit.filter(|due| now >= *due) {
            self.send = true;
            self.interval = match self.state {
                State::Proceeding => self.timers.t2,
                _ => self.interval.saturating_mul(2).min(self.timers.t2),
            };
            // After a jump of the clock one retransmission is enough.
            self.retransmit = Some(if due + self.interval > now { due + self.interval } else { now + self.interval });
        }
        false
    }

    /// When to call [`ClientTransaction::handle_timeout`] next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.state {
            State::Terminated => None,
            _ => earliest(self.retransmit, Some(self.end)),
        }
    }

    /// The request, whenever it is to be sent.
    pub fn poll_transmit(&mut self) -> Option<&[u8]> {
        std::mem::take(&mut self.send).then_some(self.bytes.as_slice())
    }

    /// Waiting for a final response.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Trying | State::Proceeding)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::new(Duration::from_millis(millis))
    }

    fn start() -> ClientTransaction {
        let timers = Timers::new(Duration::from_millis(500), Duration::from_secs(4));
        ClientTransaction::new(at(0), "z9hG4bKx".into(), Method::Register, b"R".to_vec(), timers)
    }

    fn answer(status: &str, method: &str) -> Message {
        let text = format!("SIP/2.0 {status}\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\nCSeq: 1 {method}\r\n\r\n");
        Message::parse_datagram(text.as_bytes()).unwrap()
    }

    /// Runs until the transaction wants nothing more; returns when it sent, and when it gave up.
    fn run(transaction: &mut ClientTransaction, from: Instant) -> (Vec<u64>, Option<u64>) {
        let (mut now, mut sent) = (from, Vec::new());
        loop {
            while transaction.poll_transmit().is_some() {
                sent.push(now.since_epoch().as_millis() as u64);
            }
            let Some(next) = transaction.poll_timeout() else {
                return (sent, None);
            };
            assert!(next > now, "no progress at {now:?}");
            now = next;
            if transaction.handle_timeout(now) {
                return (sent, Some(now.since_epoch().as_millis() as u64));
            }
        }
    }

    #[test]
    fn silence_means_retransmissions_at_e_and_the_end_at_f() {
        let (sent, ended) = run(&mut start(), at(0));
        assert_eq!(sent, [0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500]);
        assert_eq!(ended, Some(32_000));
    }

    #[test]
    fn a_provisional_response_slows_retransmission_to_t2() {
        let mut transaction = start();
        assert!(transaction.poll_transmit().is_some());
        assert_eq!(transaction.response(at(100), &answer("100 Trying", "REGISTER")), Received::Absorbed);
        let (sent, ended) = run(&mut transaction, at(100));
        assert_eq!(sent, [500, 4500, 8500, 12500, 16500, 20500, 24500, 28500]);
        assert_eq!(ended, Some(32_000));
    }

    #[test]
    fn one_final_response_is_reported_and_its_copies_are_absorbed_until_k() {
        let mut transaction = start();
        assert_eq!(transaction.response(at(10), &answer("200 OK", "OPTIONS")), Received::NotOurs);
        assert_eq!(transaction.response(at(20), &answer("200 OK", "REGISTER")), Received::Final(200));
        assert_eq!(transaction.response(at(30), &answer("200 OK", "REGISTER")), Received::Absorbed);
        assert_eq!(run(&mut transaction, at(30)), (vec![], None));
        assert_eq!(transaction.poll_timeout(), None);
    }

    #[test]
    fn a_clock_jump_sends_once() {
        let mut transaction = start();
        assert!(transaction.poll_transmit().is_some());
        assert!(!transaction.handle_timeout(at(10_000)));
        assert!(transaction.poll_transmit().is_some());
        assert!(transaction.poll_transmit().is_none());
        assert_eq!(transaction.poll_timeout(), Some(at(11_000)));
    }
}
