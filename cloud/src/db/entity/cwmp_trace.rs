//! What happened in one session, kept for people to look at.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "cwmp_trace")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub phone_id: Uuid,
    pub started_at: i64,
    pub ended_at: Option<i64>,
    /// The Inform's events, as JSON.
    pub events: String,
    pub outcome: String,
    pub bytes_in: i64,
    pub bytes_out: i64,
    /// The steps, as JSON.
    pub steps: String,
    /// The messages of the steps, as JSON, secrets masked; empty for a session in which nothing was done.
    pub messages: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
