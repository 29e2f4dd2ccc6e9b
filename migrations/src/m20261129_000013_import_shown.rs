//! The beginning of an import's report by itself, for who looks at the import: the whole one may be many megabytes.

use sea_orm_migration::prelude::*;

use crate::table::add_text;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        add_text(m, "import", "shown").await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.alter_table(Table::alter().table(Alias::new("import")).drop_column(Alias::new("shown")).to_owned()).await
    }
}
