//! Opening a session, asking for one, and what needs no more than a key: Inform, ScheduleInform, Reboot, Kicked.

use serde::{Deserialize, Serialize};

use crate::check::{event_code, oui};
use crate::model::{EventCode, ParameterValue};
use crate::time::CwmpTime;
use crate::wire::wire_struct;

wire_struct! {
    /// `DeviceIdStruct` (A.3.3.1).
    #[derive(Default, Hash)]
    DeviceId {
        manufacturer: String = required "Manufacturer" max 64,
        /// Six upper-case hexadecimal digits; not checked on reading, phones differ.
        oui: String = required "OUI" is oui,
        product_class: String = or_default "ProductClass" max 64,
        serial_number: String = required "SerialNumber" max 64,
    }
}

wire_struct! {
    /// `EventStruct` (A.3.3.1).
    Event {
        code: EventCode = required "EventCode" max 64 is event_code,
        command_key: String = or_default "CommandKey" max 32,
    }
}

wire_struct! {
    Inform {
        device_id: DeviceId = required "DeviceId",
        events: Vec<Event> = required "Event" count 0..=64,
        /// Must be 1; kept as sent.
        max_envelopes: u32 = or_default "MaxEnvelopes",
        current_time: CwmpTime = required "CurrentTime",
        /// How often this session was tried before.
        retry_count: u32 = or_default "RetryCount",
        parameters: Vec<ParameterValue> = required "ParameterList",
    }
}

wire_struct! {
    InformResponse {
        max_envelopes: u32 = or_default "MaxEnvelopes",
    }
}

wire_struct! {
    GetRpcMethodsResponse {
        methods: Vec<String> = required "MethodList" max 64 count 1..=1000,
    }
}

wire_struct! {
    Reboot {
        /// Comes back in the event "M Reboot".
        command_key: String = required "CommandKey" max 32,
    }
}

wire_struct! {
    ScheduleInform {
        delay_seconds: u32 = required "DelaySeconds",
        /// Comes back in the event "M ScheduleInform".
        command_key: String = required "CommandKey" max 32,
    }
}

wire_struct! {
    /// A user came to the CPE from a web page (A.4.2.1, deprecated). The fields are the query arguments of Annex D.
    Kicked {
        command: String = or_default "Command" max 32,
        referer: String = or_default "Referer" max 64,
        arg: String = or_default "Arg" max 256,
        next: String = or_default "Next" max 1024,
    }
}

wire_struct! {
    KickedResponse {
        /// Where the CPE sends the user's browser next.
        next_url: String = or_default "NextURL" max 1024,
    }
}
