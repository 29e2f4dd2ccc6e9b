//! The first schema: the tree of a chain, phones, what they should be and are, jobs, sessions, events, people.

use sea_orm_migration::prelude::*;

use crate::table::{index, table};

#[derive(DeriveMigrationName)]
pub struct Migration;

const TABLES: [&str; 17] = [
    "chain",
    "property",
    "building",
    "floor",
    "room",
    "phone",
    "phone_document",
    "layer_value",
    "job",
    "cwmp_session",
    "event",
    "live",
    "quarantine",
    "audit",
    "idempotency",
    "person",
    "refresh_token",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        table("chain").uuid_key().text("name").create(m).await?;
        index(m, "chain", &["name"], true).await?;

        table("property")
            .uuid_key()
            .belongs_to("chain_id", "chain")
            .text("code")
            .text("name")
            .text("time_zone")
            .create(m)
            .await?;
        index(m, "property", &["code"], true).await?;

        table("building")
            .uuid_key()
            .belongs_to("property_id", "property")
            .text("name")
            .int("position")
            .create(m)
            .await?;
        index(m, "building", &["property_id", "name"], true).await?;

        table("floor").uuid_key().belongs_to("building_id", "building").text("name").int("level").create(m).await?;
        index(m, "floor", &["building_id", "name"], true).await?;

        table("room")
            .uuid_key()
            .belongs_to("property_id", "property")
            .belongs_to("floor_id", "floor")
            .text("number")
            .text("extension")
            .text("guest_name")
            .create(m)
            .await?;
        index(m, "room", &["property_id", "number"], true).await?;

        table("phone")
            .uuid_key()
            .text("mac")
            .text("serial")
            .text("manufacturer")
            .text("oui")
            .text("model")
            .text("hardware")
            .text("firmware")
            .text("ip")
            .points_to("property_id", "property")
            .points_to("room_id", "room")
            // Enrolment and credentials. HA1 per algorithm and hashes only; what we must be able to send is sealed.
            .text("enrolment")
            .text("acs_ha1_md5")
            .text("acs_ha1_sha256")
            .text("mqtt_hash")
            .text("connection_request_url")
            .text("connection_request_user")
            .text("connection_request_password")
            // Live state, and what guards it against old reports.
            .text("state")
            .big("state_since")
            .text("sync")
            .flag("connected")
            .flag("off_hook")
            .text("accounts")
            .int("boot")
            .big("state_seq")
            .big_null("uptime_s")
            .big_null("last_seen")
            .big_null("last_inform")
            .int("inform_interval_s")
            .big("desired_version")
            .big("applied_version")
            .big("created_at")
            .create(m)
            .await?;
        index(m, "phone", &["mac"], true).await?;
        // One phone per room; rooms without a phone do not collide because NULLs are distinct.
        index(m, "phone", &["room_id"], true).await?;
        index(m, "phone", &["property_id", "state"], false).await?;
        index(m, "phone", &["connected", "last_seen"], false).await?;

        table("phone_document")
            .belongs_to_key("phone_id", "phone")
            .text("desired")
            .text("reported")
            .text("applied")
            .big("reported_at")
            .create(m)
            .await?;

        table("layer_value")
            .serial_key()
            .text("layer")
            .uuid("scope_id")
            .text("key")
            .text("value")
            .flag("locked")
            .text("reason")
            .big("changed_at")
            .text("changed_by")
            .create(m)
            .await?;
        index(m, "layer_value", &["scope_id", "layer", "key"], true).await?;

        table("job")
            .uuid_key()
            .belongs_to("phone_id", "phone")
            .text("kind")
            .text("state")
            .text("step")
            .text("summary")
            .text("note")
            .big("version")
            .int("attempts")
            .int("max_attempts")
            .big("run_at")
            .big("lease_until")
            .big("fence")
            .big("created_at")
            .text("created_by")
            .big_null("done_at")
            .create(m)
            .await?;
        index(m, "job", &["phone_id", "state"], false).await?;
        index(m, "job", &["state", "run_at"], false).await?;

        table("cwmp_session")
            .text_key("id")
            .belongs_to("phone_id", "phone")
            .big("seq")
            .text("state")
            .big("lease_until")
            .create(m)
            .await?;
        index(m, "cwmp_session", &["phone_id"], true).await?;

        table("event")
            .serial_key()
            .belongs_to("phone_id", "phone")
            .uuid("property_id")
            .int("boot")
            .big("seq")
            .text("kind")
            .big("at")
            .big("received_at")
            .int_null("account")
            .text_null("detail")
            .create(m)
            .await?;
        index(m, "event", &["phone_id", "boot", "seq"], true).await?;
        index(m, "event", &["phone_id", "id"], false).await?;

        table("live")
            .serial_key()
            .big("at")
            .uuid("property_id")
            .uuid("phone_id")
            .uuid("room_id")
            .uuid("job_id")
            .big_null("event_id")
            .flag("gone")
            .create(m)
            .await?;
        index(m, "live", &["at"], false).await?;

        table("quarantine").serial_key().big("at").text("source").text("reason").text("sample").create(m).await?;
        table("audit")
            .serial_key()
            .big("at")
            .text("actor")
            .text("action")
            .text("target")
            .text("detail")
            .create(m)
            .await?;
        table("idempotency").text_key("key").text("request_hash").text("response").big("created_at").create(m).await?;
        index(m, "idempotency", &["created_at"], false).await?;

        table("person").uuid_key().text("email").text("name").text("password_hash").big("created_at").create(m).await?;
        index(m, "person", &["email"], true).await?;
        table("refresh_token").text_key("id").belongs_to("person_id", "person").big("expires_at").create(m).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        for name in TABLES.into_iter().rev() {
            m.drop_table(Table::drop().table(Alias::new(name)).if_exists().to_owned()).await?;
        }
        Ok(())
    }
}
