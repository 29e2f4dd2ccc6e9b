//! Values of one layer that were changed together.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "change_set")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub layer: String,
    pub scope_id: Option<Uuid>,
    pub scope_name: String,
    pub at: i64,
    pub actor: String,
    pub comment: String,
    pub phones: i32,
    pub undoes: Option<Uuid>,
    pub undone_by: Option<Uuid>,
    /// The import that made it.
    pub import_id: Option<Uuid>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
