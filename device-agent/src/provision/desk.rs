//! What the rest of the phone sees of provisioning: orders go in, and how it stands comes out.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use contract::Timestamp;
use serde::Serialize;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::lease::Lease;
use super::place::{Place, PlaceError, Scheme};
use crate::clock;

/// Orders that wait; a further one is the same as the last.
const MOST_ORDERS: usize = 4;

/// Why the phone looks for its files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It has started.
    Boot,
    /// "Automatic Upgrade".
    Scheduled,
    /// The run before failed in a way that passes.
    Again,
    /// The DHCP server names another server.
    Dhcp,
    /// NOTIFY with `Event: check-sync`.
    CheckSync,
    /// A server on the local network offered itself by multicast.
    Pnp,
    /// Somebody pressed "Start provision now".
    Asked,
}

/// One order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    pub reason: Reason,
    /// Ask here and nowhere else. `None`: as the settings say.
    pub place: Option<Place>,
}

/// How it stands. Holds no credential: places are shown without.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Status {
    /// What is going on now.
    pub running: Option<Running>,
    /// How the last run ended.
    pub last: Option<Ended>,
    /// When the phone looks next by itself.
    pub next: Option<Timestamp>,
    /// What DHCP said.
    pub dhcp: Lease,
    /// Why there is nothing of it, though there is a lease file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dhcp_trouble: Option<&'static str>,
}

/// A run under way.
#[derive(Clone, Debug, Serialize)]
pub struct Running {
    pub reason: Reason,
    pub since: Timestamp,
    /// The file being asked for.
    pub file: String,
    /// Files asked for so far, this one included.
    pub asked: u32,
    /// Waiting before the server is asked again.
    pub waiting: bool,
}

/// A run that is over.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ended {
    pub reason: Reason,
    pub at: Timestamp,
    /// Whether every file was taken.
    pub ok: bool,
    /// The files that were taken, or the one that is to blame.
    pub files: Vec<String>,
    /// Settings that changed.
    pub changed: usize,
    /// Settings left as a user set them.
    pub protected: Vec<String>,
    /// Entries that are no settings of this phone.
    pub unknown: usize,
    /// What happened, in words.
    pub text: String,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Desk {
    inner: Mutex<Inner>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    orders: VecDeque<Order>,
    status: Status,
    restart: Option<Wish>,
}

/// Why the phone restarts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Somebody said so.
    Asked,
    /// Settings changed that count after a restart; not before then.
    Settings(Instant),
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the phone look for its files soon. Orders for the same are one.
    pub fn order(&self, reason: Reason, place: Option<Place>) {
        {
            let mut inner = self.lock();
            let full = inner.orders.len() >= MOST_ORDERS;
            match inner.orders.iter_mut().find(|order| order.place == place) {
                // Whoever asks wants an answer, also where nobody else would get one.
                Some(same) if reason == Reason::Asked => same.reason = reason,
                Some(_) => {}
                None if full => {}
                None => inner.orders.push_back(Order { reason, place }),
            }
        }
        self.wake.notify_one();
    }

    /// Has the phone look at an address that was offered: a folder, or one file.
    ///
    /// # Errors
    /// If it is none.
    pub fn order_from(&self, reason: Reason, address: &str) -> Result<(), PlaceError> {
        self.order(reason, Some(Place::offered(address, Scheme::Http)?));
        Ok(())
    }

    /// Has the phone restart as soon as its handset is on the hook, and it is time for that.
    pub(crate) fn want_restart(&self, wish: Wish) {
        let mut inner = self.lock();
        // What somebody asked for is not put off.
        if !matches!(inner.restart, Some(Wish::Asked)) {
            inner.restart = Some(wish);
        }
        drop(inner);
        self.wake.notify_one();
    }

    pub(super) fn forget_restart(&self) {
        self.lock().restart = None;
    }

    /// A restart that is due.
    pub(crate) fn wants_restart(&self) -> Option<Wish> {
        self.lock().restart.filter(|wish| match wish {
            Wish::Asked => true,
            Wish::Settings(at) => Instant::now() >= *at,
        })
    }

    pub(super) fn take(&self) -> Option<Order> {
        self.lock().orders.pop_front()
    }

    pub(super) async fn woken(&self) {
        self.wake.notified().await;
    }

    pub fn status(&self) -> Status {
        self.lock().status.clone()
    }

    pub(super) fn set(&self, change: impl FnOnce(&mut Status)) {
        change(&mut self.lock().status);
    }

    pub(crate) fn lease(&self) -> Lease {
        self.lock().status.dhcp.clone()
    }

    /// What was there before.
    pub(super) fn set_lease(&self, lease: Lease) -> Lease {
        std::mem::replace(&mut self.lock().status.dhcp, lease)
    }

    /// Whether this is a trouble that was not there before.
    pub(super) fn set_lease_trouble(&self, trouble: Option<&'static str>) -> bool {
        let before = std::mem::replace(&mut self.lock().status.dhcp_trouble, trouble);
        trouble.is_some() && before != trouble
    }

    /// A run asks for a file, or waits before it does.
    pub(super) fn asks(&self, reason: Reason, place: &Place, waiting: bool) {
        let mut inner = self.lock();
        let running = inner.status.running.get_or_insert_with(|| Running {
            reason,
            since: clock::now(),
            file: String::new(),
            asked: 0,
            waiting,
        });
        running.file = place.to_string();
        running.waiting = waiting;
        running.asked += u32::from(!waiting);
    }
}
