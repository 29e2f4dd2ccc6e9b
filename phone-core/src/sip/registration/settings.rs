//! Taking new settings while at work.

use std::sync::Arc;

use super::{Purpose, Registration, Then};
use crate::settings::AccountSettings;
use crate::sip::line::Line;
use crate::state::AccountStatus;
use crate::time::Instant;

impl Registration {
    /// Takes new settings: nothing happens if they are the same; those that do not show in a REGISTER serve from then on;
    /// with another server, user or proxy, or none any more, the old binding is removed first (within 8 × T1); with
    /// anything else new, the phone registers again at once.
    pub fn apply(&mut self, now: Instant, line: &mut Line, new: Arc<AccountSettings>) {
        if self.ended {
            return;
        }
        if let Some(Purpose::Goodbye(then)) = self.round.as_mut().map(|round| &mut round.purpose) {
            // Already leaving: the latest settings win; a shutdown stays one.
            if let Then::Apply(pending) = then {
                *pending = new;
            }
            return;
        }
        if new == line.settings {
            return;
        }
        if same_registration(&line.settings, &new) {
            line.settings = new;
            return;
        }
        let leaves = other_binding(&line.settings, &new) || !new.enabled || !new.register;
        if leaves && line.is_ready() && self.may_be_bound(now) && line.locator.registering().is_some() {
            self.begin(now, line, Purpose::Goodbye(Then::Apply(new)));
        } else {
            self.adopt(now, line, new);
        }
    }

    /// Makes `new` the settings and begins anew with them.
    pub(super) fn adopt(&mut self, now: Instant, line: &mut Line, new: Arc<AccountSettings>) {
        self.halt(line);
        if other_binding(&line.settings, &new) {
            // Another registrar or another address of record: another registration (RFC 3261 §10.2.4).
            self.call_id = line.call_id();
            self.binding = None;
            self.cleared = true;
        }
        self.min_expires = 0;
        self.auth.forget();
        self.reported = None;
        line.set_settings(now, new);
        line.locator.start(now);
        let refresh = self.binding.as_ref().is_some_and(|binding| now < binding.until) && Self::wants_binding(line);
        if !refresh || self.status == AccountStatus::Failed {
            self.rest_status(now, line);
        }
        if Self::wants_binding(line) {
            // Due now; it takes an address, which may still be on its way.
            self.next = Some(now);
            self.handle_timeout(now, line);
        }
    }
}

/// The settings say a different binding, or a different place to keep it.
fn other_binding(old: &AccountSettings, new: &AccountSettings) -> bool {
    let key = |s: &AccountSettings| {
        let servers = (s.servers.servers.clone(), s.servers.proxies.clone());
        (servers, s.user.clone(), s.transport, s.enabled, s.register)
    };
    key(old) != key(new)
}

/// Nothing differs that a registrar would see, or that decides where it is.
fn same_registration(old: &AccountSettings, new: &AccountSettings) -> bool {
    let mut seen = old.clone();
    seen.retry_wait_s = new.retry_wait_s;
    seen.t1_ms = new.t1_ms;
    seen.t2_ms = new.t2_ms;
    seen.unregister_on_reboot = new.unregister_on_reboot;
    seen.calls = new.calls.clone();
    seen.session_timer = new.session_timer.clone();
    seen.security = new.security.clone();
    seen.media = new.media.clone();
    seen.reliable_provisional = new.reliable_provisional;
    seen.options = new.options;
    seen.subscribe_mwi = new.subscribe_mwi;
    seen.subscribe_reg = new.subscribe_reg;
    seen.subscribe_expires_min = new.subscribe_expires_min;
    seen.notify_route = new.notify_route;
    seen == *new
}
