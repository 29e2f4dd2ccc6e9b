//! Phones without sockets: transactions and calls a second on one core, in virtual time.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use phone_core::settings::calls::DialSource;
use phone_core::settings::servers::ServerSettings;
use phone_core::sip::message::{Message, Method, Name, RequestBuilder};
use phone_core::sip::transport::Transport;
use phone_core::{AccountSettings, Command, Input, Instant, Phone, PhoneConfig, PhoneEvent, Secret};

use super::registrar::{PASSWORD, Registrar};
use super::report::CoreRow;
use crate::bench::usage::thread_cpu_us;

pub const SERVER: &str = "192.0.2.10:5060";
/// Rounds between two looks at the clock.
const BATCH: u64 = 50;

/// The settings of one phone with one account.
pub fn config(number: u32, server: &str) -> PhoneConfig {
    let [_, high, middle, low] = number.to_be_bytes();
    let mut config = PhoneConfig::new("GHP621", "1.0", [0xc0, 0x74, 0xad, high | 0x40, middle, low]);
    let account = AccountSettings {
        enabled: true,
        user: (100_000 + number).to_string(),
        password: Secret::new(PASSWORD),
        servers: ServerSettings::at(server),
        ..AccountSettings::default()
    };
    config.accounts = vec![account];
    config.phone.random_ports = false;
    config
}

/// A phone, where it is, and what it said lately.
struct Place {
    phone: Phone,
    address: SocketAddr,
    events: Vec<PhoneEvent>,
}

impl Place {
    fn new(number: u32, address: &str, now: Instant, change: impl FnOnce(&mut PhoneConfig)) -> Result<Self> {
        let mut config = config(number, SERVER);
        change(&mut config);
        let address: SocketAddr = address.parse()?;
        let mut phone = Phone::new(config, u64::from(number), now);
        phone.handle_input(now, Input::LocalAddress(address.ip()));
        Ok(Self { phone, address, events: Vec::new() })
    }

    fn hear(&mut self, now: Instant, from: SocketAddr, bytes: Vec<u8>) {
        let (transport, local) = (Transport::Udp, self.address);
        self.phone.handle_input(now, Input::Message { transport, local, from, bytes });
    }

    fn note(&mut self) {
        while let Some(event) = self.phone.poll_event() {
            self.events.push(event);
        }
    }
}

/// Everything, each for about `seconds` of CPU.
///
/// # Errors
/// If a transaction or a call fails.
pub fn run(seconds: f64) -> Result<Vec<CoreRow>> {
    Ok(vec![registers(seconds)?, options(seconds)?, calls(seconds)?])
}

fn measure(what: &str, seconds: f64, mut batch: impl FnMut() -> Result<u64>) -> Result<CoreRow> {
    batch().context(what.to_owned())?;
    let (start, mut times) = (thread_cpu_us(), 0);
    loop {
        times += batch().context(what.to_owned())?;
        let cpu_us = thread_cpu_us() - start;
        if cpu_us as f64 >= seconds * 1e6 {
            let per_second = times as f64 * 1e6 / cpu_us as f64;
            return Ok(CoreRow { what: what.to_owned(), times, per_second, cpu_us: cpu_us as f64 / times as f64 });
        }
    }
}

fn start() -> Instant {
    Instant::new(Duration::from_secs(1_000_000))
}

/// Carries messages between a phone and the registrar until both are silent; how many requests were answered.
fn settle(place: &mut Place, registrar: &mut Registrar, now: Instant) -> Result<u64> {
    let mut answered = 0;
    while let Some(transmit) = place.phone.poll_transmit() {
        let is_request = !transmit.bytes.starts_with(b"SIP/2.0");
        if is_request && let Some(answer) = registrar.answer(now, place.address, &transmit.bytes) {
            answered += 1;
            place.hear(now, transmit.to, answer);
        }
    }
    place.note();
    Ok(answered)
}

/// A phone that registers again and again, when it is due, with digest.
fn registers(seconds: f64) -> Result<CoreRow> {
    let (mut now, mut registrar) = (start(), Registrar::new(60));
    let mut place = Place::new(1, "192.0.2.55:5060", now, |_| {})?;
    measure("REGISTER, 200 (digest; both ends)", seconds, || {
        let mut answered = 0;
        while answered < BATCH {
            now = now.max(place.phone.poll_timeout().context("the phone wants nothing any more")?);
            place.phone.handle_timeout(now);
            answered += settle(&mut place, &mut registrar, now)?;
        }
        ensure!(registrar.bound(now) == 1, "the phone lost its binding");
        place.events.clear();
        Ok(answered)
    })
}

/// The server asks a phone what it can, four times a second.
fn options(seconds: f64) -> Result<CoreRow> {
    let (mut now, mut registrar, mut number) = (start(), Registrar::new(3600), 0u64);
    let mut place = Place::new(1, "192.0.2.55:5060", now, |_| {})?;
    place.phone.handle_timeout(now);
    settle(&mut place, &mut registrar, now)?;
    ensure!(registrar.bound(now) == 1, "the phone does not register");
    let server: SocketAddr = SERVER.parse()?;
    measure("OPTIONS, 200 (both ends)", seconds, || {
        for _ in 0..BATCH {
            number += 1;
            now = now + Duration::from_millis(250);
            let request = RequestBuilder::new(&Method::Options, "sip:100001@192.0.2.55:5060")
                .header(Name::Via, format_args!("SIP/2.0/UDP {SERVER};rport;branch=z9hG4bK{number:016x}"))
                .header(Name::From, "<sip:pbx@hotel.example>;tag=1")
                .header(Name::To, "<sip:100001@hotel.example>")
                .header(Name::CallId, format_args!("options-{number:016x}"))
                .header(Name::CSeq, "1 OPTIONS")
                .header(Name::MaxForwards, 70)
                .finish(&[]);
            place.hear(now, server, request);
            let answer = loop {
                let transmit = place.phone.poll_transmit().context("no answer to OPTIONS")?;
                if transmit.bytes.starts_with(b"SIP/2.0") {
                    break Message::parse_datagram(&transmit.bytes)?;
                }
                if let Some(answer) = registrar.answer(now, place.address, &transmit.bytes) {
                    place.hear(now, server, answer);
                }
            };
            ensure!(answer.status() == Some(200), "OPTIONS was answered {:?}", answer.status());
            if place.phone.poll_timeout().is_some_and(|due| due <= now) {
                place.phone.handle_timeout(now);
                settle(&mut place, &mut registrar, now)?;
            }
        }
        place.events.clear();
        Ok(BATCH)
    })
}

/// One phone calls another, is answered, and hangs up, once a second.
fn calls(seconds: f64) -> Result<CoreRow> {
    let mut now = start();
    let alone = |config: &mut PhoneConfig| config.accounts.iter_mut().for_each(|account| account.register = false);
    let mut caller = Place::new(1, "192.0.2.55:5060", now, alone)?;
    let mut callee = Place::new(2, "192.0.2.56:5060", now, |config| {
        alone(config);
        config.accounts.iter_mut().for_each(|account| account.calls.auto_answer = true);
    })?;
    measure("call: INVITE, 180, 200, ACK, BYE, 200 (both phones)", seconds, || {
        for _ in 0..BATCH {
            let number = callee.address.to_string();
            let dial = Command::Dial { account: 1, number, source: DialSource::Api };
            caller.phone.handle_input(now, Input::Command(dial));
            exchange(&mut caller, &mut callee, &mut now, Duration::from_secs(1));
            let up = caller.events.iter().find_map(|event| match event {
                PhoneEvent::EstablishedCall(info) => Some(info.call),
                _ => None,
            });
            let Some(up) = up else { bail!("the call was not answered: {:?}", caller.events) };
            caller.phone.handle_input(now, Input::Command(Command::HangUp(up)));
            exchange(&mut caller, &mut callee, &mut now, Duration::from_secs(1));
            let over = |events: &[PhoneEvent]| events.iter().any(|e| matches!(e, PhoneEvent::TerminatedCall { .. }));
            ensure!(over(&caller.events) && over(&callee.events), "the call did not end: {:?}", callee.events);
            caller.events.clear();
            callee.events.clear();
        }
        Ok(BATCH)
    })
}

/// Lets time pass between two phones, whose messages take no time.
fn exchange(one: &mut Place, other: &mut Place, now: &mut Instant, span: Duration) {
    let until = *now + span;
    loop {
        let mut silent = true;
        for turn in [true, false] {
            let (from, to) = if turn { (&mut *one, &mut *other) } else { (&mut *other, &mut *one) };
            while let Some(transmit) = from.phone.poll_transmit() {
                silent = false;
                to.hear(*now, from.address, transmit.bytes);
            }
            from.note();
        }
        if !silent {
            continue;
        }
        let due = [one.phone.poll_timeout(), other.phone.poll_timeout()].into_iter().flatten().min();
        match due {
            Some(due) if due <= until => {
                *now = due.max(*now);
                one.phone.handle_timeout(*now);
                other.phone.handle_timeout(*now);
            }
            _ => break,
        }
    }
    *now = until;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transactions_and_calls_succeed() {
        for row in run(0.01).unwrap() {
            assert!(row.times > 0 && row.per_second > 0.0, "{row:?}");
        }
    }
}
