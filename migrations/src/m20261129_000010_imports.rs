//! Rooms and phones that were read and wait to be applied. Kept for a day.

use sea_orm_migration::prelude::*;

use crate::table::{index, table};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        table("import")
            .uuid_key()
            .belongs_to("property_id", "property")
            .text("name")
            .text("source")
            .text("state")
            .text("note")
            // Which column is what, as JSON.
            .text("mapping")
            // The cells, and what the dry run found: sealed, they may hold passwords and guests' names.
            .text("content")
            .text("report")
            .int("rows_total")
            .int("rows_done")
            .text("counts")
            .flag("skip_errors")
            // Who works on it writes it on; one that ran out may be taken up by another process.
            .big("lease_until")
            .big("fence")
            .big("created_at")
            .text("created_by")
            .text("applied_by")
            .big_null("done_at")
            .create(m)
            .await?;
        index(m, "import", &["property_id", "created_at"], false).await?;
        index(m, "import", &["created_at"], false).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.drop_table(Table::drop().table(Alias::new("import")).if_exists().to_owned()).await
    }
}
