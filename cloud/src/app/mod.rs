//! Use cases: one transaction each, which also writes the audit row and what the live stream shows.

pub mod announce;
pub mod audit;
pub mod board;
pub mod cleanup;
pub mod desired;
pub mod enrol;
pub mod error;
pub mod heard;
pub mod idempotency;
pub mod jobs;
pub mod layers;
pub mod live;
pub mod people;
pub mod phones;
pub mod quarantine;
pub mod rooms;
pub mod session;
pub mod tree;
pub mod views;

use std::sync::{Arc, OnceLock};

use contract::PhoneId;
use tokio::sync::mpsc;

use crate::broker::external::Accounts;
use crate::config::{BrokerKind, Config};
use crate::db::Db;
use crate::once::UsedOnce;
use crate::secrets::Secrets;

pub use error::{AppError, Result};

/// What every use case works with.
pub struct App {
    pub db: Db,
    pub config: Config,
    pub secrets: Secrets,
    pub live: live::Hub,
    /// Phones' accounts on the broker, if it is an external one; the embedded broker asks the database instead.
    pub accounts: Option<Accounts>,
    /// Phones to ask in, because something waits for them.
    nudges: mpsc::UnboundedSender<PhoneId>,
    /// Phones that were removed, for the broker to forget.
    removed: mpsc::UnboundedSender<PhoneId>,
    /// Digest proofs that opened a session, and tickets that opened a stream.
    pub(crate) used: UsedOnce,
    /// The broker's port, known once it listens.
    mqtt_port: OnceLock<u16>,
}

/// What use cases ask of the transports.
pub struct Calls {
    /// Phones to ask in.
    pub nudged: mpsc::UnboundedReceiver<PhoneId>,
    /// Phones that were removed.
    pub forgotten: mpsc::UnboundedReceiver<PhoneId>,
}

/// Who does something, for the audit and for "changed by".
#[derive(Clone, Debug)]
pub struct Actor(pub String);

impl Actor {
    pub fn system() -> Self {
        Self("Bellhop".to_owned())
    }
}

impl App {
    pub fn new(db: Db, config: Config, secrets: Secrets) -> (Arc<Self>, Calls) {
        let (nudges, nudged) = mpsc::unbounded_channel();
        let (removed, forgotten) = mpsc::unbounded_channel();
        let mqtt_port = OnceLock::new();
        let accounts = (config.mqtt.broker == BrokerKind::External).then(|| Accounts::new(&config.mqtt));
        let used = UsedOnce::default();
        let app = Self { db, config, secrets, live: live::Hub::new(), accounts, nudges, removed, used, mqtt_port };
        (Arc::new(app), Calls { nudged, forgotten })
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

    pub(crate) fn set_mqtt_port(&self, port: u16) {
        let _ = self.mqtt_port.set(port);
    }

    /// Asks phones in, after the transaction that gave them something to do.
    pub fn nudge(&self, phones: impl IntoIterator<Item = PhoneId>) {
        for phone in phones {
            // Without a worker role in this process nobody listens; the worker of another one finds the job itself.
            let _ = self.nudges.send(phone);
        }
    }
}
