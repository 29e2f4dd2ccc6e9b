//! Use cases: one transaction each, which also writes the audit row and what the live stream shows.

pub mod accounts;
pub mod announce;
pub mod audit;
pub mod batches;
pub mod board;
pub mod calls;
pub mod claims;
pub mod cleanup;
pub mod close;
pub mod configuration;
pub mod desired;
pub mod documents;
pub mod drift;
pub mod enrol;
pub mod error;
pub mod files;
pub mod groups;
pub mod heard;
pub mod idempotency;
pub mod imports;
pub mod jobs;
pub mod keep;
pub mod layers;
pub mod lint;
pub mod live;
pub mod parameters;
pub mod pbx;
pub mod people;
pub mod phones;
pub mod pnp;
pub mod property;
pub mod provision;
pub mod quarantine;
pub mod rooms;
pub mod sealed;
pub mod session;
pub mod tasks;
pub mod telemetry;
pub mod tree;
pub mod trust;
pub mod views;
pub mod wake;

use std::sync::{Arc, OnceLock};

use contract::PhoneId;
use contract::rest::WakeResult;
use tokio::sync::{mpsc, oneshot};

use crate::broker::external::Accounts;
use crate::broker::tunnel;
use crate::clock::now_ms;
use crate::config::{BrokerKind, Config};
use crate::db::Db;
use crate::once::{Counts, PerMinute, UsedOnce};
use crate::secrets::Secrets;
use crate::tls::Tls;

pub use error::{AppError, Result};

/// What every use case works with.
pub struct App {
    pub db: Db,
    pub config: Config,
    pub secrets: Secrets,
    /// The server's certificate and the authorities of its phones, where there are any.
    pub tls: Option<Arc<Tls>>,
    pub live: live::Hub,
    /// Phones' accounts on the broker, if it is an external one; the embedded broker asks the database instead.
    pub accounts: Option<Accounts>,
    /// Phones to ask in, because something waits for them.
    nudges: mpsc::UnboundedSender<PhoneId>,
    /// Phones that were removed, for the broker to forget.
    removed: mpsc::UnboundedSender<PhoneId>,
    /// Phones a person waits for.
    wakes: mpsc::Sender<Wake>,
    pub trust: trust::Profiles,
    /// Configuration files: limits, and what was fetched.
    pub provision: provision::State,
    /// What this process keeps for sessions in which nothing happens.
    pub desk: session::Desk,
    /// What happened in sessions, until it is written.
    pub trace: session::trace::Recorder,
    /// Tickets that opened a stream.
    pub(crate) used: UsedOnce,
    /// Phones that were called a moment ago.
    pub(crate) called: UsedOnce,
    /// Counts of nonces that opened a session.
    pub(crate) counts: Counts,
    /// Calls of phones nobody knows.
    pub(crate) strangers: PerMinute,
    /// Phones' proofs that did not hold.
    pub(crate) wrong: session::WrongProofs,
    /// Files phones sent, by their tasks.
    pub(crate) sent: PerMinute,
    /// Who may read a file to import.
    pub(crate) readers: imports::Readers,
    /// Wrong passwords of late.
    pub(crate) tries: people::Tries,
    /// When this process began, in milliseconds since 1970.
    pub(crate) started_at: i64,
    /// The STUN server's port, known once it listens.
    stun_port: OnceLock<u16>,
    /// The broker's port, known once it listens.
    mqtt_port: OnceLock<u16>,
}

/// What use cases ask of the transports.
pub struct Calls {
    /// Phones to ask in.
    pub nudged: mpsc::UnboundedReceiver<PhoneId>,
    /// Phones that were removed.
    pub forgotten: mpsc::UnboundedReceiver<PhoneId>,
    /// Phones a person waits for.
    pub woken: mpsc::Receiver<Wake>,
}

/// A person's wish that a phone opens a session now.
pub struct Wake {
    pub phone: PhoneId,
    pub answer: oneshot::Sender<WakeResult>,
}

/// Wishes that may wait to be taken up.
const MOST_WAKES: usize = 100;

/// Who does something, for the audit and for "changed by".
#[derive(Clone, Debug)]
pub struct Actor(pub String);

impl Actor {
    pub fn system() -> Self {
        Self("Bellhop".to_owned())
    }
}

impl App {
    pub fn new(db: Db, config: Config, secrets: Secrets, tls: Option<Arc<Tls>>) -> (Arc<Self>, Calls) {
        let (nudges, nudged) = mpsc::unbounded_channel();
        let (removed, forgotten) = mpsc::unbounded_channel();
        let (wakes, woken) = mpsc::channel(MOST_WAKES);
        let mqtt_port = OnceLock::new();
        let desk = session::Desk::new(&secrets, db.read());
        let accounts = (config.mqtt.broker == BrokerKind::External)
            .then(|| Accounts::new(&config.mqtt, tunnel::way(&config.mqtt, &config.server.data_dir)));
        let app = Self {
            db,
            config,
            secrets,
            tls,
            live: live::Hub::new(),
            accounts,
            nudges,
            removed,
            wakes,
            trust: trust::Profiles::default(),
            provision: provision::State::default(),
            desk,
            trace: session::trace::Recorder::default(),
            used: UsedOnce::default(),
            called: UsedOnce::default(),
            counts: Counts::default(),
            strangers: PerMinute::default(),
            wrong: session::WrongProofs::default(),
            sent: PerMinute::default(),
            readers: imports::Readers::default(),
            tries: people::Tries::default(),
            started_at: now_ms(),
            stun_port: OnceLock::new(),
            mqtt_port,
        };
        (Arc::new(app), Calls { nudged, forgotten, woken })
    }

    /// Has the broker close a removed phone's connection and drop what it keeps for it.
    pub fn forget(&self, phone: PhoneId) {
        // Without an embedded broker in this process nobody listens.
        let _ = self.removed.send(phone);
    }

    /// The port phones are told to reach the broker at.
    pub fn mqtt_port(&self) -> u16 {
        match self.config.mqtt.advertise_port {
            0 => self.mqtt_port.get().copied().unwrap_or(self.config.mqtt.port),
            port => port,
        }
    }

    /// Whether phones are told to speak TLS to the broker.
    pub fn mqtt_tls(&self) -> bool {
        match self.config.mqtt.broker {
            BrokerKind::Embedded => self.config.mqtt.listen_tls.is_some(),
            BrokerKind::External => self.config.mqtt.tls,
        }
    }

    pub(crate) fn set_mqtt_port(&self, port: u16) {
        let _ = self.mqtt_port.set(port);
    }

    /// The port of the STUN server phones are told of; `None` without one.
    pub fn stun_port(&self) -> Option<u16> {
        match (self.stun_port.get(), self.config.stun.listen) {
            (Some(port), _) => Some(*port),
            // It may run in another process.
            (None, Some(listen)) if listen.port() != 0 => Some(listen.port()),
            (None, _) => None,
        }
    }

    pub(crate) fn set_stun_port(&self, port: u16) {
        let _ = self.stun_port.set(port);
    }

    /// Asks a phone in by every way there is, until it comes. `None` where this process cannot, or too many wait.
    pub async fn wake(&self, phone: PhoneId) -> Option<WakeResult> {
        let (answer, answered) = oneshot::channel();
        self.wakes.try_send(Wake { phone, answer }).ok()?;
        answered.await.ok()
    }

    /// Asks phones in, after the transaction that gave them something to do.
    pub fn nudge(&self, phones: impl IntoIterator<Item = PhoneId>) {
        for phone in phones {
            self.desk.give(phone.0);
            // Without a worker role in this process nobody listens; the worker of another one finds the job itself.
            let _ = self.nudges.send(phone);
        }
    }
}

/// What an [`App`] of a test stands on; dropped with it.
#[cfg(test)]
pub(crate) struct Scratch {
    _calls: Calls,
    _folder: tempfile::TempDir,
}

/// An [`App`] of a test's own, on an empty database.
#[cfg(test)]
pub(crate) async fn scratch() -> (Arc<App>, Scratch) {
    let (db, folder) = crate::db::scratch(2).await;
    let secrets = Secrets::load(&"5a".repeat(32), folder.path()).unwrap();
    let (app, calls) = App::new(db, Config::from_parts("", "test", []).unwrap(), secrets, None);
    (app, Scratch { _calls: calls, _folder: folder })
}
