//! What phones measure.

use sea_orm_migration::prelude::*;

use crate::table::{index, table};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        table("telemetry")
            .serial_key()
            .belongs_to("phone_id", "phone")
            .int("boot")
            .big("seq")
            // The item's place in its message.
            .int("item")
            .big("at")
            .big("received_at")
            .text("kind")
            // The item as it came, JSON.
            .text("value")
            .create(m)
            .await?;
        index(m, "telemetry", &["phone_id", "boot", "seq", "item"], true).await?;
        index(m, "telemetry", &["phone_id", "kind", "at"], false).await?;
        index(m, "telemetry", &["received_at"], false).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.drop_table(Table::drop().table(Alias::new("telemetry")).to_owned()).await
    }
}
