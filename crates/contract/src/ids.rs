//! Identifiers. Each kind is its own type, so a room's id cannot be handed in where a phone's is wanted.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    )*};
}

id! {
    /// A hotel chain: the tenant.
    ChainId,
    /// A brand of a chain, or another group of its hotels.
    BrandId,
    /// One hotel.
    PropertyId,
    /// A building of a property.
    BuildingId,
    /// A floor of a building.
    FloorId,
    /// A kind of rooms of a property, such as suites.
    RoomTypeId,
    /// A room: keeps its number, accounts and history whatever phone stands in it.
    RoomId,
    /// A phone: hardware. Also its MQTT user name and client id.
    PhoneId,
    /// A change on its way to a phone.
    JobId,
    /// Values of one layer, changed together.
    ChangeSetId,
    /// A phone that asks for a room or a number.
    ClaimId,
    /// A file kept for phones, or sent by one.
    FileId,
    /// A registrar of a property.
    SipServerId,
    /// A span of extensions a property gives out.
    ExtensionPoolId,
    /// A SIP account.
    SipAccountId,
    /// Rooms and phones that were read from a file or another system.
    ImportId,
    /// A person who signs in.
    UserId,
}
