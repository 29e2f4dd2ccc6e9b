//! A phone that asks for a room, or for a number.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "claim")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub phone_id: Uuid,
    pub property_id: Option<Uuid>,
    pub room_id: Option<Uuid>,
    pub kind: String,
    pub number: String,
    pub state: String,
    pub reason: String,
    pub note: String,
    pub at: i64,
    pub received_at: i64,
    pub boot: Option<i32>,
    pub seq: Option<i64>,
    pub informed: bool,
    pub told: String,
    pub decided_at: Option<i64>,
    pub decided_by: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
