//! A phone's credentials for its configuration file, and the last time it fetched it.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "phone_file")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub phone_id: Uuid,
    pub ha1_md5: String,
    pub ha1_sha256: String,
    pub password: String,
    pub first: String,
    pub first_hash: String,
    pub first_until: i64,
    pub file_key: String,
    pub fetched_at: Option<i64>,
    pub version: i64,
    pub address: String,
    pub user_agent: String,
    pub model: String,
    pub firmware: String,
    /// What it asked for, without the path.
    pub name: String,
    /// File passwords it may have besides `file_key`: a JSON list of sealed ones.
    pub older_keys: String,
    /// The ETag of the file it was given last.
    pub tag: String,
    /// When it was first told `file_key`.
    pub key_at: i64,
    /// How often it asked for this version again.
    pub turn: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
