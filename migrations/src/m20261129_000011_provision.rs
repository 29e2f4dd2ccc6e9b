//! Configuration files: a property's address for them, a phone's credentials and fetches, and who asked for a bootstrap
//! file while new phones were welcome.

use sea_orm_migration::prelude::*;

use crate::table::{index, table};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        table("provisioning")
            .belongs_to_key("property_id", "property")
            .flag("enabled")
            // Sealed, to be shown again; and its hash, to be found by.
            .text("token")
            .text("token_hash")
            .big_null("accept_until")
            .flag("sip_pnp")
            .big("changed_at")
            .create(m)
            .await?;
        index(m, "provisioning", &["token_hash"], true).await?;

        table("phone_file")
            .belongs_to_key("phone_id", "phone")
            .text("ha1_md5")
            .text("ha1_sha256")
            // Sealed: it stands in the phone's own file.
            .text("password")
            // What the phone may fetch its first file with: sealed, and its hash; empty once used.
            .text("first")
            .text("first_hash")
            .big("first_until")
            // Sealed: the file password the phone holds as far as we know.
            .text("file_key")
            .big_null("fetched_at")
            .big("version")
            .text("address")
            .text("user_agent")
            .text("model")
            .text("firmware")
            .create(m)
            .await?;
        index(m, "phone_file", &["first_hash"], false).await?;

        // One row an address of a phone; the last fetch counts.
        table("bootstrap_fetch")
            .text_key("mac")
            .belongs_to("property_id", "property")
            .big("at")
            .text("address")
            .text("user_agent")
            .create(m)
            .await?;
        index(m, "bootstrap_fetch", &["at"], false).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        for name in ["bootstrap_fetch", "phone_file", "provisioning"] {
            m.drop_table(Table::drop().table(Alias::new(name)).if_exists().to_owned()).await?;
        }
        Ok(())
    }
}
