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
        pub server: String,
        pub user: String,
        pub password: String,
        pub expires_at: Timestamp,
    }

    /// The last time a phone fetched its own file, having proved itself.
    pub struct FileFetch {
        pub at: Timestamp,
        /// The name it asked for, without the path; empty for fetches before names were kept.
        #[serde(default)]
        pub name: String,
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

words! {
    /// A kind of configuration file.
    pub enum ConfigFormat {
        /// XML with names.
        Xml = "xml",
        /// The same, names that begin alike together.
        GroupedXml = "grouped-xml",
        /// XML with P-values.
        PXml = "p-xml",
        /// A setting a line.
        Text = "txt",
        /// A P-value a line.
        PText = "p-txt",
        Binary = "binary",
    }
}

words! {
    /// Who is to read a configuration file.
    pub enum ConfigAudience {
        /// The vendor's phones: nothing but what they are known to read.
        Vendor = "vendor",
        /// Our phones, and people: everything.
        Bellhop = "bellhop",
    }
}

request! {
    /// `POST /api/v1/phones/{id}/configuration/file/sealed`.
    pub struct SealedExport {
        /// One of [`ConfigFormat`]'s words; empty: `xml`.
        #[serde(default)]
        pub format: String,
        /// One of [`ConfigAudience`]'s words; empty: `bellhop`.
        #[serde(default)]
        pub audience: String,
        /// 12 to 64 characters; the file is encrypted with it, as `openssl enc -aes-256-cbc -md md5` does.
        pub password: String,
    }

    /// `POST /api/v1/phones/{id}/backup` and `POST /api/v1/properties/{id}/backup`.
    pub struct BackupOrder {
        /// 12 to 64 characters: secrets are in the package, sealed with it. Empty: they are not.
        #[serde(default)]
        pub password: String,
    }
}

body! {
    /// What a configuration file changes on a phone.
    pub struct ConfigurationPreview {
        pub changes: Vec<ConfigurationEdit>,
        /// Settings of the file that the phone is to have already.
        pub unchanged: u32,
        /// What was not taken, the first 500.
        pub aside: Vec<Aside>,
        pub aside_total: u32,
        /// What somebody should look at.
        pub warnings: Vec<String>,
        /// Where it was not applied, and something would change: what it would do to phones.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub would: Option<super::Preview>,
        /// Where it was applied, and something changed.
        pub accepted: Option<super::Accepted>,
    }
    pub struct ConfigurationEdit {
        pub key: String,
        pub title: String,
        pub page: String,
        /// [`SECRET_MASK`](super::SECRET_MASK) for a secret.
        pub before: String,
        pub after: String,
        pub secret: bool,
    }
    /// Something of a file that was not taken, and why.
    pub struct Aside {
        pub name: String,
        /// Line, entry or element; empty if it is about more than one place.
        pub place: String,
        pub reason: String,
    }

    /// What a backup package changes.
    pub struct RestorePreview {
        /// Values that are set, and values that go because the package has none.
        pub set: u32,
        pub removed: u32,
        pub unchanged: u32,
        /// The layers it changes, the first 500.
        pub layers: Vec<RestoredLayer>,
        /// What was not taken, the first 500.
        pub aside: Vec<Aside>,
        pub aside_total: u32,
        /// Where it was not applied, and something would change: what it would do to phones.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub would: Option<super::Preview>,
        /// Where it was applied, and something changed.
        pub accepted: Option<super::Accepted>,
    }
    pub struct RestoredLayer {
        pub layer: super::Layer,
        /// The room type's name, the room's number or the phone's MAC address; empty for the property.
        pub name: String,
        pub set: u32,
        pub removed: u32,
    }
}
