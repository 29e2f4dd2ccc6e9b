//! Server transactions (RFC 3261 §17.2.1 and §17.2.2; RFC 6026 §7.1 for 2xx to INVITE).

use std::time::Duration;

use super::{T4, Timers};
use crate::time::{Instant, earliest};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No final response yet.
    Proceeding,
    /// Answered finally; an INVITE waits for its ACK.
    Completed,
    /// An INVITE was answered with 2xx, which is repeated until the dialog's ACK comes (RFC 3261 §13.3.1.4).
    Accepted,
    /// Acknowledged; copies are absorbed.
    Confirmed,
    Terminated,
}

/// What a copy of the request calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// Nothing was answered yet, or it is over.
    Nothing,
    /// The last response is sent again.
    Answered,
}

/// One request that came, and the responses to it.
#[derive(Debug)]
pub struct ServerTransaction {
    invite: bool,
    timers: Timers,
    state: State,
    response: Vec<u8>,
    interval: Duration,
    /// Timer G, or the repetition of a 2xx.
    retransmit: Option<Instant>,
    /// Timers H, I, J and L.
    end: Option<Instant>,
    send: bool,
}

impl ServerTransaction {
    /// A request has come; `invite` says whether it is an INVITE.
    pub fn new(invite: bool, timers: Timers) -> Self {
        let (response, interval) = (Vec::new(), timers.t1);
        Self { invite, timers, state: State::Proceeding, response, interval, retransmit: None, end: None, send: false }
    }

    /// Answers it. A second final response is ignored.
    pub fn respond(&mut self, now: Instant, status: u16, response: Vec<u8>) {
        if self.state != State::Proceeding {
            return;
        }
        (self.response, self.send) = (response, true);
        if status < 200 {
            return;
        }
        let long = self.timers.t1.saturating_mul(64);
        self.state = if self.invite && status < 300 { State::Accepted } else { State::Completed };
        // A 2xx is repeated whatever the transport: it goes end to end.
        let repeats = self.invite && (status < 300 || !self.timers.reliable);
        self.retransmit = repeats.then(|| now + self.timers.t1);
        let wait = if !self.invite && self.timers.reliable { Duration::ZERO } else { long };
        self.end = Some(now + wait);
    }

    /// The request has come once more.
    pub fn again(&mut self) -> Again {
        let answered = !self.response.is_empty() && !matches!(self.state, State::Confirmed | State::Terminated);
        // In Accepted copies of the INVITE are absorbed (RFC 6026 §7.1); the 2xx is repeated by its own timer.
        if answered && self.state != State::Accepted {
            self.send = true;
            return Again::Answered;
        }
        Again::Nothing
    }

    /// The ACK has come.
    pub fn acknowledged(&mut self, now: Instant) {
        if matches!(self.state, State::Completed | State::Accepted) && self.invite {
            let reliable = self.timers.reliable;
            self.state = State::Confirmed;
            (self.retransmit, self.send) = (None, false);
            self.end = Some(if reliable { now } else { now + T4 });
        }
    }

    /// An INVITE was answered with 2xx, and nobody confirmed that yet.
    pub fn is_accepted(&self) -> bool {
        self.state == State::Accepted
    }

    /// Lets timers fire. True when a final response to an INVITE was never acknowledged.
    pub fn handle_timeout(&mut self, now: Instant) -> bool {
        if self.end.is_some_and(|end| now >= end) && self.state != State::Terminated {
            let unacknowledged = self.invite && matches!(self.state, State::Completed | State::Accepted);
            (self.state, self.retransmit, self.end) = (State::Terminated, None, None);
            return unacknowledged;
        }
        if let Some(due) = self.retransmit.filter(|due| now >= *due) {
            self.send = true;
            self.interval = self.interval.saturating_mul(2).min(self.timers.t2);
            self.retransmit = Some(if due + self.interval > now { due + self.interval } else { now + self.interval });
        }
        false
    }

    /// When to call [`ServerTransaction::handle_timeout`] next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        earliest(self.retransmit, self.end)
    }

    /// The response, whenever it is to be sent.
    pub fn poll_transmit(&mut self) -> Option<&[u8]> {
        std::mem::take(&mut self.send).then_some(self.response.as_slice())
    }

    /// No final response was given yet.
    pub fn is_open(&self) -> bool {
        self.state == State::Proceeding
    }

    /// Nothing is left to do.
    pub fn is_over(&self) -> bool {
        self.state == State::Terminated && !self.send
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::new(Duration::from_millis(millis))
    }

    fn start(invite: bool, reliable: bool) -> ServerTransaction {
        let timers = Timers::new(Duration::from_millis(500), Duration::from_secs(4), reliable);
        ServerTransaction::new(invite, timers)
    }

    /// When the response is sent, from its first time on, and when it was given up.
    fn run(transaction: &mut ServerTransaction) -> (Vec<u64>, Option<u64>) {
        let (mut now, mut sent) = (at(0), Vec::new());
        loop {
            while transaction.poll_transmit().is_some() {
                sent.push(now.since_epoch().as_millis() as u64);
            }
            let Some(next) = transaction.poll_timeout() else { return (sent, None) };
            now = next;
            if transaction.handle_timeout(now) {
                return (sent, Some(now.since_epoch().as_millis() as u64));
            }
        }
    }

    #[test]
    fn a_refusal_is_repeated_until_acknowledged_and_given_up_at_h() {
        let mut transaction = start(true, false);
        transaction.respond(at(0), 486, b"486".to_vec());
        let (sent, ended) = run(&mut transaction);
        assert_eq!(sent, [0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500]);
        assert_eq!(ended, Some(32_000));
        let mut transaction = start(true, false);
        transaction.respond(at(0), 486, b"486".to_vec());
        assert!(transaction.poll_transmit().is_some());
        transaction.acknowledged(at(100));
        assert_eq!(transaction.again(), Again::Nothing, "copies are absorbed");
        assert!(!transaction.handle_timeout(at(5_100)) && transaction.is_over());
    }

    #[test]
    fn a_2xx_is_repeated_over_any_transport() {
        for reliable in [false, true] {
            let mut transaction = start(true, reliable);
            transaction.respond(at(0), 200, b"200".to_vec());
            let (sent, ended) = run(&mut transaction);
            assert_eq!((sent.len(), ended), (11, Some(32_000)));
        }
        let mut transaction = start(true, true);
        transaction.respond(at(0), 486, b"486".to_vec());
        assert_eq!(run(&mut transaction), (vec![0], Some(32_000)), "a refusal is not");
    }

    #[test]
    fn copies_get_the_same_answer() {
        let mut transaction = start(false, false);
        assert_eq!(transaction.again(), Again::Nothing);
        transaction.respond(at(0), 200, b"200".to_vec());
        transaction.respond(at(0), 500, b"500".to_vec());
        assert_eq!(transaction.poll_transmit(), Some(&b"200"[..]));
        assert_eq!(transaction.again(), Again::Answered);
        assert_eq!(transaction.poll_transmit(), Some(&b"200"[..]));
        assert!(!transaction.handle_timeout(at(32_000)) && transaction.is_over());
        let mut transaction = start(true, false);
        transaction.respond(at(0), 180, b"180".to_vec());
        assert!(transaction.poll_transmit().is_some() && transaction.is_open());
        assert_eq!(transaction.again(), Again::Answered, "a provisional response, too");
    }
}
