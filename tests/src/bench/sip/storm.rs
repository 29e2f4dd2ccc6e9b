//! Many phones and one registrar that falls silent, in virtual time: what a registration holds in memory, and whether the
//! phones come back without trampling each other.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use phone_core::sip::transport::Transport;
use phone_core::{AccountStatus, Input, Instant, Phone, PhoneConfig};

use super::core::{SERVER, config};
use super::registrar::Registrar;
use super::report::{Memory, StormRow};
use crate::process::memory_kb;

/// One way.
const DELAY: Duration = Duration::from_millis(1);
/// The registrar stays away for so long.
const SILENCE: Duration = Duration::from_secs(60);
/// Life of a binding, seconds: every phone refreshes within the storm.
const GRANTS: u32 = 120;
/// Requests that wait at the registrar at most, as time: more are lost, as in a full socket.
const QUEUE: Duration = Duration::from_millis(500);
/// Nobody may need longer.
const LIMIT: Duration = Duration::from_secs(1800);

/// What is to happen: a phone is due, or hears something.
enum Due {
    Timer(usize),
    Answer(usize, Vec<u8>),
}

struct Crowd {
    now: Instant,
    phones: Vec<Phone>,
    /// Which have been switched on.
    awake: Vec<bool>,
    /// When each was last said to be due.
    due: Vec<Option<Instant>>,
    queue: BinaryHeap<Reverse<(Instant, u64)>>,
    /// By the number in the queue.
    coming: HashMap<u64, Due>,
    next: u64,
    registrar: Registrar,
    server: SocketAddr,
    /// Requests answered a second at most.
    rate: u32,
    silent: bool,
    free_at: Instant,
    /// REGISTERs that came while it was not silent: since `counted_from`, by second.
    arrivals: Vec<u64>,
    counted_from: Instant,
    lost: u64,
}

/// Runs memory and both storms with so many phones and a registrar that answers `rate` requests a second.
///
/// # Errors
/// If a phone is left behind.
pub fn run(count: usize, rate: u32) -> Result<(Memory, Vec<StormRow>)> {
    let own = std::process::id();
    let resident = || memory_kb(own).map(|(now, _)| now).context("no /proc");
    let before_kb = resident()?;
    let mut crowd = Crowd::new(count, rate, Duration::ZERO)?;
    // All are up after a minute, at most at the registrar's pace.
    crowd.start(Duration::from_secs(60).max(Duration::from_secs(count as u64 * 3 / u64::from(rate))));
    let limit = crowd.now + LIMIT;
    crowd.run_until_all_are_bound(limit)?;
    crowd.run(Duration::from_secs(2 * u64::from(GRANTS)));
    let memory = Memory { phones: count, before_kb, with_kb: resident()? };
    ensure!(crowd.left_behind() == 0, "phones are left behind before the storm");
    let restart = crowd.storm("registrar restarts, silent for 60 s, all bindings forgotten")?;
    drop(crowd);

    let mut storms = vec![restart];
    let names = [
        (Duration::ZERO, "power returns to all phones at once, registrar silent for the first 60 s"),
        (SILENCE, "the same, each phone begins within a minute (`start_spread`)"),
    ];
    for (spread, name) in names {
        let mut crowd = Crowd::new(count, rate, spread)?;
        crowd.start(Duration::ZERO);
        storms.push(crowd.storm(name)?);
    }
    Ok((memory, storms))
}

impl Crowd {
    fn new(count: usize, rate: u32, spread: Duration) -> Result<Self> {
        let now = Instant::new(Duration::from_secs(1_000_000));
        let mut crowd = Self {
            now,
            phones: Vec::with_capacity(count),
            awake: vec![false; count],
            due: vec![None; count],
            queue: BinaryHeap::new(),
            coming: HashMap::new(),
            next: 0,
            registrar: Registrar::new(GRANTS),
            server: SERVER.parse()?,
            rate,
            silent: false,
            free_at: now,
            arrivals: Vec::new(),
            counted_from: now,
            lost: 0,
        };
        for number in 0..count {
            let number = u32::try_from(number)?;
            let config = PhoneConfig { start_spread: spread, ..config(number, SERVER) };
            crowd.phones.push(Phone::new(config, u64::from(number), now));
        }
        Ok(crowd)
    }

    /// Switches the phones on, evenly over `span`.
    fn start(&mut self, span: Duration) {
        let count = self.phones.len();
        for at in 0..count {
            let begin = self.now + span * u32::try_from(at).unwrap_or(0) / u32::try_from(count).unwrap_or(1);
            self.due[at] = Some(begin);
            self.plan(begin, Due::Timer(at));
        }
    }

    fn plan(&mut self, at: Instant, due: Due) {
        self.next += 1;
        self.queue.push(Reverse((at, self.next)));
        self.coming.insert(self.next, due);
    }

    /// Silence, then service again; until all are bound, and for a while longer.
    fn storm(&mut self, name: &str) -> Result<StormRow> {
        let count = self.phones.len();
        self.silent = true;
        self.registrar.restart();
        self.run(SILENCE);
        self.silent = false;
        (self.arrivals, self.counted_from, self.lost) = (Vec::new(), self.now, 0);
        self.free_at = self.now;
        let back = self.now;
        self.run_until_all_are_bound(back + LIMIT).context(name.to_owned())?;
        let seconds = (self.now - back).as_secs_f64();
        let storm = usize::try_from((self.now - back).as_secs() + 1).unwrap_or(usize::MAX);
        let registers: u64 = self.arrivals.iter().take(storm).sum();
        let peak = self.arrivals.iter().take(storm).copied().max().unwrap_or_default();
        let lost = self.lost;
        // Nobody falls out again.
        self.run(Duration::from_secs(3 * u64::from(GRANTS)));
        Ok(StormRow {
            name: name.to_owned(),
            phones: count,
            answers_per_second: self.rate,
            seconds,
            // A challenge and an OK each, without a pause.
            least_seconds: 2.0 * count as f64 / f64::from(self.rate),
            registers,
            peak_per_second: peak,
            dropped: lost,
            left_behind: self.left_behind(),
        })
    }

    fn left_behind(&self) -> usize {
        let unbound = self.phones.len() - self.registrar.bound(self.now).min(self.phones.len());
        let registered = |phone: &&Phone| phone.state().accounts[0].status == AccountStatus::Registered;
        unbound.max(self.phones.len() - self.phones.iter().filter(registered).count())
    }

    fn run(&mut self, span: Duration) {
        let until = self.now + span;
        while self.step(until) {}
        self.now = until;
    }

    fn run_until_all_are_bound(&mut self, limit: Instant) -> Result<()> {
        let mut looked = self.now;
        while self.step(limit) {
            // Counting costs: ten times a second will do.
            if self.now - looked >= Duration::from_millis(100) {
                looked = self.now;
                if self.registrar.bound(self.now) == self.phones.len() {
                    return Ok(());
                }
            }
        }
        anyhow::bail!("{} of {} phones are bound after all", self.registrar.bound(self.now), self.phones.len());
    }

    /// The next thing that happens before `until`; false if nothing does.
    fn step(&mut self, until: Instant) -> bool {
        let Some(Reverse((at, key))) = self.queue.peek().copied().filter(|Reverse((at, _))| *at <= until) else {
            return false;
        };
        self.queue.pop();
        self.now = at;
        let phone = match self.coming.remove(&key) {
            Some(Due::Timer(phone)) if self.due[phone] == Some(at) => {
                if !std::mem::replace(&mut self.awake[phone], true) {
                    self.phones[phone].handle_input(at, Input::LocalAddress(address(phone).ip()));
                }
                self.phones[phone].handle_timeout(at);
                phone
            }
            Some(Due::Answer(phone, bytes)) => {
                let (transport, local, from) = (Transport::Udp, address(phone), self.server);
                self.phones[phone].handle_input(at, Input::Message { transport, local, from, bytes });
                phone
            }
            // It was due earlier or later in the meantime.
            _ => return true,
        };
        while let Some(transmit) = self.phones[phone].poll_transmit() {
            self.arrive(phone, &transmit.bytes);
        }
        while self.phones[phone].poll_event().is_some() {}
        let due = self.phones[phone].poll_timeout();
        if due != self.due[phone] {
            self.due[phone] = due;
            if let Some(due) = due {
                self.plan(due.max(at), Due::Timer(phone));
                self.due[phone] = Some(due.max(at));
            }
        } else if let Some(due) = due.filter(|due| *due <= at) {
            self.plan(due.max(at), Due::Timer(phone));
        }
        true
    }

    /// A request of a phone reaches the registrar: it waits its turn, or is lost.
    fn arrive(&mut self, phone: usize, bytes: &[u8]) {
        if self.silent {
            return;
        }
        let here = self.now + DELAY;
        let second = usize::try_from((here - self.counted_from).as_secs()).unwrap_or(usize::MAX);
        if self.arrivals.len() <= second {
            self.arrivals.resize(second + 1, 0);
        }
        self.arrivals[second] += 1;
        let begin = here.max(self.free_at);
        if begin - here > QUEUE {
            self.lost += 1;
            return;
        }
        self.free_at = begin + Duration::from_secs(1) / self.rate;
        if let Some(answer) = self.registrar.answer(self.free_at, address(phone), bytes) {
            self.plan(self.free_at + DELAY, Due::Answer(phone, answer));
        }
    }
}

/// Where a phone is.
fn address(phone: usize) -> SocketAddr {
    let [_, high, middle, low] = u32::try_from(phone).unwrap_or_default().to_be_bytes();
    SocketAddr::from((Ipv4Addr::new(10, high, middle, low), 5060))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_comes_back() {
        let (memory, storms) = run(200, 50).unwrap();
        assert_eq!(memory.phones, 200);
        for storm in storms {
            assert_eq!(storm.left_behind, 0, "{storm:?}");
            assert!(storm.seconds >= 4.0 && storm.registers >= 400, "{storm:?}");
        }
    }
}
