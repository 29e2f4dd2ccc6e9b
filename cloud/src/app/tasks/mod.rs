//! Tasks: what a person asks of one phone. A task is a job like a change of settings: it waits for the phone, survives
//! restarts, is claimed under a lease and named by a fence. What it asks is in `job.detail`, what came of it in
//! `job.result`. How it is carried out in a session is in `app/session/drive`.
//!
//! To add a task: a variant of [`Task`], its limits in `check`, its words in `words`, its beginning in
//! `session/drive/tasks.rs`.

mod check;
pub mod lane;
pub mod restart;
pub mod stored;
pub mod told;
pub mod words;

use contract::rest::{JobState, JobView, Task, command_key};
use contract::{FileId, JobId, PhoneId};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter};
use uuid::Uuid;

use super::close::close_with;
use super::error::{conflict, invalid, not_found};
use super::idempotency::Once;
use super::live::{Touched, touch};
use super::{Actor, App, Result, audit, desired, jobs, views};
use crate::clock::now_ms;
use crate::db::entity::{file, job, phone, room};

pub use lane::heard_result;

pub use check::{MAX_PATH, MAX_TEST_BYTES, file_type, install, name};

/// Tasks of one phone that may wait; more are a mistake, and would be carried out when nobody remembers them.
const MAX_WAITING: u64 = 100;

/// Makes a task for a phone.
pub async fn create(app: &App, actor: &Actor, once: &Once, id: PhoneId, task: Task) -> Result<JobView> {
    check::check(&task)?;
    let write = app.db.write_beside().await?;
    let tx = &write.tx;
    if let Some(answer) = once.replay(tx).await? {
        return Ok(answer);
    }
    let phone = phone::Entity::find_by_id(id.0).one(tx).await?.ok_or_else(|| not_found("phone"))?;
    desired::accepted(&phone)?;
    let file = file_of(tx, &task).await?;
    if let Task::CancelTransfer { job } = task {
        transfer_of(tx, &phone, job).await?;
    }
    let job = add(app, tx, &phone, actor, task, file.as_deref()).await?;
    audit::record(tx, actor, &format!("task.{}", job.kind), &id.to_string(), job.summary.clone()).await?;
    let room = match phone.room_id {
        Some(room) => room::Entity::find_by_id(room).one(tx).await?,
        None => None,
    };
    let answer = views::job_view(&job, room.as_ref());
    close_with(app, write, once, &[job], answer).await
}

/// Puts a task that was checked to those the phone is to carry out. `file` is the name of the file it sends.
///
/// # Errors
/// A conflict, where too many wait already.
pub async fn add(
    app: &App,
    tx: &impl ConnectionTrait,
    phone: &phone::Model,
    actor: &Actor,
    task: Task,
    file: Option<&str>,
) -> Result<job::Model> {
    let waiting = job::Entity::find()
        .filter(job::Column::PhoneId.eq(phone.id))
        .filter(job::Column::Kind.ne(jobs::CONFIGURE))
        .filter(job::Column::State.is_in([JobState::Ready.as_str(), JobState::Running.as_str()]))
        .count(tx)
        .await?;
    if waiting >= MAX_WAITING {
        let detail = format!("{waiting} tasks wait for this phone already. Let it come in, or cancel some.");
        return Err(conflict("tasks-waiting", "phone", detail));
    }
    insert(app, tx, phone, actor, &task, words::summary(&task, file), "").await
}

/// The same, however many wait. `memo` is what its first attempt is to know.
async fn insert(
    app: &App,
    tx: &impl ConnectionTrait,
    phone: &phone::Model,
    actor: &Actor,
    task: &Task,
    summary: String,
    memo: &str,
) -> Result<job::Model> {
    let mut job = desired::new_job(app, phone, actor, summary, 0);
    job.kind = task.kind().to_owned();
    job.detail = stored::keep(&app.secrets, task)?;
    job.memo = memo.to_owned();
    job.command_key = command_key(JobId(job.id));
    if !phone.connected {
        job.note = "The phone is not connected; this is done when it next phones home.".to_owned();
    }
    job::Entity::insert(job.clone().into_active_model()).exec(tx).await?;
    touch(tx, [Touched { job: Some(job.id), ..Touched::phone(phone) }]).await?;
    Ok(job)
}

/// The name of the file a task sends; refuses one that is not there.
async fn file_of(tx: &impl ConnectionTrait, task: &Task) -> Result<Option<String>> {
    let id = match task {
        Task::Download(order) => order.file,
        Task::ScheduleDownload { file, .. } => Some(*file),
        _ => None,
    };
    let Some(FileId(id)) = id else { return Ok(None) };
    let found = file::Entity::find_by_id(id).filter(file::Column::Complete.eq(true)).one(tx).await?;
    found.map(|file| Some(file.name)).ok_or_else(|| invalid("file", "There is no such file. It may have been removed."))
}

/// The job whose transfer is to be cancelled.
async fn transfer_of(tx: &impl ConnectionTrait, phone: &phone::Model, id: JobId) -> Result<()> {
    let job = job::Entity::find_by_id(id.0).filter(job::Column::PhoneId.eq(phone.id)).one(tx).await?;
    let job = job.ok_or_else(|| invalid("job", "This phone has no such job."))?;
    match job.kind.as_str() {
        "download" | "upload" | "schedule-download" => Ok(()),
        _ => Err(invalid("job", "Only downloads and uploads can be cancelled on the phone.")),
    }
}

/// A name by which the phone does not know this task yet: for when a person asks for it once more. (A phone that was told
/// a name before does not do it a second time.)
pub fn next_command_key(job: &job::Model) -> String {
    let plain = command_key(JobId(job.id));
    let before = job.command_key.strip_prefix(&plain[..29]).and_then(|end| u8::from_str_radix(end.get(1..)?, 16).ok());
    let turn = match job.command_key == plain {
        true => 1,
        false => before.unwrap_or(0).wrapping_add(1).max(1),
    };
    format!("{}r{turn:02x}", &plain[..29])
}

/// Parks tasks that no phone came for.
pub async fn expire(tx: &impl ConnectionTrait, days: u32) -> Result<()> {
    let before = now_ms() - i64::from(days) * 24 * 3_600_000;
    let old = job::Entity::find()
        .filter(job::Column::Kind.ne(jobs::CONFIGURE))
        .filter(job::Column::State.eq(JobState::Ready.as_str()))
        .filter(job::Column::CreatedAt.lt(before))
        // A person put it back to work.
        .filter(job::Column::RunAt.lt(before))
        .all(tx)
        .await?;
    for job in old {
        let note = format!("The phone did not come for it in {days} days. Retry it if it is still wanted.");
        jobs::conclude(tx, &job, jobs::Outcome::Refused(note), None).await?;
    }
    Ok(())
}

/// The task of a phone that it knows by this key and that is not over.
pub async fn open_by_key(tx: &impl ConnectionTrait, phone: Uuid, key: &str) -> Result<Option<job::Model>> {
    if key.is_empty() {
        return Ok(None);
    }
    Ok(job::Entity::find()
        .filter(job::Column::CommandKey.eq(key))
        .filter(job::Column::PhoneId.eq(phone))
        .filter(job::Column::State.is_in([JobState::Ready.as_str(), JobState::Running.as_str()]))
        .one(tx)
        .await?)
}
