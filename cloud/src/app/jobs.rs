//! The job engine. A job is claimed under a lease with a fence; every later write names the fence, so whoever lost the
//! lease cannot write any more. A step is saved before it leaves, and after a crash its effect is read back first.

mod waits;

use contract::JobId;
use contract::rest::{JobState, JobView, SyncState};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::{Expr, ExprTrait},
};
use uuid::Uuid;

use super::error::{conflict, not_found};
use super::live::{Touched, touch};
use super::{Actor, App, Result, audit, tasks, views};
use crate::clock::now_ms;
use crate::config::Jobs;
use crate::db::entity::{job, phone, room};
use crate::domain::retry::backoff_s;
use crate::secrets::random_fraction;

pub use waits::{conclude, finished, give_up, keep_result, postpone, remember, tell, wait};

/// The step of a job whose request may have left: what took effect is read before anything is sent again.
pub const SENT: &str = "sent";
/// The step of a job a person put back to work: the same, and what the phone refused is tried again.
pub const AGAIN: &str = "again";
/// The step of a task the phone works on by itself: a transfer, a restart, a measurement. Until its lease ends, nobody
/// takes it over.
pub const WAITING: &str = "waiting";
/// The step of a task the phone has finished: what came of it is to be read.
pub const FINISHED: &str = "finished";
/// The step of a change that a phone with nothing but files fetched: done, and never read back.
pub const FETCHED: &str = "fetched";

/// The kind of a job that brings a phone to its desired document. All others are tasks.
pub const CONFIGURE: &str = "configure";

/// A claimed job: the right to write about it until somebody else claims it.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, PartialEq, Eq)]
pub struct Claim {
    pub id: Uuid,
    pub fence: i64,
}

/// Takes the oldest job that is due for a phone. `take_over`: the phone has begun a new session, so whoever was
/// running its job is gone.
pub async fn claim(
    tx: &impl ConnectionTrait,
    limits: &Jobs,
    phone: Uuid,
    take_over: bool,
) -> Result<Option<job::Model>> {
    let now = now_ms();
    let due = due(now, take_over);
    let found = job::Entity::find()
        .filter(job::Column::PhoneId.eq(phone))
        .filter(due)
        .order_by_asc(job::Column::CreatedAt)
        .order_by_asc(job::Column::Id)
        .one(tx)
        .await?;
    let Some(mut job) = found else { return Ok(None) };
    if job.attempts >= job.max_attempts {
        // Every attempt so far was cut off before it could end; one more would be, too.
        park(tx, &job).await?;
        return Box::pin(claim(tx, limits, phone, take_over)).await;
    }
    let claimed = job::Entity::update_many()
        .col_expr(job::Column::State, Expr::value(JobState::Running.as_str()))
        .col_expr(job::Column::Fence, Expr::value(job.fence + 1))
        .col_expr(job::Column::Attempts, Expr::value(job.attempts + 1))
        .col_expr(job::Column::LeaseUntil, Expr::value(now + i64::from(limits.lease_s) * 1000))
        .col_expr(job::Column::Note, Expr::value("The phone is here; working on it."))
        .filter(job::Column::Id.eq(job.id))
        .filter(job::Column::Fence.eq(job.fence))
        .exec(tx)
        .await?;
    if claimed.rows_affected == 0 {
        return Ok(None);
    }
    job.fence += 1;
    job.attempts += 1;
    job.state = JobState::Running.as_str().to_owned();
    Ok(Some(job))
}

/// What [`claim`] takes. The columns name their table, for queries over several.
fn due(now: i64, take_over: bool) -> Expr {
    let column = |column: job::Column| Expr::col((job::Entity, column));
    let is = |state: JobState| column(job::Column::State).eq(state.as_str());
    let mut running = column(job::Column::LeaseUntil).lt(now);
    if take_over {
        running = running.or(column(job::Column::Step).ne(WAITING));
    }
    is(JobState::Ready).and(column(job::Column::RunAt).lte(now)).or(is(JobState::Running).and(running))
}

/// Those of `phones` for which [`claim`] finds something in a new session.
pub fn phones_of_due(phones: &[Uuid]) -> Select<job::Entity> {
    let phones = phones.iter().copied();
    let all = job::Entity::find().select_only().column(job::Column::PhoneId);
    all.filter(job::Column::PhoneId.is_in(phones)).filter(due(now_ms(), true))
}

/// The same for the phone of a query this stands in.
pub fn due_of_phone() -> Select<job::Entity> {
    let of = Expr::col((job::Entity, job::Column::PhoneId)).equals((phone::Entity, phone::Column::Id));
    job::Entity::find().select_only().column(job::Column::Id).filter(of).filter(due(now_ms(), true))
}

async fn park(tx: &impl ConnectionTrait, job: &job::Model) -> Result<()> {
    job::Entity::update_many()
        .col_expr(job::Column::State, Expr::value(JobState::Parked.as_str()))
        .col_expr(job::Column::Note, Expr::value(format!("Cut off {} times before it could end.", job.attempts)))
        .col_expr(job::Column::DoneAt, Expr::value(now_ms()))
        .filter(job::Column::Id.eq(job.id))
        .filter(job::Column::Fence.eq(job.fence))
        .exec(tx)
        .await?;
    settle(tx, job.phone_id, Some(job.id)).await
}

/// Saves what is about to be sent and renews the lease. `false`: the job is no longer ours.
pub async fn save_step(tx: &impl ConnectionTrait, limits: &Jobs, claim: &Claim, step: &str) -> Result<bool> {
    let written = job::Entity::update_many()
        .col_expr(job::Column::Step, Expr::value(step))
        .col_expr(job::Column::LeaseUntil, Expr::value(now_ms() + i64::from(limits.lease_s) * 1000))
        .filter(held(claim))
        .exec(tx)
        .await?;
    Ok(written.rows_affected == 1)
}

fn held(claim: &Claim) -> Expr {
    Expr::col(job::Column::Id)
        .eq(claim.id)
        .and(Expr::col(job::Column::Fence).eq(claim.fence))
        .and(Expr::col(job::Column::State).eq(JobState::Running.as_str()))
}

/// How an attempt ended.
pub enum Outcome {
    /// Done, and seen to be done.
    Done(String),
    /// May work next time.
    Failed(String),
    /// The same, but it may have taken effect: the next attempt asks the phone first.
    Doubtful(String),
    /// Will not work however often it is tried.
    Refused(String),
}

/// Ends an attempt. `false`: the job is no longer ours and nothing was written.
pub async fn end(tx: &impl ConnectionTrait, limits: &Jobs, claim: &Claim, outcome: Outcome) -> Result<bool> {
    let Some(job) = job::Entity::find_by_id(claim.id).filter(held(claim)).one(tx).await? else {
        return Ok(false);
    };
    let now = now_ms();
    let last = job.attempts >= job.max_attempts;
    let step = if matches!(outcome, Outcome::Doubtful(_)) { job.step.as_str() } else { "" };
    let (state, note, done_at, run_at) = match outcome {
        Outcome::Done(note) => (JobState::Done, note, Some(now), job.run_at),
        Outcome::Refused(note) => (JobState::Parked, note, Some(now), job.run_at),
        Outcome::Failed(note) | Outcome::Doubtful(note) if last => {
            (JobState::Parked, format!("{note} Given up after {} tries.", job.attempts), Some(now), job.run_at)
        }
        Outcome::Failed(note) | Outcome::Doubtful(note) => {
            let wait = backoff_s(job.attempts, limits.retry_base_s, limits.retry_cap_s, random_fraction());
            (JobState::Ready, format!("{note} Trying again."), None, now + (wait * 1000.0) as i64)
        }
    };
    job::Entity::update_many()
        .col_expr(job::Column::State, Expr::value(state.as_str()))
        .col_expr(job::Column::Note, Expr::value(note))
        .col_expr(job::Column::DoneAt, Expr::value(done_at))
        .col_expr(job::Column::RunAt, Expr::value(run_at))
        .col_expr(job::Column::Step, Expr::value(step))
        .filter(held(claim))
        .exec(tx)
        .await?;
    settle(tx, job.phone_id, Some(job.id)).await?;
    Ok(true)
}

/// Derives a phone's sync state from its changes of settings, and tells the live stream.
pub async fn settle(tx: &impl ConnectionTrait, phone: Uuid, job: Option<Uuid>) -> Result<()> {
    // Before its jobs: what is written is never older than what it replaces.
    let Some(row) = phone::Entity::find_by_id(phone).one(tx).await? else { return Ok(()) };
    let newest = job::Entity::find()
        .filter(job::Column::PhoneId.eq(phone))
        .filter(job::Column::Kind.eq(CONFIGURE))
        .filter(job::Column::State.ne(JobState::Superseded.as_str()))
        .order_by_desc(job::Column::CreatedAt)
        .order_by_desc(job::Column::Id)
        .one(tx)
        .await?;
    let sync = newest.as_ref().map_or(SyncState::Unknown, sync_after);
    if row.sync != sync.as_str() {
        phone::Entity::update_many()
            .col_expr(phone::Column::Sync, Expr::value(sync.as_str()))
            .filter(phone::Column::Id.eq(phone))
            .exec(tx)
            .await?;
    }
    touch(tx, [Touched { job, ..Touched::phone(&row) }]).await?;
    Ok(())
}

/// How a phone stands to what it should be, by the newest of its changes.
fn sync_after(job: &job::Model) -> SyncState {
    match views::job_state(job) {
        JobState::Done if job.step == FETCHED => SyncState::Fetched,
        JobState::Done => SyncState::InSync,
        // Given up by a person or by us: the phone is not what it should be.
        JobState::Parked | JobState::Cancelled => SyncState::Failed,
        JobState::Ready | JobState::Running | JobState::Superseded => SyncState::Pending,
    }
}

/// Phones for which a job is due, or was left by whoever ran it.
pub async fn phones_waiting(app: &App) -> Result<Vec<Uuid>> {
    let now = now_ms();
    Ok(job::Entity::find()
        .select_only()
        .column(job::Column::PhoneId)
        .distinct()
        .filter(
            Expr::col(job::Column::State).eq(JobState::Ready.as_str()).and(Expr::col(job::Column::RunAt).lte(now)).or(
                Expr::col(job::Column::State)
                    .eq(JobState::Running.as_str())
                    .and(Expr::col(job::Column::LeaseUntil).lt(now)),
            ),
        )
        .into_tuple()
        .all(app.db.read())
        .await?)
}

/// Jobs whose phone fell silent wait for it again. What was sent is read back before anything is sent again.
pub async fn release_expired(tx: &impl ConnectionTrait) -> Result<u64> {
    let now = now_ms();
    let waited = Expr::col(job::Column::Step).eq(WAITING);
    let note: Expr = Expr::case(waited, "The phone did not tell how it ended; it is asked when it comes in.")
        .finally("The phone fell silent in the middle; waiting for it to come in.")
        .into();
    let released = job::Entity::update_many()
        .col_expr(job::Column::State, Expr::value(JobState::Ready.as_str()))
        .col_expr(job::Column::Fence, Expr::col(job::Column::Fence).add(1))
        .col_expr(job::Column::Note, note)
        .filter(job::Column::State.eq(JobState::Running.as_str()))
        .filter(job::Column::LeaseUntil.lt(now))
        .exec(tx)
        .await?;
    Ok(released.rows_affected)
}

/// Puts a parked job back to work.
pub async fn retry(app: &App, actor: &Actor, id: JobId) -> Result<JobView> {
    change(app, actor, id, "job.retry", &[JobState::Parked], |_| {
        (JobState::Ready, "Waiting for the phone to come in.", None)
    })
    .await
}

/// Gives a waiting job up.
pub async fn cancel(app: &App, actor: &Actor, id: JobId) -> Result<JobView> {
    change(app, actor, id, "job.cancel", &[JobState::Ready, JobState::Running, JobState::Parked], |now| {
        (JobState::Cancelled, "Cancelled.", Some(now))
    })
    .await
}

async fn change(
    app: &App,
    actor: &Actor,
    id: JobId,
    action: &str,
    from: &[JobState],
    to: impl FnOnce(i64) -> (JobState, &'static str, Option<i64>),
) -> Result<JobView> {
    let write = app.db.write().await?;
    let job = job::Entity::find_by_id(id.0).one(&write.tx).await?.ok_or_else(|| not_found("job"))?;
    if !from.contains(&views::job_state(&job)) {
        let words: Vec<&str> = from.iter().map(|state| state.as_str()).collect();
        let detail =
            format!("The job is {}; only one that is {} can be changed like this.", job.state, words.join(" or "));
        return Err(conflict("job-state", "state", detail));
    }
    let now = now_ms();
    let (state, note, done_at) = to(now);
    // Asked for anew, a task is a new one to the phone, which would not do the old one twice.
    let anew = job.kind != CONFIGURE && state == JobState::Ready;
    let (command_key, result, memo) = match anew {
        true => (tasks::next_command_key(&job), String::new(), String::new()),
        false => (job.command_key.clone(), job.result.clone(), job.memo.clone()),
    };
    job::Entity::update_many()
        .col_expr(job::Column::CommandKey, Expr::value(command_key))
        .col_expr(job::Column::Result, Expr::value(result))
        .col_expr(job::Column::Memo, Expr::value(memo))
        .col_expr(job::Column::State, Expr::value(state.as_str()))
        .col_expr(job::Column::Note, Expr::value(note))
        .col_expr(job::Column::DoneAt, Expr::value(done_at))
        .col_expr(job::Column::RunAt, Expr::value(now))
        .col_expr(job::Column::Attempts, Expr::value(0))
        .col_expr(job::Column::Step, Expr::value(AGAIN))
        // Whoever may still hold it loses it.
        .col_expr(job::Column::Fence, Expr::value(job.fence + 1))
        .filter(job::Column::Id.eq(job.id))
        .exec(&write.tx)
        .await?;
    audit::record(&write.tx, actor, action, &job.id.to_string(), job.summary.clone()).await?;
    settle(&write.tx, job.phone_id, Some(job.id)).await?;
    let job = job::Entity::find_by_id(id.0).one(&write.tx).await?.ok_or_else(|| not_found("job"))?;
    let room = room_of(&write.tx, job.phone_id).await?;
    write.commit().await?;
    app.live.wake();
    if state == JobState::Ready {
        app.nudge([contract::PhoneId(job.phone_id)]);
    }
    Ok(views::job_view(&job, room.as_ref()))
}

async fn room_of(tx: &impl ConnectionTrait, phone: Uuid) -> Result<Option<room::Model>> {
    let phone = phone::Entity::find_by_id(phone).one(tx).await?;
    match phone.and_then(|phone| phone.room_id) {
        Some(id) => Ok(room::Entity::find_by_id(id).one(tx).await?),
        None => Ok(None),
    }
}

/// A job that waits, for tests.
#[cfg(test)]
pub(crate) fn blank(phone: Uuid, kind: &str) -> job::Model {
    job::Model {
        id: Uuid::now_v7(),
        phone_id: phone,
        kind: kind.to_owned(),
        state: JobState::Ready.as_str().to_owned(),
        step: String::new(),
        summary: String::new(),
        note: String::new(),
        version: 0,
        attempts: 0,
        max_attempts: 8,
        run_at: 0,
        lease_until: 0,
        fence: 0,
        created_at: 0,
        created_by: String::new(),
        done_at: None,
        detail: String::new(),
        result: String::new(),
        command_key: String::new(),
        memo: String::new(),
        change_set_id: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_only_fetched_is_not_said_to_be_in_sync() {
        let after = |state: JobState, step: &str| {
            let job =
                job::Model { state: state.as_str().to_owned(), step: step.to_owned(), ..blank(Uuid::nil(), CONFIGURE) };
            (sync_after(&job), views::job_view(&job, None).fetched)
        };
        assert_eq!(after(JobState::Done, FETCHED), (SyncState::Fetched, true));
        assert_eq!(after(JobState::Done, ""), (SyncState::InSync, false));
        assert_eq!(after(JobState::Ready, ""), (SyncState::Pending, false));
        assert_eq!(after(JobState::Parked, SENT), (SyncState::Failed, false));
    }
}
