//! A database of a test's own: a file, or on PostgreSQL one made for it and dropped afterwards.

use sea_orm::{ConnectionTrait, Database as Connect, DatabaseConnection, DbBackend, Statement};

/// Names a PostgreSQL whose user may create databases.
const VARIABLE: &str = "BELLHOP_TEST_DATABASE_URL";

pub struct Database {
    /// Empty: SQLite in the server's folder.
    pub url: String,
    made: Option<(String, String)>,
}

impl Database {
    pub async fn new() -> Self {
        let Ok(server) = std::env::var(VARIABLE) else { return Self { url: String::new(), made: None } };
        let name = format!("t_{}", uuid::Uuid::new_v4().simple());
        let connection = Connect::connect(&server).await.expect("BELLHOP_TEST_DATABASE_URL answers");
        connection.execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
        connection.close().await.unwrap();
        let (host, _) = server.rsplit_once('/').expect("postgres://user@host/name");
        Self { url: format!("{host}/{name}"), made: Some((server, name)) }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let Some((server, name)) = self.made.take() else { return };
        // A runtime of its own: this one may be ending.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let connection = Connect::connect(&server).await?;
                connection.execute_unprepared(&format!("DROP DATABASE {name} WITH (FORCE)")).await?;
                anyhow::Ok(())
            })
        });
        if let Ok(Err(error)) = dropped.join() {
            eprintln!("a test database stays behind: {error}");
        }
    }
}

/// Every text of every table, as `table.column: text`.
pub async fn every_text(connection: &DatabaseConnection) -> Vec<String> {
    let backend = connection.get_database_backend();
    let names = match backend {
        DbBackend::Postgres => {
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' \
             AND data_type IN ('text', 'character varying', 'json', 'jsonb')"
        }
        _ => {
            "SELECT m.name, p.name FROM sqlite_master m, pragma_table_info(m.name) p WHERE m.type = 'table' \
             AND m.name NOT LIKE 'sqlite_%'"
        }
    };
    let mut texts = Vec::new();
    let columns = connection.query_all_raw(Statement::from_string(backend, names)).await.unwrap();
    for column in columns {
        let (table, name): (String, String) =
            (column.try_get_by_index(0).unwrap(), column.try_get_by_index(1).unwrap());
        let select = format!("SELECT CAST(\"{name}\" AS TEXT) FROM \"{table}\"");
        for row in connection.query_all_raw(Statement::from_string(backend, select)).await.unwrap() {
            if let Ok(text) = row.try_get_by_index::<String>(0) {
                texts.push(format!("{table}.{name}: {text}"));
            }
        }
    }
    texts
}
