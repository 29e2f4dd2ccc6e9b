//! Brands and room types as layers of their own, change sets, and values somebody chose to leave on a phone.

use sea_orm_migration::prelude::*;

use crate::table::{add_reference, add_text, add_uuid, index, table};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        table("brand").uuid_key().belongs_to("chain_id", "chain").text("name").create(m).await?;
        index(m, "brand", &["chain_id", "name"], true).await?;
        table("room_type").uuid_key().belongs_to("property_id", "property").text("name").create(m).await?;
        index(m, "room_type", &["property_id", "name"], true).await?;
        add_reference(m, "property", "brand_id", "brand").await?;
        add_reference(m, "room", "room_type_id", "room_type").await?;
        index(m, "room", &["room_type_id"], false).await?;
        // What values with variables may say of a property.
        add_text(m, "property", "phone").await?;
        add_text(m, "property", "front_desk").await?;

        // A change of a whole chain asks who below it has the same key.
        index(m, "layer_value", &["key"], false).await?;

        table("change_set")
            .uuid_key()
            .text("layer")
            .uuid("scope_id")
            // As it was called then: what it names may be gone.
            .text("scope_name")
            .big("at")
            .text("actor")
            .text("comment")
            // Phones the change reached.
            .int("phones")
            .uuid("undoes")
            .uuid("undone_by")
            .create(m)
            .await?;
        index(m, "change_set", &["scope_id", "at"], false).await?;
        index(m, "change_set", &["at"], false).await?;

        // Values without a row on one side were not set there. Secrets are sealed.
        table("change_set_value")
            .serial_key()
            .belongs_to("change_set_id", "change_set")
            .text("key")
            .text_null("old_value")
            .flag("old_locked")
            .text("old_reason")
            .text_null("new_value")
            .flag("new_locked")
            .text("new_reason")
            .create(m)
            .await?;
        index(m, "change_set_value", &["change_set_id", "key"], true).await?;
        add_uuid(m, "job", "change_set_id").await?;
        index(m, "job", &["change_set_id"], false).await?;

        table("kept_value")
            .serial_key()
            .belongs_to("phone_id", "phone")
            .text("key")
            .text("value")
            // The fingerprint of what the phone should have had: another wish ends the keeping.
            .text("desired")
            .big("at")
            .text("actor")
            .create(m)
            .await?;
        index(m, "kept_value", &["phone_id", "key"], true).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        for (name, table) in
            [("layer_value_key", "layer_value"), ("job_change_set_id", "job"), ("room_room_type_id", "room")]
        {
            m.drop_index(Index::drop().name(name).table(Alias::new(table)).to_owned()).await?;
        }
        for (table, column) in [
            ("job", "change_set_id"),
            ("property", "phone"),
            ("property", "front_desk"),
            ("property", "brand_id"),
            ("room", "room_type_id"),
        ] {
            m.alter_table(Table::alter().table(Alias::new(table)).drop_column(Alias::new(column)).to_owned()).await?;
        }
        for name in ["kept_value", "change_set_value", "change_set", "room_type", "brand"] {
            m.drop_table(Table::drop().table(Alias::new(name)).if_exists().to_owned()).await?;
        }
        Ok(())
    }
}
