//! Taking new settings while at work.

use super::{Purpose, Registration, Then};
use crate::settings::AccountSettings;
use crate::time::Instant;

impl Registration {
    /// Takes new settings: nothing happens if they are the same; timing settings serve from the next round on; with
    /// another server, user or proxy, or none any more, the old binding is removed first (within 8 × T1); with
    /// anything else new, the phone registers again at once.
    pub fn apply(&mut self, now: Instant, new: AccountSettings) {
        if self.ended {
            return;
        }
        if let Some(Purpose::Goodbye(then)) = self.round.as_mut().map(|round| &mut round.purpose) {
            // Already leaving: the latest settings win; a shutdown stays one.
            if let Then::Apply(pending) = then {
                **pending = new;
            }
            return;
        }
        let old = &self.settings;
        if new == *old {
            return;
        }
        if same_but_timing(old, &new) {
            self.settings = new;
            return;
        }
        let leaves = other_binding(old, &new) || !new.enabled || !new.register;
        if leaves && self.local_port != 0 && self.may_be_bound(now) && self.target().is_some() {
            self.begin(now, Purpose::Goodbye(Then::Apply(Box::new(new))));
        } else {
            self.adopt(now, new);
        }
    }

    /// Makes `new` the settings and begins anew with them.
    pub(super) fn adopt(&mut self, now: Instant, new: AccountSettings) {
        self.halt();
        self.resolving = None;
        self.resolves.clear();
        if other_binding(&self.settings, &new) {
            // Another registrar or another address of record: another registration (RFC 3261 §10.2.4).
            self.call_id = format!("{}{}", self.rng.token(), self.rng.token());
            self.addresses.clear();
            self.chosen = 0;
            self.learned = None;
            self.binding = None;
            self.cleared = true;
        }
        if self.settings.local_port != new.local_port {
            self.local_port = new.local_port;
        }
        self.min_expires = 0;
        self.auth.forget();
        self.reported = None;
        self.settings = new;
        let refresh = self.binding.is_some_and(|binding| now < binding.until) && self.wants_binding();
        if !refresh || self.status == crate::state::AccountStatus::Failed {
            self.rest_status(now);
        }
        if self.wants_binding() {
            // Due now; `begin_register` needs an address, which may still be on its way.
            self.next = Some(now);
            self.handle_timeout(now);
            if self.next.is_some() && !self.hop_is_literal() {
                self.ask_for_address(now);
            }
        }
    }
}

/// The settings say a different binding, or a different place to keep it.
fn other_binding(old: &AccountSettings, new: &AccountSettings) -> bool {
    let key = |s: &AccountSettings| (s.server.clone(), s.outbound_proxy.clone(), s.user.clone(), s.enabled, s.register);
    key(old) != key(new)
}

/// Only settings that take effect by themselves differ.
fn same_but_timing(old: &AccountSettings, new: &AccountSettings) -> bool {
    let mut timed = old.clone();
    timed.retry_wait_s = new.retry_wait_s;
    timed.t1_ms = new.t1_ms;
    timed.t2_ms = new.t2_ms;
    timed.unregister_on_reboot = new.unregister_on_reboot;
    timed == *new
}
