//! Why a CPE calls in, kept until the ACS knows (TR-069 §3.7.1.5, table "Event types").
//!
//! The caller owns the disk and the clock:
//!
//! ```
//! # use cwmp::{Event, EventCode, EventQueue};
//! let mut queue = EventQueue::default(); // or loaded; then `queue.on_reboot()` if the device restarted
//! queue.push(Event::new(EventCode::BOOT));
//! queue.push(Event::with_key(EventCode::M_REBOOT, "job-1"));
//! let events = queue.take(EventQueue::MAX_IN_INFORM); // into CpeConfig::events
//! assert_eq!(events.len(), 2);
//! // ... the session runs; events that happen meanwhile are pushed as well ...
//! // queue.settle(&outcome); then save
//! ```

use serde::{Deserialize, Serialize};

use crate::cpe::SessionOutcome;
use crate::message::{Message, MessageKind};
use crate::model::{Event, EventCode};

/// How long an event that was not delivered is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Told once; if that fails it is forgotten.
    Never,
    /// Tried until the device restarts, which is news enough.
    UntilReboot,
    /// Kept over restarts.
    Always,
}

/// What the standard's table says about one event code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Several of them, with different command keys, stand in one Inform; the others once however often they happened.
    pub multiple: bool,
    /// The request of ours whose answer means that the ACS has the event.
    pub delivered_by: MessageKind,
    pub retry: Retry,
    /// The event without command key that goes with it ("M Reboot" and "1 BOOT").
    pub pair: Option<EventCode>,
}

impl Rule {
    /// Codes we do not know, a vendor's own, are kept until the InformResponse.
    pub fn of(code: &EventCode) -> Self {
        use MessageKind as Kind;
        let once = |delivered_by, retry| Self { multiple: false, delivered_by, retry, pair: None };
        let method = |delivered_by, pair| Self { multiple: true, delivered_by, retry: Retry::Always, pair: Some(pair) };
        match code.as_str() {
            "0 BOOTSTRAP" | "2 PERIODIC" | "3 SCHEDULED" => once(Kind::Inform, Retry::Always),
            "1 BOOT" | "4 VALUE CHANGE" | "8 DIAGNOSTICS COMPLETE" | "13 WAKEUP" | "14 HEARTBEAT" => {
                once(Kind::Inform, Retry::UntilReboot)
            }
            // The standard leaves it to the CPE: the user who clicked is gone by then.
            "5 KICKED" => once(Kind::Kicked, Retry::Never),
            "6 CONNECTION REQUEST" => once(Kind::Inform, Retry::Never),
            "7 TRANSFER COMPLETE" => once(Kind::TransferComplete, Retry::Always),
            "9 REQUEST DOWNLOAD" => once(Kind::RequestDownload, Retry::Always),
            "10 AUTONOMOUS TRANSFER COMPLETE" => once(Kind::AutonomousTransferComplete, Retry::Always),
            "11 DU STATE CHANGE COMPLETE" => once(Kind::DuStateChangeComplete, Retry::Always),
            "12 AUTONOMOUS DU STATE CHANGE COMPLETE" => once(Kind::AutonomousDuStateChangeComplete, Retry::Always),
            "M Reboot" => method(Kind::Inform, EventCode::BOOT),
            "M ScheduleInform" => method(Kind::Inform, EventCode::SCHEDULED),
            "M Download" | "M ScheduleDownload" | "M Upload" => {
                method(Kind::TransferComplete, EventCode::TRANSFER_COMPLETE)
            }
            "M ChangeDUState" => method(Kind::DuStateChangeComplete, EventCode::DU_STATE_CHANGE_COMPLETE),
            _ => Self { multiple: true, ..once(Kind::Inform, Retry::Always) },
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Queued {
    event: Event,
    /// In the Inform that is out. Not kept: after a crash nobody knows how that ended, so it is told again.
    #[serde(skip)]
    sent: bool,
}

/// Events not delivered yet, in the order they go out: by number, then those with a command key as they happened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventQueue {
    queued: Vec<Queued>,
}

impl EventQueue {
    /// `EventList` of the schema.
    pub const MAX_IN_INFORM: usize = 64;
    /// Events kept. An ACS can order no more than this before it lets us tell.
    pub const MAX_QUEUED: usize = 256;

    /// Something happened. Its pair is added by itself, and "0 BOOTSTRAP" drops what was there before: the new ACS has
    /// no business with it. `false`: the queue is full and the event is not in it (only those with a command key can
    /// meet that; refuse the order with fault 9004).
    pub fn push(&mut self, event: Event) -> bool {
        let rule = Rule::of(&event.code);
        if event.code == EventCode::BOOTSTRAP {
            self.queued.clear();
        }
        // What is out already does not tell of this one: the ACS may have read the values before.
        if self.queued.iter().any(|queued| !queued.sent && queued.event == event) {
            return true;
        }
        if rule.multiple && self.queued.len() >= Self::MAX_QUEUED {
            return false;
        }
        if let Some(pair) = rule.pair {
            self.push(Event::new(pair));
        }
        self.insert(event);
        true
    }

    pub fn is_empty(&self) -> bool {
        self.queued.is_empty()
    }

    /// Whether `code` waits to be delivered.
    pub fn contains(&self, code: &EventCode) -> bool {
        self.queued.iter().any(|queued| queued.event.code == *code)
    }

    /// Whether this very event, command key included, waits to be delivered.
    pub fn holds(&self, event: &Event) -> bool {
        self.queued.iter().any(|queued| queued.event == *event)
    }

    /// The events of the next Inform, at most `limit` and [`Self::MAX_IN_INFORM`]. They stay here until
    /// [`Self::settle`]. Empty: there is no reason to call.
    pub fn take(&mut self, limit: usize) -> Vec<Event> {
        let limit = limit.min(Self::MAX_IN_INFORM);
        // One that is here twice was out when it happened again; now the two are one.
        let mut events: Vec<Event> = Vec::new();
        self.queued.retain(|queued| {
            let new = !events.contains(&queued.event);
            if new {
                events.push(queued.event.clone());
            }
            new
        });
        events.truncate(limit);
        for (i, queued) in self.queued.iter_mut().enumerate() {
            queued.sent = i < events.len();
        }
        events
    }

    /// The session is over: forgets what the ACS has, and what is told only once.
    pub fn settle(&mut self, outcome: &SessionOutcome) {
        self.queued.retain(|queued| !queued.sent || !is_settled(&queued.event, outcome));
        // A pair goes with the last of its own.
        let alone = |code: &EventCode, queue: &Self| {
            !queue.queued.iter().any(|queued| Rule::of(&queued.event.code).pair.as_ref() == Some(code))
        };
        for code in [EventCode::TRANSFER_COMPLETE, EventCode::DU_STATE_CHANGE_COMPLETE] {
            let answered = outcome.answered.iter().any(|own| own.request.kind() == Rule::of(&code).delivered_by);
            if answered && alone(&code, self) {
                self.queued.retain(|queued| !queued.sent || queued.event.code != code);
            }
        }
        self.queued.iter_mut().for_each(|queued| queued.sent = false);
    }

    /// The device has started: what a restart makes pointless goes. Call it before "1 BOOT" is pushed.
    pub fn on_reboot(&mut self) {
        self.queued.retain(|queued| Rule::of(&queued.event.code).retry == Retry::Always);
        self.queued.iter_mut().for_each(|queued| queued.sent = false);
    }

    fn insert(&mut self, event: Event) {
        let place = self.queued.partition_point(|queued| rank(&queued.event.code) <= rank(&event.code));
        self.queued.insert(place, Queued { event, sent: false });
    }
}

/// The number an event code starts with; those with a command key come after.
fn rank(code: &EventCode) -> u32 {
    code.as_str().split(' ').next().and_then(|number| number.parse().ok()).unwrap_or(u32::MAX)
}

/// Whether an event that was in the Inform is done with. The two that stand for several requests are not decided here.
fn is_settled(event: &Event, outcome: &SessionOutcome) -> bool {
    let rule = Rule::of(&event.code);
    if rule.retry == Retry::Never {
        return true;
    }
    // "7 TRANSFER COMPLETE" and "11 DU STATE CHANGE COMPLETE" have no key: they match none here.
    let tells = |request: &Message| match request {
        Message::TransferComplete(transfer) => rule.multiple && transfer.command_key == event.command_key,
        Message::DuStateChangeComplete(change) => rule.multiple && change.command_key == event.command_key,
        _ => true,
    };
    match rule.delivered_by {
        MessageKind::Inform => outcome.events_delivered,
        kind => outcome.answered.iter().any(|own| own.request.kind() == kind && tells(&own.request)),
    }
}
