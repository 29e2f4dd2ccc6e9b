//! One entry of the live stream: what changed, not how; readers load it as it is when they send it.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "live")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub at: i64,
    pub property_id: Option<Uuid>,
    pub phone_id: Option<Uuid>,
    pub room_id: Option<Uuid>,
    pub job_id: Option<Uuid>,
    pub event_id: Option<i64>,
    pub claim_id: Option<Uuid>,
    pub gone: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
