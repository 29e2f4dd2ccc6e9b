//! What the other side asks within the dialog.

use super::{Call, CallEvent, Ctx, Stage};
use crate::sip::identity::ALLOW_EVENTS;
use crate::sip::inbox::{Answer, IncomingId};
use crate::sip::message::{Message, Method, Name};

impl Call {
    /// A request within the dialog (or an early one). ACK has no `id`.
    pub fn request(&mut self, ctx: &mut Ctx<'_>, id: Option<IncomingId>, request: &Message) {
        let of_music = self.music.as_ref().is_some_and(|music| music.owns(request));
        let Some(id) = id else {
            // Of the music server nothing is accepted that it could acknowledge.
            if !of_music {
                self.acknowledged(ctx, request);
            }
            return;
        };
        if of_music {
            return self.music_request(ctx, id, request);
        }
        let Some(method) = request.method().cloned() else { return };
        let in_order = match self.dialog.as_mut().filter(|dialog| dialog.owns(request)) {
            Some(dialog) => dialog.in_order(request),
            None => self.forks.iter_mut().find(|fork| fork.owns(request)).is_some_and(|fork| fork.in_order(request)),
        };
        if !in_order {
            return ctx.inbox.respond(ctx.now, id, &Answer::new(500).with(Name::RetryAfter, 1));
        }
        if self.stage == Stage::Over && method != Method::Bye {
            return ctx.inbox.respond(ctx.now, id, &Answer::new(481));
        }
        match method {
            Method::Bye => self.they_hang_up(ctx, id),
            Method::Invite | Method::Update => self.they_modify(ctx, id, request),
            Method::Prack => self.confirmed(ctx, id, request),
            Method::Info => self.info(ctx, id, request),
            Method::Refer => self.they_refer(ctx, id, request),
            Method::Notify => self.notified(ctx, id, request),
            Method::Options | Method::Message => ctx.inbox.respond(ctx.now, id, &Answer::new(200)),
            Method::Subscribe => {
                ctx.inbox.respond(ctx.now, id, &Answer::new(489).with(Name::AllowEvents, ALLOW_EVENTS));
            }
            _ => ctx.inbox.respond(ctx.now, id, &Answer::new(405)),
        }
    }

    /// A digit by SIP INFO: `application/dtmf-relay` has `Signal=5`, `application/dtmf` the digit alone.
    fn info(&mut self, ctx: &mut Ctx<'_>, id: IncomingId, request: &Message) {
        let kind = request.header(Name::ContentType).unwrap_or_default().to_ascii_lowercase();
        let text = String::from_utf8_lossy(request.body()).into_owned();
        if kind.is_empty() {
            // Empty INFOs are used to see whether we are there.
            return ctx.inbox.respond(ctx.now, id, &Answer::new(200));
        }
        if !kind.starts_with("application/dtmf") {
            return ctx.inbox.respond(ctx.now, id, &Answer::new(415).with(Name::Accept, "application/dtmf-relay"));
        }
        let signal = text.lines().find_map(|line| {
            let (name, value) = line.split_once('=')?;
            name.trim().eq_ignore_ascii_case("signal").then(|| value.trim().to_owned())
        });
        let digit = signal.unwrap_or_else(|| text.trim().to_owned());
        let digit = match digit.as_str() {
            "10" => Some('*'),
            "11" => Some('#'),
            one => one.chars().next().filter(|c| matches!(c, '0'..='9' | '*' | '#' | 'A'..='D')),
        };
        ctx.inbox.respond(ctx.now, id, &Answer::new(200));
        if let Some(digit) = digit.filter(|_| self.is_up()) {
            self.tell(CallEvent::Digit(digit));
        }
    }

    /// Sends a digit by SIP INFO, 100..=2000 ms long.
    pub fn send_info_digit(&mut self, ctx: &mut Ctx<'_>, digit: char, duration_ms: u32) {
        let body = format!("Signal={digit}\r\nDuration={}\r\n", duration_ms.clamp(100, 2000));
        let id = self.in_dialog(ctx, Method::Info, |request| {
            request.body = Some(("application/dtmf-relay", body.into_bytes()));
        });
        self.minor.extend(id);
    }

    fn notified(&mut self, ctx: &mut Ctx<'_>, id: IncomingId, request: &Message) {
        let event = request.header(Name::Event).unwrap_or_default();
        let event = event.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match event.as_str() {
            "refer" if self.transfer.is_some() => {
                ctx.inbox.respond(ctx.now, id, &Answer::new(200));
                self.transfer_notified(ctx, request);
            }
            "talk" => {
                ctx.inbox.respond(ctx.now, id, &Answer::new(200));
                self.tell(CallEvent::Talk);
            }
            "hold" => {
                ctx.inbox.respond(ctx.now, id, &Answer::new(200));
                self.tell(CallEvent::Hold);
            }
            "refer" => ctx.inbox.respond(ctx.now, id, &Answer::new(481)),
            _ => ctx.inbox.respond(ctx.now, id, &Answer::new(489).with(Name::AllowEvents, ALLOW_EVENTS)),
        }
    }
}
