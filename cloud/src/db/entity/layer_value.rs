//! A value set on one layer. `scope_id` is the chain, property, room or phone it belongs to.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "layer_value")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub layer: String,
    pub scope_id: Option<Uuid>,
    pub key: String,
    pub value: String,
    pub locked: bool,
    pub reason: String,
    pub changed_at: i64,
    pub changed_by: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
