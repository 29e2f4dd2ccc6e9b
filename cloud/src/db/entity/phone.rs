//! A phone: its identity, its credentials (hashes, or sealed) and its live state.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "phone")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub mac: String,
    pub serial: String,
    pub manufacturer: String,
    pub oui: String,
    pub model: String,
    pub hardware: String,
    pub firmware: String,
    pub ip: String,
    pub property_id: Option<Uuid>,
    pub room_id: Option<Uuid>,
    pub enrolment: String,
    pub acs_ha1_md5: String,
    pub acs_ha1_sha256: String,
    pub mqtt_hash: String,
    pub connection_request_url: String,
    pub connection_request_user: String,
    pub connection_request_password: String,
    pub inform_from: String,
    pub udp_address: String,
    pub state: String,
    pub state_since: i64,
    pub sync: String,
    pub connected: bool,
    pub off_hook: bool,
    pub accounts: String,
    pub boot: i32,
    pub state_seq: i64,
    pub uptime_s: Option<i64>,
    pub last_seen: Option<i64>,
    pub last_inform: Option<i64>,
    pub inform_interval_s: i32,
    pub desired_version: i64,
    pub applied_version: i64,
    pub created_at: i64,
    /// Keys of settings a user set at the phone, as it last reported: a JSON list, or empty.
    pub set_by_user: String,
    /// The phone protects them ("user protection"), as it last reported.
    pub user_protection: bool,
    /// How often they were set, since the start `boot`.
    pub user_changes: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
