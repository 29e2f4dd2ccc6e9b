//! How a change ends that phones follow.

use contract::PhoneId;
use contract::rest::Accepted;
use serde::Serialize;
use uuid::Uuid;

use super::idempotency::Once;
use super::{App, Result, layers, views};
use crate::db::WriteTx;
use crate::db::entity::job;

/// Keeps the answer for a request that comes again, commits, and asks the phones of these jobs in. Of a request that is only
/// tried nothing is kept, and the answer says what it would have done.
pub async fn close(app: &App, write: WriteTx, once: &Once, jobs: &[job::Model], answer: Accepted) -> Result<Accepted> {
    if once.dry_run {
        let phones: Vec<Uuid> = jobs.iter().map(|job| job.phone_id).collect();
        let preview = layers::taken_back(app, write, &phones).await?;
        return Ok(Accepted { preview: Some(preview), ..views::accepted_many(&[]) });
    }
    close_with(app, write, once, jobs, answer).await
}

/// The same with an answer of another kind, for requests that are never only tried.
pub async fn close_with<T: Serialize>(
    app: &App,
    write: WriteTx,
    once: &Once,
    jobs: &[job::Model],
    answer: T,
) -> Result<T> {
    once.keep(&write.tx, &answer).await?;
    write.commit().await?;
    app.live.wake();
    app.nudge(jobs.iter().map(|job| PhoneId(job.phone_id)));
    Ok(answer)
}
