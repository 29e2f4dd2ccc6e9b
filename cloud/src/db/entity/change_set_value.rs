//! One value of a change set, before and after; `None` is not set. Secrets are sealed.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "change_set_value")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub change_set_id: Uuid,
    pub key: String,
    pub old_value: Option<String>,
    pub old_locked: bool,
    pub old_reason: String,
    pub new_value: Option<String>,
    pub new_locked: bool,
    pub new_reason: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
