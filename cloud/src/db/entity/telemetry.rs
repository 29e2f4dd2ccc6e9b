//! One measurement of a phone; `(phone_id, boot, seq, item)` is stored once.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "telemetry")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub phone_id: Uuid,
    pub boot: i32,
    pub seq: i64,
    /// The measurement's place in its message.
    pub item: i32,
    pub at: i64,
    pub received_at: i64,
    /// `call`, `network`, `system`, or what a newer phone calls it.
    pub kind: String,
    /// As it came, JSON.
    pub value: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
