//! SIP servers, pools of extensions and SIP accounts of a property.

use serde::{Deserialize, Serialize};

use super::JobView;
use crate::{ExtensionPoolId, Mac, PhoneId, RoomId, SipAccountId, SipServerId};

words! {
    /// How SIP is carried to a server.
    pub enum SipTransport {
        Udp = "udp",
        Tcp = "tcp",
        Tls = "tls",
    }
}

body! {
    /// A registrar. What it says goes to every phone with an account on it.
    pub struct SipServer {
        pub id: SipServerId,
        pub name: String,
        /// Host name or address, without a port.
        pub host: String,
        /// Absent: the transport's own, or what DNS says.
        pub port: Option<u16>,
        pub transport: SipTransport,
        /// Host, or host and port. Empty: none.
        pub outbound_proxy: String,
        /// Asked when the first does not answer: host, or host and port. Empty: none.
        pub second_server: String,
        /// Minutes. Absent: as the settings say.
        pub register_expiry: Option<u32>,
        /// How many accounts are on it.
        pub accounts: u32,
    }
    /// Numbers that are given out as extensions.
    pub struct ExtensionPool {
        pub id: ExtensionPoolId,
        pub name: String,
        /// Where its accounts are.
        pub server: SipServerId,
        pub first: String,
        /// As many digits as `first`.
        pub last: String,
        /// Never given out: numbers such as `1000`, and spans such as `1900-1999`.
        pub reserved: Vec<String>,
        /// How many numbers it has, without the reserved.
        pub size: u32,
        /// How many of them are an account or a room's extension already.
        pub used: u32,
    }
    pub struct SipAccount {
        pub id: SipAccountId,
        pub server: SipServerId,
        pub server_name: String,
        pub user: String,
        /// What the phone proves itself as; mostly the user.
        pub auth_user: String,
        /// Always [`SECRET_MASK`](super::SECRET_MASK).
        pub password: String,
        /// With variables, such as `Room {room.number}`. Empty: the guest's name, or else the room's number.
        pub display_name: String,
        /// Account 1 or 2 of the phone.
        pub slot: u8,
        /// Whether several rooms or phones may have it.
        pub shared: bool,
        pub used_by: Vec<AccountUse>,
    }
    /// A room or a phone that has an account.
    pub struct AccountUse {
        pub room: Option<RoomId>,
        pub room_number: Option<String>,
        pub phone: Option<PhoneId>,
        pub mac: Option<Mac>,
    }
    pub struct SipAccountPage {
        pub items: Vec<SipAccount>,
        /// How many match, on all pages.
        pub total: u64,
        pub offset: u64,
    }
    /// What filling from a pool gave.
    pub struct PoolFilled {
        pub given: Vec<GivenAccount>,
        /// Rooms for which no number was left.
        pub left_out: Vec<RoomId>,
        /// How many phones it concerns.
        pub phones: u32,
        /// At most 20 of their jobs.
        pub jobs: Vec<JobView>,
    }
    pub struct GivenAccount {
        pub room: RoomId,
        pub room_number: String,
        pub account: SipAccountId,
        pub extension: String,
    }
}

macro_rules! spec {
    ($($(#[$attr:meta])* pub struct $name:ident { $($(#[$fattr:meta])* pub $field:ident: $type:ty,)* })*) => {$(
        $(#[$attr])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(deny_unknown_fields)]
        pub struct $name { $($(#[$fattr])* pub $field: $type,)* }
    )*};
}

spec! {
    /// The whole of a server.
    pub struct SipServerSpec {
        pub name: String,
        pub host: String,
        #[serde(default)]
        pub port: Option<u16>,
        pub transport: SipTransport,
        #[serde(default)]
        pub outbound_proxy: String,
        #[serde(default)]
        pub second_server: String,
        #[serde(default)]
        pub register_expiry: Option<u32>,
    }
    /// The whole of a pool.
    pub struct ExtensionPoolSpec {
        pub name: String,
        pub server: SipServerId,
        pub first: String,
        pub last: String,
        #[serde(default)]
        pub reserved: Vec<String>,
    }
    /// The whole of an account.
    pub struct SipAccountSpec {
        pub server: SipServerId,
        pub user: String,
        /// Empty: the user.
        #[serde(default)]
        pub auth_user: String,
        /// One the PBX has already. Empty or [`SECRET_MASK`](super::SECRET_MASK): a new account gets a random one, an
        /// account that is there keeps its own.
        #[serde(default)]
        pub password: String,
        #[serde(default)]
        pub display_name: String,
        /// 1 unless given.
        #[serde(default = "first_slot")]
        pub slot: u8,
        #[serde(default)]
        pub shared: bool,
        /// The rooms that have it from now on, at most one unless it is shared; it is taken from whoever else had it, and
        /// another account goes out of its place. Empty: no room. Left out: the rooms stay.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub rooms: Option<Vec<RoomId>>,
    }
}

fn first_slot() -> u8 {
    1
}

request! {
    /// One of `room` and `phone`.
    pub struct AssignAccount {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub room: Option<RoomId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub phone: Option<PhoneId>,
        /// Take it from whoever has it, and another account out of its place.
        #[serde(default)]
        pub replace: bool,
    }
    /// One of `room` and `phone`, or neither: all that have it.
    pub struct UnassignAccount {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub room: Option<RoomId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub phone: Option<PhoneId>,
    }
    /// The rooms to give an account, if they have none; left out: all of the property.
    pub struct FillPool {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub rooms: Option<Vec<RoomId>>,
        /// Display name of the accounts that are made.
        #[serde(default)]
        pub display_name: String,
    }
    /// Which accounts; left out: all of the property.
    pub struct ExportAccounts {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub server: Option<SipServerId>,
    }
}
