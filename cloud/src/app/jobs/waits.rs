//! Jobs between their sending and their end: what they found, what they wait for, and what the phone tells of them by
//! itself.

use contract::rest::{JobState, TaskResult};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter,
    sea_query::{Expr, ExprTrait},
};
use uuid::Uuid;

use super::{Claim, FINISHED, Outcome, WAITING, held, settle};
use crate::app::Result;
use crate::app::live::{Touched, touch};
use crate::clock::now_ms;
use crate::db::entity::{job, phone};

/// Writes what came of a task so far. `false`: the job is no longer ours.
pub async fn keep_result(tx: &impl ConnectionTrait, claim: &Claim, result: &TaskResult) -> Result<bool> {
    let written = job::Entity::update_many()
        .col_expr(job::Column::Result, Expr::value(serde_json::to_string(result)?))
        .filter(held(claim))
        .exec(tx)
        .await?;
    Ok(written.rows_affected == 1)
}

/// Writes what the next attempt has to remember.
pub async fn remember(tx: &impl ConnectionTrait, claim: &Claim, memo: &str) -> Result<()> {
    job::Entity::update_many().col_expr(job::Column::Memo, Expr::value(memo)).filter(held(claim)).exec(tx).await?;
    Ok(())
}

/// The phone works on it by itself, for `ms` milliseconds at most; it tells when it is done.
pub async fn wait(tx: &impl ConnectionTrait, claim: &Claim, ms: i64, note: &str) -> Result<bool> {
    let written = job::Entity::update_many()
        .col_expr(job::Column::Step, Expr::value(WAITING))
        .col_expr(job::Column::LeaseUntil, Expr::value(now_ms() + ms))
        .col_expr(job::Column::Note, Expr::value(note))
        .filter(held(claim))
        .exec(tx)
        .await?;
    tell(tx, claim.id).await?;
    Ok(written.rows_affected == 1)
}

/// Puts a claimed job back as if it had not been claimed, to be tried after `ms` milliseconds.
pub async fn postpone(tx: &impl ConnectionTrait, claim: &Claim, ms: i64, note: &str) -> Result<()> {
    job::Entity::update_many()
        .col_expr(job::Column::State, Expr::value(JobState::Ready.as_str()))
        .col_expr(job::Column::Attempts, Expr::col(job::Column::Attempts).sub(1))
        .col_expr(job::Column::RunAt, Expr::value(now_ms() + ms))
        .col_expr(job::Column::Note, Expr::value(note))
        .filter(held(claim))
        .exec(tx)
        .await?;
    tell(tx, claim.id).await
}

/// The phone says it has finished a task it worked on by itself: what came of it is read in this session.
pub async fn finished(tx: &impl ConnectionTrait, job: &job::Model) -> Result<()> {
    let now = now_ms();
    job::Entity::update_many()
        .col_expr(job::Column::State, Expr::value(JobState::Ready.as_str()))
        .col_expr(job::Column::Step, Expr::value(FINISHED))
        .col_expr(job::Column::RunAt, Expr::value(now))
        .col_expr(job::Column::Note, Expr::value("The phone has finished; its results are read next."))
        .col_expr(job::Column::Fence, Expr::value(job.fence + 1))
        .filter(job::Column::Id.eq(job.id))
        .filter(job::Column::Fence.eq(job.fence))
        .exec(tx)
        .await?;
    tell(tx, job.id).await
}

/// Ends a job by what the phone told of its own accord, whoever holds it. `false`: it has moved on meanwhile.
pub async fn conclude(
    tx: &impl ConnectionTrait,
    job: &job::Model,
    outcome: Outcome,
    result: Option<&TaskResult>,
) -> Result<bool> {
    let (state, note) = match outcome {
        Outcome::Done(note) => (JobState::Done, note),
        Outcome::Failed(note) | Outcome::Doubtful(note) | Outcome::Refused(note) => (JobState::Parked, note),
    };
    let mut change = job::Entity::update_many()
        .col_expr(job::Column::State, Expr::value(state.as_str()))
        .col_expr(job::Column::Note, Expr::value(note))
        .col_expr(job::Column::DoneAt, Expr::value(now_ms()))
        .col_expr(job::Column::Step, Expr::value(""))
        .col_expr(job::Column::Fence, Expr::value(job.fence + 1))
        .filter(job::Column::Id.eq(job.id))
        .filter(job::Column::Fence.eq(job.fence));
    if let Some(result) = result {
        change = change.col_expr(job::Column::Result, Expr::value(serde_json::to_string(result)?));
    }
    let written = change.exec(tx).await?;
    settle(tx, job.phone_id, Some(job.id)).await?;
    Ok(written.rows_affected == 1)
}

/// Cancels a job, whoever holds it.
pub async fn give_up(tx: &impl ConnectionTrait, job: &job::Model, note: &str) -> Result<()> {
    job::Entity::update_many()
        .col_expr(job::Column::State, Expr::value(JobState::Cancelled.as_str()))
        .col_expr(job::Column::Note, Expr::value(note))
        .col_expr(job::Column::DoneAt, Expr::value(now_ms()))
        .col_expr(job::Column::Fence, Expr::value(job.fence + 1))
        .filter(job::Column::Id.eq(job.id))
        .filter(job::Column::Fence.eq(job.fence))
        .exec(tx)
        .await?;
    settle(tx, job.phone_id, Some(job.id)).await
}

/// Tells the live stream of a job.
pub async fn tell(tx: &impl ConnectionTrait, job: Uuid) -> Result<()> {
    let Some(row) = job::Entity::find_by_id(job).one(tx).await? else { return Ok(()) };
    let Some(phone) = phone::Entity::find_by_id(row.phone_id).one(tx).await? else { return Ok(()) };
    touch(tx, [Touched { job: Some(job), ..Touched::phone(&phone) }]).await?;
    Ok(())
}
