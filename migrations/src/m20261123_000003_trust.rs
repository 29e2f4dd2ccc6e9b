//! Whom a property takes for its phones, its PBX, and what reaching a phone needs to know.

use sea_orm_migration::prelude::*;

use crate::table::{add_text, table};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        table("trust_profile")
            // The property's id; nil: the default of all properties without one of their own.
            .uuid_key()
            .text("name")
            // Words with commas between them.
            .text("proofs")
            .flag("basic_without_tls")
            .flag("require_tls")
            .text("client_ca")
            .text("shared_user")
            // Sealed.
            .text("shared_password")
            .text("first_contact")
            .create(m)
            .await?;

        table("pbx")
            .belongs_to_key("property_id", "property")
            .text("address")
            .text("transport")
            .text("domain")
            .text("user")
            // Sealed.
            .text("password")
            .create(m)
            .await?;

        // Where the last Inform came from: the only host of the phone that is ever called.
        add_text(m, "phone", "inform_from").await?;
        // What the phone says of its way for UDP connection requests (TR-069 Annex G).
        add_text(m, "phone", "udp_address").await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        for column in ["inform_from", "udp_address"] {
            m.alter_table(Table::alter().table(Alias::new("phone")).drop_column(Alias::new(column)).to_owned()).await?;
        }
        for name in ["pbx", "trust_profile"] {
            m.drop_table(Table::drop().table(Alias::new(name)).if_exists().to_owned()).await?;
        }
        Ok(())
    }
}
