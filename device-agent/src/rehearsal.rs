//! Rehearsals: a tester has the phone say what it would not say by itself, so that each request, answer and fault of the
//! standard can be shown to a server. Only a phone started with `--test-faults` takes one, at `POST /rehearsal` of its
//! control endpoint; it then opens a session. `GET /rehearsal` tells what the server said to it.

use std::borrow::Cow;

use cwmp::{Event, EventCode, Message};
use serde::{Deserialize, Serialize};

use crate::cpe::session::Outcome;
use crate::device::Device;
use crate::transfer;

/// What to say. A restart of the phone forgets what of it is left.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rehearsal {
    /// Requests of the phone's own; told until the server has answered them.
    pub tell: Vec<Message>,
    /// Answers by the name of the request (`Reboot`), instead of the phone's own; each once, in this order.
    pub answers: Vec<(String, Message)>,
    /// In the next message that holds the first text, the second stands in its place wherever it is.
    pub garble: Option<(String, String)>,
    /// A file, by its type and address, as offered over MQTT: fetched, and told of by AutonomousTransferComplete.
    pub offer: Option<(String, String)>,
}

/// What the server said to a request of the phone's own, or to an Inform it refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    pub request: String,
    /// The fault's code; `None`: the response.
    pub fault: Option<u16>,
}

/// A rehearsal under way.
#[derive(Debug, Default)]
pub(crate) struct Stage {
    script: Rehearsal,
    heard: Vec<Heard>,
}

impl Device {
    /// Adds to what is rehearsed and has the phone open a session. Blocking.
    ///
    /// # Errors
    /// In words: the offered file is none for this phone.
    pub(crate) fn rehearse(&self, script: Rehearsal) -> Result<(), String> {
        if let Some((file_type, url)) = script.offer {
            let offer = transfer::Offer { file_type, url, file_size: 0, sha256: None, target_file_name: String::new() };
            transfer::offer(self, offer)?;
        }
        for event in script.tell.iter().filter_map(event_of) {
            self.push_event(event);
        }
        self.with_stage(|stage| {
            let stage = stage.get_or_insert_default();
            stage.script.tell.extend(script.tell);
            stage.script.answers.extend(script.answers);
            stage.script.garble = script.garble.or(stage.script.garble.take());
        });
        self.want_session(|reasons| reasons.connection_request = true);
        Ok(())
    }

    /// What the server has said so far.
    pub(crate) fn rehearsal_heard(&self) -> Vec<Heard> {
        self.with_stage(|stage| stage.as_ref().map(|stage| stage.heard.clone()).unwrap_or_default())
    }

    pub(crate) fn rehearsed_requests(&self) -> Vec<Message> {
        self.with_stage(|stage| stage.as_ref().map(|stage| stage.script.tell.clone()).unwrap_or_default())
    }

    pub(crate) fn rehearsed_answer(&self, request: &str) -> Option<Message> {
        self.with_stage(|stage| {
            let answers = &mut stage.as_mut()?.script.answers;
            let at = answers.iter().position(|(name, _)| name == request)?;
            Some(answers.remove(at).1)
        })
    }

    pub(crate) fn rehearsed_post<'a>(&self, body: &'a str) -> Cow<'a, str> {
        self.with_stage(|stage| {
            let garble = stage.as_mut().map(|stage| &mut stage.script.garble);
            match garble.and_then(|garble| garble.take_if(|(find, _)| body.contains(find.as_str()))) {
                Some((find, put)) => body.replace(&find, &put).into(),
                None => body.into(),
            }
        })
    }

    /// Keeps what the server said in a session.
    pub(crate) fn rehearsal_ended(&self, outcome: &Outcome) {
        self.with_stage(|stage| {
            let Some(stage) = stage else { return };
            for own in &outcome.session.answered {
                stage.script.tell.retain(|told| *told != own.request);
                let fault = own.answer.as_ref().err().map(|fault| fault.code.0);
                stage.heard.push(Heard { request: own.request.name().to_owned(), fault });
            }
            if let Some(cwmp::cpe::SessionFailure::Refused { request, fault }) = &outcome.session.failure {
                stage.heard.push(Heard { request: (*request).to_owned(), fault: Some(fault.code.0) });
            }
        });
    }
}

/// The Inform's event that goes with a request of the phone's own.
fn event_of(request: &Message) -> Option<Event> {
    Some(match request {
        Message::Kicked(_) => Event::new(EventCode::KICKED),
        Message::RequestDownload(_) => Event::new(EventCode::REQUEST_DOWNLOAD),
        Message::DuStateChangeComplete(told) => Event::with_key(EventCode::M_CHANGE_DU_STATE, &*told.command_key),
        Message::AutonomousDuStateChangeComplete(_) => Event::new(EventCode::AUTONOMOUS_DU_STATE_CHANGE_COMPLETE),
        _ => return None,
    })
}
