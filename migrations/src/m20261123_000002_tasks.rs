//! What a person asks of one phone: tasks, files, the phone's parameter tree, and records of its sessions.

use sea_orm_migration::prelude::*;

use crate::table::{add_text, index, table};

#[derive(DeriveMigrationName)]
pub struct Migration;

const TABLES: [&str; 5] = ["phone_parameter", "file", "file_chunk", "cwmp_trace", "model_batch"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        for column in ["detail", "result", "command_key", "memo"] {
            add_text(m, "job", column).await?;
        }
        index(m, "job", &["command_key"], false).await?;

        table("phone_parameter")
            .serial_key()
            .belongs_to("phone_id", "phone")
            .text("path")
            .text("parent")
            .flag("object")
            .flag("writable")
            .text_null("value")
            .text("xsd_type")
            .int_null("notification")
            .big("read_at")
            .text_null("previous")
            .big_null("changed_at")
            .create(m)
            .await?;
        index(m, "phone_parameter", &["phone_id", "path"], true).await?;
        index(m, "phone_parameter", &["phone_id", "parent"], false).await?;

        table("file")
            .uuid_key()
            .text("name")
            .text("file_type")
            .big("size")
            .text("sha256")
            .big("created_at")
            .text("created_by")
            .points_to("phone_id", "phone")
            .flag("complete")
            .create(m)
            .await?;
        table("file_chunk").serial_key().belongs_to("file_id", "file").int("part").bytes("bytes").create(m).await?;
        index(m, "file_chunk", &["file_id", "part"], true).await?;

        table("cwmp_trace")
            .serial_key()
            .belongs_to("phone_id", "phone")
            .big("started_at")
            .big_null("ended_at")
            .text("events")
            .text("outcome")
            .big("bytes_in")
            .big("bytes_out")
            .text("steps")
            .text("messages")
            .create(m)
            .await?;
        index(m, "cwmp_trace", &["phone_id", "id"], false).await?;
        index(m, "cwmp_trace", &["started_at"], false).await?;

        table("model_batch")
            .serial_key()
            .text("manufacturer")
            .text("model")
            .text("firmware")
            .int("get_batch")
            .int("set_batch")
            .big("updated_at")
            .create(m)
            .await?;
        index(m, "model_batch", &["manufacturer", "model", "firmware"], true).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        for name in TABLES.into_iter().rev() {
            m.drop_table(Table::drop().table(Alias::new(name)).if_exists().to_owned()).await?;
        }
        m.drop_index(Index::drop().name("job_command_key").table(Alias::new("job")).to_owned()).await?;
        for column in ["detail", "result", "command_key", "memo"] {
            let mut change = Table::alter();
            change.table(Alias::new("job")).drop_column(Alias::new(column));
            m.alter_table(change).await?;
        }
        Ok(())
    }
}
