//! Session timers (RFC 4028): a session is refreshed now and then, or it ends.

use std::time::Duration;

use super::{Call, Ctx, Stage};
use crate::settings::session_timer::{Refresher, SessionTimerSettings};
use crate::sip::message::{Message, Name, delta_seconds};
use crate::time::Instant;

/// The least interval there may be (§5), seconds.
const LEAST: u32 = 90;

/// The timer of one session.
#[derive(Debug, Default)]
pub(super) struct SessionTimer {
    interval: Duration,
    /// We refresh at this moment; or, if they do, the session ends then.
    at: Option<Instant>,
    /// Without a refresh the session ends then.
    expires_at: Option<Instant>,
    ours: bool,
}

/// What an INVITE asks for, as far as the settings want it.
pub(super) fn invitation(settings: &SessionTimerSettings, min_se: u32) -> Vec<(Name, String)> {
    if !settings.enabled {
        return Vec::new();
    }
    let least = settings.min_se_s.max(min_se).max(LEAST);
    let mut headers = vec![(Name::MinSe, least.to_string())];
    if settings.as_caller || settings.force {
        let interval = settings.expires_s.max(least);
        let refresher = settings.uac_refresher.map(|who| format!(";refresher={}", who.as_str()));
        headers.push((Name::SessionExpires, format!("{interval}{}", refresher.unwrap_or_default())));
    }
    headers
}

/// The least interval we take, if an INVITE or UPDATE asks for less (422).
pub(super) fn too_small(settings: &SessionTimerSettings, request: &Message) -> Option<u32> {
    let least = settings.min_se_s.max(LEAST);
    let (asked, _) = asked(request)?;
    (settings.enabled && asked < least && supports(request)).then_some(least)
}

fn supports(message: &Message) -> bool {
    let timer = |tag: &str| tag.eq_ignore_ascii_case("timer");
    message.tokens(Name::Supported).any(timer) || message.tokens(Name::Require).any(timer)
}

/// Session-Expires: interval in seconds, and who refreshes.
fn asked(message: &Message) -> Option<(u32, Option<Refresher>)> {
    let value = message.header(Name::SessionExpires)?;
    let mut parts = value.split(';').map(str::trim);
    let interval = delta_seconds(parts.next()?)?;
    let refresher = parts.find_map(|part| {
        let (name, who) = part.split_once('=')?;
        match (name.trim().eq_ignore_ascii_case("refresher"), who.trim().to_ascii_lowercase().as_str()) {
            (true, "uac") => Some(Refresher::Uac),
            (true, "uas") => Some(Refresher::Uas),
            _ => None,
        }
    });
    Some((interval, refresher))
}

impl SessionTimer {
    fn start(now: Instant, interval: u32, ours: bool) -> Self {
        let interval = Duration::from_secs(u64::from(interval.max(LEAST)));
        // §10: refresh at half; give up a third, or 32 s, before the end.
        let wait = if ours { interval / 2 } else { interval - (interval / 3).min(Duration::from_secs(32)) };
        Self { interval, at: Some(now + wait), expires_at: Some(now + interval), ours }
    }

    /// After a 2xx to our INVITE or UPDATE (§7.2).
    pub fn as_caller(now: Instant, settings: &SessionTimerSettings, response: &Message) -> Self {
        match asked(response) {
            _ if !settings.enabled => Self::default(),
            Some((interval, refresher)) => Self::start(now, interval, refresher != Some(Refresher::Uas)),
            // They know nothing of it: we refresh alone.
            None if settings.force => Self::start(now, settings.expires_s, true),
            None => Self::default(),
        }
    }

    /// When we answer an INVITE or UPDATE (§9): the timer, and the headers of the 2xx.
    pub fn as_callee(now: Instant, settings: &SessionTimerSettings, request: &Message) -> (Self, Vec<(Name, String)>) {
        if !settings.enabled {
            return (Self::default(), Vec::new());
        }
        let theirs = supports(request);
        let (interval, refresher) = match asked(request) {
            Some((interval, Some(refresher))) if theirs => (interval, refresher),
            Some((interval, None)) if theirs => (interval, settings.uas_refresher),
            // A proxy asked, and they cannot: it is ours (§9).
            Some((interval, _)) => (interval, Refresher::Uas),
            None if theirs && settings.as_callee => (settings.expires_s, settings.uas_refresher),
            None if settings.force => (settings.expires_s, Refresher::Uas),
            None => return (Self::default(), Vec::new()),
        };
        let interval = interval.max(settings.min_se_s).max(LEAST);
        let mut headers = vec![(Name::SessionExpires, format!("{interval};refresher={}", refresher.as_str()))];
        if theirs && refresher == Refresher::Uac {
            headers.push((Name::Require, "timer".to_owned()));
        }
        (Self::start(now, interval, refresher == Refresher::Uas), headers)
    }

    /// What a refresh of ours says; `min_se` is what a 422 asked for, or 0.
    pub fn refresh_headers(&self, min_se: u32) -> Vec<(Name, String)> {
        if self.at.is_none() {
            return Vec::new();
        }
        let who = if self.ours { "uac" } else { "uas" };
        let mut headers = vec![(Name::SessionExpires, format!("{};refresher={who}", self.interval.as_secs()))];
        if min_se > 0 {
            headers.push((Name::MinSe, min_se.to_string()));
        }
        headers
    }

    /// A 422 wants at least so many seconds. False if there is no timer, or it is that long already.
    pub fn raise(&mut self, least: u32) -> bool {
        let least = Duration::from_secs(u64::from(least));
        let raises = self.at.is_some() && least > self.interval;
        if raises {
            self.interval = least;
        }
        raises
    }

    /// A refresh of ours came to nothing this time: try again soon, as long as there is time.
    fn postpone(&mut self, now: Instant) {
        let soon = now + (self.interval / 10).max(Duration::from_secs(5));
        self.at = Some(self.expires_at.map_or(soon, |end| soon.min(end)));
    }

    pub fn stop(&mut self) {
        (self.at, self.expires_at) = (None, None);
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        self.at
    }
}

impl Call {
    pub(super) fn session_timeout(&mut self, ctx: &mut Ctx<'_>) {
        if self.timer.at.is_none_or(|at| ctx.now < at) {
            return;
        }
        let expired = self.timer.expires_at.is_none_or(|end| ctx.now >= end);
        if !self.timer.ours || expired {
            self.timer.stop();
            if self.stage == Stage::Incoming {
                // The called says no BYE before it has answered (RFC 3261 §15).
                return self.reject(ctx, 500);
            }
            return self.fail(ctx, 408, "session expired");
        }
        self.timer.postpone(ctx.now);
        self.refresh_session(ctx);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::read::Values;

    fn settings(pairs: &[(&str, &str)]) -> SessionTimerSettings {
        let get = |key: &str| {
            let key = key.strip_prefix("account.1.sip.")?;
            pairs.iter().find(|(known, _)| *known == key).map(|(_, value)| (*value).to_owned())
        };
        SessionTimerSettings::from_values(&Values::account(&get, 1))
    }

    fn message(extra: &str) -> Message {
        Message::parse_datagram(format!("SIP/2.0 200 OK\r\n{extra}\r\n").as_bytes()).unwrap()
    }

    const ON: (&str, &str) = ("sessiontimer.enable", "yes");

    #[test]
    fn an_invite_asks_as_the_settings_say() {
        assert!(invitation(&settings(&[]), 0).is_empty());
        assert_eq!(invitation(&settings(&[ON]), 0), [(Name::MinSe, "90".to_owned())]);
        let caller = [ON, ("sessiontimer.requesttimer.caller", "yes"), ("sessiontimer.expiration", "300")];
        let wanted = |se: &str| vec![(Name::MinSe, "90".to_owned()), (Name::SessionExpires, se.to_owned())];
        assert_eq!(invitation(&settings(&caller), 0), wanted("300;refresher=uac"));
        let omit = [&caller[..], &[("sessiontimer.refresher.uacspecify", "omit")]].concat();
        assert_eq!(invitation(&settings(&omit), 0), wanted("300"));
        assert_eq!(invitation(&settings(&caller), 1800)[1].1, "1800;refresher=uac", "raised by a 422");
    }

    #[test]
    fn who_refreshes_is_who_was_named() {
        let now = Instant::ZERO;
        let on = settings(&[ON]);
        let ours = SessionTimer::as_caller(now, &on, &message("Session-Expires: 200;refresher=uac\r\n"));
        assert!(ours.ours && ours.at == Some(now + Duration::from_secs(100)));
        let theirs = SessionTimer::as_caller(now, &on, &message("x: 120;refresher=uas\r\n"));
        assert!(!theirs.ours && theirs.at == Some(now + Duration::from_secs(88)));
        assert_eq!(SessionTimer::as_caller(now, &on, &message("")).at, None);
        let force = settings(&[ON, ("sessiontimer.force", "yes")]);
        assert_eq!(SessionTimer::as_caller(now, &force, &message("")).at, Some(now + Duration::from_secs(90)));
        assert_eq!(SessionTimer::as_caller(now, &settings(&[]), &message("x: 120\r\n")).at, None, "switched off");
    }

    #[test]
    fn a_callee_answers_as_the_settings_say() {
        let ask = |pairs: &[(&str, &str)], request: &str| {
            let (timer, headers) = SessionTimer::as_callee(Instant::ZERO, &settings(pairs), &message(request));
            (timer.at.is_some(), headers.first().map(|(_, value)| value.clone()).unwrap_or_default())
        };
        let with = "Supported: timer\r\nSession-Expires: 200\r\n";
        assert_eq!(ask(&[ON], with), (true, "200;refresher=uac".to_owned()));
        assert_eq!(
            ask(&[ON, ("sessiontimer.refresher.uasspecify", "uas")], with),
            (true, "200;refresher=uas".to_owned())
        );
        assert_eq!(ask(&[ON], "Supported: timer\r\n"), (false, String::new()));
        let callee = ("sessiontimer.requesttimer.callee", "yes");
        assert_eq!(ask(&[ON, callee], "Supported: timer\r\n"), (true, "180;refresher=uac".to_owned()));
        assert_eq!(ask(&[ON, callee], ""), (false, String::new()));
        assert_eq!(ask(&[ON, ("sessiontimer.force", "yes")], ""), (true, "180;refresher=uas".to_owned()));
        assert_eq!(ask(&[], with), (false, String::new()));
        assert_eq!(too_small(&settings(&[ON, ("minimumse", "120")]), &message("k: timer\r\nx: 100\r\n")), Some(120));
        assert_eq!(too_small(&settings(&[ON]), &message("k: timer\r\nx: 100\r\n")), None);
    }
}
