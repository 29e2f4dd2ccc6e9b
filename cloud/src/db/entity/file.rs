//! A file kept for phones, or sent by one. Its bytes are in `file_chunk`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "file")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub name: String,
    pub file_type: String,
    pub size: i64,
    pub sha256: String,
    pub created_at: i64,
    pub created_by: String,
    /// The phone that sent it.
    pub phone_id: Option<Uuid>,
    /// All of it is there.
    pub complete: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
