//! The database: connection, transactions, entities.

pub mod column;
pub mod entity;
pub mod gather;
pub mod insert;
mod writer;

use std::time::Duration;

use migrations::Migrator;
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    SqliteTransactionMode, TransactionOptions, TransactionTrait,
};
use sea_orm_migration::MigratorTrait;

use self::writer::{Turn, Writer};

/// A pool, and for SQLite the queue its single writer needs.
pub struct Db {
    pool: DatabaseConnection,
    writer: Option<Writer>,
}

/// A write transaction. Nothing is kept unless [`WriteTx::commit`] returns, and then it is on disk.
pub struct WriteTx {
    // Dropped in this order: what was not committed is rolled back before the next may write.
    pub tx: DatabaseTransaction,
    turn: Option<Turn>,
}

impl WriteTx {
    pub async fn commit(self) -> Result<(), DbErr> {
        self.tx.commit().await?;
        match self.turn {
            Some(turn) => turn.commit().await,
            None => Ok(()),
        }
    }
}

impl Db {
    /// Connects to `sqlite://path` (the file is made if it is missing) or `postgres://…`, and migrates.
    pub async fn connect(url: &str, max_connections: u32) -> anyhow::Result<Self> {
        let mut options = ConnectOptions::new(url);
        options
            .max_connections(max_connections)
            .acquire_timeout(Duration::from_secs(10))
            .sqlx_logging(false)
            .map_sqlx_sqlite_opts(|options| {
                options
                    .create_if_missing(true)
                    .foreign_keys(true)
                    .pragma("journal_mode", "WAL")
                    // An acknowledged event or an accepted change survives a power cut, not only a crash.
                    .pragma("synchronous", "FULL")
                    // Pages are read where the system has them already, instead of being copied.
                    .pragma("mmap_size", "268435456")
                    .pragma("busy_timeout", "10000")
            });
        let pool = Database::connect(options).await?;
        let writer = (pool.get_database_backend() == DbBackend::Sqlite).then(Writer::default);
        let db = Self { pool, writer };
        // One of several processes that are started together; the others find it done.
        let write = db.write().await?;
        Migrator::up(&write.tx, None).await?;
        write.commit().await?;
        Ok(db)
    }

    /// For reading.
    pub fn read(&self) -> &DatabaseConnection {
        &self.pool
    }

    /// For a change of many rows, such as a room's with the documents and jobs that follow: one at a time, in whatever
    /// process, because documents are folded from what all changes said. On PostgreSQL it waits for those that write
    /// about one phone to end, and they for it, so that neither can hold a row the other waits for.
    pub async fn write(&self) -> Result<WriteTx, DbErr> {
        self.begin("SELECT pg_advisory_xact_lock(1207)").await
    }

    /// For writing about one phone, or in the order of their ids about several, or about none: many at a time.
    pub async fn write_beside(&self) -> Result<WriteTx, DbErr> {
        self.begin("SELECT pg_advisory_xact_lock_shared(1207)").await
    }

    async fn begin(&self, lock: &str) -> Result<WriteTx, DbErr> {
        let Some(writer) = &self.writer else {
            let tx = self.pool.begin().await?;
            tx.execute_unprepared(lock).await?;
            return Ok(WriteTx { tx, turn: None });
        };
        let options = TransactionOptions {
            // Taking the write lock at BEGIN, so that a transaction that starts by reading cannot fail to upgrade.
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..Default::default()
        };
        let pool = self.pool.clone();
        let (tx, turn) = writer.begin(move || async move { pool.begin_with_options(options).await }).await?;
        Ok(WriteTx { tx, turn: Some(turn) })
    }

    /// Ends what is under way and closes.
    pub async fn close(&self) -> Result<(), DbErr> {
        self.pool.close_by_ref().await
    }
}

/// An empty database of a test's own, in a folder that goes with it.
#[cfg(test)]
pub async fn scratch(connections: u32) -> (Db, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("test.sqlite").display());
    (Db::connect(&url, connections).await.unwrap(), folder)
}

/// Whether an error is a unique index saying no.
pub fn is_duplicate(error: &DbErr) -> bool {
    matches!(error.sql_err(), Some(sea_orm::SqlErr::UniqueConstraintViolation(_)))
}

/// Whether an error is a reference to a row that is not there (any more).
pub fn refers_to_nothing(error: &DbErr) -> bool {
    matches!(error.sql_err(), Some(sea_orm::SqlErr::ForeignKeyConstraintViolation(_)))
}
