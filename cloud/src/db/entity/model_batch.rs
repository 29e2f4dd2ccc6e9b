//! How many parameters phones of a model take at once, where that is less than others take.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "model_batch")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub manufacturer: String,
    pub model: String,
    pub firmware: String,
    pub get_batch: i32,
    pub set_batch: i32,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
