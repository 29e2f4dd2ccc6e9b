//! What a phone should be and what it said it is: JSON objects from key to value. Secrets are sealed in `desired`
//! and only fingerprints in `applied`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "phone_document")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub phone_id: Uuid,
    pub desired: String,
    pub reported: String,
    pub applied: String,
    pub reported_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
