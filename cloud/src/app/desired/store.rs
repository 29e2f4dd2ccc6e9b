//! Documents, jobs and live rows of many phones, with few statements.

use std::collections::HashMap;

use contract::rest::SyncState;
use sea_orm::sea_query::{Expr, ExprTrait, JoinType, OnConflict, Query};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, IntoActiveModel, Iterable,
};
use sea_orm::{QueryFilter, QuerySelect};
use uuid::Uuid;

use super::supersede;
use super::targets::{Target, WAITS};
use crate::app::{AppError, Result};
use crate::clock::now_ms;
use crate::db::entity::{job, live, phone, phone_document};

/// Rows of one statement, with at most three parameters each: SQLite takes 32,766.
const ROWS: usize = 10_000;
/// What a statement calls the rows it is given; their columns are `column1` and so on, in both databases.
const MADE: &str = "made";

#[derive(FromQueryResult)]
struct Stored {
    phone_id: Uuid,
    desired: String,
}

/// The desired documents there are, by phone.
pub async fn documents(tx: &impl ConnectionTrait, targets: &[Target]) -> Result<HashMap<Uuid, String>> {
    use phone_document::Column::{Desired, PhoneId};
    let query = phone_document::Entity::find().select_only().columns([PhoneId, Desired]);
    let query = query.filter(PhoneId.is_in(targets.iter().map(|target| target.id)));
    let rows = query.into_model::<Stored>().all(tx).await?;
    Ok(rows.into_iter().map(|row| (row.phone_id, row.desired)).collect())
}

/// Writes desired documents, by phone.
pub async fn keep_documents(tx: &impl ConnectionTrait, documents: Vec<(Uuid, String)>) -> Result<()> {
    use phone_document::Column::{Applied, Desired, PhoneId, Reported, ReportedAt};
    let mut documents = documents.into_iter().peekable();
    while documents.peek().is_some() {
        let mut rows = Query::select();
        rows.from_values(documents.by_ref().take(ROWS), MADE).column((MADE, "column1")).column((MADE, "column2"));
        rows.expr(Expr::value("{}")).expr(Expr::value("{}")).expr(Expr::value(0_i64));
        // Without it SQLite takes ON for a join's.
        rows.and_where(Expr::cust("true"));
        let mut insert = Query::insert();
        insert.into_table(phone_document::Entity).columns([PhoneId, Desired, Reported, Applied, ReportedAt]);
        insert.select_from(rows).map_err(misbuilt)?;
        insert.on_conflict(OnConflict::column(PhoneId).update_column(Desired).to_owned());
        tx.execute(&insert).await?;
    }
    Ok(())
}

/// Moves the version of these phones on and makes the jobs that bring it to them, alike but for phone and version.
pub async fn make_jobs(
    tx: &impl ConnectionTrait,
    targets: &[&Target],
    job: impl Fn(&Target, i64) -> job::Model,
) -> Result<Vec<job::Model>> {
    let ids: Vec<Uuid> = targets.iter().map(|target| target.id).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    phone::Entity::update_many()
        .col_expr(phone::Column::DesiredVersion, Expr::col(phone::Column::DesiredVersion).add(1))
        .col_expr(phone::Column::Sync, Expr::value(SyncState::Pending.as_str()))
        .filter(phone::Column::Id.is_in(ids.clone()))
        .exec(tx)
        .await?;
    supersede(tx, ids, now_ms()).await?;
    let jobs: Vec<job::Model> = targets.iter().map(|target| job(target, target.desired_version + 1)).collect();
    // Of one kind but for this, so that what they have in common is sent once.
    for note in WAITS {
        insert_jobs(tx, jobs.iter().filter(|job| job.note == note).collect()).await?;
    }
    tell(tx, &jobs).await?;
    Ok(jobs)
}

/// Inserts jobs that differ in nothing but id, phone and version.
async fn insert_jobs(tx: &impl ConnectionTrait, jobs: Vec<&job::Model>) -> Result<()> {
    let Some(first) = jobs.first() else { return Ok(()) };
    let common = (*first).clone().into_active_model();
    for part in jobs.chunks(ROWS) {
        let mut rows = Query::select();
        rows.from_values(part.iter().map(|job| (job.id, job.phone_id, job.version)), MADE);
        for column in job::Column::iter() {
            match column {
                job::Column::Id => rows.column((MADE, "column1")),
                job::Column::PhoneId => rows.column((MADE, "column2")),
                job::Column::Version => rows.column((MADE, "column3")),
                other => match common.get(other).into_value() {
                    Some(value) => rows.expr(Expr::value(value)),
                    None => continue,
                },
            };
        }
        let mut insert = Query::insert();
        insert.into_table(job::Entity).columns(job::Column::iter());
        insert.select_from(rows).map_err(misbuilt)?;
        tx.execute(&insert).await?;
    }
    Ok(())
}

/// Names jobs with their phones and rooms to the live stream.
async fn tell(tx: &impl ConnectionTrait, jobs: &[job::Model]) -> Result<()> {
    use live::Column::{At, Gone, JobId, PhoneId, PropertyId, RoomId};
    for part in jobs.chunks(ROWS) {
        let mut rows = Query::select();
        rows.from_values(part.iter().map(|job| (job.id, job.phone_id)), MADE);
        let same = Expr::col((phone::Entity, phone::Column::Id)).equals((MADE, "column2"));
        rows.join(JoinType::InnerJoin, phone::Entity, same).expr(Expr::value(now_ms()));
        for column in [phone::Column::PropertyId, phone::Column::Id, phone::Column::RoomId] {
            rows.column((phone::Entity, column));
        }
        rows.column((MADE, "column1")).expr(Expr::value(false));
        let mut insert = Query::insert();
        insert.into_table(live::Entity).columns([At, PropertyId, PhoneId, RoomId, JobId, Gone]);
        insert.select_from(rows).map_err(misbuilt)?;
        tx.execute(&insert).await?;
    }
    Ok(())
}

fn misbuilt(error: sea_orm::sea_query::error::Error) -> AppError {
    AppError::Internal(error.into())
}
