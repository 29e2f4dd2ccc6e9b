//! Hanging up (RFC 3261 §15), at any stage.

use super::{Call, Ctx, EndedBy, Stage};
use crate::sip::inbox::Answer;
use crate::sip::line::RequestId;
use crate::sip::message::{Message, Method, Name};

impl Call {
    /// Hangs up, gives up calling, or turns the caller away.
    pub fn hang_up(&mut self, ctx: &mut Ctx<'_>) {
        match self.stage {
            Stage::Calling | Stage::Ringing => {
                self.ended(ctx.now, EndedBy::Us, 487, "given up");
                self.cancel(ctx);
            }
            Stage::Incoming => self.reject(ctx, 486),
            // The called must not say BYE before its answer is confirmed (RFC 3261 §15).
            Stage::Answering => {
                self.ended(ctx.now, EndedBy::Us, 200, "hung up");
                self.bye_when_confirmed = true;
            }
            Stage::Up => {
                self.ended(ctx.now, EndedBy::Us, 200, "hung up");
                self.send_bye(ctx, None);
            }
            Stage::Ending | Stage::Over => {}
        }
    }

    /// Ends a call that cannot go on, saying why (RFC 3326).
    pub(super) fn fail(&mut self, ctx: &mut Ctx<'_>, code: u16, reason: &str) {
        self.ended(ctx.now, EndedBy::Network, code, reason);
        self.send_bye(ctx, Some((code, reason)));
    }

    /// Nothing has been heard for longer than "RTP Timeout" allows.
    pub fn audio_lost(&mut self, ctx: &mut Ctx<'_>) {
        if self.stage == Stage::Up {
            self.fail(ctx, 408, "no audio");
        }
    }

    pub(super) fn send_bye(&mut self, ctx: &mut Ctx<'_>, why: Option<(u16, &str)>) {
        self.stop_music(ctx);
        self.modify.forget(ctx);
        let why = why.map(|(code, text)| format!("SIP;cause={code};text=\"{text}\""));
        self.bye = self.in_dialog(ctx, Method::Bye, |bye| {
            if let Some(why) = why {
                bye.push(Name::Reason, why);
            }
        });
        if self.bye.is_none() {
            self.over(ctx);
        }
    }

    pub(super) fn bye_answered(&mut self, ctx: &mut Ctx<'_>, id: RequestId, status: u16, message: &Message) {
        match status {
            100..200 => {}
            401 | 407 => {
                let Some(dialog) = &mut self.dialog else { return self.over(ctx) };
                dialog.local_cseq += 1;
                let cseq = dialog.local_cseq;
                match ctx.line.answer_challenge(ctx.now, &mut self.auth, id, message, cseq) {
                    Ok(id) => self.bye = Some(id),
                    Err(_) => self.over(ctx),
                }
            }
            _ => self.over(ctx),
        }
    }

    /// Nobody on the dialog's way takes our BYE: a proxy on it may have died. It goes to the other side once, past them,
    /// so that it does not wait for a call that is over.
    pub(super) fn bye_lost(&mut self, ctx: &mut Ctx<'_>) {
        let routed = self.dialog.as_mut().filter(|dialog| !dialog.route.is_empty());
        let Some(dialog) = routed else { return self.over(ctx) };
        dialog.route.clear();
        self.send_bye(ctx, None);
    }

    /// The other side hangs up.
    pub(super) fn they_hang_up(&mut self, ctx: &mut Ctx<'_>, id: crate::sip::inbox::IncomingId) {
        ctx.inbox.respond(ctx.now, id, &Answer::new(200));
        // An INVITE of theirs that is not answered ends with it (RFC 3261 §15.1.2).
        if let Some(open) = self.incoming.filter(|open| ctx.inbox.is_open(*open)) {
            ctx.inbox.respond(ctx.now, open, &Answer::new(487));
        }
        if let Some(open) = self.modify.theirs.take().filter(|open| ctx.inbox.is_open(*open)) {
            ctx.inbox.respond(ctx.now, open, &Answer::new(487));
        }
        self.ended(ctx.now, EndedBy::Them, 200, "hung up");
        self.over(ctx);
    }
}
