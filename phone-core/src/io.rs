//! The tokio shell: sockets, TLS, the DNS, the clock. No SIP in here, but for where messages begin and end on a stream.
//!
//! One task a phone, and one more for each socket and connection, which hold no memory for data while they are idle. The
//! phone's task ends when told to ([`PhoneHandle::shutdown`]) or when every [`PhoneHandle`] is gone (then without
//! unregistering).

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use crate::phone::{HookSwitch, Input, Phone, PhoneConfig, PhoneEvent};
use crate::rng::{Rng, Seed};
use crate::settings::AccountSettings;
use crate::state::PhoneState;

mod dns;
mod driver;
mod open;
mod sockets;
pub(crate) mod sound;
mod stream;
mod streams;
mod tls;

pub use sound::{Network, Ports, SoundDevice, Studio, UdpNetwork};

#[cfg(test)]
mod testing;

/// Events kept for a reader that is behind; later ones are dropped with a warning.
const EVENT_QUEUE: usize = 1024;
const COMMAND_QUEUE: usize = 64;
/// Of the seed: apart from those of the core.
const SOUND_LANE: u64 = 1 << 33;

/// How the shell touches the machine it runs on.
#[derive(Clone, Debug)]
pub struct IoOptions {
    /// Address to bind to. If unspecified (`0.0.0.0`, the default, for IPv4 only, or `::` for IPv4 and IPv6), the phone's
    /// own address is found from the route to its server and watched.
    pub bind: IpAddr,
    /// How often the own address is looked at. Default 5 s.
    pub address_check: Duration,
    /// How long [`PhoneHandle::shutdown`] waits for registrars. Default 3 s.
    pub shutdown_wait: Duration,
    /// Seed for identifiers; `None` (the default) takes it from the operating system.
    pub seed: Option<u64>,
    /// The DNS servers to ask; none (the default) asks those of the system.
    pub dns: Vec<SocketAddr>,
    /// Where sound comes from and goes to. None (the default): signalling only, no port for audio is opened.
    pub sound: Option<SoundDevice>,
    /// Authorities to trust for TLS beside the system's or, if the phone's settings say so, in their place, as PEM.
    pub authorities: Option<Arc<[u8]>>,
}

impl Default for IoOptions {
    fn default() -> Self {
        Self {
            bind: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            address_check: Duration::from_secs(5),
            shutdown_wait: Duration::from_secs(3),
            seed: None,
            dns: Vec::new(),
            sound: None,
            authorities: None,
        }
    }
}

/// The phone's task has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the phone has stopped")]
pub struct Stopped;

enum Command {
    Input(Input),
    Shutdown(oneshot::Sender<()>),
}

/// Steers a running phone; clones steer the same one.
#[derive(Clone, Debug)]
pub struct PhoneHandle {
    commands: mpsc::Sender<Command>,
    state: watch::Receiver<PhoneState>,
}

/// Starts a phone on the current tokio runtime. Events arrive on the receiver, in order; it closes when the phone ends.
/// Fails only if the operating system gives no randomness. A socket that cannot be bound is tried again.
///
/// # Panics
/// Outside a tokio runtime.
pub fn spawn(config: PhoneConfig, options: IoOptions) -> std::io::Result<(PhoneHandle, mpsc::Receiver<PhoneEvent>)> {
    let seed = match options.seed {
        Some(number) => Seed::from(number),
        None => {
            let mut bytes = [0; 32];
            getrandom::fill(&mut bytes).map_err(|error| std::io::Error::other(error.to_string()))?;
            Seed::from(bytes)
        }
    };
    let clock = driver::Clock::start();
    let phone = Phone::new(config, seed, clock.now());
    let (commands, command_queue) = mpsc::channel(COMMAND_QUEUE);
    let (events, event_queue) = mpsc::channel(EVENT_QUEUE);
    let (state_sender, state) = watch::channel(phone.state());
    let desk =
        sound::Desk::new(options.sound.clone(), Box::new(UdpNetwork(options.bind)), Rng::seeded(seed, SOUND_LANE));
    tokio::spawn(driver::Driver::new(phone, clock, options, command_queue, events, state_sender, desk).run());
    Ok((PhoneHandle { commands, state }, event_queue))
}

impl PhoneHandle {
    /// The handset moved.
    pub async fn hook(&self, hook: HookSwitch) -> Result<(), Stopped> {
        self.input(Input::Hook(hook)).await
    }

    /// A key was pressed.
    pub async fn key(&self, key: char) -> Result<(), Stopped> {
        self.input(Input::KeyPress(key)).await
    }

    /// New settings of an account (1-based).
    pub async fn settings(&self, account: u8, settings: AccountSettings) -> Result<(), Stopped> {
        self.input(Input::Settings { account, settings: Box::new(settings) }).await
    }

    /// Tells the phone its own address at once, instead of at the next check.
    pub async fn local_address(&self, address: IpAddr) -> Result<(), Stopped> {
        self.input(Input::LocalAddress(address)).await
    }

    /// The phone's state now and whenever it changes.
    pub fn state(&self) -> watch::Receiver<PhoneState> {
        self.state.clone()
    }

    /// Unregisters as set, waiting at most [`IoOptions::shutdown_wait`], and ends the phone. Ok if it has ended already.
    pub async fn shutdown(&self) {
        let (done, wait) = oneshot::channel();
        if self.commands.send(Command::Shutdown(done)).await.is_ok() {
            // An error means the task has gone: shut down all the same.
            let _ = wait.await;
        }
    }

    /// Hands any input to the core.
    pub async fn input(&self, input: Input) -> Result<(), Stopped> {
        self.commands.send(Command::Input(input)).await.map_err(|_| Stopped)
    }
}
