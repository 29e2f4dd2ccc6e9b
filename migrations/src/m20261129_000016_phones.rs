//! Phones that only fetch files say so, with the name of what they fetched last; and what users set at their phones, as the
//! phones report it.

use sea_orm_migration::prelude::*;

use crate::table::{add_big, add_flag, add_text};

/// What rows of before mean by the new words.
const SAID_ANEW: [&str; 4] = [
    r#"UPDATE "phone" SET "state" = 'files-only'
       WHERE "mqtt_hash" = '' AND "last_inform" IS NULL AND "last_seen" IS NOT NULL AND "state" = 'unregistered'"#,
    r#"UPDATE "phone" SET "sync" = 'fetched'
       WHERE "mqtt_hash" = '' AND "last_inform" IS NULL AND "last_seen" IS NOT NULL AND "sync" = 'in-sync'"#,
    r#"UPDATE "job" SET "step" = 'fetched'
       WHERE "kind" = 'configure' AND "state" = 'done' AND "note" LIKE 'Fetched as a file; not verified.%'"#,
    // Those that phoned home since were never asked: now they are, when they next do.
    r#"UPDATE "phone" SET "sync" = 'fetched'
       WHERE "sync" = 'in-sync' AND "last_inform" IS NOT NULL AND "applied_version" < "desired_version" AND 'fetched' =
       (SELECT "step" FROM "job" WHERE "job"."phone_id" = "phone"."id" AND "kind" = 'configure' AND "job"."state" = 'done'
        ORDER BY "version" DESC LIMIT 1)"#,
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
        add_big(m, "phone", "user_changes").await?;
        for sql in SAID_ANEW {
            m.get_connection().execute_unprepared(sql).await?;
        }
        Ok(())
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        let of_phone = ["set_by_user", "user_protection", "user_changes"].map(|column| ("phone", column));
        for (table, column) in of_phone.into_iter().chain([("phone_file", "name")]) {
            let mut change = Table::alter();
            m.alter_table(change.table(Alias::new(table)).drop_column(Alias::new(column)).to_owned()).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use sea_orm_migration::sea_orm::{ConnectOptions, ConnectionTrait, Database, DbErr};
    use sea_orm_migration::{MigrationName, MigratorTrait};

    use super::Migration;
    use crate::Migrator;

    #[tokio::test]
    async fn phones_of_before_are_said_anew_by_what_was_heard_of_them() -> Result<(), DbErr> {
        let mut options = ConnectOptions::new("sqlite::memory:");
        // Each connection would be a database of its own.
        options.max_connections(1);
        let db = Database::connect(options).await?;
        let before = Migrator::migrations().iter().take_while(|one| one.name() != Migration.name()).count();
        Migrator::up(&db, u32::try_from(before).ok()).await?;
        let phone = |id: u8, broker: &str, informed: &str, seen: &str| {
            format!(
                r#"INSERT INTO "phone" ("id", "mac", "mqtt_hash", "last_inform", "last_seen", "state", "sync") VALUES
                (x'0{id}', '{id}', '{broker}', {informed}, {seen}, 'unregistered', 'in-sync')"#
            )
        };
        for sql in [
            phone(1, "", "NULL", "5"),
            phone(2, "", "5", "5"),
            phone(3, "hash", "NULL", "5"),
            phone(4, "hash", "6", "6"),
            r#"UPDATE "phone" SET "desired_version" = 2, "applied_version" = CASE WHEN "mac" = '4' THEN 1 ELSE 2 END"#
                .to_owned(),
            r#"INSERT INTO "job" ("id", "phone_id", "kind", "state", "note") VALUES
                (x'01', x'01', 'configure', 'done', 'Fetched as a file; not verified. 2 settings cannot be said in one.'),
                (x'02', x'01', 'configure', 'done', 'One value set and read back.'),
                (x'03', x'02', 'configure', 'done', 'Fetched as a file; not verified.'),
                (x'04', x'04', 'configure', 'done', 'Fetched as a file; not verified.')"#
                .to_owned(),
        ] {
            db.execute_unprepared(&sql).await?;
        }
        Migrator::up(&db, None).await?;
        let count = async |sql: &str| -> Result<u64, DbErr> { Ok(db.execute_unprepared(sql).await?.rows_affected()) };
        let said = r#"UPDATE "phone" SET "sync" = "sync" WHERE "state" = 'files-only' AND "sync" = 'fetched'"#;
        assert_eq!(count(said).await?, 1);
        assert_eq!(count(&format!(r#"{said} AND "mac" = '1' AND "set_by_user" = ''"#)).await?, 1);
        assert_eq!(count(r#"UPDATE "job" SET "note" = "note" WHERE "step" = 'fetched'"#).await?, 3);
        let asked = r#"UPDATE "phone" SET "sync" = "sync" WHERE "sync" = 'fetched' AND "last_inform" IS NOT NULL"#;
        assert_eq!(count(asked).await?, 1, "what was verified since stays so");
        assert_eq!(count(&format!(r#"{asked} AND "mac" = '4'"#)).await?, 1);
        Ok(())
    }
}
