//! A task and its result as they are kept in a job's row. Values of secret parameters are sealed there and masked in
//! every answer.

use contract::rest::{SECRET_MASK, Task, TaskResult};

use crate::app::{Result, parameters};
use crate::db::entity::job;
use crate::secrets::Secrets;

const SEALED: &str = "task-value";

fn map_secrets<E>(
    task: &mut Task,
    change: impl Fn(&str) -> std::result::Result<String, E>,
) -> std::result::Result<(), E> {
    if let Task::SetParameters { values } = task {
        for value in values.iter_mut().filter(|value| parameters::is_secret(&value.path)) {
            value.value = change(&value.value)?;
        }
    }
    Ok(())
}

/// The text for `job.detail`.
pub fn keep(secrets: &Secrets, task: &Task) -> Result<String> {
    let mut task = task.clone();
    map_secrets(&mut task, |value| secrets.seal(SEALED, value))?;
    Ok(serde_json::to_string(&task)?)
}

/// What was asked, with secrets, to be sent to the phone.
pub fn open(secrets: &Secrets, job: &job::Model) -> Result<Task> {
    let mut task: Task = serde_json::from_str(&job.detail)?;
    map_secrets(&mut task, |value| secrets.open(SEALED, value))?;
    Ok(task)
}

/// What was asked, for people. `None`: a change of settings, or a kind of a newer version.
pub fn show(job: &job::Model) -> Option<Task> {
    let mut task: Task = serde_json::from_str(&job.detail).ok()?;
    map_secrets(&mut task, |_| Ok::<_, std::convert::Infallible>(SECRET_MASK.to_owned())).ok()?;
    Some(task)
}

pub fn result(job: &job::Model) -> Option<TaskResult> {
    serde_json::from_str(&job.result).ok()
}
