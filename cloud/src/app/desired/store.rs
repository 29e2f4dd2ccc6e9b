//! Documents, jobs and live rows of many phones, with few statements.

use std::collections::HashMap;

use contract::rest::SyncState;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};
use sea_orm::{FromQueryResult, IntoActiveModel};
use uuid::Uuid;

use super::targets::Target;
use super::{Change, job_of, supersede};
use crate::app::live::{Touched, touch};
use crate::app::{App, Result};
use crate::clock::now_ms;
use crate::db::entity::{job, phone, phone_document};

/// Rows of documents and of jobs in one statement: SQLite takes 32,766 parameters.
const DOCUMENTS: usize = 6_000;
const JOBS: usize = 1_400;

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
pub async fn keep_documents(tx: &impl ConnectionTrait, documents: &[(Uuid, String)]) -> Result<()> {
    for part in documents.chunks(DOCUMENTS) {
        let rows = part.iter().map(|(phone, desired)| phone_document::ActiveModel {
            phone_id: Set(*phone),
            desired: Set(desired.clone()),
            reported: Set("{}".to_owned()),
            applied: Set("{}".to_owned()),
            reported_at: Set(0),
        });
        let only_desired = OnConflict::column(phone_document::Column::PhoneId)
            .update_column(phone_document::Column::Desired)
            .to_owned();
        phone_document::Entity::insert_many(rows).on_conflict(only_desired).exec_without_returning(tx).await?;
    }
    Ok(())
}

/// Moves the version of these phones on and makes the jobs that bring it to them.
pub async fn make_jobs(
    app: &App,
    tx: &impl ConnectionTrait,
    targets: &[&Target],
    change: &Change<'_>,
    change_set: Option<Uuid>,
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
    let jobs: Vec<job::Model> = targets
        .iter()
        .map(|target| {
            let version = target.desired_version + 1;
            let job = job_of(app, target.id, target.connected, change.actor, change.summary.clone(), version);
            job::Model { change_set_id: change_set, ..job }
        })
        .collect();
    for part in jobs.chunks(JOBS) {
        let rows = part.iter().cloned().map(IntoActiveModel::into_active_model);
        job::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    let touched = targets.iter().zip(&jobs).map(|(target, job)| Touched { job: Some(job.id), ..target.touched() });
    touch(tx, touched).await?;
    Ok(jobs)
}
