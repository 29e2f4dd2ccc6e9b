//! From a number to an INVITE: emergency first, then prefix and dial plan, then the URI.

use std::net::SocketAddr;
use std::time::Duration;

use dial_plan::{ALWAYS_DIALLED, DialPlan, Verdict};

use super::calls::{Entry, TONE_TIME};
use super::{MOST_CALLS, Phone, PhoneEvent, Redial};
use crate::settings::calls::{CallSettings, DEFAULT_DIAL_PLAN, DialSource, TelUri};
use crate::sip::call::{Call, CallId, Ctx, End, EndedBy, Peer, Place, Referral, Stage};
use crate::sip::message::{Host, HostPort, Scheme, Uri};
use crate::sip::transport::Target;
use crate::state::Tone;
use crate::time::Instant;

/// A call for help that rings nowhere after that is tried by the next account: timer B (32 s) is too long to wait.
const HELP_PATIENCE: Duration = Duration::from_secs(10);
/// Longest number, characters.
const LONGEST: usize = 128;

/// Whether a number calls for help.
pub(super) fn is_emergency(number: &str) -> bool {
    ALWAYS_DIALLED.contains(&number)
}

/// Whether a number that calls for help begins with these digits.
pub(super) fn may_become_emergency(digits: &str) -> bool {
    !digits.is_empty() && ALWAYS_DIALLED.iter().any(|number| number.len() > digits.len() && number.starts_with(digits))
}

/// The dial plan of an account; one that cannot be read must not keep anybody from dialling.
pub(super) fn plan_of(calls: &CallSettings) -> Option<DialPlan> {
    let plan = DialPlan::parse(&calls.dial_plan).or_else(|error| {
        tracing::warn!(%error, "the dial plan cannot be read: the default one is used");
        DialPlan::parse(DEFAULT_DIAL_PLAN)
    });
    plan.ok()
}

impl Phone {
    /// Calls a number. `account` 0 lets the phone choose.
    pub(super) fn dial(&mut self, now: Instant, account: u8, number: &str, source: DialSource) {
        let number: String = number.chars().filter(|c| !c.is_whitespace()).take(LONGEST + 1).collect();
        if is_emergency(&number) {
            return self.dial_emergency(now, &number);
        }
        let result = self.try_dial(now, account, &number, source);
        if let Err((account, reason)) = result {
            self.set_tone(Tone::Reorder);
            self.tone_until = Some(now + TONE_TIME);
            self.events.push_back(PhoneEvent::DialFailed { account, number, reason: reason.to_owned() });
        }
    }

    fn try_dial(
        &mut self,
        now: Instant,
        account: u8,
        number: &str,
        source: DialSource,
    ) -> Result<(), (u8, &'static str)> {
        let account = self.choose(account).ok_or((account, "no account is available"))?;
        let fail = |reason: &'static str| (account, reason);
        if number.is_empty() || number.len() > LONGEST {
            return Err(fail("the number is empty or too long"));
        }
        // Those that ring do not count: nobody can keep a guest from calling by calling.
        let ringing = |entry: &&Entry| entry.call.stage() == Stage::Incoming;
        let alive = self.calls.iter().filter(|entry| entry.call.is_alive() && !ringing(entry)).count();
        if alive >= MOST_CALLS {
            return Err(fail("too many calls"));
        }
        if self.calls_for_help() {
            return Err(fail("an emergency call is under way"));
        }
        let (number, anonymous) = self.feature_code(account, number);
        let calls = self.account(account).map(|one| one.line.settings.calls.clone()).ok_or(fail("no such account"))?;
        let planned = match self.is_address(&number) {
            true => number.clone(),
            false => self.plan(&calls, &number, source).map_err(fail)?,
        };
        let (to, direct) = self.target_of(account, &planned).map_err(fail)?;
        let anonymous = anonymous.unwrap_or(calls.send_anonymous);
        let place = Place { direct, anonymous, ..Place::new(to) };
        let id = self.place(now, account, &planned, place).map_err(fail)?;
        self.redial = Some(Redial { account, number, at: now });
        self.events.push_back(PhoneEvent::OutgoingCall(self.info(id)));
        Ok(())
    }

    /// The number as the dial plan makes it, with the prefix before it.
    fn plan(&self, calls: &CallSettings, number: &str, source: DialSource) -> Result<String, &'static str> {
        let number = match calls.bypass.contains(&source) {
            true => number.to_owned(),
            false => match plan_of(calls).ok_or("no dial plan")?.dial(number) {
                Verdict::Dial { number, .. } => number,
                Verdict::Blocked { .. } => return Err("the dial plan blocks this number"),
                Verdict::Incomplete => return Err("the number is not complete"),
                Verdict::Refused => return Err("the dial plan does not allow this number"),
            },
        };
        Ok(format!("{}{number}", calls.prefix))
    }

    /// The account to dial with: the one asked for, the preferred one, or the first that is available.
    pub(super) fn choose(&self, account: u8) -> Option<u8> {
        let usable = |index: u8| {
            self.account(index).is_some_and(|account| {
                let settings = &account.line.settings;
                let bound = account.registration.is_registered() || !settings.register;
                settings.enabled && bound && account.line.is_ready()
            })
        };
        if account != 0 {
            return Some(account).filter(|index| self.account(*index).is_some_and(|one| one.line.settings.enabled));
        }
        let all = 1..=u8::try_from(self.accounts.len()).unwrap_or(u8::MAX);
        Some(self.settings.preferred_account)
            .filter(|index| usable(*index))
            .or_else(|| all.clone().find(|index| usable(*index)))
            // One that is not registered may still get through.
            .or_else(|| all.clone().find(|index| self.account(*index).is_some_and(|a| a.line.settings.enabled)))
    }

    /// Codes the phone carries out itself ("Enable Local Call Features"): `*67` hides the caller for one call, `*82` shows it.
    fn feature_code(&self, account: u8, number: &str) -> (String, Option<bool>) {
        let local = self.account(account).is_some_and(|account| account.line.settings.calls.local_features);
        let hides = number.strip_prefix("*67").map(|rest| (rest, true));
        let code = hides.or_else(|| number.strip_prefix("*82").map(|rest| (rest, false)));
        match code.filter(|(rest, _)| local && !rest.is_empty()) {
            Some((rest, anonymous)) => (rest.to_owned(), Some(anonymous)),
            None => (number.to_owned(), None),
        }
    }

    // ---- URIs ----

    fn is_address(&self, number: &str) -> bool {
        number.contains('@')
            || number.contains(':')
            || number.parse::<std::net::IpAddr>().is_ok()
            || (self.settings.ip_calls && starred_address(number).is_some())
    }

    /// Request-URI of what is called, and where it goes if not to the account's server.
    pub(super) fn target_of(&self, account: u8, number: &str) -> Result<(Uri, Option<Target>), &'static str> {
        let line = &self.account(account).ok_or("no such account")?.line;
        if let Some(address) = starred_address(number).or_else(|| bare_address(number)) {
            if !self.settings.ip_calls {
                return Err("direct IP calls are switched off");
            }
            let at = HostPort { host: Host::Address(address.ip()), port: Some(address.port()) };
            let target = Target { transport: Default::default(), address, name: String::new() };
            return Ok((Uri::sip(None, at), Some(target)));
        }
        if number.contains(':') || number.contains('@') {
            let text = if number.contains(':') && number.split(':').next().is_some_and(is_scheme) {
                number.to_owned()
            } else {
                format!("sip:{number}")
            };
            let uri: Uri = text.parse().map_err(|_| "this is no address")?;
            return match uri.scheme {
                Scheme::Sip | Scheme::Sips => {
                    let target = self.direct_target(account, &uri)?;
                    Ok((uri, target))
                }
                Scheme::Tel => Ok((uri, None)),
                Scheme::Other(_) => Err("addresses of this kind cannot be called"),
            };
        }
        let calls = &line.settings.calls;
        if calls.tel_uri == TelUri::Enabled {
            let tel = format!("tel:{number}").parse::<Uri>();
            if let Ok(mut uri) = tel {
                // A local number has a context (RFC 3966 §5.1.5).
                if !number.starts_with('+')
                    && let Some(registrar) = line.locator.registrar()
                {
                    uri.params.set("phone-context", Some(&registrar.host.to_string()));
                }
                return Ok((uri, None));
            }
        }
        let mut uri = line.address_of(number).ok_or("the account's server is not configured")?.uri;
        if self.settings.keep_pound {
            uri.user = uri.user.map(|user| user.replace("%23", "#"));
        }
        if calls.tel_uri == TelUri::UserPhone {
            uri.params.set("user", Some("phone"));
        }
        Ok((uri, None))
    }

    /// A URI of an address that is not our server's is called straight.
    fn direct_target(&self, account: u8, uri: &Uri) -> Result<Option<Target>, &'static str> {
        let line = &self.account(account).ok_or("no such account")?.line;
        let Some(Host::Address(ip)) = uri.address.as_ref().map(|at| at.host.clone()) else { return Ok(None) };
        let server = line.locator.ways().iter().any(|way| way.target.address.ip() == ip);
        let registrar = line.locator.registrar().is_some_and(|at| at.host == Host::Address(ip));
        if server || registrar {
            return Ok(None);
        }
        if !self.settings.ip_calls {
            return Err("direct IP calls are switched off");
        }
        Ok(line.hop(uri))
    }

    // ---- calls ----

    fn place(&mut self, now: Instant, account: u8, number: &str, place: Place) -> Result<CallId, &'static str> {
        let at = usize::from(account) - 1;
        let id = self.next_call_id();
        let media = self.new_media(at).ok_or("the phone has no address yet, or no port is free")?;
        let peer = Peer { number: number.to_owned(), ..Peer::default() };
        let Some(line) = self.accounts.get_mut(at) else { return Err("no such account") };
        let mut ctx = Ctx { now, line: &mut line.line, inbox: &mut self.inbox };
        let foreign = place.direct.is_some();
        let call = Call::place(&mut ctx, id, place, peer, media)?;
        self.calls.push(Entry { foreign, ..Entry::new(call) });
        self.hold_all_but(now, id);
        self.focus = Some(id);
        self.dialler.clear();
        self.set_tone(Tone::None);
        Ok(id)
    }

    pub(super) fn place_referred(
        &mut self,
        now: Instant,
        account: u8,
        referral: &Referral,
    ) -> Result<CallId, &'static str> {
        if self.calls.iter().filter(|entry| entry.call.is_alive()).count() >= MOST_CALLS {
            return Err("too many calls");
        }
        let direct = match referral.to.scheme {
            Scheme::Tel => None,
            Scheme::Sip | Scheme::Sips => self.direct_target(account, &referral.to)?,
            Scheme::Other(_) => return Err("addresses of this kind cannot be called"),
        };
        // What the dial plan blocks is blocked for who asks as well.
        let calls = self.account(account).map(|one| one.line.settings.calls.clone()).ok_or("no such account")?;
        let user = referral.to.user_text().unwrap_or_default();
        if direct.is_none() && plan_of(&calls).is_some_and(|plan| matches!(plan.dial(&user), Verdict::Blocked { .. })) {
            return Err("the dial plan blocks this number");
        }
        let (replaces, referred_by) = (referral.replaces.clone(), referral.referred_by.clone());
        let number = referral.to.user_text().unwrap_or_else(|| referral.to.to_string());
        let place = Place { direct, replaces, referred_by, ..Place::new(referral.to.clone()) };
        let id = self.place(now, account, &number, place)?;
        self.events.push_back(PhoneEvent::OutgoingCall(self.info(id)));
        Ok(id)
    }

    // ---- emergency ----

    /// Calls for help: from any account, registered or not, over any call, past any plan.
    pub(super) fn dial_emergency(&mut self, now: Instant, number: &str) {
        if self.calls.iter().any(|entry| entry.call.emergency && entry.call.is_alive() && entry.number == number) {
            return;
        }
        let mut accounts = self.emergency_accounts();
        // A full phone gives up what is least worth: calls that ring, then those on hold.
        while self.calls.iter().filter(|entry| entry.call.is_alive()).count() >= MOST_CALLS {
            let worth = |entry: &&Entry| match entry.call.stage() {
                Stage::Incoming => 0,
                _ if entry.call.is_held() => 1,
                _ => 2,
            };
            let Some(id) = self.calls.iter().filter(|e| e.call.is_alive()).min_by_key(worth).map(|e| e.call.id) else {
                break;
            };
            self.with_call(now, id, |call, ctx| call.hang_up(ctx));
        }
        while !accounts.is_empty() {
            let account = accounts.remove(0);
            if let Ok(id) = self.place_emergency(now, account, number) {
                self.keep_accounts(now, id, accounts);
                self.events.push_back(PhoneEvent::EmergencyCall(self.info(id)));
                self.events.push_back(PhoneEvent::OutgoingCall(self.info(id)));
                return;
            }
        }
        self.set_tone(Tone::Reorder);
        self.tone_until = Some(now + TONE_TIME);
        let (account, reason) = (0, "no account has a server to call for help".to_owned());
        self.events.push_back(PhoneEvent::DialFailed { account, number: number.to_owned(), reason });
    }

    fn place_emergency(&mut self, now: Instant, account: u8, number: &str) -> Result<CallId, &'static str> {
        let line = &self.account(account).ok_or("no such account")?.line;
        let to = line.address_of(number).ok_or("no server")?.uri;
        let location = self.location.clone().filter(|_| self.settings.e911);
        let place = Place { emergency: true, location, ..Place::new(to) };
        self.place(now, account, number, place)
    }

    /// Registered accounts first, then all that have a server.
    fn emergency_accounts(&self) -> Vec<u8> {
        let preferred = self.settings.preferred_account;
        let mut accounts: Vec<u8> = (1..=u8::try_from(self.accounts.len()).unwrap_or(u8::MAX)).collect();
        accounts.retain(|index| self.account(*index).is_some_and(|account| account.line.locator.way().is_some()));
        accounts.sort_by_key(|index| {
            let registered = self.account(*index).is_some_and(|account| account.registration.is_registered());
            (!registered, *index != preferred)
        });
        accounts
    }

    /// An emergency call did not get through: the next account tries. Its end is then nobody's news.
    pub(super) fn try_other_account(&mut self, now: Instant, id: CallId, end: &End) -> bool {
        let Some(entry) = self.entry_mut(id) else { return false };
        if !entry.call.emergency || end.by == EndedBy::Us {
            return false;
        }
        self.call_by_next_account(now, id)
    }

    /// The accounts to try if this one does not get through.
    fn keep_accounts(&mut self, now: Instant, id: CallId, accounts: Vec<u8>) {
        if let Some(entry) = self.entry_mut(id) {
            entry.next_account_at = (!accounts.is_empty()).then(|| now + HELP_PATIENCE);
            entry.other_accounts = accounts;
        }
    }

    /// Nobody has been reached for too long: the next account calls, and the call that was stuck is given up.
    pub(super) fn hand_on(&mut self, now: Instant, id: CallId) {
        let handed_on = self.call_by_next_account(now, id);
        if let Some(entry) = self.entry_mut(id) {
            (entry.next_account_at, entry.handed_on) = (None, handed_on);
        }
        if handed_on {
            self.with_call(now, id, |call, ctx| call.hang_up(ctx));
        }
    }

    fn call_by_next_account(&mut self, now: Instant, id: CallId) -> bool {
        let Some(entry) = self.entry_mut(id) else { return false };
        let number = entry.number.clone();
        let mut accounts = std::mem::take(&mut entry.other_accounts);
        while !accounts.is_empty() {
            let account = accounts.remove(0);
            if let Ok(next) = self.place_emergency(now, account, &number) {
                self.keep_accounts(now, next, accounts);
                self.events.push_back(PhoneEvent::OutgoingCall(self.info(next)));
                return true;
            }
        }
        false
    }
}

fn is_scheme(text: &str) -> bool {
    ["sip", "sips", "tel"].iter().any(|scheme| scheme.eq_ignore_ascii_case(text))
}

/// An address as a keypad can enter it: `192*168*1*20`, and `192*168*1*20*5062` with a port.
fn starred_address(number: &str) -> Option<SocketAddr> {
    let parts: Vec<&str> = number.split('*').collect();
    let [a, b, c, d, port @ ..] = parts.as_slice() else { return None };
    let port = match port {
        [] => 5060,
        [port] => port.parse().ok().filter(|port| *port != 0)?,
        _ => return None,
    };
    format!("{a}.{b}.{c}.{d}").parse().ok().map(|ip| SocketAddr::new(ip, port))
}

/// `192.168.1.20`, `192.168.1.20:5062`, `[2001:db8::1]:5062`
fn bare_address(number: &str) -> Option<SocketAddr> {
    let ip = number.parse().ok().map(|ip| SocketAddr::new(ip, 5060));
    ip.or_else(|| number.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_dialled_with_stars() {
        assert_eq!(starred_address("192*168*1*20"), Some("192.168.1.20:5060".parse().unwrap()));
        assert_eq!(starred_address("192*168*1*20*5062"), Some("192.168.1.20:5062".parse().unwrap()));
        for wrong in ["192*168*1", "*97", "300*1*1*1", "1*2*3*4*0", "1*2*3*4*5*6", "**766*101"] {
            assert_eq!(starred_address(wrong), None, "{wrong}");
        }
        assert_eq!(bare_address("192.168.1.20:5062"), Some("192.168.1.20:5062".parse().unwrap()));
        assert_eq!(bare_address("100"), None);
    }
}
