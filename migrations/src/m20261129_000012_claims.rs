//! Rooms that phones take by themselves: what a property lets them, and what they asked for.

use sea_orm_migration::prelude::*;

use crate::table::{index, table};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        table("claim_settings")
            .belongs_to_key("property_id", "property")
            .text("mode")
            // Numbers and ranges; empty: all.
            .text("rooms")
            .text("replace_phone")
            .big_null("until")
            .create(m)
            .await?;
        table("claim")
            .uuid_key()
            .belongs_to("phone_id", "phone")
            // Where the phone belonged when it asked.
            .uuid("property_id")
            .uuid("room_id")
            .text("kind")
            .text("number")
            .text("state")
            .text("reason")
            .text("note")
            .big("at")
            .big("received_at")
            // The event that told of it; empty where an Inform did.
            .int_null("boot")
            .big_null("seq")
            // The Inform that told the same was heard.
            .flag("informed")
            // The state the phone was told last.
            .text("told")
            .big_null("decided_at")
            .text("decided_by")
            .create(m)
            .await?;
        index(m, "claim", &["phone_id", "received_at"], false).await?;
        index(m, "claim", &["property_id", "state"], false).await?;
        index(m, "claim", &["state"], false).await?;
        index(m, "claim", &["phone_id", "boot", "seq"], true).await?;
        let column = ColumnDef::new(Alias::new("claim_id")).uuid().to_owned();
        m.alter_table(Table::alter().table(Alias::new("live")).add_column(column).to_owned()).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.alter_table(Table::alter().table(Alias::new("live")).drop_column(Alias::new("claim_id")).to_owned()).await?;
        m.drop_table(Table::drop().table(Alias::new("claim")).to_owned()).await?;
        m.drop_table(Table::drop().table(Alias::new("claim_settings")).to_owned()).await
    }
}
