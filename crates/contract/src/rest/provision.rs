//! Configuration files that phones fetch: a property's address for them, and what a phone fetched.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

body! {
    /// `GET /api/v1/properties/{id}/provisioning`.
    pub struct Provisioning {
        /// Whether the property's phones fetch their configuration as files, each with credentials of its own.
        pub enabled: bool,
        /// What makes the address unguessable; empty while there is none.
        pub token: String,
        /// The address for DHCP option 66, and for phones by hand. Empty while there is none.
        pub bootstrap_url: String,
        /// Until when phones that fetch through this address, and then phone home, are accepted without a person.
        pub accept_until: Option<Timestamp>,
        /// Whether a phone that asks by SIP PnP for its configuration server is told this address.
        pub sip_pnp: bool,
        /// Phones that fetched through the address within the last hour and have not phoned home.
        pub waiting: u32,
    }

    /// `POST /api/v1/phones/{id}/first-fetch`: the phone fetches its file once with these, by the address alone or by user
    /// name and password. They are shown this once.
    pub struct FirstFetch {
        /// Path for the phone's configuration server, with a token in it.
        pub url: String,
        /// The same token by user name and password, at the server's address without one.
        pub user: String,
        pub password: String,
        pub expires_at: Timestamp,
    }

    /// The last time a phone fetched its own file, having proved itself.
    pub struct FileFetch {
        pub at: Timestamp,
        /// The version of its document it was given.
        pub version: i64,
        /// The address it came from.
        pub address: String,
        /// As it named itself.
        pub user_agent: String,
        pub model: String,
        pub firmware: String,
    }
}

/// `PUT /api/v1/properties/{id}/provisioning`: all of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ProvisioningChange {
    pub enabled: bool,
    /// At most 30 days from now; `null` closes the window, and who fetched in it is not accepted any more.
    #[serde(default)]
    pub accept_until: Option<Timestamp>,
    #[serde(default)]
    pub sip_pnp: bool,
    /// Makes a new token; the address with the old one is worth nothing from then on.
    #[serde(default)]
    pub rotate_token: bool,
}
