//! Rooms and phones that were read, and wait to be applied.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "import")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub property_id: Uuid,
    pub name: String,
    pub source: String,
    pub state: String,
    pub note: String,
    pub mapping: String,
    pub content: String,
    pub report: String,
    pub shown: String,
    pub rows_total: i32,
    pub rows_done: i32,
    pub counts: String,
    pub skip_errors: bool,
    pub lease_until: i64,
    pub fence: i64,
    pub created_at: i64,
    pub created_by: String,
    pub applied_by: String,
    pub done_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
