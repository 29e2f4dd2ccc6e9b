//! Phones that only fetch files say so, with the name of what they fetched last; and what users set at their phones, as the
//! phones report it.

use sea_orm_migration::prelude::*;

use crate::table::{add_flag, add_text};

/// What rows of before mean by the new words.
const SAID_ANEW: [&str; 3] = [
    r#"UPDATE "phone" SET "state" = 'files-only'
       WHERE "mqtt_hash" = '' AND "last_inform" IS NULL AND "last_seen" IS NOT NULL AND "state" = 'unregistered'"#,
    r#"UPDATE "phone" SET "sync" = 'fetched'
       WHERE "mqtt_hash" = '' AND "last_inform" IS NULL AND "last_seen" IS NOT NULL AND "sync" = 'in-sync'"#,
    r#"UPDATE "job" SET "step" = 'fetched'
       WHERE "kind" = 'configure' AND "state" = 'done' AND "note" LIKE 'Fetched as a file; not verified.%'"#,
];

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        add_text(m, "phone_file", "name").await?;
        // Keys, as a JSON list; empty: none were told.
        add_text(m, "phone", "set_by_user").await?;
        add_flag(m, "phone", "user_protection").await?;
        for sql in SAID_ANEW {
            m.get_connection().execute_unprepared(sql).await?;
        }
        Ok(())
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in [("phone_file", "name"), ("phone", "set_by_user"), ("phone", "user_protection")] {
            let mut change = Table::alter();
            m.alter_table(change.table(Alias::new(table)).drop_column(Alias::new(column)).to_owned()).await?;
        }
        Ok(())
    }
}
