//! SIP servers, pools of extensions, SIP accounts, which room or phone has which account, and the numbers a property's
//! phones must reach help with.

use sea_orm_migration::prelude::*;

use crate::table::{index, table};

#[derive(DeriveMigrationName)]
pub struct Migration;

const TABLES: [&str; 5] = ["sip_server", "extension_pool", "sip_account", "sip_assignment", "emergency_set"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        table("sip_server")
            .uuid_key()
            .belongs_to("property_id", "property")
            .text("name")
            .text("host")
            // 0: found by the transport's default or by DNS.
            .int("port")
            .text("transport")
            .text("outbound_proxy")
            .text("second_server")
            // Minutes; 0: as the settings say.
            .int("register_expiry")
            .create(m)
            .await?;
        index(m, "sip_server", &["property_id", "name"], true).await?;

        table("extension_pool")
            .uuid_key()
            .belongs_to("property_id", "property")
            .belongs_to("server_id", "sip_server")
            .text("name")
            // Of equal length, so that leading zeros are kept.
            .text("first")
            .text("last")
            // Numbers and spans with commas between them.
            .text("reserved")
            .create(m)
            .await?;
        index(m, "extension_pool", &["property_id", "name"], true).await?;

        table("sip_account")
            .uuid_key()
            .belongs_to("property_id", "property")
            .belongs_to("server_id", "sip_server")
            .text("user")
            .text("auth_user")
            // Sealed under the key of the slot's password setting.
            .text("password")
            .text("display_name")
            .int("slot")
            .flag("shared")
            .create(m)
            .await?;
        index(m, "sip_account", &["server_id", "user"], true).await?;
        index(m, "sip_account", &["property_id", "user"], false).await?;

        table("sip_assignment")
            .uuid_key()
            .belongs_to("account_id", "sip_account")
            // The account's, once more: a room or phone has one account per slot.
            .int("slot")
            .goes_with("room_id", "room")
            .goes_with("phone_id", "phone")
            .create(m)
            .await?;
        // NULLs are distinct, so rows of phones do not collide here, nor rows of rooms below.
        index(m, "sip_assignment", &["room_id", "slot"], true).await?;
        index(m, "sip_assignment", &["phone_id", "slot"], true).await?;
        index(m, "sip_assignment", &["account_id"], false).await?;

        // Numbers with commas between them; a property without a row has those of its time zone.
        table("emergency_set").belongs_to_key("property_id", "property").text("numbers").create(m).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        for name in TABLES.into_iter().rev() {
            m.drop_table(Table::drop().table(Alias::new(name)).if_exists().to_owned()).await?;
        }
        Ok(())
    }
}
