//! A phone's own value that somebody chose to leave as it is, while layers want another.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "kept_value")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub phone_id: Uuid,
    pub key: String,
    pub value: String,
    /// The fingerprint of the value the layers wanted then.
    pub desired: String,
    pub at: i64,
    pub actor: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
