//! Importing rooms and phones from a file or another system, and exporting them.

use super::*;

/// The largest file an import takes, in bytes.
pub const MAX_IMPORT_BYTES: usize = 10 * 1024 * 1024;

words! {
    /// How far an import is.
    pub enum ImportState {
        /// It is being read from another system.
        Fetching = "fetching",
        /// It was tried without changing anything; it may be applied.
        Ready = "ready",
        Applying = "applying",
        Done = "done",
        /// See `note`. What was done stays; it may be applied again.
        Failed = "failed",
    }
    pub enum ImportSource {
        Csv = "csv",
        Xlsx = "xlsx",
        Ods = "ods",
        Gdms = "gdms",
    }
    /// What becomes of a row.
    pub enum RowAction {
        /// A room or a phone is made.
        Make = "make",
        Change = "change",
        /// Everything it says is so already.
        Same = "same",
        /// It has an error.
        Refused = "refused",
    }
    pub enum Severity {
        /// The row is refused.
        Error = "error",
        Warning = "warning",
    }
}

body! {
    /// Rooms and phones that were read. Nothing is changed before it is applied.
    pub struct Import {
        pub id: ImportId,
        pub property: PropertyId,
        /// The file's name, or where it came from.
        pub name: String,
        pub source: ImportSource,
        pub state: ImportState,
        /// What a person should know, for example why it failed.
        pub note: String,
        /// What the columns are taken for; see `PUT /imports/{import}/mapping`.
        pub columns: Vec<ImportColumn>,
        /// Rows below the headings.
        pub rows: u32,
        /// While it is applied: how many were worked off.
        pub rows_done: u32,
        /// What applying it would do, or did.
        pub counts: ImportCounts,
        /// Which phones that are there follow, as things were when it was tried.
        #[serde(default)]
        pub reach: ImportReach,
        pub errors: u32,
        pub warnings: u32,
        /// The first 200 errors and warnings; the others by `GET /imports/{import}/findings`.
        pub findings: Vec<Finding>,
        /// The first 20 rows; the others by `GET /imports/{import}/rows`.
        pub preview: Vec<ImportRow>,
        pub created_at: Timestamp,
        pub created_by: String,
        /// When it is forgotten.
        pub expires_at: Timestamp,
    }
    /// An import in a list.
    pub struct ImportSummary {
        pub id: ImportId,
        pub name: String,
        pub source: ImportSource,
        pub state: ImportState,
        pub note: String,
        pub rows: u32,
        pub rows_done: u32,
        pub created_at: Timestamp,
        pub created_by: String,
    }
    /// How many; the rows first, then what they make and change.
    #[derive(Copy, Eq, Default)]
    pub struct ImportCounts {
        pub make: u32,
        pub change: u32,
        pub same: u32,
        pub refused: u32,
        pub buildings_made: u32,
        pub floors_made: u32,
        pub rooms_made: u32,
        pub rooms_changed: u32,
        pub phones_made: u32,
        pub phones_changed: u32,
        /// Values of settings.
        pub values_set: u32,
        #[serde(default)]
        pub accounts_made: u32,
        /// SIP accounts with another authentication user, display name or password.
        #[serde(default)]
        pub accounts_changed: u32,
        /// Rooms that get another account than they have.
        #[serde(default)]
        pub accounts_given: u32,
    }
    /// Phones an import reaches.
    #[derive(Copy, Eq, Default)]
    pub struct ImportReach {
        /// Of whose room, account or own values something changes, or that are moved.
        pub phones: u32,
        /// Of those: for how many the file sets something that counts after a restart.
        pub restart: u32,
        /// Of those: how many have the handset lifted.
        pub in_call: u32,
    }
    /// What taking an import's settings back did.
    #[derive(Default)]
    pub struct ImportUndone {
        /// Rooms and phones whose values are as before.
        pub undone: u32,
        /// Rooms and phones where values were changed again since, or where a value of before opens no more: left alone.
        pub changed_since: u32,
        /// The first 20 of them.
        pub names: Vec<String>,
        /// Phones that are told.
        pub phones: u32,
        /// Not looked at yet: there was not enough time. Ask again.
        pub left: u32,
    }
    /// Something about a cell, a row or the whole.
    pub struct Finding {
        pub severity: Severity,
        /// The line of the file, the headings being line 1. 0: the file as a whole.
        pub row: u32,
        /// The column's heading; empty: the row as a whole.
        pub column: String,
        /// What the column was taken for.
        pub field: String,
        /// What stands there, cut after 80 characters; a secret's is masked.
        pub value: String,
        /// A stable word, for programs.
        pub kind: String,
        /// What is wrong.
        pub reason: String,
        /// What to do about it.
        pub remedy: String,
    }
    pub struct ImportRow {
        /// The line of the file, the headings being line 1.
        pub row: u32,
        pub action: RowAction,
        /// The room it is about; empty: none.
        pub room: String,
        /// The phone it is about; empty: none.
        pub mac: String,
        /// What it changes.
        pub changes: Vec<ImportChange>,
    }
    pub struct ImportChange {
        pub field: String,
        /// Masked if it is a secret.
        pub old: String,
        pub new: String,
    }
    pub struct FindingPage {
        pub items: Vec<Finding>,
        pub total: u32,
        pub offset: u32,
    }
    pub struct ImportRowPage {
        pub items: Vec<ImportRow>,
        pub total: u32,
        pub offset: u32,
    }
    /// An organisation of a GDMS account.
    pub struct GdmsOrganisation {
        pub id: String,
        pub name: String,
        pub sites: Vec<GdmsSite>,
    }
    pub struct GdmsSite {
        pub id: String,
        pub name: String,
    }
    /// What a column is taken for.
    pub struct ImportColumn {
        /// Its position, from 0.
        pub column: u32,
        pub heading: String,
        /// One of `building`, `floor`, `level`, `room`, `room-type`, `extension`, `guest-name`, `mac`, `serial`, `model`,
        /// `sip-server` (by its name), `sip-user`, `sip-auth-user`, `sip-display-name`, `sip-password` (the account of the
        /// room's phone), or a setting's key such as `pks.mpk.11.value`, its P value such as `P47`. `null`: the column is left out.
        pub field: Option<String>,
        /// Of a setting: `room` or `phone`, where the value is set.
        pub layer: Option<Layer>,
        /// The first values that are not empty, at most three; secrets masked.
        pub samples: Vec<String>,
    }
}

request! {
    /// What columns are; those that are left out stay as they are.
    pub struct ImportMapping {
        pub columns: Vec<ColumnChoice>,
    }
    pub struct ColumnChoice {
        /// Its position, from 0.
        pub column: u32,
        /// See `ImportColumn`. `null`: the column is left out.
        #[serde(default)]
        pub field: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub layer: Option<Layer>,
    }
    pub struct ApplyImport {
        /// Leave rows with errors out and do the others. Without it nothing is done while there are errors.
        #[serde(default)]
        pub skip_errors: bool,
    }
    /// Who signs in to GDMS. Nothing of it is stored.
    pub struct GdmsLogin {
        /// One of `GET /gdms/addresses` (`import.gdms` of the server's configuration), for example `https://www.gdms.cloud`.
        pub base_url: String,
        pub user: String,
        pub password: String,
        pub client_id: String,
        pub client_secret: String,
    }
    /// What is read from GDMS.
    pub struct GdmsImport {
        /// See `GdmsLogin`; nothing of the login is stored.
        pub base_url: String,
        pub user: String,
        pub password: String,
        pub client_id: String,
        pub client_secret: String,
        /// An organisation's id; without it the account's first.
        #[serde(default)]
        pub organisation: Option<String>,
        /// A site's id; without it all sites.
        #[serde(default)]
        pub site: Option<String>,
    }
}
