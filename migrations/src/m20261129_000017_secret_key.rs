//! The key the database is sealed with says so itself, so that a server with another one notices before it writes.

use sea_orm_migration::prelude::*;

use crate::table::table;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        // One row, made at the first start.
        table("secret_key").text_key("name").text("sealed").create(m).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.drop_table(Table::drop().table(Alias::new("secret_key")).to_owned()).await
    }
}
