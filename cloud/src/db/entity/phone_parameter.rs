//! One node of the tree a phone showed.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "phone_parameter")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub phone_id: Uuid,
    /// Objects end in a dot.
    pub path: String,
    /// The object it lies in; empty for the root.
    pub parent: String,
    pub object: bool,
    pub writable: bool,
    /// `None`: not read yet. Of a secret only whether there is one is kept.
    pub value: Option<String>,
    pub xsd_type: String,
    pub notification: Option<i32>,
    pub read_at: i64,
    /// What it was before it last changed.
    pub previous: Option<String>,
    pub changed_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
