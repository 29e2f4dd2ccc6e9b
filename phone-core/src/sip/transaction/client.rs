//! Client transactions (RFC 3261 §17.1.1 and §17.1.2; RFC 6026 §7.2 for 2xx to INVITE).

use std::time::Duration;

use super::{T4, TIMER_D, Timers};
use crate::sip::message::{Message, Method};
use crate::time::{Instant, earliest};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Trying, or Calling of an INVITE.
    Trying,
    Proceeding,
    Completed,
    /// An INVITE was answered with 2xx: further ones (other forks, copies) are its user's to acknowledge.
    Accepted,
    Terminated,
}

/// What a response means to the transaction's user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// Not a response to this transaction.
    NotOurs,
    /// A copy: nothing to do.
    Absorbed,
    /// Provisional, 100 to 199.
    Provisional(u16),
    /// The first final response; or a further 2xx to an INVITE.
    Final(u16),
}

/// One request and its retransmissions.
pub struct ClientTransaction {
    branch: String,
    method: Method,
    request: Vec<u8>,
    /// ACK of a final response other than 2xx.
    ack: Vec<u8>,
    timers: Timers,
    began: Instant,
    state: State,
    interval: Duration,
    /// Timers A and E.
    retransmit: Option<Instant>,
    /// Timers B and F, then D, K or M. `None`: an INVITE that was answered provisionally waits for its user.
    end: Option<Instant>,
    send: Option<Send>,
}

#[derive(Clone, Copy)]
enum Send {
    Request,
    Ack,
}

/// The request is left out: it may carry a digest proof.
impl std::fmt::Debug for ClientTransaction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ClientTransaction({} {} {:?})", self.method, self.branch, self.state)
    }
}

impl ClientTransaction {
    /// Starts sending `request`, of `method`, whose topmost Via carries `branch`.
    pub fn new(now: Instant, branch: String, method: Method, request: Vec<u8>, timers: Timers) -> Self {
        Self {
            branch,
            method,
            request,
            ack: Vec::new(),
            timers,
            began: now,
            state: State::Trying,
            interval: timers.t1,
            retransmit: (!timers.reliable).then(|| now + timers.t1),
            end: Some(now + timers.give_up),
            send: Some(Send::Request),
        }
    }

    fn is_invite(&self) -> bool {
        self.method == Method::Invite
    }

    /// Whether a response belongs here (RFC 3261 §17.1.3: matched by branch and CSeq method).
    pub fn fits(&self, message: &Message) -> bool {
        message.top_via().is_ok_and(|via| via.branch() == Some(self.branch.as_str()))
            && message.cseq().is_ok_and(|cseq| cseq.method == self.method)
    }

    /// Takes a response in.
    pub fn response(&mut self, now: Instant, message: &Message) -> Received {
        let Some(status) = message.status().filter(|_| self.fits(message)) else {
            return Received::NotOurs;
        };
        match self.state {
            State::Trying | State::Proceeding if status < 200 => {
                self.state = State::Proceeding;
                if self.is_invite() {
                    (self.retransmit, self.end, self.send) = (None, None, None);
                }
                Received::Provisional(status)
            }
            State::Trying | State::Proceeding => {
                (self.retransmit, self.send) = (None, None);
                let (state, wait) = match (self.is_invite(), status < 300) {
                    (true, true) => (State::Accepted, self.timers.t1.saturating_mul(64)),
                    (true, false) if self.timers.reliable => (State::Completed, Duration::ZERO),
                    (true, false) => (State::Completed, TIMER_D),
                    (false, _) if self.timers.reliable => (State::Completed, Duration::ZERO),
                    (false, _) => (State::Completed, T4),
                };
                (self.state, self.end) = (state, Some(now + wait));
                Received::Final(status)
            }
            State::Accepted if (200..300).contains(&status) => Received::Final(status),
            State::Completed => {
                if status >= 300 && !self.ack.is_empty() {
                    self.send = Some(Send::Ack);
                }
                Received::Absorbed
            }
            State::Accepted | State::Terminated => Received::Absorbed,
        }
    }

    /// The ACK for the final response other than 2xx that has just come; sent again with each copy of the response.
    pub fn acknowledge(&mut self, ack: Vec<u8>) {
        self.ack = ack;
        self.send = Some(Send::Ack);
    }

    /// There is somebody else to turn to by now: gives up so long after it began, if nothing has come back.
    pub fn hurry(&mut self, now: Instant, give_up: Duration) {
        if self.state == State::Trying {
            self.limit((self.began + give_up).max(now));
        }
    }

    /// Gives an INVITE that was answered provisionally until then to end: it was cancelled (RFC 3261 §9.1).
    pub fn limit(&mut self, until: Instant) {
        if self.is_open() {
            self.end = Some(self.end.map_or(until, |end| end.min(until)));
        }
    }

    /// Lets timers fire. True when the transaction has just ended without a final response.
    pub fn handle_timeout(&mut self, now: Instant) -> bool {
        if self.state == State::Terminated {
            return false;
        }
        if self.end.is_some_and(|end| now >= end) {
            let unanswered = self.is_open();
            // An ACK still to be sent goes out: over a reliable transport nothing waits for copies.
            self.state = State::Terminated;
            self.retransmit = None;
            self.send = self.send.filter(|send| matches!(send, Send::Ack));
            return unanswered;
        }
        if let Some(due) = self.retransmit.filter(|due| now >= *due) {
            self.send = Some(Send::Request);
            self.interval = match self.state {
                State::Proceeding => self.timers.t2,
                // Timer A doubles without a limit (§17.1.1.2), timer E up to T2.
                _ if self.is_invite() => self.interval.saturating_mul(2),
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
            _ => earliest(self.retransmit, self.end),
        }
    }

    /// What is to be sent, if anything.
    pub fn poll_transmit(&mut self) -> Option<&[u8]> {
        Some(match self.send.take()? {
            Send::Request => &self.request,
            Send::Ack => &self.ack,
        })
    }

    /// Waiting for a final response.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Trying | State::Proceeding)
    }

    /// Not even a provisional response has come.
    pub fn is_unheard(&self) -> bool {
        self.state == State::Trying
    }

    /// Nothing is left to do.
    pub fn is_over(&self) -> bool {
        self.state == State::Terminated && self.send.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::new(Duration::from_millis(millis))
    }

    fn start() -> ClientTransaction {
        start_with(Method::Register, false)
    }

    fn start_with(method: Method, reliable: bool) -> ClientTransaction {
        let timers = Timers::new(Duration::from_millis(500), Duration::from_secs(4), reliable);
        ClientTransaction::new(at(0), "z9hG4bKx".into(), method, b"R".to_vec(), timers)
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
        assert_eq!(transaction.response(at(100), &answer("100 Trying", "REGISTER")), Received::Provisional(100));
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

    #[test]
    fn an_invite_doubles_without_a_limit_and_ends_at_b() {
        let (sent, ended) = run(&mut start_with(Method::Invite, false), at(0));
        assert_eq!(sent, [0, 500, 1500, 3500, 7500, 15500, 31500]);
        assert_eq!(ended, Some(32_000));
    }

    #[test]
    fn a_ringing_invite_waits_for_its_user_until_it_is_limited() {
        let mut transaction = start_with(Method::Invite, false);
        assert_eq!(transaction.response(at(10), &answer("180 Ringing", "INVITE")), Received::Provisional(180));
        assert_eq!((transaction.poll_timeout(), transaction.poll_transmit()), (None, None));
        transaction.limit(at(5_000));
        assert!(transaction.handle_timeout(at(5_000)));
    }

    #[test]
    fn a_refused_invite_acknowledges_every_copy_until_d() {
        let mut transaction = start_with(Method::Invite, false);
        assert_eq!(transaction.response(at(10), &answer("486 Busy", "INVITE")), Received::Final(486));
        transaction.acknowledge(b"A".to_vec());
        assert_eq!(transaction.poll_transmit(), Some(&b"A"[..]));
        assert_eq!(transaction.response(at(20), &answer("486 Busy", "INVITE")), Received::Absorbed);
        assert_eq!(transaction.poll_transmit(), Some(&b"A"[..]));
        assert_eq!(run(&mut transaction, at(20)), (vec![], None));
        assert!(transaction.is_over());
    }

    #[test]
    fn every_2xx_to_an_invite_is_its_users_until_m() {
        let mut transaction = start_with(Method::Invite, false);
        for moment in [10, 20, 31_000] {
            assert_eq!(transaction.response(at(moment), &answer("200 OK", "INVITE")), Received::Final(200));
        }
        assert!(!transaction.handle_timeout(at(32_010)));
        assert_eq!(transaction.response(at(32_020), &answer("200 OK", "INVITE")), Received::Absorbed);
    }

    #[test]
    fn over_a_stream_nothing_is_repeated_and_nothing_is_waited_for() {
        let mut transaction = start_with(Method::Invite, true);
        assert_eq!(run(&mut transaction, at(0)), (vec![0], Some(32_000)));
        let mut transaction = start_with(Method::Invite, true);
        assert_eq!(transaction.response(at(10), &answer("486 Busy", "INVITE")), Received::Final(486));
        transaction.acknowledge(b"A".to_vec());
        assert!(!transaction.handle_timeout(at(10)));
        assert!(!transaction.is_over(), "the ACK is still to be sent");
        assert_eq!(transaction.poll_transmit(), Some(&b"A"[..]));
        assert!(transaction.is_over());
    }
}
