//! The database schema, one set for SQLite and PostgreSQL. A migration that has shipped is never edited; a change is
//! a new file. Columns are added first and removed one release later, so that two versions can run side by side.

use sea_orm_migration::prelude::*;

mod m20261123_000001_spine;
mod m20261123_000002_tasks;
mod m20261123_000003_trust;
mod m20261123_000005_telemetry;
mod m20261123_000006_audit;
mod m20261123_000007_keep;
mod m20261129_000008_layers;
mod m20261129_000009_accounts;
mod m20261129_000010_imports;
mod m20261129_000011_provision;
mod m20261129_000012_claims;
mod m20261129_000013_import_shown;
mod m20261129_000015_import_change_sets;
mod m20261129_000016_phones;
mod m20261129_000017_secret_key;
mod m20261129_000018_file_keys;
mod table;

pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261123_000001_spine::Migration),
            Box::new(m20261123_000002_tasks::Migration),
            Box::new(m20261123_000003_trust::Migration),
            Box::new(m20261123_000005_telemetry::Migration),
            Box::new(m20261123_000006_audit::Migration),
            Box::new(m20261123_000007_keep::Migration),
            Box::new(m20261129_000008_layers::Migration),
            Box::new(m20261129_000009_accounts::Migration),
            Box::new(m20261129_000011_provision::Migration),
            Box::new(m20261129_000010_imports::Migration),
            Box::new(m20261129_000012_claims::Migration),
            Box::new(m20261129_000013_import_shown::Migration),
            Box::new(m20261129_000015_import_change_sets::Migration),
            Box::new(m20261129_000016_phones::Migration),
            Box::new(m20261129_000017_secret_key::Migration),
            Box::new(m20261129_000018_file_keys::Migration),
        ]
    }
}
