//! An event of a phone; `(phone_id, boot, seq)` is stored once.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "event")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub phone_id: Uuid,
    pub property_id: Option<Uuid>,
    pub boot: i32,
    pub seq: i64,
    pub kind: String,
    pub at: i64,
    pub received_at: i64,
    pub account: Option<i32>,
    pub detail: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
