//! What the ACS's side of the phone needs of it: events, firmware, transfers, tests, the address behind a NAT.

use std::io;

use cwmp::{Event, EventCode};

use super::{Device, Restart};
use crate::clock;
use crate::command::Begin;
use crate::diagnostics::model::Tests;
use crate::provision;
use crate::rehearsal::Stage;
use crate::store::{Change, Deed, Document, Effect};
use crate::transfer;

/// What the phone knows of itself behind a NAT (TR-069 Annex G).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct UdpState {
    /// Where the ACS can send its datagrams; `None`: nowhere.
    pub address: Option<String>,
    pub nat: bool,
}

/// Whether our own server made this command key: digits of a job, and an `r` before the turn of one asked for again.
pub(crate) fn is_ours(key: &str) -> bool {
    let digit = |byte: u8| byte.is_ascii_hexdigit() || byte == b'r';
    key.len() == 32 && key.starts_with('t') && key.bytes().skip(1).all(digit)
}

impl Device {
    /// An Inform event, kept with the next write.
    pub(crate) fn push_event(&self, event: Event) {
        self.lock().store.touch(|document| document.events.push(event));
        self.cwmp_wake.notify_one();
    }

    /// Changes the document, and writes it if that says so. Blocking.
    pub(crate) fn touch_and_save(&self, change: impl FnOnce(&mut Document) -> bool) -> io::Result<()> {
        let mut inner = self.lock();
        if inner.store.touch(change) { inner.store.update(|_| {}) } else { Ok(()) }
    }

    /// Something done by order, with what it changes. Blocking.
    pub(crate) fn deed(&self, deed: Deed, also: impl FnOnce(&mut Document)) -> io::Result<()> {
        self.lock().store.commit(&[], &[deed], clock::now(), also).map(|_| ())
    }

    /// Settings and deeds at once, with what else changes. Blocking.
    pub(crate) fn change(
        &self,
        changes: &[Change],
        deeds: &[Deed],
        also: impl FnOnce(&mut Document),
    ) -> io::Result<()> {
        {
            let mut inner = self.lock();
            inner.store.commit(changes, deeds, clock::now(), also)?;
            self.state_changed(&mut inner);
        }
        self.wake_all();
        Ok(())
    }

    /// Whether an order of the server's own, named by this key in both lanes, comes for the first time. Others always
    /// do: what a foreign ACS puts into its keys is its own affair. Blocking.
    ///
    /// # Errors
    /// The file system's; the order must not be carried out then.
    pub(crate) fn is_first(&self, key: &str, kind: &str) -> io::Result<bool> {
        if !is_ours(key) {
            return Ok(true);
        }
        self.lock().commands.begin(key, kind).map(|begun| begun == Begin::New)
    }

    /// An order that came for the first time could not be begun: it may come again. Blocking.
    pub(crate) fn not_begun(&self, key: &str) {
        if let Err(error) = self.lock().commands.forget(key) {
            tracing::warn!(%error, "that an order was not begun could not be stored; it is known in this life");
        }
    }

    /// Effects of each kind in this life.
    pub(crate) fn done(&self) -> Vec<(std::sync::Arc<str>, u32)> {
        self.lock().store.done().to_vec()
    }

    /// The installed firmware's version.
    pub fn firmware(&self) -> String {
        self.firmware_of(&self.lock())
    }

    /// Has the phone restart, and the ACS told of it ("M Reboot" with this key). On disk when it returns. Blocking.
    ///
    /// # Errors
    /// The file system's; the phone does not restart then.
    pub(crate) fn order_reboot(&self, command_key: &str) -> io::Result<()> {
        let deed = Deed { kind: "reboot", command_key: command_key.to_owned(), detail: None };
        let event = Event::with_key(EventCode::M_REBOOT, command_key);
        self.deed(deed, |document| {
            document.events.push(event);
        })?;
        self.set_restart(Restart::Reboot);
        Ok(())
    }

    pub(crate) fn in_session(&self) -> bool {
        self.lock().in_session
    }

    /// What waits for the end of a session goes on.
    pub(crate) fn set_in_session(&self, in_session: bool) {
        self.lock().in_session = in_session;
        if !in_session {
            self.transfer_wake.notify_one();
            self.tests_wake.notify_one();
        }
    }

    /// See `transfer::run`. Blocking.
    pub(crate) fn end_transfer(
        &self,
        id: u64,
        ended: Result<(), transfer::Failure>,
        changes: &[Change],
    ) -> io::Result<Vec<Effect>> {
        let effects = {
            let _whose = self.one_at_a_time();
            let mut inner = self.lock();
            let transfer = inner.store.document().transfers.iter().find(|transfer| transfer.id == id);
            let deed = transfer.filter(|_| ended.is_ok()).map(transfer::deed);
            let deeds: Vec<Deed> = deed.into_iter().collect();
            let done = inner.store.commit(changes, &deeds, clock::now(), |doc| {
                // A file the ACS had the phone fetch is as if the ACS had set it.
                changes.iter().for_each(|(key, _)| {
                    doc.by_user.remove(key);
                });
                transfer::settle(doc, id, ended);
            })?;
            self.state_changed(&mut inner);
            done
        };
        if effects.iter().any(|effect| self.needs_restart(&effect.key)) {
            provision::restart(self);
        }
        self.wake_all();
        Ok(effects)
    }

    pub(crate) fn with_tests<R>(&self, look: impl FnOnce(&mut Tests) -> R) -> R {
        look(self.lock().tests.get_or_insert_default())
    }

    /// What is rehearsed in this life, if anything is.
    pub(crate) fn with_stage<R>(&self, look: impl FnOnce(&mut Option<Box<Stage>>) -> R) -> R {
        look(&mut self.lock().stage)
    }

    /// Whether anybody has asked for a test in this life.
    pub(crate) fn has_tests(&self) -> bool {
        self.lock().tests.is_some()
    }

    pub(crate) fn udp_address(&self) -> Option<String> {
        self.lock().udp.address.clone()
    }

    pub(crate) fn nat_detected(&self) -> bool {
        self.lock().udp.nat
    }

    pub(crate) fn set_udp(&self, state: UdpState) {
        let _whose = self.one_at_a_time();
        let mut inner = self.lock();
        if inner.udp != state {
            inner.udp = state;
            drop(inner);
            self.cwmp_wake.notify_one();
        }
    }

    /// A test has ended.
    pub(crate) fn tests_done(&self) {
        self.push_event(Event::new(EventCode::DIAGNOSTICS_COMPLETE));
    }

    pub(super) fn wake_all(&self) {
        self.settings_wake.notify_one();
        self.mqtt_wake.notify_one();
        self.cwmp_wake.notify_one();
        self.udp_wake.notify_one();
        self.pnp_wake.notify_one();
    }
}
