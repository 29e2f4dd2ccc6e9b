//! Whom a property, or every property without a profile of its own, takes for its phones.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "trust_profile")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    /// The property's; nil for the default.
    pub id: Uuid,
    pub name: String,
    pub proofs: String,
    pub basic_without_tls: bool,
    pub require_tls: bool,
    pub client_ca: String,
    pub shared_user: String,
    pub shared_password: String,
    pub first_contact: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
