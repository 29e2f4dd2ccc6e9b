//! Which import a change set came from, so that all of one import can be taken back at once.

use sea_orm_migration::prelude::*;

use crate::table::{add_uuid, index};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        add_uuid(m, "change_set", "import_id").await?;
        index(m, "change_set", &["import_id"], false).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        let (name, table) = ("change_set_import_id", Alias::new("change_set"));
        m.drop_index(Index::drop().name(name).table(table.clone()).to_owned()).await?;
        m.alter_table(Table::alter().table(table).drop_column(Alias::new("import_id")).to_owned()).await
    }
}
