//! What an answer, or none, does to a round (RFC 3261 §10.2.7, §10.2.8, §8.1.3).

use std::time::Duration;

use super::{Binding, Purpose, Registration, Then, schedule};
use crate::phone::PhoneEvent;
use crate::sip::auth::Verdict;
use crate::sip::line::Line;
use crate::sip::message::{Message, Name, Uri, reason_phrase};
use crate::state::AccountStatus;
use crate::time::Instant;

/// Longest wait asked for by `Retry-After` that is obeyed, seconds.
const MOST_RETRY_AFTER: u32 = 3600;
/// Service-Route values kept.
const MOST_ROUTES: usize = 16;

impl Registration {
    pub(super) fn answered(&mut self, now: Instant, line: &mut Line, status: u16, message: &Message) {
        self.request = None;
        line.learn(message);
        match status {
            401 | 407 => match self.auth.challenged(message, status) {
                Verdict::Answer => self.send(now, line),
                Verdict::Refused => {
                    self.auth.forget();
                    let phrase = phrase(message, status);
                    self.fail(
                        now,
                        line,
                        status,
                        format!("{phrase}: user name or password refused"),
                        message.retry_after(),
                    );
                }
                Verdict::Unsupported => {
                    self.fail(
                        now,
                        line,
                        status,
                        "no challenge this phone can answer".to_owned(),
                        message.retry_after(),
                    );
                }
            },
            423 => self.too_brief(now, line, message),
            200..300 => self.succeeded(now, line, message),
            _ => self.fail(now, line, status, phrase(message, status), message.retry_after()),
        }
    }

    /// 423 Interval Too Brief (RFC 3261 §10.2.8).
    fn too_brief(&mut self, now: Instant, line: &mut Line, message: &Message) {
        let wanted = self.expires(line);
        let usable = message.min_expires().filter(|min| (wanted + 1..=schedule::MOST_EXPIRES).contains(min));
        match (usable, &mut self.round) {
            (Some(min), Some(round)) if round.too_brief < 2 && round.purpose == Purpose::Register => {
                round.too_brief += 1;
                self.min_expires = min;
                self.send(now, line);
            }
            _ => self.fail(now, line, 423, phrase(message, 423), message.retry_after()),
        }
    }

    fn succeeded(&mut self, now: Instant, line: &mut Line, message: &Message) {
        let Some(round) = &mut self.round else { return };
        match round.purpose.clone() {
            Purpose::Clear => {
                self.cleared = true;
                self.begin(now, line, Purpose::Register);
            }
            Purpose::Goodbye(then) => self.gone(now, line, then),
            Purpose::Register => {
                let (Some(contact), Some(way)) = (round.contact, round.way.clone()) else { return };
                let asked = (line.settings.expires_min.clamp(1, 64_800) * 60).max(self.min_expires);
                let may_move = !std::mem::replace(&mut round.moved, true);
                let granted = schedule::granted(message, contact, &line.identity.instance, asked);
                if granted == 0 {
                    self.fail(now, line, 200, "the registrar kept no binding".to_owned(), message.retry_after());
                    return;
                }
                self.cleared = true;
                self.succeeded = Some(now);
                let life = Duration::from_secs(u64::from(granted));
                self.binding = Some(Binding { contact, until: now + life, way });
                self.take_routes(line, message);
                self.enter(now, line, AccountStatus::Registered, None);
                if may_move && line.contact_address() != Some(contact) {
                    // Seen elsewhere than where we said: correct the binding, once a round.
                    if let Some(round) = &mut self.round {
                        round.obsolete = Some(contact);
                    }
                    self.send(now, line);
                    return;
                }
                self.halt(line);
                let before = line.settings.reregister_before_s;
                self.next = Some(now + schedule::refresh_after(life, before, &mut line.rng));
            }
        }
    }

    /// What the registrar wants used from now on: routes (RFC 3608) and the phone's own URI (RFC 5627 §4.4.1).
    fn take_routes(&mut self, line: &mut Line, message: &Message) {
        line.service_route = message.tokens(Name::ServiceRoute).take(MOST_ROUTES).map(str::to_owned).collect();
        let gruu = schedule::own_contact(message, &line.identity.instance)
            .and_then(|contact| contact.params.value("pub-gruu").and_then(|uri| uri.parse::<Uri>().ok()));
        line.gruu = gruu;
    }

    pub(super) fn fail(&mut self, now: Instant, line: &mut Line, code: u16, reason: String, retry_after: Option<u32>) {
        let purpose = self.round.take().map(|round| round.purpose);
        self.halt(line);
        match purpose {
            None => {}
            Some(Purpose::Goodbye(then)) => self.gone(now, line, then),
            // A registrar that answers but does not let us clear is no reason not to register.
            Some(Purpose::Clear) if !matches!(code, 0 | 401 | 407 | 408) => {
                self.cleared = true;
                self.begin(now, line, Purpose::Register);
            }
            Some(Purpose::Clear | Purpose::Register) => {
                if self.reported != Some(code) {
                    self.reported = Some(code);
                    let (account, reason) = (line.index, reason.clone());
                    self.events.push_back(PhoneEvent::RegisterFailed { account, code, reason });
                }
                self.enter(now, line, AccountStatus::Failed, Some(reason));
                let wait = line.settings.retry_wait_s.max(1).max(retry_after.unwrap_or(0).min(MOST_RETRY_AFTER));
                let wait = Duration::from_secs(u64::from(wait));
                self.next = Some(now + wait + line.rng.up_to(wait / 10));
            }
        }
    }

    /// The goodbye is over, answered or not.
    fn gone(&mut self, now: Instant, line: &mut Line, then: Then) {
        self.halt(line);
        self.binding = None;
        if self.status == AccountStatus::Registered {
            self.events.push_back(PhoneEvent::Unregistered { account: line.index });
        }
        match then {
            Then::ShutDown => {
                self.ended = true;
                self.enter(now, line, AccountStatus::Unregistered, None);
            }
            Then::Apply(settings) => self.adopt(now, line, settings),
        }
    }
}

/// The response's own phrase, else the customary one; bounded, since it is shown and reported.
fn phrase(message: &Message, status: u16) -> String {
    let text: String = message.reason().unwrap_or_default().chars().filter(|c| !c.is_control()).take(80).collect();
    if text.is_empty() { reason_phrase(status).to_owned() } else { text }
}
