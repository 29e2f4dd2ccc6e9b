//! The least a database can do: the rows of the last change written as they are, into tables without an index.

use std::time::Instant;

use anyhow::Result;
use cloud::app::App;
use cloud::db::entity::{job, live, phone_document};
use sea_orm::sea_query::{Alias, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

/// Rows of one statement.
const ROWS: usize = 10_000;

/// Seconds, and bytes of the documents.
pub async fn write_again(app: &App) -> Result<(f64, u64)> {
    let documents = phone_document::Entity::find().all(app.db.read()).await?;
    let documents: Vec<String> = documents.into_iter().map(|row| row.desired).collect();
    let bytes = documents.iter().map(|text| text.len() as u64).sum();
    let newest = job::Entity::find().order_by_desc(job::Column::CreatedAt).one(app.db.read()).await?;
    let newest = newest.and_then(|job| job.change_set_id);
    let jobs = job::Entity::find().filter(job::Column::ChangeSetId.eq(newest)).all(app.db.read()).await?;
    let rows = live::Entity::find().order_by_desc(live::Column::Id).limit(jobs.len() as u64).all(app.db.read()).await?;
    let jobs: Vec<String> = jobs.iter().map(|job| format!("{job:?}")).collect();
    let rows: Vec<String> = rows.iter().map(|row| format!("{row:?}")).collect();
    for table in ["bench_documents", "bench_jobs", "bench_live"] {
        app.db.read().execute_unprepared(&format!("CREATE TABLE {table} (id BIGINT, text TEXT)")).await?;
    }
    let start = Instant::now();
    let write = app.db.write().await?;
    for (table, texts) in [("bench_documents", &documents), ("bench_jobs", &jobs), ("bench_live", &rows)] {
        for (at, part) in texts.chunks(ROWS).enumerate() {
            let mut insert = Query::insert();
            insert.into_table(Alias::new(table)).columns([Alias::new("id"), Alias::new("text")]);
            for (row, text) in part.iter().enumerate() {
                insert.values([((at * ROWS + row) as i64).into(), text.as_str().into()])?;
            }
            write.tx.execute(&insert).await?;
        }
    }
    write.commit().await?;
    Ok((start.elapsed().as_secs_f64(), bytes))
}
