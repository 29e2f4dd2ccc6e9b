//! Every state in words, with its symbol and colour class: a colour never stands alone.

use contract::event::EventKind;
use contract::mqtt::AccountStatus;
use contract::rest::{
    ChangeReach, Enrolment, JobState, JobView, Layer, RoomState, SyncState, ValueOwner, ValueState, WakeWay,
};

use crate::components::icon::Icon;

/// How something is shown: what it is called, its symbol, and its tone (a class of the style sheet).
#[derive(Clone, Copy, PartialEq)]
pub struct Look {
    pub word: &'static str,
    pub icon: Icon,
    pub tone: &'static str,
}

const fn look(word: &'static str, icon: Icon, tone: &'static str) -> Look {
    Look { word, icon, tone }
}

/// The states in the order a person should see to them.
pub const ROOM_STATES: [RoomState; 8] = [
    RoomState::RegisterFailed,
    RoomState::Offline,
    RoomState::Unregistered,
    RoomState::NoPhone,
    RoomState::Expected,
    RoomState::FilesOnly,
    RoomState::OffHook,
    RoomState::Idle,
];

pub const fn room(state: RoomState) -> Look {
    match state {
        RoomState::NoPhone => look("No phone", Icon::Dashed, "none"),
        RoomState::Expected => look("Expected", Icon::Clock, "violet"),
        RoomState::Offline => look("Offline", Icon::Offline, "orange"),
        RoomState::RegisterFailed => look("Register failed", Icon::Alert, "red"),
        RoomState::Unregistered => look("Unregistered", Icon::Minus, "amber"),
        RoomState::FilesOnly => look("Fetches files", Icon::Download, "teal"),
        RoomState::Idle => look("Idle", Icon::Check, "green"),
        RoomState::OffHook => look("Off hook", Icon::OffHook, "blue"),
    }
}

/// The word in a cell of the board, where there is little room.
pub const fn room_short(state: RoomState) -> &'static str {
    match state {
        RoomState::RegisterFailed => "Reg. failed",
        RoomState::FilesOnly => "Files only",
        other => room(other).word,
    }
}

/// What the state asks of a person, where it does.
pub const fn room_help(state: RoomState) -> &'static str {
    match state {
        RoomState::NoPhone => "No phone stands here. Assign one.",
        RoomState::Expected => "Announced for this room, has not phoned home yet. Plug it in.",
        RoomState::Offline => "Not heard of for longer than it should take. Check its cable and the switch port.",
        RoomState::RegisterFailed => "The SIP server refuses this phone. Check extension and password.",
        RoomState::Unregistered => "Connected to Bellhop, but no SIP account is registered.",
        RoomState::FilesOnly => "Fetches its configuration as files and tells nothing more: it needs nobody.",
        RoomState::Idle => "Registered and on hook.",
        RoomState::OffHook => "The handset is lifted or a call is on.",
    }
}

/// Whether a person should look at the room now.
pub const fn needs_person(state: RoomState, sync: SyncState) -> bool {
    matches!(state, RoomState::RegisterFailed | RoomState::Offline | RoomState::Unregistered)
        || matches!(sync, SyncState::Failed)
}

/// What a phone that cannot be asked has fetched.
const FETCHED: Look = look("Fetched, not verified", Icon::Download, "teal");

pub const fn sync(state: SyncState) -> Look {
    match state {
        SyncState::InSync => look("In sync", Icon::Check, "green"),
        SyncState::Fetched => FETCHED,
        SyncState::Pending => look("Change pending", Icon::Sync, "blue"),
        SyncState::Failed => look("Change failed", Icon::Alert, "red"),
        SyncState::Unknown => look("Not reported yet", Icon::Minus, "none"),
    }
}

/// A change of settings is applied, or fetched as a file; any other task is done.
pub fn job(job: &JobView) -> Look {
    let change = job.kind == "configure";
    match job.state {
        JobState::Ready => look("Pending", Icon::Clock, "blue"),
        JobState::Running if change => look("Being applied", Icon::Sync, "blue"),
        JobState::Running => look("Running", Icon::Sync, "blue"),
        JobState::Done if job.fetched => FETCHED,
        JobState::Done if change => look("Applied", Icon::Check, "green"),
        JobState::Done => look("Done", Icon::Check, "green"),
        JobState::Parked => look("Failed", Icon::Alert, "red"),
        JobState::Cancelled => look("Cancelled", Icon::Minus, "none"),
        JobState::Superseded => look("Covered by a newer change", Icon::Minus, "none"),
    }
}

/// What the phones of one change have in common that are this far with it.
pub const fn reach(reach: Option<ChangeReach>) -> &'static str {
    match reach {
        None => "Of one change",
        Some(ChangeReach::Done) => "Have the change",
        Some(ChangeReach::Fetched) => "Fetched the change",
        Some(ChangeReach::Pending) => "Change on its way",
        Some(ChangeReach::Failed) => "Did not take the change",
    }
}

pub const fn wake(way: WakeWay) -> &'static str {
    match way {
        WakeWay::Mqtt => "Message over MQTT",
        WakeWay::ConnectionRequest => "Connection request over HTTP",
        WakeWay::Udp => "Connection request over UDP",
        WakeWay::Sip => "NOTIFY through the SIP server",
    }
}

pub const fn value(state: ValueState) -> Look {
    match state {
        ValueState::InSync => look("In sync", Icon::Check, "green"),
        ValueState::Pending => look("Pending", Icon::Sync, "blue"),
        ValueState::Drift => look("Drift", Icon::Alert, "amber"),
        ValueState::NotReported => look("Not reported", Icon::Minus, "none"),
        ValueState::Kept => look("Left as it is", Icon::Check, "none"),
        ValueState::Protected => look("User protected", Icon::Alert, "none"),
    }
}

/// Who set the value a phone runs with; nothing where it was us.
pub const fn owner(owner: ValueOwner) -> Option<&'static str> {
    match owner {
        ValueOwner::Bellhop => None,
        ValueOwner::User => Some("Set at the phone"),
        ValueOwner::ProtectedUser => Some("Set at the phone, protected"),
    }
}

pub const fn layer(layer: Layer) -> Look {
    match layer {
        Layer::ModelDefault => look("Model default", Icon::Phone, "none"),
        Layer::Chain => look("Chain", Icon::Chain, "violet"),
        Layer::Brand => look("Brand", Icon::Bell, "violet"),
        Layer::Property => look("Property", Icon::Building, "blue"),
        Layer::RoomType => look("Room type", Icon::Rooms, "green"),
        Layer::Room => look("Room", Icon::Door, "amber"),
        Layer::Phone => look("This phone", Icon::Phone, "accent"),
    }
}

pub const fn enrolment(enrolment: Enrolment) -> Look {
    match enrolment {
        Enrolment::New => look("New", Icon::Plus, "violet"),
        Enrolment::Expected => look("Expected", Icon::Clock, "violet"),
        Enrolment::Enrolled => look("Enrolled", Icon::Check, "green"),
    }
}

pub const fn account(status: AccountStatus) -> Look {
    match status {
        AccountStatus::Disabled => look("Disabled", Icon::Minus, "none"),
        AccountStatus::Registering => look("Registering", Icon::Sync, "blue"),
        AccountStatus::Registered => look("Registered", Icon::Check, "green"),
        AccountStatus::Failed => look("Failed", Icon::Alert, "red"),
        AccountStatus::Unregistered => look("Unregistered", Icon::Minus, "amber"),
    }
}

pub const fn event(kind: EventKind) -> Look {
    use EventKind::*;
    match kind {
        SetupCompleted => look("Set up", Icon::Check, "green"),
        Registered => look("Registered", Icon::Check, "green"),
        Unregistered => look("Unregistered", Icon::Minus, "amber"),
        RegisterFailed => look("Registration failed", Icon::Alert, "red"),
        IdleToBusy => look("Became busy", Icon::OffHook, "blue"),
        BusyToIdle => look("Became idle", Icon::Check, "none"),
        AutoProvisionCompleted => look("Provisioning ended", Icon::Download, "none"),
        IpChange => look("IP address changed", Icon::Sync, "none"),
        OffHook => look("Off hook", Icon::OffHook, "blue"),
        OnHook => look("On hook", Icon::Phone, "none"),
        IncomingCall => look("Incoming call", Icon::Phone, "blue"),
        OutgoingCall => look("Outgoing call", Icon::Phone, "blue"),
        MissedCall => look("Missed call", Icon::Alert, "amber"),
        EstablishedCall => look("Call established", Icon::OffHook, "blue"),
        TerminatedCall => look("Call ended", Icon::Phone, "none"),
        AnsweredCall => look("Call answered", Icon::OffHook, "blue"),
        BlindTransfer => look("Blind transfer", Icon::Swap, "none"),
        AttendedTransfer => look("Attended transfer", Icon::Swap, "none"),
        TransferCompleted => look("Transfer completed", Icon::Swap, "green"),
        TransferFailed => look("Transfer failed", Icon::Alert, "amber"),
        HoldCall => look("Call on hold", Icon::Minus, "none"),
        UnholdCall => look("Call off hold", Icon::OffHook, "none"),
        MuteCall => look("Muted", Icon::Minus, "none"),
        UnmuteCall => look("Unmuted", Icon::OffHook, "none"),
        EmergencyCall => look("Emergency call", Icon::Alert, "red"),
        ConfigFetched => look("Configuration fetched", Icon::Download, "green"),
        RoomDialled => look("Room number dialled", Icon::Door, "violet"),
        ExtensionWanted => look("Extension asked for", Icon::Phone, "violet"),
    }
}

/// How a call with this score of listening sounds to most (ITU-T G.107, Annex B).
pub fn quality(mos: f32) -> Look {
    match mos {
        4.0.. => look("Good", Icon::Check, "green"),
        3.6..4.0 => look("Fair", Icon::Minus, "amber"),
        3.1..3.6 => look("Poor", Icon::Alert, "orange"),
        _ => look("Bad", Icon::Alert, "red"),
    }
}

/// `1 room is`, `3 rooms are`.
pub fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// `1 phone`, `3 phones`.
pub fn phones(count: u32) -> String {
    counted(count as usize, "phone", "phones")
}

/// `its 3 phones`, `its phone`, `no phones yet`.
pub fn its_phones(count: u32) -> String {
    match count {
        0 => "no phones yet".to_owned(),
        1 => "its phone".to_owned(),
        count => format!("its {count} phones"),
    }
}

/// What was done, and how many phones hear of it.
pub fn on_its_way(done: &str, count: u32) -> String {
    match count {
        0 => format!("{done} No phone has to change for it."),
        count => format!("{done} The change is on its way to {}.", phones(count)),
    }
}

/// `a text` as `A text.`
pub fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| format!("{}{}.", first.to_uppercase(), letters.as_str())).unwrap_or_default()
}
