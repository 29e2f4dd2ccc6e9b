//! Requests that come: whose they are, and whether they are served (RFC 3261 §8.2).

use std::collections::VecDeque;
use std::time::Duration;

use auth_digest::{Algorithm, Challenge, Credentials, Ha1, verify};

use super::{Phone, PhoneEvent};
use crate::settings::headers::UnsolicitedRefer;
use crate::sip::call::{Referral, sipfrag_status};
use crate::sip::identity::ALLOW_EVENTS;
use crate::sip::inbox::{self, Answer, Arrival, IncomingId, Taken};
use crate::sip::message::{Message, Method, Name, Uri};
use crate::time::Instant;

/// Challenges remembered; each may be answered once.
const MOST_NONCES: usize = 32;
/// How long a challenge may be answered.
const NONCE_LIFE: Duration = Duration::from_secs(60);

/// The challenges we gave out.
#[derive(Debug, Default)]
pub(super) struct Challenger {
    nonces: VecDeque<(String, Instant)>,
}

impl Phone {
    pub(super) fn request(&mut self, now: Instant, arrival: Arrival, request: &Message) {
        let trusted = self.accounts.iter().any(|account| account.registration.is_bound_at(arrival.from.ip()));
        let taken = self.inbox.take(now, request, arrival, trusted);
        while let Some(id) = self.inbox.poll_unacknowledged() {
            self.each_call(now, |call, ctx| call.unacknowledged(ctx, id));
        }
        match taken {
            Taken::Nothing => {}
            Taken::Ack => self.ack(now, request),
            Taken::Cancel(invite) => {
                let call = self.calls.iter().find(|entry| entry.call.incoming_id() == Some(invite));
                if let Some(id) = call.map(|entry| entry.call.id) {
                    self.with_call(now, id, |call, ctx| call.cancelled_by_caller(ctx, request));
                } else {
                    self.inbox.respond(now, invite, &Answer::new(487));
                }
            }
            Taken::New(id) => self.new_request(now, arrival, id, request),
        }
    }

    fn ack(&mut self, now: Instant, request: &Message) {
        if let Some(id) = self.calls.iter().find(|entry| entry.call.owns(request)).map(|entry| entry.call.id) {
            self.with_call(now, id, |call, ctx| call.request(ctx, None, request));
        }
    }

    fn new_request(&mut self, now: Instant, arrival: Arrival, id: IncomingId, request: &Message) {
        let Some(at) = self.account_of(arrival, request) else {
            return self.inbox.respond(now, id, &Answer::new(404));
        };
        let Some(account) = self.accounts.get(at) else { return };
        let (index, settings) = (account.line.index, account.line.settings.clone());
        self.inbox.assign(id, index, |reliable| settings.timers(reliable));
        let timer = settings.session_timer.enabled;
        if let Some(answer) = inbox::refusal(request, timer) {
            return self.inbox.respond(now, id, &answer);
        }
        let in_dialog = request.to().is_ok_and(|to| to.tag().is_some());
        if let Some(call) = self.calls.iter().find(|entry| entry.call.owns(request)).map(|entry| entry.call.id) {
            self.with_call(now, call, |call, ctx| call.request(ctx, Some(id), request));
            return;
        }
        let method = request.method().cloned().unwrap_or(Method::Options);
        if method == Method::Notify {
            return self.notified(now, at, arrival, id, request, in_dialog);
        }
        if in_dialog {
            return self.inbox.respond(now, id, &Answer::new(481));
        }
        // Calls are turned away with an event of their own.
        let strange = settings.security.from_server_only && !account.is_server(arrival.from.ip());
        if strange && !matches!(method, Method::Invite | Method::Options) {
            return self.inbox.respond(now, id, &Answer::new(403));
        }
        match method {
            Method::Invite => self.invited(now, at, arrival, id, request),
            Method::Options => self.inbox.respond(now, id, &self.capabilities()),
            Method::Refer => self.referred(now, at, id, request),
            Method::Message => self.inbox.respond(now, id, &Answer::new(405)),
            Method::Subscribe => {
                self.inbox.respond(now, id, &Answer::new(489).with(Name::AllowEvents, ALLOW_EVENTS));
            }
            // Nothing is there to act in.
            Method::Bye | Method::Prack | Method::Update | Method::Info | Method::Cancel => {
                self.inbox.respond(now, id, &Answer::new(481));
            }
            _ => self.inbox.respond(now, id, &Answer::new(405)),
        }
    }

    fn capabilities(&self) -> Answer {
        Answer::new(200)
            .with(Name::Accept, "application/sdp")
            .with(Name::Supported, "replaces, norefersub")
            .with(Name::AllowEvents, ALLOW_EVENTS)
    }

    /// The account a request is for: of those on its port, the one whose user it names.
    fn account_of(&self, arrival: Arrival, request: &Message) -> Option<usize> {
        let user = request.request_uri().ok().and_then(|uri| uri.user_text());
        let claims = self.accounts.iter().map(|account| account.takes(arrival.local.port(), user.as_deref()));
        let claims: Vec<(bool, bool)> = claims.collect();
        let of = |wanted: fn(&(bool, bool)) -> bool| claims.iter().position(wanted);
        of(|(port, user)| *port && *user).or_else(|| of(|(port, _)| *port)).or_else(|| {
            // A stream we opened: its port is nobody's listener.
            let stream = arrival.transport.is_reliable();
            let enabled = self.accounts.iter().position(|account| {
                let server = account.is_server(arrival.from.ip());
                account.line.settings.enabled && stream && server && account.is_for(request)
            });
            let any =
                self.accounts.iter().position(|one| one.line.settings.enabled && one.is_server(arrival.from.ip()));
            enabled.or(any.filter(|_| stream))
        })
    }

    // ---- NOTIFY ----

    fn notified(
        &mut self,
        now: Instant,
        at: usize,
        arrival: Arrival,
        id: IncomingId,
        request: &Message,
        in_dialog: bool,
    ) {
        let Some(account) = self.accounts.get_mut(at) else { return };
        if account.notified(now, &mut self.inbox, id, request) {
            return;
        }
        if in_dialog {
            return self.inbox.respond(now, id, &Answer::new(481));
        }
        let event = request.header(Name::Event).unwrap_or_default().to_ascii_lowercase();
        let mut parts = event.split(';').map(str::trim);
        // Everybody can write From; only what comes from our own server is obeyed.
        let ours = account.registration.is_bound_at(arrival.from.ip());
        match parts.next().unwrap_or_default() {
            _ if !ours => self.inbox.respond(now, id, &Answer::new(403)),
            "check-sync" => {
                // What only looks for news is taken from our server, without proof unless that is set; what wipes the
                // phone only if that is allowed, and proved.
                let asks = |word: &str| {
                    let on = |part: &str| part == word || part.strip_prefix(word) == Some("=true");
                    parts.clone().any(on)
                };
                let (reset, reboot) = (asks("reset"), asks("reboot"));
                let index = account.line.index;
                if reset && !account.line.settings.security.allow_reset {
                    return self.inbox.respond(now, id, &Answer::new(403));
                }
                if (reset || self.settings.challenge_notify) && !self.proves(now, at, id, request) {
                    return;
                }
                self.inbox.respond(now, id, &Answer::new(200));
                self.events.push_back(PhoneEvent::CheckSync { account: index, reset, reboot });
            }
            "message-summary" => account.unsolicited(now, &mut self.inbox, id, request),
            "keep-alive" => self.inbox.respond(now, id, &Answer::new(200)),
            "refer" if sipfrag_status(request.body()).is_some() => {
                self.inbox.respond(now, id, &Answer::new(481));
            }
            _ => self.inbox.respond(now, id, &Answer::new(489).with(Name::AllowEvents, ALLOW_EVENTS)),
        }
    }

    // ---- digest, the other way round ----

    /// Whether the sender proves to know the account's password (RFC 3261 §22.2); if not, it is challenged.
    pub(super) fn proves(&mut self, now: Instant, at: usize, id: IncomingId, request: &Message) -> bool {
        let Some(account) = self.accounts.get_mut(at) else { return false };
        let settings = account.line.settings.clone();
        let realm = account.line.locator.registrar().map_or_else(|| "phone".to_owned(), |at| at.host.to_string());
        self.challenger.nonces.retain(|(_, until)| now < *until);
        let method = request.method().map(|method| method.as_str().to_owned()).unwrap_or_default();
        let uri = request.request_uri_text().unwrap_or_default();
        let mut stale = false;
        for credentials in request.headers(Name::Authorization).filter_map(|value| Credentials::parse(value).ok()) {
            if credentials.realm != realm || credentials.username != settings.auth_user() {
                continue;
            }
            let ha1 = Ha1::new(credentials.algorithm, settings.auth_user(), &realm, settings.password.expose());
            // The Request-URI may have been rewritten on its way; the proof covers the one it was sent with, which is ours.
            let covered = credentials.uri.as_str();
            let for_us = covered.parse::<Uri>().is_ok_and(|uri| uri.user_text().as_deref() == Some(&settings.user));
            if covered != uri && !for_us {
                continue;
            }
            if verify(&credentials, &ha1, &method, covered, request.body()).is_err() {
                continue;
            }
            let before = self.challenger.nonces.len();
            self.challenger.nonces.retain(|(nonce, _)| *nonce != credentials.nonce);
            if self.challenger.nonces.len() < before {
                return true;
            }
            stale = true;
        }
        if settings.password.expose().is_empty() {
            self.inbox.respond(now, id, &Answer::new(403));
            return false;
        }
        let nonce = format!("{}{}", self.rng.token(), self.rng.token());
        if self.challenger.nonces.len() >= MOST_NONCES {
            self.challenger.nonces.pop_front();
        }
        self.challenger.nonces.push_back((nonce.clone(), now + NONCE_LIFE));
        let mut answer = Answer::new(401);
        for algorithm in [Algorithm::Sha256, Algorithm::Md5] {
            let mut challenge = Challenge::new(algorithm, &realm, nonce.clone());
            challenge.stale = stale;
            answer = answer.with(Name::WwwAuthenticate, challenge);
        }
        self.inbox.respond(now, id, &answer);
        false
    }

    // ---- REFER outside of a call ----

    /// "Allow Unsolicited REFER": somebody wants the phone to call.
    fn referred(&mut self, now: Instant, at: usize, id: IncomingId, request: &Message) {
        let Some(account) = self.accounts.get(at) else { return };
        let (index, policy) = (account.line.index, account.line.settings.security.unsolicited_refer);
        match policy {
            UnsolicitedRefer::Disabled => {
                tracing::warn!(account = index, "a REFER outside of a call was refused");
                return self.inbox.respond(now, id, &Answer::new(403));
            }
            UnsolicitedRefer::ForceAuth if !self.proves(now, at, id, request) => return,
            UnsolicitedRefer::ForceAuth | UnsolicitedRefer::Enabled => {}
        }
        let Some(referral) = Referral::of(request) else {
            return self.inbox.respond(now, id, &Answer::new(400));
        };
        // Nobody hears how it goes: the one who asked wants a call, not a subscription (RFC 4488).
        self.inbox.respond(now, id, &Answer::new(202).with(Name::ReferSub, "false"));
        self.follow_referral(now, index, None, &referral);
    }
}
