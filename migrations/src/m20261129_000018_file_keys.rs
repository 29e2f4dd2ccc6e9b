//! Which passwords a phone may decrypt its next file with: until it shows that it took the one it was told last, it may
//! have kept an older one.

use sea_orm_migration::prelude::*;

use crate::table::{add_big, add_text};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        // A JSON list, each sealed, the newest first; empty: none.
        add_text(m, "phone_file", "older_keys").await?;
        // The ETag of the file it was given last.
        add_text(m, "phone_file", "tag").await?;
        add_big(m, "phone_file", "key_at").await?;
        add_big(m, "phone_file", "turn").await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        for column in ["older_keys", "tag", "key_at", "turn"] {
            let mut change = Table::alter();
            m.alter_table(change.table(Alias::new("phone_file")).drop_column(Alias::new(column)).to_owned()).await?;
        }
        Ok(())
    }
}
